"""Whose a thing is: naming who owns it too, saying yes to that, and the group it belongs to.

The page opens for its owners and for who is asked; for everybody else there is none. Source: docs/pages.md 7.2; docs/protocol.md 5.9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from node.services.circle_rows import CircleKey, Known, all_circles, standings_of
from node.services.members import parse_number
from node.services.thing_rows import (
    Thing,
    keeps_thing,
    may_book,
    read_thing,
    things_asked_of,
    things_of_group,
)
from node.services.things import CannotShare, Why
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled
from node.web.listing_names import listing_id
from node.web.pages.decisions import hex_key
from node.web.pages.listings import parse_listing_id
from node.web.pages.recording import stopped
from node.web.present import Voice, first_name
from node.web.views.member import ListingView, WaitingCard
from node.web.views.page import Fact, Link, Option, Pill
from node.web.views.things import OwnerRow, ThingOwnersView
from protocol.circle import Standing
from protocol.limits import THING_OWNERS_MAX
from protocol.listing import State
from protocol.names import ItemKey

ACTS: Final = ("name", "remove", "yes", "no", "group")


@dataclass(frozen=True, slots=True)
class Shown:
    """A thing, with what its reader has to do with it."""

    thing: Thing
    groups: tuple[Known, ...]  # that the reader keeps

    @property
    def base(self) -> str:
        """Its page."""
        return f"/l/{listing_id(self.thing.owned.listing.key)}"


def _read(tx: ReadTx, key: ItemKey, member_no: int, account_no: int) -> Shown | None:
    thing = read_thing(tx, key)
    if thing is None or thing.owned.listing.state is State.WITHDRAWN:
        return None
    asked = member_no in {each.no for each in thing.asked}
    if thing.first.no != member_no and not asked and not keeps_thing(tx, key, account_no):
        return None
    kept = {no for no, each in standings_of(tx, member_no).items() if each is Standing.KEEPER}
    return Shown(thing, tuple(each for each in all_circles(tx) if each.no in kept))


async def _find(context: Context) -> Shown:
    key, scheme = parse_listing_id(context.part("id"))
    shown = None
    if scheme is None:
        shown = await context.read(_read, key, context.member.no, context.member.account_no)
    if shown is None:
        raise NoSuchPage
    return shown


# --- What other pages say ---------------------------------------------------------------------------------------


def owner_facts(thing: Thing, voice: Voice) -> tuple[Fact, ...]:
    """Return whose a thing is, and where its price and deposits go; nothing where it is only of who lists it."""
    _, facts = voice.words.gettext, []
    if thing.group is not None:
        facts.append(Fact(label=_("Belongs to"), text=thing.group.known.name))
        if thing.group.members_only:
            facts.append(Fact(label=_("For whom"), text=_("those in this group")))
    if thing.owners:
        facts.append(
            Fact(label=_("Owned by"), text=", ".join(each.name for each in (thing.first, *thing.owners)))
        )
    if facts:
        facts.append(Fact(label=_("What it costs goes to"), text=payee_name(thing, voice)))
    return tuple(facts)


def payee_name(thing: Thing, voice: Voice) -> str:
    """Return to whom what a thing costs goes."""
    if thing.group is None or thing.group.account is None:
        return thing.first.name
    return voice.words.gettext("the account of “%(group)s”") % {"group": thing.group.account.name}


async def with_owners(context: Context, key: ItemKey, view: ListingView) -> ListingView:
    """Return a listing's page with whose the thing is, and, for who owns it, where that is changed."""
    thing = await context.read(read_thing, key)
    if thing is None or thing.owned.listing.content.terms is None:
        return view
    me = context.member
    mine = (
        view.own
        or await context.read(keeps_thing, key, me.account_no)
        or me.no in {each.no for each in thing.asked}
    )
    facts = (*view.facts, *owner_facts(thing, context.voice))
    return replace(view, facts=facts, owners_href=f"/l/{listing_id(key)}/owners" if mine else "")


def not_for_you(tx: ReadTx, key: ItemKey, member_no: int) -> str:
    """Query: the name of the group whose people alone may book a thing; "" for who may."""
    thing = read_thing(tx, key)
    if thing is None or thing.group is None or thing.first.no == member_no:
        return ""
    return "" if may_book(tx, key, member_no) else thing.group.known.name


async def things_links(context: Context, circle_no: int) -> tuple[Link, ...]:
    """Return the things of a group that can be found now."""
    return tuple(
        Link(text=each.owned.listing.content.title, href=f"/l/{listing_id(each.owned.listing.key)}")
        for each in await context.read(things_of_group, circle_no)
    )


def read_asked(tx: ReadTx, member_no: int, most: int) -> tuple[Thing, ...]:
    """Query: what a member is asked to own too."""
    return tuple(things_asked_of(tx, member_no, most))


