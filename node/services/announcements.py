"""What this scheme says of itself in its feed: its profile, what an hour is, and with whom it trades.

Written whenever it differs from what the feed says, and again before it ends. A peering's class follows the room on
its line only when it changes a lot: a finer word would cost more and show single trades.
Source: docs/protocol.md 5.1, 5.8, 7.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from node.clock import Clock
from node.services.event_rows import lifts_ahead, upcoming
from node.services.events_abroad import is_shared
from node.services.feed_store import items_of_kind
from node.services.own_feed import OwnFeed
from node.services.routes import MODES, Routes
from node.services.settings import SchemeSettings
from node.services.steady import steadily
from node.store import ReadTx, Store, Tx
from protocol.event import Plan, State
from protocol.feed import Item
from protocol.feed_kinds import (
    EVENT,
    PEERING,
    PROFILE,
    RATE,
    Event,
    Payload,
    Peering,
    Profile,
    RateNotice,
    capacity_class,
    payload_bytes,
    payload_of,
)
from protocol.limits import DAY_MS, TIME_MS_MAX
from protocol.market import Place
from protocol.message import trusted_message
from protocol.names import ItemKey, SchemeId

LOOK_EVERY_S: Final = 60.0
AFTER_A_CHANGE_S: Final = 0.1
LIFE_MS: Final = 200 * DAY_MS
RENEWED_BEFORE_MS: Final = 100 * DAY_MS
# A class is a power of two: the room has halved twice, or grown fourfold, or there is none.
CLASSES_APART: Final = 2
EVENTS_MAX: Final = 200

PROFILE_KEY: Final = ItemKey(b"profile".ljust(16, b"\0"))
RATE_NOW_KEY: Final = ItemKey(b"rate-now".ljust(16, b"\0"))
RATE_NEXT_KEY: Final = ItemKey(b"rate-next".ljust(16, b"\0"))


@dataclass(frozen=True, slots=True)
class Said:
    """One item that the feed should hold, or, without a payload, should not."""

    kind: str
    key: ItemKey
    payload: Payload | None
    expires: int | None = None  # none: when what is said of a scheme does


class Announcements:
    """Keeps the feed's own items true. `run` must be running."""

    def __init__(
        self, *, store: Store, clock: Clock, own: SchemeId, own_feed: OwnFeed, routes: Routes,
        settings: Callable[[], SchemeSettings],
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._own: Final = own
        self._own_feed: Final = own_feed
        self._routes: Final = routes
        self._settings: Final = settings
        self._due: Final = asyncio.Event()
        routes.watch(self._due.set)

    def changed(self) -> None:
        """Take in, soon, that settings or lines have changed."""
        self._due.set()

    async def run(self) -> None:
        """Announce what is new, again and again, until cancelled."""
        await steadily(self._keep_announcing, "announcements")

    async def _keep_announcing(self) -> None:
        while True:
            await self.announce()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._due.wait()
                await asyncio.sleep(AFTER_A_CHANGE_S)
            except TimeoutError:
                pass
            self._due.clear()

    async def announce(self) -> None:
        """Bring the feed in line with settings and lines."""
        wanted = (*self._about_us(), *self._peerings())
        if await self._store.read(self._news, wanted):
            await self._store.write(self._write, wanted)

    def _about_us(self) -> tuple[Said, ...]:
        settings, now_ms = self._settings(), self._clock.now_ms()
        current, following = rate_notices(settings, now_ms)
        return (
            Said(PROFILE, PROFILE_KEY, profile_of(settings)),
            Said(RATE, RATE_NOW_KEY, current),
            Said(RATE, RATE_NEXT_KEY, following),
        )

    def _peerings(self) -> tuple[Said, ...]:
        return tuple(
            Said(
                PEERING,
                ItemKey(line.line[:16]),
                Peering(other=line.peer, line=line.line, takes=capacity_class(line.takes), modes=MODES),
            )
            for line in self._routes.own_lines()
            if line.open
        )

    def _events(self, tx: ReadTx, now_ms: int) -> tuple[Said, ...]:
        """Return the events that members of neighbouring schemes may come to. Source: 5.11."""
        settings = self._settings()
        shown = upcoming(tx, now_ms, me=None, most=EVENTS_MAX)[0] + lifts_ahead(tx, now_ms, 0, EVENTS_MAX)[0]
        return tuple(
            Said(EVENT, each.key, event_of(each.event.plan, settings.language), expires=each.event.plan.ends)
            for each in shown
            if is_shared(each.event.plan, settings) and each.event.state is State.PLANNED
        )

    def _news(self, tx: ReadTx, wanted: Sequence[Said]) -> list[Said]:
        """Return what the feed does not say yet, or should not say any more."""
        now_ms = self._clock.now_ms()
        wanted = (*wanted, *self._events(tx, now_ms))
        held = _held(tx, self._own, now_ms)
        news = [each for each in wanted if self._is_new(each, held.get(each.key), now_ms)]
        keys = {each.key for each in wanted}
        ended = [
            Said(item.kind, key, None)
            for key, item in held.items()
            if item.kind in (PEERING, EVENT) and key not in keys
        ]
        return news + ended

    def _is_new(self, said: Said, held: Item | None, now_ms: int) -> bool:
        if said.payload is None or held is None:
            return said.payload is not None or held is not None
        if held.expires < min(said.expires or TIME_MS_MAX, now_ms + RENEWED_BEFORE_MS):
            return True
        if isinstance(said.payload, Peering):
            return _differs(said.payload, payload_of(held))
        return held.payload != payload_bytes(said.payload)

    def _write(self, tx: Tx, wanted: Sequence[Said]) -> None:
        now_ms = self._clock.now_ms()
        for said in self._news(tx, wanted):
            if said.payload is None:
                self._own_feed.withdraw(tx, said.kind, said.key)
            else:
                expires = min(said.expires or TIME_MS_MAX, now_ms + LIFE_MS)
                self._own_feed.put(tx, said.kind, said.key, payload_bytes(said.payload), expires=expires)


def _differs(said: Peering, held: Payload | None) -> bool:
    if not isinstance(held, Peering) or (held.other, held.line, held.modes) != (
        said.other,
        said.line,
        said.modes,
    ):
        return True
    apart = abs(held.takes - said.takes)
    return apart >= CLASSES_APART or (apart > 0 and 0 in (held.takes, said.takes))


def _held(tx: ReadTx, own: SchemeId, now_ms: int) -> Mapping[ItemKey, Item]:
    items = [
        trusted_message(Item, wire).body
        for kind in (PROFILE, RATE, PEERING, EVENT)
        for _, wire in items_of_kind(tx, kind, now_ms, own)
    ]
    return {item.key: item for item in items}


def event_of(plan: Plan, language: str) -> Event:
    """Return how an event is told to others."""
    return Event(
        title=plan.title, text=plan.text, language=language, where=plan.where, place=None, starts=plan.starts,
        ends=plan.ends, what=plan.kind.value, places=plan.capacity, pays=plan.pays.value, amount=plan.amount,
        asked=plan.approval,
    )  # fmt: skip


def profile_of(settings: SchemeSettings) -> Profile:
    """Return how a scheme presents itself to others."""
    place = None
    if settings.north is not None and settings.east is not None:
        place = Place(north=settings.north, east=settings.east)
    hours = settings.unit_kind == "hours"
    return Profile(
        name=settings.name,
        about=settings.about,
        language=settings.language,
        unit=settings.unit_name or "hours",
        decimals=0 if hours else settings.decimals,
        timebank=hours,
        place=place,
    )


def rate_notices(settings: SchemeSettings, now_ms: int) -> tuple[RateNotice, RateNotice | None]:
    """Return what an hour is now, and what was announced for later. Source: 7.1."""
    end = now_ms // DAY_MS * DAY_MS + 2 * LIFE_MS - RENEWED_BEFORE_MS
    # The end moves in steps, so that the notice does not differ on every look.
    end -= end % RENEWED_BEFORE_MS
    next_ms, announced = settings.next_rate_ms, settings.next_minor_per_hour
    following = None
    if announced is not None and next_ms is not None and next_ms > now_ms:
        following = RateNotice(
            minor_per_hour=announced, valid_from=next_ms, valid_until=max(end, next_ms + LIFE_MS)
        )
    current = RateNotice(
        minor_per_hour=settings.rate_at(now_ms).minor_per_hour,
        valid_from=settings.rate_since_ms,
        valid_until=next_ms if following is not None and next_ms is not None else end,
    )
    return current, following
