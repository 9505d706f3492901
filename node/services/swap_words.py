"""What the two of a swap are told, in the words of whoever reads it. Source: docs/pages.md 8.15."""

from __future__ import annotations

from enum import StrEnum

from node.web.words import Words


class News(StrEnum):
    """What happened to a swap."""

    PROPOSED = "proposed"
    COUNTERED = "countered"
    AGREED = "agreed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    HAPPENED = "happened"  # says the other
    DONE = "done"
    CALLED_OFF = "called-off"
    GONE = "gone"
    LEFT = "left"
    ANSWER_SOON = "answer-soon"
    SAY_SO = "say-so"
    LAPSED = "lapsed"


def swap_title(title: str, given: str, words: Words) -> str:
    """Return "Bike repair for Plum jam"."""
    if not title or not given:  # one of the two was erased
        return words.gettext("A swap")
    return words.gettext("%(title)s for %(given)s") % {"title": title, "given": given}


def memo_words(title: str, given: str, words: Words) -> str:
    """Return what the trade of a difference is for."""
    return words.gettext("Swap: %(what)s") % {"what": swap_title(title, given, words)}


def swap_news(
    news: News, what: str, words: Words, *, difference: str = "", said: str = ""
) -> tuple[str, ...]:
    """Return what one of the two is told by the other, the sentence that says all first."""
    _ = words.gettext
    told: tuple[str, ...]
    match news:
        case News.PROPOSED:
            told = (_("I would like to swap: %(what)s"), difference, said)
        case News.COUNTERED:
            told = (_("How about this swap instead: %(what)s"), difference, said)
        case News.AGREED:
            told = (_("Yes, let us swap: %(what)s"),)
        case News.DECLINED:
            told = (_("No, I would rather not swap: %(what)s"),)
        case News.WITHDRAWN:
            told = (_("I take this back: %(what)s"),)
        case News.HAPPENED:
            told = (_("It happened: %(what)s"), _("Please say so too."))
        case News.DONE:
            told = (_("We have swapped: %(what)s"), difference)
        case News.CALLED_OFF:
            told = (_("This swap will not happen after all: %(what)s"),)
        case News.GONE:
            told = (_("This is not there any more, so we cannot swap: %(what)s"),)
        case News.LEFT:
            told = (_("I leave the scheme, so we cannot swap: %(what)s"),)
        case News.ANSWER_SOON:
            told = (
                _("A swap waits for your answer: %(what)s"),
                _("It runs out soon. You need do nothing if you do not want it."),
            )
        case News.SAY_SO:
            told = (
                _("Did this swap happen? %(what)s"),
                _("The other side says that it did. Please say so too."),
            )
        case News.LAPSED:
            told = (_("Nobody answered in time: %(what)s"), _("Nothing moved. You can ask again."))
    return tuple(each % {"what": what} if at == 0 else each for at, each in enumerate(told) if each)
