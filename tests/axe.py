"""axe on a page that a browser shows, whose context was given `add_axe`. Source: docs/pages.md 10."""

from __future__ import annotations

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.async_api import BrowserContext, Page


async def add_axe(context: BrowserContext) -> None:
    """Let every page of a context have axe. It is an inline script: the context has to bypass the content policy."""
    await context.add_init_script(path=AXE_FILE_PATH)


async def serious(page: Page, rules: str = "") -> list[str]:
    """Return what axe finds serious or critical; of all rules, or of those named by an option."""
    answer = await page.evaluate(
        f"axe.run(document, {{{rules} resultTypes: ['violations'], preload: false}})"
    )
    return [
        f"{finding['id']}: {node['html'][:150]}"
        for finding in answer["violations"]
        if finding["impact"] in {"serious", "critical"}
        for node in finding["nodes"]
    ]
