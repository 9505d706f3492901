"""Evidence in the store: kept for ever, a few pieces about each scheme, and noted to whom each was passed on.

What counts as evidence is decided in `protocol/evidence.py`; who is asked and told in `evidence.py`.
Source: docs/protocol.md 10, 6.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from node.store import ReadTx, Tx
from node.store.schema import evidence as schema
from node.store.schema import feeds as feeds_schema
from node.store.schema import identity as identity_schema
from node.store.schema import lines as lines_schema
from node.store.statements import Row, upsert
from protocol.evidence import Evidence, Finding, encode_evidence
from protocol.limits import DAY_MS, EVIDENCE_OF_ONE_MAX
from protocol.names import LineId, SchemeId

SHOWN_MAX: Final = 500  # on one page
# What was passed on is passed on again after so long: the frame may have been lost.
TOLD_AGAIN_MS: Final = 7 * DAY_MS
# Each boot leaves one answer; an accusation comes soon after a restore, or not at all.
SYNC_KEPT_OF_LINE: Final = 32
MET_A_TIME: Final = 64

_E: Final = schema.evidence.c
_COLUMNS: Final = (
    _E.no, _E.id, _E.accused, _E.kind, _E.data, _E.excused, _E.shown_by, _E.seen_ms, _E.settled_ms, _E.settled_by,
)  # fmt: skip
_BY_ID: Final = select(*_COLUMNS).where(_E.id == bindparam("id"))
_BY_NO: Final = select(*_COLUMNS).where(_E.no == bindparam("no"))
_ALL: Final = select(*_COLUMNS).order_by(_E.no.desc()).limit(SHOWN_MAX)
_COUNT_OF: Final = select(func.count()).select_from(schema.evidence).where(_E.accused == bindparam("accused"))
_NEW: Final = insert(schema.evidence)
_EXCUSE: Final = (
    update(schema.evidence)
    .where(_E.no == bindparam("which"))
    .values(excused=True, data=bindparam("new_data"), shown_by=bindparam("new_shown_by"))
)
_SETTLE: Final = (
    update(schema.evidence)
    .where(_E.accused == bindparam("who"), _E.settled_ms.is_(None))
    .values(settled_ms=bindparam("at_ms"), settled_by=bindparam("by"))
)
_COUNTING: Final = select(_E.accused, _E.kind, _E.shown_by).where(
    _E.excused.is_(False), _E.settled_ms.is_(None)
)
_T: Final = schema.evidence_told.c
_TELL: Final = upsert(schema.evidence_told, key=("evidence_no", "peer"), update=("told_ms",))
_TOLD_TO: Final = select(_T.evidence_no).where(_T.peer == bindparam("peer"), _T.told_ms > bindparam("since"))
_FORGET_TOLD: Final = delete(schema.evidence_told).where(_T.evidence_no == bindparam("no"))
_UNTOLD: Final = (
    select(_E.no, _E.data)
    .where(
        or_(_E.shown_by.is_(None), _E.shown_by != bindparam("peer")),
        _E.no.not_in(_TOLD_TO),
    )
    .order_by(_E.no)
    .limit(1)
)
_F: Final = feeds_schema.feed_evidence.c
_MET: Final = select(_F.no, _F.scheme, _F.first, _F.second).order_by(_F.no).limit(MET_A_TIME)
_MET_DONE: Final = delete(feeds_schema.feed_evidence).where(_F.no == bindparam("no"))
_C: Final = identity_schema.identity_conflict.c
_CONFLICTS: Final = select(_C.scheme, _C.first, _C.second).order_by(_C.scheme, _C.seq)
_S: Final = schema.sync_kept.c
_NEW_SYNC: Final = insert(schema.sync_kept)
_OLD_SYNC: Final = (
    select(_S.no).where(_S.line_no == bindparam("line_no")).order_by(_S.no.desc()).offset(SYNC_KEPT_OF_LINE)
)
_FORGET_SYNC: Final = delete(schema.sync_kept).where(_S.no == bindparam("no"))
_L: Final = lines_schema.line.c
_SYNC_OF: Final = (
    select(_L.peer, _L.nonce, _S.wire)
    .select_from(schema.sync_kept.join(lines_schema.line, _S.line_no == _L.no))
    .where(_L.id == bindparam("line"))
    .order_by(_S.no)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One piece of evidence as the store has it."""

    no: int
    id: bytes
    accused: SchemeId
    kind: str
    data: bytes
    excused: bool
    shown_by: SchemeId | None  # None: met here
    seen_ms: int
    settled_ms: int | None
    settled_by: str | None

    @property
    def counts(self) -> bool:
        """Whether it stops new credit."""
        return not self.excused and self.settled_ms is None


