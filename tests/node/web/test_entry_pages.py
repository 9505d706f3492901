"""Cheques and slips through the door: typed by keyboard, checked in words, written into the books once. Source: docs/pages.md 8.9, 13.3."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

import pytest

from node.services.accounts import all_accounts
from node.services.acts import OPERATOR, Deed, Role, acts_for
from node.services.cheque_rows import read_batch
from node.services.members import NewMember
from node.services.paper_notes import count_to_tell, to_tell
from node.web.present import reference
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_pages import Seen
from tests.node.web.towns import Browser

Row = Mapping[str, str]


class Desk:
    """Rosa at the desk with one envelope."""

    def __init__(self, oakvale: Oakvale, browser: Browser):
        self.oakvale = oakvale
        self.browser = browser
        self.path = ""
        self.page = ""

    async def open(self, slips: str, total: str, day: str = "1 Jan 2026") -> None:
        page = await text(self.browser, "/desk/entry")
        fields = {**fields_of(page), "day": day, "place": "Market", "slips": slips, "total": total}
        answer = await self.browser.post("/desk/entry", data=fields, allow_redirects=False)
        assert answer.status == 303, words_of(await answer.text())
        self.path = answer.headers["Location"]
        self.page = await text(self.browser, self.path)

    def fields(self) -> dict[str, str]:
        """Return every field of the sheet as it stands on the page."""
        found = re.findall(r'<input id="([a-z]+[0-9]*)"[^>]* value="([^"]*)"', self.page)
        return {**fields_of(self.page), **{name: html.unescape(value) for name, value in found}}

    async def press(self, do: str, *rows: Row, sent: dict[str, str] | None = None, **more: str) -> str:
        """Fill the rows from the first on, press a button, and return what the page that follows says."""
        fields = self.fields() if sent is None else sent
        for number, row in enumerate(rows, start=1):
            fields |= {f"{name}{number}": value for name, value in row.items()}
        self.sent = {**fields, **more, "do": do}
        answer = await self.browser.post(self.path, data=self.sent)
        self.page = await answer.text()
        assert answer.status == 200, self.page
        return words_of(self.page)


@pytest.fixture
async def desk(oakvale: Oakvale) -> Desk:
    return Desk(oakvale, await oakvale.town.browser_of(oakvale.rosa))


def slip(oakvale: Oakvale, number: str = "0412", amount: str = "1:30", what: str = "Bread", **more: str) -> dict[str, str]:  # fmt: skip
    return {"n": number, "p": oakvale.ana.number, "q": oakvale.ben.number, "a": amount, "w": what, **more}


async def test_what_is_good_is_written_once_and_both_are_told(oakvale: Oakvale, desk: Desk) -> None:
    await desk.open("2", "2 h")
    said = await desk.press("check", slip(oakvale), slip(oakvale, "0413", "30 min", "Eggs"))
    assert "It fits the envelope: 2 slips, 2 hours in all." in said
    assert "Ana gives Ben 1 hour 30 minutes. Then Ana has −1 h 30 and Ben has +1 h 30." in said
    assert "Then Ana has −2 h and Ben has +2 h." in said
    assert await oakvale.trades() == []

    said = await desk.press("post")
    assert "Written into the books. Everybody concerned is told." in said
    assert [trade.text for trade in await oakvale.trades()] == ["Eggs", "Bread"]
    assert (await oakvale.balance(oakvale.ana), await oakvale.balance(oakvale.ben)) == (-120, 120)

    mails = [mail for mail in await oakvale.town.mails() if "Bread" in mail.subject]
    assert {mail.recipient for mail in mails} == {"ana@example.org", "ben@example.org"}
    for mail in mails:
        assert "Entered by Rosa from cheque 0412 of 1 Jan 2026." in mail.text
    trade = (await oakvale.trades())[1]
    page = words_of(await text(oakvale.bens, f"/t/{reference(trade)}"))
    assert "Entered by Rosa from cheque 0412 of 1 Jan 2026." in page
    assert await oakvale.town.node.store.read(count_to_tell) == 0
    acts = await oakvale.town.node.store.read(acts_for, oakvale.ana.no)
    assert [(act.deed, act.by_name, act.detail) for act in acts if act.deed is Deed.CHEQUE] == [
        (Deed.CHEQUE, "Rosa", "0413"),
        (Deed.CHEQUE, "Rosa", "0412"),
    ]


async def test_a_double_press_writes_nothing_twice(oakvale: Oakvale, desk: Desk) -> None:
    """Also when the first press came to an end before the second, and while something is left to sort out."""
    await desk.open("2", "2 h")
    await desk.press("check", slip(oakvale), slip(oakvale, "0413", "never", "Eggs"))
    sent = desk.fields()
    for _ in range(3):
        said = await desk.press("post", sent=dict(sent))
        assert "What was right is in the books. The rest waits here" in said
    assert [trade.text for trade in await oakvale.trades()] == ["Bread"]

    await desk.press("check", sent={**desk.fields(), "a2": "30 min"})
    sent = desk.fields()
    await desk.press("post", sent=dict(sent))
    assert "This envelope was put away already." in await desk.press("post", sent=dict(sent))
    assert [trade.text for trade in await oakvale.trades()] == ["Eggs", "Bread"]


async def test_the_same_new_envelope_sent_twice_is_one(oakvale: Oakvale, desk: Desk) -> None:
    page = await text(desk.browser, "/desk/entry")
    fields = {**fields_of(page), "day": "1 Jan 2026", "slips": "1", "total": "1"}
    places = set()
    for _ in range(2):
        answer = await desk.browser.post("/desk/entry", data=fields, allow_redirects=False)
        places.add(answer.headers["Location"])
    assert len(places) == 1


async def test_each_fault_is_named_at_its_row(oakvale: Oakvale, desk: Desk) -> None:
    """pages.md 13.3: unknown number, duplicate in the batch and ever, limit, self, future, unreadable amount, nobody there."""
    await desk.open("1", "1:30")
    await desk.press("check", slip(oakvale, "12"))
    await desk.press("post")
    await oakvale.town.node.people.pause(oakvale.rosa.acts("pin"), oakvale.maud.no, why="asked for it")
    ana, ben = oakvale.ana.number, oakvale.ben.number
    faults: list[tuple[dict[str, str], str]] = [
        (slip(oakvale, "1", q="0999"), "Nobody has the number 0999."),
        (slip(oakvale, "2", q="Ben"), "Please fill in the number of the member who receives."),
        (slip(oakvale, "3", p=""), "Please fill in the number of the member who gives."),
        (slip(oakvale, " 007a"), "Another slip here has the number 007a too."),
        (slip(oakvale, "7 A"), "Another slip here has the number 7 A too."),
        (slip(oakvale, "012"), "Cheque 012 is in the books: trade"),
        (slip(oakvale, "4", p=ben, q=ben), "Ben cannot pay themselves."),
        (slip(oakvale, "5", d="1 Jan 2027"), "This day is still to come."),
        (slip(oakvale, "6", d="soon"), "This day cannot be read."),
        (slip(oakvale, "8", "1.30"), "Do you mean 1 h 30 or 1 h 18?"),
        (slip(oakvale, "9", "-2"), "Please write the amount without a minus."),
        (slip(oakvale, "10", what=""), "Please say what it was."),
        (slip(oakvale, "11", p=oakvale.maud.number), "Maud cannot trade now."),
        (slip(oakvale, "13", "8:30", p=ana), "Ana gives Ben 8 hours 30 minutes."),
        (slip(oakvale, "14", "1 min", p=ana), "This takes Ana too far behind, by 1 minute."),
        (slip(oakvale, "15", "49 h", p=ben, q=ana), "This takes Ben too far behind, by 29 hours."),
    ]
    await desk.open("16", "10:30")
    said = await desk.press("check", *[row for row, _ in faults])
    for number, (_row, sentence) in enumerate(faults, start=1):
        at = desk.page.index(f'<td colspan="7" id="s{number}"')
        assert sentence in words_of(desk.page[at : desk.page.index("</tr>", at)]), number
    assert "The envelope says 10 hours 30 minutes in all." in said
    assert "Can be written into the books: 1. To sort out: 15." in said
    said = await desk.press("post")
    assert [trade.amount for trade in await oakvale.trades()] == [510, 90]
    assert "Can be written into the books: 0. To sort out: 15." in said


async def test_a_limit_counts_what_the_slips_above_it_move(oakvale: Oakvale, desk: Desk) -> None:
    await desk.open("3", "21")
    rows = [
        slip(oakvale, "1", "9"),
        slip(oakvale, "2", "2"),
        {**slip(oakvale, "3", "10"), "p": oakvale.ben.number, "q": oakvale.ana.number},
    ]
    said = await desk.press("check", *rows)
    assert "This takes Ana too far behind, by 1 hour." in said
    assert "Can be written into the books: 2. To sort out: 1." in said
    await desk.press("post")
    assert [trade.amount for trade in await oakvale.trades()] == [600, 540]


async def test_the_envelope_is_compared(oakvale: Oakvale, desk: Desk) -> None:
    await desk.open("3", "4 h")
    said = await desk.press("check", slip(oakvale), slip(oakvale, "0413", "never"))
    assert "The envelope says 3. Here are 2 slips." in said
    assert "The envelope says 4 hours in all. These slips come to 1 hour 30 minutes." in said
    assert "1 amount that cannot be read is not counted." in said
    # What is good can be written all the same, and the envelope stays open.
    await desk.press("post")
    batch = await oakvale.town.node.store.read(
        read_batch, int(desk.path.rsplit("/", 1)[1]), oakvale.town.clock.now
    )
    assert batch is not None
    assert batch.closed_ms is None
    assert [row.trade_no is not None for row in batch.rows] == [True, False]


async def test_what_stands_in_the_first_row_counts_for_all(oakvale: Oakvale, desk: Desk) -> None:
    """Any column but the number, which no two cheques share; a slip's own word comes first."""
    await desk.open("3", "2:30")
    same = {"q0": oakvale.ben.number, "a0": "1", "w0": "Membership fee", "d0": "31 Dec 2025"}
    rows = ({"n": "1", "p": oakvale.ana.number}, {"n": "2", "p": oakvale.maud.number}, {"n": "3", "p": oakvale.ana.number, "a": "0:30", "w": "Half a year"})  # fmt: skip
    said = await desk.press("check", *rows, **same)
    assert "It fits the envelope: 3 slips, 2 hours 30 minutes in all." in said
    assert 'name="n0"' not in desk.page
    await desk.press("post")
    trades = sorted(await oakvale.town.node.trades.newest(oakvale.ben.account_no), key=lambda each: each.no)
    assert [(trade.text, trade.amount) for trade in trades] == [
        ("Membership fee", 60),
        ("Membership fee", 60),
        ("Half a year", 30),
    ]


