"""Peers with valid keys of their own who flood, and never read: what serves the others goes on. Rules 0.5, 9.3; I14; attack T34."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from node import supervisor
from node.clock import LoopClock, SeededChance
from node.federation.channel import Channel, ChannelClosed
from node.federation.handshake import Handshaker
from node.keyring import KeyRing
from node.services import connector_desk
from node.services.line_rows import Line
from node.services.payment_desk import PaymentDesk
from node.services.quotes import NoOffer, Offer
from node.simulation.network import SimulatedNetwork
from node.simulation.virtual_loop import EPOCH_MS
from node.store import Tx
from protocol.frame import Frame, FrameType, encode_frame
from protocol.limits import LOCK_DEADLINE_MS
from protocol.line import author, new_line
from protocol.line_ops import Limit, Lock, Open, SyncAsk, Terms
from protocol.message import encode_message
from protocol.names import LineId, QuoteId, SchemeId
from protocol.payment import PayerState
from protocol.quote import QuoteAsk
from protocol.units import HOUR
from tests.simulation import run_virtual
from tests.small_town import Credentials, SettlingNode, SmallTown, chain, make_keyring

NAMES = ["Oakvale", "Hilltop", "Riverside"]
FEW_TASKS = 300  # a smaller node, so that a smaller flood would drown it


class Eve:
    """A scheme that nobody trades with, in session with one of the town, which she never listens to."""

    def __init__(self, town: SmallTown):
        self._town = town
        chance = SeededChance("eve")
        self.keyring: KeyRing = make_keyring(chance, EPOCH_MS)
        town.phonebook.states[self.scheme] = self.keyring.identity
        self._handshaker = Handshaker(Credentials(self.keyring), town.phonebook, LoopClock(EPOCH_MS), chance)

    @property
    def scheme(self) -> SchemeId:
        return self.keyring.scheme

    async def meet(self, name: str) -> Channel:
        """Come into session with somebody."""
        channel = await self._town.network.connect("Eve", name)
        await self._handshaker.dial(channel, self._town[name].scheme)
        return channel

    async def flood(self, channel: Channel, kind: FrameType, payloads: Sequence[object]) -> None:
        """Send all of it, reading nothing; what is closed on her is closed."""
        try:
            async with asyncio.timeout(60):
                for number, payload in enumerate(payloads):
                    if number % 100 == 0:
                        await asyncio.sleep(
                            0.2
                        )  # what was sent arrives, and the answers fill what holds them
                    await channel.send(encode_frame(Frame(kind, payload, number % 1000 + 1)))  # type: ignore[arg-type]  # a value
        except (TimeoutError, ChannelClosed):
            pass


def with_eve(scenario: Callable[[SmallTown, Eve], Awaitable[None]]) -> None:
    """Run `scenario` in three schemes in a row, with Eve outside."""

    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, NAMES, chain(*NAMES))
        await town.open()
        town.route(*NAMES)
        town.route("Oakvale", "Hilltop")
        for name in NAMES:
            await town[name].open_member("Ana")
        await scenario(town, Eve(town))
        await town.settle(600)
        await town.stop()

    run_virtual(begin)


async def pays(node: SettlingNode, payee: str) -> None:
    payment = await node.buy("Ana", payee, "Ana", 60)
    assert payment.state is PayerState.PAID


@pytest.fixture
def small_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "TASKS_MAX", FEW_TASKS)


def sync_asks(count: int) -> list[bytes]:
    return [
        encode_message(
            SyncAsk(line=LineId(number.to_bytes(32)), epoch=0, boot=bytes(16), own_length=0, seen_length=0)
        )
        for number in range(count)
    ]


@pytest.mark.usefixtures("small_node")
def test_questions_of_a_stranger_who_reads_no_answer_stop_no_payment() -> None:
    """Every unread answer held a task; with all of them held, ops of neighbours were dropped for good."""

    async def scenario(town: SmallTown, eve: Eve) -> None:
        hilltop = town["Hilltop"]
        await eve.flood(await eve.meet("Hilltop"), FrameType.SYNC, sync_asks(2_500))
        tasks = hilltop.lines._tasks
        assert tasks is not None
        assert len(tasks._tasks) < FEW_TASKS / 2
        await pays(town["Oakvale"], "Riverside")

    with_eve(scenario)


@pytest.mark.usefixtures("small_node")
def test_a_stranger_opens_one_line_at_a_time() -> None:
    """Each op of another line was stored beside all others, in a task of its own."""

    async def scenario(town: SmallTown, eve: Eve) -> None:
        hilltop = town["Hilltop"]
        low, high = sorted((eve.scheme, hilltop.scheme))
        frames: list[object] = []
        for number in range(400):
            terms = Terms(low=low, high=high, nonce=number.to_bytes(16))
            state = new_line(terms, eve.scheme)
            body, _ = author(state, Open(low=low, high=high, nonce=terms.nonce), EPOCH_MS)
            frames.append((state.line, (eve.keyring.sign("line", body).wire,)))
        units = 0

        def count(name: str, _args: tuple[object, ...], begins: bool) -> None:
            nonlocal units
            units += begins and name == "take_ops"

        hilltop.on_unit = count
        await eve.flood(await eve.meet("Hilltop"), FrameType.OPS, frames)
        hilltop.on_unit = None
        assert units < len(frames) / 2
        await pays(town["Oakvale"], "Riverside")
        assert sum(line.peer == eve.scheme for line in await hilltop.line_states()) == 1

    with_eve(scenario)


def asks(town: SmallTown, route: list[SchemeId], count: int) -> list[bytes]:
    return [
        encode_message(QuoteAsk(nonce=number.to_bytes(16), route=tuple(route), sealed=bytes(200)))
        for number in range(count)
    ]


def test_a_stranger_gets_no_price_and_no_question_passed_on() -> None:
    """Rule 7.1: prices are for schemes with whom we trade; a promise is kept for 30 days."""

    async def scenario(town: SmallTown, eve: Eve) -> None:
        hilltop, riverside = town["Hilltop"], town["Riverside"]
        channel = await eve.meet("Hilltop")
        route = [eve.scheme, hilltop.scheme, riverside.scheme]
        session = next(iter(hilltop.links.live.values()))
        before = town.network.traffic("Hilltop", "Riverside").messages
        await eve.flood(channel, FrameType.QUOTE_ASK, asks(town, route, 200))
        await asyncio.sleep(1)
        assert town.network.traffic("Hilltop", "Riverside").messages - before < 20
        assert not session.is_ended

    with_eve(scenario)


def test_asks_passed_on_leave_room_for_everything_else_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """I14: a neighbour's flood of asks towards a scheme that does not answer kept SYNC and letters from it."""

    async def scenario(town: SmallTown, eve: Eve) -> None:
        oakvale, hilltop, riverside = (town[name] for name in NAMES)

        async def silence(*_: object) -> None:
            await asyncio.sleep(5)

        monkeypatch.setattr(riverside.quotes, "_answer", silence)
        route = [oakvale.scheme, hilltop.scheme, riverside.scheme]
        session = oakvale.links.live[hilltop.scheme]
        for number, ask in enumerate(asks(town, route, 1_000)):
            session.offer(FrameType.QUOTE_ASK, ask, request_id=number + 1)
        await asyncio.sleep(1)
        waiting = len(hilltop.links.live[riverside.scheme]._pending)
        assert 0 < waiting <= 128
        line = next(each for each in await hilltop.line_states() if each.peer == riverside.scheme)
        assert await hilltop.lines.sync(line.state.line, riverside.scheme)
        await asyncio.sleep(30)
        monkeypatch.undo()
        assert isinstance(await oakvale.ask("Riverside", "Ana", 60, "jam"), Offer)
        await pays(oakvale, "Riverside")

    with_eve(scenario)


