"""Keepers: a sealed copy of our books with one neighbour, never older than a minute; and theirs with us.

When a neighbour is in session and nobody keeps a copy, a whole one is sent, and from then on every write, every few
seconds. After a boot a new copy is begun, because what was written and not yet sent is forgotten with the process.
The keeper cannot read any of it and owes nothing for it; how much it holds is bounded. What a copy holds is in
`kept_copy.py`, reading it back in `node/cli/restore.py`. Source: docs/protocol.md 6.7 (g).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set
from typing import Final, NamedTuple

import structlog
from sqlalchemy import bindparam, delete, func, insert, select

from crypto.canonical import Value
from node.clock import Clock
from node.federation.dispatch import Dispatch, NoAnswer
from node.federation.links import Links
from node.federation.session import Session
from node.keyring import KeyRing
from node.services.catching_up import Offload
from node.services.kept_copy import Rows, change_parts, is_kept, read_all, whole_parts
from node.store import ReadTx, Store, Tx, Written, upsert
from node.store.schema import meta
from node.store.schema import restore as schema
from node.supervisor import Supervisor
from protocol.errors import MalformedMessage
from protocol.frame import Frame, FrameType
from protocol.limits import KEPT_BYTES_MAX, KEPT_COPIES_MAX, KEPT_PART_BYTES_MAX
from protocol.names import SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# Writes waiting to be sent; with more of them a new whole copy is the shorter way.
WAITING_MAX: Final = 200_000
CHANGES_PARTS_MAX: Final = 2_000  # after so many parts of changes the copy is begun anew
REFUSED_S: Final = 600.0  # a neighbour that keeps nothing for us is not asked again so soon
ANSWER_MS: Final = 20_000
OFFERED_BYTES: Final = 128 * 1024  # of parts in one answer
KEPT_GENERATION: Final = (
    "kept-generation"  # in `meta`: the newest whole copy of this database that somebody keeps
)

_K: Final = schema.kept.c
_PARTS: Final = select(func.count(), func.coalesce(func.sum(_K.size), 0)).where(
    _K.scheme == bindparam("scheme"), _K.generation == bindparam("generation")
)
_HELD: Final = (
    select(_K.generation, func.count(), func.max(_K.whole), func.sum(_K.size))
    .where(_K.scheme == bindparam("scheme"))
    .group_by(_K.generation)
    .order_by(_K.generation)
)
_NEW_PART: Final = insert(schema.kept)
_DROP: Final = delete(schema.kept).where(
    _K.scheme == bindparam("which"), _K.generation == bindparam("which_generation")
)
_SOME: Final = (
    select(_K.data, _K.size)
    .where(
        _K.scheme == bindparam("scheme"),
        _K.generation == bindparam("generation"),
        _K.part >= bindparam("first"),
    )
    .order_by(_K.part)
    .limit(64)
)
_META: Final = select(meta.c.value).where(meta.c.key == bindparam("key"))
_PUT_META: Final = upsert(meta, key=("key",), update=("value",))


class Held(NamedTuple):
    """A copy that a keeper holds."""

    generation: int
    parts: int
    whole: bool


class _Copy(NamedTuple):
    """The copy that is being kept up now."""

    keeper: SchemeId
    generation: int
    parts: int  # sent and acknowledged
    first_change: int


class Keepers:
    """See the head of this file. `send_now` is a job of the node's."""

    def __init__(
        self, *, store: Store, clock: Clock, keyring: KeyRing, pepper: bytes, links: Links, dispatch: Dispatch,
        neighbours: Callable[[], Set[SchemeId]], ahead: Callable[[SchemeId], None], offload: Offload,
    ):  # fmt: skip
        """`ahead` is told who keeps a copy of our books that is newer than this database."""
        self._store: Final = store
        self._clock: Final = clock
        self._keyring: Final = keyring
        self._pepper: Final = pepper
        self._links: Final = links
        self._neighbours: Final = neighbours
        self._ahead: Final = ahead
        self._offload: Final = offload
        self._copy: _Copy | None = None
        self._waiting: list[Written] = []
        self._torn = False  # too much was written to be sent: the copy is begun anew
        self._refused_until: Final[dict[SchemeId, float]] = {}
        self.tasks: Final = Supervisor("keepers")
        self._renewals = 0  # whole copies still to be begun anew
        self.kept_ms = 0  # when a keeper last had everything
        dispatch.register(self, FrameType.KEEP, FrameType.KEPT_ASK)

    @property
    def keeper(self) -> SchemeId | None:
        """Who keeps our copy now."""
        return None if self._copy is None else self._copy.keeper

    def renew(self) -> None:
        """Begin as many whole copies anew as a keeper keeps, so that none of before now is left with it. Source: 6.7 (g)."""
        self._renewals = KEPT_COPIES_MAX
        self._waiting, self._torn = [], True

    # --- our copy ---------------------------------------------------------------------------------------------

    async def send_now(self) -> None:
        """Let a keeper have everything written until now; a job that comes round every KEEP_EVERY_MS."""
        began_ms = self._clock.now_ms()
        try:
            if self._copy is None or self._torn or self._renewals or self._is_long(self._copy):
                await self._begin()
            else:
                await self._send_changes(self._copy)
        except NoAnswer as lost:
            log.info("keeper_lost", reason=str(lost))
            self._copy = None  # another one is looked for in the next round
        if self._copy is not None:
            self.kept_ms = began_ms

    def _is_long(self, copy: _Copy) -> bool:
        changes = copy.parts - copy.first_change
        return changes > max(CHANGES_PARTS_MAX, copy.first_change)

    def _candidate(self) -> SchemeId | None:
        now = asyncio.get_running_loop().time()
        if self._copy is not None and self._copy.keeper in self._links.live:
            return self._copy.keeper
        return next(
            (
                peer
                for peer in sorted(self._neighbours() & self._links.live.keys())
                if self._refused_until.get(peer, 0.0) <= now
            ),
            None,
        )

    async def _begin(self) -> None:
        """Send a whole copy. Raises NoAnswer."""
        keeper = self._candidate()
        self._copy = None
        if keeper is None:
            self._forget()
            return
        held = await self._held_by(keeper)
        newest = max((each.generation for each in held if each.whole), default=0)
        if newest > await self._store.read(_own_generation):
            self._ahead(keeper)
        generation = max(self._clock.now_ms(), newest + 1)
        self._store.redo.tell = self._take
        everything = await self._store.write(self._read_all)
        parts = await self._offload(whole_parts, everything, generation, self._pepper, self._keyring.safe)
        if await self._send(keeper, generation, 0, parts, whole=True):
            await self._store.write(_note_generation, generation)
            self._copy = _Copy(keeper, generation, len(parts), len(parts))
            self._renewals = max(0, self._renewals - 1)
            log.info("copy_kept", keeper=scheme_text(keeper), parts=len(parts))
            await self._send_changes(self._copy)
        else:
            self._refused_until[keeper] = asyncio.get_running_loop().time() + REFUSED_S
            self._forget()

    def _read_all(self, tx: Tx) -> list[Rows]:
        # Told in the order of the units: what comes after this is not in the copy, what came before is.
        tx.on_commit(self._from_here)
        return read_all(tx, self._keyring.scheme)

    def _from_here(self) -> None:
        self._waiting, self._torn = [], False

    def _forget(self) -> None:
        self._store.redo.tell = None
        self._from_here()

    def _take(self, written: list[Written]) -> None:
        mine = [each for each in written if is_kept(each)]
        if len(self._waiting) + len(mine) > WAITING_MAX:
            self._waiting, self._torn = [], True
        elif not self._torn:
            self._waiting += mine

    async def _send_changes(self, copy: _Copy) -> None:
        """Send what was written since. Raises NoAnswer."""
        if copy.keeper not in self._links.live:
            raise NoAnswer("not connected")
        if not self._waiting:
            return
        writes, self._waiting = self._waiting, []
        parts = await self._offload(change_parts, writes, copy.generation, copy.parts, self._keyring.safe)
        if not await self._send(copy.keeper, copy.generation, copy.parts, parts, whole=False):
            raise NoAnswer("it keeps no more for us")
        self._copy = copy._replace(parts=copy.parts + len(parts))

    async def _send(
        self, keeper: SchemeId, generation: int, first: int, parts: list[bytes], *, whole: bool
    ) -> bool:
        for part, data in enumerate(parts, start=first):
            last = whole and part == first + len(parts) - 1
            frame = await self._links.request(
                keeper, FrameType.KEEP, (generation, part, last, data), timeout_ms=ANSWER_MS
            )
            if frame.payload != (generation, part):
                return False
        return True

    async def _held_by(self, keeper: SchemeId) -> list[Held]:
        frame = await self._links.request(keeper, FrameType.KEPT_ASK, (), timeout_ms=ANSWER_MS)
        return read_held(frame.payload)

    # --- what we keep for others ------------------------------------------------------------------------------

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Keep a part, or give parts back to whose they are. Raises ProtocolError."""
        if frame.type is FrameType.KEEP:
            generation, part, whole, data = _read_keep(frame.payload)
            self.tasks.spawn(self._keep(session, frame, generation, part, whole, data), "keep")
        else:
            self.tasks.spawn(self._give_back(session, frame, _read_ask(frame.payload)), "give-back")

    async def _keep(
        self, session: Session, frame: Frame, generation: int, part: int, whole: bool, data: bytes
    ) -> None:
        kept = session.peer in self._neighbours() and await self._store.write(
            put_part, session.peer, generation, part, whole, data
        )
        await session.answer(frame, (generation, part) if kept else ())

    async def _give_back(self, session: Session, frame: Frame, ask: tuple[int, int] | None) -> None:
        answer: Value
        if ask is None:
            answer = tuple(await self._store.read(read_copies, session.peer))
        else:
            answer = await self._store.read(read_parts, session.peer, *ask)
        await session.answer(frame, answer)


# --- reading and writing --------------------------------------------------------------------------------------


def put_part(tx: Tx, scheme: SchemeId, generation: int, part: int, whole: bool, data: bytes) -> bool:
    """Unit: keep the next part of a copy for `scheme`; False if there is no room, or parts before it are missing."""
    count, _ = tx.one(_PARTS, scheme=scheme, generation=generation) or (0, 0)
    if part != count:
        return False
    copies = [(row[0], bool(row[2]), row[3]) for row in tx.all(_HELD, scheme=scheme)]
    # A younger whole copy of the same scheme makes older ones spare; unfinished ones are worth nothing.
    older = [each for each in copies if each[0] < generation]
    if whole:
        spare = [each for each in older if not each[1]] + [each for each in older if each[1]][
            : -(KEPT_COPIES_MAX - 1)
        ]
    else:
        spare = []
    room = KEPT_BYTES_MAX - sum(size for _, _, size in copies) - len(data)
    while room < 0 and len(older) > 1:  # the newest older one stays until the new one is whole
        spare.append(older.pop(0))
        room += spare[-1][2]
    if room < 0:
        return False
    for each in spare:
        tx.run(_DROP, which=scheme, which_generation=each[0])
    tx.run(_NEW_PART, scheme=scheme, generation=generation, part=part, whole=whole, size=len(data), data=data)
    return True


def read_copies(tx: ReadTx, scheme: SchemeId) -> list[tuple[int, int, bool]]:
    """Return the copies kept for `scheme`: generation, number of parts, whether it is whole."""
    return [(generation, parts, bool(whole)) for generation, parts, whole, _ in tx.all(_HELD, scheme=scheme)]


def read_parts(tx: ReadTx, scheme: SchemeId, generation: int, first: int) -> tuple[bytes, ...]:
    """Return some parts of a copy, as many as fit one answer; none where there are no more."""
    parts: list[bytes] = []
    room = OFFERED_BYTES
    for data, size in tx.all(_SOME, scheme=scheme, generation=generation, first=first):
        if parts and size > room:
            break
        parts.append(data)
        room -= size
    return tuple(parts)


def _own_generation(tx: ReadTx) -> int:
    return int(tx.scalar(_META, key=KEPT_GENERATION) or 0)


def _note_generation(tx: Tx, generation: int) -> None:
    tx.run(_PUT_META, key=KEPT_GENERATION, value=str(generation))


def _read_keep(payload: Value) -> tuple[int, int, bool, bytes]:
    match payload:
        case (int(generation), int(part), bool(whole), bytes(data)) if (
            type(generation) is int and type(part) is int and 0 <= part < 2**31 and 0 < generation < 2**53
        ):
            if len(data) > KEPT_PART_BYTES_MAX:
                raise MalformedMessage("a part too long")
            return generation, part, whole, data
        case _:
            raise MalformedMessage("not [generation, part, whole, data]")


def _read_ask(payload: Value) -> tuple[int, int] | None:
    match payload:
        case ():
            return None
        case (int(generation), int(part)) if type(generation) is int and type(part) is int:
            return generation, part
        case _:
            raise MalformedMessage("not [] or [generation, part]")


def read_held(payload: Value) -> list[Held]:
    """Return the copies that a keeper says it holds. Raises MalformedMessage."""
    if type(payload) is not tuple:
        raise MalformedMessage("no list of copies")
    held = []
    for each in payload:
        match each:
            case (int(generation), int(parts), bool(whole)):
                held.append(Held(generation, parts, whole))
            case _:
                raise MalformedMessage("no list of copies")
    return held
