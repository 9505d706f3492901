"""Members, balances, listings and past trades from the files of other programs: looked at first, then brought in whole, undone within a day.

What the preview shows is what is brought in, in one unit: the good lines all at once or, where anything has changed meanwhile,
nothing. Lines that are not taken are named. Balances are booked against the account `opening` (rule 3.2), whatever limits say;
where they do not sum to zero, nothing is brought in unless somebody says which account takes the rest. Trades that were made
there are kept beside the ledger, to be read (decision 51). Source: docs/pages.md 7.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, func, select, update

from crypto.digest import tagged
from node import crash
from node.clock import Clock
from node.importing.converting import converted
from node.importing.layouts import Layout
from node.importing.reading import file_digest, read_file
from node.importing.rows import Conversion, ListingRow, PersonRow, Reading
from node.mail.texts import words_of
from node.services.accounts import load
from node.services.acts import Actor, Deed, note_act
from node.services.books import Books
from node.services.catching_up import Offload
from node.services.import_plan import PastRow, Plan, Planner, limits_of, new_member
from node.services.import_rows import (
    Brought,
    Remainder,
    Run,
    RunState,
    brought_by,
    count_listings,
    drop_old,
    note_done,
    note_ended,
    put_brought,
    put_run,
    run_by_no,
)
from node.services.market import Market
from node.services.members import Member, State, existing
from node.services.own_listings import find_own
from node.services.past_trades import PastTrade, drop_past, put_past, span_of
from node.services.people import People
from node.services.settings import Settings
from node.services.trades import NewTrade, Trades
from node.store import ReadTx, Store, Tx
from node.store.schema import books as books_schema
from node.store.schema import people as people_schema
from node.web.dates import local
from node.web.units import unit_of
from protocol.categories import CODES
from protocol.ledger import LOCAL, SystemRole
from protocol.limits import DAY_MS
from protocol.listing import Actor as ListingActor
from protocol.listing import State as ListingState
from protocol.listing import Withdrew
from protocol.market import COSTS_NOTHING, PER, AskingPrice, Listing
from protocol.names import ItemKey

UNDONE_WITHIN_MS: Final = DAY_MS
ONCE_BYTES: Final = 16

_ROLES: Final = {
    Remainder.OPENING: SystemRole.OPENING,
    Remainder.CHEST: SystemRole.CHEST,
    Remainder.WRITE_OFF: SystemRole.WRITE_OFF,
}
_L: Final = books_schema.leg.c
_COUNT_LEGS: Final = (
    select(func.count()).select_from(books_schema.leg).where(_L.account_no == bindparam("no"))
)
_M: Final = people_schema.member.c
_GONE: Final = (
    update(people_schema.member)
    .where(_M.no == bindparam("which"))
    .values(state=State.LEFT.value, email=None, phone="", address="", reach="letter")
)


class Why(StrEnum):
    """Why nothing was brought in, or undone."""

    NOT_EVEN = "not-even"  # the balances do not sum to zero, and nobody said where the rest goes
    CHANGED = "changed"  # it would bring in other things than were shown
    ENDED = "ended"  # it was brought in, undone or forgotten before; or a day is over
    NOTHING = "nothing"  # no line of it can be brought in
    IN_USE = "in-use"  # some of the members have traded or logged in since


class CannotImport(Exception):
    """An honest no: nothing was changed. `names` says who is in the way, where somebody is."""

    def __init__(self, why: Why, names: Sequence[str] = ()):
        super().__init__(why.value)
        self.why: Final = why
        self.names: Final = tuple(names)


class Imports:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, books: Books, people: People, market: Market, settings: Settings, trades: Trades,
        offload: Offload, zone: tzinfo,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._books: Final = books
        self._people: Final = people
        self._market: Final = market
        self._settings: Final = settings
        self._trades: Final = trades
        self._offload: Final = offload
        self._zone: Final = zone

    # --- looking -----------------------------------------------------------------------------------------------

    def read(self, layout: Layout, data: bytes, conversion: Conversion | None = None) -> Reading:
        """Return what a file says, in our unit. Takes some tenths of a second for a large one. Raises Unusable."""
        if conversion is None:
            return read_file(layout, data, unit_of(self._settings.now))
        return converted(read_file(layout, data, conversion.unit), conversion)

    async def look(self, by: Actor, layout: Layout, data: bytes, conversion: Conversion | None = None) -> int:
        """Keep a file that can be read for a day, to be brought in; return its number. Nothing is brought in yet.

        `conversion` is the rate at which the amounts of one in another unit are taken.
        """
        by.must_administer()
        digest = file_digest(layout, data)
        no = await self._store.write(put_run, layout, data, digest, by.name, self._clock.now_ms(), conversion)
        crash.point("import-kept")
        return no

    def plan_in(self, tx: ReadTx, reading: Reading) -> Plan:
        """Query: what bringing in a file would do now."""
        return Planner(tx, self._settings.now, self._today()).plan(reading)

    def _today(self) -> str:
        return local(self._clock.now_ms(), self._zone).date().isoformat()

    # --- bringing in -------------------------------------------------------------------------------------------

    async def bring_in(self, by: Actor, no: int, remainder: Remainder, seen: str) -> Run:
        """Bring in the good lines of a file, all at once; `seen` is the mark of the plan that was shown.

        Raises:
            CannotImport: nothing was changed. LookupError: no such file.
        """
        by.must_administer()
        run = await self._store.read(_existing, no)
        if run.state is RunState.DONE:
            return run
        if run.file is None:
            raise CannotImport(Why.ENDED)
        reading = await self._offload(self.read, run.layout, run.file, run.conversion)
        done = await self._store.write(self._bring_in, by, no, reading, remainder, seen)
        crash.point("import-committed")
        return done

    def _bring_in(
        self, tx: Tx, by: Actor, no: int, reading: Reading, remainder: Remainder, seen: str
    ) -> Run:  # fmt: skip
        run, now = _existing(tx, no), self._clock.now_ms()
        if run.state is RunState.DONE:
            return run
        if run.state is not RunState.LOOKED:
            raise CannotImport(Why.ENDED)
        plan = self.plan_in(tx, reading)
        if plan.mark != seen:
            raise CannotImport(Why.CHANGED)
        if plan.is_empty:
            raise CannotImport(Why.NOTHING)
        if plan.total and remainder is Remainder.REFUSE:
            raise CannotImport(Why.NOT_EVEN)
        made = [
            (
                row,
                self._people.add_in(
                    tx,
                    by,
                    new_member(row).checked(),
                    Deed.IMPORTED,
                    f"import {no}",
                    limits=limits_of(row, self._settings.now),
                ),
            )
            for row in plan.people
        ]
        for brought in self._book(tx, by, no, made):
            put_brought(tx, no, brought)
        for each, owner in plan.listings:
            listing = self._market.post_in(tx, owner.no, self._content(each, owner), shared=False)
            put_brought(tx, no, Brought(each.line, each.owner, owner.no, listing.listing.key, 0, None))
        for past in plan.trades:
            put_past(tx, self._kept(no, past))
        seq = self._move_remainder(tx, by, plan.total, remainder)
        rounding_seq = self._round(tx, by, plan.rounding)
        note_done(
            tx, no, people=len(plan.people), listings=len(plan.listings), trades=len(plan.trades), faults=plan.faults,
            total=plan.total, remainder=remainder if plan.total else Remainder.REFUSE, remainder_seq=seq,
            rounding=plan.rounding, rounding_seq=rounding_seq, now_ms=now,
        )  # fmt: skip
        return _existing(tx, no)

    def _book(
        self, tx: Tx, by: Actor, no: int, made: Sequence[tuple[PersonRow, Member]]
    ) -> Iterator[Brought]:
        """Book opening balances, each as a trade with the account they are booked against: it stands on the statement."""
        opening, settings = self._books.system(tx, SystemRole.OPENING, LOCAL), self._settings.now
        text = words_of(settings).gettext("Opening balance")
        for row, member in made:
            trade_no = None
            if row.balance:
                sides = (opening, settings.name), (member.account_no, member.name)
                (payer_no, payer), (payee_no, payee) = sides if row.balance > 0 else sides[::-1]
                new = NewTrade(
                    payer_no=payer_no, payee_no=payee_no, amount=abs(row.balance), text=text, entered_by=by.name,
                    proved_by=by.proof, once=_key("import", no, row.line), payer_name=payer, payee_name=payee,
                    beyond_limits=True,
                )  # fmt: skip
                trade_no = self._trades.record_in(tx, new).no
            yield Brought(row.line, row.old, member.no, None, row.balance, trade_no)

    def _move_remainder(self, tx: Tx, by: Actor, total: int, remainder: Remainder) -> int | None:
        if not total or remainder in (Remainder.REFUSE, Remainder.OPENING):
            return None
        opening = self._books.system(tx, SystemRole.OPENING, LOCAL)
        taker = self._books.system(tx, _ROLES[remainder], LOCAL)
        words = by.words("remainder of opening balances")
        return self._books.post(tx, [(opening, total), (taker, -total)], words, beyond_limits=True).seq

    def _round(self, tx: Tx, by: Actor, rounding: int) -> int | None:
        """Unit: let the chest take what rounding each balance came to; return the entry."""
        if not rounding:
            return None
        opening, chest = [
            self._books.system(tx, role, LOCAL) for role in (SystemRole.OPENING, SystemRole.CHEST)
        ]
        words = by.words("rounding of opening balances")
        return self._books.post(tx, [(opening, rounding), (chest, -rounding)], words, beyond_limits=True).seq

    def _kept(self, no: int, past: PastRow) -> PastTrade:
        """Return a trade of the old program as it is kept: in no account, for it counts in the opening balances already."""
        row, payer, payee = past.row, past.payer, past.payee
        return PastTrade(
            no=0, import_no=no, line=row.line, mark=past.mark, day=row.day or self._today(), dated=bool(row.day),
            payer_no=None if payer is None else payer.no, payee_no=None if payee is None else payee.no, amount=row.amount,
            payer_name="" if payer else row.payer.name, payee_name="" if payee else row.payee.name, text=row.text,
        )  # fmt: skip

    def _content(self, row: ListingRow, owner: Member) -> Listing:
        per = row.per if row.per in PER else "item"
        if not row.price:
            per = "free" if per == "free" or row.kind in COSTS_NOTHING else "agree"
        price = AskingPrice(amount=row.price, per="item" if row.price and per == "free" else per)
        return Listing(
            kind=row.kind, title=row.title, text=row.text, category=row.category if row.category in CODES else "other",
            price=price, language=(owner.language or self._settings.now.language).lower(), owner=owner.public_name or None,
        )  # fmt: skip

    # --- undoing -----------------------------------------------------------------------------------------------

    async def undo(self, by: Actor, no: int) -> Run:
        """Take everything back that a file brought in, within a day: all of it, or nothing.

        Raises:
            CannotImport: nothing was changed. LookupError: no such file.
        """
        by.must_administer()
        return await self._store.write(self._undo, by, no)

    def _undo(self, tx: Tx, by: Actor, no: int) -> Run:
        run, now = _existing(tx, no), self._clock.now_ms()
        if run.state is RunState.UNDONE:
            return run
        if run.state is not RunState.DONE or run.ended_ms is None or now - run.ended_ms > UNDONE_WITHIN_MS:
            raise CannotImport(Why.ENDED)
        brought = brought_by(tx, no)
        members = [(each, existing(tx, each.member_no)) for each in brought if each.item_key is None]
        in_use = [member.name for each, member in members if _is_used(tx, each, member)]
        if in_use:
            raise CannotImport(Why.IN_USE, in_use)
        for each in brought:
            if each.item_key is not None:
                self._withdraw(tx, ItemKey(each.item_key))
        for each, member in members:
            if each.trade_no is not None:
                self._trades.correct_in(
                    tx, each.trade_no, organiser=by.name, on_behalf_of=member.name, reason="import undone",
                    once=_key("import-undone", no, each.line),
                )  # fmt: skip
        if run.remainder_seq is not None:
            self._books.correct(tx, run.remainder_seq, False, by.words("import undone"))
        if run.rounding_seq is not None:
            self._books.correct(tx, run.rounding_seq, False, by.words("import undone"))
        drop_past(tx, no)
        for _, member in members:
            self._books.close(
                tx,
                member.account_no,
                by.words("account closed", on_behalf_of=member.name, why="import undone"),
            )
            tx.run(_GONE, which=member.no)
            note_act(tx, by, Deed.LEFT, now_ms=now, for_no=member.no, why=f"import {no} undone")
        note_ended(tx, no, RunState.UNDONE, now)
        return _existing(tx, no)

    def _withdraw(self, tx: Tx, key: ItemKey) -> None:
        owned = find_own(tx, key)
        if owned is not None and owned.listing.state is not ListingState.WITHDRAWN:
            self._market.act_in(tx, key, Withdrew(), ListingActor.OWNER)

    async def forget_old(self) -> None:
        """Forget files nobody brought in within a day."""
        now = self._clock.now_ms()
        await self._store.write(drop_old, now - DAY_MS, now)


def _key(what: str, no: int, line: int) -> bytes:
    """Return the key of the one trade that this is done by."""
    return tagged(f"interlets/{what}", f"{no}:{line}".encode())[:ONCE_BYTES]


def _is_used(tx: ReadTx, brought: Brought, member: Member) -> bool:
    """Tell whether anything happened with a member since: then undoing would take more than was brought in."""
    account = load(tx, member.account_no).value
    legs = int(tx.scalar(_COUNT_LEGS, no=member.account_no))
    untouched = (
        account.balance == brought.amount
        and not account.held
        and legs == (1 if brought.amount else 0)
        and not member.seen_ms
        and not member.organises
        and member.state is State.ACTIVE
        and not count_listings(tx, member.no)
        and not span_of(tx, member.no).trades
    )
    return not untouched


def _existing(tx: ReadTx, no: int) -> Run:
    run = run_by_no(tx, no)
    if run is None:
        raise LookupError(f"import {no}")
    return run
