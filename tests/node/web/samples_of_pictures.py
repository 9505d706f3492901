"""A picture for the pages with invented matter."""

from __future__ import annotations

from typing import Final

# A picture of nothing much, in place of one from a member.
DRAWN: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 960 720'%3E%3Crect width='960' height='720' fill='%23cbb'/%3E"
    "%3Ccircle cx='330' cy='420' r='190' fill='%23725'/%3E%3Ccircle cx='640' cy='400' r='210' fill='%23836'/%3E%3C/svg%3E"
)
