"""Reports of the desk: what happened, in tables with bars and for a spreadsheet. Source: docs/pages.md 7.3."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.services.acts import OPERATOR
from node.services.members import NewMember
from node.services.scheme_report import BINS_MAX, bins_of
from node.services.trades import NewTrade
from protocol.limits import AMOUNT_MAX, DAY_MS
from protocol.market import AskingPrice, Listing
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.towns import Browser


async def trade(oakvale: Oakvale, amount: int, key: bytes, what: str = "Eggs") -> None:
    """Let Maud pay Ana."""
    await oakvale.town.node.trades.record(
        NewTrade(
            payer_no=oakvale.maud.account_no, payee_no=oakvale.ana.account_no, amount=amount, text=what, entered_by="Maud",
            proved_by="pin", once=key * 16, payer_name="Maud", payee_name="Ana",
        )
    )  # fmt: skip


async def rows(browser: Browser, of: str, query: str = "") -> list[dict[str, str]]:
    answer = await browser.get(f"/desk/figures.csv?of={of}{query}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO((await answer.text()).removeprefix("\ufeff"))))


async def test_what_happened_is_told_in_tables(oakvale: Oakvale) -> None:
    """By month, by who helped and who was helped, by balance; what was put right is as if it had not been."""
    await oakvale.record("Bike repair", "1:30")
    await trade(oakvale, 30, b"a")
    await trade(oakvale, 300, b"b", "Wrong")
    wrong = (await oakvale.town.node.trades.newest(oakvale.maud.account_no))[0]
    await oakvale.town.node.trades.correct(
        wrong.no, organiser="Rosa", on_behalf_of="Maud", reason="typed wrong", once=b"c" * 16
    )
    rosa = await oakvale.town.browser_of(oakvale.rosa)
    page = words_of(await text(rosa, "/desk/figures"))
    assert "Trades in that time 2 Moved in all 2 hours People who traded 3" in page
    assert "Furthest behind −1 h" in page
    assert "Furthest ahead +1 h 30" in page
    assert "People 3 Moved 2 h Trades 2" in await labelled(rosa, "Month by month")
    assert (await labelled(rosa, "Who helped others most")).startswith(
        "Who helped others most Name Trades For help given Ben Trades 1 For help given 1 h 30 Ana"
    )
    assert (await labelled(rosa, "Who was helped most")).startswith(
        "Who was helped most Name Trades For help received Ana Trades 2 For help received 1 h 30 Maud"
    )
    helped = {
        row["name"]: (row["help_given"], row["help_received"], row["trades"])
        for row in await rows(rosa, "givers")
    }
    assert helped == {"Ana": ("30", "90", "2"), "Ben": ("90", "0", "1"), "Maud": ("0", "30", "1")}
    assert helped.keys() == {row["name"] for row in await rows(rosa, "needers")}
    (month,) = await rows(rosa, "activity")
    assert (month["trades"], month["people"], month["moved"], month["unit"]) == ("2", "3", "120", "minutes")
    balances = {row["balance"]: row["members"] for row in await rows(rosa, "balances")}
    assert balances == {"-60": "1", "-30": "1", "0": "1", "90": "1"}


async def labelled(browser: Browser, caption: str) -> str:
    """Return a table's words, each number with the label that a narrow page shows."""
    page = await text(browser, "/desk/figures")
    (found,) = [
        each for each in re.findall(r"<section>.*?</section>", page, re.DOTALL) if f"<h2>{caption}" in each
    ]
    return words_of(re.sub(r'data-label="([^"]+)">', r">\1 ", found))


