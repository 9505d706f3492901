"""The repository as text and syntax trees, for the tests that read it."""

from __future__ import annotations

import ast
import functools
import gc
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
Node = TypeVar("Node", bound=ast.AST)


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Return the files of the repository, those about to be committed included."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode != 0:  # an unpacked archive
        return tuple(
            path for path in ROOT.rglob("*") if path.is_file() and not {".git", ".venv"} & set(path.parts)
        )
    paths = (ROOT / name for name in listing.stdout.decode().split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8")


@functools.cache
def tree_of(path: Path) -> ast.Module:
    # Finalizers that run while a tree is built can make Python 3.11 end it with a SystemError.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text_of(path), filename=str(path))
    finally:
        if collecting:
            gc.enable()


def is_python(path: Path) -> bool:
    if path.suffix == ".py":
        return True
    return path.parent.name == "scripts" and path.suffix == "" and "python" in text_of(path).split("\n", 1)[0]


def python_files(*rooms: str) -> list[Path]:
    """Return the Python files of the given rooms, of the whole repository if none is given."""
    files = [path for path in tracked() if is_python(path)]
    return [path for path in files if not rooms or name_of(path).split("/", 1)[0] in rooms]


def texts() -> Iterator[tuple[Path, str]]:
    """Yield every file that is text."""
    for path in tracked():
        try:
            yield path, text_of(path)
        except UnicodeDecodeError:
            continue


def imported(path: Path) -> set[str]:
    """Return the dotted names a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def tops(path: Path) -> set[str]:
    return {name.split(".", 1)[0] for name in imported(path)}


def called(node: ast.Call) -> str:
    """Return the dotted name a call is made by, as far as it is written out."""
    return ast.unparse(node.func)


def nodes(path: Path, *kinds: type[Node]) -> Iterator[Node]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, kinds))


def places(files: list[Path], wrong: Callable[[Path], Iterator[ast.AST]]) -> list[str]:
    """Return `file:line` of everything `wrong` finds."""
    return [f"{name_of(path)}:{getattr(node, 'lineno', 1)}" for path in files for node in wrong(path)]


def matching(pattern: str, files: list[tuple[Path, str]]) -> list[str]:
    """Return `file:line` of every line on which the pattern is found."""
    found = re.compile(pattern)
    return [
        f"{name_of(path)}:{number}: {line.strip()[:80]}"
        for path, text in files
        if found.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if found.search(line)
    ]


def functions_around(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node with the dotted name of the innermost function or class around it."""

    def walk(node: ast.AST, around: str) -> Iterator[tuple[str, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            yield around, child
            named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            yield from walk(child, f"{around}.{child.name}".lstrip(".") if named else around)  # type: ignore[union-attr]  # `named` says it has a name

    return walk(tree_of(path), "")
