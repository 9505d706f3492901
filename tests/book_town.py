"""A row of three schemes with every kind of row that says how much is whose: what checks of whole books are tried on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import insert

from crypto.safekeeping import SafeKeys
from node.services.ledger_check import Checked, check_books
from node.services.trades import NewTrade, Trades
from node.simulation.network import SimulatedNetwork
from node.store import InlineStore, Memory, Tx
from node.store.schema import identity
from protocol.identity import IdentityState
from protocol.names import SchemeId
from protocol.payment import PayerState
from protocol.units import HOUR
from tests.simulation import run_virtual_alone
from tests.small_town import WIDE, WORDS, SettlingNode, SmallTown, chain

NAMES = ("Oakvale", "Hilltop", "Riverside")


@dataclass(frozen=True)
class Book:
    """One scheme's database, whole, and what is needed to check it."""

    name: str
    scheme: SchemeId
    image: bytes
    identities: dict[SchemeId, IdentityState]
    safe: SafeKeys
    log: tuple[bytes, ...]  # the scheme's own identity events

    def disk(self) -> Memory:
        """Return a copy of the database that a test may spoil."""
        disk = Memory()
        disk.restore(self.image)
        return disk

    async def check(self, disk: Memory) -> Checked:
        """Check what is on `disk`."""
        store = InlineStore(disk)
        try:
            return await store.read(check_books, self.scheme, self.identities.get, safe=self.safe)
        finally:
            await store.close()


async def know_everybody(node: SettlingNode, town: SmallTown) -> None:
    """Let a node hold the identity logs of all schemes, as a whole node does."""

    def unit(tx: Tx) -> None:
        for other in town.nodes.values():
            for seq, wire in enumerate(other.keyring.log):
                tx.run(insert(identity.identity_event), scheme=other.scheme, seq=seq, wire=wire, seen_ms=0)

    await node.store.write(unit)


async def trade_at_home(node: SettlingNode) -> None:
    """Members trade within the scheme; one trade is corrected, limits change, an account is closed and opened again."""
    trades = Trades(store=node.store, books=node.books, clock=node.clock, scheme=node.scheme)
    ben, maud = await node.open_member("Ben"), await node.open_member("Maud", credit_limit=900, ceiling=5000)
    made = []
    for number, amount in enumerate((30, 45, 60, 15)):
        new = NewTrade(
            payer_no=ben if number % 2 else maud, payee_no=maud if number % 2 else ben, amount=amount, text=f"bread {number}",
            entered_by="Ben", proved_by="pin", once=node.chance.bytes(16), payer_name="Ben", payee_name="Maud",
        )  # fmt: skip
        made.append(await trades.record(new))
    await trades.correct(
        made[1].no, organiser="Rosa", on_behalf_of="Ben", reason="wrong", once=node.chance.bytes(16)
    )

    def limits(tx: Tx) -> None:
        node.books.set_limits(tx, ben, 700, 800, WORDS)

    await node.store.write(limits)


def book_of(town: SmallTown, name: str) -> Book:
    """Return the book of one scheme of a town as it is now."""
    node = town[name]
    return Book(
        name,
        node.scheme,
        node.disk.snapshot(),
        dict(town.phonebook.states),
        node.keyring.safe,
        node.keyring.log,
    )


@lru_cache(maxsize=1)
def books() -> dict[str, Book]:
    """Return the books of a payer, a connector and a payee while some payments are done and others under way."""

    async def scenario(network: SimulatedNetwork) -> dict[str, Book]:
        town = SmallTown(network, NAMES, chain(*NAMES), rates=(60, 60, 1200), seed=11)
        await town.open()
        town.route(*NAMES)
        town.route(*reversed(NAMES))
        for name in NAMES:
            await know_everybody(town[name], town)
            await trade_at_home(town[name])
        await town["Oakvale"].open_member("Ana")
        await town["Riverside"].open_member("Karim")
        await town["Oakvale"].buy("Ana", "Riverside", "Karim", 600)
        await town["Riverside"].buy("Karim", "Oakvale", "Ana", 25)
        await town["Hilltop"].lines.set_limit(town["Riverside"].scheme, replace(WIDE, open_max=90), None)
        # A payment that is refused on its way, one that is stuck behind a neighbour who is away, one claimed that
        # cannot go on upstream.
        await town["Riverside"].lines.set_limit(town["Hilltop"].scheme, replace(WIDE, owed_max=HOUR), None)
        await town.settle()
        refused = await town["Oakvale"].begin("Ana", "Riverside", "Karim", 300)
        network.stop("Riverside")
        assert refused.state is PayerState.LOCKED
        return {name: book_of(town, name) for name in NAMES}

    return run_virtual_alone(scenario, 11)
