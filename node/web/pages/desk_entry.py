"""The organisers' desk: entering cheques and slips, an envelope at a time. Source: docs/pages.md 7.3, 8.9.

A sheet is kept as it was typed at every press. It is written into the books only from a page that said what each slip
does, and only those slips that were good on that page; the same page sent again changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from aiohttp import web

from node.services.cheque_check import Judged, Slip, judge
from node.services.cheque_rows import (
    SLIPS_MAX,
    Batch,
    BatchClosed,
    Envelope,
    StillOut,
    newest_batches,
)
from node.services.trades import Trade, trade_by_no
from node.store import ReadTx
from node.web.amounts import Unreadable, parse_amount
from node.web.context import ORGANISER, Context, Route, get, post, post_many
from node.web.dates import local, short_day
from node.web.forms import Filled, SpendForm, amount_sentence, line, once_key
from node.web.live_marks import Kind, marks_for
from node.web.pages.entry_abroad import Near, near_schemes
from node.web.pages.entry_sheet import (
    FIELDS,
    LENGTHS,
    SHARED,
    SHEET_FIELDS_MAX,
    mark_of,
    read_sheet,
    read_slips,
    slips_of,
)
from node.web.pages.entry_shown import Opened, read_opened, slip_view
from node.web.pages.entry_words import compare, said_of, troubles_of
from node.web.typed_days import read_day
from node.web.views.entry import BatchRow, BatchView, Column, EnvelopesView
from node.web.views.page import Pill
from protocol.limits import AMOUNT_MAX

MORE_ROWS: Final = 5


class EnvelopeForm(SpendForm):
    day: line(30, 1)  # type: ignore[valid-type]  # makes the type of a field; so below
    place: line(60)  # type: ignore[valid-type]  # as above
    slips: line(10, 1)  # type: ignore[valid-type]  # as above
    total: line(40, 1)  # type: ignore[valid-type]  # as above


# --- Envelopes ---------------------------------------------------------------------------------------------------


async def envelopes(context: Context) -> web.Response:
    """GET /desk/entry"""
    return await _envelopes(context, Filled({"day": context.voice.day(context.now_ms)}))


async def _envelopes(context: Context, form: Filled, status: int = 200) -> web.Response:
    batches = await context.read(newest_batches, context.now_ms)
    view = EnvelopesView(
        form=form,
        unit_name=context.voice.unit_name(),
        amount_hint=context.voice.amount_hint(),
        once=context.once(),
        batches=tuple(_batch_row(context, each) for each in batches),
    )
    return context.show(view, status)


def _batch_row(context: Context, batch: Batch) -> BatchRow:
    words = context.words
    if batch.closed_ms is not None:
        state = Pill(text=words.gettext("Put away"), tone="good")
    elif batch.on_their_way and not batch.left:
        away = batch.on_their_way
        text = words.ngettext("%(num)d on its way", "%(num)d on their way", away) % {"num": away}
        state = Pill(text=text, tone="wait")
    elif batch.left:
        left = words.ngettext("%(num)d to sort out", "%(num)d to sort out", batch.left) % {"num": batch.left}
        state = Pill(text=left, tone="wait")
    elif len(batch.rows) == slips_of(batch.envelope):
        state = Pill(text=words.gettext("In the books"), tone="good")
    else:
        state = Pill(text=words.gettext("Begun"), tone="wait")
    return BatchRow(
        href=f"/desk/entry/{batch.no}",
        when=context.voice.lately(batch.created_ms),
        where=_title(context, batch.envelope),
        by=batch.by_name,
        state=state,
    )


def _title(context: Context, envelope: Envelope) -> str:
    day = envelope.day
    read = read_day(day, _today(context), context.language)
    if read is not None:
        day = short_day(read, context.words)
    return f"{envelope.place}, {day}" if envelope.place else day


def _today(context: Context) -> date:
    return local(context.now_ms, context.zone).date()


async def begin(context: Context) -> web.Response:
    """POST /desk/entry: an envelope, with what is written on it."""
    form = context.form(EnvelopeForm)
    if isinstance(form, Filled):
        return await _envelopes(context, form, 422)
    envelope = Envelope(day=form.day, place=form.place, slips=form.slips, total=form.total)
    errors = envelope_errors(context, envelope)
    if errors:
        return await _envelopes(context, Filled(form.model_dump(), errors), 422)
    no = await context.node.cheques.begin(context.actor, envelope, once_key(form.once))
    return context.redirect(f"/desk/entry/{no}")


def envelope_errors(context: Context, envelope: Envelope) -> dict[str, str]:
    """Return what is wrong with an envelope's own fields, in page order."""
    _, errors = context.words.gettext, {}
    day = read_day(envelope.day, _today(context), context.language)
    if day is None:
        errors["day"] = _("This day cannot be read. Please write it like %(day)s.") % {
            "day": context.voice.day(context.now_ms)
        }
    elif day > _today(context):
        errors["day"] = _("This day is still to come.")
    if not slips_of(envelope):
        errors["slips"] = _("Please write how many slips: 1 to 50. More of them go into a second envelope.")
    total = parse_amount(envelope.total, context.unit, most=AMOUNT_MAX)
    if isinstance(total, Unreadable):
        errors["total"] = amount_sentence(total, envelope.total, context.unit, AMOUNT_MAX, context.words)
    return errors


