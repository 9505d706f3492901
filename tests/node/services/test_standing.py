"""Standing orders in a whole node: each turn once, whatever breaks; what is in the way is waited for and told. Rule 3.6."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text

from node.app import Node, Options
from node.clock import SeededChance
from node.keyfiles import draw_keys
from node.mail.outbox import Mail
from node.services import standing as standing_module
from node.services.accounts import load
from node.services.acts import OPERATOR
from node.services.books import Refused
from node.services.copy_comparing import look_into, note_missing, read_missing
from node.services.members import Member, NewMember
from node.services.standing import CannotBegin, NewStanding, StandingOrders, Why
from node.services.standing_rows import EndedBy, Hindrance, Order, Turn, order_by_no, orders_of, turns_of
from node.services.trades import NewTrade
from node.store import InlineStore, Memory, ReadTx, SqliteDatabase, StoreClosed, Tx
from node.store.errors import StoreFailed
from protocol.ledger import Refusal
from protocol.limits import DAY_MS, STANDING_RUNNING_MAX, STANDING_TRIED_DAYS
from protocol.standing import Every, LeftOutBecause, Standing, StandingState
from tests.builders import NOW
from tests.erasing import nobody
from tests.fakes import MailServer, StoppedClock, mailed
from tests.invariants import digest_of_all_tables
from tests.node.web.towns import SEED

TODAY = date(2026, 1, 1).toordinal()
TRADES = text("SELECT count(*) FROM trade")


class PowerCut(Exception):
    pass


@dataclass
class House:
    """A node whose disk outlives it. Ana lets an hour go to Ben."""

    disk: Memory | SqliteDatabase = field(default_factory=Memory)
    clock: StoppedClock = field(default_factory=StoppedClock)
    chance: SeededChance = field(default_factory=lambda: SeededChance("standing"))
    server: MailServer = field(default_factory=MailServer)
    fault: Callable[[str], None] | None = None  # told each statement

    async def open(self) -> House:
        """Start the node, anew with the same keys if it ran before."""
        if not hasattr(self, "keys"):
            self.keys = draw_keys(self.chance, NOW).keys
        self.store = InlineStore(self.disk, lambda what: self.fault(what) if self.fault is not None else None)
        self.node = Node(
            Options(seed=SEED, origin="http://oakvale.test"), store=self.store, clock=self.clock, chance=self.chance,
            keys=self.keys, dial=nobody, mail=self.server,
        )  # fmt: skip
        await self.node.load()
        return self

    async def furnish(self) -> House:
        await self.open()
        self.ana, self.ben = [
            await self.node.people.add(OPERATOR, NewMember(name=name, email=f"{name.lower()}@example.org"))
            for name in ("Ana", "Ben")
        ]
        return self

    def newcomer(self, name: str) -> NewMember:
        return NewMember(name=name, email=f"{name.lower().replace(' ', '.')}@example.org")

    def new(self, **given: object) -> NewStanding:
        usual = {"amount": 60, "every": Every.MONTH, "first": TODAY + 1, "times": 3}
        return NewStanding(
            payer=self.ana, payee=self.ben, text="Garden share", standing=Standing(**(usual | given)), proved_by="pin"  # type: ignore[arg-type]
        )  # fmt: skip

    async def begin(self, once: bytes = b"o" * 16, **given: object) -> Order:
        return await self.node.standing.begin(self.new(**given), once)

    async def on(self, day: int, times: int = 1) -> None:
        """Let somebody look on a day, so many times."""
        self.clock.now = NOW + (day - TODAY) * DAY_MS
        for _ in range(times):
            await self.node.standing.look()

    def digests(self) -> dict[str, bytes]:
        return digest_of_all_tables(ReadTx(self.store._writer))

    def failing(self, what: str) -> None:
        if what == "COMMIT":
            raise StoreFailed("the disk had enough")

    async def cut_at(self, n: int, work: Callable[[], Awaitable[object]] | None = None) -> bool:
        """Look, or do `work`, with a power cut at the n-th statement, and start again; tell whether there were as many."""
        left = [n]

        def fault(what: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                self.store.crash()
                raise PowerCut(what)

        self.fault = fault
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _what: None)  # the cut itself
        with contextlib.suppress(StoreClosed):
            await (work or self.node.standing.look)()
        self.fault = None
        if left[0] <= 0:
            await self.open()
        return left[0] <= 0

    async def order(self, no: int = 1) -> Order:
        order = await self.store.read(order_by_no, no)
        assert order is not None
        return order

    async def turns(self, no: int = 1) -> list[Turn]:
        return list(reversed(await self.store.read(turns_of, no, 100)))

    async def balance(self, member: Member) -> int:
        return (await self.store.read(load, member.account_no)).value.balance

    async def trades(self) -> int:
        return int(await self.store.read(lambda tx: tx.scalar(TRADES)))

    async def limit(self, minor: int) -> None:
        await self.node.people.set_limits(OPERATOR, self.ana.no, minor, None, why="test")

    async def mails(self) -> list[Mail]:
        """Return what was mailed since the last time."""
        before = len(self.server.taken)
        return (await mailed(self.node.outbox, self.clock, self.server))[before:]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House().furnish()
    yield made
    await made.store.close()


# --- on its day, once -------------------------------------------------------------------------------------------


async def test_each_turn_is_paid_on_its_day_and_once(house: House) -> None:
    await house.begin(first=date(2026, 1, 31).toordinal())
    for day in range(TODAY, TODAY + 120):
        await house.on(day, times=2)
        gone = sum(
            date.fromordinal(day) >= due for due in (date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31))
        )
        assert await house.balance(house.ben) == 60 * gone
    assert await house.trades() == 3
    assert (await house.order()).standing.state is StandingState.ENDED
    assert [turn.trade_no for turn in await house.turns()] == [1, 2, 3]
    assert await house.mails() == []
    trade = await house.node.trades.by_no(1)
    assert (trade.text, trade.entered_by, trade.amount) == ("Garden share", "Ana", 60)


async def test_what_begins_today_goes_at_once(house: House) -> None:
    await house.begin(first=TODAY)
    assert await house.balance(house.ben) == 60
    await house.on(TODAY)
    assert await house.trades() == 1


async def test_two_looks_at_one_moment_pay_once(house: House) -> None:
    await house.begin()
    house.clock.now += DAY_MS
    await asyncio.gather(*[house.node.standing.look() for _ in range(4)])
    assert await house.trades() == 1


async def test_a_clock_set_back_pays_nothing_again(house: House) -> None:
    await house.begin(every=Every.WEEK)
    await house.on(TODAY + 1)
    await house.on(TODAY - 30)
    await house.on(TODAY + 2)
    assert await house.trades() == 1


async def test_the_day_is_that_of_the_schemes_clock_on_the_wall(house: House) -> None:
    """Midnight in Auckland is not midnight in London."""
    node = house.node
    orders = StandingOrders(
        store=node.store, clock=house.clock, chance=house.chance, trades=node.trades, telling=node.telling,
        zone=timezone(timedelta(hours=13)), most_due=node.loans.most_due, turn_paid=node.loans.turn_paid,
    )  # fmt: skip
    await house.begin()
    house.clock.now = NOW + DAY_MS - 13 * 3_600_000 - 1
    await orders.look()
    assert await house.trades() == 0
    house.clock.now += 1
    await orders.look()
    assert await house.trades() == 1


# --- crashes and backups (I7) ------------------------------------------------------------------------------------


@pytest.mark.parametrize("hindered", [False, True], ids=["paid", "hindered"])
async def test_a_power_cut_at_any_statement_leaves_a_turn_before_or_after(hindered: bool) -> None:
    house = await House().furnish()
    await house.begin(every=Every.WEEK, times=100)
    await house.limit(30 if hindered else 6000)
    for n in range(1, 80):
        house.clock.now = NOW + (1 + 7 * (n - 1)) * DAY_MS
        before, was_cut = house.digests(), await house.cut_at(n)
        order, turns = await house.order(), await house.turns()
        if was_cut and house.digests() != before:
            assert order.standing.turn == n - (1 if hindered else 0), "all of it, or nothing"
        assert order.standing.turn == len(turns)
        await house.node.standing.look()
        over = n - 1 if hindered else n
        assert await house.trades() == await house.balance(house.ben) // 60 == (0 if hindered else n)
        assert [turn.turn for turn in await house.turns()] == list(range(over))
        if not was_cut:
            break
    assert n > 8, "a look writes more statements than that"
    await house.store.close()


async def test_a_disk_that_fails_once_costs_no_turn(house: House) -> None:
    await house.begin()
    house.clock.now += DAY_MS
    house.fault = house.failing
    with pytest.raises(StoreFailed):
        await house.node.standing.look()
    house.fault = None
    await house.node.standing.look()
    assert await house.trades() == 1


@pytest.mark.parametrize("taken", ["before", "after"])
async def test_a_backup_put_back_pays_the_turn_once_in_the_books_that_count(taken: str) -> None:
    disk = Memory()
    house = await House(disk=disk).furnish()
    await house.begin()
    backup = disk.snapshot()
    await house.on(TODAY + 1)
    if taken == "after":
        backup = disk.snapshot()
    await house.store.close()
    disk.restore(backup)
    await house.open()
    await house.on(TODAY + 3, times=2)
    assert await house.trades() == 1
    assert await house.balance(house.ben) == 60
    await house.store.close()


async def test_a_turn_made_again_after_a_restore_is_not_on_the_list_to_enter_by_hand(tmp_path: Path) -> None:
    """Rule 6.7 (g): a keeper's copy has what came after the backup; an ordinary trade of it is listed."""
    disk = SqliteDatabase(tmp_path / "node.db")
    house = await House(disk=disk).furnish()
    await house.begin()
    backup = disk.snapshot()
    await house.on(TODAY + 1)
    await house.node.trades.record(
        NewTrade(
            payer_no=house.ana.account_no, payee_no=house.ben.account_no, amount=5, text="jam", entered_by="Ana",
            proved_by="pin", once=b"j" * 16, payer_name="Ana", payee_name="Ben",
        )
    )  # fmt: skip
    (tmp_path / "copy.db").write_bytes(disk.snapshot())
    await house.store.close()
    disk.restore(backup)
    await house.open()
    await house.on(TODAY + 2)
    await house.store.write(note_missing, look_into(tmp_path / "copy.db"), NOW)
    assert [each.text for each in await house.store.read(read_missing, 10)] == ["jam"]
    await house.store.close()