async def test_nothing_is_written_that_no_page_has_shown(oakvale: Oakvale, desk: Desk) -> None:
    """pages.md 6.5: without a check, with something changed since, or where a row only then became good."""
    await desk.open("2", "2 h")
    said = await desk.press("post", slip(oakvale))
    assert "Something was changed since the check." in said
    assert await oakvale.trades() == []
    sent = {**desk.fields(), "a1": "9"}
    assert "Something was changed since the check." in await desk.press("post", sent=sent)
    assert await oakvale.trades() == []

    await desk.press("check", slip(oakvale, "1", "8"), slip(oakvale, "2", "3"))
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.ana.no, 6000, None, why="trusted")
    await desk.press("post")
    assert [trade.amount for trade in await oakvale.trades()] == [480]


async def test_it_is_kept_as_typed_by_whoever_typed_it(oakvale: Oakvale, desk: Desk) -> None:
    sam = await oakvale.town.member("Sam", Role.ORGANISER)
    await desk.open("2", "2 h")
    said = await desk.press("save", {"n": "A-1", "p": "?", "a": "two"})
    assert "Kept as it is." in said
    assert "1 to sort out" in said
    sams = Desk(oakvale, await oakvale.town.browser_of(sam))
    sams.path, sams.page = desk.path, await text(sams.browser, desk.path)
    assert (sams.fields()["n1"], sams.fields()["p1"], sams.fields()["a1"]) == ("A-1", "?", "two")
    await sams.press("check", {}, slip(oakvale))
    batch = await oakvale.town.node.store.read(
        read_batch, int(desk.path.rsplit("/", 1)[1]), oakvale.town.clock.now
    )
    assert batch is not None
    assert [row.by_name for row in batch.rows] == ["Rosa", "Sam"]
    await sams.press("post")
    assert "Entered by Sam from cheque 0412." in words_of(await text(desk.browser, desk.path))


