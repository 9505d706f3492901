"""A clock that stands still unless moved, and a mail server that keeps what it is given."""

from __future__ import annotations

from dataclasses import dataclass, field

from node.mail.outbox import Mail
from tests.builders import NOW


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
