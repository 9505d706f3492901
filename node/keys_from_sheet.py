"""New keys for an old scheme, from its recovery sheet: the root key it committed to, and fresh ones for every purpose.

For the day the disk with the keys is gone. The sheet is used up by it, and a new one takes its place; what was sealed
under the old one stays readable. Source: docs/protocol.md 2.2, 6.7 (0), (g).
"""

from __future__ import annotations

from collections.abc import Sequence

from crypto.keys import SEED_BYTES, SigningKey
from crypto.safekeeping import SafeKeys
from crypto.sealing import SEALING_KEY_BYTES, SealingKey
from node.clock import Chance
from node.keyfiles import (
    PEPPER_BYTES,
    SHEET_BYTES,
    Drawn,
    Keys,
    KeysUnusable,
    next_root_key,
    recovery_key,
    safe_key,
)
from node.keyring import KeyRing
from protocol.errors import ProtocolError
from protocol.identity import advance, fold_log, make_delegate, make_revoke, make_rotate
from protocol.identity_events import PURPOSES, RECOVERY, SEAL, SIGNING_PURPOSES, next_key_digest
from protocol.names import KeySeq


def redraw_keys(log: Sequence[bytes], sheet: bytes, chance: Chance, now_ms: int) -> Drawn:
    """Return new keys for the scheme of `log`; the pepper is to be found in the copy that is restored.

    Raises:
        KeysUnusable: the sheet is not this scheme's newest one.
    """
    root, new_sheet = next_root_key(sheet), chance.bytes(SHEET_BYTES)
    events = list(log)
    try:
        state = fold_log(events)
        old = [each.seq for each in state.delegations if each.revoked_seq is None]
        events.append(
            make_rotate(state, root, next_key_digest(next_root_key(new_sheet).public.raw), now_ms).wire
        )
        state = advance(state, events[-1])
        for seq in old:  # whoever has the dead disk, or its backup, has these
            events.append(make_revoke(state, root, seq, now_ms).wire)
            state = advance(state, events[-1])
        signing: dict[str, tuple[KeySeq, SigningKey]] = {}
        seal, seal_seq = SealingKey(chance.bytes(SEALING_KEY_BYTES)), 0
        for purpose in PURPOSES:
            key: SigningKey | SealingKey
            if purpose in SIGNING_PURPOSES:
                key = SigningKey(chance.bytes(SEED_BYTES))
                signing[purpose] = (state.seq + 1, key)
            elif purpose == SEAL:
                key, seal_seq = seal, state.seq + 1
            else:
                assert purpose == RECOVERY, purpose
                key = recovery_key(new_sheet)
            events.append(make_delegate(state, root, purpose, key, now_ms).wire)
            state = advance(state, events[-1])
    except ProtocolError as error:
        raise KeysUnusable(
            f"these words do not belong to this scheme, or are not its newest sheet: {error}"
        ) from None
    keyring = KeyRing(
        identity=state,
        log=tuple(events),
        signing=signing,
        seal=(seal_seq, seal),
        safe=SafeKeys([safe_key(new_sheet), safe_key(sheet)]),
    )
    return Drawn(keys=Keys(keyring=keyring, pepper=bytes(PEPPER_BYTES)), root=root, sheet=new_sheet)
