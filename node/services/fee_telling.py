"""Telling members of fees and of what the chest gives, by mail or on the letters list; and how a fee is put in words.

A part of the unit it tells of. It is on the members' page about fees as well. Source: docs/protocol.md 3.8.
"""

from __future__ import annotations

from datetime import date

from node.mail import fee_texts
from node.mail.texts import words_of
from node.services.fee_rows import Charge, Hindrance, Rule
from node.services.members import Member
from node.services.paper_notes import put_note
from node.services.settings import SchemeSettings
from node.services.telling import Telling
from node.services.trades import Trade
from node.store import Tx
from node.web.amounts import HARD_SPACE, short, spoken
from node.web.dates import month, short_day
from node.web.units import unit_of
from node.web.words import Words
from protocol.fee import Fee, Round, Side
from protocol.references import reference_of

HERE = "/my/fees"


def percent(share: int) -> str:
    """Return a share as people write it: 2, 2.5, 0.25; then comes the sign."""
    whole, rest = divmod(share, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".")


def rule_words(fee: Fee, settings: SchemeSettings, words: Words) -> str:
    """Return what a rule asks for, in a sentence or two."""
    _ = words.gettext
    day = short_day(date.fromordinal(fee.first), words)
    if fee.amount:
        said = {"amount": spoken(fee.amount, unit_of(settings), words.language), "day": day}
        if fee.every is Round.MONTH:
            return _("%(amount)s every month, the first time on %(day)s.") % said
        return _("%(amount)s every year, the first time on %(day)s.") % said
    share = {"share": percent(fee.share), "day": day}
    match fee.side:
        case Side.GOT:
            what = _("%(share)s%% of what you got from others here since %(day)s, rounded down.") % share
        case Side.GIVEN:
            what = _("%(share)s%% of what you gave others here since %(day)s, rounded down.") % share
        case Side.BOTH:
            what = _("%(share)s%% of what you gave and got here since %(day)s, rounded down.") % share
    when = (
        _("It is reckoned after every month.")
        if fee.every is Round.MONTH
        else _("It is reckoned after every year.")
    )
    without = _("Loans, and trades with other schemes, do not count.")
    return f"{what} {when} {without}"


class FeeTelling(Telling):
    """Tells of fees as `Telling` tells of trades."""

    def charge_text(self, rule: Rule, charge: Charge) -> str:
        """Return what the trade that pays a charge is for, in the scheme's own language."""
        settings = self._settings.now
        words = words_of(settings, settings.language)
        begins = date.fromordinal(rule.fee.begins(charge.turn))
        time = month(begins, words) if rule.fee.every is Round.MONTH else short_day(begins, words)
        text = f"{rule.text}, {time}"
        if not rule.fee.share:
            return text
        base = short(charge.base, unit_of(settings), settings.language).replace(HARD_SPACE, " ")
        return text + ": " + words.gettext("%(share)s%% of %(amount)s") % {"share": percent(rule.fee.share), "amount": base}  # fmt: skip

    def announced(self, tx: Tx, member: Member, rule: Rule) -> None:
        """Tell a member what will be asked of them."""
        settings = self._settings.now
        words = words_of(settings, member.language)
        said = rule_words(rule.fee, settings, words).replace(HARD_SPACE, " ")
        first = short_day(date.fromordinal(rule.fee.first), words)
        mail = fee_texts.announced_mail(
            settings, member.language, member.name, rule.text, said, first, self._link(HERE)
        )
        if not self._mail(tx, member, mail):
            self._note(tx, member, mail.subject)

    def waits(self, tx: Tx, member: Member, rule: Rule, charge: Charge, hindrance: Hindrance) -> None:
        """Tell a member that a charge could not be paid."""
        mail = fee_texts.waits_mail(
            self._settings.now, member.language, member.name, rule.text, self._said(charge.amount, member),
            hindrance is Hindrance.PAUSED, self._link(HERE),
        )  # fmt: skip
        if not self._mail(tx, member, mail):
            self._note(tx, member, mail.subject)

    def given(self, tx: Tx, member: Member, trade: Trade) -> None:
        """Tell a member that the chest gave them something."""
        link = self._link(f"/t/{reference_of(trade.reference.to_bytes(5, 'big'))}")
        said = self._said(trade.amount, member)
        mail = fee_texts.given_mail(self._settings.now, member.language, member.name, trade.text, said, link)
        if not self._mail(tx, member, mail):
            self._note(tx, member, mail.subject)

    def _note(self, tx: Tx, member: Member, text: str) -> None:
        put_note(tx, member.no, text, now_ms=self._clock.now_ms(), by_no=None)
