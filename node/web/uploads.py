"""Files that people send with a form: one at a time, bounded, in memory only, and not too many. Source: docs/pages.md 7.1.

Nothing of a file is written anywhere: it is read, looked at, and forgotten with its request.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final

from aiohttp import web

from node.federation.budget import Bucket
from node.web.forms import FORM_BYTES_MAX, BadForm, FormTooLarge

# Around a file: boundaries, heads of parts, the form's token.
AROUND_BYTES_MAX: Final = 8 * 1024
FIELDS_MAX: Final = 6
# Around a picture: what else was typed.
TYPED_BYTES_MAX: Final = FORM_BYTES_MAX
_BOUNDARY: Final = re.compile(r'boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?')
_NAMED: Final = re.compile(rb'content-disposition: form-data; name="([a-z0-9_]{1,32})"(; filename=.*)?', re.I)
# A receipt costs some dozen signature checks. A family behind one address has a few to look at; a flood waits.
ONE_A_SECOND: Final = 0.2
ONE_BURST: Final = 10.0
ALL_A_SECOND: Final = 4.0
ALL_BURST: Final = 20.0
ADDRESSES_MAX: Final = 1024


class UploadPace:
    """Lets files through by address and in all. In memory: a boot forgives, and nobody's address is kept."""

    def __init__(self) -> None:
        self._all: Final = Bucket(ALL_A_SECOND, ALL_BURST, 0.0)
        self._by_address: Final[OrderedDict[str, Bucket]] = OrderedDict()

    def admits(self, address: str, now_s: float) -> bool:
        """Tell whether one more file from `address` is looked at now."""
        one = self._by_address.pop(address, None) or Bucket(ONE_A_SECOND, ONE_BURST, now_s)
        self._by_address[address] = one
        while len(self._by_address) > ADDRESSES_MAX:
            self._by_address.popitem(last=False)
        # Who has to wait for themselves takes nothing from the others.
        return one.take(1, now_s) == 0.0 and self._all.take(1, now_s) == 0.0


async def posted_with_file(
    request: web.Request, bytes_max: int, *, fields_max: int = FIELDS_MAX, around_bytes_max: int = AROUND_BYTES_MAX
) -> tuple[dict[str, str], bytes]:  # fmt: skip
    """Return the fields that were sent, and the file; it may have one byte more than `bytes_max`, so that it is seen to be too long.

    What its sender calls it and takes it for is not even read.

    Raises:
        BadForm: not such a form of ours: too large, two files, a field twice, or not as browsers write it.
    """
    found = _BOUNDARY.search(request.headers.get("Content-Type", ""))
    if request.content_type != "multipart/form-data" or found is None:
        raise BadForm("not a form with a file")
    fields: dict[str, str] = {}
    file: bytes | None = None
    body = await _read(request, bytes_max + around_bytes_max)
    for head, content in _parts(body, found[1].encode("ascii"), fields_max):
        named = _NAMED.search(head)
        if named is None:
            raise BadForm("a part without a name")
        name = named[1].decode("ascii")
        if named[2] is not None:
            if file is not None:
                raise BadForm("two files")
            file = content
        elif name in fields:
            raise BadForm("a field twice")
        else:
            fields[name] = _text(content)
    return fields, (file or b"")[: bytes_max + 1]


async def _read(request: web.Request, bytes_max: int) -> bytes:
    if (request.content_length or 0) > bytes_max:
        raise FormTooLarge("too large")
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > bytes_max:
            raise FormTooLarge("too large")
    return bytes(body)


def _parts(body: bytes, boundary: bytes, fields_max: int) -> list[tuple[bytes, bytes]]:
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if len(pieces) < 3 or pieces[0] or not pieces[-1].startswith(b"--") or len(pieces) - 2 > fields_max:
        raise BadForm("not as browsers write it")
    made = []
    for piece in pieces[1:-1]:
        head, empty, content = piece.partition(b"\r\n\r\n")
        if not empty or not head.startswith(b"\r\n"):
            raise BadForm("not as browsers write it")
        made.append((head, content))
    return made


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise BadForm("unreadable") from error
