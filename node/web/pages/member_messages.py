"""Conversations: with members of ours and, in sealed letters, with people of other schemes.

Addresses stay hidden: who writes is named, how to reach them is not. Opening a conversation marks what it shows
as read. Source: docs/pages.md 7.2, 8.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.acts import clip
from node.services.ask_rows import ask_by_id
from node.services.gifts import GIFT
from node.services.letters import CannotWrite, Writing
from node.services.members import Member, State, member_by_account, member_by_no, parse_number
from node.services.profiles import ContactLine, Reader, contacts_for
from node.services.threads import Message, Thread, mark_read, messages_of, threads_of
from node.store import ReadTx
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import EMPTY, Filled, Form, paragraphs
from node.web.live_marks import marks_for
from node.web.pages.day_cards import day_cards, read_days
from node.web.pages.listings import ShownListing, card_view, find_listing
from node.web.pages.member import pager
from node.web.pages.member_ask_abroad import may_ask
from node.web.pages.member_days import listing_of
from node.web.pages.member_find import here_of
from node.web.pages.member_message_block import find
from node.web.pages.message_words import REQUEST_KINDS, kind_words, state_words
from node.web.pages.recording import ring
from node.web.pages.schemes import schemes_known
from node.web.pages.swap_words import swap_rows_in
from node.web.present import OtherScheme, Voice, first_name, name_of, paragraphs_of
from node.web.views.member import MessageItem, MessagesView, ThreadRow, ThreadView
from node.web.views.page import Empty, Link
from protocol.errors import InvalidValue
from protocol.limits import LETTER_NAME_BYTES_MAX
from protocol.names import SchemeId

SNIPPET_CHARACTERS: Final = 90
# The same words again within so long are the same press of the button.
PRESSED_TWICE_MS: Final = 10 * 60_000


class MessageForm(Form):
    """What somebody writes."""

    text: paragraphs(2000, 1)  # type: ignore[valid-type]  # `paragraphs` makes the type of a field


# --- The list -----------------------------------------------------------------------------------------------


async def messages(context: Context) -> web.Response:
    """GET /messages?page"""
    live = await marks_for(context)
    found, total, members = await context.read(_read_list, context.member.account_no, context.page_number)
    schemes, voice, _ = await schemes_known(context), context.voice, context.words.gettext
    rows = tuple(
        ThreadRow(
            href=f"/messages/{thread.no}",
            name=_name(thread, members, voice),
            badge=_badge(context, thread, schemes),
            about="",
            snippet=_snippet(last.text),
            when=voice.lately(last.at_ms),
            unread=thread.unread,
        )
        for thread, last in found
    )
    empty = Empty(
        text=_("Nobody has written yet. You can write to people from their page, or from what they offer."),
        action=Link(text=_("Find a person"), href="/people"),
    )
    return context.show(
        MessagesView(
            threads=rows, pager=pager(context, "/messages", {}, total), empty=None if rows else empty
        ),
        live=live,
    )


def _read_list(
    tx: ReadTx, account_no: int, page: int
) -> tuple[list[tuple[Thread, Message]], int, dict[int, Member]]:
    found, total = threads_of(tx, account_no, page)
    accounts = {thread.their_account for thread, _ in found if thread.their_account is not None}
    members = {no: member_by_account(tx, no) for no in accounts}
    return found, total, {no: member for no, member in members.items() if member is not None}


def _name(thread: Thread, members: dict[int, Member], voice: Voice) -> str:
    member = None if thread.their_account is None else members.get(thread.their_account)
    if member is not None:
        return name_of(member, voice.words)
    return thread.their_name or voice.words.gettext("Somebody")


def _badge(context: Context, thread: Thread, schemes: dict[SchemeId, OtherScheme]) -> str:
    if thread.scheme == context.node.scheme:
        return ""
    other = schemes.get(thread.scheme)
    return context.words.gettext("another scheme") if other is None else other.name


def _snippet(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SNIPPET_CHARACTERS else line[: SNIPPET_CHARACTERS - 1] + "…"


# --- One conversation ---------------------------------------------------------------------------------------


async def thread(context: Context) -> web.Response:
    """GET /messages/{number}?before"""
    live = await marks_for(context)  # before anything is read: what changes meanwhile is told of
    found, chosen, form = await find(context), context.query("line"), EMPTY
    lines = await _lines_abroad(context, found)
    if chosen.isascii() and chosen.isdigit() and 1 <= int(chosen) <= len(lines):
        form = Filled({"text": lines[int(chosen) - 1].text})
    return context.show(await _thread_view(context, found, form), live=live)


async def _lines_abroad(context: Context, found: Thread) -> tuple[ContactLine, ...]:
    """Return what its owner may put into a message to somebody of another scheme, to be reached by. It never goes by itself."""
    if found.scheme == context.node.scheme:
        return ()
    return await context.read(contacts_for, context.member, Reader.ABROAD)


async def _thread_view(context: Context, found: Thread, form: Filled = EMPTY) -> ThreadView:
    before = context.query("before")
    until = int(before) if before.isascii() and before.isdigit() and len(before) <= 15 else 2**62
    shown, member, asks = await context.read(_read_thread, found, until)
    if found.unread:
        await context.node.store.write(mark_read, found.no, context.member.account_no)
        context.unread -= found.unread
    voice, schemes, _ = context.voice, await schemes_known(context), context.words.gettext
    members = {} if member is None or found.their_account is None else {found.their_account: member}
    listing = await listing_of(context, found)
    return ThreadView(
        name=_name(found, members, voice),
        badge=_badge(context, found, schemes),
        person_href="" if member is None else f"/people/{member.number}",
        about=None if listing is None else card_view(listing.card, listing.owner, context, here_of(context)),
        messages=tuple(_item(each, found, context, asks.get(each.reference or b"")) for each in shown),
        older_href=f"/messages/{found.no}?before={shown[0].no}"
        if await _has_older(context, found, shown)
        else "",
        starters=(),
        lines=tuple(
            Link(text=_("Put in: %(line)s") % {"line": each.text}, href=f"/messages/{found.no}?line={at}")
            for at, each in enumerate(await _lines_abroad(context, found), 1)
        ),
        form=form,
        once=context.once(),
        action=f"/messages/{found.no}",
        record_href=_record_href(context, listing, member),
        ask_href=f"/ask/abroad?thread={found.no}" if may_ask(context, found) else "",
        days=day_cards(
            context,
            await context.read(read_days, found, context.member.account_no),
            _name(found, members, voice),
            schemes.get(found.scheme) if found.scheme != context.node.scheme else None,
        ),
        swaps=await swap_rows_in(context, found),
        day_href=f"/messages/{found.no}/day" if _can_agree(context, found, member, schemes) else "",
        report_href="" if all(each.mine for each in shown) else f"/messages/{found.no}/report",
        block_action=f"/messages/{found.no}/block"
        if found.blocked or not all(each.mine for each in shown)
        else "",
        blocked=found.blocked,
    )


def _can_agree(
    context: Context, found: Thread, member: Member | None, schemes: dict[SchemeId, OtherScheme]
) -> bool:
    """Tell whether there is somebody to agree a day with."""
    if not context.member.may_trade:
        return False
    if found.scheme == context.node.scheme:
        return member is not None and member.may_trade
    return found.scheme in schemes


def _read_thread(
    tx: ReadTx, found: Thread, before: int
) -> tuple[list[Message], Member | None, dict[bytes, int]]:  # fmt: skip
    member = None if found.their_account is None else member_by_account(tx, found.their_account)
    shown = messages_of(tx, found.no, before)
    named = {each.reference for each in shown if each.kind in REQUEST_KINDS and each.reference is not None}
    asks = [ask for ask in (ask_by_id(tx, each) for each in named) if ask is not None]
    return shown, member, {ask.id: ask.no for ask in asks if ask.thread_no == found.no}


async def _has_older(context: Context, found: Thread, shown: list[Message]) -> bool:
    return bool(shown and await context.read(messages_of, found.no, shown[0].no))


def _record_href(context: Context, listing: ShownListing | None, member: Member | None) -> str:
    """Return where the trade that was agreed is recorded: by whoever received."""
    mine = listing is not None and listing.owner is not None and listing.owner.no == context.member.no
    if listing is not None and not mine and listing.content.is_paid:
        return f"/record/what?listing={listing.id}"
    return "" if member is None or not member.may_trade else f"/record/what?who={member.number}"


def _item(message: Message, found: Thread, context: Context, ask_no: int | None) -> MessageItem:
    voice, _ = context.voice, context.words.gettext
    abroad = found.scheme != context.node.scheme
    return MessageItem(
        mine=message.mine,
        author=voice.words.gettext("You") if message.mine else first_name(message.author) or found.their_name,
        paragraphs=(*kind_words(message, voice), *paragraphs_of(message.text)),
        when=voice.lately(message.at_ms),
        link=None if ask_no is None else Link(text=_("See the request"), href=f"/asks/{ask_no}"),
        state=state_words(message, voice) if message.mine and abroad else "",
    )


# --- Writing ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Addressee:
    """To whom a first message goes: a member of ours, or whoever placed a neighbour's listing."""

    member: Member | None
    listing: ShownListing | None

    @property
    def name(self) -> str:
        """How they are called."""
        if self.member is not None:
            return self.member.name
        assert self.listing is not None
        return self.listing.owner_name


