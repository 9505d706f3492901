"""What others sent that made our own code fail, kept so that it can be looked into. Source: docs/protocol.md 0.5."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import bindparam, delete, insert

from node.clock import Clock
from node.store import Store, Tx
from node.store.schema import lines as lines_schema
from node.supervisor import Supervisor
from protocol.names import SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

QUARANTINED_MAX: Final = 1_000
QUARANTINE_REASON_MAX: Final = 500

_Q: Final = lines_schema.quarantine
_NEW_QUARANTINED: Final = insert(_Q)
_OLD_QUARANTINED: Final = delete(_Q).where(_Q.c.no <= bindparam("before"))


class Quarantine:
    """Keeps foreign input that made our own code fail, so that it can be looked into. Source: 0.5."""

    def __init__(self, store: Store, clock: Clock):
        self._store: Final = store
        self._clock: Final = clock
        self._tasks: Final = Supervisor("quarantine")

    def take(self, scheme: SchemeId, data: bytes, error: Exception) -> None:
        """Keep the bytes `scheme` sent."""
        log.error("quarantined", peer=scheme_text(scheme), reason=type(error).__name__, size=len(data))
        self._tasks.spawn(self._store.write(self._keep, scheme, data, repr(error)), "quarantine")

    def _keep(self, tx: Tx, scheme: SchemeId, data: bytes, reason: str) -> None:
        no = tx.insert(
            _NEW_QUARANTINED,
            at_ms=self._clock.now_ms(),
            peer=scheme,
            line_id=None,
            data=data,
            reason=reason[:QUARANTINE_REASON_MAX],
        )
        tx.run(_OLD_QUARANTINED, before=no - QUARANTINED_MAX)
