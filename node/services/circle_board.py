"""The notice board of a group: notes, what is answered below them, what stays on top, and what is taken off.

Only who is in a group writes there; of a closed one nobody else reads. Whoever wrote something takes it away; a keeper, or an
organiser where they read it, takes it off with a reason that its author reads. Source: docs/protocol.md 5.12; docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from node.clock import Clock
from node.services.acts import Actor, Deed, NotAllowed, note_act
from node.services.circle_rows import CircleKey, Known, circle_by_key, people_of
from node.services.members import Member
from node.store import ReadTx, Store, Tx
from node.store.schema import circles as schema
from node.store.schema import people as people_schema
from node.store.statements import Row
from protocol.circle import INSIDE, Circle, Standing, reads
from protocol.limits import CIRCLE_NOTES_MAX, CIRCLE_PINNED_MAX, CIRCLE_REPLIES_MAX

_N: Final = schema.circle_note.c
_R: Final = schema.circle_reply.c
_M: Final = people_schema.member.c
_BY: Final = people_schema.member.alias("by")
_NOTE_COLUMNS: Final = (
    _N.no, _N.circle_no, _N.member_no, _M.name, _N.title, _N.text, _N.pinned, _N.created_ms, _N.removed_ms, _BY.c.name, _N.reason,
)  # fmt: skip
_NOTES_FROM: Final = schema.circle_note.join(people_schema.member, _N.member_no == _M.no).outerjoin(
    _BY, _N.removed_by_no == _BY.c.no
)
_NOTE: Final = select(*_NOTE_COLUMNS).select_from(_NOTES_FROM).where(_N.no == bindparam("no"))
# What is on the board; beside it, for its author, what was taken off.
_SHOWN: Final = (_N.circle_no == bindparam("circle_no")) & (
    _N.removed_ms.is_(None) | (_N.member_no == bindparam("me"))
)
_BOARD: Final = (
    select(*_NOTE_COLUMNS)
    .select_from(_NOTES_FROM)
    .where(_SHOWN)
    .order_by(_N.pinned.desc(), _N.no.desc())
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_COUNT_SHOWN: Final = select(func.count()).select_from(schema.circle_note).where(_SHOWN)
_COUNT: Final = (
    select(func.count()).select_from(schema.circle_note).where(_N.circle_no == bindparam("circle_no"))
)
_PINNED: Final = (
    select(func.count())
    .select_from(schema.circle_note)
    .where(_N.circle_no == bindparam("circle_no"), _N.pinned.is_(True))
)
_OLDEST: Final = (
    select(_N.no).where(_N.circle_no == bindparam("circle_no"), _N.pinned.is_(False)).order_by(_N.no).limit(1)
)
_NOTE_ONCE: Final = select(_N.no).where(_N.once == bindparam("once"))
_NEW_NOTE: Final = insert(schema.circle_note)
_PIN: Final = (
    update(schema.circle_note).where(_N.no == bindparam("which")).values(pinned=bindparam("new_pinned"))
)
_NOTE_OFF: Final = (
    update(schema.circle_note)
    .where(_N.no == bindparam("which"))
    .values(pinned=False, removed_ms=bindparam("now"), removed_by_no=bindparam("by"), reason=bindparam("why"))
)
_NOTE_GONE: Final = (
    delete(schema.circle_reply).where(_R.note_no == bindparam("which")),
    delete(schema.circle_note).where(_N.no == bindparam("which")),
)
_REPLY_COLUMNS: Final = (
    _R.no, _R.note_no, _R.member_no, _M.name, _R.text, _R.created_ms, _R.removed_ms, _BY.c.name, _R.reason,
)  # fmt: skip
_REPLIES_FROM: Final = schema.circle_reply.join(people_schema.member, _R.member_no == _M.no).outerjoin(
    _BY, _R.removed_by_no == _BY.c.no
)
_REPLIES: Final = (
    select(*_REPLY_COLUMNS)
    .select_from(_REPLIES_FROM)
    .where(_R.note_no == bindparam("note_no"))
    .order_by(_R.no)
)
_REPLY: Final = select(*_REPLY_COLUMNS).select_from(_REPLIES_FROM).where(_R.no == bindparam("no"))
_COUNT_REPLIES: Final = (
    select(func.count()).select_from(schema.circle_reply).where(_R.note_no == bindparam("note_no"))
)
_REPLY_COUNTS: Final = (
    select(_R.note_no, func.count())
    .select_from(schema.circle_reply.join(schema.circle_note, _R.note_no == _N.no))
    .where(_N.circle_no == bindparam("circle_no"), _R.removed_ms.is_(None))
    .group_by(_R.note_no)
)
_REPLY_ONCE: Final = select(_R.no).where(_R.once == bindparam("once"))
_NEW_REPLY: Final = insert(schema.circle_reply)
_REPLY_OFF: Final = (
    update(schema.circle_reply)
    .where(_R.no == bindparam("which"))
    .values(removed_ms=bindparam("now"), removed_by_no=bindparam("by"), reason=bindparam("why"))
)
_REPLY_GONE: Final = delete(schema.circle_reply).where(_R.no == bindparam("which"))


class BoardFull(Exception):
    """As much is pinned, or was answered, as there may be."""


class Off(StrEnum):
    """What became of something that is not on the board any more."""

    TAKEN_AWAY = "taken-away"  # by its author: it is gone
    TAKEN_OFF = "taken-off"  # its author still reads it, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A note, or what was answered below one: then it has no title."""

    no: int
    of_no: int  # of the group, or of the note
    member_no: int
    author: str
    title: str
    text: str
    pinned: bool
    created_ms: int
    removed_ms: int | None
    removed_by: str
    reason: str

    def shows_to(self, member_no: int) -> bool:
        """Tell whether it is on the board for somebody who may read there."""
        return self.removed_ms is None or self.member_no == member_no


