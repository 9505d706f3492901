"""Both ends of a line lost the same ops: found by what a connector's other line still knows, and the line is stopped.

One restored node gets its ops back from its neighbour. Two neighbours that lost the same ops hold two chains that
agree and are both too short; only a scheme that passed the payment on can notice. People must agree then: nothing more
is written on that line. Looked for when a line can be written to again, and once a minute over locks that are not settled. Source: docs/protocol.md 6.8.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import structlog
from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from node.services.books import Books, load
from node.services.line_desk import LineDesk
from node.services.line_rows import FROZEN, Line
from node.services.recovered_rows import BOTH_LOST, note_once
from node.store import Tx
from node.store.schema import lines as line_schema
from node.store.schema import payments as schema
from protocol.ledger import HOURS, SystemRole
from protocol.line_ops import Claim, Op, Release, before_epoch
from protocol.message import trusted_message
from protocol.names import scheme_text
from protocol.payment import ConnectorState

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

LOOK_EVERY_S: Final = 60.0

_F: Final = schema.forward.c
_UNSETTLED: Final = select(_F.line_no, _F.lock_seq, _F.out_line_no, _F.out_seq).where(
    or_(
        _F.state == ConnectorState.FORWARDED.value,
        and_(_F.state == ConnectorState.CLAIMED.value, _F.out_line_no.is_(None)),
    )
)

_CLAIMED: Final = select(_F.line_no, _F.lock_seq, _F.out_line_no, _F.out_seq).where(
    _F.state == ConnectorState.CLAIMED.value, _F.out_line_no.is_not(None), _F.lock_seq > 0
)
_MISSING: Final = select(_F.lock_seq).where(
    _F.line_no == bindparam("line_no"), _F.lock_seq > bindparam("length"),
    _F.state.in_([ConnectorState.FORWARDED.value, ConnectorState.CLAIMED.value]),
)  # fmt: skip
# A lock that is lost keeps its row under its number below zero; another may be given that number.
_SET_ASIDE: Final = (
    update(schema.forward)
    .where(
        _F.line_no == bindparam("which"), _F.lock_seq > bindparam("length"), _F.lock_seq <= bindparam("last")
    )
    .values(lock_seq=-_F.lock_seq)
)
_QUARANTINE: Final = insert(line_schema.quarantine)
_O: Final = line_schema.op.c
_CHAIN: Final = select(_O.wire).where(_O.line_no == bindparam("line_no"), _O.mine == bindparam("mine"))
_D: Final = line_schema.decision.c
_DECIDED: Final = select(_D.line_no, _D.lock_seq)
_FORGET_ENDS: Final = delete(line_schema.decision).where(
    _D.line_no == bindparam("which"), _D.lock_seq > bindparam("length"), _D.lock_seq <= bindparam("last")
)
_ENDLESS: Final = select(_D.lock_seq).where(
    _D.line_no == bindparam("line_no"), _D.lock_seq > bindparam("length")
)


class Unbalanced(NamedTuple):
    """Hours in transit that no lock stands behind."""

    account: int
    left: int
    lines: frozenset[int]  # on which the end of a lock is missing


def find_unbalanced(tx: Tx, lines: LineDesk, books: Books) -> Unbalanced:
    """Return what is in transit with nothing under way, and the lines concerned. Source: 6.8, third test."""
    account = books.system(tx, SystemRole.TRANSIT, HOURS)
    left = load(tx, account).value.balance
    if not left or tx.all(_DECIDED) or any(line.state.mine.locks() for line in lines.all()):
        return Unbalanced(account, 0, frozenset())
    # Rare, so it may take long: every end of every lock that passed through.
    ends: dict[tuple[int, int], dict[int, bool]] = {}

    def claimed(line_no: int, mine: int, seq: int) -> bool | None:
        if (line_no, mine) not in ends:
            steps = [
                trusted_message(Op, wire).body.step for (wire,) in tx.all(_CHAIN, line_no=line_no, mine=mine)
            ]
            ends[line_no, mine] = {
                step.lock: isinstance(step, Claim) for step in steps if isinstance(step, Claim | Release)
            }
        return ends[line_no, mine].get(seq)

    concerned: set[int] = set()
    for up_no, up_seq, out_no, out_seq in tx.all(_CLAIMED):
        down = claimed(out_no, 0, out_seq)
        if down and not claimed(up_no, 1, up_seq):
            concerned.add(up_no)
        elif down is None:
            concerned.add(out_no)
    return Unbalanced(account, left, frozenset(concerned))


def missing_on(tx: Tx, line: Line) -> str | None:
    """Return what is missing on a line that can be written to: a lock that we passed on, or whose end we know."""
    length = line.state.peer_length
    for seq in [
        row[0]
        for row in (
            *tx.all(_MISSING, line_no=line.no, length=length),
            *tx.all(_ENDLESS, line_no=line.no, length=length),
        )
    ]:
        return f"lock {seq} of theirs, which we passed on or whose end we know, is nowhere any more"
    return None


def set_aside_lost(tx: Tx, line: Line) -> None:
    """Let locks that are nowhere any more give up their numbers, which others may take; people will settle them.

    Those of later epochs are not lost: a neighbour told of them before this line has gone on here.
    """
    length, last = line.state.peer_length, before_epoch(line.state.epoch + 1)
    tx.run(_SET_ASIDE, which=line.no, length=length, last=last)
    tx.run(_FORGET_ENDS, which=line.no, length=length, last=last)


def freeze(lines: LineDesk, line: Line, reason: str) -> None:
    """Write nothing more on a line of which both sides lost ops, until people agreed; the admins are told. Source: 6.8."""
    log.error("line_frozen", peer=scheme_text(line.peer), reason=reason)
    line.status = FROZEN
    lines.touch(line)
    set_aside_lost(lines.tx, line)
    lines.tx.run(
        _QUARANTINE, at_ms=lines.now_ms, peer=line.peer, line_id=line.state.line, data=b"",
        reason=f"both sides lost ops: {reason}"[:500],
    )  # fmt: skip
    note_once(lines.tx, lines.now_ms, BOTH_LOST, line.peer)


def find_lost(tx: Tx, lines: LineDesk, books: Books) -> list[tuple[Line, str]]:
    """Return lines on which both sides lost ops, each with how it shows."""
    found: dict[int, tuple[Line, str]] = {}
    for up_no, up_seq, out_no, out_seq in tx.all(_UNSETTLED):
        up = lines.by_no(up_no)
        if up_seq < 0 or not up.usable:
            continue  # known already, or it may still come back
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
    if not found:
        for no in sorted(find_unbalanced(tx, lines, books).lines):
            line = lines.by_no(no)
            if line.usable:
                found[no] = (line, "hours are in transit, and no lock of theirs or ours is behind them")
    return list(found.values())
