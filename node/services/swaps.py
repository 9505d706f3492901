"""Swaps: one member offers something for what another lists, they agree, and both say that it happened.

What may be done is decided in `protocol/swap.py`. Everything is said in the conversation about the listing, and by mail where
they chose it. A difference is recorded once, in the unit in which the second of the two says that it happened; where the
ledger says no, nothing of that is written. Source: docs/protocol.md 5.14; docs/pages.md 8.15.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from node.clock import Chance, Clock
from node.mail.texts import words_of
from node.services.market import Market
from node.services.members import Member, member_by_account, member_by_no
from node.services.own_listings import Owned, find_own
from node.services.settings import Settings
from node.services.swap_rows import (
    Swapped,
    change_swap,
    count_asked,
    find_swap,
    has_blocked,
    note_paid,
    note_proof,
    note_reminded,
    open_swaps,
    put_swap,
    swap_by_once,
    swaps_about,
    swaps_run_out,
    swaps_to_remind,
)
from node.services.swap_telling import SwapTelling
from node.services.swap_words import News, memo_words
from node.services.trades import NewTrade, Trade, Trades
from node.store import ReadTx, Store, Tx
from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import SWAP_REMIND_MS, SWAPS_OPEN_MAX
from protocol.listing import TRANSITIONS as LISTING_TRANSITIONS
from protocol.listing import Actor, State, Withdrew
from protocol.names import ItemKey, SchemeId
from protocol.swap import (
    SWAPPABLE,
    Accepted,
    CalledOff,
    Countered,
    Declined,
    Gone,
    Happened,
    Lapsed,
    Left,
    Side,
    Swap,
    SwapEvent,
    SwapState,
    Terms,
    Withdrawn,
    answer_until,
    swap_step,
)

ONCE_BYTES: Final = 16


class Why(StrEnum):
    """Why something is not done; nothing changed."""

    GONE = "gone"  # one of the two listings is not there, or is none that is swapped
    OWN = "own"
    NOT_NOW = "not-now"  # one of the two may not trade now, or wants no messages from the other
    TOO_MANY = "too-many"  # enough swaps of this member are open
    SAME = "same"  # a swap of theirs for this is open
    CHANGED = "changed"  # it stands differently by now
    NO_AMOUNT = "no-amount"  # with somebody abroad, and members may not ask each other to be paid


class CannotSwap(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSwap:
    """What a member proposes for a listing of another."""

    key: ItemKey
    terms: Terms
    said: str = ""


class Swaps:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, own: SchemeId, trades: Trades, market: Market,
        settings: Settings, telling: SwapTelling,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._own: Final = own
        self._trades: Final = trades
        self._market: Final = market
        self._settings: Final = settings
        self._telling: Final = telling

    # --- proposing and answering ------------------------------------------------------------------------------

    async def propose(self, asker: Member, new: NewSwap, once: bytes) -> Swapped:
        """Propose a swap; the same `once` again gives what it proposed. Raises CannotSwap, InvalidValue."""
        return await self._store.write(self._propose, asker, new, once)

    def _propose(self, tx: Tx, asker: Member, new: NewSwap, once: bytes) -> Swapped:
        known, now_ms = swap_by_once(tx, once), self._clock.now_ms()
        if known is not None:
            return known
        owned = self._swappable(tx, new.key)
        owner = member_by_no(tx, owned.member_no)
        if owner is None:
            raise CannotSwap(Why.GONE)
        if owner.no == asker.no:
            raise CannotSwap(Why.OWN)
        self._check_two(tx, asker, owner)
        self._check_given(tx, asker, new.terms)
        mine = [each for each in open_swaps(tx, asker.account_no) if each.key == new.key]
        if any(each.stands(now_ms) is each.swap.state for each in mine):
            raise CannotSwap(Why.SAME)
        if count_asked(tx, asker.account_no, now_ms) >= SWAPS_OPEN_MAX:
            raise CannotSwap(Why.TOO_MANY)
        title = owned.listing.content.title
        lines = self._telling.lines(News.PROPOSED, title, new.terms, asker, owner, owner, new.said)
        thread = self._telling.begin(tx, asker, owner, new.key, lines)
        until = answer_until(now_ms)
        no = put_swap(
            tx, Swap(terms=new.terms), key=new.key, title=title, owner_no=owner.account_no, asker_no=asker.account_no,
            thread_id=thread, pay_once=self._chance.bytes(ONCE_BYTES), once=once, now_ms=now_ms, until_ms=until,
            remind_ms=until - SWAP_REMIND_MS,
        )  # fmt: skip
        self._telling.mail(tx, owner, no, lines)
        return self._again(tx, no, asker)

    async def counter(self, no: int, member: Member, turn: int, terms: Terms, said: str) -> Swapped:
        """Answer the proposal number `turn` with another. Raises CannotSwap, InvalidValue, LookupError."""
        return await self._store.write(self._counter, no, member, turn, terms, said)

    def _counter(self, tx: Tx, no: int, member: Member, turn: int, terms: Terms, said: str) -> Swapped:
        found = self._again(tx, no, member)
        side = found.side_of(member.account_no)
        if found.swap.by is side and found.swap.turn == turn + 1 and found.swap.terms == terms:
            return found  # the same button again
        event = Countered(side=side, turn=turn, terms=terms)
        after, other = self._decide(found, event), self._other(tx, found, member)
        self._check_two(tx, member, other)
        self._check_given(tx, self._of(tx, found, Side.ASKER), terms)
        self._save(tx, found, after)
        self._tell(tx, found, after, member, News.COUNTERED, said)
        return self._again(tx, no, member)

    async def accept(self, no: int, member: Member, turn: int) -> Swapped:
        """Say yes to the proposal number `turn`; nothing moves by it. Raises CannotSwap, LookupError."""
        return await self._store.write(self._accept, no, member, turn)

    def _accept(self, tx: Tx, no: int, member: Member, turn: int) -> Swapped:
        found = self._again(tx, no, member)
        side = found.side_of(member.account_no)
        if found.swap.state is SwapState.AGREED and found.swap.by is not side and found.swap.turn == turn:
            return found
        after = self._decide(found, Accepted(side=side, turn=turn))
        self._check_two(tx, member, self._other(tx, found, member))
        for key in (found.key_of(each) for each in Side):
            owned = None if key is None else find_own(tx, key)
            if owned is not None and owned.listing.state is State.REMOVED:
                raise CannotSwap(Why.GONE)  # an organiser took it down
        self._save(tx, found, after)
        self._tell(tx, found, after, member, News.AGREED)
        return self._again(tx, no, member)

    async def decline(self, no: int, member: Member) -> Swapped:
        """Say no to a proposal. Raises CannotSwap, LookupError."""
        return await self._store.write(self._end, no, member, Declined, News.DECLINED)

    async def withdraw(self, no: int, member: Member) -> Swapped:
        """Take one's own proposal back. Raises CannotSwap, LookupError."""
        return await self._store.write(self._end, no, member, Withdrawn, News.WITHDRAWN)

    async def call_off(self, no: int, member: Member) -> Swapped:
        """Say that what was agreed does not happen. Raises CannotSwap, LookupError."""
        return await self._store.write(self._end, no, member, CalledOff, News.CALLED_OFF)

    def _end(
        self, tx: Tx, no: int, member: Member, event: type[Declined | Withdrawn | CalledOff], news: News
    ) -> Swapped:  # fmt: skip
        found = self._again(tx, no, member)
        after = self._decide(found, event(side=found.side_of(member.account_no)))
        self._save(tx, found, after)
        self._tell(tx, found, after, member, news)
        return self._again(tx, no, member)

    # --- it happened ------------------------------------------------------------------------------------------

    async def happened(self, no: int, member: Member, *, proved_by: str, gone: bool = False) -> Swapped:
        """Say that it happened; the second of the two to say so lets the difference go. Said twice, it is said once.

        With `gone`, what the member gave is taken off the lists.

        Raises:
            CannotSwap: nothing was changed. Refused: the ledger says no; nothing was changed. LookupError.
        """
        return await self._store.write(self._happened, no, member, proved_by, gone)

    def _happened(self, tx: Tx, no: int, member: Member, proved_by: str, gone: bool) -> Swapped:
        found = self._again(tx, no, member)
        side = found.side_of(member.account_no)
        if side in found.swap.happened:
            return found
        after, other = self._decide(found, Happened(side=side)), self._other(tx, found, member)
        if not member.may_trade or not other.may_trade:
            raise CannotSwap(Why.NOT_NOW)
        done = after.state is SwapState.DONE
        # The ledger is asked before anything is written: where it says no, this was not said either.
        if done and after.terms.payer is not None:
            trade = self._record(tx, found, proved_by if after.terms.payer is side else found.proved_by)
            note_paid(tx, no, trade.no)
        if after.terms.payer is side:
            note_proof(tx, no, proved_by)
        self._save(tx, found, after)
        self._tell(tx, found, after, member, News.DONE if done else News.HAPPENED)
        key = found.key_of(side)
        if gone and key is not None:
            self.take_down(tx, key, member)
        return self._again(tx, no, member)

    def _record(self, tx: Tx, found: Swapped, proved_by: str) -> Trade:
        """Record the difference: its payer agreed to it, and said that it happened. Source: 3.5."""
        terms = found.swap.terms
        assert terms.payer is not None, "a difference has a payer"
        payer, payee = self._of(tx, found, terms.payer), self._of(tx, found, terms.payer.other)
        words = words_of(self._settings.now, "")
        return self._trades.record_in(
            tx,
            NewTrade(
                payer_no=payer.account_no, payee_no=payee.account_no, amount=terms.amount,
                text=memo_words(found.title, terms.given, words), entered_by=payer.name, proved_by=proved_by,
                once=found.pay_once, payer_name=payer.name, payee_name=payee.name,
            ),
        )  # fmt: skip

    def take_down(self, tx: Tx, key: ItemKey, member: Member) -> None:
        """Unit: take what a member gave in a swap off the lists, if it is theirs and there."""
        owned = find_own(tx, key)
        if (
            owned is None
            or owned.member_no != member.no
            or Withdrew not in LISTING_TRANSITIONS[owned.listing.state]
        ):
            return  # it is off the lists already
        self._market.act_in(tx, key, Withdrew(), Actor.OWNER)

    # --- what ends by itself ----------------------------------------------------------------------------------

    def ended_in(self, tx: Tx, key: ItemKey) -> None:
        """Unit: a listing was withdrawn for good; what was proposed for or with it comes to nothing."""
        for found in swaps_about(tx, key):
            gives = Side.OWNER if found.key == key else Side.ASKER
            after = swap_step(found.swap, Gone())
            if after != found.swap:
                self._save(tx, found, after)
                self._tell(tx, found, after, self._of(tx, found, gives), News.GONE)

    def leave_in(self, tx: Tx, member: Member) -> None:
        """Unit: end every swap of somebody who leaves."""
        for found in open_swaps(tx, member.account_no):
            after = swap_step(found.swap, Left())
            self._save(tx, found, after)
            self._tell(tx, found, after, member, News.LEFT)

    async def look(self) -> int:
        """Remind whoever is waited for, and note what ran out; done by a job. Return how many there were."""
        return await self._store.write(self._look)

    def _look(self, tx: Tx) -> int:
        now_ms = self._clock.now_ms()
        over = swaps_run_out(tx, now_ms)
        for found in over:
            after = swap_step(found.swap, Lapsed())
            self._save(tx, found, after)
            self._telling.remind(tx, found, self._of(tx, found, found.swap.by), News.LAPSED)
        due = swaps_to_remind(tx, now_ms)
        for found in due:
            for side in found.waits_for:
                asked = found.swap.state is SwapState.PROPOSED
                news = News.ANSWER_SOON if asked else News.SAY_SO
                self._telling.remind(tx, found, self._of(tx, found, side), news)
            note_reminded(tx, found.no)
        return len(over) + len(due)

    # --- what all of it needs ---------------------------------------------------------------------------------

    def _again(self, tx: ReadTx, no: int, member: Member) -> Swapped:
        found = find_swap(tx, no, member.account_no)
        if found is None:
            raise LookupError(f"swap {no}")
        return found

    def _decide(self, found: Swapped, event: SwapEvent) -> Swap:
        if found.stands(self._clock.now_ms()) is not found.swap.state:
            raise CannotSwap(Why.CHANGED)  # it ran out
        try:
            return swap_step(found.swap, event)
        except OutOfOrder:
            raise CannotSwap(Why.CHANGED) from None

    def _swappable(self, tx: ReadTx, key: ItemKey) -> Owned:
        """Return a listing that can be swapped now. Raises CannotSwap."""
        owned = find_own(tx, key)
        if owned is None or not can_be_swapped(owned, self._clock.now_ms()):
            raise CannotSwap(Why.GONE)
        return owned

    def _check_given(self, tx: ReadTx, asker: Member, terms: Terms) -> None:
        if not terms.given:
            raise InvalidValue("a swap for nothing")
        if terms.given_key is not None and self._swappable(tx, terms.given_key).member_no != asker.no:
            raise CannotSwap(Why.GONE)

    def _check_two(self, tx: ReadTx, one: Member, other: Member) -> None:
        """Look whether the two may deal with each other. Raises CannotSwap, without a word of who is in the way."""
        blocked = has_blocked(tx, other.account_no, self._own, one.account_no)
        if blocked or not one.may_trade or not other.may_trade:
            raise CannotSwap(Why.NOT_NOW)

    def _of(self, tx: ReadTx, found: Swapped, side: Side) -> Member:
        member = member_by_account(tx, found.account_of(side))
        assert member is not None, "members are never deleted"
        return member

    def _other(self, tx: ReadTx, found: Swapped, member: Member) -> Member:
        return self._of(tx, found, found.side_of(member.account_no).other)

    def _tell(
        self, tx: Tx, found: Swapped, after: Swap, writer: Member, news: News, said: str = ""
    ) -> None:  # fmt: skip
        asker, owner = self._of(tx, found, Side.ASKER), self._of(tx, found, Side.OWNER)
        self._telling.tell(tx, found, after.terms, news, asker, owner, writer, said)

    def _save(self, tx: Tx, found: Swapped, after: Swap) -> None:
        now_ms, until, remind = self._clock.now_ms(), found.until_ms, None
        if after.state is SwapState.PROPOSED:
            until = answer_until(now_ms)
            remind = until - SWAP_REMIND_MS
        elif after.state is SwapState.AGREED and after.happened:
            remind = now_ms + SWAP_REMIND_MS
        change_swap(tx, found.no, after, now_ms=now_ms, until_ms=until, remind_ms=remind)


def can_be_swapped(owned: Owned, now_ms: int) -> bool:
    """Tell whether a listing of ours can be swapped now, by what it is and how it stands."""
    listing = owned.listing
    return (
        listing.content.kind in SWAPPABLE and listing.state is State.PUBLISHED and listing.expires > now_ms
    )  # fmt: skip


__all__ = ["CannotSwap", "NewSwap", "Swapped", "Swaps", "Why", "can_be_swapped"]
