"""The organisers' desk: what members report of listings, conversations and the boards of groups. Source: docs/pages.md 7.3."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.acts import NotAllowed
from node.services.members import Member, member_by_no
from node.services.reports import Report, can_take_down, open_reports, report_by_no
from node.store import ReadTx
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.forms import EMPTY, Filled, Form, line
from node.web.listing_names import listing_id
from node.web.present import paragraphs_of
from node.web.views.complaints import ComplaintRow
from node.web.views.member import Tile
from node.web.views.page import Link
from node.web.views.reports import ReportedView, ReportsView
from node.web.words import Words
from protocol.names import SchemeId

REASON_CHARACTERS_MAX: Final = 200


class TakeDownForm(Form):
    """Why, for the listing's owner."""

    reason: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below


class CloseForm(Form):
    """How it was settled, for the record."""

    words: line(REASON_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above


class _Read:
    """A report with who is in it, of one moment."""

    def __init__(self, tx: ReadTx, no: int, own: SchemeId):
        report = report_by_no(tx, no)
        if report is None:
            raise NoSuchPage
        self.report: Final[Report] = report
        self.who: Final = member_by_no(tx, report.member_no)
        self.about: Final = None if report.about_no is None else member_by_no(tx, report.about_no)
        self.can_take_down: Final = can_take_down(tx, report, own)


def reports_tiles(count: int, words: Words) -> list[Tile]:
    """Return what the desk's first page says of reports that wait; nothing where none does."""
    text = words.ngettext("%(num)d report", "%(num)d reports", count) % {"num": count}
    hint = words.gettext("Somebody says that a listing, a message or a note is not right")
    return [Tile(text=text, hint=hint, href="/admin/reports", tone="wait")] if count else []


async def reports(context: Context) -> web.Response:
    """GET /admin/reports"""
    rows = await context.read(_read_open)
    return context.show(
        ReportsView(
            rows=tuple(
                ComplaintRow(
                    href=f"/admin/reports/{each.no}",
                    who="" if who is None else who.name,
                    what=_title(each, context),
                    when=context.voice.lately(each.created_ms),
                )
                for each, who in rows
            )
        )
    )


def _read_open(tx: ReadTx) -> list[tuple[Report, Member | None]]:
    return [(each, member_by_no(tx, each.member_no)) for each in open_reports(tx)]


def _title(report: Report, context: Context) -> str:
    _, said = context.words.gettext, {"name": report.about_name, "what": report.quoted}
    if report.item_key is not None:
        return _("“%(what)s”, by %(name)s") % said
    if report.note_no is not None:
        return _("What %(name)s wrote in a group") % said
    if report.remark_no is not None:
        return _("What %(name)s said about a proposal") % said
    return _("Messages with %(name)s") % said


async def report(context: Context) -> web.Response:
    """GET /admin/reports/{number}"""
    return context.show(_view(context, await _find(context)))


async def _find(context: Context) -> _Read:
    return await context.read(_Read, context.number("number"), context.node.scheme)


def _view(context: Context, read: _Read, down: Filled = EMPTY, close: Filled = EMPTY) -> ReportedView:
    report, _, me = read.report, context.words.gettext, context.member
    here = f"/admin/reports/{report.no}"
    own = me.no in (report.member_no, report.about_no)
    decide = report.is_open and not own
    key, abroad = report.item_key, None if report.scheme == context.node.scheme else report.scheme
    people = [each for each in (read.who, read.about) if each is not None and each.no != me.no]
    return ReportedView(
        title=_title(report, context),
        who="" if read.who is None else read.who.name,
        when=context.voice.lately(report.created_ms),
        said=paragraphs_of(report.text),
        quoted_title=_quoted_title(report, context),
        quoted=paragraphs_of(report.quoted),
        listing=None
        if key is None
        else Link(text=_("See it as it is now"), href=f"/l/{listing_id(key, abroad)}"),
        people=tuple(
            Link(text=_("Message %(name)s") % {"name": each.name}, href=f"/messages/new?to={each.number}")
            for each in people
        ),
        outcome=""
        if report.is_open
        else _("Closed by %(name)s: %(words)s") % {"name": report.ended_by, "words": report.outcome},
        own=own and report.is_open,
        take_down_action=f"{here}/take-down" if decide and read.can_take_down else "",
        is_note=report.note_no is not None,
        is_remark=report.remark_no is not None,
        take_down_form=down,
        close_action=f"{here}/close" if decide else "",
        close_form=close,
    )


def _quoted_title(report: Report, context: Context) -> str:
    _ = context.words.gettext
    if report.item_key is not None:
        return _("The listing, as it was")
    told = report.note_no is not None or report.remark_no is not None
    return _("What was written, as it was") if told else _("The last that was written")


async def take_down(context: Context) -> web.Response:
    """POST /admin/reports/{number}/take-down: the listing or note vanishes, its owner reads why, and the report is closed."""
    read = await _find(context)
    form = context.form(TakeDownForm)
    if isinstance(form, Filled):
        return context.show(_view(context, read, down=form), 422)
    try:
        await context.node.reports.take_down(read.report.no, context.actor, form.reason)
    except (LookupError, NotAllowed):
        sentence = context.words.gettext("This cannot be taken down here.")
        wrong = Filled({"reason": form.reason}).with_error("reason", sentence)
        return context.show(_view(context, read, down=wrong), 422)
    return context.redirect(f"/admin/reports/{read.report.no}", note="saved")


async def close(context: Context) -> web.Response:
    """POST /admin/reports/{number}/close: settled in words."""
    read = await _find(context)
    form = context.form(CloseForm)
    if isinstance(form, Filled):
        return context.show(_view(context, read, close=form), 422)
    try:
        await context.node.reports.close(read.report.no, context.actor, form.words)
    except NotAllowed:
        sentence = context.words.gettext("This is about you, or from you. Another organiser decides.")
        wrong = Filled({"words": form.words}).with_error("words", sentence)
        return context.show(_view(context, read, close=wrong), 422)
    return context.redirect(f"/admin/reports/{read.report.no}", note="saved")


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin/reports", reports, ORGANISER),
    get("/admin/reports/{number}", report, ORGANISER),
    post("/admin/reports/{number}/take-down", take_down, ORGANISER),
    post("/admin/reports/{number}/close", close, ORGANISER),
)
