"""The organisers' desk: what happened in the scheme, as tables with bars, on paper and for a spreadsheet. Source: docs/pages.md 7.3."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from node.services.closing import spread_of
from node.services.scheme_report import Report, bins_of, read_report
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get
from node.web.dates import local
from node.web.downloads import harmless, plain_number, plain_unit, table
from node.web.pages.desk_member_list import shows_of
from node.web.pages.listings import category_name
from node.web.pages.member_statement import Period, read_period
from node.web.present import Voice, name_of
from node.web.views.figures import ReportRow, ReportsView, ReportTable
from node.web.views.page import Fact

MONTHS: Final = 12
NAMED: Final = 10  # members in each list of those who did most
WANT: Final = "want"


async def reports(context: Context) -> web.Response:
    """GET /desk/figures?from&to"""
    period, report = await _read(context)
    voice = context.voice
    start_ms, end_ms = period.moments(voice)
    days = {"from": period.first.isoformat(), "to": period.last.isoformat()}
    said = {"first": voice.day(start_ms), "last": voice.day(end_ms - 1)}
    form = period.form
    if not report.complete:
        sentence = context.words.gettext("There are more trades than fit here. Please choose a shorter time.")
        form = form.with_error("from", sentence)
    return context.show(
        ReportsView(
            form=form,
            period=context.words.gettext("%(first)s to %(last)s") % said,
            figures=_figures(context, report),
            tables=tuple(
                make(context, report, f"/desk/figures.csv?{urlencode({'of': name, **days})}")
                for name, make in TABLES.items()
            ),
            printed=context.words.gettext("Printed on %(day)s") % {"day": voice.day(voice.now_ms)},
        )
    )


async def _read(context: Context) -> tuple[Period, Report]:
    voice = context.voice
    period = read_period(context, voice, MONTHS)
    _, end_ms = period.moments(voice)
    return period, await context.read(read_report, _edges(period, voice), end_ms, voice.now_ms)


def _edges(period: Period, voice: Voice) -> list[int]:
    """Return when the period begins, and each month after that in it, by the scheme's clock on the wall."""
    days, day = [period.first], period.first
    while (day := (day.replace(day=1) + timedelta(days=32)).replace(day=1)) <= period.last:
        days.append(day)
    return [int(datetime.combine(each, time(), voice.zone).timestamp() * 1000) for each in days]


def _figures(context: Context, report: Report) -> tuple[Fact, ...]:
    _, voice = context.words.gettext, context.voice
    spread = spread_of(list(report.balances))
    facts = [
        Fact(label=_("Trades in that time"), text=str(sum(month.trades for month in report.months))),
        Fact(label=_("Moved in all"), text=voice.spoken(sum(month.moved for month in report.months))),
        Fact(label=_("People who traded"), text=str(len(report.helped))),
    ]
    names = (_("Furthest behind"), _("A quarter is below"), _("Half is below"), _("Three quarters are below"), _("Furthest ahead"))  # fmt: skip
    facts += [
        Fact(label=name, text=voice.short(balance, signed=True))
        for name, balance in zip(names, spread, strict=False)
    ]
    return tuple(facts)


# --- The tables --------------------------------------------------------------------------------------------------


def _rows(rows: Iterable[tuple[str, tuple[str, ...], int, str]]) -> tuple[ReportRow, ...]:
    """Return rows with bars: each drawn against the longest."""
    found = list(rows)
    most = max((size for _, _, size, _ in found), default=0)
    return tuple(
        ReportRow(label=label, cells=cells, bar=round(100 * size / most) if most else 0, href=href)
        for label, cells, size, href in found
    )


def _activity(context: Context, report: Report, csv_href: str) -> ReportTable:
    _, voice = context.words.gettext, context.voice
    return ReportTable(
        caption=_("Month by month"),
        heads=(_("Month"), _("People"), _("Moved"), _("Trades")),
        rows=_rows(
            (
                voice.month(month.start_ms),
                (str(month.people), voice.short(month.moved), str(month.trades)),
                month.trades,
                "",
            )
            for month in report.months
        ),
        empty=_("No trades in that time."),
        csv_href=csv_href,
    )


def _spread(context: Context, report: Report, csv_href: str) -> ReportTable:
    _, voice = context.words.gettext, context.voice
    bins = bins_of(report.balances, context.unit.minor_per_unit)
    return ReportTable(
        caption=_("How balances spread, now"),
        heads=(_("Balance"), _("Members")),
        rows=_rows(
            (
                _("%(low)s up to %(high)s")
                % {"low": voice.short(each.low, signed=True), "high": voice.short(each.high, signed=True)},
                (str(each.members),),
                each.members,
                "",
            )
            for each in bins
        ),
        empty=_("No members yet."),
        csv_href=csv_href,
    )


