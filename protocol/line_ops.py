"""What two schemes sign on their line: terms, ops, and the answers that bring two copies together.

Only shapes are here; whether an op is valid is decided in `line.py`. Source: docs/protocol.md 6.1–6.3, 6.5.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, Final, TypeAlias

from crypto.digest import object_id, tagged
from protocol.errors import InvalidValue
from protocol.limits import (
    AMOUNT_MAX,
    LINE_OPEN_LOCKS_MAX,
    MEMO_BYTES_MAX,
    NOTE_BYTES_MAX,
    PARTS_MAX,
    PROTOCOL_VERSION_MAX,
    ROUTE_HOPS_MAX,
    SEQ_MAX,
    TIME_MS_MAX,
)
from protocol.message import Blob, Code, Fixed, Int, Many, Message, Nested, Part, encode_message
from protocol.names import LineId, QuoteId, SchemeId

ZERO32: Final = bytes(32)
VERSION: Final = 1

# How an open lock is spelled in a state hash and in a REOPEN: side of its author, seq, amount.
LOCK_ROW: Final = struct.Struct(">BQQ")
# Each epoch has numbers of its own, so that a lock keeps its number when it goes on in a later one.
EPOCH_SEQS: Final = 2**32

MODE_NORMAL: Final = "normal"
MODE_REDUCE: Final = "reduce"

# Why a lock was released. On the wire the reasons say nothing about limits or the state of members (7.1).
RELEASE_REASONS: Final = ("gone", "price-changed", "no-way", "cannot-now", "too-late", "not-wanted")


def before_epoch(epoch: int) -> int:
    """Return the length of a chain on which nothing of this epoch stands: its first op has the seq after it. Source: 6.2."""
    return epoch * EPOCH_SEQS


def epoch_of(seq: int) -> int:
    """Return the epoch to which a seq belongs."""
    return (seq - 1) // EPOCH_SEQS


def _check_ends(low: SchemeId, high: SchemeId) -> None:
    if not low < high:
        raise InvalidValue("the lower scheme id comes first, and a scheme has no line with itself")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms(Message):
    """What both sides open a line over; its id is the line's id. Source: 6.1."""

    TAG: ClassVar[str] = "interlets/1/line-terms"

    low: Annotated[SchemeId, Fixed(32)]
    high: Annotated[SchemeId, Fixed(32)]
    nonce: Annotated[bytes, Fixed(16)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        _check_ends(self.low, self.high)

    def line_id(self) -> LineId:
        """Return the id of the line these terms open."""
        return LineId(object_id(encode_message(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Open(Part):
    """I open this line, over these terms, with the op set of this version (9.5)."""

    TAG: ClassVar[str] = "OPEN"

    low: Annotated[SchemeId, Fixed(32)]
    high: Annotated[SchemeId, Fixed(32)]
    nonce: Annotated[bytes, Fixed(16)]
    version: Annotated[int, Int(1, PROTOCOL_VERSION_MAX)] = VERSION

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        _check_ends(self.low, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Part):
    """The most the peer may owe me, have pending towards me, and have open at once. In hours' 3 600 000ths."""

    TAG: ClassVar[str] = "LIMIT"

    owed_max: Annotated[int, Int(0, AMOUNT_MAX)]
    pending_max: Annotated[int, Int(0, AMOUNT_MAX)]
    open_max: Annotated[int, Int(0, LINE_OPEN_LOCKS_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock(Part):
    """I will owe `amount` when you show the receipt of this quote."""

    TAG: ClassVar[str] = "LOCK"

    quote_id: Annotated[QuoteId, Fixed(32)]
    part: Annotated[int, Int(1, PARTS_MAX)]
    parts: Annotated[int, Int(1, PARTS_MAX)]
    amount: Annotated[int, Int(1, AMOUNT_MAX)]
    receipt_key: Annotated[bytes, Fixed(32)]
    mode: Annotated[str, Code((MODE_NORMAL, MODE_REDUCE))]
    deadline: Annotated[int, Int(0, TIME_MS_MAX)]  # on the payee's clock
    route: Annotated[
        tuple[SchemeId, ...], Many(Fixed(32), ROUTE_HOPS_MAX)
    ]  # the schemes after the beneficiary
    note: Annotated[bytes, Blob(NOTE_BYTES_MAX)]  # sealed to the payee
    memo: Annotated[bytes, Blob(MEMO_BYTES_MAX)]  # for the author itself, sealed: `memo.py`

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.part > self.parts:
            raise InvalidValue("Lock.part: beyond the number of parts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Part):
    """Here is the receipt: you owe me what your lock says."""

    TAG: ClassVar[str] = "CLAIM"

    lock: Annotated[int, Int(1, SEQ_MAX)]  # seq of the LOCK in its author's chain
    receipt: Annotated[bytes, Fixed(64)]
    memo: Annotated[bytes, Blob(MEMO_BYTES_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Part):
    """I shall never claim this lock of yours."""

    TAG: ClassVar[str] = "RELEASE"

    lock: Annotated[int, Int(1, SEQ_MAX)]
    reason: Annotated[str, Code(RELEASE_REASONS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit(Part):
    """I forgive, or acknowledge as settled elsewhere, this much of what you owe me."""

    TAG: ClassVar[str] = "CREDIT"

    amount: Annotated[int, Int(1, AMOUNT_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Part):
    """A statement: at these lengths of our chains I owe this much and the state hashes to this."""

    TAG: ClassVar[str] = "MARK"

    owed: Annotated[int, Int(-AMOUNT_MAX, AMOUNT_MAX)]  # by the author; negative: the peer owes
    own_length: Annotated[int, Int(0, SEQ_MAX)]
    peer_length: Annotated[int, Int(0, SEQ_MAX)]
    state: Annotated[bytes, Fixed(32)]  # of the line before this op


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Part):
    """No LOCK and no LIMIT of mine follows in this epoch; what is open ends as ever."""

    TAG: ClassVar[str] = "CLOSE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(Part):
    """The line goes on in this epoch, from this balance, with the locks that are open; the epoch `old` is over. Source: 6.8."""

    TAG: ClassVar[str] = "REOPEN"

    old: Annotated[int, Int(0, SEQ_MAX)]
    low_length: Annotated[int, Int(0, SEQ_MAX)]  # where the chain of each side ended in the old epoch
    low_id: Annotated[bytes, Fixed(32)]
    high_length: Annotated[int, Int(0, SEQ_MAX)]
    high_id: Annotated[bytes, Fixed(32)]
    owed_by_low: Annotated[
        int, Int(-AMOUNT_MAX, AMOUNT_MAX)
    ]  # as people agreed; negative: the higher side owes
    locks: Annotated[bytes, Blob(2 * LINE_OPEN_LOCKS_MAX * LOCK_ROW.size)]  # rows of LOCK_ROW, rising
    version: Annotated[int, Int(1, PROTOCOL_VERSION_MAX)] = VERSION  # the set of ops from here on (9.5)

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if len(self.locks) % LOCK_ROW.size:
            raise InvalidValue("Reopen.locks: not whole rows")
        rows = list(LOCK_ROW.iter_unpack(self.locks))
        if any(
            side > 1 or not 1 <= seq <= SEQ_MAX or not 1 <= amount <= AMOUNT_MAX for side, seq, amount in rows
        ):
            raise InvalidValue("Reopen.locks: a row that is no lock")
        if any(one[:2] >= two[:2] for one, two in pairwise(rows)):
            raise InvalidValue("Reopen.locks: not in rising order")

    def digest(self) -> bytes:
        """Return what the state hashes of the epoch are bound to: both sides said the same."""
        return tagged("interlets/1/line-reopen", encode_message(self))


Step: TypeAlias = Open | Limit | Lock | Claim | Release | Credit | Mark | Close | Reopen


@dataclass(frozen=True, slots=True, kw_only=True)
class Op(Message):
    """One signed step on a line. Source: 6.2."""

    TAG: ClassVar[str] = "interlets/1/op"

    line: Annotated[LineId, Fixed(32)]
    author: Annotated[SchemeId, Fixed(32)]
    epoch: Annotated[int, Int(0, SEQ_MAX)]
    seq: Annotated[int, Int(1, SEQ_MAX)]  # one after the other, from `before_epoch` + 1 on
    prev: Annotated[bytes, Fixed(32)]  # id of the author's last op; zeros before the first of an epoch
    ack: Annotated[int, Int(0, SEQ_MAX)]  # seq up to which the author stored the peer's chain
    ack_id: Annotated[bytes, Fixed(32)]  # id of that chain's last op; zeros where it has none in this epoch
    time: Annotated[int, Int(0, TIME_MS_MAX)]
    state: Annotated[bytes, Fixed(32)]
    step: Annotated[Step, Nested((Open, Limit, Lock, Claim, Release, Credit, Mark, Close, Reopen))]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAsk(Message):
    """Where my copies of both chains end; answer with this boot's nonce. Not signed: it moves nothing. Source: 6.5."""

    TAG: ClassVar[str] = "interlets/1/sync-ask"

    line: Annotated[LineId, Fixed(32)]
    epoch: Annotated[int, Int(0, SEQ_MAX)]
    boot: Annotated[bytes, Fixed(16)]
    own_length: Annotated[int, Int(0, SEQ_MAX)]
    seen_length: Annotated[int, Int(0, SEQ_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAnswer(Message):
    """What the answering side holds, for the boot that asked; signed with its line key. Source: 6.5, 6.7 (a), (c)."""

    TAG: ClassVar[str] = "interlets/1/sync-answer"

    line: Annotated[LineId, Fixed(32)]
    epoch: Annotated[int, Int(0, SEQ_MAX)]
    author: Annotated[SchemeId, Fixed(32)]
    boot: Annotated[bytes, Fixed(16)]  # of the asker
    own_length: Annotated[int, Int(0, SEQ_MAX)]
    own_id: Annotated[bytes, Fixed(32)]
    seen_length: Annotated[int, Int(0, SEQ_MAX)]
    seen_id: Annotated[bytes, Fixed(32)]


def receipt_bytes(quote_id: QuoteId) -> bytes:
    """Return the canonical body that a receipt signs, under the tag `interlets/1/receipt`. Source: 7.4."""
    return encode_message(ReceiptBody(quote_id=quote_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptBody(Part):
    """LC1[quote_id]: an array without a tag of its own. Source: 7.4."""

    quote_id: Annotated[QuoteId, Fixed(32)]


RECEIPT_TAG: Final = "interlets/1/receipt"
