"""Pages as a program of their own on a telephone: the manifest, and the worker that keeps a few of them where a member asked for it.

The worker is a static file with what it needs to know written above it; with the scheme's name or any file it becomes another one, and
browsers that have it take the new one. What it may keep, and what it never keeps, is in `static/worker.js`. Source: docs/pages.md 11.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

from aiohttp import web

from node.services.sessions import OWN_COMPUTER_MS, Session
from node.web.assets import Assets
from node.web.surroundings import Surroundings
from protocol.names import SchemeId

MANIFEST_PATH: Final = "/app.webmanifest"
WORKER_PATH: Final = "/worker.js"
OFFLINE_PATH: Final = "/offline"
# A member's own, as last shown: nothing on them is another member's but the name beside a trade.
KEPT: Final = ("/home", "/statement")
FILES: Final = ("style.css", "enhance.js", "live.js", "keep.js", "drafts.js", "mark.svg")
COLOUR: Final = "#1f5a41"  # of the mark
PAPER: Final = "#f7f1e5"  # of the pages
OWNER_BYTES: Final = 8


def owner_of(session: Session | None, scheme: SchemeId) -> str:
    """Return by what a browser knows whose pages it keeps, which opens nothing; "" where it is to keep nobody's.

    Nothing is kept on a shared computer, nor of somebody an organiser acts for.
    """
    if session is None or not session.own_computer or session.acting is not None:
        return ""
    text = f"{scheme.hex()} {session.member.no}".encode()
    return hashlib.blake2b(text, digest_size=OWNER_BYTES, person=b"interlets-keep").hexdigest()


class Installable:
    """The doors of one application for the manifest and the worker. Both are alike for everybody and know no cookies."""

    def __init__(self, surroundings: Surroundings):
        self._surroundings: Final = surroundings
        self._assets: Final[Assets] = surroundings.renderer.assets

    def add_to(self, app: web.Application) -> None:
        """Open the doors."""
        app.router.add_get(MANIFEST_PATH, self.manifest)
        app.router.add_get(WORKER_PATH, self.worker)

    async def manifest(self, _request: web.Request) -> web.Response:
        """Answer GET /app.webmanifest."""
        settings, urls = self._surroundings.now().settings, self._assets.urls
        icons = [
            {
                "src": urls[f"icon-{size}.png"],
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for size in (192, 512)
            for purpose in ("any", "maskable")
        ]
        content = {
            "id": "/",
            "name": settings.name,
            "short_name": settings.name,
            "lang": settings.language,
            "start_url": "/home",
            "scope": "/",
            "display": "standalone",
            "background_color": PAPER,
            "theme_color": COLOUR,
            "icons": icons,
        }
        return web.Response(
            text=json.dumps(content, ensure_ascii=False), content_type="application/manifest+json"
        )

    async def worker(self, _request: web.Request) -> web.Response:
        """Answer GET /worker.js."""
        files = [self._assets.urls[name] for name in FILES]
        code = self._assets.text_of("worker.js")
        # What the page for times without a connection says of the scheme is part of what it is.
        about = repr((files, code, self._surroundings.now().site)).encode()
        known = {
            "VERSION": hashlib.blake2b(about, digest_size=OWNER_BYTES).hexdigest(),
            "FILES": files,
            "OFFLINE": OFFLINE_PATH,
            "KEPT": KEPT,
            "KEEP_MS": OWN_COMPUTER_MS,
        }
        head = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in known.items())
        return web.Response(
            text=head + code,
            content_type="text/javascript",
            charset="utf-8",
            headers={"Cache-Control": "no-cache"},
        )
