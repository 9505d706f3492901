"""What happened in one simulated town, in order: counted, hashed, and told when something goes wrong."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from protocol.errors import ProtocolError
from protocol.frame import FrameType, UnknownFrame, decode_frame

TOLD = 60  # of the last things that happened, when a run fails


@dataclass(frozen=True, slots=True)
class Message:
    """One message that arrived; read only if somebody wants to hear the story."""

    sender: str
    receiver: str
    data: bytes

    def __str__(self) -> str:
        try:
            frame = decode_frame(self.data)
        except ProtocolError:
            return f"{self.sender} → {self.receiver}: a greeting"
        kind = "something unknown" if isinstance(frame, UnknownFrame) else frame.type.name
        return f"{self.sender} → {self.receiver}: {kind}"


class Story:
    """The events of one run. Equal seeds tell equal stories: `digest` is the same."""

    def __init__(self, time: Callable[[], float]):
        self._time = time
        self._hash = hashlib.sha256()
        self._last: deque[tuple[float, Message | str]] = deque(maxlen=4000)
        self.events = 0
        self.counts: Counter[str] = Counter()
        self._over = False

    def message(self, sender: str, receiver: str, data: bytes) -> None:
        """Note a message that arrived: an event, unless it only keeps a session alive."""
        if len(data) > 1 and data[1] in _CHATTER:
            self._add(data)
            return
        self._note(Message(sender, receiver, data), "messages", data)

    def commit(self, name: str, units: int) -> None:
        """Note units of work committed by one node: an event each."""
        self._add(f"{name} commits {units}".encode())
        self.events += units
        self.counts["units"] += units

    def happened(self, kind: str, what: str) -> None:
        """Note something somebody did, or that befell somebody: an event."""
        self._note(what, kind, what.encode())

    def detail(self, what: str) -> None:
        """Note what an event led to; not an event of its own."""
        if not self._over:
            self._last.append((self._time(), what))

    def end(self, why: str) -> None:
        """Let the story end here: what comes after does not explain what went wrong."""
        self.detail(f"*** {why}")
        self._over = True  # a second end is not told

    def _note(self, told: Message | str, kind: str, data: bytes) -> None:
        self._add(data)
        if not self._over:
            self._last.append((self._time(), told))
        self.events += 1
        self.counts[kind] += 1

    def _add(self, data: bytes) -> None:
        self._hash.update(b"%.6f %d " % (self._time(), len(data)))
        self._hash.update(data)

    def digest(self) -> str:
        """Return the hash of all events so far, with their moments."""
        return self._hash.hexdigest()

    def told(self, last: int = TOLD) -> list[str]:
        """Return the last events as lines; what only keeps sessions alive is left out."""
        return [f"{time:12.3f} s  {what}" for time, what in self._last][-last:]


_CHATTER = (FrameType.PING, FrameType.PONG)  # the second byte of a frame is its type
