"""How a lent thing was, in pictures: by either side, for both, and for organisers while one of the two complains. Rule 5.9; docs/pages.md 7.2."""

from __future__ import annotations

from aiohttp import FormData

from node.pictures.limits import CONDITION_KEPT_MS
from node.services.picture_rows import pictures_of_booking
from protocol.limits import CONDITION_PICTURES_MAX
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.test_afterwards_pages import complained
from tests.node.web.test_booking_pages import DRILL, LENT, asked, done, posted
from tests.node.web.test_picture_pages import pictures_in, rows, status
from tests.node.web.towns import Browser, form_token_of
from tests.picture_files import CAMERA, photo, photo_with_notes


async def send(
    browser: Browser, booking: str, data: bytes = b"", words: str = "", token: str = ""
) -> tuple[int, str]:
    """Send a picture of how a thing is; return the status and the page."""
    token = token or form_token_of(await text(browser, booking))
    form = FormData({"form_token": token, "words": words}, default_to_multipart=True)
    form.add_field("picture", data, filename="../drill.jpg", content_type="image/jpeg")
    answer = await browser.post(f"{booking}/picture", data=form, allow_redirects=False)
    return answer.status, await answer.text()


async def lent(oakvale: Oakvale) -> str:
    """Let Ben have Ana's drill; return the address of the booking."""
    where = await posted(oakvale.browser, DRILL, LENT)
    return await asked(oakvale, oakvale.bens, where, 1, 2)


async def test_both_sides_show_how_it_was_and_nobody_else_sees_it(oakvale: Oakvale) -> None:
    booking = await lent(oakvale)
    assert "How it looks" not in words_of(await text(oakvale.browser, booking))
    assert (await send(oakvale.browser, booking, photo()))[0] == 404  # not agreed to yet
    await done(oakvale.browser, booking, "yes")
    assert (await send(oakvale.browser, booking, photo_with_notes(), "One battery is weak"))[0] == 303
    await done(oakvale.browser, booking, "handed-over")
    assert (await send(oakvale.bens, booking, photo(seed=3)))[0] == 303

    page = await text(oakvale.bens, booking)
    shown = [(src, words) for src, words in pictures_in(page) if "/pictures/" in src]
    assert [words for _, words in shown] == ["One battery is weak", "Picture 1, larger"]
    assert "Ana, " in words_of(page)
    first = shown[0][0]
    for browser in (oakvale.browser, oakvale.bens):
        answer = await browser.get(first)
        assert answer.headers["Content-Type"] == "image/webp"
        assert CAMERA.encode() not in await answer.read()
    mauds, rosas = await oakvale.town.browser_of(oakvale.maud), await oakvale.town.browser_of(oakvale.rosa)
    for browser in (mauds, rosas):
        assert await status(browser, first) == 404
    assert await status(oakvale.town.browser(), first) == 303
    # Nor by another door, nor as a picture of a listing.
    no = first.split("/")[-2]
    assert await status(oakvale.bens, f"/my/pictures/{no}/page") == 404
    assert await status(oakvale.bens, first.replace("/my/bookings/1/", "/my/bookings/2/")) == 404
    assert "How it looks" not in await text(rosas, "/admin/complaints")

    # While one of the two complains, organisers see it; not before, and not afterwards.
    _, complaint = await complained(oakvale, "The drill came back broken.")
    assert "How what they lent looked" in words_of(await text(rosas, complaint))
    there = f"{complaint}/pictures/{no}/page"
    assert await status(rosas, there) == 200
    assert await status(rosas, f"{complaint}/pictures/{int(no) + 7}/page") == 404
    assert await status(oakvale.bens, there) == 403
    page = await text(rosas, complaint)
    closed = await rosas.post(
        f"{complaint}/close",
        data={"form_token": form_token_of(page), "words": "Settled."},
        allow_redirects=False,
    )
    assert closed.status == 303
    assert await status(rosas, there) == 404
    assert "How what they lent looked" not in words_of(await text(rosas, complaint))


async def test_what_is_no_picture_or_too_much_or_anothers_is_refused(oakvale: Oakvale) -> None:
    booking = await lent(oakvale)
    await done(oakvale.browser, booking, "yes")
    store = oakvale.town.node.store
    for data, said in (
        (b"", "Please choose a picture."),
        (b'<svg onload="alert(1)"/>', "This is no picture that we can read."),
        (photo(400, 300)[:-3_000], "cannot be read to its end"),
    ):
        code, page = await send(oakvale.bens, booking, data, "Kept words")
        assert (code, said in words_of(page), "Kept words" in page) == (422, True, True)
    assert (await send(oakvale.bens, booking, photo(), token="x"))[0] == 403
    mauds = await oakvale.town.browser_of(oakvale.maud)
    mine = form_token_of(await text(mauds, "/post"))
    assert (await send(mauds, booking, photo(), token=mine))[0] == 404
    assert await store.read(rows) == []

    for seed in range(CONDITION_PICTURES_MAX):
        assert (await send(oakvale.bens, booking, photo(seed=seed)))[0] == 303
    code, page = await send(oakvale.bens, booking, photo(seed=9))
    assert (code, "as many as there may be" in words_of(page)) == (422, True)
    assert (await send(oakvale.browser, booking, photo(seed=9)))[0] == 303  # the other side has its own

    # Kept while it is out, and for a while afterwards.
    number = int(booking.rpartition("/")[2])
    await done(oakvale.browser, booking, "handed-over")
    for ms, left in ((CONDITION_KEPT_MS, 5), (0, 5), (CONDITION_KEPT_MS, 0)):
        await oakvale.later(ms)
        await oakvale.town.node.pictures.drop_unused()
        assert len(await store.read(pictures_of_booking, number)) == left
        if ms and left:
            await done(oakvale.browser, booking, "back")
