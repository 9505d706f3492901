"""Swaps in a whole node: proposed, answered, done by both; a difference goes once, or nothing was said. Rule 5.14."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from node.services.acts import OPERATOR
from node.services.books import Refused
from node.services.letters import Writing
from node.services.members import Member
from node.services.own_listings import find_own
from node.services.swap_rows import Swapped, find_swap, swaps_of, swaps_waiting
from node.services.swaps import CannotSwap, NewSwap, Why
from node.services.threads import block, messages_of, threads_of
from node.services.trades import trade_by_no
from protocol.errors import InvalidValue
from protocol.ledger import Refusal
from protocol.limits import SWAP_REMIND_MS, SWAP_VALID_MS, SWAPS_OPEN_MAX
from protocol.listing import State
from protocol.market import AskingPrice, Listing
from protocol.names import ItemKey
from protocol.swap import Side, SwapState, Terms
from tests.erasing import open_scheme
from tests.node.services.test_standing import House

PROPOSED, AGREED, DONE, DECLINED, WITHDRAWN, LAPSED, CALLED_OFF, ENDED = SwapState
ASKER, OWNER = Side


@dataclass
class Fair(House):
    """Ben repairs bikes, Ana makes jam. She would have hers repaired for some of it."""

    forms: int = field(default=0)

    async def open_fair(self) -> Fair:
        await self.furnish()
        self.repair = await self.list_("Bike repair", self.ben)
        self.jam = await self.list_("Plum jam", self.ana)
        return self

    def key(self) -> bytes:
        self.forms += 1
        return self.forms.to_bytes(16, "big")

    async def list_(self, title: str, member: Member, kind: str = "offer") -> ItemKey:
        price = AskingPrice(amount=0, per="free" if kind in ("gift", "lend") else "agree")
        content = Listing(kind=kind, title=title, text="", category="food", language="en", price=price)
        return (await self.node.market.post(member.no, content)).listing.key

    def terms(self, amount: int = 0, payer: Side | None = None, given: str = "Plum jam") -> Terms:
        return Terms(given=given, given_key=self.jam, amount=amount, payer=payer)

    async def propose(self, amount: int = 0, payer: Side | None = None) -> Swapped:
        new = NewSwap(key=self.repair, terms=self.terms(amount, payer), said="Saturday?")
        return await self.node.swaps.propose(self.ana, new, self.key())

    async def agree(self, amount: int = 0, payer: Side | None = None) -> Swapped:
        made = await self.propose(amount, payer)
        return await self.node.swaps.accept(made.no, self.ben, 1)

    async def happened(self, who: Member, *, gone: bool = False, proof: str = "pin") -> Swapped:
        return await self.node.swaps.happened(1, who, proved_by=proof, gone=gone)

    async def swap(self, no: int = 1) -> Swapped:
        found = await self.store.read(find_swap, no, self.ana.account_no)
        assert found is not None
        return found

    async def state(self, no: int = 1) -> SwapState:
        return (await self.swap(no)).stands(self.clock.now)

    async def said_to(self, member: Member) -> list[str]:
        """Return what a member reads in their conversations, the newest last."""
        threads, _ = await self.store.read(threads_of, member.account_no)
        found = [await self.store.read(messages_of, thread.no) for thread, _ in threads]
        return [message.text for messages in found for message in messages if not message.mine]

    async def waits_for(self, member: Member) -> int:
        return len(await self.store.read(swaps_waiting, member.account_no, self.clock.now))

    async def subjects(self) -> list[str]:
        return [mail.subject for mail in await self.mails()]


@pytest.fixture
async def fair() -> AsyncIterator[Fair]:
    made = await Fair().open_fair()
    yield made
    await made.store.close()


# --- proposing and answering --------------------------------------------------------------------------------------


async def test_ana_swaps_jam_for_a_repair_and_adds_half_an_hour(fair: Fair) -> None:
    await fair.propose(30, ASKER)
    told = "I would like to swap: Bike repair for Plum jam\nAna also gives Ben 30 minutes.\nSaturday?"
    assert (await fair.said_to(fair.ben), await fair.waits_for(fair.ben)) == ([told], 1)
    assert await fair.subjects() == ["I would like to swap: Bike repair for Plum jam"]
    await fair.node.swaps.accept(1, fair.ben, 1)
    assert await fair.said_to(fair.ana) == ["Yes, let us swap: Bike repair for Plum jam"]
    assert (await fair.waits_for(fair.ana), await fair.trades()) == (0, 0)

    await fair.happened(fair.ana, proof="link")
    assert (await fair.state(), await fair.waits_for(fair.ben), await fair.trades()) == (AGREED, 1, 0)
    await fair.happened(fair.ben)

    assert (await fair.state(), await fair.balance(fair.ana), await fair.balance(fair.ben)) == (DONE, -30, 30)
    trade = await fair.store.read(trade_by_no, (await fair.swap()).trade_no or 0)
    assert (trade.text, trade.amount, trade.entered_by) == ("Swap: Bike repair for Plum jam", 30, "Ana")
    assert (await fair.swap()).proved_by == "link", "the payer's proof, though the other pressed last"


async def test_nothing_moves_where_nobody_adds_anything(fair: Fair) -> None:
    await fair.agree()
    await fair.happened(fair.ben)
    await fair.happened(fair.ana)
    assert (await fair.state(), await fair.trades()) == (DONE, 0)


async def test_another_proposal_takes_the_place_of_the_first(fair: Fair) -> None:
    await fair.propose()
    await fair.node.swaps.counter(1, fair.ben, 1, fair.terms(60, OWNER), "")
    await fair.node.swaps.counter(1, fair.ben, 1, fair.terms(60, OWNER), "")  # the same button again
    assert (await fair.said_to(fair.ana))[-1] == (
        "How about this swap instead: Bike repair for Plum jam\nBen also gives Ana 1 hour."
    )
    for late in (fair.node.swaps.accept(1, fair.ben, 1), fair.node.swaps.accept(1, fair.ana, 1)):
        with pytest.raises(CannotSwap) as caught:
            await late
        assert caught.value.why is Why.CHANGED
    await fair.node.swaps.accept(1, fair.ana, 2)
    await fair.happened(fair.ana)
    await fair.happened(fair.ben)
    assert (await fair.balance(fair.ana), await fair.balance(fair.ben)) == (60, -60)


async def test_no_taken_back_and_called_off_end_it(fair: Fair) -> None:
    await fair.propose(30, ASKER)
    await fair.node.swaps.decline(1, fair.ben)
    await fair.propose(30, ASKER)
    await fair.node.swaps.withdraw(2, fair.ana)
    made = await fair.propose(30, ASKER)
    await fair.node.swaps.accept(made.no, fair.ben, 1)
    await fair.node.swaps.happened(3, fair.ana, proved_by="pin")
    await fair.node.swaps.call_off(3, fair.ben)
    assert [await fair.state(no) for no in (1, 2, 3)] == [DECLINED, WITHDRAWN, CALLED_OFF]
    for no in (1, 2, 3):
        with pytest.raises(CannotSwap):
            await fair.node.swaps.happened(no, fair.ben, proved_by="pin")
    assert await fair.trades() == 0


async def test_a_third_does_nothing_with_it(fair: Fair) -> None:
    await fair.propose()
    maud = await fair.node.people.add(OPERATOR, fair.newcomer("Maud"))
    for act in (
        fair.node.swaps.accept(1, maud, 1), fair.node.swaps.decline(1, maud), fair.node.swaps.withdraw(1, maud),
        fair.node.swaps.counter(1, maud, 1, fair.terms(), ""), fair.node.swaps.call_off(1, maud),
        fair.node.swaps.happened(1, maud, proved_by="pin"),
    ):  # fmt: skip
        with pytest.raises(LookupError):
            await act
    assert await fair.state() is PROPOSED


async def test_what_is_not_proposed(fair: Fair) -> None:
    gift, want = await fair.list_("Sofa", fair.ben, "gift"), await fair.list_("Jam jars", fair.ben, "want")
    theirs = Terms(given="Bike repair", given_key=fair.repair)
    for who, key, terms, why in (
        (fair.ana, gift, fair.terms(), Why.GONE),
        (fair.ana, want, fair.terms(), Why.GONE),
        (fair.ana, ItemKey(bytes(16)), fair.terms(), Why.GONE),
        (fair.ana, fair.repair, theirs, Why.GONE),
        (fair.ben, fair.repair, theirs, Why.OWN),
    ):
        with pytest.raises(CannotSwap) as caught:
            await fair.node.swaps.propose(who, NewSwap(key=key, terms=terms), fair.key())
        assert caught.value.why is why
    with pytest.raises(InvalidValue):
        await fair.node.swaps.propose(fair.ana, NewSwap(key=fair.repair, terms=Terms(given="")), fair.key())
    await fair.propose()
    with pytest.raises(CannotSwap) as caught:
        await fair.propose()
    assert caught.value.why is Why.SAME
    for number in range(SWAPS_OPEN_MAX):
        other = NewSwap(key=await fair.list_(f"Thing {number}", fair.ben), terms=fair.terms())
        if number < SWAPS_OPEN_MAX - 1:
            await fair.node.swaps.propose(fair.ana, other, fair.key())
            continue
        with pytest.raises(CannotSwap) as caught:
            await fair.node.swaps.propose(fair.ana, other, fair.key())
        assert caught.value.why is Why.TOO_MANY


async def test_whoever_wants_no_messages_of_somebody_gets_no_proposals(fair: Fair) -> None:
    await fair.node.letters.write(
        Writing(
            account_no=fair.ana.account_no, name="Ana", scheme=fair.node.scheme, to_account=fair.ben.account_no,
            to_name="Ben", text="Hello",
        )
    )  # fmt: skip
    ((thread, _),), _ = await fair.store.read(threads_of, fair.ben.account_no)
    await fair.store.write(block, thread.no, fair.ben.account_no, True)
    with pytest.raises(CannotSwap) as caught:
        await fair.propose()
    assert caught.value.why is Why.NOT_NOW
    await fair.store.write(block, thread.no, fair.ben.account_no, False)
    await fair.propose()
    await fair.store.write(block, thread.no, fair.ben.account_no, True)
    await fair.node.swaps.accept(1, fair.ben, 1)  # his own yes is his own


async def test_a_pause_of_either_hinders_it(fair: Fair) -> None:
    await fair.propose(30, ASKER)
    await fair.node.people.pause(OPERATOR, fair.ana.no, why="test")
    with pytest.raises(CannotSwap) as caught:
        await fair.node.swaps.accept(1, fair.ben, 1)
    assert caught.value.why is Why.NOT_NOW
    await fair.node.people.resume(OPERATOR, fair.ana.no)
    await fair.node.swaps.accept(1, fair.ben, 1)
    await fair.happened(fair.ana)
    await fair.node.people.pause(OPERATOR, fair.ana.no, why="test")
    with pytest.raises(CannotSwap):
        await fair.happened(fair.ben)
    assert (await fair.state(), await fair.trades()) == (AGREED, 0)


# --- it happened --------------------------------------------------------------------------------------------------


async def test_where_a_limit_is_in_the_way_nothing_was_said_and_it_can_be_said_again(fair: Fair) -> None:
    await fair.limit(29)
    await fair.agree(30, ASKER)
    await fair.happened(fair.ana)
    before = fair.digests()
    with pytest.raises(Refused) as refused:
        await fair.happened(fair.ben, gone=True)
    assert refused.value.reason is Refusal.EXCEEDS_CREDIT_LIMIT
    assert fair.digests() == before, "nothing half done: no word, no message, no listing taken down"
    await fair.limit(30)
    await fair.happened(fair.ben)
    assert (await fair.state(), await fair.balance(fair.ana)) == (DONE, -30)


async def test_a_word_said_often_counts_once(fair: Fair) -> None:
    await fair.agree(30, ASKER)
    await asyncio.gather(*[fair.happened(who) for who in (fair.ana, fair.ben) for _ in range(4)])
    assert (await fair.state(), await fair.trades(), await fair.balance(fair.ben)) == (DONE, 1, 30)


async def test_one_form_proposes_once(fair: Fair) -> None:
    new = NewSwap(key=fair.repair, terms=fair.terms())
    await asyncio.gather(*[fair.node.swaps.propose(fair.ana, new, b"o" * 16) for _ in range(3)])
    assert len(await fair.store.read(swaps_of, fair.ben.account_no)) == 1


async def test_a_power_cut_leaves_all_of_it_or_nothing(fair: Fair) -> None:
    await fair.agree(30, ASKER)
    await fair.happened(fair.ana)
    n = 0
    while await fair.cut_at(n := n + 1, lambda: fair.happened(fair.ben)):
        done, moved = await fair.state() is DONE, await fair.balance(fair.ben)
        assert (done, moved) in ((False, 0), (True, 30)), n
        if done:
            break
    assert n > 3
    await fair.happened(fair.ben)
    assert (await fair.state(), await fair.trades()) == (DONE, 1)


async def test_what_is_gone_is_taken_off_the_lists_with_the_same_press(fair: Fair) -> None:
    await fair.agree()
    other = await fair.node.swaps.propose(
        await fair.node.people.add(OPERATOR, fair.newcomer("Maud")),
        NewSwap(key=fair.jam, terms=Terms(given="A cake")),
        fair.key(),
    )
    await fair.happened(fair.ana, gone=True)
    owned = await fair.store.read(find_own, fair.jam)
    assert owned is not None
    assert owned.listing.state is State.WITHDRAWN
    assert await fair.state() is AGREED, "what is agreed does not end by it"
    assert (await fair.swap(other.no)).swap.state is ENDED, "what others proposed for it does"
    await fair.happened(fair.ben)
    assert await fair.state() is DONE


# --- what ends by itself ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["repair", "jam"])
async def test_a_proposal_ends_with_either_listing(fair: Fair, which: str) -> None:
    await fair.propose()
    await fair.node.market.withdraw(fair.repair if which == "repair" else fair.jam)
    assert await fair.state() is ENDED
    reader = fair.ana if which == "repair" else fair.ben
    assert (await fair.said_to(reader))[-1].startswith("This is not there any more")


async def test_what_an_organiser_took_down_is_not_agreed_to(fair: Fair) -> None:
    await fair.propose()
    await fair.node.market.remove(fair.jam, "Not food")
    with pytest.raises(CannotSwap) as caught:
        await fair.node.swaps.accept(1, fair.ben, 1)
    assert caught.value.why is Why.GONE


async def test_silence_is_reminded_of_once_and_then_runs_out(fair: Fair) -> None:
    await fair.propose(30, ASKER)
    await fair.mails()
    began = fair.clock.now
    fair.clock.now = began + SWAP_VALID_MS - SWAP_REMIND_MS - 1
    assert await fair.node.swaps.look() == 0
    fair.clock.now += 1
    for _ in range(2):
        await fair.node.swaps.look()
    assert await fair.subjects() == ["A swap waits for your answer: Bike repair for Plum jam"]
    fair.clock.now = began + SWAP_VALID_MS
    assert (await fair.state(), await fair.waits_for(fair.ben)) == (LAPSED, 0)
    with pytest.raises(CannotSwap):
        await fair.node.swaps.accept(1, fair.ben, 1)
    for _ in range(2):
        await fair.node.swaps.look()
    (mail,) = await fair.mails()
    assert (mail.subject, mail.recipient) == (
        "Nobody answered in time: Bike repair for Plum jam",
        "ana@example.org",
    )
    assert (await fair.swap()).swap.state is LAPSED
    await fair.propose()  # she may ask again


async def test_whoever_has_not_said_that_it_happened_is_reminded_once(fair: Fair) -> None:
    await fair.agree()
    await fair.happened(fair.ana)
    await fair.mails()
    fair.clock.now += SWAP_REMIND_MS
    for _ in range(3):
        await fair.node.swaps.look()
    (mail,) = await fair.mails()
    assert (mail.subject, mail.recipient) == (
        "Did this swap happen? Bike repair for Plum jam",
        "ben@example.org",
    )
    fair.clock.now += 10 * SWAP_VALID_MS
    await fair.node.swaps.look()
    assert await fair.state() is AGREED, "no clock ends what was agreed"


async def test_whoever_leaves_leaves_no_swap_open(fair: Fair) -> None:
    await fair.agree(30, OWNER)
    await fair.node.parting.part(OPERATOR, fair.ben.no, why="moves away")
    assert await fair.state() is ENDED
    assert (await fair.said_to(fair.ana))[-1].startswith("I leave the scheme")


@pytest.mark.parametrize("who", ["asker", "owner"])
async def test_what_either_gives_goes_from_the_swap_of_the_erased(tmp_path: Path, who: str) -> None:
    """Rule 3.1."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        listed, words = scheme.word(ben), scheme.word(ana)
        content = Listing(
            kind="offer", title=listed, text="", category="food", language="en",
            price=AskingPrice(amount=0, per="agree"),
        )  # fmt: skip
        key = (await scheme.node.market.post(ben.no, content)).listing.key
        new = NewSwap(key=key, terms=Terms(given=words), said=words)
        made = await scheme.node.swaps.propose(ana, new, b"o" * 16)
        await scheme.erase(ana if who == "asker" else ben, rosa, otto)
        # The title of what was listed stays where the asker wrote it: in a message that is theirs.
        if who == "asker":
            assert words.encode() not in scheme.files()
        left = await scheme.node.store.read(find_swap, made.no, ana.account_no)
        assert left is not None
        assert (left.title, left.swap.terms.given, left.swap.state) == ("", "", ENDED)
