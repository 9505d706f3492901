"""Members of other schemes at events of ours: they ask by letter, and take places among our own. Source: docs/protocol.md 5.11, 7.10.

A guest from abroad has no member number: in the table of guests they are minus the number of the request that first asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Final

from sqlalchemy import bindparam, select

from node.clock import Clock
from node.mail.texts import words_of
from node.services.event_rows import Hosted, event_by_key, guests_of
from node.services.event_telling import News
from node.services.events import Events
from node.services.request_rows import Request, Role, seat_of
from node.services.request_words import EVENT
from node.services.requests_abroad import RequestsAbroad, Standing
from node.services.settings import SchemeSettings, Settings
from node.store import ReadTx, Tx
from node.store.schema import requests as schema
from node.web.dates import clock, local, long_day
from protocol.beyond import Stands, Wants
from protocol.errors import OutOfOrder
from protocol.event import Answer, Kind, OwnEvent, Pays, Plan, State
from protocol.names import SchemeId

_R: Final = schema.request.c
_NAMES: Final = (
    select(_R.about_no, _R.their_name, _R.scheme)
    .where(
        _R.kind == EVENT, _R.role == Role.IN.value, _R.item_key == bindparam("key"), _R.about_no.is_not(None)
    )
    .order_by(_R.no)
)
_STANDS: Final = {
    Answer.COMING: Stands.AGREED,
    Answer.WAITING: Stands.WAITING,
    Answer.NOT_COMING: Stands.TAKEN_BACK,
}


def is_shared(plan: Plan, settings: SchemeSettings) -> bool:
    """Tell whether neighbours' members read of an event and may come: what visitors read, and costs no units."""
    shown = plan.public and settings.public_events and not plan.inside
    return shown and plan.pays is Pays.NOBODY and plan.kind is not Kind.LIFT


def names_abroad(tx: ReadTx, hosted: Hosted) -> Mapping[int, tuple[str, SchemeId]]:
    """Return how guests of other schemes are called, and whose members they are; by what they are among guests."""
    return {-no: (name, SchemeId(scheme)) for no, name, scheme in tx.all(_NAMES, key=hosted.key)}


class EventsAbroad:
    """See the head of this file."""

    def __init__(
        self, *, clock: Clock, settings: Settings, zone: tzinfo, events: Events, requests: Callable[[], RequestsAbroad]
    ):  # fmt: skip
        self._clock: Final = clock
        self._settings: Final = settings
        self._zone: Final = zone
        self._events: Final = events
        self._requests: Final = requests

    def hear(self, tx: Tx, request: Request) -> Standing:
        """Unit: give somebody abroad a place, or let them wait, or take it back; the same again changes nothing."""
        hosted = event_by_key(tx, request.key)
        if hosted is None:
            return Standing(stands=Stands.ENDED, about_no=request.about_no)
        no = seat_of(tx, request)
        if no is None:
            if request.wants is not Wants.ASK:
                return Standing(stands=Stands.TAKEN_BACK)
            open_ = hosted.event.takes_answers(self._clock.now_ms())
            if not open_ or not is_shared(hosted.event.plan, self._settings.now):
                return Standing(stands=Stands.DECLINED)
            no = request.no
        if request.wants is not Wants.HAS_IT and hosted.event.takes_answers(self._clock.now_ms()):
            try:
                self._events.says_in(tx, hosted, -no, request.wants is Wants.ASK)
            except OutOfOrder:
                return Standing(
                    stands=Stands.DECLINED, about_no=request.about_no
                )  # as many answered as there may be
        return self._standing(tx, hosted, hosted.event, no)

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

    def _standing(
        self, tx: ReadTx, hosted: Hosted, event: OwnEvent, no: int, lines: tuple[str, ...] = ()
    ) -> Standing:
        answer = guests_of(tx, hosted).answer_of(-no)
        if event.state is State.CANCELLED:
            return Standing(stands=Stands.ENDED, lines=(event.reason,) if event.reason else (), about_no=no)
        if event.is_over(self._clock.now_ms()) and answer is Answer.COMING:
            return Standing(stands=Stands.DONE, about_no=no)
        return Standing(stands=_STANDS.get(answer, Stands.ENDED), lines=lines, about_no=no)
