"""Messages as values: one declaration gives the fields, their ranges and their canonical bytes.

A message is a frozen dataclass whose fields are `Annotated` with a spec from this file. On the wire it is
an array: its tag (or kind) first, then the fields in order. Checked once, at construction: a message that
exists is well formed. Source: docs/protocol.md 1.1–1.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, ClassVar, Final, TypeVar, get_type_hints

from crypto.canonical import NotCanonical, Value, decode, encode
from crypto.keys import SigningKey, VerifyingKey
from crypto.signing import BadSignature, Signed, open_signed, sign, trusted
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic

_CODE: Final = re.compile(r"[a-z0-9-]{1,32}")


class Spec:
    """How one field is checked and spelled."""

    __slots__ = ()

    @property
    def plain(self) -> bool:
        """Whether a checked field is its own LC1 value, so that nothing needs converting."""
        return True

    def check(self, value: object) -> None:
        """Raise InvalidValue when `value` is not allowed."""
        raise AssertionError(f"each spec has its own check, also for {value!r}")

    def to_value(self, value: Any) -> Value:
        """Return the LC1 value of a checked field."""
        return value  # type: ignore[no-any-return]  # plain specs hold LC1 values already

    def from_value(self, value: Value) -> object:
        """Return the field of an LC1 value; `check` follows at construction."""
        return value


@dataclass(frozen=True, slots=True)
class Fixed(Spec):
    """Exactly `size` bytes."""

    size: int

    def check(self, value: object) -> None:
        if type(value) is not bytes or len(value) != self.size:
            raise InvalidValue(f"not {self.size} bytes")


@dataclass(frozen=True, slots=True)
class Blob(Spec):
    """Bytes, at most `most` of them."""

    most: int

    def check(self, value: object) -> None:
        if type(value) is not bytes or len(value) > self.most:
            raise InvalidValue(f"not at most {self.most} bytes")


@dataclass(frozen=True, slots=True)
class Int(Spec):
    """An integer in `low`…`high`, both included; never a bool."""

    low: int
    high: int

    def check(self, value: object) -> None:
        # bool is an int in Python: True would be a second spelling of 1.
        if type(value) is not int or not self.low <= value <= self.high:
            raise InvalidValue(f"not an integer in {self.low}..{self.high}")


@dataclass(frozen=True, slots=True)
class Flag(Spec):
    """True or False."""

    def check(self, value: object) -> None:
        if type(value) is not bool:
            raise InvalidValue("not a bool")


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


@dataclass(frozen=True, slots=True)
class Code(Spec):
    """A code `[a-z0-9-]{1,32}`; one of `allowed` where that is given. Source: 1.5."""

    allowed: tuple[str, ...] = ()

    def check(self, value: object) -> None:
        if type(value) is not str or not (value in self.allowed or _CODE.fullmatch(value)):
            raise InvalidValue("not a code")
        if self.allowed and value not in self.allowed:
            raise InvalidValue(f"not one of {', '.join(self.allowed)}")


@dataclass(frozen=True, slots=True)
class Maybe(Spec):
    """nil, or what `spec` allows."""

    spec: Spec

    @property
    def plain(self) -> bool:
        return self.spec.plain

    def check(self, value: object) -> None:
        if value is not None:
            self.spec.check(value)

    def to_value(self, value: Any) -> Value:
        return None if value is None else self.spec.to_value(value)

    def from_value(self, value: Value) -> object:
        return None if value is None else self.spec.from_value(value)


@dataclass(frozen=True, slots=True)
class Many(Spec):
    """A tuple of `least`…`most` elements of `spec`."""

    spec: Spec
    most: int
    least: int = 0

    @property
    def plain(self) -> bool:
        return self.spec.plain

    def check(self, value: object) -> None:
        if type(value) is not tuple or not self.least <= len(value) <= self.most:
            raise InvalidValue(f"not {self.least}..{self.most} elements")
        check = self.spec.check
        for element in value:
            check(element)

    def to_value(self, value: Any) -> Value:
        return tuple(self.spec.to_value(element) for element in value)

    def from_value(self, value: Value) -> object:
        if type(value) is not tuple:
            raise InvalidValue("not an array")
        return tuple(self.spec.from_value(element) for element in value)


@dataclass(frozen=True, slots=True)
class Nested(Spec):
    """One of the given `Part` classes, told apart by their `TAG` when there are several."""

    kinds: tuple[type[Part], ...]

    @property
    def plain(self) -> bool:
        return False

    def check(self, value: object) -> None:
        if type(value) not in self.kinds:
            raise InvalidValue(f"not a {' or '.join(kind.__name__ for kind in self.kinds)}")

    def to_value(self, value: Any) -> Value:
        return to_value(value)

    def from_value(self, value: Value) -> object:
        if type(value) is tuple and value:
            for kind in self.kinds:
                if not kind.TAG or value[0] == kind.TAG:
                    return from_value(kind, value)
        raise InvalidValue(f"not a {' or '.join(kind.__name__ for kind in self.kinds)}")


class Part:
    """Base of messages and of the parts nested in them. An empty TAG is not written."""

    __slots__ = ()
    TAG: ClassVar[str] = ""

    def __post_init__(self) -> None:
        shape = _shape(type(self))
        for name, check, value in zip(shape.names, shape.checks, shape.values(self), strict=True):
            try:
                check(value)
            except InvalidValue as error:
                raise InvalidValue(f"{type(self).__name__}.{name}: {error}") from None


class Message(Part):
    """A part with a tag of its own that is signed or sent by itself, as `interlets/1/...`."""

    __slots__ = ()


AnyPart = TypeVar("AnyPart", bound=Part)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The fields of a kind of part, laid out so that checking and spelling one are short loops."""

    names: tuple[str, ...]
    values: Callable[[Part], tuple[Any, ...]]
    checks: tuple[Callable[[object], None], ...]
    head: tuple[Value, ...]  # the tag, if it has one
    converted: tuple[Spec | None, ...]  # None for a field that is its own LC1 value
    plain: bool  # every field is


