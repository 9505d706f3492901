"""A node started on an old backup gets the books that a neighbour keeps, before it writes a word. Rules 6.7 (c), (g), I15."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crypto.safekeeping import SafeKeys
from node import crash
from node.services import keeping
from node.services.copy_comparing import Known, Missing, goes_on, read_known, read_missing
from node.services.kept_copy import build_again, change_parts, newest_batch, whole_parts
from node.services.market import Market
from node.services.members import members_called
from node.services.recovery import read_recovered
from node.services.search import FindQuery
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from node.store import InlineStore, SqliteDatabase, Written
from node.store.schema import people
from node.waking import BEFORE
from protocol.payment import PayerState
from tests.gossip_town import listing
from tests.node.services.test_keepers import balance, join, pay, trade, two_schemes
from tests.simulation import run_virtual

SETTINGS = select(people.setting.c.key).order_by(people.setting.c.key)


class Life:
    """Two schemes; Ana and Ben trade in Oakvale, whose copy Hilltop keeps."""

    def __init__(self, town: Town, ana: int, ben: int, karim: int):
        self.town, self.ana, self.ben, self.karim = town, ana, ben, karim

    @property
    def oakvale(self) -> Resident:
        return self.town["Oakvale"]

    async def gives(self, amount: int, once: bytes) -> None:
        await trade(self.oakvale, self.ana, self.ben, amount, once)

    async def balances(self) -> tuple[int, int]:
        return await balance(self.oakvale, self.ana), await balance(self.oakvale, self.ben)

    async def found(self) -> list[str]:
        return [row.kind for row in await self.oakvale.node.store.read(read_recovered)]

    async def missing(self) -> list[Missing]:
        return await self.oakvale.node.store.read(read_missing, 100)

    async def known(self) -> Known:
        return await self.oakvale.node.store.read(read_known)


def live(folder: Path, scenario: Callable[[Life], Coroutine[Any, Any, None]]) -> None:
    async def begin(network: SimulatedNetwork) -> None:
        town = await two_schemes(network, folder)
        people = [await join(town["Oakvale"], name) for name in ("Ana", "Ben")]
        life = Life(town, *people, await join(town["Hilltop"], "Karim"))
        await life.gives(10, b"before")
        await asyncio.sleep(60)
        await scenario(life)
        assert await life.oakvale.imbalance() == {}
        await town.close()

    run_virtual(begin, 0)


async def list_jam(life: Life) -> None:
    (ana,) = await life.oakvale.node.store.read(members_called, "Ana")
    jam = listing("Plum jam", owner="Ana")
    await life.oakvale.node.market.post(ana.no, jam)


def test_an_old_backup_gets_the_newer_books_before_it_writes(tmp_path: Path):
    """Rule 6.7 (g): trades, members and listings since the backup are there again; only the last seconds are not."""

    async def scenario(life: Life) -> None:
        old = life.oakvale.snapshot()
        await life.gives(7, b"since")
        await join(life.oakvale, "Zoe")
        assert (
            await pay(life.oakvale, life.ana, life.town["Hilltop"], life.karim, 3, b"x")
        ).state is PayerState.PAID
        await list_jam(life)
        await asyncio.sleep(60)
        kept = await life.known()
        await life.gives(100, b"lost")

        await life.oakvale.restore(old)
        await life.oakvale.boot()
        assert await life.balances() == (-20, 17)
        assert (await life.known()).entries == kept.entries
        assert len(await life.oakvale.node.store.read(members_called, "Zoe")) == 1
        assert [card.title for card in await find(life.oakvale.node.market)] == ["Plum jam"]
        assert await life.found() == ["books"]
        assert await life.missing() == []
        assert len(beside(tmp_path, f"Oakvale.db{BEFORE}*")) == 1

        await life.town.until(life.town.all_usable, 120, "lines")
        await life.gives(1, b"after")
        assert (
            await pay(life.oakvale, life.ben, life.town["Hilltop"], life.karim, 1, b"y")
        ).state is PayerState.PAID
        await asyncio.sleep(60)
        await life.oakvale.stop()
        await life.oakvale.boot()
        assert await life.balances() == (-21, 17)  # 18 received, 1 paid
        assert await life.found() == ["books"]  # and nothing is put in its place a second time

    live(tmp_path, scenario)


def beside(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


async def find(market: Market) -> list[Any]:
    return [card.content for card in (await market.find(FindQuery())).cards]


@pytest.mark.parametrize("ends", ["stopped", "crashed"])
def test_an_ordinary_start_changes_nothing(tmp_path: Path, ends: str):
    """Rule 6.7 (g): what was written and not yet sent is here, and a copy that lacks it takes no place."""

    async def scenario(life: Life) -> None:
        for round_ in range(4):
            await life.gives(1, b"sent %d" % round_)
            await asyncio.sleep(5 * round_)  # also in the middle of a round of the keeper's
            await life.gives(1, b"not sent %d" % round_)
            before = await life.known()
            await (life.oakvale.stop() if ends == "stopped" else life.oakvale.crash())
            await life.oakvale.boot()
            after = await life.known()
            assert after.entries == before.entries
            assert await life.found() == []
        assert beside(tmp_path, f"Oakvale.db{BEFORE}*") == []

    live(tmp_path, scenario)


def test_a_backup_from_every_commit_loses_nothing_that_it_holds(tmp_path: Path):
    """Rule 6.7 (g), I15: whenever a backup was made, and however much the keeper got, no entry of it is forgotten."""

    async def scenario(life: Life) -> None:
        backups: list[bytes] = []

        def after_commit(what: str) -> None:
            if what == "COMMITTED":
                backups.append(life.oakvale.snapshot())

        life.oakvale.fault = after_commit
        for number in range(3):
            await life.gives(1, b"%d" % number)
            await asyncio.sleep(15)
        life.oakvale.fault = None
        at_keeper = await life.known()
        for backup in list(dict.fromkeys(backups)):
            await life.oakvale.restore(backup)
            store = InlineStore(SqliteDatabase(tmp_path / "Oakvale.db"))
            held = await store.read(read_known)
            store.crash()
            await life.oakvale.boot()
            now = await life.known()
            assert now.entries[: len(held.entries)] == held.entries
            assert now.entries == at_keeper.entries[: len(now.entries)]
            assert "parted" not in await life.found()
            await life.oakvale.crash()  # before a new copy is begun
        assert len(set(backups)) > 5
        await life.oakvale.boot()

    live(tmp_path, scenario)


def test_what_was_written_to_since_the_backup_is_never_overwritten(tmp_path: Path):
    """Rule 6.7 (g), I15: the keeper was away too long; both books have their own trades, and people are told which lack."""

    async def scenario(life: Life) -> None:
        old = life.oakvale.snapshot()
        await life.gives(7, b"since")
        await join(life.oakvale, "Zoe")
        await list_jam(life)
        await asyncio.sleep(60)
        await life.town["Hilltop"].crash()
        await life.oakvale.restore(old)
        await life.oakvale.boot()
        assert await life.balances() == (-10, 10)
        await life.gives(50, b"meanwhile")
        ours = await life.known()
        await life.town["Hilltop"].boot()
        await asyncio.sleep(120)
        assert await life.balances() == (-60, 60)
        assert (await life.known()).entries == ours.entries
        assert await life.found() == ["parted"]
        assert sorted((each.kind, each.who, each.other, each.text, each.amount) for each in await life.missing()) == [
            ("listing", "Ana", "", "Plum jam", 0), ("member", "Zoe", "", "", 0), ("trade", "Ana", "Ben", "bread", 7),
        ]  # fmt: skip
        await life.oakvale.stop()
        await life.oakvale.boot()
        assert await life.balances() == (-60, 60)
        assert len(await life.missing()) == 3

    live(tmp_path, scenario)


def test_a_second_start_after_trades_on_old_books_overwrites_nothing_either(tmp_path: Path):
    async def scenario(life: Life) -> None:
        old = life.oakvale.snapshot()
        await life.gives(7, b"since")
        await asyncio.sleep(60)
        await life.town["Hilltop"].crash()
        await life.oakvale.restore(old)
        await life.oakvale.boot()
        await life.gives(50, b"meanwhile")
        await life.oakvale.stop()
        await life.town["Hilltop"].boot()
        await life.oakvale.boot()
        assert await life.balances() == (-60, 60)
        assert await life.found() == ["parted"]
        assert [(each.kind, each.amount) for each in await life.missing()] == [("trade", 7)]
        assert beside(tmp_path, "Oakvale.db*before*") == []

    live(tmp_path, scenario)


def test_a_keeper_that_tells_of_newer_books_and_keeps_them_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Rule 6.7 (g): once it is known that there are newer books, only people can decide to do without them."""

    async def scenario(life: Life) -> None:
        old = life.oakvale.snapshot()
        await life.gives(7, b"since")
        await life.oakvale.stop()
        await (
            life.oakvale.boot()
        )  # a copy of another generation: nothing of it need be read to see that it is newer
        await asyncio.sleep(60)
        monkeypatch.setattr(keeping, "read_parts", lambda *_: ())
        await life.oakvale.restore(old)
        booting = asyncio.create_task(life.oakvale.boot())
        await asyncio.sleep(300)
        assert not booting.done()
        assert life.oakvale.hindrances
        monkeypatch.undo()
        await booting
        assert await life.balances() == (-17, 17)

        monkeypatch.setattr(keeping, "read_parts", lambda *_: ())
        await life.oakvale.restore(old)
        life.oakvale.may_go_on = True
        await life.oakvale.boot()
        assert await life.balances() == (-10, 10)

    live(tmp_path, scenario)


