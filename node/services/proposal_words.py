"""What came of a vote, in the words of whoever reads it. Source: docs/protocol.md 5.13; docs/pages.md 7.2."""

from __future__ import annotations

from node.web.words import Words
from protocol.proposal import Count, Motion, Outcome


def choice_said(choice: str, motion: Motion, words: Words) -> str:
    """Return what somebody can vote, in words; options in those of whoever put them."""
    _ = words.gettext
    match choice:
        case "yes":
            return _("Yes")
        case "no":
            return _("No")
        case "abstain":
            return _("I abstain")
        case "aside":
            return _("I stand aside")
        case _:
            return motion.options[int(choice) - 1]


def outcome_said(count: Count, motion: Motion, words: Words) -> str:
    """Return what came of a vote, in a sentence."""
    _ = words.gettext
    match count.outcome:
        case Outcome.CARRIED:
            return _("Agreed.")
        case Outcome.NOT_CARRIED:
            return _("Not agreed.")
        case Outcome.CHOSEN:
            return _("Chosen: %(option)s") % {"option": choice_said(count.winner, motion, words)}
        case Outcome.TIED:
            return _("Nothing is chosen: no option has more votes than any other.")
        case Outcome.TOO_FEW:
            return _("Nothing is decided: too few voted.")
