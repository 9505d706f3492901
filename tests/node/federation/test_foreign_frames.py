"""Whole nodes sent every frame a neighbour can think of: no failure of ours, no half change. Rules 0.5, 1.2, 9.3; attack T18.

Frames are recorded while two nodes trade and gossip. Then one of them is gone, and somebody with its keys sends the
frames again, damaged at any depth, under any type. Whatever comes, the node answers, refuses or hangs up; it never fails,
and what it owns stays as it was.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from crypto.canonical import NotCanonical, Value, decode, encode
from crypto.signing import signed_bytes, split
from node.clock import LoopClock, SeededChance
from node.federation import session as sessions
from node.federation.channel import Channel, ChannelClosed
from node.federation.handshake import HandshakeFailed, Handshaker
from node.keyring import KeyRing
from node.services.acts import OPERATOR
from node.services.members import NewMember
from node.services.quotes import Offer
from node.services.settings import SchemeSettings
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from node.simulation.virtual_loop import EPOCH_MS
from node.store import ReadTx
from node.store.schema import books, lines, payments
from protocol.errors import ProtocolError
from protocol.frame import Frame, FrameType, decode_frame, encode_frame
from protocol.quote import QuoteRequest
from tests.conftest import EVERYTHING
from tests.damage import damaged_value
from tests.gossip_town import WIDE, put
from tests.simulation import run_virtual
from tests.small_town import Credentials, Phonebook

FRAMES = 10_000 if EVERYTHING else 600
# What must not move by anything that its author did not sign just so.
OWNED = (
    books.account, books.entry, books.leg, books.trade, lines.op, payments.payment, payments.forward,
)  # fmt: skip
# Our own failures, whatever came: everything else that is logged is somebody else's fault, or weather.
FAILURES = {
    "frame_failed",
    "session_failed",
    "task_failed",
    "quarantined",
    "ops_failed",
    "not_stored",
    "too_many_tasks",
}
# What a neighbour signs with which of its keys; whoever has the keys can sign nonsense that is damaged only inside.
PURPOSE_OF = {
    "interlets/1/op": "line", "interlets/1/sync-answer": "line", "interlets/1/item": "feed", "interlets/1/head": "feed",
    "interlets/1/letter": "session", "interlets/1/letter-ack": "session", "interlets/1/descriptor": "session",
    "interlets/1/quote": "line",
}  # fmt: skip


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("signs", [False, True], ids=["damaged", "damaged and signed anew"])
def test_no_frame_however_damaged_makes_a_node_fail_or_moves_anything(
    monkeypatch: pytest.MonkeyPatch, signs: bool
) -> None:
    recorded: list[Frame] = []

    def recording(data: bytes) -> Any:
        frame = decode_frame(data)
        if isinstance(frame, Frame) and len(recorded) < 2_000:
            recorded.append(frame)
        return frame

    monkeypatch.setattr(sessions, "decode_frame", recording)

    async def scenario(network: SimulatedNetwork) -> None:
        town = Town(network, seed=3)
        oakvale, hilltop = [await town.add(SchemeSettings(name=name)) for name in ("Oakvale", "Hilltop")]
        await town.connect([("Oakvale", "Hilltop")], WIDE)
        for number, resident in enumerate(town.residents):
            await put(resident, number, "Jam")
        await _trade(town, oakvale, hilltop)
        await _trade(town, hilltop, oakvale)
        await asyncio.sleep(180)
        sent = list(recorded)
        monkeypatch.setattr(sessions, "decode_frame", decode_frame)
        kinds = {frame.type for frame in sent}
        assert {
            FrameType.OPS,
            FrameType.SYNC,
            FrameType.QUOTE_ASK,
            FrameType.CLOCKS,
            FrameType.ITEMS,
        } <= kinds
        await hilltop.crash()

        before = await _owned(oakvale)
        with capture_logs() as logs:
            met = await _send_damaged(town, oakvale, hilltop, sent, signs)
        assert [entry for entry in logs if entry["event"] in FAILURES] == []
        after = await _owned(oakvale)
        # An op that is signed anew may be a good one, or one more in a fork; no member's account follows from it.
        assert [name for name in before if after[name] != before[name] and not (signs and name == "op")] == []
        assert met["session"] > 1, "grave faults end sessions, and new ones are let in"
        assert met["sent"] > FRAMES // 2

        if signs:  # having signed two things at one place, it is not the neighbour it was
            assert not await oakvale.imbalance()
            await oakvale.stop()
            return
        # The neighbour comes back, and all is as ever.
        await hilltop.boot()
        await town.until(town.all_usable, 900, "lines")
        await _trade(town, oakvale, hilltop)
        assert not await oakvale.imbalance()
        await oakvale.stop()
        await hilltop.stop()

    run_virtual(scenario)


async def _trade(town: Town, payer: Resident, payee: Resident) -> None:
    accounts = [
        (await each.node.people.add(OPERATOR, NewMember(name="Ana"))).account_no for each in (payer, payee)
    ]
    request = QuoteRequest(
        listing=None, payee_handle=await payee.node.quotes.handle_of(payer.scheme, accounts[1]),
        payer_handle=await payer.node.quotes.handle_of(payee.scheme, accounts[0]), payer_name="Ana", amount=30,
        price_seen=None, text="jam",
    )  # fmt: skip

    async def known() -> bool:
        return bool(payer.node.routes.candidates(payee.scheme, 1))

    await town.until(known, 600, "a way")
    offer = await payer.node.quotes.ask(payee.scheme, request)
    assert isinstance(offer, Offer), offer
    payment = await payer.node.settlement.pay(
        offer, account_no=accounts[0], entered_by="Ana", once=payer.node.chance.bytes(16)
    )
    assert (await payer.node.settlement.wait(payment.no, 120)).ended


async def _owned(resident: Resident) -> dict[str, list[Any]]:
    def query(tx: ReadTx) -> dict[str, list[Any]]:
        owned = {table.name: tx.all(select(table)) for table in OWNED}
        # A price may be given to whoever asks; what was paid stays what it was.
        return owned | {"paid": tx.all(select(payments.promise).where(payments.promise.c.state == "paid"))}

    return await resident.node.store.read(query)


async def _send_damaged(
    town: Town, to: Resident, keys_of: Resident, frames: list[Frame], signs: bool
) -> Counter[str]:
    """Send damaged frames with somebody's keys, in a new session whenever one was ended."""
    chance, met = Random(11), Counter[str]()
    book = Phonebook()
    for each in (to, keys_of):
        book.states[each.scheme] = each.keys.keyring.identity
    shaker = Handshaker(Credentials(keys_of.keys.keyring), book, LoopClock(EPOCH_MS), SeededChance("eve"))
    channel: Channel | None = None
    for _ in range(FRAMES):
        if channel is None:
            channel = await town.network.connect(keys_of.name, to.name)
            try:
                await shaker.dial(channel, to.scheme)
            except (HandshakeFailed, ChannelClosed):
                channel = None
                await asyncio.sleep(30)
                continue
            met["session"] += 1
        try:
            await channel.send(
                _damaged(chance.choice(frames), chance, keys_of.keys.keyring if signs else None)
            )
            met["sent"] += 1
            async with asyncio.timeout(0.2):  # read, so that an end is noticed
                while True:
                    await channel.receive()
        except TimeoutError:
            pass
        except ChannelClosed:
            channel = None
    await asyncio.sleep(60)
    return met


