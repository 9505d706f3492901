"""Events of groups through the door: put, read, come to, and hidden from whoever is not in it. docs/pages.md 7.2; rule 5.12."""

from __future__ import annotations

from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_calendar_feed import press, read
from tests.node.web.test_event_pages import TYPED, day_of, says
from tests.node.web.test_group_pages import does, started
from tests.node.web.towns import Browser, send


async def put(oakvale: Oakvale, base: str, who: str, **changes: str) -> str:
    """Put an event for a group as Ana; return its address."""
    page = await checked(oakvale, base, who=who, **changes)
    answer = await oakvale.browser.post("/events/post", data=fields_of(page), allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"].partition("?")[0]


async def checked(oakvale: Oakvale, base: str, status: int = 200, **changes: str) -> str:
    page = await text(oakvale.browser, f"/events/new?group={base.rpartition('/')[2]}")
    form = {**fields_of(page), **TYPED, "day": day_of(oakvale, 7), **changes}
    answer = await oakvale.browser.post("/events/check", data=form)
    assert answer.status == status
    return await answer.text()


async def test_an_event_for_the_group_alone(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    assert await does(oakvale.bens, base, "join") == 303
    assert "Put an event for the group" in words_of(await text(oakvale.browser, base))
    assert "Put an event" not in words_of(await text(mauds, base))
    page = words_of(await checked(oakvale, base, who="group"))
    assert "Only those in “Bread” see it, and only they may come." in page
    path = await put(oakvale, base, "group")

    for where in ("/calendar", base):
        assert "Trading day" in words_of(await text(oakvale.bens, where))
        assert "With soup." not in words_of(await text(mauds, where))
        assert path not in await text(mauds, where)
    shown = words_of(await text(oakvale.bens, path))
    assert "Of the group Bread . Only those in it see this, and only they may come." in shown
    assert "You have a place." in await says(oakvale.bens, path, "yes")
    feeds = await press(oakvale.bens, "renew")
    for feed in feeds.values():
        assert "Trading day" in await read(oakvale, feed)
    await outside_find_nothing(oakvale, mauds, path)

    assert await does(oakvale.bens, base, "leave") == 303
    for feed in feeds.values():
        assert "Trading day" not in await read(oakvale, feed)
    await outside_find_nothing(oakvale, oakvale.bens, path)
    assert "Trading day" not in words_of(await text(oakvale.bens, "/home"))


async def outside_find_nothing(oakvale: Oakvale, browser: Browser, path: str) -> None:
    """Whoever is not in the group finds nothing there and does nothing there; nor do visitors."""
    for where in (path, f"{path}/calendar", f"{path}/edit", f"{path}/cancel", f"{path}/units"):
        assert (await browser.get(where)).status == 404, where
        assert (await oakvale.town.browser().get(where, allow_redirects=False)).status in (303, 404), where
    for where, form in (
        ("answer", {"comes": "yes"}), ("say", {"text": "Me too", "once": "A" * 22}), ("unsay", {"comment": "1"}),
        ("edit", TYPED), ("cancel", {"reason": "No"}),
    ):  # fmt: skip
        sent = await send(browser, f"{path}/{where}", "/my", **form)
        # Nothing of it is there to be taken away: the way back leads to the page that is not there.
        assert sent.status == (303 if where == "unsay" else 404), where
    feed = (await press(browser, "renew"))["all"]
    assert "Trading day" not in await read(oakvale, feed)


async def test_one_for_all_names_its_group_and_a_keeper_changes_it(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    await does(oakvale.bens, base, "join")
    mauds = await oakvale.town.browser_of(oakvale.maud)
    path = await put(oakvale, base, "all")
    assert "Trading day Bread Village hall" in words_of(await text(mauds, "/calendar"))
    assert "Only those in it" not in words_of(await text(mauds, path))
    assert "You have a place." in await says(mauds, path, "yes")
    assert (await oakvale.bens.get(f"{path}/cancel")).status == 403
    await send(oakvale.browser, f"{base}/people", "/my", act="raise", who=str(oakvale.ben.no))
    page = await text(oakvale.bens, f"{path}/edit")
    assert 'name="who"' not in page
    answer = await oakvale.bens.post(
        f"{path}/edit", data={**fields_of(page), **TYPED, "day": day_of(oakvale, 8), "title": "Baking day"},
        allow_redirects=False,
    )  # fmt: skip
    assert answer.status == 303, await answer.text()
    assert "Baking day" in words_of(await text(mauds, path))


async def test_what_is_for_the_group_alone_stays_so_when_it_is_changed(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    path = await put(oakvale, base, "group")
    page = await text(oakvale.browser, f"{path}/edit")
    assert 'name="public"' not in page
    sent = {**fields_of(page), **TYPED, "day": day_of(oakvale, 8), "public": "yes", "who": "all"}
    assert (await oakvale.browser.post(f"{path}/edit", data=sent, allow_redirects=False)).status == 303
    assert (await oakvale.bens.get(path)).status == 404
    assert (await oakvale.town.browser().get(path)).status == 404


async def test_what_does_not_fit_is_said_and_of_other_groups_nothing_is_put(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    page = words_of(await checked(oakvale, base, 422, who="group", public="yes"))
    assert "What is only for those in the group, visitors cannot read." in page
    assert "An event of the group “Bread”" in page
    await checked(oakvale, base, 422, who="")
    key = base.rpartition("/")[2]
    for wrong in (key, "00" * 16, "xyz"):
        assert (await oakvale.bens.get(f"/events/new?group={wrong}")).status == 404
    page = await checked(oakvale, base, who="group")
    form = {**fields_of(page), "form_token": fields_of(await text(oakvale.bens, "/events/new"))["form_token"]}
    for where in ("check", "change", "post"):
        assert (await oakvale.bens.post(f"/events/{where}", data=form)).status == 404, where
