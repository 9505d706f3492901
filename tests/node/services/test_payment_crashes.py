"""Payments cut at every place: a message, a node, a statement, a disk. I7, and that all ends by itself (I8, I17).

One town carries many purchases one after the other; the n-th of them is cut at the n-th place, until a
purchase passes without meeting it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from node.services.quotes import NoOffer, Offer
from node.services.settlement import CannotPay, Payment
from node.simulation.network import SimulatedNetwork
from node.store import SqliteDatabase, StoreError
from node.store.errors import StoreFailed, StoreFull
from node.store.transaction import ReadTx
from protocol.line_ops import Claim, Lock, Release
from protocol.payment import PayerState
from tests.invariants import digest_of_all_tables
from tests.simulation import run_virtual
from tests.small_town import WORDS, SettlingNode, SmallTown, chain

NAMES = ["Oakvale", "Hilltop", "Riverside"]
PRICE = 60


def in_row(scenario: Callable[[SmallTown], Awaitable[None]], *, disks: dict[str, Any] | None = None) -> None:
    """Run `scenario` in three schemes in a row: Ana in the first, Karim in the last."""

    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, NAMES, chain(*NAMES))
        for name, disk in (disks or {}).items():
            town[name].disk = disk
        await town.open()
        town.route(*NAMES)
        await town["Oakvale"].open_member("Ana")
        await town["Riverside"].open_member("Karim")
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", PRICE, "opens all system accounts")
        await town.settle()
        await scenario(town)
        await town.stop()

    run_virtual(begin)


async def offered(town: SmallTown, what: str) -> Offer:
    for _ in range(30):  # a node that just booted may not be in touch with everybody yet
        offer = await town["Oakvale"].ask("Riverside", "Karim", PRICE, what)
        if isinstance(offer, Offer):
            return offer
        await asyncio.sleep(5)
    raise AssertionError(offer)


async def pay(town: SmallTown, offer: Offer) -> Payment:
    oakvale = town["Oakvale"]
    return await oakvale.settlement.pay(
        offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=offer.request.text.encode()
    )


async def both_balances(town: SmallTown) -> tuple[int, int]:
    return await town["Oakvale"].balance("Ana"), await town["Riverside"].balance("Karim")


# --- messages -----------------------------------------------------------------------------------------------------


def messages_between(town: SmallTown, one: str, other: str) -> int:
    network = town.network
    return network.traffic(one, other).messages + network.traffic(other, one).messages


@pytest.mark.parametrize("mended_after_s", [5, 100])
@pytest.mark.parametrize("ends", [("Oakvale", "Hilltop"), ("Hilltop", "Riverside")])
def test_a_line_cut_before_any_message_of_a_payment(ends: tuple[str, str], mended_after_s: int) -> None:
    """A partition at every message, short and longer than a session lives: I6, I8 after it is mended."""

    async def scenario(town: SmallTown) -> None:
        for n in range(1, 40):
            before = await both_balances(town)
            offer = await offered(town, f"purchase {n}")
            start = messages_between(town, *ends)
            payment = await pay(town, offer)
            met = False
            for _ in range(2000):
                if messages_between(town, *ends) - start >= n:
                    met = True
                    break
                await asyncio.sleep(0.001)  # less than the shortest delay: the n-th has not arrived
            town.network.cut(*ends)
            await asyncio.sleep(mended_after_s)
            await town.check_always()
            town.network.mend(*ends)
            payment = await town["Oakvale"].settlement.wait(payment.no, 300)
            await town.settle()
            assert payment.ended
            moved = PRICE if payment.state is PayerState.PAID else 0
            assert await both_balances(town) == (before[0] - moved, before[1] + moved)
            await town.until_async(town.all_usable, 900)
            if not met:
                assert n > 3
                return
        raise AssertionError("a payment of more than 40 messages over one line")

    in_row(scenario)


# --- nodes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("victim", NAMES)
@pytest.mark.parametrize("down_s", [0.5, 60])
def test_a_node_restarted_after_any_commit_of_a_payment(victim: str, down_s: float) -> None:
    """Whichever node, after whichever commit of any of the three: the payment ends by itself."""

    async def scenario(town: SmallTown) -> None:
        for n in range(1, 60):
            before = await both_balances(town)
            offer = await offered(town, f"purchase {n}")
            commits, reached = [0], asyncio.Event()

            def count(
                what: str, n: int = n, commits: list[int] = commits, reached: asyncio.Event = reached
            ) -> None:
                commits[0] += what == "COMMITTED"
                if commits[0] == n:
                    reached.set()

            for node in town.nodes.values():
                node.fault = count
            payment = await pay(town, offer)
            try:
                async with asyncio.timeout(3):
                    await reached.wait()
            except TimeoutError:
                assert n > 6
                await town.settle()
                return
            await town[victim].restart(down_s)
            for node in town.nodes.values():
                node.fault = None
            await town.until_async(town.all_usable, 900)
            payment = await town["Oakvale"].settlement.wait(payment.no, 300)
            await town.settle()
            assert payment.ended
            moved = PRICE if payment.state is PayerState.PAID else 0
            assert await both_balances(town) == (before[0] - moved, before[1] + moved)
        raise AssertionError("a payment of more than 60 commits")

    in_row(scenario)


# --- statements (I7) ------------------------------------------------------------------------------------------------


class Cutter:
    """Lets the n-th statement of the first unit that `wanted` picks fail: as an error, or as a power cut."""

    def __init__(self, node: SettlingNode, wanted: Callable[[str, tuple[Any, ...]], bool], n: int, how: str):
        self.node, self.wanted, self.n, self.how = node, wanted, n, how
        self.inside = self.done = False
        self.left = n
        self.before: dict[str, bytes] = {}  # digests of the tables right before the unit
        self.after: dict[str, bytes] = {}
        self.failed = ""  # what it failed at
        self.met = asyncio.Event()
        node.on_unit, node.fault = self.on_unit, self.fault

    def on_unit(self, name: str, args: tuple[Any, ...], begins: bool) -> None:
        if self.done or (begins and not self.wanted(name, args)):
            return
        if begins and not self.inside:
            self.inside = True
            self.before = self.digests()

    def fault(self, what: str) -> None:
        if self.done or not self.inside:
            return
        self.left -= 1
        if self.left == 0:
            self.done, self.failed = True, what
            self.met.set()
            if self.how == "power cut":
                self.node.store.crash()
                raise PowerCut
            if what != "COMMITTED":
                raise StoreFailed("the disk had enough")
        elif what == "COMMITTED":
            self.done = True  # it had fewer statements than n
            self.met.set()

    async def has_cut(self) -> bool:
        """Wait for the unit; tell whether it had that many statements."""
        try:
            async with asyncio.timeout(60):
                await self.met.wait()
        except TimeoutError:
            return False
        self.after = {} if self.how == "power cut" else self.digests()
        return self.failed != ""

    def digests(self) -> dict[str, bytes]:
        return digest_of_all_tables(ReadTx(self.node.store._writer))

    def off(self) -> None:
        self.done = True
        self.node.on_unit = self.node.fault = None


class PowerCut(BaseException):
    """The end of this node's run."""


