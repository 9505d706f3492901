"""The first days: from an empty folder to a hundred and twenty members."""

from __future__ import annotations

import csv
import io

from tests.year.members_file import MEMBERS, PLANTED, REST, good_rows, names, written
from tests.year.walking import Stumbled, Walker
from tests.year.year import BEN, ROSA, SCHEME, Year

PASSPHRASE = "four trees along one lane"
ADA = names()[0]
# Who comes to a browser by themselves in this year.
AT_BROWSERS = (ADA, names()[1], names()[2], names()[3])


async def set_up(year: Year) -> None:
    """Start `interlets set-up` and open the link it prints on the same computer. Press **Begin**, and answer page by page: the scheme,
    what you count in, what you agree on, who organises, where copies of the books go. **Go on** leads from one to the next, and
    **Show me the recovery sheet** to the 24 words. Copy them onto paper, press **I have them on paper**, type the three words you are
    asked for, and **Make the scheme**.

    The last page has a link for the second organiser: pass it on. **Start, and log in as Rosa Field** starts the node and logs you in.
    On the desk, **Scheme** says who you are: a headline, when you meet, whom members ring. **Save what visitors read**.
    """
    node = year.node("linden", SCHEME)
    node.folder.mkdir()
    (year.folder / "stick").mkdir(exist_ok=True)
    link = await node.set_up()
    async with year.at_browser() as rosa:
        await rosa.open(link)
        await rosa.picture("01-begin")
        await rosa.press("Begin")
        second = await _answer(year, rosa)
        await rosa.press("Start, and log in as Rosa Field")
        await rosa.press("Log in")
        await rosa.open("/admin")
        await rosa.follow("Scheme", within="nav.desk-menu")
        await rosa.fill(
            headline="Neighbours of Linden help each other",
            meeting="First Sunday of the month, 15.00, in the mill",
        )
        await rosa.fill(
            about="About a hundred households on both sides of the lane. We count in Leaves; ten are an hour."
        )
        await rosa.fill(help_name="Rosa", help_phone="01632 960500", help_hours="Tuesday 10 to 12")
        await rosa.press("Save what visitors read")
        await year.give_pin(rosa, ROSA)
        await year.give_pin(rosa, BEN)
    async with year.at_browser() as ben:
        await ben.open(second)
        await ben.press("Log in")
        await ben.says("Ben")


async def _answer(year: Year, rosa: Walker) -> str:
    await rosa.fill(name=SCHEME, place="Linden", wording="lets", own="en")
    await rosa.press("Go on")
    await rosa.fill(unit="own", unit_called="Leaves", unit_symbol="Lf", hour="10")
    await rosa.press("Go on")
    await rosa.fill(lower="200", name__en__one="Leaf", name__en__other="Leaves")
    await rosa.press("Go on")
    await rosa.fill(
        organiser=ROSA, phone="01632 960500", second=BEN, passphrase=PASSPHRASE, passphrase_again=PASSPHRASE
    )
    await rosa.press("Go on")
    await rosa.fill(folder=str(year.folder / "stick"), mail="without", offer="Help with forms and letters")
    await rosa.press("Go on")
    await rosa.says(SCHEME, "Leaves", "Rosa Field, Ben Hill")
    await rosa.picture("02-is-this-right")
    await rosa.press("Show me the recovery sheet")
    year.state.sheet = [
        each.strip() for each in await rosa.page.locator("ol.steps .secret").all_inner_texts()
    ]
    await rosa.follow("I have them on paper")
    for field in await rosa.page.locator('main input[name^="word-"]').all():
        place = int(str(await field.get_attribute("name")).removeprefix("word-"))
        await field.fill(year.state.sheet[place - 1])
    await rosa.press("Make the scheme")
    await rosa.picture("03-made")
    return str(await rosa.page.locator("main .card .secret").first.inner_text()).strip()


