"""Whoever is given something hears of it as often as they want to be written to, and whoever waited for what was late. docs/pages.md 8.6, 8.11."""

from __future__ import annotations

import asyncio

from node.mail.outbox import Mail
from node.services.mail_wishes import Level
from node.services.weekly_rows import news_of
from tests.fakes import MailServer
from tests.node.web.oakvale import Oakvale, fields_of
from tests.node.web.test_member_code_pages import code, paid
from tests.node.web.test_member_pay_pages import Market, on_market_day


def of(mails: list[Mail], address: str) -> list[str]:
    return [mail.subject for mail in mails if mail.recipient == address]


async def test_who_is_given_something_is_told_once(oakvale: Oakvale) -> None:
    """At once by mail, on Mondays, or on their pages alone; the payer knows, and the same form again tells nobody."""
    await oakvale.town.node.wishes.choose(oakvale.ben, Level.AT_ONCE)
    check = await oakvale.check()
    for _ in range(2):
        await oakvale.browser.post("/record/do", data=fields_of(check), allow_redirects=False)
    mails = await oakvale.town.mails()
    assert of(mails, "ben@example.org") == ["Ana gave you 1 hour 30 minutes: Bike repair."]
    assert of(mails, "ana@example.org") == []
    assert "http://oakvale.test/t/" in mails[-1].text
    await paid(oakvale.browser, await code(oakvale))
    assert of(await oakvale.town.mails(), "ben@example.org")[1:] == ["Ana gave you 30 minutes: Jam."]

    for level, kept in (
        (Level.WEEKLY, ["Ana gave you 1 hour 30 minutes: Sharpening."]),
        (Level.MUST_ACT, []),
    ):
        await oakvale.town.node.wishes.choose(oakvale.ben, level)
        await oakvale.record("Sharpening")
        news = await oakvale.town.node.store.read(news_of, oakvale.ben.no)
        assert [each.text for each in news] == kept
    assert len(of(await oakvale.town.mails(), "ben@example.org")) == 2


def test_what_comes_from_another_scheme_is_told_and_how_what_was_late_has_ended() -> None:
    """pages.md 8.11.6, 8.11.7: Karim reads who gave it; Ana, who may close the page, how it ended, however seldom she is written to."""

    async def act(market: Market) -> None:
        town = market.town
        servers = {name: MailServer() for name in ("Oakvale", "Riverside")}
        for name, server in servers.items():
            town[name].node.outbox._transport = server  # type: ignore[misc]  # these nodes have no mail of their own
        await town["Riverside"].node.wishes.choose(market.karim, Level.AT_ONCE)
        await town["Oakvale"].node.wishes.choose(market.ana, Level.MUST_ACT)
        await market.pay(await market.check())
        late = await market.check(what="Two jars", amount="3")
        town.network.cut("Hilltop", "Riverside")
        await market.pay(late)
        await asyncio.sleep(25 * 60)
        town.network.mend("Hilltop", "Riverside")
        await town.until(town.at_rest, 600, "the end")
        await asyncio.sleep(12 * 3600)  # nobody is written to at night
        assert of(servers["Riverside"].taken, "karim@example.org") == [
            "Ana (Oakvale) gave you 6 Acorns: Plum jam, 4 jars."
        ]
        assert of(servers["Oakvale"].taken, "ana@example.org") == [
            "What was late came to nothing: Karim (Riverside) did not get 15 minutes."
        ]
        assert "Nothing was taken from you." in servers["Oakvale"].taken[-1].text

    on_market_day(act)
