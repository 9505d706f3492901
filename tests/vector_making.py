"""From one example of an object to its golden vector: the bytes, and the wrong bytes that must be refused.

The examples are in `vector_builders.py`; `scripts/make_vectors` writes them to `tests/vectors/draft/`, where
implementations in other languages can read them. Nothing here is by chance: equal code makes equal files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from crypto.canonical import NotCanonical, Value, encode
from crypto.digest import object_id
from crypto.keys import SigningKey, VerifyingKey
from crypto.signing import WIRE_BYTES_MAX, BadSignature, Signed, open_signed, sign, split
from protocol.errors import MalformedMessage, NotAuthentic
from protocol.message import Part, decode_message, encode_message, open_message, to_value

FOLDER: Final = Path(__file__).parent / "vectors" / "draft"
OTHER_TAG: Final = "interlets/1/of-another-purpose"


def filler(name: str, size: int = 32) -> bytes:
    """Return `size` bytes that look random and depend on `name` only: ids, nonces, sealed parts."""
    return hashlib.shake_128(f"interlets vectors: {name}".encode()).digest(size)


def key(name: str) -> SigningKey:
    """Return the signing key made from `name`; the vector files tell its seed."""
    return SigningKey(filler(f"key {name}"))


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One example of an object. `wrong` gives, for some of its fields, a value that must be refused."""

    note: str  # what the example is, for the reader of the file
    message: Part
    signer: str = ""  # the name of its key; empty: the object is not signed
    key_seq: int = 0
    tag: str = ""  # where it is not the message's own
    wrong: Mapping[str, Any] = field(default_factory=dict)
    # Of evidence: what is as well formed and proves nothing.
    bent: Mapping[str, Part] = field(default_factory=dict)

    @property
    def purpose(self) -> str:
        """The tag that its signature covers."""
        return self.tag or self.message.TAG

    def signed(self, body: bytes | None = None) -> Signed[object]:
        """Return the wire form over `body`, which is the message's own unless another is given."""
        body = encode_message(self.message) if body is None else body
        return sign(self.purpose, None, body, key(self.signer), self.key_seq)


BUILDERS: Final[dict[str, Callable[[], Vector]]] = {}


def vector(name: str) -> Callable[[Callable[[], Vector]], Callable[[], Vector]]:
    """Register the function below as the maker of `<name>.json`."""

    def register(builder: Callable[[], Vector]) -> Callable[[], Vector]:
        assert name not in BUILDERS, f"two vectors are called {name}"
        BUILDERS[name] = builder
        return builder

    return register


def rendered(name: str) -> str:
    """Return the text of `<name>.json`."""
    example = BUILDERS[name]()
    body = encode_message(example.message)
    made: dict[str, Any] = {
        "name": name,
        "note": example.note,
        "tag": example.purpose,
        "fields": shown(example.message),
        "body": body.hex(),
        "id": object_id(body).hex(),
    }
    if example.signer:
        signer = key(example.signer)
        made |= {
            "seed": signer.seed().hex(),
            "public_key": signer.public.raw.hex(),
            "key_seq": example.key_seq,
            "signature": example.signed().signature.hex(),
            "wire": example.signed().wire.hex(),
        }
    refused = wrong_wires(example) if example.signer else wrong_bodies(example)
    made["refused"] = [
        {"changed": changed, "wire" if example.signer else "body": wrong.hex(), "error": error}
        for changed, wrong, error in refused
    ]
    if example.bent:
        made["proves_nothing"] = [
            {"changed": changed, "body": encode_message(wrong).hex()}
            for changed, wrong in example.bent.items()
        ]
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def shown(value: object) -> object:
    """Return a message or field for people: bytes in hex, arrays as lists, parts with their tag."""
    match value:
        case Part():
            head = {"tag": value.TAG} if value.TAG else {}
            return head | {each.name: shown(getattr(value, each.name)) for each in fields(value)}  # type: ignore[arg-type]  # every Part is a dataclass
        case bytes():
            return value.hex()
        case tuple():
            return [shown(element) for element in value]
        case _:
            return value


