"""Days as pages show them: in their conversation, and on the first page. Source: docs/pages.md 8.5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from node.services.day_rows import Appointment, appointments_in, open_appointments
from node.services.members import Member, member_by_account
from node.services.threads import Thread, thread_by_id
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.amounts import Unit
from node.web.context import Context
from node.web.dates import DAY_MS
from node.web.present import OtherScheme, Voice, first_name, reference
from node.web.views.days import DayCard
from node.web.views.member import WaitingCard
from node.web.views.page import Link, Pill
from protocol.agreement import AgreementState, Side
from protocol.names import SchemeId

SHOWN_MAX: Final = 3
# A day that is over and was to be paid is asked about for so long; one that nears is shown so long before.
ASKED_ABOUT_MS: Final = 30 * DAY_MS
NEARS_MS: Final = 2 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysRead:
    """The days of a conversation, and the trades that paid for them."""

    days: tuple[Appointment, ...]
    trades: Mapping[int, Trade]


def read_days(tx: ReadTx, thread: Thread, account_no: int) -> DaysRead:
    """Query: the newest days of a conversation."""
    days = appointments_in(tx, thread.id, account_no)[:SHOWN_MAX]
    trades = {each.trade_no: trade_by_no(tx, each.trade_no) for each in days if each.trade_no is not None}
    return DaysRead(days=tuple(reversed(days)), trades=trades)


def day_cards(
    context: Context, read: DaysRead, name: str, other: OtherScheme | None
) -> tuple[DayCard, ...]:  # fmt: skip
    """Return the cards of a conversation with `name`, who is of scheme `other` if not of ours."""
    return tuple(_card(context, day, read.trades, name, other) for day in read.days)


def _card(
    context: Context, day: Appointment, trades: Mapping[int, Trade], name: str, other: OtherScheme | None
) -> DayCard:  # fmt: skip
    _, voice, me = context.words.gettext, context.voice, context.member.account_no
    stands, mine = day.stands, day.side_of(me) is Side.PROPOSER
    trade = None if day.trade_no is None else trades.get(day.trade_no)
    agreed, over = stands is AgreementState.AGREED, day.at_ms <= context.now_ms
    waits = stands is AgreementState.PROPOSED and not over
    withdraw = (waits and mine) or (agreed and not day.under_way)
    return DayCard(
        what=day.what,
        state=_pill(day, mine, over, voice),
        lines=tuple(
            each for each in (voice.moment(day.at_ms), day.place, _price(day, me, name, other, voice)) if each
        ),
        accept_action=f"/days/{day.no}/accept" if waits and not mine else "",
        decline_action=f"/days/{day.no}/decline" if waits and not mine else "",
        withdraw_action=f"/days/{day.no}/withdraw" if withdraw else "",
        withdraw_text=_("It did not happen") if agreed and over else _("Take it back"),
        record_action=f"/days/{day.no}/record" if agreed and day.pays(me) and not day.under_way else "",
        calendar_href=f"/days/{day.no}/calendar" if agreed and not over else "",
        trade=None if trade is None else Link(text=_("See the trade"), href=f"/t/{reference(trade)}"),
    )


def _pill(day: Appointment, mine: bool, over: bool, voice: Voice) -> Pill:
    _ = voice.words.gettext
    match day.stands:
        case AgreementState.PROPOSED if over:
            return Pill(text=_("Not answered in time"))
        case AgreementState.PROPOSED:
            return Pill(text=_("Waiting for a yes") if mine else _("Yes or no?"), tone="wait")
        case AgreementState.AGREED:
            return Pill(text=_("Agreed"), tone="good")
        case AgreementState.DECLINED:
            return Pill(text=_("Declined"))
        case AgreementState.WITHDRAWN:
            return Pill(text=_("Taken back"))
        case AgreementState.PAID:
            return Pill(text=_("Paid"), tone="good")


def _price(day: Appointment, me: int, name: str, other: OtherScheme | None, voice: Voice) -> str:
    if not day.amount:
        return ""
    said = {"name": first_name(name), "amount": voice.spoken(day.amount, unit_of_price(day, me, other))}
    if day.pays(me):
        return voice.words.gettext("You pay %(name)s %(amount)s.") % said
    return voice.words.gettext("%(name)s pays you %(amount)s.") % said


def unit_of_price(day: Appointment, me: int, other: OtherScheme | None) -> Unit | None:
    """Return the unit of whoever is paid, where it is not our own."""
    return other.unit if other is not None and day.pays(me) else None


# --- What waits on the first page ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWaiting:
    """A day that the first page may show."""

    day: Appointment
    thread: Thread
    partner: Member | None


def read_waiting_days(tx: ReadTx, now_ms: int, account_no: int, own: SchemeId) -> tuple[DayWaiting, ...]:
    """Query: a member's days that are not over for long."""
    found = []
    for day in open_appointments(tx, account_no, now_ms - ASKED_ABOUT_MS):
        tx.holds_until(day.at_ms + ASKED_ABOUT_MS)
        thread = thread_by_id(tx, day.thread_id, day.other_scheme or own, account_no)
        partner = day.partner_of(account_no)
        if thread is not None:
            member = None if partner is None else member_by_account(tx, partner)
            found.append(DayWaiting(day=day, thread=thread, partner=member))
    return tuple(found)


def waiting_days(voice: Voice, account_no: int, waiting: tuple[DayWaiting, ...]) -> list[WaitingCard]:
    """Return the cards of days that want the reader's answer, that near, and that were and are to be paid."""
    cards = [_waiting_card(voice, account_no, each) for each in waiting]
    return [each for each in cards if each is not None]


def _waiting_card(voice: Voice, me: int, waiting: DayWaiting) -> WaitingCard | None:
    day, _ = waiting.day, voice.words.gettext
    name = waiting.thread.their_name if waiting.partner is None else waiting.partner.name
    said = {"name": first_name(name) or _("Somebody"), "what": day.what}
    when = ", ".join(each for each in (voice.moment(day.at_ms), day.place) if each)
    talk, ahead = f"/messages/{waiting.thread.no}", day.at_ms - voice.now_ms
    if day.stands is AgreementState.PROPOSED and ahead > 0 and day.side_of(me) is Side.OTHER:
        answer = Link(text=_("Say yes or no"), href=talk)
        return WaitingCard(title=_("%(name)s proposes a day: %(what)s") % said, text=when, action=answer)
    if day.stands is not AgreementState.AGREED:
        return None
    if 0 < ahead <= NEARS_MS:
        see = Link(text=_("See the messages"), href=talk)
        return WaitingCard(title=_("Agreed with %(name)s: %(what)s") % said, text=when, action=see)
    if ahead <= 0 and day.pays(me) and not day.under_way:
        record = Link(text=_("Say what happened"), href=talk)
        return WaitingCard(title=_("Did it happen? %(what)s") % said, text=when, action=record)
    return None
