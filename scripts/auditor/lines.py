"""The lines of one export: both chains of each, their signatures, every fold and state hash. Rules 6.1–6.3, 7.4."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from crypto.canonical import encode
from crypto.digest import object_id
from crypto.keys import BadKey, VerifyingKey
from crypto.signing import signed_bytes
from scripts.auditor.files import Export, Findings, Record, open_wire, short
from scripts.auditor.identities import Identities
from scripts.auditor.views import ENDS, EPOCH_SEQS, ZERO, Op, View, reopen_digest

TAG: Final = "interlets/1/op"


@dataclass
class Line:
    """One export's copy of a line."""

    id: bytes
    schemes: tuple[bytes, bytes]  # the lower id first
    me: int
    chains: tuple[list[Op], list[Op]] = field(default_factory=lambda: ([], []))
    view: View = field(default_factory=View)
    sound: bool = True  # whether the fold of the chains means anything
    _places: tuple[dict[int, Op], dict[int, Op]] = field(default_factory=lambda: ({}, {}))

    @property
    def mine(self) -> list[Op]:
        """The chain of the scheme whose export this is."""
        return self.chains[self.me]

    @property
    def theirs(self) -> list[Op]:
        """The other scheme's chain."""
        return self.chains[1 - self.me]

    @property
    def peer(self) -> bytes:
        """The other scheme."""
        return self.schemes[1 - self.me]

    def lock(self, side: int, seq: int) -> Op | None:
        """Return the lock that an end names."""
        found = self.op(side, seq)
        return found if found is not None and found.kind == "LOCK" else None

    def op(self, side: int, seq: int) -> Op | None:
        """Return the op of this side with that number."""
        places = self._places[side]
        for op in self.chains[side][len(places) :]:  # those that were read since
            places[op.seq] = op
        return places.get(seq)

    def of_epoch(self, side: int, epoch: int) -> list[Op]:
        """Return the ops of this side in an epoch."""
        return [op for op in self.chains[side] if op.epoch == epoch]

    @property
    def epochs(self) -> list[int]:
        """Every epoch in which something was written, rising."""
        return sorted({op.epoch for chain in self.chains for op in chain})

    @cached_property
    def _ends(self) -> dict[tuple[int, int], Op]:
        return {(1 - side, op.step[1]): op for side in (0, 1) for op in self.chains[side] if op.kind in ENDS}

    def end_of(self, side: int, seq: int) -> Op | None:
        """Return the op that ended a lock of this side. Asked only once both chains are read."""
        return self._ends.get((side, seq))


def audit_lines(export: Export, identities: Identities, findings: Findings) -> dict[bytes, Line]:
    """Recompute every line of an export from its ops, and compare it with what the export says."""
    lines: dict[bytes, Line] = {}
    told: dict[bytes, Record] = {}
    for record in export.of("lines"):
        where = f"{export.name}, line {str(record.get('line'))[:12]}"
        try:
            low, high, nonce = (bytes.fromhex(record[name]) for name in ("low", "high", "nonce"))
            id_ = bytes(object_id(encode(("interlets/1/line-terms", low, high, nonce))))
            if id_.hex() != record["line"] or export.scheme not in (low, high):
                findings.add(where, "it is not the line of these two schemes")
                continue
            lines[id_], told[id_] = Line(id_, (low, high), int(export.scheme == high)), record
        except (ValueError, TypeError, KeyError) as error:
            findings.add(where, str(error))
    _read_chains(export, lines, identities, findings)
    for id_, line in lines.items():
        where = f"{export.name}, line {short(id_)}"
        try:
            for side in (0, 1):
                for epoch in line.epochs:
                    _check_chain(line, side, epoch, where, findings)
            _fold(line, where, findings)
        except (TypeError, IndexError, struct.error) as error:
            line.sound = False
            findings.add(where, f"an op of it has another shape than its kind: {error}")
        _compare(line, told[id_], where, findings)
    return lines


