"""What a scheme in session says of itself is believed only if it signed it, now. Source: docs/protocol.md 9.1, 2.2."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from crypto.canonical import Value
from crypto.signing import Signed
from node.clock import SeededChance
from node.federation.dispatch import Dispatch, NoAnswer
from node.keyfiles import draw_keys
from node.keyring import KeyRing
from node.own_descriptor import OwnDescriptor
from node.services import introductions
from node.services.directory import Directory
from node.services.introductions import Introductions
from node.services.settings import SchemeSettings
from node.store import InlineStore, Memory
from protocol.descriptor import Descriptor
from protocol.frame import Frame, FrameType
from protocol.names import SchemeId
from tests.builders import NOW
from tests.fakes import StoppedClock

OWN, HILLTOP, RIVERSIDE = (
    draw_keys(SeededChance(name), NOW).keys.keyring for name in ("oakvale", "hilltop", "riverside")
)


def descriptor(ring: KeyRing, name: str, at: int = NOW) -> bytes:
    return OwnDescriptor(ring, StoppedClock(at), lambda: SchemeSettings(name=name), ())()


class Session:
    """A session with `peer`, which answers as a test says."""

    def __init__(self, peer: SchemeId, says: Value | Exception):
        self.peer, self.says = peer, says
        self.answered: list[Value] = []

    async def request(self, kind: FrameType, payload: Value) -> Frame:
        assert (kind, payload) == (FrameType.DESCRIPTOR_ASK, ())
        if isinstance(self.says, Exception):
            raise self.says
        return Frame(type=FrameType.DESCRIPTOR, request_id=1, payload=self.says)

    async def answer(self, _question: Frame, payload: Value) -> None:
        self.answered.append(payload)


class Rig:
    def __init__(self) -> None:
        self.store = InlineStore(Memory())
        self.directory = Directory(store=self.store, keyring=OWN, clock=StoppedClock())
        self.dispatch = Dispatch()
        self.on_up: Any = None
        self.told: list[tuple[SchemeId, str]] = []
        links: Any = SimpleNamespace(watch=lambda on_up: setattr(self, "on_up", on_up))
        self.introductions = Introductions(
            links=links, dispatch=self.dispatch, directory=self.directory, clock=StoppedClock(),
            own=lambda: descriptor(OWN, "Oakvale"), described=self.described,
        )  # fmt: skip

    async def described(self, peer: SchemeId, shown: Signed[Descriptor]) -> None:
        self.told.append((peer, shown.body.name))

    async def meets(self, peer: SchemeId, says: Value | Exception) -> str | None:
        """Let a peer come into session; return the name it is known by afterwards."""
        self.on_up(peer, Session(peer, says))
        for _ in range(5):
            await asyncio.sleep(0)
        met = self.introductions.met(peer)
        return None if met is None else met.name


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    await made.directory.load()
    await made.directory.learn(HILLTOP.log)
    yield made
    await made.store.close()


async def test_whoever_comes_is_asked_and_known_by_its_name(rig: Rig) -> None:
    assert await rig.meets(HILLTOP.scheme, descriptor(HILLTOP, "Hilltop")) == "Hilltop"
    assert await rig.meets(HILLTOP.scheme, descriptor(HILLTOP, "Hilltop Timebank")) == "Hilltop Timebank"
    assert rig.told == [(HILLTOP.scheme, "Hilltop"), (HILLTOP.scheme, "Hilltop Timebank")]


@pytest.mark.parametrize(
    "says",
    [
        descriptor(RIVERSIDE, "Riverside"),  # another scheme's
        descriptor(HILLTOP, "Hilltop", NOW - 400 * 86_400_000),  # out of date
        descriptor(HILLTOP, "Hilltop", NOW + 86_400_000),  # from the future
        descriptor(HILLTOP, "Hilltop")[:-1] + b"\0",  # forged
        b"",
        b"\xff" * 100,
        (),
        "Hilltop",
        NoAnswer("none"),
    ],
)
async def test_what_is_not_its_own_word_is_not_believed(rig: Rig, says: Value | Exception) -> None:
    assert await rig.meets(HILLTOP.scheme, says) is None
    assert await rig.meets(HILLTOP.scheme, descriptor(HILLTOP, "Hilltop")) == "Hilltop"
    assert await rig.meets(HILLTOP.scheme, says) == "Hilltop"
    assert rig.told == [(HILLTOP.scheme, "Hilltop")]


async def test_a_scheme_without_a_known_identity_has_no_name(rig: Rig) -> None:
    assert await rig.meets(RIVERSIDE.scheme, descriptor(RIVERSIDE, "Riverside")) is None


async def test_whoever_asks_gets_our_own(rig: Rig) -> None:
    handler = rig.dispatch.handler_of(FrameType.DESCRIPTOR_ASK)
    assert handler is rig.introductions
    session: Any = Session(HILLTOP.scheme, ())
    await handler.on_frame(session, Frame(type=FrameType.DESCRIPTOR_ASK, request_id=1, payload=()))
    assert session.answered == [descriptor(OWN, "Oakvale")]


async def test_only_so_many_are_remembered(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introductions, "MET_MAX", 1)
    await rig.directory.learn(RIVERSIDE.log)
    await rig.meets(HILLTOP.scheme, descriptor(HILLTOP, "Hilltop"))
    assert await rig.meets(RIVERSIDE.scheme, descriptor(RIVERSIDE, "Riverside")) == "Riverside"
    assert rig.introductions.met(HILLTOP.scheme) is None
