"""The door to the log over HTTP: what is public, what never changes, and requests that are none. Rules 9.1, 4.1, 4.3."""

from __future__ import annotations

import pytest
from aiohttp import web

from node.federation.log_door import FOR_EVER, LOG_PATH, REQUESTS_BURST, WITNESS_PATH, YOUNG, LogDoor
from node.store import InlineStore, Memory
from protocol.checkpoint import sign_checkpoint
from protocol.limits import WITNESS_REQUEST_BYTES_MAX
from protocol.names import SchemeId
from protocol.tiles import Tile
from protocol.witnessing import AddCheckpoint, parse_cosignatures
from tests.node.services.test_witness import lone_witness
from tests.protocol.logs import asking, note
from tests.protocol.logs import checkpoint as checkpoint_of
from tests.protocol.logs import key as named_key

TILES = {Tile(level=0, index=0, width=20): b"h" * 640, Tile(level=None, index=0): b"\x00\x01a" * 256}
assert SchemeId


@pytest.fixture
async def client(aiohttp_client):
    published: list[bytes] = [note(20).data()]
    lone = await lone_witness(InlineStore(Memory()))

    async def newest() -> bytes | None:
        return published[-1] if published else None

    async def tile(wanted: Tile) -> bytes | None:
        return TILES.get(wanted)

    door = LogDoor(checkpoint=newest, tile=tile, cosign=lone.witness.answer)
    app = web.Application()
    app.add_routes(door.routes())
    made = await aiohttp_client(app)
    made.published = published
    return made


async def test_the_checkpoint_is_plain_text_and_young(client):
    answer = await client.get(LOG_PATH + "checkpoint")

    assert await answer.read() == note(20).data()
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == YOUNG


async def test_nothing_is_shown_before_something_is_signed(client):
    client.published.clear()

    assert (await client.get(LOG_PATH + "checkpoint")).status == 404


async def test_tiles_never_change(client):
    answer = await client.get(LOG_PATH + "tile/0/000.p/20")

    assert await answer.read() == b"h" * 640
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (
        "application/octet-stream",
        FOR_EVER,
    )
    bundle = await client.get(LOG_PATH + "tile/entries/000")
    assert await bundle.read() == b"\x00\x01a" * 256
    assert bundle.headers["Content-Encoding"] in ("deflate", "gzip")


@pytest.mark.parametrize(
    "path", ["tile/0/000", "tile/0/001.p/3", "tile/0/000.p/0", "tile/0/x000/000", "tile/00/000", "tile/entries/000.p/", "tile/64/000", "tile/", "tile/0/%2e%2e/000"]
)  # fmt: skip
async def test_there_are_no_other_tiles(client, path):
    assert (await client.get(LOG_PATH + path)).status == 404


async def post(client, data: bytes):
    return await client.post(WITNESS_PATH + "add-checkpoint", data=data)


async def test_a_request_is_cosigned(client):
    answer = await post(client, asking(0, 20).data())

    assert answer.status == 200
    assert len(parse_cosignatures(await answer.read())) == 1


async def test_missing_forged_replayed_and_misdirected(client):
    """C2SP tlog-witness: 400, 403, 404, 409, 422; there is no other proof of who asks than the log's signature."""
    forged = AddCheckpoint(old_size=0, proof=(), note=sign_checkpoint(checkpoint_of(20), named_key("eve")))
    assert (await post(client, b"")).status == 400
    assert (await post(client, forged.data())).status == 403
    assert (await post(client, asking(0, 15).data())).status == 200
    replayed = await post(client, asking(0, 7).data())
    assert (replayed.status, await replayed.text(), replayed.headers["Content-Type"]) == (
        409,
        "15\n",
        "text/x.tlog.size",
    )
    assert (await post(client, asking(15, 20, "b").data())).status == 422
    elsewhere = asking(0, 20).data().replace(b"/log/1", b"/log/2")
    assert (await post(client, elsewhere)).status == 404


async def test_a_body_without_end_is_cut_off(client):
    assert (await post(client, b"old 0\n" + b"A" * WITNESS_REQUEST_BYTES_MAX)).status == 413


async def test_requests_are_counted(client):
    statuses = [(await post(client, b"no")).status for _ in range(REQUESTS_BURST + 30)]

    assert statuses[0] == 400
    assert 429 in statuses


async def test_a_request_is_posted(client):
    assert (await client.get(WITNESS_PATH + "add-checkpoint")).status == 405
