"""What comes up at the desk in the course of a year: a fee, a complaint, help, tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tests.year.beginning import AT_BROWSERS
from tests.year.members_file import MEMBERS, REST
from tests.year.walking import Stumbled, Walker
from tests.year.year import BEN, ROSA, Year, find_member

ADA, BRAM, CARLA, DINA = AT_BROWSERS
FEE: Final = 2


async def confirmed_by_ben(year: Year) -> None:
    """Confirm, as the second organiser, the one thing that waits."""
    async with year.person(BEN) as ben:
        await ben.open("/admin/together")
        await ben.press("Confirm it")


async def fee(year: Year) -> None:
    """The scheme's own work is paid from the community chest. *Chest*, **A new fee**: what members read, how much, how often, and the first day,
    at least fourteen days from now; then **Ask for this fee**. Nothing of this kind happens by one person alone: a second organiser logs in, finds
    it under *What two of you decide*, and presses **Confirm it**. All members are told.

    On its day the fee goes by itself. The fee's page says what it will come to, and of whom nothing can be taken. **Book what is due today** if
    you do not want to wait half an hour.
    """
    first = year.now.date() + timedelta(days=21)
    async with year.person(ROSA) as rosa:
        await rosa.open("/admin/chest")
        await rosa.follow("A new fee")
        await rosa.fill(
            text="Yearly fee", kind="fixed", amount=str(FEE), every="year", first=first.isoformat()
        )
        await rosa.picture("08-a-new-fee")
        await rosa.press("Ask for this fee")
        await rosa.says("Yearly fee")
    await confirmed_by_ben(year)
    await year.move_to(first)
    async with year.person(ROSA) as rosa:
        await rosa.open("/admin/chest")
        await rosa.press("Book what is due today")
        holds = await rosa.page.locator(".balance-figure .figure").inner_text()
        await rosa.picture("09-chest")
    # Everybody pays it: nobody of the file is near the limit. Before, the chest had what could not be explained.
    if f"{FEE * (MEMBERS + 2) - REST}" not in holds:
        raise Stumbled(f"the chest has {holds}")


async def complaint(year: Year) -> None:
    """A member paid 25 where 15 were meant, and does not get it back. Members do not have to argue: on the trade's page they press **Something is wrong**
    and write to you, **Send it to the organisers**. On the desk it stands under *Today*. You read both, ring them, and enter the opposite
    trade: **Enter the opposite trade**. Nothing is ever taken out of the books; both trades stay and name each other.
    """
    async with year.person(ADA) as ada:
        await pay(ada, BRAM, "A wheel trued", "25")
        await ada.follow("See the trade, print it")
        await ada.follow("Something is wrong")
        await ada.fill(text="We had agreed on 15. I typed 25, and he says it is fine like that.")
        await ada.press("Send it to the organisers")
    async with year.person(ROSA) as rosa:
        await rosa.open("/admin")
        await rosa.open("/admin/complaints")
        await rosa.page.locator("main a.row-link").first.click()
        await rosa.page.wait_for_load_state()
        await rosa.look()
        await rosa.says("We had agreed on 15", ADA, BRAM)
        await rosa.picture("10-something-is-wrong")
        await rosa.fill(reason="25 was typed for 15. Please pay the 15 anew.")
        await rosa.press("Enter the opposite trade")
    async with year.person(ADA) as ada:
        await ada.open("/statement")
        await ada.says("25")
        await pay(ada, BRAM, "A wheel trued, as agreed", "15")


async def pay(walker: Walker, name: str, what: str, amount: str) -> None:
    """Record a trade, as whoever was helped."""
    await walker.open(f"/record?q={name.replace(' ', '+')}")
    await walker.page.locator("main a.row-link", has_text=name).first.click()
    await walker.page.wait_for_load_state()
    await walker.look()
    await walker.fill(what=what, amount=amount)
    await walker.press("Next: check")
    await walker.press(f"Pay {name.partition(' ')[0]}", exact=False)
    await walker.says("Done")


async def helper(year: Year) -> None:
    """Some things are asked in private: a lift to the doctor, help after a fall. Who may help there is checked first. On *Checked helpers* you say
    once what has to be checked; on a member's page, **Checks for helpers**, you note what you saw and until when it counts: **Write it down**.

    Carla asks: *Me*, *Help*, **Ask for help**. You find it under *Help*, see who of the checked helpers fits, and ask one of them. The helper answers
    **Yes, I come and help**; when it has happened, **They came and helped** ends it, and she pays as for anything else.
    """
    today = year.now.date()
    async with year.person(ROSA) as rosa:
        await rosa.open("/desk/helpers")
        await rosa.fill(needed="Talked with an organiser\nTwo people vouch")
        await rosa.press("Save")
        for what in ("Talked with an organiser", "Two people vouch"):
            await find_member(rosa, DINA)
            await rosa.follow("Checks for helpers")
            until = today.replace(year=today.year + 1)
            await rosa.fill(what=what, checked=f"{today:%d %b %Y}", until=f"{until:%d %b %Y}")
            await rosa.press("Write it down")
    async with year.person(CARLA) as carla:
        await carla.open("/my/help")
        await carla.follow("Ask for help", within="main")
        await carla.fill(
            task="A lift to the eye clinic", when="Thursday at nine", where="Upper Linden", checked="on"
        )
        await carla.press("Ask for help")
    async with year.person(ROSA) as rosa:
        await rosa.open("/desk/help")
        await rosa.page.locator("main a", has_text="eye clinic").first.click()
        await rosa.page.wait_for_load_state()
        await rosa.look()
        await rosa.picture("11-who-could-help")
        await rosa.press(f"Ask {DINA}")
    async with year.person(DINA) as dina:
        await dina.open("/my/help")
        await dina.page.locator("main a.row-link").first.click()
        await dina.page.wait_for_load_state()
        await dina.look()
        await dina.press("Yes, I come and help")
    await year.pass_days(1)
    async with year.person(CARLA) as carla:
        await carla.open("/my/help")
        await carla.page.locator("main a.row-link").first.click()
        await carla.page.wait_for_load_state()
        await carla.press("They came and helped")
        await pay(carla, DINA, "A lift to the eye clinic", "10")


async def tokens(year: Year) -> None:
    """For people who are not members, or want to pay with something they can hold, there are tokens. *Chest*, *Tokens and the cash box*, *What a token is*:
    what it is worth and costs, **Save**. A visitor buys four: **Sell them**, and give the receipt. Helpers bring theirs back: **Take them back** puts
    their worth into the account. In the evening count the money in the box: **Close the day**. *The cash book* has all of it.
    """
    numbers = year.state.facts["numbers"]
    async with year.person(BEN) as ben:
        await ben.open("/desk/tokens")
        await ben.fill(worth="5", price="4", currency="€")
        await ben.press("Save")
        await ben.fill_in("/desk/tokens/sell", count="4", who="A visitor at the market")
        await ben.press("Sell them")
        await ben.says("Receipt")
        await ben.picture("12-receipt-of-tokens")
        await ben.open("/desk/tokens")
        await ben.fill_in("/desk/tokens/back", count="3", number=numbers[DINA])
        await ben.press("Take them back")
        await ben.open("/desk/tokens")
        await ben.says("1 token, worth 5")
        await ben.fill_in("/desk/tokens/close", money="16")
        await ben.press("Close the day")
        await ben.open("/desk/tokens/book")
        await ben.says("16")
