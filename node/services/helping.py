"""Help that members ask for in private: organisers bring it to helpers, who say yes or no; both sides are told.

What may follow what is decided in `protocol/helping.py`; here, by whom. Nobody but whoever asks, the organisers and the
helpers who were asked learns that there is a request. Source: docs/pages.md 7.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from enum import StrEnum
from typing import Final

from node.clock import Clock
from node.mail import care_texts
from node.services.acts import Actor, Deed, note_act
from node.services.help_rows import (
    NewRequest,
    Request,
    answers_to,
    brought_to,
    count_open_of,
    help_in,
    note_help,
    note_outcome,
    put_request,
    request_by_no,
    request_by_once,
    requests_of,
)
from node.services.helper_rows import helper_until
from node.services.members import Member, member_by_no
from node.services.settings import Settings
from node.services.telling import Telling
from node.store import Store, Tx
from node.web.dates import local
from protocol.errors import OutOfOrder
from protocol.helping import OPEN, AnswerState, HelpEvent, HelpHand, help_step
from protocol.limits import HELP_ASKED_MAX, HELP_OPEN_MAX


class Why(StrEnum):
    """Why something was not done; nothing changed."""

    TOO_MANY = "too-many"  # enough requests of this member are open
    PAUSED = "paused"  # one of them may not trade just now
    CHANGED = "changed"  # it stands differently by now
    OWN = "own"  # nobody helps themselves
    NOT_CHECKED = "not-checked"  # only checked helpers are to be asked
    ENOUGH = "enough"  # enough helpers were asked


class CannotHelp(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


Noted = Callable[[Tx], None]


class Helping:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, settings: Settings, telling: Telling, zone: tzinfo):
        self._store: Final = store
        self._clock: Final = clock
        self._settings: Final = settings
        self._telling: Final = telling
        self._zone: Final = zone

    # --- whoever needs help -----------------------------------------------------------------------------------

    async def ask(self, member: Member, new: NewRequest, once: bytes, also: Noted | None = None) -> Request:
        """Ask for help; the same `once` again gives what it asked. `also` is a part of the unit. Raises CannotHelp."""
        return await self._store.write(self._ask, member.no, new, once, also)

    def _ask(self, tx: Tx, member_no: int, new: NewRequest, once: bytes, also: Noted | None) -> Request:
        known = request_by_once(tx, once)
        if known is not None:
            return known
        member = member_by_no(tx, member_no)
        if member is None or not member.may_trade:
            raise CannotHelp(Why.PAUSED)
        if count_open_of(tx, member_no) >= HELP_OPEN_MAX:
            raise CannotHelp(Why.TOO_MANY)
        no = put_request(tx, member_no, new, once, self._clock.now_ms())
        if also is not None:
            also(tx)
        return self._existing(tx, no)

    async def take_back(self, member: Member, no: int, also: Noted | None = None) -> None:
        """Let whoever asked take it back. Raises CannotHelp, LookupError: no request of theirs."""
        await self._store.write(self._by_asker, member, no, HelpEvent.TAKE_BACK, also)

    async def done(self, member: Member, no: int, also: Noted | None = None) -> None:
        """Note that somebody came and helped, by whoever asked. Raises CannotHelp, LookupError."""
        await self._store.write(self._by_asker, member, no, HelpEvent.DONE, also)

    async def another(self, member: Member, no: int, also: Noted | None = None) -> None:
        """Let whoever asked wish for somebody else to come. Raises CannotHelp, LookupError."""
        await self._store.write(self._by_asker, member, no, HelpEvent.ANOTHER, also)

    def _by_asker(self, tx: Tx, member: Member, no: int, event: HelpEvent, also: Noted | None) -> None:
        request = self._existing(tx, no)
        if request.member_no != member.no:
            raise LookupError(f"request {no}")
        self._step(tx, request, event, HelpHand.ASKER)
        if also is not None:
            also(tx)

    # --- helpers ----------------------------------------------------------------------------------------------

    async def answer(
        self, helper: Member, no: int, event: HelpEvent, said: str = "", also: Noted | None = None
    ) -> None:
        """Let a helper say yes or no, or that they cannot come after all.

        Raises:
            CannotHelp: nothing was changed.
            LookupError: nobody asked them.
        """
        await self._store.write(self._answer, helper.no, no, event, said, also)

    def _answer(
        self, tx: Tx, helper_no: int, no: int, event: HelpEvent, said: str, also: Noted | None
    ) -> None:
        request, helper = self._existing(tx, no), member_by_no(tx, helper_no)
        if helper is None or helper_no not in answers_to(tx, no):
            raise LookupError(f"request {no}")
        if event is HelpEvent.SAY_YES:
            if not helper.may_trade:
                raise CannotHelp(Why.PAUSED)
            self._must_be_checked(tx, request, helper)  # it may have ended since they were asked
        self._step(tx, request, event, HelpHand.HELPER, helper, said=said)
        if also is not None:
            also(tx)

    # --- organisers -------------------------------------------------------------------------------------------

    async def bring(self, by: Actor, no: int, helper_no: int) -> None:
        """Bring a request to a helper. Raises CannotHelp, LookupError, NotAllowed."""
        by.must_organise()
        await self._store.write(self._bring, by, no, helper_no)

    def _bring(self, tx: Tx, by: Actor, no: int, helper_no: int) -> None:
        request, helper = self._existing(tx, no), member_by_no(tx, helper_no)
        if helper is None:
            raise LookupError(f"member {helper_no}")
        if helper_no == request.member_no:
            raise CannotHelp(Why.OWN)
        asker = member_by_no(tx, request.member_no)
        if not helper.may_trade or asker is None or not asker.may_trade:
            raise CannotHelp(Why.PAUSED)
        self._must_be_checked(tx, request, helper)
        answers = answers_to(tx, no)
        if sum(answer.state is AnswerState.ASKED for answer in answers.values()) >= HELP_ASKED_MAX:
            raise CannotHelp(Why.ENOUGH)
        self._step(tx, request, HelpEvent.ASK_HELPER, HelpHand.ORGANISER, helper)
        # On the helper's record: who was asked and did not come is not for whoever asked.
        detail = f"{HelpEvent.ASK_HELPER.value} {no}"
        note_act(tx, by, Deed.HELP, now_ms=self._clock.now_ms(), for_no=helper_no, detail=detail)

    async def close(self, by: Actor, no: int, words: str) -> None:
        """Close a request, with a reason that whoever asked reads. Raises CannotHelp, LookupError, NotAllowed."""
        by.must_organise()
        await self._store.write(self._by_organiser, by, no, HelpEvent.CLOSE, words)

    async def settle(self, by: Actor, no: int, event: HelpEvent) -> None:
        """Note for whoever asked that help came, or that somebody else should. Raises CannotHelp, LookupError, NotAllowed."""
        by.must_organise()
        if event not in (HelpEvent.DONE, HelpEvent.ANOTHER):
            raise CannotHelp(Why.CHANGED)
        await self._store.write(self._by_organiser, by, no, event, "")

    def _by_organiser(self, tx: Tx, by: Actor, no: int, event: HelpEvent, words: str) -> None:
        request = self._existing(tx, no)
        if words:
            note_outcome(tx, no, words)
        self._step(tx, request, event, HelpHand.ORGANISER, said=words)
        self._note(tx, by, request, event.value, words)

    def _note(self, tx: Tx, by: Actor, request: Request, detail: str, why: str = "") -> None:
        now_ms = self._clock.now_ms()
        note_act(tx, by, Deed.HELP, now_ms=now_ms, for_no=request.member_no, detail=detail, why=why)

    # --- what all of them share ---------------------------------------------------------------------------------

    def leave_in(self, tx: Tx, member: Member) -> None:
        """Unit: end what somebody asked for and promised who leaves."""
        for request in requests_of(tx, member.no):
            if request.state in OPEN:
                self._step(tx, request, HelpEvent.TAKE_BACK, HelpHand.ASKER)
        for request, answer in brought_to(tx, member.no):
            if request.state not in OPEN:
                continue
            if answer is AnswerState.ASKED:
                self._step(tx, request, HelpEvent.SAY_NO, HelpHand.HELPER, member)
            elif answer is AnswerState.YES:
                self._step(tx, request, HelpEvent.CALL_OFF, HelpHand.HELPER, member)

    def _existing(self, tx: Tx, no: int) -> Request:
        request = request_by_no(tx, no)
        if request is None:
            raise LookupError(f"request {no}")
        return request

    def _must_be_checked(self, tx: Tx, request: Request, helper: Member) -> None:
        today = local(self._clock.now_ms(), self._zone).date()
        if request.checked_only and helper_until(tx, helper, self._settings.now, today) is None:
            raise CannotHelp(Why.NOT_CHECKED)

    def _step(
        self, tx: Tx, request: Request, event: HelpEvent, hand: HelpHand, helper: Member | None = None, *, said: str = ""
    ) -> None:  # fmt: skip
        before = help_in(tx, request)
        about = helper.no if helper is not None else before.helper
        try:
            after, changed = help_step(before, event, hand, about)
        except OutOfOrder:
            raise CannotHelp(Why.CHANGED) from None
        note_help(tx, request, after, changed, self._clock.now_ms(), said=said)
        self._tell_helpers(tx, request, event, changed)
        self._tell_asker(tx, request, event, helper, said)

    def _tell_helpers(
        self, tx: Tx, request: Request, event: HelpEvent, changed: Mapping[int, AnswerState]
    ) -> None:
        for no, answer in changed.items():
            helper = member_by_no(tx, no)
            if helper is None or answer not in (AnswerState.ASKED, AnswerState.OVER):
                continue
            settings, speaks = self._settings.now, helper.language
            if answer is AnswerState.ASKED:
                lines = care_texts.please_help_lines(
                    settings, speaks, request.what, request.when, request.place
                )
            elif event is HelpEvent.SAY_YES:
                lines = care_texts.somebody_comes_lines(settings, speaks, request.what)
            else:
                lines = care_texts.not_needed_lines(settings, speaks, request.what)
            self._telling.told_or_noted(tx, helper, lines, f"/my/help/{request.no}")

    def _tell_asker(
        self, tx: Tx, request: Request, event: HelpEvent, helper: Member | None, said: str
    ) -> None:
        asker = member_by_no(tx, request.member_no)
        if asker is None:
            return
        settings, speaks, what = self._settings.now, asker.language, request.what
        match event:
            case HelpEvent.SAY_YES if helper is not None:
                lines = care_texts.comes_lines(settings, speaks, helper.name, what, said)
            case HelpEvent.CALL_OFF if helper is not None:
                lines = care_texts.cannot_come_lines(settings, speaks, helper.name, what, said)
            case HelpEvent.CLOSE:
                lines = care_texts.closed_lines(settings, speaks, what, said)
            case _:
                return
        self._telling.told_or_noted(tx, asker, lines, f"/my/help/{request.no}")
