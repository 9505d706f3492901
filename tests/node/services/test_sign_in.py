"""Proving who one is, and what others cannot do about it. Source: docs/pages.md 0.8, 8.13."""

from __future__ import annotations

import asyncio
import re

import pytest

from node.services import sign_in, throttle
from node.services.acts import OPERATOR, NotAllowed, Role
from node.services.entering import Entering
from node.services.members import Member
from node.services.sign_in import CodeAsked, Lapsed, SignedIn, Wait, Wrong
from node.services.throttle import (
    COUNT_MAX,
    MAILS,
    NETWORK_REQUESTS,
    NETWORK_TRIES,
    PIN_TRIES,
    Pace,
)
from node.store import Tx
from tests.node.services.desk import CAFE, HOME, Desk

MINUTE, DAY = 60_000, 86_400_000
PIN = "481516"


async def asked(desk: Desk, email: str, address: str = HOME) -> str:
    answer = await desk.sign_in.ask_code(email, address)
    assert isinstance(answer, CodeAsked)
    return answer.token


async def mailed(desk: Desk) -> tuple[str, str]:
    """Return code and link of the newest mail."""
    text = (await desk.mails())[-1].text
    code, link = re.search(r"code is (\d{3} \d{3})", text), re.search(r"/login/link/(\S+)", text)
    assert code is not None
    assert link is not None
    return code[1], link[1]


async def with_pin(desk: Desk) -> Member:
    ana = await desk.member("Ana")
    await desk.people.set_pin(OPERATOR, ana.no, PIN)
    return ana


def signed_in(outcome: object) -> SignedIn:
    assert isinstance(outcome, SignedIn), outcome
    return outcome


async def moved(desk: Desk, ms: int) -> None:
    desk.clock.now += ms


# --- Code by mail ------------------------------------------------------------------------------------------------


async def test_a_code_signs_in_the_browser_that_asked(desk: Desk) -> None:
    ana = await desk.member("Ana")
    token = await asked(desk, " ANA@example.org")
    code, _ = await mailed(desk)

    entered = signed_in(await desk.sign_in.enter_code(token, code, HOME, own_computer=True))
    session = await desk.sign_in.session(entered.token)

    assert session is not None
    assert session.member.no == ana.no
    assert entered.lasts_ms == 90 * DAY


async def test_a_code_is_worth_nothing_in_another_browser(desk: Desk) -> None:
    await desk.member("Ana")
    await asked(desk, "ana@example.org")
    code, _ = await mailed(desk)
    other = await asked(desk, "ana@example.org", CAFE)

    assert isinstance(await desk.sign_in.enter_code(other, code, CAFE, own_computer=False), Wrong)
    assert isinstance(await desk.sign_in.enter_code("no such cookie", code, CAFE, own_computer=False), Lapsed)


async def test_a_code_works_once_and_for_ten_minutes(desk: Desk) -> None:
    await desk.member("Ana")
    token = await asked(desk, "ana@example.org")
    code, _ = await mailed(desk)
    await moved(desk, 10 * MINUTE)
    assert isinstance(await desk.sign_in.enter_code(token, code, HOME, own_computer=False), Lapsed)

    token = await asked(desk, "ana@example.org")
    code, _ = await mailed(desk)
    signed_in(await desk.sign_in.enter_code(token, code, HOME, own_computer=False))
    assert isinstance(await desk.sign_in.enter_code(token, code, HOME, own_computer=False), Lapsed)


async def test_a_code_can_be_tried_five_times(desk: Desk) -> None:
    await desk.member("Ana")
    token = await asked(desk, "ana@example.org")
    code, _ = await mailed(desk)
    wrong = f"{(int(code.replace(' ', '')) + 1) % 10**6:06}"

    outcomes = [await desk.sign_in.enter_code(token, wrong, HOME, own_computer=False) for _ in range(5)]

    assert outcomes == [Wrong(4), Wrong(3), Wrong(2), Wrong(1), Lapsed()]
    assert isinstance(await desk.sign_in.enter_code(token, code, HOME, own_computer=False), Lapsed)


@pytest.mark.parametrize("email", ["nobody@example.org", "not an address", ""])
async def test_an_unknown_address_gets_the_same_answers(desk: Desk, email: str) -> None:
    await desk.member("Ana")

    token = await asked(desk, email)
    outcomes = [await desk.sign_in.enter_code(token, "000000", HOME, own_computer=False) for _ in range(5)]

    assert outcomes == [Wrong(4), Wrong(3), Wrong(2), Wrong(1), Lapsed()]
    assert await desk.mails() == []


async def test_somebody_who_left_is_unknown(desk: Desk) -> None:
    """Set directly: leaving has its own pages."""
    from sqlalchemy import text

    await desk.member("Ana")

    def leave(tx: Tx) -> None:
        tx.run(text("UPDATE member SET state = 'left'"))

    await desk.store.write(leave)
    await asked(desk, "ana@example.org")

    assert await desk.mails() == []


