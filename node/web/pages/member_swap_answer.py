"""Swaps with members of other schemes where one proposes something else: the asker's answer, and the form of both sides.

Source: docs/pages.md 8.15, 8.18; docs/protocol.md 7.10.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from aiohttp import web

from node.services.request_rows import Request, find_out
from node.services.request_words import SWAP, lines_of
from node.services.requests_abroad import CannotRequest
from node.services.swap_words import swap_title
from node.services.swaps import CannotSwap
from node.services.swaps_abroad import PATH, offered_of, swap_in, terms_of
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, line
from node.web.pages.abroad_words import cannot_ask
from node.web.pages.member_swap import cannot_words
from node.web.pages.member_swap_form import (
    Asking,
    OtherForm,
    form_view,
    read_terms,
    terms_filled,
    things_of,
)
from node.web.pages.recording import paused, stopped
from node.web.pages.schemes import schemes_known
from node.web.pages.swapped_abroad_words import offered_facts, swap_sentence, swapped_pill
from node.web.present import first_name
from node.web.views.page import Link, Pill, View
from node.web.views.swaps import SwapFormView, SwapView
from protocol.beyond import Stands
from protocol.swap import Side, Terms

MINE: Final = "/my/abroad"


class YesForm(Form):
    """Which of their letters is said yes to."""

    turn: line(16, 1)  # type: ignore[valid-type]  # `line` makes the type of a field


# --- whoever asked ----------------------------------------------------------------------------------------------


async def _find(context: Context) -> Request:
    """Return the swap of the reader's in which something else was proposed. Raises NoSuchPage."""
    found = await context.read(find_out, context.number("number"), context.member.account_no)
    if found is None or found.kind != SWAP:
        raise NoSuchPage
    return found


def _name(request: Request, context: Context) -> str:
    return first_name(request.their_name) or context.words.gettext("Somebody")


async def swap_page(context: Context) -> web.Response:
    """GET /my/abroad/{number}/swap: what they propose instead."""
    request, voice = await _find(context), context.voice
    if request.mirror.seen is not Stands.COUNTERED:
        return context.redirect(MINE)
    theirs = (await schemes_known(context)).get(request.scheme)
    here = f"{MINE}/{request.no}"
    sentence = swap_sentence(request, Stands.COUNTERED, voice) % {"name": _name(request, context)}
    return context.show(
        SwapView(
            title=swap_title(request.title, request.offered.given, context.words),
            asked_abroad=True,
            state=swapped_pill(Stands.COUNTERED, context.words) or Pill(text=""),
            sentences=(sentence, context.words.gettext("Nothing moves by it."), *lines_of(request.said)),
            facts=offered_facts(request, None if theirs is None else theirs.unit, voice),
            turn=request.their_turn,
            yes_action=f"{here}/swap/yes",
            no_action=f"{here}/back",
            other_href=f"{here}/swap/other",
            talk_href="" if request.thread_no is None else f"/messages/{request.thread_no}",
        )
    )


async def yes(context: Context) -> web.Response:
    """POST /my/abroad/{number}/swap/yes: nothing moves by it."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    request, form = await _find(context), context.form(YesForm)
    turn = _turn(form.turn) if not isinstance(form, Filled) else None
    if turn is None:
        raise NoSuchPage
    if request.offered.price and not context.settings.asks_abroad:
        return context.show(_not_now(context, request, _no_amount(context)))
    return await _sent(
        context, request, context.node.swap_answers.accept(request.no, context.member, turn), "swap-agreed"
    )


def _turn(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() else None


def _no_amount(context: Context) -> str:
    return context.words.gettext(
        "Your scheme does not let people of other schemes ask each other to be paid."
    )


def _not_now(context: Context, request: Request, why: str) -> View:
    _ = context.words.gettext
    back = Link(text=_("Back to the swap"), href=f"{MINE}/{request.no}/swap")
    return stopped(context, _("This was not done"), why, action=back)


async def _sent(context: Context, request: Request, doing: Awaitable[Request], note: str) -> web.Response:
    try:
        await doing
    except CannotRequest as no:
        return context.show(_not_now(context, request, cannot_ask(no.why, context.words)))
    return context.redirect(MINE, note=note)


async def _asking(context: Context, request: Request, mine: Side) -> Asking:
    theirs = (await schemes_known(context)).get(request.scheme)
    if theirs is None:
        raise NoSuchPage  # in what they count is not known here any more
    things = await context.read(things_of, context.now_ms, context.member.no)
    return Asking(
        name=_name(request, context), mine=mine, title=request.title, things=things if mine is Side.ASKER else (),
        theirs=theirs.unit,
    )  # fmt: skip


async def other(context: Context) -> web.Response:
    """GET /my/abroad/{number}/swap/other"""
    request = await _find(context)
    if (stop := paused(context)) is not None:
        return context.show(stop)
    if request.mirror.seen is not Stands.COUNTERED:
        return context.redirect(MINE)
    asking = await _asking(context, request, Side.ASKER)
    form = terms_filled(context, asking, terms_of(request.offered))
    return context.show(_view(context, request, asking, str(request.their_turn), form))


async def other_sent(context: Context) -> web.Response:
    """POST /my/abroad/{number}/swap/other"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    request = await _find(context)
    read = await _read(context, request, await _asking(context, request, Side.ASKER))
    if isinstance(read, View):
        return context.show(read, 422)
    turn, terms, said = read
    sent = context.node.swap_answers.counter(request.no, context.member, turn, offered_of(terms), said)
    return await _sent(context, request, sent, "sent")


