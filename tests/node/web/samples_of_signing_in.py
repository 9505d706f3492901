"""Believable views of the pages about ways to log in, for `samples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crypto.timed_codes import secret_text, setup_address
from node.web.forms import Filled
from node.web.qr import picture_of
from node.web.views.logins import LoginRow, LoginsView
from node.web.views.page import View
from node.web.views.passkeys import KeyRow, PasskeysView
from node.web.views.passwords import LoginPasswordView, PasswordView
from node.web.views.steps import LoginStepView, SecondStepView

_SECRET: Final = b"believable, not real"
VISITORS: Final[Mapping[str, View]] = {
    "login-password": LoginPasswordView(
        form=Filled({"number": "0123"}, {"password": "This number and this password do not belong together. Please type both again."})
    ),
    "login-step": LoginStepView(
        form=Filled({}, {"code": "This is not the code of just now. Each code works once: wait for the next one. You can try 4 more times."})
    ),
}  # fmt: skip
MEMBERS: Final[Mapping[str, View]] = {
    "password": PasswordView(since="", number="0123", may_change=True, fresh_minutes=15, characters_min=12, characters_max=128),
    "password-set": PasswordView(
        form=Filled({}, {"password": "Others would try this one first. Please think of another."}),
        since="3 May 2026", number="0123", may_change=True, fresh_minutes=15, characters_min=12, characters_max=128,
    ),
    "password-late": PasswordView(since="3 May 2026", number="0123", may_change=False, fresh_minutes=15, characters_min=12, characters_max=128),
    "logins": LoginsView(
        rows=(
            LoginRow(device="Firefox on Linux", seen="Last used today", since="Logged in on 3 May 2026", this_one=True, shared=False, end_action="/my/logins/0a1b/end"),
            LoginRow(device="Chrome on Android", seen="Last used yesterday", since="Logged in on 12 Apr 2026", this_one=False, shared=False, end_action="/my/logins/2c3d/end"),
            LoginRow(device="A browser", seen="Last used today, 9:40", since="Logged in on 4 May 2026", this_one=False, shared=True, end_action="/my/logins/4e5f/end"),
        ),
        others=2,
    ),
    "passkeys": PasskeysView(
        rows=(
            KeyRow(name="My telephone", added="Added on 3 May 2026", used="Last used today, 9:40", warning="", remove_action="/my/passkeys/1/remove"),
            KeyRow(name="The old telephone", added="Added on 3 May 2025", used="Last used 12 Apr 2026", warning="Somebody may have a copy of it. It opens nothing any more: remove it, and add a new one.", remove_action="/my/passkeys/2/remove"),
        ),
        may_add=True, fresh_minutes=15,
    ),
    "passkeys-late": PasskeysView(rows=(), may_add=False, fresh_minutes=15),
    "second-step": SecondStepView(held_back=True),
    "second-step-drawn": SecondStepView(
        picture=picture_of(setup_address(_SECRET, "0123", "Oakvale")), secret=secret_text(_SECRET)
    ),
    "second-step-codes": SecondStepView(
        since="3 May 2026", spare_left=10,
        codes=("K7F-3QM-92X", "A1B-2C3-D4E", "7ZK-M2Q-R4X", "0H4-9TW-XS2", "PQ3-55D-8NA", "E2V-JJ0-6GT", "M8C-W1K-44Z", "TT9-0B7-RHQ", "3DN-6YF-VV1", "XG5-2SA-K0P"),
    ),
    "second-step-on": SecondStepView(
        since="3 May 2026", spare_left=7, end_form=Filled({}, {"code": "This is not the code of just now. Each code works once: wait for the next one."})
    ),
}  # fmt: skip
