"""Passwords: a way to log in for whoever wants one, beside mail, PIN and passkey. Source: docs/pages.md 8.13; NIST SP 800-63B, 3.1.1.

Long ones of any kind: no signs are asked for, and none is refused but what everybody would try first. Logging in with one is in
`sign_in.py`, where its tries are counted together with those of the PIN. Nobody but its owner sets one, and nobody reads it.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Iterable
from typing import Final

from sqlalchemy import bindparam, delete, select

from node.clock import Clock
from node.services import sessions
from node.services.common_passwords import COMMON
from node.services.hashing import Hasher
from node.services.members import Member
from node.services.sessions import is_fresh_of
from node.services.settings import Settings
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import passwords as schema

CHARACTERS_MIN: Final = 12
CHARACTERS_MAX: Final = 128
DIFFERENT_MIN: Final = 5  # characters; "aaaaaaaaaaaa" and "121212121212" are tried first, too
DIGITS: Final = "0123456789"
COUNTING: Final = DIGITS * (CHARACTERS_MAX // 10 + 1)
PIECE_CHARACTERS_MIN: Final = 3  # of a name that is looked for in a password


class Unfit(enum.Enum):
    """Why a password is not taken."""

    SHORT = enum.auto()
    LONG = enum.auto()
    COMMON = enum.auto()


class PasswordUnfit(Exception):
    """An honest no; `why` says so."""

    def __init__(self, why: Unfit):
        super().__init__(why.name)
        self.why: Final = why


class NotFresh(Exception):
    """An honest no: the member logged in too long ago, or is logged out by now."""


_P: Final = schema.password.c
_HASH: Final = select(_P.hash).where(_P.member_no == bindparam("no"))
_SINCE: Final = select(_P.set_ms).where(_P.member_no == bindparam("no"))
_SET: Final = upsert(schema.password, key=("member_no",), update=("hash", "set_ms"))
_REMOVE: Final = delete(schema.password).where(_P.member_no == bindparam("whose"))


def password_hash(tx: ReadTx, no: int) -> str | None:
    """Return the hash of a member's password, None if there is none. A query."""
    stored = tx.scalar(_HASH, no=no)
    return None if stored is None else str(stored)


def password_since(tx: ReadTx, no: int) -> int | None:
    """Return when a member set the password they have, None if there is none. A query."""
    found = tx.scalar(_SINCE, no=no)
    return None if found is None else int(found)


def check_password(password: str, known: Iterable[str]) -> None:
    """Raises PasswordUnfit: too short or long, or what somebody would try who knows `known` of its owner."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    if len(plain) < CHARACTERS_MIN:
        raise PasswordUnfit(Unfit.SHORT)
    if len(password) > CHARACTERS_MAX:
        raise PasswordUnfit(Unfit.LONG)
    core = "".join(sign for sign in plain if sign.isalnum())  # without what people put around a word
    unnamed = core
    for piece in sorted({part for text in known for part in _pieces(text)}, key=len, reverse=True):
        unnamed = unnamed.replace(piece, "")
    word = unnamed.strip(DIGITS)
    only_names = unnamed != core and not word
    counting = core != "" and any(core in row for row in (COUNTING, COUNTING[::-1]))
    if len(set(plain)) < DIFFERENT_MIN or only_names or counting or {core, unnamed, word} & COMMON:
        raise PasswordUnfit(Unfit.COMMON)


def _pieces(text: str) -> list[str]:
    """Return the words of a name or an address, as they would stand in a password."""
    plain = "".join(
        sign if sign.isalnum() else " " for sign in unicodedata.normalize("NFKC", text).casefold()
    )
    return [each for each in (*plain.split(), plain.replace(" ", "")) if len(each) >= PIECE_CHARACTERS_MIN]


class Passwords:
    """See the head of this file."""

    def __init__(self, store: Store, clock: Clock, *, settings: Settings, hasher: Hasher):
        self._store: Final = store
        self._clock: Final = clock
        self._settings: Final = settings
        self._hasher: Final = hasher

    async def set(self, by: Member, session: str, password: str) -> None:
        """Let a member log in with this password from now on, and end their sessions in all browsers but this one.

        Raises:
            PasswordUnfit: it is not taken. NotFresh: the session `session` is none of theirs, or not young enough.
        """
        now = self._settings.now
        check_password(
            password, (by.name, by.public_name, by.email or "", by.place, by.number, now.name, now.place)
        )
        hashed = await self._hasher.hash(password)
        if not await self._store.write(self._set, by.no, session, hashed):
            raise NotFresh

    def _set(self, tx: Tx, no: int, session: str, hashed: str) -> bool:
        if not is_fresh_of(tx, session, no, self._clock.now_ms()):
            return False
        tx.run(_SET, member_no=no, hash=hashed, set_ms=self._clock.now_ms())
        sessions.end_other_sessions(tx, no, session)
        return True

    async def remove(self, by: Member, session: str) -> bool:
        """Take a member's password away; False if there was none. Ends their other sessions. Raises NotFresh."""
        removed = await self._store.write(self._remove, by.no, session)
        if removed is None:
            raise NotFresh
        return removed

    def _remove(self, tx: Tx, no: int, session: str) -> bool | None:
        if not is_fresh_of(tx, session, no, self._clock.now_ms()):
            return None
        removed = tx.run(_REMOVE, whose=no) > 0
        if removed:
            sessions.end_other_sessions(tx, no, session)
        return removed
