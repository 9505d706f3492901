"""Members as values, and the queries that find them: parts of a read, together with what else a page needs.

What is done to them is in `people.py`. Source: docs/pages.md 4, 7.2, 7.3.
"""

from __future__ import annotations

import enum
import itertools
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, or_, select

from node.services.acts import Actor, Role
from node.services.folding import fold
from node.store import ReadTx
from node.store.schema import people as schema
from node.store.statements import Row
from protocol.market import Place

NAME_CHARACTERS_MAX: Final = 80
EMAIL_CHARACTERS_MAX: Final = 254  # RFC 5321
PIN_DIGITS_MIN: Final = 6
PIN_DIGITS_MAX: Final = 32
PAGE_ROWS: Final = 20


class State(enum.StrEnum):
    """Where a member stands. Source: docs/pages.md 4."""

    ACTIVE = "active"
    AWAY = "away"
    PAUSED = "paused"  # by an organiser, with a reason the member sees
    LEAVING = "leaving"
    LEFT = "left"


MAY_TRADE: Final = frozenset({State.ACTIVE, State.AWAY, State.LEAVING})
MAY_SIGN_IN: Final = frozenset({State.ACTIVE, State.AWAY, State.PAUSED, State.LEAVING})


class Reach(enum.StrEnum):
    """How the scheme writes to somebody."""

    EMAIL = "email"
    PHONE = "phone"
    LETTER = "letter"


class Why(enum.StrEnum):
    """Why something was not done; nothing changed."""

    UNKNOWN_MEMBER = "unknown-member"
    NAME_MISSING = "name-missing"
    NAME_TOO_LONG = "name-too-long"
    EMAIL_WRONG = "email-wrong"
    EMAIL_IN_USE = "email-in-use"
    NO_WAY_TO_REACH = "no-way-to-reach"
    PIN_NOT_DIGITS = "pin-not-digits"
    PIN_TOO_SHORT = "pin-too-short"
    PIN_TOO_EASY = "pin-too-easy"
    LAST_ADMIN = "last-admin"
    UNKNOWN_APPLICATION = "unknown-application"
    ALREADY_DECIDED = "already-decided"
    NOT_EVEN = "not-even"  # their balance is not zero, or something is set aside


