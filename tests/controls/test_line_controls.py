"""Negative controls of stopping, parting and losses: the same runs pass without a shortcut and fail with it, by name.

A control patches the node, not the test. Source: docs/protocol.md 6.3 (CLOSE, CREDIT), 6.4, 6.6, 7.2, 11.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

import pytest

from node.services import connector_desk, line_desk, line_rows, neighbours, payer_desk, payment_desk
from node.services.acts import OPERATOR
from node.services.books import Books
from node.services.line_desk import LineDesk
from node.services.line_ends import write_off
from node.services.line_rows import Line
from node.services.line_units import LineRefused
from node.services.payer_desk import PayerDesk
from node.services.settlement import CannotPay
from node.simulation.network import SimulatedNetwork
from node.store import Tx
from protocol import line as rules
from protocol.limits import FROZEN_AFTER_MS
from protocol.line_ops import Limit
from protocol.units import HOUR
from tests.invariants import Violated
from tests.simulation import run_virtual
from tests.small_town import WIDE, WORDS, SmallTown, chain

NAMES: Final = ("Oakvale", "Hilltop", "Riverside")
Run = Callable[[SmallTown], Awaitable[None]]
Patch = Callable[[pytest.MonkeyPatch], None]


def run_in_row(run: Run, seed: int = 0, limit: Limit = WIDE) -> None:
    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, NAMES, chain(*NAMES), seed=seed)
        for names in (NAMES, NAMES[:2], NAMES[1::-1], NAMES[1:]):
            town.route(*names)
        await town.open(limit)
        for name in NAMES:
            await town[name].open_member("Ana")
            await town[name].open_member("Karim")
        await run(town)
        await town.settle(300)
        await town.stop()

    run_virtual(begin, seed)


def must_fail(run: Run, patch: Patch, name: str, limit: Limit = WIDE) -> None:
    """Run without the patch (green) and with it: then the invariant `name` must be violated."""
    run_in_row(run, limit=limit)
    with pytest.MonkeyPatch.context() as patches:
        patch(patches)
        with pytest.raises(Violated, match=f"^{re.escape(name)}\\b"):
            run_in_row(run, limit=limit)


async def on_the_line(town: SmallTown, name: str, act: Callable[[LineDesk, Line], None]) -> None:
    node = town[name]

    def unit(tx: Tx) -> None:
        lines, _ = node.lines.desks(tx)
        line = lines.by_peer(town["Hilltop"].scheme)
        assert line is not None
        act(lines, line)
        node.lines.finish(tx, lines)

    await node.store.write(unit)


# --- a loss that nothing makes good (6.6) ----------------------------------------------------------------------------


async def lose_and_trade_again(town: SmallTown) -> None:
    """Hilltop owes Oakvale two hours, which are written off; then Oakvale buys from it."""
    oakvale = town["Oakvale"]
    await town["Hilltop"].buy("Ana", "Oakvale", "Karim", 120)
    await town.until_async(town.at_rest)
    await on_the_line(
        town, "Oakvale", lambda lines, line: write_off(lines, oakvale.books, line, 2 * HOUR, WORDS)
    )
    await oakvale.buy("Ana", "Hilltop", "Karim", 30)
    await oakvale.buy("Ana", "Riverside", "Karim", 60)


def booked_on_the_line(patches: pytest.MonkeyPatch) -> None:
    """Book what we owe on the line alone, and count the loss down all the same."""

    def plain(lines: LineDesk, books: Books, line: Line, amount: int) -> list[tuple[int, int]]:
        line.written_off -= min(line.written_off, amount)
        lines.touch(line)
        return [(books.line(lines.tx, line.peer), amount)]

    patches.setattr(payer_desk, "owed_more", plain)
    patches.setattr(connector_desk, "owed_more", plain)


def test_control_a_claim_that_does_not_make_the_loss_good() -> None:
    must_fail(lose_and_trade_again, booked_on_the_line, "I8")


# --- a CREDIT that only the line knows of (6.3) ------------------------------------------------------------------------


async def forgive(town: SmallTown) -> None:
    await town["Oakvale"].buy("Ana", "Hilltop", "Karim", 60)
    await town.until_async(town.at_rest)
    await town["Hilltop"].neighbours.settle(OPERATOR, town["Oakvale"].scheme, HOUR // 2, HOUR)


def credit_not_booked(patches: pytest.MonkeyPatch) -> None:
    """Take the peer's CREDIT on the line, and leave the books as they were."""
    patches.setattr(payment_desk, "book_credit", lambda *_args, **_kwargs: None)


def test_control_a_credit_that_is_not_booked() -> None:
    must_fail(forgive, credit_not_booked, "I8")


