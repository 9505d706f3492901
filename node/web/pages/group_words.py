"""Groups in words, and what their pages share: finding one, and what stands beside a name. Source: docs/pages.md 7.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.circle_rows import CircleKey, Known, circle_by_key, names_in, people_of
from node.services.circles import CannotGroup, Why
from node.services.members import Member
from node.store import ReadTx
from node.web.context import Context, NoSuchPage
from node.web.pages.recording import stopped
from node.web.present import Voice, first_name
from node.web.views.circles import GroupAct, GroupRow
from node.web.views.member import WaitingCard
from node.web.views.page import Link, Pill
from protocol.circle import Act, Circle, Door, Standing, reads

KEY_BYTES: Final = 16
CARDS_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A group, its people, and what they are called."""

    known: Known
    circle: Circle
    names: Mapping[int, str]


def key_of(context: Context) -> CircleKey:
    """Return the group that the address names. Raises NoSuchPage."""
    try:
        key = bytes.fromhex(context.part("key"))
    except ValueError:
        raise NoSuchPage from None
    if len(key) != KEY_BYTES:
        raise NoSuchPage
    return CircleKey(key)


def base_of(known: Known) -> str:
    """Return where a group's pages are."""
    return f"/groups/{known.key.hex()}"


def _read(tx: ReadTx, key: CircleKey) -> Found | None:
    known = circle_by_key(tx, key)
    return None if known is None else Found(known, people_of(tx, known), dict(names_in(tx, known.no)))


async def find_group(context: Context) -> Found:
    """Return the group of this address. Raises NoSuchPage."""
    found = await context.read(_read, key_of(context))
    if found is None:
        raise NoSuchPage
    return found


async def find_readable(context: Context) -> Found:
    """Return the group of this address, if its reader may read its board. Raises NoSuchPage, which tells nothing more."""
    found = await find_group(context)
    if not reads(found.circle, context.member.no):
        raise NoSuchPage
    return found


def size_words(count: int, voice: Voice) -> str:
    """Return how many are in a group."""
    return voice.words.ngettext("%(num)d person", "%(num)d people", count) % {"num": count}


def standing_pill(standing: Standing, voice: Voice, door: Door | None = None) -> Pill | None:
    """Return what the reader is to a group, and to those outside that a closed one wants to be asked."""
    _ = voice.words.gettext
    match standing:
        case Standing.KEEPER:
            return Pill(text=_("You keep it"), tone="good")
        case Standing.IN:
            return Pill(text=_("You are in it"), tone="good")
        case Standing.ASKING:
            return Pill(text=_("You asked"), tone="wait")
        case _:
            return Pill(text=_("By asking")) if door is Door.CLOSED else None


def group_row(known: Known, size: int, standing: Standing, voice: Voice) -> GroupRow:
    """Return a group as lists show it."""
    return GroupRow(
        href=base_of(known),
        name=known.name,
        purpose=known.purpose.split("\n", 1)[0],
        size=size_words(size, voice),
        state=standing_pill(standing, voice, known.door),
    )


def door_words(door: Door, scheme: str, voice: Voice) -> str:
    """Return who may come in, and who reads the board."""
    _ = voice.words.gettext
    if door is Door.OPEN:
        return _("Open: every member of %(scheme)s may come in, and reads the board.") % {"scheme": scheme}
    return _("By asking: a keeper says yes, and only those in it read the board.")


def mine_words(standing: Standing, voice: Voice) -> str:
    """Return what the reader is to a group, in a sentence; nothing for who never had to do with it."""
    _ = voice.words.gettext
    match standing:
        case Standing.ASKING:
            return _("You asked to come in. A keeper says yes or no.")
        case Standing.HAS_TO_ASK:
            return _("You are not in this group. You can ask to come in.")
        case _:
            return ""


