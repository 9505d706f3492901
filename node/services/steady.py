"""Loops that go on when the store fails them: a full disk is told once more later, it does not end the node. Source: docs/protocol.md 0.5."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from node.store import StoreClosed, StoreError

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

AFTER_TROUBLE_S: Final = 5.0


async def steadily(work: Callable[[], Awaitable[None]], what: str) -> None:
    """Do `work`, which never ends by itself, and begin it anew when the store failed it.

    Raises:
        StoreClosed: the node is ending.
    """
    while True:
        try:
            await work()
        except StoreClosed:
            raise
        except StoreError as error:
            log.error("not_stored", service=what, reason=str(error))
            await asyncio.sleep(AFTER_TROUBLE_S)
