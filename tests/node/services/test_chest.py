"""Fees and the chest in a whole node: owed once, paid once, whatever breaks; two organisers decide. Rule 3.8."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from node.services import chest as chest_module
from node.services.acts import OPERATOR, Deed, Hand, NotAllowed, Role, acts_for
from node.services.books import Refused
from node.services.chest import NewChestGift, NewRule
from node.services.chest_report import read_chest
from node.services.fee_rows import (
    Charge,
    ChargeState,
    Hindrance,
    RuleState,
    charges_of,
    charges_owed,
    rule_by_no,
)
from node.services.joint_acts import asked_now
from node.services.joint_kinds import CannotAct, Why
from node.services.ledger_check import check_books
from node.services.loans import NewLoan
from node.services.members import Member
from node.services.my_data import read_my_data
from node.services.paper_notes import to_tell
from node.services.trades import NewTrade, Trade
from node.store import Tx
from protocol.fee import Fee, Round, Side
from protocol.limits import DAY_MS, FEE_NOTICE_DAYS
from protocol.standing import Every
from tests.builders import NOW
from tests.node.services.test_standing import TODAY, House

FIRST = TODAY + 30


@dataclass
class Scheme(House):
    """Ana and Ben are members, Rosa and Otto organisers for longer than a week."""

    counted: int = field(default=0)

    async def furnish(self) -> Scheme:
        await super().furnish()
        self.rosa, self.otto = [
            await self.node.people.add(OPERATOR, self.newcomer(name)) for name in ("Rosa", "Otto")
        ]
        for each in (self.rosa, self.otto):
            await self.node.people.set_role(OPERATOR, each.no, Role.ORGANISER)
        self.rosa, self.otto = [
            member
            for each in (self.rosa, self.otto)
            if (member := await self.node.people.member(each.no)) is not None
        ]
        self.day(TODAY + 8)
        return self

    def day(self, day: int) -> None:
        self.clock.now = NOW + (day - TODAY) * DAY_MS

    async def look(self, day: int) -> None:
        self.day(day)
        await self.node.chest.look()

    def once(self) -> bytes:
        self.counted += 1
        return self.counted.to_bytes(16, "big")

    async def rule(self, *, begun: bool = True, **given: object) -> int:
        """Let Rosa ask for a fee and Otto begin it; return its number."""
        usual = {"every": Round.MONTH, "first": FIRST} | ({} if "share" in given else {"amount": 60})
        new = NewRule(text="Membership fee", fee=Fee(**(usual | given)))  # type: ignore[arg-type]
        await self.node.joint_acts.ask_fee(self.rosa.acts("pin"), new, self.once())
        if begun:
            await self.confirm()
        return int(await self.store.read(lambda tx: tx.scalar(text("SELECT max(no) FROM fee_rule"))))

    async def confirm(self, by: Member | None = None) -> None:
        (asked,) = await self.store.read(asked_now, self.clock.now_ms())
        await self.node.joint_acts.confirm((by or self.otto).acts("pin"), asked.no)

    async def charges(self, member: Member) -> list[Charge]:
        return await self.store.read(charges_of, member.account_no)

    async def states(self, member: Member) -> list[str]:
        return [each.state.value for each in reversed(await self.charges(member))]

    async def trade(self, payer: Member, payee: Member, amount: int) -> Trade:
        new = NewTrade(
            payer_no=payer.account_no, payee_no=payee.account_no, amount=amount, text="bread", entered_by=payer.name,
            proved_by="pin", once=self.once(), payer_name=payer.name, payee_name=payee.name,
        )  # fmt: skip
        return await self.node.trades.record(new)

    async def holds(self) -> int:
        return await self.store.read(self.node.chest.holds)

    async def sound(self) -> None:
        """Rule 3.2, I1: everything sums to zero, and the whole book is as it was signed."""
        found = await self.store.read(check_books, self.node.scheme, self.node.directory.state)
        assert found.right, found.findings
        sums = await self.store.read(
            lambda tx: tx.all(text("SELECT unit, sum(balance) FROM account GROUP BY unit"))
        )
        assert {total for _, total in sums} == {0}


@pytest.fixture
async def scheme() -> AsyncIterator[Scheme]:
    made = await Scheme().furnish()
    yield made
    await made.store.close()


# --- beginning one ------------------------------------------------------------------------------------------------


async def test_two_organisers_begin_a_fee_and_every_member_is_told_before(scheme: Scheme) -> None:
    """Rules 3.8, 6.9: asked by one it asks nothing; with the second yes all are told, at least 14 days before."""
    no = await scheme.rule(begun=False)
    with pytest.raises(CannotAct) as caught:
        await scheme.confirm(scheme.rosa)
    assert caught.value.why is Why.ASKER
    await scheme.look(FIRST)
    assert await scheme.holds() == 0
    scheme.day(TODAY + 9)
    await scheme.mails()
    await scheme.confirm()
    told = await scheme.mails()
    assert {mail.recipient.partition("@")[0] for mail in told} == {"ana", "ben", "rosa", "otto"}
    assert "1 hour every month, the first time on 31 Jan 2026." in told[0].text
    rule = await scheme.store.read(rule_by_no, no)
    assert rule is not None
    assert (rule.state, rule.next_day) == (RuleState.RUNNING, FIRST)


async def test_a_fee_that_members_would_learn_of_too_late_is_not_begun(scheme: Scheme) -> None:
    """Rule 3.8: 14 days from the second yes, whoever asked earlier."""
    first = TODAY + 8 + FEE_NOTICE_DAYS
    with pytest.raises(CannotAct) as caught:
        await scheme.rule(first=first - 1)
    assert caught.value.why is Why.LATE
    await scheme.rule(first=first, begun=False)
    scheme.day(TODAY + 9)
    with pytest.raises(CannotAct) as caught:
        await scheme.confirm()
    assert caught.value.why is Why.LATE


async def test_one_form_asks_for_one_fee(scheme: Scheme) -> None:
    new = NewRule(text="Fee", fee=Fee(every=Round.YEAR, first=FIRST, amount=1))
    for _ in range(2):
        await scheme.node.joint_acts.ask_fee(scheme.rosa.acts("pin"), new, b"x" * 16)
    assert len(await scheme.store.read(asked_now, scheme.clock.now_ms())) == 1
    with pytest.raises(NotAllowed):
        await scheme.node.joint_acts.ask_fee(scheme.ana.acts("pin"), new, b"y" * 16)


# --- who owes what ------------------------------------------------------------------------------------------------


async def test_each_member_gives_once_on_each_day_and_it_stands_on_the_statement(scheme: Scheme) -> None:
    await scheme.rule()
    await scheme.look(FIRST - 1)
    assert await scheme.holds() == 0
    for day in (FIRST, FIRST, FIRST + 1, FIRST + 27):
        await scheme.look(day)
    assert await scheme.holds() == 4 * 60
    assert [await scheme.balance(each) for each in (scheme.ana, scheme.rosa)] == [-60, -60]
    (trade,) = await scheme.node.trades.newest(scheme.ana.account_no)
    assert trade.text == "Membership fee, Jan 2026"
    await scheme.look(FIRST + 31)
    assert await scheme.states(scheme.ana) == ["paid", "paid"]
    await scheme.sound()


async def test_times_that_went_by_are_owed_too_and_who_joined_later_owes_from_then(scheme: Scheme) -> None:
    """Rule 3.8: three days went by while the node was off; whoever joined on the second of them owes from the third."""
    await scheme.rule()
    scheme.day(FIRST + 28)  # 28 February, the second day
    mia = await scheme.node.people.add(OPERATOR, scheme.newcomer("Mia"))
    await scheme.look(FIRST + 60)
    assert await scheme.states(scheme.ana) == ["paid"] * 3
    assert [each.turn for each in await scheme.charges(mia)] == [2]


async def test_a_share_is_of_trades_between_members_in_its_time_rounded_down(scheme: Scheme) -> None:
    """Rule 3.8: not what came before or after, was corrected, was lent, or went to and from the chest."""
    ana, ben = scheme.ana, scheme.ben
    await scheme.rule(share=250, side=Side.GOT)
    scheme.day(FIRST - 1)
    await scheme.trade(ana, ben, 100)
    scheme.day(FIRST + 1)
    await scheme.trade(ana, ben, 99)
    wrong = await scheme.trade(ana, ben, 300)
    await scheme.node.trades.correct(
        wrong.no, organiser="Rosa", on_behalf_of="Ana", reason="twice", once=scheme.once()
    )
    terms = NewLoan(lender=ana, borrower=ben, text="Seeds", amount=100, part=50, every=Every.WEEK, first=FIRST + 3, proved_by="pin")  # fmt: skip
    lent = await scheme.node.loans.offer(terms, scheme.once())
    await scheme.node.loans.agree(lent.no, ben, proved_by="pin")
    await scheme.node.standing.look()
    await scheme.node.chest.give(ana, 40, "gift", Hand(entered_by="Ana", proved_by="pin"), scheme.once())
    scheme.day(FIRST + 27)
    await scheme.trade(ben, ana, 39)
    await scheme.look(FIRST + 27)
    assert await scheme.charges(ben) == []
    await scheme.look(FIRST + 28)
    (charge,) = await scheme.charges(ben)
    assert (charge.base, charge.amount, charge.state) == (99, 2, ChargeState.PAID)
    assert await scheme.charges(ana) == [], "39 minutes times 2.5% is less than a minute"
    (trade,) = [
        each for each in await scheme.node.trades.newest(ben.account_no) if each.no == charge.trade_no
    ]
    assert trade.text == "Membership fee, Jan 2026: 2.5% of 1 h 39"
    await scheme.sound()


async def test_no_limit_is_passed_over_and_it_is_tried_again(scheme: Scheme) -> None:
    """Rule 3.8: what is in the way is told once and waited for, a day at a time."""
    await scheme.rule()
    await scheme.limit(59)
    await scheme.mails()
    for day in (FIRST, FIRST, FIRST + 1):
        await scheme.look(day)
    (charge,) = await scheme.charges(scheme.ana)
    assert (charge.state, charge.hindrance) == (ChargeState.OWED, Hindrance.TOO_FAR)
    assert await scheme.balance(scheme.ana) == 0
    (mail,) = [mail for mail in await scheme.mails() if mail.recipient.startswith("ana")]
    assert "further behind than you may go" in mail.text
    await scheme.trade(scheme.ben, scheme.ana, 1)
    await scheme.look(FIRST + 1)
    assert await scheme.states(scheme.ana) == ["owed"], "it was tried today"
    await scheme.look(FIRST + 2)
    assert await scheme.states(scheme.ana) == ["paid"]


async def test_whoever_is_paused_gives_when_the_pause_ends_and_whoever_left_no_more(scheme: Scheme) -> None:
    await scheme.rule()
    await scheme.node.people.pause(OPERATOR, scheme.ana.no, why="asked to")
    await scheme.node.people.pause(OPERATOR, scheme.ben.no, why="asked to")
    await scheme.look(FIRST)
    assert [each.hindrance for each in await scheme.store.read(charges_owed)] == [Hindrance.PAUSED] * 2
    await scheme.node.people.resume(OPERATOR, scheme.ana.no)
    await scheme.node.parting.part(OPERATOR, scheme.ben.no)
    await scheme.look(FIRST + 1)
    assert await scheme.states(scheme.ana) == ["paid"]
    assert await scheme.states(scheme.ben) == ["written-off"]


async def test_an_organiser_lets_off_others_with_a_reason_on_the_record(scheme: Scheme) -> None:
    """Rule 3.8: waived or written off, never one's own; nothing is asked of them again for that time."""
    await scheme.rule(amount=10_000)
    await scheme.look(FIRST)
    (anas,), (rosas,) = await scheme.charges(scheme.ana), await scheme.charges(scheme.rosa)
    rosa = scheme.rosa.acts("pin")
    with pytest.raises(NotAllowed):
        await scheme.node.chest.let_off(scheme.ben.acts("pin"), anas.no, ChargeState.WAIVED, "please")
    with pytest.raises(NotAllowed):
        await scheme.node.chest.let_off(rosa, rosas.no, ChargeState.WAIVED, "please")
    await scheme.node.chest.let_off(rosa, anas.no, ChargeState.WAIVED, "ill since May")
    await scheme.node.chest.let_off(rosa, anas.no, ChargeState.WRITTEN_OFF, "twice")
    (anas,) = await scheme.charges(scheme.ana)
    assert (anas.state, anas.reason) == (ChargeState.WAIVED, "ill since May")
    (act,) = [each for each in await scheme.store.read(acts_for, scheme.ana.no) if each.deed is Deed.FEE]
    assert (act.by_name, act.why) == ("Rosa", "ill since May")
    await scheme.look(FIRST + 1)
    assert await scheme.states(scheme.ana) == ["waived"]
    held = await scheme.store.read(read_my_data, scheme.ana)
    assert [each["reason"] for each in held["fees"]] == ["ill since May"]


