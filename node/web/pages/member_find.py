"""Finding offers and wants, our own and neighbours' together, and the page of one. Source: docs/pages.md 7.2, 8.3, 8.11."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.cards import Cards, Page
from node.services.helper_rows import helper_until
from node.services.members import Member
from node.services.own_listings import Owned, find_own
from node.services.search import COUNTED_MAX, FindQuery, Order
from node.services.slips import near
from node.store import ReadTx
from node.web.amounts import Unit
from node.web.context import MEMBER, VISITOR, Context, get
from node.web.forms import EMPTY, Filled
from node.web.listing_names import listing_id
from node.web.pages import board
from node.web.pages.booking_words import terms_facts
from node.web.pages.helper_words import badge_words
from node.web.pages.lift_listings import with_lifts
from node.web.pages.listings import (
    ShownListing,
    card_view,
    cards_view,
    category_name,
    find_listing,
    owners_of,
    parse_listing_id,
    price_words,
)
from node.web.pages.member import pager
from node.web.pages.member_gifts import givers_part, takers_part
from node.web.pages.member_listings import ends_soon, state_pill
from node.web.pages.member_requests import abroad_part
from node.web.pages.pictures_shown import pictures_from, pictures_of
from node.web.pages.schemes import Schemes, read_schemes
from node.web.pages.thing_owners import with_owners
from node.web.present import Voice, paragraphs_of
from node.web.rates import rate_words
from node.web.views.member import FindView, ListingView
from node.web.views.page import Empty, Fact, Link, ListingCard, Option
from protocol.categories import CODES
from protocol.errors import InvalidValue
from protocol.limits import AMOUNT_MAX
from protocol.listing import TRANSITIONS, Hid, Renewed, Shown, State, Withdrew
from protocol.market import Listing, Place
from protocol.names import SchemeId, parse_scheme_text, scheme_text
from protocol.swap import SWAPPABLE
from protocol.units import Rate, hours_of

# So little may be for want of the right letters: words that find more are shown beside it.
FEW: Final = 3
DISTANCES_KM: Final = (2, 5, 10, 20, 50)
_DISTANCES: Final = frozenset(str(km) for km in DISTANCES_KM)


def here_of(context: Context) -> Place | None:
    """Return from where distances are reckoned: the reader's place, else the scheme's."""
    return context.member.spot or board.place_of(context.settings)


@dataclass(frozen=True, slots=True)
class Results:
    """What was found, of one moment."""

    page: Page
    mended: bool  # it is for words near to those that found nothing
    instead: str  # words near to these, that find much more
    owners: Mapping[int, Member]
    schemes: Schemes
    scheme: SchemeId | None  # the one looked in; none: all, or one that nobody here has heard of


def read_results(tx: ReadTx, now_ms: int, cards: Cards, own: SchemeId, query: FindQuery) -> Results:
    """Query: a page of what fits, with all that is said of it."""
    schemes = read_schemes(tx, now_ms)
    if query.scheme not in schemes and query.scheme != own:
        query = replace(query, scheme=None)
    found, mended, instead = cards.find(tx, now_ms, query), False, ""
    if query.text and found.total <= FEW and query.page == 1:
        few = FEW if found.total else 0
        text = near(tx, query.text, now_ms, few)
        if text and not found.total:
            found, mended = cards.find(tx, now_ms, replace(query, text=text)), True
        elif text and cards.find(tx, now_ms, replace(query, text=text)).total > 2 * FEW:
            instead = text
    return Results(found, mended, instead, owners_of(tx, found.cards), schemes, query.scheme)


async def find(context: Context) -> web.Response:
    """GET /find?q&kind&km&category&scheme&page"""
    voice = context.voice
    asked = {name: context.query(name) for name in ("q", "kind", "km", "category", "scheme")}
    here = here_of(context)
    query = query_of(asked, here, context.page_number)
    results = await context.remember(read_results, context.node.market.cards, context.node.scheme, query)
    found = results.page
    kept = {
        "q": asked["q"],
        "kind": query.kind,
        "km": asked["km"] if asked["km"] in _DISTANCES else "",
        "category": query.category,
        "scheme": "" if results.scheme is None else asked["scheme"],
    }
    return context.show(
        FindView(
            query=asked["q"],
            kind=query.kind,
            km=kept["km"],
            distances=distance_options(voice, anywhere=here is None),
            category=query.category,
            categories=board.category_options(context.words),
            scheme=kept["scheme"],
            schemes=_scheme_options(context.node.scheme, results.schemes, voice),
            summary=_summary(found.total, asked["q"], results.mended, here is not None, voice),
            instead=_instead(results.instead, kept, voice),
            cards=cards_view(found.cards, results.owners, context, here),
            pager=pager(context, "/find", kept, min(found.total, COUNTED_MAX)),
            keeps=tuple(kept.items()) if any(kept.values()) and context.behalf is None else (),
            empty=None if found.cards else _nothing(query.kind, bool(kept["km"]), voice),
        )
    )


def query_of(asked: Mapping[str, str], here: Place | None, page: int) -> FindQuery:
    """Return what an address or a form looks for, seen from `here`."""
    return FindQuery(
        text=asked["q"],
        kind=board.kind_of(asked["kind"]),
        category=asked["category"] if asked["category"] in CODES else "",
        scheme=_scheme_of(asked["scheme"]),
        place=here,
        km=int(asked["km"]) if asked["km"] in _DISTANCES and here is not None else None,
        order=Order.NEAREST if here is not None else Order.BEST,
        page=page,
    )


def distance_options(voice: Voice, *, anywhere: bool) -> tuple[Option, ...]:
    """Return how far one may look; `anywhere`: it is not known from where."""
    _ = voice.words.gettext
    every = Option(value="", text=_("Any distance"))
    if anywhere:
        return (every,)
    return (every, *(Option(value=str(km), text=_("Up to %(km)d km") % {"km": km}) for km in DISTANCES_KM))


def _scheme_options(own: SchemeId, schemes: Schemes, voice: Voice) -> tuple[Option, ...]:
    """Return which scheme can be looked in; nothing where there is only ours."""
    others = sorted((each.name, scheme_text(which)) for which, each in schemes.items() if which != own)
    if not others:
        return ()
    return (
        Option(value="", text=voice.words.gettext("All schemes")),
        Option(value=scheme_text(own), text=voice.scheme),
        *(Option(value=value, text=name) for name, value in others),
    )


def _scheme_of(text: str) -> SchemeId | None:
    try:
        return parse_scheme_text(text) if text else None
    except InvalidValue:
        return None


def _summary(total: int, query: str, mended: bool, nearest: bool, voice: Voice) -> str:
    words = voice.words
    if not total and query:
        return words.gettext("Nothing for “%(query)s”") % {"query": query}
    if mended:
        text = words.ngettext(
            "Nothing for “%(query)s”. %(num)d offer or want comes near it",
            "Nothing for “%(query)s”. %(num)d offers and wants come near it",
            total,
        ) % {"num": total, "query": query}
    elif query and total <= COUNTED_MAX:
        text = words.ngettext(
            "%(num)d offer or want for “%(query)s”", "%(num)d offers and wants for “%(query)s”", total
        ) % {"num": total, "query": query}
    else:
        text = board.how_many(total, words)
    if nearest and total > 1 and not mended:
        return words.gettext("%(what)s, nearest first") % {"what": text}
    return text


def _instead(text: str, kept: dict[str, str], voice: Voice) -> Link | None:
    """Return the way to what was perhaps meant."""
    if not text:
        return None
    asked = urlencode({name: value for name, value in (kept | {"q": text}).items() if value})
    said = voice.words.gettext("Or look for “%(words)s”?") % {"words": text}
    return Link(text=said, href=f"/find?{asked}")


def _nothing(kind: str, narrowed: bool, voice: Voice) -> Empty:
    """Return what an empty list says, with one thing to do next. Source: docs/pages.md 4."""
    _ = voice.words.gettext
    if narrowed:
        return Empty(
            text=_("Nothing so near. Perhaps further away?"),
            action=Link(text=_("Look everywhere"), href="/find"),
        )
    if kind == "want":
        return Empty(
            text=_("Nobody asks for this yet. You could offer it."),
            action=Link(text=_("Write an offer"), href="/post?kind=offer"),
        )
    return Empty(
        text=_("Nobody offers this yet. You could ask for it."),
        action=Link(text=_("Write a want"), href="/post?kind=want"),
    )


# --- One listing --------------------------------------------------------------------------------------------


async def listing(context: Context) -> web.Response:
    """GET /l/{id}, for members and for visitors."""
    text = context.part("id")
    if context.session is None:
        return await board.listing(context)
    key, scheme = parse_listing_id(text)
    owned = None if scheme is not None else await context.read(find_own, key)
    mine = owned is not None and owned.member_no == context.member.no
    if owned is not None and mine and owned.listing.state is not State.WITHDRAWN:
        view = await with_owners(context, key, own_view(context, owned))
        view = replace(view, pictures=await pictures_of(context, key, owned.listing.content))
        view = await with_lifts(context, owned.listing.content, context.member, view)
        return context.show(replace(view, gift=await givers_part(context, owned)))
    return context.show(await others_view(context, await find_listing(context, text)))


def own_view(context: Context, owned: Owned) -> ListingView:
    """Return the page of one's own listing, in whatever state it is."""
    voice, own = context.voice, owned.listing
    name = listing_id(own.key)
    can = TRANSITIONS[own.state]
    return ListingView(
        card=ListingCard(
            href=f"/l/{name}",
            kind=own.content.kind,
            title=own.content.title,
            price=price_words(own.content.price, voice),
            owner=context.member.name,
        ),
        price_note="",
        paragraphs=paragraphs_of(own.content.text),
        facts=facts_of(own.content, own.expires, voice),
        owner_href=f"/people/{context.member.number}",
        when_href=f"/l/{name}/when" if own.content.terms and own.state is State.PUBLISHED else "",
        own=True,
        state=state_pill(owned, voice),
        message_href="",
        record_href="",
        cannot_record=owned.reason if own.state is State.REMOVED else "",
        edit_href=f"/post?listing={name}",
        hide_action=f"/l/{name}/hide" if Hid in can else "",
        keep_action=f"/l/{name}/keep" if Renewed in can and ends_soon(owned, voice) else "",
        show_action=f"/l/{name}/show" if Shown in can else "",
        withdraw_action=f"/l/{name}/withdraw" if Withdrew in can else "",
    )


