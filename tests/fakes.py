"""A clock that stands still unless moved, and a mail server that keeps what it is given."""

from __future__ import annotations

from dataclasses import dataclass, field

from node.mail.outbox import Mail, Outbox
from protocol.limits import HOUR_MS
from tests.builders import NOW

NIGHT_MS = 10 * HOUR_MS


@dataclass
class StoppedClock:
    now: int = NOW

    def now_ms(self) -> int:
        return self.now


@dataclass
class MailServer:
    """Keeps what it is given, or raises `trouble`."""

    taken: list[Mail] = field(default_factory=list)
    trouble: Exception | None = None

    async def send(self, mail: Mail) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.taken.append(mail)


async def mailed(outbox: Outbox, clock: StoppedClock, server: MailServer) -> list[Mail]:
    """Return everything mailed so far, oldest first, after sending what is due now or in the morning."""
    now = clock.now
    await outbox.send_due()
    clock.now = now + NIGHT_MS
    await outbox.send_due()
    clock.now = now
    return server.taken
