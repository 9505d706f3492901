"""Pictures made anew: nothing but the dots is taken over, and whatever is no picture is refused in time. Rule 5.7; decision 62."""

from __future__ import annotations

import asyncio
import sys

import pytest

from node.pictures import maker
from node.pictures.limits import PAGE_BYTES_MAX, PICTURE_SENT_BYTES_MAX
from node.pictures.maker import WAITING_MAX, NoPicture, PictureMaker, Why, looked_at
from protocol.limits import PICTURE_BYTES_MAX, THUMBNAIL_BYTES_MAX
from tests.picture_files import CAMERA, GPS, bomb, moving, opened, photo, photo_with_notes


@pytest.fixture
def pictures() -> PictureMaker:
    return PictureMaker()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_where_when_and_with_what_it_was_taken_is_gone_and_the_right_side_is_up(
    pictures: PictureMaker, kind: str
) -> None:
    """Rule 5.7. The file is turned by a quarter, as telephones do it; its notes say so, and are gone afterwards."""
    sent = photo_with_notes(kind, turned=6, width=2400, height=1800)
    assert CAMERA.encode() in sent
    assert b"Exif" in sent or b"EXIF" in sent or b"eXIf" in sent

    made = await pictures.make(sent)

    for each, bytes_max in (
        (made.full, PICTURE_BYTES_MAX),
        (made.page, PAGE_BYTES_MAX),
        (made.thumbnail, THUMBNAIL_BYTES_MAX),
    ):
        assert len(each.data) <= bytes_max
        for word in (CAMERA.encode(), GPS.encode(), b"EXIF", b"Exif", b"XMP ", b"ICCP"):
            assert word not in each.data
        picture = opened(each.data)
        assert picture.size == (each.width, each.height)
        assert not picture.getexif()
        assert picture.width < picture.height  # stood up
        red, green, blue = picture.convert("RGB").getpixel((picture.width - 8, 8))  # type: ignore[misc]  # three bands
        assert red > 180
        assert green < 80
        assert blue < 80
    assert (made.full.width, made.full.height) == (1200, 1600)
    assert (made.page.width, made.thumbnail.width) == (720, 240)


async def test_what_follows_a_picture_in_its_file_ends_with_it(pictures: PictureMaker) -> None:
    """A file that is a picture and a page at once: only the picture is made anew. Each is told from its first bytes."""
    for extra in (b"<script>alert(1)</script>", b"PK\x03\x04 an archive"):
        made = await pictures.make(photo() + extra)
        assert extra not in made.full.data
    noise = photo(kind="PNG", width=40, height=30)
    assert (await pictures.make(noise)).full.width == 40  # small ones stay small


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.parametrize(
    "sent, why",
    [
        (b"", Why.NO_PICTURE),
        (SVG, Why.NO_PICTURE),
        (b'<?xml version="1.0"?>' + SVG, Why.NO_PICTURE),
        (b"<!doctype html><script>alert(1)</script>" + photo(), Why.NO_PICTURE),
        (b"GIF89a" + b"\0" * 80, Why.NO_PICTURE),
        (b"%PDF-1.7 " + photo(), Why.NO_PICTURE),
        (b"RIFF\0\0\0\0WAVE", Why.NO_PICTURE),
        (HEIC, Why.HEIC),
        (b"\0\0\0\x1cftypavif" + b"\0" * 20, Why.HEIC),
        (photo() + b"\0" * PICTURE_SENT_BYTES_MAX, Why.TOO_LONG),
        (photo(), None),
        (photo(kind="PNG"), None),
        (photo(kind="WEBP"), None),
    ],
)
def test_what_is_no_picture_of_ours_is_refused_by_its_first_bytes(sent: bytes, why: Why | None) -> None:
    assert looked_at(sent) is why


