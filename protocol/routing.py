"""Who trades with whom, and which ways a payment may take.

The graph is made of peering items: an edge is there only if both ends have published it. What it says of room is
coarse and may be old; the quote, which travels the route before money moves, finds out the truth (7.1). Circular
routes are for clearing, not for here. Source: docs/protocol.md 5.1, 5.6, 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from protocol.errors import InvalidValue
from protocol.feed_kinds import NORMAL, Peering, surely_too_small
from protocol.limits import (
    AMOUNT_MAX,
    FEED_PEERINGS_MAX,
    ROUTE_HOPS_MAX,
    ROUTE_SEARCH_STEPS_MAX,
    ROUTES_MAX,
)
from protocol.names import LineId, SchemeId

Hop: TypeAlias = tuple[SchemeId, SchemeId]  # payer's side, payee's side
_NOBODY: Final[AbstractSet[SchemeId]] = frozenset()
_NO_HOPS: Final[AbstractSet[Hop]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One line, in the direction in which hours would be owed: `goal` takes what `start` comes to owe."""

    start: SchemeId
    goal: SchemeId
    line: LineId
    takes: int  # the capacity class that `goal` has published
    modes: frozenset[str]  # those that both ends have published


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The mutual peerings known here: of each scheme, its edges by the scheme they lead to."""

    edges: Mapping[SchemeId, tuple[Edge, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way for a payment: every scheme from the payer's to the payee's, and the narrowest class on it."""

    schemes: tuple[SchemeId, ...]
    takes: int

    @property
    def hops(self) -> int:
        """How many lines it crosses."""
        return len(self.schemes) - 1


def graph_of(peerings: Iterable[tuple[SchemeId, Peering]]) -> Graph:
    """Return the graph of `(author, peering)` pairs: an edge each way for each line named by both its ends.

    Several lines between two schemes are all kept; a search takes the widest that will do.
    """
    said = {(author, each.other, each.line): each for author, each in peerings if author != each.other}
    edges: dict[SchemeId, list[Edge]] = {}
    for (author, other, line), mine in said.items():
        theirs = said.get((other, author, line))
        if theirs is not None:
            modes = frozenset(mine.modes) & frozenset(theirs.modes)
            edges.setdefault(author, []).append(
                Edge(start=author, goal=other, line=line, takes=theirs.takes, modes=modes)
            )
    # Sorted, so that the same items give the same routes whatever order they came in.
    ordered = {
        start: tuple(sorted(found, key=lambda edge: (edge.goal, edge.line))) for start, found in edges.items()
    }
    return Graph(edges=MappingProxyType(ordered))


def within(graph: Graph, start: SchemeId, peerings: int = FEED_PEERINGS_MAX) -> dict[SchemeId, int]:
    """Return the schemes at most so many mutual peerings from `start`, with their distance. Source: 5.6.

    Room and modes do not matter: a line that is full still joins two schemes.
    """
    distance = {start: 0}
    edge_of_known = [start]
    for steps in range(1, peerings + 1):
        found = {edge.goal for scheme in edge_of_known for edge in graph.edges.get(scheme, ())}
        edge_of_known = sorted(found - distance.keys())
        distance.update(dict.fromkeys(edge_of_known, steps))
    return distance


def routes(
    graph: Graph,
    start: SchemeId,
    goal: SchemeId,
    hours: int,
    *,
    hops_max: int = ROUTE_HOPS_MAX,
    avoid: AbstractSet[SchemeId] = _NOBODY,
    avoid_hops: AbstractSet[Hop] = _NO_HOPS,
    mode: str = NORMAL,
    routes_max: int = ROUTES_MAX,
) -> list[Route]:
    """Return candidate routes for `hours`, best first: fewest hops, then the widest, then by the ids on it.

    No scheme is on a route twice. Left out are edges whose class is surely too small, the schemes of `avoid`
    and the hops of `avoid_hops`; a payer puts there what has just refused. In a graph made to be searched for
    ever the search stops after ROUTE_SEARCH_STEPS_MAX edges, and what it found until then is right.

    Raises:
        InvalidValue: `hours` is not an amount, or start and goal are the same.
    """
    if type(hours) is not int or not 1 <= hours <= AMOUNT_MAX or start == goal:
        raise InvalidValue("a route carries an amount from one scheme to another")
    usable = _usable(graph, start, hours, avoid, avoid_hops, mode)
    hops_max = min(hops_max, ROUTE_HOPS_MAX)
    search = _Search(usable, start, goal, hops_max, ROUTE_SEARCH_STEPS_MAX)
    found: list[Route] = []
    for hops in range(1, hops_max + 1):
        for takes in search.classes:
            for schemes in search.exactly(hops, takes):
                found.append(Route(schemes=schemes, takes=takes))
                if len(found) == routes_max:
                    return found
    return found


