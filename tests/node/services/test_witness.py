"""Witnesses: they cosign one history of each log, show what they saw, and are never waited for. Rules 4.3, 6.7 (j), 10.1, I10."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crypto.merkle import consistency_proof, root
from node.clock import SeededChance
from node.federation.dispatch import Dispatch
from node.keyfiles import draw_keys
from node.services import evidence_store, own_log
from node.services.log_heads import witness_of
from node.services.own_log import Stopped
from node.services.witness import Answer, Witness, all_witnessed, read_held
from node.simulation.town import Resident, Town
from node.simulation.virtual_loop import EPOCH_MS
from node.store import InlineStore, Memory, Store, ThreadStore
from protocol.checkpoint import (
    Checkpoint,
    cosigned_by,
    open_checkpoint,
    origin_of,
    quorum,
    sign_checkpoint,
    witness_keys,
)
from protocol.limits import DAY_MS, WITNESSED_OTHERS_MAX
from protocol.names import SchemeId
from protocol.note import Note, parse_note
from protocol.witnessing import SIZE_TYPE, AddCheckpoint, Status, parse_cosignatures
from tests.fakes import StoppedClock
from tests.log_town import checked, enter, held_of, in_town, minutes, signed_head
from tests.protocol.logs import (
    LOG_KEY,
    OAKVALE,
    OAKVALE_IDENTITY,
    asking,
    checkpoint,
    leaves,
    note,
    scheme,
)

# --- In a town -----------------------------------------------------------------------------------------------


def test_neighbours_cosign_within_two_minutes():
    """Rule 4.3: three witnesses, two of them a quorum; each line verifies under the witness' own identity."""

    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        size = await enter(oakvale, 3)
        await minutes(2)
        state = await checked(oakvale)
        assert (state.size, state.quorum, state.witnesses, state.stopped) == (size, 2, 3, None)
        assert set(state.by) == {town[name].scheme for name in ("Hilltop", "Riverside", "Ferry")}
        assert state.is_checked
        assert state.cosigned_size == size
        head = await signed_head(oakvale)
        _, cosigned = open_checkpoint(head.note or b"", oakvale.node.keyring.identity)
        others = {each.scheme: each.node.keyring.identity for each in town.residents}
        assert cosigned_by(cosigned, others).keys() == set(state.by)
        proof = await oakvale.node.witness.own_log.proof_of(0)
        assert proof is not None
        assert len(proof.note.signatures) == 4

    in_town(scenario)


def test_fewer_than_three_neighbours_are_no_quorum():
    async def scenario(town: Town) -> None:
        await enter(town["Oakvale"])
        await minutes(2)
        state = await checked(town["Oakvale"])
        assert (state.quorum, state.witnesses, len(state.by), state.is_checked) == (None, 1, 1, False)

    in_town(scenario, names=("Oakvale", "Hilltop"), edges=(("Oakvale", "Hilltop"),))


