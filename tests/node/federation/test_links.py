"""Sessions between nodes on the simulated network. Source: docs/protocol.md 6.7 (e), 9.2, 9.3."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from crypto.canonical import encode
from crypto.keys import SigningKey
from node.federation.channel import ChannelClosed
from node.federation.dispatch import AnsweredWithError, NoAnswer
from node.federation.handshake import HandshakeFailed, Handshaker
from node.federation.session import Session
from node.simulation.network import SimulatedNetwork, Weather
from protocol.errors import InvalidOp, NotAuthentic
from protocol.frame import CloseCode, Frame, FrameType, encode_frame
from protocol.limits import FRAME_BYTES_MAX, HANDSHAKES_MAX, SESSION_FAULTS_MAX, SESSION_INBOX_FRAMES
from protocol.session import Clocks
from tests.simulation import Acquaintances, Person, SessionNode, SimulatedNodes, person, run_virtual

ANA, BEN = sorted((person("ana"), person("ben")), key=lambda who: who.scheme)  # ana has the lower id
EVE = person("eve")


def between(scenario, seed=0, weather=None, **options):
    """Run a scenario with Ana's and Ben's nodes, not yet connected."""

    async def begin(network: SimulatedNetwork):
        async with SimulatedNodes(network, ANA, BEN, **options) as town:
            return await scenario(town, town.nodes[ANA.name], town.nodes[BEN.name])

    return run_virtual(begin, seed, weather)


async def connected(ana: SessionNode, ben: SessionNode) -> Session:
    ana.links.want(BEN.scheme)
    await asyncio.sleep(5)
    assert set(ana.links.live) == {BEN.scheme}
    assert set(ben.links.live) == {ANA.scheme}
    return ana.links.live[BEN.scheme]


def test_a_question_and_its_answer():
    """Rule 9.3."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        answer = await ana.links.request(BEN.scheme, FrameType.SYNC, b"how far are you?")
        assert (answer.type, answer.payload) == (FrameType.SYNC_ANSWER, b"how far are you?")
        assert [frame.payload for frame in ben.recorder.frames] == [b"how far are you?"]
        assert session.terms.clocks is Clocks.AGREE

    between(scenario)


def test_a_handler_may_ask_the_peer_it_handles_a_frame_of():
    """Rule 9.3: answers do not queue behind the frame being handled."""

    async def scenario(town, ana, ben):
        await connected(ana, ben)
        answers = []

        async def ask_back(session: Session, frame: Frame) -> None:
            answers.append(await session.request(FrameType.SYNC, b"and you?"))

        ben.recorder.before = ask_back
        assert ana.links.offer(BEN.scheme, FrameType.OPS, (b"op",))
        await asyncio.sleep(5)
        assert [answer.payload for answer in answers] == [b"and you?"]

    between(scenario)


def test_frames_arrive_in_order_within_their_class_and_ops_overtake_the_rest():
    """Rule 9.3; attack T34."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        for number in range(20):
            assert session.offer(FrameType.ITEMS, number)
        for number in range(20):
            assert session.offer(FrameType.OPS, number)
        await asyncio.sleep(5)
        got = [(frame.type, frame.payload) for frame in ben.recorder.frames]
        assert got == [(kind, n) for kind in (FrameType.OPS, FrameType.ITEMS) for n in range(20)]

    between(scenario)


def test_a_full_queue_refuses_and_a_patient_sender_waits():
    """Rule 9.3: bounded queues; back-pressure by not reading."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        gate = asyncio.Event()

        async def wait(_session: Session, _frame: Frame) -> None:
            await gate.wait()

        ben.recorder.before = wait
        refused = next(n for n in range(100_000) if not session.offer(FrameType.ITEMS, n))
        assert refused >= 1024
        assert session.offer(FrameType.OPS, b"still room for ops")
        sending = asyncio.ensure_future(session.send(FrameType.ITEMS, b"patient"))
        await asyncio.sleep(20)
        assert ben.links.live[ANA.scheme].counts.frames_in < SESSION_INBOX_FRAMES + 5
        gate.set()
        await sending
        await asyncio.sleep(20)
        assert ben.recorder.frames[-1].payload == b"patient"
        assert len(ben.recorder.frames) == refused + 2

    between(scenario)


def test_a_peer_over_its_budget_is_read_more_slowly():
    """Rule 9.3; attack T34."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        began = town.network.loop.time()
        blob = bytes(200 * 1024)
        for _ in range(200):  # 40 MB: 16 at once, then 4 a second
            await session.send(FrameType.ITEMS, blob)
        answered = await session.request(FrameType.SYNC, b"all read?")
        assert answered.payload == b"all read?"
        await asyncio.sleep(0)
        assert 5 < town.network.loop.time() - began < 8

    between(scenario)


# --- faults ---


def test_a_broken_rule_is_told_counted_and_in_the_end_ends_the_session():
    """Rule 9.3."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)

        async def refuse(_session: Session, _frame: Frame) -> None:
            raise InvalidOp("no")

        ben.recorder.before = refuse
        for _ in range(SESSION_FAULTS_MAX):
            with pytest.raises(AnsweredWithError, match="invalid_op"):
                await session.request(FrameType.SYNC, b"")
        assert not session.is_ended
        with pytest.raises(AnsweredWithError):
            await session.request(FrameType.SYNC, b"")
        await asyncio.sleep(1)
        assert [(closed.code, closed.by_peer) for closed in ana.ended] == [(CloseCode.MISBEHAVED, True)]
        assert ben.quarantined == []

    between(scenario)


