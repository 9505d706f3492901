"""Feeds between whole nodes in virtual time. Rules 5.1–5.6; I13."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import delete, update

from crypto.canonical import encode
from node.services.copy_comparing import read_missing
from node.services.feed_intake import Arrival
from node.services.feed_store import all_feeds, find_feed, held_at_key, open_feed, save_feed
from node.services.gossip import SWAP_EVERY_S
from node.services.search import FindQuery
from node.simulation.network import SimulatedNetwork, Weather
from node.simulation.town import Resident
from node.store import ReadTx, Tx
from node.store.schema import feeds as schema
from protocol.feed import Item, Version, peek
from protocol.feed_kinds import LISTING, payload_bytes
from protocol.limits import DAY_MS, HOUR_MS, STALE_FEED_KEPT_MS
from protocol.message import encode_message, trusted_message
from protocol.names import ItemKey, SchemeId
from tests.gossip_town import (
    WIDE,
    agrees,
    build,
    converged,
    followed,
    head_of,
    held,
    item_key,
    listing,
    pause,
    put,
    ring,
    titles,
    until,
    withdraw,
)
from tests.simulation import run_virtual
from tests.small_town import chain

FOUL = Weather(loss=0.05, duplicate=0.05, reorder=0.1)
THREE = ["Oakvale", "Hilltop", "Riverside"]


def test_what_one_scheme_lists_its_neighbour_holds() -> None:
    """Rule 5.5: pushed within moments, and admitted by the head that follows."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Hilltop"], [("Oakvale", "Hilltop")])
        await until(town, lambda: converged(town), 30, "feeds")
        await put(town["Oakvale"], 1, "Plum jam")
        await until(town, lambda: converged(town), 5, "feeds")
        assert await titles(town["Hilltop"], town["Oakvale"].scheme) == ["Plum jam"]
        await town.close()

    run_virtual(scenario)


def test_a_feed_is_relayed_to_those_beyond() -> None:
    """Rule 5.5: Oakvale and Riverside know each other only through Hilltop, identities included."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, THREE, chain(*THREE))
        await put(town["Oakvale"], 1, "Plum jam")
        await until(town, lambda: converged(town), 120, "feeds")
        assert town["Riverside"].node.directory.knows(town["Oakvale"].scheme)
        await put(town["Oakvale"], 2, "Bread")
        await until(town, lambda: converged(town), 5, "a push over two hops")
        assert await titles(town["Riverside"], town["Oakvale"].scheme) == ["Bread", "Plum jam"]
        await town.close()

    run_virtual(scenario)


def test_five_schemes_in_a_row_know_each_other_within_moments_of_opening_their_lines() -> None:
    """Rule 5.5: a head that outruns the peerings of its scheme is taken up when these are here, not at a swap of clocks."""

    async def scenario(network: SimulatedNetwork) -> None:
        row = ["Oakvale", "Hilltop", "Riverside", "Moorside", "Seaview"]
        town = await build(network, row, chain(*row))
        await until(town, lambda: converged(town), SWAP_EVERY_S / 2, "feeds")
        await town.close()

    run_virtual(scenario)


def test_a_route_is_found_in_what_was_published() -> None:
    """Rules 5.1, 7.2: peerings of both ends make an edge; the own line counts by its room."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, THREE, chain(*THREE))
        await until(town, lambda: converged(town), 120, "feeds")
        await pause(1)
        oakvale, hilltop, riverside = (town[name] for name in THREE)
        routes = oakvale.node.routes
        assert routes.candidates(riverside.scheme, 1) == [(oakvale.scheme, hilltop.scheme, riverside.scheme)]
        assert routes.candidates(hilltop.scheme, WIDE.owed_max) == [(oakvale.scheme, hilltop.scheme)]
        assert routes.candidates(hilltop.scheme, WIDE.owed_max + 1) == []
        assert routes.candidates(oakvale.scheme, 1) == []
        await town.close()

    run_virtual(scenario)


