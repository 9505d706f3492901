"""From joining to a trade with another scheme, as people do it in a browser. Source: docs/pages.md 8.1, 8.2, 8.11, 13.1, 13.2."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page

from scripts.town.processes import until
from scripts.town.town import Town
from tests.e2e.browsing import (
    Complaints,
    find,
    heading,
    in_browser,
    log_in,
    log_in_as,
    log_in_organiser,
    opened,
    said,
)

pytestmark = pytest.mark.e2e

DONE_WITHIN_S = 15.0  # until the other schemes have said that they stored it
KEYS_MAX = 60  # of Tab, until something is reached: more would be no fun


@pytest.mark.parametrize("javascript", [True, False], ids=["with-scripts", "without-scripts"])
def test_somebody_joins_is_welcomed_offers_something_and_is_bought_from_across(
    town: Town, chromium: str, javascript: bool
) -> None:
    """Three browsers: the newcomer's and the organiser's at Riverside, Ana's at Oakvale."""
    complaints = Complaints()
    name, offer = ("Nora Quist", "Elderflower cordial") if javascript else ("Piet Maas", "Pickled gherkins")

    async def act(browser: Browser) -> None:
        async with (
            opened(browser, complaints, java_script_enabled=javascript) as newcomer,
            opened(browser, complaints, java_script_enabled=javascript) as organiser,
            opened(browser, complaints, java_script_enabled=javascript) as buyer,
        ):
            riverside = town["riverside"].process.origin
            await _join(newcomer, riverside, name)
            number, pin = await _welcome(organiser, town, name)
            await log_in(newcomer, riverside, number, pin)
            await _post(newcomer, riverside, offer)
            await log_in_as(buyer, town, "oakvale", "Ana Silva")
            reference = await _buy(buyer, town["oakvale"].process.origin, offer)
            trade = await _done_there(newcomer, f"{riverside}/t/{reference}")
            for sentence in (reference, "You got 9 Acorns.", "Ana gave 45 minutes."):
                assert sentence in trade
            await newcomer.goto(f"{riverside}/statement")
            assert await newcomer.locator(f'tbody a[href="/t/{reference}"]').count() == 1

    in_browser(chromium, act)
    assert complaints.texts == []


def first(name: str) -> str:
    return name.partition(" ")[0]


async def _join(page: Page, origin: str, name: str) -> None:
    await page.goto(origin)
    await page.get_by_role("link", name="Join Riverside").click()
    await page.get_by_label("Where do you live?").fill("Weir Street")
    await page.get_by_role("button", name="Next: your name").click()
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("By e-mail").check()
    await page.get_by_role("textbox", name=re.compile("^E-mail")).fill(
        f"{first(name).lower()}@riverside.example"
    )
    await page.get_by_role("button", name="Next: what you can offer").click()
    await page.get_by_label("I can offer").fill("Cordials and pickles")
    await page.get_by_label("I could use").fill("Empty bottles")
    await page.get_by_role("button", name="Next: our agreement").click()
    await page.get_by_label("I have read this and agree").check()
    await page.get_by_role("button", name="Send my application").click()
    assert await heading(page) == f"Thank you, {name}"


async def _welcome(page: Page, town: Town, name: str) -> tuple[str, str]:
    """Welcome the applicant, and return number and PIN from the letter."""
    await log_in_organiser(page, town, "riverside")
    await page.get_by_role("link", name="Organisers’ desk").click()
    await page.goto(town["riverside"].process.origin + "/admin/applications")
    await page.get_by_role("button", name=f"Welcome {name}").click()
    assert await heading(page) == "Welcome to Riverside"
    secrets = await page.locator("article .secret").all_inner_texts()
    return secrets[0].strip(), secrets[1].strip()


async def _post(page: Page, origin: str, title: str) -> None:
    await page.goto(f"{origin}/post")
    await page.get_by_label("I offer something").check()
    await page.get_by_label("In a few words").fill(title)
    await page.get_by_label("More about it").fill("A bottle, made in June.")
    await page.get_by_role("button", name="Next: the price").click()
    await page.get_by_label("A fixed amount").check()
    await page.get_by_label("how much, in").fill("9")
    await page.get_by_label("Category").select_option("food-preserves")
    await page.get_by_role("button", name="Next: see how it looks").click()
    assert title in await said(page)
    await page.get_by_role("button", name="Publish").click()
    assert title in await said(page)


async def _buy(page: Page, origin: str, title: str) -> str:
    """Buy, and return the reference on the page that says it is done."""
    await find(page, origin, title)
    assert "Riverside" in await said(page)
    await page.get_by_role("link", name="Pay for this").click()
    await page.get_by_role("button", name="Next: check").click()
    check = await said(page)
    for sentence in ("gets 9 Acorns.", "You give 45 minutes.", "Nothing has moved yet."):
        assert sentence in check
    await page.get_by_role("button", name="Pay").click()
    assert await heading(page) == "Done"
    assert "Recorded by both schemes." in await said(page)
    return (await page.locator(".reference strong").inner_text()).strip()


async def _done_there(page: Page, url: str) -> str:
    """Return the payee's page of the trade, once it is not “arriving” any more."""

    async def done() -> str:
        await page.goto(url)
        words = await said(page)
        return words if words.startswith("Done") else ""

    return await until(done, f"{url} is done", DONE_WITHIN_S)


def test_a_purchase_across_schemes_by_keyboard_alone(town: Town, chromium: str) -> None:
    """WCAG 2.1.1, 2.4.3, 2.4.7: from home to done with Tab, Enter and letters; the focus is always to be seen."""
    complaints = Complaints()

    async def act(browser: Browser) -> None:
        async with opened(browser, complaints) as page:
            await log_in_as(page, town, "oakvale", "Ben Carter")
            await _tab_to(page, "Find")
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/find")
            await _tab_to(page, "What are you looking for?")
            await page.keyboard.type("Quince jelly")
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/find?q=Quince*")
            await _tab_to(page, "Quince jelly, 2 jars")
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/l/*")
            await _tab_to(page, "Pay for this")
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/record/what*")
            await _tab_to(page, "Next: check")
            await page.keyboard.press("Enter")
            await page.get_by_role("heading", name="Is this right?").wait_for()
            await _tab_to(page, "Pay Karim")
            await page.keyboard.press("Enter")
            await page.get_by_role("heading", name="Done", exact=True).wait_for()

    in_browser(chromium, act)
    assert complaints.texts == []


FOCUSED = """() => {
    const at = document.activeElement;
    const label = at.labels && at.labels.length ? at.labels[0].innerText : at.innerText;
    // The links of cards cover the whole card, and so does what is drawn around them.
    const shown = ["", "::after"].map((part) => getComputedStyle(at, part || null))
        .some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
    return [(label || "").trim(), shown || at === document.body, at.outerHTML.slice(0, 80)];
}"""


async def _tab_to(page: Page, words: str) -> None:
    for _ in range(KEYS_MAX):
        await page.keyboard.press("Tab")
        label, shown, html = await page.evaluate(FOCUSED)
        assert shown, f"nobody sees that the focus is on {html}"
        if label == words:
            return
    raise AssertionError(f"{KEYS_MAX} times Tab do not lead to “{words}” on {page.url}")
