"""The pages on which a scheme is founded, through HTTP. Source: docs/operating.md; decision 0053."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, DummyCookieJar, web

from node.cli.admin import CannotDo
from node.clock import SeededChance, SystemClock
from node.config import load
from node.founding.door import SetUp, make_app
from node.founding.running import Machine, ask, check_address, set_up_forever
from node.opening import open_node
from node.services.acts import Role
from node.services.members import members_called
from node.services.own_listings import listings_of

PASSPHRASE = "four words nobody guesses"
SCHEME = {"name": "Oakvale", "place": "Oak valley", "wording": "timebank", "own": "de", "speaks-en": "yes"}
UNIT = {"unit": "own", "unit_called": "Eicheln", "unit_symbol": "E", "hour": "12,00"}
RULES = {
    "lower": "50",
    "upper": "",
    "who_records": "gave",
    "agreement": "Wir helfen uns.\nWir schreiben es auf.",
    "name-de-one": "Eichel",
    "name-en-other": "acorns",
    "name-en-one": "acorn",
}
PEOPLE = {
    "organiser": "Rosa Field", "email": "rosa@example.org", "phone": "01632 960 123", "hours": "", "second": "Ben Hill",
    "second_email": "", "passphrase": PASSPHRASE, "passphrase_again": PASSPHRASE,
}  # fmt: skip
SAFETY = {"folder": "", "mail": "without", "security": "starttls", "offer": "Help in the garden", "do": "on"}
STEPS = {"scheme": SCHEME, "unit": UNIT, "rules": RULES, "people": PEOPLE, "safety": SAFETY}


@dataclass(slots=True)
class Seen:
    """An answer, as a browser without scripts has it."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def token(self) -> str:
        return str(re.findall(r'name="form_token" value="([^"]*)"', self.text)[0])

    @property
    def goes_to(self) -> str:
        return self.headers.get("Location", "")


