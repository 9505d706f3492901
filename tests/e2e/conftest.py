"""The town of the demo, running: three nodes, each a process of its own, started once for all browser tests."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from scripts.town.processes import end_all
from scripts.town.screen import Screen
from scripts.town.town import Town, start_town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Three schemes that trade. Tests share them, so each brings its own people and amounts."""
    folder = tmp_path_factory.mktemp("town")
    running = asyncio.run(start_town(folder, Screen(Console(file=io.StringIO()))))
    try:
        yield running
    finally:
        end_all(running.processes)
