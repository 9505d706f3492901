"""Answers that are files: saved by the browser, not shown."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.web.amounts import Unit

# A spreadsheet takes a text that begins like this for a formula.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def download(body: bytes, kind: str, name: str) -> web.Response:
    """Return the answer that is a file called `name`."""
    headers = {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, headers=headers)


def table(text: str, name: str) -> web.Response:
    """Return the answer that is a table for a spreadsheet; the mark in front tells it that this is UTF-8."""
    return download(("\ufeff" + text).encode(), "text/csv; charset=utf-8", name)


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def unmarked(text: str) -> str:
    """Return what a text was before `harmless`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA_STARTS) else text


def plain_number(minor: int, unit: Unit) -> str:
    """Return an amount that a spreadsheet can add up exactly: minutes, or units with a dot."""
    if unit.kind == "hours" or not unit.decimals:
        return str(minor)
    whole, part = divmod(abs(minor), unit.minor_per_unit)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{unit.decimals}d}"


def plain_unit(unit: Unit) -> str:
    """Return what the numbers of `plain_number` count."""
    return "minutes" if unit.kind == "hours" else unit.symbol
