"""Carries the handshake of `protocol/session.py` over a channel, for either side. Source: docs/protocol.md 9.2."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from crypto.keys import SigningKey
from node.clock import Chance, Clock
from node.federation.channel import Channel, ChannelClosed
from protocol import session
from protocol.errors import MalformedMessage, NotAuthentic
from protocol.frame import CloseCode, Frame, decode_frame, encode_frame
from protocol.limits import HANDSHAKE_TIMEOUT_MS
from protocol.message import sign_message
from protocol.names import KeySeq, SchemeId


class Credentials(Protocol):
    """Who this node is, and how it proves it. Asked anew for each session, since keys and certificates change."""

    @property
    def scheme(self) -> SchemeId:
        """The scheme this node serves."""

    def session_key(self) -> tuple[SigningKey, KeySeq]:
        """Return the session key in use, and the identity seq that delegated it."""

    def identity_log(self) -> tuple[bytes, ...]:
        """Return the signed identity events, oldest first, in their wire form."""

    def tls_own(self) -> frozenset[bytes]:
        """Return SHA-256 of each certificate a dialler may be shown at this node's pinned addresses."""


class Directory(Protocol):
    """What this node knows about other schemes."""

    async def session_keys(self, scheme: SchemeId, identity_log: tuple[bytes, ...]) -> session.SessionKeyOf:
        """Return how to find `scheme`'s session keys, from what is stored and from the events it sent.

        The events are its own claim: what was seen first wins (2.3), and bad ones name no key.
        """

    async def admits(self, scheme: SchemeId) -> bool:
        """Tell whether this node keeps sessions with `scheme`, which has proved itself."""


class HandshakeFailed(Exception):
    """No session came of it. `code` says why, `by_peer` who ended it."""

    def __init__(self, code: int, *, by_peer: bool):
        super().__init__(f"handshake failed with {code}")
        self.code = code
        self.by_peer = by_peer


@dataclass(frozen=True, slots=True)
class Shaken:
    """A handshake that succeeded, and the identity events the peer sent along."""

    terms: session.Terms
    identity_log: tuple[bytes, ...]


class Handshaker:
    """Runs handshakes for one node in one boot, and numbers its sessions."""

    def __init__(self, credentials: Credentials, directory: Directory, clock: Clock, chance: Chance):
        self._credentials = credentials
        self._directory = directory
        self._clock = clock
        self._chance = chance
        self.boot = chance.bytes(session.BOOT_BYTES)
        self._session_no = 0

    async def dial(self, channel: Channel, peer: SchemeId) -> Shaken:
        """Prove this node to `peer`, and have it prove itself. Raises HandshakeFailed, the channel closed."""
        handshake, effects = session.dial(
            self._party(),
            peer=peer,
            nonce=self._chance.bytes(session.NONCE_BYTES),
            tls_seen=channel.tls_seen,
            now_ms=self._clock.now_ms(),
        )
        return await self._run(channel, handshake, effects)

    async def listen(self, channel: Channel) -> Shaken:
        """Let whoever dialled prove who it is. Raises HandshakeFailed, the channel closed."""
        handshake = session.listen(self._party(), nonce=self._chance.bytes(session.NONCE_BYTES))
        return await self._run(channel, handshake, ())

    def _party(self) -> session.Party:
        self._session_no += 1
        return session.Party(
            scheme=self._credentials.scheme,
            boot=self.boot,
            session_no=self._session_no,
            tls_own=self._credentials.tls_own(),
        )

    async def _run(
        self, channel: Channel, handshake: session.Handshake, effects: tuple[session.Effect, ...]
    ) -> Shaken:
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_MS / 1000):
                return await self._exchange(channel, handshake, effects)
        except TimeoutError:
            await channel.close(CloseCode.LAPSED)
            raise HandshakeFailed(CloseCode.LAPSED, by_peer=False) from None
        except ChannelClosed as closed:
            raise HandshakeFailed(closed.code, by_peer=closed.by_peer) from None

    async def _exchange(
        self, channel: Channel, handshake: session.Handshake, effects: tuple[session.Effect, ...]
    ) -> Shaken:
        identity_log: tuple[bytes, ...] = ()
        while True:
            terms = await self._perform(channel, effects)
            if terms is not None:
                if not await self._directory.admits(terms.peer):
                    await channel.close(CloseCode.NOT_ADMITTED)
                    raise HandshakeFailed(CloseCode.NOT_ADMITTED, by_peer=False)
                return Shaken(terms, identity_log)
            event, events = await self._event(handshake, await channel.receive())
            identity_log = events or identity_log
            handshake, effects = session.step(handshake, event)

    async def _perform(self, channel: Channel, effects: tuple[session.Effect, ...]) -> session.Terms | None:
        terms = None
        for effect in effects:
            match effect:
                case session.SendGreeting():
                    await channel.send(encode_frame(session.greeting_frame(effect.greeting)))
                case session.SendHello():
                    key, key_seq = self._credentials.session_key()
                    hello = sign_message(effect.hello, key, key_seq)
                    frame = session.hello_frame(hello, self._credentials.identity_log())
                    await channel.send(encode_frame(frame))
                case session.Opened():
                    terms = effect.terms
                case session.Close():
                    await channel.close(effect.code)
                    raise HandshakeFailed(effect.code, by_peer=False)
        return terms

    async def _event(
        self, handshake: session.Handshake, data: bytes
    ) -> tuple[session.Event, tuple[bytes, ...]]:
        now_ms = self._clock.now_ms()
        try:
            frame = decode_frame(data)
            if not isinstance(frame, Frame):
                return session.Garbled(), ()
            if handshake.state is session.State.LISTENING:
                return session.GreetingCame(session.read_greeting(frame), now_ms), ()
            wire, identity_log = session.read_hello(frame)
            assert handshake.peer is not None
            keys = await self._directory.session_keys(handshake.peer, identity_log)
            return session.HelloCame(session.open_hello(wire, keys), now_ms), identity_log
        except MalformedMessage:
            return session.Garbled(), ()
        except NotAuthentic:
            return session.Forged(), ()
