"""What has to hold when a month is over and everybody had time to end what they began. Source: docs/protocol.md 11."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Final
from urllib.parse import urldefrag

from babel.dates import LOCALTZ
from sqlalchemy import text

from node.services.booking_rows import open_bookings
from node.services.ledger_check import check_books
from node.services.members import Member
from node.wall import wall_hour
from protocol.beyond import FINAL
from protocol.booking import TRANSITIONS, booking_state
from tests.month.life import Home, Life
from tests.node.web.virtual_browser import VirtualBrowser

# What it came to, and, of a swap, for what.
_ASKED: Final = text(
    "SELECT id, scheme, stands, given, CASE WHEN given = '' THEN NULL ELSE price END FROM request WHERE role = :role ORDER BY no"
)
PAGES_OF_ONE: Final = 60
REST_S: Final = 3_600.0


class Wrong(Exception):
    """Something that has to hold does not."""


async def judge(life: Life) -> None:
    """Look at every scheme's books, and at what hangs.

    Raises:
        Wrong: a sum, a hold, a line or a booking is not as it has to be.
        TownError: something between schemes does not end.
    """
    if life.broken:
        raise ExceptionGroup(
            "what members did broke", [each for each in life.broken if isinstance(each, Exception)]
        )
    await life.town.until(life.town.at_rest, REST_S, "an end of what is under way between schemes")
    for home in life.homes:
        await _judge_home(home)
    await _judge_requests(life)
    owed = [await home.resident.owed() for home in life.homes]
    if sum(owed):
        raise Wrong(f"the schemes owe each other {owed}, which is not nothing together")


async def _judge_requests(life: Life) -> None:
    """What is over of what was asked across schemes is over in the same way for both. Source: 7.10."""
    taken = {
        (home.scheme, row[0]): row
        for home in life.homes
        for row in await home.resident.node.store.read(lambda tx: tx.all(_ASKED, role="in"))
    }
    for home in life.homes:
        for mine in await home.resident.node.store.read(lambda tx: tx.all(_ASKED, role="out")):
            if mine[2] not in FINAL:
                continue
            theirs = taken.get((mine[1], mine[0]))
            if theirs is None or mine[2:] != theirs[2:]:
                raise Wrong(f"{home.name} asked for {mine[2:]}, and there it is {theirs and theirs[2:]}")


async def _judge_home(home: Home) -> None:
    node = home.resident.node
    if unbalanced := await home.resident.imbalance():
        raise Wrong(f"the book of {home.name} sums to {unbalanced}")
    if (by_lines := await home.resident.owed()) != (by_books := await home.resident.booked()):
        raise Wrong(f"{home.name} owes {by_lines} by its lines and {by_books} by its book")
    checked = await node.store.read(check_books, node.scheme, node.directory.state, safe=node.keyring.safe)
    if not checked.right:
        raise Wrong(f"the check of {home.name} finds {checked.findings}")
    if aside := await home.resident.set_aside():
        raise Wrong(f"{home.name} still has {aside} set aside")
    hour = wall_hour(node.clock.now_ms(), LOCALTZ)
    for member in home.people:
        for booking in await node.store.read(open_bookings, member.account_no):
            state = booking_state(booking.state, booking.period, hour)
            if TRANSITIONS[state]:
                raise Wrong(f"booking {booking.no} of {home.name} is still {state.value}")
        if waiting := await node.trades.waiting(member.account_no):
            raise Wrong(f"trades of {home.name} never ended: {[each.no for each in waiting]}")


async def crawl(life: Life, members: int) -> Counter[int]:
    """Open every page that some members reach by links; return how many answered how. Raises Wrong: one failed."""
    random = Random(f"crawl {life.plan.seed}")
    everybody = [(home, member) for home in life.homes for member in home.people]
    told: Counter[int] = Counter()
    for home, member in random.sample(everybody, members):
        told += await _walk(home, member)
    return told


async def _walk(home: Home, member: Member) -> Counter[int]:
    browser = await VirtualBrowser.of(home.resident.node, member)
    waiting, known, told = ["/home"], {"/home"}, Counter[int]()
    while waiting and sum(told.values()) < PAGES_OF_ONE:
        path = waiting.pop(0)
        answer = await browser.get(path)
        told[answer.status] += 1
        if answer.status != 200:
            raise Wrong(f"{path} answers {answer.status} to {member.name} of {home.name}")
        for link in _own(answer.links):
            if link not in known:
                known.add(link)
                waiting.append(link)
    return told


def _own(links: Iterable[str]) -> list[str]:
    """Return the links that lead to pages of this scheme."""
    paths = (urldefrag(link)[0] for link in links)
    return [path for path in paths if path.startswith("/") and not NO_PAGE.search(path)]


# Files, some of which other processes make: there are none in virtual time.
NO_PAGE: Final = re.compile(
    r"^//|^/static/|^/text\?|\.(csv|pdf|ics|xml|webmanifest)\b|/pdf$|/file$|^/about/source|/download$"
)
