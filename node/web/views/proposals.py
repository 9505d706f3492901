"""Deciding together: what is put, one proposal with its vote and its minutes, and putting one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.events import CommentItem
from node.web.views.page import Empty, Fact, Link, Option, Pill, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """One proposal in a list."""

    href: str
    title: str
    when: str  # "Vote until the end of Friday 6 March 2026", "Closed on …"
    result: str  # "Agreed: 7 yes, 2 no"; "" before it closes
    state: Pill | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalsView(View):
    """GET /decisions and /groups/{key}/decisions"""

    TEMPLATE: ClassVar[str] = "member/decisions.html"
    PLACE: ClassVar[Place] = "home"

    whose: str  # "Bread and yeast", or the scheme's name
    back: Link
    new_href: str  # "" for who puts nothing here
    running: tuple[ProposalRow, ...]
    past: tuple[ProposalRow, ...]
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalFormView(View):
    """GET /decisions/new. Fields: title, text, way, options, day, voters, secret, quorum."""

    TEMPLATE: ClassVar[str] = "member/decision_form.html"
    PLACE: ClassVar[Place] = "home"

    form: Filled
    group: str  # in addresses; "" for the organisers
    voters: tuple[Option, ...]
    once: str
    back: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView(View):
    """GET /decisions/{key}. Fields: choice; text; words."""

    TEMPLATE: ClassVar[str] = "member/decision.html"
    PLACE: ClassVar[Place] = "home"

    back: Link
    title: str
    state: Pill
    paragraphs: tuple[str, ...]
    options: tuple[str, ...]
    facts: tuple[Fact, ...]
    base: str
    # the vote
    choices: tuple[Option, ...]  # empty for who cannot vote, or not now
    vote: str  # "You voted: yes. You can change it until it closes."; why not, for who cannot
    # the minutes
    result: str  # "Agreed."; "" before it closes
    counts: tuple[Fact, ...]
    names: tuple[Fact, ...]  # of an open vote: who voted how
    minutes: tuple[str, ...]
    minutes_by: str
    may_minute: bool
    comments: tuple[CommentItem, ...]
    may_say: bool
    may_withdraw: bool
    once: str
    choice_form: Filled = EMPTY
    say_form: Filled = EMPTY
    words_form: Filled = EMPTY
