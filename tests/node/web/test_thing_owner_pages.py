"""Things that several own, or that belong to a group, on the pages. Rule 5.9; docs/pages.md 7.2."""

from __future__ import annotations

import re

from node.services.thing_rows import keeps_thing
from node.web.pages.listings import parse_listing_id
from protocol.limits import DAY_MS, THING_OWNERS_MAX
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.test_booking_pages import CARGO, DRILL, LENT, RENTED, act_of, asked, done, posted
from tests.node.web.test_group_account_pages import opened
from tests.node.web.test_group_pages import about, does, started
from tests.node.web.towns import Browser, send


async def says(browser: Browser, where: str, act: str, **fields: str) -> int:
    """Send a form of the page of a thing's owners, with a token of one's own; return the status."""
    return (await send(browser, f"{where}/owners/{act}", "/my", **fields)).status


async def status_of(browser: Browser, path: str) -> int:
    return (await browser.get(path, allow_redirects=False)).status


async def tried(browser: Browser, booking: str, act: str, form: dict[str, str]) -> int:
    """Send somebody else's form about a booking; return the status."""
    return (await send(browser, f"{booking}/{act}", "/my", once=form["once"])).status


async def shared(oakvale: Oakvale) -> str:
    """Let Ana list a drill that Ben owns too; return its address."""
    where = await posted(oakvale.browser, DRILL, LENT)
    assert await says(oakvale.browser, where, "name", who=oakvale.ben.number) == 303
    assert "Ana asks you to own this together" in words_of(await text(oakvale.bens, "/home"))
    assert await says(oakvale.bens, where, "yes") == 303
    return where


