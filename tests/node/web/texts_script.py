"""`scripts/messages` as a module, run once for all tests of a process: reading every text takes seconds."""

from __future__ import annotations

import runpy
from functools import cache
from typing import Any

from tests.conftest import ROOT


@cache
def messages_script() -> dict[str, Any]:
    """Return what the script defines."""
    return runpy.run_path(str(ROOT / "scripts" / "messages"), run_name="messages")
