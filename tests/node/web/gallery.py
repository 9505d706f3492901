"""Every page with invented matter, served as the node serves it: for scripts/gallery and the tests."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from node.web.assets import Assets
from node.web.render import Renderer
from node.web.security import security_headers
from node.web.words import Words
from tests.node.web.samples import PAGES


def make_gallery(words: Words | None = None) -> web.Application:
    """Return an application that shows each page of the samples at /gallery/NAME, in `words` if these are given."""
    assets = Assets()
    renderer = Renderer(assets)
    if words is not None:
        renderer.speak(words)

    async def show(request: web.Request) -> web.Response:
        sample = PAGES.get(request.match_info["name"])
        if sample is None:
            raise web.HTTPNotFound
        return renderer.response(replace(sample.page, words=words or sample.page.words), sample.view)

    app = web.Application(middlewares=[security_headers])
    app.router.add_get("/gallery/{name}", show)
    assets.add_to(app)
    return app
