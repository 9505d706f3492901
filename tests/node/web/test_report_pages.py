"""Reporting listings and conversations, what organisers see of it, and doors that stay shut. docs/pages.md 0.9, 7.2, 7.3."""

from __future__ import annotations

import pytest

from node.services.acts import NotAllowed, Role
from node.services.letters import Writing
from node.services.members import Member
from node.services.own_listings import find_own
from node.services.reports import count_open_reports, open_reports
from node.services.threads import find_thread, threads_of
from node.web.listing_names import listing_id
from protocol.limits import COMPLAINTS_OPEN_MAX
from protocol.listing import State
from protocol.market import AskingPrice, Listing
from protocol.names import ItemKey
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.test_afterwards_pages import sent
from tests.node.web.towns import Browser, form_token_of


async def offered(oakvale: Oakvale, by: Member, title: str = "Miracle cure") -> tuple[ItemKey, str]:
    content = Listing(
        kind="offer", title=title, text="", category="health", language="en", price=AskingPrice(amount=30, per="item")
    )  # fmt: skip
    key = (await oakvale.town.node.market.post(by.no, content)).listing.key
    return key, f"/l/{listing_id(key)}"


async def write(oakvale: Oakvale, writer: Member, reader: Member, words: str, on: int = 0) -> int:
    """Let one write to another, or go on in a conversation of the writer's; return its number."""
    letters = oakvale.town.node.letters
    writing = Writing(
        account_no=writer.account_no, name=writer.name, scheme=oakvale.town.node.scheme, to_account=reader.account_no,
        to_name=reader.name, text=words,
    )  # fmt: skip
    if on:
        await letters.reply(on, writing)
        return on
    return await letters.write(writing)


async def thread_of(oakvale: Oakvale, member: Member) -> int:
    ((thread, _), *_), _ = await oakvale.town.node.store.read(threads_of, member.account_no)
    return thread.no


async def test_a_listing_is_reported_taken_down_with_a_reason_and_gone(oakvale: Oakvale) -> None:
    key, here = await offered(oakvale, oakvale.ben)
    assert f"{here}/report" in await text(oakvale.browser, here)
    assert f"{here}/report" not in await text(oakvale.bens, here)
    assert "Only organisers of Oakvale read it." in words_of(await text(oakvale.browser, f"{here}/report"))
    assert (await sent(oakvale.browser, f"{here}/report", text=" "))[0] == 422
    assert (await sent(oakvale.browser, f"{here}/report", text="Nobody should sell this."))[0] == 303
    assert "You said so already." in words_of(
        (await sent(oakvale.browser, f"{here}/report", text="Again"))[1]
    )

    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert "1 report" in words_of(await text(rosas, "/admin"))
    assert "“Miracle cure”, by Ben" in words_of(await text(rosas, "/admin/reports"))
    page = words_of(await text(rosas, "/admin/reports/1"))
    assert "Nobody should sell this." in page
    assert "Message Ben" in page
    assert (await sent(rosas, "/admin/reports/1/take-down", reason=""))[0] == 422
    assert (await sent(rosas, "/admin/reports/1/take-down", reason="Not a medicine."))[0] == 303

    owned = await oakvale.town.node.store.read(find_own, key)
    assert owned is not None
    assert (owned.listing.state, owned.reason) == (State.REMOVED, "Not a medicine.")
    assert "Not a medicine." in words_of(await text(oakvale.bens, here))
    await text(oakvale.browser, here, 404)
    assert "Miracle cure" not in await text(oakvale.browser, "/find?q=cure")
    assert "Closed by Rosa: Not a medicine." in words_of(await text(rosas, "/admin/reports/1"))
    assert "take-down" not in await text(rosas, "/admin/reports/1")
    assert await oakvale.town.node.store.read(count_open_reports) == 0
    assert (await sent(rosas, "/admin/reports/1/take-down", reason="Twice"))[0] == 422
    acts = await oakvale.town.node.people.acts(oakvale.ben.no)
    assert (acts[0].deed.value, acts[0].why) == ("listing", "Not a medicine.")


async def test_of_a_conversation_organisers_see_what_the_reporter_showed_and_no_more(
    oakvale: Oakvale,
) -> None:
    """pages.md 0.9: only the last of it, as it was then; nothing of other conversations, nothing that came later."""
    bens = 0
    for number in range(12):
        bens = await write(oakvale, oakvale.ben, oakvale.ana, f"Rude word {number:02}.", bens)
    await write(oakvale, oakvale.maud, oakvale.ana, "This is for Ana alone.")
    threads, _ = await oakvale.town.node.store.read(threads_of, oakvale.ana.account_no)
    (no,) = [thread.no for thread, _ in threads if thread.their_name == "Ben"]
    here = f"/messages/{no}"
    assert f"{here}/report" in await text(oakvale.browser, here)
    assert "They see the last 10 messages" in words_of(await text(oakvale.browser, f"{here}/report"))
    assert (await sent(oakvale.browser, f"{here}/report", text="Please make it stop."))[0] == 303
    await write(oakvale, oakvale.ben, oakvale.ana, "Written afterwards.", bens)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    page = words_of(await text(rosas, "/admin/reports/1"))
    assert "Please make it stop." in page
    assert "Ben: Rude word 11." in page
    for hidden in ("Rude word 01.", "This is for Ana alone.", "Written afterwards."):
        assert hidden not in page
    await text(rosas, here, 404)
    assert (await sent(rosas, "/admin/reports/1/close", words="Talked to Ben."))[0] == 303
    assert "Closed by Rosa: Talked to Ben." in words_of(await text(rosas, "/admin/reports/1"))


