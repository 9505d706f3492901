"""Pages for people who are not signed in, and joining. Source: docs/pages.md 0.12, 7.1 and 8.1."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from node.services.acts import OPERATOR
from node.services.applications import Application, applications_in
from protocol.market import AskingPrice, Listing, Place
from tests.node.web.towns import ACORNS, SEED, Browser, Town, cookies_of, hidden_of, open_town, send
from tests.node.web.words_seen import main_words

HERE = Place(north=5_150, east=-20)
GEORGE = {
    "name": "George Adeyemi",
    "reach": "letter",
    "email": "",
    "phone": "",
    "address": "3 Station Road\nOakvale",
}


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town(replace(SEED, north=HERE.north, east=HERE.east)) as made:
        yield made


def listing(title: str, kind: str = "offer", **other: object) -> Listing:
    what = {
        "text": "As it says.\n\nRing the bell.", "category": "food-baking", "price": AskingPrice(amount=90, per="item"),
        "language": "en", "place": Place(north=5_153, east=-20), "owner": "Ana",
    }  # fmt: skip
    return Listing(kind=kind, title=title, **(what | other))  # type: ignore[arg-type]  # fields by name


async def words(browser: Browser, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status == 200, path
    return main_words(await answer.text())


# --- Reading -----------------------------------------------------------------------------------------------------


async def test_the_front_page_says_what_the_scheme_is(town: Town) -> None:
    ana = await town.member("Ana")
    for number in range(7):
        await town.node.market.post(ana.no, listing(f"Bread {number}"))
        town.clock.now += 1000
    said = await words(town.browser(), "/")
    assert said.startswith("Neighbours in Oakvale help each other")
    assert "Members 1" in said
    assert re.findall(r"Bread \d", said) == [f"Bread {number}" for number in (6, 5, 4, 3, 2, 1)]
    assert "Ana" not in said


async def test_the_organisers_own_words_stand_on_the_front_page(town: Town) -> None:
    await town.node.settings.change(
        OPERATOR,
        headline="Oakvale shares",
        about="One.\n\nTwo.",
        meeting="Saturday, village hall",
        help_hours="Tuesdays",
    )
    said = await words(town.browser(), "/")
    assert said.startswith("Oakvale shares One. Two.")
    assert "Saturday, village hall" in said
    assert "Tuesdays" in said


async def test_how_it_works_speaks_in_the_schemes_own_unit() -> None:
    async with open_town(ACORNS, name="riverside") as riverside:
        said = await words(riverside.browser(), "/how")
        assert "12 Acorns" in said
        assert "120 Acorns below zero" in said


async def test_plain_pages_are_open_to_everybody(town: Town) -> None:
    for path, title in (("/help", "Help"), ("/privacy", "Privacy"), ("/how", "How it works")):
        assert (await words(town.browser(), path)).startswith(title)


async def test_the_board_is_searched_and_narrowed_down(town: Town) -> None:
    ana = await town.member("Ana")
    await town.node.market.post(ana.no, listing("Sourdough bread"))
    await town.node.market.post(
        ana.no, listing("A ladder", "want", category="borrow-tools", price=AskingPrice(amount=0, per="agree"))
    )
    browser = town.browser()
    said = await words(browser, "/look")
    assert "2 offers and wants" in said
    assert "1 h 30" in said
    assert "about 3 km" in said
    assert "to agree" in said
    assert "Ana" not in said
    for question, shown, hidden in (
        ("?q=BREAD", "Sourdough", "ladder"),
        ("?kind=want", "ladder", "Sourdough"),
        ("?category=food", "Sourdough", "ladder"),
        ("?category=nonsense&kind=nonsense", "Sourdough", "nonsense"),
    ):
        said = await words(browser, "/look" + question)
        assert shown in said, question
        assert hidden not in said.replace("nonsense nonsense", ""), question
    said = await words(browser, "/look?q=submarine")
    assert "0 offers and wants" in said
    assert "Nothing like that is on the board now. Show everything" in said


async def test_a_long_board_goes_on(town: Town) -> None:
    ana = await town.member("Ana")
    for number in range(21):
        await town.node.market.post(ana.no, listing(f"Bread {number}"))
        town.clock.now += 1000
    browser = town.browser()
    first = await (await browser.get("/look?q=bread&kind=offer")).text()
    assert "1 to 20 of 21" in first
    more = re.search(r'href="(/look\?[^"]+)">Next page', first)
    assert more
    second = await words(browser, more[1].replace("&amp;", "&"))
    assert "21 to 21 of 21" in second


async def test_one_listing_is_shown_without_its_owner(town: Town) -> None:
    ana = await town.member("Ana")
    await town.node.market.post(ana.no, listing("Sourdough bread", cash="+ £2 flour"))
    browser = town.browser()
    address = re.search(r'href="(/l/[^"]+)"', await (await browser.get("/look")).text())
    assert address
    said = await words(browser, address[1])
    for part in (
        "Sourdough bread",
        "1 h 30",
        "As it says. Ring the bell.",
        "+ £2 flour",
        "Bread, cakes and baking",
    ):
        assert part in said
    assert "Join to contact this person" in said
    assert "Ana" not in said


async def test_what_stays_in_the_scheme_is_not_there_for_visitors(town: Town) -> None:
    ana = await town.member("Ana")
    shared = await town.node.market.post(ana.no, listing("Sourdough bread"))
    browser = town.browser()
    address = re.search(r'href="(/l/[^"]+)"', await (await browser.get("/look")).text())
    assert address
    await town.node.market.share(shared.listing.key, False)
    assert "0 offers and wants" in await words(browser, "/look")
    assert (await browser.get(address[1])).status == 404


@pytest.mark.parametrize("name", ["x", "A" * 22, "A" * 64, "A" * 200, "!", "%00"])
async def test_a_listing_that_is_none_is_not_found(town: Town, name: str) -> None:
    assert (await town.browser().get(f"/l/{name}")).status == 404


async def test_letters_grow_in_this_browser_and_stay_so(town: Town) -> None:
    """Three sizes, round and round, without a script and without an account."""
    browser = town.browser()
    assert 'class="size-1"' in await (await browser.get("/how")).text()
    for size, shown in (("2", "2"), ("3", "3"), ("1", "1"), ("9", "1"), ("", "1")):
        answer = await browser.get("/text", params={"size": size, "back": "/how"})
        assert answer.url.path == "/how"
        assert f'class="size-{shown}"' in await answer.text()
    assert list(cookies_of(browser)) == [name for name in cookies_of(browser) if name.endswith("-size")]


# --- Joining -----------------------------------------------------------------------------------------------------


async def waiting(town: Town) -> list[Application]:
    return (await town.node.store.read(applications_in))[0]


async def step(browser: Browser, path: str, page: str, status: int = 200, **fields: str) -> str:
    """Send a step's form with what its page carries along; return the page that follows."""
    answer = await browser.post(path, data={**hidden_of(page), **fields})
    assert answer.status == status
    return await answer.text()


