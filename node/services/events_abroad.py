"""Members of other schemes at events and in lifts of ours: they ask by letter, and take places among our own.

A guest from abroad has no member number: in the table of guests they are minus the number of the request that first asked.
Source: docs/protocol.md 5.11, 7.10.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import tzinfo
from typing import Final

from sqlalchemy import bindparam, select, update

from node.clock import Chance, Clock
from node.mail.texts import words_of
from node.services.ask_rows import CannotAsk, Why
from node.services.asks import ONCE_BYTES
from node.services.asks_abroad import AsksAbroad, NewAskAbroad
from node.services.event_rows import Hosted, event_by_key, guests_of, shares_of
from node.services.event_telling import News
from node.services.events import Events
from node.services.members import Member
from node.services.request_past import past_events
from node.services.request_rows import Request, Role, request_about, seat_of
from node.services.request_words import EVENT
from node.services.requests_abroad import RequestsAbroad, Standing
from node.services.settings import SchemeSettings, Settings
from node.store import ReadTx, Store, Tx
from node.store.schema import events as events_schema
from node.store.schema import requests as schema
from node.web.amounts import spoken
from node.web.dates import clock, local, long_day
from node.web.units import unit_of
from protocol.beyond import Stands, Wants
from protocol.errors import OutOfOrder
from protocol.event import Answer, Guests, Kind, OwnEvent, Pays, Plan, State, most_given
from protocol.names import SchemeId

_R: Final = schema.request.c
_G: Final = events_schema.guest.c
_NAMES: Final = (
    select(_R.about_no, _R.their_name, _R.scheme)
    .where(
        _R.kind == EVENT, _R.role == Role.IN.value, _R.item_key == bindparam("key"), _R.about_no.is_not(None)
    )
    .order_by(_R.no)
)
_WAS_THERE: Final = (
    update(events_schema.guest)
    .where(_G.event_no == bindparam("which"), _G.who == bindparam("guest_no"))
    .values(share=bindparam("new_share"))
)
_STANDS: Final = {
    Answer.COMING: Stands.AGREED,
    Answer.WAITING: Stands.WAITING,
    Answer.ASKED: Stands.ASKED,
    Answer.DECLINED: Stands.DECLINED,
    Answer.NOT_COMING: Stands.TAKEN_BACK,
}
_WANTED: Final = (Answer.COMING, Answer.WAITING, Answer.ASKED)


def is_shared(plan: Plan, settings: SchemeSettings) -> bool:
    """Tell whether neighbours' members read of an event and may come. Source: 5.11."""
    if plan.inside or (plan.pays is not Pays.NOBODY and not settings.asks_abroad):
        return False
    if plan.kind is Kind.LIFT:
        return plan.near and settings.lifts_abroad
    return plan.public and settings.public_events


def names_abroad(tx: ReadTx, hosted: Hosted) -> Mapping[int, tuple[str, SchemeId]]:
    """Return how guests of other schemes are called, and whose members they are; by what they are among guests."""
    return {-no: (name, SchemeId(scheme)) for no, name, scheme in tx.all(_NAMES, key=hosted.key)}


