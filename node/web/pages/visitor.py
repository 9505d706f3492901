"""Pages for people who are not signed in: front, how it works, privacy, help. Source: docs/pages.md 7.1."""

from __future__ import annotations

from datetime import date
from typing import Final

from aiohttp import web

from node.services.event_rows import Hosted, next_public
from node.services.fee_rows import rules_running
from node.services.fee_telling import rule_words
from node.services.members import count_members
from node.store import ReadTx
from node.web.context import Context, Route, get
from node.web.dates import long_day
from node.web.installable import OFFLINE_PATH
from node.web.pages.board import newest
from node.web.pages.schemes import read_schemes
from node.web.plain import own_path
from node.web.present import paragraphs_of
from node.web.views.page import Fact, Link
from node.web.views.visitor import FrontView, HelpView, HowView, OfflineView, PrivacyView
from protocol.names import SchemeId

# When the privacy page last said something new.
PRIVACY_DATED: Final = date(2026, 11, 23)


async def front(context: Context) -> web.Response:
    """Show what the scheme is; members go to their own front page."""
    if context.session is not None:
        return context.redirect("/home")
    members, neighbours, event = await context.read(
        _read_front, context.node.routes.neighbours, context.now_ms
    )
    settings, _ = context.settings, context.words.gettext
    facts = [Fact(label=_("Members"), text=str(members))]
    if neighbours:
        facts.append(Fact(label=_("We trade with"), text=", ".join(neighbours)))
    if settings.help_hours:
        facts.append(Fact(label=_("Somebody is there"), text=settings.help_hours))
    view = FrontView(
        headline=settings.headline or _("Neighbours in %(place)s help each other") % {"place": settings.name},
        sentences=paragraphs_of(settings.about) or _about(context),
        meeting=settings.meeting,
        event=_next(context, event) if settings.public_events else None,
        facts=tuple(facts),
        listings=await newest(context),
    )
    return context.show(view)


def _about(context: Context) -> tuple[str, ...]:
    """Return what a scheme is, where its organisers have not said it yet."""
    _ = context.words.gettext
    return (
        _("One mends a bike, another bakes bread, a third reads aloud; we write down who helped whom."),
        _("You need not pay back the same person. What you gave to one you may ask of another."),
        _("No money is needed, and nobody keeps interest."),
    )


def _read_front(
    tx: ReadTx, neighbours: frozenset[SchemeId], now_ms: int
) -> tuple[int, tuple[str, ...], Hosted | None]:
    return count_members(tx), _names(tx, neighbours, now_ms), next_public(tx, now_ms)


def _next(context: Context, hosted: Hosted | None) -> Link | None:
    """Return the next event in a line."""
    if hosted is None:
        return None
    plan = hosted.event.plan
    said = {"when": context.voice.moment(plan.starts), "title": plan.title, "where": plan.where}
    text = context.words.gettext("%(when)s: %(title)s, %(where)s") % said
    return Link(text=text, href=f"/events/{hosted.key.hex()}")


def _names(tx: ReadTx, neighbours: frozenset[SchemeId], now_ms: int) -> tuple[str, ...]:
    if not neighbours:
        return ()
    known = read_schemes(tx, now_ms)
    return tuple(sorted(known[scheme].name for scheme in neighbours if scheme in known))


async def neighbour_names(context: Context) -> tuple[str, ...]:
    """Return what the schemes we trade with are called."""
    return await context.read(_names, context.node.routes.neighbours, context.now_ms)


async def how(context: Context) -> web.Response:
    """Show how it works."""
    voice = context.voice
    view = HowView(
        hour=voice.spoken(context.node.settings.rate().minor_per_hour),
        furthest=voice.spoken(context.settings.credit_limit),
        neighbours=await neighbour_names(context),
        fees=tuple(
            Fact(label=each.text, text=rule_words(each.fee, context.settings, context.words))
            for each in await context.read(rules_running)
        ),
    )
    return context.show(view)


async def help_page(context: Context) -> web.Response:
    """Show whom to ring, and answers."""
    return context.show(HelpView())


async def privacy(context: Context) -> web.Response:
    """Show who sees what."""
    dated = context.words.gettext("Written on %(day)s") % {"day": long_day(PRIVACY_DATED, context.words)}
    return context.show(PrivacyView(dated=dated, neighbours=await neighbour_names(context)))


async def text_size(context: Context) -> web.Response:
    """Make the letters larger in this browser, and go back to where the reader was."""
    context.keep_text_size(context.query("size"))
    return context.redirect(own_path(context.request.query.get("back", "")) or "/")


async def language(context: Context) -> web.Response:
    """Speak another of the scheme's languages in this browser, and go back to where the reader was."""
    wanted = context.query("to")
    if wanted in context.settings.languages:
        context.keep_language(wanted)
    return context.redirect(own_path(context.request.query.get("back", "")) or "/")


async def offline(context: Context) -> web.Response:
    """GET /offline"""
    return context.show(OfflineView())


ROUTES: Final[tuple[Route, ...]] = (
    get("/", front),
    get("/how", how),
    get("/help", help_page),
    get("/privacy", privacy),
    get(OFFLINE_PATH, offline),
    get("/text", text_size),
    get("/language", language),
)
