"""Help asked for in private, in a whole node: who may do what, who is told, and that nothing is done twice. Source: docs/pages.md 7.6."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from node.services.acts import Actor, Deed, NotAllowed, Role, acts_for
from node.services.help_matching import fitting_helpers
from node.services.help_rows import (
    NewRequest,
    answers_to,
    brought_to,
    open_requests,
    request_by_no,
    requests_of,
)
from node.services.helper_checks import NewCheck
from node.services.helping import CannotHelp, Helping, Why
from node.services.members import Member
from node.services.profiles import Skills
from protocol.helping import AnswerState, HelpEvent, HelpState
from protocol.limits import HELP_ASKED_MAX, HELP_OPEN_MAX
from tests.node.web.towns import Town, open_town

SHOPPING = NewRequest(what="Shopping", when="Thursdays", place="Church End", category="care")


@dataclass
class Village:
    town: Town
    maud: Member  # asks
    ben: Member  # a checked helper
    ana: Member  # another
    tom: Member  # nobody has checked him
    rosa: Actor

    @property
    def helping(self) -> Helping:
        return self.town.node.helping

    async def asked(self, new: NewRequest = SHOPPING, once: bytes = b"o" * 16) -> int:
        return (await self.helping.ask(self.maud, new, once)).no

    async def brought(self, *helpers: Member) -> int:
        no = await self.asked()
        for helper in helpers:
            await self.helping.bring(self.rosa, no, helper.no)
        return no

    async def state(self, no: int) -> tuple[HelpState, dict[int, AnswerState]]:
        request = await self.town.node.store.read(request_by_no, no)
        answers = await self.town.node.store.read(answers_to, no)
        assert request is not None
        return request.state, {each.helper_no: each.state for each in answers.values()}

    async def subjects(self) -> list[tuple[str, str]]:
        mails = [(mail.recipient.split("@")[0], mail.subject) for mail in await self.town.mails()]
        self.town.mail.taken.clear()
        return mails


async def check(town: Town, rosa: Actor, member: Member, days: int = 300) -> None:
    today = town.node.helpers.today()
    for what in ("Identity seen", "References asked"):
        new = NewCheck(member_no=member.no, what=what, checked=today, until=today + timedelta(days=days))
        await town.node.helpers.record(rosa, new)


@pytest.fixture
async def village() -> AsyncIterator[Village]:
    async with open_town() as town:
        maud, ben, ana = await town.member("Maud"), await town.member("Ben"), await town.member("Ana")
        tom, rosa = await town.member("Tom"), (await town.member("Rosa", Role.ORGANISER)).acts("pin")
        await check(town, rosa, ben)
        await check(town, rosa, ana, 200)
        yield Village(town, maud, ben, ana, tom, rosa)


async def test_asked_brought_said_yes_to_and_done(village: Village) -> None:
    no = await village.brought(village.ben, village.ana)
    assert await village.asked() == no, "the same form sent twice asks once"
    assert await village.subjects() == [("ben", "Can you help? Shopping"), ("ana", "Can you help? Shopping")]
    await village.helping.answer(village.ben, no, HelpEvent.SAY_YES, "At nine?")
    assert await village.state(no) == (
        HelpState.FOUND,
        {village.ben.no: AnswerState.YES, village.ana.no: AnswerState.OVER},
    )
    assert await village.subjects() == [
        ("ana", "Somebody comes already: Shopping. Thank you."),
        ("maud", "Ben comes and helps: Shopping"),
    ]
    for again in (HelpEvent.SAY_YES, HelpEvent.SAY_NO):
        with pytest.raises(CannotHelp) as caught:
            await village.helping.answer(village.ben, no, again)
        assert caught.value.why is Why.CHANGED
    with pytest.raises(CannotHelp):
        await village.helping.answer(village.ana, no, HelpEvent.SAY_YES)
    await village.helping.done(village.maud, no)
    assert (await village.state(no))[0] is HelpState.DONE
    assert await village.subjects() == []
    assert await village.town.node.store.read(open_requests) == []


async def test_a_helper_who_cannot_come_after_all_and_another_who_is_asked(village: Village) -> None:
    no = await village.brought(village.ben)
    await village.helping.answer(village.ben, no, HelpEvent.SAY_YES)
    await village.helping.answer(village.ben, no, HelpEvent.CALL_OFF, "I am ill")
    await village.helping.bring(village.rosa, no, village.ana.no)
    await village.helping.answer(village.ana, no, HelpEvent.SAY_YES)
    await village.helping.another(village.maud, no)
    assert await village.state(no) == (
        HelpState.WAITING,
        {village.ben.no: AnswerState.NO, village.ana.no: AnswerState.OVER},
    )
    assert ("maud", "Ben cannot come after all: Shopping") in await village.subjects()
    await village.helping.close(village.rosa, no, "Ring the town hall.")
    request = await village.town.node.store.read(request_by_no, no)
    assert request is not None
    assert (request.state, request.outcome) == (HelpState.CLOSED, "Ring the town hall.")
    assert await village.subjects() == [("maud", "We found nobody: Shopping")]


async def test_only_those_concerned_do_anything(village: Village) -> None:
    no = await village.brought(village.ben)
    before = await village.town.everything()
    for stranger in (village.ben, village.ana, village.tom):
        for act in (village.helping.take_back, village.helping.done, village.helping.another):
            with pytest.raises(LookupError):
                await act(stranger, no)
    for stranger in (village.ana, village.tom, village.maud):
        with pytest.raises(LookupError):
            await village.helping.answer(stranger, no, HelpEvent.SAY_YES)
    for member in (village.maud.acts("pin"), village.ben.acts("pin")):
        with pytest.raises(NotAllowed):
            await village.helping.bring(member, no, village.ana.no)
        with pytest.raises(NotAllowed):
            await village.helping.close(member, no, "x")
        with pytest.raises(NotAllowed):
            await village.helping.settle(member, no, HelpEvent.DONE)
    with pytest.raises(CannotHelp):
        await village.helping.answer(village.ben, no, HelpEvent.TAKE_BACK)
    with pytest.raises(CannotHelp):
        await village.helping.settle(village.rosa, no, HelpEvent.SAY_YES)
    for unknown in (
        village.helping.bring(village.rosa, 999, village.ana.no),
        village.helping.bring(village.rosa, no, 999),
    ):
        with pytest.raises(LookupError):
            await unknown
    assert await village.town.everything() == before


async def test_only_checked_helpers_where_that_is_asked_for(village: Village) -> None:
    no = await village.asked()
    for helper, why in ((village.tom, Why.NOT_CHECKED), (village.maud, Why.OWN)):
        with pytest.raises(CannotHelp) as caught:
            await village.helping.bring(village.rosa, no, helper.no)
        assert caught.value.why is why
    await village.helping.bring(village.rosa, no, village.ana.no)
    village.town.clock.now += 201 * 86_400_000  # the check ends between question and answer
    with pytest.raises(CannotHelp) as caught:
        await village.helping.answer(village.ana, no, HelpEvent.SAY_YES)
    assert caught.value.why is Why.NOT_CHECKED
    await village.helping.answer(village.ana, no, HelpEvent.SAY_NO)
    other = await village.asked(replace(SHOPPING, checked_only=False), b"p" * 16)
    await village.helping.bring(village.rosa, other, village.tom.no)
    await village.helping.answer(village.tom, other, HelpEvent.SAY_YES)
    await village.town.node.people.pause(village.rosa, village.ben.no, why="x")
    with pytest.raises(CannotHelp) as caught:
        await village.helping.bring(village.rosa, no, village.ben.no)
    assert caught.value.why is Why.PAUSED


async def test_who_fits_best_stands_first(village: Village) -> None:
    await village.town.node.profiles.set_skills(village.ana, Skills(ticked=("care-older",)))
    node, settings = village.town.node, village.town.node.settings.now

    async def names(new: NewRequest, called: str = "") -> list[str]:
        made = await village.helping.ask(village.maud, new, new.what.encode().ljust(16)[:16])
        today = node.helpers.today()
        found = await node.store.read(fitting_helpers, made, village.maud, settings, today, called)
        return [each.member.name for each in found]

    assert await names(SHOPPING) == ["Ana", "Ben"]
    anybody = replace(SHOPPING, what="Any", checked_only=False, category="")
    assert await names(anybody) == ["Ana", "Ben", "Rosa", "Tom"]
    assert await names(anybody, "to") == ["Tom"]
    no = await village.asked()
    await village.helping.bring(village.rosa, no, village.ana.no)
    assert await names(replace(SHOPPING, what="o" * 16)) == ["Ben"]
    await village.helping.answer(village.ana, no, HelpEvent.SAY_NO)
    assert await names(replace(SHOPPING, what="o" * 16)) == ["Ben", "Ana"]


async def test_what_one_asks_for_and_whom_organisers_ask_is_bounded(village: Village) -> None:
    for count in range(HELP_OPEN_MAX):
        await village.asked(once=bytes([count]) * 16)
    with pytest.raises(CannotHelp) as caught:
        await village.asked(once=b"z" * 16)
    assert caught.value.why is Why.TOO_MANY
    no = (
        requests[0].no
        if (requests := await village.town.node.store.read(requests_of, village.maud.no))
        else 0
    )
    await village.helping.take_back(village.maud, no)
    other = await village.asked(replace(SHOPPING, checked_only=False), b"y" * 16)
    for count in range(HELP_ASKED_MAX):
        helper = await village.town.member(f"H{count}")
        await village.helping.bring(village.rosa, other, helper.no)
    with pytest.raises(CannotHelp) as caught:
        await village.helping.bring(village.rosa, other, village.ben.no)
    assert caught.value.why is Why.ENOUGH


async def test_what_organisers_do_is_on_the_record_and_who_was_asked_is_not_on_the_askers(
    village: Village,
) -> None:
    no = await village.brought(village.ben)
    await village.helping.answer(village.ben, no, HelpEvent.SAY_YES)
    await village.helping.settle(village.rosa, no, HelpEvent.DONE)
    store = village.town.node.store
    of_maud = [act for act in await store.read(acts_for, village.maud.no) if act.deed is Deed.HELP]
    of_ben = [act for act in await store.read(acts_for, village.ben.no) if act.deed is Deed.HELP]
    assert [act.detail for act in of_maud] == ["done"]
    assert [(act.by_name, act.detail) for act in of_ben] == [("Rosa", f"helper-asked {no}")]


async def test_whoever_leaves_leaves_nothing_open(village: Village) -> None:
    first, second = await village.brought(village.ben), await village.asked(once=b"q" * 16)
    await village.helping.bring(village.rosa, second, village.ben.no)
    await village.helping.answer(village.ben, first, HelpEvent.SAY_YES)
    await village.town.node.parting.part(village.rosa, village.ben.no)
    assert await village.state(first) == (HelpState.WAITING, {village.ben.no: AnswerState.NO})
    assert await village.state(second) == (HelpState.WAITING, {village.ben.no: AnswerState.NO})
    await village.helping.bring(village.rosa, first, village.ana.no)
    await village.town.node.parting.part(village.rosa, village.maud.no)
    assert await village.state(first) == (
        HelpState.TAKEN_BACK,
        {village.ben.no: AnswerState.NO, village.ana.no: AnswerState.OVER},
    )
    brought = await village.town.node.store.read(brought_to, village.ana.no)
    assert [(request.state, answer) for request, answer in brought] == [
        (HelpState.TAKEN_BACK, AnswerState.OVER)
    ]
