"""Signed notes: a text and the lines of whoever signed it, in the format that tools for public logs share.

What a text says is decided elsewhere (`checkpoint.py`). Source: C2SP signed-note, docs/protocol.md 4.1.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from crypto.digest import sha256
from crypto.keys import VerifyingKey
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.limits import SIGNED_NOTE_BYTES_MAX, SIGNED_NOTE_LINES_MAX

# What kind of key a signature is by; the byte goes into the key's id.
ED25519: Final = 0x01
COSIGNATURE_V1: Final = 0x04

_DASH: Final = "\u2014 "
_KEY_ID_BYTES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKey:
    """A public key with the name it signs notes under."""

    name: str
    kind: int  # ED25519 or COSIGNATURE_V1
    key: VerifyingKey

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def key_id(self) -> bytes:
        """The four bytes in front of its signatures."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key.raw)[:_KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as tools for public logs want it written: name+id+key."""
        material = base64.b64encode(bytes([self.kind]) + self.key.raw).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line. `key_id` and `blob` are bytes; what the blob holds depends on the kind of key."""

    name: str
    key_id: bytes
    blob: bytes

    def line(self) -> str:
        """Return the line, with its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.blob).decode()}\n"

    def is_by(self, key: NoteKey) -> bool:
        """Tell whether it claims to be by `key`; nothing is verified."""
        return self.name == key.name and self.key_id == key.key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text, which ends in a newline, and its signatures. Nothing in it is verified."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def data(self) -> bytes:
        """Return the note's bytes."""
        return (self.text + "\n" + "".join(each.line() for each in self.signatures)).encode()

    def with_signatures(self, more: Iterable[NoteSignature]) -> Note:
        """Return the note with `more` signatures, one a key: a new one takes the place of an older of the same key."""
        kept = {(each.name, each.key_id): each for each in self.signatures}
        kept.update({(each.name, each.key_id): each for each in more})
        if len(kept) > SIGNED_NOTE_LINES_MAX:
            raise InvalidValue(f"more than {SIGNED_NOTE_LINES_MAX} signatures")
        return Note(text=self.text, signatures=tuple(kept.values()))

    def only_by(self, names: Iterable[str]) -> Note:
        """Return the note with no signatures but those under `names`."""
        wanted = frozenset(names)
        return Note(text=self.text, signatures=tuple(each for each in self.signatures if each.name in wanted))


def check_name(name: str) -> None:
    """Raise InvalidValue when no key may have this name."""
    if not name or "+" in name or any(each.isspace() or ord(each) < 0x20 for each in name):
        raise InvalidValue("a key's name has characters, and no spaces or plus signs among them")


def read_base64(text: str) -> bytes:
    """Return what `text` writes in standard base64. Raises MalformedMessage: another spelling, or none."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedMessage("not base64") from None
    if base64.b64encode(data).decode() != text:
        raise MalformedMessage("not the shortest base64")
    return data


def read_decimal(text: str, most: int) -> int:
    """Return the number that `text` writes without a sign or leading zeros. Raises MalformedMessage."""
    if not (text.isascii() and text.isdigit()) or len(text) > 20 or (text[0] == "0" and text != "0"):
        raise MalformedMessage("not a decimal number")
    number = int(text)
    if number > most:
        raise MalformedMessage("a number too large")
    return number


def read_lines(data: bytes, bytes_max: int) -> str:
    """Return the text of `data`: UTF-8 that ends in a newline, no other control characters. Raises MalformedMessage."""
    if len(data) > bytes_max:
        raise MalformedMessage(f"longer than {bytes_max} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedMessage("not UTF-8") from None
    if not text.endswith("\n") or any(each < " " and each != "\n" for each in text):
        raise MalformedMessage("not lines of text")
    return text


def parse_note(data: bytes) -> Note:
    """Return the note that `data` spells. At most SIGNED_NOTE_BYTES_MAX bytes and SIGNED_NOTE_LINES_MAX signatures.

    Raises:
        MalformedMessage: no note. No other exception escapes, whatever the bytes.
    """
    whole = read_lines(data, SIGNED_NOTE_BYTES_MAX)
    cut = whole.rfind("\n\n")
    if cut < 0:
        raise MalformedMessage("no empty line before the signatures")
    lines = whole[cut + 2 : -1].split("\n")
    if len(lines) > SIGNED_NOTE_LINES_MAX:
        raise MalformedMessage(f"more than {SIGNED_NOTE_LINES_MAX} signatures")
    return Note(text=whole[: cut + 1], signatures=tuple(parse_signature(line) for line in lines))


def parse_signature(line: str) -> NoteSignature:
    """Return the signature of one line, given without its newline. Raises MalformedMessage."""
    name, space, written = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise MalformedMessage("not a signature line")
    try:
        check_name(name)
    except InvalidValue as error:
        raise MalformedMessage(str(error)) from None
    raw = read_base64(written)
    if len(raw) <= _KEY_ID_BYTES:
        raise MalformedMessage("a signature without a signature")
    return NoteSignature(name=name, key_id=raw[:_KEY_ID_BYTES], blob=raw[_KEY_ID_BYTES:])


def signed_by_any(note: Note, keys: Iterable[NoteKey]) -> bool:
    """Tell whether one of `keys` (ED25519) signed the note. Lines under other names or ids count for nothing.

    Raises:
        NotAuthentic: a line with the name and id of one of `keys` is not its signature.
    """
    signed = False
    for key in keys:
        for each in note.signatures:
            if each.is_by(key):
                if not key.key.verifies(each.blob, note.text.encode()):
                    raise NotAuthentic("a signature of a known key does not verify")
                signed = True
    return signed
