"""What the sheet of a closed period proves, and that nothing in it can be changed. Source: docs/protocol.md 4.5, I1."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.audit_sheet import SheetFile, SheetProven, encode_sheet, verify_sheet
from protocol.errors import InvalidValue
from protocol.identity_events import LEDGER
from protocol.ledger import HOURS, LOCAL
from protocol.limits import MINUTE_MS
from protocol.message import sign_message
from protocol.names import EntryId
from protocol.receipt_file import introduce
from protocol.receipt_proof import Broken, Fault
from tests.damage import damaged_bytes
from tests.protocol.receipts import FERRY, HILLTOP, NOW, OAKVALE, RIVERSIDE
from tests.protocol.sheets import ENTRIES, a_file, a_sheet, changed

WIRE = encode_sheet(a_file())


def proven(file: SheetFile) -> SheetProven:
    found = verify_sheet(encode_sheet(file))
    assert isinstance(found, SheetProven), found
    return found


def fault(file: SheetFile) -> Fault:
    found = verify_sheet(encode_sheet(file))
    assert isinstance(found, Broken)
    return found.fault


def test_a_sheet_says_whose_books_of_when_and_who_vouches():
    found = proven(a_file())

    assert found.own.scheme == OAKVALE.id
    assert found.sheet == a_sheet()
    assert found.included is not None
    assert found.included.size == 3
    assert [each.by.scheme for each in found.included.witnesses] == [HILLTOP.id, RIVERSIDE.id]


def test_one_that_is_not_published_yet_is_signed_and_no_more():
    assert proven(a_file(proof=False)).included is None


@pytest.mark.parametrize("wrong", [
    {"ahead": 146}, {"behind": -116}, {"system": ()}, {"lines": ()},
    {"system": (replace(a_sheet().system[0], balance=-1), a_sheet().system[1])},
    {"lines": (replace(a_sheet().lines[0], balance=1),)},
])  # fmt: skip
def test_balances_that_do_not_sum_to_zero_are_no_sheet(wrong):
    """I1, in every unit."""
    with pytest.raises(InvalidValue, match="not to zero"):
        changed(**wrong)


@pytest.mark.parametrize("wrong", [
    {"from_ms": NOW + 2 * MINUTE_MS}, {"made_ms": NOW + MINUTE_MS}, {"spread": (1, 2)}, {"spread": (1, 0, 2, 3, 4)},
    {"entries": 0}, {"ahead": -1, "behind": 31}, {"people": -1},
])  # fmt: skip
def test_what_cannot_be_is_no_sheet(wrong):
    with pytest.raises(InvalidValue):
        changed(**wrong)


def test_sums_are_of_each_unit():
    assert a_sheet().sums() == {LOCAL: 0, HOURS: 0}


def signed_by(sheet, town, purpose=LEDGER):
    return sign_message(sheet, town.key(purpose), town.seq(purpose)).wire


WRONG = {
    "signed by another scheme": (lambda: replace(a_file(), sheet=signed_by(a_sheet(), RIVERSIDE)), Fault.ENTRY),
    "signed by another key of its scheme": (lambda: replace(a_file(), sheet=signed_by(a_sheet(), OAKVALE, "line")), Fault.ENTRY),
    "another scheme's sheet": (lambda: a_file(changed(scheme=RIVERSIDE.id)), Fault.ENTRY),
    "of a key that was ended": (
        lambda: replace(
            a_file(), own=introduce(OAKVALE.with_revoked(LEDGER), [len(OAKVALE.with_revoked(LEDGER)) - 1], OAKVALE.descriptor)
        ),
        Fault.KEY_WITHDRAWN,
    ),
    "of another last entry": (lambda: a_file(changed(last=EntryId(ENTRIES[2].signed.id))), Fault.LOG),
    "of fewer entries": (lambda: a_file(changed(entries=1)), Fault.LOG),
    "with the proof of another entry": (lambda: replace(a_file(), proof=OAKVALE.proof(ENTRIES, 2, (HILLTOP, RIVERSIDE))), Fault.LOG),
    "with another scheme's log": (lambda: replace(a_file(), proof=RIVERSIDE.proof(ENTRIES, 1, (HILLTOP, RIVERSIDE))), Fault.LOG),
    "with a witness that did not sign": (
        lambda: replace(a_file(), witnesses=(HILLTOP.shown("witness"), FERRY.shown("witness"))), Fault.WITNESS,
    ),
    "without one that did": (lambda: replace(a_file(), witnesses=a_file().witnesses[:1]), Fault.WITNESS),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_belong_together_is_refused_for_what_it_is(wrong):
    make, why = WRONG[wrong]
    assert fault(make()) is why


def test_witnesses_of_nothing_are_no_file():
    with pytest.raises(InvalidValue):
        replace(a_file(), proof=None)


def test_a_turned_bit_anywhere_is_refused():
    """4.4, 4.5: a sample of all bits, evenly."""
    for bit in range(0, len(WIRE) * 8, 61):
        turned = bytearray(WIRE)
        turned[bit // 8] ^= 1 << bit % 8
        assert isinstance(verify_sheet(bytes(turned)), Broken), bit


@given(st.integers(0, 10**6))
def test_damage_of_any_kind_is_refused_or_changes_nothing(seed):
    damaged = damaged_bytes(WIRE, Random(seed))
    assert damaged == WIRE or isinstance(verify_sheet(damaged), Broken)
