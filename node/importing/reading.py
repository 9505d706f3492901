"""Files of other programs, read: every line becomes a member, a listing or a trade, or is named with what is wrong.

Which column is what stands in `layouts.py`, trades are in `trades.py`. Source: docs/pages.md 7.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from crypto.digest import tagged
from node.importing.amounts import NOTHING, amount_of, clock_of, number_of
from node.importing.layouts import (
    COMMENTS,
    HEADED,
    HEADING,
    IN_HOURS,
    LISTING_LAYOUTS,
    NEEDED,
    OPEN,
    OWN,
    PLACED,
    TRADE_LAYOUTS,
    WITH_HEADING,
    Layout,
)
from node.importing.rows import BadLine, Fault, Fields, ListingRow, PersonRow, Reading, Unusable, Wrong
from node.importing.table import Row, check_field, read_table
from node.importing.trades import NAMED, read_trades
from node.web.amounts import Unit, Unreadable, parse_amount
from node.web.downloads import unmarked
from protocol.limits import AMOUNT_MAX, LISTING_TEXT_BYTES_MAX, LISTING_TITLE_BYTES_MAX
from protocol.market import COSTS_NOTHING

_KINDS: Final[Mapping[str, str]] = {
    "offer": "offer", "offered": "offer", "o": "offer", "want": "want", "w": "want", "search": "want", "request": "want", "inquiry": "want",
    "wanted": "want", "gift": "gift", "": "",
}  # fmt: skip
_PER: Final = frozenset({"hour", "day", "week", "month"})


def read_file(layout: Layout, data: bytes, unit: Unit) -> Reading:
    """Return what a file says; amounts are read in the scheme's own unit.

    Raises:
        Unusable: nothing of it can be taken.
    """
    if layout in IN_HOURS and unit.kind != "hours":
        raise Unusable(Wrong.NOT_IN_HOURS)
    rows = read_table(data)
    named = _headed(layout, rows) if layout in HEADED else _placed(layout, rows)
    digest = file_digest(layout, data)
    if layout in TRADE_LAYOUTS:
        trades, wrong = read_trades(layout, named, unit)
        if not (trades or wrong):
            raise Unusable(Wrong.NO_ROWS)
        return Reading(trades=tuple(trades), faults=tuple(wrong), digest=digest)
    make: Callable[[int, Fields], PersonRow | ListingRow | None]
    if layout in LISTING_LAYOUTS:
        make = lambda line, fields: _listing(layout, line, fields, unit)  # noqa: E731 - one of two, chosen here
    else:
        make = lambda line, fields: _person(layout, line, fields, unit)  # noqa: E731 - as above
    people: list[PersonRow] = []
    listings: list[ListingRow] = []
    faults: list[Fault] = []
    for line, fields in named:
        try:
            if isinstance(fields, BadLine):
                raise fields
            made = make(line, fields)
        except BadLine as bad:
            faults.append(Fault(line, bad.wrong, bad.detail))
            continue
        if isinstance(made, PersonRow):
            people.append(made)
        elif made is not None:
            listings.append(made)
    if not (people or listings or faults):
        raise Unusable(Wrong.NO_ROWS)
    return Reading(tuple(people), tuple(listings), tuple(faults), digest=digest)


def file_digest(layout: Layout, data: bytes) -> bytes:
    """Return by what the same file is known when it comes again."""
    return tagged("interlets/import-file", layout.value.encode() + b"\x00" + data)


# --- from rows to fields by name -------------------------------------------------------------------------------


def _headed(layout: Layout, rows: tuple[Row, ...]) -> Iterator[tuple[int, Fields | BadLine]]:
    columns, known = [], HEADED[layout]
    for name in rows[0].fields:
        folded = name.casefold().replace(" ", "")
        if folded not in known and layout in OPEN:
            columns.append("")
            continue
        if folded not in known:
            raise Unusable(Wrong.UNKNOWN_COLUMN, rows[0].line, name[:80])
        columns.append(folded)
    if twice := [name for name in columns if name and columns.count(name) > 1]:
        raise Unusable(Wrong.COLUMN_TWICE, rows[0].line, twice[0])
    fields = [known[name] if name else "" for name in columns]
    for needed in NEEDED[layout]:
        if needed not in fields:
            missing = next(name for name, field in known.items() if field == needed)
            raise Unusable(Wrong.MISSING_COLUMN, rows[0].line, missing)
    for row in rows[1:]:
        meant = Row(row.line, tuple(map(unmarked, row.fields))) if layout in OWN else row
        yield row.line, _fields(meant, tuple(fields))


def _placed(layout: Layout, rows: tuple[Row, ...]) -> Iterator[tuple[int, Fields | BadLine]]:
    optional = HEADING.get(layout) == tuple(name.casefold() for name in rows[0].fields)
    for row in rows[1 if layout in WITH_HEADING or optional else 0 :]:
        if not (layout in COMMENTS and row.fields[0].startswith("#")):
            yield row.line, _fields(row, PLACED[layout])


def _fields(row: Row, columns: tuple[str, ...]) -> Fields | BadLine:
    """Return a row's fields; several columns of one name are joined, each on a line of its own."""
    if len(row.fields) != len(columns):
        return BadLine(Wrong.FIELDS, f"{len(row.fields)} / {len(columns)}")
    found: dict[str, str] = {}
    for name, text in zip(columns, row.fields, strict=True):
        wrong = check_field(text)
        if wrong is not None:
            return BadLine(wrong, text[:40] if wrong is Wrong.TOO_LONG else "")
        if name and text:
            found[name] = f"{found[name]}\n{text}" if name in found else text
    return found


