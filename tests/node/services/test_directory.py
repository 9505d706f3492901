"""Whose keys count: learning identity logs, first seen, keys of two schemes, strangers. Rules 1.4, 2.1–2.3."""

from __future__ import annotations

import asyncio

import pytest

from crypto.keys import SigningKey
from crypto.sealing import SealingKey
from crypto.signing import split
from node.clock import SeededChance
from node.services import directory as module
from node.services.directory import Directory
from node.simulation.virtual_loop import run
from node.store import InlineStore, Memory
from protocol.errors import Forked, NotAuthentic, OutOfOrder, ProtocolError
from protocol.identity import (
    IdentityState,
    advance,
    fold_log,
    make_delegate,
    make_inception,
    make_revoke,
    make_rotate,
)
from protocol.identity_events import Delegate, IdentityEvent, next_key_digest
from protocol.message import decode_message, sign_message
from protocol.names import SchemeId
from tests.small_town import make_keyring

NOW = 1_800_000_000_000


class TickingClock:
    def __init__(self) -> None:
        self.at = NOW

    def now_ms(self) -> int:
        self.at += 1
        return self.at


class Author:
    """A scheme that writes its own log."""

    def __init__(self, name: str, session: SigningKey | None = None):
        chance = SeededChance(name)
        self.root, self.next = SigningKey(chance.bytes(32)), SigningKey(chance.bytes(32))
        self.session = session or SigningKey(chance.bytes(32))
        self.chance = chance
        scheme, inception = make_inception(self.root, next_key_digest(self.next.public.raw), NOW)
        self.scheme: SchemeId = scheme
        self.log = [inception.wire]
        self.log.append(make_delegate(self.state, self.root, "session", self.session, NOW).wire)

    @property
    def state(self) -> IdentityState:
        return fold_log(self.log)

    def revoke(self) -> None:
        self.log.append(make_revoke(self.state, self.root, 1, NOW).wire)

    def rotation(self, digest: bytes = b"n" * 32) -> bytes:
        return make_rotate(self.state, self.next, digest, NOW).wire


def signed_by(author: Author, event: Delegate) -> bytes:
    """Return the next event of `author`, which checks nothing."""
    state = author.state
    body = IdentityEvent(scheme=author.scheme, seq=state.seq + 1, prev=state.head, time=NOW, event=event)
    return sign_message(body, author.root, 0).wire


def copied(squatter: Author, victim: Author) -> list[bytes]:
    """Return the squatter's log, and on top each signing key of the victim, with the victim's own proof."""
    events = (decode_message(IdentityEvent, split(wire)[0]).event for wire in victim.log)
    keys = [event for event in events if isinstance(event, Delegate) and event.proof]
    assert keys
    return [*squatter.log, *(signed_by(squatter, key) for key in keys)]


@pytest.fixture
async def home() -> Directory:
    return await open_directory(Memory())


async def open_directory(disk: Memory) -> Directory:
    made = Directory(
        store=InlineStore(disk), keyring=make_keyring(SeededChance("home"), NOW), clock=TickingClock()
    )
    await made.load()
    return made


async def test_a_log_is_learnt_whole_or_from_any_seq_on(home: Directory) -> None:
    """Rules 2.1, 2.2."""
    author = Author("Riverside")
    await home.learn(author.log)
    assert home.key_for(author.scheme, "session", 1) == author.session.public
    author.revoke()
    await home.learn(author.log[2:])
    assert home.key_for(author.scheme, "session", 1) is None
    assert home.log(author.scheme) == tuple(author.log)
    await home.learn(author.log)
    assert home.seq(author.scheme) == 2


async def test_what_is_stored_is_known_after_a_restart() -> None:
    disk, author = Memory(), Author("Riverside")
    first = await open_directory(disk)
    await first.learn(author.log)
    first._store.crash()  # type: ignore[attr-defined]  # the test's own store
    second = await open_directory(disk)
    assert second.log(author.scheme) == tuple(author.log)
    assert second.key_for(author.scheme, "session", 1) == author.session.public


async def test_events_that_do_not_belong_are_refused(home: Directory) -> None:
    author, other = Author("Riverside"), Author("Hilltop")
    with pytest.raises(OutOfOrder):
        await home.learn(author.log[1:])
    assert not home.knows(author.scheme)
    with pytest.raises(ProtocolError):
        await home.learn([author.log[0], other.log[1]])
    assert home.log(author.scheme) == (author.log[0],), "what came before it is kept"


async def test_a_key_of_one_scheme_is_refused_in_another(home: Directory) -> None:
    """Rule 1.4."""
    author = Author("Riverside")
    thief = Author("Thief", session=author.session)
    await home.learn(author.log)
    with pytest.raises(NotAuthentic):
        await home.learn(thief.log)
    assert not home.knows(thief.scheme)


