"""Our own log: its heads are stored, signed and published once a minute, and neighbours are asked to cosign them.

Nothing here is part of a trade: the checkpointer reads what is durable and writes a few rows a minute. It signs only what
continues the newest checkpoint that neighbours hold of this log, which is why it hears them first after every boot; where it
cannot continue it, because the database is an old one or another copy of the node signs, it stops and says why.
Source: docs/protocol.md 4.2, 4.3, 6.7 (f), 11 (I10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import structlog

from crypto.canonical import Value
from node import crash
from node.clock import Clock
from node.federation.links import Links
from node.keyring import KeyRing
from node.services import log_heads as heads
from node.services import log_tree as tree
from node.services.directory import Directory
from node.store import ReadTx, Store
from node.supervisor import Supervisor
from protocol.checkpoint import (
    Checkpoint,
    cosigned_at,
    log_key,
    open_checkpoint,
    origin_of,
    quorum,
    sign_checkpoint,
    witness_keys,
)
from protocol.errors import MalformedMessage, NotAuthentic
from protocol.frame import Frame, FrameType
from protocol.limits import (
    CHECKPOINT_AT_LEAST_MS,
    CHECKPOINT_BYTES_MAX,
    CHECKPOINTS_MAX,
    LOG_SIZE_MAX,
    MINUTE_MS,
)
from protocol.log import LogProof
from protocol.names import SchemeId, scheme_text
from protocol.note import Note, NoteSignature, parse_note, read_decimal
from protocol.tiles import Tile
from protocol.witnessing import AddCheckpoint, Status, parse_cosignatures

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

ROUNDS_MAX: Final = 4  # of asking one witness: told another size, shown its cosignature, and asked again
HEAR_ALL_S: Final = MINUTE_MS / 1000  # after a boot: for every neighbour; then one that was heard is enough
ANSWER_MS: Final = 20_000


class Stopped(StrEnum):
    """Why nothing is signed."""

    WAITING = "waiting"  # neighbours have not been heard since the boot
    BEHIND = "behind"  # a checkpoint of ours has more entries than this database: it is an old one
    OTHER = "other"  # a checkpoint of ours has other entries: another copy of this node signs, or did


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How far our log is signed and checked, for pages."""

    size: int  # entries under the newest signed head; 0: none is signed
    root: bytes  # of that head; empty: none is signed
    signed_ms: int
    by: tuple[SchemeId, ...]  # who cosigned that very head, in the order of their ids
    at_ms: int | None  # when the last of them did
    witnesses: int  # who is asked
    quorum: int | None  # how many must have cosigned; None: too few witnesses for it to mean anything
    cosigned_size: int  # entries under the newest head that a quorum cosigned; 0: none
    stopped: Stopped | None
    stopped_by: SchemeId | None  # who showed it
    begun_anew: int  # how often the end of a log was lost, and another begun (6.7 g)

    @property
    def is_checked(self) -> bool:
        """Whether a quorum cosigned the newest head."""
        return self.quorum is not None and len(self.by) >= self.quorum


class Lost(NamedTuple):
    """A log whose end is not here. Sizes and roots."""

    held: tuple[int, bytes]
    known: tuple[int, bytes]  # of the newest checkpoint of it that was shown


