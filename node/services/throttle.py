"""Growing delays for whoever tries often: counted by account and by network, kept in the database.

A try is charged before it is judged, so that many at one moment are no way around it. Nobody can lock
somebody else out: tries from networks an account never signed in from are counted apart from its own.
Source: docs/pages.md 0.8.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, select

from node.store import Tx, upsert
from node.store.schema import people as schema
from protocol.limits import DAY_MS, MINUTE_MS

MARK_BYTES: Final = 16
FORGOTTEN_AFTER_MS: Final = DAY_MS
COUNT_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The first `free` tries cost nothing; then each doubles the wait, from `first_ms` up to `most_ms`."""

    free: int
    first_ms: int
    most_ms: int

    def delay_ms(self, count: int) -> int:
        """Return the wait after the `count`-th try."""
        return 0 if count < self.free else min(self.most_ms, self.first_ms << min(count - self.free, 32))


# Six digits: at one try in 15 minutes, half of all PINs take 14 years.
PIN_TRIES: Final = Pace(free=5, first_ms=2_000, most_ms=15 * MINUTE_MS)
# A family, a library or a village behind one address tries more often than one person.
NETWORK_TRIES: Final = Pace(free=20, first_ms=1_000, most_ms=15 * MINUTE_MS)
# What one network may ask of us that costs mail or an organiser's time.
NETWORK_REQUESTS: Final = Pace(free=10, first_ms=30_000, most_ms=15 * MINUTE_MS)
# Mail to one person. It bounds how many codes can be guessed at, too.
MAILS: Final = Pace(free=3, first_ms=MINUTE_MS, most_ms=10 * MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Counted:
    """Something whose tries are counted."""

    mark: bytes
    pace: Pace


_T: Final = schema.throttle.c
_READ: Final = select(_T.count, _T.last_ms, _T.until_ms).where(_T.mark == bindparam("mark"))
_WRITE: Final = upsert(schema.throttle, key=("mark",), update=("count", "last_ms", "until_ms"))
_FORGET_ONE: Final = delete(schema.throttle).where(_T.mark == bindparam("which"))
_FORGET: Final = delete(schema.throttle).where(_T.last_ms < bindparam("before"))


class Throttle:
    """Counts tries under keyed marks, so that the table names neither members nor addresses."""

    def __init__(self, secret: bytes):
        self._secret: Final = secret

    def mark(self, *parts: str) -> bytes:
        """Return the mark of what `parts` name together."""
        return hmac.digest(self._secret, "\0".join(("throttle", *parts)).encode(), "sha256")[:MARK_BYTES]

    def charge(self, tx: Tx, counted: Iterable[Counted], now_ms: int) -> int:
        """Count a try against each of `counted` and return 0; or count nothing and return the ms to wait."""
        rows = []
        wait_ms = 0
        for each in counted:
            count, last_ms, until_ms = tx.one(_READ, mark=each.mark) or (0, now_ms, 0)
            if now_ms - last_ms > FORGOTTEN_AFTER_MS:
                count, until_ms = 0, 0
            wait_ms = max(wait_ms, until_ms - now_ms)
            rows.append((each, count))
        if wait_ms > 0:
            return wait_ms
        for each, count in rows:
            after = min(COUNT_MAX, count + 1)
            tx.run(
                _WRITE,
                mark=each.mark,
                count=after,
                last_ms=now_ms,
                until_ms=now_ms + each.pace.delay_ms(after),
            )
        return 0

    def refund(self, tx: Tx, counted: Counted) -> None:
        """Take back one try: it turned out to be right."""
        row = tx.one(_READ, mark=counted.mark)
        if row is not None:
            count, last_ms, _ = row
            tx.run(_WRITE, mark=counted.mark, count=max(0, count - 1), last_ms=last_ms, until_ms=0)

    def forget(self, tx: Tx, mark: bytes) -> None:
        """Count from nothing again."""
        tx.run(_FORGET_ONE, which=mark)

    def tidy(self, tx: Tx, now_ms: int) -> None:
        """Drop what is forgotten anyway."""
        tx.run(_FORGET, before=now_ms - FORGOTTEN_AFTER_MS)
