"""The organisers' desk: what waits today, applications, mail that was not sent. Source: docs/pages.md 7.3."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from node.mail.outbox import unsent_mails
from node.services.acts import Role
from node.services.afterwards import count_open_complaints
from node.services.applications import Application, application_by_no, applications_in
from node.services.cheque_check import cheques_abroad
from node.services.cheque_rows import count_back
from node.services.circle_account_rows import count_accounts_asked
from node.services.evidence_store import all_evidence
from node.services.figures import Figures, read_figures
from node.services.joint_acts import asked_now
from node.services.line_rows import ASKED, FROZEN, Line, read_lines
from node.services.members import Reach, Unable, Why, count_members
from node.services.paper_notes import count_to_tell
from node.services.payer_desk import stuck_trades
from node.services.recovery import count_recovered
from node.store import ReadTx
from node.web.context import ORGANISER, Context, NoSuchPage, Route, get, post
from node.web.dates import ago, local
from node.web.forms import BadForm, Filled, Form, paragraphs
from node.web.pages.checked import checked_line
from node.web.pages.copies import copies_line
from node.web.pages.desk_care import CareToday, care_tiles, read_care
from node.web.pages.desk_group_accounts import account_tiles
from node.web.pages.neighbours_shown import href_of, stopped_there
from node.web.present import paragraphs_of
from node.web.sentences import unable_sentence
from node.web.views.admin import (
    ApplicationCard,
    ApplicationsView,
    DashboardView,
    LetterView,
)
from node.web.views.member import Tile
from node.web.views.page import Empty, Fact, Link, Pill
from protocol.names import SchemeId, scheme_text

REASON_CHARACTERS_MAX: Final = 500
ASKED_TILES: Final = 3  # schemes that wait for us are named one by one; more of them share a tile


class DeclineForm(Form):
    reason: paragraphs(REASON_CHARACTERS_MAX)  # type: ignore[valid-type]  # makes the type of a field


# --- Today -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """What the desk's first page reads."""

    applications: list[Application]
    applications_waiting: int
    mails_unsent: int
    members: int
    figures: Figures
    lines: list[Line]  # with every scheme
    contradictions: int  # proofs against other schemes, or us, that nobody has settled
    recovered: int  # what came back lately after a restore
    complaints: int  # what members say is wrong with a trade
    joint: int  # what waits for a second organiser
    stuck: int  # trades whose member could be freed
    care: CareToday  # help, helpers, reports
    to_tell: int  # members without e-mail for whom something waits
    accounts_asked: int  # groups that ask for an account
    cheques: int  # of ours that came to other schemes and wait for a yes
    slips_back: int  # that came back from other schemes


def _read_today(tx: ReadTx, own: SchemeId, month_ms: int, now_ms: int) -> Today:
    applications, waiting = applications_in(tx, most=1)
    joint = asked_now(tx, now_ms)
    freeing = {each.trade_no for each in joint if each.frees}
    return Today(
        applications=applications,
        applications_waiting=waiting,
        mails_unsent=unsent_mails(tx, most=1)[1],
        members=count_members(tx),
        figures=read_figures(tx, month_ms),
        contradictions=sum(piece.counts for piece in all_evidence(tx)),
        lines=read_lines(tx, own),
        recovered=count_recovered(tx, now_ms),
        complaints=count_open_complaints(tx),
        joint=len(joint),
        stuck=len(set(stuck_trades(tx, now_ms)) - freeing),
        care=read_care(tx, now_ms),
        to_tell=count_to_tell(tx),
        accounts_asked=count_accounts_asked(tx),
        cheques=len(cheques_abroad(tx, now_ms)),
        slips_back=count_back(tx, now_ms),
    )


async def today(context: Context) -> web.Response:
    """Show what waits for an organiser, and how computer and scheme are."""
    now = local(context.now_ms, context.zone)
    month = datetime(now.year, now.month, 1, tzinfo=context.zone)
    read = await context.read(_read_today, context.node.scheme, int(month.timestamp() * 1000), context.now_ms)
    return context.show(
        DashboardView(
            todo=tuple(each for each in _todo(context, read) if context.of_use(each.href)),
            health=(
                *_health(context, read.figures),
                await checked_line(context),
                await copies_line(context),
            ),
            node_href="/node" if context.actor.role is Role.ADMIN and not context.node.options.hosted else "",
            figures=_figures(context, read),
        )
    )


