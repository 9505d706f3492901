"""Giving things away: people say that they would like one, its giver promises it to one of them, it is collected.

Everybody concerned is told in a conversation about the thing, and by mail where they chose it; what may be done is decided
in `protocol/giving.py`. Whoever lives in another scheme asks by letter, and can be promised it by name.
Source: docs/protocol.md 5.10, 7.10; docs/pages.md 8.14.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from node.clock import Clock
from node.mail.texts import words_of
from node.services import threads
from node.services.acts import clip
from node.services.gift_abroad import standing_of
from node.services.gift_rows import (
    Pickup,
    Wish,
    find_wish,
    gift_in,
    note_became,
    note_pickup,
    open_wishes,
    put_wish,
    thread_about,
    who_wrote,
    wishes_for,
)
from node.services.gift_words import (
    CannotGive,
    Why,
    cannot_words,
    news_words,
    not_wished_words,
    received_words,
    wished_words,
)
from node.services.letters import CannotWrite, Letters, Writing
from node.services.market import Market
from node.services.members import Member, member_by_account, member_by_no
from node.services.own_listings import Owned, find_own
from node.services.request_rows import Request
from node.services.requests_abroad import RequestsAbroad, Standing
from node.services.settings import Settings
from node.services.telling import Telling
from node.services.threads import Thread
from node.store import ReadTx, Store, Tx
from node.web.words import Words
from protocol.beyond import Stands, Wants
from protocol.errors import OutOfOrder
from protocol.giving import (
    Became,
    Collected,
    Ended,
    Event,
    GiftState,
    News,
    Promised,
    PromiseDeclined,
    PromiseTakenBack,
    Wished,
    WishState,
    WishTakenBack,
    gift_of,
    step,
)
from protocol.limits import GIFT_WISHES_MAX, LETTER_NAME_BYTES_MAX
from protocol.listing import Actor, State, Withdrew
from protocol.names import ItemKey, SchemeId

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

GIFT: Final = "gift"


class Gifts:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, own: SchemeId, market: Market, letters: Callable[[], Letters],
        settings: Settings, telling: Telling, requests: Callable[[], RequestsAbroad],
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._own: Final = own
        self._market: Final = market
        self._letters: Final = letters
        self._settings: Final = settings
        self._telling: Final = telling
        self._requests: Final = requests

    # --- whoever would like it --------------------------------------------------------------------------------

    async def wish(self, taker: Member, key: ItemKey, said: str) -> None:
        """Say that a member would like a thing; saying it again changes nothing. Raises CannotGive."""
        await self._store.write(self._wish, taker, key, said)

    def _wish(self, tx: Tx, taker: Member, key: ItemKey, said: str) -> None:
        owned, giver = self._given(tx, key)
        known = wishes_for(tx, key)
        if any(each.taker_no == taker.account_no and each.open for each in known):
            return
        if owned.listing.content.kind == GIFT and giver.no == taker.no:
            raise CannotGive(Why.OWN)
        self._check_wish(tx, owned, giver, known)
        if not taker.may_trade:
            raise CannotGive(Why.PAUSED)
        now_ms = self._clock.now_ms()
        text = wished_words(owned.listing.content.title, said, self._words(giver))
        thread = self._begin(tx, taker, giver, key, text)
        put_wish(tx, key, giver.account_no, thread, taker_no=taker.account_no, wanted=said, now_ms=now_ms)
        self._telling.told(tx, giver, tuple(text.split("\n")), "/my/gifts")

    def _check_wish(self, tx: ReadTx, owned: Owned, giver: Member, known: list[Wish]) -> None:
        """Raises CannotGive: nobody can ask for it now."""
        own = owned.listing
        if own.content.kind != GIFT:
            raise CannotGive(Why.GONE)
        if own.state is not State.PUBLISHED or own.expires <= self._clock.now_ms():
            raise CannotGive(Why.GONE)
        if not giver.may_trade:
            raise CannotGive(Why.PAUSED)
        if sum(each.open for each in known) >= GIFT_WISHES_MAX:
            raise CannotGive(Why.FULL)
        try:
            step(gift_in(tx, own.key), Wished(wish=1 + max((each.no for each in known), default=0)))
        except OutOfOrder:
            raise CannotGive(Why.GONE) from None

    def _begin(self, tx: Tx, taker: Member, giver: Member, key: ItemKey, text: str) -> Thread:
        """Write to the giver, in the conversation about the thing if there is one; return the taker's side."""
        writing = Writing(
            account_no=taker.account_no, name=clip(taker.name, LETTER_NAME_BYTES_MAX), scheme=self._own,
            to_account=giver.account_no, to_name=giver.name, listing=(self._own, key), text=text,
        )  # fmt: skip
        known = thread_about(tx, taker.account_no, key, self._own, giver.account_no)
        if known is None:
            known = self._letters().write_in(tx, writing)
        else:
            self._letters().reply_in(tx, known, writing)
        return threads.thread_by_no(tx, known)

    async def take_back(self, taker: Member, no: int) -> None:
        """Let somebody off the list, also if it is promised to them. Raises CannotGive, LookupError."""
        await self._store.write(self._take_back, taker, no)

    def _take_back(self, tx: Tx, taker: Member, no: int) -> None:
        wish = find_wish(tx, no)
        if wish is None or wish.taker_no != taker.account_no:
            raise LookupError(f"wish {no}")
        owned, giver = self._given(tx, wish.key)
        promised = wish.state is WishState.PROMISED
        self._step(tx, owned, giver, PromiseDeclined() if promised else WishTakenBack(wish=no))
        self._write_giver(tx, taker, giver, wish, not_wished_words)

    def leave_in(self, tx: Tx, member: Member) -> None:
        """Unit: take every wish of somebody back who leaves."""
        mine, _ = open_wishes(tx, member.account_no)
        for wish in mine:
            self._take_back(tx, member, wish.no)

    # --- whoever would like it, of another scheme ---------------------------------------------------------------

    def hear(self, tx: Tx, request: Request) -> Standing:
        """Unit: do what somebody abroad asks; the same again changes nothing. Source: 7.10."""
        no = request.about_no
        if no is None and request.wants is not Wants.ASK:
            return Standing(stands=Stands.TAKEN_BACK)
        try:
            if no is None:
                no = self._wish_abroad(tx, request)
            else:
                self._act_abroad(tx, request, no)
        except CannotGive as cannot:
            if no is None:
                return Standing(stands=Stands.DECLINED, lines=(cannot_words(cannot.why, self._words(None)),))
        wish = find_wish(tx, no)
        assert wish is not None, "wishes are never deleted"
        return standing_of(wish, self._words(None))

    def _wish_abroad(self, tx: Tx, request: Request) -> int:
        owned, giver = self._given(tx, request.key)
        if not owned.listing.shared:
            raise CannotGive(Why.GONE)
        assert request.thread_no is not None, "it came in a conversation"
        thread, known = threads.thread_by_no(tx, request.thread_no), wishes_for(tx, request.key)
        for each in known:
            if each.open and each.thread_id == thread.id:
                return each.no  # they stand on the list already
        self._check_wish(tx, owned, giver, known)
        no = put_wish(
            tx, request.key, giver.account_no, thread, taker_no=None, wanted=request.wanted, now_ms=self._clock.now_ms()
        )  # fmt: skip
        text = wished_words(owned.listing.content.title, request.wanted, self._words(giver))
        self._telling.told(tx, giver, tuple(text.split("\n")), "/my/gifts")
        return no

    def _act_abroad(self, tx: Tx, request: Request, no: int) -> None:
        wish = find_wish(tx, no)
        if wish is None or not wish.open:
            return
        owned, giver = self._given(tx, wish.key)
        promised, title = wish.state is WishState.PROMISED, owned.listing.content.title
        if request.wants is Wants.TAKE_BACK:
            event = PromiseDeclined() if promised else WishTakenBack(wish=wish.no)
            self._step(tx, owned, giver, event, but=wish.no)
            text = not_wished_words(title, self._words(giver))
        elif request.wants is Wants.HAS_IT and promised:
            self._step(tx, owned, giver, Collected(), but=wish.no)
            self._close(tx, owned)
            text = received_words(title, self._words(giver))
        else:
            return
        self._telling.told(tx, giver, tuple(text.split("\n")), "/my/gifts")

    # --- whoever gives it -------------------------------------------------------------------------------------

    async def promise(self, giver: Member, key: ItemKey, no: int, pickup: Pickup) -> None:
        """Promise a thing to one of those who would like it. Raises CannotGive, LookupError."""
        await self._store.write(self._promise, giver, key, no, pickup)

    def _promise(self, tx: Tx, giver: Member, key: ItemKey, no: int, pickup: Pickup) -> None:
        owned, wish = self._mine(tx, giver, key), find_wish(tx, no)
        if wish is None or wish.key != key:
            raise LookupError(f"wish {no}")
        self._promise_to(tx, owned, giver, no, pickup)

    async def promise_abroad(self, giver: Member, key: ItemKey, thread_no: int, pickup: Pickup) -> None:
        """Promise a thing to somebody of another scheme who wrote about it. Raises CannotGive, LookupError."""
        await self._store.write(self._promise_abroad, giver, key, thread_no, pickup)

    def _promise_abroad(
        self, tx: Tx, giver: Member, key: ItemKey, thread_no: int, pickup: Pickup
    ) -> None:  # fmt: skip
        owned = self._mine(tx, giver, key)
        if owned.listing.content.kind != GIFT:
            raise CannotGive(Why.GONE)
        wrote = who_wrote(tx, giver.account_no, key, self._own)
        thread = next((each for each in wrote if each.no == thread_no), None)
        if thread is None:
            raise LookupError(f"conversation {thread_no}")
        if gift_in(tx, key).state is not GiftState.FREE:
            raise CannotGive(Why.CHANGED)
        if not self._letters().can_reach(thread.scheme):
            raise CannotGive(Why.UNREACHABLE)
        known = [each for each in wishes_for(tx, key) if each.thread_id == thread.id and each.open]
        if known:
            no = known[0].no
        else:
            no = put_wish(tx, key, giver.account_no, thread, taker_no=None, now_ms=self._clock.now_ms())
        self._promise_to(tx, owned, giver, no, pickup)

    def _promise_to(self, tx: Tx, owned: Owned, giver: Member, no: int, pickup: Pickup) -> None:
        gift = gift_in(tx, owned.listing.key)
        if gift.promised_to == no:
            return  # the same button again
        if gift.state is not GiftState.FREE or no not in gift.waiting:
            raise CannotGive(Why.CHANGED)
        note_pickup(tx, no, pickup)
        self._step(tx, owned, giver, Promised(wish=no))

    async def unpromise(self, giver: Member, key: ItemKey) -> None:
        """Take the promise back; whoever had it, and those who wait, are told. Raises CannotGive, LookupError."""
        await self._store.write(self._by_giver, giver, key, PromiseTakenBack())

    async def collected(self, giver: Member, key: ItemKey) -> None:
        """Note that it was collected, as its giver; the listing is closed. Raises CannotGive, LookupError."""
        await self._store.write(self._by_giver, giver, key, Collected())

    def _by_giver(self, tx: Tx, giver: Member, key: ItemKey, event: Event) -> None:
        owned = self._mine(tx, giver, key)
        self._step(tx, owned, giver, event)
        if isinstance(event, Collected):
            self._close(tx, owned)

    async def received(self, taker: Member, no: int) -> None:
        """Note that it was collected, as whoever has it now. Raises CannotGive, LookupError."""
        await self._store.write(self._received, taker, no)

    def _received(self, tx: Tx, taker: Member, no: int) -> None:
        wish = find_wish(tx, no)
        if wish is None or wish.taker_no != taker.account_no:
            raise LookupError(f"wish {no}")
        owned, giver = self._given(tx, wish.key)
        if wish.state is not WishState.PROMISED:
            raise CannotGive(Why.CHANGED)
        self._step(tx, owned, giver, Collected(), but=no)
        self._write_giver(tx, taker, giver, wish, received_words)
        self._close(tx, owned)

    def _close(self, tx: Tx, owned: Owned) -> None:
        self._market.act_in(tx, owned.listing.key, Withdrew(), Actor.OWNER)

    def ended_in(self, tx: Tx, key: ItemKey) -> None:
        """Unit: a listing was withdrawn for good; if it was to be given away and was not, those who wait are told."""
        known = wishes_for(tx, key)
        gift = gift_of({each.no: each.state for each in known}, ended=False)
        owned = find_own(tx, key)
        if not known or owned is None or gift.state not in (GiftState.FREE, GiftState.PROMISED):
            return
        giver = member_by_no(tx, owned.member_no)
        assert giver is not None, "a listing is a member's"
        self._note(tx, owned, giver, step(gift, Ended())[1])

    # --- what both do -----------------------------------------------------------------------------------------

    def _given(self, tx: ReadTx, key: ItemKey) -> tuple[Owned, Member]:
        """Return what is given away, and who gives it. Raises CannotGive."""
        owned = find_own(tx, key)
        giver = None if owned is None else member_by_no(tx, owned.member_no)
        if owned is None or giver is None:
            raise CannotGive(Why.GONE)
        return owned, giver

    def _mine(self, tx: ReadTx, giver: Member, key: ItemKey) -> Owned:
        owned, whose = self._given(tx, key)
        if whose.no != giver.no:
            raise LookupError("no such listing of theirs")
        return owned

    def _step(self, tx: Tx, owned: Owned, giver: Member, event: Event, *, but: int | None = None) -> None:
        """Decide, then record and tell; whoever has the wish `but` knows it already."""
        try:
            _, told = step(gift_in(tx, owned.listing.key), event)
        except OutOfOrder:
            raise CannotGive(Why.CHANGED) from None
        self._note(tx, owned, giver, told, but=but)

    def _note(
        self, tx: Tx, owned: Owned, giver: Member, told: tuple[Became, ...], *, but: int | None = None
    ) -> None:
        now_ms, title = self._clock.now_ms(), owned.listing.content.title
        # What ends a promise comes before a new one: only one at a time is in the table.
        for each in told:
            note_became(tx, each.wish, each.state, now_ms)
        for each in told:
            wish = find_wish(tx, each.wish)
            assert wish is not None, "wishes are never deleted"
            if each.news is not None and each.wish != but:
                self._tell(tx, giver, wish, each.news, title)
        if any(each.news is News.GONE or each.news is News.RECEIVED for each in told):
            self._tell_who_wrote(tx, giver, owned, title)

    def _tell(self, tx: Tx, giver: Member, wish: Wish, news: News, title: str) -> None:
        """Write to whoever has the wish, as its giver."""
        taker = None if wish.taker_no is None else member_by_account(tx, wish.taker_no)
        lines = news_words(news, title, wish.pickup, self._words(taker))
        if taker is None and self._requests().answer_in(
            tx, GIFT, standing_of(wish, self._words(None), lines[1:])
        ):
            return
        scheme = wish.other_scheme or self._own
        thread = threads.thread_by_id(tx, wish.thread_id, scheme, giver.account_no)
        if thread is not None:
            self._write(tx, giver, thread, "\n".join(lines))
        if taker is not None:
            self._telling.told(tx, taker, lines, "/my/gifts")

    def _tell_who_wrote(self, tx: Tx, giver: Member, owned: Owned, title: str) -> None:
        """Tell those of other schemes too who wrote about it and never were on the list."""
        key = owned.listing.key
        known = {each.thread_id for each in wishes_for(tx, key)}
        lines = news_words(News.GONE, title, Pickup(), self._words(None))
        for thread in who_wrote(tx, giver.account_no, key, self._own):
            if thread.id not in known:
                self._write(tx, giver, thread, "\n".join(lines))

    def _write_giver(
        self, tx: Tx, taker: Member, giver: Member, wish: Wish, said: Callable[[str, Words], str]
    ) -> None:  # fmt: skip
        """Write to the giver, as whoever has the wish."""
        thread = threads.thread_by_id(tx, wish.thread_id, self._own, taker.account_no)
        owned = find_own(tx, wish.key)
        title = "" if owned is None else owned.listing.content.title
        text = said(title, self._words(giver))
        if thread is not None:
            self._write(tx, taker, thread, text)
        self._telling.told(tx, giver, tuple(text.split("\n")), "/my/gifts")

    def _write(self, tx: Tx, writer: Member, thread: Thread, text: str) -> None:
        here = thread.scheme == self._own
        writing = Writing(
            account_no=writer.account_no, scheme=thread.scheme, text=text,
            name=clip(writer.name if here else writer.public_name, LETTER_NAME_BYTES_MAX),
        )  # fmt: skip
        try:
            self._letters().reply_in(tx, thread.no, writing)
        except CannotWrite as no:
            # What became of the thing does not wait for a scheme that cannot be written to now.
            log.info("gift_not_told", reason=no.reason)

    def _words(self, reader: Member | None) -> Words:
        """Return the words of a member of ours, or of somebody abroad, of whom only our own language is known."""
        return words_of(self._settings.now, "" if reader is None else reader.language)
