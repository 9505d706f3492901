"""What two organisers can be asked to want, why it is not done, and how the record names it. Source: docs/protocol.md 6.9."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from node.services.acts import Deed
from node.services.members import number_text
from protocol.names import SchemeId, scheme_text


class Kind(StrEnum):
    """What can be asked for."""

    FREE = "free"  # about a trade's number: what it set aside goes from the member to the chest
    WRITE_OFF = "write-off"  # about a neighbour: hours it owes are booked as lost
    ERASE = "erase"  # about the number of a member who has left: what is held about them is erased
    DEPOSIT = "deposit"  # about a booking's number: its owner keeps what they ask for of the deposit
    PLEDGE = "pledge"  # about a request's number: the same, of a thing of another scheme
    STEP = "second-step"  # about the number of a member: they log in without the second step they lost
    FEE = "fee"  # about a rule's number: it begins, and members owe by it
    CHEST = "chest"  # about the number of what the chest is to give a member
    SILENCE = "silence"  # about a number of days: silence counts as a yes to a request for payment after them
    CLOSE = "close"  # about `closing_down.Plan`: the scheme closes
    GO_ON = "go-on"  # about a neighbour: the line goes on in a new epoch, from the debt that both agreed on


class CannotAct(Exception):
    """Why it is not done now; nothing changed. The reason is one of `Why`."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


class Why(StrEnum):
    """Why something is not done."""

    CHANGED = "changed"  # it is as the page said no more
    ASKER = "asker"  # you asked: another organiser confirms
    NEW = "new"  # you are at the desk, or were let in by another, for less than a week
    ALONE = "alone"  # nobody else is at the desk: after a week
    TOO_EARLY = "too-early"  # less than 14 days late
    TOO_MUCH = "too-much"  # more than they owe
    CAP = "cap"  # more than may be written off in a year
    TRADING = "trading"  # stop trading with them first
    APART = "apart"  # what both hold of the line is not known to be the same now
    PARTY = "party"  # it is about you
    OWN_STEP = "own-step"  # it is your own second step
    ORGANISERS = "organisers"  # two organisers decide, whatever else somebody does at the desk
    LATE = "late"  # its first day is too soon: members must know before
    CHEST_EMPTY = "chest-empty"  # more than the chest has
    NO_OFFER = "no-offer"  # the other side writes first, and has not written this


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Something one organiser asked for."""

    no: int
    kind: Kind
    about: bytes
    amount: int
    asked_by: int
    asked_ms: int
    asker: str

    @property
    def frees(self) -> bool:
        """Whether somebody is to be freed whose trade is stuck."""
        return self.kind is Kind.FREE

    @property
    def trade_no(self) -> int:
        """The trade that a FREE is about."""
        return int.from_bytes(self.about, "big")

    @property
    def number(self) -> int:
        """What a FEE, CHEST, PLEDGE (its request) or SILENCE (its days) is about."""
        return int.from_bytes(self.about, "big")

    @property
    def booking_no(self) -> int:
        """The booking that a DEPOSIT is about."""
        return int.from_bytes(self.about, "big")

    @property
    def member_no(self) -> int:
        """The member that an ERASE or a STEP is about."""
        return int.from_bytes(self.about, "big")


DEEDS: Final[Mapping[Kind, Deed]] = {
    Kind.FREE: Deed.FREED, Kind.WRITE_OFF: Deed.WRITTEN_OFF, Kind.GO_ON: Deed.NEIGHBOUR, Kind.ERASE: Deed.ERASED,
    Kind.DEPOSIT: Deed.DEPOSIT, Kind.PLEDGE: Deed.DEPOSIT, Kind.FEE: Deed.FEE, Kind.CHEST: Deed.FEE, Kind.STEP: Deed.SECOND_STEP,
    Kind.CLOSE: Deed.SETTINGS, Kind.SILENCE: Deed.SETTINGS,
}  # fmt: skip


def named(kind: Kind, about: bytes) -> str:
    """Return what something asked for is about, for the record."""
    match kind:
        case Kind.WRITE_OFF | Kind.GO_ON:
            return scheme_text(SchemeId(about))
        case Kind.CLOSE:
            return "closing"
        case Kind.SILENCE:
            return f"silence counts after {int.from_bytes(about, 'big')} days"
        case Kind.DEPOSIT:
            return f"booking {int.from_bytes(about, 'big')}"
        case Kind.PLEDGE:
            return f"request {int.from_bytes(about, 'big')}"
        case Kind.FEE:
            return f"fee {int.from_bytes(about, 'big')}"
        case Kind.CHEST:
            return f"chest {int.from_bytes(about, 'big')}"
        case Kind.FREE:
            return f"trade {int.from_bytes(about, 'big')}"
        case Kind.ERASE | Kind.STEP:
            return f"member {number_text(int.from_bytes(about, 'big'))}"
