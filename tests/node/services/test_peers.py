"""Other nodes by their addresses: what they show is verified, what is stored can be dialled. Source: docs/protocol.md 9.1, 9.4."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from crypto.canonical import encode
from crypto.signing import split
from node.clock import SeededChance
from node.federation.caller import CallFailed, Place
from node.federation.channel import Channel
from node.federation.links import Links
from node.keyfiles import draw_keys
from node.keyring import KeyRing
from node.own_descriptor import OwnDescriptor
from node.services.directory import Directory
from node.services.peers import HINTS_MAX, NoPeer, Peers, PeerState, PeerUnusable
from node.services.settings import SchemeSettings
from node.store import InlineStore, Memory
from protocol.descriptor import open_descriptor
from protocol.names import SchemeId
from tests.builders import NOW
from tests.fakes import StoppedClock

OWN, HILLTOP, RIVERSIDE = (
    draw_keys(SeededChance(name), NOW).keys.keyring for name in ("oakvale", "hilltop", "riverside")
)
ADDRESS = "https://hilltop.example"


@dataclass
class Shown:
    """What a node at an address answers."""

    descriptor: bytes
    identity_log: tuple[bytes, ...]


@dataclass
class Net:
    """A network of nodes that answer as a test says; `dialled` holds every place that was called."""

    nodes: dict[str, Shown] = field(default_factory=dict)
    dialled: list[Place] = field(default_factory=list)
    events_at_once: int = 3

    async def dial(self, place: Place) -> Channel:
        self.dialled.append(place)
        if place.address not in self.nodes:
            raise CallFailed(f"{place.address}: nobody")
        return SimpleNamespace(address=place.address)  # type: ignore[return-value]  # only handed on

    async def descriptor(self, place: Place) -> bytes:
        return self._at(place).descriptor

    async def identity_log(self, place: Place, scheme: SchemeId, *, after: int = -1) -> tuple[bytes, ...]:
        return self._at(place).identity_log[after + 1 : after + 1 + self.events_at_once]

    def _at(self, place: Place) -> Shown:
        if place.address not in self.nodes:
            raise CallFailed(f"{place.address}: nobody")
        return self.nodes[place.address]


@dataclass
class Wanted:
    """As much of Links as peers touch."""

    wanted: set[SchemeId] = field(default_factory=set)
    live: dict[SchemeId, object] = field(default_factory=dict)
    on_up: Any = None

    def watch(self, *, on_up: Any, on_down: Any) -> None:
        self.on_up = on_up

    def want(self, scheme: SchemeId) -> None:
        self.wanted.add(scheme)

    def forget(self, scheme: SchemeId) -> None:
        self.wanted.discard(scheme)


def shown(
    ring: KeyRing, name: str = "Hilltop", addresses: tuple[str, ...] = (ADDRESS,), at: int = NOW
) -> Shown:
    settings = SchemeSettings(name=name)
    return Shown(OwnDescriptor(ring, StoppedClock(at), lambda: settings, addresses)(), ring.log)


class Rig:
    def __init__(self, *, allow_lan: bool = False) -> None:
        self.clock, self.net, self.links, self.disk = (
            StoppedClock(),
            Net({ADDRESS: shown(HILLTOP)}),
            Wanted(),
            Memory(),
        )
        self.boot(allow_lan)

    def boot(self, allow_lan: bool = False) -> None:
        self.store = InlineStore(self.disk)
        self.directory = Directory(store=self.store, keyring=OWN, clock=self.clock)
        links: Links = self.links  # type: ignore[assignment]  # as much of it as is used
        self.peers = Peers(
            store=self.store, clock=self.clock, links=links, directory=self.directory, network=self.net,
            own=OWN.scheme, allow_lan=allow_lan,
        )  # fmt: skip


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    await made.directory.load()
    yield made
    await made.store.close()


# --- Introducing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", [ADDRESS, "hilltop.example", " https://Hilltop.example/ "])
async def test_a_node_is_introduced_by_its_address(rig: Rig, typed: str) -> None:
    peer = await rig.peers.add(typed)

    assert (peer.scheme, peer.name, peer.address) == (HILLTOP.scheme, "Hilltop", ADDRESS)
    assert rig.directory.log(HILLTOP.scheme) == HILLTOP.log
    assert rig.links.wanted == {HILLTOP.scheme}


async def test_looking_stores_nothing(rig: Rig) -> None:
    look = await rig.peers.look(ADDRESS)

    assert look.scheme == HILLTOP.scheme
    assert await rig.peers.peers() == []
    assert not rig.directory.knows(HILLTOP.scheme)


@pytest.mark.parametrize("there, said", [
    (None, NoPeer.NOBODY_ANSWERS),
    (Shown(b"", ()), NoPeer.NOT_IN_ORDER),
    (Shown(shown(HILLTOP).descriptor, ()), NoPeer.NOT_IN_ORDER),
    (Shown(shown(HILLTOP).descriptor, RIVERSIDE.log), NoPeer.OTHER_IDENTITY),
    (Shown(shown(HILLTOP).descriptor, HILLTOP.log[:1]), NoPeer.NOT_IN_ORDER),
    (Shown(shown(HILLTOP).descriptor, (*HILLTOP.log, b"\x00")), NoPeer.NOT_IN_ORDER),
    (shown(HILLTOP, at=NOW - 100 * 86_400_000), NoPeer.OUT_OF_DATE),
    (shown(OWN), NoPeer.OURSELVES),
])  # fmt: skip
async def test_what_is_not_in_order_is_told_and_not_stored(
    rig: Rig, there: Shown | None, said: NoPeer
) -> None:
    rig.net.nodes = {} if there is None else {ADDRESS: there}

    with pytest.raises(PeerUnusable) as told:
        await rig.peers.add(ADDRESS)
    assert told.value.why is said
    assert await rig.peers.peers() == []
    assert rig.links.wanted == set()


async def test_a_forged_signature_is_refused(rig: Rig) -> None:
    body, key_seq, _ = split(shown(HILLTOP).descriptor)
    rig.net.nodes[ADDRESS] = Shown(encode((body, key_seq, bytes(64))), HILLTOP.log)

    with pytest.raises(PeerUnusable) as told:
        await rig.peers.add(ADDRESS)
    assert told.value.why is NoPeer.NOT_IN_ORDER


@pytest.mark.parametrize(
    "typed", ["", "https://", "ftp://x.example", "https://x.example/path", "https://a b", "x" * 300]
)
async def test_what_is_no_address_is_told(rig: Rig, typed: str) -> None:
    with pytest.raises(PeerUnusable) as told:
        await rig.peers.add(typed)
    assert told.value.why is NoPeer.NO_ADDRESS
    assert rig.net.dialled == []


async def test_the_own_network_must_be_switched_on(rig: Rig) -> None:
    with pytest.raises(PeerUnusable) as told:
        await rig.peers.add("http://192.168.1.7:8480", lan=True)
    assert told.value.why is NoPeer.OWN_NETWORK


# --- Calling -----------------------------------------------------------------------------------------------------


async def test_a_peer_is_called_where_the_admin_said_and_then_where_it_says(rig: Rig) -> None:
    rig.net.nodes[ADDRESS] = shown(HILLTOP, addresses=(ADDRESS, "https://new.example"))
    await rig.peers.add(ADDRESS)
    del rig.net.nodes[ADDRESS]
    rig.net.nodes["https://new.example"] = shown(HILLTOP)

    channel = await rig.peers.dial(HILLTOP.scheme)

    assert channel.address == "https://new.example"
    assert [(place.address, place.lan) for place in rig.net.dialled] == [
        (ADDRESS, False), ("https://new.example", False),
    ]  # fmt: skip


async def test_nobody_answers_and_nobody_is_known(rig: Rig) -> None:
    await rig.peers.add(ADDRESS)
    rig.net.nodes.clear()

    for scheme in (HILLTOP.scheme, RIVERSIDE.scheme):
        with pytest.raises(CallFailed):
            await rig.peers.dial(scheme)


async def test_peers_are_wanted_again_after_a_restart_unless_blocked(rig: Rig) -> None:
    await rig.peers.add(ADDRESS)
    rig.net.nodes["https://riverside.example"] = shown(RIVERSIDE, "Riverside", ("https://riverside.example",))
    await rig.peers.add("https://riverside.example")
    await rig.peers.set_state(RIVERSIDE.scheme, PeerState.BLOCKED)
    assert not await rig.directory.admits(RIVERSIDE.scheme)

    await rig.store.close()
    rig.links.wanted.clear()
    rig.boot()
    await rig.directory.load()
    await rig.peers.load()

    assert rig.links.wanted == {HILLTOP.scheme}
    assert not await rig.directory.admits(RIVERSIDE.scheme)
    assert await rig.directory.admits(HILLTOP.scheme)


async def test_a_forgotten_peer_is_called_no_more(rig: Rig) -> None:
    await rig.peers.add(ADDRESS)

    await rig.peers.forget(HILLTOP.scheme)

    assert rig.links.wanted == set()
    assert await rig.peers.peers() == []


async def test_when_a_peer_was_heard_is_noted(rig: Rig) -> None:
    await rig.peers.add(ADDRESS)
    rig.clock.now += 5

    rig.links.on_up(HILLTOP.scheme, None)
    rig.links.on_up(RIVERSIDE.scheme, None)  # in session, and introduced by nobody
    for _ in range(20):  # turns of the loop, in which the unit is written
        await asyncio.sleep(0)

    assert [peer.heard_ms for peer in await rig.peers.peers()] == [NOW + 5]


async def test_a_newer_descriptor_takes_the_place_of_the_older(rig: Rig) -> None:
    await rig.peers.add(ADDRESS)
    rig.links.live[HILLTOP.scheme] = object()

    rig.net.nodes[ADDRESS] = shown(HILLTOP, "Hilltop Ring", at=NOW + 1)
    await rig.peers.refresh()
    assert [peer.name for peer in await rig.peers.peers()] == ["Hilltop Ring"]

    rig.net.nodes[ADDRESS] = shown(HILLTOP, "Hilltop", at=NOW)
    await rig.peers.refresh()
    assert [peer.name for peer in await rig.peers.peers()] == ["Hilltop Ring"]


NEW, OTHER = "https://hilltop.new", "https://hilltop.other"


async def test_a_peer_that_moved_is_called_where_it_says_now(rig: Rig) -> None:
    """Rule 9.1: it showed a newer descriptor in session, without the address it was called at."""
    await rig.peers.add(ADDRESS)
    state = rig.directory.state(HILLTOP.scheme)
    assert state is not None

    async def shows(addresses: tuple[str, ...], at: int) -> str:
        fresh = open_descriptor(shown(HILLTOP, addresses=addresses, at=at).descriptor, state)
        await rig.peers.described(HILLTOP.scheme, fresh)
        (peer,) = await rig.peers.peers()
        return peer.address

    assert await shows((OTHER, ADDRESS), NOW + 1) == ADDRESS, "it is still there"
    assert await shows((), NOW + 2) == ADDRESS, "it says nothing of where it is"
    assert await shows((ADDRESS,), NOW + 3) == ADDRESS
    assert await shows((NEW, OTHER), NOW + 4) == NEW
    assert await shows((ADDRESS,), NOW + 3) == NEW, "an old copy says where it was"

    rig.net.nodes = {NEW: shown(HILLTOP, addresses=(NEW,))}
    assert (await rig.peers.dial(HILLTOP.scheme)).address == NEW  # type: ignore[attr-defined]


async def test_an_address_that_only_an_admin_knows_stays(rig: Rig) -> None:
    """Rule 9.1: where the peer never named it, as in a local network, its leaving it out says nothing."""
    rig.net.nodes[OTHER] = shown(HILLTOP)
    await rig.peers.add(OTHER)
    state = rig.directory.state(HILLTOP.scheme)
    assert state is not None
    fresh = open_descriptor(shown(HILLTOP, addresses=(NEW,), at=NOW + 1).descriptor, state)
    await rig.peers.described(HILLTOP.scheme, fresh)
    assert [peer.address for peer in await rig.peers.peers()] == [OTHER]


async def test_whoever_is_no_peer_is_not_kept(rig: Rig) -> None:
    await rig.directory.learn(RIVERSIDE.log)
    state = rig.directory.state(RIVERSIDE.scheme)
    assert state is not None
    await rig.peers.described(RIVERSIDE.scheme, open_descriptor(shown(RIVERSIDE).descriptor, state))
    assert await rig.peers.peers() == []


# --- Noticing ----------------------------------------------------------------------------------------------------


async def test_hints_count_only_where_the_own_network_is_allowed(rig: Rig) -> None:
    place = Place(address="http://192.168.1.7:8480", lan=True)
    rig.peers.hint(HILLTOP.scheme, place)
    assert rig.peers.hints() == []

    lan = Rig(allow_lan=True)
    await lan.directory.load()
    lan.peers.hint(OWN.scheme, place)
    lan.peers.hint(HILLTOP.scheme, place)
    assert lan.peers.hints() == [(HILLTOP.scheme, place)]
    lan.net.nodes[place.address] = shown(HILLTOP)
    assert (await lan.peers.dial(HILLTOP.scheme)).address == place.address


async def test_a_flood_of_hints_costs_little() -> None:
    rig = Rig(allow_lan=True)
    for number in range(3 * HINTS_MAX):
        rig.peers.hint(
            SchemeId(number.to_bytes(32, "big")), Place(address="http://192.168.1.7:8480", lan=True)
        )

    assert len(rig.peers.hints()) == HINTS_MAX
