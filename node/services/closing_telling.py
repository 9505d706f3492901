"""Telling members that their scheme closes, or goes on after all, by mail or on the letters list. Source: docs/protocol.md 2.4."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

from node.clock import Clock
from node.mail import closing_texts
from node.mail.outbox import Outbox
from node.mail.texts import Text, words_of
from node.services.members import Member
from node.services.paper_notes import put_note
from node.services.settings import SchemeSettings, Settings
from node.services.telling import Telling
from node.store import Tx
from node.web.amounts import HARD_SPACE
from node.web.dates import short_day

DATA: Final = "/my/data"


class ClosingTelling(Telling):
    """Tells of the end of a scheme as `Telling` tells of trades. Everybody is told at once, whatever else they wish."""

    def __init__(self, outbox: Outbox, settings: Settings, clock: Clock, origin: str, *, zone: tzinfo):
        super().__init__(outbox, settings, clock, origin)
        self._zone: Final = zone

    def closes(self, tx: Tx, member: Member, settings: SchemeSettings) -> None:
        """Tell a member when the scheme closes, and until when they can fetch what is theirs; `settings` say it."""
        assert settings.closing_ms is not None, "it was announced"
        assert settings.closing_until_ms is not None, "both are set at once"
        mail = closing_texts.closes_mail(
            settings, member.language, member.name, self._last_day(settings.closing_ms, member),
            self._last_day(settings.closing_until_ms, member), self._link(DATA),
        )  # fmt: skip
        self._mail_or_note(tx, member, mail)

    def reminds(self, tx: Tx, member: Member, settings: SchemeSettings) -> None:
        """Tell a member again: before the last day on which something is recorded, or else before all is gone."""
        assert settings.closing_ms is not None, "it was announced"
        assert settings.closing_until_ms is not None, "both are set at once"
        last, until = (
            self._last_day(each, member) for each in (settings.closing_ms, settings.closing_until_ms)
        )
        if settings.is_closed(self._clock.now_ms()):
            mail = closing_texts.fetch_mail(settings, member.language, member.name, until, self._link(DATA))
        else:
            mail = closing_texts.soon_mail(settings, member.language, member.name, last)
        self._mail_or_note(tx, member, mail)

    def goes_on(self, tx: Tx, member: Member, settings: SchemeSettings) -> None:
        """Tell a member that the scheme does not close."""
        mail = closing_texts.goes_on_mail(settings, member.language, member.name)
        self._mail_or_note(tx, member, mail)

    def _mail_or_note(self, tx: Tx, member: Member, mail: Text) -> None:
        if not self._mail(tx, member, mail):
            put_note(tx, member.no, mail.subject, now_ms=self._clock.now_ms(), by_no=None)

    def _last_day(self, end_ms: int, member: Member) -> str:
        """Return the day that ends at a moment."""
        day = datetime.fromtimestamp((end_ms - 1) / 1000, tz=UTC).astimezone(self._zone).date()
        words = words_of(self._settings.now, member.language)
        return short_day(day, words).replace(HARD_SPACE, " ")
