"""Pictures of other schemes' listings: asked for along peerings, checked by name, made anew before anybody sees them. Rule 5.7."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from node.federation.dispatch import NoAnswer
from node.pictures.limits import MISSING_MS
from node.pictures.maker import Made, MadeAnew, NoPicture, Why
from node.services import pictures_abroad as service
from node.services.picture_rows import Size
from node.web.listing_names import listing_id
from node.web.pages.listings import name_text
from protocol.frame import FrameType
from protocol.listing import Hid
from protocol.market import Picture
from protocol.names import ItemKey
from protocol.pictures import PictureAsk, picture_name
from tests.gossip_town import listing
from tests.node.web.test_member_pay_pages import Market, on_market_day

FULL, SMALL = b"RIFF....WEBP of jars" + bytes(60_000), b"RIFF....WEBP of jars, small"
JARS = MadeAnew(full=Made(1600, 1200, FULL), page=Made(960, 720, b"page"), thumbnail=Made(320, 240, SMALL))


class Anew:
    """In place of the process that makes pictures anew: the town lives in virtual time."""

    def __init__(self, refuses: bool = False):
        self.refuses = refuses
        self.read: list[bytes] = []

    async def make(self, data: bytes) -> MadeAnew:
        self.read.append(data)
        if self.refuses:
            raise NoPicture(Why.BROKEN)
        return MadeAnew(
            full=Made(1600, 1200, b"anew, full"),
            page=Made(800, 600, b"anew"),
            thumbnail=Made(320, 240, b"anew, small"),
        )


async def with_jars(market: Market) -> tuple[ItemKey, Anew]:
    """Let Karim list jars with a picture; return their key once Ana can find them, and who makes pictures anew at hers."""
    there, here = market.town["Riverside"].node, market.town["Oakvale"].node
    maker = Anew()
    here.pictures_abroad._maker = maker  # type: ignore[misc, assignment]  # a test's own
    await there.store.write(there.pictures._keep, market.karim.no, JARS)
    shown = Picture(full=picture_name(FULL), thumbnail=picture_name(SMALL), words="Four jars")
    posted = await there.market.post(
        market.karim.no, replace(listing("Green tomato chutney"), pictures=(shown,))
    )
    key = posted.listing.key

    async def found() -> bool:
        return "Green tomato chutney" in (await market.browser.get("/find?q=chutney")).words

    await market.town.until(found, 900, "the chutney")
    return key, maker


def test_a_picture_comes_over_two_peerings_and_is_made_anew_once() -> None:
    """Hilltop lies between: it hands the bytes on as they came, and keeps them; Oakvale's members see none of them."""

    async def scenario(market: Market) -> None:
        key, maker = await with_jars(market)
        riverside, hilltop = market.town["Riverside"].node, market.town["Hilltop"].node
        here, scheme = market.town["Oakvale"].node, riverside.scheme
        assert maker.read == []  # gossip brought its name alone
        page = await market.browser.get(f"/l/{listing_id(key, scheme)}")
        assert 'alt="Four jars"' in page.page
        assert f'src="/l/{listing_id(key, scheme)}/picture/' in page.page
        assert 'src="http' not in page.page

        abroad = here.pictures_abroad
        assert await abroad.picture(scheme, key, picture_name(FULL), Size.PAGE) == b"anew"
        assert await abroad.picture(scheme, key, picture_name(FULL), Size.FULL) == b"anew, full"
        assert await abroad.picture(scheme, key, picture_name(SMALL), Size.SMALL) == b"anew, small"
        assert maker.read == [FULL, SMALL]
        assert await hilltop.store.read(service._sent, picture_name(FULL)) == FULL
        page = await market.browser.get(f"/l/{listing_id(key, scheme)}")
        assert 'width="800" height="600"' in page.page
        there = f"/l/{listing_id(key, scheme)}/picture"
        assert (await market.browser.get(f"{there}/{name_text(picture_name(FULL))}/page")).page == "anew"
        assert (await market.browser.get(f"{there}/{name_text(picture_name(SMALL))}/page")).status == 404
        assert (await market.browser.get(f"{there}/{name_text(picture_name(FULL))}/sent")).status == 404

        # What Hilltop keeps it gives, also when Riverside is silent; what no listing shows is nobody's to ask for.
        ask = PictureAsk(scheme=scheme, key=key, name=picture_name(FULL), hops=1)
        for asked, answer in (
            (ask, FULL),
            (replace(ask, name=picture_name(b"another")), b""),
            (replace(ask, key=ItemKey(bytes(16))), b""),
        ):
            assert (
                await here.links.request(hilltop.scheme, FrameType.BLOB_ASK, asked.value())
            ).payload == answer

        # Hidden, it is given to nobody any more.
        await riverside.market.act(key, Hid())
        asked_there = PictureAsk(scheme=scheme, key=key, name=picture_name(FULL), hops=4)
        assert await riverside.store.read(service._of_ours, asked_there, riverside.clock.now_ms()) is None
        with pytest.raises(NoAnswer):  # and whoever asks for nonsense is no longer talked to
            await here.links.request(hilltop.scheme, FrameType.BLOB_ASK, (scheme, key, b"x", 1))

    on_market_day(scenario)


