"""The terms of a thing that is lent or let, as they are typed when it is posted. Source: docs/pages.md 8.2; docs/protocol.md 5.9."""

from __future__ import annotations

from typing import Final, Literal

from node.web.amounts import Unreadable, as_typed, parse_amount
from node.web.context import Context
from node.web.forms import Filled, Form, Tick, amount_sentence, line
from protocol.booking import BookingTerms
from protocol.limits import AMOUNT_MAX, BOOKING_GUESTS_MAX, BOOKING_STEPS_MAX
from protocol.market import BOOKABLE

TERMS_FIELDS: Final = ("step", "longest", "deposit", "approval", "guests")
DAYS_USUAL: Final = 7
NIGHTS_USUAL: Final = 7


class TermsForm(Form):
    """What a page asks of those who lend or let; left out for everything else."""

    step: Literal["hour", "day", ""]
    longest: line(3)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    deposit: line(40)  # type: ignore[valid-type]  # as above
    approval: Tick
    guests: line(3)  # type: ignore[valid-type]  # as above


def usual_terms(kind: str) -> dict[str, str]:
    """Return what the page suggests."""
    if kind not in BOOKABLE:
        return {}
    stay = kind == "stay"
    return {
        "step": "" if stay else "day",
        "longest": str(NIGHTS_USUAL if stay else DAYS_USUAL),
        "deposit": "",
        "approval": "yes",
        "guests": "2" if stay else "",
    }


def typed_terms(context: Context, terms: BookingTerms | None) -> dict[str, str]:
    """Return terms as they would be typed, to change them."""
    if terms is None:
        return {}
    return {
        "step": "" if terms.step == "night" else terms.step,
        "longest": str(terms.longest),
        "deposit": as_typed(terms.deposit, context.unit, context.language) if terms.deposit else "",
        "approval": "yes" if terms.approval else "no",
        "guests": str(terms.guests) if terms.guests else "",
    }


def read_terms(context: Context, kind: str, form: TermsForm, filled: Filled) -> BookingTerms | Filled | None:
    """Return the terms that were typed, the form with what is wrong, or None for what is not booked."""
    if kind not in BOOKABLE:
        return None
    _, stay = context.words.gettext, kind == "stay"
    longest = _whole(form.longest, BOOKING_STEPS_MAX)
    if longest is None:
        said = _("Please write a whole number from 1 to %(most)d.") % {"most": BOOKING_STEPS_MAX}
        filled = filled.with_error("longest", said)
    guests = _whole(form.guests, BOOKING_GUESTS_MAX) if stay else 0
    if guests is None:
        said = _("Please write a whole number from 1 to %(most)d.") % {"most": BOOKING_GUESTS_MAX}
        filled = filled.with_error("guests", said)
    deposit = 0 if not form.deposit else parse_amount(form.deposit, context.unit, most=AMOUNT_MAX)
    if isinstance(deposit, Unreadable) and deposit is not Unreadable.ZERO:
        sentence = amount_sentence(deposit, form.deposit, context.unit, AMOUNT_MAX, context.words)
        filled = filled.with_error("deposit", sentence)
    if filled.errors or longest is None or guests is None:
        return filled
    return BookingTerms(
        step="night" if stay else form.step or "day", longest=longest,
        deposit=0 if isinstance(deposit, Unreadable) else deposit, approval=form.approval, guests=guests,
    )  # fmt: skip


def _whole(text: str, most: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text) <= most else None
