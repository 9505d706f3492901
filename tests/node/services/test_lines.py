"""Lines over the network: opened by both, brought together by SYNC, suspended alone, never harmed by strangers. Rule 6."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from crypto.signing import Signed
from node.federation.dispatch import NoAnswer
from node.services import line_units
from node.services import lines as lines_module
from node.services.line_desk import LineDesk
from node.services.line_rows import ASKED, OFFERED, OPEN, REPLACED, SUSPENDED, Line
from node.services.line_units import LineRefused
from node.services.quotes import Offer
from node.simulation.network import SimulatedNetwork, Weather
from node.store import Tx
from protocol import line as rules
from protocol.frame import FrameType
from protocol.limits import LINE_WINDOW_OPS
from protocol.line_ops import Limit, Lock, Op, Open, Release, Step, SyncAnswer, SyncAsk, Terms
from protocol.message import encode_message, open_message, trusted_message
from protocol.names import Handle, LineId, QuoteId
from protocol.payment import PayerState
from protocol.quote import Offered, Quote, QuoteAsk, QuoteRequest
from protocol.units import HOUR
from tests.simulation import run_virtual
from tests.small_town import WIDE, SettlingNode, SmallTown, chain

NAMES = ["Oakvale", "Hilltop", "Riverside"]
Scenario = Callable[[SmallTown], Awaitable[None]]


def in_row(scenario: Scenario, *, seed: int = 0, opened: bool = True, settles: bool = True) -> None:
    """Run `scenario` in three schemes in a row: Ana in the first, Karim in the last."""

    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, NAMES, chain(*NAMES), seed=seed)
        town.route(*NAMES)
        town.route("Oakvale", "Hilltop")
        town.route("Hilltop", "Riverside")
        if opened:
            await town.open()
            for name in NAMES:
                await town[name].open_member("Ana")
                await town[name].open_member("Karim")
        else:
            await town.boot()
        await scenario(town)
        if settles:
            await town.settle(600)
        await town.stop()

    run_virtual(begin, seed)


async def line_to(town: SmallTown, name: str, peer: str, status: str | None = None) -> Line:
    lines = [line for line in await town[name].line_states() if line.peer == town[peer].scheme]
    return next(line for line in lines if status in (None, line.status))


async def statuses(town: SmallTown, name: str) -> list[str]:
    return sorted(line.status for line in await town[name].line_states())


async def quarantined(node: SettlingNode) -> list[str]:
    return [row[0] for row in await node.store.read(lambda tx: tx.all(text("SELECT reason FROM quarantine")))]


def next_op(author: SettlingNode, line: Line, valid: Step, **changes: Any) -> Signed[Op]:
    """Return the author's next op, without its node knowing of it; `changes` make it wrong."""
    body, _ = rules.author(line.state, valid, author.clock.now_ms())
    return author.keyring.sign("line", replace(body, **changes))


def hand_over(town: SmallTown, sender: str, receiver: str, *ops: Signed[Op]) -> None:
    line_id = ops[0].body.line
    town[sender].links.offer(town[receiver].scheme, FrameType.OPS, (line_id, tuple(op.wire for op in ops)))


