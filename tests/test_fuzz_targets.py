"""The targets of `scripts/fuzz` are right about what they begin from, and about some damage of it. Rules 0.5, 1.1, 1.2."""

from __future__ import annotations

from random import Random

import pytest

from tests.damage import damaged_bytes
from tests.fuzz_targets import TARGETS, Target

ROUNDS = 150


@pytest.mark.parametrize("name", TARGETS)
def test_what_it_begins_from_and_its_damage_is_read_or_refused(name: str) -> None:
    target, chance = TARGETS[name], Random(name)
    read = 0
    for seed in target.seeds:
        try:
            target.read(seed)
            read += 1
        except target.refused:
            pass
    assert read, "a fuzzer that begins from nothing good seldom comes past the first check"
    for _ in range(ROUNDS):
        target(damaged_bytes(chance.choice(target.seeds), chance))
    for size in range(20):
        target(chance.randbytes(size))


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_that_raises_something_else_is_found(name: str) -> None:
    """A target that swallowed everything would find nothing."""

    def broken(data: bytes) -> None:
        raise IndexError(len(data))

    with pytest.raises(IndexError):
        Target(broken, TARGETS[name].seeds, TARGETS[name].refused)(b"")
