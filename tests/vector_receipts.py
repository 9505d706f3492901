"""Examples of receipts for the golden vectors: within a scheme, before it is published, and at both ends of a trade across. Source: docs/protocol.md 4.4."""

from __future__ import annotations

from functools import partial

from protocol.receipt_file import encode_receipt
from protocol.receipt_proof import verify_receipt
from protocol.receipt_words import record_of
from tests.protocol.receipts import EXAMPLES
from tests.vector_making import Vector, vector


def _receipt(name: str) -> Vector:
    receipt = EXAMPLES[name]()
    record = record_of(verify_receipt(encode_receipt(receipt)))
    assert record["proven"], record
    wrong = {"own": ((), None), "entry": None, "book": (bytes(15), b""), "proof": "text", "witnesses": None}
    note = f"verifies as it is: reference {record['reference']}"
    return Vector(note=note, message=receipt, wrong=wrong)


for _name in EXAMPLES:
    vector(f"receipt-{_name}")(partial(_receipt, _name))
