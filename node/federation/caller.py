"""Calling other nodes: opens channels and fetches descriptors and identity logs, guarded and capped.

Nothing fetched is believed here: who asked verifies it. Source: docs/protocol.md 9.1, 9.4.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientWSTimeout,
    Fingerprint,
    ServerFingerprintMismatch,
)

from crypto.canonical import NotCanonical, decode
from node.federation.addresses import ForbiddenAddress, make_client
from node.federation.channel import MESSAGE_SIZE, WebSocketChannel
from protocol.descriptor import parse_address
from protocol.errors import InvalidValue, MalformedMessage
from protocol.limits import DIAL_TIMEOUT_MS, FETCH_BYTES_MAX
from protocol.names import SchemeId, scheme_text

WELL_KNOWN_PATH: Final = "/.well-known/interlets"
PEER_PATH: Final = "/v1/peer"
IDENTITY_PATH: Final = "/v1/identity/"
# How long the other end may take to answer our closing of a WebSocket.
_CLOSE_S: Final = 2.0


class CallFailed(OSError):
    """Another node was not reached, or gave no usable answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to call another node."""

    address: str  # as in a descriptor: https://host[:port]
    lan: bool = False  # an admin of this node said that it lies in their own network
    # SHA-256 of the certificates its descriptor pins; none where a public authority vouches for it.
    tls_hashes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a scheme is called that this same process serves: at its own listener, by the name it is asked for."""

    base: str  # http://127.0.0.1:8480
    host: str  # for the header


def _far(_address: str) -> Way | None:
    return None


class _Pins(Fingerprint):
    """Takes one of several certificates, so that one can be replaced by the next without a gap."""

    def __init__(self, hashes: tuple[bytes, ...]):
        super().__init__(hashes[0])
        self._hashes = hashes

    def check(self, transport: asyncio.Transport) -> None:
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else b""
        seen = hashlib.sha256(certificate).digest()
        if tls is not None and seen not in self._hashes:
            host, port, *_ = transport.get_extra_info("peername")
            raise ServerFingerprintMismatch(self._hashes[0], seen, host, port)


class Caller:
    """The outgoing side of a node's door. Use it as `async with Caller() as caller`.

    `near` knows the schemes of this same process: they are called within this machine, past web server, certificate and router.
    """

    def __init__(self, near: Callable[[str], Way | None] = _far) -> None:
        self._near: Final = near
        self._clients: dict[bool, ClientSession] = {}

    async def __aenter__(self) -> Self:
        self._clients = {lan: make_client(lan=lan) for lan in (False, True)}
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for client in self._clients.values():
            await client.close()

    async def dial(self, place: Place) -> WebSocketChannel:
        """Open a channel to the node at `place`. Raises CallFailed."""
        client, base, how = self._way(place)
        try:
            async with asyncio.timeout(DIAL_TIMEOUT_MS / 1000):
                socket = await client.ws_connect(
                    base + PEER_PATH,
                    compress=0,
                    max_msg_size=MESSAGE_SIZE,
                    timeout=ClientWSTimeout(ws_close=_CLOSE_S),
                    **how,
                )
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            raise CallFailed(f"{place.address}: {type(error).__name__}: {error}") from None
        return WebSocketChannel(socket, address=place.address, pinned=bool(place.tls_hashes) and "ssl" in how)

    def _way(self, place: Place) -> tuple[ClientSession, str, dict[str, Any]]:
        """Return who calls a place, where, and how. Raises ForbiddenAddress."""
        near = self._near(place.address)
        if near is not None:
            # Within the own machine, as the own network's addresses are: whom it reaches proves who it is all the same.
            return self._clients[True], near.base, {"headers": {"Host": near.host}}
        _check(place)
        return self._clients[place.lan], place.address, {"ssl": _tls(place)}

    async def descriptor(self, place: Place) -> bytes:
        """Return the signed descriptor that the node at `place` shows. Raises CallFailed."""
        return await self.fetch(place, WELL_KNOWN_PATH)

    async def identity_log(self, place: Place, scheme: SchemeId, *, after: int = -1) -> tuple[bytes, ...]:
        """Return the identity events of `scheme` that the node at `place` holds, past the seq `after`.

        A long log comes in several answers: ask on until one is empty.

        Raises:
            CallFailed: it gave none.
            MalformedMessage: what it gave is no list of events.
        """
        data = await self.fetch(place, f"{IDENTITY_PATH}{scheme_text(scheme)}?after={after}")
        try:
            events = decode(data, bytes_max=FETCH_BYTES_MAX)
        except NotCanonical as error:
            raise MalformedMessage(str(error)) from None
        if type(events) is not tuple:
            raise MalformedMessage("no list of identity events")
        log: list[bytes] = []
        for event in events:
            if type(event) is not bytes:
                raise MalformedMessage("no list of identity events")
            log.append(event)
        return tuple(log)

    async def fetch(self, place: Place, path: str, *, bytes_max: int = FETCH_BYTES_MAX) -> bytes:
        """Return what the node at `place` serves under `path`. Raises CallFailed."""
        client, base, how = self._way(place)
        try:
            async with client.get(base + path, **how) as response:
                return await _body(response, bytes_max)
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            raise CallFailed(f"{place.address}: {type(error).__name__}: {error}") from None


async def _body(response: ClientResponse, bytes_max: int) -> bytes:
    if response.status != 200:
        raise CallFailed(f"answered {response.status}")
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > bytes_max:
            raise CallFailed(f"more than {bytes_max} bytes")
        parts.append(part)
    return b"".join(parts)


def _check(place: Place) -> None:
    try:
        address = parse_address(place.address)
    except InvalidValue as error:
        raise ForbiddenAddress(str(error)) from None
    if not address.secure and not place.lan:
        raise ForbiddenAddress("without TLS only within the own network")


def _tls(place: Place) -> bool | Fingerprint:
    return _Pins(place.tls_hashes) if place.tls_hashes else True