# --- days switched off --------------------------------------------------------------------------------------------


async def test_after_weeks_switched_off_one_is_made_up_for_and_the_rest_is_told(house: House) -> None:
    await house.begin(every=Every.WEEK, times=9)
    await house.on(TODAY + 1 + 3 * 7 + 2)
    assert await house.balance(house.ben) == 60
    assert [turn.why for turn in await house.turns()] == [LeftOutBecause.MISSED] * 3 + [None]
    (mail,) = await house.mails()
    assert mail.subject == "Left out 3 times: for Ben"
    assert "http://oakvale.test/my/standing/1" in mail.text
    await house.on(TODAY + 1 + 4 * 7)
    assert await house.balance(house.ben) == 120


# --- what is in the way -------------------------------------------------------------------------------------------


async def test_a_limit_is_waited_for_told_and_the_turn_left_out_after_seven_days(house: House) -> None:
    await house.limit(59)
    await house.begin()
    await house.on(TODAY + 1, times=3)
    order = await house.order()
    assert (order.hindrance, order.standing.waiting_since) == (Hindrance.TOO_FAR, TODAY + 1)
    (mail,) = await house.mails()
    assert mail.subject == "Waiting: 1 hour for Ben"
    assert "We try again for 7 days." in mail.text
    await house.on(TODAY + STANDING_TRIED_DAYS)
    assert await house.mails() == []
    await house.on(TODAY + 1 + STANDING_TRIED_DAYS)
    (mail,) = await house.mails()
    assert mail.subject == "Left out 1 time: for Ben"
    (turn,) = await house.turns()
    assert (turn.why, turn.hindrance) == (LeftOutBecause.HINDERED, Hindrance.TOO_FAR)
    assert (await house.order()).hindrance is None
    assert await house.trades() == 0


