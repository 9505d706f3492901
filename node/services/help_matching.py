"""Who could help with what somebody asks for: checked helpers first, then who can do it, then who lives near. Queries.

Source: docs/pages.md 7.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import select

from node.services.folding import fold
from node.services.help_rows import Request, answers_to
from node.services.helper_rows import checked_helpers
from node.services.members import MAY_TRADE, MEMBER_COLUMNS, Member, folded_name, member_of_row
from node.services.profiles import Skills, skills_of
from node.services.search import km_between
from node.services.settings import SchemeSettings
from node.store import ReadTx
from node.store.schema import people as people_schema
from protocol.helping import AnswerState

SHOWN_MAX: Final = 20

_M: Final = people_schema.member.c
_MAY_HELP: Final = (
    select(*MEMBER_COLUMNS)
    .where(_M.state.in_(sorted(state.value for state in MAY_TRADE)))
    .order_by(_M.folded, _M.no)
)
_AGAIN: Final = frozenset({AnswerState.NO, AnswerState.OVER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """Somebody who could be asked."""

    member: Member
    until: date | None  # for how long they are a checked helper
    can: bool  # whether they say that they can do this kind of thing
    skills: Skills
    km: int | None
    refused: bool  # asked before, and not coming


def fitting_helpers(
    tx: ReadTx, request: Request, asker: Member, settings: SchemeSettings, today: date, called: str = ""
) -> list[Fitting]:  # fmt: skip
    """Return who could be asked, the best first; `called` looks for a part of a name or a number.

    Nobody is left out for living far away or not having said what they can do: organisers know more than the list.
    """
    helpers, answers, found = checked_helpers(tx, settings, today), answers_to(tx, request.no), []
    for row in tx.all(_MAY_HELP):
        member = member_of_row(row)
        answer = answers.get(member.no)
        if member.no == asker.no or (answer is not None and answer.state not in _AGAIN):
            continue
        until = helpers.get(member.no)
        if request.checked_only and until is None:
            continue
        if called and fold(called) not in folded_name(member.name, member.no):
            continue
        skills = skills_of(tx, member.no)
        found.append(
            Fitting(
                member=member,
                until=until,
                can=_can(skills, request.category),
                skills=skills,
                km=None
                if member.spot is None
                else km_between(asker.spot, member.spot.north, member.spot.east),
                refused=answer is not None,
            )
        )
    return sorted(found, key=_order)[:SHOWN_MAX]


def _can(skills: Skills, category: str) -> bool:
    return bool(category) and any(
        each == category or each.startswith(f"{category}-") for each in skills.ticked
    )


def _order(one: Fitting) -> tuple[bool, bool, bool, bool, int, str]:
    far = one.km is None
    return one.refused, one.until is None, not one.can, far, one.km or 0, one.member.name
