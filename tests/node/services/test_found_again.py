"""Own listings are found again on a node whose database was built anew: the index goes into no archive and no copy. Rules 5.8, 6.7 (g)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import insert

from node.services.archive import write_archive
from node.services.archive_import import bring_in
from node.services.indexing import INDEX_BATCH
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from node.store import InlineStore, Tx
from node.store.schema import market
from node.store.sqlite import SqliteDatabase
from protocol.feed_kinds import payload_bytes
from protocol.limits import DAY_MS
from protocol.listing import State
from tests.gossip_town import listing
from tests.node.services.test_keepers import restored_from, two_schemes
from tests.node.services.test_market import found, member
from tests.simulation import run_virtual


async def post_some(oakvale: Resident) -> None:
    """Post one that goes to other schemes, one that stays here, and one that is hidden."""
    place, ana = oakvale.node.market, await member(oakvale, "Ana")
    await place.post(ana, listing("Plum jam", text="of our garden"))
    await place.post(ana, listing("Pear jam"), shared=False)
    hidden = await place.post(ana, listing("Quince jam"))
    await place.hide(hidden.listing.key)
    await look(oakvale)


async def look(oakvale: Resident) -> None:
    assert sorted(await found(oakvale, text="jam")) == ["Pear jam", "Plum jam"]
    assert await found(oakvale, text="garden") == ["Plum jam"]
    assert await found(oakvale, text="jam", visitor=True) == ["Plum jam"]


def put_many(tx: Tx, member_no: int, now_ms: int) -> None:
    """Put a batch of listings into the table alone."""
    for number in range(INDEX_BATCH):
        tx.run(
            insert(market.listing), item_key=number.to_bytes(16, "big"), member_no=member_no, state=State.PUBLISHED.value,
            shared=False, content=payload_bytes(listing(f"Bread {number}")), created=now_ms, expires=now_ms + DAY_MS,
            revision=now_ms, feed_until=0, changed_ms=now_ms, reason="",
        )  # fmt: skip


def test_after_an_archive_was_brought_in(tmp_path: Path) -> None:
    """docs/export.md: also more of them than are indexed at once, and once only."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await two_schemes(network, tmp_path)
        oakvale = town["Oakvale"]
        await post_some(oakvale)
        await oakvale.node.store.write(put_many, await member(oakvale, "Ben"), oakvale.node.clock.now_ms())
        await again_from_archive(town, tmp_path)
        oakvale = town["Oakvale"]
        await look(oakvale)
        assert await found(oakvale, text=str(INDEX_BATCH - 1)) == [f"Bread {INDEX_BATCH - 1}"]
        await oakvale.crash()
        await oakvale.boot()
        await look(oakvale)
        await town.close()

    run_virtual(scenario, 0)


async def again_from_archive(town: Town, folder: Path) -> None:
    """Start Oakvale on what `interlets ledger import` makes of its archive."""
    oakvale = town["Oakvale"]
    archive, database = folder / "archive", folder / "imported.db"
    archive.mkdir()
    await oakvale.node.store.read(write_archive, oakvale.scheme, archive, 0)
    await oakvale.crash()
    keyring = oakvale.keys.keyring

    def make(path: Path) -> None:
        InlineStore(SqliteDatabase(path)).crash()  # makes the tables

    bring_in(database, archive, oakvale.scheme, keyring.log, keyring.safe, make_tables=make)
    town.replace("Oakvale", oakvale.keys, SqliteDatabase(database))
    await town["Oakvale"].boot()


def test_after_a_keeper_gave_the_books_back(tmp_path: Path) -> None:
    """Rule 6.7 (g)."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await two_schemes(network, tmp_path)
        oakvale = town["Oakvale"]
        await post_some(oakvale)
        await asyncio.sleep(120)
        assert oakvale.node.keepers.keeper == town["Hilltop"].scheme
        await oakvale.crash()
        await restored_from(town, "Oakvale", "Hilltop", tmp_path)
        await town["Oakvale"].boot()
        await look(town["Oakvale"])
        await town.close()

    run_virtual(scenario, 0)
