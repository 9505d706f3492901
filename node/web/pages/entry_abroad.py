"""Slips with somebody of another scheme, as organisers type them, and what is said of them. Source: docs/pages.md 8.9.

The scheme is chosen first. Whoever is of that scheme stands with number and name, as on the cheque; ours with the number alone,
which tells who gives. The amount is what the cheque says, in the units of whoever gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from node.services.cheque_check import Abroad, Judged, Slip, Theirs, Wrong
from node.services.cheque_rows import Stands, Typed
from node.services.folding import fold
from node.services.members import number_text, parse_number
from node.web.amounts import Unreadable, parse_amount
from node.web.context import Context
from node.web.forms import amount_sentence
from node.web.pages.schemes import schemes_known
from node.web.present import OtherScheme, refusal_words
from node.web.views.page import Pill
from protocol.letter import NOBODY, NOT_UNDERSTOOD
from protocol.limits import AMOUNT_MAX, MEMBER_NUMBER_MAX
from protocol.units import Rate, most_paid_by

NEAR_MAX: Final = 60  # more schemes than that no list of names helps with

Near = tuple[OtherScheme, ...]


@dataclass(frozen=True, slots=True)
class Cells:
    """One row as it was typed, with what stands for all slips, and its day."""

    row: int
    values: Mapping[str, str]
    day: date | None


async def near_schemes(context: Context) -> Near:
    """Return the schemes that a cheque can be from or for, by name: those to which there is a way, and whose rate is known."""
    routes, own = context.node.routes, context.node.scheme
    known = [
        each
        for each in (await schemes_known(context)).values()
        if each.scheme != own and each.minor_per_hour is not None and routes.candidates(each.scheme, 0)
    ]
    return tuple(sorted(known, key=lambda each: fold(each.name))[:NEAR_MAX])


def read_abroad(context: Context, near: Near, cells: Cells, unread: dict[str, str]) -> Slip:
    """Return a slip on which somebody is of another scheme; what cannot be read of it goes into `unread`."""
    said = cells.values
    other = _scheme(context, near, said["scheme"], unread)
    theirs, ours, person = _people(context, said, other, unread)
    written = _written(context, said["amount"], other, theirs, unread)
    gets = _gets(context, written, other, theirs, unread)
    abroad = None
    if other is not None and theirs is not None and person is not None and written and gets:
        abroad = Abroad(
            scheme=other.scheme, scheme_name=other.name, theirs=theirs, number=person[0], name=person[1], written=written,
            gets=gets,
        )  # fmt: skip
    mine = written if theirs is Theirs.PAYEE else gets
    return Slip(
        row=cells.row, number=said["number"], day=cells.day, payer=ours if theirs is Theirs.PAYEE else None,
        payee=ours if theirs is Theirs.PAYER else None, amount=mine, what=said["what"], abroad=abroad,
        unread=tuple(column for column in unread if column not in {"day", "what"}),
    )  # fmt: skip


def _scheme(context: Context, near: Near, typed: str, unread: dict[str, str]) -> OtherScheme | None:
    """Return the scheme of this name, or of the only one that begins so."""
    _, wanted = context.words.gettext, fold(typed)
    same = [each for each in near if fold(each.name) == wanted]
    found = same or [each for each in near if fold(each.name).startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        unread["scheme"] = _("Several schemes are called like that: %(names)s.") % {
            "names": ", ".join(each.name for each in found[:5])
        }
    else:
        unread["scheme"] = _("We trade with no scheme called %(name)s.") % {"name": typed}
    return None


def _people(
    context: Context, said: Mapping[str, str], other: OtherScheme | None, unread: dict[str, str]
) -> tuple[Theirs | None, int | None, tuple[int, str] | None]:
    """Return which of the two is of the other scheme, our number, and their number and name."""
    _ = context.words.gettext
    named = {column: _number_and_name(said[column]) for column in ("payer", "payee")}
    numbers = {column: parse_number(said[column]) for column in ("payer", "payee")}
    name = said["scheme"] if other is None else other.name
    for theirs, ours in ((Theirs.PAYEE, "payer"), (Theirs.PAYER, "payee")):
        if numbers[ours] is not None and named[theirs.value] is not None:
            return theirs, numbers[ours], named[theirs.value]
    if any(each is not None for each in named.values()):
        theirs = Theirs.PAYEE if named["payee"] is not None else Theirs.PAYER
        ours = "payer" if theirs is Theirs.PAYEE else "payee"
        unread[ours] = _("Please write only the number of our member here.")
        return theirs, None, named[theirs.value]
    column = "payee" if numbers["payer"] is not None else "payer"
    unread[column] = _("Please write number and name of the member of %(scheme)s, like 0123 Karim.") % {
        "scheme": name
    }
    return None, None, None


def _number_and_name(typed: str) -> tuple[int, str] | None:
    number, _, name = typed.strip().partition(" ")
    read = parse_number(number)
    if read is None or read > MEMBER_NUMBER_MAX or not name.strip():
        return None
    return read, " ".join(name.split())


def _written(
    context: Context, typed: str, other: OtherScheme | None, theirs: Theirs | None, unread: dict[str, str]
) -> int | None:
    """Return what stands on the cheque, in the units of whoever gives."""
    if theirs is None or (theirs is Theirs.PAYER and other is None):
        return None
    unit = context.unit if theirs is Theirs.PAYEE or other is None else other.unit
    amount = parse_amount(typed, unit, most=AMOUNT_MAX)
    if isinstance(amount, Unreadable):
        unread["amount"] = amount_sentence(amount, typed, unit, AMOUNT_MAX, context.words)
        return None
    return amount


def _gets(
    context: Context,
    written: int | None,
    other: OtherScheme | None,
    theirs: Theirs | None,
    unread: dict[str, str],
) -> int | None:
    """Return the most of their own units that whoever gets the cheque has of it. Source: docs/protocol.md 7.11."""
    if written is None or other is None or other.minor_per_hour is None:
        return None
    own, there = context.node.settings.rate(), Rate(minor_per_hour=other.minor_per_hour)
    payer, payee = (own, there) if theirs is Theirs.PAYEE else (there, own)
    gets = most_paid_by(written, payer_rate=payer, payee_rate=payee)
    if not gets:
        unread["amount"] = context.words.gettext("This is nothing that can be paid between the two schemes.")
    return gets or None


def scheme_name(near: Near, typed: str) -> str:
    """Return what the scheme is called that was typed, as far as it is known."""
    found = [each.name for each in near if fold(each.name).startswith(fold(typed))]
    return found[0] if typed and len(found) == 1 else typed


# --- What is said ------------------------------------------------------------------------------------------------


def sentences_abroad(context: Context, judged: Judged, unit: OtherScheme) -> tuple[str, ...]:
    """Return who gives whom how much, in both units, and what happens next."""
    _, voice, slip = context.words.gettext, context.voice, judged.slip
    abroad = slip.abroad
    assert abroad is not None
    there = f"{abroad.name} ({abroad.scheme_name})"
    if abroad.theirs is Theirs.PAYEE:
        if judged.payer is None:
            return ()
        gives = judged.offer.amount if judged.offer is not None else abroad.written
        who = {"payer": judged.payer.name, "payee": there, "given": voice.spoken(gives), "got": voice.spoken(abroad.gets, unit.unit)}  # fmt: skip
        moves = _("%(payer)s gives %(given)s. %(payee)s gets %(got)s.") % who
        if judged.payer_after is None or judged.offer is None:
            return (moves,)
        after = judged.payer_after + abroad.written - gives
        return (
            moves,
            _("Then %(name)s has %(after)s.")
            % {"name": judged.payer.name, "after": voice.short(after, signed=True)},
        )
    if judged.payee is None:
        return ()
    who = {"payer": there, "payee": judged.payee.name, "given": voice.spoken(abroad.written, unit.unit), "got": voice.spoken(abroad.gets)}  # fmt: skip
    asks = _("It goes to %(scheme)s, where %(name)s or an organiser says yes. Nothing moves before.")
    return (
        _("%(payer)s gives %(given)s. %(payee)s gets %(got)s.") % who,
        asks % {"scheme": abroad.scheme_name, "name": abroad.name},
    )


def trouble_abroad(context: Context, judged: Judged, wrong: Wrong) -> str:
    """Return what is wrong between the schemes, in a sentence."""
    _, abroad = context.words.gettext, judged.slip.abroad
    assert abroad is not None
    said = {"scheme": abroad.scheme_name, "number": number_text(abroad.number), "name": abroad.name}
    match wrong:
        case Wrong.NOBODY_THERE:
            return _("Nobody in %(scheme)s has the number %(number)s and the name %(name)s.") % said
        case Wrong.UNREACHABLE:
            return _("%(scheme)s cannot be reached now. Keep it, and try again later.") % said
        case Wrong.DEARER:
            return _("It would cost more now than is written. The rate has changed.")
        case Wrong.SAME:
            return _("Exactly this is on its way already.")
        case _:
            return refusal_words("cannot-now", abroad.scheme_name, context.voice)


def stands_pill(context: Context, typed: Typed) -> Pill:
    """Return how a slip stands that was written into the books or sent on its way, in a word or two."""
    _ = context.words.gettext
    assert typed.stands is not None
    match typed.stands:
        case Stands.BOOKED:
            return Pill(text=_("In the books"), tone="good")
        case Stands.SET_ASIDE:
            return Pill(text=_("On its way"), tone="wait")
        case Stands.LATE:
            return Pill(text=_("Late"), tone="wait")
        case Stands.SENT:
            return Pill(text=_("On its way"), tone="wait")
        case Stands.ASKED:
            return Pill(text=_("Waits for a yes"), tone="wait")
        case Stands.FREED | Stands.UNDONE:
            return Pill(text=_("Undone"), tone="stop")
        case Stands.REFUSED:
            return Pill(text=_("Refused"), tone="stop")
        case Stands.RAN_OUT:
            return Pill(text=_("Ran out"), tone="stop")
        case Stands.TAKEN_BACK:
            return Pill(text=_("Taken back"), tone="stop")
        case Stands.NOT_TAKEN:
            return Pill(text=_("Not taken"), tone="stop")


def stands_words(context: Context, typed: Typed, scheme: str) -> str:
    """Return how a slip with another scheme stands, in a sentence; "" where the trade says all."""
    _ = context.words.gettext
    said = {"scheme": scheme, "why": typed.why}
    match typed.stands:
        case None | Stands.BOOKED:
            return ""
        case Stands.SET_ASIDE:
            return _("Set aside. %(scheme)s has not confirmed it yet.") % said
        case Stands.LATE:
            return _("This takes longer than usual. It ends by itself; do not enter it again.")
        case Stands.SENT:
            return _("It is on its way to %(scheme)s.") % said
        case Stands.ASKED:
            return _("%(scheme)s has it. It waits for a yes there, and nothing has moved.") % said
        case Stands.UNDONE:
            return (
                _("It came back, and nothing moved.")
                + " "
                + refusal_words(typed.why or None, scheme, context.voice)
            )
        case Stands.FREED:
            return refusal_words(typed.why, scheme, context.voice)
        case Stands.REFUSED if typed.why:
            return _("They said no: %(why)s. Nothing moved.") % said
        case Stands.REFUSED:
            return _("They said no. Nothing moved.")
        case Stands.RAN_OUT:
            return _("Nobody there answered in time. Nothing moved.")
        case Stands.TAKEN_BACK:
            return _("It was taken back. Nothing moved.")
        case Stands.NOT_TAKEN if typed.why == NOBODY:
            return _("Nobody in %(scheme)s has this number and this name.") % said
        case Stands.NOT_TAKEN if typed.why == NOT_UNDERSTOOD:
            return _("%(scheme)s cannot read cheques from other schemes yet. Ring them.") % said
        case Stands.NOT_TAKEN:
            return _("%(scheme)s did not take it. Nothing moved.") % said
