"""One's own offers and wants: how each stands, and keeping, hiding and taking them down. Source: docs/pages.md 4, 7.2."""

from __future__ import annotations

from typing import Final, Literal

from aiohttp import web

from node.services.own_listings import Owned, listings_of
from node.services.thing_rows import things_owned_too
from node.web.context import MEMBER, Context, get, post
from node.web.dates import DAY_MS
from node.web.listing_names import listing_id
from node.web.pages.listings import find_mine, price_words
from node.web.pages.listings_for import act_for
from node.web.present import Voice
from node.web.views.member import MyListing, MyListingsView
from node.web.views.page import Empty, Link, Pill
from protocol.errors import OutOfOrder
from protocol.listing import TRANSITIONS, Hid, Renewed, Shown, State, Withdrew

EXPIRES_SOON_MS: Final = 14 * DAY_MS


def ends_soon(owned: Owned, voice: Voice) -> bool:
    """Tell whether it is time to keep one's own listing or let it go."""
    return owned.listing.state is State.EXPIRED or owned.listing.expires - voice.now_ms < EXPIRES_SOON_MS


def state_pill(owned: Owned, voice: Voice) -> Pill:
    """Return how one's own listing stands. Source: docs/pages.md 4."""
    _, own = voice.words.gettext, owned.listing
    match own.state:
        case State.PUBLISHED if own.expires - voice.now_ms < EXPIRES_SOON_MS:
            days = max(0, own.expires - voice.now_ms) // DAY_MS
            text = voice.words.ngettext("Expires in %(num)d day", "Expires in %(num)d days", days)
            return Pill(text=text % {"num": days}, tone="wait")
        case State.PUBLISHED:
            return Pill(text=_("Listed until %(day)s") % {"day": voice.day(own.expires)}, tone="good")
        case State.HIDDEN:
            return Pill(text=_("Hidden"))
        case State.EXPIRED:
            return Pill(text=_("Expired"), tone="wait")
        case State.REMOVED:
            return Pill(text=_("Taken down by an organiser"), tone="stop")
        case State.WAITING:
            return Pill(text=_("Waiting for an organiser"), tone="wait")
        case _:
            return Pill(text=_("Not published yet"))


async def my_listings(context: Context) -> web.Response:
    """GET /my/listings"""
    voice, _ = context.voice, context.words.gettext
    mine = await context.read(listings_of, context.member.no)
    too = await context.read(things_owned_too, context.member.no)
    return context.show(
        MyListingsView(
            listings=tuple(_mine(owned, voice) for owned in mine),
            too=tuple(
                Link(text=each.owned.listing.content.title, href=f"/l/{listing_id(each.owned.listing.key)}")
                for each in too
            ),
            empty=None
            if mine
            else Empty(
                text=_("You have posted nothing yet. What could you do for somebody? What could you use?"),
                action=Link(text=_("Post an offer or want"), href="/post"),
            ),
        )
    )


def _mine(owned: Owned, voice: Voice) -> MyListing:
    own, name = owned.listing, listing_id(owned.listing.key)
    can = TRANSITIONS[own.state]
    return MyListing(
        href=f"/l/{name}",
        title=own.content.title,
        kind=own.content.kind,
        price=price_words(own.content.price, voice),
        state=state_pill(owned, voice),
        edit_href=f"/post?listing={name}",
        keep_action=f"/l/{name}/keep" if Renewed in can and ends_soon(owned, voice) else "",
        hide_action=f"/l/{name}/hide" if Hid in can else "",
        show_action=f"/l/{name}/show" if Shown in can else "",
        withdraw_action=f"/l/{name}/withdraw" if Withdrew in can else "",
    )


async def _act(context: Context, which: Literal["hide", "show", "keep", "withdraw"]) -> web.Response:
    owned = await find_mine(context, context.part("id"))
    market, key = context.node.market, owned.listing.key
    try:
        if context.behalf is not None:
            await act_for(context, context.behalf, owned, which)
            return context.redirect("/my/listings", note="saved")
        match which:
            case "hide":
                await market.hide(key)
            case "show":
                await market.show(key)
            case "keep":
                await market.renew(key)
            case "withdraw":
                await market.withdraw(key)
    except OutOfOrder:
        # Pressed on a page from before: the list shows how it stands now.
        return context.redirect("/my/listings")
    return context.redirect("/my/listings", note="saved")


async def hide(context: Context) -> web.Response:
    """POST /l/{id}/hide"""
    return await _act(context, "hide")


async def show(context: Context) -> web.Response:
    """POST /l/{id}/show"""
    return await _act(context, "show")


async def keep(context: Context) -> web.Response:
    """POST /l/{id}/keep: for half a year more."""
    return await _act(context, "keep")


async def withdraw(context: Context) -> web.Response:
    """POST /l/{id}/withdraw: for good."""
    return await _act(context, "withdraw")


ROUTES: Final = (
    get("/my/listings", my_listings, MEMBER, for_others=True),
    post("/l/{id}/hide", hide, MEMBER, for_others=True),
    post("/l/{id}/show", show, MEMBER, for_others=True),
    post("/l/{id}/keep", keep, MEMBER, for_others=True),
    post("/l/{id}/withdraw", withdraw, MEMBER, for_others=True),
)