@dataclass(slots=True)
class Place:
    """One machine on which set-up runs, and a browser."""

    founders: SetUp
    session: ClientSession
    port: int
    said: list[str] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str, **headers: str) -> Seen:
        async with self.session.get(self.base + path, allow_redirects=False, headers=headers) as answer:
            return Seen(answer.status, unescape(await answer.text()), answer.headers)

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Seen:
        async with self.session.post(
            self.base + path, data=fields, allow_redirects=False, headers=headers
        ) as answer:
            return Seen(answer.status, unescape(await answer.text()), answer.headers)

    async def send(self, path: str, fields: Mapping[str, str] | None = None) -> Seen:
        """Open a page and send its form."""
        return await self.post(path, {"form_token": (await self.get(path)).token, **(fields or {})})

    @property
    def link(self) -> str:
        return self.founders.link_address().removeprefix(self.base)

    async def open_link(self) -> None:
        assert (await self.send(self.link)).goes_to == "/set-up"

    async def answer(self, **changed: Mapping[str, str]) -> None:
        """Answer all questions."""
        for name, fields in STEPS.items():
            sent = await self.send(f"/set-up/{name}", {**fields, **changed.get(name, {})})
            assert sent.status == 303, sent.text

    async def sheet(self) -> list[str]:
        """Make everything, and return the words as the page shows them."""
        assert (await self.send("/set-up/check")).goes_to == "/set-up/sheet"
        return await self.sheet_again()

    async def sheet_again(self) -> list[str]:
        """Look at the words once more."""
        return re.findall(r'<li><span class="secret">(\w+)</span>', (await self.get("/set-up/sheet")).text)

    async def type_words(self, words: list[str]) -> Seen:
        page = await self.get("/set-up/words")
        places = [int(each) for each in re.findall(r'name="word-(\d+)"', page.text)]
        typed = {f"word-{place}": words[place - 1].upper() for place in places}
        return await self.post("/set-up/words", {"form_token": page.token, **typed})


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Set-up on an empty folder."""
    async with set_up_in(tmp_path) as made:
        yield made


@asynccontextmanager
async def set_up_in(folder: Path) -> AsyncIterator[Place]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        said: list[str] = []
        founders = SetUp(
            folder / "interlets.toml", folder / "data", "127.0.0.1", port, "", False, origin=f"http://127.0.0.1:{port}",
            chance=SeededChance("founders"), clock=SystemClock(), say=said.append, ended=asyncio.Event(),
        )  # fmt: skip
        runner = web.AppRunner(make_app(founders))
        await runner.setup()
        await web.SockSite(runner, listening.dup()).start()
        try:
            async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
                yield Place(founders, session, port, said)
        finally:
            await runner.cleanup()
            await founders.close()


def what_is_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- From the first page to the last -----------------------------------------------------------------------------


async def test_a_scheme_is_founded_on_pages(place: Place, tmp_path: Path) -> None:
    """docs/first-evening.md 2: what was answered is what the scheme has, and nothing was there before."""
    await place.open_link()
    assert (await place.get("/set-up")).goes_to == "/set-up/scheme"
    await place.answer()
    assert (await place.get("/set-up")).goes_to == "/set-up/check"
    shown = (await place.get("/set-up/check")).text
    for each in ("Oakvale, Oak valley", "Deutsch, English", "Eicheln", "Rosa Field, Ben Hill"):
        assert each in shown
    assert what_is_in(tmp_path) == []

    words = await place.sheet()
    assert len(words) == 24
    assert what_is_in(tmp_path) == ["data"]
    assert not (tmp_path / "data" / "keys").exists()
    assert (await place.type_words(words)).goes_to == "/set-up/done"
    done = await place.get("/set-up/done")
    assert "Needs mending" not in done.text
    assert "Name a folder on another disk" in done.text
    assert "For Ben Hill" in done.text
    assert place.said[-1].startswith(f"{place.base}/login/link/")

    assert what_is_in(tmp_path) == ["data", "interlets.toml"]
    assert [each for each in what_is_in(tmp_path / "data") if each.startswith(".")] == []
    started = await place.send("/set-up/done")
    assert started.goes_to == place.said[-1]
    assert place.founders.start
    assert place.founders.ended.is_set()
    # Whoever comes now, on a connection kept from before, is for the node.
    link_page = started.goes_to.removeprefix(place.base)
    late = await place.get(link_page)
    assert (late.status, late.goes_to, late.headers["Connection"]) == (307, link_page, "close")

    async with open_node(load(tmp_path / "interlets.toml")) as node:
        now = node.settings.now
        assert (now.name, now.place, now.wording, now.languages) == (
            "Oakvale",
            "Oak valley",
            "timebank",
            ("de", "en"),
        )
        assert (now.unit_kind, now.unit_name, now.decimals, now.minor_per_hour) == (
            "decimal",
            "Eicheln",
            2,
            1200,
        )
        assert now.unit_names == {"de": {"one": "Eichel"}, "en": {"one": "acorn", "other": "acorns"}}
        assert (now.credit_limit, now.ceiling, now.agreement.count("\n")) == (5000, None, 1)
        assert now.who_records == "gave"
        assert (now.help_name, now.help_phone) == ("Rosa Field", "01632 960 123")
        (rosa,) = await node.store.read(members_called, "Rosa Field")
        (ben,) = await node.store.read(members_called, "Ben Hill")
        assert (rosa.role, ben.role) == (Role.ADMIN, Role.ORGANISER)
        assert [each.listing.content.title for each in await node.store.read(listings_of, rosa.no)] == [
            "Help in the garden"
        ]
        link = started.goes_to.rpartition("/")[2]
        assert (await node.sign_in.look_at_link(link)) == rosa


async def test_a_browser_that_is_closed_leaves_no_scheme(tmp_path: Path) -> None:
    """Decision 0053: before three words were right there is nothing, whatever was pressed."""
    async with set_up_in(tmp_path) as place:
        await place.open_link()
        await place.answer()
        await place.sheet()
        assert what_is_in(tmp_path) == ["data"]
    assert what_is_in(tmp_path) == []


async def test_the_sheet_is_seen_until_it_was_checked_and_never_again(place: Place) -> None:
    await place.open_link()
    await place.answer()
    words = await place.sheet()
    wrong = await place.type_words(["slip"] * 24)
    assert wrong.status == 422
    assert wrong.text.count("mend your copy") >= 3
    assert not any(f">{word}<" in wrong.text for word in words)
    assert await place.sheet_again() == words
    # Other answers make another scheme, with another sheet.
    assert (
        await place.send("/set-up/people", {**PEOPLE, "passphrase": "", "passphrase_again": ""})
    ).goes_to == "/set-up/check"
    others = await place.sheet()
    assert others != words
    assert (await place.type_words(words)).status == 422
    assert (await place.type_words(others)).goes_to == "/set-up/done"
    for path in ("sheet", "words", "check", "scheme", ""):
        assert (await place.get(f"/set-up/{path}".rstrip("/"))).goes_to == "/set-up/done"
    assert PASSPHRASE not in repr(vars(place.founders))


async def test_two_presses_make_one_scheme(place: Place, tmp_path: Path) -> None:
    await place.open_link()
    await place.answer()
    fields = {"form_token": (await place.get("/set-up/check")).token}
    both = await asyncio.gather(place.post("/set-up/check", fields), place.post("/set-up/check", fields))
    assert [each.goes_to for each in both] == ["/set-up/sheet"] * 2
    assert len(what_is_in(tmp_path / "data")) == 1


async def test_somebody_else_founded_meanwhile(place: Place, tmp_path: Path) -> None:
    """One folder has one scheme: the later one is refused, and nothing of it is left."""
    await place.open_link()
    await place.answer()
    words = await place.sheet()
    (tmp_path / "interlets.toml").write_text("# another")
    refused = await place.type_words(words)
    assert (refused.status, "exists" in refused.text) == (409, True)
    assert (tmp_path / "interlets.toml").read_text() == "# another"
    assert not (tmp_path / "data" / "keys").exists()


# --- Who may -----------------------------------------------------------------------------------------------------


async def test_the_link_opens_once_and_for_one_browser(place: Place) -> None:
    link, token = place.link, (await place.get(place.link)).token
    assert (await place.get(link)).status == 200, "whoever only looks does not use it up"
    assert (await place.post(link, {"form_token": token})).goes_to == "/set-up"
    assert (await place.get("/set-up/scheme")).status == 200
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        other = Place(place.founders, session, place.port)
        for path in (link, "/set-up", "/set-up/scheme", "/set-up/sheet", "/set-up/done", "/set-up/nonsense"):
            assert (await other.get(path)).status == 403, path
        assert (await other.post(link, {"form_token": token})).status == 403


async def test_without_the_link_nothing_opens(place: Place) -> None:
    missing = await place.get("/set-up/scheme")
    assert (missing.status, "Ctrl" in missing.text) == (403, True)
    assert (await place.get("/set-up/link/" + "A" * 43)).status == 403
    forged = await place.post("/set-up/link/" + "A" * 43, {"form_token": (await place.get(place.link)).token})
    assert forged.status == 403
    assert (await place.post(place.link, {"form_token": "forged"})).status == 403
    assert (await place.get(place.link)).status == 200, "no wrong try uses it up"


async def test_forms_of_other_pages_do_nothing(place: Place) -> None:
    await place.open_link()
    token = (await place.get("/set-up/scheme")).token
    assert (await place.post("/set-up/scheme", {**SCHEME, "form_token": "forged"})).status == 403
    assert (await place.post("/set-up/scheme", SCHEME)).status == 403
    sent = {**SCHEME, "form_token": token}
    assert (await place.post("/set-up/scheme", sent, Origin="http://elsewhere.example")).status == 403
    assert (await place.post("/set-up/scheme", sent, **{"Sec-Fetch-Site": "cross-site"})).status == 403
    # A name that was turned to this machine is another site (DNS rebinding).
    assert (await place.get("/set-up/scheme", Host="elsewhere.example")).status == 421
    assert place.founders.typed == {}


async def test_no_browser_keeps_a_page(place: Place) -> None:
    assert (await place.get(place.link)).headers["Cache-Control"] == "no-store"
    await place.open_link()
    assert (await place.get("/set-up/scheme")).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host, public, may", [
    ("127.0.0.1", "", True), ("localhost", "", True), ("::1", "", True), ("127.0.0.1", "https://oakvale.example", True),
    ("0.0.0.0", "https://oakvale.example", True),  # a web server stands before it
    ("0.0.0.0", "", False), ("192.168.1.7", "", False), ("127.0.0.1", "http://oakvale.example", False),  # as above
])  # fmt: skip
def test_the_sheet_crosses_no_network_in_the_clear(host: str, public: str, may: bool) -> None:
    machine = Machine(target=Path("x"), data_dir=Path("y"), host=host, port=8480, public_address=public)
    if may:
        check_address(machine)
    else:
        with pytest.raises(CannotDo, match="recovery sheet"):
            check_address(machine)


async def test_who_comes_after_the_last_button_waits_for_the_node(tmp_path: Path) -> None:
    """The socket goes on listening while these pages end and the scheme's begin."""
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        machine = Machine(
            target=tmp_path / "interlets.toml", data_dir=tmp_path / "data", host="127.0.0.1", port=port
        )
        loop, handlers = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)
        async with asyncio.TaskGroup() as tasks, ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            printed = asyncio.Event()

            def say(line: str) -> None:
                said.append(line)
                if "/set-up/link/" in line:
                    printed.set()

            asking = tasks.create_task(ask(machine, say, listening))
            await printed.wait()
            link = said[1].removeprefix(f"http://127.0.0.1:{port}")
            place = Place(None, session, port, said)  # type: ignore[arg-type]  # not asked here
            await place.send(link)
            await place.answer()
            await place.type_words(await place.sheet())
            started = await place.send("/set-up/done")
            waiting = tasks.create_task(place.get(started.goes_to.removeprefix(place.base)))
            assert await asking
            assert not waiting.done()
            for sign in handlers:
                loop.remove_signal_handler(sign)
            # What the node is in its place.
            node = web.Application()
            node.router.add_get("/login/link/{link}", _node_answers)
            runner = web.AppRunner(node)
            await runner.setup()
            await web.SockSite(runner, listening.dup()).start()
            assert (await waiting).text == "the node"
            await runner.cleanup()


