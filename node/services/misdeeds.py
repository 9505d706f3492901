"""What lines ask of the evidence: whether a scheme may still be lent to, and to keep what a refused op proves.

`evidence.py` answers; nodes that only settle know of nothing. Source: docs/protocol.md 10.4, 6.5.
"""

from __future__ import annotations

from typing import Protocol

from crypto.signing import Signed
from node.services.line_desk import LineDesk
from node.services.line_rows import Line
from node.store import Tx
from protocol.evidence import Finding
from protocol.line_ops import Op
from protocol.names import SchemeId


class Misdeeds(Protocol):
    """What evidence says of others. Source: 10."""

    def may_owe_more(self, scheme: SchemeId, /) -> bool:
        """Tell whether `scheme` may come to owe us more than it does."""

    def may_be_trusted_with(self, scheme: SchemeId, /) -> bool:
        """Tell whether new locks may be written to `scheme`."""

    def note_op(self, lines: LineDesk, line: Line, op: Signed[Op]) -> Finding | None:
        """Keep what a refused op proves, within the unit that refused it."""

    def keep_answer(self, tx: Tx, line: Line, wire: bytes) -> None:
        """Keep a peer's first answer to this boot."""


class NoMisdeeds:
    """For nodes that only settle: nothing is held against anybody."""

    def may_owe_more(self, _scheme: SchemeId, /) -> bool:
        """Return True."""
        return True

    def may_be_trusted_with(self, _scheme: SchemeId, /) -> bool:
        """Return True."""
        return True

    def note_op(self, lines: LineDesk, line: Line, op: Signed[Op]) -> Finding | None:
        """Return None."""

    def keep_answer(self, tx: Tx, line: Line, wire: bytes) -> None:
        """Keep nothing."""
