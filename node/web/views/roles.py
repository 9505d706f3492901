"""What somebody does at the desk, for admins. Source: decision 46."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import Filled
from node.web.views.page import Desk, Option, View


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleView(View):
    """GET and POST /admin/members/{no}/role. Fields: role, reason."""

    TEMPLATE: ClassVar[str] = "admin/role.html"
    DESK: ClassVar[Desk] = "members"

    name: str
    member_href: str
    form: Filled
    roles: tuple[Option, ...]
    action: str
