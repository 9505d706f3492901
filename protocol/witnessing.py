"""What a witness answers when it is asked to cosign a checkpoint. Source: docs/protocol.md 4.3, 6.7 j, C2SP tlog-witness.

`decide` is the whole rule. The node calls it inside the transaction that stores the new state, so that nothing comes
between looking and storing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from crypto.merkle import EMPTY_ROOT, verify_consistency
from protocol.checkpoint import Checkpoint, cosigned_at, parse_checkpoint
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.limits import LOG_SIZE_MAX, WITNESS_PROOF_HASHES_MAX, WITNESS_REQUEST_BYTES_MAX
from protocol.log import hash_lines, read_hash_lines
from protocol.note import (
    Note,
    NoteKey,
    NoteSignature,
    parse_note,
    parse_signature,
    read_decimal,
    read_lines,
    signed_by_any,
)

SIZE_TYPE: Final = "text/x.tlog.size"


class Status(IntEnum):
    """How a request to cosign ends; the numbers are those of HTTP."""

    COSIGNED = 200
    MALFORMED = 400
    NOT_SIGNED = 403
    UNKNOWN_LOG = 404
    CONFLICT = 409
    NOT_CONSISTENT = 422
    NOT_SHOWN = 503  # the witness may have been restored: show it what it cosigned last (6.7 j)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A request to cosign `note`, which continues the log of `old_size` entries by this proof. Nothing is verified."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note

    def __post_init__(self) -> None:
        if not 0 <= self.old_size <= LOG_SIZE_MAX or len(self.proof) > WITNESS_PROOF_HASHES_MAX:
            raise InvalidValue("not a request to cosign")

    def data(self) -> bytes:
        """Return the body of the request."""
        lines = [f"old {self.old_size}", *hash_lines(self.proof), ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.note.data()


@dataclass(frozen=True, slots=True)
class Record:
    """The newest state of a log that a witness cosigned."""

    size: int
    root: bytes


NOTHING: Final = Record(0, EMPTY_ROOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to answer, and what to keep first. `record` is what is held from now on; None: as before."""

    status: Status
    record: Record | None = None
    held_size: int | None = None  # told with CONFLICT where the old size was another
    two_faced: bool = False  # the log signed another root for the size that is held
    showed: bool = False  # the note carries a cosignature of the witness' own


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Return the request that `data` spells.

    Raises:
        MalformedMessage: none. No other exception escapes, whatever the bytes.
    """
    whole = read_lines(data, WITNESS_REQUEST_BYTES_MAX)
    head, empty, _ = whole.partition("\n\n")
    lines = head.split("\n")
    first = lines.pop(0)
    if not empty or not first.startswith("old "):
        raise MalformedMessage("a request begins with the old size and ends with a note")
    return AddCheckpoint(
        old_size=read_decimal(first[4:], LOG_SIZE_MAX),
        proof=read_hash_lines(lines, WITNESS_PROOF_HASHES_MAX),
        note=parse_note(whole[len(head) + 2 :].encode()),
    )


def decide(
    request: AddCheckpoint, log_keys: Sequence[NoteKey] | None, own_keys: Sequence[NoteKey], held: Record, *, shown: bool
) -> Verdict:  # fmt: skip
    """Return what a witness that holds `held` answers. The order of the checks is part of the protocol.

    `log_keys` are the keys that count for the log, None if it is not witnessed here; `own_keys` are all that ever
    cosigned for this witness. `shown` is whether, since it was started, the log showed it a cosignature of its own or
    there was never one. A note that carries an own cosignature shows it: it moves the record forward, never back.
    """
    try:
        checkpoint = parse_checkpoint(request.note)
    except MalformedMessage:
        return Verdict(status=Status.MALFORMED)
    if log_keys is None:
        return Verdict(status=Status.UNKNOWN_LOG)
    if not _is_signed(request.note, log_keys):
        return Verdict(status=Status.NOT_SIGNED)
    if request.old_size > checkpoint.size:
        return Verdict(status=Status.MALFORMED)
    own = any(cosigned_at(request.note, key) is not None for key in own_keys)
    moved = Record(checkpoint.size, checkpoint.root) if own and checkpoint.size > held.size else None
    now = moved or held
    if not own and not shown:
        return Verdict(status=Status.NOT_SHOWN, held_size=held.size)
    verdict = _continues(request, checkpoint, now)
    return replace(verdict, record=verdict.record or moved, showed=own)


def _is_signed(note: Note, log_keys: Sequence[NoteKey]) -> bool:
    try:
        return signed_by_any(note, log_keys)
    except NotAuthentic:
        return False


def _continues(request: AddCheckpoint, checkpoint: Checkpoint, held: Record) -> Verdict:
    two_faced = checkpoint.size == held.size and checkpoint.root != held.root
    if request.old_size != held.size:
        return Verdict(status=Status.CONFLICT, held_size=held.size, two_faced=two_faced)
    if two_faced:
        return Verdict(status=Status.CONFLICT, two_faced=True)
    if not verify_consistency(held.size, held.root, checkpoint.size, checkpoint.root, request.proof):
        return Verdict(status=Status.NOT_CONSISTENT)
    return Verdict(status=Status.COSIGNED, record=Record(checkpoint.size, checkpoint.root))


def parse_cosignatures(data: bytes) -> tuple[NoteSignature, ...]:
    """Return the signature lines of a witness' answer, nothing verified. Raises MalformedMessage."""
    text = read_lines(data, WITNESS_REQUEST_BYTES_MAX)
    return tuple(parse_signature(line) for line in text[:-1].split("\n"))