async def as_far_as_the_agreement(browser: Browser, person: dict[str, str]) -> str:
    page = await (await browser.get("/join")).text()
    page = await step(browser, "/join", page, place=" Mill  Lane ")
    assert "Step 2 of 4" in page
    page = await step(browser, "/join/person", page, 200, **person)
    assert "Step 3 of 4" in page
    page = await step(browser, "/join/offer", page, offer="Seedlings", want="")
    assert "Step 4 of 4" in page
    return page


async def test_joining_takes_four_steps_and_keeps_nothing_before_the_last(town: Town) -> None:
    browser = town.browser()
    before = await town.everything()
    page = await as_far_as_the_agreement(browser, GEORGE)
    assert await town.everything() == before
    said = main_words(page)
    for part in (
        "Name George Adeyemi",
        "Place Mill Lane",
        "I can offer Seedlings",
        "Address for letters 3 Station Road",
    ):
        assert part in said
    page = await step(browser, "/join/agree", page, agree="yes")
    assert main_words(page).startswith("Thank you, George Adeyemi Rosa will get in touch with you.")
    (application,) = await waiting(town)
    person = application.person
    assert (person.name, person.place, person.reach, person.address) == (
        "George Adeyemi", "Mill Lane", "letter", "3 Station Road\nOakvale",
    )  # fmt: skip
    assert (application.offer, application.want) == ("Seedlings", "")


async def test_an_applicant_with_an_address_is_written_to(town: Town) -> None:
    browser = town.browser()
    person = GEORGE | {"reach": "email", "email": "George@Example.org"}
    page = await step(browser, "/join/agree", await as_far_as_the_agreement(browser, person), agree="yes")
    assert "We wrote to george@example.org too." in main_words(page)
    assert [mail.recipient for mail in await town.mails()] == ["george@example.org"]


