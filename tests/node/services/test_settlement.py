"""Payments over real lines, in virtual time. Rules 6, 7; every test ends with all invariants of rule 11 checked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import pytest
from sqlalchemy import bindparam, select, update

from node.services.quotes import NoOffer, Offer
from node.services.settlement import CannotPay, NoPayment
from node.simulation.network import SimulatedNetwork, Weather
from node.store import ReadTx, Tx
from node.store.schema import books
from protocol.limits import LATE_AFTER_MS, LOCK_DEADLINE_MS, QUOTE_VALID_MS
from protocol.line_ops import Limit
from protocol.payment import PayerState
from protocol.units import HOUR
from tests.simulation import run_virtual
from tests.small_town import WIDE, WORDS, SmallTown, chain

ROW = ["Oakvale", "Hilltop", "Riverside", "Mill", "Ford", "Weir", "Quay"]
_TRADE = select(books.trade.c.state, books.trade.c.late, books.trade.c.reason).where(
    books.trade.c.no == bindparam("no")
)
_CLOSE = update(books.account).where(books.account.c.no == bindparam("which")).values(closed=True)

Scenario = Callable[[SmallTown], Awaitable[None]]


def in_town(
    scenario: Scenario,
    *,
    hops: int = 2,
    rates: Sequence[int] = (),
    seed: int = 0,
    weather: Weather | None = None,
    limit: Limit = WIDE,
) -> bytes:
    """Run `scenario` in a row of schemes: Ana in the first, Karim in the last. Return the hash of the log."""

    async def begin(network: SimulatedNetwork) -> bytes:
        names = ROW[: hops + 1]
        town = SmallTown(network, names, chain(*names), rates=rates, seed=seed)
        await town.open(limit)
        town.route(*names)
        town.route(*reversed(names))
        await town[names[0]].open_member("Ana")
        await town[names[-1]].open_member("Karim")
        for before, after in chain(*names):
            if weather is not None:
                network.set_weather(before, after, weather)
        await scenario(town)
        await town.settle(600)
        hashed = await town.log_hash()
        await town.stop()
        return hashed

    return run_virtual(begin, seed)


async def trade_of(town: SmallTown, name: str, no: int) -> tuple[object, ...]:
    def query(tx: ReadTx) -> tuple[object, ...]:
        row = tx.one(_TRADE, no=no)
        assert row is not None
        return row

    return await town[name].store.read(query)


# --- it works -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hops", [1, 2, 3, 6])
def test_a_purchase_ends_paid_on_both_sides(hops: int) -> None:
    """Rule 7.2; I1, I6, I8."""

    async def scenario(town: SmallTown) -> None:
        payment = await town["Oakvale"].buy("Ana", ROW[hops], "Karim", 600)
        assert payment.state is PayerState.PAID
        assert await town["Oakvale"].balance("Ana") == -600
        assert await town[ROW[hops]].balance("Karim") == 600

    in_town(scenario, hops=hops)


@pytest.mark.parametrize("rates", [(60, 100, 1200), (7, 3, 11), (3_600_000, 1, 1), (1, 1, 3_600_000)])
def test_different_rates_lose_at_most_a_minor_unit_a_trade(rates: tuple[int, ...]) -> None:
    """I9, rule 7.1: the payee's amount is exact, the payer's is rounded up, the rest stays in exchange."""

    async def scenario(town: SmallTown) -> None:
        for amount in (1, 2, 3, 7, 599, 600):
            payment = await town["Oakvale"].buy("Ana", "Riverside", "Karim", amount, f"{amount} jars")
            assert payment.state is PayerState.PAID
        assert await town["Riverside"].balance("Karim") == 1212

    in_town(scenario, rates=rates, limit=Limit(owed_max=2000 * HOUR, pending_max=2000 * HOUR, open_max=100))


def test_the_same_form_sent_twice_pays_once() -> None:
    """The same `once` gives the payment it began, whatever became of it."""

    async def scenario(town: SmallTown) -> None:
        oakvale = town["Oakvale"]
        offer = await oakvale.ask("Riverside", "Karim", 60, "jam")
        assert isinstance(offer, Offer)
        ana = oakvale.members["Ana"]
        first, second = await asyncio.gather(
            *(oakvale.settlement.pay(offer, account_no=ana, entered_by="Ana", once=b"1") for _ in range(2))
        )
        assert first.no == second.no
        assert (await oakvale.settlement.wait(first.no, 60)).state is PayerState.PAID
        third = await oakvale.settlement.pay(offer, account_no=ana, entered_by="Ana", once=b"1")
        assert (third.no, third.state) == (first.no, PayerState.PAID)
        assert await oakvale.balance("Ana") == -60

    in_town(scenario)


# --- refusals, before anything is set aside ---------------------------------------------------------------------------


async def refused(town: SmallTown, offer: Offer | NoOffer) -> NoPayment:
    assert isinstance(offer, Offer), offer
    oakvale = town["Oakvale"]
    with pytest.raises(CannotPay) as caught:
        await oakvale.settlement.pay(
            offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=oakvale.chance.bytes(16)
        )
    return caught.value.reason


def test_more_than_the_member_can_spend_is_refused() -> None:
    """Rule 3.4, checked where it is set aside."""

    async def scenario(town: SmallTown) -> None:
        await town["Oakvale"].open_member("Ana", credit_limit=59)
        assert await refused(town, await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")) is (
            NoPayment.TOO_LITTLE
        )
        assert await town["Oakvale"].held("Ana") == 0

    in_town(scenario)


def test_a_closed_account_cannot_begin() -> None:
    """Rule 3.4."""

    async def scenario(town: SmallTown) -> None:
        offer = await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")
        await close(town, "Oakvale", "Ana")
        assert await refused(town, offer) is NoPayment.CLOSED

    in_town(scenario)


async def close(town: SmallTown, name: str, member: str) -> None:
    def unit(tx: Tx) -> None:
        tx.run(_CLOSE, which=town[name].members[member])

    await town[name].store.write(unit)


def test_a_quote_is_paid_once_and_not_when_stale() -> None:
    """Rule 7.1, 7.2 first row."""

    async def scenario(town: SmallTown) -> None:
        offer = await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")
        assert isinstance(offer, Offer)
        ana = town["Oakvale"].members["Ana"]
        payment = await town["Oakvale"].settlement.pay(offer, account_no=ana, entered_by="Ana", once=b"1")
        assert (await town["Oakvale"].settlement.wait(payment.no, 60)).state is PayerState.PAID
        assert await refused(town, offer) is NoPayment.STALE
        late = await town["Oakvale"].ask("Riverside", "Karim", 60, "tea")
        assert isinstance(late, Offer)
        await asyncio.sleep(QUOTE_VALID_MS / 1000)
        assert await refused(town, late) is NoPayment.STALE
        assert town["Oakvale"].settlement.offer(late.id) is None

    in_town(scenario)


def test_a_boot_voids_the_quotes_asked_for() -> None:
    """Rule 6.7 (h)."""

    async def scenario(town: SmallTown) -> None:
        offer = await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")
        assert isinstance(offer, Offer)
        await town["Oakvale"].restart()
        await town.until_async(town.all_usable)
        assert town["Oakvale"].settlement.offer(offer.id) is None

    in_town(scenario)


def test_a_second_payment_for_the_same_thing_waits_for_the_first() -> None:
    """Only while one is set aside; another thing, another payee or another amount is free."""

    async def scenario(town: SmallTown) -> None:
        await town["Riverside"].open_member("Bela")
        asks = [("Karim", 60, "jam"), ("Karim", 60, "jam"), ("Karim", 60, "tea"), ("Bela", 60, "jam")]
        offers = [await town["Oakvale"].ask("Riverside", *ask) for ask in asks]
        town.network.cut("Hilltop", "Riverside")
        ana = town["Oakvale"].members["Ana"]
        for n, offer in enumerate(offers):
            assert isinstance(offer, Offer)
            if n == 1:
                assert await refused(town, offer) is NoPayment.WAITING
            else:
                await town["Oakvale"].settlement.pay(offer, account_no=ana, entered_by="Ana", once=bytes([n]))
        town.network.mend("Hilltop", "Riverside")
        await town.settle()
        payment = await town["Oakvale"].buy("Ana", "Riverside", "Karim", 60, "jam")
        assert payment.state is PayerState.PAID

    in_town(scenario)


# --- refusals after the LOCK: the hold is dropped ------------------------------------------------------------------------


async def undone(town: SmallTown, offer: Offer | NoOffer, reason: str) -> None:
    assert isinstance(offer, Offer), offer
    oakvale = town["Oakvale"]
    begun = await oakvale.settlement.pay(
        offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=oakvale.chance.bytes(16)
    )
    payment = await oakvale.settlement.wait(begun.no, 4000)
    assert payment.state is PayerState.FAILED
    assert await trade_of(town, "Oakvale", begun.trade_no) == ("undone", False, reason)
    assert (await oakvale.balance("Ana"), await oakvale.held("Ana")) == (0, 0)


def test_a_payee_at_the_ceiling_or_gone_releases() -> None:
    """Rules 7.2, 3.4: the member could be credited at the quote and no more at the LOCK."""

    async def scenario(town: SmallTown) -> None:
        riverside = town["Riverside"]
        offer = await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")
        await riverside.store.write(riverside.books.set_limits, riverside.members["Karim"], 0, 59, WORDS)
        await undone(town, offer, "cannot-now")
        await riverside.store.write(riverside.books.set_limits, riverside.members["Karim"], 0, None, WORDS)
        offer = await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")
        await close(town, "Riverside", "Karim")
        await undone(town, offer, "cannot-now")

    in_town(scenario)


def test_a_middle_line_without_room_releases() -> None:
    """Rules 6.3, 7.2: the room was there at the quote and is taken at the LOCK."""

    async def scenario(town: SmallTown) -> None:
        offer = await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")
        small = Limit(owed_max=HOUR - 1, pending_max=HOUR, open_max=10)
        await town["Riverside"].lines.set_limit(town["Hilltop"].scheme, small, None)
        await asyncio.sleep(1)
        await undone(town, offer, "no-way")

    in_town(scenario)


def test_the_own_ceiling_of_a_connector_releases() -> None:
    """Rule 6.4: the second limit is the debtor's own."""

    async def scenario(town: SmallTown) -> None:
        offer = await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")
        await town["Hilltop"].lines.set_limit(town["Riverside"].scheme, WIDE, HOUR - 1)
        await undone(town, offer, "no-way")

    in_town(scenario)


