"""Swaps on the pages: proposed on a listing, answered, done by both, and the difference goes once. Rule 5.14; docs/pages.md 8.15."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from node.services.acts import OPERATOR
from node.services.members import Member
from node.web.pages.listings import listing_id
from protocol.limits import SWAP_VALID_MS
from protocol.market import AskingPrice, Listing
from tests.node.web.oakvale import Oakvale, fields_of, open_oakvale, text, words_of
from tests.node.web.test_standing_pages import sent
from tests.node.web.towns import Browser, form_token_of

SCRIPT = "<script>alert(1)</script>"
TYPED = {"words": "Two jars of plum jam", "thing": "words", "pays": "nobody", "amount": "", "said": ""}


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    async with open_oakvale() as made:
        yield made


async def listed(oakvale: Oakvale, owner: Member, title: str, kind: str = "offer") -> str:
    """Let somebody list something; return its name in addresses."""
    price = AskingPrice(amount=0, per="free" if kind == "gift" else "agree")
    content = Listing(kind=kind, title=title, text="", category="home", language="en", price=price)
    return listing_id((await oakvale.town.node.market.post(owner.no, content)).listing.key)


async def propose(oakvale: Oakvale, name: str, **typed: str) -> tuple[int, str, str]:
    """Fill in Ana's proposal for a listing; return status, address and page."""
    page = await text(oakvale.browser, f"/l/{name}/swap")
    return await sent(oakvale.browser, f"/l/{name}/swap", **{**fields_of(page), **TYPED, **typed})


async def proposed(oakvale: Oakvale, **typed: str) -> str:
    status, where, page = await propose(oakvale, await listed(oakvale, oakvale.ben, "Bike repair"), **typed)
    assert status == 303, words_of(page)
    return where.partition("?")[0]


async def press(browser: Browser, where: str, word: str, **fields: str) -> tuple[int, str, str]:
    """Press a button of a swap's page, also one it has no more."""
    token = form_token_of(await text(browser, "/my"))
    return await sent(browser, f"{where}/{word}", form_token=token, **fields)


async def balances(oakvale: Oakvale) -> tuple[int, int]:
    return await oakvale.balance(oakvale.ana), await oakvale.balance(oakvale.ben)


async def test_ana_swaps_her_jam_for_bens_repair_and_adds_half_an_hour(oakvale: Oakvale) -> None:
    repair = await listed(oakvale, oakvale.ben, "Bike repair")
    jam = await listed(oakvale, oakvale.ana, "Plum jam")
    assert "Propose a swap" in words_of(await text(oakvale.browser, f"/l/{repair}"))
    assert "Propose a swap" not in words_of(await text(oakvale.bens, f"/l/{repair}"))
    form = words_of(await text(oakvale.browser, f"/l/{repair}/swap"))
    assert "Ben gives you: Bike repair" in form
    assert "What do you give Ben for it? Plum jam Something else" in form
    status, where, _ = await propose(oakvale, repair, thing=jam, pays="me", amount="0:30", said="Saturday?")
    where = where.partition("?")[0]
    assert (status, where) == (303, "/my/swaps/1")
    assert "Waiting for Ben. Nothing has moved." in words_of(await text(oakvale.browser, where))

    home = words_of(await text(oakvale.bens, "/home"))
    assert "Ana would like to swap Bike repair for Plum jam Say yes or no" in home
    page = words_of(await text(oakvale.bens, where))
    assert "You give Bike repair Ana gives Plum jam Ana also gives 30 minutes" in page
    talk = await text(oakvale.bens, "/messages/2")
    assert "I would like to swap: Bike repair for Plum jam" in words_of(talk)
    assert "Saturday?" in words_of(talk)
    assert f'href="{where}"' in talk
    assert (await press(oakvale.bens, where, "yes", turn="1"))[:2] == (303, where)

    hers = words_of(await text(oakvale.browser, where))
    assert "You agree. When you have swapped, both of you say so here." in hers
    assert "You have 0 hours now and are 30 minutes behind afterwards. Nothing has moved yet." in hers
    assert "Take “Plum jam” off the lists" in hers
    assert (await press(oakvale.browser, where, "happened", gone="yes"))[:2] == (303, where)
    assert await balances(oakvale) == (0, 0)
    assert "Did you swap with Ana?" in words_of(await text(oakvale.bens, "/home"))
    assert (await press(oakvale.bens, where, "happened"))[:2] == (303, where)

    assert await balances(oakvale) == (-30, 30)
    done = await text(oakvale.bens, where)
    assert "Both of you said that it happened." in words_of(done)
    trade = done.partition('href="/t/')[2].partition('"')[0]
    assert "Swap: Bike repair for Plum jam" in words_of(await text(oakvale.browser, f"/t/{trade}"))
    assert "Plum jam" not in words_of(await text(oakvale.bens, "/find"))
    assert "Bike repair for Plum jam" in words_of(await text(oakvale.browser, "/my/swaps"))


