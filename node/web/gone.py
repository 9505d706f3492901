"""What answers at every address of a node that serves no pages any more: one page that says where the scheme went.

Source: docs/moving.md; docs/pages.md 7.1.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from node.app import Node
from node.moved import Moved
from node.services.peers import find_peer
from node.web.amounts import HARD_SPACE
from node.web.assets import Assets
from node.web.render import Renderer
from node.web.security import security_headers
from node.web.surroundings import Scheme
from node.web.views.gone import GoneView
from node.web.views.page import Link, Page, Site
from node.web.words import Pack, words_for
from protocol.names import scheme_text


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


async def ended_page(node: Node) -> tuple[Page, GoneView]:
    """Return the page of a scheme whose identity has ended. Source: docs/protocol.md 2.4."""
    settings, end = node.settings.now, node.keyring.identity.ended
    assert end is not None, "the identity has ended"
    words = words_for(settings.language, Pack(settings.wording))
    _ = words.gettext
    sentences = [_("Nothing is recorded or read here any more.")]
    if settings.closing_why:
        sentences.append(settings.closing_why)
    if end.successor is not None:
        peer = await node.store.read(find_peer, end.successor)
        name = scheme_text(end.successor) if peer is None else peer.name
        sentences.append(_("It goes on as part of %(name)s.") % {"name": name})
    view = GoneView(
        title=_("%(scheme)s has closed for good") % {"scheme": settings.name}, sentences=tuple(sentences)
    )
    site = replace(Scheme.of(settings).site, maintenance=False)
    return Page(site=site, words=words, form_token="", path="/", bare=True), view


def ended_app(node: Node, doors: Iterable[web.AbstractRouteDef], renderer: Renderer) -> web.Application:
    """Return the application of a node whose scheme has ended: one page, and `doors` for other nodes as ever."""

    async def answer(_request: web.Request) -> web.Response:
        return renderer.response(*await ended_page(node), HTTPStatus.GONE)

    return _one_page(answer, renderer, doors)


def moved_app(moved: Moved) -> web.Application:
    """Return the application of a node whose scheme moved: it shows one page and takes nothing."""
    renderer = Renderer(Assets())
    page, view = moved_page(moved)

    async def answer(request: web.Request) -> web.Response:
        if request.path in ("/livez", "/readyz"):
            return web.Response(text="moved\n")
        return renderer.response(page, view, HTTPStatus.GONE)

    return _one_page(answer, renderer)


def _one_page(
    answer: Callable[[web.Request], Awaitable[web.Response]], renderer: Renderer,
    doors: Iterable[web.AbstractRouteDef] = (),
) -> web.Application:  # fmt: skip
    app = web.Application(middlewares=[security_headers])
    renderer.assets.add_to(app)
    app.add_routes(doors)
    app.router.add_route("*", "/{rest:.*}", answer)
    return app
