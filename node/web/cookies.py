"""The cookies of one scheme: their names, their flags, and what this answer sets or takes away.

Names carry the scheme, because browsers share cookies between all ports of a host: several nodes on one
computer must not log each other's members out. Source: docs/pages.md 0.8 and 8.13.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from aiohttp import web

from node.web.security import Origin, cookie_name

# Longer than anything we set; more is not ours.
COOKIE_CHARACTERS_MAX: Final = 1024
# Browsers forget cookies after 400 days, whatever they are told.
KEPT_S: Final = 400 * 24 * 3600


@dataclass(frozen=True, slots=True)
class CookieNames:
    """What this scheme's cookies are called."""

    session: str  # who is signed in
    form: str  # proves that a form came from a page made for this browser, before anybody signs in
    code: str  # the browser that asked for a code
    step: str  # the browser that is asked for a second step
    passkey: str  # the browser that is asked for a passkey
    size: str  # how large the letters are
    language: str  # which language this browser's reader chose
    secure: bool

    @classmethod
    def of(cls, scheme_text: str, origin: Origin) -> CookieNames:
        """Return the names for a scheme at an address."""
        name = cookie_name(scheme_text, origin)
        return cls(
            name, f"{name}-form", f"{name}-code", f"{name}-step", f"{name}-passkey", f"{name}-size", f"{name}-language",
            origin.secure,
        )  # fmt: skip


@dataclass(slots=True)
class Cookies:
    """The cookies a request brought and the changes its answer will carry."""

    names: CookieNames
    brought: dict[str, str]
    _changes: dict[str, tuple[str | None, int | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, request: web.Request, names: CookieNames) -> Cookies:
        """Return those of ours in a request."""
        ours = (names.session, names.form, names.code, names.step, names.passkey, names.size, names.language)
        sent = request.cookies
        brought = {
            name: value for name in ours if (value := sent.get(name)) and len(value) <= COOKIE_CHARACTERS_MAX
        }
        return cls(names, brought)

    def get(self, name: str) -> str:
        """Return what the browser sent under a name; "" for nothing."""
        return self.brought.get(name, "")

    def set(self, name: str, value: str, lasts_s: int | None) -> None:
        """Set a cookie for a time; with None until the browser closes."""
        self._changes[name] = (value, lasts_s)

    def drop(self, name: str) -> None:
        """Take a cookie away."""
        if name in self.brought or name in self._changes:
            self._changes[name] = (None, None)

    def write(self, response: web.StreamResponse) -> None:
        """Put the changes into an answer."""
        for name, (value, lasts_s) in self._changes.items():
            if value is None:
                response.del_cookie(name, path="/", secure=self.names.secure, httponly=True, samesite="Lax")
            else:
                response.set_cookie(
                    name, value, max_age=lasts_s, path="/", secure=self.names.secure, httponly=True, samesite="Lax"
                )  # fmt: skip


def text_size(text: str) -> Literal[1, 2, 3]:
    """Return how large the letters are, by what a cookie or a form says."""
    return 2 if text == "2" else 3 if text == "3" else 1
