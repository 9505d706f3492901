"""The invariants of docs/protocol.md 11 over whole nodes, each a function that raises `Violated("I5 …")`.

They read what nodes stored and recompute everything from the signed wires, by other code than the node's. The
same functions serve small towns, the simulator of whole nodes, and the negative controls: those must fail
with the name of the invariant they break.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from msgpack import unpackb
from sqlalchemy import select, text

from crypto.canonical import OBJECT_BYTES_MAX, encode
from crypto.digest import sha256
from crypto.keys import VerifyingKey
from crypto.signing import signed_bytes
from node.services.accounts import Held, all_accounts
from node.services.line_rows import FROZEN, LIVE, Line, read_lines
from node.store import ReadTx
from node.store.schema import books, load_all
from node.store.schema import lines as lines_schema
from node.store.schema import payments as payments_schema
from protocol.entry import Corrected, Entry, Payload, Posted, open_book
from protocol.ledger import LOCAL, AccountKind
from protocol.line import fold, receipt_opens
from protocol.line_ops import (
    LOCK_ROW,
    MODE_NORMAL,
    Claim,
    Credit,
    Limit,
    Lock,
    Op,
    Release,
    Reopen,
    before_epoch,
)
from protocol.message import decode_message, trusted_message
from protocol.names import LineId, SchemeId
from protocol.quote import Quote
from protocol.units import HOUR

_ENTRIES = select(books.entry).order_by(books.entry.c.seq)
_LEGS = select(books.leg)
_TRADES = select(books.trade)
_OPS = select(lines_schema.op).order_by(lines_schema.op.c.seq)
_DECISIONS = select(lines_schema.decision)
_PAYMENTS = select(payments_schema.payment)
_FORWARDS = select(payments_schema.forward)
_PROMISES = select(payments_schema.promise)
_DEPOSITS = text(
    "SELECT no, SUM(aside) FROM ("
    " SELECT borrower_no AS no, deposit AS aside FROM booking"
    " WHERE deposit_state IN ('held', 'asked') AND borrower_no >= 0"
    " UNION ALL SELECT account_no, aside - paying FROM pledge JOIN request ON request.no = pledge.request_no"
    " WHERE pledge.role = 'out' AND pledge.state IN ('held', 'asked', 'due', 'paying', 'letting')"
    ") GROUP BY no"
)
_OPS_AS_STORED = text("SELECT wire FROM op ORDER BY rowid")


class Violated(AssertionError):
    """An invariant does not hold; the message begins with its name."""


@dataclass(frozen=True)
class Copy:
    """One node's copy of a line, with both chains."""

    line: Line
    mine: tuple[Op, ...]
    theirs: tuple[Op, ...]

    @property
    def id(self) -> LineId:
        return self.line.state.line


@dataclass(frozen=True)
class Snapshot:
    """All that the invariants look at, of one node at one moment."""

    scheme: SchemeId
    accounts: tuple[tuple[Held, str], ...]
    entries: tuple[tuple[object, ...], ...]
    legs: tuple[tuple[object, ...], ...]
    trades: tuple[tuple[object, ...], ...]
    copies: tuple[Copy, ...]
    decisions: dict[tuple[int, int], bytes | None]  # (line, lock) → receipt, none for RELEASE
    payments: tuple[tuple[object, ...], ...]
    forwards: tuple[tuple[object, ...], ...]
    promises: tuple[tuple[object, ...], ...]
    deposits: dict[int, int]  # what is set aside for what is lent, by account
    log: bytes  # hash of all entries and ops in the order of their commit

    def copy(self, line_no: object) -> Copy:
        return next(copy for copy in self.copies if copy.line.no == line_no)


def take_snapshot(tx: ReadTx, scheme: SchemeId) -> Snapshot:
    """Read one node. A query: `await store.read(take_snapshot, scheme)`."""
    chains: dict[tuple[int, int], list[Op]] = defaultdict(list)
    for line_no, mine, _epoch, _seq, wire in tx.all(_OPS):
        chains[line_no, mine].append(trusted_message(Op, wire).body)
    lines = read_lines(tx, scheme)
    entries = tuple(tx.all(_ENTRIES))
    wires = [row[4] for row in entries] + [row[0] for row in tx.all(_OPS_AS_STORED)]
    return Snapshot(
        scheme=scheme,
        accounts=tuple(all_accounts(tx)),
        entries=entries,
        legs=tuple(tx.all(_LEGS)),
        trades=tuple(tx.all(_TRADES)),
        copies=tuple(Copy(line, tuple(chains[line.no, 1]), tuple(chains[line.no, 0])) for line in lines),
        decisions={(row[0], row[1]): row[2] for row in tx.all(_DECISIONS)},
        payments=tuple(tx.all(_PAYMENTS)),
        forwards=tuple(tx.all(_FORWARDS)),
        promises=tuple(tx.all(_PROMISES)),
        deposits=dict(tx.all(_DEPOSITS)),
        log=sha256(b"".join(sha256(wire) for wire in wires)),
    )


