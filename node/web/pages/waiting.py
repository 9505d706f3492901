"""What waits for a member, in cards: on their first page, and in their weekly mail. Source: docs/pages.md 7.2, 9."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from node.services.asks import Ask, asks_waiting
from node.services.books import load
from node.services.circle_rows import Known as Group
from node.services.circle_rows import asking_mine
from node.services.event_rows import Attended, Hosted, asked_of, events_ahead, to_settle
from node.services.help_rows import Request
from node.services.loan_rows import Lent, loans_offered_to
from node.services.members import Member, member_by_account
from node.services.members import State as MemberState
from node.services.own_listings import Owned, listings_of
from node.services.proposal_rows import Decided, Proposal, decided_lately, to_vote
from node.services.request_rows import Request as Abroad
from node.services.request_rows import open_requests
from node.services.standing_rows import Order, orders_waiting
from node.services.thing_rows import Thing
from node.services.trades import Trade, newest_trade, trades_waiting
from node.store import ReadTx
from node.web.listing_names import listing_id
from node.web.pages.abroad_payments import Owing, owing_cards, read_owing
from node.web.pages.abroad_words import abroad_cards
from node.web.pages.ask_words import ask_amount, ask_title
from node.web.pages.booking_sides import Shown, read_open
from node.web.pages.day_cards import DayWaiting, read_waiting_days, waiting_days
from node.web.pages.decision_words import vote_cards
from node.web.pages.event_words import asked_cards, event_cards, settle_cards
from node.web.pages.group_giving import Wanted, read_wanted_of, wanted_cards
from node.web.pages.group_words import CARDS_MAX, asking_cards
from node.web.pages.member import members_of
from node.web.pages.member_bookings import booking_cards
from node.web.pages.member_given import GiftsWaiting, read_waiting, waiting_cards
from node.web.pages.member_help_asking import help_cards, read_brought
from node.web.pages.member_listings import EXPIRES_SOON_MS, state_pill
from node.web.pages.pledge_words import pledge_cards, read_asked_pledges
from node.web.pages.schemes import Schemes
from node.web.pages.swap_abroad_words import abroad_swap_cards, read_swaps_abroad
from node.web.pages.swap_words import With, read_waiting_swaps, swap_cards
from node.web.pages.thing_owners import owner_cards, read_asked
from node.web.present import Voice, first_name, party_of, reference, trade_sentence
from node.web.views.member import WaitingCard
from node.web.views.page import Link
from protocol.ledger import Account
from protocol.listing import State
from protocol.names import SchemeId

EVENTS_SHOWN: Final = 4


@dataclass(frozen=True, slots=True)
class Mine:
    """What the page shows of its reader, of one moment."""

    account: Account
    asked: tuple[tuple[Ask, Member | None], ...]  # who asks for what
    waiting: tuple[Trade, ...]
    bookings: tuple[Shown, ...]  # what has not ended
    last: Trade | None
    partners: Mapping[int, Member]
    listings: tuple[Owned, ...]  # published ones
    wanted: tuple[Wanted, ...]  # gifts of a group's account that want their yes as its treasurer
    things: tuple[Thing, ...]  # that others ask them to own too
    offered: tuple[tuple[Lent, Member | None], ...]  # loans that wait for a yes or no
    held_up: tuple[tuple[Order, Member | None], ...]  # regular amounts that could not go
    brought: tuple[Request, ...]  # requests for help that wait for their yes or no
    gifts: GiftsWaiting
    abroad: tuple[Abroad, ...]  # what they asked for in other schemes and is not over
    owing: Owing  # what they had there and is over
    pledges: tuple[Abroad, ...]  # of whose deposit an owner there asks to keep some
    swaps: tuple[With, ...]  # that wait for them
    swaps_abroad: tuple[Abroad, ...]  # that people of other schemes proposed to them
    days: tuple[DayWaiting, ...]
    events: tuple[Attended, ...]  # ahead of them
    seats_asked: tuple[tuple[Hosted, int], ...]  # lifts of theirs, and how many wait for a yes
    to_settle: tuple[Hosted, ...]  # events of theirs of which they have to say who was there
    asking: tuple[tuple[Group, int, str], ...]  # who asks to come into a group that they keep
    votes: tuple[Proposal, ...]  # what they may vote on and did not yet
    decided: tuple[Decided, ...]  # what came of votes of theirs lately


def read_mine(tx: ReadTx, now_ms: int, member_no: int, account_no: int, own: SchemeId) -> Mine:
    """Query: where a member stands."""
    last = newest_trade(tx, account_no)
    return Mine(
        account=load(tx, account_no).value,
        asked=tuple(
            (ask, None if ask.payee_no is None else member_by_account(tx, ask.payee_no))
            for ask in asks_waiting(tx, account_no, now_ms)
        ),
        waiting=tuple(trades_waiting(tx, account_no)),
        bookings=tuple(read_open(tx, account_no, now_ms)),
        wanted=read_wanted_of(tx, member_no, now_ms, CARDS_MAX),
        things=read_asked(tx, member_no, CARDS_MAX),
        last=last,
        brought=read_brought(tx, member_no),
        gifts=read_waiting(tx, account_no),
        abroad=tuple(open_requests(tx, account_no)),
        owing=read_owing(tx, account_no, now_ms),
        pledges=read_asked_pledges(tx, account_no),
        swaps=read_waiting_swaps(tx, account_no, now_ms),
        swaps_abroad=read_swaps_abroad(tx, account_no),
        days=read_waiting_days(tx, now_ms, account_no, own),
        partners={} if last is None else members_of(tx, [last]),
        listings=tuple(
            owned for owned in listings_of(tx, member_no) if owned.listing.state is State.PUBLISHED
        ),
        offered=tuple(
            (lent, member_by_account(tx, lent.lender_no)) for lent in loans_offered_to(tx, account_no, now_ms)
        ),
        held_up=tuple(
            (order, member_by_account(tx, order.payee_no)) for order in orders_waiting(tx, account_no)
        ),
        events=tuple(events_ahead(tx, member_no, now_ms, EVENTS_SHOWN)),
        seats_asked=tuple(asked_of(tx, member_no, now_ms)),
        to_settle=tuple(to_settle(tx, member_no, now_ms)),
        asking=tuple(asking_mine(tx, member_no, CARDS_MAX)),
        votes=tuple(to_vote(tx, member_no, now_ms)),
        decided=tuple(decided_lately(tx, member_no, now_ms)),
    )


def waiting_cards_of(
    mine: Mine, schemes: Schemes, member: Member, now_hour: int, voice: Voice
) -> list[WaitingCard]:
    """Return everything that waits for a member, what is asked of them first; `now_hour` is that of the clock on the wall."""
    cards = _paused(member, voice)
    cards += [_asked(ask, payee, schemes, voice) for ask, payee in mine.asked]
    cards += help_cards(mine.brought, voice.words)
    cards += [_offered(lent, lender, voice) for lent, lender in mine.offered]
    cards += [_held_up(order, payee, voice) for order, payee in mine.held_up]
    cards += waiting_days(voice, member.account_no, mine.days)
    cards += swap_cards(mine.swaps, voice) + abroad_swap_cards(mine.swaps_abroad, voice)
    cards += waiting_cards(voice, mine.gifts) + abroad_cards(mine.abroad, schemes, voice)
    cards += pledge_cards(mine.pledges, voice) + owing_cards(mine.owing, schemes, voice)
    cards += wanted_cards(mine.wanted, voice)
    cards += booking_cards(mine.bookings, now_hour, voice) + owner_cards(mine.things, voice)
    cards += asked_cards(mine.seats_asked, voice)
    cards += event_cards(mine.events, voice) + settle_cards(mine.to_settle, voice)
    cards += asking_cards(mine.asking, voice) + vote_cards(mine.votes, voice)
    cards += [_under_way(trade, member.account_no, schemes, voice) for trade in mine.waiting]
    cards += [
        _expiring(owned, voice)
        for owned in mine.listings
        if owned.listing.expires - voice.now_ms < EXPIRES_SOON_MS
    ]
    return cards


def _paused(member: Member, voice: Voice) -> list[WaitingCard]:
    """Return the card of a pause: she should not first meet it when she wants to pay."""
    _ = voice.words.gettext
    if member.state is not MemberState.PAUSED:
        return []
    return [
        WaitingCard(
            title=_("Your membership is paused"),
            text=member.state_reason,
            action=Link(text=_("Whom to ask"), href="/help"),
        )
    ]


def _asked(ask: Ask, payee: Member | None, schemes: Schemes, voice: Voice) -> WaitingCard:
    """Return the card of what somebody asks the reader for."""
    name = first_name(ask.their_name if payee is None else payee.name)
    amount = ask_amount(ask, schemes, voice)
    return WaitingCard(
        title=ask_title(name, mine=False, amount=amount, voice=voice),
        text=" ".join(part for part in (ask.text, _silence(ask, voice)) if part),
        action=Link(text=voice.words.gettext("Say yes or no"), href=f"/asks/{ask.no}"),
    )


def _silence(ask: Ask, voice: Voice) -> str:
    """Return on which day silence counts, "" where it does not. Source: docs/protocol.md 3.11."""
    if not ask.counts:
        return ""
    said = {"day": voice.long_day(ask.until_ms)}
    return voice.words.gettext("If you say neither, it counts as your yes on %(day)s.") % said


def _offered(lent: Lent, lender: Member | None, voice: Voice) -> WaitingCard:
    """Return the card of a loan that somebody offers the reader."""
    _ = voice.words.gettext
    said = {
        "name": "" if lender is None else first_name(lender.name),
        "amount": voice.spoken(lent.loan.amount),
    }
    return WaitingCard(
        title=_("%(name)s offers to lend you %(amount)s") % said,
        text=lent.text,
        action=Link(text=_("Say yes or no"), href=f"/my/loans/{lent.no}"),
    )


def _held_up(order: Order, payee: Member | None, voice: Voice) -> WaitingCard:
    """Return the card of a regular amount that something is in the way of."""
    _ = voice.words.gettext
    said = {
        "amount": voice.spoken(order.standing.amount),
        "name": "" if payee is None else first_name(payee.name),
    }
    return WaitingCard(
        title=_("%(amount)s for %(name)s could not go yet") % said,
        text=order.text,
        action=Link(text=_("See why"), href=f"/my/standing/{order.no}"),
    )


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
