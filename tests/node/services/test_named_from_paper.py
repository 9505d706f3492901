"""Whom another scheme names from paper. Rule 7.11."""

from __future__ import annotations

import pytest

from node.services.acts import OPERATOR
from node.services.members import NewMember
from node.services.named_from_paper import fits
from protocol.limits import CHEQUE_GUESSES_A_DAY, DAY_MS
from protocol.names import SchemeId
from tests.node.web.towns import open_town

RIVERSIDE, HILLTOP = SchemeId(b"R" * 32), SchemeId(b"H" * 32)


@pytest.mark.parametrize(
    "written, fit",
    [
        ("Zoé Müller", True),
        ("zoe", True),
        ("Muller ZOE", True),
        ("Zo", False),
        ("Zoe Meier", False),
        ("", False),
        ("  ", False),
    ],
)
def test_each_word_that_is_written_is_one_of_the_name(written: str, fit: bool) -> None:
    assert fits(written, "Zoé Anna Müller") is fit


async def test_number_and_name_must_fit_and_guesses_end() -> None:
    """Nobody is told by a number alone; another scheme is not held back by it, and the next day neither is this one."""
    async with open_town() as town:
        zoe = await town.node.people.add(OPERATOR, NewMember(name="Zoe Miller"))
        find = town.node.named_from_paper.find

        async def found(scheme: SchemeId, number: int, name: str) -> int | None:
            return await town.node.store.write(find, scheme, number, name)

        assert await found(RIVERSIDE, zoe.no, "Zoe") == zoe.account_no
        for number, name in ((zoe.no, "Ben"), (zoe.no + 1, "Zoe")):
            assert await found(RIVERSIDE, number, name) is None
        for _ in range(CHEQUE_GUESSES_A_DAY - 3):
            await found(RIVERSIDE, zoe.no, "Ben")
        assert await found(RIVERSIDE, zoe.no, "Zoe") == zoe.account_no
        await found(RIVERSIDE, zoe.no, "Ben")
        assert await found(RIVERSIDE, zoe.no, "Zoe") is None
        assert await found(HILLTOP, zoe.no, "Zoe") == zoe.account_no
        town.clock.now += DAY_MS
        assert await found(RIVERSIDE, zoe.no, "Zoe") == zoe.account_no
        await town.node.people.pause(OPERATOR, zoe.no, why="asked for it")
        assert await found(RIVERSIDE, zoe.no, "Zoe") is None, "whoever cannot trade is nobody there"
