"""What I can do, how I may be reached and by whom, and my page as others see it. Source: docs/pages.md 7.2 (`/my/profile`)."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.members import Member
from node.services.profiles import (
    LINE_CHARACTERS_MAX,
    LINES_MAX,
    SKILL_GROUPS,
    SKILLS,
    ContactLine,
    Reader,
    SeenBy,
    Skills,
    contacts_for,
    own_words,
    skills_of,
)
from node.store import ReadTx
from node.web.context import MEMBER, Context, get, post
from node.web.forms import EMPTY, Filled, Form, line
from node.web.pages.pictures_shown import post_picture
from node.web.pages.portraits import portrait_shown, take_portrait
from node.web.present import Voice
from node.web.views.page import Fact, Link, Option
from node.web.views.profiles import ContactRow, ProfileView, SeenView, SkillGroup
from node.web.words import Words


class SkillsForm(Form):
    """Skills in one's own words, parted by commas; ticks are read beside it."""

    words: line(400)  # type: ignore[valid-type]  # `line` makes the type of a field; so below


class ContactsForm(Form):
    """Contact lines, each with who sees it."""

    text1: line(LINE_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above
    text2: line(LINE_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above
    text3: line(LINE_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above
    text4: line(LINE_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above
    seen1: line(20)  # type: ignore[valid-type]  # as above
    seen2: line(20)  # type: ignore[valid-type]  # as above
    seen3: line(20)  # type: ignore[valid-type]  # as above
    seen4: line(20)  # type: ignore[valid-type]  # as above


def skill_names(words: Words) -> dict[str, str]:
    """Return every skill that can be ticked, as the reader calls it: with its group, so that either is found."""
    return {
        code: f"{words.gettext(name)} {words.gettext(group)}"
        for _, group, below in SKILL_GROUPS
        for code, name in below
    }


def skills_said(skills: Skills, words: Words) -> tuple[str, ...]:
    """Return what somebody can do, their own words first."""
    names = {code: words.gettext(name) for _, _, below in SKILL_GROUPS for code, name in below}
    return (*skills.words, *(names[code] for code in skills.ticked if code in names))


def contact_facts(lines: tuple[ContactLine, ...], voice: Voice) -> tuple[Fact, ...]:
    """Return contact lines as a page lists them."""
    _ = voice.words.gettext
    return tuple(Fact(label=_("Reach me"), text=each.text) for each in lines)


async def profile(context: Context) -> web.Response:
    """GET /my/profile"""
    return context.show(await _view(context))


async def _view(
    context: Context, skills: Filled | None = None, contacts: Filled | None = None, portrait: Filled = EMPTY
) -> ProfileView:
    held, lines = await context.read(_read, context.member)
    words = context.words
    filled = contacts or Filled({f"text{at}": each.text for at, each in enumerate(lines, 1)})
    seen = {at: each.seen_by.value for at, each in enumerate(lines, 1)}
    ticked = frozenset(held.ticked)
    return ProfileView(
        skills_form=skills or Filled({"words": ", ".join(held.words)}),
        groups=tuple(
            SkillGroup(
                name=words.gettext(name),
                options=tuple(Option(value=code, text=words.gettext(each)) for code, each in below),
                ticked=sum(code in ticked for code, _ in below),
            )
            for _, name, below in SKILL_GROUPS
        ),
        ticked=ticked,
        contacts_form=filled,
        rows=tuple(
            ContactRow(number=at, seen_by=filled.value(f"seen{at}") or seen.get(at, SeenBy.MEMBERS.value))
            for at in range(1, LINES_MAX + 1)
        ),
        seen_options=_seen_options(context.voice),
        portrait=await portrait_shown(context, context.member),
        portrait_form=portrait,
    )


def _read(tx: ReadTx, member: Member) -> tuple[Skills, tuple[ContactLine, ...]]:
    return skills_of(tx, member.no), contacts_for(tx, member, Reader.SELF)


def _seen_options(voice: Voice) -> tuple[Option, ...]:
    _, said = voice.words.gettext, {"scheme": voice.scheme}
    return (
        Option(value=SeenBy.MEMBERS.value, text=_("Members of %(scheme)s") % said),
        Option(value=SeenBy.WRITTEN.value, text=_("Only members I wrote to")),
        Option(value=SeenBy.ABROAD.value, text=_("Members, and I may send it to other schemes")),
        Option(value=SeenBy.NOBODY.value, text=_("Nobody for now")),
    )


async def save_skills(context: Context) -> web.Response:
    """POST /my/skills"""
    form = context.form(SkillsForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, skills=form), 422)
    ticked = tuple(code for code in SKILLS if context.fields.get(f"can-{code}") == "yes")
    await context.node.profiles.set_skills(context.member, Skills(ticked, own_words(form.words)))
    return context.redirect("/my/profile", note="saved")


async def save_portrait(context: Context) -> web.Response:
    """POST /my/portrait: a picture in place of the one before, or none any more."""
    if context.fields.get("do") == "remove":
        await context.node.pictures.drop_portrait(context.member.no)
        return context.redirect("/my/profile", note="saved")
    wrong = await take_portrait(context)
    if wrong.errors:
        return context.show(await _view(context, portrait=wrong), 422)
    return context.redirect("/my/profile", note="saved")


async def save_contacts(context: Context) -> web.Response:
    """POST /my/contacts"""
    form = context.form(ContactsForm)
    if isinstance(form, Filled):
        return context.show(await _view(context, contacts=form), 422)
    typed = form.model_dump()
    levels = {each.value: each for each in SeenBy}
    for at in range(1, LINES_MAX + 1):
        if typed[f"text{at}"] and typed[f"seen{at}"] not in levels:
            # Never guessed: a wrong guess shows it to somebody.
            wrong = Filled(typed).with_error(
                f"seen{at}", context.words.gettext("Please choose one of the answers.")
            )
            return context.show(await _view(context, contacts=wrong), 422)
    lines = [
        ContactLine(typed[f"text{at}"], levels[typed[f"seen{at}"]])
        for at in range(1, LINES_MAX + 1)
        if typed[f"text{at}"]
    ]
    await context.node.profiles.set_contacts(context.member, lines)
    return context.redirect("/my/profile", note="saved")


# --- As others see me ---------------------------------------------------------------------------------------


async def seen(context: Context) -> web.Response:
    """GET /my/profile/seen?by"""
    asked, _ = context.query("by"), context.words.gettext
    titles = {
        Reader.MEMBER: _("As any member sees you"),
        Reader.WRITTEN: _("As a member you wrote to sees you"),
        Reader.ABROAD: _("What people of other schemes can get from you"),
        Reader.VISITOR: _("As somebody who is no member sees you"),
    }
    reader = next((each for each in titles if each.value == asked), Reader.MEMBER)
    member = context.member
    skills, lines = await context.read(_read_seen, member, reader)
    known = reader in (Reader.MEMBER, Reader.WRITTEN)
    notes = {
        Reader.ABROAD: _(
            "These lines can be put into a message to them, if you wish. Nothing goes by itself."
        ),
        Reader.VISITOR: _("Your offers and wants may be shown without your name."),
    }
    return context.show(
        SeenView(
            name=_name_for(member, reader, context),
            who=titles[reader],
            others=tuple(
                Link(text=title, href=f"/my/profile/seen?by={each.value}") for each, title in titles.items()
            ),
            facts=(Fact(label=_("Place"), text=member.place),) if known and member.place else (),
            skills=skills_said(skills, context.words) if known else (),
            contacts=contact_facts(lines, context.voice),
            note=notes.get(reader, ""),
        )
    )


def _read_seen(tx: ReadTx, member: Member, reader: Reader) -> tuple[Skills, tuple[ContactLine, ...]]:
    return skills_of(tx, member.no), contacts_for(tx, member, reader)


def _name_for(member: Member, reader: Reader, context: Context) -> str:
    match reader:
        case Reader.ABROAD:
            return member.public_name
        case Reader.VISITOR:
            return context.words.gettext("Somebody in %(scheme)s") % {"scheme": context.settings.name}
        case _:
            return member.name


ROUTES: Final = (
    post_picture("/my/portrait", save_portrait),
    get("/my/profile", profile, MEMBER),
    post("/my/skills", save_skills, MEMBER),
    post("/my/contacts", save_contacts, MEMBER),
    get("/my/profile/seen", seen, MEMBER),
)