async def test_nobody_decides_about_a_report_on_themselves_or_their_own(oakvale: Oakvale) -> None:
    """Neither the organiser it is about nor the one who wrote it; a guard of the service, not of the page."""
    _, here = await offered(oakvale, oakvale.rosa)
    await sent(oakvale.browser, f"{here}/report", text="About an organiser.")
    _, there = await offered(oakvale, oakvale.ben, "Old bread")
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    await sent(rosas, f"{there}/report", text="From an organiser.")
    reports, rosa = oakvale.town.node.reports, oakvale.rosa.acts("pin")
    for no in (1, 2):
        page = await text(rosas, f"/admin/reports/{no}")
        assert "Another organiser decides." in words_of(page)
        assert f"/admin/reports/{no}/" not in page
        assert (await sent(rosas, f"/admin/reports/{no}/close", words="Nothing."))[0] == 422
        assert (await sent(rosas, f"/admin/reports/{no}/take-down", reason="Mine."))[0] == 422
        with pytest.raises(NotAllowed):
            await reports.close(no, rosa, "x")
        with pytest.raises(NotAllowed):
            await reports.take_down(no, rosa, "x")
    otto = (await oakvale.town.member("Otto", Role.ORGANISER)).acts("pin")
    await reports.take_down(1, otto, "Fair is fair.")
    with pytest.raises(NotAllowed):
        await reports.close(2, oakvale.ana.acts("pin"), "no organiser")


async def test_reports_of_one_member_are_few_enough_to_read(oakvale: Oakvale) -> None:
    for number in range(COMPLAINTS_OPEN_MAX + 1):
        _, here = await offered(oakvale, oakvale.ben, f"Thing {number}")
        page = (await sent(oakvale.browser, f"{here}/report", text="No."))[1]
    assert "Organisers look into other reports of yours." in words_of(page)
    assert len(await oakvale.town.node.store.read(open_reports)) == COMPLAINTS_OPEN_MAX


@pytest.mark.parametrize("path", ["/admin/reports", "/admin/reports/1"])
async def test_reports_are_for_organisers(oakvale: Oakvale, path: str) -> None:
    _, here = await offered(oakvale, oakvale.ben)
    await sent(oakvale.browser, f"{here}/report", text="Secret complaint.")
    for browser in (oakvale.browser, oakvale.bens):
        page = await text(browser, path, 403)
        assert "Secret complaint." not in page
    for path in ("/admin/reports/1/close", "/admin/reports/1/take-down"):
        assert (await sent(oakvale.bens, path, words="x", reason="x"))[0] == 403
    assert await oakvale.town.node.store.read(count_open_reports) == 1


# --- Doors of others' conversations -------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["block", "report"])
async def test_nobody_reaches_into_anothers_conversation(oakvale: Oakvale, what: str) -> None:
    """/messages/{n}/block and /report: forced, forged, not signed in, of nobody: the conversation stays as it is."""
    await write(oakvale, oakvale.ben, oakvale.ana, "Hello")
    town, number = oakvale.town, await thread_of(oakvale, oakvale.ana)
    mauds, rosas = await town.browser_of(oakvale.maud), await town.browser_of(oakvale.rosa)
    before = await town.everything()
    fields = {"blocked": "yes", "text": "Mine now."}
    for browser in (mauds, rosas, oakvale.bens):
        assert (await sent(browser, f"/messages/{number}/{what}", **fields))[0] == 404
    for wrong in (number + 999, 0):
        assert (await sent(oakvale.browser, f"/messages/{wrong}/{what}", **fields))[0] == 404
    assert (await sent(oakvale.browser, f"/messages/x/{what}", **fields))[0] == 404
    mauds_token = form_token_of(await text(mauds, "/my"))
    for token in ("", "x" * 43, mauds_token):
        answer = await oakvale.browser.post(
            f"/messages/{number}/{what}", data={**fields, "form_token": token}, allow_redirects=False
        )
        assert answer.status == 403
    assert await _refused(town.browser(), number, what, fields)
    after = await town.everything()
    for table in ("thread", "message", "report"):
        assert after[table] == before[table]
    assert (await sent(oakvale.browser, f"/messages/{number}/{what}", **fields))[0] == 303
    found = await town.node.store.read(find_thread, number, oakvale.ana.account_no)
    assert found is not None
    assert found.blocked == (what == "block")


async def _refused(stranger: Browser, number: int, what: str, fields: dict[str, str]) -> bool:
    page = await (await stranger.get("/login")).text()
    answer = await stranger.post(
        f"/messages/{number}/{what}",
        data={**fields, "form_token": form_token_of(page)},
        allow_redirects=False,
    )
    return answer.status == 403
