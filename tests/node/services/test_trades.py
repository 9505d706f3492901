"""Trades within the scheme: recorded once, found again by whoever took part. Rules 3.4, 3.5, 7.9."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, text

from node.services import trades as trades_module
from node.services.accounts import all_accounts
from node.services.books import Refused
from node.services.statement import read_statement
from node.services.trades import NewTrade, Trade, Trades, newest_trade
from node.store import ReadTx
from node.store.schema import books as schema
from protocol.ledger import Refusal
from tests.builders import NOW
from tests.node.services.desk import Desk

NEW_TRADE = insert(schema.trade)
ENTRIES = text("SELECT count(*) FROM entry")


class Market(Desk):
    """Ana may give 6 hours' worth, and so may Ben."""

    async def open(self) -> Market:
        await super().open()
        self.trades = Trades(store=self.store, books=self.books, clock=self.clock, scheme=self.keyring.scheme)
        self.ana, self.ben, self.cem = [
            (await self.member(name)).account_no for name in ("Ana", "Ben", "Cem")
        ]
        self.forms = 0
        return self

    def new(self, payer_no: int, payee_no: int, amount: int, **given: Any) -> NewTrade:
        self.forms += 1
        usual: dict[str, Any] = {"text": "jam", "once": self.forms.to_bytes(16, "big")}
        return NewTrade(
            payer_no=payer_no, payee_no=payee_no, amount=amount, entered_by="Ana", proved_by="pin", payer_name="Ana",
            payee_name="Ben", **(usual | given),
        )  # fmt: skip

    async def pay(self, payer_no: int, payee_no: int, amount: int, **given: Any) -> Trade:
        return await self.trades.record(self.new(payer_no, payee_no, amount, **given))

    async def across(self, kind: str, **given: Any) -> int:
        """Write the row of a trade with another scheme, as the desks of payments do."""
        row = {column.name: None for column in schema.trade.columns if column.name != "no"}
        self.forms += 1
        row |= {
            "reference": self.forms, "kind": kind, "state": "set-aside", "amount": 1, "text": "", "created_ms": NOW,
            "late": False, "entered_by": "",
        }  # fmt: skip
        return await self.store.write(lambda tx: tx.insert(NEW_TRADE, **(row | given)))

    async def balances(self) -> list[int]:
        accounts = {held.no: held.value.balance for held, _ in await self.store.read(all_accounts)}
        return [accounts[no] for no in (self.ana, self.ben, self.cem)]

    async def entries(self) -> int:
        return int(await self.store.read(lambda tx: tx.scalar(ENTRIES)))


@pytest.fixture
async def market() -> Market:
    return await Market().open()


async def test_the_same_form_sent_twice_records_once(market: Market):
    """Ux 0.6: also at the same moment, and also when the first has spent what the second asks for."""
    new = market.new(market.ana, market.ben, 600)
    before = await market.entries()

    first, second = await asyncio.gather(market.trades.record(new), market.trades.record(new))
    third = await market.trades.record(new)

    assert first == second == third == await market.trades.by_once(new.once)
    assert await market.balances() == [-600, 600, 0]
    assert await market.entries() == before + 1
    assert len(await market.trades.newest(market.ben)) == 1


async def test_what_the_ledger_refuses_leaves_nothing(market: Market):
    """Rule 3.4."""
    before = await market.entries()
    with pytest.raises(Refused) as refused:
        await market.pay(market.ana, market.ben, 601)
    assert refused.value.reason is Refusal.EXCEEDS_CREDIT_LIMIT
    assert (await market.balances(), await market.entries()) == ([0, 0, 0], before)
    assert await market.trades.newest(market.ana) == []