async def test_a_fee_that_was_corrected_is_given_back(scheme: Scheme) -> None:
    """Rules 3.5, 3.8: by an opposite entry, like any trade."""
    await scheme.rule()
    await scheme.look(FIRST)
    (charge,) = await scheme.charges(scheme.ana)
    assert charge.trade_no is not None
    await scheme.node.trades.correct(
        charge.trade_no, organiser="Rosa", on_behalf_of="Ana", reason="had left before", once=scheme.once()
    )
    assert await scheme.states(scheme.ana) == ["given-back"]
    assert (await scheme.balance(scheme.ana), await scheme.holds()) == (0, 180)
    await scheme.look(FIRST + 1)
    assert await scheme.balance(scheme.ana) == 0
    no = await scheme.store.read(scheme.node.chest.account_no)
    assert no is not None
    report = await scheme.store.read(read_chest, no, 0, scheme.clock.now_ms() + 1)
    assert (report.balance, report.fees, report.gifts, report.given) == (180, 180, 0, 0)
    await scheme.sound()


async def test_a_fee_that_ended_asks_for_nothing_more(scheme: Scheme) -> None:
    no = await scheme.rule()
    await scheme.limit(59)
    await scheme.look(FIRST)
    with pytest.raises(NotAllowed):
        await scheme.node.chest.end(scheme.ana.acts("pin"), no)
    await scheme.node.chest.end(scheme.rosa.acts("pin"), no)
    await scheme.limit(600)
    await scheme.look(FIRST + 31)
    assert await scheme.states(scheme.ana) == ["paid"], "what it asked for before stays owed"
    assert len(await scheme.charges(scheme.ben)) == 1


