"""Which sessions there are, and who may come in, on the simulated network. Source: docs/protocol.md 6.7 (e), 9.2."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from crypto.canonical import encode
from crypto.keys import SigningKey
from node.federation import links as links_module
from node.federation.channel import ChannelClosed
from node.federation.handshake import HandshakeFailed, Handshaker
from node.simulation.network import Weather
from protocol.frame import CloseCode, Frame, FrameType, encode_frame
from protocol.limits import (
    HANDSHAKES_MAX,
    HANDSHAKES_OF_ONE_MAX,
    STRANGER_FRAMES_A_SECOND,
    STRANGER_FRAMES_BURST,
)
from protocol.session import Clocks
from tests.simulation import (
    ANA,
    BEN,
    EVE,
    Acquaintances,
    Person,
    SessionNode,
    SimulatedNodes,
    between,
    connected,
    person,
    run_virtual,
)

# --- dialling ---


def test_two_nodes_that_dial_each_other_at_once_end_with_one_session():
    """Rule 6.7 (e): whatever the delays, both keep the same one."""
    races = 0
    for seed in range(40):

        async def scenario(town, ana, ben):
            ana.links.want(BEN.scheme)
            ben.links.want(ANA.scheme)
            await asyncio.sleep(60)
            one, other = ana.links.live[BEN.scheme], ben.links.live[ANA.scheme]
            assert one.terms.role != other.terms.role
            answer = await one.request(FrameType.SYNC, b"to ben")
            assert answer.payload == b"to ben"
            assert other.counts.frames_in >= 1
            assert len(ana.links._sessions[BEN.scheme]) == len(ben.links._sessions[ANA.scheme]) == 1
            assert [what for what, _ in ana.log + ben.log if what == "copy"] == []
            return len(ana.log) + len(ben.log)

        races += between(scenario, seed, Weather(delay_s=(0.01, 0.8))) > 2
    assert races > 10  # else nothing was tried here


def test_a_node_that_boots_anew_takes_the_place_of_its_old_session():
    """Rule 6.7 (e)."""

    async def scenario(town, ana, ben):
        await connected(ana, ben)
        old = ben.links.live[ANA.scheme]
        # Ana's machine dies silently: Ben still believes in the old session when she is back.
        town.network.cut(ANA.name, BEN.name)
        again = town.make(ANA, seed=1)
        running = asyncio.ensure_future(again.links.run())
        town.network.mend(ANA.name, BEN.name)
        again.links.want(BEN.scheme)
        await asyncio.sleep(5)
        new = ben.links.live[ANA.scheme]
        assert new is not old
        assert old.is_ended
        assert new.terms.peer_boot != old.terms.peer_boot
        assert [what for what, _ in ben.log] == ["up", "up"]
        again.links.stop()
        await running

    between(scenario)


def test_of_two_copies_of_a_node_the_replaced_one_is_told():
    """Attack T31: somebody runs the same scheme twice."""

    async def scenario(town, ana, ben):
        await connected(ana, ben)
        copy = town.make(ANA, seed=1)
        running = asyncio.ensure_future(copy.links.run())
        copy.links.want(BEN.scheme)
        await asyncio.sleep(25)
        assert ana.ended[0].code == CloseCode.SUPERSEDED
        assert ("copy", BEN.scheme) in ana.log
        assert ("copy", BEN.scheme) not in copy.log
        copy.links.stop()
        await running

    between(scenario)


def test_frames_of_an_older_session_are_dropped_unread():
    """Rule 6.7 (e)."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        older = ben.links.live[ANA.scheme]
        older.demote()
        session.offer(FrameType.OPS, b"unread")
        await asyncio.sleep(1)
        assert (ben.recorder.frames, older.counts.dropped) == ([], 1)
        older.promote()
        session.offer(FrameType.OPS, b"read")
        await asyncio.sleep(1)
        assert [frame.payload for frame in ben.recorder.frames] == [b"read"]

    between(scenario)


