"""Checkpoints of a scheme's log and what witnesses say of them. Source: docs/protocol.md 4, C2SP tlog-checkpoint, tlog-cosignature.

A checkpoint is a signed note over (origin, size, root). A witness' cosignature says: at this time this is the newest
state of that log I know, and it continues every earlier one I said so of. Who must have cosigned is the quorum.

For receipts: `open_checkpoint` verifies one against a scheme's identity, `cosigned_by` says which witnesses vouch.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crypto.keys import SigningKey, VerifyingKey
from crypto.merkle import HASH_BYTES
from crypto.signing import SIGNATURE_BYTES
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.identity import IdentityState
from protocol.identity_events import CHECKPOINT, WITNESS
from protocol.limits import IDENTITY_EVENTS_MAX, LOG_SIZE_MAX, TIME_MS_MAX
from protocol.names import SchemeId, parse_scheme_text, scheme_text
from protocol.note import (
    COSIGNATURE_V1,
    ED25519,
    Note,
    NoteKey,
    NoteSignature,
    check_name,
    parse_note,
    read_base64,
    read_decimal,
    signed_by_any,
)

_LOG: Final = "/log/"
_STAMP_BYTES: Final = 8
WITNESSES_FOR_A_QUORUM: Final = 3


# --- Names (4.1) ---------------------------------------------------------------------------------------------


def origin_of(scheme: SchemeId, number: int = 1) -> str:
    """Return the origin line of a scheme's log, which is also the name its checkpoints are signed under.

    A scheme that lost entries for good begins the next `number`. Source: 6.7 (g).
    """
    return f"{scheme_text(scheme)}{_LOG}{number}"


def witness_name(scheme: SchemeId) -> str:
    """Return the name under which a scheme's node cosigns."""
    return f"{scheme_text(scheme)}/witness"


def scheme_of_origin(origin: str) -> SchemeId:
    """Return whose log has this origin. Raises InvalidValue: it is no scheme's."""
    return log_of_origin(origin)[0]


def log_of_origin(origin: str) -> tuple[SchemeId, int]:
    """Return whose log has this origin, and which of theirs it is. Raises InvalidValue: it is no scheme's."""
    digits = origin.rpartition(_LOG)[2]
    try:
        number = read_decimal(digits, IDENTITY_EVENTS_MAX)
    except MalformedMessage:
        raise InvalidValue("the name is no log's") from None
    if not number:
        raise InvalidValue("logs are counted from one")
    return _scheme_of(origin, f"{_LOG}{digits}"), number


def scheme_of_witness(name: str) -> SchemeId:
    """Return whose node cosigns under this name. Raises InvalidValue: it is no scheme's."""
    return _scheme_of(name, "/witness")


def _scheme_of(name: str, ending: str) -> SchemeId:
    text = name.removesuffix(ending)
    scheme = parse_scheme_text(text)
    if scheme_text(scheme) + ending != name:  # capitals and spaces are forgiven elsewhere, not in a name
        raise InvalidValue("the name is no scheme's")
    return scheme


def log_key(scheme: SchemeId, key: VerifyingKey, number: int = 1) -> NoteKey:
    """Return a scheme's checkpoint key as notes of its log `number` know it."""
    return NoteKey(name=origin_of(scheme, number), kind=ED25519, key=key)


def witness_key(scheme: SchemeId, key: VerifyingKey) -> NoteKey:
    """Return a scheme's witness key as notes know it."""
    return NoteKey(name=witness_name(scheme), kind=COSIGNATURE_V1, key=key)


def log_keys(
    identity: IdentityState, *, ever: bool = False, number: int | None = None
) -> tuple[NoteKey, ...]:
    """Return the keys that sign checkpoints for a scheme; with `ever` also those revoked since. Source: 2.2, 2.3.

    As notes of its log `number` know them; None: of the one that goes on.
    """
    which = identity.log_number if number is None else number
    return tuple(log_key(identity.scheme_id, key, which) for key in _keys(identity, CHECKPOINT, ever=ever))


def witness_keys(identity: IdentityState, *, ever: bool = False) -> tuple[NoteKey, ...]:
    """Return the keys that cosign for a scheme; with `ever` also those revoked since. Source: 2.2, 2.3."""
    return tuple(witness_key(identity.scheme_id, key) for key in _keys(identity, WITNESS, ever=ever))


def _keys(identity: IdentityState, purpose: str, *, ever: bool) -> list[VerifyingKey]:
    found = []
    for delegation in identity.delegations:
        if delegation.purpose != purpose:
            continue
        key = delegation.verifying if ever else identity.key_for(purpose, delegation.seq)
        if key is not None:
            found.append(key)
    return found


