"""The rate at which a file in another unit is brought in: how it is stated, and what is said of it. Source: docs/moving.md; docs/pages.md 7.4."""

from __future__ import annotations

from node.importing.rows import Conversion
from node.services.import_rows import DIGITS, HOURS_NAME, Run, unit_named
from node.web.amounts import Unit, Unreadable, as_typed, parse_amount
from node.web.context import Context
from node.web.forms import Filled, amount_sentence
from node.web.present import balance_words
from node.web.views.page import Fact, Option
from node.web.words import Words
from protocol.limits import RATE_MINOR_PER_HOUR_MAX


def unit_options(words: Words) -> tuple[Option, ...]:
    """Return in what a file can count."""
    _ = words.gettext
    digits = words.ngettext(
        "A unit with %(num)d digit behind the point", "A unit with %(num)d digits behind the point", 2
    )
    named = [
        Option(value="", text=_("The same as here")),
        Option(value=HOURS_NAME, text=_("Hours, like 1:30")),
    ]
    whole = Option(value=DIGITS[0], text=_("A unit without digits behind the point"))
    one = words.ngettext(
        "A unit with %(num)d digit behind the point", "A unit with %(num)d digits behind the point", 1
    )
    return (
        *named, whole, Option(value=DIGITS[1], text=one % {"num": 1}),
        *(Option(value=each, text=digits % {"num": int(each)}) for each in DIGITS[2:]),
    )  # fmt: skip


def read_conversion(context: Context, typed: Filled) -> Conversion | Filled | None:
    """Return the rate that was typed, None where the file counts in our unit, or the form with what is wrong."""
    _, named = context.words.gettext, typed.value("unit")
    if not named:
        if typed.value("theirs") or typed.value("ours"):
            return typed.with_error("unit", _("Please say in what the file counts."))
        return None
    unit = unit_named(named)
    if unit is None:
        return typed.with_error("unit", _("Please choose one of the answers."))
    sides: list[int] = []
    for name, counted in (("theirs", unit), ("ours", context.unit)):
        amount = parse_amount(typed.value(name), counted, most=RATE_MINOR_PER_HOUR_MAX)
        if isinstance(amount, Unreadable):
            sentence = amount_sentence(
                amount, typed.value(name), counted, RATE_MINOR_PER_HOUR_MAX, context.words
            )
            typed = typed.with_error(name, sentence)
        else:
            sides.append(amount)
    return typed if typed.errors else Conversion(unit, *sides)


def conversion_facts(context: Context, run: Run) -> list[Fact]:
    """Return at which rate a file is taken, and what rounding comes to."""
    _, voice, conversion = context.words.gettext, context.voice, run.conversion
    if conversion is None:
        return []
    said = {
        "theirs": _typed(context, conversion.theirs, conversion.unit),
        "ours": voice.spoken(conversion.ours),
    }
    facts = [Fact(label=_("The rate"), text=_("%(theirs)s of theirs are %(ours)s here") % said)]
    if run.rounding:
        told = _("%(balance)s: the community account takes it") % {
            "balance": balance_words(run.rounding, voice)
        }
        facts.append(Fact(label=_("Rounding"), text=told))
    return facts


def _typed(context: Context, amount: int, unit: Unit) -> str:
    return as_typed(amount, unit, context.language)
