"""The list of hosted schemes, and the commands that change it, with no process running. Source: decision 63; docs/operating.md."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from crypto.words import from_words
from node.cli.admin import CannotDo
from node.cli.main import cli
from node.config import load
from node.founding import making
from node.hosting import roster
from node.hosting.roster import Hosted, config_of_hosted, find_hosted, read_roster, write_roster
from node.keyfiles import make_keys, open_keys
from tests.houses import CHEAP, Folder, make_folder

ACORNS = Hosted(name="acorns", address="https://acorns.example", folder=Path("/srv/acorns"))
BROOK = Hosted(name="brook-2", address="http://brook.example:8480", folder=Path("/srv/brook"))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(
        making, "make_keys", lambda *known: make_keys(*known, cost=CHEAP)
    )  # keys as usual, sooner
    return make_folder(tmp_path / "house", "Oakvale", "https://oakvale.example", 8480)


def run(house: Folder, *command: str, status: int = 0) -> str:
    done = CliRunner().invoke(cli, ["--config", str(house.config), *command])
    assert done.exit_code == status, (command, done.output, done.exception)
    return done.output


# --- The list ----------------------------------------------------------------------------------------------------


def test_what_is_listed_is_read_back(tmp_path: Path) -> None:
    assert read_roster(tmp_path) == ()
    write_roster(tmp_path, [ACORNS, BROOK])
    assert read_roster(tmp_path) == (ACORNS, BROOK)
    assert (tmp_path / roster.FILE).stat().st_mode & 0o077 == 0
    assert find_hosted(tmp_path, "brook-2") == BROOK
    with pytest.raises(CannotDo, match="there are: acorns, brook-2"):
        find_hosted(tmp_path, "brook")


@pytest.mark.parametrize(
    "other",
    [
        {"name": "acorns"}, {"folder": "/srv/acorns"}, {"address": "https://acorns.example"},
        {"address": "http://acorns.example"},  # without a port in the header they could not be told apart
        {"name": ""}, {"name": "Brook"}, {"name": "-brook"}, {"name": "../brook"}, {"name": "b" * 32}, {"name": 7},
        {"address": "brook.example"}, {"address": "https://brook.example/"}, {"address": 7}, {"folder": "srv/brook"},
        {"folder": None}, None,
    ],
)  # fmt: skip
def test_a_list_in_which_two_are_one_or_one_is_none_is_refused_whole(
    tmp_path: Path, other: dict[str, object] | None
) -> None:
    rows: list[object] = [{"name": "acorns", "address": "https://acorns.example", "folder": "/srv/acorns"}]
    second = (
        None
        if other is None
        else {"name": "brook", "address": "https://brook.example", "folder": "/srv/brook"} | other
    )
    (tmp_path / roster.FILE).write_text(json.dumps({"schemes": [*rows, second]}))
    with pytest.raises(CannotDo, match="hosted"):
        read_roster(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schemes": 7}', "\x00", "[" * 100_000, " " * 70_000])
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / roster.FILE).write_text(text)
    with pytest.raises(CannotDo, match="hosted"):
        read_roster(tmp_path)


def test_more_than_a_process_holds_are_refused_and_the_list_stays(tmp_path: Path) -> None:
    many = [
        Hosted(name=f"s{no}", address=f"https://s{no}.example", folder=Path(f"/srv/{no}")) for no in range(21)
    ]
    write_roster(tmp_path, many[:20])
    with pytest.raises(CannotDo, match="at most 20"):
        write_roster(tmp_path, many)
    assert read_roster(tmp_path) == tuple(many[:20])


def test_the_environment_is_the_houses_alone(
    house: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = make_folder(tmp_path / "acorns", "Acorns", "https://acorns.example", 8480)
    monkeypatch.setenv("INTERLETS_NODE__DATA_DIR", str(house.data_dir))
    assert load(house.config).node.data_dir == house.data_dir
    assert config_of_hosted(guest.hosted("acorns")).node.data_dir == guest.data_dir


# --- Commands ----------------------------------------------------------------------------------------------------


def test_a_scheme_is_founded_beside_the_house_with_a_sheet_of_its_own(house: Folder, tmp_path: Path) -> None:
    """Whole, as `init` makes one, with what the house knows: listener, web server, backups. Then its commands are about it."""
    text = house.config.read_text().replace("[federation]", "behind_proxy = true\n[federation]")
    house.config.write_text(f'{text}[backup]\nfolder = "{tmp_path / "stick"}"\n')
    (tmp_path / "stick").mkdir()
    (tmp_path / "passphrase").write_text("acorns keep all winter\n")
    asked = ("--name", "Acorn Circle", "--place", "Hill", "--organiser", "Ben Hill", "--unit", "Acorns", "--hour", "12.00",
             "--passphrase-file", str(tmp_path / "passphrase"), "--json")  # fmt: skip
    made = json.loads(run(house, "scheme", "add", "acorns", "--host", "Acorns.Example", *asked))

    folder = tmp_path / "house" / "data-schemes" / "acorns"
    assert (made["folder"], made["address"], made["state"], made["restart"]) == (
        str(folder), "https://acorns.example", "off", False,
    )  # fmt: skip
    assert len(from_words(" ".join(made["words"]))) == 32
    assert made["link"].startswith("https://acorns.example/login/link/")
    config = load(folder / "interlets.toml", {})
    assert (config.node.data_dir, config.node.behind_proxy, config.node.listen_port) == (
        folder / "data",
        True,
        8480,
    )
    assert 'data_dir = "data"' in (folder / "interlets.toml").read_text(), "the folder can lie anywhere"
    assert config.backup.folder == tmp_path / "stick" / "acorns"
    own, guest = open_keys(house.data_dir).keyring, open_keys(folder / "data").keyring
    assert own.scheme != guest.scheme

    # Backups of each are its own, under its own sheet.
    (tmp_path / "sheet").write_text(" ".join(made["words"]))
    backup = json.loads(run(house, "--scheme", "acorns", "backup", "create", "--json"))["file"]
    assert Path(backup).parent == tmp_path / "stick" / "acorns"
    run(house, "--scheme", "acorns", "backup", "verify", backup, "--words-file", str(tmp_path / "sheet"))
    assert "cannot be opened" in run(house, "backup", "verify", backup, status=1)
    assert "member 0002" in run(house, "--scheme", "acorns", "member", "add", "Cleo")
    assert "member 0001" in run(house, "member", "add", "Ana"), "the house's own books were never meant"
    assert "acorns.example/login" in run(house, "--scheme", "acorns", "user", "link", "Cleo")
    assert "nobody is called" in run(house, "user", "link", "Cleo", status=1)
    assert str(folder) in run(house, "--scheme", "acorns", "doctor")
    assert "acorns  https://acorns.example  off" in run(house, "scheme", "list")

    # Without a process the same steps are taken, and the old folder shows where it went.
    (tmp_path / "out").mkdir()
    said = run(house, "scheme", "move-out", "acorns", "https://own.example", "--to", str(tmp_path / "out"))
    assert 'public_address = "https://own.example"' in said
    assert "moved to https://own.example" in run(
        house, "--scheme", "acorns", "member", "add", "Dora", status=1
    )
    assert "Was really no copy" in run(house, "scheme", "move-out", "acorns", "--undo", status=1)
    run(house, "scheme", "move-out", "acorns", "--undo", "--yes")
    run(house, "--scheme", "acorns", "member", "add", "Dora")
    said = run(house, "scheme", "remove", "acorns")
    assert f"all of it is in {folder}" in said
    assert read_roster(house.data_dir) == ()
    assert (folder / "data" / "node.db").exists()
    again = next(line for line in said.splitlines() if "interlets scheme add" in line).split("interlets ", 1)[
        1
    ]
    run(house, *again.split())
    assert [each.name for each in read_roster(house.data_dir)] == ["acorns"]


def test_what_cannot_be_hosted_leaves_nothing_behind(house: Folder, tmp_path: Path) -> None:
    guest = make_folder(tmp_path / "acorns", "Acorns", "https://acorns.example", 8480)
    there = ("--folder", str(guest.path))
    run(house, "scheme", "add", "acorns", "--host", "acorns.example", *there)
    for command, said in (
        (("add", "brook", "--host", "oakvale.example"), "own scheme is found"),
        (("add", "brook", "--host", "oakvale.example:443"), "no host"),
        (("add", "brook", "--host", "acorns.example"), "another hosted scheme"),
        (("add", "acorns", "--host", "brook.example"), "another hosted scheme"),
        (("add", "brook", "--host", "brook.example", *there), "another hosted scheme"),
        (("add", "Brook", "--host", "brook.example"), "small letters"),
        (("add", "brook", "--host", "brook example"), "no host"),
        (
            ("add", "brook", "--host", "brook.example", "--folder", str(house.data_dir)),
            "one with the data folder",
        ),
        (
            ("add", "brook", "--host", "brook.example", "--folder", str(house.data_dir / "b")),
            "one with the data folder",
        ),
        (("remove", "brook"), "there are: acorns"),
        (("move-out", "acorns"), "say where to"),
        (("move-out", "acorns", "https://own.example"), "say where to"),
        (("move-out", "acorns", "ftp://own.example", "--to", str(tmp_path)), "not an address"),
        (("move-out", "acorns", "--undo", "--yes"), "did not move"),
    ):
        assert said in " ".join(run(house, "scheme", *command, status=1).split()), command
    assert [each.name for each in read_roster(house.data_dir)] == ["acorns"]
    assert not (tmp_path / "house" / "data-schemes").exists()
    assert "behind the command" in run(house, "--scheme", "acorns", "scheme", "list", status=1)
    assert "scheme add" in run(house, "--scheme", "acorns", "init", status=1)
    assert "there are: acorns" in run(house, "--scheme", "brook", "user", "link", "Ben", status=1)
    assert "there are: acorns" in run(house, "--scheme", "brook", "doctor", status=1)


def test_a_move_that_breaks_off_leaves_the_scheme_where_it_was(house: Folder, tmp_path: Path) -> None:
    """The backup is the last step that can fail; before it is there, nothing has moved."""
    guest = make_folder(tmp_path / "acorns", "Acorns", "https://acorns.example", 8480)
    run(house, "scheme", "add", "acorns", "--host", "acorns.example", "--folder", str(guest.path))
    run(house, "--scheme", "acorns", "member", "add", "Ana")
    (guest.data_dir / "keys" / "root.key").rename(tmp_path / "root.key")
    (tmp_path / "out").mkdir()
    run(house, "scheme", "move-out", "acorns", "https://own.example", "--to", str(tmp_path / "out"), status=1)
    assert not (guest.data_dir / "moved.json").exists()
    run(house, "--scheme", "acorns", "member", "add", "Ben")
