"""What a scheme says of itself in its feed. Rules 5.1, 7.1."""

from __future__ import annotations

from dataclasses import replace

from node.services.announcements import profile_of, rate_notices
from node.services.feed_store import items_of_kind
from node.services.settings import SchemeSettings
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident
from protocol.feed import Item
from protocol.feed_kinds import (
    PEERING,
    PROFILE,
    RATE,
    Peering,
    Profile,
    RateNotice,
    capacity_class,
    payload_of,
)
from protocol.limits import DAY_MS
from protocol.message import trusted_message
from protocol.units import HOUR
from tests.gossip_town import WIDE, build, head_of, pause
from tests.simulation import run_virtual

NOW = 1_800_000_000_000
ACORNS = SchemeSettings(
    name="Riverside", unit_kind="decimal", unit_name="Acorns", decimals=2, minor_per_hour=1200
)


async def said(resident: Resident, kind: str) -> list[object]:
    wires = await resident.node.store.read(items_of_kind, kind, resident.node.clock.now_ms(), resident.scheme)
    return [payload_of(trusted_message(Item, wire).body) for _, wire in wires]


async def takes(resident: Resident) -> int:
    (peering,) = await said(resident, PEERING)
    assert isinstance(peering, Peering)
    return peering.takes


def test_profile_and_rate_are_published_at_the_first_start() -> None:
    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale"], ())
        await pause(3)
        (profile,) = await said(town["Oakvale"], PROFILE)
        (rate,) = await said(town["Oakvale"], RATE)
        assert isinstance(profile, Profile)
        assert isinstance(rate, RateNotice)
        assert (profile.name, profile.timebank, rate.minor_per_hour) == ("Oakvale", True, 60)
        head = await head_of(town["Oakvale"], town["Oakvale"].scheme)
        assert head is not None
        await pause(600)
        assert await head_of(town["Oakvale"], town["Oakvale"].scheme) == head, "nothing new, nothing said"
        await town.close()

    run_virtual(scenario)


def test_the_class_of_a_peering_follows_the_room_only_when_it_changes_a_lot() -> None:
    """Rule 5.1: a power of two is all that others may know."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Hilltop"], [("Oakvale", "Hilltop")])
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await pause(3)
        first = await takes(oakvale)
        assert first == capacity_class(WIDE.owed_max)

        async def set_room(hours: int) -> None:
            limit = replace(WIDE, owed_max=hours, pending_max=hours)
            await oakvale.node.lines.set_limit(hilltop.scheme, limit, None)
            await pause(90)

        await set_room(600 * HOUR)
        assert await takes(oakvale) == first, "one class less is not worth a word"
        await set_room(200 * HOUR)
        assert await takes(oakvale) == capacity_class(200 * HOUR) == first - 2
        await set_room(0)
        assert await takes(oakvale) == 0
        await town.close()

    run_virtual(scenario)


def test_a_decimal_unit_is_described_as_it_is_counted() -> None:
    profile = profile_of(ACORNS)
    assert (profile.unit, profile.decimals, profile.timebank) == ("Acorns", 2, False)


def test_a_change_of_rate_is_announced_beside_the_one_that_holds() -> None:
    """Rule 7.1: seven days ahead, and the first ends as the second begins."""
    change_ms = NOW + 7 * DAY_MS
    settings = replace(ACORNS, next_minor_per_hour=1000, next_rate_ms=change_ms, rate_since_ms=NOW - DAY_MS)
    current, following = rate_notices(settings, NOW)
    assert following is not None
    assert (current.minor_per_hour, current.valid_until) == (1200, change_ms)
    assert (following.minor_per_hour, following.valid_from) == (1000, change_ms)
    after, nothing = rate_notices(settings, change_ms)
    assert (after.minor_per_hour, nothing) == (1000, None)


def test_a_notice_does_not_differ_from_look_to_look() -> None:
    first, _ = rate_notices(ACORNS, NOW)
    later, _ = rate_notices(ACORNS, NOW + 60_000)
    assert first == later
    assert first.valid_until > NOW + 200 * DAY_MS - DAY_MS