async def test_what_was_in_the_way_and_is_gone_lets_the_turn_go(house: House) -> None:
    await house.limit(59)
    await house.begin()
    await house.on(TODAY + 1)
    await house.limit(60)
    await house.on(TODAY + 5)
    assert await house.balance(house.ben) == 60
    assert (await house.order()).standing.waiting_since is None


@pytest.mark.parametrize("who", ["ana", "ben"])
async def test_whoever_is_paused_neither_gives_nor_gets(house: House, who: str) -> None:
    member = getattr(house, who)
    await house.begin()
    await house.node.people.pause(OPERATOR, member.no, why="test")
    await house.on(TODAY + 1)
    wanted = Hindrance.PAYER_PAUSED if who == "ana" else Hindrance.PAYEE_PAUSED
    assert (await house.order()).hindrance is wanted
    await house.node.people.resume(OPERATOR, member.no)
    await house.on(TODAY + 2)
    assert await house.trades() == 1


async def test_a_payee_who_has_had_enough_is_not_pushed_over_the_ceiling(house: House) -> None:
    await house.node.people.set_limits(OPERATOR, house.ben.no, 0, 59, why="test")
    await house.begin()
    await house.on(TODAY + 1)
    assert (await house.order()).hindrance is Hindrance.NO_ROOM


