"""The layouts of files we read: which column is what. Our own, TimeOverflow, Cyclos 3, CES.

Where a program writes no names of columns, or writes them in any language, the places count. What the layouts are was read from
those programs' own importers and exporters; docs/operating.md lists them. Source: docs/pages.md 7.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from node.importing.rows import BadLine, Fault, ListingRow, PersonRow, Reading, Unusable, Wrong
from node.importing.table import Row, check_field, read_table
from node.web.amounts import Unit, Unreadable, parse_amount
from protocol.limits import AMOUNT_MAX, LISTING_TEXT_BYTES_MAX, LISTING_TITLE_BYTES_MAX


class Layout(StrEnum):
    """Which program wrote a file, and of what."""

    OWN_MEMBERS = "members"
    OWN_LISTINGS = "listings"
    TIMEOVERFLOW_MEMBERS = "timeoverflow-members"  # the managers' export
    TIMEOVERFLOW_USERS = "timeoverflow-users"  # the import file, without names of columns
    TIMEOVERFLOW_OFFERS = "timeoverflow-offers"
    TIMEOVERFLOW_REQUESTS = "timeoverflow-requests"
    CYCLOS_MEMBERS = "cyclos-members"
    CYCLOS_ADS = "cyclos-ads"
    CES_USERS = "ces-users"
    CES_ADVERTS = "ces-adverts"


Fields = Mapping[str, str]

# Columns by name; those that stand for nothing here are read over, any other is an error.
_HEADED: Final[Mapping[Layout, Mapping[str, str]]] = {
    Layout.OWN_MEMBERS: {
        "number": "old", "name": "name", "email": "email", "phone": "phone", "address": "address", "place": "place",
        "about": "about", "balance": "balance", "lower": "lower", "upper": "upper",
    },
    Layout.OWN_LISTINGS: {
        "member": "owner", "kind": "kind", "title": "title", "text": "text", "category": "category", "price": "price",
    },
    Layout.CYCLOS_MEMBERS: {
        "name": "name", "username": "old", "password": "", "email": "email", "creationdate": "", "balance": "balance",
        "creditlimit": "lower", "uppercreditlimit": "upper", "phone": "phone", "mobilephone": "phone", "address": "address",
        "city": "place", "area": "place",
    },
    Layout.CYCLOS_ADS: {
        "owner": "owner", "title": "title", "description": "text", "html": "", "publicationstart": "", "publicationend": "",
        "tradetype": "kind", "external": "", "price": "price", "category": "category",
    },
    Layout.CES_USERS: {
        "uid": "old", "usertype": "", "firstname": "first", "surname": "last", "orgname_long": "group", "address1": "address",
        "address2": "address", "address3": "address", "postcode": "address", "subarea": "place", "email": "email",
        "phone": "phone", "balance": "balance",
    },
    Layout.CES_ADVERTS: {
        "id": "", "uid": "owner", "ad_type": "kind", "offering_type": "", "category": "category", "keywords": "",
        "title": "title", "description": "text", "talent_rate": "rate", "date_expires": "", "image": "", "hide": "hide",
    },
}  # fmt: skip
# Columns by place.
_PLACED: Final[Mapping[Layout, tuple[str, ...]]] = {
    Layout.TIMEOVERFLOW_MEMBERS: ("old", "name", "email", "phone", "", "", "", "", "clock"),
    Layout.TIMEOVERFLOW_USERS: ("old", "", "first", "last", "last", "", "", "phone", "", "email"),
    Layout.TIMEOVERFLOW_OFFERS: ("", "title", "tags", "named", ""),
    Layout.TIMEOVERFLOW_REQUESTS: ("", "title", "tags", "named", ""),
}
_WITH_HEADING: Final = frozenset(
    {Layout.TIMEOVERFLOW_MEMBERS, Layout.TIMEOVERFLOW_OFFERS, Layout.TIMEOVERFLOW_REQUESTS}
)
_NEEDED: Final[Mapping[Layout, tuple[str, ...]]] = {
    Layout.OWN_MEMBERS: ("name",),
    Layout.OWN_LISTINGS: ("owner", "kind", "title"),
    Layout.CYCLOS_MEMBERS: ("name",),
    Layout.CYCLOS_ADS: ("owner", "title"),
    Layout.CES_USERS: ("old",),
    Layout.CES_ADVERTS: ("owner", "kind", "title"),
}
LISTING_LAYOUTS: Final = frozenset({
    Layout.OWN_LISTINGS, Layout.TIMEOVERFLOW_OFFERS, Layout.TIMEOVERFLOW_REQUESTS, Layout.CYCLOS_ADS, Layout.CES_ADVERTS,
})  # fmt: skip
_KINDS: Final[Mapping[str, str]] = {
    "offer": "offer", "o": "offer", "want": "want", "w": "want", "search": "want", "request": "want", "inquiry": "want", "": "",
}  # fmt: skip
_NAMED: Final = re.compile(r".*\(\s*([0-9]{1,12})\s*\)")
_CLOCK: Final = re.compile(r"([-\u2212]?)([0-9]{1,9}):([0-5][0-9])")
_NOTHING: Final = frozenset({"", "-", "\u2013", "\u2014", "0"})


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as fields by name, in the order of the file."""

    rows: tuple[tuple[int, Fields | BadLine], ...]


