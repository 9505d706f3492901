"""PDFs: tagged, with title and language, made apart within bounds, of nothing but what was handed over. Decision 29."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pypdf import PdfReader

from node.pdf import child, maker
from node.pdf.maker import WAITING_MAX, NoPdf, PdfMaker, Why
from tests.drawing import needs_pdf

PAGE = '<!doctype html><html lang="en-GB"><head><title>A statement</title>{head}</head><body><h1>Plums</h1>{body}</body></html>'


def page(body: str = "<p>Four jars</p>", head: str = "") -> str:
    return PAGE.format(body=body, head=head)


async def made(text: str, files: Mapping[str, tuple[str, str]] | None = None) -> Any:
    return PdfReader(io.BytesIO(await PdfMaker().make(text, files or {})))


def program(*lines: str) -> PdfMaker:
    """A maker whose process does something else."""
    found = PdfMaker((sys.executable, "-c", "\n".join(lines)))
    found._installed = True
    return found


@needs_pdf
async def test_a_pdf_is_tagged_and_has_title_and_language() -> None:
    """EN 301 549, PDF/UA-1: a screen reader finds headings, tables and the language."""
    pdf = await made(page("<table><tr><th scope=col>Day</th></tr><tr><td>1</td></tr></table>"))

    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-GB"
    assert pdf.metadata.title == "A statement"
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()
    found = kinds(root["/StructTreeRoot"])
    assert {"/H1", "/Table", "/TH", "/TD"} <= found
    assert "Plums" in pdf.pages[0].extract_text()


def kinds(element: Any) -> set[str]:
    """Return the kinds of a tag and of all below it."""
    element = element.get_object() if hasattr(element, "get_object") else element
    if isinstance(element, list):
        return set().union(*(kinds(each) for each in element))
    if not isinstance(element, dict):
        return set()
    own = {str(element["/S"])} if "/S" in element else set()
    return own | (kinds(element["/K"]) if "/K" in element else set())


@needs_pdf
async def test_what_is_handed_over_is_used() -> None:
    plain = await made(page("<p class=more>Jam</p>"))
    style = '<link rel="stylesheet" href="/static/style.css">'
    hidden = await made(
        page("<p class=more>Jam</p>", style), {"/static/style.css": ("text/css", ".more { display: none }")}
    )

    assert "Jam" in plain.pages[0].extract_text()
    assert "Jam" not in hidden.pages[0].extract_text()


@needs_pdf
async def test_nothing_is_fetched_and_no_file_is_read(tmp_path: Path) -> None:
    """What members wrote is escaped; should anything slip through, there is nobody to ask."""
    asked: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Door)
    Thread(target=server.serve_forever, daemon=True).start()
    secret = tmp_path / "secret.svg"
    secret.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20"><text y="15">pepper</text></svg>'
    )
    here = f"http://127.0.0.1:{server.server_port}"
    try:
        pdf = await made(
            page(
                f'<img src="{here}/a.png" alt="a"><img src="file://{secret}" alt="b"><object data="{here}/c"></object>'
                f'<a rel=attachment href="file://{secret}">d</a><p style="background: url({here}/e)">e</p>',
                f'<link rel=stylesheet href="{here}/f.css"><link rel=attachment href="file://{secret}">'
                f"<style>@import url({here}/g.css); @font-face {{ font-family: x; src: url({here}/h) }}</style>",
            )
        )
    finally:
        server.shutdown()
        server.server_close()

    assert asked == []
    assert b"pepper" not in b"".join(each.extract_text().encode() for each in pdf.pages)
    assert list(pdf.attachments) == []


LIMITED = (
    "from node.pdf import child",
    "child.SECONDS_MAX = 1",
    "raise SystemExit(child.main())",
)


@needs_pdf
async def test_a_page_for_which_time_does_not_suffice_is_too_large() -> None:
    """Without its limit the child makes this one: some hundred rows take seconds."""
    rows = "".join(f"<tr><td>{number}</td><td>bread and jam</td></tr>" for number in range(400))
    papers = program(*LIMITED)
    with pytest.raises(NoPdf) as caught:
        await papers.make(page(f"<table>{rows}</table>"), {})
    assert caught.value.why is Why.TOO_LARGE


async def test_one_that_writes_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maker, "OUTPUT_BYTES_MAX", 1000)
    with pytest.raises(NoPdf) as caught:
        await program("import sys", "while True: sys.stdout.write('%PDF-' * 9000)").make(page(), {})
    assert caught.value.why is Why.TOO_LARGE


async def test_one_that_says_very_much_is_heard_in_part() -> None:
    with pytest.raises(NoPdf) as caught:
        await program("import sys", "sys.stderr.write('x' * 10**6)", "raise SystemExit(1)").make(page(), {})
    assert caught.value.why is Why.FAILED


async def test_what_is_too_large_is_not_begun() -> None:
    with pytest.raises(NoPdf) as caught:
        await program("raise SystemExit(1)").make("x" * (maker.PAGE_BYTES_MAX + 1), {})
    assert caught.value.why is Why.TOO_LARGE


async def test_one_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maker, "TIMEOUT_S", 0.2)
    with pytest.raises(NoPdf) as caught:
        await program("import time", "time.sleep(600)").make(page(), {})
    assert caught.value.why is Why.TOO_LARGE


@pytest.mark.parametrize(
    "lines", [("raise SystemExit(1)",), ("print('hello')",), ("import os", "os.kill(os.getpid(), 9)")]
)
async def test_one_that_fails_is_a_plain_no(lines: tuple[str, ...]) -> None:
    with pytest.raises(NoPdf) as caught:
        await program(*lines).make(page(), {})
    assert caught.value.why is Why.FAILED


async def test_where_a_library_lacks_it_is_offered_no_more() -> None:
    papers = program(f"raise SystemExit({child.NOT_INSTALLED})")
    assert papers.installed
    for _ in range(2):
        with pytest.raises(NoPdf) as caught:
            await papers.make(page(), {})
        assert caught.value.why is Why.NOT_INSTALLED
    assert not papers.installed


async def test_one_is_made_at_a_time_and_few_wait() -> None:
    papers = program("import sys", "sys.stdin.read()", "sys.stdout.write('%PDF-')")
    asked = [papers.make(page(), {}) for _ in range(WAITING_MAX + 2)]

    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert [each for each in answers if each == b"%PDF-"] == [b"%PDF-"] * WAITING_MAX
    assert [each.why for each in answers if isinstance(each, NoPdf)] == [Why.BUSY] * 2


async def test_its_process_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLETS_MAIL__PASSWORD", "pepper")
    shown = await program("import os, sys", "sys.stdin.read()", "print('%PDF-', dict(os.environ))").make(
        page(), {}
    )
    assert b"pepper" not in shown
