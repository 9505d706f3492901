"""A scheme on a real disk whose members trade, write and offer, and some of whom are erased: what is left of them is looked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from node.app import Node, Options
from node.clock import SeededChance
from node.federation.channel import Channel, ChannelClosed
from node.keyfiles import draw_keys
from node.services.acts import OPERATOR, Actor, Role
from node.services.alert_rows import Tell, Wanted
from node.services.bookings import NewBooking
from node.services.books import load
from node.services.joint_acts import asked_now
from node.services.ledger_check import check_books
from node.services.letters import Writing
from node.services.members import Member, NewMember, member_by_no
from node.services.profiles import ContactLine, SeenBy, Skills
from node.services.settings import SchemeSettings
from node.services.statement import read_statement
from node.services.trades import NewTrade, Trade
from node.store import ReadTx, ThreadStore
from node.store.schema import books as books_schema
from protocol.booking import BookingEvent, BookingTerms, Period
from protocol.limits import DAY_MS, TIME_MS_MAX
from protocol.market import AskingPrice, Listing
from protocol.names import SchemeId
from tests.builders import NOW
from tests.fakes import StoppedClock
from tests.invariants import Violated

MEMBERS = 4
SEED = SchemeSettings(name="Oakvale", credit_limit=10**9, help_name="Rosa", help_phone="01632 960 123")
_SALTS = select(books_schema.entry.c.seq, books_schema.entry.c.words_salt).order_by(books_schema.entry.c.seq)
_LEGS = select(books_schema.leg)


async def nobody(_scheme: SchemeId) -> Channel:
    raise ChannelClosed()


@dataclass
class Scheme:
    """The node, its people, and every word that is somebody's own."""

    node: Node
    clock: StoppedClock
    database: Path
    members: list[Member] = field(default_factory=list)
    words: dict[int, set[str]] = field(
        default_factory=dict
    )  # of each member: lower case, each the only one of its kind
    trades: list[Trade] = field(default_factory=list)
    counted: int = 0

    def word(self, *whose: Member) -> str:
        """Return a word nobody else uses; it is the own one of all of `whose`."""
        self.counted += 1
        made = f"qz{self.counted:04}word"
        for member in whose:
            self.words.setdefault(member.no, set()).add(made)
        return made

    async def join(self, role: Role = Role.MEMBER) -> Member:
        """Let somebody become a member, with everything a member may tell."""
        self.counted += 1
        tag = f"qz{self.counted:04}"
        new = NewMember(
            name=f"{tag}name", public_name=f"{tag}public", email=f"{tag}mail@example.org", phone=f"{tag}phone",
            address=f"{tag}address", place=f"{tag}place", about=f"{tag}about", role=role,
        )  # fmt: skip
        member = await self.node.people.add(OPERATOR, new, why=f"{tag}why")
        await self.node.profiles.set_skills(member, Skills(words=(f"{tag}skill",)))
        await self.node.profiles.set_contacts(member, [ContactLine(f"{tag}line", SeenBy.NOBODY)])
        await self.node.alerts.keep(member, Wanted(words=f"{tag}search"), Tell.AT_ONCE)
        self.words[member.no] = {
            f"{tag}{what}"
            for what in (
                "name",
                "public",
                "mail",
                "phone",
                "address",
                "place",
                "about",
                "why",
                "skill",
                "line",
                "search",
            )
        }
        self.members.append(member)
        return member

    async def trade(self, payer: Member, payee: Member, amount: int) -> None:
        """Let one pay another; what for is a word of both."""
        new = NewTrade(
            payer_no=payer.account_no, payee_no=payee.account_no, amount=amount, text=self.word(payer, payee),
            entered_by=payer.name, proved_by="pin", once=self.node.chance.bytes(16), payer_name=payer.name,
            payee_name=payee.name,
        )  # fmt: skip
        self.trades.append(await self.node.trades.record(new))

    async def correct(self, which: int, organiser: Member) -> None:
        """Correct one of the trades, once."""
        if self.trades:
            trade = self.trades.pop(which % len(self.trades))
            both = [each for each in self.members if trade.concerns(each.account_no)]
            await self.node.trades.correct(
                trade.no, organiser=organiser.name, on_behalf_of=both[0].name, reason=self.word(*both),
                once=self.node.chance.bytes(16),
            )  # fmt: skip

    async def write(self, writer: Member, reader: Member) -> None:
        """Let one write to another."""
        await self.node.letters.write(
            Writing(
                account_no=writer.account_no, name=writer.name, scheme=self.node.scheme, to_account=reader.account_no,
                to_name=reader.name, text=self.word(writer),
            )
        )  # fmt: skip

    async def offer(self, member: Member) -> None:
        """Let somebody offer something, for other schemes too."""
        content = Listing(
            kind="offer", category="food", title=self.word(member), text=self.word(member), language="en",
            price=AskingPrice(amount=60, per="item"), owner=self.word(member),
        )  # fmt: skip
        await self.node.market.post(member.no, content)

    async def lend(self, owner: Member, borrower: Member) -> None:
        """Let one lend a thing to another, and both say something about it."""
        content = Listing(
            kind="lend", category="borrow-tools", title=self.word(owner), text="", language="en",
            price=AskingPrice(amount=0, per="free"), terms=BookingTerms(step="day", longest=1),
        )  # fmt: skip
        owned = await self.node.market.post(owner.no, content)
        bookings, today = self.node.bookings, self.node.bookings.wall(self.clock.now_ms()) // 24 * 24
        assert content.terms is not None
        new = NewBooking(
            key=owned.listing.key, period=Period(today, today + 24), guests=0, text=self.word(owner, borrower),
            terms=content.terms, price=0, in_line=False,
        )  # fmt: skip
        booking = await bookings.ask(new, borrower, self.node.chance.bytes(16))
        for event, who in (
            (BookingEvent.AGREE, owner), (BookingEvent.HAND_OVER, borrower), (BookingEvent.TAKE_BACK, owner),
        ):  # fmt: skip
            words = self.word(owner, borrower)
            once = self.node.chance.bytes(16)
            await bookings.act(booking.no, event, who.account_no, words=words, once=once)

    async def limit(self, member: Member, organiser: Actor) -> None:
        """Let an organiser set somebody's limits, and say why."""
        await self.node.people.set_limits(organiser, member.no, 10**8, None, why=self.word(member))

    async def erase(self, member: Member, first: Member, second: Member) -> None:
        """Let a member leave at zero, and two organisers erase what is held about them."""
        balance = (await self.node.store.read(load, member.account_no)).value.balance
        if balance:
            payer, payee = (member, first) if balance > 0 else (first, member)
            await self.trade(payer, payee, abs(balance))
        await self.node.parting.part(first.acts("pin"), member.no, why=self.word(member))
        await self.node.joint_acts.ask_erase(first.acts("pin"), member.no)
        (asked,) = await self.node.store.read(asked_now, self.clock.now_ms())
        await self.node.joint_acts.confirm(second.acts("pin"), asked.no)

    async def salts(self, seqs: Sequence[int] = ()) -> dict[int, bytes]:
        """Return the salts of words that are there."""

        def query(tx: ReadTx) -> dict[int, bytes]:
            return {seq: salt for seq, salt in tx.all(_SALTS) if salt is not None}

        return await self.node.store.read(query)

    async def entries_of(self, member: Member) -> set[int]:
        """Return the entries that moved a member's account."""

        def query(tx: ReadTx) -> set[int]:
            return {row[1] for row in tx.all(_LEGS) if row[0] == member.account_no}

        return await self.node.store.read(query)

    def files(self) -> bytes:
        """Return the bytes of every file of the database, as a thief of the disk finds them."""
        return b"".join(
            each.read_bytes() for each in sorted(self.database.parent.glob(f"{self.database.name}*")) if each.is_file()
        )  # fmt: skip


