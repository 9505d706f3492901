"""One line with another scheme as a file: both chains as signed, and whose keys sign them. docs/statement.md is its format.

Source: docs/protocol.md 6.3 (MARK), 11 (I19).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import bindparam, select

from node.services.feed_store import items_of_kind
from node.services.line_rows import REPLACED, Line, read_lines, read_ops_after
from node.services.peers import all_peers
from node.store import ReadTx
from node.store.schema import identity as identity_schema
from protocol.feed import Item
from protocol.feed_kinds import PROFILE, Profile, payload_of
from protocol.line_ops import before_epoch
from protocol.message import trusted_message
from protocol.names import SchemeId, scheme_text

FORMAT: Final = "interlets-statement"
FORMAT_VERSION: Final = 1
OPS_AT_A_TIME: Final = 500

_EVENTS: Final = (
    select(identity_schema.identity_event.c.wire)
    .where(identity_schema.identity_event.c.scheme == bindparam("scheme"))
    .order_by(identity_schema.identity_event.c.seq)
)


class NoSuchLine(Exception):
    """There is no line with a scheme called so, or several are called so."""


def names_of(tx: ReadTx, schemes: Iterable[SchemeId], now_ms: int) -> dict[SchemeId, str]:
    """Return what schemes call themselves: in their feeds, else where an organiser introduced them."""
    names = {peer.scheme: peer.name for peer in all_peers(tx)}
    for scheme in schemes:
        for _, wire in items_of_kind(tx, PROFILE, now_ms, scheme):
            profile = payload_of(trusted_message(Item, wire).body)
            if isinstance(profile, Profile):
                names[scheme] = profile.name
    return names


def scheme_called(tx: ReadTx, own: SchemeId, name: str, now_ms: int) -> SchemeId:
    """Return the scheme we have a line with that is written or called `name`. Raises NoSuchLine."""
    ours = {line.peer for line in read_lines(tx, own) if line.status != REPLACED}
    names = names_of(tx, ours, now_ms)
    wanted = name.casefold()
    found = {each for each in ours if scheme_text(each) == name or names.get(each, "").casefold() == wanted}
    if len(found) == 1:
        return found.pop()
    which = "several neighbours are" if found else "no neighbour is"
    raise NoSuchLine(f"{which} called “{name}”; its id, lets1…, will do as well")


def write_statement(
    tx: ReadTx, own: SchemeId, name: str, file: Path, own_name: str, now_ms: int
) -> dict[str, int]:
    """Write the newest line with a scheme into a new file; return the lengths. A query. Raises NoSuchLine, OSError."""
    peer = scheme_called(tx, own, name, now_ms)
    line = [each for each in read_lines(tx, own) if each.peer == peer and each.status != REPLACED][-1]
    names = {own: own_name, peer: names_of(tx, [peer], now_ms).get(peer, "")}
    with file.open("x", encoding="ascii") as out:
        for record in _records(tx, own, line, names, now_ms):
            out.write(json.dumps(record, separators=(",", ":")) + "\n")
    before = before_epoch(line.state.epoch)
    return {
        "own": line.state.own_length - before, "peer": line.state.peer_length - before, "we_owe": line.state.owed,
    }  # fmt: skip


def _records(
    tx: ReadTx, own: SchemeId, line: Line, names: dict[SchemeId, str], now_ms: int
) -> Iterator[dict[str, Any]]:
    terms, state = line.terms, line.state
    yield {
        "format": FORMAT, "version": FORMAT_VERSION, "by": own.hex(), "made_ms": now_ms, "low": terms.low.hex(),
        "high": terms.high.hex(), "nonce": terms.nonce.hex(), "line": state.line.hex(), "epoch": state.epoch,
        "names": {scheme.hex(): name for scheme, name in names.items() if name},
    }  # fmt: skip
    for scheme in (own, line.peer):
        for seq, (wire,) in enumerate(tx.all(_EVENTS, scheme=scheme)):
            yield {"identity": scheme.hex(), "seq": seq, "wire": wire.hex()}
    for author, mine in ((own, True), (line.peer, False)):
        after = before_epoch(state.epoch)
        while ops := read_ops_after(tx, line, after, OPS_AT_A_TIME, mine=mine):
            for seq, wire in ops:
                yield {"author": author.hex(), "seq": seq, "wire": wire.hex()}
            after = ops[-1][0]
