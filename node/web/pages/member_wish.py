"""Asking for a thing that is given away, promising it, and that it was collected: what is sent from pages.

Source: docs/pages.md 8.14; docs/protocol.md 5.10.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.gift_words import CannotGive, cannot_words
from node.services.gifts import GIFT
from node.services.requests_abroad import CannotRequest
from node.web.context import MEMBER, Context, NoSuchPage, post
from node.web.forms import Filled, Form, line
from node.web.listing_names import listing_id
from node.web.pages.abroad_words import cannot_ask
from node.web.pages.listings import ShownListing, find_listing, find_mine
from node.web.pages.member_find import others_view
from node.web.pages.member_requests import ask
from protocol.limits import GIFT_WORDS_CHARACTERS_MAX


class WishForm(Form):
    """Words to a wish, if any."""

    text: line(GIFT_WORDS_CHARACTERS_MAX)  # type: ignore[valid-type]  # `line` makes the type of a field


async def wish(context: Context) -> web.Response:
    """POST /l/{id}/wish: I would like it."""
    shown = await find_listing(context, context.part("id"))
    if shown.content.kind != GIFT:
        raise NoSuchPage
    form = context.form(WishForm)
    if isinstance(form, Filled):
        return await _again(context, shown, form)
    try:
        if shown.other is not None:
            await ask(context, shown, form.text)
            return context.redirect(f"/l/{shown.id}", note="sent")
        await context.node.gifts.wish(context.member, shown.key, form.text)
    except CannotGive as no:
        typed = Filled({"text": form.text}).with_error("", cannot_words(no.why, context.words))
        return await _again(context, shown, typed)
    except CannotRequest as no:
        typed = Filled({"text": form.text}).with_error("", cannot_ask(no.why, context.words))
        return await _again(context, shown, typed)
    return context.redirect(f"/l/{shown.id}", note="wished")


async def _again(context: Context, shown: ShownListing, form: Filled) -> web.Response:
    return context.show(await others_view(context, shown, form), 422)


async def received(context: Context) -> web.Response:
    """POST /my/gifts/{number}/received: I have it now."""
    return await _of_taker(context, "received")


async def back(context: Context) -> web.Response:
    """POST /my/gifts/{number}/back: I do not need it any more."""
    return await _of_taker(context, "back")


async def _of_taker(context: Context, which: str) -> web.Response:
    gifts, member, no = context.node.gifts, context.member, context.number("number")
    try:
        await (gifts.received(member, no) if which == "received" else gifts.take_back(member, no))
    except LookupError:
        raise NoSuchPage from None
    except CannotGive:
        return context.redirect("/my/gifts", note="changed")
    return context.redirect("/my/gifts", note="gift-received" if which == "received" else "saved")


async def unpromise(context: Context) -> web.Response:
    """POST /l/{id}/unpromise: its giver takes the promise back."""
    owned = await find_mine(context, context.part("id"))
    href = f"/l/{listing_id(owned.listing.key)}/wishes"
    try:
        await context.node.gifts.unpromise(context.member, owned.listing.key)
    except (CannotGive, LookupError):
        return context.redirect(href, note="changed")
    return context.redirect(href, note="unpromised")


async def collected(context: Context) -> web.Response:
    """POST /l/{id}/collected: its giver says that it was collected; the listing is closed."""
    owned = await find_mine(context, context.part("id"))
    try:
        await context.node.gifts.collected(context.member, owned.listing.key)
    except (CannotGive, LookupError):
        return context.redirect(f"/l/{listing_id(owned.listing.key)}/wishes", note="changed")
    return context.redirect("/my/gifts", note="gift-given")


ROUTES: Final = (
    post("/l/{id}/wish", wish, MEMBER),
    post("/l/{id}/unpromise", unpromise, MEMBER),
    post("/l/{id}/collected", collected, MEMBER),
    post("/my/gifts/{number}/received", received, MEMBER),
    post("/my/gifts/{number}/back", back, MEMBER),
)