def test_a_lock_after_its_deadline_is_released() -> None:
    """Rule 7.2: only the deadline counts once the LOCK is written, and no clock ends it before its beneficiary does."""

    async def scenario(town: SmallTown) -> None:
        offer = await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")
        assert isinstance(offer, Offer)
        town.network.cut("Oakvale", "Hilltop")
        begun = await town["Oakvale"].settlement.pay(
            offer, account_no=town["Oakvale"].members["Ana"], entered_by="Ana", once=b"1"
        )
        await asyncio.sleep(LOCK_DEADLINE_MS / 1000 + 1)
        assert await town["Oakvale"].held("Ana") == 60
        town.network.mend("Oakvale", "Hilltop")
        payment = await town["Oakvale"].settlement.wait(begun.no, 600)
        assert payment.state is PayerState.FAILED
        assert (await trade_of(town, "Oakvale", begun.trade_no))[2] == "too-late"

    in_town(scenario)


def test_a_connector_locks_nothing_towards_a_silent_neighbour() -> None:
    """Rule 6.7 (d): silent for 45 s, so a new lock is released at once."""

    async def scenario(town: SmallTown) -> None:
        offer = await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")
        town.network.cut("Hilltop", "Riverside")
        await asyncio.sleep(150)  # the session is given up after 45 s, and 45 s more nothing came of dialling
        await undone(town, offer, "no-way")
        assert await refused_to_quote(town) == "no-way"
        town.network.mend("Hilltop", "Riverside")

    in_town(scenario)


