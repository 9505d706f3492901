"""What is well with a node and what is not, each with its cure: for `interlets doctor`, the page of the node, and mails to admins.

The texts are marked for translation; the command line shows them as they are. Source: docs/operating.md.
"""

from __future__ import annotations

import enum
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.services.recovered_rows import BOOKS
from node.texts import to_translate
from protocol.limits import DAY_MS

if TYPE_CHECKING:
    from node.app import Beside
    from node.backup.regular import Standing

HOSTED: Final = "hosted "  # before the name of such a scheme, in the name of a finding
OF_THE_MACHINE: Final = "proxy"  # though the node itself knows of it
DISK_FREE_MIN: Final = 200 * 1024 * 1024
DISK_FREE_GOOD: Final = 1024 * 1024 * 1024
# When this release was made: a clock before that is wrong.
RELEASED_MS: Final = 1_767_225_600_000
QUIET_AFTER_MS: Final = 2 * DAY_MS
SYNCHRONIZED: Final = Path("/run/systemd/timesync/synchronized")
NTP_MARKS: Final = (SYNCHRONIZED, Path("/run/chrony"), Path("/run/ntpd.pid"), Path("/run/openntpd.sock"))


class State(enum.StrEnum):
    """How a finding is meant."""

    OK = "ok"
    NOTE = "note"  # works, and could be better
    PROBLEM = "problem"


