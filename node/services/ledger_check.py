"""The whole book checked: everything that follows from signed bytes is reckoned anew and compared with what stands beside them.

A single row that was altered, lost or doubled, in any table that says how much is whose, is found and named. What no
signature speaks of (when something began, what a page called it) is not looked at. Source: docs/protocol.md 3, 6, 7,
I1, I2, I5, I6, I8, I19.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from crypto.safekeeping import SafeKeys
from node.services.deposit_rows import deposits_held
from node.services.deposits_check import check_deposits
from node.services.fees_check import check_fees
from node.services.ledger_walk import EntryWalk, Finding, Findings, Identities, Progress, Reckoned
from node.services.line_walk import Walked, op_row, walk_lines
from node.services.log_check import check_log
from node.services.payments_check import PaymentsCheck
from node.services.tokens_check import check_tokens
from node.services.trades_check import check_trades
from node.store import ReadTx
from node.store.schema import books as schema
from node.store.schema import lines as lines_schema
from protocol.ledger import HOURS, SystemRole, system_account_id, totals
from protocol.names import AccountId, SchemeId

ROWS_AT_A_TIME: Final = 5_000

_A: Final = schema.account.c
_ACCOUNTS: Final = select(
    _A.no, _A.id, _A.kind, _A.unit, _A.role, _A.balance, _A.held, _A.credit_limit, _A.ceiling, _A.closed
).order_by(_A.no)
_L: Final = schema.leg.c
_LEGS: Final = (
    select(_L.account_no, _L.entry_seq, _L.amount, _L.balance_after)
    .where(
        (_L.account_no > bindparam("account_no"))
        | ((_L.account_no == bindparam("account_no")) & (_L.entry_seq > bindparam("after")))
    )
    .order_by(_L.account_no, _L.entry_seq)
    .limit(ROWS_AT_A_TIME)
)
_LINE: Final = lines_schema.line.c
_LINES: Final = select(
    _LINE.no, _LINE.epoch, _LINE.own_length, _LINE.own_id, _LINE.peer_length, _LINE.peer_id, _LINE.peer_ack, _LINE.mine,
    _LINE.theirs, _LINE.written_off,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check of the whole book came to."""

    findings: tuple[Finding, ...]
    more: int  # findings beyond those
    entries: int
    entry_bytes: int
    root: bytes  # of the tree over all entries (4.1)
    accounts: int
    legs: int
    lines: int
    ops: int
    signed: int  # entries under the newest signed head of the log; 0: none is signed

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def quiet(_what: str, _done: int, _of: int) -> None:
    """Tell nobody how far it is."""


def check_books(
    tx: ReadTx, scheme: SchemeId, identities: Identities, *, safe: SafeKeys | None = None, progress: Progress = quiet
) -> Checked:  # fmt: skip
    """Return what is wrong with the books of `scheme`, all of it of one state of the database. A query.

    `identities` tells whose keys sign; with `safe` the memos of our own ops are read and compared too (6.4).
    """
    findings = Findings()
    identity = identities(scheme)
    assert identity is not None, "a scheme knows itself"
    reckoned = EntryWalk(tx, scheme, identity, findings, progress).walk()
    done = Counter[str]()

    def op_progress(ops: int) -> None:
        done["ops"] += ops
        progress("ops", done["ops"], done["ops"])

    lines = walk_lines(tx, scheme, identities, findings, op_progress)
    numbers = _Accounts(tx, reckoned, findings)
    payments = PaymentsCheck(tx, scheme, identities, lines, numbers.ids, safe, findings)
    payments.check()
    numbers.compare(payments.held + deposits_held(tx))
    check_deposits(tx, findings)
    check_fees(tx, findings)
    legs = _check_legs(tx, reckoned, numbers.ids, findings, progress)
    check_trades(tx, reckoned, payments, numbers.ids, findings, progress)
    check_tokens(tx, scheme, reckoned, findings)
    _check_lines(tx, scheme, lines, reckoned, findings)
    _check_sums(reckoned, findings)
    logged = check_log(tx, scheme, identities, findings)
    return Checked(
        findings=tuple(findings.all), more=findings.more, entries=reckoned.size, entry_bytes=reckoned.bytes,
        root=logged.root, accounts=len(reckoned.roles), legs=legs, lines=len(lines), ops=done["ops"], signed=logged.signed,
    )  # fmt: skip


