"""What two organisers must want: freeing who is stuck, a loss, going on anew, erasing, a lost second step, closing the scheme.

One asks, another confirms; only then something happens, in the unit that confirms. Whoever is new at the desk cannot be
the other one for a week, or one person could make a second one. A scheme with one organiser waits a week instead, so
that somebody may notice. Source: docs/protocol.md 6.6, 6.8, 6.9, 7.2; docs/pages.md 7.4.
"""

from __future__ import annotations

from typing import Final, assert_never

from sqlalchemy import and_, bindparam, func, insert, or_, select, update

from node.keyring import KeyRing
from node.services.acts import ORGANISERS, Actor, Deed, NotAllowed, Work, note_act
from node.services.ask_silence import AskSilence
from node.services.books import Books
from node.services.chest import Chest, NewChestGift, NewRule
from node.services.closing_down import ClosingDown, Plan, unpack
from node.services.erasure import Erasure, may_be_erased
from node.services.fee_rows import goes_to
from node.services.joint_kinds import DEEDS, Asked, CannotAct, Kind, Why, named
from node.services.kept_by_two import KeptByTwo, has_part, may_keep
from node.services.line_ends import can_be_lost, write_off
from node.services.line_rows import CLOSED, CLOSING, FROZEN, STOPPED, SUSPENDED
from node.services.lines import LineService
from node.services.reopen_desk import CAN_GO_ON, ReopenDesk, newest_offer, offer_fits, read_owed
from node.services.second_step import SecondSteps, is_stepping
from node.store import ReadTx, Store, Tx
from node.store.schema import payments as payments_schema
from node.store.schema import people as schema
from protocol.limits import DAY_MS
from protocol.line_view import LOW
from protocol.names import SchemeId
from protocol.payment import PayerState, may_freeze
from protocol.units import HOUR

ALONE_WAIT_MS: Final = 7 * DAY_MS  # a scheme's only organiser confirms what they asked for after this long
NEW_AT_DESK_MS: Final = 7 * DAY_MS  # and whoever became organiser confirms nothing before this long
ASKED_VALID_MS: Final = 30 * DAY_MS
# Three neighbours at the suggested limit of 40 hours. A greater loss is not for two people to decide in a browser.
WRITE_OFF_HOURS_A_YEAR: Final = 120
YEAR_MS: Final = 365 * DAY_MS
ASKED_MAX: Final = 100

_J: Final = schema.joint_act.c
_M: Final = schema.member.c
_A: Final = schema.act.c
_ASK: Final = insert(schema.joint_act)
_COLUMNS: Final = (_J.no, _J.kind, _J.about, _J.amount, _J.asked_by, _J.asked_ms, _M.name)
_OPEN: Final = (
    select(*_COLUMNS)
    .select_from(schema.joint_act.join(schema.member, _M.no == _J.asked_by))
    .where(_J.state == "asked", _J.asked_ms > bindparam("since"))
    .order_by(_J.no.desc())
    .limit(ASKED_MAX)
)
_END: Final = (
    update(schema.joint_act)
    .where(_J.no == bindparam("which"), _J.state == "asked")
    .values(state=bindparam("new_state"), ended_by=bindparam("new_by"), ended_ms=bindparam("new_ms"))
)
_WRITTEN_OFF: Final = select(func.coalesce(func.sum(_J.amount), 0)).where(
    _J.state == "done", _J.kind == Kind.WRITE_OFF.value, _J.ended_ms > bindparam("since")
)
_OTHERS: Final = select(func.count()).where(
    _M.role.in_(sorted(ORGANISERS)),
    _M.state != "paused",
    _M.no != bindparam("no"),
    _M.no != bindparam("kept_out"),
)
_CAME_TO_DESK: Final = [Deed.ROLE.value, Deed.ADDED.value, Deed.WELCOMED.value]
# Whoever gave somebody a PIN, a link or another e-mail address could sign in as them.
_LET_IN: Final = [Deed.PIN.value, Deed.LINK.value, Deed.PROFILE.value, Deed.SECOND_STEP.value]
_ROLE_SINCE: Final = select(func.max(_A.at_ms)).where(
    _A.for_no == bindparam("no"),
    or_(_A.what.in_(_CAME_TO_DESK), and_(_A.what.in_(_LET_IN), _A.by_no.is_not(None), _A.by_no != _A.for_no)),
)
_ROLES_CHANGED: Final = select(func.max(_A.at_ms)).where(
    or_(_A.what == Deed.ROLE.value, _A.what == Deed.PAUSED.value)
)
_P: Final = payments_schema.payment.c
_PAYMENT: Final = select(_P.state, _P.deadline, _P.amount).where(_P.trade_no == bindparam("trade_no"))


