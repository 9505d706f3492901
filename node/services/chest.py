"""The community chest: fees go into it by rules that two organisers want, members give what they like, and two organisers let it give.

What is owed is written once for each member and each time of a rule, together with the rule's next day; paying one is a unit of
its own, and its trade bears a key made of rule, time and account: after a crash, a restore or two looks at one moment nobody has
paid twice. Source: docs/protocol.md 3.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Final

from node.clock import Chance, Clock
from node.services.accounts import load, load_by_id
from node.services.acts import Actor, Deed, Hand, NotAllowed, Work, clip, note_act
from node.services.books import Books, Refused
from node.services.fee_rows import (
    Charge,
    ChargeState,
    Hindrance,
    Rule,
    RuleState,
    change_charge,
    change_rule,
    charge_by_no,
    charge_paid_by,
    charges_to_try,
    gift_by_no,
    gift_by_once,
    goes_to,
    members_owing,
    note_gift_given,
    put_charges,
    put_gift,
    put_rule,
    rule_by_no,
    rule_by_once,
    rules_due,
    rules_running,
    traded,
)
from node.services.fee_telling import FeeTelling
from node.services.joint_kinds import Asked, CannotAct, Kind, Why
from node.services.members import Member, State, existing, member_by_account
from node.services.settings import Settings
from node.services.trades import NewTrade, Trade, Trades
from node.store import ReadTx, Store, Tx
from node.web.dates import local
from protocol.fee import ID_BYTES, Fee, announced_in_time, key_of_charge
from protocol.ledger import LOCAL, Refusal, SystemRole, system_account_id
from protocol.limits import DAY_MS, ENTRY_NAME_BYTES_MAX, FEE_RULES_MAX
from protocol.names import SchemeId

LOOK_EVERY_S: Final = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """What organisers want members to owe, and what it is called."""

    text: str
    fee: Fee


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChestGift:
    """What organisers want the chest to give a member."""

    member: Member
    amount: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owing:
    """What a member owes, or would owe, for one time of a rule."""

    member: Member
    base: int  # of a share: what it is taken of
    amount: int
    too_far: bool  # it would pass their limit now


class Chest:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, clock: Clock, chance: Chance, books: Books, trades: Trades, settings: Settings,
        telling: FeeTelling, zone: tzinfo, scheme: SchemeId,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._books: Final = books
        self._trades: Final = trades
        self._settings: Final = settings
        self._telling: Final = telling
        self._zone: Final = zone
        self._id: Final = system_account_id(scheme, SystemRole.CHEST, LOCAL)

    def today(self) -> int:
        """Return the number of the day that it is where the scheme lives."""
        return local(self._clock.now_ms(), self._zone).date().toordinal()

    def _begins_ms(self, day: int) -> int:
        return int(datetime.combine(date.fromordinal(day), time(), self._zone).timestamp() * 1000)

    def _account(self, tx: Tx) -> int:
        return self._books.system(tx, SystemRole.CHEST, LOCAL)

    # --- rules: asked for by one organiser, begun by another ----------------------------------------------------

    def propose_in(self, tx: Tx, new: NewRule, once: bytes) -> int | None:
        """Unit: write down what one organiser wants; return its number, None where this `once` did it before. Raises CannotAct."""
        if rule_by_once(tx, once) is not None:
            return None
        self._check_new(tx, new.fee)
        return put_rule(
            tx, new.text, new.fee, id_=self._chance.bytes(ID_BYTES), once=once, now_ms=self._clock.now_ms()
        )

    def _check_new(self, tx: ReadTx, fee: Fee) -> None:
        if not announced_in_time(fee, self.today()):
            raise CannotAct(Why.LATE)
        if len(rules_running(tx)) >= FEE_RULES_MAX:
            raise CannotAct(Why.CHANGED)

    def check_in(self, tx: ReadTx, kind: Kind, no: int) -> None:
        """Raises CannotAct: what was asked for cannot be done now. A part of the unit that asks or confirms."""
        if kind is Kind.FEE:
            rule = rule_by_no(tx, no)
            if rule is None or rule.state is not RuleState.ASKED:
                raise CannotAct(Why.CHANGED)
            self._check_new(tx, rule.fee)
            return
        gift = gift_by_no(tx, no)
        member = None if gift is None else member_by_account(tx, gift.account_no)
        if gift is None or gift.trade_no is not None or member is None or not member.may_trade:
            raise CannotAct(Why.CHANGED)
        if gift.amount > self.holds(tx):
            raise CannotAct(Why.CHEST_EMPTY)

    def carry_out_in(self, tx: Tx, by: Actor, asked: Asked) -> None:
        """Unit: do what `check_in` found can be done. Raises CannotAct."""
        if asked.kind is Kind.FEE:
            rule = rule_by_no(tx, asked.number)
            assert rule is not None, "looked at a moment ago"
            now_ms = self._clock.now_ms()
            change_rule(tx, rule, state=RuleState.RUNNING, turn=0, began_ms=now_ms, ended_ms=None)
            for member in members_owing(tx, now_ms + DAY_MS):
                self._telling.announced(tx, member, rule)
            return
        self._give_out(tx, by, asked)

    async def end(self, by: Actor, no: int) -> None:
        """End a rule; what it asked for before stays owed. Raises LookupError."""
        by.must_do(Work.MONEY)
        await self._store.write(self._end, by, no)

    def _end(self, tx: Tx, by: Actor, no: int) -> None:
        rule = rule_by_no(tx, no)
        if rule is None or rule.began_ms is None:
            raise LookupError(f"fee {no}")
        if rule.state is not RuleState.RUNNING:
            return
        now_ms = self._clock.now_ms()
        change_rule(tx, rule, state=RuleState.ENDED, turn=rule.turn, began_ms=rule.began_ms, ended_ms=now_ms)
        note_act(tx, by, Deed.FEE, now_ms=now_ms, detail=f"fee {no}: ended")

    # --- who owes what ------------------------------------------------------------------------------------------

    def owing(self, tx: ReadTx, rule: Rule, turn: int) -> list[Owing]:
        """Return what each member owes for a time of a rule, by number, as it stands now; who owes nothing is left out."""
        fee, due = rule.fee, self._begins_ms(rule.fee.due(turn))
        sums = traded(tx, self._begins_ms(fee.begins(turn)), due) if fee.share else {}
        found = []
        for member in members_owing(tx, due):
            given, got = sums.get(member.account_no, (0, 0))
            amount, base = fee.asks(given, got), fee.base(given, got) if fee.share else 0
            if amount:
                spendable = load(tx, member.account_no).value.spendable
                found.append(Owing(member=member, base=base, amount=amount, too_far=amount > spendable))
        return found

    async def look(self) -> None:
        """Write down what is due, each time of a rule in a unit of its own; then let members pay what they owe, one by one."""
        today = self.today()
        for no in await self._store.read(rules_due, today):
            while await self._store.write(self._charge, no, today):
                pass
        for no in await self._store.read(charges_to_try, today):
            await self._store.write(self._pay, no, today)

    def _charge(self, tx: Tx, no: int, today: int) -> bool:
        """Unit: write down what a rule's next time asks of each member; tell whether another may be due."""
        rule = rule_by_no(tx, no)
        if rule is None or rule.next_day is None or rule.next_day > today:
            return False
        owing = [(each.member.account_no, each.base, each.amount) for each in self.owing(tx, rule, rule.turn)]
        if owing:
            put_charges(tx, rule, owing, self._clock.now_ms())
        change_rule(
            tx, rule, state=rule.state, turn=rule.turn + 1, began_ms=rule.began_ms, ended_ms=rule.ended_ms
        )
        return True

    def _pay(self, tx: Tx, no: int, today: int) -> None:
        """Unit: let one member pay one charge, if it is still owed."""
        charge, now_ms = charge_by_no(tx, no), self._clock.now_ms()
        if charge is None or charge.state is not ChargeState.OWED:
            return
        rule, member = rule_by_no(tx, charge.rule_no), member_by_account(tx, charge.account_no)
        assert rule is not None, "charges are never without their rule"
        if member is None or member.state is State.LEFT:
            change_charge(tx, no, ChargeState.WRITTEN_OFF, now_ms)
            return
        paid = self._trade(tx, rule, charge, member) if member.may_trade else Hindrance.PAUSED
        if isinstance(paid, Trade):
            change_charge(tx, no, ChargeState.PAID, now_ms, trade_no=paid.no)
            return
        if paid is not charge.hindrance:
            self._telling.waits(tx, member, rule, charge, paid)
        change_charge(tx, no, ChargeState.OWED, now_ms, hindrance=paid, tried_day=today)

    def _trade(self, tx: Tx, rule: Rule, charge: Charge, member: Member) -> Trade | Hindrance:
        settings = self._settings.now
        account = load(tx, charge.account_no).value
        new = NewTrade(
            payer_no=charge.account_no, payee_no=self._account(tx), amount=charge.amount,
            text=self._telling.charge_text(rule, charge), entered_by=clip(settings.name, ENTRY_NAME_BYTES_MAX),
            proved_by="system", once=key_of_charge(rule.id, charge.turn, account.account_id), payer_name=member.name,
            payee_name=settings.name, on_behalf_of=clip(member.name, ENTRY_NAME_BYTES_MAX), reason=rule.text,
        )  # fmt: skip
        try:
            return self._trades.record_in(tx, new)
        except Refused as no:
            if no.reason is not Refusal.EXCEEDS_CREDIT_LIMIT:
                raise
            return Hindrance.TOO_FAR

    async def let_off(self, by: Actor, no: int, state: ChargeState, why: str) -> None:
        """Waive what a member owes, or write it off; settled before, it stays as it is.

        Raises:
            LookupError. NotAllowed: no organiser, or it is their own.
        """
        by.must_do(Work.MONEY)
        assert state in (ChargeState.WAIVED, ChargeState.WRITTEN_OFF)
        assert why
        await self._store.write(self._let_off, by, no, state, why)

    def _let_off(self, tx: Tx, by: Actor, no: int, state: ChargeState, why: str) -> None:
        charge = charge_by_no(tx, no)
        member = None if charge is None else member_by_account(tx, charge.account_no)
        if charge is None or member is None:
            raise LookupError(f"charge {no}")
        if member.no == by.no:
            raise NotAllowed(by.name)
        if charge.state is not ChargeState.OWED:
            return
        now_ms = self._clock.now_ms()
        change_charge(tx, no, state, now_ms, reason=why)
        note_act(
            tx,
            by,
            Deed.FEE,
            now_ms=now_ms,
            for_no=member.no,
            detail=f"{charge.amount} {state.value}",
            why=why,
        )

    def trade_corrected(self, tx: Tx, trade_no: int) -> None:
        """Unit: what a trade that was corrected had paid is given back. Source: 3.5."""
        charge = charge_paid_by(tx, trade_no)
        if charge is not None:
            change_charge(tx, charge.no, ChargeState.GIVEN_BACK, self._clock.now_ms(), trade_no=trade_no)

    def account_no(self, tx: ReadTx) -> int | None:
        """Return the number of the chest's account; None before anything went into it."""
        held = load_by_id(tx, self._id)
        return None if held is None else held.no

    # --- gifts to it, and from it -------------------------------------------------------------------------------

    def holds(self, tx: ReadTx) -> int:
        """Return what the chest can give: its balance without what is set aside, at least 0."""
        held = load_by_id(tx, self._id)
        return 0 if held is None else max(0, held.value.balance - held.value.held)

    async def give(self, member: Member, amount: int, text: str, hand: Hand, once: bytes) -> Trade:
        """Let a member give to the chest; the same `once` again gives what was recorded. Raises Refused."""
        return await self._store.write(self._give, member, amount, text, hand, once)

    def _give(self, tx: Tx, member: Member, amount: int, text: str, hand: Hand, once: bytes) -> Trade:
        if not existing(tx, member.no).may_trade:
            raise Refused(Refusal.PAYER_CLOSED)
        return self._trades.record_in(
            tx,
            NewTrade(
                payer_no=member.account_no, payee_no=self._account(tx), amount=amount, text=text,
                entered_by=hand.entered_by, proved_by=hand.proved_by, once=once, payer_name=member.name,
                payee_name=self._settings.now.name, on_behalf_of=hand.on_behalf_of, reason=hand.reason,
            ),
        )  # fmt: skip

    def propose_gift_in(self, tx: Tx, new: NewChestGift, once: bytes) -> int | None:
        """Unit: write down what the chest is to give; return its number, None where this `once` did it before. Raises CannotAct."""
        if gift_by_once(tx, once) is not None:
            return None
        if not existing(tx, new.member.no).may_trade:
            raise CannotAct(Why.CHANGED)
        if new.amount > self.holds(tx):
            raise CannotAct(Why.CHEST_EMPTY)
        now_ms = self._clock.now_ms()
        return put_gift(tx, new.member.account_no, new.amount, new.text, once=once, now_ms=now_ms)

    def _give_out(self, tx: Tx, by: Actor, asked: Asked) -> None:
        gift, who = gift_by_no(tx, asked.number), goes_to(tx, asked.number)
        assert gift is not None, "looked at a moment ago"
        assert who is not None, "looked at a moment ago"
        member, settings = existing(tx, who), self._settings.now
        new = NewTrade(
            payer_no=self._account(tx), payee_no=gift.account_no, amount=gift.amount, text=gift.text,
            entered_by=by.name, proved_by=by.proof, once=gift.once, payer_name=settings.name, payee_name=member.name,
            on_behalf_of=clip(settings.name, ENTRY_NAME_BYTES_MAX), reason=f"asked by {asked.asker}",
        )  # fmt: skip
        try:
            trade = self._trades.record_in(tx, new)
        except Refused:  # above how far the member may go
            raise CannotAct(Why.CHANGED) from None
        note_gift_given(tx, gift.no, trade.no)
        self._telling.given(tx, member, trade)


__all__ = ["Chest", "NewChestGift", "NewRule", "Owing"]
