"""The node itself, for admins: what needs mending and how, trying a backup, a test mail, what a successor needs.

Source: docs/pages.md 7.5; docs/operating.md.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.health import findings_of
from node.mail.upkeep_texts import test_mail
from node.services.backing_up import BackupFailed
from node.services.members import existing
from node.services.rehearsals import Rehearsal, newest_rehearsal
from node.source import release
from node.store import ReadTx, Tx
from node.web.context import KEEPER, Context, Route, get, post
from node.web.finding_rows import finding_lead, finding_rows
from node.web.forms import Filled, Form, paragraphs
from node.web.views.node import HandoverView, NodeView
from node.web.views.page import Fact, Pill
from protocol.names import scheme_text

WHERE_CHARACTERS_MAX: Final = 300
NOTES_CHARACTERS_MAX: Final = 2_000


class HandoverForm(Form):
    handover_passphrase: paragraphs(WHERE_CHARACTERS_MAX)  # type: ignore[valid-type]  # makes the type of a field; so below
    handover_sheet: paragraphs(WHERE_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above
    handover_people: paragraphs(WHERE_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above
    handover_notes: paragraphs(NOTES_CHARACTERS_MAX)  # type: ignore[valid-type]  # as above


# --- How it is ---------------------------------------------------------------------------------------------------


async def node(context: Context) -> web.Response:
    """GET /node"""
    return context.show(await _node_view(context))


async def _node_view(context: Context, hindered: str = "") -> NodeView:
    _ = context.words.gettext
    findings = await findings_of(context.node, context.voice.moment)
    state, text, said = await _tried(context)
    rehearsals, sends, backing_up = (
        context.node.rehearsals,
        context.node.outbox.sends,
        context.node.backing_up,
    )
    return NodeView(
        lead=finding_lead(findings, context.words),
        rows=finding_rows(findings, context.words),
        may_back_up=backing_up.possible and not backing_up.under_way, hindered=hindered,
        tried=state, tried_text=text, tried_said=said,
        may_try=rehearsals.possible and not rehearsals.under_way,
        mail_text=_mail_text(context), may_mail=sends and context.member.email is not None,
    )  # fmt: skip


async def _tried(context: Context) -> tuple[Pill | None, str, str]:
    """Return what there is to say about the backup that was tried last."""
    _, voice, rehearsals = context.words.gettext, context.voice, context.node.rehearsals
    if not rehearsals.possible:
        return None, _("No backups are made by themselves, so there is none to try."), ""
    if rehearsals.under_way:
        return None, _("The newest backup is being tried just now. Look again in a minute."), ""
    last, who = await context.read(_newest)
    if last is None:
        return None, _("Nobody has tried a backup yet. One that was never tried is a hope."), ""
    when = {"who": who, "when": voice.lately(last.at_ms)}
    if last.tried.made_ms is None:
        pill = Pill(text=_("Could not be opened"), tone="stop")
        return pill, _("Tried by %(who)s, %(when)s.") % when, last.tried.said
    made = {**when, "made": voice.moment(last.tried.made_ms), "entries": last.tried.entries}
    text = _("Tried by %(who)s, %(when)s: the backup of %(made)s, entries in its book: %(entries)d.") % made
    if last.tried.right:
        return Pill(text=_("It can be put back"), tone="good"), text, ""
    return Pill(text=_("Its book is not right"), tone="stop"), text, last.tried.said


def _mail_text(context: Context) -> str:
    _, member = context.words.gettext, context.member
    if not context.node.outbox.sends:
        return _("No mail server is set up. The scheme works whole without one, by letters and by telephone.")
    if member.email is None:
        return _("You have no e-mail address here, so there is nowhere to send a test mail.")
    return _("A test mail goes to %(address)s.") % {"address": member.email}


def _newest(tx: ReadTx) -> tuple[Rehearsal | None, str]:
    last = newest_rehearsal(tx)
    return last, "" if last is None else existing(tx, last.by_no).name


async def back_up(context: Context) -> web.Response:
    """POST /node/backup"""
    try:
        made = await context.node.backing_up.make_now(context.actor)
    except BackupFailed as failed:
        return context.show(await _node_view(context, str(failed)), 503)
    return context.redirect("/node", note="backed-up" if made else "")


async def rehearse(context: Context) -> web.Response:
    """POST /node/rehearse"""
    tried = await context.node.rehearsals.try_newest(context.actor)
    return context.redirect("/node", note="" if tried is None else "backup-tried")


async def mail(context: Context) -> web.Response:
    """POST /node/mail"""
    outbox, member = context.node.outbox, context.member
    if not outbox.sends or member.email is None:
        return context.redirect("/node")
    text, address = test_mail(context.settings, member.language, member.name), member.email

    def unit(tx: Tx) -> None:
        outbox.queue(tx, address, text.subject, text.body, member_no=member.no)

    await context.node.store.write(unit)
    return context.redirect("/node", note="test-mail")


# --- For a successor ---------------------------------------------------------------------------------------------


async def handover(context: Context) -> web.Response:
    """GET /node/handover"""
    stored = {name: getattr(context.settings, name) for name in HandoverForm.model_fields}
    return context.show(await _handover_view(context, Filled(stored)), secret=True)


async def _handover_view(context: Context, form: Filled) -> HandoverView:
    _, options, voice = context.words.gettext, context.node.options, context.voice
    backups = await context.node.offload(options.backups, context.now_ms)
    nowhere = _("none")
    facts = [
        (_("Scheme"), context.settings.name),
        (_("Its number among schemes"), scheme_text(context.node.scheme)),
        (_("Where members find it"), options.origin),
        (_("Where other schemes find it"), ", ".join(options.addresses) or nowhere),
        (_("Program"), f"interlets {release()}"),
        (_("Folder of the data"), str(options.data_dir or nowhere)),
        (_("Folder of the backups"), nowhere if backups is None else str(backups.folder)),
        (
            _("Newest backup"),
            nowhere if backups is None or backups.newest_ms is None else voice.moment(backups.newest_ms),
        ),
        (_("Mail goes out through"), options.mail_account or nowhere),
    ]
    return HandoverView(
        facts=tuple(Fact(label=label, text=text) for label, text in facts),
        form=form,
        printed=_("Printed on %(day)s") % {"day": voice.day(context.now_ms)},
    )


async def handover_save(context: Context) -> web.Response:
    """POST /node/handover"""
    form = context.form(HandoverForm)
    if isinstance(form, Filled):
        return context.show(await _handover_view(context, form), 422)
    await context.node.settings.change(context.actor, **form.model_dump())
    return context.redirect("/node/handover", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/node", node, KEEPER),
    post("/node/backup", back_up, KEEPER, always=True),
    post("/node/rehearse", rehearse, KEEPER, always=True),
    post("/node/mail", mail, KEEPER),
    get("/node/handover", handover, KEEPER),
    post("/node/handover", handover_save, KEEPER),
)
