"""Every page of the organisers' desk in a scheme of 5,000 members, 200,000 trades and 20,000 listings.

Each page is held against 200 ms; those that show much of the books also against a bare query of the same database, by SQLite
alone, with no thread between and nothing written as HTML. Nothing is remembered from one page to the next: each is as the first
one after a commit. The trades lie in the last five years. Source: docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import urlsplit

from aiohttp import ClientSession, CookieJar

from node.app import Node, Options
from node.clock import SystemChance, SystemClock
from node.services.acts import OPERATOR, Role
from node.services.members import Member, NewMember
from node.services.settings import SchemeSettings
from node.services.trades import NewTrade
from node.store import ThreadStore
from node.web.app import ROUTES
from node.web.roles import Audience
from protocol.limits import DAY_MS
from scripts.bench.harness import Comparison, Result, Sample, scratch
from scripts.bench.harness import Options as Asked
from scripts.bench.home_page import sign_in
from scripts.bench.node_process import keys_of, listing
from scripts.bench.processes import Child, free_ports

MEMBERS: Final = 5_000
TRADES: Final = 200_000
LISTINGS: Final = 20_000
AT_ONCE: Final = 256
YEARS: Final = 5
YEAR_MS: Final = 365 * DAY_MS
MOST_MS: Final = 200.0
MOST_MIB: Final = 300.0
REPEATS: Final = 3
# Of files and papers: whole lists, which are as long as they are.
NO_PAGE: Final = re.compile(r"\.(csv|zip|pdf)$|/file$|/pdf$|/print/|/sheet$|\{")
WITH_PARTS: Final = (
    "/admin/members?q=member+77", "/admin/members?page=9", "/admin/members/77", "/admin/members/77/role", "/desk/as/77",
    "/desk/helpers/77", "/admin/close-year?year={year}", "/home", "/statement", "/find", "/people",
)  # fmt: skip
# What a page that shows much of the books has to find out at the least.
BARE: Final = {
    "/admin": "SELECT sum(balance), count(*), min(balance), max(balance) FROM account",
    "/desk/figures": "SELECT count(*), sum(amount), count(DISTINCT payer_no) FROM trade WHERE created_ms > 1000 * (unixepoch() - 31622400)",
    "/admin/close-year?year={year}": "SELECT account_no, max(entry_seq), balance_after FROM leg GROUP BY account_no",
}  # fmt: skip


async def run(options: Asked) -> list[Result]:
    """Fill a book once, then ask for every page."""
    small = 10 if options.quick else 1
    port = free_ports(1)[0]
    address = f"http://127.0.0.1:{port}"
    async with scratch(options) as directory:
        path = directory / "node.db"
        began = time.process_time()
        link = await _fill(path, MEMBERS // small, TRADES // small, LISTINGS // small)
        filled_s = time.process_time() - began
        year = str(time.gmtime().tm_year)
        async with (
            Child(
                "node_process", path=str(path), name="Oakvale", ports={"Oakvale": port}, uvloop=options.uvloop
            ) as node,
            ClientSession(cookie_jar=CookieJar(unsafe=True)) as session,
        ):
            await node.ask("remember_nothing")
            empty = await node.ask("memory")
            await sign_in(session, address, link)
            pages = {each: await _timed(session, address + each.format(year=year)) for each in _pages()}
            most = await node.ask("memory")
        bare = {each: _bare(path, query) for each, query in BARE.items()}
    results: list[Result] = [
        Comparison(
            what=f"GET {each}", unit="ms", limit_is=f"{MOST_MS:.0f} ms", ours=taken, limit=(Sample(value=MOST_MS),) * len(taken),
            goal=1, at_most=True,
        )
        for each, taken in sorted(pages.items(), key=lambda item: -median(sample.value for sample in item[1]))
    ]  # fmt: skip
    results += [
        Comparison(
            what=f"GET {each}", unit="ms", limit_is="a bare query", ours=pages[each], limit=bare[each], goal=10, at_most=True
        )
        for each in BARE
    ]  # fmt: skip
    results.append(
        Comparison(
            what="memory after all of it", unit="MiB", limit_is=f"{MOST_MIB:.0f} MiB", ours=(Sample(value=most),),
            limit=(Sample(value=MOST_MIB),), goal=1, at_most=True, note=f"{empty:.0f} MiB at the start; filled in {filled_s:.0f} s",
        )
    )  # fmt: skip
    return results


def _pages() -> list[str]:
    """Return every page of the desk that one address leads to, and those of one member."""
    desk = [
        each.path
        for each in ROUTES
        if each.method == "GET" and each.audience >= Audience.ORGANISER and not NO_PAGE.search(each.path)
    ]
    return [*desk, *WITH_PARTS]


async def _timed(session: ClientSession, address: str) -> tuple[Sample, ...]:
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        async with session.get(address) as answer:
            body = await answer.read()
        taken.append(Sample(value=(time.perf_counter() - began) * 1000))
        if answer.status != 200 or str(answer.url.path) == "/login":
            raise RuntimeError(f"{address}: {answer.status}, {len(body)} bytes of {answer.url}")
    return tuple(taken)


def _bare(path: Path, query: str) -> tuple[Sample, ...]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        connection.execute(query).fetchall()
        taken.append(Sample(value=(time.perf_counter() - began) * 1000))
    connection.close()
    return tuple(taken)


# --- filling -------------------------------------------------------------------------------------------------


class Past:
    """A clock that comes from five years ago to now, while less and less is left to do."""

    def __init__(self, left: int):
        self.left = self._of = left

    def now_ms(self) -> int:
        """Return the moment, in milliseconds since 1970."""
        return SystemClock().now_ms() - YEARS * YEAR_MS * self.left // self._of


async def _fill(path: Path, members: int, trades: int, listings: int) -> str:
    """Fill a node's database through its services; return the way in for its admin."""
    store = await ThreadStore.open(path)
    clock = Past(trades)
    try:
        node = Node(
            Options(seed=SchemeSettings(name="Oakvale", credit_limit=1 << 40), origin="http://127.0.0.1"),
            store=store, clock=clock, chance=SystemChance(), keys=keys_of("Oakvale"),
        )  # fmt: skip
        await node.load()
        rosa = await node.people.add(OPERATOR, NewMember(name="Rosa", role=Role.ADMIN))
        people = [
            await node.people.add(OPERATOR, NewMember(name=f"Member {number}", place="Oakvale", phone="0100"))
            for number in range(members)
        ]
        for first in range(0, trades, AT_ONCE):
            batch = range(first, min(first + AT_ONCE, trades))
            clock.left = trades - first
            await asyncio.gather(*(node.trades.record(_trade(people, at)) for at in batch))
        clock.left = 0
        for first in range(0, listings, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, listings))
            await asyncio.gather(*(node.market.post(people[at % members].no, listing(at)) for at in numbers))
        return urlsplit(await node.sign_in.make_link(OPERATOR, rosa.no)).path
    finally:
        await store.close()


def _trade(people: list[Member], at: int) -> NewTrade:
    payer, step = at % len(people), 1 + at // len(people) % (len(people) - 1)
    one, other = people[payer], people[(payer + step) % len(people)]
    return NewTrade(
        payer_no=one.account_no, payee_no=other.account_no, amount=1 + at % 90, text=f"two jars of jam, {at}",
        entered_by=one.name, proved_by="pin", once=at.to_bytes(16, "big"), payer_name=one.name, payee_name=other.name,
    )  # fmt: skip