@pytest.mark.parametrize("who", ["ana", "ben"])
async def test_it_ends_where_one_of_the_two_has_left(house: House, who: str) -> None:
    await house.begin()
    await house.node.parting.part(OPERATOR, getattr(house, who).no, why="test")
    await house.on(TODAY + 1)
    order = await house.order()
    assert (order.standing.state, order.ended_by) == (StandingState.STOPPED, EndedBy.CLOSED)
    assert [mail.subject for mail in await house.mails()] == (
        ["It has ended: for Ben"] if who == "ben" else []
    )


async def test_what_the_ledger_says_no_to_for_another_reason_is_no_hindrance(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what time or people can mend is waited for; a broken book is our bug, and loud."""
    await house.begin()

    def refuse(*_: object) -> None:
        raise Refused(Refusal.WRONG_UNIT)

    monkeypatch.setattr(house.node.trades, "record_told_in", refuse)
    with pytest.raises(Refused):
        await house.on(TODAY + 1)


# --- the payer's own acts -----------------------------------------------------------------------------------------


async def test_one_form_begins_one(house: House) -> None:
    made = await asyncio.gather(*[house.begin() for _ in range(3)])
    assert {order.no for order in made} == {1}
    assert len(await house.store.read(orders_of, house.ana.account_no)) == 1


async def test_only_the_payer_stops_it_and_stopped_nothing_goes(house: House) -> None:
    await house.begin()
    with pytest.raises(LookupError):
        await house.node.standing.stop(1, house.ben.account_no)
    await house.node.standing.stop(1, house.ana.account_no)
    await house.node.standing.stop(1, house.ana.account_no)
    await house.on(TODAY + 1)
    assert await house.trades() == 0
    assert (await house.order()).ended_by is EndedBy.PAYER


async def test_what_cannot_be_begun(house: House) -> None:
    with pytest.raises(CannotBegin) as caught:
        await house.begin(first=TODAY - 1)
    assert caught.value.why is Why.PAST
    itself = NewStanding(
        payer=house.ana, payee=house.ana, text="", standing=house.new().standing, proved_by="pin"
    )
    with pytest.raises(CannotBegin) as caught:
        await house.node.standing.begin(itself, b"o" * 16)
    assert caught.value.why is Why.NOT_NOW
    for number in range(STANDING_RUNNING_MAX):
        await house.begin(number.to_bytes(16, "big"))
    with pytest.raises(CannotBegin) as caught:
        await house.begin(b"x" * 16)
    assert caught.value.why is Why.TOO_MANY
    await house.node.standing.stop(1, house.ana.account_no)
    await house.begin(b"x" * 16)


async def test_without_the_key_of_its_turn_a_restore_would_be_found_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the key alone keeps a turn that is tried twice from being paid twice."""

    def put_back(tx: Tx) -> None:
        tx.run(text("DELETE FROM standing_turn"))
        tx.run(text("UPDATE standing SET turn = 0, next_day = first_day"))

    await house.begin()
    await house.on(TODAY + 1)
    await house.store.write(put_back)
    await house.on(TODAY + 2)
    assert await house.trades() == 1
    await house.store.write(put_back)
    monkeypatch.setattr(standing_module, "key_of_turn", lambda _id, _turn: house.chance.bytes(16))
    await house.on(TODAY + 2)
    assert await house.trades() == 2
