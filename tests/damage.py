"""Damage for fuzzing: a valid value or its bytes, spoilt as chance finds it. The same seed spoils alike."""

from __future__ import annotations

from random import Random

from crypto.canonical import NotCanonical, Value, decode, encode

_EDGES: tuple[Value, ...] = (
    None, True, False, 0, 1, -1, 23, 24, 127, 128, 255, 256, 2**31, 2**32 - 1, 2**53 - 1, 2**53, 2**63 - 1, -(2**63), "", "a",
    "\0", "é", "\u202e", "𝄞", "a" * 300, b"", b"\0", bytes(16), bytes(32), b"\xff" * 32, bytes(64), bytes(300), (), ((),),
    (None,), (1, 2, 3), ("LOCK",), ((((),),),), tuple(range(40)),
)  # fmt: skip


def damaged_value(value: Value, chance: Random) -> Value:
    """Return `value` with one thing in it changed, at any depth; what is LC1 inside bytes is looked into too."""
    if type(value) is tuple and value and chance.random() < 0.85:
        elements = list(value)
        at = chance.randrange(len(elements))
        match chance.randrange(10):
            case 0:
                del elements[at]
            case 1:
                elements.insert(at, chance.choice(_EDGES))
            case 2:
                elements.append(elements[at])
            case 3:
                elements.reverse()
            case _:
                elements[at] = damaged_value(elements[at], chance)
        return tuple(elements)
    if type(value) is bytes and value:
        inner = _inside(value)
        if inner is not None and chance.random() < 0.8:
            try:
                return encode(damaged_value(inner, chance), bytes_max=2**20)
            except NotCanonical:
                return value
        if chance.random() < 0.6:
            return damaged_bytes(value, chance)
    if type(value) is int and chance.random() < 0.5:
        return max(-(2**63), min(2**63 - 1, value + chance.choice((-1, 1, 2**32, -(2**40)))))
    return chance.choice(_EDGES)


def _inside(data: bytes) -> Value | None:
    """Return the array that these bytes spell, if they do."""
    try:
        value = decode(data, bytes_max=2**20)
    except NotCanonical:
        return None
    return value if type(value) is tuple and value else None


def damaged_bytes(data: bytes, chance: Random) -> bytes:
    """Return `data` with some bits turned, cut short, doubled, or with a piece in another place."""
    spoilt = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(spoilt) + 1)
        match chance.randrange(6):
            case 0:
                del spoilt[at:]
            case 1:
                spoilt[at:at] = bytes(
                    chance.choice((0x00, 0xC1, 0xDD, 0xDF, 0xFF)) for _ in range(chance.randint(1, 6))
                )
            case 2:
                spoilt[at:at] = spoilt[: chance.randint(0, 64)]
            case 3:
                del spoilt[at : at + chance.randint(1, 8)]
            case _:
                if at < len(spoilt):
                    spoilt[at] ^= 1 << chance.randrange(8)
    return bytes(spoilt)
