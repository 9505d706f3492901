"""Asking to be paid: whom did you help, what and how much, check, asked. Nothing moves before the other says yes.

What comes of it is in `member_asks.py`. Source: docs/pages.md 4, 7.2, 8.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.asks import CannotAsk, NewAsk, Why
from node.services.members import Member
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, SpendForm, line, once_key
from node.web.pages.choosing import (
    SEVERAL_MAX,
    chosen_members,
    names_of,
    numbers_of,
    people_sent,
    shares,
    who_view,
)
from node.web.pages.recording import (
    TEXT_CHARACTERS_MAX,
    not_mine_to_write,
    paused,
    read_amount,
    read_minor,
    ring,
    stopped,
)
from node.web.present import first_name
from node.web.views.page import Fact, Link
from node.web.views.trade import AskCheckView, RecordStoppedView, RecordWhatView
from protocol.limits import DAY_MS

NUMBERS_MAX: Final = 8 * SEVERAL_MAX


class AskForm(Form):
    """Step 2: what for and how much, of whom from the step before."""

    who: line(NUMBERS_MAX)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    amount: line(40)  # type: ignore[valid-type]  # as above
    share: line(8)  # type: ignore[valid-type]  # as above


class AskDoForm(SpendForm):
    """Step 3: exactly what the check page showed."""

    who: line(NUMBERS_MAX)  # type: ignore[valid-type]  # as above
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    minor: line(20, 1)  # type: ignore[valid-type]  # as above
    share: line(8)  # type: ignore[valid-type]  # as above


@dataclass(frozen=True, slots=True)
class Parts:
    """How much each of several gets or gives; in the order of the people."""

    total: int
    each: Sequence[int]


def parts_of(amount: int, share: str, people: int) -> Parts | None:
    """Return each one's part, or None where there is less than the smallest amount for each."""
    if share == "all" and people > 1:
        return Parts(amount, shares(amount, people)) if amount >= people else None
    return Parts(amount * people, [amount] * people)


def read_parts(
    context: Context, form: AskForm, people: int, *, most: int | None = None
) -> tuple[int, Parts] | Filled:
    """Return the amount typed and each one's part, or the form with what is wrong; `most` is the most of all parts."""
    _ = context.words.gettext
    filled = Filled({"what": form.what, "amount": form.amount, "share": form.share})
    amount = read_amount(context, form.amount, context.unit, filled)
    if isinstance(amount, Filled):
        return amount
    parts = parts_of(amount, form.share, people)
    if parts is None:
        return filled.with_error("amount", _("That is too little for so many people."))
    if most is not None and parts.total > most:
        return filled.with_error("amount", _("That is more than can be written."))
    return amount, parts


async def who(context: Context) -> web.Response:
    """GET /ask?q&with"""
    if (stop := paused(context) or not_mine_to_write(context, "gave")) is not None:
        return context.show(stop)
    return context.show(await who_view(context, "gave", "/ask", ()))


# --- what, and how much -------------------------------------------------------------------------------------


async def what(context: Context) -> web.Response:
    """GET /ask/what?who"""
    if (stop := paused(context) or not_mine_to_write(context, "gave")) is not None:
        return context.show(stop)
    if not context.query("who"):
        return context.redirect("/ask")
    people = await chosen_members(context, context.query("who"))
    if (stop := _nobody_to_ask(context, people)) is not None:
        return context.show(stop)
    typed = {name: context.query(name) for name in ("what", "amount", "share")}
    return context.show(_what_view(context, people, Filled({**typed, "share": typed["share"] or "each"})))


def _what_view(context: Context, people: Sequence[Member], form: Filled) -> RecordWhatView:
    voice = context.voice
    chosen = {"with": numbers_of(people)} if len(people) > 1 else {}
    return RecordWhatView(
        did="gave",
        action="/ask/what",
        several=len(people) > 1,
        name=names_of(people, context.language),
        badge="",
        form=form,
        hidden=(("who", numbers_of(people)),),
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        rate_note="",
        change_who_href="/ask" + ("?" + urlencode(chosen, safe=",") if chosen else ""),
    )


def _nobody_to_ask(context: Context, people: Sequence[Member]) -> RecordStoppedView | None:
    """Return the page that says why these cannot be asked, or None."""
    _ = context.words.gettext
    again = Link(text=_("Choose somebody else"), href="/ask")
    if any(each.no == context.member.no for each in people):
        return stopped(context, _("This is you"), _("A trade needs two people."), action=again)
    for each in people:
        if not each.may_trade:
            said = {"name": each.name}
            return stopped(context, _("%(name)s cannot trade now") % said, ring(context), action=again)
    return None


