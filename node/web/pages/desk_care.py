"""What the desk's first page says of help, of helpers and of what was reported. Source: docs/pages.md 7.3, 7.6."""

from __future__ import annotations

from dataclasses import dataclass

from babel.dates import LOCALTZ

from node.services.help_rows import count_waiting
from node.services.helper_checks import ending_soon
from node.services.helper_rows import running_checks
from node.services.reports import count_open_reports
from node.store import ReadTx
from node.web.dates import local
from node.web.pages.desk_reports import reports_tiles
from node.web.views.member import Tile
from node.web.words import Words


@dataclass(frozen=True, slots=True)
class CareToday:
    """What waits."""

    waiting: int  # requests for help for which nobody comes yet
    ending: int  # checks of helpers that end within thirty days
    reports: int  # of listings and conversations


def read_care(tx: ReadTx, now_ms: int) -> CareToday:
    """Query: what waits for an organiser."""
    today = local(now_ms, LOCALTZ).date()
    ending = len(ending_soon(running_checks(tx, today), today))
    return CareToday(count_waiting(tx), ending, count_open_reports(tx))


def care_tiles(care: CareToday, words: Words) -> list[Tile]:
    """Return what the first page says; nothing where nothing waits."""
    tiles = reports_tiles(care.reports, words)
    if care.waiting:
        text = words.ngettext("%(num)d person asks for help", "%(num)d people ask for help", care.waiting)
        hint = words.gettext("Find somebody who comes")
        tiles.append(Tile(text=text % {"num": care.waiting}, hint=hint, href="/desk/help", tone="wait"))
    if care.ending:
        text = words.ngettext(
            "%(num)d check of a helper ends soon", "%(num)d checks of helpers end soon", care.ending
        )
        hint = words.gettext("Ask them to bring their papers")
        tiles.append(Tile(text=text % {"num": care.ending}, hint=hint, href="/desk/helpers"))
    return tiles
