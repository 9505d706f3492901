"""Who contradicts itself: met, kept, passed on, and lent to no more, while everything open ends. Rules 10, 6.5; T7, T21."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from crypto.keys import SigningKey
from crypto.signing import Signed
from node.clock import SeededChance
from node.keyfiles import draw_keys, next_root_key
from node.services import evidence_store
from node.services.acts import OPERATOR, Actor, NotAllowed, Role
from node.services.evidence_store import Kept
from node.services.feed_store import note_evidence
from node.services.line_rows import OPEN, SUSPENDED, Line
from node.services.line_units import LineRefused
from node.services.quotes import Offer
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from node.simulation.virtual_loop import EPOCH_MS
from node.store import Tx
from protocol import line as rules
from protocol.evidence import Evidence, TwoItems, TwoOps, decode_evidence, encode_evidence, verify
from protocol.feed import Head, Item
from protocol.frame import FrameType
from protocol.identity import make_rotate
from protocol.identity_events import next_key_digest
from protocol.limits import EVIDENCE_OF_NEIGHBOUR_AN_HOUR, EVIDENCE_OF_ONE_MAX
from protocol.line_ops import Claim, Limit, Lock, Op, Release
from protocol.line_view import View
from protocol.message import trusted_message
from protocol.names import Handle, ItemKey, QuoteId
from protocol.quote import QuoteRequest, make_receipt
from protocol.units import HOUR
from tests.builders import RIVERSIDE
from tests.gossip_town import WIDE, build
from tests.node.services.test_keepers import join
from tests.simulation import run_virtual
from tests.vector_making import filler, key

NAMES = ("Mallory", "Oakvale", "Hilltop")
EDGES = (("Mallory", "Oakvale"), ("Oakvale", "Hilltop"))


def in_town(scenario: Callable[[Town], Awaitable[None]]) -> None:
    """Run `scenario` where Mallory has a line with Oakvale, and Oakvale one with Hilltop."""

    async def begin(network: SimulatedNetwork) -> None:
        town = await build(network, NAMES, EDGES)
        await asyncio.sleep(200)
        await scenario(town)
        await town.close()

    run_virtual(begin)


def next_root_of(town: Town, name: str) -> SigningKey:
    """Return the key on the recovery sheet of a scheme of the town."""
    return next_root_key(draw_keys(SeededChance(f"{town.seed} keys of {name}"), EPOCH_MS).sheet)


async def line_of(resident: Resident, other: Resident) -> Line:
    (line,) = [each for each in await resident.lines() if each.peer == other.scheme]
    return line


def lock(amount: int, quote: str, *route: Resident) -> Lock:
    return Lock(
        quote_id=QuoteId(filler(f"quote {quote}")), part=1, parts=1, amount=amount,
        receipt_key=RIVERSIDE.receipt_key.public.raw, mode="normal", deadline=10**13,
        route=tuple(each.scheme for each in route), note=b"", memo=b"",
    )  # fmt: skip


async def write_op(author: Resident, peer: Resident, step: Any) -> Signed[Op]:
    """Let `author` write a step on its line with `peer`, as it may."""
    no = (await line_of(author, peer)).no

    def unit(tx: Tx) -> Signed[Op]:
        lines, _ = author.node.lines.desks(tx)
        op = lines.author(lines.by_no(no), step)
        author.node.lines.finish(tx, lines)
        return op

    return await author.node.store.write(unit)


def signed_op(author: Resident, like: Op, **changes: Any) -> Signed[Op]:
    """Return another op than `like`, signed by its author."""
    return author.keys.keyring.sign("line", replace(like, **changes))


async def take(victim: Resident, author: Resident, op: Signed[Op]) -> None:
    line = (await line_of(victim, author)).state.line
    await victim.node.store.write(victim.node.lines.units.take_ops, line, author.scheme, [op])


async def kept(resident: Resident) -> list[Kept]:
    return await resident.node.store.read(evidence_store.all_evidence)


async def equivocate(town: Town) -> None:
    """Mallory writes two ops at one seq to Oakvale."""
    mallory, oakvale = town["Mallory"], town["Oakvale"]
    first = await write_op(mallory, oakvale, WIDE)
    await asyncio.sleep(5)
    rival = Limit(owed_max=HOUR, pending_max=HOUR, open_max=1)
    await take(oakvale, mallory, signed_op(mallory, first.body, step=rival))


def test_two_ops_are_kept_passed_on_and_end_credit_while_the_line_goes_on() -> None:
    """Rules 6.5, 10.4, 10.5, T7."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, hilltop = (town[name] for name in NAMES)
        await equivocate(town)
        (piece,) = await kept(oakvale)
        assert (piece.accused, piece.kind, piece.shown_by) == (mallory.scheme, "two-ops", None)
        assert verify(decode_evidence(piece.data)).accused == mallory.scheme
        assert (await line_of(oakvale, mallory)).status == OPEN, "the branch stored first stands"

        await asyncio.sleep(180)
        (shown,) = await kept(hilltop)
        assert (shown.id, shown.shown_by) == (piece.id, oakvale.scheme)
        assert not hilltop.node.evidence.may_owe_more(mallory.scheme)
        assert hilltop.node.evidence.may_be_trusted_with(mallory.scheme), "it has no line with them"
        assert not oakvale.node.evidence.may_be_trusted_with(mallory.scheme)

        # New credit to the author: refused before it goes anywhere.
        before = (await line_of(oakvale, hilltop)).state.own_length
        mine = (await line_of(mallory, oakvale)).state
        body, _ = rules.author(mine, lock(HOUR, "new", hilltop), 0)
        await take(oakvale, mallory, mallory.keys.keyring.sign("line", body))
        assert not (await line_of(oakvale, mallory)).state.mine.locks()
        assert (await line_of(oakvale, hilltop)).state.own_length == before
        assert await last_release(oakvale, mallory) == "cannot-now"
        with pytest.raises(LineRefused):
            await oakvale.node.lines.set_limit(
                mallory.scheme, Limit(owed_max=2000 * HOUR, pending_max=HOUR, open_max=9), None
            )
        await oakvale.node.lines.set_limit(
            mallory.scheme, Limit(owed_max=HOUR, pending_max=HOUR, open_max=9), None
        )

    in_town(scenario)


