"""Changing the keys of a scheme: a fresh one in place of one that was stolen, and a new root key from the recovery sheet.

Only on a node that is stopped: it has its keys in memory. What is made here is published by starting it again, and
cannot be taken back. Source: docs/protocol.md 2.2, 2.3, 6.3; docs/operating.md.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from crypto.keys import SEED_BYTES, SigningKey
from crypto.safekeeping import SafeKeys
from crypto.sealing import SEALING_KEY_BYTES, SealingKey
from node.clock import Chance
from node.keyfiles import SHEET_BYTES, Keys, KeysUnusable, next_root_key, recovery_key, safe_key
from node.keyring import KeyRing
from node.services.own_log import Lost
from protocol.identity import (
    IdentityState,
    advance,
    make_delegate,
    make_end,
    make_new_log,
    make_revoke,
    make_rotate,
)
from protocol.identity_events import RECOVERY, SEAL, SIGNING_PURPOSES, next_key_digest
from protocol.names import KeySeq, SchemeId

ONLINE: Final = (*SIGNING_PURPOSES, SEAL)  # what lies in online.key


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Rotated:
    """The keys after a rotation, nothing of them on disk yet."""

    keys: Keys
    root: SigningKey
    sheet: bytes  # the 32 bytes behind the 24 new words


def renew(keys: Keys, root: SigningKey, purposes: Iterable[str], chance: Chance, now_ms: int) -> Keys:
    """Return keys with a fresh one for each of `purposes`, and the old ones revoked.

    Raises:
        KeysUnusable: not a purpose of an online key. ProtocolError: `root` is not the root key in force.
    """
    ring = keys.keyring
    for purpose in purposes:
        if purpose in SIGNING_PURPOSES:
            fresh = SigningKey(chance.bytes(SEED_BYTES))
            ring = _with(ring, root, purpose, fresh, now_ms)
            ring = replace(ring, signing={**ring.signing, purpose: (KeySeq(_last(ring, purpose)), fresh)})
        elif purpose == SEAL:
            opens = SealingKey(chance.bytes(SEALING_KEY_BYTES))
            ring = _with(ring, root, purpose, opens, now_ms)
            ring = replace(ring, seal=(KeySeq(_last(ring, purpose)), opens))
        else:
            raise KeysUnusable(f"“{purpose}” is no online key: {', '.join(ONLINE)}")
    return replace(keys, keyring=ring)


def rotate(keys: Keys, sheet: bytes, chance: Chance, now_ms: int) -> Rotated:
    """Return the keys after the rotation to the root key of `sheet`, which a fresh sheet will follow.

    Raises:
        KeysUnusable: it is not the sheet of this scheme, or was used before.
    """
    ring, root = keys.keyring, next_root_key(sheet)
    if next_key_digest(root.public.raw) not in ring.identity.root.next_digests:
        raise KeysUnusable("this is not the recovery sheet in force: it is another scheme's, or an older one")
    fresh = chance.bytes(SHEET_BYTES)
    event = make_rotate(ring.identity, root, next_key_digest(next_root_key(fresh).public.raw), now_ms)
    ring = _after(ring, event.wire)
    ring = _with(ring, root, RECOVERY, recovery_key(fresh), now_ms)
    ring = replace(ring, safe=SafeKeys([safe_key(fresh), *ring.safe.secrets()]))
    return Rotated(keys=replace(keys, keyring=ring), root=root, sheet=fresh)


class SheetIs(enum.StrEnum):
    """What a recovery sheet is to a scheme."""

    IN_FORCE = "in-force"
    OLDER = "older"  # its key became the root key
    FOREIGN = "foreign"


def sheet_is(state: IdentityState, sheet: bytes) -> SheetIs:
    """Return what `sheet` is to the scheme with this identity; nothing but its public keys is needed."""
    root = next_root_key(sheet).public
    if next_key_digest(root.raw) in state.root.next_digests:
        return SheetIs.IN_FORCE
    return SheetIs.OLDER if any(each.key == root for each in state.roots) else SheetIs.FOREIGN


def begin_log(keys: Keys, root: SigningKey, lost: Lost, now_ms: int) -> Keys:
    """Return keys with whose identity the log of the books begins anew, over what is held. Source: 6.7 (g).

    Raises:
        ProtocolError: `root` is not the root key in force.
    """
    event = make_new_log(keys.keyring.identity, root, lost.held, lost.known, now_ms)
    return replace(keys, keyring=_after(keys.keyring, event.wire))


def end_identity(keys: Keys, root: SigningKey, successor: SchemeId | None, now_ms: int) -> Keys:
    """Return keys whose identity has ended, with the scheme in which it goes on if there is one. Source: 2.2, 2.4.

    Raises:
        ProtocolError: `root` is not the root key in force, or the successor is the scheme itself.
    """
    event = make_end(keys.keyring.identity, root, now_ms, successor)
    return replace(keys, keyring=_after(keys.keyring, event.wire))


def _with(
    ring: KeyRing, root: SigningKey, purpose: str, key: SigningKey | SealingKey, now_ms: int
) -> KeyRing:
    """Return the ring whose identity log gives `key` the purpose, and takes it from the keys before."""
    before = [
        each for each in ring.identity.delegations if each.purpose == purpose and each.revoked_seq is None
    ]
    ring = _after(ring, make_delegate(ring.identity, root, purpose, key, now_ms).wire)
    for each in before:
        ring = _after(ring, make_revoke(ring.identity, root, each.seq, now_ms).wire)
    return ring


def _after(ring: KeyRing, event: bytes) -> KeyRing:
    return replace(ring, identity=advance(ring.identity, event), log=(*ring.log, event))


def _last(ring: KeyRing, purpose: str) -> int:
    given = ring.identity.current(purpose)
    assert given is not None, "it was delegated a moment ago"
    return given.seq
