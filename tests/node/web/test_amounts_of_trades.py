"""Both amounts of a trade with another scheme, on both sides. Source: docs/pages.md 8.11.6; docs/protocol.md 7.1."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from node.services.trades import Trade
from node.web.amounts import HOURS
from node.web.present import OtherScheme, amount_there
from protocol.limits import QUOTE_VALID_MS
from protocol.names import SchemeId
from protocol.units import HOUR
from tests.builders import NOW

OAKVALE: Final = OtherScheme(scheme=SchemeId(bytes(32)), name="Oakvale", unit=HOURS, minor_per_hour=60)
# 6.10 Acorns at 12 an hour are 30 minutes 30 seconds: the payer gives 31 minutes.
PAID_US: Final = Trade(
    no=1, reference=1, kind="in", state="done", payer_no=None, payee_no=2, amount=610, text="plum jam", listing=None,
    other_scheme=SchemeId(bytes(32)), other_name="Ana", other_amount=None, other_unit=None, hours=HOUR * 610 // 1200,
    entry_seq=1, created_ms=NOW, ended_ms=NOW, reason=None, late=False, entered_by="Ana", corrects_no=None,
    corrected_by_no=None,
)  # fmt: skip
WE_PAID: Final = replace(PAID_US, kind="out", other_amount=610)
LOCAL: Final = replace(PAID_US, kind="local", hours=None, other_scheme=None)


@pytest.mark.parametrize("trade, other, amount", [
    (WE_PAID, OAKVALE, 610),
    (PAID_US, OAKVALE, 31),
    (PAID_US, replace(OAKVALE, rate_since_ms=NOW - QUOTE_VALID_MS), 31),
    (PAID_US, replace(OAKVALE, rate_since_ms=NOW - QUOTE_VALID_MS + 1), None),  # the quote may be older
    (WE_PAID, replace(OAKVALE, rate_since_ms=NOW + 1), 610),
    (PAID_US, replace(OAKVALE, minor_per_hour=None), None),
    (PAID_US, None, None),
    (LOCAL, OAKVALE, None),
])  # fmt: skip
def test_the_other_amount_is_shown_where_it_is_certain(
    trade: Trade, other: OtherScheme | None, amount: int | None
) -> None:
    assert amount_there(trade, other) == amount
