"""What members without e-mail are to be told by letter, by telephone or at the market: the letters list of the desk.

Notes are written in the unit of what they tell of, in the words of a mail. Source: docs/pages.md 0.9, 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select

from node.clock import Clock
from node.services.acts import Actor, Deed, Work, note_act
from node.services.members import MEMBER_COLUMNS, Member, member_of_row
from node.store import ReadTx, Store, Tx
from node.store.schema import desk as schema
from node.store.schema import people as people_schema

LISTED_MAX: Final = 100  # members on one list

_N: Final = schema.paper_note.c
_M: Final = people_schema.member.c
_NEW: Final = insert(schema.paper_note)
_MEMBERS: Final = (
    select(*MEMBER_COLUMNS)
    .where(_M.no.in_(select(_N.member_no)))
    .order_by(_M.folded, _M.no)
    .limit(bindparam("most"))
)
_COUNT: Final = select(func.count(_N.member_no.distinct()))
_WAITING: Final = (
    select(_N.no, _N.at_ms, _N.text).where(_N.member_no == bindparam("member_no")).order_by(_N.no)
)
_TOLD: Final = delete(schema.paper_note).where(_N.member_no == bindparam("whose"), _N.no <= bindparam("last"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing to tell."""

    no: int
    at_ms: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTell:
    """A member with what waits for them, oldest first."""

    member: Member
    notes: tuple[Note, ...]


def put_note(
    tx: Tx, member_no: int, text: str, *, now_ms: int, by_no: int | None, trade_no: int | None = None
) -> None:  # fmt: skip
    """Note what a member is to be told of an act of `by_no`; a part of the unit of what it tells of."""
    tx.run(_NEW, member_no=member_no, at_ms=now_ms, text=text, by_no=by_no, trade_no=trade_no)


def to_tell(tx: ReadTx, most: int = LISTED_MAX) -> list[ToTell]:
    """Return the members for whom something waits, by name."""
    found = [member_of_row(row) for row in tx.all(_MEMBERS, most=most)]
    return [ToTell(member=member, notes=_waiting(tx, member.no)) for member in found]


def _waiting(tx: ReadTx, member_no: int) -> tuple[Note, ...]:
    return tuple(
        Note(no=no, at_ms=at_ms, text=text) for no, at_ms, text in tx.all(_WAITING, member_no=member_no)
    )


def count_to_tell(tx: ReadTx) -> int:
    """Return for how many members something waits."""
    return int(tx.scalar(_COUNT))


class PaperNotes:
    """Takes what was told off the list."""

    def __init__(self, store: Store, clock: Clock):
        self._store: Final = store
        self._clock: Final = clock

    async def told(self, by: Actor, member_no: int, last: int) -> None:
        """Note that a member was told everything up to the note `last`: what came since stays on the list."""
        by.must_do(Work.PEOPLE)
        await self._store.write(self._told, by, member_no, last)

    def _told(self, tx: Tx, by: Actor, member_no: int, last: int) -> None:
        told = tx.run(_TOLD, whose=member_no, last=last)
        if told:
            note_act(tx, by, Deed.TOLD, now_ms=self._clock.now_ms(), for_no=member_no, detail=str(told))
