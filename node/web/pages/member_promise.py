"""Who would like what I give away, and promising it to one of them. Source: docs/pages.md 8.14; docs/protocol.md 5.10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.gift_rows import Pickup, Wish, who_wrote
from node.services.gift_words import CannotGive, cannot_words, pickup_words
from node.services.gifts import GIFT
from node.services.members import Member, member_by_account
from node.services.own_listings import Owned
from node.services.threads import Thread, messages_of, thread_by_id
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.days import day_trouble, parse_day, parse_time, time_trouble
from node.web.forms import EMPTY, Filled, Form, line
from node.web.listing_names import listing_id
from node.web.pages.listings import find_mine
from node.web.pages.member_gifts import Asked, read_asked, taker_called
from node.web.pages.schemes import schemes_known
from node.web.present import OtherScheme, first_name, paragraphs_of
from node.web.views.gifts import PromisedCard, PromiseView, WishCard, WishesView
from node.web.views.page import Empty
from protocol.giving import GiftState
from protocol.limits import GIFT_WORDS_CHARACTERS_MAX
from protocol.names import ItemKey, SchemeId


class PromiseForm(Form):
    """When it is collected, as far as that is said."""

    wish: line(15)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    thread: line(15)  # type: ignore[valid-type]  # as above
    day: line(20)  # type: ignore[valid-type]  # as above
    time: line(20)  # type: ignore[valid-type]  # as above
    said: line(GIFT_WORDS_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Everybody who would like a thing, and their conversations with its giver."""

    asked: Asked
    members: Mapping[int, Member]  # by account
    threads: Mapping[int, Thread]  # by wish
    wrote: tuple[
        tuple[Thread, str], ...
    ]  # people of other schemes who are not on the list, and their first words


def _read(tx: ReadTx, account_no: int, key: ItemKey, own: SchemeId) -> Wanted:
    asked = read_asked(tx, key)
    members, threads = {}, {}
    for wish in asked.wishes:
        member = None if wish.taker_no is None else member_by_account(tx, wish.taker_no)
        if member is not None:
            members[member.account_no] = member
        thread = thread_by_id(tx, wish.thread_id, wish.other_scheme or own, account_no)
        if thread is not None:
            threads[wish.no] = thread
    known = {each.thread_id for each in asked.wishes}
    wrote = tuple(
        (each, _first_words(tx, each)) for each in who_wrote(tx, account_no, key, own) if each.id not in known
    )
    return Wanted(asked=asked, members=members, threads=threads, wrote=wrote)


def _first_words(tx: ReadTx, thread: Thread) -> str:
    return next((each.text for each in messages_of(tx, thread.no) if not each.mine), "")


async def _mine(context: Context) -> tuple[Owned, Wanted]:
    """Return one's own listing that is given away, and who would like it. Raises NoSuchPage."""
    owned = await find_mine(context, context.part("id"))
    if owned.listing.content.kind != GIFT:
        raise NoSuchPage
    me = context.member.account_no
    return owned, await context.read(_read, me, owned.listing.key, context.node.scheme)


async def wishes(context: Context) -> web.Response:
    """GET /l/{id}/wishes"""
    owned, wanted = await _mine(context)
    schemes, name = await schemes_known(context), listing_id(owned.listing.key)
    free = wanted.asked.gift.state is GiftState.FREE
    waiting = tuple(
        _card(context, wish, wanted, schemes, f"/l/{name}/promise?wish={wish.no}" if free else "")
        for wish in wanted.asked.wishes
        if wish.no in wanted.asked.gift.waiting
    )
    wrote = tuple(
        _wrote(context, each, said, schemes, f"/l/{name}/promise?thread={each.no}" if free else "")
        for each, said in wanted.wrote
    )
    promised = wanted.asked.promised
    nobody = Empty(text=context.words.gettext("Nobody has asked yet. You are told when somebody does."))
    return context.show(
        WishesView(
            title=owned.listing.content.title,
            listing_href=f"/l/{name}",
            promised=None if promised is None else _promised(context, promised, wanted, schemes, name),
            waiting=waiting,
            wrote=wrote,
            empty=nobody if not waiting and not wrote and promised is None else None,
        )
    )


def _promised(
    context: Context, wish: Wish, wanted: Wanted, schemes: Mapping[SchemeId, OtherScheme], name: str
) -> PromisedCard:  # fmt: skip
    thread = wanted.threads.get(wish.no)
    return PromisedCard(
        name=taker_called(context.words, wish, wanted.members.get(wish.taker_no or 0)),
        badge=_badge(context, wish.other_scheme, schemes),
        lines=tuple(each for each in (pickup_words(wish.pickup, context.words), wish.pickup.said) if each),
        message_href="/messages" if thread is None else f"/messages/{thread.no}",
        collected_action=f"/l/{name}/collected",
        back_action=f"/l/{name}/unpromise",
    )


