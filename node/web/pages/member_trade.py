"""One trade by its reference: the page about it, what became of it, and what to do when something is wrong.

A reference opens only for its parties and for organisers; for everybody else there is no such page.
Source: docs/pages.md 0.4 to 0.7, 4, 7.2, 8.8, 8.11.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from aiohttp import web

from node.services.afterwards import complaints_of, may_speak, thanks_of
from node.services.books import load
from node.services.cheque_rows import FromPaper, paper_of
from node.services.members import Member
from node.services.payer_desk import FREED, FREED_PAID
from node.services.signed_books import was_signed
from node.services.trades import Trade, is_arriving, trade_by_no, trades_by_reference
from node.store import ReadTx
from node.web import dates
from node.web.context import MEMBER, Context, NoSuchPage, get
from node.web.dates import DAY_MS, MINUTE_MS
from node.web.listing_names import listing_id
from node.web.live_marks import Kind, marks_for
from node.web.pages.member import members_of
from node.web.pages.schemes import Schemes, schemes_known
from node.web.present import (
    OtherScheme,
    Party,
    Voice,
    has_now,
    party_of,
    reference,
    refusal_words,
    trade_pill,
    trade_sides,
)
from node.web.rates import hours_words
from node.web.views.page import Fact, View
from node.web.views.trade import DoneView, LateView, SetAsideView, Sides, TradeView, UndoneView
from protocol.errors import InvalidValue
from protocol.limits import FROZEN_AFTER_MS
from protocol.references import parse_reference, reference_bits

# A trade across schemes takes seconds; after a minute saying so would sound wrong.
SLOW_AFTER_MS: Final = MINUTE_MS


class Found:
    """A trade with what its page says of it, read at one moment."""

    def __init__(self, tx: ReadTx, number: int, member: Member):
        trades = trades_by_reference(tx, number)
        mine = [trade for trade in trades if trade.concerns(member.account_no)]
        shown = mine or (trades if member.at_desk else [])
        if not shown:
            raise NoSuchPage
        self.trade: Final[Trade] = shown[0]
        self.is_mine: Final = bool(mine)
        self.account_no: Final = member.account_no if mine else shown[0].payer_no or shown[0].payee_no
        self.members: Final = members_of(tx, [self.trade])
        self.arriving: Final = is_arriving(tx, self.trade)
        self.thanks: Final = thanks_of(tx, self.trade.no)
        about = self.trade.no if self.trade.corrects_no is None else self.trade.corrects_no
        put_right = [each.outcome for each in complaints_of(tx, about) if each.state == "corrected"]
        self.put_right: Final = put_right[0] if put_right else ""  # why an organiser corrected it
        self.balance: Final = load(tx, member.account_no).value.balance
        self.paper: Final = paper_of(tx, self.trade.no)
        self.signed: Final = was_signed(tx, self.trade.entry_seq)
        linked = (self.trade.corrects_no, self.trade.corrected_by_no)
        self.corrects, self.corrected_by = (None if no is None else trade_by_no(tx, no) for no in linked)


async def find(context: Context) -> Found:
    """Return the trade the address names. Raises NoSuchPage, whoever else's it is."""
    return await _found(context, context.part("reference"))


async def _found(context: Context, text: str) -> Found:
    try:
        bits = reference_bits(parse_reference(text))
    except InvalidValue:
        raise NoSuchPage from None
    return await context.read(Found, int.from_bytes(bits, "big"), context.member)


async def find_mine(context: Context, text: str) -> Trade:
    """Return a trade that the reader paid, by its reference. Raises NoSuchPage."""
    trade = (await _found(context, text)).trade
    if trade.payer_no != context.member.account_no:
        raise NoSuchPage
    return trade


# --- What became of it --------------------------------------------------------------------------------------


async def result(context: Context) -> web.Response:
    """GET /t/{reference}/check: done, set aside, late or undone, as it stands now."""
    live, found = await marks_for(context, Kind.TRADES), await find(context)
    if not found.is_mine or found.trade.payer_no != context.member.account_no:
        return context.redirect(f"/t/{reference(found.trade)}")
    view = result_view(found.trade, found.members, found.balance, await schemes_known(context), context.voice)
    return context.show(view, live=live)


