"""Both ends of a line lost the same ops: found by what a connector's other line still knows, and the line is stopped.

One restored node gets its ops back from its neighbour. Two neighbours that lost the same ops hold two chains that
agree and are both too short; only a scheme that passed the payment on can notice. People must agree then: nothing more
is written on that line. Looked for once a minute, over locks that are not settled. Source: docs/protocol.md 6.8.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, or_, select

from node.services.line_desk import LineDesk
from node.services.line_rows import Line
from node.store import Tx
from node.store.schema import lines as line_schema
from node.store.schema import payments as schema
from protocol.payment import ConnectorState

LOOK_EVERY_S: Final = 60.0

_F: Final = schema.forward.c
_UNSETTLED: Final = select(_F.line_no, _F.lock_seq, _F.out_line_no, _F.out_seq).where(
    or_(
        _F.state == ConnectorState.FORWARDED.value,
        and_(_F.state == ConnectorState.CLAIMED.value, _F.out_line_no.is_(None)),
    )
)

_D: Final = line_schema.decision.c
_DECIDED: Final = select(_D.line_no, _D.lock_seq)


def find_lost(tx: Tx, lines: LineDesk) -> list[tuple[Line, str]]:
    """Return lines on which both sides lost ops, each with how it shows."""
    found: dict[int, tuple[Line, str]] = {}
    for up_no, up_seq, out_no, out_seq in tx.all(_UNSETTLED):
        up = lines.by_no(up_no)
        if not up.usable:
            continue  # it may still come back
        if up_seq > up.state.peer_length:
            found[up.no] = (up, f"lock {up_seq} of theirs, which we passed on, is nowhere any more")
        elif out_no is None:
            # We claimed it upstream, so somebody claimed it from us.
            out = lines.by_peer(lines.peer_lock(up, up_seq).route[0])
            if out is not None and out.usable:
                found[out.no] = (
                    out,
                    f"what we passed on for lock {up_seq} of another line is nowhere any more",
                )
        elif not up.is_open(up_seq):
            # Released upstream: its release downstream was here before.
            out = lines.by_no(out_no)
            if out.usable and (out.state.me, out_seq) in out.state.mine.locks():
                found[out.no] = (out, f"the end of our lock {out_seq} is nowhere any more")
    for up_no, up_seq in tx.all(_DECIDED):
        up = lines.by_no(up_no)
        if up.usable and up_seq > up.state.peer_length:
            found[up.no] = (up, f"lock {up_seq} of theirs, whose end we know, is nowhere any more")
    return list(found.values())
