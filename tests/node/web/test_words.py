"""Languages and wording packs. Source: pages.md 3 and 12."""

from __future__ import annotations

import ast
import gettext
import io
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from node.services.line_units import CONTRADICTED, NOT_IN_TOUCH, NOT_TAKEN
from node.services.neighbours import CHANGED
from node.services.peers import NoPeer
from node.web import dates
from node.web.assets import Assets
from node.web.render import ICONS, Renderer
from node.web.sentences import no_peer_sentence
from node.web.templating import make_environment
from node.web.words import Pack, Words, languages, words_for
from tests.conftest import ROOT
from tests.node.web.samples import PAGES
from tests.node.web.texts_script import messages_script

HOUR = dates.HOUR_MS


def test_the_source_language_needs_no_file() -> None:
    assert languages()[0] == "en"
    assert words_for("en").gettext("Pay") == "Pay"
    assert words_for("xx").gettext("Pay") == "Pay"


def test_a_pack_says_some_things_differently_and_the_rest_alike() -> None:
    """pages.md 3: one set of keys, wording by scheme."""
    assert words_for("en", Pack.TIMEBANK).gettext("Pay") == "Give time"
    assert words_for("en", Pack.PLAIN).gettext("Pay") == "Record"
    assert words_for("en", Pack.PLAIN).gettext("Messages") == "Messages"


class Foreign(gettext.NullTranslations):
    """A language in which every text is told from an untranslated one."""

    def gettext(self, message: str) -> str:
        return f"«{message}»"


def test_why_nobody_became_a_neighbour_is_said_in_the_readers_language() -> None:
    """pages.md 8.12: a sentence of its own for each reason, all of it translated, with the address they typed."""
    words = Words("xx", Pack.LETS, Foreign())
    said = {no_peer_sentence(why, "https://hill.example", words) for why in NoPeer}

    assert len(said) == len(NoPeer)
    assert all(each[0] == "«" and each[-1] == "»" and "https://hill.example" in each for each in said)


@pytest.mark.parametrize(
    "pack, entry", [(Pack.LETS, "Pay"), (Pack.TIMEBANK, "Give time"), (Pack.PLAIN, "Record")]
)
def test_the_bottom_bar_speaks_the_schemes_pack(pack: Pack, entry: str) -> None:
    """pages.md 0.11."""
    sample = PAGES["home"]
    html = Renderer(Assets()).render(replace(sample.page, words=words_for("en", pack)), sample.view)
    assert f"<span>{entry}</span></a>" in html


def shouting() -> Words:
    """Return a language whose texts are the English ones in capitals, made from every text there is."""
    catalogue = Catalog(locale="pl")
    messages = messages_script()
    for message in messages["collect"]():
        if isinstance(message.id, str) and message.id and "%" not in message.id and "<" not in message.id:
            catalogue.add(message.id, message.id.upper(), context=message.context)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Words("pl", Pack.LETS, gettext.GNUTranslations(compiled))


def test_texts_are_put_into_the_templates_of_a_language() -> None:
    words = shouting()
    environment = make_environment(words, assets=Assets().urls, icons=ICONS)
    sample = PAGES["record-1"]
    html = environment.get_template(sample.view.TEMPLATE).render(
        page=replace(sample.page, words=words), view=sample.view
    )
    assert "WHO HELPED YOU?" in html
    assert "SKIP TO THE CONTENT" in html
    assert ">Search<" not in html
    assert '<html lang="pl"' in html


def test_packs_and_template_hold_the_texts_there_are_and_no_others() -> None:
    messages = messages_script()
    assert messages["orphans"]() == []
    stale = [path.name for path, text in messages["wanted"]().items() if path.read_text() != text]
    assert stale == [], "run scripts/messages"
    assert "Who helped you?" in {message.id for message in messages["collect"]()}


def test_every_sentence_of_a_refused_line_is_in_the_catalogue() -> None:
    """What `LineRefused` is raised with is a text by itself, or one that `to_translate` marks."""
    messages = messages_script()
    known = {message.id for message in messages["collect"]()}
    said = 0
    for path in sorted((ROOT / "node").rglob("*.py")):
        for call in (each for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id in ("LineRefused", "to_translate"):
                (text,) = call.args
                said += isinstance(text, ast.Constant)
                assert isinstance(text, (ast.Constant, ast.Name)), f"{path.name}:{call.lineno}"
                assert not isinstance(text, ast.Constant) or text.value in known, f"{path.name}:{call.lineno}"
    assert said >= 8
    assert {NOT_IN_TOUCH, NOT_TAKEN, CONTRADICTED, CHANGED} <= known


@pytest.mark.parametrize(
    "passed, text",
    [
        (-HOUR, "just now"),
        (0, "just now"),
        (2 * 60_000, "2 minutes ago"),
        (HOUR - 1, "59 minutes ago"),
        (HOUR, "1 hour ago"),
        (3 * HOUR, "3 hours ago"),
        (48 * HOUR, "2 days ago"),
        (400 * 24 * HOUR, "400 days ago"),
    ],
)
def test_how_long_ago(passed: int, text: str) -> None:
    assert dates.ago(10**12, 10**12 + passed, words_for()) == text


def test_days_are_written_with_the_months_name() -> None:
    """pages.md 12: 4/3 is two days."""
    assert dates.long_day(date(2026, 3, 7), words_for()) == "Saturday 7 March 2026"
    assert dates.short_day(date(2026, 3, 7), words_for()) == "7 Mar 2026"
    zone = timezone(timedelta(hours=1))
    assert dates.local(0, zone) == datetime(1970, 1, 1, 1, tzinfo=zone)
    assert dates.clock(dates.local(0, zone), words_for()) == "01:00"
