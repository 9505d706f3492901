"""A member's own statement: on the page, on paper, and as a table for a spreadsheet.

Only one's own account is ever read here: the address names a time, never a member. Source: docs/pages.md 7.2.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.deposit_rows import deposits_held
from node.services.members import Member
from node.services.statement import Statement, StatementLine, read_statement
from node.services.trades import Trade, trades_waiting
from node.store import ReadTx
from node.web.context import MEMBER, Context, get
from node.web.dates import local
from node.web.downloads import harmless, plain_number, plain_unit, table
from node.web.forms import Filled
from node.web.pages.checked import seal_of_books
from node.web.pages.member import members_of
from node.web.pages.past_lines import Past, elsewhere, past_lines, past_rows, read_past
from node.web.pages.schemes import Schemes, schemes_known
from node.web.present import (
    Party,
    Voice,
    amount_there,
    balance_words,
    party_of,
    reference,
    trade_pill,
    trade_sentence,
)
from node.web.views import trade as trade_views
from node.web.views.trade import StatementView

MONTHS_SHOWN: Final = 3
# Before the first scheme, and before a century that no statement is asked for.
FIRST_DAY: Final = date(1980, 1, 1)
LAST_DAY: Final = date(2999, 12, 31)

# These names, and their order, stay as they are: members' own spreadsheets count on them.
CSV_COLUMNS: Final = (
    "date", "time", "reference", "what", "who", "scheme", "received", "given", "balance", "unit", "their_amount",
    "their_unit", "state",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """From the first to the last day, both included, and what was typed for them."""

    first: date
    last: date
    form: Filled

    def moments(self, voice: Voice) -> tuple[int, int]:
        """Return the period's first moment and the one after its end, by the scheme's clock on the wall."""
        after = self.last + timedelta(days=1)
        ends = (datetime.combine(day, time(), voice.zone) for day in (self.first, after))
        start, end = (int(moment.timestamp() * 1000) for moment in ends)
        return start, end


def read_period(context: Context, voice: Voice, months: int = MONTHS_SHOWN) -> Period:
    """Return the time that was asked for; the last months where none was, or none that can be."""
    today = local(voice.now_ms, voice.zone).date()
    values = {"from": context.query("from"), "to": context.query("to")}
    first, last = (parse_day(values[name]) for name in ("from", "to"))
    errors: dict[str, str] = {}
    for name, day in (("from", first), ("to", last)):
        if values[name] and day is None:
            errors[name] = context.words.gettext("This is not a day. Please write it like 2026-03-31.")
    if first is not None and last is not None and last < first:
        errors["to"] = context.words.gettext("The end is before the beginning.")
    if errors:
        first = last = None
    last = last or max(today, first or today)
    first = first or _months_before(last, months)
    shown = values if errors else {"from": first.isoformat(), "to": last.isoformat()}
    return Period(first, last, Filled(shown, errors))


def parse_day(text: str) -> date | None:
    """Return the day that `text` writes like 2026-03-31, or None."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def _months_before(day: date, months: int) -> date:
    """Return the first day of the month so many months before."""
    month = day.year * 12 + day.month - 1 - months
    return max(FIRST_DAY, date(month // 12, month % 12 + 1, 1))


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement with what its lines name, of one moment."""

    statement: Statement
    waiting: tuple[Trade, ...]
    members: dict[int, Member]
    past: Past
    deposits: int  # what is set aside as deposits now, where these days go up to now


def read_asked(tx: ReadTx, member: Member, period: Period, voice: Voice) -> Asked:
    """Return a member's statement, what is set aside of it, and what is there from the old scheme."""
    account_no, (start_ms, end_ms) = member.account_no, period.moments(voice)
    statement = read_statement(tx, account_no, start_ms, end_ms)
    waiting = tuple(
        trade for trade in trades_waiting(tx, account_no) if start_ms <= trade.created_ms < end_ms
    )
    trades = [line.trade for line in statement.lines if line.trade is not None]
    past = read_past(tx, member.no, period.first, period.last)
    deposits = deposits_held(tx)[account_no] if end_ms > voice.now_ms else 0
    return Asked(statement, waiting, members_of(tx, [*trades, *waiting]), past, deposits)


async def statement(context: Context) -> web.Response:
    """GET /statement?from&to"""
    return context.show(await _shown(context))


async def statement_pdf(context: Context) -> web.Response:
    """GET /statement.pdf?from&to"""
    view = await _shown(context)
    if view.form.errors:
        return context.show(view)
    first, last = (view.form.value(name) for name in ("from", "to"))
    return await context.pdf(view, f"statement-{context.member.number}-{first}-{last}")


async def _shown(context: Context) -> StatementView:
    voice = context.voice
    period = read_period(context, voice)
    asked = await context.read(read_asked, context.member, period, voice)
    if not asked.statement.complete:
        sentence = context.words.gettext("There are more trades than fit here. Please choose a shorter time.")
        period = Period(period.first, period.last, period.form.with_error("from", sentence))
    schemes = await schemes_known(context)
    seal = await seal_of_books(context)
    view = statement_view(context.member, period, asked, schemes, voice, seal)
    return view if context.makes_pdf else replace(view, pdf_href="")


def statement_view(
    member: Member, period: Period, asked: Asked, schemes: Schemes, voice: Voice, seal: tuple[str, ...]
) -> StatementView:
    """Return the statement's page."""
    told = asked.statement
    start_ms, end_ms = period.moments(voice)
    lines = [_line(line, member.account_no, asked.members, schemes, voice) for line in told.lines]
    lines += [_waiting_line(trade, told.end, member, schemes, voice) for trade in asked.waiting]
    days = {"from": period.first.isoformat(), "to": period.last.isoformat()}
    past_elsewhere, past_href = elsewhere(asked.past, voice)
    return StatementView(
        name=member.name,
        number=member.number,
        period=voice.words.gettext("%(first)s to %(last)s")
        % {"first": voice.day(start_ms), "last": voice.day(end_ms - 1)},
        form=period.form,
        unit_name=voice.unit_name(),
        opening=voice.short(told.start),
        closing=voice.short(told.end),
        closing_words=balance_words(told.end, voice),
        set_aside=_deposits_words(asked.deposits, voice),
        total_received=voice.short(told.gained, signed=True),
        total_given=voice.short(-told.given, signed=True),
        lines=tuple(lines),
        as_of=voice.moment(voice.now_ms),
        csv_href="/statement.csv?" + urlencode(days),
        pdf_href="/statement.pdf?" + urlencode(days),
        seal=seal,
        past=past_lines(asked.past, voice),
        past_elsewhere=past_elsewhere,
        past_href=past_href,
        printed=voice.words.gettext("Printed on %(day)s") % {"day": voice.day(voice.now_ms)},
    )


def _deposits_words(deposits: int, voice: Voice) -> str:
    """Return how much of the balance is set aside as deposits; it has not left it. Source: docs/protocol.md 3.3, 7.8."""
    amount = {"amount": voice.spoken(deposits)}
    return (
        voice.words.gettext("Of this %(amount)s are set aside as deposits now.") % amount if deposits else ""
    )


def _who(
    trade: Trade | None, account_no: int, members: dict[int, Member], schemes: Schemes, voice: Voice
) -> Party:  # fmt: skip
    if trade is None:
        return Party(name=voice.scheme)
    return party_of(trade, account_no, members, schemes, voice)


def _sentence(trade: Trade | None, account_no: int, party: Party, voice: Voice) -> str:
    if trade is None:
        return voice.words.gettext("Entered by the organisers")
    said = trade_sentence(trade, account_no, party, voice)
    return voice.words.gettext("Put right: %(what)s") % {"what": said} if trade.corrects_no else said


def _theirs(trade: Trade | None, schemes: Schemes, voice: Voice) -> str:
    other = None if trade is None or trade.other_scheme is None else schemes.get(trade.other_scheme)
    amount = None if trade is None else amount_there(trade, other)
    if amount is None or other is None:
        return ""
    said = {"amount": voice.short(amount, other.unit), "scheme": other.name}
    return voice.words.gettext("%(amount)s in %(scheme)s") % said


def _line(
    line: StatementLine, account_no: int, members: dict[int, Member], schemes: Schemes, voice: Voice
) -> trade_views.StatementLine:  # fmt: skip
    trade = line.trade
    party = _who(trade, account_no, members, schemes, voice)
    corrected = trade is not None and trade.state == "corrected"
    return trade_views.StatementLine(
        date=voice.day(line.time_ms),
        sentence=_sentence(trade, account_no, party, voice),
        who=party.name,
        badge=party.badge,
        href="" if trade is None else f"/t/{reference(trade)}",
        received=voice.short(line.amount, signed=True) if line.amount > 0 else "",
        given=voice.short(line.amount, signed=True) if line.amount < 0 else "",
        balance=voice.short(line.balance_after),
        theirs=_theirs(trade, schemes, voice),
        reference="" if trade is None else reference(trade),
        state=trade_pill(trade, voice) if trade is not None and corrected else None,
    )


def _waiting_line(
    trade: Trade, balance: int, member: Member, schemes: Schemes, voice: Voice
) -> trade_views.StatementLine:
    """Return the line of an amount that is set aside: it has not left the balance."""
    party = party_of(trade, member.account_no, {}, schemes, voice)
    aside = voice.words.gettext("%(amount)s set aside") % {"amount": voice.short(trade.amount)}
    return trade_views.StatementLine(
        date=voice.day(trade.created_ms),
        sentence=trade_sentence(trade, member.account_no, party, voice),
        who=party.name,
        badge=party.badge,
        href=f"/t/{reference(trade)}",
        received="",
        given="",
        balance=voice.short(balance),
        theirs=aside,
        reference=reference(trade),
        state=trade_pill(trade, voice),
    )


# --- As a table ---------------------------------------------------------------------------------------------


async def statement_csv(context: Context) -> web.Response:
    """GET /statement.csv?from&to"""
    voice = context.voice
    period = read_period(context, voice)
    asked = await context.read(read_asked, context.member, period, voice)
    schemes = await schemes_known(context)
    name = f"statement-{period.first.isoformat()}-{period.last.isoformat()}.csv"
    return table(csv_text(asked, context.member.account_no, schemes, voice), name)


def csv_text(asked: Asked, account_no: int, schemes: Schemes, voice: Voice) -> str:
    """Return a statement as a table: texts that could be formulas are made harmless, numbers can be added up."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(CSV_COLUMNS)
    table.writerows(_rows(asked, account_no, schemes, voice))
    return out.getvalue()


def _rows(asked: Asked, account_no: int, schemes: Schemes, voice: Voice) -> Iterator[tuple[str, ...]]:
    yield from past_rows(asked.past, voice)
    for line in asked.statement.lines:
        trade = line.trade
        party = _who(trade, account_no, asked.members, schemes, voice)
        other = None if trade is None or trade.other_scheme is None else schemes.get(trade.other_scheme)
        theirs = None if trade is None else amount_there(trade, other)
        moment = local(line.time_ms, voice.zone)
        yield (
            moment.date().isoformat(),
            moment.strftime("%H:%M"),
            "" if trade is None else reference(trade),
            harmless(line.trade.text if line.trade else _sentence(None, account_no, party, voice)),
            harmless(party.name),
            harmless(party.badge),
            plain_number(line.amount, voice.unit) if line.amount > 0 else "",
            plain_number(-line.amount, voice.unit) if line.amount < 0 else "",
            plain_number(line.balance_after, voice.unit),
            harmless(plain_unit(voice.unit)),
            "" if theirs is None or other is None else plain_number(theirs, other.unit),
            "" if theirs is None or other is None else harmless(plain_unit(other.unit)),
            "" if trade is None else trade.state,
        )


ROUTES: Final = (
    get("/statement", statement, MEMBER, for_others=True),
    get("/statement.csv", statement_csv, MEMBER, for_others=True),
    get("/statement.pdf", statement_pdf, MEMBER, for_others=True),
)
