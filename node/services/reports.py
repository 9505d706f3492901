"""Reports: a member tells the organisers of a listing, a conversation, what is on the board of a group, or what was said about a proposal.

They look at it, take a listing down or a note off, or close it. Organisers never open conversations, nor the boards of closed
groups: whoever reports something there shows it to them, and is told so before.
Nobody decides about what is reported of themselves. Source: docs/pages.md 7.2, 7.3, 0.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, insert, select, update

from node.clock import Clock
from node.services.acts import Actor, Deed, NotAllowed, note_act
from node.services.circle_board import CircleBoard, Said, note_by_no, reply_by_no
from node.services.circle_rows import circle_by_no, people_of
from node.services.market import Market
from node.services.members import Member, member_by_account, member_by_no
from node.services.own_listings import find_own
from node.services.proposal_rows import may_read, proposal_by_no, remark_by_no
from node.services.remarks import Remarks
from node.services.threads import Thread, messages_of
from node.store import ReadTx, Store, Tx
from node.store.schema import reports as schema
from node.store.statements import Row
from protocol.circle import reads
from protocol.limits import COMPLAINTS_OPEN_MAX
from protocol.listing import TRANSITIONS, Removed
from protocol.listing import Actor as ListingActor
from protocol.names import ItemKey, SchemeId

OPEN: Final = "open"
CLOSED: Final = "closed"
LISTED_MAX: Final = 100
MESSAGES_QUOTED: Final = 10

_R: Final = schema.report.c
_COLUMNS: Final = (
    _R.no, _R.member_no, _R.about_no, _R.about_name, _R.scheme, _R.item_key, _R.thread_no, _R.note_no, _R.reply_no, _R.remark_no, _R.text, _R.quoted, _R.state,
    _R.created_ms, _R.ended_ms, _R.ended_by, _R.outcome,
)  # fmt: skip
_BY_NO: Final = select(*_COLUMNS).where(_R.no == bindparam("no"))
_ALL_OPEN: Final = select(*_COLUMNS).where(_R.state == OPEN).order_by(_R.no).limit(LISTED_MAX)
_COUNT_OPEN: Final = select(func.count()).select_from(schema.report).where(_R.state == OPEN)
_OPEN_OF: Final = select(_R.item_key, _R.thread_no, _R.note_no, _R.reply_no, _R.remark_no).where(
    _R.member_no == bindparam("member_no"), _R.state == OPEN
)
_NEW: Final = insert(schema.report)
_END: Final = (
    update(schema.report)
    .where(_R.no == bindparam("which"), _R.state == OPEN)
    .values(state=CLOSED, ended_ms=bindparam("now"), ended_by=bindparam("by"), outcome=bindparam("words"))
)


class Why(StrEnum):
    """Why a report is not taken; nothing changed."""

    ALREADY = "already"  # the same is open
    TOO_MANY = "too-many"  # too many of theirs are open
    OWN = "own"  # nobody reports what is theirs


class CannotReport(Exception):
    """An honest no."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


class Reported(NamedTuple):
    """What a report is about: exactly one of a listing, a conversation, a note with perhaps an answer below it, a remark."""

    item_key: bytes | None = None
    thread_no: int | None = None
    note_no: int | None = None
    reply_no: int | None = None
    remark_no: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What somebody reported."""

    no: int
    member_no: int
    about_no: int | None
    about_name: str
    scheme: SchemeId
    item_key: ItemKey | None
    thread_no: int | None
    note_no: int | None  # on the board of a group
    reply_no: int | None  # below it
    remark_no: int | None  # about a proposal
    text: str
    quoted: str
    state: str
    created_ms: int
    ended_ms: int | None
    ended_by: str
    outcome: str

    @property
    def is_open(self) -> bool:
        """Whether it waits for an organiser."""
        return self.state == OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedListing:
    """A listing as whoever reports it saw it."""

    scheme: SchemeId
    key: ItemKey
    title: str
    owner: Member | None  # of ours
    owner_name: str


def _report(row: Row) -> Report:
    (
        no, member_no, about_no, about_name, scheme, item_key, thread_no, note_no, reply_no, remark_no, text, quoted, state, created_ms, ended_ms, ended_by,
        outcome,
    ) = row  # fmt: skip
    return Report(
        no=no, member_no=member_no, about_no=about_no, about_name=about_name, scheme=SchemeId(scheme),
        item_key=None if item_key is None else ItemKey(item_key), thread_no=thread_no, note_no=note_no, reply_no=reply_no, remark_no=remark_no, text=text, quoted=quoted, state=state,
        created_ms=created_ms, ended_ms=ended_ms, ended_by=ended_by, outcome=outcome,
    )  # fmt: skip


def open_reports(tx: ReadTx) -> list[Report]:
    """Return what waits for an organiser, oldest first."""
    return [_report(row) for row in tx.all(_ALL_OPEN)]


def count_open_reports(tx: ReadTx) -> int:
    """Return how many reports wait for an organiser."""
    return int(tx.scalar(_COUNT_OPEN))


def report_by_no(tx: ReadTx, no: int) -> Report | None:
    """Return one report; for organisers."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _report(row)


