"""Whom another scheme's organiser names from a cheque or slip, by number and name. Source: docs/protocol.md 7.11.

Both must fit, so that a slip of the pen pays nobody and numbers cannot be tried out; of guesses that fit nobody only so
many a day are looked at.
"""

from __future__ import annotations

from typing import Final

from node.clock import Clock
from node.services.folding import fold
from node.services.members import member_by_no
from node.store import Tx
from protocol.limits import CHEQUE_GUESSES_A_DAY, DAY_MS
from protocol.names import SchemeId


class NamedFromPaper:
    """See the head of this file."""

    def __init__(self, clock: Clock):
        self._clock: Final = clock
        self._day = 0
        self._wrong: Final[dict[SchemeId, int]] = {}

    def find(self, tx: Tx, scheme: SchemeId, number: int, name: str) -> int | None:
        """Unit: return the account of whom `scheme` names; None if it is nobody, or it has guessed often enough today."""
        day = self._clock.now_ms() // DAY_MS
        if self._day == day and self._wrong.get(scheme, 0) >= CHEQUE_GUESSES_A_DAY:
            return None
        member = member_by_no(tx, number)
        if member is not None and member.may_trade and fits(name, member.name):
            return member.account_no
        tx.on_commit(self._note, scheme, day)
        return None

    def _note(self, scheme: SchemeId, day: int) -> None:
        if day != self._day:
            self._day = day
            self._wrong.clear()
        self._wrong[scheme] = self._wrong.get(scheme, 0) + 1


def fits(written: str, name: str) -> bool:
    """Tell whether each word that is written is one of a name's, without case and accents, and there is one."""
    words = fold(written).split()
    return bool(words) and set(words) <= set(fold(name).split())
