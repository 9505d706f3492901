"""What members' pages share: who is on either side of trades, and where long lists go on.

Source: docs/pages.md 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from node.services.members import Member, member_by_account
from node.services.trades import Trade
from node.store import ReadTx
from node.web.context import Context
from node.web.views.page import Pager

PAGE_ROWS: Final = 20


def members_of(tx: ReadTx, trades: Iterable[Trade]) -> dict[int, Member]:
    """Return the members on either side of trades, by account; a part of a page's read."""
    accounts = {no for trade in trades for no in (trade.payer_no, trade.payee_no) if no is not None}
    found = {no: member_by_account(tx, no) for no in accounts}
    return {no: member for no, member in found.items() if member is not None}


def pager(context: Context, path: str, asked: dict[str, str], total: int) -> Pager | None:
    """Return where a list of `total` rows goes on; None for one that fits on a page."""
    number = context.page_number
    if total <= PAGE_ROWS and number == 1:
        return None
    first, last = (number - 1) * PAGE_ROWS + 1, min(number * PAGE_ROWS, total)
    kept = {name: value for name, value in asked.items() if value}

    def href(which: int) -> str:
        query = {**kept, "page": str(which)} if which > 1 else kept
        return path + ("?" + urlencode(query) if query else "")

    return Pager(
        text=context.words.gettext("%(first)d to %(last)d of %(total)d")
        % {"first": first, "last": last, "total": total},
        previous_href=href(number - 1) if number > 1 else "",
        next_href=href(number + 1) if last < total else "",
    )