async def test_only_the_time_that_was_asked_for(oakvale: Oakvale) -> None:
    await trade(oakvale, 30, b"a")
    oakvale.town.clock.now += 40 * DAY_MS
    await trade(oakvale, 45, b"b")
    rosa = await oakvale.town.browser_of(oakvale.rosa)
    assert [row["moved"] for row in await rows(rosa, "activity")] == ["30", "45"]
    first, second = (row["month"] for row in await rows(rosa, "activity"))
    only = await rows(rosa, "activity", f"&from={second}-01")
    assert [(row["month"], row["moved"]) for row in only] == [(second, "45")]
    nothing = await text(rosa, "/desk/figures?from=1999-01-01&to=1999-12-31")
    assert "No trades in that time." in words_of(nothing)
    assert first < second
    wrong = await text(rosa, "/desk/figures?from=yesterday")
    assert "This is not a day." in words_of(wrong)
    assert (await rosa.get("/desk/figures.csv?of=everything")).status == 404


async def test_what_is_on_the_board_and_whom_to_look_after(oakvale: Oakvale) -> None:
    node = oakvale.town.node
    await node.people.add(OPERATOR, NewMember(name="George", phone="1"))
    for owner, kind, category in (
        (oakvale.ana, "offer", "food"),
        (oakvale.ana, "want", "food"),
        (oakvale.ben, "offer", "garden"),
    ):
        content = Listing(
            kind=kind, title="Jam", text="", category=category, price=AskingPrice(amount=30, per="item"), language="en",
            place=None, owner=owner.name,
        )  # fmt: skip
        await node.market.post(owner.no, content)
    await trade(oakvale, 30, b"a")
    rosa = await oakvale.town.browser_of(oakvale.rosa)
    said = await labelled(rosa, "What is on the board, now")
    assert "Food and cooking Offers 1 Wants 1 In all 2 Garden and land Offers 1 Wants 0 In all 1" in said
    counted = {(row["category"], row["kind"]): row["listings"] for row in await rows(rosa, "categories")}
    assert counted == {("food", "offer"): "1", ("food", "want"): "1", ("garden", "offer"): "1"}
    without = {row["members"]: row["count"] for row in await rows(rosa, "without")}
    assert without == {"no-trade": "3", "no-offers": "3", "neither": "2", "beyond": "0"}
    page = await text(rosa, "/desk/figures")
    for which, count in without.items():
        assert f'href="/admin/members?show={which}"' in page
        listed = await text(rosa, f"/admin/members?show={which}")
        assert len(re.findall(r'<a href="/admin/members/\d+">', listed)) == int(count)


async def test_bars_are_drawn_by_the_server(oakvale: Oakvale) -> None:
    """The longest is whole, and none is longer; a reader who sees none has the numbers."""
    await trade(oakvale, 30, b"a")
    await oakvale.record("Bike repair", "1:30")
    rosa = await oakvale.town.browser_of(oakvale.rosa)
    page = await text(rosa, "/desk/figures")
    for table in re.findall(r"<table>.*?</table>", page, re.DOTALL):
        bars = [int(width) for width in re.findall(r'<rect class="gauge-they" width="(\d+)"', table)]
        assert max(bars) in (0, 100)
    assert page.count('<svg viewBox="0 0 100 10"') == page.count('aria-hidden="true" focusable="false"><rect')


@pytest.mark.parametrize(
    ("balances", "edges"), [([0], [0]), ([-90, -60, 0, 59, 500], [-120, -60, 0, 60]), ([], [])]
)
def test_balances_stand_in_steps(balances: list[int], edges: list[int]) -> None:
    found = bins_of(sorted(balances), 60)
    assert [each.low for each in found][: len(edges)] == edges


@given(st.lists(st.integers(-AMOUNT_MAX, AMOUNT_MAX), max_size=40), st.sampled_from([1, 60, 100]))
def test_every_balance_is_in_one_step(balances: list[int], unit: int) -> None:
    found = bins_of(sorted(balances), unit)
    assert len(found) <= BINS_MAX
    assert sum(each.members for each in found) == len(balances)
    for each in found:
        assert not each.low < 0 < each.high
        assert each.members == sum(each.low <= balance < each.high for balance in balances)
