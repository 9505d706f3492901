"""Telling the treasurers of a group's account what moves it, as often as each wants to be written to, and what waits for their yes.

A part of the unit it tells of. Source: docs/protocol.md 3.10; docs/pages.md 9.
"""

from __future__ import annotations

from node.services.circle_account_rows import GroupAccount, group_account_by_ledger, treasurers_of
from node.services.circle_giving_rows import Giving
from node.services.members import Member, existing, member_by_account
from node.services.telling import Telling
from node.services.trades import Trade
from node.store import Tx


class CircleAccountTelling(Telling):
    """Tells treasurers as `Telling` tells of trades. Notes on paper name nobody and quote nothing."""

    def moved(self, tx: Tx, trade: Trade, by_no: int | None) -> None:
        """Tell the treasurers of each group's account in a trade, but the one who did it."""
        for account_no, other_no in ((trade.payer_no, trade.payee_no), (trade.payee_no, trade.payer_no)):
            found = None if account_no is None else group_account_by_ledger(tx, account_no)
            if found is None:
                continue
            other = None if other_no is None else member_by_account(tx, other_no)
            for reader in self._treasurers(tx, found, by_no):
                _ = self._words(reader).gettext
                said = {
                    "group": found.name,
                    "amount": self._said(trade.amount, reader),
                    "name": "" if other is None else other.name,
                }
                line = (
                    _("“%(group)s” gave %(amount)s to %(name)s")
                    if account_no == trade.payer_no
                    else _("“%(group)s” got %(amount)s from %(name)s")
                )
                self._tell(tx, reader, found, (line % said, trade.text))

    def second_wanted(self, tx: Tx, giving: Giving) -> None:
        """Tell the other treasurers that one of them has to say yes: it waits for them."""
        by, payee = existing(tx, giving.by_no), existing(tx, giving.payee_no)
        for reader in self._treasurers(tx, giving.account, by.no):
            if reader.no == payee.no:
                continue
            _ = self._words(reader).gettext
            said = {
                "name": by.name, "group": giving.account.name, "payee": payee.name, "amount": self._said(giving.amount, reader),
            }  # fmt: skip
            line = (
                _("%(name)s wants “%(group)s” to give %(amount)s to %(payee)s: please say yes or no") % said
            )
            note = _("“%(group)s” is to give something, and a second treasurer has to say yes or no.") % said
            self.told_or_noted(tx, reader, (line, giving.text), self._path(giving.account), note)

    def not_given(self, tx: Tx, giving: Giving, by_no: int | None) -> None:
        """Tell who wanted it that nothing was given: a treasurer said no, or nobody (`by_no` None) said yes in time."""
        reader, payee = existing(tx, giving.by_no), existing(tx, giving.payee_no)
        _ = self._words(reader).gettext
        said = {
            "group": giving.account.name, "amount": self._said(giving.amount, reader), "payee": payee.name,
            "name": "" if by_no is None else existing(tx, by_no).name,
        }  # fmt: skip
        line = (
            _("No second treasurer said yes in time: “%(group)s” does not give %(amount)s to %(payee)s")
            if by_no is None
            else _("%(name)s said no: “%(group)s” does not give %(amount)s to %(payee)s")
        )
        self._tell(tx, reader, giving.account, (line % said, giving.text))

    def two_above(self, tx: Tx, found: GroupAccount, amount: int | None, by_no: int | None) -> None:
        """Tell all treasurers above which amount two of them give from now on."""
        for reader in self._treasurers(tx, found, by_no):
            _ = self._words(reader).gettext
            said = {"group": found.name, "amount": "" if amount is None else self._said(amount, reader)}
            line = (
                _("One treasurer alone lets “%(group)s” give any amount now")
                if amount is None
                else _("Two treasurers let “%(group)s” give more than %(amount)s now")
            )
            self._tell(tx, reader, found, (line % said,))

    def _treasurers(self, tx: Tx, found: GroupAccount, but: int | None) -> list[Member]:
        return [existing(tx, no) for no in treasurers_of(tx, found.no) if no != but]

    def _tell(self, tx: Tx, reader: Member, found: GroupAccount, lines: tuple[str, ...]) -> None:
        self._news_of(tx, reader, lines, self._path(found))

    @staticmethod
    def _path(found: GroupAccount) -> str:
        return f"/accounts/{found.key.hex()}"
