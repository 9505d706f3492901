"""For whom an organiser acts now, and how their word came. Source: docs/pages.md 0.9, 7.3."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from node.services.acts import Actor, Role, Work, may_do
from node.services.members import MAY_SIGN_IN, Member


class How(enum.StrEnum):
    """How a member's word reached the organiser."""

    PHONE = "phone"
    DESK = "desk"
    LETTER = "letter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behalf:
    """An organiser who acts for a member, for a while."""

    by: Actor
    member: Member
    how: How
    why: str  # in the organiser's words; may be empty
    until_ms: int

    @property
    def actor(self) -> Actor:
        """The member, by the organiser's hand: no more than a member, whoever it is."""
        return Actor(no=self.member.no, name=self.by.name, role=Role.MEMBER, proof="broker")

    @property
    def reason(self) -> str:
        """How and why, as the record keeps it."""
        return f"{self.how.value}: {self.why}" if self.why else self.how.value


def may_act_for(organiser: Member, member: Member) -> bool:
    """Tell whether an organiser may act for a member now: never for themselves, and only admins for other organisers."""
    return (
        organiser.at_desk
        and may_do(organiser.role, Work.PEOPLE)
        and member.no != organiser.no
        and member.state in MAY_SIGN_IN
        and (not member.organises or organiser.role is Role.ADMIN)
    )