@pytest.mark.parametrize(
    "sent, why",
    [
        (moving("WEBP"), Why.MOVING),
        (moving("PNG"), Why.MOVING),
        (bomb(), Why.TOO_LARGE),
        (photo(400, 300)[:-3_000], Why.BROKEN),
        (photo(400, 300, "PNG")[:-3_000], Why.BROKEN),
        (b"\xff\xd8\xff" + b"garbage" * 400, Why.BROKEN),
        (b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", Why.BROKEN),
        (b"RIFF\x10\0\0\0WEBPVP8 " + SVG, Why.BROKEN),
    ],
    ids=["moving-webp", "moving-png", "bomb", "cut-jpeg", "cut-png", "garbage", "page-as-png", "svg-as-webp"],
)
async def test_a_file_that_is_not_one_whole_picture_is_refused(
    pictures: PictureMaker, sent: bytes, why: Why
) -> None:
    with pytest.raises(NoPicture) as refused:
        await pictures.make(sent)
    assert refused.value.why is why


async def test_see_through_is_seen_before_white_and_grey_stays_grey(pictures: PictureMaker) -> None:
    import io

    from PIL import Image

    for picture, corner in (
        (Image.new("RGBA", (60, 40), (0, 0, 0, 0)), 255),
        (Image.new("I;16", (60, 40), 128 * 256), 128),
        (Image.new("CMYK", (60, 40), (0, 0, 0, 127)), 128),
    ):
        written = io.BytesIO()
        picture.save(written, "JPEG" if picture.mode == "CMYK" else "PNG")
        made = await pictures.make(written.getvalue())
        got = opened(made.full.data).convert("RGB").getpixel((5, 5))
        assert all(abs(each - corner) <= 3 for each in got)  # type: ignore[union-attr]  # three bands


# --- The process itself ------------------------------------------------------------------------------------------


def program(*lines: str) -> PictureMaker:
    """Return a maker whose process does something else."""
    return PictureMaker((sys.executable, "-c", "\n".join(lines)))


@pytest.mark.parametrize(
    "lines, why",
    [
        (("raise SystemExit(1)",), Why.BROKEN),
        (("print('[[1, 1, 4]]')",), Why.BROKEN),
        (("print('[[1,1,12],[1,1,12],[1,1,12]]'+chr(10)+'RIFF....WEBP'*2, end='')",), Why.BROKEN),
        (("print('[[1,1,12],[1,1,12],[1,1,12]]'+chr(10)+'<svg/>......'*3, end='')",), Why.BROKEN),
        (("print('[[9999,1,12],[1,1,12],[1,1,12]]'+chr(10)+'RIFF....WEBP'*3, end='')",), Why.BROKEN),
        (("print('{')",), Why.BROKEN),
        (("import os", "os.kill(os.getpid(), 9)"), Why.TOO_LARGE),
        (("import sys", "while True: sys.stdout.write('x' * 9000)"), Why.TOO_LARGE),
        (("from node.pictures import child", "child._limit()", "x = bytearray(2**31)"), Why.BROKEN),
    ],
)
async def test_a_process_that_was_broken_into_gives_no_picture(lines: tuple[str, ...], why: Why) -> None:
    with pytest.raises(NoPicture) as refused:
        await program(*lines).make(photo())
    assert refused.value.why is why


async def test_a_process_has_no_time_without_end_and_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = program("import time", "time.sleep(600)")
    monkeypatch.setattr(maker, "TIMEOUT_S", 0.2)
    with pytest.raises(NoPicture) as refused:
        await slow.make(photo())
    assert refused.value.why is Why.TOO_LARGE
    answers = await asyncio.gather(
        *[slow.make(photo()) for _ in range(WAITING_MAX + 1)], return_exceptions=True
    )
    busy = [each for each in answers if isinstance(each, NoPicture) and each.why is Why.BUSY]
    assert len(busy) == 1


async def test_once_it_reads_the_process_opens_nothing() -> None:
    """What breaks the reader from within finds no file, no socket, no other program."""
    tried = program(
        "import socket, subprocess, sys",
        "from node.pictures import child",
        "child._open_nothing()",
        "shut = 0",
        "for what in (lambda: open('/etc/passwd'), socket.socket, lambda: subprocess.run(['true'])):",
        "    try: what()",
        "    except OSError: shut += 1",
        "if shut == 3: print('[[1,1,12],[1,1,12],[1,1,12]]'+chr(10)+'RIFF....WEBP'*3, end='')",
    )
    assert (await tried.make(photo())).full.width == 1
