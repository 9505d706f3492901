"""A scheme's log seen from outside: that an entry is in it, in a form that can be checked offline.

The leaves of the tree are the bodies of the ledger's entries, so the leaf hash of an entry is its id (1.3); its place
is its seq. Source: docs/protocol.md 4.1, C2SP tlog-proof.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crypto.merkle import HASH_BYTES, PROOF_HASHES_MAX, verify_inclusion
from protocol.checkpoint import Checkpoint, parse_checkpoint
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.limits import LOG_SIZE_MAX, PROOF_EXTRA_BYTES_MAX, SIGNED_NOTE_BYTES_MAX
from protocol.names import EntryId
from protocol.note import Note, parse_note, read_base64, read_decimal, read_lines

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
# Base64 writes three bytes as four; the lines of hashes and the heads of lines come on top.
PROOF_BYTES_MAX: Final = SIGNED_NOTE_BYTES_MAX + PROOF_EXTRA_BYTES_MAX * 4 // 3 + 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """That the entry at `index` is in the log whose checkpoint is `note`. Nothing in it is verified."""

    index: int  # from 0: an entry's seq
    hashes: tuple[bytes, ...]  # the leaf's sibling first
    note: Note
    extra: bytes | None = None  # whatever the writer wants to send along; proves nothing by itself

    def __post_init__(self) -> None:
        if not 0 <= self.index <= LOG_SIZE_MAX:
            raise InvalidValue("no log has this index")
        if len(self.hashes) > PROOF_HASHES_MAX or any(len(each) != HASH_BYTES for each in self.hashes):
            raise InvalidValue("not the hashes of a proof")
        if self.extra is not None and len(self.extra) > PROOF_EXTRA_BYTES_MAX:
            raise InvalidValue(f"more than {PROOF_EXTRA_BYTES_MAX} bytes go along with no proof")

    def data(self) -> bytes:
        """Return the bytes of a .tlog-proof file."""
        lines = [_FIRST_LINE]
        if self.extra is not None:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += hash_lines(self.hashes)
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.note.data()

    def check(self, entry: EntryId) -> Checkpoint:
        """Return the checkpoint whose tree holds `entry` at `index`; who signed it is for `open_checkpoint`.

        Raises:
            MalformedMessage: the note is no checkpoint.
            NotAuthentic: the entry is not shown to be there.
        """
        checkpoint = parse_checkpoint(self.note)
        if not verify_inclusion(entry, self.index, checkpoint.size, self.hashes, checkpoint.root):
            raise NotAuthentic("the entry is not shown to be in the log")
        return checkpoint


def hash_lines(hashes: Sequence[bytes]) -> list[str]:
    """Return the lines of a proof's hashes, without newlines."""
    return [base64.b64encode(each).decode() for each in hashes]


def read_hash_lines(lines: Sequence[str], most: int) -> tuple[bytes, ...]:
    """Return the hashes of a proof's lines. Raises MalformedMessage: not hashes, or more than `most`."""
    if len(lines) > most:
        raise MalformedMessage(f"more than {most} hashes")
    hashes = tuple(read_base64(line) for line in lines)
    if any(len(each) != HASH_BYTES for each in hashes):
        raise MalformedMessage("not a hash")
    return hashes


def parse_log_proof(data: bytes) -> LogProof:
    """Return the proof that a .tlog-proof file spells.

    Raises:
        MalformedMessage: none. No other exception escapes, whatever the bytes.
    """
    whole = read_lines(data, PROOF_BYTES_MAX)
    head, _, _ = whole.partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != _FIRST_LINE:
        raise MalformedMessage("not a proof of this kind")
    extra = read_base64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        raise MalformedMessage("a proof without an index")
    index = read_decimal(lines.pop(0)[6:], LOG_SIZE_MAX)
    try:
        return LogProof(
            index=index,
            hashes=read_hash_lines(lines, PROOF_HASHES_MAX),
            note=parse_note(whole[len(head) + 2 :].encode()),
            extra=extra,
        )
    except InvalidValue as error:
        raise MalformedMessage(str(error)) from None