def digest_of_all_tables(tx: ReadTx) -> dict[str, bytes]:
    """Return a digest of each table's rows: equal digests, equal state (I7)."""
    return {
        table.name: sha256(repr(sorted(map(repr, tx.all(select(table))))).encode())
        for table in load_all().sorted_tables
    }


# --- one node, at any moment ------------------------------------------------------------------------------------


def check_node(
    node: Snapshot, *, was_restored: bool = False, liars: frozenset[SchemeId] = frozenset()
) -> None:
    """I1, I3, I4, I5, I6 and the limits of members, as they hold at every moment.

    After a restore what came back is booked even beyond a member's limit (6.7 b), and a liar can claim what it had let go;
    the line with it must then be frozen (6.8).
    """
    check_postings(node)
    if not was_restored:
        check_limits_of_members(node)
    for copy in node.copies:
        check_copy(copy)
        check_exposure(copy)
    check_connector(node, liars if was_restored else frozenset())
    check_payer(node)
    check_payee(node)


def check_postings(node: Snapshot) -> None:
    """I1: every posting and the whole ledger sum to zero per unit; balances are the sums of the postings."""
    balances: Counter[bytes] = Counter()
    for seq, _id, _time, _kind, wire, data, salt, _words, _words_salt in node.entries:
        book = open_book(trusted_message(Entry, wire).body, Payload(salt=salt, data=data))
        if not isinstance(book, Posted | Corrected):
            continue
        sums: Counter[str] = Counter()
        for leg in book.legs:
            sums[leg.unit] += leg.amount
            balances[leg.account] += leg.amount
        if any(sums.values()):
            raise Violated(f"I1 entry {seq} sums to {dict(sums)}")
    totals: Counter[str] = Counter()
    for held, _ in node.accounts:
        totals[held.value.unit] += held.value.balance
        if held.value.balance != balances[held.value.account_id]:
            raise Violated(
                f"I1 account {held.no} is at {held.value.balance}, its entries say {balances[held.value.account_id]}"
            )
    if any(totals.values()):
        raise Violated(f"I1 the ledger sums to {dict(totals)}")


def check_limits_of_members(node: Snapshot) -> None:
    """3.4: nobody has spent or set aside more than the credit limit allows. For limits that were never lowered."""
    for held, _ in node.accounts:
        value = held.value
        if value.limited and value.spendable < 0:
            raise Violated(f"3.4 account {held.no} has set aside {-value.spendable} more than it may spend")


def check_copy(copy: Copy) -> None:
    """I4, and that the stored balance and open locks are what the two chains say."""
    me = copy.line.state.me
    chains: list[Sequence[Op]] = [copy.mine, copy.theirs]
    if me:
        chains.reverse()
    for side, chain in enumerate(chains):
        ends = Counter(op.step.lock for op in chain if isinstance(op.step, Claim | Release))
        locks = {op.seq for op in chains[1 - side] if isinstance(op.step, Lock)}
        if twice := [lock for lock, count in ends.items() if count > 1]:
            raise Violated(f"I4 locks {twice} have two ends")
        if strange := ends.keys() - locks:
            raise Violated(f"I4 ends of no lock: {sorted(strange)}")
    epoch = copy.line.state.epoch
    steps = [[op.step for op in chain if op.epoch == epoch] for chain in chains]
    if fold(*steps, epoch).digest() != copy.line.state.mine.digest():
        raise Violated("I2 the stored state is not the fold of the stored chains")


