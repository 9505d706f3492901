"""A year of one scheme: who and what there is, how its steps follow each other, and what is looked at after each of them."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser

from scripts.town.processes import end_all, free_ports
from tests.chromium import started
from tests.year.nodes import MovedProcess, move_to
from tests.year.walking import Stumbled, Walker, walking

BEGINS: Final = date(2026, 1, 5)
OURS: Final = "linden"
SCHEME: Final = "Linden Exchange"
ROSA: Final = "Rosa Field"
BEN: Final = "Ben Hill"
KEPT: Final = ("linden", "hilltop", "riverside", "stick", "moment", "state.json")
SETTLES_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the year. Its function's docstring is what the guide says of it."""

    name: str
    title: str
    day: date
    act: Callable[[Year], Awaitable[None]]
    pictures: Mapping[str, str]  # what is taken in it, and what one sees there
    # Whether the short version in the test suite has it too.
    short: bool = False

    @property
    def guide(self) -> str:
        """Return what the guide says: **bold** is pressed, followed or read in this step."""
        assert self.act.__doc__, self.name
        lines = [line.strip() for line in self.act.__doc__.strip().splitlines()]
        return "\n".join(lines)


@dataclass
class State:
    """What has to be known to go on from a step another day."""

    at: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    logins: dict[str, list[str]] = field(default_factory=dict)  # number and PIN, by name
    sheet: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    next_release: bool = False


@dataclass
class Year:
    """The scheme, its neighbours, and the browser."""

    folder: Path
    browser: Browser
    pictures: Path | None = None
    tell: Callable[[str], None] = print
    state: State = field(default_factory=State)
    nodes: dict[str, MovedProcess] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)
    visited: set[str] = field(default_factory=set)
    # What happens in the weeks before a step.
    between: Callable[[Year, date], Awaitable[None]] | None = None
    failed_at: str = ""  # the page at which it went wrong, and where its picture is

    def node(self, key: str, name: str) -> MovedProcess:
        """Return a node, as it is or as it will be."""
        if key not in self.nodes:
            (port,) = free_ports([self.state.ports.get(key)])
            self.state.ports[key] = port
            self.nodes[key] = MovedProcess(name, self.folder / key, port, moment=self.moment)
        return self.nodes[key]

    @property
    def ours(self) -> MovedProcess:
        """Our scheme's node."""
        return self.node(OURS, SCHEME)

    @property
    def moment(self) -> Path:
        """The file that says how wrong the clock is."""
        return self.folder / "moment"

    @property
    def now(self) -> datetime:
        """The moment the clock was moved to last."""
        return datetime.fromisoformat(self.state.at)

    async def move_to(self, day: date, hour: int = 10) -> None:
        """Let it be this hour of this day, for all nodes; never earlier than it is."""
        at = datetime.combine(day, time(hour), UTC)
        if self.state.at and at <= self.now:
            return
        self.state.at = at.isoformat()
        await move_to(self.moment, round(at.timestamp() * 1000), self.nodes.values())

    async def pass_days(self, days: int) -> None:
        """Let days pass."""
        await self.move_to(self.now.date() + timedelta(days=days))

    @asynccontextmanager
    async def at_browser(self, key: str = OURS) -> AsyncIterator[Walker]:
        """Give a browser nobody is logged in at."""
        async with walking(
            self.browser, self.nodes[key].origin, self.used, self.taken, self.pictures
        ) as walker:
            try:
                yield walker
            except Exception:
                await self._remember(walker)
                raise
            self.visited |= walker.visited

    async def _remember(self, walker: Walker) -> None:
        """Keep what was seen where it went wrong, unless a page around it was kept already."""
        if self.failed_at:
            return
        self.failed_at = f"{walker.page.url}, see {self.folder / 'failed.png'}"
        await walker.page.screenshot(path=self.folder / "failed.png", full_page=True)
        (self.folder / "failed.html").write_text(await walker.page.content())

    @asynccontextmanager
    async def person(self, name: str, key: str = OURS) -> AsyncIterator[Walker]:
        """Give a browser at which somebody is logged in, by number and PIN, else by a link of the operator's."""
        async with self.at_browser(key) as walker:
            if key == OURS and name in self.state.logins:
                number, pin = self.state.logins[name]
                await walker.open("/login")
                await walker.fill_in("/login/pin", number=number, pin=pin)
                await walker.send("/login/pin")
            else:
                await walker.open(str((await self.nodes[key].run("user", "link", name))["link"]))
                await walker.press("Log in")
            if not walker.page.url.endswith("/home"):
                raise Stumbled(f"{name} could not log in: {await walker.words()}")
            yield walker

    async def give_pin(self, rosa: Walker, name: str) -> str:
        """Make a PIN for a member at the desk; return their number."""
        await find_member(rosa, name)
        number = (await rosa.page.locator("h1 .meta").inner_text()).strip()
        await rosa.press("Make a new PIN")
        self.state.logins[name] = [number, await rosa.secret()]
        return number

    # --- what holds after each step ---

    async def check_books(self) -> None:
        """Raises Stumbled unless every book is found right by `interlets ledger verify`, and all balances together are zero."""
        for node in self.nodes.values():
            answer = await node.run("ledger", "verify")
            if not answer["right"]:
                raise Stumbled(f"the book of {node.name} is not right: {answer['findings']}")

    async def look_round(self, most: int = 99) -> None:
        """Open the pages of the desk, `most` of them, that its menu and its first page lead to."""
        async with self.person(ROSA) as rosa:
            await rosa.open("/admin")
            links = await rosa.page.locator("nav.desk-menu a, main a").evaluate_all(
                "all => all.map(at => at.getAttribute('href'))"
            )
            desk = {each.partition("#")[0] for each in links if each.startswith(("/admin", "/desk", "/node"))}
            for link in sorted(desk)[:most]:
                await rosa.open(link)


