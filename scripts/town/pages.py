"""A browser without scripts: opens pages, fills their forms as a reader would, keeps cookies.

Everything the demo does as a member or organiser goes through here, so that what it shows is what they would meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http import HTTPStatus
from types import TracebackType
from typing import Final
from urllib.parse import urljoin

from aiohttp import ClientSession, ClientTimeout, CookieJar

TIMEOUT_S: Final = 30.0
REDIRECTS_MAX: Final = 5
SILENT: Final = {"script", "style", "title", "svg"}
VOID: Final = {"input", "br", "meta", "link", "img", "hr"}
# Elements within a sentence; all others part words.
INLINE: Final = {"a", "b", "strong", "em", "span"}


class Unexpected(Exception):
    """A page is not what whoever opened it was told to expect."""


class NotYet(Unexpected):
    """The node is not ready (503): what was pressed is to be pressed again."""


Row = tuple[list[str], set[str]]  # of a table: the words of its cells, and where its links lead


@dataclass
class Form:
    """One form of a page, with what it holds."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)  # its words, name and value


@dataclass
class Link:
    """A link and the words it is read by."""

    href: str
    text: str


@dataclass
class Seen:
    """A page as it came."""

    url: str
    status: int
    html: str
    title: str = ""
    heading: str = ""
    text: str = ""
    forms: list[Form] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def form(self, action: str) -> Form:
        """Return the form that is sent to an address matching `action` (a regular expression)."""
        for form in self.forms:
            if re.search(action, form.action):
                return form
        raise Unexpected(f"{self.url}: no form to {action}; it reads: {self.text[:300]}")

    def link(self, text: str = "", href: str = "") -> Link:
        """Return the first link whose words and address match these regular expressions."""
        for link in self.links:
            if re.search(text, link.text) and re.search(href, link.href):
                return link
        raise Unexpected(f"{self.url}: no link “{text}” {href}; it reads: {self.text[:300]}")

    def has_link(self, text: str = "", href: str = "") -> bool:
        """Tell whether there is such a link."""
        return any(re.search(text, link.text) and re.search(href, link.href) for link in self.links)

    def must_say(self, *words: str) -> Seen:
        """Return this page. Raises Unexpected unless it says all of `words`."""
        for each in words:
            if each not in self.text:
                raise Unexpected(f"{self.url} ({self.status}) does not say “{each}”: {self.text[:400]}")
        return self


class _Reader(HTMLParser):
    """Collects what a reader sees and can do."""

    def __init__(self) -> None:
        super().__init__()
        self.title: list[str] = []
        self.heading: list[str] = []
        self.words: list[str] = []
        self.forms: list[Form] = []
        self.links: list[Link] = []
        self.rows: list[Row] = []
        self._cell: list[str] | None = None
        self._open: list[str] = []
        self._form: Form | None = None
        self._link: list[str] | None = None
        self._button: tuple[str, str, list[str]] | None = None
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
        if tag not in INLINE:
            self._part_words()
        match tag:
            case "form":
                self._form = Form(action=have.get("action", ""), method=have.get("method", "get").lower())
                self.forms.append(self._form)
            case "a":
                self._link = []
                self.links.append(Link(have.get("href", ""), ""))
                if self._cell is not None:
                    self.rows[-1][1].add(have.get("href", ""))
            case "tr":
                self.rows.append(([], set()))
            case "td" | "th":
                self._cell = []
            case "input":
                self._input(have)
            case "textarea":
                self._area = have.get("name", "")
                self._keep(self._area, "")
            case "select":
                self._select = have.get("name", "")
                self._name(self._select)
            case "option":
                self._option(have)
            case "button":
                self._button = (have.get("name", ""), have.get("value", ""), [])
            case _:
                pass

    def _part_words(self) -> None:
        self.words.append(" ")
        if self._cell is not None:
            self._cell.append(" ")

    def _input(self, have: dict[str, str]) -> None:
        name, kind = have.get("name", ""), have.get("type", "text")
        if kind in {"radio", "checkbox"} and "checked" not in have:
            self._name(name)
        elif name:
            self._keep(name, have.get("value", ""))

    def _option(self, have: dict[str, str]) -> None:
        if self._form is None or not self._select:
            return
        if "selected" in have or self._select not in self._form.fields:  # a list shows its first option
            self._form.fields[self._select] = have.get("value", "")

    def _name(self, name: str) -> None:
        if self._form is not None and name:
            self._form.names.add(name)

    def _keep(self, name: str, value: str) -> None:
        self._name(name)
        if self._form is not None and name:
            self._form.fields[name] = value

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag not in INLINE:
            self._part_words()
        match tag:
            case "form":
                self._form = None
            case "a":
                if self._link is not None:
                    self.links[-1].text = _tidy(self._link)
                self._link = None
            case "button":
                if self._button is not None and self._form is not None:
                    name, value, words = self._button
                    self._form.buttons.append((_tidy(words), name, value))
                self._button = None
            case "td" | "th":
                if self._cell is not None and self.rows:
                    self.rows[-1][0].append(_tidy(self._cell))
                self._cell = None
            case "textarea":
                self._area = None
            case "select":
                self._select = None
            case _:
                pass

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            # The first line break behind <textarea> belongs to the markup.
            self._keep(self._area, self._form.fields.get(self._area, "") + data if self._form else data)
            return
        if "title" in self._open:
            self.title.append(data)
        if SILENT & set(self._open):
            return
        self.words.append(data)
        if "h1" in self._open:
            self.heading.append(data)
        if self._cell is not None:
            self._cell.append(data)
        if self._link is not None:
            self._link.append(data)
        if self._button is not None:
            self._button[2].append(data)