def _most(
    context: Context, report: Report, csv_href: str, caption: str, head: str, gave: bool
) -> ReportTable:
    """Return those who gave, or got, most help."""
    _, voice = context.words.gettext, context.voice
    amount_of = {each.member.no: each.gave if gave else each.got for each in report.helped}
    most = sorted(report.helped, key=lambda each: -amount_of[each.member.no])[:NAMED]
    return ReportTable(
        caption=caption,
        heads=(_("Name"), _("Trades"), head),
        rows=_rows(
            (
                name_of(each.member, context.words),
                (str(each.trades), voice.short(amount_of[each.member.no])),
                amount_of[each.member.no],
                f"/admin/members/{each.member.no}",
            )
            for each in most
            if amount_of[each.member.no]
        ),
        empty=_("No trades in that time."),
        csv_href=csv_href,
    )


def _givers(context: Context, report: Report, csv_href: str) -> ReportTable:
    _ = context.words.gettext
    return _most(context, report, csv_href, _("Who helped others most"), _("For help given"), True)


def _needers(context: Context, report: Report, csv_href: str) -> ReportTable:
    _ = context.words.gettext
    return _most(context, report, csv_href, _("Who was helped most"), _("For help received"), False)


def _categories(context: Context, report: Report, csv_href: str) -> ReportTable:
    _ = context.words.gettext
    found = sorted(report.board.items(), key=lambda each: (-sum(each[1].values()), each[0]))
    return ReportTable(
        caption=_("What is on the board, now"),
        heads=(_("Category"), _("Offers"), _("Wants"), _("In all")),
        rows=_rows(
            (
                category_name(category, context.voice),
                (str(total - kinds.get(WANT, 0)), str(kinds.get(WANT, 0)), str(total)),
                total,
                "",
            )
            for category, kinds in found
            if (total := sum(kinds.values()))
        ),
        empty=_("Nothing is on the board."),
        csv_href=csv_href,
    )


def _without(context: Context, report: Report, csv_href: str) -> ReportTable:
    _ = context.words.gettext
    named = {option.value: option.text for option in shows_of(context.words)}
    return ReportTable(
        caption=_("Whom to look after, now"),
        heads=(_("Members"), _("How many")),
        rows=_rows(
            (named[which.value], (str(count),), count, f"/admin/members?show={which.value}")
            for which, count in report.without.items()
        ),
        empty="",
        csv_href=csv_href,
    )


TABLES: Final[dict[str, Callable[[Context, Report, str], ReportTable]]] = {
    "activity": _activity,
    "balances": _spread,
    "givers": _givers,
    "needers": _needers,
    "categories": _categories,
    "without": _without,
}


# --- As a table --------------------------------------------------------------------------------------------------


async def reports_csv(context: Context) -> web.Response:
    """GET /desk/figures.csv?of&from&to: numbers that can be added up; of people everybody, not only the first."""
    of = context.query("of")
    if of not in TABLES:
        raise NoSuchPage
    period, report = await _read(context)
    out = io.StringIO()
    csv.writer(out).writerows(_csv_rows(context, report, of))
    return table(out.getvalue(), f"{of}-{period.first.isoformat()}-{period.last.isoformat()}.csv")


def _csv_rows(context: Context, report: Report, of: str) -> Iterable[tuple[str, ...]]:
    unit, symbol = context.unit, harmless(plain_unit(context.unit))
    match of:
        case "activity":
            yield ("month", "trades", "people", "moved", "unit")
            for month in report.months:
                name = local(month.start_ms, context.zone).strftime("%Y-%m")
                moved = plain_number(month.moved, unit)
                yield (name, str(month.trades), str(month.people), moved, symbol)
        case "balances":
            yield ("balance", "members", "unit")
            for balance, count in sorted(Counter(report.balances).items()):
                yield (plain_number(balance, unit), str(count), symbol)
        case "givers" | "needers":
            yield ("number", "name", "help_given", "help_received", "trades", "unit")
            for each in report.helped:
                name = harmless(name_of(each.member, context.words))
                gave, got = plain_number(each.gave, unit), plain_number(each.got, unit)
                yield (each.member.number, name, gave, got, str(each.trades), symbol)
        case "categories":
            yield ("category", "kind", "listings")
            for category, kinds in sorted(report.board.items()):
                for kind, count in sorted(kinds.items()):
                    yield (category, kind, str(count))
        case _:
            yield ("members", "count")
            for which, count in report.without.items():
                yield (which.value, str(count))


ROUTES: Final[tuple[Route, ...]] = (
    get("/desk/figures", reports, ORGANISER),
    get("/desk/figures.csv", reports_csv, ORGANISER),
)
