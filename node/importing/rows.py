"""What a file says, as values, and what is wrong with its lines. Nothing here knows a database. Source: docs/pages.md 6.8, 7.4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from node.web.amounts import Unit

Fields = Mapping[str, str]  # of one line, by what they are

FILE_BYTES_MAX = 2 * 1024 * 1024
ROWS_MAX = 2_000
FIELD_CHARACTERS_MAX = 4_000


class Wrong(StrEnum):
    """What is wrong with a line; of a file, where the line is the last word on it."""

    # of a whole file: nothing of it is taken
    NOT_TEXT = "not-text"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    BROKEN = "broken"  # a quotation mark that is opened and not closed, or closed too early
    NO_ROWS = "no-rows"
    UNKNOWN_COLUMN = "unknown-column"
    COLUMN_TWICE = "column-twice"
    MISSING_COLUMN = "missing-column"
    NOT_IN_HOURS = "not-in-hours"  # the layout counts in hours, the scheme does not
    # of one line: it is left out
    FIELDS = "fields"  # more or fewer than there are columns
    TOO_LONG = "too-long"
    SIGNS = "signs"  # control characters
    NAME_MISSING = "name-missing"
    NAME_TOO_LONG = "name-too-long"
    EMAIL = "email"
    EMAIL_TWICE = "email-twice"
    EMAIL_IN_USE = "email-in-use"
    NUMBER_TWICE = "number-twice"
    BALANCE = "balance"
    LIMIT = "limit"
    OWNER = "owner"  # nobody, or more than one, is meant
    KIND = "kind"
    TITLE_MISSING = "title-missing"
    TITLE_TOO_LONG = "title-too-long"
    TEXT_TOO_LONG = "text-too-long"
    TOO_MANY_LISTINGS = "too-many-listings"
    ALREADY = "already"  # here: the same was brought in before
    HIDDEN = "hidden"  # it was not shown there any more
    NOBODYS = "nobodys"  # an account of the old program itself
    DAY = "day"
    DAY_TO_COME = "day-to-come"
    AMOUNT = "amount"
    SIDES = "sides"  # neither is a member here
    SAME_SIDES = "same-sides"
    NOT_DONE = "not-done"  # a trade that came to nothing there
    ELSEWHERE = "elsewhere"  # one side is in another scheme
    CURRENCY = "currency"  # another than most of the file


class Unusable(Exception):
    """Nothing of a file can be taken."""

    def __init__(self, wrong: Wrong, line: int = 1, detail: str = ""):
        super().__init__(f"line {line}: {wrong.value} {detail}")
        self.fault = Fault(line, wrong, detail)


class BadLine(Exception):
    """A line that is left out; the others stay."""

    def __init__(self, wrong: Wrong, detail: str = ""):
        super().__init__(f"{wrong.value} {detail}")
        self.wrong = wrong
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of a file that is not taken, and why."""

    line: int  # as a text editor counts them
    wrong: Wrong
    detail: str = ""  # what stands there


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """A line about a member."""

    line: int
    old: str  # the number or name they had there; "" if none is told
    name: str
    email: str | None
    phone: str
    address: str
    place: str
    about: str
    balance: int  # in our own minor units
    credit_limit: int | None  # None: as for every new member
    ceiling: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRow:
    """A line about an offer or a want."""

    line: int
    owner: str  # as the file names them
    kind: str  # a word of protocol/market.py
    title: str
    text: str
    category: str
    price: int  # 0: to agree on
    per: str = ""  # what it is for: a word of protocol/market.py, if it is one


@dataclass(frozen=True, slots=True)
class Side:
    """Who gave or got, as the file says it."""

    number: str  # or login there; "" if there is none
    name: str  # "": the old program itself
    by_name: bool = False  # where the number is unknown, a name will do


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRow:
    """A line about a trade that was made in the old program."""

    line: int
    key: str  # its number there; "" if it has none
    day: str  # like 2015-04-02; "" if none is told
    payer: Side
    payee: Side
    amount: int  # in our own minor units
    text: str
    other_line: int | None = None  # its other half


@dataclass(frozen=True, slots=True)
class Conversion:
    """So much of their unit is so much of ours, in the smallest parts of each; 1..RATE_MINOR_PER_HOUR_MAX."""

    unit: Unit  # theirs
    theirs: int
    ours: int

    def turned(self, amount: int) -> int:
        """Return an amount of theirs in ours, rounded to the nearest smallest part, halves away from zero."""
        whole = (2 * abs(amount) * self.ours + self.theirs) // (2 * self.theirs)
        return whole if amount >= 0 else -whole


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole file: every line of it that says something is in one of the four."""

    people: tuple[PersonRow, ...] = ()
    listings: tuple[ListingRow, ...] = ()
    faults: tuple[Fault, ...] = ()
    trades: tuple[TradeRow, ...] = ()
    digest: bytes = b""  # of layout and file
    conversion: Conversion | None = None  # where amounts were turned into ours
    theirs: Mapping[int, int] = field(default_factory=dict, hash=False)  # by line, balances before that
