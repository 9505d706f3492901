"""What a treasurer wants a group's account to give and a second has to say yes to; and above which amount that is so.

Source: docs/protocol.md 3.10; docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.books import Refused
from node.services.circle_account_rows import GroupAccountKey, group_account_by_key
from node.services.circle_accounts import CannotKeepAccount
from node.services.circle_giving_rows import Giving, givings_for, givings_of
from node.services.members import Member, existing
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, Route, post
from node.web.pages.decisions import hex_key
from node.web.pages.group_account_words import account_base, cannot, refused
from node.web.pages.recording import paused
from node.web.present import Voice, first_name, name_of
from node.web.views.circle_accounts import GivingRow
from node.web.views.member import WaitingCard
from node.web.views.page import Link
from protocol.limits import DAY_MS, GROUP_GIVING_WAITS_MS


@dataclass(frozen=True, slots=True)
class Wanted:
    """What waits for a second yes, with who wants it and who gets it."""

    giving: Giving
    by: Member
    payee: Member


def read_wanted(tx: ReadTx, account_no: int, now_ms: int) -> tuple[Wanted, ...]:
    """Query: what waits at a group's account."""
    return _wanted(tx, givings_of(tx, account_no, now_ms))


def read_wanted_of(tx: ReadTx, member_no: int, now_ms: int, most: int) -> tuple[Wanted, ...]:
    """Query: what waits for a treasurer's yes."""
    return _wanted(tx, givings_for(tx, member_no, now_ms, most))


def _wanted(tx: ReadTx, givings: Iterable[Giving]) -> tuple[Wanted, ...]:
    return tuple(Wanted(each, existing(tx, each.by_no), existing(tx, each.payee_no)) for each in givings)


def wanted_cards(wanted: Iterable[Wanted], voice: Voice) -> list[WaitingCard]:
    """Return the cards of a treasurer's first page."""
    _ = voice.words.gettext
    return [
        WaitingCard(
            title=_("%(name)s wants “%(group)s” to give %(amount)s to %(payee)s") % _said(each, voice),
            text=each.giving.text,
            action=Link(text=_("Say yes or no"), href=account_base(each.giving.account)),
        )
        for each in wanted
    ]


def _said(each: Wanted, voice: Voice) -> dict[str, str]:
    return {
        "name": first_name(name_of(each.by, voice.words)),
        "group": each.giving.account.name,
        "amount": voice.spoken(each.giving.amount),
        "payee": name_of(each.payee, voice.words),
    }


def giving_rows(context: Context, wanted: Iterable[Wanted], balance: int) -> tuple[GivingRow, ...]:
    """Return what waits as the page of an account shows it to a treasurer, both names, the amount and what follows with it."""
    voice, me, _ = context.voice, context.member.no, context.words.gettext
    rows = []
    for each in wanted:
        giving, own = each.giving, each.giving.by_no == me
        then = {
            "name": giving.account.name,
            "now": voice.spoken(balance),
            "then": voice.spoken(balance - giving.amount),
            "day": voice.moment(giving.until_ms),
        }
        until = _("Nothing has moved yet. If nobody says yes by %(day)s, nothing comes of it.") % then
        if giving.payee_no == me:
            until = _("It is for you, so another treasurer says yes.")
        base = f"{account_base(giving.account)}/givings/{giving.no}"
        rows.append(
            GivingRow(
                title=_("%(name)s wants “%(group)s” to give %(amount)s to %(payee)s") % _said(each, voice),
                text=giving.text,
                after=_("%(name)s: %(now)s now, %(then)s afterwards.") % then,
                until=until,
                yes_action="" if own or giving.payee_no == me else f"{base}/yes",
                no_action=f"{base}/no",
                no_text=_("Take it back") if own else _("No"),
            )
        )
    return tuple(rows)


def two_words(amount: int, voice: Voice) -> str:
    """Return above which amount two treasurers give."""
    return voice.words.gettext("Over %(amount)s two of them") % {"amount": voice.spoken(amount)}


def wants_second(context: Context) -> str:
    """Return what follows on an amount for which two have to say yes."""
    days = {"num": GROUP_GIVING_WAITS_MS // DAY_MS}
    said = context.words.gettext(
        "For so much a second treasurer has to say yes, within %(num)d days. Until then nothing moves."
    )
    return said % days


# --- Acting -------------------------------------------------------------------------------------------------------


async def _act(context: Context, yes: bool) -> web.Response:
    key, no = GroupAccountKey(hex_key(context.part("key"))), context.number("number")
    found = await context.read(group_account_by_key, key)
    if found is None:
        raise NoSuchPage
    back = Link(text=context.words.gettext("Back to the account"), href=account_base(found))
    if yes and (stop := paused(context)) is not None:
        return context.show(stop)
    givings = context.node.circle_givings
    try:
        if yes:
            await givings.agree(key, no, context.member, context.actor.proof)
        else:
            await givings.decline(key, no, context.member)
    except LookupError:
        raise NoSuchPage from None
    except CannotKeepAccount as cannot_do:
        return cannot(context, cannot_do, back)
    except Refused as cannot_do:
        return context.show(refused(context, cannot_do, back), 422)
    return context.redirect(account_base(found), note="saved")


async def agree(context: Context) -> web.Response:
    """POST /accounts/{key}/givings/{number}/yes"""
    return await _act(context, yes=True)


async def decline(context: Context) -> web.Response:
    """POST /accounts/{key}/givings/{number}/no"""
    return await _act(context, yes=False)


ROUTES: Final[tuple[Route, ...]] = (
    post("/accounts/{key}/givings/{number}/yes", agree, MEMBER),
    post("/accounts/{key}/givings/{number}/no", decline, MEMBER),
)
