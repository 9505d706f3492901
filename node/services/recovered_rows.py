"""What was found out about this node's past, written down for the organisers once a day at most.

Source: docs/protocol.md 6.7, 6.8. Read in `recovery.py`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, insert, select

from node.store import Tx
from node.store.schema import restore as schema
from protocol.limits import DAY_MS
from protocol.names import SchemeId

IDENTITY: Final = "identity"  # neighbours know events of our own identity log that we lack
COPY: Final = "copy"  # another node with our keys took our place
BOTH_LOST: Final = "both-lost"  # we and they lost the same ops; the line is stopped
NEWER_COPY: Final = "newer-copy"  # a keeper holds books of ours that are newer, and not to be read here
BOOKS: Final = "books"  # a keeper's newer copy took the place of the database
PARTED: Final = "parted"  # a keeper's copy and this database were both written to since they parted
FOUND: Final = frozenset({IDENTITY, COPY, BOTH_LOST, NEWER_COPY, BOOKS, PARTED})  # the other kinds are ops

_R: Final = schema.recovered.c
_NEW: Final = insert(schema.recovered)
_KNOWN: Final = select(_R.no).where(
    _R.kind == bindparam("kind"), _R.peer == bindparam("peer"), _R.at_ms > bindparam("since")
)


def note_once(tx: Tx, now_ms: int, kind: str, peer: SchemeId) -> None:
    """Note a finding about `peer`, unless it stands there since today."""
    if tx.one(_KNOWN, kind=kind, peer=peer, since=now_ms - DAY_MS) is None:
        tx.run(
            _NEW, at_ms=now_ms, kind=kind, peer=peer, made_ms=now_ms, hours=0, amount=0, trade_no=None, known=True,
            beyond=False,
        )  # fmt: skip