async def test_whoever_names_anothers_keys_first_keeps_nobody_out(home: Directory) -> None:
    """Rule 1.4: a squatter copies every public key of a scheme into a log of its own and shows it first."""
    victim = Author("Riverside")
    victim.log.append(make_delegate(victim.state, victim.root, "seal", SealingKey(b"s" * 32), NOW).wire)
    squatter = Author("Squatter")
    for purpose, key in (("seal", SealingKey(b"s" * 32).public), ("of-later", victim.root.public.raw)):
        # What cannot be proved anybody may name.
        squatter.log.append(signed_by(squatter, Delegate(purpose=purpose, public_key=key, proof=b"")))
    with pytest.raises(NotAuthentic):
        await home.learn(copied(squatter, victim))
    assert home.log(squatter.scheme) == tuple(squatter.log), "what was its own is kept"

    await home.learn(victim.log)

    assert home.log(victim.scheme) == tuple(victim.log)
    assert home.key_for(victim.scheme, "session", 1) == victim.session.public
    assert home.key_for(squatter.scheme, "session", 1) == squatter.session.public


async def test_two_rotations_at_one_seq_freeze_a_scheme_for_good() -> None:
    """Rule 2.3: the first stands, nothing from there on counts, and a restart remembers it."""
    disk, author = Memory(), Author("Riverside")
    home = await open_directory(disk)
    one, other = author.rotation(b"1" * 32), author.rotation(b"2" * 32)
    await home.learn([*author.log, one])
    with pytest.raises(Forked):
        await home.learn([other])
    state = home.state(author.scheme)
    assert state is not None
    assert state.frozen
    assert home.key_for(author.scheme, "session", 1) == author.session.public, "from before the fork"
    home._store.crash()  # type: ignore[attr-defined]  # the test's own store
    again = (await open_directory(disk)).state(author.scheme)
    assert again is not None
    assert again.frozen


async def test_a_handshake_uses_what_was_shown_and_keeps_it_only_when_proved(home: Directory) -> None:
    """Rule 9.2: a claim of an unproved caller is not stored."""
    author = Author("Riverside")
    keys = await home.session_keys(author.scheme, tuple(author.log))
    assert keys(author.scheme, 1) == author.session.public
    assert keys(SchemeId(bytes(32)), 1) is None
    assert not home.knows(author.scheme)
    assert await home.admits(author.scheme)
    assert home.knows(author.scheme)
    assert not await home.admits(Author("Unknown").scheme)


def test_what_unproved_callers_show_is_looked_at_little_by_little() -> None:
    """Attack T18: a log of 128 KiB took most of a second to verify, for whoever sent it, as often as they liked."""

    async def scenario() -> None:
        home, loop = await open_directory(Memory()), asyncio.get_running_loop()
        author = Author("Eve")
        state = author.state
        for number in range(98):
            key = SigningKey(number.to_bytes(32))
            event = make_delegate(state, author.root, "session", key, NOW)
            author.log.append(event.wire)
            state = advance(state, event.wire)
        shown = tuple(author.log)
        began = loop.time()
        callers = [asyncio.ensure_future(home.session_keys(author.scheme, shown)) for _ in range(30)]
        await asyncio.gather(*callers)
        assert loop.time() - began > (30 * len(shown) - module.SHOWN_BURST) / module.SHOWN_A_SECOND * 0.9
        assert callers[-1].result()(author.scheme, len(shown) - 1) is not None

        # Whoever is known shows nothing new, and waits for nobody.
        known = Author("Riverside")
        await home.learn(known.log)
        waiting = asyncio.ensure_future(home.session_keys(author.scheme, shown))
        await asyncio.sleep(0)
        began = loop.time()
        assert (await home.session_keys(known.scheme, tuple(known.log)))(known.scheme, 1)
        assert loop.time() == began
        await waiting

    run(scenario())


async def test_a_log_with_a_stranger_event_in_it_counts_up_to_there(home: Directory) -> None:
    author, other = Author("Riverside"), Author("Hilltop")
    later = Author("Riverside")
    later.revoke()
    keys = await home.session_keys(author.scheme, (*author.log, other.log[1], later.log[2]))
    assert keys(author.scheme, 1) == author.session.public


async def test_a_log_of_somebody_else_names_no_key(home: Directory) -> None:
    author, other = Author("Riverside"), Author("Hilltop")
    keys = await home.session_keys(author.scheme, tuple(other.log))
    assert keys(author.scheme, 1) is None
    keys = await home.session_keys(author.scheme, (b"nonsense",))
    assert keys(author.scheme, 1) is None


async def test_blocked_schemes_are_not_admitted(home: Directory) -> None:
    author = Author("Riverside")
    await home.learn(author.log)
    home.block(author.scheme, True)
    assert not await home.admits(author.scheme)
    home.block(author.scheme, False)
    assert await home.admits(author.scheme)


async def test_the_stranger_seen_first_makes_room(home: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fills the disk by proving one invented scheme after another."""
    monkeypatch.setattr(module, "STRANGERS_MAX", 3)
    authors = [Author(f"S{number}") for number in range(5)]
    for author in authors:
        await home.learn(author.log)
    assert [home.knows(author.scheme) for author in authors] == [False, False, True, True, True]
    await home.learn(authors[0].log)
    assert home.knows(authors[0].scheme), "its keys were forgotten with it"


async def test_the_own_scheme_is_known_and_never_forgotten(home: Directory) -> None:
    keyring = make_keyring(SeededChance("home"), NOW)
    assert home.log(keyring.scheme) == keyring.log
    assert home.seal_key(keyring.scheme) == (keyring.seal[0], keyring.seal[1].public)
