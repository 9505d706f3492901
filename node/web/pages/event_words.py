"""Events in words: what kind, when, who has a place, what it costs. Source: docs/pages.md 7.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from node.services.event_rows import Attended, Hosted
from node.web.dates import local
from node.web.pages.listings import price_here
from node.web.present import OtherScheme, Voice
from node.web.views.events import EventRow
from node.web.views.member import WaitingCard
from node.web.views.page import Fact, Link, Option, Pill
from protocol.event import Answer, Guests, Kind, OwnEvent, Pays, Plan, State, share_of
from protocol.limits import DAY_MS
from protocol.units import Rate

NEWS_MS: Final = 7 * DAY_MS  # how long a first page says that a place became free


def kind_word(kind: Kind, voice: Voice) -> str:
    """Return what people do there, in a word or two."""
    _ = voice.words.gettext
    return {
        Kind.SOCIAL: _("Get-together"),
        Kind.TRADING: _("Trading day"),
        Kind.WORK: _("Work party"),
        Kind.TALK: _("Talk or course"),
        Kind.LIFT: _("Lift"),
    }[kind]


def kind_options(voice: Voice) -> tuple[Option, ...]:
    """Return the kinds to choose from; lifts are posted on a page of their own."""
    return tuple(
        Option(value=kind.value, text=kind_word(kind, voice)) for kind in Kind if kind is not Kind.LIFT
    )


def when_words(plan: Plan, voice: Voice) -> str:
    """Return "Saturday 7 March 2026, 10:30 to 12:00", by the scheme's clock on the wall."""
    return moments_words(plan.starts, plan.ends, voice)


def moments_words(start_ms: int, end_ms: int, voice: Voice) -> str:
    """Return the same of two moments."""
    starts, ends = local(start_ms, voice.zone), local(end_ms, voice.zone)
    said = {"from": voice.moment(start_ms)}
    said["to"] = voice.clock(end_ms) if starts.date() == ends.date() else voice.moment(end_ms)
    return voice.words.gettext("%(from)s to %(to)s") % said


def places_words(plan: Plan, coming: int, voice: Voice) -> str:
    """Return how many come, and how many places are free."""
    come = voice.words.ngettext("%(num)d comes", "%(num)d come", coming) % {"num": coming}
    if plan.places is None:
        return come if coming else ""
    free = max(0, plan.places - coming)
    if not free:
        return voice.words.gettext("%(come)s, no place is free") % {"come": come}
    left = voice.words.ngettext("%(num)d place is free", "%(num)d places are free", free) % {"num": free}
    return voice.words.gettext("%(come)s, %(left)s") % {"come": come, "left": left} if coming else left


def state_pill(event: OwnEvent, answer: Answer, voice: Voice) -> Pill | None:
    """Return that it is cancelled or over, or what stands beside the reader's name."""
    _ = voice.words.gettext
    if event.state is State.CANCELLED:
        return Pill(text=_("Cancelled"), tone="stop")
    if event.state is State.SETTLED:
        return Pill(text=_("Recorded"), tone="good")
    if event.is_over(voice.now_ms):
        return Pill(text=_("Over"))
    match answer:
        case Answer.COMING:
            return Pill(text=_("You come"), tone="good")
        case Answer.WAITING:
            return Pill(text=_("You wait for a place"), tone="wait")
        case Answer.ASKED:
            return Pill(text=_("You asked"), tone="wait")
        case _:
            return None


def event_row(hosted: Hosted, coming: int, answer: Answer, voice: Voice) -> EventRow:
    """Return an event as lists show it."""
    event = hosted.event
    return preview_row(
        event.plan,
        voice,
        href=f"/events/{hosted.key.hex()}",
        places=places_words(event.plan, coming, voice) if event.takes_answers(voice.now_ms) else "",
        state=state_pill(event, answer, voice),
        group="" if hosted.group is None else hosted.group.name,
    )


def group_link(hosted: Hosted) -> Link | None:
    """Return the group for which an event is put."""
    group = hosted.group
    return None if group is None else Link(text=group.name, href=f"/groups/{group.key.hex()}")


def ahead_row(attended: Attended, voice: Voice) -> EventRow:
    """Return an event as the first page of its guest or host shows it."""
    own, answer = attended.hosted.event, attended.answer
    state = state_pill(own, answer, voice)
    if state is None:
        state = Pill(text=voice.words.gettext("You host it"))
    return preview_row(own.plan, voice, href=f"/events/{attended.hosted.key.hex()}", state=state)


