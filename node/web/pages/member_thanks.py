"""Notes of thanks received and given, and showing them where both agree. Source: docs/pages.md 7.2 (`/my/thanks`)."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.thanks import Note, agree, notes_of
from node.web.context import MEMBER, Context, NoSuchPage, get, post
from node.web.forms import Filled, Form, line
from node.web.present import Voice, first_name, reference
from node.web.views.page import Empty, Link
from node.web.views.thanks import MyThanksView, ThanksRow


class ShowForm(Form):
    """Whether others may read a note."""

    show: line(3, 1)  # type: ignore[valid-type]  # `line` makes the type of a field


async def my_thanks(context: Context) -> web.Response:
    """GET /my/thanks"""
    notes = await context.read(notes_of, context.member.account_no)
    _ = context.words.gettext
    return context.show(
        MyThanksView(
            received=tuple(_row(each, context.voice) for each in notes if not each.given),
            given=tuple(_row(each, context.voice) for each in notes if each.given),
            empty=None
            if notes
            else Empty(
                text=_("Thanks for trades are kept here. You can say thank you on the page of a trade."),
                action=Link(text=_("See your trades"), href="/statement"),
            ),
        )
    )


def _row(note: Note, voice: Voice) -> ThanksRow:
    _ = voice.words.gettext
    name = note.trade.other_name or _("Somebody") if note.other is None else first_name(note.other.name)
    said = {"name": name}
    if not note.can_be_shown:
        state = _("Only you two can read it.")
    elif note.agree and note.they_agree:
        state = _("Members can read it.")
    elif note.agree:
        state = _("Waits for %(name)s to want it too.") % said
    elif note.they_agree:
        state = _("%(name)s wants others to read it. Do you?") % said
    else:
        state = _("Only you two can read it.")
    return ThanksRow(
        text=note.text,
        who=(_("To %(name)s") if note.given else _("From %(name)s")) % said,
        when=voice.day(note.at_ms),
        trade=Link(text=note.trade.text or _("The trade"), href=f"/t/{reference(note.trade)}"),
        state=state,
        action=f"/my/thanks/{note.no}" if note.can_be_shown else "",
        agree=not note.agree,
    )


async def show(context: Context) -> web.Response:
    """POST /my/thanks/{number}: I agree that others read it, or no longer."""
    form = context.form(ShowForm)
    if isinstance(form, Filled) or form.show not in ("yes", "no"):
        raise NoSuchPage
    try:
        await context.node.store.write(
            agree, context.number("number"), context.member.account_no, form.show == "yes"
        )
    except LookupError:
        raise NoSuchPage from None
    return context.redirect("/my/thanks", note="saved")


ROUTES: Final = (
    get("/my/thanks", my_thanks, MEMBER),
    post("/my/thanks/{number}", show, MEMBER),
)