def wrong_bodies(example: Vector) -> Iterator[tuple[str, bytes, str]]:
    """Yield (what was changed, body, error code) for bodies that are no such message. Source: 1.1, 1.2."""
    body = encode_message(example.message)
    value = to_value(example.message)
    assert isinstance(value, tuple)
    malformed = "malformed_message"
    yield "one field more", encode((*value, None)), malformed
    yield "the last field missing", encode(value[:-1]), malformed
    if example.message.TAG:
        yield "another tag in the body", encode((OTHER_TAG, *value[1:])), malformed
    if len(value) < 16:
        assert body[0] == 0x90 + len(value)
        longer = b"\xdc" + len(value).to_bytes(2, "big") + body[1:]
        yield "the array header spelled in three bytes", longer, malformed
    else:
        assert body[:3] == b"\xdc" + len(value).to_bytes(2, "big")
        longer = b"\xdd" + len(value).to_bytes(4, "big") + body[3:]
        yield "the array header spelled in five bytes", longer, malformed
    yield "a byte after the end", body + b"\xc0", malformed
    yield "the last byte missing", body[:-1], malformed
    names = [each.name for each in fields(example.message)]  # type: ignore[arg-type]  # every Part is a dataclass
    for name, wrong in example.wrong.items():
        at = names.index(name) + len(value) - len(names)
        yield f"{name} = {shown(wrong)!r}", encode((*value[:at], wrong, *value[at + 1 :])), malformed


def wrong_wires(example: Vector) -> Iterator[tuple[str, bytes, str]]:
    """Yield (what was changed, wire form, error code): every wrong body well signed, and wrong signatures."""
    good = example.signed()
    body, key_seq, signature = split(good.wire)

    def wire(*parts: Value) -> bytes:
        return encode(parts, bytes_max=WIRE_BYTES_MAX)

    flipped = signature[:-1] + bytes([signature[-1] ^ 1])
    other_key = sign(example.purpose, None, body, key("of somebody else"), key_seq).wire
    other_tag = sign(OTHER_TAG, None, body, key(example.signer), key_seq).wire
    yield "a bit of the signature", wire(body, key_seq, flipped), "not_authentic"
    yield "signed by another key", other_key, "not_authentic"
    yield "signed under another tag", other_tag, "not_authentic"
    yield "another key_seq", wire(body, key_seq + 1, signature), "not_authentic"
    yield "key_seq = True", wire(body, True, signature), "malformed_message"
    yield "signature cut to 63 bytes", wire(body, key_seq, signature[:-1]), "malformed_message"
    yield "a byte after the end", good.wire + b"\xc0", "malformed_message"
    yield "the last byte missing", good.wire[:-1], "malformed_message"
    long_seq = b"\xcf" + key_seq.to_bytes(8, "big")
    spelled = b"\x93" + encode(body, bytes_max=WIRE_BYTES_MAX) + long_seq + encode(signature)
    yield "key_seq spelled in nine bytes", spelled, "malformed_message"
    for changed, wrong, error in wrong_bodies(example):
        yield f"in the body: {changed}", example.signed(wrong).wire, error


def open_wire(example: Vector, wire: bytes, public_key: bytes, key_seq: int) -> Signed[Part]:
    """Return what a receiver reads from `wire` who knows one key and its seq. Raises ProtocolError."""
    kind = type(example.message)

    def key_for(_body: Part, named_seq: int) -> VerifyingKey | None:
        return VerifyingKey(public_key) if named_seq == key_seq else None

    if not example.tag:
        return open_message(kind, wire, key_for)
    # A receipt: its tag is not in its body, and on lines only its signature travels.
    try:
        return open_signed(example.tag, wire, lambda body: decode_message(kind, body), key_for)
    except NotCanonical as error:
        raise MalformedMessage(str(error)) from None
    except BadSignature as error:
        raise NotAuthentic(str(error)) from None


def files() -> dict[Path, str]:
    """Return every vector file with the text it must have."""
    return {FOLDER / f"{name}.json": rendered(name) for name in sorted(BUILDERS)}


def stale() -> list[Path]:
    """Return the files that are missing, out of date, or made by no builder any more."""
    wanted = files()
    wrong = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    return sorted(wrong + [path for path in FOLDER.glob("*.json") if path not in wanted])