# --- the owner --------------------------------------------------------------------------------------------------


async def _owned(context: Context) -> Request:
    found = await context.read(swap_in, context.number("number"), context.member.account_no)
    if found is None:
        raise NoSuchPage
    return found


async def owners(context: Context) -> web.Response:
    """GET /my/swaps/abroad/{number}/other"""
    request = await _owned(context)
    if (stop := paused(context)) is not None:
        return context.show(stop)
    if request.stands is not Stands.ASKED:
        return context.redirect(f"{PATH}/{request.no}")
    asking = await _asking(context, request, Side.OWNER)
    form = terms_filled(context, asking, terms_of(request.terms))
    return context.show(_view(context, request, asking, str(request.proposal), form))


async def owners_sent(context: Context) -> web.Response:
    """POST /my/swaps/abroad/{number}/other"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    request, back = await _owned(context), f"{PATH}/{context.number('number')}"
    read = await _read(context, request, await _asking(context, request, Side.OWNER))
    if isinstance(read, View):
        return context.show(read, 422)
    turn, terms, said = read
    try:
        await context.node.swaps_abroad.counter(request.no, context.member, turn, terms, said)
    except CannotSwap as no:
        _ = context.words.gettext
        link = Link(text=_("Back to the swap"), href=back)
        why = cannot_words(context, no.why)
        return context.show(stopped(context, _("This was not done"), why, action=link))
    return context.redirect(back, note="sent")


# --- the form of both -------------------------------------------------------------------------------------------


def _view(context: Context, request: Request, asking: Asking, turn: str, form: Filled) -> SwapFormView:
    asks = asking.mine is Side.ASKER
    page = f"{MINE}/{request.no}/swap" if asks else f"{PATH}/{request.no}"
    back = Link(text=context.words.gettext("Back to the swap"), href=page)
    return form_view(context, asking, f"{page}/other", back, (("turn", turn),), form)


async def _read(context: Context, request: Request, asking: Asking) -> tuple[int, Terms, str] | SwapFormView:
    """Return which proposal is answered, with what, and the words; or the form with what is wrong."""
    form = context.form(OtherForm)
    shown = str(request.their_turn if asking.mine is Side.ASKER else request.proposal)
    if isinstance(form, Filled):
        return _view(context, request, asking, shown, form)
    turn = _turn(form.turn)
    if turn is None:
        raise NoSuchPage
    terms = read_terms(context, asking, form)
    if isinstance(terms, Terms) and terms.payer is not None and not context.settings.asks_abroad:
        terms = Filled(form.model_dump()).with_error("pays", _no_amount(context))
    if isinstance(terms, Filled):
        return _view(context, request, asking, form.turn, terms)
    # What whoever asked offered from their lists stays that, if it is named as it is.
    listed = request.terms if asking.mine is Side.OWNER else request.offered
    if terms.given_key is None and terms.given == listed.given:
        terms = Terms(given=terms.given, given_key=listed.given_key, amount=terms.amount, payer=terms.payer)
    return turn, terms, form.said


ROUTES: Final = (
    get(f"{MINE}/{{number}}/swap", swap_page, MEMBER),
    post(f"{MINE}/{{number}}/swap/yes", yes, MEMBER),
    get(f"{MINE}/{{number}}/swap/other", other, MEMBER),
    post(f"{MINE}/{{number}}/swap/other", other_sent, MEMBER),
    get(f"{PATH}/{{number}}/other", owners, MEMBER),
    post(f"{PATH}/{{number}}/other", owners_sent, MEMBER),
)
