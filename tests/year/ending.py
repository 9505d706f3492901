"""A member leaves and is forgotten; the year is closed."""

from __future__ import annotations

from tests.year.beginning import AT_BROWSERS, list_of_members
from tests.year.desk import confirmed_by_ben
from tests.year.walking import Stumbled
from tests.year.year import ROSA, Year, find_member

ADA, BRAM, CARLA, DINA = AT_BROWSERS


async def erasure(year: Year) -> None:
    """Dina moves away, and wants to be forgotten. First her account comes to zero: she gives what is left to the chest, **Give it**. On her page press
    **Note that they have left**: her offers are taken down, also at neighbours. Then **Ask to erase it**; the second organiser presses **Confirm it**.

    Her name, her messages and the words of her trades are gone, also from the statements of others. The amounts stay, so that every balance stays
    right. What other schemes were given stands on the page: ask their organisers.
    """
    async with year.person(ROSA) as rosa:
        left = next(row["balance"] for row in await list_of_members(rosa) if row["name"] == DINA)
    async with year.person(DINA) as dina:
        await dina.open("/my/fees")
        await dina.fill(amount=left)
        await dina.picture("17-giving-to-the-chest")
        await dina.press("Give it")
    async with year.person(ROSA) as rosa:
        await find_member(rosa, DINA)
        where = rosa.page.url.partition("?")[0]
        await rosa.fill_in(where.removeprefix(rosa.origin) + "/part", reason="She moves away")
        await rosa.press("Note that they have left")
        await rosa.press("Ask to erase it")
    await confirmed_by_ben(year)
    async with year.person(ROSA) as rosa:
        await rosa.open(where)
        await rosa.says("Erased on")
        await rosa.picture("18-erased")
        if DINA in await rosa.text_of("/admin/members.csv"):
            raise Stumbled(f"{DINA} is still in the list of members")
    async with year.person(CARLA) as carla:
        await carla.open("/statement")
        await carla.says_not(DINA, "eye clinic")


async def close_year(year: Year) -> None:
    """In January: *Scheme*, *The books of a year*. The page has what all balances came to, and that together they are zero; print it for the yearly meeting.
    **Save the signed file** for auditors: anybody can check it on the page *Check a receipt* of any scheme, with **Check this file**, and nobody
    can change it unnoticed.
    """
    async with year.person(ROSA) as rosa:
        await rosa.open("/admin/close-year?year=2026")
        await rosa.says("The books of 2026", "All balances together are zero, as they must be.")
        await rosa.picture("19-books-of-a-year")
        file = await rosa.saved("Save the signed file", year.folder / "files" / "books-2026.sheet")
    async with year.at_browser("hilltop") as auditor:
        await auditor.open("/verify")
        await auditor.page.locator("#file").set_input_files(file)
        await auditor.press("Check this file")
        await auditor.says("2026")
        await auditor.picture("20-checked-elsewhere")
