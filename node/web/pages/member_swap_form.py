"""Proposing a swap for what somebody lists, and proposing something else instead. Source: docs/pages.md 8.15; docs/protocol.md 5.14."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.own_listings import Owned, listings_of
from node.services.requests_abroad import CannotRequest
from node.services.swap_rows import Swapped
from node.services.swaps import CannotSwap, NewSwap, can_be_swapped
from node.store import ReadTx
from node.web.amounts import Unit, as_typed
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, SpendForm, line, once_key
from node.web.listing_names import listing_id
from node.web.pages.abroad_words import cannot_ask
from node.web.pages.listings import ShownListing, find_listing
from node.web.pages.member_requests import ask_to_swap
from node.web.pages.member_swap import cannot_swap, cannot_words, find
from node.web.pages.recording import paused, read_amount
from node.web.pages.swap_words import PATH
from node.web.present import first_name
from node.web.views.page import Link, Option
from node.web.views.swaps import SwapFormView
from protocol.limits import LISTING_TITLE_BYTES_MAX, SWAP_WORDS_CHARACTERS_MAX
from protocol.swap import SWAPPABLE, Side, SwapState, Terms

WORDS: Final = "words"  # the answer that is none of the listings
THINGS_SHOWN: Final = 20
ME: Final = "me"
THEM: Final = "them"


class TermsForm(Form):
    """What the asker gives, and what one of the two adds."""

    thing: line(40)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    words: line(80)  # type: ignore[valid-type]  # as above
    pays: line(10)  # type: ignore[valid-type]  # as above
    amount: line(40)  # type: ignore[valid-type]  # as above
    said: line(SWAP_WORDS_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above


class ProposeForm(TermsForm, SpendForm):
    """A new proposal, made once."""


class OtherForm(TermsForm):
    """Another proposal, in place of number `turn`."""

    turn: line(16, 1)  # type: ignore[valid-type]  # as above


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Between whom a form is, and what they may choose from."""

    name: str  # of the other
    mine: Side  # the reader's
    title: str  # of what is asked for
    things: tuple[Owned, ...]  # of the asker's
    theirs: Unit | None = (
        None  # of somebody of another scheme: what one of the two adds is in the units of whoever gets it
    )


def things_of(tx: ReadTx, now_ms: int, member_no: int) -> tuple[Owned, ...]:
    """Return what a member can give in a swap."""
    return tuple(each for each in listings_of(tx, member_no) if can_be_swapped(each, now_ms))[:THINGS_SHOWN]


def form_view(
    context: Context, asking: Asking, action: str, back: Link, hidden: tuple[tuple[str, str], ...], form: Filled
) -> SwapFormView:  # fmt: skip
    """Return the form of a new proposal, or of another in place of one."""
    _, voice, name = context.words.gettext, context.voice, first_name(asking.name)
    said = {"name": name, "title": asking.title}
    asks = asking.mine is Side.ASKER
    return SwapFormView(
        title=_("Propose something else") if hidden[0][0] == "turn" else _("Propose a swap"),
        lead=(_("%(name)s gives you: %(title)s") if asks else _("You give %(name)s: %(title)s")) % said,
        question=(
            _("What do you give %(name)s for it?") if asks else _("What does %(name)s give you for it?")
        )
        % said,
        things=(
            *(
                Option(value=listing_id(each.listing.key), text=each.listing.content.title)
                for each in asking.things
            ),
            Option(value=WORDS, text=_("Something else")),
        ),
        payers=(
            Option(value="nobody", text=_("No, one thing for the other")),
            Option(value=ME, text=_("Yes, I also give %(name)s something") % said),
            Option(value=THEM, text=_("Yes, %(name)s also gives me something") % said),
        ),
        unit_name=voice.unit_name()
        if asking.theirs is None
        else _("%(theirs)s if you give it, in %(ours)s if you get it")
        % {"theirs": voice.unit_name(asking.theirs), "ours": voice.unit_name()},
        amount_hint=voice.amount_hint(),
        action=action,
        back=back,
        hidden=hidden,
        form=form,
    )


