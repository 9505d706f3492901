"""Every other way to spell a value in MessagePack: what a second implementation, or an attacker, might send.

`longer` gives spellings of the same value that LC1 forbids; `mixed` gives its neighbours, the same content in
another type (True for 1, text for bytes), which are other values and must never be taken for this one.
Written without msgpack and without crypto.canonical.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from crypto.canonical import Value

Spelling = tuple[str, bytes]

_UNSIGNED = (("uint8", 0xCC, ">B"), ("uint16", 0xCD, ">H"), ("uint32", 0xCE, ">I"), ("uint64", 0xCF, ">Q"))
_SIGNED = (("int8", 0xD0, ">b"), ("int16", 0xD1, ">h"), ("int32", 0xD2, ">i"), ("int64", 0xD3, ">q"))
_STR = (("fixstr", 0xA0, ""), ("str8", 0xD9, ">B"), ("str16", 0xDA, ">H"), ("str32", 0xDB, ">I"))
_BIN = (("bin8", 0xC4, ">B"), ("bin16", 0xC5, ">H"), ("bin32", 0xC6, ">I"))
_ARRAY = (("fixarray", 0x90, ""), ("array16", 0xDC, ">H"), ("array32", 0xDD, ">I"))
_MAP = (("fixmap", 0x80, ""), ("map16", 0xDE, ">H"), ("map32", 0xDF, ">I"))
_EXT = (("ext8", 0xC7, ">B"), ("ext16", 0xC8, ">H"), ("ext32", 0xC9, ">I"))
_FIXEXT = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}


def _headers(forms: tuple[tuple[str, int, str], ...], count: int) -> list[Spelling]:
    """Return every header of `forms` that can say `count`, shortest first."""
    found = []
    for name, first, layout in forms:
        if layout:
            if count < 1 << 8 * struct.calcsize(layout):
                found.append((name, bytes([first]) + struct.pack(layout, count)))
        elif count < (32 if first == 0xA0 else 16):
            found.append((name, bytes([first | count])))
    return found


def _integers(value: int) -> list[Spelling]:
    """Return every integer form that can hold `value`, the shortest (unsigned where positive) first."""
    found = [("fixint", struct.pack(">b", value))] if -32 <= value < 128 else []
    for name, first, layout in (*_UNSIGNED, *_SIGNED) if value >= 0 else (*_SIGNED, *_UNSIGNED):
        try:
            found.append((name, bytes([first]) + struct.pack(layout, value)))
        except struct.error:
            continue
    return found


def shortest(value: Value) -> bytes:
    """Return the LC1 bytes of `value`, by another road than the code under test."""
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return _integers(value)[0][1]
        case str():
            return _headers(_STR, len(value.encode()))[0][1] + value.encode()
        case bytes():
            return _headers(_BIN, len(value))[0][1] + value
    return _headers(_ARRAY, len(value))[0][1] + b"".join(map(shortest, value))


def _floats(value: int) -> list[Spelling]:
    return [
        ("float32", b"\xca" + struct.pack(">f", float(value))),
        ("float64", b"\xcb" + struct.pack(">d", float(value))),
    ]


def _extensions(content: bytes) -> list[Spelling]:
    found = [(name, header + b"\x01" + content) for name, header in _headers(_EXT, len(content))]
    if len(content) in _FIXEXT:
        found.append(("fixext", bytes([_FIXEXT[len(content)], 1]) + content))
    if len(content) in (4, 8):
        found.append(("timestamp", bytes([_FIXEXT[len(content)], 0xFF]) + content))
    return found


def _longer_here(value: Value) -> list[Spelling]:
    """Return the forbidden spellings of the value itself, its elements left alone."""
    match value:
        case None:
            return [("never used", b"\xc1"), ("ext", b"\xc7\x00\x01")]
        case bool():
            return _floats(int(value))
        case int():
            return _integers(value)[1:] + _floats(value) + _extensions(struct.pack(">q", value))
        case str():
            content = value.encode()
            return [(name, header + content) for name, header in _headers(_STR, len(content))[1:]] + (
                _extensions(content)
            )
        case bytes():
            return [(name, header + value) for name, header in _headers(_BIN, len(value))[1:]] + (
                _extensions(value)
            )
    inside = b"".join(map(shortest, value))
    found = [(name, header + inside) for name, header in _headers(_ARRAY, len(value))[1:]]
    if len(value) % 2 == 0:
        found += [(name, header + inside) for name, header in _headers(_MAP, len(value) // 2)]
    return [*found, *_extensions(inside)]


def _mixed_here(value: Value) -> list[Spelling]:
    """Return the value as its neighbours in other types, each spelled shortest."""
    match value:
        case None:
            others: list[Value] = [False, 0, b"", "", ()]
        case bool():
            others = [int(value), None, not value]
        case int():
            others = [str(value), (value,), *([bool(value)] if value in (0, 1) else [])]
        case str():
            others = [value.encode(), (value,), value + " ", None]
        case bytes():
            others = [(value,), value + b"\0", None]
            try:
                others.append(value.decode())
            except UnicodeDecodeError:
                pass
        case _:
            others = [(*value, None), (value,), value[:-1] if value else None, None]
    return [(type(other).__name__, shortest(other)) for other in others]


def _everywhere(value: Value, here: Callable[[Value], list[Spelling]]) -> Iterator[Spelling]:
    yield from here(value)
    if type(value) is not tuple:
        return
    header = _headers(_ARRAY, len(value))[0][1]
    parts = [shortest(element) for element in value]
    for place, element in enumerate(value):
        before, after = header + b"".join(parts[:place]), b"".join(parts[place + 1 :])
        for name, data in _everywhere(element, here):
            yield f"{place}.{name}", before + data + after


def longer(value: Value) -> Iterator[Spelling]:
    """Yield (name, bytes): `value` with exactly one of its parts spelled as LC1 forbids, or bytes to spare."""
    data = shortest(value)
    yield from _everywhere(value, _longer_here)
    yield from (("trailing", data + b"\xc0"), ("twice", data + data), ("truncated", data[:-1]))


def mixed(value: Value) -> Iterator[Spelling]:
    """Yield (name, bytes): `value` with exactly one of its parts exchanged for a neighbour of another type."""
    yield from _everywhere(value, _mixed_here)