async def others_view(context: Context, shown: ShownListing, form: Filled = EMPTY) -> ListingView:
    """Return the page of somebody else's listing; `form` is what was typed to ask for what is given away."""
    view, until = _listing_view(context, shown), None
    if shown.owner is not None:
        until = await context.read(helper_until, shown.owner, context.settings, context.node.helpers.today())
    gift, abroad = await takers_part(context, shown, form), await abroad_part(context, shown, form)
    if shown.owner is not None:
        view = await with_owners(context, shown.key, view)
        view = await with_lifts(context, shown.content, shown.owner, view)
        view = replace(view, pictures=await pictures_of(context, shown.key, shown.content))
    if shown.other is not None:
        pictures = await pictures_from(context, shown.card.scheme, shown.key, shown.content)
        view = replace(view, pictures=pictures)
    return replace(view, gift=gift, abroad=abroad, owner_helper=badge_words(until, context.words))


def _listing_view(context: Context, shown: ShownListing) -> ListingView:
    voice, _ = context.voice, context.words.gettext
    cannot = cannot_record(context, shown)
    paid = shown.content.is_paid
    card = card_view(shown.card, shown.owner, context, here_of(context))
    note = ""
    if shown.other is not None and card.price_theirs:
        note = _(
            "You see their price turned into %(unit)s: %(rate)s The final amount is shown before you agree."
        ) % {
            "unit": voice.unit_name(),
            "rate": rate_words(shown.other, context.node.settings.rate().minor_per_hour, voice),
        }
    return ListingView(
        card=replace(card, owner=card.owner or shown.owner_name),
        price_note=note,
        paragraphs=paragraphs_of(shown.content.text),
        facts=facts_of(
            shown.content,
            shown.card.expires,
            voice,
            shown.unit(context),
        ),
        owner_href="" if shown.owner is None else f"/people/{shown.owner.number}",
        when_href=f"/l/{shown.id}/when" if shown.owner is not None and shown.content.terms else "",
        own=False,
        state=None,
        message_href=f"/messages/new?listing={shown.id}",
        report_href=f"/l/{shown.id}/report",
        record_href=f"/record/what?listing={shown.id}" if paid and not cannot else "",
        cannot_record=cannot if paid else "",
        swap_href=f"/l/{shown.id}/swap" if _can_swap(context, shown) else "",
    )


