"""The organisers' desk: the statements of all members for a time, one sheet for each, to print or for the post.

Everything is asked in the address, so nothing changes here. Source: docs/pages.md 7.3, 9.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.members import Member, members_after
from node.store import ReadTx
from node.web.context import ORGANISER, Context, Route, get
from node.web.forms import Filled
from node.web.pages.desk_print import HERE, SIZES, read_number
from node.web.pages.member_statement import Asked, Period, read_asked, read_period, statement_view
from node.web.pages.schemes import schemes_known
from node.web.present import Voice
from node.web.views.page import Link
from node.web.views.papers import MemberStatement, PrintView, StatementsView

PATH: Final = HERE + "/statements"
# What a PDF is made of in one go; a scheme that has more prints several.
STATEMENTS_MAX: Final = 200
NUMBER_MAX: Final = 999_999
FIELDS: Final = ("from", "to", "size", "large", "post", "begin")


def _read(
    tx: ReadTx, begin: int, post: bool, period: Period, voice: Voice
) -> tuple[list[tuple[Member, Asked]], int | None]:
    """Return the statements from a member's number on, and the number of whoever comes after them."""
    members = members_after(tx, begin, STATEMENTS_MAX + 1, only_without_email=post)
    after = members[STATEMENTS_MAX].no if len(members) > STATEMENTS_MAX else None
    return [(each, read_asked(tx, each, period, voice)) for each in members[:STATEMENTS_MAX]], after


async def statements(context: Context) -> web.Response:
    """GET /admin/print/statements?from&to&size&large&post&begin&as. Raises NoPdf."""
    voice, _ = context.voice, context.words.gettext
    period = read_period(context, voice)
    form = Filled(
        {**{name: context.query(name) for name in FIELDS}, **period.form.values}, period.form.errors
    )
    if form.value("size") not in SIZES:
        form = form.with_error("size", _("Please choose one of the answers."))
    begin = read_number(form.value("begin") or "1", NUMBER_MAX)
    if not begin:
        form = form.with_error("begin", _("Please write a number, like 1."))
    if form.errors:
        values = {"what": "directory", "size": "a4", "first": "1", "count": "20"}
        return context.show(
            PrintView(form=Filled(values), statements_form=form, makes_pdf=context.makes_pdf), 422
        )
    view = await _view(context, period, form, begin)
    if context.query("as") == "pdf":
        return await context.pdf(view, f"statements-{period.first.isoformat()}-{period.last.isoformat()}")
    return context.show(view)


async def _view(context: Context, period: Period, form: Filled, begin: int) -> StatementsView:
    voice, _ = context.voice, context.words.gettext
    found, after = await context.read(_read, begin, form.value("post") == "yes", period, voice)
    schemes = await schemes_known(context)
    more = None
    if after is not None:
        asked = {**form.values, "begin": str(after), "as": context.query("as") or "page"}
        more = Link(text=_("The next statements"), href=f"{PATH}?{urlencode(asked)}")
    return StatementsView(
        size=form.value("size"),
        large=form.value("large") == "yes",
        printed=_("Printed on %(day)s") % {"day": voice.long_day(context.now_ms)},
        statements=tuple(
            MemberStatement(
                address=(
                    member.name,
                    *(text.strip() for text in member.address.splitlines() if text.strip()),
                ),
                statement=statement_view(member, period, asked, schemes, voice, ()),
                complete=asked.statement.complete,
            )
            for member, asked in found
        ),
        more=more,
    )


ROUTES: Final[tuple[Route, ...]] = (get(PATH, statements, ORGANISER),)
