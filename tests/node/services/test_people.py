"""Members and what organisers do with them. Source: docs/pages.md 4, 7.3, 7.4."""

from __future__ import annotations

import pytest

from node.app import public_name
from node.services.acts import OPERATOR, Deed, NotAllowed, Role
from node.services.books import load
from node.services.members import (
    NewMember,
    Reach,
    State,
    Unable,
    Why,
    check_pin,
    find_members,
    members_called,
    number_text,
    parse_number,
)
from tests.node.services.desk import Desk


async def test_a_member_gets_a_number_and_an_account_under_the_schemes_limits(desk: Desk) -> None:
    first, second = await desk.member("Ana"), await desk.member("Ben")

    assert [first.number, second.number] == ["0001", "0002"]
    account = (await desk.store.read(load, second.account_no)).value
    assert (account.balance, account.credit_limit, account.ceiling) == (0, 600, 1200)
    assert [act.deed for act in await desk.people.acts(second.no)] == [Deed.ADDED]


@pytest.mark.parametrize("text, no", [
    ("0123", 123), ("123", 123), (" 7 ", 7), ("12345", 12345),
    ("", None), ("0", None), ("-1", None), ("1a", None), ("١٢٣", None), ("9" * 13, None),
])  # fmt: skip
def test_member_123_is_0123(text: str, no: int | None) -> None:
    """Amendment 0.7."""
    assert parse_number(text) == no


def test_numbers_grow_beyond_four_digits() -> None:
    assert [number_text(no) for no in (1, 9999, 12345)] == ["0001", "9999", "12345"]


@pytest.mark.parametrize("new, why", [
    (NewMember(name=" "), Why.NAME_MISSING),
    (NewMember(name="x" * 81), Why.NAME_TOO_LONG),
    (NewMember(name="Ana", email="ana"), Why.EMAIL_WRONG),
    (NewMember(name="Ana", email="ana@home"), Why.EMAIL_WRONG),
    (NewMember(name="Ana", email="ana@example.org\nBcc: all@example.org"), Why.EMAIL_WRONG),
    (NewMember(name="Ana", email="ana@example.org, ben@example.org"), Why.EMAIL_WRONG),
    (NewMember(name="Ana", reach=Reach.EMAIL), Why.NO_WAY_TO_REACH),
    (NewMember(name="Ana", reach=Reach.PHONE), Why.NO_WAY_TO_REACH),
])  # fmt: skip
def test_what_a_member_must_have(new: NewMember, why: Why) -> None:
    with pytest.raises(Unable) as refused:
        new.checked()

    assert refused.value.why is why


async def test_one_address_is_one_member_in_any_case(desk: Desk) -> None:
    await desk.member("Ana", email="ana@example.org")

    with pytest.raises(Unable) as refused:
        await desk.member("Anna", email=" ANA@Example.org ")

    assert refused.value.why is Why.EMAIL_IN_USE


async def test_people_are_found_without_accents_and_by_number(desk: Desk) -> None:
    zoe = await desk.member("Zoë Müller", email="zoe@example.org")
    await desk.member("Ben 100%", email="")

    for query in ("zoe", "MULLER", "müller", "0001"):
        assert await desk.store.read(find_members, query) == ([zoe], 1), query
    assert (await desk.store.read(find_members, "100%"))[1] == 1
    assert (await desk.store.read(find_members, "%"))[1] == 1
    assert (await desk.store.read(find_members, "_"))[1] == 0
    for name in ("zoe muller", "1", "zoe@example.org"):
        assert await desk.store.read(members_called, name) == [zoe], name


@pytest.mark.parametrize("pin, why", [
    ("12345", Why.PIN_TOO_SHORT), ("", Why.PIN_NOT_DIGITS), ("abcdef", Why.PIN_NOT_DIGITS),
    ("١٢٣٤٥٦", Why.PIN_NOT_DIGITS), ("1" * 33, Why.PIN_NOT_DIGITS),
    ("111111", Why.PIN_TOO_EASY), ("123456", Why.PIN_TOO_EASY), ("987654", Why.PIN_TOO_EASY),
])  # fmt: skip
def test_a_pin_is_six_digits_and_no_row(pin: str, why: Why) -> None:
    """Amendment 0.8."""
    with pytest.raises(Unable) as refused:
        check_pin(pin)

    assert refused.value.why is why


async def test_a_limit_is_set_in_the_ledger_and_on_the_record(desk: Desk) -> None:
    ana, rosa = await desk.member("Ana"), await desk.rosa()

    await desk.people.set_limits(rosa, ana.no, 1200, None, why="ill for long")

    account = (await desk.store.read(load, ana.account_no)).value
    assert (account.credit_limit, account.ceiling) == (1200, None)
    (newest, _) = await desk.people.acts(ana.no)
    assert (newest.deed, newest.by_name, newest.why) == (Deed.LIMITS, "Rosa", "ill for long")


async def test_a_pause_shows_its_reason_and_ends(desk: Desk) -> None:
    ana, rosa = await desk.member("Ana"), await desk.rosa()

    await desk.people.pause(rosa, ana.no, why="please ring")
    paused = await desk.people.member(ana.no)
    await desk.people.resume(rosa, ana.no)
    resumed = await desk.people.member(ana.no)

    assert paused is not None
    assert (paused.state, paused.state_reason) == (State.PAUSED, "please ring")
    assert not paused.may_trade
    assert resumed is not None
    assert (resumed.state, resumed.state_reason) == (State.ACTIVE, "")


