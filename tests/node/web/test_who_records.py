"""Who writes a trade down is what the scheme agreed on: whoever received, whoever gave, or either. docs/pages.md 3, 7.4."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from node.services.acts import OPERATOR
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_member_ask_pages import answer, asked, check, sent
from tests.node.web.test_member_code_pages import code, paid
from tests.node.web.test_member_code_pages import sent as send

HERE_RECEIVED = "Here whoever was helped writes it down"
HERE_GAVE = "Here whoever helped writes it down"


async def agree(oakvale: Oakvale, who: str) -> None:
    await oakvale.town.node.settings.change(OPERATOR, who_records=who)


async def checked_payment(oakvale: Oakvale) -> dict[str, str]:
    """Return the fields of a check page that Ana opened while she might still record."""
    form = await text(oakvale.browser, "/record/what?" + urlencode({"who": oakvale.ben.number}))
    typed = {**fields_of(form), "what": "Bike repair", "amount": "2"}
    return fields_of((await sent(oakvale.browser, "/record/what", **typed))[2])


async def balances(oakvale: Oakvale) -> list[int]:
    return [await oakvale.balance(each) for each in (oakvale.ana, oakvale.ben, oakvale.maud)]


async def test_where_whoever_received_records_nobody_asks(oakvale: Oakvale) -> None:
    """Also not with a page that was opened before the scheme agreed on it."""
    about_to_ask = fields_of(await check(oakvale, oakvale.ben.number))
    await agree(oakvale, "received")
    home = await text(oakvale.browser, "/home")
    assert "Pay somebody" in home
    assert 'href="/ask"' not in home
    for path in ("/record", "/asks"):
        assert 'href="/ask"' not in await text(oakvale.browser, path)
    for path in ("/ask", f"/ask/what?who={oakvale.ben.number}"):
        assert HERE_RECEIVED in await text(oakvale.browser, path)

    status, _, page = await sent(oakvale.browser, "/ask/do", **about_to_ask)

    assert (status, HERE_RECEIVED in page) == (200, True)
    assert "Say yes or no" not in words_of(await text(oakvale.bens, "/home"))
    await sent(oakvale.browser, "/record/do", **await checked_payment(oakvale))
    assert await balances(oakvale) == [-120, 120, 0]


async def test_where_whoever_gave_records_the_other_says_yes(oakvale: Oakvale) -> None:
    """Also not with a page that was opened before; and a code that the other shows is the other's word."""
    about_to_pay = await checked_payment(oakvale)
    both = urlencode({"who": f"{oakvale.ben.number},{oakvale.maud.number}"}, safe=",")
    form = fields_of(await text(oakvale.browser, f"/record/several?{both}"))
    _, _, page = await sent(oakvale.browser, "/record/several", **form, what="Help", amount="1", share="each")
    about_to_pay_both = fields_of(page)
    await agree(oakvale, "gave")
    home = await text(oakvale.browser, "/home")
    assert "Ask to be paid" in home
    assert "Pay somebody" not in home
    for path in ("/record", f"/record/what?who={oakvale.ben.number}", f"/record/several?{both}"):
        assert HERE_GAVE in await text(oakvale.browser, path)
    assert "Ben asks you, and you say yes." in await text(
        oakvale.browser, f"/record/what?who={oakvale.ben.number}"
    )

    for path, fields in (("/record/do", about_to_pay), ("/record/several/do", about_to_pay_both)):
        status, _, page = await sent(oakvale.browser, path, **fields)
        assert (status, HERE_GAVE in page) == (200, True)

    assert await balances(oakvale) == [0, 0, 0]
    where = await asked(oakvale)
    await answer(oakvale.bens, where, "yes")
    assert await balances(oakvale) == [120, -120, 0]
    assert (await paid(oakvale.browser, await code(oakvale)))[0] == 303
    assert await balances(oakvale) == [90, -90, 0]


async def test_the_desk_says_who_records(oakvale: Oakvale) -> None:
    rosa = await oakvale.town.browser_of(oakvale.rosa)
    assert "A trade between members is written down by" in words_of(await text(rosa, "/admin/scheme"))
    assert (await send(rosa, "/admin/scheme/who-records", who_records="gave"))[0] == 303
    assert oakvale.town.node.settings.now.who_records == "gave"


@pytest.mark.parametrize("wrong", ["", "nobody", "both,gave"])
async def test_what_is_no_answer_changes_nothing(oakvale: Oakvale, wrong: str) -> None:
    rosa = await oakvale.town.browser_of(oakvale.rosa)
    assert (await send(rosa, "/admin/scheme/who-records", who_records=wrong))[0] == 404
    assert oakvale.town.node.settings.now.who_records == "both"
