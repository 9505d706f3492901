"""Tasks that serve others: one that fails is logged and ends, the node goes on. Source: docs/protocol.md 0.5.

The only place that catches everything: what fails here was begun by foreign input or repairs itself later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from node.federation.channel import ChannelClosed
from node.federation.dispatch import NoAnswer
from node.store.errors import StoreClosed, StoreError
from protocol.errors import ProtocolError

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

TASKS_MAX: Final = 20_000


class Supervisor:
    """Runs tasks in one group. Use as `async with supervisor: …`; leaving cancels what still runs."""

    def __init__(self, name: str):
        self._name: Final = name
        self._tasks: Final[set[asyncio.Task[None]]] = set()

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, object], what: str) -> None:
        """Run `work` beside everything else; `what` names it in the log."""
        if len(self._tasks) >= TASKS_MAX:
            work.close()
            log.error("too_many_tasks", service=self._name, what=what)
            return
        task = asyncio.get_running_loop().create_task(self._guard(work, what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[Any, Any, object], what: str) -> None:
        try:
            await work
        except (ChannelClosed, NoAnswer, StoreClosed):
            pass  # the other side, or this node, is going away: what was begun is begun again
        except ProtocolError as error:
            log.warning(
                "peer_broke_a_rule", service=self._name, what=what, code=error.code, reason=str(error)
            )
        except StoreError as error:
            log.error("not_stored", service=self._name, what=what, reason=str(error))
        except Exception:
            log.exception("task_failed", service=self._name, what=what)