async def refused_to_quote(town: SmallTown) -> str:
    answer = await town["Oakvale"].ask("Riverside", "Karim", 60, "jam")
    assert isinstance(answer, NoOffer)
    return answer.reason


# --- late ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("boots", [False, True])
def test_a_late_payment_is_called_late_and_completes_when_it_can(boots: bool) -> None:
    """Rules 6.6, 7.2: nothing moves by the label; hours later the CLAIM comes and is honoured."""

    async def scenario(town: SmallTown) -> None:
        begun = await town["Oakvale"].begin("Ana", "Riverside", "Karim", 60)

        async def credited() -> bool:
            return await town["Riverside"].balance("Karim") > 0

        await town.until_async(credited, 10, 0.001)  # the CLAIM is on its way, and is held
        town.network.cut("Hilltop", "Riverside")
        await asyncio.sleep((LOCK_DEADLINE_MS + LATE_AFTER_MS) / 1000 + 61)
        assert (await town["Oakvale"].balance("Ana"), await town["Oakvale"].held("Ana")) == (0, 60)
        assert (await trade_of(town, "Oakvale", begun.trade_no))[:2] == ("set-aside", True)
        await town.check_always()
        if boots:
            for node in town.nodes.values():
                await node.restart()
        await asyncio.sleep(6 * 3600)
        town.network.mend("Hilltop", "Riverside")
        assert (await town["Oakvale"].settlement.wait(begun.no, 1200)).state is PayerState.PAID
        assert (await trade_of(town, "Oakvale", begun.trade_no))[:2] == ("done", True)

    in_town(scenario)


