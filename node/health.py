"""What a running node knows of its own state: for the command line, whoever watches it, and the page of the node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from node.app import Node
from node.findings import (
    OF_THE_MACHINE,
    Finding,
    backups_finding,
    beside_finding,
    clock_finding,
    disk_finding,
    health_findings,
)
from node.mail.outbox import MailState, unsent_mails
from node.services.accounts import all_accounts
from node.services.copy_comparing import count_missing
from node.services.evidence_store import all_evidence
from node.services.line_rows import CLOSING, OPEN, STOPPED, read_lines
from node.services.peers import find_peer
from node.services.recovery import count_recovered, kinds_found
from node.store import ReadTx
from protocol.names import SchemeId, scheme_text


async def findings_of(node: Node, moment: Callable[[int], str]) -> list[Finding]:
    """Return what is well with a running node and what is not; `moment` puts times into words.

    Of a hosted scheme only what concerns the scheme: the machine, and where on it anything lies, is another admin's.
    """
    if node.options.hosted:
        found = health_findings(await health(node), running=True)
        return [each for each in found if each.name != OF_THE_MACHINE]

    def of_machine(now_ms: int) -> list[Finding]:
        found, folder = [clock_finding(now_ms)], node.options.data_dir
        if folder is not None:
            found.append(disk_finding(folder))
        return [*found, backups_finding(node.options.backups(now_ms), moment)]

    of_machine_now = await node.offload(of_machine, node.clock.now_ms())
    if node.options.certificate is not None:
        of_machine_now.append(await node.options.certificate(node.clock.now_ms()))
    return [
        *of_machine_now,
        *health_findings(await health(node), running=True),
        *map(beside_finding, node.options.beside()),
    ]


async def health(node: Node) -> dict[str, Any]:
    """Return what `doctor` wants to know of the data and of other nodes."""
    found = await node.store.read(_health, node.scheme)
    recovered = await node.store.read(count_recovered, node.clock.now_ms())
    lines = []
    for name, line in found.pop("open"):
        session = node.links.live.get(line.peer)
        lines.append({
            "name": name or scheme_text(line.peer), "scheme": scheme_text(line.peer), "heard_ms": line.heard_ms,
            "connected": session is not None, "clocks": "agree" if session is None else session.terms.clocks.value,
            "usable": line.usable, "we_owe": line.state.owed, "under_way": len(line.state.mine.locks()),
        })  # fmt: skip
    return {
        **found,
        "lines": lines,
        "mail_set_up": node.outbox.sends,
        "recovered": recovered,
        "found": sorted(await node.store.read(kinds_found, node.clock.now_ms())),
        "missing": await node.store.read(count_missing),
        "contradictions": sum(piece.counts for piece in await node.store.read(all_evidence)),
        "log": await _log_health(node),
        "maintenance": node.settings.now.maintenance,
        "proxy_to_add": node.options.proxies.to_add,
        "now_ms": node.clock.now_ms(),
    }


async def _log_health(node: Node) -> dict[str, Any]:
    checked = await node.witness.own_log.checked()
    return {
        "size": checked.size, "witnesses": checked.witnesses, "cosigned": len(checked.by), "quorum": checked.quorum,
        "at_ms": checked.at_ms, "stopped": None if checked.stopped is None else checked.stopped.value,
        "stopped_by": None if checked.stopped_by is None else scheme_text(checked.stopped_by),
    }  # fmt: skip


def _health(tx: ReadTx, scheme: SchemeId) -> dict[str, Any]:
    accounts = all_accounts(tx)
    sums: dict[str, int] = {}
    for held, _ in accounts:
        sums[held.value.unit] = sums.get(held.value.unit, 0) + held.value.balance
    waiting = [mail for mail in unsent_mails(tx, most=1_000)[0] if mail.state is MailState.WAITING]
    late = [mail for mail in waiting if mail.tries]
    return {
        "sums": sums,
        "accounts": len(accounts),
        "mails_waiting": len(waiting),
        "mails_late": len(late),
        "mail_reason": late[0].reason if late else "",
        "open": [
            (_name_of(tx, line.peer), line)
            for line in read_lines(tx, scheme)
            if line.status in (OPEN, STOPPED, CLOSING)
        ],
    }


def _name_of(tx: ReadTx, scheme: SchemeId) -> str:
    peer = find_peer(tx, scheme)
    return "" if peer is None else peer.name
