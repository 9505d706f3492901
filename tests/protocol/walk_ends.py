"""Ends of real lines for the walk of `payment_walk.py`: real folds, real signed ops, and what a liar can send one.

An `End` is what one honest node holds of one line. Equal ends are one object, so that towns made of them are compared
and hashed by identity, and what `protocol/line.py` answers about an end is asked of it once.

An end whose peer is a liar is known by the steps it wrote and took and by how much the peer acknowledged, not by ids: all
that `line.accept` looks at in an id is whether the next op names it, and a liar, who knows everything, can name it or
not. So two ends that differ in ids alone (the liar acknowledged sooner or later, an op of ours did) can do and suffer the
same. Between two honest ends ids count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from crypto.signing import Signed
from protocol import line as rules
from protocol.errors import Forked, InvalidOp
from protocol.line import LineState, Side
from protocol.line_ops import ZERO32, Claim, Limit, Lock, Op, Release, Step
from protocol.message import sign_message
from protocol.names import QuoteId
from protocol.quote import make_receipt
from protocol.units import HOUR
from tests.builders import (
    HILLTOP,
    KEY_SEQ,
    MOORSIDE,
    NOW,
    OAKVALE,
    RIVERSIDE,
    SCHEMES,
    acceptance,
    limits,
    lock_for,
    new_pair,
    open_step,
    quote,
    terms_between,
)

NODES: Final = (
    OAKVALE,
    HILLTOP,
    MOORSIDE,
    RIVERSIDE,
)  # payer, two connectors, payee; line i is from i to i + 1
PAYER_AT, PAYEE_AT, LAST_LINE = 0, 3, 2
QUOTE: Final = quote()
ACCEPTANCE: Final = acceptance(QUOTE)
PRICE: Final = QUOTE.body.hours
LIMIT: Final = PRICE + PRICE // 2  # room for the payment and half of another
AMOUNTS: Final = (
    PRICE,
    PRICE // 2,
    LIMIT + HOUR,
)  # of a liar's locks: good, not what was quoted, over the limit
RECEIPT: Final = make_receipt(QuoteId(QUOTE.id), RIVERSIDE.receipt_key)
FORGED: Final = make_receipt(QuoteId(QUOTE.id), HILLTOP.receipt_key)
OPENING: Final = 2  # ops of each side before the walk begins: OPEN and LIMIT
NOTHING_MORE: Final = limits(0)


@dataclass(frozen=True, eq=False, slots=True)
class End:
    """One honest node's end of a line."""

    line: int
    debtor: bool  # whether its node is the one that locks on it
    lied_to: bool  # whether the peer is a liar
    state: LineState
    own: tuple[Signed[Op], ...]
    seen: tuple[Signed[Op], ...]
    synced: bool = True  # a SYNC answered this boot (6.7 a)
    announced: int = 0  # the least length an honest peer's answer to this boot names
    stopped: bool = False  # the peer broke a rule: nothing of it is taken, and nothing is written (0.5, 6.5)

    @property
    def usable(self) -> bool:
        """Whether it may be written on. Source: 6.7 (c)."""
        return self.synced and not self.stopped

    @property
    def room(self) -> int:
        """The most that may be locked on it."""
        return rules.room(self.state.mine, self.state.me) if self.usable else 0

    def lock_at(self, seq: int) -> Lock:
        """Return the peer's lock at `seq`."""
        step = self.seen[seq - 1].body.step
        assert isinstance(step, Lock)
        return step

    def is_open(self, seq: int) -> bool:
        """Whether the lock at `seq`, of whoever locks on this line, is open in what this end holds."""
        me = self.state.me
        return (me if self.debtor else rules.other(me), seq) in self.state.mine.locks()

    def own_op(self, seq: int) -> Signed[Op]:
        return self.own[seq - 1]

    def key(self) -> tuple[object, ...]:
        """Return what tells it from others: see the head of this file."""
        place = (self.line, self.debtor, self.synced, self.announced, self.stopped)
        if not self.lied_to:
            return (*place, self.state.own_id, self.state.peer_id)
        return (*place, steps(self.own), steps(self.seen), self.state.peer_ack)


def steps(ops: tuple[Signed[Op], ...]) -> tuple[Step, ...]:
    return tuple(op.body.step for op in ops[OPENING:])


def the_lock(line: int) -> Lock:
    """Return the LOCK on `line` that pays the quote."""
    return lock_for(QUOTE, route=tuple(scheme.id for scheme in NODES[line + 2 :]))