@asynccontextmanager
async def open_scheme(folder: Path, seed: int = 0) -> AsyncIterator[Scheme]:
    """Open a scheme with two organisers, who have been at the desk for long, and some members."""
    clock, chance = StoppedClock(), SeededChance(f"erasing {seed}")
    store = await ThreadStore.open(folder / "node.db", readers=1)
    keys = draw_keys(chance, NOW).keys
    node = Node(
        Options(seed=SEED, origin="http://oakvale.test"), store=store, clock=clock, chance=chance, keys=keys, dial=nobody
    )  # fmt: skip
    try:
        await node.load()
        scheme = Scheme(node, clock, folder / "node.db")
        for _ in range(2):
            await scheme.join(Role.ORGANISER)
        clock.now += 8 * DAY_MS
        for _ in range(MEMBERS):
            await scheme.join()
        yield scheme
    finally:
        await store.close()


async def check_erased(scheme: Scheme, erased: Sequence[Member], salts: dict[int, bytes]) -> None:
    """Raise Violated unless nothing is left of what was erased and everything else is as it was.

    `salts` are those there were before: of every entry whose words are gone, the salt is gone too.
    """
    node = scheme.node
    checked = await node.store.read(check_books, node.scheme, node.directory.state, safe=node.keyring.safe)
    if not checked.right:
        raise Violated(f"I19 {checked.findings[0]}")
    left, files = await scheme.salts(), scheme.files()
    for member in erased:
        for word in sorted(scheme.words[member.no]):
            if word.encode() in files:
                raise Violated(f"3.1 {word} of {member.number} is still in the files")
        for seq in await scheme.entries_of(member):
            if seq in left or (seq in salts and salts[seq] in files):
                raise Violated(f"3.1 the salt of the words of entry {seq} is still there")
        shown = await node.store.read(member_by_no, member.no)
        assert shown is not None
        if not shown.is_erased:
            raise Violated(f"3.1 {member.number} still has a name")
    for member in scheme.members:
        statement = await node.store.read(read_statement, member.account_no, 0, TIME_MS_MAX)
        balance = (await node.store.read(load, member.account_no)).value.balance
        if statement.end != balance or statement.gained - statement.given != balance:
            raise Violated(
                f"I1 the statement of {member.number} ends at {statement.end}, the account is at {balance}"
            )
    kept = [each for each in scheme.members if each not in erased]
    for member in kept:
        own = scheme.words[member.no] - set().union(*(scheme.words[each.no] for each in erased))
        if missing := [word for word in sorted(own) if word.encode() not in files]:
            raise Violated(f"3.1 {missing} of {member.number}, who is not erased, is gone")
