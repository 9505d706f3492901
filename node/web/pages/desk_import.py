"""The desk: members, balances, listings and past trades from a file, looked at line by line first. Source: docs/pages.md 6.8, 7.4."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aiohttp import web

from node.importing.layouts import OWN, TRADE_LAYOUTS, Layout
from node.importing.rows import FILE_BYTES_MAX, Fault, Reading, Unusable
from node.services.import_plan import Plan
from node.services.import_rows import Brought, Remainder, Run, RunState, brought_by, newest_runs, run_by_no
from node.services.imports import UNDONE_WITHIN_MS, CannotImport
from node.services.members import Member, member_by_no
from node.services.past_trades import past_of_import
from node.store import ReadTx
from node.web.context import ADMIN, Context, NoSuchPage, get, post, post_file
from node.web.forms import EMPTY, Filled, Form, line
from node.web.pages.desk_export import export
from node.web.pages.import_rate import conversion_facts, read_conversion, unit_options
from node.web.pages.import_trades import difference_facts, kept_facts, planned_facts, trade_sentences
from node.web.pages.import_words import cannot_words, fault_words, layout_words, remainder_words
from node.web.present import balance_words
from node.web.views.importing import ImportRow, ImportsView, ImportView
from node.web.views.page import Fact, Option, Pill

PATH: Final = "/admin/import"
TAKEN_SHOWN: Final = 40


class FileForm(Form):
    """Which layout the file has; the file itself comes beside."""

    layout: line(40)  # type: ignore[valid-type]  # `line` makes the type of a field; so below
    unit: line(10)  # type: ignore[valid-type]  # as above
    theirs: line(40)  # type: ignore[valid-type]  # as above
    ours: line(40)  # type: ignore[valid-type]  # as above


class DoForm(Form):
    """What the preview showed."""

    seen: line(64, 1)  # type: ignore[valid-type]  # as above
    remainder: line(20)  # type: ignore[valid-type]  # as above


async def imports(context: Context) -> web.Response:
    """GET /admin/import"""
    return context.show(await _list_view(context, EMPTY))


async def _list_view(context: Context, form: Filled) -> ImportsView:
    runs, voice = await context.read(newest_runs), context.voice
    # One's own first, then each program's together.
    ordered = sorted(Layout, key=lambda layout: (layout not in OWN, layout.partition("-")[0]))
    named = [(layout, layout_words(layout, context.words)) for layout in ordered]
    return ImportsView(
        form=form,
        layouts=tuple(Option(value=layout.value, text=text, hint=hint) for layout, (text, hint) in named),
        units=unit_options(context.words),
        unit_name=voice.unit_name(),
        rows=tuple(
            ImportRow(
                href=f"{PATH}/{run.no}",
                text=layout_words(run.layout, context.words)[0],
                when=voice.lately(run.looked_ms),
                state=_pill(context, run),
            )
            for run in runs
        ),
    )


def _pill(context: Context, run: Run) -> Pill:
    _ = context.words.gettext
    match run.state:
        case RunState.LOOKED:
            return Pill(text=_("Not brought in"), tone="wait")
        case RunState.DONE:
            return Pill(text=_("Brought in"), tone="good")
        case RunState.UNDONE:
            return Pill(text=_("Taken back"))
        case RunState.DROPPED:
            return Pill(text=_("Forgotten"))


async def file_sent(context: Context) -> web.Response:
    """POST /admin/import: look at a file; it is kept for a day if it can be read."""
    form = context.form(FileForm)
    typed = form if isinstance(form, Filled) else Filled(form.model_dump())
    if isinstance(form, Filled) or form.layout not in tuple(Layout):
        wrong = typed.with_error("layout", context.words.gettext("Please choose one of the answers."))
        return context.show(await _list_view(context, wrong), 422)
    if not context.file:
        wrong = typed.with_error("file", context.words.gettext("Please choose a file."))
        return context.show(await _list_view(context, wrong), 422)
    layout, conversion = Layout(form.layout), read_conversion(context, typed)
    if isinstance(conversion, Filled):
        return context.show(await _list_view(context, conversion), 422)
    try:
        await context.node.offload(context.node.imports.read, layout, context.file, conversion)
    except Unusable as unusable:
        said = {"line": unusable.fault.line, "what": fault_words(unusable.fault, context.words)}
        wrong = typed.with_error("file", context.words.gettext("Line %(line)d: %(what)s") % said)
        return context.show(await _list_view(context, wrong), 422)
    no = await context.node.imports.look(context.actor, layout, context.file, conversion)
    return context.redirect(f"{PATH}/{no}")


# --- one file ------------------------------------------------------------------------------------------------


async def import_page(context: Context) -> web.Response:
    """GET /admin/import/{number}"""
    return context.show(await _view(context, await _find(context)))


async def _find(context: Context) -> Run:
    run = await context.read(run_by_no, context.number("number"))
    if run is None:
        raise NoSuchPage
    return run


async def _view(context: Context, run: Run, form: Filled = EMPTY) -> ImportView:
    if run.state is RunState.LOOKED and run.file is not None:
        reading: Reading = await context.node.offload(
            context.node.imports.read, run.layout, run.file, run.conversion
        )
        plan = await context.read(context.node.imports.plan_in, reading)
        return _plan_view(context, run, plan, form)
    brought, members = await context.read(_brought, run.no)
    past = await context.read(past_of_import, run.no)
    _, voice = context.words.gettext, context.voice
    old = run.ended_ms is None or context.now_ms - run.ended_ms > UNDONE_WITHIN_MS
    taken = [
        Fact(
            label=_("Line %(line)d") % {"line": each.line},
            text=_brought_words(context, each, members.get(each.member_no)),
        )
        for each in brought
    ]
    taken += await kept_facts(context, past)
    return ImportView(
        title=layout_words(run.layout, context.words)[0],
        state=_pill(context, run),
        sentences=(
            _("By %(name)s, %(when)s.")
            % {"name": run.by_name, "when": voice.lately(run.ended_ms or run.looked_ms)},
        ),
        facts=_facts(context, run, run.left_out, run.remainder),
        taken=tuple(taken[:TAKEN_SHOWN]) if past else tuple(taken),
        more_taken=_more(context, len(taken) - TAKEN_SHOWN) if past else "",
        faults=_faults(context, run.faults),
        form=form,
        undo_action="" if run.state is not RunState.DONE or old else f"{PATH}/{run.no}/undo",
    )


def _brought(tx: ReadTx, no: int) -> tuple[list[Brought], dict[int, Member]]:
    brought = brought_by(tx, no)
    found = {no: member_by_no(tx, no) for no in {each.member_no for each in brought}}
    return brought, {no: member for no, member in found.items() if member is not None}


def _brought_words(context: Context, brought: Brought, member: Member | None) -> str:
    _, name = context.words.gettext, "" if member is None else member.name
    number = "" if member is None else member.number
    if brought.item_key is not None:
        return _("An offer or want of %(name)s, %(number)s") % {"name": name, "number": number}
    said = {
        "old": brought.old,
        "number": number,
        "name": name,
        "balance": balance_words(brought.amount, context.voice),
    }
    if brought.old:
        return _("%(name)s: %(old)s there, %(number)s here, %(balance)s") % said
    return _("%(name)s: %(number)s, %(balance)s") % said


def _plan_view(context: Context, run: Run, plan: Plan, form: Filled) -> ImportView:
    _, voice = context.words.gettext, context.voice
    taken = [
        Fact(
            label=_("Line %(line)d") % {"line": row.line},
            text=_("%(name)s, %(balance)s")
            % {"name": row.name, "balance": balance_words(row.balance, voice)},
        )
        for row in plan.people
    ] + [
        Fact(label=_("Line %(line)d") % {"line": row.line}, text=f"{row.title} ({owner.name})")
        for row, owner in plan.listings
    ]
    taken += planned_facts(context, plan.trades)
    sentences = [_("Nothing is brought in yet.")]
    if plan.beyond:
        said = {"lines": ", ".join(map(str, plan.beyond[:20]))}
        sentences.append(
            _("These balances are beyond their limits, and are taken all the same: lines %(lines)s.") % said
        )
    sentences += trade_sentences(context, plan)
    counted = replace(
        run, people=len(plan.people), listings=len(plan.listings), trades=len(plan.trades), total=plan.total,
        rounding=plan.rounding,
    )  # fmt: skip
    return ImportView(
        title=layout_words(run.layout, context.words)[0],
        state=_pill(context, run),
        sentences=tuple(sentences),
        facts=_facts(context, counted, len(plan.faults), None),
        taken=tuple(taken[:TAKEN_SHOWN]),
        more_taken=_more(context, len(taken) - TAKEN_SHOWN),
        differences=difference_facts(context, plan.differences),
        faults=_faults(context, plan.faults),
        form=form if form.values or form.errors else Filled({"remainder": Remainder.REFUSE.value}),
        remainders=()
        if not plan.total
        else tuple(Option(value=each.value, text=remainder_words(each, context.words)) for each in Remainder),
        seen=plan.mark,
        do_action="" if plan.is_empty else f"{PATH}/{run.no}/do",
    )


def _more(context: Context, more: int) -> str:
    if more <= 0:
        return ""
    return context.words.ngettext("and %(num)d more", "and %(num)d more", more) % {"num": more}


def _facts(context: Context, run: Run, left_out: int, remainder: Remainder | None) -> tuple[Fact, ...]:
    _, total = context.words.gettext, run.total
    rest = remainder_words(remainder, context.words) if remainder is not None and total else ""
    facts = [Fact(label=_("Lines left out"), text=str(left_out))]
    if run.layout in TRADE_LAYOUTS:
        facts.insert(0, Fact(label=_("Past trades"), text=str(run.trades)))
    else:
        facts = [
            Fact(label=_("Members"), text=str(run.people)),
            Fact(label=_("Offers and wants"), text=str(run.listings)),
            *facts,
            Fact(
                label=_("All balances together"), text=balance_words(total, context.voice) if total else "0"
            ),
            Fact(label=_("The rest"), text=rest),
        ]
    facts += conversion_facts(context, run)
    return tuple(fact for fact in facts if fact.text)


def _faults(context: Context, faults: tuple[Fault, ...]) -> tuple[Fact, ...]:
    label = context.words.gettext("Line %(line)d")
    return tuple(
        Fact(label=label % {"line": fault.line}, text=fault_words(fault, context.words)) for fault in faults
    )


async def do(context: Context) -> web.Response:
    """POST /admin/import/{number}/do: bring in what the preview showed; sent twice, it is brought in once."""
    run, form = await _find(context), context.form(DoForm)
    if isinstance(form, Filled) or form.remainder not in ("", *Remainder):
        raise NoSuchPage
    remainder = Remainder(form.remainder or Remainder.REFUSE.value)
    try:
        await context.node.imports.bring_in(context.actor, run.no, remainder, form.seen)
    except CannotImport as cannot:
        return await _cannot(context, run, cannot, form.remainder)
    return context.redirect(f"{PATH}/{run.no}", note="brought-in")


async def undo(context: Context) -> web.Response:
    """POST /admin/import/{number}/undo"""
    run = await _find(context)
    try:
        await context.node.imports.undo(context.actor, run.no)
    except CannotImport as cannot:
        return await _cannot(context, run, cannot, "")
    return context.redirect(f"{PATH}/{run.no}", note="import-undone")


async def _cannot(context: Context, run: Run, cannot: CannotImport, remainder: str) -> web.Response:
    sentence = cannot_words(cannot.why, cannot.names, context.words)
    wrong = Filled({"remainder": remainder or Remainder.REFUSE.value}, {"": sentence})
    return context.show(await _view(context, run, wrong), 422)


ROUTES: Final = (
    get(PATH, imports, ADMIN),
    post_file(PATH, file_sent, FILE_BYTES_MAX, ADMIN),
    get(f"{PATH}/{{number}}", import_page, ADMIN),
    get("/admin/export.zip", export, ADMIN),
    post(f"{PATH}/{{number}}/do", do, ADMIN),
    post(f"{PATH}/{{number}}/undo", undo, ADMIN),
)
