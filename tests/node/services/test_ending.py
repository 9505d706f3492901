"""The identity of a closed scheme ends under its root key: only then, and neighbours learn of it. Rules 2.2, 2.4; docs/moving.md."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.app import DATABASE, Node
from node.clock import SeededChance
from node.config import load
from node.keyfiles import make_keys, open_keys, read_identity
from node.opening import open_node
from node.services.closing_down import Plan
from node.services.ended_schemes import ENDED
from node.services.line_units import LineRefused
from node.simulation.network import SimulatedNetwork
from node.simulation.virtual_loop import EPOCH_MS
from node.store import SqliteDatabase
from node.web.app import make_app
from protocol.identity import fold_log
from protocol.limits import DAY_MS
from protocol.names import scheme_text
from tests.gossip_town import WIDE
from tests.node.services.test_moving import CHEAP, HILLTOP, OLD, Folder, World, asked, until
from tests.simulation import run_virtual

END = "interlets end --yes --passphrase-file"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "oakvale", OLD)
    make_keys(made.data_dir, "apples keep all winter", SeededChance("oakvale"), EPOCH_MS, cost=CHEAP)
    (tmp_path / "passphrase").write_text("apples keep all winter")
    (tmp_path / "wrong").write_text("pears do not keep at all")
    return made


def close(folder: Folder, *, since_days: int, readable_days: int = 60) -> None:
    """Let the scheme have closed so many days ago, as two organisers said."""

    async def say() -> None:
        async with open_node(load(folder.config)) as node:
            at_ms = node.clock.now_ms() - since_days * DAY_MS
            plan = Plan(at_ms=at_ms, until_ms=at_ms + readable_days * DAY_MS, why="We have become few.")
            await node.store.write(node.closing_down.announce_in, plan)

    asyncio.run(say())


def test_it_ends_only_when_it_has_closed_and_members_had_their_time(folder: Folder, tmp_path: Path) -> None:
    end = f"{END} {tmp_path / 'passphrase'}"
    assert "two organisers say so first" in folder.run(end, status=1)
    close(folder, since_days=-20)
    assert "two organisers say so first" in folder.run(end, status=1)
    close(folder, since_days=59)
    assert "fetch what is theirs until" in folder.run(end, status=1)
    close(folder, since_days=61)
    assert "passphrase is wrong" in folder.run(f"{END} {tmp_path / 'wrong'}", status=1)
    assert "is not the id of a scheme" in folder.run(f"{end} --successor lets1x", status=1)
    asks = folder.run(end.replace(" --yes", ""), status=1)
    assert "Really end it?" in asks
    own = scheme_text(open_keys(folder.data_dir).keyring.scheme)
    folder.run(f"{end} --successor {own}", status=1)
    assert fold_log(read_identity(folder.data_dir)).ended is None

    folder.run(end)

    ended = fold_log(read_identity(folder.data_dir)).ended
    assert ended is not None
    assert (ended.reason, ended.successor) == ("closure", None)
    assert "has ended already" in folder.run(end, status=1)


def test_a_line_that_is_open_hinders_it_and_neighbours_learn_of_the_end(
    folder: Folder, tmp_path: Path
) -> None:
    """The successor is told too; nothing new is agreed with a scheme that has ended."""
    world, scheme = World(), open_keys(folder.data_dir).keyring.scheme

    async def day(network: SimulatedNetwork, act: object) -> None:
        at: dict[str, Node] = {}
        async with (
            world.node(
                network, at, OLD, open_keys(folder.data_dir), SqliteDatabase(folder.data_dir / DATABASE)
            ) as oakvale,
            world.node(network, at, HILLTOP, world.keys, world.disk) as hilltop,
        ):
            await act(oakvale, hilltop)  # type: ignore[operator]

    async def propose(oakvale: Node, hilltop: Node) -> None:
        await oakvale.peers.add(HILLTOP)
        await hilltop.peers.add(OLD)
        await oakvale.lines.propose(hilltop.scheme, WIDE)
        await until(lambda: asked(hilltop), "the proposal")

    async def learn(oakvale: Node, hilltop: Node) -> None:
        async def known() -> bool:
            return hilltop.directory.has_ended(scheme)

        await until(known, "the end")
        with pytest.raises(LineRefused, match="closed for good") as refused:
            await hilltop.lines.agree(scheme, WIDE)
        assert str(refused.value) == ENDED
        with pytest.raises(LineRefused, match="closed for good"):
            await hilltop.lines.propose(scheme, WIDE)
        state = hilltop.directory.state(scheme)
        assert state is not None
        assert state.ended is not None
        assert state.ended.successor == hilltop.scheme

    run_virtual(lambda network: day(network, propose), 0)
    close(folder, since_days=61)
    end = f"{END} {tmp_path / 'passphrase'} --successor {scheme_text(world.keys.keyring.scheme)}"
    said = folder.run(end, status=1)
    assert "not ended on both sides" in said
    folder.run(f"{end} --anyway")
    world.days = 1
    run_virtual(lambda network: day(network, learn), 0)


async def test_the_page_that_is_left_says_so_and_other_doors_stay_open(
    folder: Folder, tmp_path: Path
) -> None:
    await asyncio.to_thread(close, folder, since_days=61)
    await asyncio.to_thread(folder.run, f"{END} {tmp_path / 'passphrase'}")

    async def ready(_request: web.Request) -> web.Response:
        return web.Response(text="ready\n")

    async with open_node(load(folder.config)) as node:
        app = make_app(node, [web.get("/readyz", ready)])
        async with TestClient(TestServer(app)) as browser:
            for method, path in (
                ("GET", "/"),
                ("GET", "/statement"),
                ("GET", "/admin"),
                ("POST", "/login/pin"),
            ):
                answer = await browser.request(method, path)
                page = await answer.text()
                assert (answer.status, answer.headers["X-Frame-Options"]) == (410, "DENY")
                assert "Oakvale has closed for good" in page
                assert "We have become few." in page
                assert "/login" not in page
            assert await (await browser.get("/readyz")).text() == "ready\n"
