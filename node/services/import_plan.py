"""What bringing in a file would do now: its good lines as values, and every other one named. Source: docs/pages.md 7.4.

Queries only; nothing is written here. `imports.py` does what a plan says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crypto.digest import tagged
from node.importing.rows import Conversion, Fault, ListingRow, PersonRow, Reading, Side, TradeRow, Wrong
from node.services.import_rows import count_listings, known_as, lines_of_same, opening_of
from node.services.market import LISTINGS_OF_ONE_MAX
from node.services.members import (
    Member,
    NewMember,
    State,
    Unable,
    existing,
    fold_email,
    member_by_email,
    members_called,
)
from node.services.members import Why as UnableWhy
from node.services.own_listings import listings_of
from node.services.past_trades import is_known, past_sum
from node.services.settings import SchemeSettings
from node.store import ReadTx

MARK_BYTES: Final = 16

_UNABLE: Final = {
    UnableWhy.NAME_MISSING: Wrong.NAME_MISSING,
    UnableWhy.NAME_TOO_LONG: Wrong.NAME_TOO_LONG,
    UnableWhy.EMAIL_WRONG: Wrong.EMAIL,
}


@dataclass(frozen=True, slots=True)
class PastRow:
    """A line about a trade, and which of its sides are members here."""

    row: TradeRow
    payer: Member | None
    payee: Member | None
    mark: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """A member whose opening balance is not what their trades in the old program come to."""

    member: Member
    opening: int
    trades: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What bringing in a file would do now."""

    people: tuple[PersonRow, ...] = ()
    listings: tuple[tuple[ListingRow, Member], ...] = ()
    faults: tuple[Fault, ...] = ()  # by line
    beyond: tuple[int, ...] = ()  # lines whose balance is beyond the member's limits; they are taken
    total: int = 0  # of all balances; of a file in another unit, their sum turned into ours once
    rounding: int = 0  # what the balances, each turned and rounded, come to beyond that
    conversion: Conversion | None = None
    trades: tuple[PastRow, ...] = ()
    outside: tuple[int, ...] = ()  # lines of which one side is no member here; they are taken
    differences: tuple[Difference, ...] = ()  # named, and nothing more

    @property
    def is_empty(self) -> bool:
        """Whether no line of it can be taken."""
        return not (self.people or self.listings or self.trades)

    @property
    def mark(self) -> str:
        """A digest of all of it: two plans that do the same have the same."""
        said = (
            self.people, [(row, owner.no) for row, owner in self.listings], self.faults, self.total,
            self.rounding, self.conversion and (self.conversion.theirs, self.conversion.ours),
            [(each.row, each.payer and each.payer.no, each.payee and each.payee.no, each.mark) for each in self.trades],
        )  # fmt: skip
        return tagged("interlets/import-plan", repr(said).encode()).hex()[:32]


