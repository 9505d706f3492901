"""What reads bytes of strangers, one target each, for fuzzers: `scripts/fuzz` guides chance by what it reaches.

A target is right about any bytes if it reads them or refuses them in one of the ways it promises, and if what is canonical comes
back as it was. Anything else that is raised is a find. Rules 0.5, 1.1, 1.2.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from crypto.canonical import NotCanonical, decode, encode
from crypto.keyfile import CannotOpenKeyFile, open_with_machine_key, seal_with_machine_key
from crypto.sealing import CannotOpen, SealingKey, open_sealed, seal
from crypto.signing import split
from node.backup.sealed_file import BackupUnusable, Header, read_header
from node.importing.layouts import Layout
from node.importing.reading import read_file
from node.importing.rows import Unusable
from node.services.passkey_check import (
    NotThisKey,
    check_entry,
    check_new,
    check_proof,
    credential_of,
    party_of,
)
from node.web.amounts import HOURS, parse_amount, readings
from protocol.audit_sheet import verify_sheet
from protocol.checkpoint import parse_checkpoint
from protocol.descriptor import parse_address
from protocol.errors import ProtocolError
from protocol.evidence import decode_evidence
from protocol.frame import FrameType, decode_frame
from protocol.identity import fold_log
from protocol.limits import AMOUNT_MAX
from protocol.log import parse_log_proof
from protocol.memo import read_memo
from protocol.message import decode_message, encode_message
from protocol.names import QuoteId, SchemeId, parse_scheme_text
from protocol.note import parse_note
from protocol.pictures import read_picture_ask
from protocol.receipt_proof import verify_receipt
from protocol.references import parse_reference
from protocol.sheet_words import look_at
from protocol.tiles import decode_bundle, parse_tile_path
from protocol.witnessing import parse_add_checkpoint, parse_cosignatures
from tests import vector_builders
from tests.builders import NOW
from tests.vector_making import BUILDERS

assert vector_builders.NOW  # imported for its registrations

REFUSED: Final = (ProtocolError, NotCanonical)
MESSAGES: Final = [builder().message for builder in BUILDERS.values()]
KINDS: Final = sorted({type(message) for message in MESSAGES}, key=lambda kind: kind.__name__)
SIGNED: Final = [encode((encode_message(message), 3, bytes(64))) for message in MESSAGES]
INCEPTION: Final = BUILDERS["identity-inception"]().signed().wire
LAYOUTS: Final = sorted(Layout)
MACHINE_KEY: Final = bytes(32)
SOMEBODY: Final = SealingKey(bytes(range(32)))
NOTE: Final = b"lets1x/log/1\n5\n" + b"A" * 43 + b"=\n\n\xe2\x80\x94 lets1x/log/1 AAAA" + b"A" * 92 + b"\n"
TABLE: Final = b"number;name;email;balance\n1;Ana;ana@example.org;-2,30\n2;Ben;;2.30\n"
ANSWER: Final = (
    b'{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA",'
    b'"signature":"AA","userHandle":"AA","attestationObject":"oWNmbXRkbm9uZQ"}}'
)


@dataclass(frozen=True, slots=True)
class Target:
    """One reader of foreign bytes."""

    read: Callable[[bytes], object]
    seeds: Sequence[bytes]  # what it reads, for a fuzzer to begin from
    refused: tuple[type[Exception], ...] = REFUSED

    def __call__(self, data: bytes) -> None:
        """Let it read; what it promises to raise is a good answer."""
        try:
            self.read(data)
        except self.refused:
            pass


def _message(data: bytes) -> None:
    kind, rest = KINDS[data[0] % len(KINDS)] if data else KINDS[0], data[1:]
    assert encode_message(decode_message(kind, rest)) == rest


def _canonical(data: bytes) -> None:
    assert encode(decode(data)) == data


def _wire(data: bytes) -> None:
    body, key_seq, signature = split(data)
    assert encode((body, key_seq, signature), bytes_max=2 * len(data) + 64) == data


def _picture_ask(data: bytes) -> None:
    assert encode(read_picture_ask(decode(data)).value()) == data


def _identity(data: bytes) -> None:
    fold_log(part for part in data.split(b"\n--\n") if part)


def _logs(data: bytes) -> None:
    for read in (parse_note, parse_log_proof, parse_add_checkpoint, parse_cosignatures, decode_bundle):
        try:
            found = read(data)
        except REFUSED:
            continue
        if read is parse_note:
            parse_checkpoint(found)  # type: ignore[arg-type]  # what that one returns


def _texts(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for read in (parse_reference, parse_scheme_text, parse_address, parse_tile_path):
        try:
            read(text)
        except REFUSED:
            continue


def _amount(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    found = parse_amount(text, HOURS, most=AMOUNT_MAX)
    assert not isinstance(found, int) or 1 <= found <= AMOUNT_MAX
    readings(text, HOURS)


def _files(data: bytes) -> None:
    """Receipts and sheets: whatever they are, something is said of them."""
    verify_receipt(data)
    verify_sheet(data)
    look_at(data, str)


def _table(data: bytes) -> None:
    read_file(LAYOUTS[data[0] % len(LAYOUTS)] if data else LAYOUTS[0], data[1:], HOURS)


def _passkey(data: bytes) -> None:
    party, text = party_of("https://oakvale.example"), data.decode("utf-8", "replace")
    assert party is not None
    for read in (
        lambda: check_proof(data, bytes(32)),
        lambda: credential_of(text),
        lambda: check_new(party, "Oakvale", bytes(32), text),
        lambda: check_entry(party, "Oakvale", bytes(32), data[:200], b"owner", text),
    ):
        try:
            read()
        except NotThisKey:
            continue


def _key_file() -> bytes:
    return seal_with_machine_key(b"secret", MACHINE_KEY, salt=bytes(16), nonce=bytes(12))


def _sealed() -> bytes:
    return seal(SOMEBODY.public, b"info", b"", b"plain", ephemeral=bytes(range(1, 33)))


def _header() -> bytes:
    header = Header(scheme=SchemeId(bytes(32)), made_ms=NOW, schema="0001", number=bytes(16)).bytes()
    return b"interlets backup 1\n" + len(header).to_bytes(4, "big") + header


TARGETS: Final[Mapping[str, Target]] = {
    "amount": Target(_amount, [b"1 h 30", b"1.30", "1\u00bd".encode(), b"90 min", b"1:05", b"1,000.5"]),
    "backup": Target(lambda data: read_header(io.BytesIO(data)), [_header()], (BackupUnusable,)),
    "canonical": Target(_canonical, [encode_message(message) for message in MESSAGES]),
    "evidence": Target(decode_evidence, [encode_message(each) for each in MESSAGES if "evidence" in type(each).TAG]),
    "files": Target(_files, [*SIGNED, *map(encode_message, MESSAGES)], ()),
    "frame": Target(decode_frame, [encode((kind.value, 1, ())) for kind in FrameType]),
    "identity": Target(_identity, [INCEPTION], (*REFUSED, ValueError)),
    "key-file": Target(lambda data: open_with_machine_key(data, MACHINE_KEY), [_key_file()], (CannotOpenKeyFile,)),
    "logs": Target(_logs, [NOTE, b"old 3\nAAAA\n\n" + NOTE]),
    "memo": Target(
        lambda data: read_memo(data, QuoteId(bytes(32)), lambda _, sealed: sealed),
        [encode_message(BUILDERS["memo"]().message) + b"\x80\0\0"],
    ),
    "message": Target(
        _message, [bytes([KINDS.index(type(message))]) + encode_message(message) for message in MESSAGES]
    ),
    "passkey": Target(_passkey, [ANSWER], ()),
    "picture-ask": Target(_picture_ask, [encode((bytes(32), bytes(16), b"n" * 32, 4))]),
    "sealed": Target(lambda data: open_sealed(SOMEBODY, b"info", b"", data), [_sealed()], (CannotOpen,)),
    "table": Target(_table, [bytes([n]) + TABLE for n in range(len(LAYOUTS))], (Unusable,)),
    "texts": Target(_texts, [b"K7F-3QM-92X", b"https://oakvale.example:8443", b"lets1" + b"a" * 52, b"0/000"], ()),
    "wire": Target(_wire, SIGNED),
}  # fmt: skip
