"""Forms and links of desk pages: none is drawn that its reader may not send or follow. Source: decision 46; docs/pages.md 7.3."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest
from jinja2 import Environment, TemplateSyntaxError

from node.services.acts import Role
from node.web.app import ROUTES
from node.web.context import Route
from node.web.offered import Offered
from node.web.roles import LISTED, may, opens
from node.web.views.page import Viewer
from tests.node.web.samples import PAGES
from tests.node.web.test_pages import RENDERER
from tests.node.web.towns import Town, open_town

DESK = {name: each for name, each in PAGES.items() if each.view.TEMPLATE.startswith("admin/")}
ADDRESS = re.compile(r"GET (?:and POST )?(/[^\s?;:,]*[^\s?;:,.])")
AT_DESK = (*LISTED, Role.ORGANISER)  # for an admin nothing is closed
PATTERNS = [
    (
        route,
        re.compile(
            "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in route.path.split("/"))
        ),
    )
    for route in ROUTES
]


class Drawn(HTMLParser):
    """The forms and links of a page: how they are sent, and where to."""

    def __init__(self, page: str):
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.add((given.get("method", "get").upper(), given.get("action", "")))
        elif tag == "a" and given.get("href", "").startswith("/"):
            self.found.add(("GET", given["href"]))


def route_of(method: str, href: str) -> Route | None:
    path = href.partition("?")[0].partition("#")[0]
    exact = [route for route, _ in PATTERNS if (route.method, route.path) == (method, path)]
    fits = [route for route, pattern in PATTERNS if route.method == method and pattern.fullmatch(path)]
    return next(iter(exact + fits), None)


def refused(page: str, role: Role) -> list[tuple[str, str]]:
    """Return what a page draws that the doors refuse to its reader's role."""
    wrong = []
    for method, href in sorted(Drawn(page).found):
        route = route_of(method, href)
        if route is not None and not opens(role, route):
            wrong.append((method, href))
    return wrong


def opened_by(role: Role) -> list[str]:
    """Return the samples of desk pages that a role opens; each view says of which page it is."""
    names = []
    for name, sample in DESK.items():
        address = ADDRESS.search(type(sample.view).__doc__ or "")
        route = None if address is None else route_of("GET", address[1])
        if route is None or opens(role, route):
            names.append(name)
    return names


@cache
def drawn(name: str, role: Role) -> str:
    sample = PAGES[name]
    viewer = sample.page.viewer or Viewer(name="Ines", organiser=True)
    return RENDERER.render(replace(sample.page, viewer=replace(viewer, role=role)), sample.view)


@pytest.mark.parametrize("role", LISTED)
def test_no_page_of_the_desk_draws_what_a_role_may_not(role: Role) -> None:
    """Every desk page that a role opens, with all it can hold."""
    assert len(opened_by(role)) >= 15
    assert {name: wrong for name in opened_by(role) if (wrong := refused(drawn(name, role), role))} == {}


def test_nothing_is_left_out_that_could_be_sent() -> None:
    """Who may do it all misses nothing; of what another does not find each is refused to them; an auditor sends nothing."""
    for name in DESK:
        assert Drawn(drawn(name, Role.ORGANISER)).found == Drawn(drawn(name, Role.ADMIN)).found
    for role in LISTED:
        for name in opened_by(role):
            left_out = Drawn(drawn(name, Role.ADMIN)).found - Drawn(drawn(name, role)).found
            assert [each for each in left_out if may(role, *each)] == [], (name, role)
    sent = {
        each
        for name in opened_by(Role.AUDITOR)
        for each in Drawn(drawn(name, Role.AUDITOR)).found
        if each[0] == "POST"
    }
    assert [href for _, href in sent if href.startswith(("/admin", "/desk"))] == []


def test_without_the_question_the_doors_would_be_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: where everything is offered to everybody, the test above names it."""
    monkeypatch.setattr(Viewer, "may", lambda *_: True)
    assert any(
        refused(drawn.__wrapped__(name, Role.AUDITOR), Role.AUDITOR) for name in opened_by(Role.AUDITOR)
    )


def test_what_a_form_tells_is_read_without_its_buttons() -> None:
    """An auditor reads the rules of the scheme and the slips of an envelope; nothing there can be pressed."""
    for name in ("scheme", "languages", "batch-checked"):
        page, whole = drawn(name, Role.AUDITOR), drawn(name, Role.ADMIN)
        fields = set(re.findall(r' name="[a-z]\w*"', whole)) - set(
            re.findall(r' name="(?:do|once|reason|close\w*)"', whole)
        )
        assert fields - set(re.findall(r' name="[a-z]\w*"', page)) == set(), name
        assert '<button type="submit"' in whole, name
        assert '<button type="submit"' not in page.partition('id="main"')[2].partition("</main>")[0], name


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Rosa", Role.ADMIN)
        yield made


async def test_real_pages_draw_nothing_that_is_refused(town: Town) -> None:
    """Through the door: each page of the desk without a number in its address, and a member's."""
    ben = await town.member("Ben")
    paths = [
        route.path
        for route in ROUTES
        if route.method == "GET" and re.match(r"/(admin|desk|node)", route.path)
    ]
    plain = [path for path in paths if "{" not in path and "." not in path]
    plain.append(f"/admin/members/{ben.no}")
    for role in AT_DESK:
        browser = await town.browser_of(await town.member(f"Is{role}", role))
        for path in plain:
            route = route_of("GET", path)
            if route is not None and opens(role, route):
                answer = await browser.get(path)
                if answer.content_type == "text/html":
                    assert refused(await answer.text(), role) == [], (role, path)


class Reader:
    """A page whose reader may do nothing."""

    @property
    def viewer(self) -> Reader:
        return self

    def may(self, _method: str, _href: str) -> bool:
        return False


def asked(source: str) -> str:
    return (
        Environment(extensions=[Offered]).extensions[Offered.identifier].preprocess(source, "admin/any.html")
    )  # nothing is rendered


def test_how_a_template_is_asked() -> None:
    form = '<form method="post" action="/admin/{{ view.no }}/x">a</form>'
    assert (
        asked(form)
        == f"{{% if page.viewer.may(\"POST\", '/admin/' ~ (view.no) ~ '/x') %}}{form}{{% endif %}}"
    )
    link = '<a href="{{ each.href }}">Ben</a>'
    assert asked(link) == f'{{% if page.viewer.may("GET", (each.href)) %}}{link}{{% else %}}Ben{{% endif %}}'
    button = '<a class="button quiet" href="/desk">Go</a>'
    assert asked(button).endswith(f"{button}{{% endif %}}")
    assert asked(f"<details>{form}</details>").startswith("{% if")
    assert asked(f"{{% trans %}}{link}{{% endtrans %}}") == f"{{% trans %}}{link}{{% endtrans %}}"
    shown = asked(
        '<form data-shown method="post" action="/a"><p>7</p><p class="actions"><button>Save</button></p></form>'
    )
    assert (
        Environment(autoescape=True).from_string(shown).render(page=Reader())
        == '<fieldset class="field" disabled><p>7</p></fieldset>'
    )
    for wrong in (
        '<form action="/admin">a</form>',
        '<form method="post" action="{% if x %}/a{% endif %}">a</form>',
    ):
        with pytest.raises(TemplateSyntaxError):
            asked(wrong)
