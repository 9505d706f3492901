"""A whole node in a process of its own, which a benchmark can give orders to.

Wired as `node/serving.py` does it: `Node` with a store on disk, and its public doors. Keys come
from a seed, so that every process knows every other scheme's identity.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from sqlalchemy import func, select

from node.app import Node, Options
from node.clock import SeededChance, SystemChance, SystemClock
from node.doors import public_app
from node.federation.budget import Allowance
from node.federation.caller import Caller, Place
from node.federation.channel import Channel
from node.keyfiles import Keys, draw_keys
from node.services.acts import OPERATOR
from node.services.feed_store import find_feed
from node.services.line_rows import read_lines
from node.services.line_units import LineRefused
from node.services.members import NewMember
from node.services.payment_desk import PaymentDesk
from node.services.quotes import Offer
from node.services.settings import SchemeSettings
from node.store import ThreadStore, Tx
from node.store.schema.market import search_doc
from node.web.app import SESSIONS, SURROUNDINGS
from protocol.entry import Words
from protocol.feed_kinds import LISTING, payload_bytes
from protocol.following import Quota
from protocol.limits import DAY_MS
from protocol.line_ops import Limit
from protocol.market import AskingPrice, Listing
from protocol.names import Handle, ItemKey, SchemeId
from protocol.payment import PayerState
from protocol.quote import QuoteRequest
from protocol.units import HOUR
from scripts.bench.flooding import Flood
from scripts.bench.harness import Sample, callers, summary
from scripts.bench.processes import run_process, serve_orders

KEYS_MADE_MS: Final = 1_700_000_000_000
WIDE: Final = Limit(owed_max=1_000_000 * HOUR, pending_max=100_000 * HOUR, open_max=400)
WORDS: Final = Words(text="", done_by="bench", on_behalf_of=None, proved_by="system")
PAYMENT_WAIT_S: Final = 30.0
_INDEXED: Final = select(func.count()).select_from(search_doc)
_WORDS_OF_A_LISTING: Final = "Digging, weeding, hedges. I bring my own tools and like company."
# An unpaid quote holds a place with the payee for ten minutes, so no more are asked for than get paid.
QUOTES_AHEAD_MAX: Final = 1_500


def keys_of(name: str) -> Keys:
    """Return the keys of the scheme of that name, the same in every process."""
    return draw_keys(SeededChance(f"bench keys of {name}"), KEYS_MADE_MS).keys


class NodeProcess:
    """One node and the orders it takes."""

    def __init__(self, node: Node, ports: dict[str, int], app: web.Application):
        self.node: Final = node
        self._app: Final = app
        self._schemes: Final = {name: keys_of(name).keyring.scheme for name in ports}
        self._count = 0
        self._flood: Flood | None = None

    def orders(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """Return what can be ordered, by name."""
        return {
            "in_touch": self.in_touch, "propose": self.propose, "agree": self.agree, "ready": self.ready,
            "member": self.member, "handle": self.handle, "measure": self.measure, "measure_quoted": self.measure_quoted,
            "memory": self.memory, "put": self.put, "follow": self.follow, "held": self.held, "until_held": self.until_held,
            "sign_in": self.sign_in, "indexed": self.indexed, "remember_nothing": self.remember_nothing, "arm": self.arm,
            "flood": self.flood, "calm": self.calm, "end_locks": self.end_locks, "locks_open": self.locks_open,
        }  # fmt: skip

    # --- neighbours -------------------------------------------------------------------------------------------

    async def in_touch(self, other: str) -> None:
        """Wait for a session with `other`."""
        self.node.links.want(self._schemes[other])
        await self._until(lambda: self._schemes[other] in self.node.links.live)

    async def propose(self, other: str) -> None:
        """Open a line with `other`."""
        await self.node.lines.propose(self._schemes[other], WIDE)

    async def agree(self, other: str) -> None:
        """Open our side of a line that `other` proposed, once it has been heard of."""
        for _ in range(200):
            try:
                await self.node.lines.agree(self._schemes[other], WIDE)
                return
            except LineRefused:
                await asyncio.sleep(0.05)
        raise TimeoutError(f"{other} proposed nothing")

    async def ready(self, goal: str) -> None:
        """Wait for a way to `goal`."""
        await self._until(lambda: self.node.routes.candidates(self._schemes[goal], 0))

    async def _until(
        self, ready: Callable[[], object], seconds: float = 60, *, every_s: float = 0.05
    ) -> None:
        for _ in range(int(seconds / every_s)):
            if ready():
                return
            await asyncio.sleep(every_s)
        raise TimeoutError("it did not come about")

    # --- trades -----------------------------------------------------------------------------------------------

    async def member(self) -> int:
        """Open an account, and return its number."""

        def unit(tx: Tx) -> int:
            return self.node.books.open_account(tx, WORDS, credit_limit=1 << 40).no

        return await self.node.store.write(unit)

    async def handle(self, payer: str, account_no: int) -> str:
        """Return how a member is called towards the scheme `payer`."""
        return (await self.node.quotes.handle_of(self._schemes[payer], account_no)).hex()

    async def _ask(self, goal: str, handle: str) -> Offer:
        self._count += 1
        request = QuoteRequest(
            listing=None, payee_handle=Handle(bytes.fromhex(handle)), payer_handle=Handle(bytes(16)),
            payer_name="Ana", amount=5, price_seen=None, text=f"two hours of gardening {self._count}",
        )  # fmt: skip
        offer = await self.node.quotes.ask(self._schemes[goal], request)
        if not isinstance(offer, Offer):
            raise RuntimeError(f"no offer: {offer}")
        return offer

    async def _pay(self, offer: Offer, account_no: int) -> None:
        settlement = self.node.settlement
        payment = await settlement.pay(offer, account_no=account_no, entered_by="Ana", once=offer.id)
        payment = await settlement.wait(payment.no, PAYMENT_WAIT_S)
        if payment.state is not PayerState.PAID:
            raise RuntimeError(f"not paid: {payment}")

    async def measure(self, count: int, seconds: float, goal: str, handle: str, account_no: int) -> list[Any]:
        """Let `count` callers ask for a price and pay it, again and again."""

        async def trade() -> None:
            await self._pay(await self._ask(goal, handle), account_no)

        return _told(await callers(count, trade, seconds))

    async def measure_quoted(
        self, count: int, most: int, goal: str, handle: str, account_no: int
    ) -> list[Any]:
        """Ask for `most` prices first, untimed, then let `count` callers pay them all."""
        offers: list[Offer] = []

        async def ask() -> None:
            while len(offers) < most:
                offers.append(await self._ask(goal, handle))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(count, 16)):
                tasks.create_task(ask())
        waits: list[float] = []
        began = time.perf_counter()

        async def pay() -> None:
            while offers:
                at = time.perf_counter()
                await self._pay(offers.pop(), account_no)
                waits.append(time.perf_counter() - at)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(count):
                tasks.create_task(pay())
        return _told(summary(waits, time.perf_counter() - began))

    # --- floods -----------------------------------------------------------------------------------------------

    async def arm(self, at: str, silent: str, goal: str, handle: str, account_no: int) -> None:
        """Get ready to flood the neighbour `at`; `silent` is a scheme behind `goal` that ends no lock."""

        async def pay() -> None:
            await self._pay(await self._ask(goal, handle), account_no)

        self._flood = Flood(self.node, self._schemes[at], self._schemes[goal], self._schemes[silent], pay)

    async def flood(self, kind: str) -> None:
        """Begin a flood."""
        assert self._flood is not None, "armed before"
        self._flood.begin(kind)

    async def calm(self) -> int:
        """End it; return how much was sent."""
        assert self._flood is not None, "armed before"
        return await self._flood.end()

    async def end_locks(self) -> None:
        """Release every lock of neighbours."""
        await self.node.store.write(self._release_all)

    async def locks_open(self) -> int:
        """Return how many locks of ours are open."""
        lines = await self.node.store.read(read_lines, self.node.scheme)
        return sum(line.state.mine.open_count[line.state.me] for line in lines)

    def _release_all(self, tx: Tx) -> None:
        lines, _ = self.node.lines.units.desks(tx)
        for line in lines.all():
            for seq in line.open_locks_of_peer():
                lines.decide(line, seq, None, "gone")
        self.node.lines.units.finish(tx, lines)

    # --- listings ---------------------------------------------------------------------------------------------

    async def put(self, count: int, at_once: int) -> float:
        """Put `count` listings into our feed, `at_once` in a unit; return when the last was committed."""
        for first in range(0, count, at_once):
            await self.node.store.write(self._put_some, range(first, min(first + at_once, count)))
        return time.monotonic()

    def _put_some(self, tx: Tx, numbers: range) -> None:
        expires = self.node.clock.now_ms() + 100 * DAY_MS
        for number in numbers:
            self.node.own_feed.put(
                tx, LISTING, ItemKey(os.urandom(16)), payload_bytes(listing(number)), expires=expires
            )

    async def held(self, other: str) -> int:
        """Return how many live items of `other` are stored here."""
        feed = await self.node.store.read(find_feed, self._schemes[other])
        return 0 if feed is None else feed.live

    async def indexed(self) -> int:
        """Return how many listings can be found here."""
        return int(await self.node.store.read(lambda tx: tx.scalar(_INDEXED)))

    async def until_held(self, other: str, count: int, within_s: float = 120) -> float:
        """Wait for `count` live items of `other`; return when they were seen to be there."""
        deadline = time.monotonic() + within_s
        while await self.held(other) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{await self.held(other)} of {count} items came")
            await asyncio.sleep(0.005)
        return time.monotonic()

    async def follow(self, other: str) -> float:
        """Wait until `other` is a neighbour, whose feed is then fetched; return when it became one."""
        scheme = self._schemes[other]
        await self._until(lambda: scheme in self.node.routes.neighbours, every_s=0.005)
        return time.monotonic()

    async def sign_in(self, listings: int) -> list[str]:
        """Return an address that signs a new member in, in a scheme with that many listings."""
        other = await self.node.people.add(OPERATOR, NewMember(name="Ben", email="ben@example.org"))
        for number in range(listings):
            await self.node.market.post(other.no, listing(number))
        ana = await self.node.people.add(OPERATOR, NewMember(name="Ana", email="ana@example.org"))
        return [urlsplit(await self.node.sign_in.make_link(OPERATOR, ana.no)).path]

    async def remember_nothing(self) -> None:
        """Read everything anew for each page, from now on."""
        for remembered in (self._app[SESSIONS], self._app[SURROUNDINGS].remembered):
            remembered.forget()
            remembered._keep = lambda *_: None  # type: ignore[method-assign]  # for this measurement only

    async def memory(self) -> float:
        """Return the resident memory of this process, in MiB."""
        return memory_mib()


def listing(number: int) -> Listing:
    """Return a listing like many others."""
    return Listing(
        kind="offer", title=f"Garden help {number}", text=_WORDS_OF_A_LISTING, category="garden",
        price=AskingPrice(amount=60, per="hour"), language="en", place=None,
        owner="Ana",
    )  # fmt: skip


def memory_mib() -> float:
    """Return the resident memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _told(sample: Sample) -> list[Any]:
    return [sample.value, sample.p50_ms, sample.p99_ms]


