"""LC1, from both sides: what may be spelled, and everything that may not. Rules 1.1, 1.2."""

from __future__ import annotations

import json
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.canonical import (
    DEPTH_MAX,
    INT_MAX,
    INT_MIN,
    OBJECT_BYTES_MAX,
    NotCanonical,
    Value,
    decode,
    encode,
)
from tests.crypto import respell


def nested(depth: int, inside: Value = 1) -> Value:
    for _ in range(depth):
        inside = (inside,)
    return inside


VALUES: list[Value] = [
    None, False, True,
    0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, INT_MAX,
    -1, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, INT_MIN,
    "", "a", "ü€😀", "a" * 31, "a" * 32, "a" * 255, "a" * 256, "a\0b",
    b"", b"\xff", b"a" * 255, b"a" * 256, b"a" * (OBJECT_BYTES_MAX - 3),
    (), (1,), (None,) * 15, (None,) * 16, (0,) * 200, (0,) * (OBJECT_BYTES_MAX - 3),
    nested(DEPTH_MAX), nested(DEPTH_MAX, b"x"), ((), ((),), "x"),
    ("lets/op/1", b"\x11" * 32, 0, 1, b"\0" * 32, 1750000000000, ("LOCK", b"\x33" * 16, 1250, (), (b"\x44" * 32,), b"")),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_a_value_survives_its_bytes(value: Value) -> None:
    """Rule 1.1. The bytes are those of a second encoder that shares no code."""
    data = encode(value)

    assert data == respell.shortest(value)
    assert decode(data) == value
    assert repr(decode(data)) == repr(value)  # equality alone would take True for 1


MALFORMED = {
    "uint8 1": "cc01",
    "uint64 1": "cf0000000000000001",
    "int64 -1": "d3ffffffffffffffff",
    "int8 1": "d001",
    "str8 of length 1": "d90161",
    "bin16 of length 1": "c5000161",
    "array16 of length 1": "dc000101",
    "map": "81a16101",
    "empty map": "80",
    "duplicate keys": "82a16101a16102",
    "bin map key": "81c4016101",
    "float32": "ca3f800000",
    "float64": "cb3ff0000000000000",
    "nan": "cb7ff8000000000001",
    "bad utf8": "a1ff",
    "overlong utf8": "a2c080",
    "surrogate": "a3eda080",
    "trailing": "0100",
    "timestamp": "d6ff00000001",
    "never used": "c1",
    "empty": "",
    "deep": "91" * 40 + "01",
    "one too deep": "91" * (DEPTH_MAX + 1) + "01",
    "one too deep, and empty": "91" * DEPTH_MAX + "90",
    "u64 above int64": "cfffffffffffffffff",
    "u64 just above": "cf8000000000000000",
    "huge array header": "ddffffffff",
    "huge str header": "dbffffffff",
    "huge bin header": "c6ffffffff",
    "fixext1": "d40100",
    "empty ext": "c70001",
    "truncated array": "9201",
    "truncated number": "cd01",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_malformed_bytes_are_refused(data: str) -> None:
    """Rule 1.2: alone, and inside an array."""
    raw = bytes.fromhex(data)

    for spelled in (raw, b"\x92\x01" + raw, b"\xdc\x00\xc8" + b"\xc0" * 199 + raw):
        with pytest.raises(NotCanonical):
            decode(spelled)


class Text(str):
    pass


class Number(int):
    pass


class Pair(tuple):  # type: ignore[type-arg]
    pass


@pytest.mark.parametrize(
    "value",
    [1.0, [1], {}, {"a": 1}, Text("a"), Number(1), Pair((1, 2)), bytearray(b"a"), memoryview(b"a"), object(), 1j,
     INT_MAX + 1, INT_MIN - 1, 2**200, "\ud800", nested(DEPTH_MAX + 1), nested(DEPTH_MAX, ()), nested(5000),
     b"a" * OBJECT_BYTES_MAX, "a" * OBJECT_BYTES_MAX],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_lc1_does_not_have_is_not_encoded(value: object) -> None:
    """Rule 1.1: exact types, 64 bits, six levels, 16 KiB; also inside an array."""
    for candidate in (value, (0, value)):
        with pytest.raises(NotCanonical):
            encode(candidate)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [None, "a", bytearray(b"\x01"), memoryview(b"\x01"), 1])
def test_only_bytes_are_decoded(data: object) -> None:
    """Rule 1.2."""
    with pytest.raises(NotCanonical):
        decode(data)  # type: ignore[arg-type]


def test_the_limit_of_size_counts_the_bytes_as_received() -> None:
    """Rule 1.1: 16 KiB exactly may be, one more may not; a caller may set another limit."""
    fits = encode(b"a" * (OBJECT_BYTES_MAX - 3))

    assert len(fits) == OBJECT_BYTES_MAX
    assert decode(fits) == b"a" * (OBJECT_BYTES_MAX - 3)
    with pytest.raises(NotCanonical):
        decode(fits, bytes_max=OBJECT_BYTES_MAX - 1)
    with pytest.raises(NotCanonical):
        decode(respell.shortest(b"a" * (OBJECT_BYTES_MAX - 2)))
    assert decode(respell.shortest((b"a" * 60000,)), bytes_max=2**17) == (b"a" * 60000,)


leaves = (
    st.none() | st.booleans() | st.integers(INT_MIN, INT_MAX) | st.integers(-200, 300)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.binary(max_size=40)
)  # fmt: skip
values: st.SearchStrategy[Value] = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=18).map(tuple), max_leaves=30
).filter(lambda value: depth_of(value) <= DEPTH_MAX)


def depth_of(value: Value) -> int:
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, tuple) else 0


