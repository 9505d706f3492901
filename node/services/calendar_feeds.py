"""Addresses at which a member's calendar program reads what is on, without logging in: whoever has one reads it.

An address is made of the node's own secret, whose it is, which of the two calendars, and how often it was renewed: nobody
guesses one, and after a renewal the one before opens nothing. Nothing is open until its owner says so.
Source: docs/pages.md 7.2 (`/my/calendar`).
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from node.services.members import MAY_SIGN_IN, Member, member_by_no
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import calendars as schema

MAC_BYTES: Final = 16
ENDING: Final = ".ics"
_DIGITS_MAX: Final = 9

_C: Final = schema.calendar_feed.c
_ONE: Final = select(_C.renewed, _C.open).where(_C.member_no == bindparam("member_no"))
_SET: Final = upsert(schema.calendar_feed, key=("member_no",), update=("renewed", "open"))


class Which(StrEnum):
    """What a calendar shows."""

    MINE = "mine"  # what its owner said yes to, agreed and borrows
    ALL = "all"  # every event of the scheme


class Feed(NamedTuple):
    """What an address that fits opens."""

    member: Member
    which: Which


class CalendarFeeds:
    """See the head of this file."""

    def __init__(self, store: Store, *, secret: bytes, origin: str):
        self._store: Final = store
        self._secret: Final = secret
        self._origin: Final = origin.rstrip("/")

    async def renew(self, member: Member) -> None:
        """Open a member's calendars at new addresses; those before open nothing any more."""
        await self._store.write(self._renew, member.no)

    def _renew(self, tx: Tx, member_no: int) -> None:
        row = tx.one(_ONE, member_no=member_no)
        tx.run(_SET, member_no=member_no, renewed=1 if row is None else row[0] + 1, open=True)

    async def close(self, member: Member) -> None:
        """Let a member's addresses open nothing."""
        await self._store.write(self._close, member.no)

    def _close(self, tx: Tx, member_no: int) -> None:
        row = tx.one(_ONE, member_no=member_no)
        if row is not None:
            tx.run(_SET, member_no=member_no, renewed=row[0], open=False)

    def addresses(self, tx: ReadTx, member_no: int) -> dict[Which, str]:
        """Return a member's addresses; none while they are closed. A query."""
        row = tx.one(_ONE, member_no=member_no)
        if row is None or not row[1]:
            return {}
        return {
            which: f"{self._origin}/calendar/{self._name(member_no, which, row[0])}{ENDING}"
            for which in Which
        }

    def read(self, tx: ReadTx, name: str) -> Feed | None:
        """Return what the last part of an address opens; None for any that is not one of ours now. A query."""
        parts = name.removesuffix(ENDING).split("-")
        if len(parts) != 4 or parts[0] not in tuple(Which) or not name.endswith(ENDING):
            return None
        if not all(each.isascii() and each.isdigit() and len(each) <= _DIGITS_MAX for each in parts[1:3]):
            return None
        which, member_no, renewed = Which(parts[0]), int(parts[1]), int(parts[2])
        known = self._name(member_no, which, renewed) + ENDING
        if not hmac.compare_digest(known.encode(), name.encode()):
            return None
        row, member = tx.one(_ONE, member_no=member_no), member_by_no(tx, member_no)
        if row is None or tuple(row) != (renewed, True) or member is None or member.state not in MAY_SIGN_IN:
            return None
        return Feed(member, which)

    def _name(self, member_no: int, which: Which, renewed: int) -> str:
        said = "\0".join(("calendar", which.value, str(member_no), str(renewed))).encode()
        mac = hmac.digest(self._secret, said, "sha256")[:MAC_BYTES].hex()
        return f"{which.value}-{member_no}-{renewed}-{mac}"
