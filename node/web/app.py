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

from node.app import Node
from node.services import sessions
from node.services.sessions import Session
from node.services.threads import unread_of
from node.store import ReadTx, Remembered
from node.web.assets import Assets
from node.web.closed import AFTERWARDS, HasClosed
from node.web.context import Context, NotSignedIn, Route, StepMissing, UnderMaintenance
from node.web.cookies import CookieNames, Cookies
from node.web.forms import FORM_BYTES_MAX, BadForm, posted
from node.web.gone import ended_app
from node.web.installable import Installable
from node.web.live import ASKED_BY_SCRIPT, BEAT_S, Live
from node.web.pages import (
    about,
    board,
    decision_put,
    decision_said,
    decisions,
    desk,
    desk_acting,
    desk_cheques,
    desk_chest,
    desk_closing,
    desk_complaints,
    desk_entry,
    desk_evidence,
    desk_fees,
    desk_figures,
    desk_group_accounts,
    desk_help,
    desk_helpers,
    desk_import,
    desk_languages,
    desk_leaving,
    desk_letters,
    desk_member_list,
    desk_members,
    desk_neighbour,
    desk_neighbour_ends,
    desk_neighbours,
    desk_node,
    desk_outbox,
    desk_print,
    desk_recovered,
    desk_reports,
    desk_roles,
    desk_rules,
    desk_scheme,
    desk_statements,
    desk_together,
    desk_token_book,
    desk_tokens,
    desk_ways_in,
    desk_year,
    event_admit,
    event_list,
    event_post,
    event_units,
    group_account,
    group_account_ask,
    group_board,
    group_giving,
    groups,
    join,
    lifts,
    logins,
    member_routes,
    passkeys,
    passwords,
    second_step,
    sign_in,
    thing_owners,
    verify,
    visitor,
)
from node.web.pages.member_mail import one_click_door
from node.web.refusals import refusal
from node.web.render import Renderer
from node.web.security import SAFE_METHODS, Handler, Origin, same_origin, security_headers
from node.web.surroundings import Surroundings
from node.web.uploads import TYPED_BYTES_MAX, posted_with_file
from protocol.names import scheme_text

# A form of 64 KiB arrives in seconds on the slowest line; longer only holds a place others need.
FORM_TIMEOUT_S: Final = 30
# A telephone's picture over a village's line takes minutes.
PICTURE_TIMEOUT_S: Final = 240
# Sessions kept in memory for their next page; a member's is less than a kilobyte.
SESSIONS_MAX: Final = 1024

NODE: Final = web.AppKey("node", Node)
SURROUNDINGS: Final = web.AppKey("surroundings", Surroundings)
# What aiohttp calls for pages: it tells them from other doors.
PAGES: Final = web.AppKey("pages", frozenset[Handler])
# Which of them take a file.
UPLOADS: Final = web.AppKey("uploads", dict[Handler, Route])
# How many fields each of them may bring.
SHEETS: Final = web.AppKey("sheets", dict[Handler, int])
SESSIONS: Final = web.AppKey("sessions", Remembered)
COOKIES: Final = web.AppKey("cookies", CookieNames)
CONTEXT: Final = web.RequestKey("context", Context)

