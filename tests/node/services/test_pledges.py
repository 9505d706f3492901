"""Deposits for what is booked in other schemes, on whole nodes in virtual time: held, told, freed and kept. Rules 3.3, 7.2, 7.8, 7.10."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import text

from node.services.accounts import load
from node.services.acts import OPERATOR
from node.services.booking_rows import Booking, CannotBook
from node.services.booking_rows import Why as WhyNot
from node.services.guest_deposits import deposit_paid
from node.services.ledger_check import check_books
from node.services.pledge_rows import Pledged, pledge_of
from node.services.pledges import CannotPledge
from node.services.requests_abroad import CannotRequest, NewRequest, Why
from node.services.threads import find_thread
from node.simulation.network import SimulatedNetwork, Weather
from node.store import ReadTx
from protocol.beyond import Stands, Wants
from protocol.booking import BookingEvent, BookingState, Period
from protocol.deposit import DepositEvent, DepositState
from protocol.entry import ListingRef
from protocol.letter import (
    DELIVERED,
    LISTING_ANSWER,
    NOBODY,
    DepositSaid,
    LetterAck,
    RequestText,
    make_letter,
)
from protocol.limits import DAY_MS
from protocol.message import trusted_message
from protocol.names import Handle
from protocol.pledge import Pledge
from protocol.references import reference_of
from tests.gossip_town import build, converged, pause, until
from tests.invariants import check_nothing_left, take_snapshot
from tests.node.services.test_bookings_abroad import TERMS, Lending, drill
from tests.node.services.test_requests_abroad import new_member
from tests.simulation import run_virtual

E, S, D, P = BookingEvent, BookingState, DepositState, Pledge
DEPOSIT, ASIDE = (
    500,
    480,
)  # in Riverside's unit and in Oakvale's, which are two numbers so that they cannot be mixed up


@dataclass
class Pledging(Lending):
    """Karim rents his drill out against a deposit."""

    def new(self, period: Period, **given: Any) -> NewRequest:
        return super().new(period, **{"deposit": DEPOSIT, "aside": ASIDE, **given})

    async def pledge(self) -> Pledged:
        found = await self.oakvale.node.store.read(pledge_of, (await self.mine(self.ana)).no)
        assert found is not None
        return found

    async def held(self) -> tuple[int, int]:
        """Return what Ana's account holds and has."""
        value = (await self.oakvale.node.store.read(load, self.ana.account_no)).value
        return value.held, value.balance

    async def gets(self) -> int:
        return (await self.riverside.node.store.read(load, self.karim.account_no)).value.balance

    async def stands_at(self, state: Pledge) -> Pledged:
        async def so() -> bool:
            return (await self.pledge()).state is state

        await until(self.town, so, 20_000, state.value)
        return await self.pledge()

    async def his_at(self, state: DepositState) -> Booking:
        async def so() -> bool:
            found = await self.lent()
            return bool(found) and found[0].deposit_state is state

        await until(self.town, so, 20_000, state.value)
        return (await self.lent())[0]

    async def take_back(self, keep: int = 0) -> Booking:
        self.letters += 1
        no, once = (await self.lent())[0].no, self.letters.to_bytes(16, "little")
        acts = self.riverside.node.bookings.act
        return await acts(no, E.TAKE_BACK, self.karim.account_no, keep=keep, words="Bent", once=once)

    async def lets_go(self) -> None:
        self.letters += 1
        no, once = (await self.lent())[0].no, self.letters.to_bytes(16, "little")
        await self.riverside.node.bookings.settle(
            no, DepositEvent.FREE, self.karim, proved_by="pin", once=once
        )

    async def out(self) -> None:
        """Have it asked for, agreed and handed over, with the deposit held."""
        await self.ask(self.ana, self.days(0, 1))
        await self.until_lent(S.ASKED)
        await self.owner(E.AGREE)
        await self.his_at(D.HELD)
        await self.owner(E.HAND_OVER)

    async def asked_for(self, keep: int) -> None:
        await self.out()
        await self.take_back(keep)
        await self.stands_at(P.ASKED)

    async def answer(self, sender: str = "Riverside", **given: Any) -> str:
        """Hand Oakvale an answer to Ana's question as Riverside, or another scheme, would sign it."""
        there, here, request = self.riverside.node, self.oakvale.node, await self.mine(self.ana)
        assert request.thread_no is not None
        thread = await here.store.read(find_thread, request.thread_no, self.ana.account_no)
        assert thread is not None
        self.letters += 1
        usual: dict[str, Any] = {
            "thread": thread.id, "kind": LISTING_ANSWER, "from_handle": thread.their_handle, "from_name": "Karim",
            "to_handle": await there.store.read(self._anas_handle), "listing": ListingRef(scheme=there.scheme, key=self.key),
            "amount": None, "until": None, "reference": request.id, "text": "Yes", "turn": request.their_turn + 1,
            "heard": request.my_turn, "word": "agreed", "places": 0, "start": request.start, "end": request.end,
        }  # fmt: skip
        signs = self.town[sender].node
        letter = RequestText(**{**usual, **given})
        if sender != "Riverside":
            letter = replace(letter, listing=ListingRef(scheme=signs.scheme, key=self.key))
        seal_key = signs.directory.seal_key(here.scheme)
        assert seal_key is not None
        made = make_letter(
            letter, sender=signs.scheme, recipient=here.scheme, letter=self.letters.to_bytes(16, "big"),
            expires=there.clock.now_ms() + DAY_MS, recipient_key=seal_key[1], ephemeral=b"e" * 32,
        )  # fmt: skip
        ack = await here.store.write(here.letters._receive, signs.keyring.sign("session", made))
        return trusted_message(LetterAck, ack).body.answer

    def _anas_handle(self, tx: ReadTx) -> Handle:
        return Handle(tx.scalar(text("SELECT their_handle FROM request WHERE role = 'in'")))

    async def right(self) -> None:
        """Nothing is wrong with either book, and what is set aside is what pledges and payments say."""
        for resident in (self.oakvale, self.riverside):
            node = resident.node

            def known(scheme: Any, node: Any = node) -> Any:
                return node.directory.state(scheme)

            checked = await node.store.read(check_books, node.scheme, known)
            assert [str(each) for each in checked.findings] == []


