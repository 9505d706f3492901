"""What lies outside the scheme itself: neighbours, a dead disk, the next release."""

from __future__ import annotations

import shutil
from typing import Final

from scripts.town.filling import Scheme, fill_scheme, make_scheme
from scripts.town.plan import read_town
from scripts.town.processes import Trouble, until
from tests.year.beginning import AT_BROWSERS
from tests.year.desk import pay
from tests.year.nodes import clock_of
from tests.year.walking import Stumbled, Walker
from tests.year.year import ROSA, SCHEME, Year

ADA, BRAM, CARLA, DINA = AT_BROWSERS
NEIGHBOURS: Final = ("hilltop", "riverside")
HEARD_WITHIN_S: Final = 60.0
AFTER_THE_BACKUP: Final = "Eggs, the day before it broke"


async def neighbours(year: Year) -> None:
    """Two schemes nearby are on the network too. *Neighbours*, **Ask a scheme to trade**, their address, **Look them up**. Ring their organiser: the
    six words on your page must be those on theirs. Say how far each may go, and ask. Nothing is traded before they press **Agree to trade**.

    From then on members find what is offered there under *Find*, with the name of the scheme beside it: **Pay for this**, **Next: check**, and the
    price in your own unit stands there before anything moves. What people of the other scheme buy here comes in the same way.
    """
    for plan in read_town():
        if plan.key in NEIGHBOURS:
            node = year.node(plan.key, plan.name)
            await make_scheme(plan, node)
            with clock_of(year.moment):
                await fill_scheme(plan, node)
            await node.start()
            await _agree(year, Scheme(plan, node))
    await _buy(year)


async def _agree(year: Year, other: Scheme) -> None:
    async with year.person(ROSA) as rosa:
        await rosa.open("/admin/neighbours")
        await rosa.follow("Ask a scheme to trade")
        await rosa.fill(address=other.process.origin)
        await rosa.press("Look them up")
        await rosa.says(other.plan.name)
        await rosa.fill(they_may_owe="400", we_may_owe="400")
        if other.plan.key == NEIGHBOURS[0]:
            await rosa.picture("13-ask-to-trade")
        await rosa.press(f"Ask {other.plan.name} to trade")
    ours = Scheme(other.plan, year.ours).scheme_id
    async with year.person(other.plan.organiser, other.plan.key) as them:

        async def asked() -> bool:
            answer = await them.page.request.get(f"{them.origin}/admin/neighbours/{ours}")
            return answer.status == 200

        await until(asked, f"{SCHEME} asks {other.plan.name} to trade", HEARD_WITHIN_S)
        await them.open(f"/admin/neighbours/{ours}")
        await them.fill(they_may_owe="40", we_may_owe="40")
        await them.press("Agree to trade")
    async with year.person(ROSA) as rosa:

        async def trading() -> bool:
            await rosa.open(f"/admin/neighbours/{other.scheme_id}")
            return "Trading" in await rosa.words()

        await until(trading, f"trade with {other.plan.name}", HEARD_WITHIN_S)


async def _buy(year: Year) -> None:
    plan = next(each for each in read_town() if each.key == NEIGHBOURS[0])
    offer = next(
        each.title
        for member in plan.members
        for each in member.listings
        if each.kind == "offer" and each.price.amount
    )
    async with year.person(ADA) as ada:
        await _buy_across(ada, offer, plan.name, "14-before-anything-moves")
    somebody = next(each for each in plan.members if each.pin)
    async with year.at_browser(plan.key) as them:
        await them.open("/login")
        await them.fill_in(
            "/login/pin",
            number=Scheme(plan, year.nodes[plan.key]).number(somebody.name),
            pin=str(somebody.pin),
        )
        await them.send("/login/pin")
        await _buy_across(them, "Bread, a big loaf", SCHEME)


