"""What the tests of services share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.node.services.desk import Desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A scheme without members yet."""
    made = await Desk().open()
    yield made
    await made.store.close()
