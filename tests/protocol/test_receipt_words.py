"""What a receipt proves, in plain English. Source: docs/protocol.md 4.4; docs/pages.md 3. The rest is in tests/test_verify.py."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from protocol.descriptor import Descriptor
from protocol.entry import PROOFS
from protocol.receipt_file import encode_receipt
from protocol.receipt_proof import Fault, Proven, verify_receipt
from protocol.receipt_words import PROVED, WRONG, hours_spoken, record_of, spoken, told
from tests.protocol.receipts import EXAMPLES, NOW, OAKVALE, across, local_trade

MEMBERS_NEVER_READ = (
    "transaction",
    "debit",
    "credit",
    "peer",
    "node",
    "hash",
    "sync",
    "ledger",
    "commit",
    "token",
)


def moment(time_ms: int) -> str:
    return f"<{time_ms}>"


def proven(receipt) -> Proven:
    found = verify_receipt(encode_receipt(receipt))
    assert isinstance(found, Proven)
    return found


def unit(name: str | None, code: str, minor: int) -> Descriptor:
    return Descriptor(
        scheme=OAKVALE.id, identity_seq=0, time=NOW, valid_until=NOW + 1, name="Oakvale", unit=code, unit_name=name,
        minor_per_unit=minor, addresses=(), tls_hashes=(), versions=(1,),
    )  # fmt: skip


@pytest.mark.parametrize(
    "amount, says, words",
    [
        (0, unit(None, "hours", 60), "0 minutes"),
        (1, unit(None, "hours", 60), "1 minute"),
        (60, unit(None, "hours", 60), "1 hour"),
        (150, unit(None, "hours", 60), "2 hours 30 minutes"),
        (605, unit("Acorns", "acorns", 100), "6.05 Acorns"),
        (7, unit(None, "stones", 1), "7 stones"),
        (605, None, "605 of its smallest unit"),
    ],
)
def test_an_amount_is_written_out(amount, says, words):
    assert spoken(amount, says) == words


def test_hours_between_schemes_are_said_to_the_second():
    assert hours_spoken(1_800_000) == "30 minutes"
    assert hours_spoken(1_830_000) == "30 minutes 30 seconds"
    assert hours_spoken(3_600_000) == "1 hour"


def test_every_fault_and_every_proof_has_its_words():
    assert WRONG.keys() == set(Fault)
    assert PROVED.keys() == set(PROOFS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_sentence_has_a_word_that_members_never_read(name):
    text = " ".join(told(proven(EXAMPLES[name]()), moment)).lower()

    assert not [word for word in MEMBERS_NEVER_READ if f" {word}" in text]


def test_terms_with_one_signature_name_whose():
    receipt = across(we_pay=True)
    assert receipt.agreed is not None
    quoted = proven(replace(receipt, agreed=replace(receipt.agreed, acceptance=None)))
    accepted = proven(replace(receipt, agreed=replace(receipt.agreed, quote_signed=None)))

    assert any("carry the signature of Riverside only" in line for line in told(quoted, moment))
    assert any("carry the signature of Oakvale only" in line for line in told(accepted, moment))


def test_a_key_that_was_ended_and_a_book_nobody_vouches_for_are_said():
    own = replace(local_trade(witnesses=()).own, identity=OAKVALE.with_revoked("ledger"))
    lines = told(proven(replace(local_trade(witnesses=()), own=own)), moment)

    assert "No other scheme vouches for that book here." in lines
    assert lines[-1].startswith("The scheme has ended the key since")


def test_records_are_json():
    for make in EXAMPLES.values():
        found = verify_receipt(encode_receipt(make()))
        assert json.loads(json.dumps(record_of(found)))["proven"]
    assert record_of(verify_receipt(b"")) == {
        "proven": False,
        "fault": "unreadable",
        "why": "not LC1: ValueError",
    }