async def find_member(rosa: Walker, name: str) -> None:
    """Open a member's page on the desk."""
    await rosa.open("/admin/members")
    await rosa.fill(q=name)
    await rosa.press("Search")
    await rosa.follow(name)


# --- running ------------------------------------------------------------------------------------------------------


def _laid_out(folder: Path, pictures: Path | None) -> State | None:
    """Make the folders, and return how far the year is, if it has begun."""
    folder.mkdir(parents=True, exist_ok=True)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    kept = folder / "state.json"
    return State(**json.loads(kept.read_text())) if kept.exists() else None


@asynccontextmanager
async def a_year(
    folder: Path, chromium: str | None, pictures: Path | None = None, tell: Callable[[str], None] = print
) -> AsyncIterator[Year]:
    """Give a year that has not begun, or that goes on as `state.json` says; its nodes end with it."""
    state = _laid_out(folder, pictures)
    async with started(chromium) as browser:
        year = Year(folder, browser, pictures, tell)
        if state is not None:
            year.state = state
            await move_to(year.moment, round(year.now.timestamp() * 1000))
            for key in year.state.ports:
                year.node(key, SCHEME if key == OURS else key.title()).next_release = (
                    year.state.next_release and key == OURS
                )
            await start_all(year)
        try:
            yield year
        finally:
            end_all(year.nodes.values())


async def run_step(year: Year, step: Step, *, look: bool = True) -> None:
    """Do one step, and look at everything. Raises Stumbled, which names step, page and picture."""
    year.used.clear()
    year.taken.clear()
    try:
        if year.between is not None:
            await year.between(year, step.day)
        await year.move_to(step.day)
        await step.act(year)
        await year.check_books()
        if look:
            await year.look_round()
    except Exception as error:
        where = year.failed_at or "at no page"
        log = year.ours.log_end() if year.state.ports else ""
        raise Stumbled(
            f"step “{step.name}” ({step.title}), {year.state.at}: {where}\n{error}\n{log}"
        ) from error
    if missing := [each for each in bold(step.guide) if each not in year.used]:
        raise Stumbled(f"step “{step.name}”: the guide names {missing}, which nobody pressed or followed")
    if year.taken != list(step.pictures):
        raise Stumbled(
            f"step “{step.name}”: the guide has the pictures {list(step.pictures)}, taken were {year.taken}"
        )
    year.state.done.append(step.name)
    (year.folder / "state.json").write_text(json.dumps(asdict(year.state), indent=1))


def bold(text: str) -> Iterator[str]:
    """Yield what stands in **bold**, which is what the pages call it."""
    for at, part in enumerate(text.replace("\n", " ").split("**")):
        if at % 2:
            yield part


async def start_all(year: Year) -> None:
    """Start the nodes, together: each asks its neighbours first whether they have newer books of it."""
    async with asyncio.TaskGroup() as tasks:
        for node in year.nodes.values():
            tasks.create_task(node.start())


async def keep(year: Year, name: str) -> None:
    """Keep everything as it is before step `name`. The nodes are stopped meanwhile, as at night."""
    end_all(year.nodes.values())
    target = year.folder / "before" / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for each in KEPT:
        source = year.folder / each
        if source.is_dir():
            shutil.copytree(source, target / each)
        elif source.exists():
            shutil.copy2(source, target / each)
    if year.state.at:
        await move_to(year.moment, round(year.now.timestamp() * 1000))
    await start_all(year)


def go_back(folder: Path, name: str) -> None:
    """Put everything back as it was before step `name`. Raises Stumbled: it was not kept."""
    source = folder / "before" / name
    if not source.is_dir():
        raise Stumbled(f"nothing was kept from before “{name}” in {folder}")
    for each in KEPT:
        target = folder / each
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        if (source / each).is_dir():
            shutil.copytree(source / each, target)
        elif (source / each).exists():
            shutil.copy2(source / each, target)
