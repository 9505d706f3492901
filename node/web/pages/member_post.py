"""Posting an offer or want in three steps.

What was typed travels in the forms from step to step; nothing is stored before Publish. A listing is only ever
touched by the member who placed it. Source: docs/pages.md 7.2, 8.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import web

from node.services.market import LISTINGS_OF_ONE_MAX, TooManyListings
from node.services.own_listings import Owned, listings_of
from node.web.amounts import Unreadable, as_typed, parse_amount
from node.web.context import MEMBER, Context, get, post
from node.web.forms import (
    EMPTY,
    Filled,
    Form,
    SpendForm,
    Tick,
    amount_sentence,
    line,
    missing_sentence,
    paragraphs,
)
from node.web.listing_names import listing_id
from node.web.pages.booking_words import terms_facts
from node.web.pages.listings import category_name, find_mine, price_words
from node.web.pages.listings_for import change_for, publish_for
from node.web.pages.pictures_shown import post_picture
from node.web.pages.post_pictures import PICTURE_FIELDS, Picked, picked, picked_anew, picked_of
from node.web.pages.post_terms import TERMS_FIELDS, TermsForm, read_terms, typed_terms, usual_terms
from node.web.pages.schemes import schemes_known
from node.web.present import Voice, paragraphs_of
from node.web.views.member import (
    PostPreviewView,
    PostPriceView,
    PostWhatView,
)
from node.web.views.page import Fact, ListingCard, Option
from protocol.categories import CATEGORIES, CODES
from protocol.errors import InvalidValue
from protocol.limits import AMOUNT_MAX, LISTING_LIFE_MS
from protocol.listing import State
from protocol.market import BOOKABLE, COSTS_NOTHING, AskingPrice, Listing

# The same listing again within so long is the same press of the button.
PRESSED_TWICE_MS: Final = 10 * 60_000
WHAT_FIELDS: Final = ("kind", "title", "text")
FIRST_FIELDS: Final = (*WHAT_FIELDS, *PICTURE_FIELDS)
PRICE_FIELDS: Final = (
    "price_kind", "price", "per", "extra", "category", "place", "share", *TERMS_FIELDS,
)  # fmt: skip
POSTED: Final = ("offer", "want", "gift", "lend", "rent", "stay", "lift")
PRICED_PER: Final = ("item", "hour", "day", "seat", "km")  # as the page asks it


class WhatForm(Form):
    """Step 1."""

    kind: Literal["offer", "want", "gift", "lend", "rent", "stay", "lift"]
    title: line(80, 1)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    text: paragraphs(2000)  # type: ignore[valid-type]  # as above


class PriceForm(WhatForm, TermsForm):
    """Step 2, with what step 1 had."""

    price_kind: Literal["amount", "agree", "free"]
    price: line(40)  # type: ignore[valid-type]  # as above
    per: Literal["item", "hour", "day", "seat", "km", ""]
    extra: line(60)  # type: ignore[valid-type]  # as above
    category: line(30)  # type: ignore[valid-type]  # as above
    place: Tick
    share: Tick


class PublishForm(PriceForm, SpendForm):
    """Step 3: everything once more."""


# --- The steps ----------------------------------------------------------------------------------------------


def _carried(fields: Mapping[str, str], names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return what a step hands on to the next, with the listing that is changed, if one is."""
    return tuple((name, fields[name]) for name in (*names, "listing") if fields.get(name))


async def what(context: Context) -> web.Response:
    """GET /post?kind or listing"""
    pictures = Picked()
    if context.query("listing"):
        owned = await find_mine(context, context.query("listing"))
        fields, pictures = typed_of(context, owned), await picked_of(context, owned)
    else:
        kind = context.query("kind")
        fields = {"kind": kind if kind in POSTED else "offer"}
    return _what_page(context, fields, pictures)


def _what_page(
    context: Context, fields: Mapping[str, str], pictures: Picked, errors: Mapping[str, str] = EMPTY.errors
) -> web.Response:
    """Show step 1; `errors` is what is wrong about what was typed, beside what is wrong about the pictures."""
    typed = {name: fields.get(name, "") for name in WHAT_FIELDS} | pictures.fields
    if pictures.errors:
        typed["words"] = fields.get("words", "")
    form = pictures.with_errors(Filled(typed, dict(errors)))
    hidden = (*_carried(fields, PRICE_FIELDS), ("pictures", pictures.fields["pictures"]))
    return context.show(
        PostWhatView(form=form, hidden=hidden, pictures=pictures.shown), 422 if form.errors else 200
    )


