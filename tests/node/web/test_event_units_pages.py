"""What an event costs or gives, through the door: who was there, all names and amounts, recorded once. docs/pages.md 6.5; rule 5.11."""

from __future__ import annotations

import pytest

from node.services.acts import OPERATOR
from protocol.limits import DAY_MS
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_event_pages import posted, says
from tests.node.web.towns import Browser, form_token_of


async def held(oakvale: Oakvale, pays: str = "guests") -> tuple[str, Browser]:
    """Let Ana host it; Ben and Maud come. It is over. Return its address and Maud's browser."""
    path = await posted(oakvale, pays=pays, amount="1:00")
    for each in (oakvale.bens, await oakvale.town.browser_of(oakvale.maud)):
        await says(each, path, "yes")
    await oakvale.later(8 * DAY_MS)
    return path, await oakvale.town.browser_of(oakvale.maud)


async def checked(oakvale: Oakvale, path: str, *there: int, status: int = 200) -> str:
    page = await text(oakvale.browser, f"{path}/units")
    form = {"form_token": form_token_of(page), **{f"there-{no}": "yes" for no in there}}
    answer = await oakvale.browser.post(f"{path}/units", data=form, allow_redirects=False)
    assert answer.status == status
    return await answer.text()


@pytest.mark.parametrize(
    "pays, said, balances",
    [("guests", "You get 2 hours together.", (120, -60)), ("host", "You give 2 hours together.", (-120, 60))],
)
async def test_the_host_looks_over_all_names_and_amounts_and_records_them_once(
    oakvale: Oakvale, pays: str, said: str, balances: tuple[int, int]
) -> None:
    path, mauds = await held(oakvale, pays)
    assert "Who was there? Trading day" in words_of(await text(oakvale.browser, "/home"))
    assert "Who was there?" not in words_of(await text(oakvale.bens, "/home"))
    assert (await text(oakvale.browser, f"{path}/units")).count(" checked>") == 2
    page = await checked(oakvale, path, oakvale.ben.no, oakvale.maud.no)
    seen = words_of(page)
    each = "gives 1 hour" if pays == "guests" else "gets 1 hour"
    assert f"Ben {each} Maud {each}" in seen
    assert said in seen
    assert "Nothing has moved yet." in seen
    assert await oakvale.balance(oakvale.ben) == 0

    for _ in range(2):
        answer = await oakvale.browser.post(f"{path}/units/do", data=fields_of(page), allow_redirects=False)
        assert answer.status == 303
    assert (await oakvale.balance(oakvale.ana), await oakvale.balance(oakvale.ben)) == balances
    shown = words_of(await text(mauds, path))
    done = "gave 1 hour" if pays == "guests" else "got 1 hour"
    assert f"Recorded Ben {done} Maud {done} Your trade" in shown
    assert "Say who was there" not in words_of(await text(oakvale.browser, path))
    assert "Who was there?" not in words_of(await text(oakvale.browser, "/home"))
    assert "Trading day" in words_of(await text(oakvale.bens, "/statement"))


async def test_who_is_not_ticked_gives_nothing_and_somebody_has_to_be(oakvale: Oakvale) -> None:
    path, _ = await held(oakvale)
    assert "Please tick who was there." in await checked(oakvale, path, status=422)
    assert "Please tick who was there." in await checked(oakvale, path, oakvale.rosa.no, status=422)
    page = await checked(oakvale, path, oakvale.maud.no, oakvale.rosa.no)
    assert "Ben" not in words_of(page)
    assert "Rosa gives" not in words_of(page)
    await oakvale.browser.post(
        f"{path}/units/do", data={**fields_of(page), f"there-{oakvale.rosa.no}": "yes"}
    )
    assert [
        await oakvale.balance(each) for each in (oakvale.ana, oakvale.ben, oakvale.maud, oakvale.rosa)
    ] == [60, 0, -60, 0]


async def test_who_cannot_give_that_much_is_named_and_nobody_gives_anything(oakvale: Oakvale) -> None:
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.maud.no, 30, None, why="test")
    path, _ = await held(oakvale)
    page = await checked(oakvale, path, oakvale.ben.no, oakvale.maud.no)
    answer = await oakvale.browser.post(f"{path}/units/do", data=fields_of(page))
    assert "Maud cannot give or take that much now. Nothing was recorded." in words_of(await answer.text())
    assert await oakvale.balance(oakvale.ben) == 0


async def test_only_its_host_says_who_was_there_and_not_before_it_begins(oakvale: Oakvale) -> None:
    path = await posted(oakvale, pays="guests", amount="1:00")
    await says(oakvale.bens, path, "yes")
    assert (await oakvale.browser.get(f"{path}/units", allow_redirects=False)).status == 303
    await oakvale.later(8 * DAY_MS)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    for browser in (oakvale.bens, rosas):
        token = form_token_of(await text(browser, path))
        assert (await browser.get(f"{path}/units")).status == 403
        for act in ("units", "units/do"):
            form = {"form_token": token, f"there-{oakvale.ben.no}": "yes"}
            assert (await browser.post(f"{path}/{act}", data=form)).status == 403
    token = form_token_of(await text(oakvale.browser, path))
    await oakvale.later(40 * DAY_MS)
    token = form_token_of(await text(oakvale.browser, path))
    answer = await oakvale.browser.post(
        f"{path}/units/do",
        data={"form_token": token, f"there-{oakvale.ben.no}": "yes"},
        allow_redirects=False,
    )
    assert answer.headers["Location"].endswith("note=event-changed")
    assert await oakvale.balance(oakvale.ben) == 0
