"""Time and chance come from one place, which the simulator replaces."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from node.clock import (
    HANDED_OUT_MAX,
    STOCK_BYTES,
    Chance,
    Clock,
    LoopClock,
    SeededChance,
    SystemChance,
    SystemClock,
)

DAY_MS = 86_400_000


def test_the_system_clock_tells_utc_milliseconds():
    clock: Clock = SystemClock()
    before = time.time()
    now = clock.now_ms()
    assert before * 1000 - 1 <= now <= time.time() * 1000 + 1


class StandingLoop(asyncio.SelectorEventLoop):
    """A loop whose time stands where a test puts it."""

    moment = 0.0

    def time(self) -> float:
        return self.moment


@pytest.mark.parametrize("moment, skew_ms, expected", [
    (0.0,   0,    DAY_MS),
    (12.5,  0,    DAY_MS + 12_500),
    (12.5,  250,  DAY_MS + 12_750),
    (12.5, -250,  DAY_MS + 12_250),
    (0.0015, 0,   DAY_MS + 2),
])  # fmt: skip
def test_a_loop_clock_follows_its_loop_and_its_own_error(moment, skew_ms, expected):
    clock: Clock = LoopClock(DAY_MS, skew_ms)
    loop = StandingLoop()

    async def ask() -> int:
        loop.moment = moment
        return clock.now_ms()

    try:
        assert loop.run_until_complete(ask()) == expected
    finally:
        loop.moment = 0.0
        loop.close()


def test_a_loop_clock_without_a_loop_does_not_guess():
    with pytest.raises(RuntimeError):
        LoopClock(DAY_MS).now_ms()


@pytest.mark.parametrize("chance", [SystemChance(), SeededChance(7)], ids=["system", "seeded"])
def test_chance_stays_in_its_range_and_reaches_all_of_it(chance: Chance):
    assert [len(chance.bytes(n)) for n in (0, 1, 32)] == [0, 1, 32]
    assert chance.bytes(32) != chance.bytes(32)
    assert {chance.below(5) for _ in range(500)} == {0, 1, 2, 3, 4}
    with pytest.raises(ValueError):
        chance.below(0)


def test_no_random_byte_of_the_stock_is_given_twice():
    """Salts, nonces and tokens come from it: eight bytes that two of them share would be a fault, not chance."""
    chance = SystemChance()

    def draw(_: int) -> list[bytes]:
        return [chance.bytes(1 + turn % HANDED_OUT_MAX) for turn in range(500)]

    with ThreadPoolExecutor(4) as threads:
        drawn = [given for part in threads.map(draw, range(8)) for given in part]
    windows = [given[at : at + 8] for given in drawn for at in range(len(given) - 7)]
    assert len(b"".join(drawn)) > 10 * STOCK_BYTES
    assert len(set(windows)) == len(windows)


def test_a_process_that_was_forked_begins_a_stock_of_its_own(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []

    def fresh(n: int) -> bytes:
        asked.append(n)
        return bytes([len(asked)]) * n

    monkeypatch.setattr(os, "urandom", fresh)
    chance = SystemChance()
    assert (chance.bytes(16), chance.bytes(16), asked) == (b"\x01" * 16, b"\x01" * 16, [STOCK_BYTES])
    child = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: child)
    assert (chance.bytes(16), asked) == (b"\x02" * 16, [STOCK_BYTES, STOCK_BYTES])
    assert (chance.bytes(HANDED_OUT_MAX + 1), asked[-1]) == (
        b"\x03" * (HANDED_OUT_MAX + 1),
        HANDED_OUT_MAX + 1,
    )


def test_the_same_seed_gives_the_same_chance():
    def drawn(seed: int | str) -> tuple[bytes, list[int]]:
        chance = SeededChance(seed)
        return chance.bytes(16), [chance.below(1000) for _ in range(10)]

    assert drawn(7) == drawn(7)
    assert drawn("town 7") == drawn("town 7")
    assert drawn(7) != drawn(8)
