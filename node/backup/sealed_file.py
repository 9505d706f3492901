"""The file a backup is: a readable beginning, then compressed bytes in sealed chunks. Source: docs/backup.md.

Each chunk is bound to the beginning, to its place and to whether it is the last, so that a file that was cut short,
put together from two, or altered anywhere does not open.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import BinaryIO, Final

from crypto.canonical import NotCanonical, decode, encode
from crypto.digest import sha256
from crypto.safekeeping import SAFE_OVERHEAD_BYTES, SafeKeys
from crypto.sealing import CannotOpen
from protocol.names import SchemeId

MAGIC: Final = b"interlets backup 1\n"
PURPOSE: Final = b"interlets/1/backup"
CHUNK_BYTES: Final = 1024 * 1024  # compressed, before it is sealed
HEADER_BYTES_MAX: Final = 1024
UNPACKED_AT_A_TIME: Final = 1024 * 1024
NUMBER_BYTES: Final = 16


class BackupUnusable(Exception):
    """A backup cannot be made or read; the text says why and what to do, in plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a backup says without any key."""

    scheme: SchemeId
    made_ms: int
    schema: str  # the newest migration of its database
    number: bytes  # NUMBER_BYTES at random: no two backups are alike

    def bytes(self) -> bytes:
        """Return it as it stands in the file."""
        return encode((self.scheme, self.made_ms, self.schema, self.number), bytes_max=HEADER_BYTES_MAX)


def read_header(file: BinaryIO) -> Header:
    """Return the beginning of a backup; `file` stands at its first chunk then. Raises BackupUnusable."""
    if file.read(len(MAGIC)) != MAGIC:
        raise BackupUnusable("this is not a backup of a node")
    size = int.from_bytes(file.read(4), "big")
    try:
        if not 0 < size <= HEADER_BYTES_MAX:
            raise NotCanonical("a length no backup has")
        match decode(file.read(size), bytes_max=HEADER_BYTES_MAX):
            case (bytes(scheme), int(made_ms), str(schema), bytes(number)) if (
                len(scheme) == 32 and len(number) == NUMBER_BYTES
            ):
                return Header(scheme=SchemeId(scheme), made_ms=made_ms, schema=schema, number=number)
            case _:
                raise NotCanonical("it holds something else")
    except NotCanonical as error:
        raise BackupUnusable(f"the beginning of this backup is damaged: {error}") from None


class _Sealing:
    """What both directions share: what a chunk is bound to."""

    def __init__(self, header: Header, keys: SafeKeys):
        self._bound: Final = PURPOSE + sha256(header.bytes())
        self._keys: Final = keys
        self._at = 0

    def _purpose(self, *, last: bool) -> bytes:
        purpose = self._bound + self._at.to_bytes(4, "big") + bytes([last])
        self._at += 1
        return purpose


class SealedWriter(_Sealing):
    """Takes bytes and writes them, compressed and sealed. `close` ends the file; without it there is none."""

    def __init__(self, file: BinaryIO, header: Header, keys: SafeKeys):
        super().__init__(header, keys)
        self._file: Final = file
        self._packer: Final = zlib.compressobj()
        self._waiting: Final = bytearray()
        head = header.bytes()
        file.write(MAGIC + len(head).to_bytes(4, "big") + head)

    def write(self, data: bytes) -> int:
        """Take bytes; return how many."""
        self._waiting.extend(self._packer.compress(data))
        while len(self._waiting) > CHUNK_BYTES:
            self._seal(CHUNK_BYTES, last=False)
        return len(data)

    def close(self) -> None:
        """Write what is left, and the mark of the end."""
        self._waiting.extend(self._packer.flush())
        while len(self._waiting) > CHUNK_BYTES:
            self._seal(CHUNK_BYTES, last=False)
        self._seal(len(self._waiting), last=True)

    def _seal(self, size: int, *, last: bool) -> None:
        sealed = self._keys.seal(self._purpose(last=last), bytes(self._waiting[:size]))
        del self._waiting[:size]
        self._file.write(len(sealed).to_bytes(4, "big") + sealed)


class SealedReader(_Sealing):
    """Gives the bytes of a backup, whose beginning was read already."""

    def __init__(self, file: BinaryIO, header: Header, keys: SafeKeys):
        super().__init__(header, keys)
        self._file: Final = file
        self._unpacker: Final = zlib.decompressobj()
        self._plain = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end. Raises BackupUnusable."""
        found = bytearray()
        while len(found) < size and (self._plain or self._more()):
            taken = self._plain[: size - len(found)]
            self._plain = self._plain[len(taken) :]
            found += taken
        return bytes(found)

    def check_end(self) -> None:
        """Read to the end and see that the file ends where it should. Raises BackupUnusable."""
        while self._more():
            pass
        if not self._unpacker.eof or self._unpacker.unused_data or self._file.read(1):
            raise BackupUnusable("this backup does not end where it should: it is damaged")

    def _more(self) -> bool:
        """Have some more bytes at hand; tell whether there were any."""
        while True:
            try:
                self._plain = self._unpacker.decompress(
                    self._unpacker.unconsumed_tail or (b"" if self._ended else self._chunk()),
                    UNPACKED_AT_A_TIME,
                )
            except zlib.error as error:
                raise BackupUnusable(f"this backup cannot be unpacked: {error}") from None
            if self._plain:
                return True
            if self._ended and not self._unpacker.unconsumed_tail:
                return False

    def _chunk(self) -> bytes:
        size = int.from_bytes(self._file.read(4), "big")
        sealed = (
            self._file.read(size) if SAFE_OVERHEAD_BYTES <= size <= CHUNK_BYTES + SAFE_OVERHEAD_BYTES else b""
        )
        if not sealed or len(sealed) != size:
            raise BackupUnusable("this backup is cut short, or damaged")
        at = self._at
        try:
            return self._keys.open(self._purpose(last=False), sealed)
        except CannotOpen:
            self._at = at
        try:
            plain = self._keys.open(self._purpose(last=True), sealed)
        except CannotOpen:
            why = "the words do not belong to it, or it is damaged" if at == 0 else "it is damaged"
            raise BackupUnusable(f"this backup cannot be opened: {why}") from None
        self._ended = True
        return plain
