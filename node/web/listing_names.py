"""The name of a listing in addresses. Source: docs/pages.md 7.2."""

from __future__ import annotations

import base64

from protocol.names import ItemKey, SchemeId


def listing_id(key: ItemKey, scheme: SchemeId | None = None) -> str:
    """Return the name of a listing in addresses; `scheme` where it is not our own."""
    return base64.urlsafe_b64encode(key + (scheme or b"")).rstrip(b"=").decode()
