"""People of other schemes who wait for a last word of an event that is over, in the store. Source: docs/protocol.md 5.11, 7.10."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, exists, literal_column, select

from node.services.request_rows import LISTED_MAX, Role
from node.store import ReadTx
from node.store.schema import events as events_schema
from node.store.schema import requests as schema
from protocol.beyond import FINAL
from protocol.limits import EVENT_SETTLE_MS
from protocol.names import ItemKey

_R: Final = schema.request.c
_E: Final = events_schema.event.c
_LATER: Final = schema.request.alias()
_ASKED_AGAIN: Final = exists().where(
    _LATER.c.kind == _R.kind, _LATER.c.role == _R.role, _LATER.c.about_no == _R.about_no, _LATER.c.no > _R.no
)  # fmt: skip
_PAST: Final = (
    select(_R.about_no, _E.key)
    .select_from(schema.request.join(events_schema.event, _E.key == _R.item_key))
    .where(
        _R.role == Role.IN.value, _R.about_no.is_not(None), _E.ends <= bindparam("now"), ~_ASKED_AGAIN,
        _R.stands.not_in(sorted(each.value for each in FINAL)),
        # Until its host can no longer say who was there, whoever has a place may still be asked to pay.
        (_E.pays == literal_column("'nobody'")) | (_E.ends <= bindparam("since"))
        | (_R.stands != literal_column("'agreed'")) | (_E.state != literal_column("'planned'")),
    )
    .order_by(_R.no)
    .limit(LISTED_MAX)
)  # fmt: skip


def past_events(tx: ReadTx, now_ms: int) -> list[tuple[int, ItemKey]]:
    """Return who of other schemes, by the number of their place, still waits for a last word of which event that is over."""
    found = tx.all(_PAST, now=now_ms, since=now_ms - EVENT_SETTLE_MS)
    return [(about_no, ItemKey(key)) for about_no, key in found]
