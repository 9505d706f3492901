"""The simulated network: its weather, its partitions, its counts, and that one seed gives one run."""

from __future__ import annotations

import asyncio

import pytest

from node.federation.channel import ChannelClosed
from node.simulation.network import (
    WINDOW_MESSAGES,
    SimulatedChannel,
    SimulatedNetwork,
    Unreachable,
    Weather,
)
from protocol.frame import CloseCode
from tests.simulation import run_virtual

STILL = Weather(delay_s=(0.01, 0.01))


async def pair(network: SimulatedNetwork) -> tuple[SimulatedChannel, SimulatedChannel]:
    accepted: asyncio.Future[SimulatedChannel] = asyncio.get_running_loop().create_future()

    async def serve(channel: SimulatedChannel) -> None:
        accepted.set_result(channel)

    network.listen("bob", serve)
    near = await network.connect("alice", "bob")
    return near, await accepted


async def received(channel: SimulatedChannel, seconds: float = 100) -> list[bytes]:
    """Return what arrives within some virtual seconds."""
    got: list[bytes] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                got.append(await channel.receive())
    except TimeoutError:
        return got


async def storm(network: SimulatedNetwork) -> list[bytes]:
    near, far = await pair(network)
    for number in range(200):
        await near.send(b"%d" % number)
    return await received(far)


def test_messages_arrive_in_order_and_are_counted():
    async def scenario(network: SimulatedNetwork) -> None:
        assert await storm(network) == [b"%d" % n for n in range(200)]
        assert network.traffic("alice", "bob").messages == 200
        assert network.traffic("alice", "bob").bytes == sum(len(str(n)) for n in range(200))
        assert network.traffic("bob", "alice").messages == 0

    run_virtual(scenario)


@pytest.mark.parametrize(
    "weather, expected",
    [
        (Weather(loss=1.0), 2),  # the calm messages pass
        (Weather(loss=1.0, calm_messages=0), 0),
        (Weather(duplicate=1.0), 398),
        (Weather(), 200),
    ],
)
def test_each_kind_of_weather(weather: Weather, expected: int):
    assert len(run_virtual(storm, 1, weather)) == expected


def test_disorder_disorders_and_loses_nothing():
    got = run_virtual(storm, 1, Weather(reorder=0.3))
    assert got != sorted(got, key=int)
    assert sorted(got, key=int) == [b"%d" % n for n in range(200)]


def test_one_seed_gives_one_run_and_another_seed_another():
    weather = Weather(loss=0.1, duplicate=0.1, reorder=0.1)
    assert run_virtual(storm, 7, weather) == run_virtual(storm, 7, weather)
    assert run_virtual(storm, 7, weather) != run_virtual(storm, 8, weather)


def test_a_cut_holds_what_is_under_way_and_mending_gives_it_on():
    async def scenario(network: SimulatedNetwork) -> None:
        near, far = await pair(network)
        await near.send(b"before")
        network.cut("alice", "bob")
        await near.send(b"during")
        assert await received(far, 3 * 24 * 3600) == []
        network.mend("alice", "bob")
        assert await received(far, 1) == [b"before", b"during"]

    run_virtual(scenario, 0, STILL)


def test_a_dial_waits_while_the_link_is_cut():
    async def scenario(network: SimulatedNetwork) -> None:
        network.cut("alice", "bob")
        network.loop.call_later(60, network.mend, "alice", "bob")
        await pair(network)
        assert network.loop.time() >= 60

    run_virtual(scenario)


def test_a_close_comes_behind_the_messages_and_tells_its_code():
    async def scenario(network: SimulatedNetwork) -> None:
        near, far = await pair(network)
        await near.send(b"last words")
        await near.close(CloseCode.SUPERSEDED)
        assert await far.receive() == b"last words"
        with pytest.raises(ChannelClosed) as told:
            await far.receive()
        assert (told.value.code, told.value.by_peer) == (CloseCode.SUPERSEDED, True)
        with pytest.raises(ChannelClosed) as own:
            await near.receive()
        assert (own.value.code, own.value.by_peer) == (CloseCode.SUPERSEDED, False)
        with pytest.raises(ChannelClosed):
            await far.send(b"too late")

    run_virtual(scenario)


def test_a_reset_and_a_stop_break_channels_at_once():
    async def scenario(network: SimulatedNetwork) -> None:
        near, _ = await pair(network)
        network.reset("alice", "bob")
        with pytest.raises(ChannelClosed) as told:
            await near.receive()
        assert told.value.code == CloseCode.LOST
        near, _ = await pair(network)
        network.stop("bob")
        with pytest.raises(ChannelClosed):
            await near.receive()
        with pytest.raises(Unreachable):
            await network.connect("alice", "bob")

    run_virtual(scenario)


def test_a_receiver_that_does_not_read_makes_its_sender_wait():
    async def scenario(network: SimulatedNetwork) -> None:
        near, far = await pair(network)
        sent = 0

        async def flood() -> None:
            nonlocal sent
            while True:
                await near.send(b"x")
                sent += 1
                await asyncio.sleep(0.1)

        flooding = asyncio.ensure_future(flood())
        await asyncio.sleep(1000)
        assert WINDOW_MESSAGES - 2 <= sent <= WINDOW_MESSAGES + 2
        for _ in range(WINDOW_MESSAGES):
            await far.receive()
        await asyncio.sleep(10)
        assert sent > WINDOW_MESSAGES + 50
        flooding.cancel()

    run_virtual(scenario)
