"""Swaps: the list, and one of them with what is done with it. It opens for the two; for everybody else there is no such page.

Proposing one is in `member_swap_form.py`. Source: docs/pages.md 8.15; docs/protocol.md 5.14.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from node.services.accounts import load
from node.services.books import Refused
from node.services.members import Member, member_by_account
from node.services.own_listings import find_own
from node.services.swap_rows import Swapped, find_swap
from node.services.swap_words import swap_title
from node.services.swaps import CannotSwap, Why
from node.services.threads import thread_by_id
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, Tick, line
from node.web.pages.member_standing import name_of
from node.web.pages.recording import own_account, paused, ring, stopped, too_far
from node.web.pages.swap_abroad_words import swap_rows_abroad
from node.web.pages.swap_words import (
    PATH,
    read_swaps_of,
    swap_facts,
    swap_pill,
    swap_row,
    swap_sentences,
)
from node.web.present import before_and_after, first_name, reference
from node.web.views.page import Link
from node.web.views.swaps import SwapsView, SwapView
from node.web.views.trade import RecordStoppedView
from protocol.ledger import Refusal
from protocol.listing import TRANSITIONS as LISTING_TRANSITIONS
from protocol.listing import Withdrew
from protocol.names import SchemeId
from protocol.swap import SwapState


class YesForm(Form):
    """Which proposal is said yes to."""

    turn: line(9, 1)  # type: ignore[valid-type]  # `line` makes the type of a field


class HappenedForm(Form):
    """Whether what was given is gone for good."""

    gone: Tick


@dataclass(frozen=True, slots=True)
class Shown:
    """A swap with all that its page says, of one moment."""

    found: Swapped
    other: Member | None
    thread_no: int | None
    trade: Trade | None
    balance: int
    gone: str  # the title of what the reader gives, where it could be taken off the lists


def _read(tx: ReadTx, no: int, member: Member, own: SchemeId) -> Shown | None:
    found = find_swap(tx, no, member.account_no)
    if found is None:
        return None
    mine = found.side_of(member.account_no)
    thread = thread_by_id(tx, found.thread_id, own, member.account_no)
    key = found.key_of(mine)
    owned = None if key is None else find_own(tx, key)
    listed = owned is not None and Withdrew in LISTING_TRANSITIONS[owned.listing.state]
    return Shown(
        found,
        member_by_account(tx, found.account_of(mine.other)),
        None if thread is None else thread.no,
        None if found.trade_no is None else trade_by_no(tx, found.trade_no),
        load(tx, member.account_no).value.balance,
        owned.listing.content.title if owned is not None and listed else "",
    )


async def find(context: Context) -> tuple[Swapped, Member | None]:
    """Return the reader's swap that the address names, and the other of the two. Raises NoSuchPage."""
    shown = await _shown(context)
    return shown.found, shown.other


async def _shown(context: Context) -> Shown:
    shown = await context.read(_read, context.number("number"), context.member, context.node.scheme)
    if shown is None:
        raise NoSuchPage
    return shown


async def swaps(context: Context) -> web.Response:
    """GET /my/swaps"""
    account_no = context.member.account_no
    found = await context.read(read_swaps_of, account_no)
    mine = tuple(swap_row(each, other, account_no, context.voice) for each, other in found)
    return context.show(SwapsView(rows=(*await swap_rows_abroad(context), *mine)))


async def swap_page(context: Context) -> web.Response:
    """GET /my/swaps/{number}"""
    shown = await _shown(context)
    found, voice, me = shown.found, context.voice, context.member.account_no
    state, mine, swap = found.stands(context.now_ms), found.side_of(me), found.swap
    name, path = name_of(shown.other), f"{PATH}/{found.no}"
    answers = state is SwapState.PROPOSED and swap.by is not mine
    happens = state is SwapState.AGREED and mine not in swap.happened
    gives = swap.terms.payer is mine and (answers or happens)
    after = shown.balance - swap.terms.amount
    return context.show(
        SwapView(
            title=swap_title(found.title, swap.terms.given, context.words),
            state=swap_pill(found, me, voice),
            sentences=swap_sentences(found, name, me, voice),
            facts=swap_facts(found, name, me, voice),
            turn=swap.turn,
            balances=before_and_after(shown.balance, after, voice) if gives else "",
            yes_action=f"{path}/yes" if answers else "",
            no_action=f"{path}/no" if answers else "",
            other_href=f"{path}/other" if answers else "",
            withdraw_action=f"{path}/withdraw" if state is SwapState.PROPOSED and not answers else "",
            happened_action=f"{path}/happened" if happens else "",
            gone=shown.gone if happens else "",
            call_off_action=f"{path}/off" if state is SwapState.AGREED else "",
            talk_href="" if shown.thread_no is None else f"/messages/{shown.thread_no}",
            trade=None
            if shown.trade is None
            else Link(text=context.words.gettext("See the trade"), href=f"/t/{reference(shown.trade)}"),
        )
    )


