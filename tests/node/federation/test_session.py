"""Sessions between two nodes on the simulated network. Source: docs/protocol.md 9.3."""

from __future__ import annotations

import asyncio

import pytest

from crypto.canonical import encode
from node.federation.channel import ChannelClosed
from node.federation.dispatch import AnsweredWithError, NoAnswer
from node.federation.session import Session
from protocol.errors import InvalidOp, NotAuthentic
from protocol.frame import CloseCode, Frame, FrameType, encode_frame
from protocol.limits import (
    FRAME_BYTES_MAX,
    SESSION_FAULTS_MAX,
    SESSION_INBOX_BYTES,
    SESSION_INBOX_FRAMES,
    SESSION_OUTBOX_FRAMES,
    SESSION_REQUESTS_MAX,
)
from protocol.session import Clocks
from tests.simulation import ANA, BEN, EVE, between, connected


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


def test_what_waits_to_be_handled_is_bounded_in_bytes():
    """Rule 9.3; attack T34: 64 frames of 256 KiB, read into values, are more memory than a whole node may take."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        gate = asyncio.Event()

        async def wait(_session: Session, _frame: Frame) -> None:
            await gate.wait()

        ben.recorder.before = wait
        large = bytes(FRAME_BYTES_MAX - 100)
        sending = [asyncio.ensure_future(session.send(FrameType.ITEMS, large)) for _ in range(40)]
        await asyncio.sleep(30)
        held = ben.links.live[ANA.scheme].counts.bytes_in
        assert held < SESSION_INBOX_BYTES + 4 * FRAME_BYTES_MAX
        gate.set()
        await asyncio.gather(*sending)
        await asyncio.sleep(30)
        assert len(ben.recorder.frames) == 40

    between(scenario)


@pytest.mark.parametrize(
    "count",
    [20_000, pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])],
    ids=["20 thousand", "a million"],
)
def test_of_very_many_tiny_frames_only_few_are_ever_held(count):
    """Rule 9.3; I14; attack T34: counted, not measured, whatever a neighbour sends and however slowly it is handled."""

    async def scenario(town, ana, ben):
        session = await connected(ana, ben)
        there = ben.links.live[ANA.scheme]

        async def linger(_session: Session, _frame: Frame) -> None:
            await asyncio.sleep(0.001)

        ben.recorder.before = linger
        kinds = (FrameType.PING, FrameType.ITEMS, FrameType.PONG, FrameType.OPS, FrameType.SYNC_ANSWER)
        most = 0
        for number in range(count):
            await session.send(kinds[number % len(kinds)], None)
            if number % 50 == 0:
                await asyncio.sleep(0.01)
                most = max(most, waiting_in(there))
                ben.recorder.frames.clear()  # what handlers keep is not the session's
        while there.counts.frames_in < count:
            await asyncio.sleep(1)
            most = max(most, waiting_in(there))
        assert SESSION_INBOX_FRAMES / 2 < most <= SESSION_INBOX_FRAMES, "it was full, and never fuller"
        assert not there.is_ended
        answer = await session.request(FrameType.SYNC, b"still there?", timeout_ms=60_000)
        assert answer.payload == b"still there?"

    between(scenario)


def waiting_in(session: Session) -> int:
    """Return how many frames a session holds that were read and not handled, having seen that its other queues are bounded."""
    assert all(len(queue) <= SESSION_OUTBOX_FRAMES for queue in session._outbox._queues)
    assert len(session._pending) <= SESSION_REQUESTS_MAX
    assert len(session._faults) <= SESSION_FAULTS_MAX + 1
    return sum(map(len, session._inbox))
