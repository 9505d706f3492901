"""Admins are written to when something about the node needs mending, again each week while it does, and when it is mended.

Something has to be found at two looks in a row: what mends itself within the hour is no news. Source: docs/operating.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from node.clock import Clock
from node.findings import Finding, State
from node.mail import upkeep_texts
from node.mail.outbox import Outbox
from node.services.members import Member, admins
from node.services.settings import Settings
from node.store import ReadTx, Store, Tx
from node.store.schema import upkeep as schema
from protocol.limits import DAY_MS

TOLD_AGAIN_MS: Final = 7 * DAY_MS
# Whoever reads the mails sees that they do not come, and admins without mail see it on the page.
NOT_MAILED: Final = frozenset({"mail"})

_T: Final = schema.trouble.c
_ALL: Final = select(_T.name, _T.since_ms, _T.told_ms)
_NEW: Final = insert(schema.trouble)
_TOLD: Final = update(schema.trouble).where(_T.name == bindparam("which")).values(told_ms=bindparam("now"))
_GONE: Final = delete(schema.trouble).where(_T.name == bindparam("which"))


@dataclass(frozen=True, slots=True)
class Known:
    """A problem that was found before."""

    name: str
    since_ms: int
    told_ms: int | None


@dataclass(frozen=True, slots=True)
class News:
    """What a look finds, against what was known."""

    noted: frozenset[str]  # found for the first time
    told: frozenset[str]  # to be told now
    mended: frozenset[str]  # found before and told, and no more
    forgotten: frozenset[str]  # found before, and no more; told or not


def news_of(found: Collection[str], known: Sequence[Known], now_ms: int) -> News:
    """Return what is new about the problems `found`."""
    before = {each.name: each for each in known}
    return News(
        noted=frozenset(found) - before.keys(),
        told=frozenset(
            name
            for name in before.keys() & set(found)
            if (told_ms := before[name].told_ms) is None or told_ms <= now_ms - TOLD_AGAIN_MS
        ),
        mended=frozenset(
            name for name, each in before.items() if name not in found and each.told_ms is not None
        ),
        forgotten=frozenset(before.keys() - set(found)),
    )


class Troubles:
    """Notes problems, and writes mails about them to all admins who have mail; `page` is where they see how all stands."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        outbox: Outbox,
        settings: Settings,
        origin: str,
        page: str = "/node",
    ):
        self._store: Final = store
        self._clock: Final = clock
        self._outbox: Final = outbox
        self._settings: Final = settings
        self._link: Final = origin.rstrip("/") + page

    async def take(self, findings: Sequence[Finding]) -> None:
        """Note what was found, and tell what is to be told."""
        await self._store.write(self._take, findings)

    def _take(self, tx: Tx, findings: Sequence[Finding]) -> None:
        now_ms = self._clock.now_ms()
        problems = {
            each.name: each
            for each in findings
            if each.state is State.PROBLEM and each.name not in NOT_MAILED
        }
        news = news_of(problems, known(tx), now_ms)
        for name in sorted(news.noted):
            tx.run(_NEW, name=name, since_ms=now_ms, told_ms=None)
        for name in sorted(news.told):
            tx.run(_TOLD, which=name, now=now_ms)
        for name in sorted(news.forgotten):
            tx.run(_GONE, which=name)
        if (news.told or news.mended) and self._outbox.sends:
            found = [problems[name] for name in sorted(news.told)]
            mended = upkeep_texts.Mended(sorted(news.mended), all_well=not problems)
            for admin in admins(tx):
                self._mail(tx, admin, found, mended)

    def _mail(self, tx: Tx, admin: Member, found: Sequence[Finding], mended: upkeep_texts.Mended) -> None:
        if admin.email is None:
            return
        text = upkeep_texts.troubles_mail(
            self._settings.now, admin.language, admin.name, found, mended, self._link
        )
        self._outbox.queue(tx, admin.email, text.subject, text.body, member_no=admin.no)


def known(tx: ReadTx) -> list[Known]:
    """Return the problems that were found at the last look."""
    return [Known(name, since_ms, told_ms) for name, since_ms, told_ms in tx.all(_ALL)]
