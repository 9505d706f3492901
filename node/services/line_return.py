"""Ops of both chains for a peer that lost some of its own, in pages it can take; whose key signed what comes back.

Source: docs/protocol.md 6.7 (b).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import bindparam, func, select

from crypto.keys import VerifyingKey
from node.services.line_rows import find_line, read_ops_after
from node.services.reopen_desk import newest_offer
from node.store import ReadTx
from node.store.schema import lines as schema
from protocol.identity import IdentityState
from protocol.line_ops import EPOCH_SEQS, Op
from protocol.line_return import Returning, merged
from protocol.line_view import LOW
from protocol.message import trusted_message
from protocol.names import LineId, SchemeId

PAGE_OPS: Final = 256  # of each chain
_O: Final = schema.op.c
_NEXT_EPOCH: Final = (
    select(func.min(_O.epoch))
    .where(_O.line_no == bindparam("line_no"), _O.epoch > bindparam("epoch"))
    .scalar_subquery()
)
_BEGINNING: Final = select(_O.mine, _O.wire).where(
    _O.line_no == bindparam("line_no"), _O.epoch == _NEXT_EPOCH, _O.seq == _O.epoch * EPOCH_SEQS + 1
)


def return_page(
    tx: ReadTx, line_id: LineId, me: SchemeId, theirs: int, mine: int, renewed: Callable[[bytes], bytes]
) -> tuple[list[Returning], int, int] | None:
    """Return what a peer lacks that holds `theirs` ops of its own and `mine` of mine; None if it lost none of its own.

    `renewed` gives each of mine a signature that counts now: the peer may have forgotten what an older key signed. Source: 6.3.
    Of an epoch that has ended: what it lacks of either chain.
    """
    line = find_line(tx, line_id, me)
    if line is None or theirs >= line.state.peer_length:
        return None
    chains = []
    for after, is_mine in ((theirs, False), (mine, True)):
        rows = read_ops_after(tx, line, after, PAGE_OPS, mine=is_mine)
        ops = [(trusted_message(Op, wire).body, renewed(wire) if is_mine else wire) for _, wire in rows]
        chains.append([Returning(op.seq, op.ack, wire) for op, wire in ops])
    page = merged(chains[0], chains[1], theirs_held=theirs, mine_held=mine)
    return page if page[0] else None


def next_beginning(tx: ReadTx, line_id: LineId, me: SchemeId, epoch: int) -> list[tuple[bool, bytes]]:
    """Return the two REOPENs by which the line went on after `epoch`, the offer first; or the offer that waits.

    As (whether it is mine, wire). Empty, where it did not go on and nothing waits. Source: 6.8.
    """
    line = find_line(tx, line_id, me)
    if line is None:
        return []
    if epoch >= line.state.epoch:
        offered = newest_offer(tx, line)
        # Its author too: a restored side may have forgotten what it offers.
        return [] if offered is None else [(offered.body.author == me, offered.wire)]
    found = [(mine == 1, wire) for mine, wire in tx.all(_BEGINNING, line_no=line.no, epoch=epoch)]
    return sorted(found, key=lambda row: row[0] is not (line.state.me == LOW))


def key_of_returned(own: IdentityState, key_seq: int) -> VerifyingKey | None:
    """Return the line key that signed an op of mine: it was mine while that key was, whatever became of the key."""
    given = own.delegation(key_seq)
    return given.verifying if given is not None and given.purpose == "line" else None
