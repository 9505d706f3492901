"""Asking somebody of another scheme to be paid, in a conversation with them. Only where both schemes allow it.

Source: docs/protocol.md 7.7; docs/pages.md 8.11.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.asks import CannotAsk
from node.services.asks_abroad import NewAskAbroad
from node.services.threads import Thread, find_thread
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, SpendForm, line, once_key
from node.web.pages.member_ask import cannot_ask
from node.web.pages.recording import TEXT_CHARACTERS_MAX, paused, read_amount, read_minor
from node.web.pages.schemes import schemes_known
from node.web.present import first_name
from node.web.views.page import Fact
from node.web.views.trade import AskCheckView, RecordWhatView
from protocol.limits import ASK_VALID_MS


class AbroadForm(Form):
    """What for and how much, in which conversation."""

    thread: line(20)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    amount: line(40)  # type: ignore[valid-type]  # as above


class AbroadDoForm(SpendForm):
    """Exactly what the check page showed."""

    thread: line(20)  # type: ignore[valid-type]  # as above
    what: line(TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # as above
    minor: line(20, 1)  # type: ignore[valid-type]  # as above


def may_ask(context: Context, thread: Thread) -> bool:
    """Tell whether whoever is on the other side of a conversation can be asked to pay from there."""
    abroad = thread.scheme != context.node.scheme and thread.their_handle is not None
    return abroad and context.settings.asks_abroad and context.member.may_trade


async def _find(context: Context, number: str) -> Thread:
    if not (number.isascii() and number.isdigit() and len(number) <= 12):
        raise NoSuchPage
    thread = await context.read(find_thread, int(number), context.member.account_no)
    if thread is None or not may_ask(context, thread):
        raise NoSuchPage
    return thread


async def what(context: Context) -> web.Response:
    """GET /ask/abroad?thread"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    thread = await _find(context, context.query("thread"))
    typed = {"what": context.query("what"), "amount": context.query("amount")}
    return context.show(await _what_view(context, thread, Filled(typed)))


async def _badge(context: Context, thread: Thread) -> str:
    other = (await schemes_known(context)).get(thread.scheme)
    return context.words.gettext("another scheme") if other is None else other.name


async def _what_view(context: Context, thread: Thread, form: Filled) -> RecordWhatView:
    voice = context.voice
    return RecordWhatView(
        did="gave",
        action="/ask/abroad",
        name=first_name(thread.their_name),
        badge=await _badge(context, thread),
        form=form,
        hidden=(("thread", str(thread.no)),),
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        rate_note="",
        change_who_href=f"/messages/{thread.no}",
    )


async def what_sent(context: Context) -> web.Response:
    """POST /ask/abroad: the check page, or this page again."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(AbroadForm)
    thread = await _find(context, context.fields.get("thread", ""))
    if isinstance(form, Filled):
        return context.show(await _what_view(context, thread, form), 422)
    filled = Filled({"what": form.what, "amount": form.amount})
    amount = read_amount(context, form.amount, context.unit, filled)
    if isinstance(amount, Filled):
        return context.show(await _what_view(context, thread, amount), 422)
    _, voice, number = context.words.gettext, context.voice, str(thread.no)
    typed = as_typed(amount, context.unit, context.language)
    said = {"scheme": await _badge(context, thread)}
    return context.show(
        AskCheckView(
            what=form.what,
            people=(Fact(label=thread.their_name, text=voice.spoken(amount)),),
            until=voice.long_day(context.now_ms + ASK_VALID_MS),
            button=_("Ask %(name)s") % {"name": first_name(thread.their_name)},
            action="/ask/abroad/do",
            hidden=(("thread", number), ("what", form.what), ("minor", str(amount))),
            once=context.once(),
            change_href="/ask/abroad?" + urlencode({"thread": number, "what": form.what, "amount": typed}),
            cancel_href=f"/messages/{number}",
            note=_("They are asked in your units, and see what that is in those of %(scheme)s.") % said,
        )
    )


async def do(context: Context) -> web.Response:
    """POST /ask/abroad/do: ask; the same form sent twice asks once."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(AbroadDoForm)
    if isinstance(form, Filled):
        raise NoSuchPage
    thread = await _find(context, form.thread)
    new = NewAskAbroad(
        payee=context.member, thread_no=thread.no, amount=read_minor(form.minor), text=form.what
    )
    try:
        ask = await context.node.asks_abroad.ask(new, once_key(form.once))
    except CannotAsk as no:
        return context.show(cannot_ask(context, no.why))
    return context.redirect(f"/asks/{ask.no}", note="asked-to-pay")


ROUTES: Final = (
    get("/ask/abroad", what, MEMBER),
    post("/ask/abroad", what_sent, MEMBER),
    post("/ask/abroad/do", do, MEMBER),
)
