"""Fetching one's own copy from a keeper, before there is a node: one session, a few questions, and goodbye.

Source: docs/protocol.md 6.7 (g), 9.2.
"""

from __future__ import annotations

import asyncio
from typing import Final

from node.clock import Chance, Clock
from node.federation.channel import Channel
from node.federation.dispatch import Dispatch, NoAnswer
from node.federation.handshake import HandshakeFailed, Handshaker
from node.federation.session import Session
from node.keyring import Credentials, KeyRing
from node.services.keepers import read_held
from protocol.errors import MalformedMessage, ProtocolError
from protocol.frame import CloseCode, FrameType, payload_many
from protocol.identity import IdentityState, fold_log
from protocol.names import SchemeId
from protocol.session import SessionKeyOf

ANSWER_MS: Final = 30_000


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
    frame = await session.request(FrameType.KEPT_ASK, (), timeout_ms=ANSWER_MS)
    whole = [each for each in read_held(frame.payload) if each.whole]
    if not whole:
        raise NothingKept("they keep nothing for us")
    newest = max(whole)
    parts: list[bytes] = []
    while len(parts) < newest.parts:
        frame = await session.request(
            FrameType.KEPT_ASK, (newest.generation, len(parts)), timeout_ms=ANSWER_MS
        )
        found = payload_many(frame)
        if not found:
            raise NothingKept("they keep less of it than they said")
        parts += found
    return newest.generation, parts
