"""The state of a line: what a prefix of each chain folds into, and what it leaves room for. Source: docs/protocol.md 6.2, 6.3.

Whether an op may be written is decided in `line.py`; here is only what one that was found valid makes of the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NewType, TypeAlias, assert_never, cast

from crypto.canonical import decode, encode
from crypto.digest import tagged
from protocol.limits import LINE_OPEN_LOCKS_MAX
from protocol.line_ops import (
    LOCK_ROW,
    MODE_REDUCE,
    Claim,
    Close,
    Credit,
    Limit,
    Lock,
    Mark,
    Open,
    Release,
    Reopen,
    Step,
)

Side = NewType("Side", int)  # 0: the scheme with the lower id, 1: the other
LOW: Final = Side(0)
HIGH: Final = Side(1)

_Three: TypeAlias = tuple[int, int, int]
_Both: TypeAlias = tuple[bool, bool]
_Stored: TypeAlias = tuple[int, _Three, _Three, _Both, _Both, bytes, *tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds one debtor side; set by LIMIT ops of the other. Amounts in hours' 3 600 000ths."""

    owed_max: int = 0
    pending_max: int = 0
    open_max: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """The fold of a prefix of each chain."""

    owed_by_low: int = 0  # negative: the higher side owes
    limits: tuple[Limits, Limits] = (Limits(), Limits())  # by debtor side
    opened: tuple[bool, bool] = (False, False)
    closed: tuple[bool, bool] = (False, False)
    open_locks: Mapping[tuple[Side, int], int] = field(default_factory=dict)  # (author, seq) → amount
    pending: tuple[int, int] = (0, 0)  # sum and …
    open_count: tuple[int, int] = (0, 0)  # … number of each side's own open locks
    begun: bytes = b""  # digest of the REOPEN this epoch began with; none in the first
    _spelled: list[bytes] = field(default_factory=list, init=False, compare=False, repr=False)

    def locks(self) -> Mapping[tuple[Side, int], int]:
        """Return the open locks: (author side, seq) → amount."""
        return self.open_locks

    def rows(self) -> bytes:
        """Return the open locks as a state hash and a REOPEN spell them."""
        return b"".join(
            [LOCK_ROW.pack(side, seq, amount) for (side, seq), amount in sorted(self.open_locks.items())]
        )

    @property
    def ended(self) -> bool:
        """Whether the epoch is over: both chains hold CLOSE and no lock is open. Source: 6.3 (CLOSE)."""
        return all(self.closed) and not self.open_locks

    def owed(self, side: Side) -> int:
        """Return what `side` owes; negative: it is owed."""
        return self.owed_by_low if side == LOW else -self.owed_by_low

    def digest(self) -> bytes:
        """Return the state hash of 6.2: equal views, equal hash, whatever the order of arrival (I2)."""
        return tagged("interlets/1/line-state", self.encode())

    def encode(self) -> bytes:
        """Return the view as LC1, for hashing and for a store."""
        if not self._spelled:  # a view is hashed for an op and stored with it
            low, high = self.limits
            spelled = encode(
                (
                    self.owed_by_low,
                    (low.owed_max, low.pending_max, low.open_max),
                    (high.owed_max, high.pending_max, high.open_max),
                    self.opened,
                    self.closed,
                    self.rows(),
                    *((self.begun,) if self.begun else ()),
                )
            )
            self._spelled.append(spelled)
        return self._spelled[0]


def decode_view(data: bytes) -> View:
    """Return the view that `View.encode` wrote into this node's own store."""
    owed, low, high, opened, closed, rows, *begun = cast(
        _Stored, decode(data)
    )  # our own bytes: the shape is ours
    view = _with_rows(View(), rows)
    return replace(
        view, owed_by_low=owed, limits=(Limits(*low), Limits(*high)), opened=opened, closed=closed,
        begun=begun[0] if begun else b"",
    )  # fmt: skip


def _with_rows(view: View, rows: bytes) -> View:
    locks: dict[tuple[Side, int], int] = {}
    pending, count = [0, 0], [0, 0]
    for side, seq, amount in LOCK_ROW.iter_unpack(rows):
        locks[Side(side), seq] = amount
        pending[side] += amount
        count[side] += 1
    return replace(view, open_locks=locks, pending=(pending[0], pending[1]), open_count=(count[0], count[1]))


def other(side: Side) -> Side:
    """Return the opposite side."""
    return HIGH if side == LOW else LOW


def _with(pair: tuple[int, int], side: Side, change: int) -> tuple[int, int]:
    return (pair[0] + change, pair[1]) if side == LOW else (pair[0], pair[1] + change)


def _said(pair: tuple[bool, bool], side: Side) -> tuple[bool, bool]:
    return (True, pair[1]) if side == LOW else (pair[0], True)


def room(view: View, debtor: Side, mode: str = "normal") -> int:
    """Return the largest amount `debtor` may lock next; 0 when none. Source: 6.3 (LOCK)."""
    if view.open_count[debtor] >= LINE_OPEN_LOCKS_MAX or not all(view.opened) or any(view.closed):
        return 0
    exposure = view.owed(debtor) + view.pending[debtor]
    if mode == MODE_REDUCE:  # only ever lowers a debt, so no LIMIT stands in its way
        return max(0, -exposure)
    limits = view.limits[debtor]
    if view.open_count[debtor] >= limits.open_max:
        return 0
    return max(0, min(limits.owed_max - exposure, limits.pending_max - view.pending[debtor]))


def credit_room(view: View, author: Side) -> int:
    """Return the largest CREDIT `author` may sign: what the peer owes less the author's own open locks. Source: 6.3."""
    return max(0, -view.owed(author) - view.pending[author])


def apply(view: View, author: Side, seq: int, step: Step) -> View:
    """Return the view after a step that was found valid."""
    match step:
        case Open():
            return replace(view, opened=_said(view.opened, author))
        case Reopen():
            if any(view.opened):  # the other side said the same before
                return replace(view, opened=_said(view.opened, author))
            begun = View(owed_by_low=step.owed_by_low, opened=_said(view.opened, author), begun=step.digest())
            return _with_rows(begun, step.locks)
        case Close():
            return replace(view, closed=_said(view.closed, author))
        case Limit():
            new = Limits(step.owed_max, step.pending_max, step.open_max)
            return replace(view, limits=(view.limits[0], new) if author == LOW else (new, view.limits[1]))
        case Lock():
            locks = dict(view.open_locks)
            locks[author, seq] = step.amount
            return _with_locks(view, locks, author, step.amount, 1, 0)
        case Claim() | Release():
            debtor = other(author)
            locks = dict(view.open_locks)
            amount = locks.pop((debtor, step.lock))
            moved = amount if isinstance(step, Claim) else 0
            return _with_locks(view, locks, debtor, -amount, -1, moved if debtor == LOW else -moved)
        case Credit():
            return replace(
                view, owed_by_low=view.owed_by_low + (step.amount if author == LOW else -step.amount)
            )
        case Mark():
            return view
        case _:
            assert_never(step)


def _with_locks(
    view: View, locks: Mapping[tuple[Side, int], int], debtor: Side, amount: int, count: int, owed: int
) -> View:
    # Spelled out, because `replace` takes twice as long and every op of a payment comes through here.
    return View(
        view.owed_by_low + owed,
        view.limits,
        view.opened,
        view.closed,
        locks,
        _with(view.pending, debtor, amount),
        _with(view.open_count, debtor, count),
        view.begun,
    )
