"""What I gave away and was given, what I would like, and what of it waits for me. Source: docs/pages.md 8.14."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.gift_rows import Wish, given_and_received, open_wishes, wishes_of
from node.services.gift_words import pickup_words
from node.services.gifts import GIFT
from node.services.members import Member, member_by_account
from node.services.own_listings import Owned, find_own, listings_of
from node.services.threads import thread_by_id
from node.store import ReadTx
from node.web.context import MEMBER, Context, get
from node.web.dates import DAY_MS
from node.web.days import today
from node.web.listing_names import listing_id
from node.web.pages.member_gifts import Asked, promised_words, read_asked, taker_called, who_text
from node.web.pages.member_listings import state_pill
from node.web.present import Voice, first_name
from node.web.views.gifts import GiftRow, GiftsView
from node.web.views.member import WaitingCard
from node.web.views.page import Empty, Link, Pill
from node.web.words import Words
from protocol.giving import GiftState, WishState
from protocol.listing import State
from protocol.names import SchemeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A member's things and wishes."""

    counts: tuple[int, int]  # given, received
    giving: tuple[tuple[Owned, Asked], ...]
    wanting: tuple[tuple[Wish, Owned | None, Member | None, int | None], ...]  # of whom, and the conversation


def _read(tx: ReadTx, member: Member, own: SchemeId) -> Given:
    giving = tuple(
        (owned, read_asked(tx, owned.listing.key))
        for owned in listings_of(tx, member.no)
        if owned.listing.content.kind == GIFT
    )
    wanting = []
    for wish in wishes_of(tx, member.account_no):
        thread = thread_by_id(tx, wish.thread_id, own, member.account_no)
        giver = member_by_account(tx, wish.giver_no)
        wanting.append((wish, find_own(tx, wish.key), giver, None if thread is None else thread.no))
    return Given(counts=given_and_received(tx, member.account_no), giving=giving, wanting=tuple(wanting))


async def gifts(context: Context) -> web.Response:
    """GET /my/gifts"""
    _, given = context.words.gettext, await context.read(_read, context.member, context.node.scheme)
    giving = tuple([await _giving(context, owned, asked) for owned, asked in given.giving])
    wanting = tuple(_wanting(context, *each) for each in given.wanting)
    nothing = Empty(
        text=_("You give nothing away now, and have asked for nothing."),
        action=Link(text=_("See what is given away"), href="/find?kind=gift"),
    )
    return context.show(
        GiftsView(
            counts=counts_words(given.counts, context.words) or _("Nothing given away or received yet."),
            giving=giving,
            wanting=wanting,
            empty=None if giving or wanting else nothing,
        )
    )


def counts_words(counts: tuple[int, int], words: Words) -> str:
    """Return "Given away: 2. Received: 1."; "" for neither."""
    if not any(counts):
        return ""
    return words.gettext("Given away: %(given)d. Received: %(received)d.") % {
        "given": counts[0],
        "received": counts[1],
    }


async def _giving(context: Context, owned: Owned, asked: Asked) -> GiftRow:
    name, promised = listing_id(owned.listing.key), asked.promised
    lines = () if promised is None else (pickup_words(promised.pickup, context.words), promised.pickup.said)
    return GiftRow(
        title=owned.listing.content.title,
        href=f"/l/{name}",
        state=state_pill(owned, context.voice),
        lines=tuple(each for each in lines if each),
        action=Link(text=await who_text(context, asked), href=f"/l/{name}/wishes"),
    )


def _wanting(
    context: Context, wish: Wish, owned: Owned | None, giver: Member | None, thread_no: int | None
) -> GiftRow:  # fmt: skip
    _ = context.words.gettext
    listed = owned is not None and owned.listing.state is State.PUBLISHED
    lines: tuple[str, ...] = ()
    if wish.state is WishState.PROMISED and giver is not None:
        lines = (promised_words(context.voice, wish, giver),)
    elif wish.state is WishState.RECEIVED and giver is not None and giver.name:
        lines = (_("From %(name)s") % {"name": giver.name},)
    talk = Link(text=_("Messages"), href=f"/messages/{thread_no}")
    return GiftRow(
        title=_("Something") if owned is None else owned.listing.content.title,
        href=f"/l/{listing_id(wish.key)}" if listed else "",
        state=_pill(wish.state, context.voice),
        lines=lines,
        action=None if thread_no is None else talk,
        received_action=f"/my/gifts/{wish.no}/received" if wish.state is WishState.PROMISED else "",
        back_action=f"/my/gifts/{wish.no}/back" if wish.open else "",
    )