# --- opening (6.1) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_both_admins_propose_at_once(seed: int) -> None:
    """Rule 6.1: the terms with the lower id stand, each side keeps the limits and the ceiling its admin said."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        if seed % 2:
            town.network.set_weather("Oakvale", "Hilltop", Weather(loss=0.2, duplicate=0.2, reorder=0.3))
        mine, theirs = replace(WIDE, owed_max=7 * HOUR), replace(WIDE, owed_max=9 * HOUR)
        await asyncio.gather(
            oakvale.lines.propose(hilltop.scheme, mine, 3 * HOUR),
            hilltop.lines.propose(oakvale.scheme, theirs, 4 * HOUR),
        )

        async def open_at_both_ends() -> bool:
            return all([OPEN in await statuses(town, name) for name in ("Oakvale", "Hilltop")])

        await town.until_async(open_at_both_ends, 120)
        await town.until_async(town.all_usable, 120)
        one = await line_to(town, "Oakvale", "Hilltop", OPEN)
        other = await line_to(town, "Hilltop", "Oakvale", OPEN)
        assert one.state.line == other.state.line
        assert (one.own_ceiling, other.own_ceiling) == (3 * HOUR, 4 * HOUR)
        assert {each.owed_max for each in one.state.mine.limits} == {7 * HOUR, 9 * HOUR}
        for name in ("Oakvale", "Hilltop"):
            assert set(await statuses(town, name)) <= {OPEN, REPLACED}
        town.network.set_weather("Oakvale", "Hilltop", Weather())
        await oakvale.open_member("Ana")
        await hilltop.open_member("Karim")
        assert (await oakvale.buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID

    in_row(scenario, seed=seed, opened=False, settles=False)


def test_a_line_begins_only_when_both_admins_agree() -> None:
    """Rule 6.1, and what admins read when they try something else."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        with pytest.raises(LineRefused):
            await hilltop.lines.agree(oakvale.scheme, WIDE)
        with pytest.raises(LineRefused):
            await oakvale.lines.propose(oakvale.scheme, WIDE)
        await oakvale.lines.propose(hilltop.scheme, WIDE)
        await asyncio.sleep(60)
        assert (await statuses(town, "Oakvale"), await statuses(town, "Hilltop")) == ([OFFERED], [ASKED])
        assert not (await line_to(town, "Oakvale", "Hilltop")).usable
        with pytest.raises(LineRefused):
            await oakvale.lines.propose(hilltop.scheme, WIDE)
        with pytest.raises(LineRefused):
            await hilltop.lines.propose(oakvale.scheme, WIDE)
        with pytest.raises(LineRefused):
            await oakvale.lines.set_limit(hilltop.scheme, WIDE, None)
        await hilltop.restart()
        await oakvale.restart()
        await asyncio.sleep(60)
        await hilltop.lines.agree(oakvale.scheme, WIDE)
        await town.until_async(town.all_usable)

    in_row(scenario, opened=False, settles=False)


def opening(town: SmallTown, author: str, peer: str, nonce: bytes, **changes: Any) -> Signed[Op]:
    low, high = sorted((town[author].scheme, town[peer].scheme))
    terms = Terms(low=low, high=high, nonce=nonce)
    state = rules.new_line(terms, town[author].scheme)
    body, _ = rules.author(state, Open(low=low, high=high, nonce=nonce), 0)
    return town[author].keyring.sign("line", replace(body, **changes))


def test_an_open_that_is_not_valid_leaves_nothing_behind() -> None:
    """Rule 0.5: whoever may talk to us cannot fill our store, or block a line that its admin asks for later."""

    async def scenario(town: SmallTown) -> None:
        await asyncio.sleep(5)
        hand_over(town, "Oakvale", "Hilltop", opening(town, "Oakvale", "Hilltop", bytes(16), state=bytes(32)))
        hand_over(town, "Oakvale", "Hilltop", opening(town, "Oakvale", "Riverside", bytes(16)))
        await asyncio.sleep(5)
        assert await statuses(town, "Hilltop") == []
        hand_over(town, "Oakvale", "Hilltop", opening(town, "Oakvale", "Hilltop", bytes(16)))
        hand_over(town, "Oakvale", "Hilltop", opening(town, "Oakvale", "Hilltop", b"2" * 16))
        await asyncio.sleep(5)
        assert await statuses(town, "Hilltop") == [ASKED], "one with each peer"
        assert not any(node.lines._inbox for node in town.nodes.values())

    in_row(scenario, opened=False, settles=False)


