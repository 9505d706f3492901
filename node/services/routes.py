"""Ways to other schemes, and which of them are near: the graph of peerings, held in memory.

Edges between others come from the peering items of all stored feeds, those of our own lines from the lines
themselves with the room they really have. Rebuilt only when peering items change; what was searched is remembered
until then. Source: docs/protocol.md 5.1, 5.6, 7.1, 7.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import structlog

from node.clock import Clock
from node.services.feed_store import items_of_kind
from node.services.line_rows import OPEN, Line, read_lines
from node.services.steady import steadily
from node.store import ReadTx, Store
from protocol import line_view as rules
from protocol.errors import ProtocolError
from protocol.feed import Item
from protocol.feed_kinds import NORMAL, PEERING, REDUCE, Peering, capacity_class, payload_of
from protocol.limits import FEED_PEERINGS_MAX, ROUTE_HOPS_MAX
from protocol.message import trusted_message
from protocol.names import LineId, SchemeId, scheme_text
from protocol.routing import Edge, Graph, graph_of, routes, within

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

MODES: Final = (NORMAL, REDUCE)
# Changes that come together are taken together.
REBUILD_AFTER_S: Final = 0.1
# Lines tell of their changes; this is only for what nobody told.
LOOK_AT_LINES_S: Final = 60.0
REMEMBERED_MAX: Final = 4_096


class OwnLine(NamedTuple):
    """One of our lines as routes see it."""

    peer: SchemeId
    line: LineId
    open: bool  # both sides have opened it: a neighbour
    usable: bool
    room: int  # the most we may lock on it now
    takes: int  # the most the peer may still come to owe us


def own_line(line: Line) -> OwnLine:
    """Return `line` as routes see it."""
    state = line.state
    return OwnLine(
        peer=line.peer,
        line=state.line,
        open=line.status == OPEN,
        usable=line.usable,
        room=line.room(),
        takes=rules.room(state.mine, rules.other(state.me)),
    )


class Routes:
    """See the head of this file. `run` must be running for changes to be taken in."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        own: SchemeId,
        connected: Callable[[SchemeId], bool] | None = None,
    ):
        self._store: Final = store
        self._clock: Final = clock
        self._own: Final = own
        self._connected: Final = connected or (lambda _scheme: True)
        self._lines: dict[SchemeId, OwnLine] = {}
        self._moved: Final[dict[SchemeId, Line]] = {}  # only their figures changed since
        self._said: tuple[tuple[SchemeId, Peering], ...] = ()
        self._graph: Graph = Graph()
        self._near: Mapping[SchemeId, int] = MappingProxyType({own: 0})
        self._claimed: frozenset[SchemeId] = frozenset()
        self._remembered: Final[dict[tuple[object, ...], list[tuple[SchemeId, ...]]]] = {}
        self._hops_to: Final[dict[SchemeId, list[SchemeId]]] = {}
        self._dirty: Final = asyncio.Event()
        self._look: Final = asyncio.Event()
        self._watchers: Final[list[Callable[[], None]]] = []

    # --- what others ask ---

    @property
    def neighbours(self) -> frozenset[SchemeId]:
        """The schemes with which a line is open."""
        return frozenset(peer for peer, line in self._lines.items() if line.open)

    def own_lines(self) -> tuple[OwnLine, ...]:
        """Return our lines, by peer."""
        self._take_moved()
        return tuple(self._lines[peer] for peer in sorted(self._lines))

    def candidates(self, goal: SchemeId, hours: int) -> list[tuple[SchemeId, ...]]:
        """Return routes to `goal`, the best first: own scheme first in each, `goal` last. Source: 7.2."""
        if goal == self._own:
            return []
        self._take_moved()
        hours = max(hours, 1)  # before a price is known any room will do
        ready = {
            line.peer: capacity_class(line.room)
            for line in self._lines.values()
            if line.usable and line.room >= hours and self._connected(line.peer)
        }
        asked = (goal, capacity_class(hours), tuple(sorted(ready.items())))
        found = self._remembered.get(asked)
        if found is None:
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            found = self._remembered[asked] = self._search(goal, hours, ready)
        return list(found)

    def _search(
        self, goal: SchemeId, hours: int, ready: Mapping[SchemeId, int]
    ) -> list[tuple[SchemeId, ...]]:
        ours = tuple(
            Edge(start=self._own, goal=peer, line=self._lines[peer].line, takes=takes, modes=frozenset(MODES))
            for peer, takes in sorted(ready.items())
        )
        graph = Graph(edges=MappingProxyType({**self._graph.edges, self._own: ours}))
        return [route.schemes for route in routes(graph, self._own, goal, hours)]

    def next_hops(self, goal: SchemeId) -> list[SchemeId]:
        """Return the neighbours from which letters reach `goal`, the nearest to it first; room does not matter."""
        found = self._hops_to.get(goal)
        if found is None:
            if len(self._hops_to) >= REMEMBERED_MAX:
                self._hops_to.clear()
            # A peering is mutual, so the way back is as long as the way there.
            away = within(self._graph, goal, ROUTE_HOPS_MAX - 1)
            near = [(away[peer], peer) for peer in self.neighbours if peer in away]
            found = self._hops_to[goal] = [peer for _, peer in sorted(near)]
        return list(found)

    def within(self, scheme: SchemeId) -> bool:
        """Tell whether `scheme` is near enough for its feed to be kept: 4 mutual peerings. Source: 5.6."""
        return scheme in self._near

    def distance(self, scheme: SchemeId) -> int | None:
        """Return how many peerings away `scheme` is, or None beyond the horizon."""
        return self._near.get(scheme)

    def is_claimed(self, scheme: SchemeId) -> bool:
        """Tell whether a scheme nearer than the horizon says that it trades with `scheme`.

        Whether that is mutual shows in the feed of `scheme`, which is fetched to find out.
        """
        return scheme in self._claimed

    def changed(self) -> None:
        """Take in, soon, that peering items have changed."""
        self._dirty.set()

    def lines_changed(self, lines: Sequence[Line] = ()) -> None:
        """Take in lines that were just written to; without any, look at all of them soon."""
        if not lines:
            self._look.set()
        for line in lines:
            before = self._lines.get(line.peer)
            if before is not None and before.line == line.state.line and before.open == (line.status == OPEN):
                self._moved[line.peer] = line  # a payment: nobody asks for the room of every one
            else:
                self._take_moved()
                self._note(own_line(line))

    def _take_moved(self) -> None:
        for line in self._moved.values():
            self._note(own_line(line))
        self._moved.clear()

    def watch(self, call: Callable[[], None]) -> None:
        """Be told whenever neighbours or the horizon may have changed."""
        self._watchers.append(call)

    # --- life ---

    async def load(self) -> None:
        """Take in everything that is stored."""
        await self._read_lines()
        await self._rebuild()

    async def run(self) -> None:
        """Keep up with what changes, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(steadily(self._keep_graph, "routes"))
            tasks.create_task(steadily(self._keep_lines, "routes"))

    async def _keep_graph(self) -> None:
        while True:
            await self._dirty.wait()
            await asyncio.sleep(REBUILD_AFTER_S)
            self._dirty.clear()
            await self._rebuild()

    async def _keep_lines(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_AT_LINES_S):
                    await self._look.wait()
            except TimeoutError:
                pass
            self._look.clear()
            await self._read_lines()

    # --- memory ---

    async def _read_lines(self) -> None:
        for line in await self._store.read(read_lines, self._own):
            self._note(own_line(line))

    def _note(self, line: OwnLine) -> None:
        before = self._lines.get(line.peer)
        if before is not None and before.open and not line.open and before.line != line.line:
            return  # a proposal that lost against the line that stands
        self._lines[line.peer] = line
        if before is None or before.open != line.open:
            self._reckon()

    async def _rebuild(self) -> None:
        said = await self._store.read(_read_peerings, self._clock.now_ms())
        if said != self._said:
            self._said = said
            self._reckon()

    def _reckon(self) -> None:
        """Reckon graph and horizon anew from what was said and from our lines."""
        others = [(author, each) for author, each in self._said if self._own not in (author, each.other)]
        self._graph = graph_of(others)
        ours = tuple(
            Edge(start=self._own, goal=line.peer, line=line.line, takes=0, modes=frozenset(MODES))
            for line in self.own_lines()
            if line.open
        )
        graph = Graph(edges=MappingProxyType({**self._graph.edges, self._own: ours}))
        self._near = MappingProxyType(within(graph, self._own, FEED_PEERINGS_MAX))
        self._claimed = frozenset(
            each.other
            for author, each in others
            if self._near.get(author, FEED_PEERINGS_MAX) < FEED_PEERINGS_MAX
        )
        self._remembered.clear()
        self._hops_to.clear()
        for call in self._watchers:
            call()


def _read_peerings(tx: ReadTx, now_ms: int) -> tuple[tuple[SchemeId, Peering], ...]:
    said = []
    for author, wire in items_of_kind(tx, PEERING, now_ms):
        try:
            payload = payload_of(trusted_message(Item, wire).body)
        except ProtocolError as error:  # signed by its author all the same: it says nothing
            log.info("peering_not_read", scheme=scheme_text(author), reason=str(error))
            continue
        if isinstance(payload, Peering):
            said.append((author, payload))
    return tuple(said)
