"""The ledger in the store: accounts, holds, postings, corrections, and the chain of signed entries. Rules 3, 7.9."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from node.clock import SeededChance
from node.services.accounts import all_accounts
from node.services.books import Books, Draft, Refused, load, reference_number
from node.services.signed_books import BookToSign, NotWhatWasSigned
from node.store import InlineStore, Memory, Tx
from protocol.books import Books as Replayed
from protocol.books import replay
from protocol.entry import Entry, Payload, Words, open_book
from protocol.ledger import HOURS, LOCAL, AccountKind, Refusal, SystemRole
from protocol.message import trusted_message
from protocol.names import EntryId, SchemeId
from tests.builders import NOW
from tests.fakes import StoppedClock
from tests.invariants import check_postings, take_snapshot
from tests.small_town import WORDS, make_keyring

RIVERSIDE = SchemeId(b"R" * 32)


class Ledger:
    """One scheme's books in memory; each call is a unit of its own."""

    def __init__(self, seed: str = "books") -> None:
        self.chance = SeededChance(seed)
        self.keyring = make_keyring(self.chance, NOW)
        self.books = Books(self.keyring, StoppedClock(), self.chance)
        self.store = InlineStore(Memory())

    async def do(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self.store.write(unit, *args, **kwargs)

    async def member(self, **limits: Any) -> int:
        return (await self.do(self.books.open_account, WORDS, **limits)).no

    async def state(self, no: int) -> tuple[int, int]:
        value = (await self.store.read(load, no)).value
        return value.balance, value.held

    async def check(self) -> None:
        """I1, and that an auditor who replays the entries comes to the same accounts."""
        snapshot = await self.store.read(take_snapshot, self.keyring.scheme)
        check_postings(snapshot)
        opened = []
        for _, _, _, _, wire, data, salt, _, _ in snapshot.entries:
            signed = trusted_message(Entry, wire)
            book = open_book(signed.body, Payload(salt=salt, data=data))
            opened.append((EntryId(signed.id), book))
        replayed = replay(Replayed(scheme=self.keyring.scheme), opened).accounts
        stored = {held.value.account_id: held.value.balance for held, _ in snapshot.accounts}
        assert {key: account.balance for key, account in replayed.items()} == stored, "I19"


@pytest.fixture
async def ledger() -> Ledger:
    return Ledger()


async def refusal(ledger: Ledger, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Refusal:
    before = [held for held, _ in await ledger.store.read(all_accounts)]
    with pytest.raises(Refused) as caught:
        await ledger.do(unit, *args, **kwargs)
    assert [held for held, _ in await ledger.store.read(all_accounts)] == before
    return caught.value.reason


async def test_a_posting_moves_and_is_written_down(ledger: Ledger) -> None:
    """Rules 3.1, 3.2: balances, a leg for each account with its balance after, one signed entry in the chain."""
    ana, bela = await ledger.member(credit_limit=100), await ledger.member()
    made = await ledger.do(ledger.books.post, [(ana, -60), (bela, 60)], WORDS)
    assert (await ledger.state(ana), await ledger.state(bela)) == ((-60, 0), (60, 0))
    legs = await ledger.store.read(lambda tx: tx.all(text("SELECT * FROM leg ORDER BY account_no")))
    assert legs == [(ana, made.seq, -60, -60), (bela, made.seq, 60, 60)]
    await ledger.check()


async def test_amounts_of_one_account_are_added_up_and_nothing_is_no_leg(ledger: Ledger) -> None:
    """A payment forwarded between two lines passes through transit without a trace there."""
    ana, bela, chest = await ledger.member(credit_limit=9), await ledger.member(), await ledger.member()
    made = await ledger.do(
        ledger.books.post, [(ana, -5), (chest, 5), (chest, -5), (ana, -1), (bela, 6)], WORDS
    )
    assert len(made.legs) == 2
    assert await ledger.state(ana) == (-6, 0)
    await ledger.check()


async def test_what_the_ledger_refuses_changes_nothing(ledger: Ledger) -> None:
    """Rule 3.4: limits are looked at in the same transaction, at the hold and at the posting."""
    ana, bela = await ledger.member(credit_limit=100), await ledger.member(ceiling=50)
    post, hold = ledger.books.post, ledger.books.hold
    assert await refusal(ledger, post, [(ana, -101), (bela, 101)], WORDS) is Refusal.EXCEEDS_CREDIT_LIMIT
    assert await refusal(ledger, post, [(ana, -51), (bela, 51)], WORDS) is Refusal.EXCEEDS_CEILING
    await ledger.do(hold, ana, 60)
    assert await refusal(ledger, hold, ana, 41) is Refusal.EXCEEDS_CREDIT_LIMIT
    assert await refusal(ledger, post, [(ana, -41), (bela, 41)], WORDS) is Refusal.EXCEEDS_CREDIT_LIMIT
    assert (
        await refusal(ledger, post, [(ana, -61), (bela, 61)], WORDS, releasing={ana: 61}) is Refusal.NOT_HELD
    )
    await ledger.do(post, [(ana, -101), (bela, 101)], WORDS, beyond_limits=True)
    assert await ledger.state(ana) == (-101, 60)
    await ledger.check()


async def test_a_hold_becomes_a_posting_or_is_dropped_whatever_the_limit_is_now(ledger: Ledger) -> None:
    """Rule 3.3: what was set aside can be spent, also after the limit was lowered."""
    ana, bela = await ledger.member(credit_limit=100), await ledger.member()
    books = ledger.books
    await ledger.do(books.hold, ana, 60)
    await ledger.do(books.hold, ana, 30)
    await ledger.do(books.set_limits, ana, 0, None, WORDS)
    assert await refusal(ledger, books.hold, ana, 1) is Refusal.EXCEEDS_CREDIT_LIMIT
    await ledger.do(books.post, [(ana, -60), (bela, 60)], WORDS, releasing={ana: 60})
    assert await ledger.state(ana) == (-60, 30)
    await ledger.do(books.drop_hold, ana, 30)
    assert await ledger.state(ana) == (-60, 0)
    await ledger.check()


async def test_a_hold_moves_to_the_chest(ledger: Ledger) -> None:
    """Rule 7.2: two organisers free a member so whose payment hangs."""
    ana = await ledger.member(credit_limit=100)
    chest = await ledger.do(ledger.books.system, SystemRole.CHEST, LOCAL)
    await ledger.do(ledger.books.hold, ana, 60)
    await ledger.do(ledger.books.move_hold, ana, chest, 60)
    assert (await ledger.state(ana), await ledger.state(chest)) == ((0, 0), (0, 60))


async def test_system_accounts_are_opened_once_when_first_needed(ledger: Ledger) -> None:
    """Rule 3.2: `exchange` in both units, a line account for each neighbour."""
    books = ledger.books
    line = await ledger.do(books.line, RIVERSIDE)
    assert await ledger.do(books.line, RIVERSIDE) == line
    hours = await ledger.do(books.system, SystemRole.EXCHANGE, HOURS)
    local = await ledger.do(books.system, SystemRole.EXCHANGE, LOCAL)
    assert len({line, hours, local}) == 3
    kinds = {held.value.kind for held, _ in await ledger.store.read(all_accounts)}
    assert kinds == {AccountKind.SYSTEM}
    await ledger.check()


async def test_a_correction_is_the_opposite_once_and_beyond_limits(ledger: Ledger) -> None:
    """Rule 3.5: linked, never deleted; what crossed schemes is not corrected here."""
    books = ledger.books
    ana, bela = await ledger.member(credit_limit=60), await ledger.member()
    made = await ledger.do(books.post, [(ana, -60), (bela, 60)], WORDS)
    await ledger.do(books.post, [(bela, -60), (ana, 60)], WORDS)
    await ledger.do(books.correct, made.seq, False, WORDS)
    assert (await ledger.state(ana), await ledger.state(bela)) == ((60, 0), (-60, 0))
    assert await refusal(ledger, books.correct, made.seq, True, WORDS) is Refusal.ALREADY_CORRECTED
    assert await refusal(ledger, books.correct, 1, False, WORDS) is Refusal.NOT_CORRECTABLE
    assert await refusal(ledger, books.correct, 10**9, False, WORDS) is Refusal.NOT_CORRECTABLE
    line = await ledger.do(books.line, RIVERSIDE)
    exchange = await ledger.do(books.system, SystemRole.EXCHANGE, HOURS)
    crossed = await ledger.do(books.post, [(line, -5), (exchange, 5)], WORDS)
    assert await refusal(ledger, books.correct, crossed.seq, False, WORDS) is Refusal.NOT_CORRECTABLE
    await ledger.check()


async def test_entries_are_one_chain_signed_with_the_ledger_key(ledger: Ledger) -> None:
    """Rule 3.1: seq without a gap, each naming the one before; the payloads open their commitments."""
    ana, bela = await ledger.member(credit_limit=1000), await ledger.member()
    for n in range(5):
        await ledger.do(ledger.books.post, [(ana, -1 - n), (bela, 1 + n)], Words(
            text=f"thing {n}", done_by="Ana", on_behalf_of=None, proved_by="pin"))  # fmt: skip
    rows = await ledger.store.read(lambda tx: tx.all(text("SELECT seq, id, wire FROM entry ORDER BY seq")))
    entries = [trusted_message(Entry, wire) for _, _, wire in rows]
    assert [entry.body.seq for entry in entries] == list(range(7))
    assert [entry.body.prev for entry in entries[1:]] == [entry.id for entry in entries[:-1]]
    assert [row[1] for row in rows] == [entry.id for entry in entries]
    assert {entry.key_seq for entry in entries} == {ledger.keyring.signing["ledger"][0]}
    await ledger.check()


async def test_what_was_signed_is_booked_as_it_was_signed_or_not_at_all(ledger: Ledger) -> None:
    """Rules 3.5, 7.9: drafted again its book is the same, and its id is another by the salt of its words."""
    ana, bela = await ledger.member(credit_limit=1000), await ledger.member()
    books = ledger.books

    def unit(tx: Tx) -> tuple[BookToSign, Draft, Draft]:
        signed = books.to_sign(tx, [(ana, -1), (bela, 1)])
        with pytest.raises(NotWhatWasSigned):
            books.draft(tx, [(ana, -2), (bela, 2)], books.commit(WORDS), signed=signed)
        first = books.draft(tx, [(ana, -1), (bela, 1)], books.commit(WORDS), signed=signed)
        again = books.redraft(tx, first)
        books.enter(tx, again)
        return signed, first, again

    signed, first, again = await ledger.do(unit)
    assert first.id != again.id
    assert {each.made.signed.body.book for each in (first, again)} == {signed.digest}
    assert first.made.words.data == again.made.words.data
    await ledger.check()


async def test_an_entry_drafted_again_has_another_id_and_says_the_same(ledger: Ledger) -> None:
    """Rule 7.9: the salt of the book is another; what was not entered never was."""
    ana, bela = await ledger.member(credit_limit=1000), await ledger.member()
    books = ledger.books

    def unit(tx: Tx) -> tuple[Draft, Draft]:
        first = books.draft(tx, [(ana, -1), (bela, 1)], books.commit(WORDS))
        again = books.redraft(tx, first)
        assert books.enter(tx, again).id == again.id
        return first, again

    first, again = await ledger.do(unit)
    assert first.id != again.id
    assert first.made.book.data == again.made.book.data
    assert first.made.words == again.made.words
    assert (await ledger.state(ana), await ledger.state(bela)) == ((-1, 0), (1, 0))
    assert reference_number(bytes([1, 0, 0, 0, 0, 9])) == 2**32
    await ledger.check()


@pytest.mark.parametrize("seed", range(3))
async def test_units_in_any_mix_and_failing_at_random_keep_the_sums(seed: int) -> None:
    """I1, I7: some units fail after they wrote, alone or in a group; what is kept between units never lies."""
    random, ledger = Random(seed), Ledger(f"mix {seed}")
    books = ledger.books
    members = [await ledger.member(credit_limit=500, ceiling=800) for _ in range(4)]
    aside = dict.fromkeys(members, 0)

    class Changed(Exception):
        pass

    def post(tx: Tx, giver: int, taker: int, amount: int, fails: bool) -> None:
        books.post(tx, [(giver, -amount), (taker, amount)], WORDS)
        if fails:
            raise Changed

    def hold(tx: Tx, giver: int, amount: int, fails: bool) -> tuple[int, int]:
        books.hold(tx, giver, amount)
        if fails:
            raise Changed
        return giver, amount

    for _ in range(150):
        units = []
        for _ in range(random.randrange(1, 5)):
            giver, taker = random.sample(members, 2)
            amount, fails = random.randrange(1, 200), random.random() < 0.3
            units.append(
                ledger.do(post, giver, taker, amount, fails)
                if random.random() < 0.6
                else ledger.do(hold, giver, amount, fails)
            )

        for answer in await asyncio.gather(*units, return_exceptions=True):
            if isinstance(answer, tuple):
                aside[answer[0]] += answer[1]
            assert answer is None or isinstance(answer, tuple | Refused | Changed), answer
        giver = random.choice(members)
        if aside[giver]:
            await ledger.do(books.drop_hold, giver, aside[giver])
            aside[giver] = 0
        for no in members:
            value = (await ledger.store.read(load, no)).value
            assert value.spendable >= 0
            assert value.balance <= 800
            assert value.held == aside[no]
    await ledger.check()
