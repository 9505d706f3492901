"""What every answer says to the browser, and which requests are refused before a handler sees them.

A request that changes something must come from one of our own pages: the browser says so
(`Sec-Fetch-Site`, or `Origin` where that is missing), and the form carries a token that only a page made
for this browser can hold.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.proxies import Proxies

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

FORM_FIELD: Final = "form_token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; connect-src 'self'; manifest-src 'self'; worker-src 'self'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Pages hold what only one person may see; a browser may keep them for its Back button and must ask again.
PAGE_CACHE: Final = "private, no-cache"


@dataclass(frozen=True, slots=True)
class Origin:
    """The address members type, as configured; never taken from a request."""

    url: str  # "https://oakvale.example", without a slash at the end

    @property
    def secure(self) -> bool:
        return self.url.startswith("https://")


@web.middleware
async def security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Add the headers to every answer, also to the ones that are raised."""
    try:
        response = await handler(request)
    except web.HTTPException as answer:
        _add_headers(answer.headers)
        raise
    if not response.prepared:
        _add_headers(response.headers)
    return response


def _add_headers(headers: MutableMapping[str, str]) -> None:
    headers.update(HEADERS)
    headers.setdefault("Cache-Control", PAGE_CACHE)


def same_origin(
    origin: Origin, *, own_paths: tuple[str, ...] = ("/",)
) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return a middleware that refuses changes asked for by another site's page.

    `own_paths` are the beginnings of paths that belong to pages; other doors have their own checks.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (
            request.method not in SAFE_METHODS
            and request.path.startswith(own_paths)
            and not _ours(request, origin)
        ):
            raise web.HTTPForbidden(text="This was sent by another site's page. Nothing was changed.")
        return await handler(request)

    return check


def _ours(request: web.Request, origin: Origin) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    sent = request.headers.get("Origin")
    # Neither header: a browser from before 2020. The form token alone decides then.
    return sent is None or sent == origin.url


def address_of(request: web.Request, proxies: Proxies) -> str:
    """Return where a request came from, as far as we can know."""
    return proxies.address_of(request.remote, request.headers.getall("X-Forwarded-For", []))


def form_token(cookie_secret: bytes) -> str:
    """Return the token for the forms of one browser, derived from the secret in its cookie.

    Derived, so that it needs no storage and cannot be turned back into the cookie.
    """
    mark = hmac.digest(cookie_secret, b"interlets/web/form", "sha256")[:18]
    return base64.urlsafe_b64encode(mark).decode()


def token_fits(cookie_secret: bytes, sent: str) -> bool:
    return hmac.compare_digest(form_token(cookie_secret).encode(), sent.encode("utf-8", "replace"))


def cookie_name(scheme_id_text: str, origin: Origin) -> str:
    """Return the session cookie's name; it carries the scheme, because cookies ignore ports."""
    mark = hashlib.sha256(scheme_id_text.encode()).hexdigest()[:8]
    return f"__Host-lets-{mark}" if origin.secure else f"lets-{mark}"
