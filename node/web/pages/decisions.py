"""Deciding together: what is put and was decided, voting, talking about it, and the minutes.

Source: docs/pages.md 7.2; docs/protocol.md 5.13.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.circle_rows import CircleKey, Known, circle_by_key, circle_by_no
from node.services.members import Member, member_by_no
from node.services.proposal_rows import (
    Minutes,
    Place,
    Proposal,
    ProposalKey,
    Remark,
    Vote,
    minutes_of,
    place_of,
    proposal_by_key,
    proposals_of,
    proposals_of_core,
    remarks_of,
    roll_of,
)
from node.services.proposals import CannotDecide, Why
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, SpendForm, line, once_key, paragraphs
from node.web.pages.decision_words import (
    choice_options,
    choice_words,
    count_facts,
    facts_of,
    href_of,
    name_facts,
    proposal_row,
    result_words,
    state_pill,
)
from node.web.pages.group_words import base_of, off_words
from node.web.pages.recording import stopped
from node.web.present import name_of, paragraphs_of
from node.web.views.events import CommentItem
from node.web.views.page import Empty, Link
from node.web.views.proposals import ProposalsView, ProposalView
from protocol.limits import (
    MINUTES_CHARACTERS_MAX,
    PROPOSAL_COMMENT_CHARACTERS_MAX,
)
from protocol.proposal import State

KEY_BYTES: Final = 16


class VoteForm(Form):
    choice: line(8, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below


class SayForm(SpendForm):
    text: paragraphs(PROPOSAL_COMMENT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


class MinutesForm(Form):
    words: paragraphs(MINUTES_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


# --- The list -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """What was put in one place, and what the reader may do there."""

    group: Known | None
    place: Place
    rows: list[tuple[Proposal, Minutes | None]]


def hex_key(text: str) -> bytes:
    """Return the key that an address names. Raises NoSuchPage."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise NoSuchPage from None
    if len(key) != KEY_BYTES:
        raise NoSuchPage
    return key


def read_list(tx: ReadTx, group: bytes | None, me: Member, now_ms: int) -> Listed | None:
    """Query: what the reader finds of a group, or of the organisers; None for what they may not know of."""
    known = None if group is None else circle_by_key(tx, CircleKey(group))
    if group is not None and known is None:
        return None
    place = place_of(tx, None if known is None else known.no, me)
    if place is None or (known is not None and not place.reads):
        return None
    found = proposals_of_core(tx, organises=place.puts) if known is None else proposals_of(tx, known.no)
    return Listed(known, place, [(each, minutes_of(tx, each, now_ms)) for each in found])


async def decisions(context: Context) -> web.Response:
    """GET /decisions: what organisers put; for others what all members vote on."""
    return await _list(context, None)


async def group_decisions(context: Context) -> web.Response:
    """GET /groups/{key}/decisions"""
    return await _list(context, hex_key(context.part("key")))


async def _list(context: Context, group: bytes | None) -> web.Response:
    found = await context.read(read_list, group, context.member, context.now_ms)
    if found is None:
        raise NoSuchPage
    _, voice, known = context.words.gettext, context.voice, found.group
    rows = [(each, proposal_row(each, minutes, voice)) for each, minutes in found.rows]
    asked = "" if group is None else f"?group={group.hex()}"
    return context.show(
        ProposalsView(
            whose=context.settings.name if known is None else known.name,
            back=_back(context, known),
            new_href=f"/decisions/new{asked}" if found.place.puts else "",
            running=tuple(row for each, row in rows if each.is_open(context.now_ms)),
            past=tuple(row for each, row in rows if not each.is_open(context.now_ms)),
            empty=None if rows else Empty(text=_("Nothing was put to the vote yet.")),
        )
    )


def list_link(context: Context, known: Known | None) -> Link:
    """Return the way back to what a group, or the organisers, put to the vote."""
    href = "/decisions" if known is None else f"{base_of(known)}/decisions"
    return Link(text=context.words.gettext("Decisions"), href=href)


