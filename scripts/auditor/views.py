"""What the ops of a line make, one after the other: one op as it was signed, and the state of the line. Rules 6.2, 6.3, 6.8."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Final

from crypto.canonical import encode
from crypto.digest import tagged

ZERO: Final = bytes(32)
ENDS: Final = ("CLAIM", "RELEASE")
EPOCH_SEQS: Final = 2**32  # each epoch has numbers of its own (6.2)
ROW: Final = struct.Struct(">BQQ")  # an open lock: side, seq, amount


@dataclass(frozen=True)
class Op:
    """One op whose signature verified."""

    id: bytes
    epoch: int
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

    @property
    def place(self) -> int:
        """Its number in its epoch, from 1 on."""
        return self.seq - self.epoch * EPOCH_SEQS

    @property
    def acknowledged(self) -> int:
        """How many ops of the other side in its epoch it acknowledges."""
        return self.ack - self.epoch * EPOCH_SEQS


@dataclass
class View:
    """What a prefix of each chain makes. Sides are 0, the lower scheme id, and 1."""

    owed_by_low: int = 0
    limits: list[tuple[int, int, int]] = field(default_factory=lambda: [(0, 0, 0), (0, 0, 0)])
    opened: list[bool] = field(default_factory=lambda: [False, False])
    closed: list[bool] = field(default_factory=lambda: [False, False])
    locks: dict[tuple[int, int], int] = field(default_factory=dict)  # (side, seq) → amount
    begun: bytes = b""  # hash of the REOPEN that the epoch began with

    def owed(self, side: int) -> int:
        """Return what a side owes; below zero, it is owed."""
        return self.owed_by_low if side == 0 else -self.owed_by_low

    def pending(self, side: int) -> int:
        """Return what a side has locked."""
        return sum(amount for (author, _seq), amount in self.locks.items() if author == side)

    def rows(self) -> bytes:
        """Return the open locks as a state hash and a REOPEN spell them."""
        return b"".join(ROW.pack(side, seq, amount) for (side, seq), amount in sorted(self.locks.items()))

    def digest(self) -> bytes:
        """Return the state hash of rules 6.2 and 6.8."""
        return tagged(
            "interlets/1/line-state",
            encode(
                (
                    self.owed_by_low,
                    self.limits[0],
                    self.limits[1],
                    tuple(self.opened),
                    tuple(self.closed),
                    self.rows(),
                    *((self.begun,) if self.begun else ()),
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
            case ("REOPEN", _old, _low, _low_id, _high, _high_id, owed_by_low, rows, _version):
                if not any(self.opened):  # the other side's word is the same, or it is not valid
                    self.owed_by_low = owed_by_low
                    self.locks = {(whose, seq): amount for whose, seq, amount in ROW.iter_unpack(rows)}
                    self.begun = reopen_digest(op)
                self.opened[side] = True
            case _:
                raise ValueError(f"it is a {op.kind}, which this auditor does not know")


def reopen_digest(op: Op) -> bytes:
    """Return the hash by which all of an epoch is bound to the REOPEN it began with. Rule 6.8."""
    return tagged("interlets/1/line-reopen", encode(op.step))
