"""Figures for programs that watch. Source: docs/operating.md, "Watching"."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.app import DATABASE
from node.metrics import CONTENT_TYPE, Metric, make_app
from node.services.acts import OPERATOR
from tests.node.web.towns import Town, open_town
from tests.sources import ROOT

SAMPLE = re.compile(r"^(interlets_[a-z_]+)(\{[^}]*\})? (-?[0-9.e+-]+)$")


@pytest.fixture
async def town():
    async with open_town() as made:
        yield made


async def figures_of(town: Town, folder: Path) -> tuple[str, dict[str, float]]:
    async with TestClient(TestServer(make_app(town.node, folder))) as watcher:
        answer = await watcher.get("/metrics")
        text = await answer.text()
        assert answer.headers["Content-Type"] == CONTENT_TYPE
        assert (await watcher.get("/")).status == 404
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = [SAMPLE.match(line) for line in lines]
    assert all(found), text
    return text, {match[1]: float(match[3]) for match in found if match is not None}


async def test_they_are_counts_sizes_and_ages_and_name_nobody(town: Town, tmp_path: Path) -> None:
    await town.member("Ana")
    (tmp_path / DATABASE).write_bytes(b"x" * 1000)
    text, figures = await figures_of(town, tmp_path)
    assert "Ana" not in text
    assert (
        figures["interlets_imbalance"],
        figures["interlets_copy_late"],
        figures["interlets_maintenance"],
    ) == (0, 1, 0)
    assert figures["interlets_database_bytes"] == 1000
    assert "interlets_database_log_bytes" not in figures, "what is not known is left out"
    assert figures["interlets_memory_bytes"] > 10_000_000

    await town.node.settings.change(OPERATOR, maintenance=True)
    _, later = await figures_of(town, tmp_path)
    assert later["interlets_maintenance"] == 1
    assert later["interlets_cpu_seconds_total"] >= figures["interlets_cpu_seconds_total"]


async def test_each_is_explained_once_and_the_dashboard_and_the_guide_name_real_ones(
    town: Town, tmp_path: Path
) -> None:
    (tmp_path / DATABASE).touch()
    text, figures = await figures_of(town, tmp_path)
    explained = re.findall(r"^# HELP (\S+) \S.*\.$", text, re.MULTILINE)
    assert explained == re.findall(r"^# TYPE (\S+) (?:gauge|counter)$", text, re.MULTILINE) == list(figures)
    known = {
        *figures,
        "interlets_copy_age_seconds",
        "interlets_backup_age_seconds",
        "interlets_database_log_bytes",
    }
    dashboard = json.loads((ROOT / "scripts/deploy/dashboard.json").read_text("utf-8"))
    shown = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    guide = (ROOT / "docs/operating.md").read_text("utf-8")
    assert set(re.findall(r"interlets_[a-z_]+", shown)) <= known
    assert set(re.findall(r"`(interlets_[a-z_]+)`", guide)) <= known


def test_what_a_label_holds_cannot_end_its_line() -> None:
    lines = list(Metric("info", "Text.", 1, labels={"version": 'a"b\\c\nd'}).lines())
    assert lines[-1] == 'interlets_info{version="a\\"b\\\\c\\nd"} 1'