async def _reader(context: Context) -> Addressee:
    """Return whom the address names. Raises NoSuchPage."""
    if context.query("listing"):
        listing = await find_listing(context, context.query("listing"))
        reader = Addressee(listing.owner, listing)
    else:
        no = parse_number(context.query("to"))
        reader = Addressee(None if no is None else await context.read(member_by_no, no), None)
        if reader.member is None:
            raise NoSuchPage
    if reader.member is not None and reader.member.state is State.LEFT:
        raise NoSuchPage
    if reader.member is not None and reader.member.no == context.member.no:
        raise NoSuchPage
    return reader


async def new(context: Context) -> web.Response:
    """GET /messages/new?to or listing"""
    reader = await _reader(context)
    starters = _starters(reader, context.voice)
    chosen = context.query("s")
    form = EMPTY
    if chosen.isascii() and chosen.isdigit() and 1 <= int(chosen) <= len(starters):
        form = Filled({"text": starters[int(chosen) - 1]})
    return context.show(_new_view(context, reader, form))


def _starters(reader: Addressee, voice: Voice) -> tuple[str, ...]:
    """Return sentences to begin with. Source: docs/pages.md 8.4, 8.14."""
    _ = voice.words.gettext
    wish = reader.listing is not None and reader.listing.content.kind == GIFT
    return (
        *((_("I would like it, please."),) if wish else ()),
        _("Is this still there?"),
        _("When would suit you?"),
        _("Could we talk on the phone?"),
    )


