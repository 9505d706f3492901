"""A file as a table of texts: its encoding and its separator are found out, and nothing is guessed beyond that.

Every line that holds something becomes a row with its number. Source: docs/pages.md 7.4.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Final

from node.importing.rows import FIELD_CHARACTERS_MAX, FILE_BYTES_MAX, ROWS_MAX, Unusable, Wrong

_SEPARATORS: Final = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of one row, and the line on which it begins."""

    line: int
    fields: tuple[str, ...]


def read_table(data: bytes) -> tuple[Row, ...]:
    """Return the rows of a file that hold anything.

    Raises:
        Unusable: not a text, too much of it, or quotation marks that do not fit.
    """
    if len(data) > FILE_BYTES_MAX:
        raise Unusable(Wrong.TOO_LARGE, 1, str(FILE_BYTES_MAX))
    text = _decoded(data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    rows: list[Row] = []
    line = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                rows.append(Row(line, tuple(field.strip() for field in fields)))
            if len(rows) > ROWS_MAX + 1:
                raise Unusable(Wrong.TOO_MANY, line, str(ROWS_MAX))
            line = reader.line_num + 1
    except csv.Error:
        raise Unusable(Wrong.BROKEN, line) from None
    if not rows:
        raise Unusable(Wrong.NO_ROWS)
    return tuple(rows)


def _decoded(data: bytes) -> str:
    if b"\x00" in data:
        raise Unusable(Wrong.NOT_TEXT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Old programs write the letters of Western Europe in one byte each; every byte means something then.
        return data.decode("latin-1")


def _separator(text: str) -> str:
    """Return what separates fields: the sign that stands most often in the first line, outside of quotation marks."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    outside = "".join(first.split('"')[::2])
    return max(_SEPARATORS, key=outside.count)


def check_field(text: str) -> Wrong | None:
    """Return what is wrong with a field in itself, or None."""
    if len(text) > FIELD_CHARACTERS_MAX:
        return Wrong.TOO_LONG
    return None if all(sign.isprintable() or sign in "\n\r\t" for sign in text) else Wrong.SIGNS