# --- weather, crowds ------------------------------------------------------------------------------------------------------


STORM = Weather(loss=0.1, duplicate=0.15, reorder=0.3)


async def crowd(town: SmallTown, count: int, random: Random) -> dict[str, int]:
    """Let `count` purchases go both ways at random moments; return how they ended."""
    first, *_, last = town.nodes
    await town[first].open_member("Bela")
    ends: dict[str, int] = {}

    async def one(n: int) -> None:
        await asyncio.sleep(random.random() * 20)
        buyer, name, payee, to = (first, "Ana", last, "Karim") if n % 2 else (last, "Karim", first, "Bela")
        offer = await town[buyer].ask(payee, to, random.randrange(1, 300), f"thing {n}")
        end = "no-offer"
        if isinstance(offer, Offer):
            try:
                begun = await town[buyer].settlement.pay(
                    offer, account_no=town[buyer].members[name], entered_by=name, once=n.to_bytes(4, "big")
                )
                end = (await town[buyer].settlement.wait(begun.no, 3000)).state.value
            except CannotPay as no:
                end = no.reason.value
        ends[end] = ends.get(end, 0) + 1

    await asyncio.gather(*(one(n) for n in range(count)))
    return ends


@pytest.mark.parametrize("seed", range(6))
def test_loss_duplicates_and_disorder_cost_time_only(seed: int) -> None:
    """Rule 6.5; I2, I6, I8, I17: whatever began ends by itself, and no honest line is suspended."""

    async def scenario(town: SmallTown) -> None:
        ends = await crowd(town, 12, Random(seed))
        assert ends.get("paid", 0) > 0
        assert not ends.keys() - {"paid", "failed", "no-offer", "no-way"}
        for node in town.nodes.values():
            assert {line.status for line in await node.line_states()} == {"open"}

    in_town(scenario, seed=seed, weather=STORM)


@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_over_shared_lines_whose_limits_bite(seed: int) -> None:
    """I3, I8: concurrent payments both ways; some find no room, none is left half done."""
    tight = Limit(owed_max=6 * HOUR, pending_max=5 * HOUR, open_max=3)
    seen: dict[str, int] = {}

    async def scenario(town: SmallTown) -> None:
        seen.update(await crowd(town, 60, Random(seed)))

    in_town(scenario, hops=3, seed=seed, limit=tight)
    assert seen["paid"] > 10
    assert sum(seen.values()) - seen["paid"] > 0, "no limit has bitten"


def test_a_hundred_at_once_over_one_line() -> None:
    """The window of 64 and the acknowledgements that make room in it; rule 6.5."""

    async def scenario(town: SmallTown) -> None:
        offers = [await town["Oakvale"].ask("Hilltop", "Karim", 1, f"jar {n}") for n in range(100)]
        ana, began, refusals = town["Oakvale"].members["Ana"], [], set()

        async def one(n: int, offer: Offer | NoOffer) -> None:
            assert isinstance(offer, Offer)
            try:
                began.append(
                    await town["Oakvale"].settlement.pay(
                        offer, account_no=ana, entered_by="Ana", once=n.to_bytes(2, "big")
                    )
                )
            except CannotPay as no:
                refusals.add(no.reason)

        await asyncio.gather(*(one(n, offer) for n, offer in enumerate(offers)))
        assert 60 <= len(began) <= 64
        assert refusals == {NoPayment.NO_WAY}
        for each in began:
            assert (await town["Oakvale"].settlement.wait(each.no, 60)).state is PayerState.PAID
        assert await town["Hilltop"].balance("Karim") == len(began)
        last = await town["Oakvale"].buy("Ana", "Hilltop", "Karim", 1, "jar 100")
        assert last.state is PayerState.PAID, "there is room again"

    in_town(scenario, hops=1)


def test_the_same_seed_gives_the_same_log() -> None:
    """One seed run twice commits the same bytes in the same order on every node; another seed does not."""

    async def scenario(town: SmallTown) -> None:
        await crowd(town, 10, Random(town.seed))

    first, again, other = (in_town(scenario, seed=seed, weather=STORM) for seed in (1, 1, 2))
    assert first == again
    assert first != other
