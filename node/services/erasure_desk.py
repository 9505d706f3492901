"""What erasing takes of what organisers entered from paper and were to tell, and of what was to be written: a part of `erasure.py`. Source: docs/protocol.md 3.1."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.sql.dml import UpdateBase

from node.store.schema import alerts as alerts_schema
from node.store.schema import books as books_schema
from node.store.schema import calendars as calendars_schema
from node.store.schema import desk as schema
from node.store.schema import people as people_schema

_B: Final = schema.cheque_batch.c
_R: Final = schema.cheque_row.c
_N: Final = schema.paper_note.c
_T: Final = books_schema.trade.c
_TRADES_OF: Final = select(_T.no).where(
    or_(_T.payer_no == bindparam("which"), _T.payee_no == bindparam("which"))
)

# By the member's number.
DESK_OF_MEMBER: Final[tuple[UpdateBase, ...]] = (
    update(schema.cheque_row)
    .where(or_(_R.payer_no == bindparam("which"), _R.payee_no == bindparam("which")))
    .values(what=""),
    update(schema.cheque_row).where(_R.by_no == bindparam("which")).values(by_name=""),
    update(schema.cheque_batch).where(_B.by_no == bindparam("which")).values(by_name=""),
    update(people_schema.session)
    .where(people_schema.session.c.acting_no == bindparam("which"))
    .values(acting_no=None, acting_how=None, acting_why=None, acting_until_ms=None),
    delete(schema.paper_note).where(or_(_N.member_no == bindparam("which"), _N.by_no == bindparam("which"))),
    *[
        delete(each).where(each.c.member_no == bindparam("which"))
        for each in (
            alerts_schema.saved_search,
            alerts_schema.search_hit,
            alerts_schema.mail_wish,
            alerts_schema.weekly_mail,
            calendars_schema.calendar_feed,
        )
    ],
    # What waits in anybody's weekly mail may name them; it is on the pages too.
    delete(alerts_schema.mail_news).where(alerts_schema.mail_news.c.at_ms >= 0 * bindparam("which")),
)
# By the number of their account.
DESK_OF_ACCOUNT: Final[tuple[UpdateBase, ...]] = (
    delete(schema.paper_note).where(_N.trade_no.in_(_TRADES_OF)),
)
