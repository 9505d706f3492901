"""Whether a young copy of the books lies elsewhere, on the desk's first page. docs/pages.md 7.5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from node.backup.regular import Standing
from node.services.acts import Role
from tests.node.web.towns import open_town
from tests.node.web.words_seen import main_words


def stands(hours: int | None, *, there: bool = True, same_disk: bool = False) -> Callable[[int], Standing]:
    """Backups, the newest so many hours old."""

    def at(now_ms: int) -> Standing:
        newest_ms = None if hours is None else now_ms - hours * 3_600_000
        late = hours is None or hours > 26
        return Standing(
            folder=Path("/stick"), there=there, newest_ms=newest_ms, late=late, same_disk=same_disk
        )

    return at


@pytest.mark.parametrize("backups, said", [
    (lambda _: None, "Look here No copy of the books elsewhere is younger than a day."),
    (stands(None), "Look here No copy of the books elsewhere is younger than a day."),
    (stands(27), "Look here No copy of the books elsewhere is younger than a day."),
    (stands(2, there=False), "Look here The place for backups cannot be read."),
    (stands(2, same_disk=True), "Look here The only young copy of the books is on this computer’s own disk."),
    (stands(2), "Good The newest backup was made 2 hours ago."),
])  # fmt: skip
async def test_the_desk_is_amber_until_a_young_copy_lies_elsewhere(
    backups: Callable[[int], Standing | None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pages.md 7.5; a sealed copy with a neighbour does as well."""
    async with open_town() as town:
        browser = await town.browser_of(await town.member("Rosa", Role.ORGANISER))

        async def words() -> str:
            return main_words(await (await browser.get("/admin")).text())

        node = town.node
        monkeypatch.setattr(node, "options", replace(node.options, backups=backups))
        assert said in await words()
        monkeypatch.setattr(node.keepers, "kept_ms", town.clock.now - 25 * 3_600_000)
        assert "Good A neighbour keeps a sealed copy of the books, last sent" in await words()
        monkeypatch.setattr(node.keepers, "kept_ms", town.clock.now - 27 * 3_600_000)
        assert said in await words()
