"""What others wrote, on a terminal: without anything that the terminal would obey."""

from __future__ import annotations

import unicodedata


def visible(text: str) -> str:
    """Return `text` as one line, control signs and those that turn it around written out."""
    if text.isprintable():
        return text
    return "".join(
        sign.encode("unicode_escape").decode() if unicodedata.category(sign).startswith("C") else sign
        for sign in text
    )
