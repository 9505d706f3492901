"""Every role at every route, through HTTP, as docs/roles.md says. Source: decision 46; docs/pages.md 7.3."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer

from node.services.acts import Actor, Hand, NotAllowed, Role, Work, may_do
from node.services.fee_rows import ChargeState
from node.services.members import NewMember
from node.web import roles
from node.web.app import ROUTES, make_app
from node.web.context import MEMBER, VISITOR, Context, Route
from node.web.roles import LISTED, address_of, leads_somewhere, opens
from tests.node.web.oakvale import fields_of, text, words_of
from tests.node.web.test_doors_pages import WITH_FILES, path_of, token
from tests.node.web.towns import Browser, Town, open_town, send
from tests.sources import ROOT

ROLES: tuple[Role | None, ...] = (None, *Role)
# And each in a scheme that another's machine hosts; docs/roles.md has a column for the one to whom it makes a difference.
COLUMNS: tuple[tuple[Role | None, bool], ...] = (*((role, False) for role in ROLES), (Role.ADMIN, True))
LET_IN = 299  # what a page answers here that was reached


def table() -> dict[str, dict[tuple[Role | None, bool], bool]]:
    """Return what docs/roles.md says."""
    rows = re.findall(r"^\| `([A-Z]+ [^`]+)` \| (.+) \|$", (ROOT / "docs/roles.md").read_text(), re.M)
    return {
        name: dict(zip(COLUMNS, [cell == "yes" for cell in cells.split(" | ")], strict=True))
        for name, cells in rows
    }


async def reached(_context: Context) -> web.Response:
    return web.Response(status=LET_IN)


async def past(browser: Browser, route: Route, form_token: str) -> bool:
    """Tell whether somebody gets past the door of a route."""
    sent = None
    if route.method == "POST":
        sent = FormData({"form_token": form_token})
        if route.path in WITH_FILES:
            sent.add_field("file", b"of somebody", filename="any")
    answer = await browser.request(route.method, path_of(route), data=sent, allow_redirects=False)
    assert answer.status in (LET_IN, 303, 403), (route.path, answer.status)
    return answer.status == LET_IN


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Rosa", Role.ADMIN)
        yield made


async def test_each_role_gets_past_the_doors_that_the_table_says_and_no_others(town: Town) -> None:
    """The real doors (session, role, form token), with pages behind them that only say they were reached."""
    said = table()
    assert set(said) == {address_of(route) for route in ROUTES}
    wrong = []
    for role, hosted in COLUMNS:
        object.__setattr__(town.node.options, "hosted", hosted)
        known = town.browser()
        if role is not None:
            await town.sign_in(known, await town.member(f"Is{role}{hosted}", role))
        form_token = await token(known)
        app = make_app(town.node, routes=[replace(route, handler=reached) for route in ROUTES])
        async with TestClient(TestServer(app), cookie_jar=known.session.cookie_jar) as browser:
            for route in ROUTES:
                if await past(browser, route, form_token) is not said[address_of(route)][role, hosted]:
                    wrong.append((role, hosted, address_of(route)))
    assert wrong == []


def test_the_table_is_right_where_it_must_be() -> None:
    """What follows from no list: each audience includes those below, and an auditor sends nothing."""
    for route in ROUTES:
        may = {role: opens(role, route) for role in ROLES}
        assert may[Role.ADMIN]
        machine = route.path.partition("/node")[0] == ""
        for role in ROLES:
            assert opens(role, route, hosted=True) is (may[role] and not machine), route.path
        assert may[None] is (route.audience is VISITOR)
        assert may[Role.MEMBER] is (route.audience <= MEMBER)
        for role in (Role.BROKER, Role.TREASURER):
            assert may[role] >= may[Role.MEMBER], route.path
            assert may[role] <= may[Role.ORGANISER], f"no more than an organiser: {route.path}"
        if route.method == "POST":
            own = route.path.startswith("/my/second-step/")
            assert may[Role.AUDITOR] is (own or (route.always and route.audience <= MEMBER)), route.path
        else:
            assert may[Role.MEMBER] <= may[Role.AUDITOR] <= may[Role.ORGANISER], route.path


def test_what_is_listed_exists_and_nothing_private_is_listed_for_auditors() -> None:
    known = {address_of(route) for route in ROUTES}
    for role, listed in LISTED.items():
        assert listed <= known, role
    private = re.compile(r"/reports|/complaints|/help|/outbox|/letters|/desk/as|/import|/role")
    assert [each for each in LISTED[Role.AUDITOR] if private.search(each)] == []
    sends = {each for each in LISTED[Role.AUDITOR] if each.startswith("POST")}
    assert sends == {f"POST /my/second-step/{what}" for what in ("draw", "confirm", "codes", "end")}


async def test_without_its_list_the_table_would_be_wrong(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a door that forgets what auditors may send lets one in where the table says no."""
    route = next(each for each in ROUTES if address_of(each) == "POST /record/do")
    browser = await town.browser_of(await town.member("Ines", Role.AUDITOR))
    form_token = await token(browser)
    assert not await past(browser, route, form_token)
    monkeypatch.setitem(roles._AUDIENCE_OF, Role.AUDITOR, roles.Audience.ADMIN)  # type: ignore[index]  # a dict
    desk = next(each for each in ROUTES if address_of(each) == "GET /admin/outbox")
    assert (await browser.get(path_of(desk))).status == 200


