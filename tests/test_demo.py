"""The town of scripts/demo: what was invented, the browser that reads pages, the processes; and the whole check."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from node import crash
from protocol.categories import CODES
from scripts.town.check import CRASHES
from scripts.town.filling import email
from scripts.town.pages import Unexpected, read_page
from scripts.town.plan import read_town
from scripts.town.processes import free_ports, until
from tests.sources import ROOT

PAGE = """<!doctype html><html><head><title>Record a trade – Oakvale</title><style>p {}</style></head><body>
<h1>What did <b>Karim</b> do?</h1><p>Nothing moves<br>yet.</p>
<form method="post" action="/record/what"><input type="hidden" name="form_token" value="a&amp;b">
<input name="what" value="Plum jam"><textarea name="text">
two
lines</textarea><select name="per"><option value="item">a</option><option value="hour" selected>b</option></select>
<input type="radio" name="kind" value="offer"><input type="radio" name="kind" value="want" checked>
<input type="checkbox" name="agree" value="yes"><button name="go" value="on">Next: <b>check</b></button></form>
<table><tr><td><a href="/t/ABC-DEF-GHJ">Plum jam</a><br>6.00 Acorns</td><td>−30 min</td></tr></table>
<script>document.write("no")</script></body></html>"""


def test_the_town_is_whole() -> None:
    """Three schemes, some sixty listings, each in a category that pages can name; nobody owes themselves."""
    town = read_town()
    assert [scheme.key for scheme in town] == ["oakvale", "hilltop", "riverside"]
    listings = [each for scheme in town for member in scheme.members for each in member.listings]
    assert 55 <= len(listings) <= 70
    assert {each.category for each in listings} <= set(CODES)
    assert all(trade.payer != trade.payee for scheme in town for trade in scheme.trades)


def test_nobody_begins_beyond_the_limits() -> None:
    """Ten hours below zero, at any moment, so that filling a scheme never meets a refusal."""
    for scheme in read_town():
        balances: Counter[str] = Counter()
        for trade in scheme.trades:
            balances[trade.payer] -= trade.amount
            balances[trade.payee] += trade.amount
            assert balances[trade.payer] >= -10 * scheme.per_hour, trade


def test_addresses_of_invented_people_lead_nowhere() -> None:
    addresses = [email(scheme, member.name) for scheme in read_town() for member in scheme.members]
    assert len(set(addresses)) == len(addresses)
    assert all(address.isascii() and address.endswith(".example") for address in addresses)


def test_every_crash_is_at_a_point_of_the_code() -> None:
    assert {each.point.partition(":")[0] for each in CRASHES} <= set(crash.TRADE_POINTS)


def test_a_page_is_read_as_people_read_it() -> None:
    page = read_page("http://127.0.0.1/record/what", 200, PAGE)
    assert page.title == "Record a trade – Oakvale"
    assert page.heading == "What did Karim do?"
    assert "Nothing moves yet." in page.text
    assert "no" not in page.text.split()
    form = page.form("^/record/what$")
    assert form.fields == {
        "form_token": "a&b", "what": "Plum jam", "text": "two\nlines", "per": "hour", "kind": "want"
    }  # fmt: skip
    assert form.names == {*form.fields, "agree"}
    assert form.buttons == [("Next: check", "go", "on")]
    assert page.link("Plum", "^/t/").href == "/t/ABC-DEF-GHJ"
    assert page.rows == [(["Plum jam 6.00 Acorns", "−30 min"], {"/t/ABC-DEF-GHJ"})]


def test_a_page_that_is_another_one_is_an_error() -> None:
    page = read_page("http://127.0.0.1/", 200, PAGE)
    with pytest.raises(Unexpected):
        page.form("/admin")
    with pytest.raises(Unexpected):
        page.link("Quince")
    with pytest.raises(Unexpected):
        page.must_say("What did Karim do?", "Done")


async def test_waiting_ends_with_the_first_true_answer() -> None:
    answers = iter((0, 0, 7))

    async def ask() -> int:
        return next(answers)

    assert await until(ask, "an answer", 5, every_s=0) == 7


def test_ports_are_free_and_different() -> None:
    ports = free_ports([None, None, None])
    assert len(set(ports)) == 3
    assert free_ports([ports[0]]) == (ports[0],)


def test_the_launcher_names_what_it_starts() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "scripts.town", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    launcher = Path(ROOT / "scripts" / "demo").read_text()
    for option in ("--check", "--keep"):
        assert option in said
        assert option in launcher


@pytest.mark.slow
def test_the_check_of_the_demo_holds() -> None:
    """Purchases across three processes, four of them with a process killed in the middle."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.town", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