class Unable(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member as the store has it."""

    no: int
    account_no: int
    name: str
    public_name: str
    email: str | None
    phone: str
    address: str
    place: str
    spot: Place | None  # on the kilometre grid
    about: str
    reach: Reach
    language: str
    state: State
    state_reason: str
    away_until: int | None
    role: Role
    has_pin: bool
    joined_ms: int
    seen_ms: int

    @property
    def number(self) -> str:
        """The number as people write it: 0123."""
        return number_text(self.no)

    @property
    def is_erased(self) -> bool:
        """Whether what was held of this former member was erased."""
        return not self.name

    @property
    def organises(self) -> bool:
        """Whether this is an organiser, or has another part at the desk, paused or not."""
        return self.role is not Role.MEMBER

    @property
    def at_desk(self) -> bool:
        """Whether the desk's pages are open to this member."""
        return self.organises and self.state is not State.PAUSED

    @property
    def may_trade(self) -> bool:
        """Whether trades can be recorded with this member."""
        return self.state in MAY_TRADE

    def acts(self, proof: str) -> Actor:
        """Return this member as somebody who does something, proved in the way `proof` names.

        Whoever is paused acts as a member and no more, whatever the role.
        """
        return Actor(no=self.no, name=self.name, role=self.role if self.at_desk else Role.MEMBER, proof=proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """What is known of somebody who becomes a member."""

    name: str
    public_name: str = ""
    email: str | None = None
    phone: str = ""
    address: str = ""
    place: str = ""
    spot: Place | None = None
    about: str = ""
    reach: Reach | None = None  # None: the first of e-mail, phone, letter that is known
    language: str = ""
    role: Role = Role.MEMBER

    def checked(self) -> NewMember:
        """Return it tidied. Raises Unable."""
        name = " ".join(self.name.split())
        if not name:
            raise Unable(Why.NAME_MISSING)
        if len(name) > NAME_CHARACTERS_MAX or len(name.encode()) > 2 * NAME_CHARACTERS_MAX:
            raise Unable(Why.NAME_TOO_LONG)
        email = fold_email(self.email)
        known = {Reach.EMAIL: email, Reach.PHONE: self.phone.strip(), Reach.LETTER: True}
        reach = self.reach or next(way for way, value in known.items() if value)
        if not known[reach]:
            raise Unable(Why.NO_WAY_TO_REACH)
        return NewMember(
            name=name,
            public_name=" ".join(self.public_name.split()) or name.split()[0],
            email=email,
            phone=self.phone.strip(),
            address=self.address.strip(),
            place=" ".join(self.place.split()),
            spot=self.spot,
            about=self.about.strip(),
            reach=reach,
            language=self.language,
            role=self.role,
        )


# --- Texts -------------------------------------------------------------------------------------------------------


def number_text(no: int) -> str:
    """Return a member's number as people write it."""
    return f"{no:04}"


def folded_name(name: str, no: int) -> str:
    """Return a member's name and number as they are searched for."""
    return f"{fold(name)} {number_text(no)}".strip()


def parse_number(text: str) -> int | None:
    """Return the number that `text` writes, with or without leading zeros; None if it writes none."""
    typed = text.strip()
    if not typed.isascii() or not typed.isdigit() or len(typed) > 12:
        return None
    return int(typed) or None


def fold_email(text: str | None) -> str | None:
    """Return an address as it is stored and compared, or None for none. Raises Unable(EMAIL_WRONG)."""
    address = (text or "").strip().lower()
    if not address:
        return None
    local, at, domain = address.rpartition("@")
    # Control signs would end a header of the mail; everything finer is for the other side's server to say.
    plain = all(not sign.isspace() and sign.isprintable() and sign not in '<>,;:"()[]\\' for sign in address)
    if not (at and local and "." in domain.strip(".") and plain) or len(address) > EMAIL_CHARACTERS_MAX:
        raise Unable(Why.EMAIL_WRONG)
    return address


def check_pin(pin: str) -> None:
    """Raises Unable if a PIN is not fit to be one."""
    if not (pin.isascii() and pin.isdigit() and len(pin) <= PIN_DIGITS_MAX):
        raise Unable(Why.PIN_NOT_DIGITS)
    if len(pin) < PIN_DIGITS_MIN:
        raise Unable(Why.PIN_TOO_SHORT)
    steps = {int(second) - int(first) for first, second in itertools.pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        raise Unable(Why.PIN_TOO_EASY)


# --- Statements --------------------------------------------------------------------------------------------------

_M: Final = schema.member.c
MEMBER_COLUMNS: Final = (
    _M.no, _M.account_no, _M.name, _M.public_name, _M.email, _M.phone, _M.address, _M.place, _M.north, _M.east, _M.about,
    _M.reach, _M.language, _M.state, _M.state_reason, _M.away_until, _M.role, _M.pin_hash, _M.joined_ms, _M.seen_ms,
)  # fmt: skip
_BY_NO: Final = select(*MEMBER_COLUMNS).where(_M.no == bindparam("no"))
_BY_EMAIL: Final = select(*MEMBER_COLUMNS).where(_M.email == bindparam("email"))
_BY_ACCOUNT: Final = select(*MEMBER_COLUMNS).where(_M.account_no == bindparam("account_no"))
_IS_ADMIN: Final = (
    _M.role == Role.ADMIN.value,
    _M.state.in_([state.value for state in MAY_SIGN_IN - {State.PAUSED}]),
)
_ADMINS: Final = select(*MEMBER_COLUMNS).where(*_IS_ADMIN).order_by(_M.no)
_COUNT_ADMINS: Final = select(func.count()).select_from(schema.member).where(*_IS_ADMIN)
_NAMES: Final = select(_M.account_no, _M.name)
_MATCHING: Final = _M.folded.like(bindparam("pattern"), escape="\\")
_FIND: Final = (
    select(*MEMBER_COLUMNS)
    .where(_MATCHING, _M.state != State.LEFT.value)
    .order_by(_M.folded, _M.no)
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_FROM: Final = (
    select(*MEMBER_COLUMNS)
    .where(_M.no >= bindparam("begin"), _M.state != State.LEFT.value)
    .order_by(_M.no)
    .limit(bindparam("most"))
)
_WITHOUT_EMAIL: Final = _FROM.where(or_(_M.email.is_(None), _M.reach != Reach.EMAIL.value))
_COUNT: Final = select(func.count()).select_from(schema.member).where(_MATCHING, _M.state != State.LEFT.value)
_ACTIVE: Final = (
    select(func.count()).select_from(schema.member).where(_M.state.in_([state.value for state in MAY_TRADE]))
)


def member_of_row(row: Row) -> Member:
    """Return the member in a row of MEMBER_COLUMNS."""
    (
        no, account_no, name, public_name, email, phone, address, place, north, east, about, reach, language, state,
        state_reason, away_until, role, pin_hash, joined_ms, seen_ms,
    ) = row  # fmt: skip
    return Member(
        no=no,
        account_no=account_no,
        name=str(name),
        public_name=str(public_name),
        email=email,
        phone=str(phone),
        address=str(address),
        place=str(place),
        spot=None if north is None or east is None else Place(north=north, east=east),
        about=str(about),
        reach=Reach(str(reach)),
        language=str(language),
        state=State(str(state)),
        state_reason=str(state_reason),
        away_until=away_until,
        role=Role(str(role)),
        has_pin=pin_hash is not None,
        joined_ms=joined_ms,
        seen_ms=seen_ms,
    )


# --- Queries: parts of a read, for pages that need several things of one moment ----------------------------------


def member_by_no(tx: ReadTx, no: int) -> Member | None:
    """Return the member with this number."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else member_of_row(row)


def member_by_email(tx: ReadTx, email: str) -> Member | None:
    """Return the member with this folded address."""
    row = tx.one(_BY_EMAIL, email=email)
    return None if row is None else member_of_row(row)


def member_by_account(tx: ReadTx, account_no: int) -> Member | None:
    """Return the member whose account this is; None for the scheme's own accounts."""
    row = tx.one(_BY_ACCOUNT, account_no=account_no)
    return None if row is None else member_of_row(row)


def admins(tx: ReadTx) -> list[Member]:
    """Return everybody who may do all there is to do, and can sign in."""
    return [member_of_row(row) for row in tx.all(_ADMINS)]


def count_admins(tx: ReadTx) -> int:
    """Return how many they are."""
    return int(tx.scalar(_COUNT_ADMINS))


def names_of_accounts(tx: ReadTx) -> dict[int, str]:
    """Return the name behind every member's account."""
    return dict(tx.all(_NAMES))


def existing(tx: ReadTx, no: int) -> Member:
    """Return the member with this number. Raises Unable(UNKNOWN_MEMBER)."""
    found = member_by_no(tx, no)
    if found is None:
        raise Unable(Why.UNKNOWN_MEMBER)
    return found


def find_members(
    tx: ReadTx, query: str = "", *, skip: int = 0, most: int = PAGE_ROWS
) -> tuple[list[Member], int]:
    """Return members whose name or number holds `query`, by name, and how many there are in all."""
    pattern = pattern_of(query)
    rows = tx.all(_FIND, pattern=pattern, skip=skip, most=most)
    return [member_of_row(row) for row in rows], int(tx.scalar(_COUNT, pattern=pattern))


def members_after(tx: ReadTx, begin: int, most: int, *, only_without_email: bool = False) -> list[Member]:
    """Return members who have not left, by number, from `begin` on; for those of the post, only whom no mail reaches."""
    statement = _WITHOUT_EMAIL if only_without_email else _FROM
    return [member_of_row(row) for row in tx.all(statement, begin=begin, most=most)]


def pattern_of(query: str) -> str:
    """Return what LIKE matches with whatever holds `query`, folded."""
    plain = fold(query).strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"


def members_called(tx: ReadTx, name: str) -> list[Member]:
    """Return the members with this number, e-mail address or name, else those with it in their name."""
    no = parse_number(name)
    if no is not None:
        found = member_by_no(tx, no)
        return [] if found is None else [found]
    if "@" in name:
        by_mail = member_by_email(tx, name.strip().lower())
        return [] if by_mail is None else [by_mail]
    folded = fold(" ".join(name.split()))
    holding = find_members(tx, folded, most=100)[0]
    return [member for member in holding if fold(member.name) == folded] or holding


def count_members(tx: ReadTx) -> int:
    """Return how many members can trade."""
    return int(tx.scalar(_ACTIVE))
