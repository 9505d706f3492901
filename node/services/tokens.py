"""The token desk: tokens sold and taken back, money in the box, the day closed; each act once, on a numbered receipt.

What an act does is decided in `protocol/tokens.py`. Postings and the line of the book are one transaction; money is in the line
alone. Source: docs/protocol.md 3.9; docs/pages.md 7.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crypto.digest import tagged
from node.clock import Clock
from node.mail.care_texts import handed_in_text, handed_out_text
from node.services.accounts import load
from node.services.acts import Actor, Deed, Work, note_act
from node.services.books import Books, Refused
from node.services.members import Member, member_by_no
from node.services.settings import Settings
from node.services.telling import Telling
from node.services.token_rows import (
    Done,
    Said,
    box_now,
    correction_of,
    done_by_no,
    done_by_once,
    done_by_trade,
    put_done,
)
from node.services.trades import NewTrade, Trade, Trades, trade_by_no
from node.store import ReadTx, Store, Tx
from protocol.errors import InvalidValue, OutOfOrder
from protocol.ledger import LOCAL, Refusal, SystemRole
from protocol.tokens import AGAINST, IN, OUT, Change, Terms, TokenAct, after, change_of

ONCE_BYTES: Final = 16


class Why(StrEnum):
    """Why something was not done; nothing changed."""

    NO_TERMS = "no-terms"  # nobody has said yet what a token is worth
    WRONG = "wrong"  # no such number of tokens, or sum
    MORE_THAN_OUT = "more-than-out"  # more tokens come back than were handed out
    NOT_IN_BOX = "not-in-box"  # more money goes than there is
    NO_MEMBER = "no-member"
    PAUSED = "paused"
    SELF = "self"  # nobody at the desk for themselves
    TOO_FAR = "too-far"  # beyond the member's limit
    NO_ROOM = "no-room"  # above the member's ceiling
    REFUSED = "refused"  # the books say no
    CORRECTED = "corrected"  # before, or it is a correction itself
    COUNTED = "counted"  # a count is followed by another, not undone
    NO_REASON = "no-reason"  # what differs is explained
    OUTSIDE = "outside"  # tokens are in people's hands: their worth stays


class CannotDo(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


_REFUSALS: Final = {
    Refusal.EXCEEDS_CREDIT_LIMIT: Why.TOO_FAR,
    Refusal.EXCEEDS_CEILING: Why.NO_ROOM,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAct:
    """What is to be done at the desk."""

    act: TokenAct
    count: int = 0
    money: int = 0
    member_no: int | None = None
    who: str = ""
    text: str = ""


class Tokens:
    """See the head of this file."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        books: Books,
        trades: Trades,
        settings: Settings,
        telling: Telling,
    ):
        self._store: Final = store
        self._clock: Final = clock
        self._books: Final = books
        self._trades: Final = trades
        self._settings: Final = settings
        self._telling: Final = telling

    # --- what a token is ----------------------------------------------------------------------------------------

    async def set_terms(self, by: Actor, terms: Terms, currency: str) -> None:
        """Say what a token is worth and costs; its worth only while none is outside. Raises CannotDo, NotAllowed."""
        by.must_organise()
        changed = self._settings.now.token_worth not in (0, terms.worth)
        if changed and (await self._store.read(box_now)).tokens:
            raise CannotDo(Why.OUTSIDE)
        await self._settings.change(by, token_worth=terms.worth, token_price=terms.price, currency=currency)

    # --- what is done at the desk -------------------------------------------------------------------------------

    async def do(self, by: Actor, new: NewAct, once: bytes) -> Done:
        """Do something at the desk; the same `once` again gives what it did. Raises CannotDo, NotAllowed."""
        by.must_do(Work.MONEY)
        return await self._store.write(self._do, by, new, once)

    def _do(self, tx: Tx, by: Actor, new: NewAct, once: bytes) -> Done:
        known = done_by_once(tx, once)
        if known is not None:
            return known
        member, box = self._member(tx, by, new), box_now(tx)
        try:
            change = change_of(new.act, self._terms(new.act), count=new.count, money=new.money, box=box)
            left = after(box, change)
        except InvalidValue:
            raise CannotDo(Why.WRONG) from None
        except OutOfOrder:
            raise CannotDo(Why.MORE_THAN_OUT if new.act is TokenAct.BACK else self._lack(tx, new)) from None
        if new.act is TokenAct.COUNTED and change.money and not new.text:
            raise CannotDo(Why.NO_REASON)
        seq, trade_no = self._book(tx, by, new, change, member, once)
        now_ms = self._clock.now_ms()
        no = put_done(
            tx, new.act, change, left,
            Said(
                member_no=new.member_no, who=new.who, text=new.text, entry_seq=seq, trade_no=trade_no,
                by_name=by.name, at_ms=now_ms, once=once,
            ),
        )  # fmt: skip
        note_act(tx, by, Deed.TOKENS, now_ms=now_ms, for_no=new.member_no, detail=f"{new.act.value} {no}")
        return _existing(tx, no)

    def _lack(self, tx: ReadTx, new: NewAct) -> Why:
        return Why.MORE_THAN_OUT if new.count > box_now(tx).tokens else Why.NOT_IN_BOX

    def _terms(self, act: TokenAct) -> Terms:
        settings = self._settings.now
        if settings.token_worth:
            return Terms(worth=settings.token_worth, price=settings.token_price)
        if act in OUT or act in IN:
            raise CannotDo(Why.NO_TERMS)
        return Terms(worth=1, price=0)  # of nothing: only money moves

    def _member(self, tx: ReadTx, by: Actor, new: NewAct) -> Member | None:
        """Return whose account moves, or who buys. Raises CannotDo."""
        needed = new.act in AGAINST and AGAINST[new.act] is None
        if new.member_no is None:
            if needed:
                raise CannotDo(Why.NO_MEMBER)
            return None
        member = member_by_no(tx, new.member_no)
        if member is None or member.is_erased:
            raise CannotDo(Why.NO_MEMBER)
        if needed and by.no == member.no:
            raise CannotDo(Why.SELF)
        if needed and not member.may_trade:
            raise CannotDo(Why.PAUSED)
        return member

    def _book(
        self, tx: Tx, by: Actor, new: NewAct, change: Change, member: Member | None, once: bytes
    ) -> tuple[int | None, int | None]:
        """Post what an act moves; return the entry and the trade, if any."""
        if not change.amount:
            return None, None
        tokens, role = self._books.system(tx, SystemRole.TOKENS, LOCAL), AGAINST[new.act]
        if load(tx, tokens).value.balance != box_now(tx).tokens * self._settings.now.token_worth:
            raise CannotDo(Why.OUTSIDE)  # a worth that was changed between
        if role is not None:
            other = self._books.system(tx, role, LOCAL)
            amounts = [(other, -change.amount), (tokens, change.amount)]
            return self._books.post(tx, amounts, by.words(f"tokens {new.act.value}")).seq, None
        assert member is not None, "looked for before"
        trade = self._trade(tx, by, change, member, tokens, once)
        return trade.entry_seq, trade.no

    def _trade(self, tx: Tx, by: Actor, change: Change, member: Member, tokens: int, once: bytes) -> Trade:
        settings, out = self._settings.now, change.amount > 0
        text = (handed_out_text if out else handed_in_text)(settings, member.language, abs(change.tokens))
        scheme, sides = (tokens, settings.name), (member.account_no, member.name)
        (payer_no, payer), (payee_no, payee) = (sides, scheme) if out else (scheme, sides)
        key = tagged("interlets/once", b"tokens" + once)[:ONCE_BYTES]
        new = NewTrade(
            payer_no=payer_no, payee_no=payee_no, amount=abs(change.amount), text=text, entered_by=by.name,
            proved_by="broker", once=key, payer_name=payer, payee_name=payee, on_behalf_of=member.name, reason="desk",
        )  # fmt: skip
        try:
            trade = self._trades.record_in(tx, new)
        except Refused as no:
            raise CannotDo(_REFUSALS.get(no.reason, Why.REFUSED)) from None
        self._telling.told_or_noted(tx, member, (text,), "/statement")
        return trade

    # --- mistakes -----------------------------------------------------------------------------------------------

    async def correct(self, by: Actor, no: int, why: str) -> Done:
        """Enter the opposite of an act, once. Raises CannotDo, LookupError, NotAllowed."""
        by.must_do(Work.MONEY)
        return await self._store.write(self._correct, by, no, why)

    def _correct(self, tx: Tx, by: Actor, no: int, why: str) -> Done:
        mistaken = _existing(tx, no)
        if mistaken.kind is TokenAct.COUNTED:
            raise CannotDo(Why.COUNTED)
        if mistaken.kind is TokenAct.CORRECTED or correction_of(tx, no) is not None:
            raise CannotDo(Why.CORRECTED)
        if mistaken.trade_no is not None and by.no == mistaken.member_no:
            raise CannotDo(Why.SELF)
        self._left(tx, mistaken)
        try:
            self._book_opposite(tx, by, mistaken, why)
        except Refused:
            raise CannotDo(Why.REFUSED) from None
        now_ms = self._clock.now_ms()
        note_act(
            tx, by, Deed.TOKENS, now_ms=now_ms, for_no=mistaken.member_no, detail=f"corrected {no}", why=why
        )
        made = correction_of(tx, no)
        assert made is not None, "written just now"
        return made

    def _book_opposite(self, tx: Tx, by: Actor, mistaken: Done, why: str) -> None:
        if mistaken.trade_no is not None:
            member = None if mistaken.member_no is None else member_by_no(tx, mistaken.member_no)
            key = tagged("interlets/once", b"tokens-back" + mistaken.no.to_bytes(8, "big"))[:ONCE_BYTES]
            name = "" if member is None else member.name
            # The line of the desk's book follows by `trade_corrected`, as it does where somebody else corrects it.
            self._trades.correct_in(
                tx, mistaken.trade_no, organiser=by.name, on_behalf_of=name, reason=why, once=key
            )
            return
        seq = None
        if mistaken.entry_seq is not None:
            seq = self._books.correct(
                tx, mistaken.entry_seq, False, by.words("tokens corrected", why=why)
            ).seq
        self._opposite(tx, mistaken, by_name=by.name, seq=seq, trade_no=None, why=why)

    def trade_corrected(self, tx: Tx, trade_no: int) -> None:
        """Unit: what is done to a trade of the desk, by whomever, is done to its book. Source: 3.5, 3.9.

        Raises:
            Refused: more tokens would be back than were handed out.
        """
        mistaken, corrected_by = done_by_trade(tx, trade_no), trade_by_no(tx, trade_no).corrected_by_no
        if mistaken is None or corrected_by is None:
            return
        made = trade_by_no(tx, corrected_by)
        try:
            self._left(tx, mistaken)
        except CannotDo:
            raise Refused(Refusal.NOT_CORRECTABLE) from None
        self._opposite(tx, mistaken, by_name=made.entered_by, seq=made.entry_seq, trade_no=made.no)

    def _opposite(
        self, tx: Tx, mistaken: Done, *, by_name: str, seq: int | None, trade_no: int | None, why: str = ""
    ) -> None:
        change = mistaken.change.opposite()
        key = tagged("interlets/once", b"tokens-corrected" + mistaken.no.to_bytes(8, "big"))[:ONCE_BYTES]
        put_done(
            tx, TokenAct.CORRECTED, change, after(box_now(tx), change),
            Said(
                member_no=mistaken.member_no, who=mistaken.who, text=why, entry_seq=seq, trade_no=trade_no, by_name=by_name,
                at_ms=self._clock.now_ms(), once=key, corrects_no=mistaken.no,
            ),
        )  # fmt: skip

    def _left(self, tx: ReadTx, mistaken: Done) -> None:
        """Raises CannotDo: the opposite of an act would leave fewer tokens or less money than nothing."""
        box, change = box_now(tx), mistaken.change.opposite()
        if box.tokens + change.tokens < 0:
            raise CannotDo(Why.MORE_THAN_OUT)
        if box.money + change.money < 0:
            raise CannotDo(Why.NOT_IN_BOX)


def _existing(tx: ReadTx, no: int) -> Done:
    done = done_by_no(tx, no)
    if done is None:
        raise LookupError(f"act {no}")
    return done