async def _buy_across(walker: Walker, title: str, scheme: str, picture: str = "") -> None:
    async def found() -> bool:
        await walker.open("/find")
        await walker.fill(q=title)
        await walker.press("Search")
        return await walker.page.get_by_role("link", name=title, exact=True).count() > 0

    await until(found, f"“{title}” of {scheme}", HEARD_WITHIN_S, 0.5)
    await walker.follow(title)
    await walker.says(scheme)
    await walker.follow("Pay for this")
    await walker.press("Next: check")
    await walker.says("Nothing has moved yet.")
    if picture:
        await walker.picture(picture)
    await walker.press("Pay", exact=False)
    await walker.says("Done")


async def drill(year: Year) -> None:
    """Once a year find out whether the copies would help. *More about the computer*: **Back up now**, then **Try the newest backup** unpacks it beside the
    node and reckons its whole book anew.

    And once, on a quiet day, as if the disk were dead: stop the node, put its data folder aside, and
    `interlets backup restore FILE` with the words from the sheet. `interlets serve` starts it. What happened after the backup its neighbours
    still know; *Brought back* on the desk says what came, and what has to be entered again from paper.
    """
    async with year.person(ROSA) as rosa:
        await rosa.open("/node")
        await rosa.press("Back up now")
        await rosa.press("Try the newest backup")

        async def tried() -> bool:
            await rosa.open("/node")
            return await rosa.page.locator('section[aria-labelledby="h-try"] .pill').count() > 0

        await until(tried, "the newest backup is tried", HEARD_WITHIN_S, 1.0)
        words = await rosa.page.locator('section[aria-labelledby="h-try"]').inner_text()
        if "It can be put back" not in words:
            raise Stumbled(f"the backup was tried: {words}")
        await rosa.picture("15-would-a-backup-help")
    file = max((year.folder / "stick").glob("*.backup"), key=lambda each: each.stat().st_mtime)
    async with year.person(ADA) as ada:
        await pay(ada, BRAM, AFTER_THE_BACKUP, "3")
    await _until_copied(year)
    year.ours.kill()
    data = year.ours.folder / "data"
    data.rename(year.ours.folder / "dead")
    sheet = year.ours.folder / "words"
    sheet.write_text(" ".join(year.state.sheet))
    await year.ours.run("backup", "restore", str(file), "--words-file", str(sheet))
    sheet.unlink()
    shutil.rmtree(year.ours.folder / "dead")
    await year.ours.start()
    async with year.person(ADA) as ada:
        await ada.open("/statement")
        await ada.says(AFTER_THE_BACKUP)
        await pay(ada, BRAM, "Eggs again", "3")
    async with year.person(ROSA) as rosa:
        await rosa.open("/admin/recovered")
        await rosa.picture("16-brought-back")


async def _until_copied(year: Year) -> None:
    """Let a day pass, after which neighbours have a newer copy of the books."""
    log = year.ours.folder / "serve.log"
    before = log.read_text(errors="replace").count("copy_kept")
    await year.pass_days(1)

    async def kept() -> bool:
        return log.read_text(errors="replace").count("copy_kept") > before

    await until(kept, "a newer copy of our books with a neighbour", HEARD_WITHIN_S)


async def upgrade(year: Year) -> None:
    """A new release: read the changelog, **Back up now**, stop the node, install, start it again. The database is brought up to date at the start, after a copy of
    it was put beside it. There is no way back but that copy: the old program refuses the new database, and harms nothing.
    """
    async with year.person(ROSA) as rosa:
        await rosa.open("/node")
        await rosa.press("Back up now")
    await year.ours.stop()
    year.ours.next_release = True
    await year.ours.start()
    copies = list((year.ours.folder / "data").glob("*.backup"))
    if len(copies) != 1:
        raise Stumbled(f"the database before the upgrade should lie beside it: {copies}")
    await year.ours.stop()
    year.ours.next_release = False
    try:
        await year.ours.start()
    except Trouble as refused:
        if "run the release that wrote it" not in str(refused):
            raise
    else:
        raise Stumbled("the old release opened the database of the next one")
    year.ours.next_release = year.state.next_release = True
    await year.ours.start()
