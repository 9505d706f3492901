"""Where a request came from, where a web server of ours stands in front of the node. Source: docs/operating.md.

Anybody can write `X-Forwarded-For`; it is believed only from addresses that the configuration names, and of what it
says only what they wrote. Delays against guessing PINs are counted by this address, so who invents some must not get
around them, and a proxy that is not named must not make all members one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import structlog

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_IPV4_RANGE_BITS: Final = 24


class Proxies:
    """The web servers that are believed, and the newest that was not though it passes requests on."""

    def __init__(self, trusted: Iterable[str] = ()):
        """Raises ValueError: one of `trusted` is no range of addresses."""
        self._trusted: Final[tuple[Network, ...]] = tuple(ip_network(each) for each in trusted)
        self.to_add: str | None = None  # the range that is missing in the configuration

    def address_of(self, remote: str | None, forwarded: Sequence[str]) -> str:
        """Return where a request came from, as far as we can know; `forwarded` are the lines of its header."""
        if remote is None or not self._is_ours(remote):
            if forwarded and remote is not None and self._trusted:
                self._notice(remote)
            return remote or ""
        said = [part.strip() for line in forwarded for part in line.split(",")]
        # Each server adds at the end whom it heard; what stands before the first stranger is the stranger's word.
        strangers = (each for each in reversed(said) if not self._is_ours(each))
        return next(strangers, said[0] if said else remote)

    def _is_ours(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._trusted)

    def _notice(self, remote: str) -> None:
        missing = range_around(remote)
        if missing is not None and missing != self.to_add:
            log.warning("unnamed_web_server", add_to_proxies=missing)
            self.to_add = missing


def range_around(text: str) -> str | None:
    """Return the range to name for a web server at an address: its neighbourhood where that is private."""
    address = _address(text)
    if address is None:
        return None
    private = isinstance(address, IPv4Address) and address.is_private and not address.is_loopback
    bits = _IPV4_RANGE_BITS if private else address.max_prefixlen
    return str(ip_network((address, bits), strict=False))


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A socket that takes both kinds writes 127.0.0.1 as ::ffff:127.0.0.1.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
