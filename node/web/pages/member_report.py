"""Telling the organisers of a listing or a conversation. Source: docs/pages.md 7.2 (Report)."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.reports import MESSAGES_QUOTED, CannotReport, ReportedListing, Why
from node.services.threads import Thread
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled, Form, paragraphs
from node.web.pages.listings import ShownListing, find_listing
from node.web.pages.member_message_block import find
from node.web.pages.recording import ring, stopped
from node.web.views.page import Link
from node.web.views.reports import ReportView
from protocol.limits import COMPLAINT_CHARACTERS_MAX


class ReportForm(Form):
    """What is wrong, in the member's words."""

    text: paragraphs(COMPLAINT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # `paragraphs` makes the type of a field


def cannot_report(context: Context, why: Why, back: Link) -> web.Response:
    """Return the page that says why nothing was sent."""
    _ = context.words.gettext
    match why:
        case Why.ALREADY:
            sentence = _("You said so already.")
        case Why.TOO_MANY:
            sentence = _("Organisers look into other reports of yours.") + " " + ring(context)
        case Why.OWN:
            sentence = _("This is yours. You can change it, or take it down.")
    return context.show(stopped(context, _("This was not sent"), sentence, action=back))


# --- A listing ----------------------------------------------------------------------------------------------


async def _others(context: Context) -> ShownListing:
    """Return somebody else's listing. Raises NoSuchPage."""
    shown = await find_listing(context, context.part("id"))
    if shown.owner is not None and shown.owner.no == context.member.no:
        raise NoSuchPage
    return shown


async def listing(context: Context) -> web.Response:
    """GET /l/{id}/report"""
    return context.show(_listing_view(context, await _others(context)))


def _listing_view(context: Context, shown: ShownListing, form: Filled = EMPTY) -> ReportView:
    _ = context.words.gettext
    said = {"what": shown.content.title, "name": shown.owner_name, "scheme": context.settings.name}
    return ReportView(
        what=_("“%(what)s”, by %(name)s") % said,
        readers=_("Only organisers of %(scheme)s read it.") % said,
        ring=ring(context),
        form=form,
        action=f"/l/{shown.id}/report",
        back=_back_to(context, shown),
    )


def _back_to(context: Context, shown: ShownListing) -> Link:
    return Link(text=context.words.gettext("Back to it"), href=f"/l/{shown.id}")


async def listing_sent(context: Context) -> web.Response:
    """POST /l/{id}/report"""
    shown = await _others(context)
    form = context.form(ReportForm)
    if isinstance(form, Filled):
        return context.show(_listing_view(context, shown, form), 422)
    seen = ReportedListing(
        scheme=shown.card.scheme, key=shown.key, title=shown.content.title, owner=shown.owner, owner_name=shown.owner_name
    )  # fmt: skip
    try:
        await context.node.reports.listing(context.member, seen, form.text)
    except CannotReport as no:
        return cannot_report(context, no.why, _back_to(context, shown))
    return context.redirect(f"/l/{shown.id}", note="complained")


# --- A conversation -----------------------------------------------------------------------------------------


async def conversation(context: Context) -> web.Response:
    """GET /messages/{number}/report"""
    return context.show(_conversation_view(context, await find(context)))


def _conversation_view(context: Context, found: Thread, form: Filled = EMPTY) -> ReportView:
    words, said = context.words, {"scheme": context.settings.name, "num": MESSAGES_QUOTED}
    return ReportView(
        what=words.gettext("Your conversation with %(name)s") % {"name": _name(context, found)},
        readers=words.gettext(
            "Only organisers of %(scheme)s read it. They see the last %(num)d messages of this conversation with it, and no others."
        )
        % said,
        ring=ring(context),
        form=form,
        action=f"/messages/{found.no}/report",
        back=_back_to_messages(context, found),
    )


def _name(context: Context, found: Thread) -> str:
    return found.their_name or context.words.gettext("Somebody")


def _back_to_messages(context: Context, found: Thread) -> Link:
    return Link(text=context.words.gettext("Back to the messages"), href=f"/messages/{found.no}")


async def conversation_sent(context: Context) -> web.Response:
    """POST /messages/{number}/report"""
    found = await find(context)
    form = context.form(ReportForm)
    if isinstance(form, Filled):
        return context.show(_conversation_view(context, found, form), 422)
    try:
        await context.node.reports.conversation(context.member, found, _name(context, found), form.text)
    except CannotReport as no:
        return cannot_report(context, no.why, _back_to_messages(context, found))
    return context.redirect(f"/messages/{found.no}", note="complained")


ROUTES: Final = (
    get("/l/{id}/report", listing, MEMBER),
    post("/l/{id}/report", listing_sent, MEMBER),
    get("/messages/{number}/report", conversation, MEMBER),
    post("/messages/{number}/report", conversation_sent, MEMBER),
)
