"""What a receipt proves, and that nothing in it can be changed. Source: docs/protocol.md 4.4, 2.3, 7.1, 7.4."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.canonical import NotCanonical, decode, encode
from protocol.entry import LimitsSet
from protocol.identity_events import LEDGER, LINE, RECEIPT, WITNESS
from protocol.ledger import LOCAL, SystemRole
from protocol.limits import MINUTE_MS, RECEIPT_BYTES_MAX
from protocol.log import parse_log_proof
from protocol.message import encode_message, sign_message
from protocol.names import Handle, QuoteId
from protocol.quote import Acceptance, make_receipt
from protocol.receipt_file import Receipt, encode_receipt, introduce, salted
from protocol.receipt_proof import Broken, Fault, Proven, verify_receipt
from protocol.references import reference_of
from tests.damage import damaged_bytes, damaged_value
from tests.protocol.receipts import (
    ANA,
    BEN,
    EXAMPLES,
    FALSE_RIVERSIDE,
    FERRY,
    HALF_HOUR,
    HILLTOP,
    NOW,
    OAKVALE,
    RIVERSIDE,
    across,
    entry_id,
    local_trade,
    local_words,
    moving,
    quote_of,
)
from tests.vector_making import filler

FILES = {name: encode_receipt(make()) for name, make in EXAMPLES.items()}


def proven(receipt: Receipt) -> Proven:
    found = verify_receipt(encode_receipt(receipt))
    assert isinstance(found, Proven), found
    return found


def fault(receipt: Receipt) -> Fault:
    found = verify_receipt(encode_receipt(receipt))
    assert isinstance(found, Broken)
    return found.fault


# --- What is proven ---


def test_a_trade_within_a_scheme():
    """Rule 4.4: who, what, when, in which book, and who vouches for it."""
    receipt = local_trade()
    found = proven(receipt)

    assert found.own.scheme == OAKVALE.id
    assert found.own.says is not None
    assert (found.own.says.name, len(found.own.words)) == ("Oakvale", 6)
    assert (found.entry, found.reference) == (entry_id(receipt), reference_of(entry_id(receipt)))
    assert (found.seq, found.time_ms, found.kind) == (1, NOW + MINUTE_MS, "posting")
    moved = [(leg.account, leg.amount, leg.name, leg.role) for leg in found.moved]
    assert moved == [(ANA, -120, "Ana Sanchez", None), (BEN, 120, "Ben Carter", None)]
    assert found.words == local_words()
    assert found.included is not None
    assert found.included.size == 3
    assert [(each.by.scheme, each.time_ms) for each in found.included.witnesses] == [
        (HILLTOP.id, NOW + 2 * MINUTE_MS),
        (RIVERSIDE.id, NOW + 2 * MINUTE_MS),
    ]
    assert found.agreed is None
    assert not found.key_withdrawn


@pytest.mark.parametrize("we_pay", [True, False])
def test_a_trade_across_schemes(we_pay):
    """Rules 7.1, 7.4: both schemes signed the same terms, and the payee's acknowledged the payment."""
    found = proven(across(we_pay=we_pay))

    terms = found.agreed
    assert terms is not None
    assert terms.other.scheme == (RIVERSIDE if we_pay else OAKVALE).id
    assert (terms.we_pay, terms.both_signed, terms.same_text) == (we_pay, True, True)
    assert (terms.quote.amount, terms.quote.unit, terms.quote.hours) == (600, "acorns", HALF_HOUR)
    assert found.reference == reference_of(quote_of(OAKVALE, RIVERSIDE).id)
    assert {leg.role for leg in found.moved} == {None, SystemRole.EXCHANGE}


def test_both_sides_prove_the_same_terms_under_the_same_reference():
    """Rule 7.9."""
    payer, payee = proven(across(we_pay=True)), proven(across(we_pay=False))

    assert payer.reference == payee.reference
    assert payer.agreed is not None
    assert payee.agreed is not None
    assert payer.agreed.quote == payee.agreed.quote


def test_what_is_not_published_yet_is_signed_and_no_more():
    assert proven(local_trade(proof=False)).included is None


def test_without_its_words_a_trade_still_shows_its_amounts():
    """Rule 3.1: names and texts may have been erased; log and proof stay."""
    found = proven(replace(local_trade(), words=None))

    assert found.words is None
    assert [leg.amount for leg in found.moved] == [-120, 120]
    assert {leg.name for leg in found.moved} == {""}


def test_somebody_else_who_calls_themselves_riverside_shows_it_by_the_six_words():
    """Rule 2.1: anybody may sign, under any name; the id cannot be chosen, and so the words cannot."""
    real, false = proven(local_trade(RIVERSIDE, witnesses=())), proven(local_trade(FALSE_RIVERSIDE))

    assert real.own.says is not None
    assert false.own.says is not None
    assert real.own.says.name == false.own.says.name
    assert real.own.scheme != false.own.scheme
    assert real.own.words != false.own.words


