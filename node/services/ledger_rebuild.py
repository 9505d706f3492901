"""Every derived table of the books written anew from signed bytes: accounts, what each entry did to them, where lines stand.

What was signed is the only source; where that is wrong itself nothing is written. Trades, payments and promises are no
derived tables: they hold signed bytes and words of their own. Source: docs/protocol.md 3.1, 6.2; docs/architecture.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from crypto.canonical import NotCanonical
from crypto.safekeeping import SafeKeys
from node.services.deposit_rows import deposits_held
from node.services.ledger_check import quiet
from node.services.ledger_walk import EntryWalk, Finding, Findings, Identities, Progress, Reckoned
from node.services.line_rows import ASKED, OFFERED, REPLACED, STOPPED
from node.services.line_walk import Walked, walk_lines
from node.services.log_tree import keep_hashes, missing_hashes
from node.services.payments_check import PaymentsCheck
from node.store import Ordered, Tx
from node.store.schema import books as schema
from node.store.schema import lines as lines_schema
from node.store.schema import log as log_schema
from protocol.entry import Entry
from protocol.errors import ProtocolError
from protocol.ledger import HOURS, SystemRole, system_account_id
from protocol.line_ops import ZERO32, Op, Open, Terms
from protocol.message import trusted_message
from protocol.names import AccountId, SchemeId

_A: Final = schema.account.c
_ACCOUNTS: Final = select(_A.no, _A.id)
_NEW_ACCOUNT: Final = insert(schema.account)
_NO_ACCOUNT: Final = delete(schema.account).where(_A.no == bindparam("which"))
_DERIVED: Final = ("kind", "unit", "role", "balance", "held", "credit_limit", "ceiling", "closed")
_SET_ACCOUNT: Final = (
    update(schema.account)
    .where(_A.no == bindparam("which"))
    .values(**{name: bindparam(f"new_{name}") for name in _DERIVED})
)
_NO_LEGS: Final = delete(schema.leg)
_NEW_LEG: Final = Ordered(insert(schema.leg), "account_no", "entry_seq", "amount", "balance_after")
_NO_HASHES: Final = delete(log_schema.log_hash)
_LEGS_AT_A_TIME: Final = 10_000
_E: Final = schema.entry.c
_SET_ENTRY: Final = (
    update(schema.entry)
    .where(_E.seq == bindparam("which"))
    .values(id=bindparam("new_id"), time=bindparam("new_time"), kind=bindparam("new_kind"))
)
_ENTRIES: Final = (
    select(_E.seq, _E.wire, _E.id, _E.time, _E.kind)
    .where(_E.seq > bindparam("after"))
    .order_by(_E.seq)
    .limit(500)
)
_O: Final = lines_schema.op.c
_L: Final = lines_schema.line.c
_ORPHANS: Final = (
    select(_O.line_no, _O.mine, _O.wire)
    .where(_O.seq == 1, _O.epoch == 0, _O.line_no.not_in(select(_L.no)))
    .order_by(_O.line_no, _O.mine)
)
_NEW_LINE: Final = insert(lines_schema.line)
_STANDING: Final = (
    "epoch",
    "own_length",
    "own_id",
    "peer_length",
    "peer_id",
    "peer_ack",
    "mine",
    "theirs",
    "written_off",
)
_SET_LINE: Final = (
    update(lines_schema.line)
    .where(_L.no == bindparam("which"))
    .values(**{name: bindparam(f"new_{name}") for name in _STANDING})
)


class CannotRebuild(Exception):
    """What was signed is wrong itself, so that nothing can be made from it; nothing was written."""

    def __init__(self, findings: tuple[Finding, ...]):
        super().__init__("; ".join(str(finding) for finding in findings[:3]))
        self.findings: Final = findings


def rebuild(
    tx: Tx, scheme: SchemeId, identities: Identities, *, safe: SafeKeys | None = None, progress: Progress = quiet
) -> dict[str, int]:  # fmt: skip
    """Unit: write every derived table anew; return how many rows each has.

    Raises:
        CannotRebuild: an entry or an op is wrong, or missing.
    """
    findings = Findings()
    identity = identities(scheme)
    assert identity is not None, "a scheme knows itself"
    _write_entries(tx)
    reckoned = EntryWalk(tx, scheme, identity, findings, progress).walk()
    _bring_back_lines(tx, scheme)
    lines = walk_lines(tx, scheme, identities, findings, lambda ops: progress("ops", ops, ops))
    if findings.signed_wrong:
        raise CannotRebuild(tuple(each for each in findings.all if not each.derived))
    numbers = _write_accounts(tx, reckoned)
    ids = {no: id_ for id_, no in numbers.items()}
    payments = PaymentsCheck(tx, scheme, identities, lines, ids, safe, Findings())
    payments.check()
    _set_accounts(tx, reckoned, numbers, payments.held + deposits_held(tx))
    legs = _write_legs(tx, reckoned, numbers, progress)
    hashes = _write_hashes(tx)
    _write_lines(tx, scheme, lines, reckoned)
    return {
        "entry": reckoned.size,
        "account": len(numbers),
        "leg": legs,
        "line": len(lines),
        "log_hash": hashes,
    }


def _write_entries(tx: Tx) -> None:
    """Write the columns beside the signed bytes; what cannot be read is left for the walk to name."""
    after = -1
    while rows := tx.all(_ENTRIES, after=after):
        for seq, wire, id_, time, kind in rows:
            after = seq
            try:
                signed = trusted_message(Entry, wire)
            except (NotCanonical, ProtocolError):
                continue
            entry = signed.body
            if (id_, time, kind) != (signed.id, entry.time, entry.kind):
                tx.run(_SET_ENTRY, which=seq, new_id=signed.id, new_time=entry.time, new_kind=entry.kind)


def _write_hashes(tx: Tx) -> int:
    """Write the kept hashes of the log anew; return how many there are."""
    tx.run(_NO_HASHES)
    count = 0
    while made := missing_hashes(tx):
        keep_hashes(tx, made)
        count += len(made)
    return count


def _write_accounts(tx: Tx, reckoned: Reckoned) -> dict[AccountId, int]:
    """Add what is missing; return every account's number. One that is there keeps it: members are known by it."""
    numbers = {AccountId(id_): no for no, id_ in tx.all(_ACCOUNTS)}
    taken = set(numbers.values())
    for place, id_ in enumerate(reckoned.roles, 1):
        if id_ in numbers:
            continue
        no = place if place not in taken else max(taken) + 1  # they were numbered in the order of opening
        taken.add(no)
        numbers[id_] = no
        tx.run(
            _NEW_ACCOUNT, no=no, id=id_, kind="", unit="", role="", balance=0, held=0, credit_limit=0, ceiling=None,
            warn_below=None, warn_above=None, closed=False,
        )  # fmt: skip
    return numbers


