"""A scheme is made whole or not at all, whenever the power fails. Source: decision 0053."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from node.cli.admin import CannotDo
from node.cli.init import make_ready
from node.clock import SeededChance, SystemClock
from node.config import ConfigError, load
from node.founding import making
from node.founding.making import (
    CONFIG,
    FOUNDED,
    Answers,
    Founder,
    Prepared,
    Unfit,
    check_folder,
    finish,
    prepare,
)
from node.keyfiles import open_keys
from node.opening import open_node
from protocol.names import scheme_text


def answers(folder: Path, **changed: object) -> Answers:
    known: dict[str, object] = {
        "name": "Oakvale",
        "founders": (Founder(name="Rosa"),),
        "passphrase": "four words nobody guesses",
    }
    return Answers(**{**known, "data_dir": folder / "data", **changed})  # type: ignore[arg-type]  # whatever a test says


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a scheme is prepared, for each test to copy."""
    folder = tmp_path_factory.mktemp("kept")
    asyncio.run(prepare(folder / CONFIG, answers(folder), SeededChance("kept"), SystemClock()))
    return folder


def copied(kept: Path, folder: Path) -> Prepared:
    """Return what was prepared, in another folder; only the file's own word for the data directory differs."""
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    (stage,) = (folder / "data").iterdir()
    text = (stage / CONFIG).read_text().replace(str(kept), str(folder))
    (stage / CONFIG).write_text(text)
    return Prepared(target=folder / CONFIG, data_dir=folder / "data", stage=stage, words=(), made={})


class PowerFails(Exception):
    """At this moment."""


@pytest.mark.parametrize("at", range(12))
async def test_power_fails_at_any_rename(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Afterwards there is no scheme, or the next start of either command makes it whole."""
    ready, left = copied(kept, tmp_path), at

    def failing(real: Callable[..., object]) -> Callable[..., object]:
        def do(*given: object, **named: object) -> object:
            nonlocal left
            if not left:
                raise PowerFails
            left -= 1
            return real(*given, **named)

        return do

    with monkeypatch.context() as patched:
        for name in ("rename", "unlink"):
            patched.setattr(Path, name, failing(getattr(Path, name)))
        for name in ("sync_folder", "_write"):
            patched.setattr(making, name, failing(getattr(making, name)))
        patched.setattr(shutil, "rmtree", failing(shutil.rmtree))
        try:
            ready.commit()
        except PowerFails:
            assert at < 11, "it takes as many steps"
        else:
            assert not left or at >= 7
    committed = not ready.stage.exists()
    assert committed or not (tmp_path / CONFIG).exists()
    if not committed:
        assert not (tmp_path / "data" / "keys").exists()
        assert not finish(tmp_path / CONFIG, tmp_path / "data")
        return
    finish(tmp_path / CONFIG, tmp_path / "data")
    assert not (tmp_path / "data" / FOUNDED).exists()
    async with open_node(load(tmp_path / CONFIG)) as node:
        assert node.settings.now.name == "Oakvale"
    assert not finish(tmp_path / CONFIG, tmp_path / "data"), "nothing is left to do"


def test_what_was_committed_and_not_finished_is_finished_by_init(kept: Path, tmp_path: Path) -> None:
    ready = copied(kept, tmp_path)
    ready.stage.rename(tmp_path / "data" / FOUNDED)
    with pytest.raises(CannotDo, match="whole now"):
        make_ready(tmp_path / CONFIG, answers(tmp_path))
    assert scheme_text(open_keys(tmp_path / "data").keyring.scheme).startswith("lets1")


def test_of_two_founders_the_first_has_the_scheme(kept: Path, tmp_path: Path) -> None:
    first = copied(kept, tmp_path)
    other = tmp_path / "data" / ".founding-other"
    shutil.copytree(first.stage, other)
    second = Prepared(target=tmp_path / "other.toml", data_dir=first.data_dir, stage=other, words=(), made={})
    first.commit()
    with pytest.raises(CannotDo, match="exists"):
        second.commit()
    assert not (tmp_path / "other.toml").exists()
    assert not other.exists(), "nobody can go on with it"


@pytest.mark.parametrize("changed, trouble", [
    ({"passphrase": "short"}, Unfit), ({"name": "x" * 200}, ConfigError), ({"public_address": "oakvale"}, ConfigError),
    ({"founders": (Founder(name="Rosa", email="rosa"),)}, Exception),
])  # fmt: skip
def test_nothing_is_left_of_what_could_not_be_made(
    tmp_path: Path, changed: dict[str, object], trouble: type[Exception]
) -> None:
    with pytest.raises(trouble):
        asyncio.run(
            prepare(tmp_path / CONFIG, answers(tmp_path, **changed), SeededChance("x"), SystemClock())
        )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    """The service's data directory belongs to its user before there is a scheme."""
    (tmp_path / "data").mkdir()
    with pytest.raises(ConfigError):
        asyncio.run(
            prepare(tmp_path / CONFIG, answers(tmp_path, name="x" * 200), SeededChance("x"), SystemClock())
        )
    assert [path.name for path in tmp_path.rglob("*")] == ["data"]


def test_a_folder_for_backups(tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    data_dir = tmp_path / "data"
    assert check_folder(f"{tmp_path}/stick", data_dir) == tmp_path / "stick"
    assert check_folder(f"{tmp_path}/stick/books", data_dir) == tmp_path / "stick" / "books"
    for wrong in ("stick", f"{tmp_path}/other/books", f"{data_dir}/books"):
        with pytest.raises(Unfit):
            check_folder(wrong, data_dir)
