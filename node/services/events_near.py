"""Events of neighbouring schemes, as their feeds tell of them. Source: docs/protocol.md 5.1, 5.11."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.services.feed_store import items_of_kind
from node.store import ReadTx
from protocol.feed import Item
from protocol.feed_kinds import EVENT, Event, payload_of
from protocol.limits import EVENT_AHEAD_MS_MAX, EVENT_LENGTH_MS_MAX
from protocol.message import trusted_message
from protocol.names import ItemKey, SchemeId

SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NearEvent:
    """One event of another scheme that has not ended."""

    scheme: SchemeId
    key: ItemKey
    event: Event


def near_events(tx: ReadTx, now_ms: int, own: SchemeId) -> list[NearEvent]:
    """Query: what is on at other schemes, the soonest first."""
    found = [each for each in _all(tx, now_ms, None) if each.scheme != own]
    return sorted(found, key=lambda each: (each.event.starts, each.key))[:SHOWN_MAX]


def near_event(tx: ReadTx, now_ms: int, scheme: SchemeId, key: ItemKey) -> NearEvent | None:
    """Query: one event of another scheme; None where it is not on, or not any more."""
    return next((each for each in _all(tx, now_ms, scheme) if each.key == key), None)


def _all(tx: ReadTx, now_ms: int, scheme: SchemeId | None) -> list[NearEvent]:
    found = []
    for author, wire in items_of_kind(tx, EVENT, now_ms, scheme):
        item = trusted_message(Item, wire).body
        event = payload_of(item)
        if isinstance(event, Event) and _can_be(event, now_ms):
            found.append(NearEvent(scheme=author, key=item.key, event=event))
    return found


def _can_be(event: Event, now_ms: int) -> bool:
    """Tell whether an event has not ended and is one that could be posted here; a neighbour may say any number."""
    near = now_ms < event.ends <= now_ms + EVENT_AHEAD_MS_MAX + EVENT_LENGTH_MS_MAX
    return near and event.ends - event.starts <= EVENT_LENGTH_MS_MAX
