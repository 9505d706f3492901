"""What the pages of set-up ask, read into the answers that `making.py` takes.

The rules are in `making.py`, in the forms' lengths and in the configuration's own checks; here they get their sentences.
Source: docs/first-evening.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import StringConstraints

from node.founding.making import (
    PASSPHRASE_CHARACTERS_MIN,
    Answers,
    Founder,
    Unfit,
    Wrong,
    check_folder,
    check_passphrase,
    parse_hour,
)
from node.services.members import Unable, fold_email
from node.services.settings import MINUTES_OF_AN_HOUR, SchemeSettings
from node.web.amounts import Unit, Unreadable, parse_amount
from node.web.forms import Filled, Form, amount_sentence, line, paragraphs
from node.web.unit_names import read_names
from node.web.units import unit_of
from node.web.words import Words, languages
from protocol.limits import (
    AMOUNT_MAX,
    DESCRIPTOR_NAME_BYTES_MAX,
    LISTING_TITLE_BYTES_MAX,
    UNIT_NAME_BYTES_MAX,
)

PERSON_MAX: Final = 60
SECRET_MAX: Final = 200
PORT_MAX: Final = 65_535
PORTS: Final[Mapping[str, int]] = {"starttls": 587, "tls": 465, "none": 25}

# As it is typed, with the spaces at its ends: what opens a key again is typed the same way.
Secret = Annotated[str, StringConstraints(strict=True, max_length=SECRET_MAX)]


class SchemeForm(Form):
    name: line(DESCRIPTOR_NAME_BYTES_MAX // 2, 1)  # type: ignore[valid-type]  # makes the type of a field, here and below
    place: line(80)  # type: ignore[valid-type]  # see above
    wording: Literal["lets", "timebank", "plain"]
    own: line(20, 2)  # type: ignore[valid-type]  # see above


class UnitForm(Form):
    unit: Literal["hours", "own"]
    unit_called: line(UNIT_NAME_BYTES_MAX // 2)  # type: ignore[valid-type]  # see above
    unit_symbol: line(16)  # type: ignore[valid-type]  # see above
    hour: line(12)  # type: ignore[valid-type]  # see above


class RulesForm(Form):
    lower: line(40, 1)  # type: ignore[valid-type]  # see above
    upper: line(40)  # type: ignore[valid-type]  # see above
    who_records: Literal["both", "received", "gave"]
    agreement: paragraphs(2_000)  # type: ignore[valid-type]  # see above


class PeopleForm(Form):
    organiser: line(PERSON_MAX, 1)  # type: ignore[valid-type]  # see above
    email: line(120)  # type: ignore[valid-type]  # see above
    phone: line(40)  # type: ignore[valid-type]  # see above
    hours: line(60)  # type: ignore[valid-type]  # see above
    second: line(PERSON_MAX)  # type: ignore[valid-type]  # see above
    second_email: line(120)  # type: ignore[valid-type]  # see above
    passphrase: Secret
    passphrase_again: Secret


class SafetyForm(Form):
    folder: line(200)  # type: ignore[valid-type]  # see above
    mail: Literal["without", "with"]
    host: line(120)  # type: ignore[valid-type]  # see above
    port: line(5)  # type: ignore[valid-type]  # see above
    security: Literal["", "starttls", "tls", "none"]
    user: line(120)  # type: ignore[valid-type]  # see above
    password: Secret
    sender: line(120)  # type: ignore[valid-type]  # see above
    offer: line(LISTING_TITLE_BYTES_MAX // 2)  # type: ignore[valid-type]  # see above


def said(why: Wrong, words: Words) -> str:
    """Return what to tell somebody whose answer cannot be taken."""
    _ = words.gettext
    match why:
        case Wrong.PASSPHRASE_SHORT:
            return _("This is too short. Write at least %(num)d characters.") % {
                "num": PASSPHRASE_CHARACTERS_MIN
            }
        case Wrong.HOUR_UNREADABLE:
            return _("Please write a number above zero, for example 12 or 12.00.")
        case Wrong.FOLDER_NOT_WHOLE:
            return _("Please write the whole name of the folder, from the first / on.")
        case Wrong.FOLDER_CLOSED:
            return _("This folder is not there, or nothing may be written there. Is the stick plugged in?")
        case Wrong.FOLDER_WITHIN:
            return _("This lies within the folder of the books themselves. Please name another place.")


# --- One reader for each page ------------------------------------------------------------------------------------
# Each returns fields of `Answers`, or the form again.


def read_scheme(form: SchemeForm, fields: Mapping[str, str], words: Words) -> dict[str, Any] | Filled:
    """Read what the scheme is called, and in which languages it speaks."""
    ticked = [tag for tag in languages() if fields.get(f"speaks-{tag}") == "yes"]
    if form.own not in languages():
        return Filled(dict(fields)).with_error("own", words.gettext("Please choose one of the answers."))
    return {
        "name": form.name, "place": form.place, "wording": form.wording,
        "languages": tuple(dict.fromkeys((form.own, *ticked))),
    }  # fmt: skip


def read_unit(form: UnitForm, fields: Mapping[str, str], words: Words) -> dict[str, Any] | Filled:
    """Read what is counted in."""
    if form.unit == "hours":
        return {"unit": "hours", "unit_symbol": "", "hour": (MINUTES_OF_AN_HOUR, 0)}
    filled = Filled(dict(fields))
    if not form.unit_called or form.unit_called.lower() == "hours":
        filled = filled.with_error("unit_called", words.gettext("Please say what your unit is called."))
    try:
        hour = parse_hour(form.hour)
    except Unfit as error:
        return filled.with_error("hour", said(error.why, words))
    return (
        filled if filled.errors else {"unit": form.unit_called, "unit_symbol": form.unit_symbol, "hour": hour}
    )


def unit_so_far(read: Mapping[str, Any]) -> Unit:
    """Return the unit as it was answered."""
    if read["unit"] == "hours":
        return unit_of(SchemeSettings(name=""))
    return unit_of(
        SchemeSettings(
            name="", languages=read["languages"], unit_kind="decimal", unit_name=read["unit"], decimals=read["hour"][1],
            unit_symbol=read["unit_symbol"] or read["unit"], unit_names=read.get("unit_names", {}),
        )
    )  # fmt: skip


def read_rules(
    form: RulesForm, fields: Mapping[str, str], words: Words, so_far: Mapping[str, Any]
) -> dict[str, Any] | Filled:
    """Read how far members may go, what they agree to, and what the unit is called."""
    unit, filled = unit_so_far(so_far), Filled(dict(fields))
    amounts: dict[str, int | None] = {"lower": None, "upper": None}
    for name, text in (("lower", form.lower), ("upper", form.upper)):
        if name == "upper" and not text:
            continue
        amount = parse_amount(text, unit, most=AMOUNT_MAX)
        if amount is Unreadable.ZERO:
            amount = 0
        if isinstance(amount, Unreadable):
            filled = filled.with_error(name, amount_sentence(amount, text, unit, AMOUNT_MAX, words))
        else:
            amounts[name] = amount
    names: Mapping[str, Mapping[str, str]] | Filled = {}
    if unit.kind == "decimal":
        names = read_names(fields, unit, so_far["languages"], words, {})
    if isinstance(names, Filled):
        for name, sentence in names.errors.items():
            filled = filled.with_error(name, sentence)
    if filled.errors:
        return filled
    return {
        "credit_limit": amounts["lower"], "ceiling": amounts["upper"], "who_records": form.who_records,
        "agreement": form.agreement, "unit_names": names,
    }  # fmt: skip


def read_people(
    form: PeopleForm, fields: Mapping[str, str], words: Words, so_far: Mapping[str, Any]
) -> dict[str, Any] | Filled:
    """Read who organises, and the passphrase; left empty it stays as it was typed before."""
    filled, _ = shown(fields, "passphrase", "passphrase_again"), words.gettext
    emails = {}
    for name in ("email", "second_email"):
        try:
            emails[name] = fold_email(getattr(form, name) or None)
        except Unable:
            filled = filled.with_error(name, _("This is not an e-mail address."))
    if form.second_email and not form.second:
        filled = filled.with_error("second", _("Please fill in the name."))
    if form.second_email and emails.get("email") == emails.get("second_email"):
        filled = filled.with_error("second_email", _("This is the address of the first organiser."))
    passphrase = form.passphrase or so_far.get("passphrase", "")
    try:
        check_passphrase(passphrase)
    except Unfit as error:
        filled = filled.with_error("passphrase", said(error.why, words))
    else:
        if form.passphrase and form.passphrase != form.passphrase_again:
            filled = filled.with_error(
                "passphrase_again", _("This is not the same passphrase. Please write both again.")
            )
    if filled.errors:
        return filled
    founders = [Founder(name=form.organiser, email=form.email or None, phone=form.phone)]
    if form.second:
        founders.append(Founder(name=form.second, email=form.second_email or None))
    return {
        "founders": tuple(founders), "help_phone": form.phone, "help_hours": form.hours, "passphrase": passphrase,
    }  # fmt: skip


def read_safety(
    form: SafetyForm, fields: Mapping[str, str], words: Words, so_far: Mapping[str, Any], data_dir: Path
) -> dict[str, Any] | Filled:
    """Read where backups go, how mail goes out, and a first offer."""
    filled, folder = shown(fields, "password"), None
    if form.folder:
        try:
            folder = check_folder(form.folder, data_dir)
        except Unfit as error:
            filled = filled.with_error("folder", said(error.why, words))
    mail: dict[str, Any] = {}
    if form.mail == "with":
        security = form.security or "starttls"
        port = int(form.port) if form.port.isascii() and form.port.isdigit() else 0
        for name in ("host", "sender"):
            if not getattr(form, name):
                filled = filled.with_error(name, words.gettext("Please fill this in."))
        if form.sender and "@" not in form.sender:
            filled = filled.with_error("sender", words.gettext("This is not an e-mail address."))
        if form.port and not 1 <= port <= PORT_MAX:
            filled = filled.with_error("port", words.gettext("Please write a whole number, in digits."))
        mail = {
            "host": form.host,
            "port": port or PORTS[security],
            "security": security,
            "sender": form.sender,
        }
        if form.user:
            mail["user"] = form.user
            mail["password"] = form.password or so_far.get("mail", {}).get("password", "")
    return filled if filled.errors else {"backup_folder": folder, "mail": mail, "first_offer": form.offer}


def shown(fields: Mapping[str, str], *secret: str) -> Filled:
    """Return a form as it is shown again: what nobody shall read over a shoulder is left out."""
    return Filled({name: value for name, value in fields.items() if name not in secret})


def whole(read: Mapping[str, Any], data_dir: Path, machine: Mapping[str, Any]) -> Answers:
    """Return all answers."""
    return Answers(**read, data_dir=data_dir, **machine)