def test_the_newest_counts_and_when_it_is_superseded_the_older_counts_again():
    """Rule 6.7 (e), seen by Ben, who leaves the choice to Ana."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        older = ben.links.live[ANA.scheme]
        channel = await town.network.connect(ANA.name, BEN.name)
        await ana.handshaker.dial(channel, BEN.scheme)
        await asyncio.sleep(1)
        assert ben.links.live[ANA.scheme] is not older
        session.offer(FrameType.OPS, b"on the older")
        await channel.send(encode_frame(Frame(FrameType.OPS, b"on the newer")))
        await asyncio.sleep(1)
        assert [frame.payload for frame in ben.recorder.frames] == [b"on the newer"]
        assert (older.is_ended, older.counts.dropped) == (False, 1)

        await channel.close(CloseCode.SUPERSEDED)
        await asyncio.sleep(1)
        assert ben.links.live[ANA.scheme] is older
        session.offer(FrameType.OPS, b"on the older again")
        await asyncio.sleep(20)
        assert ben.recorder.frames[-1].payload == b"on the older again"
        assert [what for what, _ in ben.log] == ["up", "up", "down", "up"]

    between(scenario)


def test_an_unreachable_peer_is_dialled_ever_more_seldom_and_at_once_when_asked():
    async def scenario(town, ana, ben):
        dials = []
        inner = ana.links._dial

        async def dial(scheme):
            dials.append(town.network.loop.time())
            return await inner(scheme)

        ana.links._dial = dial
        town.network.stop(BEN.name)
        ana.links.want(BEN.scheme)
        await asyncio.sleep(24 * 3600)
        pauses = [later - earlier for earlier, later in pairwise(dials)]
        assert pauses[0] < 3
        assert all(140 < pause < 310 for pause in pauses[12:])
        town.network.listen(BEN.name, ben.links.accept)
        ana.links.want(BEN.scheme)
        await asyncio.sleep(1)
        assert set(ana.links.live) == {BEN.scheme}

    between(scenario)


def flapping(*, answers, ends):
    """Return how long Ana was without Ben after each of twenty short sessions, in seconds."""

    async def scenario(town, ana, ben):
        ana.links.want(BEN.scheme)
        pauses = []
        for _ in range(20):
            began = town.network.loop.time()
            while BEN.scheme not in ana.links.live:  # noqa: ASYNC110 - in virtual time it costs nothing
                await asyncio.sleep(0.1)
            pauses.append(town.network.loop.time() - began)
            await asyncio.sleep(3)
            if answers:
                await ana.links.live[BEN.scheme].request(FrameType.SYNC, b"anybody there?")
            if ends is None:
                town.network.reset(ANA.name, BEN.name)
            else:
                ben.links.live[ANA.scheme].end(ends)
            await asyncio.sleep(1)
        return pauses[1:]

    return between(scenario)


def test_a_link_that_comes_and_goes_is_taken_up_each_time_it_comes():
    """What a session carried before it was lost is reason enough to hurry."""
    assert max(flapping(answers=True, ends=None)) < 2
    assert max(flapping(answers=True, ends=CloseCode.GOING_AWAY)) < 2


@pytest.mark.parametrize(
    "answers, ends", [(False, None), (True, CloseCode.TROUBLE), (True, CloseCode.BUSY)], ids=str
)
def test_whoever_serves_nothing_or_sends_us_away_is_dialled_ever_more_seldom(answers, ends):
    pauses = flapping(answers=answers, ends=ends)

    assert pauses[0] < 5
    assert min(pauses[12:]) > 100


def test_a_forgotten_peer_is_left_and_not_dialled():
    async def scenario(town, ana, ben):
        await connected(ana, ben)
        ana.links.forget(BEN.scheme)
        await asyncio.sleep(1000)
        assert (ana.links.live, ben.ended[0].code) == ({}, CloseCode.DONE)

    between(scenario)


# --- who may come in ---


def refused(who: Person, *, known: Acquaintances, as_peer=BEN, skew_ms=0, unwelcome=()):
    """Return the code with which Ben's node ends a handshake dialled by `who`, and what opened there."""

    async def scenario(town, ana, ben):
        ben.known.unwelcome |= set(unwelcome)
        handshaker = Handshaker(who, known, ana.clock, ana.links._chance)
        channel = await town.network.connect(EVE.name, BEN.name)
        try:
            await handshaker.dial(channel, as_peer.scheme)
            await channel.receive()
        except HandshakeFailed as failed:
            return failed.code, dict(ben.links.live)
        except ChannelClosed as closed:
            return closed.code, dict(ben.links.live)

    return between(scenario)