def _damaged(frame: Frame, chance: Random, keys: KeyRing | None) -> bytes:
    """Return a frame like this one: another payload, now and then another type, or a request id of somebody else's."""
    kind = chance.choice(list(FrameType)) if chance.random() < 0.1 else frame.type
    payload: Value = frame.payload
    for _ in range(chance.randint(1, 3)):
        payload = damaged_value(payload, chance) if keys is None else _resigned(payload, chance, keys)
    try:
        return encode_frame(Frame(kind, payload, chance.choice((0, frame.request_id, 1, 2**20))))
    except (NotCanonical, ProtocolError):
        return encode_frame(Frame(kind, None, 1))


def _resigned(value: Value, chance: Random, keys: KeyRing) -> Value:
    """Return `value` with the bodies of what is signed in it damaged, and signed again by who signed it."""
    if type(value) is tuple:
        return tuple(_resigned(each, chance, keys) if chance.random() < 0.7 else each for each in value)
    if type(value) is not bytes:
        return damaged_value(value, chance) if chance.random() < 0.1 else value
    try:
        body = decode(split(value)[0])
        assert type(body) is tuple
        seq, key = keys.signing[PURPOSE_OF[str(body[0])]]
        data = encode(damaged_value(body, chance))
        return encode((data, seq, key.sign(signed_bytes(str(body[0]), data))), bytes_max=20_000)
    except (NotCanonical, KeyError, AssertionError, IndexError):
        return value
