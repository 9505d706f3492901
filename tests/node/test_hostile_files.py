"""Files that a command reads, damaged: what is wrong is said, and never by a traceback. Rule 0.5."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto.keyfile import Cost
from node.clock import SeededChance
from node.config import ConfigError, load
from node.keyfiles import FOLDER, KeysUnusable, make_keys, open_keyring, open_keys, open_root_key
from node.simulation.records import BadRecords, read_records
from tests.builders import NOW
from tests.damage import damaged_bytes

CHEAP = Cost(memory_kib=8, iterations=1, lanes=1)
PASSPHRASE = "apples keep all winter"
CONFIG = b"""[scheme]
name = "Oakvale"
unit = "hours"
[node]
data_dir = "data"
listen_port = 8480
[federation]
allow_lan_addresses = true
addresses = ["https://oakvale.example"]
[mail]
host = "mail.example.org"
sender = "a@example.org"
"""
per_test = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def told_by(read: Callable[[], object], kind: type[Exception]) -> str | None:
    """Return what is said of what cannot be read, None if it can; any other error is a failure."""
    try:
        read()
    except kind as error:
        return str(error)
    return None


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a whole scheme."""
    folder = tmp_path_factory.mktemp("keys") / "data"
    make_keys(folder, PASSPHRASE, SeededChance("keys"), NOW, cost=CHEAP)
    return folder


@per_test
@given(seed=st.integers(0, 2**32))
def test_a_damaged_configuration_is_a_configuration_or_told(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "interlets.toml"
    path.write_bytes(damaged_bytes(CONFIG, Random(seed)))
    assert told_by(lambda: load(path, {}), ConfigError) != ""


@per_test
@given(st.binary(max_size=300))
def test_any_bytes_are_a_configuration_or_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "interlets.toml"
    path.write_bytes(data)
    assert told_by(lambda: load(path, {}), ConfigError) != ""


@pytest.mark.parametrize("name", ["machine.key", "online.key", "root.key", "identity.log"])
def test_damaged_keys_are_told(keys: Path, tmp_path: Path, name: str) -> None:
    """Every file, damaged in many ways and replaced by nothing, by much, and by a folder."""
    folder = tmp_path / "data"
    shutil.copytree(keys, folder)
    path = folder / FOLDER / name
    whole = path.read_bytes()
    chance = Random(name)
    for number in range(120):
        spoilt = (
            (b"", b"\0" * 100_000, whole + whole, b"\xff")[number]
            if number < 4
            else damaged_bytes(whole, chance)
        )
        path.write_bytes(spoilt)
        _told(folder, spoilt == whole)
    path.unlink()
    path.mkdir()
    _told(folder, same=False)


def _told(folder: Path, same: bool) -> None:
    for read in (
        lambda: open_keys(folder, {}),
        lambda: open_keyring(folder),
        lambda: open_root_key(folder, PASSPHRASE),
    ):
        told = told_by(read, KeysUnusable)
        assert told != ""
        assert not (same and told)


@per_test
@given(accounts=st.binary(max_size=200), trades=st.binary(max_size=200))
def test_damaged_records_are_told(tmp_path: Path, accounts: bytes, trades: bytes) -> None:
    """What scripts/replay reads."""
    paths = tmp_path / "accounts.csv", tmp_path / "trades.csv"
    for path, head, data in zip(
        paths,
        (b"account,scheme\n", b"seq,payer,payee,amount_centi,payer_scheme,payee_scheme\n"),
        (accounts, trades),
        strict=True,
    ):
        path.write_bytes(head + data)
    assert told_by(lambda: read_records(*paths, None), BadRecords) != ""
