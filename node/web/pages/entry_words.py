"""What the check of a sheet of slips says: who gives whom how much, what is wrong, and whether it fits the envelope.

Source: docs/pages.md 8.9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from node.services.cheque_check import Judged, Wrong
from node.services.cheque_rows import Envelope, Typed
from node.services.members import number_text
from node.services.trades import Trade
from node.web.amounts import Unreadable, parse_amount
from node.web.context import Context
from node.web.forms import missing_sentence
from node.web.pages.entry_abroad import Near, sentences_abroad, trouble_abroad
from node.web.pages.entry_sheet import FIELDS, Read, slips_of
from node.web.present import reference
from node.web.views.entry import SlipView
from protocol.limits import AMOUNT_MAX


def said_of(
    context: Context, judged: Judged, read: Read, before: Mapping[int, Trade], near: Near
) -> SlipView:
    troubles = troubles_of(context, judged, read, before)
    return SlipView(
        row=judged.slip.row,
        values=(),
        said=(*_sentences(context, judged, near), *troubles.values()),
        wrong=tuple(FIELDS[column] for column in troubles),
        good=judged.good,
    )


def _sentences(context: Context, judged: Judged, near: Near) -> tuple[str, ...]:
    """Return who gives whom how much, as far as it is known, and how both stand afterwards."""
    _, voice, slip = context.words.gettext, context.voice, judged.slip
    if slip.abroad is not None:
        (other,) = (each for each in near if each.scheme == slip.abroad.scheme)
        return sentences_abroad(context, judged, other)
    if judged.payer is None or judged.payee is None:
        known = (_("From %(name)s."), judged.payer), (_("To %(name)s."), judged.payee)
        return tuple(text % {"name": member.name} for text, member in known if member is not None)
    said = {"payer": judged.payer.name, "payee": judged.payee.name}
    if slip.amount is None:
        return (_("%(payer)s to %(payee)s.") % said,)
    moves = _("%(payer)s gives %(payee)s %(amount)s.") % {**said, "amount": voice.spoken(slip.amount)}
    if judged.payer_after is None or judged.payee_after is None:
        return (moves,)
    standing = {
        "before": voice.short(judged.payer_after, signed=True),
        "after": voice.short(judged.payee_after, signed=True),
    }
    return (
        moves,
        _("Then %(payer)s has %(before)s and %(payee)s has %(after)s.") % {**said, **standing},
    )


def troubles_of(context: Context, judged: Judged, read: Read, before: Mapping[int, Trade]) -> dict[str, str]:
    """Return what is wrong with which column of a slip, in sentences, in the order of the columns."""
    unread = read.unread.get(judged.slip.row, {})
    found: dict[str, str] = {}
    for column, wrong in judged.wrong:
        found.setdefault(column, unread.get(column) or _trouble(context, judged, column, wrong, before))
    return {column: found[column] for column in FIELDS if column in found}


def _trouble(context: Context, judged: Judged, column: str, wrong: Wrong, before: Mapping[int, Trade]) -> str:
    _, voice, slip = context.words.gettext, context.voice, judged.slip
    member = judged.payer if column == "payer" else judged.payee
    number = slip.payer if column == "payer" else slip.payee
    name = "" if member is None else member.name
    match wrong:
        case Wrong.UNREAD:
            return missing_sentence(column, context.words)
        case Wrong.UNKNOWN:
            return _("Nobody has the number %(number)s.") % {"number": number_text(number or 0)}
        case Wrong.CANNOT_TRADE:
            return _("%(name)s cannot trade now.") % {"name": name}
        case Wrong.SELF:
            return _("%(name)s cannot pay themselves.") % {"name": name}
        case Wrong.FUTURE:
            return _("This day is still to come.")
        case Wrong.TWICE:
            return _("Another slip here has the number %(number)s too.") % {"number": slip.number}
        case Wrong.BEFORE:
            trade = before.get(slip.row)
            if trade is None:
                return _("Cheque %(number)s was entered by %(name)s and is on its way.") % {
                    "number": slip.number,
                    "name": judged.before.by_name if judged.before else "",
                }
            return _("Cheque %(number)s is in the books: trade %(reference)s, entered by %(name)s.") % {
                "number": slip.number,
                "reference": reference(trade),
                "name": judged.before.by_name if judged.before else "",
            }
        case Wrong.TOO_FAR:
            payer = "" if judged.payer is None else judged.payer.name
            return _("This takes %(name)s too far behind, by %(amount)s.") % {
                "name": payer,
                "amount": voice.spoken(judged.short_by),
            }
        case Wrong.TOO_MUCH:
            return _("This takes %(name)s too far ahead, by %(amount)s.") % {
                "name": name,
                "amount": voice.spoken(judged.short_by),
            }
        case _:
            return trouble_abroad(context, judged, wrong)


def compare(
    context: Context, envelope: Envelope, settled: Sequence[Typed], read: Read
) -> tuple[tuple[str, ...], bool]:
    """Return how count and sum compare with the envelope, in sentences, and whether both fit."""
    _, words, voice = context.words.gettext, context.words, context.voice
    count = len(settled) + len(read.slips)
    amounts = [each.amount for each in read.slips if each.amount is not None]
    total = sum(amounts) + sum(each.minor for each in settled)
    written = parse_amount(envelope.total, context.unit, most=AMOUNT_MAX)
    said = []
    if slips_of(envelope) != count:
        sentence = words.ngettext(
            "The envelope says %(slips)s. Here is %(num)d slip.",
            "The envelope says %(slips)s. Here are %(num)d slips.",
            count,
        )
        said.append(sentence % {"slips": envelope.slips, "num": count})
    if written != total:
        shown = envelope.total if isinstance(written, Unreadable) else voice.spoken(written)
        sums = {"written": shown, "total": voice.spoken(total)}
        said.append(_("The envelope says %(written)s in all. These slips come to %(total)s.") % sums)
    unread = len(read.slips) - len(amounts)
    if unread:
        sentence = words.ngettext(
            "%(num)d amount that cannot be read is not counted.",
            "%(num)d amounts that cannot be read are not counted.",
            unread,
        )
        said.append(sentence % {"num": unread})
    if said:
        return tuple(said), False
    fits = words.ngettext(
        "It fits the envelope: %(num)d slip, %(total)s in all.",
        "It fits the envelope: %(num)d slips, %(total)s in all.",
        count,
    )
    return (fits % {"num": count, "total": voice.spoken(total)},), True