async def test_ben_proposes_something_else_and_a_yes_to_what_was_before_is_none(oakvale: Oakvale) -> None:
    where = await proposed(oakvale)
    page = await text(oakvale.bens, f"{where}/other")
    assert 'value="Two jars of plum jam"' in page
    assert "What does Ana give you for it?" in words_of(page)
    answer = {**fields_of(page), **TYPED, "words": "Four jars of plum jam", "pays": "me", "amount": "1"}
    assert (await sent(oakvale.bens, f"{where}/other", **answer))[:2] == (303, where)
    again = await sent(oakvale.bens, f"{where}/other", **{**answer, "words": "Five jars"})
    assert "This has changed meanwhile." in words_of(again[2])
    for turn in ("1", "3"):
        assert "This has changed meanwhile." in words_of(
            (await press(oakvale.browser, where, "yes", turn=turn))[2]
        )
    assert "Ben also gives 1 hour" in words_of(await text(oakvale.browser, where))
    assert (await press(oakvale.browser, where, "yes", turn="2"))[:2] == (303, where)
    for browser in (oakvale.browser, oakvale.bens):
        await press(browser, where, "happened")
    assert await balances(oakvale) == (60, -60)


async def test_no_taken_back_run_out_and_called_off_are_said(oakvale: Oakvale) -> None:
    where = await proposed(oakvale)
    assert (await press(oakvale.bens, where, "no"))[:2] == (303, where)
    assert "Ben said no. Nothing moved." in words_of(await text(oakvale.browser, where))
    where = await proposed(oakvale)
    assert (await press(oakvale.browser, where, "withdraw"))[:2] == (303, where)
    assert "Ana took it back. Nothing moved." in words_of(await text(oakvale.bens, where))
    where = await proposed(oakvale)
    await press(oakvale.bens, where, "yes", turn="1")
    assert (await press(oakvale.bens, where, "off"))[:2] == (303, where)
    assert "One of you said that it will not happen." in words_of(await text(oakvale.browser, where))
    where = await proposed(oakvale)
    await oakvale.later(SWAP_VALID_MS)
    assert "Ran out" in words_of(await text(oakvale.bens, where))
    assert "would like to swap" not in words_of(await text(oakvale.bens, "/home"))
    for word in ("yes", "no", "happened", "off"):
        page = (await press(oakvale.bens, where, word, turn="1"))[2]
        assert "This has changed meanwhile." in words_of(page), word


async def test_a_limit_in_the_way_is_said_in_words_and_nothing_was_noted(oakvale: Oakvale) -> None:
    where = await proposed(oakvale, pays="me", amount="2")
    await press(oakvale.bens, where, "yes", turn="1")
    people = oakvale.town.node.people
    await people.set_limits(OPERATOR, oakvale.ana.no, 60, None, why="test")
    await press(oakvale.browser, where, "happened")
    page = words_of((await press(oakvale.bens, where, "happened"))[2])
    assert "Ana cannot give that much just now." in page
    assert "It happened" in words_of(await text(oakvale.bens, where)), "he can say so again"
    await people.set_limits(OPERATOR, oakvale.ana.no, 120, None, why="test")
    answers = await asyncio.gather(*[press(oakvale.bens, where, "happened") for _ in range(3)])
    assert {answer[:2] for answer in answers} == {(303, where)}
    assert await balances(oakvale) == (-120, 120)