async def _node_answers(_request: web.Request) -> web.Response:
    return web.Response(text="the node")


def test_set_up_happens_once(tmp_path: Path) -> None:
    (tmp_path / "interlets.toml").write_text("")
    machine = Machine(
        target=tmp_path / "interlets.toml", data_dir=tmp_path / "data", host="127.0.0.1", port=8480
    )
    with pytest.raises(CannotDo, match="exists"):
        set_up_forever(machine, print)


# --- What is answered --------------------------------------------------------------------------------------------


async def test_questions_come_in_their_order(place: Place) -> None:
    await place.open_link()
    for later in ("unit", "rules", "people", "safety", "check", "sheet", "words", "done"):
        assert (await place.get(f"/set-up/{later}")).goes_to == "/set-up/scheme", later
    token = (await place.get("/set-up/scheme")).token
    for path in ("people", "check", "words", "done"):
        assert (
            await place.post(f"/set-up/{path}", {**PEOPLE, "form_token": token})
        ).goes_to == "/set-up/scheme"


async def test_what_was_typed_is_there_again_but_no_secret(place: Place) -> None:
    await place.open_link()
    await place.answer(
        safety={
            "mail": "with",
            "host": "mail.example.org",
            "sender": "us@example.org",
            "user": "us",
            "password": "hush hush",
        }
    )
    assert 'value="Oak valley"' in (await place.get("/set-up/scheme")).text
    for path in ("people", "safety", "check"):
        page = (await place.get(f"/set-up/{path}")).text
        assert PASSPHRASE not in page
        assert "hush hush" not in page
    assert place.founders.read["mail"]["password"] == "hush hush"
    await place.send(
        "/set-up/safety",
        {**SAFETY, "mail": "with", "host": "mail.example.org", "sender": "us@example.org", "user": "us"},
    )
    assert place.founders.read["mail"]["password"] == "hush hush"
    # Another unit asks again for what is counted in it.
    assert (await place.send("/set-up/unit", {"unit": "hours"})).goes_to == "/set-up/rules"


