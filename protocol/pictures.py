"""Pictures: how one is named. Source: docs/protocol.md 5.7."""

from __future__ import annotations

from typing import Final

from crypto.digest import tagged

TAG: Final = "interlets/1/picture"


def picture_name(data: bytes) -> bytes:
    """Return the name of a picture, full or thumbnail: 32 bytes that follow from its own. Source: 5.7."""
    return tagged(TAG, data)
