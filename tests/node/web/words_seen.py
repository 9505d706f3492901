"""What a reader sees of a page's own matter, as plain words."""

from __future__ import annotations

import html
import re


def main_words(page: str) -> str:
    """Return the visible words between the menus and the footer, on one line."""
    inner = page[page.index("<main") : page.index("<footer")]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", inner)).split())
