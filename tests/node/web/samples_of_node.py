"""Believable views of the pages about the node itself, for `samples.py`."""

from __future__ import annotations

from node.web.forms import Filled
from node.web.views.node import FindingRow, HandoverView, NodeView
from node.web.views.page import Fact, Pill, View

GOOD = Pill(text="Good", tone="good")

PAGES_OF_NODE: dict[str, View] = {
    "node": NodeView(
        lead="Something needs mending.",
        rows=(
            FindingRow(
                name="Backups", state=Pill(text="Needs mending", tone="stop"),
                text="/media/stick/interlets-backups cannot be read",
                fix="Plug in the disk, or mend folder under [backup].",
            ),
            FindingRow(
                name="Clock", state=Pill(text="Could be better", tone="wait"),
                text="Nothing shows that the clock is kept right; neighbours refuse new trades when it is far off",
                fix="Switch on NTP: timedatectl set-ntp true",
            ),
            FindingRow(
                name="Hosted scheme acorns", state=Pill(text="Needs mending", tone="stop"), text="Does not run; it is tried again by itself",
                fix="See what it lacks: interlets --scheme acorns doctor",
            ),
            FindingRow(name="Disk", state=GOOD, text="20311 MiB free in /var/lib/interlets", fix=""),
            FindingRow(name="Balances", state=GOOD, text="All balances sum to zero, in every unit; accounts: 124", fix=""),
            FindingRow(name="Neighbour Fenside", state=GOOD, text="Connected", fix=""),
        ),
        may_back_up=True, hindered="",
        tried=Pill(text="It can be put back", tone="good"),
        tried_text="Tried by Rosa, 3 March: the backup of 3 March 2026, 02:14, entries in its book: 4211.",
        tried_said="", may_try=True, mail_text="A test mail goes to rosa@example.org.", may_mail=True,
    ),
    "node-wrong": NodeView(
        lead="Nothing needs mending.",
        rows=(FindingRow(name="Disk", state=GOOD, text="20311 MiB free in /var/lib/interlets", fix=""),),
        may_back_up=True, hindered="the folder /media/stick/interlets-backups is not there: is its disk plugged in?",
        tried=Pill(text="Could not be opened", tone="stop"), tried_text="Tried by Rosa, yesterday.",
        tried_said="/media/stick/interlets-backups/oakvale-2026-03-03.interlets-backup is not whole: it ends too early",
        may_try=True, mail_text="You have no e-mail address here, so there is nowhere to send a test mail.", may_mail=False,
    ),
    "handover": HandoverView(
        facts=(
            Fact(label="Scheme", text="Oakvale"),
            Fact(label="Where members find it", text="https://oakvale.example.org"),
            Fact(label="Folder of the data", text="/var/lib/interlets"),
            Fact(label="Mail goes out through", text="oakvale @ mail.example.org"),
        ),
        form=Filled({
            "handover_passphrase": "In the grey box at Rosa’s, in the envelope marked “node”.",
            "handover_sheet": "At the credit union, box 12; a second one at Ben’s.",
            "handover_people": "Karim, 01632 960 555. The scheme pays the host each March.",
            "handover_notes": "",
        }),
        printed="Printed on 4 March 2026",
    ),
}  # fmt: skip