def test_what_is_not_new_is_cosigned_once_more_after_a_day(monkeypatch: pytest.MonkeyPatch):
    """Rule 4.2: at least every 24 h, so that readers see that the log lives; here after a shorter day."""
    monkeypatch.setattr(own_log, "CHECKPOINT_AT_LEAST_MS", DAY_MS // 200)

    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        await enter(oakvale)
        await minutes(2)
        before = await checked(oakvale)
        await asyncio.sleep(DAY_MS / 200_000 + 120)
        after = await checked(oakvale)
        assert after.size == before.size
        assert (after.at_ms or 0) >= (before.at_ms or 0) + DAY_MS // 200

    in_town(scenario, names=("Oakvale", "Hilltop"), edges=(("Oakvale", "Hilltop"),))


def test_witnesses_that_are_away_hold_up_nothing():
    """Rule 4.3: the log goes on, and whoever comes back cosigns the newest head."""

    async def scenario(town: Town) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await enter(oakvale)
        await minutes(2)
        await hilltop.stop()
        size = await enter(oakvale, 300)
        await minutes(2)
        state = await checked(oakvale)
        assert (state.size, len(state.by), state.is_checked) == (size, 2, True)
        await hilltop.boot()
        await minutes(8)
        assert len((await checked(oakvale)).by) == 3

    in_town(scenario)


def test_a_witness_put_back_to_an_old_backup_is_shown_its_last_cosignature():
    """Rule 6.7 (j): it cosigns nothing in between, and goes on from there, not from what its backup holds."""

    async def scenario(town: Town) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await enter(oakvale, 2)
        await minutes(2)
        backup = hilltop.snapshot()
        old = await held_of(hilltop, oakvale)
        await enter(oakvale, 20)
        await minutes(2)
        newest = await held_of(hilltop, oakvale)
        assert newest.size > old.size
        await hilltop.restore(backup)
        await hilltop.boot()
        answers = await forks_to(oakvale, hilltop, old.size)
        assert answers == [Status.NOT_SHOWN]
        assert (await held_of(hilltop, oakvale)).size == old.size
        size = await enter(oakvale)
        await minutes(8)
        assert (await held_of(hilltop, oakvale)).size == size
        assert await forks_to(oakvale, hilltop, size) == [Status.NOT_CONSISTENT]

    in_town(scenario)


async def forks_to(author: Resident, witness: Resident, old: int) -> list[Status]:
    """Ask a witness to cosign another history of a log than its own, on top of what it may hold; return its answers."""
    size = old + 3
    forged = sign_checkpoint(
        Checkpoint(origin=origin_of(author.scheme), size=size, root=root(leaves(size, "b"))),
        author.keys.keyring.signing["checkpoint"][1],
    )
    request = AddCheckpoint(old_size=old, proof=consistency_proof(leaves(size, "b"), old), note=forged)
    return [(await witness.node.witness.answer(request.data())).status]


def two_faced(author: Resident, size: int) -> Note:
    """Return a checkpoint of a log that is not its own history, signed by its own key."""
    said = Checkpoint(origin=origin_of(author.scheme), size=size, root=bytes(32))
    return sign_checkpoint(said, author.keys.keyring.signing["checkpoint"][1])


def test_two_faces_are_evidence_with_whoever_is_asked_and_reach_both_admins():
    """Rules 10.1, 10.5: two checkpoints of one size."""

    async def scenario(town: Town) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        size = await enter(oakvale, 3)
        await minutes(2)
        asked = AddCheckpoint(old_size=size, proof=(), note=two_faced(oakvale, size))
        said = await hilltop.node.witness.answer(asked.data())
        assert (said.status, said.content_type) == (Status.CONFLICT, "text/plain")
        await minutes(6)
        for resident in town.residents:
            (piece,) = await resident.node.store.read(evidence_store.all_evidence)
            assert (piece.kind, piece.accused) == ("two-checkpoints", oakvale.scheme)

    in_town(scenario)


def test_two_faces_shown_to_two_neighbours_meet():
    """Rule 4.3: what one cosigned is passed on, so that another sees it is not what it was shown."""

    async def scenario(town: Town) -> None:
        oakvale, hilltop, riverside = town["Oakvale"], town["Hilltop"], town["Riverside"]
        size = await enter(oakvale, 3)
        await minutes(2)
        await enter(oakvale, 2)
        other = two_faced(oakvale, size + 2)
        await riverside.node.witness._compare(other)  # as Ferry's friend was shown it
        await minutes(3)
        for resident in (hilltop, riverside):
            (piece,) = await resident.node.store.read(evidence_store.all_evidence)
            assert piece.kind == "two-checkpoints"
        assert riverside.scheme not in (await checked(oakvale)).by

    in_town(scenario)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n, f", [(3, 0), (4, 1), (5, 1), (7, 2)])
async def test_a_log_with_two_faces_gets_no_two_quorums(n: int, f: int, seed: int):
    """Rule 4.3: f of n witnesses cosign whatever they are asked; the rest are asked in any order, by either face."""
    chance = SeededChance(f"{n} {f} {seed}")
    honest = [await lone_witness(InlineStore(Memory()), seed=f"{seed} {number}") for number in range(n - f)]
    for _ in range(6):
        faces = {"": f, "b": f}  # the liars give to both
        for witness in honest:
            for side in ("", "b") if chance.below(2) else ("b", ""):
                faces[side] += await asks(witness, side)
        k = quorum(n, f)
        assert k is not None
        assert min(faces.values()) < k, "two quorums would share only liars"


async def asks(witness: Lone, side: str) -> bool:
    """Let a log show one of its faces, from whatever size the witness holds; return whether it cosigned."""
    held = await witness.store.read(read_held, OAKVALE)
    old = 0 if held is None else held.size
    said = await witness.witness.answer(asking(old, max(old, 20), side).data())
    return said.status is Status.COSIGNED


# --- Alone ---------------------------------------------------------------------------------------------------


@dataclass
class Lone:
    """A witness without sessions, and what it found."""

    witness: Witness
    store: Store
    scheme: SchemeId
    found: list[Any] = field(default_factory=list)


class FoundHere:
    """Keeps what a witness met."""

    def __init__(self, kept: list[Any]):
        self._kept = kept

    async def found(self, _scheme: SchemeId, proof: Any) -> None:
        self._kept.append(proof)


class NoLinks(SimpleNamespace):
    """Nobody is in session."""

    def __init__(self) -> None:
        super().__init__(live={})

    def watch(self, **_: Any) -> None:
        """Nobody comes or goes."""


async def lone_witness(
    store: Store, *, seed: str = "hilltop", known: dict[SchemeId, Any] | None = None, neighbours: frozenset[SchemeId] = frozenset({OAKVALE}),
) -> Lone:  # fmt: skip
    identities = {OAKVALE: OAKVALE_IDENTITY} if known is None else known
    keyring = draw_keys(SeededChance(seed), EPOCH_MS).keys.keyring
    kept: list[Any] = []
    witness = Witness(
        store=store, clock=StoppedClock(), keyring=keyring, links=NoLinks(), dispatch=Dispatch(),  # type: ignore[arg-type]  # a fake
        directory=SimpleNamespace(state=identities.get), neighbours=lambda: neighbours, evidence=FoundHere(kept),  # type: ignore[arg-type]  # fakes
    )  # fmt: skip
    return Lone(witness, store, keyring.scheme, kept)


@pytest.fixture
async def lone() -> Lone:
    return await lone_witness(InlineStore(Memory()))


async def say(lone: Lone, request: AddCheckpoint) -> Answer:
    return await lone.witness.answer(request.data())


async def test_a_cosignature_is_for_the_note_that_was_sent(lone: Lone):
    said = await say(lone, asking(0, 20))

    assert said.status is Status.COSIGNED
    cosigned = note(20).with_signatures(parse_cosignatures(said.body))
    identity = lone.witness._keyring.identity
    assert cosigned_by(cosigned, {lone.scheme: identity}) == {
        lone.scheme: StoppedClock().now_ms() // 1000 * 1000
    }
    assert len(witness_keys(identity)) == 1


async def test_every_status(lone: Lone):
    """C2SP tlog-witness, one after the other."""
    assert (await lone.witness.answer(b"old x\n")).status is Status.MALFORMED
    stranger = sign_checkpoint(Checkpoint(origin="example.com/log", size=1, root=bytes(32)), LOG_KEY)
    assert (await say(lone, AddCheckpoint(old_size=0, proof=(), note=stranger))).status is Status.UNKNOWN_LOG
    forged = sign_checkpoint(checkpoint(20), lone.witness._keyring.signing["witness"][1])
    assert (await say(lone, AddCheckpoint(old_size=0, proof=(), note=forged))).status is Status.NOT_SIGNED
    assert (await say(lone, asking(0, 15))).status is Status.COSIGNED
    assert (await say(lone, asking(15, 20, "b"))).status is Status.NOT_CONSISTENT
    conflict = await say(lone, asking(7, 20))
    assert (conflict.status, conflict.body, conflict.content_type) == (Status.CONFLICT, b"15\n", SIZE_TYPE)
    assert (await say(lone, asking(15, 20))).status is Status.COSIGNED
    two = await say(lone, asking(20, 20, "b"))
    assert (two.status, two.content_type) == (Status.CONFLICT, "text/plain")
    assert len(lone.found) == 1
    held = await lone.store.read(all_witnessed)
    assert [(each.size, each.refused) for each in held] == [(20, "two-faced")]


async def test_a_restart_asks_to_be_shown(tmp_path: Path):
    """Rule 6.7 (j)."""
    store = InlineStore(Memory())
    first = await lone_witness(store)
    said = await say(first, asking(0, 7))
    again = await lone_witness(store)

    assert (await say(again, asking(7, 20))).status is Status.NOT_SHOWN
    shown = note(7).with_signatures(parse_cosignatures(said.body))
    assert (await say(again, AddCheckpoint(old_size=7, proof=(), note=shown))).status is Status.COSIGNED
    assert (await say(again, asking(7, 20))).status is Status.COSIGNED


async def test_others_have_a_bounded_number_of_places():
    """Rule 4.3: line peers, and 32 more."""
    schemes = dict(scheme(f"scheme {number}") for number in range(WITNESSED_OTHERS_MAX + 1))
    lone = await lone_witness(InlineStore(Memory()), known=schemes | {OAKVALE: OAKVALE_IDENTITY})
    statuses = []
    for number, author in enumerate(schemes):
        said = Checkpoint(origin=origin_of(author), size=1, root=leaves(1)[0])
        from tests.protocol.logs import key

        signed = sign_checkpoint(said, key(f"scheme {number} checkpoint"))
        statuses.append((await say(lone, AddCheckpoint(old_size=0, proof=(), note=signed))).status)

    assert statuses == [Status.COSIGNED] * WITNESSED_OTHERS_MAX + [Status.UNKNOWN_LOG]
    assert (await say(lone, asking(0, 20))).status is Status.COSIGNED, "a line peer has its place"


async def test_a_race_moves_nothing_back(tmp_path: Path):
    """tlog-witness: looking and storing are one step. Real threads: many requests, in any order, of one log."""
    store = await ThreadStore.open(tmp_path / "node.db")
    try:
        lone = await lone_witness(store)
        requests = [asking(old, new) for old in range(0, 24, 3) for new in range(old, 25, 2)] * 2
        before = -1
        for _ in range(6):
            said = await asyncio.gather(*(say(lone, request) for request in requests))
            cosigned = {
                request.note.text for request, each in zip(requests, said, strict=True) if each.status is Status.COSIGNED
            }  # fmt: skip
            held = await store.read(read_held, OAKVALE)
            assert held is not None
            assert held.size >= before
            assert parse_note(held.note).text in {each.note.text for each in requests}
            assert max((int(text.split("\n")[1]) for text in cosigned), default=0) <= held.size
            before = held.size
    finally:
        await store.close()


def test_a_stopped_log_is_stopped_for_good_reasons_only():
    """A neighbour can show only what our own key signed: an invented checkpoint stops nothing."""

    async def scenario(town: Town) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        size = await enter(oakvale)
        await minutes(2)
        said = Checkpoint(origin=origin_of(oakvale.scheme), size=size + 9, root=bytes(32))
        forged = sign_checkpoint(said, hilltop.keys.keyring.signing["checkpoint"][1])
        await oakvale.node.witness._take(hilltop.scheme, [], whole=True)
        with pytest.raises(Exception, match="not signed"):
            await oakvale.node.witness._take(hilltop.scheme, [forged], whole=True)
        assert (await checked(oakvale)).stopped is None
        await oakvale.node.witness._take(hilltop.scheme, [two_faced(oakvale, size)], whole=True)
        assert (await checked(oakvale)).stopped is Stopped.OTHER
        assert await oakvale.node.store.read(witness_of, hilltop.scheme) is not None

    in_town(scenario)
