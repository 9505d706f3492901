"""Who other schemes are: their identity logs, verified, kept, and folded into the keys that count.

The first event seen at a place stands; a key seen in one scheme is refused in another. Strangers are admitted so
that they can propose a line, and the longest unseen of them is forgotten when there are too many.
Source: docs/protocol.md 1.4, 2.1–2.3, 5.5.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import structlog
from sqlalchemy import bindparam, delete, func, insert, select

from crypto.canonical import NotCanonical
from crypto.digest import object_id
from crypto.keys import VerifyingKey
from crypto.signing import split
from node.clock import Clock
from node.federation.budget import Bucket
from node.keyring import KeyRing
from node.store import ReadTx, Store, Tx
from node.store.schema import feeds as feeds_schema
from node.store.schema import identity as schema
from node.store.schema import lines as lines_schema
from node.store.schema import peers as peers_schema
from protocol.errors import Forked, MalformedMessage, NotAuthentic, ProtocolError
from protocol.identity import IdentityState, advance, begin, fold_log
from protocol.identity_events import SESSION, IdentityEvent
from protocol.identity_forks import conflict, freeze
from protocol.limits import HANDSHAKES_MAX
from protocol.message import decode_message
from protocol.names import SchemeId, scheme_text
from protocol.session import SessionKeyOf

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# Schemes known by a handshake only: no line, no feed, not added by an admin.
STRANGERS_MAX: Final = 500
# Events that callers show before they have proved anything: up to three signatures each, from all callers together. A scheme
# of some years has a few dozen; anybody can send hundreds, again and again, and the node must stay awake.
SHOWN_A_SECOND: Final = 200
SHOWN_BURST: Final = 1_000
SHOWN_A_TIME: Final = 16

_E: Final = schema.identity_event.c
_LOG: Final = select(_E.wire).where(_E.scheme == bindparam("scheme")).order_by(_E.seq)
_LOGS: Final = select(_E.scheme, _E.wire).order_by(_E.scheme, _E.seq)
_NEW_EVENT: Final = insert(schema.identity_event)
_FORGET_EVENTS: Final = delete(schema.identity_event).where(_E.scheme == bindparam("scheme"))
_K: Final = schema.identity_key.c
_KEY_OWNER: Final = select(_K.scheme).where(_K.public_key == bindparam("public_key"))
_NEW_KEY: Final = insert(schema.identity_key)
_FORGET_KEYS: Final = delete(schema.identity_key).where(_K.scheme == bindparam("scheme"))
_C: Final = schema.identity_conflict.c
_CONFLICTS: Final = select(_C.scheme, _C.first, _C.second).order_by(_C.scheme, _C.seq)
_CONFLICT_KNOWN: Final = select(_C.seq).where(_C.scheme == bindparam("scheme"), _C.seq == bindparam("seq"))
_NEW_CONFLICT: Final = insert(schema.identity_conflict)
_BLOCKED: Final = select(peers_schema.peer.c.scheme).where(peers_schema.peer.c.state == "blocked")
_IS_STRANGER: Final = (
    _E.seq == 0,
    _E.scheme != bindparam("own"),
    _E.scheme.not_in(select(lines_schema.line.c.peer)),
    _E.scheme.not_in(select(feeds_schema.feed.c.scheme)),
    _E.scheme.not_in(select(peers_schema.peer.c.scheme)),
)
_STRANGERS: Final = select(func.count()).select_from(schema.identity_event).where(*_IS_STRANGER)
_OLDEST_STRANGER: Final = select(_E.scheme).where(*_IS_STRANGER).order_by(_E.seen_ms, _E.scheme).limit(1)


def scheme_of(wire: bytes) -> SchemeId:
    """Return whose identity log an event belongs to; nothing is verified.

    Raises:
        MalformedMessage: not an event.
    """
    try:
        body = split(wire)[0]
    except NotCanonical as error:
        raise MalformedMessage(str(error)) from None
    event = decode_message(IdentityEvent, body)
    return SchemeId(object_id(body)) if event.scheme is None else event.scheme


class Directory:
    """The identities known to one node. Memory follows each commit; `load` fills it at the start."""

    def __init__(self, *, store: Store, keyring: KeyRing, clock: Clock):
        self._store: Final = store
        self._clock: Final = clock
        self._own: Final = keyring.scheme
        self._own_log: Final = keyring.log
        self._logs: Final[dict[SchemeId, tuple[bytes, ...]]] = {keyring.scheme: keyring.log}
        # Folded when first asked for: most schemes of a large town are never asked about.
        self._states: Final[dict[SchemeId, IdentityState]] = {keyring.scheme: keyring.identity}
        self._conflicts: Final[dict[SchemeId, list[tuple[bytes, bytes]]]] = {}
        self._blocked: Final[set[SchemeId]] = set()
        # Logs shown in handshakes that are not finished.
        self._shown: Final[OrderedDict[SchemeId, tuple[bytes, ...]]] = OrderedDict()
        self._unproved: Final = Bucket(SHOWN_A_SECOND, SHOWN_BURST, 0.0)

    async def load(self) -> None:
        """Read what is stored, and store the own log."""
        for scheme, wire in await self._store.read(_read_logs):
            self._logs[scheme] = (*self._logs.get(scheme, ()), wire) if scheme != self._own else self._own_log
        for scheme, first, second in await self._store.read(_read_conflicts):
            self._conflicts.setdefault(scheme, []).append((first, second))
        self._blocked.update(await self._store.read(_read_blocked))
        await self.learn(self._own_log)

    # --- what others ask ---

    def knows(self, scheme: SchemeId) -> bool:
        """Tell whether the identity of `scheme` is known."""
        return scheme in self._logs

    def known(self) -> tuple[SchemeId, ...]:
        """Return every scheme whose identity is known, the own one included."""
        return tuple(self._logs)

    def state(self, scheme: SchemeId) -> IdentityState | None:
        """Return the identity of `scheme`, or None if it is unknown."""
        state = self._states.get(scheme)
        if state is None and scheme in self._logs:
            state = fold_log(self._logs[scheme])
            for first, second in self._conflicts.get(scheme, ()):
                state = freeze(state, conflict(state, first, second))
            self._states[scheme] = state
        return state

    def has_ended(self, scheme: SchemeId) -> bool:
        """Tell whether a scheme's identity has ended: closed, or gone on in another. Source: 2.4."""
        state = self.state(scheme)
        return state is not None and state.ended is not None

    def key_for(self, scheme: SchemeId, purpose: str, key_seq: int) -> VerifyingKey | None:
        """Return the key whose signatures count now, or None."""
        state = self.state(scheme)
        return None if state is None else state.key_for(purpose, key_seq)

    def seal_key(self, scheme: SchemeId) -> tuple[int, bytes] | None:
        """Return the newest key to seal to, and its seq; None if there is none."""
        state = self.state(scheme)
        found = None if state is None else state.current("seal")
        return None if found is None else (found.seq, found.public_key)

    def log(self, scheme: SchemeId) -> tuple[bytes, ...]:
        """Return the identity events of `scheme`, oldest first; none if it is unknown."""
        return self._logs.get(scheme, ())

    def seq(self, scheme: SchemeId) -> int:
        """Return the seq of the newest event known; -1 if the scheme is unknown."""
        return len(self._logs.get(scheme, ())) - 1

    # --- handshakes (node/federation/handshake.py) ---

    async def session_keys(self, scheme: SchemeId, identity_log: tuple[bytes, ...]) -> SessionKeyOf:
        """Return how to find the session keys of `scheme`, also from what it shows and nobody stored yet."""
        state = self.state(scheme)
        shown = await self._look_at(state, scheme, identity_log)
        if shown is not None and (state is None or shown.seq > state.seq):
            # Stored once the caller has proved that it holds a key of that log.
            self._shown[scheme] = identity_log
            while len(self._shown) > HANDSHAKES_MAX:
                self._shown.popitem(last=False)
        return lambda asked, key_seq: (
            shown.key_for(SESSION, key_seq) if shown is not None and asked == scheme else None
        )

    async def _look_at(
        self, state: IdentityState | None, scheme: SchemeId, identity_log: tuple[bytes, ...]
    ) -> IdentityState | None:
        """Return the state after as many of the shown events as belong to it, looked at a few at a time."""
        held = set(self._logs.get(scheme, ()))
        fresh = [wire for wire in identity_log if wire not in held]
        for first in range(0, len(fresh), SHOWN_A_TIME):
            part = fresh[first : first + SHOWN_A_TIME]
            await asyncio.sleep(self._unproved.take(len(part), asyncio.get_running_loop().time()))
            reached = -1 if state is None else state.seq
            state = _continued(state, scheme, part)
            if state is None or state.seq < reached + len(part):
                break  # the rest cannot belong to it either
        return state

    async def admits(self, scheme: SchemeId) -> bool:
        """Tell whether this node keeps sessions with `scheme`; its identity is known from now on."""
        if scheme in self._blocked:
            return False
        shown = self._shown.pop(scheme, ())
        if shown:
            try:
                await self.learn(shown)
            except ProtocolError as error:
                log.warning("identity_refused", peer=scheme_text(scheme), reason=str(error))
        return self.knows(scheme)

    def block(self, scheme: SchemeId, blocked: bool) -> None:
        """Refuse sessions with `scheme`, or let them be again; the row is in the table of peers."""
        (self._blocked.add if blocked else self._blocked.discard)(scheme)

    # --- learning ---

    async def learn(self, wires: Sequence[bytes]) -> None:
        """Verify and keep events of one log, from any seq on that is known or the next.

        Raises:
            ProtocolError: some are not the scheme's; those before them are kept.
        """
        refused = await self._store.write(self.learn_in, wires)
        if refused is not None:
            raise refused

    def learn_in(self, tx: Tx, wires: Sequence[bytes]) -> ProtocolError | None:
        """Unit: as `learn`; returns why the rest was refused, or None.

        Raises:
            MalformedMessage, NotAuthentic: nothing was kept.
        """
        if not wires:
            return None
        scheme = scheme_of(wires[0])
        known = [wire for (wire,) in tx.all(_LOG, scheme=scheme)]
        state = self._state_of(scheme, known)
        fresh: list[bytes] = []
        refused: ProtocolError | None = None
        frozen: tuple[int, bytes, bytes] | None = None
        old_keys = state.proved_keys() if state is not None else frozenset()
        for wire in wires:
            before = -1 if state is None else state.seq
            try:
                state = begin(wire) if state is None else advance(state, wire)
            except Forked as error:
                refused, frozen = error, _evidence(state, [*known, *fresh], wire)
                break
            except ProtocolError as error:
                refused = error
                break
            if state.seq > before:
                fresh.append(wire)
        if state is None:
            assert refused is not None
            raise refused
        if state.scheme_id != scheme:
            raise NotAuthentic("events of two schemes")
        self._keep(tx, scheme, len(known), fresh, state.proved_keys() - old_keys)
        if frozen is not None and tx.one(_CONFLICT_KNOWN, scheme=scheme, seq=frozen[0]) is None:
            seq, first, second = frozen
            tx.run(
                _NEW_CONFLICT,
                scheme=scheme,
                seq=seq,
                first=first,
                second=second,
                seen_ms=self._clock.now_ms(),
            )
            tx.on_commit(self._note_conflict, scheme, first, second)
        if fresh or scheme not in self._logs:
            tx.on_commit(self._take, scheme, (*known, *fresh))
        return refused

    def _state_of(self, scheme: SchemeId, known: list[bytes]) -> IdentityState | None:
        """Return the fold of what is stored; from memory where that is as new."""
        if not known:
            return None
        if len(self._logs.get(scheme, ())) == len(known):
            return self.state(scheme)
        return fold_log(known)

    def _keep(
        self, tx: Tx, scheme: SchemeId, first_seq: int, fresh: list[bytes], keys: frozenset[bytes]
    ) -> None:
        for key in sorted(keys):
            owner = tx.scalar(_KEY_OWNER, public_key=key)
            if owner is not None and owner != scheme:
                raise NotAuthentic("a key that is another scheme's")
        if first_seq == 0 and fresh and scheme != self._own:
            self._make_room(tx)
        now_ms = self._clock.now_ms()
        for seq, wire in enumerate(fresh, first_seq):
            tx.run(_NEW_EVENT, scheme=scheme, seq=seq, wire=wire, seen_ms=now_ms)
        if fresh:
            for key in sorted(keys):
                if tx.one(_KEY_OWNER, public_key=key) is None:
                    tx.run(_NEW_KEY, public_key=key, scheme=scheme)

    def _make_room(self, tx: Tx) -> None:
        """Forget the stranger seen first when there are as many as there may be."""
        if tx.scalar(_STRANGERS, own=self._own) < STRANGERS_MAX:
            return
        oldest = tx.scalar(_OLDEST_STRANGER, own=self._own)
        tx.run(_FORGET_EVENTS, scheme=oldest)
        tx.run(_FORGET_KEYS, scheme=oldest)
        tx.on_commit(self._forget, SchemeId(oldest))

    # --- memory, after a commit ---

    def _take(self, scheme: SchemeId, wires: tuple[bytes, ...]) -> None:
        if len(wires) > len(self._logs.get(scheme, ())):
            self._logs[scheme] = wires
            self._states.pop(scheme, None)

    def _forget(self, scheme: SchemeId) -> None:
        self._logs.pop(scheme, None)
        self._states.pop(scheme, None)

    def _note_conflict(self, scheme: SchemeId, first: bytes, second: bytes) -> None:
        log.error("identity_frozen", scheme=scheme_text(scheme))
        self._conflicts.setdefault(scheme, []).append((first, second))
        self._states.pop(scheme, None)


