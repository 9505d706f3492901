"""What the scheme holds about its reader, who saw it, and all of it to take away. Source: docs/pages.md 7.2 (`/my/data`), 0.9."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from node.services.acts import Act, Deed, acts_for
from node.services.erasure import Outside, outside, shares_listings
from node.services.members import Member
from node.services.my_data import Held, read_my_data
from node.store import ReadTx
from node.web.context import MEMBER, Context, get
from node.web.downloads import download as file_to_save
from node.web.pages.desk_outside import what_it_has
from node.web.pages.schemes import Schemes, read_schemes
from node.web.views.member import MyDataView
from node.web.views.page import Fact
from protocol.names import SchemeId, scheme_text

ACTS_MAX: Final = 200
DATA_FILE: Final = "data.json"
TEXT_FILE: Final = "read-me.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the page reads."""

    held: Held
    outside: tuple[Outside, ...]
    shares: bool
    acts: list[Act]
    schemes: Schemes


def _read(tx: ReadTx, member: Member, own: SchemeId, now_ms: int) -> Known:
    return Known(
        held=read_my_data(tx, member),
        outside=outside(tx, member, own),
        shares=shares_listings(tx, member),
        acts=acts_for(tx, member.no, ACTS_MAX),
        schemes=read_schemes(tx, now_ms),
    )


async def _view(context: Context) -> tuple[MyDataView, Held]:
    member = context.member
    known = await context.read(_read, member, context.node.scheme, context.now_ms)
    view = MyDataView(
        facts=_facts(context, member),
        held=_counts(context, known.held),
        seen=_seen(context, known),
        acts=tuple(
            Fact(label=context.voice.day(act.at_ms), text=_act_sentence(context, act)) for act in known.acts
        ),
        download_href="/my/data/download",
    )
    return view, known.held


async def my_data(context: Context) -> web.Response:
    """GET /my/data"""
    view, _ = await _view(context)
    return context.show(view)


async def download(context: Context) -> web.Response:
    """GET /my/data/download: everything, for programs and for people."""
    view, held = await _view(context)
    day = context.voice.day(context.now_ms)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(TEXT_FILE, _as_text(context, view, day))
        files.writestr(DATA_FILE, json.dumps(held, ensure_ascii=False, indent=1))
    response = file_to_save(packed.getvalue(), "application/zip", f"member-{context.member.number}.zip")
    response.headers["Cache-Control"] = "no-store"
    return response


def _as_text(context: Context, view: MyDataView, day: str) -> str:
    _ = context.words.gettext
    said = {"name": context.member.name, "scheme": context.settings.name, "day": day}
    lines = [_("What %(scheme)s holds about %(name)s, on %(day)s") % said, ""]
    for title, rows in (
        (_("About you"), [f"{fact.label}: {fact.text}" for fact in view.facts]),
        (_("How much there is"), [f"{fact.label}: {fact.text}" for fact in view.held]),
        (_("Who else saw it"), list(view.seen)),
        (_("What organisers did for you"), [f"{fact.label}: {fact.text}" for fact in view.acts]),
    ):
        lines += [title, *[f"  {row}" for row in rows], ""]
    lines.append(
        _("Every word and number of it is in %(file)s, in a form that programs read.") % {"file": DATA_FILE}
    )
    return "\n".join(lines) + "\n"


def _facts(context: Context, member: Member) -> tuple[Fact, ...]:
    _, voice = context.words.gettext, context.voice
    shown = (
        (_("Name"), member.name),
        (_("Shown to other schemes"), member.public_name),
        (_("E-mail"), member.email or ""),
        (_("Phone"), member.phone),
        (_("Address"), member.address),
        (_("Place"), member.place),
        (_("About me"), member.about),
        (_("Member since"), voice.day(member.joined_ms)),
        (_("Last logged in"), voice.day(member.seen_ms) if member.seen_ms else ""),
    )
    return tuple(Fact(label=label, text=text) for label, text in shown if text)


