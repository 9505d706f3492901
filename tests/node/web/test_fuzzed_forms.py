"""Every form of every page, filled with what nobody types: always a page in words, never our own failure. Rule 0.5; docs/pages.md 0.8."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import pytest
from structlog.testing import capture_logs

from node.services.acts import OPERATOR, Role
from node.services.members import NewMember
from node.web.app import ROUTES
from node.web.context import Route
from protocol.market import AskingPrice, Listing
from scripts.town.pages import Form, read_page
from tests.conftest import EVERYTHING
from tests.node.web.test_doors_pages import path_of
from tests.node.web.towns import Browser, Town, open_town

TRIES = 15 if EVERYTHING else 3
NASTY = (
    "", " ", "0", "-1", "1", "1e9", "1.5", "٣", "½", "9" * 30, "-" + "9" * 400, "0x10", "NaN", "a", "a" * 3_000, "é" * 1_000,
    "\u202eabc", "\ufeff", "\u0301" * 50, "𝄞🧺", "<script>alert(1)</script>", "'; DROP TABLE member; --", "%00", "../../etc/passwd",
    "http://127.0.0.1:1/", "rosa@example.org", "@", "lets1", "2026-02-30", "9999-12-31", "00:00", "en", "on", "yes", "7ZK-M2Q-R4X",
    "{{ 1 }}", "%(name)s", "{0}", "line\nline", "tab\there",
)  # fmt: skip
# Leaving is tried by its own tests; here it would end the session that tries everything else.
LEFT_OUT = {
    "/logout", "/logout/everywhere", "/admin/log-out-everybody", "/admin/members/{no}/log-out", "/admin/members/1/log-out",
}  # fmt: skip


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        rosa = await made.member("Rosa", Role.ADMIN)
        await made.node.people.add(OPERATOR, NewMember(name="Ben", email="ben@example.org"))
        content = Listing(
            kind="offer", title="Jam", text="Plum.", category="food", price=AskingPrice(amount=30, per="item"), language="en",
            place=rosa.spot, owner="Rosa",
        )  # fmt: skip
        await made.node.market.post(rosa.no, content)
        yield made


async def forms_of(town: Town, browser: Browser) -> list[tuple[str, Form]]:
    """Return every form that an admin meets: page and form."""
    found = []
    for route in ROUTES:
        if route.method == "GET":
            answer = await browser.get(path_of(route), allow_redirects=False)
            if answer.status == 200 and "html" in answer.headers["Content-Type"]:
                page = read_page(path_of(route), answer.status, await answer.text())
                found += [(path_of(route), form) for form in page.forms]
    return found


@pytest.mark.timeout(900)
async def test_every_form_takes_nonsense_as_words(town: Town) -> None:
    rosa = await town.node.people.member(1)
    assert rosa is not None
    browser, chance = await town.browser_of(rosa), Random(5)
    forms = {form.action.split("?")[0]: (path, form) for path, form in await forms_of(town, browser)}
    assert len(forms) > 12
    sent = 0
    with capture_logs() as logs:
        for path, form in forms.values():
            for _ in range(TRIES):
                action = form.action or path
                if action in LEFT_OUT:
                    continue
                names = sorted(form.names - {"form_token"})
                # Some as the page has them, so that one bad field meets the checks behind the others.
                fields = {name: chance.choice(NASTY) for name in names if chance.random() < 0.6}
                status = await _send(browser, form, action, fields)
                assert status < 500, (action, fields, status)
                sent += 1
        assert [entry for entry in logs if entry["log_level"] in ("error", "critical")] == []
    assert sent > len(forms)
    assert (await browser.get("/home", allow_redirects=False)).status == 200, (
        "nobody was thrown out meanwhile"
    )


async def _send(browser: Browser, form: Form, action: str, fields: dict[str, str]) -> int:
    filled = {**form.fields, **fields}
    if form.buttons and form.buttons[0][1]:
        filled[form.buttons[0][1]] = form.buttons[0][2]
    if form.method == "get":
        answer = await browser.get(action, params=filled, allow_redirects=False)
    else:
        answer = await browser.post(action, data=filled, allow_redirects=False)
    await answer.read()
    return answer.status


@pytest.mark.parametrize(
    "route", [each for each in ROUTES if each.method == "POST"], ids=lambda each: each.path
)
async def test_every_address_that_takes_a_form_takes_one_of_nonsense(town: Town, route: Route) -> None:
    """Also those whose form this scheme has no page for now: a listing of a neighbour, a line with nobody."""
    if route.path in LEFT_OUT:
        return
    rosa = await town.node.people.member(1)
    assert rosa is not None
    browser, chance = await town.browser_of(rosa), Random(route.path)
    token = read_page("/", 200, await (await browser.get("/join")).text()).form("/join").fields["form_token"]
    with capture_logs() as logs:
        for _ in range(TRIES):
            names = chance.sample(
                (
                    "name",
                    "amount",
                    "what",
                    "once",
                    "to",
                    "price",
                    "limit",
                    "they_may_owe",
                    "address",
                    "title",
                ),
                4,
            )
            fields = {name: chance.choice(NASTY) for name in names}
            path = path_of(route).replace(
                "/1", chance.choice(("/1", "/0", "/99999999999999999999", "/%00", "/a")), 1
            )
            answer = await browser.post(path, data={"form_token": token, **fields}, allow_redirects=False)
            await answer.read()
            assert answer.status < 500, (path, fields, answer.status)
        assert [entry for entry in logs if entry["log_level"] in ("error", "critical")] == []
