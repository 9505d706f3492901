"""Quotes: what the payee promises, what the payer may take, and the moments that count. Source: 7.1, 7.4, I12."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import VerifyingKey
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.limits import AMOUNT_MAX, LOCK_DEADLINE_MS, NOTE_BYTES_MAX, QUOTE_VALID_MS
from protocol.line import receipt_opens
from protocol.message import decode_message, encode_message, open_message, sign_message
from protocol.names import Handle, ItemKey, QuoteId
from protocol.quote import (
    READY,
    REFUSALS,
    Acceptance,
    Answer,
    ChequeRequest,
    Offered,
    Quote,
    QuoteAnswer,
    QuoteAsk,
    QuoteFault,
    QuoteReply,
    QuoteRequest,
    Refused,
    binding,
    check_quote,
    deadline,
    description_digest,
    fits_note,
    is_fresh,
    make_receipt,
    note_binding,
    payee_now,
    quote_id_of,
    read_request,
    request_bytes,
)
from protocol.units import HOUR, Rate
from tests.builders import (
    HILLTOP,
    KEY_SEQ,
    NOW,
    OAKVALE,
    RIVERSIDE,
    SCHEMES,
    acceptance,
    quote,
    request,
)
from tests.vector_making import filler

ASK = filler("ask", 16)
LISTING = ItemKey(filler("listing", 16))


def fault(body, asked=None, **changes):
    plain = {"payer": OAKVALE.id, "payee": RIVERSIDE.id, "nonce": ASK, "receipt_key_known": True}
    return check_quote(body, asked or request(), **{**plain, **changes})


# --- check_quote -----------------------------------------------------------------------------------------------


def test_the_quote_that_was_asked_for_is_taken():
    """Rule 7.1."""
    assert fault(quote().body) is None
    by_listing = request(listing=LISTING, payee_handle=None)
    assert fault(quote(by_listing).body, by_listing) is None


@pytest.mark.parametrize(
    "changes, answer",
    [
        ({"payer_scheme": HILLTOP.id}, QuoteFault.NOT_MINE),
        ({"payee_scheme": HILLTOP.id}, QuoteFault.NOT_MINE),
        ({"nonce": bytes(16)}, QuoteFault.NOT_MINE),
        ({"listing": LISTING}, QuoteFault.OTHER_TERMS),
        ({"amount": 61}, QuoteFault.OTHER_TERMS),
        ({"amount": 59, "hours": 59 * HOUR // 60}, QuoteFault.OTHER_TERMS),
        ({"description": description_digest("jam and eggs")}, QuoteFault.OTHER_TERMS),
        ({"payee_handle": Handle(bytes(16))}, QuoteFault.OTHER_TERMS),
        ({"hours": HOUR + 1}, QuoteFault.WRONG_HOURS),
        ({"hours": HOUR - 1}, QuoteFault.WRONG_HOURS),
        ({"rate": 59}, QuoteFault.WRONG_HOURS),
        ({"valid_until": NOW}, QuoteFault.TOO_OLD),
        ({"valid_until": NOW - 1}, QuoteFault.TOO_OLD),
        ({"valid_until": NOW + QUOTE_VALID_MS + 1}, QuoteFault.TOO_OLD),
        ({"time": NOW - 1}, QuoteFault.TOO_OLD),
        ({"valid_until": NOW + 1}, None),
        ({"unit": "acorns"}, None),  # the unit is the payee's to name
        ({"receipt_key": bytes(32)}, None),  # whether it is known is the caller's to say
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_quote_over_other_terms_is_not_taken(changes, answer):
    """Rule 7.1, in the order of the checks."""
    assert fault(replace(quote().body, **changes)) is answer


def test_a_receipt_key_that_is_not_the_payees_is_not_taken():
    """Rules 2.3, 7.4."""
    assert fault(quote().body, receipt_key_known=False) is QuoteFault.KEY_UNKNOWN


def test_a_quote_for_a_listing_may_name_whom_it_belongs_to():
    """Rule 7.1: only when the asker named the person, the answer must name the same one."""
    by_listing = request(listing=LISTING, payee_handle=None)
    body = quote(by_listing).body

    assert fault(replace(body, payee_handle=Handle(bytes(16))), by_listing) is None


@pytest.mark.parametrize("hours", [1, AMOUNT_MAX])
def test_a_price_beyond_what_hours_may_be_is_a_fault_not_a_crash(hours):
    """Rule 0.5: a hostile quote whose hours cannot even be reckoned."""
    dear = request(AMOUNT_MAX)
    body = replace(quote(request(1)).body, amount=AMOUNT_MAX, hours=hours, rate=1)

    assert fault(body, dear) is QuoteFault.WRONG_HOURS


def test_a_node_does_not_promise_more_hours_than_there_may_be():
    """Rule 1.5."""
    with pytest.raises(InvalidValue):
        quote(request(AMOUNT_MAX), rate=Rate(minor_per_hour=1))


@given(amount=st.integers(1, 10**9), rate=st.integers(1, 3_600_000))
def test_what_a_payee_makes_its_payer_takes(amount, rate):
    """Rule 7.1."""
    asked = request(amount)
    body = quote(asked, rate=Rate(minor_per_hour=rate)).body

    assert fault(body, asked) is None
    assert decode_message(Quote, encode_message(body)) == body


# --- Moments -----------------------------------------------------------------------------------------------------

SKEW = 3 * 60_000
RECEIVED = NOW + SKEW  # on the payer's clock, three minutes ahead


@pytest.mark.parametrize(
    "passed, valid_for, expected",
    [
        (0, QUOTE_VALID_MS, LOCK_DEADLINE_MS),
        (1, QUOTE_VALID_MS, QUOTE_VALID_MS),
        (60_000, QUOTE_VALID_MS, QUOTE_VALID_MS),
        (0, 60_000, 60_000),
        (59_999, 60_000, 60_000),
        (-5_000, QUOTE_VALID_MS, LOCK_DEADLINE_MS),  # the payer's clock was set back meanwhile
    ],
)
def test_the_deadline_is_reckoned_on_the_payees_clock(passed, valid_for, expected):
    """Rule 7.1: min(now + 10 min, valid_until); the skew of the payer's clock does not matter."""
    body = replace(quote().body, valid_until=NOW + valid_for)

    assert deadline(body, RECEIVED, RECEIVED + passed) == NOW + expected
    assert payee_now(body, RECEIVED, RECEIVED + passed) == NOW + max(0, passed)


