"""Declining, stopping, trading again, ending and settling; and the ceiling over all lines. Rules 6.3, 6.4, 6.6."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import pytest

from node.services import line_units
from node.services.acts import OPERATOR, Actor, NotAllowed, Role
from node.services.line_rows import ASKED, CLOSED, CLOSING, OFFERED, OPEN, STOPPED, Line
from node.services.line_units import LineRefused
from node.services.quotes import Offer
from node.services.settlement import CannotPay, NoPayment
from node.simulation.network import SimulatedNetwork
from protocol.line_ops import Limit, Lock
from protocol.line_view import Limits, other
from protocol.payment import PayerState
from protocol.units import HOUR
from tests.simulation import run_virtual
from tests.small_town import WIDE, SettlingNode, SmallTown, chain

ROSA: Final = Actor(no=None, name="Rosa", role=Role.ORGANISER, proof="password")
NAMES: Final = ("Oakvale", "Hilltop", "Riverside")
Scenario = Callable[[SmallTown], Awaitable[None]]


def in_row(scenario: Scenario, *, opened: bool = True, settles: bool = True) -> None:
    """Run `scenario` in three schemes in a row, everybody knowing the ways."""

    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, NAMES, chain(*NAMES))
        for names in (NAMES, NAMES[::-1], NAMES[:2], NAMES[1::-1], NAMES[1:], NAMES[:0:-1]):
            town.route(*names)
        await (town.open() if opened else town.boot())
        for name in NAMES:
            await town[name].open_member("Ana")
            await town[name].open_member("Karim")
        await scenario(town)
        if settles:
            await town.settle(600)
        await town.stop()

    run_virtual(begin)


async def line_of(town: SmallTown, name: str, peer: str) -> Line:
    """Return the newest line of a scheme with another."""
    return [line for line in await town[name].line_states() if line.peer == town[peer].scheme][-1]


async def status(town: SmallTown, name: str, peer: str) -> str:
    return (await line_of(town, name, peer)).status


async def until_status(town: SmallTown, name: str, peer: str, wanted: str) -> None:
    async def there() -> bool:
        lines = [line for line in await town[name].line_states() if line.peer == town[peer].scheme]
        return bool(lines) and lines[-1].status == wanted

    await town.until_async(there, 120)


# --- A ceiling over all lines (6.4) ------------------------------------------------------------------------------


def test_all_neighbours_together_are_owed_no_more_than_the_ceiling() -> None:
    """Rule 6.4: a debt on one line leaves less on the others; what another owes us pays nobody."""

    async def scenario(town: SmallTown) -> None:
        hilltop = town["Hilltop"]
        hilltop.owed_ceiling = 2 * HOUR
        assert (await hilltop.buy("Ana", "Oakvale", "Karim", 90)).state is PayerState.PAID
        # Riverside comes to owe us, which does not widen what Oakvale may be owed.
        assert (await town["Riverside"].buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID
        assert (
            await hilltop.buy("Ana", "Riverside", "Karim", 60)
        ).state is PayerState.PAID  # owed before: no debt
        assert not isinstance(await hilltop.ask("Riverside", "Karim", 31, "eggs"), Offer)
        assert (await hilltop.buy("Ana", "Riverside", "Karim", 30)).state is PayerState.PAID
        debts = [line.debt for line in await hilltop.line_states()]
        assert sum(debts) == 2 * HOUR
        hilltop.owed_ceiling = None
        assert (await hilltop.buy("Ana", "Oakvale", "Karim", 600, "roof")).state is PayerState.PAID

    in_row(scenario)


def test_the_ceiling_counts_at_the_lock_and_when_passing_on() -> None:
    """Rule 6.4, at both moments when a debt begins: lowered between quote and LOCK."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        hilltop.owed_ceiling = HOUR
        assert (await hilltop.buy("Ana", "Oakvale", "Karim", 50)).state is PayerState.PAID
        assert not isinstance(await oakvale.ask("Riverside", "Karim", 20, "jam"), Offer), (
            "as the connector says"
        )

        hilltop.owed_ceiling = 2 * HOUR
        offer = await oakvale.ask("Riverside", "Karim", 20, "jam")
        assert isinstance(offer, Offer)
        hilltop.owed_ceiling = HOUR
        payment = await oakvale.settlement.pay(
            offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=bytes(16)
        )
        assert (await oakvale.settlement.wait(payment.no, 60)).state is PayerState.FAILED

        hilltop.owed_ceiling = 2 * HOUR
        offer = await hilltop.ask("Riverside", "Karim", 20, "jam")
        assert isinstance(offer, Offer)
        hilltop.owed_ceiling = HOUR
        with pytest.raises(CannotPay) as no:
            await hilltop.settlement.pay(
                offer, account_no=hilltop.members["Ana"], entered_by="Ana", once=b"2" * 16
            )
        assert no.value.reason is NoPayment.NO_WAY

    in_row(scenario)


