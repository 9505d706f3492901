"""Pages of help that is asked for in private: both sides, organisers, and everybody who is kept out. Source: docs/pages.md 7.6, 0.9."""

from __future__ import annotations

import pytest

from node.services.acts import Deed, acts_for
from node.services.help_rows import answers_to, request_by_no
from node.services.paper_notes import to_tell
from protocol.helping import HelpState
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_acting_pages import acting
from tests.node.web.test_afterwards_pages import sent
from tests.node.web.test_helper_pages import checked
from tests.node.web.towns import Browser, form_token_of

TASK = {
    "task": "A hand with the stairs",
    "when": "Thursdays",
    "where": "Church End",
    "category": "",
    "checked": "yes",
}
ASKERS = ("back", "done", "another")
HELPERS = ("yes", "no", "off")


async def ask(browser: Browser, **fields: str) -> str:
    """Ask for help; return the address of the request."""
    page = await text(browser, "/my/help/new")
    answer = await browser.post(
        "/my/help/new", data={**fields_of(page), **TASK, **fields}, allow_redirects=False
    )
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"].split("?")[0]


async def state(oakvale: Oakvale, no: int = 1) -> HelpState:
    request = await oakvale.town.node.store.read(request_by_no, no)
    assert request is not None
    return request.state


async def test_from_asking_to_recording(oakvale: Oakvale) -> None:
    await checked(oakvale)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    here = await ask(oakvale.browser)
    assert "We look for somebody" in words_of(await text(oakvale.browser, here))
    assert "1 person asks for help" in words_of(await text(rosas, "/admin"))
    assert "A hand with the stairs" in words_of(await text(rosas, "/desk/help"))
    page = words_of(await text(rosas, "/desk/help/1"))
    assert ("For: Ana" in page, "Ask Ben" in page, "Ask Maud" in page) == (True, True, False)
    assert (await sent(rosas, "/desk/help/1/ask", helper=oakvale.ben.number))[0] == 303

    assert "Can you help?" in words_of(await text(oakvale.bens, "/home"))
    page = words_of(await text(oakvale.bens, here))
    assert "You read who it is when you have said yes." in page
    assert "Ana" not in page
    assert (await sent(oakvale.bens, f"{here}/yes", said="At nine?"))[0] == 303
    page = await text(oakvale.bens, here)
    assert "Ana" in words_of(page)
    assert f"/messages/new?to={oakvale.ana.number}" in page
    assert "/ask/what?who=" in page
    assert "Can you help?" not in words_of(await text(oakvale.bens, "/home"))

    page = await text(oakvale.browser, here)
    said = words_of(page)
    assert ("Ben comes." in said, "At nine?" in said, "Checked helper until" in said) == (True, True, True)
    record = f"/record/what?who={oakvale.ben.number}&amp;what=A+hand+with+the+stairs"
    assert record in page
    assert 'value="A hand with the stairs"' in await text(oakvale.browser, record.replace("&amp;", "&"))
    assert (await sent(oakvale.browser, f"{here}/done"))[0] == 303
    assert await state(oakvale) is HelpState.DONE
    status, page = await sent(oakvale.browser, f"{here}/done")
    assert (status, "This has changed meanwhile." in page) == (422, True)


async def test_a_form_sent_twice_asks_once_and_nobody_sends_anothers(oakvale: Oakvale) -> None:
    page = fields_of(await text(oakvale.browser, "/my/help/new"))
    for _ in range(2):
        answer = await oakvale.browser.post("/my/help/new", data={**page, **TASK}, allow_redirects=False)
        assert answer.headers["Location"] == "/my/help/1?note=help-asked"
    theirs = {"once": page["once"], "form_token": form_token_of(await text(oakvale.bens, "/my"))}
    answer = await oakvale.bens.post("/my/help/new", data={**theirs, **TASK}, allow_redirects=False)
    assert answer.status == 404
    rows = (await oakvale.town.everything())["help_request"]
    assert len(rows) == 1


@pytest.mark.parametrize("field", ["task", "when", "where"])
async def test_what_is_missing_is_said(oakvale: Oakvale, field: str) -> None:
    page = fields_of(await text(oakvale.browser, "/my/help/new"))
    answer = await oakvale.browser.post("/my/help/new", data={**page, **TASK, field: " "})
    assert answer.status == 422
    assert (await oakvale.town.everything())["help_request"] == []