@given(value=values)
def test_any_value_survives_its_bytes(value: Value) -> None:
    """Rule 1.1."""
    assert encode(value) == respell.shortest(value)
    assert repr(decode(encode(value))) == repr(value)


@given(one=values, other=values)
def test_equal_values_have_equal_bytes_and_only_they(one: Value, other: Value) -> None:
    """Rule 1.1. repr tells True from 1, which == does not."""
    assert (encode(one) == encode(other)) == (repr(one) == repr(other))


@pytest.mark.parametrize(
    "value", [value for value in VALUES if len(repr(value)) < 2000], ids=lambda v: repr(v)[:30]
)
def test_every_other_spelling_is_refused(value: Value) -> None:
    """Rule 1.2: every integer width, float for int, every str, bin and array header, map, ext, timestamp."""
    spellings = list(respell.longer(value))

    assert spellings
    for name, data in spellings:
        with pytest.raises(NotCanonical):
            pytest.fail(f"{name} was read as {decode(data)!r}")


@given(value=values)
def test_every_other_spelling_of_any_value_is_refused(value: Value) -> None:
    """Rule 1.2."""
    for name, data in respell.longer(value):
        with pytest.raises(NotCanonical):
            pytest.fail(f"{name} was read as {decode(data)!r}")


@given(value=values)
def test_the_same_content_in_another_type_is_another_value(value: Value) -> None:
    """Rule 1.2: True is not 1, text is not bytes, and nil is not nothing."""
    for name, data in respell.mixed(value):
        try:
            read = decode(data)
        except NotCanonical:
            continue  # one level too deep
        assert repr(read) != repr(value), name
        assert encode(read) == data


@given(data=st.binary(max_size=200))
def test_any_bytes_give_a_value_or_not_canonical(data: bytes) -> None:
    """Rule 1.2."""
    try:
        value = decode(data)
    except NotCanonical:
        return
    assert encode(value) == data


@given(
    value=values,
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_damaged_bytes_give_another_value_or_not_canonical(
    value: Value, changes: list[tuple[int, int]]
) -> None:
    """Rule 1.2. Changed valid bytes reach further into the decoder than random ones."""
    data = bytearray(encode(value))
    for place, byte in changes:
        data[place % len(data)] = byte
    try:
        read = decode(bytes(data))
    except NotCanonical:
        return
    assert encode(read) == bytes(data)


HOSTILE = {
    "array32 of 2**32 - 1": b"\xdd\xff\xff\xff\xff",
    "arrays of 16384 in arrays": b"\xdc\x40\x00" * 5461,
    "arrays that would fit, in arrays": b"\xdc\x20\x00" * 2700 + b"\xc0" * 8192,
    "arrays of 100 in arrays": b"\xdc\x00\x64" * 5400,
    "fixarrays in fixarrays": b"\x9f" * 16000,
    "empty arrays": b"\xdd\x00\x00\x3f\xf0" + b"\x90" * 16368,
    "maps": b"\xdf\xff\xff\xff\xff" * 3000,
    "bins of 2**32 - 1": b"\x9f" + b"\xc6\xff\xff\xff\xff" * 3000,
    "a long text of bad UTF-8": b"\xda\x3f\xf0" + b"\xff" * 16368,
    "16 KiB of longest integers": b"\xdc\x07\x00" + b"\xcf\0\0\0\0\0\0\0\1" * 1792,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_cost_little_memory_and_time(data: bytes) -> None:
    """Rule 1.2: no declared length is believed. Unguarded, some of these took 64 MiB and 60 ms each."""
    started = time.process_time()
    for _ in range(20):
        try:
            decode(data)
        except NotCanonical:
            pass
    assert time.process_time() - started < 1  # 20 × 50 ms on a slow and busy machine

    tracemalloc.start()
    try:
        decode(data)
    except NotCanonical:
        pass
    finally:
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak_bytes < 4 * 2**20


def values_of(case: dict[str, object]) -> list[Value]:
    """Return the LC1 values of one case of the suite: none where it is a type LC1 lacks."""
    for kind in ("nil", "bool", "string", "number", "bignum", "binary", "array"):
        if kind not in case:
            continue
        content = case[kind]
        if kind == "binary":
            return [bytes.fromhex(str(content).replace("-", ""))]
        if kind == "bignum":
            content = int(str(content))
        value = frozen(content)
        return [] if has_foreign(value) else [value]  # type: ignore[list-item]
    return []


def frozen(content: object) -> object:
    return tuple(map(frozen, content)) if isinstance(content, list) else content


def has_foreign(value: object) -> bool:
    if isinstance(value, tuple):
        return any(map(has_foreign, value))
    return isinstance(value, float | dict) or (isinstance(value, int) and not INT_MIN <= value <= INT_MAX)


@pytest.mark.shared
def test_the_published_msgpack_suite(shared_data: Path) -> None:
    """Rule 1.1: of 233 encodings, the first listed of each LC1 value is read, and every other is refused.

    The suite writes some whole numbers as floats first, and text as bin never; so "first" is the shortest
    form among those the suite lists.
    """
    groups = json.loads((shared_data / "conformance/msgpack/dist/msgpack-test-suite.json").read_text())
    read = refused = 0
    for cases in groups.values():
        for case in cases:
            wanted = values_of(case)
            for spelled in case["msgpack"]:
                data = bytes.fromhex(spelled.replace("-", ""))
                if wanted and data == respell.shortest(wanted[0]):
                    assert repr(decode(data)) == repr(wanted[0])
                    assert encode(wanted[0]) == data
                    read += 1
                else:
                    with pytest.raises(NotCanonical):
                        pytest.fail(f"{spelled} was read as {decode(data)!r}")
                    refused += 1
    assert read + refused == 233
    assert read == sum(bool(values_of(case)) for cases in groups.values() for case in cases) == 49
