"""Replays trade records through a town of whole nodes and reports what came of them.

Amounts of the records are hundredths of one common unit. With rates `one` every scheme counts in that unit; with
`mixed` each has its own, drawn from the seed, and pays and is paid what comes nearest. Net positions are reckoned
twice, from the lines and from the ledgers' accounts.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from node.services.acts import OPERATOR
from node.services.books import Refused
from node.services.members import NewMember
from node.services.quotes import NoOffer
from node.services.settings import SchemeSettings
from node.services.settlement import CannotPay, NoPayment
from node.services.trades import NewTrade
from node.simulation.network import SimulatedNetwork, Weather
from node.simulation.records import Record, Records, distances, topology
from node.simulation.town import Resident, Town
from node.simulation.virtual_loop import run
from protocol.limits import AMOUNT_MAX, LINE_OPEN_LOCKS_MAX
from protocol.line_ops import Limit
from protocol.payment import PayerState
from protocol.quote import QuoteRequest

# 3 600 hundredths an hour: one hundredth is 1 000 of a line's 3 600 000ths, so nothing is ever rounded.
COMMON_RATE: Final = 3_600
LINE_PER_CENTI: Final = 1_000
# Rates of mixed towns, in minor units an hour. Some divide an hour evenly and some do not.
MIXED_RATES: Final = (60, 100, 250, 600, 1_000, 1_200, 1_500, 3_600, 4_800, 7_200, 7_919, 10_000)

TRIES_MAX: Final = 40  # of one trade while the weather is against it
PAUSE_S: Final = 5.0
END_WAIT_S: Final = 600.0  # a payment that has not ended by then is looked at again at the end
SETTLE_S: Final = 7 * 24 * 3600.0
UNDER_WAY: Final = 16
HORIZON: Final = 4  # peerings; rule 5.6
ENDING_BY_ITSELF: Final = ("too-late", "no-way")  # releases that a second try may not meet


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to replay, and in which town and weather."""

    records: Records
    topology: str = "random:4"
    rates: str = "one"  # or mixed
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: bool = False
    partition: bool = False
    limit: int | None = None  # the most one scheme may owe a neighbour, in hundredths; None: no bite
    credit_limit: int | None = None  # how far below zero a member may go, in hundredths; None: no bite
    neighbours_max: int = 19
    seed: int = 0
    folder: Path | None = None  # where the databases are kept; None: in memory


@dataclass(slots=True)
class Outcome:
    """What came of a replay; `report` writes it."""

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refused_pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    crossing: int = 0
    messages: int = 0
    bytes: int = 0
    seconds: float = 0.0
    report: dict[str, object] = field(default_factory=dict)


Progress = Callable[[int, int], None]


def replay(plan: Plan, progress: Progress = lambda _done, _all: None) -> dict[str, object]:
    """Run the whole replay in virtual time and return its report.

    Raises:
        BadRecords, TownError: the input cannot be replayed, or the town does not come to rest.
    """
    return run(_Replay(plan, progress).run())


