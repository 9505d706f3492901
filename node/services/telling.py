"""Telling members by mail what waits for them, where the scheme has mail and they chose it; a part of the unit it tells of.

Without mail it is on their first page all the same. Source: docs/pages.md 8.6, 9.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from babel.dates import LOCALTZ

from node.clock import Clock
from node.mail import ask_texts, loan_texts, standing_texts, texts
from node.mail.outbox import Outbox
from node.services.acts import Actor
from node.services.ask_rows import Ask
from node.services.behalf import Behalf
from node.services.mail_wishes import Level, MailWishes, Purpose, level_of, put_news
from node.services.members import Member, Reach
from node.services.paper_notes import put_note
from node.services.settings import Settings
from node.services.trades import Trade
from node.store import Tx
from node.web.amounts import HARD_SPACE, spoken
from node.web.dates import local, long_day
from node.web.units import unit_of
from node.web.words import Words
from protocol.limits import ASK_VALID_MS, DAY_MS, STANDING_TRIED_DAYS
from protocol.references import reference_of


class Telling:
    """Writes mails into the outbox, and what must be told without mail onto the letters list."""

    def __init__(
        self, outbox: Outbox, settings: Settings, clock: Clock, origin: str, wishes: MailWishes | None = None
    ):
        """Without `wishes` everybody is told of everything at once."""
        self._wishes: Final = wishes
        self._outbox: Final = outbox
        self._clock: Final = clock
        self._settings: Final = settings
        self._origin: Final = origin.rstrip("/")

    def asked(self, tx: Tx, ask: Ask, *, asker: str, payer: Member) -> None:
        """Tell a member that another asks for some of our own units, and what follows if they say nothing."""
        settings, said = self._settings.now, self._said(ask.amount, payer)
        days = -(-(ask.until_ms - self._clock.now_ms()) // DAY_MS)
        mail = texts.asked_mail(
            settings, payer.language, payer.name, asker, said, ask.text, self._link(f"/asks/{ask.no}"), days,
            self._day_for(ask.until_ms, payer) if ask.counts else "",
        )  # fmt: skip
        self._mail(tx, payer, mail, ask.until_ms)

    def warned(self, tx: Tx, ask: Ask, until_ms: int, *, asker: str, payer: Member) -> int:
        """Warn a member that their silence counts from a moment on; return the mail's number. Source: 3.11."""
        mail = ask_texts.warning_mail(
            self._settings.now, payer.language, payer.name, asker, self._said(ask.amount, payer), ask.text,
            self._link(f"/asks/{ask.no}"), self._day_for(until_ms, payer),
        )  # fmt: skip
        return self._mail(tx, payer, mail)

    def silence_counted(self, tx: Tx, ask: Ask, trade: Trade, *, payer: Member, payee: Member) -> None:
        """Tell both that nobody answered, that it counted as a yes, and where to object. Source: 3.11."""
        settings, link = (
            self._settings.now,
            self._link(f"/t/{reference_of(trade.reference.to_bytes(5, 'big'))}"),
        )
        for reader, other, paid in ((payer, payee, True), (payee, payer, False)):
            said = self._said(ask.amount, reader)
            mail = ask_texts.counted_mail(
                settings, reader.language, reader.name, other.name, said, ask.text, link, paid=paid
            )
            self._mail(tx, reader, mail)  # at once, whatever they want: it moved without a word

    def _day_for(self, moment_ms: int, reader: Member) -> str:
        return long_day(local(moment_ms, LOCALTZ).date(), self._words(reader))

    def asked_abroad(
        self, tx: Tx, ask_no: int, until_ms: int, *, asker: str, text: str, payer: Member
    ) -> None:  # fmt: skip
        """Tell a member that somebody of another scheme asks to be paid; how much is on the page."""
        settings, days = self._settings.now, ASK_VALID_MS // DAY_MS
        link = self._link(f"/asks/{ask_no}")
        mail = texts.asked_abroad_mail(settings, payer.language, payer.name, asker, text, link, days)
        self._mail(tx, payer, mail, until_ms)

    def answered(self, tx: Tx, ask_no: int, *, payer: str, text: str, paid: bool, payee: Member) -> None:
        """Tell whoever asked what the answer is."""
        settings = self._settings.now
        path = f"/asks/{ask_no}"
        mail = texts.answered_mail(settings, payee.language, payee.name, payer, text, paid, self._link(path))
        self._news(tx, payee, mail, path)

    def received(self, tx: Tx, trade: Trade, *, payer: str, payee: Member) -> None:
        """Tell a member what they were given, by somebody here or of another scheme."""
        settings, said = self._settings.now, self._said(trade.amount, payee)
        sentence = texts.entered_sentence(settings, payee.language, payer, said, trade.text, given=False)
        self._news_of(tx, payee, (sentence,), _page_of(trade))

    def no_longer_late(self, tx: Tx, trade: Trade, *, payee: str, payer: Member) -> None:
        """Tell a member, who was told that they need not wait, how what was late has ended."""
        settings, said = self._settings.now, self._said(trade.amount, payer)
        done = trade.state == "done"
        self.told(
            tx, payer, texts.no_longer_late(settings, payer.language, payee, said, trade.text, done=done), _page_of(trade)
        )  # fmt: skip

    def thanked(self, tx: Tx, trade: int, *, who: str, text: str, what: str, member: Member) -> None:
        """Tell a member that the other side of a trade says thank you; `trade` is its reference's number."""
        settings = self._settings.now
        path = f"/t/{reference_of(trade.to_bytes(5, 'big'))}"
        mail = texts.thanked_mail(settings, member.language, member.name, who, what, text, self._link(path))
        self._news(tx, member, mail, path)

    # --- standing orders ----------------------------------------------------------------------------------------

    def turn_waits(self, tx: Tx, order_no: int, amount: int, *, payee: str, text: str, payer: Member) -> None:
        """Tell a payer that a turn of a standing order waits: something is in its way."""
        settings = self._settings.now
        mail = standing_texts.turn_waits_mail(
            settings, payer.language, payer.name, payee, self._said(amount, payer), text, self._order(order_no),
            STANDING_TRIED_DAYS,
        )  # fmt: skip
        self._mail(tx, payer, mail)

    def turns_left_out(
        self, tx: Tx, order_no: int, left_out: int, *, payee: str, text: str, payer: Member
    ) -> None:
        """Tell a payer that so many turns of a standing order were not paid and will not be."""
        mail = standing_texts.turns_left_out_mail(
            self._settings.now, payer.language, payer.name, payee, text, left_out, self._order(order_no)
        )
        self._mail(tx, payer, mail)

    def order_closed(self, tx: Tx, order_no: int, *, payee: str, text: str, payer: Member) -> None:
        """Tell a payer that a standing order ended because the other has left."""
        mail = standing_texts.order_closed_mail(
            self._settings.now, payer.language, payer.name, payee, text, self._order(order_no)
        )
        self._mail(tx, payer, mail)

    # --- loans --------------------------------------------------------------------------------------------------

    def loan_offered(
        self, tx: Tx, loan_no: int, amount: int, *, lender: str, text: str, borrower: Member
    ) -> None:
        """Tell a member that another offers a loan."""
        said, link = self._said(amount, borrower), self._link(f"/my/loans/{loan_no}")
        mail = loan_texts.loan_offered_mail(
            self._settings.now, borrower.language, borrower.name, lender, said, text, link
        )
        self._mail(tx, borrower, mail)

    def loan_answered(
        self, tx: Tx, loan_no: int, *, borrower: str, text: str, agreed: bool, lender: Member
    ) -> None:
        """Tell a lender what the answer is."""
        link = self._link(f"/my/loans/{loan_no}")
        mail = loan_texts.loan_answered_mail(
            self._settings.now, lender.language, lender.name, borrower, text, agreed, link
        )
        self._mail(tx, lender, mail)  # at once, whatever they want: credit moved

    def loan_forgiven(
        self, tx: Tx, loan_no: int, amount: int, *, lender: str, text: str, borrower: Member
    ) -> None:
        """Tell a borrower that the rest need not go back."""
        said, link = self._said(amount, borrower), self._link(f"/my/loans/{loan_no}")
        mail = loan_texts.loan_forgiven_mail(
            self._settings.now, borrower.language, borrower.name, lender, said, text, link
        )
        self._mail(tx, borrower, mail)  # as above

    def _order(self, no: int) -> str:
        return self._link(f"/my/standing/{no}")

    def _said(self, amount: int, reader: Member) -> str:
        """Return an amount of our own units for a mail, which breaks its lines where it likes."""
        settings = self._settings.now
        return spoken(amount, unit_of(settings), settings.language_for(reader.language)).replace(
            HARD_SPACE, " "
        )

    def entered(
        self, tx: Tx, trade: Trade, *, member: Member, other: str, given: bool, by: Actor, number: str, day: date
    ) -> None:  # fmt: skip
        """Tell one side of a trade that an organiser entered it from a cheque or slip of `day`; on paper if need be."""
        settings = self._settings.now
        said = self._said(trade.amount, member)
        sentence = texts.entered_sentence(settings, member.language, other, said, trade.text, given=given)
        source = texts.entered_from(settings, member.language, by.name, number, day)
        link = self._link(_page_of(trade))
        if not self._mail(
            tx, member, texts.entered_mail(settings, member.language, member.name, sentence, source, link)
        ):
            text, now_ms = f"{sentence} {source}", self._clock.now_ms()
            put_note(tx, member.no, text, now_ms=now_ms, by_no=by.no, trade_no=trade.no)

    def cheque_sent(self, tx: Tx, ask: Ask, *, member: Member, scheme: str, by: Actor, day: date) -> None:
        """Tell whoever gets a cheque of somebody elsewhere that an organiser entered it, and that it waits for a yes there."""
        settings = self._settings.now
        assert ask.cheque is not None
        lines = (
            texts.cheque_sent_sentence(
                settings, member.language, ask.their_name, scheme, self._said(ask.amount, member), ask.text
            ),
            texts.entered_from(settings, member.language, by.name, ask.cheque.number, day),
        )  # fmt: skip
        self.told_or_noted(tx, member, lines, f"/asks/{ask.no}")

    def told(self, tx: Tx, member: Member, lines: tuple[str, ...], path: str) -> None:
        """Tell a member what others wrote or did, in words that are hers already; the first line says all."""
        settings = self._settings.now
        self._mail(
            tx, member, texts.news_mail(settings, member.language, member.name, lines, self._link(path))
        )

    def told_or_noted(
        self, tx: Tx, member: Member, lines: tuple[str, ...], path: str, note: str = ""
    ) -> None:
        """As `told`; whoever has no mail stands on the letters list with it, or with `note` in its place."""
        settings, link = self._settings.now, self._link(path)
        if not self._mail(tx, member, texts.news_mail(settings, member.language, member.name, lines, link)):
            put_note(tx, member.no, note or " ".join(lines), now_ms=self._clock.now_ms(), by_no=None)

    def paid_for(self, tx: Tx, behalf: Behalf, trade: Trade, *, payee: str) -> None:
        """Tell a member that an organiser entered a trade for them."""
        settings, member = self._settings.now, behalf.member
        said = self._said(trade.amount, member)
        sentence = texts.entered_sentence(settings, member.language, payee, said, trade.text, given=True)
        self._done(tx, behalf, sentence, _page_of(trade), trade.no)

    def done_for(self, tx: Tx, behalf: Behalf, did: str, what: str) -> None:
        """Tell a member what else an organiser did for them."""
        sentence = texts.done_sentence(self._settings.now, behalf.member.language, did, what)
        self._done(tx, behalf, sentence, "/my/data", None)

    def _done(self, tx: Tx, behalf: Behalf, sentence: str, path: str, trade_no: int | None) -> None:
        settings, member, by = self._settings.now, behalf.member, behalf.by
        source = texts.by_whose_hand(settings, member.language, by.name, behalf.how.value)
        mail = texts.done_mail(settings, member.language, member.name, sentence, source, self._link(path))
        if not self._mail(tx, member, mail):
            text, now_ms = f"{sentence} {source}", self._clock.now_ms()
            put_note(tx, member.no, text, now_ms=now_ms, by_no=by.no, trade_no=trade_no)

    def _words(self, reader: Member) -> Words:
        return texts.words_of(self._settings.now, reader.language)

    def _news_of(self, tx: Tx, member: Member, lines: tuple[str, ...], path: str) -> None:
        """As `told`, of what needs no answer."""
        mail = texts.news_mail(self._settings.now, member.language, member.name, lines, self._link(path))
        self._news(tx, member, mail, path)

    def _link(self, path: str) -> str:
        return self._origin + path

    def _news(self, tx: Tx, member: Member, text: texts.Text, path: str) -> None:
        """Tell a member of what needs no answer, as often as they want to be written to."""
        wishes, level = self._wishes, Level.AT_ONCE
        if wishes is not None:
            level = level_of(tx, member.no)
        match level:
            case Level.AT_ONCE:
                link = "" if wishes is None else wishes.link(member.no, Purpose.NEWS)
                self._mail(tx, member, text, stop_link=link)
            case Level.WEEKLY:
                if self.has_mail(member):
                    put_news(tx, member.no, text.subject, path, self._clock.now_ms())
            case Level.MUST_ACT:
                pass  # it is on their pages

    @property
    def writes_mail(self) -> bool:
        """Whether the scheme has a server to send mail through."""
        return self._outbox.sends

    def has_mail(self, member: Member) -> bool:
        """Tell whether this member is written to by mail; all others read their pages, or paper."""
        return member.email is not None and member.reach is Reach.EMAIL and self.writes_mail

    def _mail(
        self, tx: Tx, member: Member, text: texts.Text, until_ms: int | None = None, *, stop_link: str = ""
    ) -> int:
        """Write a mail to a member who has mail; return its number, 0 where they have none."""
        if member.email is None or not self.has_mail(member):
            return 0
        body = text.body
        if stop_link:
            body += texts.stop_words(self._settings.now, member.language, stop_link)
        return self._outbox.queue(
            tx, member.email, text.subject, body, member_no=member.no, private=True, until_ms=until_ms, rests=True,
            stop_link=stop_link,
        )  # fmt: skip


def _page_of(trade: Trade) -> str:
    return f"/t/{reference_of(trade.reference.to_bytes(5, 'big'))}"
