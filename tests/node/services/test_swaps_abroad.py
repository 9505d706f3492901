"""Swaps across schemes on whole nodes in virtual time: lost, doubled, late and hostile letters, and both sides' words. Rules 5.14, 7.10."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from node.clock import LoopClock
from node.services.acts import OPERATOR
from node.services.ask_rows import asks_of
from node.services.members import Member
from node.services.request_rows import Offered, Request, Role, newest_requests, requests_in
from node.services.requests_abroad import CannotRequest, NewRequest
from node.services.swap_abroad_rows import heard_stands, terms_in
from node.services.swaps import CannotSwap, Why
from node.simulation.network import SimulatedNetwork, Weather
from node.simulation.town import Resident, Town
from protocol.beyond import Seen, Stands, Wants
from protocol.letter import DELIVERED, NOBODY, NOT_UNDERSTOOD, Given, RequestText, Sum
from protocol.limits import SWAP_VALID_MS
from protocol.listing import Actor, Withdrew
from protocol.names import ItemKey, SchemeId
from protocol.swap import Side, Terms
from tests.gossip_town import build, converged, listing, until
from tests.node.services.test_requests_abroad import FREE, Giving, new_member
from tests.simulation import run_virtual

JAM = Given(text="Plum jam", key=None)


@dataclass
class Swapping:
    """Karim of Riverside repairs bikes, Ben lives there too; Ana and Zoe live in Oakvale."""

    town: Town
    ana: Member
    zoe: Member
    karim: Member
    ben: Member
    key: ItemKey
    letters: int = 0

    @property
    def oakvale(self) -> Resident:
        return self.town["Oakvale"]

    @property
    def riverside(self) -> Resident:
        return self.town["Riverside"]

    @property
    def swaps(self) -> Any:
        return self.riverside.node.swaps_abroad

    async def propose(self, who: Member, **given: Any) -> Request:
        usual: dict[str, Any] = {
            "scheme": self.riverside.scheme, "key": self.key, "kind": "swap", "title": "Bike repair", "owner_name": "Karim",
            "given": "Plum jam", "wanted": "Two jars",
        }  # fmt: skip
        return await self.oakvale.node.requests.ask(who, NewRequest(**{**usual, **given}))

    async def mine(self, who: Member) -> Request:
        return (await self.oakvale.node.store.read(newest_requests, who.account_no))[0]

    async def sees(self, who: Member, wanted: Stands | Seen, said: str | None = None) -> Request:
        async def so() -> bool:
            mine = await self.mine(who)
            return mine.mirror.seen is wanted and said in (None, mine.said)

        await until(self.town, so, 7200, wanted.value)
        return await self.mine(who)

    async def says(self, who: Member, wants: Wants) -> None:
        await self.oakvale.node.requests.act(who, (await self.mine(who)).no, wants)

    async def accepts(self, no: int, who: Member) -> None:
        await self.swaps.accept(no, who, 1)

    async def counters(self, turn: int, given: str, amount: int = 0, payer: Side | None = None) -> int:
        """Let Karim propose something else for the newest swap proposed to him; return its number."""
        no = (await self.theirs())[0].no
        terms = Terms(given=given, amount=amount, payer=payer)
        for _ in range(2):  # the button pressed twice
            await self.swaps.counter(no, self.karim, turn, terms, "Ripe ones")
        return no

    async def answers(self, who: Member, other: Offered | None = None) -> Request:
        """Let a member of Oakvale say yes to what Karim proposes, or propose something else again; pressed twice."""
        mine, answers = await self.mine(who), self.oakvale.node.swap_answers
        for _ in range(2):
            if other is None:
                await answers.accept(mine.no, who, mine.their_turn)
            else:
                await answers.counter(mine.no, who, mine.their_turn, other, "Or so")
        return await self.mine(who)

    async def theirs(self) -> list[Request]:
        """What people abroad proposed to Karim, the newest first."""
        return await self.riverside.node.store.read(requests_in, "swap", self.karim.account_no)

    async def hears(self, wants: Wants) -> Request:
        async def so() -> bool:
            return (await self.theirs())[0].wants is wants

        await until(self.town, so, 7200, wants.value)
        return (await self.theirs())[0]

    async def letter(self, **given: Any) -> str:
        """Hand Riverside a letter as Oakvale would sign it."""
        hands = Giving(self.town, self.ana, self.karim, self.ben, self.zoe, self.key, self.letters)
        answer = await hands.letter(hands.text(**{"given": JAM, **given}))
        self.letters = hands.letters
        return answer


def swapping(act: Callable[[Swapping], Awaitable[None]], weather: Weather | None = None) -> None:
    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Riverside"], [("Oakvale", "Riverside")])
        ana, zoe = [await new_member(town["Oakvale"], name) for name in ("Ana", "Zoe")]
        karim, ben = [await new_member(town["Riverside"], name) for name in ("Karim", "Ben")]
        owned = await town["Riverside"].node.market.post(karim.no, listing("Bike repair"))
        await until(town, lambda: converged(town), 600, "feeds")
        await act(Swapping(town, ana, zoe, karim, ben, owned.listing.key))
        await town.close()

    run_virtual(scenario, 0, weather or Weather())


def test_a_swap_is_agreed_and_said_to_have_happened_by_both_through_foul_weather_and_crashes() -> None:
    async def act(it: Swapping) -> None:
        await it.propose(it.ana, price=30)
        await it.sees(it.ana, Stands.DECLINED)
        for resident in (it.oakvale, it.riverside):
            await resident.node.settings.change(OPERATOR, asks_abroad=True)
        await it.propose(it.ana, price=30)
        again = await it.propose(it.ana, price=99, given="Nothing")
        assert (again.given, again.price) == ("Plum jam", 30), (
            "her proposal is open, and nothing new was sent"
        )
        await it.sees(it.ana, Stands.ASKED)
        asked, _ = await it.theirs()
        assert (asked.given, asked.price, asked.wanted) == ("Plum jam", 30, "Two jars")
        await it.riverside.crash()
        await it.riverside.boot()
        with pytest.raises(CannotRequest):
            await it.says(it.ana, Wants.HAS_IT)  # nobody agreed
        with pytest.raises(LookupError):
            await it.swaps.accept(asked.no, it.ben, 1)
        with pytest.raises(CannotSwap) as early:
            await it.swaps.happened(asked.no, it.karim)
        assert early.value.why is Why.CHANGED
        for _ in range(2):
            await it.swaps.accept(asked.no, it.karim, 1)
        await it.sees(it.ana, Stands.AGREED)
        await it.oakvale.crash()
        await it.oakvale.boot()
        await it.swaps.happened(asked.no, it.karim)
        await it.sees(it.ana, Stands.AGREED, "The other side says that it happened. Please say so too.")
        await it.riverside.crash()
        await it.says(it.ana, Wants.HAS_IT)
        await it.riverside.boot()
        await it.sees(it.ana, Stands.DONE)
        await it.swaps.happened(asked.no, it.karim)
        with pytest.raises(CannotSwap):
            await it.swaps.call_off(asked.no, it.karim)
        (ask,) = (await it.riverside.node.store.read(asks_of, it.karim.account_no))[1]
        assert (ask.amount, ask.text, ask.their_name) == (30, "Swap: Bike repair for Plum jam", "Ana")

    swapping(act, Weather(loss=0.05, duplicate=0.1, reorder=0.1))


def test_either_side_calls_it_off_and_a_no_is_a_no() -> None:
    async def act(it: Swapping) -> None:
        for before, after, ended in (
            (it.swaps.decline, None, Stands.DECLINED), (it.accepts, it.swaps.call_off, Stands.ENDED),
        ):  # fmt: skip
            await it.propose(it.ana)
            await it.sees(it.ana, Stands.ASKED)
            no = (await it.theirs())[0].no
            await before(no, it.karim)
            if after is not None:
                await it.sees(it.ana, Stands.AGREED)
                await after(no, it.karim)
            await it.sees(it.ana, ended)
        for agreed in (False, True):
            await it.propose(it.ana)
            await it.sees(it.ana, Stands.ASKED)
            no = (await it.theirs())[0].no
            if agreed:
                await it.swaps.accept(no, it.karim, 1)
                await it.sees(it.ana, Stands.AGREED)
                await it.says(it.ana, Wants.HAS_IT)  # and then she thinks better of it
                await it.hears(Wants.HAS_IT)
            await it.says(it.ana, Wants.TAKE_BACK)
            await it.sees(it.ana, Stands.TAKEN_BACK)
            with pytest.raises(CannotSwap):
                await it.swaps.accept(no, it.karim, 1)
        # What nobody answers runs out; what is withdrawn ends.
        await it.propose(it.ana)
        await it.sees(it.ana, Stands.ASKED)
        for resident in (it.oakvale, it.riverside):
            clock = resident.node.clock
            assert isinstance(clock, LoopClock)
            clock.skew_ms += SWAP_VALID_MS
        with pytest.raises(CannotSwap):
            await it.swaps.accept((await it.theirs())[0].no, it.karim, 1)
        assert [await it.swaps.look() for _ in range(2)] == [1, 0]
        await it.sees(it.ana, Stands.ENDED, "Nobody said yes or no in time.")
        for who in (it.ana, it.zoe):
            await it.propose(who)
            await it.sees(who, Stands.ASKED)
        zoes, anas = (await it.theirs())[:2]
        await it.swaps.accept(zoes.no, it.karim, 1)
        await it.sees(it.zoe, Stands.AGREED)
        await it.riverside.node.market.act(it.key, Withdrew(), Actor.OWNER)
        await it.sees(it.ana, Stands.ENDED)
        assert (await it.mine(it.zoe)).stands is Stands.AGREED, "what was agreed to stays agreed"
        await it.riverside.node.parting.part(OPERATOR, it.karim.no)
        await it.sees(it.zoe, Stands.ENDED)
        assert anas.no < zoes.no

    swapping(act)


def test_forged_doubled_and_misdirected_letters_move_no_swap() -> None:
    async def act(it: Swapping) -> None:
        own, theirs = it.riverside.scheme, it.oakvale.scheme
        assert await it.letter(given=None) == NOT_UNDERSTOOD, "an offer is not asked for otherwise"
        assert await it.letter(start=1, end=2, given=None) == NOT_UNDERSTOOD
        assert await it.letter(given=Given(text="Jam\nand more", key=None)) == NOT_UNDERSTOOD
        want = (await it.riverside.node.market.post(it.karim.no, listing("Help", kind="want"))).listing.key
        gift = listing("Sofa", kind="gift", category="home", price=FREE)
        sofa = (await it.riverside.node.market.post(it.karim.no, gift)).listing.key
        bike, it.key = it.key, want
        assert await it.letter(reference=b"w" * 16) == NOT_UNDERSTOOD
        it.key = sofa
        assert await it.letter(reference=b"g" * 16) == DELIVERED, (
            "a gift is asked for, and nothing is given for it"
        )
        assert await it.theirs() == []
        it.key = ItemKey(b"?" * 16)
        assert await it.letter(reference=b"n" * 16) == NOBODY
        it.key = bike
        assert await it.letter(amount=Sum(scheme=theirs, amount=5), reference=b"x" * 16) == DELIVERED
        (refused,) = await it.theirs()
        assert (refused.stands, refused.price) == (Stands.DECLINED, -5), "nobody here may be asked to pay"
        await it.riverside.node.settings.change(OPERATOR, asks_abroad=True)
        assert await it.letter(amount=Sum(scheme=own, amount=5), turn=2) == DELIVERED
        assert await it.letter(word="has-it", turn=3) == DELIVERED
        assert (
            await it.letter(amount=Sum(scheme=own, amount=500), given=Given(text="Air", key=None), turn=9)
            == DELIVERED
        )
        (asked, _) = await it.theirs()
        assert (asked.stands, asked.price, asked.given) == (Stands.ASKED, 5, "Plum jam"), "said once is said"
        await it.swaps.accept(asked.no, it.karim, 1)
        assert await it.letter(word="take-back", turn=8) == DELIVERED, "overtaken"
        assert await it.letter(word="take-back", turn=10, reference=b"q" * 16) == DELIVERED, "of nothing"
        assert (await it.theirs())[1].stands is Stands.AGREED
        assert await it.letter(turn=11, reference=b"z" * 16) == DELIVERED
        assert (await it.theirs())[0].stands is Stands.DECLINED, "one swap with one person for one thing"
        await it.letter(word="has-it", turn=20)
        with pytest.raises(LookupError):
            await it.swaps.happened(asked.no, replace(it.ben))
        assert (await it.theirs())[2].stands is Stands.AGREED, "only both make it done"
        await it.swaps.happened(asked.no, it.karim, gone=True)
        assert (await it.theirs())[2].stands is Stands.DONE
        await it.letter(word="take-back", turn=21)
        assert (await it.theirs())[2].stands is Stands.DONE

    swapping(act)


# --- something else instead: rule 7.10 ----------------------------------------------------------------------------

PEARS = Offered("Pears", None, None)


def test_proposals_answer_each_other_until_one_is_agreed_through_foul_weather_and_crashes() -> None:
    """Four proposals, each named by the next; what is agreed is the newest on both sides, and is asked for in its units."""

    async def act(it: Swapping) -> None:
        for resident in (it.oakvale, it.riverside):
            await resident.node.settings.change(OPERATOR, asks_abroad=True)
        await it.propose(it.ana)
        await it.sees(it.ana, Stands.ASKED)
        with pytest.raises(LookupError):
            await it.swaps.counter((await it.theirs())[0].no, it.ben, 1, Terms(given="Pears"))
        no = await it.counters(1, "Pears", 90, Side.ASKER)
        with pytest.raises(CannotSwap):
            await it.swaps.accept(no, it.karim, 1)  # his own proposal stands now
        await it.riverside.crash()
        await it.riverside.boot()
        seen = await it.sees(it.ana, Stands.COUNTERED, "Ripe ones")
        assert (seen.offered, seen.terms) == (Offered("Pears", None, 90), Offered("Plum jam", None, None))
        with pytest.raises(CannotRequest):
            await it.says(it.ana, Wants.HAS_IT)
        with pytest.raises(CannotRequest):
            await it.oakvale.node.swap_answers.accept(seen.no, it.ana, seen.their_turn - 1)
        with pytest.raises(LookupError):
            await it.oakvale.node.swap_answers.accept(seen.no, it.zoe, seen.their_turn)
        await it.answers(it.ana, Offered("Pears", None, -20))
        await it.oakvale.crash()
        await it.oakvale.boot()
        await it.sees(it.ana, Stands.ASKED)
        (asked,) = await it.theirs()
        assert (asked.terms, asked.proposal) == (Offered("Pears", None, -20), 3)
        with pytest.raises(CannotSwap) as stale:
            await it.swaps.accept(no, it.karim, 1)  # from a page of before
        assert stale.value.why is Why.CHANGED
        await it.counters(3, "Pears", 30, Side.ASKER)
        await it.sees(it.ana, Stands.COUNTERED)
        assert (await it.answers(it.ana)).mirror.seen is Seen.SENT
        mine = await it.sees(it.ana, Stands.AGREED)
        (agreed,) = await it.theirs()
        assert mine.terms == agreed.terms == Offered("Pears", None, 30)
        await it.swaps.happened(no, it.karim)
        await it.says(it.ana, Wants.HAS_IT)
        await it.sees(it.ana, Stands.DONE)
        (ask,) = (await it.riverside.node.store.read(asks_of, it.karim.account_no))[1]
        assert (ask.amount, ask.text) == (30, "Swap: Bike repair for Pears")

    swapping(act, Weather(loss=0.05, duplicate=0.1, reorder=0.1))


def test_what_was_proposed_instead_is_refused_taken_back_or_runs_out() -> None:
    async def act(it: Swapping) -> None:
        await it.propose(it.ana)
        await it.sees(it.ana, Stands.ASKED)
        with pytest.raises(CannotSwap) as amount:
            await it.counters(1, "Pears", 30, Side.ASKER)
        assert amount.value.why is Why.NO_AMOUNT, "nobody here may be asked to pay"
        no = await it.counters(1, "Pears")
        await it.sees(it.ana, Stands.COUNTERED)
        await it.says(it.ana, Wants.TAKE_BACK)
        await it.sees(it.ana, Stands.TAKEN_BACK)
        with pytest.raises(CannotSwap):
            await it.swaps.counter(no, it.karim, 2, Terms(given="Plums"))
        for ends in ("owner", "clock", "listing"):
            await it.propose(it.ana)
            await it.sees(it.ana, Stands.ASKED)
            no = await it.counters(1, "Pears")
            seen = await it.sees(it.ana, Stands.COUNTERED)
            match ends:
                case "owner":
                    await it.swaps.decline(no, it.karim)
                case "clock":
                    for resident in (it.oakvale, it.riverside):
                        clock = resident.node.clock
                        assert isinstance(clock, LoopClock)
                        clock.skew_ms += SWAP_VALID_MS
                    assert await it.swaps.look() == 1
                case _:
                    await it.riverside.node.market.act(it.key, Withdrew(), Actor.OWNER)
            await it.sees(it.ana, Stands.ENDED)
            with pytest.raises(CannotRequest):
                await it.oakvale.node.swap_answers.accept(seen.no, it.ana, seen.their_turn)

    swapping(act)


def test_a_yes_counts_only_for_the_terms_that_were_read_whatever_letters_come() -> None:
    """Forged, doubled, overtaken and of an old copy: nobody is bound to what they did not say."""

    async def act(it: Swapping) -> None:
        theirs = it.oakvale.scheme
        assert await it.letter() == DELIVERED
        no = await it.counters(1, "Pears")

        async def stands() -> tuple[Stands | None, str, int]:
            found = (await it.theirs())[-1]
            return found.stands, found.given, found.proposal

        async def counts(said: str, expected: tuple[Stands, str, int], **given: Any) -> None:
            assert await it.letter(**given) == DELIVERED
            assert await stands() == expected, said

        first = (await it.theirs())[0].proposed_turn
        countered = (Stands.COUNTERED, "Pears", 2)
        pears = Given(text="Pears", key=None)
        await counts("once more, not having heard it", countered, turn=5, given=pears, heard=first - 1)
        await counts("a copy", countered, turn=5, given=pears, heard=first)
        await counts("without terms", countered, turn=6, given=None, heard=first)
        await counts(
            "words of two lines", countered, turn=7, given=Given(text="Pe\nars", key=None), heard=first
        )
        await counts(
            "nobody may be asked here",
            countered,
            turn=8,
            given=pears,
            heard=first,
            amount=Sum(scheme=theirs, amount=5),
        )
        await counts("it did not happen", countered, turn=9, word="has-it", heard=first)
        await counts("in another one's name", countered, turn=10, given=pears, heard=first, reference=b"q" * 16, word="take-back")  # fmt: skip
        await counts(
            "other terms", (Stands.ASKED, "Figs", 3), turn=11, given=Given(text="Figs", key=None), heard=first
        )
        await counts("and others at once", (Stands.ASKED, "Figs", 3), turn=12, given=pears, heard=first)
        await it.swaps.counter(no, it.karim, 3, Terms(given="Pears"))
        await counts(
            "it answers the one before", (Stands.COUNTERED, "Pears", 4), turn=13, given=pears, heard=first
        )
        second = (await it.theirs())[-1].proposed_turn
        await counts("now it is a yes", (Stands.AGREED, "Pears", 4), turn=14, given=pears, heard=second)
        await counts("too late", (Stands.AGREED, "Pears", 4), turn=15, given=JAM, heard=second + 10**6)

    swapping(act)


def test_whoever_asked_is_told_terms_they_never_said_as_a_proposal() -> None:
    """An owner's scheme that says yes to something else, lies, or is an old copy: it waits for the asker's own yes."""
    mine = Offered("Plum jam", None, 30)
    request = cast(Request, SimpleNamespace(terms=mine))
    for stands in Stands:
        same, other = heard_stands(request, stands, mine), heard_stands(request, stands, PEARS)
        assert same is stands
        assert other is (Stands.COUNTERED if stands in (Stands.ASKED, Stands.AGREED) else stands)
    own, theirs = SchemeId(b"o" * 32), SchemeId(b"t" * 32)
    for amount, role, price in (
        (None, Role.OUT, None), (Sum(scheme=theirs, amount=5), Role.OUT, 5), (Sum(scheme=own, amount=5), Role.OUT, -5),
        (Sum(scheme=own, amount=5), Role.IN, 5), (Sum(scheme=theirs, amount=5), Role.IN, -5),
    ):  # fmt: skip
        text = cast(RequestText, SimpleNamespace(given=JAM, amount=amount))
        assert terms_in(text, role, own) == Offered("Plum jam", None, price)
    assert terms_in(cast(RequestText, SimpleNamespace(given=None, amount=None)), Role.OUT, own) is None
