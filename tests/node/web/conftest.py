"""What the tests of pages share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.node.web.oakvale import Oakvale, open_oakvale


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    """Ana, Ben, Maud and Rosa, who organises; Ana and Ben are signed in."""
    async with open_oakvale() as made:
        yield made