async def test_rows_are_added_by_a_button_up_to_fifty(oakvale: Oakvale, desk: Desk) -> None:
    await desk.open("1", "1 h")
    for rows in (6, 11):
        await desk.press("more", slip(oakvale))
        assert f'name="w{rows}"' in desk.page
        assert f'name="w{rows + 1}"' not in desk.page
    await desk.open("50", "1 h")
    assert 'name="w50"' in desk.page
    assert 'value="more"' not in desk.page
    page = await text(desk.browser, "/desk/entry")
    fields = {**fields_of(page), "day": "1 Jan 2026", "slips": "51", "total": "0"}
    answer = await desk.browser.post("/desk/entry", data=fields)
    said = words_of(await answer.text())
    assert answer.status == 422
    assert "1 to 50. More of them go into a second envelope." in said
    assert "Please write more than nothing." in said


async def test_the_order_of_focus_is_the_order_of_a_cheque(oakvale: Oakvale, desk: Desk) -> None:
    """pages.md 10, 2.1.1 and 2.4.3: fifty rows by keyboard alone; the first button is the one that Enter presses."""
    await desk.open("50", "1 h")
    form = desk.page[desk.page.index("<form", desk.page.index("<main")) : desk.page.index("</form>")]
    stops = [
        given.get("name", "")
        for tag, given in Seen(form + "</form>").tags
        if tag in {"input", "button", "select", "a"} and given.get("type") != "hidden"
    ]
    assert "tabindex" not in form
    grid = [f"{column}{row}" for row in range(51) for column in "ndpqaw" if (column, row) != ("n", 0)]
    assert stops[: 4 + len(grid)] == ["day", "place", "slips", "total", *grid]
    buttons = re.findall(r'<button type="submit" name="do" value="(\w+)"|<button[^>]* value="(\w+)"', form)
    assert buttons[0] == ("check", "")
    for column in "ndpqaw":
        assert f'aria-labelledby="h{column} r50"' in form


