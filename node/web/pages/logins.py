"""Where one is logged in, and logging out there. Source: docs/pages.md 8.13."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.sessions import sessions_of
from node.web.context import MEMBER, Context, NoSuchPage, Route, get, post
from node.web.devices import device_words
from node.web.views.logins import LoginRow, LoginsView

HERE: Final = "/my/logins"


async def logins(context: Context) -> web.Response:
    """GET /my/logins"""
    _, voice = context.words.gettext, context.voice
    cookie = context.cookies.get(context.cookies.names.session)
    places = await context.read(sessions_of, context.member.no, cookie, context.now_ms)
    rows = tuple(
        LoginRow(
            device=device_words(each.device, context.words),
            # One's own computer notes its use once a day: a finer time would be wrong.
            seen=_("Last used %(when)s")
            % {"when": voice.lately_day(each.seen_ms) if each.own_computer else voice.lately(each.seen_ms)},
            since=_("Logged in on %(day)s") % {"day": voice.day(each.since_ms)},
            this_one=each.this_one,
            shared=not each.own_computer,
            end_action=f"{HERE}/{each.mark}/end",
        )
        for each in places
    )
    return context.show(LoginsView(rows=rows, others=sum(not row.this_one for row in rows)))


async def end(context: Context) -> web.Response:
    """POST /my/logins/{mark}/end"""
    if not await context.node.sign_in.sign_out_one(context.member, context.part("mark")):
        raise NoSuchPage
    return context.redirect(HERE, note="logged-out-there")


async def end_others(context: Context) -> web.Response:
    """POST /my/logins/others"""
    cookie = context.cookies.get(context.cookies.names.session)
    await context.node.sign_in.sign_out_others(context.member, cookie)
    return context.redirect(HERE, note="logged-out-there")


ROUTES: Final[tuple[Route, ...]] = (
    get(HERE, logins, MEMBER),
    post(HERE + "/others", end_others, MEMBER, always=True),
    post(HERE + "/{mark}/end", end, MEMBER, always=True),
)
