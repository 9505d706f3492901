"""What two organisers must want: freeing a member whose payment is stuck, writing off what is lost. Rules 6.6, 7.2."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from node.services.accounts import all_accounts
from node.services.acts import OPERATOR, Actor, Deed, NotAllowed, Role, newest_acts, note_act
from node.services.joint_acts import (
    WRITE_OFF_HOURS_A_YEAR,
    asked_now,
    left_this_year,
    why_not,
)
from node.services.joint_kinds import Asked, CannotAct, Kind, Why
from node.services.line_rows import Line
from node.services.members import NewMember
from node.services.payer_desk import stuck_trades
from node.services.people import People
from node.services.settings import SchemeSettings, Settings
from node.services.settlement import Payment
from node.simulation.network import SimulatedNetwork
from node.store import ReadTx, Tx
from protocol.ledger import HOURS, LOCAL
from protocol.limits import DAY_MS, FROZEN_AFTER_MS
from protocol.line_ops import Claim, Lock
from protocol.payment import PayerState
from protocol.units import HOUR
from tests.simulation import run_virtual
from tests.small_town import WIDE as WIDE_LIMIT
from tests.small_town import SettlingNode, SmallTown, chain

NAMES: Final = ("Oakvale", "Hilltop", "Riverside")
DAY_S: Final = DAY_MS / 1000
Scenario = Callable[["Desk"], Awaitable[None]]


class Desk:
    """Oakvale's organisers, in a row of three schemes."""

    def __init__(self, town: SmallTown):
        self.town = town
        self.node: SettlingNode = town["Oakvale"]
        self.dead: set[str] = set()

    async def days(self, days: float) -> None:
        """Let days pass with nobody's power on: what stands in the stores, stands still; so do these tests' clocks."""
        alive = [node for node in self.town.nodes.values() if node.name not in self.dead]
        for node in alive:
            await node.crash()
        await asyncio.sleep(days * DAY_S)
        for node in alive:
            await node.boot()
        await asyncio.sleep(1)

    async def die(self, name: str) -> None:
        """End a node that stays down."""
        await self.town[name].crash()
        self.dead.add(name)

    async def rise(self, name: str) -> None:
        """Start a node that was down."""
        await self.town[name].boot()
        self.dead.discard(name)

    async def organiser(self, name: str, role: Role = Role.ORGANISER) -> Actor:
        node = self.node
        seed = SchemeSettings(name="Oakvale")
        people = People(
            node.store,
            node.clock,
            node.books,
            Settings(node.store, node.clock, seed),
            None,
            demoted=lambda _tx, _no: None,
        )  # type: ignore[arg-type]  # no PIN is set here
        member = await people.add(OPERATOR, NewMember(name=name, email=f"{name}@example.org", role=role))
        return member.acts("password")

    async def asked(self) -> list[Asked]:
        return await self.node.store.read(asked_now, self.node.clock.now_ms())

    async def hindered(self, by: Actor, asked: Asked) -> Why | None:
        found = await self.node.store.read(why_not, by, asked, self.node.clock.now_ms())
        return None if found is None else found[0]

    async def balance(self, role: str, unit: str) -> int:
        def query(tx: ReadTx) -> int:
            return sum(h.value.balance for h, r in all_accounts(tx) if r == role and h.value.unit == unit)

        return await self.node.store.read(query)

    async def trade(self, payment: Payment) -> tuple[object, ...]:
        from sqlalchemy import text

        def query(tx: ReadTx) -> list[tuple[object, ...]]:
            return tx.all(text(f"SELECT state, reason, late FROM trade WHERE no = {payment.trade_no}"))

        return (await self.node.store.read(query))[0]


def at_desk(scenario: Scenario, *, settles: bool = True) -> None:
    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, NAMES, chain(*NAMES))
        for names in (NAMES, NAMES[::-1], NAMES[:2], NAMES[1::-1]):
            town.route(*names)
        await town.open()
        for name in NAMES:
            await town[name].open_member("Ana")
            await town[name].open_member("Karim")
        await scenario(Desk(town))
        if settles:
            await town.settle(900)
        await town.stop()

    run_virtual(begin)


async def refused(act: Awaitable[None]) -> Why:
    with pytest.raises(CannotAct) as no:
        await act
    return no.value.why


