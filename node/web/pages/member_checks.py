"""What organisers checked about their reader. Source: docs/pages.md 7.6."""

from __future__ import annotations

from datetime import date
from typing import Final

from aiohttp import web

from node.services.helper_rows import Check, checks_of, helper_until
from node.services.members import Member
from node.services.settings import SchemeSettings
from node.store import ReadTx
from node.web.context import MEMBER, Context, get
from node.web.pages.helper_words import badge_words, check_row
from node.web.views.care import MyChecksView
from node.web.views.page import Empty


def _read(tx: ReadTx, me: Member, settings: SchemeSettings, today: date) -> tuple[list[Check], date | None]:
    return checks_of(tx, me.no), helper_until(tx, me, settings, today)


async def checks(context: Context) -> web.Response:
    """GET /my/checks"""
    words, today = context.words, context.node.helpers.today()
    found, until = await context.read(_read, context.member, context.settings, today)
    nothing = words.gettext(
        "Nothing was checked about you. Whoever helps others at home can ask an organiser."
    )
    return context.show(
        MyChecksView(
            badge=badge_words(until, words),
            rows=tuple(check_row(check, today, words) for check in found),
            empty=None if found else Empty(text=nothing),
        )
    )


ROUTES: Final = (get("/my/checks", checks, MEMBER),)