ROUTES: Final[tuple[Route, ...]] = (
    *visitor.ROUTES,
    *about.ROUTES,
    *board.ROUTES,
    *event_post.ROUTES,
    *lifts.ROUTES,
    *event_units.ROUTES,
    *event_admit.ROUTES,
    *event_list.ROUTES,
    *groups.ROUTES,
    *group_account.ROUTES,
    *group_giving.ROUTES,
    *thing_owners.ROUTES,
    *group_account_ask.ROUTES,
    *desk_group_accounts.ROUTES,
    *group_board.ROUTES,
    *decision_put.ROUTES,
    *decisions.ROUTES,
    *decision_said.ROUTES,
    *join.ROUTES,
    *sign_in.ROUTES,
    *second_step.ROUTES,
    *passkeys.ROUTES,
    *passwords.ROUTES,
    *logins.ROUTES,
    *verify.ROUTES,
    *desk.ROUTES,
    *desk_acting.ROUTES,
    *desk_chest.ROUTES,
    *desk_closing.ROUTES,
    *desk_fees.ROUTES,
    *desk_entry.ROUTES,
    *desk_cheques.ROUTES,
    *desk_letters.ROUTES,
    *desk_evidence.ROUTES,
    *desk_import.ROUTES,
    *desk_member_list.ROUTES,
    *desk_members.ROUTES,
    *desk_neighbours.ROUTES,
    *desk_neighbour.ROUTES,
    *desk_neighbour_ends.ROUTES,
    *desk_node.ROUTES,
    *desk_outbox.ROUTES,
    *desk_print.ROUTES,
    *desk_recovered.ROUTES,
    *desk_figures.ROUTES,
    *desk_help.ROUTES,
    *desk_helpers.ROUTES,
    *desk_complaints.ROUTES,
    *desk_reports.ROUTES,
    *desk_roles.ROUTES,
    *desk_rules.ROUTES,
    *desk_scheme.ROUTES,
    *desk_statements.ROUTES,
    *desk_languages.ROUTES,
    *desk_leaving.ROUTES,
    *desk_together.ROUTES,
    *desk_tokens.ROUTES,
    *desk_token_book.ROUTES,
    *desk_ways_in.ROUTES,
    *desk_year.ROUTES,
    *member_routes.ROUTES,
)


def make_app(
    node: Node,
    doors: Iterable[web.AbstractRouteDef] = (),
    *,
    routes: Iterable[Route] = ROUTES,
    renderer: Renderer | None = None,
    live_beat_s: float = BEAT_S,
) -> web.Application:
    """Return the application that serves all pages, and `doors` beside them.

    Of a scheme that has ended it is one page. Nodes in one process may share a renderer: it knows nothing of a scheme, and templates are slow to compile. Pages that are told of
    changes hear every `live_beat_s` seconds that we are there.
    """
    origin = Origin(node.options.origin)
    renderer = renderer or Renderer(Assets())
    if node.keyring.identity.ended is not None:
        return ended_app(node, doors, renderer)
    app = web.Application(
        middlewares=[
            security_headers,
            errors_in_words,
            who_asks,
            # Before the form token: the browser's own word costs nothing to read.
            only_pages(same_origin(origin)),
            form_tokens,
        ],
        client_max_size=FORM_BYTES_MAX,
    )
    app[NODE] = node
    app[SESSIONS] = Remembered(node.store, SESSIONS_MAX)
    app[SURROUNDINGS] = Surroundings(node.store, node.settings, renderer, node.options.proxies)
    app[COOKIES] = CookieNames.of(scheme_text(node.scheme), origin)
    pages, uploads, sheets = set(), {}, {}
    for route in routes:
        handler = _handler(route)
        pages.add(handler)
        if route.file_bytes_max:
            uploads[handler] = route
        sheets[handler] = route.fields_max
        if route.method == "GET":
            app.router.add_get(route.path, handler)  # and HEAD
        else:
            app.router.add_post(route.path, handler)
    app[PAGES] = frozenset(pages)
    app[UPLOADS] = uploads
    app[SHEETS] = sheets
    renderer.assets.add_to(app)
    app.add_routes([*doors, one_click_door(node)])
    Installable(app[SURROUNDINGS]).add_to(app)
    Live(node, origin, app[SURROUNDINGS].remembered, _who_listens, beat_s=live_beat_s).add_to(app)
    return app