@pytest.mark.parametrize("seed", range(4))
def test_feeds_converge_in_foul_weather_and_nothing_withdrawn_reappears(seed: int) -> None:
    """I13: loss, duplicates, disorder and a partition in the middle of it."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, THREE, chain(*THREE), seed=seed)
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        for number in range(8):
            await put(oakvale, number, f"Thing {number}")
            await put(riverside, number, f"Other {number}")
        network.cut("Oakvale", "Hilltop")
        for number in range(4):
            await withdraw(oakvale, number)
        await put(oakvale, 5, "Thing 5, mended")
        await pause(90)
        network.mend("Oakvale", "Hilltop")
        await until(town, lambda: converged(town), 1800, "feeds")
        wanted = ["Thing 4", "Thing 5, mended", "Thing 6", "Thing 7"]
        for name in THREE:
            assert await titles(town[name], oakvale.scheme) == wanted
            assert len(await titles(town[name], riverside.scheme)) == 8
        await town.close()

    run_virtual(scenario, seed, FOUL)


def test_a_copy_of_what_was_withdrawn_is_not_taken_again() -> None:
    """I13, 5.3: the head judged it; an old push that comes late changes nothing."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Hilltop"], [("Oakvale", "Hilltop")])
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await put(oakvale, 1, "Plum jam")
        await until(town, lambda: converged(town), 60, "feeds")
        old = await hilltop.node.store.read(_wire, oakvale.scheme, item_key(1))
        await withdraw(oakvale, 1)
        await until(town, lambda: converged(town), 60, "feeds")
        hilltop.node.gossip._inbox.forget_seen()  # the cache is no defence, only a saving
        hilltop.node.gossip._inbox.put(oakvale.scheme, (old,), heads=False)
        await pause(5)
        assert await titles(hilltop, oakvale.scheme) == []
        assert await agrees(hilltop, oakvale)
        await town.close()

    run_virtual(scenario)


def test_what_a_relay_leaves_out_is_noticed_and_fetched() -> None:
    """Rules 5.3, 5.5: the root does not come out, so the id list is fetched, from the relay or from another."""

    async def scenario(network: SimulatedNetwork) -> None:
        # A square: Riverside hears of Oakvale through Hilltop, who omits, and through Mill, who does not.
        names = ["Oakvale", "Hilltop", "Riverside", "Mill"]
        town = await build(network, names, ring(names))
        oakvale, hilltop, riverside = town["Oakvale"], town["Hilltop"], town["Riverside"]
        for number in range(6):
            await put(oakvale, number, f"Thing {number}")
        await until(town, lambda: converged(town), 300, "feeds")

        def omit(tx: Tx) -> None:
            feed = open_feed(tx, oakvale.scheme)
            tx.run(
                delete(schema.item).where(
                    schema.item.c.feed_no == feed.no, schema.item.c.item_key == item_key(3)
                )
            )

        def forget(tx: Tx) -> None:
            feed = open_feed(tx, oakvale.scheme)
            tx.run(delete(schema.item).where(schema.item.c.feed_no == feed.no))
            feed.head, feed.head_seq, feed.head_time, feed.complete, feed.top = None, 0, 0, 0, 0
            feed.live = 0
            save_feed(tx, feed)

        await hilltop.node.store.write(omit)
        await riverside.node.store.write(forget)
        riverside.node.gossip._clocks.pop(oakvale.scheme)
        await until(town, lambda: agrees(riverside, oakvale), 1800, "the whole feed")
        assert len(await held(riverside, oakvale.scheme)) == len(await held(oakvale, oakvale.scheme))
        await town.close()

    run_virtual(scenario)


