"""What this node says about how to reach it, signed with the session key. Source: docs/protocol.md 2.2, 9.1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from node.clock import Clock
from node.keyring import KeyRing
from node.services.settings import SchemeSettings
from protocol.descriptor import Descriptor
from protocol.identity_events import SESSION
from protocol.limits import DAY_MS, DESCRIPTOR_VALID_MS_MAX

PROTOCOL_VERSIONS: Final = (1,)
SIGNED_EVERY_MS: Final = 30 * DAY_MS


class OwnDescriptor:
    """Gives the descriptor in force; signed anew when what it says has changed, and monthly."""

    def __init__(
        self, keyring: KeyRing, clock: Clock, settings: Callable[[], SchemeSettings], addresses: Sequence[str]
    ):
        self._keyring: Final = keyring
        self._clock: Final = clock
        self._settings: Final = settings
        self._addresses: Final = tuple(addresses)
        self._said: tuple[object, ...] = ()
        self._signed_ms = 0
        self._wire = b""

    def __call__(self) -> bytes:
        """Return the descriptor in its wire form."""
        settings, now_ms = self._settings(), self._clock.now_ms()
        says = (settings.name, settings.unit_code, settings.unit_name, settings.minor_per_unit)
        if says != self._said or not 0 <= now_ms - self._signed_ms < SIGNED_EVERY_MS:
            self._wire = self._sign(settings, now_ms)
            self._said, self._signed_ms = says, now_ms
        return self._wire

    def _sign(self, settings: SchemeSettings, now_ms: int) -> bytes:
        body = Descriptor(
            scheme=self._keyring.scheme,
            identity_seq=self._keyring.identity.seq,
            time=now_ms,
            valid_until=now_ms + DESCRIPTOR_VALID_MS_MAX,
            name=settings.name,
            unit=settings.unit_code,
            unit_name=settings.unit_name or None,
            minor_per_unit=settings.minor_per_unit,
            addresses=self._addresses,
            tls_hashes=(),  # TLS ends at the web server in front, with a certificate of a public authority
            versions=PROTOCOL_VERSIONS,
        )
        return self._keyring.sign(SESSION, body).wire
