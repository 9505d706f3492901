"""What a member's passkey signs of a trade, before and after. Source: docs/protocol.md 3.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from node.store import ReadTx
from node.store.schema import books as schema
from protocol.entry import Words
from protocol.message import decode_message

_E: Final = schema.entry.c
_WORDS: Final = select(_E.words).where(_E.seq == bindparam("seq"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BookToSign:
    """What a trade will book, for its payer's passkey to sign: the digest is the challenge. Source: 3.5."""

    salt: bytes
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBook(BookToSign):
    """What a passkey signed, and how it is shown."""

    proof: bytes  # protocol/passkey_proof.py


class NotWhatWasSigned(Exception):
    """A passkey signed another trade than this one; nothing was changed."""


def was_signed(tx: ReadTx, entry_seq: int | None) -> bool:
    """Tell whether a passkey's proof stands in an entry's words; not any more once they are erased."""
    words = None if entry_seq is None else tx.scalar(_WORDS, seq=entry_seq)
    return isinstance(words, bytes) and bool(decode_message(Words, words).proof)
