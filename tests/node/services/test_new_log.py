"""The log of the books begins anew where its end is lost for good, and is signed and checked again. Rules 6.7 (g), 4.3, I10."""

from __future__ import annotations

import asyncio

import pytest

from node.clock import SeededChance
from node.keychange import begin_log
from node.keyfiles import draw_keys
from node.services import evidence_store
from node.services.acts import OPERATOR
from node.services.members import NewMember
from node.services.own_log import Lost, Stopped
from node.services.trades import NewTrade
from node.simulation.town import Resident, Town
from node.simulation.virtual_loop import EPOCH_MS
from protocol.checkpoint import Checkpoint, number_in, origin_of, parse_checkpoint, sign_checkpoint
from protocol.errors import NotAuthentic
from protocol.note import parse_note
from protocol.receipt_proof import Proven, verify_receipt
from protocol.witnessing import AddCheckpoint, Status
from tests.log_town import checked, enter, held_of, in_town, minutes, signed_head


async def receipt_of_a_trade(resident: Resident, text: str) -> bytes:
    """Record a trade between two members, and return its receipt once the log is signed and checked."""
    node, parties = resident.node, []
    for name in ("Ana", "Ben"):
        new = NewMember(name=f"{name} {text}", email=f"{name}.{text}@example.org".lower())
        parties.append(await node.people.add(OPERATOR, new))
    payer, payee = parties
    trade = await node.trades.record(
        NewTrade(
            payer_no=payer.account_no, payee_no=payee.account_no, amount=60, text=text, entered_by=payer.name,
            proved_by="link", once=text.encode().ljust(16), payer_name=payer.name, payee_name=payee.name,
        )
    )  # fmt: skip
    await minutes(3)
    data = await node.store.read(node.receipts.read, trade)
    assert data is not None
    return data


async def lose_the_end(town: Town, *, write_on: int = 3) -> Resident:
    """Let Oakvale go back behind what its witnesses hold, with no keeper to bring the rest; return it, stopped."""
    oakvale = town["Oakvale"]
    await minutes(3)
    backup = oakvale.snapshot()
    await enter(oakvale, 20)
    await minutes(2)
    await oakvale.restore(backup)
    await oakvale.boot()
    await enter(oakvale, write_on)
    await minutes(4)
    assert (await checked(oakvale)).stopped in (Stopped.BEHIND, Stopped.OTHER)
    return oakvale


async def begin_anew(town: Town, oakvale: Resident) -> Lost:
    """Do what the command does, with the node stopped, and start it."""
    lost = await oakvale.node.witness.own_log.lost()
    assert lost is not None
    await oakvale.crash()
    root = draw_keys(SeededChance(f"{town.seed} keys of {oakvale.name}"), EPOCH_MS).root
    oakvale.keys = begin_log(oakvale.keys, root, lost, EPOCH_MS)
    await asyncio.sleep(1)
    await oakvale.boot()
    return lost


async def log_of(witness: Resident, author: Resident) -> int | None:
    held = await held_of(witness, author)
    return number_in(parse_checkpoint(parse_note(held.note)), author.scheme)


