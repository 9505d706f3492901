"""About the software: which release runs here, its licence, and its source. Source: docs/pages.md 7.1; LICENSE, section 13."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.source import archive, release
from node.web.context import Context, Route, get
from node.web.downloads import download
from node.web.views.visitor import AboutView

SOURCE_PATH: Final = "/about/source"


async def about(context: Context) -> web.Response:
    """Show what runs here."""
    return context.show(AboutView(release=release(), source_href=SOURCE_PATH))


async def source(context: Context) -> web.Response:
    """Hand out the source of what runs here."""
    body = await context.node.offload(archive)
    return download(body, "application/gzip", f"interlets-{release() or 'source'}.tar.gz")


ROUTES: Final[tuple[Route, ...]] = (get("/about", about), get(SOURCE_PATH, source))
