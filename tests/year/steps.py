"""The steps of the year, in their order; docs/a-year.md is made of them."""

from __future__ import annotations

from datetime import date
from typing import Final

from tests.year import beginning, desk, ending, outside, weeks
from tests.year.year import BEGINS, Step

STEPS: Final = (
    Step("set-up", "A scheme is made", BEGINS, beginning.set_up, short=True),
    Step("bring-in", "The members you have", date(2026, 1, 6), beginning.bring_in, short=True),
    Step("let-in", "Who comes by telephone or computer", date(2026, 1, 7), beginning.let_in),
    Step("envelope", "Cheques, once a week", date(2026, 1, 9), weeks.first_envelope),
    Step("fee", "A fee for the chest", date(2026, 2, 2), desk.fee),
    Step("complaint", "Something is wrong", date(2026, 3, 10), desk.complaint),
    Step("help", "Help in private", date(2026, 4, 7), desk.helper),
    Step("tokens", "Tokens at the market", date(2026, 4, 25), desk.tokens),
    Step("neighbours", "Two neighbours", date(2026, 5, 12), outside.neighbours),
    Step("drill", "As if the disk were dead", date(2026, 6, 16), outside.drill),
    Step("upgrade", "A new release", date(2026, 8, 18), outside.upgrade),
    Step("erasure", "Somebody leaves and is forgotten", date(2026, 9, 22), ending.erasure),
    Step("close", "The year is closed", date(2027, 1, 11), ending.close_year),
)
