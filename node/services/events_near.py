"""Events of neighbouring schemes, as their feeds tell of them. Source: docs/protocol.md 5.1, 5.11."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.services.feed_store import items_of_kind
from node.store import ReadTx
from protocol.errors import InvalidValue
from protocol.event import Kind, Pays, Plan
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
    plan: Plan


def near_events(tx: ReadTx, now_ms: int, own: SchemeId, *, lifts: bool = False) -> list[NearEvent]:
    """Query: what is on at other schemes, or the lifts there are; the soonest first."""
    found = [
        each
        for each in _all(tx, now_ms, None)
        if each.scheme != own and (each.plan.kind is Kind.LIFT) is lifts
    ]
    return sorted(found, key=lambda each: (each.plan.starts, each.key))[:SHOWN_MAX]


def near_event(tx: ReadTx, now_ms: int, scheme: SchemeId, key: ItemKey) -> NearEvent | None:
    """Query: one event of another scheme; None where it is not on, or not any more."""
    return next((each for each in _all(tx, now_ms, scheme) if each.key == key), None)


def _all(tx: ReadTx, now_ms: int, scheme: SchemeId | None) -> list[NearEvent]:
    found = []
    for author, wire in items_of_kind(tx, EVENT, now_ms, scheme):
        item = trusted_message(Item, wire).body
        event = payload_of(item)
        plan = _plan(event) if isinstance(event, Event) else None
        if plan is not None and now_ms < plan.ends <= now_ms + EVENT_AHEAD_MS_MAX + EVENT_LENGTH_MS_MAX:
            found.append(NearEvent(scheme=author, key=item.key, plan=plan))
    return found


def _plan(event: Event) -> Plan | None:
    """Return what an event says; None where it is none that could be posted here: a neighbour may say anything."""
    lift = event.what == Kind.LIFT.value
    try:
        return Plan(
            kind=Kind(event.what), title=event.title, text=event.text, where=event.where, starts=event.starts,
            ends=event.ends, capacity=event.places, pays=Pays(event.pays), amount=event.amount, public=not lift,
            near=lift, approval=event.asked,
        )  # fmt: skip
    except (ValueError, InvalidValue):
        return None
