"""Believable views of the pages about searches that are kept and about mail, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from node.web.forms import Filled
from node.web.views.alerts import MailStopView, MailView, SearchesView, SearchRow
from node.web.views.away import AwayView
from node.web.views.calendars import CalendarFeedView
from node.web.views.page import Fact, Link, Option, View

TELLS: Final = (
    Option(value="at-once", text="By mail, at once"),
    Option(value="weekly", text="In the weekly mail"),
    Option(value="not-now", text="Not for now"),
)
MORE: Final = Link(text="Choose how often we write to you", href="/my/mail")
ALERTS: Final[Mapping[str, View]] = {
    "my-searches": SearchesView(
        rows=(
            SearchRow(
                number=1, title="“plum jam”, Offers, Up to 5 km", href="/find?q=plum+jam&kind=offer&km=5",
                found=(
                    Link(text="Offer: Plum jam, 4 jars (Riverside)", href="/l/jam"),
                    Link(text="Offer: Plum and quince jam, made last autumn by Featherstonehaugh", href="/l/quince"),
                ), tell="at-once",
            ),
            SearchRow(number=2, title="Wants, Garden and land", href="/find?kind=want", found=(), tell="not-now"),
        ), tells=TELLS, note="", full="",
    ),
    "my-searches-full": SearchesView(
        rows=(SearchRow(number=1, title="“ladder”", href="/find?q=ladder", found=(), tell="weekly"),), tells=TELLS,
        note="You get no weekly mail. What we would write in it is on this page.",
        full="You can keep 10 searches. Remove one to keep another.",
    ),
    "my-searches-none": SearchesView(rows=(), tells=TELLS, note="", full=""),
    "my-calendar": CalendarFeedView(
        addresses=(
            Fact(label="What I said yes to, agreed or borrow", text="https://oakvale.example/calendar/mine-123-2-0123456789abcdef0123456789abcdef.ics"),
            Fact(label="Everything that is on in Oakvale", text="https://oakvale.example/calendar/all-123-2-fedcba9876543210fedcba9876543210.ics"),
        ),
    ),
    "my-calendar-none": CalendarFeedView(addresses=()),
    "away": AwayView(form=Filled({}, {"until": "This is not a day. Please write it like 2026-03-31."})),
    "away-now": AwayView(until="Friday 12 May 2026"),
    "my-mail": MailView(
        form=Filled({"level": "weekly"}, {"level": "Please choose one of the answers."}),
        levels=(
            Option(value="at-once", text="Of everything, when it happens", hint="And once a week what is new."),
            Option(value="weekly", text="Once a week", hint="On Monday morning. At once only what waits for you."),
            Option(value="must-act", text="Only when I must do something", hint="No weekly mail."),
        ),
        where="Mail goes to ana@example.org.",
        night="From 10 at night until 8 in the morning no mail comes, except codes to log in.",
    ),
}  # fmt: skip
# For whoever has the mail, logged in or not.
ALERTS_VISITORS: Final[Mapping[str, View]] = {
    "mail-stop": MailStopView(
        title="Fewer mails from us?",
        sentences=("We then write only when something waits for you. The weekly mail stops too.", "Nothing has changed yet."),
        action="/m/token/stop", button="Yes, stop these mails", more=MORE,
    ),
    "mail-stopped": MailStopView(
        title="Done", sentences=("From now on we write only when something waits for you.",), action="", more=MORE,
    ),
}  # fmt: skip
