"""Names of things: one type for each kind of id, and how a scheme's id is written. Source: docs/protocol.md 2.1."""

from __future__ import annotations

import base64
import binascii
from typing import Final, NewType, TypeAlias

from protocol.errors import InvalidValue

SchemeId = NewType("SchemeId", bytes)  # 32 bytes: the id of the scheme's inception event, 2.1
AccountId = NewType("AccountId", bytes)  # 16 random bytes; whose it is stands outside the log, 3.1
LineId = NewType("LineId", bytes)  # 32 bytes: the id of the line's terms, 6.1
QuoteId = NewType("QuoteId", bytes)  # 32 bytes: the id of the signed quote, 7.1
ItemKey = NewType("ItemKey", bytes)  # 16 random bytes: what stays the same over the revisions of an item, 5.1
Handle = NewType("Handle", bytes)  # 16 random bytes for each member and counterpart scheme, 7.7
EntryId = NewType("EntryId", bytes)  # 32 bytes: the id of a ledger entry, 3.1

HANDLE_BYTES: Final = 16

KeySeq: TypeAlias = int  # the identity seq of the event that delegated a key, 1.3

SCHEME_ID_BYTES: Final = 32
SCHEME_TEXT_PREFIX: Final = "lets1"
# 256 bits in base32: 51.2 letters, so 52, the last of which carries one bit only.
SCHEME_TEXT_CHARACTERS: Final = len(SCHEME_TEXT_PREFIX) + 52


def scheme_text(scheme: SchemeId) -> str:
    """Return the id as people see it: `lets1` and 52 letters or digits in lower case. Source: 2.1."""
    if len(scheme) != SCHEME_ID_BYTES:
        raise InvalidValue(f"a scheme id has {SCHEME_ID_BYTES} bytes")
    return SCHEME_TEXT_PREFIX + base64.b32encode(scheme).decode("ascii").rstrip("=").lower()


def parse_scheme_text(text: str) -> SchemeId:
    """Return the id that `text` writes; capital letters (as in a QR code) and outer spaces are forgiven.

    Raises:
        InvalidValue: not such a text, or its last letter carries bits that no id has.
    """
    folded = text.strip()
    if not folded.isascii() or len(folded) != SCHEME_TEXT_CHARACTERS:
        raise InvalidValue("not the written id of a scheme")
    folded = folded.lower()
    if not folded.startswith(SCHEME_TEXT_PREFIX):
        raise InvalidValue(f"the written id of a scheme begins with {SCHEME_TEXT_PREFIX}")
    try:
        raw = base64.b32decode(folded[len(SCHEME_TEXT_PREFIX) :].upper() + "====")
    except binascii.Error:
        raise InvalidValue("not the written id of a scheme") from None
    scheme = SchemeId(raw)
    # The last letter has four spare bits: only one of its 16 spellings is the id's.
    if scheme_text(scheme) != folded:
        raise InvalidValue("not the written id of a scheme")
    return scheme


def make_handle(chance: bytes) -> Handle:
    """Return a new handle of 16 random bytes: the node keeps whose it is, and in which scheme. Source: 7.7."""
    if type(chance) is not bytes or len(chance) != HANDLE_BYTES:
        raise InvalidValue(f"a handle has {HANDLE_BYTES} bytes")
    return Handle(chance)
