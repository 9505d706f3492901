"""An organiser does something for a member: begun with a reason, bounded in time, every act on the record, the member told.

What may be done so is for the pages to say (`web/app.py`); who is signed in stays the organiser. The note of an act, and what
tells the member, are written in the unit that does it. Source: docs/pages.md 0.9, 7.3; docs/protocol.md 3.5.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeVar

from sqlalchemy import bindparam, update

from node.clock import Clock
from node.services.acts import Actor, Deed, NotAllowed, Work, note_act
from node.services.behalf import Behalf, How, may_act_for
from node.services.members import existing
from node.services.sessions import token_digest
from node.services.telling import Telling
from node.services.trades import Trade
from node.store import Store, Tx
from node.store.schema import people as schema
from protocol.limits import HOUR_MS

ACTING_MS: Final = HOUR_MS  # nobody forgets for longer whose pages they have before them
T = TypeVar("T")

_S: Final = schema.session.c
_BEGIN: Final = (
    update(schema.session)
    .where(_S.token == bindparam("which"), _S.member_no == bindparam("whose"))
    .values(
        acting_no=bindparam("new_no"), acting_how=bindparam("new_how"), acting_why=bindparam("new_why"),
        acting_until_ms=bindparam("until"),
    )
)  # fmt: skip


class Did(StrEnum):
    """What was done with a listing, or a request."""

    PUBLISHED = "published"
    CHANGED = "changed"
    HIDDEN = "hidden"
    SHOWN = "shown"
    KEPT = "kept"
    TAKEN_DOWN = "taken-down"
    SAID_NO = "said-no"
    HELP_ASKED = "help-asked"
    HELP_TAKEN_BACK = "help-taken-back"
    HELP_DONE = "help-done"
    HELP_ANOTHER = "help-another"
    HELP_YES = "help-yes"
    HELP_NO = "help-no"
    HELP_OFF = "help-off"


class Acting:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, telling: Telling):
        self._store: Final = store
        self._clock: Final = clock
        self._telling: Final = telling

    async def begin(self, by: Actor, token: str, no: int, how: How, why: str) -> None:
        """Let the browser whose cookie is `token` act for member `no`, for an hour. Raises NotAllowed, Unable."""
        by.must_do(Work.PEOPLE)
        await self._store.write(self._begin, by, token, no, how, why)

    def _begin(self, tx: Tx, by: Actor, token: str, no: int, how: How, why: str) -> None:
        assert by.no is not None, "signed in"
        if not may_act_for(existing(tx, by.no), existing(tx, no)):
            raise NotAllowed(by.name)
        now_ms = self._clock.now_ms()
        tx.run(
            _BEGIN, which=token_digest("session", token), whose=by.no, new_no=no, new_how=how.value, new_why=why,
            until=now_ms + ACTING_MS,
        )  # fmt: skip
        note_act(tx, by, Deed.ACTING, now_ms=now_ms, for_no=no, detail=how.value, why=why)

    async def end(self, by: Actor, token: str) -> None:
        """Let that browser be its owner's again."""
        await self._store.write(self._end, by, token)

    def _end(self, tx: Tx, by: Actor, token: str) -> None:
        tx.run(
            _BEGIN, which=token_digest("session", token), whose=by.no, new_no=None, new_how=None, new_why=None, until=None
        )  # fmt: skip

    # --- the record of each act: parts of the unit that does it --------------------------------------------------

    def of_trade(self, behalf: Behalf, payee: str) -> Callable[[Tx, Trade], None]:
        """Return what notes a trade that was entered for its payer, and tells them."""

        def note(tx: Tx, trade: Trade) -> None:
            self._note(tx, behalf, trade.text)
            self._telling.paid_for(tx, behalf, trade, payee=payee)

        return note

    def of(self, behalf: Behalf, did: Did, what: str) -> Callable[[Tx], None]:
        """Return what notes any other act, and tells the member."""

        def note(tx: Tx) -> None:
            self._note(tx, behalf, f"{did.value}: {what}")
            self._telling.done_for(tx, behalf, did.value, what)

        return note

    def _note(self, tx: Tx, behalf: Behalf, detail: str) -> None:
        now_ms = self._clock.now_ms()
        note_act(
            tx,
            behalf.by,
            Deed.ACTED,
            now_ms=now_ms,
            for_no=behalf.member.no,
            detail=detail,
            why=behalf.reason,
        )

    async def do(self, behalf: Behalf, did: Did, what: str, unit: Callable[[Tx], T]) -> T:
        """Do `unit` for a member, with the note of it in the same transaction; whatever it raises, nothing was done."""
        return await self._store.write(self._do, unit, self.of(behalf, did, what))

    def _do(self, tx: Tx, unit: Callable[[Tx], T], note: Callable[[Tx], None]) -> T:
        done = unit(tx)
        note(tx)
        return done
