"""Tiles and bundles: paths of the specification, widths, wrong spellings. Source: docs/protocol.md 4.1, C2SP tlog-tiles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InvalidValue, MalformedMessage
from protocol.limits import BUNDLE_ENTRY_BYTES_MAX, TILE_WIDTH
from protocol.tiles import Tile, decode_bundle, encode_bundle, parse_tile_path, tiles_of


@pytest.mark.parametrize(
    "tile, path",
    [
        (Tile(level=0, index=1234067), "tile/0/x001/x234/067"),  # the specification's
        (Tile(level=0, index=0), "tile/0/000"),
        (Tile(level=0, index=273, width=112), "tile/0/273.p/112"),
        (Tile(level=1, index=1, width=17), "tile/1/001.p/17"),
        (Tile(level=2, index=0, width=1), "tile/2/000.p/1"),
        (Tile(level=None, index=1000), "tile/entries/x001/000"),
        (Tile(level=None, index=5, width=255), "tile/entries/005.p/255"),
    ],
)
def test_paths(tile, path):
    assert tile.path() == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/x000/001",
        "tile/0/001/002", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p/999",
        "tile/entries/000/", "/tile/0/000", "tile/0/000\n", "tile/0/٠٠٠", "tile/8/001", "tile/data/000",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/000", "tile/0/../../etc/passwd",
    ],
)  # fmt: skip
def test_everything_else_is_malformed(path):
    with pytest.raises(MalformedMessage):
        parse_tile_path(path)


@given(level=st.none() | st.integers(0, 3), index=st.integers(0, 10**9), width=st.integers(1, TILE_WIDTH))
def test_a_path_names_one_tile(level, index, width):
    tile = Tile(level=level, index=index, width=width)

    assert parse_tile_path(tile.path()) == tile


def test_the_example_of_the_specification():
    """A tree of 70,000 entries, and one of 256."""
    assert tiles_of(70_000) == (
        Tile(level=0, index=272), Tile(level=0, index=273, width=112),
        Tile(level=1, index=0), Tile(level=1, index=1, width=17),
        Tile(level=2, index=0, width=1),
    )  # fmt: skip
    assert tiles_of(256) == (Tile(level=0, index=0), Tile(level=1, index=0, width=1))
    assert tiles_of(0) == ()


@given(size=st.integers(1, 2**40))
def test_a_log_has_its_tiles_and_no_wider_ones(size):
    for tile in tiles_of(size):
        assert tile.is_in(size)
        if tile.width < TILE_WIDTH:
            assert not Tile(level=tile.level, index=tile.index, width=tile.width + 1).is_in(size)
            assert not Tile(level=tile.level, index=tile.index + 1, width=1).is_in(size)


@pytest.mark.parametrize("wrong", [{"level": 64}, {"level": -1}, {"width": 0}, {"width": 257}, {"index": -1}])
def test_no_log_has_other_tiles(wrong):
    with pytest.raises(InvalidValue):
        Tile(**({"level": 0, "index": 0, "width": 1} | wrong))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=TILE_WIDTH))
def test_bundles(entries):
    assert decode_bundle(encode_bundle(entries)) == tuple(entries)


def test_a_bundle_counts_in_two_bytes():
    assert encode_bundle([b"ab", b""]) == b"\x00\x02ab\x00\x00"
    assert encode_bundle([bytes(BUNDLE_ENTRY_BYTES_MAX)])
    with pytest.raises(InvalidValue):
        encode_bundle([bytes(BUNDLE_ENTRY_BYTES_MAX + 1)])


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x02a", b"\x00\x01a\x00", b"\x00\x00" * 257])
def test_spoilt_bundles(data):
    with pytest.raises(MalformedMessage):
        decode_bundle(data)