# --- from fields to members ------------------------------------------------------------------------------------


def _person(layout: Layout, line: int, fields: Fields, unit: Unit) -> PersonRow:
    if fields.get("level") == "sysaccount":
        raise BadLine(Wrong.NOBODYS, fields.get("old", "")[:40])
    parts = " ".join(fields.get(name, "") for name in ("first", "last")).split()
    name = fields.get("name") or " ".join(parts) or fields.get("group", "")
    if layout is Layout.KOMUNITIN_ACCOUNTS:
        name = fields.get("old", "")  # its export holds no names
    return PersonRow(
        line=line,
        old=fields.get("old", "")[:80],
        name=" ".join(name.split()),
        email=fields.get("email") or None,
        phone=" / ".join(fields.get("phone", "").split("\n"))[:80],
        address=fields.get("address", "")[:600],
        place=" ".join(fields.get("place", "").split())[:80],
        about=fields.get("about", "")[:1000],
        balance=_balance(fields, unit),
        credit_limit=_limit(fields, "lower", unit),
        ceiling=_limit(fields, "upper", unit),
    )


def _balance(fields: Fields, unit: Unit) -> int:
    if "clock" in fields:
        return clock_of(fields["clock"], Wrong.BALANCE)
    if "number" in fields:
        return number_of(fields["number"], unit, Wrong.BALANCE)
    text = fields.get("balance", "")
    return 0 if text in NOTHING else amount_of(text, unit, Wrong.BALANCE)


def _limit(fields: Fields, which: str, unit: Unit) -> int | None:
    """Return a limit, whatever its sign; None where none is told."""
    if f"{which}-number" in fields:
        return abs(number_of(fields[f"{which}-number"], unit, Wrong.LIMIT))
    return None if which not in fields else abs(amount_of(fields[which], unit, Wrong.LIMIT))


# --- from fields to offers and wants ---------------------------------------------------------------------------


def _listing(layout: Layout, line: int, fields: Fields, unit: Unit) -> ListingRow | None:
    """Return an offer or a want; None for a line that is none: a heading between them."""
    named = fields.get("named", "")
    match layout:
        case Layout.TIMEOVERFLOW_OFFERS | Layout.TIMEOVERFLOW_REQUESTS:
            if not fields.keys() & {"row", "tags", "named", "made"}:
                return None
            found = NAMED.fullmatch(named)
            owner = found[2] if found is not None else named
            kind = "offer" if layout is Layout.TIMEOVERFLOW_OFFERS else "want"
        case _:
            hidden = fields.get("hide", "0").casefold() not in ("0", "no", "false")
            if hidden or fields.get("shown", "active") != "active":
                raise BadLine(Wrong.HIDDEN, fields.get("title", "")[:40])
            owner, kind = fields.get("owner", ""), _KINDS.get(fields.get("kind", "").casefold(), "")
            if not kind and layout is Layout.CYCLOS_ADS:
                kind = "offer"  # what is not a search is one
    if not kind:
        raise BadLine(Wrong.KIND, fields.get("kind", "")[:40])
    if not owner:
        raise BadLine(Wrong.OWNER)
    title, text = " ".join(fields.get("title", "").split()), fields.get("text", "")
    if not title:
        raise BadLine(Wrong.TITLE_MISSING)
    if len(title.encode()) > LISTING_TITLE_BYTES_MAX:
        raise BadLine(Wrong.TITLE_TOO_LONG, title[:40])
    price = parse_amount(fields.get("price", ""), unit, most=AMOUNT_MAX)
    per = fields.get("per", "")
    if per in _PER and not isinstance(price, Unreadable):
        fields = {**fields, "rate": f"{fields['price']} / {per}"}
    if kind in COSTS_NOTHING and not isinstance(price, Unreadable):
        price = Unreadable.NOT_AN_AMOUNT  # what is asked for a gift stays as words
    more = [fields.get("tags", ""), fields.get("rate", "")]
    if isinstance(price, Unreadable) and price is not Unreadable.ZERO:
        more.append(fields.get("price", ""))
    text = "\n".join(part for part in (text, *more) if part)
    if len(text.encode()) > LISTING_TEXT_BYTES_MAX:
        raise BadLine(Wrong.TEXT_TOO_LONG, title[:40])
    return ListingRow(
        line=line,
        owner=owner[:120],
        kind=kind,
        title=title,
        text=text,
        category=fields.get("category", "").casefold(),
        price=0 if isinstance(price, Unreadable) else price,
        per=fields.get("each", ""),
    )
