"""Pictures of listings through the door: sent while posting, put in order, shown with the listing and no longer. Rule 5.7; docs/pages.md 7.2, 8.2."""

from __future__ import annotations

import html
import re

import pytest
from aiohttp import FormData
from sqlalchemy import select

from node.pictures.limits import PICTURE_SENT_BYTES_MAX, PICTURE_UNUSED_MS
from node.services import pictures as service
from node.services.own_listings import listings_of
from node.store import ReadTx
from node.store.schema import pictures as schema
from protocol.names import ItemKey
from protocol.pictures import picture_name
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_member_listing_pages import PRICE, WHAT, step
from tests.node.web.towns import Browser
from tests.picture_files import CAMERA, opened, photo, photo_with_notes


async def send(
    browser: Browser, page: str, data: bytes = b"", name: str = "jam.jpg", kind: str = "image/jpeg", status: int = 200, **fields: str
) -> str:  # fmt: skip
    """Send step 1 as a browser does, with a file; return the page that follows."""
    form = FormData({**fields_of(page), **WHAT, **fields}, default_to_multipart=True)
    form.add_field("picture", data, filename=name, content_type=kind)
    answer = await browser.post("/post", data=form)
    body = await answer.text()
    assert answer.status == status, words_of(body)
    return body


async def publish(browser: Browser, first: str, **fields: str) -> str:
    """Go on from step 1 to the end; return the listing's name in addresses."""
    second = await send(browser, first, **fields)
    third = await step(browser, second, "/post/price", **PRICE)
    answer = await browser.post("/post/publish", data=fields_of(third), allow_redirects=False)
    assert answer.status == 303, words_of(await answer.text())
    return answer.headers["Location"].removeprefix("/l/").partition("?")[0]


async def posted(oakvale: Oakvale, *words: str) -> str:
    """Publish a listing of Ana's with a picture for each of `words`."""
    page = await text(oakvale.browser, "/post")
    said: dict[str, str] = {}
    for place, each in enumerate(words, start=1):
        page = await send(oakvale.browser, page, photo(seed=sum(each.encode())), do="add", words=each, **said)
        said[f"words_{place}"] = each
    return await publish(oakvale.browser, page, **said)


def rows(tx: ReadTx) -> list[tuple[int, bytes | None, bytes]]:
    return [
        tuple(row)
        for row in tx.all(select(schema.picture.c.no, schema.picture.c.item_key, schema.picture.c.full))
    ]


def pictures_in(page: str) -> list[tuple[str, str]]:
    """Return where each picture of a page is, and its words."""
    found = re.findall(r'<img[^>]* src="([^"]+)" width="\d+" height="\d+"[^>]* alt="([^"]*)"', page)
    return [(src, html.unescape(words)) for src, words in found]


async def status(browser: Browser, path: str) -> int:
    return (await browser.get(path, allow_redirects=False)).status


