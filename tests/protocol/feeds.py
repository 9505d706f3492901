"""Shorthand for the tests of feeds: a scheme that publishes, and what it says."""

from __future__ import annotations

from collections.abc import Iterable

from crypto.keys import SigningKey, VerifyingKey
from crypto.signing import Signed
from protocol.feed import Head, Item, Peek, Row, make_head, peek
from protocol.following import HeldItem
from protocol.limits import DAY_MS
from protocol.message import sign_message
from protocol.names import ItemKey, SchemeId

NOW = 1_767_225_600_000
OAKVALE, RIVERSIDE = SchemeId(b"o" * 32), SchemeId(b"r" * 32)
KEY = SigningKey(b"\x05" * 32)


def key_for(message: Item | Head, key_seq: int) -> VerifyingKey | None:
    return KEY.public if (message.scheme, key_seq) == (OAKVALE, 2) else None


def item_key(number: int) -> ItemKey:
    return ItemKey(number.to_bytes(16, "big"))


def item(feed_seq: int, key: int | None = None, **given: object) -> Item:
    usual = {
        "scheme": OAKVALE,
        "feed_seq": feed_seq,
        "kind": "listing",
        "key": item_key(feed_seq if key is None else key),
        "revision": feed_seq,
        "created": NOW,
        "expires": NOW + 100 * DAY_MS,
        "payload": b"jam",
    }
    return Item(**(usual | given))  # type: ignore[arg-type]


def signed(value: Item) -> Signed[Item]:
    return sign_message(value, KEY, 2)


def peeked(*values: Item) -> list[Peek]:
    return [peek(signed(value).wire) for value in values]


def rows(*values: Item) -> list[Row]:
    return sorted(each.row for each in peeked(*values))


def head_over(
    values: Iterable[Item], feed_seq: int | None = None, now_ms: int = NOW, **given: object
) -> Head:
    held = rows(*values)
    last = held[-1].feed_seq if held else 0
    usual = {"identity_seq": 3, "feed_seq": last if feed_seq is None else feed_seq, "now_ms": now_ms}
    return make_head(OAKVALE, held, **(usual | given))  # type: ignore[arg-type]


def held_items(*values: Item) -> dict[ItemKey, HeldItem]:
    return {each.key: HeldItem(each.version, each.feed_seq) for each in peeked(*values)}
