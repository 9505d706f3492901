"""A month in a town, `scripts/month`: members of three schemes do everything, with nodes that fall over. Rules 3.2, 5, 7, 11."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from node.simulation.network import SimulatedNetwork
from tests.month.abroad import ABROAD
from tests.month.doings import DOINGS
from tests.month.life import Life, Plan
from tests.month.month import EVERYTHING, live
from tests.month.verdict import Wrong, crawl, judge
from tests.simulation import run_virtual

SMALL = Plan(seed=7, days=1, members=18, crashes_a_day=0)


def in_town(act: Callable[[Life], Awaitable[None]]) -> None:
    async def begin(network: SimulatedNetwork) -> None:
        life = Life(network, SMALL)
        await life.move_in()
        await act(life)
        await life.town.close()

    run_virtual(begin)


def test_what_members_do_is_done_though_nodes_fall_over_and_the_books_are_right() -> None:
    """A few hours of it: what takes no days, a crash of each node, and a look at the pages of two members."""

    async def act(life: Life) -> None:
        for name in ("trade", "trade", "across", "across", "trade", "across"):
            life.begin(name, DOINGS[name][0])
            await asyncio.sleep(20)
        for home in life.homes:
            await home.resident.crash()
            await asyncio.sleep(100)
            await home.resident.boot()
        await life.all_told()
        await judge(life)
        assert life.done == {"trade": 3, "across": 3}
        assert set(await crawl(life, 2)) == {200}

    in_town(act)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ABROAD)
def test_what_is_done_across_schemes_is_ended_though_nodes_fall_over(name: str) -> None:
    """Twice each, while each node falls over once; what both sides hold of it is the same, and nothing is set aside."""

    async def act(life: Life) -> None:
        for _ in range(2):
            life.begin(name, ABROAD[name][0])
            await asyncio.sleep(20)
        for home in life.homes:
            await asyncio.sleep(4 * 3600)
            await home.resident.crash()
            await asyncio.sleep(100)
            await home.resident.boot()
        await life.all_told()
        await judge(life)
        assert life.done == {name: 2}, life.refused

    in_town(act)


def test_a_book_that_does_not_add_up_is_found() -> None:
    """The verdict is not blind: a balance changed behind the ledger's back."""

    async def act(life: Life) -> None:
        await judge(life)
        home = life.homes[0]
        await home.resident.node.store.write(
            lambda tx: tx._connection.execute("UPDATE account SET balance = balance + 1 WHERE no = 1")
        )
        with pytest.raises(Wrong, match="Oakvale"):
            await judge(life)

    in_town(act)


@pytest.mark.slow
@pytest.mark.timeout(3_000)
def test_a_month_of_three_hundred_members() -> None:
    """Every kind of doing happens and is ended, most of them without a no."""
    outcome = live(Plan())
    assert set(outcome.done) == set(EVERYTHING)
    assert sum(outcome.done.values()) > 2 * sum(outcome.refused.values())
    assert set(outcome.pages) == {200}
    assert outcome.faults["crashes"] > 5
