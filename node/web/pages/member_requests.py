"""What a member asked for in other schemes: on the listing's page and in a list. Source: docs/pages.md 8.18."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.ask_rows import Ask
from node.services.gifts import GIFT
from node.services.pledge_rows import Pledged, pledges_of
from node.services.pledges import CannotPledge
from node.services.request_rows import Request, find_out, newest_requests, open_requests, request_for
from node.services.request_words import EVENT, STAY, SWAP, when_asked
from node.services.requests_abroad import CannotRequest, NewRequest
from node.services.swap_words import swap_title
from node.web.amounts import as_typed
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled
from node.web.listing_names import listing_id
from node.web.pages.abroad_payments import Lately, ask_of, paid_for, read_lately, trade_of
from node.web.pages.abroad_thing import has_pictures
from node.web.pages.abroad_words import (
    gets_units,
    request_acts,
    request_pill,
    scheme_called,
    standing_lines,
)
from node.web.pages.booked_abroad_words import is_to_pay
from node.web.pages.listings import ShownListing, price_here
from node.web.pages.member_pay import WAIT_S
from node.web.pages.pledge_words import pledge_lines, with_keeping
from node.web.pages.schemes import Schemes, schemes_known
from node.web.present import OtherScheme, reference
from node.web.views.page import Empty, Link
from node.web.views.requests import AbroadPart, RequestActions, RequestRow, RequestsView
from node.web.words import Words
from protocol.beyond import Stands, Wants
from protocol.swap import Side, Terms

ASKED_FOR: Final = (GIFT,)  # what can be asked for in another scheme with one button


async def abroad_part(context: Context, shown: ShownListing, form: Filled = EMPTY) -> AbroadPart | None:
    """Return what the page of another scheme's listing shows; None where there is nothing to say."""
    if shown.other is None:
        return None
    swaps = await _swap_lines(context, shown)
    if shown.content.terms is not None:
        booked = await _booked_part(context, shown, shown.other.name)
        return replace(booked, lines=(*booked.lines, *swaps))
    if shown.content.kind not in ASKED_FOR:
        mine = Link(text=context.words.gettext("What I asked for"), href="/my/abroad")
        return AbroadPart(lines=swaps, acts=RequestActions(message=mine)) if swaps else None
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


async def _swap_lines(context: Context, shown: ShownListing) -> tuple[str, ...]:
    """Return how the reader's swap for a listing of another scheme stands, where one is open."""
    assert shown.other is not None
    found = [
        each
        for each in await context.read(open_requests, context.member.account_no)
        if (each.scheme, each.key, each.kind) == (shown.other.scheme, shown.key, SWAP)
    ]
    return tuple(line for each in found for line in standing_lines(each, shown.other.name, context.voice))


async def _booked_part(context: Context, shown: ShownListing, scheme: str) -> AbroadPart:
    """Return what is said of a thing that is booked: what the reader asked for, and how it is asked for."""
    _, voice = context.words.gettext, context.voice
    assert shown.other is not None
    mine = [
        each
        for each in await context.read(open_requests, context.member.account_no)
        if (each.scheme, each.key) == (shown.other.scheme, shown.key) and each.kind != SWAP
    ]
    lines = tuple(
        f"{when_asked(each, context.words)}: {standing_lines(each, scheme, voice)[0]}" for each in mine
    )
    stay = shown.content.kind == STAY
    return AbroadPart(
        lines=lines,
        days=Link(text=_("Ask to stay") if stay else _("Ask for it"), href=f"/l/{shown.id}/days"),
        acts=RequestActions(message=Link(text=_("What I asked for"), href="/my/abroad") if mine else None),
    )


async def ask(context: Context, shown: ShownListing, text: str) -> None:
    """Ask for a listing of another scheme. Raises CannotRequest."""
    assert shown.other is not None
    new = NewRequest(
        scheme=shown.other.scheme, key=shown.key, kind=shown.content.kind, title=shown.content.title,
        owner_name=shown.owner_name, wanted=text,
    )  # fmt: skip
    await context.node.requests.ask(context.member, new)


async def ask_to_swap(context: Context, shown: ShownListing, terms: Terms, said: str) -> None:
    """Propose a swap for a listing of another scheme. Raises CannotRequest."""
    assert shown.other is not None
    added = {Side.ASKER: terms.amount, Side.OWNER: -terms.amount}
    new = NewRequest(
        scheme=shown.other.scheme, key=shown.key, kind=SWAP, title=shown.content.title, owner_name=shown.owner_name,
        wanted=said, price=None if terms.payer is None else added[terms.payer], given=terms.given,
        given_key=terms.given_key,
    )  # fmt: skip
    await context.node.requests.ask(context.member, new)


async def requests(context: Context) -> web.Response:
    """GET /my/abroad"""
    _, schemes = context.words.gettext, await schemes_known(context)
    found = await context.read(newest_requests, context.member.account_no)
    seen = await context.read(read_lately, context.member.account_no)
    pledges = await context.read(pledges_of, context.member.account_no)
    nothing = Empty(
        text=_("You have asked for nothing in other schemes."),
        action=Link(text=_("See what is given away"), href="/find?kind=gift"),
    )
    return context.show(
        RequestsView(
            rows=tuple(_row(context, each, schemes, seen, pledges.get(each.no)) for each in found),
            empty=None if found else nothing,
        )
    )


