"""What people can do, finding them by it, and contact lines: who sees which. docs/pages.md 7.2."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from node.services.letters import Writing
from node.services.profiles import ContactLine, Reader, SeenBy, Skills, contacts_for, may_see, own_words
from node.services.threads import block, threads_of
from protocol.market import AskingPrice, Listing
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.towns import Browser, form_token_of, send

LINES = {seen_by: f"line-for-{seen_by.value}-01632" for seen_by in SeenBy}


async def write(oakvale: Oakvale, writer: object, reader: object) -> None:
    await oakvale.town.node.letters.write(
        Writing(
            account_no=writer.account_no, name=writer.name, scheme=oakvale.town.node.scheme,  # type: ignore[attr-defined]
            to_account=reader.account_no, to_name=reader.name, text="Hello",  # type: ignore[attr-defined]
        )
    )  # fmt: skip


async def give_lines(oakvale: Oakvale) -> None:
    lines = [ContactLine(line, seen_by) for seen_by, line in LINES.items()]
    await oakvale.town.node.profiles.set_contacts(oakvale.ana, lines)


async def shown(browser: Browser, path: str) -> set[SeenBy]:
    page = await (await browser.get(path)).text()
    return {seen_by for seen_by, line in LINES.items() if line in page}


# --- Who sees which line ------------------------------------------------------------------------------------------

ALL = set(SeenBy)
MAY = {
    Reader.SELF: ALL,
    Reader.WRITTEN: {SeenBy.WRITTEN, SeenBy.MEMBERS, SeenBy.ABROAD},
    Reader.MEMBER: {SeenBy.MEMBERS, SeenBy.ABROAD},
    Reader.ABROAD: {SeenBy.ABROAD},
    Reader.VISITOR: set(),
}


@pytest.mark.parametrize("reader", Reader)
@pytest.mark.parametrize("seen_by", SeenBy)
def test_every_line_for_every_reader(seen_by: SeenBy, reader: Reader) -> None:
    assert may_see(ContactLine("x", seen_by), reader) == (seen_by in MAY[reader])


async def test_the_whole_matrix_through_the_door(oakvale: Oakvale) -> None:
    """Every page that could show a contact line, for everybody who could look: no line goes to whom it is not for."""
    await give_lines(oakvale)
    ana, town = oakvale.ana, oakvale.town
    await write(oakvale, ana, oakvale.ben)  # Ana wrote to Ben; Maud wrote to Ana, who has not answered
    await write(oakvale, oakvale.maud, ana)
    mauds, rosas, nobody = (
        await town.browser_of(oakvale.maud),
        await town.browser_of(oakvale.rosa),
        town.browser(),
    )
    content = Listing(
        kind="offer", title="Plum jam", text="", category="food", language="en", price=AskingPrice(amount=30, per="item")
    )  # fmt: skip
    await town.node.market.post(ana.no, content)
    for browser, reader in (
        (oakvale.browser, Reader.SELF), (oakvale.bens, Reader.WRITTEN), (mauds, Reader.MEMBER), (rosas, Reader.MEMBER),
        (nobody, Reader.VISITOR),
    ):  # fmt: skip
        assert await shown(browser, f"/people/{ana.number}") == MAY[reader], reader
        for path in (
            "/people",
            "/people?q=ana",
            "/people?q=01632",
            "/find?q=jam",
            "/messages",
            "/messages/1",
            "/look",
            "/",
        ):
            assert await shown(browser, path) == set(), (reader, path)
    for path in (f"/admin/members/{ana.number}", f"/people/{ana.number}?by=self"):
        assert SeenBy.NOBODY not in await shown(rosas, path)


async def test_whom_the_owner_no_longer_reads_sees_no_more_than_anybody(oakvale: Oakvale) -> None:
    await give_lines(oakvale)
    await write(oakvale, oakvale.ana, oakvale.ben)
    node, account = oakvale.town.node, oakvale.ana.account_no
    ((thread, _),), _ = await node.store.read(threads_of, account)
    await node.store.write(block, thread.no, account, True)
    assert await shown(oakvale.bens, f"/people/{oakvale.ana.number}") == MAY[Reader.MEMBER]
    await node.store.write(block, thread.no, account, False)
    assert await shown(oakvale.bens, f"/people/{oakvale.ana.number}") == MAY[Reader.WRITTEN]


@pytest.mark.parametrize("reader", ["member", "written", "abroad", "visitor", "self", "nonsense"])
async def test_a_profile_as_others_see_it(oakvale: Oakvale, reader: str) -> None:
    """What the page shows is what they see; no word in the address opens more."""
    await give_lines(oakvale)
    known = reader in ("member", "written", "abroad", "visitor")
    assert (
        await shown(oakvale.browser, f"/my/profile/seen?by={reader}")
        == MAY[Reader(reader) if known else Reader.MEMBER]
    )


async def test_a_way_to_be_reached_goes_abroad_only_by_hand(oakvale: Oakvale) -> None:
    """What may go to other schemes is offered to put into a message there, and nowhere else."""
    await give_lines(oakvale)
    town, ana = oakvale.town, oakvale.ana
    lines = await town.node.store.read(contacts_for, ana, Reader.ABROAD)
    assert [line.seen_by for line in lines] == [SeenBy.ABROAD]
    await write(oakvale, ana, oakvale.ben)
    ((thread, _),), _ = await town.node.store.read(threads_of, ana.account_no)
    assert (
        await shown(oakvale.browser, f"/messages/{thread.no}?line=1") == set()
    )  # a member of ours: nothing to send


async def test_lines_are_kept_from_the_page_and_a_wrong_answer_shows_them_to_nobody(oakvale: Oakvale) -> None:
    page = await text(oakvale.browser, "/my/profile")
    fields = {"form_token": form_token_of(page), "text1": "Ring 01632", "seen1": "nobody", "seen2": "members"}
    answer = await oakvale.browser.post("/my/contacts", data=fields, allow_redirects=False)
    assert answer.status == 303
    assert "Ring 01632" not in await text(oakvale.bens, f"/people/{oakvale.ana.number}")
    for wrong in ("everybody", ""):
        answer = await oakvale.browser.post("/my/contacts", data=fields | {"seen1": wrong})
        assert answer.status == 422
        assert "Ring 01632" not in await text(oakvale.bens, f"/people/{oakvale.ana.number}")
    await oakvale.browser.post("/my/contacts", data=fields | {"seen1": "members"})
    assert "Ring 01632" in await text(oakvale.bens, f"/people/{oakvale.ana.number}")


# --- What people can do -------------------------------------------------------------------------------------------


@dataclass
class Asked:
    query: str
    found: tuple[str, ...]
    partly: bool = False


@pytest.mark.parametrize(
    "asked",
    [
        Asked("q=bike", ("Ben", "Maud")),  # one can, the other offers
        Asked("q=who can mend a bike?", ("Ben",)),  # both words; small words say nothing
        Asked("q=Spanish", ("Maud",)),
        Asked("q=espanol", ("Maud",)),  # folded
        Asked("q=mending", ("Ben",)),
        Asked("q=repairs", ("Ben",)),  # by the group of what was ticked
        Asked("q=mill lane", ("Ben",)),
        Asked("q=spanish bike", ("Maud",)),  # what she can do and what she offers, together
        Asked("q=spanish mending", ("Ben", "Maud"), partly=True),
        Asked("q=ladder", ()),  # a want is no offer
        Asked("q=%", ("Ana", "Ben", "Maud", "Rosa")),
        Asked("can=repair", ("Ben",)),
        Asked("can=arts", ()),
        Asked("can=nonsense", ("Ana", "Ben", "Maud", "Rosa")),
        Asked("q=the", ()),
        Asked("q=ana", ("Ana",)),
    ],
)  # fmt: skip
async def test_people_are_found_by_what_they_can_do(oakvale: Oakvale, asked: Asked) -> None:
    town = oakvale.town
    await town.node.profiles.set_skills(oakvale.ben, Skills(("repair-things",), ("bikes",)))
    await town.node.profiles.set_skills(oakvale.maud, Skills((), ("Español", "Spanish")))
    price = AskingPrice(amount=30, per="item")
    for kind, title in (("offer", "Bike lessons"), ("want", "A ladder")):
        await town.node.market.post(
            oakvale.maud.no,
            Listing(kind=kind, title=title, text="", category="learning", language="en", price=price),
        )
    page = await text(oakvale.bens, "/my/settings")
    answer = await oakvale.bens.post(
        "/my/profile",
        data={
            "form_token": form_token_of(page),
            "name": "Ben",
            "place": "Mill Lane",
            "phone": "",
            "about": "",
        },
    )
    assert answer.status == 200
    page = await text(oakvale.browser, f"/people?{asked.query}")
    found = {
        who.name
        for who in (oakvale.ana, oakvale.ben, oakvale.maud, oakvale.rosa)
        if f'/people/{who.number}"' in page
    }
    assert found == set(asked.found)
    assert ("Nobody for all of" in words_of(page)) == asked.partly


async def test_skills_are_saved_shown_and_taken_back(oakvale: Oakvale) -> None:
    page = await text(oakvale.browser, "/my/profile")
    fields = {
        "form_token": form_token_of(page), "words": "Pruning,  pruning , Old   clocks,,", "can-repair-things": "yes",
        "can-goods-books": "yes", "can-nonsense": "yes",
    }  # fmt: skip
    answer = await oakvale.browser.post("/my/skills", data=fields, allow_redirects=False)
    assert answer.status == 303
    assert "Can do: pruning, Old clocks, Mending things" in words_of(
        await text(oakvale.bens, f"/people/{oakvale.ana.number}")
    )
    assert "Can do: pruning, Old clocks, Mending things" in words_of(
        await text(oakvale.bens, "/people?q=clock")
    )
    await oakvale.browser.post("/my/skills", data={"form_token": form_token_of(page), "words": ""})
    assert "Can do" not in words_of(await text(oakvale.bens, f"/people/{oakvale.ana.number}"))


def test_words_of_ones_own_are_few_and_short() -> None:
    assert own_words("a, b ,, A") == ("A", "b")
    assert own_words(",".join(f"w{number}" for number in range(30))) == tuple(
        f"w{number}" for number in range(12)
    )
    assert own_words("x" * 100) == ("x" * 40,)


@pytest.mark.parametrize("path", ["/my/skills", "/my/contacts"])
async def test_without_a_form_of_ones_own_nothing_is_changed(oakvale: Oakvale, path: str) -> None:
    """Forged from elsewhere, or by nobody."""
    await give_lines(oakvale)
    before = await oakvale.town.everything()
    answer = await oakvale.browser.post(path, data={"words": "forged", "text1": "forged", "seen1": "members"})
    assert answer.status == 403
    stranger = await send(oakvale.town.browser(), path, "/login")
    assert stranger.status in (303, 403)
    assert (await oakvale.town.everything())["contact_line"] == before["contact_line"]