class Planner:
    """See the head of this file. Made anew for each plan: it remembers what the lines before took."""

    def __init__(self, tx: ReadTx, settings: SchemeSettings, today: str):
        """`today` is the day on the scheme's clock on the wall, like 2026-03-31."""
        self._tx: Final = tx
        self._settings: Final = settings
        self._today: Final = today
        self._faults: Final[list[Fault]] = []

    def plan(self, reading: Reading) -> Plan:
        """Return what bringing in a file would do."""
        self._faults.extend(reading.faults)
        before = lines_of_same(self._tx, reading.digest)
        people, beyond = self._people(reading.people, before)
        listings = self._listings(reading.listings, before)
        trades = self._trades(reading.trades)
        booked = total = sum(row.balance for row in people)
        if reading.conversion is not None:
            total = reading.conversion.turned(sum(reading.theirs[row.line] for row in people))
        return Plan(
            people=tuple(people),
            listings=tuple(listings),
            faults=tuple(sorted(self._faults, key=lambda fault: fault.line)),
            beyond=tuple(beyond),
            total=total,
            rounding=booked - total,
            conversion=reading.conversion,
            trades=tuple(trades),
            outside=tuple(each.row.line for each in trades if each.payer is None or each.payee is None),
            differences=differences(self._tx, trades, rounded=reading.conversion is not None),
        )

    def _left_out(self, line: int, wrong: Wrong, detail: str = "") -> None:
        self._faults.append(Fault(line, wrong, detail))

    # --- members -----------------------------------------------------------------------------------------------

    def _people(self, rows: Sequence[PersonRow], before: frozenset[int]) -> tuple[list[PersonRow], list[int]]:
        emails, olds = set[str](), set[str]()
        people, beyond = [], []
        for row in rows:
            wrong = (
                Fault(row.line, Wrong.ALREADY, row.name)
                if row.line in before
                else self._wrong_with(row, emails, olds)
            )
            if wrong is not None:
                self._faults.append(wrong)
                continue
            people.append(row)
            lower, upper = limits_of(row, self._settings)
            if row.balance < -lower or (upper is not None and row.balance > upper):
                beyond.append(row.line)
        return people, beyond

    def _wrong_with(self, row: PersonRow, emails: set[str], olds: set[str]) -> Fault | None:
        """Return why a member is not taken; one who is taken is noted in `emails` and `olds`."""
        try:
            new_member(row).checked()
            email = fold_email(row.email)
        except Unable as unable:
            return Fault(row.line, _UNABLE[unable.why], row.email or "")
        if email in emails:
            return Fault(row.line, Wrong.EMAIL_TWICE, email or "")
        if email is not None and member_by_email(self._tx, email) is not None:
            return Fault(row.line, Wrong.EMAIL_IN_USE, email)
        if row.old in olds or known_as(self._tx, row.old) is not None:
            return Fault(row.line, Wrong.NUMBER_TWICE, row.old)
        emails.update([email] if email else [])
        olds.update([row.old] if row.old else [])
        return None

    # --- offers and wants --------------------------------------------------------------------------------------

    def _listings(
        self, rows: Sequence[ListingRow], before: frozenset[int]
    ) -> list[tuple[ListingRow, Member]]:
        taken: list[tuple[ListingRow, Member]] = []
        counts, titles = dict[int, int](), dict[int, set[tuple[str, str]]]()
        for row in rows:
            owner = self._owner(row.owner)
            if owner is None:
                self._left_out(row.line, Wrong.OWNER, row.owner)
                continue
            if owner.no not in titles:
                held = [each.listing.content for each in listings_of(self._tx, owner.no)]
                titles[owner.no] = {(each.kind, each.title) for each in held}
                counts[owner.no] = count_listings(self._tx, owner.no)
            if row.line in before or (row.kind, row.title) in titles[owner.no]:
                self._left_out(row.line, Wrong.ALREADY, row.title)
            elif counts[owner.no] >= LISTINGS_OF_ONE_MAX:
                self._left_out(row.line, Wrong.TOO_MANY_LISTINGS, owner.name)
            else:
                titles[owner.no].add((row.kind, row.title))
                counts[owner.no] += 1
                taken.append((row, owner))
        return taken

    def _owner(self, named: str) -> Member | None:
        """Return whose a listing is: by the number or name of a file brought in, else one of ours if it is the only one."""
        no = known_as(self._tx, named)
        found = [] if no is None else [existing(self._tx, no)]
        found = found or members_called(self._tx, named)
        return found[0] if len(found) == 1 and found[0].state is not State.LEFT else None

    # --- trades ------------------------------------------------------------------------------------------------

    def _trades(self, rows: Sequence[TradeRow]) -> list[PastRow]:
        taken: list[PastRow] = []
        said, marks = Counter[tuple[object, ...]](), set[bytes]()
        for row in rows:
            content = (row.day, row.payer.number, row.payee.number, row.amount, row.text)
            mark = _mark(row, content, said[content])
            said[content] += 1
            payer, payee = self._side(row.payer), self._side(row.payee)
            if mark in marks:
                self._left_out_whole(row, Wrong.NUMBER_TWICE, row.key)
            elif row.day > self._today:
                self._left_out_whole(row, Wrong.DAY_TO_COME, row.day)
            elif payer is None and payee is None:
                self._left_out_whole(row, Wrong.SIDES, f"{row.payer.name}, {row.payee.name}")
            elif payer is not None and payee is not None and payer.no == payee.no:
                self._left_out_whole(row, Wrong.SAME_SIDES, payer.name)
            elif is_known(self._tx, mark):
                self._left_out_whole(row, Wrong.ALREADY, row.text[:40])
            else:
                marks.add(mark)
                taken.append(PastRow(row, payer, payee, mark))
        return taken

    def _left_out_whole(self, row: TradeRow, wrong: Wrong, detail: str) -> None:
        for line in (row.line, row.other_line):
            if line is not None:
                self._left_out(line, wrong, detail)

    def _side(self, side: Side) -> Member | None:
        """Return the member on a side: by the number they had there, for that of somebody else here means nothing.

        Their name will do in a table of one's own, where exactly one member has it.
        """
        no = known_as(self._tx, side.number)
        if no is not None:
            return existing(self._tx, no)
        if not side.by_name or side.number.isdigit():
            return None
        wanted = side.name.casefold()
        found = [each for each in members_called(self._tx, side.name) if each.name.casefold() == wanted]
        return found[0] if len(found) == 1 else None


def _mark(row: TradeRow, content: tuple[object, ...], before: int) -> bytes:
    """Return by what a trade is known: its number there, else what it says and which one it is of those that say the same."""
    said = ("key", row.key) if row.key else ("content", *content, before)
    return tagged("interlets/past-trade", repr(said).encode())[:MARK_BYTES]


def differences(tx: ReadTx, trades: Sequence[PastRow], *, rounded: bool = False) -> tuple[Difference, ...]:
    """Return of whom the opening balance is not what all trades in the old program come to, those here and those to come.

    Where amounts were `rounded`, each may be off by half a smallest part, and one that would be nothing by a whole one.
    """
    members: dict[int, Member] = {}
    sums, counts = Counter[int](), Counter[int]()
    for each in trades:
        for member, amount in ((each.payer, -each.row.amount), (each.payee, each.row.amount)):
            if member is not None:
                members[member.no] = member
                sums[member.no] += amount
                counts[member.no] += rounded
    found = [
        Difference(member, opening_of(tx, no), past_sum(tx, no) + sums[no])
        for no, member in sorted(members.items())
    ]
    return tuple(each for each in found if abs(each.opening - each.trades) > counts[each.member.no] + rounded)


def limits_of(row: PersonRow, settings: SchemeSettings) -> tuple[int, int | None]:
    """Return the credit limit and the ceiling a member gets."""
    lower = settings.credit_limit if row.credit_limit is None else row.credit_limit
    return lower, settings.ceiling if row.ceiling is None else row.ceiling


def new_member(row: PersonRow) -> NewMember:
    """Return the member that a line makes; not checked."""
    return NewMember(
        name=row.name, email=row.email, phone=row.phone, address=row.address, place=row.place, about=row.about
    )
