"""What a page's handler works with: the node, who is asking, in which words and unit, and the answer.

A handler is `async def name(context: Context) -> web.Response` and stands in its module's `ROUTES`:

    ROUTES: Final = (
        get("/people", people, MEMBER),
        post("/people/{number}/note", note, MEMBER),
    )

It asks `context.node` for services, reads with `context.read`, fills a view and returns `context.show(view)`. What was sent is read with
`context.form(Model)`, which gives the model or the form to show again; after a change it returns
`context.redirect(path, note=…)`, so that reloading repeats nothing. What must happen once carries
`context.once()` in its page and `once_key` back. GET changes nothing. Checks of session, role and form
token are made before a handler is called: `app.py`. Source: docs/pages.md 6 and 7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Concatenate, Final, Literal, ParamSpec, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from babel.dates import LOCALTZ

from node.app import Node
from node.services.acts import Actor, Hand
from node.services.behalf import Behalf
from node.services.members import Member
from node.services.sessions import TOKEN_BYTES, Session, token_text
from node.services.settings import SchemeSettings
from node.store import ReadTx
from node.web.amounts import Unit
from node.web.closed import closing_words
from node.web.cookies import KEPT_S, Cookies, text_size
from node.web.downloads import download
from node.web.forms import FIELDS_MAX, Filled, FormType, fresh_key, once_text, read
from node.web.installable import owner_of
from node.web.languages import language_preferred
from node.web.notices import notice_text
from node.web.plain import own_path, plain_line
from node.web.present import Voice
from node.web.roles import Audience, leads_somewhere, opens
from node.web.security import FORM_FIELD, address_of, form_token, token_fits
from node.web.surroundings import Surroundings
from node.web.views.page import Page, View, Viewer
from node.web.words import Pack, words_for

P = ParamSpec("P")
T = TypeVar("T")

QUERY_CHARACTERS_MAX: Final = 200
PAGE_NUMBER_MAX: Final = 10_000


# --- Who may see what --------------------------------------------------------------------------------------------

VISITOR, MEMBER, ORGANISER, ADMIN, KEEPER = Audience


class NotSignedIn(Exception):
    """The page is for members, and nobody is signed in."""


class WrongRole(Exception):
    """The page is not for this member."""


class StepMissing(Exception):
    """The desk's pages need a second step in this scheme, and this browser was signed in without."""


class UnderMaintenance(Exception):
    """Nothing new is recorded or changed just now."""


class NotForOthers(Exception):
    """An organiser acts for a member, and this is the member's alone."""


class WrongFormToken(Exception):
    """The form was not made for this browser, or long ago."""


class NoSuchPage(Exception):
    """There is nothing at this address, or nothing this reader may know of."""


# --- The request -------------------------------------------------------------------------------------------------


