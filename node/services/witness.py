"""This node as a witness of others' logs: what it cosigns, what it remembers, and what it shows and compares.

Looking at what is held and storing what is cosigned are one unit of the one writer, so that no two requests can pass each
other. What to answer is decided in `protocol/witnessing.py`. Source: docs/protocol.md 4.3, 6.7 (j), 10.1.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Final, NamedTuple

import structlog
from sqlalchemy import bindparam, delete, select, update

from node.clock import Clock
from node.federation.dispatch import Dispatch
from node.federation.links import Links
from node.federation.session import Session
from node.keyring import KeyRing
from node.services import log_heads as heads
from node.services.directory import Directory
from node.services.evidence import EvidenceService
from node.services.own_log import OwnLog, read_notes
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import log as schema
from node.supervisor import Supervisor
from protocol.checkpoint import (
    Checkpoint,
    cosign,
    log_keys,
    log_of_origin,
    number_in,
    open_checkpoint,
    parse_checkpoint,
    scheme_of_origin,
    witness_keys,
    witness_name,
)
from protocol.errors import InvalidValue, MalformedMessage, ProtocolError
from protocol.evidence import TwoCheckpoints
from protocol.frame import Frame, FrameType, payload_bytes
from protocol.limits import CHECKPOINTS_MAX, CHECKPOINTS_SEEN_MAX, WITNESSED_OTHERS_MAX
from protocol.names import SchemeId, scheme_text
from protocol.note import Note, parse_note
from protocol.witnessing import (
    NOTHING,
    SIZE_TYPE,
    AddCheckpoint,
    Record,
    Status,
    Verdict,
    decide,
    parse_add_checkpoint,
)

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

PLAIN: Final = "text/plain"

_W: Final = schema.witnessed.c
_COLUMNS: Final = (_W.scheme, _W.size, _W.root, _W.note, _W.cosigned_ms, _W.refused)
_ALL: Final = select(*_COLUMNS).order_by(_W.scheme)
_HELD: Final = select(*_COLUMNS).where(_W.scheme == bindparam("scheme"))
_PUT: Final = upsert(
    schema.witnessed, key=("scheme",), update=("size", "root", "note", "cosigned_ms", "refused")
)
_REFUSED: Final = (
    update(schema.witnessed).where(_W.scheme == bindparam("which")).values(refused=bindparam("why"))
)
_S: Final = schema.checkpoint_seen.c
_SEEN: Final = select(_S.root, _S.note).where(_S.scheme == bindparam("scheme"), _S.size == bindparam("size"))
_PUT_SEEN: Final = upsert(schema.checkpoint_seen, key=("scheme", "size"), update=("root", "note"))
_OLD_SEEN: Final = (
    select(_S.size)
    .where(_S.scheme == bindparam("scheme"))
    .order_by(_S.size.desc())
    .offset(CHECKPOINTS_SEEN_MAX)
)
_FORGET_SEEN: Final = delete(schema.checkpoint_seen).where(
    _S.scheme == bindparam("which"), _S.size == bindparam("which_size")
)


class Answer(NamedTuple):
    """What whoever asks for a cosignature is told."""

    status: Status
    body: bytes
    content_type: str = PLAIN


class Witnessed(NamedTuple):
    """What is held of one log."""

    scheme: SchemeId
    size: int
    root: bytes
    note: bytes
    cosigned_ms: int
    refused: str


class Witness:
    """See the head of this file. `tasks` must be entered for anything to be answered in session."""

    def __init__(
        self, *, store: Store, clock: Clock, keyring: KeyRing, links: Links, dispatch: Dispatch, directory: Directory,
        neighbours: Callable[[], Set[SchemeId]], evidence: EvidenceService,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._keyring: Final = keyring
        self._links: Final = links
        self._directory: Final = directory
        self._neighbours: Final = neighbours
        self._evidence: Final = evidence
        self._own_keys: Final = witness_keys(keyring.identity, ever=True)
        self._shown: Final[set[SchemeId]] = set()  # logs that showed our last cosignature since the boot
        self._told: Final[set[SchemeId]] = set()
        self.tasks: Final = Supervisor("witness")
        self.own_log: Final = OwnLog(
            store=store, clock=clock, keyring=keyring, links=links, directory=directory, neighbours=neighbours,
            tell=self._tell_all,
        )  # fmt: skip
        dispatch.register(self, FrameType.COSIGN_ASK, FrameType.CHECKPOINTS)
        links.watch(on_up=self._on_up, on_down=lambda peer, _session, _closed: self._told.discard(peer))

    async def turn(self) -> None:
        """Tell neighbours that are new what is held, then see to our own log; a job, once a minute."""
        for peer in sorted(self._neighbours() & self._links.live.keys() - self._told):
            await self._tell_held(peer)
        await self.own_log.turn()

    # --- cosigning (4.3) --------------------------------------------------------------------------------------

    async def answer(self, data: bytes) -> Answer:
        """Answer a request to cosign, by whatever door it came."""
        try:
            request = parse_add_checkpoint(data)
            checkpoint = parse_checkpoint(request.note)
        except MalformedMessage as error:
            return Answer(Status.MALFORMED, f"{error}\n".encode())
        try:
            scheme = scheme_of_origin(checkpoint.origin)
        except InvalidValue:
            return Answer(Status.UNKNOWN_LOG, b"unknown log\n")
        # Looked at first without the writer: what will be refused does not wait in line before trades.
        verdict, lines = await self._store.read(self._look, scheme, request), b""
        if verdict.record is not None:
            verdict, lines = await self._store.write(self._record, scheme, request)
        if verdict.showed or verdict.status is Status.COSIGNED:
            self._shown.add(scheme)
        if verdict.two_faced:
            await self._show_two_faces(scheme, request.note)
        elif verdict.status is Status.NOT_CONSISTENT:
            log.warning("log_not_continued", scheme=scheme_text(scheme), size=checkpoint.size)
            await self._store.write(_note_refused, scheme, "not-consistent")
        elif verdict.status is Status.COSIGNED:
            self._pass_on(scheme, request.note)
            return Answer(verdict.status, lines)
        if verdict.status is Status.CONFLICT and verdict.held_size is not None:
            return Answer(verdict.status, f"{verdict.held_size}\n".encode(), SIZE_TYPE)
        return Answer(verdict.status, f"{verdict.status.name.lower().replace('_', ' ')}\n".encode())

    def _look(self, tx: ReadTx, scheme: SchemeId, request: AddCheckpoint) -> Verdict:
        held, checkpoint = read_held(tx, scheme), parse_checkpoint(request.note)
        identity = self._directory.state(scheme) if self._is_witnessed(tx, scheme, held) else None
        keys = None if identity is None else log_keys(identity)
        if identity is not None and number_in(checkpoint, scheme) != identity.log_number:
            keys = None  # a log that has ended, or one that nobody has begun as far as is known here
        if held is not None and origin_in(held.note) != checkpoint.origin:
            held = None  # what is held is of a log before: sizes and roots are compared within one (6.7 g)
        record = NOTHING if held is None else Record(held.size, held.root)
        shown = held is None or scheme in self._shown
        verdict = decide(request, keys, self._own_keys, record, shown=shown)
        if verdict.status is Status.COSIGNED and self._differs_from_seen(tx, scheme, request.note):
            return Verdict(status=Status.CONFLICT, two_faced=True, showed=verdict.showed)
        return verdict

    def _differs_from_seen(self, tx: ReadTx, scheme: SchemeId, note: Note) -> bool:
        """Tell whether somebody showed another root for that size: then this log has two faces already."""
        checkpoint = parse_checkpoint(note)
        seen = tx.one(_SEEN, scheme=scheme, size=checkpoint.size)
        return seen is not None and origin_in(seen[1]) == checkpoint.origin and seen[0] != checkpoint.root

    def _is_witnessed(self, tx: ReadTx, scheme: SchemeId, held: Witnessed | None) -> bool:
        if scheme in self._neighbours():
            return True
        others = {each.scheme for each in all_witnessed(tx)} - self._neighbours()
        return scheme != self._keyring.scheme and (held is not None or len(others) < WITNESSED_OTHERS_MAX)

    def _record(self, tx: Tx, scheme: SchemeId, request: AddCheckpoint) -> tuple[Verdict, bytes]:
        """Unit: look again, store what is cosigned with the cosignature, and only then let it out."""
        verdict, now_ms = self._look(tx, scheme, request), self._clock.now_ms()
        if verdict.record is None:
            return verdict, b""
        origin, lines = parse_checkpoint(request.note).origin, b""
        kept = request.note.only_by([origin, witness_name(self._keyring.scheme)])
        if verdict.status is Status.COSIGNED:
            _, key = self._keyring.signing["witness"]
            line = cosign(request.note, self._keyring.scheme, key, now_ms)
            kept, lines = request.note.only_by([origin]).with_signatures([line]), line.line().encode()
        tx.run(
            _PUT, scheme=scheme, size=verdict.record.size, root=verdict.record.root, note=kept.data(), cosigned_ms=now_ms,
            refused="",
        )  # fmt: skip
        _see(tx, scheme, parse_checkpoint(kept), kept.only_by([origin]))
        return verdict, lines

    async def _show_two_faces(self, scheme: SchemeId, note: Note) -> None:
        other = await self._store.read(_other_face, scheme, parse_checkpoint(note))
        if other is not None:
            await self._two_faced(scheme, other, note)
            await self._store.write(_note_refused, scheme, "two-faced")

    async def _two_faced(self, scheme: SchemeId, first: Note, second: Note) -> None:
        origin = parse_checkpoint(first).origin
        await self._evidence.found(
            scheme,
            TwoCheckpoints(first=first.only_by([origin]).data(), second=second.only_by([origin]).data()),
        )

    # --- frames -----------------------------------------------------------------------------------------------

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Take a request to cosign, or checkpoints. Raises ProtocolError."""
        if frame.type is FrameType.COSIGN_ASK:
            await session.spend_checks(4)
            self.tasks.spawn(self._answer(session, frame, payload_bytes(frame)), "cosign")
            return
        whole, notes = read_notes(frame)
        await session.spend_checks(3 * len(notes))
        if session.peer in self._neighbours():
            self.tasks.spawn(self._take(session.peer, notes, whole=whole), "checkpoints")

    async def _answer(self, session: Session, frame: Frame, data: bytes) -> None:
        said = await self.answer(data)
        # What is held of a log is shown to whose it is only; others see what is published.
        held = await self._store.read(read_held, session.peer)
        await session.answer(frame, (int(said.status), said.body, b"" if held is None else held.note))

    async def _take(self, peer: SchemeId, notes: list[Note], *, whole: bool) -> None:
        mine = [note for note in notes if is_log_of(note, self._keyring.scheme)]
        if whole or mine:
            await self.own_log.hear(peer, mine)
        for note in notes:
            if note not in mine:
                await self._compare(note)

    async def _compare(self, note: Note) -> None:
        """Keep a checkpoint of another log, and find out whether it has two faces. Source: 10.1."""
        try:
            scheme = scheme_of_origin(parse_checkpoint(note).origin)
        except InvalidValue:
            return
        identity = self._directory.state(scheme)
        if identity is None:
            return
        try:
            checkpoint, _ = open_checkpoint(note.data(), identity)
        except ProtocolError as error:
            log.info("checkpoint_not_taken", scheme=scheme_text(scheme), reason=str(error))
            return
        plain = note.only_by([checkpoint.origin])
        other = await self._store.write(_see, scheme, checkpoint, plain)
        if other is not None:
            await self._two_faced(scheme, other, plain)

    # --- telling neighbours -----------------------------------------------------------------------------------

    def _on_up(self, peer: SchemeId, _session: Session) -> None:
        if peer in self._neighbours():
            self.tasks.spawn(self._tell_held(peer), "tell-held")

    async def _tell_held(self, peer: SchemeId) -> None:
        """Send our newest checkpoint, and those held of every log: theirs tells them what they must continue."""
        notes = await self._store.read(_notes_for, peer)
        if self._links.offer(peer, FrameType.CHECKPOINTS, (True, tuple(notes))):
            self._told.add(peer)

    def _tell_all(self, note: Note) -> None:
        for peer in self._neighbours() & self._links.live.keys():
            self._links.offer(peer, FrameType.CHECKPOINTS, (False, (note.data(),)))

    def _pass_on(self, scheme: SchemeId, note: Note) -> None:
        plain = note.only_by([parse_checkpoint(note).origin]).data()
        for peer in self._neighbours() & self._links.live.keys() - {scheme}:
            self._links.offer(peer, FrameType.CHECKPOINTS, (False, (plain,)))


