"""A sheet of cheques and slips as organisers type it: its fields read, and what could not be read said in words.

Nothing is looked up here. What each slip would do is found in `services/cheque_check.py`. Source: docs/pages.md 8.9.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from node.services.cheque_check import Slip
from node.services.cheque_rows import COLUMNS, SLIPS_MAX, Envelope, Typed
from node.services.folding import fold
from node.services.members import parse_number
from node.web.amounts import Unreadable, parse_amount
from node.web.context import Context
from node.web.dates import local
from node.web.forms import amount_sentence
from node.web.pages.entry_abroad import Cells, Near, read_abroad
from node.web.plain import plain_line
from node.web.typed_days import read_day
from protocol.limits import AMOUNT_MAX

# The field of a column on row 3 is called n3; on row 0 stands what is the same for all.
FIELDS: Final = dict(zip(COLUMNS, "ondpqaw", strict=True))
LENGTHS: Final = {"scheme": 80, "number": 20, "day": 30, "payer": 60, "payee": 60, "amount": 40, "what": 120}
SHARED: Final = frozenset(COLUMNS) - {"number"}  # no two cheques share a number
# Envelope, what is the same for all, and every row, with what a page of ours adds.
SHEET_FIELDS_MAX: Final = len(COLUMNS) * (SLIPS_MAX + 1) + 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What was typed: the envelope and the rows that were open to be typed into."""

    envelope: Envelope
    rows: tuple[Typed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The slips of a sheet, and by row and column what could not be read, in sentences."""

    slips: tuple[Slip, ...]
    unread: Mapping[int, Mapping[str, str]]


def read_envelope(context: Context) -> Envelope:
    """Return what was typed for the envelope, and for all slips."""
    sent = {name: _line(context, name, 60) for name in ("day", "place", "slips", "total")}
    same = {column: _cell(context, column, 0) for column in COLUMNS if column in SHARED}
    return Envelope(**sent, same={column: text for column, text in same.items() if text})


def read_sheet(context: Context) -> Sheet:
    """Return what was typed into a batch's page."""
    rows = [
        Typed(row=row, values={column: _cell(context, column, row) for column in COLUMNS})
        for row in range(1, SLIPS_MAX + 1)
        if any(f"{field}{row}" in context.fields for field in FIELDS.values())
    ]
    return Sheet(envelope=read_envelope(context), rows=tuple(rows))


def _cell(context: Context, column: str, row: int) -> str:
    return _line(context, f"{FIELDS[column]}{row}", LENGTHS[column])


def _line(context: Context, name: str, most: int) -> str:
    return plain_line(context.fields.get(name, ""), most)


def mark_of(sheet: Sheet) -> str:
    """Return a mark of what is to be posted: a page that was checked carries it, and what was changed since has another."""
    shared = [sheet.envelope.day, sorted(sheet.envelope.same.items())]
    rows = [[row.row, *row.values.values()] for row in sheet.rows if any(row.values.values())]
    return hashlib.sha256(json.dumps([shared, rows]).encode()).hexdigest()[:32]


def read_slips(context: Context, envelope: Envelope, rows: Sequence[Typed], near: Near) -> Read:
    """Return the slips that are typed so far; rows without a word are no slips. `near`: the schemes that can be named."""
    unread: dict[int, dict[str, str]] = {}
    slips = [
        _slip(context, envelope, row, near, unread.setdefault(row.row, {}))
        for row in rows
        if any(row.values.values())
    ]
    return Read(slips=tuple(slips), unread=unread)


def _slip(context: Context, envelope: Envelope, row: Typed, near: Near, unread: dict[str, str]) -> Slip:
    _ = context.words.gettext
    said = {column: row.values[column] or envelope.same.get(column, "") for column in COLUMNS}
    today = local(context.now_ms, context.zone).date()
    day = read_day(said["day"] or envelope.day, today, context.language)
    if day is None:
        unread["day"] = _("This day cannot be read. Please write it like %(day)s.") % {
            "day": context.voice.day(context.now_ms)
        }
    if not said["what"]:
        unread["what"] = _("Please say what it was.")
    if said["scheme"] and fold(said["scheme"]) != fold(context.settings.name):
        return read_abroad(context, near, Cells(row.row, said, day), unread)
    people = {column: parse_number(said[column]) for column in ("payer", "payee")}
    if people["payer"] is None:
        unread["payer"] = _("Please fill in the number of the member who gives.")
    if people["payee"] is None:
        unread["payee"] = _("Please fill in the number of the member who receives.")
    amount = parse_amount(said["amount"], context.unit, most=AMOUNT_MAX)
    if isinstance(amount, Unreadable):
        unread["amount"] = amount_sentence(amount, said["amount"], context.unit, AMOUNT_MAX, context.words)
    return Slip(
        row=row.row, number=said["number"], day=day, payer=people["payer"], payee=people["payee"],
        amount=None if isinstance(amount, Unreadable) else amount, what=said["what"],
    )  # fmt: skip


def slips_of(envelope: Envelope) -> int:
    """Return how many slips the envelope says it has; 0 where that cannot be read."""
    text = envelope.slips
    fits = text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= SLIPS_MAX
    return int(text) if fits else 0
