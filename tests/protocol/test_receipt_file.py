"""How a receipt is spelled, and what goes into it. Source: docs/protocol.md 4.4, 7.9."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.canonical import encode
from crypto.signing import SIGNATURE_BYTES, split
from protocol.errors import InvalidValue, MalformedMessage
from protocol.identity_events import LEDGER, LINE
from protocol.limits import RECEIPT_BYTES_MAX, RECEIPT_WITNESSES_MAX
from protocol.names import EntryId
from protocol.receipt_file import (
    ByKey,
    check_code,
    decode_receipt,
    encode_receipt,
    introduce,
    quote_in,
    quote_parts,
)
from tests.protocol.receipts import EXAMPLES, OAKVALE, RIVERSIDE, across, local_trade, quote_of


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_file_says_what_was_put_in(name):
    receipt = EXAMPLES[name]()

    assert decode_receipt(encode_receipt(receipt)) == receipt


def test_as_many_identity_events_as_are_needed_and_no_more():
    """Rule 4.4: up to the newest key; a descriptor names how far its scheme's log had come."""
    assert introduce(OAKVALE.log, [OAKVALE.seq(LEDGER)], None).identity == OAKVALE.log[:2]
    assert introduce(OAKVALE.log, [OAKVALE.seq(LEDGER), OAKVALE.seq(LINE)], None).identity == OAKVALE.log[:4]
    assert introduce(OAKVALE.log, [OAKVALE.seq(LEDGER)], OAKVALE.descriptor).identity == OAKVALE.log


def test_a_quote_whose_signature_was_lost_is_told_apart():
    """Rule 6.7 (b): the node keeps zeros in its place."""
    quote = quote_of(OAKVALE, RIVERSIDE)
    body, key_seq, signature = split(quote.wire)

    assert quote_parts(quote.wire) == (body, ByKey(key_seq=key_seq, signature=signature))
    assert quote_parts(encode((body, 0, bytes(SIGNATURE_BYTES)))) == (body, None)


def test_the_terms_of_a_file():
    agreed = across(we_pay=True).agreed
    assert agreed is not None

    assert quote_in(agreed) == quote_of(OAKVALE, RIVERSIDE).body


def test_a_file_is_bounded():
    receipt = local_trade()
    full = replace(receipt.own, identity=receipt.own.identity * 200)

    with pytest.raises(InvalidValue):
        encode_receipt(replace(receipt, own=full))
    with pytest.raises(InvalidValue):
        replace(receipt, witnesses=receipt.witnesses[:1] * (RECEIPT_WITNESSES_MAX + 1))
    with pytest.raises(MalformedMessage):
        decode_receipt(bytes(RECEIPT_BYTES_MAX + 1))


def test_the_check_code_depends_on_entry_and_salt():
    """Rule 7.9: 80 bits that nobody can guess who has not seen the salt."""
    entry, salt = EntryId(bytes(32)), bytes(16)

    assert check_code(entry, salt) == "TGVV6C2G0BFYVQBC"
    assert check_code(EntryId(bytes([1, *bytes(31)])), salt) != check_code(entry, salt)
    assert check_code(entry, bytes([1, *bytes(15)])) != check_code(entry, salt)