def test_a_relays_forgery_is_not_taken_and_the_true_feed_is_found() -> None:
    """Rules 5.3, 5.5: another price under the author's name fails the root, then its own signature."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, THREE, chain(*THREE))
        oakvale, hilltop, riverside = (town[name] for name in THREE)
        await riverside.stop()
        for number in range(6):
            await put(oakvale, number, f"Thing {number}")
        await until(town, lambda: converged(town), 300, "feeds")

        def forge(tx: Tx) -> None:
            feed, held_now = open_feed(tx, oakvale.scheme), find_held(tx, oakvale.scheme, 3)
            true = trusted_message(Item, held_now[3])
            lie = replace(true.body, payload=payload_bytes(listing("Nothing for you")))
            wire = encode((encode_message(lie), true.key_seq, true.signature))
            values = {"id": peek(wire).id, "wire": wire}
            at = (schema.item.c.feed_no == feed.no, schema.item.c.feed_seq == true.body.feed_seq)
            tx.run(update(schema.item).where(*at).values(**values))

        true_wire = await hilltop.node.store.read(_wire, oakvale.scheme, item_key(3))
        await hilltop.node.store.write(forge)
        await riverside.boot()
        await pause(300)
        assert "Nothing for you" not in await titles(riverside, oakvale.scheme)
        assert len(await titles(riverside, oakvale.scheme)) == 5, "the others are, each by its own signature"
        mended = update(schema.item).where(schema.item.c.item_key == item_key(3))
        await hilltop.node.store.write(
            lambda tx: tx.run(mended.values(id=peek(true_wire).id, wire=true_wire))
        )
        await until(town, lambda: agrees(riverside, oakvale), 1800, "the true feed")
        await town.close()

    run_virtual(scenario)


def test_a_restored_node_numbers_on_above_what_others_have_seen() -> None:
    """Rule 6.7 (i): no number is used twice, followers come to what it says now, and people read which listing lacks."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Hilltop"], [("Oakvale", "Hilltop")])
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await put(oakvale, 1, "Plum jam")
        await until(town, lambda: converged(town), 60, "feeds")
        old = await oakvale.node.store.read(find_feed, oakvale.scheme)
        assert old is not None
        await put(oakvale, 2, "Lost with the disk")
        await until(town, lambda: converged(town), 60, "feeds")

        def restore(tx: Tx) -> None:
            feed = open_feed(tx, oakvale.scheme)
            newer = (schema.item.c.feed_no == feed.no, schema.item.c.feed_seq > old.top)
            tx.run(delete(schema.item).where(*newer))
            save_feed(tx, replace(old, no=feed.no))

        await oakvale.node.store.write(restore)
        await oakvale.crash()
        await oakvale.boot()
        await pause(120)
        seq = await put(oakvale, 3, "Bread")
        assert seq > old.top + 1_000
        (lost,) = await oakvale.node.store.read(read_missing, 10)
        assert (lost.kind, lost.text) == ("listing", "Lost with the disk")
        await until(town, lambda: converged(town), 600, "feeds")
        assert await titles(hilltop, oakvale.scheme) == ["Bread", "Plum jam"]
        await town.close()

    run_virtual(scenario)


def test_a_long_feed_is_admitted_by_its_head_without_looking_at_signatures() -> None:
    """Rule 5.3: one check for the head; over several lanes and frames, and over the quota not at all."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Hilltop"], [("Oakvale", "Hilltop")])
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await until(town, lambda: converged(town), 60, "feeds")
        await hilltop.stop()

        def fill(tx: Tx) -> None:
            expires = oakvale.node.clock.now_ms() + 100 * DAY_MS
            for number in range(6_000):
                payload = payload_bytes(listing(f"Thing {number}"))
                oakvale.node.own_feed.put(tx, LISTING, item_key(number), payload, expires=expires)

        await oakvale.node.store.write(fill)
        await oakvale.node.own_feed.sign_head()
        await hilltop.boot()
        checked: list[int] = []

        async def count(wires: Sequence[bytes]) -> list[Arrival]:
            checked.append(len(wires))
            return []

        hilltop.node.gossip._catch_up.check = count  # type: ignore[method-assign]  # a spy
        await until(town, lambda: agrees(hilltop, oakvale), 60, "the feed")
        assert sum(checked) == 0
        assert len(await titles(hilltop, oakvale.scheme)) == 6_000
        page = await hilltop.node.market.find(FindQuery(text="thing 59"))
        await until(town, lambda: _indexed(hilltop), 60, "the index")
        page = await hilltop.node.market.find(FindQuery(text="thing 59"))
        assert page.total == 111
        await town.close()

    run_virtual(scenario)


def test_a_restart_goes_on_where_it_was() -> None:
    """Rule 5.5: clocks are in the store; what came meanwhile is fetched, what was held is not."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, THREE, chain(*THREE))
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        for number in range(200):
            await put(oakvale, number, f"Thing {number} " + "x" * 100)
        await until(town, lambda: converged(town), 120, "feeds")
        clock = riverside.node.gossip.clock_of(oakvale.scheme)
        await riverside.crash()
        await put(oakvale, 200, "Thing 200")
        await pause(5)
        before = network.traffic("Hilltop", "Riverside").bytes
        await riverside.boot()
        assert riverside.node.gossip.clock_of(oakvale.scheme) == clock
        await until(town, lambda: converged(town), 120, "feeds")
        assert network.traffic("Hilltop", "Riverside").bytes - before < 200 * 100, "what was held came again"
        await town.close()

    run_virtual(scenario)