def _tidy(parts: Iterable[str]) -> str:
    return " ".join("".join(parts).split())


def read_page(url: str, status: int, html: str) -> Seen:
    """Return what is on a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    for form in reader.forms:
        form.fields = {name: value.removeprefix("\n") for name, value in form.fields.items()}
    return Seen(
        url=url, status=status, html=html, title=_tidy(reader.title), heading=_tidy(reader.heading),
        text=_tidy(reader.words), forms=reader.forms, links=reader.links, rows=reader.rows,
    )  # fmt: skip


class Browser:
    """One reader's browser at one node."""

    def __init__(self, origin: str):
        self.origin: Final = origin
        self.last: Seen | None = None
        self._session: Final = ClientSession(
            cookie_jar=CookieJar(unsafe=True), timeout=ClientTimeout(total=TIMEOUT_S)
        )

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def close(self) -> None:
        """Close the connections; the cookies are gone."""
        await self._session.close()

    async def open(self, path: str, **query: str) -> Seen:
        """Open a page, following redirects. Raises Unexpected if there is no page."""
        return await self._ask("GET", urljoin(self.origin, path), query=query)

    async def send(self, form: Form, _button: str = "", **fields: str) -> Seen:
        """Send a form of the page last seen, with `fields` filled in, and return the page after it."""
        assert self.last is not None, "a form comes from a page"
        if unknown := fields.keys() - form.names:
            raise Unexpected(f"{self.last.url}: the form has no field {', '.join(sorted(unknown))}")
        filled = {**form.fields, **fields}
        pressed = next((each for each in form.buttons if re.search(_button, each[0])), None)
        if pressed is None:
            raise Unexpected(f"{self.last.url}: the form has no button “{_button}”")
        if pressed[1]:
            filled[pressed[1]] = pressed[2]
        url = urljoin(self.last.url, form.action)
        if form.method == "get":
            return await self._ask("GET", url, query=filled)
        return await self._ask("POST", url, data=filled)

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        query: dict[str, str] | None = None,
        data: dict[str, str] | None = None,
    ) -> Seen:
        headers = {"Origin": self.origin} if method == "POST" else {}
        for _ in range(REDIRECTS_MAX):
            if not url.startswith(self.origin + "/"):
                raise Unexpected(f"{url} leads away from {self.origin}")
            async with self._session.request(
                method, url, params=query or None, data=data, headers=headers, allow_redirects=False
            ) as response:
                if response.status in (302, 303):
                    url, method, query, data = (
                        urljoin(str(response.url), response.headers["Location"]),
                        "GET",
                        None,
                        None,
                    )
                    continue
                self.last = read_page(str(response.url), response.status, await response.text())
            if self.last.status >= 500:
                kind = NotYet if self.last.status == HTTPStatus.SERVICE_UNAVAILABLE else Unexpected
                raise kind(f"{url} answers {self.last.status}: {self.last.text[:300]}")
            return self.last
        raise Unexpected(f"{url}: no end of redirects")