# --- One envelope ------------------------------------------------------------------------------------------------


def _judged_with_trades(
    tx: ReadTx, slips: tuple[Slip, ...], today: date, now_ms: int
) -> tuple[list[Judged], dict[int, Trade]]:
    judged = judge(tx, slips, today, now_ms)
    known = {each.slip.row: each.before.trade_no for each in judged if each.before}
    return judged, {row: trade_by_no(tx, no) for row, no in known.items() if no is not None}


async def batch(context: Context) -> web.Response:
    """GET /desk/entry/{no}?check&rows"""
    live = await marks_for(context, Kind.SLIPS)
    opened = await context.read(read_opened, context.number("no"), context.now_ms)
    near = await near_schemes(context)
    view = _view(context, opened, _rows_asked(context), near)
    if context.query("check") and opened.batch.closed_ms is None:
        view = await _checked(context, opened, view, near)
    return context.show(view, live=live if any(row.stands is not None for row in opened.batch.rows) else "")


def _rows_asked(context: Context) -> int:
    text = context.query("rows")
    return min(int(text), SLIPS_MAX) if text.isascii() and text.isdigit() and len(text) <= 3 else 0


def _columns(context: Context, with_schemes: bool) -> tuple[Column, ...]:
    _ = context.words.gettext
    labels = {
        "scheme": _("Other scheme"), "number": _("Cheque"), "day": _("Day"), "payer": _("From"), "payee": _("To"), "amount": _("Amount"), "what": _("For what"),
    }  # fmt: skip
    return tuple(
        Column(
            name=field,
            label=labels[column],
            maxlength=LENGTHS[column],
            numeric=column in {"payer", "payee"} and not with_schemes,
            shared=column in SHARED,
            names="near" if column == "scheme" else "",
        )
        for column, field in FIELDS.items()
        if with_schemes or column != "scheme"
    )


def _view(context: Context, opened: Opened, rows: int, near: Near) -> BatchView:
    batch, envelope = opened.batch, opened.batch.envelope
    known = {row.row: row for row in batch.rows}
    shown = max(slips_of(envelope), rows, max(known, default=0), 1)
    here = f"/desk/entry/{batch.no}"
    columns = _columns(context, bool(near) or any(row.values["scheme"] for row in batch.rows))
    names = [column for column, field in FIELDS.items() if field in {each.name for each in columns}]
    slips = tuple(slip_view(context, opened, names, row, known.get(row), near) for row in range(1, shown + 1))
    return BatchView(
        title=_title(context, envelope),
        closed=batch.closed_ms is not None,
        action=here,
        close_action=f"{here}/close",
        form=Filled({name: getattr(envelope, name) for name in ("day", "place", "slips", "total")}),
        unit_name=context.voice.unit_name(),
        columns=columns,
        same=tuple(envelope.same.get(column, "") for column in names),
        slips=slips if batch.closed_ms is None else tuple(each for each in slips if any(each.values) or each.settled),
        near=tuple(each.name for each in near),
        again_href=here if batch.on_their_way else "",
        total=(),
        fits=False,
        more=min(MORE_ROWS, SLIPS_MAX - shown),
    )  # fmt: skip


# --- What the check says -----------------------------------------------------------------------------------------


