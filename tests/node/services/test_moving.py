"""A scheme moves to another computer, by the steps of docs/moving.md, on whole nodes. Rules 6.7, 9.1."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from crypto.keyfile import Cost
from node.app import DATABASE, Node, Options
from node.cli.admin import CannotDo
from node.cli.main import cli
from node.clock import LoopClock, SeededChance
from node.config import load
from node.federation.caller import Place
from node.federation.channel import Channel
from node.keyfiles import Keys, draw_keys, make_keys, open_keys
from node.moved import FILE, Moved, read_moved, write_moved
from node.opening import open_node
from node.services.acts import OPERATOR
from node.services.line_rows import OPEN, STOPPED, read_lines
from node.services.settings import SchemeSettings
from node.simulation.network import SimulatedNetwork
from node.simulation.virtual_loop import EPOCH_MS
from node.store import InlineStore, Memory, SqliteDatabase
from node.web.gone import moved_app
from tests.gossip_town import WIDE
from tests.simulation import run_virtual
from tests.sources import ROOT

CHEAP = Cost(memory_kib=8, iterations=1, lanes=1)
OLD, NEW, HILLTOP = "https://old.example", "https://oakvale.example", "https://hilltop.example"
HOUR_MS = 3_600_000


class Addresses:
    """The network as one node finds it: whoever listens at an address is there."""

    def __init__(self, network: SimulatedNetwork, own: str, at: dict[str, Node]):
        self.network, self.own, self.at = network, own, at

    async def dial(self, place: Place) -> Channel:
        return await self.network.connect(self.own, place.address)

    async def descriptor(self, place: Place) -> bytes:
        return self._at(place).descriptor()

    async def identity_log(self, place: Place, scheme: object, *, after: int = -1) -> tuple[bytes, ...]:
        return self._at(place).keyring.log[after + 1 :]

    def _at(self, place: Place) -> Node:
        if place.address not in self.at:
            raise OSError(f"nobody at {place.address}")
        return self.at[place.address]


class World:
    """What outlives a day: Hilltop's disk and keys. Each day is a network of its own, an hour after the one before."""

    def __init__(self) -> None:
        self.disk = Memory()
        self.keys = draw_keys(SeededChance("hilltop"), EPOCH_MS).keys
        self.days = 0

    @asynccontextmanager
    async def node(
        self, network: SimulatedNetwork, at: dict[str, Node], address: str, keys: Keys, disk: Memory | SqliteDatabase
    ) -> AsyncIterator[Node]:  # fmt: skip
        store = InlineStore(disk)
        node = Node(
            Options(seed=SchemeSettings(name=address[8:].split(".", maxsplit=1)[0].title()), origin=address, addresses=(address,)),
            store=store, clock=LoopClock(EPOCH_MS + self.days * HOUR_MS),
            chance=SeededChance(f"{address} {self.days}"), keys=keys, network=Addresses(network, address, at),
        )  # fmt: skip
        await node.load()
        at[address] = node
        network.listen(address, node.links.accept)
        await node.start()
        try:
            yield node
        finally:
            network.stop(address)
            await node.stop()
            await store.close()
            del at[address]


async def until(ready: object, what: str) -> None:
    for _ in range(600):
        if await ready():  # type: ignore[operator]
            return
        await asyncio.sleep(0.5)
    raise AssertionError(what)


class Folder:
    """One computer: a configuration and, in time, a data folder."""

    def __init__(self, folder: Path, address: str):
        folder.mkdir()
        self.config = folder / "interlets.toml"
        self.data_dir = folder / "data"
        self.config.write_text(
            f'[scheme]\nname = "Oakvale"\n[node]\ndata_dir = "data"\npublic_address = "{address}"\n'
        )

    def run(self, command: str, status: int = 0) -> str:
        done = CliRunner().invoke(cli, ["--config", str(self.config), *command.split()[1:]])
        assert done.exit_code == status, done.output
        return done.output


def commands_of(section: str) -> list[str]:
    """Return the commands that docs/moving.md gives in a section, in order."""
    text = (ROOT / "docs/moving.md").read_text()
    part = text.split(f"## {section}")[1].split("\n## ")[0]
    return re.findall(r"^ {7}(interlets .+)$", part, re.MULTILINE)


