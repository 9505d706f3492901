"""A log with two faces among n witnesses of which f lie, in towns of any shape: no two quorums, and found wherever both faces meet. Rules 4.3, 10.1."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random

import pytest
from sqlalchemy import select

from crypto.digest import Id32
from crypto.merkle import consistency_proof, root
from node.services import evidence_store
from node.services.witness import Answer
from node.simulation.town import Resident, Town
from node.store import ReadTx
from node.store.schema import books
from protocol.checkpoint import Checkpoint, cosign, origin_of, quorum, sign_checkpoint
from protocol.witnessing import AddCheckpoint, Status, parse_add_checkpoint
from tests.invariants import Violated
from tests.log_town import checked, enter, in_town, minutes, signed_head

FACES = ("a", "b")
AUTHOR = "Oakvale"
HONEST = ("Hilltop", "Riverside", "Ferry", "Mill", "Green", "Bridge", "Harbour")


def witnesses_of(n: int, f: int) -> tuple[list[str], list[str]]:
    """Return who is honest, and who lies."""
    return list(HONEST[: n - f]), [f"Liar {number}" for number in range(f)]


def edges_of(honest: list[str], liars: list[str], chance: Random) -> list[tuple[str, str]]:
    """Everybody has a line with the author; the honest reach each other by the honest; else as chance has it."""
    edges = [(AUTHOR, name) for name in (*honest, *liars)]
    edges += [(honest[chance.randrange(at)], honest[at]) for at in range(1, len(honest))]
    return edges + [(liar, chance.choice(honest)) for liar in liars]


def lies(resident: Resident, patches: pytest.MonkeyPatch) -> None:
    """From now on this witness cosigns whatever it is asked, and tells nobody what it saw."""
    witness = resident.node.witness

    async def anything(data: bytes) -> Answer:
        keyring = resident.node.keyring
        line = cosign(parse_add_checkpoint(data).note, keyring.scheme, keyring.signing["witness"][1], 1)
        return Answer(Status.COSIGNED, line.line().encode())

    async def sees_nothing(*_: object, **__: object) -> None:
        return

    patches.setattr(witness, "answer", anything)
    patches.setattr(witness, "_compare", sees_nothing)
    patches.setattr(witness, "_pass_on", lambda *_: None)
    patches.setattr(witness, "_tell_all", lambda *_: None)


@dataclass
class TwoFaces:
    """An author that shows one of two continuations of its log to whomever it likes."""

    author: Resident
    leaves: list[Id32]
    shown: dict[str, set[str]] = field(default_factory=lambda: {face: set() for face in FACES})
    cosigned: dict[str, set[str]] = field(default_factory=lambda: {face: set() for face in FACES})

    @classmethod
    async def of(cls, author: Resident) -> TwoFaces:
        def ids(tx: ReadTx) -> list[Id32]:
            return [Id32(row[0]) for row in tx.all(select(books.entry.c.id).order_by(books.entry.c.seq))]

        leaves, head = await author.node.store.read(ids), await signed_head(author)
        assert root(leaves[: head.size]) == head.root
        return cls(author, leaves[: head.size])

    def request(self, face: str) -> AddCheckpoint:
        size = len(self.leaves)
        leaves = [*self.leaves, *(Id32(f"{face}{number}".encode().ljust(32, b".")) for number in range(2))]
        said = Checkpoint(origin=origin_of(self.author.scheme), size=len(leaves), root=root(leaves))
        key = self.author.keys.keyring.signing["checkpoint"][1]
        return AddCheckpoint(
            old_size=size, proof=consistency_proof(leaves, size), note=sign_checkpoint(said, key)
        )

    async def show(self, face: str, witness: Resident) -> None:
        self.shown[face].add(witness.name)
        if (await witness.node.witness.answer(self.request(face).data())).status is Status.COSIGNED:
            self.cosigned[face].add(witness.name)


async def accusers(town: Town, names: list[str], author: Resident) -> set[str]:
    """Return which of them hold a proof against the author."""
    found = set()
    for name in names:
        pieces = await town[name].node.store.read(evidence_store.all_evidence)
        if any((piece.kind, piece.accused) == ("two-checkpoints", author.scheme) for piece in pieces):
            found.add(name)
    return found


def run_two_faces(n: int, f: int, seed: int) -> None:
    """Let the author try, by chance, to get cosigned what it should not. Raises Violated where 4.3 does not hold."""
    chance = Random(f"{n} {f} {seed}")
    honest, liars = witnesses_of(n, f)

    async def scenario(town: Town) -> None:
        author = town[AUTHOR]
        await enter(author, 3)
        await minutes(3)
        assert len((await checked(author)).by) == n
        with pytest.MonkeyPatch.context() as patches:
            for name in liars:
                lies(town[name], patches)
            faces = await TwoFaces.of(author)
            await show_by_chance(faces, town, honest, liars, chance)
            await minutes(6)
            judge(faces, honest, quorum(n, f), await accusers(town, honest, author))

    in_town(
        scenario, names=(AUTHOR, *honest, *liars), edges=tuple(edges_of(honest, liars, chance)), seed=seed
    )


async def show_by_chance(
    faces: TwoFaces, town: Town, honest: list[str], liars: list[str], chance: Random
) -> None:
    """Liars cosign both. Of the others all see one face, or each sees one of them, or some see both, one after the other."""
    wanted = [(face, liar) for liar in liars for face in FACES]
    only_a, each_one, any_way = (("a",),), (("a",), ("b",)), (("a",), ("b",), FACES)
    of_honest = chance.choice((only_a, each_one, each_one, any_way))
    wanted += [(face, name) for name in honest for face in chance.choice(of_honest)]
    chance.shuffle(wanted)
    for face, name in wanted:
        await faces.show(face, town[name])
        await asyncio.sleep(chance.choice((0, 0, 0.02, 1)))


def judge(faces: TwoFaces, honest: list[str], k: int | None, found: set[str]) -> None:
    assert k is not None
    if min(len(faces.cosigned[face]) for face in FACES) >= k:
        raise Violated("4.3 two histories of one log have a quorum each")
    if twice := [name for name in honest if all(name in faces.cosigned[face] for face in FACES)]:
        raise Violated(f"4.3 {twice} cosigned both faces")
    if all(faces.shown[face] & set(honest) for face in FACES):
        if found != set(honest):
            raise Violated(f"4.3 two faces were shown, and of {honest} only {sorted(found)} have the proof")
    elif found:
        raise Violated(f"10.1 {sorted(found)} accuse a log that showed them one face")


SHAPES = [(3, 0), (4, 1), (5, 1), (7, 2)]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("n, f", SHAPES)
def test_two_faces_get_no_two_quorums_and_are_found_where_they_meet(n: int, f: int, seed: int) -> None:
    run_two_faces(n, f, seed)