def _handler(route: Route) -> Handler:
    """Return a route as aiohttp calls it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        context = request[CONTEXT]
        context.admit(route)
        if route.method == "POST" and not route.always and context.settings.maintenance:
            raise UnderMaintenance
        after = route.always or route.path in AFTERWARDS
        if route.method == "POST" and not after and context.settings.is_closed(context.now_ms):
            raise HasClosed
        return await route.handler(context)

    return handle


def _is_page(request: web.Request) -> bool:
    """Tell whether the request is for a page, or for nothing at all, which a page says."""
    match = request.match_info
    return match.http_exception is not None or match.handler in request.app[PAGES]


def only_pages(
    middleware: Callable[..., Awaitable[web.StreamResponse]],
) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware for pages only: other doors have their own checks."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
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
    except StepMissing as error:
        context = request[CONTEXT]
        if request.method in SAFE_METHODS:
            return context.redirect(second_step.HERE)
        return refusal(context, error)
    except web.HTTPRedirection:
        raise
    except Exception as error:  # noqa: BLE001 - the door: whoever asked gets a page, and the log the error
        return refusal(request.get(CONTEXT) or _context(request, None), error)


@web.middleware
async def who_asks(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who is signed in, and let the answer carry the browser's cookies."""
    if not _is_page(request):
        return await handler(request)
    session, unread = await _session(request)
    context = request[CONTEXT] = _context(request, session, unread)
    if (
        session is not None
        and ASKED_BY_SCRIPT not in request.headers
        and session.wants_noting(context.now_ms)
    ):
        await _note_use(context, session)
    response = await handler(request)
    context.cookies.write(response)
    return response


async def _session(request: web.Request) -> tuple[Session | None, int]:
    token = Cookies.of(request, request.app[COOKIES]).get(request.app[COOKIES].session)
    if not token:
        return None, 0
    node = request.app[NODE]
    digest = sessions.token_digest("session", token)
    return await request.app[SESSIONS].read(node.clock.now_ms(), _read_session, digest)


async def _who_listens(request: web.Request) -> Session | None:
    return (await _session(request))[0]


def _read_session(tx: ReadTx, now_ms: int, digest: bytes) -> tuple[Session | None, int]:
    """Query: who is signed in with a cookie, and how many messages wait for them."""
    session = sessions.session_at(tx, digest, now_ms)
    if session is None:
        tx.holds_until(now_ms)  # strangers take no place in memory
    return session, 0 if session is None else unread_of(tx, session.member.account_no)


async def _note_use(context: Context, session: Session) -> None:
    """Let a session that is used last longer, here and in the browser."""
    token = context.cookies.get(context.cookies.names.session)
    await context.node.store.write(sessions.note_use, token, context.now_ms)
    if session.own_computer:
        context.cookies.set(context.cookies.names.session, token, sessions.OWN_COMPUTER_MS // 1000)


def _context(request: web.Request, session: Session | None, unread: int = 0) -> Context:
    app = request.app
    cookies = Cookies.of(request, app[COOKIES])
    return Context(request, app[NODE], app[SURROUNDINGS], cookies, session, unread)


@web.middleware
async def form_tokens(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through only forms of pages made for this browser; the handler finds them read."""
    if request.method not in SAFE_METHODS and request.match_info.handler in request.app[PAGES]:
        try:
            fields, file = await _posted(request)
        except TimeoutError as error:
            raise BadForm("too slow") from error
        request[CONTEXT].check_form_token(fields)
        request[CONTEXT].file = file
    return await handler(request)


async def _posted(request: web.Request) -> tuple[dict[str, str], bytes]:
    """Return what was sent, and the file that came along. Raises BadForm; of pictures, also that whoever sends may not."""
    fields_max = request.app[SHEETS][request.match_info.handler]
    route = request.app[UPLOADS].get(request.match_info.handler)
    if route is None or (route.plain_too and request.content_type != "multipart/form-data"):
        async with asyncio.timeout(FORM_TIMEOUT_S):
            return await posted(request, fields_max), b""
    if not route.plain_too:
        async with asyncio.timeout(FORM_TIMEOUT_S):
            return await posted_with_file(request, route.file_bytes_max)
    # A picture is long: whoever may not send one is told before it is read, and few are read at a time.
    request[CONTEXT].admit(route)
    async with asyncio.timeout(PICTURE_TIMEOUT_S), request.app[SURROUNDINGS].picture_places:
        return await posted_with_file(
            request, route.file_bytes_max, fields_max=fields_max, around_bytes_max=TYPED_BYTES_MAX
        )
