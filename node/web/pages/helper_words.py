"""How pages speak of helpers who were checked: the badge for everybody, the checks for organisers and the member.

Source: docs/pages.md 7.6.
"""

from __future__ import annotations

from datetime import date

from node.services.helper_checks import Why
from node.services.helper_rows import Check
from node.web.dates import month_of, short_day
from node.web.views.care import CheckRow
from node.web.views.page import Link, Pill
from node.web.words import Words


def badge_words(until: date | None, words: Words) -> str:
    """Return what everybody reads beside a helper's name: "Checked helper until May 2027"; "" for no helper."""
    if until is None:
        return ""
    return words.gettext("Checked helper until %(month)s") % {"month": month_of(until, words)}


def check_row(
    check: Check, today: date, words: Words, *, who: Link | None = None, withdraw_action: str = ""
) -> CheckRow:
    """Return a check as organisers and its member read it."""
    _ = words.gettext
    lines = [
        _("Checked on %(day)s by %(name)s")
        % {"day": short_day(check.checked, words), "name": check.by_name or _("an organiser")}
    ]
    if check.note:
        lines.append(check.note)
    if check.withdrawn_ms is not None:
        name = check.withdrawn_by or _("an organiser")
        lines.append(_("Withdrawn by %(name)s: %(why)s") % {"name": name, "why": check.withdrawn_why})
    return CheckRow(
        what=check.what,
        state=_state(check, today, words),
        lines=tuple(lines),
        who=who,
        withdraw_action=withdraw_action if check.counts(today) else "",
        prefix=f"c{check.no}-",
    )


def _state(check: Check, today: date, words: Words) -> Pill:
    said = {"day": short_day(check.until, words)}
    if check.withdrawn_ms is not None:
        return Pill(text=words.gettext("Withdrawn"), tone="stop")
    if check.counts(today):
        return Pill(text=words.gettext("Counts until %(day)s") % said, tone="good")
    return Pill(text=words.gettext("Ended on %(day)s") % said)


def why_words(why: Why, words: Words) -> tuple[str, str]:
    """Return the field that a no is about, and the no in a sentence."""
    _ = words.gettext
    match why:
        case Why.NOT_LISTED:
            return "what", _("Please choose one of the answers.")
        case Why.TO_COME:
            return "checked", _("That day is still to come.")
        case Why.ENDED:
            return "until", _("Please choose a day from today on.")
        case Why.TOO_LONG:
            return "until", _("That is too far ahead. At most ten years.")
        case Why.LEFT:
            return "", _("This member has left.")
        case Why.WITHDRAWN:
            return "", _("It was withdrawn already.")
        case Why.EMPTY_LIST:
            return "needed", _("Please name at least one thing.")
