"""What one session still has to send, and what passed through it. Source: docs/protocol.md 9.3."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from protocol.frame import Priority
from protocol.limits import SESSION_OUTBOX_BYTES, SESSION_OUTBOX_FRAMES


@dataclass(slots=True)
class Counts:
    """What passed through a session."""

    frames_in: int = 0
    bytes_in: int = 0
    frames_out: int = 0
    bytes_out: int = 0
    unknown: int = 0  # of a type this version does not know, or that no service takes
    dropped: int = 0  # came through a session that a newer one had replaced
    unasked: int = 0  # answers nobody waited for
    faults: int = 0


class Outbox:
    """Encoded frames waiting to be sent, a bounded queue for each priority."""

    __slots__ = ("_bytes", "_queues")

    def __init__(self) -> None:
        self._queues: tuple[deque[bytes], ...] = tuple(deque() for _ in Priority)
        self._bytes = [0] * len(Priority)

    def put(self, priority: Priority, data: bytes) -> bool:
        """Queue `data`, unless its queue is full; return whether it was queued."""
        queue = self._queues[priority]
        if len(queue) >= SESSION_OUTBOX_FRAMES or self._bytes[priority] + len(data) > SESSION_OUTBOX_BYTES:
            return False
        queue.append(data)
        self._bytes[priority] += len(data)
        return True

    def take(self) -> bytes | None:
        """Return the next frame, of the most urgent class that has one."""
        for priority, queue in enumerate(self._queues):
            if queue:
                data = queue.popleft()
                self._bytes[priority] -= len(data)
                return data
        return None
