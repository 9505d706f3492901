"""What the sheet of a closed period proves, in plain English and as records; and which of the two a file is.

For tools that have no catalogue of languages, as `receipt_words.py` is. Source: docs/protocol.md 4.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.audit_sheet import Sheet, SheetProven, is_sheet, verify_sheet
from protocol.names import scheme_text
from protocol.receipt_proof import Broken, Fault, verify_receipt
from protocol.receipt_words import (
    WRONG,
    Moment,
    Record,
    by,
    hours_spoken,
    in_log,
    log_record,
    name_of,
    printable,
    record_of,
    signer_record,
    spoken,
    told,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a file proves, for people and for programs."""

    holds: bool
    lines: tuple[str, ...]
    record: Record


def look_at(data: bytes, moment: Moment) -> Looked:
    """Return what the file of a receipt or a sheet proves. No exception escapes, whatever the bytes."""
    if not is_sheet(data):
        receipt = verify_receipt(data)
        return Looked(
            holds=not isinstance(receipt, Broken), lines=told(receipt, moment), record=record_of(receipt)
        )
    sheet = verify_sheet(data)
    lines = tuple(printable(line) for line in _told(sheet, moment))
    return Looked(holds=not isinstance(sheet, Broken), lines=lines, record=sheet_record(sheet))


def _told(found: SheetProven | Broken, moment: Moment) -> list[str]:
    if isinstance(found, Broken):
        wrong = WRONG[found.fault]
        if found.fault is Fault.ENTRY:
            wrong = "What it says was never signed by that scheme, or was changed."
        return ["This sheet does not hold. It proves nothing.", wrong, f"In detail: {found.why}."]
    sheet, says = found.sheet, found.own.says
    lines = ["This sheet is whole: nothing in it was changed.", *by(found.own)]
    lines += [
        f"What: its books from {moment(sheet.from_ms)} to {moment(sheet.to_ms)}, closed at {moment(sheet.made_ms)}.",
        f"Balances of {sheet.people} people: {spoken(sheet.ahead, says)} above zero, {spoken(-sheet.behind, says)} below.",
        "With the scheme’s own accounts all balances sum to zero in every unit.",
        f"In that time {sheet.trades} trades moved {spoken(sheet.turnover, says)}; {sheet.corrections} were put right.",
    ]
    for each in sheet.lines:
        if each.balance:
            who = "owed it" if each.balance > 0 else "was owed"
            lines.append(
                f"The scheme {scheme_text(each.scheme)[:12]}… {who} {hours_spoken(abs(each.balance))}."
            )
    return [*lines, *in_log(found.included, name_of(found.own), moment)]


def sheet_record(found: SheetProven | Broken) -> Record:
    """Return what was found as values for JSON: ids in hexadecimal, times in ms UTC, amounts in minor units."""
    if isinstance(found, Broken):
        return {"proven": False, "fault": found.fault.value, "why": found.why}
    return {
        "proven": True, "scheme": signer_record(found.own), "sheet": figures(found.sheet), "log": log_record(found.included),
    }  # fmt: skip


def figures(sheet: Sheet) -> Record:
    """Return the figures of a sheet by name."""
    return {
        "from_ms": sheet.from_ms, "to_ms": sheet.to_ms, "made_ms": sheet.made_ms, "entries": sheet.entries,
        "last": sheet.last.hex(), "people": sheet.people, "ahead": sheet.ahead, "behind": sheet.behind,
        "spread": list(sheet.spread), "trades": sheet.trades, "corrections": sheet.corrections, "turnover": sheet.turnover,
        "system": [{"role": each.role, "unit": each.unit, "balance": each.balance} for each in sheet.system],
        "lines": [{"scheme": scheme_text(each.scheme), "balance": each.balance} for each in sheet.lines],
        "sums": sheet.sums(),
    }  # fmt: skip
