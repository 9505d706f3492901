"""The process that makes one PDF: `python -m node.pdf.child`, a page on its input, the PDF on its output.

What draws pages is large, and pages hold what members wrote: so it runs apart, with little time and memory, and opens
nothing that was not handed over with the page. It ends with NOT_INSTALLED where the extra `pdf` or its libraries lack.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any, Final

NOT_INSTALLED: Final = 3
SECONDS_MAX: Final = 20  # of processor time
MEMORY_BYTES_MAX: Final = 1024 * 1024 * 1024  # of address space
OUTPUT_BYTES_MAX: Final = 64 * 1024 * 1024
BASE: Final = "http://paper.invalid"  # RFC 2606: nothing is there, and nothing is asked for


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_CPU, SECONDS_MAX),
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


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
    try:
        import weasyprint  # noqa: F401 - looked for
    except (ImportError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_INSTALLED
    if sys.argv[1:] == ["--check"]:
        return 0
    handed = json.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(_make(handed["page"], handed["files"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