def _continued(
    state: IdentityState | None, scheme: SchemeId, identity_log: Sequence[bytes]
) -> IdentityState | None:
    """Return the state after as many of the shown events as belong to it."""
    try:
        for wire in identity_log:
            if scheme_of(wire) != scheme:
                break
            state = begin(wire) if state is None else advance(state, wire)
    except ProtocolError as error:
        log.info("identity_events_ignored", peer=scheme_text(scheme), reason=str(error))
    return state


def _evidence(
    state: IdentityState | None, stored: list[bytes], wire: bytes
) -> tuple[int, bytes, bytes] | None:
    """Return (seq, first, second) if `wire` and the event stored at its seq are two rotations. Source: 2.3."""
    assert state is not None, "a fork is from something"
    seq = decode_message(IdentityEvent, split(wire)[0]).seq
    if seq >= len(stored):
        return None
    try:
        found = conflict(state, stored[seq], wire)
    except ProtocolError:
        return None
    return (seq, found.first.wire, found.second.wire) if found.freezes else None


def _read_logs(tx: ReadTx) -> list[tuple[SchemeId, bytes]]:
    return [(SchemeId(scheme), wire) for scheme, wire in tx.all(_LOGS)]


def _read_conflicts(tx: ReadTx) -> list[tuple[SchemeId, bytes, bytes]]:
    return [(SchemeId(scheme), first, second) for scheme, first, second in tx.all(_CONFLICTS)]


def _read_blocked(tx: ReadTx) -> list[SchemeId]:
    return [SchemeId(scheme) for (scheme,) in tx.all(_BLOCKED)]