def _read_chains(
    export: Export, lines: dict[bytes, Line], identities: Identities, findings: Findings
) -> None:
    for record in export.of("ops"):
        author_text, seq = str(record.get("author"))[:12], record.get("seq")
        where = f"{export.name}, line {str(record.get('line'))[:12]}, op {seq} of {author_text}"
        try:
            opened = open_wire(record, TAG, 11)
            _tag, id_, author, epoch, own_seq, prev, ack, ack_id, _time, state, step = opened.body
            line = lines.get(id_)
            if line is None or author not in line.schemes:
                findings.add(where, "it belongs to no line of this export")
                continue
            if (id_.hex(), author.hex(), epoch, own_seq) != tuple(
                record.get(name) for name in ("line", "author", "epoch", "seq")
            ):
                findings.add(where, f"what was signed is op {own_seq} of {short(author)}")
            identities.check(where, author, "line", opened)
            op = Op(opened.id, epoch, own_seq, prev, ack, ack_id, state, step)
            if (
                any(type(each) is not int for each in (epoch, own_seq, ack))
                or type(step) is not tuple
                or not step
            ):
                raise ValueError("it has another shape than an op")
            _put(line, line.schemes.index(author), op, where, findings)
        except (ValueError, TypeError) as error:
            findings.add(where, str(error))


def _put(line: Line, side: int, op: Op, where: str, findings: Findings) -> None:
    chain = line.chains[side]
    last = chain[-1] if chain else None
    begins = last is None or op.epoch > last.epoch
    next_seq = op.epoch * EPOCH_SEQS + 1 if last is None or begins else last.seq + 1
    if op.seq == next_seq:
        if op.prev != (ZERO if last is None or begins else last.id):
            findings.add(where, "it does not continue the op before it")
        chain.append(op)
        return
    line.sound = False
    held = line.op(side, op.seq)
    if held is None:
        findings.add(where, f"before it, op {next_seq} is missing or stands elsewhere")
    elif held.id == op.id:
        findings.add(where, "it is there twice")
    else:
        findings.add(where, f"its author signed two ops {op.seq}: {short(held.id)} and {short(op.id)}")


def _check_chain(line: Line, side: int, epoch: int, where: str, findings: Findings) -> None:
    """Walk one author's chain of an epoch as it was written: each op against what it acknowledged."""
    peer, view, seen = line.of_epoch(1 - side, epoch), View(), 0
    for op in line.of_epoch(side, epoch):
        here = f"{where}, op {op.seq} of {short(line.schemes[side])}"
        ack = op.acknowledged
        if ack < seen or ack > len(peer):
            findings.add(here, f"it acknowledges {ack} ops of the other side, which has {len(peer)} here")
            line.sound = False
            return
        if op.ack_id != (peer[ack - 1].id if ack else ZERO):
            findings.add(here, f"it acknowledges another op {op.ack} of the other side than the one here")
        try:
            for other in peer[seen:ack]:
                view.apply(1 - side, other)
            seen = ack
            if (text := _invalid(line, side, view, op)) is not None:
                findings.add(here, text)
            view.apply(side, op)
        except ValueError as error:
            findings.add(here, str(error))
            line.sound = False
            return
        if view.digest() != op.state:
            findings.add(here, "its author signed another state of the line than its ops make (I2)")


def _invalid(line: Line, side: int, view: View, op: Op) -> str | None:
    """Return what is wrong with an op at its own ack. Rule 6.3."""
    if op.epoch and op.kind != "REOPEN" and not all(view.opened):
        return f"{op.kind} before both have signed how the line goes on (6.8)"
    match op.step:
        case ("REOPEN", old, *_) if op.place != 1 or not old < op.epoch:
            return "REOPEN elsewhere than at the beginning of a later epoch (6.8)"
        case ("REOPEN", *_) if side == 1 and view.begun != reopen_digest(op):
            return "REOPEN says another thing than the one it answers (6.8)"
        case ("REOPEN", *_) if side == 0 and view.begun:
            return "REOPEN of the side with the lower id comes after the other's (6.8)"
        case ("LOCK" | "LIMIT" | "CLOSE" as kind, *_) if view.closed[side]:
            return f"{kind} after its author's CLOSE"
        case ("LOCK", *_) if any(view.closed):
            return "LOCK after the CLOSE that it acknowledges"
        case ("LOCK", _quote, _part, _parts, amount, _key, mode, *_):
            exposure = view.owed(side) + view.pending(side) + amount
            limit, pending_max, open_max = view.limits[side]
            if mode == "reduce":
                return f"LOCK in mode reduce leaves a debt of {exposure}" if exposure > 0 else None
            if exposure > limit or view.pending(side) + amount > pending_max:
                return f"LOCK brings debt and locks to {exposure}, the limit is {limit} (I3)"
            if sum(author == side for author, _seq in view.locks) >= open_max:
                return f"LOCK is one more than the {open_max} that may be open"
        case ("CLAIM", seq, receipt, *_):
            lock = line.lock(1 - side, seq)
            if lock is not None and not _opens(lock, receipt):
                return f"the receipt does not open lock {seq}"
        case ("CREDIT", amount):
            if amount > -view.owed(side) - view.pending(side):
                return f"CREDIT of {amount}, more than is owed"
        case ("MARK", owed, own_length, peer_length, state):
            if (owed, own_length, peer_length, state) != (view.owed(side), op.seq - 1, op.ack, view.digest()):
                return "MARK states other figures than the line's"
        case _:
            pass
    return None


