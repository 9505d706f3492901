"""Searches a member keeps: from the page that finds things, by a button; the list, with what was found.

Source: docs/pages.md 7.2 (`/my/searches`).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.mail.alert_texts import found_line
from node.services.alert_rows import Saved, Tell, Wanted, hits_of, searches_of
from node.services.alerts import SEARCHES_MAX, Alerts, TooManySearches
from node.services.mail_wishes import Level, level_of
from node.services.members import Member, Reach
from node.services.search import FindQuery
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Form, line
from node.web.pages.listings import category_name
from node.web.pages.member_find import here_of, query_of
from node.web.pages.schemes import Schemes, read_schemes
from node.web.present import Voice
from node.web.views.alerts import SearchesView, SearchRow
from node.web.views.page import Link, Option
from node.web.words import Words
from protocol.names import SchemeId, scheme_text

PATH: Final = "/my/searches"
FOUND_SHOWN: Final = 5


class KeepForm(Form):
    """What was looked for, as the page that found it was asked."""

    q: line(100)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    kind: line(20)  # type: ignore[valid-type]  # as above
    km: line(10)  # type: ignore[valid-type]  # as above
    category: line(60)  # type: ignore[valid-type]  # as above
    scheme: line(100)  # type: ignore[valid-type]  # as above


class TellForm(Form):
    tell: line(20, 1)  # type: ignore[valid-type]  # as above


def wanted_of(query: FindQuery) -> Wanted:
    """Return what a page of found things looks for; a place only where it matters."""
    return Wanted(
        words=query.text, kind=query.kind, category=query.category, scheme=query.scheme, km=query.km,
        place=None if query.km is None else query.place,
    )  # fmt: skip


async def keep(context: Context) -> web.Response:
    """POST /my/searches: keep what was just looked for; twice is once."""
    form = context.form(KeepForm)
    if not isinstance(form, KeepForm):
        raise NoSuchPage
    wanted = wanted_of(query_of(form.model_dump(), here_of(context), 1))
    if wanted == Wanted():
        raise NoSuchPage  # everything: no page of ours offers that
    tell = Tell.WEEKLY if await context.read(level_of, context.member.no) is Level.WEEKLY else Tell.AT_ONCE
    try:
        await context.node.alerts.keep(context.member, wanted, tell)
    except TooManySearches:
        return context.show(await _view(context, full=True), 422)
    return context.redirect(PATH, note="search-kept")


async def searches(context: Context) -> web.Response:
    """GET /my/searches"""
    return context.show(await _view(context))


async def _view(context: Context, *, full: bool = False) -> SearchesView:
    _ = context.words.gettext
    kept, schemes, level = await context.read(
        _read, context.node.alerts, context.member, context.words, context.now_ms
    )
    return SearchesView(
        rows=tuple(
            SearchRow(
                number=saved.no,
                title=_title(saved.wanted, schemes, context.node.scheme, context.voice),
                href=_href(saved.wanted),
                found=found,
                tell=saved.tell.value,
            )
            for saved, found in kept
        ),
        tells=_tells(context.words),
        note=_note(context, level),
        full=_full(context.words) if full or len(kept) >= SEARCHES_MAX else "",
    )


def _read(
    tx: ReadTx, alerts: Alerts, member: Member, words: Words, now_ms: int
) -> tuple[list[tuple[Saved, tuple[Link, ...]]], Schemes, Level]:
    kept = []
    for saved in searches_of(tx, member.no):
        lines = [alerts.line_of(card) for card in alerts.cards_of(tx, hits_of(tx, saved, FOUND_SHOWN))]
        kept.append((saved, tuple(Link(text=found_line(each, words), href=each.path) for each in lines)))
    return kept, read_schemes(tx, now_ms), level_of(tx, member.no)


def _full(words: Words) -> str:
    return words.ngettext(
        "You can keep %(num)d search. Remove one to keep another.",
        "You can keep %(num)d searches. Remove one to keep another.",
        SEARCHES_MAX,
    ) % {"num": SEARCHES_MAX}


def _note(context: Context, level: Level) -> str:
    """Return why no mail comes of searches; "" where it does."""
    _ = context.words.gettext
    if context.member.email is None or context.member.reach is not Reach.EMAIL:
        return _("We have no e-mail of yours. What we find is on this page.")
    if level is Level.MUST_ACT:
        return _("You get no weekly mail. What we would write in it is on this page.")
    return ""


def _tells(words: Words) -> tuple[Option, ...]:
    _ = words.gettext
    return (
        Option(value=Tell.AT_ONCE.value, text=_("By mail, at once")),
        Option(value=Tell.WEEKLY.value, text=_("In the weekly mail")),
        Option(value=Tell.NOT_NOW.value, text=_("Not for now")),
    )


def _title(wanted: Wanted, schemes: Schemes, own: SchemeId, voice: Voice) -> str:
    """Return what a search looks for, in a line."""
    _ = voice.words.gettext
    kinds = {
        "": "", "offer": _("Offers"), "want": _("Wants"), "gift": _("Things to give away"), "lend": _("Things to lend"),
        "rent": _("Things to rent"), "stay": _("Places to stay"), "lift": _("Lifts"),
    }  # fmt: skip
    scheme = ""
    if wanted.scheme is not None:
        known = schemes.get(wanted.scheme)
        scheme = (
            voice.scheme if wanted.scheme == own else _("another scheme") if known is None else known.name
        )
    parts = (
        _("“%(words)s”") % {"words": wanted.words} if wanted.words else "",
        kinds[wanted.kind],
        category_name(wanted.category, voice) if wanted.category else "",
        _("Up to %(km)d km") % {"km": wanted.km} if wanted.km is not None else "",
        scheme,
    )
    return ", ".join(each for each in parts if each)


def _href(wanted: Wanted) -> str:
    asked = {
        "q": wanted.words,
        "kind": wanted.kind,
        "km": "" if wanted.km is None else str(wanted.km),
        "category": wanted.category,
        "scheme": "" if wanted.scheme is None else scheme_text(wanted.scheme),
    }
    return "/find?" + urlencode({name: value for name, value in asked.items() if value})


async def change(context: Context) -> web.Response:
    """POST /my/searches/{number}: how to tell of what it finds."""
    form = context.form(TellForm)
    if not isinstance(form, TellForm) or form.tell not in tuple(Tell):
        raise NoSuchPage
    try:
        await context.node.alerts.change(context.number("number"), context.member, Tell(form.tell))
    except LookupError:
        raise NoSuchPage from None
    return context.redirect(PATH, note="saved")


async def remove(context: Context) -> web.Response:
    """POST /my/searches/{number}/remove"""
    await context.node.alerts.drop(context.number("number"), context.member)
    return context.redirect(PATH, note="search-removed")


ROUTES: Final = (
    get(PATH, searches, MEMBER),
    post(PATH, keep, MEMBER),
    post(f"{PATH}/{{number}}", change, MEMBER),
    post(f"{PATH}/{{number}}/remove", remove, MEMBER),
)
