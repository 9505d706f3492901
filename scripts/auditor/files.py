"""An export as it lies in its folder, and what is found wrong with it. docs/export.md is the format.

Nothing of the node is used here or beside it, only `crypto/`: an auditor that shared the node's rules would share
its mistakes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from crypto.canonical import NotCanonical, decode
from crypto.digest import object_id
from crypto.keys import VerifyingKey
from crypto.signing import signed_bytes, split

FORMAT: Final = "interlets-export"
VERSION: Final = 1
FILES: Final = (
    "identities.jsonl",
    "entries.jsonl",
    "accounts.jsonl",
    "lines.jsonl",
    "ops.jsonl",
    "payments.jsonl",
)

Record = dict[str, Any]


class Unreadable(Exception):
    """A folder that holds no export, or one of another version."""


@dataclass
class Findings:
    """What is wrong, and what is only under way or not to be seen from here."""

    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, where: str, text: str) -> None:
        """Say what is wrong, and where."""
        self.wrong.append(f"{where}: {text}")

    def note(self, where: str, text: str) -> None:
        """Say what is worth knowing and not wrong."""
        self.notes.append(f"{where}: {text}")


@dataclass
class Export:
    """One scheme's export, as read: nothing in it is believed."""

    folder: Path
    scheme: bytes
    name: str
    records: dict[str, list[Record]]

    def of(self, file: str) -> list[Record]:
        """Return the records of a file."""
        return self.records[f"{file}.jsonl"]


@dataclass(frozen=True)
class Opened:
    """A signed object, taken apart. Whether its signature counts is asked by `signed_by`."""

    id: bytes
    body: tuple[Any, ...]
    body_bytes: bytes
    key_seq: int
    signature: bytes

    def signed_by(self, key: VerifyingKey) -> bool:
        """Tell whether this key signed it under its own tag."""
        return key.verifies(self.signature, signed_bytes(self.body[0], self.body_bytes))


def short(id_: bytes) -> str:
    """Return the beginning of an id, enough to find it in a file."""
    return id_.hex()[:12]


def read_export(folder: Path, findings: Findings) -> Export:
    """Return the export in a folder. Raises Unreadable."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text("ascii"))
        if (manifest["format"], manifest["version"]) != (FORMAT, VERSION):
            raise Unreadable(f"{folder}: not an export this auditor can read")
        scheme, said = bytes.fromhex(manifest["scheme"]), manifest["records"]
        records = {name: _read(folder / name) for name in FILES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{folder}: {type(error).__name__}: {error}") from None
    export = Export(folder, scheme, folder.name, records)
    for name in FILES:
        if said.get(name) != len(records[name]):
            findings.add(
                f"{export.name}, {name}", f"{len(records[name])} records, the manifest says {said.get(name)}"
            )
    return export


def _read(path: Path) -> list[Record]:
    records = []
    for number, line in enumerate(path.read_text("ascii").splitlines(), 1):
        record = json.loads(line)
        if not isinstance(record, dict):
            raise Unreadable(f"{path}, line {number}: not a record")
        records.append(record)
    return records


def open_wire(record: Record, tag: str, length: int) -> Opened:
    """Return the signed object of a record. Raises ValueError: it is not one of this tag and length."""
    try:
        body_bytes, key_seq, signature = split(bytes.fromhex(record["wire"]))
        body = decode(body_bytes)
    except (NotCanonical, KeyError, TypeError) as error:
        raise ValueError(f"its signed bytes cannot be read: {error}") from None
    if type(body) is not tuple or len(body) != length or body[0] != tag:
        raise ValueError(f"its signed bytes are not {tag}")
    return Opened(object_id(body_bytes), body, body_bytes, key_seq, signature)
