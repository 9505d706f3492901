"""What was said about a proposal: taking one's own words back, and telling the organisers about somebody else's.

Source: docs/pages.md 7.2; docs/protocol.md 5.13.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.services.acts import NotAllowed
from node.services.proposal_rows import Remark
from node.services.reports import CannotReport
from node.web.context import MEMBER, Context, NoSuchPage, Route, WrongRole, get, post
from node.web.forms import EMPTY, Filled
from node.web.pages.decision_words import href_of
from node.web.pages.decisions import Shown, back_to_it, find_decision
from node.web.pages.member_report import ReportForm, cannot_report
from node.web.pages.recording import ring
from node.web.views.reports import ReportView

NUMBER_DIGITS_MAX: Final = 12


def _number(typed: str) -> int:
    """Return the number that was sent. Raises NoSuchPage."""
    if not (typed.isascii() and typed.isdigit() and len(typed) <= NUMBER_DIGITS_MAX):
        raise NoSuchPage
    return int(typed)


async def unsay(context: Context) -> web.Response:
    """POST /decisions/{key}/unsay: take back one's own words."""
    shown = await find_decision(context)
    try:
        await context.node.remarks.take_back(
            shown.proposal.key, _number(context.fields.get("said", "")), context.member
        )
    except LookupError:
        return context.redirect(href_of(shown.proposal), note="changed")  # it is gone
    except NotAllowed:
        raise WrongRole from None
    return context.redirect(href_of(shown.proposal), note="saved")


def _reported(context: Context, shown: Shown) -> Remark:
    """Return what is reported, which somebody else said. Raises NoSuchPage."""
    no = _number(context.query("said"))
    said = next((each for each in shown.remarks if each.no == no), None)
    if said is None or said.member_no == context.member.no or said.removed_ms is not None:
        raise NoSuchPage
    return said


def _view(context: Context, shown: Shown, said: Remark, form: Filled = EMPTY) -> ReportView:
    _ = context.words.gettext
    told = {
        "name": said.name or _("somebody"), "title": shown.proposal.title, "scheme": context.settings.name,
    }  # fmt: skip
    return ReportView(
        what=_("What %(name)s said about “%(title)s”") % told,
        readers=_("Only organisers of %(scheme)s read it. They see with it what was said, and nothing else.")
        % told,
        ring=ring(context),
        form=form,
        action=f"{href_of(shown.proposal)}/report?said={said.no}",
        back=back_to_it(context, shown),
    )


async def report(context: Context) -> web.Response:
    """GET /decisions/{key}/report?said"""
    shown = await find_decision(context)
    return context.show(_view(context, shown, _reported(context, shown)))


async def report_sent(context: Context) -> web.Response:
    """POST /decisions/{key}/report?said"""
    shown = await find_decision(context)
    said = _reported(context, shown)
    form = context.form(ReportForm)
    if isinstance(form, Filled):
        return context.show(_view(context, shown, said, form), 422)
    try:
        await context.node.reports.remark(context.member, said.no, form.text)
    except LookupError:
        raise NoSuchPage from None
    except CannotReport as no:
        return cannot_report(context, no.why, back_to_it(context, shown))
    return context.redirect(href_of(shown.proposal), note="complained")


ROUTES: Final[tuple[Route, ...]] = (
    post("/decisions/{key}/unsay", unsay, MEMBER),
    get("/decisions/{key}/report", report, MEMBER),
    post("/decisions/{key}/report", report_sent, MEMBER),
)