async def test_the_payer_reads_how_far_a_limit_lets_her_go(oakvale: Oakvale) -> None:
    where = await proposed(oakvale, pays="me", amount="2")
    await press(oakvale.bens, where, "yes", turn="1")
    await press(oakvale.bens, where, "happened")
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.ana.no, 60, None, why="test")
    page = words_of((await press(oakvale.browser, where, "happened"))[2])
    assert "This would take you too far behind You can go to 1 hour behind. This would be 2 hours." in page
    assert "Back to the swap" in page
    assert "says that it happened" in words_of(await text(oakvale.browser, where))


async def test_what_is_wrong_with_a_form_is_said_beside_it(oakvale: Oakvale) -> None:
    name = await listed(oakvale, oakvale.ben, "Bike repair")
    for typed, sentence in (
        ({"thing": "", "words": ""}, "Please choose one of the answers."),
        ({"words": ""}, "Please say in a few words what it is."),
        ({"words": "j" * 81}, "This is too long."),
        ({"words": "果" * 80}, "This is too long. Please make it shorter."),
        ({"pays": "me", "amount": ""}, "Please say how much."),
        ({"pays": "me", "amount": "x"}, "Please write a time"),
        ({"pays": "nobody", "amount": "1"}, "Please say who adds that."),
        ({"pays": "both"}, "Please choose one of the answers."),
    ):
        status, _, page = await propose(oakvale, name, **typed)
        assert (status, sentence in words_of(page)) == (422, True), typed
    _, where, _ = await propose(oakvale, name, words=SCRIPT)
    page = await text(oakvale.bens, where.partition("?")[0])
    assert SCRIPT not in page
    assert SCRIPT in words_of(page)
    _, _, page = await propose(oakvale, name)
    assert "You proposed a swap for this already." in words_of(page)


async def test_one_form_proposes_once(oakvale: Oakvale) -> None:
    name = await listed(oakvale, oakvale.ben, "Bike repair")
    fields = {**fields_of(await text(oakvale.browser, f"/l/{name}/swap")), **TYPED}
    answers = await asyncio.gather(*[sent(oakvale.browser, f"/l/{name}/swap", **fields) for _ in range(3)])
    assert {answer[:2] for answer in answers} == {(303, "/my/swaps/1")}


async def test_a_swap_opens_for_its_two_and_nothing_else_is_swapped(oakvale: Oakvale) -> None:
    where = await proposed(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    await text(mauds, where, 404)
    for word in ("yes", "no", "withdraw", "happened", "off", "other"):
        assert (await press(mauds, where, word, turn="1", **TYPED))[0] == 404, word
    assert (await press(oakvale.bens, where, "yes", turn="x"))[0] == 404, "no page of ours sent that"
    await text(oakvale.browser, f"{where}/other", 404)  # it waits for Ben
    gift = await listed(oakvale, oakvale.ben, "Sofa", "gift")
    assert "Propose a swap" not in words_of(await text(oakvale.browser, f"/l/{gift}"))
    await text(oakvale.browser, f"/l/{gift}/swap", 404)
    own = await listed(oakvale, oakvale.ana, "Plum jam")
    await text(oakvale.browser, f"/l/{own}/swap", 404)


async def test_whoever_is_paused_reads_so(oakvale: Oakvale) -> None:
    where = await proposed(oakvale)
    await oakvale.town.node.people.pause(OPERATOR, oakvale.ben.no, why="test")
    assert "You are paused" in words_of((await press(oakvale.bens, where, "yes", turn="1"))[2])
    name = await listed(oakvale, oakvale.maud, "Eggs")
    assert "You are paused" in words_of(await text(oakvale.bens, f"/l/{name}/swap"))
