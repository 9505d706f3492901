"""Past trades from the file on the desk to the member's statement, on the page, as a table and on paper. Decision 51."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from node.importing.layouts import Layout
from node.services.acts import OPERATOR, Role
from node.services.import_rows import Remainder
from node.services.members import Member, find_members
from tests.node.services.test_imports import EVEN
from tests.node.web.oakvale import fields_of, words_of
from tests.node.web.oakvale import text as text_of
from tests.node.web.test_import_pages import SCRIPT, admin, press, send_file
from tests.node.web.towns import Town, form_token_of, open_town

FILE = f"date,from,to,amount,text\n2015-04-02,17,18,1:00,Yoga\n2015-04-09,{SCRIPT},17,0:15,=1+1\n4/3/2015,17,18,1,x\n"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town() as made:
        await made.member("Rosa", Role.ADMIN)
        imports = made.node.imports
        no = await imports.look(OPERATOR, Layout.OWN_MEMBERS, EVEN.encode())
        plan = await made.node.store.read(imports.plan_in, imports.read(Layout.OWN_MEMBERS, EVEN.encode()))
        await imports.bring_in(OPERATOR, no, Remainder.REFUSE, plan.mark)
        yield made


async def called(town: Town, name: str) -> Member:
    return (await town.node.store.read(find_members, name))[0][0]


async def test_a_file_of_trades_is_looked_at_brought_in_read_by_its_members_and_taken_back(
    town: Town,
) -> None:
    browser = await admin(town)
    status, where, _ = await send_file(browser, FILE.encode(), "trades")
    assert status == 303
    page = await text_of(browser, where)
    shown = words_of(page)
    assert SCRIPT not in page
    assert "They move nothing: balances hold them already." in shown
    assert "One side is no member here, and stays a name: lines 3." in shown
    assert "Line 4 This is not a day." in shown
    assert (
        "Cem brought in with: 1 hour 30 minutes behind; trades come to: 45 minutes behind; difference: −45 min"
        in shown
    )
    assert "Line 2 2015-04-02: Cem gave Dora 1 h, Yoga" in shown
    assert "Past trades 2 Lines left out 1" in shown
    assert (await press(browser, f"{where}/do", **fields_of(page)))[:2] == (303, where)
    assert "Line 2 2015-04-02: Cem gave Dora 1 h, Yoga" in words_of(await text_of(browser, where))

    cem = await town.browser_of(await called(town, "Cem"))
    usual = await text_of(cem, "/statement")
    assert "From the old scheme" not in words_of(usual)
    assert "2 trades from the old scheme, 2 Apr 2015 to 9 Apr 2015" in words_of(usual)
    assert "/statement?from=2015-04-02&amp;to=2015-04-09" in usual
    page = await text_of(cem, "/statement?from=2015-04-02&to=2015-04-09")
    shown = words_of(page)
    assert SCRIPT not in page
    assert "From the old scheme To read only" in shown
    assert "2 Apr 2015 Yoga, with Dora −1 h" in shown
    assert "In all 0 h 0 h 0 h" in shown, "the account's own sums hold none of it"
    rows = (await text_of(cem, "/statement.csv?from=2015-04-02&to=2015-04-09")).splitlines()
    assert rows[1] == "2015-04-02,,,Yoga,Dora,,,60,,minutes,,,old-scheme"
    assert rows[2].startswith("2015-04-09,,,'=1+1,")
    paper = words_of(await text_of(browser, "/admin/print/statements?size=a4&from=2015-04-02&to=2015-04-09"))
    assert "2 Apr 2015 Yoga, with Cem +1 h" in paper
    eva = await town.browser_of(await called(town, "Eva"))
    assert "old scheme" not in await text_of(eva, "/statement?from=2015-04-02&to=2015-04-09")

    token = form_token_of(await text_of(browser, where))
    assert (await press(browser, f"{where}/undo", form_token=token))[:2] == (303, where)
    assert "old scheme" not in await text_of(cem, "/statement")


async def test_the_same_file_again_is_noticed(town: Town) -> None:
    browser = await admin(town)
    for expected in (303, 422):
        _, where, _ = await send_file(browser, FILE.encode(), "trades")
        page = await text_of(browser, where)
        if expected == 303:
            assert (await press(browser, f"{where}/do", **fields_of(page)))[0] == 303
        else:
            assert "Line 2 This is here already." in words_of(page)
            assert "Bring it in" not in words_of(page)