# --- Declining and taking back (6.1, 6.6) --------------------------------------------------------------------------


def test_a_declined_proposal_is_told_and_both_can_begin_anew() -> None:
    """OPEN and CLOSE with no LIMIT between: the other side reads a signed no, and answers with its CLOSE."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await oakvale.lines.propose(hilltop.scheme, WIDE)
        await until_status(town, "Hilltop", "Oakvale", ASKED)
        await hilltop.neighbours.decline(ROSA, oakvale.scheme)
        for name, peer in (("Hilltop", "Oakvale"), ("Oakvale", "Hilltop")):
            await until_status(town, name, peer, CLOSED)
        with pytest.raises(LineRefused):
            await hilltop.lines.agree(oakvale.scheme, WIDE)
        with pytest.raises(LineRefused):
            await hilltop.neighbours.decline(ROSA, oakvale.scheme)
        await town.until_async(town.at_rest)
        await hilltop.restart()
        await oakvale.restart()
        await town.until_async(town._connected)
        assert (await line_of(town, "Oakvale", "Hilltop")).state.mine.ended

        await hilltop.lines.propose(oakvale.scheme, WIDE)
        await until_status(town, "Oakvale", "Hilltop", ASKED)
        await oakvale.lines.agree(hilltop.scheme, WIDE)
        await until_status(town, "Hilltop", "Oakvale", OPEN)
        await town.until_async(lambda: _usable(town, "Hilltop", "Oakvale"))
        assert (await oakvale.buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID

    in_row(scenario, opened=False)


async def _usable(town: SmallTown, *names: str) -> bool:
    one, two = names
    return (await line_of(town, one, two)).usable and (await line_of(town, two, one)).usable


def test_a_proposal_declined_while_its_author_is_away_is_told_later() -> None:
    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await oakvale.lines.propose(hilltop.scheme, WIDE)
        await until_status(town, "Hilltop", "Oakvale", ASKED)
        await oakvale.crash()
        await hilltop.neighbours.decline(ROSA, oakvale.scheme)
        await asyncio.sleep(3600)
        await oakvale.boot()
        await until_status(town, "Oakvale", "Hilltop", CLOSED)

    in_row(scenario, opened=False)


def test_a_proposal_taken_back_is_gone_at_the_other_side() -> None:
    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await oakvale.lines.propose(hilltop.scheme, WIDE)
        await until_status(town, "Hilltop", "Oakvale", ASKED)
        await oakvale.neighbours.take_back(ROSA, hilltop.scheme)
        for name, peer in (("Hilltop", "Oakvale"), ("Oakvale", "Hilltop")):
            await until_status(town, name, peer, CLOSED)
        with pytest.raises(LineRefused):
            await hilltop.lines.agree(oakvale.scheme, WIDE)
        await oakvale.lines.propose(hilltop.scheme, WIDE)
        await until_status(town, "Hilltop", "Oakvale", ASKED)
        assert len(await hilltop.line_states()) == 1, "what was taken back leaves nothing behind"
        await hilltop.lines.agree(oakvale.scheme, WIDE)
        await until_status(town, "Oakvale", "Hilltop", OPEN)

    in_row(scenario, opened=False)


def test_agreeing_and_taking_back_may_cross() -> None:
    """Whoever agreed reads the CLOSE and answers it; nobody is left with half a line."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await oakvale.lines.propose(hilltop.scheme, WIDE)
        await until_status(town, "Hilltop", "Oakvale", ASKED)
        await asyncio.gather(
            oakvale.neighbours.take_back(ROSA, hilltop.scheme), hilltop.lines.agree(oakvale.scheme, WIDE)
        )
        for name, peer in (("Hilltop", "Oakvale"), ("Oakvale", "Hilltop")):
            await until_status(town, name, peer, CLOSED)
        await town.until_async(town.at_rest)
        assert (await line_of(town, "Oakvale", "Hilltop")).state.mine.ended

    in_row(scenario, opened=False)


