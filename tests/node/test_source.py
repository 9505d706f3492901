"""The source that a node offers is that of what runs. Source: LICENSE, section 13."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from node.source import BESIDE, archive
from tests.node.web.towns import open_town
from tests.sources import ROOT


def files_of(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        read = {each.name.removeprefix("interlets/"): tar.extractfile(each) for each in tar.getmembers()}
        return {name: file.read() for name, file in read.items() if file is not None}


def test_it_holds_every_file_that_runs_as_it_is_and_what_installs_it() -> None:
    held = files_of(archive())
    listed = subprocess.run(
        ["git", "ls-files", "node", "protocol", "crypto", *BESIDE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert set(listed) <= set(held)
    for name in listed:
        assert held[name] == (ROOT / name).read_bytes(), name
    assert not [name for name in held if "__pycache__" in name or name.endswith((".pyc", ".toml.bak"))]
    assert len(archive()) < 3_000_000


def test_the_same_source_gives_the_same_bytes() -> None:
    assert archive.__wrapped__() == archive()


async def test_anybody_can_have_it_from_the_foot_of_every_page() -> None:
    async with open_town() as town:
        browser = town.browser()
        page = await (await browser.get("/")).text()
        assert 'href="/about"' in page
        assert 'href="/about/source"' in await (await browser.get("/about")).text()
        answer = await browser.get("/about/source")
        assert answer.headers["Content-Type"] == "application/gzip"
        assert files_of(await answer.read()) == files_of(archive())


@pytest.mark.slow
def test_what_was_saved_can_be_built_and_offers_itself_again(tmp_path: Path) -> None:
    """A built package has no folder beside it, so it carries what its source needs."""
    source = tmp_path / "source"
    for name, data in files_of(archive()).items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", tmp_path, source], check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as built:
        built.extractall(unpacked)
    code = "import sys; from node.source import archive; sys.stdout.buffer.write(archive())"
    again = subprocess.run(
        [sys.executable, "-c", code],
        cwd=unpacked,
        env={"PYTHONPATH": str(unpacked)},
        capture_output=True,
        check=True,
    ).stdout
    assert files_of(again) == files_of(archive())
