"""Bookings in words: the terms of a thing, where a booking stands, and who has what until when.

Source: docs/pages.md 4, 8.5; docs/protocol.md 5.9.
"""

from __future__ import annotations

from typing import assert_never

from node.services.booking_rows import Act, Booking, Why
from node.web.amounts import Unit
from node.web.period_words import first_words, last_words, period_words, steps_words
from node.web.present import Voice
from node.web.views.page import Fact, Pill
from protocol.booking import TAKES_TIME, BookingEvent, BookingState, BookingTerms, Side, Unfit
from protocol.deposit import DepositEvent, DepositState

S, E = BookingState, BookingEvent


def terms_facts(terms: BookingTerms, voice: Voice, unit: Unit | None = None) -> tuple[Fact, ...]:
    """Return how a thing is booked; the deposit is in our own unit unless another is given."""
    _, number = voice.words.gettext, terms.longest
    longest = _("at most %(time)s") % {"time": steps_words(number, terms.step, voice.words)}
    by = {"hour": _("by the hour"), "day": _("by the day"), "night": _("by the night")}[terms.step]
    facts = [Fact(label=_("Booked"), text=_("%(by)s, %(longest)s") % {"by": by, "longest": longest})]
    if terms.guests:
        people = voice.words.ngettext("%(num)d person", "%(num)d people", terms.guests) % {
            "num": terms.guests
        }
        facts.append(Fact(label=_("Room for"), text=people))
    if terms.deposit:
        facts.append(Fact(label=_("Deposit"), text=voice.spoken(terms.deposit, unit)))
    answer = _("the owner says yes or no") if terms.approval else _("yours at once, if it is free")
    facts.append(Fact(label=_("Answer"), text=answer))
    return tuple(facts)


def booking_pill(booking: Booking, now_hour: int, voice: Voice) -> Pill:
    """Return the state of a booking in a word or two. Source: docs/pages.md 4."""
    _, stay = voice.words.gettext, booking.kind == "stay"
    match booking.stands(now_hour):
        case S.WAITING:
            return Pill(text=_("In line"), tone="wait")
        case S.ASKED:
            return Pill(text=_("Asked"), tone="wait")
        case S.AGREED:
            return Pill(text=_("Agreed"), tone="good")
        case S.HANDED_OVER:
            return Pill(text=_("Here now") if stay else _("Lent"), tone="good")
        case S.OVERDUE:
            return Pill(text=_("Over") if stay else _("Overdue"), tone="wait" if stay else "stop")
        case S.BROUGHT_BACK:
            return Pill(text=_("Back, not confirmed"), tone="wait")
        case S.RETURNED:
            return Pill(text=_("Over") if stay else _("Back"), tone="plain")
        case S.DECLINED:
            return Pill(text=_("Declined"), tone="stop")
        case S.WITHDRAWN:
            return Pill(text=_("Taken back"), tone="plain")
        case S.CANCELLED:
            return Pill(text=_("Called off"), tone="stop")
        case S.LAPSED:
            return Pill(text=_("Ran out"), tone="plain")


def row_title(booking: Booking, name: str, side: Side, now_hour: int, voice: Voice) -> str:
    """Return a booking in a line, for lists and for the first page; `name` is how the other side is called for short."""
    _, said = voice.words.gettext, {"name": name, "what": booking.title}
    if booking.own_use:
        return _("For yourself: %(what)s") % said
    stands = booking.stands(now_hour)
    if side is Side.BORROWER:
        return _("Please bring it back: %(what)s") % said if stands is S.OVERDUE and booking.kind != "stay" else (
            _("%(what)s, from %(name)s") % said
        )  # fmt: skip
    match stands:
        case S.ASKED:
            return _("%(name)s asks for: %(what)s") % said
        case S.BROUGHT_BACK:
            return _("%(name)s says it is back: %(what)s") % said
        case S.OVERDUE if booking.kind != "stay":
            return _("%(name)s still has: %(what)s") % said
        case _:
            return _("%(what)s, for %(name)s") % said


