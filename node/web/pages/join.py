"""Joining in four steps. What was typed travels in the pages; nothing is kept before the last button.

Every step checks all that came before it again: hidden fields are as much the reader's as shown ones.
Source: docs/pages.md 0.12 and 8.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from aiohttp import web

from node.services.applications import application_by_once
from node.services.entering import Wait
from node.services.members import (
    EMAIL_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    NewMember,
    Reach,
    Unable,
    fold_email,
)
from node.web.context import Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, SpendForm, Tick, line, missing_sentence, once_key, paragraphs
from node.web.sentences import field_of, unable_sentence, wait_sentence
from node.web.views.page import Fact, View
from node.web.views.visitor import (
    JoinAgreeView,
    JoinOfferView,
    JoinPersonView,
    JoinPlaceView,
    JoinSentView,
)
from node.web.words import Words

PLACE_CHARACTERS_MAX: Final = 80
PHONE_CHARACTERS_MAX: Final = 40
ADDRESS_CHARACTERS_MAX: Final = 300
HELP_CHARACTERS_MAX: Final = 80


class PlaceForm(Form):
    place: line(PLACE_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below


class PersonForm(Form):
    name: line(NAME_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    reach: Literal["email", "phone", "letter"]
    email: line(EMAIL_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above
    phone: line(PHONE_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above
    address: paragraphs(ADDRESS_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above


class OfferForm(Form):
    offer: line(HELP_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above
    want: line(HELP_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above


class AgreeForm(SpendForm):
    agree: Tick


STEPS: Final[tuple[type[Form], ...]] = (PlaceForm, PersonForm, OfferForm, AgreeForm)


async def begin(context: Context) -> web.Response:
    """Show the first step."""
    return context.show(_view(context, 0, {}, EMPTY))


async def place(context: Context) -> web.Response:
    """Take the place, show the second step."""
    return _next(context, 1)


async def person(context: Context) -> web.Response:
    """Take the name and how to reach it, show the third step."""
    return _next(context, 2)


async def offer(context: Context) -> web.Response:
    """Take an offer and a want, show the last step."""
    return _next(context, 3)


async def agree(context: Context) -> web.Response:
    """Store the application, once, however often it is sent."""
    known = _checked(context, 4)
    if isinstance(known, web.Response):
        return known
    new = NewMember(
        name=known["name"],
        place=known["place"],
        reach=Reach(known["reach"]),
        email=known["email"] or None,
        phone=known["phone"],
        address=known["address"],
        language=context.language,
    )
    once = context.fields["once"]
    try:
        outcome = await context.node.applications.apply(
            new, known["offer"], known["want"], context.address, once=once_key(once)
        )
    except Unable as unable:
        form = Filled(known).with_error(field_of(unable.why), unable_sentence(unable.why, context.words))
        return context.show(_view(context, 1, known, form), 422)
    if isinstance(outcome, Wait):
        form = Filled({"agree": "yes"}).with_error("", wait_sentence(outcome.ms, context.words))
        return context.show(_view(context, 3, known, form), 429)
    return context.redirect("/join/sent", application=once)


async def sent(context: Context) -> web.Response:
    """Say that the application is with the organisers; only who sent it knows this address."""
    try:
        once = once_key(context.query("application"))
    except ValueError:
        raise NoSuchPage from None
    found = await context.read(application_by_once, once)
    if found is None:
        raise NoSuchPage
    mailed = (found.person.email or "") if context.node.outbox.sends else ""
    return context.show(JoinSentView(name=found.person.name, confirm_mail=mailed))


# --- Steps -------------------------------------------------------------------------------------------------------


def _next(context: Context, done: int) -> web.Response:
    known = _checked(context, done)
    return known if isinstance(known, web.Response) else context.show(_view(context, done, known, EMPTY))


def _checked(context: Context, done: int) -> dict[str, str] | web.Response:
    """Return what the first `done` steps ask for, or the page of the first step in trouble."""
    known: dict[str, str] = {}
    for number, model in enumerate(STEPS[:done]):
        form = context.form(model)
        if not isinstance(form, Filled):
            form = _more_than_form(form, context.words) or form
        if isinstance(form, Filled):
            return context.show(_view(context, number, known, form), 422)
        known |= {
            name: value
            for name, value in form.model_dump().items()
            if isinstance(value, str) and name != "once"
        }
    return known


def _more_than_form(form: Form, words: Words) -> Filled | None:
    """Return the form again if what fits each field does not fit together."""
    match form:
        case PersonForm():
            typed = Filled(form.model_dump())
            try:
                email = fold_email(form.email)
            except Unable as unable:
                return typed.with_error("email", unable_sentence(unable.why, words))
            wanted = {"email": email, "phone": form.phone, "letter": form.address}[form.reach]
            field = "address" if form.reach == "letter" else form.reach
            return None if wanted else typed.with_error(field, missing_sentence(field, words))
        case AgreeForm(agree=False):
            return EMPTY.with_error("agree", words.gettext("Please tick this, or ring us and ask."))
        case _:
            return None


def _view(context: Context, number: int, known: Mapping[str, str], form: Filled) -> View:
    """Return the page of a step; `known` is what the steps before it found out."""
    words = context.words
    hidden = tuple(
        (name, known[name]) for model in STEPS[:number] for name in model.model_fields if name in known
    )
    match number:
        case 0:
            town = context.settings.place
            return JoinPlaceView(form=form, places=(town,) if town else (), others=())
        case 1:
            return JoinPersonView(form=form, hidden=hidden)
        case 2:
            return JoinOfferView(
                form=form,
                hidden=hidden,
                offer_examples=(words.gettext("bread"), words.gettext("bike repair"), words.gettext("reading aloud")),
                want_examples=(words.gettext("a lift"), words.gettext("a ladder"), words.gettext("jam")),
                optional=True,
            )  # fmt: skip
        case _:
            return JoinAgreeView(
                form=form,
                hidden=(*hidden, ("once", context.fields.get("once") or context.once())),
                agreement=agreement_lines(context),
                answers=_answers(known, words),
            )


def _answers(known: Mapping[str, str], words: Words) -> tuple[Fact, ...]:
    labels = (
        ("name", words.gettext("Name")),
        ("place", words.gettext("Place")),
        ("email", words.gettext("E-mail")),
        ("phone", words.gettext("Phone")),
        ("address", words.gettext("Address for letters")),
        ("offer", words.gettext("I can offer")),
        ("want", words.gettext("I could use")),
    )
    return tuple(Fact(label=label, text=known[name]) for name, label in labels if known.get(name))


def agreement_lines(context: Context) -> tuple[str, ...]:
    """Return what applicants agree to: the scheme's own lines, or the pack's."""
    own = tuple(text.strip() for text in context.settings.agreement.splitlines() if text.strip())
    if own:
        return own
    _ = context.words.gettext
    return (
        _("We help each other and write it down. Nobody has to do anything."),
        _("Each of us says what it is worth before it is done."),
        _("Everybody may be behind for a while; in the course of a year we try to come out even."),
        _("How far behind or ahead one may go is the same for all, unless we agree otherwise."),
        _("What is recorded here cannot be turned into money."),
        _("We are honest about what we offer, and kind about what goes wrong."),
        _("When something goes wrong, an organiser helps; what was recorded is put right in the open."),
        _("Everybody may leave at any time. If you are behind then, you talk with an organiser first."),
    )


ROUTES: Final[tuple[Route, ...]] = (
    get("/join", begin),
    post("/join", place),
    post("/join/person", person),
    post("/join/offer", offer),
    post("/join/agree", agree),
    get("/join/sent", sent),
)
