"""How a kind of part is checked, spelled and read, written out once as Python.

Asking each field's spec in a loop costs more than the hash over the message does, and every trade makes a dozen
parts. So the questions of all fields are written one behind the other and compiled at the first use of the kind, as
`dataclasses` does with `__init__`. What is compiled comes from declarations in this code only: names of fields, and
numbers of their specs. Source: docs/protocol.md 1.1–1.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from crypto.canonical import DEPTH_MAX, Value


class Name:
    """What the code being written calls the field it is about, and what else it may name."""

    def __init__(self, text: str, values: dict[str, object]):
        self.text: Final = text
        self._values: Final = values

    def __str__(self) -> str:
        return self.text

    def also(self, text: str) -> Name:
        """Return another name in the same code."""
        return Name(text, self._values)

    def known(self, value: object) -> str:
        """Return a name for a class, a pattern or a function that the code needs."""
        name = f"known_{len(self._values)}"
        self._values[name] = value
        return name


class FieldSpec(Protocol):
    """The part of `message.Spec` that is needed here."""

    @property
    def depth(self) -> int: ...
    def check(self, value: object) -> None: ...
    def accepts(self, it: Name) -> str: ...
    def spells(self, it: Name) -> str: ...
    def reads(self, it: Name) -> str: ...


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a kind of part."""

    names: tuple[str, ...]
    checks: tuple[Callable[[object], None], ...]
    head: tuple[Value, ...]  # the tag, if it has one
    size: int  # elements of its array
    depth: int  # arrays inside one another, its own counted
    accepts: Callable[[Any], bool]  # True: every field is allowed; False: the checks say
    value: Callable[[Any], tuple[Value, ...]]  # a checked part as an LC1 value
    part: Callable[[Any], Any]  # a tuple of the right size and tag as a part, which checks itself


def shape_of(kind: type[Any], names: Sequence[str], specs: Sequence[FieldSpec]) -> Shape:
    """Return the shape of `kind`, whose fields are `names`."""
    made: dict[str, Any] = {}
    head = (kind.TAG,) if kind.TAG else ()
    first = len(head)
    depth = 1 + max((spec.depth for spec in specs), default=0)
    assert depth <= DEPTH_MAX, f"no {kind.__name__} could ever be spelled"
    it = Name(kind.__name__, made)
    fields = list(zip(names, specs, strict=True))
    tests = [spec.accepts(it.also(f"of_{name}")) for name, spec in fields]
    values = [repr(tag) for tag in head] + [spec.spells(it.also(f"part.{name}")) for name, spec in fields]
    read = [
        f"{name}={spec.reads(it.also(f'value[{index}]'))}" for index, (name, spec) in enumerate(fields, first)
    ]
    lines = [
        "def accepts(part):",
        *[f"    of_{name} = part.{name}" for name in names],
        f"    return {' and '.join(tests) or 'True'}",
        f"def value(part): return ({''.join(f'{each}, ' for each in values)})",
        f"def part(value): return {it.known(kind)}({', '.join(read)})",
    ]
    exec("\n".join(lines), made)  # noqa: S102 - see the head of this file
    return Shape(
        names=tuple(names),
        checks=tuple(spec.check for spec in specs),
        head=head,
        size=first + len(names),
        depth=depth,
        accepts=made["accepts"],
        value=made["value"],
        part=made["part"],
    )
