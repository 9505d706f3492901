"""Passwords through the pages: set, used, changed, removed, and what strangers learn. Source: docs/pages.md 8.13."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.services import hashing
from node.services.acts import OPERATOR, Role
from node.services.archive import write_archive
from node.services.kept_copy import LEFT_OUT
from node.services.passwords import password_hash
from node.services.sessions import FRESH_MS
from node.services.throttle import PIN_TRIES
from tests.node.web.oakvale import words_of
from tests.node.web.test_second_step_pages import set_up
from tests.node.web.towns import PIN, Browser, Town, open_town, send

HERE, LOGIN = "/my/password", "/login/password"
PASSWORD, OTHER = "plum jam for the fair", "seven grey cats sing"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Ana", pin=PIN)
        await made.member("Ben", pin=PIN)
        yield made


async def with_pin(town: Town, number: str = "1") -> Browser:
    browser = town.browser()
    assert (await send(browser, "/login/pin", "/login", number=number, pin=PIN)).status == 303
    return browser


async def set_password(browser: Browser, password: str = PASSWORD, again: str = "") -> tuple[int, str]:
    answer = await send(browser, HERE, HERE, password=password, password_again=again or password)
    return answer.status, words_of(await answer.text())


async def log_in(
    browser: Browser, password: str = PASSWORD, number: str = "1", **fields: str
) -> tuple[int, str]:
    answer = await send(browser, LOGIN, LOGIN, number=number, password=password, **fields)
    return answer.status, answer.headers.get("Location") or words_of(await answer.text())


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/home", allow_redirects=False)).status == 200


async def test_set_used_changed_and_removed(town: Town) -> None:
    here, there = await with_pin(town), await with_pin(town)
    assert "You have no password." in words_of(await (await here.get(HERE)).text())
    assert (await log_in(town.browser()))[0] == 403
    assert (await set_password(here))[0] == 303
    assert [await is_in(each) for each in (here, there)] == [True, False], "other browsers are logged out"
    assert "You set your password on" in words_of(await (await here.get(HERE)).text())

    browser = town.browser()
    assert await log_in(browser, own_computer="yes", after="/statement") == (303, "/statement")
    assert await is_in(browser)
    assert (await set_password(browser, OTHER))[0] == 303
    assert not await is_in(here)
    assert (await log_in(town.browser()))[0] == 403
    last = town.browser()
    assert (await log_in(last, OTHER))[0] == 303

    assert (await send(last, HERE + "/remove", HERE)).status == 303
    assert not await is_in(browser)
    assert (await log_in(town.browser(), OTHER))[0] == 403
    assert (await send(last, HERE + "/remove", HERE)).status == 404, "once"
    await with_pin(town)  # every other way stays


async def test_what_is_typed_wrongly_is_said(town: Town) -> None:
    here = await with_pin(town)
    for password, again, said in (
        ("brief one", "brief one", "at least 12 characters"), ("x9" * 80, "x9" * 80, "room for 128 characters"), ("passwordpassword", "passwordpassword", "try this one first"),
        (PASSWORD, OTHER, "The two new passwords differ."),
    ):  # fmt: skip
        status, page = await set_password(here, password, again)
        assert (status, said in page) == (422, True), page
        assert password not in page
    assert (await log_in(town.browser()))[0] == 403


async def test_a_browser_left_open_sets_none(town: Town) -> None:
    """Also not with a form from when it was young."""
    here, other = await with_pin(town), await with_pin(town)
    await set_password(here)
    other = await with_pin(town)
    town.clock.now += FRESH_MS
    for browser in (here, other):
        assert 'action="/my/password"' not in await (await browser.get(HERE)).text()
        assert (await set_password(browser, OTHER))[0] == 409
        assert (await send(browser, HERE + "/remove", HERE)).status == 409
    assert (await log_in(town.browser()))[0] == 303


async def test_strangers_learn_nothing_and_wait(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ana has a password, Ben has none, 0077 is nobody's: the same words, the same work, the same waiting."""
    await set_password(await with_pin(town))
    verified: list[str] = []

    def counting(secret: str, stored: str, pepper: bytes | None = None) -> bool:
        verified.append(secret)
        return False

    monkeypatch.setattr(hashing, "verify_secret", counting)
    told: dict[str, list[tuple[int, str]]] = {}
    for turn in range(PIN_TRIES.free + 1):
        for number in ("1", "2", "77"):
            told.setdefault(number, []).append(await log_in(town.browser(), f"{OTHER} {turn}", number))
    said = [[(status, re.sub(r"\d+", "", page)) for status, page in each] for each in told.values()]
    assert said[0] == said[1] == said[2]
    assert [status for status, _ in said[0]] == [403] * PIN_TRIES.free + [429]
    assert len(verified) == 3 * PIN_TRIES.free, "who waits costs nothing"


async def test_nobody_else_reads_sets_or_takes_it(town: Town) -> None:
    await set_password(await with_pin(town))
    rosa = await town.browser_of(await town.member("Rosa", Role.ADMIN))
    stored = await town.node.store.read(password_hash, 1)
    assert stored is not None
    assert stored.startswith("$argon2id$")
    for path in ("/admin/members/1", "/my/data", "/admin/members"):
        page = await (await rosa.get(path)).text()
        assert "argon2" not in page
        assert PASSWORD not in page
    ben = await with_pin(town, "2")
    assert (await send(ben, HERE + "/remove", HERE)).status == 404, "he has none"
    assert (await log_in(town.browser()))[0] == 303
    own = await (await (await with_pin(town)).get("/my/data")).text()
    assert "argon2" not in own
    stranger = town.browser()
    assert (await stranger.get(HERE, allow_redirects=False)).headers["Location"].startswith("/login")
    assert (await send(stranger, HERE, LOGIN, password=OTHER, password_again=OTHER)).status == 403


async def test_it_leaves_the_node_in_no_export(town: Town, tmp_path: Path) -> None:
    await set_password(await with_pin(town))
    folder = tmp_path / "whole"
    folder.mkdir()
    await town.node.store.read(write_archive, town.node.scheme, folder, town.clock.now_ms())
    assert not [path for path in folder.rglob("*.*") if b"argon2" in path.read_bytes()]
    assert "password" in LEFT_OUT


async def test_a_second_step_is_asked_for(town: Town) -> None:
    """As after the PIN: the password alone lets nobody in who has set one up."""
    await town.member("Rosa", Role.ADMIN, pin=PIN)
    here = await with_pin(town, "3")
    await set_up(town, here)
    await set_password(here)
    browser = town.browser()
    status, where = await log_in(browser, number="3")
    assert (status, where) == (303, "/login/step")
    assert not await is_in(browser)


async def test_while_the_node_is_looked_after_one_can_log_in(town: Town) -> None:
    await set_password(await with_pin(town))
    await town.node.settings.change(OPERATOR, maintenance=True)
    assert (await log_in(town.browser()))[0] == 303
