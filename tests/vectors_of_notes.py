"""Frozen files of a log: notes, a request to cosign, a proof, a bundle. `python -m tests.vectors_of_notes` writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from crypto.merkle import inclusion_proof
from protocol.checkpoint import cosign
from protocol.log import LogProof
from protocol.note import Note
from protocol.tiles import encode_bundle
from tests.protocol.logs import HILLTOP, NOW, WITNESS_KEY, asking, entries, leaves, note

FOLDER = Path(__file__).parent / "vectors" / "draft" / "log"


def cosigned(size: int) -> Note:
    plain = note(size)
    return plain.with_signatures([cosign(plain, HILLTOP, WITNESS_KEY, NOW)])


def proof(index: int, size: int, extra: bytes | None = None) -> LogProof:
    return LogProof(
        index=index, hashes=inclusion_proof(leaves(size), index), note=cosigned(size), extra=extra
    )


FROZEN: dict[str, Callable[[], bytes]] = {
    "checkpoint-empty": lambda: note(0).data(),
    "checkpoint": lambda: note(20).data(),
    "checkpoint-cosigned": lambda: cosigned(20).data(),
    "add-checkpoint-first": lambda: asking(0, 7).data(),
    "add-checkpoint": lambda: asking(7, 20).data(),
    "proof": lambda: proof(11, 20).data(),
    "proof-with-extra": lambda: proof(0, 20, b"what goes along").data(),
    "bundle.hex": lambda: encode_bundle(entries(20)).hex().encode() + b"\n",
}


def frozen(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each, made in FROZEN.items():
        (FOLDER / each).write_bytes(made())