async def test_a_paused_member_cannot_come_back_by_saying_so(desk: Desk) -> None:
    ana, rosa = await desk.member("Ana"), await desk.rosa()
    await desk.people.pause(rosa, ana.no, why="please ring")

    with pytest.raises(Unable):
        await desk.people.go_away(ana.acts("pin"), ana.no, None)


async def test_members_change_themselves_and_nobody_else(desk: Desk) -> None:
    ana, ben = await desk.member("Ana"), await desk.member("Ben")
    person = NewMember(name="Ana Silva", email="ana@example.org", phone="1")

    changed = await desk.people.change_profile(ana.acts("pin"), ana.no, person)

    assert (changed.name, changed.phone) == ("Ana Silva", "1")
    assert (await desk.store.read(find_members, "silva"))[1] == 1
    for act in (
        desk.people.change_profile(ben.acts("pin"), ana.no, person),
        desk.people.set_pin(ben.acts("pin"), ana.no, "481516"),
        desk.people.set_limits(ben.acts("pin"), ben.no, 10**6, None, why="me"),
        desk.people.pause(ben.acts("pin"), ana.no, why="no"),
        desk.people.set_role(ben.acts("pin"), ben.no, Role.ADMIN),
        desk.people.add(ben.acts("pin"), NewMember(name="Cy")),
    ):
        with pytest.raises(NotAllowed):
            await act


async def test_there_is_always_an_admin(desk: Desk) -> None:
    dan = await desk.member("Dan", Role.ADMIN)

    for act in (
        desk.people.set_role(OPERATOR, dan.no, Role.MEMBER),
        desk.people.pause(OPERATOR, dan.no, why="x"),
    ):
        with pytest.raises(Unable) as refused:
            await act
        assert refused.value.why is Why.LAST_ADMIN


async def test_a_new_rate_counts_after_seven_days(desk: Desk) -> None:
    """Amendment 0.1."""
    now = desk.clock.now

    announced = await desk.settings.announce_rate(OPERATOR, 75)

    assert announced.next_rate_ms is not None
    assert announced.next_rate_ms - now >= 7 * 86_400_000
    assert announced.rate_at(announced.next_rate_ms - 1).minor_per_hour == 60
    assert announced.rate_at(announced.next_rate_ms).minor_per_hour == 75
    assert await desk.settings.load() == announced


async def test_settings_outlive_the_seed(desk: Desk) -> None:
    await desk.settings.change(OPERATOR, credit_limit=300, meeting="Saturday", languages=("en", "de"))

    again = await desk.settings.load()

    assert (again.credit_limit, again.meeting, again.languages) == (300, "Saturday", ("en", "de"))
    with pytest.raises(TypeError):
        await desk.settings.change(OPERATOR, minor_per_hour=1)


async def test_who_is_paused_organises_nothing(desk: Desk) -> None:
    """A paused organiser ended the pause as any other member's."""
    rosa, dan = await desk.member("Rosa", Role.ORGANISER), await desk.member("Dan", Role.ADMIN)
    await desk.people.pause(dan.acts("pin"), rosa.no, why="until we have talked")
    paused = await desk.people.member(rosa.no)
    assert paused is not None
    for role in (paused.acts("pin"), rosa.acts("pin")):  # also a page that was open before
        with pytest.raises(NotAllowed):
            await desk.people.resume(role, rosa.no)
    with pytest.raises(NotAllowed):
        await desk.people.set_limits(paused.acts("pin"), rosa.no, 10**6, None, why="me")


async def test_organisers_decide_nothing_about_each_other_nor_their_own_limits(desk: Desk) -> None:
    """With two admins, one organiser could pause either; and grant themselves any credit."""
    rosa, dan = await desk.member("Rosa", Role.ORGANISER), await desk.member("Dan", Role.ADMIN)
    await desk.member("Eve", Role.ADMIN)
    for decision in (
        desk.people.pause(rosa.acts("pin"), dan.no, why="x"),
        desk.people.resume(rosa.acts("pin"), dan.no),
        desk.people.go_away(rosa.acts("pin"), dan.no, 1),
        desk.people.set_limits(rosa.acts("pin"), dan.no, 0, None, why="x"),
        desk.people.set_limits(rosa.acts("pin"), rosa.no, 10**6, None, why="me"),
        desk.sign_in.sign_out_everywhere(rosa.acts("pin"), dan.no),
    ):
        with pytest.raises(NotAllowed):
            await decision
    await desk.people.set_limits(dan.acts("pin"), dan.no, 900, None, why="the founders agreed")


async def test_of_two_admins_one_is_never_paused_nor_demoted_while_the_other_is(desk: Desk) -> None:
    dan, eve = await desk.member("Dan", Role.ADMIN), await desk.member("Eve", Role.ADMIN)
    await desk.people.pause(dan.acts("pin"), eve.no, why="x")
    for decision in (
        desk.people.pause(OPERATOR, dan.no, why="x"),
        desk.people.set_role(OPERATOR, dan.no, Role.MEMBER),
    ):
        with pytest.raises(Unable) as refused:
            await decision
        assert refused.value.why is Why.LAST_ADMIN


async def test_whoever_is_paused_cannot_be_paid_by_other_schemes_either(desk: Desk) -> None:
    """By a listing that was refused already; by a handle it was not."""
    dan, ana = await desk.member("Dan", Role.ADMIN), await desk.member("Ana")
    assert await desk.store.read(public_name, ana.account_no) == ana.public_name
    await desk.people.pause(dan.acts("pin"), ana.no, why="x")
    assert await desk.store.read(public_name, ana.account_no) is None
