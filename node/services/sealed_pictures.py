"""How a thing that is lent across schemes was: pictures that only its two sides can open, told by letter and asked for by name.

Queries and units. How bytes are fetched is in `pictures_abroad.py`. Source: docs/protocol.md 5.9.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select

from crypto.sealing import ANSWER_SALT_BYTES, CannotOpen, open_answer, seal_answer
from node.services.picture_rows import Kept, pictures_of_booking, pictures_of_request
from node.services.request_rows import Request, Role
from node.store import ReadTx, Tx
from node.store.schema import pictures as schema
from protocol.letter import SealedPicture
from protocol.limits import CONDITION_PICTURES_MAX, PICTURE_BYTES_MAX

KEY_BYTES: Final = 32
SEAL_BYTES: Final = 32  # a salt of 16 and a tag of 16
_SALT: Final = bytes(ANSWER_SALT_BYTES)  # the key is of one picture

_P: Final = schema.picture.c
_SEALED: Final = select(_P.full, _P.page, _P.sealed_key).where(
    _P.sealed_name == bindparam("name"), _P.shared_id == bindparam("shared_id")
)
_T: Final = schema.picture_told.c
_TOLD: Final = (
    select(_T.name, _T.sealed_key, _T.words, _T.taken_ms)
    .where(_T.request_no == bindparam("request_no"))
    .order_by(_T.taken_ms, _T.name)
)
_FORGET: Final = delete(schema.picture_told).where(_T.request_no == bindparam("which"))
_NEW: Final = insert(schema.picture_told)


class Told(NamedTuple):
    """A picture of the other side."""

    name: bytes
    sealed_key: bytes
    words: str
    taken_ms: int


def sent_of(full: bytes, page: bytes) -> bytes:
    """Return which of two sizes is sent: the larger that fits into a frame when it is sealed."""
    return full if len(full) + SEAL_BYTES <= PICTURE_BYTES_MAX else page


def seal_picture(data: bytes, shared_id: bytes, key: bytes) -> bytes:
    """Return a picture as only the two sides of a request can open it."""
    return seal_answer(key, shared_id, data, salt=_SALT)


def open_picture(sealed: bytes, shared_id: bytes, key: bytes) -> bytes | None:
    """Return what is in a sealed picture; None where it was made for something else, or is none."""
    try:
        return open_answer(key, shared_id, sealed)
    except CannotOpen:
        return None


def sealed_bytes(tx: ReadTx, shared_id: bytes, name: bytes) -> bytes | None:
    """Query: the sealed bytes that a name means among what we show of one request."""
    row = tx.one(_SEALED, name=name, shared_id=shared_id)
    return None if row is None else seal_picture(sent_of(row[0], row[1]), shared_id, row[2])


def pictures_said(tx: ReadTx, request: Request, about_no: int | None = None) -> tuple[SealedPicture, ...]:
    """Return what our letters say of pictures; `about_no` is the booking of one who asks from abroad."""
    if request.start is None:
        return ()
    ours: list[Kept] = []
    if request.role is Role.OUT:
        ours = pictures_of_request(tx, request.no)
    elif about_no is not None:
        ours = pictures_of_booking(tx, about_no)
    return tuple(
        SealedPicture(name=each.sealed_name, key=each.sealed_key, time=each.taken_ms, words=each.words)
        for each in ours
        if each.shared_id == request.id and each.sealed_name is not None and each.sealed_key is not None
    )[:CONDITION_PICTURES_MAX]


def note_told(tx: Tx, request_no: int, pictures: tuple[SealedPicture, ...]) -> None:
    """Unit: the other side shows these, and no others any more."""
    tx.run(_FORGET, which=request_no)
    for name, each in {each.name: each for each in pictures}.items():
        words = " ".join(each.words.split())
        words = words if words.isprintable() else ""
        tx.run(_NEW, request_no=request_no, name=name, sealed_key=each.key, words=words, taken_ms=each.time)


def told_of(tx: ReadTx, request_no: int) -> list[Told]:
    """Query: what the other side shows."""
    return [Told._make(row) for row in tx.all(_TOLD, request_no=request_no)]
