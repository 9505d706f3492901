"""The independent auditor over a line that went on in a new epoch: whole, and spoilt. Source: docs/protocol.md 6.8, I19."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.cli.statement import read_statement
from node.services.ledger_export import make_folder, write_export
from node.services.statements import write_statement
from node.simulation.network import SimulatedNetwork
from protocol.line_ops import LOCK_ROW, Op, Reopen
from protocol.line_view import LOW
from protocol.message import sign_message, trusted_message
from protocol.names import scheme_text
from protocol.statement import WhatDiffers, compare
from tests.node.services.test_reopening import go_on, line_between, trade_again
from tests.simulation import run_virtual
from tests.small_town import SettlingNode, SmallTown
from tests.test_audit import _knows_everybody, wrong

ENDS = ("Oakvale", "Riverside")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, SettlingNode]]:
    """Exports and statements of two schemes whose line went on with a lock open, which was claimed afterwards."""
    folder = tmp_path_factory.mktemp("epochs")

    async def scenario(network: SimulatedNetwork) -> dict[str, SettlingNode]:
        small = SmallTown(network, ENDS, [ENDS])
        await small.open()
        await small["Oakvale"].open_member("Ana")
        await small["Riverside"].open_member("Karim")
        small.route(*ENDS)
        await small["Oakvale"].buy("Ana", "Riverside", "Karim", 5)
        await small.until_async(small.at_rest, 60)
        low = ENDS[(await line_between(small["Oakvale"], small["Riverside"])).state.me != LOW]
        await go_on(small, *ENDS, 7 * 60_000 if low == "Oakvale" else -7 * 60_000)
        await trade_again(small, *ENDS)
        await small["Oakvale"].buy("Ana", "Riverside", "Karim", 3)
        await small.until_async(small.at_rest, 60)
        for name, node in small.nodes.items():
            await _knows_everybody(node, small)
            make_folder(folder / name)
            await node.store.read(write_export, node.scheme, folder / name, node.clock.now_ms())
            other = small[ENDS[1 - ENDS.index(name)]]
            file = folder / f"{name}.jsonl"
            await node.store.read(write_statement, node.scheme, scheme_text(other.scheme), file, name, 0)
        await small.stop()
        return small.nodes

    return folder, run_virtual(scenario)


def folders(at: Path) -> list[Path]:
    return [at / name for name in ENDS]


def test_a_line_that_went_on_is_found_right(town: tuple[Path, dict[str, SettlingNode]]):
    """Also where the agreed balance is not the one of the old chains: the chest stands in for the difference."""
    folder, _ = town
    assert wrong(folders(folder)) == []
    assert wrong(folders(folder)[:1]) == []


@pytest.mark.parametrize(
    "change, text",
    [
        (lambda step: replace(step, locks=LOCK_ROW.pack(0, 3, 7)), "names one that is not"),
        (lambda step: replace(step, low_length=step.low_length - 1), "another end of the chain"),
        (lambda step: replace(step, high_id=bytes(32)), "another end of the chain"),
        (lambda step: replace(step, old=7), "elsewhere than at the beginning"),
        (
            lambda step: replace(step, owed_by_low=step.owed_by_low + 1),
            "another thing than the one it answers",
        ),
    ],
    ids=["a lock", "a length", "an id", "the epoch", "the balance"],
)
def test_a_reopen_that_does_not_continue_the_line_is_found(
    town: tuple[Path, dict[str, SettlingNode]], tmp_path: Path, change: Callable[[Reopen], Reopen], text: str
):
    """Signed as it is: by whoever lies."""
    folder, nodes = town
    shutil.copytree(folder, tmp_path / "spoilt")
    for name in ENDS:
        file = tmp_path / "spoilt" / name / "ops.jsonl"
        records = [json.loads(row) for row in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(resigned(nodes, each, change)) + "\n" for each in records))
    assert any(text in found for found in wrong(folders(tmp_path / "spoilt"))), wrong(
        folders(tmp_path / "spoilt")
    )


def resigned(
    nodes: dict[str, SettlingNode], record: dict[str, Any], change: Callable[[Reopen], Reopen]
) -> dict[str, Any]:
    op = trusted_message(Op, bytes.fromhex(record["wire"]))
    author = next(node for node in nodes.values() if node.scheme == op.body.author)
    # Only the second to sign lies about the balance: then the two differ.
    if not isinstance(op.body.step, Reopen) or op.body.ack == op.body.seq - 1:
        return record
    seq, key = author.keyring.signing["line"]
    forged = sign_message(replace(op.body, step=change(op.body.step)), key, seq)
    return {**record, "wire": forged.wire.hex()}


def test_a_missing_beginning_is_found(town: tuple[Path, dict[str, SettlingNode]], tmp_path: Path):
    folder, _ = town
    shutil.copytree(folder, tmp_path / "spoilt")
    file = tmp_path / "spoilt" / "Oakvale" / "ops.jsonl"
    rows = file.read_text().splitlines()
    kept = [
        row
        for row in rows
        if not isinstance(trusted_message(Op, bytes.fromhex(json.loads(row)["wire"])).body.step, Reopen)
    ]
    assert len(kept) == len(rows) - 2
    file.write_text("".join(row + "\n" for row in kept))
    assert any("missing or stands elsewhere" in found for found in wrong(folders(tmp_path / "spoilt")))


def test_statements_of_the_new_epoch_are_compared(town: tuple[Path, dict[str, SettlingNode]], tmp_path: Path):
    """Rule 6.3 (MARK): the balance is that of the REOPEN and what came after it."""
    folder, _ = town
    ours, theirs = (read_statement(folder / f"{name}.jsonl") for name in ENDS)
    found = compare(ours, theirs)
    assert found.differences == ()
    assert found.view is not None
    assert abs(found.view.owed_by_low) == 10 * 60_000
    cut = replace(theirs, chains={scheme: chain[:-1] for scheme, chain in theirs.chains.items()})
    differences = compare(ours, cut).differences
    assert {each.what for each in differences} == {WhatDiffers.MISSING_IN_THEIRS}
    assert all(each.seq > 2**32 for each in differences)
