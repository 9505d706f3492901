"""What every page says of a scheme that closes, and what can still be sent after its last day. Source: docs/protocol.md 2.4."""

from __future__ import annotations

from typing import Final

from node.services.closing_down import Plan
from node.services.settings import SchemeSettings
from node.web.present import Voice

# Organisers settle what is owed, free who is stuck, and let members in who fetch what is theirs.
AFTERWARDS: Final = frozenset(
    {
        "/admin/together/free/{trade}", "/admin/together/{no}/confirm", "/admin/together/{no}/drop",
        "/admin/neighbours/{scheme}/settle", "/admin/neighbours/{scheme}/write-off", "/admin/neighbours/{scheme}/go-on",
        "/admin/neighbours/{scheme}/end", "/admin/neighbours/{scheme}/decline", "/admin/neighbours/{scheme}/take-back",
        "/admin/members/{no}/link", "/admin/members/{no}/pin", "/admin/members/{no}/second-step",
        "/admin/members/{no}/log-out", "/admin/log-out-everybody", "/desk/letters/{no}/told",
    }
)  # fmt: skip


class HasClosed(Exception):
    """The scheme has closed: nothing is recorded any more."""


def closing_words(settings: SchemeSettings, voice: Voice, now_ms: int) -> str:
    """Return the line at the top of every page, "" where the scheme does not close."""
    if settings.closing_ms is None or settings.closing_until_ms is None:
        return ""
    _ = voice.words.gettext
    said = {
        "scheme": settings.name,
        "day": voice.day(settings.closing_ms - 1),
        "until": voice.day(settings.closing_until_ms - 1),
    }
    if settings.is_closed(now_ms):
        return (
            _("%(scheme)s has closed. Until %(until)s you can read everything and save what is yours.") % said
        )
    return (
        _("%(scheme)s closes. The last day is %(day)s.") % said
        + " "
        + _("Until %(until)s you can read everything and save what is yours.") % said
    )


def closing_card(voice: Voice, plan: Plan) -> tuple[str, str, str, str]:
    """Return what is asked for, why, what follows when it is confirmed, and where it stands."""
    _ = voice.words.gettext
    said = {"day": voice.long_day(plan.at_ms - 1), "until": voice.long_day(plan.until_ms - 1)}
    then = _(
        "Confirmed, every member is told. After %(day)s nothing is recorded, offers are taken down, and trade with"
        " neighbours ends. Members can fetch what is theirs until %(until)s. One of you can take it back until %(day)s."
    )
    return _("Close the scheme after %(day)s") % said, plan.why, then % said, "/admin/closing"
