"""Thanks for a trade, what is wrong with one, and putting it right.

A trade is never erased: within the scheme an organiser enters the opposite, linked both ways; across schemes whoever
was paid pays back, and no entry in hours is corrected. Source: docs/protocol.md 3.5, 7.7; docs/pages.md 8.8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, func, insert, literal_column, select, update

from node.clock import Clock
from node.services.acts import Actor, Deed, NotAllowed, clip, note_act
from node.services.letters import CannotWrite, Letters, Writing
from node.services.members import Member, member_by_account
from node.services.telling import Telling
from node.services.threads import Thread
from node.services.trade_links import link_of, trade_of_quote
from node.services.trades import Trade, Trades, trade_by_no
from node.store import ReadTx, Store, Tx
from node.store.schema import afterwards as schema
from node.store.statements import Row
from protocol.letter import DISPUTE, THANKS, LetterText
from protocol.limits import (
    AFTERWARDS_MS,
    COMPLAINT_CHARACTERS_MAX,
    COMPLAINTS_OPEN_MAX,
    LETTER_NAME_BYTES_MAX,
    THANKS_CHARACTERS_MAX,
)

LISTED_MAX: Final = 100

_H: Final = schema.thanks.c
_THANKS: Final = select(_H.account_no, _H.text).where(_H.trade_no == bindparam("trade_no")).order_by(_H.no)
_NEW_THANKS: Final = insert(schema.thanks)
_C: Final = schema.complaint.c
_COLUMNS: Final = (
    _C.no, _C.trade_no, _C.account_no, _C.who, _C.text, _C.state, _C.told, _C.created_ms, _C.ended_ms, _C.ended_by,
    _C.outcome,
)  # fmt: skip
_BY_NO: Final = select(*_COLUMNS).where(_C.no == bindparam("no"))
_OF_TRADE: Final = select(*_COLUMNS).where(_C.trade_no == bindparam("trade_no")).order_by(_C.no)
_OPEN: Final = _C.state == literal_column("'open'")
_ALL_OPEN: Final = select(*_COLUMNS).where(_OPEN).order_by(_C.no).limit(LISTED_MAX)
_COUNT_OPEN: Final = select(func.count(_C.trade_no.distinct())).where(_OPEN)
_COUNT_OF: Final = _COUNT_OPEN.where(_C.account_no == bindparam("account_no"))
_NEW: Final = insert(schema.complaint)
_END: Final = (
    update(schema.complaint)
    .where(_C.trade_no == bindparam("of_trade"), _OPEN)
    .values(
        state=bindparam("new_state"), ended_ms=bindparam("now"), ended_by=bindparam("by"), outcome=bindparam("words")
    )
)  # fmt: skip


class Why(StrEnum):
    """Why something is not done; nothing changed."""

    ALREADY = "already"  # you thanked, or complained, before
    TOO_LATE = "too-late"  # thirty days are over
    NOT_DONE = "not-done"  # the trade is not done, or came to nothing
    TOO_MANY = "too-many"  # too many of yours are open
    UNREACHABLE = (
        "unreachable"  # their scheme cannot be written to now, or you wrote to many new people today
    )
    ACROSS = "across"  # between schemes nothing is corrected: it is paid back


class CannotSay(Exception):
    """An honest no."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What somebody says is wrong with a trade."""

    no: int
    trade_no: int
    account_no: int | None
    who: str
    text: str
    state: str
    told: str
    created_ms: int
    ended_ms: int | None
    ended_by: str
    outcome: str


def _complaint(row: Row) -> Complaint:
    no, trade_no, account_no, who, text, state, told, created_ms, ended_ms, ended_by, outcome = row
    return Complaint(
        no=no, trade_no=trade_no, account_no=account_no, who=who, text=text, state=state, told=told,
        created_ms=created_ms, ended_ms=ended_ms, ended_by=ended_by, outcome=outcome,
    )  # fmt: skip


def thanks_of(tx: ReadTx, trade_no: int) -> dict[int | None, str]:
    """Return what was said for a trade, by account; None is the other side abroad."""
    return dict(tx.all(_THANKS, trade_no=trade_no))


def complaints_of(tx: ReadTx, trade_no: int) -> list[Complaint]:
    """Return all that was said to be wrong with a trade, oldest first; for organisers."""
    return [_complaint(row) for row in tx.all(_OF_TRADE, trade_no=trade_no)]


