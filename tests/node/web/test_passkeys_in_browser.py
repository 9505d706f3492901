"""A passkey made and used in Chromium, whose own authenticator is a virtual one: our script and our content policy let it. Source: docs/pages.md 8.13."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.test_utils import unused_port
from playwright.async_api import Page

from node.services.acts import OPERATOR
from tests.chromium import started
from tests.conftest import chromium_path
from tests.node.web.towns import open_town

pytestmark = pytest.mark.e2e


async def with_authenticator(page: Page) -> None:
    """Give the page's browser a telephone's authenticator that has seen its owner."""
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable", {"enableUI": False})
    await cdp.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip


async def scenario() -> None:
    port = unused_port()
    origin = f"http://localhost:{port}"
    async with open_town(origin=origin, port=port) as town, started(chromium_path()) as browser:
        ana = await town.member("Ana")
        page = await browser.new_page(base_url=origin)
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
        await with_authenticator(page)
        link = await town.node.sign_in.make_link(OPERATOR, ana.no)
        await page.goto(link)
        await page.get_by_role("button", name="Log in").click()
        await page.goto("/my/passkeys")
        await page.get_by_label("What you call it").fill("My telephone")
        await page.get_by_role("button", name="Add it").click()
        await page.wait_for_url("**/my/passkeys?note=saved")
        assert "My telephone" in await page.inner_text("main")
        await page.context.clear_cookies()
        await page.goto("/login?after=/statement")
        assert refused == []
        await page.get_by_role("button", name="Log in with a passkey").click()
        await page.wait_for_url(f"{origin}/statement")
        # And it signs a payment.
        await town.member("Ben")
        await page.goto("/record/what?who=0002&what=Jam&amount=1")
        await page.get_by_role("button", name="Next: check").click()
        await page.get_by_role("button", name="Pay and sign with the passkey").click()
        await page.wait_for_url("**/t/**")
        await page.goto(page.url.removesuffix("/check"))
        assert "With the passkey of Ana" in await page.inner_text("main")
        await page.goto("/my/passkeys")
        assert "Last used" in await page.inner_text("main")
        # Removed here, the telephone still offers it: the page says that it did not work.
        await page.get_by_role("button", name="Remove My telephone").click()
        await page.wait_for_url("**note=saved")
        await page.context.clear_cookies()
        await page.goto("/login")
        await page.get_by_role("button", name="Log in with a passkey").click()
        await page.get_by_text("This passkey did not work here.").wait_for()


def test_a_passkey_is_made_and_logs_in() -> None:
    asyncio.run(scenario())
