"""What erasing takes of groups: a part of `erasure.py`. Source: docs/protocol.md 3.1, 5.12.

What a group is called and for is the group's own; whoever has left is in none any more. What was decided is the group's too,
with its minutes; votes, what was said, and what never came to a decision go (decision 44).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.sql.dml import UpdateBase

from node.store.schema import circle_accounts as accounts_schema
from node.store.schema import circles as schema
from node.store.schema import proposals as proposals_schema
from node.store.schema import things as things_schema
from protocol.proposal import State

_N: Final = schema.circle_note.c
_R: Final = schema.circle_reply.c
_P: Final = schema.circle_person.c
_GIVING: Final = accounts_schema.circle_giving.c
_NOTES_BY: Final = select(_N.no).where(_N.member_no == bindparam("which"))
_PR: Final = proposals_schema.proposal.c
_UNDECIDED: Final = select(_PR.no).where(
    _PR.author_no == bindparam("which"), _PR.state.in_([State.OPEN.value, State.WITHDRAWN.value])
)

# By the member's number: what they wrote goes, with what was answered below it, and their reasons for taking off.
CIRCLES_OF_MEMBER: Final[tuple[UpdateBase, ...]] = (
    delete(schema.circle_reply).where(or_(_R.member_no == bindparam("which"), _R.note_no.in_(_NOTES_BY))),
    delete(schema.circle_note).where(_N.member_no == bindparam("which")),
    *[
        update(each).where(each.c.removed_by_no == bindparam("which")).values(removed_by_no=None, reason="")
        for each in (schema.circle_note, schema.circle_reply, proposals_schema.proposal_comment)
    ],
    delete(things_schema.thing_owner).where(things_schema.thing_owner.c.member_no == bindparam("which")),
    update(accounts_schema.circle_giving)
    .where(or_(_GIVING.by_no == bindparam("which"), _GIVING.payee_no == bindparam("which")))
    .values(text=""),
    delete(accounts_schema.circle_treasurer).where(
        accounts_schema.circle_treasurer.c.member_no == bindparam("which")
    ),
    delete(schema.circle_person).where(_P.member_no == bindparam("which")),
    *[
        delete(each).where(or_(each.c.proposal_no.in_(_UNDECIDED), each.c.member_no == bindparam("which")))
        for each in (proposals_schema.voter, proposals_schema.proposal_comment)
    ],
    delete(proposals_schema.proposal).where(_PR.no.in_(_UNDECIDED)),
)