def read_file(layout: Layout, data: bytes, unit: Unit) -> Reading:
    """Return what a file says; amounts are read in the scheme's own unit.

    Raises:
        Unusable: nothing of it can be taken.
    """
    if layout is Layout.TIMEOVERFLOW_MEMBERS and unit.kind != "hours":
        raise Unusable(Wrong.NOT_IN_HOURS)
    rows = read_table(data)
    named = _headed(layout, rows) if layout in _HEADED else _placed(layout, rows)
    make: Callable[[int, Fields], PersonRow | ListingRow | None]
    if layout in LISTING_LAYOUTS:
        make = lambda line, fields: _listing(layout, line, fields, unit)  # noqa: E731 - one of two, chosen here
    else:
        make = lambda line, fields: _person(line, fields, unit)  # noqa: E731 - as above
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
    return Reading(tuple(people), tuple(listings), tuple(faults))


# --- from rows to fields by name -------------------------------------------------------------------------------


def _headed(layout: Layout, rows: tuple[Row, ...]) -> Iterator[tuple[int, Fields | BadLine]]:
    columns, known = [], _HEADED[layout]
    for name in rows[0].fields:
        folded = name.casefold().replace(" ", "")
        if folded not in known:
            raise Unusable(Wrong.UNKNOWN_COLUMN, rows[0].line, name[:80])
        columns.append(folded)
    if twice := [name for name in columns if columns.count(name) > 1]:
        raise Unusable(Wrong.COLUMN_TWICE, rows[0].line, twice[0])
    fields = [known[name] for name in columns]
    for needed in _NEEDED[layout]:
        if needed not in fields:
            missing = next(name for name, field in known.items() if field == needed)
            raise Unusable(Wrong.MISSING_COLUMN, rows[0].line, missing)
    for row in rows[1:]:
        yield row.line, _fields(row, tuple(fields))


def _placed(layout: Layout, rows: tuple[Row, ...]) -> Iterator[tuple[int, Fields | BadLine]]:
    for row in rows[1 if layout in _WITH_HEADING else 0 :]:
        yield row.line, _fields(row, _PLACED[layout])


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


def _person(line: int, fields: Fields, unit: Unit) -> PersonRow:
    parts = " ".join(fields.get(name, "") for name in ("first", "last")).split()
    name = fields.get("name") or " ".join(parts) or fields.get("group", "")
    lower, upper = fields.get("lower", ""), fields.get("upper", "")
    return PersonRow(
        line=line,
        old=fields.get("old", "")[:80],
        name=" ".join(name.split()),
        email=fields.get("email") or None,
        phone=" / ".join(fields.get("phone", "").split("\n"))[:80],
        address=fields.get("address", "")[:600],
        place=" ".join(fields.get("place", "").split())[:80],
        about=fields.get("about", "")[:1000],
        balance=_clock(fields["clock"]) if "clock" in fields else _balance(fields.get("balance", ""), unit),
        credit_limit=None if not lower else abs(_amount(lower, unit, Wrong.LIMIT)),
        ceiling=None if not upper else abs(_amount(upper, unit, Wrong.LIMIT)),
    )


def _balance(text: str, unit: Unit) -> int:
    return 0 if text in _NOTHING else _amount(text, unit, Wrong.BALANCE)


def _amount(text: str, unit: Unit, wrong: Wrong) -> int:
    """Return an amount with its sign. Raises BadLine: it is not one, or could be two."""
    minus = text[:1] in ("-", "\u2212", "\u2013")
    amount = parse_amount(text.lstrip("+-\u2212\u2013 "), unit, most=AMOUNT_MAX)
    if amount is Unreadable.ZERO:
        return 0
    if isinstance(amount, Unreadable):
        raise BadLine(wrong, text[:40])
    return -amount if minus else amount


def _clock(text: str) -> int:
    """Return minutes written "-1:30", with a dash for nothing. Raises BadLine."""
    if text in _NOTHING:
        return 0
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise BadLine(Wrong.BALANCE, text[:40])
    minutes = int(found[2]) * 60 + int(found[3])
    return -minutes if found[1] else minutes


# --- from fields to offers and wants ---------------------------------------------------------------------------


def _listing(layout: Layout, line: int, fields: Fields, unit: Unit) -> ListingRow | None:
    """Return an offer or a want; None for a line that is none: a heading between them, or one that was hidden."""
    named = fields.get("named", "")
    match layout:
        case Layout.TIMEOVERFLOW_OFFERS | Layout.TIMEOVERFLOW_REQUESTS:
            if not named and "tags" not in fields:
                return None
            found = _NAMED.fullmatch(named)
            owner = found[1] if found is not None else named
            kind = "offer" if layout is Layout.TIMEOVERFLOW_OFFERS else "want"
        case _:
            if fields.get("hide", "0").casefold() not in ("0", "no", "false"):
                return None
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
    more = [fields.get("tags", ""), fields.get("rate", "")]
    if isinstance(price, Unreadable):
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
    )
