"""Amounts that go by themselves on their days: the list, a new one in three steps, and one of them.

Nothing goes before the yes on the check page, and one press stops it. An order opens for its payer only.
Source: docs/protocol.md 3.6; docs/pages.md 0.10, 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.loan_rows import loan_by_order
from node.services.members import Member, member_by_account
from node.services.standing import CannotBegin, NewStanding, Why
from node.services.standing_rows import Order, Turn, order_by_once, orders_of, own_order, turns_of
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, SpendForm, line, once_key
from node.web.pages.choosing import person_view
from node.web.pages.member_statement import parse_day
from node.web.pages.recording import (
    TEXT_CHARACTERS_MAX,
    find_counterpart,
    paused,
    read_amount,
    read_minor,
    ring,
    stopped,
)
from node.web.pages.standing_words import (
    day_words,
    order_facts,
    order_pill,
    order_sentences,
    order_title,
    turn_words,
)
from node.web.present import first_name, reference
from node.web.views.page import Link
from node.web.views.standing import (
    StandingCheckView,
    StandingListView,
    StandingRow,
    StandingView,
    StandingWhatView,
    TurnRow,
)
from node.web.views.trade import RecordStoppedView
from protocol.errors import InvalidValue
from protocol.limits import STANDING_TRIED_DAYS, STANDING_TURNS_MAX
from protocol.standing import Every, Standing, StandingState, days_of

PATH: Final = "/my/standing"
DAYS_SHOWN: Final = 4
TURNS_SHOWN: Final = 60
# A first day further off than this is a slip of the pen.
FIRST_WITHIN_DAYS: Final = 366
FIELDS: Final = ("what", "amount", "every", "first", "times", "last")


class WhatForm(Form):
    """Step 2: how much, on which days."""

    who: line(20)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    amount: line(40)  # type: ignore[valid-type]  # as above
    every: line(10)  # type: ignore[valid-type]  # as above
    first: line(20)  # type: ignore[valid-type]  # as above
    times: line(10)  # type: ignore[valid-type]  # as above
    last: line(20)  # type: ignore[valid-type]  # as above


class DoForm(SpendForm):
    """Step 3: exactly what the check page showed."""

    who: line(20)  # type: ignore[valid-type]  # as above
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    minor: line(20, 1)  # type: ignore[valid-type]  # as above
    every: line(10)  # type: ignore[valid-type]  # as above
    first: line(20)  # type: ignore[valid-type]  # as above
    times: line(10)  # type: ignore[valid-type]  # as above
    last: line(20)  # type: ignore[valid-type]  # as above


# --- the list -----------------------------------------------------------------------------------------------


async def orders(context: Context) -> web.Response:
    """GET /my/standing"""
    found = await context.read(_read_all, context.member.account_no)
    voice = context.voice
    return context.show(
        StandingListView(
            rows=tuple(
                StandingRow(
                    href=f"{PATH}/{order.no}",
                    text=order_title(order.standing, name_of(payee), voice),
                    what=order.text,
                    when=""
                    if order.standing.next_day is None
                    else voice.words.gettext("next on %(day)s")
                    % {"day": day_words(order.standing.next_day, voice)},
                    state=order_pill(order, voice),
                )
                for order, payee in found
            )
        )
    )


def _read_all(tx: ReadTx, account_no: int) -> list[tuple[Order, Member | None]]:
    return [(order, member_by_account(tx, order.payee_no)) for order in orders_of(tx, account_no)]


def name_of(member: Member | None) -> str:
    """Return how the other side is called."""
    return "" if member is None else member.name or member.number


# --- a new one ----------------------------------------------------------------------------------------------


async def who(context: Context) -> web.Response:
    """GET /my/standing/new?q"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    _ = context.words.gettext
    return context.show(
        await person_view(context, _("A regular amount, step 1 of 3"), _("Who gets it?"), PATH)
    )


