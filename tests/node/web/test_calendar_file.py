"""Files for calendars, by RFC 5545: escaped, folded, in UTC. Source: docs/pages.md 7.2, 8.5."""

from __future__ import annotations

from node.web.calendar_file import LINE_BYTES_MAX, Entry, calendar_bytes
from protocol.limits import HOUR_MS

ENTRY = Entry(
    uid="0a0b", title="Soup, bread; and \\ more", place="Hall", text="One\nTwo é" + "é" * 200, starts=0, ends=HOUR_MS, changed=1_000
)  # fmt: skip


def test_a_calendar_is_escaped_folded_and_in_utc() -> None:
    body = calendar_bytes([ENTRY, Entry(uid="0c", title="x", starts=0, ends=1, changed=0, cancelled=True)])
    lines = body.decode().split("\r\n")
    assert max(len(each.encode()) for each in lines) <= LINE_BYTES_MAX
    assert lines[-1] == ""
    assert "\n" not in body.decode().replace("\r\n", "")
    whole = body.decode().replace("\r\n ", "").split("\r\n")
    assert whole[:9] == [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//interlets//EN", "BEGIN:VEVENT", "UID:0a0b@interlets",
        "DTSTAMP:19700101T000001Z", "DTSTART:19700101T000000Z", "DTEND:19700101T010000Z", "SUMMARY:Soup\\, bread\\; and \\\\ more",
    ]  # fmt: skip
    assert whole[9:12] == ["LOCATION:Hall", "DESCRIPTION:One\\nTwo é" + "é" * 200, "END:VEVENT"]
    assert whole[-4:] == ["STATUS:CANCELLED", "END:VEVENT", "END:VCALENDAR", ""]
