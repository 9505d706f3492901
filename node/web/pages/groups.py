"""Groups: the list, starting one, its page with the notice board, coming in and leaving, and its people.

Source: docs/pages.md 7.2; docs/protocol.md 5.12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from aiohttp import web

from node.services.circle_account_rows import AccountState, GroupAccount, account_of_circle
from node.services.circle_board import Said, notes_of, reply_counts
from node.services.circle_rows import Known, all_circles, shut_out, sizes, standings_of
from node.services.circles import CannotGroup
from node.services.event_rows import Hosted, answers_of, coming_counts, of_group
from node.services.members import number_text
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, Route, WrongRole, get, post
from node.web.forms import EMPTY, Filled, Form, SpendForm, line, once_key, paragraphs
from node.web.pages.event_words import event_row
from node.web.pages.group_words import (
    Found,
    acts_about,
    back_to,
    base_of,
    cannot,
    door_words,
    find_group,
    find_readable,
    group_row,
    is_keeper,
    mine_words,
    off_words,
    own_acts,
    size_words,
    standing_pill,
)
from node.web.pages.member import PAGE_ROWS, pager
from node.web.pages.thing_owners import things_links
from node.web.present import Voice, first_name, paragraphs_of
from node.web.views.circles import (
    GroupFormView,
    GroupPeopleView,
    GroupPerson,
    GroupsView,
    GroupView,
    SaidItem,
)
from node.web.views.page import Empty, Link, Option, Pill
from protocol.circle import INSIDE, OWN_ACTS, Act, Door, Person, Standing, reads
from protocol.event import Answer
from protocol.limits import CIRCLE_NAME_CHARACTERS_MAX, CIRCLE_PURPOSE_CHARACTERS_MAX
from protocol.names import SchemeId


class GroupForm(Form):
    """What a group is called and for, and who may come in."""

    name: line(CIRCLE_NAME_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below
    purpose: paragraphs(CIRCLE_PURPOSE_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    door: Literal["open", "closed"]


class StartForm(GroupForm, SpendForm):
    pass


# --- The list -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _All:
    circles: list[Known]
    sizes: Mapping[int, int]
    mine: Mapping[int, Standing]


def _read_all(tx: ReadTx, member_no: int) -> _All:
    return _All(all_circles(tx), sizes(tx), standings_of(tx, member_no))


async def groups(context: Context) -> web.Response:
    """GET /groups"""
    found = await context.read(_read_all, context.member.no)
    _, voice = context.words.gettext, context.voice
    rows = [
        (
            found.mine.get(each.no, Standing.OUTSIDE),
            group_row(each, found.sizes.get(each.no, 0), found.mine.get(each.no, Standing.OUTSIDE), voice),
        )
        for each in found.circles
    ]
    return context.show(
        GroupsView(
            mine=tuple(row for standing, row in rows if standing in INSIDE),
            others=tuple(row for standing, row in rows if standing not in INSIDE),
            empty=None if rows else Empty(text=_("There is no group yet. Start the first one.")),
        )
    )


# --- Starting and changing one --------------------------------------------------------------------------------


def _doors(voice: Voice) -> tuple[Option, ...]:
    _ = voice.words.gettext
    return (
        Option(
            value=Door.OPEN,
            text=_("Open"),
            hint=_("Every member may come in, and reads the board."),
        ),
        Option(
            value=Door.CLOSED,
            text=_("By asking"),
            hint=_("You say yes to whoever asks. Only those in it read the board. It stays so."),
        ),
    )


def _new_view(context: Context, form: Filled) -> GroupFormView:
    return GroupFormView(
        form=form,
        action="/groups/new",
        new=True,
        doors=_doors(context.voice),
        once=context.once(),
        back=Link(text=context.words.gettext("Groups"), href="/groups"),
    )


async def new(context: Context) -> web.Response:
    """GET /groups/new"""
    return context.show(_new_view(context, Filled({"door": Door.OPEN})))


async def start(context: Context) -> web.Response:
    """POST /groups/new"""
    form = context.form(StartForm)
    if isinstance(form, Filled):
        return context.show(_new_view(context, form), 422)
    try:
        key = await context.node.circles.start(
            context.member, form.name, form.purpose, Door(form.door), once_key(form.once)
        )
    except CannotGroup as no:
        return cannot(context, no, Link(text=context.words.gettext("Groups"), href="/groups"))
    return context.redirect(f"/groups/{key.hex()}", note="group-started")


async def _kept(context: Context) -> Found:
    """Return a group that the reader keeps. Raises NoSuchPage, WrongRole."""
    found = await find_group(context)
    if not is_keeper(found, context.member):
        raise WrongRole
    return found


def _edit_view(context: Context, found: Found, form: Filled) -> GroupFormView:
    closed = found.known.door is Door.CLOSED
    return GroupFormView(
        form=form,
        action=f"{base_of(found.known)}/edit",
        new=False,
        doors=() if closed else _doors(context.voice),
        back=back_to(found, context.voice),
    )


async def edit(context: Context) -> web.Response:
    """GET /groups/{key}/edit"""
    found = await _kept(context)
    known = found.known
    typed = Filled({"name": known.name, "purpose": known.purpose, "door": known.door})
    return context.show(_edit_view(context, found, typed))


async def edit_sent(context: Context) -> web.Response:
    """POST /groups/{key}/edit"""
    found = await _kept(context)
    form = context.form(GroupForm)
    if isinstance(form, Filled):
        return context.show(_edit_view(context, found, form), 422)
    try:
        await context.node.circles.change(
            found.known.key, context.member, form.name, form.purpose, Door(form.door)
        )
    except LookupError:
        raise NoSuchPage from None
    except CannotGroup as no:
        return cannot(context, no, back_to(found, context.voice))
    return context.redirect(base_of(found.known), note="saved")


# --- One group ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Board:
    """What one reader finds on the board of a group."""

    notes: list[Said]
    total: int
    answers: Mapping[int, int]
    shut: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What is put for a group and its reader may come to."""

    events: list[Hosted]
    coming: Mapping[int, int]
    answers: Mapping[int, Answer]
    account: GroupAccount | None


