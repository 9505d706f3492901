"""Reading what people type into forms, and giving it back to them when something is missing.

A form is a pydantic model of texts: strict, with lengths, without NUL, normalised to NFC. `read` returns
either the model or a `Filled` with everything as it was typed and one sentence for each field in trouble;
templates show `Filled` again, so that nothing has to be typed twice. What a text *means* (an amount, a
member's number) is for the service to say, which adds its own sentences with `Filled.with_error`.
"""

from __future__ import annotations

import base64
import binascii
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
)

from node.clock import Chance
from node.web.amounts import Unit, Unreadable, readings, short
from node.web.words import Words

# A form of texts is small; pictures go through their own reader.
FORM_BYTES_MAX: Final = 64 * 1024
FIELDS_MAX: Final = 60
ONCE_BYTES: Final = 16
MOMENT_BYTES: Final = 6  # milliseconds; the ten that are left are chance


class BadForm(Exception):
    """The request carries no form that one of our pages could have sent."""


class FormTooLarge(BadForm):
    """More than any of our forms holds."""


# --- Fields -------------------------------------------------------------------------------------------------


def _clean(value: object) -> object:
    """Normalise line ends and composed letters; refuse what no keyboard types."""
    if not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))
    if any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\t" for sign in text):
        raise ValueError("control character")
    return text.strip()


def _one_line(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


def _ticked(value: object) -> object:
    return value == "yes" if isinstance(value, str) else value


def _whole_number(value: object) -> object:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        return int(value)
    raise ValueError("not a whole number")


def _once(value: str) -> str:
    once_key(value)
    return value


def line(most: int, least: int = 0) -> Any:
    """Return the type of a text on one line, `least`..`most` characters."""
    return Annotated[
        str,
        StringConstraints(strict=True, min_length=least, max_length=most),
        BeforeValidator(_one_line),
        BeforeValidator(_clean),
    ]


def paragraphs(most: int, least: int = 0) -> Any:
    """Return the type of a text on several lines, `least`..`most` characters."""
    return Annotated[
        str, StringConstraints(strict=True, min_length=least, max_length=most), BeforeValidator(_clean)
    ]


Tick = Annotated[bool, BeforeValidator(_ticked)]
WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
Once = Annotated[str, StringConstraints(strict=True, max_length=32), AfterValidator(_once)]


class Form(BaseModel):
    """What one page asks. Fields the page does not have are ignored: a newer page may be open in a browser."""

    # Built when the first of its kind is sent: a start would wait for all of them.
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)


class SpendForm(Form):
    """A form that moves units carries a key made with its page: pressed twice, it acts once."""

    once: Once


def fresh_key(now_ms: int, chance: Chance) -> bytes:
    """Return a key for one act: its moment, then chance nobody guesses.

    Keys made one after the other stand side by side in their index, where keys all of chance would each cost the
    commit a page of their own.
    """
    return now_ms.to_bytes(MOMENT_BYTES, "big") + chance.bytes(ONCE_BYTES - MOMENT_BYTES)


