"""How a log is published: tiles of hashes and bundles of entries, as files that never change.

Which hashes a tile holds is reckoned by `node/services/log_tree.py` from what it keeps. Source: docs/protocol.md 4.1,
C2SP tlog-tiles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.errors import InvalidValue, MalformedMessage
from protocol.limits import BUNDLE_ENTRY_BYTES_MAX, LOG_SIZE_MAX, TILE_LEVEL_MAX, TILE_WIDTH

ENTRIES: Final = "entries"
_HEIGHT: Final = 8  # levels of the tree in one tile: 256 is two to the eighth
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One tile or, at level None, one bundle of entries; partial while `width` is below TILE_WIDTH."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= TILE_LEVEL_MAX:
            raise InvalidValue(f"tiles have levels 0..{TILE_LEVEL_MAX}")
        if not 1 <= self.width <= TILE_WIDTH:
            raise InvalidValue(f"a tile has 1..{TILE_WIDTH} hashes")
        if self.index < 0 or self.first_leaf > LOG_SIZE_MAX:
            raise InvalidValue("no log has this tile")

    @property
    def span(self) -> int:
        """How many leaves are under one hash of the tile."""
        return 1 if self.level is None else 1 << (_HEIGHT * self.level)

    @property
    def first_leaf(self) -> int:
        """The first leaf that the tile says something about."""
        return self.index * TILE_WIDTH * self.span

    def is_in(self, size: int) -> bool:
        """Tell whether a log of `size` entries has this tile: full, or as wide as it is there or was before."""
        return self.first_leaf + self.width * self.span <= size

    def path(self) -> str:
        """Return the path below the log's prefix."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        index = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{ENTRIES if self.level is None else self.level}/{index}{partial}"


def parse_tile_path(path: str) -> Tile:
    """Return the tile that a path below the log's prefix names. Raises MalformedMessage: none."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise MalformedMessage("not the path of a tile")
    width = found["width"]
    try:
        tile = Tile(
            level=None if found["level"] == ENTRIES else int(found["level"]),
            index=int(found["index"].replace("x", "").replace("/", "")),
            width=TILE_WIDTH if width is None else int(width),
        )
    except InvalidValue as error:
        raise MalformedMessage(str(error)) from None
    if tile.path() != path:  # leading groups of zeros, and a whole tile under the name of a part
        raise MalformedMessage("another path of that tile")
    return tile


def tiles_of(size: int) -> tuple[Tile, ...]:
    """Return the rightmost tiles of a log of `size` entries, and of each lower level the newest full one before it."""
    tiles = []
    for level in range(TILE_LEVEL_MAX + 1):
        hashes = size >> (_HEIGHT * level)
        if not hashes:
            break
        full, width = divmod(hashes, TILE_WIDTH)
        if full:
            tiles.append(Tile(level=level, index=full - 1))
        if width:
            tiles.append(Tile(level=level, index=full, width=width))
    return tuple(tiles)


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Return the bundle of these entries, in order. Raises InvalidValue: one is too long."""
    parts = []
    for entry in entries:
        if len(entry) > BUNDLE_ENTRY_BYTES_MAX:
            raise InvalidValue(f"an entry longer than {BUNDLE_ENTRY_BYTES_MAX} bytes")
        parts.append(len(entry).to_bytes(2, "big") + entry)
    return b"".join(parts)


def decode_bundle(data: bytes) -> tuple[bytes, ...]:
    """Return the entries of a bundle. Raises MalformedMessage: cut off, empty or more than TILE_WIDTH."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data) or len(entries) == TILE_WIDTH:
            raise MalformedMessage("not a bundle of entries")
        entries.append(data[at + 2 : end])
        at = end
    if not entries:
        raise MalformedMessage("an empty bundle")
    return tuple(entries)
