"""Every page of the samples: its bones, its words, its weight. Source: pages.md 3, 9 to 11 and 13.8."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, fields
from html.parser import HTMLParser

import pytest

from node.web.assets import STATIC, Assets
from node.web.render import Renderer
from node.web.templating import TEMPLATES
from node.web.views import (
    admin,
    alerts,
    away,
    booking,
    calendars,
    care,
    chest,
    circle_accounts,
    circles,
    closing,
    codes,
    complaints,
    days,
    ending,
    entry,
    events,
    evidence,
    figures,
    gifts,
    gone,
    helping,
    importing,
    languages,
    lifts,
    logins,
    member,
    node,
    page,
    papers,
    passkeys,
    passwords,
    profiles,
    proposals,
    receipts,
    reports,
    requests,
    roles,
    rules,
    setup,
    standing,
    steps,
    swaps,
    thanks,
    things,
    tokens,
    trade,
    visitor,
)
from node.web.views.page import View
from tests.node.web.samples import PAGES, SITE
from tests.node.web.samples_of_pictures import DRAWN

RENDERER = Renderer(Assets())
PAGE_BYTES_MAX = 60_000
STYLE_BYTES_MAX = 28_000
SCRIPTS_BYTES_MAX = 15_000

# What machinery is called is no member's business (pages.md 3). "Credit" is forbidden as a verb only.
FORBIDDEN = re.compile(
    r"\b(transactions?|debit(s|ed)?|credit(s|ed|ing)|peers?|nodes?|gossip(s|ed)?|hash(es)?|sync(s|ed)?"
    r"|ledgers?|commit(s|ted)?|tokens?|uuids?|routes?|escrows?)\b",
    re.IGNORECASE,
)
VOID = {"meta", "link", "input", "img", "br", "rect", "circle", "path"}


@dataclass
class Seen(HTMLParser):
    """What a reader, or a screen reader, gets from a page."""

    html: str
    text: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)
    by_tag: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        self.text.extend(
            given[name] for name in ("alt", "aria-label", "placeholder", "title") if name in given
        )
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open_tags, f"</{tag}> closes nothing"
        assert self.open_tags.pop() == tag, f"</{tag}> closes something else, at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if self.open_tags and self.open_tags[-1] not in {"script", "style"} and data.strip():
            self.text.append(data.strip())
            self.by_tag.setdefault(self.open_tags[-1], []).append(data.strip())


def seen(name: str) -> Seen:
    sample = PAGES[name]
    return Seen(RENDERER.render(sample.page, sample.view))


def all_views() -> set[type[View]]:
    return {
        each
        for module in (
            admin,
            alerts,
            away,
            booking,
            calendars,
            chest,
            circle_accounts,
            circles,
            care,
            closing,
            codes,
            complaints,
            days,
            ending,
            entry,
            events,
            evidence,
            gifts,
            gone,
            helping,
            importing,
            languages,
            lifts,
            logins,
            member,
            node,
            page,
            papers,
            passkeys,
            passwords,
            proposals,
            receipts,
            profiles,
            reports,
            requests,
            steps,
            roles,
            rules,
            setup,
            thanks,
            things,
            figures,
            standing,
            swaps,
            tokens,
            trade,
            visitor,
        )
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, View) and "TEMPLATE" in vars(each)
    }


def test_every_view_has_a_sample_and_every_template_a_view() -> None:
    assert all_views() == {type(sample.view) for sample in PAGES.values()}
    templates = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")}
    assert {view.TEMPLATE for view in all_views()} == templates - {
        "base.html",
        "macros.html",
        "past.html",  # a part of several pages
        "admin/desk.html",
        "paper/sheet.html",
        "setup/base.html",
    }


def test_views_are_values() -> None:
    """A page cannot change what the services gave it."""
    for view in all_views():
        assert view.__dataclass_params__.frozen, view  # type: ignore[attr-defined]
        for each in fields(view):
            assert not str(each.type).startswith(("list", "dict")), (view, each.name)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(name: str) -> None:
    """WCAG 2.4.1, 2.4.2, 3.1.1, 4.1.1: title, one h1, language, skip link, no id twice, labels that lead somewhere."""
    page_seen = seen(name)
    assert not page_seen.open_tags
    assert page_seen.by_tag["title"][0].endswith(f"– {SITE.name}")
    assert len([tag for tag, _ in page_seen.tags if tag == "h1"]) == 1
    assert page_seen.tags[0] == ("html", {"lang": "en", "dir": "ltr", "class": "size-1"})
    assert next(given for tag, given in page_seen.tags if tag == "a") == {"class": "skip", "href": "#main"}
    assert [twice for twice, count in Counter(page_seen.ids).items() if count > 1] == []
    for tag, given in page_seen.tags:
        for name_of in ("for", "aria-labelledby", "aria-describedby"):
            for target in given.get(name_of, "").split():
                assert target in page_seen.ids, (tag, name_of, target)
        if given.get("href", "").startswith("#"):
            assert given["href"][1:] in page_seen.ids, given


@pytest.mark.parametrize("name", [name for name in PAGES if not name.startswith("set-up-")])
def test_help_is_in_the_same_place_on_every_page(name: str) -> None:
    """pages.md 6.8; WCAG 3.2.6: the first line of the footer. While a scheme is set up, nobody helps yet."""
    sample = PAGES[name]
    html = RENDERER.render(sample.page, sample.view)
    assert html.count('<footer class="foot">\n  <p class="help-line"><strong>Help</strong> · Ring Rosa') == 1
    assert html.index("<main") < html.index('class="help-line"')


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_nothing_inline_and_nothing_from_elsewhere(name: str) -> None:
    """The content security policy forbids both."""
    for tag, given in seen(name).tags:
        assert "style" not in given
        assert not [attribute for attribute in given if attribute.startswith("on")], given
        if tag in {"script", "img", "link"}:
            where = given.get("src", given.get("href", ""))
            assert where == DRAWN or where.startswith(("/static/", "/app.webmanifest"))
        if tag == "form":
            assert given["action"].startswith("/")
            assert given["method"] in {"get", "post"}


@pytest.mark.parametrize("name", PAGES)
def test_every_form_that_changes_something_carries_the_form_token(name: str) -> None:
    sample = PAGES[name]
    for form in re.findall(r"<form.*?</form>", RENDERER.render(sample.page, sample.view), re.DOTALL):
        if 'method="post"' in form:
            assert 'name="form_token" value="sample-form-token"' in form


@pytest.mark.parametrize("name", [name for name, sample in PAGES.items() if sample.for_members])
def test_members_never_read_a_word_of_machinery(name: str) -> None:
    """pages.md 3 and 13.8: whole words of the rendered visible text."""
    assert [text for text in seen(name).text if FORBIDDEN.search(text)] == []


def test_the_forbidden_words_would_be_found() -> None:
    assert FORBIDDEN.search("Your transaction is done")
    assert FORBIDDEN.search("12 Tokens")
    assert not FORBIDDEN.search("Our committee credits nobody".replace("credits", "trusts"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light(name: str) -> None:
    """pages.md 11: HTML and style together under 60 kB."""
    sample = PAGES[name]
    size = len(RENDERER.render(sample.page, sample.view).encode())
    assert size + (STATIC / "style.css").stat().st_size < PAGE_BYTES_MAX


def test_style_and_script_are_light() -> None:
    assert (STATIC / "style.css").stat().st_size <= STYLE_BYTES_MAX
    # The worker is no page's.
    scripts = [path for path in STATIC.glob("*.js") if path.name != "worker.js"]
    assert sum(path.stat().st_size for path in scripts) <= SCRIPTS_BYTES_MAX


def test_what_people_write_is_escaped() -> None:
    sample = PAGES["record-3"]
    view = sample.view
    assert isinstance(view, trade.RecordCheckView)
    nasty = "<script>\"&'</script>"
    html = RENDERER.render(
        sample.page,
        trade.RecordCheckView(
            **{each.name: getattr(view, each.name) for each in fields(view)} | {"what": nasty}
        ),
    )
    assert "<script>&#34;" not in html
    assert "&lt;script&gt;&#34;&amp;&#39;&lt;/script&gt;" in html


# --- Colours ------------------------------------------------------------------------------------------------

TEXT_ON = [
    ("ink", "paper"), ("ink", "card"), ("ink", "sunk"), ("ink", "sun"), ("ink", "mist"),
    ("soft", "paper"), ("soft", "card"), ("soft", "sunk"), ("soft", "mist"), ("soft", "sun"),
    ("leaf", "paper"), ("leaf", "card"), ("leaf", "mist"), ("leaf", "sun"), ("leaf-deep", "mist"), ("on-leaf", "leaf"),
    ("on-leaf", "leaf-deep"), ("clay", "paper"), ("clay", "card"), ("clay", "clay-mist"), ("card", "clay"),
]  # fmt: skip
EDGE_ON = [
    ("edge", "paper"),
    ("edge", "card"),
    ("focus", "paper"),
    ("focus", "card"),
    ("leaf", "mist"),
    ("clay", "sunk"),
]


def schemes() -> dict[str, dict[str, str]]:
    style = (STATIC / "style.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    read = {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for name, block in {"light": light, "dark": dark}.items()
    }
    return {"light": read["light"], "dark": read["light"] | read["dark"]}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("text, ground", TEXT_ON)
def test_text_stands_out(scheme: str, text: str, ground: str) -> None:
    """WCAG 1.4.3."""
    colours = schemes()[scheme]
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("edge, ground", EDGE_ON)
def test_edges_and_focus_stand_out(scheme: str, edge: str, ground: str) -> None:
    """WCAG 1.4.11."""
    colours = schemes()[scheme]
    assert contrast(colours[edge], colours[ground]) >= 3
