"""Examples of evidence for the golden vectors: one of each kind, and what is bent and proves nothing. Source: docs/protocol.md 10."""

from __future__ import annotations

from functools import partial

from protocol.evidence import KINDS, verify
from tests.protocol.accused import bent, every_kind
from tests.vector_making import Vector, vector


def _evidence(kind: str) -> Vector:
    evidence = every_kind()[kind]
    note = f"verifies as it is: {verify(evidence).why}"
    wrong = {"accused": bytes(31), "identity": (), "proof": ("of-later", b"")}
    return Vector(note=note, message=evidence, wrong=wrong, bent=bent(evidence))


for _kind in KINDS:
    vector(f"evidence-{_kind}")(partial(_evidence, _kind))
