"""The tree over the ledger's entries, as one transaction sees it. Source: docs/protocol.md 4.1, C2SP tlog-tiles.

A leaf is an entry's id. The roots over every full 256, 256², … entries are kept, so that any root or proof takes a few
hundred hashes, whatever the length of the log. They are derived: `missing_hashes` makes those that are not there yet,
outside the transactions of trades.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, insert, select

from crypto.merkle import EMPTY_ROOT, consistency_ranges, inclusion_ranges, root
from crypto.signing import split
from node.store import ReadTx, Tx
from node.store.schema import books as books_schema
from node.store.schema import log as schema
from protocol.limits import TILE_WIDTH
from protocol.tiles import Tile, encode_bundle

MADE_A_TIME: Final = 64  # some 16,000 entries: a hundredth of a second's hashing

_E: Final = books_schema.entry.c
_SIZE: Final = select(func.max(_E.seq))
_IDS: Final = select(_E.id).where(_E.seq >= bindparam("first"), _E.seq < bindparam("end")).order_by(_E.seq)
_WIRES: Final = (
    select(_E.wire).where(_E.seq >= bindparam("first"), _E.seq < bindparam("end")).order_by(_E.seq)
)
_H: Final = schema.log_hash.c
_HASHES: Final = (
    select(_H.hash)
    .where(_H.level == bindparam("level"), _H.no >= bindparam("first"), _H.no < bindparam("end"))
    .order_by(_H.no)
)
_KEPT: Final = select(func.count()).select_from(schema.log_hash).where(_H.level == bindparam("level"))
_NEW_HASH: Final = insert(schema.log_hash)


class TreeHash(NamedTuple):
    """The root over 256**level entries, from no · 256**level on."""

    level: int
    no: int
    hash: bytes


def log_size(tx: ReadTx) -> int:
    """Return how many entries there are."""
    newest: int | None = tx.scalar(_SIZE)
    return 0 if newest is None else newest + 1


def hashed_size(tx: ReadTx) -> int:
    """Return how many entries, from the first on, every hash is kept for that their tree needs."""
    size, level, block = log_size(tx), 1, TILE_WIDTH
    most = size
    while block <= size:
        most = min(most, (int(tx.scalar(_KEPT, level=level)) + 1) * block - 1)
        level, block = level + 1, block * TILE_WIDTH
    return most


def _hashes(tx: ReadTx, level: int, first: int, count: int) -> list[bytes]:
    if level == 0:
        rows = tx.all(_IDS, first=first, end=first + count)
    else:
        rows = tx.all(_HASHES, level=level, first=first, end=first + count)
    if len(rows) != count:
        raise AssertionError(f"hashes of level {level} from {first} on are missing")
    return [row[0] for row in rows]


def _range_root(tx: ReadTx, low: int, high: int) -> bytes:
    """Return the root over the entries `low`…`high` (excluded), one of the parts into which RFC 9162 divides a tree.

    Whole blocks of 256 to some power come from what is kept. The RFC divides between them before it divides them, so
    the root over blocks and a shorter rest is that over all their entries.
    """
    level, block = 0, 1
    while block * TILE_WIDTH <= high - low:
        level, block = level + 1, block * TILE_WIDTH
    count = (high - low) // block
    parts = _hashes(tx, level, low // block, count)
    if low + count * block < high:
        parts.append(_range_root(tx, low + count * block, high))
    return root(parts)


def root_at(tx: ReadTx, size: int) -> bytes:
    """Return the root over the first `size` entries, which must be there."""
    return _range_root(tx, 0, size) if size else EMPTY_ROOT


def inclusion(tx: ReadTx, index: int, size: int) -> tuple[bytes, ...]:
    """Return the proof that entry `index` is among the first `size`."""
    return tuple(_range_root(tx, low, high) for low, high in inclusion_ranges(index, size))


def consistency(tx: ReadTx, old_size: int, size: int) -> tuple[bytes, ...]:
    """Return the proof that the log of `size` entries continues that of `old_size`."""
    return tuple(_range_root(tx, low, high) for low, high in consistency_ranges(old_size, size))


def missing_hashes(tx: ReadTx) -> list[TreeHash]:
    """Return some hashes that are not kept yet, in the order in which they are to be kept; none: all are."""
    level, below = 0, log_size(tx)
    while below >= TILE_WIDTH:
        level, complete = level + 1, below // TILE_WIDTH
        kept = int(tx.scalar(_KEPT, level=level))
        if kept < complete:
            return [
                TreeHash(level, no, root(_hashes(tx, level - 1, no * TILE_WIDTH, TILE_WIDTH)))
                for no in range(kept, min(complete, kept + MADE_A_TIME))
            ]
        below = complete
    return []


def keep_hashes(tx: Tx, made: list[TreeHash]) -> None:
    """Unit: keep what `missing_hashes` made."""
    tx.many(_NEW_HASH, [{"level": each.level, "no": each.no, "hash": each.hash} for each in made])


def read_tile(tx: ReadTx, tile: Tile) -> bytes:
    """Return the bytes of a tile or bundle that the log has."""
    first = tile.index * TILE_WIDTH
    if tile.level is not None:
        return b"".join(_hashes(tx, tile.level, first, tile.width))
    rows = tx.all(_WIRES, first=first, end=first + tile.width)
    return encode_bundle(split(wire)[0] for (wire,) in rows)
