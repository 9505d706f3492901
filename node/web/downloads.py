"""Answers that are files: saved by the browser, not shown."""

from __future__ import annotations

from aiohttp import web


def download(body: bytes, kind: str, name: str) -> web.Response:
    """Return the answer that is a file called `name`."""
    headers = {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, headers=headers)


def table(text: str, name: str) -> web.Response:
    """Return the answer that is a table for a spreadsheet; the mark in front tells it that this is UTF-8."""
    return download(("\ufeff" + text).encode(), "text/csv; charset=utf-8", name)
