"""Groups on a whole node: started, kept, left, and their boards. Rule 5.12."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.services.acts import Deed, NotAllowed, Role, acts_for
from node.services.circle_board import BoardFull, Off, Said, notes_of, replies_of
from node.services.circle_rows import (
    CircleKey,
    asking_mine,
    circle_by_key,
    people_of,
    shut_out,
    standings_of,
)
from node.services.circles import CannotGroup, Why
from node.services.letters import Writing
from node.services.members import Member
from node.services.reports import CannotReport, open_reports
from node.services.threads import block, threads_of
from node.store import ReadTx
from protocol.circle import Act, Circle, Door, Standing
from tests.erasing import open_scheme
from tests.node.web.towns import Town, open_town


class Oakvale:
    def __init__(self, town: Town, rosa: Member, people: list[Member]):
        self.town, self.rosa, self.people = town, rosa, people
        self.circles, self.board = town.node.circles, town.node.circle_board

    def once(self) -> bytes:
        return self.town.node.chance.bytes(16)

    async def start(self, by: Member, door: Door = Door.OPEN, name: str = "Bread") -> CircleKey:
        return await self.circles.start(by, name, "Baking together.", door, self.once())

    async def now(self, key: CircleKey) -> Circle:
        def query(tx: ReadTx) -> Circle:
            known = circle_by_key(tx, key)
            assert known is not None
            return people_of(tx, known)

        return await self.town.node.store.read(query)

    async def exists(self, key: CircleKey) -> bool:
        return await self.town.node.store.read(circle_by_key, key) is not None

    async def notes(self, key: CircleKey, me: Member) -> list[Said]:
        def query(tx: ReadTx) -> list[Said]:
            known = circle_by_key(tx, key)
            assert known is not None
            return notes_of(tx, known.no, me.no, skip=0, most=1000)[0]

        return await self.town.node.store.read(query)

    async def note(self, key: CircleKey, by: Member, title: str = "Yeast") -> int:
        return await self.board.post(key, by, title, "Who has some?", self.once())


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    async with open_town() as town:
        rosa = await town.member("Rosa", Role.ORGANISER)
        yield Oakvale(town, rosa, [await town.member(name) for name in ("Ana", "Ben", "Maud", "Otto")])


async def refused(why: Why, doing: object) -> None:
    with pytest.raises(CannotGroup) as caught:
        await doing  # type: ignore[misc]  # an awaitable
    assert caught.value.why is why


async def test_one_form_starts_one_group_and_its_starter_keeps_it(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.people
    once = oakvale.once()
    one, again = [await oakvale.circles.start(ana, "Bread", "Baking", Door.CLOSED, once) for _ in range(2)]
    assert one == again
    assert await oakvale.circles.act(one, Act.ASK, ben, ben.no) is Standing.ASKING
    ((known, no, name),) = await oakvale.town.node.store.read(asking_mine, ana.no, 9)
    assert (known.name, no, name) == ("Bread", ben.no, "Ben")
    assert await oakvale.town.node.store.read(asking_mine, ben.no, 9) == []
    assert await oakvale.circles.act(one, Act.ACCEPT, ana, ben.no) is Standing.IN
    await refused(Why.NOT_NOW, oakvale.circles.act(one, Act.ACCEPT, ana, ben.no))
    await refused(Why.NOT_YOURS, oakvale.circles.act(one, Act.REMOVE, ben, ana.no))
    with pytest.raises(LookupError):
        await oakvale.circles.act(CircleKey(bytes(16)), Act.JOIN, ben, ben.no)


async def test_nobody_keeps_more_than_one_person_can_look_after(
    oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, ben, *_ = oakvale.people
    monkeypatch.setattr("node.services.circles.CIRCLES_KEPT_MAX", 1)
    first = await oakvale.start(ana)
    await refused(Why.KEEPS_MANY, oakvale.start(ana))
    await oakvale.start(ben)
    await oakvale.circles.act(first, Act.JOIN, ben, ben.no)
    await refused(Why.KEEPS_MANY, oakvale.circles.act(first, Act.RAISE, ana, ben.no))
    monkeypatch.setattr("node.services.circles.CIRCLES_MAX", 2)
    await refused(Why.SO_MANY, oakvale.start(oakvale.people[2]))


async def test_a_closed_group_is_never_opened(oakvale: Oakvale) -> None:
    """Rule 5.12: what was written there was written for those in it."""
    ana, ben, *_ = oakvale.people
    key = await oakvale.start(ana)
    await refused(Why.NOT_YOURS, oakvale.circles.change(key, ben, "Ben's", "x", Door.OPEN))
    await oakvale.circles.change(key, ana, "Sourdough", "Only that.", Door.CLOSED)
    assert (await oakvale.now(key)).door is Door.CLOSED
    await refused(Why.NOT_NOW, oakvale.circles.change(key, ana, "Sourdough", "Only that.", Door.OPEN))
    await refused(Why.NOT_NOW, oakvale.circles.act(key, Act.JOIN, ben, ben.no))


async def test_when_nobody_is_left_it_is_gone_with_its_board(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.people
    before = await oakvale.town.everything()
    key = await oakvale.start(ana)
    await oakvale.circles.act(key, Act.JOIN, ben, ben.no)
    note = await oakvale.note(key, ben)
    await oakvale.board.reply(key, note, ana, "Me", oakvale.once())
    await oakvale.circles.act(key, Act.REMOVE, ana, ben.no)
    await oakvale.circles.act(key, Act.LEAVE, ana, ana.no)
    assert not await oakvale.exists(key)
    after = await oakvale.town.everything()
    assert {name: rows for name, rows in after.items() if name.startswith("circle")} == {
        name: rows for name, rows in before.items() if name.startswith("circle")
    }


async def test_two_keepers_who_leave_at_once_do_not_leave_it_without_one(tmp_path: Path) -> None:
    """On the store that serves: the second is told that somebody has to keep it."""
    async with open_scheme(tmp_path) as scheme:
        one, two, third, *_ = scheme.members
        circles = scheme.node.circles
        key = await circles.start(one, "Bread", "Baking", Door.OPEN, scheme.node.chance.bytes(16))
        for who in (two, third):
            await circles.act(key, Act.JOIN, who, who.no)
        await circles.act(key, Act.RAISE, one, two.no)
        ends = await asyncio.gather(
            *(circles.act(key, Act.LEAVE, who, who.no) for who in (one, two)), return_exceptions=True
        )
        assert sorted(str(each) for each in ends) == ["last-keeper", "outside"]


async def test_whoever_leaves_the_scheme_leaves_its_groups_and_hands_them_over(oakvale: Oakvale) -> None:
    ana, ben, maud, _ = oakvale.people
    key = await oakvale.start(ana)
    for who in (ben, maud):
        await oakvale.circles.act(key, Act.JOIN, who, who.no)
    alone = await oakvale.start(ana, Door.CLOSED)
    await oakvale.town.node.parting.part(oakvale.rosa.acts("pin"), ana.no)
    assert [each.who for each in (await oakvale.now(key)).keepers] == [ben.no]
    assert await oakvale.town.node.store.read(standings_of, ana.no) == {}
    assert not await oakvale.exists(alone)


# --- The board ----------------------------------------------------------------------------------------------


async def test_only_who_is_in_a_group_writes_there_and_the_same_form_writes_once(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.people
    key = await oakvale.start(ana)
    with pytest.raises(NotAllowed):
        await oakvale.note(key, ben)
    once = oakvale.once()
    note, again = [await oakvale.board.post(key, ana, "Yeast", "Who?", once) for _ in range(2)]
    assert note == again
    with pytest.raises(NotAllowed):
        await oakvale.board.reply(key, note, ben, "I", oakvale.once())
    await oakvale.circles.act(key, Act.JOIN, ben, ben.no)
    once = oakvale.once()
    for _ in range(2):
        await oakvale.board.reply(key, note, ben, "I", once)
    assert [each.text for each in await oakvale.town.node.store.read(replies_of, note)] == ["I"]
    other = await oakvale.start(ben, Door.CLOSED)
    for act in (
        oakvale.board.reply(other, note, ben, "misdirected", oakvale.once()),
        oakvale.board.pin(other, note, ben, True),
        oakvale.board.take_off(other, note, None, ben.acts("pin"), "x"),
    ):
        with pytest.raises(LookupError):
            await act


async def test_what_is_pinned_stays_on_top_and_when_the_board_is_full_the_oldest_goes(
    oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.services.circle_board.CIRCLE_NOTES_MAX", 3)
    monkeypatch.setattr("node.services.circle_board.CIRCLE_PINNED_MAX", 1)
    monkeypatch.setattr("node.services.circle_board.CIRCLE_REPLIES_MAX", 1)
    ana, ben, *_ = oakvale.people
    key = await oakvale.start(ana)
    first, second, _third = [await oakvale.note(key, ana, title) for title in "abc"]
    await oakvale.board.pin(key, first, ana, True)
    with pytest.raises(BoardFull):
        await oakvale.board.pin(key, second, ana, True)
    with pytest.raises(NotAllowed):
        await oakvale.board.pin(key, first, ben, False)
    await oakvale.board.reply(key, second, ana, "x", oakvale.once())
    with pytest.raises(BoardFull):
        await oakvale.board.reply(key, second, ana, "y", oakvale.once())
    await oakvale.note(key, ana, "d")
    assert [each.title for each in await oakvale.notes(key, ben)] == ["a", "d", "c"]
    await oakvale.board.pin(key, first, ana, False)
    assert [each.title for each in await oakvale.notes(key, ben)] == ["d", "c", "a"]


async def test_what_is_taken_off_only_its_author_reads_with_the_reason(oakvale: Oakvale) -> None:
    ana, ben, maud, _ = oakvale.people
    key = await oakvale.start(ana)
    for who in (ben, maud):
        await oakvale.circles.act(key, Act.JOIN, who, who.no)
    note = await oakvale.note(key, ben)
    with pytest.raises(NotAllowed):
        await oakvale.board.take_off(key, note, None, maud.acts("pin"), "not mine")
    assert await oakvale.board.take_off(key, note, None, ana.acts("pin"), "An advert.") is Off.TAKEN_OFF
    assert await oakvale.notes(key, maud) == []
    (mine,) = await oakvale.notes(key, ben)
    assert (mine.removed_by, mine.reason) == ("Ana", "An advert.")
    with pytest.raises(LookupError):
        await oakvale.board.take_off(key, note, None, ana.acts("pin"), "Once more.")
    with pytest.raises(LookupError):
        await oakvale.board.reply(key, note, maud, "late", oakvale.once())
    assert await oakvale.board.take_off(key, note, None, ben.acts("pin"), "") is Off.TAKEN_AWAY
    assert await oakvale.notes(key, ben) == []


@pytest.mark.parametrize("door", Door)
async def test_organisers_take_off_what_they_read_and_what_was_reported(oakvale: Oakvale, door: Door) -> None:
    """Rule 5.12: they have no key to closed boards; whoever is in one shows them what is wrong there."""
    ana, ben, *_ = oakvale.people
    key = await oakvale.start(ana, door)
    await oakvale.circles.act(key, Act.JOIN if door is Door.OPEN else Act.ASK, ben, ben.no)
    if door is Door.CLOSED:
        await oakvale.circles.act(key, Act.ACCEPT, ana, ben.no)
    one, two = [await oakvale.note(key, ben, title) for title in ("One", "Two")]
    rosa, reports = oakvale.rosa.acts("pin"), oakvale.town.node.reports
    if door is Door.OPEN:
        await oakvale.board.take_off(key, one, None, rosa, "Rude.")
    else:
        with pytest.raises(NotAllowed):
            await oakvale.board.take_off(key, one, None, rosa, "Rude.")
        with pytest.raises(LookupError):
            await reports.on_board(oakvale.people[2], two, None, "I guessed its number")
    with pytest.raises(CannotReport):
        await reports.on_board(ben, two, None, "mine")
    no = await reports.on_board(ana, two, None, "Look")
    with pytest.raises(CannotReport):
        await reports.on_board(ana, two, None, "Look again")
    (report,) = await oakvale.town.node.store.read(open_reports)
    assert report.quoted == "Bread\nTwo\nWho has some?"
    await reports.take_down(no, rosa, "Agreed.")
    assert [each.title for each in await oakvale.notes(key, ana)] == (["One"] if door is Door.CLOSED else [])
    assert (await oakvale.notes(key, ben))[0].reason == "Agreed."
    acts = await oakvale.town.node.store.read(acts_for, ben.no)
    assert {act.why for act in acts if act.deed is Deed.GROUP} >= {"Agreed."}
    with pytest.raises(LookupError):
        await reports.take_down(no, rosa, "Twice.")


async def test_an_answer_is_reported_and_taken_off_by_itself(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.people
    key = await oakvale.start(ana)
    await oakvale.circles.act(key, Act.JOIN, ben, ben.no)
    note = await oakvale.note(key, ana)
    await oakvale.board.reply(key, note, ben, "Rubbish", oakvale.once())
    (reply,) = await oakvale.town.node.store.read(replies_of, note)
    other = await oakvale.note(key, ana, "Other")
    with pytest.raises(LookupError):
        await oakvale.town.node.reports.on_board(ana, other, reply.no, "Misdirected")
    no = await oakvale.town.node.reports.on_board(ana, note, reply.no, "Look")
    await oakvale.town.node.reports.take_down(no, oakvale.rosa.acts("pin"), "Rude.")
    (reply,) = await oakvale.town.node.store.read(replies_of, note)
    assert (reply.reason, reply.shows_to(ana.no), reply.shows_to(ben.no)) == ("Rude.", False, True)
    assert len(await oakvale.notes(key, ana)) == 2


async def test_whose_conversation_is_shut_is_not_read_on_boards_either(oakvale: Oakvale) -> None:
    ana, ben, *_ = oakvale.people
    node = oakvale.town.node
    await node.letters.write(
        Writing(
            account_no=ben.account_no, name="Ben", scheme=node.scheme, to_account=ana.account_no, to_name="Ana", text="Hi"
        )
    )  # fmt: skip
    assert await node.store.read(shut_out, ana.account_no, node.scheme) == frozenset()
    ((thread, _message),) = (await node.store.read(threads_of, ana.account_no))[0]
    await node.store.write(block, thread.no, ana.account_no, True)
    assert await node.store.read(shut_out, ana.account_no, node.scheme) == {ben.no}
    assert await node.store.read(shut_out, ben.account_no, node.scheme) == frozenset()


async def test_what_the_erased_wrote_in_groups_is_gone(tmp_path: Path) -> None:
    """Rule 3.1: notes with what was answered below them, answers, and reasons; not what others wrote elsewhere."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        node, chance = scheme.node, scheme.node.chance
        key = await node.circles.start(ben, "Bread", "Baking", Door.OPEN, chance.bytes(16))
        await node.circles.act(key, Act.JOIN, ana, ana.no)
        await node.circles.act(key, Act.RAISE, ben, ana.no)
        words = [scheme.word(ana) for _ in range(4)]
        theirs = await node.circle_board.post(key, ana, words[0], words[1], chance.bytes(16))
        await node.circle_board.reply(key, theirs, ben, "below it", chance.bytes(16))
        bens = await node.circle_board.post(key, ben, "stays", "here", chance.bytes(16))
        await node.circle_board.reply(key, bens, ana, words[2], chance.bytes(16))
        await node.circle_board.take_off(key, bens, None, ana.acts("pin"), words[3])
        held = (await node.store.read(_held, ana)).keys()
        assert held >= {"groups", "notes_in_groups", "answers_in_groups"}

        await scheme.erase(ana, rosa, otto)

        files = scheme.files()
        assert [word for word in words if word.encode() in files] == []
        (note,) = (await node.store.read(_board, key, ben.no))[0]
        assert (note.title, note.removed_by, note.reason) == ("stays", "", "")


def _held(tx: ReadTx, member: Member) -> dict[str, object]:
    from node.services.my_data import read_my_data

    return {name: rows for name, rows in read_my_data(tx, member).items() if rows}


def _board(tx: ReadTx, key: CircleKey, me: int) -> tuple[list[Said], int]:
    known = circle_by_key(tx, key)
    assert known is not None
    return notes_of(tx, known.no, me, skip=0, most=9)
