"""The files pages need beside their HTML, named by their content so that browsers may keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

STATIC: Final = Path(__file__).with_name("static")
KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
# A name changes with its content, so a year is safe; it is the longest that caches honour.
KEEP: Final = "public, max-age=31536000, immutable"
# Below this a compressed copy saves nothing worth a second response body.
GZIP_FROM_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Asset:
    url: str
    kind: str
    body: bytes
    zipped: bytes | None


class Assets:
    """All static files, read once."""

    def __init__(self, folder: Path = STATIC) -> None:
        files = [_load(path) for path in sorted(folder.iterdir()) if path.suffix in KINDS]
        self.urls: Final[Mapping[str, str]] = {name: asset.url for name, asset in files}
        self._by_url = {asset.url: asset for _, asset in files}

    async def serve(self, request: web.Request) -> web.Response:
        """Answer GET /static/{name}."""
        asset = self._by_url.get(request.path)
        if asset is None:
            raise web.HTTPNotFound
        headers = {"Content-Type": asset.kind, "Cache-Control": KEEP, "Vary": "Accept-Encoding"}
        if asset.zipped is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=asset.zipped, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=asset.body, headers=headers)

    def text_of(self, name: str) -> str:
        """Return what stands in a file."""
        return self._by_url[self.urls[name]].body.decode()

    def texts(self) -> Mapping[str, tuple[str, str]]:
        """Return what a page looks like on paper: path → kind and text of each style and drawing."""
        drawn = [each for each in self._by_url.values() if each.url.endswith((".css", ".svg"))]
        return {each.url: (each.kind, each.body.decode()) for each in drawn}

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/static/{name}", self.serve)


def _load(path: Path) -> tuple[str, Asset]:
    body = path.read_bytes()
    mark = hashlib.sha256(body).hexdigest()[:12]
    # mtime=0: the same file gives the same bytes on every node.
    zipped = gzip.compress(body, mtime=0) if len(body) >= GZIP_FROM_BYTES and path.suffix != ".png" else None
    return path.name, Asset(f"/static/{path.stem}.{mark}{path.suffix}", KINDS[path.suffix], body, zipped)