def quiet() -> None:
    """Log errors only, and those to standard error: standard output is for answers."""
    logging.basicConfig(level=logging.ERROR)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(open(2, "w", closefd=False)),  # noqa: SIM115 - lives as long as the process
    )


def widen() -> None:
    """Let one feed be as long as five may be, and one session as fast as it can: both are settable by neighbour."""
    Quota.__init__.__kwdefaults__.update(live_items_max=10**6, writes_a_day_max=10**7)
    Allowance.__init__.__kwdefaults__.update(
        bytes_a_second=1 << 30, bytes_burst=1 << 30, frames_a_second=10**6, frames_burst=10**6,
        checks_a_second=10**6, checks_burst=10**6,
    )  # fmt: skip


async def main(settings: dict[str, Any]) -> None:
    """Run one node until its orders end."""
    quiet()
    if settings.get("wide"):
        widen()
    name: str = settings["name"]
    ports: dict[str, int] = settings["ports"]
    store = await ThreadStore.open(Path(settings["path"]))
    async with Caller() as caller:
        names = {keys_of(each).keyring.scheme: each for each in ports}

        async def dial(scheme: SchemeId) -> Channel:
            return await caller.dial(Place(address=f"http://127.0.0.1:{ports[names[scheme]]}", lan=True))

        node = Node(
            Options(
                seed=SchemeSettings(name=name), origin=f"http://127.0.0.1:{ports[name]}", allow_lan=True
            ),
            store=store, clock=SystemClock(), chance=SystemChance(), keys=keys_of(name), dial=dial,
        )  # fmt: skip
        if settings.get("silent"):  # locks are stored, and none is ever ended
            PaymentDesk.decide_lock = lambda *_: None  # type: ignore[method-assign]  # in this process alone
        await node.load()
        for each in ports:
            await node.directory.learn(keys_of(each).keyring.log)
        app = public_app(node)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", ports[name]).start()
        await node.start()
        await serve_orders(NodeProcess(node, ports, app).orders())
        await node.stop()
        await runner.cleanup()
    await store.close()


if __name__ == "__main__":
    run_process(main)
