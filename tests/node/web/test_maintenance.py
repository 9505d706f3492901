"""While the node is being looked after: everything is read, nothing is recorded. Source: docs/operating.md."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from node.cli.commands import COMMANDS, READING
from node.services.acts import OPERATOR, Role
from node.services.standing import NewStanding
from node.services.standing_rows import turns_of
from node.web.context import Route
from protocol.limits import DAY_MS
from protocol.standing import Every, Standing
from tests.node.web.test_doors_pages import POSTS, name_of, path_of, refused, shares, token, words_of
from tests.node.web.towns import Town, open_town

ALWAYS = {
    "/login/mail",
    "/login/code",
    "/login/pin",
    "/login/step",
    "/login/passkey",
    "/login/password",
    "/login/passkey/ask",
    "/login/link/{token}",
    "/logout",
    "/my/logins/others",
    "/my/logins/{mark}/end",
    "/logout/everywhere",
    "/verify",
    "/desk/stop-acting",
    "/node/backup",
    "/node/rehearse",
}


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Rosa", Role.ADMIN)
        await COMMANDS["maintenance"](made.node, on=True, note="Back at eight.")
        yield made


def test_only_signing_in_and_out_and_checking_a_receipt_go_on() -> None:
    assert {route.path for route in POSTS if route.always} == ALWAYS


@pytest.mark.parametrize("part", shares([each for each in POSTS if not each.always]))
async def test_no_form_changes_anything(town: Town, part: list[Route], subtests: pytest.Subtests) -> None:
    rosa = await town.node.people.member(1)
    assert rosa is not None
    browser = await town.browser_of(rosa)
    form = {"form_token": await token(browser)}
    for route in part:
        with subtests.test(name_of(route)):
            said = await refused(town, browser, path_of(route), form, status=503)
            assert "Back at eight. Nothing can be recorded just now" in said


async def test_pages_say_so_and_stay_readable_until_it_ends(town: Town) -> None:
    """One can still log in and out, and members and visitors read the same line."""
    browser = await town.browser_of(await town.member("Ana"))
    for path in ("/home", "/statement"):
        answer = await browser.get(path)
        assert answer.status == 200
        assert "You can read everything. Back at eight." in words_of(await answer.text())
    out = await browser.post("/logout", data={"form_token": await token(browser)}, allow_redirects=False)
    assert out.status == 303

    health = await COMMANDS["health"](town.node)
    assert health["maintenance"] is True
    assert await COMMANDS["maintenance"](town.node) == {"on": True, "note": "Back at eight."}
    assert await COMMANDS["maintenance"](town.node, on=False) == {"on": False, "note": ""}
    assert "Back at eight" not in words_of(await (await browser.get("/")).text())


async def test_standing_orders_wait_and_are_caught_up(town: Town) -> None:
    """Rule 3.6: a turn that could not be tried is tried when that ends."""
    node = town.node
    ana, ben = await town.member("Ana"), await town.member("Ben")
    first = node.standing.today() + 1
    wanted = Standing(amount=60, every=Every.MONTH, first=first, times=2)
    order = await node.standing.begin(
        NewStanding(payer=ana, payee=ben, text="Garden", standing=wanted, proved_by="pin"), b"o" * 16
    )
    (job,) = [each for each in node.jobs if each.name == "standing-orders"]
    town.clock.now += 2 * DAY_MS
    for on, done in ((True, 0), (False, 1)):
        await node.settings.change(OPERATOR, maintenance=on)
        await job.work()
        paid = [turn for turn in await node.store.read(turns_of, order.no, 10) if turn.trade_no is not None]
        assert len(paid) == done


def test_the_switch_is_no_reading() -> None:
    """A command on a stopped node notes its start unless it only reads (docs/operating.md)."""
    assert "maintenance" not in READING
