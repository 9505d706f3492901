"""LC1: the one spelling of a value in bytes. Source: docs/protocol.md 1.1, 1.2.

A subset of MessagePack: nil, bool, int, UTF-8 str, bin, array; shortest forms only.
This is the only file that imports msgpack.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgpack

# 16 KiB: large enough for every signed object, small enough to hold a full queue of them in memory.
OBJECT_BYTES_MAX: Final = 16 * 1024
DEPTH_MAX: Final = 6
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1

Value: TypeAlias = "bool | int | str | bytes | tuple[Value, ...] | None"


class NotCanonical(ValueError):
    """Bytes or a value that LC1 does not allow. Source: 1.1, 1.2."""


def _walk(value: object, depth: int) -> None:
    # Exact types: bool is a subclass of int, and a subclass of str could encode as anything.
    kind = type(value)
    if kind is tuple:
        if depth >= DEPTH_MAX:
            raise NotCanonical(f"nested deeper than {DEPTH_MAX}")
        for element in value:  # type: ignore[attr-defined]  # kind is tuple was checked above
            _walk(element, depth + 1)
    elif kind is int:
        if not INT_MIN <= value <= INT_MAX:  # type: ignore[operator]  # kind is int was checked above
            raise NotCanonical("integer outside 64 bits")
    elif kind is not bytes and kind is not str and kind is not bool and value is not None:
        raise NotCanonical(f"type {kind.__name__} is not allowed")


def encode(value: Value, *, bytes_max: int = OBJECT_BYTES_MAX) -> bytes:
    """Return the LC1 bytes of `value`. Source: 1.1.

    Raises:
        NotCanonical: a type, depth, integer or text that LC1 does not allow, or more than `bytes_max` bytes.
    """
    _walk(value, 0)
    try:
        data = msgpack.packb(value, use_bin_type=True)
    except (ValueError, OverflowError) as error:  # a lone surrogate is a UnicodeEncodeError, a ValueError
        raise NotCanonical(str(error)) from None
    assert isinstance(data, bytes)
    if len(data) > bytes_max:
        raise NotCanonical(f"longer than {bytes_max} bytes")
    return data


def decode(data: bytes, *, bytes_max: int = OBJECT_BYTES_MAX) -> Value:
    """Return the value that `data` spells. Source: 1.2.

    Raises:
        NotCanonical: too long, malformed, or any spelling but the shortest. No other exception escapes.
    """
    if type(data) is not bytes or len(data) > bytes_max:
        raise NotCanonical(f"not bytes, or longer than {bytes_max}")
    try:
        value: Value = msgpack.unpackb(
            data,
            raw=False,
            use_list=False,
            strict_map_key=True,
            max_str_len=bytes_max,
            max_bin_len=bytes_max,
            max_array_len=bytes_max,
            max_map_len=0,
            max_ext_len=0,
        )
    except Exception as error:  # noqa: BLE001
        # msgpack raises many kinds (ValueError, StackError, UnpackException, RecursionError); all mean the same here.
        raise NotCanonical(f"not LC1: {type(error).__name__}") from None
    # msgpack can spell one value in several ways (5 in nine bytes, say). Ids and
    # signatures cover bytes, so only one spelling may exist.
    if encode(value, bytes_max=bytes_max) != data:
        raise NotCanonical("not the shortest spelling")
    return value