_SHAPES: Final[dict[type[Part], _Shape]] = {}


def _shape(kind: type[Part]) -> _Shape:
    # Kept after the first look: reading annotations costs more than encoding does.
    known = _SHAPES.get(kind)
    return known if known is not None else _SHAPES.setdefault(kind, _read_shape(kind))


def _read_shape(kind: type[Part]) -> _Shape:
    hints = get_type_hints(kind, include_extras=True)
    names, specs = [], []
    for field in fields(kind):  # type: ignore[arg-type]  # every Part is a dataclass
        spec = next((m for m in getattr(hints[field.name], "__metadata__", ()) if isinstance(m, Spec)), None)
        assert spec is not None, f"{kind.__name__}.{field.name} has no spec"
        names.append(field.name)
        specs.append(spec)
    return _Shape(
        names=tuple(names),
        values=_getter(names),
        checks=tuple(spec.check for spec in specs),
        head=(kind.TAG,) if kind.TAG else (),
        converted=tuple(None if spec.plain else spec for spec in specs),
        plain=all(spec.plain for spec in specs),
    )


def _getter(names: list[str]) -> Callable[[Part], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda part: tuple(getattr(part, name) for name in names)


def to_value(part: Part) -> Value:
    """Return the LC1 value of `part`: its tag, if it has one, then its fields in order."""
    shape = _shape(type(part))
    values = shape.values(part)
    if shape.plain:
        return shape.head + values
    return shape.head + tuple(
        [
            value if spec is None else spec.to_value(value)
            for spec, value in zip(shape.converted, values, strict=True)
        ]
    )


def from_value(kind: type[AnyPart], value: Value) -> AnyPart:
    """Return the part that `value` is.

    Raises:
        InvalidValue: another tag, another number of fields, or a field out of its range.
    """
    shape = _shape(kind)
    skip = len(shape.head)
    if type(value) is not tuple or len(value) != len(shape.names) + skip or value[:skip] != shape.head:
        raise InvalidValue(f"not a {kind.__name__}")
    elements: tuple[object, ...] = value[skip:]
    if not shape.plain:
        elements = tuple(
            [
                element if spec is None else spec.from_value(element)
                for spec, element in zip(shape.converted, value[skip:], strict=True)
            ]
        )
    return kind(**dict(zip(shape.names, elements, strict=True)))


def encode_message(message: Part) -> bytes:
    """Return the canonical bytes of `message`.

    Raises:
        InvalidValue: longer than an object may be.
    """
    try:
        return encode(to_value(message))
    except NotCanonical as error:
        raise InvalidValue(str(error)) from None


def decode_message(kind: type[AnyPart], data: bytes) -> AnyPart:
    """Return the message of type `kind` that `data` spells. Source: 1.2.

    Raises:
        MalformedMessage: not canonical, or not a `kind`. No other exception escapes, whatever the bytes.
    """
    try:
        return from_value(kind, decode(data))
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