@pytest.mark.parametrize("write_on", [0, 3, 40])
def test_the_log_goes_on_under_the_next_number_and_is_checked_again(write_on: int):
    """Rule 6.7 (g): shorter than what was lost, or longer; witnesses follow, and nobody is accused."""

    async def scenario(town: Town) -> None:
        oakvale = await lose_the_end(town, write_on=write_on)
        before = (await held_of(town["Hilltop"], oakvale)).size
        lost = await begin_anew(town, oakvale)
        assert lost.known[0] == before
        size = await enter(oakvale, 2)
        await minutes(5)
        state, head = await checked(oakvale), await signed_head(oakvale)
        assert (state.stopped, state.size, state.is_checked, state.begun_anew) == (None, size, True, 1)
        assert parse_checkpoint(parse_note(head.note or b"")).origin == origin_of(oakvale.scheme, 2)
        for name in ("Hilltop", "Riverside", "Ferry"):
            witness = town[name]
            assert await log_of(witness, oakvale) == 2
            assert (await held_of(witness, oakvale)).size == size
            assert await witness.node.store.read(evidence_store.all_evidence) == []
        assert await oakvale.node.witness.own_log.lost() is None
        # And through the next boots of everybody, also from a backup of now.
        backup = oakvale.snapshot()
        await town["Hilltop"].crash()
        await town["Hilltop"].boot()
        await oakvale.restore(backup)
        await oakvale.boot()
        size = await enter(oakvale)
        await minutes(4)
        assert (await checked(oakvale)).size == size
        assert (await held_of(town["Hilltop"], oakvale)).size == size

    in_town(scenario)


def test_a_log_that_has_ended_is_cosigned_no_more_and_one_not_begun_not_yet():
    """Rules 4.3, 6.7 (g)."""

    async def scenario(town: Town) -> None:
        oakvale, hilltop = await lose_the_end(town), town["Hilltop"]
        await begin_anew(town, oakvale)
        await minutes(4)
        _, key = oakvale.keys.keyring.signing["checkpoint"]
        held = await held_of(hilltop, oakvale)

        async def status(number: int) -> int:
            said = Checkpoint(origin=origin_of(oakvale.scheme, number), size=held.size, root=held.root)
            request = AddCheckpoint(old_size=held.size, proof=(), note=sign_checkpoint(said, key))
            return (await hilltop.node.witness.answer(request.data())).status

        assert await status(1) == await status(3) == Status.UNKNOWN_LOG
        assert await status(2) in (Status.COSIGNED, Status.NOT_SHOWN)

    in_town(scenario)


def test_two_faces_of_a_new_log_are_found():
    """Rule 10.1: and the root of the log before at the same size is none of them."""

    async def scenario(town: Town) -> None:
        oakvale, hilltop = await lose_the_end(town), town["Hilltop"]
        await begin_anew(town, oakvale)
        await minutes(4)
        _, key = oakvale.keys.keyring.signing["checkpoint"]
        held = await held_of(hilltop, oakvale)
        for number, proofs in ((1, 0), (2, 1)):
            other = Checkpoint(origin=origin_of(oakvale.scheme, number), size=held.size, root=bytes(32))
            await hilltop.node.witness._compare(sign_checkpoint(other, key))
            kept = await hilltop.node.store.read(evidence_store.all_evidence)
            assert len(kept) == proofs

    in_town(scenario)


def test_nothing_begins_anew_where_nothing_is_lost():
    """Rule 6.7 (g): a scheme does not get rid of its past on a whim, and only its root key can say so."""

    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        await enter(oakvale, 5)
        await minutes(3)
        assert await oakvale.node.witness.own_log.lost() is None
        size, root = (await signed_head(oakvale))[:2]
        with pytest.raises(NotAuthentic):
            begin_log(
                oakvale.keys, town["Oakvale"].keys.keyring.signing["ledger"][1],
                Lost(held=(size, root), known=(size, root)), EPOCH_MS,
            )  # fmt: skip

    in_town(scenario)


def test_receipts_of_both_logs_prove_what_they_did():
    """Rules 4.4, 6.7 (g): one of a trade that was lost too; each carries as much of the identity as it needs."""

    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        await minutes(3)
        backup = oakvale.snapshot()
        old = await receipt_of_a_trade(oakvale, "jam")
        await oakvale.restore(backup)
        await oakvale.boot()
        await minutes(4)
        await begin_anew(town, oakvale)
        await minutes(4)
        new = await receipt_of_a_trade(oakvale, "bread")
        for data in (old, new):
            found = verify_receipt(data)
            assert isinstance(found, Proven), found
            assert found.included is not None
            assert found.included.witnesses, "others vouch for it"

    in_town(scenario)