def _back(context: Context, known: Known | None) -> Link:
    if known is None:
        return Link(text=context.words.pgettext("menu", "Home"), href="/home")
    return Link(text=known.name, href=base_of(known))


# --- One proposal ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal that the reader may read, with everything that belongs to it."""

    proposal: Proposal
    group: Known | None
    place: Place
    author: Member | None
    roll: list[Vote]
    remarks: list[Remark]
    minutes: Minutes | None

    def mine(self, member: Member) -> Vote | None:
        """Return the reader's own line of the roll."""
        return next((each for each in self.roll if each.member_no == member.no), None)


def _read(tx: ReadTx, key: ProposalKey, me: Member, now_ms: int) -> Shown | None:
    proposal = proposal_by_key(tx, key)
    place = None if proposal is None else place_of(tx, proposal.circle_no, me, proposal.motion.voters)
    if proposal is None or place is None or not place.reads:
        return None
    return Shown(
        proposal,
        None if proposal.circle_no is None else circle_by_no(tx, proposal.circle_no),
        place,
        member_by_no(tx, proposal.author_no),
        roll_of(tx, proposal.no),
        remarks_of(tx, proposal.no),
        minutes_of(tx, proposal, now_ms),
    )


async def find_decision(context: Context) -> Shown:
    """Return the proposal of this address. Raises NoSuchPage, also for who may not read it."""
    key = ProposalKey(hex_key(context.part("key")))
    shown = await context.read(_read, key, context.member, context.now_ms)
    if shown is None:
        raise NoSuchPage
    return shown


async def decision(context: Context) -> web.Response:
    """GET /decisions/{key}"""
    return context.show(_view(context, await find_decision(context)))


def _view(
    context: Context, shown: Shown, choice: Filled = EMPTY, say: Filled = EMPTY, words: Filled = EMPTY
) -> ProposalView:
    proposal, voice, _ = shown.proposal, context.voice, context.words.gettext
    motion, minutes, mine = proposal.motion, shown.minutes, shown.mine(context.member)
    running = proposal.is_open(context.now_ms)
    author = _("somebody") if shown.author is None else name_of(shown.author, context.words)
    return ProposalView(
        back=list_link(context, shown.group),
        title=proposal.title,
        state=state_pill(proposal, minutes, voice),
        paragraphs=paragraphs_of(proposal.text),
        options=motion.options,
        facts=facts_of(proposal, author, shown.roll, voice),
        base=href_of(proposal),
        choices=choice_options(motion, voice) if running and mine is not None else (),
        vote=_vote_words(context, shown) if running else "",
        result="" if minutes is None else result_words(minutes.count, motion, voice),
        counts=() if minutes is None else count_facts(minutes.count, motion, voice),
        names=() if minutes is None or motion.secret else name_facts(motion, shown.roll, voice),
        minutes=() if minutes is None else paragraphs_of(minutes.words),
        minutes_by=_minutes_by(context, minutes),
        may_minute=shown.place.leads and minutes is not None and proposal.state is not State.MINUTED,
        comments=tuple(
            _comment(context, shown, each)
            for each in shown.remarks
            if each.removed_ms is None or each.member_no == context.member.no
        ),
        may_say=running and (shown.place.puts or mine is not None),
        may_withdraw=running and (shown.place.leads or proposal.author_no == context.member.no),
        once=context.once(),
        choice_form=choice if choice.errors or mine is None else Filled({"choice": mine.choice or ""}),
        say_form=say,
        words_form=words,
    )


def _comment(context: Context, shown: Shown, remark: Remark) -> CommentItem:
    own, base = remark.member_no == context.member.no, href_of(shown.proposal)
    return CommentItem(
        author=remark.name or context.words.gettext("somebody"),
        when=context.voice.lately(remark.created_ms),
        text=remark.text,
        no=str(remark.no) if own else "",
        off=off_words(remark.removed_ms, remark.removed_by, remark.reason, context.voice),
        report_href="" if own else f"{base}/report?said={remark.no}",
    )