def in_english(text: str) -> str:
    """Return a text as it is in the source, as the command line shows it."""
    return text


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. Texts have places in the way of `%`, for what `of` holds."""

    name: str  # always the same for the same thing; of a neighbour "neighbour" and its name
    state: State
    text: str
    fix: str = ""
    of: Mapping[str, object] = field(default_factory=dict)

    def said(self, translate: Callable[[str], str] = in_english) -> str:
        """Return what was found, in words."""
        return translate(self.text) % self.of if self.of else translate(self.text)

    def cure(self, translate: Callable[[str], str] = in_english) -> str:
        """Return what is to be done, in words; empty where nothing is."""
        if not self.fix:
            return ""
        return translate(self.fix) % self.of if self.of else translate(self.fix)

    def as_json(self) -> dict[str, str]:
        """Return it for programs."""
        return {"name": self.name, "state": self.state.value, "text": self.said(), "fix": self.cure()}


def is_well(findings: Iterable[Finding]) -> bool:
    """Tell whether nothing is a problem."""
    return all(finding.state is not State.PROBLEM for finding in findings)


# --- The machine -------------------------------------------------------------------------------------------------


def clock_finding(now_ms: int) -> Finding:
    """Return what is to be said about the clock."""
    name = "clock"
    if now_ms < RELEASED_MS:
        text = to_translate("the clock is years behind")
        return Finding(name, State.PROBLEM, text, to_translate("Set it, and switch on NTP."))
    if not any(mark.exists() for mark in NTP_MARKS):
        return Finding(
            name,
            State.NOTE,
            to_translate(
                "nothing shows that the clock is kept right; neighbours refuse new trades when it is far off"
            ),
            to_translate("Switch on NTP: timedatectl set-ntp true"),
        )
    return Finding(name, State.OK, to_translate("kept right by NTP"))


def disk_finding(data_dir: Path) -> Finding:
    """Return what is to be said about the room on the disk."""
    name = "disk"
    if not data_dir.is_dir():
        text, fix = (
            to_translate("%(folder)s does not exist"),
            to_translate("Run “interlets init”, or mend data_dir."),
        )
        return Finding(name, State.PROBLEM, text, fix, {"folder": data_dir})
    free = shutil.disk_usage(data_dir).free
    said, of = to_translate("%(free)d MiB free in %(folder)s"), {"free": free // 1024**2, "folder": data_dir}
    if free < DISK_FREE_MIN:
        return Finding(
            name, State.PROBLEM, said, to_translate("Make room: a full disk stops all trading."), of
        )
    if free < DISK_FREE_GOOD:
        return Finding(name, State.NOTE, said, to_translate("Make room in the next weeks."), of)
    return Finding(name, State.OK, said, "", of)


def backups_finding(found: Standing | None, moment: Callable[[int], str]) -> Finding:
    """Return what is to be said about backups; None where no folder for them is named."""
    name = "backups"
    if found is None:
        return Finding(
            name,
            State.NOTE,
            to_translate("none are made by themselves"),
            to_translate(
                "Name a folder on another disk as folder under [backup], or copy what “interlets backup create” makes."
            ),
        )
    of = {"folder": found.folder}
    if not found.there:
        text = to_translate("%(folder)s cannot be read")
        fix = to_translate("Plug in the disk, or mend folder under [backup].")
        return Finding(name, State.PROBLEM, text, fix, of)
    if found.newest_ms is None:
        text = to_translate("there is none in %(folder)s yet")
        return Finding(name, State.NOTE, text, to_translate("Make the first: interlets backup create."), of)
    dated = {**of, "moment": moment(found.newest_ms)}
    said = to_translate("the newest in %(folder)s is of %(moment)s")
    if found.late:
        fix = to_translate("See in the log of the node why it makes none.")
        return Finding(name, State.PROBLEM, said, fix, dated)
    if found.same_disk:
        text = to_translate("the newest in %(folder)s is of %(moment)s, on the disk of the node itself")
        return Finding(name, State.NOTE, text, to_translate("Copy them to another one."), dated)
    return Finding(name, State.OK, said, "", dated)


def beside_finding(beside: Beside) -> Finding:
    """Return what is to be said about a scheme that this machine hosts. Source: decision 63."""
    name, of = f"{HOSTED}{beside.name}", {"name": beside.name, "troubles": beside.troubles}
    fix = to_translate("See what it lacks: interlets --scheme %(name)s doctor")
    if beside.rests:
        resume = to_translate("When its folder is as it is to be: interlets scheme resume %(name)s")
        return Finding(name, State.NOTE, to_translate("rests, as somebody said"), resume, of)
    if not beside.runs:
        text = to_translate("does not run; it is tried again by itself")
        return Finding(name, State.PROBLEM, text, fix, of)
    if beside.troubles:
        return Finding(
            name, State.NOTE, to_translate("runs; things that need mending in it: %(troubles)d"), fix, of
        )
    return Finding(name, State.OK, to_translate("runs"), "", of)


# --- What the node knows -----------------------------------------------------------------------------------------


def health_findings(health: Mapping[str, Any], *, running: bool) -> Iterator[Finding]:
    """Yield what there is to say of the answer to the command `health`."""
    yield _balances(health)
    yield _log(health["log"])
    yield from _recovered(health)
    if health["maintenance"]:
        yield Finding(
            "maintenance",
            State.NOTE,
            to_translate("members can record and change nothing"),
            to_translate("When you are done: interlets maintenance off"),
        )
    yield _mail(health)
    if health["proxy_to_add"] is not None:
        yield Finding(
            OF_THE_MACHINE,
            State.PROBLEM,
            to_translate(
                "a web server in %(range)s passes requests on and is not believed, so that all members seem to be one"
            ),
            to_translate("Add “%(range)s” to proxies in [node], if it is yours."),
            {"range": health["proxy_to_add"]},
        )
    yield from _neighbours(health, running)


def _balances(health: Mapping[str, Any]) -> Finding:
    name = "balances"
    sums = {unit: total for unit, total in health["sums"].items() if total}
    if sums:
        said = ", ".join(f"{total} {unit}" for unit, total in sums.items())
        return Finding(
            name,
            State.PROBLEM,
            to_translate("the balances do not sum to zero; too many: %(sums)s"),
            to_translate(
                "Stop the node, keep a copy of everything, and report it: this is a fault of the program."
            ),
            {"sums": said},
        )
    text = to_translate("all balances sum to zero, in every unit; accounts: %(accounts)d")
    return Finding(name, State.OK, text, "", {"accounts": health["accounts"]})


def _log(said: Mapping[str, Any]) -> Finding:
    """Return what is to be said about the log and its witnesses. Source: docs/protocol.md 4.3, 6.7 (f)."""
    name, of = "log", {**said, "by": said["stopped_by"]}
    if said["stopped"] == "behind":
        text = to_translate(
            "nothing is signed: %(by)s holds a longer log that we signed; this database is an old one"
        )
        fix = to_translate("Put back a newer backup; if there is none, see “ledger new-log” in operating.md.")
        return Finding(name, State.PROBLEM, text, fix, of)
    if said["stopped"] == "other":
        text = to_translate("nothing is signed: %(by)s holds another log that we signed")
        if said["stopped_by"] is None:
            text = to_translate("nothing is signed: this database holds another log that we signed")
        fix = to_translate("Is a second copy of this node running? Stop one of them.")
        return Finding(name, State.PROBLEM, text, fix, of)
    if said["stopped"] == "waiting":
        text = to_translate("nothing is signed until a neighbour is heard after the start")
        return Finding(name, State.NOTE, text)
    if said["quorum"] is None:
        text = to_translate("entries signed: %(size)d; witnesses: %(witnesses)d, too few, it takes three")
        fix = to_translate("Trade with more neighbours: each of them checks the log.")
        return Finding(name, State.NOTE, text, fix, of)
    text = to_translate(
        "entries signed: %(size)d; %(cosigned)d of %(witnesses)d witnesses have checked them, %(quorum)d are needed"
    )
    return Finding(name, State.OK if said["cosigned"] >= said["quorum"] else State.NOTE, text, "", of)


def _recovered(health: Mapping[str, Any]) -> Iterator[Finding]:
    name = "recovered"
    if BOOKS in health["found"]:
        yield Finding(
            name,
            State.NOTE,
            to_translate(
                "the database was older than the copy a neighbour keeps, which has taken its place; "
                "the older one is beside it"
            ),
            to_translate(
                "Ask who traded in the last minute before the loss. If others may have the backup or the old disk, "
                "stop the node and run “interlets keys rotate --all”."
            ),
        )
    if health["missing"]:
        yield Finding(
            name,
            State.PROBLEM,
            to_translate(
                "the database was older than the copy a neighbour keeps, and was written to since; "
                "things only in that copy: %(missing)d"
            ),
            to_translate(
                "Enter them again: they are listed under /admin/recovered. If others may have the backup or the old "
                "disk, stop the node and run “interlets keys rotate --all”."
            ),
            {"missing": health["missing"]},
        )
    ops = health["recovered"] - len(health["found"])
    if ops > 0:
        yield Finding(
            name,
            State.NOTE,
            to_translate(
                "the database was older than what neighbours remember; things that came back in two weeks: %(ops)d"
            ),
            to_translate(
                "Look at them on the organisers' desk, under /admin/recovered. If others may have the backup or the "
                "old disk, stop the node and run “interlets keys rotate --all”."
            ),
            {"ops": ops},
        )


def _mail(health: Mapping[str, Any]) -> Finding:
    name, of = (
        "mail",
        {"waiting": health["mails_waiting"], "late": health["mails_late"], "why": health["mail_reason"]},
    )
    if not health["mail_set_up"]:
        text = to_translate("no mail server; mails that wait in the outbox: %(waiting)d")
        return Finding(name, State.NOTE, text, to_translate("Fill in [mail]."), of)
    if health["mails_late"]:
        text = to_translate("mails that were tried in vain: %(late)d; %(why)s")
        fix = to_translate("Mend [mail]; they are tried again by themselves.")
        return Finding(name, State.PROBLEM, text, fix, of)
    return Finding(name, State.OK, to_translate("mails waiting: %(waiting)d"), "", of)


# By the words of `Clocks` in protocol/session.py.
CLOCKS_SAID: Final = {
    "agree": (State.OK, to_translate("connected")),
    "warn": (State.NOTE, to_translate("connected; its clock and ours differ a little")),
    "no-new-locks": (
        State.PROBLEM,
        to_translate("connected; its clock and ours differ so much that no trade is begun"),
    ),
}


def _neighbours(health: Mapping[str, Any], running: bool) -> Iterator[Finding]:
    for line in health["lines"]:
        name = f"neighbour {line['name']}"
        if line["connected"]:
            state, said = CLOCKS_SAID[line["clocks"]]
            yield Finding(
                name, state, said, "" if state is State.OK else to_translate("Set both clocks by NTP.")
            )
        elif running and health["now_ms"] - line["heard_ms"] > QUIET_AFTER_MS:
            text = to_translate("not heard for more than two days")
            yield Finding(name, State.NOTE, text, to_translate("Ring its organiser."))
        else:
            yield Finding(name, State.OK, to_translate("not connected now"))
    if health["contradictions"]:
        yield Finding(
            "evidence",
            State.NOTE,
            to_translate("proofs that a scheme contradicted itself: %(proofs)d; it comes to owe us no more"),
            to_translate("Read them under /admin/evidence, and ring its organisers."),
            {"proofs": health["contradictions"]},
        )
