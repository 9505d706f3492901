"""A receipt goes from one scheme to another in a browser, and one byte of it is turned. Source: docs/protocol.md 4.4; docs/pages.md 7.1, 7.2."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from scripts.town.town import Town
from tests.e2e.browsing import Complaints, find, heading, in_browser, log_in_as, opened, said

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("javascript", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_receipt_of_one_scheme_is_checked_at_another(
    town: Town, chromium: str, tmp_path: Path, javascript: bool
) -> None:
    """Ana saves it at Oakvale; somebody checks it at Riverside, then once more with one byte turned."""
    complaints = Complaints()
    oakvale, riverside = (town[key].process.origin for key in ("oakvale", "riverside"))

    async def act(browser: Browser) -> None:
        async with (
            opened(browser, complaints, java_script_enabled=javascript, accept_downloads=True) as ana,
            opened(browser, complaints, java_script_enabled=javascript) as anybody,
        ):
            await log_in_as(ana, town, "oakvale", "Ana Silva")
            file = await _buy_and_save(ana, oakvale, tmp_path)
            words = await _check(anybody, riverside, file)
            for sentence in (
                "This receipt is whole",
                "Oakvale and Riverside signed the same terms.",
                "Riverside confirmed that it was paid by Oakvale.",
                "We know this scheme. We call it Oakvale.",
                "This is us.",
            ):
                assert sentence in words
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            bad = tmp_path / "turned.receipt"
            bad.write_bytes(data)
            words = await _check(anybody, riverside, bad)
            assert "This receipt does not hold" in words
            assert "It proves nothing." in words
            await _paper(ana, anybody, oakvale)

    in_browser(chromium, act)
    assert complaints.texts == []


async def _buy_and_save(page: Page, origin: str, folder: Path) -> Path:
    await find(page, origin, "Quince jelly, 2 jars")
    await page.get_by_role("link", name="Pay for this").click()
    await page.get_by_role("button", name="Next: check").click()
    await page.get_by_role("button", name="Pay").click()
    assert await heading(page) == "Done"
    reference = (await page.locator(".reference strong").inner_text()).strip()
    await page.goto(f"{origin}/t/{reference}")
    await page.get_by_role("link", name="Receipt", exact=True).click()
    assert await heading(page) == "Receipt of Oakvale"
    async with page.expect_download() as saving:
        await page.get_by_role("link", name="Save the receipt as a file").click()
    saved = await saving.value
    assert saved.suggested_filename == f"{reference}.receipt"
    file = folder / "oakvale.receipt"
    await saved.save_as(file)
    return file


async def _check(page: Page, origin: str, file: Path) -> str:
    await page.goto(origin)
    await page.get_by_role("link", name="Check a receipt").click()
    await page.get_by_label("The receipt’s file").set_input_files(file)
    await page.get_by_role("button", name="Check this file").click()
    return await said(page)


async def _paper(holder: Page, anybody: Page, origin: str) -> None:
    """Type what stands on the paper: the scheme's own page knows it."""
    reference, code = [text.strip() for text in await holder.locator(".reference strong").all_inner_texts()]
    await anybody.goto(f"{origin}/verify")
    await anybody.get_by_label("Reference", exact=True).fill(reference)
    await anybody.get_by_label("Check code", exact=True).fill(code)
    await anybody.get_by_role("button", name="Ask our book").click()
    assert "Oakvale has this trade in its book" in await said(anybody)
