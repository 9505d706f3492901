"""Proposals in the store: as values, how they are found, who votes on them, and their minutes. What is done is in `proposals.py`.

Source: docs/protocol.md 5.13.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NewType

from sqlalchemy import bindparam, func, literal_column, select

from node.services.acts import ORGANISERS
from node.services.circle_rows import circle_by_no, people_of
from node.services.members import Member
from node.services.members import State as MemberState
from node.store import ReadTx
from node.store.schema import circles as circles_schema
from node.store.schema import people as people_schema
from node.store.schema import proposals as schema
from node.store.statements import Row
from protocol.circle import INSIDE, Standing, reads
from protocol.limits import DAY_MS
from protocol.proposal import Count, Motion, Outcome, State, Voters, count

ProposalKey = NewType("ProposalKey", bytes)  # 16 random bytes: a proposal's name in addresses

DECIDED_NEWS_MS: Final = 7 * DAY_MS  # how long a first page says that something was decided

_P: Final = schema.proposal.c
_V: Final = schema.voter.c
_C: Final = schema.proposal_comment.c
_MI: Final = schema.minutes.c
_M: Final = people_schema.member.c
_CI: Final = circles_schema.circle_person.c
_COLUMNS: Final = (
    _P.no, _P.key, _P.circle_no, _P.author_no, _P.title, _P.text, _P.options, _P.voters, _P.secret, _P.quorum, _P.closes_ms,
    _P.state, _P.created_ms,
)  # fmt: skip
_BY_KEY: Final = select(*_COLUMNS).where(_P.key == bindparam("key"))
_BY_NO: Final = select(*_COLUMNS).where(_P.no == bindparam("no"))
_BY_ONCE: Final = select(*_COLUMNS).where(_P.once == bindparam("once"))
_OF_CIRCLE: Final = select(*_COLUMNS).where(_P.circle_no == bindparam("circle_no")).order_by(_P.no.desc())
# Of the organisers; with `all` also what only they vote on.
_OF_CORE: Final = (
    select(*_COLUMNS)
    .where(
        _P.circle_no.is_(None),
        (bindparam("all") == 1) | (_P.voters == literal_column(f"'{Voters.MEMBERS.value}'")),
    )
    .order_by(_P.no.desc())
)
_COUNT_OPEN: Final = (
    select(func.count())
    .select_from(schema.proposal)
    .where(
        func.coalesce(_P.circle_no, 0) == bindparam("circle_no"),
        _P.state == literal_column(f"'{State.OPEN.value}'"),
    )
)
_DUE: Final = select(*_COLUMNS).where(
    _P.state == literal_column(f"'{State.OPEN.value}'"), _P.closes_ms <= bindparam("now")
)
# What somebody may still vote on.
_TO_VOTE: Final = (
    select(*_COLUMNS)
    .select_from(schema.proposal.join(schema.voter, _V.proposal_no == _P.no))
    .where(
        _V.member_no == bindparam("member_no"),
        _V.at_ms.is_(None),
        _P.state == literal_column(f"'{State.OPEN.value}'"),
        _P.closes_ms > bindparam("now"),
    )
    .order_by(_P.closes_ms)
)
# What was decided since, of that on which somebody could vote.
_DECIDED_SINCE: Final = (
    select(*_COLUMNS, _MI.at_ms, _MI.entitled, _MI.voted, _MI.votes, _MI.outcome, _MI.winner)
    .select_from(
        schema.proposal.join(schema.voter, _V.proposal_no == _P.no).join(
            schema.minutes, _MI.proposal_no == _P.no
        )
    )
    .where(_V.member_no == bindparam("member_no"), _MI.at_ms > bindparam("since"))
    .order_by(_MI.at_ms.desc())
)
_ROLL: Final = (
    select(_V.member_no, _M.name, _V.choice, _V.at_ms)
    .select_from(schema.voter.join(people_schema.member, _V.member_no == _M.no))
    .where(_V.proposal_no == bindparam("proposal_no"))
    .order_by(_M.folded, _M.no)
)
_BY: Final = people_schema.member.alias("by")
_ALL_COMMENTS: Final = select(
    _C.no, _C.proposal_no, _C.member_no, _M.name, _C.text, _C.created_ms, _C.removed_ms, _BY.c.name, _C.reason
).select_from(
    schema.proposal_comment.join(people_schema.member, _C.member_no == _M.no).outerjoin(
        _BY, _C.removed_by_no == _BY.c.no
    )
)
_COMMENTS: Final = _ALL_COMMENTS.where(_C.proposal_no == bindparam("proposal_no")).order_by(_C.no)
_COMMENT: Final = _ALL_COMMENTS.where(_C.no == bindparam("no"))
_MINUTES: Final = (
    select(_MI.at_ms, _MI.entitled, _MI.voted, _MI.votes, _MI.outcome, _MI.winner, _MI.words, _M.name, _MI.words_ms)
    .select_from(schema.minutes.outerjoin(people_schema.member, _MI.words_by_no == _M.no))
    .where(_MI.proposal_no == bindparam("proposal_no"))
)  # fmt: skip
_HERE: Final = _M.state != literal_column(f"'{MemberState.LEFT.value}'")
_ALL_MEMBERS: Final = select(_M.no).where(_HERE)
_ALL_ORGANISERS: Final = select(_M.no).where(_HERE, _M.role.in_(sorted(ORGANISERS)))
_IN_CIRCLE: Final = select(_CI.member_no).where(
    _CI.circle_no == bindparam("circle_no"), _CI.standing.in_([each.value for each in INSIDE])
)
_KEEPING: Final = select(_CI.member_no).where(
    _CI.circle_no == bindparam("circle_no"), _CI.standing == literal_column(f"'{Standing.KEEPER.value}'")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Something put to the vote."""

    no: int
    key: ProposalKey
    circle_no: int | None  # None: the organisers put it
    author_no: int
    title: str
    text: str
    motion: Motion
    state: State
    created_ms: int

    def is_open(self, now_ms: int) -> bool:
        """Tell whether one can vote on it."""
        return self.state is State.OPEN and now_ms < self.motion.closes


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One name on the roll."""

    member_no: int
    name: str
    choice: str | None  # None: not yet, or no more known
    at_ms: int | None  # None: not yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes:
    """What was written down when a vote closed."""

    at_ms: int
    count: Count
    words: str
    words_by: str
    words_ms: int | None


@dataclass(frozen=True, slots=True)
class Decided:
    """Something that was decided, and what was counted."""

    proposal: Proposal
    count: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What somebody said about a proposal."""

    no: int
    proposal_no: int
    member_no: int
    name: str
    text: str
    created_ms: int
    removed_ms: int | None  # taken off: then only whoever said it reads it
    removed_by: str
    reason: str


