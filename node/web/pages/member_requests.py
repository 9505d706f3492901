"""What a member asked for in other schemes: on the listing's page and in a list. Source: docs/pages.md 8.18."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aiohttp import web

from node.services.gifts import GIFT
from node.services.request_rows import Request, newest_requests, request_for
from node.services.request_words import EVENT
from node.services.requests_abroad import CannotRequest, NewRequest
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled
from node.web.listing_names import listing_id
from node.web.pages.abroad_words import (
    request_acts,
    request_pill,
    scheme_called,
    standing_lines,
)
from node.web.pages.listings import ShownListing
from node.web.pages.schemes import Schemes, schemes_known
from node.web.views.page import Empty, Link
from node.web.views.requests import AbroadPart, RequestRow, RequestsView
from node.web.words import Words
from protocol.beyond import Wants

ASKED_FOR: Final = (GIFT,)  # what can be asked for in another scheme with one button


async def abroad_part(context: Context, shown: ShownListing, form: Filled = EMPTY) -> AbroadPart | None:
    """Return what the page of another scheme's listing shows; None where there is nothing to say."""
    if shown.other is None:
        return None
    if shown.content.terms is not None:
        return AbroadPart(lines=_by_message(shown, context.words))
    if shown.content.kind not in ASKED_FOR:
        return None
    request = await context.read(request_for, context.member.account_no, shown.other.scheme, shown.key)
    if request is None or (request.mirror.over and request.wants is not Wants.HAS_IT):
        before = () if request is None else standing_lines(request, shown.other.name, context.voice)
        return AbroadPart(
            lines=before,
            form=form,
            ask_action=f"/l/{shown.id}/wish",
            hint=context.words.gettext("For example when you could collect it"),
        )
    return AbroadPart(
        lines=standing_lines(request, shown.other.name, context.voice),
        acts=replace(request_acts(request, context.voice), message=None),  # the page has a button to write
    )


def _by_message(shown: ShownListing, words: Words) -> tuple[str, ...]:
    """Return how a thing of another scheme is had for some days: its owner is asked, and the page says what cannot be."""
    assert shown.content.terms is not None
    lines = [words.gettext("Days are agreed with its owner in messages. The button below begins them.")]
    if shown.content.terms.deposit:
        lines.append(words.gettext("A deposit cannot be taken from members of other schemes."))
    return tuple(lines)


async def ask(context: Context, shown: ShownListing, text: str) -> None:
    """Ask for a listing of another scheme. Raises CannotRequest."""
    assert shown.other is not None
    new = NewRequest(
        scheme=shown.other.scheme, key=shown.key, kind=shown.content.kind, title=shown.content.title,
        owner_name=shown.owner_name, wanted=text,
    )  # fmt: skip
    await context.node.requests.ask(context.member, new)


async def requests(context: Context) -> web.Response:
    """GET /my/abroad"""
    _, schemes = context.words.gettext, await schemes_known(context)
    found = await context.read(newest_requests, context.member.account_no)
    nothing = Empty(
        text=_("You have asked for nothing in other schemes."),
        action=Link(text=_("See what is given away"), href="/find?kind=gift"),
    )
    return context.show(
        RequestsView(
            rows=tuple(_row(context, each, schemes) for each in found), empty=None if found else nothing
        )
    )


def _row(context: Context, request: Request, schemes: Schemes) -> RequestRow:
    name = scheme_called(request.scheme, schemes, context.words)
    where = "near" if request.kind == EVENT else "l"
    return RequestRow(
        title=request.title or context.words.gettext("Something"),
        href="" if request.mirror.over else f"/{where}/{listing_id(request.key, request.scheme)}",
        badge=name,
        state=request_pill(request, context.words),
        lines=standing_lines(request, name, context.voice),
        acts=request_acts(request, context.voice),
    )


async def received(context: Context) -> web.Response:
    """POST /my/abroad/{number}/received: I have it now."""
    return await _act(context, Wants.HAS_IT, "gift-received")


async def back(context: Context) -> web.Response:
    """POST /my/abroad/{number}/back: I do not need it any more."""
    return await _act(context, Wants.TAKE_BACK, "saved")


async def again(context: Context) -> web.Response:
    """POST /my/abroad/{number}/again: the same once more, where nobody answers."""
    return await _act(context, Wants.ASK, "sent")


async def _act(context: Context, wants: Wants, note: str) -> web.Response:
    try:
        await context.node.requests.act(context.member, context.number("number"), wants)
    except LookupError:
        raise NoSuchPage from None
    except CannotRequest:
        return context.redirect("/my/abroad", note="changed")
    return context.redirect("/my/abroad", note=note)


ROUTES: Final = (
    get("/my/abroad", requests, MEMBER),
    post("/my/abroad/{number}/received", received, MEMBER),
    post("/my/abroad/{number}/back", back, MEMBER),
    post("/my/abroad/{number}/again", again, MEMBER),
)