class _Accounts:
    """The table of accounts, beside what the entries make of each."""

    def __init__(self, tx: ReadTx, reckoned: Reckoned, findings: Findings):
        self._rows: Final = tx.all(_ACCOUNTS)
        self._reckoned: Final = reckoned
        self._findings: Final = findings
        self.ids: Final[dict[int, AccountId]] = {row[0]: AccountId(row[1]) for row in self._rows}

    def compare(self, held: Counter[int]) -> None:
        """Compare each account; `held` is what open payments and deposits set aside, by account."""
        reckoned, findings = self._reckoned, self._findings
        for no, id_, kind, unit, role, balance, aside, credit_limit, ceiling, closed in self._rows:
            account = reckoned.replay.accounts.get(id_)
            if account is None:
                findings.add("account", no, "no entry opens it", derived=True)
                continue
            findings.equal(
                "account", no, derived=True, kind=(kind, account.kind.value), unit=(unit, account.unit), role=(role, reckoned.roles[id_]),
                balance=(balance, account.balance), credit_limit=(credit_limit, account.credit_limit),
                ceiling=(ceiling, account.ceiling), closed=(bool(closed), account.closed),
            )  # fmt: skip
            if aside != held[no]:
                findings.add(
                    "account",
                    no,
                    f"{aside} are set aside, open payments and deposits make it {held[no]}",
                    derived=True,
                )
        stored = set(self.ids.values())
        for id_ in reckoned.roles:
            if id_ not in stored:
                findings.add("account", id_.hex(), "missing: an entry opens it", derived=True)


def _check_legs(
    tx: ReadTx, reckoned: Reckoned, ids: dict[int, AccountId], findings: Findings, progress: Progress
) -> int:
    """Compare what each entry did to each account; return how many legs there are."""
    expected = sum(len(each) // 3 for each in reckoned.legs.values())
    places = dict.fromkeys(reckoned.legs, 0)
    account_no, after, count = -1, -1, 0
    while rows := tx.all(_LEGS, account_no=account_no, after=after):
        for account_no, after, amount, balance in rows:
            count += 1
            where = f"of entry {after} on account {account_no}"
            id_ = ids.get(account_no)
            legs = None if id_ is None else reckoned.legs.get(id_)
            if legs is None or id_ is None:
                findings.add("leg", where, "of no account that there is", derived=True)
                continue
            at = places[id_]
            while at < len(legs) and legs[at] < after:
                findings.add("leg", f"of entry {legs[at]} on account {account_no}", "missing", derived=True)
                at += 3
            if at == len(legs) or legs[at] != after:
                findings.add("leg", where, "that entry does nothing to this account", derived=True)
            else:
                findings.equal(
                    "leg",
                    where,
                    derived=True,
                    amount=(amount, legs[at + 1]),
                    balance_after=(balance, legs[at + 2]),
                )
                at += 3
            places[id_] = at
        progress("legs", min(count, expected), expected)
    numbers = {id_: no for no, id_ in ids.items()}
    for id_, legs in reckoned.legs.items():
        for at in range(places[id_], len(legs), 3):
            findings.add(
                "leg",
                f"of entry {legs[at]} on account {numbers.get(id_, id_.hex())}",
                "missing",
                derived=True,
            )
    return count


def _check_lines(
    tx: ReadTx, scheme: SchemeId, lines: dict[int, Walked], reckoned: Reckoned, findings: Findings
) -> None:
    """Compare each line with the fold of its ops, and the account of each neighbour with its lines. Source: I2, I8."""
    owed: Counter[SchemeId] = Counter()
    unsure: set[SchemeId] = set()
    for no, epoch, own_length, own_id, peer_length, peer_id, peer_ack, mine, theirs, written_off in tx.all(
        _LINES
    ):
        walked = lines.get(no)
        if walked is None:
            continue  # named already
        state = walked.state
        if walked.broken:
            unsure.add(walked.peer)
            continue
        if own_length > state.own_length and own_id != state.own_id:
            findings.add("op", op_row(no, 1, state.own_length + 1), "missing: the line ends later")
        if peer_length > state.peer_length and peer_id != state.peer_id:
            findings.add("op", op_row(no, 0, state.peer_length + 1), "missing: the line ends later")
        findings.equal(
            "line", no, derived=True, epoch=(epoch, state.epoch), own_length=(own_length, state.own_length), own_id=(own_id, state.own_id),
            peer_length=(peer_length, state.peer_length), peer_id=(peer_id, state.peer_id),
            peer_ack=(peer_ack, state.peer_ack), mine=(mine, state.mine.encode()),
            theirs=(theirs, state.theirs.encode()),
        )  # fmt: skip
        owed[walked.peer] += state.owed + written_off
    accounts = reckoned.replay.accounts
    for peer in sorted({walked.peer for walked in lines.values()} - unsure):
        account = accounts.get(system_account_id(scheme, SystemRole.LINE, HOURS, peer))
        booked = 0 if account is None else account.balance
        if booked != owed[peer]:
            nos = ", ".join(str(no) for no, line in lines.items() if line.peer == peer)
            findings.add(
                "line", nos, f"with what is written off it owes {owed[peer]}, the account of the line is at {booked} (I8)", derived=True
            )  # fmt: skip


def _check_sums(reckoned: Reckoned, findings: Findings) -> None:
    accounts = reckoned.replay.accounts.values()
    for unit, total in totals((each.unit, each.balance) for each in accounts).items():
        if total:
            findings.add("account", "all", f"in {unit} they sum to {total}, not to zero (I1)")
