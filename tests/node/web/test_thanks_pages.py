"""Notes of thanks, and who reads them: the two, and others only while both agree. docs/pages.md 7.2, 8.8."""

from __future__ import annotations

import itertools

import pytest

from node.services.thanks import agree, notes_of
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.test_afterwards_pages import sent, traded

NOTE = "It runs again!"


async def thanked(oakvale: Oakvale) -> int:
    """Let Ana thank Ben for a repair; return the note's number."""
    here = await traded(oakvale)
    assert (await sent(oakvale.browser, f"{here}/thank", text=NOTE))[0] == 303
    (note,) = await oakvale.town.node.store.read(notes_of, oakvale.ana.account_no)
    return note.no


async def test_both_find_the_note_on_their_page_and_nobody_else_does(oakvale: Oakvale) -> None:
    assert "Thanks for trades are kept here." in words_of(await text(oakvale.browser, "/my/thanks"))
    await thanked(oakvale)
    assert "From me It runs again! To Ben" in words_of(await text(oakvale.browser, "/my/thanks"))
    assert "To me It runs again! From Ana" in words_of(await text(oakvale.bens, "/my/thanks"))
    mauds = await oakvale.town.browser_of(oakvale.maud)
    assert NOTE not in words_of(await text(mauds, "/my/thanks"))
    assert "/my/thanks" in await text(mauds, "/my")


@pytest.mark.parametrize(("giver", "receiver"), list(itertools.product((False, True), repeat=2)))
async def test_others_read_it_only_while_both_agree(oakvale: Oakvale, giver: bool, receiver: bool) -> None:
    no = await thanked(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    for browser, agrees in ((oakvale.browser, giver), (oakvale.bens, receiver)):
        assert (await sent(browser, f"/my/thanks/{no}", show="yes" if agrees else "no"))[0] == 303
    both = giver and receiver
    assert (NOTE in words_of(await text(mauds, f"/people/{oakvale.ben.number}"))) == both
    assert NOTE not in words_of(await text(mauds, f"/people/{oakvale.ana.number}"))
    state = {
        (True, True): "Members can read it.",
        (True, False): "Ana wants others to read it. Do you?",
        (False, True): "Waits for Ana to want it too.",
        (False, False): "Only you two can read it.",
    }[giver, receiver]
    assert state in words_of(await text(oakvale.bens, "/my/thanks"))
    for browser in (oakvale.browser, oakvale.bens):  # either takes it back alone
        await sent(browser, f"/my/thanks/{no}", show="no")
        assert NOTE not in words_of(await text(mauds, f"/people/{oakvale.ben.number}"))
        await sent(browser, f"/my/thanks/{no}", show="yes")


async def test_nobody_agrees_for_others(oakvale: Oakvale) -> None:
    no = await thanked(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    for path in (f"/my/thanks/{no}", "/my/thanks/999", "/my/thanks/x"):
        assert (await sent(mauds, path, show="yes"))[0] == 404
    assert (await sent(oakvale.bens, f"/my/thanks/{no}", show="maybe"))[0] == 404
    with pytest.raises(LookupError):
        await oakvale.town.node.store.write(agree, no, oakvale.maud.account_no, True)
    (note,) = await oakvale.town.node.store.read(notes_of, oakvale.ben.account_no)
    assert (note.agree, note.they_agree) == (False, False)
