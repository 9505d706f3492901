"""Letters: sealed to one scheme, bound to their envelope, refused when forged. Source: docs/protocol.md 7.7, 7.8."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.keys import SigningKey
from crypto.sealing import SealingKey, seal
from protocol.entry import ListingRef
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.identity import advance, begin, make_delegate, make_inception, make_revoke
from protocol.identity_events import LINE, SESSION, next_key_digest
from protocol.letter import (
    ANSWERS,
    CHEQUE,
    DELIVERED,
    KINDS,
    MESSAGE,
    PAYMENT_REQUEST,
    Letter,
    LetterAck,
    LetterText,
    Sum,
    is_current,
    make_letter,
    open_ack,
    open_letter,
    read_letter,
    with_cheque,
)
from protocol.limits import (
    CLOCK_TOLERANCE_MS,
    LETTER_SEALED_BYTES_MAX,
    LETTER_TEXT_BYTES_MAX,
    LETTER_VALID_MS_MAX,
)
from protocol.message import encode_message, sign_message
from protocol.names import SchemeId

NOW = 1_767_225_600_000
ROOT_KEY, SESSION_KEY, LINE_KEY = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))
OAKVALE, INCEPTION = make_inception(ROOT_KEY, next_key_digest(bytes(32)), NOW)
BEGUN = begin(INCEPTION.wire)
WITH_SESSION = advance(BEGUN, make_delegate(BEGUN, ROOT_KEY, SESSION, SESSION_KEY, NOW).wire)
STATE = advance(WITH_SESSION, make_delegate(WITH_SESSION, ROOT_KEY, LINE, LINE_KEY, NOW).wire)
RIVERSIDE, HILLTOP = SchemeId(b"R" * 32), SchemeId(b"H" * 32)
SEAL_KEY, OLD_SEAL_KEY = SealingKey(b"S" * 32), SealingKey(b"s" * 32)

TEXT = LetterText(
    thread=b"T" * 16,
    kind=MESSAGE,
    from_handle=b"F" * 16,
    from_name="Ana",
    to_handle=None,
    listing=ListingRef(scheme=RIVERSIDE, key=b"K" * 16),
    amount=None,
    until=None,
    reference=None,
    text="Is the jam still there?",
)


def letter(text=TEXT, **changed):
    made = {
        "sender": OAKVALE,
        "recipient": RIVERSIDE,
        "letter": b"L" * 16,
        "expires": NOW + LETTER_VALID_MS_MAX,
        "recipient_key": SEAL_KEY.public,
        "ephemeral": b"E" * 32,
    }
    return make_letter(text, **(made | changed))


def test_a_letter_is_read_by_the_scheme_it_was_sealed_for():
    """Rule 7.7: with an old key too, as long as the node keeps it."""
    opened = open_letter(sign_message(letter(), SESSION_KEY, 1).wire, STATE)

    assert read_letter(opened.body, [SEAL_KEY]) == TEXT
    assert read_letter(opened.body, [OLD_SEAL_KEY, SEAL_KEY]) == TEXT


def test_a_carrier_reads_nothing():
    """Rule 7.7."""
    assert TEXT.text.encode() not in letter().sealed
    for keys in ([], [OLD_SEAL_KEY]):
        with pytest.raises(NotAuthentic):
            read_letter(letter(), keys)


@pytest.mark.parametrize(
    "changed", [{"sender": HILLTOP}, {"recipient": HILLTOP}, {"letter": b"M" * 16}, {"sealed": b""}]
)
def test_a_letter_cannot_be_put_into_another_envelope(changed):
    """Rule 7.7, I12: from, to and letter are bound into the sealed part."""
    with pytest.raises(NotAuthentic):
        read_letter(replace(letter(), **changed), [SEAL_KEY])


def test_an_envelope_signed_anew_may_last_longer():
    """Rule 6.3's way with revoked keys: the sealed part is the same."""
    assert read_letter(replace(letter(), expires=NOW + 1), [SEAL_KEY]) == TEXT


@pytest.mark.parametrize(
    "key, key_seq, sender",
    [(LINE_KEY, 1, OAKVALE), (LINE_KEY, 2, OAKVALE), (ROOT_KEY, 0, OAKVALE), (SESSION_KEY, 1, HILLTOP)],
)
def test_a_letter_is_signed_by_its_senders_session_key(key, key_seq, sender):
    """Rule 7.7: by no other key, and for no other sender."""
    wire = sign_message(letter(sender=sender, text=TEXT), key, key_seq).wire
    with pytest.raises(NotAuthentic):
        open_letter(wire, STATE)

    ack = LetterAck(sender=sender, recipient=RIVERSIDE, letter=b"L" * 16, time=NOW, answer=DELIVERED)
    with pytest.raises(NotAuthentic):
        open_ack(sign_message(ack, key, key_seq).wire, STATE)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_letter_is_answered(answer):
    """Rule 7.7: acknowledged."""
    ack = LetterAck(sender=OAKVALE, recipient=RIVERSIDE, letter=b"L" * 16, time=NOW, answer=answer)

    assert open_ack(sign_message(ack, SESSION_KEY, 1).wire, STATE).body == ack


def test_an_answer_is_one_of_the_known_words():
    """Rule 7.7."""
    with pytest.raises(InvalidValue):
        LetterAck(sender=OAKVALE, recipient=RIVERSIDE, letter=b"L" * 16, time=NOW, answer="blocked")


def test_a_letter_by_a_revoked_key_counts_if_it_was_seen_before():
    """Rule 2.3, I18."""
    revoked = advance(STATE, make_revoke(STATE, ROOT_KEY, 1, NOW).wire)
    wire = sign_message(letter(), SESSION_KEY, 1).wire

    assert open_letter(wire, revoked, seen_at_seq=2).body == letter()
    with pytest.raises(NotAuthentic):
        open_letter(wire, revoked)


