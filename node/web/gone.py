"""What answers at every address of a node that serves no pages any more: one page that says where the scheme went.

Source: docs/moving.md; docs/pages.md 7.1.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from node.moved import Moved
from node.web.amounts import HARD_SPACE
from node.web.assets import Assets
from node.web.render import Renderer
from node.web.security import security_headers
from node.web.views.gone import GoneView
from node.web.views.page import Link, Page, Site
from node.web.words import Pack, words_for


def moved_page(moved: Moved) -> tuple[Page, GoneView]:
    """Return the page at the old address of a scheme."""
    words = words_for(moved.language, Pack(moved.wording))
    _ = words.gettext
    site = Site(
        name=moved.name, help_name=moved.help_name or moved.name,
        help_phone=moved.help_phone.replace(" ", HARD_SPACE), help_hours=moved.help_hours,
    )  # fmt: skip
    view = GoneView(
        title=_("%(scheme)s has moved") % {"scheme": moved.name},
        sentences=(
            _("You find it at %(address)s now, with your account and all that was recorded.")
            % {"address": moved.address},
            _("Log in there as you did here, and please keep the new address."),
            _("A passkey belongs to the old address: log in another way, and make a new one under Settings."),
        ),
        action=Link(text=_("Go to the new address"), href=moved.address),
    )
    return Page(site=site, words=words, form_token="", path="/", bare=True), view


def moved_app(moved: Moved) -> web.Application:
    """Return the application of a node whose scheme moved: it shows one page and takes nothing."""
    renderer = Renderer(Assets())
    page, view = moved_page(moved)

    async def answer(request: web.Request) -> web.Response:
        if request.path in ("/livez", "/readyz"):
            return web.Response(text="moved\n")
        return renderer.response(page, view, HTTPStatus.GONE)

    app = web.Application(middlewares=[security_headers])
    renderer.assets.add_to(app)
    app.router.add_route("*", "/{rest:.*}", answer)
    return app
