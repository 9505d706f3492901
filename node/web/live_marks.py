"""How it stands with what a member sees, in a few letters: two pages with the same marks show the same.

An open page carries the marks of what it shows and is told when they are others (`live.py`). A mark says nothing of what changed. It
comes from the very queries the page is made of, remembered like these: it is reckoned anew only after a commit to what they read.
Source: docs/pages.md 0.4; decision 50.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import bindparam, func, select

from node.services.cheque_rows import all_standing
from node.services.trades import is_arriving, newest_trades, trades_waiting
from node.store import ReadTx
from node.store.schema import letters as schema
from node.web.context import Context
from node.web.pages.waiting import Mine, read_mine
from protocol.names import SchemeId

# A page about an older trade is not told of it, unless it is still under way.
TRADES_LOOKED_AT: Final = 20
MARK_BYTES: Final = 8


class Kind(enum.StrEnum):
    """What can change of an open page."""

    MESSAGES = (
        "messages"  # what was written, and how many messages wait: the bar at every page's end shows it
    )
    HOME = "home"  # what waits for the member, and their balance
    TRADES = "trades"  # what became of their trades
    SLIPS = "slips"  # how cheques and slips stand that are on their way to other schemes


Marks = dict[Kind, str]
_ONE: Final = rf"[a-z]+-[0-9a-f]{{{2 * MARK_BYTES}}}"
_TEXT: Final = re.compile(rf"{_ONE}(?:\.{_ONE}){{0,{len(Kind) - 1}}}")

_T: Final = schema.thread.c
_M: Final = schema.message.c
_MINE: Final = _T.account_no == bindparam("account_no")
_THREADS: Final = select(func.count(), func.max(_T.last_ms), func.sum(_T.unread)).where(_MINE)
# What became of one's own messages, and what came of an agreed day, stands in the conversation too.
_ANSWERED: Final = (
    select(func.count(_M.answered_ms), func.max(_M.answered_ms), func.max(_M.no))
    .select_from(schema.thread.join(schema.message, _M.thread_no == _T.no))
    .where(_MINE)
)


def _mark(shown: object) -> str:
    return hashlib.blake2b(repr(shown).encode(), digest_size=MARK_BYTES).hexdigest()


def read_home(tx: ReadTx, now_ms: int, member_no: int, account_no: int, own: SchemeId) -> tuple[str, Mine]:
    """Query: the mark of a member's first page, and what stands there."""
    mine = read_mine(tx, now_ms, member_no, account_no, own)
    return _mark(mine), mine


def _read_messages(
    tx: ReadTx, _now_ms: int, _member_no: int, account_no: int, _own: SchemeId
) -> tuple[str, object]:
    return _mark(tx.all(_THREADS, account_no=account_no) + tx.all(_ANSWERED, account_no=account_no)), None


def _read_trades(
    tx: ReadTx, _now_ms: int, _member_no: int, account_no: int, _own: SchemeId
) -> tuple[str, object]:
    trades = newest_trades(tx, account_no, TRADES_LOOKED_AT)
    return _mark((trades, [is_arriving(tx, each) for each in trades], trades_waiting(tx, account_no))), None


def _read_slips(
    tx: ReadTx, _now_ms: int, _member_no: int, _account_no: int, _own: SchemeId
) -> tuple[str, object]:
    return _mark(all_standing(tx)), None


Read = Callable[[ReadTx, int, int, int, SchemeId], tuple[str, object]]
QUERIES: Final[Mapping[Kind, Read]] = {
    Kind.MESSAGES: _read_messages,
    Kind.HOME: read_home,
    Kind.TRADES: _read_trades,
    Kind.SLIPS: _read_slips,
}


def marks_text(marks: Marks) -> str:
    """Return marks as a page carries them: "messages-5d….home-0c…"."""
    return ".".join(f"{kind}-{mark}" for kind, mark in marks.items())


def parse_marks(text: str) -> Marks | None:
    """Return what `marks_text` wrote, or None of anything else."""
    if _TEXT.fullmatch(text) is None:
        return None
    said = [each.partition("-") for each in text.split(".")]
    if not {kind for kind, _, _ in said} <= set(Kind):
        return None
    return {Kind(kind): mark for kind, _, mark in said}


async def marks_for(context: Context, *kinds: Kind) -> str:
    """Return the marks a page of its reader's carries to be told of `kinds` and of messages; "" if it is told of nothing.

    Asked for before the page reads what it shows: what changes in between is then told of, and at worst shown twice.
    """
    if context.session is None or context.acting is not None or context.settings.maintenance:
        return ""
    member, own = context.session.member, context.node.scheme
    found = {
        kind: await context.remember(QUERIES[kind], member.no, member.account_no, own)
        for kind in (Kind.MESSAGES, *kinds)
    }
    return marks_text({kind: mark for kind, (mark, _) in found.items()})
