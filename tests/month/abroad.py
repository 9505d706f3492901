"""What members do with people of other schemes, from the first letter to the last: gifts, swaps, bookings, events and lifts.

As in `doings.py`: an honest no ends a story, anything else breaks the month. What is said is waited for, for as long as letters
take while nodes are down; what never comes breaks it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.services.ask_rows import Ask, asks_waiting
from node.services.asks_abroad import NewAskAbroad
from node.services.booking_rows import Booking, bookings_of
from node.services.bookings import whole_price
from node.services.event_rows import event_by_key, guests_of
from node.services.events_near import near_event
from node.services.gift_rows import Pickup, wishes_for
from node.services.members import Member
from node.services.pledge_rows import Pledged, pledge_of
from node.services.quotes import NoOffer
from node.services.request_rows import Offered, Request, find_out, requests_in
from node.services.requests_abroad import NewRequest
from node.services.swaps_abroad import terms_of
from node.store import ReadTx
from protocol.beyond import FINAL, Seen, Stands, Wants
from protocol.booking import BookingEvent, BookingTerms, Period
from protocol.event import Guests, Kind, Pays, most_given
from protocol.event import Plan as EventPlan
from protocol.limits import DAY_MS, HOUR_MS
from protocol.market import AskingPrice, Listing
from protocol.names import Handle, ItemKey
from protocol.pledge import Pledge
from protocol.quote import QuoteRequest
from tests.month.doings import AGREE, FREE, act_on, coming, hour_at, listing_of, now_at, post, until_hour

if TYPE_CHECKING:
    from tests.month.life import Doing, Home, Life

# A letter is sent again until its node is up: that is hours. What was not heard after this never will be.
HEARD_WITHIN_H: Final = 14 * 24.0
LOOK_EVERY_H: Final = 0.5


async def _two_homes(life: Life) -> tuple[Home, Member, Home, Member]:
    """Return whoever asks and whoever has something, in two schemes."""
    home, there = life.random.sample(life.homes, 2)
    return home, life.random.choice(home.people), there, life.random.choice(there.people)


async def _found(life: Life, home: Home, there: Home, key: ItemKey) -> None:
    """Wait until a listing of another scheme is read here."""
    while await home.do(lambda node: node.market.listing(there.scheme, key)) is None:
        await life.later(0.1, 1)


async def _asks(life: Life, home: Home, who: Member, new: NewRequest) -> Request:
    request = await home.do(lambda node: node.requests.ask(who, new))
    assert request.account_no == who.account_no
    return request


async def _sees(life: Life, home: Home, request: Request, *wanted: Stands) -> Request:
    """Wait until one of these is heard of a request, or what ends it; return it as it stands then."""
    waited = 0.0
    while True:
        found = await home.do(lambda node: node.store.read(find_out, request.no, request.account_no))
        assert found is not None
        seen = found.mirror.seen
        if seen in wanted or seen in FINAL or seen is Seen.REFUSED:
            return found
        assert waited < HEARD_WITHIN_H, f"{request.kind} {request.no} of {home.name} is still {seen.value}"
        await life.later(LOOK_EVERY_H, LOOK_EVERY_H)
        waited += LOOK_EVERY_H


async def _says(home: Home, who: Member, request: Request, wants: Wants) -> None:
    await home.do(lambda node: node.requests.act(who, request.no, wants))


async def _theirs(life: Life, there: Home, owner: Member, request: Request) -> Request | None:
    """Wait until the owner reads of a request; None where it came to nothing before."""
    for _ in range(round(HEARD_WITHIN_H / LOOK_EVERY_H)):
        found = await there.do(lambda node: node.store.read(requests_in, request.kind, owner.account_no))
        mine = next((each for each in found if each.id == request.id), None)
        if mine is not None and mine.stands is not None:
            return mine if mine.stands not in FINAL else None
        await life.later(LOOK_EVERY_H, LOOK_EVERY_H)
    raise AssertionError(f"{request.kind} {request.no} never came")


# --- paying across ------------------------------------------------------------------------------------------------


async def _pay(
    life: Life, home: Home, payer: Member, there: Home, amount: int, text: str, *,
    key: ItemKey | None = None, handle: Handle | None = None, once: bytes | None = None,
) -> None:  # fmt: skip
    """Let a member pay somebody of another scheme, for a listing or to a handle; as often as "try again later" is read."""
    own = await home.do(lambda node: node.quotes.handle_of(there.scheme, payer.account_no))
    request = QuoteRequest(
        listing=key, payee_handle=handle, payer_handle=own, payer_name=payer.public_name, amount=amount, price_seen=None,
        text=text,
    )  # fmt: skip
    form = life.once() if once is None else once
    for _ in range(60):
        found = await home.do(lambda node: node.quotes.ask(there.scheme, request))
        if not isinstance(found, NoOffer):
            break
        life.refused[f"paying abroad: {found.reason}"] += 1
        await life.later(0.2, 4)
    else:
        return
    offer = found
    begun = await home.do(
        lambda node: node.settlement.pay(offer, account_no=payer.account_no, entered_by=payer.name, once=form)
    )
    while not (await home.do(lambda node: node.settlement.wait(begun.no, 600))).ended:
        await life.later(0.02, 0.1)


async def _pays_what_is_asked(life: Life, home: Home, payer: Member, there: Home, amount: int) -> None:
    """Wait for a request to pay so much, and say yes to it."""
    for _ in range(round(HEARD_WITHIN_H / LOOK_EVERY_H)):
        now = await home.do(now_at)
        waiting = await home.do(lambda node, now=now: node.store.read(asks_waiting, payer.account_no, now))  # type: ignore[misc]
        ask = next(
            (each for each in waiting if (each.other_scheme, each.amount) == (there.scheme, amount)), None
        )
        if ask is not None:
            ready: Ask = await home.do(lambda node, no=ask.no: node.asks_abroad.ready_to_pay(no, payer))  # type: ignore[misc]
            await _pay(
                life,
                home,
                payer,
                there,
                amount,
                ready.text,
                handle=ready.their_handle,
                once=ready.answer_once,
            )
            return
        await life.later(LOOK_EVERY_H, LOOK_EVERY_H)
    raise AssertionError(f"{payer.name} of {home.name} was never asked for {amount}")


# --- gifts and swaps ----------------------------------------------------------------------------------------------


async def gift_abroad(life: Life) -> None:
    """A thing is given away to somebody of another scheme; sometimes they need it no more."""
    home, taker, there, giver = await _two_homes(life)
    key = await post(life, there, giver, listing_of(life, "gift", FREE))
    await _found(life, home, there, key)
    new = NewRequest(
        scheme=there.scheme, key=key, kind="gift", title="Gift", owner_name=giver.name, wanted="Please"
    )
    request = await _asks(life, home, taker, new)
    await _theirs(life, there, giver, request)
    await life.later(1, 20)
    (wish,) = await there.do(lambda node: node.store.read(wishes_for, key))
    await there.do(lambda node: node.gifts.promise(giver, key, wish.no, Pickup(said="Sunday")))
    await _sees(life, home, request, Stands.AGREED)
    if life.random.random() < 0.3:
        await _says(home, taker, request, Wants.TAKE_BACK)
        assert (await _sees(life, home, request)).stands is Stands.TAKEN_BACK
        return
    await life.later(5, 40)
    await _says(home, taker, request, Wants.HAS_IT)
    assert (await _sees(life, home, request)).stands is Stands.DONE


async def swap_abroad(life: Life) -> None:
    """One thing for another across schemes, bargained for by both; then what one of the two adds is paid."""
    home, asker, there, owner = await _two_homes(life)
    key = await post(life, there, owner, listing_of(life, "offer", AGREE))
    await _found(life, home, there, key)
    price = life.random.choice([None, life.some(there, 0.3), -life.some(home, 0.3)])
    new = NewRequest(
        scheme=there.scheme, key=key, kind="swap", title="Swap", owner_name=owner.name, price=price, given="Plum jam"
    )  # fmt: skip
    request = await _asks(life, home, asker, new)
    asked = await _theirs(life, there, owner, request)
    if asked is None:
        return
    if life.random.random() < 0.6:
        await _bargain(life, home, asker, there, owner, request, asked, price)
    else:
        await there.do(lambda node: node.swaps_abroad.accept(asked.no, owner, 1))
    agreed = await _sees(life, home, request, Stands.AGREED)
    assert agreed.stands is Stands.AGREED
    await life.later(5, 40)
    await there.do(lambda node: node.swaps_abroad.happened(asked.no, owner))
    await _says(home, asker, request, Wants.HAS_IT)
    done = await _sees(life, home, request)
    assert done.stands is Stands.DONE
    if (done.price or 0) > 0:
        await _pays_what_is_asked(life, home, asker, there, done.price or 0)
    elif done.price and done.thread_no is not None:
        new_ask = NewAskAbroad(payee=asker, thread_no=done.thread_no, amount=-done.price, text="Swap")
        once = life.once()
        await home.do(lambda node: node.asks_abroad.ask(new_ask, once))
        await _pays_what_is_asked(life, there, owner, home, -done.price)


async def _bargain(
    life: Life, home: Home, asker: Member, there: Home, owner: Member, request: Request, asked: Request, price: int | None
) -> None:  # fmt: skip
    """Let the owner propose something else, and whoever asked say yes, or something else again."""
    other = terms_of(Offered("Plum jam and bread", None, price))
    await there.do(lambda node: node.swaps_abroad.counter(asked.no, owner, 1, other, "Rather"))
    seen = await _sees(life, home, request, Stands.COUNTERED)
    if life.random.random() < 0.5:
        await home.do(lambda node: node.swap_answers.accept(request.no, asker, seen.their_turn))
        return
    mine = Offered("Only jam", None, price)
    await home.do(lambda node: node.swap_answers.counter(request.no, asker, seen.their_turn, mine, ""))
    await _sees(life, home, request, Stands.ASKED)
    await there.do(lambda node: node.swaps_abroad.accept(asked.no, owner, 3))


# --- what is booked -----------------------------------------------------------------------------------------------


async def book_abroad(life: Life) -> None:
    """A thing is rented to somebody of another scheme, sometimes against a deposit, some of which may be kept; then it is paid."""
    home, borrower, there, owner = await _two_homes(life)
    deposit = life.some(there, 0.5) if life.random.random() < 0.5 else 0
    terms = BookingTerms(step="day", longest=5, approval=life.random.random() < 0.5, deposit=deposit)
    content = listing_of(life, "rent", AskingPrice(amount=life.some(there, 0.2), per="day"), terms=terms)
    key = await post(life, there, owner, content)
    await _found(life, home, there, key)
    start = (await there.do(hour_at) // 24 + 3) * 24
    request = await _asks(
        life, home, borrower, _booking(home, there, key, content, Period(start, start + 24))
    )
    if await _theirs(life, there, owner, request) is None:
        return
    (booking,) = await there.do(lambda node: node.store.read(_lent, owner.account_no, key))
    if terms.approval:
        await act_on(life, there, booking, BookingEvent.AGREE, owner)
    if (await _sees(life, home, request, Stands.AGREED)).stands is not Stands.AGREED:
        return
    if life.random.random() < 0.2:
        await _says(home, borrower, request, Wants.TAKE_BACK)
        assert (await _sees(life, home, request)).stands is Stands.TAKEN_BACK
        return
    await until_hour(life, there, start)
    await act_on(life, there, booking, BookingEvent.HAND_OVER, owner)
    await life.later(12, 24)
    if life.random.random() < 0.7:
        await _says(home, borrower, request, Wants.HAS_IT)
        await life.later(1, 10)
    await _takes_back(life, home, borrower, there, owner, request, booking, deposit)
    assert request.price is not None
    await _pay(life, home, borrower, there, request.price, "Rented", key=key)


def _booking(home: Home, there: Home, key: ItemKey, content: Listing, period: Period) -> NewRequest:
    assert content.terms is not None
    deposit = content.terms.deposit
    return NewRequest(
        scheme=there.scheme, key=key, kind="rent", title=content.title, owner_name="", start=period.start, end=period.end,
        price=whole_price(content, period), deposit=deposit, aside=-(-deposit * home.hour // there.hour) + bool(deposit),
    )  # fmt: skip


def _lent(tx: ReadTx, account_no: int, key: ItemKey) -> list[Booking]:
    return [each for each in bookings_of(tx, account_no)[0] if each.key == key]


async def _takes_back(
    life: Life, home: Home, borrower: Member, there: Home, owner: Member, request: Request, booking: Booking, deposit: int
) -> None:  # fmt: skip
    """Let the owner take it back, with or without something to keep; wait until nothing of the deposit is set aside."""
    keep = life.random.randint(1, deposit) if deposit and life.random.random() < 0.5 else 0
    once = life.once()
    await there.do(
        lambda node: node.bookings.act(
            booking.no, BookingEvent.TAKE_BACK, owner.account_no, words="", keep=keep, once=once
        )
    )
    assert (await _sees(life, home, request)).stands is Stands.DONE
    if not deposit:
        return
    if keep:
        await _pledge(life, home, request, Pledge.ASKED)
        await life.later(1, 30)
        await home.do(lambda node: node.pledges.agree(request.no, borrower))
    await _pledge(life, home, request, Pledge.KEPT if keep else Pledge.FREED)


async def _pledge(life: Life, home: Home, request: Request, wanted: Pledge) -> None:
    for _ in range(round(HEARD_WITHIN_H / LOOK_EVERY_H)):
        found: Pledged | None = await home.do(lambda node: node.store.read(pledge_of, request.no))
        if found is not None and found.state is wanted:
            return
        await life.later(LOOK_EVERY_H, LOOK_EVERY_H)
    raise AssertionError(f"the deposit of request {request.no} of {home.name} is not {wanted.value}")


# --- events and lifts ---------------------------------------------------------------------------------------------


async def meet_abroad(life: Life) -> None:
    """People of another scheme come to an event or ride along; afterwards who was there pays, or gets what it gives."""
    home, guest, there, host = await _two_homes(life)
    kind, pays = life.random.choice(
        [(Kind.TALK, Pays.GUESTS), (Kind.WORK, Pays.HOST), (Kind.LIFT, Pays.SHARED), (Kind.LIFT, Pays.NOBODY)]
    )
    lift = kind is Kind.LIFT
    starts = await there.do(now_at) + life.random.randint(3, 5) * DAY_MS
    plan = EventPlan(
        kind=kind, title=f"{kind.value.capitalize()} {life.forms}", text="", where="Hall", starts=starts,
        ends=starts + 2 * HOUR_MS, capacity=2, public=not lift, near=lift, approval=lift, pays=pays,
        amount=0 if pays is Pays.NOBODY else life.some(there, 0.3),
    )  # fmt: skip
    once = life.once()
    hosted = await there.do(lambda node: node.events.post(host, [plan], once))
    while (
        await home.do(lambda node: node.store.read(near_event, node.clock.now_ms(), there.scheme, hosted.key))
        is None
    ):
        await life.later(0.1, 0.5)
    new = NewRequest(
        scheme=there.scheme, key=hosted.key, kind="event", title=plan.title, owner_name=host.name,
        price=-plan.amount if pays is Pays.HOST else most_given(plan) or None,
    )  # fmt: skip
    request = await _asks(life, home, guest, new)
    near = life.random.choice([each for each in there.people if each is not host])
    await there.do(lambda node: node.events.answer(hosted.key, near, True))
    if await _theirs(life, there, host, request) is None:
        return
    if lift:
        for who in (await there.do(lambda node: node.store.read(_guests, hosted.key))).asked:
            await there.do(
                lambda node, who=who.who: node.events.admit(hosted.key, host.acts("pin"), who, True)
            )  # type: ignore[misc]
    assert (await _sees(life, home, request, Stands.AGREED)).stands is Stands.AGREED
    while await there.do(now_at) < plan.ends:
        await life.later(1, 3)
    if pays is Pays.NOBODY:
        await _sees(life, home, request)
        return
    came = await there.do(lambda node: node.store.read(coming, hosted.key))
    await there.do(lambda node: node.event_settling.settle(hosted.key, host, "pin", came))
    done = await _sees(life, home, request)
    assert done.stands is Stands.DONE
    share = plan.amount // (len(came) + 1) if pays is Pays.SHARED else plan.amount
    if pays is Pays.HOST and done.thread_no is not None:
        gets = plan.amount * home.hour // there.hour
        asked = NewAskAbroad(payee=guest, thread_no=done.thread_no, amount=max(1, gets), text=plan.title)
        form = life.once()
        await home.do(lambda node: node.asks_abroad.ask(asked, form))
        await _pays_what_is_asked(life, there, host, home, max(1, gets))
    else:
        await _pays_what_is_asked(life, home, guest, there, share)


def _guests(tx: ReadTx, key: ItemKey) -> Guests:
    hosted = event_by_key(tx, key)
    assert hosted is not None
    return guests_of(tx, hosted)


# How often each happens beside what members do at home.
ABROAD: Final[dict[str, tuple[Doing, int]]] = {
    "gift abroad": (gift_abroad, 2), "swap abroad": (swap_abroad, 3), "book abroad": (book_abroad, 3), "meet abroad": (meet_abroad, 3),
}  # fmt: skip
