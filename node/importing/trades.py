"""Trades that were made in other programs, read: who gave how much to whom, when, and for what. Source: docs/pages.md 7.4."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from node.importing.amounts import amount_of, clock_of, day_of, minutes_of, number_of
from node.importing.layouts import Layout
from node.importing.rows import BadLine, Fault, Fields, Side, TradeRow, Wrong
from node.web.amounts import Unit
from protocol.limits import AMOUNT_MAX

NAMED: Final = re.compile(r"(.*?)\s*\(\s*([0-9]{1,12})\s*\)")  # "Nil Roca (2)"
NAME_CHARACTERS_MAX: Final = 120

# The words for a trade that was made; any other is one that came to nothing.
_DONE: Final[Mapping[Layout, frozenset[str]]] = {
    Layout.CCLITE_TRADES: frozenset({"accepted", "cleared"}),
    Layout.KOMUNITIN_TRANSFERS: frozenset({"committed"}),
}
# Cclite's own accounts, which no person has.
_OWN_ACCOUNTS: Final = frozenset({"sysaccount", "cash", "liquidity"})
_HALVES: Final = frozenset({"debit", "credit"})

Line = tuple[int, Fields | BadLine]


def read_trades(layout: Layout, lines: Iterable[Line], unit: Unit) -> tuple[list[TradeRow], list[Fault]]:
    """Return the trades of a file and its faults: each line is in one of the two, or is the other half of a trade."""
    trades: list[TradeRow] = []
    faults: list[Fault] = []
    good: list[tuple[int, Fields]] = []
    for line, fields in lines:
        if isinstance(fields, BadLine):
            faults.append(Fault(line, fields.wrong, fields.detail))
        else:
            good.append((line, fields))
    most = _currency(good)
    others = _other_halves(good) if layout is Layout.CCLITE_TRADES else {}
    for line, fields in good:
        if line in others.values():
            continue
        try:
            trades.append(_trade(layout, line, fields, unit, most, others.get(line)))
        except BadLine as bad:
            faults += [Fault(each, bad.wrong, bad.detail) for each in (line, others.get(line)) if each]
    return trades, faults


def _currency(lines: Sequence[tuple[int, Fields]]) -> str:
    """Return what most of a file counts in; "" where it does not say."""
    (currency, _), *_ = Counter(fields.get("currency", "") for _, fields in lines).most_common(1) or [("", 0)]
    return currency


def _other_halves(lines: Sequence[tuple[int, Fields]]) -> dict[int, int]:
    """Return, by the line of its first half, the line of a trade's second: Cclite writes one row for each side."""
    waiting: defaultdict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
    found: dict[int, int] = {}
    for line, fields in lines:
        half = fields.get("half", "")
        if half not in _HALVES:
            continue
        named = ("hash", "payer", "payee", "number", "currency", "day")
        same = waiting[tuple(fields.get(name, "") for name in named)]
        first = next((each for each in same if each[1] != half), None)
        if first is None:
            same.append((line, half))
        else:
            same.remove(first)
            found[first[0]] = line
    return found


def _trade(
    layout: Layout, line: int, fields: Fields, unit: Unit, currency: str, other_line: int | None
) -> TradeRow:  # fmt: skip
    state = fields.get("state", "")
    if layout in _DONE and state.casefold() not in _DONE[layout]:
        raise BadLine(Wrong.NOT_DONE, state[:40])
    if "half" in fields and fields["half"] not in (("debit",) if layout is Layout.CCLITE_BATCH else _HALVES):
        raise BadLine(Wrong.NOT_DONE, fields["half"][:40])
    if fields.get("registry") != fields.get("other-registry"):
        raise BadLine(Wrong.ELSEWHERE, fields.get("other-registry", "")[:40])
    if fields.get("currency", "") != currency:
        raise BadLine(Wrong.CURRENCY, fields.get("currency", "")[:40])
    payer, payee = (_side(layout, fields, which, other_line) for which in ("payer", "payee"))
    if payer == payee:
        raise BadLine(Wrong.SAME_SIDES, (payer.name or payer.number)[:40])
    amount, written = _amount(fields, unit)
    if not 0 < amount <= AMOUNT_MAX:
        raise BadLine(Wrong.AMOUNT, written[:40])
    dated = layout is not Layout.KOMUNITIN_PAYMENTS
    day = day_of(fields.get("day", ""), day_first=layout is Layout.CCLITE_BATCH) if dated else ""
    return TradeRow(
        line=line, key=fields.get("key", "")[:80], day=day, payer=payer, payee=payee, amount=amount,
        text=" ".join(fields.get("text", "").split()), other_line=other_line,
    )  # fmt: skip


def _amount(fields: Fields, unit: Unit) -> tuple[int, str]:
    """Return an amount, and how it is written."""
    if "clock" in fields:
        return clock_of(fields["clock"], Wrong.AMOUNT), fields["clock"]
    if "seconds" in fields:
        return minutes_of(fields["seconds"], Wrong.AMOUNT), fields["seconds"]
    if "number" in fields:
        return number_of(fields["number"], unit, Wrong.AMOUNT), fields["number"]
    return amount_of(fields.get("amount", ""), unit, Wrong.AMOUNT), fields.get("amount", "")


def _side(layout: Layout, fields: Fields, which: str, other_line: int | None) -> Side:
    """Return who is on a side. Raises BadLine: the file says nobody."""
    said = " ".join(fields.get(which, "").split())[:NAME_CHARACTERS_MAX]
    if fields.get(f"{which}-kind") == "organization":
        return Side("", "")
    if not said:
        raise BadLine(Wrong.OWNER)
    if layout is Layout.TIMEOVERFLOW_TRANSFERS:
        found = NAMED.fullmatch(said)
        return Side("", said) if found is None else Side(found[2], found[1])
    if layout in (Layout.CCLITE_TRADES, Layout.CCLITE_BATCH):
        if said in _OWN_ACCOUNTS:
            return Side("", "")
        far = "payee" if fields.get("half") == "debit" else "payer"
        if layout is Layout.CCLITE_TRADES and which == far and other_line is None:
            # The other half is in another registry, where the same login is somebody else.
            return Side("", " @ ".join(filter(None, (said, fields.get("mirror"))))[:NAME_CHARACTERS_MAX])
    return Side(said, said, by_name=layout is Layout.OWN_TRADES)
