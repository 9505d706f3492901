"""Loans in a whole node: both say yes, each part is counted once, corrections reach them, and nothing of one is ever lost. Rule 3.7."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

import pytest

from node.mail.outbox import Mail
from node.services.acts import OPERATOR
from node.services.books import Refused
from node.services.loan_rows import Lent, loan_by_no, loans_of, parts_of_loan
from node.services.loans import CannotLend, NewLoan, Why
from node.services.members import Member
from node.services.standing_rows import EndedBy
from node.services.trades import trade_by_no
from protocol.errors import InvalidValue
from protocol.ledger import Refusal
from protocol.limits import DAY_MS, LOAN_OFFER_VALID_MS, LOANS_OFFERED_MAX
from protocol.loan import LoanState
from protocol.standing import Every, StandingState
from tests.node.services.test_standing import NOW, TODAY, House

OFFERED, RUNNING, REPAID, FORGIVEN, DECLINED, WITHDRAWN, LAPSED, VOID = LoanState


@dataclass
class Bank(House):
    """Ana may lend Ben 250 minutes, back in parts of 60 every week."""

    forms: int = field(default=0)

    def key(self) -> bytes:
        self.forms += 1
        return self.forms.to_bytes(16, "big")

    def terms(self, **given: object) -> NewLoan:
        usual = {
            "amount": 250,
            "part": 60,
            "every": Every.WEEK,
            "first": TODAY + 7,
            "lender": self.ana,
            "borrower": self.ben,
        }
        return NewLoan(text="Until the harvest", proved_by="pin", **(usual | given))  # type: ignore[arg-type]

    async def offer(self, **given: object) -> Lent:
        return await self.node.loans.offer(self.terms(**given), self.key())

    async def lend(self, **given: object) -> Lent:
        lent = await self.offer(**given)
        return await self.node.loans.agree(lent.no, self.ben, proved_by="pin")

    async def loan(self, no: int = 1) -> Lent:
        lent = await self.store.read(loan_by_no, no)
        assert lent is not None
        return lent

    async def parts(self, no: int = 1) -> tuple[int, int, int, LoanState]:
        loan = (await self.loan(no)).loan
        return loan.repaid, loan.left, loan.forgiven, loan.state

    async def both(self) -> tuple[int, int]:
        return await self.balance(self.ana), await self.balance(self.ben)

    async def repay(self, amount: int, once: bytes | None = None) -> None:
        await self.node.loans.repay(1, self.ben, amount, once or self.key(), proved_by="pin")

    async def correct(self, trade_no: int) -> None:
        await self.node.trades.correct(
            trade_no, organiser="Rosa", on_behalf_of="Ana", reason="slip", once=self.key()
        )

    async def check(self) -> None:
        """What the loan says is what its trades say."""
        lent = await self.loan()
        paid = [part for part in await self.store.read(parts_of_loan, 1) if not part.undone]
        states = {(await self.store.read(trade_by_no, part.trade_no)).state for part in paid}
        assert states <= {"done"}
        assert lent.loan.repaid == sum(part.amount for part in paid)
        assert lent.loan.repaid + lent.loan.left + lent.loan.forgiven == lent.loan.amount
        order = await self.order()
        if lent.loan.state in (REPAID, FORGIVEN, VOID):
            assert order.standing.next_day is None, "nothing more goes back"


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    made = Bank()
    await made.furnish()
    yield made
    await made.store.close()


async def subjects(mails: list[Mail]) -> list[str]:
    return [mail.subject for mail in mails]


# --- both say yes -----------------------------------------------------------------------------------------------


async def test_it_is_given_on_the_borrowers_yes_and_comes_back_by_itself(bank: Bank) -> None:
    await bank.offer()
    assert (await bank.both(), await bank.trades()) == ((0, 0), 0)
    assert await subjects(await bank.mails()) == ["Ana offers to lend you 4 hours 10 minutes: yes or no?"]
    await bank.node.loans.agree(1, bank.ben, proved_by="pin")
    assert await bank.both() == (-250, 250)
    assert await subjects(await bank.mails()) == ["Ben said yes: Until the harvest"]
    for week, left in enumerate((190, 130, 70, 10, 0), start=1):
        await bank.on(TODAY + 7 * week, times=2)
        assert (await bank.loan()).loan.left == left
        await bank.check()
    assert await bank.parts() == (250, 0, 0, REPAID)
    assert await bank.both() == (0, 0)
    assert (await bank.order()).standing.state is StandingState.ENDED
    await bank.on(TODAY + 100)
    assert await bank.trades() == 6
    given = await bank.node.trades.by_no(1)
    assert (given.payer_no, given.payee_no, given.text) == (
        bank.ana.account_no,
        bank.ben.account_no,
        "Until the harvest",
    )


async def test_a_yes_said_twice_gives_once(bank: Bank) -> None:
    await bank.offer()
    await asyncio.gather(*[bank.node.loans.agree(1, bank.ben, proved_by="pin") for _ in range(4)])
    assert await bank.both() == (-250, 250)
    assert await bank.trades() == 1


async def test_one_form_offers_one(bank: Bank) -> None:
    await asyncio.gather(*[bank.node.loans.offer(bank.terms(), b"o" * 16) for _ in range(3)])
    assert len(await bank.store.read(loans_of, bank.ana.account_no)) == 1


@pytest.mark.parametrize("who", ["ana", "maud"])
async def test_only_the_borrower_says_yes_or_no(bank: Bank, who: str) -> None:
    await bank.offer()
    other: Member = bank.ana if who == "ana" else await bank.node.people.add(OPERATOR, bank.newcomer("Maud"))
    for act in (
        bank.node.loans.agree(1, other, proved_by="pin"),
        bank.node.loans.decline(1, other),
        bank.node.loans.repay(1, other, 1, b"r" * 16, proved_by="pin"),
    ):
        with pytest.raises(LookupError):
            await act
    for own in (bank.node.loans.withdraw(1, bank.ben), bank.node.loans.forgive(1, bank.ben)):
        with pytest.raises(LookupError):
            await own


async def test_silence_lends_nothing(bank: Bank) -> None:
    """docs/pages.md 0.10: after 14 days, or once its first day has begun to be over, an offer is none."""
    await bank.offer(first=TODAY + 100)
    await bank.offer(first=TODAY + 2, borrower=await bank.node.people.add(OPERATOR, bank.newcomer("Maud")))
    bank.clock.now = NOW + 3 * DAY_MS - 1
    assert (await bank.loan(2)).stands(bank.clock.now) is OFFERED
    bank.clock.now += 1
    assert (await bank.loan(2)).stands(bank.clock.now) is LAPSED
    bank.clock.now = NOW + LOAN_OFFER_VALID_MS
    with pytest.raises(CannotLend) as caught:
        await bank.node.loans.agree(1, bank.ben, proved_by="pin")
    assert caught.value.why is Why.ENDED
    assert await bank.trades() == 0


async def test_no_and_taken_back_end_it(bank: Bank) -> None:
    await bank.offer()
    await bank.node.loans.decline(1, bank.ben)
    assert (await bank.loan()).loan.state is DECLINED
    await bank.offer()
    await bank.node.loans.withdraw(2, bank.ana)
    for no in (1, 2):
        with pytest.raises(CannotLend):
            await bank.node.loans.agree(no, bank.ben, proved_by="pin")
    assert await bank.trades() == 0


async def test_what_cannot_be_offered(bank: Bank) -> None:
    for given, why in (
        ({"first": TODAY}, Why.PAST),
        ({"borrower": bank.ana}, Why.NOT_NOW),
    ):
        with pytest.raises(CannotLend) as caught:
            await bank.offer(**given)
        assert caught.value.why is why
    with pytest.raises(InvalidValue):
        await bank.offer(part=0 + 1, amount=261)
    await bank.offer()
    with pytest.raises(CannotLend) as caught:
        await bank.offer()
    assert caught.value.why is Why.SAME
    for number in range(LOANS_OFFERED_MAX - 1):
        await bank.offer(borrower=await bank.node.people.add(OPERATOR, bank.newcomer(f"Member {number}")))
    with pytest.raises(CannotLend) as caught:
        await bank.offer(borrower=await bank.node.people.add(OPERATOR, bank.newcomer("Zoe")))
    assert caught.value.why is Why.TOO_MANY


async def test_what_the_lender_has_not_is_not_lent_and_the_offer_stays(bank: Bank) -> None:
    await bank.limit(249)
    await bank.offer()
    with pytest.raises(Refused) as refused:
        await bank.node.loans.agree(1, bank.ben, proved_by="pin")
    assert refused.value.reason is Refusal.EXCEEDS_CREDIT_LIMIT
    assert (await bank.loan()).loan.state is OFFERED
    await bank.limit(250)
    await bank.node.loans.agree(1, bank.ben, proved_by="pin")
    assert await bank.both() == (-250, 250)


async def test_a_pause_of_either_hinders_the_yes(bank: Bank) -> None:
    await bank.offer()
    await bank.node.people.pause(OPERATOR, bank.ana.no, why="test")
    with pytest.raises(CannotLend) as caught:
        await bank.node.loans.agree(1, bank.ben, proved_by="pin")
    assert caught.value.why is Why.NOT_NOW


# --- early, forgiven, stopped -----------------------------------------------------------------------------------


async def test_paid_back_early_the_rest_goes_and_then_nothing(bank: Bank) -> None:
    await bank.lend()
    once = bank.key()
    await asyncio.gather(*[bank.repay(200, once) for _ in range(3)])
    assert await bank.parts() == (200, 50, 0, RUNNING)
    with pytest.raises(CannotLend) as caught:
        await bank.repay(51)
    assert caught.value.why is Why.TOO_MUCH
    await bank.on(TODAY + 7)
    assert await bank.parts() == (250, 0, 0, REPAID), "the turn pays what is left, not its usual part"
    order = await bank.order()
    assert (order.standing.state, order.ended_by) == (StandingState.STOPPED, EndedBy.NOTHING_LEFT)
    with pytest.raises(CannotLend) as caught:
        await bank.repay(1)
    assert caught.value.why is Why.ENDED


async def test_paid_back_whole_at_once(bank: Bank) -> None:
    await bank.lend()
    await bank.repay(250)
    await bank.check()
    await bank.on(TODAY + 7)
    assert await bank.both() == (0, 0)


async def test_the_lender_forgives_the_rest(bank: Bank) -> None:
    await bank.lend()
    await bank.on(TODAY + 7)
    await bank.mails()
    await bank.node.loans.forgive(1, bank.ana)
    await bank.node.loans.forgive(1, bank.ana)
    assert await bank.parts() == (60, 0, 190, FORGIVEN)
    assert await subjects(await bank.mails()) == ["You need not give the rest back: Until the harvest"]
    await bank.on(TODAY + 14)
    assert await bank.both() == (-190, 190)
    await bank.check()


async def test_the_borrower_may_stop_what_goes_by_itself_and_still_owes(bank: Bank) -> None:
    """Silence never spends, and nobody's yes is for ever."""
    await bank.lend()
    await bank.node.standing.stop(1, bank.ben.account_no)
    await bank.on(TODAY + 7)
    assert await bank.parts() == (0, 250, 0, RUNNING)
    await bank.repay(250)
    assert await bank.parts() == (250, 0, 0, REPAID)


