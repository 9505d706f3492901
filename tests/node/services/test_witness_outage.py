"""No trade waits for a witness (4.3): not one within a scheme, not one across, and not where every witness takes a question and never answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from node.services.own_log import ANSWER_MS, Stopped
from node.services.trades import NewTrade, trade_by_no, trades_by_reference
from node.services.witness import Witness
from node.simulation.town import Resident
from protocol.receipt_proof import Proven, verify_receipt
from protocol.references import parse_reference, reference_bits
from tests.invariants import Violated
from tests.log_town import checked, minutes
from tests.node.web.test_member_pay_pages import Market, new_member, on_market_day


async def never(_self: Witness, _data: bytes) -> object:
    """Take a question and never answer it."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable: the event is set by nobody")


async def in_time(what: str, act: Callable[[], Awaitable[None]]) -> None:
    """Run `act`; whoever waited for a witness would wait until its answer is overdue, in the time of the simulation."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    await act()
    if loop.time() - before >= ANSWER_MS / 1000:
        raise Violated(f"4.3 {what} waited for a witness")


async def trade_within(market: Market, resident: Resident) -> int:
    """Record a trade between Ana and a neighbour of hers; return its number."""
    ben = await new_member(resident, "Ben Marsh")
    new = NewTrade(
        payer_no=market.ana.account_no, payee_no=ben.account_no, amount=60, text="an hour of ironing", entered_by="Ana Silva",
        proved_by="link", once=bytes(16), payer_name="Ana Silva", payee_name="Ben Marsh",
    )  # fmt: skip
    return (await resident.node.trades.record(new)).no


async def trade_while_nobody_answers(market: Market) -> None:
    """Trade within Oakvale and across, an hour after the witnesses fell silent, and read both receipts."""
    oakvale = market.town["Oakvale"]
    await minutes(60)
    made: list[object] = []

    async def within() -> None:
        made.append(await trade_within(market, oakvale))

    async def across() -> None:
        done = await market.pay(await market.check())
        made.append(next(link for link in done.links if link.startswith("/t/"))[3:].partition("/")[0])

    await in_time("a trade within the scheme", within)
    await in_time("a trade across", across)
    number, ref = made
    assert (await market.balances())[1] == 600, "six of Riverside's, in hundredths"
    await minutes(2)
    state = await checked(oakvale)
    assert (state.by, state.is_checked) == ((), False), "this test is about witnesses that do not answer"
    bits = int.from_bytes(reference_bits(parse_reference(str(ref))), "big")
    for read in (lambda tx: trade_by_no(tx, number), lambda tx: trades_by_reference(tx, bits)[0]):  # type: ignore[arg-type]  # it is a number
        data = await oakvale.node.store.read(lambda tx, read=read: oakvale.node.receipts.read(tx, read(tx)))
        found = verify_receipt(data)
        assert isinstance(found, Proven)
        assert found.included is not None, "the log is signed without them"
        assert found.included.witnesses == ()


def test_witnesses_that_never_answer_hold_up_no_trade(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Witness, "answer", never)
    on_market_day(trade_while_nobody_answers)


@pytest.mark.parametrize("heard", [True, False], ids=["heard-once", "never-heard"])
def test_witnesses_that_are_gone_hold_up_no_trade_within_the_scheme(heard: bool) -> None:
    """Nor where the log itself waits, because no neighbour said since the start what it holds of it (6.7 f)."""

    async def act(market: Market) -> None:
        oakvale = market.town["Oakvale"]
        if heard:
            await minutes(3)
        for name in ("Hilltop", "Riverside"):
            await market.town[name].stop()
        await minutes(60)

        async def within() -> None:
            await trade_within(market, oakvale)

        before = await checked(oakvale)
        await in_time("a trade within the scheme", within)
        await minutes(2)
        after = await checked(oakvale)
        assert (after.stopped, after.size > before.size) == (
            (None, True) if heard else (Stopped.WAITING, False)
        )

    on_market_day(act)
