"""Paying several members at once: the same to each, or one amount in equal parts; all of them, or nobody.

Source: docs/pages.md 7.2, 8.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.asks import part_of
from node.services.books import Refused
from node.services.members import Member, member_by_account
from node.services.trades import NewTrade, Trade
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, once_key
from node.web.pages.choosing import chosen_members, names_of, numbers_of, people_sent
from node.web.pages.member_ask import AskDoForm, AskForm, Parts, parts_of, people_and_parts, read_parts
from node.web.pages.member_trade import find_mine
from node.web.pages.recording import (
    not_mine_to_write,
    own_account,
    paused,
    read_minor,
    ring,
    stopped,
    too_far,
)
from node.web.present import before_and_after, has_now, reference
from node.web.views.page import Link
from node.web.views.trade import RecordStoppedView, RecordWhatView, SeveralCheckView, SeveralDoneView
from protocol.limits import AMOUNT_MAX


async def what(context: Context) -> web.Response:
    """GET /record/several?who"""
    if (stop := paused(context) or not_mine_to_write(context, "received")) is not None:
        return context.show(stop)
    people = await chosen_members(context, context.query("who"))
    if not people:
        return context.redirect("/record?several=1")
    typed = {name: context.query(name) for name in ("what", "amount", "share")}
    return context.show(_what_view(context, people, Filled({**typed, "share": typed["share"] or "each"})))


def _what_view(context: Context, people: Sequence[Member], form: Filled) -> RecordWhatView:
    voice = context.voice
    return RecordWhatView(
        did="received",
        action="/record/several",
        several=True,
        name=names_of(people, context.language),
        badge="",
        form=form,
        hidden=(("who", numbers_of(people)),),
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        rate_note="",
        change_who_href="/record?" + urlencode({"with": numbers_of(people)}, safe=","),
    )


async def what_sent(context: Context) -> web.Response:
    """POST /record/several: the check page, or this page again."""
    if (stop := paused(context) or not_mine_to_write(context, "received")) is not None:
        return context.show(stop)
    form = context.form(AskForm)
    people = await people_sent(context)
    if isinstance(form, Filled):
        return context.show(_what_view(context, people, form), 422)
    read = read_parts(context, form, len(people), most=AMOUNT_MAX)
    if isinstance(read, Filled):
        return context.show(_what_view(context, people, read), 422)
    amount, parts = read
    change = _change_href(context, people, form.what, amount, form.share)
    if (stop := await _obstacle(context, people, parts, change)) is not None:
        return context.show(stop)
    account = await context.read(own_account, context.member.account_no)
    voice = context.voice
    return context.show(
        SeveralCheckView(
            what=form.what,
            people=people_and_parts(context, people, parts),
            total=voice.spoken(parts.total),
            mine=before_and_after(account.balance, account.balance - parts.total, voice),
            button=context.words.gettext("Pay all of them"),
            hidden=(
                ("who", numbers_of(people)),
                ("what", form.what),
                ("minor", str(amount)),
                ("share", form.share),
            ),
            once=context.once(),
            change_href=change,
        )
    )


def _change_href(context: Context, people: Sequence[Member], text: str, amount: int, share: str) -> str:
    typed = as_typed(amount, context.unit, context.language)
    asked = {"who": numbers_of(people), "what": text, "amount": typed, "share": share}
    return "/record/several?" + urlencode(asked, safe=",")


async def _obstacle(
    context: Context, people: Sequence[Member], parts: Parts, change: str
) -> RecordStoppedView | None:
    """Return the page that says why they cannot be paid, or None."""
    _ = context.words.gettext
    if any(each.no == context.member.no for each in people):
        again = Link(text=_("Choose somebody else"), href="/record?several=1")
        return stopped(context, _("This is you"), _("A trade needs two people."), action=again)
    for each in people:
        if not each.may_trade:
            return stopped(context, _("%(name)s cannot trade now") % {"name": each.name}, ring(context))
    account = await context.read(own_account, context.member.account_no)
    return too_far(context, account, parts.total, change)


async def do(context: Context) -> web.Response:
    """POST /record/several/do: record all of them in one unit; the same form sent twice records them once."""
    if (stop := paused(context) or not_mine_to_write(context, "received")) is not None:
        return context.show(stop)
    form = context.form(AskDoForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    people, once = await people_sent(context), once_key(form.once)
    amount = read_minor(form.minor)
    parts = parts_of(amount, form.share, len(people))
    if parts is None or parts.total > AMOUNT_MAX:
        raise NoSuchPage
    if await context.node.trades.by_once(once) is None:
        change = _change_href(context, people, form.what, amount, form.share)
        if (stop := await _obstacle(context, people, parts, change)) is not None:
            return context.show(stop)
    me = context.member
    new = [
        NewTrade(
            payer_no=me.account_no, payee_no=payee.account_no, amount=part, text=form.what, entered_by=me.name,
            proved_by=context.actor.proof, once=part_of(once, number), payer_name=me.name, payee_name=payee.name,
        )
        for number, (payee, part) in enumerate(zip(people, parts.each, strict=True))
    ]  # fmt: skip
    try:
        trades = await context.node.trades.record_all(new)
    except Refused:
        _ = context.words.gettext
        return context.show(
            stopped(
                context,
                _("This cannot be recorded now"),
                _("One of them cannot take that much now, so nobody was paid."),
                ring(context),
            )
        )
    named = ",".join(reference(trade) for trade in trades)
    return context.redirect("/record/several/done?" + urlencode({"of": named}, safe=","))


async def done(context: Context) -> web.Response:
    """GET /record/several/done?of: the trades that one form recorded; each opens only for its payer."""
    references = [part for part in context.request.query.get("of", "")[:500].split(",") if part]
    if not references:
        raise NoSuchPage
    trades = [await find_mine(context, each) for each in references]
    account = await context.read(own_account, context.member.account_no)
    return context.show(
        SeveralDoneView(
            what=trades[0].text,
            trades=tuple([await _row(context, trade) for trade in trades]),
            balance=has_now(account.balance, context.voice),
        )
    )


async def _row(context: Context, trade: Trade) -> Link:
    payee = None if trade.payee_no is None else await context.read(member_by_account, trade.payee_no)
    said = {"name": "" if payee is None else payee.name, "amount": context.voice.spoken(trade.amount)}
    return Link(text=context.words.gettext("%(name)s: %(amount)s") % said, href=f"/t/{reference(trade)}")


ROUTES: Final = (
    get("/record/several", what, MEMBER),
    post("/record/several", what_sent, MEMBER),
    post("/record/several/do", do, MEMBER),
    get("/record/several/done", done, MEMBER),
)