async def _checked(context: Context, opened: Opened, view: BatchView, near: Near) -> BatchView:
    sheet = opened.sheet
    read = read_slips(context, sheet.envelope, sheet.rows, near)
    judged, before = await context.read(_judged_with_trades, read.slips, _today(context), context.now_ms)
    judged = await context.node.cheques_abroad.priced(judged)
    said = {each.slip.row: said_of(context, each, read, before, near) for each in judged}
    slips = tuple(
        replace(said[each.row], values=each.values, said=(*each.said, *said[each.row].said))
        if each.row in said
        else each
        for each in view.slips
    )
    errors = dict(envelope_errors(context, sheet.envelope))
    for each in judged:
        for column, sentence in troubles_of(context, each, read, before).items():
            field = f"{FIELDS[column]}{each.slip.row}"
            errors[field] = context.words.gettext("Slip %(row)d: %(what)s") % {
                "row": each.slip.row,
                "what": sentence,
            }
    total, fits = compare(context, sheet.envelope, opened.settled, read)
    good = [each.slip.row for each in judged if each.good]
    return replace(
        view,
        form=replace(view.form, errors=errors),
        slips=slips,
        total=total,
        fits=fits,
        good=len(good),
        wrong=len(judged) - len(good),
        seen=f"{mark_of(sheet)}-{'-'.join(map(str, good))}" if good else "",
    )


# --- What was sent -----------------------------------------------------------------------------------------------


async def sent(context: Context) -> web.Response:
    """POST /desk/entry/{no}: keep the sheet, and check it, put it aside, or write what is good into the books."""
    no, sheet, do = context.number("no"), read_sheet(context), context.fields.get("do", "")
    here = f"/desk/entry/{no}"
    read = read_slips(context, sheet.envelope, sheet.rows, await near_schemes(context))
    seen, _, good = context.fields.get("seen", "").partition("-")
    cheques = context.node.cheques
    try:
        if do == "post" and seen == mark_of(sheet):
            rows = {int(each) for each in good.split("-") if each.isascii() and each.isdigit()}
            slips = [each for each in read.slips if each.row in rows]
            await cheques.post(context.actor, no, sheet.envelope, sheet.rows, slips, _today(context))
            return await _after_posting(context, no)
        await cheques.save(context.actor, no, sheet.envelope, sheet.rows, read.slips)
    except BatchClosed:
        return await _put_away_before(context, no)
    if do == "save":
        return context.redirect("/desk/entry", note="kept")
    if do == "more":
        rows_now = max((row.row for row in sheet.rows), default=0)
        return context.redirect(here, rows=str(min(rows_now + MORE_ROWS, SLIPS_MAX)))
    return context.redirect(here, check="1", note="look-again" if do == "post" else "")


async def _after_posting(context: Context, no: int) -> web.Response:
    opened = await context.read(read_opened, no, context.now_ms)
    sheet, away = opened.sheet, opened.batch.on_their_way
    read = read_slips(context, sheet.envelope, sheet.rows, await near_schemes(context))
    if not read.slips and not away and compare(context, sheet.envelope, opened.settled, read)[1]:
        try:
            await context.node.cheques.close(context.actor, no)
        except BatchClosed:
            return await _put_away_before(context, no)
    note = "slips-on-their-way" if away else "in-the-books-some" if read.slips else "in-the-books"
    return context.redirect(f"/desk/entry/{no}", check="1", note=note)


async def _put_away_before(context: Context, no: int) -> web.Response:
    await context.read(read_opened, no, context.now_ms)  # or there is no such page
    return context.redirect(f"/desk/entry/{no}", note="put-away-before")


async def close(context: Context) -> web.Response:
    """POST /desk/entry/{no}/close"""
    no = context.number("no")
    try:
        await context.node.cheques.close(context.actor, no)
    except BatchClosed:
        return await _put_away_before(context, no)
    except StillOut:
        return context.redirect(f"/desk/entry/{no}", note="slips-still-out")
    return context.redirect("/desk/entry", note="put-away")


ROUTES: Final[tuple[Route, ...]] = (
    get("/desk/entry", envelopes, ORGANISER),
    post("/desk/entry", begin, ORGANISER),
    get("/desk/entry/{no}", batch, ORGANISER),
    post_many("/desk/entry/{no}", sent, SHEET_FIELDS_MAX, ORGANISER),
    post("/desk/entry/{no}/close", close, ORGANISER),
)
