"""The organisers' desk: mail that was not sent, to be read out or printed. Source: docs/pages.md 7.3, 0.8."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.mail.outbox import Mail, MailState, unsent_mails
from node.web.context import ORGANISER, Context, Route, get
from node.web.pages.member import PAGE_ROWS, pager
from node.web.present import paragraphs_of
from node.web.views.admin import MailRow, OutboxView
from node.web.views.page import Empty, Pill


async def outbox(context: Context) -> web.Response:
    """Show mail that could not be sent, so that it can be read out or printed."""
    mails, total = await context.read(
        unsent_mails, skip=(context.page_number - 1) * PAGE_ROWS, most=PAGE_ROWS
    )
    sends = context.node.outbox.sends
    _ = context.words.gettext
    nothing = _("Every mail was sent.") if sends else _("No mail waits here.")
    return context.show(
        OutboxView(
            mail_set_up=sends,
            mails=tuple(_mail_row(context, mail) for mail in mails),
            pager=pager(context, "/admin/outbox", {}, total),
            empty=None if mails else Empty(text=nothing),
        )
    )


def _mail_row(context: Context, mail: Mail) -> MailRow:
    _ = context.words.gettext
    match mail.state:
        case MailState.REFUSED:
            state = Pill(text=_("Refused by the other side"), tone="stop")
        case MailState.LAPSED:
            state = Pill(text=_("Too late now"), tone="stop")
        case _ if mail.tries:
            tried = context.words.ngettext("Tried %(num)d time", "Tried %(num)d times", mail.tries)
            state = Pill(text=tried % {"num": mail.tries}, tone="wait")
        case _:
            state = Pill(text=_("Not sent"), tone="wait")
    hidden = _(
        "This mail lets its reader log in, so only its reader may see it. Give a PIN or a link instead."
    )
    ended = _("Its text is gone.")
    lines = paragraphs_of(mail.text) or ((hidden,) if mail.private else (ended,))
    return MailRow(
        to=mail.recipient,
        subject=mail.subject,
        when=context.voice.lately(mail.created_ms),
        state=state,
        lines=lines,
    )


ROUTES: Final[tuple[Route, ...]] = (get("/admin/outbox", outbox, ORGANISER),)