def own_acts(circle: Circle, standing: Standing, voice: Voice) -> tuple[GroupAct, ...]:
    """Return the buttons about the reader's own place."""
    _ = voice.words.gettext
    match standing:
        case Standing.OUTSIDE if circle.door is Door.OPEN:
            return (GroupAct(act=Act.JOIN, text=_("Come in"), quiet=False),)
        case Standing.OUTSIDE | Standing.HAS_TO_ASK:
            return (GroupAct(act=Act.ASK, text=_("Ask to come in"), quiet=False),)
        case Standing.ASKING:
            return (GroupAct(act=Act.LEAVE, text=_("Take my question back")),)
        case Standing.IN:
            return (GroupAct(act=Act.LEAVE, text=_("Leave the group")),)
        case Standing.KEEPER:
            if len(circle.inside) == 1:
                return (GroupAct(act=Act.LEAVE, text=_("Leave and close the group for good")),)
            if len(circle.keepers) == 1:
                return ()  # somebody else has to keep it first: said on the page of its people
            return (
                GroupAct(act=Act.LEAVE, text=_("Leave the group")),
                GroupAct(act=Act.LOWER, text=_("Keep it no longer")),
            )


def acts_about(standing: Standing, voice: Voice) -> tuple[GroupAct, ...]:
    """Return what a keeper can do about somebody."""
    _ = voice.words.gettext
    match standing:
        case Standing.ASKING:
            return (
                GroupAct(act=Act.ACCEPT, text=_("Yes"), quiet=False),
                GroupAct(act=Act.DECLINE, text=_("No")),
            )
        case Standing.IN:
            return (
                GroupAct(act=Act.RAISE, text=_("Make a keeper too")),
                GroupAct(act=Act.REMOVE, text=_("Send away")),
            )
        case _:
            return ()


def off_words(removed_ms: int | None, by: str, reason: str, voice: Voice) -> str:
    """Return, for its author, that something was taken off, by whom and why; nothing where it was not."""
    if removed_ms is None:
        return ""
    _ = voice.words.gettext
    told = {"name": first_name(by) or _("somebody"), "reason": reason}
    if reason:
        return _("%(name)s took this off: “%(reason)s” Only you still see it.") % told
    return _("%(name)s took this off. Only you still see it.") % told


def cannot(context: Context, no: CannotGroup, back: Link) -> web.Response:
    """Return the page that says why something about a group was not done."""
    _ = context.words.gettext
    match no.why:
        case Why.LAST_KEEPER:
            sentence = _("A group always has a keeper. Make somebody else a keeper first.")
        case Why.FULL:
            sentence = _("The group has as many people as one may have.")
        case Why.KEEPS_MANY:
            sentence = _("One person keeps as many groups as one may. Hand one over first.")
        case Why.SO_MANY:
            sentence = _("There are as many groups as there may be. Join one, or ask an organiser.")
        case Why.NOT_YOURS:
            sentence = _("Only a keeper of the group can do that.")
        case Why.NOT_NOW:
            sentence = _("This has changed meanwhile. Please look again.")
    return context.show(stopped(context, _("This was not done"), sentence, action=back), 409)


def back_to(found: Found, voice: Voice) -> Link:
    """Return the way back to a group's page."""
    return Link(text=voice.words.gettext("Back to the group"), href=base_of(found.known))


def asking_cards(asking: Sequence[tuple[Known, int, str]], voice: Voice) -> list[WaitingCard]:
    """Return what waits for a keeper: who asks to come in."""
    _ = voice.words.gettext
    return [
        WaitingCard(
            title=_("%(name)s asks to come into “%(group)s”") % {"name": name, "group": known.name},
            text="",
            action=Link(text=_("Say yes or no"), href=f"{base_of(known)}/people"),
        )
        for known, _no, name in asking
    ]


def is_keeper(found: Found, member: Member) -> bool:
    """Tell whether somebody keeps a group."""
    return found.circle.standing_of(member.no) is Standing.KEEPER
