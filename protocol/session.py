"""The handshake of a session: three messages after which both sides have proved their session keys.

    dialler                                listener
    GREETING  from, to, nonce        →
                                     ←     HELLO  signed over both nonces
    HELLO     signed over both nonces →

A hello names its sender, its destination and its direction, so that none can be used again, elsewhere or
backwards. Whether the two clocks and versions fit is decided here too. Frames: `protocol/frame.py`; sockets:
`node/federation`. Source: docs/protocol.md 9.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, TypeAlias, assert_never

from crypto.keys import VerifyingKey
from crypto.signing import Signed
from protocol.errors import InvalidValue, MalformedMessage, OutOfOrder
from protocol.frame import CloseCode, Frame, FrameType
from protocol.limits import (
    CLOCK_NO_LOCKS_MS,
    CLOCK_WARN_MS,
    DESCRIPTOR_VERSIONS_MAX,
    HELLO_IDENTITY_BYTES_MAX,
    IDENTITY_EVENTS_MAX,
    PROTOCOL_VERSION_MAX,
    SEQ_MAX,
    TIME_MS_MAX,
)
from protocol.message import (
    Fixed,
    Flag,
    Int,
    Many,
    Maybe,
    Message,
    Part,
    decode_message,
    encode_message,
    open_message,
)
from protocol.names import KeySeq, SchemeId

NONCE_BYTES: Final = 16
BOOT_BYTES: Final = 16
TLS_HASH_BYTES: Final = 32
VERSIONS: Final = (1,)

# The session key that scheme delegated at that identity seq and that still counts, or None. Source: 2.3.
SessionKeyOf: TypeAlias = Callable[[SchemeId, KeySeq], VerifyingKey | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting(Message):
    """The dialler's challenge. It proves nothing, so it is not signed."""

    TAG: ClassVar[str] = "interlets/1/greeting"

    sender: Annotated[SchemeId, Fixed(32)]
    recipient: Annotated[SchemeId, Fixed(32)]
    nonce: Annotated[bytes, Fixed(NONCE_BYTES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(Message):
    """One side's proof that it holds its session key now, and to whom it is talking. Source: 9.2."""

    TAG: ClassVar[str] = "interlets/1/hello"

    sender: Annotated[SchemeId, Fixed(32)]
    recipient: Annotated[SchemeId, Fixed(32)]
    sender_nonce: Annotated[bytes, Fixed(NONCE_BYTES)]
    recipient_nonce: Annotated[bytes, Fixed(NONCE_BYTES)]
    dialled: Annotated[bool, Flag()]  # whether the sender is the dialler
    boot: Annotated[bytes, Fixed(BOOT_BYTES)]
    session_no: Annotated[int, Int(0, SEQ_MAX)]  # only for logs, 6.7 e
    time: Annotated[int, Int(0, TIME_MS_MAX)]
    versions: Annotated[tuple[int, ...], Many(Int(1, PROTOCOL_VERSION_MAX), DESCRIPTOR_VERSIONS_MAX, 1)]
    # SHA-256 of the certificate the dialler of a pinned peer saw; nil in every other hello.
    tls_seen: Annotated[bytes | None, Maybe(Fixed(TLS_HASH_BYTES))]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.sender == self.recipient:
            raise InvalidValue("a scheme has no session with itself")
        if self.tls_seen is not None and not self.dialled:
            raise InvalidValue("only a dialler sees a certificate")


class Role(StrEnum):
    DIALLER = "dialler"
    LISTENER = "listener"


class State(StrEnum):
    GREETED = "greeted"  # dialler: greeting sent, waiting for the listener's hello
    LISTENING = "listening"  # listener: waiting for a greeting
    ANSWERED = "answered"  # listener: hello sent, waiting for the dialler's
    OPEN = "open"
    CLOSED = "closed"


class Clocks(StrEnum):
    """How far two clocks are apart. Source: 9.2."""

    AGREE = "agree"
    WARN = "warn"
    NO_NEW_LOCKS = "no-new-locks"  # the session opens all the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """What this side brings to a handshake."""

    scheme: SchemeId
    boot: bytes
    session_no: int
    versions: tuple[int, ...] = VERSIONS
    # Of the certificates this node presents itself; empty behind a reverse proxy with a public one.
    tls_own: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an open session is: with whom, in which version, by which clock."""

    peer: SchemeId
    role: Role
    version: int
    peer_boot: bytes
    peer_session_no: int
    peer_key_seq: KeySeq
    skew_ms: int  # the peer's clock minus ours
    clocks: Clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """One side's view of a handshake."""

    role: Role
    state: State
    party: Party
    nonce: bytes
    peer: SchemeId | None  # None until a listener was greeted
    peer_nonce: bytes | None
    tls_seen: bytes | None
    spoke_ms: int  # when this side last sent something; half of the answer's delay is the path's


@dataclass(frozen=True, slots=True)
class GreetingCame:
    greeting: Greeting
    now_ms: int


@dataclass(frozen=True, slots=True)
class HelloCame:
    """A hello whose signature verified under its sender's session key."""

    hello: Signed[Hello]
    now_ms: int


@dataclass(frozen=True, slots=True)
class Garbled:
    """Bytes that are no greeting and no hello."""


@dataclass(frozen=True, slots=True)
class Forged:
    """A hello that no session key of its sender signed."""


@dataclass(frozen=True, slots=True)
class Lapsed:
    """HANDSHAKE_TIMEOUT_MS passed."""


@dataclass(frozen=True, slots=True)
class Hungup:
    """The channel closed."""


Event: TypeAlias = GreetingCame | HelloCame | Garbled | Forged | Lapsed | Hungup


@dataclass(frozen=True, slots=True)
class SendGreeting:
    greeting: Greeting


@dataclass(frozen=True, slots=True)
class SendHello:
    """Sign `hello` with the session key and send it with the identity log."""

    hello: Hello


@dataclass(frozen=True, slots=True)
class Opened:
    terms: Terms


@dataclass(frozen=True, slots=True)
class Close:
    code: CloseCode


Effect: TypeAlias = SendGreeting | SendHello | Opened | Close

_ENDINGS: Final[Mapping[type[Event], State]] = {
    Garbled: State.CLOSED,
    Forged: State.CLOSED,
    Lapsed: State.CLOSED,
    Hungup: State.CLOSED,
}
# The state after an event that passes its checks; one that fails them closes.
TRANSITIONS: Final[Mapping[State, Mapping[type[Event], State]]] = MappingProxyType(
    {
        State.GREETED: {HelloCame: State.OPEN, **_ENDINGS},
        State.LISTENING: {GreetingCame: State.ANSWERED, **_ENDINGS},
        State.ANSWERED: {HelloCame: State.OPEN, **_ENDINGS},
        State.OPEN: {},
        State.CLOSED: {},
    }
)


def dial(
    party: Party, *, peer: SchemeId, nonce: bytes, tls_seen: bytes | None, now_ms: int
) -> tuple[Handshake, tuple[Effect, ...]]:
    """Return the dialler's side, and the greeting to send."""
    greeting = Greeting(sender=party.scheme, recipient=peer, nonce=nonce)
    handshake = Handshake(
        role=Role.DIALLER,
        state=State.GREETED,
        party=party,
        nonce=nonce,
        peer=peer,
        peer_nonce=None,
        tls_seen=tls_seen,
        spoke_ms=now_ms,
    )
    return handshake, (SendGreeting(greeting),)


def listen(party: Party, *, nonce: bytes) -> Handshake:
    """Return the listener's side, which waits for a greeting."""
    return Handshake(
        role=Role.LISTENER,
        state=State.LISTENING,
        party=party,
        nonce=nonce,
        peer=None,
        peer_nonce=None,
        tls_seen=None,
        spoke_ms=0,
    )


def step(handshake: Handshake, event: Event) -> tuple[Handshake, tuple[Effect, ...]]:
    """Return the handshake after `event`, and what the node must now do.

    Raises:
        OutOfOrder: `event` is not allowed in this state; nothing changed.
    """
    try:
        state = TRANSITIONS[handshake.state][type(event)]
    except KeyError:
        raise OutOfOrder(f"{type(event).__name__} while {handshake.state}") from None
    match event:
        case GreetingCame():
            return _greeted(handshake, event, state)
        case HelloCame():
            return _proved(handshake, event, state)
        case Garbled():
            return _closed(handshake, CloseCode.MALFORMED)
        case Forged():
            return _closed(handshake, CloseCode.NOT_AUTHENTIC)
        case Lapsed():
            return _closed(handshake, CloseCode.LAPSED)
        case Hungup():
            return replace(handshake, state=state), ()
        case _:
            assert_never(event)


def _closed(handshake: Handshake, code: CloseCode) -> tuple[Handshake, tuple[Effect, ...]]:
    return replace(handshake, state=State.CLOSED), (Close(code),)


def _greeted(handshake: Handshake, event: GreetingCame, state: State) -> tuple[Handshake, tuple[Effect, ...]]:
    greeting, party = event.greeting, handshake.party
    if greeting.recipient != party.scheme or greeting.sender == party.scheme:
        return _closed(handshake, CloseCode.WRONG_DESTINATION)
    after = replace(
        handshake, state=state, peer=greeting.sender, peer_nonce=greeting.nonce, spoke_ms=event.now_ms
    )
    return after, (SendHello(_own_hello(after, event.now_ms)),)


def _proved(handshake: Handshake, event: HelloCame, state: State) -> tuple[Handshake, tuple[Effect, ...]]:
    hello = event.hello.body
    refusal = _refusal(handshake, hello)
    if refusal is not None:
        return _closed(handshake, refusal)
    # The peer read its clock somewhere between our last word and now: take the middle.
    skew_ms = hello.time - (handshake.spoke_ms + event.now_ms) // 2
    terms = Terms(
        peer=hello.sender,
        role=handshake.role,
        version=max(set(hello.versions) & set(handshake.party.versions)),
        peer_boot=hello.boot,
        peer_session_no=hello.session_no,
        peer_key_seq=event.hello.key_seq,
        skew_ms=skew_ms,
        clocks=clocks_of(skew_ms),
    )
    after = replace(handshake, state=state, peer_nonce=hello.sender_nonce)
    if handshake.role is Role.LISTENER:
        return after, (Opened(terms),)
    return replace(after, spoke_ms=event.now_ms), (
        SendHello(_own_hello(after, event.now_ms)),
        Opened(terms),
    )


def _refusal(handshake: Handshake, hello: Hello) -> CloseCode | None:
    """Return why `hello` opens no session. The order is part of the protocol: the first reason is told."""
    party = handshake.party
    if hello.recipient != party.scheme or hello.sender != handshake.peer:
        return CloseCode.WRONG_DESTINATION
    if hello.dialled is (handshake.role is Role.DIALLER):  # our own kind of hello, thrown back at us
        return CloseCode.WRONG_DESTINATION
    if hello.recipient_nonce != handshake.nonce:
        return CloseCode.STALE_NONCE
    if handshake.peer_nonce is not None and hello.sender_nonce != handshake.peer_nonce:
        return CloseCode.STALE_NONCE
    if hello.tls_seen is not None and hello.tls_seen not in party.tls_own:
        return CloseCode.WRONG_CERTIFICATE
    if not set(hello.versions) & set(party.versions):
        return CloseCode.NO_COMMON_VERSION
    return None


def _own_hello(handshake: Handshake, now_ms: int) -> Hello:
    assert handshake.peer is not None
    assert handshake.peer_nonce is not None
    return Hello(
        sender=handshake.party.scheme,
        recipient=handshake.peer,
        sender_nonce=handshake.nonce,
        recipient_nonce=handshake.peer_nonce,
        dialled=handshake.role is Role.DIALLER,
        boot=handshake.party.boot,
        session_no=handshake.party.session_no,
        time=now_ms,
        versions=handshake.party.versions,
        tls_seen=handshake.tls_seen,
    )


def clocks_of(skew_ms: int) -> Clocks:
    """Return what a difference of clocks allows. Source: 9.2."""
    if abs(skew_ms) > CLOCK_NO_LOCKS_MS:
        return Clocks.NO_NEW_LOCKS
    return Clocks.WARN if abs(skew_ms) > CLOCK_WARN_MS else Clocks.AGREE


def open_hello(wire: bytes, session_key_of: SessionKeyOf) -> Signed[Hello]:
    """Return the verified hello of `wire`.

    Raises:
        MalformedMessage: no hello.
        NotAuthentic: not signed by a session key of its sender.
    """
    return open_message(Hello, wire, lambda hello, key_seq: session_key_of(hello.sender, key_seq))


def greeting_frame(greeting: Greeting) -> Frame:
    return Frame(FrameType.GREETING, encode_message(greeting))


def hello_frame(hello: Signed[Hello], identity_log: tuple[bytes, ...]) -> Frame:
    """Return the frame of a hello with as much of the sender's identity log, the newest end, as fits.

    A stranger is verified from it; who follows us already needs only what is new.
    """
    size, first = 0, len(identity_log)
    while first > 0 and size + len(identity_log[first - 1]) <= HELLO_IDENTITY_BYTES_MAX:
        first -= 1
        size += len(identity_log[first])
    return Frame(FrameType.HELLO, (hello.wire, identity_log[first:]))


def read_greeting(frame: Frame) -> Greeting:
    """Raises MalformedMessage."""
    if frame.type is not FrameType.GREETING or type(frame.payload) is not bytes:
        raise MalformedMessage("not a greeting")
    return decode_message(Greeting, frame.payload)


def read_hello(frame: Frame) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the wire form of a hello, not yet verified, and the identity events that came with it.

    Raises:
        MalformedMessage: it is not a hello's frame.
    """
    payload = frame.payload
    if frame.type is not FrameType.HELLO or type(payload) is not tuple or len(payload) != 2:
        raise MalformedMessage("not a hello")
    wire, events = payload
    if type(wire) is not bytes or type(events) is not tuple or len(events) > IDENTITY_EVENTS_MAX:
        raise MalformedMessage("not a hello")
    log: list[bytes] = []
    for event in events:
        if type(event) is not bytes:
            raise MalformedMessage("not a hello")
        log.append(event)
    return wire, tuple(log)