def check_exposure(copy: Copy) -> None:
    """I3: debt + open locks ≤ the highest LIMIT granted, at every LOCK and CREDIT, by what its author could know."""
    epochs = sorted({op.epoch for op in copy.mine})
    sides = [(copy.mine, copy.theirs, copy.line.state.me), (copy.theirs, copy.mine, 1 - copy.line.state.me)]
    for (author, (mine, theirs, side)), epoch in product(enumerate(sides), epochs):
        chain = [op for op in mine if op.epoch == epoch]
        peer = [op for op in theirs if op.epoch == epoch]
        open_locks: dict[int, int] = {}
        owed = limit = seen = 0
        peer_locks: dict[int, int] = {}
        for op in chain:
            if isinstance(op.step, Reopen):  # from what was agreed, with what is open
                owed = -op.step.owed_by_low if side else op.step.owed_by_low
                for whose, seq, amount in LOCK_ROW.iter_unpack(op.step.locks):
                    (open_locks if whose == side else peer_locks)[seq] = amount
            for other in peer[
                seen : op.ack - before_epoch(epoch)
            ]:  # what the author acknowledges with this op
                step = other.step
                if isinstance(step, Limit):
                    limit = max(limit, step.owed_max)
                elif isinstance(step, Lock):
                    peer_locks[other.seq] = step.amount
                elif isinstance(step, Claim):
                    owed += open_locks.pop(step.lock)
                elif isinstance(step, Release):
                    open_locks.pop(step.lock)
                elif isinstance(step, Credit):
                    owed -= step.amount
            seen = max(seen, op.ack - before_epoch(epoch))
            step = op.step
            if isinstance(step, Claim):
                owed -= peer_locks.pop(step.lock)
            elif isinstance(step, Credit):
                owed += step.amount
            elif isinstance(step, Lock):
                open_locks[op.seq] = step.amount
            if isinstance(step, (Lock, Credit)):
                exposure = owed + sum(open_locks.values())
                # A CREDIT only lowers what the peer owes: it may leave its author owing nothing, never something.
                allowed = limit if isinstance(step, Lock) and step.mode == MODE_NORMAL else 0
                if exposure > allowed:
                    whose, what = "mine" if author == 0 else "the peer's", type(step).__name__.upper()
                    raise Violated(
                        f"I3 {whose} {what} {op.seq} brings debt and locks to {exposure} of {allowed}"
                    )


def _end_of(lock_seq: object, chain: Iterable[Op]) -> Claim | Release | None:
    ends = (op.step for op in chain if isinstance(op.step, Claim | Release) and op.step.lock == lock_seq)
    return next(ends, None)


def check_connector(node: Snapshot, liars: frozenset[SchemeId] = frozenset()) -> None:
    """I5: out claimed ⇒ in claimed (or decided so); in released ⇒ out never claimed. From the chains alone.

    One of `liars` may have claimed what it had let go, if the line with it is frozen since.
    """
    for up in node.copies:
        for lock_in in up.theirs:
            if not isinstance(lock_in.step, Lock) or not lock_in.step.route:
                continue
            inward = _end_of(lock_in.seq, up.mine)
            decided = node.decisions.get((up.line.no, lock_in.seq), b"undecided")
            outs = [
                (down, op)
                for down in node.copies
                for op in down.mine
                if isinstance(op.step, Lock) and op.step.quote_id == lock_in.step.quote_id
                if op.step.route == lock_in.step.route[1:]
            ]
            for down, lock_out in outs:
                outward = _end_of(lock_out.seq, down.theirs)
                released = isinstance(inward, Release) or decided is None
                hidden = isinstance(outward, Claim) and down.line.peer in liars
                if released and hidden and down.line.status == FROZEN:
                    continue
                if released and not isinstance(outward, Release):
                    raise Violated(f"I5 in lock {lock_in.seq} released while out lock {lock_out.seq} was not")
                undecided = decided in (b"undecided", None) and not isinstance(inward, Claim)
                if isinstance(outward, Claim) and undecided:
                    raise Violated(f"I5 out lock {lock_out.seq} claimed, in lock {lock_in.seq} is not")


def check_payer(node: Snapshot) -> None:
    """I6: payer debited ⇒ it holds the receipt, which verifies; not debited ⇒ no CLAIM came."""
    for no, quote_id, state, line_no, lock_seq, _, _, _, _, _, quote_wire, _, receipt, _, _ in node.payments:
        end = _end_of(lock_seq, node.copy(line_no).theirs)
        quote = trusted_message(Quote, quote_wire)
        if state == "paid":
            if not receipt or not receipt_opens(quote.body.receipt_key, quote_id, receipt):
                raise Violated(f"I6 payment {no} is paid without a receipt")
            if not isinstance(end, Claim):
                raise Violated(f"I6 payment {no} is paid, its lock is not claimed")
        elif isinstance(end, Claim):
            raise Violated(f"I6 payment {no} is {state}, its lock is claimed")
        if state == "failed" and not isinstance(end, Release):
            raise Violated(f"I6 payment {no} failed, its lock is not released")


