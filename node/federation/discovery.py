"""Finding other nodes in the same network by zeroconf (`_interlets._tcp`): a hint where to call, never trust.

Off unless an admin turns it on, since it tells everybody in the network that a node is here. Who answers at
a found address proves itself in the handshake like everybody else. Source: docs/protocol.md 9.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from zeroconf import InterfaceChoice, IPVersion, ServiceInfo, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from node.federation.addresses import is_callable
from node.federation.caller import Place
from protocol.errors import InvalidValue
from protocol.names import SchemeId, parse_scheme_text, scheme_text

SERVICE: Final = "_interlets._tcp.local."
LOOK_UP_MS: Final = 3_000
LOOK_UPS_MAX: Final = 16  # at a time: anybody in the network can announce as much as they like

# Told that a scheme says it can be called at a place within this network.
OnHint = Callable[[SchemeId, Place], None]


class Discovery:
    """Announces this node and browses for others while `run` is running."""

    def __init__(
        self,
        *,
        own: SchemeId,
        addresses: Sequence[bytes],
        port: int,
        secure: bool,
        on_hint: OnHint,
        interfaces: Sequence[str] | None = None,
    ):
        self._own = own
        self._on_hint = on_hint
        self._interfaces = interfaces
        self._info = ServiceInfo(
            SERVICE,
            # A label of DNS has at most 63 bytes; the written id has 57.
            f"{scheme_text(own)}.{SERVICE}",
            addresses=list(addresses),
            port=port,
            properties={"scheme": scheme_text(own), "tls": "1" if secure else "0"},
            server=f"interlets-{own.hex()[:16]}.local.",
        )
        self._stopping = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._looking = 0

    async def run(self) -> None:
        """Announce and browse until `stop`."""
        zeroconf = AsyncZeroconf(
            interfaces=InterfaceChoice.All if self._interfaces is None else list(self._interfaces),
            ip_version=IPVersion.V4Only,
        )
        try:
            await zeroconf.async_register_service(self._info)
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE, handlers=[self._on_change])
                await self._stopping.wait()
                self._tasks = None
                await browser.async_cancel()
            await zeroconf.async_unregister_service(self._info)
        finally:
            await zeroconf.async_close()

    def stop(self) -> None:
        """Let `run` come to its end, and the others know that this node is gone."""
        self._stopping.set()

    def _on_change(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if state_change is ServiceStateChange.Removed or self._tasks is None or self._looking >= LOOK_UPS_MAX:
            return
        self._tasks.create_task(self._look_up(zeroconf, service_type, name))

    async def _look_up(self, zeroconf: Zeroconf, service_type: str, name: str) -> None:
        self._looking += 1
        try:
            info = AsyncServiceInfo(service_type, name)
            if await info.async_request(zeroconf, LOOK_UP_MS):
                self._hint(info)
        finally:
            self._looking -= 1

    def _hint(self, info: ServiceInfo) -> None:
        try:
            scheme = parse_scheme_text(info.decoded_properties.get("scheme") or "")
        except InvalidValue:
            return  # anybody may announce anything
        if scheme == self._own or not info.port:
            return
        kind = "https" if info.decoded_properties.get("tls") == "1" else "http"
        for address in info.parsed_addresses(IPVersion.V4Only):
            if is_callable(address, lan=True):
                self._on_hint(scheme, Place(address=f"{kind}://{address}:{info.port}", lan=True))
