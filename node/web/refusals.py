"""What a page says when something cannot be done: the one table from error to answer of this door.

Every such page says what happened, whether anything moved and what to do, and carries a reference to read out
on the phone; the log has the same reference. Source: docs/pages.md 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from node.pdf.maker import NoPdf, Why
from node.services.acts import NotAllowed, Role
from node.store.errors import OutcomeUnknown, StoreError, StoreFull
from node.web.closed import HasClosed
from node.web.context import (
    Context,
    NoSuchPage,
    NotForOthers,
    NotSignedIn,
    StepMissing,
    UnderMaintenance,
    WrongFormToken,
    WrongRole,
)
from node.web.forms import BadForm, FormTooLarge
from node.web.views.page import ErrorView, Link
from protocol.references import REFERENCE_BYTES, reference_of

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# What is nobody's business but the reader's own is not worth a line in the log.
QUIET_BELOW: Final = 403


@dataclass(frozen=True, slots=True)
class Said:
    """What the page says of one kind of trouble."""

    status: int
    title: str
    what: str
    moved: str
    todo: str
    login: bool = False  # whether the way on is to log in


def refusal(context: Context, error: Exception) -> web.Response:
    """Return the page for an error that a handler, or a check before it, raised."""
    said = _said(context, error)
    reference = reference_of(context.node.chance.bytes(REFERENCE_BYTES))
    if said.status >= 500 and not isinstance(error, UnderMaintenance):
        log.error(
            "page_failed", reference=reference, path=_where(context), status=said.status, exc_info=error
        )
    elif said.status >= QUIET_BELOW and said.status != 404:
        log.info(
            "page_refused",
            reference=reference,
            path=_where(context),
            status=said.status,
            reason=type(error).__name__,
        )
    return context.show(_view(context, said, reference), said.status)


def _where(context: Context) -> str:
    """Return the page as its route writes it: addresses may hold what signs somebody in."""
    resource = context.request.match_info.route.resource
    return "" if resource is None else resource.canonical


def _view(context: Context, said: Said, reference: str) -> ErrorView:
    _ = context.words.gettext
    site = context.scheme.site
    todo = said.todo
    if site.help_phone:
        todo += " " + _("If it does not work, ring %(name)s: %(phone)s.") % {
            "name": site.help_name,
            "phone": site.help_phone,
        }
    if said.login:
        action = Link(text=_("Log in"), href="/login")
    elif context.session is not None:
        action = Link(text=_("Back to Home"), href="/home")
    else:
        action = Link(text=_("To the front page"), href="/")
    return ErrorView(
        title=said.title, what=(said.what,), moved=said.moved, todo=todo, action=action, reference=reference
    )


def _said(context: Context, error: Exception) -> Said:
    _ = context.words.gettext
    nothing = "" if context.request.method in {"GET", "HEAD"} else _("Nothing moved. Nothing was changed.")
    match error:
        case NoPdf(why=why):
            return _no_pdf(context, why)
        case NoSuchPage() | web.HTTPNotFound():
            return Said(
                404,
                _("There is no such page"),
                _("Nothing is at this address, or it is no longer there."),
                nothing,
                _("Look whether the address is typed correctly, or begin at the front page."),
            )
        case NotSignedIn():
            return Said(
                403,
                _("You are logged out"),
                _("This is for members who are logged in, and this browser is not logged in any more."),
                nothing,
                _("Log in, and do it once more."),
                login=True,
            )
        case WrongRole() if context.session is not None and context.session.actor.role is Role.AUDITOR:
            return Said(
                403,
                _("This is not for auditors"),
                _("An auditor reads along and changes nothing. Conversations and mails stay closed as well."),
                nothing,
                _("If you should be able to do this, ask an organiser."),
            )
        case WrongRole() if (
            context.node.options.hosted
            and context.session is not None
            and context.session.actor.role is Role.ADMIN
        ):
            return Said(
                403,
                _("This is about the computer"),
                _("Your scheme is a guest on the computer of another scheme, which looks after it."),
                nothing,
                _("If something is wrong with it, ask whoever looks after that computer."),
            )
        case WrongRole() | NotAllowed():
            return Said(
                403,
                _("This is for organisers"),
                _("This page belongs to the organisers’ desk."),
                nothing,
                _("If you should be able to do this, ask an organiser."),
            )
        case StepMissing():
            return Said(
                403,
                _("One step is missing"),
                _("In this scheme the organisers’ desk opens only to those who have a second step."),
                nothing,
                _("Set up the second step in your settings, and do it once more."),
            )
        case UnderMaintenance():
            return Said(
                503,
                _("Nothing can be recorded just now"),
                _("This computer is being looked after for a while."),
                nothing,
                _("You can read everything. Do this once more when the line at the top is gone."),
            )
        case HasClosed():
            return Said(
                403,
                _("This scheme has closed"),
                _("Nothing is recorded or changed here any more."),
                nothing,
                _("You can still read everything, and save your statement and what is yours."),
            )
        case NotForOthers():
            return Said(
                403,
                _("This is for the member alone"),
                _(
                    "You are acting for somebody. Their messages, their data, their ways to log in and some more stay closed to you."
                ),
                nothing,
                _("Stop acting, or do something else for them."),
            )
        case WrongFormToken() | web.HTTPForbidden():
            return Said(
                403,
                _("Please send that once more"),
                _("The page you sent this from was not made for this browser, or was open for very long."),
                nothing,
                _("Open the page again and send it once more. Your browser must allow cookies."),
            )
        case FormTooLarge() | web.HTTPRequestEntityTooLarge():
            return Said(
                413,
                _("That was too much"),
                _("What you sent is longer than we can take."),
                nothing,
                _("Go back and make it shorter."),
            )
        case BadForm() | web.HTTPBadRequest():
            return Said(
                400,
                _("That could not be read"),
                _("What arrived here is not what our page sends."),
                nothing,
                _("Go back, open the page again and send it once more."),
            )
        case web.HTTPMethodNotAllowed():
            return Said(
                405,
                _("That cannot be done here"),
                _("Nothing can be sent to this address, or only from a form."),
                nothing,
                _("Begin at the front page."),
            )
        case OutcomeUnknown():
            return Said(
                503,
                _("We cannot tell whether that was done"),
                _("Our computer lost its memory for a moment, just as this was written down."),
                "",
                _("Look before you do it again: what was done is on your statement."),
            )
        case StoreFull():
            return Said(
                507,
                _("Our computer is full"),
                _("There is no room left to write this down."),
                nothing,
                _("Please tell an organiser."),
            )
        case StoreError():
            return Said(
                503,
                _("Our computer is busy"),
                _("It could not answer just now."),
                nothing,
                _("Try again in a minute."),
            )
        case _:
            return Said(
                500,
                _("Our computer made a mistake"),
                _("This is our fault, not yours. It has been noted."),
                "",
                _("Look whether what you wanted was done before you do it again."),
            )


def _no_pdf(context: Context, why: Why) -> Said:
    _ = context.words.gettext
    title = _("There is no PDF just now")
    print_it = _("Please go back and use “Print”: most computers and telephones can save as PDF there.")
    match why:
        case Why.BUSY:
            what, todo = _("Others are having papers made."), _("Please try again in a minute.")
        case Why.TOO_LARGE:
            what, todo = _("There is too much for one paper."), _("Please choose a shorter time.")
        case _:
            what, todo = _("This computer could not make one."), print_it
    return Said(status=503, title=title, what=what, moved="", todo=todo)