def with_op(kind: type, *, route: bool | None = None) -> Callable[[str, tuple[Any, ...]], bool]:
    """Pick the unit that takes an op of this kind; `route`: of a LOCK, whether it goes on."""

    def wanted(name: str, args: tuple[Any, ...]) -> bool:
        return name == "take_ops" and any(
            isinstance(op.body.step, kind) and (route is None or bool(op.body.step.route) is route)
            for op in args[2]
        )

    return wanted


def named(unit: str) -> Callable[[str, tuple[Any, ...]], bool]:
    return lambda name, _args: name == unit


UNITS = [
    ("begin", "Oakvale", named("_begin"), False),
    ("promise", "Riverside", named("promise"), False),
    ("LOCK at the connector", "Hilltop", with_op(Lock, route=True), False),
    ("LOCK at the payee", "Riverside", with_op(Lock, route=False), False),
    ("CLAIM at the connector", "Hilltop", with_op(Claim), False),
    ("CLAIM at the payer", "Oakvale", with_op(Claim), False),
    ("LOCK refused by the payee", "Riverside", with_op(Lock, route=False), True),
    ("RELEASE at the connector", "Hilltop", with_op(Release), True),
    ("RELEASE at the payer", "Oakvale", with_op(Release), True),
]


async def attempt(town: SmallTown, what: str, full: bool) -> Payment | None:
    """Buy, as a patient member does: again while the node is down or the answer is no."""
    riverside, karim = town["Riverside"], town["Riverside"].members["Karim"]
    offer: Offer | NoOffer | None = None
    for _ in range(200):
        try:
            if not isinstance(offer, Offer):
                offer = await town["Oakvale"].ask("Riverside", "Karim", PRICE, what)
            if isinstance(offer, Offer):
                if full:
                    await riverside.store.write(riverside.books.set_limits, karim, 0, 0, WORDS)
                return await pay(town, offer)
        except (StoreError, CannotPay):
            offer = None
        await asyncio.sleep(1)
    return None


@pytest.mark.parametrize("how", ["error", "power cut"])
@pytest.mark.parametrize("what, name, wanted, full", UNITS, ids=[unit[0] for unit in UNITS])
def test_a_unit_failing_at_any_statement_leaves_before_or_after(
    what: str, name: str, wanted: Callable[[str, tuple[Any, ...]], bool], full: bool, how: str
) -> None:
    """I7 for each unit of work of a payment, for every n and at COMMIT; then the town heals and ends the same."""

    async def scenario(town: SmallTown) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)  # of the power cuts
        node, karim = town[name], town["Riverside"].members["Karim"]
        failed_at: list[str] = []
        for n in range(1, 80):
            balances = await both_balances(town)
            cutter = Cutter(node, wanted, n, how)
            trying = asyncio.ensure_future(attempt(town, f"{what} {n}", full))
            if await cutter.has_cut():
                failed_at.append(cutter.failed)
                await look_at_the_cut(cutter)
            payment = await trying
            assert payment is not None
            payment = await town["Oakvale"].settlement.wait(payment.no, 600)
            if full:
                riverside = town["Riverside"]
                await riverside.store.write(riverside.books.set_limits, karim, 0, None, WORDS)
            await town.settle(600)
            await town.until_async(town.all_usable, 900)
            assert payment.state is (PayerState.FAILED if full else PayerState.PAID), f"failed at {n}"
            moved = 0 if full else PRICE
            assert await both_balances(town) == (balances[0] - moved, balances[1] + moved)
            if not cutter.failed:
                assert len(failed_at) > 5
                assert "COMMIT" in failed_at
                return
        raise AssertionError("a unit of more than 80 statements")

    in_row(scenario)