def read_terms(context: Context, asking: Asking, form: TermsForm) -> Terms | Filled:
    """Return what was chosen and typed, or the form with what is wrong with it."""
    _ = context.words.gettext
    filled = Filled({name: str(value) for name, value in form.model_dump().items()})
    amount, payer = 0, {ME: asking.mine, THEM: asking.mine.other}.get(form.pays)
    if form.pays not in ("nobody", ME, THEM):
        filled = filled.with_error("pays", _("Please choose one of the answers."))
    thing = next((each for each in asking.things if listing_id(each.listing.key) == form.thing), None)
    given = form.words if thing is None else thing.listing.content.title
    if thing is None and form.thing != WORDS:
        filled = filled.with_error("thing", _("Please choose one of the answers."))
    elif not given:
        filled = filled.with_error("words", _("Please say in a few words what it is."))
    elif len(given.encode()) > LISTING_TITLE_BYTES_MAX:
        filled = filled.with_error("words", _("This is too long. Please make it shorter."))
    if payer is not None:
        unit = asking.theirs if asking.theirs is not None and payer is asking.mine else context.unit
        read = read_amount(context, form.amount, unit, filled)
        if isinstance(read, Filled):
            return read
        amount = read
    elif form.amount:
        filled = filled.with_error("pays", _("Please say who adds that."))
    if filled.errors:
        return filled
    key = None if thing is None else thing.listing.key
    return Terms(given=given, given_key=key, amount=amount, payer=payer)


def terms_filled(context: Context, asking: Asking, terms: Terms) -> Filled:
    """Return the form with what was proposed, to be changed."""
    known = terms.given_key in [each.listing.key for each in asking.things]
    unit = asking.theirs if asking.theirs is not None and terms.payer is asking.mine else context.unit
    return Filled(
        {
            "thing": listing_id(terms.given_key) if known and terms.given_key is not None else WORDS,
            "words": "" if known else terms.given,
            "pays": "nobody" if terms.payer is None else ME if terms.payer is asking.mine else THEM,
            "amount": as_typed(terms.amount, unit, context.language) if terms.amount else "",
        }
    )


# --- a new one ------------------------------------------------------------------------------------------------


async def _asked_for(context: Context) -> tuple[ShownListing, Asking]:
    """Return the listing the address names, as something the reader can ask for. Raises NoSuchPage."""
    shown = await find_listing(context, context.part("id"))
    if (shown.owner is None and shown.other is None) or shown.content.kind not in SWAPPABLE:
        raise NoSuchPage
    if shown.owner is not None and shown.owner.no == context.member.no:
        raise NoSuchPage
    name = shown.owner_name if shown.owner is None else shown.owner.name
    things = await context.read(things_of, context.now_ms, context.member.no)
    return shown, Asking(
        name=name or context.words.gettext("Somebody"), mine=Side.ASKER, title=shown.content.title, things=things,
        theirs=None if shown.other is None else shown.other.unit,
    )  # fmt: skip


def _new_view(
    context: Context, shown: ShownListing, asking: Asking, form: Filled, once: str
) -> SwapFormView:  # fmt: skip
    back = Link(text=asking.title, href=f"/l/{shown.id}")
    return form_view(context, asking, f"/l/{shown.id}/swap", back, (("once", once),), form)


async def ask(context: Context) -> web.Response:
    """GET /l/{id}/swap"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    shown, asking = await _asked_for(context)
    form = Filled({"thing": "" if asking.things else WORDS, "pays": "nobody"})
    return context.show(_new_view(context, shown, asking, form, context.once()))


async def propose(context: Context) -> web.Response:
    """POST /l/{id}/swap: the same form sent twice proposes once."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    shown, asking = await _asked_for(context)
    form = context.form(ProposeForm)
    if isinstance(form, Filled):
        once = form.value("once") if "once" not in form.errors else context.once()
        return context.show(_new_view(context, shown, asking, form, once), 422)
    terms = read_terms(context, asking, form)
    if isinstance(terms, Filled):
        return context.show(_new_view(context, shown, asking, terms, form.once), 422)
    if shown.other is not None:
        return await _propose_abroad(context, shown, asking, form, terms)
    new = NewSwap(key=shown.key, terms=terms, said=form.said)
    try:
        made = await context.node.swaps.propose(context.member, new, once_key(form.once))
    except CannotSwap as no:
        typed = Filled(form.model_dump()).with_error("", cannot_words(context, no.why))
        return context.show(_new_view(context, shown, asking, typed, form.once), 422)
    return context.redirect(f"{PATH}/{made.no}", note="day-proposed")


