"""Shorthand for tests about sheets of a closed period: Oakvale's, with two witnesses. Source: docs/protocol.md 4.5."""

from __future__ import annotations

from dataclasses import replace

from protocol.audit_sheet import Owed, Sheet, SheetFile, SystemBalance
from protocol.identity_events import CHECKPOINT, LEDGER, WITNESS
from protocol.ledger import HOURS, LOCAL, SystemRole
from protocol.limits import DAY_MS, MINUTE_MS
from protocol.message import sign_message
from protocol.names import EntryId
from tests.protocol.receipts import (
    ANA,
    BEN,
    HALF_HOUR,
    HILLTOP,
    NOW,
    OAKVALE,
    RIVERSIDE,
    Town,
    local_words,
    moving,
)

_TRADE = moving((ANA, LOCAL, -120), (BEN, LOCAL, 120)), local_words()
_OTHER = moving((BEN, LOCAL, -5), (ANA, LOCAL, 5)), local_words(text="eggs", parties=("Ben", "Ana"))
ENTRIES = OAKVALE.entries(_TRADE, _OTHER, _TRADE)


def a_sheet() -> Sheet:
    """After two entries: Ana is 115 behind, Ben 115 ahead; Hilltop owes half an hour for what came through it."""
    return Sheet(
        scheme=OAKVALE.id, from_ms=NOW, to_ms=NOW + 2 * MINUTE_MS, made_ms=NOW + DAY_MS, entries=2,
        last=EntryId(ENTRIES[1].signed.id), people=2, ahead=145, behind=-115, spread=(-115, -115, -115, 145, 145),
        system=(
            SystemBalance(role=SystemRole.EXCHANGE.value, unit=HOURS, balance=-HALF_HOUR),
            SystemBalance(role=SystemRole.EXCHANGE.value, unit=LOCAL, balance=-30),
        ),
        lines=(Owed(scheme=HILLTOP.id, balance=HALF_HOUR),), trades=2, corrections=0, turnover=125,
    )  # fmt: skip


def a_file(
    sheet: Sheet | None = None, *, witnesses: tuple[Town, ...] = (HILLTOP, RIVERSIDE), proof: bool = True
) -> SheetFile:
    """Return the file of a sheet, signed by Oakvale."""
    shown = (LEDGER, CHECKPOINT) if proof else (LEDGER,)
    return SheetFile(
        own=OAKVALE.shown(*shown),
        sheet=sign_message(sheet or a_sheet(), OAKVALE.key(LEDGER), OAKVALE.seq(LEDGER)).wire,
        proof=OAKVALE.proof(ENTRIES, 1, witnesses) if proof else None,
        witnesses=tuple(each.shown(WITNESS) for each in witnesses) if proof else (),
    )


def changed(**fields: object) -> Sheet:
    """Return the sheet with something else in it."""
    return replace(a_sheet(), **fields)  # type: ignore[arg-type]
