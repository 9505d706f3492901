"""Which language a reader gets, and what units, numbers and moments are called in it.

Source: docs/pages.md 12 and 13.7; docs/decisions/0040-languages.md.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from node.services.acts import OPERATOR, Role
from node.services.members import NewMember
from node.web import dates
from node.web.amounts import HOURS, short, spoken
from node.web.assets import Assets
from node.web.languages import known_language, language_name, language_preferred, plural_forms
from node.web.render import Renderer
from node.web.units import unit_of
from node.web.words import Pack, words_for
from tests.node.web.samples import PAGES
from tests.node.web.test_pages import Seen
from tests.node.web.tongues import FROM_THE_RIGHT, LONG, words_with
from tests.node.web.towns import ACORNS, SEED, Browser, Town, cookies_of, open_town, send

SPOKEN = ("en", "de", "pl")
POLISH = {"one": "żołądź", "few": "żołędzie", "many": "żołędzi", "other": "żołędzia"}


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """A scheme that speaks three languages; Rosa is at its desk."""
    async with open_town(replace(SEED, languages=SPOKEN)) as made:
        await made.member("Rosa", Role.ORGANISER)
        yield made


async def spoken_at(browser: Browser, path: str = "/how", accepts: str = "") -> str:
    """Return the language a page says it is in."""
    headers = {"Accept-Language": accepts} if accepts else {}
    page = await (await browser.get(path, headers=headers)).text()
    found = re.search(r'<html lang="([\w-]+)" dir="ltr"', page)
    assert found, page[:200]
    return found[1]


# --- What a browser prefers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header, offered, preferred",
    [
        ("de-AT,de;q=0.9,en;q=0.8", ("en", "de"), "de"),
        ("fr;q=0.3, es", ("en", "fr", "es"), "es"),
        ("es;q=0, en;q=0.1", ("es", "en"), "en"),
        ("de", ("en", "de-AT"), "de-AT"),
        ("pt", ("en", "pt-BR", "pt"), "pt"),
        ("de-CH", ("en", "de-AT"), "de-AT"),
        ("DE", ("en", "de"), "de"),
        ("*", ("en", "de"), ""),
        ("ja", ("en", "de"), ""),
        ("de;q=much, en;q=2", ("en", "de"), ""),
        (",;;q=,=;q", ("en", "de"), ""),
        ("x" * 100_000, ("en", "de"), ""),
        ("de", ("en",), ""),
        ("", ("en", "de"), ""),
    ],
)
def test_the_language_a_browser_prefers(header: str, offered: tuple[str, ...], preferred: str) -> None:
    """RFC 9110, 12.5.4."""
    assert language_preferred(header, offered) == preferred


def test_only_tags_of_languages_we_can_write_dates_in_are_known() -> None:
    assert [tag for tag in ("de", "pt-BR", "zh-Hant-TW", "xx", "../de", "de_DE", "") if known_language(tag)] == [
        "de", "pt-BR", "zh-Hant-TW",
    ]  # fmt: skip
    assert [language_name(tag) for tag in ("en", "de", "fr", "de-AT")] == [
        "English", "Deutsch", "Français", "Deutsch (Österreich)",
    ]  # fmt: skip


# --- Whose wish counts ------------------------------------------------------------------------------------------


async def test_a_visitor_gets_what_the_browser_prefers_else_the_schemes_own(town: Town) -> None:
    browser = town.browser()
    assert await spoken_at(browser) == "en"
    assert await spoken_at(browser, accepts="de-AT, en;q=0.5") == "de"
    assert await spoken_at(browser, accepts="ja") == "en"
    assert cookies_of(browser) == {}


async def test_a_link_on_every_page_chooses_another_language_for_this_browser(town: Town) -> None:
    """Without a script and without an account; it leads back to where the reader was."""
    browser = town.browser()
    page = await (await browser.get("/help")).text()
    for tag, name in (("de", "Deutsch"), ("pl", "Polski")):
        assert f'href="/language?to={tag}&amp;back=/help" lang="{tag}" hreflang="{tag}">{name}</a>' in page
    assert 'lang="en" aria-current="true"><strong>English</strong></a>' in page
    answer = await browser.get("/language", params={"to": "pl", "back": "/help"})
    assert (answer.url.path, await spoken_at(browser, accepts="de")) == ("/help", "pl")
    for nothing in ("xx", "", "fr", "../de"):
        await browser.get("/language", params={"to": nothing, "back": "/help"})
        assert await spoken_at(browser) == "pl"
    assert [name for name in cookies_of(browser) if not name.endswith("-language")] == []


@pytest.mark.parametrize(
    "place", ["//evil.example", "https://evil.example", "/\\evil", "/a\r\nSet-Cookie: x=y"]
)
async def test_choosing_a_language_leads_to_our_own_pages_only(town: Town, place: str) -> None:
    answer = await town.browser().get("/language", params={"to": "de", "back": place}, allow_redirects=False)
    assert answer.headers["Location"] == "/"


async def test_a_forged_choice_is_none(town: Town) -> None:
    browser = town.browser()
    await browser.get("/language", params={"to": "pl", "back": "/"})
    (cookie,) = browser.session.cookie_jar
    for forged, spoken_then in (("pl", "pl"), ("../../etc", "en"), ("fr", "en"), ("p" * 2000, "en")):
        answer = await town.browser().get("/how", headers={"Cookie": f"{cookie.key}={forged}"})
        assert f'<html lang="{spoken_then}"' in await answer.text()


async def test_a_member_is_spoken_to_in_their_own_language_until_they_choose_here(town: Town) -> None:
    ana = await town.member("Ana")
    browser = await town.browser_of(ana)
    assert await spoken_at(browser, "/my/settings", accepts="pl") == "en"
    await browser.get("/language", params={"to": "pl", "back": "/home"})
    assert await spoken_at(browser, "/my/settings") == "pl"
    answer = await send(browser, "/my/mail", "/my/settings", language="de")
    assert answer.status == 303
    assert await spoken_at(browser, "/my/settings") == "de"
    assert await spoken_at(await town.browser_of(ana), "/my/settings") == "de"


async def test_a_scheme_of_one_language_offers_no_choice() -> None:
    async with open_town() as town:
        assert "/language" not in await (await town.browser().get("/how")).text()


async def test_a_language_that_is_spoken_no_more_gives_way_to_the_schemes_own(town: Town) -> None:
    """Pages and mails alike."""
    ana = await town.member("Ana")
    german = NewMember(name=ana.name, email=ana.email, language="de")
    await town.node.people.change_profile(OPERATOR, ana.no, german)
    assert town.node.settings.now.language_for("de") == "de"
    await town.node.settings.change(OPERATOR, languages=("en", "pl"))
    assert town.node.settings.now.language_for("de") == "en"
    assert await spoken_at(await town.browser_of(ana), "/my/settings") == "en"


# --- The organisers' page ----------------------------------------------------------------------------------------


async def test_organisers_choose_the_languages(town: Town) -> None:
    rosa = await town.node.people.member(1)
    assert rosa is not None
    browser = await town.browser_of(rosa)
    page = await (await browser.get("/admin/languages")).text()
    assert 'name="speaks-pl" value="yes" checked' in page
    assert "What our unit is called" not in page, "hours have their names from the language"
    answer = await send(browser, "/admin/languages", "/admin/languages", **{"own": "de", "speaks-en": "yes"})
    assert (answer.status, answer.headers["Location"]) == (303, "/admin/languages?note=saved")
    settings = town.node.settings.now
    assert (settings.language, settings.languages) == ("de", ("de", "en"))
    assert await spoken_at(town.browser()) == "de"
    for wrong in ("xx", "", "../de"):
        answer = await send(browser, "/admin/languages", "/admin/languages", own=wrong)
        assert answer.status == 422
    assert town.node.settings.now.languages == ("de", "en")
    answer = await send(browser, "/admin/languages/unit", "/admin/languages", **{"name-de-one": "Stunderl"})
    assert answer.status == 404


async def test_organisers_say_what_their_unit_is_called_for_each_plural_form() -> None:
    """pages.md 12: names are data; the preview shows 0, 1, 2, 5 and 1.5."""
    async with open_town(replace(ACORNS, languages=("en", "pl"))) as town:
        browser = await town.browser_of(await town.member("Rosa", Role.ORGANISER))
        fields = {f"name-pl-{form}": name for form, name in POLISH.items()}
        page = await (await browser.get("/admin/languages")).text()
        assert set(re.findall(r'name="name-pl-(\w+)"', page)) == set(POLISH)
        assert set(re.findall(r'name="name-en-(\w+)"', page)) == {"one", "other"}
        sent = {**fields, "name-en-one": "Acorn"}
        answer = await send(browser, "/admin/languages/unit", "/admin/languages", **sent)
        assert answer.status == 303
        shown = " ".join(Seen(await (await browser.get("/admin/languages")).text()).text).replace(
            "\u00a0", " "
        )
        assert "0 żołędzi · 1 żołądź · 2 żołędzie · 5 żołędzi · 1,50 żołędzia" in shown
        assert "0 Acorns · 1 Acorn · 2 Acorns · 5 Acorns · 1.50 Acorns" in shown
        answer = await send(browser, "/admin/languages/unit", "/admin/languages", **{"name-pl-few": "ż" * 41})
        assert answer.status == 422
        assert town.node.settings.now.unit_names == {"pl": POLISH, "en": {"one": "Acorn"}}
        emptied = await send(browser, "/admin/languages/unit", "/admin/languages", **{"name-en-one": ""})
        assert emptied.status == 303
        assert town.node.settings.now.unit_names == {}
        await town.node.settings.load()


def test_every_plural_form_has_an_example_and_whole_units_need_fewer() -> None:
    forms = {tag: [form for form, _ in plural_forms(tag, 2)] for tag in ("en", "fr", "pl", "ar", "ja")}
    assert forms == {
        "en": ["one", "other"],
        "fr": ["one", "many", "other"],
        "pl": ["one", "few", "many", "other"],
        "ar": ["zero", "one", "two", "few", "many", "other"],
        "ja": ["other"],
    }
    assert [form for form, _ in plural_forms("pl", 0)] == ["one", "few", "many"]


# --- Plurals and right-to-left --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "minor, said", [(0, "0 żołędzi"), (100, "1 żołądź"), (200, "2 żołędzie"), (500, "5 żołędzi"), (150, "1,50 żołędzia")]
)  # fmt: skip
def test_units_have_polish_plurals(minor: int, said: str) -> None:
    """pages.md 13.7."""
    unit = unit_of(replace(ACORNS, languages=("en", "pl"), unit_names={"pl": POLISH}))
    assert spoken(minor, unit, "pl").replace("\u00a0", " ") == said
    assert spoken(minor, unit, "en").endswith("\u00a0Acorns")


@pytest.mark.parametrize(
    "minutes, polish, arabic",
    [
        (0, "0 godzin", "0 ساعة"),
        (60, "1 godzina", "ساعة"),
        (120, "2 godziny", "ساعتان"),
        (300, "5 godzin", "5 ساعات"),
        (90, "1 godzina 30 minut", "ساعة 30 دقيقة"),
    ],
)
def test_hours_have_the_plurals_of_the_language(minutes: int, polish: str, arabic: str) -> None:
    unit = unit_of(SEED)
    assert spoken(minutes, unit, "pl").replace("\u00a0", " ") == polish
    assert re.sub("[\u00a0\u200e\u200f]", " ", spoken(minutes, unit, "ar")).strip() == arabic


@pytest.mark.parametrize(
    "number, said", [(2, "2 minuty temu"), (5, "5 minut temu"), (22, "22 minuty temu"), (1, "")]
)
def test_sentences_have_the_plurals_of_the_language(number: int, said: str) -> None:
    forms = ("%(num)d minutę temu", "%(num)d minuty temu", "%(num)d minut temu")
    words = words_with("pl", {("%(num)d minute ago", "%(num)d minutes ago"): forms})
    if said:
        assert dates.ago(10**12, 10**12 + number * dates.MINUTE_MS, words) == said
    assert words.gettext("Pay") == "Pay", "what is not translated is English"


def test_a_page_from_the_right_says_so_and_lets_others_texts_run_their_own_way() -> None:
    renderer, sample = Renderer(Assets()), PAGES["find"]
    renderer.speak(FROM_THE_RIGHT)
    html = renderer.render(replace(sample.page, words=FROM_THE_RIGHT), sample.view)
    assert '<html lang="ar" dir="rtl"' in html
    assert 'lang="fr" dir="auto">Cours de conversation en français</a>' in html
    assert "<bdi>Riverside</bdi>" in html
    assert '<a href="tel:01632960123" dir="ltr">' in html


@pytest.mark.parametrize("minor", [90, -90, 60, 20])
def test_an_amount_among_words_from_the_right_is_held_together(minor: int) -> None:
    """Else "1 h 30" is shown as 30 h 1: digits take the direction of what stands around them."""
    shown = short(minor, HOURS, "ar")
    assert shown == f"\u200e{short(minor, HOURS, 'en')}\u200e"
    assert "\u200e" not in short(minor, HOURS, "de")


def test_longer_words_are_two_fifths_longer_and_keep_their_places() -> None:
    assert LONG.gettext("Pay %(name)s") == "[Páý %(name)s on]"
    assert len(LONG.gettext("Nothing moved. Nothing was changed.")) >= 1.4 * 35


# --- One language in two countries, packs in other languages --------------------------------------------------


def test_a_countrys_language_speaks_the_languages_words_and_writes_its_own_numbers() -> None:
    for message in ("Pay", "Settings"):
        assert words_for("de-AT").gettext(message) == words_for("de").gettext(message)
    assert words_for("de-AT").language == "de-AT"
    assert words_for("xx-YY", Pack.TIMEBANK).gettext("Pay") == "Pay"
