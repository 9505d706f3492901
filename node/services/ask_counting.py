"""Whose silence may count as a yes at all, and what the clock does while somebody is away. Source: docs/protocol.md 3.11."""

from __future__ import annotations

from node.services.members import Member, State
from node.services.telling import Telling


def may_count(payer: Member, telling: Telling) -> bool:
    """Tell whether the silence of a member may count: mail reaches them, and they may trade."""
    return payer.may_trade and telling.has_mail(payer)


def away_until(member: Member) -> int | None:
    """Return until when a member is away, None for whoever is not."""
    return member.away_until if member.state is State.AWAY else None
