"""The desk: members, listings and trades to take away, as tables that any program reads. Source: docs/export.md; docs/pages.md 7.4."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from aiohttp import web

from node.services.tables import read_tables
from node.web.context import Context
from node.web.dates import local
from node.web.downloads import download


async def export(context: Context) -> web.Response:
    """GET /admin/export.zip"""
    files = await context.read(read_tables, context.unit, context.zone)
    packed = await context.node.offload(_packed, files)
    today = local(context.now_ms, context.zone).date().isoformat()
    response = download(packed, "application/zip", f"tables-{today}.zip")
    response.headers["Cache-Control"] = "no-store"
    return response


def _packed(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()