def test_in_a_ring_of_twelve_feeds_go_four_peerings_far() -> None:
    """Rule 5.6: each scheme follows the four on either side, and nobody else."""

    async def scenario(network: SimulatedNetwork) -> None:
        names = [f"S{number:02}" for number in range(12)]
        town = await build(network, names, ring(names))
        near = {
            name: {town[names[(at + step) % 12]].scheme for step in (-4, -3, -2, -1, 1, 2, 3, 4)}
            for at, name in enumerate(names)
        }

        async def settled() -> bool:
            return all([await followed(town[name]) == near[name] for name in names])

        await until(town, settled, 1800, "the horizon")
        await pause(600)
        assert await settled(), "and it stays so"
        await town.close()

    run_virtual(scenario)


def test_strangers_in_session_get_no_feeds() -> None:
    """Rule 5.6: without a line nothing is told, and nothing taken."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Hilltop"], (), open_lines=False)
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await oakvale.node.directory.learn(hilltop.keys.keyring.log)
        oakvale.node.links.want(hilltop.scheme)
        await put(oakvale, 1, "Plum jam")
        await pause(300)
        assert hilltop.scheme in oakvale.node.links.live
        assert await followed(hilltop) == set() == await followed(oakvale)
        await town.close()

    run_virtual(scenario)


def test_a_head_is_signed_daily_and_keeps_the_feed_alive() -> None:
    """Rules 5.3, 5.4: nothing is sent again just to stay listed."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Hilltop"], [("Oakvale", "Hilltop")])
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await put(oakvale, 1, "Plum jam", days=1)
        await put(oakvale, 2, "Bread", days=20)
        await until(town, lambda: converged(town), 60, "feeds")
        first = await head_of(hilltop, oakvale.scheme)
        await pause(1.15 * 86_400)
        await until(town, lambda: converged(town), 600, "feeds")
        last = await head_of(hilltop, oakvale.scheme)
        assert first is not None
        assert last is not None
        assert first.feed_seq == last.feed_seq
        assert last.time >= first.time + DAY_MS
        assert await titles(hilltop, oakvale.scheme) == ["Bread"], "the other one is over"
        assert len(await held(hilltop, oakvale.scheme)) == last.live_count, "and forgotten"
        await town.close()

    run_virtual(scenario)


def test_a_silent_scheme_is_forgotten_sixty_days_after_its_last_head() -> None:
    """Rule 5.3."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Hilltop"], [("Oakvale", "Hilltop")])
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await put(oakvale, 1, "Plum jam")
        await until(town, lambda: converged(town), 60, "feeds")
        await oakvale.stop()
        feed = await hilltop.node.store.read(find_feed, oakvale.scheme)
        assert feed is not None
        left_ms = feed.valid_until + STALE_FEED_KEPT_MS - hilltop.node.clock.now_ms()
        hilltop.node.clock.skew_ms += left_ms - 2 * HOUR_MS
        await pause(3600)
        assert oakvale.scheme in await followed(hilltop)
        await pause(2 * 3600)
        assert oakvale.scheme not in await followed(hilltop)
        await town.close()

    run_virtual(scenario)


def find_held(tx: ReadTx, scheme: SchemeId, number: int) -> tuple[int, Version, bool, bytes, int]:
    feed = find_feed(tx, scheme)
    assert feed is not None
    found = held_at_key(tx, feed.no, item_key(number))
    assert found is not None
    return found


def _wire(tx: ReadTx, scheme: SchemeId, key: ItemKey) -> bytes:
    return find_held(tx, scheme, int.from_bytes(key, "big"))[3]


async def _indexed(resident: Resident) -> bool:
    feeds = await resident.node.store.read(all_feeds)
    return all(feed.indexed == feed.top for feed in feeds if feed.scheme != resident.scheme)