async def what(context: Context) -> web.Response:
    """GET /my/standing/what?who"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    if not context.query("who"):
        return context.redirect(f"{PATH}/new")
    payee = await read_payee(context, context.query("who"))
    if (stop := not_with(context, payee, PATH)) is not None:
        return context.show(stop)
    typed = {name: context.query(name) for name in FIELDS}
    return context.show(_what_view(context, payee, Filled({**typed, "every": typed["every"] or "month"})))


async def read_payee(context: Context, who: str) -> Member:
    """Return the member that a form or an address names. Raises NoSuchPage."""
    member = (await find_counterpart(context, who, "")).member
    assert member is not None, "no listing was named"
    return member


def not_with(context: Context, payee: Member, path: str) -> RecordStoppedView | None:
    """Return the page that says why nothing can go to this member, or None."""
    _ = context.words.gettext
    again = Link(text=_("Choose somebody else"), href=f"{path}/new")
    if payee.no == context.member.no:
        return stopped(context, _("This is you"), _("A trade needs two people."), action=again)
    if not payee.may_trade:
        said = {"name": payee.name}
        return stopped(context, _("%(name)s cannot trade now") % said, ring(context), action=again)
    return None


def _what_view(context: Context, payee: Member, form: Filled) -> StandingWhatView:
    voice = context.voice
    return StandingWhatView(
        name=first_name(payee.name),
        form=form,
        who=payee.number,
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        times_most=STANDING_TURNS_MAX,
    )


async def what_sent(context: Context) -> web.Response:
    """POST /my/standing/what: the check page, or this page again."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(WhatForm)
    payee = await read_payee(context, context.fields.get("who", ""))
    if (stop := not_with(context, payee, PATH)) is not None:
        return context.show(stop)
    if isinstance(form, Filled):
        return context.show(_what_view(context, payee, form), 422)
    filled = Filled({name: getattr(form, name) for name in FIELDS})
    amount = read_amount(context, form.amount, context.unit, filled)
    read = _read_order(context, 1 if isinstance(amount, Filled) else amount, form, filled)
    if isinstance(amount, Filled):
        filled = (
            amount if not isinstance(read, Filled) else Filled(read.values, {**amount.errors, **read.errors})
        )
        return context.show(_what_view(context, payee, filled), 422)
    if isinstance(read, Filled):
        return context.show(_what_view(context, payee, read), 422)
    return context.show(_check_view(context, payee, form.what, read))


def _read_order(context: Context, amount: int, form: WhatForm | DoForm, filled: Filled) -> Standing | Filled:
    """Return the order that was typed, or the form with what is wrong with it."""
    _ = context.words.gettext
    no_day = _("This is not a day. Please write it like 2026-03-31.")
    first, last, today = parse_day(form.first), parse_day(form.last), context.node.standing.today()
    if form.every not in tuple(Every):
        filled = filled.with_error("every", _("Please choose one of the answers."))
    if first is None:
        filled = filled.with_error("first", no_day)
    elif first.toordinal() < today:
        filled = filled.with_error("first", _("This day is over. Please choose today or a later one."))
    elif first.toordinal() > today + FIRST_WITHIN_DAYS:
        filled = filled.with_error("first", _("Please choose a day within a year."))
    if bool(form.times) == bool(form.last):
        filled = filled.with_error(
            "times", _("Please say when it ends: after how many times, or with which day.")
        )
    elif form.last and last is None:
        filled = filled.with_error("last", no_day)
    times = int(form.times) if form.times.isascii() and form.times.isdigit() else 0
    if form.times and not form.last and not 1 <= times <= STANDING_TURNS_MAX:
        most = {"most": STANDING_TURNS_MAX}
        filled = filled.with_error("times", _("Please write a number from 1 to %(most)d.") % most)
    if filled.errors or first is None:
        return filled
    try:
        return Standing(
            amount=amount,
            every=Every(form.every),
            first=first.toordinal(),
            times=times if form.times else None,
            last=None if last is None else last.toordinal(),
        )
    except InvalidValue:
        return filled.with_error("last", _("Please choose a day after the first, and not too far off."))


def _check_view(context: Context, payee: Member, text: str, order: Standing) -> StandingCheckView:
    voice, days = context.voice, days_of(order)
    asked = {
        "who": payee.number,
        "what": text,
        "every": order.every.value,
        "first": date.fromordinal(order.first).isoformat(),
        "times": "" if order.times is None else str(order.times),
        "last": "" if order.last is None else date.fromordinal(order.last).isoformat(),
    }
    typed = as_typed(order.amount, context.unit, context.language)
    more = len(days) - DAYS_SHOWN
    return StandingCheckView(
        what=text,
        facts=order_facts(order, payee.name, voice),
        days=tuple(day_words(day, voice) for day in days[:DAYS_SHOWN]),
        more_days=voice.words.ngettext("and %(num)d more", "and %(num)d more", more) % {"num": more}
        if more > 0
        else "",
        tries=STANDING_TRIED_DAYS,
        hidden=tuple({**asked, "minor": str(order.amount)}.items()),
        once=context.once(),
        change_href=f"{PATH}/what?" + urlencode({**asked, "amount": typed}),
    )


