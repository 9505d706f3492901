"""The words of each mail: a subject and a plain text, in the scheme's language and wording pack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from node.services.settings import SchemeSettings
from node.web.dates import short_day
from node.web.words import Pack, Words, words_for


@dataclass(frozen=True, slots=True)
class Text:
    """A mail without its address."""

    subject: str
    body: str


def words_of(settings: SchemeSettings, language: str = "") -> Words:
    """Return the words for a reader who wants `language`; of the scheme's own where it does not speak that."""
    return words_for(settings.language_for(language), Pack(settings.wording))


def text_of(settings: SchemeSettings, subject: str, *paragraphs: str) -> Text:
    """Return a mail of paragraphs, signed by the scheme and whoever helps there."""
    greeting = [settings.name]
    if settings.help_name:
        greeting.insert(0, f"{settings.help_name}, {settings.help_phone}".strip(", "))
    return Text(subject, "\n\n".join([*(each for each in paragraphs if each), "\n".join(greeting)]) + "\n")


def stop_words(settings: SchemeSettings, language: str, link: str) -> str:
    """Return what stands under a mail that its reader can stop."""
    _ = words_of(settings, language).gettext
    return "\n" + _("Fewer mails like this? Open this page and press the button there:") + f"\n{link}\n"


def code_mail(settings: SchemeSettings, language: str, name: str, code: str, link: str, minutes: int) -> Text:
    """The code first, because its page is already waiting; the link second. Source: docs/pages.md 0.8.

    The subject holds nothing: it stays readable in the outbox and on locked telephones.
    """
    words = words_of(settings, language)
    _ = words.gettext
    return text_of(
        settings,
        _("Your code for %(scheme)s") % {"scheme": settings.name},
        _("Hello %(name)s,") % {"name": name},
        _("your code is %(code)s") % {"code": f"{code[:3]} {code[3:]}"},
        _("Type it into the page that is waiting for it."),
        words.ngettext(
            "It works for %(number)d minute. Or open this link and press the button there:",
            "It works for %(number)d minutes. Or open this link and press the button there:",
            minutes,
        )
        % {"number": minutes},
        link,
        _("You did not ask for it? Then do nothing. Give the code and the link to nobody."),
    )


def welcome_mail(
    settings: SchemeSettings, language: str, name: str, number: str, link: str, days: int
) -> Text:
    """To somebody who was accepted."""
    words = words_of(settings, language)
    _ = words.gettext
    return text_of(
        settings,
        _("Welcome to %(scheme)s") % {"scheme": settings.name},
        _("Hello %(name)s,") % {"name": name},
        _("you are a member now. Your number is %(number)s.") % {"number": number},
        words.ngettext(
            "Open this link and press the button there. It works once, within %(number)d day:",
            "Open this link and press the button there. It works once, within %(number)d days:",
            days,
        )
        % {"number": days},
        link,
    )


def applied_mail(settings: SchemeSettings, language: str, name: str) -> Text:
    """To somebody who has just applied."""
    words = words_of(settings, language)
    _ = words.gettext
    return text_of(
        settings,
        _("We have your application to %(scheme)s") % {"scheme": settings.name},
        _("Hello %(name)s,") % {"name": name},
        _("thank you. Somebody from %(scheme)s will be in touch.") % {"scheme": settings.name},
        _("Somebody else gave your address? Then do nothing."),
    )


def declined_mail(settings: SchemeSettings, language: str, name: str, reason: str) -> Text:
    """To somebody who was not accepted."""
    words = words_of(settings, language)
    _ = words.gettext
    return text_of(
        settings,
        _("Your application to %(scheme)s") % {"scheme": settings.name},
        _("Hello %(name)s,") % {"name": name},
        _("we cannot take you in at present."),
        reason,
    )


