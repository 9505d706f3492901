"""Proofs that an entry is in a log, as files. Source: docs/protocol.md 4.1, 4.4, C2SP tlog-proof."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.digest import object_id
from crypto.merkle import consistency_proof, inclusion_proof, root
from protocol.checkpoint import open_checkpoint
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic, ProtocolError
from protocol.limits import PROOF_EXTRA_BYTES_MAX
from protocol.log import LogProof, parse_log_proof
from tests.damage import damaged_bytes
from tests.protocol.logs import OAKVALE_IDENTITY, checkpoint, entries, leaves
from tests.vectors_of_notes import cosigned, proof

# The example of the specification, its notes' signatures made whole: there they are shown with gaps.
HEAD = """c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

"""
PUBLISHED = (HEAD + "— example.com/fancylog hI2DJw1roloI\n").encode()


def test_the_published_example_is_read():
    read = parse_log_proof(PUBLISHED)

    assert (read.index, len(read.hashes), (read.extra or b"")[:11]) == (73894, 5, b"age-v1.2.1-")
    assert read.data() == PUBLISHED


@given(size=st.integers(1, 40), data=st.data())
def test_a_proof_shows_its_entry_and_no_other(size, data):
    """Rule 4.1: the leaf of an entry is its id."""
    index = data.draw(st.integers(0, size - 1))
    made = parse_log_proof(proof(index, size).data())

    assert made.check(leaves(size)[index]) == checkpoint(size)
    assert open_checkpoint(made.note.data(), OAKVALE_IDENTITY)[0] == checkpoint(size)
    with pytest.raises(NotAuthentic):
        made.check(object_id(b"another entry"))


@given(seed=st.integers(0, 2**32))
def test_a_damaged_proof_shows_what_it_showed_or_nothing(seed: int) -> None:
    """Rule 4.4: a changed bit anywhere is refused, except in what was never signed: the extra data and others' lines."""
    chance = Random(seed)
    good = proof(11, 20, b"along")
    data = damaged_bytes(good.data(), chance)
    try:
        read = parse_log_proof(data)
        found = read.check(leaves(20)[11])
        open_checkpoint(read.note.data(), OAKVALE_IDENTITY)
    except ProtocolError:
        return
    assert found == checkpoint(20)
    assert (read.index, read.hashes) == (good.index, good.hashes)


GOOD = proof(11, 20).data().decode()


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", GOOD[1:], GOOD.replace("@v1", "@v2"), GOOD.replace("index 11\n", ""), GOOD.replace("index 11", "index 011"),
        GOOD.replace("index 11", "index -1"), GOOD.replace("index 11", "extra \nindex 11\nindex 11"), GOOD.replace("index 11", "extra !\nindex 11"),
        GOOD.replace("index 11", "index 11\nAAAA"), GOOD.replace("index 11", "index 11" + "\n" + "A" * 43 + "=" + ("\n" + "A" * 43 + "=") * 128),
        GOOD.partition("\n\n")[0], GOOD.partition("\n\n")[0] + "\n\n",
    ],
)  # fmt: skip
def test_everything_else_is_malformed(text):
    with pytest.raises(MalformedMessage):
        parse_log_proof(text.encode())


@pytest.mark.parametrize(
    "wrong", [{"index": -1}, {"hashes": (b"short",)}, {"hashes": (bytes(32),) * 129}, {"extra": bytes(PROOF_EXTRA_BYTES_MAX + 1)}]
)  # fmt: skip
def test_bounds(wrong):
    with pytest.raises(InvalidValue):
        LogProof(**({"index": 1, "hashes": (), "note": cosigned(2)} | wrong))


def test_an_independent_implementation_agrees():
    """pymerkle's roots and inclusion proofs are ours, and it proves each tree to continue each earlier one of ours."""
    pymerkle = pytest.importorskip("pymerkle", reason="pymerkle is in the lock for tests: run scripts/setup")
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for body in entries(40):
        tree.append_entry(body)
    for size in range(1, 41):
        ours = leaves(size)
        assert tree.get_root(size) == root(ours)
        for index in range(size):
            path = tree.prove_inclusion(index + 1, size).path
            assert tuple(path) == (ours[index], *inclusion_proof(ours, index))
        for old in range(1, size + 1):
            theirs = tree.prove_consistency(old, size)
            pymerkle.verify_consistency(root(leaves(old)), root(ours), theirs)
            assert len(consistency_proof(ours, old)) <= len(theirs.path)
