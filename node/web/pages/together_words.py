"""Why something that two organisers must want is not done, in words. Source: docs/protocol.md 6.6, 6.9, 7.2; docs/pages.md 7.4."""

from __future__ import annotations

from node.services.joint_acts import ALONE_WAIT_MS, WRITE_OFF_HOURS_A_YEAR
from node.services.joint_kinds import Why
from node.web.context import Context
from node.web.pages.neighbours_shown import in_unit
from protocol.limits import DAY_MS, FEE_NOTICE_DAYS
from protocol.units import HOUR


def why_sentence(context: Context, why: Why, until_ms: int = 0) -> str:
    """Return why something that two must want is not done."""
    _ = context.words.gettext
    day = context.voice.day(until_ms) if until_ms else ""
    match why:
        case Why.ASKER:
            return _("You asked for it. Another organiser must confirm it, logged in as themselves.")
        case Why.NEW:
            return _(
                "You are at the desk, or were given a new way to log in by another organiser, for less than %(num)d days."
                " From %(day)s on you can confirm this."
            ) % {"num": ALONE_WAIT_MS // DAY_MS, "day": day}
        case Why.ALONE:
            return _(
                "There is no second organiser. So it must wait %(num)d days, in which anybody can object: from %(day)s on"
                " you can confirm it yourself."
            ) % {"num": ALONE_WAIT_MS // DAY_MS, "day": day}
        case Why.TOO_EARLY:
            return _("It is less than 14 days late. Before that, nobody can free it.")
        case Why.TOO_MUCH:
            return _("They do not owe us that much.")
        case Why.CAP:
            return _(
                "Two organisers can write off %(amount)s in a year. More than that is for a meeting of all members."
            ) % {"amount": context.voice.spoken(in_unit(context, WRITE_OFF_HOURS_A_YEAR * HOUR))}
        case Why.APART:
            return _(
                "We have not compared the books with them since we started. Try again when they were heard."
            )
        case Why.LATE:
            return _(
                "Members must know it %(num)d days before. Please choose a later first day, and ask anew."
            ) % {"num": FEE_NOTICE_DAYS}
        case Why.CHEST_EMPTY:
            return _("There is not that much in the chest.")
        case Why.ORGANISERS:
            return _("An organiser must confirm it.")
        case Why.NO_OFFER:
            return _(
                "They have not written this balance, or steps came after it. Please look at the page again."
            )
        case Why.PARTY:
            return _("You are one of the two it is about. Two other organisers decide.")
        case Why.OWN_STEP:
            return _("It is your own second step. Another organiser confirms it.")
        case Why.TRADING:
            return _("Stop trading with them first.")
        case _:
            return _("Something changed meanwhile. Please look at the page again.")
