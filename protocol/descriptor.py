"""What a scheme's node says about how to reach it: name, unit, addresses, certificates, versions.

Signed by the session key, so that renewing a certificate or moving house never needs the root. Whether an
address may be dialled (global, LAN, blocked) is the node's to decide. Source: docs/protocol.md 2.2, 9.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from crypto.keys import VerifyingKey
from crypto.signing import Signed
from protocol.errors import InvalidValue, NotAuthentic, OutOfOrder
from protocol.identity import IdentityState
from protocol.identity_events import SESSION
from protocol.limits import (
    ADDRESS_BYTES_MAX,
    CLOCK_TOLERANCE_MS,
    DESCRIPTOR_ADDRESSES_MAX,
    DESCRIPTOR_NAME_BYTES_MAX,
    DESCRIPTOR_TLS_HASHES_MAX,
    DESCRIPTOR_VALID_MS_MAX,
    DESCRIPTOR_VERSIONS_MAX,
    IDENTITY_EVENTS_MAX,
    MINOR_PER_UNIT_MAX,
    PROTOCOL_VERSION_MAX,
    TIME_MS_MAX,
    UNIT_NAME_BYTES_MAX,
)
from protocol.message import Code, Fixed, Int, Many, Maybe, Message, Part, Text, open_message
from protocol.names import KeySeq, SchemeId

# An origin and nothing after it: rules about paths are the protocol's, not the peer's. Lower case, so that
# one address has one spelling; `http` is for a LAN or a test on one machine.
_ADDRESS: Final = re.compile(
    r"(?P<secure>https?)://"
    r"(?P<host>[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]{2,45}\])"
    r"(:(?P<port>[1-9][0-9]{0,4}))?"
)
_PORTS: Final = {"https": 443, "http": 80}
PORT_MAX: Final = 65_535  # TCP has no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a node can be dialled. `host` is a name, or an IP address without brackets."""

    secure: bool
    host: str
    port: int


def parse_address(text: str) -> Address:
    """Return the parts of `https://host` or `https://host:port`.

    Raises:
        InvalidValue: not such an address: a path, a user, capital letters, a port beyond 65,535.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or len(text) > ADDRESS_BYTES_MAX:
        raise InvalidValue("not an address as https://host or https://host:port")
    kind = match["secure"]
    port = int(match["port"]) if match["port"] else _PORTS[kind]
    if port > PORT_MAX or (match["port"] and port == _PORTS[kind]):
        raise InvalidValue("a port beyond 65,535, or the usual one written out")
    return Address(secure=kind == "https", host=match["host"].strip("[]"), port=port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor(Message):
    """How to reach a scheme, and in which unit it counts. Source: 2.2."""

    TAG: ClassVar[str] = "interlets/1/descriptor"

    scheme: Annotated[SchemeId, Fixed(32)]
    identity_seq: Annotated[int, Int(0, IDENTITY_EVENTS_MAX - 1)]  # of its newest identity event when signing
    time: Annotated[int, Int(0, TIME_MS_MAX)]
    valid_until: Annotated[int, Int(0, TIME_MS_MAX)]
    name: Annotated[str, Text(DESCRIPTOR_NAME_BYTES_MAX, 1)]
    unit: Annotated[str, Code()]
    unit_name: Annotated[str | None, Maybe(Text(UNIT_NAME_BYTES_MAX, 1))]  # as members say it
    minor_per_unit: Annotated[int, Int(1, MINOR_PER_UNIT_MAX)]
    addresses: Annotated[tuple[str, ...], Many(Text(ADDRESS_BYTES_MAX, 1), DESCRIPTOR_ADDRESSES_MAX)]
    # SHA-256 of the DER certificates a dialler may meet; none where a public authority vouches for them.
    tls_hashes: Annotated[tuple[bytes, ...], Many(Fixed(32), DESCRIPTOR_TLS_HASHES_MAX)]
    versions: Annotated[tuple[int, ...], Many(Int(1, PROTOCOL_VERSION_MAX), DESCRIPTOR_VERSIONS_MAX, 1)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if not self.time < self.valid_until <= self.time + DESCRIPTOR_VALID_MS_MAX:
            raise InvalidValue("Descriptor.valid_until: not after its time, or by too much")
        for address in self.addresses:
            parse_address(address)
        if list(self.versions) != sorted(set(self.versions)):
            raise InvalidValue("Descriptor.versions: not in rising order")
        for several in (self.addresses, self.tls_hashes):
            if len(set(several)) != len(several):
                raise InvalidValue("Descriptor: an address or certificate stands there twice")


def open_descriptor(
    wire: bytes, author: IdentityState, *, seen_at_seq: int | None = None
) -> Signed[Descriptor]:
    """Return the verified descriptor of `author`'s scheme. Source: 2.2, 2.3.

    Raises:
        MalformedMessage: not a descriptor.
        NotAuthentic: another scheme's, or not signed by a session key that counts.
        OutOfOrder: signed after identity events that `author` does not hold yet: fetch them first.
    """

    def key_for(body: Descriptor, key_seq: KeySeq) -> VerifyingKey | None:
        if body.scheme != author.scheme_id:
            raise NotAuthentic("a descriptor of another scheme")
        if body.identity_seq > author.seq:
            raise OutOfOrder(f"identity events up to {body.identity_seq} are needed first")
        if key_seq > body.identity_seq:
            raise NotAuthentic("the key is younger than the identity the descriptor names")
        return author.key_for(SESSION, key_seq, seen_at_seq=seen_at_seq)

    return open_message(Descriptor, wire, key_for)


def is_current(descriptor: Descriptor, now_ms: int) -> bool:
    """Tell whether the descriptor may be used now: not from the future, and not past its end."""
    return descriptor.time <= now_ms + CLOCK_TOLERANCE_MS and now_ms < descriptor.valid_until


def replaces(newer: Signed[Descriptor], known: Signed[Descriptor]) -> bool:
    """Tell whether `newer` takes the place of `known`, so that everybody keeps the same one of the two.

    The later time wins; of two with the same time the lower id, whatever the order in which they came.
    """
    return (-newer.body.time, newer.id) < (-known.body.time, known.id)