def result_view(
    trade: Trade, members: dict[int, Member], balance: int, schemes: Schemes, voice: Voice
) -> View:  # fmt: skip
    """Return the page that ends the recording of a trade, as its payer sees it."""
    assert trade.payer_no is not None, "whoever records a trade pays it"
    party = party_of(trade, trade.payer_no, members, schemes, voice)
    other = None if trade.other_scheme is None else schemes.get(trade.other_scheme)
    sides = trade_sides(trade, trade.payer_no, party, other, voice)
    amount, here = voice.spoken(trade.amount), f"/t/{sides.reference}"
    if trade.state == "undone":
        return UndoneView(
            sides=sides,
            amount=amount,
            reason=refusal_words(trade.reason, party.badge, voice).rstrip("."),
            # The answer may still come: then it is paid, and trying the same again would pay it twice.
            again_href="" if trade.reason in (FREED, FREED_PAID) else f"/record/what?again={sides.reference}",
        )
    if trade.state != "set-aside":
        return DoneView(
            sides=sides,
            by_both=trade.kind != "local",
            told=voice.words.gettext("%(name)s can see it too.") % {"name": party.name},
            balance=has_now(balance, voice),
            trade_href=here,
        )
    since = voice.since(trade.created_ms)
    if trade.late:
        return LateView(
            sides=sides, amount=amount, scheme=party.badge, since=since, days=FROZEN_AFTER_MS // DAY_MS,
            check_href=f"{here}/check", trade_href=here,
        )  # fmt: skip
    return SetAsideView(
        sides=sides, amount=amount, scheme=party.badge, since=since,
        slow=voice.now_ms - trade.created_ms > SLOW_AFTER_MS, check_href=f"{here}/check", trade_href=here,
    )  # fmt: skip


# --- The trade ----------------------------------------------------------------------------------------------


async def trade_page(context: Context) -> web.Response:
    """GET /t/{reference}"""
    live, found = await marks_for(context, Kind.TRADES), await find(context)
    voice, schemes = context.voice, await schemes_known(context)
    trade = found.trade
    other = None if trade.other_scheme is None else schemes.get(trade.other_scheme)
    sides, party = sides_of(found, schemes, voice)
    pays = found.is_mine and trade.payer_no == context.member.account_no
    here = f"/t/{sides.reference}"
    view = TradeView(
        sides=sides,
        state=trade_pill(trade, voice, arriving=found.arriving),
        state_text=_state_text(found, party, voice),
        facts=(*_facts(trade, party, other, voice), *_signed(found, voice)),
        history=_history(found, party, voice),
        check_href=f"{here}/check" if pays and trade.state == "set-aside" else "",
        receipt_href="" if trade.entry_seq is None else f"{here}/receipt",
        message_href=_message_href(trade, party) if found.is_mine else "",
        thanks=_thanks(found, party) if found.is_mine else (),
        thank_href=f"{here}/thank" if _may_thank(found, context) else "",
        wrong_href=f"{here}/wrong" if found.is_mine and trade.state in ("done", "corrected") else "",
        again_href=f"/record/what?again={sides.reference}"
        if pays and trade.state != "set-aside" and trade.reason not in (FREED, FREED_PAID)
        else "",
    )
    return context.show(view, live=live)


def sides_of(found: Found, schemes: Schemes, voice: Voice) -> tuple[Sides, Party]:
    """Return both amounts of a trade and the other side, as the reader is to see them."""
    trade, account_no = found.trade, found.account_no
    assert account_no is not None, "one side of every trade is ours"
    party = party_of(trade, account_no, found.members, schemes, voice)
    other = None if trade.other_scheme is None else schemes.get(trade.other_scheme)
    if found.is_mine:
        return trade_sides(trade, account_no, party, other, voice), party
    return _seen_by_organiser(trade, party, found.members[account_no], other, voice), party


def _may_thank(found: Found, context: Context) -> bool:
    """Tell whether the reader may say thank you now: once, for a trade that stands."""
    trade = found.trade
    stands = trade.corrects_no is None and trade.state == "done" and not found.arriving
    known = context.member.account_no in found.thanks
    return found.is_mine and stands and not known and may_speak(trade, context.now_ms)


def _thanks(found: Found, party: Party) -> tuple[Fact, ...]:
    rows = []
    for account_no, text in found.thanks.items():
        member = None if account_no is None else found.members.get(account_no)
        rows.append(Fact(label=party.name if member is None else member.name, text=text))
    return tuple(rows)


def _seen_by_organiser(
    trade: Trade, party: Party, member: Member, other: OtherScheme | None, voice: Voice
) -> Sides:
    sides = trade_sides(trade, member.account_no, party, other, voice)
    said = {"name": member.name, "amount": voice.spoken(trade.amount)}
    if trade.state in ("set-aside", "undone"):
        mine = voice.words.gettext("%(name)s: %(amount)s.") % said
    elif trade.payer_no == member.account_no:
        mine = voice.words.gettext("%(name)s gave %(amount)s.") % said
    else:
        mine = voice.words.gettext("%(name)s got %(amount)s.") % said
    return replace(sides, mine=mine)


def _message_href(trade: Trade, party: Party) -> str:
    """Return where to write to the other side: a member of ours, or whoever placed a neighbour's listing."""
    if party.href:
        return f"/messages/new?to={party.href.rpartition('/')[2]}"
    if trade.kind == "out" and trade.listing is not None and trade.other_scheme is not None:
        return f"/messages/new?listing={listing_id(trade.listing, trade.other_scheme)}"
    return ""


