"""Deciding together: something is put, talked about, voted on, counted at its closing moment, and written into minutes.

What may be done is decided in `protocol/proposal.py`, in the unit that records it and by the clock of this node; the one writer
takes votes one after the other. What is secret is forgotten when it is counted. Source: docs/protocol.md 5.13; docs/pages.md 7.2.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from node.clock import Chance, Clock
from node.services.circle_telling import CircleTelling
from node.services.members import Member
from node.services.proposal_rows import (
    Place,
    Proposal,
    ProposalKey,
    count_open,
    counted,
    due,
    electorate,
    place_of,
    proposal_by_key,
    proposal_by_once,
    roll_of,
)
from node.store import ReadTx, Store, Tx
from node.store.schema import proposals as schema
from protocol.errors import OutOfOrder
from protocol.limits import PROPOSAL_COMMENTS_MAX, PROPOSALS_OPEN_MAX
from protocol.proposal import OF_GROUP, Event, Motion, State, Voters, put, step

LOOK_EVERY_S: Final = 60.0

_P: Final = schema.proposal.c
_V: Final = schema.voter.c
_C: Final = schema.proposal_comment.c
_MI: Final = schema.minutes.c
_NEW: Final = insert(schema.proposal)
_ENTITLED: Final = insert(schema.voter)
_STATE: Final = (
    update(schema.proposal).where(_P.no == bindparam("which")).values(state=bindparam("new_state"))
)
_VOTE: Final = (
    update(schema.voter)
    .where(_V.proposal_no == bindparam("which"), _V.member_no == bindparam("who"))
    .values(choice=bindparam("new_choice"), at_ms=bindparam("now"))
)
_FORGET: Final = update(schema.voter).where(_V.proposal_no == bindparam("which")).values(choice=None)
_ON_ROLL: Final = select(_V.member_no).where(
    _V.proposal_no == bindparam("which"), _V.member_no == bindparam("who")
)
_OPEN_NOW: Final = _P.state == literal_column(f"'{State.OPEN.value}'")
_OFF_ROLL: Final = delete(schema.voter).where(_V.member_no == bindparam("who"))
_OFF_GROUP: Final = _OFF_ROLL.where(
    _V.proposal_no.in_(select(_P.no).where(_OPEN_NOW, _P.circle_no == bindparam("circle_no")))
)
_OFF_KEEPERS: Final = _OFF_ROLL.where(
    _V.proposal_no.in_(
        select(_P.no).where(
            _OPEN_NOW,
            _P.circle_no == bindparam("circle_no"),
            _P.voters == literal_column(f"'{Voters.KEEPERS.value}'"),
        )
    )
)
_OFF_ORGANISERS: Final = _OFF_ROLL.where(
    _V.proposal_no.in_(
        select(_P.no).where(_OPEN_NOW, _P.voters == literal_column(f"'{Voters.ORGANISERS.value}'"))
    )
)
_OFF_ALL: Final = _OFF_ROLL.where(_V.proposal_no.in_(select(_P.no).where(_OPEN_NOW)))
_SAID: Final = insert(schema.proposal_comment)
_SAID_BEFORE: Final = select(_C.no).where(_C.once == bindparam("once"))
_COMMENTS: Final = (
    select(func.count()).select_from(schema.proposal_comment).where(_C.proposal_no == bindparam("which"))
)
_MINUTES: Final = insert(schema.minutes)
_WORDS: Final = (
    update(schema.minutes)
    .where(_MI.proposal_no == bindparam("which"), _MI.words_ms.is_(None))
    .values(words=bindparam("new_words"), words_by_no=bindparam("by"), words_ms=bindparam("now"))
)
_OF_CIRCLE: Final = select(_P.no).where(_P.circle_no == bindparam("which"))
_GONE: Final = (
    *[
        delete(each).where(each.c.proposal_no.in_(_OF_CIRCLE))
        for each in (schema.voter, schema.proposal_comment, schema.minutes)
    ],
    delete(schema.proposal).where(_P.circle_no == bindparam("which")),
)


class Why(StrEnum):
    """Why something was not done; nothing changed."""

    NOT_YOURS = "not-yours"
    NOT_NOW = "not-now"
    SO_MANY = "so-many"  # as much is put, or was said, as there may be


class CannotDecide(Exception):
    """An honest no."""

    def __init__(self, why: Why):
        super().__init__(why.value)
        self.why: Final = why


class Proposals:
    """See the head of this file."""

    def __init__(self, *, store: Store, clock: Clock, chance: Chance, telling: CircleTelling):
        self._store: Final = store
        self._telling: Final = telling
        self._clock: Final = clock
        self._chance: Final = chance

    async def put(
        self, by: Member, circle_no: int | None, title: str, text: str, motion: Motion, once: bytes
    ) -> ProposalKey:  # fmt: skip
        """Put something to the vote, in a group or among the organisers; the same `once` puts it once.

        Raises:
            LookupError: no such group. CannotDecide. InvalidValue: it closes in the past, or too far ahead.
        """
        return await self._store.write(self._put, by, circle_no, title, text, motion, once)

    def _put(
        self, tx: Tx, by: Member, circle_no: int | None, title: str, text: str, motion: Motion, once: bytes
    ) -> ProposalKey:
        if (known := proposal_by_once(tx, once)) is not None:
            return known.key
        place, now_ms = place_of(tx, circle_no, by), self._clock.now_ms()
        if place is None:
            raise LookupError("no such group")
        if not place.puts or (motion.voters in OF_GROUP) is (circle_no is None):
            raise CannotDecide(Why.NOT_YOURS)
        put(motion, now_ms)
        self.close_due_in(tx)
        if count_open(tx, circle_no) >= PROPOSALS_OPEN_MAX:
            raise CannotDecide(Why.SO_MANY)
        key = ProposalKey(self._chance.bytes(16))
        no = tx.insert(
            _NEW, key=key, circle_no=circle_no, author_no=by.no, title=title, text=text, options="\n".join(motion.options),
            voters=motion.voters.value, secret=motion.secret, quorum=motion.quorum, closes_ms=motion.closes, state=State.OPEN.value,
            once=once, created_ms=now_ms,
        )  # fmt: skip
        roll = electorate(tx, motion.voters, circle_no)
        tx.many(
            _ENTITLED,
            [{"proposal_no": no, "member_no": each, "choice": None, "at_ms": None} for each in roll],
        )
        made = proposal_by_key(tx, key)
        assert made is not None
        self._telling.vote_begins(tx, made, roll)
        return key

    async def vote(self, key: ProposalKey, by: Member, choice: str) -> None:
        """Vote, or vote otherwise: one vote each, and the last before the closing moment counts.

        Raises:
            LookupError: no such proposal. CannotDecide: not on its roll, or not now. ValueError: nothing one can vote.
        """
        await self._store.write(self._vote, key, by, choice)

    def _vote(self, tx: Tx, key: ProposalKey, by: Member, choice: str) -> None:
        proposal, _ = self._found(tx, key, by)
        if choice not in proposal.motion.choices:
            raise ValueError(choice)
        if tx.one(_ON_ROLL, which=proposal.no, who=by.no) is None:
            raise CannotDecide(Why.NOT_YOURS)
        self._step(proposal, Event.VOTED)
        tx.run(_VOTE, which=proposal.no, who=by.no, new_choice=choice, now=self._clock.now_ms())

    async def withdraw(self, key: ProposalKey, by: Member) -> None:
        """Withdraw a proposal before it closes: whoever put it, a keeper of the group, an organiser. Raises LookupError, CannotDecide."""
        await self._store.write(self._withdraw, key, by)

    def _withdraw(self, tx: Tx, key: ProposalKey, by: Member) -> None:
        proposal, place = self._found(tx, key, by)
        if not place.leads and proposal.author_no != by.no:
            raise CannotDecide(Why.NOT_YOURS)
        then = self._step(proposal, Event.WITHDREW)
        tx.run(_STATE, which=proposal.no, new_state=then.value)
        tx.run(_FORGET, which=proposal.no)

    async def say(self, key: ProposalKey, by: Member, text: str, once: bytes) -> None:
        """Say something about a proposal; the same `once` says it once. Raises LookupError, CannotDecide."""
        await self._store.write(self._say, key, by, text, once)

    def _say(self, tx: Tx, key: ProposalKey, by: Member, text: str, once: bytes) -> None:
        proposal, place = self._found(tx, key, by)
        if not place.puts and tx.one(_ON_ROLL, which=proposal.no, who=by.no) is None:
            raise CannotDecide(Why.NOT_YOURS)
        if tx.one(_SAID_BEFORE, once=once) is not None:
            return
        if not proposal.is_open(self._clock.now_ms()):
            raise CannotDecide(Why.NOT_NOW)
        if tx.scalar(_COMMENTS, which=proposal.no) >= PROPOSAL_COMMENTS_MAX:
            raise CannotDecide(Why.SO_MANY)
        tx.insert(
            _SAID, proposal_no=proposal.no, member_no=by.no, text=text, once=once, created_ms=self._clock.now_ms(), removed_ms=None,
            removed_by_no=None, reason="",
        )  # fmt: skip

    async def minute(self, key: ProposalKey, by: Member, words: str) -> None:
        """Add words to the minutes, once; they stay. Raises LookupError, CannotDecide."""
        await self._store.write(self._minute, key, by, words)

    def _minute(self, tx: Tx, key: ProposalKey, by: Member, words: str) -> None:
        self.close_due_in(tx)
        proposal, place = self._found(tx, key, by)
        if not place.leads:
            raise CannotDecide(Why.NOT_YOURS)
        then = self._step(proposal, Event.MINUTED)
        tx.run(_STATE, which=proposal.no, new_state=then.value)
        tx.run(_WORDS, which=proposal.no, new_words=words, by=by.no, now=self._clock.now_ms())

    # --- closing ----------------------------------------------------------------------------------------------

    async def close_due(self) -> None:
        """Count what has closed and write its minutes: a job; pages meanwhile show what it will write."""
        if await self._store.read(due, self._clock.now_ms()):
            await self._store.write(self.close_due_in)

    def close_due_in(self, tx: Tx) -> None:
        """Unit: the same, before anything in this unit could change who counts."""
        for proposal in due(tx, self._clock.now_ms()):
            roll = roll_of(tx, proposal.no)
            found = counted(proposal, roll)
            then = self._step(proposal, Event.CLOSED)
            tx.run(_STATE, which=proposal.no, new_state=then.value)
            tx.run(
                _MINUTES, proposal_no=proposal.no, at_ms=proposal.motion.closes, entitled=found.entitled, voted=found.voted,
                votes=json.dumps(found.votes), outcome=found.outcome.value, winner=found.winner, words="", words_by_no=None,
                words_ms=None,
            )  # fmt: skip
            if proposal.motion.secret:
                tx.run(_FORGET, which=proposal.no)
            self._telling.vote_over(tx, proposal, found, [each.member_no for each in roll])

    # --- leaving ----------------------------------------------------------------------------------------------

    def left_group_in(self, tx: Tx, circle_no: int, member_no: int) -> None:
        """Unit: somebody is not in a group any more: off the roll of what is put there, with their vote. Source: 5.13."""
        self.close_due_in(tx)
        tx.run(_OFF_GROUP, who=member_no, circle_no=circle_no)

    def keeps_no_more_in(self, tx: Tx, circle_no: int, member_no: int) -> None:
        """Unit: somebody keeps a group no longer: off the roll of what its keepers vote on."""
        self.close_due_in(tx)
        tx.run(_OFF_KEEPERS, who=member_no, circle_no=circle_no)

    def organises_no_more_in(self, tx: Tx, member_no: int) -> None:
        """Unit: somebody is no organiser any more: off the roll of what these vote on."""
        self.close_due_in(tx)
        tx.run(_OFF_ORGANISERS, who=member_no)

    def leave_in(self, tx: Tx, member_no: int) -> None:
        """Unit: somebody leaves the scheme: off every roll."""
        self.close_due_in(tx)
        tx.run(_OFF_ALL, who=member_no)

    def group_gone_in(self, tx: Tx, circle_no: int) -> None:
        """Unit: nobody is left in a group: what was put there goes with it."""
        for statement in _GONE:
            tx.run(statement, which=circle_no)

    def _found(self, tx: ReadTx, key: ProposalKey, by: Member) -> tuple[Proposal, Place]:
        proposal = proposal_by_key(tx, key)
        place = None if proposal is None else place_of(tx, proposal.circle_no, by, proposal.motion.voters)
        if proposal is None or place is None or not place.reads:
            raise LookupError("no such proposal, or not theirs to read")
        return proposal, place

    def _step(self, proposal: Proposal, event: Event) -> State:
        try:
            return step(proposal.state, event, proposal.motion, self._clock.now_ms())
        except OutOfOrder:
            raise CannotDecide(Why.NOT_NOW) from None