async def do(context: Context) -> web.Response:
    """POST /my/standing/do: begin it; the same form sent twice begins one."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(DoForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    known = await context.read(order_by_once, once_key(form.once))
    if known is not None:
        return context.redirect(f"{PATH}/{known.no}", note="standing-begun")
    payee = await read_payee(context, form.who)
    order = _read_order(context, read_minor(form.minor), form, Filled())
    if isinstance(order, Filled):
        if order.errors.keys() != {"first"}:
            raise NoSuchPage  # no check page of ours said that
        return context.show(_not_begun(context, Why.PAST))  # it lay open over midnight
    new = NewStanding(
        payer=context.member, payee=payee, text=form.what, standing=order, proved_by=context.actor.proof
    )
    try:
        begun = await context.node.standing.begin(new, once_key(form.once))
    except CannotBegin as no:
        return context.show(_not_begun(context, no.why))
    return context.redirect(f"{PATH}/{begun.no}", note="standing-begun")


def _not_begun(context: Context, why: Why) -> RecordStoppedView:
    _ = context.words.gettext
    mine = Link(text=_("All my regular amounts"), href=PATH)
    match why:
        case Why.TOO_MANY:
            sentence = _("You have many regular amounts already. Stop one of them first.")
        case Why.PAST:
            sentence = _("Its first day is over. Please begin again with another day.")
        case Why.NOT_NOW:
            sentence = _("One of the two cannot trade now.") + " " + ring(context)
    return stopped(context, _("This was not begun"), sentence, action=mine)


# --- one ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """An order with what became of it, of one moment."""

    order: Order
    payee: Member | None
    turns: tuple[tuple[Turn, Trade | None], ...]
    loan_no: int | None  # that it pays back


def _read(tx: ReadTx, no: int, account_no: int) -> Shown | None:
    order = own_order(tx, no, account_no)
    if order is None:
        return None
    turns, lent = turns_of(tx, no, TURNS_SHOWN), loan_by_order(tx, no)
    return Shown(
        order,
        member_by_account(tx, order.payee_no),
        tuple((turn, None if turn.trade_no is None else trade_by_no(tx, turn.trade_no)) for turn in turns),
        None if lent is None else lent.no,
    )


async def order_page(context: Context) -> web.Response:
    """GET /my/standing/{number}"""
    shown = await context.read(_read, context.number("number"), context.member.account_no)
    if shown is None:
        raise NoSuchPage
    order, voice, payee = shown.order, context.voice, name_of(shown.payee)
    runs = order.standing.state is StandingState.RUNNING
    return context.show(
        StandingView(
            title=order_title(order.standing, payee, voice),
            state=order_pill(order, voice),
            sentences=order_sentences(order, payee, voice, repays=shown.loan_no is not None),
            facts=order_facts(order.standing, payee, voice, text=order.text, whole=shown.loan_no is None),
            turns=tuple(_turn_row(context, turn, trade) for turn, trade in shown.turns),
            stop_action=f"{PATH}/{order.no}/stop" if runs else "",
            next=_next(context, shown),
        )
    )


def _turn_row(context: Context, turn: Turn, trade: Trade | None) -> TurnRow:
    return TurnRow(
        day=day_words(turn.day, context.voice),
        text=turn_words(turn, trade, context.voice),
        href="" if trade is None else f"/t/{reference(trade)}",
    )


def _next(context: Context, shown: Shown) -> Link | None:
    """Return where an order's page leads on to: the loan it pays back, or the same once more."""
    order, payee = shown.order, shown.payee
    if shown.loan_no is not None:
        return Link(text=context.words.gettext("See the loan"), href=f"/my/loans/{shown.loan_no}")
    if order.standing.state is StandingState.RUNNING or payee is None:
        return None
    typed = as_typed(order.standing.amount, context.unit, context.language)
    asked = {"who": payee.number, "what": order.text, "amount": typed, "every": order.standing.every.value}
    return Link(text=context.words.gettext("Begin it again"), href=f"{PATH}/what?" + urlencode(asked))


async def stop(context: Context) -> web.Response:
    """POST /my/standing/{number}/stop: one press."""
    no = context.number("number")
    try:
        await context.node.standing.stop(no, context.member.account_no)
    except LookupError:
        raise NoSuchPage from None
    return context.redirect(f"{PATH}/{no}", note="standing-stopped")


ROUTES: Final = (
    get(PATH, orders, MEMBER),
    get(f"{PATH}/new", who, MEMBER),
    get(f"{PATH}/what", what, MEMBER),
    post(f"{PATH}/what", what_sent, MEMBER),
    post(f"{PATH}/do", do, MEMBER),
    get(f"{PATH}/{{number}}", order_page, MEMBER),
    post(f"{PATH}/{{number}}/stop", stop, MEMBER),
)