def test_of_too_many_proposals_the_oldest_goes_and_comes_back_if_it_is_still_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever may talk to us cannot fill our store, nor keep others out: a proposal we do not hold is sent again."""
    monkeypatch.setattr(line_units, "PROPOSALS_MAX", 1)

    async def scenario(town: SmallTown) -> None:
        hilltop = town["Hilltop"]
        await town["Oakvale"].lines.propose(hilltop.scheme, WIDE)
        await until_status(town, "Hilltop", "Oakvale", ASKED)
        await town["Riverside"].lines.propose(hilltop.scheme, WIDE)
        seen: set[bytes] = set()

        async def both_were_heard() -> bool:
            (line,) = await hilltop.line_states()
            seen.add(line.peer)
            return len(seen) == 2 and line.peer == town["Oakvale"].scheme

        await town.until_async(both_were_heard, 120)
        assert sum(map(len, hilltop.lines._lines_of.values())) == 1, "what was forgotten is not remembered"

    in_row(scenario, opened=False, settles=False)


# --- Stopping and trading again (6.6) ---------------------------------------------------------------------------------


def granted(line: Line) -> Limits:
    return line.state.mine.limits[other(line.state.me)]


def test_whoever_stops_says_so_with_limits_of_zero_and_may_begin_again() -> None:
    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        assert (await oakvale.buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID
        await hilltop.neighbours.stop(ROSA, oakvale.scheme)
        await asyncio.sleep(5)
        seen = await line_of(town, "Oakvale", "Hilltop")
        assert seen.state.mine.limits[seen.state.me] == Limits(), "zero, plainly"
        assert seen.status == OPEN, "what is owed stays; only its room is gone"
        assert (seen.state.owed, seen.room()) == (HOUR, 0)
        for name, payee in (("Oakvale", "Hilltop"), ("Hilltop", "Oakvale"), ("Oakvale", "Riverside")):
            offer = await town[name].ask(payee, "Karim", 10, "eggs")
            if isinstance(offer, Offer):
                with pytest.raises(CannotPay):
                    await town[name].begin("Ana", payee, "Karim", 10, "eggs")
        with pytest.raises(LineRefused):
            await hilltop.lines.set_limit(oakvale.scheme, WIDE, None)
        with pytest.raises(LineRefused):
            await hilltop.neighbours.stop(ROSA, oakvale.scheme)

        await hilltop.neighbours.resume(ROSA, oakvale.scheme, WIDE, None)
        await asyncio.sleep(5)
        assert granted(await line_of(town, "Hilltop", "Oakvale")) == Limits(
            WIDE.owed_max, WIDE.pending_max, WIDE.open_max
        )
        assert (await oakvale.buy("Ana", "Riverside", "Karim", 60)).state is PayerState.PAID

    in_row(scenario)


def test_a_silent_neighbour_is_stopped_at_once_and_told_when_heard() -> None:
    """Rule 6.6: the wish counts from now on; resumed before anything was told, nothing needs to be."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await hilltop.crash()
        await oakvale.restart()
        await oakvale.neighbours.stop(ROSA, hilltop.scheme)
        stopped = await line_of(town, "Oakvale", "Hilltop")
        assert (stopped.status, granted(stopped).owed_max) == (STOPPED, WIDE.owed_max)
        await oakvale.neighbours.resume(ROSA, hilltop.scheme, WIDE, None)
        await oakvale.neighbours.stop(ROSA, hilltop.scheme)
        with pytest.raises(LineRefused):
            await oakvale.neighbours.resume(
                ROSA, hilltop.scheme, Limit(owed_max=1, pending_max=1, open_max=1), None
            )
        await hilltop.boot()

        async def told() -> bool:
            return granted(await line_of(town, "Oakvale", "Hilltop")) == Limits()

        await town.until_async(told, 600)

    in_row(scenario)


