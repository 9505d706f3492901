"""Pages remember what they read, and show every change at the very next request. docs/architecture.md."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import pytest

from node.services.acts import OPERATOR, Role
from node.services.members import Member, NewMember, Reach
from node.services.own_listings import listings_of
from node.services.sessions import end_sessions
from node.services.settings import SchemeSettings
from node.services.trades import NewTrade
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from node.store import StoreError
from node.web.app import SESSIONS, SURROUNDINGS, make_app
from protocol.limits import DAY_MS
from protocol.listing import State
from protocol.market import AskingPrice, Place
from tests.gossip_town import WIDE, converged, listing, pause, until
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.virtual_browser import VirtualBrowser
from tests.simulation import run_virtual

PAGES = ("/home", "/find", "/find?kind=want&km=20", "/find?q=jam", "/look")


async def warm(oakvale: Oakvale) -> None:
    """Let everybody open the pages twice, so that what can be remembered is."""
    for _ in range(2):
        for browser in (oakvale.browser, oakvale.bens):
            for page in PAGES:
                await text(browser, page)


# --- One change each --------------------------------------------------------------------------------------------


async def test_a_session_that_is_ended_ends_at_once(oakvale: Oakvale) -> None:
    """docs/pages.md 0.8: "sign out everywhere", from another browser or by an organiser."""
    await warm(oakvale)
    await oakvale.town.node.store.write(end_sessions, oakvale.ana.no)

    answer = await oakvale.browser.get("/home", allow_redirects=False)
    assert (answer.status, answer.headers["Location"].partition("?")[0]) == (303, "/login")
    assert "Ben" in words_of(await text(oakvale.bens, "/home"))


async def test_a_session_ends_with_its_time_though_nothing_is_written(oakvale: Oakvale) -> None:
    await warm(oakvale)
    oakvale.town.clock.now += 200 * DAY_MS

    assert (await oakvale.browser.get("/home", allow_redirects=False)).status == 303


async def test_a_pause_and_its_end_show_at_once(oakvale: Oakvale) -> None:
    people = oakvale.town.node.people
    await warm(oakvale)
    await people.pause(OPERATOR, oakvale.ana.no, why="She asked us to")
    assert "She asked us to" in words_of(await text(oakvale.browser, "/home"))
    assert "She asked us to" not in words_of(await text(oakvale.bens, "/home"))
    await people.resume(OPERATOR, oakvale.ana.no)
    assert "She asked us to" not in words_of(await text(oakvale.browser, "/home"))


async def test_a_role_that_is_taken_away_is_gone_at_once(oakvale: Oakvale) -> None:
    people = oakvale.town.node.people
    await people.set_role(OPERATOR, oakvale.ana.no, Role.ORGANISER)
    await text(oakvale.browser, "/admin")
    await people.set_role(OPERATOR, oakvale.ana.no, Role.MEMBER)

    assert (await oakvale.browser.get("/admin")).status == 403


async def test_changed_settings_show_at_once(oakvale: Oakvale) -> None:
    await warm(oakvale)
    await oakvale.town.node.settings.change(OPERATOR, name="Oakvale and Hilltop", north=5210, east=-120)

    assert "Oakvale and Hilltop" in words_of(await text(oakvale.browser, "/home"))
    assert "Up to 5 km" in words_of(await text(oakvale.browser, "/find"))


async def test_what_happens_to_a_listing_shows_at_once(oakvale: Oakvale) -> None:
    market = oakvale.town.node.market
    await warm(oakvale)
    owned = await market.post(oakvale.ben.no, listing("Plum jam"))
    key = owned.listing.key
    for act, seen in ((None, True), (market.hide, False), (market.show, True)):
        if act is not None:
            await act(key)
        for page in PAGES[:2]:
            assert ("Plum jam" in await text(oakvale.browser, page)) is seen, (act, page)
    await market.edit(key, listing("Quince jam"))
    assert "Quince jam" in await text(oakvale.browser, "/find")
    assert "Plum jam" not in await text(oakvale.browser, "/home")


async def test_a_listing_ends_with_its_time_though_nothing_is_written(oakvale: Oakvale) -> None:
    node, clock = oakvale.town.node, oakvale.town.clock
    await node.market.post(oakvale.ben.no, listing("Plum jam"))
    (owned,) = await node.store.read(listings_of, oakvale.ben.no)
    browser = await VirtualBrowser.of(node, oakvale.ana)
    clock.now = owned.listing.expires - 1
    browser = await VirtualBrowser.of(node, oakvale.ana)
    assert "Plum jam" in (await browser.get("/home")).page
    assert "Plum jam" in (await browser.get("/find")).page
    clock.now = owned.listing.expires
    assert "Plum jam" not in (await browser.get("/home")).page
    assert "Plum jam" not in (await browser.get("/find")).page


async def test_a_trade_shows_to_both_and_to_nobody_else(oakvale: Oakvale) -> None:
    await warm(oakvale)
    await oakvale.record("Bike repair", "1:30")

    assert "1 hour 30 minutes behind" in words_of(await text(oakvale.browser, "/home"))
    assert "1 hour 30 minutes ahead" in words_of(await text(oakvale.bens, "/home"))
    mauds = await oakvale.town.browser_of(oakvale.maud)
    assert "1 hour 30 minutes" not in words_of(await text(mauds, "/home"))


async def test_whose_a_listing_is_depends_on_who_reads(oakvale: Oakvale) -> None:
    """What one reader is shown must not be handed to another."""
    await oakvale.town.node.market.post(oakvale.ben.no, listing("Plum jam"))
    for _ in range(2):
        assert "yours" in words_of(await text(oakvale.bens, "/find"))
        hers = words_of(await text(oakvale.browser, "/find"))
        assert "yours" not in hers
        assert "Ben" in hers
        assert "Ben" not in words_of(await text(oakvale.town.browser(), "/look"))


async def test_a_commit_that_fails_shows_nowhere(oakvale: Oakvale, monkeypatch: pytest.MonkeyPatch) -> None:
    await warm(oakvale)
    before = [await text(oakvale.browser, page) for page in PAGES]

    def fault(what: str) -> None:
        if what == "COMMIT":
            raise StoreError("the disk said no")

    node = oakvale.town.node
    with monkeypatch.context() as patch:
        patch.setattr(node.store._commit, "_fault", fault)  # type: ignore[attr-defined]  # the inline store's
        for work in (
            node.settings.change(OPERATOR, name="Elsewhere"),
            node.store.write(end_sessions, oakvale.ana.no),
            node.people.pause(OPERATOR, oakvale.ana.no, why="no"),
            node.market.post(oakvale.ben.no, listing("Plum jam")),
        ):
            with pytest.raises(StoreError):
                await work

    assert [await text(oakvale.browser, page) for page in PAGES] == before


# --- Any change, in any order -----------------------------------------------------------------------------------


class Reading:
    """A browser whose application remembers, beside one whose application is made to forget before each page."""

    def __init__(self, resident: Resident, browser: VirtualBrowser):
        self._browser: Final = browser
        self._forgetful: Final = make_app(resident.node)
        self._forgetful.freeze()
        self._fresh: Final = VirtualBrowser(self._forgetful, "")
        self._fresh._cookie = browser._cookie

    async def compare(self, what: str) -> None:
        for page in PAGES:
            self._forgetful[SURROUNDINGS].remembered.forget()
            self._forgetful[SESSIONS].forget()
            remembered, read = await self._browser.get(page), await self._fresh.get(page)
            assert remembered == read, (what, page)


async def people_of(resident: Resident, *names: str) -> list[Member]:
    return [
        await resident.node.people.add(
            OPERATOR, NewMember(name=name, public_name=name, email=f"{name}@example.org", reach=Reach.EMAIL)
        )
        for name in names
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_remembered_is_what_would_be_read(seed: int) -> None:
    """Acts of every kind, here and at a neighbour's, and time that passes; after each, all pages are compared."""
    chance = random.Random(seed)

    async def begin(network: SimulatedNetwork) -> None:
        town = Town(network, seed=seed)
        oak = SchemeSettings(name="Oakvale", north=5210, east=-120)
        await town.add(oak)
        acorns = replace(
            oak, name="Riverside", unit_kind="decimal", unit_name="Acorns", decimals=2, minor_per_hour=1200, north=5230
        )  # fmt: skip
        await town.add(acorns)
        await town.connect([("Oakvale", "Riverside")], WIDE)
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        ana, ben = await people_of(oakvale, "Ana", "Ben")
        (karim,) = await people_of(riverside, "Karim")
        readers = [Reading(oakvale, await VirtualBrowser.of(oakvale.node, each)) for each in (ana, ben)]
        acts = acts_of(chance, oakvale, riverside, ana, ben, karim)
        for number in range(30):
            act = chance.choice(acts)
            await act()
            for reader in readers:
                await reader.compare(f"seed {seed}, act {number}: {act.__name__}")
        await town.close()

    run_virtual(begin)


