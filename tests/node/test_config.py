"""The configuration: one file, the environment over it, and plain words about every slip. Source: docs/operating.md."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from node.config import Config, ConfigError, example, find_file, load

SMALLEST = '[scheme]\nname = "Oakvale"\n[node]\ndata_dir = "data"\n'
ACORNS = (
    '[scheme]\nname = "R"\nunit = "decimal"\nunit_name = "Acorns"\nrate = 1200\n[node]\ndata_dir = "data"\n'
)


def read(tmp_path: Path, text: str, **environment: str) -> Config:
    path = tmp_path / "interlets.toml"
    path.write_text(text)
    return load(path, environment)


def problems(tmp_path: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as wrong:
        read(tmp_path, text, **environment)
    return wrong.value.problems


def test_two_lines_are_enough(tmp_path: Path) -> None:
    config = read(tmp_path, SMALLEST)

    assert config.node.data_dir == tmp_path / "data"
    assert config.node.origin == "http://127.0.0.1:8480"
    assert config.federation.neighbours_max == 12
    seed = config.scheme.seed(config.node)
    assert (seed.name, seed.unit_kind, seed.minor_per_hour, seed.credit_limit) == (
        "Oakvale",
        "hours",
        60,
        600,
    )


def test_a_unit_of_ones_own_seeds_its_rate_and_limits(tmp_path: Path) -> None:
    config = read(tmp_path, ACORNS)

    seed = config.scheme.seed(config.node)
    assert (seed.unit_name, seed.unit_symbol, seed.decimals, seed.minor_per_hour) == (
        "Acorns",
        "Acorns",
        2,
        1200,
    )
    assert seed.credit_limit == 12_000


@pytest.mark.parametrize("text, problem", [
    ('[skeme]\nname = "x"\n' + SMALLEST, "unknown section [skeme]; did you mean [scheme]?"),
    (SMALLEST + "listen_prt = 1\n", "unknown key listen_prt in [node]; did you mean listen_port?"),
    (SMALLEST + "zzz = 1\n", "unknown key zzz in [node]"),
    ("mail = 1\n" + SMALLEST, "mail is a section: write [mail] and its keys below"),
    ('[node]\ndata_dir = "d"\n', "the section [scheme] is missing"),
    ('[scheme]\nname = "O"\n[node]\n', "[node] data_dir is missing"),
    (SMALLEST + "listen_port = 70000\n", "[node] listen_port: Input should be less than or equal to 65535"),
    (SMALLEST + 'public_address = "oakvale.example"\n',
     "[node] public_address: not an address as https://host or https://host:port"),
    (ACORNS.replace("rate = 1200\n", ""),
     "[scheme]: a unit of your own needs unit_name and rate (how many of its smallest part are an hour)"),
    (SMALLEST.replace("[node]", "rate = 50\n[node]"),
     "[scheme]: where hours are counted, one hour is 60 minutes: leave rate out"),
    (SMALLEST + '[mail]\nhost = "mail.example.org"\n', "[mail]: sender is the address that mail comes from; give one"),
])  # fmt: skip
def test_every_slip_is_told_in_a_sentence(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]


def test_all_slips_are_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, SMALLEST + "a_a = 1\nb_b = 2\n", INTERLETS_NODE__C="3")

    assert len(found) == 3


def test_what_is_no_toml_and_what_is_not_there(tmp_path: Path) -> None:
    assert "is not written as TOML" in problems(tmp_path, "name = ")[0]
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "absent.toml", {})


def test_the_environment_wins_key_by_key(tmp_path: Path) -> None:
    config = read(
        tmp_path, SMALLEST, INTERLETS_NODE__LISTEN_PORT="9000", INTERLETS_SCHEME__LANGUAGES="en, de",
        INTERLETS_FEDERATION__LAN_DISCOVERY="true", INTERLETS_LOG__FORM="json", PATH="/bin",
        INTERLETS_CRASH_AT="lock-committed:1", INTERLETS_TEST_ALL="1", INTERLETS_CONFIG="x",
    )  # fmt: skip

    assert config.node.listen_port == 9000
    assert config.scheme.languages == ("en", "de")
    assert config.federation.lan_discovery is True
    assert config.log.form == "json"


@pytest.mark.parametrize("name, hint", [
    ("INTERLETS_NODE__LISTENPORT", "; did you mean INTERLETS_NODE__LISTEN_PORT?"),
    ("INTERLETS_CRASHAT", "; did you mean INTERLETS_CRASH_AT?"),
    ("INTERLETS_NODE_DATA_DIR", "; did you mean INTERLETS_NODE__DATA_DIR?"),
])  # fmt: skip
def test_an_unknown_variable_is_an_error(tmp_path: Path, name: str, hint: str) -> None:
    assert problems(tmp_path, SMALLEST, **{name: "1"}) == [f"unknown variable {name}{hint}"]


def test_a_secret_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")

    config = read(tmp_path, SMALLEST, INTERLETS_MAIL__PASSWORD_FILE=str(secret))

    assert config.mail.password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(config)
    assert (
        "cannot be read"
        in problems(tmp_path, SMALLEST, INTERLETS_MAIL__PASSWORD_FILE=str(tmp_path / "no"))[0]
    )
    assert "hunter2" not in problems(tmp_path, SMALLEST + "[mail]\nport = 'hunter2'\n")[0]


def test_the_file_is_the_one_given_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="interlets init"):
        find_file(None, {})
    Path("interlets.toml").write_text(SMALLEST)

    assert find_file(None, {}) == Path("interlets.toml")
    assert find_file(None, {"INTERLETS_CONFIG": "b.toml"}) == Path("b.toml")
    assert find_file(Path("a.toml"), {"INTERLETS_CONFIG": "b.toml"}) == Path("a.toml")


@pytest.mark.parametrize("name", ["Oakvale", 'O"ak\\vale', "Öak\tvale\n", "{0} % $HOME", "\x7f"])
def test_a_written_file_reads_back(name: str) -> None:
    text = example(
        {"name": name, "languages": ["en", "de"], "rate": 60}, {"data_dir": "data", "behind_proxy": True}
    )

    data = tomllib.loads(text)
    assert data["scheme"] == {"name": name, "languages": ["en", "de"], "rate": 60}
    assert data["node"] == {"data_dir": "data", "behind_proxy": True}