def test_terms_that_a_restore_brought_back_prove_the_payment_and_not_who_quoted():
    """Rule 6.7 (b): the quote's signature is lost; acceptance and receipt are over its id."""
    receipt = across(we_pay=True)
    assert receipt.agreed is not None
    found = proven(replace(receipt, agreed=replace(receipt.agreed, quote_signed=None)))

    assert found.agreed is not None
    assert (found.agreed.quoted, found.agreed.accepted, found.agreed.both_signed) == (False, True, False)


def test_a_receipt_outlives_its_key_where_the_log_shows_that_it_is_older():
    """Rules 2.3, 4.4: an ended key may be in a thief's hands, who cannot write into a log that is published."""
    included, bare = local_trade(), local_trade(proof=False)
    own = replace(included.own, identity=OAKVALE.with_revoked(LEDGER))

    assert proven(replace(included, own=own)).key_withdrawn
    assert fault(replace(bare, own=own)) is Fault.KEY_WITHDRAWN


# --- What is refused ---


@pytest.mark.parametrize("name", FILES)
def test_a_turned_bit_anywhere_is_refused(name):
    """Rule 4.4: a sample of each region; every bit of every file under `slow`."""
    data, chance = FILES[name], Random(4)
    for place in chance.sample(range(8 * len(data)), 60):
        _refuses(data, place)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(16))
def test_every_turned_bit_is_refused(part):
    """Rule 4.4: the whole file of a payer, in sixteen parts for as many workers."""
    data = FILES["payer"]
    for place in range(part, 8 * len(data), 16):
        _refuses(data, place)


