"""Texts from addresses and forms, made harmless: one plain line, and paths that lead to our own pages. Source: docs/pages.md 0.8."""

from __future__ import annotations

import unicodedata
from typing import Final

PATH_CHARACTERS_MAX: Final = 500


def plain_line(text: str, most: int) -> str:
    """Return `text` as one line of at most `most` characters, without signs that no keyboard types."""
    if not text:
        return ""
    kept = "".join(" " if sign in "\n\t" else sign for sign in text[: 4 * most])
    shown = "".join(sign for sign in kept if unicodedata.category(sign) not in {"Cc", "Cs"})
    return " ".join(unicodedata.normalize("NFC", shown).split())[:most]


def own_path(path: str) -> str:
    """Return `path` if it leads to one of our own pages, else ""."""
    fits = len(path) <= PATH_CHARACTERS_MAX and path.startswith("/") and path.isascii() and path.isprintable()
    # Browsers take a backslash for a slash, and two slashes for another host.
    return path if fits and not path.startswith("//") and "\\" not in path and " " not in path else ""
