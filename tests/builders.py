"""Domain shorthand for tests: schemes with their keys, a line between two of them, quotes. Nothing is by chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from crypto.keys import SigningKey, VerifyingKey
from crypto.signing import Signed
from protocol.line import LineState, accept, author, authored, new_line
from protocol.line_ops import MODE_NORMAL, ZERO32, Claim, Limit, Lock, Mark, Op, Open, Step, Terms
from protocol.line_view import LOW, Side, View, apply, other
from protocol.message import open_message, sign_message
from protocol.names import Handle, QuoteId, SchemeId
from protocol.quote import (
    Acceptance,
    Quote,
    QuoteRequest,
    make_quote,
    make_receipt,
    quote_id_of,
)
from protocol.reopening import answer, begin, offer
from protocol.units import HOUR, Rate
from tests.vector_making import filler, key

NOW: Final = 1_767_225_600_000  # 1 January 2026, 0:00 UTC
KEY_SEQ: Final = 1
MINUTES: Final = Rate(minor_per_hour=60)


@dataclass(frozen=True)
class Scheme:
    """A scheme as far as lines and payments know it."""

    name: str

    @property
    def id(self) -> SchemeId:
        return SchemeId(filler(self.name))

    @property
    def line_key(self) -> SigningKey:
        return key(f"{self.name} line")

    @property
    def receipt_key(self) -> SigningKey:
        return key(f"{self.name} receipt")


OAKVALE, HILLTOP, RIVERSIDE, MOORSIDE = map(Scheme, ("oakvale", "hilltop", "riverside", "moorside"))
SCHEMES: Final = {scheme.id: scheme for scheme in (OAKVALE, HILLTOP, RIVERSIDE, MOORSIDE)}


def line_key_of(op: Op, key_seq: int) -> VerifyingKey | None:
    """Return the line key that counts for an op, as a node knows its neighbours' keys."""
    return SCHEMES[op.author].line_key.public if op.author in SCHEMES and key_seq == KEY_SEQ else None


def open_op(wire: bytes) -> Signed[Op]:
    """Return an op as a node reads it from the wire."""
    return open_message(Op, wire, line_key_of)


# --- Lines ---------------------------------------------------------------------------------------------------


@dataclass
class Copy:
    """One side's copy of a line, with both chains as its store keeps them."""

    scheme: Scheme
    peer: Scheme
    state: LineState
    own: list[Signed[Op]] = field(default_factory=list)
    seen: list[Signed[Op]] = field(default_factory=list)

    def does(self, step: Step, time: int = NOW) -> Signed[Op]:
        """Author, sign and keep my next op."""
        op, state = author(self.state, step, time)
        signed = sign_message(op, self.scheme.line_key, KEY_SEQ)
        self.state = authored(state, signed)
        self.own.append(signed)
        return signed

    def gets(self, op: Signed[Op]) -> None:
        """Take an op of the peer's, from the wire."""
        seq = op.body.seq
        known = next((each for each in self.seen if each.body.seq == seq), None)
        before = self.state.peer_length
        self.state = accept(self.state, open_op(op.wire), self.own_op, known)
        if self.state.peer_length > before:
            self.seen.append(op)

    def own_op(self, seq: int) -> Signed[Op]:
        return next(op for op in self.own if op.body.seq == seq)

    def forges(self, step: Step, **changes: Any) -> Signed[Op]:
        """Sign an op that may be against the rules: everything fits but what the rules say, and `changes`."""
        seq = changes.get("seq", self.state.own_length + 1)
        try:
            after = apply(self.state.mine, self.state.me, seq, step).digest()
        except KeyError:  # an end without a lock has no state after it
            after = ZERO32
        fields = {
            "line": self.state.line,
            "author": self.scheme.id,
            "epoch": self.state.epoch,
            "seq": seq,
            "prev": self.state.own_id,
            "ack": self.state.peer_length,
            "ack_id": self.state.peer_id,
            "time": NOW,
            "state": after,
            "step": step,
        }
        return sign_message(Op(**{**fields, **changes}), self.scheme.line_key, KEY_SEQ)


@dataclass
class Line:
    """Both copies of a line, in one test."""

    low: Copy
    high: Copy

    def of(self, scheme: Scheme) -> Copy:
        return self.low if self.low.scheme == scheme else self.high

    def tell(self) -> None:
        """Deliver everything, both ways."""
        for mine, theirs in ((self.low, self.high), (self.high, self.low)):
            for op in [each for each in mine.own if each.body.seq > theirs.state.peer_length]:
                theirs.gets(op)

    def says(self, side: Side, step: Step) -> Signed[Op]:
        """One side does a step and the other hears of it, and of all before it."""
        op = (self.low if side == LOW else self.high).does(step)
        self.tell()
        return op

    def reopens(self, owed_by_low: int, epoch: int | None = None) -> None:
        """Both sign how the line goes on, and hear of it."""
        low, high = self.low, self.high
        body = offer(low.state, epoch or low.state.epoch + 1, owed_by_low, NOW)
        offered = sign_message(body, low.scheme.line_key, KEY_SEQ)
        body, state = answer(high.state, open_op(offered.wire), NOW)
        answered = sign_message(body, high.scheme.line_key, KEY_SEQ)
        high.state = authored(state, answered)
        low.state = begin(low.state, offered, open_op(answered.wire))
        for copy, own, seen in ((low, offered, answered), (high, answered, offered)):
            copy.own.append(own)
            copy.seen.append(seen)

    @property
    def view(self) -> View:
        """What both see; they must have been told everything."""
        assert self.low.state.mine.digest() == self.high.state.mine.digest()
        return self.low.state.mine