def test_what_is_under_way_ends_after_a_stop() -> None:
    """A trade whose answer is on its way when either side stops is finished; nothing is charged twice."""

    async def scenario(town: SmallTown) -> None:
        oakvale = town["Oakvale"]
        payment = await oakvale.begin("Ana", "Riverside", "Karim", 60)
        await oakvale.neighbours.stop(ROSA, town["Hilltop"].scheme)
        await town["Riverside"].neighbours.stop(ROSA, town["Hilltop"].scheme)
        assert (await oakvale.settlement.wait(payment.no, 60)).ended
        await town.settle()

    in_row(scenario)


# --- Ending for good, with what is owed (6.3, 6.6) ------------------------------------------------------------------


@pytest.mark.parametrize("away", [False, True])
def test_a_line_ends_when_both_have_closed_and_nothing_is_open(away: bool) -> None:
    """What is owed stays on both books, can be settled afterwards, and only then may trade begin anew."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        assert (await oakvale.buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID
        if away:
            await hilltop.crash()
        await oakvale.neighbours.close(ROSA, hilltop.scheme)
        if away:
            assert await status(town, "Oakvale", "Hilltop") == CLOSING
            await asyncio.sleep(7200)
            await hilltop.boot()
        for name, peer in (("Hilltop", "Oakvale"), ("Oakvale", "Hilltop")):
            await until_status(town, name, peer, CLOSED)
        assert (await line_of(town, "Oakvale", "Hilltop")).state.owed == HOUR
        for name, peer in (("Hilltop", "Oakvale"), ("Oakvale", "Hilltop")):
            with pytest.raises(LineRefused, match="settled first"):
                await town[name].lines.propose(town[peer].scheme, WIDE)
        await town.until_async(lambda: _usable(town, "Oakvale", "Hilltop"))
        await town.check_at_rest()

        with pytest.raises(LineRefused, match="not owe"):
            await oakvale.neighbours.settle(ROSA, hilltop.scheme, HOUR, -HOUR)
        with pytest.raises(LineRefused, match="not owe"):
            await hilltop.neighbours.settle(ROSA, oakvale.scheme, HOUR + 1, HOUR)
        await hilltop.neighbours.settle(ROSA, oakvale.scheme, HOUR, HOUR)
        with pytest.raises(LineRefused, match="changed meanwhile"):  # the same form, sent twice
            await hilltop.neighbours.settle(ROSA, oakvale.scheme, HOUR, HOUR)
        await town.settle()
        assert (await line_of(town, "Oakvale", "Hilltop")).state.owed == 0
        await oakvale.lines.propose(hilltop.scheme, WIDE)
        await until_status(town, "Hilltop", "Oakvale", ASKED)
        await hilltop.lines.agree(oakvale.scheme, WIDE)
        await town.until_async(lambda: _usable(town, "Oakvale", "Hilltop"))
        assert (await oakvale.buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID

    in_row(scenario)


def test_a_line_with_a_lock_open_ends_after_it() -> None:
    """Rule 6.3 (CLOSE): the payee behind it is away; its answer is carried over a line that both have closed."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        town["Riverside"].on_unit = cut_at_the_lock(town)
        payment = await oakvale.begin("Ana", "Riverside", "Karim", 60)
        await asyncio.sleep(5)
        await hilltop.neighbours.close(ROSA, oakvale.scheme)
        await asyncio.sleep(60)
        assert await status(town, "Oakvale", "Hilltop") == CLOSING
        assert await oakvale.held("Ana") == 60
        town["Riverside"].on_unit = None
        town.network.mend("Hilltop", "Riverside")
        assert (await oakvale.settlement.wait(payment.no, 600)).ended
        for name, peer in (("Hilltop", "Oakvale"), ("Oakvale", "Hilltop")):
            await until_status(town, name, peer, CLOSED)

    in_row(scenario)


