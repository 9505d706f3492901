"""Two exports of one line: every way in which they can differ, and whose signature settles it. Rules 6.2, 6.3, 6.5, 10."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from crypto.signing import Signed
from node.clock import SeededChance
from node.keyring import KeyRing
from protocol.errors import InvalidValue
from protocol.line import LineState, author, authored, new_line
from protocol.line_ops import ZERO32, Limit, Lock, Op, Open, Release, Step, Terms
from protocol.line_view import apply, other
from protocol.names import SchemeId
from protocol.statement import Statement, WhatDiffers, compare
from tests.builders import NOW, lock
from tests.small_town import make_keyring

KEYRINGS = [make_keyring(SeededChance(name), NOW) for name in ("one", "two", "three")]
A, B = sorted(KEYRINGS[:2], key=lambda each: each.scheme)
C = KEYRINGS[2]
TERMS = Terms(low=A.scheme, high=B.scheme, nonce=bytes(16))
OPEN = Open(low=TERMS.low, high=TERMS.high, nonce=TERMS.nonce)
LIMIT = Limit(owed_max=100, pending_max=100, open_max=10)


class Pair:
    """Both chains of the line, said in turns and heard at once."""

    def __init__(self) -> None:
        self.states = {each.scheme: new_line(TERMS, each.scheme) for each in (A, B)}
        self.chains: dict[SchemeId, list[Signed[Op]]] = {A.scheme: [], B.scheme: []}
        for keyring in (A, B):
            self.says(keyring, OPEN)
            self.says(keyring, LIMIT)

    def says(self, keyring: KeyRing, step: Step) -> Signed[Op]:
        op, state = author(self.states[keyring.scheme], step, NOW + sum(map(len, self.chains.values())))
        signed = keyring.sign("line", op)
        self.states[keyring.scheme] = authored(state, signed)
        self.chains[keyring.scheme].append(signed)
        peer = next(scheme for scheme in self.states if scheme != keyring.scheme)
        self.states[peer] = self._heard(self.states[peer], signed)
        return signed

    @staticmethod
    def _heard(state: LineState, op: Signed[Op]) -> LineState:
        seq = op.body.seq
        mine = apply(state.mine, other(state.me), seq, op.body.step)
        return state._replace(mine=mine, peer_length=seq, peer_id=op.id)


def statement(pair: Pair, by: KeyRing, **changes: object) -> Statement:
    plain = Statement(
        terms=TERMS,
        epoch=0,
        by=by.scheme,
        identities={each.scheme: each.log for each in (A, B)},
        chains={scheme: [op.wire for op in ops] for scheme, ops in pair.chains.items()},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # a test names fields that exist


def with_chain(
    of: Statement, author: SchemeId, change: Callable[[list[bytes]], Sequence[bytes]]
) -> Statement:
    return replace(of, chains={**of.chains, author: change(list(of.chains[author]))})


@pytest.fixture
def pair() -> Pair:
    made = Pair()
    op = made.says(A, lock(30))
    made.says(B, Release(lock=op.body.seq, reason="gone"))
    made.says(A, lock(20, quote="eggs"))
    return made


def forged(pair: Pair, keyring: KeyRing, seq: int, step: Step) -> bytes:
    """Another op at a place of a chain, well signed by `keyring`."""
    body = replace(pair.chains[A.scheme][seq - 1].body, step=step, state=ZERO32)
    return keyring.sign("line", body).wire


def test_equal_files_agree_and_say_who_owes_what(pair: Pair) -> None:
    found = compare(statement(pair, A), statement(pair, B))
    assert found.differences == ()
    assert found.view is not None
    assert found.view.digest() == pair.states[A.scheme].mine.digest()
    assert found.lengths == {A.scheme: 4, B.scheme: 3}


def altered(wire: bytes) -> bytes:
    return wire[:-1] + bytes([wire[-1] ^ 1])


@pytest.mark.parametrize(
    "ours, theirs, seq, what",
    [
        # the end is missing in one: its author signed it
        (lambda ops: ops[:-1], lambda ops: ops, 4, WhatDiffers.MISSING_IN_OURS),
        (lambda ops: ops, lambda ops: ops[:2], 3, WhatDiffers.MISSING_IN_THEIRS),
        (lambda ops: ops, lambda ops: [], 1, WhatDiffers.MISSING_IN_THEIRS),
        # a copy was changed after it was signed, in the middle or at the end
        (lambda ops: ops, lambda ops: [*ops[:2], altered(ops[2]), *ops[3:]], 3, WhatDiffers.ALTERED_IN_THEIRS),
        (lambda ops: [altered(ops[0]), *ops[1:]], lambda ops: ops, 1, WhatDiffers.ALTERED_IN_OURS),
        (lambda ops: [*ops[:2], b"", *ops[3:]], lambda ops: ops, 3, WhatDiffers.ALTERED_IN_OURS),
        # an op of the same author, from another place
        (lambda ops: ops, lambda ops: [ops[0], ops[2], *ops[2:]], 2, WhatDiffers.ALTERED_IN_THEIRS),
        # nobody has it as it was signed
        (lambda ops: [altered(ops[0])], lambda ops: [b"x", *ops[1:]], 1, WhatDiffers.UNSIGNED),
        (lambda ops: [*ops, b"x"], lambda ops: ops, 5, WhatDiffers.UNSIGNED),
    ],
)  # fmt: skip
def test_the_first_differing_op_is_found_and_its_authors_signature_settles_it(
    pair: Pair, ours: Callable[..., object], theirs: Callable[..., object], seq: int, what: WhatDiffers
) -> None:
    found = compare(
        with_chain(statement(pair, A), A.scheme, ours),  # type: ignore[arg-type]  # lambdas of lists
        with_chain(statement(pair, B), A.scheme, theirs),  # type: ignore[arg-type]  # see above
    )
    (difference,) = found.differences
    assert (difference.author, difference.seq, difference.what) == (A.scheme, seq, what)
    assert found.view is None
    if what is WhatDiffers.UNSIGNED:
        assert difference.good is None
    else:
        good = difference.good
        assert good is not None
        assert good.id == pair.chains[A.scheme][seq - 1].id


def test_two_signed_ops_at_one_place_are_settled_by_nobody(pair: Pair) -> None:
    """Rules 6.5, 10: their author contradicted itself, and the two files prove it."""
    second = forged(pair, A, 3, lock(31))
    theirs = with_chain(statement(pair, B), A.scheme, lambda ops: [*ops[:2], second, *ops[3:]])
    (difference,) = compare(statement(pair, A), theirs).differences
    assert (difference.what, difference.good, difference.seq) == (WhatDiffers.TWO_OPS, None, 3)
    assert difference.ours is not None
    assert isinstance(difference.ours.body.step, Lock)


def test_an_op_signed_by_somebody_else_counts_for_nothing(pair: Pair) -> None:
    """I12: neither the peer nor a third scheme can write into a chain, nor an older key's number help."""
    for signer in (B, C):
        forgery = forged(pair, signer, 3, lock(31))
        theirs = with_chain(
            statement(pair, B), A.scheme, lambda ops, wire=forgery: [*ops[:2], wire, *ops[3:]]
        )  # type: ignore[misc]  # bound now
        (difference,) = compare(statement(pair, A), theirs).differences
        assert (difference.what, difference.seq) == (WhatDiffers.ALTERED_IN_THEIRS, 3)