def when_words(booking: Booking, voice: Voice) -> str:
    """Return from when until when."""
    return period_words(booking.period, booking.step, voice.words)


def sentences_of(booking: Booking, name: str, side: Side, now_hour: int, voice: Voice) -> tuple[str, ...]:
    """Return where a booking stands, in sentences for one of its sides."""
    if booking.own_use:
        _ = voice.words.gettext
        kept = booking.stands(now_hour) is not S.CANCELLED
        return (
            _("You keep it for yourself then.") if kept else _("You no longer keep it for yourself then."),
        )
    said = {
        "name": name,
        "first": first_words(booking.period, booking.step, voice.words),
        "last": last_words(booking.period, booking.step, voice.words),
    }
    stands = booking.stands(now_hour)
    return _to_owner(booking, stands, said, voice) if side is Side.OWNER else (
        _to_borrower(booking, stands, said, voice)
    )  # fmt: skip


def _to_owner(booking: Booking, stands: BookingState, said: dict[str, str], voice: Voice) -> tuple[str, ...]:
    _, stay = voice.words.gettext, booking.kind == "stay"
    match stands:
        case S.WAITING:
            return (_("%(name)s waits in line for this time. You need do nothing.") % said,)
        case S.ASKED:
            asks = _("%(name)s asks to stay with you.") if stay else _("%(name)s asks for this.")
            return (asks % said, _("Please say yes or no."))
        case S.AGREED if stay:
            return (_("%(name)s comes on %(first)s and stays until %(last)s.") % said,)
        case S.AGREED:
            return (_("%(name)s may have it from %(first)s until %(last)s.") % said,)
        case S.HANDED_OVER if stay:
            return (_("%(name)s is with you until %(last)s.") % said,)
        case S.HANDED_OVER:
            return (_("%(name)s has it until %(last)s.") % said,)
        case S.OVERDUE if stay:
            return (_("%(name)s was with you until %(last)s. Say that it is over, if it is.") % said,)
        case S.OVERDUE:
            return (_("%(name)s still has it. It was to be back by %(last)s.") % said,)
        case S.BROUGHT_BACK:
            return (_("%(name)s says that it is over. Is it?") if stay else _("%(name)s says that it is back. Do you have it?")) % said,  # fmt: skip
        case _:
            return (_ended(stands, voice, stay=stay),)


def _to_borrower(
    booking: Booking, stands: BookingState, said: dict[str, str], voice: Voice
) -> tuple[str, ...]:
    _, stay = voice.words.gettext, booking.kind == "stay"
    match stands:
        case S.WAITING:
            return (
                _("Somebody else has it then, and you are in line."),
                _("When it becomes free, we tell you, and %(name)s is asked.") % said
                if booking.approval
                else _("When it becomes free, it is yours, and we tell you."),
            )
        case S.ASKED:
            return (_("Waiting for %(name)s to say yes.") % said,)
        case S.AGREED if stay:
            return (_("%(name)s expects you on %(first)s, until %(last)s.") % said,)
        case S.AGREED:
            return (_("You may have it from %(first)s until %(last)s.") % said,)
        case S.HANDED_OVER if stay:
            return (_("You are with %(name)s until %(last)s.") % said,)
        case S.HANDED_OVER:
            return (_("You have it until %(last)s.") % said,)
        case S.OVERDUE if stay:
            return (_("You were with %(name)s until %(last)s.") % said,)
        case S.OVERDUE:
            return (_("You still have it. %(name)s expected it by %(last)s.") % said,)
        case S.BROUGHT_BACK:
            return (_("You said so. %(name)s confirms it.") % said,)
        case _:
            return (_ended(stands, voice, stay=stay),)