async def last_release(author: Resident, peer: Resident) -> str:
    """Return why `author` released the newest lock of `peer`."""
    line = await line_of(author, peer)

    def unit(tx: Tx) -> str:
        lines, _ = author.node.lines.desks(tx)
        mine = lines.by_no(line.no)
        steps = [lines.own_op_of(mine)(seq).body.step for seq in range(1, mine.state.own_length + 1)]
        return [step.reason for step in steps if isinstance(step, Release)][-1]

    return await author.node.store.write(unit)


def test_what_only_pays_back_is_taken_from_an_accused() -> None:
    """Rule 10.4: no new credit; what we owe them they may use."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, _ = (town[name] for name in NAMES)
        await equivocate(town)
        line = await line_of(oakvale, mallory)
        theirs = 1 - line.state.me

        def refused(tx: Tx, owed_by_low: int, pending: int) -> bool:
            lines, _ = oakvale.node.lines.desks(tx)
            copy = lines.by_no(line.no)
            sums = (pending, 0) if theirs == 0 else (0, pending)
            owed = owed_by_low if theirs == 0 else -owed_by_low
            copy.state = copy.state._replace(mine=View(owed_by_low=owed, pending=sums))
            return lines.is_credit_refused(copy, copy.horizon + 1)

        for owed, pending, answer in ((-HOUR, HOUR, False), (-HOUR, HOUR + 1, True), (0, 1, True)):
            assert await oakvale.node.store.read(refused, owed, pending) == answer

    in_town(scenario)


def test_an_invalid_op_suspends_the_line_and_is_evidence() -> None:
    """Rules 6.3, 10.1."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, _ = (town[name] for name in NAMES)
        first = await write_op(mallory, oakvale, WIDE)
        await asyncio.sleep(30)
        bad = signed_op(mallory, first.body, seq=first.body.seq + 1, prev=first.id, state=bytes(32))
        await take(oakvale, mallory, bad)

        (piece,) = await kept(oakvale)
        assert piece.kind == "bad-op"
        assert (await line_of(oakvale, mallory)).status == SUSPENDED

    in_town(scenario)


