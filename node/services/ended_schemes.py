"""Schemes whose identity has ended: no line is opened with them any more. Source: docs/protocol.md 2.4."""

from __future__ import annotations

from typing import Final, Protocol

from node.services.line_units import KeyDirectory, LineRefused
from node.texts import to_translate
from protocol.names import SchemeId

ENDED: Final = to_translate("That scheme has closed for good. Nothing new can be agreed with it.")


class SchemeDirectory(KeyDirectory, Protocol):
    """Whose keys count for what, and who has ended."""

    def has_ended(self, scheme: SchemeId) -> bool:
        """Tell whether the scheme's identity has ended. Source: 2.4."""


def must_go_on(directory: SchemeDirectory, peer: SchemeId) -> None:
    """Raise LineRefused if the scheme has ended."""
    if directory.has_ended(peer):
        raise LineRefused(ENDED)