def complaint_by_no(tx: ReadTx, no: int) -> Complaint | None:
    """Return one complaint; for organisers."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _complaint(row)


def open_complaints(tx: ReadTx) -> list[Complaint]:
    """Return what waits for an organiser, oldest first."""
    return [_complaint(row) for row in tx.all(_ALL_OPEN)]


def count_open_complaints(tx: ReadTx) -> int:
    """Return with how many trades something is wrong, of what waits for an organiser."""
    return int(tx.scalar(_COUNT_OPEN))


def may_speak(trade: Trade, now_ms: int) -> bool:
    """Tell whether a trade can still be thanked for or complained about: done, and at most thirty days ago."""
    ended = trade.ended_ms if trade.ended_ms is not None else trade.created_ms
    return trade.state in ("done", "corrected") and now_ms - ended <= AFTERWARDS_MS


class Afterwards:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, letters: Letters, trades: Trades, telling: Telling,
        name: Callable[[], str],
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._letters: Final = letters
        self._trades: Final = trades
        self._telling: Final = telling
        self._name: Final = name

    async def thank(self, trade_no: int, member: Member, text: str) -> None:
        """Thank the other side of a trade, once. Raises CannotSay, LookupError."""
        await self._store.write(self._thank, trade_no, member, text)

    def _thank(self, tx: Tx, trade_no: int, member: Member, text: str) -> None:
        trade = self._own_trade(tx, trade_no, member)
        if member.account_no in thanks_of(tx, trade_no):
            raise CannotSay(Why.ALREADY)
        tx.run(
            _NEW_THANKS,
            trade_no=trade_no,
            account_no=member.account_no,
            text=text,
            at_ms=self._clock.now_ms(),
            giver_agrees=False,
            receiver_agrees=False,
        )
        if trade.other_scheme is not None:
            self._write_abroad(tx, trade, member, THANKS, text)
            return
        other_no = trade.payee_no if trade.payer_no == member.account_no else trade.payer_no
        other = None if other_no is None else member_by_account(tx, other_no)
        if other is not None:
            self._telling.thanked(
                tx, trade.reference, who=member.name, text=text, what=trade.text, member=other
            )

    async def complain(self, trade_no: int, member: Member, text: str) -> Complaint:
        """Tell the organisers what is wrong with a trade; across schemes, those of both. Raises CannotSay, LookupError."""
        return await self._store.write(self._complain, trade_no, member, text)

    def _complain(self, tx: Tx, trade_no: int, member: Member, text: str) -> Complaint:
        trade = self._own_trade(tx, trade_no, member)
        if any(
            each.state == "open" and each.account_no == member.account_no
            for each in complaints_of(tx, trade_no)
        ):
            raise CannotSay(Why.ALREADY)
        if tx.scalar(_COUNT_OF, account_no=member.account_no) >= COMPLAINTS_OPEN_MAX:
            raise CannotSay(Why.TOO_MANY)
        told = "" if trade.other_scheme is None else self._tell_their_organisers(tx, trade, text)
        no = self._put(tx, trade_no, member.account_no, member.name, text, told)
        found = complaint_by_no(tx, no)
        assert found is not None
        return found

    def _put(self, tx: Tx, trade_no: int, account_no: int | None, who: str, text: str, told: str) -> int:
        return tx.insert(
            _NEW, trade_no=trade_no, account_no=account_no, who=who, text=text, state="open", told=told,
            created_ms=self._clock.now_ms(), ended_ms=None, ended_by="", outcome="",
        )  # fmt: skip

    def _own_trade(self, tx: ReadTx, trade_no: int, member: Member) -> Trade:
        trade = trade_by_no(tx, trade_no)
        if not trade.concerns(member.account_no):
            raise LookupError(f"trade {trade_no}")
        if trade.state not in ("done", "corrected"):
            raise CannotSay(Why.NOT_DONE)
        if not may_speak(trade, self._clock.now_ms()):
            raise CannotSay(Why.TOO_LATE)
        return trade

    # --- organisers -------------------------------------------------------------------------------------------

    async def correct(self, no: int, by: Actor, reason: str, once: bytes) -> Trade:
        """Enter the opposite of the trade a complaint is about, and close all complaints about it.

        Raises:
            CannotSay: it went across schemes. Refused: it was corrected before. NotAllowed: it is the organiser's own.
        """
        by.must_organise()
        return await self._store.write(self._correct, no, by, reason, once)

    def _correct(self, tx: Tx, no: int, by: Actor, reason: str, once: bytes) -> Trade:
        complaint, trade = self._for_organiser(tx, no, by)
        if trade.kind != "local":
            raise CannotSay(Why.ACROSS)
        made = self._trades.correct_in(
            tx, trade.no, organiser=by.name, on_behalf_of=clip(complaint.who, LETTER_NAME_BYTES_MAX), reason=reason,
            once=once,
        )  # fmt: skip
        self._end(tx, trade.no, by, "corrected", reason)
        note_act(tx, by, Deed.CORRECTION, now_ms=self._clock.now_ms(), detail=str(trade.no), why=reason)
        return made

    async def close(self, no: int, by: Actor, words: str) -> None:
        """Close all complaints about the trade of this one: it is settled in words. Raises NotAllowed, LookupError."""
        by.must_organise()
        await self._store.write(self._close, no, by, words)

    def _close(self, tx: Tx, no: int, by: Actor, words: str) -> None:
        _, trade = self._for_organiser(tx, no, by)
        self._end(tx, trade.no, by, "closed", words)

    def _for_organiser(self, tx: ReadTx, no: int, by: Actor) -> tuple[Complaint, Trade]:
        complaint = complaint_by_no(tx, no)
        if complaint is None:
            raise LookupError(f"complaint {no}")
        trade = trade_by_no(tx, complaint.trade_no)
        parties = [
            member_by_account(tx, each) for each in (trade.payer_no, trade.payee_no) if each is not None
        ]
        if any(each is not None and each.no == by.no for each in parties):
            raise NotAllowed(by.name)  # nobody decides about their own trade
        return complaint, trade

    def _end(self, tx: Tx, trade_no: int, by: Actor, state: str, words: str) -> None:
        tx.run(_END, of_trade=trade_no, new_state=state, now=self._clock.now_ms(), by=by.name, words=words)

    # --- across schemes ---------------------------------------------------------------------------------------

    def _write_abroad(self, tx: Tx, trade: Trade, member: Member, kind: str, text: str) -> None:
        link = link_of(tx, trade)
        if link is None or trade.other_scheme is None:
            raise CannotSay(Why.UNREACHABLE)
        writing = Writing(
            account_no=member.account_no, name=clip(member.public_name, LETTER_NAME_BYTES_MAX),
            scheme=trade.other_scheme, to_handle=link.handle, to_name=trade.other_name or "", kind=kind, text=text,
            reference=link.quote_id,
        )  # fmt: skip
        try:
            self._letters.write_to(tx, writing)
        except CannotWrite:
            raise CannotSay(Why.UNREACHABLE) from None

    def _tell_their_organisers(self, tx: Tx, trade: Trade, text: str) -> str:
        """Write to the other scheme's desk; return whether that was possible."""
        link = link_of(tx, trade)
        if link is None or trade.other_scheme is None:
            return "no"
        writing = Writing(
            account_no=None, name=clip(self._name(), LETTER_NAME_BYTES_MAX), scheme=trade.other_scheme, kind=DISPUTE,
            text=text, reference=link.quote_id,
        )  # fmt: skip
        try:
            self._letters.write_in(tx, writing)
        except CannotWrite:
            return "no"  # the desk's page says so: ring them
        return "yes"

    def takes(self, tx: Tx, thread: Thread, text: LetterText) -> None:
        """Unit: note thanks or a complaint that came by letter, if it is about a trade with that scheme. Source: 7.7."""
        if text.kind not in (THANKS, DISPUTE) or text.reference is None:
            return
        trade = trade_of_quote(tx, text.reference)
        if trade is None or trade.other_scheme != thread.scheme:
            return
        if text.kind == DISPUTE and thread.account_no is None:
            known = [
                each
                for each in complaints_of(tx, trade.no)
                if each.account_no is None and each.state == "open"
            ]
            if not known:
                self._put(tx, trade.no, None, text.from_name, text.text[:COMPLAINT_CHARACTERS_MAX], "")
            return
        link = link_of(tx, trade)
        theirs = link is not None and link.handle == text.from_handle
        mine = thread.account_no is not None and trade.concerns(thread.account_no)
        if text.kind == THANKS and theirs and mine and None not in thanks_of(tx, trade.no):
            said = text.text[:THANKS_CHARACTERS_MAX]
            tx.run(
                _NEW_THANKS, trade_no=trade.no, account_no=None, text=said, at_ms=self._clock.now_ms(), giver_agrees=False,
                receiver_agrees=False,
            )  # fmt: skip
