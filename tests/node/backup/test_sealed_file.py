"""The file a backup is: what goes in comes out, and nothing else ever does. Source: docs/backup.md."""

from __future__ import annotations

import io
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.safekeeping import SafeKeys
from node.backup import sealed_file
from node.backup.sealed_file import (
    MAGIC,
    BackupUnusable,
    Header,
    SealedReader,
    SealedWriter,
    read_header,
)
from protocol.names import SchemeId
from tests.builders import NOW

KEYS = SafeKeys([b"k" * 32])
HEADER = Header(scheme=SchemeId(b"s" * 32), made_ms=NOW, schema="0001", number=b"n" * 16)
CHUNK = 1_000


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_file, "CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(sealed_file, "UNPACKED_AT_A_TIME", 700)


def sealed(data: bytes, header: Header = HEADER, keys: SafeKeys = KEYS) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, header, keys)
    for at in range(0, len(data), 333):
        writer.write(data[at : at + 333])
    writer.close()
    return file.getvalue()


def opened(wire: bytes, keys: SafeKeys = KEYS) -> bytes:
    file = io.BytesIO(wire)
    reader = SealedReader(file, read_header(file), keys)
    found = bytearray()
    while part := reader.read(450):
        found += part
    reader.check_end()
    return bytes(found)


def noise(size: int) -> bytes:
    """Bytes that no compression makes shorter."""
    return Random(size).randbytes(size)


def chunks(wire: bytes) -> tuple[bytes, list[bytes]]:
    """Take a file apart: its beginning, and its chunks with their lengths."""
    file = io.BytesIO(wire)
    read_header(file)
    start, found = file.tell(), []
    while size := file.read(4):
        found.append(size + file.read(int.from_bytes(size, "big")))
    return wire[:start], found


@given(size=st.integers(0, 6 * CHUNK), dull=st.booleans())
def test_what_goes_in_comes_out(size: int, dull: bool) -> None:
    data = bytes(size * 20) if dull else noise(size)
    assert opened(sealed(data)) == data


def test_the_beginning_is_read_without_a_key() -> None:
    assert read_header(io.BytesIO(sealed(b"hello"))) == HEADER


def test_it_opens_with_the_keys_before_the_newest() -> None:
    assert opened(sealed(b"hello"), SafeKeys([b"new" + bytes(29), b"k" * 32])) == b"hello"


def test_other_words_do_not_open_it() -> None:
    with pytest.raises(BackupUnusable, match="the words do not belong to it"):
        opened(sealed(b"hello"), SafeKeys([b"x" * 32]))


def test_cut_short_anywhere_it_does_not_open() -> None:
    wire = sealed(noise(3 * CHUNK))
    for size in range(0, len(wire), 7):
        with pytest.raises(BackupUnusable):
            opened(wire[:size])


def test_with_any_bit_turned_it_does_not_open() -> None:
    wire = sealed(noise(2 * CHUNK))
    for at in (*range(120), *range(120, len(wire), 11), len(wire) - 1):
        spoilt = bytearray(wire)
        spoilt[at] ^= 1 << at % 8
        with pytest.raises(BackupUnusable):
            opened(bytes(spoilt))


def test_chunks_cannot_be_left_out_doubled_or_put_in_another_order() -> None:
    start, parts = chunks(sealed(noise(4 * CHUNK)))
    assert len(parts) == 5
    for other in (
        parts[:-1],
        parts[1:],
        parts[:1] + parts,
        [parts[1], parts[0], *parts[2:]],
        [*parts, parts[-1]],
        [parts[-1]],
    ):
        with pytest.raises(BackupUnusable):
            opened(start + b"".join(other))


def test_two_backups_cannot_be_put_together() -> None:
    later = Header(scheme=HEADER.scheme, made_ms=NOW, schema="0001", number=b"m" * 16)
    start, parts = chunks(sealed(noise(3 * CHUNK)))
    _, others = chunks(sealed(noise(3 * CHUNK), later))
    with pytest.raises(BackupUnusable):
        opened(start + b"".join([parts[0], *others[1:]]))
    with pytest.raises(BackupUnusable):
        opened(start + b"".join(others))


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_refused_in_plain_words(data: bytes, begins_well: bool) -> None:
    start, _ = chunks(sealed(b""))
    for wire in (data, MAGIC + data, start + data if begins_well else data):
        with pytest.raises(BackupUnusable):
            opened(wire)
