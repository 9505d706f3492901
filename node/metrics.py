"""Figures about a running node for programs that watch machines, in Prometheus' text format 0.0.4.

None of them says anything about a person: they are counts, sizes and ages. Source: docs/operating.md, "Watching".
"""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

from aiohttp import web

from node.app import DATABASE, Node
from node.backup.keeping import LATE_AFTER_MS
from node.health import health

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX: Final = "interlets_"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure, at its value now. Durations are seconds, sizes bytes; what is not known is left out."""

    name: str
    help: str
    value: float | None
    kind: Literal["gauge", "counter"] = "gauge"
    labels: Mapping[str, str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Spell it."""
        if self.value is None:
            return
        name = _PREFIX + self.name
        labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in self.labels.items())
        value = int(self.value) if float(self.value).is_integer() else self.value
        yield f"# HELP {name} {self.help}"
        yield f"# TYPE {name} {self.kind}"
        yield f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


async def read_metrics(node: Node, data_dir: Path, release: str) -> str:
    """Return all figures as one text."""
    said = await health(node)
    now_ms = node.clock.now_ms()
    backups = await node.offload(node.options.backups, now_ms)
    newest_ms = None if backups is None else backups.newest_ms
    metrics = [
        Metric("info", "The release that runs.", 1, labels={"version": release}),
        *_of_the_books(said),
        *_of_neighbours(said),
        *_of_copies(node.keepers.kept_ms, newest_ms, now_ms),
        *_of_the_machine(data_dir),
    ]
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def _of_the_books(said: Mapping[str, Any]) -> Iterator[Metric]:
    log = said["log"]
    off = sum(abs(total) for total in said["sums"].values())
    yield Metric("imbalance", "By how much the balances do not sum to zero; anything but 0 is a fault.", off)
    yield Metric("accounts", "Accounts in the books.", said["accounts"])
    yield Metric("log_entries", "Entries that are signed as a public log.", log["size"])
    yield Metric("log_stopped", "1 if the log is not signed any more.", log["stopped"] is not None)
    yield Metric("log_witnesses", "Schemes that check the log.", log["witnesses"])
    yield Metric("log_cosigned", "Of them, those that have checked its newest head.", log["cosigned"])
    yield Metric("mails_waiting", "Mails that were not sent yet.", said["mails_waiting"])
    yield Metric("mails_late", "Of them, those that were tried in vain.", said["mails_late"])
    yield Metric("maintenance", "1 while nothing new is recorded.", said["maintenance"])


def _of_neighbours(said: Mapping[str, Any]) -> Iterator[Metric]:
    lines = said["lines"]
    silent_ms = [said["now_ms"] - line["heard_ms"] for line in lines if not line["connected"]]
    yield Metric("neighbours", "Schemes we trade with.", len(lines))
    yield Metric("neighbours_connected", "Of them, connected now.", sum(line["connected"] for line in lines))
    yield Metric(
        "neighbours_silent_for_seconds",
        "How long the most silent was not heard.",
        max(silent_ms, default=0) / 1000,
    )
    yield Metric(
        "trades_under_way",
        "Trades with other schemes that are not finished.",
        sum(line["under_way"] for line in lines),
    )
    yield Metric("contradictions", "Proofs that a scheme contradicted itself.", said["contradictions"])


def _of_copies(kept_ms: int, newest_ms: int | None, now_ms: int) -> Iterator[Metric]:
    kept = None if not kept_ms else (now_ms - kept_ms) / 1000
    made = None if newest_ms is None else (now_ms - newest_ms) / 1000
    yield Metric("copy_age_seconds", "Age of the copy of the books that a neighbour keeps.", kept)
    yield Metric("backup_age_seconds", "Age of the newest backup.", made)
    ages = [age for age in (kept, made) if age is not None]
    late = not ages or min(ages) > LATE_AFTER_MS / 1000
    yield Metric("copy_late", "1 if neither is younger than 26 hours.", late)


def _of_the_machine(data_dir: Path) -> Iterator[Metric]:
    database = data_dir / DATABASE
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Metric("database_bytes", "Size of the database.", _size(database))
    yield Metric(
        "database_log_bytes",
        "Size of its write-ahead log.",
        _size(database.with_name(database.name + "-wal")),
    )
    yield Metric("disk_free_bytes", "Room on its disk.", shutil.disk_usage(data_dir).free)
    yield Metric("memory_bytes", "Memory of the process.", _memory())
    yield Metric(
        "cpu_seconds_total", "Processor time of the process.", used.ru_utime + used.ru_stime, "counter"
    )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _memory() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None  # no Linux, or no /proc: the figure is left out
    return pages * os.sysconf("SC_PAGE_SIZE")


def make_app(node: Node, data_dir: Path) -> web.Application:
    """Return what answers on the port for watching."""

    async def answer(_request: web.Request) -> web.Response:
        text = await read_metrics(node, data_dir, version("interlets"))
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", answer)
    return app