def check_payee(node: Snapshot) -> None:
    """I6: a receipt exists ⇔ one lock of its quote is claimed and the member credited once; a quote is paid once."""
    claims: Counter[bytes] = Counter()
    for copy in node.copies:
        for op in copy.theirs:
            if (
                isinstance(op.step, Lock)
                and not op.step.route
                and isinstance(_end_of(op.seq, copy.mine), Claim)
            ):
                claims[op.step.quote_id] += 1
    credited = Counter(row[0] for row in node.trades if row[2] == "in")
    for quote_id, state, *_, trade_no, _acceptance, receipt, _line, _seq in node.promises:
        paid = (state == "paid", receipt is not None, claims[quote_id] == 1, credited[trade_no] == 1)
        if claims[quote_id] > 1:
            raise Violated("I6 a quote was paid twice")
        if any(paid) and not all(paid):
            raise Violated(f"I6 paid, receipt, claimed, credited: {paid}")
    for quote_id in claims:
        if quote_id not in {row[0] for row in node.promises}:
            raise Violated("I6 a lock was claimed for no quote of this scheme")


# --- one node or many, when nothing is under way ------------------------------------------------------------------


def check_rest(node: Snapshot) -> None:
    """I8 and I17."""
    check_nothing_left(node)
    check_all_ended(node)


def check_nothing_left(node: Snapshot) -> None:
    """I8: at rest no open lock, no hold but open deposits, nothing in transit; line accounts equal line balances."""
    for held, role in node.accounts:
        if held.value.held != node.deposits.get(held.no, 0):
            raise Violated(
                f"I8 account {held.no} still holds {held.value.held}, not {node.deposits.get(held.no, 0)}"
            )
        if role == "transit" and held.value.balance:
            raise Violated(f"I8 {held.value.balance} are in transit")
    for copy in node.copies:
        if copy.line.state.mine.locks():
            raise Violated(f"I8 open locks {list(copy.line.state.mine.locks())}")
    # What was written off is owed still, and booked as lost (6.6).
    stands = [copy.line.state.owed + copy.line.written_off for copy in node.copies]
    owed = sorted(each for each in stands if each)
    booked = sorted(h.value.balance for h, role in node.accounts if role == "line" and h.value.balance)
    if owed != booked:
        raise Violated(f"I8 the lines say {owed}, the books {booked}")
    if node.decisions:
        raise Violated("I8 a decision was never written")


def check_all_ended(node: Snapshot) -> None:
    """I17: with fair delivery every payment ends, for its payer and for each connector."""
    if unfinished := [row[2] for row in node.payments if row[2] not in ("paid", "failed")]:
        raise Violated(f"I17 payments {unfinished}")
    if unfinished := [row[2] for row in node.forwards if row[2] in ("wait", "forwarded")]:
        raise Violated(f"I17 forwarded locks {unfinished}")


KeyFor = Callable[[SchemeId, str, int], VerifyingKey | None]


def check_wires(tx: ReadTx, key_for: KeyFor, known: set[bytes] | None = None) -> None:
    """I11, I12: every op that was accepted is canonical, and signed by its author's line key. A query.

    `known` holds the wires that were found good already: both ends of a line store the same.
    """
    for (wire,) in tx.all(_OPS_AS_STORED):
        if known is not None:
            if wire in known:
                continue
            known.add(wire)
        body, key_seq, signature = unpackb(wire, raw=False, use_list=False)
        if encode((body, key_seq, signature), bytes_max=2 * OBJECT_BYTES_MAX) != wire:
            raise Violated("I11 an op is stored that is not canonical")
        op = decode_message(Op, body)
        key = key_for(op.author, "line", key_seq)
        if key is None or not key.verifies(signature, signed_bytes(Op.TAG, body)):
            raise Violated("I12 an op is stored that its author did not sign")


def _whole_chains(nodes: Sequence[Snapshot]) -> dict[tuple[LineId, SchemeId], list[tuple[Op, ...]]]:
    """Return the copies of each chain, by line and author."""
    chains: dict[tuple[LineId, SchemeId], list[tuple[Op, ...]]] = defaultdict(list)
    for node in nodes:
        for copy in node.copies:
            chains[copy.id, node.scheme].append(copy.mine)
            chains[copy.id, copy.line.peer].append(copy.theirs)
    return chains


