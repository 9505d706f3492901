"""Where PDFs can be made: the extra `pdf` with the libraries it needs; else tests of it are left out by name."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache

import pytest


@lru_cache(maxsize=1)
def can_draw() -> bool:
    """Tell whether this machine makes PDFs."""
    looked = [sys.executable, "-m", "node.pdf.child", "--check"]
    return subprocess.run(looked, check=False, capture_output=True, timeout=60).returncode == 0


needs_pdf = pytest.mark.skipif(
    "not __import__('tests.drawing').drawing.can_draw()",
    reason="no PDFs here: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 (as root `scripts/test` does so)",
)