def _todo(context: Context, read: Today) -> tuple[Tile, ...]:
    words, tiles = context.words, []
    if read.recovered:
        text = words.gettext("This computer had lost its memory, and neighbours gave it back")
        hint = words.gettext("See what came back, and whether anything is to be done")
        tiles.append(Tile(text=text, hint=hint, href="/admin/recovered", tone="wait"))
    if read.applications_waiting:
        text = words.ngettext("%(num)d application", "%(num)d applications", read.applications_waiting) % {
            "num": read.applications_waiting
        }
        since = ago(read.applications[0].created_ms, context.now_ms, words)
        hint = words.gettext("The oldest came %(ago)s") % {"ago": since}
        tiles.append(Tile(text=text, hint=hint, href="/admin/applications", tone="wait"))
    asked = [each.peer for each in read.lines if each.status == ASKED]
    if len(asked) > ASKED_TILES:
        text = words.gettext("%(num)d schemes ask to trade with us") % {"num": len(asked)}
        hint = words.gettext("See who they are, and answer")
        tiles.append(Tile(text=text, hint=hint, href="/admin/neighbours", tone="wait"))
    for scheme in asked if len(asked) <= ASKED_TILES else ():
        met = context.node.introductions.met(scheme)
        name = words.gettext("Another scheme") if met is None else met.name
        tiles.append(
            Tile(
                text=words.gettext("%(name)s asks to trade with us") % {"name": name},
                hint=words.gettext("See who they are, and answer"),
                href=f"/admin/neighbours/{scheme_text(scheme)}",
                tone="wait",
            )
        )
    apart = [each.peer for each in read.lines if each.status == FROZEN or stopped_there(context, each)]
    if apart:
        text = words.ngettext(
            "Trade with %(num)d neighbour waits for a balance that both agree on",
            "Trade with %(num)d neighbours waits for a balance that both agree on",
            len(apart),
        ) % {"num": len(apart)}
        hint = words.gettext("Ring their organiser. What is under way waits as well")
        href = href_of(apart[0]) if len(apart) == 1 else "/admin/neighbours"
        tiles.append(Tile(text=text, hint=hint, href=href, tone="wait"))
    if read.contradictions:
        tiles.append(
            Tile(
                text=words.gettext("A scheme contradicted itself"),
                hint=words.gettext("It can be proved. See what follows, and ring them"),
                href="/admin/evidence",
                tone="wait",
            )
        )
    if read.complaints:
        text = words.ngettext(
            "Something is wrong with %(num)d trade", "Something is wrong with %(num)d trades", read.complaints
        ) % {"num": read.complaints}
        hint = words.gettext("Read what people say")
        tiles.append(Tile(text=text, hint=hint, href="/admin/complaints", tone="wait"))
    tiles += care_tiles(read.care, words) + account_tiles(read.accounts_asked, words)
    tiles += [Tile(text=text % {"num": num}, hint=hint, href=href, tone="wait") for num, text, hint, href in (
        (
            read.joint,
            words.ngettext("%(num)d thing waits for a second organiser", "%(num)d things wait for a second organiser", read.joint),
            words.gettext("See what it is"), "/admin/together",
        ),
        (
            read.stuck,
            words.ngettext("%(num)d trade has been stuck for 14 days", "%(num)d trades have been stuck for 14 days", read.stuck),
            words.gettext("Two of you can free whose it is"), "/admin/together",
        ),
        (
            read.cheques,
            words.ngettext(
                "%(num)d cheque of ours came to another scheme", "%(num)d cheques of ours came to other schemes", read.cheques
            ),
            words.gettext("They wait for a yes, theirs or ours"), "/desk/cheques",
        ),
        (
            read.slips_back,
            words.ngettext(
                "%(num)d slip came back from another scheme", "%(num)d slips came back from other schemes", read.slips_back
            ),
            words.gettext("Nothing moved. See why, and sort it out"), "/desk/entry",
        ),
    ) if num]  # fmt: skip
    if read.to_tell:
        text = words.ngettext(
            "%(num)d member to be told something", "%(num)d members to be told something", read.to_tell
        ) % {"num": read.to_tell}
        tiles.append(Tile(text=text, hint=words.gettext("By letter or telephone"), href="/desk/letters"))
    if read.mails_unsent:
        text = words.ngettext("%(num)d mail not sent", "%(num)d mails not sent", read.mails_unsent) % {
            "num": read.mails_unsent
        }
        tiles.append(Tile(text=text, hint=words.gettext("Read them out or print them"), href="/admin/outbox"))
    return tuple(tiles)


def _health(context: Context, figures: Figures) -> tuple[tuple[Pill, str], ...]:
    words, node = context.words, context.node
    _ = words.gettext
    good, look = Pill(text=_("Good"), tone="good"), Pill(text=_("Look here"), tone="wait")
    lines = []
    if figures.imbalance:
        lines.append(
            (
                Pill(text=_("Wrong"), tone="stop"),
                _("The books do not add up. Please tell whoever set this up."),
            )
        )
    else:
        lines.append((good, _("The books add up: all balances together are 0.")))
    neighbours = node.routes.neighbours
    if neighbours:
        reached = sum(scheme in node.links.live for scheme in neighbours)
        sentence = _("%(reached)d of %(all)d neighbours can be reached now.") % {
            "reached": reached,
            "all": len(neighbours),
        }
        lines.append((good if reached == len(neighbours) else look, sentence))
    if figures.late:
        sentence = words.ngettext(
            "%(num)d trade with a neighbour waits for longer than usual.",
            "%(num)d trades with neighbours wait for longer than usual.",
            figures.late,
        ) % {"num": figures.late}
        lines.append((look, sentence))
    if node.outbox.sends:
        lines.append((good, _("Mail can be sent.")))
    else:
        lines.append((look, _("No mail is set up: members log in with PINs, and mail is read out.")))
    return tuple(lines)