async def stuck(desk: Desk, at: str) -> Payment:
    """Return a payment whose lock waits at a scheme that died: before it took it, or after it claimed."""
    town = desk.town
    if at == "connector":
        payment = await desk.node.begin("Ana", "Riverside", "Karim", 60)
        await asyncio.sleep(0.02)
        await desk.die("Hilltop")
    else:
        watched = town["Riverside"]

        def watch(name: str, args: tuple[object, ...], begins: bool) -> None:
            locks = name == "take_ops" and any(isinstance(op.body.step, Lock) for op in args[2])  # type: ignore[attr-defined]
            if locks and not begins:
                town.network.cut("Hilltop", "Riverside")  # it claimed, and nobody hears of it

        watched.on_unit = watch
        payment = await desk.node.begin("Ana", "Riverside", "Karim", 60)
        await asyncio.sleep(5)
        watched.on_unit = None
    return payment


# --- Who may confirm ---------------------------------------------------------------------------------------------


def test_two_organisers_free_a_member_and_one_cannot() -> None:
    """Rule 7.2: 14 days late and two say so; the same person twice is one."""

    async def scenario(desk: Desk) -> None:
        node = desk.node
        rosa, sam = await desk.organiser("Rosa", Role.ADMIN), await desk.organiser("Sam")
        payment = await stuck(desk, "payee")
        await desk.days(13)
        assert await node.store.read(stuck_trades, node.clock.now_ms()) == []
        assert await refused(node.joint_acts.ask_free(rosa, payment.trade_no)) is Why.TOO_EARLY
        await desk.days(2)
        assert await node.store.read(stuck_trades, node.clock.now_ms()) == [payment.trade_no]

        await node.joint_acts.ask_free(rosa, payment.trade_no)
        await node.joint_acts.ask_free(rosa, payment.trade_no)
        (asked,) = await desk.asked()
        assert (asked.kind, asked.trade_no, asked.asker) == (Kind.FREE, payment.trade_no, "Rosa")
        assert await desk.hindered(rosa, asked) is Why.ASKER
        assert await refused(node.joint_acts.confirm(rosa, asked.no)) is Why.ASKER
        assert await node.held("Ana") == 60, "asking moves nothing"

        assert await desk.hindered(sam, asked) is None
        await node.joint_acts.confirm(sam, asked.no)
        assert await node.held("Ana") == 0
        assert (await desk.trade(payment))[:2] == ("undone", "freed")
        assert await refused(node.joint_acts.confirm(sam, asked.no)) is Why.CHANGED
        assert await refused(node.joint_acts.ask_free(sam, payment.trade_no)) is Why.CHANGED
        acts = await node.store.read(newest_acts)
        assert [(act.by_name, act.detail.rpartition(": ")[2]) for act in acts if act.deed is Deed.FREED] == [
            ("Sam", "confirmed"), ("Rosa", "asked"),
        ]  # fmt: skip
        desk.town.network.mend("Hilltop", "Riverside")

    at_desk(scenario)


def test_whoever_is_new_at_the_desk_is_nobodys_other_person_for_a_week() -> None:
    """One person with two browsers: a second organiser made for the purpose confirms nothing."""

    async def scenario(desk: Desk) -> None:
        node = desk.node
        rosa = await desk.organiser("Rosa", Role.ADMIN)
        payment = await stuck(desk, "payee")
        await desk.days(15)
        await node.joint_acts.ask_free(rosa, payment.trade_no)
        (asked,) = await desk.asked()
        made_up = await desk.organiser("Rosalind")
        assert await refused(node.joint_acts.confirm(made_up, asked.no)) is Why.NEW
        await desk.days(6)
        assert await refused(node.joint_acts.confirm(made_up, asked.no)) is Why.NEW
        # Nor does sending the other one away again make the first one alone.
        assert await refused(node.joint_acts.confirm(rosa, asked.no)) is Why.ASKER
        await desk.days(1)
        await node.joint_acts.confirm(made_up, asked.no)
        assert await node.held("Ana") == 0
        desk.town.network.mend("Hilltop", "Riverside")

    at_desk(scenario)


def test_whoever_was_just_let_in_by_another_organiser_confirms_nothing_for_a_week() -> None:
    """A PIN, a link or another e-mail address lets whoever gave it sign in as the other one."""

    async def scenario(desk: Desk) -> None:
        node = desk.node
        rosa, sam = await desk.organiser("Rosa", Role.ADMIN), await desk.organiser("Sam")
        payment = await stuck(desk, "payee")
        await desk.days(15)
        await node.joint_acts.ask_free(rosa, payment.trade_no)
        (asked,) = await desk.asked()
        for deed in (Deed.PIN, Deed.LINK, Deed.PROFILE):

            def let_in(tx: Tx, deed: Deed = deed) -> None:
                note_act(
                    tx, sam, deed, now_ms=node.clock.now_ms(), for_no=sam.no
                )  # one's own counts for nothing
                note_act(tx, OPERATOR, deed, now_ms=node.clock.now_ms(), for_no=sam.no)
                assert why_not(tx, sam, asked, node.clock.now_ms()) is None
                note_act(tx, rosa, deed, now_ms=node.clock.now_ms(), for_no=sam.no)

            await node.store.write(let_in)
            assert await refused(node.joint_acts.confirm(sam, asked.no)) is Why.NEW
            await desk.days(7)
        await node.joint_acts.confirm(sam, asked.no)
        desk.town.network.mend("Hilltop", "Riverside")

    at_desk(scenario)


