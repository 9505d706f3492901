"""Requests for payment that nobody answers, where silence counts: warned twice, said in words, once, and never too far. Rule 3.11."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from node.mail.outbox import MailDelayed, MailRefused
from node.services.acts import Deed, Hand, NotAllowed, newest_acts
from node.services.ask_silence_rows import SILENT, TOO_FAR
from node.services.asks import Ask, CannotAsk, NewAsk, Reason, find_ask
from node.services.joint_kinds import CannotAct, Why
from node.services.members import NewMember, Reach, existing
from node.services.trades import trade_by_no
from protocol.asking import AskState
from protocol.entry import Words
from protocol.limits import DAY_MS
from protocol.message import decode_message
from tests.node.services.test_chest import Scheme

DAYS = 14
WORDS = text("SELECT words FROM entry ORDER BY seq DESC LIMIT 1")
WARNINGS = "Please answer before "


@dataclass
class Quiet(Scheme):
    """Ana gave Ben something and asks for an hour. Rosa and Otto let silence count after 14 days."""

    async def begin(self, days: int = DAYS) -> None:  # type: ignore[override]  # another rule than a standing order's
        await self.node.joint_acts.ask_silence(self.rosa.acts("pin"), days)
        await self.confirm()

    async def asked(self, amount: int = 60) -> int:
        new = NewAsk(payee=self.ana, payer=self.ben, amount=amount, text="Bike repair")
        (ask,) = await self.node.asks.ask([new], self.once())
        return ask.no

    async def ask(self, no: int) -> Ask:
        found = await self.store.read(find_ask, no, self.ana.account_no)
        assert found is not None
        return found

    async def stands(self, no: int) -> AskState:
        return (await self.ask(no)).stands(self.clock.now_ms())

    async def pass_days(self, days: float) -> list[str]:
        """Let time pass, looking every six hours and sending mail; return the subjects of new mails."""
        before = len(self.server.taken)
        for _ in range(round(days * 4)):
            self.clock.now += DAY_MS // 4
            await self.node.ask_silence.look()
            await self.node.outbox.send_due()
        return [mail.subject for mail in self.server.taken[before:]]

    async def reach(self, how: Reach, email: str | None = "ben@example.org") -> None:
        """Let an organiser change how Ben is reached."""
        new = NewMember(name="Ben", email=email, reach=how)
        self.ben = await self.node.people.change_profile(self.rosa.acts("pin"), self.ben.no, new)

    async def away(self, days: float | None) -> None:
        """Let Ben be away for so many days from now, or be back."""
        until = None if days is None else self.clock.now + round(days * DAY_MS)
        await self.node.people.go_away(self.ben.acts("pin"), self.ben.no, until)
        found = await self.node.people.member(self.ben.no)
        assert found is not None
        self.ben = found

    async def look_again(self) -> None:
        """Look, in the node as it runs now."""
        await self.node.ask_silence.look()

    async def moved(self) -> bool:
        """Tell whether anything went from Ben to Ana; the book is sound in any case."""
        await self.sound()
        return await self.balance(self.ben) != 0


@pytest.fixture
async def quiet() -> AsyncIterator[Quiet]:
    made = Quiet()
    await made.furnish()
    yield made
    await made.store.close()


async def test_two_warnings_then_it_counts_and_everybody_is_told(quiet: Quiet) -> None:
    """Rule 3.11: on the day that was said; the entry says whose hand it was, for whom, and that silence proved it."""
    await quiet.begin()
    no = await quiet.asked()
    (first,) = await quiet.pass_days(1)
    assert first == "Ana asks you for 1 hour: yes or no?"
    assert "it counts as your yes on Friday 23 January 2026" in quiet.server.taken[-1].text
    assert await quiet.pass_days(8.5) == []
    warnings = [await quiet.pass_days(2), await quiet.pass_days(2)]
    assert [len(each) for each in warnings] == [1, 1]
    assert {each.partition(":")[0] for (each,) in warnings} == {WARNINGS + "Friday 23 January 2026"}
    assert "On Friday 23 January 2026 that counts as your yes" in quiet.server.taken[-1].text
    assert (await quiet.stands(no), await quiet.moved()) == (AskState.ASKED, False)
    told = await quiet.pass_days(1)
    assert sorted(told) == ["1 hour went to Ana: you did not answer", "You got 1 hour: Ben did not answer"]
    ask = await quiet.ask(no)
    assert (ask.stands(quiet.clock.now_ms()), ask.reason) == (AskState.PAID, SILENT)
    assert await quiet.balance(quiet.ben) == -60
    assert await quiet.pass_days(5) == []
    assert ask.trade_no is not None
    trade = await quiet.store.read(trade_by_no, ask.trade_no)
    words = decode_message(Words, await quiet.store.read(lambda tx: tx.scalar(WORDS)))
    assert (trade.entered_by, words.done_by, words.on_behalf_of, words.proved_by) == (
        "Ana",
        "Ana",
        "Ben",
        "silence",
    )
    assert words.reason == "Asked on 2026-01-09, warned twice, no answer: by the rule of the scheme a yes."
    correction = await quiet.node.trades.correct(
        trade.no, organiser="Rosa", on_behalf_of="Ben", reason="it did not happen", once=quiet.once()
    )
    assert correction is not None
    assert await quiet.balance(quiet.ben) == 0
    await quiet.sound()


async def test_without_the_rule_nothing_counts_and_two_organisers_make_it(quiet: Quiet) -> None:
    """Rules 3.11, 6.9: never by one; one ends it, also for what waits; requests from before it never count."""
    before = await quiet.asked(30)
    for wrong in (0, 6, 61, 2**40):
        with pytest.raises(CannotAct):
            await quiet.node.joint_acts.ask_silence(quiet.rosa.acts("pin"), wrong)
    with pytest.raises(NotAllowed):
        await quiet.node.joint_acts.ask_silence(quiet.ben.acts("pin"), DAYS)
    with pytest.raises(TypeError):
        await quiet.node.settings.change(quiet.rosa.acts("pin"), silence_days=DAYS)
    await quiet.node.joint_acts.ask_silence(quiet.rosa.acts("pin"), DAYS)
    assert quiet.node.settings.now.silence_days == 0
    with pytest.raises(CannotAct) as alone:
        await quiet.confirm(quiet.rosa)
    assert alone.value.why is Why.ASKER
    await quiet.confirm()
    assert quiet.node.settings.now.silence_days == DAYS
    after = await quiet.asked()
    assert [(await quiet.ask(no)).counts for no in (before, after)] == [False, True]
    await quiet.pass_days(13.75)
    with pytest.raises(NotAllowed):
        await quiet.node.ask_silence.end(quiet.ben.acts("pin"))
    for _ in range(2):
        await quiet.node.ask_silence.end(quiet.otto.acts("pin"))
    await quiet.pass_days(3)
    assert [await quiet.stands(no) for no in (before, after)] == [AskState.LAPSED] * 2
    assert not await quiet.moved()
    acts = await quiet.store.read(newest_acts)
    assert [each.detail for each in acts if each.deed is Deed.SETTINGS] == [
        "silence: ended", "silence counts after 14 days: confirmed", "silence counts after 14 days: asked",
    ]  # fmt: skip


@pytest.mark.parametrize("when", ["asked", "later"])
@pytest.mark.parametrize("what", ["letter", "no mail", "paused", "refused", "payee paused"])
async def test_it_never_counts_of_whoever_mail_does_not_reach_or_who_may_not_answer(
    quiet: Quiet, what: str, when: str
) -> None:
    """Rule 3.11: when it is asked and until it counts."""

    async def happens() -> None:
        match what:
            case "letter":
                await quiet.reach(Reach.LETTER)
            case "no mail":
                await quiet.reach(Reach.LETTER, None)
            case "refused":
                quiet.server.trouble = MailRefused("nobody of that name")
            case "paused":
                await quiet.node.people.pause(quiet.rosa.acts("pin"), quiet.ben.no, why="asked to")
                quiet.ben = await quiet.store.read(existing, quiet.ben.no)
            case _:
                await quiet.node.people.pause(quiet.rosa.acts("pin"), quiet.ana.no, why="asked to")

    await quiet.begin()
    if when == "asked":
        await happens()
    no = await quiet.asked()
    await quiet.pass_days(11)
    if when == "later":
        await happens()
    await quiet.pass_days(9)
    assert await quiet.stands(no) is AskState.LAPSED
    assert not await quiet.moved()


async def test_a_limit_is_never_passed_by_silence(quiet: Quiet) -> None:
    """Rules 3.4, 3.11: it runs out, and says why to whoever did not answer."""
    await quiet.begin()
    no = await quiet.asked(10**6)
    await quiet.pass_days(16)
    ask = await quiet.ask(no)
    assert (ask.state, ask.reason) == (AskState.LAPSED, TOO_FAR)
    assert not await quiet.moved()


async def test_what_is_answered_in_time_counts_as_answered(quiet: Quiet) -> None:
    """Yes, no, taken back: also after both warnings, and silence adds nothing to it."""
    await quiet.begin()
    paid, declined, withdrawn = [await quiet.asked(amount) for amount in (10, 20, 30)]
    await quiet.pass_days(13.75)
    hand = Hand(entered_by="Ben", proved_by="pin")
    await quiet.node.asks.pay(paid, quiet.ben, quiet.ana, hand=hand)
    await quiet.node.asks.decline(declined, quiet.ben, Reason.NOT_ME, "")
    await quiet.node.asks.withdraw(withdrawn, quiet.ana.account_no)
    await quiet.pass_days(5)
    assert await quiet.balance(quiet.ben) == -10
    late = await quiet.asked(40)
    await quiet.pass_days(15)
    for answer in (
        quiet.node.asks.decline(late, quiet.ben, Reason.NOT_ME, ""),
        quiet.node.asks.withdraw(late, quiet.ana.account_no),
    ):
        with pytest.raises(CannotAsk):
            await answer
    await quiet.node.asks.pay(late, quiet.ben, quiet.ana, hand=hand)  # the same as was done
    assert await quiet.balance(quiet.ben) == -50
    await quiet.sound()


async def test_no_clock_runs_while_the_payer_is_away_and_both_warnings_are_given_anew(quiet: Quiet) -> None:
    """pages.md 8.10: away, nothing counts; back early, the days are taken off again."""
    await quiet.begin()
    no = await quiet.asked()
    await quiet.pass_days(13.5)
    await quiet.away(20)
    assert await quiet.pass_days(19.75) == []
    assert (await quiet.ask(no)).warned == 0
    warned = await quiet.pass_days(3)
    assert [each.startswith(WARNINGS) for each in warned] == [True, True]
    assert not await quiet.moved()
    await quiet.pass_days(2)
    assert await quiet.moved()
    # Asked while away, and back early.
    await quiet.away(30)
    again = await quiet.asked(5)
    assert (await quiet.ask(again)).until_ms == quiet.clock.now + 44 * DAY_MS
    await quiet.pass_days(10)
    await quiet.away(None)
    assert (await quiet.ask(again)).until_ms == quiet.clock.now + DAYS * DAY_MS


async def test_a_node_that_was_off_warns_twice_before_anything_counts(quiet: Quiet) -> None:
    """Rule 3.11: the day moves, and the mails say so."""
    await quiet.begin()
    await quiet.asked()
    await quiet.node.outbox.send_due()
    quiet.clock.now += 40 * DAY_MS
    first = await quiet.pass_days(2)
    assert [each.startswith(WARNINGS) for each in first] == [True]
    quiet.server.trouble = MailDelayed("busy")
    assert await quiet.pass_days(3) == []
    assert not await quiet.moved()
    quiet.server.trouble = None
    assert len(await quiet.pass_days(0.75)) == 1
    assert not await quiet.moved()
    await quiet.pass_days(1)
    assert await quiet.moved()


async def test_a_power_cut_at_any_statement_leaves_it_counted_once_or_not_yet(quiet: Quiet) -> None:
    """I7: trade, request and mails are of one transaction, and the request's own key pays it once."""
    await quiet.begin()
    no = await quiet.asked()
    await quiet.pass_days(13.75)
    quiet.clock.now += DAY_MS
    cuts = 0
    while await quiet.cut_at(cuts + 1, quiet.look_again):
        cuts += 1
        moved = await quiet.balance(quiet.ben)
        assert (moved, (await quiet.ask(no)).state) in ((0, AskState.ASKED), (-60, AskState.PAID))
        if moved:
            break
    assert cuts > 5
    await quiet.node.ask_silence.look()
    assert await quiet.balance(quiet.ben) == -60
    await quiet.sound()
