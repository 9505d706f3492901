"""The public log is held against the entries: what was signed over more, over other, or not at all is named. Rules 4.1–4.3; I10."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, select, update

from crypto.keys import SigningKey
from node.services.ledger_check import Checked, check_books
from node.services.ledger_identities import read_identities
from node.services.ledger_rebuild import rebuild
from node.simulation.town import Resident, Town
from node.store import Tx
from node.store.schema import books, log
from protocol.checkpoint import Checkpoint, origin_of, sign_checkpoint
from protocol.limits import TILE_WIDTH
from tests.log_town import enter, in_town, minutes, signed_head

Spoil = Callable[[Tx, Resident], None]
WHOLE = 2 * TILE_WIDTH


class Undone(Exception):
    """Ends a unit whose writes are not to stay."""


async def check(resident: Resident, spoil: Spoil = lambda _tx, _resident: None) -> Checked:
    """Return what is found after `spoil`, which is undone."""
    found: list[Checked] = []
    keyring = resident.node.keyring

    def unit(tx: Tx) -> None:
        spoil(tx, resident)
        identities = read_identities(tx, {keyring.scheme: keyring.log})
        found.append(check_books(tx, keyring.scheme, identities, safe=keyring.safe))
        raise Undone

    with pytest.raises(Undone):
        await resident.node.store.write(unit)
    return found[0]


def head_of(tx: Tx) -> tuple[int, bytes]:
    size, note = tx.all(select(log.log_head.c.size, log.log_head.c.note).order_by(log.log_head.c.size))[-1]
    return size, note


# --- Ways to spoil it --------------------------------------------------------------------------------------------


def a_root_altered(tx: Tx, _: Resident) -> None:
    tx.run(update(log.log_head).where(log.log_head.c.size == head_of(tx)[0]).values(root=bytes(32)))


def a_note_altered(tx: Tx, _: Resident) -> None:
    size, note = head_of(tx)
    tx.run(
        update(log.log_head).where(log.log_head.c.size == size).values(note=note.replace(b"\n", b"\nx", 1))
    )


def a_note_by_nobody(tx: Tx, resident: Resident) -> None:
    size, _ = head_of(tx)
    root = tx.scalar(select(log.log_head.c.root).where(log.log_head.c.size == size))
    forged = sign_checkpoint(
        Checkpoint(origin=origin_of(resident.scheme), size=size, root=root), SigningKey(b"f" * 32)
    )
    tx.run(update(log.log_head).where(log.log_head.c.size == size).values(note=forged.data(), cosigned=0))


def two_books_signed(tx: Tx, resident: Resident) -> None:
    """The head is signed by the right key, over another root than the entries make."""
    size, _ = head_of(tx)
    key = resident.node.keyring.signing["checkpoint"][1]
    other = sign_checkpoint(Checkpoint(origin=origin_of(resident.scheme), size=size, root=b"o" * 32), key)
    tx.run(update(log.log_head).where(log.log_head.c.size == size).values(note=other.data(), cosigned=0))


def a_cosignature_counted_twice(tx: Tx, _: Resident) -> None:
    tx.run(
        update(log.log_head)
        .where(log.log_head.c.size == head_of(tx)[0])
        .values(cosigned=log.log_head.c.cosigned + 1)
    )


def a_cosignature_altered(tx: Tx, _: Resident) -> None:
    size, note = head_of(tx)
    lines = note.split(b"\n")
    at = next(at for at, line in enumerate(lines) if b"/witness" in line)
    turned = lines[at][:-10] + (b"A" if lines[at][-10:-9] != b"A" else b"B") + lines[at][-9:]
    tx.run(
        update(log.log_head)
        .where(log.log_head.c.size == size)
        .values(note=b"\n".join([*lines[:at], turned, *lines[at + 1 :]]))
    )


def what_a_witness_saw_altered(tx: Tx, _: Resident) -> None:
    tx.run(update(log.log_witness).values(size=log.log_witness.c.size - 1))


def a_block_altered(tx: Tx, _: Resident) -> None:
    tx.run(update(log.log_hash).where(log.log_hash.c.no == 1).values(hash=bytes(32)))


def a_block_lost(tx: Tx, _: Resident) -> None:
    tx.run(delete(log.log_hash).where(log.log_hash.c.no == 0))


def a_block_made_up(tx: Tx, _: Resident) -> None:
    tx.run(insert(log.log_hash), level=1, no=2, hash=bytes(32))


def a_block_far_away(tx: Tx, _: Resident) -> None:
    """Nothing is counted up to it: the check ends."""
    tx.run(insert(log.log_hash), level=2**40, no=2**60, hash=bytes(32))


def the_newest_entries_lost(tx: Tx, _: Resident) -> None:
    """Whole, with what they did to accounts: nothing else notices that."""
    for seq, wire in tx.all(
        select(books.entry.c.seq, books.entry.c.wire).where(books.entry.c.seq >= WHOLE - 5)
    ):
        tx.run(delete(books.leg).where(books.leg.c.entry_seq == seq))
        tx.run(delete(books.account).where(books.account.c.id.in_(opened_by(tx, seq, wire))))
        tx.run(delete(books.entry).where(books.entry.c.seq == seq))


def opened_by(tx: Tx, seq: int, wire: bytes) -> list[bytes]:
    from crypto.signing import split
    from protocol.entry import Entry, Opened, Payload, open_book
    from protocol.message import decode_message

    data, salt = tx.one(
        select(books.entry.c.book, books.entry.c.book_salt).where(books.entry.c.seq == seq)
    ) or (b"", b"")
    book = open_book(decode_message(Entry, split(wire)[0]), Payload(salt=salt, data=data))
    return [book.account] if isinstance(book, Opened) else []


SPOILT: dict[str, tuple[Spoil, str, str, bool]] = {
    "a root altered": (a_root_altered, "log_head", "root is", False),
    "a note altered": (a_note_altered, "log_head", "its note", False),
    "a note by nobody": (a_note_by_nobody, "log_head", "not signed by a checkpoint key", False),
    "two books signed": (two_books_signed, "log_head", "two books were signed", False),
    "a cosignature counted twice": (a_cosignature_counted_twice, "log_head", "cosigned is", False),
    "a cosignature altered": (a_cosignature_altered, "log_head", "is not by it", False),
    "what a witness saw altered": (what_a_witness_saw_altered, "log_witness", "its note is of", False),
    "a block altered": (a_block_altered, "log_hash", "hash is", True),
    "a block lost": (a_block_lost, "log_hash", "missing", True),
    "a block made up": (a_block_made_up, "log_hash", "there are no such entries", True),
    "a block far away": (a_block_far_away, "log_hash", "there are no such entries", True),
    "the newest entries lost": (the_newest_entries_lost, "log_witness", "the newest are gone", False),
}  # fmt: skip


def test_what_is_wrong_with_the_log_is_named():
    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        await enter(oakvale, WHOLE + 3)
        await minutes(3)
        right = await check(oakvale)
        assert right.findings == ()
        assert right.signed == (await signed_head(oakvale)).size > WHOLE

        for name, (spoil, table, said, derived) in SPOILT.items():
            found = (await check(oakvale, spoil)).findings
            assert any(each.table == table and said in each.text and each.derived is derived for each in found), (
                name, [str(each) for each in found],
            )  # fmt: skip
            assert {each.table for each in found} <= {"log_hash", "log_head", "log_witness"}, name
        assert (await check(oakvale)).right

    in_town(scenario)


def test_kept_hashes_are_written_anew():
    """`interlets ledger verify --rebuild`: they follow from the entries."""

    async def scenario(town: Town) -> None:
        oakvale = town["Oakvale"]
        await enter(oakvale, WHOLE)
        await minutes()
        keyring = oakvale.node.keyring

        def spoilt_and_rebuilt(tx: Tx, resident: Resident) -> None:
            a_block_altered(tx, resident)
            identities = read_identities(tx, {keyring.scheme: keyring.log})
            assert rebuild(tx, keyring.scheme, identities, safe=keyring.safe)["log_hash"] == 2

        assert (await check(oakvale, spoilt_and_rebuilt)).right

    in_town(scenario, names=("Oakvale",), edges=())