class Context:
    """One request: who asks, what was sent, and how the answer is made."""

    def __init__(
        self, request: web.Request, node: Node, surroundings: Surroundings, cookies: Cookies, session: Session | None,
        unread: int = 0,
    ):  # fmt: skip
        self.request: Final = request
        self.node: Final = node
        self.scheme: Final = surroundings.now()
        self.cookies: Final = cookies
        role = None if session is None else session.actor.role
        self._role: Final = role  # also while they are held back from the desk
        self.at_desk: Final = session is not None and session.member.at_desk
        needs_step = self.at_desk and self.settings.organisers_second_step
        self.held_back: Final = needs_step and session is not None and not session.stepped
        # Held back from the desk they are a member like others, on every page.
        self.session: Final = session.as_member() if session is not None and self.held_back else session
        self.acting: Final = None if self.session is None else self.session.acting
        self.unread = 0 if self.acting else unread  # messages that wait for whoever asks
        self._as_self = False
        self.fields: Mapping[str, str] = {}  # what was sent; filled in once its token was found to fit
        self.file = b""  # what was sent along, where the route takes files
        self.words: Final = words_for(self._reader_speaks(), Pack(self.settings.wording))
        self._surroundings: Final = surroundings
        # A session that has ended still proves which browser a form was made for.
        self._form_secret = cookies.get(cookies.names.session) or cookies.get(cookies.names.form)

    # --- who asks ----------------------------------------------------------------------------------------------

    @property
    def member(self) -> Member:
        """The member who asks; on members' pages there is one."""
        assert self.session is not None, "the page's audience"
        return self.session.member if self.behalf is None else self.behalf.member

    @property
    def actor(self) -> Actor:
        """The member who asks, as somebody who does something."""
        assert self.session is not None, "the page's audience"
        return self.session.actor if self.behalf is None else self.behalf.actor

    @property
    def behalf(self) -> Behalf | None:
        """For whom an organiser acts on this page; on the desk's own they act as themselves."""
        return None if self._as_self else self.acting

    @property
    def hand(self) -> Hand:
        """Who enters what is recorded on this page, for the entry."""
        if self.behalf is None:
            return Hand(entered_by=self.member.name, proved_by=self.actor.proof)
        behalf = self.behalf
        return Hand(
            entered_by=behalf.by.name,
            proved_by="broker",
            on_behalf_of=behalf.member.name,
            reason=behalf.reason,
        )

    def admit(self, route: Route) -> None:
        """Raises NotSignedIn, WrongRole, StepMissing, NotForOthers: the page is not for whoever asks."""
        self._as_self = route.audience >= ORGANISER
        hosted = self.node.options.hosted
        if not opens(self._role, route, hosted=hosted):
            raise NotSignedIn if self._role is None else WrongRole
        if self.session is not None and not opens(self.session.actor.role, route, hosted=hosted):
            raise StepMissing
        if route.audience is VISITOR:
            return
        if self.behalf is not None and not route.for_others:
            raise NotForOthers

    def of_use(self, href: str) -> bool:
        """Tell whether a page of the desk, linked to on another, is open to whoever asks."""
        return self.session is not None and leads_somewhere(self.session.actor.role, href)

    @property
    def address(self) -> str:
        """Where the request came from, as far as we can know."""
        return address_of(self.request, self._surroundings.proxies)

    # --- the scheme --------------------------------------------------------------------------------------------

    @property
    def settings(self) -> SchemeSettings:
        """The scheme's settings."""
        return self.scheme.settings

    @property
    def unit(self) -> Unit:
        """What the scheme counts in."""
        return self.scheme.unit

    @property
    def language(self) -> str:
        """The reader's language."""
        return self.words.language

    def _reader_speaks(self) -> str:
        """Return the reader's language: chosen in this browser, else the member's, else what the browser prefers."""
        settings = self.settings
        if (chosen := self.cookies.get(self.cookies.names.language)) in settings.languages:
            return chosen
        if self.session is not None:
            return settings.language_for(self.session.member.language)
        header = self.request.headers.get("Accept-Language", "")
        return language_preferred(header, settings.languages) or settings.language

    @property
    def zone(self) -> tzinfo:
        """The time zone of this computer, which is the scheme's."""
        return LOCALTZ

    @property
    def now_ms(self) -> int:
        """The moment."""
        return self.node.clock.now_ms()

    @property
    def voice(self) -> Voice:
        """How this page speaks to its reader, for the words of `present.py`."""
        return Voice(
            words=self.words, unit=self.unit, zone=self.zone, now_ms=self.now_ms, scheme=self.settings.name
        )

    async def remember(
        self, query: Callable[Concatenate[ReadTx, int, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what a query told the moment finds, from memory while nothing it reads has changed.

        What it finds is shared with others who ask the same: nobody may change it.
        """
        return await self._surroundings.remembered.read(self.now_ms, query, *args, **kwargs)

    async def read(self, query: Callable[Concatenate[ReadTx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a query finds."""
        return await self.node.store.read(query, *args, **kwargs)

    # --- what was asked ----------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """Where this page is, to come back to."""
        return own_path(self.request.path_qs) or "/"

    def query(self, name: str) -> str:
        """Return one line of the address's question; signs no keyboard types are left out."""
        return plain_line(self.request.query.get(name, ""), QUERY_CHARACTERS_MAX)

    def part(self, name: str) -> str:
        """Return a part of the address."""
        return plain_line(self.request.match_info[name], QUERY_CHARACTERS_MAX)

    def number(self, name: str) -> int:
        """Return a part of the address that is a number. Raises NoSuchPage."""
        text = self.request.match_info[name]
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise NoSuchPage
        return int(text)

    @property
    def page_number(self) -> int:
        """Which page of a list was asked for, from 1 on."""
        text = self.query("page")
        return min(max(int(text), 1), PAGE_NUMBER_MAX) if text.isascii() and text.isdigit() else 1

    def form(self, model: type[FormType]) -> FormType | Filled:
        """Return the form that was sent, or the form to show again."""
        return read(model, self.fields, self.words)

    def _form_mark(self) -> bytes:
        # A form made while acting for somebody is nobody else's, and one made before or after is not theirs.
        acting = "" if self.acting is None else f"|{self.acting.member.no}"
        return (self._form_secret + acting).encode()

    def check_form_token(self, fields: Mapping[str, str]) -> None:
        """Take over what was sent. Raises WrongFormToken."""
        if not self._form_secret or not token_fits(self._form_mark(), fields.get(FORM_FIELD, "")):
            raise WrongFormToken
        self.fields = fields

    def may_look_at_file(self) -> bool:
        """Tell whether the file that was sent is looked at now, or whoever sent it sends too many."""
        return self._surroundings.upload_pace.admits(self.address, asyncio.get_running_loop().time())

    def once(self) -> str:
        """Return a key for an act that this page offers: pressed twice, it is done once."""
        return once_text(fresh_key(self.now_ms, self.node.chance))

    # --- the answer --------------------------------------------------------------------------------------------

    def page(self, live: str = "") -> Page:
        """Return what the page shows around its own matter; `live` as in `live_marks.marks_for`."""
        if not self._form_secret:
            self._form_secret = token_text(self.node.chance.bytes(TOKEN_BYTES))
        return Page(
            site=self.scheme.site,
            words=self.words,
            form_token=form_token(self._form_mark()),
            path=self.path if self.request.method in {"GET", "HEAD"} else "/",
            viewer=None
            if (session := self.session) is None
            else Viewer(
                name=session.member.name,
                organiser=self.at_desk,
                role=session.actor.role,
                acting=""
                if self.acting is None
                else f"{self.acting.member.name} ({self.acting.member.number})",
                unread=self.unread,
            ),
            text_size=text_size(self.cookies.get(self.cookies.names.size)),
            closing=closing_words(self.settings, self.voice, self.now_ms),
            notice=notice_text(self.request.query.get("note", ""), self.words),
            live=live,
            owner=owner_of(self.session, self.node.scheme),
        )

    def show(self, view: View, status: int = 200, *, secret: bool = False, live: str = "") -> web.Response:
        """Return the answer that shows a view; a `secret` one no browser may keep."""
        page = self.page(live)
        response = self._surroundings.renderer.response(page, view, status)
        if secret:
            response.headers["Cache-Control"] = "no-store"
        names = self.cookies.names
        # Only a page with a form leaves a cookie with somebody who is not signed in.
        if not self.cookies.brought.keys() & {names.session, names.form} and (
            page.form_token.encode() in (response.body or b"")  # type: ignore[operator]  # bytes, from the renderer
        ):
            self.cookies.set(names.form, self._form_secret, None)
        return response

    @property
    def makes_pdf(self) -> bool:
        """Whether pages can be had as PDF."""
        return self._surroundings.pdfs.installed

    async def pdf(self, view: View, name: str) -> web.Response:
        """Return the answer that is a view on paper, as a file called `name`. Raises NoPdf."""
        page, files = self._surroundings.renderer.for_paper(self.page(), view)
        return download(await self._surroundings.pdfs.make(page, files), "application/pdf", f"{name}.pdf")

    def redirect(self, path: str, *, note: str = "", **query: str) -> web.Response:
        """Return the answer that sends the browser on to one of our pages, where `note` says what happened."""
        asked = {**query, **({"note": note} if note else {})}
        joined = path + (("&" if "?" in path else "?") + urlencode(asked) if asked else "")
        return web.Response(status=303, headers={"Location": joined})

    def keep_language(self, language: str) -> None:
        """Remember in which language this browser's reader wants pages; "" for what browser and member say."""
        if language:
            self.cookies.set(self.cookies.names.language, language, KEPT_S)
        else:
            self.cookies.drop(self.cookies.names.language)

    def keep_text_size(self, size: str) -> None:
        """Remember how large the letters are."""
        self.cookies.set(self.cookies.names.size, str(text_size(size)), KEPT_S)


# --- Routes ------------------------------------------------------------------------------------------------------

Handler = Callable[[Context], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One page or one form's target."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    audience: Audience
    file_bytes_max: int = 0  # of the file that comes with the form; 0: none does
    fields_max: int = FIELDS_MAX  # of the form
    always: bool = False  # also while the node is being looked after: it changes nothing of the scheme's
    for_others: bool = False  # whether an organiser may do this for a member (docs/pages.md 0.9)
    plain_too: bool = False  # also as a form of texts, without a file


def get(path: str, handler: Handler, audience: Audience = VISITOR, *, for_others: bool = False) -> Route:
    """Return the route of a page."""
    return Route("GET", path, handler, audience, for_others=for_others)


def post(
    path: str, handler: Handler, audience: Audience = VISITOR, *, always: bool = False, for_others: bool = False
) -> Route:  # fmt: skip
    """Return the route of what a form sends; `always` also during maintenance."""
    return Route("POST", path, handler, audience, always=always, for_others=for_others)


def post_many(path: str, handler: Handler, fields_max: int, audience: Audience = VISITOR) -> Route:
    """Return the route of a form with more fields than others have: a sheet."""
    return Route("POST", path, handler, audience, fields_max=fields_max)


def post_file(
    path: str, handler: Handler, bytes_max: int, audience: Audience = VISITOR, *, always: bool = False
) -> Route:
    """Return the route of a form that sends a file along, which the handler finds in `context.file`."""
    return Route("POST", path, handler, audience, bytes_max, always=always)
