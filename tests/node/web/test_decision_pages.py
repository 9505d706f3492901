"""Deciding together through the door: putting, voting, minutes, and who finds nothing there. docs/pages.md 7.2; rule 5.13."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from node.web.app import ROUTES
from protocol.limits import DAY_MS
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_group_event_pages import put as put_event
from tests.node.web.test_group_pages import about, does, started
from tests.node.web.towns import Browser, form_token_of, send

TYPED = {
    "title": "A mower", "text": "We buy one.\nFor 20 hours.", "way": "yes-no", "options": "", "voters": "group", "quorum": "", "secret": ""
}  # fmt: skip


def day_of(oakvale: Oakvale, days: int) -> str:
    return f"{datetime.fromtimestamp((oakvale.town.clock.now_ms() + days * DAY_MS) / 1000, UTC):%Y-%m-%d}"


async def typed(oakvale: Oakvale, browser: Browser, base: str, **changes: str) -> tuple[int, str]:
    """Put something, in a group or among the organisers; return the status, and its address or the page."""
    asked = f"?group={base.rpartition('/')[2]}" if base else ""
    page = await text(browser, f"/decisions/new{asked}")
    form = {**fields_of(page), **TYPED, "day": day_of(oakvale, 7), **changes}
    answer = await browser.post("/decisions/new", data=form, allow_redirects=False)
    if answer.status == 303:
        return 303, answer.headers["Location"].partition("?")[0]
    return answer.status, words_of(await answer.text())


async def put(oakvale: Oakvale, browser: Browser, base: str, **changes: str) -> str:
    status, path = await typed(oakvale, browser, base, **changes)
    assert status == 303, path
    return path


async def votes(browser: Browser, path: str, choice: str) -> int:
    return (await send(browser, f"{path}/vote", "/my", choice=choice)).status


async def closed(oakvale: Oakvale) -> None:
    """Let the last day end; the job has not come yet."""
    await oakvale.later(8 * DAY_MS)


async def test_a_group_decides_and_its_minutes_stay(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    await does(oakvale.bens, base, "join")
    path = await put(oakvale, oakvale.bens, base)
    assert "Please vote: A mower" in words_of(await text(oakvale.browser, "/home"))
    assert await votes(oakvale.browser, path, "no") == 303
    assert "Please vote: A mower" not in words_of(await text(oakvale.browser, "/home"))
    assert await votes(oakvale.browser, path, "yes") == 303
    assert await votes(oakvale.bens, path, "abstain") == 303
    assert await votes(oakvale.bens, path, "maybe") == 422
    page = words_of(await text(oakvale.bens, path))
    assert "You voted: I abstain. You can change it until the vote ends." in page
    assert "2 of 2" in page
    assert "Minutes" not in page  # nobody reads how it stands
    said = {**fields_of(await text(oakvale.browser, path)), "text": "Is it loud?"}
    assert (await oakvale.browser.post(f"{path}/say", data=said, allow_redirects=False)).status == 303
    assert (await send(oakvale.browser, f"{path}/say", path, text="")).status == 422
    assert (await send(oakvale.browser, f"{path}/minutes", "/my", words="early")).status == 409

    await closed(oakvale)
    before = words_of(await text(oakvale.browser, path))
    await oakvale.town.node.proposals.close_due()
    page = words_of(await text(oakvale.browser, path))
    assert page == before
    assert "The vote is over: A mower Agreed. See how the votes fell" in words_of(
        await text(oakvale.bens, "/home")
    )
    for shown in ("Agreed.", "2 of 2", "Who voted how", "Is it loud?", "Yes 1", "Abstained 1"):
        assert shown in page
    assert await votes(oakvale.browser, path, "no") == 409
    assert (await send(oakvale.bens, f"{path}/minutes", "/my", words="Not mine")).status == 409
    assert (await send(oakvale.browser, f"{path}/minutes", path, words="")).status == 422
    assert (await send(oakvale.browser, f"{path}/minutes", path, words="Ben buys it.")).status == 303
    assert (await send(oakvale.browser, f"{path}/minutes", "/my", words="Maud buys it.")).status == 409
    page = words_of(await text(oakvale.bens, path))
    assert "Ben buys it. Written by Ana" in page
    assert "Agreed. (Yes 1, No 0, Abstained 1)" in words_of(await text(oakvale.bens, f"{base}/decisions"))


async def test_options_in_secret_with_a_quorum(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    await does(oakvale.bens, base, "join")
    path = await put(
        oakvale, oakvale.browser, base, way="options", options="In the hall\n At home \n", secret="yes", quorum="2"
    )  # fmt: skip
    assert "In secret: once it is counted, who voted how is forgotten." in words_of(
        await text(oakvale.bens, path)
    )
    assert await votes(oakvale.browser, path, "2") == 303
    assert await votes(oakvale.bens, path, "yes") == 422
    assert await votes(oakvale.bens, path, "2") == 303
    await closed(oakvale)
    page = words_of(await text(oakvale.browser, path))
    assert "Chosen: At home" in page
    assert "Who voted how" not in page


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"day": ""}, "Please choose a day."),
        ({"day": "2001-01-01"}, "Please choose a day from today on."),
        ({"day": "2026-12-31"}, "Please choose a day within 90 days."),
        ({"way": "options", "options": "One"}, "Please write 2 to 6 different options"),
        ({"way": "options", "options": "One\nOne"}, "Please write 2 to 6 different options"),
        ({"way": "options", "options": "a\nb\nc\nd\ne\nf\ng"}, "Please write 2 to 6 different options"),
        ({"quorum": "0"}, "Please write a number, or leave it empty."),
        ({"quorum": "many"}, "Please write a number, or leave it empty."),
        ({"voters": "everybody"}, "Please choose one of the answers."),
        ({"title": ""}, "Please say in a few words what it is."),
    ],
)
async def test_what_cannot_be_put_is_said_at_its_field(
    oakvale: Oakvale, changes: dict[str, str], said: str
) -> None:
    status, page = await typed(oakvale, oakvale.browser, await started(oakvale), **changes)
    assert (status, said in page) == (422, True), page


async def test_organisers_decide_among_themselves_or_ask_all_members(oakvale: Oakvale) -> None:
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    own = await put(oakvale, rosas, "", voters="organisers", title="Quinces")
    every = await put(oakvale, rosas, "", voters="members", title="Medlars")
    assert (await typed(oakvale, rosas, "", voters="group"))[0] == 409
    listed = words_of(await text(oakvale.browser, "/decisions"))
    assert "Medlars" in listed
    assert "Quinces" not in listed
    assert "Quinces" in words_of(await text(rosas, "/decisions"))
    assert await votes(oakvale.browser, every, "yes") == 303
    for path, data in (
        (f"{own}/vote", {"choice": "yes"}),
        (f"{own}/say", {"text": "x"}),
        (f"{own}/withdraw", {}),
    ):
        assert (await send(oakvale.browser, path, "/my", **data)).status == 404
    assert (await oakvale.browser.get(own)).status == 404
    assert (await oakvale.browser.get("/decisions/new")).status == 403
    assert (await send(oakvale.browser, f"{every}/withdraw", "/my")).status == 409
    assert (await send(rosas, f"{every}/withdraw", every)).status == 303
    assert "Withdrawn" in words_of(await text(oakvale.browser, every))
    assert await votes(oakvale.browser, every, "no") == 409


@pytest.mark.parametrize("who", ["outside", "sent away", "organiser"])
async def test_what_a_closed_group_decides_opens_to_nobody_else(oakvale: Oakvale, who: str) -> None:
    """Rule 5.13: every page and every act of decisions, by address and by form."""
    base = await started(oakvale, "closed")
    if who == "sent away":
        await does(oakvale.bens, base, "ask")
        await about(oakvale, base, "accept", oakvale.ben.no)
    path = await put(oakvale, oakvale.browser, base, title="Qwertz", text="Asdfgh")
    if who == "sent away":
        assert await votes(oakvale.bens, path, "no") == 303
        await about(oakvale, base, "remove", oakvale.ben.no)
    browser = await oakvale.town.browser_of(oakvale.rosa) if who == "organiser" else oakvale.bens
    before = await oakvale.town.everything()
    token = form_token_of(await text(browser, "/my"))
    once = fields_of(await text(oakvale.browser, path))["once"]
    sent = {
        **TYPED, "form_token": token, "once": once, "choice": "yes", "words": "x", "day": day_of(oakvale, 7), "group": base.rpartition("/")[2],
    }  # fmt: skip
    routes = [each for each in ROUTES if "decisions" in each.path and each.path != "/decisions"]
    assert len(routes) == 11
    for route in routes:
        address = route.path.replace("/groups/{key}", base).replace("/decisions/{key}", path)
        asked = f"?group={base.rpartition('/')[2]}" if address == "/decisions/new" else ""
        answer = await browser.request(
            route.method,
            address + asked,
            data=sent if route.method == "POST" else None,
            allow_redirects=False,
        )
        page = await answer.text()
        assert answer.status in (403, 404), (route, answer.status)
        assert "Qwertz" not in page
        assert "Asdfgh" not in page
    assert "Qwertz" not in await text(browser, "/decisions")
    assert "Qwertz" not in await text(browser, "/home")
    assert await oakvale.town.everything() == before


async def test_whoever_acts_for_a_member_reads_nothing_of_their_groups(oakvale: Oakvale) -> None:
    """docs/pages.md 0.9: the first page is open while acting; what waits in closed groups is not on it."""
    base = await started(oakvale, "closed")
    await put(oakvale, oakvale.browser, base, title="Qwertz")
    await does(oakvale.bens, base, "ask")
    asdf = await put(oakvale, oakvale.browser, base, title="Asdfgh", day=day_of(oakvale, 1))
    await votes(oakvale.browser, asdf, "yes")
    await oakvale.later(2 * DAY_MS)
    await oakvale.town.node.proposals.close_due()
    event = await put_event(oakvale, base, "group", title="Yxcvbn")
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    page = await text(rosas, f"/desk/as/{oakvale.ana.no}")
    form = {**fields_of(page), "how": "phone", "why": "call back"}
    assert (await rosas.post(f"/desk/as/{oakvale.ana.no}", data=form, allow_redirects=False)).status == 303
    home = words_of(await text(rosas, "/home"))
    for hidden in ("Qwertz", "Asdfgh", "Yxcvbn", "asks to come into"):
        assert hidden not in home
    assert (await rosas.get(event)).status == 404
    assert "Yxcvbn" not in await text(rosas, "/calendar")
    anas = words_of(await text(oakvale.browser, "/home"))
    assert "Ben asks to come into" in anas
    assert "Please vote: Qwertz" in anas
    assert "Yxcvbn" in anas
    assert "Yxcvbn" in await text(oakvale.browser, "/calendar")


async def test_what_was_said_is_taken_back_by_whoever_said_it_or_reported(oakvale: Oakvale) -> None:
    base = await started(oakvale, "closed")
    await does(oakvale.bens, base, "ask")
    await about(oakvale, base, "accept", oakvale.ben.no)
    path = await put(oakvale, oakvale.browser, base)
    for said in ("Cheap mowers", "Fine mowers"):
        form = {**fields_of(await text(oakvale.bens, path)), "text": said}
        assert (await oakvale.bens.post(f"{path}/say", data=form, allow_redirects=False)).status == 303
    report = f"{path}/report?said=1"
    assert report not in await text(oakvale.bens, path)
    assert (await oakvale.bens.get(report)).status == 404  # one's own
    assert (await send(oakvale.browser, f"{path}/unsay", path, said="1")).status == 403
    for wrong in ("9", "x", ""):
        assert (await oakvale.browser.get(f"{path}/report?said={wrong}")).status == 404

    page = words_of(await text(oakvale.browser, report))
    assert "What Ben said about “A mower”" in page
    assert "They see with it what was said, and nothing else." in page
    assert (await send(oakvale.browser, report, report, text="")).status == 422
    assert (await send(oakvale.browser, report, report, text="An advert")).status == 303
    assert "You said so already." in words_of(
        await (await send(oakvale.browser, report, report, text="Again")).text()
    )
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert "What Ben said about a proposal" in words_of(await text(rosas, "/admin/reports"))
    page = words_of(await text(rosas, "/admin/reports/1"))
    for shown in ("Take it off the page", "A mower", "Cheap mowers"):
        assert shown in page
    assert "Fine mowers" not in page
    sent = await send(rosas, "/admin/reports/1/take-down", "/admin/reports/1", reason="An advert.")
    assert sent.status == 303
    assert "Cheap mowers" not in await text(oakvale.browser, path)
    assert "Rosa took this off: “An advert.” Only you still see it." in words_of(
        await text(oakvale.bens, path)
    )
    assert (await oakvale.browser.get(report)).status == 404

    await closed(oakvale)  # also when the vote is over
    for no in ("1", "2", "2"):
        assert (await send(oakvale.bens, f"{path}/unsay", "/my", said=no)).status == 303
    assert "mowers" not in await text(oakvale.bens, path)
