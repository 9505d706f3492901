"""Deciding together on a whole node: the roll, votes at once, the closing moment, minutes, leaving, secrecy. Rule 5.13."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.services.acts import Role
from node.services.circle_rows import CircleKey, circle_by_key
from node.services.members import Member
from node.services.my_data import read_my_data
from node.services.proposal_rows import (
    Minutes,
    Proposal,
    ProposalKey,
    Vote,
    minutes_of,
    proposal_by_key,
    proposals_of_core,
    remarks_of,
    roll_of,
    to_vote,
)
from node.services.proposals import CannotDecide, Why
from node.store import ReadTx
from protocol.circle import Act, Door
from protocol.errors import InvalidValue
from protocol.limits import DAY_MS
from protocol.proposal import Motion, Outcome, State, Voters
from tests.builders import NOW
from tests.erasing import open_scheme
from tests.node.web.towns import Town, open_town

GROUP = Motion(voters=Voters.GROUP, closes=NOW + DAY_MS)


class Oakvale:
    def __init__(self, town: Town, rosa: Member, people: list[Member]):
        self.town, self.rosa, self.people = town, rosa, people
        self.circles, self.proposals = town.node.circles, town.node.proposals
        self.key = CircleKey(b"")
        self.no = 0

    def once(self) -> bytes:
        return self.town.node.chance.bytes(16)

    async def put(self, by: Member, motion: Motion = GROUP, no: int | None = 0) -> ProposalKey:
        return await self.proposals.put(
            by, self.no if no == 0 else no, "A mower", "For 100 hours.", motion, self.once()
        )

    async def now(self, key: ProposalKey) -> tuple[Proposal, list[Vote], Minutes | None]:
        def query(tx: ReadTx) -> tuple[Proposal, list[Vote], Minutes | None]:
            found = proposal_by_key(tx, key)
            assert found is not None
            return found, roll_of(tx, found.no), minutes_of(tx, found, self.town.clock.now_ms())

        return await self.town.node.store.read(query)

    async def minutes(self, key: ProposalKey) -> Minutes:
        _, _, found = await self.now(key)
        assert found is not None
        return found

    async def votes(self, key: ProposalKey, *choices: str) -> None:
        for who, choice in zip(self.people, choices, strict=False):
            await self.proposals.vote(key, who, choice)


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    """Ana keeps a closed group; Ben and Maud are in it, Otto is not."""
    async with open_town() as town:
        rosa = await town.member("Rosa", Role.ADMIN)
        made = Oakvale(town, rosa, [await town.member(name) for name in ("Ana", "Ben", "Maud", "Otto")])
        ana, ben, maud, _ = made.people
        made.key = await made.circles.start(ana, "Garden", "A garden.", Door.CLOSED, made.once())
        for who in (ben, maud):
            await made.circles.act(made.key, Act.ASK, who, who.no)
            await made.circles.act(made.key, Act.ACCEPT, ana, who.no)
        known = await town.node.store.read(circle_by_key, made.key)
        assert known is not None
        made.no = known.no
        yield made


async def refused(why: Why, doing: object) -> None:
    with pytest.raises(CannotDecide) as caught:
        await doing  # type: ignore[misc]  # an awaitable
    assert caught.value.why is why


async def test_from_the_proposal_to_minutes_that_stay(oakvale: Oakvale) -> None:
    ana, ben, maud, _ = oakvale.people
    key = await oakvale.put(ben)
    assert [each.title for each in await oakvale.town.node.store.read(to_vote, maud.no, NOW)] == ["A mower"]
    await oakvale.votes(key, "yes", "yes", "no")
    assert await oakvale.town.node.store.read(to_vote, maud.no, NOW) == []
    await oakvale.proposals.vote(key, maud, "aside")  # one vote, changed
    await oakvale.proposals.say(key, maud, "It is loud.", oakvale.once())
    await refused(Why.NOT_NOW, oakvale.proposals.minute(key, ana, "too early"))

    oakvale.town.clock.now += DAY_MS
    before = await oakvale.minutes(key)  # as they will be
    await oakvale.proposals.close_due()
    proposal, roll, minutes = await oakvale.now(key)
    assert proposal.state is State.DECIDED
    assert minutes == before
    assert minutes is not None
    assert (minutes.at_ms, minutes.count.outcome) == (GROUP.closes, Outcome.CARRIED)
    assert minutes.count.votes == (("yes", 2), ("no", 0), ("abstain", 0), ("aside", 1))
    assert [each.choice for each in roll] == ["yes", "yes", "aside"]

    await refused(Why.NOT_YOURS, oakvale.proposals.minute(key, ben, "not mine to write"))
    await oakvale.proposals.minute(key, ana, "Ben buys it.")
    everything = await oakvale.town.everything()
    await refused(Why.NOT_NOW, oakvale.proposals.minute(key, ana, "Maud buys it."))
    for act in (
        oakvale.proposals.vote(key, maud, "no"),
        oakvale.proposals.withdraw(key, ana),
        oakvale.proposals.say(key, ana, "late", oakvale.once()),
    ):
        await refused(Why.NOT_NOW, act)
    await oakvale.proposals.close_due()
    assert await oakvale.town.everything() == everything


async def test_votes_that_come_at_once_are_one_each(tmp_path: Path) -> None:
    """On the store that serves: everybody presses everything at once, some while it closes; counts agree with the roll."""
    async with open_scheme(tmp_path) as scheme:
        rosa, *_ = scheme.members
        for _number in range(6):
            await scheme.join()
        node, chance = scheme.node, random.Random(5)
        closes = scheme.clock.now_ms() + DAY_MS
        motion = Motion(voters=Voters.MEMBERS, closes=closes, options=("hall", "barn"))
        key = await node.proposals.put(rosa, None, "Where", "The fair.", motion, node.chance.bytes(16))
        presses = [(who, choice) for who in scheme.members for choice in (*motion.choices, *motion.choices)]
        chance.shuffle(presses)
        await asyncio.gather(*(node.proposals.vote(key, who, choice) for who, choice in presses))
        last = [(who, chance.choice(motion.choices)) for who in scheme.members]
        await asyncio.gather(*(node.proposals.vote(key, who, choice) for who, choice in last))
        scheme.clock.now = closes
        late = [node.proposals.vote(key, who, "1") for who in scheme.members]
        ends = await asyncio.gather(*late, node.proposals.close_due(), node.proposals.close_due(), return_exceptions=True)  # fmt: skip
        assert sum(isinstance(each, CannotDecide) for each in ends) == len(late)
        proposal = await node.store.read(proposal_by_key, key)
        assert proposal is not None
        minutes = await node.store.read(minutes_of, proposal, closes)
        assert minutes is not None
        counted = {choice: num for choice, num in minutes.count.votes if num}
        assert counted == dict(Counter(choice for _, choice in last))
        assert minutes.count.entitled == len(scheme.members)


async def test_a_vote_counts_up_to_the_closing_moment_and_not_at_it(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.people
    key = await oakvale.put(ana)
    oakvale.town.clock.now = GROUP.closes - 1
    await oakvale.proposals.vote(key, ana, "no")
    oakvale.town.clock.now = GROUP.closes
    await refused(Why.NOT_NOW, oakvale.proposals.vote(key, ben, "yes"))
    assert (await oakvale.minutes(key)).count.votes[:2] == (("yes", 0), ("no", 1))


async def test_who_comes_later_does_not_vote_and_who_leaves_takes_their_vote_along(oakvale: Oakvale) -> None:
    """Rule 5.13: the roll is written down when it is put; leaving is before the end, or after it."""
    ana, ben, maud, otto = oakvale.people
    key = await oakvale.put(ana)
    await oakvale.circles.act(oakvale.key, Act.ASK, otto, otto.no)
    await oakvale.circles.act(oakvale.key, Act.ACCEPT, ana, otto.no)
    await refused(Why.NOT_YOURS, oakvale.proposals.vote(key, otto, "yes"))
    await oakvale.votes(key, "no", "yes", "yes")
    await oakvale.circles.act(oakvale.key, Act.LEAVE, ben, ben.no)
    with pytest.raises(LookupError):
        await oakvale.proposals.vote(key, ben, "yes")
    await oakvale.circles.act(oakvale.key, Act.ASK, ben, ben.no)
    await oakvale.circles.act(oakvale.key, Act.ACCEPT, ana, ben.no)
    await refused(Why.NOT_YOURS, oakvale.proposals.vote(key, ben, "yes"))  # back, but not on the roll again

    oakvale.town.clock.now = GROUP.closes  # nobody has counted yet when Maud goes
    await oakvale.town.node.parting.part(oakvale.rosa.acts("pin"), maud.no)
    minutes = await oakvale.minutes(key)
    assert (minutes.count.entitled, minutes.count.voted) == (2, 2)
    assert minutes.count.outcome is Outcome.NOT_CARRIED


@pytest.mark.parametrize("how", ["left the scheme", "organises no more", "keeps no more"])
async def test_what_happens_after_the_closing_moment_changes_no_count_though_nobody_has_counted_yet(
    oakvale: Oakvale, how: str
) -> None:
    """Rule 5.13: whichever transaction comes first counts before it changes a roll."""
    ana, ben, _, otto = oakvale.people
    people, admin = oakvale.town.node.people, oakvale.rosa.acts("pin")
    await people.set_role(admin, otto.no, Role.ORGANISER)
    organiser = await people.member(otto.no)
    assert organiser is not None
    await oakvale.circles.act(oakvale.key, Act.RAISE, ana, ben.no)
    voters = {"organises no more": Voters.ORGANISERS, "keeps no more": Voters.KEEPERS}.get(
        how, Voters.MEMBERS
    )
    by, no = (ana, 0) if voters is Voters.KEEPERS else (oakvale.rosa, None)
    key = await oakvale.put(by, replace(GROUP, voters=voters), no)
    await oakvale.proposals.vote(key, ben if voters is Voters.KEEPERS else organiser, "yes")
    entitled = len((await oakvale.now(key))[1])
    oakvale.town.clock.now = GROUP.closes
    match how:
        case "left the scheme":
            await oakvale.town.node.parting.part(admin, otto.no)
        case "organises no more":
            await people.set_role(admin, otto.no, Role.MEMBER)
        case _:
            await oakvale.circles.act(oakvale.key, Act.LOWER, ben, ben.no)
    count = (await oakvale.minutes(key)).count
    assert (count.entitled, count.voted, count.outcome) == (entitled, 1, Outcome.CARRIED)


@pytest.mark.parametrize("how", ["removed", "left the scheme"])
async def test_who_is_sent_away_or_leaves_the_scheme_is_off_the_roll(oakvale: Oakvale, how: str) -> None:
    ana, ben, *_ = oakvale.people
    key = await oakvale.put(ben)
    await oakvale.votes(key, "no", "yes")
    if how == "removed":
        await oakvale.circles.act(oakvale.key, Act.REMOVE, ana, ben.no)
    else:
        await oakvale.town.node.parting.part(oakvale.rosa.acts("pin"), ben.no)
    _, roll, _ = await oakvale.now(key)
    assert [(each.name, each.choice) for each in roll] == [("Ana", "no"), ("Maud", None)]


async def test_keepers_and_organisers_lose_their_vote_with_their_part(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.people
    await oakvale.circles.act(oakvale.key, Act.RAISE, ana, ben.no)
    key = await oakvale.put(ana, replace(GROUP, voters=Voters.KEEPERS))
    of_all = await oakvale.put(ana)
    for each in (key, of_all):
        await oakvale.votes(each, "no", "yes")
    await refused(Why.NOT_YOURS, oakvale.proposals.vote(key, oakvale.people[2], "yes"))
    await oakvale.circles.act(oakvale.key, Act.LOWER, ben, ben.no)
    assert [each.name for each in (await oakvale.now(key))[1]] == ["Ana"]
    assert len((await oakvale.now(of_all))[1]) == 3

    people, admin = oakvale.town.node.people, oakvale.rosa.acts("pin")
    await people.set_role(admin, ana.no, Role.ORGANISER)
    core = await oakvale.put(oakvale.rosa, replace(GROUP, voters=Voters.ORGANISERS), None)
    assert [each.name for each in (await oakvale.now(core))[1]] == ["Ana", "Rosa"]
    await people.set_role(admin, ana.no, Role.MEMBER)
    assert [each.name for each in (await oakvale.now(core))[1]] == ["Rosa"]


async def test_organisers_put_what_they_or_all_members_decide(oakvale: Oakvale) -> None:
    ana, *_ = oakvale.people
    for voters, by, no in (
        (Voters.ORGANISERS, ana, None), (Voters.MEMBERS, ana, None), (Voters.GROUP, oakvale.rosa, None),
        (Voters.GROUP, oakvale.people[3], 0), (Voters.MEMBERS, ana, 0), (Voters.GROUP, oakvale.rosa, 0),
    ):  # fmt: skip
        await refused(Why.NOT_YOURS, oakvale.put(by, replace(GROUP, voters=voters), no))
    with pytest.raises(LookupError):
        await oakvale.put(ana, no=99)
    own = await oakvale.put(oakvale.rosa, replace(GROUP, voters=Voters.ORGANISERS), None)
    every = await oakvale.put(oakvale.rosa, replace(GROUP, voters=Voters.MEMBERS), None)
    with pytest.raises(LookupError):
        await oakvale.proposals.vote(own, ana, "yes")
    await oakvale.proposals.vote(every, ana, "yes")
    with pytest.raises(ValueError, match="maybe"):
        await oakvale.proposals.vote(every, ana, "maybe")
    await refused(Why.NOT_YOURS, oakvale.proposals.withdraw(every, ana))

    def listed(tx: ReadTx, organises: bool) -> list[ProposalKey]:
        return [each.key for each in proposals_of_core(tx, organises=organises)]

    assert await oakvale.town.node.store.read(listed, True) == [every, own]
    assert await oakvale.town.node.store.read(listed, False) == [every]


async def test_of_a_secret_vote_nobody_keeps_who_voted_how(oakvale: Oakvale) -> None:
    key = await oakvale.put(oakvale.people[0], replace(GROUP, secret=True))
    await oakvale.votes(key, "yes", "no", "yes")
    oakvale.town.clock.now = GROUP.closes
    await oakvale.proposals.close_due()
    _, roll, minutes = await oakvale.now(key)
    assert minutes is not None
    assert minutes.count.votes[:2] == (("yes", 2), ("no", 1))
    assert [each.choice for each in roll] == [None, None, None]
    rows = (await oakvale.town.everything())["voter"]
    assert not [row for row in rows if "yes" in row or "no" in row]


async def test_what_is_withdrawn_is_never_counted(oakvale: Oakvale) -> None:
    ana, ben, maud, _ = oakvale.people
    key = await oakvale.put(ben)
    await oakvale.votes(key, "yes")
    await refused(Why.NOT_YOURS, oakvale.proposals.withdraw(key, maud))
    await oakvale.proposals.withdraw(key, ben)
    other = await oakvale.put(ben)
    await oakvale.proposals.withdraw(other, ana)  # a keeper
    await refused(Why.NOT_NOW, oakvale.proposals.vote(key, ana, "yes"))
    oakvale.town.clock.now = GROUP.closes
    await oakvale.proposals.close_due()
    proposal, roll, minutes = await oakvale.now(key)
    assert (proposal.state, minutes) == (State.WITHDRAWN, None)
    assert {each.choice for each in roll} == {None}


async def test_one_form_puts_once_and_there_is_not_more_than_people_read(
    oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.services.proposals.PROPOSALS_OPEN_MAX", 1)
    monkeypatch.setattr("node.services.proposals.PROPOSAL_COMMENTS_MAX", 1)
    ana, *_ = oakvale.people
    once = oakvale.once()
    keys = [await oakvale.proposals.put(ana, oakvale.no, "A", "B", GROUP, once) for _ in range(2)]
    assert keys[0] == keys[1]
    await refused(Why.SO_MANY, oakvale.put(ana))
    said = oakvale.once()
    for _ in range(2):
        await oakvale.proposals.say(keys[0], ana, "x", said)
    await refused(Why.SO_MANY, oakvale.proposals.say(keys[0], ana, "y", oakvale.once()))
    proposal, _, _ = await oakvale.now(keys[0])
    assert len(await oakvale.town.node.store.read(remarks_of, proposal.no)) == 1
    oakvale.town.clock.now = GROUP.closes
    with pytest.raises(InvalidValue):
        await oakvale.put(ana)
    await oakvale.put(ana, replace(GROUP, closes=GROUP.closes + 1))  # the first has closed meanwhile


async def test_a_group_that_is_gone_takes_its_decisions_along(oakvale: Oakvale) -> None:
    ana, ben, maud, _ = oakvale.people
    key = await oakvale.put(ana)
    await oakvale.votes(key, "yes")
    for who in (ben, maud):
        await oakvale.circles.act(oakvale.key, Act.LEAVE, who, who.no)
    await oakvale.circles.act(oakvale.key, Act.LEAVE, ana, ana.no)
    rows = await oakvale.town.everything()
    assert (rows["proposal"], rows["voter"], rows["circle"]) == ([], [], [])


async def test_erasing_leaves_what_was_decided_and_nothing_that_was_not(tmp_path: Path) -> None:
    """Rules 3.1, 5.13: a decision is its group's; words in the talk, votes and what came to nothing are the member's."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        node, chance = scheme.node, scheme.node.chance
        key = await node.circles.start(ben, "Garden", "x", Door.OPEN, chance.bytes(16))
        await node.circles.act(key, Act.JOIN, ana, ana.no)
        known = await node.store.read(circle_by_key, key)
        assert known is not None
        motion = Motion(voters=Voters.GROUP, closes=scheme.clock.now_ms() + DAY_MS)
        words = [scheme.word(ana) for _ in range(3)]
        decided = await node.proposals.put(ana, known.no, "stays", "of the group", motion, chance.bytes(16))
        dropped = await node.proposals.put(ana, known.no, words[0], words[1], motion, chance.bytes(16))
        await node.proposals.say(decided, ana, words[2], chance.bytes(16))
        await node.proposals.withdraw(dropped, ana)
        await node.proposals.vote(decided, ana, "yes")
        held = {name for name, rows in (await node.store.read(read_my_data, ana)).items() if rows}
        assert held >= {"put_to_the_vote", "votes", "said_about_proposals"}
        scheme.clock.now = motion.closes
        await node.proposals.close_due()
        await scheme.erase(ana, rosa, otto)
        files = scheme.files()
        assert [word for word in words if word.encode() in files] == []
        assert await node.store.read(proposal_by_key, dropped) is None
        proposal = await node.store.read(proposal_by_key, decided)
        assert proposal is not None
        minutes = await node.store.read(minutes_of, proposal, motion.closes)
        assert minutes is not None
        assert (proposal.title, minutes.count.voted) == ("stays", 1)
        assert ana.no not in [each.member_no for each in await node.store.read(roll_of, proposal.no)]