def _can_swap(context: Context, shown: ShownListing) -> bool:
    """Tell whether the reader can offer something for a listing."""
    if shown.content.kind not in SWAPPABLE or not context.member.may_trade:
        return False
    return shown.owner.may_trade if shown.owner is not None else shown.other is not None


def cannot_record(context: Context, shown: ShownListing) -> str:
    """Return why nothing can be recorded with whoever placed a listing now; "" where it can. Source: docs/pages.md 8.11."""
    _ = context.words.gettext
    if shown.owner is not None:
        if shown.owner.may_trade:
            return ""
        return _("%(name)s cannot trade just now.") % {"name": shown.owner.name}
    assert shown.other is not None, "a listing is ours or another scheme's"
    said = {"here": context.settings.name, "there": shown.other.name, "name": context.scheme.site.help_name}
    routes, there = context.node.routes, shown.other.scheme
    if not routes.candidates(there, 0):
        return _("%(here)s cannot reach %(there)s just now. Please look again later.") % said
    if not routes.candidates(there, _hours(shown)):
        return _("%(here)s has bought all it can from %(there)s for now. %(name)s can tell you when.") % said
    return ""


def _hours(shown: ShownListing) -> int:
    """Return what a listing's price is between schemes; the least there is where it has none."""
    assert shown.other is not None
    if shown.other.minor_per_hour is None or not shown.content.price.amount:
        return 1
    try:
        return hours_of(shown.content.price.amount, Rate(minor_per_hour=shown.other.minor_per_hour))
    except InvalidValue:
        return AMOUNT_MAX


def facts_of(content: Listing, expires: int, voice: Voice, unit: Unit | None = None) -> tuple[Fact, ...]:
    """Return what a listing's page lists beside its words; its amounts are in our own unit unless another is given."""
    _ = voice.words.gettext
    facts = [Fact(label=_("Category"), text=category_name(content.category, voice))]
    if content.cash:
        facts.append(Fact(label=_("Cash for materials"), text=content.cash))
    if content.terms is not None:
        facts += terms_facts(content.terms, voice, unit)
    if content.away_until is not None and content.away_until > voice.now_ms:
        facts.append(Fact(label=_("Away until"), text=voice.day(content.away_until)))
    facts.append(Fact(label=_("Listed until"), text=voice.long_day(expires)))
    return tuple(facts)


ROUTES: Final = (
    get("/find", find, MEMBER, for_others=True),
    get("/l/{id}", listing, VISITOR),
)
