"""The lines of one export: both chains of each, their signatures, every fold and state hash. Rules 6.1–6.3, 7.4."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from crypto.canonical import encode
from crypto.digest import object_id, tagged
from crypto.keys import BadKey, VerifyingKey
from crypto.signing import signed_bytes
from scripts.auditor.files import Export, Findings, Record, open_wire, short
from scripts.auditor.identities import Identities

TAG: Final = "interlets/1/op"
ZERO: Final = bytes(32)
ENDS: Final = ("CLAIM", "RELEASE")


@dataclass(frozen=True)
class Op:
    """One op whose signature verified."""

    id: bytes
    seq: int
    prev: bytes
    ack: int
    ack_id: bytes
    state: bytes
    step: tuple[Any, ...]

    @property
    def kind(self) -> str:
        """What it does, as LOCK or CLAIM."""
        return str(self.step[0])


@dataclass
class View:
    """What a prefix of each chain makes. Sides are 0, the lower scheme id, and 1."""

    owed_by_low: int = 0
    limits: list[tuple[int, int, int]] = field(default_factory=lambda: [(0, 0, 0), (0, 0, 0)])
    opened: list[bool] = field(default_factory=lambda: [False, False])
    closed: list[bool] = field(default_factory=lambda: [False, False])
    locks: dict[tuple[int, int], int] = field(default_factory=dict)  # (side, seq) → amount

    def owed(self, side: int) -> int:
        """Return what a side owes; below zero, it is owed."""
        return self.owed_by_low if side == 0 else -self.owed_by_low

    def pending(self, side: int) -> int:
        """Return what a side has locked."""
        return sum(amount for (author, _seq), amount in self.locks.items() if author == side)

    def digest(self) -> bytes:
        """Return the state hash of rule 6.2."""
        rows = b"".join(
            struct.pack(">BQQ", side, seq, amount) for (side, seq), amount in sorted(self.locks.items())
        )
        return tagged(
            "interlets/1/line-state",
            encode(
                (
                    self.owed_by_low,
                    self.limits[0],
                    self.limits[1],
                    tuple(self.opened),
                    tuple(self.closed),
                    rows,
                )
            ),
        )

    def apply(self, side: int, op: Op) -> None:
        """Take an op in. Raises ValueError: it ends what is not open, or is of a kind not known here."""
        sign = 1 if side == 0 else -1
        match op.step:
            case ("OPEN", *_):
                self.opened[side] = True
            case ("LIMIT", owed_max, pending_max, open_max):
                self.limits[1 - side] = (owed_max, pending_max, open_max)
            case ("LOCK", _quote, _part, _parts, amount, *_):
                self.locks[side, op.seq] = amount
            case ("CLAIM" | "RELEASE" as kind, lock, *_):
                amount = self.locks.pop((1 - side, lock), None)
                if amount is None:
                    raise ValueError(
                        f"its {kind} ends lock {lock}, which is not open: never there, or ended twice (I4)"
                    )
                if kind == "CLAIM":
                    self.owed_by_low -= sign * amount
            case ("CREDIT", amount):
                self.owed_by_low += sign * amount
            case ("MARK", *_):
                pass
            case ("CLOSE",):
                self.closed[side] = True
            case _:
                raise ValueError(f"it is a {op.kind}, which this auditor does not know")


@dataclass
class Line:
    """One export's copy of a line."""

    id: bytes
    schemes: tuple[bytes, bytes]  # the lower id first
    me: int
    chains: tuple[list[Op], list[Op]] = field(default_factory=lambda: ([], []))
    view: View = field(default_factory=View)
    sound: bool = True  # whether the fold of the chains means anything

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
        chain = self.chains[side]
        found = chain[seq - 1] if 0 < seq <= len(chain) else None
        return found if found is not None and found.kind == "LOCK" else None

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
                _check_chain(line, side, where, findings)
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
            op = Op(opened.id, own_seq, prev, ack, ack_id, state, step)
            if type(own_seq) is not int or type(ack) is not int or type(step) is not tuple or not step:
                raise ValueError("it has another shape than an op")
            if epoch != 0:
                findings.note(where, "it is of a later epoch, which this auditor does not follow")
                line.sound = False
                continue
            _put(line, line.schemes.index(author), op, where, findings)
        except (ValueError, TypeError) as error:
            findings.add(where, str(error))


def _put(line: Line, side: int, op: Op, where: str, findings: Findings) -> None:
    chain = line.chains[side]
    if op.seq == len(chain) + 1:
        if op.prev != (chain[-1].id if chain else ZERO):
            findings.add(where, "it does not continue the op before it")
        chain.append(op)
        return
    line.sound = False
    if op.seq > len(chain) + 1:
        findings.add(where, f"before it, op {len(chain) + 1} is missing or stands elsewhere")
    elif chain[op.seq - 1].id == op.id:
        findings.add(where, "it is there twice")
    else:
        findings.add(
            where, f"its author signed two ops {op.seq}: {short(chain[op.seq - 1].id)} and {short(op.id)}"
        )


def _check_chain(line: Line, side: int, where: str, findings: Findings) -> None:
    """Walk one author's chain as it was written: each op against what it acknowledged."""
    peer, view, seen = line.chains[1 - side], View(), 0
    for op in line.chains[side]:
        here = f"{where}, op {op.seq} of {short(line.schemes[side])}"
        if op.ack < seen or op.ack > len(peer):
            findings.add(here, f"it acknowledges {op.ack} ops of the other side, which has {len(peer)} here")
            line.sound = False
            return
        if op.ack_id != (peer[op.ack - 1].id if op.ack else ZERO):
            findings.add(here, f"it acknowledges another op {op.ack} of the other side than the one here")
        try:
            for other in peer[seen : op.ack]:
                view.apply(1 - side, other)
            seen = op.ack
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
    match op.step:
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
    """Fold both chains whole: first everything that opens, then everything that ends."""
    ordered: Sequence[tuple[int, Op]] = [(side, op) for side in (0, 1) for op in line.chains[side]]
    try:
        for ends in (False, True):
            for side, op in ordered:
                if (op.kind in ENDS) == ends:
                    line.view.apply(side, op)
    except ValueError as error:
        line.sound = False
        findings.add(where, f"the chains do not fit together: {error}")


def _compare(line: Line, told: Record, where: str, findings: Findings) -> None:
    lengths = (told.get("own_length"), told.get("peer_length"))
    if lengths != (len(line.mine), len(line.theirs)):
        findings.add(
            where,
            f"it is said to have {lengths[0]} and {lengths[1]} ops, there are {len(line.mine)} and {len(line.theirs)}",
        )
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