JAM = Limit(owed_max=100 * HOUR, pending_max=10 * HOUR, open_max=20)


def locks_nobody_ends(eve: SettlingNode, at: SchemeId, route: Sequence[SchemeId]) -> Callable[[Tx], int]:
    """Return a unit that locks on the line with `at` as often as there is room, for quotes that nobody gave."""

    def unit(tx: Tx) -> int:
        lines, _ = eve.lines.units.desks(tx)
        line, count = lines.by_peer(at), 0
        assert line is not None
        while lines.room(line) >= 1:
            quote_id = QuoteId(eve.chance.bytes(32))
            lines.author(
                line,
                Lock(
                    quote_id=quote_id, part=1, parts=1, amount=1, receipt_key=bytes(32), mode="normal",
                    deadline=eve.clock.now_ms() + LOCK_DEADLINE_MS, route=tuple(route), note=b"", memo=b"",
                ),
            )  # fmt: skip
            count += 1
        eve.lines.units.finish(tx, lines)
        return count

    return unit


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control: no share"])
def test_a_flood_of_locks_that_nobody_ends_leaves_the_line_to_others(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 6.4; I14; attack T2: a neighbour locks all it may towards a payee of its own kind, who is silent."""
    if not guarded:
        monkeypatch.setattr(connector_desk, "share_of_room", lambda room, **_: room)

    async def scenario(network: SimulatedNetwork) -> None:
        edges = [*chain(*NAMES, "Mallory"), ("Eve", "Hilltop")]
        town = SmallTown(network, [*NAMES, "Mallory", "Eve"], edges)
        await town.open(JAM)
        oakvale, hilltop, riverside, mallory, eve = (town[name] for name in (*NAMES, "Mallory", "Eve"))
        town.route(*NAMES)
        for name in NAMES:
            await town[name].open_member("Ana")
        # Mallory takes every op and never ends a lock; Eve does not care how hers end.
        for scheme, what in ((mallory.scheme, "decide_lock"), (eve.scheme, "_own_lock_ended")):
            monkeypatch.setattr(PaymentDesk, what, nothing_at(scheme, getattr(PaymentDesk, what)))

        async def median_s() -> float:
            waits = []
            for _ in range(7):
                began = town.network.loop.time()
                await pays(oakvale, "Riverside")
                waits.append(town.network.loop.time() - began)
            return sorted(waits)[3]

        async def open_at(node: SettlingNode, peer: SchemeId) -> int:
            line = next(each for each in await node.line_states() if each.peer == peer)
            return line.state.mine.open_count[line.state.me]

        quiet = await median_s()
        lock = locks_nobody_ends(eve, hilltop.scheme, [riverside.scheme, mallory.scheme])
        tried = 0
        for _ in range(20):
            tried += await eve.store.write(lock)
            await asyncio.sleep(1)
        if not guarded:
            assert await open_at(hilltop, riverside.scheme) == JAM.open_max
            assert isinstance(await oakvale.ask("Riverside", "Ana", 60, "jam"), NoOffer), "it stops everybody"
            await town.stop()
            return
        assert tried > 2 * JAM.open_max, "it locks again whatever comes back"
        flooding = asyncio.ensure_future(keep_locking(eve, lock))
        assert await median_s() <= 2 * quiet
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        assert await open_at(hilltop, riverside.scheme) == JAM.open_max // 2, "half of the line, and no more"
        assert await open_at(riverside, mallory.scheme) == JAM.open_max // 2
        await town.check_always()
        await town.stop()

    run_virtual(scenario)


async def keep_locking(eve: SettlingNode, lock: Callable[[Tx], int]) -> None:
    while True:
        await eve.store.write(lock)
        await asyncio.sleep(0.05)


def nothing_at(scheme: SchemeId, does: Callable[..., None]) -> Callable[..., None]:
    """Return a method of a desk that does nothing at one scheme."""

    def method(self: PaymentDesk, line: Line, *rest: object) -> None:
        if line.state.scheme(line.state.me) != scheme:
            does(self, line, *rest)

    return method