@pytest.mark.parametrize("role", Role)
def test_services_ask_for_themselves(role: Role) -> None:
    """A door that was left open would not be enough: each act asks who does it."""
    actor = Actor(no=7, name="Ines", role=role)
    organises = role in (Role.ORGANISER, Role.ADMIN)
    for may, ask in (
        (organises, actor.must_organise),
        (organises or role is Role.BROKER, lambda: actor.must_do(Work.PEOPLE)),
        (organises or role is Role.TREASURER, lambda: actor.must_do(Work.MONEY)),
        (role is Role.ADMIN, actor.must_administer),
    ):
        if may:
            ask()
        else:
            with pytest.raises(NotAllowed):
                ask()
    assert may_do(role, Work.MONEY) is (organises or role is Role.TREASURER)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR, Role.BROKER, Role.TREASURER])
async def test_acts_of_others_are_refused_behind_the_doors_too(town: Town, role: Role) -> None:
    node, ben = town.node, await town.member("Ben")
    actor = Actor(no=(await town.member("Ines", role)).no, name="Ines", role=role, proof="pin")
    acts = {
        "role": node.people.set_role(actor, ben.no, Role.ADMIN),
        "limits": node.people.set_limits(actor, ben.no, 1, None, why="x"),
        "settings": node.settings.change(actor, headline="x"),
        "leave": node.parting.part(actor, ben.no),
    }
    if role is not Role.BROKER:
        acts |= {
            "pin": node.people.set_pin(actor, ben.no, "739152"),
            "link": node.sign_in.make_link(actor, ben.no),
            "add": node.people.add(actor, NewMember(name="Mia")),
        }
    if role is not Role.TREASURER:
        acts |= {
            "end": node.chest.end(actor, 1),
            "let off": node.chest.let_off(actor, 1, ChargeState.WAIVED, "x"),
        }
    before = await town.everything()
    for name, act in acts.items():
        with pytest.raises(NotAllowed):
            await act
        assert await town.everything() == before, name


