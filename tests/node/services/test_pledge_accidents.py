"""Deposits across schemes when a node falls over at a statement, comes back from an old backup, or letters and payments are lost. Rules 0.4, 6.7, 7.2, 7.8."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from node.services.ledger_check import check_books
from node.services.ledger_rebuild import rebuild
from node.services.pledge_rows import pledge_of
from node.simulation.town import Resident
from node.store import InlineStore, StoreClosed, Tx
from protocol.beyond import Stands
from protocol.booking import BookingEvent, BookingState
from protocol.deposit import DepositState
from protocol.pledge import Pledge
from tests.gossip_town import pause, until
from tests.node.services.test_pledges import ASIDE, DEPOSIT, Pledging, pledging

LONG_AGO = text("UPDATE request SET changed_ms = 1")
E, S, D, P = BookingEvent, BookingState, DepositState, Pledge


class PowerCut(BaseException):
    """The end of a node's run."""


class Cuts:
    """Cuts the power of a node once before each different write about deposits, bookings, holds and payments, and after its unit."""

    WORDS = ("pledge", "booking SET deposit", "UPDATE account", "payment", "COMMITTED")

    def __init__(self, resident: Resident):
        self.resident = resident
        self.seen: set[str] = set()
        self.down = False
        self.wrote = ""
        resident.fault = self.hear

    def hear(self, what: str) -> None:
        writes = what.startswith(("INSERT", "UPDATE", "DELETE", "COMMITTED"))
        if self.down or not writes or not any(word in what for word in self.WORDS):
            return
        if what == "COMMITTED":  # named by the last that was written about it in that unit
            what, self.wrote = f"COMMITTED {self.wrote}" if self.wrote else "", ""
        else:
            self.wrote = what
        if not what or what in self.seen:
            return
        self.seen.add(what)
        self.down = True
        store = self.resident._store
        assert store is not None
        store.crash()
        raise PowerCut(what)

    async def mend(self) -> None:
        if self.down:
            with contextlib.suppress(BaseExceptionGroup, PowerCut, StoreClosed):
                await self.resident.crash()
            await self.resident.boot()
            self.down = False


