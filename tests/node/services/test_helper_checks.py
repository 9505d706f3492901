"""What is checked about helpers, how long it counts, and who is told before it ends. Source: docs/pages.md 7.6."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from node.services.acts import OPERATOR, Actor, Deed, NotAllowed, Role, acts_for
from node.services.helper_checks import REMIND_DAYS, YEARS_MAX, CannotCheck, Helpers, NewCheck, Why
from node.services.helper_rows import Check, checked_helpers, checks_of, helper_until, until_when
from node.services.members import Member, NewMember, Unable
from node.services.paper_notes import to_tell
from node.services.telling import Telling
from tests.node.services.desk import Desk

TODAY = date(2026, 1, 1)


@dataclass
class Care:
    desk: Desk
    helpers: Helpers
    rosa: Actor
    ben: Member

    async def check(
        self, what: str, days: int, member: Member | None = None, by: Actor | None = None
    ) -> Check:
        """Record a check that was made today and counts for so many days."""
        today = self.helpers.today()
        return await self.helpers.record(
            by or self.rosa,
            NewCheck(
                member_no=(member or self.ben).no,
                what=what,
                checked=today,
                until=today + timedelta(days=days),
            ),
        )

    async def until(self, member: Member | None = None) -> date | None:
        settings = self.desk.settings.now
        found = await self.desk.people.member((member or self.ben).no)
        assert found is not None
        return await self.desk.store.read(helper_until, found, settings, self.helpers.today())

    def later(self, days: int) -> None:
        self.desk.clock.now += days * 86_400_000


@pytest.fixture
async def care(desk: Desk) -> Care:
    telling = Telling(desk.outbox, desk.settings, desk.clock, "https://oakvale.example")
    helpers = Helpers(store=desk.store, clock=desk.clock, settings=desk.settings, telling=telling, zone=UTC)
    desk.clock.now = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp() * 1000)
    return Care(desk, helpers, await desk.rosa(), await desk.member("Ben"))


async def test_whoever_has_all_that_is_needed_is_a_checked_helper_until_the_first_of_it_ends(
    care: Care,
) -> None:
    await care.check("first aid course", 900)
    assert await care.until() is None
    await care.check("Identity seen", 900)
    assert await care.until() is None
    references = await care.check("References asked", 90)
    assert await care.until() == TODAY + timedelta(days=90)
    settings = care.desk.settings.now
    assert await care.desk.store.read(checked_helpers, settings, TODAY) == {
        care.ben.no: TODAY + timedelta(days=90)
    }
    care.later(90)
    assert await care.until() == TODAY + timedelta(days=90), "its last day counts"
    care.later(1)
    assert await care.until() is None, "it goes by itself"
    renewed = await care.check("References asked", 400)
    assert (renewed.no > references.no, await care.until()) == (True, TODAY + timedelta(days=491))
    await care.desk.people.pause(care.rosa, care.ben.no, why="away")
    assert await care.until() is None, "nobody who may not trade"


@pytest.mark.parametrize(
    "ends, expected",
    [
        ({}, None),
        ({"a": 5}, None),
        ({"a": 5, "b": 9}, 5),
        ({"a": -1, "b": 9}, None),
        ({"a": 0, "b": 9}, 0),
        ({"a": 5, "b": 9, "c": 1}, 5),
    ],
)
def test_until_when(ends: dict[str, int], expected: int | None) -> None:
    checks = [
        Check(
            no=no, member_no=1, what=what, by_no=2, by_name="Rosa", checked=TODAY, until=TODAY + timedelta(days=days),
            note="", entered_ms=0, withdrawn_ms=None, withdrawn_by="", withdrawn_why="", reminded=False,
        )
        for no, (what, days) in enumerate(ends.items())
    ]  # fmt: skip
    found = until_when(checks, ("A", "b"), TODAY)
    assert found == (None if expected is None else TODAY + timedelta(days=expected))


async def test_each_check_is_on_the_record_once_and_withdrawn_with_a_reason(care: Care) -> None:
    first, again = await care.check("Identity seen", 30), await care.check("identity seen", 30)
    assert (again, first.what) == (first, "Identity seen")
    await care.check("References asked", 30)
    otto = (await care.desk.member("Otto", Role.ORGANISER)).acts("pin")
    after = await care.helpers.withdraw(otto, first.no, "another Ben")
    assert (after.withdrawn_by, after.withdrawn_why, await care.until()) == ("Otto", "another Ben", None)
    with pytest.raises(CannotCheck) as caught:
        await care.helpers.withdraw(otto, first.no, "again")
    assert caught.value.why is Why.WITHDRAWN
    acts = await care.desk.store.read(acts_for, care.ben.no)
    said = [(act.deed, act.by_name, act.why) for act in acts if act.deed in (Deed.CHECKED, Deed.UNCHECKED)]
    assert said == [
        (Deed.UNCHECKED, "Otto", "another Ben"),
        (Deed.CHECKED, "Rosa", "References asked"),
        (Deed.CHECKED, "Rosa", "Identity seen"),
    ]
    anew = await care.check("Identity seen", 30)
    assert anew.no != first.no, "what was withdrawn can be checked again"


async def test_who_checks_and_what(care: Care) -> None:
    with pytest.raises(NotAllowed):
        await care.check("Identity seen", 9, by=care.ben.acts("pin"))
    with pytest.raises(NotAllowed):
        await care.check("Identity seen", 9, by=OPERATOR)
    rosa = await care.desk.people.member(care.rosa.no or 0)
    assert rosa is not None
    with pytest.raises(NotAllowed):
        await care.check("Identity seen", 9, member=rosa)
    otto = (await care.desk.member("Otto", Role.ORGANISER)).acts("pin")
    mine = await care.check("Identity seen", 9, member=rosa, by=otto)
    with pytest.raises(NotAllowed):
        await care.helpers.withdraw(care.rosa, mine.no, "mine")
    with pytest.raises(NotAllowed):
        await care.helpers.withdraw(care.ben.acts("pin"), mine.no, "no organiser")
    with pytest.raises(LookupError):
        await care.helpers.withdraw(care.rosa, 999, "none")
    new = NewCheck(member_no=care.ben.no, what="Identity seen", checked=TODAY, until=TODAY)
    for wrong, why in (
        (NewCheck(member_no=care.ben.no, what="Shoe size", checked=TODAY, until=TODAY), Why.NOT_LISTED),
        (NewCheck(member_no=care.ben.no, what=new.what, checked=TODAY + timedelta(1), until=date(2027, 1, 1)), Why.TO_COME),
        (NewCheck(member_no=care.ben.no, what=new.what, checked=TODAY, until=TODAY - timedelta(1)), Why.ENDED),
        (NewCheck(member_no=care.ben.no, what=new.what, checked=TODAY, until=date(2027 + YEARS_MAX, 1, 1)), Why.TOO_LONG),
    ):  # fmt: skip
        with pytest.raises(CannotCheck) as caught:
            await care.helpers.record(care.rosa, wrong)
        assert caught.value.why is why
    with pytest.raises(Unable):
        await care.helpers.record(
            care.rosa, NewCheck(member_no=999, what=new.what, checked=TODAY, until=TODAY)
        )
    assert await care.desk.store.read(checks_of, care.ben.no) == []


async def test_the_scheme_has_lists_of_its_own(care: Care) -> None:
    await care.helpers.set_lists(care.rosa, ["  Two   referees ", "", "two referees"], ["Dog", "Driving"])
    assert care.desk.settings.now.helper_checks == ("two referees",)
    await care.desk.settings.load()
    assert care.desk.settings.now.helper_checks_more == ("Dog", "Driving")
    await care.check("Two Referees", 10)
    assert await care.until() == TODAY + timedelta(days=10)
    with pytest.raises(CannotCheck) as caught:
        await care.helpers.set_lists(care.rosa, [" "], [])
    assert caught.value.why is Why.EMPTY_LIST
    with pytest.raises(NotAllowed):
        await care.helpers.set_lists(care.ben.acts("pin"), ["Anything"], [])


async def test_both_are_told_once_before_it_ends_and_not_of_what_was_made_anew(care: Care) -> None:
    await care.check("Identity seen", REMIND_DAYS + 5)
    await care.check("References asked", REMIND_DAYS + 5)
    await care.helpers.remind()
    assert await care.desk.mails() == []
    care.later(5)
    await care.check("References asked", 700)
    for _ in range(2):
        await care.helpers.remind()
    mails = await care.desk.mails()
    assert sorted((mail.recipient, mail.subject) for mail in mails) == [
        ("ben@example.org", "“Identity seen” counts until 5 Feb 2026"),
        ("rosa@example.org", "Ben: “Identity seen” counts until 5 Feb 2026"),
    ]
    assert "/my/checks" in mails[0].text + mails[1].text


async def test_whoever_has_no_mail_is_on_the_letters_list(care: Care) -> None:
    maud = await care.desk.people.add(OPERATOR, NewMember(name="Maud", phone="01632 960 1"))
    await care.check("Identity seen", 3, member=maud)
    await care.helpers.remind()
    (waiting,) = await care.desk.store.read(to_tell)
    assert waiting.member.name == "Maud"
    assert "“Identity seen” counts until 4 Jan 2026" in waiting.notes[0].text