async def _propose_abroad(
    context: Context, shown: ShownListing, asking: Asking, form: ProposeForm, terms: Terms
) -> web.Response:
    """Ask the owner of a neighbour's listing; while a proposal of the reader's for it is open, nothing new is sent."""
    _, typed = context.words.gettext, Filled(form.model_dump())
    if terms.payer is not None and not context.settings.asks_abroad:
        wrong = _("Your scheme does not let people of other schemes ask each other to be paid.")
        return context.show(
            _new_view(context, shown, asking, typed.with_error("pays", wrong), form.once), 422
        )
    try:
        await ask_to_swap(context, shown, terms, form.said)
    except CannotRequest as no:
        wrong = cannot_ask(no.why, context.words)
        return context.show(_new_view(context, shown, asking, typed.with_error("", wrong), form.once), 422)
    return context.redirect("/my/abroad", note="sent")


# --- another instead ------------------------------------------------------------------------------------------


async def _answered(context: Context) -> tuple[Swapped, Asking]:
    """Return the swap that waits for the reader's answer. Raises NoSuchPage: none does."""
    found, other = await find(context)
    mine = found.side_of(context.member.account_no)
    if found.stands(context.now_ms) is not SwapState.PROPOSED or found.swap.by is mine or other is None:
        raise NoSuchPage
    asker = context.member if mine is Side.ASKER else other
    things = await context.read(things_of, context.now_ms, asker.no)
    return found, Asking(name=other.name, mine=mine, title=found.title, things=things)


def _other_view(
    context: Context, found: Swapped, asking: Asking, turn: str, form: Filled
) -> SwapFormView:  # fmt: skip
    back = Link(text=context.words.gettext("Back to the swap"), href=f"{PATH}/{found.no}")
    return form_view(context, asking, f"{PATH}/{found.no}/other", back, (("turn", turn),), form)


async def other(context: Context) -> web.Response:
    """GET /my/swaps/{number}/other: what was proposed, to be changed."""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    found, asking = await _answered(context)
    form = terms_filled(context, asking, found.swap.terms)
    return context.show(_other_view(context, found, asking, str(found.swap.turn), form))


async def other_sent(context: Context) -> web.Response:
    """POST /my/swaps/{number}/other"""
    if (stop := paused(context)) is not None:
        return context.show(stop)
    form = context.form(OtherForm)
    if isinstance(form, Filled):
        found, asking = await _answered(context)
        return context.show(_other_view(context, found, asking, str(found.swap.turn), form), 422)
    if not form.turn.isascii() or not form.turn.isdigit():
        raise NoSuchPage
    found, with_ = await find(context)
    mine = found.side_of(context.member.account_no)
    if with_ is None:
        raise NoSuchPage
    asker = context.member if mine is Side.ASKER else with_
    things = await context.read(things_of, context.now_ms, asker.no)
    asking = Asking(name=with_.name, mine=mine, title=found.title, things=things)
    terms = read_terms(context, asking, form)
    if isinstance(terms, Filled):
        return context.show(_other_view(context, found, asking, form.turn, terms), 422)
    try:
        await context.node.swaps.counter(found.no, context.member, int(form.turn), terms, form.said)
    except CannotSwap as no:
        return context.show(cannot_swap(context, found.no, no.why))
    return context.redirect(f"{PATH}/{found.no}", note="day-proposed")


ROUTES: Final = (
    get("/l/{id}/swap", ask, MEMBER),
    post("/l/{id}/swap", propose, MEMBER),
    get(f"{PATH}/{{number}}/other", other, MEMBER),
    post(f"{PATH}/{{number}}/other", other_sent, MEMBER),
)
