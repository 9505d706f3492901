"""Who is told of groups and votes, and how: by mail as each wants, on paper, and on the first page. Rules 5.12, 5.13; docs/pages.md 9."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from node.services.acts import OPERATOR, Role
from node.services.circle_rows import CircleKey, circle_by_key
from node.services.mail_wishes import Level
from node.services.members import Member, NewMember
from node.services.paper_notes import to_tell
from node.services.proposal_rows import DECIDED_NEWS_MS, ProposalKey, decided_lately
from node.services.weekly_rows import news_of
from protocol.circle import Act, Door
from protocol.limits import DAY_MS
from protocol.proposal import Motion, Outcome, Voters
from tests.builders import NOW
from tests.node.web.towns import Town, open_town


class Garden:
    """A closed group that Ana and Ben keep; Maud is in it; Post, who has no mail, is as well."""

    def __init__(self, town: Town, people: list[Member], post: Member, key: CircleKey):
        self.town, self.node, self.key, self.post = town, town.node, key, post
        self.ana, self.ben, self.maud, self.otto = people
        self.seen: list[tuple[str, str]] = []

    async def act(self, act: Act, by: Member, who: Member | None = None) -> None:
        await self.node.circles.act(self.key, act, by, (who or by).no)

    async def put(self, *, secret: bool = False, voters: Voters = Voters.GROUP) -> ProposalKey:
        known = await self.node.store.read(circle_by_key, self.key)
        assert known is not None
        motion = Motion(voters=voters, closes=NOW + DAY_MS, secret=secret)
        return await self.node.proposals.put(
            self.ben, known.no, "A mower", "For 100 hours.", motion, self.node.chance.bytes(16)
        )

    async def told(self) -> list[tuple[str, str]]:
        """Return to whom what was written, and forget it."""
        found = sorted((each.recipient.partition("@")[0], each.subject) for each in await self.town.mails())
        new = found.copy()
        for each in self.seen:
            new.remove(each)
        self.seen = found
        return new

    async def notes(self) -> list[str]:
        waiting = await self.node.store.read(to_tell)
        return [note.text for each in waiting if each.member.no == self.post.no for note in each.notes]

    async def wants(self, who: Member, level: Level) -> None:
        await self.node.wishes.choose(who, level)


@pytest.fixture
async def garden() -> AsyncIterator[Garden]:
    async with open_town() as town:
        await town.member("Rosa", Role.ORGANISER)
        people = [await town.member(name) for name in ("Ana", "Ben", "Maud", "Otto")]
        post = await town.node.people.add(OPERATOR, NewMember(name="Post"))
        key = await town.node.circles.start(people[0], "Garden", "A garden.", Door.CLOSED, bytes(16))
        made = Garden(town, people, post, key)
        for who in (made.ben, made.maud, post):
            await made.act(Act.ASK, who)
            await made.act(Act.ACCEPT, made.ana, who)
        await made.act(Act.RAISE, made.ana, made.ben)
        await made.told()
        yield made


async def test_all_keepers_are_told_who_asks_and_whoever_asked_what_the_answer_is(garden: Garden) -> None:
    """Also whoever wants mail only of what they must do: it waits for them."""
    await garden.wants(garden.ana, Level.MUST_ACT)
    await garden.act(Act.ASK, garden.otto)
    asks = "Otto asks to come into “Garden”"
    assert await garden.told() == [("ana", asks), ("ben", asks)]
    await garden.act(Act.DECLINE, garden.ben, garden.otto)
    assert await garden.told() == [("otto", "A keeper of “Garden” said no: you are not in it.")]
    await garden.act(Act.ASK, garden.otto)
    await garden.act(Act.ACCEPT, garden.ben, garden.otto)
    assert ("otto", "You are in the group “Garden” now.") in await garden.told()
    await garden.act(Act.LEAVE, garden.otto)
    assert await garden.told() == []


async def test_a_keeper_without_mail_is_told_on_paper_and_no_name_stands_there(garden: Garden) -> None:
    """What is noted for others has nothing that would have to be found again when somebody is erased. Rule 3.1."""
    assert await garden.notes() == ["You are in the group “Garden” now."]
    await garden.act(Act.RAISE, garden.ana, garden.post)
    await garden.act(Act.ASK, garden.otto)
    await garden.put()
    _, asked, vote = await garden.notes()
    assert asked == "Somebody asks to come into “Garden”."
    assert vote.startswith("There is something to vote on in “Garden”. Vote until the end of ")


async def test_voters_are_told_that_a_vote_begins_but_not_whoever_put_it(garden: Garden) -> None:
    await garden.wants(garden.maud, Level.WEEKLY)
    await garden.put()
    assert await garden.told() == [("ana", "Please vote: A mower"), ("maud", "Please vote: A mower")]
    await garden.wants(garden.maud, Level.MUST_ACT)
    await garden.put()
    assert await garden.told() == [("ana", "Please vote: A mower")]
    await garden.put(voters=Voters.KEEPERS)
    assert await garden.told() == [("ana", "Please vote: A mower")]


@pytest.mark.parametrize("secret", [False, True])
async def test_voters_are_told_what_came_of_it_once_as_they_want_to_be(garden: Garden, secret: bool) -> None:
    for who, level in (
        (garden.ana, Level.AT_ONCE),
        (garden.ben, Level.MUST_ACT),
        (garden.maud, Level.WEEKLY),
    ):
        await garden.wants(who, level)
    key = await garden.put(secret=secret)
    for who in (garden.ana, garden.maud):
        await garden.node.proposals.vote(key, who, "yes")
    await garden.told()
    garden.town.clock.now += DAY_MS
    for _ in range(2):
        await garden.node.proposals.close_due()
    assert await garden.told() == [("ana", "The vote is over: A mower")]
    (mail,) = [each for each in await garden.town.mails() if each.subject.startswith("The vote is over")]
    assert "Agreed." in mail.text
    news = [await garden.node.store.read(news_of, each.no) for each in (garden.maud, garden.ben)]
    assert [[each.text for each in mine] for mine in news] == [["The vote is over: A mower"], []]


async def test_the_first_page_says_for_a_week_what_was_decided_to_those_on_the_roll(garden: Garden) -> None:
    key = await garden.put()
    await garden.node.proposals.vote(key, garden.ana, "no")
    await garden.act(Act.LEAVE, garden.maud)

    async def shown(who: Member) -> list[Outcome]:
        found = await garden.node.store.read(decided_lately, who.no, garden.town.clock.now_ms())
        return [each.count.outcome for each in found]

    assert await shown(garden.ana) == []
    garden.town.clock.now += DAY_MS
    await garden.node.proposals.close_due()
    assert await shown(garden.ana) == await shown(garden.ben) == [Outcome.NOT_CARRIED]
    assert await shown(garden.maud) == await shown(garden.otto) == []
    garden.town.clock.now += DECIDED_NEWS_MS
    assert await shown(garden.ana) == []


async def test_a_withdrawn_proposal_is_no_news(garden: Garden) -> None:
    key = await garden.put()
    await garden.node.proposals.withdraw(key, garden.ben)
    await garden.told()
    garden.town.clock.now += DAY_MS
    await garden.node.proposals.close_due()
    assert await garden.told() == []
    assert await garden.node.store.read(decided_lately, garden.ana.no, garden.town.clock.now_ms()) == []