def pledging(
    act: Callable[[Pledging], Awaitable[None]],
    weather: Weather | None = None,
    seed: int = 0,
    approval: bool = True,
) -> None:
    content = drill(replace(TERMS, deposit=DEPOSIT, approval=approval))

    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(
            network, ["Oakvale", "Riverside", "Hilltop"], [("Oakvale", "Riverside"), ("Oakvale", "Hilltop")]
        )
        ana, zoe = [await new_member(town["Oakvale"], name) for name in ("Ana", "Zoe")]
        karim, ben = [await new_member(town["Riverside"], name) for name in ("Karim", "Ben")]
        owned = await town["Riverside"].node.market.post(karim.no, content)
        await until(town, lambda: converged(town), 600, "feeds")
        await act(Pledging(town, ana, zoe, karim, ben, owned.listing.key, content))
        await town.close()

    run_virtual(scenario, seed, weather or Weather())


@pytest.mark.parametrize("seed", range(2))
def test_a_deposit_is_held_told_and_kept_through_foul_weather_and_crashes(seed: int) -> None:
    async def act(it: Pledging) -> None:
        await it.ask(it.ana, it.days(0, 1))
        assert await it.held() == (0, 0), "nothing before a yes"
        await it.until_lent(S.ASKED)
        booking = await it.owner(E.AGREE)
        assert (booking.deposit, booking.deposit_state) == (DEPOSIT, D.NONE)
        await it.oakvale.crash()
        await it.oakvale.boot()
        await it.stands_at(P.HELD)
        assert await it.held() == (ASIDE, 0)
        await it.riverside.crash()
        await it.riverside.boot()
        await it.his_at(D.HELD)
        await it.right()
        await it.owner(E.HAND_OVER)
        await it.take_back(keep=200)
        await it.oakvale.crash()
        await pause(30)
        await it.oakvale.boot()
        pledged = await it.stands_at(P.ASKED)
        assert (pledged.keep, await it.held()) == (200, (ASIDE, 0))
        await it.right()
        for _ in range(2):
            await it.oakvale.node.pledges.agree(pledged.no, it.ana)
        await it.oakvale.crash()
        await it.oakvale.boot()
        await it.stands_at(P.KEPT)
        await it.his_at(D.KEPT)
        held, has = await it.held()
        assert (held, has, await it.gets()) == (0, -200, 200)
        await it.right()
        for resident in (it.oakvale, it.riverside):
            check_nothing_left(await resident.node.store.read(take_snapshot, resident.scheme))

    pledging(act, weather=Weather(loss=0.05, duplicate=0.1, reorder=0.1), seed=seed)


