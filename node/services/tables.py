"""Members, listings and trades as tables that any program reads, and another node takes in: the layouts of one's own.

Every trade that moved a member's account is there, those of an old scheme too, so that the trades of each member come to
their balance. What is no member (the scheme's own accounts, other schemes' members) is a name. Source: docs/export.md.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple

from sqlalchemy import select

from node.importing.rows import FILE_BYTES_MAX, ROWS_MAX
from node.services.accounts import load
from node.services.members import Member, State, members_after
from node.services.own_listings import listings_of
from node.services.past_trades import PastTrade, all_past
from node.store import ReadTx
from node.store.schema import books as schema
from node.store.schema import people as people_schema
from node.web.amounts import MINUS, Unit, as_typed
from node.web.downloads import harmless
from protocol.ledger import LOCAL, SystemRole
from protocol.listing import State as ListingState
from protocol.references import reference_of

MEMBERS: Final = (
    "number",
    "name",
    "email",
    "phone",
    "address",
    "place",
    "about",
    "balance",
    "lower",
    "upper",
)
LISTINGS: Final = ("member", "kind", "title", "text", "category", "price", "per")
TRADES: Final = ("id", "date", "from", "to", "amount", "text")
MEMBERS_MAX: Final = 1_000_000
OPENING: Final = SystemRole.OPENING.value
FIRST_DAY: Final = "1980-01-01"

_L: Final = schema.leg.c
_E: Final = schema.entry.c
_A: Final = schema.account.c
_T: Final = schema.trade.c
_M: Final = people_schema.member.c
_LEGS: Final = (
    select(
        _L.entry_seq, _E.time, _L.amount, _A.kind, _A.role, _M.no, _T.text, _T.other_name, _T.reference,
    )
    .select_from(
        schema.leg.join(schema.entry, _L.entry_seq == _E.seq)
        .join(schema.account, _L.account_no == _A.no)
        .outerjoin(people_schema.member, _M.account_no == _A.no)
        .outerjoin(schema.trade, _T.entry_seq == _E.seq)
    )
    .where(_A.unit == LOCAL)
    .order_by(_L.entry_seq, _L.account_no)
)  # fmt: skip
_KINDS: Final = frozenset({"want", "gift"})  # all others are offers in a table: what is booked is agreed anew


class Leg(NamedTuple):
    """What one entry did to one account in the scheme's own unit."""

    seq: int
    time_ms: int
    amount: int
    kind: str
    role: str
    member_no: int | None
    text: str | None
    other_name: str | None
    reference: int | None


def read_tables(tx: ReadTx, unit: Unit, zone: tzinfo) -> dict[str, bytes]:
    """Return the files by name: each small enough to be brought in as it is. A query."""
    members = [each for each in members_after(tx, 0, MEMBERS_MAX) if each.state is not State.LEFT]
    numbers = {each.no: each.number for each in members}
    return {
        **dict(_files("members", MEMBERS, _members(tx, members, unit))),
        **dict(_files("listings", LISTINGS, _listings(tx, members, unit))),
        **dict(_files("trades", TRADES, _trades(tx, numbers, unit, zone))),
    }


def _files(name: str, columns: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, bytes]]:
    """Return rows as CSV, in as many files as the limits of bringing in ask for."""
    head = _line(columns)
    part, size, count = io.BytesIO(head), len(head), 0
    part.seek(0, io.SEEK_END)
    number = 1
    for row in rows:
        line = _line([harmless(field) for field in row])
        if count == ROWS_MAX or size + len(line) > FILE_BYTES_MAX:
            yield f"{name}-{number}.csv", part.getvalue()
            number, size, count = number + 1, len(head), 0
            part = io.BytesIO(head)
            part.seek(0, io.SEEK_END)
        part.write(line)
        size, count = size + len(line), count + 1
    yield f"{name}-{number}.csv", part.getvalue()