def _proposal(row: Row) -> Proposal:
    no, key, circle_no, author_no, title, text, options, voters, secret, quorum, closes, state, created_ms = (
        row
    )
    motion = Motion(
        voters=Voters(voters), options=tuple(options.split("\n")) if options else (), secret=bool(secret), quorum=quorum, closes=closes
    )  # fmt: skip
    return Proposal(
        no=no, key=ProposalKey(key), circle_no=circle_no, author_no=author_no, title=title, text=text, motion=motion,
        state=State(state), created_ms=created_ms,
    )  # fmt: skip


def proposal_by_key(tx: ReadTx, key: ProposalKey) -> Proposal | None:
    """Return the proposal of that name in addresses."""
    row = tx.one(_BY_KEY, key=key)
    return None if row is None else _proposal(row)


def proposal_by_no(tx: ReadTx, no: int) -> Proposal | None:
    """Return the proposal of that number, whoever may read it."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _proposal(row)


def proposal_by_once(tx: ReadTx, once: bytes) -> Proposal | None:
    """Return what a form's key put."""
    row = tx.one(_BY_ONCE, once=once)
    return None if row is None else _proposal(row)


def proposals_of(tx: ReadTx, circle_no: int) -> list[Proposal]:
    """Return what was put in a group, the newest first."""
    return [_proposal(row) for row in tx.all(_OF_CIRCLE, circle_no=circle_no)]


def proposals_of_core(tx: ReadTx, *, organises: bool) -> list[Proposal]:
    """Return what organisers put, the newest first; for others what every member votes on."""
    return [_proposal(row) for row in tx.all(_OF_CORE, all=int(organises))]


def count_open(tx: ReadTx, circle_no: int | None) -> int:
    """Return how much is put and not decided, in a group or by the organisers."""
    return int(tx.scalar(_COUNT_OPEN, circle_no=circle_no or 0))


def due(tx: ReadTx, now_ms: int) -> list[Proposal]:
    """Return what has to be counted now."""
    return [_proposal(row) for row in tx.all(_DUE, now=now_ms)]


def to_vote(tx: ReadTx, member_no: int, now_ms: int) -> list[Proposal]:
    """Return what somebody may vote on and did not yet, what closes first first."""
    found = [_proposal(row) for row in tx.all(_TO_VOTE, member_no=member_no, now=now_ms)]
    for each in found:
        tx.holds_until(each.motion.closes)
    return found


def roll_of(tx: ReadTx, proposal_no: int) -> list[Vote]:
    """Return who may vote, by name, and what was voted."""
    return [
        Vote(member_no=no, name=name, choice=choice, at_ms=at_ms)
        for no, name, choice, at_ms in tx.all(_ROLL, proposal_no=proposal_no)
    ]


