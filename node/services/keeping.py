"""What this node keeps for neighbours: sealed copies of their books, which it cannot read, given back to whose they are.

How much of it is bounded. Our own copy with a neighbour is in `keepers.py`. Source: docs/protocol.md 6.7 (g).
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select

from crypto.canonical import Value
from node.federation.dispatch import Dispatch
from node.federation.session import Session
from node.store import ReadTx, Store, Tx
from node.store.schema import restore as schema
from node.supervisor import Supervisor
from protocol.errors import MalformedMessage
from protocol.frame import Frame, FrameType
from protocol.limits import KEPT_BYTES_MAX, KEPT_COPIES_MAX, KEPT_PART_BYTES_MAX
from protocol.names import SchemeId

OFFERED_BYTES: Final = 128 * 1024  # of parts in one answer

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


class Held(NamedTuple):
    """A copy that a keeper holds."""

    generation: int
    parts: int
    whole: bool


class Keeping:
    """See the head of this file. `tasks` must be entered for anything to be answered."""

    def __init__(
        self, *, store: Store, dispatch: Dispatch, neighbours: Callable[[], Set[SchemeId]], takes: bool = True
    ):
        """With `takes` false it gives back what it has and takes nothing: of a node that is not awake yet."""
        self._store: Final = store
        self._neighbours: Final = neighbours
        self.tasks: Final = Supervisor("keeping")
        dispatch.register(self, FrameType.KEPT_ASK, *((FrameType.KEEP,) if takes else ()))

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