def signed_item(author: Resident, payload: bytes) -> Signed[Item]:
    now = author.node.clock.now_ms()
    body = Item(
        scheme=author.scheme, feed_seq=900, kind="listing", key=ItemKey(bytes(16)), revision=now, created=now,
        expires=now + 10**9, payload=payload,
    )  # fmt: skip
    return author.keys.keyring.sign("feed", body)


def test_two_items_are_looked_at_before_anybody_is_accused() -> None:
    """Rules 5.3, 10.1: a relay may have spoiled the one that a head let in; T21."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, _ = (town[name] for name in NAMES)
        one, other = signed_item(mallory, b"one"), signed_item(mallory, b"other")
        spoiled = other.wire[:-1] + bytes([other.wire[-1] ^ 1])

        await oakvale.node.store.write(note_evidence, mallory.scheme, one.wire, spoiled, 0)
        await oakvale.node.evidence.look()
        assert await kept(oakvale) == []

        await oakvale.node.store.write(note_evidence, mallory.scheme, one.wire, other.wire, 0)
        await oakvale.node.evidence.look()
        (piece,) = await kept(oakvale)
        assert (piece.kind, piece.accused) == ("two-items", mallory.scheme)
        assert await oakvale.node.store.read(evidence_store.met_in_feeds) == []

    in_town(scenario)


def test_a_second_head_of_one_feed_seq_is_met_when_it_is_pushed() -> None:
    """Rule 10.1, T21: different lists for different neighbours."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, _ = (town[name] for name in NAMES)
        held = await oakvale.node.store.read(lambda tx: evidence_store_head(tx, mallory))
        rival = replace(held, live_root=filler("another feed"))
        mallory.node.links.offer(
            oakvale.scheme, FrameType.HEAD, (mallory.keys.keyring.sign("feed", rival).wire,)
        )
        await asyncio.sleep(150)

        assert [piece.kind for piece in await kept(oakvale)] == ["two-heads"]
        assert [piece.kind for piece in await kept(town["Hilltop"])] == ["two-heads"]

    in_town(scenario)


def evidence_store_head(tx: Any, author: Resident) -> Head:
    from node.services.feed_store import find_feed

    feed = find_feed(tx, author.scheme)
    assert feed is not None
    assert feed.head is not None
    return trusted_message(Head, feed.head).body


def test_two_rotations_freeze_a_scheme_wherever_they_are_shown() -> None:
    """Rules 2.3, 10.1, T16."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, hilltop = (town[name] for name in NAMES)
        state = mallory.keys.keyring.identity
        stolen = next_root_of(town, "Mallory")
        one, other = (
            make_rotate(state, stolen, next_key_digest(key(name).public.raw), 0).wire for name in ("a", "b")
        )
        await oakvale.node.directory.learn([one])
        with pytest.raises(Exception, match="another event"):
            await oakvale.node.directory.learn([other])
        await asyncio.sleep(150)

        for resident in (oakvale, hilltop):
            assert [piece.kind for piece in await kept(resident)] == ["two-rotations"]
            known = resident.node.directory.state(mallory.scheme)
            assert known is not None
            assert known.frozen

    in_town(scenario)


def test_the_author_answers_with_what_its_peer_had_said() -> None:
    """Rules 6.5, 10.3: Mallory's database was put back, and Oakvale hid an op of hers."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, hilltop = (town[name] for name in NAMES)
        line = await line_of(mallory, oakvale)
        answer = oakvale.keys.keyring.sign("line", _answer(line, oakvale))
        await mallory.node.store.write(lambda tx: mallory.node.evidence.keep_answer(tx, line, answer.wire))
        await equivocate(town)
        assert not oakvale.node.evidence.may_owe_more(mallory.scheme)

        await asyncio.sleep(400)
        for resident in (mallory, oakvale, hilltop):
            (piece,) = await kept(resident)
            assert piece.excused, resident.name
            assert resident.node.evidence.may_owe_more(mallory.scheme)
            proof = decode_evidence(piece.data).proof
            assert isinstance(proof, TwoOps)
            assert proof.excuse is not None

    in_town(scenario)


