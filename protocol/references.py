"""References: the nine letters by which two people speak of one trade, as in `7ZK-M2Q-R4X`.

The first 40 bits of an id in Crockford's base32, then one check character of the same 32, so that nobody has to
read a sign aloud. The check is a weighted sum in GF(32), each position by another power of 2: one wrong character
and any two exchanged ones, neighbours or not, are always noticed. Whose page a reference opens is the node's to
decide, and on collision it draws the nonce or salt again. Source: docs/protocol.md 7.9.
"""

from __future__ import annotations

from typing import Final, NewType

from protocol.errors import InvalidValue

Reference = NewType("Reference", str)  # as written: three groups of three capital letters or digits

REFERENCE_BYTES: Final = 5  # 40 bits: of a million trades, two are alike with a chance of one in three
DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_VALUES: Final = {digit: value for value, digit in enumerate(DIGITS)} | {"O": 0, "I": 1, "L": 1}
_LENGTH: Final = 9
# What people put between the groups, and what a word processor makes of it.
_BETWEEN: Final = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2212._")


def _doubled(value: int) -> int:
    # Times x modulo x^5 + x^2 + 1, in which the powers of x are 31 different values.
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value


def _sum(values: list[int]) -> int:
    total = 0
    for value in values:
        total = _doubled(total) ^ value
    return total


def reference_of(some_id: bytes) -> Reference:
    """Return the reference of a quote or entry id: its first 40 bits and the check character. Source: 7.9."""
    if len(some_id) < REFERENCE_BYTES:
        raise InvalidValue(f"an id has at least {REFERENCE_BYTES} bytes")
    bits = int.from_bytes(some_id[:REFERENCE_BYTES], "big")
    values = [(bits >> shift) & 31 for shift in range(35, -1, -5)]
    return _written([*values, _doubled(_sum(values))])


def parse_reference(text: str) -> Reference:
    """Return the reference that somebody typed or read aloud.

    Small letters, O for 0, I and L for 1, and spaces or dashes anywhere are forgiven.

    Raises:
        InvalidValue: not nine letters or digits, or mistyped.
    """
    values = []
    for character in text.upper():
        if character.isspace() or character in _BETWEEN:
            continue
        if character not in _VALUES:
            raise InvalidValue("a character that no reference has")
        values.append(_VALUES[character])
    if len(values) != _LENGTH:
        raise InvalidValue(f"a reference has {_LENGTH} letters or digits")
    if _sum(values) != 0:
        raise InvalidValue("mistyped: the check character does not fit")
    return _written(values)


def reference_bits(reference: Reference) -> bytes:
    """Return the five bytes with which every id of this reference begins: the key to look it up by."""
    bits = 0
    for digit in reference.replace("-", "")[:-1]:
        bits = bits << 5 | _VALUES[digit]
    return bits.to_bytes(REFERENCE_BYTES, "big")


def _written(values: list[int]) -> Reference:
    digits = "".join(DIGITS[value] for value in values)
    return Reference("-".join((digits[:3], digits[3:6], digits[6:])))
