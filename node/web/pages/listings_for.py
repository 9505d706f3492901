"""Offers and wants that an organiser writes for a member: the note of it is in the unit that publishes or changes them.

Source: docs/pages.md 0.9, 7.3.
"""

from __future__ import annotations

from typing import Literal

from node.services.acting import Did
from node.services.behalf import Behalf
from node.services.own_listings import Owned
from node.store import Tx
from node.web.context import Context
from protocol.listing import Actor, Edited, Event, Hid, Renewed, SharingSet, Shown, Withdrew
from protocol.market import Listing, expiry


async def publish_for(context: Context, behalf: Behalf, content: Listing, *, shared: bool) -> Owned:
    """Publish a new listing of the member. Raises TooManyListings."""
    market = context.node.market

    def unit(tx: Tx) -> Owned:
        return market.post_in(tx, behalf.member.no, content, shared=shared)

    return await context.node.acting.do(behalf, Did.PUBLISHED, content.title, unit)


async def change_for(
    context: Context, behalf: Behalf, owned: Owned, content: Listing, *, shared: bool
) -> None:
    """Give a listing of the member other words, another price, or other readers."""
    market, key = context.node.market, owned.listing.key

    def unit(tx: Tx) -> None:
        market.act_in(tx, key, Edited(content=content), Actor.OWNER)
        if owned.listing.shared != shared:
            market.act_in(tx, key, SharingSet(shared=shared), Actor.OWNER)

    await context.node.acting.do(behalf, Did.CHANGED, content.title, unit)


async def act_for(
    context: Context, behalf: Behalf, owned: Owned, which: Literal["hide", "show", "keep", "withdraw"]
) -> None:
    """Do it by an organiser's hand, with the note of it. Raises OutOfOrder."""
    events: dict[str, tuple[Did, Event]] = {
        "hide": (Did.HIDDEN, Hid()),
        "show": (Did.SHOWN, Shown()),
        "keep": (Did.KEPT, Renewed(expires=expiry(context.now_ms))),
        "withdraw": (Did.TAKEN_DOWN, Withdrew()),
    }
    did, event = events[which]
    market, listing = context.node.market, owned.listing

    def unit(tx: Tx) -> Owned:
        return market.act_in(tx, listing.key, event, Actor.OWNER)

    await context.node.acting.do(behalf, did, listing.content.title, unit)