async def test_a_code_lapses_in_the_outbox_and_organisers_never_see_it(desk: Desk) -> None:
    await desk.member("Ana")
    await asked(desk, "ana@example.org")

    assert [(mail.recipient, mail.text) for mail in await desk.outbox_page()] == [("ana@example.org", "")]
    await moved(desk, 10 * MINUTE)
    assert await desk.mails() == []


async def test_mails_to_one_person_grow_rare_and_then_bring_no_code(desk: Desk) -> None:
    ana = await desk.member("Ana")
    for network in range(30):
        await asked(desk, "ana@example.org", f"203.0.113.{network}")

    assert len(await desk.mails()) == MAILS.free
    # Whoever flooded her has sent her the links to come in by.
    _, link = await mailed(desk)
    assert signed_in(await desk.sign_in.use_link(link, HOME, own_computer=True)).member.no == ana.no
    # And from her own network, which she has now used, nothing of that counts.
    await asked(desk, "ana@example.org", HOME)
    assert len(await desk.mails()) == MAILS.free + 1


async def test_one_network_asks_more_and_more_slowly(desk: Desk) -> None:
    answers = [
        await desk.sign_in.ask_code(f"{n}@example.org", HOME) for n in range(NETWORK_REQUESTS.free + 1)
    ]

    assert answers[-1] == Wait(NETWORK_REQUESTS.first_ms)
    assert isinstance(await desk.sign_in.ask_code("0@example.org", CAFE), CodeAsked)


# --- Number and PIN ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["1", "0001", " 001 "])
async def test_number_and_pin_sign_in(desk: Desk, number: str) -> None:
    ana = await with_pin(desk)

    entered = signed_in(await desk.sign_in.with_pin(number, f" {PIN} ", HOME, own_computer=False))

    session = await desk.sign_in.session(entered.token)
    assert session is not None
    assert (session.member.no, session.proof) == (ana.no, "pin")


async def test_unknown_number_wrong_pin_and_no_pin_get_the_same_answer(desk: Desk) -> None:
    await with_pin(desk)
    await desk.member("Ben")

    outcomes = [
        await desk.sign_in.with_pin(number, pin, HOME, own_computer=False)
        for number, pin in (("1", "000001"), ("2", PIN), ("77", PIN), ("x", PIN), ("1", ""))
    ]

    assert outcomes == [Wrong()] * 5


async def test_guesses_at_one_number_wait_longer_and_longer_wherever_they_come_from(desk: Desk) -> None:
    await with_pin(desk)

    waits = []
    for network in range(12):
        outcome = await desk.sign_in.with_pin("1", "000001", f"203.0.113.{network}", own_computer=False)
        while isinstance(outcome, Wait):
            waits.append(outcome.ms)
            await moved(desk, outcome.ms)
            outcome = await desk.sign_in.with_pin("1", "000001", f"203.0.113.{network}", own_computer=False)

    assert waits == [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000]


async def test_an_unknown_number_makes_wait_like_a_known_one(desk: Desk) -> None:
    outcomes = [
        await desk.sign_in.with_pin("77", "000001", f"203.0.113.{network}", own_computer=False)
        for network in range(6)
    ]

    assert outcomes == [*[Wrong()] * 5, Wait(2_000)]


async def test_guessing_elsewhere_does_not_keep_a_member_out(desk: Desk) -> None:
    """The one who knows the PIN comes in from a network she has used, whatever others do meanwhile."""
    await with_pin(desk)
    signed_in(await desk.sign_in.with_pin("1", PIN, HOME, own_computer=True))
    for network in range(9):
        await desk.sign_in.with_pin("1", "000001", f"203.0.113.{network}", own_computer=False)

    assert isinstance(await desk.sign_in.with_pin("1", PIN, CAFE, own_computer=False), Wait)
    signed_in(await desk.sign_in.with_pin("1", PIN, HOME, own_computer=True))


async def test_signing_in_oneself_does_not_free_the_network_for_guessing(desk: Desk) -> None:
    await with_pin(desk)
    mallory = await desk.member("Mallory")
    await desk.people.set_pin(OPERATOR, mallory.no, PIN)
    for number in range(10, 10 + NETWORK_TRIES.free - 1):
        await desk.sign_in.with_pin(str(number), "000001", CAFE, own_computer=False)

    signed_in(await desk.sign_in.with_pin(mallory.number, PIN, CAFE, own_computer=False))
    assert isinstance(await desk.sign_in.with_pin("1", "000001", CAFE, own_computer=False), Wrong)
    assert isinstance(await desk.sign_in.with_pin("1", "000002", CAFE, own_computer=False), Wait)


async def test_a_wait_outlives_a_restart_and_a_day_forgets_it(desk: Desk) -> None:
    await with_pin(desk)
    for _ in range(PIN_TRIES.free):
        await desk.sign_in.with_pin("1", "000001", HOME, own_computer=False)
    again = type(desk.sign_in)(
        desk.store, desk.clock, desk.chance, settings=desk.settings, outbox=desk.outbox, hasher=desk.hasher,
        entering=Entering(desk.clock, throttle.Throttle(bytes(32))), steps=desk.steps,
        public_address="http://localhost",
    )  # fmt: skip

    assert isinstance(await again.with_pin("1", PIN, HOME, own_computer=False), Wait)
    await moved(desk, DAY + 1)
    await again.tidy()
    assert isinstance(await again.with_pin("1", PIN, HOME, own_computer=False), SignedIn)


