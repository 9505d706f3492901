"""Which addresses this node may call, and the connections that obey. Source: docs/protocol.md 9.4.

An address comes from a descriptor that a stranger signed, or from a neighbour. Without this guard it could
make the node call machines that only its own network can reach.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Final, TypeAlias

from aiohttp import (
    AddrInfoType,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    SocketFactoryType,
    TCPConnector,
)

from protocol.limits import FETCH_TIMEOUT_MS

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# NAT64: an IPv4 address in the last four bytes, reached through a gateway (RFC 6052).
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# Of an IPv6 address the rest is the customer's to choose: one machine has 2**64 of them.
NETWORK_BITS_V6: Final = 64
CONNECTIONS_MAX: Final = 64  # held to other nodes by one client, websockets included


class ForbiddenAddress(OSError):
    """An address this node does not call."""

    def __init__(self, reason: str):
        super().__init__(errno.EACCES, reason)  # aiohttp passes on only errors in this form


def is_callable(host: str, *, lan: bool) -> bool:
    """Tell whether a connection to the IP address `host` is allowed: to a global one, or within a marked LAN."""
    address = _unwrapped(ipaddress.ip_address(host.partition("%")[0]))
    if address.is_loopback:  # first, since ::1 also lies in a reserved block
        return lan
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return False
    if lan:
        return address.is_private or address.is_link_local or address.is_global
    return address.is_global


def _unwrapped(address: IpAddress) -> IpAddress:
    """Return the IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return _unwrapped(address.ipv4_mapped)
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def network_of(address: str) -> str:
    """Return what of a caller's address is counted: an IPv4 address, or the network of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, NETWORK_BITS_V6), strict=False))
    return str(parsed)


def guarded_socket(lan: bool) -> SocketFactoryType:
    """Return a maker of sockets that refuses forbidden addresses.

    aiohttp shows it every address it is about to call, after names were resolved and also when the URL
    held a bare number, which no resolver ever sees.
    """

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = info
        if not is_callable(str(target[0]), lan=lan):
            raise ForbiddenAddress(f"{target[0]} is not to be called")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return make


async def refuse_redirects(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Fail where a redirect would be followed: `ws_connect` has no other way to say so."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise ForbiddenAddress("redirected elsewhere")
    return response


def make_client(*, lan: bool) -> ClientSession:
    """Return a client session that calls allowed addresses only; whoever makes it closes it."""
    return ClientSession(
        connector=TCPConnector(socket_factory=guarded_socket(lan), limit=CONNECTIONS_MAX),
        timeout=ClientTimeout(total=FETCH_TIMEOUT_MS / 1000),
        middlewares=(refuse_redirects,),
        trust_env=False,
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
    )
