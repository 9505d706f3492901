"""What pages say when something was not done, or not yet: honest noes of the services, in a sentence each."""

from __future__ import annotations

from typing import Final, assert_never

from node.services.members import NAME_CHARACTERS_MAX, PIN_DIGITS_MIN, Why
from node.services.peers import NoPeer
from node.web.words import Words

SECOND_MS: Final = 1_000
MINUTE_S: Final = 60


def wait_sentence(ms: int, words: Words) -> str:
    """Return how long to wait before the next try counts."""
    seconds = -(-ms // SECOND_MS)
    if seconds < MINUTE_S:
        return words.ngettext(
            "There were many tries. Please wait %(num)d second and try again.",
            "There were many tries. Please wait %(num)d seconds and try again.",
            seconds,
        ) % {"num": seconds}
    minutes = -(-seconds // MINUTE_S)
    return words.ngettext(
        "There were many tries. Please wait %(num)d minute and try again.",
        "There were many tries. Please wait %(num)d minutes and try again.",
        minutes,
    ) % {"num": minutes}


def field_of(why: Why) -> str:
    """Return the name of the form field that a no is about; "" for the form as a whole."""
    match why:
        case Why.NAME_MISSING | Why.NAME_TOO_LONG:
            return "name"
        case Why.EMAIL_WRONG | Why.EMAIL_IN_USE:
            return "email"
        case Why.NO_WAY_TO_REACH:
            return "reach"
        case Why.PIN_NOT_DIGITS | Why.PIN_TOO_SHORT | Why.PIN_TOO_EASY:
            return "pin"
        case _:
            return ""


def unable_sentence(why: Why, words: Words) -> str:
    """Return why something was not done with a member or an application."""
    _ = words.gettext
    match why:
        case Why.UNKNOWN_MEMBER:
            return _("There is no member with this number.")
        case Why.NAME_MISSING:
            return _("Please fill in the name.")
        case Why.NAME_TOO_LONG:
            return _("The name is too long. There is room for %(num)d letters.") % {
                "num": NAME_CHARACTERS_MAX
            }
        case Why.EMAIL_WRONG:
            return _("This is not an e-mail address. It should look like ana@example.org.")
        case Why.EMAIL_IN_USE:
            return _("A member has this e-mail address already.")
        case Why.NO_WAY_TO_REACH:
            return _("Please fill in what you chose, so that we can reach you.")
        case Why.PIN_NOT_DIGITS:
            return _("A PIN is made of digits.")
        case Why.PIN_TOO_SHORT:
            return words.ngettext(
                "A PIN has at least %(num)d digit.", "A PIN has at least %(num)d digits.", PIN_DIGITS_MIN
            ) % {"num": PIN_DIGITS_MIN}
        case Why.PIN_TOO_EASY:
            return _("This PIN is too easy to guess.")
        case Why.LAST_ADMIN:
            return _("This is the last one who looks after the computer. Give somebody else that part first.")
        case Why.UNKNOWN_APPLICATION:
            return _("There is no such application.")
        case Why.ALREADY_DECIDED:
            return _("This was decided already.")
        case Why.NOT_EVEN:
            return _(
                "Their balance is not zero, or something is set aside. Settle that first: an account is closed at zero."
            )
        case _:
            assert_never(why)


def no_peer_sentence(why: NoPeer, address: str, words: Words) -> str:
    """Return why nobody can be made a neighbour by this address."""
    _ = words.gettext
    match why:
        case NoPeer.NOBODY_ANSWERS:
            said = _("Nobody answers at %(address)s. Is it the address they read out?")
        case NoPeer.NO_ADDRESS:
            said = _("“%(address)s” is no address of a scheme. It should look like https://oakvale.example.")
        case NoPeer.OURSELVES:
            said = _("%(address)s is our own address.")
        case NoPeer.NOT_IN_ORDER:
            said = _(
                "Something answers at %(address)s, but it is no scheme, or its computer is not in order. Ask them."
            )
        case NoPeer.OTHER_IDENTITY:
            said = _(
                "Whoever answers at %(address)s shows the papers of another scheme. Ask them before you go on."
            )
        case NoPeer.OUT_OF_DATE:
            said = _(
                "What %(address)s says about itself is out of date. Perhaps a clock is wrong, theirs or ours."
            )
        case NoPeer.CONTRADICTS:
            said = _(
                "Whoever answers at %(address)s is not who we knew there: their papers contradict those we keep. "
                "Ring their organisers before you go on."
            )
        case NoPeer.OWN_NETWORK:
            said = _(
                "%(address)s is inside our own house or office. Whoever looks after our computer has not allowed that."
            )
        case _:
            assert_never(why)
    return said % {"address": address}