def _kept(row: Row) -> Kept:
    no, id_, accused, kind, data, excused, shown_by, seen_ms, settled_ms, settled_by = row
    return Kept(
        no=no, id=id_, accused=SchemeId(accused), kind=kind, data=data, excused=bool(excused),
        shown_by=None if shown_by is None else SchemeId(shown_by), seen_ms=seen_ms, settled_ms=settled_ms,
        settled_by=settled_by,
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------


def all_evidence(tx: ReadTx) -> list[Kept]:
    """Return what is kept, the newest first."""
    return [_kept(row) for row in tx.all(_ALL)]


def evidence_by_no(tx: ReadTx, no: int) -> Kept | None:
    """Return one piece, or None."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _kept(row)


def evidence_by_id(tx: ReadTx, id_: bytes) -> Kept | None:
    """Return one piece, or None."""
    row = tx.one(_BY_ID, id=id_)
    return None if row is None else _kept(row)


def who_counts(tx: ReadTx) -> tuple[frozenset[SchemeId], frozenset[SchemeId]]:
    """Return whom evidence counts against, and who wrote two ops on a line with us."""
    rows = tx.all(_COUNTING)
    forked = (accused for accused, kind, shown_by in rows if kind == "two-ops" and shown_by is None)
    return frozenset(SchemeId(row[0]) for row in rows), frozenset(map(SchemeId, forked))


def untold(tx: ReadTx, peer: SchemeId, now_ms: int) -> tuple[int, bytes] | None:
    """Return (no, data) of the oldest piece that `peer` was not shown lately and did not show us."""
    row = tx.one(_UNTOLD, peer=peer, since=now_ms - TOLD_AGAIN_MS)
    return None if row is None else (row[0], row[1])


def met_in_feeds(tx: ReadTx) -> list[tuple[int, SchemeId, bytes, bytes]]:
    """Return (no, author, first, second) of what contradicted itself in feeds and was not looked at yet."""
    return [(no, SchemeId(scheme), first, second) for no, scheme, first, second in tx.all(_MET)]


def met_in_identities(tx: ReadTx) -> list[tuple[SchemeId, bytes, bytes]]:
    """Return (scheme, first, second) of every two rotations at one seq."""
    return [(SchemeId(scheme), first, second) for scheme, first, second in tx.all(_CONFLICTS)]


def answers_on(tx: ReadTx, line: LineId) -> list[tuple[SchemeId, bytes, bytes]]:
    """Return (peer, nonce of the terms, wire) of the answers kept about a line, oldest first."""
    return [(SchemeId(peer), nonce, wire) for peer, nonce, wire in tx.all(_SYNC_OF, line=line)]


# --- writing --------------------------------------------------------------------------------------------------


def keep(tx: Tx, evidence: Evidence, finding: Finding, shown_by: SchemeId | None, now_ms: int) -> bool:
    """Keep verified evidence; tell whether it says anything new. An excuse takes the place of what it excuses."""
    data = encode_evidence(evidence)
    known = evidence_by_id(tx, finding.id)
    if known is not None:
        if finding.excused and not known.excused:
            tx.run(_EXCUSE, which=known.no, new_data=data, new_shown_by=shown_by)
            tx.run(_FORGET_TOLD, no=known.no)
            return True
        return False
    if tx.scalar(_COUNT_OF, accused=finding.accused) >= EVIDENCE_OF_ONE_MAX:
        return False
    tx.insert(
        _NEW, id=finding.id, accused=finding.accused, kind=finding.kind, data=data, excused=finding.excused,
        shown_by=shown_by, seen_ms=now_ms, settled_ms=None, settled_by=None,
    )  # fmt: skip
    return True


def note_told(tx: Tx, no: int, peer: SchemeId, now_ms: int) -> None:
    """Unit: note that a piece was passed on to a neighbour."""
    tx.run(_TELL, evidence_no=no, peer=peer, told_ms=now_ms)


def forget_met(tx: Tx, no: int) -> None:
    """Unit: what was met in a feed has been looked at."""
    tx.run(_MET_DONE, no=no)


def settle(tx: Tx, accused: SchemeId, by: str, now_ms: int) -> int:
    """Let nothing that is kept now against a scheme stop credit any more; return how many pieces that were."""
    return tx.run(_SETTLE, who=accused, at_ms=now_ms, by=by)


def keep_answer(tx: Tx, line_no: int, wire: bytes, now_ms: int) -> None:
    """Keep the first answer of a peer to this boot; the oldest make room."""
    tx.run(_NEW_SYNC, line_no=line_no, wire=wire, seen_ms=now_ms)
    for (no,) in tx.all(_OLD_SYNC, line_no=line_no):
        tx.run(_FORGET_SYNC, no=no)