def typed_of(context: Context, owned: Owned) -> dict[str, str]:
    """Return a listing as it would be typed, to change it."""
    content = owned.listing.content
    price = content.price
    return {
        "listing": listing_id(owned.listing.key),
        "kind": content.kind,
        "title": content.title,
        "text": content.text,
        "price_kind": price.per if price.per in ("agree", "free") else "amount",
        "price": as_typed(price.amount, context.unit, context.language) if price.amount else "",
        "per": price.per if price.per in PRICED_PER else "item",
        "extra": content.cash,
        "category": content.category,
        "place": "yes" if content.place is not None else "no",
        "share": "yes" if owned.listing.shared else "no",
        **typed_terms(context, content.terms),
    }


async def what_sent(context: Context) -> web.Response:
    """POST /post: on to the price."""
    form, pictures = context.form(WhatForm), await picked_anew(context)
    if isinstance(form, Filled) or pictures.stays:
        # Whoever is at the pictures is not told what is missing elsewhere.
        errors = form.errors if isinstance(form, Filled) and not pictures.stays else {}
        return _what_page(context, context.fields, pictures, errors)
    fields = {**context.fields, **pictures.fields}
    begun = bool(context.fields.get("price_kind"))
    values = {name: context.fields.get(name, "") for name in PRICE_FIELDS}
    if not begun:
        per = "seat" if form.kind == "lift" else "item"
        values |= {"price_kind": "amount", "per": per, "place": "yes", "share": "yes"}
    if not values["longest"]:
        values |= usual_terms(form.kind)
    return context.show(_price_view(context, Filled(values), fields))


def _price_view(context: Context, form: Filled, fields: Mapping[str, str]) -> PostPriceView:
    voice, _ = context.voice, context.words.gettext
    hint = ""
    if context.unit.kind != "hours":
        hour = voice.spoken(context.node.settings.rate().minor_per_hour)
        hint = _("One hour of ordinary work is %(amount)s here.") % {"amount": hour}
    return PostPriceView(
        form=form,
        hidden=_carried(fields, FIRST_FIELDS),
        unit_name=voice.unit_name(),
        amount_hint=voice.amount_hint(),
        hour_hint=hint,
        categories=_categories(voice),
        has_place=context.member.spot is not None,
        kind=context.fields.get("kind", ""),
    )


def _categories(voice: Voice) -> tuple[Option, ...]:
    options = [Option(value="", text=voice.words.gettext("Please choose"))]
    for group, _, below in CATEGORIES:
        name = category_name(group, voice)
        options.append(Option(value=group, text=name))
        options += [
            Option(value=code, text=f"{name}: {category_name(code, voice)}") for code, _english in below
        ]
    return tuple(options)


@dataclass(frozen=True, slots=True)
class Written:
    """A listing as it was typed and understood."""

    content: Listing
    shared: bool


def understand(context: Context, form: PriceForm, pictures: Picked) -> Written | Filled:
    """Return the listing that was typed, or step 2 again with what is wrong."""
    filled = Filled({name: context.fields.get(name, "") for name in PRICE_FIELDS})
    _ = context.words.gettext
    price = _price(context, form, filled)
    filled = price if isinstance(price, Filled) else filled
    terms = read_terms(context, form.kind, form, filled)
    filled = terms if isinstance(terms, Filled) else filled
    if not form.category:
        filled = filled.with_error("category", missing_sentence("category", context.words))
    elif form.category not in CODES:
        filled = filled.with_error("category", _("Please choose one of the answers."))
    if filled.errors or isinstance(price, Filled) or isinstance(terms, Filled):
        return filled
    try:
        content = Listing(
            kind=form.kind,
            title=form.title,
            text=form.text,
            category=form.category,
            price=price,
            cash=form.extra,
            language=context.language.lower(),
            place=context.member.spot if form.place else None,
            owner=context.member.public_name or None,
            pictures=pictures.said,
            terms=terms,
        )
    except InvalidValue:  # letters of other scripts take several bytes each
        return filled.with_error("", _("This is too long. Please make the title or the text shorter."))
    return Written(content, form.share)


def _price(context: Context, form: PriceForm, filled: Filled) -> AskingPrice | Filled:
    if form.price_kind == "free" or form.kind in COSTS_NOTHING:
        return AskingPrice(amount=0, per="free")
    if form.price_kind == "agree" and not form.price:
        return AskingPrice(amount=0, per="agree")
    amount = parse_amount(form.price, context.unit, most=AMOUNT_MAX)
    if isinstance(amount, Unreadable):
        return filled.with_error(
            "price", amount_sentence(amount, form.price, context.unit, AMOUNT_MAX, context.words)
        )
    return AskingPrice(amount=amount, per="agree" if form.price_kind == "agree" else _per(form))


def _per(form: PriceForm) -> str:
    """Return what an amount is for: what is booked is paid by the step in which it is booked."""
    if form.kind in BOOKABLE:
        return "night" if form.kind == "stay" else form.step or "day"
    return form.per or "item"


