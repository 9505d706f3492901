"""Pictures: how one is named, and how it is asked for. Source: docs/protocol.md 5.7."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crypto.canonical import Value
from crypto.digest import tagged
from protocol.errors import MalformedMessage
from protocol.limits import FEED_PEERINGS_MAX
from protocol.names import ItemKey, SchemeId

TAG: Final = "interlets/1/picture"


def picture_name(data: bytes) -> bytes:
    """Return the name of a picture, full or thumbnail: 32 bytes that follow from its own. Source: 5.7."""
    return tagged(TAG, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureAsk:
    """A question for a picture of a listing, which says how many nodes may still pass it on. Source: 5.7."""

    scheme: SchemeId
    key: ItemKey
    name: bytes
    hops: int  # 1..FEED_PEERINGS_MAX
    sealed: bool = (
        False  # one of how a thing was, for the two sides of a request: then `key` is its name. Source: 5.9
    )

    def value(self) -> Value:
        """Return the payload."""
        asked = (self.scheme, self.key, self.name, self.hops)
        return (*asked, 1) if self.sealed else asked


def read_picture_ask(payload: Value) -> PictureAsk:
    """Return the question in a frame. Raises MalformedMessage."""
    if type(payload) is not tuple or len(payload) not in (4, 5):
        raise MalformedMessage("not [scheme, key, name, hops]")
    scheme, key, name, hops, *sealed = payload
    if sealed and (type(sealed[0]) is not int or sealed[0] != 1):
        raise MalformedMessage("only what is sealed says so")
    if type(scheme) is not bytes or len(scheme) != 32 or type(name) is not bytes or len(name) != 32:
        raise MalformedMessage("a scheme and a name have 32 bytes")
    if type(key) is not bytes or len(key) != 16:
        raise MalformedMessage("a key has 16 bytes")
    if type(hops) is not int or not 1 <= hops <= FEED_PEERINGS_MAX:
        raise MalformedMessage("hops out of range")
    return PictureAsk(scheme=SchemeId(scheme), key=ItemKey(key), name=name, hops=hops, sealed=bool(sealed))