def cut_at_the_lock(town: SmallTown) -> Callable[[str, tuple[object, ...], bool], None]:
    """Return a watcher that cuts the payee off when the lock is at its door."""

    def watch(name: str, args: tuple[object, ...], begins: bool) -> None:
        if name == "take_ops" and begins and any(isinstance(op.body.step, Lock) for op in args[2]):  # type: ignore[attr-defined]
            town.network.cut("Hilltop", "Riverside")

    return watch


# --- Who may -------------------------------------------------------------------------------------------------------


def test_only_organisers_decide_about_neighbours() -> None:
    member = Actor(no=2, name="Ana", role=Role.MEMBER, proof="password")

    async def scenario(town: SmallTown) -> None:
        node, peer = town["Oakvale"].neighbours, town["Hilltop"].scheme
        for act in (
            node.decline(member, peer), node.take_back(member, peer), node.stop(member, peer),
            node.resume(member, peer, WIDE, None), node.close(member, peer), node.settle(member, peer, 1, 1),
        ):  # fmt: skip
            with pytest.raises(NotAllowed):
                await act
        assert await status(town, "Oakvale", "Hilltop") == OPEN

    in_row(scenario)


@pytest.mark.parametrize("what", ["decline", "take_back", "stop", "resume", "close", "settle"])
@pytest.mark.parametrize("state", [None, ASKED, OFFERED, OPEN, STOPPED, CLOSED])
def test_every_wish_in_every_state_is_decided(what: str, state: str | None) -> None:
    """Each is done where it has a meaning, else refused in words; never a traceback, never half a change."""
    possible: Mapping[str, set[str | None]] = {
        "decline": {ASKED}, "take_back": {OFFERED}, "stop": {OPEN}, "resume": {STOPPED},
        "close": {OPEN, STOPPED}, "settle": set(),
    }  # fmt: skip

    async def scenario(town: SmallTown) -> None:
        node, peer = town["Oakvale"], town["Hilltop"]
        await brought_to(town, node, peer, state)
        extra: tuple[object, ...] = (
            (WIDE, None) if what == "resume" else (HOUR, 0) if what == "settle" else ()
        )
        act = getattr(node.neighbours, what)
        if state in possible[what]:
            await act(OPERATOR, peer.scheme, *extra)
            return
        before = [(line.status, line.state) for line in await node.line_states()]
        with pytest.raises(LineRefused):
            await act(OPERATOR, peer.scheme, *extra)
        assert [(line.status, line.state) for line in await node.line_states()] == before

    in_row(scenario, opened=False, settles=False)


async def brought_to(town: SmallTown, node: SettlingNode, peer: SettlingNode, state: str | None) -> None:
    if state is None:
        return
    asker, asked = (peer, node) if state == ASKED else (node, peer)
    await asker.lines.propose(asked.scheme, WIDE)
    await until_status(town, asked.name, asker.name, ASKED)
    if state in (ASKED, OFFERED):
        return
    await asked.lines.agree(asker.scheme, WIDE)
    await town.until_async(lambda: _usable(town, node.name, peer.name))
    if state == STOPPED:
        await node.neighbours.stop(OPERATOR, peer.scheme)
    if state == CLOSED:
        await node.neighbours.close(OPERATOR, peer.scheme)
        await until_status(town, node.name, peer.name, CLOSED)
