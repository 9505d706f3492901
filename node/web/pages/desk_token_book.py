"""The token desk's book: receipts to print and put right, a month at a time, and the table. Source: docs/pages.md 7.6."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from aiohttp import web

from node.services.members import Member, member_by_no
from node.services.token_rows import Done, correction_of, done_between, done_by_no
from node.services.tokens import CannotDo
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.dates import local, month_of
from node.web.downloads import harmless, plain_number, plain_unit, table
from node.web.forms import Filled, Form, line
from node.web.pages.desk_tokens import who_of
from node.web.pages.token_words import (
    act_words,
    book_row,
    cannot_do_words,
    money_unit,
    receipt_number,
    signed,
)
from node.web.present import reference
from node.web.views.page import Empty, Fact, Link
from node.web.views.tokens import TokenBookView, TokenReceiptView
from protocol.tokens import TokenAct

REASON_CHARACTERS_MAX: Final = 120
FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2199
MONTHS: Final = 12
CSV_COLUMNS: Final = (
    "receipt", "day", "time", "what", "tokens", "amount", "unit", "money", "currency", "tokens_after", "money_after", "who",
    "text", "by", "corrects",
)  # fmt: skip


class CorrectForm(Form):
    reason: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field


# --- A month ------------------------------------------------------------------------------------------------------


def _month(context: Context) -> tuple[int, int]:
    """Return the year and month that the address asks for, this one where it asks for none. Raises NoSuchPage."""
    text = context.query("month")
    if not text:
        now = local(context.now_ms, context.zone)
        return now.year, now.month
    try:
        day = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise NoSuchPage from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise NoSuchPage
    return day.year, day.month


def _next(year: int, month: int, by: int) -> tuple[int, int]:
    years, rest = divmod(year * MONTHS + month - 1 + by, MONTHS)
    return years, rest + 1


def _first_ms(context: Context, year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=context.zone).timestamp() * 1000)


Rows = list[tuple[Done, Member | None]]


def _read_month(tx: ReadTx, first_ms: int, end_ms: int) -> Rows:
    return [
        (done, None if done.member_no is None else member_by_no(tx, done.member_no))
        for done in done_between(tx, first_ms, end_ms)
    ]


async def _rows(context: Context) -> tuple[tuple[int, int], Rows]:
    year, month = _month(context)
    first, end = _first_ms(context, year, month), _first_ms(context, *_next(year, month, 1))
    return (year, month), await context.read(_read_month, first, end)


async def book(context: Context) -> web.Response:
    """GET /desk/tokens/book?month"""
    (year, month), rows = await _rows(context)
    words, voice = context.words, context.voice
    after = _next(year, month, 1)
    return context.show(
        TokenBookView(
            month=month_of(date(year, month, 1), words),
            rows=tuple(
                book_row(done, who_of(done, member, words), context.settings, voice) for done, member in rows
            ),
            earlier=_link(context, *_next(year, month, -1)),
            later=_link(context, *after) if _first_ms(context, *after) <= context.now_ms else None,
            csv_href=f"/desk/tokens/book.csv?month={year}-{month:02}",
            printed=words.gettext("Printed on %(day)s") % {"day": voice.day(context.now_ms)},
            empty=None if rows else Empty(text=words.gettext("Nothing was done in this month.")),
        )
    )


def _link(context: Context, year: int, month: int) -> Link:
    return Link(
        text=month_of(date(year, month, 1), context.words), href=f"/desk/tokens/book?month={year}-{month:02}"
    )


async def book_csv(context: Context) -> web.Response:
    """GET /desk/tokens/book.csv?month"""
    (year, month), rows = await _rows(context)
    out, money, unit = io.StringIO(), money_unit(context.settings), context.unit
    lines = csv.writer(out)
    lines.writerow(CSV_COLUMNS)
    for done, member in rows:
        at = local(done.at_ms, context.zone)
        lines.writerow(
            (
                receipt_number(done.no), at.date().isoformat(), at.strftime("%H:%M"), done.kind.value, done.change.tokens,
                plain_number(done.change.amount, unit), plain_unit(unit), plain_number(done.change.money, money),
                harmless(context.settings.currency), done.box.tokens, plain_number(done.box.money, money),
                harmless(who_of(done, member, context.words)), harmless(done.text), harmless(done.by_name),
                "" if done.corrects_no is None else receipt_number(done.corrects_no),
            )
        )  # fmt: skip
    return table(out.getvalue(), f"cash-book-{year}-{month:02}.csv")


# --- One receipt --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    done: Done
    member: Member | None
    trade: Trade | None
    corrected: Done | None  # the act that is its opposite


def _read(tx: ReadTx, no: int) -> _Read:
    done = done_by_no(tx, no)
    if done is None:
        raise NoSuchPage
    return _Read(
        done=done,
        member=None if done.member_no is None else member_by_no(tx, done.member_no),
        trade=None if done.trade_no is None else trade_by_no(tx, done.trade_no),
        corrected=correction_of(tx, no),
    )


async def _find(context: Context) -> _Read:
    return await context.read(_read, context.number("no"))


async def receipt(context: Context) -> web.Response:
    """GET /desk/tokens/{no}"""
    return context.show(_view(context, await _find(context)))


async def receipt_pdf(context: Context) -> web.Response:
    """GET /desk/tokens/{no}/pdf. Raises NoPdf."""
    read = await _find(context)
    return await context.pdf(_view(context, read), f"receipt-{receipt_number(read.done.no)}")


def _view(context: Context, read: _Read, form: Filled | None = None) -> TokenReceiptView:
    done, words, voice = read.done, context.words, context.voice
    _, here = words.gettext, f"/desk/tokens/{read.done.no}"
    money, links = money_unit(context.settings), []
    if read.corrected is not None:
        text = _("Put right by receipt %(number)s") % {"number": receipt_number(read.corrected.no)}
        links.append(Link(text=text, href=f"/desk/tokens/{read.corrected.no}"))
    if done.corrects_no is not None:
        number = receipt_number(done.corrects_no)
        links.append(
            Link(text=_("Receipt %(number)s") % {"number": number}, href=f"/desk/tokens/{done.corrects_no}")
        )
    shown = (
        (_("When"), voice.moment(done.at_ms)),
        (_("With"), who_of(done, read.member, words)),
        (_("Tokens"), signed(done.change.tokens)),
        (_("Worth"), voice.spoken(done.change.amount) if done.change.amount else ""),
        (_("Money"), voice.short(done.change.money, money, signed=True) if done.change.money else ""),
        (_("In words"), done.text),
        (_("Trade"), "" if read.trade is None else reference(read.trade)),
        (_("Money in the box afterwards"), voice.short(done.box.money, money)),
        (_("By"), done.by_name),
    )
    can = done.kind not in (TokenAct.COUNTED, TokenAct.CORRECTED) and read.corrected is None
    return TokenReceiptView(
        number=receipt_number(done.no),
        what=act_words(done, words),
        facts=tuple(Fact(label=label, text=text) for label, text in shown if text),
        links=tuple(links),
        pdf_href=f"{here}/pdf" if context.makes_pdf else "",
        form=form or Filled(),
        correct_action=f"{here}/correct" if can else "",
        printed=_("Printed on %(day)s") % {"day": voice.day(context.now_ms)},
    )


async def correct(context: Context) -> web.Response:
    """POST /desk/tokens/{no}/correct: the opposite, on a receipt of its own."""
    read, form = await _find(context), context.form(CorrectForm)
    if isinstance(form, Filled):
        return context.show(_view(context, read, form), 422)
    try:
        made = await context.node.tokens.correct(context.actor, read.done.no, form.reason)
    except CannotDo as no:
        said = cannot_do_words(no.why, context.words)[1]
        wrong = Filled(form.model_dump()).with_error("reason", said)
        return context.show(replace(_view(context, read), form=wrong), 422)
    return context.redirect(f"/desk/tokens/{made.no}", note="desk-done")


ROUTES: Final[tuple[Route, ...]] = (
    get("/desk/tokens/book", book, ORGANISER),
    get("/desk/tokens/book.csv", book_csv, ORGANISER),
    get("/desk/tokens/{no}", receipt, ORGANISER),
    get("/desk/tokens/{no}/pdf", receipt_pdf, ORGANISER),
    post("/desk/tokens/{no}/correct", correct, ORGANISER),
)
