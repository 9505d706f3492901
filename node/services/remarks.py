"""What was said about a proposal is taken back by whoever said it, or taken off by an organiser to whom it was reported.

Saying something is in `proposals.py`, reporting it in `reports.py`. Source: docs/protocol.md 5.13; docs/pages.md 7.2.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, update

from node.clock import Clock
from node.services.acts import Actor, Deed, NotAllowed, note_act
from node.services.members import Member
from node.services.proposal_rows import ProposalKey, Remark, may_read, proposal_by_key, remark_by_no
from node.store import Store, Tx
from node.store.schema import proposals as schema

_C: Final = schema.proposal_comment.c
_GONE: Final = delete(schema.proposal_comment).where(_C.no == bindparam("which"))
_OFF: Final = (
    update(schema.proposal_comment)
    .where(_C.no == bindparam("which"))
    .values(removed_ms=bindparam("now"), removed_by_no=bindparam("by"), reason=bindparam("why"))
)


class Remarks:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock):
        self._store: Final = store
        self._clock: Final = clock

    async def take_back(self, key: ProposalKey, no: int, by: Member) -> None:
        """Take back what one said oneself: it is gone.

        Raises:
            LookupError: it is not there, or not theirs to read. NotAllowed: somebody else said it.
        """
        await self._store.write(self._take_back, key, no, by)

    def _take_back(self, tx: Tx, key: ProposalKey, no: int, by: Member) -> None:
        proposal, remark = proposal_by_key(tx, key), remark_by_no(tx, no)
        if proposal is None or remark is None or remark.proposal_no != proposal.no:
            raise LookupError("nobody said so")
        if not may_read(tx, proposal, by):
            raise LookupError("not theirs to read")
        if remark.member_no != by.no:
            raise NotAllowed(by.name)
        tx.run(_GONE, which=no)

    def take_off_in(self, tx: Tx, remark: Remark, by: Actor, reason: str) -> None:
        """Unit: an organiser takes off what was reported; whoever said it alone goes on reading it, with the reason."""
        now_ms = self._clock.now_ms()
        tx.run(_OFF, which=remark.no, now=now_ms, by=by.no, why=reason)
        note_act(tx, by, Deed.GROUP, now_ms=now_ms, for_no=remark.member_no, why=reason)