ALL = Acquaintances(ANA, BEN, EVE)


@pytest.mark.parametrize(
    "dialler, options, code",
    [
        (EVE, {}, CloseCode.NOT_AUTHENTIC),  # a stranger whose keys Ben cannot find
        (person("eve", scheme=ANA.scheme), {}, CloseCode.NOT_AUTHENTIC),  # forged: signed by another key
        (ANA, {"as_peer": EVE}, CloseCode.WRONG_DESTINATION),  # misdirected
        (ANA, {"unwelcome": [ANA.scheme]}, CloseCode.NOT_ADMITTED),
    ],
)
def test_a_caller_who_does_not_prove_itself_is_refused(dialler, options, code):
    """Rule 9.2; attacks T24 and T25."""
    assert refused(dialler, known=ALL, **options) == (code, {})


def test_a_listener_that_does_not_prove_itself_is_left():
    """Rule 9.2; attack T24: a rogue announcement leads to Eve's node instead of Ben's."""

    async def scenario(town, ana, ben):
        town.network.stop(BEN.name)
        rogue = Person("rogue", SigningKey(bytes(32)), BEN.scheme)
        there = SessionNode(rogue, ALL, ana.links._dial)
        town.network.listen(BEN.name, there.links.accept)
        ana.links.want(BEN.scheme)
        await asyncio.sleep(30)
        assert (ana.log, there.log) == ([], [])

    between(scenario)


def test_a_replayed_handshake_opens_nothing():
    """Attack T25: everything Ana ever said is said again by somebody else."""

    async def scenario(town, ana, ben):
        said: list[bytes] = []
        inner = ana.links._dial

        async def overheard(scheme):
            channel = await inner(scheme)
            send = channel.send

            class Overheard:
                address, tls_seen = channel.address, None
                receive, close = channel.receive, channel.close

                async def send(self, data: bytes) -> None:
                    said.append(data)
                    await send(data)

            return Overheard()

        ana.links._dial = overheard
        await connected(ana, ben)
        ana.links.forget(BEN.scheme)
        await asyncio.sleep(5)
        assert len(said) >= 2
        channel = await town.network.connect(EVE.name, BEN.name)
        for data in said:
            await channel.send(data)
        await channel.receive()  # Ben's own hello, over a new nonce
        with pytest.raises(ChannelClosed) as closed:
            await channel.receive()
        assert closed.value.code == CloseCode.STALE_NONCE
        assert ben.links.live == {}

    between(scenario)


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", encode_frame(Frame(FrameType.OPS, b"")), encode((200, 0, None))]
)
def test_a_caller_that_does_not_greet_is_refused(data):
    """Rule 9.2: a missing HELLO."""

    async def scenario(town, ana, ben):
        channel = await town.network.connect(EVE.name, BEN.name)
        await channel.send(data)
        with pytest.raises(ChannelClosed) as closed:
            await channel.receive()
        assert closed.value.code == CloseCode.MALFORMED

    between(scenario)


