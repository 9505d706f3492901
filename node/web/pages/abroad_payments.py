"""What a member owes or gets for what they had in other schemes, and what of it is paid or asked for. Source: docs/pages.md 8.18.

Nothing on the wire ties a payment to a request: they are told apart by whose they are, by their words, and by which came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.services.acts import clip
from node.services.ask_rows import Ask, asks_of
from node.services.request_rows import Request, newest_requests
from node.services.request_words import SWAP, when_asked
from node.services.swap_words import memo_words
from node.services.trades import Trade, newest_trades
from node.store import ReadTx
from node.web.pages.abroad_words import gets_units, scheme_called
from node.web.pages.booked_abroad_words import is_to_pay
from node.web.pages.schemes import Schemes
from node.web.present import Voice
from node.web.views.member import WaitingCard
from node.web.views.page import Link
from node.web.words import Words
from protocol.beyond import Stands
from protocol.limits import DAY_MS, QUOTE_TEXT_BYTES_MAX

TRADES_LOOKED_AT: Final = 60
REMINDED_MS: Final = 30 * DAY_MS  # how long a first page says that something is not paid


@dataclass(frozen=True, slots=True)
class Lately:
    """What a member paid in other schemes lately, and asked for."""

    paid: tuple[Trade, ...] = ()
    asked: tuple[Ask, ...] = ()


def read_lately(tx: ReadTx, account_no: int) -> Lately:
    """Query: see its class."""
    trades = newest_trades(tx, account_no, TRADES_LOOKED_AT)
    paid = tuple(each for each in trades if each.kind == "out" and each.state != "undone")
    return Lately(paid, tuple(each for each in asks_of(tx, account_no)[1] if each.thread_no is not None))


@dataclass(frozen=True, slots=True)
class Owing:
    """What was had and is over, of late, and what was paid and asked for since."""

    over: tuple[Request, ...]
    lately: Lately


def read_owing(tx: ReadTx, account_no: int, now_ms: int) -> Owing:
    """Query: see its class."""
    over = tuple(
        each
        for each in newest_requests(tx, account_no)
        if each.mirror.seen is Stands.DONE
        and now_ms - each.changed_ms < REMINDED_MS
        and (gets_units(each) or (is_to_pay(each, now_ms) and each.price))
    )
    for each in over:
        tx.holds_until(each.changed_ms + REMINDED_MS)
    return Owing(over, read_lately(tx, account_no) if over else Lately())


def paid_for(request: Request, words: Words) -> str:
    """Return what is paid for."""
    if request.kind == SWAP:
        return clip(memo_words(request.title, request.given, words), QUOTE_TEXT_BYTES_MAX)
    when = when_asked(request, words)
    return clip(f"{request.title}, {when}" if when else request.title, QUOTE_TEXT_BYTES_MAX)


def trade_of(request: Request, paid: Sequence[Trade], words: Words) -> Trade | None:
    """Return the trade by which what was had was paid."""
    what = (paid_for(request, words), request.title)
    for trade in paid:
        here = trade.other_scheme == request.scheme and trade.created_ms >= request.created_ms
        if here and trade.listing in (request.key, None) and trade.text in what:
            return trade
    return None


def ask_of(request: Request, asked: Sequence[Ask], words: Words) -> Ask | None:
    """Return the request for payment by which what is given was asked for."""
    what = paid_for(request, words)
    for ask in asked:
        if ask.thread_no == request.thread_no and ask.created_ms >= request.created_ms and ask.text == what:
            return ask
    return None


def owing_cards(owing: Owing, schemes: Schemes, voice: Voice) -> list[WaitingCard]:
    """Return the cards of what was had in other schemes and is not paid, or not asked for."""
    _, cards = voice.words.gettext, []
    for request in owing.over:
        if gets_units(request):
            done = ask_of(request, owing.lately.asked, voice.words) is not None
            title = _("You get something: %(what)s")
        else:
            done = trade_of(request, owing.lately.paid, voice.words) is not None
            title = _("Not paid yet: %(what)s")
        if done:
            continue
        name = scheme_called(request.scheme, schemes, voice.words)
        cards.append(
            WaitingCard(
                title=title % {"what": paid_for(request, voice.words)},
                text=_("It is over. It was of a member of %(scheme)s.") % {"scheme": name}
                if not gets_units(request)
                else _("Ask for it, and a member of %(scheme)s pays you.") % {"scheme": name},
                action=Link(text=_("See what to do"), href="/my/abroad"),
            )
        )
    return cards
