"""The organisers' desk: the books of a year closed, as page, PDF, table and signed file. Source: docs/protocol.md 4.5; docs/pages.md 7.4."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from aiohttp import web

from node.services.closing import NotOver
from node.store import ReadTx
from node.web import amounts
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get
from node.web.dates import local
from node.web.downloads import download, harmless, plain_number, table
from node.web.forms import Filled
from node.web.pages.checked import mark_of, names_of
from node.web.pages.neighbours_shown import Known, known_neighbours, name_of
from node.web.views.closing import ClosedYearView, SumTable
from node.web.views.page import Empty, Fact
from protocol.audit_sheet import Sheet, SheetProven, verify_sheet
from protocol.ledger import HOURS, LOCAL, SystemRole
from protocol.names import scheme_text
from protocol.units import MINUTE

FIRST_YEAR: Final = 1980
LAST_YEAR: Final = 2999
SECOND: Final = MINUTE // 60
# These names, and their order, stay as they are: auditors' own spreadsheets count on them.
CSV_COLUMNS: Final = ("what", "of", "unit", "amount")


async def close_year(context: Context) -> web.Response:
    """GET /admin/close-year?year"""
    return context.show(await _view(context))


async def close_year_pdf(context: Context) -> web.Response:
    """GET /admin/close-year.pdf?year"""
    view = await _view(context)
    return context.show(view) if view.empty else await context.pdf(view, f"books-{view.year}")


async def close_year_file(context: Context) -> web.Response:
    """GET /admin/close-year/file?year"""
    year, _ = _asked(context)
    file, _ = await _closed(context, year)
    return download(file, "application/octet-stream", f"books-{year}.sheet")


async def close_year_csv(context: Context) -> web.Response:
    """GET /admin/close-year.csv?year"""
    year, _ = _asked(context)
    _, found = await _closed(context, year)
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(CSV_COLUMNS)
    rows.writerows(_csv_rows(context, found.sheet, await known_neighbours(context)))
    return table(out.getvalue(), f"books-{year}.csv")


# --- What is closed ----------------------------------------------------------------------------------------------


def _asked(context: Context) -> tuple[int, Filled]:
    """Return the year that was asked for, this one where none was or none that can be."""
    this = local(context.now_ms, context.zone).year
    text = context.query("year")
    if not text:
        return this, Filled({"year": str(this)})
    if text.isascii() and text.isdigit() and len(text) == 4 and FIRST_YEAR <= int(text) <= LAST_YEAR:
        return int(text), Filled({"year": text})
    sentence = context.words.gettext("This is not a year. Please write it like 2026.")
    return this, Filled({"year": text}, {"year": sentence})


def moments_of(context: Context, year: int) -> tuple[int, int]:
    """Return a year's first moment and the one after its end, or this one if it is not over."""
    ends = (datetime(each, 1, 1, tzinfo=context.zone) for each in (year, year + 1))
    first, end = (int(moment.timestamp() * 1000) for moment in ends)
    return first, min(end, context.now_ms)


async def _closed(context: Context, year: int) -> tuple[bytes, SheetProven]:
    """Return a year's file, and what anybody will find in it. Raises NoSuchPage."""

    def query(tx: ReadTx) -> bytes:
        return context.node.closing.read(tx, *moments_of(context, year))

    try:
        file = await context.read(query)
    except NotOver:
        raise NoSuchPage from None
    found = await context.node.offload(verify_sheet, file)
    assert isinstance(found, SheetProven), found
    return file, found


# --- As a page ---------------------------------------------------------------------------------------------------


async def _view(context: Context) -> ClosedYearView:
    _, voice = context.words.gettext, context.voice
    year, form = _asked(context)
    printed = _("Printed on %(day)s") % {"day": voice.day(context.now_ms)}
    try:
        _file, found = await _closed(context, year)
    except NoSuchPage:
        nothing = Empty(
            text=_("There was nothing in the books by the end of that year, or it has not begun.")
        )
        return ClosedYearView(year=str(year), form=form, empty=nothing, printed=printed)
    known = await known_neighbours(context)
    query = f"?year={year}"
    return ClosedYearView(
        year=str(year) if found.sheet.to_ms < context.now_ms else _("%(year)s, so far") % {"year": year},
        form=form, proof=_("All balances together are zero, as they must be."),
        figures=tuple(_figures(context, found.sheet)), tables=tuple(_tables(context, found.sheet, known)),
        vouched=await _vouched(context, found), file_href=f"/admin/close-year/file{query}",
        csv_href=f"/admin/close-year.csv{query}", pdf_href=f"/admin/close-year.pdf{query}" if context.makes_pdf else "",
        printed=printed,
    )  # fmt: skip


def _figures(context: Context, sheet: Sheet) -> Iterable[Fact]:
    _, voice = context.words.gettext, context.voice
    yield Fact(label=_("People who had traded by then"), text=str(sheet.people))
    yield Fact(label=_("Trades in that time"), text=str(sheet.trades))
    yield Fact(label=_("Put right"), text=str(sheet.corrections))
    yield Fact(label=_("Moved in all"), text=voice.spoken(sheet.turnover))
    names = (_("Furthest behind"), _("A quarter is below"), _("Half is below"), _("Three quarters are below"), _("Furthest ahead"))  # fmt: skip
    for name, balance in zip(names, sheet.spread, strict=False):
        yield Fact(label=name, text=voice.short(balance, signed=True))