def _figures(context: Context, read: Today) -> tuple[Fact, ...]:
    words, voice, figures = context.words, context.voice, read.figures
    trades = str(figures.trades)
    if figures.trades_across:
        trades = words.gettext("%(num)d, of them %(across)d with neighbours") % {
            "num": figures.trades,
            "across": figures.trades_across,
        }
    return (
        Fact(label=words.gettext("Members"), text=str(read.members)),
        Fact(label=words.gettext("Trades this month"), text=trades),
        Fact(label=words.gettext("Furthest behind"), text=voice.spoken(figures.furthest_behind)),
        Fact(label=words.gettext("Furthest ahead"), text=voice.spoken(figures.furthest_ahead)),
    )  # fmt: skip


# --- Applications ------------------------------------------------------------------------------------------------


async def applications(context: Context) -> web.Response:
    """Show who wants to join."""
    found, _ = await context.read(applications_in)
    _ = context.words.gettext
    nobody = Empty(
        text=_("Nobody waits to be welcomed. Is there a form on paper?"),
        action=Link(text=_("Add a member"), href="/admin/members/add"),
    )
    empty = None if found else nobody
    return context.show(
        ApplicationsView(applications=tuple(_card(context, each) for each in found), empty=empty)
    )


def _card(context: Context, application: Application) -> ApplicationCard:
    person, words = application.person, context.words
    match person.reach:
        case Reach.EMAIL:
            reach = person.email or ""
        case Reach.PHONE:
            reach = person.phone
        case _:
            reach = words.gettext("by letter: %(address)s") % {"address": person.address}
    here = f"/admin/applications/{application.no}"
    return ApplicationCard(
        name=person.name,
        place=person.place,
        reach=reach,
        offer=application.offer,
        want=application.want,
        when=ago(application.created_ms, context.now_ms, words),
        welcome_action=f"{here}/welcome",
        decline_action=f"{here}/decline",
        once=context.once(),
    )


async def welcome(context: Context) -> web.Response:
    """Make the applicant a member, and show what to print: this once, so there is nothing to redirect to."""
    node = context.node
    no = context.number("no")
    # Where no mail goes out, PIN and link travel on paper.
    pin = None if node.outbox.sends else node.applications.random_pin()
    try:
        welcomed = await node.applications.welcome(context.actor, no, pin=pin)
    except Unable as unable:
        return await _undecidable(context, no, unable)
    member = welcomed.member
    link = "" if welcomed.pin is None else await node.sign_in.make_link(context.actor, member.no)
    return context.show(
        LetterView(
            name=member.name,
            address=paragraphs_of(member.address),
            number=member.number,
            pin=welcomed.pin or "",
            link=link,
            site=node.options.origin,
            mailed_to=(member.email or "") if node.outbox.sends else "",
            member_href=f"/admin/members/{member.no}",
        ),
        secret=True,
    )


async def decline(context: Context) -> web.Response:
    """Turn an application down, with what the applicant is told."""
    form = context.form(DeclineForm)
    if isinstance(form, Filled):
        raise BadForm("a reason longer than its field")
    no = context.number("no")
    try:
        await context.node.applications.decline(context.actor, no, reason=form.reason)
    except Unable as unable:
        return await _undecidable(context, no, unable)
    return context.redirect("/admin/applications", note="declined")


async def _undecidable(context: Context, no: int, unable: Unable) -> web.Response:
    """Answer an organiser who came second, or whose browser sent it twice."""
    if unable.why is Why.UNKNOWN_APPLICATION:
        raise NoSuchPage from unable
    application = await context.read(application_by_no, no)
    if unable.why is Why.ALREADY_DECIDED and application is not None:
        if application.member_no is not None:
            return context.redirect(f"/admin/members/{application.member_no}", note="welcomed-before")
        return context.redirect("/admin/applications", note="decided-before")
    found, _ = await context.read(applications_in)
    empty = Empty(text=unable_sentence(unable.why, context.words))
    cards = tuple(_card(context, each) for each in found)
    return context.show(ApplicationsView(applications=cards, empty=empty), 409)


ROUTES: Final[tuple[Route, ...]] = (
    get("/admin", today, ORGANISER),
    get("/admin/applications", applications, ORGANISER),
    post("/admin/applications/{no}/welcome", welcome, ORGANISER),
    post("/admin/applications/{no}/decline", decline, ORGANISER),
)