async def test_a_picture_is_sent_described_put_in_order_and_shown(oakvale: Oakvale) -> None:
    """Three kinds of file, in the order of the buttons; without a script; what was typed stays."""
    store = oakvale.town.node.store
    page = await text(oakvale.browser, "/post")
    assert "What is on the picture?" in words_of(page)
    page = await send(oakvale.browser, page, photo_with_notes(), do="add", words="Four jars")
    assert "Baked on Fridays." in page
    assert len(await store.read(rows)) == 1
    # Going on takes along a picture that was chosen but not added.
    page = await send(oakvale.browser, page, photo(kind="PNG", seed=2), do="add", words_1="Four jars of jam")
    page = await send(oakvale.browser, page, do="earlier_2", words_1="Four jars of jam", words_2="A tree")
    assert [words for _, words in pictures_in(page)] == ["A tree", "Four jars of jam"]
    page = await send(
        oakvale.browser,
        page,
        photo(kind="WEBP", seed=3),
        do="add",
        words_1="A tree",
        words_2="Four jars of jam",
    )
    page = await send(oakvale.browser, page, do="remove_1", words_1="A tree", words_2="Four jars of jam")
    assert [words for _, words in pictures_in(page)] == ["Four jars of jam", ""]

    name = await publish(oakvale.browser, page, words_1="Four jars of jam")

    (owned,) = await store.read(listings_of, oakvale.ana.no)
    first, second = owned.listing.content.pictures
    assert (first.words, second.words) == ("Four jars of jam", "")
    for browser in (oakvale.browser, oakvale.bens, oakvale.town.browser()):
        shown = pictures_in(await text(browser, f"/l/{name}"))
        assert [words for _, words in shown] == ["Four jars of jam", "Picture 2, larger"]
        answer = await browser.get(shown[0][0])
        assert answer.headers["Content-Type"] == "image/webp"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "img-src 'self' data:" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "private, max-age=86400"
        data = await answer.read()
        assert CAMERA.encode() not in data
        assert opened(data).format == "WEBP"
        again = await browser.get(shown[0][0], headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304
    full = await (await oakvale.bens.get(shown[0][0].replace("/page", "/full"))).read()
    assert picture_name(full) == first.full
    small = await (await oakvale.bens.get(shown[0][0].replace("/page", "/small"))).read()
    assert picture_name(small) == first.thumbnail
    found = await text(oakvale.bens, "/find?q=sourdough")
    assert '/small" width="88" height="88" loading="lazy" alt="Four jars of jam"' in found


async def test_a_listings_pictures_are_shown_to_whoever_may_read_it_and_gone_with_it(
    oakvale: Oakvale,
) -> None:
    """Hidden: for its owner alone; within the scheme: for members; taken down: for nobody, and not kept."""
    name = await posted(oakvale, "Bread")
    ((src, _),) = pictures_in(await text(oakvale.browser, f"/l/{name}"))
    visitor, market = oakvale.town.browser(), oakvale.town.node.market
    (owned,) = await oakvale.town.node.store.read(listings_of, oakvale.ana.no)
    key = ItemKey(owned.listing.key)

    async def seen() -> list[int]:
        return [await status(browser, src) for browser in (oakvale.browser, oakvale.bens, visitor)]

    assert await seen() == [200, 200, 200]
    await market.share(key, shared=False)
    assert await seen() == [200, 200, 404]
    await market.hide(key)
    assert await seen() == [200, 404, 404]
    await market.show(key)
    assert await seen() == [200, 200, 404]
    # Under another listing's address, in a size there is not, or under another name there is none.
    other = await posted(oakvale, "Cake")
    for wrong in (
        src.replace(name, other),
        src.replace("/page", "/huge"),
        src.replace("/page", "x/page"),
        src.replace(name, "x"),
    ):
        assert await status(oakvale.bens, wrong) == 404
    await market.withdraw(key)
    assert await seen() == [404, 404, 404]
    assert [row[1] for row in await oakvale.town.node.store.read(rows)] != [key]
    assert len(await oakvale.town.node.store.read(rows)) == 1  # the cake's


async def test_changing_a_listing_keeps_and_drops_pictures(oakvale: Oakvale) -> None:
    name = await posted(oakvale, "Bread", "Oven")
    page = await text(oakvale.browser, f"/post?listing={name}")
    assert [words for _, words in pictures_in(page)] == ["Bread", "Oven"]
    page = await send(oakvale.browser, page, do="remove_1", words_1="Bread", words_2="Oven")
    assert len(await oakvale.town.node.store.read(rows)) == 2  # nothing is changed before it is published
    await publish(oakvale.browser, page, words_1="My oven")
    (owned,) = await oakvale.town.node.store.read(listings_of, oakvale.ana.no)
    assert [each.words for each in owned.listing.content.pictures] == ["My oven"]
    ((_, key, _),) = await oakvale.town.node.store.read(rows)
    assert key == owned.listing.key


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.parametrize(
    "data, name, kind, said",
    [
        (SVG, "jam.jpg", "image/jpeg", "This is no picture that we can read."),
        (b"<!doctype html><script>alert(1)</script>", "jam.png.html", "image/png", "This is no picture that we can read."),
        (b"#!/bin/sh\n", "../../../../etc/cron.d/x", "image/jpeg", "This is no picture that we can read."),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "IMG_1.HEIC", "image/heic", "save it as JPEG"),
        (photo(400, 300)[:-3_000], "jam.jpg", "image/jpeg", "cannot be read to its end"),
        (photo() + b"\0" * PICTURE_SENT_BYTES_MAX, "jam.jpg", "image/jpeg", "larger than 12 MB"),
    ],
    ids=["svg", "page", "path", "heic", "cut", "long"],
)  # fmt: skip
async def test_what_is_no_picture_is_refused_in_words_and_nothing_is_kept(
    oakvale: Oakvale, data: bytes, name: str, kind: str, said: str
) -> None:
    page = await text(oakvale.browser, "/post")
    page = await send(oakvale.browser, page, data, name, kind, 422, do="add", words="Jam")
    assert said in words_of(page)
    assert "Baked on Fridays." in page
    assert await oakvale.town.node.store.read(rows) == []