# --- what is done with it ---------------------------------------------------------------------------------------


async def yes(context: Context) -> web.Response:
    """POST /my/swaps/{number}/yes: to the proposal that the page showed; nothing moves by it."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    found, _ = await find(context)
    form = context.form(YesForm)
    if isinstance(form, Filled) or not (form.turn.isascii() and form.turn.isdigit()):
        raise NoSuchPage
    done = context.node.swaps.accept(found.no, context.member, int(form.turn))
    return await _done(context, found, done, "swap-agreed")


async def no(context: Context) -> web.Response:
    """POST /my/swaps/{number}/no"""
    found, _ = await find(context)
    return await _done(context, found, context.node.swaps.decline(found.no, context.member), "said-no")


async def withdraw(context: Context) -> web.Response:
    """POST /my/swaps/{number}/withdraw"""
    found, _ = await find(context)
    done = context.node.swaps.withdraw(found.no, context.member)
    return await _done(context, found, done, "ask-taken-back")


async def off(context: Context) -> web.Response:
    """POST /my/swaps/{number}/off: it will not happen after all."""
    found, _ = await find(context)
    return await _done(context, found, context.node.swaps.call_off(found.no, context.member), "told")


async def happened(context: Context) -> web.Response:
    """POST /my/swaps/{number}/happened: said twice, it is said once; the second of the two lets the difference go."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    shown, form = await _shown(context), context.form(HappenedForm)
    gone = not isinstance(form, Filled) and form.gone
    done = context.node.swaps.happened(
        shown.found.no, context.member, proved_by=context.actor.proof, gone=gone
    )  # fmt: skip
    try:
        return await _done(context, shown.found, done, "told")
    except Refused as refused:
        return context.show(await _refused(context, shown, refused.reason))


async def _done(
    context: Context, found: Swapped, doing: Awaitable[Swapped], note: str
) -> web.Response:  # fmt: skip
    try:
        await doing
    except CannotSwap as cannot:
        return context.show(cannot_swap(context, found.no, cannot.why))
    return context.redirect(f"{PATH}/{found.no}", note=note)


async def _refused(context: Context, shown: Shown, reason: Refusal) -> RecordStoppedView:
    """Return the page that says why the difference could not go: nothing was noted, and both may try again."""
    _, found = context.words.gettext, shown.found
    back = Link(text=_("Back to the swap"), href=f"{PATH}/{found.no}")
    i_pay = found.swap.terms.payer is found.side_of(context.member.account_no)
    account = await context.read(own_account, context.member.account_no)
    if i_pay and (far := too_far(context, account, found.swap.terms.amount, back.href)) is not None:
        return replace(far, action=back)
    name = first_name(name_of(shown.other))
    takes = reason in (Refusal.EXCEEDS_CEILING, Refusal.PAYEE_CLOSED)
    if takes and not i_pay:
        sentence = _("It would take you further above zero than a member may go.")
    elif takes:
        sentence = _("%(name)s cannot take that much just now.") % {"name": name}
    else:
        sentence = _("%(name)s cannot give that much just now.") % {"name": name}
    return stopped(context, _("This cannot be recorded now"), sentence, ring(context), action=back)


def cannot_swap(context: Context, number: int, why: Why) -> RecordStoppedView:
    """Return the page that says why something is not done with a swap."""
    _ = context.words.gettext
    back = Link(text=_("Back to the swap"), href=f"{PATH}/{number}")
    return stopped(context, _("This was not done"), cannot_words(context, why), action=back)


def cannot_words(context: Context, why: Why) -> str:
    """Return why something is not done, in a sentence."""
    _ = context.words.gettext
    match why:
        case Why.GONE:
            return _("One of the two things is not there any more.")
        case Why.OWN:
            return _("This is your own.")
        case Why.NOT_NOW:
            return _("The two of you cannot swap just now.") + " " + ring(context)
        case Why.TOO_MANY:
            return _("You have proposed many swaps already. Wait for an answer, or take one back first.")
        case Why.SAME:
            return _("You proposed a swap for this already.")
        case Why.CHANGED:
            return _("This has changed meanwhile. Please look again.")
        case Why.NO_AMOUNT:
            return _("Your scheme does not let people of other schemes ask each other to be paid.")


ROUTES: Final = (
    get(PATH, swaps, MEMBER),
    get(f"{PATH}/{{number}}", swap_page, MEMBER),
    post(f"{PATH}/{{number}}/yes", yes, MEMBER),
    post(f"{PATH}/{{number}}/no", no, MEMBER),
    post(f"{PATH}/{{number}}/withdraw", withdraw, MEMBER),
    post(f"{PATH}/{{number}}/happened", happened, MEMBER),
    post(f"{PATH}/{{number}}/off", off, MEMBER),
)
