"""The first page of a member: what waits for them, where they stand, what is new. Source: docs/pages.md 7.2."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from node.services.books import load
from node.services.cards import Card
from node.services.members import Member
from node.services.members import State as MemberState
from node.services.own_listings import Owned, listings_of
from node.services.search import FindQuery, Order
from node.services.trades import Trade, newest_trade, trades_waiting
from node.store import ReadTx
from node.web.context import MEMBER, Context, get
from node.web.dates import local
from node.web.pages.listings import cards_view, listing_id, owners_of
from node.web.pages.member import members_of
from node.web.pages.member_find import here_of
from node.web.pages.member_listings import EXPIRES_SOON_MS, state_pill
from node.web.pages.schemes import Schemes, read_schemes
from node.web.present import Voice, balance_card, first_name, party_of, reference, trade_sentence
from node.web.views.member import HomeView, WaitingCard
from node.web.views.page import Link
from protocol.ledger import Account
from protocol.listing import State

CARDS_SHOWN: Final = 3
LISTINGS_SHOWN: Final = 4
# Where the newest are all our own, neighbours' are looked for this far.
PAGES_LOOKED_AT: Final = 3
NOON: Final = 12
EVENING: Final = 18


@dataclass(frozen=True, slots=True)
class Read:
    """What the page shows, of one moment."""

    account: Account
    waiting: list[Trade]
    last: Trade | None
    expiring: list[Owned]
    schemes: Schemes
    near: tuple[Card, ...]
    further: tuple[Card, ...]
    owners: dict[int, Member]
    partners: dict[int, Member]


async def home(context: Context) -> web.Response:
    """GET /home"""
    voice, account_no = context.voice, context.member.account_no
    seen = await context.read(_read, context)
    here = here_of(context)
    cards = _paused(context)
    cards += [_under_way(trade, account_no, seen.schemes, voice) for trade in seen.waiting]
    cards += [_expiring(owned, voice) for owned in seen.expiring]
    return context.show(
        HomeView(
            greeting=greeting(context.member.name, voice),
            waiting=tuple(cards[:CARDS_SHOWN]),
            balance=replace(balance_card(seen.account, voice), last=_last(seen, account_no, voice)),
            near=cards_view(seen.near, seen.owners, context, here),
            from_neighbours=cards_view(seen.further, {}, context, here),
        )
    )


def _read(tx: ReadTx, context: Context) -> Read:
    member, now_ms, find = context.member, context.now_ms, context.node.market.cards.find
    near = find(tx, FindQuery(scheme=context.node.scheme, order=Order.NEWEST)).cards
    near = tuple(card for card in near if card.member_no != member.no)[:LISTINGS_SHOWN]
    schemes = read_schemes(tx, now_ms)
    further: tuple[Card, ...] = ()
    if schemes.keys() - {context.node.scheme}:
        for page in range(1, PAGES_LOOKED_AT + 1):
            found = find(tx, FindQuery(order=Order.NEWEST, page=page)).cards
            further += tuple(card for card in found if not card.own)
            if len(further) >= LISTINGS_SHOWN or not found:
                break
    last = newest_trade(tx, member.account_no)
    return Read(
        account=load(tx, member.account_no).value,
        last=last,
        partners={} if last is None else members_of(tx, [last]),
        waiting=trades_waiting(tx, member.account_no),
        expiring=[
            owned
            for owned in listings_of(tx, member.no)
            if owned.listing.state is State.PUBLISHED and owned.listing.expires - now_ms < EXPIRES_SOON_MS
        ],
        schemes=schemes,
        near=near,
        further=further[:LISTINGS_SHOWN],
        owners=owners_of(tx, near),
    )


def greeting(name: str, voice: Voice) -> str:
    """Return "Good morning, Ana", by the scheme's clock on the wall."""
    said = {"name": first_name(name)}
    hour = local(voice.now_ms, voice.zone).hour
    if hour < NOON:
        return voice.words.gettext("Good morning, %(name)s") % said
    if hour < EVENING:
        return voice.words.gettext("Good afternoon, %(name)s") % said
    return voice.words.gettext("Good evening, %(name)s") % said


def _paused(context: Context) -> list[WaitingCard]:
    """Return the card of a pause: she should not first meet it when she wants to pay."""
    member, _ = context.member, context.words.gettext
    if member.state is not MemberState.PAUSED:
        return []
    return [
        WaitingCard(
            title=_("Your membership is paused"),
            text=member.state_reason,
            action=Link(text=_("Whom to ask"), href="/help"),
        )
    ]


def _last(seen: Read, account_no: int, voice: Voice) -> Link | None:
    """Return the newest trade in a line, unless it is under way and stands above, or came to nothing."""
    trade = seen.last
    if trade is None or trade.state in ("set-aside", "undone"):
        return None
    party = party_of(trade, account_no, seen.partners, seen.schemes, voice)
    amount = -trade.amount if trade.payer_no == account_no else trade.amount
    text = voice.words.gettext("%(what)s: %(amount)s") % {
        "what": trade_sentence(trade, account_no, party, voice),
        "amount": voice.short(amount, signed=True),
    }
    return Link(text=text, href=f"/t/{reference(trade)}")


def _under_way(trade: Trade, account_no: int, schemes: Schemes, voice: Voice) -> WaitingCard:
    """Return the card of a trade that another scheme has not answered yet."""
    party = party_of(trade, account_no, {}, schemes, voice)
    said = {
        "amount": voice.spoken(trade.amount),
        "scheme": party.badge,
        "time": voice.since(trade.created_ms),
    }
    if trade.late:
        title = voice.words.gettext("%(scheme)s has not answered since %(time)s") % said
    else:
        title = voice.words.gettext("%(amount)s set aside. Waiting for %(scheme)s.") % said
    return WaitingCard(
        title=title,
        text=voice.words.gettext("%(what)s. You need do nothing.")
        % {"what": trade_sentence(trade, account_no, party, voice)},
        action=Link(text=voice.words.gettext("Check now"), href=f"/t/{reference(trade)}/check"),
    )


def _expiring(owned: Owned, voice: Voice) -> WaitingCard:
    """Return the card of a listing of mine that ends soon."""
    return WaitingCard(
        title=state_pill(owned, voice).text,
        text=owned.listing.content.title,
        action=Link(
            text=voice.words.gettext("Keep it or let it go"), href=f"/l/{listing_id(owned.listing.key)}"
        ),
    )


ROUTES: Final = (get("/home", home, MEMBER),)