def _note(row: Row) -> Said:
    no, circle_no, member_no, author, title, text, pinned, created_ms, removed_ms, removed_by, reason = row
    return Said(
        no=no, of_no=circle_no, member_no=member_no, author=author, title=title, text=text, pinned=bool(pinned),
        created_ms=created_ms, removed_ms=removed_ms, removed_by=removed_by or "", reason=reason,
    )  # fmt: skip


def _reply(row: Row) -> Said:
    no, note_no, member_no, author, text, created_ms, removed_ms, removed_by, reason = row
    return Said(
        no=no, of_no=note_no, member_no=member_no, author=author, title="", text=text, pinned=False, created_ms=created_ms,
        removed_ms=removed_ms, removed_by=removed_by or "", reason=reason,
    )  # fmt: skip


def notes_of(tx: ReadTx, circle_no: int, me: int, *, skip: int, most: int) -> tuple[list[Said], int]:
    """Return what one reader finds on the board of a group, what is pinned first, the newest first; and how much there is."""
    asked = {"circle_no": circle_no, "me": me}
    found = [_note(row) for row in tx.all(_BOARD, **asked, skip=skip, most=most)]
    return found, int(tx.scalar(_COUNT_SHOWN, **asked))


def reply_counts(tx: ReadTx, circle_no: int) -> Mapping[int, int]:
    """Return how much was answered below each note of a group, by note."""
    return dict(tx.all(_REPLY_COUNTS, circle_no=circle_no))


def note_by_no(tx: ReadTx, no: int) -> Said | None:
    """Return one note, whoever may read it."""
    row = tx.one(_NOTE, no=no)
    return None if row is None else _note(row)


def replies_of(tx: ReadTx, note_no: int) -> list[Said]:
    """Return what was answered below a note, in order, also what was taken off."""
    return [_reply(row) for row in tx.all(_REPLIES, note_no=note_no)]


def reply_by_no(tx: ReadTx, no: int) -> Said | None:
    """Return one answer, whoever may read it."""
    row = tx.one(_REPLY, no=no)
    return None if row is None else _reply(row)


def may_take_off(by: Actor, circle: Circle) -> bool:
    """Tell whether somebody may take off what others wrote: a keeper, or an organiser who may read it. Source: 5.12."""
    assert by.no is not None, "nobody at the command line reads boards"
    if circle.standing_of(by.no) is Standing.KEEPER:
        return True
    return by.organises and reads(circle, by.no)


