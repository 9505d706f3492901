"""Desk pages offer their reader only what the doors let that reader do.

When a template of the desk is compiled, each form and each link of it is put into a question to the reader, `page.viewer.may(…)`:
a form that their role may not send is not drawn, or, where its fields tell something, drawn to be read without its buttons; nor is a
link drawn that looks like a button, and of any other link the words stay. Asked in this
one place nobody can forget it in a template, and the doors ask again all the same. Source: decision 46; docs/pages.md 7.3.
"""

from __future__ import annotations

import re
from typing import Final

from jinja2 import TemplateSyntaxError
from jinja2.ext import Extension

DESK: Final = "admin/"
SHOWN: Final = " data-shown"  # a form whose fields tell something: it is read by who may not send it, without its buttons
_DETAILS: Final = re.compile(r"<details\b(?:(?!<details\b).)*?</details>", re.S)
_FORM: Final = re.compile(r"<form\b((?:[^>\"]|\"[^\"]*\"|\{\{.*?\}\})*)>.*?</form>", re.S)
_LINK: Final = re.compile(r"<a\b((?:[^>\"]|\"[^\"]*\")*)>(.*?)</a>", re.S)
_BUTTONS: Final = re.compile(r'<p class="actions">.*?</p>', re.S)
_METHOD: Final = re.compile(r'\bmethod="(get|post)"')
_ADDRESS: Final = re.compile(r'\b(?:action|href)="((?:\{\{.*?\}\}|[^"{])*)"', re.S)
_BUTTON: Final = re.compile(r'\bclass="[^"]*\bbutton\b')
_TOLD: Final = re.compile(r"\{% trans\b.*?\{% endtrans %\}", re.S)
_VALUE: Final = re.compile(r"\{\{(.*?)\}\}", re.S)


class Offered(Extension):
    """See the head of this file."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source of a template with its questions; that of no desk page as it is."""
        if name is None or not name.startswith(DESK):
            return source

        told = [
            each.span() for each in _TOLD.finditer(source)
        ]  # sentences to translate: no question fits in there

        def form(match: re.Match[str]) -> str:
            method = _METHOD.search(match[1])
            if method is None:
                raise TemplateSyntaxError("a form without a method", _line(match), name, filename)
            address = _address(match, name, filename)
            if SHOWN in match[1]:
                return _shown(match[0], method[1].upper(), address)
            return _if(method[1].upper(), address, match[0])

        def link(match: re.Match[str]) -> str:
            if any(begin <= match.start() < end for begin, end in told):
                return match[0]
            left = "" if _BUTTON.search(match[1]) else match[2]
            return _if("GET", _address(match, name, filename), match[0], left)

        # What unfolds to one form goes with it. Links first: nothing was moved when sentences were looked for.
        return _FORM.sub(
            form, _DETAILS.sub(lambda each: _whole(each, name, filename), _LINK.sub(link, source))
        )


def _whole(match: re.Match[str], name: str, filename: str | None) -> str:
    forms = list(_FORM.finditer(match[0]))
    if (
        len(forms) != 1
        or SHOWN in match[0]
        or "<a " in match[0]
        or not (method := _METHOD.search(forms[0][1]))
    ):
        return match[0]
    return _if(method[1].upper(), _address(forms[0], name, filename), match[0])


def _if(method: str, address: str, drawn: str, left: str = "") -> str:
    # Without line breaks of its own: what is drawn stays where it was.
    otherwise = f"{{% else %}}{left}" if left else ""
    return f'{{% if page.viewer.may("{method}", {address}) %}}{drawn}{otherwise}{{% endif %}}'


def _shown(form: str, method: str, address: str) -> str:
    tag = form[: form.index(">") + 1]
    inside = form[len(tag) : -len("</form>")]
    inside = _BUTTONS.sub(lambda each: _if(method, address, each[0]), inside)
    begin = _if(method, address, tag.replace(SHOWN, ""), '<fieldset class="field" disabled>')
    return f"{begin}{inside}{_if(method, address, '</form>', '</fieldset>')}"


def _address(match: re.Match[str], name: str, filename: str | None) -> str:
    """Return the address of a form or link as an expression of the template language."""
    found = _ADDRESS.search(match[1])
    if found is None:
        raise TemplateSyntaxError("an address that is not plain", _line(match), name, filename)
    parts, at, text = [], 0, found[1]
    for value in _VALUE.finditer(text):
        parts += [repr(text[at : value.start()]), f"({value[1].strip()})"]
        at = value.end()
    parts.append(repr(text[at:]))
    return " ~ ".join(part for part in parts if part != "''") or "''"


def _line(match: re.Match[str]) -> int:
    return match.string.count("\n", 0, match.start()) + 1
