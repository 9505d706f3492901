"""The door of set-up: the link that opens it once, the browser it belongs to afterwards, and what is refused there.

What founders typed is held in memory alone, passphrase and recovery sheet too: with the process all of it is gone, and until the
scheme is committed nothing is left. Source: docs/decisions/0053-a-scheme-is-founded-whole.md; docs/pages.md 0.8.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from node.clock import Chance, Clock
from node.founding.making import Prepared, absolute, draw_places
from node.services.sessions import TOKEN_BYTES, token_text
from node.web.assets import Assets
from node.web.forms import BadForm, Filled, posted
from node.web.languages import language_preferred
from node.web.render import Renderer
from node.web.security import (
    FORM_FIELD,
    SAFE_METHODS,
    Handler,
    Origin,
    form_token,
    same_origin,
    security_headers,
    token_fits,
)
from node.web.views.page import Page, Site, View
from node.web.views.setup import LinkView, RefusedView
from node.web.words import Words, languages, words_for

Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]

COOKIE: Final = "lets-set-up"
LINK_PATH: Final = "/set-up/link/"
FORM_TIMEOUT_S: Final = 30
FORM_FIELDS_MAX: Final = 120  # the unit in many languages, each with its plural forms


class SetUp:
    """One scheme on its way: who may answer, what was answered, and what came of it."""

    def __init__(
        self, target: Path, data_dir: Path, host: str, port: int, public_address: str, lan: bool, *, origin: str,
        chance: Chance, clock: Clock, say: Callable[[str], None], ended: asyncio.Event,
    ):  # fmt: skip
        self.target: Final = target
        self.data_dir: Final = absolute(data_dir)
        self.machine: Final = {"host": host, "port": port, "public_address": public_address, "lan": lan}
        self.origin: Final = Origin(origin)
        self.chance: Final = chance
        self.clock: Final = clock
        self.say: Final = say
        self.ended: Final = ended
        self.renderer: Final = Renderer(Assets())
        self.acts: Final = asyncio.Lock()  # two presses of one button do one thing after the other
        self._link: str | None = token_text(chance.bytes(TOKEN_BYTES))
        self._browser: str | None = None
        self.typed: dict[str, Filled] = {}  # by step, once it could be read
        self.read: dict[str, Any] = {}  # what was made of it: fields of `Answers`
        self.notice = ""  # shown once
        self.prepared: Prepared | None = None
        self.places: tuple[int, ...] = ()  # which words of the paper are asked for
        self.committed = False
        self.start = False
        self.stop_taking: Callable[[], None] = lambda: None  # what comes after `start` is for the node

    # --- who may -----------------------------------------------------------------------------------------------

    @property
    def cookie(self) -> str:
        """What the cookie is called; beside a certificate no other host can set it."""
        return f"__Host-{COOKIE}" if self.origin.secure else COOKIE

    def link_address(self) -> str:
        """Return what is printed in the terminal."""
        assert self._link is not None, "it was not used yet"
        return f"{self.origin.url}{LINK_PATH}{self._link}"

    def knows_link(self, text: str) -> bool:
        """Tell whether this is the link, and nobody used it yet."""
        return self._link is not None and hmac.compare_digest(
            self._link.encode(), text.encode("utf-8", "replace")
        )

    def use_link(self) -> str:
        """Let the browser that opened the link be the only one; return its cookie."""
        self._link, self._browser = None, token_text(self.chance.bytes(TOKEN_BYTES))
        return self._browser

    def belongs_to(self, request: web.Request) -> bool:
        """Tell whether the request comes from the browser that opened the link."""
        sent = request.cookies.get(self.cookie, "")
        return self._browser is not None and hmac.compare_digest(
            self._browser.encode(), sent.encode("utf-8", "replace")
        )

    # --- what came of it ---------------------------------------------------------------------------------------

    def take(self, prepared: Prepared) -> None:
        """Hold a scheme that is whole, until its sheet was checked."""
        self.prepared = prepared
        self.draw_places()

    def draw_places(self) -> None:
        """Ask for other words of the sheet than before."""
        assert self.prepared is not None, "there is a sheet"
        self.places = draw_places(len(self.prepared.words), self.chance)

    def drop(self) -> None:
        """Forget a scheme that was not committed, because its founders think again."""
        if self.prepared is not None and not self.committed:
            self.prepared.discard()
            self.prepared = None

    async def close(self) -> None:
        """Leave nothing behind that nobody can go on with."""
        async with self.acts:
            self.drop()


SET_UP: Final = web.AppKey("set-up", SetUp)


class Asked:
    """One request of the browser that set-up belongs to."""

    def __init__(self, request: web.Request, founders: SetUp):
        wanted = language_preferred(request.headers.get("Accept-Language", ""), languages())
        self.request: Final = request
        self.founders: Final = founders
        self.words: Final[Words] = words_for(wanted or "en")
        self.fields: dict[str, str] = {}

    def show(self, view: View, status: int = HTTPStatus.OK, *, secret: str = "") -> web.Response:
        """Return a page; the token of its forms is made of `secret`, else of the browser's cookie."""
        founders, _ = self.founders, self.words.gettext
        secret = secret or self.request.cookies.get(founders.cookie, "")
        notice, founders.notice = founders.notice, ""
        page = Page(
            site=Site(name=_("A new scheme"), help_name="", help_phone="", help_hours=""), words=self.words,
            form_token=form_token(secret.encode()), path=self.request.path, notice=notice,
        )  # fmt: skip
        return founders.renderer.response(page, view, status)

    def go(self, path: str) -> web.Response:
        """Return the answer that leads to another page, so that reloading repeats nothing."""
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path})

    def refuse(self, what: str, status: int = HTTPStatus.FORBIDDEN) -> web.Response:
        """Return a page that says why nothing is done."""
        return self.show(RefusedView(what=what), status)


