"""What comes every week of the year: the envelope with the cheques of those who stay on paper."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from random import Random
from typing import Final

from tests.year.members_file import names
from tests.year.walking import Stumbled, Walker
from tests.year.year import BEN, ROSA, Year

SLIPS: Final = 8
FRIDAY: Final = 4
WORK: Final = (
    "Bread",
    "Ironing",
    "Lift to town",
    "Garden",
    "Eggs",
    "Mending",
    "A cake",
    "Firewood",
    "Haircut",
    "Jam",
)
Slip = tuple[str, str, str, str, int, str]  # cheque, day, from, to, amount, for what


def drawn(year: Year, number: int, random: Random) -> list[Slip]:
    """Return the cheques of one week: who would come too far behind gives none."""
    numbers, spent = year.state.facts["numbers"], year.state.facts.setdefault("spent", {})
    slips: list[Slip] = []
    while len(slips) < SLIPS:
        payer, payee = random.sample(
            names()[8:], 2
        )  # the first ones are at browsers, and what they do is told elsewhere
        amount = random.randint(2, 12)
        if spent.get(payer, 0) + amount > 80:
            continue
        spent[payer] = spent.get(payer, 0) + amount
        spent[payee] = spent.get(payee, 0) - amount
        slips.append(
            (str(number * 100 + len(slips)), "", numbers[payer], numbers[payee], amount, random.choice(WORK))
        )
    return slips


async def envelope(year: Year, slips: list[Slip], *, mistake: str = "", picture: str = "") -> None:
    """Enter one envelope as an organiser does: open it, type, check, mend what is named, write it into the books."""
    total = sum(slip[4] for slip in slips)
    async with year.person(BEN if mistake == "" else ROSA) as desk:
        await desk.open("/desk/entry")
        wrong_total = total + 5 if mistake == "total" else total
        await desk.fill(place="Letter box", slips=str(len(slips)), total=str(wrong_total))
        await desk.press("Open the envelope")
        await _type(desk, slips)
        if mistake == "stranger":
            await desk.fill(p3="9999")
        if mistake == "twice":
            await desk.fill(n2=slips[0][0])
        await desk.press("Check the envelope")
        if mistake:
            await _mend(desk, slips, total, mistake, picture)
        await desk.says(f"Can be written into the books: {len(slips)}. To sort out: 0.")
        await desk.press(f"Write {len(slips)} slips into the books")
        await desk.says("Entered by")


async def _type(desk: Walker, slips: list[Slip]) -> None:
    for row, values in enumerate(slips, 1):
        for column, value in zip("ndpqaw", values, strict=True):
            if value != "":
                await desk.page.locator(f"#{column}{row}").fill(str(value))


async def _mend(desk: Walker, slips: list[Slip], total: int, mistake: str, picture: str) -> None:
    match mistake:
        case "total":
            await desk.says(f"These slips come to {total} Leaves.")
            await desk.fill(total=str(total))
        case "stranger":
            await desk.says("Nobody has the number 9999.")
            await desk.fill(p3=slips[2][2])
        case "twice":
            await desk.says(f"Another slip here has the number {slips[0][0]} too.")
            await desk.fill(n2=slips[1][0])
        case _:
            raise Stumbled(f"no such mistake: {mistake}")
    if picture:
        await desk.picture(picture)
    await desk.press("Check the envelope")


async def first_envelope(year: Year) -> None:
    """Once a week, at *Cheques*: write on a new envelope how many slips are in it and what they come to, **Open the envelope**, and type. Enter
    moves on. **Check the envelope** names what does not fit at its row: a number nobody has, a cheque that was entered before, somebody who
    would come too far behind, or slips that come to another sum than the envelope says. When all of it fits, **Write 8 slips into the books**.
    """
    random = Random("the first envelopes")
    for week, mistake in enumerate(("total", "stranger", "twice"), 1):
        await envelope(
            year, drawn(year, week, random), mistake=mistake, picture="07-envelope" if week == 2 else ""
        )
        await year.pass_days(1)
    year.state.facts["week"] = 3


def every(weeks: int) -> Callable[[Year, date], Awaitable[None]]:
    """Return what lets time pass until a day: on every so many Fridays an envelope is entered."""

    async def until(year: Year, day: date) -> None:
        while "week" in year.state.facts:
            friday = year.now.date() + timedelta(days=(FRIDAY - year.now.date().weekday()) % 7 or 7)
            if friday >= day:
                return
            await year.move_to(friday, 18)
            year.state.facts["week"] += 1
            week = year.state.facts["week"]
            if week % weeks == 0:
                await envelope(year, drawn(year, week, Random(f"week {week}")))

    return until
