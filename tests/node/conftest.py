"""What the tests of the node share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aiohttp import web_app


@pytest.fixture(autouse=True)
def _applications_are_forgotten() -> Iterator[None]:
    """Keep a worker small: aiohttp remembers 1024 chains of middlewares, and each holds its node."""
    yield
    web_app._cached_build_middleware.cache_clear()
