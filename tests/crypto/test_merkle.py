"""Trees against the RFC's own recursive definition and the published vectors. Rules 1.3, 4.1, 5.3."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.digest import object_id
from crypto.merkle import (
    EMPTY_ROOT,
    PROOF_HASHES_MAX,
    Frontier,
    consistency_proof,
    inclusion_proof,
    root,
    verify_consistency,
    verify_inclusion,
    verify_subtree,
)

# transparency-dev/merkle testonly/constants.go (Apache-2.0): the leaves, and the roots of sizes 0 to 8.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [object_id(bytes.fromhex(text)) for text in INPUTS]


def leaves_of(count: int) -> list[bytes]:
    return [object_id(str(number).encode()) for number in range(count)]


def root_by_the_book(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + root_by_the_book(leaves[:k]) + root_by_the_book(leaves[k:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots(size: int) -> None:
    """Rule 4.1."""
    assert root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize("size", [*range(70), 127, 128, 129, 255, 1000])
def test_roots_follow_the_recursive_definition(size: int) -> None:
    """Rule 4.1."""
    assert root(iter(leaves_of(size))) == root_by_the_book(leaves_of(size))


@given(first=st.integers(0, 200), more=st.integers(0, 200))
def test_a_frontier_grows_to_the_same_tree(first: int, more: int) -> None:
    """Rule 4.1: what a log stores of itself gives its next root."""
    leaves = leaves_of(first + more)
    stored = Frontier().extended(leaves[:first])
    grown = Frontier(stored.size, stored.peaks).extended(leaves[first:])

    assert grown == Frontier().extended(leaves)
    assert grown.root() == root_by_the_book(leaves)
    assert len(grown.peaks) == grown.size.bit_count()


@pytest.mark.parametrize(
    "size, peaks",
    [(-1, ()), (0, (b"a" * 32,)), (1, ()), (3, (b"a" * 32,)), (1, (b"a" * 31,)), (True, (b"a" * 32,))],
)
def test_a_frontier_that_cannot_be_is_refused(size: int, peaks: tuple[bytes, ...]) -> None:
    """Rule 4.1: a damaged row does not become a root."""
    with pytest.raises(ValueError):
        Frontier(size, peaks)


@pytest.mark.parametrize("leaf", [b"", b"a" * 31, b"a" * 33])
def test_a_leaf_is_a_hash(leaf: bytes) -> None:
    """Rule 1.3: leaves are ids."""
    with pytest.raises(ValueError):
        root([leaf])


@pytest.mark.parametrize("size", [*range(1, 20), 31, 32, 33, 100])
def test_every_leaf_of_every_tree_can_be_proved(size: int) -> None:
    """Rule 4.4."""
    leaves = leaves_of(size)
    for index in range(size):
        proof = inclusion_proof(leaves, index)
        assert verify_inclusion(leaves[index], index, size, proof, root(leaves))
        for other in range(size + 1):
            if other != index:
                assert not verify_inclusion(leaves[index], other, size, proof, root(leaves))


@pytest.mark.parametrize("size", [*range(20), 31, 32, 33, 64])
def test_every_tree_continues_each_of_its_beginnings(size: int) -> None:
    """Rule 4.2."""
    leaves = leaves_of(size)
    for old_size in range(size + 1):
        proof = consistency_proof(leaves, old_size)
        assert verify_consistency(old_size, root(leaves[:old_size]), size, root(leaves), proof)
        if 0 < old_size < size:
            assert not verify_consistency(old_size - 1, root(leaves[:old_size]), size, root(leaves), proof)
            assert not verify_consistency(old_size, root(leaves[1 : old_size + 1]), size, root(leaves), proof)


def flipped(content: bytes, bit: int) -> bytes:
    altered = bytearray(content)
    altered[bit // 8] ^= 1 << bit % 8
    return bytes(altered)


trees = st.integers(2, 150).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


@given(tree=trees, which=st.integers(0, 20), bit=st.integers(0, 255))
def test_every_flipped_bit_of_an_inclusion_proof_is_refused(
    tree: tuple[int, int], which: int, bit: int
) -> None:
    """Rule 4.4: in the leaf, the root and each hash; and a hash more or less."""
    size, index = tree
    leaves = leaves_of(size)
    proof, top = inclusion_proof(leaves, index), root(leaves)
    assert verify_inclusion(leaves[index], index, size, proof, top)

    place = which % len(proof)
    altered = (*proof[:place], flipped(proof[place], bit), *proof[place + 1 :])
    assert not verify_inclusion(leaves[index], index, size, altered, top)
    assert not verify_inclusion(flipped(leaves[index], bit), index, size, proof, top)
    assert not verify_inclusion(leaves[index], index, size, proof, flipped(top, bit))
    assert not verify_inclusion(leaves[index], index, size, proof[:-1], top)
    assert not verify_inclusion(leaves[index], index, size, (*proof, top), top)
    assert not verify_inclusion(leaves[index], index, size, (top, *proof), top)


@given(tree=trees, which=st.integers(0, 20), bit=st.integers(0, 255))
def test_every_flipped_bit_of_a_consistency_proof_is_refused(
    tree: tuple[int, int], which: int, bit: int
) -> None:
    """Rule 4.2: in both roots and each hash; and a hash more or less."""
    size, old_size = tree[0], tree[1] or 1
    leaves = leaves_of(size)
    proof, old, new = consistency_proof(leaves, old_size), root(leaves[:old_size]), root(leaves)
    assert verify_consistency(old_size, old, size, new, proof)

    place = which % len(proof)
    altered = (*proof[:place], flipped(proof[place], bit), *proof[place + 1 :])
    assert not verify_consistency(old_size, old, size, new, altered)
    assert not verify_consistency(old_size, flipped(old, bit), size, new, proof)
    assert not verify_consistency(old_size, old, size, flipped(new, bit), proof)
    assert not verify_consistency(old_size, old, size, new, proof[:-1])
    assert not verify_consistency(old_size, old, size, new, (*proof, new))
    assert not verify_consistency(old_size, new, size, old, proof)


@pytest.mark.parametrize(
    "start, end", [(1, 3), (1, 2), (2, 4), (3, 5), (2, 2), (3, 2), (-1, 1), (4, 9), (6, 8)]
)
def test_only_parts_of_the_division_are_subtrees(start: int, end: int) -> None:
    """The draft's 4.1: `start` is a multiple of the smallest power of two that covers the part."""
    size, top = 8, root(LEAVES)
    a, b, c = (root(LEAVES[low : low + 2]) for low in (0, 2, 4))
    proofs = {
        (1, 2): (LEAVES[0], b, root(LEAVES[4:])),
        (2, 4): (a, root(LEAVES[4:])),
        (6, 8): (c, root(LEAVES[:4])),
    }
    proof = proofs.get((start, end), ())
    # A part that cannot be is offered with the root itself, which its empty proof would reach.
    part = root(LEAVES[start:end]) if proof else top

    assert verify_subtree(start, end, part, size, top, proof) is bool(proof)


