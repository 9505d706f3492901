"""The picture of a member: sent and taken away on their own page, seen by members alone. docs/pages.md 7.2 (`/my/profile`)."""

from __future__ import annotations

from aiohttp import FormData

from node.services.picture_rows import portrait_of
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.test_picture_pages import pictures_in, rows, status
from tests.node.web.towns import Browser, form_token_of
from tests.picture_files import CAMERA, photo, photo_with_notes


async def send(browser: Browser, data: bytes, token: str = "", **fields: str) -> tuple[int, str]:
    token = token or form_token_of(await text(browser, "/my/profile"))
    form = FormData({"form_token": token, **fields}, default_to_multipart=True)
    form.add_field("picture", data, filename="me.jpg")
    answer = await browser.post("/my/portrait", data=form, allow_redirects=False)
    return answer.status, words_of(await answer.text())


async def test_members_see_it_until_its_owner_changes_it_or_takes_it_away(oakvale: Oakvale) -> None:
    ana, store = oakvale.ana, oakvale.town.node.store
    assert (await send(oakvale.browser, photo_with_notes()))[0] == 303
    ((src, words),) = pictures_in(await text(oakvale.bens, f"/people/{ana.no}"))
    assert words == ""  # the name stands beside it
    answer = await oakvale.bens.get(src)
    assert answer.headers["Content-Type"] == "image/webp"
    assert CAMERA.encode() not in await answer.read()
    assert await status(oakvale.town.browser(), src) == 303
    assert await status(oakvale.bens, src.replace(f"/people/{ana.no}/", f"/people/{oakvale.ben.no}/")) == 404
    # Nobody puts it into a listing, and no job throws it away.
    oakvale.town.clock.now += 400 * 86_400_000
    await oakvale.town.node.pictures.drop_unused()
    assert await store.read(portrait_of, ana.no) is not None
    oakvale.browser, oakvale.bens = (
        await oakvale.town.browser_of(ana),
        await oakvale.town.browser_of(oakvale.ben),
    )

    assert (await send(oakvale.browser, photo(seed=5)))[0] == 303
    ((src, _),) = pictures_in(await text(oakvale.bens, f"/people/{ana.no}"))
    changed = await oakvale.bens.get(src, headers={"If-None-Match": answer.headers["ETag"]})
    assert (changed.status, changed.headers["Cache-Control"]) == (200, "private, no-cache")
    assert len(await store.read(rows)) == 1
    ((now, _),) = pictures_in(await text(oakvale.bens, f"/people/{ana.no}"))
    assert (await send(oakvale.browser, b"", do="remove"))[0] == 303
    assert await status(oakvale.bens, now) == 404
    assert await store.read(rows) == []


async def test_what_is_no_picture_or_comes_from_elsewhere_changes_nothing(oakvale: Oakvale) -> None:
    store = oakvale.town.node.store
    for data, said in (
        (b"", "Please choose a picture."),
        (b"<svg/>", "no picture that we can read"),
        (photo()[:300], "to its end"),
    ):
        code, page = await send(oakvale.browser, data)
        assert (code, said in page) == (422, True)
    assert (await send(oakvale.browser, photo(), token="x"))[0] == 403
    theirs = form_token_of(await text(oakvale.bens, "/my/profile"))
    assert (await send(oakvale.browser, photo(), token=theirs))[0] == 403
    assert await store.read(rows) == []
