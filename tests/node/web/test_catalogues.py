"""The catalogues: whole when they were last worked on, exact in their places, and free of machinery.

A new English text is no fault here: pages show it in English until it is translated, and `scripts/messages --release`
asks for it. Source: docs/pages.md 3 and 12; docs/decisions/0040-languages.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural

from node.services.acts import OPERATOR
from node.services.members import NewMember
from node.web import dates
from node.web.amounts import HOURS, spoken
from node.web.assets import Assets
from node.web.render import Renderer
from node.web.words import LOCALE, Pack, languages, words_for
from tests.node.web.samples import PAGES
from tests.node.web.test_pages import Seen
from tests.node.web.texts_script import messages_script
from tests.node.web.towns import SEED, open_town

MESSAGES = messages_script()
SPOKEN = [language for language in languages() if language != "en"]
FILES = sorted(path for path in LOCALE.glob("*/*.po") if path.parent.name != "en")
PLACES = re.compile(r"%\(\w+\)[a-z]|%%|<[^>]*>")
RENDERER = Renderer(Assets())

# What machinery is called, in each language; ordinary words that also mean it ("en route") are left out.
FORBIDDEN = {
    "de": r"transaktion(en)?|ledger|hash(es|wert\w*)?|knoten|tokens?|peers?|nodes?|gossip|sync\w*|treuhand\w*"
    r"|uuids?|lastschrift(en)?|commits?|routen",
    "es": r"transacci(ón|ones)|ledger|libro mayor|hash(es)?|nodos?|tokens?|pares|gossip|sincroni\w*"
    r"|depósitos? en garantía|uuids?|débitos?|commits?",
    "fr": r"transactions?|ledger|grand livre|hash|hachages?|nœuds?|noeuds?|jetons?|tokens?|pairs?|gossip|synchroni\w*"
    r"|séquestres?|uuids?|débits?|commits?",
}


def messages_of(path: Path) -> Iterator[Message]:
    read: Callable[[Path], Catalog] = MESSAGES["read_texts"]
    return (message for message in read(path) if message.id)


def texts_of(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, list | tuple) else (message.string,)


def places_of(message: Message) -> list[set[str]]:
    """Return the places of a text; of two forms, of that for one ("once") and of that for many."""
    texts = message.id if isinstance(message.id, list | tuple) else (message.id,)
    return [set(PLACES.findall(text)) for text in texts]


def test_there_are_languages_to_look_at() -> None:
    assert {"de", "es", "fr"} <= set(SPOKEN)
    assert set(FORBIDDEN) == set(SPOKEN), "each language has its list of words that no member reads"
    assert {(path.parent.name, path.stem) for path in FILES} >= {
        (language.replace("-", "_"), name)
        for language in SPOKEN
        for name in ("messages", "timebank", "plain")
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_place_of_a_text_is_in_its_translation(path: Path) -> None:
    """A name left out is a sentence that lies; one too many is a page that fails."""
    wrong = [
        (message.id, text)
        for message in messages_of(path)
        for form, text in enumerate(texts_of(message))
        # The first form may say "once" where English does; all others show the number.
        if set(PLACES.findall(text)) not in (places_of(message) if form == 0 else places_of(message)[-1:])
    ]
    assert wrong == []


@pytest.mark.parametrize("language", SPOKEN)
def test_a_catalogue_is_whole_and_nothing_in_it_is_doubtful(language: str) -> None:
    """It holds as many texts as it was completed for; each has all the plural forms of its language."""
    path = MESSAGES["path_of"](language)
    held = list(messages_of(path))
    assert len(held) >= MESSAGES["completed_for"](language) > 1_400
    assert "fuzzy" not in path.read_text()
    forms = get_plural(language.replace("-", "_")).num_plurals
    for message in held:
        assert all(text.strip() for text in texts_of(message)), message.id
        if isinstance(message.id, list | tuple):
            assert len(texts_of(message)) == forms, message.id


@pytest.mark.parametrize("language", SPOKEN)
def test_members_never_read_a_word_of_machinery_in_their_language(language: str) -> None:
    """pages.md 3, in the rendered visible text; and the tags of each page close what they open."""
    forbidden = re.compile(rf"\b({FORBIDDEN[language]})\b", re.IGNORECASE)
    found = []
    for name, sample in PAGES.items():
        for pack in Pack if name in {"home", "record-1", "record-3"} else (Pack.LETS,):
            seen = Seen(RENDERER.render(replace(sample.page, words=words_for(language, pack)), sample.view))
            assert seen.tags[0][1]["lang"] == language
            assert not seen.open_tags, name
            if sample.for_members:
                found += [(name, text) for text in seen.text if forbidden.search(text)]
    assert found == []


@pytest.mark.parametrize("word", ["Transaktion", "Knoten", "Hash", "Token"])
def test_the_forbidden_words_would_be_found(word: str) -> None:
    assert re.search(rf"\b({FORBIDDEN['de']})\b", f"Dein {word} ist da", re.IGNORECASE)


@pytest.mark.parametrize(
    "language, day, short, hours",
    [
        ("de", "Samstag, 7. März 2026", "7. März 2026", "1 Stunde 30 Minuten"),
        ("es", "sábado 7 de marzo de 2026", "7 mar 2026", "1 hora 30 minutos"),
        ("fr", "samedi 7 mars 2026", "7 mars 2026", "1 heure 30 minutes"),
    ],
)
def test_days_and_times_are_written_as_the_language_does(
    language: str, day: str, short: str, hours: str
) -> None:
    words = words_for(language)
    assert dates.long_day(date(2026, 3, 7), words) == day
    assert dates.short_day(date(2026, 3, 7), words) == short
    assert spoken(90, HOURS, language).replace("\u00a0", " ") == hours


@pytest.mark.parametrize(
    "language, none, one, two",
    [
        ("de", "vor 0 Stunden", "vor 1 Stunde", "vor 2 Stunden"),
        ("es", "hace 0 horas", "hace 1 hora", "hace 2 horas"),
        ("fr", "il y a 0 heure", "il y a 1 heure", "il y a 2 heures"),
    ],
)
def test_none_is_one_in_french_and_many_in_german(language: str, none: str, one: str, two: str) -> None:
    ngettext = words_for(language).ngettext
    said = [ngettext("%(num)d hour ago", "%(num)d hours ago", num) % {"num": num} for num in (0, 1, 2)]
    assert said == [none, one, two]


@pytest.mark.parametrize(
    "language, pay, give", [("de", "Zahlen", "Zeit geben"), ("es", "Pagar", "Dar tiempo")]
)
def test_a_pack_is_over_the_language_and_the_language_over_english(
    language: str, pay: str, give: str
) -> None:
    assert words_for(language).gettext("Pay") == pay
    assert words_for(language, Pack.TIMEBANK).gettext("Pay") == give
    assert words_for(f"{language}-XX", Pack.TIMEBANK).gettext("Pay") == give
    assert words_for(language, Pack.TIMEBANK).gettext("Settings") == words_for(language).gettext("Settings")
    assert words_for(language).gettext("A sentence of tomorrow.") == "A sentence of tomorrow."


async def test_a_page_and_a_mail_speak_german_to_whoever_wants_it() -> None:
    async with open_town(replace(SEED, languages=("en", "de"))) as town:
        page = await (await town.browser().get("/how", headers={"Accept-Language": "de-CH"})).text()
        assert '<html lang="de" dir="ltr"' in page
        assert "So geht es" in page
        new = NewMember(name="Ute", email="ute@example.org", language="de")
        await town.node.people.add(OPERATOR, new)
        for language, greeting in (("de", "dein Code ist"), ("fr", "your code is")):
            member = await town.node.people.member(1)
            assert member is not None
            await town.node.people.change_profile(
                OPERATOR, member.no, NewMember(name="Ute", email="ute@example.org", language=language)
            )
            await town.node.sign_in.ask_code("ute@example.org", "192.0.2.1")
            assert greeting in (await town.mails())[-1].text


# --- The script that keeps them --------------------------------------------------------------------------------


def test_what_a_language_lacks_is_written_out_and_taken_back_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a catalogue is not said to be complete; the whole one is, and is the file there was."""
    names = MESSAGES["taken"].__globals__
    whole = MESSAGES["path_of"]("de").read_text()
    monkeypatch.setitem(names, "LOCALE", tmp_path)
    monkeypatch.setitem(names, "collect", collected(whole))
    everything = len(MESSAGES["lacking"]("de"))
    assert everything == len(MESSAGES["lacking"]("pt-BR")) > 1_400
    (tmp_path / "filled.po").write_text(whole)
    (tmp_path / "de").mkdir()
    path = MESSAGES["path_of"]("de")
    half = whole.split("\n\n")
    (tmp_path / "half.po").write_text("\n\n".join(half[: len(half) // 2]) + "\n")
    path.write_text(MESSAGES["taken"]("de", tmp_path / "half.po"))
    assert MESSAGES["completed_for"]("de") == 0
    assert 0 < len(MESSAGES["lacking"]("de")) < everything
    path.write_text(MESSAGES["taken"]("de", tmp_path / "filled.po"))
    assert MESSAGES["completed_for"]("de") == len(list(messages_of(path)))
    assert len(MESSAGES["lacking"]("de")) == 0


def collected(whole: str) -> Callable[[], Catalog]:
    """Return a stand-in for the texts of the source: exactly those of a catalogue."""
    import io

    from babel.messages.pofile import read_po

    catalogue = Catalog()
    for message in read_po(io.BytesIO(whole.encode())):
        if message.id:
            catalogue.add(message.id, context=message.context)
    return lambda: catalogue
