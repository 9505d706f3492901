"""Who says two things about how a line goes on is found out by what it signed. Source: docs/protocol.md 6.8, 10.1."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from crypto.signing import Signed
from node.services.line_rows import FROZEN, SUSPENDED
from node.services.reopen_desk import ReopenDesk, kept_offer, newest_offer
from node.simulation.town import Resident, Town
from node.store import Tx
from protocol import reopening
from protocol.evidence import decode_evidence, verify
from protocol.line_ops import Op, Reopen
from protocol.line_view import LOW
from tests.node.services.test_evidence import in_town, kept, line_of, take
from tests.node.services.test_reopening import BY_HAND


async def ends(town: Town) -> tuple[Resident, Resident]:
    """Return the two ends of the line between Mallory and Oakvale, the one that offers first."""
    one, other = town["Mallory"], town["Oakvale"]
    return (one, other) if (await line_of(one, other)).state.me == LOW else (other, one)


async def offer(low: Resident, high: Resident, owed: int) -> Signed[Op]:
    """Let the lower side offer, as its organisers may, and the other hear of it."""
    no = (await line_of(low, high)).no

    def unit(tx: Tx) -> Signed[Op]:
        lines, payments = low.node.lines.desks(tx)
        line = lines.by_no(no)
        ReopenDesk(tx, lines, payments, low.keys.keyring).offer(line, owed)
        low.node.lines.finish(tx, lines)
        made = newest_offer(tx, line)
        assert made is not None
        return made

    made = await low.node.store.write(unit)
    low.node.lines.bring_together(high.scheme)
    await asyncio.sleep(20)
    return made


def test_two_offers_in_one_epoch_are_evidence_and_the_first_stands() -> None:
    """Rules 6.8, 10.1: and the organisers of the other side may still agree to it."""

    async def scenario(town: Town) -> None:
        low, high = await ends(town)
        first = await offer(low, high, 0)
        state = (await line_of(low, high)).state
        rival = reopening.offer(state, first.body.epoch, 5, first.body.time)
        await take(high, low, low.keys.keyring.sign("line", rival))

        (piece,) = await kept(high)
        assert (piece.accused, piece.kind) == (low.scheme, "two-ops")
        assert verify(decode_evidence(piece.data)).accused == low.scheme
        line = await line_of(high, low)
        assert line.status == FROZEN, "it is not stopped for good by what the other side signed twice"
        stands = await high.node.store.read(kept_offer, line, first.body.epoch)
        assert stands is not None
        assert stands.id == first.id

        def agree(tx: Tx) -> bool:
            lines, payments = high.node.lines.desks(tx)
            done = ReopenDesk(tx, lines, payments, high.keys.keyring).answer(lines.by_no(line.no), 0, BY_HAND)
            high.node.lines.finish(tx, lines)
            return done

        assert await high.node.store.write(agree)

    in_town(scenario)


def test_the_same_offer_twice_is_nothing() -> None:
    """Rule 6.8: a doubled or replayed one is ignored."""

    async def scenario(town: Town) -> None:
        low, high = await ends(town)
        first = await offer(low, high, 0)
        await take(high, low, first)

        assert await kept(high) == []
        assert (await line_of(high, low)).status == FROZEN

    in_town(scenario)


def test_an_answer_that_says_another_thing_is_evidence() -> None:
    """Rules 6.8, 10.1: invalid at its own ack, as anybody sees who holds the offer beside it."""

    async def scenario(town: Town) -> None:
        low, high = await ends(town)
        offered = await offer(low, high, 0)
        state = (await line_of(high, low)).state
        honest, begun = reopening.answer(state, offered, 0)
        assert begun.own_length == honest.seq
        assert isinstance(honest.step, Reopen)
        step = replace(honest.step, owed_by_low=5)
        await take(low, high, high.keys.keyring.sign("line", replace(honest, step=step)))

        (piece,) = await kept(low)
        assert (piece.accused, piece.kind) == (high.scheme, "bad-op")
        assert "another thing" in verify(decode_evidence(piece.data)).why
        assert (await line_of(low, high)).status == SUSPENDED

    in_town(scenario)
