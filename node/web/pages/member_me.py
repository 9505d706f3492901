"""Oneself: where I stand, how others see me, and my settings: name, contact, language, PIN.

Source: docs/pages.md 0.8, 7.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from aiohttp import web
from pydantic import StringConstraints

from node.services.entering import Wait
from node.services.gift_rows import given_and_received
from node.services.members import Member, NewMember, Unable
from node.services.second_step import is_stepping
from node.services.sessions import sessions_of
from node.web.context import MEMBER, Context, get, post
from node.web.forms import EMPTY, Filled, Form, line, paragraphs
from node.web.languages import language_options
from node.web.pages.member_given import counts_words
from node.web.pages.recording import own_account
from node.web.present import balance_card, limits_words
from node.web.sentences import field_of, unable_sentence, wait_sentence
from node.web.views.member import MeView, SettingsView
from node.web.views.page import Fact


class ProfileForm(Form):
    """What others read of me."""

    name: line(80, 1)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    place: line(80)  # type: ignore[valid-type]  # as above
    phone: line(40)  # type: ignore[valid-type]  # as above
    about: paragraphs(1000)  # type: ignore[valid-type]  # as above


class LanguageForm(Form):
    """In which language pages and mails speak to me."""

    language: line(20, 2)  # type: ignore[valid-type]  # as above


class NewPinForm(Form):
    """PINs are never tidied: what was typed is what counts."""

    old_pin: Annotated[str, StringConstraints(strict=True, max_length=40)]
    pin: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=40)]
    pin_again: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=40)]


async def me(context: Context) -> web.Response:
    """GET /my"""
    member, voice, _ = context.member, context.voice, context.words.gettext
    account = await context.read(own_account, member.account_no)
    given = counts_words(await context.read(given_and_received, member.account_no), context.words)
    facts = [
        Fact(label=_("Member since"), text=voice.month(member.joined_ms)),
        Fact(label=_("Place"), text=member.place),
        Fact(label=_("E-mail"), text=member.email or ""),
        Fact(label=_("Phone"), text=member.phone),
    ]
    return context.show(
        MeView(
            name=member.name,
            number=member.number,
            facts=tuple(fact for fact in facts if fact.text),
            balance=replace(balance_card(account, voice), given=given),
            limits=limits_words(account, voice),
            person_href=f"/people/{member.number}",
        )
    )


# --- Settings -----------------------------------------------------------------------------------------------


async def settings(context: Context) -> web.Response:
    """GET /my/settings"""
    return context.show(await _settings_view(context))


async def _settings_view(
    context: Context, *, profile: Filled | None = None, language: Filled = EMPTY, pin: Filled = EMPTY
) -> SettingsView:
    member = context.member
    cookie = context.cookies.get(context.cookies.names.session)
    places = await context.read(sessions_of, member.no, cookie, context.now_ms)
    return SettingsView(
        profile_form=profile or _profile_of(member),
        mail_form=language,
        pin_form=pin,
        has_pin=member.has_pin,
        email=member.email or "",
        languages=language_options(context.settings.languages),
        language=context.settings.language_for(member.language),
        offers_step=context.at_desk or await context.read(is_stepping, member.no),
        passkeys=context.node.passkeys.possible,
        logins=len(places),
    )


def _profile_of(member: Member) -> Filled:
    return Filled({"name": member.name, "place": member.place, "phone": member.phone, "about": member.about})


def _as_new(member: Member) -> NewMember:
    """Return everything known of a member, to change a part of it."""
    return NewMember(
        name=member.name,
        public_name=member.public_name,
        email=member.email,
        phone=member.phone,
        address=member.address,
        place=member.place,
        spot=member.spot,
        about=member.about,
        reach=member.reach,
        language=member.language,
        role=member.role,
    )


async def save_profile(context: Context) -> web.Response:
    """POST /my/profile"""
    form = context.form(ProfileForm)
    if isinstance(form, Filled):
        return context.show(await _settings_view(context, profile=form), 422)
    member = context.member
    new = replace(_as_new(member), name=form.name, place=form.place, phone=form.phone, about=form.about)
    try:
        await context.node.people.change_profile(context.actor, member.no, new)
    except Unable as no:
        field = field_of(no.why)
        field = "phone" if field == "reach" else field
        typed = Filled(form.model_dump()).with_error(field, unable_sentence(no.why, context.words))
        return context.show(await _settings_view(context, profile=typed), 422)
    return context.redirect("/my/settings", note="saved")


async def save_language(context: Context) -> web.Response:
    """POST /my/mail: the language."""
    form = context.form(LanguageForm)
    if isinstance(form, Filled) or form.language not in context.settings.languages:
        wrong = EMPTY.with_error("language", context.words.gettext("Please choose one of the answers."))
        return context.show(await _settings_view(context, language=wrong), 422)
    new = replace(_as_new(context.member), language=form.language)
    await context.node.people.change_profile(context.actor, context.member.no, new)
    context.keep_language("")  # from now on the member's own counts, here and in mails
    return context.redirect("/my/settings", note="saved")


async def save_pin(context: Context) -> web.Response:
    """POST /my/pin: a new PIN, for whoever knows the old one."""
    form = context.form(NewPinForm)
    if isinstance(form, Filled):
        return context.show(await _settings_view(context, pin=Filled({}, form.errors)), 422)
    wrong = await _pin_trouble(context, form)
    if wrong is not None:
        return context.show(await _settings_view(context, pin=wrong), 422)
    try:
        await context.node.people.set_pin(context.actor, context.member.no, form.pin)
    except Unable as no:
        trouble = EMPTY.with_error("pin", unable_sentence(no.why, context.words))
        return context.show(await _settings_view(context, pin=trouble), 422)
    return context.redirect("/my/settings", note="saved")


async def _pin_trouble(context: Context, form: NewPinForm) -> Filled | None:
    """Return what is wrong with the PINs typed, or None. Wrong old ones are counted like wrong sign-ins."""
    _ = context.words.gettext
    if form.pin != form.pin_again:
        return EMPTY.with_error("pin_again", _("The two new PINs differ."))
    if not context.member.has_pin:
        return None
    fits = await context.node.sign_in.fits_pin(context.member, form.old_pin, context.address)
    if isinstance(fits, Wait):
        return EMPTY.with_error("old_pin", wait_sentence(fits.ms, context.words))
    return None if fits else EMPTY.with_error("old_pin", _("This is not the PIN you have now."))


ROUTES: Final = (
    get("/my", me, MEMBER),
    get("/my/settings", settings, MEMBER),
    post("/my/profile", save_profile, MEMBER),
    post("/my/mail", save_language, MEMBER),
    post("/my/pin", save_pin, MEMBER),
)