class CircleBoard:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock):
        self._store: Final = store
        self._clock: Final = clock

    async def post(self, key: CircleKey, by: Member, title: str, text: str, once: bytes) -> int:
        """Pin a note to the board; the same `once` pins one. When it is full, the oldest makes room. Raises LookupError, NotAllowed."""
        return await self._store.write(self._post, key, by, title, text, once)

    def _post(self, tx: Tx, key: CircleKey, by: Member, title: str, text: str, once: bytes) -> int:
        known = self._writer(tx, key, by)
        if (before := tx.one(_NOTE_ONCE, once=once)) is not None:
            return int(before[0])
        if tx.scalar(_COUNT, circle_no=known.no) >= CIRCLE_NOTES_MAX:
            for statement in _NOTE_GONE:
                tx.run(statement, which=tx.scalar(_OLDEST, circle_no=known.no))
        return tx.insert(
            _NEW_NOTE, circle_no=known.no, member_no=by.no, title=title, text=text, pinned=False, once=once,
            created_ms=self._clock.now_ms(), removed_ms=None, removed_by_no=None, reason="",
        )  # fmt: skip

    async def reply(self, key: CircleKey, note_no: int, by: Member, text: str, once: bytes) -> None:
        """Answer below a note; the same `once` does so once. Raises LookupError, NotAllowed, BoardFull."""
        await self._store.write(self._reply, key, note_no, by, text, once)

    def _reply(self, tx: Tx, key: CircleKey, note_no: int, by: Member, text: str, once: bytes) -> None:
        known = self._writer(tx, key, by)
        note = _on_board(tx, known, note_no)
        if tx.one(_REPLY_ONCE, once=once) is not None:
            return
        if tx.scalar(_COUNT_REPLIES, note_no=note.no) >= CIRCLE_REPLIES_MAX:
            raise BoardFull
        tx.insert(
            _NEW_REPLY, note_no=note.no, member_no=by.no, text=text, once=once, created_ms=self._clock.now_ms(), removed_ms=None,
            removed_by_no=None, reason="",
        )  # fmt: skip

    async def pin(self, key: CircleKey, note_no: int, by: Member, pinned: bool) -> None:
        """Let a note stay on top, or no more; a keeper does. Raises LookupError, NotAllowed, BoardFull."""
        await self._store.write(self._pin, key, note_no, by, pinned)

    def _pin(self, tx: Tx, key: CircleKey, note_no: int, by: Member, pinned: bool) -> None:
        known = _found(tx, key)
        if people_of(tx, known).standing_of(by.no) is not Standing.KEEPER:
            raise NotAllowed(by.name)
        note = _on_board(tx, known, note_no)
        if pinned and not note.pinned and tx.scalar(_PINNED, circle_no=known.no) >= CIRCLE_PINNED_MAX:
            raise BoardFull
        tx.run(_PIN, which=note.no, new_pinned=pinned)

    # --- taking off -----------------------------------------------------------------------------------------

    async def take_off(
        self, key: CircleKey, note_no: int, reply_no: int | None, by: Actor, reason: str
    ) -> Off:
        """Take a note or an answer off: one's own is gone, of somebody else's its author reads why.

        Raises:
            LookupError: it is not there. NotAllowed: neither theirs nor theirs to take off.
        """
        return await self._store.write(self._take_off, key, note_no, reply_no, by, reason)

    def _take_off(
        self, tx: Tx, key: CircleKey, note_no: int, reply_no: int | None, by: Actor, reason: str
    ) -> Off:
        known = _found(tx, key)
        note = note_by_no(tx, note_no)
        if note is None or note.of_no != known.no:
            raise LookupError("no such note")
        said = note if reply_no is None else _answer_below(tx, note, reply_no)
        circle = people_of(tx, known)
        if said.member_no == by.no and reads(circle, said.member_no):
            for statement in _NOTE_GONE if reply_no is None else (_REPLY_GONE,):
                tx.run(statement, which=said.no)
            return Off.TAKEN_AWAY
        if not may_take_off(by, circle):
            raise NotAllowed(by.name)
        if said.removed_ms is not None:
            raise LookupError("it was taken off before")
        self._off(tx, said, by, reason, is_reply=reply_no is not None)
        if circle.standing_of(by.no or 0) is not Standing.KEEPER:
            self._note(tx, by, said, reason)
        return Off.TAKEN_OFF

    def take_off_in(self, tx: Tx, said: Said, by: Actor, reason: str, *, is_reply: bool) -> None:
        """Unit: an organiser takes off what was reported, also from the board of a closed group."""
        self._off(tx, said, by, reason, is_reply=is_reply)
        self._note(tx, by, said, reason)

    def _off(self, tx: Tx, said: Said, by: Actor, reason: str, *, is_reply: bool) -> None:
        statement = _REPLY_OFF if is_reply else _NOTE_OFF
        tx.run(statement, which=said.no, now=self._clock.now_ms(), by=by.no, why=reason)

    def _note(self, tx: Tx, by: Actor, said: Said, reason: str) -> None:
        note_act(tx, by, Deed.GROUP, now_ms=self._clock.now_ms(), for_no=said.member_no, why=reason)

    def _writer(self, tx: ReadTx, key: CircleKey, by: Member) -> Known:
        known = _found(tx, key)
        if people_of(tx, known).standing_of(by.no) not in INSIDE:
            raise NotAllowed(by.name)
        return known


def _found(tx: ReadTx, key: CircleKey) -> Known:
    known = circle_by_key(tx, key)
    if known is None:
        raise LookupError("no such group")
    return known


def _on_board(tx: ReadTx, known: Known, note_no: int) -> Said:
    note = note_by_no(tx, note_no)
    if note is None or note.of_no != known.no or note.removed_ms is not None:
        raise LookupError("no such note")
    return note


def _answer_below(tx: ReadTx, note: Said, reply_no: int) -> Said:
    found = reply_by_no(tx, reply_no)
    if found is None or found.of_no != note.no:
        raise LookupError("no such answer")
    return found
