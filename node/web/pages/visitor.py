"""Pages for people who are not signed in. Source: docs/pages.md 7.1."""

from __future__ import annotations

from typing import Final

from node.web.context import Route

ROUTES: Final[tuple[Route, ...]] = ()