def _opens(lock: Op, receipt: bytes) -> bool:
    try:
        key = VerifyingKey(lock.step[5])
    except BadKey:
        return False
    return key.verifies(receipt, signed_bytes("interlets/1/receipt", encode((lock.step[1],))))


def _fold(line: Line, where: str, findings: Findings) -> None:
    """Fold both chains whole, epoch by epoch: first everything that opens, then everything that ends."""
    before: dict[int, View] = {}
    try:
        for epoch in line.epochs:
            view = View()
            ordered: Sequence[tuple[int, Op]] = [
                (side, op) for side in (0, 1) for op in line.of_epoch(side, epoch)
            ]
            for ends in (False, True):
                for side, op in ordered:
                    if (op.kind in ENDS) == ends:
                        view.apply(side, op)
            for side, op in ordered:
                if op.kind == "REOPEN" and (text := _breaks(line, op, before)) is not None:
                    findings.add(f"{where}, op {op.seq} of {short(line.schemes[side])}", text)
            before[epoch] = line.view = view
    except ValueError as error:
        line.sound = False
        findings.add(where, f"the chains do not fit together: {error}")


def _breaks(line: Line, op: Op, before: dict[int, View]) -> str | None:
    """Return how a REOPEN does not continue the epoch it names. Rule 6.8."""
    _kind, old, low_length, low_id, high_length, high_id, _owed, rows, _version = op.step
    if old not in before or old != max(before):
        return f"REOPEN continues epoch {old}, which is not the one before"
    for side, (length, id_) in enumerate(((low_length, low_id), (high_length, high_id))):
        chain = line.of_epoch(side, old)
        if (length, id_) != ((chain[-1].seq, chain[-1].id) if chain else (old * EPOCH_SEQS, ZERO)):
            return f"REOPEN names another end of the chain of {short(line.schemes[side])} than it has"
    if rows != before[old].rows():
        return "REOPEN leaves out a lock that is open, or names one that is not"
    return None


def _compare(line: Line, told: Record, where: str, findings: Findings) -> None:
    lengths = (told.get("own_length"), told.get("peer_length"))
    ends = tuple(chain[-1].seq if chain else 0 for chain in (line.mine, line.theirs))
    if lengths != ends:
        findings.add(
            where,
            f"its chains are said to end at {lengths[0]} and {lengths[1]}, they end at {ends[0]} and {ends[1]}",
        )
    epoch = max(line.epochs, default=0)
    if told.get("epoch") != epoch:
        findings.add(where, f"it is said to be in epoch {told.get('epoch')}, its ops are in {epoch}")
    if not line.sound:
        findings.note(where, "its balance says nothing until the chains are whole")
        return
    if told.get("we_owe") != line.view.owed(line.me):
        findings.add(
            where, f"we are said to owe {told.get('we_owe')}, the ops make {line.view.owed(line.me)}"
        )
    locks = sorted((line.schemes[side].hex(), seq, amount) for (side, seq), amount in line.view.locks.items())
    said = told.get("open_locks")
    if not isinstance(said, list) or locks != sorted(
        (str(lock.get("author")), lock.get("lock"), lock.get("amount")) for lock in said
    ):
        findings.add(where, f"the open locks are said to be others than the {len(locks)} that the ops make")