async def bring_in(year: Year) -> None:
    """*Members*, **Bring in a file**: the list you kept until now, saved by your table program as CSV, one line for each member. Choose what
    is in it, then **Look at it**. Nothing is brought in yet: you see what would be taken, and every line that cannot be read, with what is
    wrong with it. Mend those lines in your table, and **Look at it** again, until none is left out.

    Old balances seldom sum to zero. The page asks where the rest goes; the community chest can take it. Then **Bring it in**. Within
    a day all of it can be taken back.
    """
    rows, files = good_rows(), year.folder / "files"
    files.mkdir(exist_ok=True)
    (files / "members.csv").write_bytes(written(rows, PLANTED))
    (files / "members-mended.csv").write_bytes(written(rows, {}))
    async with year.person(ROSA) as rosa:
        await rosa.open("/admin/members")
        await rosa.follow("Bring in a file")
        await _look_at(year, rosa, "members.csv")
        await rosa.says(f"{len(PLANTED)} lines are left out", "Nothing is brought in yet.")
        await rosa.says(*(f"Line {line} {wrong}" for line, (_, _, wrong) in PLANTED.items()))
        await rosa.picture("04-lines-left-out", "section[aria-labelledby=faults]")
        await rosa.open("/admin/import")
        await _look_at(year, rosa, "members-mended.csv")
        await rosa.says_not("left out Line", "is left out")
        await rosa.fill(remainder="chest")
        await rosa.picture("05-bring-it-in", "main h1")
        await rosa.press("Bring it in")
        await rosa.says("Brought in", ADA)
        listed = await list_of_members(rosa)
    by_name = {row["name"]: row for row in listed}
    if missing := [name for name in names() if name not in by_name]:
        raise Stumbled(f"these are not in the list of members: {missing}")
    year.state.facts["numbers"] = {name: by_name[name]["number"] for name in names()}
    others = [(row["name"], row["balance"], by_name[row["name"]]["balance"]) for row in rows]
    wrong = [each for each in others if float(each[1]) != float(each[2])]
    if wrong or len(listed) != MEMBERS + 2:
        raise Stumbled(f"{len(listed)} members; other balances than the file's: {wrong}")
    if sum(int(row["balance"]) for row in rows) != REST:
        raise Stumbled("the rest is another than it was planned to be")


async def list_of_members(rosa: Walker) -> list[dict[str, str]]:
    """Return the list as the desk saves it."""
    return list(csv.DictReader(io.StringIO((await rosa.text_of("/admin/members.csv")).lstrip("\ufeff"))))


async def _look_at(year: Year, rosa: Walker, name: str) -> None:
    await rosa.page.locator('main input[name="layout"][value="members"]').check()
    await rosa.page.locator("#file").set_input_files(year.folder / "files" / name)
    await rosa.press("Look at it")


async def let_in(year: Year) -> None:
    """Whoever has a telephone or a computer gets a PIN: on the member's page press **Make a new PIN**, write it on their card, hand it over.
    The others stay on paper, and you enter their cheques. *Print*, **Show it**, has cards, cheques, the directory and the market sheet.

    A member who logs in finds **Post an offer or want** on the first page: **Next: the price**, **Next: see how it looks**, **Publish**.
    """
    async with year.person(ROSA) as rosa:
        for name in AT_BROWSERS:
            await year.give_pin(rosa, name)
        await rosa.open("/admin/print")
        await rosa.picture("06-print")
        for paper, more in (
            ("directory", {}),
            ("market", {}),
            ("cheques", {"first": "1", "count": "16"}),
            ("cards", {}),
        ):
            await rosa.open("/admin/print")
            await rosa.fill(what=paper, size="a4", **more)
            await rosa.press("Show it")
    for name, title in zip(
        AT_BROWSERS, ("Bread, a big loaf", "Bicycles repaired", "Company at chess", "Hedges cut"), strict=True
    ):
        async with year.person(name) as member:
            await member.follow("Post an offer or want")
            await member.fill(kind="offer", title=title, text="Ask me after the meeting.")
            await member.press("Next: the price")
            await member.fill(price_kind="amount", price="8", share="on")
            await member.page.locator('[name="category"]').select_option(index=1)
            await member.press("Next: see how it looks")
            await member.press("Publish")
            await member.says(title)
