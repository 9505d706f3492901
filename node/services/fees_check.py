"""Fees and what the chest gave, compared with the trades that moved them: a part of checking the whole book.

No signature speaks of what is owed; what was paid must at least be what was owed, by whom it was owed. Source: docs/protocol.md 3.8.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from node.services.fee_rows import ChargeState
from node.services.ledger_walk import Findings
from node.store import ReadTx
from node.store.schema import books as books_schema
from node.store.schema import fees as schema
from protocol.fee import key_of_charge
from protocol.names import AccountId

_C: Final = schema.charge.c
_T: Final = books_schema.trade.c
_CHARGES: Final = (
    select(
        _C.no, _C.state, _C.trade_no, _C.account_no, _C.amount, _C.turn, schema.fee_rule.c.id, books_schema.account.c.id,
        _T.payer_no, _T.amount, _T.once, _T.corrected_by_no,
    )
    .select_from(
        schema.charge.join(schema.fee_rule, schema.fee_rule.c.no == _C.rule_no)
        .join(books_schema.account, books_schema.account.c.no == _C.account_no)
        .outerjoin(books_schema.trade, _T.no == _C.trade_no)
    )
    .order_by(_C.no)
)  # fmt: skip
_G: Final = schema.chest_gift.c
_GIFTS: Final = (
    select(_G.no, _G.account_no, _G.amount, _G.once, _T.payee_no, _T.amount, _T.once)
    .select_from(schema.chest_gift.join(books_schema.trade, _T.no == _G.trade_no))
    .order_by(_G.no)
)
_PAID: Final = frozenset({ChargeState.PAID.value, ChargeState.GIVEN_BACK.value})


def check_fees(tx: ReadTx, findings: Findings) -> None:
    """Look at every charge, and at what the chest gave."""
    for (
        no,
        state,
        trade_no,
        account_no,
        amount,
        turn,
        rule,
        account,
        payer_no,
        moved,
        once,
        corrected,
    ) in tx.all(_CHARGES):
        if state not in _PAID:
            if trade_no is not None:
                findings.add("charge", no, f"it is {state}, and trade {trade_no} paid it")
            continue
        key = key_of_charge(rule, turn, AccountId(account))
        findings.equal(
            "charge", no, account_no=(account_no, payer_no), amount=(amount, moved), key=(key, once),
            given_back=(state == ChargeState.GIVEN_BACK.value, corrected is not None),
        )  # fmt: skip
    for no, account_no, amount, once, payee_no, moved, key in tx.all(_GIFTS):
        findings.equal(
            "chest_gift", no, account_no=(account_no, payee_no), amount=(amount, moved), key=(once, key)
        )
