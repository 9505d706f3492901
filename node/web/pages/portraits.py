"""The picture of a member: sent and taken away on their own page, seen by members. Source: docs/pages.md 7.2 (`/my/profile`)."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.members import Member, State, member_by_no
from node.services.picture_rows import portrait_of
from node.web.context import MEMBER, Context, NoSuchPage, get
from node.web.forms import EMPTY, Filled
from node.web.pages.listings import SMALL_DOTS
from node.web.pages.pictures import picture_answer, size_asked
from node.web.pages.pictures_shown import take_sent
from node.web.views.page import PictureShown


async def portrait_shown(context: Context, member: Member) -> PictureShown | None:
    """Return the picture of a member beside their name, which says all there is to say of it."""
    kept = await context.read(portrait_of, member.no)
    if kept is None:
        return None
    src = f"/people/{member.no}/picture/{kept.no}/small"
    return PictureShown(src=src, width=SMALL_DOTS, height=SMALL_DOTS, words="")


async def take_portrait(context: Context) -> Filled:
    """Keep the picture that was sent; return what is wrong, if anything is."""
    _ = context.words.gettext
    if not context.file:
        return EMPTY.with_error("picture", _("Please choose a picture."))
    taken = await take_sent(
        context, lambda file: context.node.pictures.take_portrait(context.member.no, file)
    )
    return EMPTY.with_error("picture", taken) if isinstance(taken, str) else EMPTY


async def portrait(context: Context) -> web.Response:
    """GET /people/{number}/picture/{picture}/{size}: for members, as long as its member is one."""
    member = await context.read(member_by_no, context.number("number"))
    if member is None or member.state is State.LEFT:
        raise NoSuchPage
    kept = await context.read(portrait_of, member.no)
    if kept is None or kept.no != context.number("picture"):
        raise NoSuchPage
    return await picture_answer(context, kept, size_asked(context))


ROUTES: Final = (get("/people/{number}/picture/{picture}/{size}", portrait, MEMBER),)
