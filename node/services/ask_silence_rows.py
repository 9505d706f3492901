"""Requests for payment whose silence counts, in the store: which are due, warned of, or wait for somebody who is away.

Units and queries only. Source: docs/protocol.md 3.11.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, literal_column, select, update

from node.services.ask_rows import OPEN_ASK
from node.store import ReadTx, Tx
from node.store.schema import asks as schema
from protocol.asking import moved_by_absence

# Why a request ended without a word of its payer's, where silence counts (3.11).
SILENT: Final = "silence"
TOO_FAR: Final = "limit"  # and a limit was in the way

_A: Final = schema.ask.c
_COUNTING: Final = (_A.state == literal_column("'asked'"), _A.counts.is_(True))
_SILENT: Final = select(_A.no).where(*_COUNTING, _A.until_ms <= bindparam("before")).order_by(_A.no)
_WARNED: Final = (
    update(schema.ask)
    .where(_A.no == bindparam("which"))
    .values(warned=_A.warned + 1, warning_no=bindparam("new_mail"), until_ms=bindparam("new_until"))
)
_NO_MORE: Final = update(schema.ask).where(_A.no == bindparam("which")).values(counts=False)
_NONE_MORE: Final = update(schema.ask).where(*_COUNTING).values(counts=False)
_LOCAL_OPEN: Final = select(_A.no, _A.until_ms).where(
    _A.payer_no == bindparam("account_no"), _A.kind == literal_column("'local'"), *OPEN_ASK
)
_MOVED: Final = (
    update(schema.ask)
    .where(_A.no == bindparam("which"))
    .values(until_ms=bindparam("new_until"), warned=0, warning_no=None)
)


def silent_asks(tx: ReadTx, before_ms: int) -> list[int]:
    """Return the numbers of requests that silence answers before a moment. Source: 3.11."""
    return [no for (no,) in tx.all(_SILENT, before=before_ms)]


def note_warned(tx: Tx, no: int, mail_no: int, until_ms: int) -> None:
    """Unit: note that a warning was written, and from when silence counts now."""
    tx.run(_WARNED, which=no, new_mail=mail_no, new_until=until_ms)


def count_no_more(tx: Tx, no: int | None = None) -> None:
    """Unit: let the silence of a request, or of all that wait, count no more: it runs out."""
    if no is None:
        tx.run(_NONE_MORE)
    else:
        tx.run(_NO_MORE, which=no)


def move_asks(tx: Tx, account_no: int, *, before_ms: int | None, after_ms: int | None, now_ms: int) -> None:
    """Unit: let no clock run for what waits with a payer who is away, and warn anew afterwards. Source: 3.11."""
    for no, until_ms in tx.all(_LOCAL_OPEN, account_no=account_no, now=now_ms):
        until = moved_by_absence(until_ms, before_ms=before_ms, after_ms=after_ms, now_ms=now_ms)
        tx.run(_MOVED, which=no, new_until=until)
