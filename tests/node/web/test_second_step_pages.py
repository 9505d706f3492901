"""The second step through the pages: set up, asked for, shown once, and what opens only with it. Source: docs/pages.md 8.13."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crypto.timed_codes import STEP_MS, code_at
from node.cli.admin import CannotDo
from node.cli.commands import COMMANDS
from node.services.acts import OPERATOR, Role
from node.services.archive import write_archive
from node.services.joint_kinds import Kind
from node.services.kept_copy import read_all
from node.services.members import Member
from node.store import ReadTx
from protocol.limits import DAY_MS
from tests.node.web.oakvale import words_of
from tests.node.web.towns import PIN, Browser, Town, cookies_of, open_town, send

HERE = "/my/second-step"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Rosa", Role.ADMIN, pin=PIN)
        yield made


async def rosa_of(town: Town) -> Member:
    rosa = await town.node.people.member(1)
    assert rosa is not None
    return rosa


class Telephone:
    """The app of an organiser who set the second step up on the pages."""

    def __init__(self, town: Town, secret: bytes) -> None:
        self.town, self.secret = town, secret

    def code(self) -> str:
        return code_at(self.secret, self.town.clock.now_ms() // STEP_MS)

    async def next_code(self) -> str:
        self.town.clock.now += STEP_MS
        return self.code()


async def set_up(town: Town, browser: Browser) -> tuple[Telephone, list[str]]:
    """Set it up as a reader does; return the telephone and the spare codes."""
    assert (await send(browser, HERE + "/draw", HERE)).status == 303
    answer = await browser.get(HERE)
    page = await answer.text()
    assert answer.headers["Cache-Control"] == "no-store"
    typed = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert typed
    telephone = Telephone(town, base64.b32decode(typed[1].replace(" ", "")))
    shown = await send(browser, HERE + "/confirm", HERE, code=telephone.code())
    page = await shown.text()
    assert (shown.status, shown.headers["Cache-Control"]) == (200, "no-store")
    return telephone, re.findall(r"<strong class=\"secret\">([0-9A-Z-]{11})</strong>", page)


async def log_in(town: Town, browser: Browser, **fields: str) -> str:
    """Show number and PIN; return where that leads."""
    answer = await send(browser, "/login/pin", "/login", number="1", pin=PIN, **fields)
    assert answer.status == 303
    return answer.headers["Location"]


async def test_set_up_asked_for_and_answered(town: Town) -> None:
    telephone, codes = await set_up(town, await town.browser_of(await rosa_of(town)))
    assert len(codes) == 10
    browser = town.browser()
    assert await log_in(town, browser, after="/admin/scheme") == "/login/step?after=%2Fadmin%2Fscheme"
    assert (await browser.get("/home", allow_redirects=False)).status == 303, "nothing is open yet"
    wrong = await send(browser, "/login/step", "/login/step", code="000000")
    assert wrong.status == 403
    assert "You can try 4 more times." in await wrong.text()
    code = await telephone.next_code()
    page = "/login/step?after=/admin/scheme"
    answer = await send(browser, "/login/step", page, code=f"{code[:3]} {code[3:]}", after="/admin/scheme")
    assert (answer.status, answer.headers["Location"]) == (303, "/admin/scheme")
    assert not [name for name in cookies_of(browser) if name.endswith("-step")]
    assert (await browser.get("/admin/scheme")).status == 200
    again = town.browser()
    await log_in(town, again)
    spare = await send(again, "/login/step", "/login/step", code=codes[0])
    assert (spare.status, spare.headers["Location"]) == (303, "/home")


async def test_codes_and_secret_are_shown_once(town: Town) -> None:
    browser = await town.browser_of(await rosa_of(town))
    telephone, codes = await set_up(town, browser)
    page = await (await browser.get(HERE)).text()
    assert "You have 10 spare codes left." in words_of(page)
    assert not any(code in page for code in codes)
    assert base64.b32encode(telephone.secret).decode()[:4] not in page
    fresh = await send(browser, HERE + "/codes", HERE, code=await telephone.next_code())
    assert fresh.headers["Cache-Control"] == "no-store"
    page = await fresh.text()
    assert not any(code in page for code in codes)


async def test_a_replayed_code_and_the_cookie_of_another_open_nothing(town: Town) -> None:
    telephone, _ = await set_up(town, await town.browser_of(await rosa_of(town)))
    browser, thief = town.browser(), town.browser()
    await log_in(town, browser)
    held = {name: value for name, value in cookies_of(browser).items() if name.endswith("-step")}
    code = await telephone.next_code()
    assert (await send(browser, "/login/step", "/login/step", code=code)).status == 303
    await send(browser, "/logout", "/join")
    thief.session.cookie_jar.update_cookies(held, town.server.make_url("/"))
    for tried in (code, await telephone.next_code()):
        late = await send(thief, "/login/step", "/login/step", code=tried)
        assert late.status == 403
        assert "Please log in once more from the beginning." in await late.text()
    stranger = town.browser()
    for answer in (
        await stranger.get("/login/step", allow_redirects=False),
        await send(stranger, "/login/step", "/login", code=telephone.code()),
    ):
        assert (answer.status, answer.headers["Location"]) == (303, "/login")


async def test_many_guesses_wait(town: Town) -> None:
    await set_up(town, await town.browser_of(await rosa_of(town)))
    browser = town.browser()
    await log_in(town, browser)
    for _ in range(5):
        assert (await send(browser, "/login/step", "/login/step", code="000000")).status == 403
    await log_in(town, browser)
    answer = await send(browser, "/login/step", "/login/step", code="000000")
    assert answer.status == 429
    assert "There were many tries." in await answer.text()


async def test_a_session_left_open_cannot_take_it_away(town: Town) -> None:
    browser = await town.browser_of(await rosa_of(town))
    telephone, codes = await set_up(town, browser)
    for path in ("/end", "/codes"):
        for code, status in (("", 422), ("000000", 422), ("x" * 30, 422)):
            assert (await send(browser, HERE + path, HERE, code=code)).status == status
    assert (await send(browser, HERE + "/end", HERE, code=codes[3])).status == 303
    assert await log_in(town, town.browser()) == "/home"
    assert telephone.secret


async def test_it_is_for_organisers(town: Town) -> None:
    browser = await town.browser_of(await town.member("Ana"))
    assert (await browser.get(HERE)).status == 404
    for path in ("/draw", "/confirm", "/codes", "/end"):
        assert (await send(browser, HERE + path, "/my/settings", code="000000")).status == 404
    assert HERE not in await (await browser.get("/my/settings")).text()
    assert HERE in await (await (await town.browser_of(await rosa_of(town))).get("/my/settings")).text()


async def test_a_changed_pin_needs_no_second_step_in_a_session(town: Town) -> None:
    """The old PIN is only compared: nobody is signed in by it, and no code is asked for."""
    browser = await town.browser_of(await rosa_of(town))
    await set_up(town, browser)
    fields = {"old_pin": PIN, "pin": "481516", "pin_again": "481516"}
    assert (await send(browser, "/my/pin", "/my/settings", **fields)).status == 303
    wrong = await send(browser, "/my/pin", "/my/settings", **fields)
    assert wrong.status == 422
    assert "This is not the PIN you have now." in await wrong.text()


async def test_a_scheme_may_ask_it_of_its_organisers(town: Town) -> None:
    """Without it an organiser is a member like others, on every page; with it nothing is different."""
    rosa, otto = await rosa_of(town), await town.member("Otto", Role.ORGANISER)
    browser, ottos = await town.browser_of(rosa), await town.browser_of(otto)
    early = await send(browser, "/admin/scheme/second-step", "/admin/scheme", organisers_second_step="yes")
    assert early.status == 422
    assert "Please set up your own second step first" in await early.text()
    await set_up(town, browser)
    switched = await send(browser, "/admin/scheme/second-step", "/admin/scheme", organisers_second_step="yes")
    assert switched.status == 303
    assert (await browser.get("/admin")).status == 200
    for path in ("/admin", "/admin/members", "/desk/as/1"):
        answer = await ottos.get(path, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, HERE)
    refused = await send(ottos, "/admin/scheme/limits", "/my/settings", lower="9")
    assert refused.status == 403
    assert "One step is missing" in await refused.text()
    assert (await ottos.get("/home")).status == 200
    assert "opens only to those who have a second step" in words_of(await (await ottos.get(HERE)).text())
    await set_up(town, ottos)
    assert (await ottos.get("/admin")).status == 200
    off = await send(browser, "/admin/scheme/second-step", "/admin/scheme")
    assert off.status == 303
    assert town.node.settings.now.organisers_second_step is False


async def test_two_others_let_in_who_lost_it(town: Town) -> None:
    """Decision 18: one asks, another confirms; whose it is cannot be the other one. All browsers are signed out."""
    rosa = await rosa_of(town)
    roses = await town.browser_of(rosa)
    await set_up(town, roses)
    otto, sam = await town.member("Otto", Role.ORGANISER), await town.member("Sam", Role.ORGANISER)
    town.clock.now += 8 * DAY_MS
    ottos, sams = await town.browser_of(otto), await town.browser_of(sam)
    asked = await send(ottos, "/admin/members/1/second-step", "/admin/members/1")
    assert (asked.status, asked.headers["Location"]) == (303, "/admin/together?note=asked-two")
    waiting = words_of(await (await sams.get("/admin/together")).text())
    assert "Let Rosa log in without the second step" in waiting
    own = await send(ottos, "/admin/together/1/confirm", "/admin/together")
    assert own.status == 422
    done = await send(sams, "/admin/together/1/confirm", "/admin/together")
    assert done.status == 303
    assert await log_in(town, town.browser()) == "/home"
    assert (await roses.get("/home", allow_redirects=False)).status == 303
    nothing = await send(ottos, "/admin/members/1/second-step", "/admin/members/1")
    assert nothing.status == 422
    record = words_of(await (await (await town.browser_of(rosa)).get("/my/data")).text())
    assert "Second step of logging in changed, by Sam" in record
    assert Kind.STEP == "second-step"


async def test_whose_it_is_neither_confirms_nor_holds_up_the_only_other_organiser(town: Town) -> None:
    rosa, otto = await rosa_of(town), await town.member("Otto", Role.ORGANISER)
    roses = await town.browser_of(rosa)
    telephone, _ = await set_up(town, roses)
    town.clock.now += 8 * DAY_MS
    ottos = await town.browser_of(otto)
    await send(ottos, "/admin/members/1/second-step", "/admin/members/1")
    again = town.browser()
    await log_in(town, again)
    await send(again, "/login/step", "/login/step", code=telephone.code())
    own = await send(again, "/admin/together/1/confirm", "/admin/together")
    assert own.status == 422
    assert "It is your own second step." in await own.text()
    assert "So it must wait 7 days" in words_of(await (await ottos.get("/admin/together")).text())
    town.clock.now += 8 * DAY_MS
    ottos = await town.browser_of(otto)
    assert (await send(ottos, "/admin/together/1/confirm", "/admin/together")).status == 303
    assert await log_in(town, town.browser()) == "/home"


async def test_whoever_looks_after_the_computer_lets_in_who_lost_it(town: Town) -> None:
    """docs/operating.md: `interlets user without-step`, for a scheme whose only organiser lost telephone and codes."""
    await set_up(town, await town.browser_of(await rosa_of(town)))
    assert (await COMMANDS["user-without-step"](town.node, name="Rosa"))["number"] == "0001"
    assert await log_in(town, town.browser()) == "/home"
    for name in ("Rosa", "nobody"):
        with pytest.raises(CannotDo):
            await COMMANDS["user-without-step"](town.node, name=name)


async def test_it_is_in_a_keepers_sealed_copy_and_in_no_archive(town: Town, tmp_path: Path) -> None:
    """docs/export.md: an archive goes to others, and lets nobody in."""
    await set_up(town, await town.browser_of(await rosa_of(town)))

    def kept(tx: ReadTx) -> dict[str, int]:
        return {each.table: len(each.rows) for each in read_all(tx, town.node.scheme)}

    held = await town.node.store.read(kept)
    assert (held["second_step"], held["spare_code"], "pending_step" in held) == (1, 10, False)
    await town.node.store.read(write_archive, town.node.scheme, tmp_path, 0)
    tables = {path.name for path in (tmp_path / "tables").iterdir()}
    assert "member.jsonl" in tables
    assert not tables & {"second_step.jsonl", "spare_code.jsonl", "pending_step.jsonl"}


async def test_a_link_made_by_another_organiser_does_not_go_around_it(town: Town) -> None:
    await set_up(town, await town.browser_of(await rosa_of(town)))
    link = (await town.node.sign_in.make_link(OPERATOR, 1)).removeprefix("http://oakvale.test")
    browser = town.browser()
    answer = await send(browser, link, link)
    assert (answer.status, answer.headers["Location"]) == (303, "/login/step")
    assert (await browser.get("/home", allow_redirects=False)).status == 303
