"""Examples of sheets of a closed period for the golden vectors. Source: docs/protocol.md 4.5."""

from __future__ import annotations

from tests.protocol.sheets import a_file, a_sheet
from tests.vector_making import Vector, vector

EXAMPLES = ("audit-sheet", "audit-sheet-file")


@vector("audit-sheet")
def _sheet() -> Vector:
    sheet = a_sheet()
    wrong = {
        "ahead": 146,
        "spread": (1, 0, 2, 3, 4),
        "entries": 0,
        "lines": (),
        "made_ms": sheet.from_ms,
        "last": bytes(31),
    }
    return Vector(
        note="balances that sum to zero in both units",
        message=sheet,
        signer="oakvale ledger",
        key_seq=1,
        wrong=wrong,
    )


@vector("audit-sheet-file")
def _file() -> Vector:
    wrong = {"own": ((), None), "sheet": None, "proof": "text", "witnesses": None}
    return Vector(note="verifies as it is", message=a_file(), wrong=wrong)
