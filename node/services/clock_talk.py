"""Which clocks neighbours told us and which we told them, so that only what changed is said again. Source: docs/protocol.md 5.5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from node.federation.links import Links
from node.services import feed_frames as frames
from protocol.following import FeedClock, lacks
from protocol.frame import FrameType
from protocol.names import SchemeId

FULL_SWAP_EVERY: Final = 10  # of the swaps with one peer, one tells everything: a frame may have been lost
FEEDS_MAX: Final = 4_096  # of which one peer may speak


class ClockTalk:
    """What was said between us and each peer since its session began."""

    def __init__(self, *, links: Links, clocks: Mapping[SchemeId, FeedClock]):
        """`clocks`: how far every feed is known here, kept up to date by whoever follows them."""
        self._links: Final = links
        self._clocks: Final = clocks
        self._heard: Final[dict[SchemeId, dict[SchemeId, FeedClock]]] = {}  # by peer, then by feed
        self._told: Final[dict[SchemeId, dict[SchemeId, FeedClock]]] = {}
        self._swaps: Final[dict[SchemeId, int]] = {}

    def has_told(self, peer: SchemeId) -> bool:
        """Tell whether we have spoken to `peer` in this session."""
        return peer in self._told

    def heard(self, peer: SchemeId) -> tuple[FeedClock, ...]:
        """Return the newest clock of each feed that `peer` told."""
        return tuple(self._heard.get(peer, {}).values())

    def heard_of(self, peer: SchemeId, scheme: SchemeId) -> FeedClock | None:
        """Return what `peer` told of one feed."""
        return self._heard.get(peer, {}).get(scheme)

    def hear(self, peer: SchemeId, clock: FeedClock) -> bool:
        """Note what `peer` told; False if it speaks of more feeds than anybody follows."""
        heard = self._heard.setdefault(peer, {})
        if clock.scheme not in heard and len(heard) >= FEEDS_MAX:
            return False
        heard[clock.scheme] = clock
        return True

    def disbelieve(self, peer: SchemeId, scheme: SchemeId) -> None:
        """Forget what `peer` told of a feed: it was not so."""
        self._heard.get(peer, {}).pop(scheme, None)

    def tell(self, peer: SchemeId, *, wants_answer: bool) -> None:
        """Send what changed since the last swap, and what the peer, by its own word, still lacks.

        The last because it may not have read what was said: where two sessions cross, the peer drops the frames of the
        older one, and when that one counts again only its own clocks show what it missed. Source: 6.7 (e).
        """
        swaps = self._swaps.get(peer, 0)
        told = {} if swaps % FULL_SWAP_EVERY == 0 else self._told.get(peer, {})
        news = [
            clock
            for scheme, clock in self._clocks.items()
            if told.get(scheme) != clock or self._lags(peer, clock)
        ]
        for first in range(0, max(len(news), 1), frames.CLOCKS_MAX):
            part = tuple(news[first : first + frames.CLOCKS_MAX])
            payload = frames.Clocks(wants_answer and first == 0, part).value()
            if not self._links.offer(peer, FrameType.CLOCKS, payload):
                return
            told.update((clock.scheme, clock) for clock in part)
        self._told[peer] = told
        self._swaps[peer] = swaps + 1

    def _lags(self, peer: SchemeId, clock: FeedClock) -> bool:
        heard = self.heard_of(peer, clock.scheme)
        return heard is not None and bool(lacks(heard, clock))

    def forget_peer(self, peer: SchemeId) -> None:
        """Begin anew with `peer`."""
        self._heard.pop(peer, None)
        self._told.pop(peer, None)
        self._swaps.pop(peer, None)

    def forget_feed(self, scheme: SchemeId) -> None:
        """Note that a feed is not followed any more."""
        for told in self._told.values():
            told.pop(scheme, None)