def test_a_single_organiser_waits_a_week() -> None:
    async def scenario(desk: Desk) -> None:
        node = desk.node
        rosa = await desk.organiser("Rosa", Role.ADMIN)
        payment = await stuck(desk, "payee")
        await desk.days(15)
        await node.joint_acts.ask_free(rosa, payment.trade_no)
        (asked,) = await desk.asked()
        assert await refused(node.joint_acts.confirm(rosa, asked.no)) is Why.ALONE
        await desk.days(6)

        def role_changes(tx: Tx) -> None:
            note_act(tx, rosa, Deed.ROLE, now_ms=node.clock.now_ms(), for_no=rosa.no, detail="admin")

        await node.store.write(role_changes)
        await desk.days(2)
        assert await refused(node.joint_acts.confirm(rosa, asked.no)) is Why.ALONE, (
            "counted from the last change"
        )
        await desk.days(5)
        await node.joint_acts.confirm(rosa, asked.no)
        assert await node.held("Ana") == 0
        desk.town.network.mend("Hilltop", "Riverside")

    at_desk(scenario)


def test_only_people_at_the_desk_ask_and_confirm() -> None:
    """Members, and whoever only has the node's command line, are no organiser that could be told from another."""

    async def scenario(desk: Desk) -> None:
        node, peer = desk.node, desk.town["Hilltop"].scheme
        member = Actor(no=None, name="Ana", role=Role.MEMBER, proof="password")
        for by in (member, OPERATOR):
            for act in (
                node.joint_acts.ask_free(by, 1), node.joint_acts.ask_write_off(by, peer, 1),
                node.joint_acts.confirm(by, 1), node.joint_acts.drop(by, 1),
            ):  # fmt: skip
                with pytest.raises(NotAllowed):
                    await act

    at_desk(scenario)


def test_what_nobody_confirms_is_dropped_or_lapses() -> None:
    async def scenario(desk: Desk) -> None:
        node = desk.node
        rosa, sam = await desk.organiser("Rosa", Role.ADMIN), await desk.organiser("Sam")
        payment = await stuck(desk, "payee")
        await desk.days(15)
        await node.joint_acts.ask_free(rosa, payment.trade_no)
        (asked,) = await desk.asked()
        await node.joint_acts.drop(sam, asked.no)
        assert await desk.asked() == []
        assert await refused(node.joint_acts.drop(sam, asked.no)) is Why.CHANGED
        assert await refused(node.joint_acts.confirm(sam, asked.no)) is Why.CHANGED
        await node.joint_acts.ask_free(rosa, payment.trade_no)
        (asked,) = await desk.asked()
        await desk.days(31)
        assert await desk.asked() == []
        assert await refused(node.joint_acts.confirm(sam, asked.no)) is Why.CHANGED
        desk.town.network.mend("Hilltop", "Riverside")

    at_desk(scenario)


# --- Freed, and then the answer comes after all (7.2) ------------------------------------------------------------


@pytest.mark.parametrize("at, ends", [("payee", "claimed"), ("connector", "released")])
def test_after_a_member_was_freed_the_answer_concerns_the_chest(at: str, ends: str) -> None:
    """Rule 7.2: a later CLAIM posts from the chest, a RELEASE drops it; books on all sides agree."""

    async def scenario(desk: Desk) -> None:
        node, town = desk.node, desk.town
        rosa, sam = await desk.organiser("Rosa", Role.ADMIN), await desk.organiser("Sam")
        payment = await stuck(desk, at)
        await desk.days(FROZEN_AFTER_MS / DAY_MS + 0.02)
        await node.joint_acts.ask_free(rosa, payment.trade_no)
        (asked,) = await desk.asked()
        await node.joint_acts.confirm(sam, asked.no)
        assert (await node.balance("Ana"), await node.held("Ana")) == (0, 0)
        await node.restart()
        assert (await node.settlement.payment(payment.no)).state is PayerState.FROZEN
        await desk.days(10)

        if at == "connector":
            await desk.rise("Hilltop")
        else:
            town.network.mend("Hilltop", "Riverside")
        await town.until_async(town.at_rest, 900)
        after = await node.settlement.payment(payment.no)
        assert (await node.balance("Ana"), await node.held("Ana")) == (0, 0), "never hers again"
        if ends == "claimed":
            assert after.state is PayerState.PAID
            assert (await desk.balance("chest", LOCAL), await town["Riverside"].balance("Karim")) == (-60, 60)
            assert (await desk.trade(payment))[:2] == ("undone", "freed-paid")
        else:
            assert after.state is PayerState.FAILED
            assert (await desk.balance("chest", LOCAL), await town["Riverside"].balance("Karim")) == (0, 0)
            assert (await desk.trade(payment))[:2] == ("undone", "freed")

    at_desk(scenario)