def event_cards(attended: Sequence[Attended], voice: Voice) -> list[WaitingCard]:
    """Return what a guest has to know: a place became free a week ago at most, or it was cancelled."""
    _ = voice.words.gettext
    cards = []
    for each in attended:
        own = each.hosted.event
        if own.state is State.CANCELLED:
            title = _("Cancelled: %(title)s") % {"title": own.plan.title}
        elif each.moved_up_ms is not None and voice.now_ms - each.moved_up_ms < NEWS_MS:
            title = _("You have a place now: %(title)s") % {"title": own.plan.title}
        else:
            continue
        cards.append(
            WaitingCard(
                title=title,
                text=when_words(own.plan, voice),
                action=Link(text=_("See the event"), href=f"/events/{each.hosted.key.hex()}"),
            )
        )
    return cards


def settle_cards(hosted: Sequence[Hosted], voice: Voice) -> list[WaitingCard]:
    """Return what a host still has to say: who was there."""
    _ = voice.words.gettext
    return [
        WaitingCard(
            title=_("Who was there? %(title)s") % {"title": each.event.plan.title},
            text=_("Say it, and what was agreed is recorded for all of them."),
            action=Link(text=_("Say who was there"), href=f"/events/{each.key.hex()}/units"),
        )
        for each in hosted
        if each.event.is_over(voice.now_ms)
    ]


def asked_cards(asked: Sequence[tuple[Hosted, int]], voice: Voice) -> list[WaitingCard]:
    """Return what a driver has to answer: people ask for a seat."""
    words = voice.words
    return [
        WaitingCard(
            title=words.ngettext(
                "%(num)d person asks for a seat", "%(num)d people ask for a seat", count
            ) % {"num": count},
            text=f"{hosted.event.plan.title}, {voice.moment(hosted.event.plan.starts)}",
            action=Link(text=words.gettext("Say yes or no"), href=f"/events/{hosted.key.hex()}"),
        )
        for hosted, count in asked
    ]  # fmt: skip


def preview_row(
    plan: Plan, voice: Voice, *, href: str = "", places: str = "", state: Pill | None = None, group: str = ""
) -> EventRow:
    """Return what an event says, as lists show it."""
    return EventRow(
        href=href, title=plan.title, kind=kind_word(plan.kind, voice), when=when_words(plan, voice), where=plan.where,
        places=places, state=state, group=group,
    )  # fmt: skip


def facts_of(plan: Plan, guests: Guests | None, voice: Voice) -> tuple[Fact, ...]:
    """Return where it is and how many come."""
    _ = voice.words.gettext
    facts = [Fact(label=_("Where"), text=plan.where)]
    if guests is not None:
        facts.append(Fact(label=_("Places"), text=places_words(plan, len(guests.coming), voice)))
    elif plan.places is not None:
        room = voice.words.ngettext("room for %(num)d", "room for %(num)d", plan.places)
        facts.append(Fact(label=_("Places"), text=room % {"num": plan.places}))
    return tuple(fact for fact in facts if fact.text)


def cost_words(plan: Plan, host: str, voice: Voice) -> str:
    """Return what it costs or gives, and when that is recorded; nothing where nobody gives anything."""
    said = {"amount": voice.spoken(plan.amount), "name": host}
    match plan.pays:
        case Pays.GUESTS:
            return (
                voice.words.gettext(
                    "It costs %(amount)s each. That is recorded afterwards, when %(name)s confirms who was there."
                )
                % said
            )
        case Pays.HOST:
            return (
                voice.words.gettext(
                    "Each who was there gets %(amount)s from %(name)s. That is recorded afterwards."
                )
                % said
            )
        case Pays.SHARED:
            said["most"] = voice.spoken(share_of(plan, 1))
            return (
                voice.words.gettext(
                    "The whole way costs %(amount)s. %(name)s and all who ride share it equally, so each gives %(most)s at "
                    "most. That is recorded afterwards, when %(name)s confirms who was there."
                )
                % said
            )
        case _:
            return ""


def near_cost_words(plan: Plan, other: OtherScheme, own_rate: Rate, voice: Voice) -> str:
    """Return what an event of another scheme costs or gives, in units of that scheme, and how that is paid."""
    _ = voice.words.gettext
    each = share_of(plan, 1) if plan.pays is Pays.SHARED else plan.amount
    here = price_here(each, other, own_rate)
    said = {"amount": voice.spoken(plan.amount, other.unit), "most": voice.spoken(each, other.unit)}
    match plan.pays:
        case Pays.GUESTS:
            text = _(
                "It costs %(amount)s each. If you were there you are asked for that afterwards, and pay it yourself."
            )
        case Pays.HOST:
            text = _("Each who was there gets %(amount)s. You ask for that afterwards.")
        case Pays.SHARED:
            text = _(
                "The whole way costs %(amount)s. All who ride and the driver share it equally, so each gives %(most)s at "
                "most. If you were there you are asked for your part afterwards, and pay it yourself."
            )
        case _:
            return ""
    if here is None:
        return text % said
    about = _("%(most)s there is about %(here)s here.") % {"most": said["most"], "here": voice.spoken(here)}
    return f"{text % said} {about}"