def check_no_forks(nodes: Sequence[Snapshot]) -> None:
    """I15: whatever was restored, nobody holds two ops at one place of a chain."""
    for copies in _whole_chains(nodes).values():
        for ops in zip(*copies, strict=False):
            if any(op != ops[0] for op in ops):
                raise Violated(f"I15 two ops at seq {ops[0].seq} of one chain")


def check_locked_once(nodes: Sequence[Snapshot]) -> None:
    """I6: a payer has at most one lock for a quote that was not RELEASEd, wherever the ops are held."""
    chains = {key: max(copies, key=len) for key, copies in _whole_chains(nodes).items()}
    standing: Counter[tuple[SchemeId, bytes]] = Counter()
    for author in {author for _, author in chains}:
        lines = [line for line, each in chains if each == author]
        peers = {
            line: next(ops for (each, other), ops in chains.items() if each == line and other != author)
            for line in lines
        }
        passed_on = {op.step.quote_id for ops in peers.values() for op in ops if isinstance(op.step, Lock)}
        for line in lines:
            for op in chains[line, author]:
                if isinstance(op.step, Lock) and op.step.quote_id not in passed_on:
                    released = isinstance(_end_of(op.seq, peers[line]), Release)
                    standing[author, op.step.quote_id] += not released
    if any(count > 1 for count in standing.values()):
        raise Violated("I6 a payer locked one quote twice")


def check_same_copies(nodes: Sequence[Snapshot]) -> None:
    """I2: equal lengths ⇒ equal state hash, on both ends of every line; at rest the lengths are equal."""
    copies: dict[LineId, list[Copy]] = defaultdict(list)
    for node in nodes:
        for copy in node.copies:
            if copy.line.status in LIVE and copy.mine and copy.theirs:
                copies[copy.id].append(copy)
    for ends in copies.values():
        if len(ends) != 2:
            raise Violated("I2 a line is open at one end only")
        one, other = ends
        if (len(one.mine), len(one.theirs)) != (len(other.theirs), len(other.mine)):
            raise Violated("I2 the two ends hold chains of different lengths")
        if one.line.state.mine.digest() != other.line.state.mine.digest():
            raise Violated("I2 the two ends of a line differ")


def check_conserved(nodes: Sequence[Snapshot], minor_per_hour: dict[SchemeId, int]) -> None:
    """I9: Σ member balances over all schemes, in hours, is zero up to one minor unit a trade, all in `exchange`."""
    total = allowed = 0.0
    for node in nodes:
        rate = minor_per_hour[node.scheme]
        # The chest stands in for whoever a restored database does not know (6.7 b), and for members who were freed (7.2).
        members = sum(
            h.value.balance
            for h, role in node.accounts
            if h.value.kind is not AccountKind.SYSTEM or (role == "chest" and h.value.unit == LOCAL)
        )
        exchange = sum(
            h.value.balance for h, role in node.accounts if role == "exchange" and h.value.unit == LOCAL
        )
        if members + exchange:
            raise Violated(f"I9 {members} at members and in the chest, {exchange} in exchange")
        total += members * HOUR / rate
        allowed += sum(HOUR / rate + 1 for row in node.payments if row[2] == "paid")
    if not -allowed <= total <= 1e-6:
        raise Violated(f"I9 members together stand at {total / HOUR} hours, allowed {-allowed / HOUR}")
    hours = sum(h.value.balance for node in nodes for h, role in node.accounts if role == "line")
    hours -= sum(copy.line.written_off for node in nodes for copy in node.copies)
    if hours:
        raise Violated(f"I9 the lines of all schemes sum to {hours}")


def check_paid_once(nodes: Sequence[Snapshot]) -> None:
    """I6 across nodes, at rest: the payer is debited exactly where the payee was credited."""
    paid = Counter(row[1] for node in nodes for row in node.payments if row[2] == "paid")
    credited = Counter(row[0] for node in nodes for row in node.promises if row[1] == "paid")
    if paid != credited:
        raise Violated(f"I6 {len(paid)} quotes paid, {len(credited)} credited")


def check_town_at_rest(nodes: Sequence[Snapshot], minor_per_hour: dict[SchemeId, int]) -> None:
    """Everything above."""
    check_no_forks(nodes)
    for node in nodes:
        check_node(node)
        check_rest(node)
    check_same_copies(nodes)
    check_paid_once(nodes)
    check_conserved(nodes, minor_per_hour)