def terms_between(a: Scheme, b: Scheme) -> Terms:
    """Return the terms of the line between two schemes."""
    low, high = sorted((a.id, b.id))
    return Terms(low=low, high=high, nonce=filler(f"line {a.name} {b.name}", 16))


def open_step(terms: Terms) -> Open:
    """Return the OPEN over `terms`."""
    return Open(low=terms.low, high=terms.high, nonce=terms.nonce)


def new_pair(a: Scheme = OAKVALE, b: Scheme = HILLTOP) -> Line:
    """Return a line on which nobody has said anything yet."""
    terms = terms_between(a, b)
    low, high = sorted((a, b), key=lambda scheme: scheme.id)
    return Line(Copy(low, high, new_line(terms, low.id)), Copy(high, low, new_line(terms, high.id)))


def open_line(
    a: Scheme = OAKVALE, b: Scheme = HILLTOP, limit: int | Limit | None = 100 * HOUR, owed_by_low: int = 0
) -> Line:
    """Return an open line on which each may owe the other `limit`, after the low side came to owe `owed_by_low`."""
    line = new_pair(a, b)
    step = open_step(terms_between(a, b))
    for side in (LOW, other(LOW)):
        line.says(side, step)
    if owed_by_low:
        debtor = LOW if owed_by_low > 0 else other(LOW)
        line.says(other(debtor), limits(10**12))
        paid(line, debtor, abs(owed_by_low))
        line.says(other(debtor), limits(0))
    if limit is not None:
        for side in (LOW, other(LOW)):
            line.says(side, limit if isinstance(limit, Limit) else limits(limit))
    return line


def paid(line: Line, debtor: Side, amount: int) -> None:
    """Let `debtor` come to owe `amount` more."""
    op = line.says(debtor, lock(amount, quote=f"paid {amount}"))
    line.says(other(debtor), claim(op))


def limits(owed_max: int, pending_max: int | None = None, open_max: int = 100) -> Limit:
    """Return a LIMIT; as much may be pending as owed, unless said otherwise."""
    return Limit(
        owed_max=owed_max, pending_max=owed_max if pending_max is None else pending_max, open_max=open_max
    )


def lock(amount: int = HOUR, *, quote: str = "jam", mode: str = MODE_NORMAL, **changes: Any) -> Lock:
    """Return a LOCK for a quote of Riverside's."""
    plain = Lock(
        quote_id=QuoteId(filler(f"quote {quote}")),
        part=1,
        parts=1,
        amount=amount,
        receipt_key=RIVERSIDE.receipt_key.public.raw,
        mode=mode,
        deadline=NOW + 600_000,
        route=(),
        note=b"",
        memo=b"",
    )
    return replace(plain, **changes)


def claim(op: Signed[Op], signer: SigningKey | None = None) -> Claim:
    """Return the CLAIM that ends the lock `op` made by `lock`, with its receipt."""
    assert isinstance(op.body.step, Lock)
    return Claim(
        lock=op.body.seq,
        receipt=make_receipt(op.body.step.quote_id, signer or RIVERSIDE.receipt_key),
        memo=b"",
    )


def mark(copy: Copy) -> Mark:
    """Return the MARK that a side may make now."""
    state = copy.state
    return Mark(
        owed=state.owed,
        own_length=state.own_length,
        peer_length=state.peer_length,
        state=state.mine.digest(),
    )


# --- Quotes --------------------------------------------------------------------------------------------------


def request(amount: int = 60, **changes: Any) -> QuoteRequest:
    """Return what Ana of Oakvale asks Riverside a price for: Karim's jam."""
    plain = QuoteRequest(
        listing=None,
        payee_handle=Handle(filler("karim", 16)),
        payer_handle=Handle(filler("ana", 16)),
        payer_name="Ana",
        amount=amount,
        price_seen=None,
        text="jam",
    )
    return replace(plain, **changes)


def quote(
    asked: QuoteRequest | None = None,
    *,
    payer: Scheme = OAKVALE,
    payee: Scheme = RIVERSIDE,
    rate: Rate = MINUTES,
    now_ms: int = NOW,
    change: Callable[[Quote], Quote] = lambda plain: plain,
) -> Signed[Quote]:
    """Return the payee's signed answer to a request."""
    plain = make_quote(
        asked or request(),
        payee_scheme=payee.id,
        payer_scheme=payer.id,
        nonce=filler("ask", 16),
        payee_handle=Handle(filler("karim", 16)),
        unit="hours",
        rate=rate,
        receipt_key=payee.receipt_key.public.raw,
        now_ms=now_ms,
    )
    return sign_message(change(plain), payee.line_key, KEY_SEQ)


def lock_for(promised: Signed[Quote], **changes: Any) -> Lock:
    """Return the LOCK that pays a quote."""
    plain = lock(
        promised.body.hours,
        quote_id=quote_id_of(promised),
        receipt_key=promised.body.receipt_key,
        deadline=promised.body.valid_until,
    )
    return replace(plain, **changes)


def acceptance(promised: Signed[Quote], payer: Scheme = OAKVALE) -> Signed[Acceptance]:
    """Return the payer scheme's signature under a quote."""
    body = Acceptance(
        quote_id=quote_id_of(promised), payer_scheme=payer.id, payer_handle=Handle(filler("ana", 16))
    )
    return sign_message(body, payer.line_key, KEY_SEQ)