@pytest.mark.parametrize(
    "passed, fresh", [(0, True), (QUOTE_VALID_MS - 1, True), (QUOTE_VALID_MS, False), (-1, True)]
)
def test_a_payment_begins_only_on_a_fresh_quote(passed, fresh):
    """Rule 7.1."""
    assert is_fresh(quote().body, RECEIVED, RECEIVED + passed) is fresh


# --- I12 and bindings --------------------------------------------------------------------------------------------


def test_i12_a_receipt_is_for_one_quote_and_by_one_key():
    """I12, rule 7.4."""
    one, two = quote(), quote(request(30))
    receipt = make_receipt(quote_id_of(one), RIVERSIDE.receipt_key)

    assert receipt_opens(one.body.receipt_key, quote_id_of(one), receipt)
    assert not receipt_opens(one.body.receipt_key, quote_id_of(two), receipt)
    assert not receipt_opens(HILLTOP.receipt_key.public.raw, quote_id_of(one), receipt)
    assert not receipt_opens(RIVERSIDE.line_key.public.raw, quote_id_of(one), receipt)


def line_key(body, key_seq):
    scheme = body.payee_scheme if isinstance(body, Quote) else body.payer_scheme
    return SCHEMES[scheme].line_key.public if key_seq == KEY_SEQ else None


def test_i12_quotes_and_acceptances_count_only_under_the_key_of_the_scheme_they_name():
    """I12: both schemes have signed the same terms, each by itself."""
    promised = quote()
    accepted = acceptance(promised)
    assert open_message(Quote, promised.wire, line_key) == promised
    assert open_message(Acceptance, accepted.wire, line_key) == accepted

    by_payer = sign_message(promised.body, OAKVALE.line_key, KEY_SEQ)
    by_payee = sign_message(accepted.body, RIVERSIDE.line_key, KEY_SEQ)
    with pytest.raises(NotAuthentic):
        open_message(Quote, by_payer.wire, line_key)
    with pytest.raises(NotAuthentic):
        open_message(Acceptance, by_payee.wire, line_key)


def test_i12_a_receipt_is_no_signature_under_a_quote():
    """I12: one key signing both would still keep them apart; here through the tag."""
    promised = quote()
    key = VerifyingKey(RIVERSIDE.receipt_key.public.raw)
    receipt = make_receipt(quote_id_of(promised), RIVERSIDE.receipt_key)

    assert not key.verifies(receipt, b"interlets/1/quote\x00" + promised.body_bytes)
    assert not key.verifies(receipt, b"interlets/1/acceptance\x00\x91\xc4\x20" + promised.id)
    assert key.verifies(receipt, b"interlets/1/receipt\x00\x91\xc4\x20" + promised.id)


def test_the_id_of_a_quote_covers_every_field():
    """Rule 7.1: the signature under the id is a signature under all of it."""
    body = quote().body
    changes = [
        {"payee_scheme": HILLTOP.id},
        {"payer_scheme": HILLTOP.id},
        {"nonce": bytes(16)},
        {"payee_handle": Handle(bytes(16))},
        {"listing": LISTING},
        {"amount": 61},
        {"unit": "acorns"},
        {"hours": 1},
        {"rate": 61},
        {"description": bytes(32)},
        {"time": NOW + 1},
        {"valid_until": NOW + 1},
        {"receipt_key": bytes(32)},
    ]
    ids = {quote(change=lambda plain, new=new: replace(plain, **new)).id for new in [{}, *changes]}

    assert len(ids) == len(changes) + 1 == len(fields(Quote)) + 1
    assert quote().body == body