class Ends:
    """The ends met on one walk, and what was answered about them."""

    def __init__(self) -> None:
        self._known: Final[dict[tuple[object, ...], End]] = {}
        self._written: Final[dict[tuple[End, Step], End]] = {}
        self._taken: Final[dict[tuple[End, bytes], End]] = {}
        self._began: Final[
            dict[tuple[End, bool, int], End]
        ] = {}  # without an answer to this boot, or with one
        self._wrong: Final[dict[End, str | None]] = {}
        self._lies: Final[dict[tuple[End, bool, int], tuple[Signed[Op], ...]]] = {}

    def one(self, end: End) -> End:
        """Return the one object for all ends equal to this."""
        return self._known.setdefault(end.key(), end)

    def opened(
        self, line: int, *, debtor_lies: bool, beneficiary_lies: bool
    ) -> tuple[End | None, End | None]:
        """Return both ends of an open line; None for a liar's."""
        debtor, beneficiary = NODES[line], NODES[line + 1]
        pair = new_pair(debtor, beneficiary)
        for scheme in (debtor, beneficiary):
            pair.of(scheme).does(open_step(terms_between(debtor, beneficiary)))
            pair.tell()
        pair.of(debtor).does(NOTHING_MORE)
        pair.of(beneficiary).does(limits(LIMIT))
        pair.tell()
        ends: list[End | None] = []
        for scheme, lies, other_lies in (
            (debtor, debtor_lies, beneficiary_lies),
            (beneficiary, beneficiary_lies, debtor_lies),
        ):
            copy = pair.of(scheme)
            end = End(line, scheme is debtor, other_lies, copy.state, tuple(copy.own), tuple(copy.seen))
            ends.append(None if lies else self.one(end))
        return ends[0], ends[1]

    def write(self, end: End, step: Step) -> End:
        """Return the end after its node wrote `step`."""
        known = self._written.get((end, step))
        if known is None:
            assert end.usable, "6.7 (c): author nothing on a line that is not usable"
            body, state = rules.author(end.state, step, NOW)
            op = sign(body)
            known = self.one(replace(end, state=rules.authored(state, op), own=(*end.own, op)))
            self._written[end, step] = known
        return known

    def take(self, end: End, op: Signed[Op]) -> End:
        """Return the end after the peer's op arrived: stopped, if that broke a rule."""
        known = self._taken.get((end, op.id))
        if known is None:
            at = op.body.seq - 1
            held = end.seen[at] if at < len(end.seen) else None
            try:
                state = rules.accept(end.state, op, end.own_op, held)
            except (InvalidOp, Forked):
                assert end.lied_to, "an honest node's op was refused"
                known = self.one(replace(end, stopped=True))
            else:
                assert held is None, "an op was taken twice"
                known = self.one(replace(end, state=state, seen=(*end.seen, op)))
            self._taken[end, op.id] = known
        return known

    def boots(self, end: End, peer: End | None) -> End:
        """Return the end after its node started again."""
        return self._begun(end, synced=False, announced=0 if peer is None else len(peer.own))

    def answered(self, end: End) -> End:
        """Return the end after a SYNC answer that makes it usable."""
        return self._begun(end, synced=True, announced=0)

    def _begun(self, end: End, *, synced: bool, announced: int) -> End:
        known = self._began.get((end, synced, announced))
        if known is None:
            known = self.one(replace(end, synced=synced, announced=announced))
            self._began[end, synced, announced] = known
        return known

    def wrong(self, end: End, look: Callable[[End], str | None]) -> str | None:
        """Return what `look` says of an end."""
        if end not in self._wrong:
            self._wrong[end] = look(end)
        return self._wrong[end]

    # --- what a liar can send -------------------------------------------------------------------------------------

    def lies(self, end: End, *, receipt: bool, locks: int) -> tuple[Signed[Op], ...]:
        """Return every op a liar may send to this end next; `receipt`: it exists. `locks`: the most it tries."""
        known = self._lies.get((end, receipt, locks))
        if known is None:
            wanted = list(self._lies_of(end, receipt, locks))
            ops = [
                forged(end, step, ack)
                for step in wanted
                for ack in range(end.state.peer_ack, end.state.own_length + 1)
            ]
            if len(end.seen) > OPENING:  # another op at a place it has filled
                last = end.seen[-1].body
                ops.append(sign(replace(last, time=last.time + 1)))
            ops.append(sign(replace(forged(end, NOTHING_MORE, end.state.own_length).body, state=ZERO32)))
            known = self._lies[end, receipt, locks] = tuple(ops)
        return known

    def _lies_of(self, end: End, receipt: bool, locks: int) -> Iterator[Step]:
        tried = sum(isinstance(step, Lock) for step in steps(end.seen))
        if not end.debtor:
            if tried < locks:
                for amount in AMOUNTS:
                    yield replace(the_lock(end.line), amount=amount)
            return
        for op in end.own[OPENING:]:
            if isinstance(op.body.step, Lock):
                seq = op.body.seq
                yield Release(lock=seq, reason="gone")
                yield Claim(lock=seq, receipt=FORGED, memo=b"")
                if receipt:
                    yield Claim(lock=seq, receipt=RECEIPT, memo=b"")
        if not any(isinstance(step, Limit) for step in steps(end.seen)):
            yield NOTHING_MORE
        yield replace(the_lock(end.line), amount=1)  # the other way round, where there is no room at all


def sign(op: Op) -> Signed[Op]:
    return sign_message(op, SCHEMES[op.author].line_key, KEY_SEQ)


def forged(end: End, step: Step, ack: int) -> Signed[Op]:
    """Return the op that says `step` to this end, fitting in everything but what the rules forbid."""
    state = end.state
    peer, seq, view = rules.other(state.me), state.peer_length + 1, state.theirs
    for own in end.own[state.peer_ack : ack]:
        view = rules.apply(view, state.me, own.body.seq, own.body.step)
    return sign(
        Op(
            line=state.line, author=state.peer, epoch=state.epoch, seq=seq, prev=state.peer_id, ack=ack,
            ack_id=end.own_op(ack).id, time=NOW, state=_digest(view, peer, seq, step), step=step,
        )
    )  # fmt: skip


def _digest(view: rules.View, author: Side, seq: int, step: Step) -> bytes:
    try:
        return rules.apply(view, author, seq, step).digest()
    except KeyError:  # an end without an open lock has no state after it
        return ZERO32