async def through(cuts: list[Cuts], done: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so, starting nodes again whose power was cut."""
    for _ in range(4000):
        for each in cuts:
            await each.mend()
        with contextlib.suppress(StoreClosed, PowerCut):
            if await done():
                return
        await asyncio.sleep(5)
    raise AssertionError("it did not come about")


def test_a_power_cut_at_each_statement_holds_frees_and_pays_once() -> None:
    """I7: whatever falls over where, in one walk, each of the two nodes at each statement about it once."""

    async def act(it: Pledging) -> None:
        await it.ask(it.ana, it.days(0, 1))
        await it.until_lent(S.ASKED)
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _what: None)  # the cuts themselves
        cuts = [Cuts(it.oakvale), Cuts(it.riverside)]

        async def agreed() -> bool:
            if (await it.lent())[0].state is S.ASKED:
                await it.owner(E.AGREE)
            return (await it.lent())[0].deposit_state is D.HELD

        async def asked() -> bool:
            booking = (await it.lent())[0]
            if booking.state is S.AGREED:
                await it.owner(E.HAND_OVER)
            if (await it.lent())[0].state is S.HANDED_OVER:
                await it.take_back(keep=200)
            return (await it.pledge()).state is P.ASKED

        async def kept() -> bool:
            pledged = await it.pledge()
            if pledged.state is P.ASKED:
                await it.oakvale.node.pledges.agree(pledged.no, it.ana)
            return pledged.state is P.KEPT and (await it.lent())[0].deposit_state is D.KEPT

        for stage in (agreed, asked, kept):
            await through(cuts, stage)
        for each in cuts:
            each.resident.fault = None
            await each.mend()
            assert len(each.seen) > 5, "statements were met"
        await pause(60)
        assert (await it.held(), await it.gets()) == ((0, -200), 200)
        await it.right()

    pledging(act)


def test_a_backup_from_every_commit_of_a_payment_out_of_it_pays_once() -> None:
    """Rule 6.7 (b): a LOCK that a restore forgot comes back and is taken out of the hold; nothing is paid a second time."""

    async def act(it: Pledging) -> None:
        await it.out()
        backups: list[bytes] = []

        def after_commit(what: str) -> None:
            if what == "COMMITTED":
                backups.append(it.oakvale.snapshot())

        it.oakvale.fault = after_commit
        await it.take_back(keep=200)
        await it.stands_at(P.ASKED)
        await it.oakvale.node.pledges.agree((await it.pledge()).no, it.ana)
        await it.oakvale.node.pledges.pay_due()
        await it.stands_at(P.KEPT)
        await it.his_at(D.KEPT)
        it.oakvale.fault = None
        states = {}
        for backup in dict.fromkeys(backups):
            await it.oakvale.restore(backup)
            store = InlineStore(it.oakvale.disk)
            pledged = await store.read(pledge_of, 1)
            store.crash()
            assert pledged is not None
            # One of each kind of moment is enough.
            states.setdefault((pledged.state, pledged.trade_no), backup)
        assert {P.HELD, P.ASKED, P.DUE, P.PAYING, P.KEPT} == {state for state, _ in states}
        for backup in states.values():
            await it.oakvale.restore(backup)
            await it.oakvale.boot()

            async def over() -> bool:
                return (await it.held()) == (0, -200)

            async def paid() -> bool:
                return (await it.held())[1] == -200

            await until(it.town, paid, 3600, "paid")
            await it.oakvale.node.store.write(lambda tx: tx.run(LONG_AGO))
            await it.oakvale.node.pledges.look()
            await until(it.town, over, 3600, "and nothing held any more")
            assert await it.gets() == 200, "once"
            await it.right()

    pledging(act)


def test_lost_letters_are_said_again_until_both_sides_know() -> None:
    """Rule 7.8: each day while nothing is answered, every three days once the time has begun."""

    async def act(it: Pledging) -> None:
        async def again() -> int:
            await it.oakvale.node.store.write(lambda tx: tx.run(LONG_AGO))
            return await it.oakvale.node.pledges.look()

        await it.ask(it.ana, it.days(0, 1))
        await it.until_lent(S.ASKED)
        await it.sees(it.ana, Stands.ASKED)
        await it.owner(E.AGREE)
        backup = it.riverside.snapshot()
        await it.stands_at(P.HELD)
        await it.his_at(D.HELD)
        await pause(60)
        await it.riverside.restore(backup)
        await it.riverside.boot()
        await pause(60)
        assert (await it.lent())[0].deposit_state is D.NONE, "it forgot what it had read"
        assert await again() == 1
        await it.his_at(D.HELD)
        await pause(60)
        assert await again() == 1, "the time has begun"
        await it.owner(E.HAND_OVER)
        await pause(60)
        await it.oakvale.crash()
        await it.take_back()
        for command in (
            "DELETE FROM carried",
            "UPDATE message SET state = 'expired' WHERE state = 'waiting'",
        ):
            await it.riverside.node.store.write(lambda tx, command=command: tx.run(text(command)))
        await it.oakvale.boot()
        await pause(60)
        assert (await it.pledge()).state is P.HELD, "the word that it is back was lost"
        assert await again() == 1
        await it.stands_at(P.FREED)
        assert await again() == 0
        assert await it.held() == (0, 0)
        await it.right()

    pledging(act)


def test_a_payment_that_organisers_free_frees_the_rest_and_none_follows_what_was_let_go() -> None:
    """Rules 7.2, 7.8: the chest answers for what is under way; while it is, letting go only means that nothing follows."""

    async def act(it: Pledging) -> None:
        await it.asked_for(200)
        no, node = (await it.pledge()).no, it.oakvale.node
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("node.services.payee_desk.PayeeDesk.be_paid", lambda *_: None)  # it answers nothing
            await node.pledges.agree(no, it.ana)
            await node.pledges.pay(no)
            pledged = await it.stands_at(P.PAYING)
            assert (pledged.paying, await it.held()) == (200, (ASIDE, 0)), "all of it is set aside as before"
            await it.right()
            await it.lets_go()
            await it.stands_at(P.LETTING)
            assert await it.held() == (ASIDE, 0)
            await it.right()
            patch.setattr("node.services.payer_desk.may_freeze", lambda *_: True)

            def free(tx: Tx) -> None:
                lines, payments = node.lines.desks(tx)
                assert payments.payer.free(pledged.trade_no or 0) is not None
                node.lines.finish(tx, lines)

            await node.store.write(free)
        assert ((await it.pledge()).state, await it.held()) == (P.FREED, (0, 0))
        await it.right()

    pledging(act)


def test_what_is_held_for_a_scheme_that_has_ended_is_free() -> None:
    """Rules 2.4, 7.8: no word comes from there any more."""

    async def act(it: Pledging) -> None:
        await it.asked_for(200)
        node = it.oakvale.node
        assert await node.pledges.look() == 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(node.pledges, "_has_ended", lambda scheme: scheme == it.riverside.scheme)
            assert [await node.pledges.look() for _ in range(2)] == [1, 0]
        assert ((await it.pledge()).state, await it.held()) == (P.FREED, (0, 0))
        await it.right()

    pledging(act)


def test_a_pledge_that_does_not_fit_is_named() -> None:
    async def act(it: Pledging) -> None:
        await it.out()
        node = it.oakvale.node
        for change in (
            "aside = 1", "paying = 1", "state = 'due'", "state = 'paying'", "state = 'lost'", "keep = 1", "amount = 0",
            "state = 'freed'", "role = 'in'",
        ):  # fmt: skip
            await it.right()
            await node.store.write(lambda tx, change=change: tx.run(text(f"UPDATE pledge SET {change}")))
            checked = await node.store.read(check_books, node.scheme, node.directory.state)
            assert any(str(each).startswith(("pledge", "account")) for each in checked.findings), change
            mended = (
                f"role = 'out', aside = {ASIDE}, paying = 0, state = 'held', keep = 0, amount = {DEPOSIT}"
            )
            await node.store.write(lambda tx, mended=mended: tx.run(text(f"UPDATE pledge SET {mended}")))
        await node.store.write(lambda tx: tx.run(text("UPDATE account SET held = held + 1 WHERE held > 0")))
        await node.store.write(rebuild, node.scheme, node.directory.state)
        await it.right()
        assert await it.held() == (ASIDE, 0), "a rebuilt account holds what pledges say"

    pledging(act)