def test_each_chain_has_its_own_first_difference_and_the_earlier_comes_first(pair: Pair) -> None:
    theirs = with_chain(statement(pair, B), A.scheme, lambda ops: ops[:3])
    theirs = with_chain(theirs, B.scheme, lambda ops: ops[:1])
    first, second = compare(statement(pair, A), theirs).differences
    assert (first.author, first.seq) == (B.scheme, 2)
    assert (second.author, second.seq) == (A.scheme, 4)


def test_what_is_no_statement_of_this_line_is_not_compared(pair: Pair) -> None:
    ours = statement(pair, A)
    for theirs in (
        statement(pair, B, epoch=1),
        statement(pair, B, terms=replace(TERMS, nonce=b"2" * 16)),
        statement(pair, B, identities={A.scheme: C.log, B.scheme: B.log}),
        statement(pair, B, identities={A.scheme: (b"x",), B.scheme: B.log}),
    ):
        with pytest.raises(InvalidValue):
            compare(ours, theirs)
    without = {A.scheme: (), B.scheme: B.log}
    with pytest.raises(InvalidValue, match="whose keys"):
        compare(statement(pair, A, identities=without), statement(pair, B, identities=without))
    assert compare(ours, statement(pair, B, identities=without)).differences == (), "one of both is enough"


def test_signed_chains_that_break_a_rule_make_no_line(pair: Pair) -> None:
    """I4: both hold the same, and a lock is ended that never was."""
    wrong = forged(pair, A, 4, Release(lock=99, reason="gone"))
    files = [with_chain(statement(pair, by), A.scheme, lambda ops: [*ops[:3], wrong]) for by in (A, B)]
    found = compare(*files)
    assert (found.differences, found.view) == ((), None)
