"""Pages of the organisers. Source: docs/pages.md 7.3, 7.4."""

from __future__ import annotations

from typing import Final

from node.web.context import Route

ROUTES: Final[tuple[Route, ...]] = ()
