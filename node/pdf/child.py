"""The process that makes one PDF: `python -m node.pdf.child`, a page on its input, the PDF on its output.

What draws pages is large, and pages hold what members wrote: so it runs apart, with little time and memory, and opens
nothing that was not handed over with the page. It ends with NOT_INSTALLED where the extra `pdf` or its libraries lack,
and with TOO_MUCH where time or memory do not suffice for the page.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from typing import Any, Final

NOT_INSTALLED: Final = 3
TOO_MUCH: Final = 4
SECONDS_MAX: Final = 30  # of processor time; then SIGXCPU, and SIGKILL for one that does not hear it
MEMORY_BYTES_MAX: Final = 1024 * 1024 * 1024  # of address space
OUTPUT_BYTES_MAX: Final = 64 * 1024 * 1024
BASE: Final = "http://paper.invalid"  # RFC 2606: nothing is there, and nothing is asked for


def _limit() -> None:
    for what, soft, hard in (
        (resource.RLIMIT_CPU, SECONDS_MAX, SECONDS_MAX + 5),
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX, MEMORY_BYTES_MAX),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES_MAX, OUTPUT_BYTES_MAX),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(what, (soft, hard))


def _make(page: str, files: dict[str, list[str]]) -> bytes:
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class HandedOver(URLFetcher):  # type: ignore[misc]  # it carries no types
        """Gives what came with the page; for anything else there is nobody to ask."""

        def fetch(self, url: str, headers: object = None) -> Any:  # noqa: ARG002 - asked of it so
            found = files.get(url.removeprefix(BASE))
            if found is None:
                raise ValueError("not handed over with the page")
            kind, text = found
            return URLFetcherResponse(url, text.encode(), {"Content-Type": kind})

    document = HTML(string=page, base_url=f"{BASE}/", url_fetcher=HandedOver())
    made: bytes = document.write_pdf(pdf_variant="pdf/ua-1", pdf_tags=True)
    return made


def main() -> int:
    """Make the PDF; return the exit code."""
    _limit()
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(TOO_MUCH))
    try:
        import weasyprint  # noqa: F401 - looked for
    except (ImportError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_INSTALLED
    except MemoryError:
        return TOO_MUCH
    if sys.argv[1:] == ["--check"]:
        return 0
    handed = json.loads(sys.stdin.buffer.read())
    try:
        made = _make(handed["page"], handed["files"])
    except MemoryError:
        return TOO_MUCH
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
