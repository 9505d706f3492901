"""Accounts, postings, holds and limits of one scheme: who may spend what.

Pure values: the node reads the accounts a posting touches, asks `check`, and stores what `post` returns.
Signed entries and what they commit to are in `entry.py`; the debt between schemes is guarded in `line.py`.
Source: docs/protocol.md 3.2–3.5, I1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Final, Protocol

from crypto.canonical import encode
from crypto.digest import tagged
from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import AMOUNT_MAX, POSTING_LEGS_MAX
from protocol.message import Code, Fixed, Int, Many, Nested, Part
from protocol.names import AccountId, SchemeId

# The two units of a ledger: the scheme's own minor unit, fixed at set-up, and the 3 600 000th of an hour.
LOCAL: Final = "local"
HOURS: Final = "hours"

_NO_HOLDS: Final[Mapping[AccountId, int]] = {}
_SYSTEM_ACCOUNT_TAG: Final = "interlets/1/system-account"


class AccountKind(StrEnum):
    """Whose an account is. Limits are for members and groups."""

    MEMBER = "member"
    GROUP = "group"
    SYSTEM = "system"


class SystemRole(StrEnum):
    """What a system account is for. Source: 3.2."""

    LINE = "line"  # hours owed to or by one other scheme
    EXCHANGE = "exchange"  # where local units and hours meet, once in each unit
    TRANSIT = "transit"  # hours final on one line and not yet on the other
    CHEST = "chest"  # the community account
    OPENING = "opening"  # the other side of imported balances
    WRITE_OFF = "write-off"
    TOKENS = "tokens"  # what all tokens in people's hands are worth
    SOLD = "sold"  # what was given out as tokens for money


def system_account_id(
    scheme: SchemeId, role: SystemRole, unit: str, other: SchemeId | None = None
) -> AccountId:
    """Return the id of a system account, the same for every auditor. Source: 3.2.

    `other` is the other scheme of a `line` account and None for the rest. The own scheme is part of the id,
    so that one database can hold several ledgers.
    """
    if (role is SystemRole.LINE) != (other is not None):
        raise InvalidValue("a line account, and no other, names the other scheme")
    if role in (SystemRole.LINE, SystemRole.TRANSIT) and unit != HOURS:
        raise InvalidValue(f"a {role} account is in hours")
    return AccountId(tagged(_SYSTEM_ACCOUNT_TAG, encode((scheme, role.value, unit, other)))[:16])


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account as it stands. Amounts are minor units of `unit`; a balance below zero is a commitment."""

    account_id: AccountId
    kind: AccountKind
    unit: str = LOCAL
    balance: int = 0
    held: int = 0  # set aside: still in the balance, no longer to be spent
    credit_limit: int = 0  # how far below zero
    ceiling: int | None = None  # how far above zero; None is without end
    warn_below: int | None = None  # soft levels: they inform and refuse nothing
    warn_above: int | None = None
    closed: bool = False

    def __post_init__(self) -> None:
        balance, held, credit_limit = self.balance, self.held, self.credit_limit
        if (
            type(balance) is type(held) is type(credit_limit) is int
            and -AMOUNT_MAX <= balance <= AMOUNT_MAX
            and 0 <= held <= AMOUNT_MAX
            and 0 <= credit_limit <= AMOUNT_MAX
            and self.ceiling is None
            and not self.closed
        ):
            return  # nearly every account; what is wrong with the others is told below
        for name, value, least in (
            ("balance", self.balance, -AMOUNT_MAX),
            ("held", self.held, 0),
            ("credit_limit", self.credit_limit, 0),
        ):
            if type(value) is not int or not least <= value <= AMOUNT_MAX:
                raise InvalidValue(f"{name} not in {least}..{AMOUNT_MAX}")
        if self.ceiling is not None and not 0 <= self.ceiling <= AMOUNT_MAX:
            raise InvalidValue(f"ceiling not in 0..{AMOUNT_MAX}")
        if self.closed and self.held:
            raise InvalidValue("a closed account holds nothing")

    @property
    def limited(self) -> bool:
        """Tell whether limits apply. System accounts have none; those of lines are guarded by the line."""
        return self.kind is not AccountKind.SYSTEM

    @property
    def spendable(self) -> int:
        """What can still be spent: balance + credit limit − held. Below zero after a limit was lowered."""
        return self.balance + self.credit_limit - self.held

    @property
    def room(self) -> int | None:
        """What can still be received below the ceiling, or None without one."""
        return None if self.ceiling is None or not self.limited else self.ceiling - self.balance


