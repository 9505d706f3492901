"""Requests for payment that nobody answers, where the scheme lets silence count: two warnings, then a yes, each said.

Each request is looked at in a unit of its own, which warns, records or lets it run out whole; its trade bears the request's own
key, so that it is paid once whatever breaks. Source: docs/protocol.md 3.11; docs/pages.md 0.10, 7.4.
"""

from __future__ import annotations

from typing import Final

from babel.dates import LOCALTZ

from node.clock import Clock
from node.mail.outbox import MailState, state_of_mail
from node.mail.texts import words_of
from node.services.acts import Actor, Deed, note_act
from node.services.ask_counting import away_until, may_count
from node.services.ask_rows import Ask, ask_by_no, end_ask
from node.services.ask_silence_rows import SILENT, TOO_FAR, count_no_more, note_warned, silent_asks
from node.services.books import Refused
from node.services.joint_kinds import CannotAct, Why
from node.services.members import Member, member_by_account
from node.services.settings import Settings, read_settings
from node.services.telling import Telling
from node.services.trades import NewTrade, Trade, Trades
from node.store import ReadTx, Store, Tx
from node.web.dates import local
from protocol.asking import AskEvent, AskState, Due, Silence, ask_step, silence_due, until_after_warning
from protocol.ledger import Refusal
from protocol.limits import SILENCE_DAYS_MAX, SILENCE_DAYS_MIN, SILENCE_FIRST_WARNING_MS

_IN_THE_WAY: Final = frozenset(
    {Refusal.EXCEEDS_CREDIT_LIMIT, Refusal.EXCEEDS_CEILING, Refusal.BALANCE_TOO_LARGE}
)


class AskSilence:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, trades: Trades, settings: Settings, telling: Telling):
        self._store: Final = store
        self._clock: Final = clock
        self._trades: Final = trades
        self._settings: Final = settings
        self._telling: Final = telling

    # --- the rule -----------------------------------------------------------------------------------------------

    def check_in(self, tx: ReadTx, days: int) -> None:
        """Raise CannotAct unless the scheme can let silence count after so many days."""
        settings = read_settings(tx)
        if (
            settings is None
            or settings.silence_days == days
            or not SILENCE_DAYS_MIN <= days <= SILENCE_DAYS_MAX
        ):
            raise CannotAct(Why.CHANGED)

    def begin_in(self, tx: Tx, days: int) -> None:
        """Unit: let silence count in requests made from now on."""
        self._settings.silence_in(tx, days)

    async def end(self, by: Actor) -> None:
        """Let silence count no more, also in what waits. Raises NotAllowed."""
        by.must_organise()
        await self._store.write(self._end, by)

    def _end(self, tx: Tx, by: Actor) -> None:
        settings = read_settings(tx)
        if settings is None or settings.silence_days == 0:
            return  # pressed twice
        self._settings.silence_in(tx, 0)
        count_no_more(tx)
        note_act(tx, by, Deed.SETTINGS, now_ms=self._clock.now_ms(), detail="silence: ended")

    # --- what the days bring ------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Warn, record, or let run out what is due, each in a unit of its own; done by a job."""
        for no in await self._store.read(silent_asks, self._clock.now_ms() + SILENCE_FIRST_WARNING_MS):
            await self._store.write(self._look_at, no)

    def _look_at(self, tx: Tx, no: int) -> None:
        ask, now_ms = ask_by_no(tx, no), self._clock.now_ms()
        if ask is None or not ask.counts or ask.stands(now_ms) is not AskState.ASKED:
            return
        payer, payee = _member(tx, ask.payer_no), _member(tx, ask.payee_no)
        if (away_until(payer) or 0) > now_ms:
            return
        given_ms, lost = _warning_given(tx, ask)
        if lost or not may_count(payer, self._telling) or not payee.may_trade:
            count_no_more(tx, no)
            return
        silence = Silence(until_ms=ask.until_ms, warned=ask.warned, given_ms=given_ms)
        match silence_due(silence, now_ms):
            case Due.NOTHING:
                pass
            case Due.WARN:
                until_ms = until_after_warning(silence, now_ms)
                mail = self._telling.warned(tx, ask, until_ms, asker=payee.name, payer=payer)
                note_warned(tx, no, mail, until_ms)
            case Due.COUNT:
                self._count(tx, ask, payer, payee, now_ms)

    def _count(self, tx: Tx, ask: Ask, payer: Member, payee: Member, now_ms: int) -> None:
        # The ledger is asked before anything is written: what it refuses leaves the unit clean.
        trade = self._record(tx, ask, payer, payee)
        if trade is None:
            end_ask(tx, ask, ask_step(ask.state, AskEvent.LAPSE), now_ms, reason=TOO_FAR)
            return
        end_ask(tx, ask, ask_step(ask.state, AskEvent.SILENCE), now_ms, reason=SILENT, trade_no=trade.no)
        self._telling.silence_counted(tx, ask, trade, payer=payer, payee=payee)

    def _record(self, tx: Tx, ask: Ask, payer: Member, payee: Member) -> Trade | None:
        """Return the trade; None where a limit is in the way."""
        assert ask.answer_once is not None, "requests within the scheme have one from the start"
        words = words_of(self._settings.now, "")
        new = NewTrade(
            payer_no=payer.account_no, payee_no=payee.account_no, amount=ask.amount, text=ask.text,
            entered_by=payee.name, proved_by="silence", on_behalf_of=payer.name,
            reason=words.gettext("Asked on %(day)s, warned twice, no answer: by the rule of the scheme a yes.")
            % {"day": str(local(ask.created_ms, LOCALTZ).date())},
            once=ask.answer_once, payer_name=payer.name, payee_name=payee.name,
        )  # fmt: skip
        try:
            return self._trades.record_in(tx, new)
        except Refused as no:
            if no.reason not in _IN_THE_WAY:
                raise
            return None


def _warning_given(tx: ReadTx, ask: Ask) -> tuple[int | None, bool]:
    """Return when the mail server took the newest warning, and whether it never will."""
    if ask.warning_no is None:
        return None, False
    found = state_of_mail(tx, ask.warning_no)
    if found is None:
        return None, True  # forgotten long ago: the node was off, nothing is known of it
    state, ended_ms = found
    return (ended_ms if state is MailState.SENT else None), state in (MailState.REFUSED, MailState.LAPSED)


def _member(tx: ReadTx, account_no: int | None) -> Member:
    member = None if account_no is None else member_by_account(tx, account_no)
    assert member is not None, "requests within the scheme are between members, who are never deleted"
    return member
