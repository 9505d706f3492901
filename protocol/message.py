"""Messages as values: one declaration gives the fields, their ranges and their canonical bytes.

A message is a frozen dataclass whose fields are `Annotated` with a spec from this file. On the wire it is
an array: its tag (or kind) first, then the fields in order. Checked once, at construction: a message that
exists is well formed. Source: docs/protocol.md 1.1–1.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import ClassVar, Final, TypeVar, get_type_hints

from crypto.canonical import (
    INT_MAX,
    INT_MIN,
    NotCanonical,
    Value,
    check_shortest,
    decode,
    encode,
    read,
    write,
)
from crypto.keys import SigningKey, VerifyingKey
from crypto.signing import BadSignature, Signed, open_signed, sign, trusted
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.shapes import Name, Shape, shape_of

_CODE: Final = re.compile(r"[a-z0-9-]{1,32}")


class Spec:
    """How one field is checked and spelled. The last three write Python, for `shapes.py`."""

    __slots__ = ()

    @property
    def depth(self) -> int:
        """How many arrays are inside one another in a field."""
        return 0

    def check(self, value: object) -> None:
        """Raise InvalidValue when `value` is not allowed."""
        raise AssertionError(f"each spec has its own check, also for {value!r}")

    def accepts(self, it: Name) -> str:
        """Return an expression that is true of no value but those that `check` allows, and of nearly all of them."""
        raise AssertionError(f"each spec has its own, also for {it.text}")

    def spells(self, it: Name) -> str:
        """Return an expression for the LC1 value of a checked field."""
        return it.text

    def reads(self, it: Name) -> str:
        """Return an expression for the field of an LC1 value; `check` follows at construction."""
        return it.text


@dataclass(frozen=True, slots=True)
class Fixed(Spec):
    """Exactly `size` bytes."""

    size: int

    def check(self, value: object) -> None:
        if type(value) is not bytes or len(value) != self.size:
            raise InvalidValue(f"not {self.size} bytes")

    def accepts(self, it: Name) -> str:
        return f"type({it}) is bytes and len({it}) == {self.size}"


@dataclass(frozen=True, slots=True)
class Blob(Spec):
    """Bytes, at most `most` of them."""

    most: int

    def check(self, value: object) -> None:
        if type(value) is not bytes or len(value) > self.most:
            raise InvalidValue(f"not at most {self.most} bytes")

    def accepts(self, it: Name) -> str:
        return f"type({it}) is bytes and len({it}) <= {self.most}"


@dataclass(frozen=True, slots=True)
class Int(Spec):
    """An integer in `low`…`high`, both included; never a bool."""

    low: int
    high: int

    def __post_init__(self) -> None:
        assert INT_MIN <= self.low <= self.high <= INT_MAX, "LC1 has 64 bits"

    def check(self, value: object) -> None:
        # bool is an int in Python: True would be a second spelling of 1.
        if type(value) is not int or not self.low <= value <= self.high:
            raise InvalidValue(f"not an integer in {self.low}..{self.high}")

    def accepts(self, it: Name) -> str:
        return f"type({it}) is int and {self.low} <= {it} <= {self.high}"


@dataclass(frozen=True, slots=True)
class Flag(Spec):
    """True or False."""

    def check(self, value: object) -> None:
        if type(value) is not bool:
            raise InvalidValue("not a bool")

    def accepts(self, it: Name) -> str:
        return f"type({it}) is bool"


@dataclass(frozen=True, slots=True)
class Text(Spec):
    """Text of at most `most` UTF-8 bytes, without NUL; `least` characters at least."""

    most: int
    least: int = 0

    def check(self, value: object) -> None:
        if type(value) is not str or len(value) < self.least or "\0" in value:
            raise InvalidValue(f"not text of at least {self.least} characters")
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise InvalidValue("a lone surrogate") from None
        if size > self.most:
            raise InvalidValue(f"text longer than {self.most} bytes")

    def accepts(self, it: Name) -> str:
        # Of other letters `check` counts the bytes.
        return (
            f"type({it}) is str and {it}.isascii() and {self.least} <= len({it}) <= {self.most}"
            f" and {chr(0)!r} not in {it}"
        )


@dataclass(frozen=True, slots=True)
class Code(Spec):
    """A code `[a-z0-9-]{1,32}`; one of `allowed` where that is given. Source: 1.5."""

    allowed: tuple[str, ...] = ()

    def check(self, value: object) -> None:
        if type(value) is not str or not (value in self.allowed or _CODE.fullmatch(value)):
            raise InvalidValue("not a code")
        if self.allowed and value not in self.allowed:
            raise InvalidValue(f"not one of {', '.join(self.allowed)}")

    def accepts(self, it: Name) -> str:
        if self.allowed:
            return f"type({it}) is str and {it} in {it.known(frozenset(self.allowed))}"
        return f"type({it}) is str and {it.known(_CODE.fullmatch)}({it}) is not None"


@dataclass(frozen=True, slots=True)
class Maybe(Spec):
    """nil, or what `spec` allows."""

    spec: Spec

    @property
    def depth(self) -> int:
        return self.spec.depth

    def check(self, value: object) -> None:
        if value is not None:
            self.spec.check(value)

    def accepts(self, it: Name) -> str:
        return f"({it} is None or {self.spec.accepts(it)})"

    def spells(self, it: Name) -> str:
        spelled = self.spec.spells(it)
        return spelled if spelled == it.text else f"(None if {it} is None else {spelled})"

    def reads(self, it: Name) -> str:
        read = self.spec.reads(it)
        return read if read == it.text else f"(None if {it} is None else {read})"


@dataclass(frozen=True, slots=True)
class Many(Spec):
    """A tuple of `least`…`most` elements of `spec`."""

    spec: Spec
    most: int
    least: int = 0

    @property
    def depth(self) -> int:
        return 1 + self.spec.depth

    def check(self, value: object) -> None:
        if type(value) is not tuple or not self.least <= len(value) <= self.most:
            raise InvalidValue(f"not {self.least}..{self.most} elements")
        check = self.spec.check
        for element in value:
            check(element)

    def accepts(self, it: Name) -> str:
        each = self.spec.accepts(it.also("each"))
        return (
            f"type({it}) is tuple and {self.least} <= len({it}) <= {self.most}"
            f" and (not {it} or all([{each} for each in {it}]))"
        )

    def spells(self, it: Name) -> str:
        spelled = self.spec.spells(it.also("each"))
        return it.text if spelled == "each" else f"tuple([{spelled} for each in {it}])"

    def reads(self, it: Name) -> str:
        read = self.spec.reads(it.also("each"))
        array = f"{it.known(_array)}({it})"
        return array if read == "each" else f"tuple([{read} for each in {array}])"


@dataclass(frozen=True, slots=True)
class Nested(Spec):
    """One of the given `Part` classes, told apart by their `TAG` when there are several."""

    kinds: tuple[type[Part], ...]

    @property
    def depth(self) -> int:
        return max(_shape(kind).depth for kind in self.kinds)

    def check(self, value: object) -> None:
        if type(value) not in self.kinds:
            raise InvalidValue(f"not a {' or '.join(kind.__name__ for kind in self.kinds)}")

    def accepts(self, it: Name) -> str:
        return f"type({it}) in {it.known(frozenset(self.kinds))}"

    def spells(self, it: Name) -> str:
        spelled = _shape(self.kinds[0]).value if len(self.kinds) == 1 else to_value
        return f"{it.known(spelled)}({it})"

    def reads(self, it: Name) -> str:
        return f"{it.known(self._read)}({it})"

    def _read(self, value: Value) -> Part:
        if type(value) is tuple and value:
            for kind in self.kinds:
                if not kind.TAG or value[0] == kind.TAG:
                    return from_value(kind, value)
        raise InvalidValue(f"not a {' or '.join(kind.__name__ for kind in self.kinds)}")


def _array(value: Value) -> tuple[Value, ...]:
    if type(value) is not tuple:
        raise InvalidValue("not an array")
    return value


class Part:
    """Base of messages and of the parts nested in them. An empty TAG is not written."""

    __slots__ = ()
    TAG: ClassVar[str] = ""

    def __post_init__(self) -> None:
        kind = type(self)
        shape = _SHAPES.get(kind) or _shape(kind)
        if shape.accepts(self):
            return
        for name, check in zip(shape.names, shape.checks, strict=True):
            try:
                check(getattr(self, name))
            except InvalidValue as error:
                raise InvalidValue(f"{kind.__name__}.{name}: {error}") from None


class Message(Part):
    """A part with a tag of its own that is signed or sent by itself, as `interlets/1/...`."""

    __slots__ = ()


AnyPart = TypeVar("AnyPart", bound=Part)


_SHAPES: Final[dict[type[Part], Shape]] = {}


def _shape(kind: type[Part]) -> Shape:
    # Kept after the first look: reading annotations and compiling take a thousand times what one use does.
    known = _SHAPES.get(kind)
    return known if known is not None else _SHAPES.setdefault(kind, _read_shape(kind))


def _read_shape(kind: type[Part]) -> Shape:
    hints = get_type_hints(kind, include_extras=True)
    names, specs = [], []
    for field in fields(kind):  # type: ignore[arg-type]  # every Part is a dataclass
        spec = next((m for m in getattr(hints[field.name], "__metadata__", ()) if isinstance(m, Spec)), None)
        assert spec is not None, f"{kind.__name__}.{field.name} has no spec"
        names.append(field.name)
        specs.append(spec)
    return shape_of(kind, names, specs)


def to_value(part: Part) -> Value:
    """Return the LC1 value of `part`: its tag, if it has one, then its fields in order."""
    return _shape(type(part)).value(part)


def from_value(kind: type[AnyPart], value: object) -> AnyPart:
    """Return the part that `value` is, which may be anything.

    Raises:
        InvalidValue: another tag, another number of fields, or a field out of its range.
    """
    shape = _shape(kind)
    if type(value) is not tuple or len(value) != shape.size or value[: len(shape.head)] != shape.head:
        raise InvalidValue(f"not a {kind.__name__}")
    part: AnyPart = shape.part(value)
    return part


def encode_message(message: Part) -> bytes:
    """Return the canonical bytes of `message`.

    Raises:
        InvalidValue: longer than an object may be.
    """
    try:
        return write(to_value(message))
    except NotCanonical as error:
        raise InvalidValue(str(error)) from None


def decode_message(kind: type[AnyPart], data: bytes) -> AnyPart:
    """Return the message of type `kind` that `data` spells. Source: 1.2.

    Raises:
        MalformedMessage: not canonical, or not a `kind`. No other exception escapes, whatever the bytes.
    """
    try:
        value = read(data)
        message = from_value(kind, value)
        check_shortest(value, data)  # the message took it, so it is an LC1 value
    except (NotCanonical, InvalidValue) as error:
        raise MalformedMessage(str(error)) from None
    return message


def encode_whole(part: Part, bytes_max: int) -> bytes:
    """Return the canonical bytes of a file or frame of its own. Raises InvalidValue: longer than `bytes_max`."""
    try:
        return encode(to_value(part), bytes_max=bytes_max)
    except NotCanonical as error:
        raise InvalidValue(str(error)) from None


def decode_whole(kind: type[AnyPart], data: bytes, bytes_max: int) -> AnyPart:
    """Return the part that `data` spells, as `encode_whole` wrote it; nothing in it is verified.

    Raises:
        MalformedMessage: not canonical, too long, or not a `kind`.
    """
    try:
        return from_value(kind, decode(data, bytes_max=bytes_max))
    except (NotCanonical, InvalidValue) as error:
        raise MalformedMessage(str(error)) from None


def sign_message(message: AnyPart, key: SigningKey, key_seq: int) -> Signed[AnyPart]:
    """Return `message` signed under its own tag. `key_seq` is the identity seq that delegated `key`. Source: 1.3."""
    return sign(message.TAG, message, encode_message(message), key, key_seq)


def open_message(
    kind: type[AnyPart], wire: bytes, key_for: Callable[[AnyPart, int], VerifyingKey | None]
) -> Signed[AnyPart]:
    """Return the verified message of a wire form `[body, key_seq, signature]`. Source: 1.2, 1.3.

    Raises:
        MalformedMessage: not a canonical wire form of a `kind`.
        NotAuthentic: no key counts, or the signature is not that key's.
    """
    try:
        return open_signed(kind.TAG, wire, lambda body: decode_message(kind, body), key_for)
    except NotCanonical as error:
        raise MalformedMessage(str(error)) from None
    except BadSignature as error:
        raise NotAuthentic(str(error)) from None


def trusted_message(kind: type[AnyPart], wire: bytes) -> Signed[AnyPart]:
    """Return a message that this node verified before and kept in its own store; never for bytes from outside."""
    return trusted(kind.TAG, wire, lambda body: decode_message(kind, body))