def _usable(
    graph: Graph,
    start: SchemeId,
    hours: int,
    avoid: AbstractSet[SchemeId],
    avoid_hops: AbstractSet[Hop],
    mode: str,
) -> dict[SchemeId, dict[SchemeId, int]]:
    """Return, for each scheme within reach, where it can pay to, and the class of the widest line there."""
    usable: dict[SchemeId, dict[SchemeId, int]] = {}
    for scheme in within(graph, start, ROUTE_HOPS_MAX):
        row: dict[SchemeId, int] = {}
        for edge in graph.edges.get(scheme, ()):
            if mode in edge.modes and not surely_too_small(edge.takes, hours):
                row[edge.goal] = max(edge.takes, row.get(edge.goal, 0))
        usable[scheme] = {
            goal: takes
            for goal, takes in row.items()
            if goal != start and not {scheme, goal} & avoid and (scheme, goal) not in avoid_hops
        }
    return usable


class _Level(NamedTuple):
    """The schemes from which the goal is just so many hops away."""

    any: set[SchemeId]
    narrow: set[SchemeId]  # and over at least one edge of the narrowest class asked for


class _Search:
    """Simple paths of an exact length and an exact narrowest class, in the order of their ids.

    A step is taken only where enough edges of enough width still lead to the goal in just the hops left, so
    that dead ends come only from meeting a scheme twice.
    """

    def __init__(
        self,
        usable: Mapping[SchemeId, Mapping[SchemeId, int]],
        start: SchemeId,
        goal: SchemeId,
        hops_max: int,
        steps_max: int,
    ):
        self._usable = usable
        self._start = start
        self._goal = goal
        self._steps_left = steps_max
        self.classes = sorted({width for row in usable.values() for width in row.values()}, reverse=True)
        self._reach = {takes: self._levels(hops_max, takes) for takes in self.classes}

    def exactly(self, hops: int, takes: int) -> Iterator[tuple[SchemeId, ...]]:
        """Yield the paths of `hops` edges of class `takes` or wider, at least one of them just `takes`."""
        if self._start in self._reach[takes][hops].narrow:
            yield from self._extend((self._start,), hops, takes, False)

    def _levels(self, hops_max: int, takes: int) -> list[_Level]:
        """Return what can still reach the goal with 0, 1 … hops_max hops left, over edges of `takes` or wider."""
        levels = [_Level({self._goal}, set())]
        for _ in range(hops_max):
            after = levels[-1]
            level = _Level(set(), set())
            for scheme, row in self._usable.items():
                if scheme == self._goal:
                    continue  # a path ends at its first visit there
                for goal, width in row.items():
                    if width >= takes and goal in after.any:
                        level.any.add(scheme)
                        if width == takes or goal in after.narrow:
                            level.narrow.add(scheme)
            levels.append(level)
        return levels

    def _extend(
        self,
        path: tuple[SchemeId, ...],
        left: int,
        takes: int,
        narrow: bool,
    ) -> Iterator[tuple[SchemeId, ...]]:
        if left == 0:
            yield path
            return
        level = self._reach[takes][left - 1]
        for goal, width in self._usable[path[-1]].items():
            if width < takes or goal in path:
                continue
            now_narrow = narrow or width == takes
            if goal not in (level.any if now_narrow else level.narrow):
                continue
            if self._steps_left == 0:
                return
            self._steps_left -= 1
            yield from self._extend((*path, goal), left - 1, takes, now_narrow)
