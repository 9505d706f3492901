"""Swaps with members of other schemes: they ask by letter, the owner says yes, no or proposes else, and both say that it happened.

What may be done is decided in `protocol/swap.py`; how it stands is in the request that asked. Nothing moves by it: what one of
the two adds is asked for when both have said so, and paid by its payer's own yes. Source: docs/protocol.md 5.14, 7.10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import structlog

from node.clock import Chance, Clock
from node.mail.texts import words_of
from node.services.ask_rows import CannotAsk
from node.services.asks import ONCE_BYTES
from node.services.asks_abroad import AsksAbroad, NewAskAbroad
from node.services.members import Member, member_by_account
from node.services.own_listings import find_own
from node.services.request_rows import (
    Offered,
    Request,
    Role,
    find_in,
    handle_of,
    note_confirmed,
    request_by_no,
    requests_about,
    requests_before,
    requests_in,
)
from node.services.request_words import SWAP, asked_line, lines_of
from node.services.requests_abroad import RequestsAbroad, Standing
from node.services.settings import Settings
from node.services.swap_abroad_rows import note_said_first, note_terms
from node.services.swap_words import News, memo_words, swap_news, swap_title
from node.services.swaps import CannotSwap, Why, can_be_swapped
from node.services.telling import Telling
from node.store import ReadTx, Store, Tx
from node.web.words import Words
from protocol.beyond import FINAL, Stands, Wants
from protocol.errors import OutOfOrder
from protocol.limits import SWAP_VALID_MS
from protocol.listing import State
from protocol.names import ItemKey
from protocol.swap import (
    Accepted,
    CalledOff,
    Countered,
    Declined,
    Gone,
    Happened,
    Lapsed,
    Left,
    Side,
    Swap,
    SwapEvent,
    SwapState,
    Terms,
    Withdrawn,
    swap_step,
)

_NEWS: Final[Mapping[type[SwapEvent], News]] = {
    Accepted: News.AGREED,
    Countered: News.COUNTERED,
    Declined: News.DECLINED,
}
log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

TakeDown = Callable[[Tx, ItemKey, Member], None]
PATH: Final = "/my/swaps/abroad"
_STATES: Final = {
    Stands.ASKED: SwapState.PROPOSED,
    Stands.COUNTERED: SwapState.PROPOSED,  # by the owner
    Stands.WAITING: SwapState.PROPOSED,  # nobody waits in line for a swap
    Stands.AGREED: SwapState.AGREED,
    Stands.DECLINED: SwapState.DECLINED,
    Stands.ENDED: SwapState.ENDED,
    Stands.TAKEN_BACK: SwapState.WITHDRAWN,
    Stands.DONE: SwapState.DONE,
}
_STANDS: Final = {
    SwapState.PROPOSED: Stands.ASKED,
    SwapState.AGREED: Stands.AGREED,
    SwapState.DONE: Stands.DONE,
    SwapState.DECLINED: Stands.DECLINED,
    SwapState.WITHDRAWN: Stands.TAKEN_BACK,
    SwapState.LAPSED: Stands.ENDED,
    SwapState.CALLED_OFF: Stands.ENDED,
    SwapState.ENDED: Stands.ENDED,
}


def swap_of(request: Request, happened: frozenset[Side]) -> Swap:
    """Return a request as a swap, of which those in `happened` said that it did."""
    by = Side.OWNER if request.stands is Stands.COUNTERED else Side.ASKER
    state = _STATES[request.stands or Stands.ASKED]
    return Swap(terms=terms_of(request.terms), by=by, turn=request.proposal, state=state, happened=happened)


def terms_of(offered: Offered) -> Terms:
    """Return terms as the machine reads them: above zero whoever asks adds something."""
    price = offered.price or 0
    payer = None if price == 0 else Side.ASKER if price > 0 else Side.OWNER
    return Terms(given=offered.given, given_key=offered.given_key, amount=abs(price), payer=payer)


def offered_of(terms: Terms) -> Offered:
    """Return terms as a request has them."""
    added = {None: None, Side.ASKER: terms.amount, Side.OWNER: -terms.amount}
    return Offered(terms.given, terms.given_key, added[terms.payer])


def stands_of(swap: Swap) -> Stands:
    """Return the word for how a swap stands."""
    if swap.state is SwapState.PROPOSED and swap.by is Side.OWNER:
        return Stands.COUNTERED
    return _STANDS[swap.state]


def said_by(request: Request) -> frozenset[Side]:
    """Return which of the two say that it happened; whoever asked only once it was agreed."""
    asker = request.wants is Wants.HAS_IT and request.stands in (Stands.AGREED, Stands.DONE)
    said = ((Side.ASKER, asker), (Side.OWNER, request.confirmed))
    return frozenset(side for side, yes in said if yes)


class SwapsAbroad:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, settings: Settings, telling: Telling, take_down: TakeDown,
        requests: Callable[[], RequestsAbroad], chance: Chance, asks: Callable[[], AsksAbroad],
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._settings: Final = settings
        self._telling: Final = telling
        self._take_down: Final = take_down
        self._chance: Final = chance
        self._asks: Final = asks
        self._requests: Final = requests

    # --- what comes ---------------------------------------------------------------------------------------------

    def hear(self, tx: Tx, request: Request) -> Standing:
        """Unit: do what somebody abroad proposes or says of a swap; the same again changes nothing."""
        if request.stands in FINAL and request.stands is not None:
            return Standing(stands=request.stands, lines=lines_of(request.said), about_no=request.no)
        if request.stands is None:
            return self._begin(tx, request)
        event, why = self._heard(request), self._cannot_go_on(tx, request)
        if event is None or (why and isinstance(event, (Accepted, Countered))):
            return self._standing(request, request.stands, confirmed=request.confirmed, said=why)
        owned = frozenset({Side.OWNER}) if request.confirmed else frozenset[Side]()
        try:
            after = swap_step(swap_of(request, owned), event)
        except OutOfOrder:  # it was not agreed
            return self._standing(request, request.stands, confirmed=request.confirmed)
        stands = Stands.TAKEN_BACK if request.wants is Wants.TAKE_BACK else stands_of(after)
        if isinstance(event, Countered):
            note_terms(tx, request.no, request.offered, self._clock.now_ms())
            request = request_by_no(tx, request.no, Role.IN)
        self._tell_owner(tx, request, _NEWS.get(type(event)))
        if stands is Stands.DONE:
            self._ask(tx, request)
        return self._standing(request, stands, confirmed=request.confirmed)

    def _heard(self, request: Request) -> SwapEvent | None:
        match request.wants:
            case Wants.TAKE_BACK if request.stands is Stands.AGREED:
                return CalledOff(side=Side.ASKER)
            case Wants.TAKE_BACK if request.stands is Stands.COUNTERED:
                return Declined(side=Side.ASKER)
            case Wants.ASK if request.stands is Stands.COUNTERED:
                return _answered(request)
            case Wants.TAKE_BACK:
                return Withdrawn(side=Side.ASKER)
            case Wants.HAS_IT:
                return Happened(side=Side.ASKER)
            case _:
                return None

    def _cannot_go_on(self, tx: ReadTx, request: Request) -> str:
        """Return why the owner's proposal can be answered by nothing but a no now; "" where it can."""
        if request.stands is not Stands.COUNTERED:
            return ""
        return self._gone(tx, request) or self._no_amount(request.offered.price)

    def _begin(self, tx: Tx, request: Request) -> Standing:
        if request.wants is not Wants.ASK:
            return Standing(stands=Stands.TAKEN_BACK, about_no=request.no)
        line = self._refusal(tx, request)
        if line:
            return Standing(stands=Stands.DECLINED, lines=(line,), about_no=request.no)
        self._tell_owner(tx, request)
        return Standing(stands=Stands.ASKED, about_no=request.no)

    def _refusal(self, tx: ReadTx, request: Request) -> str:
        """Return why a swap cannot be proposed; "" where it can."""
        _, no = self._words().gettext, self._gone(tx, request) or self._no_amount(request.price)
        if no:
            return no
        handle = handle_of(tx, request)
        for other in requests_about(tx, SWAP, request.key):
            if other.scheme == request.scheme and handle_of(tx, other) == handle:
                return _("You proposed a swap for this already.")
        return ""

    def _gone(self, tx: ReadTx, request: Request) -> str:
        owned, owner = find_own(tx, request.key), member_by_account(tx, request.account_no)
        there = owned is not None and owned.listing.shared and can_be_swapped(owned, self._clock.now_ms())
        if there and owner is not None and owner.may_trade:
            return ""
        return self._words().gettext("One of the two things is not there any more.")

    def _no_amount(self, price: int | None) -> str:
        if not price or self._settings.now.asks_abroad:
            return ""
        return self._words().gettext(
            "Members here and in other schemes cannot ask each other to be paid, so nothing can be added."
        )

    # --- the owner ----------------------------------------------------------------------------------------------

    async def accept(self, no: int, member: Member, turn: int) -> None:
        """Say yes to the proposal number `turn`; nothing moves by it. Raises CannotSwap, LookupError."""
        await self._store.write(self._act, no, member, Accepted(side=Side.OWNER, turn=turn))

    async def counter(self, no: int, member: Member, turn: int, terms: Terms, said: str = "") -> None:
        """Answer the proposal number `turn` with another; the same once more changes nothing. Raises CannotSwap, LookupError."""
        event = Countered(side=Side.OWNER, turn=turn, terms=terms)
        await self._store.write(self._act, no, member, event, said=said)

    async def decline(self, no: int, member: Member) -> None:
        """Say no, or take one's own proposal back. Raises CannotSwap, LookupError."""
        await self._store.write(self._act, no, member, Declined(side=Side.OWNER))

    async def call_off(self, no: int, member: Member) -> None:
        """Say that what was agreed does not happen. Raises CannotSwap, LookupError."""
        await self._store.write(self._act, no, member, CalledOff(side=Side.OWNER))

    async def happened(self, no: int, member: Member, *, gone: bool = False) -> None:
        """Say that it happened; with `gone` what the member gave is taken off the lists. Raises CannotSwap, LookupError."""
        await self._store.write(self._act, no, member, Happened(side=Side.OWNER), gone)

    def _act(
        self, tx: Tx, no: int, member: Member, event: SwapEvent, gone: bool = False, said: str = ""
    ) -> None:
        request = swap_in(tx, no, member.account_no)
        if request is None:
            raise LookupError(f"swap {no}")
        if isinstance(event, Accepted) and (request.stands, request.proposal) == (Stands.AGREED, event.turn):
            return
        if isinstance(event, Countered) and self._is_said(request, event):
            return
        if isinstance(event, Declined) and request.stands is Stands.COUNTERED:
            event = Withdrawn(side=Side.OWNER)
        if isinstance(event, Happened) and request.confirmed:
            return
        if isinstance(event, (Accepted, Countered, Happened)) and not member.may_trade:
            raise CannotSwap(Why.NOT_NOW)
        owned = find_own(tx, request.key)
        if isinstance(event, (Accepted, Countered)) and (
            owned is None or owned.listing.state is State.REMOVED
        ):
            raise CannotSwap(Why.GONE)  # an organiser took it down
        if isinstance(event, Countered) and self._no_amount(event.terms.amount):
            raise CannotSwap(Why.NO_AMOUNT)
        if request.stands is Stands.ASKED and request.proposed_ms + SWAP_VALID_MS <= self._clock.now_ms():
            raise CannotSwap(Why.CHANGED)  # it ran out
        try:
            after = swap_step(swap_of(request, said_by(request)), event)
        except OutOfOrder:
            raise CannotSwap(Why.CHANGED) from None
        confirmed = isinstance(event, Happened)
        if confirmed:
            note_confirmed(tx, no)
        if isinstance(event, Countered):
            note_terms(tx, no, offered_of(event.terms), self._clock.now_ms())
        stands = Stands.ENDED if isinstance(event, Withdrawn) else stands_of(after)
        self._answer(tx, request, stands, confirmed=confirmed, said=said)
        if isinstance(event, Countered):
            note_said_first(tx, no)
        if after.state is SwapState.DONE:
            self._ask(tx, request)
        if gone:
            self._take_down(tx, request.key, member)

    def _is_said(self, request: Request, event: Countered) -> bool:
        """Tell whether exactly this is what the owner proposed last: the same button again."""
        same = request.stands is Stands.COUNTERED and request.proposal == event.turn + 1
        return same and terms_of(request.terms) == event.terms

    def _ask(self, tx: Tx, request: Request) -> None:
        """Ask whoever proposed it for what they add. Where that cannot be now, the owner can by hand, in the conversation."""
        owner = member_by_account(tx, request.account_no)
        if owner is None or request.thread_no is None or (request.price or 0) <= 0:
            return
        text = " ".join(memo_words(request.title, request.given, self._words()).split())
        new = NewAskAbroad(payee=owner, thread_no=request.thread_no, amount=request.price or 0, text=text)
        try:
            self._asks().ask_in(tx, new, self._chance.bytes(ONCE_BYTES))
        except CannotAsk as no:
            log.info("swap_not_asked_for", reason=no.why.value)

    # --- what ends by itself ------------------------------------------------------------------------------------

    def ended_in(self, tx: Tx, key: ItemKey) -> None:
        """Unit: a listing was withdrawn for good: what was proposed for it comes to nothing, what was agreed to stays."""
        for request in requests_about(tx, SWAP, key):
            self._end(tx, request, Gone())

    def leave_in(self, tx: Tx, member: Member) -> None:
        """Unit: end every swap of somebody who leaves."""
        for request in requests_in(tx, SWAP, member.account_no):
            if request.stands not in FINAL:
                self._end(tx, request, Left())

    async def look(self) -> int:
        """Tell those whom nobody has answered in time; a job. Return how many there were."""
        return await self._store.write(self._look)

    def _look(self, tx: Tx) -> int:
        late = requests_before(tx, SWAP, self._clock.now_ms() - SWAP_VALID_MS)
        for request in late:
            self._end(tx, request, Lapsed(), self._words().gettext("Nobody said yes or no in time."))
        return len(late)

    def _end(self, tx: Tx, request: Request, event: SwapEvent, said: str = "") -> None:
        before = swap_of(request, said_by(request))
        after = swap_step(before, event)
        if after != before:
            self._answer(tx, request, stands_of(after), said=said)

    # --- what all of it needs -----------------------------------------------------------------------------------

    def _answer(
        self, tx: Tx, request: Request, stands: Stands, *, confirmed: bool = False, said: str = ""
    ) -> None:
        standing = self._standing(request, stands, confirmed=confirmed or request.confirmed, said=said)
        self._requests().answer_in(tx, SWAP, standing)

    def _standing(self, request: Request, stands: Stands, *, confirmed: bool, said: str = "") -> Standing:
        if stands is Stands.AGREED and confirmed:
            said = self._words().gettext("The other side says that it happened. Please say so too.")
        return Standing(stands=stands, lines=(said,) if said else (), about_no=request.no)

    def _tell_owner(self, tx: Tx, request: Request, news: News | None = None) -> None:
        owner = member_by_account(tx, request.account_no)
        if owner is not None:
            words = words_of(self._settings.now, owner.language)
            line = asked_line(request, request.wants, words)
            if news is not None:
                line = swap_news(news, swap_title(request.title, request.given, words), words)[0]
            self._telling.told(tx, owner, (line,), f"{PATH}/{request.no}")

    def _words(self) -> Words:
        return words_of(self._settings.now, "")


def _answered(request: Request) -> SwapEvent | None:
    """Return what an `ask` is that answers the owner's proposal; None for one that has not read it. Source: 7.10."""
    if request.their_heard < request.proposed_turn or not request.offered.given:
        return None
    if request.offered == request.terms:
        return Accepted(side=Side.ASKER, turn=request.proposal)
    return Countered(side=Side.ASKER, turn=request.proposal, terms=terms_of(request.offered))


def swap_in(tx: ReadTx, no: int, account_no: int) -> Request | None:
    """Return what somebody abroad would like to swap with this account; None whoever else's it is."""
    found = find_in(tx, no, account_no)
    return found if found is not None and found.kind == SWAP else None
