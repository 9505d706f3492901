"""What a member gave and got in the old scheme, on their statement: to be read, in no balance. Source: docs/pages.md 7.2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from node.services.members import Member, member_by_no
from node.services.past_trades import PastTrade, Span, past_between, span_of
from node.store import ReadTx
from node.web.dates import short_day
from node.web.downloads import harmless, plain_number, plain_unit
from node.web.present import Voice, name_of
from node.web.views.trade import PastLine

STATE: Final = "old-scheme"  # in the column `state` of the table


@dataclass(frozen=True, slots=True)
class Past:
    """A member's trades of some days in the old scheme, who the others are, and how many there are in all."""

    member_no: int
    trades: tuple[PastTrade, ...]
    members: Mapping[int, Member]
    span: Span


def read_past(tx: ReadTx, member_no: int, first: date, last: date) -> Past:
    """Return what a member has from the old scheme; a part of a page's read."""
    trades = past_between(tx, member_no, first.isoformat(), last.isoformat())
    numbers = {no for each in trades for no in (each.payer_no, each.payee_no) if no is not None}
    found = {no: member_by_no(tx, no) for no in numbers}
    members = {no: member for no, member in found.items() if member is not None}
    return Past(member_no, tuple(trades), members, span_of(tx, member_no))


def past_lines(past: Past, voice: Voice) -> tuple[PastLine, ...]:
    """Return the lines of a statement."""
    return tuple(
        PastLine(
            date=_day(each.day, voice) if each.dated else voice.words.gettext("day unknown"),
            sentence=_sentence(each, past, voice),
            received=voice.short(each.amount, signed=True) if each.payee_no == past.member_no else "",
            given=voice.short(-each.amount, signed=True) if each.payer_no == past.member_no else "",
        )
        for each in past.trades
    )


def _sentence(trade: PastTrade, past: Past, voice: Voice) -> str:
    said = {"name": _other(trade, past, voice), "what": trade.text}
    if not trade.text:
        return voice.words.gettext("With %(name)s") % said
    return voice.words.gettext("%(what)s, with %(name)s") % said


def _other(trade: PastTrade, past: Past, voice: Voice) -> str:
    got = trade.payee_no == past.member_no
    no, name = (trade.payer_no, trade.payer_name) if got else (trade.payee_no, trade.payee_name)
    member = None if no is None else past.members.get(no)
    if member is not None:
        return name_of(member, voice.words)
    return name or voice.words.gettext("the old scheme itself")


def _day(day: str, voice: Voice) -> str:
    return short_day(date.fromisoformat(day), voice.words)


def elsewhere(past: Past, voice: Voice) -> tuple[str, str]:
    """Return how many trades of the old scheme other days show, and where; nothing where these days show all."""
    span = past.span
    if span.trades <= len(past.trades):
        return "", ""
    said = {"num": span.trades, "first": _day(span.first, voice), "last": _day(span.last, voice)}
    sentence = voice.words.ngettext(
        "%(num)d trade from the old scheme, %(first)s",
        "%(num)d trades from the old scheme, %(first)s to %(last)s",
        span.trades,
    )
    return sentence % said, "/statement?" + urlencode({"from": span.first, "to": span.last})


def past_rows(past: Past, voice: Voice) -> Iterator[tuple[str, ...]]:
    """Return the same for a spreadsheet, in the columns of a statement; `state` says that no balance holds them."""
    for each in past.trades:
        got = each.payee_no == past.member_no
        amount = plain_number(each.amount, voice.unit)
        yield (
            each.day if each.dated else "", "", "", harmless(each.text), harmless(_other(each, past, voice)), "",
            amount if got else "", "" if got else amount, "", harmless(plain_unit(voice.unit)), "", "", STATE,
        )  # fmt: skip
