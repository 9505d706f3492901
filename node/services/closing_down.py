"""A scheme closes: announced by two organisers, taken back by one until the day; from then on nothing new, and lines end.

The end of its identity is another step, under the root key (`node/cli/ending.py`). Source: docs/protocol.md 2.4; docs/moving.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from node.clock import Clock
from node.services.acts import OPERATOR, Actor, Deed, note_act
from node.services.closing_telling import ClosingTelling
from node.services.fee_rows import members_owing
from node.services.joint_kinds import CannotAct, Why
from node.services.line_rows import ASKED, CLOSED, OFFERED, OPEN, REPLACED, STOPPED, Line, read_lines
from node.services.line_units import LineRefused
from node.services.market import Market
from node.services.neighbours import Neighbours
from node.services.own_listings import listings_of
from node.services.settings import SchemeSettings, Settings, read_settings
from node.store import ReadTx, Store, Tx
from node.store.schema import people as schema
from protocol.limits import (
    CLOSED_READABLE_DAYS_MAX,
    CLOSED_READABLE_DAYS_MIN,
    CLOSING_AHEAD_DAYS_MAX,
    CLOSING_NOTICE_DAYS,
    DAY_MS,
)
from protocol.listing import Actor as ListingActor
from protocol.listing import Withdrew
from protocol.names import SchemeId

_TIME_BYTES: Final = 8
REMIND_DAYS: Final = 7  # before the last day on which something is recorded, and …
FETCH_DAYS: Final = 14  # … before the last on which members can fetch what is theirs
_NUMBERS: Final = select(schema.member.c.no).order_by(schema.member.c.no)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When a scheme closes, until when its members can fetch what is theirs, and why."""

    at_ms: int
    until_ms: int
    why: str

    def packed(self) -> bytes:
        """Return what beside `at_ms` stands in what was asked for."""
        return self.until_ms.to_bytes(_TIME_BYTES, "big") + self.why.encode()


def unpack(about: bytes, amount: int) -> Plan:
    """Return the plan that was asked for."""
    until_ms = int.from_bytes(about[:_TIME_BYTES], "big")
    return Plan(at_ms=amount, until_ms=until_ms, why=about[_TIME_BYTES:].decode())


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOver:
    """A line that hinders the end of a scheme."""

    peer: SchemeId
    open_locks: int  # trades under way, in either direction
    owed: int  # by us; below zero by them, what was written off left out; 3 600 000ths of an hour
    closed: bool  # on both sides


def left_over(tx: ReadTx, own: SchemeId) -> list[LeftOver]:
    """Return the lines on which something is under way, owed, or not closed. A part of a page's read."""
    found = []
    for line in read_lines(tx, own):
        if line.status == REPLACED:
            continue
        owed = line.state.owed
        each = LeftOver(
            peer=line.peer, open_locks=open_locks(line), owed=owed if owed > 0 else min(0, owed + line.written_off),
            closed=line.status == CLOSED,
        )  # fmt: skip
        if each.open_locks or each.owed or not each.closed:
            found.append(each)
    return found


def open_locks(line: Line) -> int:
    """Return how many trades are under way over a line."""
    return len(line.state.mine.locks())


def _offering(tx: ReadTx) -> list[int]:
    """Return the numbers of members who have listings."""
    return [no for (no,) in tx.all(_NUMBERS) if listings_of(tx, no)]


def reminders_due(settings: SchemeSettings, now_ms: int) -> int:
    """Return which reminder is due: 1 in the week before the close, 2 in the two weeks before all is gone, else 0.

    A reminder whose time passed while the node was off is not made up for.
    """
    if settings.closing_ms is None or settings.closing_until_ms is None:
        return 0
    if settings.closing_ms - REMIND_DAYS * DAY_MS <= now_ms < settings.closing_ms:
        return 1
    return 2 if settings.closing_until_ms - FETCH_DAYS * DAY_MS <= now_ms < settings.closing_until_ms else 0


class ClosingDown:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, settings: Settings, market: Market, neighbours: Neighbours, own: SchemeId,
        telling: ClosingTelling,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._settings: Final = settings
        self._market: Final = market
        self._neighbours: Final = neighbours
        self._own: Final = own
        self._telling: Final = telling

    def check_in(self, tx: ReadTx, plan: Plan) -> None:
        """Raise CannotAct unless the scheme can be closed so: LATE, too soon for members; CHANGED, it closes already, or the days do not fit."""
        settings, ahead = read_settings(tx), plan.at_ms - self._clock.now_ms()
        readable = plan.until_ms - plan.at_ms
        if settings is None or settings.closing_ms is not None or not plan.why.strip():
            raise CannotAct(Why.CHANGED)
        if ahead < CLOSING_NOTICE_DAYS * DAY_MS:
            raise CannotAct(Why.LATE)
        if ahead > CLOSING_AHEAD_DAYS_MAX * DAY_MS:
            raise CannotAct(Why.CHANGED)
        if not CLOSED_READABLE_DAYS_MIN * DAY_MS <= readable <= CLOSED_READABLE_DAYS_MAX * DAY_MS:
            raise CannotAct(Why.CHANGED)

    def announce_in(self, tx: Tx, plan: Plan) -> None:
        """Unit: close the scheme at that moment, and tell every member."""
        settings = self._settings.close_in(tx, plan.at_ms, plan.until_ms, plan.why)
        for member in members_owing(tx, self._clock.now_ms() + DAY_MS):
            self._telling.closes(tx, member, settings)

    async def take_back(self, by: Actor) -> None:
        """Let the scheme go on. Raises CannotAct: it does not close, or has closed. NotAllowed."""
        by.must_organise()
        await self._store.write(self._take_back, by)

    def _take_back(self, tx: Tx, by: Actor) -> None:
        settings, now_ms = read_settings(tx), self._clock.now_ms()
        if settings is None or settings.closing_ms is None or settings.is_closed(now_ms):
            raise CannotAct(Why.CHANGED)
        after = self._settings.close_in(tx, None, None, "")
        note_act(tx, by, Deed.SETTINGS, now_ms=now_ms, detail="closing: taken back")
        for member in members_owing(tx, now_ms + DAY_MS):
            self._telling.goes_on(tx, member, after)

    async def look(self) -> None:
        """Remind members in time. Once the day has come: withdraw what was offered, and end each line that may be written to; done again until all are."""
        due = reminders_due(self._settings.now, self._clock.now_ms())
        if due > self._settings.now.closing_reminded:
            await self._store.write(self._remind, due)
        if not self._settings.now.is_closed(self._clock.now_ms()):
            return
        for no in await self._store.read(_offering):
            await self._store.write(self._withdraw, no)
        ending: dict[str, Callable[[Actor, SchemeId], Awaitable[None]]] = {
            ASKED: self._neighbours.decline, OFFERED: self._neighbours.take_back,
            OPEN: self._neighbours.close, STOPPED: self._neighbours.close,
        }  # fmt: skip
        for line in await self._store.read(read_lines, self._own):
            end = ending.get(line.status)
            if end is None:
                continue
            try:
                await end(OPERATOR, line.peer)
            except LineRefused:
                continue  # it changed in between: the next look finds it

    def _remind(self, tx: Tx, due: int) -> None:
        settings = self._settings.reminded_in(tx, due)
        if settings is None:
            return
        for member in members_owing(tx, self._clock.now_ms() + DAY_MS):
            self._telling.reminds(tx, member, settings)

    def _withdraw(self, tx: Tx, no: int) -> None:
        for owned in listings_of(tx, no):
            self._market.act_in(tx, owned.listing.key, Withdrew(), ListingActor.OWNER)
