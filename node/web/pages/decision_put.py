"""Putting something to the vote, in a group or among the organisers. Source: docs/pages.md 7.2; docs/protocol.md 5.13."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Final, Literal

from aiohttp import web

from node.services.circle_rows import Known
from node.services.proposals import CannotDecide
from node.web.context import MEMBER, Context, NoSuchPage, Route, WrongRole, get, post
from node.web.days import day_trouble, moment_of, parse_day
from node.web.forms import EMPTY, Filled, SpendForm, Tick, line, once_key, paragraphs
from node.web.pages.decision_words import voters_words
from node.web.pages.decisions import cannot, hex_key, list_link, read_list
from node.web.views.page import Option
from node.web.views.proposals import ProposalFormView
from protocol.errors import InvalidValue
from protocol.limits import (
    DAY_MS,
    PROPOSAL_LENGTH_MS_MAX,
    PROPOSAL_OPTION_CHARACTERS_MAX,
    PROPOSAL_OPTIONS_MAX,
    PROPOSAL_TEXT_CHARACTERS_MAX,
    PROPOSAL_TITLE_CHARACTERS_MAX,
)
from protocol.proposal import Motion, Voters

OPTIONS_CHARACTERS_MAX: Final = PROPOSAL_OPTIONS_MAX * (PROPOSAL_OPTION_CHARACTERS_MAX + 2)


class PutForm(SpendForm):
    """What is put to the vote, until when, and who votes how."""

    group: line(32)  # type: ignore[valid-type]  # makes the type of a field, here and below
    title: line(PROPOSAL_TITLE_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    text: paragraphs(PROPOSAL_TEXT_CHARACTERS_MAX, 1)  # type: ignore[valid-type]  # see above
    way: Literal["yes-no", "options"]
    options: paragraphs(OPTIONS_CHARACTERS_MAX)  # type: ignore[valid-type]  # see above
    day: line(10)  # type: ignore[valid-type]  # see above
    voters: line(12, 1)  # type: ignore[valid-type]  # see above
    secret: Tick
    quorum: line(5)  # type: ignore[valid-type]  # see above


async def _body(context: Context, typed: str) -> Known | None:
    """Return the group in which the reader may put something; None for the organisers. Raises NoSuchPage, WrongRole."""
    group = hex_key(typed) if typed else None
    found = await context.read(read_list, group, context.member, context.now_ms)
    if found is None:
        raise NoSuchPage
    if not found.place.puts:
        raise WrongRole
    return found.group


def _form_view(context: Context, known: Known | None, form: Filled) -> ProposalFormView:
    voters = (Voters.ORGANISERS, Voters.MEMBERS) if known is None else (Voters.GROUP, Voters.KEEPERS)
    return ProposalFormView(
        form=form,
        group="" if known is None else known.key.hex(),
        voters=tuple(Option(value=each, text=voters_words(each, context.voice)) for each in voters),
        once=context.once(),
        back=list_link(context, known),
    )


async def new(context: Context) -> web.Response:
    """GET /decisions/new?group"""
    known = await _body(context, context.query("group"))
    voters = Voters.ORGANISERS if known is None else Voters.GROUP
    return context.show(_form_view(context, known, Filled({"way": "yes-no", "voters": voters})))


async def put(context: Context) -> web.Response:
    """POST /decisions/new"""
    known = await _body(context, context.fields.get("group", ""))
    form = context.form(PutForm)
    motion = form if isinstance(form, Filled) else _understand(context, form)
    if isinstance(form, Filled) or isinstance(motion, Filled):
        wrong = motion if isinstance(motion, Filled) else EMPTY
        return context.show(_form_view(context, known, wrong), 422)
    circle_no = None if known is None else known.no
    try:
        key = await context.node.proposals.put(
            context.member, circle_no, form.title, form.text, motion, once_key(form.once)
        )
    except LookupError:
        raise NoSuchPage from None
    except InvalidValue:
        wrong = _again(form).with_error("day", _day_sentence(context))
        return context.show(_form_view(context, known, wrong), 422)
    except CannotDecide as no:
        return cannot(context, no, list_link(context, known))
    return context.redirect(f"/decisions/{key.hex()}", note="put")


def _again(form: PutForm) -> Filled:
    values = form.model_dump()
    return Filled({**values, "secret": "yes" if form.secret else ""})


def _day_sentence(context: Context) -> str:
    days = PROPOSAL_LENGTH_MS_MAX // DAY_MS
    return context.words.gettext("Please choose a day within %(num)d days.") % {"num": days}


def _understand(context: Context, form: PutForm) -> Motion | Filled:
    """Return what was put, or the form again with what is wrong."""
    _, filled = context.words.gettext, _again(form)
    day = parse_day(form.day, context.voice)
    if day is None:
        filled = filled.with_error("day", day_trouble(form.day, context.voice))
    options = tuple(each.strip() for each in form.options.split("\n") if each.strip())
    if form.way == "options":
        fits = 2 <= len(options) <= PROPOSAL_OPTIONS_MAX and len(set(options)) == len(options)
        if not fits or max(len(each) for each in options) > PROPOSAL_OPTION_CHARACTERS_MAX:
            said = _(
                "Please write 2 to %(num)d different options, one on each line, none longer than a line."
            )
            filled = filled.with_error("options", said % {"num": PROPOSAL_OPTIONS_MAX})
    quorum = form.quorum
    if quorum and not (quorum.isascii() and quorum.isdigit() and 1 <= int(quorum) <= 9_999):
        filled = filled.with_error("quorum", _("Please write a number, or leave it empty."))
    if form.voters not in set(Voters):
        filled = filled.with_error("voters", _("Please choose one of the answers."))
    if filled.errors or day is None:
        return filled
    return Motion(
        voters=Voters(form.voters), options=options if form.way == "options" else (), secret=form.secret,
        quorum=int(quorum) if quorum else None, closes=moment_of(day + timedelta(days=1), time(0), context.voice),
    )  # fmt: skip


ROUTES: Final[tuple[Route, ...]] = (
    get("/decisions/new", new, MEMBER),
    post("/decisions/new", put, MEMBER),
)