def asked_now(tx: ReadTx, now_ms: int) -> list[Asked]:
    """Return what waits for another organiser, the newest first. A part of a page's read."""
    return [
        Asked(no=no, kind=Kind(kind), about=about, amount=amount, asked_by=by, asked_ms=at, asker=name)
        for no, kind, about, amount, by, at, name in tx.all(_OPEN, since=now_ms - ASKED_VALID_MS)
    ]


def why_not(tx: ReadTx, by: Actor, asked: Asked, now_ms: int) -> tuple[Why, int] | None:
    """Return why `by` cannot confirm this now and until when, or None if they can. A part of a page's read."""
    assert by.no is not None, "whoever confirms is a member"
    if by.role not in ORGANISERS:
        return Why.ORGANISERS, 0
    if _is_party(tx, asked.kind, asked.number, by.no):
        return Why.PARTY, 0
    if asked.kind is Kind.STEP and asked.member_no == by.no:
        return Why.OWN_STEP, 0
    if by.no != asked.asked_by:
        since = tx.scalar(_ROLE_SINCE, no=by.no) or 0
        return (Why.NEW, since + NEW_AT_DESK_MS) if now_ms < since + NEW_AT_DESK_MS else None
    # Whoever cannot log in confirms nothing either.
    kept_out = asked.member_no if asked.kind is Kind.STEP else 0
    if tx.scalar(_OTHERS, no=by.no, kept_out=kept_out):
        return Why.ASKER, 0
    # Whoever was sent away from the desk in this week could have been the other one.
    since = max(asked.asked_ms, tx.scalar(_ROLES_CHANGED) or 0)
    return (Why.ALONE, since + ALONE_WAIT_MS) if now_ms < since + ALONE_WAIT_MS else None


def _is_party(tx: ReadTx, kind: Kind, no: int, who: int | None) -> bool:
    """Tell whether somebody is one of those it is about."""
    match kind:
        case Kind.DEPOSIT | Kind.PLEDGE:
            return has_part(tx, kind, no, who)
        case Kind.CHEST:
            return goes_to(tx, no) == who
        case _:
            return False