@pytest.mark.parametrize("how", ["error", "power cut"])
def test_the_answer_that_makes_a_line_usable_failing_at_any_statement(how: str) -> None:
    """I7 for the unit that writes a decided CLAIM, with its posting, once the upstream line is usable: rules 0.4, 6.7."""

    async def scenario(town: SmallTown) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        hilltop = town["Hilltop"]
        upstream = next(
            line.state.line for line in await hilltop.line_states() if line.peer == town["Oakvale"].scheme
        )
        failed_at: list[str] = []
        for n in range(1, 80):
            balances = await both_balances(town)
            payment = await pay(town, await offered(town, f"purchase {n}"))
            await town.until_async(lambda: has_decided(town, "forward", "state = 'forwarded'"), 10, 0.001)
            town.network.cut("Oakvale", "Hilltop")
            await hilltop.restart()
            await town.until_async(lambda: has_decided(town, "decision", "receipt IS NOT NULL"), 60)
            await town.check_always()
            cutter = Cutter(hilltop, lambda name, args: name == "take_answer" and args[0] == upstream, n, how)
            town.network.mend("Oakvale", "Hilltop")
            if await cutter.has_cut():
                failed_at.append(cutter.failed)
                await look_at_the_cut(cutter)
            payment = await town["Oakvale"].settlement.wait(payment.no, 600)
            assert payment.state is PayerState.PAID
            await town.settle(600)
            await town.until_async(town.all_usable, 900)
            assert await both_balances(town) == (balances[0] - PRICE, balances[1] + PRICE)
            if not cutter.failed:
                assert len(failed_at) > 5
                assert "COMMIT" in failed_at
                return
        raise AssertionError("a unit of more than 80 statements")

    in_row(scenario)


async def has_decided(town: SmallTown, table: str, condition: str) -> bool:
    found = await town["Hilltop"].store.read(
        lambda tx: tx.all(text(f"SELECT 1 FROM {table} WHERE {condition}"))
    )
    return bool(found)


async def look_at_the_cut(cutter: Cutter) -> None:
    """I7: after the cut, the state is the one before the unit, or the one after it if the COMMIT was done."""
    node = cutter.node
    if cutter.how == "power cut":
        await node.crash()
        cutter.off()
        await node.boot()
        cutter.after = cutter.digests()
    cutter.off()
    after, before = cutter.after, cutter.before
    changed = {table for table in after if after[table] != before[table]}
    if cutter.how == "power cut":
        changed.discard("line")  # a boot resets what was heard of lines
    if cutter.failed == "COMMITTED":
        assert changed, "I7 nothing was kept"
    else:
        assert not changed, f"I7 failed at {cutter.failed}: {changed}"


# --- the disk -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_is_full_in_the_middle_of_a_group_of_units(name: str, tmp_path: Path) -> None:
    """I7, I1: units that find no room leave nothing, those that do are whole; with room again, all ends."""
    disk = SqliteDatabase(tmp_path / "node.db")

    async def scenario(town: SmallTown) -> None:
        before = await both_balances(town)
        offers = [await offered(town, f"thing {n}") for n in range(24)]
        raw: sqlite3.Connection = town[name].store._writer.raw  # type: ignore[attr-defined]
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count = {pages + 3}")
        answers = await asyncio.gather(*(pay(town, offer) for offer in offers), return_exceptions=True)
        await asyncio.sleep(60)
        begun = [answer for answer in answers if isinstance(answer, Payment)]
        full = [answer for answer in answers if isinstance(answer, StoreFull)]
        assert len(begun) + len(full) == len(offers)
        assert bool(full) is (name == "Oakvale")
        await town.check_always()
        ended = [await town["Oakvale"].settlement.payment(each.no) for each in begun]
        if name != "Oakvale":
            assert not all(each.ended for each in ended), "the disk was never full"
        raw.execute("PRAGMA max_page_count = 1000000")
        ended = [await town["Oakvale"].settlement.wait(each.no, 900) for each in begun]
        assert all(each.ended for each in ended)
        await town.settle(900)
        paid = PRICE * sum(each.state is PayerState.PAID for each in ended)
        assert await both_balances(town) == (before[0] - paid, before[1] + paid)

    in_row(scenario, disks={name: disk})