def asked_mail(
    settings: SchemeSettings,
    language: str,
    name: str,
    asker: str,
    amount: str,
    what: str,
    link: str,
    days: int,
    counts_on: str = "",
) -> Text:
    """To somebody who is asked to pay; `counts_on` is the day from which silence is a yes.

    The link opens a page that asks by a button: mail gets forwarded and scanned.
    """
    words = words_of(settings, language)
    _ = words.gettext
    said = {"asker": asker, "amount": amount, "what": what}
    return text_of(
        settings,
        _("%(asker)s asks you for %(amount)s: yes or no?") % said,
        _("Hello %(name)s,") % {"name": name},
        _("%(asker)s asks you for %(amount)s, for: %(what)s") % said,
        _("Nothing has moved. Open this page to say yes or no:"),
        link,
        counts_words(words, counts_on) if counts_on else _runs_out(words, days),
    )


def counts_words(words: Words, day: str) -> str:
    """What follows where silence counts (rule 3.11)."""
    return words.gettext(
        "If you say neither yes nor no, it counts as your yes on %(day)s: so our scheme decided it. You are told twice before."
    ) % {"day": day}


def asked_abroad_mail(
    settings: SchemeSettings, language: str, name: str, asker: str, what: str, link: str, days: int
) -> Text:
    """To somebody who is asked to pay by somebody of another scheme."""
    words = words_of(settings, language)
    _ = words.gettext
    said = {"asker": asker or _("Somebody"), "what": what}
    return text_of(
        settings,
        _("%(asker)s of another scheme asks to be paid: yes or no?") % said,
        _("Hello %(name)s,") % {"name": name},
        _("%(asker)s of another scheme asks to be paid for: %(what)s") % said,
        _("Nothing has moved. Open this page to say yes or no:"),
        link,
        _runs_out(words, days),
    )


def _runs_out(words: Words, days: int) -> str:
    return words.ngettext(
        "If you do nothing, it runs out after %(number)d day, and nothing moves.",
        "If you do nothing, it runs out after %(number)d days, and nothing moves.",
        days,
    ) % {"number": days}


def answered_mail(
    settings: SchemeSettings, language: str, name: str, payer: str, what: str, paid: bool, link: str
) -> Text:
    """To somebody who asked, once there is an answer."""
    words = words_of(settings, language)
    _ = words.gettext
    said = {"payer": payer, "what": what}
    return text_of(
        settings,
        (_("%(payer)s said yes: %(what)s") if paid else _("%(payer)s said no: %(what)s")) % said,
        _("Hello %(name)s,") % {"name": name},
        _("It is recorded.") if paid else _("Nothing moved. The reason is on this page:"),
        link,
    )


def thanked_mail(
    settings: SchemeSettings, language: str, name: str, who: str, what: str, text: str, link: str
) -> Text:
    """To somebody whom the other side of a trade thanks."""
    words = words_of(settings, language)
    _ = words.gettext
    return text_of(
        settings,
        _("%(name)s says thank you: %(what)s") % {"name": who, "what": what},
        _("Hello %(name)s,") % {"name": name},
        text,
        link,
    )


def entered_sentence(
    settings: SchemeSettings, language: str, other: str, amount: str, what: str, *, given: bool
) -> str:
    """What one side of a trade gave or got, in a sentence."""
    _ = words_of(settings, language).gettext
    said = {"name": other, "amount": amount, "what": what}
    if given:
        return _("You gave %(name)s %(amount)s: %(what)s.") % said
    return _("%(name)s gave you %(amount)s: %(what)s.") % said


def no_longer_late(
    settings: SchemeSettings, language: str, other: str, amount: str, what: str, *, done: bool
) -> tuple[str, ...]:  # fmt: skip
    """How a payment to another scheme that was late has ended, in sentences; the first says all."""
    _ = words_of(settings, language).gettext
    if done:
        first = _("What was late is done: you gave %(name)s %(amount)s.")
    else:
        first = _("What was late came to nothing: %(name)s did not get %(amount)s.")
    after = () if done else (_("Nothing was taken from you. You can try again."),)
    return (first % {"name": other, "amount": amount}, what, *after)