async def price_sent(context: Context) -> web.Response:
    """POST /post/price: on to the preview."""
    form, pictures = context.form(PriceForm), await picked(context)
    written = form if isinstance(form, Filled) else understand(context, form, pictures)
    if isinstance(written, Filled) or pictures.errors:
        return _back(context, written if isinstance(written, Filled) else EMPTY, pictures)
    voice = context.voice
    content = written.content
    fields = {
        **context.fields,
        "place": "yes" if content.place else "no",
        "share": "yes" if written.shared else "no",
        "approval": "yes" if content.terms is not None and content.terms.approval else "no",
    }
    return context.show(
        PostPreviewView(
            card=ListingCard(
                href="",
                kind=content.kind,
                title=content.title,
                price=price_words(content.price, voice),
                owner=context.member.name,
            ),
            paragraphs=paragraphs_of(content.text),
            facts=_facts(content, voice),
            pictures=pictures.shown,
            shown_to=await _shown_to(context, written.shared),
            until=voice.long_day(context.now_ms + LISTING_LIFE_MS),
            hidden=_carried(fields | pictures.fields, (*FIRST_FIELDS, *PRICE_FIELDS)),
            once=context.once(),
        )
    )


def _back(context: Context, form: Filled, pictures: Picked) -> web.Response:
    """Show the step in which something is wrong."""
    if pictures.errors or any(name in form.errors for name in WHAT_FIELDS):
        return _what_page(context, context.fields, pictures, form.errors)
    return context.show(_price_view(context, form, {**context.fields, **pictures.fields}), 422)


def _facts(content: Listing, voice: Voice) -> tuple[Fact, ...]:
    _ = voice.words.gettext
    facts = [Fact(label=_("Category"), text=category_name(content.category, voice))]
    if content.cash:
        facts.append(Fact(label=_("Cash for materials"), text=content.cash))
    if content.terms is not None:
        facts += terms_facts(content.terms, voice)
    return tuple(facts)


async def _shown_to(context: Context, shared: bool) -> str:
    """Return who will see it: neighbours tell theirs, so it is all whose listings come here too."""
    others = len((await schemes_known(context)).keys() - {context.node.scheme})
    if not shared or not others:
        return context.settings.name
    return context.words.ngettext(
        "%(scheme)s and %(num)d other scheme", "%(scheme)s and %(num)d other schemes", others
    ) % {"scheme": context.settings.name, "num": others}


async def change(context: Context) -> web.Response:
    """POST /post/change: back to step 1 with everything kept."""
    return _what_page(context, context.fields, await picked(context))


async def publish(context: Context) -> web.Response:
    """POST /post/publish"""
    form, pictures = context.form(PublishForm), await picked(context)
    written = form if isinstance(form, Filled) else understand(context, form, pictures)
    if isinstance(written, Filled) or pictures.errors:
        return _back(context, written if isinstance(written, Filled) else EMPTY, pictures)
    market, changed = context.node.market, context.fields.get("listing", "")
    if changed:
        owned = await find_mine(context, changed)
        key = owned.listing.key
        if context.behalf is not None:
            await change_for(context, context.behalf, owned, written.content, shared=written.shared)
            return context.redirect(f"/l/{listing_id(key)}", note="saved")
        await market.edit(key, written.content)
        if owned.listing.shared != written.shared:
            await market.share(key, written.shared)
        return context.redirect(f"/l/{listing_id(key)}", note="saved")
    for owned in await context.read(listings_of, context.member.no):
        if (
            owned.listing.content == written.content
            and context.now_ms - owned.changed_ms < PRESSED_TWICE_MS
            and owned.listing.state is State.PUBLISHED
        ):
            return context.redirect(f"/l/{listing_id(owned.listing.key)}")
    try:
        if context.behalf is not None:
            owned = await publish_for(context, context.behalf, written.content, shared=written.shared)
        else:
            owned = await market.post(context.member.no, written.content, shared=written.shared)
    except TooManyListings:
        said = context.words.gettext(
            "You have %(num)d listings, as many as one person may have. Take down one you no longer need first."
        ) % {"num": LISTINGS_OF_ONE_MAX}
        values = {name: context.fields.get(name, "") for name in (*WHAT_FIELDS, *PRICE_FIELDS)}
        return _back(context, Filled(values).with_error("title", said), pictures)
    return context.redirect(f"/l/{listing_id(owned.listing.key)}", note="published")


ROUTES: Final = (
    get("/post", what, MEMBER, for_others=True),
    post_picture("/post", what_sent, for_others=True),
    post("/post/price", price_sent, MEMBER, for_others=True),
    post("/post/change", change, MEMBER, for_others=True),
    post("/post/publish", publish, MEMBER, for_others=True),
)
