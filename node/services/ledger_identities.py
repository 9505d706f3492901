"""Whose keys sign, from the identity logs that a database holds: for checks that run without a node. Source: docs/protocol.md 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, select

from node.services.ledger_walk import Identities
from node.store import ReadTx
from node.store.schema import identity as schema
from protocol.errors import ProtocolError
from protocol.identity import IdentityState, fold_log
from protocol.names import SchemeId

_E: Final = schema.identity_event.c
_LOG: Final = select(_E.wire).where(_E.scheme == bindparam("scheme")).order_by(_E.seq)


def read_identities(tx: ReadTx, known: Mapping[SchemeId, Sequence[bytes]]) -> Identities:
    """Return what folds a scheme's log when it is first asked for, None where there is no whole one.

    `known` are logs from elsewhere, as the own one from the key files.
    """
    states: dict[SchemeId, IdentityState | None] = {}

    def identity(scheme: SchemeId) -> IdentityState | None:
        if scheme not in states:
            wires = known.get(scheme) or [wire for (wire,) in tx.all(_LOG, scheme=scheme)]
            try:
                state = fold_log(wires) if wires else None
            except ProtocolError:
                state = None
            states[scheme] = state if state is not None and state.scheme_id == scheme else None
        return states[scheme]

    return identity