async def test_a_reference_that_is_taken_is_drawn_again(market: Market, monkeypatch: pytest.MonkeyPatch):
    """Rule 7.9: references have a byte here, so they collide, and no two trades share one."""
    monkeypatch.setattr(trades_module, "reference_number", lambda id_: id_[0])
    before = await market.entries()

    made = [await market.pay(market.ana, market.ben, 1) for _ in range(50)]
    made += [await market.pay(market.ben, market.ana, 1) for _ in range(50)]

    assert len({trade.reference for trade in made}) == 100
    assert await market.entries() == before + 100, "an entry that was drawn again was never entered"
    assert [trade.no for trade in await market.trades.newest(market.ana, 100)] == [
        trade.no for trade in reversed(made)
    ]
    for trade in made:
        assert await market.trades.by_reference(trade.reference) == [trade]


async def test_the_newest_trades_of_all_kinds_come_first(market: Market):
    """Ux 7.2: within the scheme, to another one and from another one; of others' trades none."""
    first = await market.pay(market.ana, market.ben, 5)
    out = await market.across("out", payer_no=market.ana)
    await market.pay(market.ben, market.cem, 5)
    second = await market.pay(market.cem, market.ana, 1)
    await market.across("out", payer_no=market.ben)
    come = await market.across("in", payee_no=market.ana, state="done")
    undone = await market.across("out", payer_no=market.ana, state="undone")

    newest = await market.trades.newest(market.ana)
    assert [trade.no for trade in newest] == [undone, come, second.no, out, first.no]
    assert await market.trades.newest(market.ana, 2) == newest[:2]
    assert await market.store.read(newest_trade, market.ana) == newest[0]
    assert [trade.no for trade in await market.trades.waiting(market.ana)] == [out]
    assert all(trade.concerns(market.ana) for trade in newest)


async def test_no_query_for_a_members_trades_reads_those_of_all(market: Market):
    """Each uses an index: one that does not is slow where there are many members."""
    asked: list[str] = []

    def query(tx: ReadTx) -> None:
        tx._fault = asked.append
        trades_module.newest_trades(tx, 1, 20)
        trades_module.trades_waiting(tx, 1)
        trades_module._alike(tx, 1, 2, 3, "", 4)
        read_statement(tx, 1, 0, 1)

    await market.store.read(query)
    assert len(asked) == 7
    for sql in asked:
        plan = [
            row[3] for row in market.store._reader.execute(f"EXPLAIN QUERY PLAN {sql}", (1,) * sql.count("?"))
        ]
        assert not [step for step in plan if step.startswith("SCAN") and step != "SCAN entry"], (sql, plan)


@pytest.mark.parametrize("change, alike", [
    ({}, True), ({"amount": 4}, False), ({"text": "ham"}, False), ({"swapped": True}, False), ({"later_ms": 599_999}, True),
    ({"later_ms": 600_001}, False),
])  # fmt: skip
async def test_the_same_within_ten_minutes_is_noticed(market: Market, change: dict[str, Any], alike: bool):
    """Ux 8.6: "Again?"."""
    await market.pay(market.ana, market.cem, 3)
    market.clock.now += 1
    await market.pay(market.ana, market.ben, 3)
    asked = {"amount": 3, "text": "jam"} | {key: change[key] for key in change.keys() & {"amount", "text"}}
    market.clock.now += change.get("later_ms", 0)

    parties = (market.ben, market.ana) if "swapped" in change else (market.ana, market.ben)
    assert await market.trades.recorded_lately(*parties, asked["amount"], asked["text"]) is alike


async def test_a_correction_is_a_trade_linked_both_ways(market: Market):
    """Rule 3.5."""
    trade = await market.pay(market.ana, market.ben, 5)
    said = {"organiser": "Rosa", "on_behalf_of": "Ana", "reason": "typed twice"}

    made = await market.trades.correct(trade.no, once=b"c" * 16, **said)
    again = await market.trades.correct(trade.no, once=b"c" * 16, **said)

    assert made == again
    assert (made.corrects_no, (await market.trades.by_no(trade.no)).corrected_by_no) == (trade.no, made.no)
    assert await market.balances() == [0, 0, 0]
    with pytest.raises(Refused, match=Refusal.ALREADY_CORRECTED):
        await market.trades.correct(trade.no, once=b"d" * 16, **said)
