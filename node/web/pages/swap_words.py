"""Swaps in words: who gives what, where it stands, what is wanted of the reader. Source: docs/pages.md 8.15."""

from __future__ import annotations

from typing import Final, TypeAlias

from node.services.members import Member, member_by_account
from node.services.swap_rows import Swapped, swaps_in, swaps_of, swaps_waiting
from node.services.swap_words import swap_title
from node.services.threads import Thread
from node.store import ReadTx
from node.web.context import Context
from node.web.pages.member_standing import name_of
from node.web.present import Voice, first_name
from node.web.views.member import WaitingCard
from node.web.views.page import Fact, Link, Pill
from node.web.views.swaps import SwapRow
from protocol.swap import Side, SwapState

PATH: Final = "/my/swaps"
With: TypeAlias = tuple[Swapped, Member | None]  # and who the other is


def others_of(tx: ReadTx, account_no: int, found: list[Swapped]) -> tuple[With, ...]:
    """Query: swaps, with the other of the two."""
    return tuple(
        (each, member_by_account(tx, each.account_of(each.side_of(account_no).other))) for each in found
    )  # fmt: skip


def read_swaps_of(tx: ReadTx, account_no: int) -> tuple[With, ...]:
    """Query: a member's newest swaps."""
    return others_of(tx, account_no, swaps_of(tx, account_no))


def read_swaps_in(tx: ReadTx, thread_id: bytes, account_no: int) -> tuple[With, ...]:
    """Query: the newest swaps of a conversation."""
    return others_of(tx, account_no, swaps_in(tx, thread_id, account_no))


async def swap_rows_in(context: Context, thread: Thread) -> tuple[SwapRow, ...]:
    """Return the swaps of a conversation within the scheme."""
    if thread.scheme != context.node.scheme:
        return ()
    account_no = context.member.account_no
    shown = await context.read(read_swaps_in, thread.id, account_no)
    return tuple(swap_row(each, other, account_no, context.voice) for each, other in shown)


def read_waiting_swaps(tx: ReadTx, account_no: int, now_ms: int) -> tuple[With, ...]:
    """Query: the swaps that wait for the reader."""
    return others_of(tx, account_no, swaps_waiting(tx, account_no, now_ms))


def swap_row(found: Swapped, other: Member | None, account_no: int, voice: Voice) -> SwapRow:
    """Return a swap as lists show it to one of the two."""
    waits = found.side_of(account_no) in found.waits_for
    return SwapRow(
        href=f"{PATH}/{found.no}",
        text=swap_title(found.title, found.swap.terms.given, voice.words),
        who=voice.words.gettext("with %(name)s") % {"name": name_of(other)},
        state=swap_pill(found, account_no, voice),
        waits=waits and found.stands(voice.now_ms) is found.swap.state,
    )


def swap_pill(found: Swapped, account_no: int, voice: Voice) -> Pill:
    """Return the state of a swap in a word or two."""
    _ = voice.words.gettext
    match found.stands(voice.now_ms):
        case SwapState.PROPOSED if found.swap.by is found.side_of(account_no):
            return Pill(text=_("Waiting for an answer"), tone="wait")
        case SwapState.PROPOSED:
            return Pill(text=_("Your answer?"), tone="wait")
        case SwapState.AGREED:
            return Pill(text=_("Agreed"), tone="good")
        case SwapState.DONE:
            return Pill(text=_("Swapped"), tone="good")
        case SwapState.DECLINED:
            return Pill(text=_("Declined"), tone="stop")
        case SwapState.WITHDRAWN:
            return Pill(text=_("Taken back"))
        case SwapState.LAPSED:
            return Pill(text=_("Ran out"))
        case SwapState.CALLED_OFF:
            return Pill(text=_("Called off"))
        case SwapState.ENDED:
            return Pill(text=_("Not possible any more"))


def swap_facts(found: Swapped, name: str, account_no: int, voice: Voice) -> tuple[Fact, ...]:
    """Return who gives what, the reader's own first."""
    _, terms, mine = voice.words.gettext, found.swap.terms, found.side_of(account_no)
    gives = {Side.OWNER: found.title, Side.ASKER: terms.given}
    said = {"name": first_name(name)}
    facts = [
        Fact(label=_("You give"), text=gives[mine]),
        Fact(label=_("%(name)s gives") % said, text=gives[mine.other]),
    ]
    if terms.payer is not None:
        label = _("You also give") if terms.payer is mine else _("%(name)s also gives") % said
        facts.append(Fact(label=label, text=voice.spoken(terms.amount)))
    return tuple(fact for fact in facts if fact.text)


def swap_sentences(found: Swapped, name: str, account_no: int, voice: Voice) -> tuple[str, ...]:
    """Return where a swap stands, in sentences for one of the two."""
    _, mine, swap = voice.words.gettext, found.side_of(account_no), found.swap
    said = {"name": first_name(name), "day": voice.long_day(found.until_ms - 1)}
    match found.stands(voice.now_ms):
        case SwapState.PROPOSED if swap.by is mine:
            return (
                _("Waiting for %(name)s. Nothing has moved.") % said,
                _("If there is no answer by %(day)s, it runs out.") % said,
            )
        case SwapState.PROPOSED:
            return (_("Please say yes or no. If you do nothing, it runs out on %(day)s.") % said,)
        case SwapState.AGREED:
            return _agreed(found, mine, said, voice)
        case SwapState.DONE:
            return (_("Both of you said that it happened."),)
        case SwapState.DECLINED:
            by_me = swap.by is not mine
            return (
                _("You said no. Nothing moved.") if by_me else _("%(name)s said no. Nothing moved.") % said,
            )
        case SwapState.WITHDRAWN:
            by_me = swap.by is mine
            return (
                _("You took it back. Nothing moved.")
                if by_me
                else _("%(name)s took it back. Nothing moved.") % said,
            )
        case SwapState.LAPSED:
            return (_("Nobody answered in time. Nothing moved."),)
        case SwapState.CALLED_OFF:
            return (_("One of you said that it will not happen. Nothing moved."),)
        case SwapState.ENDED:
            return (
                _("What was to be swapped is not there any more, or one of you has left. Nothing moved."),
            )


def _agreed(found: Swapped, mine: Side, said: dict[str, str], voice: Voice) -> tuple[str, ...]:
    _, happened = voice.words.gettext, found.swap.happened
    if mine in happened:
        first = _("You said that it happened. Waiting for %(name)s to say so too.") % said
    elif happened:
        first = _("%(name)s says that it happened. Please say so too, or talk to each other.") % said
    else:
        first = _("You agree. When you have swapped, both of you say so here.")
    if found.swap.terms.payer is None:
        return (first,)
    return first, _("What one of you adds goes when both have said so.")


def swap_cards(waiting: tuple[With, ...], voice: Voice) -> list[WaitingCard]:
    """Return the cards of what waits for the reader on the first page."""
    return [_card(found, other, voice) for found, other in waiting]


def _card(found: Swapped, other: Member | None, voice: Voice) -> WaitingCard:
    _, said = voice.words.gettext, {"name": first_name(name_of(other))}
    proposed = found.swap.state is SwapState.PROPOSED
    title = _("%(name)s would like to swap") if proposed else _("Did you swap with %(name)s?")
    action = _("Say yes or no") if proposed else _("Say what happened")
    return WaitingCard(
        title=title % said,
        text=swap_title(found.title, found.swap.terms.given, voice.words),
        action=Link(text=action, href=f"{PATH}/{found.no}"),
    )