def once_text(key: bytes) -> str:
    """Return a key as a page carries it."""
    assert len(key) == ONCE_BYTES
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def once_key(text: str) -> bytes:
    """Return the key a page carried.

    Raises:
        ValueError: no page of ours wrote this.
    """
    try:
        key = base64.b64decode(text + "==", altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not a key") from error
    if len(key) != ONCE_BYTES or once_text(key) != text:
        raise ValueError("not a key")
    return key


# --- What was typed, and what is wrong with it --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it is shown: what was typed, and a sentence for each field in trouble, in page order."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        return self.errors.get(name, "")

    def with_error(self, name: str, sentence: str) -> Filled:
        """Return the same form with one more sentence."""
        return replace(self, errors={**self.errors, name: sentence})


EMPTY: Final = Filled()
FormType = TypeVar("FormType", bound=Form)


def read(model: type[FormType], typed: Mapping[str, str], words: Words) -> FormType | Filled:
    """Return the form that was sent, or the page's form again with what is wrong.

    A field left out counts as empty: browsers leave out unticked boxes.
    """
    values = {name: typed.get(name, "") for name in model.model_fields}
    try:
        return model.model_validate(values)
    except ValidationError as trouble:
        errors: dict[str, str] = {}
        for item in trouble.errors(include_url=False, include_context=True, include_input=False):
            name = str(item["loc"][0]) if item["loc"] else ""
            errors.setdefault(
                name, _sentence(item["type"], item.get("ctx") or {}, name, values.get(name, ""), words)
            )
        return Filled(values, errors)


def missing_sentence(name: str, words: Words) -> str:
    """Return what to tell somebody who left a field empty: above the form it has to say which."""
    _ = words.gettext
    sentences = {
        "place": _("Please say where you live."),
        "name": _("Please fill in the name."),
        "reach": _("Please choose how we may reach you."),
        "email": _("Please fill in the e-mail address."),
        "phone": _("Please fill in the phone number."),
        "address": _("Please fill in the address."),
        "kind": _("Please choose: an offer or a want."),
        "title": _("Please say in a few words what it is."),
        "price_kind": _("Please choose how it is priced."),
        "category": _("Please choose a category."),
        "what": _("Please say what it was."),
        "amount": _("Please say how much."),
        "text": _("Please write your message."),
        "number": _("Please fill in the member number."),
        "pin": _("Please fill in the PIN."),
        "password": _("Please fill in the password."),
        "password_again": _("Please fill in the new password once more."),
        "pin_again": _("Please fill in the new PIN once more."),
        "code": _("Please fill in the six digits."),
        "reason": _("Please say why."),
        "lower": _("Please say how far behind."),
        "they_may_owe": _("Please say how much they may owe us."),
        "we_may_owe": _("Please say how much we may owe them."),
        "hour_amount": _("Please say what an hour is."),
        "help_name": _("Please say who helps."),
    }
    return sentences.get(name) or _("Please fill this in.")


def _sentence(kind: str, context: Mapping[str, Any], name: str, typed: str, words: Words) -> str:
    """Return what to tell somebody about a field that pydantic refused."""
    if not typed.strip():
        return missing_sentence(name, words)
    if kind == "string_too_long":
        most = int(context["max_length"])
        return words.ngettext(
            "This is too long. There is room for %(num)d character.",
            "This is too long. There is room for %(num)d characters.",
            most,
        ) % {"num": most}
    if kind == "string_too_short":
        least = int(context["min_length"])
        return words.ngettext(
            "This is too short. Write at least %(num)d character.",
            "This is too short. Write at least %(num)d characters.",
            least,
        ) % {"num": least}
    if kind in {"literal_error", "enum"}:
        return words.gettext("Please choose one of the answers.")
    if kind.startswith(("int", "greater", "less")):
        return words.gettext("Please write a whole number, in digits.")
    return words.gettext("This cannot be read. Please write it again.")


def amount_sentence(why: Unreadable, typed: str, unit: Unit, most: int, words: Words) -> str:
    """Return what to tell somebody whose amount was not understood."""
    language = words.language
    match why:
        case Unreadable.EMPTY:
            return words.gettext("Please say how much.")
        case Unreadable.AMBIGUOUS:
            meant = [short(minor, unit, language) for minor in readings(typed, unit)]
            if len(meant) == 2:
                return words.gettext("Do you mean %(one)s or %(other)s? Please write it like that.") % {
                    "one": meant[0],
                    "other": meant[1],
                }
            return words.gettext("This could be read in two ways. Please write it without a dot or comma.")
        case Unreadable.MINUS:
            return words.gettext("Please write the amount without a minus.")
        case Unreadable.ZERO:
            return words.gettext("Please write more than nothing.")
        case Unreadable.TOO_MUCH:
            return words.gettext("That is more than %(most)s. Please write less.") % {
                "most": short(most, unit, language)
            }
        case Unreadable.TOO_MANY_MINUTES:
            return words.gettext("An hour has 60 minutes. Please write it again, for example 1:30.")
        case Unreadable.TOO_FINE if unit.kind == "hours":
            return words.gettext("Please write whole minutes, for example 1:30 or 90 min.")
        case Unreadable.TOO_FINE:
            return words.gettext("The smallest amount is %(least)s.") % {"least": short(1, unit, language)}
        case Unreadable.NOT_AN_AMOUNT if unit.kind == "hours":
            return words.gettext("Please write a time, for example 2, 1:30 or 90 min.")
        case Unreadable.NOT_AN_AMOUNT:
            return words.gettext("Please write a number, for example 6 or 2.50.")


# --- The request --------------------------------------------------------------------------------------------


async def posted(request: web.Request, fields_max: int = FIELDS_MAX) -> dict[str, str]:
    """Return the fields that were sent, at most `fields_max`.

    Raises:
        BadForm: not a form of ours: too large, not UTF-8, a file, or a field twice.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise BadForm("not a form")
    if (request.content_length or 0) > FORM_BYTES_MAX:
        raise FormTooLarge("too large")
    try:
        body = await request.read()
        if len(body) > FORM_BYTES_MAX:
            raise FormTooLarge("too large")
        # aiohttp's own reader puts a replacement sign where the bytes are not UTF-8.
        sent = parse_qsl(
            body.decode("utf-8", "strict"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=fields_max,
            strict_parsing=bool(body),
        )
    except web.HTTPRequestEntityTooLarge as error:
        raise FormTooLarge("too large") from error
    except ValueError as error:
        raise BadForm("unreadable") from error
    fields = dict(sent)
    if len(fields) != len(sent):
        raise BadForm("a field twice")
    return fields