# --- What a checkpoint says ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state of one log: how many entries, and the root over them."""

    origin: str
    size: int  # entries, 0..LOG_SIZE_MAX
    root: bytes
    extensions: tuple[str, ...] = ()  # our own logs write none

    def __post_init__(self) -> None:
        _check_line(self.origin)
        if type(self.size) is not int or not 0 <= self.size <= LOG_SIZE_MAX:
            raise InvalidValue(f"a log has 0..{LOG_SIZE_MAX} entries")
        if type(self.root) is not bytes or len(self.root) != HASH_BYTES:
            raise InvalidValue(f"a root has {HASH_BYTES} bytes")
        for line in self.extensions:
            _check_line(line)

    def text(self) -> str:
        """Return the note text."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions))


def _check_line(line: str) -> None:
    """Raise InvalidValue when `line` cannot stand alone in a checkpoint."""
    if not line or any(each < " " for each in line):
        raise InvalidValue("not one line of text")


def parse_checkpoint(note: Note) -> Checkpoint:
    """Return what a note says, nothing verified. Raises MalformedMessage: it is no checkpoint."""
    lines = note.text[:-1].split("\n")
    if len(lines) < 3:
        raise MalformedMessage("a checkpoint has three lines at least")
    try:
        return Checkpoint(
            origin=lines[0],
            size=read_decimal(lines[1], LOG_SIZE_MAX),
            root=read_base64(lines[2]),
            extensions=tuple(lines[3:]),
        )
    except InvalidValue as error:
        raise MalformedMessage(str(error)) from None


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> Note:
    """Return the checkpoint as a note signed under its origin."""
    check_name(checkpoint.origin)
    named = NoteKey(name=checkpoint.origin, kind=ED25519, key=key.public)
    text = checkpoint.text()
    signature = NoteSignature(name=named.name, key_id=named.key_id, blob=key.sign(text.encode()))
    return Note(text=text, signatures=(signature,))


def number_in(checkpoint: Checkpoint, scheme: SchemeId) -> int | None:
    """Return of which log of `scheme` a checkpoint is; None: of none of its."""
    try:
        whose, number = log_of_origin(checkpoint.origin)
    except InvalidValue:
        return None
    return number if whose == scheme else None


def open_checkpoint(data: bytes, identity: IdentityState, *, ever: bool = False) -> tuple[Checkpoint, Note]:
    """Return the checkpoint that a scheme signed, and its note.

    Raises:
        MalformedMessage: no checkpoint.
        NotAuthentic: of another log, or not signed by a checkpoint key of that scheme.
    """
    note = parse_note(data)
    checkpoint = parse_checkpoint(note)
    number = number_in(checkpoint, identity.scheme_id)
    if number is None or number > identity.log_number:
        raise NotAuthentic("a checkpoint of another log")
    if not signed_by_any(note, log_keys(identity, ever=ever, number=number)):
        raise NotAuthentic("not signed by a checkpoint key of its scheme")
    return checkpoint, note


# --- What witnesses say (tlog-cosignature v1) ----------------------------------------------------------------


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def cosign(note: Note, scheme: SchemeId, key: SigningKey, now_ms: int) -> NoteSignature:
    """Return the signature line of a witness. Whether it may be made is decided in `witnessing.py`."""
    seconds = now_ms // 1000
    named = witness_key(scheme, key.public)
    signature = key.sign(_cosigned(note.text, seconds))
    return NoteSignature(
        name=named.name, key_id=named.key_id, blob=seconds.to_bytes(_STAMP_BYTES, "big") + signature
    )


def cosigned_at(note: Note, key: NoteKey) -> int | None:
    """Return when (ms UTC) the witness with `key` cosigned the note; None: it did not, or not validly."""
    times = []
    for each in note.signatures:
        if not each.is_by(key) or len(each.blob) != _STAMP_BYTES + SIGNATURE_BYTES:
            continue
        seconds = int.from_bytes(each.blob[:_STAMP_BYTES], "big")
        covers = _cosigned(note.text, seconds)
        if seconds * 1000 <= TIME_MS_MAX and key.key.verifies(each.blob[_STAMP_BYTES:], covers):
            times.append(seconds * 1000)
    return max(times, default=None)


def cosigned_by(
    note: Note, witnesses: Mapping[SchemeId, IdentityState], *, ever: bool = False
) -> dict[SchemeId, int]:
    """Return which of `witnesses` cosigned the note, and when (ms UTC); signatures of others count for nothing."""
    found = {}
    for scheme, identity in witnesses.items():
        times = [cosigned_at(note, key) for key in witness_keys(identity, ever=ever)]
        known = [time for time in times if time is not None]
        if known:
            found[scheme] = max(known)
    return found


def quorum(witnesses: int, liars: int | None = None) -> int | None:
    """Return how many of so many witnesses must have cosigned; None: too few for any quorum. Source: 4.3.

    With q = ⌊(n+f)/2⌋+1 two quorums share at least f+1 witnesses, so at least one that does not lie. Without `liars`
    a third of them, rounded down, may lie: more would leave no room for any of them to be away.
    """
    if witnesses < WITNESSES_FOR_A_QUORUM:
        return None
    lying = (witnesses - 1) // 3 if liars is None else liars
    if not 0 <= lying < witnesses:
        raise InvalidValue("more liars than witnesses")
    return (witnesses + lying) // 2 + 1