ASKED: Final = web.RequestKey("asked", Asked)


def make_app(founders: SetUp, *before: Middleware) -> web.Application:
    """Return what answers while a scheme is set up; `before` are middlewares in front of all."""
    from node.founding.pages import routes

    app = web.Application(
        middlewares=[*before, security_headers, unkept, right_address, same_origin(founders.origin), whose],  # type: ignore[list-item]  # aiohttp names the type it asks for nowhere
    )
    app[SET_UP] = founders
    app.add_routes(routes())
    founders.renderer.assets.add_to(app)
    app.router.add_route("*", "/{rest:.*}", _elsewhere)
    return app


@web.middleware
async def unkept(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let no browser keep a page: one of them shows the recovery sheet."""
    response = await handler(request)
    if not request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    return response


@web.middleware
async def right_address(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer only at the address that was printed: a site whose name is turned to this machine is another site."""
    founders = request.app[SET_UP]
    if request.headers.get("Host", "").lower() != urlsplit(founders.origin.url).netloc:
        raise web.HTTPMisdirectedRequest(text="Open the link as it was printed.\n")
    return await handler(request)


@web.middleware
async def whose(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through the browser that opened the link, with forms of its own pages; the link's page has its own check."""
    founders = request.app[SET_UP]
    asked = request[ASKED] = Asked(request, founders)
    if founders.start:
        return _for_the_node(request)
    if request.path.startswith("/static/"):
        return await handler(request)
    try:
        if request.method not in SAFE_METHODS:
            async with asyncio.timeout(FORM_TIMEOUT_S):
                asked.fields = await posted(request, FORM_FIELDS_MAX)
    except (BadForm, TimeoutError):
        return asked.refuse(
            asked.words.gettext("This is no form of these pages. Nothing was done."), HTTPStatus.BAD_REQUEST
        )
    if request.path.startswith(LINK_PATH):
        return await handler(request)
    if not founders.belongs_to(request):
        return asked.refuse(_not_yours(asked.words))
    cookie = request.cookies[founders.cookie].encode()
    if request.method not in SAFE_METHODS and not token_fits(cookie, asked.fields.get(FORM_FIELD, "")):
        return asked.refuse(asked.words.gettext("This is no form of these pages. Nothing was done."))
    return await handler(request)


def _not_yours(words: Words) -> str:
    return words.gettext(
        "These pages belong to the browser that opened the link first, and the link opens once. Was that not you, or is that browser "
        "closed? Press Ctrl and C where you started this, and start it again: there is a new link then, and nothing was made."
    )


async def link_page(request: web.Request) -> web.Response:
    """GET and POST /set-up/link/…: a button first, because programs that look at links do not press buttons."""
    asked, founders = request[ASKED], request.app[SET_UP]
    link = request.match_info["link"]
    if not founders.knows_link(link):
        return asked.go("/set-up") if founders.belongs_to(request) else asked.refuse(_not_yours(asked.words))
    if request.method in SAFE_METHODS:
        return asked.show(LinkView(action=request.path), secret=link)
    if not token_fits(link.encode(), asked.fields.get(FORM_FIELD, "")):
        return asked.refuse(asked.words.gettext("This is no form of these pages. Nothing was done."))
    answer = asked.go("/set-up")
    answer.set_cookie(
        founders.cookie,
        founders.use_link(),
        path="/",
        secure=founders.origin.secure,
        httponly=True,
        samesite="Lax",
    )
    return answer


def _for_the_node(request: web.Request) -> web.Response:
    """Send a browser that kept a connection here to the same address once more: a new connection waits for the node."""
    answer = web.Response(status=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": request.path})
    answer.force_close()
    return answer


async def _elsewhere(request: web.Request) -> web.Response:
    return request[ASKED].go("/set-up")