async def what_sent(context: Context) -> web.Response:
    """POST /ask/what: the check page, or this page again."""
    if (stop := paused(context) or not_mine_to_write(context, "gave")) is not None:
        return context.show(stop)
    form = context.form(AskForm)
    people = await people_sent(context)
    if isinstance(form, Filled):
        return context.show(_what_view(context, people, form), 422)
    read = read_parts(context, form, len(people))
    if isinstance(read, Filled):
        return context.show(_what_view(context, people, read), 422)
    amount, parts = read
    return context.show(_check_view(context, people, form.what, amount, form.share, parts))


def people_and_parts(context: Context, people: Sequence[Member], parts: Parts) -> tuple[Fact, ...]:
    """Return each one's name with their part."""
    spoken = context.voice.spoken
    return tuple(
        Fact(label=each.name, text=spoken(part)) for each, part in zip(people, parts.each, strict=True)
    )


def _check_view(
    context: Context, people: Sequence[Member], text: str, amount: int, share: str, parts: Parts
) -> AskCheckView:
    voice, numbers = context.voice, numbers_of(people)
    typed = as_typed(amount, context.unit, context.language)
    change = {"who": numbers, "what": text, "amount": typed, "share": share}
    alone = len(people) == 1
    _ = context.words.gettext
    return AskCheckView(
        what=text,
        people=people_and_parts(context, people, parts),
        total="" if alone else voice.spoken(parts.total),
        until=voice.long_day(context.now_ms + context.settings.ask_days * DAY_MS),
        counts=_counts_on(context, people),
        button=_("Ask %(name)s") % {"name": first_name(people[0].name)} if alone else _("Ask all of them"),
        hidden=(("who", numbers), ("what", text), ("minor", str(amount)), ("share", share)),
        once=context.once(),
        change_href="/ask/what?" + urlencode(change, safe=","),
    )


def _counts_on(context: Context, people: Sequence[Member]) -> str:
    """Return the day on which silence counts as a yes, "" where it does with none of those who are asked."""
    times = [until for until, counts in map(context.node.asks.time_for, people) if counts]
    return context.voice.long_day(max(times)) if times else ""


# --- asking -------------------------------------------------------------------------------------------------


async def do(context: Context) -> web.Response:
    """POST /ask/do: ask; the same form sent twice asks once."""
    if (stop := paused(context) or not_mine_to_write(context, "gave")) is not None:
        return context.show(stop)
    form = context.form(AskDoForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    people = await people_sent(context)
    if (stop := _nobody_to_ask(context, people)) is not None:
        return context.show(stop)
    parts = parts_of(read_minor(form.minor), form.share, len(people))
    if parts is None:
        raise NoSuchPage
    asks = [
        NewAsk(payee=context.member, payer=payer, amount=part, text=form.what)
        for payer, part in zip(people, parts.each, strict=True)
    ]
    try:
        made = await context.node.asks.ask(asks, once_key(form.once))
    except CannotAsk as no:
        return context.show(cannot_ask(context, no.why))
    path = f"/asks/{made[0].no}" if len(made) == 1 else "/asks"
    return context.redirect(path, note="asked-to-pay")


def cannot_ask(context: Context, why: Why) -> RecordStoppedView:
    """Return the page that says why nobody was asked."""
    _ = context.words.gettext
    mine = Link(text=_("My requests"), href="/asks")
    match why:
        case Why.OPEN:
            sentence = _("Many of your requests wait for an answer. Wait for some, or take some back.")
        case Why.TODAY:
            sentence = _("You sent many requests today. Tomorrow there is room for more.")
        case Why.PESTERING:
            sentence = _("Some of your requests wait with this person already. Wait for an answer first.")
        case Why.SAME:
            sentence = _("You asked for exactly this already, and it waits for an answer.")
        case Why.UNREACHABLE:
            sentence = _("We cannot write to this person now.") + " " + ring(context)
        case _:
            sentence = _("This was answered, taken back, or ran out.")
    return stopped(context, _("This was not asked"), sentence, action=mine)


ROUTES: Final = (
    get("/ask", who, MEMBER),
    get("/ask/what", what, MEMBER),
    post("/ask/what", what_sent, MEMBER),
    post("/ask/do", do, MEMBER),
)
