"""Deposits of our members for things of other schemes, of which an owner there asks to keep some: as two organisers see them. Source: docs/protocol.md 6.9, 7.8."""

from __future__ import annotations

from dataclasses import dataclass

from node.services.members import Member, member_by_account
from node.services.pledge_rows import Pledged, pledges_in
from node.services.request_rows import Request, Role, request_by_no
from node.services.request_words import when_asked
from node.store import ReadTx
from node.web.context import Context
from node.web.pages.schemes import Schemes
from node.web.views.admin import StuckCard
from protocol.pledge import Pledge

HERE = "/admin/together"


@dataclass(frozen=True, slots=True)
class AskedPledge:
    """One of them."""

    pledged: Pledged
    request: Request
    member: Member | None  # who borrowed


def read_asked_to_keep(tx: ReadTx) -> dict[int, AskedPledge]:
    """Query: all of them, by the number of the request."""
    return {
        each.no: AskedPledge(
            each, request_by_no(tx, each.no, Role.OUT), member_by_account(tx, each.account_no)
        )
        for each in pledges_in(tx, Pledge.ASKED)
    }


def pledge_card(context: Context, asked: AskedPledge, schemes: Schemes) -> tuple[str, str]:
    """Return who asks to keep what of whose deposit, and for what."""
    _, other = context.words.gettext, schemes.get(asked.request.scheme)
    said = {
        "owner": asked.request.their_name or _("Somebody"),
        "scheme": _("another scheme") if other is None else other.name,
        "borrower": "" if asked.member is None else asked.member.name,
        "amount": "?" if other is None else context.voice.spoken(asked.pledged.keep, other.unit),
        "what": asked.request.title,
        "when": when_asked(asked.request, context.words),
    }
    return (
        _("%(owner)s (%(scheme)s) asks to keep %(amount)s of %(borrower)s’s deposit") % said,
        _("%(what)s: %(when)s.") % said,
    )


def pledge_then(context: Context, asked: AskedPledge) -> str:
    """Return what happens when it is confirmed."""
    most = {"all": context.voice.spoken(asked.pledged.aside)}
    return context.words.gettext(
        "Confirmed, it is paid to the owner out of the %(all)s that are set aside, never more, and the rest is free again."
    ) % most  # fmt: skip


def pledge_stuck(context: Context, asked: AskedPledge, schemes: Schemes) -> StuckCard:
    """Return the card by which an organiser asks for it."""
    what, detail = pledge_card(context, asked, schemes)
    return StuckCard(
        what=what, detail=detail, href=HERE, who=asked.request.their_name or context.words.gettext("Somebody"),
        ask_action=f"{HERE}/pledge/{asked.pledged.no}",
    )  # fmt: skip