class EventsAbroad:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, settings: Settings, zone: tzinfo, events: Events,
        requests: Callable[[], RequestsAbroad], asks: Callable[[], AsksAbroad],
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._settings: Final = settings
        self._zone: Final = zone
        self._events: Final = events
        self._requests: Final = requests
        self._asks: Final = asks

    def hear(self, tx: Tx, request: Request) -> Standing:
        """Unit: give somebody abroad a place, or let them wait, or take it back; the same again changes nothing."""
        hosted = event_by_key(tx, request.key)
        if hosted is None:
            return Standing(stands=Stands.ENDED, about_no=request.about_no)
        plan, open_ = hosted.event.plan, hosted.event.takes_answers(self._clock.now_ms())
        no = seat_of(tx, request)
        if no is None:
            if request.wants is not Wants.ASK:
                return Standing(stands=Stands.TAKEN_BACK)
            if not open_ or not is_shared(plan, self._settings.now):
                return Standing(stands=Stands.DECLINED)
            no = request.no
        if request.wants is not Wants.HAS_IT and open_:
            comes = request.wants is Wants.ASK
            if comes and guests_of(tx, hosted).answer_of(-no) not in _WANTED and not _fits(request, plan):
                line = words_of(self._settings.now, "").gettext(
                    "The price or the terms have just changed. Please look at them again."
                )
                return Standing(stands=Stands.DECLINED, lines=(line,), about_no=request.about_no)
            try:
                self._events.says_in(tx, hosted, -no, request.their_name or "?", comes)
            except OutOfOrder:
                # As many answered as there may be.
                return Standing(stands=Stands.DECLINED, about_no=request.about_no)
        return self._standing(tx, hosted, hosted.event, no)

    # --- what becomes of it -------------------------------------------------------------------------------------

    def tell(self, tx: Tx, hosted: Hosted, event: OwnEvent, who: int, news: News) -> None:
        """Unit: tell a guest of another scheme what became of an event."""
        lines: tuple[str, ...] = ()
        if news is News.CHANGED:
            words = words_of(self._settings.now, "")
            starts = local(event.plan.starts, self._zone)
            when = words.gettext("%(day)s, %(time)s") % {
                "day": long_day(starts.date(), words),
                "time": clock(starts, words),
            }
            lines = (
                words.gettext("Another time or place: %(title)s") % {"title": event.plan.title},
                words.gettext("When: %(when)s") % {"when": when},
                words.gettext("Where: %(where)s") % {"where": event.plan.where} if event.plan.where else "",
            )
        standing = self._standing(tx, hosted, event, -who, tuple(each for each in lines if each))
        self._requests().answer_in(tx, EVENT, standing)

    def settled_in(
        self, tx: Tx, hosted: Hosted, host: Member, guests: Guests, there: Collection[int], share: int
    ) -> None:
        """Unit: the host said who was `there`: ask those of other schemes for their `share`, or tell them what they get.

        Raises CannotAsk, with the name of whoever cannot be asked now: the unit must not be kept then.
        """
        names = names_abroad(tx, hosted)
        for each in guests.coming:
            if each.who > 0:
                continue
            if each.who in there:
                tx.run(_WAS_THERE, which=hosted.no, guest_no=each.who, new_share=share)
                if hosted.event.plan.pays is not Pays.HOST:
                    try:
                        self._ask(tx, hosted, host, each.who, share)
                    except (CannotAsk, LookupError) as no:
                        raise CannotAsk(_why(no), names.get(each.who, ("?",))[0]) from None
            self.tell(tx, hosted, hosted.event, each.who, News.SETTLED)

    def _ask(self, tx: Tx, hosted: Hosted, host: Member, who: int, share: int) -> None:
        """Ask a guest of another scheme to pay, in the conversation in which they asked. Raises CannotAsk, LookupError."""
        request = request_about(tx, EVENT, -who)
        if request is None or request.thread_no is None:
            raise LookupError("no conversation with them any more")
        plan, words = hosted.event.plan, words_of(self._settings.now, "")
        # With its day: the same lift every week is asked for each time.
        text = f"{plan.title}, {long_day(local(plan.starts, self._zone).date(), words)}"
        new = NewAskAbroad(payee=host, thread_no=request.thread_no, amount=share, text=" ".join(text.split()))
        self._asks().ask_in(tx, new, self._chance.bytes(ONCE_BYTES))

    async def look(self) -> int:
        """Tell those of other schemes who had a place, or waited, that an event is over; a job."""
        return await self._store.write(self._look)

    def _look(self, tx: Tx) -> int:
        over = past_events(tx, self._clock.now_ms())
        for about_no, key in over:
            hosted = event_by_key(tx, key)
            assert hosted is not None, "found so"
            self._requests().answer_in(tx, EVENT, self._standing(tx, hosted, hosted.event, about_no))
        return len(over)

    def _standing(
        self, tx: ReadTx, hosted: Hosted, event: OwnEvent, no: int, lines: tuple[str, ...] = ()
    ) -> Standing:
        answer = guests_of(tx, hosted).answer_of(-no)
        if event.state is State.CANCELLED:
            return Standing(stands=Stands.ENDED, lines=(event.reason,) if event.reason else (), about_no=no)
        now_ms = self._clock.now_ms()
        over = event.state is State.SETTLED or event.is_over(now_ms)
        if over and answer is Answer.COMING and not event.wants_settling(now_ms):
            return Standing(stands=Stands.DONE, lines=self._share_lines(tx, hosted, no), about_no=no)
        if over and answer in (Answer.WAITING, Answer.ASKED):
            return Standing(stands=Stands.ENDED, about_no=no)
        return Standing(stands=_STANDS.get(answer, Stands.ENDED), lines=lines, about_no=no)

    def _share_lines(self, tx: ReadTx, hosted: Hosted, no: int) -> tuple[str, ...]:
        """Return what somebody of another scheme who was there is asked for or gets."""
        share = shares_of(tx, hosted.no).get(-no)
        if share is None:
            return ()
        settings = self._settings.now
        words = words_of(settings, "")
        said = {"amount": spoken(share, unit_of(settings), settings.language)}
        if hosted.event.plan.pays is Pays.HOST:
            return (words.gettext("You were there, and get %(amount)s.") % said,)
        return (words.gettext("You were there, and are asked for %(amount)s.") % said,)


def _fits(request: Request, plan: Plan) -> bool:
    """Tell whether whoever asks from abroad says yes to what it costs now."""
    return (request.price or 0) == most_given(plan)


def _why(no: CannotAsk | LookupError) -> Why:
    return no.why if isinstance(no, CannotAsk) else Why.UNREACHABLE
