"""Receipts where others were erased: each that is left proves what it did, and whatever is turned in one is refused. Rules 3.1, 4.4, I19."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from node.services.members import Member
from node.services.trades import trade_by_no
from node.store import ReadTx
from node.store.schema import books as books_schema
from protocol.receipt_file import Receipt, decode_receipt, encode_receipt
from protocol.receipt_proof import Broken, Proven, verify_receipt
from tests.erasing import MEMBERS, Scheme, open_scheme

TURNED = 25  # bits of each receipt
person = st.integers(0, MEMBERS - 1)
history = st.lists(
    st.tuples(st.sampled_from(("trade", "trade", "trade", "correct", "sign")), person, person, st.integers(1, 500)),
    min_size=3,
    max_size=12,
)  # fmt: skip


@dataclass
class Kept:
    """The receipt of a trade."""

    parties: tuple[int | None, int | None]  # account numbers
    data: bytes

    def concerns(self, members: Sequence[Member]) -> bool:
        return any(each.account_no in self.parties for each in members)


async def all_receipts(scheme: Scheme) -> dict[int, Kept]:
    """Return the receipts of all trades that moved something, by the number of the trade."""

    def query(tx: ReadTx) -> dict[int, Kept]:
        found = {}
        for (no,) in tx.all(select(books_schema.trade.c.no)):
            trade = trade_by_no(tx, no)
            data = scheme.node.receipts.read(tx, trade)
            assert data is not None
            found[no] = Kept((trade.payer_no, trade.payee_no), data)
        return found

    return await scheme.node.store.read(query)


def proven(data: bytes) -> Proven:
    found = verify_receipt(data)
    assert isinstance(found, Proven), found
    return found


def claims(found: Proven) -> Proven:
    """Return what of a receipt neither erasing nor a later state of the log may change."""
    return replace(found, own=replace(found.own, says=None), words=None, included=None, moved=())


def amounts(found: Proven) -> list[tuple[object, ...]]:
    return [
        tuple(getattr(each, name.name) for name in fields(each) if name.name != "name")
        for each in found.moved
    ]


@given(happened=history, gone=st.sets(person, min_size=1, max_size=3), seed=st.integers(0, 2**32))
@settings(max_examples=5)
def test_receipts_outlive_the_erasure_of_others_and_no_tampering_passes(
    happened: list[tuple[str, int, int, int]], gone: set[int], seed: int
) -> None:
    """Rules 3.1, 4.4: for any history and any who leave."""

    async def scenario(folder: Path) -> None:
        async with open_scheme(folder) as scheme:
            await live(scheme, happened)
            before = await all_receipts(scheme)
            erased = [scheme.members[2 + which] for which in sorted(gone)]
            rosa, otto = scheme.members[:2]
            for member in erased:
                await scheme.erase(member, rosa, otto)
            await scheme.node.witness.own_log.turn()
            after = await all_receipts(scheme)
            for no, kept in after.items():
                check(kept, before.get(no), erased)
            chance = Random(seed)
            for kept in after.values():
                refuses_turned_bits(kept.data, chance)
            refuses_foreign_parts([decode_receipt(kept.data) for kept in after.values()])

    with TemporaryDirectory() as name:
        asyncio.run(scenario(Path(name)))


async def live(scheme: Scheme, happened: list[tuple[str, int, int, int]]) -> None:
    """Let members trade, correct trades, and the log be signed in between."""
    rosa, otto, *members = scheme.members
    await scheme.trade(rosa, otto, 1)  # there is always one that nobody erases
    for act, one, other, amount in happened:
        match act:
            case "trade" if one != other:
                await scheme.trade(members[one], members[other], amount)
            case "correct":
                await scheme.correct(amount, rosa)
            case "sign":
                await scheme.node.witness.own_log.turn()
            case _:
                pass


def check(kept: Kept, before: Kept | None, erased: Sequence[Member]) -> None:
    """A receipt made after the erasure, and the one somebody saved before it."""
    now = proven(kept.data)
    assert now.included is not None, "the log was signed since"
    assert (now.words is None) == kept.concerns(erased)
    if before is None:
        return
    saved = proven(before.data)
    assert saved.words is not None
    assert claims(now) == claims(saved)
    assert amounts(now) == amounts(saved)
    assert now.words in (None, saved.words)


def refuses_turned_bits(data: bytes, chance: Random) -> None:
    for place in chance.sample(range(8 * len(data)), TURNED):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        assert isinstance(verify_receipt(bytes(changed)), Broken), f"bit {place % 8} of byte {place // 8}"


def refuses_foreign_parts(receipts: Sequence[Receipt]) -> None:
    """Nothing of one trade's receipt goes into another's."""
    for one, other in pairwise(receipts):
        for part in ("entry", "book", "words", "proof"):
            if (theirs := getattr(other, part)) is not None:
                spliced = encode_receipt(replace(one, **{part: theirs}))
                assert isinstance(verify_receipt(spliced), Broken), part
