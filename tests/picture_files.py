"""Files of pictures as people send them, and such as nobody should: made here, none of them of anybody."""

from __future__ import annotations

import io
import struct
import zlib
from random import Random
from typing import Any

from PIL import Image

GPS = "51.5074"  # what must not be found again, as text in the file's own notes
CAMERA = "Karim's telephone"


def drawn(width: int = 120, height: int = 90, mode: str = "RGB", seed: int = 7) -> Image.Image:
    """Return a picture with something on it: the upper left corner is red."""
    chance = Random(seed)
    small = Image.new(mode, (16, 12))
    for x in range(16):
        for y in range(12):
            small.putpixel((x, y), tuple(chance.randrange(256) for _ in small.getbands()))
    picture = small.resize((width, height))
    picture.paste("red", (0, 0, width // 4, height // 4))
    return picture


def photo(width: int = 120, height: int = 90, kind: str = "JPEG", seed: int = 7, **options: Any) -> bytes:
    """Return a file as a telephone writes it, without notes."""
    written = io.BytesIO()
    drawn(width, height, seed=seed).save(written, kind, **options)
    return written.getvalue()


def photo_with_notes(kind: str = "JPEG", turned: int = 1, **size: int) -> bytes:
    """Return a file that says where it was taken, by what, and which side is up."""
    notes = Image.Exif()
    notes[0x0110] = CAMERA
    notes[0x0112] = turned
    notes[0x9286] = GPS
    gps = notes.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (51.0, 30.0, 26.6), "W", (0.0, 7.0, 39.9)
    kept: dict[str, Any] = (
        {"exif": notes, "xmp": f"<x>{GPS}</x>".encode()} if kind != "PNG" else {"exif": notes}
    )
    if kind == "JPEG":
        kept["comment"] = CAMERA.encode()
    return photo(kind=kind, **size, **kept)


def moving(kind: str = "WEBP") -> bytes:
    """Return a file with two pictures in it, one after the other."""
    written = io.BytesIO()
    drawn().save(written, kind, save_all=True, append_images=[drawn(seed=8)], duration=100)
    return written.getvalue()


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """Return a small file that would be 900 million dots: as many zeros as its rows need, packed well."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer, rows = zlib.compressobj(9), b"\0" * (width // 8 + 2)
    packed = b"".join(packer.compress(rows) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def opened(data: bytes) -> Image.Image:
    """Return a picture that we made."""
    picture = Image.open(io.BytesIO(data), formats=("WEBP",))
    picture.load()
    return picture
