"""Telling guests what became of an event: by mail, or on the desk's list of what is told on paper; a part of the unit it tells of.

It is on their first page and on the event's as well. Source: docs/pages.md 7.2, 9.
"""

from __future__ import annotations

from datetime import tzinfo
from enum import StrEnum
from typing import Final

from babel.dates import LOCALTZ

from node.clock import Clock
from node.mail import event_texts
from node.mail.outbox import Outbox
from node.mail.texts import words_of
from node.services.members import Member
from node.services.paper_notes import put_note
from node.services.settings import Settings
from node.services.telling import Telling
from node.services.trades import Trade
from node.store import Tx
from node.web.dates import clock, local, long_day
from protocol.event import OwnEvent, Plan
from protocol.names import ItemKey
from protocol.references import reference_of


class News(StrEnum):
    """What happened."""

    MOVED_UP = "moved-up"  # somebody who waited has a place
    CHANGED = "changed"  # it is at another time or place
    CANCELLED = "cancelled"


class EventTelling(Telling):
    """Tells of events as `Telling` tells of trades."""

    def __init__(self, outbox: Outbox, settings: Settings, clock: Clock, origin: str, zone: tzinfo = LOCALTZ):
        super().__init__(outbox, settings, clock, origin)
        self._zone: Final = zone

    def tell(self, tx: Tx, member: Member, key: ItemKey, event: OwnEvent, news: News) -> None:
        """Tell one guest."""
        settings, plan = self._settings.now, event.plan
        words = words_of(settings, member.language)
        wall = local(plan.starts, self._zone)
        when = words.gettext("%(day)s, %(time)s") % {
            "day": long_day(wall.date(), words),
            "time": clock(wall, words),
        }
        make = {
            News.MOVED_UP: event_texts.moved_up_mail,
            News.CHANGED: event_texts.changed_mail,
            News.CANCELLED: event_texts.cancelled_mail,
        }[news]
        about = event_texts.About(
            name=member.name, title=plan.title, when=when, where=plan.where, reason=event.reason,
            link=self._link(f"/events/{key.hex()}"),
        )  # fmt: skip
        if not self._mail(tx, member, make(settings, member.language, about), plan.ends):
            # In words that are nobody's: what a host wrote has to be found again when it is erased.
            note = event_texts.note(settings, member.language, news.value, when)
            put_note(tx, member.no, note, now_ms=self._clock.now_ms(), by_no=None)

    def tell_recorded(self, tx: Tx, guest: Member, host: Member, trade: Trade, plan: Plan) -> None:
        """Tell somebody who was there what they gave or got."""
        settings = self._settings.now
        gave = trade.payer_no == guest.account_no
        amount = self._said(trade.amount, guest)
        mail = event_texts.recorded_mail(
            settings, guest.language, guest.name, host.name, plan.title, amount,
            self._link(f"/t/{reference_of(trade.reference.to_bytes(5, 'big'))}"), gave=gave,
        )  # fmt: skip
        if not self._mail(tx, guest, mail):
            note = event_texts.recorded_note(settings, guest.language, host.name, amount, gave=gave)
            put_note(tx, guest.no, note, now_ms=self._clock.now_ms(), by_no=host.no, trade_no=trade.no)