def test_sealed_parts_are_bound_to_their_ask_and_their_quote():
    """Rule 7.1, I12: none can be moved elsewhere."""
    payer, payee = OAKVALE.id, RIVERSIDE.id
    bound = {
        binding(ASK, payer, payee),
        binding(ASK, payee, payer),
        binding(bytes(16), payer, payee),
        binding(ASK, HILLTOP.id, payee),
        binding(ASK, payer, HILLTOP.id),
        note_binding(QuoteId(ASK + ASK)),
        note_binding(QuoteId(bytes(32))),
        description_digest("jam"),
    }
    assert len(bound) == 8


# --- Shapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        request(),
        request(listing=LISTING, payee_handle=None),
        QuoteAsk(nonce=ASK, route=(OAKVALE.id, HILLTOP.id, RIVERSIDE.id), sealed=b"sealed"),
        QuoteAnswer(outcome=Offered(wire=quote().wire, payee_name="Karim")),
        QuoteAnswer(outcome=Refused(reason="price-changed", amount=70)),
        QuoteAnswer(outcome=Refused(reason="gone")),
        QuoteReply(
            nonce=ASK,
            hours=HOUR,
            sealed=b"sealed",
            answers=(
                Answer(scheme=RIVERSIDE.id, word=READY),
                Answer(scheme=HILLTOP.id, word="no-way"),
            ),
        ),
        acceptance(quote()).body,
    ],
    ids=lambda message: message.TAG,
)
def test_what_is_said_about_a_price_survives_the_wire(message):
    """Rule 7.1."""
    assert decode_message(type(message), encode_message(message)) == message
    assert isinstance(message, (QuoteRequest, QuoteAsk, QuoteAnswer, QuoteReply, Acceptance))


def test_a_request_names_a_listing_or_a_person():
    """Rule 7.1."""
    with pytest.raises(InvalidValue):
        request(payee_handle=None)
    assert decode_message(QuoteRequest, request_bytes(request())) == request()


def test_a_request_from_a_cheque_names_a_number_and_a_name():
    """Rule 7.11: and nobody in a second way; it is a message of its own, which older nodes do not read (9.5)."""
    said = {field.name: getattr(request(), field.name) for field in fields(QuoteRequest)}
    named = {**said, "payee_handle": None, "number": 412, "name": "Karim"}
    sent = ChequeRequest(**named)
    assert read_request(request_bytes(sent)) == sent
    assert read_request(request_bytes(request())) == request()
    with pytest.raises(MalformedMessage):
        decode_message(QuoteRequest, request_bytes(sent))
    for wrong in ({"number": 0}, {"name": ""}, {"payee_handle": said["payee_handle"]}, {"listing": LISTING}):
        with pytest.raises(InvalidValue):
            ChequeRequest(**{**named, **wrong})


@pytest.mark.parametrize("route", [(), (OAKVALE.id,), (OAKVALE.id,) * 8])
def test_a_route_has_two_ends_and_at_most_six_hops(route):
    """Rule 7.2."""
    with pytest.raises(InvalidValue):
        QuoteAsk(nonce=ASK, route=route, sealed=b"")


def test_refusals_on_the_wire_are_the_four():
    """Rule 7.1: limits and the state of members do not leak."""
    assert REFUSALS == ("gone", "price-changed", "no-way", "cannot-now")
    with pytest.raises(InvalidValue):
        Answer(scheme=HILLTOP.id, word="no-credit")
    with pytest.raises(InvalidValue):
        Refused(reason=READY)


def test_the_largest_quote_and_acceptance_fit_where_they_travel():
    """Rules 6.3, 7.1: the quote in an answer, the acceptance sealed in a LOCK's note."""
    largest = quote(
        change=lambda plain: replace(
            plain,
            listing=LISTING,
            amount=AMOUNT_MAX,
            hours=AMOUNT_MAX,
            rate=3_600_000,
            time=AMOUNT_MAX,
            valid_until=AMOUNT_MAX,
            unit="u" * 32,
        )
    )
    answer = QuoteAnswer(outcome=Offered(wire=largest.wire, payee_name="K" * 160))
    assert len(encode_message(answer)) < 1024
    wire = acceptance(quote()).wire
    assert fits_note(wire, overhead=128)
    assert fits_note(wire, NOTE_BYTES_MAX - len(wire))
    assert not fits_note(wire, NOTE_BYTES_MAX - len(wire) + 1)
