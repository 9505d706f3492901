"""The shapes of what two schemes sign on their line. Source: docs/protocol.md 6.1–6.3, 7.4."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.canonical import encode
from crypto.digest import object_id
from protocol.errors import InvalidValue, MalformedMessage
from protocol.limits import AMOUNT_MAX, LINE_OPEN_LOCKS_MAX, MEMO_BYTES_MAX, NOTE_BYTES_MAX, SEQ_MAX
from protocol.line_ops import (
    RELEASE_REASONS,
    ZERO32,
    Claim,
    Close,
    Credit,
    Limit,
    Lock,
    Mark,
    Op,
    Open,
    Release,
    SyncAnswer,
    SyncAsk,
    Terms,
    receipt_bytes,
)
from protocol.message import decode_message, encode_message, to_value
from protocol.names import LineId, QuoteId
from tests.builders import HILLTOP, NOW, OAKVALE, limits, lock, terms_between
from tests.vector_making import filler

TERMS = terms_between(OAKVALE, HILLTOP)
ONE_OF_EACH = (
    Open(low=TERMS.low, high=TERMS.high, nonce=TERMS.nonce),
    limits(5),
    lock(5, route=(OAKVALE.id, HILLTOP.id), note=b"note", memo=b"memo"),
    Claim(lock=3, receipt=filler("receipt", 64), memo=b"memo"),
    Release(lock=3, reason="no-way"),
    Credit(amount=5),
    Mark(owed=-5, own_length=3, peer_length=4, state=filler("state")),
    Close(),
)


def op(step, **changes):
    plain = {
        "line": TERMS.line_id(),
        "author": OAKVALE.id,
        "epoch": 0,
        "seq": 1,
        "prev": ZERO32,
        "ack": 0,
        "ack_id": ZERO32,
        "time": NOW,
        "state": filler("state"),
        "step": step,
    }
    return Op(**{**plain, **changes})


@pytest.mark.parametrize("step", ONE_OF_EACH, ids=lambda step: step.TAG)
def test_an_op_of_every_kind_survives_the_wire(step):
    """Rules 1.2, 6.2."""
    whole = op(step)

    assert decode_message(Op, encode_message(whole)) == whole


def test_the_body_of_an_op_has_the_fields_of_the_rule_in_its_order():
    """Rule 6.2, written out."""
    value = to_value(op(Release(lock=7, reason="gone")))

    line, author, state = TERMS.line_id(), OAKVALE.id, filler("state")
    assert value == (
        "interlets/1/op",
        line,
        author,
        0,
        1,
        ZERO32,
        0,
        ZERO32,
        NOW,
        state,
        ("RELEASE", 7, "gone"),
    )


def test_the_id_of_the_terms_is_the_id_of_the_line():
    """Rule 6.1: both sides open the same line, whoever asked first."""
    assert terms_between(OAKVALE, HILLTOP) == terms_between(OAKVALE, HILLTOP)
    assert TERMS.line_id() == LineId(object_id(encode_message(TERMS)))
    other_nonce = Terms(low=TERMS.low, high=TERMS.high, nonce=bytes(16))
    assert other_nonce.line_id() != TERMS.line_id()


@pytest.mark.parametrize("kind", [Terms, Open])
@pytest.mark.parametrize("low, high", [(TERMS.high, TERMS.low), (TERMS.low, TERMS.low)])
def test_terms_name_the_lower_scheme_first_and_two_different_ones(kind, low, high):
    """Rule 6.1. Also inside an OPEN from outside, where it must be malformed, not a surprise later."""
    with pytest.raises(InvalidValue):
        kind(low=low, high=high, nonce=TERMS.nonce)


def test_an_open_with_its_schemes_swapped_is_malformed_on_the_wire():
    """Rule 6.1."""
    value = to_value(op(ONE_OF_EACH[0]))
    kind, low, high, *rest = value[-1]
    body = encode((*value[:-1], (kind, high, low, *rest)))

    with pytest.raises(MalformedMessage):
        decode_message(Op, body)


@pytest.mark.parametrize(
    "step, name, wrong",
    [
        (ONE_OF_EACH[1], "owed_max", -1),
        (ONE_OF_EACH[1], "owed_max", AMOUNT_MAX + 1),
        (ONE_OF_EACH[1], "pending_max", True),
        (ONE_OF_EACH[1], "open_max", LINE_OPEN_LOCKS_MAX + 1),
        (ONE_OF_EACH[2], "quote_id", bytes(31)),
        (ONE_OF_EACH[2], "part", 0),
        (ONE_OF_EACH[2], "part", 2),  # of one
        (ONE_OF_EACH[2], "amount", 0),
        (ONE_OF_EACH[2], "amount", AMOUNT_MAX + 1),
        (ONE_OF_EACH[2], "receipt_key", bytes(33)),
        (ONE_OF_EACH[2], "mode", "loose"),
        (ONE_OF_EACH[2], "deadline", -1),
        (ONE_OF_EACH[2], "route", (bytes(32),) * 7),
        (ONE_OF_EACH[2], "route", (bytes(16),)),
        (ONE_OF_EACH[2], "note", bytes(NOTE_BYTES_MAX + 1)),
        (ONE_OF_EACH[2], "memo", bytes(MEMO_BYTES_MAX + 1)),
        (ONE_OF_EACH[3], "lock", 0),
        (ONE_OF_EACH[3], "receipt", bytes(63)),
        (ONE_OF_EACH[3], "memo", bytes(MEMO_BYTES_MAX + 1)),
        (ONE_OF_EACH[4], "lock", SEQ_MAX + 1),
        (ONE_OF_EACH[4], "reason", "limit-reached"),
        (ONE_OF_EACH[5], "amount", 0),
        (ONE_OF_EACH[6], "owed", -AMOUNT_MAX - 1),
        (ONE_OF_EACH[6], "own_length", -1),
        (ONE_OF_EACH[6], "state", b""),
    ],
    ids=lambda value: getattr(value, "TAG", None) or str(value)[:24],
)
def test_a_step_out_of_its_range_cannot_be_made(step, name, wrong):
    """Rules 1.5, 6.3."""
    values = {each.name: getattr(step, each.name) for each in fields(step)}
    with pytest.raises(InvalidValue):
        type(step)(**{**values, name: wrong})


@pytest.mark.parametrize(
    "name, wrong",
    [
        ("line", bytes(31)),
        ("author", bytes(33)),
        ("epoch", -1),
        ("seq", 0),
        ("seq", True),
        ("prev", b""),
        ("ack", -1),
        ("ack_id", bytes(16)),
        ("time", 2**53),
        ("state", bytes(31)),
        ("step", TERMS),
    ],
)
def test_an_op_out_of_its_range_cannot_be_made(name, wrong):
    """Rules 1.5, 6.2."""
    with pytest.raises(InvalidValue):
        op(**{"step": Credit(amount=1), name: wrong})


@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_are_an_op_or_malformed(data):
    """I11."""
    try:
        whole = decode_message(Op, data)
    except MalformedMessage:
        return
    assert encode_message(whole) == data


@given(at=st.integers(0, 600), bit=st.integers(0, 7))
def test_a_flipped_bit_never_gives_the_same_op(at, bit):
    """I11: equal ops have equal bytes, and only those."""
    whole = op(ONE_OF_EACH[2])
    body = bytearray(encode_message(whole))
    body[at % len(body)] ^= 1 << bit
    try:
        assert decode_message(Op, bytes(body)) != whole
    except MalformedMessage:
        pass


def test_a_full_lock_fits_an_object():
    """Rule 1.1: the largest op of all is far below 16 KiB."""
    full = lock(AMOUNT_MAX, route=(bytes(32),) * 6, note=bytes(NOTE_BYTES_MAX), memo=bytes(MEMO_BYTES_MAX))

    assert len(encode_message(op(full))) < 2048


def test_release_reasons_say_nothing_about_limits_or_members():
    """Rule 7.1: on the wire, refusals do not leak."""
    assert RELEASE_REASONS == ("gone", "price-changed", "no-way", "cannot-now", "too-late", "not-wanted")


def test_a_receipt_signs_one_quote_id_in_an_array():
    """Rule 7.4: tag ‖ LC1[quote_id]; here the LC1 part."""
    quote_id = QuoteId(filler("quote"))

    assert receipt_bytes(quote_id) == b"\x91\xc4\x20" + quote_id


@pytest.mark.parametrize(
    "message",
    [
        SyncAsk(line=TERMS.line_id(), epoch=0, boot=bytes(16), own_length=3, seen_length=4),
        SyncAnswer(
            line=TERMS.line_id(),
            epoch=0,
            author=OAKVALE.id,
            boot=bytes(16),
            own_length=3,
            own_id=filler("own"),
            seen_length=4,
            seen_id=filler("seen"),
        ),
        TERMS,
    ],
    ids=lambda message: message.TAG,
)
def test_the_other_messages_survive_the_wire(message):
    """Rules 6.1, 6.5."""
    assert decode_message(type(message), encode_message(message)) == message
    assert isinstance(message, (SyncAsk, SyncAnswer, Terms))


def test_lock_and_limit_have_the_fields_of_the_table():
    """Rule 6.3: a tag never gains fields (9.5)."""
    assert [each.name for each in fields(Lock)] == [
        *("quote_id", "part", "parts", "amount", "receipt_key", "mode", "deadline", "route", "note", "memo")
    ]
    assert [each.name for each in fields(Limit)] == ["owed_max", "pending_max", "open_max"]
    assert [each.name for each in fields(Claim)] == ["lock", "receipt", "memo"]
