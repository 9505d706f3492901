"""From an application to a member. Source: docs/pages.md 8.1, 7.3."""

from __future__ import annotations

import pytest

from node.services.acts import Deed, NotAllowed, newest_acts
from node.services.applications import Stage, application_by_no, applications_in
from node.services.members import NewMember, Reach, Unable, Why, check_pin, count_members
from node.services.sign_in import SignedIn, Wait
from node.services.throttle import NETWORK_REQUESTS
from tests.node.services.desk import HOME, Desk

ANA = NewMember(name="Ana Silva", email="ana@example.org", place="Oakvale")
MAUD = NewMember(name="Maud Ellis", address="1 High Street", reach=Reach.LETTER)


async def applied(desk: Desk, person: NewMember, once: bytes | None = None) -> int:
    no = await desk.applications.apply(person, "bread", "a bicycle mended", HOME, once=once)
    assert isinstance(no, int)
    return no


async def test_an_applicant_is_welcomed_with_an_account_and_a_link(desk: Desk) -> None:
    rosa = await desk.rosa()
    no = await applied(desk, ANA)
    (waiting,), count = await desk.store.read(applications_in)
    assert (waiting.no, waiting.offer, waiting.person.email, count) == (no, "bread", "ana@example.org", 1)

    welcomed = await desk.applications.welcome(rosa, no)

    assert (welcomed.pin, welcomed.mailed) == (None, True)
    thanks, welcome = await desk.mails()
    assert "Welcome to Oakvale" in welcome.subject
    assert "0002" in welcome.text
    assert "Rosa" in thanks.text
    link = welcome.text.partition("/login/link/")[2].split()[0]
    entered = await desk.sign_in.use_link(link, HOME, own_computer=True)
    assert isinstance(entered, SignedIn)
    assert entered.member.name == "Ana Silva"
    assert (await desk.store.read(applications_in))[1] == 0


async def test_somebody_without_mail_gets_a_pin_for_the_letter(desk: Desk) -> None:
    """Amendment 0.8: a scheme without mail works whole."""
    rosa = await desk.rosa()

    welcomed = await desk.applications.welcome(rosa, await applied(desk, MAUD))

    assert welcomed.pin is not None
    assert not welcomed.mailed
    check_pin(welcomed.pin)
    entered = await desk.sign_in.with_pin(welcomed.member.number, welcomed.pin, HOME, own_computer=False)
    assert isinstance(entered, SignedIn)
    assert [act.deed for act in await desk.people.acts(welcomed.member.no)] == [Deed.PIN, Deed.WELCOMED]


async def test_a_declined_applicant_is_told_why(desk: Desk) -> None:
    rosa = await desk.rosa()
    no = await applied(desk, ANA)

    await desk.applications.decline(rosa, no, reason="Hilltop is nearer to you.")

    assert "Hilltop is nearer to you." in (await desk.mails())[-1].text
    decided = await desk.store.read(application_by_no, no)
    assert decided is not None
    assert (decided.stage, decided.decided_by) == (Stage.DECLINED, "Rosa")
    assert (await desk.store.read(newest_acts))[0].why == "Hilltop is nearer to you."


async def test_an_application_is_decided_once(desk: Desk) -> None:
    rosa = await desk.rosa()
    no = await applied(desk, ANA)
    await desk.applications.welcome(rosa, no)

    for again in (desk.applications.welcome(rosa, no), desk.applications.decline(rosa, no, reason="no")):
        with pytest.raises(Unable) as refused:
            await again
        assert refused.value.why is Why.ALREADY_DECIDED
    with pytest.raises(Unable):
        await desk.applications.welcome(rosa, 77)
    assert await desk.store.read(count_members) == 2


async def test_only_organisers_decide(desk: Desk) -> None:
    ben = (await desk.member("Ben")).acts("pin")
    no = await applied(desk, ANA)

    for act in (desk.applications.welcome(ben, no), desk.applications.decline(ben, no, reason="no")):
        with pytest.raises(NotAllowed):
            await act


async def test_the_same_form_twice_is_one_application(desk: Desk) -> None:
    first = await applied(desk, ANA, once=bytes(16))

    assert await applied(desk, ANA, once=bytes(16)) == first
    assert (await desk.store.read(applications_in))[1] == 1


async def test_a_members_address_is_told_to_organisers_and_not_to_visitors(desk: Desk) -> None:
    rosa = await desk.rosa()
    await desk.member("Ana")
    no = await applied(desk, ANA)

    with pytest.raises(Unable) as refused:
        await desk.applications.welcome(rosa, no)

    assert refused.value.why is Why.EMAIL_IN_USE
    assert (await desk.store.read(applications_in))[1] == 1


async def test_one_network_applies_more_and_more_slowly(desk: Desk) -> None:
    for _ in range(NETWORK_REQUESTS.free):
        await applied(desk, MAUD)

    assert isinstance(await desk.applications.apply(MAUD, "", "", HOME), Wait)
