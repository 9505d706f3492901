"""The keys this node works with from day to day, all delegated by the scheme's identity log. Source: docs/protocol.md 2.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from crypto.keys import SigningKey
from crypto.safekeeping import SafeKeys
from crypto.sealing import SealingKey
from crypto.signing import Signed, split
from protocol.identity import IdentityState
from protocol.message import Part, decode_message, sign_message
from protocol.names import KeySeq, SchemeId

AnyMessage = TypeVar("AnyMessage", bound=Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Private keys in memory; their files are opened by `keyfiles.py`."""

    identity: IdentityState
    log: tuple[bytes, ...]  # the identity events as signed, the inception first
    signing: Mapping[str, tuple[KeySeq, SigningKey]]  # by purpose
    seal: tuple[KeySeq, SealingKey]
    safe: SafeKeys  # for what only this scheme reads again: memos, and what it leaves with keepers

    @property
    def scheme(self) -> SchemeId:
        """The scheme whose keys these are."""
        return self.identity.scheme_id

    def sign(self, purpose: str, message: AnyMessage) -> Signed[AnyMessage]:
        """Return `message` signed with the key delegated for `purpose`."""
        key_seq, key = self.signing[purpose]
        return sign_message(message, key, key_seq)

    def renewed(self, purpose: str, kind: type[AnyMessage], wire: bytes) -> bytes:
        """Return a wire form of ours by a key that counts now: the same one, or the same body signed again. Source: 6.3.

        A key may have been revoked since, and whoever has not seen the object yet would refuse it. The id is of the
        body alone, so nothing is said twice.
        """
        body, key_seq, _ = split(wire)
        given = self.identity.delegation(KeySeq(key_seq))
        if given is None or given.revoked_seq is None or given.purpose != purpose:
            return wire
        return self.sign(purpose, decode_message(kind, body)).wire


class Credentials:
    """Who this node is, for handshakes."""

    def __init__(self, keyring: KeyRing):
        self._keyring: Final = keyring

    @property
    def scheme(self) -> SchemeId:
        return self._keyring.scheme

    def session_key(self) -> tuple[SigningKey, KeySeq]:
        seq, key = self._keyring.signing["session"]
        return key, seq

    def identity_log(self) -> tuple[bytes, ...]:
        return self._keyring.log

    def tls_own(self) -> frozenset[bytes]:
        return frozenset()
