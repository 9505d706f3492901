"""A Chromium that is known to work before a test leans on it.

On a loaded machine Chromium sometimes dies at the first page it loads. A test that has begun to act on a
node cannot be begun again; so each browser first loads a page of no importance, and one that dies of it is
started anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from playwright.async_api import Browser, Error, Playwright, async_playwright

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STARTS_MAX = 3


@asynccontextmanager
async def started(executable: str | None) -> AsyncIterator[Browser]:
    """Give a browser that has loaded a page.

    Raises the last error of Chromium if none of three did.
    """
    async with async_playwright() as playwright:
        browser = await _proved(playwright, executable)
        try:
            yield browser
        finally:
            await browser.close()


async def _proved(playwright: Playwright, executable: str | None) -> Browser:
    async with _some_page() as address:
        for start in range(1, STARTS_MAX + 1):
            browser = await playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
            try:
                page = await browser.new_page()
                await page.goto(address)
                await page.context.close()
                return browser
            except Error:
                await browser.close()
                if start == STARTS_MAX:
                    raise
    raise AssertionError("unreachable: the last start returned or raised")


@asynccontextmanager
async def _some_page() -> AsyncIterator[str]:
    async def show(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Ready</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()