def test_bytes_that_are_not_what_was_named_or_no_picture_reach_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A neighbour that sends something else, or a picture that breaks its reader: asked again after a while only."""

    async def scenario(market: Market) -> None:
        key, maker = await with_jars(market)
        riverside, hilltop = market.town["Riverside"].node, market.town["Hilltop"].node
        here, scheme, name = market.town["Oakvale"].node, riverside.scheme, picture_name(FULL)

        async def other(*_: object) -> bytes:
            return FULL + b"!"

        right = hilltop.pictures_abroad._found
        hilltop.pictures_abroad._found = other  # type: ignore[method-assign, assignment]  # it lies
        assert await here.pictures_abroad.picture(scheme, key, name, Size.PAGE) is None
        assert maker.read == []
        hilltop.pictures_abroad._found = right  # type: ignore[method-assign]  # again as it was
        assert (
            await here.pictures_abroad.picture(scheme, key, name, Size.PAGE) is None
        )  # not asked again at once
        maker.refuses = True
        await asyncio.sleep(MISSING_MS / 1000 + 1)
        assert await here.pictures_abroad.picture(scheme, key, name, Size.PAGE) is None
        assert maker.read == [FULL]
        maker.refuses = False
        await asyncio.sleep(MISSING_MS / 1000 + 1)
        assert await here.pictures_abroad.picture(scheme, key, name, Size.PAGE) == b"anew"

        # There is so much room: what came first goes first.
        monkeypatch.setattr(service, "PICTURES_CACHED_BYTES_MAX", 1_000)
        await here.pictures_abroad.picture(scheme, key, picture_name(SMALL), Size.SMALL)
        assert await here.store.read(service._sent, name) is None
        assert await here.store.read(service._sent, picture_name(SMALL)) == SMALL

    on_market_day(scenario)


def test_whoever_is_no_neighbour_is_given_nothing() -> None:
    async def scenario(market: Market) -> None:
        key, _ = await with_jars(market)
        riverside, hilltop = market.town["Riverside"].node, market.town["Hilltop"].node
        ask = PictureAsk(scheme=riverside.scheme, key=key, name=picture_name(FULL), hops=4)
        answered: list[object] = []

        class Stranger:
            peer = market.town["Oakvale"].node.scheme

            async def answer(self, _frame: object, payload: object) -> None:
                answered.append(payload)

        await riverside.pictures_abroad._answer(Stranger(), None, ask)  # type: ignore[arg-type]  # a stranger to Riverside
        assert answered == [b""]
        Stranger.peer = hilltop.scheme
        await riverside.pictures_abroad._answer(Stranger(), None, ask)  # type: ignore[arg-type]  # its neighbour
        assert answered == [b"", FULL]

    on_market_day(scenario)
