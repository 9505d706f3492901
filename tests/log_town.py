"""Shorthand for tests of logs and witnesses: towns of neighbours, entries, every head that was ever signed, and I10."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations

import pytest
from sqlalchemy import select

from crypto.keys import SigningKey
from node.services import own_log
from node.services.log_heads import Head, newest_signed, witnesses
from node.services.log_tree import log_size
from node.services.own_log import Checked
from node.services.witness import Witnessed, read_held
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from node.store import Tx
from node.store.schema import log as schema
from protocol.checkpoint import Checkpoint
from protocol.entry import Words
from protocol.names import SchemeId
from protocol.note import Note
from tests.gossip_town import build
from tests.invariants import Violated
from tests.simulation import run_virtual

NAMES = ("Oakvale", "Hilltop", "Riverside", "Ferry")
ALL = tuple(combinations(NAMES, 2))
WORDS = Words(text="", done_by="Rosa", on_behalf_of=None, proved_by="password")


def in_town(
    scenario: Callable[[Town], Awaitable[None]], *, names: tuple[str, ...] = NAMES, edges: tuple[tuple[str, str], ...] = ALL,
    seed: int = 0,
) -> None:  # fmt: skip
    """Run `scenario` among neighbours, and check I10 of everything that was signed."""

    async def begin(network: SimulatedNetwork) -> None:
        town = await build(network, names, edges, seed=seed)
        await asyncio.sleep(61)  # by then jobs have opened the accounts they need
        await scenario(town)
        await town.close()

    with watched() as signed:
        run_virtual(begin, seed)
        signed.check()


async def enter(resident: Resident, count: int = 1) -> int:
    """Make entries; return how many there are now."""

    def unit(tx: Tx) -> int:
        for _ in range(count):
            resident.node.books.open_account(tx, WORDS)
        return log_size(tx)

    return await resident.node.store.write(unit)


async def minutes(count: float = 1.0) -> None:
    await asyncio.sleep(60 * count + 1)


async def signed_head(resident: Resident) -> Head:
    head = await resident.node.store.read(newest_signed)
    assert head is not None
    return head


async def checked(resident: Resident) -> Checked:
    return await resident.node.witness.own_log.checked()


async def held_of(witness: Resident, author: Resident) -> Witnessed:
    held = await witness.node.store.read(read_held, author.scheme)
    assert held is not None
    return held


async def shown_by(resident: Resident) -> set[SchemeId]:
    return set(await resident.node.store.read(witnesses))


@dataclass
class SignedHeads:
    """Every head that a node of this process signed, in order."""

    heads: list[Checkpoint] = field(default_factory=list)

    def check(self) -> None:
        """I10: never two heads of one size, sizes never fall."""
        newest: dict[str, Checkpoint] = {}
        for head in self.heads:
            before = newest.get(head.origin)
            if before is not None and head.size < before.size:
                raise Violated(f"I10 sizes fall: {before.size}, then {head.size}")
            if before is not None and head.size == before.size and head.root != before.root:
                raise Violated(f"I10 two heads of {head.size} entries")
            newest[head.origin] = head

    async def check_stored(self, resident: Resident) -> None:
        """I10, 4.2: what was signed is stored, whatever ended the node."""
        rows = await resident.node.store.read(
            lambda tx: tx.all(select(schema.log_head.c.size, schema.log_head.c.root))
        )
        stored = set(rows)
        for head in self.heads:
            if (head.size, head.root) not in stored:
                raise Violated(f"I10 a head of {head.size} entries was signed and is not stored")


@contextmanager
def watched() -> Iterator[SignedHeads]:
    """Note every head that is signed meanwhile."""
    signed, before = SignedHeads(), own_log.sign_checkpoint  # before: so that one may be inside another

    def noting(checkpoint: Checkpoint, key: SigningKey) -> Note:
        signed.heads.append(checkpoint)
        return before(checkpoint, key)

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(own_log, "sign_checkpoint", noting)
        yield signed