def _pill(state: WishState, voice: Voice) -> Pill:
    _ = voice.words.gettext
    match state:
        case WishState.WAITING:
            return Pill(text=_("On the list"), tone="wait")
        case WishState.PROMISED:
            return Pill(text=_("Promised to you"), tone="good")
        case WishState.RECEIVED:
            return Pill(text=_("You have it"), tone="good")
        case WishState.TAKEN_BACK:
            return Pill(text=_("Not needed any more"))
        case WishState.PASSED:
            return Pill(text=_("Gone"))


# --- What waits on the first page ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftsWaiting:
    """What a member's first page says of things that are given away."""

    counts: tuple[int, int]
    giving: tuple[tuple[Owned, Asked], ...]  # those that somebody would like
    promised: tuple[tuple[Wish, Owned, Member], ...]  # to the reader, by whom
    members: Mapping[int, Member]  # by account


def read_waiting(tx: ReadTx, account_no: int) -> GiftsWaiting:
    """Query: what of a member's things and wishes is not at its end."""
    mine, theirs = open_wishes(tx, account_no)
    keys = dict.fromkeys(each.key for each in theirs)
    giving = [(owned, read_asked(tx, key)) for key in keys if (owned := find_own(tx, key)) is not None]
    takers = {each.taker_no for each in theirs if each.taker_no is not None}
    members = {no: member_by_account(tx, no) for no in takers}
    promised = []
    for wish in mine:
        owned, giver = find_own(tx, wish.key), member_by_account(tx, wish.giver_no)
        if wish.state is WishState.PROMISED and owned is not None and giver is not None:
            promised.append((wish, owned, giver))
    return GiftsWaiting(
        counts=given_and_received(tx, account_no),
        giving=tuple(giving),
        promised=tuple(promised),
        members={no: member for no, member in members.items() if member is not None},
    )


def waiting_cards(voice: Voice, waiting: GiftsWaiting) -> list[WaitingCard]:
    """Return the cards of what is promised to the reader, and of what she can promise or has promised."""
    cards = [_promised_card(voice, *each) for each in waiting.promised]
    for owned, asked in waiting.giving:
        card = _giving_card(voice, owned, asked, waiting.members)
        if card is not None:
            cards.append(card)
    return cards


def _promised_card(voice: Voice, wish: Wish, owned: Owned, giver: Member) -> WaitingCard:
    _ = voice.words.gettext
    said = {"title": owned.listing.content.title}
    return WaitingCard(
        title=_("Promised to you: %(title)s") % said,
        text=promised_words(voice, wish, giver),
        action=Link(text=_("See what to do"), href="/my/gifts"),
    )


def _giving_card(
    voice: Voice, owned: Owned, asked: Asked, members: Mapping[int, Member]
) -> WaitingCard | None:  # fmt: skip
    words, title = voice.words, owned.listing.content.title
    _, href = words.gettext, f"/l/{listing_id(owned.listing.key)}/wishes"
    promised = asked.promised
    if promised is not None:
        if not _is_due(promised, voice):
            return None
        name = taker_called(voice.words, promised, members.get(promised.taker_no or 0))
        return WaitingCard(
            title=_("Did %(name)s collect it?") % {"name": name},
            text=title,
            action=Link(text=_("Say what happened"), href=href),
        )
    if asked.gift.state is not GiftState.FREE or not asked.gift.waiting:
        return None
    count, first = len(asked.gift.waiting), asked.gift.waiting[0]
    wish = next(each for each in asked.wishes if each.no == first)
    name = first_name(taker_called(voice.words, wish, members.get(wish.taker_no or 0)))
    if count == 1:
        said = _("%(name)s would like it") % {"name": name}
    else:
        said = words.ngettext(
            "%(num)d person would like it", "%(num)d people would like it", count
        ) % {"num": count}  # fmt: skip
    return WaitingCard(title=said, text=title, action=Link(text=_("Choose who gets it"), href=href))


def _is_due(wish: Wish, voice: Voice) -> bool:
    """Tell whether the day has come on which it was to be collected; without one, the day after the promise."""
    if wish.pickup.day:
        return wish.pickup.day <= today(voice).isoformat()
    return voice.now_ms - wish.changed_ms > DAY_MS


ROUTES: Final = (get("/my/gifts", gifts, MEMBER),)