def _ended(stands: BookingState, voice: Voice, *, stay: bool) -> str:
    _ = voice.words.gettext
    match stands:
        case S.RETURNED:
            return _("It is over.") if stay else _("It is back.")
        case S.DECLINED:
            return _("The answer was no.")
        case S.WITHDRAWN:
            return _("It was taken back.")
        case S.CANCELLED:
            return _("It was called off.")
        case _:
            return _("Nobody answered in time.")


def act_words(act: Act, who: str, booking: Booking, voice: Voice) -> str:
    """Return who did what, and said what with it."""
    if act.event is DepositEvent.KEEP and booking.borrower_no < 0:
        return voice.words.gettext(
            "Some of the deposit was kept, and was paid"
        )  # on whose yes is theirs to know
    told = (
        _deposit_act(act.event, who, voice)
        if isinstance(act.event, DepositEvent)
        else _act(act.event, who, voice, stay=booking.kind == "stay")
    )
    if not act.words:
        return told
    return voice.words.gettext("%(what)s: “%(words)s”") % {"what": told, "words": act.words}


def _act(event: BookingEvent, who: str, voice: Voice, *, stay: bool) -> str:
    _, said = voice.words.gettext, {"name": who}
    match event:
        case E.FREE:
            return _("Free again, so it was asked for")
        case E.QUEUE:
            return _("Somebody else got it, so it waits in line")
        case E.AGREE:
            return _("%(name)s said yes") % said if who else _("It became yours")
        case E.DECLINE:
            return _("%(name)s said no") % said
        case E.WITHDRAW:
            return _("%(name)s took it back") % said
        case E.CANCEL:
            return _("%(name)s called it off") % said
        case E.HAND_OVER:
            return (
                _("%(name)s noted the arrival") if stay else _("%(name)s noted that it was handed over")
            ) % said
        case E.BRING_BACK:
            return (_("%(name)s said it is over") if stay else _("%(name)s said it is back")) % said
        case E.MISS:
            return _("%(name)s does not have it yet") % said
        case E.TAKE_BACK:
            return (_("%(name)s noted the end") if stay else _("%(name)s has it back")) % said
        case E.FALL_DUE | E.LAPSE:
            raise AssertionError("what follows from the clock is no act")
        case _:
            assert_never(event)


def _deposit_act(event: DepositEvent, who: str, voice: Voice) -> str:
    _, said = voice.words.gettext, {"name": who}
    match event:
        case DepositEvent.KEEP:
            if not who:
                return _("Two organisers said that some of the deposit is kept")
            return _("%(name)s agreed that some of the deposit is kept") % said
        case DepositEvent.FREE:
            return _("%(name)s let the deposit go") % said
        case DepositEvent.ASK | DepositEvent.SET_ASIDE:
            raise AssertionError("what goes along with a return or a yes is no act of its own")
        case _:
            assert_never(event)


def deposit_sentence(booking: Booking, name: str, side: Side, voice: Voice) -> str:
    """Return how it stands with the deposit; "" where there is nothing to say."""
    _, owner = voice.words.gettext, side is Side.OWNER
    said = {
        "name": name,
        "all": voice.spoken(booking.deposit),
        "keep": voice.spoken(booking.keep),
    }
    if booking.borrower_no < 0 and (guests := _guest_deposit(booking, said, voice)):
        return guests
    match booking.deposit_state:
        case DepositState.NONE:
            return ""
        case DepositState.HELD if owner:
            return _("%(all)s of %(name)s’s are set aside as a deposit until you have it back.") % said
        case DepositState.HELD:
            return _("%(all)s of yours are set aside as a deposit until it is back.") % said
        case DepositState.ASKED if owner:
            return _("You ask to keep %(keep)s of the deposit. %(name)s says yes, or two organisers do; or you let it go.") % said  # fmt: skip
        case DepositState.ASKED:
            return _("%(name)s asks to keep %(keep)s of the deposit of %(all)s. Until then all of it stays set aside.") % said  # fmt: skip
        case DepositState.KEPT:
            return _("%(keep)s of the deposit were kept; the rest is free again.") % said
        case DepositState.FREED:
            return _("The deposit is free again.")


