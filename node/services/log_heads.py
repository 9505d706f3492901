"""Heads of our log in the store, and who cosigned them. Source: docs/protocol.md 4.2, 4.3, 11 (I10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from node.store import ReadTx, Tx, upsert
from node.store.schema import log as schema
from protocol.checkpoint import Checkpoint, log_of_origin, parse_checkpoint
from protocol.names import SchemeId
from protocol.note import NoteSignature, parse_note

HEADS_KEPT: Final = 256  # four hours of a busy log

_L: Final = schema.log_head.c
_COLUMNS: Final = (_L.size, _L.root, _L.stored_ms, _L.note, _L.cosigned)
_NEWEST: Final = select(*_COLUMNS).order_by(_L.size.desc()).limit(1)
_NEWEST_SIGNED: Final = select(*_COLUMNS).where(_L.note.is_not(None)).order_by(_L.size.desc()).limit(1)
_NEWEST_COSIGNED: Final = (
    select(*_COLUMNS).where(_L.cosigned >= bindparam("quorum")).order_by(_L.size.desc()).limit(1)
)
_AT: Final = select(*_COLUMNS).where(_L.size == bindparam("size"))
_NEW: Final = insert(schema.log_head)
_COSIGNED: Final = (
    update(schema.log_head)
    .where(_L.size == bindparam("which"))
    .values(note=bindparam("new_note"), cosigned=bindparam("new_cosigned"))
)
_OLD: Final = select(_L.size).order_by(_L.size.desc()).offset(HEADS_KEPT)
_MOST_COSIGNED: Final = select(_L.size).order_by(_L.cosigned.desc(), _L.size.desc()).limit(1)
_FORGET: Final = delete(schema.log_head).where(_L.size == bindparam("which"))
_W: Final = schema.log_witness.c
_WITNESSES: Final = select(_W.scheme, _W.size, _W.note, _W.cosigned_ms)
_WITNESS: Final = _WITNESSES.where(_W.scheme == bindparam("scheme"))
_PUT_WITNESS: Final = upsert(schema.log_witness, key=("scheme",), update=("size", "note", "cosigned_ms"))
_FORGET_HEADS: Final = delete(schema.log_head)
_FORGET_WITNESSES: Final = delete(schema.log_witness)
# Among what is kept of others: a checkpoint of ours that this database cannot continue.
_S: Final = schema.checkpoint_seen.c
_PUT_SHOWN: Final = upsert(schema.checkpoint_seen, key=("scheme", "size"), update=("root", "note"))
_SHOWN: Final = (
    select(_S.size, _S.root, _S.note).where(_S.scheme == bindparam("scheme")).order_by(_S.size.desc())
)


class HeadRefused(Exception):
    """A head that would be a second one of its size, or smaller than one before: nothing was stored. Source: 4.2."""


class Head(NamedTuple):
    """A stored head; `note` is None until it is signed."""

    size: int
    root: bytes
    stored_ms: int
    note: bytes | None
    cosigned: int  # by how many witnesses


class Witness(NamedTuple):
    """What a witness cosigned last of our log."""

    scheme: SchemeId
    size: int
    note: bytes
    cosigned_ms: int


def is_of_older_log(tx: ReadTx, number: int) -> bool:
    """Tell whether the heads kept are of a log before `number`, which has begun since. Source: 6.7 (g)."""
    head = newest_signed(tx)
    if head is None or head.note is None:
        return False
    return log_of_origin(parse_checkpoint(parse_note(head.note)).origin)[1] < number


def forget_older_log(tx: Tx, number: int) -> None:
    """Unit: keep no heads, nor what witnesses cosigned, of a log before `number`."""
    if is_of_older_log(tx, number):
        tx.run(_FORGET_HEADS)
        tx.run(_FORGET_WITNESSES)


def note_shown(tx: Tx, scheme: SchemeId, checkpoint: Checkpoint, note: bytes) -> None:
    """Unit: keep a checkpoint of ours that somebody holds and this database cannot continue."""
    tx.run(_PUT_SHOWN, scheme=scheme, size=checkpoint.size, root=checkpoint.root, note=note)


def shown(tx: ReadTx, scheme: SchemeId, origin: str) -> list[tuple[int, bytes]]:
    """Return size and root of each checkpoint of the log `origin` that was shown so, the largest first."""
    rows = tx.all(_SHOWN, scheme=scheme)
    return [(size, root) for size, root, note in rows if note.startswith(f"{origin}\n".encode())]


def newest_head(tx: ReadTx) -> Head | None:
    """Return the newest head, signed or not."""
    row = tx.one(_NEWEST)
    return None if row is None else Head._make(row)


def newest_signed(tx: ReadTx) -> Head | None:
    """Return the newest head that is signed, and so may have been published."""
    row = tx.one(_NEWEST_SIGNED)
    return None if row is None else Head._make(row)


def newest_cosigned(tx: ReadTx, quorum: int) -> Head | None:
    """Return the newest head that at least `quorum` witnesses cosigned."""
    row = tx.one(_NEWEST_COSIGNED, quorum=quorum)
    return None if row is None else Head._make(row)


def store_head(tx: Tx, size: int, root: bytes, now_ms: int) -> None:
    """Unit: store a head before it is signed.

    Raises:
        HeadRefused: a larger one is stored, or one of this size with another root.
    """
    newest = newest_head(tx)
    if newest is not None and size < newest.size:
        raise HeadRefused(f"a head of {newest.size} entries is stored, this one has {size}")
    if newest is not None and size == newest.size:
        if root != newest.root:
            raise HeadRefused(f"another head of {size} entries is stored")
        return
    tx.run(_NEW, size=size, root=root, stored_ms=now_ms, note=None, cosigned=0)


def publish_head(tx: Tx, size: int, note: bytes, *, instead: bool) -> None:
    """Unit: keep the signed note of a stored head. One that is signed already keeps its note, unless `instead`."""
    row = tx.one(_AT, size=size)
    assert row is not None, "a head is stored before it is signed"
    if instead or Head._make(row).note is None:
        tx.run(_COSIGNED, which=size, new_note=note, new_cosigned=0)
    best = tx.scalar(_MOST_COSIGNED)
    for (old,) in tx.all(_OLD):
        if old != best:
            tx.run(_FORGET, which=old)


def note_cosigned(
    tx: Tx, witness: SchemeId, size: int, lines: Sequence[NoteSignature], cosigned_ms: int
) -> None:
    """Unit: keep the verified cosignature of a witness over our head of `size`; one of a head forgotten counts no more."""
    row = tx.one(_AT, size=size)
    if row is None or row[3] is None:
        return
    head = Head._make(row)
    note = parse_note(head.note or b"")
    with_it = note.with_signatures(lines)
    names = {each.name for each in note.signatures}
    cosigned = head.cosigned + (lines[0].name not in names)
    tx.run(_COSIGNED, which=size, new_note=with_it.data(), new_cosigned=cosigned)
    known = tx.one(_WITNESS, scheme=witness)
    if known is None or known[1] <= size:
        shown = note.only_by([note.signatures[0].name]).with_signatures(lines)
        tx.run(_PUT_WITNESS, scheme=witness, size=size, note=shown.data(), cosigned_ms=cosigned_ms)


def witnesses(tx: ReadTx) -> dict[SchemeId, Witness]:
    """Return what each witness cosigned last."""
    return {row[0]: Witness._make(row) for row in tx.all(_WITNESSES)}


def witness_of(tx: ReadTx, scheme: SchemeId) -> Witness | None:
    """Return what a witness cosigned last."""
    row = tx.one(_WITNESS, scheme=scheme)
    return None if row is None else Witness._make(row)
