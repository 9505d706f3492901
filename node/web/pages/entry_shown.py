"""How the slips of an envelope are shown that were written into the books or sent on their way. Source: docs/pages.md 8.9."""

from __future__ import annotations

from dataclasses import dataclass, replace

from node.services.ask_rows import Ask, ask_by_no
from node.services.cheque_rows import Batch, Stands, Typed, read_batch
from node.services.members import Member, member_by_account
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.context import Context, NoSuchPage
from node.web.pages.entry_abroad import Near, scheme_name, stands_pill, stands_words
from node.web.pages.entry_sheet import Sheet
from node.web.pages.member import members_of
from node.web.present import reference
from node.web.views.entry import SlipView
from node.web.views.page import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A batch, with the trades its slips became."""

    batch: Batch
    trades: dict[int, Trade]  # by row
    asks: dict[int, Ask]  # those sent to their giver's scheme, by row
    members: dict[int, Member]  # by account

    @property
    def sheet(self) -> Sheet:
        """What can still be typed into."""
        return Sheet(envelope=self.batch.envelope, rows=tuple(row for row in self.batch.rows if row.waits))

    @property
    def settled(self) -> tuple[Typed, ...]:
        """What is in the books or on its way."""
        return tuple(row for row in self.batch.rows if not row.waits)


def read_opened(tx: ReadTx, no: int, now_ms: int) -> Opened:
    batch = read_batch(tx, no, now_ms)
    if batch is None:
        raise NoSuchPage
    trades = {row.row: trade_by_no(tx, row.paid_no) for row in batch.rows if row.paid_no is not None}
    found = {
        row.row: ask_by_no(tx, row.ask_no) for row in batch.rows if row.ask_no is not None and not row.waits
    }
    asks = {row: ask for row, ask in found.items() if ask is not None}
    members = members_of(tx, list(trades.values()))
    for ask in asks.values():
        payee = None if ask.payee_no is None else member_by_account(tx, ask.payee_no)
        if payee is not None:
            members[payee.account_no] = payee
    return Opened(batch=batch, trades=trades, asks=asks, members=members)


def slip_view(
    context: Context, opened: Opened, columns: list[str], row: int, typed: Typed | None, near: Near
) -> SlipView:
    if typed is None:
        return SlipView(row=row, values=("",) * len(columns))
    view = SlipView(row=row, values=tuple(typed.values[column] for column in columns))
    if typed.stands is None:
        return view
    scheme = scheme_name(near, typed.values["scheme"] or opened.batch.envelope.same.get("scheme", ""))
    stands, pill = stands_words(context, typed, scheme), stands_pill(context, typed)
    if typed.waits:
        return replace(view, said=(stands,), pill=pill)
    trade, ask = opened.trades.get(row), opened.asks.get(row)
    moved = (
        _moved(context, trade, opened.members, scheme)
        if trade is not None
        else _asked(context, ask, opened.members, scheme)
    )
    return replace(
        view,
        settled=True,
        said=tuple(each for each in (moved, _from(context, typed), stands) if each),
        pill=None if typed.stands is Stands.BOOKED else pill,
        trade=None if trade is None else Link(text=reference(trade), href=f"/t/{reference(trade)}"),
    )


def _asked(context: Context, ask: Ask | None, members: dict[int, Member], scheme: str) -> str:
    if ask is None:
        return ""
    payee = None if ask.payee_no is None else members.get(ask.payee_no)
    said = {
        "payer": f"{ask.their_name} ({scheme})",
        "payee": "" if payee is None else payee.name,
        "amount": context.voice.spoken(ask.amount),
    }
    return context.words.gettext("%(payer)s gives %(payee)s %(amount)s.") % said


def _moved(context: Context, trade: Trade, members: dict[int, Member], scheme: str) -> str:
    there = f"{trade.other_name} ({scheme})"
    people = [None if no is None else members.get(no) for no in (trade.payer_no, trade.payee_no)]
    payer, payee = (
        there if no is None else "" if each is None else each.name
        for no, each in zip((trade.payer_no, trade.payee_no), people, strict=True)
    )
    said = {"payer": payer, "payee": payee, "amount": context.voice.spoken(trade.amount), "what": trade.text}
    if trade.state == "set-aside":
        return context.words.gettext("%(payer)s gives %(payee)s %(amount)s.") % said
    return context.words.gettext("%(payer)s gave %(payee)s %(amount)s: %(what)s.") % said


def _from(context: Context, typed: Typed) -> str:
    said = {"name": typed.by_name, "number": typed.values["number"]}
    if said["number"]:
        return context.words.gettext("Entered by %(name)s from cheque %(number)s.") % said
    return context.words.gettext("Entered by %(name)s from a slip.") % said
