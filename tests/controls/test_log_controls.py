"""Negative controls of rule 4: a guard of the log or of a witness taken away, and the run fails with the invariant's name."""

from __future__ import annotations

import asyncio

import pytest

from node import crash
from node.services import own_log
from node.services.log_heads import HeadRefused
from node.services.own_log import OwnLog
from node.services.trades import NewTrade, Trade, Trades
from node.services.witness import Witness
from node.simulation.town import Town
from node.store import InlineStore, Memory, Tx
from protocol import witnessing
from protocol.witnessing import Status
from tests.invariants import Violated
from tests.log_town import SignedHeads, enter, in_town, minutes, signed_head, watched
from tests.node.services.test_own_log import Killed, arm
from tests.node.services.test_two_faces import run_two_faces
from tests.node.services.test_witness import lone_witness
from tests.node.services.test_witness_outage import never, trade_while_nobody_answers
from tests.node.web.test_member_pay_pages import on_market_day
from tests.protocol.logs import asking


@pytest.fixture(autouse=True)
def disarmed():
    yield
    crash.arm_from_environment({})


# --- Sign before the head is stored (4.2) --------------------------------------------------------------------


async def killed_while_signing(town: Town, signed: SignedHeads) -> None:
    """Kill Oakvale's node right after it signed, and look whether what it signed is stored."""
    oakvale = town["Oakvale"]
    await enter(oakvale, 2)
    await oakvale.node.witness.own_log._catch_up()
    arm("head-signed")
    with pytest.raises(Killed):
        await oakvale.node.witness.own_log._checkpoint()
    crash.arm_from_environment({})
    await oakvale.crash()
    await asyncio.sleep(1)
    await oakvale.boot()
    await signed.check_stored(oakvale)


def kill_run() -> None:
    with watched() as signed:
        in_town(lambda town: killed_while_signing(town, signed), names=("Oakvale",), edges=())


async def sign_first(self: OwnLog) -> None:
    """Store the head only after it was signed: the forbidden order."""
    size, root = await self._store.read(own_log._size_and_root)
    note = self._sign(size, root)
    crash.point("head-signed")
    await self._store.write(own_log.heads.store_head, size, root, self._clock.now_ms())
    await self._store.write(own_log.heads.publish_head, size, note.data(), instead=True)


def test_signing_before_the_head_is_stored_is_found():
    kill_run()
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(OwnLog, "_checkpoint", sign_first)
        with pytest.raises(Violated, match=r"^I10 a head of \d+ entries was signed and is not stored"):
            kill_run()


# --- Sign whatever the database holds (4.2, 6.7 f) -----------------------------------------------------------


async def restored(town: Town) -> None:
    """Put Oakvale back to a backup, and let it enter other things than it had."""
    oakvale = town["Oakvale"]
    await enter(oakvale, 2)
    await minutes(2)
    backup = oakvale.snapshot()
    await enter(oakvale, 2)
    await minutes(2)
    await oakvale.restore(backup)
    await oakvale.boot()
    await enter(oakvale, 2)
    await minutes(4)
    assert await signed_head(oakvale)


async def never_looks(self: OwnLog, peer: object, held: object) -> None:
    """Count a neighbour as heard, whatever it holds."""
    self._heard.add(peer)  # type: ignore[arg-type]  # it is a scheme's id


async def all_is_well(self: OwnLog, peer: object, note: object) -> bool:
    return True


def test_signing_without_hearing_what_neighbours_hold_is_found():
    in_town(restored)
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(OwnLog, "hear", never_looks)
        patches.setattr(OwnLog, "_take", all_is_well)
        with pytest.raises(Violated, match=r"^I10 two heads of \d+ entries"):
            in_town(restored)


# --- A head in the place of another (I10) --------------------------------------------------------------------


def test_heads_without_the_refusal_are_found():
    """The same run as above, in which the stores of one database are asked directly."""

    async def run() -> None:
        store = InlineStore(Memory())
        await store.write(own_log.heads.store_head, 5, bytes(32), 1)
        try:
            await store.write(own_log.heads.store_head, 4, bytes(32), 2)
        except HeadRefused:
            return
        raise Violated("I10 sizes fall: 5, then 4")

    asyncio.run(run())
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(own_log.heads, "store_head", _stores_anything)
        with pytest.raises(Violated, match=r"^I10 sizes fall"):
            asyncio.run(run())


def _stores_anything(tx: Tx, size: int, root: bytes, now_ms: int) -> None:
    del tx, size, root, now_ms


# --- A witness that looks at no proof (4.3) ------------------------------------------------------------------


async def two_histories() -> None:
    """Ask one witness to cosign two histories of one log; it may follow one."""
    lone = await lone_witness(InlineStore(Memory()))
    followed = []
    for old, new, side in ((0, 15, ""), (15, 20, "b"), (15, 20, "")):
        said = await lone.witness.answer(asking(old, new, side).data())
        if said.status is Status.COSIGNED and new > 15:
            followed.append(side)
    if followed != [""]:
        raise Violated(f"4.3 a witness cosigned what does not continue what it cosigned: {followed}")


def test_a_witness_that_skips_the_proof_is_found():
    asyncio.run(two_histories())
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(witnessing, "verify_consistency", lambda *_: True)
        with pytest.raises(Violated, match=r"^4\.3 a witness cosigned what does not continue"):
            asyncio.run(two_histories())


# --- A trade that waits for witnesses (4.3) ------------------------------------------------------------------


def trade_without_answers() -> None:
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(Witness, "answer", never)
        on_market_day(trade_while_nobody_answers)


def test_a_trade_that_waits_for_a_witness_is_found():
    trade_without_answers()
    record = Trades.record

    async def and_wait(self: Trades, new: NewTrade) -> Trade:
        """Record a trade, and give it back only once a witness could have looked at it."""
        done = await record(self, new)
        await asyncio.sleep(own_log.ANSWER_MS / 1000)
        return done

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(Trades, "record", and_wait)
        with pytest.raises(Violated, match=r"^4\.3 a trade within the scheme waited"):
            trade_without_answers()


# --- Witnesses that keep to themselves what they saw (4.3) ---------------------------------------------------


def test_witnesses_that_tell_nobody_what_they_cosigned_are_found():
    run_two_faces(4, 1, seed=0)  # in which nobody honest is shown both
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(Witness, "_pass_on", lambda *_: None)
        with pytest.raises(Violated, match=r"^4\.3 two faces were shown"):
            run_two_faces(4, 1, seed=0)
