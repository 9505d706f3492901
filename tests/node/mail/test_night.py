"""When mail rests. docs/pages.md 9."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from node.mail.night import after_night, is_night

BERLIN = ZoneInfo("Europe/Berlin")


def moment(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1000)


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        ("2026-03-04 07:59:59", "2026-03-04 08:00:00"),
        ("2026-03-04 08:00:00", "2026-03-04 08:00:00"),
        ("2026-03-04 21:59:59", "2026-03-04 21:59:59"),
        ("2026-03-04 22:00:00", "2026-03-05 08:00:00"),
        ("2026-03-04 23:59:59", "2026-03-05 08:00:00"),
        ("2026-03-05 00:00:00", "2026-03-05 08:00:00"),
        ("2026-12-31 23:00:00", "2027-01-01 08:00:00"),
        ("2026-03-28 23:00:00", "2026-03-29 08:00:00"),  # summer time begins in that night
        ("2026-10-24 23:00:00", "2026-10-25 08:00:00"),  # and ends
    ],
)
def test_mail_rests_from_ten_until_eight_by_the_clock_on_the_wall(at: str, sent: str) -> None:
    assert after_night(moment(at), BERLIN) == moment(sent)
    assert is_night(moment(at), BERLIN) is (at != sent)
