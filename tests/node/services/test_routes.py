"""Ways over peerings that both ends have published. Rules 5.1, 5.6, 7.2."""

from __future__ import annotations

from itertools import pairwise

from node.clock import SeededChance
from node.keyring import KeyRing
from node.services.own_feed import OwnFeed
from node.services.routes import OwnLine, Routes
from node.store import InlineStore, Memory, Tx
from protocol.feed_kinds import PEERING, Peering, capacity_class, payload_bytes
from protocol.limits import DAY_MS
from protocol.names import ItemKey, LineId, SchemeId
from protocol.units import HOUR
from tests.fakes import StoppedClock
from tests.small_town import make_keyring

NOW = 1_800_000_000_000


class Graph:
    """Schemes by name, their published peerings, and the routes of `me`."""

    def __init__(self) -> None:
        self.store = InlineStore(Memory())
        self.rings: dict[str, KeyRing] = {}
        self.connected: set[SchemeId] = set()
        self.routes = Routes(
            store=self.store, clock=StoppedClock(), own=self["me"], connected=lambda s: s in self.connected
        )

    def __getitem__(self, name: str) -> SchemeId:
        if name not in self.rings:
            self.rings[name] = make_keyring(SeededChance(name), NOW)
        return self.rings[name].scheme

    async def say(self, author: str, other: str, room: int = 100 * HOUR) -> None:
        """Let `author` publish that it trades with `other`."""
        self[author], self[other]
        feed = OwnFeed(store=self.store, keyring=self.rings[author], clock=StoppedClock())
        line = LineId(bytes(a ^ b for a, b in zip(self[author], self[other], strict=True)))
        peering = Peering(
            other=self[other], line=line, takes=capacity_class(room), modes=("normal", "reduce")
        )

        def unit(tx: Tx) -> int:
            key = ItemKey(line[:16])
            return feed.put(tx, PEERING, key, payload_bytes(peering), expires=NOW + DAY_MS)

        await self.store.write(unit)

    async def both(self, *names: str, room: int = 100 * HOUR) -> None:
        for one, other in pairwise(names):
            await self.say(one, other, room)
            await self.say(other, one, room)

    async def line(
        self, peer: str, room: int = 100 * HOUR, *, is_open: bool = True, usable: bool = True
    ) -> None:
        self.routes._note(OwnLine(self[peer], LineId(self[peer]), is_open, usable, room, room))
        self.connected.add(self[peer])
        await self.routes.load()

    def ways(self, goal: str, hours: int = HOUR) -> list[str]:
        names = {ring.scheme: name for name, ring in self.rings.items()}
        return [" ".join(names[s] for s in way) for way in self.routes.candidates(self[goal], hours)]


async def test_an_edge_needs_the_word_of_both_ends() -> None:
    """Rule 5.1; and a claimed one is worth a look at the feed of the other."""
    graph = Graph()
    await graph.say("a", "b")
    await graph.line("a")
    assert graph.ways("b") == []
    assert not graph.routes.within(graph["b"])
    assert graph.routes.is_claimed(graph["b"])
    await graph.say("b", "a")
    await graph.routes.load()
    assert graph.ways("b") == ["me a b"]
    assert graph.routes.within(graph["b"])


async def test_fewest_hops_first_then_the_widest() -> None:
    """Rule 7.2."""
    graph = Graph()
    await graph.both("a", "goal", room=8 * HOUR)
    await graph.both("b", "goal", room=200 * HOUR)
    await graph.both("c", "b")
    for peer in ("a", "b", "c"):
        await graph.line(peer)
    assert graph.ways("goal") == ["me b goal", "me a goal", "me c b goal"]
    assert graph.ways("goal", 100 * HOUR) == ["me b goal", "me c b goal"], "too narrow for so much"


async def test_our_own_lines_count_by_what_they_have_now() -> None:
    graph = Graph()
    await graph.both("a", "goal")
    await graph.both("b", "c", "goal")
    await graph.line("a", room=2 * HOUR)
    await graph.line("b")
    assert graph.ways("goal", 2 * HOUR) == ["me a goal", "me b c goal"]
    assert graph.ways("goal", 2 * HOUR + 1) == ["me b c goal"]
    await graph.line("a", usable=False)
    assert graph.ways("goal") == ["me b c goal"]
    graph.connected.clear()
    assert graph.ways("goal") == []
    assert graph.routes.neighbours == {graph["a"], graph["b"]}
    assert graph.routes.within(graph["a"]), "a neighbour is near whatever the state of its line"


async def test_six_hops_and_no_further() -> None:
    graph = Graph()
    await graph.both("a", "b", "c", "d", "e", "f", "g")
    await graph.line("a")
    assert graph.ways("f") == ["me a b c d e f"]
    assert graph.ways("g") == []
    near = [name for name in "abcdefg" if graph.routes.within(graph[name])]
    assert near == ["a", "b", "c", "d"], "feeds go four peerings far"
    assert graph.routes.distance(graph["d"]) == 4


async def test_letters_find_the_nearest_neighbour_whatever_the_room() -> None:
    """Rule 7.7."""
    graph = Graph()
    await graph.both("a", "x", "goal", room=0)
    await graph.both("b", "goal", room=0)
    await graph.line("a", room=0)
    await graph.line("b", room=0)
    assert graph.routes.next_hops(graph["goal"]) == [graph["b"], graph["a"]]
    assert graph.routes.next_hops(graph["a"]) == [graph["a"], graph["b"]], "also the long way round"
    assert graph.routes.next_hops(SchemeId(bytes(32))) == []


async def test_what_others_say_of_us_counts_for_nothing() -> None:
    """Our own lines are ours to know: nobody publishes one into being."""
    graph = Graph()
    await graph.say("liar", "me")
    await graph.say("me", "liar")
    await graph.routes.load()
    graph.connected.add(graph["liar"])
    assert graph.ways("liar") == []
    assert not graph.routes.within(graph["liar"])