def _card(
    context: Context, wish: Wish, wanted: Wanted, schemes: Mapping[SchemeId, OtherScheme], promise_href: str
) -> WishCard:  # fmt: skip
    member, thread = wanted.members.get(wish.taker_no or 0), wanted.threads.get(wish.no)
    return WishCard(
        name=member.name if member is not None else taker_called(context.words, wish, None),
        href="" if member is None else f"/people/{member.number}",
        badge=_badge(context, wish.other_scheme, schemes),
        when=context.words.gettext("Asked %(time)s") % {"time": context.voice.lately(wish.asked_ms)},
        paragraphs=paragraphs_of(wish.wanted),
        message_href="" if thread is None else f"/messages/{thread.no}",
        promise_href=promise_href,
    )


def _wrote(
    context: Context, thread: Thread, said: str, schemes: Mapping[SchemeId, OtherScheme], promise_href: str
) -> WishCard:  # fmt: skip
    return WishCard(
        name=thread.their_name or context.words.gettext("Somebody"),
        badge=_badge(context, thread.scheme, schemes),
        when=context.words.gettext("Wrote %(time)s") % {"time": context.voice.lately(thread.created_ms)},
        paragraphs=paragraphs_of(said),
        message_href=f"/messages/{thread.no}",
        promise_href=promise_href,
    )


def _badge(context: Context, scheme: SchemeId | None, schemes: Mapping[SchemeId, OtherScheme]) -> str:
    if scheme is None:
        return ""
    other = schemes.get(scheme)
    return context.words.gettext("another scheme") if other is None else other.name


# --- Promising ------------------------------------------------------------------------------------------------


async def ask_when(context: Context) -> web.Response:
    """GET /l/{id}/promise?wish or thread"""
    named = {which: context.query(which) for which in ("wish", "thread")}
    owned, wanted = await _mine(context)
    return context.show(_promise_view(context, owned, wanted, named, EMPTY))


def _promise_view(
    context: Context, owned: Owned, wanted: Wanted, named: Mapping[str, str], form: Filled
) -> PromiseView:  # fmt: skip
    """Return the page that asks when it is collected. Raises NoSuchPage: nobody who would like it is named."""
    name = listing_id(owned.listing.key)
    wish = next((each for each in wanted.asked.wishes if str(each.no) == named["wish"] and each.open), None)
    thread = next((each for each, _ in wanted.wrote if str(each.no) == named["thread"]), None)
    if wish is not None:
        called = taker_called(context.words, wish, wanted.members.get(wish.taker_no or 0))
    elif thread is not None:
        called = first_name(thread.their_name) or context.words.gettext("Somebody")
    else:
        raise NoSuchPage
    return PromiseView(
        title=owned.listing.content.title,
        name=called,
        back_href=f"/l/{name}/wishes",
        action=f"/l/{name}/promise",
        hidden=tuple((which, text) for which, text in named.items() if text),
        form=form,
    )


async def promise(context: Context) -> web.Response:
    """POST /l/{id}/promise"""
    owned, wanted = await _mine(context)
    form = context.form(PromiseForm)
    if isinstance(form, Filled):
        named = {which: form.value(which) for which in ("wish", "thread")}
        return context.show(_promise_view(context, owned, wanted, named, form), 422)
    named = {"wish": form.wish, "thread": form.thread}
    view = _promise_view(context, owned, wanted, named, EMPTY)
    pickup, typed = _pickup(context, form)
    if typed.errors:
        return context.show(_promise_view(context, owned, wanted, named, typed), 422)
    gifts, me, key = context.node.gifts, context.member, owned.listing.key
    try:
        if form.wish:
            await gifts.promise(me, key, int(form.wish), pickup)
        else:
            await gifts.promise_abroad(me, key, int(form.thread), pickup)
    except LookupError:
        raise NoSuchPage from None
    except CannotGive as no:
        trouble = typed.with_error("", cannot_words(no.why, context.words))
        return context.show(_promise_view(context, owned, wanted, named, trouble), 422)
    return context.redirect(view.back_href, note="promised")


def _pickup(context: Context, form: PromiseForm) -> tuple[Pickup, Filled]:
    """Return when it is collected, and the form with what is wrong in it."""
    voice, typed = context.voice, Filled(form.model_dump())
    day, at = parse_day(form.day, voice), parse_time(form.time)
    if form.day and day is None:
        typed = typed.with_error("day", day_trouble(form.day, voice))
    if form.time and at is None:
        typed = typed.with_error("time", time_trouble(form.time, voice))
    shown = "" if at is None else f"{at:%H:%M}"
    return Pickup(day="" if day is None else day.isoformat(), time=shown, said=form.said), typed


ROUTES: Final = (
    get("/l/{id}/wishes", wishes, MEMBER),
    get("/l/{id}/promise", ask_when, MEMBER),
    post("/l/{id}/promise", promise, MEMBER),
)