def _answer(line: Line, peer: Resident) -> Any:
    from protocol.line_ops import SyncAnswer

    state = line.state
    return SyncAnswer(
        line=state.line, epoch=state.epoch, author=peer.scheme, boot=bytes(16), own_length=state.peer_length,
        own_id=state.peer_id, seen_length=state.own_length, seen_id=state.own_id,
    )  # fmt: skip


def test_the_first_answer_to_each_boot_is_kept() -> None:
    """Rule 10.3."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, _ = (town[name] for name in NAMES)
        line = (await line_of(mallory, oakvale)).state.line
        assert len(await mallory.node.store.read(evidence_store.answers_on, line)) == 1
        await mallory.crash()
        await mallory.boot()
        await asyncio.sleep(60)
        answers = await mallory.node.store.read(evidence_store.answers_on, line)
        assert [peer for peer, _, _ in answers] == [oakvale.scheme] * 2

    in_town(scenario)


def test_a_neighbour_shows_no_more_than_it_may_and_what_proves_nothing_is_its_fault() -> None:
    """Rules 10.5, 0.5: bounded, and deduplicated before any signature is looked at."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, hilltop = (town[name] for name in NAMES)
        await equivocate(town)
        (piece,) = await kept(oakvale)
        one, other = signed_item(mallory, b"one"), signed_item(mallory, b"other")
        forged = TwoItems(first=one.wire, second=other.wire[:-1] + bytes([other.wire[-1] ^ 1]))
        log = tuple(mallory.keys.keyring.log)
        broken = encode_evidence(Evidence(accused=mallory.scheme, proof=forged, identity=log))
        session = oakvale.node.links.live[hilltop.scheme]
        for data in (piece.data, piece.data, broken):
            session.offer(FrameType.EVIDENCE, data)
        await asyncio.sleep(1)
        assert len(await kept(hilltop)) == 1
        assert oakvale.node.links.live.get(hilltop.scheme) is not session, (
            "a forged signature ends the session"
        )

        now_ms = hilltop.node.clock.now_ms()
        for number in range(EVIDENCE_OF_ONE_MAX + 5):
            two = [signed_item(mallory, bytes([number, each])) for each in (1, 2)]
            await hilltop.node.store.write(note_evidence, mallory.scheme, two[0].wire, two[1].wire, now_ms)
            await hilltop.node.evidence.look()
        assert len(await kept(hilltop)) == EVIDENCE_OF_ONE_MAX

        taken = [hilltop.node.evidence._has_room(oakvale.scheme) for _ in range(100)]
        assert sum(taken) <= EVIDENCE_OF_NEIGHBOUR_AN_HOUR

    in_town(scenario)


def test_an_admin_settles_it_and_what_comes_later_counts_again() -> None:
    """Rule 10.4: people decide."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, _ = (town[name] for name in NAMES)
        await equivocate(town)
        evidence = oakvale.node.evidence
        with pytest.raises(NotAllowed):
            await evidence.settle(Actor(no=1, name="Ana", role=Role.ORGANISER), mallory.scheme)
        await evidence.settle(OPERATOR, mallory.scheme)
        assert evidence.may_owe_more(mallory.scheme)
        (piece,) = await kept(oakvale)
        assert (piece.settled_by, piece.counts) == ("command line", False)

        one, other = signed_item(mallory, b"one"), signed_item(mallory, b"other")
        await oakvale.node.store.write(note_evidence, mallory.scheme, one.wire, other.wire, 0)
        await evidence.look()
        assert not evidence.may_owe_more(mallory.scheme)

    in_town(scenario)


def test_whom_it_counts_against_is_known_after_a_restart() -> None:
    """Rule 10.1: kept for ever."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, _ = (town[name] for name in NAMES)
        await equivocate(town)
        await oakvale.crash()
        await oakvale.boot()
        assert not oakvale.node.evidence.may_owe_more(mallory.scheme)
        assert not oakvale.node.evidence.may_be_trusted_with(mallory.scheme)

    in_town(scenario)


