"""What erasing takes of help: what was checked, what was asked for, and what was said to it. A part of `erasure.py`. Source: docs/protocol.md 3.1."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.sql.dml import UpdateBase

from node.store.schema import care as schema
from node.store.schema import people as people_schema

_C: Final = schema.helper_check.c
_R: Final = schema.help_request.c
_A: Final = schema.help_answer.c
_T: Final = schema.token_act.c
_M: Final = people_schema.member.c
_REQUESTS_OF: Final = select(_R.no).where(_R.member_no == bindparam("which"))

# By the member's number.
CARE_OF_MEMBER: Final[tuple[UpdateBase, ...]] = (
    delete(schema.helper_check).where(_C.member_no == bindparam("which")),
    update(schema.helper_check).where(_C.by_no == bindparam("which")).values(by_name=""),
    update(schema.token_act).where(_T.member_no == bindparam("which")).values(who="", text=""),
    # By the name, as trades know who entered them: so this comes before the name goes.
    update(schema.token_act)
    .where(_T.by_name == select(_M.name).where(_M.no == bindparam("which")).scalar_subquery())
    .values(by_name=""),
    # What either side said; that somebody was asked and came stays, with the numbers.
    update(schema.help_answer)
    .where(or_(_A.request_no.in_(_REQUESTS_OF), _A.helper_no == bindparam("which")))
    .values(said=""),
    update(schema.help_request)
    .where(_R.member_no == bindparam("which"))
    .values(what="", when_said="", place="", category="", outcome=""),
    update(schema.helper_check).where(_C.withdrawn_no == bindparam("which")).values(withdrawn_by=""),
)