async def test_a_files_name_and_kind_count_for_nothing(oakvale: Oakvale) -> None:
    """A path, two endings, no name: what is in it decides, and none of it is kept."""
    page = await text(oakvale.browser, "/post")
    for place, name in enumerate(("../../etc/passwd", "jam.php.jpg", "jam.svg"), start=1):
        said = {f"words_{each}": "" for each in range(1, place)}
        page = await send(oakvale.browser, page, photo(seed=place), name, "text/html", do="add", **said)
        assert name not in page
    assert len(await oakvale.town.node.store.read(rows)) == 3


async def test_who_may_send_none_is_told_before_it_is_read(oakvale: Oakvale) -> None:
    """Without a session, without the form's token, from another site; far too long; cut short."""
    page = await text(oakvale.browser, "/post")
    right = fields_of(page)

    async def sent(browser: Browser, fields: dict[str, str], **headers: str) -> int:
        form = FormData({**fields, **WHAT, "do": "add"}, default_to_multipart=True)
        form.add_field("picture", photo(), filename="jam.jpg")
        return (await browser.post("/post", data=form, headers=headers, allow_redirects=False)).status

    assert await sent(oakvale.town.browser(), right) in (401, 403)
    assert await sent(oakvale.browser, {"form_token": "x"}) == 403
    assert (
        await sent(
            oakvale.browser, {"form_token": fields_of(await text(oakvale.bens, "/post"))["form_token"]}
        )
        == 403
    )
    assert await sent(oakvale.browser, right, **{"Sec-Fetch-Site": "cross-site"}) == 403
    form = FormData({**right, **WHAT}, default_to_multipart=True)
    form.add_field("picture", b"\0" * (PICTURE_SENT_BYTES_MAX + 200_000), filename="jam.jpg")
    assert (await oakvale.browser.post("/post", data=form)).status == 413
    cut = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a.jpg"\r\n\r\n' + photo()[:500]
    answer = await oakvale.browser.post(
        "/post", data=cut, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status == 400
    assert await oakvale.town.node.store.read(rows) == []


async def test_nobody_shows_or_takes_away_what_another_sent(oakvale: Oakvale) -> None:
    """A number in a form is only a number: of one's own pictures, in this listing or in none."""
    name = await posted(oakvale, "Bread")
    ((no, _, _),) = await oakvale.town.node.store.read(rows)
    assert await status(oakvale.browser, f"/my/pictures/{no}/page") == 200
    assert await status(oakvale.bens, f"/my/pictures/{no}/page") == 404
    assert await status(oakvale.town.browser(), f"/my/pictures/{no}/page") == 303
    page = await text(oakvale.bens, "/post")
    page = await send(oakvale.bens, page, do="add", pictures=f"{no},x,999999999999999999999")
    assert pictures_in(page) == []
    # Nor Ana herself in a second listing, which would take it from the first.
    page = await send(oakvale.browser, await text(oakvale.browser, "/post"), do="add", pictures=str(no))
    assert pictures_in(page) == []
    answer = await oakvale.bens.get(f"/post?listing={name}")
    assert answer.status == 404
    form = {
        **fields_of(await text(oakvale.bens, "/post")),
        **WHAT,
        "listing": name,
        "pictures": str(no),
        "do": "remove_1",
    }
    await oakvale.bens.post("/post", data=form)
    assert len(await oakvale.town.node.store.read(rows)) == 1


async def test_there_is_room_for_so_many_and_what_is_never_shown_is_thrown_away(
    oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, said = await text(oakvale.browser, "/post"), {}
    for place in range(1, 5):
        page = await send(oakvale.browser, page, photo(seed=place), do="add", words=f"No {place}", **said)
        said[f"words_{place}"] = f"No {place}"
    assert 'type="file"' not in page
    page = await send(oakvale.browser, page, photo(seed=9), status=422, do="add", **said)
    assert "There are 4 pictures already." in words_of(page)
    monkeypatch.setattr(service, "PICTURES_OF_ONE_MAX", 4)
    other = await send(oakvale.browser, await text(oakvale.browser, "/post"), photo(), status=422)
    assert "as many as one person may have" in words_of(other)
    monkeypatch.setattr(service, "PICTURES_HELD_BYTES_MAX", 1)
    other = await send(oakvale.bens, await text(oakvale.bens, "/post"), photo(), status=422)
    assert "There is no room for more pictures here." in words_of(other)

    oakvale.town.clock.now += PICTURE_UNUSED_MS
    await oakvale.town.node.pictures.drop_unused()
    assert await oakvale.town.node.store.read(rows) == []
