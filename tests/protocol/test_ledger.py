"""Accounts, postings, holds and limits. Source: docs/protocol.md 3.2–3.5, I1."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocol.errors import InvalidValue, OutOfOrder
from protocol.ledger import (
    HOURS,
    LOCAL,
    Account,
    AccountKind,
    Leg,
    Posting,
    Refusal,
    SystemRole,
    Warned,
    _check_known,
    _check_limits,
    check,
    close,
    correction_of,
    drop_hold,
    hold,
    imbalance,
    move_hold,
    post,
    post_hold,
    system_account_id,
    transfer,
    warning,
)
from protocol.limits import AMOUNT_MAX, POSTING_LEGS_MAX
from protocol.names import AccountId, SchemeId

OAKVALE, RIVERSIDE = SchemeId(b"o" * 32), SchemeId(b"r" * 32)


def key(name: str) -> AccountId:
    return AccountId(name.encode().ljust(16, b"."))


def account(name: str, **given: object) -> Account:
    return Account(account_id=key(name), **({"kind": AccountKind.MEMBER} | given))  # type: ignore[arg-type]


def books(*accounts: Account) -> dict[AccountId, Account]:
    return {each.account_id: each for each in accounts}


def pays(payer: str, payee: str, amount: int) -> Posting:
    return transfer(key(payer), key(payee), amount)


def leg(name: str, amount: int, unit: str = LOCAL) -> Leg:
    return Leg(account=key(name), unit=unit, amount=amount)


# --- 3.2 Postings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "legs",
    [
        (),
        (("ana", 5),),
        (("ana", -5), ("ben", 4)),
        (("ana", 5), ("ben", 5)),
        (("ana", -5), ("ana", 5)),  # one account twice
        (("ana", -5, LOCAL), ("ben", 5, HOURS)),  # zero over both units, not in each
        (("ana", -5, LOCAL), ("x", 5, LOCAL), ("y", -7, HOURS), ("z", 8, HOURS)),
    ],
)
def test_i1_a_posting_that_does_not_sum_to_zero_per_unit_cannot_exist(legs):
    """Rule 3.2, I1."""
    with pytest.raises(InvalidValue):
        Posting(legs=tuple(leg(*each) for each in legs))


def test_i1_a_cross_scheme_posting_sums_to_zero_in_each_unit():
    """Rule 3.2: payer −L, exchange +L; exchange −H, line +H."""
    posting = Posting(
        legs=(leg("ana", -31), leg("exchange", 31), leg("exchange-h", -9, HOURS), leg("line", 9, HOURS))
    )
    assert len(posting.legs) == 4


@pytest.mark.parametrize("amount", [0, AMOUNT_MAX + 1, -AMOUNT_MAX - 1, True, 1.0])
def test_a_leg_moves_an_amount(amount):
    """Rule 1.5."""
    with pytest.raises(InvalidValue):
        leg("ana", amount)


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1, True])
def test_a_transfer_moves_an_amount_between_two_accounts(amount):
    """Rule 1.5."""
    with pytest.raises(InvalidValue):
        pays("ana", "ben", amount)
    with pytest.raises(InvalidValue):
        pays("ana", "ana", 1)


def test_a_posting_has_at_most_thirty_two_legs():
    takers = [leg(f"m{n}", 1) for n in range(POSTING_LEGS_MAX)]
    assert Posting(legs=(leg("ana", 1 - POSTING_LEGS_MAX), *takers[1:]))
    with pytest.raises(InvalidValue):
        Posting(legs=(leg("ana", -POSTING_LEGS_MAX), *takers))


def test_system_accounts_have_ids_that_an_auditor_can_compute():
    """Rule 3.2."""
    ids = [
        system_account_id(OAKVALE, SystemRole.LINE, HOURS, RIVERSIDE),
        system_account_id(RIVERSIDE, SystemRole.LINE, HOURS, OAKVALE),
        system_account_id(OAKVALE, SystemRole.TRANSIT, HOURS),
        *(
            system_account_id(OAKVALE, role, unit)
            for role in SystemRole
            if role not in (SystemRole.LINE, SystemRole.TRANSIT)
            for unit in (LOCAL, HOURS)
        ),
    ]
    assert len(set(ids)) == len(ids)
    assert {len(each) for each in ids} == {16}
    # Frozen: an id that changed would orphan the account in every ledger.
    assert system_account_id(OAKVALE, SystemRole.EXCHANGE, LOCAL).hex() == "71e77360c707327335d0807de77c872e"


@pytest.mark.parametrize(
    "role, unit, other",
    [
        (SystemRole.LINE, HOURS, None),
        (SystemRole.LINE, LOCAL, RIVERSIDE),
        (SystemRole.TRANSIT, LOCAL, None),
        (SystemRole.CHEST, LOCAL, RIVERSIDE),
    ],
)
def test_a_line_is_in_hours_and_names_the_other_scheme(role, unit, other):
    """Rule 3.2."""
    with pytest.raises(InvalidValue):
        system_account_id(OAKVALE, role, unit, other)


# --- 3.4 Limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "balance, held, credit_limit, amount, answer",
    [
        (0, 0, 500, 500, None),
        (0, 0, 500, 501, Refusal.EXCEEDS_CREDIT_LIMIT),
        (-500, 0, 500, 1, Refusal.EXCEEDS_CREDIT_LIMIT),
        (-900, 0, 500, 1, Refusal.EXCEEDS_CREDIT_LIMIT),  # the limit was lowered
        (200, 0, 0, 200, None),
        (200, 150, 0, 50, None),
        (200, 150, 0, 51, Refusal.EXCEEDS_CREDIT_LIMIT),
    ],
)
def test_a_payer_may_reach_the_credit_limit_but_not_pass_it(balance, held, credit_limit, amount, answer):
    """Rules 3.3, 3.4: what is set aside cannot be spent twice."""
    ana = account("ana", balance=balance, held=held, credit_limit=credit_limit)

    assert check(books(ana, account("ben")), pays("ana", "ben", amount)) is answer
    held_after = hold(ana, amount)
    assert held_after is answer if answer else held_after == replace(ana, held=held + amount)


@pytest.mark.parametrize(
    "balance, ceiling, amount, answer",
    [
        (0, None, AMOUNT_MAX, None),
        (0, 100, 100, None),
        (0, 100, 101, Refusal.EXCEEDS_CEILING),
        (150, 100, 1, Refusal.EXCEEDS_CEILING),  # the ceiling was lowered
        (-150, 100, 250, None),
    ],
)
def test_a_receiver_may_reach_the_ceiling_but_not_pass_it(balance, ceiling, amount, answer):
    """Rule 3.4."""
    ana = account("ana", credit_limit=AMOUNT_MAX)
    ben = account("ben", balance=balance, ceiling=ceiling)

    assert check(books(ana, ben), pays("ana", "ben", amount)) is answer


def test_who_is_beyond_a_limit_may_still_come_back():
    """Rule 3.4: a limit never stops what improves the balance."""
    low = account("low", balance=-900, credit_limit=100)
    high = account("high", balance=900, ceiling=100)

    assert check(books(low, high), pays("high", "low", 5)) is None
    assert check(books(low, high), pays("low", "high", 5)) is Refusal.EXCEEDS_CREDIT_LIMIT


@pytest.mark.parametrize("kind", [AccountKind.MEMBER, AccountKind.GROUP])
def test_members_and_groups_have_limits_and_system_accounts_none(kind):
    """Rule 3.4."""
    chest = account("chest", kind=AccountKind.SYSTEM, ceiling=0)
    ana = account("ana", kind=kind, ceiling=5)

    assert check(books(chest, ana), pays("chest", "ana", 5)) is None
    assert check(books(chest, ana), pays("chest", "ana", 6)) is Refusal.EXCEEDS_CEILING
    assert check(books(chest, replace(ana, balance=9)), pays("ana", "chest", 9)) is None
    assert isinstance(hold(chest, 1_000), Account)


@pytest.mark.parametrize(
    "balance, answer",
    [(-11, Warned.BELOW), (-10, None), (0, None), (20, None), (21, Warned.ABOVE)],
)
def test_soft_levels_warn_and_refuse_nothing(balance, answer):
    """Rule 3.4."""
    ana = account("ana", balance=balance, warn_below=-10, warn_above=20, credit_limit=100)

    assert warning(ana) is answer
    assert check(books(ana, account("ben")), pays("ana", "ben", 50)) is None
    assert warning(account("ben", balance=balance)) is None


# Each row carries every fault from its refusal on, so that the answer shows which check comes first.
@pytest.mark.parametrize(
    "answer, known, unit, closed, releasing, credit_limit, ceiling",
    [
        (Refusal.UNKNOWN_PAYER, (), HOURS, "ab", 9, 0, 0),
        (Refusal.UNKNOWN_PAYEE, ("ana",), HOURS, "ab", 9, 0, 0),
        (Refusal.WRONG_UNIT, ("ana", "ben"), HOURS, "ab", 9, 0, 0),
        (Refusal.PAYER_CLOSED, ("ana", "ben"), LOCAL, "ab", 9, 0, 0),
        (Refusal.PAYEE_CLOSED, ("ana", "ben"), LOCAL, "b", 9, 0, 0),
        (Refusal.NOT_HELD, ("ana", "ben"), LOCAL, "", 9, 0, 0),
        (Refusal.EXCEEDS_CREDIT_LIMIT, ("ana", "ben"), LOCAL, "", 0, 0, 0),
        (Refusal.EXCEEDS_CEILING, ("ana", "ben"), LOCAL, "", 0, 50, 0),
        (Refusal.BALANCE_TOO_LARGE, ("ana", "ben"), LOCAL, "", 0, 50, None),
        (None, ("ana", "ben"), LOCAL, "", 0, 50, None),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_first_reason_is_the_same_everywhere(
    answer, known, unit, closed, releasing, credit_limit, ceiling, turned
):
    """Rule 3.4: the order of the checks, which the order of the legs does not change."""
    full = AMOUNT_MAX if answer is not None else 0
    all_accounts = {
        "ana": account("ana", unit=unit, closed="a" in closed, credit_limit=credit_limit),
        "ben": account("ben", unit=unit, closed="b" in closed, ceiling=ceiling, balance=full),
    }
    held = {key("ana"): releasing} if releasing and known else {}
    posting = pays("ana", "ben", 50)
    if turned:
        posting = Posting(legs=posting.legs[::-1])

    assert check(books(*(all_accounts[name] for name in known)), posting, releasing=held) is answer


def test_beyond_limits_passes_over_limits_and_nothing_else():
    """Rules 3.5, 6.7 b."""
    ana, ben = account("ana"), account("ben", ceiling=0)

    assert check(books(ana, ben), pays("ana", "ben", 5)) is Refusal.EXCEEDS_CREDIT_LIMIT
    assert check(books(ana, ben), pays("ana", "ben", 5), beyond_limits=True) is None
    shut = replace(ana, closed=True)
    assert check(books(shut, ben), pays("ana", "ben", 5), beyond_limits=True) is Refusal.PAYER_CLOSED
    full = replace(ben, balance=AMOUNT_MAX)
    assert check(books(ana, full), pays("ana", "ben", 5), beyond_limits=True) is Refusal.BALANCE_TOO_LARGE


def test_post_returns_what_changes_and_refuses_what_check_refuses():
    """Rule 3.2."""
    before = books(account("ana", credit_limit=10), account("ben"), account("cem"))

    after = post(before, pays("ana", "ben", 10))

    assert {name: each.balance for name, each in after.items()} == {key("ana"): -10, key("ben"): 10}
    with pytest.raises(OutOfOrder, match="exceeds_credit_limit"):
        post(before, pays("ana", "ben", 11))
    assert before[key("ana")].balance == 0


# --- 3.3 Holds ---------------------------------------------------------------------------------------------


def test_a_hold_becomes_a_posting_whatever_the_limit_has_become():
    """Rule 3.3: what was set aside is spent; only more than that needs room."""
    ana = hold(account("ana", credit_limit=30), 30)
    assert isinstance(ana, Account)
    strict = replace(ana, credit_limit=0)
    ledger = books(strict, account("exchange", kind=AccountKind.SYSTEM))

    assert check(ledger, pays("ana", "exchange", 30)) is Refusal.EXCEEDS_CREDIT_LIMIT
    after = post_hold(ledger, pays("ana", "exchange", 30), key("ana"), 30)
    assert not isinstance(after, Refusal)
    assert (after[key("ana")].balance, after[key("ana")].held) == (-30, 0)
    more = post_hold(ledger, pays("ana", "exchange", 31), key("ana"), 30)
    assert more is Refusal.EXCEEDS_CREDIT_LIMIT


def test_what_a_posting_leaves_of_its_hold_is_free_again():
    """Rule 3.3."""
    ledger = books(account("ana", credit_limit=30, held=30), account("ben"))

    after = post_hold(ledger, pays("ana", "ben", 20), key("ana"), 30)

    assert not isinstance(after, Refusal)
    assert (after[key("ana")].balance, after[key("ana")].held, after[key("ana")].spendable) == (-20, 0, 10)


@pytest.mark.parametrize("amount", [0, -1, True])
def test_a_hold_is_an_amount(amount):
    for act in (hold, drop_hold):
        with pytest.raises(InvalidValue):
            act(account("ana", held=5, credit_limit=50), amount)


def test_no_more_is_dropped_than_is_held():
    """Rule 3.3."""
    ana = account("ana", held=5, credit_limit=5)

    assert drop_hold(ana, 5) == replace(ana, held=0)
    with pytest.raises(OutOfOrder):
        drop_hold(ana, 6)
    assert post_hold(books(ana, account("ben")), pays("ana", "ben", 1), key("ana"), 6) is Refusal.NOT_HELD


def test_two_organisers_move_a_frozen_hold_to_the_chest():
    """Rule 7.2: the later posting is the chest's, and the member can spend again."""
    ana = account("ana", held=30, credit_limit=30)
    chest = account("chest", kind=AccountKind.SYSTEM)

    free, holding = move_hold(ana, chest, 30)

    assert (free.spendable, holding.held) == (30, 30)
    paid = post_hold(books(holding, account("exchange")), pays("chest", "exchange", 30), key("chest"), 30)
    assert not isinstance(paid, Refusal)
    with pytest.raises(OutOfOrder, match="not_held"):
        move_hold(ana, chest, 31)
    with pytest.raises(OutOfOrder, match="wrong_unit"):
        move_hold(ana, replace(chest, unit=HOURS), 30)