def _ask_for(context: Context, request: Request, other: OtherScheme, asked: tuple[Ask, ...]) -> Link | None:
    """Return where what is given for having been there is asked for, or that request."""
    _, swap = context.words.gettext, request.kind == SWAP
    what = paid_for(request, context.words)
    if (ask := ask_of(request, asked, context.words)) is not None:
        return Link(text=_("See the request"), href=f"/asks/{ask.no}")
    if request.thread_no is None or request.price is None or not context.settings.asks_abroad:
        return None
    # What the owner adds to a swap is in our units; what an event gives in theirs.
    here = -request.price if swap else price_here(-request.price, other, context.node.settings.rate())
    amount = "" if here is None else as_typed(here, context.unit, context.language)
    filled = {"thread": str(request.thread_no), "what": what, "amount": amount}
    text = _("Ask for %(amount)s") % {
        "amount": context.voice.spoken(-request.price, context.unit if swap else other.unit)
    }
    return Link(text=text, href="/ask/abroad?" + urlencode(filled))


def _pay(context: Context, request: Request, schemes: Schemes, seen: Lately) -> Link | None:
    """Return where what was had is paid or asked for, or the trade or the request by which it was; in the owner's units."""
    _, other = context.words.gettext, schemes.get(request.scheme)
    if other is not None and gets_units(request):
        return _ask_for(context, request, other, seen.asked)
    if other is None or not is_to_pay(request, context.now_ms):
        return None
    what = paid_for(request, context.words)
    if (trade := trade_of(request, seen.paid, context.words)) is not None:
        return Link(text=_("See the trade"), href=f"/t/{reference(trade)}")
    amount = as_typed(request.price, other.unit, context.language) if request.price else ""
    filled = {"listing": listing_id(request.key, request.scheme), "what": what, "amount": amount}
    text = (
        _("Pay %(amount)s") % {"amount": context.voice.spoken(request.price, other.unit)}
        if request.price
        else _("Pay")
    )
    return Link(text=text, href="/record/what?" + urlencode(filled))


def _row(
    context: Context, request: Request, schemes: Schemes, seen: Lately, pledged: Pledged | None
) -> RequestRow:
    other = schemes.get(request.scheme)
    aside: tuple[str, ...] = ()
    if pledged is not None and other is not None:
        aside = pledge_lines(pledged, request, other, context.node.settings.rate(), context.voice)
    acts = with_keeping(request_acts(request, context.voice), pledged, other, context.voice)
    if has_pictures(request):
        acts = replace(
            acts, looks=Link(text=context.words.gettext("How it looks"), href=f"/my/abroad/{request.no}")
        )
    name = scheme_called(request.scheme, schemes, context.words)
    where = "near" if request.kind == EVENT else "l"
    return RequestRow(
        title=_title(request, context.words),
        href="" if request.mirror.over else f"/{where}/{listing_id(request.key, request.scheme)}",
        badge=name,
        state=request_pill(request, context.words),
        lines=tuple(
            each
            for each in (
                when_asked(request, context.words),
                *standing_lines(request, name, context.voice),
                *aside,
                _added(context, request, other),
            )
            if each
        ),
        acts=acts if acts.pay is not None else replace(acts, pay=_pay(context, request, schemes, seen)),
    )


def _added(context: Context, request: Request, other: OtherScheme | None) -> str:
    """Return what the reader adds to a swap, until it is paid beside it."""
    if (
        request.kind != SWAP
        or other is None
        or request.mirror.over
        or (request.price or 0) <= 0
        or request.stands is Stands.COUNTERED
    ):
        return ""
    return f"{context.words.gettext('You also give')}: {context.voice.spoken(request.price or 0, other.unit)}"


def _title(request: Request, words: Words) -> str:
    if request.kind == SWAP:
        return swap_title(request.title, request.given, words)
    return request.title or words.gettext("Something")


async def received(context: Context) -> web.Response:
    """POST /my/abroad/{number}/received: I have it now, or have brought it back."""
    found = await context.read(find_out, context.number("number"), context.member.account_no)
    booked = found is not None and (found.start is not None or found.kind == SWAP)
    return await _act(context, Wants.HAS_IT, "saved" if booked else "gift-received")


async def back(context: Context) -> web.Response:
    """POST /my/abroad/{number}/back: I do not need it any more."""
    return await _act(context, Wants.TAKE_BACK, "saved")


async def again(context: Context) -> web.Response:
    """POST /my/abroad/{number}/again: the same once more, where nobody answers."""
    return await _act(context, Wants.ASK, "sent")


async def keep(context: Context) -> web.Response:
    """POST /my/abroad/{number}/keep: yes to what the owner asks to keep of the deposit; it is paid at once, where it can be."""
    no, pledges = context.number("number"), context.node.pledges
    try:
        await pledges.agree(no, context.member)
    except LookupError:
        raise NoSuchPage from None
    except CannotPledge:
        return context.redirect("/my/abroad", note="changed")
    if (payment := await pledges.pay(no)) is not None:
        await context.node.settlement.wait(payment.no, WAIT_S)
    return context.redirect("/my/abroad", note="saved")


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
    post("/my/abroad/{number}/keep", keep, MEMBER),
)
