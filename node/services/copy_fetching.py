"""Fetching one's own copy from a keeper: over a session that is there, or over one of its own before there is a node.

Source: docs/protocol.md 6.7 (g), 9.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from crypto.canonical import Value
from crypto.safekeeping import SafeKeys
from node.clock import Chance, Clock
from node.federation.channel import Channel
from node.federation.dispatch import Dispatch, NoAnswer
from node.federation.handshake import HandshakeFailed, Handshaker
from node.federation.session import Session
from node.keyring import Credentials, KeyRing
from node.services.keeping import Held, read_held
from node.services.kept_copy import Position, newest_batch
from protocol.errors import MalformedMessage, ProtocolError
from protocol.frame import CloseCode, Frame, FrameType, payload_many
from protocol.identity import IdentityState, fold_log
from protocol.names import SchemeId
from protocol.session import SessionKeyOf

ANSWER_MS: Final = 30_000

# Puts a KEPT_ASK to a keeper. Raises NoAnswer.
Ask: TypeAlias = Callable[[Value], Awaitable[Frame]]


class NothingKept(Exception):
    """No whole copy could be fetched; the text says why, in plain words."""


class _Them:
    """Who is called, and nobody else."""

    def __init__(self, keeper: IdentityState):
        self._keeper: Final = keeper

    async def session_keys(self, _scheme: SchemeId, identity_log: tuple[bytes, ...]) -> SessionKeyOf:
        state = self._keeper
        try:
            shown = fold_log(identity_log)
        except ProtocolError:
            shown = state
        if shown.scheme_id == state.scheme_id and shown.seq > state.seq:
            state = shown
        return lambda asked, key_seq: state.key_for("session", key_seq) if asked == state.scheme_id else None

    async def admits(self, scheme: SchemeId) -> bool:
        return scheme == self._keeper.scheme_id


async def fetch_copy(
    channel: Channel, keeper: IdentityState, keyring: KeyRing, clock: Clock, chance: Chance
) -> tuple[int, list[bytes]]:
    """Return the newest whole copy that `keeper` holds of our books: its generation, and its parts.

    Raises:
        NothingKept: it holds none, or does not talk to us.
    """
    try:
        shaken = await Handshaker(Credentials(keyring), _Them(keeper), clock, chance).dial(
            channel, keeper.scheme_id
        )
    except HandshakeFailed as failed:
        raise NothingKept(f"they do not let us in ({failed.code})") from None
    session = Session(channel, shaken.terms, Dispatch(), lambda *_: None)
    problem = ""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.run())
        try:
            found = await _ask(session)
        except (NoAnswer, MalformedMessage, NothingKept) as error:
            problem = str(error)
        session.end(CloseCode.DONE)
    if problem:
        raise NothingKept(problem)
    return found


async def _ask(session: Session) -> tuple[int, list[bytes]]:
    async def ask(payload: Value) -> Frame:
        return await session.request(FrameType.KEPT_ASK, payload, timeout_ms=ANSWER_MS)

    newest = await newest_held(ask)
    if newest is None:
        raise NothingKept("they keep nothing for us")
    return newest.generation, await fetch_parts(ask, newest)


async def newest_held(ask: Ask) -> Held | None:
    """Return the newest whole copy that somebody holds of our books. Raises NoAnswer, MalformedMessage."""
    frame = await ask(())
    return max((each for each in read_held(frame.payload) if each.whole), default=None)


async def fetch_parts(ask: Ask, held: Held, first: int = 0) -> list[bytes]:
    """Return the parts of a copy from `first` on. Raises NoAnswer, MalformedMessage, NothingKept."""
    parts: list[bytes] = []
    while first + len(parts) < held.parts:
        found = payload_many(await ask((held.generation, first + len(parts))))
        if not found:
            raise NothingKept("they keep less of it than they said")
        parts += found
    return parts


async def find_ahead(ask: Ask, noted: Position, keys: SafeKeys) -> Held | None:
    """Return the copy of our books that holds more than this database ever sent; None for an ordinary one. Source: 6.7 (g).

    Raises:
        NoAnswer, MalformedMessage, NothingKept: whoever was asked does not tell.
        CopyUnusable: what they hold cannot be read with these keys.
    """
    held = await newest_held(ask)
    if held is None or held.generation < noted.generation:
        return None
    if held.generation > noted.generation:
        return held
    # Of the same copy: what was noted is written before each batch, and does not yet count the parts of that batch.
    later = await fetch_parts(ask, held, noted.parts)
    return held if newest_batch(later, held.generation, noted.parts, keys) > noted.batches else None
