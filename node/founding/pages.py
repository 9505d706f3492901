"""The pages of set-up, in their order; each keeps what was typed, so that a way back loses nothing. Source: docs/first-evening.md."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from node.cli.admin import CannotDo
from node.cli.doctor import examine
from node.config import ConfigError, Mail
from node.founding import asked as ask
from node.founding.door import ASKED, LINK_PATH, SET_UP, Asked, SetUp, link_page
from node.founding.making import PASSPHRASE_CHARACTERS_MIN, Unfit, is_word, prepare
from node.keyfiles import KeysUnusable
from node.mail.outbox import Mail as Letter
from node.mail.outbox import MailDelayed, MailRefused, MailState
from node.mail.smtp import SmtpTransport
from node.mail.upkeep_texts import test_mail
from node.services.members import Unable
from node.services.settings import SchemeSettings
from node.store.errors import StoreError
from node.web.amounts import as_typed, spoken, unit_name
from node.web.finding_rows import finding_lead, finding_rows
from node.web.forms import EMPTY, Filled, Form, read
from node.web.languages import language_name, language_options
from node.web.unit_names import unit_in
from node.web.views.page import Fact, View
from node.web.views.setup import (
    CheckView,
    DoneView,
    PeopleView,
    RulesView,
    SafetyView,
    SchemeView,
    SheetView,
    UnitView,
    WayIn,
    WordsView,
)
from node.web.words import languages

STEPS: Final = ("scheme", "unit", "rules", "people", "safety")
_STEP: Final = f"/set-up/{{step:({'|'.join(STEPS)})}}"
FORMS: Final[dict[str, type[Form]]] = {
    "scheme": ask.SchemeForm, "unit": ask.UnitForm, "rules": ask.RulesForm, "people": ask.PeopleForm,
    "safety": ask.SafetyForm,
}  # fmt: skip
CHECK, SHEET, WORDS, DONE = (f"/set-up/{name}" for name in ("check", "sheet", "words", "done"))
USUAL_HOURS: Final = 10  # below zero, for new members; as the configuration has it
# What refuses a scheme for a reason that its founders can do something about.
REFUSALS: Final = (CannotDo, ConfigError, KeysUnusable, StoreError, Unable, Unfit)

Page = Callable[[Asked], Awaitable[web.Response]]


def routes() -> list[web.RouteDef]:
    """Return all of them."""
    link = f"{LINK_PATH}{{link}}"
    return [
        web.get(link, link_page), web.post(link, link_page),
        web.get("/set-up", _page(begin)),
        web.get(_STEP, _page(step)),
        web.post(_STEP, _page(answer)),
        web.get(CHECK, _page(check)), web.post(CHECK, _page(make)),
        web.get(SHEET, _page(sheet)),
        web.get(WORDS, _page(words)), web.post(WORDS, _page(type_words)),
        web.get(DONE, _page(done)), web.post(DONE, _page(start)),
    ]  # fmt: skip


def _page(page: Page) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def show(request: web.Request) -> web.Response:
        # One at a time: there is one founder, and two presses of a button are one wish.
        async with request.app[SET_UP].acts:
            return await page(request[ASKED])

    return show


def where(founders: SetUp) -> str:
    """Return the first page that was not answered yet."""
    if founders.committed:
        return DONE
    if founders.prepared is not None:
        return SHEET
    return next((f"/set-up/{name}" for name in STEPS if name not in founders.typed), CHECK)


async def begin(asked: Asked) -> web.Response:
    """GET /set-up"""
    return asked.go(where(asked.founders))


# --- The questions -----------------------------------------------------------------------------------------------


def _open(founders: SetUp, name: str) -> bool:
    """Tell whether a page may be answered: those before it were, and there is no scheme yet."""
    before = STEPS[: STEPS.index(name)]
    return not founders.committed and all(each in founders.typed for each in before)


async def step(asked: Asked) -> web.Response:
    """GET /set-up/STEP"""
    name = asked.request.match_info["step"]
    if not _open(asked.founders, name):
        return asked.go(where(asked.founders))
    return asked.show(_view(asked, name, asked.founders.typed.get(name)))


async def answer(asked: Asked) -> web.Response:
    """POST /set-up/STEP"""
    founders, name = asked.founders, asked.request.match_info["step"]
    if not _open(founders, name):
        return asked.go(where(founders))
    form = read(FORMS[name], asked.fields, asked.words)
    found = _read_with(asked, name, form) if not isinstance(form, Filled) else form
    if isinstance(found, Filled):
        shown = ask.shown(asked.fields, "passphrase", "passphrase_again", "password")
        return asked.show(
            _view(asked, name, Filled(shown.values, found.errors)), HTTPStatus.UNPROCESSABLE_ENTITY
        )
    founders.drop()  # a sheet that was shown belonged to other answers
    founders.typed[name] = ask.shown(
        asked.fields, "form_token", "do", "passphrase", "passphrase_again", "password"
    )
    founders.read |= found
    if name in {"scheme", "unit"}:
        # Amounts and names of the unit are read in its words, so they are asked again.
        founders.typed.pop("rules", None)
    if name == "safety" and asked.fields.get("do") == "test":
        founders.notice = await _try_mail(asked)
        return asked.go("/set-up/safety")
    return asked.go(where(founders))


def _read_with(asked: Asked, name: str, form: Any) -> dict[str, Any] | Filled:
    fields, words, so_far = asked.fields, asked.words, asked.founders.read
    match name:
        case "scheme":
            return ask.read_scheme(form, fields, words)
        case "unit":
            return ask.read_unit(form, fields, words)
        case "rules":
            return ask.read_rules(form, fields, words, so_far)
        case "people":
            return ask.read_people(form, fields, words, so_far)
        case _:
            return ask.read_safety(form, fields, words, so_far, asked.founders.data_dir)


def _view(asked: Asked, name: str, form: Filled | None) -> View:
    founders, words = asked.founders, asked.words
    number = words.gettext("Step %(num)d of %(all)d") % {"num": STEPS.index(name) + 1, "all": len(STEPS) + 1}
    match name:
        case "scheme":
            own = words.language
            first = Filled({"wording": "lets", "own": own, f"speaks-{own}": "yes"})
            return SchemeView(step=number, form=form or first, offered=language_options(languages()))
        case "unit":
            return UnitView(step=number, form=form or Filled({"unit": "hours"}))
        case "rules":
            unit = ask.unit_so_far(founders.read)
            usual = as_typed(USUAL_HOURS * founders.read["hour"][0], unit, words.language)
            own_unit = unit.kind == "decimal"
            return RulesView(
                step=number, form=form or Filled({"lower": usual, "who_records": "both"}),
                unit_name=unit_name(2 * unit.minor_per_unit, unit, words.language) if own_unit else words.gettext("hours"),
                units=tuple(unit_in(unit, tag, words) for tag in founders.read["languages"]) if own_unit else (),
            )  # fmt: skip
        case "people":
            return PeopleView(
                step=number, form=form or EMPTY, characters_min=PASSPHRASE_CHARACTERS_MIN,
                has_passphrase="passphrase" in founders.read,
            )  # fmt: skip
        case _:
            return SafetyView(
                step=number, form=form or Filled({"mail": "without", "security": "starttls"}),
                has_password=bool(founders.read.get("mail", {}).get("password")),
            )  # fmt: skip


async def _try_mail(asked: Asked) -> str:
    """Send a test mail to the first organiser, and return what came of it."""
    _, founders = asked.words.gettext, asked.founders
    mail, first = founders.read["mail"], founders.read["founders"][0]
    if not mail:
        return _("Without a mail server there is nothing to try.")
    if first.email is None:
        return _("The first organiser has no e-mail address, so there is nowhere to send a test mail.")
    language = founders.read["languages"][0]
    settings = SchemeSettings(
        name=founders.read["name"], language=language, languages=founders.read["languages"]
    )
    text = test_mail(settings, language, first.name)
    letter = Letter(
        no=1, recipient=first.email, subject=text.subject, text=text.body, state=MailState.WAITING, tries=0, reason="",
        created_ms=founders.clock.now_ms(), private=False,
    )  # fmt: skip
    try:
        await SmtpTransport(Mail.model_validate(mail), settings.name).send(letter)
    except (MailDelayed, MailRefused) as error:
        return _(
            "The mail did not go out: %(why)s. Look at what you typed, or go on without mail for now."
        ) % {"why": error}
    return _("A test mail is on its way to %(address)s.") % {"address": first.email}


# --- The scheme --------------------------------------------------------------------------------------------------


async def check(asked: Asked) -> web.Response:
    """GET /set-up/check"""
    if where(asked.founders) != CHECK:
        return asked.go(where(asked.founders))
    return asked.show(_check_view(asked))


def _check_view(asked: Asked, trouble: str = "") -> CheckView:
    _, read_so_far, language = asked.words.gettext, asked.founders.read, asked.words.language
    unit, mail = ask.unit_so_far(read_so_far), read_so_far["mail"]
    counted = _("hours") if unit.kind == "hours" else _("%(unit)s; one hour is %(amount)s") % {
        "unit": read_so_far["unit"], "amount": spoken(read_so_far["hour"][0], unit, language)
    }  # fmt: skip
    ceiling = read_so_far["ceiling"]
    rows = (
        (_("Scheme"), ", ".join(filter(None, (read_so_far["name"], read_so_far["place"])))),
        (_("Languages"), ", ".join(map(language_name, read_so_far["languages"]))),
        (_("Counted in"), counted),
        (_("Furthest behind, for new members"), spoken(read_so_far["credit_limit"], unit, language)),
        (
            _("Furthest ahead"),
            _("as far as they like") if ceiling is None else spoken(ceiling, unit, language),
        ),
        (_("Organisers"), ", ".join(each.name for each in read_so_far["founders"])),
        (_("Second place for the books"), str(read_so_far["backup_folder"] or _("none yet"))),
        (_("Mail"), mail["host"] if mail else _("without")),
    )
    return CheckView(facts=tuple(Fact(label=label, text=text) for label, text in rows), trouble=trouble)


async def make(asked: Asked) -> web.Response:
    """POST /set-up/check: everything is made, and nothing of it counts yet."""
    founders = asked.founders
    if where(founders) == CHECK:
        answers = ask.whole(founders.read, founders.data_dir, founders.machine)
        try:
            founders.take(await prepare(founders.target, answers, founders.chance, founders.clock))
        except REFUSALS as error:
            return asked.show(_check_view(asked, str(error)), HTTPStatus.CONFLICT)
    return asked.go(where(founders))


async def sheet(asked: Asked) -> web.Response:
    """GET /set-up/sheet: until its copy was checked, and never again."""
    founders = asked.founders
    if founders.prepared is None or founders.committed:
        return asked.go(where(founders))
    founders.draw_places()  # who looks again is asked for other words
    made = founders.prepared.made
    return asked.show(SheetView(scheme=made["name"], identity=made["scheme"], words=founders.prepared.words))


async def words(asked: Asked) -> web.Response:
    """GET /set-up/words"""
    if where(asked.founders) != SHEET:
        return asked.go(where(asked.founders))
    return asked.show(_words_view(asked))


def _words_view(asked: Asked, form: Filled = EMPTY, trouble: str = "") -> WordsView:
    return WordsView(form=form, places=tuple(place + 1 for place in asked.founders.places), trouble=trouble)


async def type_words(asked: Asked) -> web.Response:
    """POST /set-up/words: three words of the paper are right, and there is a scheme."""
    founders, _ = asked.founders, asked.words.gettext
    prepared = founders.prepared
    if prepared is None or founders.committed:
        return asked.go(where(founders))
    typed = Filled(
        {f"word-{place + 1}": asked.fields.get(f"word-{place + 1}", "") for place in founders.places}
    )
    for place in founders.places:
        if not is_word(typed.value(f"word-{place + 1}"), prepared.words[place]):
            sentence = _("The sheet has another word at %(num)d. Compare, and mend your copy.") % {
                "num": place + 1
            }
            typed = typed.with_error(f"word-{place + 1}", sentence)
    if typed.errors:
        return asked.show(_words_view(asked, typed), HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        await asyncio.to_thread(prepared.commit)
    except CannotDo as error:
        return asked.show(_words_view(asked, trouble=str(error)), HTTPStatus.CONFLICT)
    founders.committed = True
    founders.read.clear()  # the passphrase too
    made = prepared.made
    founders.say(
        f"{made['name']} is ready. {made['organiser']} ({made['number']}) signs in once, within a day:"
    )
    founders.say(made["link"])
    return asked.go(DONE)


# --- The end -----------------------------------------------------------------------------------------------------


async def done(asked: Asked) -> web.Response:
    """GET /set-up/done: what the machine says, and the way in."""
    founders = asked.founders
    if not founders.committed or founders.prepared is None:
        return asked.go(where(founders))
    made = founders.prepared.made
    # Whether the node runs is no question: the button below starts it.
    findings = [each for each in await asyncio.to_thread(examine, founders.target) if each.name != "node"]
    return asked.show(
        DoneView(
            scheme=made["name"], organiser=made["organiser"],
            lead=finding_lead(findings, asked.words), rows=finding_rows(findings, asked.words),
            others=tuple(WayIn(name=each["name"], link=each["link"]) for each in made["others"]),
        )
    )  # fmt: skip


async def start(asked: Asked) -> web.Response:
    """POST /set-up/done: these pages end, the scheme's begin, with the first organiser's way in."""
    founders = asked.founders
    if not founders.committed or founders.prepared is None:
        return asked.go(where(founders))
    answer = asked.go(founders.prepared.made["link"])
    answer.force_close()  # the next request goes to the node, which waits at the same address
    founders.start = True
    founders.stop_taking()
    founders.ended.set()
    return answer
