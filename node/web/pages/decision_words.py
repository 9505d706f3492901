"""Proposals, votes and outcomes in words. Source: docs/pages.md 7.2; docs/protocol.md 5.13."""

from __future__ import annotations

from collections.abc import Sequence

from node.services.proposal_rows import Decided, Minutes, Proposal, Vote
from node.services.proposal_words import choice_said, outcome_said
from node.web.present import Voice
from node.web.views.member import WaitingCard
from node.web.views.page import Fact, Link, Option, Pill
from node.web.views.proposals import ProposalRow
from protocol.proposal import ASIDE, NO, YES, Count, Motion, Outcome, State, Voters


def href_of(proposal: Proposal) -> str:
    """Return where a proposal's page is."""
    return f"/decisions/{proposal.key.hex()}"


def choice_words(choice: str, motion: Motion, voice: Voice) -> str:
    """Return what somebody can vote, in words; options in those of whoever put them."""
    return choice_said(choice, motion, voice.words)


def counted_words(choice: str, motion: Motion, voice: Voice) -> str:
    """Return what was voted, as it is counted."""
    _ = voice.words.gettext
    match choice:
        case "abstain":
            return _("Abstained")
        case "aside":
            return _("Stood aside")
        case _:
            return choice_words(choice, motion, voice)


def choice_options(motion: Motion, voice: Voice) -> tuple[Option, ...]:
    """Return what one can vote, to choose from."""
    _ = voice.words.gettext
    hints = {ASIDE: _("I do not agree, and do not stand in the way.")}
    return tuple(
        Option(value=each, text=choice_words(each, motion, voice), hint=hints.get(each, ""))
        for each in motion.choices
    )


def voters_words(voters: Voters, voice: Voice) -> str:
    """Return who votes."""
    _ = voice.words.gettext
    return {
        Voters.GROUP: _("Everybody in the group"),
        Voters.KEEPERS: _("The keepers of the group"),
        Voters.ORGANISERS: _("The organisers"),
        Voters.MEMBERS: _("All members"),
    }[voters]


def until_words(proposal: Proposal, voice: Voice) -> str:
    """Return until when one can vote, or when it closed; it closes as a day ends."""
    _, day = voice.words.gettext, voice.long_day(proposal.motion.closes - 1)
    if proposal.state is State.WITHDRAWN:
        return _("Withdrawn")
    if proposal.is_open(voice.now_ms):
        return _("Vote until the end of %(day)s") % {"day": day}
    return _("The vote ended on %(day)s") % {"day": day}


def result_words(count: Count, motion: Motion, voice: Voice) -> str:
    """Return what came of a vote, in a sentence."""
    return outcome_said(count, motion, voice.words)


def tally_words(count: Count, motion: Motion, voice: Voice) -> str:
    """Return the votes in a line: "Yes 7, No 2, Abstained 1"; choices without votes only for yes and no."""
    told = [
        voice.words.gettext("%(choice)s %(num)d")
        % {"choice": counted_words(choice, motion, voice), "num": num}
        for choice, num in count.votes
        if num or choice in (YES, NO)
    ]
    return ", ".join(told)


def count_facts(count: Count, motion: Motion, voice: Voice) -> tuple[Fact, ...]:
    """Return how many voted what, and how many could."""
    _ = voice.words.gettext
    voted = _("%(voted)d of %(all)d") % {"voted": count.voted, "all": count.entitled}
    return (
        *(Fact(label=counted_words(choice, motion, voice), text=str(num)) for choice, num in count.votes),
        Fact(label=_("Voted"), text=voted),
    )


def name_facts(motion: Motion, roll: Sequence[Vote], voice: Voice) -> tuple[Fact, ...]:
    """Return, of an open vote, who voted how; who did not vote is named nowhere."""
    by = {
        choice: [each.name or voice.words.gettext("somebody") for each in roll if each.choice == choice]
        for choice in motion.choices
    }
    return tuple(
        Fact(label=counted_words(choice, motion, voice), text=", ".join(names))
        for choice, names in by.items()
        if names
    )


def state_pill(proposal: Proposal, minutes: Minutes | None, voice: Voice) -> Pill:
    """Return where a proposal stands, in a word or two."""
    _ = voice.words.gettext
    if proposal.state is State.WITHDRAWN:
        return Pill(text=_("Withdrawn"), tone="stop")
    if minutes is None:
        return Pill(text=_("Being voted on"), tone="wait")
    good = minutes.count.outcome in (Outcome.CARRIED, Outcome.CHOSEN)
    return Pill(text=_("Decided"), tone="good") if good else Pill(text=_("Closed"))


def proposal_row(proposal: Proposal, minutes: Minutes | None, voice: Voice) -> ProposalRow:
    """Return a proposal as lists show it."""
    result = ""
    if minutes is not None:
        motion = proposal.motion
        said = {
            "result": result_words(minutes.count, motion, voice),
            "votes": tally_words(minutes.count, motion, voice),
        }
        result = voice.words.gettext("%(result)s (%(votes)s)") % said
    return ProposalRow(
        href=href_of(proposal), title=proposal.title, when=until_words(proposal, voice), result=result,
        state=state_pill(proposal, minutes, voice),
    )  # fmt: skip


def vote_cards(waiting: Sequence[Proposal], voice: Voice) -> list[WaitingCard]:
    """Return what somebody may vote on and did not yet."""
    _ = voice.words.gettext
    return [
        WaitingCard(
            title=_("Please vote: %(title)s") % {"title": each.title},
            text=until_words(each, voice),
            action=Link(text=_("Read it and vote"), href=href_of(each)),
        )
        for each in waiting
    ]


def decided_cards(decided: Sequence[Decided], voice: Voice) -> list[WaitingCard]:
    """Return what came of that on which somebody could vote."""
    _ = voice.words.gettext
    return [
        WaitingCard(
            title=_("The vote is over: %(title)s") % {"title": each.proposal.title},
            text=result_words(each.count, each.proposal.motion, voice),
            action=Link(text=_("See how the votes fell"), href=href_of(each.proposal)),
        )
        for each in decided
    ]


def facts_of(proposal: Proposal, author: str, roll: Sequence[Vote], voice: Voice) -> tuple[Fact, ...]:
    """Return who put it, who votes and how, and until when."""
    _, motion, ngettext = voice.words.gettext, proposal.motion, voice.words.ngettext
    secret = (
        _("In secret: once it is counted, who voted how is forgotten.")
        if motion.secret
        else _("Openly: afterwards all see who voted how.")
    )
    facts = [
        Fact(label=_("Put by"), text=author),
        Fact(label=_("Who votes"), text=voters_words(motion.voters, voice)),
        Fact(label=_("How"), text=secret),
        Fact(label=_("Until"), text=until_words(proposal, voice)),
    ]
    if motion.quorum is not None:
        least = ngettext("%(num)d has to vote", "%(num)d have to vote", motion.quorum) % {
            "num": motion.quorum
        }
        facts.append(Fact(label=_("At least"), text=least))
    if proposal.is_open(voice.now_ms):
        voted = sum(each.at_ms is not None for each in roll)
        told = _("%(voted)d of %(all)d") % {"voted": voted, "all": len(roll)}
        facts.append(Fact(label=_("Voted so far"), text=told))
    return tuple(facts)
