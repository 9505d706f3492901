"""Which pages a role opens: the whole matrix, from which docs/roles.md is made.

Visitors, members, organisers and admins open what their audience says, each what those before them open. What is about the machine is for
the admin of the machine's own scheme: to a hosted scheme it is closed, whoever asks (decision 63). Brokers, treasurers and
auditors open what is listed here by its address, besides members' own pages: a page of the desk that is made tomorrow is closed to
them until somebody says otherwise. An auditor sends no form at all but to log in and out. Source: decision 46.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from functools import cache
from typing import Final, Protocol

from node.services.acts import Role


class Audience(enum.IntEnum):
    """For whom a page is; each includes those below."""

    VISITOR = 0
    MEMBER = 1
    ORGANISER = 2
    ADMIN = 3
    KEEPER = 4  # who looks after the machine: the admin of its own scheme


class Door(Protocol):
    """What there is to know of a route: whatever it does."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def audience(self) -> Audience: ...
    @property
    def always(self) -> bool: ...


# Everybody at the desk: what waits there, as far as its pages are open to them.
_DESK: Final = frozenset({"GET /admin"})
_MEMBERS: Final = frozenset({"GET /admin/members", "GET /admin/members.csv", "GET /admin/members/{no}"})
_PAPER: Final = frozenset({"GET /admin/print", "GET /admin/print/paper", "GET /admin/print/statements"})
_CHEST: Final = frozenset(
    {
        "GET /admin/chest", "GET /admin/chest/charges/{number}", "GET /admin/chest/fees/{number}", "GET /admin/together",
        "GET /desk/figures", "GET /desk/figures.csv", "GET /admin/close-year", "GET /admin/close-year.csv",
        "GET /admin/close-year.pdf", "GET /admin/close-year/file",
    }
)  # fmt: skip
_TOKENS: Final = frozenset(
    {
        "GET /desk/tokens", "GET /desk/tokens/book", "GET /desk/tokens/book.csv", "GET /desk/tokens/{no}",
        "GET /desk/tokens/{no}/pdf",
    }
)  # fmt: skip
LISTED: Final[Mapping[Role, frozenset[str]]] = {
    # Members, applications, what comes on paper, and acting for somebody who asks for it.
    Role.BROKER: _DESK | _MEMBERS | _PAPER | {
        "GET /admin/applications", "POST /admin/applications/{no}/decline", "POST /admin/applications/{no}/welcome",
        "GET /admin/members/add", "POST /admin/members/add", "POST /admin/members/{no}/link", "POST /admin/members/{no}/pause",
        "POST /admin/members/{no}/pin", "GET /desk/as/{no}", "POST /desk/as/{no}", "POST /desk/stop-acting",
        "GET /desk/entry", "POST /desk/entry", "GET /desk/entry/{no}", "POST /desk/entry/{no}", "POST /desk/entry/{no}/close",
        "GET /desk/cheques", "POST /desk/cheques/{no}", "GET /desk/letters", "POST /desk/letters/{no}/told",
    },
    # Chest, fees, tokens, figures, the books of a year. What two must want a treasurer asks for, and organisers confirm.
    Role.TREASURER: _DESK | _MEMBERS | _PAPER | _CHEST | _TOKENS | {
        "POST /desk/tokens/back", "POST /desk/tokens/buy", "POST /desk/tokens/close", "POST /desk/tokens/draw",
        "POST /desk/tokens/put-in", "POST /desk/tokens/sell", "POST /desk/tokens/take-out", "POST /desk/tokens/{no}/correct",
        "POST /admin/chest/book", "POST /admin/chest/charges/{number}/let-off", "GET /admin/chest/fees/new",
        "POST /admin/chest/fees/new", "POST /admin/chest/fees/{number}/end", "POST /admin/chest/give",
    },
    # What organisers see, without what members wrote to each other or to them, and without mails, which may let somebody in.
    Role.AUDITOR: _DESK | _MEMBERS | _PAPER | _CHEST | _TOKENS | {
        "GET /admin/applications", "GET /admin/closing", "GET /admin/evidence", "GET /admin/evidence/{no}", "GET /admin/languages",
        "GET /admin/neighbours", "GET /admin/neighbours/{scheme}", "GET /admin/recovered", "GET /admin/rules", "GET /admin/scheme",
        "GET /desk/entry", "GET /desk/entry/{no}", "GET /desk/cheques",
        # Their own second step, without which the desk may be closed to them.
        "POST /my/second-step/codes", "POST /my/second-step/confirm", "POST /my/second-step/draw", "POST /my/second-step/end",
    },
}  # fmt: skip
_OF_THE_DESK: Final = re.compile(r"/(admin|desk|node)(/|\.|$)")
_AUDIENCE_OF: Final[Mapping[Role, Audience]] = {
    Role.MEMBER: Audience.MEMBER, Role.BROKER: Audience.MEMBER, Role.TREASURER: Audience.MEMBER,
    Role.AUDITOR: Audience.MEMBER, Role.ORGANISER: Audience.ORGANISER, Role.ADMIN: Audience.KEEPER,
}  # fmt: skip


def address_of(route: Door) -> str:
    """Return a route as it is listed: "GET /admin"."""
    return f"{route.method} {route.path}"


def opens(role: Role | None, route: Door, *, hosted: bool = False) -> bool:
    """Tell whether somebody of this role, None for a visitor, gets past the door of a route; in a scheme that another's machine hosts."""
    if hosted and route.audience is Audience.KEEPER:
        return False
    if role is None:
        return route.audience is Audience.VISITOR
    if (
        role is Role.AUDITOR
        and route.method == "POST"
        and not (route.always and route.audience <= Audience.MEMBER)
        and address_of(route) not in LISTED[role]
    ):
        return False
    return route.audience <= _AUDIENCE_OF[role] or address_of(route) in LISTED.get(role, ())


_NUMBERS: Final = frozenset({"{no}", "{number}"})  # not "new" or "add", which are pages of their own


def _part(part: str) -> str:
    if part in _NUMBERS:
        return "[0-9]+"
    if part == "{scheme}":
        return "(?!add$)[^/]+"  # as above
    return "[^/]+" if part.startswith("{") else re.escape(part)


@cache
def _patterns(role: Role, method: str = "GET") -> tuple[re.Pattern[str], ...]:
    paths = [
        each.removeprefix(f"{method} ") for each in sorted(LISTED[role]) if each.startswith(f"{method} ")
    ]
    return tuple(re.compile("/".join(_part(part) for part in path.split("/"))) for path in paths)


def leads_somewhere(role: Role, href: str) -> bool:
    """Tell whether a link to a page of the desk is of use to somebody at the desk."""
    path = href.partition("?")[0]
    return role not in LISTED or any(pattern.fullmatch(path) for pattern in _patterns(role))


def may(role: Role, method: str, href: str) -> bool:
    """Tell whether a form or link of a desk page is of use to its reader; what leads to members' pages is to all but an auditor's forms.

    Of what is for admins alone organisers are told by its page, which does not give the address.
    """
    path = href.partition("?")[0].partition("#")[0]
    if role not in LISTED:
        return True
    if not _OF_THE_DESK.match(path):
        return method == "GET" or role is not Role.AUDITOR
    return any(pattern.fullmatch(path) for pattern in _patterns(role, method))
