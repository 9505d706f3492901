"""Telling guests what became of an event: by mail, or on the desk's list of what is told on paper; a part of the unit it tells of.

It is on their first page and on the event's as well. Source: docs/pages.md 7.2, 9.
"""

from __future__ import annotations

from datetime import tzinfo
from enum import StrEnum
from typing import Final

from babel.dates import LOCALTZ

from node.clock import Clock
from node.mail import event_texts, texts
from node.mail.outbox import Outbox
from node.mail.texts import words_of
from node.services.event_rows import Hosted
from node.services.members import Member
from node.services.paper_notes import put_note
from node.services.settings import Settings
from node.services.telling import Telling
from node.services.trades import Trade
from node.store import Tx
from node.web.dates import clock, local, long_day
from node.web.words import Words
from protocol.event import Answer, OwnEvent, Plan
from protocol.names import ItemKey
from protocol.references import reference_of


class News(StrEnum):
    """What happened."""

    MOVED_UP = "moved-up"  # somebody who waited has a place
    CHANGED = "changed"  # it is at another time or place
    CANCELLED = "cancelled"
    ANSWERED = "answered"  # the host said yes or no; members are told by `tell_admitted`
    SETTLED = "settled"  # it was said who was there; members are told by `tell_recorded`


class EventTelling(Telling):
    """Tells of events as `Telling` tells of trades."""

    def __init__(self, outbox: Outbox, settings: Settings, clock: Clock, origin: str, zone: tzinfo = LOCALTZ):
        super().__init__(outbox, settings, clock, origin)
        self._zone: Final = zone

    def tell(self, tx: Tx, member: Member, key: ItemKey, event: OwnEvent, news: News) -> None:
        """Tell one guest."""
        settings, plan = self._settings.now, event.plan
        words = words_of(settings, member.language)
        when = self._when(plan, words)
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

    def tell_asked(self, tx: Tx, host: Member, who: str, key: ItemKey, plan: Plan) -> None:
        """Tell a host that somebody asks for a place; it is on their first page as well."""
        words = words_of(self._settings.now, host.language)
        said = words.gettext("%(name)s asks for a seat: %(title)s") % {"name": who, "title": plan.title}
        when = words.gettext("When: %(when)s") % {"when": self._when(plan, words)}
        self.told(tx, host, (said, when), f"/events/{key.hex()}")

    def tell_host(self, tx: Tx, host: Member, by: str, hosted: Hosted, reason: str) -> None:
        """Tell a host that somebody else cancelled what they host, and why."""
        words, plan = words_of(self._settings.now, host.language), hosted.event.plan
        said = words.gettext("%(name)s cancelled what you host: %(title)s") % {
            "name": by,
            "title": plan.title,
        }
        when = words.gettext("When: %(when)s") % {"when": self._when(plan, words)}
        why = words.gettext("Why: %(reason)s") % {"reason": reason}
        self.told_or_noted(tx, host, (said, when, why), f"/events/{hosted.key.hex()}")

    def tell_admitted(self, tx: Tx, member: Member, key: ItemKey, plan: Plan, answer: Answer) -> None:
        """Tell somebody who asked for a place what the host said."""
        settings = self._settings.now
        words = words_of(settings, member.language)
        when = self._when(plan, words)
        lines = event_texts.admitted_lines(answer, plan.title, when, words)
        mail = texts.news_mail(
            settings, member.language, member.name, lines, self._link(f"/events/{key.hex()}")
        )
        if not self._mail(tx, member, mail, plan.ends):
            # As in `tell`: in words that are nobody's.
            note = event_texts.admitted_note(answer, when, words)
            put_note(tx, member.no, note, now_ms=self._clock.now_ms(), by_no=None)

    def _when(self, plan: Plan, words: Words) -> str:
        wall = local(plan.starts, self._zone)
        return words.gettext("%(day)s, %(time)s") % {
            "day": long_day(wall.date(), words),
            "time": clock(wall, words),
        }

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
