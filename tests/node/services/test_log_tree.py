"""The tree in the store against the tree in memory. Rules 4.1; C2SP tlog-tiles."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import insert

from crypto.digest import object_id
from crypto.merkle import consistency_proof, inclusion_proof, root
from crypto.signing import sign, split
from node.services import log_tree as tree
from node.store import InlineStore, Memory, Tx
from node.store.schema import books
from protocol.limits import TILE_WIDTH
from protocol.tiles import Tile, decode_bundle, tiles_of
from tests.protocol.logs import key

SIZES = (1, 2, 255, 256, 257, 511, 512, 700)


def body(seq: int) -> bytes:
    return f"entry {seq}".encode()


def wire(seq: int) -> bytes:
    return sign("test", None, body(seq), key("ledger"), 0).wire


def put(tx: Tx, first: int, end: int) -> None:
    tx.many(
        insert(books.entry),
        [
            {"seq": seq, "id": object_id(body(seq)), "time": seq, "kind": "posting", "wire": wire(seq), "book": b"", "book_salt": b"",
             "words": None, "words_salt": None}
            for seq in range(first, end)
        ],
    )  # fmt: skip


async def hash_all(store: InlineStore) -> int:
    """Make what is missing; return how many hashes that were."""
    count = 0
    while made := await store.read(tree.missing_hashes):
        await store.write(tree.keep_hashes, made)
        count += len(made)
    return count


async def filled(size: int) -> InlineStore:
    store = InlineStore(Memory())
    await store.write(put, 0, size)
    await hash_all(store)
    return store


@pytest.mark.parametrize("size", [0, *SIZES])
async def test_roots(size):
    store = await filled(size)

    for each in (size, size // 2, max(0, size - 1)):
        assert await store.read(tree.root_at, each) == root([object_id(body(seq)) for seq in range(each)])
    assert await store.read(tree.log_size) == await store.read(tree.hashed_size) == size


async def test_proofs():
    """Every proof is the one that is made from all leaves."""
    chance, store, leaves = random.Random(4), await filled(700), [object_id(body(seq)) for seq in range(700)]

    for _ in range(40):
        size = chance.randint(1, 700)
        index, old = chance.randrange(size), chance.randint(0, size)
        assert await store.read(tree.inclusion, index, size) == inclusion_proof(leaves[:size], index)
        assert await store.read(tree.consistency, old, size) == consistency_proof(leaves[:size], old)


async def test_a_tree_of_three_levels():
    """65,536 entries and some more: the second level of tiles; entries of which only the ids matter."""
    store = InlineStore(Memory())
    size, blank = TILE_WIDTH**2 + 300, wire(0)

    def unit(tx: Tx) -> None:
        tx.many(
            insert(books.entry),
            [
                {"seq": seq, "id": object_id(body(seq)), "time": 0, "kind": "posting", "wire": blank, "book": b"", "book_salt": b"",
                 "words": None, "words_salt": None}
                for seq in range(size)
            ],
        )  # fmt: skip

    await store.write(unit)
    assert await hash_all(store) == TILE_WIDTH + 1 + 1
    leaves = [object_id(body(seq)) for seq in range(size)]

    assert await store.read(tree.root_at, size) == root(leaves)
    assert await store.read(tree.inclusion, 5, size) == inclusion_proof(leaves, 5)
    assert await store.read(tree.consistency, 999, size) == consistency_proof(leaves, 999)


async def test_nothing_is_hashed_twice():
    """A start, or a minute, makes what came since; a full tree makes nothing."""
    store = await filled(600)

    assert await hash_all(store) == 0
    await store.write(put, 600, 800)
    assert await hash_all(store) == 1


async def test_a_tree_that_is_not_made_yet_is_not_spoken_of():
    """Entries may come between making hashes and reading the root."""
    store = await filled(300)
    await store.write(put, 300, 900)

    assert await store.read(tree.hashed_size) == 511
    assert await store.read(tree.root_at, 511) == root([object_id(body(seq)) for seq in range(511)])


async def test_tiles_and_bundles():
    store, leaves = await filled(700), [object_id(body(seq)) for seq in range(700)]

    assert await store.read(tree.read_tile, Tile(level=0, index=1)) == b"".join(leaves[256:512])
    assert await store.read(tree.read_tile, Tile(level=0, index=2, width=100)) == b"".join(leaves[512:612])
    level_1 = await store.read(tree.read_tile, Tile(level=1, index=0, width=2))
    assert level_1 == root(leaves[:256]) + root(leaves[256:512])
    bundle = decode_bundle(await store.read(tree.read_tile, Tile(level=None, index=2, width=188)))
    assert [object_id(each) for each in bundle] == leaves[512:]
    assert bundle[0] == split(wire(512))[0]


@pytest.mark.parametrize("size", SIZES)
async def test_the_root_is_reckoned_from_tiles_alone(size):
    """What a tool for public logs does: levels of the newest tiles, from the top down."""
    store = await filled(size)
    hashes = []
    for tile in reversed(tiles_of(size)):
        if tile.width < TILE_WIDTH:
            data = await store.read(tree.read_tile, tile)
            hashes += [(data[at : at + 32], 256 ** (tile.level or 0)) for at in range(0, len(data), 32)]
    # Peaks from large to small: equal neighbours join as in binary addition, the rest from the right.
    merged = _peaks(hashes)
    from crypto.merkle import Frontier

    assert Frontier(size, merged).root() == await store.read(tree.root_at, size)


def _peaks(hashes: list[tuple[bytes, int]]) -> tuple[bytes, ...]:
    stack: list[tuple[bytes, int]] = []
    for each in hashes:
        stack.append(each)
        while len(stack) > 1 and stack[-1][1] == stack[-2][1]:
            right, left = stack.pop(), stack.pop()
            stack.append((root([left[0], right[0]]), 2 * left[1]))
    return tuple(each for each, _ in stack)
