"""The outbox: mail is written in the unit that causes it, and sent afterwards for as long as it makes sense.

Without a mail server everything stays here, where organisers can read it out or print it: a scheme without
mail works whole. How a message reaches a server is in `smtp.py`. Source: docs/pages.md 0.8.
"""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final, Protocol

import structlog
from babel.dates import LOCALTZ
from sqlalchemy import bindparam, delete, func, insert, select, update

from node.clock import Clock
from node.mail.night import after_night
from node.store import ReadTx, Store, Tx
from node.store.schema import mail as schema
from node.store.statements import Row
from protocol.limits import DAY_MS, HOUR_MS, MINUTE_MS

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

# A server that is away for a weekend is forgiven; after that nobody waits for the mail any more.
RETRY_FIRST_MS: Final = MINUTE_MS
RETRY_MOST_MS: Final = 6 * HOUR_MS
GIVE_UP_AFTER_MS: Final = 4 * DAY_MS
SENT_KEPT_MS: Final = 30 * DAY_MS
AT_ONCE_MAX: Final = 20
# The job looks by itself this often; new mail wakes it at once.
LOOK_EVERY_MS: Final = MINUTE_MS


class MailState(enum.StrEnum):
    """What became of a mail."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"  # by the server, for good
    LAPSED = "lapsed"  # its moment passed, or nobody took it for days


class MailDelayed(Exception):
    """The server cannot take it now; it is tried again."""


class MailRefused(Exception):
    """The server will never take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail of the outbox. `text` is empty where organisers may not read it."""

    no: int
    recipient: str
    subject: str
    text: str
    state: MailState
    tries: int
    reason: str
    created_ms: int
    private: bool
    html: str = ""  # the same in another form, or nothing
    stop_link: str = ""  # where its reader stops such mail


class Transport(Protocol):
    """Hands a mail to a server."""

    async def send(self, mail: Mail) -> None:
        """Return once the server has it. Raises MailDelayed, MailRefused."""


_M: Final = schema.mail.c
_COLUMNS: Final = (
    _M.no, _M.recipient, _M.subject, _M.text, _M.state, _M.tries, _M.reason, _M.created_ms, _M.private, _M.html,
    _M.stop_link,
)  # fmt: skip
_NEW: Final = insert(schema.mail)
_WAITING: Final = _M.state == MailState.WAITING.value
_DUE: Final = (
    select(*_COLUMNS)
    .where(_WAITING, _M.next_ms <= bindparam("now"))
    .order_by(_M.next_ms, _M.no)
    .limit(AT_ONCE_MAX)
)
_SHOWN: Final = (
    select(*_COLUMNS)
    .where(_M.state != MailState.SENT.value)
    .order_by(_M.no.desc())
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_SHOWN_COUNT: Final = select(func.count()).select_from(schema.mail).where(_M.state != MailState.SENT.value)
_EMPTY: Final = {"text": "", "html": "", "stop_link": ""}
_END: Final = (
    update(schema.mail)
    .where(_M.no == bindparam("which"), _WAITING)
    .values(state=bindparam("new_state"), reason=bindparam("why"), ended_ms=bindparam("now"), **_EMPTY)
)
_RETRY: Final = (
    update(schema.mail)
    .where(_M.no == bindparam("which"))
    .values(tries=bindparam("new_tries"), reason=bindparam("why"), next_ms=bindparam("new_next"))
)
_LAPSE: Final = (
    update(schema.mail)
    .where(_WAITING, _M.until_ms <= bindparam("now"))
    .values(state=MailState.LAPSED.value, ended_ms=bindparam("now"), **_EMPTY)
)
_STATE_OF: Final = select(_M.state, _M.ended_ms).where(_M.no == bindparam("no"))
_FORGET: Final = delete(schema.mail).where(_M.ended_ms <= bindparam("before"))


def _mail(row: Row) -> Mail:
    no, recipient, subject, text, state, tries, reason, created_ms, private, html, stop_link = row
    return Mail(
        no=no,
        recipient=str(recipient),
        subject=str(subject),
        text=str(text),
        state=MailState(str(state)),
        tries=tries,
        reason=str(reason),
        created_ms=created_ms,
        private=bool(private),
        html=str(html),
        stop_link=str(stop_link),
    )


def unsent_mails(tx: ReadTx, *, skip: int = 0, most: int = 20) -> tuple[list[Mail], int]:
    """Return mail that was not sent, newest first, as organisers may see it, and how much there is in all."""
    rows = [_mail(row) for row in tx.all(_SHOWN, skip=skip, most=most)]
    shown = [replace(mail, text="", html="", stop_link="") if mail.private else mail for mail in rows]
    return shown, int(tx.scalar(_SHOWN_COUNT))


def state_of_mail(tx: ReadTx, no: int) -> tuple[MailState, int | None] | None:
    """Return what became of a mail and when; None for one that is forgotten."""
    row = tx.one(_STATE_OF, no=no)
    return None if row is None else (MailState(str(row[0])), row[1])


class Outbox:
    """Takes mail in units, and sends it while `run` runs."""

    def __init__(self, store: Store, clock: Clock, transport: Transport | None, zone: tzinfo = LOCALTZ):
        """`zone` is where it is night."""
        self._zone: Final = zone
        self._store: Final = store
        self._clock: Final = clock
        self._transport: Final = transport
        self._woken: Final = asyncio.Event()

    @property
    def sends(self) -> bool:
        """Whether there is a server to send through."""
        return self._transport is not None

    def queue(
        self, tx: Tx, to: str, subject: str, text: str, *, member_no: int | None = None, private: bool = False,
        until_ms: int | None = None, rests: bool = False, html: str = "", stop_link: str = "",
    ) -> int:  # fmt: skip
        """Write a mail; a part of the unit that causes it. `private` hides a text that lets its reader sign in.

        One that `rests` is sent in the morning if it is night, unless it is worth nothing by then.
        """
        now_ms = self._clock.now_ms()
        morning_ms = after_night(now_ms, self._zone) if rests else now_ms
        no = tx.insert(
            _NEW,
            recipient=to,
            subject=subject,
            text=text,
            html=html,
            stop_link=stop_link,
            member_no=member_no,
            private=private,
            state=MailState.WAITING.value,
            tries=0,
            reason="",
            created_ms=now_ms,
            next_ms=morning_ms if until_ms is None or morning_ms < until_ms else now_ms,
            until_ms=until_ms,
            ended_ms=None,
        )
        tx.on_commit(self._woken.set)
        return no

    async def run(self) -> None:
        """Send what is due, again and again, until cancelled."""
        while True:
            self._woken.clear()
            if not await self.send_due():
                try:
                    async with asyncio.timeout(LOOK_EVERY_MS / 1000):
                        await self._woken.wait()
                except TimeoutError:
                    continue

    async def send_due(self) -> int:
        """Send what is due now; return how many mails were tried. Those whose moment passed are dropped."""
        await self._store.write(self._lapse)
        if self._transport is None:
            return 0
        due = await self._store.read(_due, self._clock.now_ms())
        for mail in due:
            try:
                await self._transport.send(mail)
            except MailRefused as refused:
                log.warning("mail_refused", mail=mail.no, reason=str(refused))
                await self._store.write(self._end, mail.no, MailState.REFUSED, str(refused))
            except MailDelayed as delayed:
                log.info("mail_delayed", mail=mail.no, tries=mail.tries + 1, reason=str(delayed))
                await self._store.write(self._retry, mail, str(delayed))
            else:
                await self._store.write(self._end, mail.no, MailState.SENT, "")
        return len(due)

    def _lapse(self, tx: Tx) -> None:
        now_ms = self._clock.now_ms()
        tx.run(_LAPSE, now=now_ms)
        tx.run(_FORGET, before=now_ms - SENT_KEPT_MS)

    def _end(self, tx: Tx, no: int, state: MailState, why: str) -> None:
        tx.run(_END, which=no, new_state=state.value, why=why, now=self._clock.now_ms())

    def _retry(self, tx: Tx, mail: Mail, why: str) -> None:
        now_ms = self._clock.now_ms()
        if now_ms - mail.created_ms > GIVE_UP_AFTER_MS:
            self._end(tx, mail.no, MailState.LAPSED, why)
            return
        delay_ms = min(RETRY_MOST_MS, RETRY_FIRST_MS << min(mail.tries, 16))
        tx.run(_RETRY, which=mail.no, new_tries=mail.tries + 1, why=why, new_next=now_ms + delay_ms)


def _due(tx: ReadTx, now_ms: int) -> list[Mail]:
    return [_mail(row) for row in tx.all(_DUE, now=now_ms)]