def is_unheld(booking: Booking) -> bool:
    """Tell whether a guest from abroad may have a thing against a deposit of which their scheme has not said yet that it is set aside."""
    waits = booking.borrower_no < 0 and booking.deposit_state is DepositState.NONE
    return waits and booking.deposit > 0 and booking.state in TAKES_TIME


def _guest_deposit(booking: Booking, said: dict[str, str], voice: Voice) -> str:
    """Return to the owner what is different where the deposit is held in another scheme; "" where nothing is."""
    _ = voice.words.gettext
    match booking.deposit_state:
        case DepositState.NONE if is_unheld(booking) and booking.state is not S.AGREED:
            return _("No deposit is set aside for this, so nothing of it can be kept.")
        case DepositState.NONE if is_unheld(booking) and booking.kind == "stay":
            return _("The deposit of %(all)s is not set aside yet. Please wait until it says so here before you let anybody in.") % said  # fmt: skip
        case DepositState.NONE if is_unheld(booking):
            return _("The deposit of %(all)s is not set aside yet. Please wait until it says so here before you hand anything over.") % said  # fmt: skip
        case DepositState.HELD:
            return (
                _("%(all)s are set aside in the scheme of %(name)s as a deposit, until you have it back.")
                % said
            )
        case DepositState.ASKED:
            return _("You ask to keep %(keep)s of the deposit. %(name)s says yes, or two organisers of their scheme do; then it is paid to you. Or you let it go.") % said  # fmt: skip
        case _:
            return ""


def cannot_words(why: Why, voice: Voice) -> str:
    """Return why something was not done."""
    _ = voice.words.gettext
    match why:
        case Why.GONE:
            return _("It is no longer there to be booked.")
        case Why.NOT_NOW:
            return _("One of you cannot trade just now.")
        case Why.CHANGED:
            return _("The price or the terms have just changed. Please look at them again.")
        case Why.TAKEN:
            return _("Somebody else has it then. Please choose another time.")
        case Why.SAME:
            return _("You have asked for this time already.")
        case Why.OPEN:
            return _("Many things you asked for are still open. Bring some back, or take some back first.")
        case Why.OPEN_OF_ONE:
            return _("You have asked for this often enough for now. Others would like it too.")
        case Why.LINE_FULL:
            return _("Many people are in line for this already.")
        case Why.OTHERWISE:
            return _("Something else was done with it meanwhile.")
        case Why.DEPOSIT:
            return _("The deposit cannot be set aside now: it would go beyond what the borrower has.")
        case Why.GROUP_ONLY:
            return _("Only those in the group it belongs to may book this.")
        case Why.TOO_MUCH:
            return _("That is more than the deposit.")
        case Why.NOT_POSTED:
            return _("The owner’s account cannot take it now. Please ask an organiser.")
        case Why.STILL_OUT:
            return _("The one before has not brought it back yet.")


def unfit_words(unfit: Unfit, terms: BookingTerms, voice: Voice) -> tuple[str, str]:
    """Return the field that is wrong about a time, and why."""
    _ = voice.words.gettext
    match unfit:
        case Unfit.PAST:
            return "from", _("This time is over. Please choose a later one.")
        case Unfit.AHEAD:
            return "until", _("This is too far ahead.")
        case Unfit.LONG:
            most = steps_words(terms.longest, terms.step, voice.words)
            return "until", _("It is lent for %(time)s at most.") % {"time": most}
        case Unfit.GUESTS:
            most = voice.words.ngettext("%(num)d person", "%(num)d people", terms.guests) % {
                "num": terms.guests
            }
            return "guests", _("Please say how many of you come: there is room for %(most)s.") % {
                "most": most
            }
        case Unfit.GRID:
            return "from", _("Please choose a whole day.")
