"""The process that makes one picture anew: `python -m node.pictures.child`, a file on its input, three pictures on its output.

What reads picture files is large and has had holes, and the files come from anybody: so it runs apart, with little time
and memory, and can open nothing once it reads. Only the dots are taken over: where and when a picture was taken, with
what, and whatever else lies in the file ends with it. Its output is one line of JSON, then the bytes of each picture.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys
import warnings
from typing import IO, TYPE_CHECKING, Any, Final

from node.pictures.limits import (
    CHILD_MEMORY_BYTES_MAX,
    CHILD_OUTPUT_BYTES_MAX,
    CHILD_SECONDS_MAX,
    DOTS_MAX,
    JPEG_DOTS_MAX,
    PAGE_BYTES_MAX,
    PAGE_SIDE_MAX,
    PICTURE_SIDE_MAX,
    THUMBNAIL_SIDE_MAX,
)
from protocol.limits import PICTURE_BYTES_MAX, THUMBNAIL_BYTES_MAX

if TYPE_CHECKING:
    from PIL.Image import Image

# Exit codes; any other means that the file is broken.
TOO_MUCH: Final = 4  # time or memory do not suffice
TOO_LARGE: Final = 5  # more dots than are looked at
MOVING: Final = 6  # more than one picture in it
BROKEN: Final = 7
READ_SIDE: Final = 2 * PICTURE_SIDE_MAX  # a JPEG much larger than this is read smaller
FORMATS: Final = ("JPEG", "PNG", "WEBP")
_QUALITIES: Final = (82, 74, 64, 52, 40)
_SMALLER: Final = 0.8
_HOPELESS: Final = 3  # times too long: coarser alone would not do
SIZES: Final = (
    (PICTURE_SIDE_MAX, PICTURE_BYTES_MAX),
    (PAGE_SIDE_MAX, PAGE_BYTES_MAX),
    (THUMBNAIL_SIDE_MAX, THUMBNAIL_BYTES_MAX),
)


class _Refused(Exception):
    def __init__(self, code: int):
        super().__init__(code)
        self.code: Final = code


def _limit() -> None:
    for what, soft, hard in (
        (resource.RLIMIT_CPU, CHILD_SECONDS_MAX, CHILD_SECONDS_MAX + 5),
        (resource.RLIMIT_AS, CHILD_MEMORY_BYTES_MAX, CHILD_MEMORY_BYTES_MAX),
        (resource.RLIMIT_FSIZE, CHILD_OUTPUT_BYTES_MAX, CHILD_OUTPUT_BYTES_MAX),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(what, (soft, hard))


def _open_nothing() -> None:
    """From here on no file, socket or process can be opened: everything that is needed was imported."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _read(file: IO[bytes]) -> Image:
    """Return the picture in a file, upright, in three colours. Raises _Refused, or what Pillow raises."""
    from PIL import Image, ImageOps

    with Image.open(file, formats=FORMATS) as picture:
        dots = picture.width * picture.height
        if dots > (JPEG_DOTS_MAX if picture.format in ("JPEG", "MPO") else DOTS_MAX):
            raise _Refused(TOO_LARGE)
        # A JPEG may carry a second view for other screens: the first is the picture. Anything else that has more moves.
        if picture.format not in ("JPEG", "MPO") and getattr(picture, "n_frames", 1) > 1:
            raise _Refused(MOVING)
        picture.draft("RGB", (READ_SIDE, READ_SIDE))
        picture.load()
        if max(picture.size) > READ_SIDE:
            picture.thumbnail((READ_SIDE, READ_SIDE))
        return _three_colours(ImageOps.exif_transpose(picture))


def _three_colours(picture: Image) -> Image:
    """Return it without what shines through: on paper there is white behind a picture."""
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        paper = Image.new("RGB", clear.size, "white")
        paper.paste(clear, mask=clear.getchannel("A"))
        return paper
    if picture.mode.startswith("I;16"):
        return picture.point(lambda value: value / 256).convert("L").convert("RGB")
    return picture.convert("RGB")


def _made(picture: Image, side_max: int, bytes_max: int) -> tuple[int, int, bytes]:
    """Return width, height and bytes of a picture that fits: coarser first, then smaller."""
    from PIL import Image

    fitted = Image.new("RGB", picture.size)  # a new one: nothing of the file's own words comes along
    fitted.paste(picture)
    fitted.thumbnail((side_max, side_max))
    while True:
        for quality in _QUALITIES:
            written = io.BytesIO()
            fitted.save(written, "WEBP", quality=quality, method=3)
            if written.tell() <= bytes_max:
                return fitted.width, fitted.height, written.getvalue()
            if written.tell() > _HOPELESS * bytes_max:
                break
        fitted = fitted.resize((max(1, int(fitted.width * _SMALLER)), max(1, int(fitted.height * _SMALLER))))


def _answer(data: bytes) -> bytes:
    picture = _read(io.BytesIO(data))
    made = []
    for side_max, bytes_max in SIZES:
        made.append(_made(picture, side_max, bytes_max))
    head = json.dumps([[width, height, len(each)] for width, height, each in made])
    return head.encode() + b"\n" + b"".join(each for _, _, each in made)


def main() -> int:
    """Make the pictures; return the exit code."""
    _limit()
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(TOO_MUCH))
    try:
        from PIL import Image, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401 - before the door shuts

        Image.init()
        Image.MAX_IMAGE_PIXELS = JPEG_DOTS_MAX
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        handed = sys.stdin.buffer.read()
        _open_nothing()
        answer = _answer(handed)
    except _Refused as refused:
        return refused.code
    except MemoryError:
        return TOO_MUCH
    except Exception as error:  # noqa: BLE001 - whatever a file makes of its reader, it is no picture
        return TOO_LARGE if type(error).__name__.startswith("DecompressionBomb") else _said(error)
    sys.stdout.buffer.write(answer)
    return 0


def _said(error: Any) -> int:
    sys.stderr.write(f"{type(error).__name__}: {error}\n")
    return BROKEN


if __name__ == "__main__":
    sys.exit(main())