def owner_cards(asked: Iterable[Thing], voice: Voice) -> list[WaitingCard]:
    """Return the cards of a first page: who asks its reader to own something together."""
    _ = voice.words.gettext
    return [
        WaitingCard(
            title=_("%(name)s asks you to own this together") % {"name": first_name(each.first.name)},
            text=each.owned.listing.content.title,
            action=Link(text=_("Say yes or no"), href=f"/l/{listing_id(each.owned.listing.key)}/owners"),
        )
        for each in asked
    ]


# --- The page -----------------------------------------------------------------------------------------------------


async def owners(context: Context) -> web.Response:
    """GET /l/{id}/owners"""
    return context.show(_view(context, await _find(context)))


def _view(context: Context, shown: Shown, form: Filled = EMPTY) -> ThingOwnersView:
    _, me, thing = context.words.gettext, context.member, shown.thing
    lists, asked = thing.first.no == me.no, me.no in {each.no for each in thing.asked}
    said = {"name": first_name(thing.first.name), "payee": payee_name(thing, context.voice)}
    group = "" if thing.group is None else thing.group.known.key.hex()
    only = thing.group is not None and thing.group.members_only
    return ThingOwnersView(
        title=thing.owned.listing.content.title,
        base=shown.base,
        sentences=(
            _("Whoever owns it says yes or no to bookings, hands it over and takes it back. Only %(name)s changes the listing.") % said,
            _("What it costs goes to %(payee)s.") % said,
        ),
        owners=tuple(_rows(context, thing, lists=lists)),
        question=_("%(name)s asks you to own this together.") % said if asked else "",
        may_stop=me.no in {each.no for each in thing.owners},
        may_name=lists,
        groups=_groups(context, shown) if lists else (),
        group=group,
        form=form,
        group_form=Filled({"members_only": "yes" if only else ""}),
    )  # fmt: skip


def _rows(context: Context, thing: Thing, *, lists: bool) -> Iterable[OwnerRow]:
    waits = Pill(text=context.words.gettext("Not answered yet"), tone="wait")
    yield OwnerRow(name=thing.first.name, href=f"/people/{thing.first.number}", state=None)
    for each in (*thing.owners, *thing.asked):
        yield OwnerRow(
            name=each.name,
            href=f"/people/{each.number}",
            state=waits if each in thing.asked else None,
            remove=each.number if lists else "",
        )


def _groups(context: Context, shown: Shown) -> tuple[Option, ...]:
    """Return the groups a thing can belong to; none where the reader keeps none."""
    if not shown.groups and shown.thing.group is None:
        return ()
    found = {each.key.hex(): each.name for each in shown.groups}
    if shown.thing.group is not None:
        found.setdefault(shown.thing.group.known.key.hex(), shown.thing.group.known.name)
    none = Option(value="", text=context.words.gettext("To no group"))
    return (none, *(Option(value=key, text=name) for key, name in found.items()))


# --- Acting -------------------------------------------------------------------------------------------------------


async def act(context: Context) -> web.Response:
    """POST /l/{id}/owners/{act}"""
    shown, which = await _find(context), context.part("act")
    if which not in ACTS:
        raise NoSuchPage
    try:
        await _do(context, shown, which)
    except LookupError:
        raise NoSuchPage from None
    except CannotShare as no:
        if which == "name" and no.why in (Why.WHO, Why.FULL):
            form = Filled(dict(context.fields)).with_error("who", _why(context, no.why))
            return context.show(_view(context, shown, form), 422)
        back = Link(text=context.words.gettext("Back"), href=shown.base)
        title = context.words.gettext("This was not done")
        return context.show(stopped(context, title, _why(context, no.why), action=back), 409)
    gone = which == "no" and context.member.no != shown.thing.first.no
    return context.redirect(shown.base if gone else f"{shown.base}/owners", note="saved")


async def _do(context: Context, shown: Shown, which: str) -> None:
    """Do what a button says. Raises LookupError, CannotShare."""
    things, key, me, fields = (
        context.node.things,
        shown.thing.owned.listing.key,
        context.member.no,
        context.fields,
    )
    who = parse_number(fields.get("who", ""))
    match which:
        case "name":
            await things.name(key, me, who or 0)
        case "remove":
            await things.remove(key, me, who or 0)
        case "yes":
            await things.agree(key, me)
        case "no":
            await things.remove(key, me, me)
        case _:
            typed = fields.get("group", "")
            group = CircleKey(hex_key(typed)) if typed else None
            await things.give_to_group(key, me, group, members_only=fields.get("members_only") == "yes")


def _why(context: Context, why: Why) -> str:
    _ = context.words.gettext
    match why:
        case Why.NOT_YOURS:
            return _("Only whoever lists it can say that, of a group that they keep.")
        case Why.WHO:
            return _("Nobody here has this number, or they own it already.")
        case Why.FULL:
            return _("At most %(num)d people own a thing together.") % {"num": THING_OWNERS_MAX}
        case Why.NOT_NOW:
            return _("This has changed meanwhile. Please look again.")


ROUTES: Final = (
    get("/l/{id}/owners", owners, MEMBER),
    post("/l/{id}/owners/{act}", act, MEMBER),
)
