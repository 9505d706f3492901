"""Our own listings and finding anybody's, on whole nodes. Rules 5.1, 5.4, 5.8."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from node.services.acts import Actor as Person
from node.services.acts import Role
from node.services.market import TooManyListings
from node.services.members import NewMember, Reach
from node.services.own_listings import listings_in, listings_of
from node.services.search import FindQuery
from node.services.settings import SchemeSettings
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from protocol.errors import OutOfOrder
from protocol.limits import DAY_MS, LISTING_LIFE_MS
from protocol.listing import Actor, Approved, State
from protocol.market import AskingPrice
from protocol.names import ItemKey
from tests.gossip_town import WIDE, converged, head_of, listing, pause, titles, until
from tests.simulation import run_virtual

ADMIN = Person(no=None, name="test", role=Role.ADMIN, proof="system")


async def member(resident: Resident, name: str) -> int:
    new = NewMember(name=name, public_name=name, email=f"{name.lower()}@example.org", reach=Reach.EMAIL)
    return (await resident.node.people.add(ADMIN, new)).no


def scenario(run: Callable[[Town, Resident], Awaitable[None]]) -> None:
    """Run a test on one scheme."""

    async def begin(network: SimulatedNetwork) -> None:
        town = Town(network, seed=1)
        await town.add(SchemeSettings(name="Oakvale"))
        await run(town, town["Oakvale"])
        await town.close()

    run_virtual(begin)


async def found(resident: Resident, **query: object) -> list[str]:
    page = await resident.node.market.find(FindQuery(**query))  # type: ignore[arg-type]  # a test's shorthand
    return [card.content.title for card in page.cards]


def test_a_listing_is_found_and_in_the_feed_as_long_as_it_is_published() -> None:
    """Rules 5.1, 5.4: publish, edit, hide, show, withdraw; each in one unit with item and index."""

    async def run(town: Town, oakvale: Resident) -> None:
        market, ana = oakvale.node.market, await member(oakvale, "Ana")
        owned = await market.post(ana, listing("Plum jam"))
        key = owned.listing.key
        assert await found(oakvale, text="jam") == ["Plum jam"]
        assert await titles(oakvale, oakvale.scheme) == ["Plum jam"]
        await market.edit(key, listing("Plum and pear jam"))
        assert await found(oakvale, text="pear") == ["Plum and pear jam"]
        await market.hide(key)
        assert await found(oakvale) == [] == await titles(oakvale, oakvale.scheme)
        await market.show(key)
        assert await found(oakvale, text="jam") == ["Plum and pear jam"]
        await market.withdraw(key)
        assert await found(oakvale) == [] == await titles(oakvale, oakvale.scheme)
        assert await oakvale.node.store.read(listings_of, ana) == []
        with pytest.raises(OutOfOrder):
            await market.show(key)

    scenario(run)


def test_what_is_not_shared_stays_at_home_and_visitors_do_not_see_it() -> None:
    """Rule 5.8."""

    async def run(town: Town, oakvale: Resident) -> None:
        market, ana = oakvale.node.market, await member(oakvale, "Ana")
        owned = await market.post(ana, listing("Plum jam"), shared=False)
        assert await found(oakvale) == ["Plum jam"]
        assert await found(oakvale, visitor=True) == [] == await titles(oakvale, oakvale.scheme)
        await market.share(owned.listing.key, True)
        assert await found(oakvale, visitor=True) == ["Plum jam"] == await titles(oakvale, oakvale.scheme)

    scenario(run)


def test_approval_removal_and_the_end_of_a_listing() -> None:
    """Rule 5.8: an organiser lets it through, takes it down with a reason; the clock ends it, its owner renews it."""

    async def run(town: Town, oakvale: Resident) -> None:
        market, ana = oakvale.node.market, await member(oakvale, "Ana")
        waiting = await market.submit(ana, listing("Plum jam"))
        key = waiting.listing.key
        assert [each.listing.key for each in await oakvale.node.store.read(listings_in, State.WAITING)] == [
            key
        ]
        assert await found(oakvale) == []
        now = oakvale.node.clock.now_ms()
        await market.act(key, Approved(expires=now + LISTING_LIFE_MS), Actor.ORGANISER)
        assert await found(oakvale) == ["Plum jam"]
        removed = await market.remove(key, "Says where you live.")
        assert (removed.listing.state, removed.reason) == (State.REMOVED, "Says where you live.")
        assert await found(oakvale) == []
        other = await market.post(ana, listing("Bread"), until=oakvale.node.clock.now_ms() + 2 * DAY_MS)
        oakvale.node.clock.skew_ms += 3 * DAY_MS
        assert await found(oakvale) == [], "over, though no job came round yet"
        assert await market.lapse() == 1
        assert await market.lapse() == 0
        renewed = await market.renew(other.listing.key)
        assert renewed.listing.state is State.PUBLISHED
        assert await found(oakvale) == ["Bread"]

    scenario(run)


def test_a_member_has_two_hundred_listings_at_most() -> None:
    async def run(town: Town, oakvale: Resident) -> None:
        ana = await member(oakvale, "Ana")
        for number in range(200):
            await oakvale.node.market.post(ana, listing(f"Thing {number}"))
        with pytest.raises(TooManyListings):
            await oakvale.node.market.post(ana, listing("One more"))

    scenario(run)


def test_the_payee_of_a_listing_is_its_owner_while_it_may_be_bought() -> None:
    """Rule 7.1: a guide price is no exact one; what is gone, hidden or at home only has no payee abroad."""

    async def run(town: Town, oakvale: Resident) -> None:
        market, ana = oakvale.node.market, await member(oakvale, "Ana")

        async def payee(key: ItemKey) -> tuple[str, int | None] | None:
            answer = await oakvale.node.store.read(market.payee_by_listing, key)
            return None if answer is None else (answer.name, answer.price)

        fixed = (await market.post(ana, listing("Jam", owner="Ana"))).listing.key
        guide = (
            await market.post(ana, listing("Help", price=AskingPrice(amount=60, per="agree")))
        ).listing.key
        home = (await market.post(ana, listing("Bread"), shared=False)).listing.key
        assert await payee(fixed) == ("Ana", 30)
        assert await payee(guide) == ("", None)
        assert await payee(home) is None
        assert await payee(ItemKey(bytes(16))) is None
        await market.hide(fixed)
        assert await payee(fixed) is None

    scenario(run)


def test_a_neighbours_listing_is_found_with_its_price_here() -> None:
    """Rules 5.1, 7.1: what an hour is there comes from the `rate` item, name and unit from the `profile`."""

    async def begin(network: SimulatedNetwork) -> None:
        town = Town(network, seed=1)
        await town.add(SchemeSettings(name="Oakvale"))
        await town.add(
            SchemeSettings(
                name="Riverside", unit_kind="decimal", unit_name="Acorns", decimals=2, minor_per_hour=1200
            )
        )
        await town.connect([("Oakvale", "Riverside")], WIDE)
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        karim = await member(riverside, "Karim")
        owned = await riverside.node.market.post(
            karim, listing("Plum jam", price=AskingPrice(amount=600, per="item"))
        )
        await until(town, lambda: converged(town), 60, "feeds")
        await pause(2)
        page = await oakvale.node.market.find(FindQuery(text="JÁM"))
        (card,) = page.cards
        assert page.total == 1
        assert card.other is not None
        assert (card.other.name, card.other.unit, card.other.decimals) == ("Riverside", "Acorns", 2)
        assert (card.own, card.stale) == (False, False)
        head = await head_of(oakvale, riverside.scheme)
        assert head is not None
        assert card.seen_ms is not None
        assert 0 <= card.seen_ms - head.time < 5_000
        single = await oakvale.node.market.listing(riverside.scheme, owned.listing.key)
        assert single is not None
        assert single.content == card.content
        await riverside.node.market.withdraw(owned.listing.key)
        await until(town, lambda: converged(town), 60, "feeds")
        await pause(2)
        assert (await oakvale.node.market.find(FindQuery(text="jam"))).total == 0
        assert await oakvale.node.market.listing(riverside.scheme, owned.listing.key) is None
        await town.close()

    run_virtual(begin)
