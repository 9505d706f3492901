"""Under which names a scheme is asked for: what the `Host` header of a request must say, to the letter.

Capital letters and a dot at the end are one name with the plain spelling, and the usual port is the same as none. Everything else that
differs is another name: a host of a browser is always written in ASCII (IDNA), so anything else is nobody's. Pure.
Source: docs/operating.md, decision 63.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from protocol.descriptor import parse_address

_USUAL: Final = {True: 443, False: 80}
_AUTHORITY: Final = re.compile(
    r"(?P<host>[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,20}|\[[0-9A-Fa-f:.]{2,45}\])\.?(?::(?P<port>[1-9][0-9]{0,4}))?",
    re.ASCII,
)
_WHOLE_TARGET: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,15}://(?P<authority>[^/?#]*)", re.ASCII)


class Name(NamedTuple):
    """A host and its port; None where the request names none, which is the usual one."""

    host: str
    port: int | None


def names_of(address: str) -> frozenset[Name]:
    """Return under which names the scheme at an address like https://oakvale.example is asked for. Raises InvalidValue."""
    parts = parse_address(address)
    host = f"[{parts.host}]" if ":" in parts.host else parts.host
    written = {Name(host, parts.port)}
    if parts.port == _USUAL[parts.secure]:
        written.add(Name(host, None))
    return frozenset(written)


def all_names(addresses: Iterable[str]) -> frozenset[Name]:
    """Return the names of several addresses. Raises InvalidValue."""
    return frozenset(name for address in addresses for name in names_of(address))


def asked_for(hosts: Sequence[str], target: str) -> Name | None:
    """Return which name a request asks for: by all its `Host` headers, and its target as it was sent.

    None where it names none, several, or none that can be: it is nobody's then. A target that names a host itself (absolute form) must
    name the one of the header; web servers never disagree with themselves, and who does wants to be taken for somebody else.
    """
    if len(hosts) != 1:
        return None
    asked = _read(hosts[0])
    if target.startswith("/"):
        return asked
    whole = _WHOLE_TARGET.match(target)
    return asked if whole is not None and _read(whole["authority"]) == asked else None


def _read(authority: str) -> Name | None:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return None
    return Name(match["host"].lower(), int(match["port"]) if match["port"] else None)


def typed_host(text: str) -> str:
    """Return a host, with a port or without, as browsers write it: small letters, names of other scripts in ASCII.

    Raises ValueError: there is no such host.
    """
    # A library of the HTTP client's, loaded by the command line only.
    from yarl import URL

    host, colon, port = text.strip().partition(":")
    return f"{URL.build(scheme='https', host=host.rstrip('.').lower()).raw_host}{colon}{port}"
