"""Our own log: signed once a minute, never twice at one size, and not at all where it cannot be continued. Rules 4.2, 6.7 (f), I10."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from node import crash
from node.services import log_heads as heads
from node.services.own_log import Stopped
from node.simulation.town import Resident, Town
from node.store import InlineStore, Memory
from protocol.checkpoint import open_checkpoint
from protocol.limits import CHECKPOINT_AT_LEAST_MS
from tests.invariants import Violated
from tests.log_town import (
    checked,
    enter,
    held_of,
    in_town,
    minutes,
    signed_head,
    watched,
)

ALONE = ("Oakvale",)
POINTS = ("head-read", "head-stored", "head-signed", "head-published")


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture(autouse=True)
def disarmed():
    yield
    crash.arm_from_environment({})


def arm(point: str) -> None:
    def end() -> None:
        raise Killed(point)

    crash.arm_from_environment({crash.VARIABLE: f"{point}:1"}, end)


# --- Heads (4.2) ---------------------------------------------------------------------------------------------


async def test_heads_grow_and_no_size_has_two():
    """I10, in the transaction itself."""
    store = InlineStore(Memory())
    await store.write(heads.store_head, 5, bytes(32), 1)
    await store.write(heads.store_head, 5, bytes(32), 2)

    with pytest.raises(heads.HeadRefused, match="another head of 5"):
        await store.write(heads.store_head, 5, bytes([1]) * 32, 3)
    with pytest.raises(heads.HeadRefused, match="a head of 5 entries is stored"):
        await store.write(heads.store_head, 4, bytes(32), 3)
    await store.write(heads.store_head, 6, bytes(32), 3)


async def test_old_heads_are_forgotten_but_for_the_best_cosigned():
    store = InlineStore(Memory())
    for size in range(1, heads.HEADS_KEPT + 4):
        await store.write(heads.store_head, size, bytes(32), size)
        await store.write(heads.publish_head, size, b"note", instead=True)

    assert (await store.read(heads.newest_head)).size == heads.HEADS_KEPT + 3
    assert await store.read(lambda tx: tx.all(heads._OLD)) == []


def test_what_was_entered_is_signed_within_a_minute():
    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        size = await enter(oakvale, 3)
        await minutes()
        first = await signed_head(oakvale)
        checkpoint, _ = open_checkpoint(first.note or b"", oakvale.node.keyring.identity)
        assert (first.size, checkpoint.size, checkpoint.root) == (size, size, first.root)
        await minutes(3)
        assert await signed_head(oakvale) == first  # nothing was entered
        await enter(oakvale, 300)
        await minutes()
        assert (await signed_head(oakvale)).size == size + 300

    in_town(scenario, names=ALONE, edges=())


def test_a_proof_is_given_under_the_newest_signed_head():
    """Rule 4.4; a proof of what is not signed yet is none."""

    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        log = oakvale.node.witness.own_log
        size = await enter(oakvale, 5)
        assert await log.proof_of(size - 1) is None
        await minutes()
        proof = await log.proof_of(size - 1)
        assert proof is not None
        from sqlalchemy import select

        from node.store.schema.books import entry

        (entry_id,) = await oakvale.node.store.read(
            lambda tx: tx.one(select(entry.c.id).where(entry.c.seq == size - 1))
        )
        assert proof.check(entry_id).size == size
        assert await log.proof_of(size) is None

    in_town(scenario, names=ALONE, edges=())


# --- Crashes -------------------------------------------------------------------------------------------------


async def kill_at(resident: Resident, point: str) -> None:
    """End the node the next time it passes `point`, as SIGKILL would, and start it again."""
    arm(point)
    with pytest.raises(Killed, match=point):
        await resident.node.witness.own_log._checkpoint()
    crash.arm_from_environment({})
    await resident.crash()
    await asyncio.sleep(1)  # chance is seeded by the moment of the boot
    await resident.boot()


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_between_any_two_steps_leaves_one_history(point: str):
    """Rule 4.2, I10: what was signed is stored, and the next head continues it."""
    with watched() as signed:

        async def scenario(town: Town) -> None:
            oakvale = town["Oakvale"]
            for _ in range(3):
                await enter(oakvale, 2)
                await oakvale.node.witness.own_log._catch_up()
                await kill_at(oakvale, point)
                await signed.check_stored(oakvale)
            size = await enter(oakvale)
            await minutes(2)
            assert (await signed_head(oakvale)).size == size
            await signed.check_stored(oakvale)

        in_town(scenario, names=ALONE, edges=())
        signed.check()


PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from node import crash
from node.services import own_log
from node.services.settings import SchemeSettings
from node.simulation.town import Town
from tests.log_town import enter, minutes
from tests.simulation import run_virtual

real = own_log.sign_checkpoint

def told(checkpoint, key):
    print("signed", checkpoint.size, checkpoint.root.hex(), flush=True)
    return real(checkpoint, key)

own_log.sign_checkpoint = told

async def begin(network):
    await asyncio.sleep(float(sys.argv[2]))  # chance is seeded by the moment of the boot
    town = Town(network, seed=0, folder=Path(sys.argv[1]))
    oakvale = await town.add(SchemeSettings(name="Oakvale"))
    crash.arm_from_environment(os.environ)
    for _ in range(2):
        await enter(oakvale, 2)
        await minutes()
    await town.close()

run_virtual(begin)
"""


