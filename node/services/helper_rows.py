"""What was checked about members who help, in the store: as values, and how they are found.

Who may read what: the checks are for organisers and the member; `helper_until` is all that others are told.
Source: docs/pages.md 7.6.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import bindparam, func, select

from node.mail.texts import words_of
from node.services.folding import fold
from node.services.members import Member, member_by_no
from node.services.settings import SchemeSettings
from node.store import ReadTx
from node.store.schema import care as schema
from node.store.statements import Row

_C: Final = schema.helper_check.c
COLUMNS: Final = (
    _C.no, _C.member_no, _C.what, _C.by_no, _C.by_name, _C.checked, _C.until, _C.note, _C.entered_ms, _C.withdrawn_ms,
    _C.withdrawn_by, _C.withdrawn_why, _C.reminded,
)  # fmt: skip
_BY_NO: Final = select(*COLUMNS).where(_C.no == bindparam("no"))
_OF_MEMBER: Final = select(*COLUMNS).where(_C.member_no == bindparam("member_no")).order_by(_C.no.desc())
_COUNTS: Final = (_C.withdrawn_ms.is_(None), _C.until >= bindparam("today"))
_RUNNING: Final = select(*COLUMNS).where(*_COUNTS).order_by(_C.until, _C.no)
_RUNNING_OF: Final = select(*COLUMNS).where(_C.member_no == bindparam("member_no"), *_COUNTS)
_ENDED: Final = (
    select(*COLUMNS)
    .where(_C.withdrawn_ms.is_(None), _C.until < bindparam("today"), _C.until >= bindparam("since"))
    .order_by(_C.until.desc(), _C.no)
)
_ANY: Final = select(func.count()).select_from(schema.helper_check)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was checked about a member."""

    no: int
    member_no: int
    what: str
    by_no: int
    by_name: str
    checked: date
    until: date  # the last day on which it counts
    note: str
    entered_ms: int
    withdrawn_ms: int | None
    withdrawn_by: str
    withdrawn_why: str
    reminded: bool

    def counts(self, today: date) -> bool:
        """Tell whether it counts on a day."""
        return self.withdrawn_ms is None and today <= self.until


def check_of(row: Row) -> Check:
    """Return the check in a row of COLUMNS."""
    (
        no, member_no, what, by_no, by_name, checked, until, note, entered_ms, withdrawn_ms, withdrawn_by, withdrawn_why,
        reminded,
    ) = row  # fmt: skip
    return Check(
        no=no, member_no=member_no, what=what, by_no=by_no, by_name=by_name, checked=date.fromisoformat(checked),
        until=date.fromisoformat(until), note=note, entered_ms=entered_ms, withdrawn_ms=withdrawn_ms,
        withdrawn_by=withdrawn_by, withdrawn_why=withdrawn_why, reminded=bool(reminded),
    )  # fmt: skip


# --- The scheme's own list ----------------------------------------------------------------------------------------


def needed_checks(settings: SchemeSettings) -> tuple[str, ...]:
    """Return what must be checked, all of it, before somebody is called a checked helper."""
    _ = words_of(settings).gettext
    return settings.helper_checks or (_("Identity seen"), _("References asked"))


def other_checks(settings: SchemeSettings) -> tuple[str, ...]:
    """Return what may be checked besides."""
    _ = words_of(settings).gettext
    standard = (_("Police or background check"), _("First aid course"), _("Driving licence"))
    return settings.helper_checks_more or standard


def until_when(checks: Iterable[Check], needed: Iterable[str], today: date) -> date | None:
    """Return until when somebody with these checks is a checked helper; None: is none today.

    Each thing that is needed counts until the last of its checks ends; the first of them that ends, ends the whole.
    """
    latest: dict[str, date] = {}
    for check in checks:
        if check.counts(today):
            latest[fold(check.what)] = max(check.until, latest.get(fold(check.what), date.min))
    ends = [latest.get(fold(each)) for each in needed]
    known = [each for each in ends if each is not None]
    return min(known) if known and len(known) == len(ends) else None


# --- Queries ------------------------------------------------------------------------------------------------------


def check_by_no(tx: ReadTx, no: int) -> Check | None:
    """Return a check, for organisers."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else check_of(row)


def checks_of(tx: ReadTx, member_no: int) -> list[Check]:
    """Return everything that was checked about a member, newest first, for organisers and the member."""
    return [check_of(row) for row in tx.all(_OF_MEMBER, member_no=member_no)]


def helper_until(tx: ReadTx, member: Member, settings: SchemeSettings, today: date) -> date | None:
    """Return until when a member is a checked helper, which anybody may know; None: is none today."""
    if not member.may_trade:
        return None
    rows = tx.all(_RUNNING_OF, member_no=member.no, today=today.isoformat())
    return until_when([check_of(row) for row in rows], needed_checks(settings), today)


def running_checks(tx: ReadTx, today: date) -> list[Check]:
    """Return every check that counts, those that end first in front."""
    return [check_of(row) for row in tx.all(_RUNNING, today=today.isoformat())]


def ended_checks(tx: ReadTx, today: date, since: date) -> list[Check]:
    """Return the checks that have run out by themselves since a day, the last in front."""
    return [check_of(row) for row in tx.all(_ENDED, today=today.isoformat(), since=since.isoformat())]


def checked_helpers(tx: ReadTx, settings: SchemeSettings, today: date) -> dict[int, date]:
    """Return who is a checked helper, by member number, and until when."""
    of_member: dict[int, list[Check]] = {}
    for check in running_checks(tx, today):
        of_member.setdefault(check.member_no, []).append(check)
    needed, found = needed_checks(settings), {}
    for no, checks in of_member.items():
        until, member = until_when(checks, needed, today), member_by_no(tx, no)
        if until is not None and member is not None and member.may_trade:
            found[no] = until
    return found


def has_checks(tx: ReadTx) -> bool:
    """Tell whether anything was ever checked here."""
    return bool(tx.scalar(_ANY))