def test_nothing_is_set_aside_on_a_closed_account():
    assert hold(account("ana", closed=True, credit_limit=5), 5) is Refusal.PAYER_CLOSED
    with pytest.raises(InvalidValue):
        account("ana", closed=True, held=1)


@pytest.mark.parametrize(
    "balance, held, closes", [(0, 0, True), (1, 0, False), (-1, 0, False), (0, 1, False)]
)
def test_only_an_empty_account_closes(balance, held, closes):
    ana = account("ana", balance=balance, held=held)

    assert close(ana) == (replace(ana, closed=True) if closes else Refusal.NOT_EMPTY)


# --- 3.5 Corrections ---------------------------------------------------------------------------------------


def test_a_correction_is_the_opposite_posting():
    """Rule 3.5."""
    opposite = correction_of(pays("ana", "ben", 7))

    assert isinstance(opposite, Posting)
    assert [(each.account, each.amount) for each in opposite.legs] == [(key("ana"), 7), (key("ben"), -7)]


def test_what_moved_a_line_is_not_corrected_on_one_side_only():
    """I8: line accounts equal the lines."""
    posting = Posting(
        legs=(leg("ana", -1), leg("exchange", 1), leg("exchange-h", -9, HOURS), leg("line", 9, HOURS))
    )
    assert correction_of(posting) is Refusal.NOT_CORRECTABLE


