"""What every test may ask for: the browser, the reference data, and which tests this run leaves out.

Three markers leave tests out, always by name and with the way to bring them back: `e2e` (needs Chromium),
`shared` (needs the reference data beside the repository), `slow` (needs `scripts/test --all`).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
EVERYTHING = os.environ.get("INTERLETS_TEST_ALL") == "1"

# No deadline: on a shared machine a slow example says nothing about the code. A failure prints the blob
# that reproduces it.
# A normal run tries the same examples each time, so that it says of a change what it said before; `--all` draws new ones.
settings.register_profile("quick", max_examples=60, deadline=None, print_blob=True, derandomize=True)
settings.register_profile(
    "all", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("all" if EVERYTHING else "quick")


def chromium_path() -> str | None:
    """Return the browser the tests drive: INTERLETS_TEST_CHROMIUM, else the first Chromium on PATH."""
    named = os.environ.get("INTERLETS_TEST_CHROMIUM")
    candidates = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next((path for path in map(shutil.which, candidates) if path), None)


def missing() -> dict[str, str]:
    """Return, for each marker whose tests cannot run here, how to make them run."""
    answer = {}
    if chromium_path() is None:
        answer["e2e"] = (
            "no Chromium: install the package `chromium`, or set INTERLETS_TEST_CHROMIUM to its path"
        )
    if not SHARED.is_dir():
        answer["shared"] = "no reference data: put it in `shared/data` beside the repository"
    if not EVERYTHING:
        answer["slow"] = "long: run `scripts/test --all`"
    return answer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run here, with the reason."""
    absent = missing()
    for item in items:
        for marker, reason in absent.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"{marker}: {reason}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every test left out, below the way to enable it. Works under xdist, which folds skips."""
    skipped = terminalreporter.stats.get("skipped", [])
    for marker, reason in missing().items():
        names = sorted(
            report.nodeid
            for report in skipped
            if isinstance(report.longrepr, tuple) and f"{marker}: {reason}" in report.longrepr[2]
        )
        if names:
            terminalreporter.section(f"{len(names)} {marker} tests left out ({reason})")
            for name in names:
                terminalreporter.write_line(name)


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The reference data beside the repository; the test asking for it carries the marker `shared`."""
    if not SHARED.is_dir():
        pytest.skip(f"shared: {missing()['shared']}")
    return SHARED


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; the test asking for it carries the marker `e2e`."""
    path = chromium_path()
    if path is None:
        pytest.skip(f"e2e: {missing()['e2e']}")
    return path
