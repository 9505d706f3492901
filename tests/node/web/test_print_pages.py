"""What organisers print. Source: docs/pages.md 7.3, 9, 13.6."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest

from node.services.acts import OPERATOR, Role
from node.services.members import NewMember, Reach
from protocol.market import AskingPrice
from tests.drawing import needs_pdf
from tests.gossip_town import listing
from tests.node.web.oakvale import words_of
from tests.node.web.towns import Browser, Town, open_town

WHATS = ("directory", "market", "cheques", "cards", "labels", "joining")


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """Rosa organises. Ana offers jam and has no mail; Ben looks for help, Cora has paused, Dan drafts only."""
    async with open_town() as made:
        await made.member("Rosa", Role.ADMIN)
        node = made.node
        ana, ben, cora = [
            await node.people.add(
                OPERATOR, NewMember(name=name, email=mail, phone="1", address=address, reach=reach)
            )
            for name, mail, address, reach in (
                ("Ana", None, "3 Mill Lane\nOakvale", Reach.LETTER),
                ("Ben", "ben@example.org", "7 High Street", Reach.EMAIL),
                ("Cora", "cora@example.org", "9 High Street", Reach.EMAIL),
            )
        ]
        await node.market.post(ana.no, listing("Plum jam", category="food-preserves", cash="+ £1 for jars"))
        await node.market.post(
            ana.no,
            listing(
                "A ladder", kind="lend", category="borrow-tools", price=AskingPrice(amount=0, per="free")
            ),
        )
        await node.market.post(ben.no, listing("Fence mending", kind="want", category="home-repairs"))
        await node.market.post(cora.no, listing("Zither lessons", category="learning-music"))
        await node.people.pause(OPERATOR, cora.no, why="asked for it")
        yield made


async def desk(town: Town) -> Browser:
    rosa = await town.node.people.member(1)
    assert rosa is not None
    return await town.browser_of(rosa)


async def printed(browser: Browser, what: str, **asked: str) -> str:
    answer = await browser.get("/admin/print/paper", params={"what": what, "size": "a4", **asked})
    assert answer.status == 200
    return words_of(await answer.text())


async def test_the_directory_names_who_trades_and_what_they_offer_and_look_for(town: Town) -> None:
    said = await printed(await desk(town), "directory")
    assert "For members only" in said
    ana, ben = said.index("Ana · 0002"), said.index("Ben · 0003")
    assert ana < said.index("Plum jam (30 min, + £1 for jars)") < ben < said.index("Fence mending")
    assert said.index("A ladder (free)") < ben
    assert "Cora" not in said
    assert "Zither" not in said
    assert "example.org" not in said
    assert "Mill Lane" not in said


async def test_numbers_only_tell_no_names_nor_their_order(town: Town) -> None:
    browser = await desk(town)
    for what in ("directory", "market", "cards"):
        said = await printed(browser, what, numbers="yes")
        assert "Ana" not in said
        assert "0002" in said
        if what != "market":
            assert said.index("0001") < said.index("0002"), "Rosa comes first, though A is before R"


async def test_the_market_sheet_is_by_category(town: Town) -> None:
    said = await printed(await desk(town), "market")
    assert "Ana (0002)" in said
    assert said.index("Food and cooking") < said.index("Plum jam")
    assert "Zither" not in said


async def test_cheques_have_numbers_of_their_own(town: Town) -> None:
    said = await printed(await desk(town), "cheques", first="41", count="3")
    for number in ("0041", "0042", "0043"):
        assert said.count(number) == 3, "both stubs and the cheque"
    assert "0044" not in said


async def test_labels_begin_with_those_who_get_letters_and_say_who_has_no_address(town: Town) -> None:
    said = await printed(await desk(town), "labels")
    assert "No address is known of: Rosa." in said
    assert said.index("3 Mill Lane") < said.index("7 High Street")
    assert "9 High Street" not in said


async def test_a_card_leads_to_paying_its_member(town: Town) -> None:
    browser = await desk(town)
    said = await printed(browser, "cards")
    assert (
        "Code for a telephone’s camera: pay member 0002"
        in await (await browser.get("/admin/print/paper", params={"what": "cards", "size": "a4"})).text()
    )
    assert "or say my number at oakvale.test" in said
    answer = await browser.get("/record/what", params={"who": "0002"})
    assert "Ana" in words_of(await answer.text())


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"what": "money", "size": "a4"}, "Please choose one of the answers."),
        ({"what": "directory", "size": "a0"}, "Please choose one of the answers."),
        ({"what": "cheques", "size": "a4", "first": "0", "count": "5"}, "Please write a number, like 1."),
        ({"what": "cheques", "size": "a4", "first": "٣", "count": "5"}, "Please write a number, like 1."),
        (
            {"what": "cheques", "size": "a4", "first": "1", "count": "201"},
            "Please write a number from 1 to 200.",
        ),
        (
            {"what": "cheques", "size": "a4", "first": "1", "count": "-1"},
            "Please write a number from 1 to 200.",
        ),
        ({}, "Please choose one of the answers."),
    ],
)
async def test_what_cannot_be_printed_is_asked_again(
    town: Town, asked: dict[str, str], sentence: str
) -> None:
    answer = await (await desk(town)).get("/admin/print/paper", params=asked)
    assert answer.status == 422
    assert sentence in words_of(await answer.text())


@needs_pdf
@pytest.mark.parametrize(("what", "large"), [*((what, False) for what in WHATS), ("directory", True)])
async def test_each_is_a_tagged_pdf_of_the_chosen_size(town: Town, what: str, large: bool) -> None:
    from pypdf import PdfReader

    asked = {"what": what, "size": "letter" if large else "a4", "first": "1", "count": "9", "as": "pdf"}
    answer = await (await desk(town)).get(
        "/admin/print/paper", params=asked | ({"large": "yes"} if large else {})
    )
    assert answer.headers["Content-Type"] == "application/pdf"
    made = PdfReader(io.BytesIO(await answer.read()))
    width, height = (float(side) for side in made.pages[0].mediabox[2:])
    assert (round(width), round(height)) == ((612, 792) if large else (595, 842))
    root = made.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert made.metadata is not None
    assert "Oakvale" in str(made.metadata.title)