def remarks_of(tx: ReadTx, proposal_no: int) -> list[Remark]:
    """Return what was said about a proposal, in order, also what was taken off."""
    return [_remark(row) for row in tx.all(_COMMENTS, proposal_no=proposal_no)]


def remark_by_no(tx: ReadTx, no: int) -> Remark | None:
    """Return one thing that was said, whoever may read it."""
    row = tx.one(_COMMENT, no=no)
    return None if row is None else _remark(row)


def _remark(row: Row) -> Remark:
    no, proposal_no, member_no, name, text, created_ms, removed_ms, removed_by, reason = row
    return Remark(
        no=no, proposal_no=proposal_no, member_no=member_no, name=name, text=text, created_ms=created_ms, removed_ms=removed_ms,
        removed_by=removed_by or "", reason=reason,
    )  # fmt: skip


def counted(proposal: Proposal, roll: list[Vote]) -> Count:
    """Return what the votes on a roll come to."""
    return count(proposal.motion, len(roll), [each.choice for each in roll if each.choice is not None])


def _count(entitled: int, voted: int, votes: str, outcome: str, winner: str) -> Count:
    told = tuple((choice, num) for choice, num in json.loads(votes))
    return Count(entitled=entitled, voted=voted, votes=told, outcome=Outcome(outcome), winner=winner)


def decided_lately(tx: ReadTx, member_no: int, now_ms: int) -> list[Decided]:
    """Return what was decided in the last days of that on which somebody could vote, the newest first."""
    found = []
    for row in tx.all(_DECIDED_SINCE, member_no=member_no, since=now_ms - DECIDED_NEWS_MS):
        *proposal, at_ms, entitled, voted, votes, outcome, winner = row
        tx.holds_until(at_ms + DECIDED_NEWS_MS)
        found.append(Decided(_proposal(tuple(proposal)), _count(entitled, voted, votes, outcome, winner)))
    return found


def minutes_of(tx: ReadTx, proposal: Proposal, now_ms: int) -> Minutes | None:
    """Return the minutes: as written, or, where the moment has come and nothing was written yet, as they will be."""
    row = tx.one(_MINUTES, proposal_no=proposal.no)
    if row is None:
        if proposal.state is not State.OPEN or proposal.is_open(now_ms):
            return None
        found = counted(proposal, roll_of(tx, proposal.no))
        return Minutes(at_ms=proposal.motion.closes, count=found, words="", words_by="", words_ms=None)
    at_ms, entitled, voted, votes, outcome, winner, words, words_by, words_ms = row
    found = _count(entitled, voted, votes, outcome, winner)
    return Minutes(at_ms=at_ms, count=found, words=words, words_by=words_by or "", words_ms=words_ms)


# --- Who may -------------------------------------------------------------------------------------------------


def electorate(tx: ReadTx, voters: Voters, circle_no: int | None) -> list[int]:
    """Return who may vote on something put now."""
    match voters:
        case Voters.GROUP:
            rows = tx.all(_IN_CIRCLE, circle_no=circle_no)
        case Voters.KEEPERS:
            rows = tx.all(_KEEPING, circle_no=circle_no)
        case Voters.ORGANISERS:
            rows = tx.all(_ALL_ORGANISERS)
        case Voters.MEMBERS:
            rows = tx.all(_ALL_MEMBERS)
    return [no for (no,) in rows]


@dataclass(frozen=True, slots=True)
class Place:
    """What somebody is to a group, or to the organisers where the group is none."""

    reads: bool
    puts: bool  # may put something, and talk about it
    leads: bool  # may withdraw what others put, and adds words to minutes


def place_of(tx: ReadTx, circle_no: int | None, member: Member, voters: Voters | None = None) -> Place | None:
    """Return what somebody is where something was put; None if that group is gone. Source: 5.13."""
    if circle_no is None:
        return Place(member.at_desk or voters is Voters.MEMBERS, member.at_desk, member.at_desk)
    known = circle_by_no(tx, circle_no)
    if known is None:
        return None
    circle = people_of(tx, known)
    standing = circle.standing_of(member.no)
    return Place(reads(circle, member.no), standing in INSIDE, standing is Standing.KEEPER)


def may_read(tx: ReadTx, proposal: Proposal, member: Member) -> bool:
    """Tell whether somebody reads a proposal and all that belongs to it. Source: 5.13."""
    place = place_of(tx, proposal.circle_no, member, proposal.motion.voters)
    return place is not None and place.reads


def names_of(roll: list[Vote]) -> Mapping[int, str]:
    """Return what everybody on a roll is called, by member."""
    return {each.member_no: each.name for each in roll}