def _counts(context: Context, held: Held) -> tuple[Fact, ...]:
    _ = context.words.gettext
    labels = (
        (_("Trades"), "trades"),
        (_("Loans"), "loans"),
        (_("Offers and wants"), "listings"),
        (_("Searches you keep"), "searches"),
        (_("Requests"), "requests"),
        (_("Regular amounts"), "regular_amounts"),
        (_("Days proposed or agreed"), "agreed_days"),
        (_("Things given away, or asked for"), "given_away"),
        (_("Swaps"), "swaps"),
        (_("Borrowed and lent"), "borrowed_and_lent"),
        (_("Events you host"), "events"),
        (_("Answers to events"), "answers_to_events"),
        (_("Groups"), "groups"),
        (_("Notes in groups"), "notes_in_groups"),
        (_("Answers in groups"), "answers_in_groups"),
        (_("Help you asked for"), "help_asked_for"),
        (_("Help you were asked for"), "help_brought_to_me"),
        (_("Receipts of the desk"), "receipts_of_the_desk"),
        (_("Things checked about you"), "checked_about_me"),
        (_("Put to the vote"), "put_to_the_vote"),
        (_("Votes"), "votes"),
        (_("Conversations"), "conversations"),
        (_("Messages"), "messages"),
        (_("Mails to you"), "mail"),
        (_("Places where you are logged in"), "logged_in"),
    )
    return tuple(Fact(label=label, text=str(len(held[name]))) for label, name in labels)


def _seen(context: Context, known: Known) -> tuple[str, ...]:
    _ = context.words.gettext
    said = [
        _(
            "Other members see your name, place and what you write about yourself; organisers see the rest too."
        ),
        _("Whoever looks after the computer could read everything on it, messages too."),
    ]
    if known.shares:
        neighbours = _names(known.schemes, sorted(context.node.routes.neighbours))
        if neighbours:
            said.append(
                _("Your offers and wants go to %(schemes)s, and from there to schemes further on.")
                % {"schemes": ", ".join(neighbours)}
            )
    for each in known.outside:
        (name,) = _names(known.schemes, [each.scheme])
        said.append(what_it_has(context, each, name, _("a random number that stands for you")))
    return tuple(said)


def _names(schemes: Schemes, which: Sequence[SchemeId]) -> list[str]:
    return [schemes[each].name if each in schemes else scheme_text(each) for each in which]


def _act_sentence(context: Context, act: Act) -> str:
    said = {"name": act.by_name or context.words.gettext("an organiser"), "what": _deed(context, act.deed)}
    if act.why:
        return context.words.gettext("%(what)s, by %(name)s: %(why)s") % {**said, "why": act.why}
    return context.words.gettext("%(what)s, by %(name)s") % said


def _deed(context: Context, deed: Deed) -> str:
    _ = context.words.gettext
    match deed:
        case Deed.WELCOMED | Deed.ADDED | Deed.IMPORTED:
            return _("Made a member")
        case Deed.PIN:
            return _("PIN set")
        case Deed.LINK:
            return _("One-time link made")
        case Deed.LIMITS:
            return _("Limits changed")
        case Deed.PAUSED:
            return _("Paused")
        case Deed.RESUMED:
            return _("Pause ended")
        case Deed.ROLE:
            return _("Part at the desk changed")
        case Deed.PROFILE:
            return _("Profile changed")
        case Deed.SECOND_STEP:
            return _("Second step of logging in changed")
        case Deed.SIGNED_OUT:
            return _("Logged out everywhere")
        case Deed.DEPOSIT:
            return _("Deposit settled")
        case Deed.FEE:
            return _("Let off a fee")
        case Deed.CORRECTION:
            return _("Trade corrected")
        case Deed.CHEQUE:
            return _("Entered from a cheque or slip")
        case Deed.TOLD:
            return _("Told what was done")
        case Deed.ACTING:
            return _("Began to act for you")
        case Deed.ACTED:
            return _("Did something for you")
        case Deed.LISTING:
            return _("Offer or want changed")
        case Deed.EVENT:
            return _("Event or what was said under it changed")
        case Deed.GROUP:
            return _("Note in a group taken off")
        case Deed.CHECKED:
            return _("Something about you checked")
        case Deed.UNCHECKED:
            return _("A check withdrawn")
        case Deed.HELP:
            return _("Looked for help for you")
        case Deed.TOKENS:
            return _("Something at the desk’s cash box")
        case _:
            return _("Something else")


ROUTES: Final = (
    get("/my/data", my_data, MEMBER),
    get("/my/data/download", download, MEMBER),
)