def run_node(root: Path, folder: Path, at_s: int, **more: str) -> tuple[int, list[tuple[int, str]]]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(at_s)], cwd=root, env={**os.environ, "PYTHONPATH": str(root), **more},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    lines = [line.split() for line in ended.stdout.splitlines() if line.startswith("signed ")]
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode, [(int(size), digest) for _, size, digest in lines]


@pytest.mark.parametrize("point", POINTS)
def test_sigkill_between_any_two_steps(point: str, root: Path, tmp_path: Path):
    """I10, on real processes and a real file."""
    code, signed = run_node(root, tmp_path, 0, **{crash.VARIABLE: f"{point}:2"})
    assert code == -signal.SIGKILL
    code, more = run_node(root, tmp_path, 1000)
    assert code == 0

    history = signed + more
    assert more, "it goes on"
    assert [size for size, _ in history] == sorted(size for size, _ in history)
    assert len(dict(history)) == len(set(history)), "two heads of one size"


# --- Restored, and copied (6.7 f) ----------------------------------------------------------------------------


def test_a_restored_node_signs_nothing_that_does_not_continue_what_neighbours_hold():
    async def scenario(town: Town) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await minutes(3)
        backup = oakvale.snapshot()
        size = await enter(oakvale, 4)
        await minutes(2)
        assert (await held_of(hilltop, oakvale)).size == size
        await oakvale.restore(backup)
        await oakvale.boot()
        await enter(oakvale, 9)
        await minutes(5)
        state = await checked(oakvale)
        assert state.stopped is Stopped.OTHER
        assert state.stopped_by in {town[name].scheme for name in ("Hilltop", "Riverside", "Ferry")}
        assert state.size < size
        assert (await held_of(hilltop, oakvale)).size == size

    in_town(scenario)


def test_a_restored_node_with_less_than_neighbours_hold_is_behind():
    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        await minutes(3)
        backup = oakvale.snapshot()
        await enter(oakvale, 50)
        await minutes(2)
        await oakvale.restore(backup)
        await oakvale.boot()
        await minutes(5)
        assert (await checked(oakvale)).stopped is Stopped.BEHIND

    in_town(scenario)


def test_a_restored_node_goes_on_where_nothing_was_entered_since():
    """Its backup lacks heads and cosignatures only: it takes them back, and continues."""

    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        await minutes(3)
        size = await enter(oakvale, 4)
        backup = oakvale.snapshot()
        await minutes(2)
        await oakvale.restore(backup)
        await oakvale.boot()
        more = await enter(oakvale)
        await minutes(4)
        state = await checked(oakvale)
        assert more > size
        assert (state.stopped, state.size, len(state.by)) == (None, more, 3)

    in_town(scenario)


def test_nothing_is_signed_before_a_neighbour_was_heard():
    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        await enter(oakvale)
        await minutes(3)
        before = await signed_head(oakvale)
        for name in ("Hilltop", "Riverside", "Ferry"):
            await town[name].stop()
        await oakvale.stop()
        await oakvale.boot()
        await enter(oakvale)
        await minutes(10)
        assert (await checked(oakvale)).stopped is Stopped.WAITING
        assert await signed_head(oakvale) == before
        await town["Ferry"].boot()
        await minutes(8)
        assert (await checked(oakvale)).stopped is None
        assert (await signed_head(oakvale)).size > before.size

    in_town(scenario)


def test_of_two_copies_of_a_node_the_second_stops_and_says_why():
    """Its database is that of the first, as it was an hour ago; both are reached."""

    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        await minutes(3)
        copy = oakvale.snapshot()
        await enter(oakvale, 2)
        await minutes(2)
        first, original = await signed_head(oakvale), oakvale.snapshot()
        # One place in the simulated network: the copy takes it, then the original has it again.
        await oakvale.restore(copy)
        await oakvale.boot()
        await enter(oakvale, 7)
        await minutes(4)
        assert (await checked(oakvale)).stopped is Stopped.OTHER
        await oakvale.restore(original)
        await oakvale.boot()
        await enter(oakvale)
        await minutes(4)
        assert (await checked(oakvale)).stopped is None
        assert (await signed_head(oakvale)).size > first.size

    in_town(scenario)


def test_the_checks_can_fail():
    """A second head of one size, and a smaller one, are named."""
    from tests.log_town import SignedHeads
    from tests.protocol.logs import checkpoint

    with pytest.raises(Violated, match=r"^I10 two heads"):
        SignedHeads([checkpoint(20), checkpoint(20, "b")]).check()
    with pytest.raises(Violated, match=r"^I10 sizes fall"):
        SignedHeads([checkpoint(20), checkpoint(19)]).check()
    assert CHECKPOINT_AT_LEAST_MS