def test_a_borrower_who_cannot_cover_it_any_more_gives_the_time_back() -> None:
    """Rule 7.8: there is no yes where it cannot be held; who could not cover it from the start does not ask."""

    async def act(it: Pledging) -> None:
        accounts = it.oakvale.node.books
        with pytest.raises(CannotRequest) as no:
            await it.ask(it.ana, it.days(0, 1), aside=10**9)
        assert no.value.why is Why.DEPOSIT
        await it.ask(it.ana, it.days(0, 1))
        await it.until_lent(S.ASKED)
        spendable = (await it.oakvale.node.store.read(load, it.ana.account_no)).value.spendable
        other = spendable - ASIDE + 1
        await it.oakvale.node.store.write(accounts.hold, it.ana.account_no, other)
        await it.owner(E.AGREE)
        await it.until_lent(S.CANCELLED)
        await it.sees(it.ana, Stands.TAKEN_BACK)
        assert (await it.pledge()).state is P.VOID
        assert await it.held() == (other, 0)
        await it.oakvale.node.store.write(accounts.drop_hold, it.ana.account_no, other)
        await it.right()

    pledging(act)


def test_called_off_by_either_side_it_is_free_again_once() -> None:
    async def act(it: Pledging) -> None:
        await it.ask(it.ana, it.days(1, 1))
        await it.stands_at(P.HELD)
        await it.says(it.ana, Wants.TAKE_BACK)
        assert await it.held() == (ASIDE, 0), "not before the other side knows"
        await it.stands_at(P.FREED)
        await it.his_at(D.FREED)
        assert await it.held() == (0, 0)
        await it.ask(it.ana, it.days(3, 3))
        await it.stands_at(P.HELD)
        await it.his_at(D.HELD)
        await it.riverside.node.store.write(it.riverside.node._leave, it.karim)
        await it.stands_at(P.FREED)
        assert await it.held() == (0, 0)
        await it.right()

    pledging(act, approval=False)


def test_what_is_handed_over_before_it_is_held_is_the_owners_risk_until_it_is() -> None:
    """Rule 7.8: `held` counts whenever it is read while the booking takes its time; what was not held is not kept."""

    async def act(it: Pledging) -> None:
        await it.ask(it.ana, it.days(0, 1))
        await it.until_lent(S.ASKED)
        await it.oakvale.crash()
        await it.owner(E.AGREE)
        await it.owner(E.HAND_OVER)
        with pytest.raises(CannotBook) as no:
            await it.take_back(keep=100)
        assert no.value.why is WhyNot.OTHERWISE, "nothing is held"
        await it.oakvale.boot()
        booking = await it.his_at(D.HELD)
        assert booking.state is S.HANDED_OVER
        await it.take_back()
        await it.stands_at(P.FREED)
        assert await it.held() == (0, 0)
        await it.right()

    pledging(act)