def test_what_ends_while_it_is_asked_for_is_not_freed() -> None:
    """The answer wins: whoever confirms a minute later reads that it changed, and nothing moves twice."""

    async def scenario(desk: Desk) -> None:
        node, town = desk.node, desk.town
        rosa, sam = await desk.organiser("Rosa", Role.ADMIN), await desk.organiser("Sam")
        payment = await stuck(desk, "payee")
        await desk.days(15)
        await node.joint_acts.ask_free(rosa, payment.trade_no)
        (asked,) = await desk.asked()
        town.network.mend("Hilltop", "Riverside")
        assert (await node.settlement.wait(payment.no, 900)).state is PayerState.PAID
        assert await refused(node.joint_acts.confirm(sam, asked.no)) is Why.CHANGED
        assert (await node.balance("Ana"), await desk.balance("chest", LOCAL)) == (-60, 0)

    at_desk(scenario)


# --- Writing off (6.6) ----------------------------------------------------------------------------------------------


async def line(desk: Desk) -> Line:
    return next(each for each in await desk.node.line_states() if each.peer == desk.town["Hilltop"].scheme)


async def gone_owing(desk: Desk, hours: int = 2) -> tuple[Actor, Actor]:
    """Let Hilltop die owing us; return two organisers who have stopped trading with it."""
    rosa, sam = await desk.organiser("Rosa", Role.ADMIN), await desk.organiser("Sam")
    await desk.town["Hilltop"].buy("Ana", "Oakvale", "Karim", hours * 60)
    await desk.town.until_async(desk.town.at_rest)
    await desk.die("Hilltop")
    await desk.days(8)
    await desk.node.neighbours.stop(rosa, desk.town["Hilltop"].scheme)
    return rosa, sam


def test_two_organisers_book_a_loss_and_no_lock_ends() -> None:
    async def scenario(desk: Desk) -> None:
        node, peer = desk.node, desk.town["Hilltop"].scheme
        rosa, sam = await gone_owing(desk)
        assert await refused(node.joint_acts.ask_write_off(rosa, peer, 2 * HOUR + 1)) is Why.TOO_MUCH
        await node.joint_acts.ask_write_off(rosa, peer, 2 * HOUR)
        (asked,) = await desk.asked()
        assert await refused(node.joint_acts.confirm(rosa, asked.no)) is Why.ASKER
        before = (await line(desk)).state
        await node.joint_acts.confirm(sam, asked.no)
        after = await line(desk)
        assert after.state == before, "nothing is signed"
        assert (after.written_off, after.state.owed) == (2 * HOUR, -2 * HOUR)
        assert (await desk.balance("line", HOURS), await desk.balance("write-off", HOURS)) == (0, -2 * HOUR)
        assert await refused(node.joint_acts.ask_write_off(rosa, peer, 1)) is Why.TOO_MUCH
        await desk.rise("Hilltop")

    at_desk(scenario)


