"""Calling other nodes: guarded, capped, and nothing believed. Source: docs/protocol.md 9.4; attack T26."""

from __future__ import annotations

import pytest
from aiohttp import web

from crypto.canonical import encode
from node.federation.addresses import ForbiddenAddress
from node.federation.caller import PEER_PATH, WELL_KNOWN_PATH, Caller, CallFailed, Place
from protocol.errors import MalformedMessage
from protocol.limits import FETCH_BYTES_MAX
from tests.simulation import BEN


async def hostile(aiohttp_server, handler) -> Place:
    application = web.Application()
    application.add_routes(
        [web.get(path, handler) for path in (WELL_KNOWN_PATH, PEER_PATH, "/v1/identity/{x}")]
    )
    server = await aiohttp_server(application)
    return Place(address=f"http://127.0.0.1:{server.port}", lan=True)


async def test_a_redirect_is_not_followed(aiohttp_server):
    """Rule 9.4; attack T26."""
    reached: list[str] = []

    async def inside(request):
        reached.append(request.path)
        return web.Response(body=b"what only the own network may read")

    target = await hostile(aiohttp_server, inside)

    async def elsewhere(request):
        raise web.HTTPTemporaryRedirect(target.address + request.path)

    place = await hostile(aiohttp_server, elsewhere)
    async with Caller() as caller:
        with pytest.raises(CallFailed, match="redirect"):
            await caller.descriptor(place)
        with pytest.raises(CallFailed, match="redirect"):
            await caller.dial(place)
    assert reached == []


async def test_an_endless_answer_is_cut_off(aiohttp_server):
    """Rule 9.4."""

    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(FETCH_BYTES_MAX // 1000 + 100):
            await response.write(bytes(1000))
        return response

    place = await hostile(aiohttp_server, endless)
    async with Caller() as caller:
        with pytest.raises(CallFailed, match="more than"):
            await caller.descriptor(place)


@pytest.mark.parametrize("body", [b"", b"\xc1", encode(b"x"), encode((1,)), encode((b"x", "y"))])
async def test_what_is_no_identity_log_is_refused(aiohttp_server, body):
    async def answer(request):
        return web.Response(body=body)

    place = await hostile(aiohttp_server, answer)
    async with Caller() as caller:
        with pytest.raises(MalformedMessage):
            await caller.identity_log(place, BEN.scheme)
        assert await caller.fetch(place, WELL_KNOWN_PATH) == body


@pytest.mark.parametrize(
    "address", ["https://127.0.0.1:1", "https://[::1]:1", "https://[::ffff:127.0.0.1]:1", "https://10.0.0.1"]
)
async def test_addresses_of_the_own_network_are_not_called_unless_marked(address):
    """Rule 9.4; attack T26."""
    async with Caller() as caller:
        with pytest.raises(CallFailed, match="not to be called"):
            await caller.descriptor(Place(address=address))
        with pytest.raises(CallFailed, match="not to be called"):
            await caller.dial(Place(address=address))


@pytest.mark.parametrize(
    "address",
    ["http://example.org", "ftp://example.org", "https://a@example.org", "https://example.org/x", "", "x"],
)
async def test_what_is_no_address_of_a_node_is_not_called(address):
    """Rule 9.4: without TLS only within a network that was marked."""
    async with Caller() as caller:
        with pytest.raises(ForbiddenAddress):
            await caller.dial(Place(address=address))
