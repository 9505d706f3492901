"""LC1: the one spelling of a value in bytes. Source: docs/protocol.md 1.1, 1.2.

A subset of MessagePack: nil, bool, int, UTF-8 str, bin, array; shortest forms only.
This is the only file that imports msgpack.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from msgpack import packb, unpackb

# 16 KiB: large enough for every signed object, small enough to hold a full queue of them in memory.
OBJECT_BYTES_MAX: Final = 16 * 1024
# Arrays inside one another, the outermost counted; an empty one counts like any other.
DEPTH_MAX: Final = 6
# More than any number of bytes holds.
ELEMENTS_UNCOUNTED: Final = 2**63
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1

# msgpack reserves room for an array's declared length before it has seen one element, and follows a
# thousand arrays inside one another: 15 KB of foreign bytes cost 64 MiB and 60 ms. With arrays no longer
# than this the same trick costs 1 MiB; where a longer one is met, the nesting is counted first.
_SHORT_ARRAY: Final = 128

_ARRAYS: Final = {0xDC: 2, 0xDD: 4}  # header → bytes of the count behind it
_TEXTS: Final = {0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC4: 1, 0xC5: 2, 0xC6: 4}  # str and bin: bytes of the length
_FIXED: Final = {0xC0: 0, 0xC2: 0, 0xC3: 0}  # nil and bool; below, integers: bytes of the number
_FIXED.update({0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8})

Value: TypeAlias = "bool | int | str | bytes | tuple[Value, ...] | None"


class NotCanonical(ValueError):
    """Bytes or a value that LC1 does not allow. Source: 1.1, 1.2."""


def _check_elements(elements: tuple[object, ...], depth: int, room: list[int]) -> None:
    """Raise NotCanonical unless `elements`, inside `depth` arrays, are LC1 values; `room[0]` more may come."""
    room[0] -= len(elements)
    if room[0] < 0:
        raise NotCanonical("too many elements")
    # Exact types: bool is a subclass of int, and a subclass of str could encode as anything. The commonest
    # kinds come first: this loop is a third of the cost of every message read or written.
    for element in elements:
        kind = type(element)
        if kind is bytes or kind is str:
            continue
        if kind is int:
            if not INT_MIN <= element <= INT_MAX:  # type: ignore[operator]  # kind is int
                raise NotCanonical("integer outside 64 bits")
        elif kind is tuple:
            if depth >= DEPTH_MAX:
                raise NotCanonical(f"nested deeper than {DEPTH_MAX}")
            _check_elements(element, depth + 1, room)  # type: ignore[arg-type]  # kind is tuple
        elif kind is not bool and element is not None:
            raise NotCanonical(f"type {kind.__name__} is not allowed")


def _checked(value: object, elements_max: int) -> Value:
    """Return `value` if it is LC1."""
    if type(value) is tuple:
        _check_elements(value, 1, [elements_max])
    else:
        _check_elements((value,), 0, [elements_max])
    return value  # type: ignore[return-value]  # just checked


def _check_nesting(data: bytes, room: int) -> None:
    """Raise NotCanonical if the first value of `data` nests too deep or declares more than there is, or than `room`.

    Reads headers only. What is cut short, trailing, or not the shortest form is left to the caller.
    """
    position, end = 0, len(data)
    missing = [1]  # elements still to come: of `data` itself, then of each open array
    while missing and position < end:
        header = data[position]
        position += 1
        missing[-1] -= 1
        if header < 0x80 or header >= 0xE0:
            pass  # a small integer is its own header
        elif 0xA0 <= header < 0xC0:
            position += header & 0x1F
        elif width := _TEXTS.get(header):
            position += width + int.from_bytes(data[position : position + width], "big")
        elif (width := _FIXED.get(header, -1)) >= 0:
            position += width
        elif 0x90 <= header < 0xA0 or header in _ARRAYS:
            width = _ARRAYS.get(header, 0)
            count = int.from_bytes(data[position : position + width], "big") if width else header & 0x0F
            position += width
            room -= count
            if len(missing) > DEPTH_MAX or count > end - position or room < 0:
                raise NotCanonical("nested too deep, too many elements, or longer than its bytes")
            missing.append(count)
        else:
            raise NotCanonical(f"header {header:02x} is not allowed")
        while missing and not missing[-1]:
            missing.pop()


def _unpack(data: bytes, array_max: int) -> object:
    """Return what msgpack reads. Every refusal of msgpack is a ValueError."""
    return unpackb(
        data,
        raw=False,
        use_list=False,
        strict_map_key=True,
        max_str_len=len(data),
        max_bin_len=len(data),
        max_array_len=array_max,
        max_map_len=0,
        max_ext_len=0,
    )


def write(value: object, *, bytes_max: int = OBJECT_BYTES_MAX) -> bytes:
    """Return the LC1 bytes of `value`, for callers who have seen to it that it is one: of allowed types, integers
    within 64 bits, nested no deeper than DEPTH_MAX. All others use `encode`.

    Raises:
        NotCanonical: more than `bytes_max` bytes, or a lone surrogate.
    """
    try:
        data: bytes = packb(value)
    except ValueError as error:  # a lone surrogate is a UnicodeEncodeError
        raise NotCanonical(str(error)) from None
    if len(data) > bytes_max:
        raise NotCanonical(f"longer than {bytes_max} bytes")
    return data


def encode(
    value: Value, *, bytes_max: int = OBJECT_BYTES_MAX, elements_max: int = ELEMENTS_UNCOUNTED
) -> bytes:
    """Return the LC1 bytes of `value`. Source: 1.1.

    Raises:
        NotCanonical: a type, depth, integer or text that LC1 does not allow, or more than `bytes_max` bytes
            or `elements_max` elements in all arrays together.
    """
    return write(_checked(value, elements_max), bytes_max=bytes_max)


def read(data: bytes, *, bytes_max: int = OBJECT_BYTES_MAX, elements_max: int = ELEMENTS_UNCOUNTED) -> object:
    """Return what `data` may spell: for callers who see themselves that it is LC1, and then ask `check_shortest`.

    Raises:
        NotCanonical: too long, or malformed. No other exception escapes.
    """
    if type(data) is not bytes or len(data) > bytes_max:
        raise NotCanonical(f"not bytes, or longer than {bytes_max}")
    try:
        return _unpack(data, _SHORT_ARRAY)
    except ValueError:
        _check_nesting(data, elements_max)
    try:
        return _unpack(data, len(data))
    except ValueError as error:
        raise NotCanonical(f"not LC1: {type(error).__name__}") from None


def check_shortest(value: object, data: bytes, *, bytes_max: int = OBJECT_BYTES_MAX) -> None:
    """Raise NotCanonical unless `data` is the one spelling of `value`, which was read from it and is LC1.

    msgpack can spell one value in several ways (5 in nine bytes, say). Ids and signatures cover bytes, so only
    one spelling may exist.
    """
    if write(value, bytes_max=bytes_max) != data:
        raise NotCanonical("not the shortest spelling")


def decode(
    data: bytes, *, bytes_max: int = OBJECT_BYTES_MAX, elements_max: int = ELEMENTS_UNCOUNTED
) -> Value:
    """Return the value that `data` spells. Source: 1.2.

    An element costs a hundred times what a byte of text costs to read, so whoever reads much from strangers
    bounds both.

    Raises:
        NotCanonical: too long, malformed, or any spelling but the shortest. No other exception escapes.
    """
    value = read(data, bytes_max=bytes_max, elements_max=elements_max)
    checked = _checked(value, elements_max)
    check_shortest(checked, data, bytes_max=bytes_max)
    return checked