async def test_an_owner_too_lends_it(oakvale: Oakvale) -> None:
    """Ben says yes, hands over and takes back what Ana lists; Maud sees whose it is; he does not edit it."""
    where = await shared(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    page = words_of(await text(mauds, where))
    assert "Owned by Ana, Ben" in page
    assert "What it costs goes to Ana" in page
    booking = await asked(oakvale, mauds, where, 1, 2, text="For a shelf")
    assert "Maud asks for: Drill" in words_of(await text(oakvale.bens, "/home"))
    assert "Maud asks for: Drill" in words_of(await text(oakvale.browser, "/home"))
    await done(oakvale.bens, booking, "yes")
    assert "Ben said yes" in words_of(await text(mauds, booking))
    assert "Drill, for Maud" in words_of(await text(oakvale.bens, "/my/bookings"))
    await done(oakvale.bens, booking, "handed-over", words="One battery is weak")
    await oakvale.later(3 * DAY_MS)
    await done(oakvale.bens, booking, "back", words="As it was")
    assert "Ben has it back: “As it was”" in words_of(await text(oakvale.browser, booking))
    assert "Drill" in words_of(await text(oakvale.bens, "/my/listings"))
    listing = where.removeprefix("/l/")
    assert (await send(oakvale.bens, f"/l/{listing}/withdraw", "/my")).status == 404
    assert await status_of(oakvale.bens, f"/post?listing={listing}") == 404


async def test_who_did_not_say_yes_answers_for_nothing(oakvale: Oakvale) -> None:
    """Asked is not yes; nobody else reads the page or the booking; whoever ended it answers no more."""
    where = await posted(oakvale.browser, DRILL, LENT)
    assert await says(oakvale.browser, where, "name", who=oakvale.ben.number) == 303
    mauds = await oakvale.town.browser_of(oakvale.maud)
    booking = await asked(oakvale, mauds, where, 1, 2)
    form = act_of(await text(oakvale.browser, booking), "yes")
    assert await status_of(oakvale.bens, booking) == 404
    assert await tried(oakvale.bens, booking, "yes", form) == 404
    assert await status_of(mauds, f"{where}/owners") == 404
    for act in ("name", "remove", "yes", "no", "group"):
        assert await says(mauds, where, act, who=oakvale.maud.number) == 404
    assert await says(oakvale.bens, where, "name", who=oakvale.maud.number) == 409
    assert await says(oakvale.bens, where, "sell") == 404
    assert await says(oakvale.bens, where, "yes") == 303
    assert await says(oakvale.bens, where, "yes") == 409
    assert await status_of(oakvale.bens, booking) == 200
    assert await says(oakvale.bens, where, "no") == 303
    assert await tried(oakvale.bens, booking, "yes", form) == 404
    for who in (oakvale.ana.number, "999", ""):
        assert await says(oakvale.browser, where, "name", who=who) == 422


async def test_nobody_answers_themselves(oakvale: Oakvale) -> None:
    """Ben owns the drill too, and asks for it: Ana says yes, he does not. Rule 5.9."""
    where = await shared(oakvale)
    booking = await asked(oakvale, oakvale.bens, where, 1, 2)
    form = act_of(await text(oakvale.browser, booking), "yes")
    assert "Yes, they can have it" not in words_of(await text(oakvale.bens, booking))
    await tried(oakvale.bens, booking, "yes", form)
    assert "Waiting for Ana to say yes." in words_of(await text(oakvale.bens, booking))


async def test_so_many_own_a_thing_and_no_more(oakvale: Oakvale) -> None:
    where = await posted(oakvale.browser, DRILL, LENT)
    people = [await oakvale.town.member(f"Owner{number}") for number in range(THING_OWNERS_MAX)]
    sent = [await says(oakvale.browser, where, "name", who=each.number) for each in people]
    assert sent == [303] * (THING_OWNERS_MAX - 1) + [422]


async def test_a_thing_of_a_group(oakvale: Oakvale) -> None:
    """Its keepers answer, its people alone book it, its account gets what it costs; it stands on the group's page."""
    base = await started(oakvale)
    account = await opened(oakvale, base)
    where = await posted(oakvale.browser, CARGO, RENTED)
    group = base.removeprefix("/groups/")
    assert await says(oakvale.browser, where, "group", group=group, members_only="yes") == 303
    assert "Cargo bike" in words_of(await text(oakvale.bens, base))
    mauds = await oakvale.town.browser_of(oakvale.maud)
    page = words_of(await text(mauds, where))
    assert "Belongs to Bread" in page
    assert "What it costs goes to the account of “Bread”" in page
    assert "Only those in “Bread” may book this." in words_of(await text(mauds, f"{where}/when"))
    booking = await asked(oakvale, oakvale.bens, where, 1, 1, from_hour="10", until_hour="12")
    await does(mauds, base, "join")
    assert await status_of(mauds, booking) == 404
    assert await about(oakvale, base, "raise", oakvale.maud.no) == 303
    await done(mauds, booking, "yes")
    await done(mauds, booking, "handed-over")
    await done(mauds, booking, "back-broken", amount="1:00", words="A bent wheel")
    pay = re.search(r'href="(/accounts/[^"]+)"', await text(oakvale.bens, booking))
    assert pay is not None
    assert 'value="3' in await text(oakvale.bens, pay[1].replace("&amp;", "&"))
    assert "/ask/what" not in await text(oakvale.browser, booking)
    before = await oakvale.balance(oakvale.ana)
    await done(oakvale.bens, booking, "keep")
    assert await oakvale.balance(oakvale.ana) == before
    assert "+1 h" in words_of(await text(oakvale.browser, account))


async def test_only_a_keeper_gives_a_thing_to_a_group_and_leaving_takes_it_back(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    await does(oakvale.bens, base, "join")
    where = await posted(oakvale.bens, DRILL, LENT)
    group = base.removeprefix("/groups/")
    assert await says(oakvale.bens, where, "group", group=group) == 409
    assert await about(oakvale, base, "raise", oakvale.ben.no) == 303
    assert await says(oakvale.bens, where, "group", group=group) == 303
    key, _ = parse_listing_id(where.removeprefix("/l/"))
    read, ana = oakvale.town.node.store.read, oakvale.ana.account_no
    assert await read(keeps_thing, key, ana)
    await does(oakvale.bens, base, "leave")
    assert not await read(keeps_thing, key, ana)
    assert "Belongs to" not in words_of(await text(oakvale.browser, where))
