"""What organisers check about members who help: recorded, withdrawn with a reason, and reminded of before it ends.

Nothing ends by an act: a check counts up to its last day, and whoever reads asks the day. Source: docs/pages.md 7.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, insert, update

from node.clock import Clock
from node.mail.care_texts import check_ends_lines, organiser_check_ends_lines
from node.services.acts import Actor, Deed, NotAllowed, note_act
from node.services.folding import fold
from node.services.helper_rows import (
    Check,
    check_by_no,
    checks_of,
    needed_checks,
    other_checks,
    running_checks,
)
from node.services.members import State, existing, member_by_no
from node.services.settings import Settings
from node.services.telling import Telling
from node.store import Store, Tx
from node.store.schema import care as schema
from node.web.dates import local

REMIND_DAYS: Final = 30  # before a check ends
YEARS_MAX: Final = 10  # that a check may count
LISTED_MAX: Final = 12  # things on each of the scheme's two lists
WHAT_CHARACTERS_MAX: Final = 60
NOTE_CHARACTERS_MAX: Final = 200

_C: Final = schema.helper_check.c
_NEW: Final = insert(schema.helper_check)
_WITHDRAWN: Final = (
    update(schema.helper_check)
    .where(_C.no == bindparam("which"))
    .values(
        withdrawn_ms=bindparam("now"), withdrawn_no=bindparam("new_no"), withdrawn_by=bindparam("by"),
        withdrawn_why=bindparam("why"),
    )
)  # fmt: skip
_REMINDED: Final = update(schema.helper_check).where(_C.no == bindparam("which")).values(reminded=True)


class Why(StrEnum):
    """Why something was not done; nothing changed."""

    NOT_LISTED = "not-listed"  # the scheme's list has no such check
    TO_COME = "to-come"  # it says that it was checked on a day to come
    ENDED = "ended"  # its last day is over, or before the day of the check
    TOO_LONG = "too-long"
    LEFT = "left"  # the member has left
    WITHDRAWN = "withdrawn"  # already
    EMPTY_LIST = "empty-list"


class CannotCheck(Exception):
    """An honest no: nothing was changed."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCheck:
    """What an organiser saw."""

    member_no: int
    what: str
    checked: date
    until: date
    note: str = ""