# --- I1 ----------------------------------------------------------------------------------------------------

NAMES = ("ana", "ben", "cem", "dot", "eve")


@st.composite
def postings(draw: st.DrawFn) -> Posting:
    """Any posting over some of the names: all but the last leg are free, the last makes the sum zero."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(2, len(NAMES)))]
    amounts = draw(
        st.lists(st.integers(-60, 60).filter(bool), min_size=len(names) - 1, max_size=len(names) - 1).filter(
            lambda found: sum(found) != 0
        )
    )
    return Posting(legs=tuple(leg(name, n) for name, n in zip(names, [*amounts, -sum(amounts)], strict=True)))


class LedgerMachine(RuleBasedStateMachine):
    """I1 and the limits, whatever members do in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        kinds = {"eve": AccountKind.SYSTEM}
        self.accounts = books(
            *(
                account(
                    name,
                    kind=kinds.get(name, AccountKind.MEMBER),
                    credit_limit=40,
                    ceiling=None if name == "dot" else 70,
                )
                for name in NAMES
            )
        )

    @rule(posting=postings())
    def posts(self, posting: Posting) -> None:
        refusal = check(self.accounts, posting)
        slowly = _check_known(self.accounts, posting, {}) or _check_limits(self.accounts, posting, {})
        assert refusal is slowly, "the quick question says no more than all the others"
        if refusal is None:
            self.accounts |= post(self.accounts, posting)
        else:
            with pytest.raises(OutOfOrder):
                post(self.accounts, posting)

    @rule(name=st.sampled_from(NAMES), amount=st.integers(1, 60))
    def holds(self, name: str, amount: int) -> None:
        after = hold(self.accounts[key(name)], amount)
        if isinstance(after, Account):
            self.accounts[key(name)] = after

    @precondition(lambda self: any(each.held for each in self.accounts.values()))
    @rule(data=st.data(), payee=st.sampled_from(NAMES))
    def ends_a_hold(self, data: st.DataObject, payee: str) -> None:
        holder = data.draw(st.sampled_from([each for each in self.accounts.values() if each.held]))
        amount = data.draw(st.integers(1, holder.held))
        if holder.account_id == key(payee):
            self.accounts[holder.account_id] = drop_hold(holder, amount)
            return
        after = post_hold(
            self.accounts, transfer(holder.account_id, key(payee), amount), holder.account_id, amount
        )
        # The holder never stands in the way: only the receiver's ceiling may.
        if isinstance(after, Refusal):
            assert after is Refusal.EXCEEDS_CEILING
        else:
            self.accounts |= after

    @invariant()
    def i1_the_whole_ledger_sums_to_zero(self) -> None:
        assert imbalance(self.accounts.values()) == {}

    @invariant()
    def nobody_passes_a_limit(self) -> None:
        for each in self.accounts.values():
            if each.limited:
                assert each.spendable >= 0
                assert each.room is None or each.room >= 0
            assert each.held >= 0


TestLedgerMachine = LedgerMachine.TestCase


@given(st.lists(postings(), max_size=10))
def test_i1_a_posting_and_its_correction_leave_everything_as_it_was(done):
    """Rule 3.5, I1."""
    before = books(*(account(name) for name in NAMES))
    now = dict(before)
    for posting in done:
        now |= post(now, posting, beyond_limits=True)
        assert imbalance(now.values()) == {}
    for posting in reversed(done):
        opposite = correction_of(posting)
        assert isinstance(opposite, Posting)
        now |= post(now, opposite, beyond_limits=True)
    assert now == before


def test_imbalance_names_the_unit_that_is_wrong():
    """I1: the check that stops a node must be able to fail."""
    assert imbalance([account("ana", balance=5), account("line", balance=-5, unit=HOURS)]) == {
        LOCAL: 5,
        HOURS: -5,
    }
