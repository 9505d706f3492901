"""Events of groups on a whole node: who reads them, who comes, and what becomes of them when somebody leaves. Rule 5.12."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import pytest

from node.services.acts import NotAllowed, Role
from node.services.circle_rows import CircleKey
from node.services.event_rows import (
    Hosted,
    comments_of,
    event_by_key,
    guests_of,
    next_public,
    of_group,
    past,
    upcoming,
)
from node.services.members import Member
from node.store import ReadTx
from protocol.circle import Act, Door
from protocol.errors import InvalidValue, OutOfOrder
from protocol.event import Answer, Guests, Kind, Plan, State
from protocol.limits import DAY_MS, HOUR_MS
from tests.builders import NOW
from tests.node.web.towns import Town, open_town

ALL = Plan(
    kind=Kind.WORK, title="Oven", text="Bring dough.", where="Hall", starts=NOW + 7 * DAY_MS, ends=NOW + 7 * DAY_MS + HOUR_MS
)  # fmt: skip
ALONE = replace(ALL, title="Yeast", inside=True)


class Bakers:
    """A group that Ana keeps and Ben is in; Maud and Otto are not."""

    def __init__(self, town: Town, people: list[Member], group: CircleKey):
        self.town, self.group, self.node = town, group, town.node
        self.rosa, self.ana, self.ben, self.maud, self.otto = people

    async def put(self, by: Member, plan: Plan = ALONE) -> Hosted:
        return await self.node.events.post(by, [plan], self.node.chance.bytes(16), self.group)

    async def act(self, act: Act, by: Member, who: Member | None = None) -> None:
        await self.node.circles.act(self.group, act, by, (who or by).no)

    async def now(self, hosted: Hosted) -> tuple[Hosted, Guests]:
        def query(tx: ReadTx) -> tuple[Hosted, Guests]:
            found = event_by_key(tx, hosted.key)
            assert found is not None
            return found, guests_of(tx, found)

        return await self.node.store.read(query)

    async def seen(self, me: Member | None) -> list[str]:
        """Return what somebody finds in the calendar; it is the same ahead and, later, behind."""
        no, end = None if me is None else me.no, ALL.ends
        ahead, count = await self.node.store.read(lambda tx: upcoming(tx, NOW, me=no))
        behind, _ = await self.node.store.read(lambda tx: past(tx, end, me=no))
        titles = sorted(each.event.plan.title for each in ahead)
        assert titles == sorted(each.event.plan.title for each in behind)
        assert count == len(titles)
        return titles

    async def told(self) -> list[tuple[str, str]]:
        return sorted((mail.recipient.partition("@")[0], mail.subject) for mail in await self.town.mails())


@pytest.fixture
async def bakers() -> AsyncIterator[Bakers]:
    async with open_town() as town:
        people = [await town.member("Rosa", Role.ORGANISER)]
        people += [await town.member(name) for name in ("Ana", "Ben", "Maud", "Otto")]
        group = await town.node.circles.start(people[1], "Bread", "Baking.", Door.OPEN, bytes(16))
        found = Bakers(town, people, group)
        await found.act(Act.JOIN, found.ben)
        yield found


async def refused(doings: Iterable[object], why: type[Exception] = LookupError) -> None:
    for doing in doings:
        with pytest.raises(why):
            await doing  # type: ignore[misc]  # an awaitable


async def test_what_is_for_the_group_alone_is_read_by_those_in_it(bakers: Bakers) -> None:
    await bakers.put(bakers.ben)
    await bakers.put(bakers.ben, ALL)
    assert await bakers.seen(bakers.ana) == ["Oven", "Yeast"]
    for outside in (bakers.maud, bakers.rosa):
        assert await bakers.seen(outside) == ["Oven"], "an organiser who is not in it finds no more"
    assert await bakers.seen(None) == []
    await bakers.put(bakers.ben, replace(ALL, title="Open day", public=True))
    assert await bakers.seen(None) == ["Open day"]
    found = await bakers.node.store.read(next_public, NOW)
    assert found is not None
    assert found.group is not None
    assert (found.event.plan.title, found.group.name) == ("Open day", "Bread")
    no = found.group.no
    for me, titles in ((bakers.ana, ["Open day", "Oven", "Yeast"]), (bakers.maud, ["Open day", "Oven"])):
        mine = await bakers.node.store.read(of_group, no, NOW, me.no, 9)
        assert sorted(each.event.plan.title for each in mine) == titles


async def test_whoever_asks_or_was_sent_away_is_not_in_it(bakers: Bakers) -> None:
    await bakers.put(bakers.ana)
    await bakers.act(Act.REMOVE, bakers.ana, bakers.ben)
    assert await bakers.seen(bakers.ben) == []
    await bakers.act(Act.ASK, bakers.ben)
    assert await bakers.seen(bakers.ben) == []
    await bakers.act(Act.ACCEPT, bakers.ana, bakers.ben)
    assert await bakers.seen(bakers.ben) == ["Yeast"]


async def test_nobody_else_comes_talks_or_changes_it(bakers: Bakers) -> None:
    """Misdirected: by its name, which somebody outside has come by."""
    hosted, events, once = await bakers.put(bakers.ben), bakers.node.events, bytes(15)
    await events.comment(hosted.key, bakers.ana, "I come.", once + b"1")
    (said,) = await bakers.node.store.read(comments_of, hosted.no)
    for outside in (bakers.maud, bakers.rosa):
        by = outside.acts("pin")
        await refused((
            events.answer(hosted.key, outside, True), events.comment(hosted.key, outside, "I?", once + b"2"),
            events.take_back(hosted.key, said.no, by), events.edit(hosted.key, by, ALONE), events.cancel(hosted.key, by, "no"),
            bakers.put(outside), bakers.put(outside, ALL),
        ))  # fmt: skip
    assert await events.answer(hosted.key, bakers.ana, True) is Answer.COMING
    for plan in (ALONE, ALL):
        group = None if plan.inside else CircleKey(bytes(16))
        await refused((events.post(bakers.ben, [plan], once + b"3", group),))


async def test_a_keeper_changes_and_cancels_it_and_its_host_is_told(bakers: Bakers) -> None:
    hosted, events = await bakers.put(bakers.ben), bakers.node.events
    await events.comment(hosted.key, bakers.ben, "An advert.", bytes(16))
    (said,) = await bakers.node.store.read(comments_of, hosted.no)
    keeper = bakers.ana.acts("pin")
    await events.take_back(hosted.key, said.no, keeper)
    await events.edit(hosted.key, keeper, replace(ALONE, title="Sourdough"))
    await events.cancel(hosted.key, keeper, "No flour.")
    found, _ = await bakers.now(hosted)
    assert (found.event.plan.title, found.event.state) == ("Sourdough", State.CANCELLED)
    (mail,) = await bakers.town.mails()
    assert mail.recipient.startswith("ben@")
    for words in ("Ana cancelled what you host: Sourdough", "Why: No flour."):
        assert words in mail.text
    anas = await bakers.put(bakers.ana)
    await refused((events.cancel(anas.key, bakers.ben.acts("pin"), "Mine"),), NotAllowed)


async def test_for_whom_it_is_stays_and_visitors_read_nothing_of_the_group_alone(bakers: Bakers) -> None:
    hosted, host = await bakers.put(bakers.ben), bakers.ben.acts("pin")
    await refused((bakers.node.events.edit(hosted.key, host, replace(ALONE, inside=False)),), OutOfOrder)
    for wrong in ({"public": True}, {"kind": Kind.LIFT, "capacity": 2}):
        with pytest.raises(InvalidValue):
            replace(ALONE, **wrong)


@pytest.mark.parametrize("how", ["leaves", "sent away", "leaves the scheme"])
async def test_whoever_is_in_it_no_more_comes_no_more_and_hosts_nothing_of_it(
    bakers: Bakers, how: str
) -> None:
    await bakers.act(Act.JOIN, bakers.otto)
    theirs, open_to_all = await bakers.put(bakers.ben), await bakers.put(bakers.ben, ALL)
    anas = await bakers.put(bakers.ana, replace(ALONE, capacity=1))
    wide = await bakers.put(bakers.ana, ALL)
    for hosted, people in ((theirs, [bakers.otto]), (anas, [bakers.ben, bakers.otto]), (wide, [bakers.ben])):
        for each in people:
            await bakers.node.events.answer(hosted.key, each, True)

    if how == "leaves":
        await bakers.act(Act.LEAVE, bakers.ben)
    elif how == "sent away":
        await bakers.act(Act.REMOVE, bakers.ana, bakers.ben)
    else:
        await bakers.node.parting.part(bakers.rosa.acts("pin"), bakers.ben.no)
    gone = how == "leaves the scheme"
    assert (await bakers.now(theirs))[0].event.state is State.CANCELLED
    assert [each.who for each in (await bakers.now(anas))[1].coming] == [bakers.otto.no]
    assert await bakers.told() == [
        ("otto", "Cancelled: Yeast"),
        ("otto", "You have a place now: Yeast"),
    ]
    found, _ = await bakers.now(open_to_all)
    assert (found.group, found.event.state) == (None, State.CANCELLED if gone else State.PLANNED)
    assert (await bakers.now(wide))[1].answer_of(bakers.ben.no) is (
        Answer.NOT_COMING if gone else Answer.COMING
    ), "what all may come to is as it was"


async def test_what_has_ended_stays_with_whoever_was_there(bakers: Bakers) -> None:
    hosted = await bakers.put(bakers.ana)
    await bakers.node.events.answer(hosted.key, bakers.ben, True)
    bakers.town.clock.now = ALONE.ends
    await bakers.act(Act.LEAVE, bakers.ben)
    assert (await bakers.now(hosted))[1].answer_of(bakers.ben.no) is Answer.COMING


async def test_a_group_that_ends_leaves_its_events_to_their_hosts(bakers: Bakers) -> None:
    over = await bakers.put(bakers.ben)
    bakers.town.clock.now = NOW + 8 * DAY_MS
    soon = replace(ALONE, starts=NOW + 9 * DAY_MS, ends=NOW + 9 * DAY_MS + HOUR_MS)
    await bakers.act(Act.RAISE, bakers.ana, bakers.ben)
    anas, bens = await bakers.put(bakers.ana, replace(soon, inside=False)), await bakers.put(bakers.ben, soon)
    for each in (bakers.ana, bakers.ben):
        await bakers.act(Act.LEAVE, each)
    states = [(await bakers.now(each))[0] for each in (over, anas, bens)]
    assert [each.group for each in states] == [None] * 3
    assert [each.event.state for each in states] == [State.PLANNED, State.PLANNED, State.CANCELLED]
    assert await bakers.node.store.read(lambda tx: past(tx, NOW + 8 * DAY_MS, me=bakers.ana.no)) == ([], 0)
    ((own,), _) = await bakers.node.store.read(lambda tx: past(tx, NOW + 8 * DAY_MS, me=bakers.ben.no))
    assert own.key == over.key