# --- whatever breaks ----------------------------------------------------------------------------------------------


async def test_a_power_cut_at_any_statement_leaves_each_fee_once(scheme: Scheme) -> None:
    """Rule 3.8, I7: what is owed is written for all members or none; each pays once."""
    await scheme.rule()
    scheme.day(FIRST)
    cuts = 0
    while await scheme.cut_at(cuts + 1, lambda: scheme.node.chest.look()):  # noqa: PLW0108 - the node is another each time
        cuts += 1
        rows = await scheme.store.read(lambda tx: tx.scalar(text("SELECT count(*) FROM charge")))
        assert rows in (0, 4)
    assert cuts > 10
    assert await scheme.states(scheme.ana) == ["paid"]
    assert (await scheme.trades(), await scheme.holds()) == (4, 240)
    await scheme.sound()


async def test_without_the_key_of_a_charge_a_restore_would_be_found_out(
    scheme: Scheme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the key alone keeps a charge that is made again from being paid twice."""

    def put_back(tx: Tx) -> None:
        tx.run(text("DELETE FROM charge"))
        tx.run(text("UPDATE fee_rule SET turn = 0, next_day = first_day"))

    await scheme.rule()
    await scheme.look(FIRST)
    await scheme.store.write(put_back)
    await scheme.look(FIRST + 1)
    assert await scheme.trades() == 4
    await scheme.store.write(put_back)
    monkeypatch.setattr(chest_module, "key_of_charge", lambda *_: scheme.chance.bytes(16))
    await scheme.look(FIRST + 1)
    assert await scheme.trades() == 8


# --- gifts --------------------------------------------------------------------------------------------------------


async def test_two_organisers_let_the_chest_give_what_it_has_to_somebody_else(scheme: Scheme) -> None:
    """Rules 3.8, 6.9: neither is the member; no more than there is; once."""
    joint, rosa, node = scheme.node.joint_acts, scheme.rosa.acts("pin"), scheme.node
    hand = Hand(entered_by="Ana", proved_by="pin")
    for _ in range(2):
        await node.chest.give(scheme.ana, 100, "For the summer feast", hand, b"g" * 16)
    assert await scheme.holds() == 100
    with pytest.raises(Refused):
        await node.chest.give(scheme.ana, 10**6, "too much", hand, scheme.once())
    with pytest.raises(CannotAct) as caught:
        await joint.ask_chest(
            rosa, NewChestGift(member=scheme.ben, amount=101, text="Marquee"), scheme.once()
        )
    assert caught.value.why is Why.CHEST_EMPTY
    with pytest.raises(CannotAct) as caught:
        await joint.ask_chest(rosa, NewChestGift(member=scheme.rosa, amount=1, text="Me"), scheme.once())
    assert caught.value.why is Why.PARTY
    for _ in range(2):
        await joint.ask_chest(rosa, NewChestGift(member=scheme.otto, amount=70, text="Marquee"), b"m" * 16)
    with pytest.raises(CannotAct) as caught:
        await scheme.confirm()
    assert caught.value.why is Why.PARTY
    (asked,) = await scheme.store.read(asked_now, scheme.clock.now_ms())
    await joint.drop(rosa, asked.no)

    await joint.ask_chest(rosa, NewChestGift(member=scheme.ben, amount=70, text="Marquee"), scheme.once())
    await joint.ask_chest(rosa, NewChestGift(member=scheme.ana, amount=70, text="Songs"), scheme.once())
    songs, marquee = await scheme.store.read(asked_now, scheme.clock.now_ms())
    await scheme.mails()
    await joint.confirm(scheme.otto.acts("pin"), marquee.no)
    with pytest.raises(CannotAct) as caught:
        await joint.confirm(scheme.otto.acts("pin"), songs.no)
    assert caught.value.why is Why.CHEST_EMPTY
    assert (await scheme.balance(scheme.ben), await scheme.holds()) == (70, 30)
    (mail,) = await scheme.mails()
    assert "the community chest gave you 1 hour 10 minutes, for: Marquee" in mail.text
    await scheme.sound()


async def test_members_without_mail_are_told_on_paper(scheme: Scheme) -> None:
    maud = await scheme.node.people.add(OPERATOR, scheme.newcomer("Maud"))
    await scheme.store.write(lambda tx: tx.run(text("UPDATE member SET email = NULL, reach = 'letter' WHERE no = :no"), no=maud.no))  # fmt: skip
    await scheme.rule()
    (told,) = await scheme.store.read(to_tell)
    assert told.member.no == maud.no
    assert [note.text for note in told.notes] == ["From 31 Jan 2026: Membership fee"]


# --- the whole book -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE charge SET amount = 61 WHERE no = 1",
        "UPDATE charge SET account_no = (SELECT no FROM account WHERE role = 'chest') WHERE no = 1",
        "UPDATE charge SET turn = 7 WHERE no = 1",
        "UPDATE charge SET trade_no = 2 WHERE no = 1",
        "UPDATE charge SET trade_no = NULL WHERE no = 1",
        "UPDATE charge SET state = 'owed' WHERE no = 1",
        "UPDATE charge SET state = 'given-back' WHERE no = 1",
        "UPDATE chest_gift SET amount = 1",
        "UPDATE chest_gift SET account_no = 1",
        "UPDATE chest_gift SET trade_no = 1",
    ],
)
async def test_what_was_paid_is_compared_with_what_was_owed(scheme: Scheme, wrong: str) -> None:
    """I19: a row altered by hand is named by the check of the whole book."""
    await scheme.rule()
    await scheme.look(FIRST)
    gift = NewChestGift(member=scheme.ben, amount=70, text="Marquee")
    await scheme.node.joint_acts.ask_chest(scheme.rosa.acts("pin"), gift, scheme.once())
    await scheme.confirm()
    await scheme.sound()
    await scheme.store.write(lambda tx: tx.run(text(wrong)))
    found = await scheme.store.read(check_books, scheme.node.scheme, scheme.node.directory.state)
    assert {each.table for each in found.findings} == {"chest_gift" if "chest_gift" in wrong else "charge"}
