"""Who acts, and the record of what organisers do for and about others. Source: docs/pages.md 0.9, 7.3."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, insert, select

from node.store import ReadTx, Tx
from node.store.schema import people as schema
from node.store.statements import Row
from protocol.entry import Words
from protocol.limits import ENTRY_NAME_BYTES_MAX, ENTRY_REASON_BYTES_MAX, ENTRY_TEXT_BYTES_MAX


class Role(enum.StrEnum):
    """What a member may do beyond trading."""

    MEMBER = "member"
    BROKER = "broker"  # looks after members: applications, ways to log in, paper, acting for somebody
    TREASURER = "treasurer"  # looks after chest and fees
    AUDITOR = "auditor"  # reads what organisers read, and changes nothing
    ORGANISER = "organiser"
    ADMIN = "admin"


class Work(enum.StrEnum):
    """What there is to do at the desk that not only organisers do."""

    PEOPLE = "people"
    MONEY = "money"


ORGANISERS: Final = frozenset({Role.ORGANISER, Role.ADMIN})
_MAY_ALSO: Final = {Role.BROKER: Work.PEOPLE, Role.TREASURER: Work.MONEY}


def may_do(role: Role, work: Work) -> bool:
    """Tell whether a role does this kind of work."""
    return role in ORGANISERS or _MAY_ALSO.get(role) is work


class Deed(enum.StrEnum):
    """What was done."""

    WELCOMED = "welcomed"
    DECLINED = "declined"
    ADDED = "added"
    IMPORTED = "imported"  # from a file
    PIN = "pin"
    LINK = "link"
    LIMITS = "limits"
    PAUSED = "paused"
    RESUMED = "resumed"
    ROLE = "role"
    PROFILE = "profile"
    ACTING = "acting"
    ACTED = "acted"
    SIGNED_OUT = "signed-out"
    SECOND_STEP = "second-step"
    SETTINGS = "settings"
    RATE = "rate"
    NEIGHBOUR = "neighbour"
    CORRECTION = "correction"
    LISTING = "listing"
    FREED = "freed"
    WRITTEN_OFF = "written-off"
    LEFT = "left"
    ERASED = "erased"
    CHEQUE = "cheque"
    TOLD = "told"
    DEPOSIT = "deposit"
    EVENT = "event"
    GROUP = "group"
    BACKUP = "backup"  # one was made by hand
    REHEARSAL = "rehearsal"  # a backup was tried
    CHECKED = "checked"  # something about a helper
    UNCHECKED = "unchecked"
    HELP = "help"  # that a member asked for
    TOKENS = "tokens"
    FEE = "fee"


class NotAllowed(Exception):
    """Somebody asked for what only organisers may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something now. `no` is None at the command line of the node."""

    no: int | None
    name: str
    role: Role
    proof: str = "system"  # a word of the ledger's PROOFS

    @property
    def organises(self) -> bool:
        """Whether this is an organiser."""
        return self.role in ORGANISERS

    def must_organise(self) -> None:
        """Raises NotAllowed unless this is an organiser."""
        if not self.organises:
            raise NotAllowed(self.name)

    def must_do(self, work: Work) -> None:
        """Raises NotAllowed unless this is an organiser, or somebody with that part at the desk."""
        if not may_do(self.role, work):
            raise NotAllowed(self.name)

    def must_administer(self) -> None:
        """Raises NotAllowed unless this is an admin."""
        if self.role is not Role.ADMIN:
            raise NotAllowed(self.name)

    def words(self, text: str, *, on_behalf_of: str | None = None, why: str = "") -> Words:
        """Return the erasable half of an entry that this act makes."""
        acting = on_behalf_of is not None and self.no is not None
        return Words(
            text=clip(text, ENTRY_TEXT_BYTES_MAX),
            done_by=clip(self.name, ENTRY_NAME_BYTES_MAX),
            on_behalf_of=None if on_behalf_of is None else clip(on_behalf_of, ENTRY_NAME_BYTES_MAX),
            proved_by="broker" if acting else self.proof,
            reason=clip(why or text, ENTRY_REASON_BYTES_MAX) if acting else clip(why, ENTRY_REASON_BYTES_MAX),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who enters a trade, as its entry says it: its payer, or an organiser for them (3.5)."""

    entered_by: str
    proved_by: str
    on_behalf_of: str | None = None
    reason: str = ""


# Whoever can start commands on the node's own machine.
OPERATOR: Final = Actor(no=None, name="command line", role=Role.ADMIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One line of the record."""

    at_ms: int
    by_name: str
    for_no: int | None
    deed: Deed
    detail: str
    why: str


_NEW: Final = insert(schema.act)
_A: Final = schema.act.c
_COLUMNS: Final = (_A.at_ms, _A.by_name, _A.for_no, _A.what, _A.detail, _A.why)
_OF: Final = (
    select(*_COLUMNS).where(_A.for_no == bindparam("no")).order_by(_A.no.desc()).limit(bindparam("most"))
)
_NEWEST: Final = select(*_COLUMNS).order_by(_A.no.desc()).limit(bindparam("most"))


def note_act(
    tx: Tx, by: Actor, deed: Deed, *, now_ms: int, for_no: int | None = None, detail: str = "", why: str = ""
) -> None:
    """Record an act; a part of the unit that does it."""
    tx.run(
        _NEW,
        at_ms=now_ms,
        by_no=by.no,
        by_name=by.name,
        for_no=for_no,
        what=deed.value,
        detail=detail,
        why=why,
    )


def acts_for(tx: ReadTx, no: int, most: int = 20) -> list[Act]:
    """Return what was done for or about the member `no`, newest first."""
    return [_act(row) for row in tx.all(_OF, no=no, most=most)]


def newest_acts(tx: ReadTx, most: int = 50) -> list[Act]:
    """Return what was done last, newest first."""
    return [_act(row) for row in tx.all(_NEWEST, most=most)]


def _act(row: Row) -> Act:
    at_ms, by_name, for_no, what, detail, why = row
    return Act(at_ms=at_ms, by_name=by_name, for_no=for_no, deed=Deed(str(what)), detail=detail, why=why)


def clip(text: str, bytes_max: int) -> str:
    """Return as much of `text` as fits into `bytes_max` bytes of UTF-8, without a torn letter."""
    return text.encode()[:bytes_max].decode(errors="ignore")
