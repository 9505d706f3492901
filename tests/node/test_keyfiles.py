"""Keys on disk: made once, whole or not at all; opened unattended; the sheet makes the next root. Source: docs/protocol.md 2.2."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crypto.keyfile import Cost
from crypto.words import from_words
from node.clock import SeededChance
from node.keyfiles import (
    FOLDER,
    KeysUnusable,
    draw_keys,
    exposed_files,
    make_keys,
    next_root_key,
    open_keyring,
    open_keys,
    open_root_key,
    recovery_key,
)
from protocol.identity import advance, make_rotate
from protocol.identity_events import PURPOSES, RECOVERY, SEAL, SIGNING_PURPOSES, next_key_digest
from tests.builders import NOW

CHEAP = Cost(memory_kib=8, iterations=1, lanes=1)
PASSPHRASE = "apples keep all winter"


def made(folder: Path, seed: str = "keys"):  # type: ignore[no-untyped-def]  # a pair of what make_keys says
    return make_keys(folder, PASSPHRASE, SeededChance(seed), NOW, cost=CHEAP)


def test_what_is_made_opens_again(tmp_path: Path) -> None:
    keys, words = made(tmp_path / "data")

    again = open_keys(tmp_path / "data", {})

    assert len(words) == 24
    assert again.pepper == keys.pepper
    assert (again.keyring.scheme, again.keyring.log) == (keys.keyring.scheme, keys.keyring.log)
    assert {p: (s, k.seed()) for p, (s, k) in again.keyring.signing.items()} == {
        p: (s, k.seed()) for p, (s, k) in keys.keyring.signing.items()
    }
    assert again.keyring.seal[1].public == keys.keyring.seal[1].public
    assert open_keyring(tmp_path / "data").scheme == keys.keyring.scheme


def test_every_purpose_is_delegated_in_order() -> None:
    ring = draw_keys(SeededChance(1), NOW).keys.keyring

    assert [delegation.purpose for delegation in ring.identity.delegations] == list(PURPOSES)
    assert [delegation.seq for delegation in ring.identity.delegations] == list(range(1, len(PURPOSES) + 1))
    for purpose in SIGNING_PURPOSES:
        seq, key = ring.signing[purpose]
        assert ring.identity.key_for(purpose, seq) == key.public
    by_purpose = {each.purpose: each for each in ring.identity.delegations}
    assert by_purpose[SEAL].public_key == ring.seal[1].public
    assert by_purpose[SEAL].seq == ring.seal[0]


def test_the_sheet_alone_rotates_the_root_and_opens_what_is_sealed_for_recovery(tmp_path: Path) -> None:
    keys, words = made(tmp_path / "data")
    identity = keys.keyring.identity

    sheet = from_words(" ".join(words))
    rotation = make_rotate(identity, next_root_key(sheet), next_key_digest(bytes(32)), NOW)

    assert advance(identity, rotation.wire).root.key == next_root_key(sheet).public
    (recovery,) = (each for each in identity.delegations if each.purpose == RECOVERY)
    assert recovery.public_key == recovery_key(sheet).public


def test_what_two_keys_are_derived_from_gives_away_neither() -> None:
    assert next_root_key(bytes(32)).seed() != recovery_key(bytes(32)).secret() != bytes(32)


def test_the_sheet_is_on_no_disk(tmp_path: Path) -> None:
    _, words = made(tmp_path / "data")
    sheet = from_words(" ".join(words))

    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())

    for secret in (sheet, next_root_key(sheet).seed(), recovery_key(sheet).secret()):
        assert secret not in stored


def test_the_root_key_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    keys, _ = made(tmp_path / "data")

    assert open_root_key(tmp_path / "data", PASSPHRASE).public == keys.keyring.identity.root.key
    with pytest.raises(KeysUnusable, match="passphrase is wrong"):
        open_root_key(tmp_path / "data", "pears")


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        made(tmp_path / "data")
    finally:
        os.umask(old)

    assert exposed_files(tmp_path / "data") == []
    (tmp_path / "data" / FOLDER / "online.key").chmod(0o644)
    assert [path.name for path in exposed_files(tmp_path / "data")] == ["online.key"]


def test_keys_are_made_once(tmp_path: Path) -> None:
    keys, _ = made(tmp_path / "data")

    with pytest.raises(KeysUnusable, match="has its keys"):
        made(tmp_path / "data", "others")
    assert open_keyring(tmp_path / "data").scheme == keys.keyring.scheme


def test_an_interrupted_making_is_begun_anew(tmp_path: Path) -> None:
    left = tmp_path / "data" / f"{FOLDER}.making"
    left.mkdir(parents=True)
    (left / "machine.key").write_bytes(bytes(32))

    made(tmp_path / "data")

    assert not left.exists()
    open_keyring(tmp_path / "data")


@pytest.mark.parametrize("name, data, what", [
    ("machine.key", bytes(32), "another machine key"),
    ("machine.key", b"", "another machine key"),
    ("machine.key", None, "cannot be read"),
    ("online.key", b"\x00", "damaged"),
    ("identity.log", b"\x00", "do not fit together"),
    ("identity.log", b"\x90", "do not fit together"),
    ("identity.log", None, "cannot be read"),
])  # fmt: skip
def test_what_is_damaged_is_told(tmp_path: Path, name: str, data: bytes | None, what: str) -> None:
    made(tmp_path / "data")
    path = tmp_path / "data" / FOLDER / name
    path.unlink()
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(KeysUnusable, match=what):
        open_keys(tmp_path / "data", {})


def test_keys_of_two_schemes_do_not_mix(tmp_path: Path) -> None:
    made(tmp_path / "one", "one")
    made(tmp_path / "two", "two")
    other = (tmp_path / "two" / FOLDER / "identity.log").read_bytes()
    (tmp_path / "one" / FOLDER / "identity.log").write_bytes(other)

    with pytest.raises(KeysUnusable, match="not the one delegated"):
        open_keys(tmp_path / "one", {})


def test_a_systemd_credential_takes_the_place_of_the_machine_key(tmp_path: Path) -> None:
    keys, _ = made(tmp_path / "data")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (tmp_path / "data" / FOLDER / "machine.key").rename(credentials / "interlets-machine-key")

    opened = open_keys(tmp_path / "data", {"CREDENTIALS_DIRECTORY": str(credentials)})

    assert opened.keyring.scheme == keys.keyring.scheme
    with pytest.raises(KeysUnusable):
        open_keys(tmp_path / "data", {})


def test_nothing_secret_shows_in_a_log(tmp_path: Path) -> None:
    keys, _ = made(tmp_path / "data")

    assert keys.pepper.hex() not in repr(keys)
    assert repr(keys.pepper) not in repr(keys)
