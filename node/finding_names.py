"""What the things that are looked at are called, for people. Source: docs/operating.md."""

from __future__ import annotations

from typing import Final

from node.findings import HOSTED
from node.texts import to_translate
from node.web.words import Words

NEIGHBOUR: Final = "neighbour "
NAMES: Final = {
    "clock": to_translate("Clock"),
    "disk": to_translate("Disk"),
    "certificate": to_translate("Certificate"),
    "backups": to_translate("Backups"),
    "balances": to_translate("Balances"),
    "log": to_translate("Signed log"),
    "recovered": to_translate("After a restore"),
    "maintenance": to_translate("Maintenance"),
    "mail": to_translate("Mail"),
    "proxy": to_translate("Web server in front"),
    "evidence": to_translate("Contradictions"),
    # Of the command line, and of the last page of set-up.
    "config": to_translate("Configuration"),
    "files": to_translate("Files"),
    "sqlite": to_translate("Database program"),
    "pdf": to_translate("PDF"),
    "keys": to_translate("Keys"),
    "database": to_translate("Database"),
    "backup": to_translate("Backups"),
    "node": to_translate("Program"),
}


def name_said(name: str, words: Words) -> str:
    """Return what a finding of this name is about."""
    if name.startswith(NEIGHBOUR):
        return words.gettext("Neighbour %(name)s") % {"name": name.removeprefix(NEIGHBOUR)}
    if name.startswith(HOSTED):
        return words.gettext("Hosted scheme %(name)s") % {"name": name.removeprefix(HOSTED)}
    return words.gettext(NAMES[name])