# --- What a branch that does not count still says (6.5, 7.2) -------------------------------------------------------


async def forked_claim(town: Town, payer: Resident, receipt: bytes, *, route: tuple[Resident, ...]) -> Lock:
    """Mallory takes a lock of Oakvale's and writes its CLAIM where another op of hers stands; return the lock."""
    mallory, oakvale = town["Mallory"], town["Oakvale"]
    first = await write_op(mallory, oakvale, WIDE)
    await asyncio.sleep(5)
    await mallory.crash()  # so that she does not answer by herself
    locked = lock(HOUR, "branch", *route)
    await write_op(payer, mallory if payer is oakvale else oakvale, locked)
    await asyncio.sleep(5)
    out = (await line_of(oakvale, mallory)).state
    claim = Claim(lock=out.own_length, receipt=receipt, memo=b"")
    await oakvale.node.store.write(
        oakvale.node.lines.units.take_ops,
        out.line,
        mallory.scheme,
        [signed_op(mallory, first.body, step=claim)],
    )
    await asyncio.sleep(5)
    return locked


@pytest.mark.parametrize("is_right", [True, False])
def test_a_receipt_in_a_branch_that_does_not_count_is_claimed_upstream(is_right: bool):
    """Rules 6.5, 7.2: learned another way; what we locked downstream stays open until the chain that counts says."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, hilltop = town["Mallory"], town["Oakvale"], town["Hilltop"]
        quote = QuoteId(filler("quote branch" if is_right else "quote of another"))
        receipt = make_receipt(quote, RIVERSIDE.receipt_key)
        await forked_claim(town, hilltop, receipt, route=(mallory,))
        up, down = await line_of(oakvale, hilltop), await line_of(oakvale, mallory)
        assert (up.state.owed, len(list(up.open_locks_of_peer()))) == ((-HOUR, 0) if is_right else (0, 1))
        assert (down.state.owed, len(down.state.mine.locks())) == (0, 1)
        assert [piece.kind for piece in await kept(oakvale)] == ["two-ops"]

    in_town(scenario)


# --- Prices (10.4, 7.1) --------------------------------------------------------------------------------------------


def test_no_price_is_given_where_the_lock_would_be_refused():
    """Rule 10.4: neither by the payee nor by whoever passes it on, nor towards who wrote two ops at one place."""

    async def scenario(town: Town) -> None:
        mallory, oakvale, hilltop = town["Mallory"], town["Oakvale"], town["Hilltop"]
        people = {each.name: await join(each, "Karim") for each in (mallory, oakvale, hilltop)}

        async def answer(payer: Resident, payee: Resident) -> str:
            handle = await payee.node.quotes.handle_of(payer.scheme, people[payee.name])
            request = QuoteRequest(
                listing=None, payee_handle=handle, payer_handle=Handle(bytes(16)), payer_name="Ana", amount=1,
                price_seen=None, text="jam",
            )  # fmt: skip
            found = await payer.node.quotes.ask(payee.scheme, request)
            return "an offer" if isinstance(found, Offer) else found.reason

        pairs = [(mallory, oakvale), (mallory, hilltop), (hilltop, mallory), (hilltop, oakvale)]
        assert [await answer(*pair) for pair in pairs] == ["an offer"] * 4
        await equivocate(town)
        assert [await answer(*pair) for pair in pairs] == ["cannot-now", "no-way", "no-way", "an offer"]

    in_town(scenario)
