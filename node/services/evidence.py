"""Evidence: met here or shown by neighbours, verified, kept for ever, and passed on without haste.

Whom it counts against gets no new credit; nothing else follows by itself, and everything open goes on. What proves
anything is decided in `protocol/evidence.py`. Source: docs/protocol.md 10, 6.5, 2.3.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from crypto.canonical import NotCanonical
from crypto.signing import Signed, split
from node.clock import Clock
from node.federation.budget import Bucket
from node.federation.dispatch import Dispatch
from node.federation.links import Links
from node.federation.session import Session
from node.services import evidence_store as kept
from node.services.acts import Actor, Deed, note_act
from node.services.catching_up import Offload, at_once
from node.services.directory import Directory
from node.services.line_desk import LineDesk
from node.services.line_rows import Line
from node.services.reopen_desk import kept_offer
from node.services.routes import Routes
from node.services.steady import steadily
from node.store import ReadTx, Store, Tx
from node.supervisor import Supervisor
from protocol.errors import MalformedMessage, ProtocolError
from protocol.evidence import (
    Evidence,
    Excuse,
    Finding,
    Proof,
    TwoHeads,
    TwoItems,
    TwoOps,
    TwoRotations,
    decode_evidence,
    evidence_against_op,
    evidence_id,
    make_evidence,
    verify,
)  # fmt: skip
from protocol.feed import Head, Item
from protocol.frame import Frame, FrameType, payload_bytes
from protocol.limits import EVIDENCE_EVERY_MS, EVIDENCE_OF_NEIGHBOUR_AN_HOUR, HOUR_MS
from protocol.line_ops import Op
from protocol.message import decode_message
from protocol.names import LineId, SchemeId, scheme_text
from protocol.reopening import with_offer

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()


class EvidenceService:
    """See the head of this file. `load` before anything else; `run` must be running."""

    def __init__(
        self, *, store: Store, clock: Clock, links: Links, dispatch: Dispatch, directory: Directory, routes: Routes,
        own: SchemeId, offload: Offload = at_once,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._links: Final = links
        self._directory: Final = directory
        self._routes: Final = routes
        self._own: Final = own
        self._offload: Final = offload
        self._counts: frozenset[SchemeId] = frozenset()
        self._forked: frozenset[SchemeId] = frozenset()
        self._shown: Final[dict[SchemeId, Bucket]] = {}
        self._conflicts_seen: Final[set[tuple[bytes, bytes]]] = set()
        self.tasks: Final = Supervisor("evidence")
        dispatch.register(self, FrameType.EVIDENCE)

    async def load(self) -> None:
        """Know whom evidence counts against."""
        self._remember(*await self._store.read(kept.who_counts))

    async def run(self) -> None:
        """Look at what was met and pass pieces on, once a minute, until cancelled."""
        async with self.tasks:
            await steadily(self._turns, "evidence")

    async def _turns(self) -> None:
        while True:
            await asyncio.sleep(EVIDENCE_EVERY_MS / 1000)
            await self.look()
            for peer in sorted(self._routes.neighbours & self._links.live.keys()):
                await self._tell(peer)

    # --- what follows from it (10.4) --------------------------------------------------------------------------

    def may_owe_more(self, scheme: SchemeId) -> bool:
        """Tell whether `scheme` may come to owe us more than it does."""
        return scheme not in self._counts

    def may_be_trusted_with(self, scheme: SchemeId) -> bool:
        """Tell whether new locks may be written to a scheme: not after it wrote two ops on a line with us. Source: 6.5."""
        return scheme not in self._forked

    async def settle(self, by: Actor, accused: SchemeId) -> None:
        """Let what is known against a scheme stop no credit any more: people have talked. What comes later counts.

        Raises:
            NotAllowed: not by an admin.
        """
        by.must_administer()

        def unit(tx: Tx) -> None:
            now_ms = self._clock.now_ms()
            if kept.settle(tx, accused, by.name, now_ms):
                note_act(
                    tx, by, Deed.NEIGHBOUR, now_ms=now_ms, detail=f"evidence settled {scheme_text(accused)}"
                )
            self._remember_after(tx)

        await self._store.write(unit)

    def _remember(self, counts: frozenset[SchemeId], forked: frozenset[SchemeId]) -> None:
        self._counts, self._forked = counts - {self._own}, forked - {self._own}

    def _remember_after(self, tx: Tx) -> None:
        tx.on_commit(self._remember, *kept.who_counts(tx))

    # --- met here ---------------------------------------------------------------------------------------------

    def note_op(self, lines: LineDesk, line: Line, op: Signed[Op]) -> Finding | None:
        """Keep what a refused op of the peer proves, within the unit that refused it; None if it proves nothing to others."""
        log = self._directory.log(line.peer)
        try:
            if op.body.epoch > line.state.epoch:
                made = _against_beginning(lines, line, op, log)
            else:
                made = evidence_against_op(
                    line.state,
                    line.nonce,
                    op,
                    lines.own_op_of(line),
                    lambda seq: lines.peer_op(line, seq),
                    log,
                )
        except ProtocolError:
            return None  # ops it would need are archived
        if made is None:
            return None
        found = verify(made)
        self._keep_in(lines.tx, made, found, None)
        return found

    def keep_answer(self, tx: Tx, line: Line, wire: bytes) -> None:
        """Keep a peer's first answer to this boot: by it we may have to excuse ourselves. Source: 10.3."""
        kept.keep_answer(tx, line.no, wire, self._clock.now_ms())

    async def look(self) -> None:
        """Make evidence of what feeds and identity logs said twice."""
        for no, scheme, first, second in await self._store.read(kept.met_in_feeds):
            proof: Proof | None = None
            if (kind := _kind_of(first, second)) is not None:
                proof = kind(first=first, second=second)
            await self.found(scheme, proof)
            await self._store.write(kept.forget_met, no)
        for scheme, first, second in await self._store.read(kept.met_in_identities):
            if (first, second) not in self._conflicts_seen:
                self._conflicts_seen.add((first, second))
                await self.found(scheme, TwoRotations(first=first, second=second))

    async def found(self, scheme: SchemeId, proof: Proof | None) -> None:
        """Keep what was met here as evidence, if it proves anything."""
        try:
            if proof is not None:
                made = await self._offload(make_evidence, scheme, proof, self._directory.log(scheme))
                await self._store.write(self._keep_in, made, verify(made), None)
        except ProtocolError as error:
            # A relay may have spoiled one of the two: then nobody can say that the author signed both.
            log.info("no_evidence", scheme=scheme_text(scheme), reason=str(error))

    # --- shown by neighbours ----------------------------------------------------------------------------------

    async def on_frame(self, session: Session, frame: Frame) -> None:
        """Take a piece of evidence. Raises ProtocolError: it proves nothing."""
        peer, data = session.peer, payload_bytes(frame)
        if peer not in self._routes.neighbours or not self._has_room(peer):
            return
        shown = decode_evidence(data)
        if await self._store.read(self._is_known, shown) or not self._directory.knows(shown.accused):
            return
        await session.spend_checks(2 * len(shown.identity) + 4)
        found = await self._offload(verify, shown)
        try:
            found = await self._offload(verify, shown, self._directory.state(shown.accused))
        except ProtocolError as error:
            # Whoever showed it does not know yet that a key was revoked.
            log.info("evidence_out_of_date", accused=scheme_text(shown.accused), reason=str(error))
            return
        if isinstance(shown.proof, TwoRotations):
            await self._freeze(shown, shown.proof)
        await self._store.write(self._keep_in, shown, found, peer)

    def _has_room(self, peer: SchemeId) -> bool:
        now = asyncio.get_running_loop().time()
        most = EVIDENCE_OF_NEIGHBOUR_AN_HOUR
        bucket = self._shown.setdefault(peer, Bucket(most * 1000 / HOUR_MS, most, now))
        return bucket.take(1, now) == 0.0

    def _is_known(self, tx: ReadTx, shown: Evidence) -> bool:
        known = kept.evidence_by_id(tx, evidence_id(shown))
        excuses = isinstance(shown.proof, TwoOps) and shown.proof.excuse is not None
        return known is not None and (known.excused or not excuses)

    async def _freeze(self, shown: Evidence, proof: TwoRotations) -> None:
        """Let the directory meet both rotations, and so freeze the scheme. Source: 2.3."""
        for wires in (shown.identity, (proof.first,), (proof.second,)):
            try:
                await self._directory.learn(wires)
            except ProtocolError:
                continue  # the second of them is the conflict itself

    # --- keeping and passing on -------------------------------------------------------------------------------

    def _keep_in(self, tx: Tx, evidence: Evidence, finding: Finding, shown_by: SchemeId | None) -> None:
        """Unit: keep verified evidence; against ourselves with the excuse we have."""
        if finding.accused == self._own and not finding.excused:
            evidence, finding = self._with_excuse(tx, evidence, finding)
            if finding.excused:
                shown_by = None  # whoever showed it is told of the excuse too
        if kept.keep(tx, evidence, finding, shown_by, self._clock.now_ms()):
            log.warning(
                "evidence", accused=scheme_text(finding.accused), kind=finding.kind, excused=finding.excused, why=finding.why
            )  # fmt: skip
        self._remember_after(tx)

    def _with_excuse(self, tx: Tx, evidence: Evidence, finding: Finding) -> tuple[Evidence, Finding]:
        proof = evidence.proof
        if not isinstance(proof, TwoOps):
            return evidence, finding
        line = LineId(decode_message(Op, split(proof.first)[0]).line)
        for peer, nonce, wire in kept.answers_on(tx, line):
            excuse = Excuse(peer=peer, nonce=nonce, answer=wire, identity=self._directory.log(peer))
            tried = Evidence(
                accused=evidence.accused,
                proof=TwoOps(first=proof.first, second=proof.second, excuse=excuse),
                identity=evidence.identity,
            )
            try:
                found = verify(tried)
            except ProtocolError:
                continue
            if found.excused:
                return tried, found
        return evidence, finding

    async def _tell(self, peer: SchemeId) -> None:
        now_ms = self._clock.now_ms()
        piece = await self._store.read(kept.untold, peer, now_ms)
        if piece is not None and self._links.offer(peer, FrameType.EVIDENCE, piece[1]):
            await self._store.write(kept.note_told, piece[0], peer, now_ms)


def _against_beginning(
    lines: LineDesk, line: Line, op: Signed[Op], log: tuple[bytes, ...]
) -> Evidence | None:
    """Return what a refused REOPEN proves, beside the offer that is known under its epoch. Raises ProtocolError. Source: 6.8."""
    offered = kept_offer(lines.tx, line, op.body.epoch)
    if offered is None:
        return None

    def the_offer(_seq: int) -> Signed[Op]:
        assert offered is not None, "looked at above"
        return offered

    return evidence_against_op(with_offer(line.state, offered), line.nonce, op, the_offer, the_offer, log)


def _kind_of(first: bytes, second: bytes) -> type[TwoItems | TwoHeads] | None:
    for message, kind in ((Item, TwoItems), (Head, TwoHeads)):
        if all(_is_a(message, wire) for wire in (first, second)):
            return kind
    return None


def _is_a(message: type[Item | Head], wire: bytes) -> bool:
    try:
        decode_message(message, split(wire)[0])
    except (MalformedMessage, NotCanonical):
        return False
    return True