def _refuses(data: bytes, place: int) -> None:
    changed = bytearray(data)
    changed[place // 8] ^= 1 << place % 8
    found = verify_receipt(bytes(changed))
    assert isinstance(found, Broken), f"bit {place % 8} of byte {place // 8}"


@pytest.mark.parametrize("name", ["local", "payee"])
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_damage_of_any_kind_is_refused_or_changes_nothing(name, seed):
    """Rule 0.5: whatever the bytes, there is an answer."""
    data, chance = FILES[name], Random(seed)
    assert isinstance(verify_receipt(damaged_bytes(data, chance)), Broken | Proven)
    value = damaged_value(decode(data, bytes_max=RECEIPT_BYTES_MAX), chance)
    try:
        spoilt = encode(value, bytes_max=2 * RECEIPT_BYTES_MAX)
    except NotCanonical:
        return  # nested too deep to be written at all
    assert isinstance(verify_receipt(spoilt), Broken | Proven)


@pytest.mark.parametrize("data", [b"", b"\x00", bytes(RECEIPT_BYTES_MAX + 1), b"%PDF-1.7"])
def test_what_is_no_receipt_is_said_to_be_none(data):
    found = verify_receipt(data)

    assert isinstance(found, Broken)
    assert found.fault is Fault.UNREADABLE


LOCAL_TRADE, PAYER = local_trade(), across(we_pay=True)
assert LOCAL_TRADE.words is not None
assert LOCAL_TRADE.proof is not None
assert PAYER.agreed is not None
FOREIGN = local_trade(FERRY)
OTHER_BOOK = salted(OAKVALE.entries((moving((ANA, LOCAL, -500), (BEN, LOCAL, 500)), local_words()))[0].book)
NO_TRADE = OAKVALE.entries(
    (LimitsSet(account=ANA, credit_limit=600, ceiling=None), local_words(parties=()))  # type: ignore[arg-type]
)[0]


def _proof_without_cosignatures() -> bytes:
    assert LOCAL_TRADE.proof is not None
    proof = parse_log_proof(LOCAL_TRADE.proof)
    return replace(proof, note=replace(proof.note, signatures=proof.note.signatures[:1])).data()


def _acceptance(payer=OAKVALE, signer=OAKVALE, quote: bytes = b"") -> bytes:
    body = Acceptance(
        quote_id=QuoteId(quote or quote_of(OAKVALE, RIVERSIDE).id),
        payer_scheme=payer.id,
        payer_handle=Handle(filler("ana", 16)),
    )
    return sign_message(body, signer.key(LINE), signer.seq(LINE)).wire


def _with_terms(**changes: object) -> Receipt:
    assert PAYER.agreed is not None
    return replace(PAYER, agreed=replace(PAYER.agreed, **changes))  # type: ignore[arg-type]


WRONG = {
    "the identity of nobody": (Fault.IDENTITY, replace(LOCAL_TRADE, own=replace(LOCAL_TRADE.own, identity=OAKVALE.log[1:3]))),
    "another scheme's name": (Fault.NAME, replace(LOCAL_TRADE, own=replace(LOCAL_TRADE.own, descriptor=FERRY.descriptor))),
    "an entry of another book": (Fault.ENTRY, replace(LOCAL_TRADE, entry=FOREIGN.entry)),
    "an entry signed for another purpose": (
        Fault.ENTRY,
        replace(LOCAL_TRADE, own=introduce(OAKVALE.log, [OAKVALE.seq(LEDGER) - 1], None), proof=None, witnesses=()),
    ),
    "another amount": (Fault.BOOK, replace(LOCAL_TRADE, book=OTHER_BOOK)),
    "an entry that moves nothing": (
        Fault.BOOK,
        replace(
            local_trade(proof=False), entry=NO_TRADE.signed.wire, book=salted(NO_TRADE.book), words=salted(NO_TRADE.words)
        ),
    ),
    "other words": (Fault.WORDS, replace(LOCAL_TRADE, words=replace(LOCAL_TRADE.words, salt=bytes(16)))),
    "no proof for this entry": (Fault.LOG, replace(LOCAL_TRADE, proof=FOREIGN.proof)),
    "a checkpoint key it does not show": (
        Fault.LOG, replace(LOCAL_TRADE, own=introduce(OAKVALE.log, [OAKVALE.seq(LEDGER)], None))
    ),
    "a witness less": (Fault.WITNESS, replace(LOCAL_TRADE, witnesses=LOCAL_TRADE.witnesses[:1])),
    "witnesses in another order": (Fault.WITNESS, replace(LOCAL_TRADE, witnesses=LOCAL_TRADE.witnesses[::-1])),
    "another witness": (
        Fault.WITNESS, replace(LOCAL_TRADE, witnesses=(LOCAL_TRADE.witnesses[0], FERRY.shown(WITNESS)))
    ),
    "a witness that did not sign": (Fault.WITNESS, replace(LOCAL_TRADE, proof=_proof_without_cosignatures())),
    "its own witness": (Fault.WITNESS, local_trade(witnesses=(OAKVALE,))),
    "terms of another scheme": (Fault.TERMS, _with_terms(other=FERRY.shown(LINE, RECEIPT))),
    "terms of another entry": (
        Fault.TERMS, replace(LOCAL_TRADE, agreed=PAYER.agreed)
    ),
    "terms without the words that name them": (Fault.TERMS, replace(PAYER, words=None)),
    "a quote that its scheme did not sign": (
        Fault.TERMS,
        _with_terms(quote_signed=replace(PAYER.agreed.quote_signed, signature=bytes([1]) * 64)),  # type: ignore[type-var]
    ),
    "an acceptance by another scheme": (Fault.ACCEPTANCE, _with_terms(acceptance=_acceptance(RIVERSIDE, RIVERSIDE))),
    "an acceptance in the payer's name": (Fault.ACCEPTANCE, _with_terms(acceptance=_acceptance(OAKVALE, RIVERSIDE))),
    "an acceptance of other terms": (Fault.ACCEPTANCE, _with_terms(acceptance=_acceptance(quote=bytes(32)))),
    "a payment that the payer confirms": (
        Fault.ACKNOWLEDGED,
        _with_terms(receipt=make_receipt(QuoteId(quote_of(OAKVALE, RIVERSIDE).id), OAKVALE.key(RECEIPT))),
    ),
    "a receipt key the payee never showed": (
        Fault.ACKNOWLEDGED, _with_terms(other=introduce(RIVERSIDE.log, [RIVERSIDE.seq(LINE)], None))
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_belong_together_is_refused_for_what_it_is(wrong):
    """Rule 4.4: every part is bound to the entry, to the scheme that signs it, and to its place."""
    expected, receipt = WRONG[wrong]

    assert fault(receipt) is expected


def test_amounts_that_are_not_the_terms_are_refused():
    """Rule 3.2: the hours go through `exchange`; the payee's amount is exact."""
    payee = across(we_pay=False)
    less = RIVERSIDE.entries(
        (
            moving((ANA, LOCAL, -1), (BEN, LOCAL, 1)),
            local_words(parties=(), quote=QuoteId(quote_of(OAKVALE, RIVERSIDE).id)),
        )
    )[0]

    assert (
        fault(
            replace(
                payee,
                entry=less.signed.wire,
                book=salted(less.book),
                words=salted(less.words),
                proof=None,
                witnesses=(),
            )
        )
        is Fault.TERMS
    )


def test_witnesses_of_nothing_are_no_receipt():
    data = encode_message(LOCAL_TRADE)
    value = list(decode(data, bytes_max=RECEIPT_BYTES_MAX))  # type: ignore[arg-type]
    value[6] = None

    found = verify_receipt(encode(tuple(value), bytes_max=RECEIPT_BYTES_MAX))

    assert isinstance(found, Broken)
    assert found.fault is Fault.UNREADABLE
