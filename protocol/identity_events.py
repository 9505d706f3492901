"""The events of an identity log, and what a key must be to stand in one. Source: docs/protocol.md 1.4, 2.2.

What a whole log of them says is in `identity.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from crypto.digest import Id32, tagged
from crypto.keys import SigningKey, VerifyingKey, is_good_public_key
from crypto.sealing import is_good_sealing_key
from crypto.signing import SIGNATURE_BYTES, signed_bytes
from protocol.errors import InvalidValue
from protocol.limits import IDENTITY_EVENTS_MAX, LOG_SIZE_MAX, ROOT_KEYS_MAX, TIME_MS_MAX
from protocol.message import Blob, Code, Fixed, Int, Many, Maybe, Message, Nested, Part, encode_message
from protocol.names import KeySeq, SchemeId

ROOT: Final = "root"  # not delegated: revealed by the inception or a rotation
LEDGER: Final = "ledger"
CHECKPOINT: Final = "checkpoint"
LINE: Final = "line"
FEED: Final = "feed"
WITNESS: Final = "witness"
SESSION: Final = "session"
RECEIPT: Final = "receipt"
SEAL: Final = "seal"
RECOVERY: Final = "recovery"

SIGNING_PURPOSES: Final = (LEDGER, CHECKPOINT, LINE, FEED, WITNESS, SESSION, RECEIPT)
SEALING_PURPOSES: Final = (SEAL, RECOVERY)  # X25519 keys: they open, they never sign
PURPOSES: Final = SIGNING_PURPOSES + SEALING_PURPOSES

CLOSURE: Final = "closure"
SUCCESSOR: Final = "successor"

_NEXT_KEY_TAG: Final = "interlets/1/next-root-key"

# --- What a key must be (1.4) --------------------------------------------------------------------------------


def next_key_digest(public_key: bytes) -> bytes:
    """Return what an inception or rotation commits to before the next root key is shown. Source: 2.2."""
    return tagged(_NEXT_KEY_TAG, public_key)


# --- The events (2.2) ----------------------------------------------------------------------------------------


def _check_roots(keys: tuple[bytes, ...], threshold: int, next_digests: tuple[bytes, ...]) -> None:
    if not all(map(is_good_public_key, keys)):
        raise InvalidValue("a root key is not a usable Ed25519 key")
    if len(set(keys)) != len(keys) or len(set(next_digests)) != len(next_digests):
        raise InvalidValue("a root key or next digest stands there twice")
    if threshold > len(keys):
        raise InvalidValue("the threshold is above the number of root keys")
    if not {next_key_digest(key) for key in keys}.isdisjoint(next_digests):
        raise InvalidValue("a root key cannot be its own next key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inception(Part):
    """The first event. Its id is the id of the scheme. Source: 2.1, 2.2."""

    TAG: ClassVar[str] = "inception"

    root_keys: Annotated[tuple[bytes, ...], Many(Fixed(32), ROOT_KEYS_MAX, 1)]
    threshold: Annotated[int, Int(1, ROOT_KEYS_MAX)]
    next_digests: Annotated[tuple[bytes, ...], Many(Fixed(32), ROOT_KEYS_MAX, 1)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        _check_roots(self.root_keys, self.threshold, self.next_digests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate(Part):
    """The committed next keys are shown and become the root keys; fresh next keys are committed to. Source: 2.2."""

    TAG: ClassVar[str] = "rotate"

    root_keys: Annotated[tuple[bytes, ...], Many(Fixed(32), ROOT_KEYS_MAX, 1)]
    threshold: Annotated[int, Int(1, ROOT_KEYS_MAX)]
    next_digests: Annotated[tuple[bytes, ...], Many(Fixed(32), ROOT_KEYS_MAX, 1)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        _check_roots(self.root_keys, self.threshold, self.next_digests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegate(Part):
    """An online key for one purpose, and that key's own word for it. Source: 1.4, 2.2.

    `proof` is the delegated key's signature over `Possession`: without it anybody could name a key of another
    scheme in a log of their own, and followers who saw that log first would refuse the other scheme's. Keys that only
    open cannot sign: theirs is empty, and nobody refuses another scheme over them.
    A purpose this version does not know is followed like any other, so that a scheme with a newer version does
    not become unreadable; its key counts for nothing here. Source: 9.5.
    """

    TAG: ClassVar[str] = "delegate"

    purpose: Annotated[str, Code()]
    public_key: Annotated[bytes, Fixed(32)]
    proof: Annotated[bytes, Blob(SIGNATURE_BYTES)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.purpose in SIGNING_PURPOSES and len(self.proof) != SIGNATURE_BYTES:
            raise InvalidValue("a key that signs proves that it is held, by signing")
        if self.purpose in SEALING_PURPOSES and self.proof:
            raise InvalidValue("a key that only opens has no proof")
        if self.purpose == ROOT:
            raise InvalidValue("root keys are not delegated")
        if self.purpose in SIGNING_PURPOSES and not is_good_public_key(self.public_key):
            raise InvalidValue("not a usable Ed25519 key")
        if self.purpose in SEALING_PURPOSES and not is_good_sealing_key(self.public_key):
            raise InvalidValue("not a usable X25519 key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Possession(Message):
    """What a delegated key signs of its own delegation: whose, where, and what for. Source: 1.4, 2.2."""

    TAG: ClassVar[str] = "interlets/1/key-possession"

    scheme: Annotated[SchemeId, Fixed(32)]
    seq: Annotated[KeySeq, Int(1, IDENTITY_EVENTS_MAX - 1)]  # of the event that delegates it
    purpose: Annotated[str, Code()]

    def signed_by(self, key: SigningKey) -> bytes:
        """Return the proof that `key` is held by whoever delegates it here."""
        return key.sign(signed_bytes(self.TAG, encode_message(self)))

    def is_shown_by(self, proof: bytes, key: VerifyingKey) -> bool:
        """Tell whether `proof` is that of `key`."""
        return key.verifies(proof, signed_bytes(self.TAG, encode_message(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke(Part):
    """The end of an online key. Source: 2.2."""

    TAG: ClassVar[str] = "revoke"

    delegate_seq: Annotated[KeySeq, Int(1, IDENTITY_EVENTS_MAX - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Part):
    """The last event: the scheme closes, or another scheme continues it. Source: 2.2.

    Keys in force stay in force, so that what is open on lines can still end (0.1).
    """

    TAG: ClassVar[str] = "end"

    reason: Annotated[str, Code((CLOSURE, SUCCESSOR))]
    successor: Annotated[SchemeId | None, Maybe(Fixed(32))]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if (self.successor is not None) != (self.reason == SUCCESSOR):
            raise InvalidValue("a successor is named exactly when that is the reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLog(Part):
    """The log of the books begins anew, for its newest entries are lost for good. Source: 4.1, 6.7 (g).

    The log `number` is over the entries that are held, and those to come. What was signed in the one before stays what
    it was; that its end is lost is told to everybody here, under the root key.
    """

    TAG: ClassVar[str] = "new-log"

    number: Annotated[int, Int(2, IDENTITY_EVENTS_MAX)]
    held_size: Annotated[int, Int(0, LOG_SIZE_MAX)]  # entries in the book when this was signed
    held_root: Annotated[bytes, Fixed(32)]  # over them
    lost_size: Annotated[int, Int(1, LOG_SIZE_MAX)]  # of the newest checkpoint known of the log before
    lost_root: Annotated[bytes, Fixed(32)]


Event = Inception | Rotate | Delegate | Revoke | End | NewLog


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityEvent(Message):
    """One link of the identity log. `scheme` and `prev` are nil in the inception only. Source: 2.2."""

    TAG: ClassVar[str] = "interlets/1/identity"

    scheme: Annotated[SchemeId | None, Maybe(Fixed(32))]
    seq: Annotated[int, Int(0, IDENTITY_EVENTS_MAX - 1)]
    prev: Annotated[Id32 | None, Maybe(Fixed(32))]
    time: Annotated[int, Int(0, TIME_MS_MAX)]
    event: Annotated[Event, Nested((Inception, Rotate, Delegate, Revoke, End, NewLog))]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        first = isinstance(self.event, Inception)
        if first != (self.seq == 0) or first != (self.scheme is None) or first != (self.prev is None):
            raise InvalidValue(
                "an inception has seq 0, no scheme and no previous event; the others have all three"
            )
