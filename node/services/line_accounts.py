"""What the books say is owed to a neighbour, for pages: the account may never have been opened. Source: docs/protocol.md 3.2."""

from __future__ import annotations

from node.services.accounts import load_by_id
from node.store import ReadTx
from protocol.ledger import HOURS, SystemRole, system_account_id
from protocol.names import SchemeId


def line_account_balance(tx: ReadTx, own: SchemeId, peer: SchemeId) -> int:
    """Return the balance of the account of the line with `peer`, in hours' 3 600 000ths; 0 where there is none."""
    held = load_by_id(tx, system_account_id(own, SystemRole.LINE, HOURS, peer))
    return 0 if held is None else held.value.balance