def _read_ahead(tx: ReadTx, circle_no: int, now_ms: int, me: int) -> _Ahead:
    events = of_group(tx, circle_no, now_ms, me, PAGE_ROWS)
    return _Ahead(
        events, coming_counts(tx, events), answers_of(tx, events, me), account_of_circle(tx, circle_no)
    )


def _account_href(account: GroupAccount | None, known: Known, standing: Standing) -> str:
    """Return where the group's account is, for all; or, for those in it, where one is asked for."""
    if account is not None and account.state is AccountState.OPEN:
        return f"/accounts/{account.key.hex()}"
    return f"{base_of(known)}/account" if standing in INSIDE else ""


def _read_board(tx: ReadTx, found: Found, me: tuple[int, int], own: SchemeId, page: int) -> Board:
    member_no, account_no = me
    notes, total = notes_of(tx, found.known.no, member_no, skip=(page - 1) * PAGE_ROWS, most=PAGE_ROWS)
    return Board(notes, total, reply_counts(tx, found.known.no), shut_out(tx, account_no, own))


async def group(context: Context) -> web.Response:
    """GET /groups/{key}?page"""
    return context.show(await group_view(context, await find_group(context)))


async def group_view(context: Context, found: Found, form: Filled = EMPTY) -> GroupView:
    """Return a group's page, with the form of its board as it was filled."""
    me, voice, known, circle = context.member, context.voice, found.known, found.circle
    standing, may_read = circle.standing_of(me.no), reads(circle, me.no)
    board = Board([], 0, {}, frozenset())
    if may_read:
        mine = (me.no, me.account_no)
        board = await context.read(_read_board, found, mine, context.node.scheme, context.page_number)
    ahead = await context.read(_read_ahead, known.no, context.now_ms, me.no)
    keeps, base = standing is Standing.KEEPER, base_of(known)
    return GroupView(
        name=known.name,
        purpose=paragraphs_of(known.purpose),
        door=door_words(known.door, context.settings.name, voice),
        size=size_words(len(circle.inside), voice),
        keepers=_keepers(found, voice),
        mine=mine_words(standing, voice),
        base=base,
        acts=own_acts(circle, standing, voice),
        people_href=f"{base}/people" if may_read else "",
        edit_href=f"{base}/edit" if keeps else "",
        asking=_asking(found, voice) if keeps else "",
        reads=may_read,
        account_href=_account_href(ahead.account, known, standing),
        events=tuple(
            replace(
                event_row(
                    each, ahead.coming.get(each.no, 0), ahead.answers.get(each.no, Answer.UNSAID), voice
                ),
                group="",
            )
            for each in ahead.events
        ),
        event_href=f"/events/new?group={known.key.hex()}" if standing in INSIDE and me.may_trade else "",
        things=await things_links(context, known.no),
        notes=tuple(
            said_item(context, each, base, board.answers.get(each.no, 0))
            for each in board.notes
            if each.member_no not in board.shut
        ),
        pager=pager(context, base, {}, board.total) if may_read else None,
        may_write=standing in INSIDE,
        once=context.once(),
        form=form,
    )


