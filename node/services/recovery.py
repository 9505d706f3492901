"""How a node finds out that its database went back in time, and what it does besides taking its ops back.

It asks every neighbour, once a boot, whether they know more of our own identity than we do, and it hears when another
copy of this node takes its place: then nothing is written on that line before the neighbour was asked again, so that
what the copy wrote comes back first. What was found stands in `recovered` for the organisers.
Source: docs/protocol.md 6.7 (0), (b); attack T31.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import structlog
from sqlalchemy import bindparam, func, select

from crypto.safekeeping import SafeKeys
from node.clock import Clock
from node.federation.dispatch import NoAnswer
from node.federation.links import Links
from node.federation.session import Session
from node.services.catching_up import Offload
from node.services.copy_comparing import Copied, drop_missing, look_into, note_missing
from node.services.kept_copy import CopyUnusable, build_again
from node.services.line_desk import doubt_lines_with
from node.services.members import names_of_accounts
from node.services.recovered_rows import COPY, FOUND, IDENTITY, NEWER_COPY, PARTED, note_once
from node.store import InlineStore, ReadTx, SqliteDatabase, Store, Tx
from node.store.schema import books as books_schema
from node.store.schema import restore as schema
from node.supervisor import Supervisor
from protocol.errors import Forked, ProtocolError
from protocol.frame import FrameType, payload_many
from protocol.identity import IdentityState, advance
from protocol.limits import DAY_MS
from protocol.names import SchemeId, scheme_text

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

SHOWN_DAYS: Final = 14  # on the desk's first page; the list itself is kept
SHOWN_MAX: Final = 200

_R: Final = schema.recovered.c
_T: Final = books_schema.trade.c
_COUNT: Final = select(func.count()).select_from(schema.recovered).where(_R.at_ms > bindparam("since"))
_KINDS: Final = select(_R.kind).where(_R.at_ms > bindparam("since")).distinct()
_LAST: Final = select(func.max(_R.at_ms))
_NEWEST: Final = (
    select(
        _R.at_ms, _R.kind, _R.peer, _R.made_ms, _R.hours, _R.amount, _R.known, _R.beyond, _T.reference,
        func.coalesce(_T.payer_no, _T.payee_no), _T.other_scheme, _T.state,
    )
    .select_from(schema.recovered.outerjoin(books_schema.trade, _T.no == _R.trade_no))
    .order_by(_R.no.desc())
    .limit(SHOWN_MAX)
)  # fmt: skip


class Recovered(NamedTuple):
    """One thing that came back, or was found."""

    at_ms: int
    kind: str
    peer: SchemeId
    made_ms: int
    hours: int
    amount: int
    known: bool
    beyond: bool
    reference: int | None
    member: str  # the name behind the account; empty where nobody is known
    other: SchemeId | None
    state: str | None  # of the trade


class Recovery:
    """See the head of this file. `tasks` must be entered for anything to happen."""

    def __init__(
        self, *, store: Store, clock: Clock, links: Links, identity: IdentityState, safe: SafeKeys,
        stop_lost: Callable[[Tx], list[SchemeId]], offload: Offload,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._links: Final = links
        self._identity: Final = identity
        self._safe: Final = safe
        self._offload: Final = offload
        self._stop_lost: Final = stop_lost
        self.tasks: Final = Supervisor("recovery")
        links.watch(on_up=self._on_up, on_copy=self._on_copy)

    def _on_up(self, peer: SchemeId, _session: Session) -> None:
        self.tasks.spawn(self._ask_identity(peer), "own-identity")

    def _on_copy(self, peer: SchemeId) -> None:
        self.tasks.spawn(self._store.write(self._doubt, peer), "copy")

    async def copy_is_newer(self, keeper: SchemeId, generation: int, parts: list[bytes]) -> None:
        """List what `keeper` has of our books beyond this database, which has been written to since. Source: 6.7 (g)."""
        log.error("kept_copy_was_ahead", peer=scheme_text(keeper), parts=len(parts))
        try:
            copied = await self._offload(self._look_into, generation, parts) if parts else None
        except CopyUnusable as error:
            log.error("kept_copy_unreadable", peer=scheme_text(keeper), reason=str(error))
            copied = None
        await self._store.write(self._note_copy, keeper, copied)

    def _look_into(self, generation: int, parts: list[bytes]) -> Copied:
        with TemporaryDirectory() as folder:
            built = Path(folder) / "copy.db"
            InlineStore(SqliteDatabase(built)).crash()  # makes the tables
            build_again(built, parts, generation, self._safe)
            return look_into(built)

    def _note_copy(self, tx: Tx, keeper: SchemeId, copied: Copied | None) -> None:
        if copied is None:
            self._note_once(tx, NEWER_COPY, keeper)
        else:
            note_missing(tx, copied, self._clock.now_ms())
            self._note_once(tx, PARTED, keeper)

    async def entered_again(self) -> None:
        """Forget the list of what only a keeper's copy has."""
        await self._store.write(drop_missing)

    async def look_for_lost(self) -> None:
        """Stop lines on which both sides lost ops, and note it; a job. Source: 6.8."""
        await self._store.write(self._stop_lost)

    async def _ask_identity(self, peer: SchemeId) -> None:
        """Ask whether `peer` knows more of our identity than we do. Source: 6.7 (0)."""
        own = self._identity
        try:
            frame = await self._links.request(peer, FrameType.IDENTITY_ASK, (own.scheme_id, own.seq))
            events = payload_many(frame)
        except NoAnswer:
            return  # asked again when they are connected again
        if events and self._is_ours(events[0]):
            log.error("own_identity_was_ahead", peer=scheme_text(peer), events=len(events))
            await self._store.write(self._note_once, IDENTITY, peer)

    def _is_ours(self, event: bytes) -> bool:
        try:
            advance(self._identity, event)
        except Forked:
            return True
        except ProtocolError:
            return False
        return True

    def _doubt(self, tx: Tx, peer: SchemeId) -> None:
        doubt_lines_with(tx, peer)
        self._note_once(tx, COPY, peer)

    def _note_once(self, tx: Tx, kind: str, peer: SchemeId) -> None:
        note_once(tx, self._clock.now_ms(), kind, peer)


def count_recovered(tx: ReadTx, now_ms: int) -> int:
    """Return how much came back or was found in the last days."""
    return int(tx.scalar(_COUNT, since=now_ms - SHOWN_DAYS * DAY_MS))


def kinds_found(tx: ReadTx, now_ms: int) -> frozenset[str]:
    """Return what was found in the last days, besides ops that came back: words of `FOUND`."""
    kinds = {kind for (kind,) in tx.all(_KINDS, since=now_ms - SHOWN_DAYS * DAY_MS)}
    return FOUND & kinds


def last_recovered(tx: ReadTx) -> int | None:
    """Return when something last came back or was found."""
    found: int | None = tx.scalar(_LAST)
    return found


def read_recovered(tx: ReadTx) -> list[Recovered]:
    """Return what came back and was found, the newest first."""
    rows = tx.all(_NEWEST)
    names = names_of_accounts(tx) if rows else {}
    return [
        Recovered._make((*row[:9], names.get(row[9], ""), *row[10:]))  # columns as declared
        for row in rows
    ]
