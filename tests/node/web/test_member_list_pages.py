"""Members as the desk lists them: those to look after, one card each, and a table. Source: docs/pages.md 7.3."""

from __future__ import annotations

import csv
import io
import re

from node.services.acts import OPERATOR
from node.services.members import NewMember
from node.services.paper_notes import put_note
from node.services.trades import NewTrade
from node.store import Tx
from protocol.limits import DAY_MS
from protocol.market import AskingPrice, Listing
from tests.node.web.oakvale import Oakvale, text, words_of


def named(page: str) -> list[str]:
    return re.findall(r'<a href="/admin/members/\d+">([^<]+)</a>', page)


async def test_those_to_look_after_are_found(oakvale: Oakvale) -> None:
    node, town = oakvale.town.node, oakvale.town
    george = await node.people.add(OPERATOR, NewMember(name="George", phone="01632 960 456"))
    await oakvale.record("Bike repair", "1:30")
    town.clock.now += 80 * DAY_MS
    await node.trades.record(
        NewTrade(
            payer_no=oakvale.maud.account_no, payee_no=oakvale.rosa.account_no, amount=5, text="Eggs", entered_by="Maud",
            proved_by="pin", once=b"0123456789abcdef", payer_name="Maud", payee_name="Rosa",
        )
    )  # fmt: skip
    town.clock.now += 20 * DAY_MS
    content = Listing(
        kind="offer", title="Jam", text="Plum.", category="food", price=AskingPrice(amount=30, per="item"), language="en",
        place=None, owner="Ana",
    )  # fmt: skip
    await node.market.post(oakvale.ana.no, content)
    await node.people.set_limits(OPERATOR, oakvale.ana.no, 60, None, why="asked for it")
    await node.people.set_limits(OPERATOR, oakvale.ben.no, 600, 10, why="asked for it")

    def note(tx: Tx) -> None:
        put_note(tx, george.no, "Something", now_ms=1, by_no=None)

    await node.store.write(note)
    rosa = await town.browser_of(oakvale.rosa)
    for show, names in (
        ("", ["Ana", "Ben", "George", "Maud", "Rosa"]),
        ("no-mail", ["George"]),
        ("no-trade", ["Ana", "Ben", "George"]),
        ("quiet", ["Ana", "Ben", "George", "Maud"]),
        ("no-offers", ["Ben", "George", "Maud", "Rosa"]),
        ("beyond", ["Ana", "Ben"]),
        ("to-tell", ["George"]),
        ("paused", []),
        ("nonsense", ["Ana", "Ben", "George", "Maud", "Rosa"]),
    ):
        assert named(await text(rosa, f"/admin/members?show={show}")) == names, show
    assert named(await text(rosa, "/admin/members?show=no-offers&q=geo")) == ["George"]
    card = words_of(await text(rosa, f"/admin/members/{oakvale.ana.no}"))
    assert "Offers and wants now 1" in card
    assert "Last gave or received" in card
    assert "Last gave or received never" in words_of(await text(rosa, f"/admin/members/{george.no}"))


async def test_the_list_as_a_table(oakvale: Oakvale) -> None:
    """Everybody of the list, and nothing a spreadsheet takes for a formula."""
    new = NewMember(name="=George", phone="+44 1632 960 456", address="3 Mill Lane\nOakvale")
    await oakvale.town.node.people.add(OPERATOR, new)
    await oakvale.record("Bike repair", "1:30")
    rosa = await oakvale.town.browser_of(oakvale.rosa)
    answer = await rosa.get("/admin/members.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO((await answer.text()).removeprefix("\ufeff"))))
    assert {row["name"]: row["balance"] for row in rows} == {
        "Ana": "-90", "Ben": "90", "Maud": "0", "Rosa": "0", "'=George": "0"
    }  # fmt: skip
    (george,) = [row for row in rows if "George" in row["name"]]
    assert (george["phone"], george["address"], george["reach"]) == (
        "'+44 1632 960 456",
        "3 Mill Lane, Oakvale",
        "phone",
    )
    assert (george["lowest"], george["highest"], george["unit"]) == ("-600", "2400", "minutes")
    answer = await rosa.get("/admin/members.csv?show=no-mail")
    assert (await answer.text()).count("\r\n") == 2