# --- corrections (3.5) ------------------------------------------------------------------------------------------


async def test_a_corrected_part_is_owed_again(bank: Bank) -> None:
    await bank.lend()
    await bank.repay(250)
    await bank.correct(2)
    assert await bank.parts() == (0, 250, 0, RUNNING)
    await bank.check()
    await bank.repay(250)
    assert await bank.parts() == (250, 0, 0, REPAID)


async def test_a_loan_whose_giving_was_corrected_is_none(bank: Bank) -> None:
    await bank.lend()
    await bank.on(TODAY + 7)
    await bank.correct(1)
    assert (await bank.loan()).loan.state is VOID
    await bank.on(TODAY + 14)
    assert await bank.trades() == 3
    await bank.correct(2)
    assert await bank.both() == (0, 0)
    await bank.check()


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_to_a_loan_its_parts_are_what_was_lent(seed: int) -> None:
    """I1, 3.7: days, early parts, corrections, stops, forgiving, power cuts, in any order."""
    chance, bank = Random(seed), Bank()
    await bank.furnish()
    await bank.lend(amount=chance.randint(60, 500), part=chance.randint(40, 200))
    day = TODAY
    for _ in range(25):
        match chance.choice(("day", "day", "day", "repay", "correct", "cut", "forgive", "stop")):
            case "day":
                day += chance.randint(1, 12)
                await bank.on(day)
            case "repay":
                left = (await bank.loan()).loan.owed
                if left:
                    await bank.repay(chance.randint(1, left))
            case "correct":
                trades = [
                    each
                    for each in await bank.node.trades.newest(bank.ben.account_no, 100)
                    if not each.corrects_no
                ]
                open_ones = [each for each in trades if each.state == "done" and each.no > 1]
                if open_ones and chance.random() < 0.5:
                    await bank.correct(chance.choice(open_ones).no)
            case "cut":
                await bank.cut_at(chance.randint(1, 12))
            case "forgive" if chance.random() < 0.2:
                if (await bank.loan()).loan.state is RUNNING:
                    await bank.node.loans.forgive(1, bank.ana)
            case "stop" if chance.random() < 0.2:
                await bank.node.standing.stop(1, bank.ben.account_no)
            case _:
                pass
        await bank.check()
        loan = (await bank.loan()).loan
        assert await bank.both() == (loan.repaid - loan.amount, loan.amount - loan.repaid)
    await bank.store.close()