def test_a_part_that_is_not_of_the_division_is_refused_though_its_hashes_fit() -> None:
    """The draft's 4.1: the arithmetic alone would take the root of leaves 0…2 for that of leaves 1 and 2."""
    proof = (LEAVES[2], LEAVES[3], root(LEAVES[:2]))

    assert verify_subtree(0, 3, root(LEAVES[:3]), 4, root(LEAVES[:4]), proof)
    assert not verify_subtree(1, 3, root(LEAVES[:3]), 4, root(LEAVES[:4]), proof)


@pytest.mark.parametrize(
    "old_size, old, new_size, new, proof, answer",
    [
        (0, EMPTY_ROOT, 0, EMPTY_ROOT, (), True),
        (0, EMPTY_ROOT, 3, root(LEAVES[:3]), (), True),
        (0, EMPTY_ROOT, 3, root(LEAVES[:3]), (LEAVES[0],), False),
        (0, LEAVES[0], 3, root(LEAVES[:3]), (), False),
        (0, EMPTY_ROOT, 0, LEAVES[0], (), False),
        (1, LEAVES[0], 0, EMPTY_ROOT, (), False),
        (-1, EMPTY_ROOT, 0, EMPTY_ROOT, (), False),
    ],
)
def test_the_policy_for_size_0(
    old_size: int, old: bytes, new_size: int, new: bytes, proof: tuple[bytes, ...], answer: bool
) -> None:
    """Rule 4.2, where the RFC is silent: every tree continues the empty one, with nothing to show for it."""
    assert verify_consistency(old_size, old, new_size, new, proof) is answer