class Warned(StrEnum):
    """A soft level that an account has passed. Source: 3.4."""

    BELOW = "below"
    ABOVE = "above"


def warning(account: Account) -> Warned | None:
    """Return the soft level that the balance has passed, if any."""
    if account.warn_below is not None and account.balance < account.warn_below:
        return Warned.BELOW
    if account.warn_above is not None and account.balance > account.warn_above:
        return Warned.ABOVE
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg(Part):
    """What one account gains (above zero) or gives (below zero) in a posting."""

    account: Annotated[AccountId, Fixed(16)]
    unit: Annotated[str, Code()]
    amount: Annotated[int, Int(-AMOUNT_MAX, AMOUNT_MAX)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        if self.amount == 0:
            raise InvalidValue("a leg of nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting(Part):
    """Amounts that move together and sum to zero in every unit. Source: 3.2, I1."""

    legs: Annotated[tuple[Leg, ...], Many(Nested((Leg,)), POSTING_LEGS_MAX, least=2)]

    def __post_init__(self) -> None:
        Part.__post_init__(self)
        check_legs(self.legs)


class Moves(Protocol):
    """A posting, or a part of a message that makes one: its legs were checked when it was made."""

    @property
    def legs(self) -> tuple[Leg, ...]: ...


def check_legs(legs: Sequence[Leg]) -> None:
    """Raise InvalidValue unless `legs` are of different accounts and sum to zero in every unit (I1)."""
    if len(legs) == 2 and legs[0].account != legs[1].account and legs[0].unit == legs[1].unit:
        if legs[0].amount + legs[1].amount:
            raise InvalidValue("a posting does not sum to zero in every unit")
        return  # nearly every posting
    if len({leg.account for leg in legs}) != len(legs):
        raise InvalidValue("an account appears twice in one posting")
    if any(totals([(leg.unit, leg.amount) for leg in legs]).values()):
        raise InvalidValue("a posting does not sum to zero in every unit")


def transfer(payer: AccountId, payee: AccountId, amount: int, unit: str = LOCAL) -> Posting:
    """Return the posting by which `amount` leaves `payer` and reaches `payee`.

    Raises:
        InvalidValue: `amount` is not in 1..AMOUNT_MAX, or payer and payee are the same account.
    """
    _check_amount(amount)
    return Posting(
        legs=(
            Leg(account=payer, unit=unit, amount=-amount),
            Leg(account=payee, unit=unit, amount=amount),
        )
    )


def correction_of(posting: Posting) -> Posting | Refusal:
    """Return the opposite of `posting`. Source: 3.5.

    A posting with a leg in hours moved a line or what stands against one: only the two schemes together can
    move it back, by a payment the other way, so that line accounts keep equalling the lines (I8).
    """
    if any(leg.unit == HOURS for leg in posting.legs):
        return Refusal.NOT_CORRECTABLE
    return Posting(legs=tuple(replace(leg, amount=-leg.amount) for leg in posting.legs))


class Refusal(StrEnum):
    """Why the ledger says no, in the order of the checks.

    The order is part of the protocol: when several reasons apply, every node gives the first. Each is asked
    for all legs before the next one is, so the order of the legs does not matter.
    """

    UNKNOWN_PAYER = "unknown_payer"
    UNKNOWN_PAYEE = "unknown_payee"
    WRONG_UNIT = "wrong_unit"
    PAYER_CLOSED = "payer_closed"
    PAYEE_CLOSED = "payee_closed"
    NOT_HELD = "not_held"  # more is to be released than is set aside
    EXCEEDS_CREDIT_LIMIT = "exceeds_credit_limit"
    EXCEEDS_CEILING = "exceeds_ceiling"
    BALANCE_TOO_LARGE = "balance_too_large"  # beyond what any ledger can write
    ALREADY_CORRECTED = "already_corrected"
    NOT_CORRECTABLE = "not_correctable"
    NOT_EMPTY = "not_empty"  # closing an account that is not at zero, or holds something


def check(
    accounts: Mapping[AccountId, Account],
    posting: Moves,
    *,
    releasing: Mapping[AccountId, int] = _NO_HOLDS,
    beyond_limits: bool = False,
) -> Refusal | None:
    """Return why `posting` cannot be posted, or None if it can. Source: 3.4.

    `releasing` names how much of what each account set aside ends with this posting. What was set aside is
    spent whatever the credit limit has become since: only spending beyond it needs room.

    `beyond_limits` passes over credit limits and ceilings, and over nothing else. It is for what has to be
    booked: an organiser's correction (3.5), effects rebuilt after a restore (6.7 b), a replay. A closed account
    is opened again first, by an entry of its own.
    """
    if not releasing and _nothing_against(accounts, posting):
        return None
    return _check_known(accounts, posting, releasing) or (
        _check_large(accounts, posting) if beyond_limits else _check_limits(accounts, posting, releasing)
    )


def _nothing_against(accounts: Mapping[AccountId, Account], posting: Moves) -> bool:
    """Tell that no check can refuse, which is so for nearly every posting that ends no hold; False says nothing."""
    for leg in posting.legs:
        account = accounts.get(leg.account)
        if account is None or account.unit != leg.unit or account.closed:
            return False
        after = account.balance + leg.amount
        if not -AMOUNT_MAX <= after <= AMOUNT_MAX:
            return False
        if account.kind is AccountKind.SYSTEM:
            continue
        if leg.amount < 0:
            if after + account.credit_limit < account.held:
                return False
        elif account.ceiling is not None and after > account.ceiling:
            return False
    return True


def _check_known(
    accounts: Mapping[AccountId, Account], posting: Moves, releasing: Mapping[AccountId, int]
) -> Refusal | None:
    givers = [leg for leg in posting.legs if leg.amount < 0]
    takers = [leg for leg in posting.legs if leg.amount > 0]
    if any(leg.account not in accounts for leg in givers) or any(key not in accounts for key in releasing):
        return Refusal.UNKNOWN_PAYER
    if any(leg.account not in accounts for leg in takers):
        return Refusal.UNKNOWN_PAYEE
    if any(accounts[leg.account].unit != leg.unit for leg in posting.legs):
        return Refusal.WRONG_UNIT
    if any(accounts[leg.account].closed for leg in givers):
        return Refusal.PAYER_CLOSED
    if any(accounts[leg.account].closed for leg in takers):
        return Refusal.PAYEE_CLOSED
    if any(not 0 <= amount <= accounts[key].held for key, amount in releasing.items()):
        return Refusal.NOT_HELD
    return None


def _check_limits(
    accounts: Mapping[AccountId, Account], posting: Moves, releasing: Mapping[AccountId, int]
) -> Refusal | None:
    limited = [(accounts[leg.account], leg.amount) for leg in posting.legs if accounts[leg.account].limited]
    for account, amount in limited:
        new_spending = -amount - releasing.get(account.account_id, 0)
        if amount < 0 and new_spending > 0 and new_spending > account.spendable:
            return Refusal.EXCEEDS_CREDIT_LIMIT
    for account, amount in limited:
        if amount > 0 and account.room is not None and amount > account.room:
            return Refusal.EXCEEDS_CEILING
    return _check_large(accounts, posting)


def _check_large(accounts: Mapping[AccountId, Account], posting: Moves) -> Refusal | None:
    if any(abs(accounts[leg.account].balance + leg.amount) > AMOUNT_MAX for leg in posting.legs):
        return Refusal.BALANCE_TOO_LARGE
    return None


def post(
    accounts: Mapping[AccountId, Account],
    posting: Moves,
    *,
    releasing: Mapping[AccountId, int] = _NO_HOLDS,
    beyond_limits: bool = False,
) -> dict[AccountId, Account]:
    """Return the accounts that change, as they are after `posting`; the others stay as they were.

    Raises:
        OutOfOrder: `check` refuses; nothing changed.
    """
    changed = try_post(accounts, posting, releasing=releasing, beyond_limits=beyond_limits)
    if isinstance(changed, Refusal):
        raise OutOfOrder(changed.value)
    return changed


def try_post(
    accounts: Mapping[AccountId, Account],
    posting: Moves,
    *,
    releasing: Mapping[AccountId, int] = _NO_HOLDS,
    beyond_limits: bool = False,
) -> dict[AccountId, Account] | Refusal:
    """Return the accounts that change, as they are after `posting`, or why it cannot be posted."""
    refusal = check(accounts, posting, releasing=releasing, beyond_limits=beyond_limits)
    if refusal is not None:
        return refusal
    changed = {}
    for leg in posting.legs:
        account = accounts[leg.account]
        changed[leg.account] = _standing(account, account.balance + leg.amount, account.held)
    for key, amount in releasing.items():
        account = changed.get(key, accounts[key])
        changed[key] = _standing(account, account.balance, account.held - amount)
    return changed


def _standing(account: Account, balance: int, held: int) -> Account:
    # Spelled out: `replace` costs three times as much, and every posting does this twice.
    return Account(
        account_id=account.account_id,
        kind=account.kind,
        unit=account.unit,
        balance=balance,
        held=held,
        credit_limit=account.credit_limit,
        ceiling=account.ceiling,
        warn_below=account.warn_below,
        warn_above=account.warn_above,
        closed=account.closed,
    )


def hold(account: Account, amount: int, *, beyond_limits: bool = False) -> Account | Refusal:
    """Return `account` with `amount` more set aside, or why it cannot be; `beyond_limits`: 6.7 (b). Source: 3.3, 3.4.

    Raises:
        InvalidValue: `amount` is not in 1..AMOUNT_MAX.
    """
    _check_amount(amount)
    if account.closed:
        return Refusal.PAYER_CLOSED
    if account.limited and amount > account.spendable and not beyond_limits:
        return Refusal.EXCEEDS_CREDIT_LIMIT
    if account.held + amount > AMOUNT_MAX:
        return Refusal.BALANCE_TOO_LARGE
    return replace(account, held=account.held + amount)


def drop_hold(account: Account, amount: int) -> Account:
    """Return `account` with `amount` free again. No clock does this: a hold never expires by itself. Source: 3.3.

    Raises:
        OutOfOrder: less than `amount` is set aside.
    """
    _check_amount(amount)
    if amount > account.held:
        raise OutOfOrder(Refusal.NOT_HELD.value)
    return replace(account, held=account.held - amount)


def move_hold(giver: Account, taker: Account, amount: int) -> tuple[Account, Account]:
    """Return both accounts after `amount` set aside by `giver` is set aside by `taker` instead.

    Two organisers free a member so whose payment is frozen; `taker` is the chest. Source: 7.2.

    Raises:
        OutOfOrder: less than `amount` is set aside, the units differ, or `taker` cannot hold it.
    """
    if giver.unit != taker.unit:
        raise OutOfOrder(Refusal.WRONG_UNIT.value)
    held = hold(taker, amount)
    if isinstance(held, Refusal):
        raise OutOfOrder(held.value)
    return drop_hold(giver, amount), held


def post_hold(
    accounts: Mapping[AccountId, Account], posting: Posting, payer: AccountId, held: int
) -> dict[AccountId, Account] | Refusal:
    """Return the accounts that change when the `held` amount of `payer` becomes `posting`. Source: 3.3."""
    return try_post(accounts, posting, releasing={payer: held})


def close(account: Account) -> Account | Refusal:
    """Return `account` closed; only one at zero that holds nothing can be. Source: 3.4."""
    return Refusal.NOT_EMPTY if account.balance or account.held else replace(account, closed=True)


def totals(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the sum of the amounts in each unit."""
    sums: dict[str, int] = {}
    for unit, amount in amounts:
        sums[unit] = sums.get(unit, 0) + amount
    return sums


def imbalance(accounts: Iterable[Account]) -> dict[str, int]:
    """Return the units in which `accounts` do not sum to zero, with the sum: empty for a sound ledger (I1)."""
    sums = totals((account.unit, account.balance) for account in accounts)
    return {unit: total for unit, total in sums.items() if total}


def _check_amount(amount: int) -> None:
    # bool is an int in Python: True would be a second spelling of 1.
    if type(amount) is not int or not 1 <= amount <= AMOUNT_MAX:
        raise InvalidValue(f"amount not in 1..{AMOUNT_MAX}")
