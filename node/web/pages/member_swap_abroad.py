"""Swaps that somebody of another scheme proposes: the owner of what they would like says yes, no or proposes else, and that it happened.

Whoever asked has their side under `/my/abroad`. Source: docs/pages.md 8.15, 8.18; docs/protocol.md 7.10.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.own_listings import find_own
from node.services.request_rows import Request
from node.services.request_words import lines_of
from node.services.swap_words import swap_title
from node.services.swaps import CannotSwap
from node.services.swaps_abroad import PATH, said_by, swap_in
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, Tick, line
from node.web.pages.member_swap import cannot_words
from node.web.pages.recording import paused, stopped
from node.web.pages.schemes import schemes_known
from node.web.pages.swap_abroad_words import (
    swap_abroad_facts,
    swap_abroad_payment,
    swap_abroad_pill,
    swap_abroad_sentence,
)
from node.web.present import first_name
from node.web.views.page import Link
from node.web.views.swaps import SwapView
from protocol.beyond import Stands
from protocol.listing import TRANSITIONS as LISTING_TRANSITIONS
from protocol.listing import Withdrew
from protocol.swap import Side


class YesForm(Form):
    turn: line(9, 1)  # type: ignore[valid-type]  # `line` makes the type of a field


class HappenedForm(Form):
    gone: Tick


@dataclass(frozen=True, slots=True)
class _Shown:
    request: Request
    gone: str  # what is still on the lists


def _read(tx: ReadTx, no: int, account_no: int) -> _Shown | None:
    request = swap_in(tx, no, account_no)
    if request is None:
        return None
    owned = find_own(tx, request.key)
    listed = owned is not None and Withdrew in LISTING_TRANSITIONS[owned.listing.state]
    return _Shown(request, owned.listing.content.title if owned is not None and listed else "")


async def _find(context: Context) -> _Shown:
    shown = await context.read(_read, context.number("number"), context.member.account_no)
    if shown is None:
        raise NoSuchPage
    return shown


async def swap_page(context: Context) -> web.Response:
    """GET /my/swaps/abroad/{number}"""
    shown = await _find(context)
    request, voice, _ = shown.request, context.voice, context.words.gettext
    schemes = await schemes_known(context)
    name = first_name(request.their_name) or _("Somebody")
    said, path = {"name": name}, f"{PATH}/{request.no}"
    asked, agreed = request.stands is Stands.ASKED, request.stands is Stands.AGREED
    happens = agreed and Side.OWNER not in said_by(request)
    answered = request.stands is Stands.DECLINED
    return context.show(
        SwapView(
            title=swap_title(request.title, request.given, context.words),
            state=swap_abroad_pill(request, voice),
            sentences=(
                swap_abroad_sentence(request, voice) % said,
                *swap_abroad_payment(request, name, voice),
                *(lines_of(request.said) if answered else ()),
            ),
            facts=swap_abroad_facts(request, schemes, voice),
            turn=request.proposal,
            yes_action=f"{path}/yes" if asked else "",
            no_action=f"{path}/no" if asked else "",
            other_href=f"{path}/other" if asked else "",
            withdraw_action=f"{path}/no" if request.stands is Stands.COUNTERED else "",
            happened_action=f"{path}/happened" if happens else "",
            gone=shown.gone if happens else "",
            call_off_action=f"{path}/off" if agreed else "",
            talk_href="" if request.thread_no is None else f"/messages/{request.thread_no}",
        )
    )


# --- what the owner does ----------------------------------------------------------------------------------------


async def yes(context: Context) -> web.Response:
    """POST /my/swaps/abroad/{number}/yes: nothing moves by it."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form, no = context.form(YesForm), context.number("number")
    if isinstance(form, Filled) or not (form.turn.isascii() and form.turn.isdigit()):
        raise NoSuchPage
    yes = context.node.swaps_abroad.accept(no, context.member, int(form.turn))
    return await _done(context, yes, "swap-agreed")


async def no(context: Context) -> web.Response:
    """POST /my/swaps/abroad/{number}/no"""
    number = context.number("number")
    return await _done(context, context.node.swaps_abroad.decline(number, context.member), "said-no")


async def off(context: Context) -> web.Response:
    """POST /my/swaps/abroad/{number}/off: it will not happen after all."""
    number = context.number("number")
    return await _done(context, context.node.swaps_abroad.call_off(number, context.member), "told")


async def happened(context: Context) -> web.Response:
    """POST /my/swaps/abroad/{number}/happened: said twice, it is said once."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(HappenedForm)
    gone = not isinstance(form, Filled) and form.gone
    number = context.number("number")
    return await _done(context, context.node.swaps_abroad.happened(number, context.member, gone=gone), "told")


async def _done(context: Context, doing: Awaitable[None], note: str) -> web.Response:
    path = f"{PATH}/{context.number('number')}"
    try:
        await doing
    except LookupError:
        raise NoSuchPage from None
    except CannotSwap as cannot:
        _ = context.words.gettext
        back = Link(text=_("Back to the swap"), href=path)
        return context.show(
            stopped(context, _("This was not done"), cannot_words(context, cannot.why), action=back)
        )
    return context.redirect(path, note=note)


ROUTES: Final = (
    get(f"{PATH}/{{number}}", swap_page, MEMBER),
    post(f"{PATH}/{{number}}/yes", yes, MEMBER),
    post(f"{PATH}/{{number}}/no", no, MEMBER),
    post(f"{PATH}/{{number}}/happened", happened, MEMBER),
    post(f"{PATH}/{{number}}/off", off, MEMBER),
)