def test_a_later_claim_is_honoured_against_the_loss() -> None:
    """Rule 6.6: what they come back with makes good what was lost; the rest is owed to them as ever."""

    async def scenario(desk: Desk) -> None:
        node, town = desk.node, desk.town
        rosa, sam = await gone_owing(desk)
        await node.joint_acts.ask_write_off(rosa, town["Hilltop"].scheme, 2 * HOUR)
        (asked,) = await desk.asked()
        await node.joint_acts.confirm(sam, asked.no)
        await desk.rise("Hilltop")
        await town.until_async(town.all_usable, 600)
        await node.neighbours.resume(rosa, town["Hilltop"].scheme, WIDE_LIMIT, None)
        await asyncio.sleep(5)
        assert (await node.buy("Ana", "Hilltop", "Karim", 90)).state is PayerState.PAID
        assert (await desk.balance("line", HOURS), await desk.balance("write-off", HOURS)) == (0, -HOUR // 2)
        assert (await node.buy("Ana", "Hilltop", "Karim", 90, "eggs")).state is PayerState.PAID
        assert (await desk.balance("line", HOURS), await desk.balance("write-off", HOURS)) == (HOUR, 0)
        assert ((await line(desk)).written_off, (await line(desk)).state.owed) == (0, HOUR)

    at_desk(scenario)


def test_a_claim_that_was_on_its_way_when_they_died_is_honoured_too() -> None:
    """The lock stays open through the write-off; the member's amount goes against the loss."""

    async def scenario(desk: Desk) -> None:
        node, town = desk.node, desk.town
        rosa, sam = await desk.organiser("Rosa", Role.ADMIN), await desk.organiser("Sam")
        await town["Hilltop"].buy("Ana", "Oakvale", "Karim", 120)
        await desk.days(8)

        def cut(name: str, args: tuple[object, ...], begins: bool) -> None:
            if name == "take_ops" and not begins:
                town.network.cut("Oakvale", "Hilltop")

        town["Hilltop"].on_unit = cut
        payment = await node.begin("Ana", "Hilltop", "Karim", 30)
        await asyncio.sleep(60)
        town["Hilltop"].on_unit = None
        await node.neighbours.stop(rosa, town["Hilltop"].scheme)
        await node.joint_acts.ask_write_off(rosa, town["Hilltop"].scheme, 2 * HOUR)
        (asked,) = await desk.asked()
        await node.joint_acts.confirm(sam, asked.no)
        assert await node.held("Ana") == 30, "no lock ends"
        town.network.mend("Oakvale", "Hilltop")
        assert (await node.settlement.wait(payment.no, 600)).state is PayerState.PAID
        chain_of_theirs = [
            op for op in (await town.snapshots())[0].copies[0].theirs if isinstance(op.step, Claim)
        ]
        assert len(chain_of_theirs) == 1
        assert await desk.balance("write-off", HOURS) == -3 * HOUR // 2

    at_desk(scenario)


def test_a_settlement_after_the_loss_was_booked() -> None:
    """CREDIT lowers what they owe; the loss moves from `write-off` to the chest, which stands in for it."""

    async def scenario(desk: Desk) -> None:
        node, town = desk.node, desk.town
        rosa, sam = await gone_owing(desk)
        await node.joint_acts.ask_write_off(rosa, town["Hilltop"].scheme, HOUR)
        (asked,) = await desk.asked()
        await node.joint_acts.confirm(sam, asked.no)
        await desk.rise("Hilltop")
        await town.until_async(town.all_usable, 600)
        await node.neighbours.settle(rosa, town["Hilltop"].scheme, 2 * HOUR, 2 * HOUR)
        assert (await desk.balance("line", HOURS), await desk.balance("write-off", HOURS)) == (0, 0)
        assert await desk.balance("chest", HOURS) == -2 * HOUR

    at_desk(scenario)


def test_more_than_a_years_cap_is_not_written_off() -> None:
    async def scenario(desk: Desk) -> None:
        node, peer = desk.node, desk.town["Hilltop"].scheme
        rosa, sam = await gone_owing(desk, WRITE_OFF_HOURS_A_YEAR + 50)
        cap = WRITE_OFF_HOURS_A_YEAR * HOUR
        assert await refused(node.joint_acts.ask_write_off(rosa, peer, cap + 1)) is Why.CAP
        await node.joint_acts.ask_write_off(rosa, peer, cap - HOUR)
        (asked,) = await desk.asked()
        await node.joint_acts.confirm(sam, asked.no)
        assert await node.store.read(left_this_year, node.clock.now_ms()) == HOUR
        assert await refused(node.joint_acts.ask_write_off(rosa, peer, 2 * HOUR)) is Why.CAP
        await desk.days(366)
        assert await node.store.read(left_this_year, node.clock.now_ms()) == cap
        await node.joint_acts.ask_write_off(rosa, peer, 2 * HOUR)
        await desk.rise("Hilltop")

    at_desk(scenario)


def test_nothing_is_written_off_while_trade_goes_on() -> None:
    async def scenario(desk: Desk) -> None:
        node, town = desk.node, desk.town
        rosa = await desk.organiser("Rosa")
        await town["Hilltop"].buy("Ana", "Oakvale", "Karim", 60)
        assert await refused(node.joint_acts.ask_write_off(rosa, town["Hilltop"].scheme, HOUR)) is Why.TRADING
        assert (
            await refused(node.joint_acts.ask_write_off(rosa, town["Riverside"].scheme, HOUR)) is Why.CHANGED
        )

    at_desk(scenario)