def _vote_words(context: Context, shown: Shown) -> str:
    _, mine = context.words.gettext, shown.mine(context.member)
    if mine is None:
        return _("You are not among those who vote on this: who votes was written down when it was put.")
    if mine.choice is None:
        return _("You have one vote. You can change it until the vote ends.")
    said = {"choice": choice_words(mine.choice, shown.proposal.motion, context.voice)}
    return _("You voted: %(choice)s. You can change it until the vote ends.") % said


def _minutes_by(context: Context, minutes: Minutes | None) -> str:
    if minutes is None or minutes.words_ms is None:
        return ""
    said = {
        "name": minutes.words_by or context.words.gettext("somebody"),
        "day": context.voice.day(minutes.words_ms),
    }
    return context.words.gettext("Written by %(name)s on %(day)s") % said


def cannot(context: Context, no: CannotDecide, back: Link) -> web.Response:
    """Return the page that says why nothing was done."""
    _ = context.words.gettext
    match no.why:
        case Why.NOT_YOURS:
            sentence = _("You are not among those who do that here.")
        case Why.NOT_NOW:
            sentence = _("The vote has ended, or it was withdrawn. Look how it stands now.")
        case Why.SO_MANY:
            sentence = _("There is no more room here now. Wait until something is decided.")
    return context.show(stopped(context, _("This was not done"), sentence, action=back), 409)


def back_to_it(context: Context, shown: Shown) -> Link:
    """Return the way back to a proposal's page."""
    return Link(text=context.words.gettext("Back to the proposal"), href=href_of(shown.proposal))


async def _done(context: Context, shown: Shown, act: Awaitable[object], *, note: str) -> web.Response:
    """Do something about a proposal, and lead back to it. Raises NoSuchPage."""
    try:
        await act
    except LookupError:
        raise NoSuchPage from None
    except CannotDecide as no:
        return cannot(context, no, back_to_it(context, shown))
    return context.redirect(href_of(shown.proposal), note=note)


async def vote(context: Context) -> web.Response:
    """POST /decisions/{key}/vote"""
    shown = await find_decision(context)
    form = context.form(VoteForm)
    sentence = context.words.gettext("Please choose one of the answers.")
    if isinstance(form, Filled) or form.choice not in shown.proposal.motion.choices:
        return context.show(_view(context, shown, choice=EMPTY.with_error("choice", sentence)), 422)
    act = context.node.proposals.vote(shown.proposal.key, context.member, form.choice)
    return await _done(context, shown, act, note="voted")


async def say(context: Context) -> web.Response:
    """POST /decisions/{key}/say"""
    shown = await find_decision(context)
    form = context.form(SayForm)
    if isinstance(form, Filled):
        return context.show(_view(context, shown, say=form), 422)
    act = context.node.proposals.say(shown.proposal.key, context.member, form.text, once_key(form.once))
    return await _done(context, shown, act, note="sent")


async def withdraw(context: Context) -> web.Response:
    """POST /decisions/{key}/withdraw"""
    shown = await find_decision(context)
    act = context.node.proposals.withdraw(shown.proposal.key, context.member)
    return await _done(context, shown, act, note="saved")


async def minute(context: Context) -> web.Response:
    """POST /decisions/{key}/minutes: words, once."""
    shown = await find_decision(context)
    form = context.form(MinutesForm)
    if isinstance(form, Filled):
        return context.show(_view(context, shown, words=form), 422)
    act = context.node.proposals.minute(shown.proposal.key, context.member, form.words)
    return await _done(context, shown, act, note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/decisions", decisions, MEMBER),
    get("/groups/{key}/decisions", group_decisions, MEMBER),
    get("/decisions/{key}", decision, MEMBER),
    post("/decisions/{key}/vote", vote, MEMBER),
    post("/decisions/{key}/say", say, MEMBER),
    post("/decisions/{key}/withdraw", withdraw, MEMBER),
    post("/decisions/{key}/minutes", minute, MEMBER),
)
