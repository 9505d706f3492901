"""What pages about accounts of groups have in common: where they are, and why something was not done. Source: docs/pages.md 7.2."""

from __future__ import annotations

from aiohttp import web

from node.services.books import Refused
from node.services.circle_account_rows import GroupAccount
from node.services.circle_accounts import CannotKeepAccount, Why
from node.web.context import Context
from node.web.pages.recording import stopped
from node.web.views.page import Link
from node.web.views.trade import RecordStoppedView
from protocol.ledger import Refusal
from protocol.limits import CIRCLE_TREASURERS_MAX


def account_base(found: GroupAccount) -> str:
    """Return where an account's pages are."""
    return f"/accounts/{found.key.hex()}"


def who_words(context: Context) -> str:
    """Return how many may be chosen."""
    return context.words.gettext("Please choose one to %(num)d people.") % {"num": CIRCLE_TREASURERS_MAX}


def cannot(context: Context, no: CannotKeepAccount, back: Link) -> web.Response:
    """Return the page that says why nothing was done."""
    _ = context.words.gettext
    match no.why:
        case Why.NOT_YOURS:
            sentence = _("Only its treasurers do that, or a keeper of the group.")
        case Why.OWN:
            sentence = _("Nobody gives to themselves from a group. Another treasurer can.")
        case Why.WHO:
            sentence = who_words(context)
        case Why.SECOND:
            sentence = _("For so much two treasurers have to say yes, and nobody says it twice.")
        case Why.SO_MANY:
            sentence = _("Many wait for a second treasurer already.")
        case _:
            sentence = _("This has changed meanwhile. Please look again.")
    return context.show(stopped(context, _("This was not done"), sentence, action=back), 409)


def refused(context: Context, no: Refused, back: Link) -> RecordStoppedView:
    """Return the page that says why the ledger did not take it."""
    _ = context.words.gettext
    full = no.reason is Refusal.EXCEEDS_CEILING
    sentence = (
        _("That would be more than may be held there.")
        if full
        else _("One of the two takes part in no trades just now.")
    )
    return stopped(context, _("This was not done"), sentence, action=back)