async def test_who_is_a_member_cannot_be_read_from_the_clock(desk: Desk) -> None:
    """A mail was written for members only, which took several times as long as nothing."""
    await desk.member("Ana")
    loop = asyncio.get_running_loop()
    for email in ("ana@example.org", "nobody@example.org", "not an address"):
        began = loop.time()
        await asked(desk, email)
        assert loop.time() - began >= sign_in.ANSWER_S


def test_delays_double_up_to_a_bound() -> None:
    pace = Pace(free=2, first_ms=10, most_ms=35)

    assert [pace.delay_ms(count) for count in (0, 1, 2, 3, 4, 5, COUNT_MAX)] == [0, 0, 10, 20, 35, 35, 35]


# --- Links -------------------------------------------------------------------------------------------------------


async def test_a_link_works_once_after_being_looked_at(desk: Desk) -> None:
    ana = await desk.member("Ana")
    address = await desk.sign_in.make_link(OPERATOR, ana.no)
    assert address.startswith("https://oakvale.example/login/link/")
    link = address.rpartition("/")[2]

    for _ in range(2):  # by a mail scanner, then by Ana
        assert await desk.sign_in.look_at_link(link) == ana
    signed_in(await desk.sign_in.use_link(link, HOME, own_computer=True))

    assert await desk.sign_in.look_at_link(link) is None
    assert isinstance(await desk.sign_in.use_link(link, HOME, own_computer=True), Lapsed)


async def test_a_link_lasts_a_day(desk: Desk) -> None:
    ana = await desk.member("Ana")
    link = (await desk.sign_in.make_link(OPERATOR, ana.no)).rpartition("/")[2]
    await moved(desk, DAY)

    assert isinstance(await desk.sign_in.use_link(link, HOME, own_computer=True), Lapsed)


async def test_an_organiser_makes_no_link_for_another_organiser(desk: Desk) -> None:
    rosa, dan, ana = await desk.rosa(), await desk.member("Dan", Role.ADMIN), await desk.member("Ana")

    await desk.sign_in.make_link(rosa, ana.no, why="letter")
    with pytest.raises(NotAllowed):
        await desk.sign_in.make_link(rosa, dan.no)
    with pytest.raises(NotAllowed):
        await desk.sign_in.make_link(ana.acts("pin"), ana.no)


# --- Sessions ----------------------------------------------------------------------------------------------------


async def test_a_session_ends_when_its_member_says_so_or_leaves(desk: Desk) -> None:
    ana = await with_pin(desk)
    tokens = [
        signed_in(await desk.sign_in.with_pin("1", PIN, HOME, own_computer=True)).token for _ in range(3)
    ]

    await desk.sign_in.sign_out(tokens[0])
    assert [await desk.sign_in.session(token) is None for token in tokens] == [True, False, False]
    assert await desk.sign_in.sign_out_everywhere(ana.acts("pin"), ana.no) == 2
    assert [await desk.sign_in.session(token) is None for token in tokens] == [True, True, True]


async def test_a_library_computer_is_signed_out_after_half_an_hour_without_a_page(desk: Desk) -> None:
    await with_pin(desk)
    token = signed_in(await desk.sign_in.with_pin("1", PIN, HOME, own_computer=False)).token

    for _ in range(3):
        await moved(desk, 29 * MINUTE)
        assert await desk.sign_in.session(token) is not None
    await moved(desk, 30 * MINUTE)
    assert await desk.sign_in.session(token) is None


@pytest.mark.parametrize("cookie", ["", "x", "é", "A" * 43 + "=", "A" * 42, "A" * 5000])
async def test_a_forged_cookie_is_nobodys(desk: Desk, cookie: str) -> None:
    await with_pin(desk)
    signed_in(await desk.sign_in.with_pin("1", PIN, HOME, own_computer=False))

    assert await desk.sign_in.session(cookie) is None


async def test_neither_tokens_nor_codes_nor_addresses_are_stored(desk: Desk) -> None:
    """A stolen database signs nobody in, and tells nobody where members sign in from."""
    await with_pin(desk)
    token = await asked(desk, "ana@example.org")
    code, link = await mailed(desk)
    entered = signed_in(await desk.sign_in.with_pin("1", PIN, HOME, own_computer=False))

    from sqlalchemy import select

    from node.store import ReadTx
    from node.store.schema import load_all

    def everything(tx: ReadTx) -> str:
        tables = load_all().tables.values()
        return " ".join(repr(row) for table in tables for row in tx.all(select(*table.columns)))

    stored = await desk.store.read(everything)
    assert "ana@example.org" in stored
    for secret in (token, code, code.replace(" ", ""), link, entered.token, HOME, PIN):
        assert secret not in stored, secret


def test_marks_do_not_run_together() -> None:
    counts = throttle.Throttle(bytes(32))

    assert counts.mark("pin", "1", "2") != counts.mark("pin", "12")
