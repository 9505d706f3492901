"""The source of the program that runs, as anybody may have it. Source: LICENSE (AGPL-3.0), section 13.

It is read from the very files that run, so that an admin who changed them offers what they changed.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import crypto
import node
import protocol

PACKAGES: Final = (node, protocol, crypto)
# What it takes to install them again. A built package carries these files within itself.
BESIDE: Final = ("pyproject.toml", "requirements.lock", "requirements-dev.lock", "LICENSE", "README.md")
CARRIED: Final = "_beside"
_NOT_SOURCE: Final = frozenset({"__pycache__", CARRIED})
_MODE: Final = 0o644


def release() -> str:
    """Return which release runs; "" when it runs from its source folder without having been installed."""
    try:
        return version("interlets")
    except PackageNotFoundError:
        return ""


@cache
def archive() -> bytes:
    """Return the source as a tar archive, compressed; made once, which takes a second. Some 700 KB."""
    packed = io.BytesIO()
    # No times and no owners: the same source gives the same bytes.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, path in sorted(_files()):
            data = path.read_bytes()
            entry = tarfile.TarInfo(f"interlets/{name}")
            entry.size, entry.mode = len(data), _MODE
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _files() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        assert package.__file__ is not None, "a package with an __init__"
        folder = Path(package.__file__).parent
        for path in folder.rglob("*"):
            within = path.relative_to(folder)
            if path.is_file() and not _NOT_SOURCE & set(within.parts):
                yield f"{folder.name}/{within.as_posix()}", path
    assert node.__file__ is not None, "as above"
    own = Path(node.__file__).parent
    for name in BESIDE:
        carried = own / CARRIED / name
        path = carried if carried.exists() else own.parent / name
        if path.exists():
            yield name, path