def test_silent_callers_are_dropped_and_cannot_take_every_place():
    """Rule 9.2: one address holds some places of those not yet proved, all together hold HANDSHAKES_MAX."""

    async def scenario(town, ana, ben):
        async def refused(channel):
            with pytest.raises(ChannelClosed) as closed:
                await channel.receive()
            return closed.value.code

        callers = [f"caller {n}" for n in range(HANDSHAKES_MAX // HANDSHAKES_OF_ONE_MAX)]
        channels = []
        for caller in callers[:-1]:
            channels += [await town.network.connect(caller, BEN.name) for _ in range(HANDSHAKES_OF_ONE_MAX)]
        await asyncio.sleep(0.1)
        assert await refused(await town.network.connect(callers[0], BEN.name)) == CloseCode.BUSY
        await connected(ana, ben)  # whoever calls from elsewhere comes in

        channels += [await town.network.connect(callers[-1], BEN.name) for _ in range(HANDSHAKES_OF_ONE_MAX)]
        await asyncio.sleep(0.1)
        assert await refused(await town.network.connect("one more", BEN.name)) == CloseCode.BUSY
        for channel in channels:
            assert await refused(channel) == CloseCode.LAPSED
        assert await refused(await town.network.connect("later", BEN.name)) == CloseCode.LAPSED

    between(scenario)


def test_strangers_cannot_take_the_places_of_neighbours(monkeypatch):
    """I14: keys cost nothing; a neighbour that calls us finds a place, and so does the stranger who comes last."""
    monkeypatch.setattr(links_module, "STRANGER_SESSIONS_MAX", 4)
    monkeypatch.setattr(links_module, "SESSIONS_MAX", 6)
    strangers = [person(f"stranger {n}") for n in range(12)]

    async def begin(network):
        async with SimulatedNodes(network, ANA, BEN, *strangers) as town:
            ana, ben = town.nodes[ANA.name], town.nodes[BEN.name]
            ben.links._is_friend = lambda scheme: scheme == ANA.scheme
            for stranger in strangers:
                town.nodes[stranger.name].links.want(BEN.scheme)
                await asyncio.sleep(0.5)
            assert strangers[-1].scheme in ben.links.live
            assert len(ben.links.live) <= 4
            ana.links.want(BEN.scheme)
            await asyncio.sleep(5)
            assert ANA.scheme in ben.links.live

    run_virtual(begin)


def test_a_stranger_is_read_slowly_until_a_line_with_it_is_open():
    """Rule 9.3; attack T34."""

    async def scenario(town, ana, ben):
        ben.links._is_friend = lambda _scheme: False
        session = await connected(ana, ben)
        many = STRANGER_FRAMES_BURST + 20 * STRANGER_FRAMES_A_SECOND
        for number in range(many):
            await session.send(FrameType.OPS, number)
        await asyncio.sleep(5)
        assert len(ben.recorder.frames) < many
        ben.links._is_friend = lambda _scheme: True
        ben.links.look_again()
        await asyncio.sleep(5)
        assert len(ben.recorder.frames) == many

    between(scenario)


def test_our_own_failure_in_a_handshake_does_not_stop_the_node():
    """Rule 0.5."""

    async def scenario(town, ana, ben):
        keys = ben.known.session_keys

        async def fail(scheme, identity_log):
            raise ZeroDivisionError

        ben.known.session_keys = fail
        ana.links.want(BEN.scheme)
        await asyncio.sleep(5)
        assert ana.links.live == {}
        ben.known.session_keys = keys
        await asyncio.sleep(60)
        assert set(ana.links.live) == {BEN.scheme}

    between(scenario)


@pytest.mark.parametrize(
    "skew_ms, clocks", [(0, Clocks.AGREE), (-30_000, Clocks.WARN), (3_600_000, Clocks.NO_NEW_LOCKS)]
)
def test_wrong_clocks_are_known_on_both_sides(skew_ms, clocks):
    """Rule 9.2; attack T32."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        back = ben.links.live[ANA.scheme]
        assert (session.terms.clocks, back.terms.clocks) == (clocks, clocks)
        assert abs(session.terms.skew_ms - skew_ms) < 100
        assert abs(back.terms.skew_ms + skew_ms) < 100

    between(scenario, skew_ms={BEN.name: skew_ms})


def test_what_is_told_of_a_session_is_told_in_order():
    async def scenario(town, ana, ben):
        seen = []
        ben.links.watch(on_identity=lambda scheme, log: seen.append((scheme, log)))
        await connected(ana, ben)
        ana.links.stop()
        await asyncio.sleep(5)
        assert seen == [(ANA.scheme, ANA.identity_log())]
        assert ben.log == [("up", ANA.scheme), ("down", ANA.scheme)]
        assert ben.ended[0].code == CloseCode.GOING_AWAY

    between(scenario)


def test_one_seed_gives_one_run():
    async def scenario(town, ana, ben):
        ana.links.want(BEN.scheme)
        ben.links.want(ANA.scheme)
        await asyncio.sleep(1000)
        traffic = town.network.traffic
        return ana.log, ben.log, traffic(ANA.name, BEN.name), town.network.loop.time()

    stormy = Weather(loss=0.3, duplicate=0.1, reorder=0.1)
    assert between(scenario, 3, stormy) == between(scenario, 3, stormy)
