"""What members do with each other, from the first word to the last: one story for each kind of doing.

A story knows what every one of its people knows, and does what a page would do for them. Where the product says an honest
no, the story is over; whatever else is raised breaks the month.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from babel.dates import LOCALTZ

from node.app import Node
from node.services.acts import Hand
from node.services.asks import NewAsk
from node.services.bookings import Booking, NewBooking, whole_price
from node.services.circle_rows import circle_by_key
from node.services.event_rows import event_by_key, guests_of
from node.services.gift_rows import Pickup, wishes_for
from node.services.help_rows import NewRequest
from node.services.helper_checks import NewCheck
from node.services.loans import NewLoan
from node.services.members import Member
from node.services.quotes import NoOffer
from node.services.standing import NewStanding
from node.services.swaps import NewSwap
from node.services.trades import NewTrade
from node.store import ReadTx
from node.wall import wall_hour
from protocol.booking import BookingEvent, BookingTerms, Period
from protocol.circle import Act, Door
from protocol.deposit import DepositEvent
from protocol.event import Kind, Pays
from protocol.event import Plan as EventPlan
from protocol.helping import HelpEvent
from protocol.limits import DAY_MS, HOUR_MS
from protocol.market import AskingPrice, Listing
from protocol.names import ItemKey
from protocol.proposal import Motion, Voters
from protocol.quote import QuoteRequest
from protocol.standing import Every, Standing
from protocol.swap import Side, Terms

if TYPE_CHECKING:
    from tests.month.life import Doing, Home, Life

FREE: Final = AskingPrice(amount=0, per="free")
AGREE: Final = AskingPrice(amount=0, per="agree")
THINGS: Final = (
    "Drill",
    "Plum jam",
    "Bike repair",
    "Haircut",
    "Ladder",
    "Piano lesson",
    "Sewing",
    "Bread",
    "Van",
    "Tent",
)


def listing_of(life: Life, kind: str, price: AskingPrice, **more: object) -> Listing:
    title = f"{life.random.choice(THINGS)} {life.forms}"
    return Listing(
        kind=kind, title=title, text="As seen", category="food", language="en", price=price, **more
    )  # type: ignore[arg-type]


async def post(life: Life, home: Home, owner: Member, content: Listing) -> ItemKey:
    owned = await home.do(lambda node: node.market.post(owner.no, content))
    return owned.listing.key


def _trade(life: Life, home: Home, payer: Member, payee: Member, text: str) -> NewTrade:
    return NewTrade(
        payer_no=payer.account_no, payee_no=payee.account_no, amount=life.some(home), text=text, entered_by=payer.name,
        proved_by="pin", once=life.once(), payer_name=payer.name, payee_name=payee.name,
    )  # fmt: skip


# --- recording and asking ---------------------------------------------------------------------------------------


async def trade(life: Life) -> None:
    """Something happened, and its payer records it; the form may be sent twice."""
    home = life.home()
    payer, payee = life.two(home)
    new = _trade(life, home, payer, payee, f"Trade {life.forms}")
    first = await home.do(lambda node: node.trades.record(new))
    if life.random.random() < 0.3:
        again = await home.do(lambda node: node.trades.record(new))
        assert again.no == first.no, "one form records one trade"


async def ask(life: Life) -> None:
    """Somebody asks to be paid, and the other says yes the day after."""
    home = life.home()
    payee, payer = life.two(home)
    new, once = NewAsk(payee=payee, payer=payer, amount=life.some(home), text="As agreed"), life.once()
    (asked,) = await home.do(lambda node: node.asks.ask([new], once))
    await life.later(1, 40)
    hand = Hand(entered_by=payer.name, proved_by="pin")
    await home.do(lambda node: node.asks.pay(asked.no, payer, payee, hand=hand))


async def across(life: Life) -> None:
    """A member buys what somebody of another scheme offers, found by gossip."""
    home, there = life.random.sample(life.homes, 2)
    buyer, seller = life.random.choice(home.people), life.random.choice(there.people)
    price = life.some(there, 1.0)
    key = await post(life, there, seller, listing_of(life, "offer", AskingPrice(amount=price, per="item")))
    while await home.do(lambda node: node.market.listing(there.scheme, key)) is None:
        await life.later(0.1, 1)  # it has not been heard of yet
    handle = await home.do(lambda node: node.quotes.handle_of(there.scheme, buyer.account_no))
    request = QuoteRequest(
        listing=key, payee_handle=None, payer_handle=handle, payer_name=buyer.public_name, amount=price, price_seen=price,
        text="Bought",
    )  # fmt: skip
    for _ in range(30):
        found = await home.do(lambda node: node.quotes.ask(there.scheme, request))
        if not isinstance(found, NoOffer):
            break
        life.refused[f"across: {found.reason}"] += 1
        await life.later(0.2, 4)  # as who reads "try again later"
    else:
        return
    once, offer = life.once(), found
    begun = await home.do(
        lambda node: node.settlement.pay(offer, account_no=buyer.account_no, entered_by=buyer.name, once=once)
    )
    no = begun.no
    while True:
        payment = await home.do(lambda node: node.settlement.wait(no, 600))
        if payment.ended:
            return
        await life.later(0.02, 0.1)


async def standing(life: Life) -> None:
    """Somebody pays somebody every week, three times."""
    home = life.home()
    payer, payee = life.two(home)
    day = (await home.do(_day)).toordinal() + 1
    order = Standing(amount=life.some(home, 0.5), every=Every.WEEK, first=day, times=3)
    new = NewStanding(payer=payer, payee=payee, text="Every week", standing=order, proved_by="pin")
    once = life.once()
    await home.do(lambda node: node.standing.begin(new, once))


async def loan(life: Life) -> None:
    """Somebody lends somebody units, who pays them back by the week, or all at once."""
    home = life.home()
    lender, borrower = life.two(home)
    amount = 4 * life.some(home, 0.5)
    new = NewLoan(
        lender=lender, borrower=borrower, amount=amount, part=-(-amount // 2), every=Every.WEEK, text="Until later",
        first=(await home.do(_day)).toordinal() + 7, proved_by="pin",
    )  # fmt: skip
    offered, paid = life.once(), life.once()
    lent = await home.do(lambda node: node.loans.offer(new, offered))
    await life.later(1, 20)
    await home.do(lambda node: node.loans.agree(lent.no, borrower, proved_by="pin"))
    if life.random.random() < 0.5:
        await life.later(10, 100)
        await home.do(lambda node: node.loans.repay(lent.no, borrower, amount, paid, proved_by="pin"))


# --- things -----------------------------------------------------------------------------------------------------


async def lend(life: Life) -> None:
    """A thing is booked for days, with something set aside; handed over, brought back, sometimes late or damaged."""
    home = life.home()
    owner, borrower = life.two(home)
    deposit = life.some(home, 1.0) if life.random.random() < 0.7 else 0
    terms = BookingTerms(step="day", longest=7, deposit=deposit)
    content = listing_of(life, "lend", FREE, terms=terms)
    key = await post(life, home, owner, content)
    hour = await home.do(hour_at)
    start = (hour // 24 + life.random.randint(1, 4)) * 24
    booking = await _book(
        life, home, borrower, key, content, Period(start, start + 24 * life.random.randint(1, 3))
    )
    if life.random.random() < 0.3:  # another asks for the same time, and stands in line
        third = life.random.choice([each for each in home.people if each not in (owner, borrower)])
        await life.later(0.1, 1)
        await _book(life, home, third, key, content, booking.period)
    await life.later(1, 20)
    await act_on(life, home, booking, BookingEvent.AGREE, owner)
    if life.random.random() < 0.1:
        await act_on(life, home, booking, BookingEvent.CANCEL, borrower)
        return
    await until_hour(life, home, start)
    await act_on(life, home, booking, BookingEvent.HAND_OVER, life.random.choice([owner, borrower]))
    await life.later(12, 100)
    if life.random.random() < 0.7:
        await act_on(life, home, booking, BookingEvent.BRING_BACK, borrower)
        await life.later(1, 30)
    keep = life.random.randint(1, deposit) if deposit and life.random.random() < 0.4 else 0
    once = life.once()
    await home.do(
        lambda node: node.bookings.act(
            booking.no, BookingEvent.TAKE_BACK, owner.account_no, words="", keep=keep, once=once
        )
    )
    if keep:
        await life.later(1, 60)
        event, who = life.random.choice([(DepositEvent.KEEP, borrower), (DepositEvent.FREE, owner)])
        settled = life.once()
        await home.do(
            lambda node: node.bookings.settle(booking.no, event, who, proved_by="pin", once=settled)
        )


async def rent(life: Life) -> None:
    """A room by the hour, without asking; a guest for two nights, who is asked first."""
    home = life.home()
    owner, guest = life.two(home)
    nights = life.random.random() < 0.5
    kind, step, per = ("stay", "night", "night") if nights else ("rent", "hour", "hour")
    terms = BookingTerms(step=step, longest=5, approval=nights, guests=2 if nights else 0)
    content = listing_of(life, kind, AskingPrice(amount=life.some(home, 0.5), per=per), terms=terms)
    key = await post(life, home, owner, content)
    hour = await home.do(hour_at)
    begins = 12 if nights else 10
    start = (hour // 24 + 2) * 24 + begins
    length = 48 if nights else 3
    booking = await _book(life, home, guest, key, content, Period(start, start + length), 2 if nights else 0)
    await life.later(1, 10)
    if nights:
        await act_on(life, home, booking, BookingEvent.AGREE, owner)
    await until_hour(life, home, start)
    await act_on(life, home, booking, BookingEvent.HAND_OVER, owner)
    await life.later(length, length + 20)
    await act_on(life, home, booking, BookingEvent.TAKE_BACK, owner)


async def hour_at(node: Node) -> int:
    return wall_hour(node.clock.now_ms(), LOCALTZ)


async def _book(
    life: Life, home: Home, who: Member, key: ItemKey, content: Listing, period: Period, guests: int = 0
) -> Booking:
    assert content.terms is not None
    new = NewBooking(
        key=key, period=period, guests=guests, text="Please", terms=content.terms, price=whole_price(content, period),
        in_line=True,
    )  # fmt: skip
    once = life.once()
    return await home.do(lambda node: node.bookings.ask(new, who, once))


async def act_on(life: Life, home: Home, booking: Booking, event: BookingEvent, who: Member) -> None:
    once = life.once()
    await home.do(lambda node: node.bookings.act(booking.no, event, who.account_no, words="", once=once))


async def until_hour(life: Life, home: Home, hour: int) -> None:
    while await home.do(hour_at) < hour:
        await life.later(0.5, 1)


async def gift(life: Life) -> None:
    """A thing is given away: two would like it, one gets it and collects it."""
    home = life.home()
    giver, *takers = life.random.sample(home.people, 3)
    key = await post(life, home, giver, listing_of(life, "gift", FREE))
    for taker in takers:
        await life.later(0.5, 5)
        await home.do(lambda node, who=taker: node.gifts.wish(who, key, "I would like it"))  # type: ignore[misc]
    await life.later(1, 20)
    wishes = await home.do(lambda node: node.store.read(wishes_for, key))
    chosen = next(each for each in wishes if each.taker_no == takers[-1].account_no)
    await home.do(lambda node: node.gifts.promise(giver, key, chosen.no, Pickup(said="Saturday")))
    if life.random.random() < 0.2:
        await home.do(lambda node: node.gifts.unpromise(giver, key))
        await home.do(lambda node: node.gifts.promise(giver, key, wishes[0].no, Pickup()))
    await life.later(5, 50)
    await home.do(lambda node: node.gifts.collected(giver, key))


async def swap(life: Life) -> None:
    """Two things change hands, and one of the two adds a little."""
    home = life.home()
    asker, owner = life.two(home)
    key = await post(life, home, owner, listing_of(life, "offer", AGREE))
    side = life.random.choice([None, *Side])
    terms = Terms(given="Plum jam", amount=0 if side is None else life.some(home, 0.5), payer=side)
    once = life.once()
    made = await home.do(lambda node: node.swaps.propose(asker, NewSwap(key=key, terms=terms), once))
    await life.later(1, 20)
    if life.random.random() < 0.3:
        other = replace(terms, given="Plum jam and bread")
        made = await home.do(lambda node: node.swaps.counter(made.no, owner, 1, other, ""))
        await home.do(lambda node: node.swaps.accept(made.no, asker, 2))
    else:
        await home.do(lambda node: node.swaps.accept(made.no, owner, 1))
    await life.later(5, 50)
    for who in (owner, asker):
        await home.do(lambda node, who=who: node.swaps.happened(made.no, who, proved_by="pin"))  # type: ignore[misc]
        await life.later(0, 10)


# --- together ---------------------------------------------------------------------------------------------------


async def event(life: Life) -> None:
    """People meet, or share a lift; there are few places; afterwards who was there gives or gets units."""
    home = life.home()
    host, *guests = life.random.sample(home.people, min(6, len(home.people)))
    kind, pays = life.random.choice(
        [
            (Kind.WORK, Pays.HOST), (Kind.TALK, Pays.GUESTS), (Kind.SOCIAL, Pays.NOBODY), (Kind.LIFT, Pays.SHARED),
            (Kind.LIFT, Pays.GUESTS),
        ]
    )  # fmt: skip
    now = await home.do(now_at)
    starts = now + life.random.randint(2, 5) * DAY_MS
    plan = EventPlan(
        kind=kind, title=f"{kind.value.capitalize()} {life.forms}", text="", where="Hall", starts=starts, ends=starts + 2 * HOUR_MS,
        capacity=3, pays=pays, amount=0 if pays is Pays.NOBODY else life.some(home, 0.5),
    )  # fmt: skip
    once = life.once()
    hosted = await home.do(lambda node: node.events.post(host, [plan], once))
    for guest in guests:
        await life.later(0.1, 6)
        await home.do(lambda node, who=guest: node.events.answer(hosted.key, who, True))  # type: ignore[misc]
    await home.do(lambda node: node.events.answer(hosted.key, guests[0], False))
    if life.random.random() < 0.1:
        await home.do(lambda node: node.events.cancel(hosted.key, host.acts("pin"), "Rain"))
        return
    while await home.do(now_at) < plan.ends:
        await life.later(1, 3)
    if pays is Pays.NOBODY:
        return
    there = await home.do(lambda node: node.store.read(coming, hosted.key))
    await home.do(lambda node: node.event_settling.settle(hosted.key, host, "pin", there))


def coming(tx: ReadTx, key: ItemKey) -> list[int]:
    found = event_by_key(tx, key)
    return [] if found is None else [each.who for each in guests_of(tx, found).coming]


async def now_at(node: Node) -> int:
    return node.clock.now_ms()


async def group(life: Life) -> None:
    """A group begins, people come in, something is put to the vote, and the votes are counted by the clock."""
    home = life.home()
    keeper, *others = life.random.sample(home.people, min(5, len(home.people)))
    once, put = life.once(), life.once()
    name = f"Group {life.forms}"
    key = await home.do(lambda node: node.circles.start(keeper, name, "Together", Door.OPEN, once))
    for each in others:
        await life.later(0.5, 5)
        await home.do(lambda node, who=each: node.circles.act(key, Act.JOIN, who, who.no))  # type: ignore[misc]
    known = await home.do(lambda node: node.store.read(circle_by_key, key))
    assert known is not None
    motion = Motion(
        voters=Voters.GROUP,
        secret=life.random.random() < 0.5,
        quorum=2,
        closes=await home.do(now_at) + 5 * DAY_MS,
    )
    proposal = await home.do(
        lambda node: node.proposals.put(keeper, known.no, "A shared oven", "What do you say?", motion, put)
    )
    for each in others:
        await life.later(1, 20)
        choice = life.random.choice(["yes", "no"])
        await home.do(lambda node, who=each, said=choice: node.proposals.vote(proposal, who, said))  # type: ignore[misc]
    await home.do(lambda node: node.circles.act(key, Act.LEAVE, others[0], others[0].no))


async def care(life: Life) -> None:
    """Somebody asks for help in private; an organiser asks a checked helper, who comes."""
    home = life.home()
    asker, helper = life.two(home)
    rosa = home.organiser.acts("pin")
    today = await home.do(_day)
    for what in ("Identity seen", "References asked"):
        check = NewCheck(member_no=helper.no, what=what, checked=today, until=today + timedelta(days=200))
        await home.do(lambda node, new=check: node.helpers.record(rosa, new))  # type: ignore[misc]
    once = life.once()
    new = NewRequest(what="Shopping", when="Friday", place="At home", category="care")
    request = await home.do(lambda node: node.helping.ask(asker, new, once))
    await life.later(1, 20)
    await home.do(lambda node: node.helping.bring(rosa, request.no, helper.no))
    await life.later(1, 20)
    if life.random.random() < 0.2:
        await home.do(lambda node: node.helping.answer(helper, request.no, HelpEvent.SAY_NO))
        await home.do(lambda node: node.helping.close(rosa, request.no, "Nobody has time"))
        return
    await home.do(lambda node: node.helping.answer(helper, request.no, HelpEvent.SAY_YES))
    await life.later(5, 50)
    await home.do(lambda node: node.helping.done(asker, request.no))


async def _day(node: Node) -> date:
    return node.helpers.today()


async def complaint(life: Life) -> None:
    """A trade was recorded wrongly; an organiser takes it back."""
    home = life.home()
    payer, payee = life.two(home)
    new = _trade(life, home, payer, payee, f"Wrong {life.forms}")
    wrong = await home.do(lambda node: node.trades.record(new))
    await life.later(1, 30)
    once = life.once()
    await home.do(
        lambda node: node.trades.correct(
            wrong.no, organiser="Rosa", on_behalf_of=payer.name, reason="It did not happen", once=once
        )
    )


# How often each happens beside the others.
DOINGS: Final[dict[str, tuple[Doing, int]]] = {
    "trade": (trade, 8), "ask": (ask, 3), "across": (across, 6), "standing": (standing, 1), "loan": (loan, 2), "lend": (lend, 4),
    "rent": (rent, 3), "gift": (gift, 3), "swap": (swap, 2), "event": (event, 3), "group": (group, 1), "care": (care, 1),
    "complaint": (complaint, 1),
}  # fmt: skip
