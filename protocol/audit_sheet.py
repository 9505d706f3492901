"""The sheet of a closed period: what the balances came to, signed by the scheme, under a log that others vouch for.

One file, checked offline as a receipt is. A sheet whose balances do not sum to zero cannot be spelled.
Source: docs/protocol.md 4.5, 11 (I1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from crypto.canonical import NotCanonical
from crypto.keys import VerifyingKey
from crypto.signing import WIRE_BYTES_MAX
from protocol.errors import InvalidValue, NotAuthentic, ProtocolError
from protocol.identity_events import LEDGER
from protocol.ledger import HOURS, LOCAL, SystemRole
from protocol.limits import (
    RECEIPT_BYTES_MAX,
    RECEIPT_PROOF_BYTES_MAX,
    RECEIPT_WITNESSES_MAX,
    SEQ_MAX,
    SHEET_LINES_MAX,
    TIME_MS_MAX,
)
from protocol.message import (
    Blob,
    Code,
    Fixed,
    Int,
    Many,
    Maybe,
    Message,
    Nested,
    Part,
    decode_whole,
    encode_whole,
    open_message,
)
from protocol.names import EntryId, KeySeq, SchemeId
from protocol.receipt_file import Introduced
from protocol.receipt_proof import (
    Broken,
    Fault,
    Included,
    Signer,
    Stopped,
    included_in,
    is_withdrawn,
    or_fault,
    signer_of,
)

TOTAL_MAX: Final = 2**62  # of sums of balances, either way
_WIRE: Final = Blob(WIRE_BYTES_MAX)
_TOTAL: Final = Int(-TOTAL_MAX, TOTAL_MAX)
_COUNT: Final = Int(0, SEQ_MAX)
QUARTILES: Final = 5
_ROLES: Final = tuple(each.value for each in SystemRole if each is not SystemRole.LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemBalance(Part):
    """What a system account stood at. The lines with other schemes are `Owed`."""

    role: Annotated[str, Code(_ROLES)]
    unit: Annotated[str, Code((LOCAL, HOURS))]
    balance: Annotated[int, _TOTAL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed(Part):
    """What stood between us and another scheme, in 3 600 000ths of an hour; above zero: it owed us."""

    scheme: Annotated[SchemeId, Fixed(32)]
    balance: Annotated[int, _TOTAL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet(Message):
    """What a scheme says of its books from one moment to another. Amounts are minor units of its own."""

    TAG: ClassVar[str] = "interlets/1/audit-sheet"

    scheme: Annotated[SchemeId, Fixed(32)]
    from_ms: Annotated[int, Int(0, TIME_MS_MAX)]
    to_ms: Annotated[int, Int(0, TIME_MS_MAX)]  # not included
    made_ms: Annotated[int, Int(0, TIME_MS_MAX)]
    entries: Annotated[int, Int(1, SEQ_MAX)]  # in the book by then, from its first
    last: Annotated[EntryId, Fixed(32)]  # the newest of them: the chain behind it is all of them
    people: Annotated[int, _COUNT]  # accounts of people that had moved by then
    ahead: Annotated[int, Int(0, TOTAL_MAX)]  # sum of those above zero
    behind: Annotated[int, Int(-TOTAL_MAX, 0)]  # sum of those below
    # The lowest balance, the three that part them in quarters, the highest; empty where there are no people.
    spread: Annotated[tuple[int, ...], Many(_TOTAL, QUARTILES)]
    system: Annotated[tuple[SystemBalance, ...], Many(Nested((SystemBalance,)), 16)]
    lines: Annotated[tuple[Owed, ...], Many(Nested((Owed,)), SHEET_LINES_MAX)]
    trades: Annotated[int, _COUNT]  # postings of the period
    corrections: Annotated[int, _COUNT]
    turnover: Annotated[int, Int(0, TOTAL_MAX)]  # what its postings moved, in local units

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if not self.from_ms < self.to_ms <= self.made_ms:
            raise InvalidValue("Sheet: a period is over when it is closed")
        if len(self.spread) not in (0, QUARTILES) or list(self.spread) != sorted(self.spread):
            raise InvalidValue("Sheet: a spread is five balances that rise")
        for unit, total in self.sums().items():
            if total:
                raise InvalidValue(f"Sheet: balances in {unit} sum to {total}, not to zero (I1)")

    def sums(self) -> dict[str, int]:
        """Return what all balances of each unit come to, which is zero."""
        sums = {LOCAL: self.ahead + self.behind, HOURS: sum(each.balance for each in self.lines)}
        for each in self.system:
            sums[each.unit] += each.balance
        return sums


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFile(Message):
    """The file: the sheet, whose it is, and who vouches for the log in which its last entry is."""

    TAG: ClassVar[str] = "interlets/1/audit-sheet-file"

    own: Annotated[Introduced, Nested((Introduced,))]
    sheet: Annotated[bytes, _WIRE]
    proof: Annotated[
        bytes | None, Maybe(Blob(RECEIPT_PROOF_BYTES_MAX))
    ]  # of the last entry; None: not in the log yet
    witnesses: Annotated[tuple[Introduced, ...], Many(Nested((Introduced,)), RECEIPT_WITNESSES_MAX)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.proof is None and self.witnesses:
            raise InvalidValue("SheetFile: witnesses of nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetProven:
    """What a file of a sheet proves."""

    own: Signer
    sheet: Sheet
    key_seq: KeySeq  # which key of the scheme signed it
    included: Included | None  # None: the last entry is not yet in a published state of the log


def encode_sheet(file: SheetFile) -> bytes:
    """Return the bytes of the file. Raises InvalidValue: longer than a file may be."""
    return encode_whole(file, RECEIPT_BYTES_MAX)


def verify_sheet(data: bytes) -> SheetProven | Broken:
    """Return what the bytes of a file prove. Whatever they are, no exception escapes. Source: 4.5."""
    try:
        return _verified(or_fault(Fault.UNREADABLE, lambda: decode_whole(SheetFile, data, RECEIPT_BYTES_MAX)))
    except Stopped as stop:
        return stop.broken


def is_sheet(data: bytes) -> bool:
    """Tell whether bytes call themselves the file of a sheet; nothing is verified."""
    try:
        decode_whole(SheetFile, data, RECEIPT_BYTES_MAX)
    except (ProtocolError, NotCanonical):
        return False
    return True


def _verified(file: SheetFile) -> SheetProven:
    identity, own = signer_of(file.own)

    def key_for(body: Sheet, key_seq: int) -> VerifyingKey | None:
        if body.scheme != identity.scheme_id:
            raise NotAuthentic("a sheet of another scheme's book")
        return identity.key_for(LEDGER, key_seq, seen_at_seq=key_seq)

    signed = or_fault(Fault.ENTRY, lambda: open_message(Sheet, file.sheet, key_for))
    if is_withdrawn(identity, signed.key_seq):
        # The log holds the entries, not the sheet: nothing shows that it is older than the end of its key.
        raise Stopped(Fault.KEY_WITHDRAWN, "signed with a key that its scheme ended")
    sheet = signed.body
    included = None
    if file.proof is not None:
        included = included_in(file.proof, file.witnesses, identity, sheet.last, sheet.entries - 1)
    return SheetProven(own=own, sheet=sheet, key_seq=KeySeq(signed.key_seq), included=included)
