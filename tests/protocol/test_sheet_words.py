"""What a sheet proves in plain English, and files told apart. Source: docs/protocol.md 4.5."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from protocol.audit_sheet import encode_sheet, is_sheet, verify_sheet
from protocol.identity_events import LEDGER
from protocol.message import sign_message
from protocol.receipt_file import encode_receipt
from protocol.receipt_proof import Broken
from protocol.sheet_words import look_at
from tests.protocol.receipts import RIVERSIDE, local_trade
from tests.protocol.sheets import a_file, a_sheet

WIRE = encode_sheet(a_file())


def moment(time_ms: int) -> str:
    return f"<{time_ms}>"


@given(st.binary(max_size=300))
def test_any_bytes_are_looked_at_and_found_to_be_nothing(data):
    assert isinstance(verify_sheet(data), Broken)
    looked = look_at(data, moment)
    assert not looked.holds
    assert looked.record["proven"] is False


def test_a_file_is_told_for_what_it_is():
    """`interlets verify` takes receipts and sheets alike."""
    sheet, receipt = look_at(WIRE, moment), look_at(encode_receipt(local_trade()), moment)

    assert (is_sheet(WIRE), is_sheet(encode_receipt(local_trade()))) == (True, False)
    assert sheet.holds
    assert receipt.holds
    assert sheet.lines[0] == "This sheet is whole: nothing in it was changed."
    assert receipt.lines[0] == "This receipt is whole: nothing in it was changed."
    said = "\n".join(sheet.lines)
    assert "Balances of 2 people: 2 hours 25 minutes above zero, 1 hour 55 minutes below." in said
    assert "owed it 30 minutes" in said
    assert "Vouched for by Hilltop" in said
    assert sheet.record["sheet"]["sums"] == {"local": 0, "hours": 0}  # type: ignore[index]
    signed = sign_message(a_sheet(), RIVERSIDE.key(LEDGER), RIVERSIDE.seq(LEDGER)).wire
    broken = look_at(encode_sheet(replace(a_file(), sheet=signed)), moment)
    assert broken.lines[0] == "This sheet does not hold. It proves nothing."
