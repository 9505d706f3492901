"""How pages speak of tokens and the cash box. Source: docs/pages.md 7.6."""

from __future__ import annotations

from node.services.settings import SchemeSettings
from node.services.token_rows import Done
from node.services.tokens import Why
from node.web.amounts import MINUS, Unit
from node.web.present import Voice
from node.web.views.tokens import TokenRow
from node.web.words import Words
from protocol.limits import TOKENS_AT_ONCE_MAX
from protocol.tokens import TokenAct

MONEY_DECIMALS = 2


def money_unit(settings: SchemeSettings) -> Unit:
    """Return the money of the box, as amounts are written and read."""
    return Unit(code="money", kind="decimal", decimals=MONEY_DECIMALS, symbol=settings.currency)


def act_words(done: Done, words: Words) -> str:
    """Return what was done, in a few words."""
    _, count = words.gettext, abs(done.change.tokens)
    said = {"num": count}
    match done.kind:
        case TokenAct.SOLD:
            return words.ngettext("%(num)d token sold", "%(num)d tokens sold", count) % said
        case TokenAct.DRAWN:
            return (
                words.ngettext(
                    "%(num)d token handed out, from an account",
                    "%(num)d tokens handed out, from an account",
                    count,
                )
                % said
            )
        case TokenAct.BACK:
            return (
                words.ngettext(
                    "%(num)d token handed in, to an account", "%(num)d tokens handed in, to an account", count
                )
                % said
            )
        case TokenAct.BOUGHT:
            return (
                words.ngettext(
                    "%(num)d token taken back for money", "%(num)d tokens taken back for money", count
                )
                % said
            )
        case TokenAct.PUT_IN:
            return _("Money put in")
        case TokenAct.TAKEN_OUT:
            return _("Money taken out")
        case TokenAct.COUNTED:
            return _("Day closed, money counted")
        case TokenAct.CORRECTED:
            return _("Opposite of receipt %(number)s") % {"number": receipt_number(done.corrects_no or 0)}


def receipt_number(no: int) -> str:
    """Return the number of a receipt as people write it."""
    return f"{no:05}"


def signed(count: int) -> str:
    """Return a number of tokens with its sign; "" for none."""
    return f"+{count}" if count > 0 else f"{MINUS}{-count}" if count else ""


def book_row(done: Done, who: str, settings: SchemeSettings, voice: Voice) -> TokenRow:
    """Return a line of the book."""
    money = money_unit(settings)
    return TokenRow(
        number=receipt_number(done.no),
        href=f"/desk/tokens/{done.no}",
        when=voice.since(done.at_ms),
        what=act_words(done, voice.words),
        who=", ".join(each for each in (who, done.text) if each),
        tokens=signed(done.change.tokens),
        money=voice.short(done.change.money, money, signed=True) if done.change.money else "",
        tokens_after=str(done.box.tokens),
        money_after=voice.short(done.box.money, money),
    )


def cannot_do_words(why: Why, words: Words) -> tuple[str, str]:
    """Return the field that a no is about, and the no in a sentence."""
    _ = words.gettext
    match why:
        case Why.NO_TERMS:
            return "", _("First say what a token is worth.")
        case Why.WRONG:
            return "count", _("At most %(num)d at a time.") % {"num": TOKENS_AT_ONCE_MAX}
        case Why.MORE_THAN_OUT:
            return "count", _("That is more than were ever handed out. Please count again.")
        case Why.NOT_IN_BOX:
            return "", _("There is not so much money in the box.")
        case Why.NO_MEMBER:
            return "number", _("There is no member with this number.")
        case Why.PAUSED:
            return "number", _("This member cannot trade just now.")
        case Why.SELF:
            return "number", _("This is about you. Another organiser does it.")
        case Why.TOO_FAR:
            return "count", _("That is further behind than this member may go.")
        case Why.NO_ROOM:
            return "count", _(
                "That is further ahead than this member may go. Take them back for money, or fewer."
            )
        case Why.REFUSED:
            return "", _("The books do not take this. Nothing moved.")
        case Why.CORRECTED:
            return "", _("This was put right already.")
        case Why.COUNTED:
            return "", _("A count is not put right: count again.")
        case Why.NO_REASON:
            return "text", _("The money is not what the book says. Please say what you know of it.")
        case Why.OUTSIDE:
            return "worth", _("Tokens are in people’s hands: what they are worth stays as it is.")