class Helpers:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, settings: Settings, telling: Telling, zone: tzinfo):
        self._store: Final = store
        self._clock: Final = clock
        self._settings: Final = settings
        self._telling: Final = telling
        self._zone: Final = zone

    def today(self) -> date:
        """Return the day it is where the scheme lives."""
        return local(self._clock.now_ms(), self._zone).date()

    async def record(self, by: Actor, new: NewCheck) -> Check:
        """Write down what was checked; the same again gives what stands. Raises CannotCheck, NotAllowed, Unable."""
        by.must_organise()
        if by.no is None or by.no == new.member_no:
            raise NotAllowed(by.name)  # somebody who is on the record, and nobody about themselves
        return await self._store.write(self._record, by, new)

    def _record(self, tx: Tx, by: Actor, new: NewCheck) -> Check:
        settings, today = self._settings.now, self.today()
        listed = {fold(each): each for each in (*needed_checks(settings), *other_checks(settings))}
        what = listed.get(fold(new.what))
        if what is None:
            raise CannotCheck(Why.NOT_LISTED)
        if new.checked > today:
            raise CannotCheck(Why.TO_COME)
        if new.until < max(today, new.checked):
            raise CannotCheck(Why.ENDED)
        if new.until.year - new.checked.year > YEARS_MAX:
            raise CannotCheck(Why.TOO_LONG)
        if existing(tx, new.member_no).state is State.LEFT:
            raise CannotCheck(Why.LEFT)
        for known in checks_of(tx, new.member_no):
            if (known.what, known.checked, known.until, known.withdrawn_ms) == (
                what,
                new.checked,
                new.until,
                None,
            ):
                return known  # sent twice
        now_ms = self._clock.now_ms()
        no = tx.insert(
            _NEW, member_no=new.member_no, what=what, by_no=by.no, by_name=by.name, checked=new.checked.isoformat(),
            until=new.until.isoformat(), note=new.note, entered_ms=now_ms, withdrawn_ms=None, withdrawn_no=None, withdrawn_by="",
            withdrawn_why="", reminded=False,
        )  # fmt: skip
        detail = f"{what}, {new.until.isoformat()}"
        note_act(tx, by, Deed.CHECKED, now_ms=now_ms, for_no=new.member_no, detail=detail, why=what)
        made = check_by_no(tx, no)
        assert made is not None
        return made

    async def withdraw(self, by: Actor, no: int, why: str) -> Check:
        """Let a check count no longer, from now on. Raises CannotCheck, NotAllowed, LookupError."""
        by.must_organise()
        return await self._store.write(self._withdraw, by, no, why)

    def _withdraw(self, tx: Tx, by: Actor, no: int, why: str) -> Check:
        check = check_by_no(tx, no)
        if check is None:
            raise LookupError(f"check {no}")
        if by.no == check.member_no:
            raise NotAllowed(by.name)
        if check.withdrawn_ms is not None:
            raise CannotCheck(Why.WITHDRAWN)
        now_ms = self._clock.now_ms()
        tx.run(_WITHDRAWN, which=no, now=now_ms, new_no=by.no, by=by.name, why=why)
        note_act(tx, by, Deed.UNCHECKED, now_ms=now_ms, for_no=check.member_no, detail=check.what, why=why)
        after = check_by_no(tx, no)
        assert after is not None
        return after

    async def set_lists(self, by: Actor, needed: Sequence[str], more: Sequence[str]) -> None:
        """Say what is checked here: what is needed, and what may be besides. Raises CannotCheck, NotAllowed."""
        lists = []
        for each in (needed, more):
            plain = [" ".join(what.split())[:WHAT_CHARACTERS_MAX].strip() for what in each]
            lists.append(tuple({fold(what): what for what in plain if what}.values())[:LISTED_MAX])
        if not lists[0]:
            raise CannotCheck(Why.EMPTY_LIST)
        await self._settings.change(by, helper_checks=lists[0], helper_checks_more=lists[1])

    # --- before it ends ----------------------------------------------------------------------------------------

    async def remind(self) -> None:
        """Tell members and organisers once of each check that ends within thirty days and was not made anew."""
        for check in await self._store.read(running_checks, self.today()):
            if not check.reminded and check.until - self.today() <= timedelta(days=REMIND_DAYS):
                await self._store.write(self._remind, check.no)

    def _remind(self, tx: Tx, no: int) -> None:
        check, today = check_by_no(tx, no), self.today()
        if check is None or check.reminded or not check.counts(today):
            return
        tx.run(_REMINDED, which=no)
        if made_anew(check, checks_of(tx, check.member_no), today):
            return
        member, by = member_by_no(tx, check.member_no), member_by_no(tx, check.by_no)
        if member is None or member.state is State.LEFT:
            return
        settings = self._settings.now
        lines = check_ends_lines(settings, member.language, check.what, check.until)
        self._telling.told_or_noted(tx, member, lines, "/my/checks")
        if by is not None and by.at_desk:
            lines = organiser_check_ends_lines(settings, by.language, member.name, check.what, check.until)
            self._telling.told(tx, by, lines, f"/desk/helpers/{member.no}")


def made_anew(check: Check, others: Sequence[Check], today: date) -> bool:
    """Tell whether the same was checked again and counts for longer."""
    return any(
        fold(each.what) == fold(check.what) and each.counts(today) and each.until > check.until
        for each in others
    )


def ending_soon(checks: Sequence[Check], today: date) -> list[Check]:
    """Return those of all checks that count which end within thirty days and were not made anew."""
    return [
        check
        for check in checks
        if check.until - today <= timedelta(days=REMIND_DAYS)
        and not made_anew(check, [each for each in checks if each.member_no == check.member_no], today)
    ]