def _role(context: Context, role: str) -> str:
    _ = context.words.gettext
    said = {
        SystemRole.EXCHANGE.value: _("Given to and got from other schemes"),
        SystemRole.TRANSIT.value: _("On its way between other schemes"),
        SystemRole.CHEST.value: _("Community chest"),
        SystemRole.OPENING.value: _("Brought in when the scheme began here"),
        SystemRole.WRITE_OFF.value: _("Written off"),
        SystemRole.TOKENS.value: _("Tokens in people’s hands"),
        SystemRole.SOLD.value: _("Given out as tokens for money"),
    }
    return said[role]


def _tables(context: Context, sheet: Sheet, known: Known) -> Iterable[SumTable]:
    _, voice, sums = context.words.gettext, context.voice, sheet.sums()
    own = [(_("People above zero"), sheet.ahead), (_("People below zero"), sheet.behind)]
    own += [(_role(context, each.role), each.balance) for each in sheet.system if each.unit == LOCAL]
    yield SumTable(
        caption=_("Balances in %(unit)s") % {"unit": voice.unit_name()},
        rows=tuple((label, voice.short(amount, signed=True)) for label, amount in own),
        sum=voice.short(sums[LOCAL]),
    )
    lines = [
        (_("Owed by %(name)s") % {"name": name_of(context, known, each.scheme)}, each.balance)
        for each in sheet.lines
    ]
    lines += [(_role(context, each.role), each.balance) for each in sheet.system if each.unit == HOURS]
    if lines:
        yield SumTable(
            caption=_("Between schemes, in hours; below zero is owed by us"),
            rows=tuple((label, _hours(context, amount)) for label, amount in lines),
            sum=_hours(context, sums[HOURS]),
        )


def _hours(context: Context, amount: int) -> str:
    """Return hours between schemes in few characters: "+3 h 20, 15 s"."""
    minutes, rest = divmod(abs(amount), MINUTE)
    said = amounts.short(minutes, amounts.HOURS, context.language)
    if rest:
        said += f", {rest / SECOND:.3g} s"
    return f"\u2212{said}" if amount < 0 else f"+{said}" if amount else said


async def _vouched(context: Context, found: SheetProven) -> tuple[str, ...]:
    """Return under which state of the book the sheet is, and who checked that."""
    _, voice = context.words.gettext, context.voice
    said = _("The book had %(num)s entries then. The mark of the newest is %(mark)s.") % {
        "num": found.sheet.entries,
        "mark": mark_of(found.sheet.last),
    }
    if found.included is None:
        return said, _("The book is not published that far yet. A newer paper will say who checked it.")
    if not found.included.witnesses:
        return said, _("The book behind it is signed. No other scheme has checked it yet.")
    names = await names_of(context, tuple(each.by.scheme for each in found.included.witnesses))
    at_ms = max(each.time_ms for each in found.included.witnesses)
    checked = _("The book behind it was checked by %(names)s, the last time on %(moment)s.")
    return said, checked % {"names": names, "moment": voice.moment(at_ms)}


# --- As a table --------------------------------------------------------------------------------------------------


def _csv_rows(context: Context, sheet: Sheet, known: Known) -> Iterable[tuple[str, ...]]:
    unit = context.unit

    def own(what: str, amount: int, of: str = "") -> tuple[str, ...]:
        return (what, of, context.settings.unit_symbol or unit.code, plain_number(amount, unit))

    def hours(what: str, amount: int, of: str = "") -> tuple[str, ...]:
        return (what, of, "h/3600000", str(amount))

    for name in ("from_ms", "to_ms", "made_ms", "entries", "people", "trades", "corrections"):
        yield (name.removesuffix("_ms"), "", "ms" if name.endswith("_ms") else "", str(getattr(sheet, name)))
    yield ("last", "", "", sheet.last.hex())
    yield own("turnover", sheet.turnover)
    for name, balance in zip(
        ("lowest", "quarter", "half", "three-quarters", "highest"), sheet.spread, strict=False
    ):
        yield own("spread", balance, name)
    yield own("balance", sheet.ahead, "people above zero")
    yield own("balance", sheet.behind, "people below zero")
    for each in sheet.system:
        yield (own if each.unit == LOCAL else hours)("balance", each.balance, each.role)
    for line in sheet.lines:
        name = harmless(name_of(context, known, line.scheme))
        yield hours("balance", line.balance, f"line {name} {scheme_text(line.scheme)}")
    sums = sheet.sums()
    yield own("sum", sums[LOCAL])
    yield hours("sum", sums[HOURS])


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/close-year", close_year, ORGANISER),
    get("/admin/close-year.pdf", close_year_pdf, ORGANISER),
    get("/admin/close-year.csv", close_year_csv, ORGANISER),
    get("/admin/close-year/file", close_year_file, ORGANISER),
)