def _state_text(found: Found, party: Party, voice: Voice) -> tuple[str, ...]:
    trade, words = found.trade, voice.words
    amount = voice.spoken(trade.amount)
    if found.arriving:
        return (words.gettext("It is recorded here. The other schemes are being told."),)
    if trade.state == "undone":
        return (
            refusal_words(trade.reason, party.badge, voice),
            words.gettext("Nothing moved. %(amount)s are free again.") % {"amount": amount},
        )
    if trade.state == "set-aside":
        waiting = {"amount": amount, "scheme": party.badge, "time": voice.since(trade.created_ms)}
        if trade.late:
            return (
                words.gettext("%(scheme)s has not answered since %(time)s. You need do nothing.") % waiting,
                words.gettext("Do not pay again."),
            )
        return (words.gettext("%(amount)s set aside. Waiting for %(scheme)s.") % waiting,)
    if trade.state == "corrected" and found.corrected_by is not None:
        said = {"name": found.corrected_by.entered_by, "reference": reference(found.corrected_by)}
        return (
            words.gettext("Corrected by %(name)s: see trade %(reference)s.") % said,
            *_put_right(found, voice),
        )
    if found.corrects is not None:
        return (
            words.gettext("This puts trade %(reference)s right.") % {"reference": reference(found.corrects)},
            *_put_right(found, voice),
        )
    if trade.kind != "local":
        return (words.gettext("Recorded by both schemes."),)
    return ()


def _put_right(found: Found, voice: Voice) -> tuple[str, ...]:
    reason = {"reason": found.put_right}
    return (voice.words.gettext("The reason: %(reason)s") % reason,) if found.put_right else ()


def _facts(trade: Trade, party: Party, other: OtherScheme | None, voice: Voice) -> tuple[Fact, ...]:
    words = voice.words
    facts = [
        Fact(label=words.gettext("When"), text=voice.moment(trade.created_ms)),
        Fact(label=words.gettext("Entered by"), text=trade.entered_by or party.name),
    ]
    if trade.other_scheme is not None:
        facts.append(Fact(label=words.gettext("Other scheme"), text=party.badge))
    if trade.hours is not None:
        facts.append(Fact(label=words.gettext("Between the schemes"), text=hours_words(trade.hours, voice)))
    if trade.other_amount is not None and other is not None:
        text = words.gettext("%(theirs)s = %(mine)s") % {
            "theirs": voice.spoken(trade.other_amount, other.unit),
            "mine": voice.spoken(trade.amount),
        }
        facts.append(Fact(label=words.gettext("Price"), text=text))
    return tuple(facts)


def _signed(found: Found, voice: Voice) -> tuple[Fact, ...]:
    words, payer = voice.words, found.trade.payer_no
    if not found.signed or payer is None:
        return ()
    text = words.gettext("With the passkey of %(name)s") % {"name": found.members[payer].name}
    return (Fact(label=words.gettext("Signed"), text=text),)


def _history(found: Found, party: Party, voice: Voice) -> tuple[Fact, ...]:
    trade, words = found.trade, voice.words
    said = {"amount": voice.spoken(trade.amount), "scheme": party.badge, "name": trade.entered_by}
    begun = voice.since(trade.created_ms)
    if found.paper is not None:
        return (Fact(label=begun, text=paper_words(found.paper, voice)),)
    if trade.kind == "local":
        return (Fact(label=begun, text=words.gettext("Recorded by %(name)s.") % said),)
    if trade.kind == "in":
        return (Fact(label=begun, text=words.gettext("%(scheme)s paid. Recorded here.") % said),)
    history = [
        Fact(
            label=begun,
            text=words.gettext("Agreed by %(name)s. %(amount)s were set aside.") % said,
        )
    ]
    if trade.ended_ms is not None and trade.reason in (FREED, FREED_PAID):
        freed = words.gettext("Two organisers freed %(amount)s, because %(scheme)s never answered.") % said
        history.append(Fact(label=voice.since(trade.ended_ms), text=freed))
        if trade.reason == FREED_PAID:
            paid = words.gettext("%(scheme)s answered after all. The community chest paid it.") % said
            history.append(Fact(label=words.gettext("Later"), text=paid))
    elif trade.ended_ms is not None and trade.state == "undone":
        history.append(
            Fact(
                label=voice.since(trade.ended_ms),
                text=words.gettext("%(scheme)s could not take it. %(amount)s were free again.") % said,
            )
        )
    elif trade.ended_ms is not None:
        history.append(
            Fact(
                label=voice.since(trade.ended_ms), text=words.gettext("%(scheme)s recorded it. Done.") % said
            )
        )
    return tuple(history)


def paper_words(paper: FromPaper, voice: Voice) -> str:
    """Return who entered a trade from which cheque or slip."""
    day = dates.short_day(date.fromisoformat(paper.dated), voice.words)
    said = {"name": paper.by_name, "number": paper.number, "day": day}
    if paper.number:
        return voice.words.gettext("Entered by %(name)s from cheque %(number)s of %(day)s.") % said
    return voice.words.gettext("Entered by %(name)s from a slip of %(day)s.") % said


ROUTES: Final = (
    get("/t/{reference}", trade_page, MEMBER, for_others=True),
    get("/t/{reference}/check", result, MEMBER, for_others=True),
)