def _keepers(found: Found, voice: Voice) -> str:
    names = [first_name(found.names[each.who]) for each in found.circle.keepers]
    return voice.words.gettext("Kept by %(names)s.") % {"names": ", ".join(names)}


def _asking(found: Found, voice: Voice) -> str:
    count = len(found.circle.of(Standing.ASKING))
    if not count:
        return ""
    said = voice.words.ngettext("%(num)d person asks to come in.", "%(num)d people ask to come in.", count)
    return said % {"num": count}


def said_item(context: Context, said: Said, base: str, answers: int) -> SaidItem:
    """Return a note as the board shows it."""
    voice, words = context.voice, context.words
    count = words.ngettext("%(num)d answer", "%(num)d answers", answers) % {"num": answers}
    return SaidItem(
        href=f"{base}/notes/{said.no}",
        title=said.title,
        author=said.author,
        when=voice.lately(said.created_ms),
        paragraphs=paragraphs_of(said.text),
        pinned=said.pinned,
        answers=count if answers else "",
        off=off_words(said.removed_ms, said.removed_by, said.reason, voice),
    )


async def membership(context: Context) -> web.Response:
    """POST /groups/{key}/membership: one's own place."""
    return await _do(context, await find_group(context), context.member.no, OWN_ACTS)


async def _do(context: Context, found: Found, who_no: int, among: frozenset[Act]) -> web.Response:
    typed = context.fields.get("act", "")
    if typed not in among:
        raise NoSuchPage
    act, base = Act(typed), base_of(found.known)
    try:
        await context.node.circles.act(found.known.key, act, context.member, who_no)
    except LookupError:
        raise NoSuchPage from None
    except CannotGroup as no:
        return cannot(context, no, back_to(found, context.voice))
    if act is Act.LEAVE:
        return context.redirect("/groups", note="group-left")
    return context.redirect(base if act in OWN_ACTS else f"{base}/people", note="saved")


# --- Its people -----------------------------------------------------------------------------------------------


async def people(context: Context) -> web.Response:
    """GET /groups/{key}/people"""
    found = await find_readable(context)
    keeps, voice = is_keeper(found, context.member), context.voice

    def shown(each: Person) -> GroupPerson:
        own = each.who == context.member.no
        keeper = each.standing is Standing.KEEPER
        pill = standing_pill(Standing.KEEPER, voice) if keeper and own else None
        return GroupPerson(
            no=str(each.who),
            name=found.names[each.who],
            href=f"/people/{number_text(each.who)}",
            state=pill or (Pill(text=voice.words.gettext("Keeper")) if keeper else None),
            acts=acts_about(each.standing, voice) if keeps and not own else (),
        )

    _ = context.words.gettext
    return context.show(
        GroupPeopleView(
            name=found.known.name,
            base=base_of(found.known),
            asking=tuple(shown(each) for each in found.circle.of(Standing.ASKING)) if keeps else (),
            inside=tuple(shown(each) for each in found.circle.inside),
            note=_(
                "A keeper says who comes in, pins notes, and takes off what does not belong. To hand the group over, make somebody else a keeper, then keep it no longer or leave."
            )
            if keeps
            else "",
        )
    )


async def people_sent(context: Context) -> web.Response:
    """POST /groups/{key}/people: what a keeper does about somebody."""
    found = await _kept(context)
    typed = context.fields.get("who", "")
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 12):
        raise NoSuchPage
    return await _do(context, found, int(typed), frozenset(Act) - OWN_ACTS)


ROUTES: Final[tuple[Route, ...]] = (
    get("/groups", groups, MEMBER),
    get("/groups/new", new, MEMBER),
    post("/groups/new", start, MEMBER),
    get("/groups/{key}", group, MEMBER),
    get("/groups/{key}/edit", edit, MEMBER),
    post("/groups/{key}/edit", edit_sent, MEMBER),
    post("/groups/{key}/membership", membership, MEMBER),
    get("/groups/{key}/people", people, MEMBER),
    post("/groups/{key}/people", people_sent, MEMBER),
)
