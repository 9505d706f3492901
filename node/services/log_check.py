"""The public log checked against the entries: kept hashes, signed heads, and what witnesses were shown.

This is what sees that the *newest* entries are gone together with everything they moved: a head that was signed, or that a
neighbour cosigned, over more entries than there are. Source: docs/protocol.md 4.1–4.3, 11 (I10).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from crypto.merkle import HASH_BYTES, Frontier, root
from node.services.ledger_walk import Findings, Identities
from node.store import ReadTx
from node.store.schema import books as books_schema
from node.store.schema import log as schema
from protocol.checkpoint import cosigned_by, open_checkpoint, parse_checkpoint, scheme_of_witness
from protocol.errors import ProtocolError
from protocol.identity import IdentityState
from protocol.limits import TILE_WIDTH
from protocol.names import SchemeId, scheme_text
from protocol.note import Note

BLOCKS_AT_A_TIME: Final = 16

_E: Final = books_schema.entry.c
_IDS: Final = (
    select(_E.seq, _E.id)
    .where(_E.seq > bindparam("after"))
    .order_by(_E.seq)
    .limit(BLOCKS_AT_A_TIME * TILE_WIDTH)
)
_H: Final = schema.log_hash.c
_HASHES: Final = select(_H.level, _H.no, _H.hash).order_by(_H.level, _H.no)
_L: Final = schema.log_head.c
_HEADS: Final = select(_L.size, _L.root, _L.note, _L.cosigned).order_by(_L.size)
_W: Final = schema.log_witness.c
_WITNESSES: Final = select(_W.scheme, _W.size, _W.note).order_by(_W.scheme)


class Logged(NamedTuple):
    """What the entries make, as a log."""

    root: bytes  # of the tree over all of them (4.1)
    signed: int  # entries under the newest signed head; 0: none is signed


def check_log(tx: ReadTx, scheme: SchemeId, identities: Identities, findings: Findings) -> Logged:
    """Compare the log with the entries."""
    own = identities(scheme)
    assert own is not None, "a scheme knows itself"
    heads, shown = tx.all(_HEADS), tx.all(_WITNESSES)
    made = _Trees(tx, {row[0] for row in heads} | {row[1] for row in shown})
    _check_hashes(tx, made, findings)
    signed = 0
    for size, head_root, wire, cosigned in heads:
        if not made.covers(size):
            findings.add("log_head", size, f"it was made of {size} entries, there are {made.size}")
            continue
        findings.equal("log_head", size, root=(head_root, made.roots[size]))
        if wire is None:
            continue
        signed = size
        note = _checked_note(wire, own, size, made, ("log_head", str(size)), findings)
        if note is not None:
            names = {each.name for each in note.signatures} - {parse_checkpoint(note).origin}
            findings.equal("log_head", size, cosigned=(cosigned, len(names)))
            _check_cosignatures(note, names, identities, ("log_head", str(size)), findings)
    for witness, size, wire in shown:
        where = ("log_witness", scheme_text(witness))
        if not made.covers(size):
            findings.add(*where, f"it cosigned {size} entries, there are {made.size}: the newest are gone")
            continue
        note = _checked_note(wire, own, size, made, where, findings)
        known = identities(witness)
        if note is not None and known is not None and not cosigned_by(note, {witness: known}, ever=True):
            findings.add(*where, "what it cosigned is not signed by it")
    return Logged(made.root(), signed)


class _Trees:
    """The tree over all entries: its hashes over whole blocks, and its roots at the sizes asked for."""

    def __init__(self, tx: ReadTx, sizes: Iterable[int]):
        self.size = 0
        self.blocks: Final[dict[tuple[int, int], bytes]] = {}  # by level and number
        self.roots: Final[dict[int, bytes]] = {}
        self._asked: Final = sorted(sizes, reverse=True)
        self._tree = Frontier()
        self._block: list[bytes] = []  # of the ids of the block that is not full yet
        self._note_root()
        after = -1
        while rows := tx.all(_IDS, after=after):
            after = rows[-1][0]
            # A gap is named by the walk over the entries; here it counts as entries of zeros, to go on.
            ids: list[bytes] = []
            for seq, id_ in rows:
                ids += [bytes(HASH_BYTES)] * min(seq - self.size - len(ids), 1_000_000)
                ids.append(id_ if len(id_) == HASH_BYTES else bytes(HASH_BYTES))
            self._extend(ids)
        self._stack()

    def root(self) -> bytes:
        """Return the root over all entries."""
        return self._tree.root()

    def covers(self, size: int) -> bool:
        """Tell whether there are so many entries."""
        return size in self.roots

    def _extend(self, ids: list[bytes]) -> None:
        while ids:
            end = (self.size // TILE_WIDTH + 1) * TILE_WIDTH
            if self._asked:
                end = min(end, self._asked[-1])
            part, ids = ids[: end - self.size], ids[end - self.size :]
            self._block += part
            self._tree = self._tree.extended(part)
            self.size += len(part)
            self._note_root()
            if len(self._block) == TILE_WIDTH:
                self.blocks[1, self.size // TILE_WIDTH - 1] = root(self._block)
                self._block = []

    def _note_root(self) -> None:
        if self._asked and self._asked[-1] == self.size:
            self.roots[self._asked.pop()] = self._tree.root()

    def _stack(self) -> None:
        """Make the levels above the first, each from the one below."""
        level, below = 1, self.size // TILE_WIDTH
        while below >= TILE_WIDTH:
            for no in range(below // TILE_WIDTH):
                parts = [self.blocks[level, no * TILE_WIDTH + each] for each in range(TILE_WIDTH)]
                self.blocks[level + 1, no] = root(parts)
            level, below = level + 1, below // TILE_WIDTH


def _check_hashes(tx: ReadTx, made: _Trees, findings: Findings) -> None:
    """Compare the kept hashes. The last of each level may not be made yet; one in between may not lack."""
    whole = Counter(level for level, _ in made.blocks)
    due: dict[int, int] = {}
    for level, no, kept in tx.all(_HASHES):
        where = f"{no} of level {level}"
        for lacking in range(due.get(level, 0), min(no, whole[level])):
            findings.add("log_hash", f"{lacking} of level {level}", "missing", derived=True)
        due[level] = max(due.get(level, 0), no + 1)
        wanted = made.blocks.get((level, no))
        if wanted is None:
            findings.add("log_hash", where, "there are no such entries", derived=True)
        else:
            findings.equal("log_hash", where, derived=True, hash=(kept, wanted))


def _checked_note(
    wire: bytes, own: IdentityState, size: int, made: _Trees, where: tuple[str, str], findings: Findings
) -> Note | None:
    """Return a note of ours that says what it should; what is wrong with it is among the findings."""
    try:
        checkpoint, note = open_checkpoint(wire, own, ever=True)
    except ProtocolError as error:
        findings.add(*where, f"its note: {error}")
        return None
    if (checkpoint.size, checkpoint.root) != (size, made.roots[size]):
        findings.add(
            *where,
            f"its note is of {checkpoint.size} entries and another root than they make: two books were signed (I10)",
        )
        return None
    return note


def _check_cosignatures(
    note: Note, names: set[str], identities: Identities, where: tuple[str, str], findings: Findings
) -> None:
    for name in sorted(names):
        try:
            witness = scheme_of_witness(name)
        except ProtocolError as error:
            findings.add(*where, f"a signature by {name!r}: {error}")
            continue
        known = identities(witness)
        if known is not None and not cosigned_by(note, {witness: known}, ever=True):
            findings.add(*where, f"the cosignature of {scheme_text(witness)} is not by it")