class Reports:
    """See the head of this file."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        market: Market,
        board: CircleBoard,
        remarks: Remarks,
        own: SchemeId,
    ):
        self._store: Final = store
        self._clock: Final = clock
        self._market: Final = market
        self._board: Final = board
        self._remarks: Final = remarks
        self._own: Final = own

    async def listing(self, by: Member, listing: ReportedListing, text: str) -> int:
        """Report a listing; return the report's number. Raises CannotReport."""
        return await self._store.write(self._listing, by, listing, text)

    def _listing(self, tx: Tx, by: Member, listing: ReportedListing, text: str) -> int:
        if listing.owner is not None and listing.owner.no == by.no:
            raise CannotReport(Why.OWN)
        return self._put(
            tx, by, Reported(item_key=bytes(listing.key)), about=listing.owner, name=listing.owner_name, scheme=listing.scheme, text=text,
            quoted=listing.title,
        )  # fmt: skip

    async def conversation(self, by: Member, thread: Thread, name: str, text: str) -> int:
        """Report a conversation of one's own, with the last that was written in it. Raises CannotReport."""
        return await self._store.write(self._conversation, by, thread, name, text)

    def _conversation(self, tx: Tx, by: Member, thread: Thread, name: str, text: str) -> int:
        about = None if thread.their_account is None else member_by_account(tx, thread.their_account)
        said = messages_of(tx, thread.no)[-MESSAGES_QUOTED:]
        quoted = "\n".join(f"{by.name if each.mine else name}: {each.text}" for each in said)
        return self._put(
            tx, by, Reported(thread_no=thread.no), about=about, name=name, scheme=thread.scheme, text=text, quoted=quoted,
        )  # fmt: skip

    async def on_board(self, by: Member, note_no: int, reply_no: int | None, text: str) -> int:
        """Report what somebody wrote on the board of a group that the reporter reads. Raises LookupError, CannotReport."""
        return await self._store.write(self._on_board, by, note_no, reply_no, text)

    def _on_board(self, tx: Tx, by: Member, note_no: int, reply_no: int | None, text: str) -> int:
        said = said_on_board(tx, note_no, reply_no)
        if said is None or said.removed_ms is not None:
            raise LookupError("no such note")
        if said.member_no == by.no:
            raise CannotReport(Why.OWN)
        note = note_by_no(tx, note_no)
        known = None if note is None else circle_by_no(tx, note.of_no)
        if known is None or not reads(people_of(tx, known), by.no):
            raise LookupError("not theirs to read")
        quoted = "\n".join(each for each in (known.name, said.title, said.text) if each)
        return self._put(
            tx, by, Reported(note_no=note_no, reply_no=reply_no), about=member_by_no(tx, said.member_no), name=said.author,
            scheme=self._own, text=text, quoted=quoted,
        )  # fmt: skip

    async def remark(self, by: Member, remark_no: int, text: str) -> int:
        """Report what somebody said about a proposal that the reporter reads. Raises LookupError, CannotReport."""
        return await self._store.write(self._remark, by, remark_no, text)

    def _remark(self, tx: Tx, by: Member, remark_no: int, text: str) -> int:
        said = remark_by_no(tx, remark_no)
        proposal = None if said is None else proposal_by_no(tx, said.proposal_no)
        if said is None or said.removed_ms is not None or proposal is None or not may_read(tx, proposal, by):
            raise LookupError("nobody said so, or it is not theirs to read")
        if said.member_no == by.no:
            raise CannotReport(Why.OWN)
        return self._put(
            tx, by, Reported(remark_no=remark_no), about=member_by_no(tx, said.member_no), name=said.name, scheme=self._own,
            text=text, quoted=f"{proposal.title}\n{said.text}",
        )  # fmt: skip

    def _put(
        self, tx: Tx, by: Member, what: Reported, *, about: Member | None, name: str, scheme: SchemeId, text: str, quoted: str
    ) -> int:  # fmt: skip
        mine = [Reported(*row) for row in tx.all(_OPEN_OF, member_no=by.no)]
        if what in mine:
            raise CannotReport(Why.ALREADY)
        if len(mine) >= COMPLAINTS_OPEN_MAX:
            raise CannotReport(Why.TOO_MANY)
        return tx.insert(
            _NEW, member_no=by.no, about_no=None if about is None else about.no, about_name=name, scheme=scheme,
            **what._asdict(), text=text, quoted=quoted, state=OPEN, created_ms=self._clock.now_ms(),
            ended_ms=None, ended_by="", outcome="",
        )  # fmt: skip

    # --- organisers -------------------------------------------------------------------------------------------

    async def take_down(self, no: int, by: Actor, reason: str) -> None:
        """Take the reported listing of ours down, or the note or remark off, and close the report; its owner reads why.

        Raises:
            LookupError: no such report, or nothing of ours that can be taken down. NotAllowed: it is about the organiser.
        """
        by.must_organise()
        await self._store.write(self._take_down, no, by, reason)

    def _take_down(self, tx: Tx, no: int, by: Actor, reason: str) -> None:
        report = self._for_organiser(tx, no, by)
        if not can_take_down(tx, report, self._own):
            raise LookupError(f"report {no}")
        now_ms = self._clock.now_ms()
        if report.item_key is not None:
            self._market.act_in(tx, report.item_key, Removed(), ListingActor.ORGANISER, why=reason)
            note_act(
                tx, by, Deed.LISTING, now_ms=now_ms, for_no=report.about_no, detail=report.quoted, why=reason
            )
        elif report.remark_no is not None:
            remark = remark_by_no(tx, report.remark_no)
            assert remark is not None, "looked at above"
            self._remarks.take_off_in(tx, remark, by, reason)
        else:
            said = said_on_board(tx, report.note_no, report.reply_no)
            assert said is not None, "looked at above"
            self._board.take_off_in(tx, said, by, reason, is_reply=report.reply_no is not None)
        tx.run(_END, which=no, now=now_ms, by=by.name, words=reason)

    async def close(self, no: int, by: Actor, words: str) -> None:
        """Close a report in words. Raises LookupError, NotAllowed."""
        by.must_organise()
        await self._store.write(self._close, no, by, words)

    def _close(self, tx: Tx, no: int, by: Actor, words: str) -> None:
        self._for_organiser(tx, no, by)
        tx.run(_END, which=no, now=self._clock.now_ms(), by=by.name, words=words)

    def _for_organiser(self, tx: ReadTx, no: int, by: Actor) -> Report:
        report = report_by_no(tx, no)
        if report is None:
            raise LookupError(f"report {no}")
        if by.no is not None and by.no in (report.about_no, report.member_no):
            raise NotAllowed(by.name)  # neither about oneself nor for oneself
        return report


def said_on_board(tx: ReadTx, note_no: int | None, reply_no: int | None) -> Said | None:
    """Return a note, or with `reply_no` the answer below it; None if it is gone."""
    if note_no is None or (note := note_by_no(tx, note_no)) is None or reply_no is None:
        return None if note_no is None else note
    reply = reply_by_no(tx, reply_no)
    return reply if reply is not None and reply.of_no == note_no else None


def can_take_down(tx: ReadTx, report: Report, own: SchemeId) -> bool:
    """Tell whether what was reported is a listing, a note or a remark of ours that is still there to be taken down."""
    if report.is_open and report.note_no is not None:
        said = said_on_board(tx, report.note_no, report.reply_no)
        return said is not None and said.removed_ms is None
    if report.is_open and report.remark_no is not None:
        remark = remark_by_no(tx, report.remark_no)
        return remark is not None and remark.removed_ms is None
    if not report.is_open or report.item_key is None or report.scheme != own:
        return False
    owned = find_own(tx, report.item_key)
    return owned is not None and Removed in TRANSITIONS[owned.listing.state]