def acts_of(
    chance: random.Random, oakvale: Resident, riverside: Resident, ana: Member, ben: Member, karim: Member
) -> list[Callable[[], Awaitable[object]]]:
    """Return what can happen."""

    async def post() -> None:
        place = chance.choice([None, Place(north=5215, east=-120)])
        kind, title = chance.choice(["offer", "want"]), f"jam {chance.random()}"
        price = AskingPrice(
            amount=chance.randint(1, 500), per=chance.choice(["item", "hour", "day", "agree"])
        )
        resident, who = chance.choice([(oakvale, ana), (oakvale, ben), (riverside, karim)])
        await resident.node.market.post(who.no, listing(title, kind=kind, place=place, price=price))

    async def change_a_listing() -> None:
        resident, who = chance.choice([(oakvale, ana), (oakvale, ben), (riverside, karim)])
        for owned in (await resident.node.store.read(listings_of, who.no))[:1]:
            market = resident.node.market
            act = market.hide if owned.listing.state is State.PUBLISHED else market.show
            await act(owned.listing.key)

    async def trade() -> None:
        await oakvale.node.trades.record(
            NewTrade(
                payer_no=ana.account_no, payee_no=ben.account_no, amount=chance.randint(1, 9), text="soup",
                entered_by="Ana", proved_by="link", once=chance.randbytes(16), payer_name="Ana", payee_name="Ben",
            )
        )  # fmt: skip

    async def pause_somebody() -> None:
        await oakvale.node.people.pause(OPERATOR, ana.no, why=f"Because {chance.random()}")

    async def rename() -> None:
        resident = chance.choice([oakvale, riverside])
        await resident.node.settings.change(OPERATOR, name=f"Oak {chance.randint(1, 99)}")

    async def gossip() -> None:
        await pause(chance.randint(1, 90))

    async def hours() -> None:
        await pause(chance.randint(1_800, 7_200))

    async def rest() -> None:
        """Nothing happens: what is remembered is asked for again."""

    return [post, post, change_a_listing, trade, pause_somebody, rename, gossip, hours, rest]


def test_everybody_has_heard_of_everything() -> None:
    """The comparison above sees neighbours' listings too."""
    seen: list[str] = []

    async def begin(network: SimulatedNetwork) -> None:
        town = Town(network, seed=3)
        await town.add(SchemeSettings(name="Oakvale"))
        await town.add(SchemeSettings(name="Riverside"))
        await town.connect([("Oakvale", "Riverside")], WIDE)
        (ana,) = await people_of(town["Oakvale"], "Ana")
        (karim,) = await people_of(town["Riverside"], "Karim")
        browser = await VirtualBrowser.of(town["Oakvale"].node, ana)
        await browser.get("/home")
        owned = await town["Riverside"].node.market.post(karim.no, listing("Plum jam"))
        await until(town, lambda: converged(town), 60, "feeds")
        await pause(2)
        seen.append((await browser.get("/home")).words)
        await town["Riverside"].node.market.withdraw(owned.listing.key)
        await until(town, lambda: converged(town), 60, "feeds")
        await pause(2)
        seen.append((await browser.get("/home")).words)
        await town.close()

    run_virtual(begin)
    assert "From neighbouring schemes" in seen[0]
    assert "Plum jam" in seen[0]
    assert "Plum jam" not in seen[1]