async def test_fifty_slips_at_once(oakvale: Oakvale, desk: Desk) -> None:
    await desk.open("50", "50 min")
    rows = [slip(oakvale, str(number), "1 min") for number in range(1, 51)]
    assert "It fits the envelope: 50 slips, 50 minutes in all." in await desk.press("check", *rows)
    await desk.press("post")
    assert await oakvale.balance(oakvale.ana) == -50
    accounts = await oakvale.town.node.store.read(all_accounts)
    assert sum(held.value.balance for held, _role in accounts) == 0


async def test_an_envelope_put_away_stays_as_it_is(oakvale: Oakvale, desk: Desk) -> None:
    await desk.open("2", "3 h")
    await desk.press("check", slip(oakvale), slip(oakvale, "0413"))
    sent = desk.fields()
    answer = await desk.browser.post(f"{desk.path}/close", data=fields_of(desk.page))
    assert "Put away" in words_of(await answer.text())
    assert "This envelope was put away already." in await desk.press("post", sent=sent)
    assert await oakvale.trades() == []
    assert "(not in the books)" in words_of(await text(desk.browser, desk.path))
    for path in ("/desk/entry/99", "/desk/entry/x"):
        await text(desk.browser, path, 404)


async def test_whoever_has_no_mail_is_on_the_letters_list(oakvale: Oakvale, desk: Desk) -> None:
    node = oakvale.town.node
    george = await node.people.add(OPERATOR, NewMember(name="George", address="3 Mill Lane\nOakvale"))
    await desk.open("1", "1 h")
    await desk.press("check", slip(oakvale, "", "1", q=george.number))
    await desk.press("post")
    said = words_of(await text(desk.browser, "/desk/letters"))
    assert "1 member to be told something" in words_of(await text(desk.browser, "/admin"))
    assert "George 0005 By letter: 3 Mill Lane, Oakvale" in said
    assert "Ana gave you 1 hour: Bread. Entered by Rosa from a slip of 1 Jan 2026." in said
    (card,) = await node.store.read(to_tell)

    # What came after the page was opened stays on the list.
    page = await text(desk.browser, "/desk/letters")
    fields = fields_of(page)
    await desk.open("1", "1 h")
    await desk.press("check", slip(oakvale, "77", "1", q=george.number))
    await desk.press("post")
    answer = await desk.browser.post(f"/desk/letters/{george.no}/told", data=fields)
    said = words_of(await answer.text())
    assert "Noted. They were told." in said
    assert "from a slip" not in said
    assert "from cheque 77" in said
    (left,) = await node.store.read(to_tell)
    assert left.notes[0].no > card.notes[0].no
    acts = await node.store.read(acts_for, george.no)
    assert [(act.deed, act.detail) for act in acts][:1] == [(Deed.TOLD, "1")]


async def test_a_sheet_has_a_limit_like_every_form(oakvale: Oakvale, desk: Desk) -> None:
    await desk.open("50", "1 h")
    fields = {**desk.fields(), "do": "save", **{f"x{number}": "1" for number in range(80)}}
    answer = await desk.browser.post(desk.path, data=fields)
    assert answer.status == 400
