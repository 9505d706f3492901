"""A second step: asked of whoever has one, whatever the first was; each code once; guessed by nobody. Source: docs/pages.md 8.13."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crypto.sealing import CannotOpen
from crypto.timed_codes import STEP_MS, code_at
from node.services import second_step
from node.services.acts import OPERATOR, Role, acts_for
from node.services.entering import Lapsed, SignedIn, StepAsked, Wait, Wrong
from node.services.members import Member
from node.services.second_step import SPARE_CODES, TRIES_MAX, read_step
from node.services.throttle import PIN_TRIES
from node.store import ReadTx
from node.store.schema import load_all
from protocol.limits import DAY_MS, HOUR_MS, MINUTE_MS
from tests.node.services.desk import HOME, Desk

PIN = "481516"


@pytest.fixture
async def desk() -> Desk:
    return await Desk().open()


class Telephone:
    """An app that has somebody's secret, and what it was shown when it was set up."""

    def __init__(self, desk: Desk, member: Member, secret: bytes) -> None:
        self.desk, self.member, self.secret = desk, member, secret
        self.spare: tuple[str, ...] = ()

    def code(self, away: int = 0) -> str:
        return code_at(self.secret, self.desk.clock.now_ms() // STEP_MS + away)


async def with_step(desk: Desk, name: str = "Rosa", session: str = "") -> Telephone:
    """Return the telephone of an organiser who has a PIN and a second step."""
    rosa = await desk.member(name, Role.ORGANISER)
    await desk.people.set_pin(OPERATOR, rosa.no, PIN)
    await desk.steps.draw(rosa)
    secret = await desk.steps.drawn(rosa)
    assert secret is not None
    telephone = Telephone(desk, rosa, secret)
    codes = await desk.steps.confirm(rosa.acts("pin"), session, telephone.code())
    assert isinstance(codes, tuple)
    telephone.spare = codes
    desk.clock.now += STEP_MS  # the code that confirmed it is used up
    return telephone


async def first(desk: Desk, number: str = "1", address: str = HOME) -> str:
    """Show the first proof; return the token of the browser that is asked for the second."""
    asked = await desk.sign_in.with_pin(number, PIN, address, own_computer=True)
    assert isinstance(asked, StepAsked)
    return asked.token


async def test_it_counts_only_once_a_first_code_was_right(desk: Desk) -> None:
    rosa = await desk.member("Rosa", Role.ORGANISER)
    await desk.people.set_pin(OPERATOR, rosa.no, PIN)
    assert await desk.steps.confirm(rosa.acts("pin"), "", "000000") == Lapsed()
    await desk.steps.draw(rosa)
    assert await desk.steps.confirm(rosa.acts("pin"), "", "000000") == Wrong()
    assert isinstance(await desk.sign_in.with_pin("1", PIN, HOME, own_computer=False), SignedIn)
    secret = await desk.steps.drawn(rosa)
    assert secret is not None
    desk.clock.now += HOUR_MS
    code = code_at(secret, desk.clock.now_ms() // STEP_MS)
    assert await desk.steps.confirm(rosa.acts("pin"), "", code) == Lapsed()
    assert await desk.steps.drawn(rosa) is None


async def test_a_page_left_open_draws_no_other_secret_for_one_that_counts(desk: Desk) -> None:
    telephone = await with_step(desk)
    await desk.steps.draw(telephone.member)
    assert isinstance(await desk.steps.enter(await first(desk), telephone.code(), HOME), SignedIn)


async def test_every_first_proof_is_asked_for_the_second(desk: Desk) -> None:
    telephone = await with_step(desk)
    link = (await desk.sign_in.make_link(OPERATOR, telephone.member.no)).rpartition("/")[2]
    asked = await desk.sign_in.use_link(link, HOME, own_computer=False)
    assert isinstance(asked, StepAsked)
    assert await desk.sign_in.session(asked.token) is None
    mailed = await desk.sign_in.ask_code("rosa@example.org", HOME)
    text = (await desk.mails())[-1].text
    code = next(part for part in text.split("your code is ")[1:])[:7]
    assert isinstance(
        await desk.sign_in.enter_code(mailed.token, code, HOME, own_computer=False),
        StepAsked,  # type: ignore[union-attr]  # nobody waits here
    )
    # What was mailed is used up by it, though nobody is in yet.
    assert await desk.sign_in.enter_code(mailed.token, code, HOME, own_computer=False) == Lapsed()  # type: ignore[union-attr]  # as above
    entered = await desk.steps.enter(asked.token, telephone.code(), HOME)
    assert isinstance(entered, SignedIn)
    session = await desk.sign_in.session(entered.token)
    assert session is not None
    assert (session.member.no, session.stepped, session.proof) == (1, True, "link")


@pytest.mark.parametrize(("away", "good"), [(-2, False), (-1, False), (0, True), (1, True), (2, False)])
async def test_a_code_is_good_for_its_half_minute_and_its_neighbours(
    desk: Desk, away: int, good: bool
) -> None:
    """The one before was used to set it up."""
    telephone = await with_step(desk)
    entered = await desk.steps.enter(await first(desk), telephone.code(away), HOME)
    assert isinstance(entered, SignedIn) is good


async def test_a_code_works_once_also_in_another_browser(desk: Desk) -> None:
    telephone = await with_step(desk)
    here, there = await first(desk), await first(desk)
    code = telephone.code()
    assert isinstance(await desk.steps.enter(here, code, HOME), SignedIn)
    assert await desk.steps.enter(here, code, HOME) == Lapsed()
    assert await desk.steps.enter(there, code, HOME) == Wrong(TRIES_MAX - 1)
    assert await desk.steps.enter(there, telephone.code(-1), HOME) == Wrong(TRIES_MAX - 2)
    assert isinstance(await desk.steps.enter(there, telephone.code(1), HOME), SignedIn)


async def test_a_spare_code_works_once_however_it_is_typed(desk: Desk) -> None:
    telephone = await with_step(desk)
    assert len(set(telephone.spare)) == SPARE_CODES
    typed = telephone.spare[0].lower().replace("-", " ")
    assert isinstance(await desk.steps.enter(await first(desk), typed, HOME), SignedIn)
    assert await desk.steps.enter(await first(desk), typed, HOME) == Wrong(TRIES_MAX - 1)
    step = await desk.store.read(read_step, telephone.member.no)
    assert step is not None
    assert step.spare_left == SPARE_CODES - 1


async def test_somebody_elses_code_is_none(desk: Desk) -> None:
    rosa, otto = await with_step(desk), await with_step(desk, "Otto")
    for code in (otto.code(), otto.spare[0]):
        assert isinstance(await desk.steps.enter(await first(desk), code, HOME), Wrong)
    assert isinstance(await desk.steps.enter(await first(desk, "2"), otto.spare[0], HOME), SignedIn)
    assert rosa.secret != otto.secret


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\N{SNOWMAN}"])
async def test_who_was_not_asked_cannot_answer(desk: Desk, token: str) -> None:
    telephone = await with_step(desk)
    assert await desk.steps.enter(token, telephone.code(), HOME) == Lapsed()


async def test_the_question_ends_with_time_and_with_tries(desk: Desk) -> None:
    telephone = await with_step(desk)
    token = await first(desk)
    desk.clock.now += second_step.ASKED_MS
    assert await desk.steps.enter(token, telephone.code(), HOME) == Lapsed()
    token = await first(desk)
    answers = [await desk.steps.enter(token, "000000", HOME) for _ in range(TRIES_MAX)]
    assert answers == [*(Wrong(left) for left in range(TRIES_MAX - 1, 0, -1)), Lapsed()]
    desk.clock.now += MINUTE_MS
    assert await desk.steps.enter(token, telephone.code(), HOME) == Lapsed()


async def test_guesses_wait_longer_and_longer_and_keep_nobody_out_of_her_own_network(desk: Desk) -> None:
    """Who knows the PIN guesses from elsewhere; she comes in from where she was before."""
    telephone = await with_step(desk)
    assert isinstance(await desk.steps.enter(await first(desk), telephone.code(), HOME), SignedIn)
    waits = []
    for network in range(30):
        address = f"203.0.113.{network}"
        token = await first(desk, address=address)
        outcome = await desk.steps.enter(token, "000000", address)
        if isinstance(outcome, Wait):
            waits.append(outcome.ms)
    assert len(waits) == 30 - PIN_TRIES.free
    assert waits[0] == PIN_TRIES.first_ms
    desk.clock.now += STEP_MS
    assert isinstance(await desk.steps.enter(await first(desk), telephone.code(1), HOME), SignedIn)


async def test_tries_in_a_session_are_counted_too(desk: Desk) -> None:
    """A browser left open neither takes the step away nor gets spare codes without a code."""
    telephone = await with_step(desk)
    rosa = telephone.member
    for _ in range(PIN_TRIES.free - 1):
        assert await desk.steps.end(rosa, rosa.acts("pin"), "000000", HOME) == Wrong()
    assert await desk.steps.renew_codes(rosa, "000000", HOME) == Wrong()
    assert isinstance(await desk.steps.end(rosa, rosa.acts("pin"), telephone.code(), HOME), Wait)
    assert await desk.store.read(read_step, rosa.no) is not None


async def test_new_spare_codes_end_the_old_ones(desk: Desk) -> None:
    telephone = await with_step(desk)
    fresh = await desk.steps.renew_codes(telephone.member, telephone.code(), HOME)
    assert isinstance(fresh, tuple)
    assert isinstance(await desk.steps.enter(await first(desk), telephone.spare[0], HOME), Wrong)
    assert isinstance(await desk.steps.enter(await first(desk), fresh[0], HOME), SignedIn)


async def test_setting_it_up_signs_out_the_other_browsers_and_marks_this_one(desk: Desk) -> None:
    rosa = await desk.member("Rosa", Role.ORGANISER)
    await desk.people.set_pin(OPERATOR, rosa.no, PIN)
    here, there = [await desk.sign_in.with_pin("1", PIN, HOME, own_computer=True) for _ in range(2)]
    assert isinstance(here, SignedIn)
    assert isinstance(there, SignedIn)
    await desk.steps.draw(rosa)
    secret = await desk.steps.drawn(rosa)
    assert secret is not None
    await desk.steps.confirm(rosa.acts("pin"), here.token, code_at(secret, desk.clock.now_ms() // STEP_MS))
    session = await desk.sign_in.session(here.token)
    assert session is not None
    assert session.stepped
    assert await desk.sign_in.session(there.token) is None


async def test_ending_it_needs_a_code_and_is_on_the_record(desk: Desk) -> None:
    telephone = await with_step(desk)
    rosa = telephone.member
    assert await desk.steps.end(rosa, rosa.acts("pin"), telephone.code(), HOME) is None
    assert isinstance(await desk.sign_in.with_pin("1", PIN, HOME, own_computer=False), SignedIn)

    def deeds(tx: ReadTx) -> list[tuple[str, str]]:
        return [(act.deed.value, act.detail) for act in acts_for(tx, rosa.no)]

    assert [each for each in await desk.store.read(deeds) if each[0] == "second-step"] == [
        ("second-step", "off"), ("second-step", "on"),
    ]  # fmt: skip


async def test_at_the_command_line_it_is_taken_away_and_its_owner_signed_out(desk: Desk) -> None:
    telephone = await with_step(desk)
    entered = await desk.steps.enter(await first(desk), telephone.code(), HOME)
    assert isinstance(entered, SignedIn)
    asked = await first(desk)
    assert await desk.steps.take_away_now(OPERATOR, telephone.member.no)
    assert not await desk.steps.take_away_now(OPERATOR, telephone.member.no)
    assert await desk.sign_in.session(entered.token) is None
    assert await desk.steps.enter(asked, telephone.code(1), HOME) == Lapsed()


async def test_neither_secret_nor_codes_are_stored(desk: Desk) -> None:
    """A stolen database reckons no code; the box of one member opens for no other."""
    telephone = await with_step(desk)

    def everything(tx: ReadTx) -> str:
        return " ".join(
            repr(row) for table in load_all().tables.values() for row in tx.all(select(*table.columns))
        )

    stored = await desk.store.read(everything)
    assert repr(telephone.secret)[2:-1] not in stored
    assert all(code not in stored for code in telephone.spare)

    def box(tx: ReadTx) -> bytes:
        return bytes(tx.scalar(select(load_all().tables["second_step"].c.secret)))

    sealed = await desk.store.read(box)
    assert desk.keyring.safe.open(second_step._purpose(1), sealed) == telephone.secret
    with pytest.raises(CannotOpen):
        desk.keyring.safe.open(second_step._purpose(2), sealed)


async def test_what_lapsed_is_dropped(desk: Desk) -> None:
    telephone = await with_step(desk)
    otto = await desk.member("Otto", Role.ORGANISER)
    await desk.steps.draw(otto)
    await first(desk)
    desk.clock.now += DAY_MS
    await desk.sign_in.tidy()

    def left(tx: ReadTx) -> tuple[int, int]:
        tables = load_all().tables
        return len(tx.all(select(tables["pending_step"]))), len(tx.all(select(tables["second_step"])))

    assert await desk.store.read(left) == (0, 1)
    assert (await desk.store.read(read_step, telephone.member.no)) is not None