def _new_view(context: Context, reader: Addressee, form: Filled) -> ThreadView:
    listing, member = reader.listing, reader.member
    where = (
        f"listing={listing.id}"
        if listing is not None
        else f"to={member.number}"
        if member is not None
        else ""
    )
    address = f"/messages/new?{where}"
    return ThreadView(
        name=reader.name,
        badge="" if listing is None or listing.other is None else listing.other.name,
        person_href="" if member is None else f"/people/{member.number}",
        about=None if listing is None else card_view(listing.card, listing.owner, context, here_of(context)),
        messages=(),
        older_href="",
        starters=tuple(
            Link(text=text, href=f"{address}&s={number}")
            for number, text in enumerate(_starters(reader, context.voice), 1)
        ),
        form=form,
        once=context.once(),
        action=address,
        record_href="",
    )


async def begin(context: Context) -> web.Response:
    """POST /messages/new?to or listing: the first message of a conversation."""
    reader = await _reader(context)
    form = context.form(MessageForm)
    if isinstance(form, Filled):
        return context.show(_new_view(context, reader, form), 422)
    listing, me = reader.listing, context.member
    about = None if listing is None else (listing.card.scheme, listing.key)
    begun = await context.read(_begun_already, me.account_no, about, reader.member, form.text, context.now_ms)
    if begun is not None:
        return context.redirect(f"/messages/{begun}")
    abroad = None if listing is None else listing.other
    writing = Writing(
        account_no=me.account_no,
        name=clip(me.name if abroad is None else me.public_name, LETTER_NAME_BYTES_MAX),
        scheme=context.node.scheme if abroad is None else abroad.scheme,
        to_account=None if reader.member is None else reader.member.account_no,
        to_name=reader.name,
        listing=about,
        text=form.text,
    )
    try:
        number = await context.node.letters.write(writing)
    except (CannotWrite, InvalidValue) as no:
        trouble = Filled({"text": form.text}).with_error("text", why_not(no, reader.name, context))
        return context.show(_new_view(context, reader, trouble), 422)
    return context.redirect(f"/messages/{number}", note="sent")


def _begun_already(
    tx: ReadTx, account_no: int, about: object, member: Member | None, text: str, now_ms: int
) -> int | None:
    """Query: the conversation that the same words began a moment ago."""
    for found, last in threads_of(tx, account_no)[0]:
        to_them = found.listing == about and (member is None or found.their_account == member.account_no)
        if to_them and last.mine and last.text == text and now_ms - last.at_ms < PRESSED_TWICE_MS:
            return found.no
    return None


def why_not(no: Exception, name: str, context: Context) -> str:
    """Return why nothing was written, in a sentence."""
    _ = context.words.gettext
    if not isinstance(no, CannotWrite):
        return _("This is too long. Please make it shorter.")
    if no.reason == CannotWrite.TOO_MANY:
        return _("You wrote to many new people in other schemes today. Tomorrow there is room for more.")
    return _("We cannot write to %(name)s now.") % {"name": name} + " " + ring(context)


async def reply(context: Context) -> web.Response:
    """POST /messages/{number}"""
    found = await find(context)
    form = context.form(MessageForm)
    if isinstance(form, Filled):
        return context.show(await _thread_view(context, found, form), 422)
    me = context.member
    latest = await context.read(messages_of, found.no)
    if (
        latest
        and latest[-1].mine
        and latest[-1].text == form.text
        and context.now_ms - latest[-1].at_ms < PRESSED_TWICE_MS
    ):
        return context.redirect(f"/messages/{found.no}")
    local = found.scheme == context.node.scheme
    writing = Writing(
        account_no=me.account_no,
        name=clip(me.name if local else me.public_name, LETTER_NAME_BYTES_MAX),
        scheme=found.scheme,
        text=form.text,
    )
    try:
        await context.node.letters.reply(found.no, writing)
    except (CannotWrite, InvalidValue) as no:
        trouble = Filled({"text": form.text}).with_error("text", why_not(no, found.their_name, context))
        return context.show(await _thread_view(context, found, trouble), 422)
    return context.redirect(f"/messages/{found.no}", note="sent")


ROUTES: Final = (
    get("/messages", messages, MEMBER),
    get("/messages/new", new, MEMBER),
    post("/messages/new", begin, MEMBER),
    get("/messages/{number}", thread, MEMBER),
    post("/messages/{number}", reply, MEMBER),
)
