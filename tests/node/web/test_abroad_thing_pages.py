"""How a thing lent across schemes was, in pictures of both sides: sealed for the two, passed on unread, made anew, seen by nobody else. Rules 5.7, 5.9."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from node.federation.dispatch import NoAnswer
from node.pictures.limits import MISSING_MS
from node.pictures.maker import Made, MadeAnew, NoPicture, Why
from node.services import pictures_abroad as service
from node.services.booking_rows import booking_by_no
from node.services.members import Member
from node.services.picture_rows import pictures_of_booking, pictures_of_request
from node.services.request_rows import Role, request_by_no
from node.services.sealed_pictures import note_told, open_picture, seal_picture, sent_of, told_of
from node.store import Tx
from node.web.pages.listings import name_text
from protocol.errors import MalformedMessage
from protocol.frame import FrameType
from protocol.letter import SealedPicture
from protocol.limits import CONDITION_PICTURES_MAX, PICTURE_BYTES_MAX
from protocol.names import ItemKey
from protocol.pictures import PictureAsk, picture_name, read_picture_ask
from tests.node.services.test_pictures_abroad import Anew
from tests.node.web.test_bookings_abroad_pages import asks, with_bike
from tests.node.web.test_member_pay_pages import Market, new_member
from tests.node.web.test_requests_abroad_pages import reads
from tests.node.web.virtual_browser import VirtualBrowser

LENT, BORROWED = "/my/bookings/1", "/my/abroad/1"
FULL = b"RIFF....WEBP of a scratch" + bytes(50_000)


class Files(Anew):
    """In place of the process that makes what members send anew."""

    async def make(self, data: bytes) -> MadeAnew:
        return MadeAnew(
            full=Made(1600, 1200, data), page=Made(960, 720, b"page"), thumbnail=Made(320, 240, b"small")
        )


async def shows(market: Market, who: Member, data: bytes = FULL, words: str = "A scratch") -> None:
    """Let one of the two show how the bike is."""
    hers = who is market.ana
    node = market.town["Oakvale" if hers else "Riverside"].node
    node.pictures._maker = Files()  # type: ignore[misc, assignment]  # a test's own
    request = await node.store.read(request_by_no, 1, Role.OUT if hers else Role.IN)

    def tell(tx: Tx) -> None:
        if hers:
            node.requests.show_in(tx, who, 1)
        else:
            node.bookings_abroad.show_in(tx, booking_by_no(tx, 1))

    await node.pictures.take_shared(who.no, request, None if hers else 1, data, words, tell)


def pictures_in(page: str) -> list[str]:
    return [
        part.partition('"')[0] for part in page.split('src="')[1:] if "/theirs/" in part.partition('"')[0]
    ]


async def agreed(market: Market, there: str) -> None:
    await asks(market, there, 0, 1)
    await reads(market, market.karims, "/home", "Ana (Oakvale) asks for: Cargo bike")
    page = await market.karims.get(LENT)
    await market.karims.post(f"{LENT}/yes", **page.fields)
    await reads(market, market.browser, "/my/abroad", "It is for you then.")
    for name in ("Oakvale", "Riverside"):
        node = market.town[name].node
        node.pictures_abroad._maker = Anew()  # type: ignore[misc, assignment]  # as above


def test_both_sides_show_how_it_was_and_only_they_see_it() -> None:
    async def act(market: Market, there: str) -> None:
        await asks(market, there, 0, 1)
        early = await market.browser.get("/my/abroad")
        for answer in (
            await market.browser.get(BORROWED),
            await market.browser.post(f"{BORROWED}/picture", **early.fields),
        ):
            assert answer.status == 404, "not agreed to yet"
        await reads(market, market.karims, "/home", "Ana (Oakvale) asks for: Cargo bike")
        page = await market.karims.get(LENT)
        await market.karims.post(f"{LENT}/yes", **page.fields)
        await reads(market, market.browser, "/my/abroad", "How it looks")
        oakvale, hilltop, riverside = [market.town[name].node for name in ("Oakvale", "Hilltop", "Riverside")]
        form = await market.browser.get(BORROWED)
        assert "Only the two of you see it." in form.words
        for browser, here in ((market.browser, BORROWED), (market.karims, LENT)):
            none = await browser.post(f"{here}/picture", **(await browser.get(here)).fields, words="x")
            assert (none.status, "Please choose a picture." in none.words) == (422, True)
        for node in (oakvale, riverside):
            node.pictures_abroad._maker = Anew()  # type: ignore[misc, assignment]  # as above
        await shows(market, market.karim)
        await reads(market, market.browser, BORROWED, "Karim (Riverside), ")
        page = await market.browser.get(BORROWED)
        assert 'alt="A scratch"' in page.page
        (src,) = pictures_in(page.page)
        assert (await market.browser.get(src)).page == "anew"
        (told,) = await oakvale.store.read(told_of, 1)
        assert await hilltop.store.read(service._sent, told.name) is None, (
            "what passes is not kept on the way"
        )
        request = await oakvale.store.read(request_by_no, 1, Role.OUT)
        ask = PictureAsk(
            scheme=riverside.scheme, key=ItemKey(request.id), name=told.name, hops=4, sealed=True
        )
        passed = (await oakvale.links.request(hilltop.scheme, FrameType.BLOB_ASK, ask.value())).payload
        assert isinstance(passed, bytes)
        assert FULL[:20] not in passed, "and nobody on the way can read it"
        assert open_picture(passed, request.id, told.sealed_key) == FULL
        for other in (
            PictureAsk(scheme=riverside.scheme, key=ItemKey(bytes(16)), name=told.name, hops=4, sealed=True),
            PictureAsk(scheme=riverside.scheme, key=ItemKey(request.id), name=told.name, hops=4),
            PictureAsk(
                scheme=riverside.scheme, key=ItemKey(request.id), name=picture_name(FULL), hops=4, sealed=True
            ),
            PictureAsk(scheme=riverside.scheme, key=ItemKey(request.id), name=told.name, hops=1, sealed=True),
        ):
            answer = await oakvale.links.request(hilltop.scheme, FrameType.BLOB_ASK, other.value())
            assert answer.payload == b"", other

        await shows(market, market.ana, b"RIFF of a puncture", "A puncture")
        await reads(market, market.karims, LENT, "Ana (Oakvale), ")
        (his,) = pictures_in((await market.karims.get(LENT)).page)
        assert (await market.karims.get(his)).page == "anew"
        mine = (await market.browser.get(BORROWED)).page
        assert "/my/abroad/1/pictures/" in mine
        assert (await market.browser.get("/my/abroad/1/pictures/1/page")).page == "page"

        portrait = await oakvale.pictures.take_portrait(market.ana.no, b"RIFF of Ana")
        assert (await market.browser.get(f"/my/abroad/1/pictures/{portrait.no}/page")).status == 404, (
            "of something else"
        )
        zoe = await VirtualBrowser.of(oakvale, await new_member(market.town["Oakvale"], "Zoe Ash"))
        ben = await VirtualBrowser.of(riverside, await new_member(market.town["Riverside"], "Ben Carter"))
        for browser in (zoe, ben):
            for path in (
                BORROWED,
                src,
                his,
                "/my/abroad/1/pictures/1/page",
                "/my/bookings/1/pictures/1/page",
            ):
                assert (await browser.get(path)).status == 404, path
        assert (
            await market.browser.get(src.replace(name_text(told.name), name_text(bytes(32))))
        ).status == 404
        assert (await market.browser.get("/my/pictures/9/page")).status == 404
        with pytest.raises(NoAnswer):
            await oakvale.links.request(hilltop.scheme, FrameType.BLOB_ASK, (*ask.value(), 1))  # type: ignore[misc]

    with_bike(act)


def test_afterwards_too_and_until_they_are_thrown_away() -> None:
    async def act(market: Market, there: str) -> None:
        await agreed(market, there)
        oakvale, riverside = market.town["Oakvale"].node, market.town["Riverside"].node
        for number in range(CONDITION_PICTURES_MAX):
            await shows(market, market.karim, FULL + bytes([number]))
        with pytest.raises(NoPicture) as no:
            await shows(market, market.karim)
        assert no.value.why is Why.ENOUGH
        for name in ("handed-over", "back"):
            page = await market.karims.get(LENT)
            await market.karims.post(f"{LENT}/{name}", **page.fields)
        await reads(market, market.browser, "/my/abroad", "It is over.")
        await shows(market, market.ana, b"RIFF as I gave it back", "As I gave it back")
        await reads(market, market.karims, LENT, "Ana (Oakvale), ")
        assert len(pictures_in((await market.browser.get(BORROWED)).page)) == CONDITION_PICTURES_MAX
        # A key that is not its own, or another picture under its name, is shown to nobody.
        (told, *_) = await oakvale.store.read(told_of, 1)
        wrong = SealedPicture(name=told.name, key=b"k" * 32, time=1, words="\u202eno")
        await oakvale.store.write(note_told, 1, (wrong, wrong))
        page = await market.browser.get(BORROWED)
        (src,) = pictures_in(page.page)
        assert "\u202e" not in page.page
        assert (await market.browser.get(src)).status == 404
        assert MISSING_MS > 0
        old = (text("UPDATE request SET changed_ms = 1"), text("UPDATE booking SET changed_ms = 1"))
        for node in (oakvale, riverside):
            for each in old:
                await node.store.write(lambda tx, each=each: tx.run(each))
            await node.pictures.drop_unused()
            assert await node.store.read(told_of, 1) == []
        assert await oakvale.store.read(pictures_of_request, 1) == []
        assert await riverside.store.read(pictures_of_booking, 1) == []

    with_bike(act)


def test_a_picture_is_opened_by_its_key_for_its_request_alone_and_fits_into_a_frame() -> None:
    sealed = seal_picture(b"picture", b"r" * 16, b"k" * 32)
    assert open_picture(sealed, b"r" * 16, b"k" * 32) == b"picture"
    for wrong in (
        (sealed, b"s" * 16, b"k" * 32),
        (sealed, b"r" * 16, b"l" * 32),
        (sealed[:-1], b"r" * 16, b"k" * 32),
        (b"", b"r" * 16, b"k" * 32),
    ):
        assert open_picture(*wrong) is None
    large = bytes(PICTURE_BYTES_MAX)
    assert sent_of(large, b"page") == b"page"
    assert len(seal_picture(sent_of(large[32:], b"page"), b"r" * 16, b"k" * 32)) == PICTURE_BYTES_MAX


@pytest.mark.parametrize("last", [0, 2, True, b"", None])
def test_only_what_is_sealed_says_so(last: object) -> None:
    ask = (bytes(32), bytes(16), bytes(32), 1)
    assert not read_picture_ask(ask).sealed
    assert read_picture_ask((*ask, 1)).sealed
    with pytest.raises(MalformedMessage):
        read_picture_ask((*ask, last))  # type: ignore[arg-type]  # what a test says