async def test_an_application_sent_twice_is_one(town: Town) -> None:
    """The same form again: a second press, a reload, Back and once more."""
    browser = town.browser()
    page = await as_far_as_the_agreement(browser, GEORGE)
    for _ in range(3):
        assert "Thank you" in await step(browser, "/join/agree", page, agree="yes")
    assert len(await waiting(town)) == 1
    page = await as_far_as_the_agreement(browser, GEORGE)
    await step(browser, "/join/agree", page, agree="yes")
    assert len(await waiting(town)) == 2


async def test_without_agreeing_nothing_is_sent(town: Town) -> None:
    browser = town.browser()
    page = await as_far_as_the_agreement(browser, GEORGE)
    once = hidden_of(page)["once"]
    again = await step(browser, "/join/agree", page, status=422)
    assert "Please tick this, or ring us and ask." in again
    assert hidden_of(again)["once"] == once
    assert await waiting(town) == []
    assert "Thank you" in await step(browser, "/join/agree", again, agree="yes")


@pytest.mark.parametrize(
    ("person", "said", "kept"),
    [
        ({"name": ""}, "Please fill in the name.", "3 Station Road"),
        ({"name": "x" * 81}, "There is room for 80 characters.", "3 Station Road"),
        ({"reach": ""}, "Please choose how we may reach you.", "George"),
        ({"reach": "pigeon"}, "Please choose one of the answers.", "George"),
        ({"reach": "email"}, "Please fill in the e-mail address.", "George"),
        ({"reach": "email", "email": "george"}, "This is not an e-mail address.", 'value="george"'),
        ({"reach": "phone"}, "Please fill in the phone number.", "George"),
        ({"address": " "}, "Please fill in the address.", "George"),
    ],
)
async def test_what_is_missing_is_asked_for_and_nothing_typed_is_lost(
    town: Town, person: dict[str, str], said: str, kept: str
) -> None:
    browser = town.browser()
    page = await (await browser.get("/join")).text()
    page = await step(browser, "/join", page, place="Mill Lane")
    page = await step(browser, "/join/person", page, 422, **(GEORGE | person))
    assert "Step 2 of 4" in page
    assert said in page
    assert kept in page
    assert hidden_of(page)["place"] == "Mill Lane"


async def test_hidden_fields_are_checked_like_shown_ones(town: Town) -> None:
    """Whoever writes a later step by hand is led back to the first one in trouble."""
    browser = town.browser()
    page = await as_far_as_the_agreement(browser, GEORGE)
    good = hidden_of(page) | {"agree": "yes"}
    for forged, step_shown in (
        ({"place": ""}, "Step 1 of 4"),
        ({"name": "x" * 100}, "Step 2 of 4"),
        ({"reach": "pigeon"}, "Step 2 of 4"),
        ({"email": "a\nb", "reach": "email"}, "Step 2 of 4"),
        ({"offer": "x" * 100}, "Step 3 of 4"),
        ({"once": "x"}, "Step 4 of 4"),
        ({"once": ""}, "Step 4 of 4"),
    ):
        answer = await browser.post("/join/agree", data=good | forged)
        assert answer.status == 422, forged
        assert step_shown in await answer.text(), forged
    assert await waiting(town) == []


async def test_the_schemes_own_agreement_is_shown(town: Town) -> None:
    await town.node.settings.change(OPERATOR, agreement="Be kind.\n\nBe on time.")
    said = main_words(await as_far_as_the_agreement(town.browser(), GEORGE))
    assert "Be kind. Be on time. What you told us" in said


async def test_many_applications_from_one_place_wait(town: Town) -> None:
    browser = town.browser()
    for _ in range(10):
        page = await as_far_as_the_agreement(browser, GEORGE)
        await step(browser, "/join/agree", page, agree="yes")
    page = await as_far_as_the_agreement(browser, GEORGE)
    page = await step(browser, "/join/agree", page, status=429, agree="yes")
    assert "Please wait 30 seconds" in page
    town.clock.now += 30_000
    assert "Thank you" in await step(browser, "/join/agree", page, agree="yes")


@pytest.mark.parametrize("application", ["", "x", "A" * 22, "\0"])
async def test_an_application_nobody_sent_is_not_shown(town: Town, application: str) -> None:
    answer = await town.browser().get("/join/sent", params={"application": application})
    assert answer.status == 404


async def test_a_place_is_asked_for_again_with_what_was_typed(town: Town) -> None:
    answer = await send(town.browser(), "/join", "/join", place="x" * 90)
    assert answer.status == 422
    page = await answer.text()
    assert "There is room for 80 characters." in page
    assert "x" * 90 in page