class JointActs:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, lines: LineService, books: Books, keyring: KeyRing,
        erasure: Erasure | None = None, kept: KeptByTwo | None = None, steps: SecondSteps | None = None,
        chest: Chest | None = None, closing_down: ClosingDown | None = None, silence: AskSilence | None = None,
    ):  # fmt: skip
        self._store: Final = store
        self._keyring: Final = keyring
        self._lines: Final = lines
        self._books: Final = books
        self._erasure: Final = erasure
        self._kept: Final = kept
        self._steps: Final = steps
        self._chest: Final = chest
        self._closing_down: Final = closing_down
        self._silence: Final = silence

    async def ask_erase(self, by: Actor, member_no: int) -> None:
        """Ask to erase what is held about a member who has left. Raises CannotAct."""
        await self._store.write(self._ask, by, Kind.ERASE, member_no.to_bytes(8, "big"), 0)

    async def ask_step(self, by: Actor, member_no: int) -> None:
        """Ask that a member logs in without their second step, which they lost. Raises CannotAct."""
        await self._store.write(self._ask, by, Kind.STEP, member_no.to_bytes(8, "big"), 0)

    async def ask_keep(self, by: Actor, no: int, amount: int, kind: Kind = Kind.DEPOSIT) -> None:
        """Ask that an owner keeps `amount` of a deposit, which is what they ask for. Raises CannotAct. Source: 7.8."""
        await self._store.write(self._ask, by, kind, no.to_bytes(8, "big"), amount)

    async def ask_fee(self, by: Actor, new: NewRule, once: bytes) -> None:
        """Ask for a new fee; the same `once` again asks nothing. Raises CannotAct. Source: 3.8."""
        await self._store.write(self._ask_fee, by, new, once)

    def _ask_fee(self, tx: Tx, by: Actor, new: NewRule, once: bytes) -> None:
        self._must_be_at_desk(tx, by, Work.MONEY)
        assert self._chest is not None, "a node that has members has a chest"
        no = self._chest.propose_in(tx, new, once)
        if no is not None:
            self._ask(tx, by, Kind.FEE, no.to_bytes(8, "big"), new.fee.amount)

    async def ask_chest(self, by: Actor, new: NewChestGift, once: bytes) -> None:
        """Ask that the chest gives a member something; the same `once` again asks nothing. Raises CannotAct. Source: 3.8."""
        await self._store.write(self._ask_chest, by, new, once)

    def _ask_chest(self, tx: Tx, by: Actor, new: NewChestGift, once: bytes) -> None:
        self._must_be_at_desk(tx, by, Work.MONEY)
        if new.member.no == by.no:
            raise CannotAct(Why.PARTY)
        assert self._chest is not None, "a node that has members has a chest"
        no = self._chest.propose_gift_in(tx, new, once)
        if no is not None:
            self._ask(tx, by, Kind.CHEST, no.to_bytes(8, "big"), new.amount)

    async def ask_close(self, by: Actor, plan: Plan) -> None:
        """Ask that the scheme closes. Raises CannotAct. Source: 2.4."""
        await self._store.write(self._ask, by, Kind.CLOSE, plan.packed(), plan.at_ms)

    async def ask_silence(self, by: Actor, days: int) -> None:
        """Ask that silence counts as a yes after so many days. Raises CannotAct. Source: 3.11."""
        await self._store.write(self._ask, by, Kind.SILENCE, days.to_bytes(8, "big"), 0)

    async def ask_free(self, by: Actor, trade_no: int) -> None:
        """Ask to free the member of a trade that has been late for 14 days. Raises CannotAct."""
        await self._store.write(self._ask, by, Kind.FREE, trade_no.to_bytes(8, "big"), 0)

    async def ask_write_off(self, by: Actor, peer: SchemeId, hours: int) -> None:
        """Ask to book hours that a neighbour owes as lost. Raises CannotAct."""
        await self._store.write(self._ask, by, Kind.WRITE_OFF, peer, hours)

    def _ask(self, tx: Tx, by: Actor, kind: Kind, about: bytes, amount: int) -> None:
        now_ms = self._must_be_at_desk(tx, by, Work.MONEY if kind in (Kind.FEE, Kind.CHEST) else None)
        if _is_party(tx, kind, int.from_bytes(about, "big"), by.no):
            raise CannotAct(Why.PARTY)
        if any((each.kind, each.about) == (kind, about) for each in asked_now(tx, now_ms)):
            return  # asked already, by whomever: pressed twice, it is asked once
        self._check(tx, kind, about, amount)
        tx.insert(
            _ASK, kind=kind.value, about=about, amount=amount, state="asked", asked_by=by.no, asked_ms=now_ms,
            ended_by=None, ended_ms=None,
        )  # fmt: skip
        note_act(tx, by, DEEDS[kind], now_ms=now_ms, detail=f"{named(kind, about)}: asked")

    async def ask_go_on(self, by: Actor, peer: SchemeId, owed: int) -> bool:
        """Go on with a neighbour in a new epoch, from `owed`, our debt; negative: theirs. Tell whether it is done.

        Where that is what the line says, one organiser is enough. Raises CannotAct. Source: 6.8.
        """
        done = await self._store.write(self._go_on, by, peer, owed)
        if done:
            self._lines.bring_together(peer)
        return done

    def _go_on(self, tx: Tx, by: Actor, peer: SchemeId, owed: int) -> bool:
        now_ms = self._must_be_at_desk(tx, by)
        self._check(tx, Kind.GO_ON, peer, owed)
        lines, _ = self._lines.desks(tx)
        line = lines.by_peer(peer)
        assert line is not None, "looked at a moment ago"
        if owed != line.state.owed:
            self._ask(tx, by, Kind.GO_ON, peer, owed)
            return False
        self._carry_out_go_on(tx, by, peer, owed)
        note_act(tx, by, DEEDS[Kind.GO_ON], now_ms=now_ms, detail=f"{named(Kind.GO_ON, peer)}: goes on")
        return True

    def _carry_out_go_on(self, tx: Tx, by: Actor, peer: SchemeId, owed: int) -> None:
        lines, payments = self._lines.desks(tx)
        line = lines.by_peer(peer)
        assert line is not None, "looked at a moment ago"
        desk = ReopenDesk(tx, lines, payments, self._keyring)
        if line.state.me == LOW:
            desk.offer(line, owed)
        elif not desk.answer(line, owed, by.words("a line goes on anew")):
            raise CannotAct(Why.NO_OFFER)
        self._lines.finish(tx, lines)

    async def confirm(self, by: Actor, no: int) -> None:
        """Do what another organiser asked for. Raises CannotAct."""
        peer = await self._store.write(self._confirm, by, no)
        if peer is not None:
            self._lines.bring_together(peer)

    def _confirm(self, tx: Tx, by: Actor, no: int) -> SchemeId | None:
        now_ms = self._must_be_at_desk(tx, by)
        asked = next((each for each in asked_now(tx, now_ms) if each.no == no), None)
        if asked is None:
            raise CannotAct(Why.CHANGED)
        hindered = why_not(tx, by, asked, now_ms)
        if hindered is not None:
            raise CannotAct(hindered[0])
        self._check(tx, asked.kind, asked.about, asked.amount)
        self._carry_out(tx, by, asked)
        tx.run(_END, which=no, new_state="done", new_by=by.no, new_ms=now_ms)
        note_act(
            tx, by, DEEDS[asked.kind], now_ms=now_ms, detail=f"{named(asked.kind, asked.about)}: confirmed"
        )
        return SchemeId(asked.about) if asked.kind is Kind.GO_ON else None

    async def drop(self, by: Actor, no: int) -> None:
        """Ask for it no more; any organiser may. Raises CannotAct."""
        await self._store.write(self._drop, by, no)

    def _drop(self, tx: Tx, by: Actor, no: int) -> None:
        now_ms = self._must_be_at_desk(tx, by)
        asked = next((each for each in asked_now(tx, now_ms) if each.no == no), None)
        if asked is None:
            raise CannotAct(Why.CHANGED)
        tx.run(_END, which=no, new_state="dropped", new_by=by.no, new_ms=now_ms)
        note_act(
            tx, by, DEEDS[asked.kind], now_ms=now_ms, detail=f"{named(asked.kind, asked.about)}: dropped"
        )

    def _must_be_at_desk(self, tx: Tx, by: Actor, work: Work | None = None) -> int:
        """Return the moment. Raises NotAllowed: not an organiser, nor of that work, or nobody who can be told from another."""
        if work is None:
            by.must_organise()
        else:
            by.must_do(work)
        if by.no is None:
            raise NotAllowed(by.name)
        lines, _ = self._lines.desks(tx)
        return lines.now_ms

    def _check(self, tx: Tx, kind: Kind, about: bytes, amount: int) -> None:
        """Raise CannotAct unless it could be done now."""
        lines, _ = self._lines.desks(tx)
        match kind:
            case Kind.FREE:
                row = tx.one(_PAYMENT, trade_no=int.from_bytes(about, "big"))
                if row is None or row[0] != PayerState.LOCKED.value:
                    raise CannotAct(Why.CHANGED)
                if not may_freeze(row[1], lines.now_ms):
                    raise CannotAct(Why.TOO_EARLY)
            case Kind.WRITE_OFF:
                line = lines.by_peer(SchemeId(about))
                if line is None:
                    raise CannotAct(Why.CHANGED)
                if line.status not in (STOPPED, SUSPENDED, FROZEN, CLOSING, CLOSED):
                    raise CannotAct(Why.TRADING)
                if not 0 < amount <= can_be_lost(line):
                    raise CannotAct(Why.TOO_MUCH)
                if amount > left_this_year(tx, lines.now_ms):
                    raise CannotAct(Why.CAP)
            case Kind.ERASE:
                if may_be_erased(tx, int.from_bytes(about, "big")) is None:
                    raise CannotAct(Why.CHANGED)
            case Kind.STEP:
                if not is_stepping(tx, int.from_bytes(about, "big")):
                    raise CannotAct(Why.CHANGED)
            case Kind.DEPOSIT | Kind.PLEDGE:
                if not may_keep(tx, kind, int.from_bytes(about, "big"), amount):
                    raise CannotAct(Why.CHANGED)
            case Kind.FEE | Kind.CHEST:
                assert self._chest is not None, "asked by this node"
                self._chest.check_in(tx, kind, int.from_bytes(about, "big"))
            case Kind.CLOSE:
                assert self._closing_down is not None, "a node that has members can close"
                self._closing_down.check_in(tx, unpack(about, amount))
            case Kind.SILENCE:
                assert self._silence is not None, "a node that has members lets them ask each other"
                self._silence.check_in(tx, int.from_bytes(about, "big"))
            case Kind.GO_ON:
                line = lines.by_peer(SchemeId(about))
                if line is None or line.status not in CAN_GO_ON or not all(line.state.mine.opened):
                    raise CannotAct(Why.CHANGED)
                if not line.complete:
                    raise CannotAct(Why.APART)
                if line.state.me != LOW:
                    offered = newest_offer(tx, line)
                    if offered is None or read_owed(line, offered) != amount or not offer_fits(line, offered):
                        raise CannotAct(Why.NO_OFFER)
            case _:
                assert_never(kind)

    def _carry_out(self, tx: Tx, by: Actor, asked: Asked) -> None:
        lines, payments = self._lines.desks(tx)
        match asked.kind:
            case Kind.FREE:
                freed = payments.payer.free(asked.trade_no)
                if freed is None:
                    raise CannotAct(Why.CHANGED)
            case Kind.WRITE_OFF:
                line = lines.by_peer(SchemeId(asked.about))
                assert line is not None, "looked at a moment ago"
                words = by.words("written off", why=f"asked by {asked.asker}")
                write_off(lines, self._books, line, asked.amount, words)
            case Kind.ERASE:
                member = may_be_erased(tx, asked.member_no)
                assert member is not None, "looked at a moment ago"
                assert self._erasure is not None, "a node that has members erases them"
                self._erasure.erase_in(tx, member, lines.now_ms)
            case Kind.STEP:
                assert self._steps is not None, "a node that has members lets them in"
                self._steps.take_away(tx, by, asked.member_no, why=f"asked by {asked.asker}")
                return
            case Kind.DEPOSIT | Kind.PLEDGE:
                assert self._kept is not None, "a node that has members lets them lend"
                if not self._kept.keep_in(tx, asked.kind, asked.number, by, f"asked by {asked.asker}"):
                    raise CannotAct(Why.CHANGED)
                return
            case Kind.FEE | Kind.CHEST:
                assert self._chest is not None, "looked at a moment ago"
                self._chest.carry_out_in(tx, by, asked)
                return
            case Kind.CLOSE:
                assert self._closing_down is not None, "looked at a moment ago"
                self._closing_down.announce_in(tx, unpack(asked.about, asked.amount))
                return
            case Kind.SILENCE:
                assert self._silence is not None, "looked at a moment ago"
                self._silence.begin_in(tx, asked.number)
                return
            case Kind.GO_ON:
                self._carry_out_go_on(tx, by, SchemeId(asked.about), asked.amount)
                return
            case _:
                assert_never(asked.kind)
        self._lines.finish(tx, lines)


def left_this_year(tx: ReadTx, now_ms: int) -> int:
    """Return how many hours may still be written off. A part of a page's read."""
    return WRITE_OFF_HOURS_A_YEAR * HOUR - int(tx.scalar(_WRITTEN_OFF, since=now_ms - YEAR_MS))
