"""How often a member wants to be written to, and links in mails by which anybody who has the mail can make it less.

A link says whose mail stops and which, and is sealed with the node's own secret: it cannot be made up, nor turned to
somebody else or to another purpose. Once its owner asked for more mail again, links from before do nothing.
Source: docs/pages.md 7.1 (`/m/{token}`), 7.2 (`/my/mail`), 9; RFC 8058.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select

from node.clock import Clock
from node.services.alert_rows import pause_all
from node.services.members import Member, State, member_by_no
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import alerts as schema

MAC_BYTES: Final = 16
_NUMBER_DIGITS_MAX: Final = 18

_W: Final = schema.mail_wish.c
_WISH: Final = select(_W.level, _W.news_again_ms, _W.searches_again_ms).where(
    _W.member_no == bindparam("member_no")
)
_SET: Final = upsert(
    schema.mail_wish, key=("member_no",), update=("level", "news_again_ms", "searches_again_ms")
)
_N: Final = schema.mail_news.c
_NEW_NEWS: Final = insert(schema.mail_news)
_NO_NEWS: Final = delete(schema.mail_news).where(_N.member_no == bindparam("which"))


class Level(StrEnum):
    """How often somebody wants to be written to."""

    AT_ONCE = "at-once"  # of everything when it happens
    WEEKLY = "weekly"  # once a week; at once of what waits for them
    MUST_ACT = "must-act"  # only of what waits for them


USUAL: Final = Level.WEEKLY
_MORE: Final = (Level.MUST_ACT, Level.WEEKLY, Level.AT_ONCE)


class Purpose(StrEnum):
    """What a link in a mail stops."""

    NEWS = "news"  # everything that needs no answer, the weekly mail with it
    SEARCHES = "searches"  # mails about what their searches found


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What a link that fits would do."""

    member: Member
    purpose: Purpose
    outdated: bool  # they asked for more mail since: it does nothing


class _Wish(NamedTuple):
    level: Level
    news_again_ms: int
    searches_again_ms: int


def _wish(tx: ReadTx, member_no: int) -> _Wish:
    row = tx.one(_WISH, member_no=member_no)
    return _Wish(USUAL, 0, 0) if row is None else _Wish(Level(row[0]), row[1], row[2])


def _set(tx: Tx, member_no: int, wish: _Wish) -> None:
    tx.run(_SET, member_no=member_no, **{**wish._asdict(), "level": wish.level.value})


def level_of(tx: ReadTx, member_no: int) -> Level:
    """Return how often somebody wants to be written to."""
    return _wish(tx, member_no).level


def choose_in(tx: Tx, member_no: int, level: Level, now_ms: int) -> None:
    """Unit: let somebody be written to so often from now on."""
    before = _wish(tx, member_no)
    more = _MORE.index(level) > _MORE.index(before.level)
    _set(tx, member_no, before._replace(level=level, news_again_ms=now_ms if more else before.news_again_ms))
    if level is not Level.WEEKLY:
        tx.run(_NO_NEWS, which=member_no)  # it is on their pages, and would only come late


def searches_again(tx: Tx, member_no: int, now_ms: int) -> None:
    """Unit: note that somebody wants to be told again of what a search finds."""
    _set(tx, member_no, _wish(tx, member_no)._replace(searches_again_ms=now_ms))


def put_news(tx: Tx, member_no: int, text: str, path: str, now_ms: int) -> None:
    """Unit: keep what needs no answer for somebody's weekly mail."""
    tx.run(_NEW_NEWS, member_no=member_no, at_ms=now_ms, text=text, path=path)


class MailWishes:
    """See the head of this file."""

    def __init__(self, store: Store, clock: Clock, *, secret: bytes, origin: str):
        self._store: Final = store
        self._clock: Final = clock
        self._secret: Final = secret
        self._origin: Final = origin.rstrip("/")

    async def choose(self, member: Member, level: Level) -> None:
        """Let a member choose."""
        await self._store.write(choose_in, member.no, level, self._clock.now_ms())

    # --- links --------------------------------------------------------------------------------------------------

    def link(self, member_no: int, purpose: Purpose) -> str:
        """Return the address of the page that stops such mail to a member; made now."""
        made_ms = self._clock.now_ms()
        mac = self._mac(member_no, purpose, made_ms)
        return f"{self._origin}/m/{purpose.value}-{member_no}-{made_ms}-{mac}"

    def read(self, tx: ReadTx, text: str) -> Stop | None:
        """Return what a link's last part means; None for one that we did not make, or whose member has left. A query."""
        parts = text.split("-")
        if len(parts) != 4 or parts[0] not in tuple(Purpose):
            return None
        if not all(
            each.isascii() and each.isdigit() and len(each) <= _NUMBER_DIGITS_MAX for each in parts[1:3]
        ):
            return None
        purpose, member_no, made_ms = Purpose(parts[0]), int(parts[1]), int(parts[2])
        known = f"{purpose.value}-{member_no}-{made_ms}-{self._mac(member_no, purpose, made_ms)}"
        if not hmac.compare_digest(known.encode(), text.encode()):
            return None
        member = member_by_no(tx, member_no)
        if member is None or member.state is State.LEFT:
            return None
        wish = _wish(tx, member_no)
        again_ms = wish.news_again_ms if purpose is Purpose.NEWS else wish.searches_again_ms
        return Stop(member=member, purpose=purpose, outdated=made_ms < again_ms)

    async def stop(self, text: str) -> Stop | None:
        """Do what a link says, unless it is outdated; return what it means, or None as `read` does."""
        return await self._store.write(self._stop, text)

    def _stop(self, tx: Tx, text: str) -> Stop | None:
        stop = self.read(tx, text)
        if stop is None or stop.outdated:
            return stop
        match stop.purpose:
            case Purpose.NEWS:
                choose_in(tx, stop.member.no, Level.MUST_ACT, self._clock.now_ms())
            case Purpose.SEARCHES:
                pause_all(tx, stop.member.no)
        return stop

    def _mac(self, member_no: int, purpose: Purpose, made_ms: int) -> str:
        said = "\0".join(("stop-mail", purpose.value, str(member_no), str(made_ms))).encode()
        return hmac.digest(self._secret, said, "sha256")[:MAC_BYTES].hex()
