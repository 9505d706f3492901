"""The door for people: the web application with its checks and all pages.

Every request passes, in this order: security headers; pages in words for whatever goes wrong; who is signed in;
whether a change was asked for by one of our own pages; the page's audience. Routes that are no pages (static
files, and the doors given to `make_app`) have their own checks and pass these untouched. Pages live at the root,
so this is the node's application itself and the other doors are added to it: aiohttp mounts nothing at "/".
Source: docs/pages.md 6 and 7; docs/architecture.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web

from node.services import sessions
from node.services.sessions import Session
from node.web.assets import Assets
from node.web.context import Context, NotSignedIn, Route, Services, Surroundings
from node.web.cookies import CookieNames, Cookies
from node.web.forms import FORM_BYTES_MAX, BadForm, posted
from node.web.pages import admin, sign_in, visitor
from node.web.refusals import refusal
from node.web.render import Renderer
from node.web.security import SAFE_METHODS, Handler, same_origin, security_headers

# A form of 64 KiB arrives in seconds on the slowest line; longer only holds a place others need.
FORM_TIMEOUT_S: Final = 30

SERVICES: Final = web.AppKey("services", Services)
SURROUNDINGS: Final = web.AppKey("surroundings", Surroundings)
RENDERER: Final = web.AppKey("renderer", Renderer)
COOKIES: Final = web.AppKey("cookies", CookieNames)
CONTEXT: Final = web.RequestKey("context", Context)

ROUTES: Final[tuple[Route, ...]] = (*visitor.ROUTES, *sign_in.ROUTES, *admin.ROUTES)

AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(
    services: Services, doors: Iterable[web.AbstractRouteDef] = (), routes: Iterable[Route] = ROUTES
) -> web.Application:
    """Return the application that serves all pages, and `doors` beside them."""
    assets = Assets()
    app = web.Application(
        middlewares=[
            security_headers,
            errors_in_words,
            who_asks,
            # Before the form token: the browser's own word costs nothing to read.
            only_pages(same_origin(services.origin)),
            form_tokens,
        ],
        client_max_size=FORM_BYTES_MAX,
    )
    app[SERVICES] = services
    app[SURROUNDINGS] = Surroundings(services.settings)
    app[RENDERER] = Renderer(assets)
    app[COOKIES] = CookieNames.of(services.scheme_text, services.origin)
    for route in routes:
        app.router.add_route(route.method, route.path, _Page(route))
        if route.method == "GET":
            app.router.add_route("HEAD", route.path, _Page(route))
    assets.add_to(app)
    app.add_routes(doors)
    return app


class _Page:
    """A route as aiohttp calls it; its type tells pages from other doors."""

    def __init__(self, route: Route):
        self.route: Final = route

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        context = request[CONTEXT]
        context.admit(self.route.audience)
        return await self.route.handler(context)


def _is_page(request: web.Request) -> bool:
    """Tell whether the request is for a page, or for nothing at all, which a page says."""
    match = request.match_info
    return match.http_exception is not None or isinstance(match.handler, _Page)


def only_pages(middleware: Callable[..., Awaitable[web.StreamResponse]]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware for pages only: other doors have their own checks."""

    @web.middleware
    async def check(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
        return await (middleware(request, handler) if _is_page(request) else handler(request))

    return check


@web.middleware
async def errors_in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer whatever went wrong with a page that says so."""
    if not _is_page(request):
        return await handler(request)
    try:
        return await handler(request)
    except NotSignedIn as error:
        context = request[CONTEXT]
        if request.method in SAFE_METHODS:
            return context.redirect("/login", after=context.path)
        return refusal(context, error)
    except web.HTTPRedirection:
        raise
    except Exception as error:
        return refusal(request.get(CONTEXT) or _context(request, None), error)


@web.middleware
async def who_asks(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who is signed in, and let the answer carry the browser's cookies."""
    if not _is_page(request):
        return await handler(request)
    session = await _session(request)
    context = request[CONTEXT] = _context(request, session)
    if session is not None and session.wants_noting(context.now_ms):
        await _note_use(context, session)
    response = await handler(request)
    context.cookies.write(response)
    return response


async def _session(request: web.Request) -> Session | None:
    token = Cookies.of(request, request.app[COOKIES]).get(request.app[COOKIES].session)
    if not token:
        return None
    services = request.app[SERVICES]
    return await services.store.read(sessions.read_session, token, services.clock.now_ms())


async def _note_use(context: Context, session: Session) -> None:
    """Let a session that is used last longer, here and in the browser."""
    token = context.cookies.get(context.cookies.names.session)
    await context.services.store.write(sessions.note_use, token, context.now_ms)
    if session.own_computer:
        context.cookies.set(context.cookies.names.session, token, sessions.OWN_COMPUTER_MS // 1000)


def _context(request: web.Request, session: Session | None) -> Context:
    app = request.app
    cookies = Cookies.of(request, app[COOKIES])
    return Context(request, app[SERVICES], app[SURROUNDINGS].now(), app[RENDERER], cookies, session)


@web.middleware
async def form_tokens(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through only forms of pages made for this browser; the handler finds them read."""
    if request.method not in SAFE_METHODS and isinstance(request.match_info.handler, _Page):
        try:
            async with asyncio.timeout(FORM_TIMEOUT_S):
                fields = await posted(request)
        except TimeoutError as error:
            raise BadForm("too slow") from error
        request[CONTEXT].check_form_token(fields)
    return await handler(request)