class OwnLog:
    """See the head of this file. `turn` is a job of the node's, once a minute; `tasks` must be entered."""

    def __init__(
        self, *, store: Store, clock: Clock, keyring: KeyRing, links: Links, directory: Directory,
        neighbours: Callable[[], Set[SchemeId]], tell: Callable[[Note], None],
    ):  # fmt: skip
        """`tell` is given every note that is published."""
        self._store: Final = store
        self._clock: Final = clock
        self._keyring: Final = keyring
        self._links: Final = links
        self._directory: Final = directory
        self._neighbours: Final = neighbours
        self._tell: Final = tell
        self._heard: Final[set[SchemeId]] = set()
        self._asking: Final[set[SchemeId]] = set()
        self._began_s: float | None = None
        self._number: Final = keyring.identity.log_number
        self._origin: Final = origin_of(keyring.scheme, self._number)
        self._is_begun = False  # nothing is kept of a log before this one
        self.stopped: Stopped | None = None
        self.stopped_by: SchemeId | None = None
        self.tasks: Final = Supervisor("own-log")
        links.watch(on_copy=self._on_copy)

    # --- signing (4.2) ----------------------------------------------------------------------------------------

    async def turn(self) -> None:
        """Sign a checkpoint if something was entered since the last, and ask witnesses; a job."""
        await self._catch_up()
        if not await self._may_sign():
            return
        await self._checkpoint()
        if self.stopped is None:
            await self._ask_all()

    async def _catch_up(self) -> None:
        """Keep the hashes that the tree needs and that nobody made yet, and no heads of a log that has ended (6.7 g)."""
        if not self._is_begun:
            if await self._store.read(heads.is_of_older_log, self._number):
                await self._store.write(heads.forget_older_log, self._number)
            self._is_begun = True
        while made := await self._store.read(tree.missing_hashes):
            await self._store.write(tree.keep_hashes, made)

    async def _may_sign(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        self._began_s = now_s if self._began_s is None else self._began_s
        if self.stopped in (Stopped.BEHIND, Stopped.OTHER):
            return False
        others = self._neighbours() | (await self._store.read(heads.witnesses)).keys()
        heard = self._heard & others
        settled = heard >= others or (bool(heard) and now_s - self._began_s >= HEAR_ALL_S)
        self.stopped = None if settled else Stopped.WAITING
        return settled

    async def _checkpoint(self) -> None:
        """Store a head, then sign it, then publish it. A kill between any two leaves a head that only goes on."""
        size, root = await self._store.read(_size_and_root)
        newest = await self._store.read(heads.newest_head)
        if size == 0 or (newest is not None and newest.size == size and self._is_signed_now(newest)):
            return
        crash.point("head-read")
        try:
            await self._store.write(heads.store_head, size, root, self._clock.now_ms())
        except heads.HeadRefused as refused:
            self._stop(Stopped.BEHIND if newest is not None and size < newest.size else Stopped.OTHER, None)
            log.error("head_refused", reason=str(refused))
            return
        crash.point("head-stored")
        note = self._sign(size, root)
        crash.point("head-signed")
        await self._store.write(heads.publish_head, size, note.data(), instead=True)
        crash.point("head-published")
        self._tell(note)

    def _sign(self, size: int, root: bytes) -> Note:
        _, key = self._keyring.signing["checkpoint"]
        return sign_checkpoint(Checkpoint(origin=self._origin, size=size, root=root), key)

    def _is_signed_now(self, head: heads.Head) -> bool:
        """Tell whether a head is signed, and by the key that counts now: after a change of keys it is signed once more."""
        _, key = self._keyring.signing["checkpoint"]
        named = log_key(self._keyring.scheme, key.public, self._number)
        return head.note is not None and any(each.is_by(named) for each in parse_note(head.note).signatures)

    def _stop(self, why: Stopped, shown_by: SchemeId | None) -> None:
        if self.stopped is not why:
            log.error(
                "log_not_signed", why=why.value, shown_by=None if shown_by is None else scheme_text(shown_by)
            )
        self.stopped, self.stopped_by = why, shown_by

    def _on_copy(self, _peer: SchemeId) -> None:
        # Another copy of this node was in touch with them: hear neighbours again before anything more is signed.
        self._heard.clear()
        self._began_s = None

    # --- what neighbours hold of it (6.7 f) -------------------------------------------------------------------

    async def hear(self, peer: SchemeId, held: Sequence[Note]) -> None:
        """Take what a neighbour holds of our log; none: it says that it holds nothing.

        Raises:
            ProtocolError: it is no checkpoint of ours.
        """
        for note in held:
            if not await self._take(peer, note):
                return
        self._heard.add(peer)

    async def _take(self, peer: SchemeId, note: Note) -> bool:
        checkpoint, _ = open_checkpoint(note.data(), self._keyring.identity, ever=True)
        await self._catch_up()
        if checkpoint.origin != self._origin:
            return True  # of a log that has ended: sizes and roots are compared within one number (6.7 g)
        ours = await self._store.read(_root_or_none, checkpoint.size)
        if ours != checkpoint.root:
            self._stop(Stopped.BEHIND if ours is None else Stopped.OTHER, peer)
            plain = note.only_by([self._origin]).data()
            await self._store.write(heads.note_shown, self._keyring.scheme, checkpoint, plain)
            return False
        try:
            await self._store.write(heads.store_head, checkpoint.size, checkpoint.root, self._clock.now_ms())
            plain = note.only_by([checkpoint.origin]).data()
            await self._store.write(heads.publish_head, checkpoint.size, plain, instead=False)
        except heads.HeadRefused:
            pass  # an older one of ours, and it is in our log
        await self._take_cosignatures(peer, note)
        return True

    async def _take_cosignatures(self, peer: SchemeId, note: Note) -> bool:
        identity = self._directory.state(peer)
        size = int(note.text.split("\n")[1])
        for key in () if identity is None else witness_keys(identity):
            lines = [each for each in note.signatures if each.is_by(key)]
            when = cosigned_at(note, key)
            if when is not None:
                await self._store.write(heads.note_cosigned, peer, size, lines[-1:], when)
                return True
        return False

    # --- asking witnesses (4.3) -------------------------------------------------------------------------------

    async def _ask_all(self) -> None:
        head = await self._store.read(heads.newest_signed)
        if head is None:
            return
        known = await self._store.read(heads.witnesses)
        for peer in sorted(self._neighbours() & self._links.live.keys()):
            last = known.get(peer)
            fresh = last is not None and self._clock.now_ms() - last.cosigned_ms < CHECKPOINT_AT_LEAST_MS
            if peer not in self._asking and not (fresh and last is not None and last.size == head.size):
                self._asking.add(peer)
                self.tasks.spawn(self._ask_once(peer, head), "ask-witness")

    async def _ask_once(self, peer: SchemeId, head: heads.Head) -> None:
        try:
            await self._ask(peer, head)
        finally:
            self._asking.discard(peer)

    async def _ask(self, peer: SchemeId, head: heads.Head) -> None:
        """Ask one witness to cosign `head`. Raises NoAnswer, ProtocolError."""
        assert head.note is not None, "it is signed"
        plain = parse_note(head.note).only_by([self._origin])
        last = await self._store.read(heads.witness_of, peer)
        old = 0 if last is None else last.size
        for _ in range(ROUNDS_MAX):
            proof = await self._store.read(tree.consistency, old, head.size)
            status, body, theirs = await self._request(
                peer, AddCheckpoint(old_size=old, proof=proof, note=plain)
            )
            if status == Status.COSIGNED:
                await self._cosigned(peer, plain, parse_cosignatures(body))
                return
            if theirs is not None and not await self._take(peer, theirs):
                return  # they hold what we cannot continue
            if status == Status.NOT_SHOWN:
                last = await self._store.read(heads.witness_of, peer)
                if last is None:
                    return
                shown = AddCheckpoint(old_size=last.size, proof=(), note=parse_note(last.note))
                status, body, _ = await self._request(peer, shown)
                old = last.size
            if status == Status.CONFLICT and body[:1].isdigit():
                old = read_decimal(body.decode("ascii", "replace").removesuffix("\n"), LOG_SIZE_MAX)
                if old > head.size:
                    return  # they know a newer one of ours; it was taken above, if it is one
            elif status != Status.COSIGNED:
                log.warning("not_cosigned", peer=scheme_text(peer), status=int(status))
                return

    async def _request(self, peer: SchemeId, request: AddCheckpoint) -> tuple[int, bytes, Note | None]:
        """Return status, body and what the witness holds of our log. Raises NoAnswer, ProtocolError."""
        frame = await self._links.request(peer, FrameType.COSIGN_ASK, request.data(), timeout_ms=ANSWER_MS)
        return read_reply(frame.payload)

    async def _cosigned(self, peer: SchemeId, plain: Note, lines: tuple[NoteSignature, ...]) -> None:
        note = plain.with_signatures(lines)
        if not await self._take_cosignatures(peer, note):
            raise NotAuthentic("a cosignature that is not the witness' own")

    # --- beginning anew (6.7 g) -------------------------------------------------------------------------------

    async def lost(self) -> Lost | None:
        """Return what of our log others hold and this database does not have; None: nothing that was shown here."""
        await self._catch_up()
        return await self._store.read(_lost, self._keyring.scheme, self._origin)

    # --- for others -------------------------------------------------------------------------------------------

    async def checked(self) -> Checked:
        """Return how far the log is signed and checked."""
        asked = self._neighbours()
        return await self._store.read(self._checked, asked, quorum(len(asked)))

    def _checked(self, tx: ReadTx, asked: Set[SchemeId], needed: int | None) -> Checked:
        head = heads.newest_signed(tx)
        size = 0 if head is None else head.size
        by = {
            who: each.cosigned_ms for who, each in heads.witnesses(tx).items() if each.size == size and size
        }
        best = None if needed is None else heads.newest_cosigned(tx, needed)
        return Checked(
            size=size, root=b"" if head is None else head.root, signed_ms=0 if head is None else head.stored_ms, by=tuple(sorted(by)), at_ms=max(by.values(), default=None),
            witnesses=len(asked), quorum=needed, cosigned_size=0 if best is None else best.size, stopped=self.stopped,
            stopped_by=self.stopped_by, begun_anew=self._number - 1,
        )  # fmt: skip

    async def newest_note(self) -> bytes | None:
        """Return the newest signed checkpoint with its cosignatures; None: none is signed yet."""
        head = await self._store.read(heads.newest_signed)
        return None if head is None else head.note

    async def tile(self, tile: Tile) -> bytes | None:
        """Return a tile or bundle; None: no signed checkpoint has it."""
        return await self._store.read(_published_tile, tile)

    async def proof_of(self, seq: int) -> LogProof | None:
        """Return the proof that entry `seq` is in the log, under the best checkpoint there is; None: not signed yet.

        That of a quorum is better than a newer one without; of those that hold the entry.
        """
        return await self._store.read(proof_in, seq, quorum(len(self._neighbours())))


def proof_in(tx: ReadTx, seq: int, needed: int | None) -> LogProof | None:
    """As `OwnLog.proof_of`, within a query; `needed` is the quorum."""
    best = None if needed is None else heads.newest_cosigned(tx, needed)
    head = best if best is not None and seq < best.size else heads.newest_signed(tx)
    if head is None or head.note is None or seq >= head.size:
        return None
    return LogProof(index=seq, hashes=tree.inclusion(tx, seq, head.size), note=parse_note(head.note))


def _lost(tx: ReadTx, scheme: SchemeId, origin: str) -> Lost | None:
    for size, root in heads.shown(tx, scheme, origin):
        if _root_or_none(tx, size) != root:
            return Lost(held=_size_and_root(tx), known=(size, root))
    return None


def _published_tile(tx: ReadTx, tile: Tile) -> bytes | None:
    head = heads.newest_signed(tx)
    return tree.read_tile(tx, tile) if head is not None and tile.is_in(head.size) else None


def _size_and_root(tx: ReadTx) -> tuple[int, bytes]:
    # The newest full blocks may have been entered since `_catch_up`: the next turn signs them.
    size = tree.hashed_size(tx)
    return size, tree.root_at(tx, size)


def _root_or_none(tx: ReadTx, size: int) -> bytes | None:
    return tree.root_at(tx, size) if size <= tree.hashed_size(tx) else None


def read_reply(payload: Value) -> tuple[int, bytes, Note | None]:
    """Return what a COSIGN_REPLY says: status, body, and the note the witness holds. Raises MalformedMessage."""
    match payload:
        case (int(status), bytes(body), bytes(held)) if max(len(body), len(held)) <= CHECKPOINT_BYTES_MAX:
            return status, body, parse_note(held) if held else None
        case _:
            raise MalformedMessage("not [status, body, note]")


def read_notes(frame: Frame) -> tuple[bool, list[Note]]:
    """Return the notes of a CHECKPOINTS frame, and whether they are all that its sender holds. Raises MalformedMessage."""
    match frame.payload:
        case (bool(whole), tuple(wires)) if len(wires) <= CHECKPOINTS_MAX:
            return whole, [_read_note(each) for each in wires]
        case _:
            raise MalformedMessage("not [whole, notes]")


def _read_note(wire: Value) -> Note:
    if type(wire) is not bytes or len(wire) > CHECKPOINT_BYTES_MAX:
        raise MalformedMessage("not the note of a checkpoint")
    return parse_note(wire)