@pytest.mark.parametrize("step, wrong, where", [
    ("scheme", {"name": ""}, "name"),
    ("scheme", {"own": "tlh"}, "own"),
    ("unit", {"unit_called": ""}, "unit_called"),
    ("unit", {"hour": "0"}, "hour"),
    ("rules", {"lower": "much"}, "lower"),
    ("rules", {"who_records": "nobody"}, "who_records"),
    ("rules", {"name-de-one": "x" * 41}, "name-de-one"),
    ("people", {"organiser": ""}, "organiser"),
    ("people", {"email": "rosa"}, "email"),
    ("people", {"second_email": "rosa@example.org"}, "second_email"),
    ("people", {"passphrase": "short", "passphrase_again": "short"}, "passphrase"),
    ("people", {"passphrase_again": "four words somebody guesses"}, "passphrase_again"),
    ("safety", {"folder": "stick"}, "folder"),
    ("safety", {"folder": "/nowhere/at/all"}, "folder"),
    ("safety", {"mail": "with", "host": "mail.example.org", "sender": "us"}, "sender"),
    ("safety", {"mail": "with", "sender": "us@example.org"}, "host"),
])  # fmt: skip
async def test_a_slip_is_told_beside_its_field(
    place: Place, step: str, wrong: Mapping[str, str], where: str
) -> None:
    await place.open_link()
    for name, fields in STEPS.items():
        if name == step:
            break
        await place.send(f"/set-up/{name}", fields)
    answer = await place.send(f"/set-up/{step}", {**STEPS[step], **wrong})
    assert answer.status == 422
    assert f'id="{where}-error"' in answer.text
    assert PASSPHRASE not in answer.text
    assert (await place.get("/set-up")).goes_to == f"/set-up/{step}"


async def test_backups_do_not_lie_with_what_they_are_of(place: Place, tmp_path: Path) -> None:
    await place.open_link()
    await place.answer(safety={"folder": str(tmp_path / "stick")})
    within = await place.send("/set-up/safety", {**SAFETY, "folder": str(tmp_path / "data" / "copies")})
    assert within.status == 422
    await place.type_words(await place.sheet())
    assert (tmp_path / "stick").is_dir()
    assert load(tmp_path / "interlets.toml").backup.folder == tmp_path / "stick"


async def test_a_mail_that_does_not_go_out_is_told(place: Place) -> None:
    await place.open_link()
    nobody = {
        "mail": "with",
        "host": "127.0.0.1",
        "port": "1",
        "security": "none",
        "sender": "us@example.org",
        "do": "test",
    }
    await place.answer(safety=nobody)
    assert "The mail did not go out" in (await place.get("/set-up/safety")).text
    await place.send("/set-up/safety", {**SAFETY, "do": "test"})
    assert "nothing to try" in (await place.get("/set-up/safety")).text
    assert (await place.get("/set-up")).goes_to == "/set-up/check"
