"""Past trades of a file on the desk: what is taken, of whom one side is nobody here, whose balance differs. Source: docs/pages.md 7.4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from node.services.import_plan import Difference, PastRow, Plan
from node.services.members import Member, member_by_no
from node.services.past_trades import PastTrade
from node.store import ReadTx
from node.web.context import Context
from node.web.present import balance_words, name_of
from node.web.views.page import Fact

LINES_SHOWN = 20
DIFFERENCES_SHOWN = 100


def trade_sentences(context: Context, plan: Plan) -> list[str]:
    """Return what is to be known about trades before they are brought in."""
    _ = context.words.gettext
    if not plan.trades:
        return []
    said = [
        _("Past trades are kept to be read on statements. They move nothing: balances hold them already."),
    ]
    if plan.outside:
        lines = ", ".join(map(str, plan.outside[:LINES_SHOWN])) + (
            " …" if len(plan.outside) > LINES_SHOWN else ""
        )
        said.append(
            _("One side is no member here, and stays a name: lines %(lines)s.") % {"lines": lines},
        )
    if not plan.differences:
        said.append(_("Everybody’s balance is what their trades come to."))
    return said


def planned_facts(context: Context, rows: Iterable[PastRow]) -> list[Fact]:
    """Return the lines of trades that are taken."""
    return [
        _fact(context, each.row.line, each.row.day, each.row.amount, each.row.text, _called(context, each.payer, each.row.payer.name), _called(context, each.payee, each.row.payee.name))
        for each in rows
    ]  # fmt: skip


async def kept_facts(context: Context, past: Sequence[PastTrade]) -> list[Fact]:
    """Return the lines of trades that were brought in."""
    members = await context.read(_members, {no for each in past for no in (each.payer_no, each.payee_no)})
    return [
        _fact(
            context, each.line, each.day if each.dated else "", each.amount, each.text,
            _called(context, members.get(each.payer_no or 0), each.payer_name),
            _called(context, members.get(each.payee_no or 0), each.payee_name),
        )
        for each in past
    ]  # fmt: skip


def _members(tx: ReadTx, numbers: set[int | None]) -> dict[int, Member]:
    found = {no: member_by_no(tx, no) for no in numbers if no is not None}
    return {no: member for no, member in found.items() if member is not None}


def _called(context: Context, member: Member | None, name: str) -> str:
    if member is not None:
        return name_of(member, context.words)
    return name or context.words.gettext("the old scheme itself")


def _fact(context: Context, line: int, day: str, amount: int, text: str, payer: str, payee: str) -> Fact:
    _ = context.words.gettext
    said = {
        "day": day or _("day unknown"),
        "payer": payer,
        "payee": payee,
        "amount": context.voice.short(amount),
    }
    what = _("%(day)s: %(payer)s gave %(payee)s %(amount)s") % said
    return Fact(label=_("Line %(line)d") % {"line": line}, text=f"{what}, {text}" if text else what)


def difference_facts(context: Context, differences: Sequence[Difference]) -> tuple[Fact, ...]:
    """Return whose opening balance is not what their trades come to, and by how much."""
    _, voice = context.words.gettext, context.voice
    return tuple(
        Fact(
            label=name_of(each.member, context.words),
            text=_("brought in with: %(opening)s; trades come to: %(trades)s; difference: %(difference)s")
            % {
                "opening": balance_words(each.opening, voice),
                "trades": balance_words(each.trades, voice),
                "difference": voice.short(each.opening - each.trades, signed=True),
            },
        )
        for each in differences[:DIFFERENCES_SHOWN]
    )