# --- what is wrong stops one line (0.5) ------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["state", "ack_id", "release of nothing", "second open", "fork"])
def test_an_invalid_op_suspends_its_line_and_no_other(wrong: str) -> None:
    """Rules 0.5, 6.5: the op is in quarantine for the admin, the other line keeps working, also after a boot."""

    async def scenario(town: SmallTown) -> None:
        riverside, hilltop = town["Riverside"], town["Hilltop"]
        line = await line_to(town, "Riverside", "Hilltop")
        if wrong == "fork":
            await riverside.lines.set_limit(hilltop.scheme, WIDE, None)
            await asyncio.sleep(5)
            op = next_op(riverside, line, replace(WIDE, open_max=1))
        elif wrong == "release of nothing":
            op = next_op(riverside, line, WIDE, step=Release(lock=1, reason="gone"))
        elif wrong == "second open":
            terms = line.terms
            op = next_op(riverside, line, WIDE, step=Open(low=terms.low, high=terms.high, nonce=terms.nonce))
        else:
            op = next_op(riverside, line, WIDE, **{wrong: bytes(32)})
        hand_over(town, "Riverside", "Hilltop", op)
        await asyncio.sleep(5)
        assert await statuses(town, "Hilltop") == [OPEN, SUSPENDED]
        assert len(await quarantined(hilltop)) == 1
        for _ in range(2):
            assert (await town["Oakvale"].buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID
            assert not (await line_to(town, "Hilltop", "Riverside")).usable
            await hilltop.restart()
            await asyncio.sleep(60)
        hand_over(town, "Riverside", "Hilltop", next_op(riverside, line, WIDE))
        await asyncio.sleep(5)
        assert len(await quarantined(hilltop)) == 1, "a suspended line takes nothing more"

    in_row(scenario, settles=False)


def test_nobody_can_speak_on_the_line_of_others() -> None:
    """Rule 6.5: Riverside's ops for the line of Oakvale and Hilltop, however timed, do not touch it."""

    async def scenario(town: SmallTown) -> None:
        hilltop, riverside = town["Hilltop"], town["Riverside"]
        line = await line_to(town, "Oakvale", "Hilltop")
        body, _ = rules.author(line.state, WIDE, 0)
        foreign = riverside.keyring.sign("line", replace(body, author=riverside.scheme))
        real = [town["Oakvale"].buy("Ana", "Hilltop", "Karim", 1, f"thing {n}") for n in range(20)]

        async def disturb() -> None:
            for _ in range(200):
                hand_over(town, "Riverside", "Hilltop", foreign)
                await asyncio.sleep(0.005)

        ends = await asyncio.gather(*real, disturb())
        assert {payment.state for payment in ends[:-1] if payment} == {PayerState.PAID}
        assert await statuses(town, "Hilltop") == [OPEN, OPEN]
        assert await quarantined(hilltop) == []
        assert not hilltop.lines._inbox

    in_row(scenario)


def test_what_a_neighbour_passes_on_from_somebody_else_is_not_taken() -> None:
    """I12: an op counts from its author only; whoever sends another's loses the session."""

    async def scenario(town: SmallTown) -> None:
        op = next_op(town["Oakvale"], await line_to(town, "Oakvale", "Hilltop"), replace(WIDE, open_max=1))
        before = (await line_to(town, "Hilltop", "Oakvale")).state.peer_length
        session = town["Hilltop"].links.live[town["Riverside"].scheme]
        hand_over(town, "Riverside", "Hilltop", op)
        await asyncio.sleep(5)
        assert (await line_to(town, "Hilltop", "Oakvale")).state.peer_length == before
        assert session.is_ended

    in_row(scenario)


def test_our_own_failure_on_an_op_stops_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 0.5: rolled back, in quarantine, that line suspended; the node goes on."""
    on_step = line_units.PaymentDesk.on_step

    def fails(self: Any, line: Line, op: Signed[Op], acceptances: Any) -> None:
        if isinstance(op.body.step, Limit):
            raise ZeroDivisionError("our bug")
        on_step(self, line, op, acceptances)

    async def scenario(town: SmallTown) -> None:
        monkeypatch.setattr(line_units.PaymentDesk, "on_step", fails)
        before = (await line_to(town, "Hilltop", "Riverside")).state.peer_length
        await town["Riverside"].lines.set_limit(town["Hilltop"].scheme, WIDE, None)
        await asyncio.sleep(5)
        monkeypatch.undo()
        assert (await line_to(town, "Hilltop", "Riverside")).state.peer_length == before
        assert await quarantined(town["Hilltop"]) == ["ZeroDivisionError('our bug')"]
        assert (await town["Oakvale"].buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID

    in_row(scenario, settles=False)


# --- SYNC (6.5, 6.7) --------------------------------------------------------------------------------------------------


async def ask_sync(town: SmallTown, asker: str, answerer: str, line_id: LineId) -> SyncAnswer:
    ask = SyncAsk(line=line_id, epoch=0, boot=bytes(16), own_length=0, seen_length=0)
    frame = await town[asker].links.request(town[answerer].scheme, FrameType.SYNC, encode_message(ask))
    assert isinstance(frame.payload, bytes)
    return open_message(
        SyncAnswer, frame.payload, lambda body, seq: town.phonebook.key_for(body.author, "line", seq)
    ).body


def test_a_line_nobody_knows_is_answered_with_nothing_and_anothers_not_at_all() -> None:
    """Rule 6.5: so a proposal reaches who has not heard of it; what others owe each other is nobody's business."""

    async def scenario(town: SmallTown) -> None:
        answer = await ask_sync(town, "Riverside", "Hilltop", LineId(b"x" * 32))
        assert (answer.own_length, answer.seen_length, answer.boot) == (0, 0, bytes(16))
        others = (await line_to(town, "Hilltop", "Oakvale")).state.line
        with pytest.raises(NoAnswer):
            await ask_sync(town, "Riverside", "Hilltop", others)

    in_row(scenario)


def test_a_line_counts_for_nothing_until_this_boot_was_answered() -> None:
    """Rule 6.7 (a), (c): nothing is written on it, a payment from it is refused, and it is usable again by itself."""

    async def scenario(town: SmallTown) -> None:
        town.network.cut("Oakvale", "Hilltop")
        await town["Oakvale"].restart()
        line = await line_to(town, "Oakvale", "Hilltop")
        assert (line.synced, line.usable, line.room()) == (False, False, 0)
        with pytest.raises(LineRefused):
            await town["Oakvale"].lines.set_limit(town["Hilltop"].scheme, WIDE, None)
        town.network.mend("Oakvale", "Hilltop")
        await town.until_async(town.all_usable, 120)

    in_row(scenario)


def test_ops_on_their_way_do_not_make_a_usable_line_less_so() -> None:
    """Rule 6.7 (c) asks for one answer a boot: a later SYNC that runs ahead of the peer's ops changes nothing."""

    async def scenario(town: SmallTown) -> None:
        hilltop, riverside = town["Hilltop"], town["Riverside"]
        line = await line_to(town, "Hilltop", "Riverside")
        ahead = SyncAnswer(
            line=line.state.line, epoch=0, author=riverside.scheme, boot=hilltop.links.boot,
            own_length=line.state.peer_length + 5, own_id=b"y" * 32, seen_length=line.state.own_length,
            seen_id=line.state.own_id,
        )  # fmt: skip
        assert await hilltop.store.write(hilltop.lines.units.take_answer, line.state.line, ahead)
        assert (await line_to(town, "Hilltop", "Riverside")).usable

    in_row(scenario)


@pytest.mark.parametrize("field", ["own_id", "seen_id"])
def test_an_answer_that_tells_of_another_past_suspends_the_line(field: str) -> None:
    """Rules 6.5, 6.8: lengths agree and ids do not, so one of the two lost ops and wrote others."""

    async def scenario(town: SmallTown) -> None:
        hilltop, riverside = town["Hilltop"], town["Riverside"]
        state = (await line_to(town, "Hilltop", "Riverside")).state
        answer = SyncAnswer(
            line=state.line, epoch=0, author=riverside.scheme, boot=hilltop.links.boot, own_length=state.peer_length,
            own_id=state.peer_id, seen_length=state.own_length, seen_id=state.own_id,
        )  # fmt: skip
        assert await hilltop.store.write(hilltop.lines.units.take_answer, state.line, answer)
        lie = replace(answer, **{field: b"z" * 32})
        assert not await hilltop.store.write(hilltop.lines.units.take_answer, state.line, lie)
        assert await statuses(town, "Hilltop") == [OPEN, SUSPENDED]
        assert len(await quarantined(hilltop)) == 1

    in_row(scenario, settles=False)


def test_a_bad_answer_to_sync_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 0.5: a peer that answers nonsense costs itself the line; asking others goes on."""

    async def scenario(town: SmallTown) -> None:
        riverside = town["Riverside"]

        async def nonsense(session: Any, frame: Any, ask: Any) -> None:
            await session.answer(frame, b"nonsense")

        monkeypatch.setattr(riverside.lines, "_answer_sync", nonsense)
        await town["Hilltop"].restart()
        await asyncio.sleep(120)
        assert all(not task.done() for task in town["Hilltop"].running)
        assert not (await line_to(town, "Hilltop", "Riverside")).usable
        assert (await town["Oakvale"].buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID
        monkeypatch.undo()
        await town.until_async(town.all_usable, 120)

    in_row(scenario)


def test_a_lost_connection_costs_no_more_than_asking_again() -> None:
    """Rule 6.5: after every reset what was under way is sent again, at once and not at the next interval."""

    async def scenario(town: SmallTown) -> None:
        for n in range(20):
            begun = await town["Oakvale"].begin("Ana", "Riverside", "Karim", 1, f"thing {n}")
            await asyncio.sleep(n * 0.01)
            town.network.reset("Hilltop", "Riverside")
            assert (await town["Oakvale"].settlement.wait(begun.no, 12)).state is PayerState.PAID, n
            await town.until_async(town.all_usable, 60)
            await asyncio.sleep(3)

    in_row(scenario)


# --- window, frames, floods (6.5, 9.3) --------------------------------------------------------------------------------


def test_the_window_is_what_the_peer_has_not_acknowledged() -> None:
    """Rule 6.5: a peer that has nothing to write acknowledges all the same; one that is away fills the window."""

    async def scenario(town: SmallTown) -> None:
        oakvale, peer = town["Oakvale"], town["Hilltop"].scheme
        for n in range(LINE_WINDOW_OPS + 20):
            await oakvale.lines.set_limit(peer, replace(WIDE, open_max=n), None)
            await asyncio.sleep(0.4)
        town.network.cut("Oakvale", "Hilltop")
        await asyncio.sleep(1)
        for _ in range(LINE_WINDOW_OPS):
            await oakvale.lines.set_limit(peer, WIDE, None)
        with pytest.raises(LineRefused):
            await oakvale.lines.set_limit(peer, WIDE, None)
        assert (await line_to(town, "Oakvale", "Hilltop")).room() == 0
        town.network.mend("Oakvale", "Hilltop")
        await town.settle()
        assert (await oakvale.buy("Ana", "Hilltop", "Karim", 60)).state is PayerState.PAID

    in_row(scenario)


def test_a_flood_of_limits_is_taken_and_harms_nobody() -> None:
    """LIMIT is always valid (6.3): two thousand of them, in one go, while others pay."""

    async def scenario(town: SmallTown) -> None:
        oakvale = town["Oakvale"]

        def flood(tx: Tx) -> None:
            lines, _ = oakvale.lines.desks(tx)
            line = lines.by_peer(town["Hilltop"].scheme)
            assert line is not None
            for n in range(2000):
                lines.author(line, replace(WIDE, owed_max=WIDE.owed_max + n))
            oakvale.lines.finish(tx, lines)

        await oakvale.store.write(flood)
        assert (await town["Hilltop"].buy("Ana", "Riverside", "Karim", 60)).state is PayerState.PAID
        await town.settle()
        line = await line_to(town, "Hilltop", "Oakvale")
        assert line.state.mine.limits[line.state.me].owed_max == WIDE.owed_max + 1999

    in_row(scenario)


# --- locks that wait (6.7 d, 0.4) ---------------------------------------------------------------------------------------


async def forward_states(node: SettlingNode) -> list[str]:
    return [row[0] for row in await node.store.read(lambda tx: tx.all(text("SELECT state FROM forward")))]


@pytest.mark.parametrize("boots", [1, 3])
def test_an_old_lock_waits_for_the_next_line(boots: int) -> None:
    """Rule 6.7 (d): it may have been forwarded before this boot, so it is neither released nor forwarded."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        offer = await oakvale.ask("Riverside", "Karim", 60, "jam")
        assert isinstance(offer, Offer)
        await hilltop.crash()
        town.network.cut("Hilltop", "Riverside")
        begun = await oakvale.settlement.pay(
            offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=b"1"
        )
        await hilltop.boot()
        await asyncio.sleep(30)
        for _ in range(boots - 1):
            await hilltop.restart()
            await asyncio.sleep(30)
        assert await forward_states(hilltop) == ["wait"]
        assert (await oakvale.settlement.payment(begun.no)).state is PayerState.LOCKED
        town.network.mend("Hilltop", "Riverside")
        assert (await oakvale.settlement.wait(begun.no, 300)).state is PayerState.PAID

    in_row(scenario)


@pytest.mark.parametrize("late", [False, True])
def test_a_new_lock_waits_until_the_next_line_was_compared(late: bool) -> None:
    """Rules 6.7 (d), 7.2: its author may have shown a restored scheme a shorter chain before; then the deadline counts."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        offer = await oakvale.ask("Riverside", "Karim", 60, "jam")
        assert isinstance(offer, Offer)
        town.network.cut("Hilltop", "Riverside")
        await hilltop.restart()
        await asyncio.sleep(30)
        ana = oakvale.members["Ana"]
        begun = await oakvale.settlement.pay(offer, account_no=ana, entered_by="Ana", once=b"1")
        await asyncio.sleep(3600 if late else 20)
        assert await forward_states(hilltop) == ["wait"]
        town.network.mend("Hilltop", "Riverside")
        await town.until_async(town.all_usable, 600)
        ended = PayerState.FAILED if late else PayerState.PAID
        assert (await oakvale.settlement.wait(begun.no, 600)).state is ended

    in_row(scenario)


@pytest.mark.parametrize("late", [False, True])
def test_an_old_lock_at_the_payee_is_decided_when_its_line_is_usable(
    late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules 6.7 (c), 7.2: stored while the line was not usable, and through another boot; then the deadline counts."""

    async def scenario(town: SmallTown) -> None:
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        offer = await oakvale.ask("Riverside", "Karim", 60, "jam")
        assert isinstance(offer, Offer)
        await riverside.crash()
        begun = await oakvale.settlement.pay(
            offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=b"1"
        )

        async def never(self: Any, line_id: LineId, peer: bytes) -> bool:
            return False

        monkeypatch.setattr(lines_module.LineService, "sync", never)
        await riverside.boot()
        town["Hilltop"].lines._spawn(
            ORIGINAL_SYNC(town["Hilltop"].lines, (await line_to(town, "Hilltop", "Riverside")).state.line,
                          riverside.scheme), "sync")  # fmt: skip
        await asyncio.sleep(60)
        if not (await line_to(town, "Riverside", "Hilltop")).open_locks_of_peer():
            line = await line_to(town, "Hilltop", "Riverside")
            await ORIGINAL_SYNC(town["Hilltop"].lines, line.state.line, riverside.scheme)
            await asyncio.sleep(5)
        assert len((await line_to(town, "Riverside", "Hilltop")).open_locks_of_peer()) == 1
        assert await riverside.balance("Karim") == 0
        monkeypatch.undo()
        await riverside.restart(700 if late else 1)
        payment = await oakvale.settlement.wait(begun.no, 600)
        assert payment.state is (PayerState.FAILED if late else PayerState.PAID)

    in_row(scenario)


ORIGINAL_SYNC = lines_module.LineService.sync


def test_the_first_decision_for_a_lock_stands() -> None:
    """Rule 0.4: decided while the line is not usable, written when it is, once."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        lock = Lock(
            quote_id=QuoteId(bytes(32)), part=1, parts=1, amount=1, receipt_key=bytes(32), mode="normal",
            deadline=0, route=(), note=b"", memo=b"",
        )  # fmt: skip

        def decide_twice(tx: Tx) -> tuple[list[tuple[int, bool]], int]:
            lines = LineDesk(tx, hilltop.keyring, 0)
            line = lines.by_peer(oakvale.scheme)
            assert line is not None
            line.state = rules.accept(line.state, op, lines.own_op_of(line))
            line.synced = False
            assert not lines.decide(line, op.body.seq, None, "gone")
            assert not lines.decide(line, op.body.seq, bytes(64))
            assert lines.is_decided(line, op.body.seq)
            line.synced = True
            written = lines.write_decisions(line)
            assert not lines.is_decided(line, op.body.seq)
            assert lines.write_decisions(line) == []
            answer = written, len(line.open_locks_of_peer())
            raise Undo(answer)

        op = next_op(oakvale, await line_to(town, "Oakvale", "Hilltop"), lock)
        with pytest.raises(Undo) as undo:
            await hilltop.store.write(decide_twice)
        assert undo.value.args == (([(op.body.seq, False)], 0),)

    in_row(scenario)


class Undo(Exception):
    """Leaves the store as it was."""


# --- odd routes (7.2) ---------------------------------------------------------------------------------------------------


def test_a_route_that_comes_back_over_the_same_line() -> None:
    """Rule 7.2: a route may pass a node twice; where it returns over the line it came by, nothing moves."""

    async def scenario(town: SmallTown) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        me, payee, turn = (town[name].scheme for name in NAMES)
        request = QuoteRequest(
            listing=None, payee_handle=await hilltop.quotes.handle_of(me, hilltop.members["Karim"]),
            payer_handle=Handle(bytes(16)), payer_name="Ana", amount=60, price_seen=None, text="round trip",
        )  # fmt: skip
        ask = QuoteAsk(nonce=bytes(16), route=(me, payee, turn, payee), sealed=b"")
        outcome, _ = await hilltop.store.write(hilltop.quotes.promises.promise, ask, request)
        assert isinstance(outcome, Offered)
        offer = Offer(
            quote=trusted_message(Quote, outcome.wire), request=request, route=ask.route, payee_name="Karim", amount=60,
            received_ms=oakvale.clock.now_ms(),
        )  # fmt: skip
        begun = await oakvale.settlement.pay(
            offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=b"1"
        )
        assert (await oakvale.settlement.wait(begun.no, 60)).state is PayerState.PAID
        assert await hilltop.balance("Karim") == 60
        assert await statuses(town, "Riverside") == [OPEN]
        assert await forward_states(town["Riverside"]) == ["claimed"]

    in_row(scenario)