def _line(fields: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(fields)
    return out.getvalue().encode()


def _amount(minor: int, unit: Unit) -> str:
    text = as_typed(abs(minor), unit)
    return f"{MINUS}{text}" if minor < 0 else text


def _members(tx: ReadTx, members: Sequence[Member], unit: Unit) -> Iterator[tuple[str, ...]]:
    for each in members:
        account = load(tx, each.account_no).value
        upper = "" if account.ceiling is None else _amount(account.ceiling, unit)
        yield (
            each.number, each.name, each.email or "", each.phone, each.address, each.place, each.about,
            _amount(account.balance, unit), _amount(account.credit_limit, unit), upper,
        )  # fmt: skip


def _listings(tx: ReadTx, members: Sequence[Member], unit: Unit) -> Iterator[tuple[str, ...]]:
    for each in members:
        for owned in reversed(listings_of(tx, each.no)):
            if owned.listing.state is not ListingState.PUBLISHED:
                continue
            said = owned.listing.content
            yield (
                each.number, said.kind if said.kind in _KINDS else "offer", said.title, said.text, said.category,
                _amount(said.price.amount, unit) if said.price.amount else "", said.price.per,
            )  # fmt: skip


def _trades(tx: ReadTx, numbers: Mapping[int, str], unit: Unit, zone: tzinfo) -> Iterator[tuple[str, ...]]:
    """Return old trades, what opening balances hold besides them, and every trade since."""
    held = Counter[int]()  # in opening balances, of trades that have a row of their own
    for past in all_past(tx):
        if past.payer_no in numbers or past.payee_no in numbers:
            yield _past(past, numbers, unit)
            held.update({no: sign for no, sign in _moved(past) if no in numbers})
    entry: list[Leg] = []
    for row in [*tx.all(_LEGS), None]:
        leg = None if row is None else Leg(*row)
        if entry and (leg is None or entry[0].seq != leg.seq):
            yield from _of_entry(_without(entry, held), numbers, unit, zone)
            entry = []
        if leg is not None:
            entry.append(leg)
    for no, amount in held.items():  # of whoever came without an opening balance
        if amount:
            payer, payee = (numbers[no], OPENING) if amount > 0 else (OPENING, numbers[no])
            yield f"opening {no}", FIRST_DAY, payer, payee, _amount(abs(amount), unit), ""


def _moved(past: PastTrade) -> Iterator[tuple[int, int]]:
    for no, amount in ((past.payer_no, -past.amount), (past.payee_no, past.amount)):
        if no is not None:
            yield no, amount


def _without(entry: list[Leg], held: Counter[int]) -> list[Leg]:
    """Return an entry; of an opening balance what is left of it without the old trades in `held`, which is then empty."""
    if len(entry) != 2 or OPENING not in (entry[0].role, entry[1].role):
        return entry
    own = next((leg for leg in entry if leg.role != OPENING), None)
    if own is None or own.member_no is None or not held[own.member_no]:
        return entry
    left = own.amount - held.pop(own.member_no)
    return [leg._replace(amount=left if leg is own else -left) for leg in entry] if left else []


def _past(past: PastTrade, numbers: Mapping[int, str], unit: Unit) -> tuple[str, ...]:
    payer, payee = (
        numbers.get(no or 0) or name or "-"
        for no, name in ((past.payer_no, past.payer_name), (past.payee_no, past.payee_name))
    )
    return f"past {past.no}", past.day, payer, payee, _amount(past.amount, unit), past.text


def _of_entry(
    legs: Sequence[Leg], numbers: Mapping[int, str], unit: Unit, zone: tzinfo
) -> Iterator[tuple[str, ...]]:
    """Return one row for an entry between two accounts, else one for each member against the scheme."""
    if not legs:
        return
    day = datetime.fromtimestamp(legs[0].time_ms / 1000, UTC).astimezone(zone).date().isoformat()
    text = legs[0].text or ""
    known = [leg for leg in legs if leg.member_no in numbers]
    if len(legs) == 2 and len(known) == 2:
        payer, payee = sorted(legs, key=lambda leg: leg.amount)
        yield (
            _key(legs[0], 0), day, _called(payer, numbers), _called(payee, numbers), _amount(payee.amount, unit), text,
        )  # fmt: skip
        return
    others = [leg for leg in legs if leg not in known]
    other = legs[0].other_name or (_called(others[0], numbers) if len(others) == 1 else "-")
    for at, leg in enumerate(known):
        mine = _called(leg, numbers)
        payer_name, payee_name = (mine, other) if leg.amount < 0 else (other, mine)
        yield _key(leg, at), day, payer_name, payee_name, _amount(abs(leg.amount), unit), text


def _key(leg: Leg, at: int) -> str:
    said = reference_of(leg.reference.to_bytes(5, "big")) if leg.reference is not None else f"entry {leg.seq}"
    return f"{said} {at}" if at else said


def _called(leg: Leg, numbers: Mapping[int, str]) -> str:
    if leg.member_no is not None:
        return numbers.get(leg.member_no) or f"({leg.member_no})"
    return leg.role or leg.kind