def entered_from(settings: SchemeSettings, language: str, by: str, number: str, day: date) -> str:
    """Who entered a trade, and from which cheque or slip, in a sentence."""
    words = words_of(settings, language)
    said = {"name": by, "number": number, "day": short_day(day, words)}
    if number:
        return words.gettext("Entered by %(name)s from cheque %(number)s of %(day)s.") % said
    return words.gettext("Entered by %(name)s from a slip of %(day)s.") % said


def cheque_sent_sentence(
    settings: SchemeSettings, language: str, other: str, scheme: str, amount: str, what: str
) -> str:
    """That a cheque of somebody elsewhere is on its way to their scheme, in a sentence."""
    said = {"name": other, "scheme": scheme, "amount": amount, "what": what}
    return words_of(settings, language).gettext(
        "%(name)s (%(scheme)s) is asked to say yes to %(amount)s for you: %(what)s."
    ) % said  # fmt: skip


def done_sentence(settings: SchemeSettings, language: str, did: str, what: str) -> str:
    """What an organiser did for a member, in a sentence; `did` is a word of `Did`."""
    _ = words_of(settings, language).gettext
    sentences = {
        "published": _("“%(what)s” is on the board now."),
        "changed": _("“%(what)s” on the board was changed."),
        "hidden": _("“%(what)s” is hidden for a while."),
        "shown": _("“%(what)s” is shown again."),
        "kept": _("“%(what)s” stays on the board for longer."),
        "taken-down": _("“%(what)s” was taken down."),
        "said-no": _("You said no to a request: %(what)s."),
        "help-asked": _("You asked for help: %(what)s."),
        "help-taken-back": _("You need no help any more: %(what)s."),
        "help-done": _("You had help: %(what)s."),
        "help-another": _("You would like somebody else to help: %(what)s."),
        "help-yes": _("You said that you come and help: %(what)s."),
        "help-no": _("You said that you cannot help: %(what)s."),
        "help-off": _("You said that you cannot come after all: %(what)s."),
    }
    return sentences[did] % {"what": what}


def by_whose_hand(settings: SchemeSettings, language: str, by: str, how: str) -> str:
    """Who did something for a member, and how their word came; `how` is a word of `How`."""
    _ = words_of(settings, language).gettext
    sentences = {
        "phone": _("%(name)s did this for you, as you said on the telephone."),
        "desk": _("%(name)s did this for you, as you said at the desk."),
        "letter": _("%(name)s did this for you, as you wrote in a letter."),
    }
    return sentences[how] % {"name": by}


def by_whom(settings: SchemeSettings, language: str, by: str) -> str:
    """Who did something for a member that they were not asked about just then."""
    return words_of(settings, language).gettext("%(name)s did this for you.") % {"name": by}


def done_mail(
    settings: SchemeSettings, language: str, name: str, sentence: str, source: str, link: str
) -> Text:
    """To a member for whom an organiser did something."""
    _ = words_of(settings, language).gettext
    return text_of(
        settings,
        sentence,
        _("Hello %(name)s,") % {"name": name},
        sentence,
        source,
        _("You said nothing of the kind? Then ring us. Here you see it:"),
        link,
    )


def entered_mail(
    settings: SchemeSettings, language: str, name: str, sentence: str, source: str, link: str
) -> Text:
    """To either side of a trade that an organiser entered from paper."""
    _ = words_of(settings, language).gettext
    return text_of(
        settings,
        sentence,
        _("Hello %(name)s,") % {"name": name},
        sentence,
        source,
        _("If something is wrong with it, say so on this page:"),
        link,
    )


def news_mail(
    settings: SchemeSettings, language: str, name: str, lines: tuple[str, ...], link: str
) -> Text:  # fmt: skip
    """To somebody whom another told something on the pages, in a few lines; the first says all."""
    _ = words_of(settings, language).gettext
    return text_of(settings, lines[0], _("Hello %(name)s,") % {"name": name}, *lines, link)
