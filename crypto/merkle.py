"""Merkle trees over leaf hashes: roots, inclusion and consistency. Source: RFC 9162 2.1, docs/protocol.md 1.3, 4.1, 5.3.

A leaf here is 32 bytes and already a hash: the id of a signed body is its leaf hash, so a tree over ids is
the tree over the bodies. Proofs are made from all leaves and checked without any.

Policy for size 0, where the RFC is silent: the root of nothing is SHA-256 of nothing; nothing is included in
it; and every tree continues it, with an empty proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
# 2 × 64: a consistency proof in the largest tree that 64-bit sizes can count. Longer ones are not read.
PROOF_HASHES_MAX: Final = 128


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree that can grow, in at most 64 hashes: the roots of its complete subtrees, largest first.

    Each set bit of `size`, from the highest down, is one complete subtree. Store size and peaks, and a log
    of any length gets its next root without being read again.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if type(self.size) is not int or self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError("the peaks do not belong to a tree of this size")
        if any(type(peak) is not bytes or len(peak) != HASH_BYTES for peak in self.peaks):
            raise ValueError(f"a peak has {HASH_BYTES} bytes")

    def extended(self, leaves: Iterable[bytes]) -> Frontier:
        """Return the tree with `leaves` added at its end. Any number of them may stream through."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise ValueError(f"a leaf has {HASH_BYTES} bytes, not {len(leaf)}")
            tree, below = leaf, size
            while below & 1:  # two complete trees of one height become one, as in binary addition
                tree = _node(peaks.pop(), tree)
                below >>= 1
            peaks.append(tree)
            size += 1
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        """Return the root hash of the tree."""
        if not self.peaks:
            return EMPTY_ROOT
        tree = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            tree = _node(peak, tree)
        return tree


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over `leaves`, in order; they may stream through."""
    return Frontier().extended(leaves).root()


def _split(size: int) -> int:
    """Return the largest power of two below `size` (≥ 2): where the RFC divides a tree."""
    return 1 << (size - 1).bit_length() - 1


Ranges = tuple[tuple[int, int], ...]  # of leaves, each from its first to the one after its last


def inclusion_ranges(index: int, size: int) -> Ranges:
    """Return whose roots prove that leaf `index` is in a tree of `size`, lowest first. Source: RFC 9162 2.1.3.1."""
    if not 0 <= index < size:
        raise IndexError(f"no leaf {index} among {size}")
    ranges = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return tuple(reversed(ranges))


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the proof that `leaves[index]` is in the tree over `leaves`, lowest hash first."""
    return tuple(root(leaves[low:high]) for low, high in inclusion_ranges(index, len(leaves)))


def consistency_ranges(old_size: int, size: int) -> Ranges:
    """Return whose roots prove that a tree of `size` continues its first `old_size`. Source: RFC 9162 2.1.4.1."""
    if not 0 <= old_size <= size:
        raise IndexError(f"no tree of {old_size} within {size}")
    if old_size in (0, size):
        return ()
    ranges = []
    low, high = 0, size
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low:  # else the old tree is a whole subtree here, and the verifier has its root
        ranges.append((low, high))
    return tuple(reversed(ranges))


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Return the proof that the tree over `leaves` continues the one over its first `old_size`."""
    return tuple(root(leaves[low:high]) for low, high in consistency_ranges(old_size, len(leaves)))


def _are_hashes(hashes: Sequence[bytes]) -> bool:
    return len(hashes) <= PROOF_HASHES_MAX and all(
        type(item) is bytes and len(item) == HASH_BYTES for item in hashes
    )


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> bool:
    """Tell whether `proof` shows `leaf` at `index` of the tree of `size` leaves. Source: RFC 9162 2.1.3.2."""
    if not 0 <= index < size or not _are_hashes((*proof, leaf, root_hash)):
        return False
    position, last, tree = index, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            tree = _node(other, tree)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            tree = _node(tree, other)
        position >>= 1
        last >>= 1
    return last == 0 and tree == root_hash


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether `proof` shows that the new tree continues the old one. Source: RFC 9162 2.1.4.2."""
    if not 0 <= old_size <= new_size or not _are_hashes((*proof, old_root, new_root)):
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT and (new_size > 0 or new_root == EMPTY_ROOT)
    return _verify_subtree(0, old_size, old_root, new_size, new_root, proof)


def verify_subtree(
    start: int, end: int, subtree_root: bytes, size: int, root_hash: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether `proof` shows that leaves `start`…`end` (excluded) of the tree form that subtree.

    Consistency is the case `start` = 0. Source: draft-ietf-plants-merkle-tree-certs 4.4.
    """
    if not 0 <= start < end <= size or not _are_hashes((*proof, subtree_root, root_hash)):
        return False
    if start & (1 << (end - start - 1).bit_length()) - 1:
        return False  # the RFC's division of the tree has no such part
    return _verify_subtree(start, end, subtree_root, size, root_hash, proof)


def _verify_subtree(
    start: int, end: int, subtree_root: bytes, size: int, root_hash: bytes, proof: Sequence[bytes]
) -> bool:
    first, position, last = start, end - 1, size - 1
    # Climb to the largest complete tree that ends where the old one does.
    while first != position and (position & 1 or position == last):
        first, position, last = first >> 1, position >> 1, last >> 1
    hashes = iter(proof)
    old = new = subtree_root if first == position else next(hashes, b"")
    for other in hashes:
        if last == 0:
            return False
        if position & 1 or position == last:
            if first < position:
                old = _node(other, old)
            new = _node(other, new)
            while not position & 1 and position:
                first, position, last = first >> 1, position >> 1, last >> 1
        else:
            new = _node(new, other)
        first, position, last = first >> 1, position >> 1, last >> 1
    return last == 0 and old == subtree_root and new == root_hash