# --- a CREDIT that forgets my own open locks (6.3) ----------------------------------------------------------------------


async def settle_what_is_being_spent(town: SmallTown) -> None:
    """Hilltop owes Oakvale two hours and lets it owe two. Oakvale locks all four, and calls two of them settled meanwhile."""
    oakvale, hilltop = town["Oakvale"], town["Hilltop"]
    await hilltop.buy("Ana", "Oakvale", "Karim", 120)
    await town.until_async(town.at_rest)
    await oakvale.begin("Ana", "Hilltop", "Karim", 240)
    town.network.cut("Oakvale", "Hilltop")
    with suppress(LineRefused):
        await oakvale.neighbours.settle(OPERATOR, hilltop.scheme, 2 * HOUR, 2 * HOUR)
    town.network.mend("Oakvale", "Hilltop")
    await town.until_async(town.at_rest)


def all_that_is_owed(patches: pytest.MonkeyPatch) -> None:
    """CREDIT up to what the peer owes, on both sides of the line."""
    for module in (rules, neighbours):
        patches.setattr(module, "credit_room", lambda view, author: max(0, -view.owed(author)))


def test_control_a_credit_beside_open_locks() -> None:
    must_fail(settle_what_is_being_spent, all_that_is_owed, "I3", replace(WIDE, owed_max=2 * HOUR))


# --- a ceiling looked at for one line only (6.4) --------------------------------------------------------------------------


async def buy_everywhere(town: SmallTown) -> None:
    """Hilltop may owe one hour in all, and tries to owe one on each of its lines."""
    hilltop = town["Hilltop"]
    hilltop.owed_ceiling = HOUR
    for payee in ("Oakvale", "Riverside"):
        with suppress(CannotPay, AssertionError):
            await hilltop.buy("Ana", payee, "Karim", 60)
    await town.until_async(town.at_rest)
    debts = sum(line.debt for line in await hilltop.line_states())
    if debts > HOUR:
        raise Violated(f"6.4 we owe {debts} in all, the ceiling is {HOUR}")


def ceiling_of_one_line(patches: pytest.MonkeyPatch) -> None:
    """Hold each debt against the ceiling by itself, at the LOCK and at the quote."""

    def alone(most: int, line: Line, every: object, ceiling: int | None) -> int:
        exposure = line.state.owed + line.state.mine.pending[line.state.me]
        return most if ceiling is None else max(0, min(most, ceiling - exposure))

    patches.setattr(line_desk, "below_ceiling", alone)
    patches.setattr(line_rows, "below_ceiling", alone)


def test_control_a_ceiling_for_each_line_is_none_over_all() -> None:
    must_fail(buy_everywhere, ceiling_of_one_line, "6.4")


# --- a freed member who is charged after all (7.2) --------------------------------------------------------------------------


async def free_and_hear_again(town: SmallTown) -> None:
    """Karim was credited and nobody heard of it; Ana is freed by her organisers; then the claim comes."""
    oakvale = town["Oakvale"]
    payment = await oakvale.begin("Ana", "Riverside", "Karim", 60)

    async def credited() -> bool:
        return await town["Riverside"].balance("Karim") > 0

    await town.until_async(credited, 10, 0.001)
    town.network.cut("Hilltop", "Riverside")
    for node in town.nodes.values():
        await node.crash()
    await asyncio.sleep(FROZEN_AFTER_MS / 1000 + 1200)
    for node in town.nodes.values():
        await node.boot()
    await asyncio.sleep(1)

    def free(tx: Tx) -> None:
        lines, payments = oakvale.lines.desks(tx)
        assert payments.payer.free(payment.trade_no) is not None
        oakvale.lines.finish(tx, lines)

    await oakvale.store.write(free)
    town.network.mend("Hilltop", "Riverside")
    await town.until_async(town.at_rest, 900)
    if await oakvale.balance("Ana"):
        raise Violated("7.2 a member who was freed was charged")


def charged_again(patches: pytest.MonkeyPatch) -> None:
    """Let the chest's part be the member's: what was freed is set aside and spent once more."""
    free = PayerDesk.free

    def and_hold_again(self: PayerDesk, trade_no: int) -> object:
        freed = free(self, trade_no)
        if freed is not None:
            self._books.move_hold(self._tx, self._chest(), freed.account_no, freed.amount)
            patches.setattr(PayerDesk, "_chest", lambda _self: freed.account_no)
        return freed

    patches.setattr(PayerDesk, "free", and_hold_again)


def test_control_a_freed_member_is_charged_by_the_late_claim() -> None:
    must_fail(free_and_hear_again, charged_again, "7.2")