@pytest.mark.parametrize("point", crash.RESTORE_POINTS)
def test_a_crash_while_the_books_are_replaced_leaves_the_old_ones_or_the_new(tmp_path: Path, point: str):
    """Rules 6.7 (g), I7: and the next start ends what was begun."""

    async def scenario(life: Life) -> None:
        old, held = life.oakvale.snapshot(), len((await life.known()).entries)
        await life.gives(7, b"since")
        await asyncio.sleep(60)
        await life.oakvale.restore(old)

        def die() -> None:
            raise PowerCut

        crash.arm_from_environment({crash.VARIABLE: f"{point}:1"}, die)
        try:
            with pytest.raises(PowerCut):
                await life.oakvale.boot()
        finally:
            crash.arm_from_environment({})
        store = InlineStore(SqliteDatabase(tmp_path / "Oakvale.db"))
        entries = len((await store.read(read_known)).entries)
        store.crash()
        assert entries == held + (point == "books-replaced")
        await life.oakvale.boot()
        assert await life.balances() == (-17, 17)
        assert await life.found() == ["books"]
        assert beside(tmp_path, "Oakvale.db.restoring*") == []

    live(tmp_path, scenario)


class PowerCut(Exception):
    """The machine is off."""


def known(**changes: Any) -> Known:
    empty = Known(boots=(b"b",), entries=(), accounts=frozenset(), listings=frozenset(), chains={})
    return empty._replace(**changes)


