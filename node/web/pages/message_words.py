"""What a message is besides its words, and what became of one of mine. Source: docs/pages.md 8.4; docs/protocol.md 7.7."""

from __future__ import annotations

from typing import Final

from node.services.threads import Message
from node.web.present import Voice
from protocol import letter
from protocol.letter import DELIVERED, EXPIRED, NOBODY, NOT_UNDERSTOOD, TOO_MANY

REQUEST_KINDS: Final = (
    letter.PAYMENT_REQUEST,
    letter.CHEQUE,
    letter.REQUEST_DECLINED,
    letter.REQUEST_WITHDRAWN,
)


def kind_words(message: Message, voice: Voice) -> tuple[str, ...]:
    """Return what a message is, where it is more than its words."""
    _ = voice.words.gettext
    match message.kind:
        case letter.PAYMENT_REQUEST:
            return (_("Asks to be paid, for:"),)
        case letter.CHEQUE:
            return (_("Asks to be paid from a cheque or slip:"),)
        case letter.REQUEST_DECLINED:
            return (_("Said no to the request."),)
        case letter.REQUEST_WITHDRAWN:
            return (_("Took the request back."),)
        case letter.PROPOSAL if message.until_ms is not None:
            return (_("Proposes a day: %(when)s") % {"when": voice.moment(message.until_ms)},)
        case letter.THANKS:
            return (_("Thank you!"),)
        case _:
            return ()


def state_words(message: Message, voice: Voice) -> str:
    """Return what became of a letter of mine."""
    _ = voice.words.gettext
    match message.state:
        case state if state == DELIVERED and message.answered_ms is not None:
            return _("delivered %(time)s") % {"time": voice.since(message.answered_ms)}
        case state if state == NOBODY:
            return _("not delivered: they are not there any more")
        case state if state == EXPIRED:
            return _("not delivered in time")
        case state if state == TOO_MANY:
            return _("not delivered: they have too many letters today")
        case state if state == NOT_UNDERSTOOD:
            return _("not delivered: it could not be read there")
        case _:
            return _("on its way")
