"""`interlets peer statement` and `peer compare`, as their user meets them. docs/statement.md, rule 6.3 (MARK)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from node.cli.admin import CannotDo
from node.cli.commands import peer_statement
from node.cli.statement import read_statement
from node.services.acts import OPERATOR
from node.services.members import NewMember
from node.services.settings import SchemeSettings
from node.services.statements import names_of
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Town
from protocol.names import scheme_text
from tests.gossip_town import WIDE
from tests.node.test_cli import Machine, init
from tests.simulation import run_virtual


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with both statements of a line that was traded and marked on."""
    folder = tmp_path_factory.mktemp("statements")

    async def scenario(network: SimulatedNetwork) -> None:
        town = Town(network, seed=1)
        for name in ("Oakvale", "Hilltop"):
            await town.add(SchemeSettings(name=name))
        await town.connect([("Oakvale", "Hilltop")], WIDE)
        await town["Oakvale"].node.people.add(OPERATOR, NewMember(name="Ana", email="ana@example.org"))
        for resident in town.residents:
            await resident.node.marks.write()
        await town.until(town.at_rest, 60, "rest")

        async def heard() -> bool:
            node = town["Oakvale"].node
            return (
                "Hilltop"
                in (await node.store.read(names_of, [town["Hilltop"].scheme], node.clock.now_ms())).values()
            )

        await town.until(heard, 300, "their name")
        oakvale, hilltop = town["Oakvale"].node, town["Hilltop"].node
        told = await peer_statement(oakvale, scheme="hilltop", file=str(folder / "ours"))
        assert told["own"] == told["peer"] == 3  # OPEN, LIMIT, MARK
        await peer_statement(hilltop, scheme=scheme_text(oakvale.scheme), file=str(folder / "theirs"))
        for scheme, file, why in (
            ("Riverside", "new", "no neighbour is called “Riverside”"),
            ("Hilltop", "ours", "nothing whole was written"),
            ("Hilltop", "no folder/ours", "nothing whole was written"),
        ):
            with pytest.raises(CannotDo, match=why):
                await peer_statement(oakvale, scheme=scheme, file=str(folder / file))
        await town.close()

    run_virtual(scenario)
    return folder


def changed(files: Path, name: str, change: Callable[[list[str]], list[str]]) -> str:
    lines = (files / "theirs").read_text("ascii").splitlines()
    (files / name).write_text("\n".join(change(lines)) + "\n", "ascii")
    return name


def test_two_files_that_agree(files: Path) -> None:
    here = Machine(files)
    said = here.run("peer", "compare", "ours", "theirs").stdout
    assert "Both files hold the same 3 steps of" in said
    assert "nobody owes anything" in said
    answer = json.loads(here.run("peer", "compare", "ours", "theirs", "--json").stdout)
    assert (answer["agree"], answer["owed_by_low"], answer["differences"]) == (True, 0, [])


def test_the_first_difference_is_named_with_whose_signature_settles_it(files: Path) -> None:
    here = Machine(files)
    # Hilltop wrote the file: its own chain stands first, and the last line is Oakvale's MARK.
    cut = here.run(
        "peer", "compare", "ours", changed(files, "cut", lambda lines: lines[:-1]), status=1
    ).stdout
    assert "Step 3 of Oakvale, a MARK of " in cut
    assert "stands in ours (ours) and is missing in cut (theirs), which ends before it." in cut
    assert "Oakvale’s own signature settles it: the step counts, and ours has the right copy." in cut

    def bend(lines: list[str]) -> list[str]:
        record = json.loads(lines[-2])
        record["wire"] = record["wire"][:-2] + ("00" if record["wire"][-2:] != "00" else "01")
        return [*lines[:-2], json.dumps(record), lines[-1]]

    bent = here.run("peer", "compare", "ours", changed(files, "bent", bend), status=1).stdout
    assert "what bent (theirs) has there was not signed by Oakvale." in bent
    answer = json.loads(here.run("peer", "compare", "ours", "bent", "--json", status=1).stdout)
    (difference,) = answer["differences"]
    assert (difference["seq"], difference["what"], difference["ours"]) == (2, "altered in theirs", "LIMIT")


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [],
        lambda lines: ["{}"],
        lambda lines: ["[" * 5000],
        lambda lines: lines[1:],
        lambda lines: [*lines[:-2], lines[-1]],
        lambda lines: [*lines, '{"author":"00","seq":1,"wire":"00"}'],
        lambda lines: [*lines, '{"author":7,"seq":1,"wire":"00"}'],
        lambda lines: [lines[0].replace("interlets-statement", "another"), *lines[1:]],
        lambda lines: [*lines, "x" * 200_000],
    ],
)
def test_what_is_no_statement_is_said_to_be_none(
    files: Path, change: Callable[[list[str]], list[str]]
) -> None:
    """Whatever the bytes."""
    with pytest.raises(CannotDo, match="none is no statement, or was cut or changed"):
        read_statement(files / changed(files, "none", change))


def test_a_sentence_and_no_traceback(files: Path) -> None:
    said = Machine(files).run("peer", "compare", "ours", changed(files, "none", lambda _: ["{}"]), status=1)
    assert "none is no statement" in said.stderr
    assert "Traceback" not in said.stderr


def test_statements_of_other_lines_are_not_compared(files: Path) -> None:
    def of_another(lines: list[str]) -> list[str]:
        head = json.loads(lines[0])
        head["nonce"] = "00" * 16
        return [json.dumps(head), *lines[1:]]

    said = Machine(files).run("peer", "compare", "ours", changed(files, "other", of_another), status=1)
    assert "exports of two different lines" in said.stderr


def test_a_node_without_such_a_neighbour_says_so(tmp_path: Path) -> None:
    machine, _ = init(tmp_path)
    assert "no neighbour is called “Hilltop”" in machine.run("peer", "statement", "Hilltop", status=1).stderr
    assert not (tmp_path / "Hilltop.jsonl").exists()