async def test_an_auditor_reads_the_desk_and_sends_nothing(town: Town) -> None:
    """Pages open as organisers see them, with a line that says so; a form is refused in words, and nothing changes."""
    ben = await town.member("Ben")
    browser = await town.browser_of(await town.member("Ines", Role.AUDITOR))
    for path in (
        "/admin",
        "/admin/members",
        f"/admin/members/{ben.no}",
        "/admin/chest",
        "/desk/figures",
        "/admin/together",
    ):
        page = await text(browser, path)
        assert "You read along here and change nothing" in words_of(page), path
        assert 'href="/admin/outbox"' not in page
    before = await town.everything()
    for path in (f"/admin/members/{ben.no}/pause", "/admin/chest/book", "/record/do", "/my/fees/give"):
        answer = await browser.post(path, data={"form_token": await token(browser), "reason": "x"})
        assert answer.status == 403
        assert "An auditor reads along and changes nothing." in words_of(await answer.text())
    assert await town.everything() == before
    for path in ("/admin/outbox", "/admin/reports", "/admin/complaints", f"/desk/as/{ben.no}"):
        await text(browser, path, 403)
    assert (await send(browser, "/logout", "/my")).status == 303


async def test_an_admin_gives_somebody_a_part_at_the_desk(town: Town) -> None:
    """And takes it back: the next page is closed at once. The last admin stays."""
    ben, rosa = await town.member("Ben"), await town.node.people.member(1)
    assert rosa is not None
    admin, bens = await town.browser_of(rosa), await town.browser_of(ben)
    here = f"/admin/members/{ben.no}/role"
    assert here in await text(admin, f"/admin/members/{ben.no}")
    await text(bens, "/admin/applications", 403)
    for role, status in ((Role.BROKER, 200), (Role.TREASURER, 403)):
        answer = await send(admin, here, here, role=role.value, reason="elected")
        assert answer.status == 303
        await text(bens, "/admin/applications", status)
    await text(bens, "/admin/chest")
    assert "At the desk Treasurer" in words_of(await text(admin, f"/admin/members/{ben.no}"))
    for fields, said in (({"role": "king", "reason": "x"}, "Please choose one."), ({"role": "member", "reason": ""}, "Please say why.")):  # fmt: skip
        answer = await send(admin, here, here, **fields)
        assert answer.status == 422
        assert said in words_of(await answer.text())
    own = "/admin/members/1/role"
    answer = await send(admin, own, own, role="member", reason="tired")
    assert answer.status == 422
    assert "This is the last one who looks after the computer." in words_of(await answer.text())
    await text(bens, own, 403)


async def test_a_treasurer_asks_and_an_organiser_confirms(town: Town) -> None:
    """Rule 6.9: a treasurer is one of the two for the chest, never the second."""
    node, day = town.node, 86_400_000
    treasurer = await town.member("Tom", Role.TREASURER)
    otto = await town.member("Otto", Role.ORGANISER)
    ana = await town.member("Ana")
    town.clock.now += 8 * day
    toms, ottos = await town.browser_of(treasurer), await town.browser_of(otto)
    await node.chest.give(ana, 120, "gift", Hand(entered_by="Ana", proved_by="pin"), b"g" * 16)
    give = {"who": ana.number, "amount": "1", "what": "Cake"}
    fields = fields_of(await text(toms, "/admin/chest"))
    answer = await toms.post("/admin/chest/give", data={**fields, **give}, allow_redirects=False)
    assert answer.status == 303
    page = words_of(await text(toms, "/admin/together"))
    assert "An organiser must confirm it." in page
    await text(toms, "/admin/outbox", 403)
    answer = await toms.post("/admin/together/1/confirm", data={"form_token": await token(toms)})
    assert answer.status == 403
    assert (await send(ottos, "/admin/together/1/confirm", "/admin/together")).status == 303
    assert await node.store.read(node.chest.holds) == 60


def test_links_of_no_use_are_left_out() -> None:
    assert leads_somewhere(Role.ORGANISER, "/admin/outbox")
    assert leads_somewhere(Role.BROKER, "/admin/applications?page=2")
    assert not leads_somewhere(Role.BROKER, "/admin/neighbours/abc")
    assert leads_somewhere(Role.AUDITOR, "/admin/neighbours/abc")
    assert not leads_somewhere(Role.TREASURER, "/admin/applications")