def test_a_payment_that_comes_to_nothing_gives_the_hold_back_and_is_tried_again() -> None:
    """Rule 7.8: paid out of the hold, also below a limit lowered since; late or failed, all of it stays set aside."""

    async def act(it: Pledging) -> None:
        await it.asked_for(200)
        no = (await it.pledge()).no
        node = it.oakvale.node
        with pytest.raises(LookupError):
            await node.pledges.agree(no, it.zoe)
        words = OPERATOR.words("lowered")
        await node.store.write(lambda tx: node.books.set_limits(tx, it.ana.account_no, 0, None, words))
        await it.riverside.crash()
        await node.pledges.agree(no, it.ana)
        assert await node.pledges.pay(no) is None
        stuck = await it.pledge()
        assert (stuck.state, stuck.hindered, await it.held()) == (P.DUE, "no-way", (ASIDE, 0))
        await it.riverside.boot()

        async def begun() -> bool:
            return await node.pledges.pay(no) is not None

        # The payee's node refuses the first lock: the account may be closed, or the quote too old.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("node.services.payee_desk.PayeeDesk._can_be_credited", lambda *_: False)
            await until(it.town, begun, 2000, "a payment")
            await it.stands_at(P.DUE)
        again = await it.pledge()
        assert (again.tries, again.paying, await it.held()) == (1, 0, (ASIDE, 0))
        await it.right()
        await it.stands_at(P.KEPT)
        await it.his_at(D.KEPT)
        assert (await it.held(), await it.gets()) == ((0, -200), 200)
        await it.right()

    pledging(act)


def test_let_go_after_the_yes_nothing_is_paid() -> None:
    async def act(it: Pledging) -> None:
        await it.asked_for(DEPOSIT)
        no = (await it.pledge()).no
        await it.lets_go()
        await it.oakvale.node.pledges.agree(no, it.ana)  # the two cross each other
        await it.stands_at(P.FREED)
        assert await it.oakvale.node.pledges.pay(no) is None
        with pytest.raises(CannotPledge):
            await it.oakvale.node.pledges.agree(no, it.ana)
        assert (await it.held(), await it.gets()) == ((0, 0), 0)
        await it.right()

    pledging(act)


def test_only_a_payment_that_names_it_keeps_it() -> None:
    """Rule 7.8: between the same two, of the same amount, may go another payment."""

    async def act(it: Pledging) -> None:
        await it.asked_for(200)
        request, node = await it.mine(it.ana), it.riverside.node
        handle = await node.store.read(it._anas_handle)
        paid = (it.karim.account_no, it.oakvale.scheme, handle, 200)
        for wrong in (
            (*paid, "Drill"), (*paid[:3], 199, reference_of(request.id)), (*paid[:2], Handle(bytes(16)), 200, reference_of(request.id)),
            (it.ben.account_no, *paid[1:], reference_of(request.id)), (paid[0], node.scheme, *paid[2:], reference_of(request.id)),
        ):  # fmt: skip
            await node.store.write(deposit_paid, *wrong, 1)
            assert (await it.lent())[0].deposit_state is D.ASKED, wrong
        await node.store.write(deposit_paid, *paid, f"Deposit: Drill ({reference_of(request.id)})", 1)
        assert (await it.lent())[0].deposit_state is D.KEPT

    pledging(act)


def test_what_the_rates_have_made_dearer_than_the_hold_is_not_paid() -> None:
    """Rule 7.8: never more than what was read and set aside. Both units are minutes here, so 500 of theirs are more than our 480."""

    async def act(it: Pledging) -> None:
        await it.asked_for(DEPOSIT)
        no = (await it.pledge()).no
        await it.oakvale.node.pledges.agree(no, it.ana)
        assert await it.oakvale.node.pledges.pay(no) is None
        stuck = await it.pledge()
        assert (stuck.state, stuck.hindered, await it.held()) == (P.DUE, "too-little", (ASIDE, 0))
        await it.lets_go()
        await it.stands_at(P.FREED)
        await it.right()

    pledging(act)


