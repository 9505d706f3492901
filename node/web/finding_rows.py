"""What was found of a node's state, as its pages show it: what needs mending first. Source: docs/pages.md 7.5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from node.finding_names import name_said
from node.findings import Finding, State, is_well
from node.web.views.node import FindingRow
from node.web.views.page import Pill
from node.web.words import Words

_ORDER: Final = {State.PROBLEM: 0, State.NOTE: 1, State.OK: 2}


def finding_lead(findings: Sequence[Finding], words: Words) -> str:
    """Return in one sentence how it stands."""
    _ = words.gettext
    return _("Nothing needs mending.") if is_well(findings) else _("Something needs mending.")


def finding_rows(findings: Sequence[Finding], words: Words) -> tuple[FindingRow, ...]:
    """Return each with its cure."""
    return tuple(_row(each, words) for each in sorted(findings, key=lambda each: _ORDER[each.state]))


def _row(finding: Finding, words: Words) -> FindingRow:
    _ = words.gettext
    pills = {
        State.OK: Pill(text=_("Good"), tone="good"),
        State.NOTE: Pill(text=_("Could be better"), tone="wait"),
        State.PROBLEM: Pill(text=_("Needs mending"), tone="stop"),
    }
    said = finding.said(_)
    return FindingRow(
        name=name_said(finding.name, words),
        state=pills[finding.state],
        text=said[:1].upper() + said[1:],  # on the command line it follows a colon
        fix=finding.cure(_),
    )