async def test_the_name_before_a_yes_only_where_the_asker_lets_it_and_never_after_a_no(
    oakvale: Oakvale,
) -> None:
    await checked(oakvale)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    named, hidden = await ask(oakvale.browser, named="yes"), await ask(oakvale.browser)
    for here in (named, hidden):
        await sent(rosas, here.replace("/my/", "/desk/") + "/ask", helper=oakvale.ben.number)
    for here, shown in ((named, True), (hidden, False)):
        page = words_of(await text(oakvale.bens, here))
        assert ("Ana" in page, "Church End" in page) == (shown, True)
        assert (await sent(oakvale.bens, f"{here}/no", said="Sorry"))[0] == 303
        page = words_of(await text(oakvale.bens, here))
        assert ("Ana" in page, "Church End" in page, "Thursdays" in page) == (False, False, False)
    page = words_of(await text(oakvale.browser, hidden))
    assert ("Ben" in page, "Sorry" in page) == (False, False), "who did not come is not for the asker"
    assert "Sorry" in words_of(await text(rosas, "/desk/help/2"))


async def test_nobody_else_opens_or_changes_it(oakvale: Oakvale) -> None:
    """Forced browsing: members who were not asked, helpers with the asker's buttons and the other way round, strangers."""
    await checked(oakvale)
    here, rosas = await ask(oakvale.browser), await oakvale.town.browser_of(oakvale.rosa)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    for browser in (
        mauds,
        oakvale.bens,
        rosas,
    ):  # an organiser reads it at the desk, not as if it were theirs
        await text(browser, here, 404)
    await sent(rosas, "/desk/help/1/ask", helper=oakvale.ben.number)
    before = await oakvale.town.everything()
    for act in (*ASKERS, *HELPERS):
        for browser in (mauds, rosas):
            assert (await sent(browser, f"{here}/{act}", said=""))[0] == 404
        assert (await sent(mauds, f"/my/help/99/{act}", said=""))[0] == 404
        assert (await sent(mauds, f"/my/help/x/{act}", said=""))[0] == 404
    for act in ASKERS:
        assert (await sent(oakvale.bens, f"{here}/{act}"))[0] == 404
    for act in HELPERS:
        assert (await sent(oakvale.browser, f"{here}/{act}", said=""))[0] == 404
    for browser in (mauds, oakvale.browser, oakvale.bens):
        for path in ("/desk/help", "/desk/help/1"):
            assert "stairs" not in await text(browser, path, 403)
        for act in ("ask", "close", "done", "another"):
            assert (await sent(browser, f"/desk/help/1/{act}", helper="3", words="x"))[0] == 403
    assert (await sent(rosas, "/desk/help/1/ask", helper="99"))[0] == 404
    assert (await sent(rosas, "/desk/help/99/ask", helper="1"))[0] == 404
    after = await oakvale.town.everything()
    for table in ("help_request", "help_answer", "act", "mail"):
        assert after[table] == before[table]
    for path in ("/find?q=stairs", "/look?q=stairs", "/people?q=stairs"):
        assert "A hand with the stairs" not in await text(mauds, path)


async def test_an_organiser_closes_it_with_a_reason_and_only_checked_helpers_are_asked(
    oakvale: Oakvale,
) -> None:
    here, rosas = await ask(oakvale.browser), await oakvale.town.browser_of(oakvale.rosa)
    assert "Nobody fits." in words_of(await text(rosas, "/desk/help/1"))
    status, page = await sent(rosas, "/desk/help/1/ask", helper=oakvale.ben.number)
    assert (status, "Only a checked helper can help here." in page) == (422, True)
    assert (await sent(rosas, "/desk/help/1/close", words=""))[0] == 422
    assert (await sent(rosas, "/desk/help/1/close", words="The nurse comes on Mondays."))[0] == 303
    assert "The nurse comes on Mondays." in words_of(await text(oakvale.browser, here))
    assert await state(oakvale) is HelpState.CLOSED


async def test_somebody_who_rings_is_helped_by_an_organiser_and_everything_is_told(oakvale: Oakvale) -> None:
    """pages.md 0.9: the same pages, by another's hand, on the record."""
    await checked(oakvale)
    browser = await acting(oakvale)
    here = await ask(browser)
    assert "A hand with the stairs" in words_of(await text(browser, here))
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert (await sent(rosas, "/desk/help/1/ask", helper=oakvale.ben.number))[0] == 303
    assert (await sent(oakvale.bens, f"{here}/yes", said=""))[0] == 303
    token = form_token_of(await text(browser, here))
    answer = await browser.post(f"{here}/done", data={"form_token": token}, allow_redirects=False)
    assert answer.status == 303
    acts = await oakvale.town.node.store.read(acts_for, oakvale.maud.no)
    done = [(act.deed, act.detail) for act in acts if act.deed is Deed.ACTED]
    assert done == [
        (Deed.ACTED, "help-done: A hand with the stairs"),
        (Deed.ACTED, "help-asked: A hand with the stairs"),
    ]
    subjects = [mail.subject for mail in await oakvale.town.mails() if mail.recipient == "maud@example.org"]
    assert "You asked for help: A hand with the stairs." in subjects
    assert await oakvale.town.node.store.read(to_tell) == []
    answers = await oakvale.town.node.store.read(answers_to, 1)
    assert [answer.helper_no for answer in answers.values()] == [oakvale.ben.no]
