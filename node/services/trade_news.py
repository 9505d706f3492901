"""Who hears of a trade that others brought about: whoever got something, and whoever waited for one that was late.

Parts of the unit that brings it about; as often as they want to be written to. Source: docs/pages.md 8.6, 8.11.
"""

from __future__ import annotations

from typing import Final

from node.clock import Clock
from node.services.members import member_by_account
from node.services.statements import names_of
from node.services.telling import Telling
from node.services.trades import Trade, trade_by_no
from node.store import Tx


class TradeNews:
    """See the head of this file."""

    def __init__(self, telling: Telling, clock: Clock):
        self._telling: Final = telling
        self._clock: Final = clock

    def given(self, tx: Tx, trade: Trade) -> None:
        """Tell a member that another of the scheme gave them something."""
        if trade.payer_no is None or trade.payee_no is None or not self._telling.writes_mail:
            return
        payer, payee = member_by_account(tx, trade.payer_no), member_by_account(tx, trade.payee_no)
        if payer is not None and payee is not None and self._telling.has_mail(payee):
            self._telling.received(tx, trade, payer=payer.name, payee=payee)

    def ended_abroad(self, tx: Tx, trade_no: int) -> None:
        """Tell a member what came from another scheme, or how what was late on its way there has ended."""
        if not self._telling.writes_mail:
            return  # nothing is read for it, in every payment
        trade = trade_by_no(tx, trade_no)
        account_no = trade.payee_no if trade.payer_no is None else trade.payer_no
        member = None if account_no is None else member_by_account(tx, account_no)
        if member is None or trade.other_scheme is None or not self._telling.has_mail(member):
            return
        scheme = names_of(tx, [trade.other_scheme], self._clock.now_ms()).get(trade.other_scheme, "")
        other = " ".join(each for each in (trade.other_name, scheme and f"({scheme})") if each)
        if trade.payer_no is None:
            self._telling.received(tx, trade, payer=other, payee=member)
        elif trade.late:
            self._telling.no_longer_late(tx, trade, payee=other, payer=member)