class _Replay:
    def __init__(self, plan: Plan, progress: Progress):
        self._plan: Final = plan
        self._progress: Final = progress
        self._random: Final = Random(plan.seed)  # noqa: S311 - a seed makes it the same again
        self._outcome: Final = Outcome()
        self._homes: Final[dict[str, int]] = {}  # account of the records → account number in its scheme
        self._ended = 0

    async def run(self) -> dict[str, object]:
        plan = self._plan
        network = SimulatedNetwork(plan.seed)
        self._town = Town(network, seed=plan.seed, folder=plan.folder)
        self._edges = topology(plan.topology, plan.records.schemes, self._random, HORIZON)
        await self._move_in()
        network.weather = Weather(
            loss=plan.loss, duplicate=plan.duplicate, reorder=0.2 if plan.reorder else 0.0, late_s=2.0
        )
        for a, b in self._edges:
            network.set_weather(a, b, network.weather)
        before = self._traffic()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            storm = group.create_task(self._cut_and_mend()) if plan.partition else None
            await self._replay_all()
            if storm is not None:
                storm.cancel()
        for a, b in self._edges:
            network.mend(a, b)
            network.set_weather(a, b, Weather())
        await self._town.until(self._town.at_rest, SETTLE_S, "rest")
        self._outcome.seconds = time.perf_counter() - began
        after = self._traffic()
        self._outcome.messages, self._outcome.bytes = after[0] - before[0], after[1] - before[1]
        report = await self._report()
        await self._town.close()
        return report

    # --- the town ----------------------------------------------------------------------------------------------

    async def _move_in(self) -> None:
        plan = self._plan
        rates = {
            scheme: COMMON_RATE if plan.rates == "one" else self._random.choice(MIXED_RATES)
            for scheme in plan.records.schemes
        }
        for scheme, rate in rates.items():
            credit = AMOUNT_MAX // 4 if plan.credit_limit is None else self._local(plan.credit_limit, rate)
            await self._town.add(
                SchemeSettings(
                    name=scheme, unit_kind="decimal", unit_name=f"Units of {scheme}", unit_symbol=scheme, decimals=2,
                    minor_per_hour=rate, credit_limit=credit,
                ),
                neighbours_max=plan.neighbours_max,
            )  # fmt: skip
        for account, scheme in plan.records.accounts.items():
            member = await self._town[scheme].node.people.add(OPERATOR, NewMember(name=f"Member {account}"))
            self._homes[account] = member.account_no
        owed = AMOUNT_MAX // 4 if plan.limit is None else plan.limit * LINE_PER_CENTI
        limit = Limit(owed_max=owed, pending_max=owed, open_max=LINE_OPEN_LOCKS_MAX)
        await self._town.connect(self._edges, limit)
        self._far = {scheme: distances(scheme, self._edges) for scheme in plan.records.schemes}
        await self._town.until(self._all_heard, 3600, "gossip")

    async def _all_heard(self) -> bool:
        """Tell whether every scheme knows a way to every other within the horizon."""
        for one in self._town.residents:
            for other in self._town.residents:
                if one is not other and self._near(one.name, other.name):
                    known = one.node.directory.state(other.scheme) is not None
                    if not known or not one.node.routes.candidates(other.scheme, 1):
                        return False
        return True

    def _near(self, one: str, other: str) -> bool:
        return self._far[one].get(other, HORIZON + 1) <= HORIZON

    async def _cut_and_mend(self) -> None:
        """Cut some lines for a while, again and again."""
        while True:
            await asyncio.sleep(30 + 60 * self._random.random())
            cut = self._random.sample(self._edges, max(1, len(self._edges) // 5))
            for a, b in cut:
                self._town.network.cut(a, b)
            await asyncio.sleep(20 + 60 * self._random.random())
            for a, b in cut:
                self._town.network.mend(a, b)

    def _traffic(self) -> tuple[int, int]:
        network = self._town.network
        both = [network.traffic(*pair) for a, b in self._edges for pair in ((a, b), (b, a))]
        return sum(each.messages for each in both), sum(each.bytes for each in both)

    # --- the trades --------------------------------------------------------------------------------------------

    async def _replay_all(self) -> None:
        """Begin the trades in order, a few under way at a time."""
        todo = iter(self._plan.records.trades)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(UNDER_WAY):
                tasks.create_task(self._work(todo))

    async def _work(self, todo: Iterator[Record]) -> None:
        for record in todo:
            reason = await (self._across(record) if record.crosses else self._within(record))
            self._ended += 1
            if reason is None:
                self._outcome.done += 1
            else:
                self._outcome.refused[reason] += 1
                self._outcome.refused_pairs[record.payer_scheme, record.payee_scheme] += 1
            self._outcome.crossing += record.crosses and reason is None
            self._progress(self._ended, len(self._plan.records.trades))

    def _local(self, centi: int, rate: int) -> int:
        """Return hundredths of the common unit in a scheme's own minor units: the nearest, at least one."""
        return max(1, (2 * centi * rate + COMMON_RATE) // (2 * COMMON_RATE))

    def _price(self, record: Record, scheme: Resident) -> int:
        return self._local(record.amount, scheme.node.settings.rate().minor_per_hour)

    async def _within(self, record: Record) -> str | None:
        home = self._town[record.payer_scheme]
        try:
            await home.node.trades.record(
                NewTrade(
                    payer_no=self._homes[record.payer],
                    payee_no=self._homes[record.payee],
                    amount=self._price(record, home),
                    text=f"record {record.seq}",
                    entered_by="replay",
                    proved_by="system",
                    once=self._random.randbytes(16),
                    payer_name=record.payer,
                    payee_name=record.payee,
                )
            )
        except Refused as refused:
            return refused.reason.value
        return None

    async def _across(self, record: Record) -> str | None:
        """Pay across schemes; while only the weather is against it, try again as a member would."""
        payer, payee = self._town[record.payer_scheme], self._town[record.payee_scheme]
        once = self._random.randbytes(16)
        request = await self._request(record, payer, payee)
        reason = "no_way"
        for _ in range(TRIES_MAX):
            if not self._near(payer.name, payee.name):
                return "no_way"
            found = await payer.node.quotes.ask(payee.scheme, request)
            if isinstance(found, NoOffer):
                reason = found.reason.replace("-", "_")
                if found.reason != "no-way" or self._plan.limit is not None:
                    return reason
                await asyncio.sleep(PAUSE_S)
                continue
            try:
                payment = await payer.node.settlement.pay(
                    found, account_no=self._homes[record.payer], entered_by="replay", once=once
                )
            except CannotPay as no:
                reason = no.reason.value.replace("-", "_")
                if no.reason in (NoPayment.TOO_LITTLE, NoPayment.CLOSED) or self._plan.limit is not None:
                    return reason
                await asyncio.sleep(PAUSE_S)
                continue
            while not (payment := await payer.node.settlement.wait(payment.no, END_WAIT_S)).ended:
                pass
            if payment.state is PayerState.PAID:
                return None
            trade = await payer.node.trades.by_no(payment.trade_no)
            reason = (trade.reason or "undone").replace("-", "_")
            if trade.reason not in ENDING_BY_ITSELF or self._plan.limit is not None:
                return reason
            once = self._random.randbytes(16)
            await asyncio.sleep(PAUSE_S)
        return reason

    async def _request(self, record: Record, payer: Resident, payee: Resident) -> QuoteRequest:
        """Return what to ask for. The handles were exchanged by the two people, as by a letter."""
        return QuoteRequest(
            listing=None,
            payee_handle=await payee.node.quotes.handle_of(payer.scheme, self._homes[record.payee]),
            payer_handle=await payer.node.quotes.handle_of(payee.scheme, self._homes[record.payer]),
            payer_name=f"Member {record.payer}",
            amount=self._price(record, payee),
            price_seen=None,
            text=f"record {record.seq}",
        )

    # --- the report --------------------------------------------------------------------------------------------

    async def _report(self) -> dict[str, object]:
        outcome, plan = self._outcome, self._plan
        by_lines = {each.name: -await each.owed() for each in self._town.residents}
        by_books = {each.name: -await each.booked() for each in self._town.residents}
        balances = {each.name: await each.imbalance() for each in self._town.residents}
        crossing = max(1, outcome.crossing)
        return {
            "done": outcome.done,
            "refused": dict(sorted(outcome.refused.items())),
            "refused_pairs": {f"{a} > {b}": n for (a, b), n in sorted(outcome.refused_pairs.items())},
            "crossing_done": outcome.crossing,
            "sum_of_balances": sum(sum(each.values()) for each in balances.values()),
            "sum_of_positions": sum(by_lines.values()),
            "set_aside": sum([await each.set_aside() for each in self._town.residents]),
            "net_positions": {name: _centi(each) for name, each in by_lines.items()},
            "net_positions_by_ledger": {name: _centi(each) for name, each in by_books.items()},
            "positions_agree": by_lines == by_books,
            "trades_per_second": round(len(plan.records.trades) / max(outcome.seconds, 1e-9), 1),
            "messages_per_crossing_trade": round(outcome.messages / crossing, 2),
            "bytes_per_crossing_trade": round(outcome.bytes / crossing),
            "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            "virtual_seconds": round(self._town.network.loop.time(), 1),
            "real_seconds": round(outcome.seconds, 1),
            "topology": plan.topology,
            "edges": [f"{a} - {b}" for a, b in self._edges],
            "rates": plan.rates,
            "seed": plan.seed,
        }


def _centi(line_units: int) -> int:
    """Return 3 600 000ths of an hour in hundredths of the common unit, the nearest."""
    return (2 * line_units + LINE_PER_CENTI) // (2 * LINE_PER_CENTI)