def test_nothing_is_included_in_nothing() -> None:
    """Rule 4.4, size 0."""
    assert not verify_inclusion(LEAVES[0], 0, 0, (), EMPTY_ROOT)
    for index in (-1, 0, 1):
        with pytest.raises(IndexError):
            inclusion_proof([], index)
    for old_size in (-1, 1):
        with pytest.raises(IndexError):
            consistency_proof([], old_size)


@given(
    size=st.integers(-1, 2**64), index=st.integers(-1, 2**64), old_size=st.integers(-1, 2**64),
    proof=st.lists(st.binary(min_size=31, max_size=33), max_size=70),
)  # fmt: skip
def test_no_proof_made_up_is_accepted_or_raises(
    size: int, index: int, old_size: int, proof: list[bytes]
) -> None:
    """Rule 4.4: proofs are foreign input."""
    assert not verify_inclusion(LEAVES[0], index, size, proof, LEAVES[1])
    assert not verify_consistency(old_size, LEAVES[0], size, LEAVES[1], proof)
    assert not verify_subtree(index, old_size, LEAVES[0], size, LEAVES[1], proof)


def test_a_proof_longer_than_any_tree_needs_is_not_hashed() -> None:
    """Rule 1.1: every loop over foreign input has a limit."""
    proof = [LEAVES[0]] * (PROOF_HASHES_MAX + 1)

    assert not verify_inclusion(LEAVES[0], 0, 2**200, proof, LEAVES[1])
    assert not verify_consistency(1, LEAVES[0], 2**200, LEAVES[1], proof)


# The published files whose answer differs here, and why.
DIFFERENT = {
    # A root has 32 bytes here; the suite compares texts of any length with one another.
    "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
    "subtreeconsistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
    # Size 0: the suite's empty subtree is part of every tree, of whatever root. Here no proof is about nothing.
    "subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-one-subtree-root-valid-proof-is-empty.json",
    "subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-one-subtree-root-valid-tree-root-random-proof-is-empty.json",
    "subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-proof-is-empty.json",
    "subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-tree-root-random-proof-is-empty.json",
    "subtreeconsistency/additional/subtree-is-empty-subtree-root-valid-proof-is-empty.json",
    "subtreeconsistency/additional/subtree-is-empty-subtree-root-valid-tree-root-random-proof-is-empty.json",
}


def answer_to(kind: str, case: dict[str, Any]) -> bool:
    def raw(name: str) -> bytes:
        return base64.b64decode(case[name])

    proof = [base64.b64decode(text) for text in case["proof"] or ()]
    if kind == "inclusion":
        return verify_inclusion(raw("leafHash"), case["leafIdx"], case["treeSize"], proof, raw("root"))
    if kind == "consistency":
        return verify_consistency(case["size1"], raw("root1"), case["size2"], raw("root2"), proof)
    start, end = case["start"], case["end"]
    if kind == "subtreeconsistency":
        return verify_subtree(start, end, raw("root1"), case["size"], raw("root2"), proof)
    # A leaf's place within a subtree is its place in a tree of that size, if such a subtree can be.
    aligned = start < end and start % (1 << (end - start - 1).bit_length()) == 0
    return aligned and verify_inclusion(
        raw("leafHash"), case["leafIdx"] - start, end - start, proof, raw("root")
    )


@pytest.mark.shared
@pytest.mark.parametrize(
    "kind, count, different",
    [
        ("inclusion", 98, 0),
        ("consistency", 98, 1),
        ("subtreeinclusion", 204, 0),
        ("subtreeconsistency", 118, 7),
    ],
)
def test_the_published_vectors(shared_data: Path, kind: str, count: int, different: int) -> None:
    """Rule 4.1: 518 files; the eight listed above are the whole difference."""
    base = shared_data / "conformance/merkle-rfc6962/testdata"
    files = sorted((base / kind).rglob("*.json"))
    differing = set()

    for file in files:
        case = json.loads(file.read_text())
        if answer_to(kind, case) == case["wantErr"]:
            differing.add(file.relative_to(base).as_posix())

    assert len(files) == count
    assert differing == {name for name in DIFFERENT if name.startswith(kind + "/")}
    assert len(differing) == different