def test_a_scheme_moves_by_the_steps_that_are_written_down(tmp_path: Path) -> None:
    """Identity, books and line come along, the neighbour calls the new address, and the old folder writes nothing more."""
    old, new = Folder(tmp_path / "old", OLD), Folder(tmp_path / "new", NEW)
    keys, words = make_keys(
        old.data_dir, "apples keep all winter", SeededChance("oakvale"), EPOCH_MS, cost=CHEAP
    )
    scheme, world = keys.keyring.scheme, World()
    (tmp_path / "sheet").write_text(" ".join(words))
    (tmp_path / "out").mkdir()
    put_out, back_up, restore, serve = commands_of("Moving to another computer or address")

    async def before(network: SimulatedNetwork) -> None:
        at: dict[str, Node] = {}
        async with (
            world.node(network, at, OLD, keys, SqliteDatabase(old.data_dir / DATABASE)) as oakvale,
            world.node(network, at, HILLTOP, world.keys, world.disk) as hilltop,
        ):
            await oakvale.peers.add(HILLTOP)
            await hilltop.peers.add(OLD)

            async def in_touch() -> bool:
                return scheme in hilltop.links.live and hilltop.scheme in oakvale.links.live

            await until(in_touch, "a session")
            await oakvale.lines.propose(hilltop.scheme, WIDE)
            await until(lambda: asked(hilltop), "the proposal")
            await hilltop.lines.agree(scheme, WIDE)
            await until(lambda: is_at(oakvale, OPEN), "the line")

    run_virtual(before, 0)
    assert put_out == f"interlets moved {NEW}"
    old.run(put_out)
    for command in ("interlets member add Ana", "interlets maintenance on", "interlets keys revoke line",
                    "interlets ledger verify --rebuild", f"interlets moved {OLD}"):  # fmt: skip
        assert f"moved to {NEW}" in old.run(command, status=1), command
    old.run(back_up.replace("FOLDER", str(tmp_path / "out")))
    (file,) = (tmp_path / "out").iterdir()
    new.run(f"{restore.replace('FILE', str(file))} --words-file {tmp_path / 'sheet'}")
    assert (serve, read_moved(new.data_dir)) == ("interlets serve", None)

    async def after(network: SimulatedNetwork) -> None:
        at: dict[str, Node] = {}
        moved = open_keys(new.data_dir)
        assert moved.keyring.scheme == scheme
        async with world.node(network, at, HILLTOP, world.keys, world.disk) as hilltop:
            async with world.node(
                network, at, NEW, moved, SqliteDatabase(new.data_dir / DATABASE)
            ) as oakvale:
                await until(lambda: known_at(hilltop, NEW), "the new address")
                await hilltop.neighbours.stop(
                    OPERATOR, scheme
                )  # a step on the line, which the moved node answers
                await until(lambda: heard_stop(oakvale), "a step on the line")
                assert await is_at(hilltop, STOPPED)
            assert scheme not in hilltop.links.live
        # The neighbour finds it by itself: this time Oakvale is told nobody to call.
        async with world.node(network, at, NEW, moved, SqliteDatabase(new.data_dir / DATABASE)) as oakvale:
            await oakvale.peers.forget(hilltop.scheme)
            async with world.node(network, at, HILLTOP, world.keys, world.disk) as hilltop:

                async def called() -> bool:
                    return scheme in hilltop.links.live

                await until(called, "a call at the new address")

    world.days = 1
    run_virtual(after, 0)


async def asked(node: Node) -> bool:
    return bool(await node.store.read(read_lines, node.scheme))


async def is_at(node: Node, status: str) -> bool:
    (line,) = await node.store.read(read_lines, node.scheme)
    return line.status == status and line.usable


async def heard_stop(node: Node) -> bool:
    (line,) = await node.store.read(read_lines, node.scheme)
    return line.state.peer_length > line.state.own_length


async def known_at(node: Node, address: str) -> bool:
    (peer,) = await node.peers.peers()
    return peer.address == address


# --- The old folder ----------------------------------------------------------------------------------------------

WENT = Moved(
    address=NEW, name="Oakvale", language="de", wording="lets", help_name="Rosa", help_phone="01632 960 123", help_hours=""
)  # fmt: skip


@pytest.fixture
def old(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "old", OLD)
    make_keys(made.data_dir, "apples keep all winter", SeededChance("oakvale"), EPOCH_MS, cost=CHEAP)
    return made


@contextmanager
def running(data_dir: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(data_dir / "admin.sock"))
        listening.listen()
        yield
    (data_dir / "admin.sock").unlink()


def test_it_is_refused_while_the_node_runs_and_without_an_address(
    old: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(old.data_dir)
    with running(old.data_dir):
        assert "stop it first" in old.run(f"interlets moved {NEW}", status=1)
        assert "stop it first" in old.run("interlets moved --undo --yes", status=1)
    for wrong in ("", f"{NEW} --undo", "oakvale", "ftp://oakvale.example", f"{NEW}/path"):
        old.run(f"interlets moved {wrong}", status=1)
    assert "nothing to undo" in old.run("interlets moved --undo --yes", status=1)
    assert read_moved(old.data_dir) is None


def test_it_is_taken_back_only_after_a_question(old: Folder) -> None:
    old.run(f"interlets moved {NEW}")
    assert f"the scheme moved to {NEW}" in " ".join(old.run("interlets doctor").split())
    assert "Was really no copy" in old.run("interlets moved --undo", status=1)
    assert read_moved(old.data_dir) is not None
    old.run("interlets moved --undo --yes")
    old.run("interlets maintenance on")


def test_a_power_cut_leaves_it_noted_or_not(old: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the power failed")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", fail)
        with pytest.raises(CannotDo, match="cannot be noted"):
            write_moved(old.data_dir, WENT)
    assert read_moved(old.data_dir) is None
    write_moved(old.data_dir, WENT)
    assert read_moved(old.data_dir) == WENT


async def test_a_note_that_cannot_be_read_opens_nothing(old: Folder) -> None:
    """Better a node that does not start than two."""
    (old.data_dir / FILE).write_text("{")
    with pytest.raises(CannotDo, match="cannot be read"):
        async with open_node(load(old.config)):
            pass


async def test_the_old_address_says_where_it_went_and_takes_nothing() -> None:
    async with TestClient(TestServer(moved_app(WENT))) as browser:
        for method, path in (("GET", "/"), ("GET", "/statement"), ("POST", "/login/pin"), ("GET", "/v1/peer"),
                             ("GET", "/.well-known/interlets")):  # fmt: skip
            answer = await browser.request(method, path, data={"pin": "1"} if method == "POST" else None)
            said = await answer.text()
            assert (answer.status, answer.headers["X-Frame-Options"]) == (410, "DENY")
            assert f'href="{NEW}"' in said
            assert 'lang="de"' in said
            assert "/login" not in said
        assert await (await browser.get("/readyz")).text() == "moved\n"
        assert (await browser.get("/static/nothing.css")).status == 404
