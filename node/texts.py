"""Texts that are written where something is decided and translated where it is shown.

What a service says to people is a sentence of the source language; `scripts/messages` collects those marked here, and those
that `LineRefused` is raised with. A page gives them to gettext.
"""

from __future__ import annotations


def to_translate(text: str) -> str:
    """Return `text` itself: it is in the catalogue, and pages translate it."""
    return text