# --- reading and writing -----------------------------------------------------------------------------------------


def origin_in(note: bytes) -> str:
    """Return the origin of a note that is kept here."""
    return parse_checkpoint(parse_note(note)).origin


def is_log_of(note: Note, scheme: SchemeId) -> bool:
    """Tell whether a note is a checkpoint of some log of a scheme."""
    try:
        return number_in(parse_checkpoint(note), scheme) is not None
    except MalformedMessage:
        return False


def read_held(tx: ReadTx, scheme: SchemeId) -> Witnessed | None:
    """Return what is held of a log."""
    row = tx.one(_HELD, scheme=scheme)
    return None if row is None else Witnessed._make(row)


def all_witnessed(tx: ReadTx) -> list[Witnessed]:
    """Return what is held of every log witnessed here."""
    return [Witnessed._make(row) for row in tx.all(_ALL)]


def _notes_for(tx: ReadTx, peer: SchemeId) -> list[bytes]:
    own = heads.newest_signed(tx)
    held = sorted(all_witnessed(tx), key=lambda each: each.scheme != peer)  # theirs first: it always fits
    notes = [each.note for each in held[: CHECKPOINTS_MAX - 1]]
    return notes if own is None or own.note is None else [own.note, *notes]


def _other_face(tx: ReadTx, scheme: SchemeId, said: Checkpoint) -> Note | None:
    """Return a checkpoint of that log and size with another root, seen or cosigned here."""
    seen, held = tx.one(_SEEN, scheme=scheme, size=said.size), read_held(tx, scheme)
    kept = [seen] if seen is not None else []
    kept += [(held.root, held.note)] if held is not None and held.size == said.size else []
    for root, note in kept:
        if root != said.root and origin_in(note) == said.origin:
            return parse_note(note)
    return None


def _note_refused(tx: Tx, scheme: SchemeId, why: str) -> None:
    tx.run(_REFUSED, which=scheme, why=why)


def _see(tx: Tx, scheme: SchemeId, checkpoint: Checkpoint, note: Note) -> Note | None:
    """Unit: keep a checkpoint; return the one of the same size and another root that is kept already."""
    known = tx.one(_SEEN, scheme=scheme, size=checkpoint.size)
    if known is not None:
        before = parse_note(known[1])
        origin = parse_checkpoint(before).origin
        if log_of_origin(checkpoint.origin)[1] <= log_of_origin(origin)[1]:
            return before if origin == checkpoint.origin and known[0] != checkpoint.root else None
        # The log began anew since (6.7 g): what was kept of the one before is compared with nothing any more.
    tx.run(_PUT_SEEN, scheme=scheme, size=checkpoint.size, root=checkpoint.root, note=note.data())
    for (size,) in tx.all(_OLD_SEEN, scheme=scheme):
        tx.run(_FORGET_SEEN, which=scheme, which_size=size)
    return None
