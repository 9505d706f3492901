"""The first page of a member: what waits for them, where they stand, what is new. Source: docs/pages.md 7.2."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.books import load
from node.services.trades import Trade, trades_waiting
from node.store import ReadTx
from node.web.context import MEMBER, Context, get
from node.web.dates import local
from node.web.pages.schemes import Schemes, read_schemes
from node.web.present import Voice, balance_card, first_name, party_of, reference, trade_sentence
from node.web.views.member import HomeView, WaitingCard
from node.web.views.page import Link
from protocol.ledger import Account

CARDS_SHOWN: Final = 3
NOON: Final = 12
EVENING: Final = 18


async def home(context: Context) -> web.Response:
    """GET /home"""
    voice = context.voice
    account, waiting, schemes = await context.read(_read, context.member.account_no, context.now_ms)
    return context.show(
        HomeView(
            greeting=greeting(context.member.name, voice),
            waiting=tuple(
                _under_way(trade, context.member.account_no, schemes, voice)
                for trade in waiting[:CARDS_SHOWN]
            ),
            balance=balance_card(account, voice),
            near=(),
            from_neighbours=(),
        )
    )


def _read(tx: ReadTx, account_no: int, now_ms: int) -> tuple[Account, list[Trade], Schemes]:
    return load(tx, account_no).value, trades_waiting(tx, account_no), read_schemes(tx, now_ms)


def greeting(name: str, voice: Voice) -> str:
    """Return "Good morning, Ana", by the scheme's clock on the wall."""
    said = {"name": first_name(name)}
    hour = local(voice.now_ms, voice.zone).hour
    if hour < NOON:
        return voice.words.gettext("Good morning, %(name)s") % said
    if hour < EVENING:
        return voice.words.gettext("Good afternoon, %(name)s") % said
    return voice.words.gettext("Good evening, %(name)s") % said


def _under_way(trade: Trade, account_no: int, schemes: Schemes, voice: Voice) -> WaitingCard:
    """Return the card of a trade that another scheme has not answered yet."""
    party = party_of(trade, account_no, {}, schemes, voice)
    said = {
        "amount": voice.spoken(trade.amount),
        "scheme": party.badge,
        "time": voice.since(trade.created_ms),
    }
    if trade.late:
        title = voice.words.gettext("%(scheme)s has not answered since %(time)s") % said
    else:
        title = voice.words.gettext("%(amount)s set aside. Waiting for %(scheme)s.") % said
    return WaitingCard(
        title=title,
        text=trade_sentence(trade, account_no, party, voice),
        action=Link(text=voice.words.gettext("Check now"), href=f"/t/{reference(trade)}/check"),
    )


ROUTES: Final = (get("/home", home, MEMBER),)