@pytest.mark.parametrize(
    "copy, here",
    [
        (known(boots=(b"a",)), known()),  # another process wrote here
        (known(), known(boots=())),  # nobody can say who wrote here
        (known(entries=(b"1",)), known(entries=(b"1", b"2"))),
        (known(entries=(b"1", b"x", b"3")), known(entries=(b"1", b"2"))),
        (known(chains={b"l": (0, 3)}), known(chains={b"l": (0, 4)})),
        (known(), known(chains={b"l": (0, 1)})),
        (known(chains={b"l": (0, 9)}), known(chains={b"l": (1, 2)})),
    ],
)
def test_a_copy_with_less_than_is_here_does_not_take_over(copy: Known, here: Known):
    """I15: each of the marks by itself keeps a copy from taking the place of books that have more."""
    assert not goes_on(copy, here)


def test_a_copy_with_more_than_is_here_takes_over():
    here = known(entries=(b"1",), chains={b"l": (0, 2)})
    copy = known(boots=(b"b", b"c"), entries=(b"1", b"2"), chains={b"l": (0, 5), b"m": (0, 1)})
    assert goes_on(copy, here)
    assert goes_on(here, here)


async def test_changes_that_came_in_part_count_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Rule 6.7 (g): a copy stands for one moment; half of what was written after it is left out."""
    monkeypatch.setattr("node.services.kept_copy.PART_BYTES", 1)
    keys = SafeKeys([bytes(32)])
    sql = "INSERT INTO setting (key, value) VALUES (?, ?)"

    def batch(number: int, first: int, *names: str) -> list[bytes]:
        return change_parts([Written("setting", sql, (name, "1")) for name in names], 5, number, first, keys)

    whole = whole_parts([], 5, b"pepper", keys)
    parts = [*whole, *batch(1, 1, "a", "b"), *batch(2, 3, "c", "d")]
    for count, batches, settings in ((1, 0, []), (2, 0, []), (3, 1, ["a", "b"]), (4, 1, ["a", "b"]), (5, 2, ["a", "b", "c", "d"])):  # fmt: skip
        disk = SqliteDatabase(tmp_path / f"{count}.db")
        InlineStore(disk).crash()
        assert build_again(disk.path, parts[:count], 5, keys) == (b"pepper", batches)
        store = InlineStore(disk)
        rows = await store.read(lambda tx: tx.all(SETTINGS))
        assert [row[0] for row in rows] == settings
        store.crash()
        assert newest_batch(parts[1:count], 5, 1, keys) == batches
