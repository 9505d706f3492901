"""How pages speak of help that is asked for. Source: docs/pages.md 7.6."""

from __future__ import annotations

from node.services.help_rows import Request
from node.services.helping import Why
from node.services.profiles import SKILL_GROUPS
from node.web.present import Voice
from node.web.views.page import Fact, Option, Pill
from node.web.words import Words
from protocol.helping import AnswerState, HelpState
from protocol.limits import HELP_ASKED_MAX, HELP_OPEN_MAX


def help_pill(state: HelpState, words: Words) -> Pill:
    """Return how a request stands, in a few words."""
    _ = words.gettext
    match state:
        case HelpState.WAITING:
            return Pill(text=_("We look for somebody"), tone="wait")
        case HelpState.FOUND:
            return Pill(text=_("Somebody comes"), tone="good")
        case HelpState.DONE:
            return Pill(text=_("Done"), tone="good")
        case HelpState.TAKEN_BACK:
            return Pill(text=_("Not needed any more"))
        case HelpState.CLOSED:
            return Pill(text=_("Nobody was found"), tone="stop")


def answer_pill(answer: AnswerState, words: Words) -> Pill:
    """Return what a helper says, in a few words."""
    _ = words.gettext
    match answer:
        case AnswerState.ASKED:
            return Pill(text=_("Yes or no?"), tone="wait")
        case AnswerState.YES:
            return Pill(text=_("Comes"), tone="good")
        case AnswerState.NO:
            return Pill(text=_("Cannot help"))
        case AnswerState.OVER:
            return Pill(text=_("Not needed any more"))


def category_words(category: str, words: Words) -> str:
    """Return what kind of help a group of skills is; "" for none of them."""
    return next((words.gettext(name) for group, name, _ in SKILL_GROUPS if group == category), "")


def category_choices(words: Words) -> tuple[Option, ...]:
    """Return the kinds of help to choose from."""
    groups = (Option(value=group, text=words.gettext(name)) for group, name, _ in SKILL_GROUPS)
    return (Option(value="", text=words.gettext("Something else")), *groups)


def help_facts(request: Request, voice: Voice) -> list[Fact]:
    """Return when, where and what kind of help it is."""
    _ = voice.words.gettext
    shown = (
        (_("When"), request.when),
        (_("Where, roughly"), request.place),
        (_("Kind of help"), category_words(request.category, voice.words)),
        (_("Asked"), voice.lately(request.created_ms)),
    )
    return [Fact(label=label, text=text) for label, text in shown if text]


def cannot_help_words(why: Why, words: Words) -> str:
    """Return why something was not done, in a sentence."""
    _ = words.gettext
    match why:
        case Why.TOO_MANY:
            return words.ngettext(
                "You have %(num)d request open. Take one back first.",
                "You have %(num)d requests open. Take one back first.",
                HELP_OPEN_MAX,
            ) % {"num": HELP_OPEN_MAX}
        case Why.PAUSED:
            return _("This cannot be done just now: somebody is paused, or has left.")
        case Why.CHANGED:
            return _("This has changed meanwhile. Please look again.")
        case Why.OWN:
            return _("That is who asks for help.")
        case Why.NOT_CHECKED:
            return _("Only a checked helper can help here.")
        case Why.ENOUGH:
            return words.ngettext(
                "%(num)d helper is asked already. Wait for an answer first.",
                "%(num)d helpers are asked already. Wait for an answer first.",
                HELP_ASKED_MAX,
            ) % {"num": HELP_ASKED_MAX}
