"""Groups through the door: started, joined, kept; their boards; and that closed ones are closed. docs/pages.md 7.2; rule 5.12."""

from __future__ import annotations

import pytest

from node.web.app import ROUTES
from node.web.context import Route
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.towns import Browser, form_token_of, send


async def started(oakvale: Oakvale, door: str = "open", name: str = "Bread") -> str:
    """Start a group as Ana; return its address."""
    page = await text(oakvale.browser, "/groups/new")
    form = {**fields_of(page), "name": name, "purpose": "We bake.", "door": door}
    answer = await oakvale.browser.post("/groups/new", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"].partition("?")[0]


async def does(browser: Browser, base: str, act: str) -> int:
    """Do something about one's own place; return the status."""
    return (await send(browser, f"{base}/membership", base, act=act)).status


async def about(oakvale: Oakvale, base: str, act: str, who: int) -> int:
    """Do something about somebody as Ana; return the status."""
    return (await send(oakvale.browser, f"{base}/people", "/my", act=act, who=str(who))).status


async def noted(browser: Browser, base: str, title: str = "Yeast") -> str:
    """Pin a note to the board; return its address."""
    form = {**fields_of(await text(browser, base)), "title": title, "text": "Who has some?\nI bring a jar."}
    answer = await browser.post(f"{base}/notes", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    page = await text(browser, base)
    return f"{base}/notes/" + page.split(f'href="{base}/notes/')[1].split('"')[0]


async def answered(browser: Browser, note: str, said: str) -> None:
    form = {**fields_of(await text(browser, note)), "text": said}
    answer = await browser.post(f"{note}/answer", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()


async def test_an_open_group_from_its_start_to_its_end(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    assert "Bread" in words_of(await text(oakvale.bens, "/groups"))
    page = words_of(await text(oakvale.bens, base))
    assert "We bake." in page
    assert "Kept by Ana." in page
    assert "Pin a note" not in page
    assert await does(oakvale.bens, base, "ask") == 409
    assert await does(oakvale.bens, base, "join") == 303
    note = await noted(oakvale.bens, base)
    await answered(oakvale.browser, note, "I have.")
    page = words_of(await text(oakvale.bens, note))
    assert "I bring a jar." in page
    assert "I have." in page
    assert "1 answer" in words_of(await text(oakvale.bens, base))
    assert (await send(oakvale.bens, f"{note}/answer", note, text="")).status == 422
    page = await text(oakvale.bens, base)
    empty = {**fields_of(page), "title": "", "text": "x"}
    assert (await oakvale.bens.post(f"{base}/notes", data=empty)).status == 422

    assert "Leave" not in words_of(await text(oakvale.browser, base)).replace("Leaves", "")
    assert await does(oakvale.browser, base, "leave") == 409  # somebody has to keep it
    assert await about(oakvale, base, "raise", oakvale.ben.no) == 303
    assert await does(oakvale.browser, base, "leave") == 303
    assert "Kept by Ben." in words_of(await text(oakvale.browser, base))
    assert (await oakvale.browser.get(f"{base}/edit")).status == 403
    assert await does(oakvale.bens, base, "leave") == 303
    assert (await oakvale.bens.get(base)).status == 404
    assert "There is no group yet." in words_of(await text(oakvale.bens, "/groups"))


async def test_a_keeper_is_asked_on_the_first_page_and_says_yes_or_no(oakvale: Oakvale) -> None:
    base = await started(oakvale, "closed")
    assert await does(oakvale.bens, base, "join") == 409
    assert await does(oakvale.bens, base, "ask") == 303
    assert "Ben asks to come into “Bread”" in words_of(await text(oakvale.browser, "/home"))
    assert "1 person asks to come in." in words_of(await text(oakvale.browser, base))
    assert await about(oakvale, base, "decline", oakvale.ben.no) == 303
    assert "You are not in this group." in words_of(await text(oakvale.bens, base))
    assert await does(oakvale.bens, base, "ask") == 303
    assert await about(oakvale, base, "accept", oakvale.ben.no) == 303
    assert await about(oakvale, base, "accept", oakvale.ben.no) == 409
    assert "Notice board" in words_of(await text(oakvale.bens, base))
    assert await about(oakvale, base, "remove", oakvale.ben.no) == 303
    assert "Notice board" not in words_of(await text(oakvale.bens, base))
    for act, who in (("leave", str(oakvale.ana.no)), ("fly", "1"), ("raise", "x")):
        sent = await send(oakvale.browser, f"{base}/people", "/my", act=act, who=who)
        assert sent.status == 404
    assert await does(oakvale.browser, base, "accept") == 404


def board_routes() -> list[Route]:
    return [each for each in ROUTES if each.path.startswith("/groups/{key}/") and each.path != "/groups/{key}/membership"]  # fmt: skip


@pytest.mark.parametrize("who", ["outside", "asking", "declined", "sent away", "organiser"])
async def test_nothing_of_a_closed_board_opens_to_who_is_not_in_it(oakvale: Oakvale, who: str) -> None:
    """Rule 5.12: every page and every act, by address and by form; an organiser has no key to it either."""
    base = await started(oakvale, "closed")
    note = await noted(oakvale.browser, base, "Qwertz")
    await answered(oakvale.browser, note, "Asdfgh")
    browser = await oakvale.town.browser_of(oakvale.rosa) if who == "organiser" else oakvale.bens
    if who in ("asking", "declined", "sent away"):
        await does(browser, base, "ask")
    if who == "sent away":
        await about(oakvale, base, "accept", oakvale.ben.no)
        assert "Qwertz" in await text(browser, note)
    if who in ("declined", "sent away"):
        await about(oakvale, base, "decline" if who == "declined" else "remove", oakvale.ben.no)
    before = await oakvale.town.everything()
    token = form_token_of(await text(browser, "/my"))
    fields = {
        "form_token": token, "once": fields_of(await text(oakvale.browser, note))["once"], "title": "x", "text": "x", "name": "x",
        "purpose": "x", "door": "closed", "act": "take-off", "answer": "", "reason": "x", "who": str(oakvale.ben.no),
    }  # fmt: skip
    assert len(board_routes()) > 9
    for route in board_routes():
        path = route.path.replace("/groups/{key}", base).replace("{number}", note.rpartition("/")[2])
        sent = fields if route.method == "POST" else None
        for act in ("take-off", "pin", "accept", "raise") if sent else ("",):
            answer = await browser.request(
                route.method, path, data=sent and {**sent, "act": act}, allow_redirects=False
            )
            said = await answer.text()
            assert answer.status in (403, 404), (route, answer.status)
            assert "Qwertz" not in said
            assert "Asdfgh" not in said
    page = await text(browser, base)
    assert "Qwertz" not in page
    assert oakvale.browser is not browser
    after = await oakvale.town.everything()
    assert {name for name in after if after[name] != before[name]} == set()


async def test_a_note_of_one_group_does_not_open_through_another(oakvale: Oakvale) -> None:
    closed, own = await started(oakvale, "closed"), await started(oakvale, "open", "Menders")
    note = await noted(oakvale.browser, closed, "Qwertz")
    await does(oakvale.bens, own, "join")
    path = f"{own}/notes/{note.rpartition('/')[2]}"
    assert (await oakvale.bens.get(path)).status == 404
    assert (
        await send(oakvale.bens, f"{path}/change", own, act="take-off", answer="", reason="x")
    ).status == 404


async def test_a_keeper_takes_off_with_a_reason_and_its_author_reads_it(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    await does(oakvale.bens, base, "join")
    note = await noted(oakvale.bens, base, "Cheap ovens")
    await answered(oakvale.bens, note, "Very cheap")
    mauds = await oakvale.town.browser_of(oakvale.maud)
    off = {"act": "take-off", "answer": ""}
    assert (await send(mauds, f"{note}/change", "/my", **off, reason="x")).status == 403
    assert (await send(mauds, f"{note}/change", "/my", act="pin", answer="", reason="")).status == 403
    assert (await send(oakvale.browser, f"{note}/change", note, **off, reason="")).status == 422
    assert (
        await send(oakvale.browser, f"{note}/change", note, act="pin", answer="", reason="")
    ).status == 303
    assert "Pinned" in words_of(await text(mauds, base))
    assert (await send(oakvale.browser, f"{note}/change", note, **off, reason="An advert.")).status == 303
    assert "Cheap ovens" not in await text(mauds, base)
    assert (await mauds.get(note)).status == 404
    assert "Ana took this off: “An advert.” Only you still see it." in words_of(
        await text(oakvale.bens, base)
    )
    assert (await send(oakvale.bens, f"{note}/change", note, **off, reason="")).status == 303
    assert (await oakvale.bens.get(note)).status == 404


async def test_a_note_is_reported_and_an_organiser_takes_it_off(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    await does(oakvale.bens, base, "join")
    note = await noted(oakvale.bens, base, "Cheap ovens")
    assert (await oakvale.bens.get(f"{note}/report")).status == 404  # one's own
    page = words_of(await text(oakvale.browser, f"{note}/report"))
    assert "They see with it what was written, and nothing else of the group." in page
    assert (await send(oakvale.browser, f"{note}/report", f"{note}/report", text="")).status == 422
    assert (await send(oakvale.browser, f"{note}/report", f"{note}/report", text="An advert")).status == 303
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert "What Ben wrote in a group" in words_of(await text(rosas, "/admin/reports"))
    page = words_of(await text(rosas, "/admin/reports/1"))
    assert "Take it off the board" in page
    assert "Cheap ovens" in page
    sent = await send(rosas, "/admin/reports/1/take-down", "/admin/reports/1", reason="An advert.")
    assert sent.status == 303
    assert "Cheap ovens" not in await text(oakvale.browser, base)
    assert "Rosa took this off: “An advert.”" in words_of(await text(oakvale.bens, base))


async def test_who_shut_somebodys_conversation_reads_nothing_of_theirs_on_boards(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    await does(oakvale.bens, base, "join")
    note = await noted(oakvale.bens, base, "Of Ben")
    own = await noted(oakvale.browser, base, "Of Ana")
    await answered(oakvale.bens, own, "Ben's answer")
    new = f"/messages/new?to={oakvale.ana.number}"
    form = {**fields_of(await text(oakvale.bens, new)), "text": "Hello"}
    answer = await oakvale.bens.post(new, data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    thread = (await text(oakvale.browser, "/messages")).split('href="/messages/')[1].split('"')[0]
    sent = await send(oakvale.browser, f"/messages/{thread}/block", f"/messages/{thread}", blocked="yes")
    assert sent.status == 303
    assert "Of Ben" not in await text(oakvale.browser, base)
    assert (await oakvale.browser.get(note)).status == 404
    assert "Ben&#39;s answer" not in await text(oakvale.browser, own)
    assert "Ben&#39;s answer" in await text(oakvale.bens, own)


async def test_a_closed_group_stays_closed_and_an_open_one_can_be_closed(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    form = {"name": "Rye", "purpose": "Only rye."}
    assert (await send(oakvale.browser, f"{base}/edit", f"{base}/edit", **form, door="closed")).status == 303
    assert "Who may come in?" not in await text(oakvale.browser, f"{base}/edit")
    assert (await send(oakvale.browser, f"{base}/edit", f"{base}/edit", **form, door="open")).status == 409
    page = words_of(await text(oakvale.bens, base))
    assert "Only rye." in page
    assert "Notice board" not in page
    assert (await send(oakvale.browser, f"{base}/edit", f"{base}/edit", name="", purpose="", door="")).status == 422  # fmt: skip