def test_one_forgery_is_enough():
    """Rule 9.3."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)

        async def refuse(_session: Session, _frame: Frame) -> None:
            raise NotAuthentic("forged")

        ben.recorder.before = refuse
        session.offer(FrameType.OPS, b"")
        await asyncio.sleep(1)
        assert ana.ended[0].code == CloseCode.MISBEHAVED

    between(scenario)


def test_our_own_failure_is_quarantined_and_the_node_goes_on():
    """Rule 0.5."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)

        async def fail(_session: Session, frame: Frame) -> None:
            raise ZeroDivisionError

        ben.recorder.before = fail
        session.offer(FrameType.OPS, (b"strange",))
        await asyncio.sleep(1)
        [(scheme, data, error)] = ben.quarantined
        assert (scheme, data) == (ANA.scheme, encode_frame(Frame(FrameType.OPS, (b"strange",))))
        assert isinstance(error, ZeroDivisionError)
        assert ana.ended[0].code == CloseCode.TROUBLE
        ben.recorder.before = None
        await asyncio.sleep(10)
        answer = await ana.links.request(BEN.scheme, FrameType.SYNC, b"again")
        assert answer.payload == b"again"

    between(scenario)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        bytes(1000),
        encode((1, 2)),
        encode_frame(Frame(FrameType.HELLO, None)),
        bytes(FRAME_BYTES_MAX),
    ],
)
def test_garbage_ends_the_session(data):
    """Attack T18."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        await session._channel.send(data)
        await asyncio.sleep(1)
        assert ana.ended[0].code == CloseCode.MALFORMED

    between(scenario)


def test_frames_of_unknown_types_are_ignored_and_counted():
    """Rule 9.5."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        await session._channel.send(encode((200, 0, b"from the future")))
        session.offer(FrameType.EVIDENCE, b"no service here takes it")
        with pytest.raises(AnsweredWithError, match="unknown"):
            await session.request(FrameType.IDENTITY_ASK, b"nor this")
        assert ben.links.live[ANA.scheme].counts.unknown == 3

    between(scenario)


def test_an_answer_of_another_type_is_a_fault():
    async def scenario(town, ana, ben):
        session = await connected(ana, ben)

        async def answer_wrongly(back: Session, frame: Frame) -> None:
            back.offer(FrameType.BLOB, b"", request_id=frame.request_id)
            await asyncio.sleep(1)

        ben.recorder.before = answer_wrongly
        with pytest.raises(NoAnswer):
            await session.request(FrameType.SYNC, b"")
        await asyncio.sleep(1)
        assert ben.ended[0].code == CloseCode.MALFORMED

    between(scenario)


def test_answers_nobody_asked_for_and_errors_are_not_answered():
    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        session.offer(FrameType.KEPT, b"", request_id=99)
        session.offer(FrameType.ERROR, "x", request_id=98)
        session.offer(FrameType.ERROR, "x")
        await asyncio.sleep(1)
        counts = ben.links.live[ANA.scheme].counts
        assert (counts.unasked, counts.frames_out) == (2, 0)

    between(scenario)


# --- silence ---


def test_a_question_without_an_answer_fails_in_time():
    """Every await on a peer has a timeout."""

    async def scenario(town, ana, ben):
        await connected(ana, ben)
        town.network.cut(ANA.name, BEN.name)
        with pytest.raises(NoAnswer):
            await ana.links.request(BEN.scheme, FrameType.SYNC, b"", timeout_ms=2000)
        with pytest.raises(NoAnswer):
            await ana.links.request(EVE.scheme, FrameType.SYNC, b"")
        with pytest.raises(ChannelClosed):
            await ana.links.send(EVE.scheme, FrameType.OPS, b"")
        assert not ana.links.offer(EVE.scheme, FrameType.OPS, b"")

    between(scenario)


def test_a_quiet_session_lives_on_and_a_dead_one_is_left_and_dialled_again():
    """Rule 9.2."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        await asyncio.sleep(3600)
        assert ana.links.live[BEN.scheme] is session
        town.network.cut(ANA.name, BEN.name)
        await asyncio.sleep(120)
        assert (ana.links.live, ben.links.live) == ({}, {})
        assert (ana.ended[0].code, ben.ended[0].code) == (CloseCode.IDLE, CloseCode.IDLE)
        town.network.mend(ANA.name, BEN.name)
        await asyncio.sleep(600)
        assert set(ana.links.live) == {BEN.scheme}

    between(scenario)


def test_a_slow_handler_is_not_taken_for_silence():
    async def scenario(town, ana, ben):
        session = await connected(ana, ben)

        async def linger(_session: Session, frame: Frame) -> None:
            await asyncio.sleep(300)

        ben.recorder.before = linger
        for _ in range(SESSION_INBOX_FRAMES + 1):
            session.offer(FrameType.ITEMS, b"")
        await asyncio.sleep(250)
        assert not ben.links.live[ANA.scheme].is_ended

    between(scenario)


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
    async def scenario(town, ana, ben):
        channels = [await town.network.connect(EVE.name, BEN.name) for _ in range(HANDSHAKES_MAX)]
        await asyncio.sleep(0.1)
        one_more = await town.network.connect(EVE.name, BEN.name)
        with pytest.raises(ChannelClosed) as closed:
            await one_more.receive()
        assert closed.value.code == CloseCode.BUSY
        for channel in channels:
            with pytest.raises(ChannelClosed) as closed:
                await channel.receive()
            assert closed.value.code == CloseCode.LAPSED
        await connected(ana, ben)

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
