"""The doors of pictures: whoever may read a listing may see its pictures, and nobody else.

Source: docs/protocol.md 5.7; docs/pages.md 7.2, 11.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.own_listings import find_own
from node.services.picture_rows import Kept, Size, bytes_of, picture_by_no, pictures_at
from node.store import ReadTx
from node.web.context import MEMBER, VISITOR, Context, NoSuchPage, get
from node.web.pages import board
from node.web.pages.listings import find_listing, name_text, parse_listing_id
from protocol.listing import State
from protocol.names import ItemKey, SchemeId

# Its name says what is in it, so it never changes; but a browser that several people use need not keep it long.
KEEP: Final = "private, max-age=86400"
# A number in an address may mean another picture later: the browser asks whether it still has the right one.
ASK_AGAIN: Final = "private, no-cache"
KIND: Final = "image/webp"


def size_asked(context: Context) -> Size:
    """Return which size an address asks for. Raises NoSuchPage."""
    try:
        return Size(context.part("size"))
    except ValueError:
        raise NoSuchPage from None


async def picture_answer(context: Context, kept: Kept, size: Size, keep: str = ASK_AGAIN) -> web.Response:
    """Return the answer that is a picture; whether its reader may see it was looked at before."""
    mark = _mark(kept.name, size)
    headers = {"Cache-Control": keep, "ETag": mark}
    if context.request.headers.get("If-None-Match") == mark:
        return web.Response(status=304, headers=headers)
    data = await context.read(bytes_of, kept.no, size)
    if data is None:
        raise NoSuchPage
    return web.Response(body=data, headers={**headers, "Content-Type": KIND})


async def listing_picture(context: Context) -> web.Response:
    """GET /l/{id}/picture/{name}/{size}: for whoever may read the listing now."""
    size, text = size_asked(context), context.part("id")
    key, scheme = parse_listing_id(text)
    if scheme is not None:
        return await _from_abroad(context, scheme, key, size)
    if not await _may_read(context, key, text):
        raise NoSuchPage
    kept = await context.read(_shown, key, context.part("name"))
    if kept is None:
        raise NoSuchPage
    return await picture_answer(context, kept, size, KEEP)


async def _from_abroad(context: Context, scheme: SchemeId, key: ItemKey, size: Size) -> web.Response:
    """Answer with a picture of another scheme's listing, fetched by our node and made anew here."""
    text, wanted = context.part("id"), context.part("name")
    if context.session is None:
        content = (await board.find_public(context, text)).content
    else:
        content = (await find_listing(context, text)).content
    named = next((each for each in content.pictures if name_text(each.full) == wanted), None)
    if named is None:
        raise NoSuchPage
    headers = {"Cache-Control": KEEP, "ETag": _mark(named.full, size)}
    if context.request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    name = named.thumbnail if size is Size.SMALL else named.full
    data = await context.node.pictures_abroad.picture(scheme, key, name, size)
    if data is None:
        raise NoSuchPage
    return web.Response(body=data, headers={**headers, "Content-Type": KIND})


def _mark(name: bytes, size: Size) -> str:
    return f'"{name_text(name)[:22]}-{size.value}"'


async def _may_read(context: Context, key: ItemKey, text: str) -> bool:
    owned = await context.read(find_own, key)
    if owned is None or owned.listing.state is State.WITHDRAWN:
        return False
    if context.session is None:
        await board.find_public(context, text)
    elif owned.member_no != context.member.no:
        await find_listing(context, text)
    return True


def _shown(tx: ReadTx, key: ItemKey, name: str) -> Kept | None:
    """Query: a picture that a listing of ours shows."""
    return next((kept for held, kept in pictures_at(tx, key).items() if name_text(held) == name), None)


async def own_picture(context: Context) -> web.Response:
    """GET /my/pictures/{number}/{size}: for whoever sent it."""
    kept = await context.read(picture_by_no, context.number("number"))
    if kept is None or kept.member_no != context.member.no:
        raise NoSuchPage
    return await picture_answer(context, kept, size_asked(context))


ROUTES: Final = (
    get("/l/{id}/picture/{name}/{size}", listing_picture, VISITOR),
    get("/my/pictures/{number}/{size}", own_picture, MEMBER, for_others=True),
)
