"""The environment's two short cuts must change speed only."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup, escape

from node.web.render import straight
from node.web.templating import make_environment, quick_escape
from node.web.views.page import Fact, ListingCard
from node.web.words import words_for
from protocol.market import KINDS

ENVIRONMENT = make_environment(words_for())


@given(text=st.text(max_size=150))
def test_escaping_is_markupsafes(text: str) -> None:
    assert quick_escape(text) == escape(text)
    assert quick_escape(Markup(text)) == text
    assert quick_escape(text) == escape(text)


def test_markup_that_came_first_does_not_let_equal_text_through() -> None:
    """Markup("<b>") == "<b>", and both have one hash."""
    assert quick_escape(Markup("<b>first</b>")) == "<b>first</b>"
    assert quick_escape("<b>first</b>") == "&lt;b&gt;first&lt;/b&gt;"
    assert quick_escape("<b>second</b>") == "&lt;b&gt;second&lt;/b&gt;"
    assert quick_escape(Markup("<b>second</b>")) == "<b>second</b>"


def test_what_is_not_text_is_escaped_too() -> None:
    class Nasty:
        def __str__(self) -> str:
            return "<i>"

    class Subclass(str):
        __slots__ = ()

    assert quick_escape(7) == "7"
    assert quick_escape(Nasty()) == "&lt;i&gt;"
    assert quick_escape(Subclass("<u>")) == "&lt;u&gt;"


@pytest.mark.parametrize(
    "source, error",
    [
        ("{{ fact.nothing }}", AttributeError),
        ("{{ nothing }}", UndefinedError),
        ("{{ nothing.more }}", UndefinedError),
    ],
)
def test_a_missing_value_is_an_error_and_never_an_empty_place(source: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ENVIRONMENT.from_string(source).render(fact=Fact(label="a", text="b"))


def test_output_is_escaped_in_macros_attributes_and_loops() -> None:
    source = (
        '{% macro show(fact) %}<b title="{{ fact.label }}">{{ fact.text }}</b>{% endmacro %}'
        "{% for fact in facts %}{{ show(fact) }}{% endfor %}{{ facts[0].text|upper }}"
    )
    html = ENVIRONMENT.from_string(source).render(facts=[Fact(label='"', text="<a>")])
    assert html == '<b title="&#34;">&lt;a&gt;</b>&lt;A&gt;'


def test_no_text_turns_what_stands_beside_it_around() -> None:
    """A listing from another scheme whose title ends in an override would rewrite the price behind it."""
    title = "<h1>Jam \u202e</h1> 6.00 \u2067x\u2069 \u05e9\u05dc\u05d5\u05dd\u200f \U0001f469\u200d\U0001f33e"
    assert (
        straight(title).decode()
        == "<h1>Jam </h1> 6.00 x \u05e9\u05dc\u05d5\u05dd\u200f \U0001f469\u200d\U0001f33e"
    )
    assert straight("“Jam” … 6.00") == "“Jam” … 6.00".encode()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_listing_has_a_name_of_its_own(kind: str) -> None:
    """Rule 5.1: alone, on a card, and in the form that looks for it."""
    macros = ENVIRONMENT.get_template("macros.html").module
    name = re.sub("<[^>]*>", "", str(macros.kind(kind)))  # type: ignore[attr-defined]  # a module of macros
    others = [re.sub("<[^>]*>", "", str(macros.kind(other))) for other in KINDS if other != kind]  # type: ignore[attr-defined]
    assert name
    assert name not in others
    card = ListingCard(href="/l/x", kind=kind, title="Jam", price="2 h")
    assert f'<span class="kind kind-{kind}">{name}</span>' in str(macros.card(card, 2))  # type: ignore[attr-defined]
    assert f'<option value="{kind}" selected>' in str(macros.kinds(kind))  # type: ignore[attr-defined]