def test_letters_of_the_owners_scheme_that_are_forged_late_or_doubled_move_nothing_they_must_not() -> None:
    async def act(it: Pledging) -> None:
        await it.ask(it.ana, it.days(0, 1))
        await it.until_lent(S.ASKED)
        await it.sees(it.ana, Stands.ASKED)
        said = DepositSaid(amount=DEPOSIT, word="none")
        for wrong in (
            {"from_handle": Handle(b"x" * 16)}, {"deposit": None}, {"deposit": replace(said, amount=DEPOSIT + 1)}, {"word": "asked"}, {"word": "waiting"},
            {"thread": b"x" * 16}, {"reference": b"x" * 16}, {"turn": 1},
        ):  # fmt: skip
            await it.answer(**{"deposit": said, **wrong})
            assert (await it.pledge()).state is P.NONE, wrong
        assert await it.answer(deposit=said, sender="Hilltop") == NOBODY, "she has no such name there"
        assert (await it.pledge()).state is P.NONE, "of a third scheme"
        for _ in range(2):
            await it.answer(deposit=said)
        assert (await it.pledge()).state is P.HELD
        assert await it.held() == (ASIDE, 0), "twice is once"
        await it.answer(word="done", deposit=replace(said, word="asked", keep=DEPOSIT))
        assert (await it.pledge()).state is P.ASKED
        for word in ("agreed", "asked", "declined"):
            await it.answer(word=word, deposit=said)
            assert (await it.pledge()).state is P.ASKED, "what was said for good stays so"
        await it.answer(word="done", deposit=replace(said, word="asked", keep=300))
        assert (await it.pledge()).keep == 300, "the newest question counts"
        assert await it.held() == (ASIDE, 0)
        for _ in range(2):
            await it.answer(word="done", deposit=replace(said, word="freed"))
        assert ((await it.pledge()).state, await it.held()) == (P.FREED, (0, 0))

    pledging(act)


def test_the_word_of_a_borrowers_scheme_counts_only_for_its_own_booking_in_its_time() -> None:
    async def act(it: Pledging) -> None:
        said, held = DepositSaid(amount=DEPOSIT, word="none"), DepositSaid(amount=DEPOSIT, word="held")
        for number, wrong in enumerate((None, replace(said, amount=DEPOSIT - 1))):
            name = bytes([number]) * 16
            await it.letter(deposit=wrong, reference=name, thread=name, from_handle=Handle(name))
        assert await it.lent() == [], "nobody agrees to a deposit that they have not read"
        assert await it.letter(deposit=held) == DELIVERED
        booking = (await it.lent())[0]
        assert (booking.state, booking.deposit_state) == (S.ASKED, D.NONE), "there is no yes yet"
        await it.letter(turn=2, deposit=held)
        assert (await it.lent())[0].deposit_state is D.NONE
        await it.owner(E.AGREE)
        for wrong in (
            {"turn": 2, "deposit": held}, {"turn": 3, "deposit": said}, {"turn": 4, "deposit": replace(held, amount=1)},
            {"turn": 5, "deposit": held, "thread": b"x" * 16}, {"turn": 5, "deposit": held, "reference": b"y" * 16},
        ):  # fmt: skip
            await it.letter(**wrong)
            assert (await it.lent())[-1].deposit_state is D.NONE, wrong
        await it.letter(turn=6, deposit=held)
        assert (await it.lent())[-1].deposit_state is D.HELD
        await it.letter(turn=7, deposit=said)
        assert (await it.lent())[-1].deposit_state is D.HELD, "a hold is not unsaid"

    pledging(act)