def test_what_is_sealed_must_be_a_letter():
    """Rule 1.2: also for what came through a seal."""
    good = letter()
    sealed = seal(
        SEAL_KEY.public,
        b"interlets/1/letter",
        b"\x94\xb2interlets/1/letter\xc4\x20" + OAKVALE + b"\xc4\x20" + RIVERSIDE + b"\xc4\x10" + b"L" * 16,
        b"\xc0",
        ephemeral=b"E" * 32,
    )
    with pytest.raises(MalformedMessage):
        read_letter(replace(good, sealed=sealed), [SEAL_KEY])


def test_a_letter_speaks_of_its_two_schemes_only():
    """Rule 7.7: a price in a third scheme's unit would be read as one's own."""
    for wrong in (
        {"listing": ListingRef(scheme=HILLTOP, key=bytes(16))},
        {"amount": Sum(scheme=HILLTOP, amount=1)},
    ):
        with pytest.raises(InvalidValue):
            letter(replace(TEXT, **wrong))


def test_a_letter_needs_a_key_that_can_be_sealed_to():
    """Rule 1.4."""
    with pytest.raises(InvalidValue):
        letter(recipient_key=bytes(32))


SUM = Sum(scheme=OAKVALE, amount=500)


@pytest.mark.parametrize(
    "kind, said, allowed",
    [
        *((kind, {"amount": SUM, "until": NOW, "reference": b"R" * 16}, True) for kind in KINDS),
        (MESSAGE, {}, True),
        (PAYMENT_REQUEST, {"amount": SUM}, True),
        (PAYMENT_REQUEST, {"until": NOW, "reference": b"R"}, False),
        ("poem", {}, True),
    ],
)
def test_each_kind_says_what_it_must(kind, said, allowed):
    """Rule 7.7."""
    if allowed:
        assert replace(TEXT, kind=kind, **said).kind == kind
    else:
        with pytest.raises(InvalidValue):
            replace(TEXT, kind=kind, **said)


CHEQUE_SAID = {"number": 412, "name": "Karim", "cheque": "0077", "day": 20_516, "written": 600}


def test_a_cheque_is_a_letter_of_its_own():
    """Rules 7.11, 9.5."""
    asked = replace(TEXT, kind=CHEQUE, listing=None, amount=SUM, until=NOW, reference=b"R" * 16)
    sent = with_cheque(asked, **CHEQUE_SAID)
    assert read_letter(letter(sent), [SEAL_KEY]) == sent


@pytest.mark.parametrize(
    "text, said",
    [
        ({"kind": PAYMENT_REQUEST}, {}),
        ({"to_handle": b"H" * 16}, {}),
        ({"listing": TEXT.listing}, {}),
        ({"reference": b"R"}, {}),
        ({}, {"number": 0}),
        ({}, {"name": ""}),
        ({}, {"written": 0}),
        ({}, {"day": -1}),
        ({}, {"cheque": "7" * 81}),
    ],
)
def test_a_cheque_is_for_its_giver_and_says_all(text, said):
    """Rule 7.11."""
    asked = replace(TEXT, kind=CHEQUE, listing=None, amount=SUM, until=NOW, reference=b"R" * 16)
    with pytest.raises(InvalidValue):
        with_cheque(replace(asked, **text), **{**CHEQUE_SAID, **said})


def test_an_unknown_kind_is_read_and_not_understood():
    """Rule 7.7: so that it can be answered."""
    poem = read_letter(letter(replace(TEXT, kind="poem")), [SEAL_KEY])

    assert not poem.understood
    assert all(replace(TEXT, kind=kind, amount=SUM, until=NOW, reference=b"").understood for kind in KINDS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"thread": bytes(15)},
        {"kind": "Message"},
        {"from_handle": None},
        {"from_name": "x" * 161},
        {"to_handle": bytes(15)},
        {"until": -1},
        {"reference": bytes(33)},
        {"text": "x" * (LETTER_TEXT_BYTES_MAX + 1)},
    ],
)
def test_every_field_has_its_bounds(wrong):
    """Rule 7.7."""
    with pytest.raises(InvalidValue):
        replace(TEXT, **wrong)


def test_the_longest_letter_fits():
    """The bound of the sealed part holds the bound of the text and everything beside it."""
    longest = replace(
        TEXT,
        from_name="x" * 160,
        to_handle=bytes(16),
        amount=Sum(scheme=OAKVALE, amount=2**53 - 1),
        until=NOW,
        reference=bytes(32),
        text="x" * LETTER_TEXT_BYTES_MAX,
    )

    assert len(letter(longest).sealed) <= LETTER_SEALED_BYTES_MAX
    assert encode_message(letter(longest))


def test_a_scheme_writes_no_letter_to_itself():
    """Rule 7.7: what members of one scheme write stays in its own store."""
    with pytest.raises(InvalidValue):
        Letter(sender=OAKVALE, recipient=OAKVALE, letter=bytes(16), expires=NOW, sealed=b"")


@pytest.mark.parametrize(
    "expires, current",
    [
        (NOW, False),
        (NOW + 1, True),
        (NOW + LETTER_VALID_MS_MAX + CLOCK_TOLERANCE_MS, True),
        (NOW + LETTER_VALID_MS_MAX + CLOCK_TOLERANCE_MS + 1, False),
    ],
)
def test_a_letter_is_carried_for_14_days_at_most(expires, current):
    """Rule 7.7."""
    assert is_current(letter(expires=expires), NOW) is current