def _set_accounts(tx: Tx, reckoned: Reckoned, numbers: dict[AccountId, int], held: Counter[int]) -> None:
    tx.run(_NO_LEGS)
    for id_, no in list(numbers.items()):
        account = reckoned.replay.accounts.get(id_)
        if account is None:
            tx.run(_NO_ACCOUNT, which=no)
            del numbers[id_]
            continue
        tx.run(
            _SET_ACCOUNT, which=no, new_kind=account.kind.value, new_unit=account.unit, new_role=reckoned.roles[id_],
            new_balance=account.balance, new_held=held[no], new_credit_limit=account.credit_limit,
            new_ceiling=account.ceiling, new_closed=account.closed,
        )  # fmt: skip


def _write_legs(tx: Tx, reckoned: Reckoned, numbers: dict[AccountId, int], progress: Progress) -> int:
    total = sum(len(each) // 3 for each in reckoned.legs.values())
    rows: list[tuple[int, int, int, int]] = []
    done = 0
    for row in _legs(reckoned, numbers):
        rows.append(row)
        if len(rows) == _LEGS_AT_A_TIME:
            tx.put_many(_NEW_LEG, rows)
            done += len(rows)
            progress("legs", done, total)
            rows = []
    if rows:
        tx.put_many(_NEW_LEG, rows)
    return total


def _legs(reckoned: Reckoned, numbers: dict[AccountId, int]) -> Iterator[tuple[int, int, int, int]]:
    for id_, legs in sorted(reckoned.legs.items(), key=lambda each: numbers[each[0]]):
        for at in range(0, len(legs), 3):
            yield numbers[id_], legs[at], legs[at + 1], legs[at + 2]


def _bring_back_lines(tx: Tx, scheme: SchemeId) -> None:
    """Make the row of each line of which only ops are left. It comes back stopped: organisers decide about it anew."""
    opened: dict[int, dict[int, Op]] = defaultdict(dict)
    for line_no, mine, wire in tx.all(_ORPHANS):
        opened[line_no][mine] = trusted_message(Op, wire).body
    for line_no, ops in opened.items():
        step = next(iter(ops.values())).step
        if not isinstance(step, Open):
            continue  # the walk names it
        terms = Terms(low=step.low, high=step.high, nonce=step.nonce)
        status = STOPPED if len(ops) == 2 else OFFERED if 1 in ops else ASKED
        tx.run(
            _NEW_LINE, no=line_no, id=terms.line_id(), peer=terms.high if terms.low == scheme else terms.low,
            low=terms.low, high=terms.high, nonce=terms.nonce, state=status, epoch=0,
            own_length=0, own_id=ZERO32, peer_length=0, peer_id=ZERO32, peer_ack=0, mine=b"", theirs=b"", synced=False, announced=0, returned=0,
            horizon=0, seen=0, own_ceiling=None, written_off=0, marked=0, marked_peer=0, agreed_ms=None, agreed_owed=0,
            opened_ms=min(op.time for op in ops.values()), heard_ms=0,
        )  # fmt: skip


def _write_lines(tx: Tx, scheme: SchemeId, lines: dict[int, Walked], reckoned: Reckoned) -> None:
    """Write where each line stands. What was written off is what its account is above what the line says (6.6)."""
    by_peer: dict[SchemeId, list[Walked]] = defaultdict(list)
    for line in lines.values():
        by_peer[line.peer].append(line)
    for peer, theirs in by_peer.items():
        account = reckoned.replay.accounts.get(system_account_id(scheme, SystemRole.LINE, HOURS, peer))
        lost = (0 if account is None else account.balance) - sum(line.state.owed for line in theirs)
        newest = max(
            (line for line in theirs if line.status != REPLACED), key=lambda line: line.no, default=None
        )
        for line in theirs:
            state = line.state
            values: dict[str, Any] = {
                "epoch": state.epoch, "own_length": state.own_length, "own_id": state.own_id,
                "peer_length": state.peer_length, "peer_id": state.peer_id, "peer_ack": state.peer_ack, "mine": state.mine.encode(),
                "theirs": state.theirs.encode(), "written_off": lost if line is newest else 0,
            }  # fmt: skip
            tx.run(_SET_LINE, which=line.no, **{f"new_{name}": value for name, value in values.items()})
