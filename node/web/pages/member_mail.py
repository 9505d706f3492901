"""How often a member is written to, and the page behind a link in a mail by which that becomes less.

Source: docs/pages.md 7.1 (`/m/{token}`), 7.2 (`/my/mail`), 9; RFC 8058.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from node.app import Node
from node.services.mail_wishes import Level, Purpose, Stop, level_of
from node.services.members import Reach
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled, Form, line
from node.web.views.alerts import MailStopView, MailView
from node.web.views.page import Link, Option
from node.web.words import Words

# What a provider sends, as fields of a form or in parts (RFC 8058, 3.2).
ONE_CLICK: Final = (b"List-Unsubscribe", b"One-Click")
ONE_CLICK_TIMEOUT_S: Final = 10


class LevelForm(Form):
    level: line(20)  # type: ignore[valid-type]  # `line` makes the type of a field


# --- The member's own page ----------------------------------------------------------------------------------


async def mail(context: Context) -> web.Response:
    """GET /my/mail"""
    level = await context.read(level_of, context.member.no)
    return context.show(_view(context, Filled({"level": level.value})))


def _view(context: Context, form: Filled) -> MailView:
    _, member = context.words.gettext, context.member
    if member.email is not None and member.reach is Reach.EMAIL:
        where = _("Mail goes to %(mail)s.") % {"mail": member.email}
    else:
        where = _("We have no e-mail of yours. What waits for you is on your first page.")
    return MailView(
        form=form,
        levels=(
            Option(value=Level.AT_ONCE.value, text=_("Of everything, when it happens"), hint=_("And once a week what is new.")),
            Option(value=Level.WEEKLY.value, text=_("Once a week"), hint=_("On Monday morning. At once only what waits for you.")),
            Option(value=Level.MUST_ACT.value, text=_("Only when I must do something"), hint=_("No weekly mail.")),
        ),
        where=where,
        night=_("From 10 at night until 8 in the morning no mail comes, except codes to log in."),
    )  # fmt: skip


async def save_level(context: Context) -> web.Response:
    """POST /my/mail/level"""
    form = context.form(LevelForm)
    if isinstance(form, Filled) or form.level not in tuple(Level):
        wrong = EMPTY.with_error("level", context.words.gettext("Please choose one of the answers."))
        return context.show(_view(context, wrong), 422)
    await context.node.wishes.choose(context.member, Level(form.level))
    return context.redirect("/my/mail", note="saved")


# --- Behind a link in a mail --------------------------------------------------------------------------------


async def stop_page(context: Context) -> web.Response:
    """GET /m/{token}: what the button would do. Opening it changes nothing."""
    stop = await context.read(context.node.wishes.read, context.part("token"))
    if stop is None:
        raise NoSuchPage
    words = context.words
    return context.show(_outdated(words) if stop.outdated else _question(context.part("token"), stop, words))


async def stop_do(context: Context) -> web.Response:
    """POST /m/{token}/stop: by whoever has the mail; nobody need log in to get less of it."""
    stop = await context.node.wishes.stop(context.part("token"))
    if stop is None:
        raise NoSuchPage
    words = context.words
    return context.show(_outdated(words) if stop.outdated else _done(stop, words))


def _question(token: str, stop: Stop, words: Words) -> MailStopView:
    _ = words.gettext
    if stop.purpose is Purpose.SEARCHES:
        title = _("No more mail about your searches?")
        sentence = _("You keep the searches. What they find stays on your page.")
    else:
        title = _("Fewer mails from us?")
        sentence = _("We then write only when something waits for you. The weekly mail stops too.")
    return MailStopView(
        title=title,
        sentences=(sentence, _("Nothing has changed yet.")),
        action=f"/m/{token}/stop",
        button=_("Yes, stop these mails"),
        more=_more(words),
    )


def _done(stop: Stop, words: Words) -> MailStopView:
    _ = words.gettext
    if stop.purpose is Purpose.SEARCHES:
        sentence = _("We write nothing more about what your searches find.")
    else:
        sentence = _("From now on we write only when something waits for you.")
    return MailStopView(title=_("Done"), sentences=(sentence,), action="", more=_more(words))


def _outdated(words: Words) -> MailStopView:
    _ = words.gettext
    sentence = _("This link is from an older mail. You asked for more mail since. Nothing was changed.")
    return MailStopView(title=_("This link is too old"), sentences=(sentence,), action="", more=_more(words))


def _more(words: Words) -> Link:
    return Link(text=words.gettext("Choose how often we write to you"), href="/my/mail")


def one_click_door(node: Node) -> web.AbstractRouteDef:
    """Return the door at which a mail provider presses the button for its reader; it knows no cookies and no forms of ours."""

    async def stop(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(ONE_CLICK_TIMEOUT_S):
                body = await request.read()  # bounded by the application
        except TimeoutError:
            return web.Response(status=408)
        if not all(each in body for each in ONE_CLICK):
            return web.Response(status=400)
        if node.settings.now.maintenance:
            return web.Response(status=503)
        # What is outdated is answered like what was done: there is nobody to read why.
        done = await node.wishes.stop(request.match_info["token"])
        return web.Response(status=404 if done is None else 200)

    return web.post("/m/{token}", stop)


ROUTES: Final = (
    get("/my/mail", mail, MEMBER),
    post("/my/mail/level", save_level, MEMBER),
    get("/m/{token}", stop_page),
    post("/m/{token}/stop", stop_do),
)
