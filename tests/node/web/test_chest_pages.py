"""The community chest and fees on their pages: asked for, confirmed, previewed, gone, let off, given. Source: docs/protocol.md 3.8."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from node.services.acts import Role
from node.services.fee_rows import ChargeState, charges_of
from node.web.pages.desk_fees import read_share
from protocol.limits import DAY_MS
from tests.node.web.oakvale import Oakvale, fields_of, open_oakvale, text, words_of
from tests.node.web.towns import Browser

FORM = {"text": "Membership fee", "kind": "fixed", "amount": "1", "side": "got", "every": "year"}


@pytest.fixture
async def oakvale() -> AsyncIterator[Oakvale]:
    async with open_oakvale() as made:
        yield made


async def sent(browser: Browser, page: str, path: str, **fields: str) -> str:
    """Send a form of a page; return where it leads, or the words of the page that asks again."""
    shown = await text(browser, page)
    answer = await browser.post(path, data={**fields_of(shown), **fields}, allow_redirects=False)
    if answer.status == 303:
        return answer.headers["Location"]
    assert answer.status == 422, answer.status
    return words_of(await answer.text())


async def organisers(oakvale: Oakvale) -> tuple[Browser, Browser]:
    """Return the browsers of Rosa and Sam, who have both been at the desk for longer than a week."""
    sam = await oakvale.town.member("Sam", Role.ORGANISER)
    await oakvale.later(8 * DAY_MS)
    return await oakvale.town.browser_of(oakvale.rosa), await oakvale.town.browser_of(sam)


def first_day(oakvale: Oakvale, days: int = 20) -> str:
    today = date.fromordinal(oakvale.town.node.chest.today())
    return (today + timedelta(days=days)).isoformat()


async def begun(oakvale: Oakvale, rosas: Browser, sams: Browser, **fields: str) -> None:
    form = {**FORM, "first": first_day(oakvale), **fields}
    assert await sent(rosas, "/admin/chest/fees/new", "/admin/chest/fees/new", **form) == "/admin/together?note=asked-two"  # fmt: skip
    together = await text(sams, "/admin/together")
    assert f"A new fee: {form['text']}" in words_of(together)
    (number,) = [
        part.split("/")[0] for part in together.split("/admin/together/")[1:] if "/confirm" in part[:20]
    ]
    done = await sent(sams, "/admin/together", f"/admin/together/{number}/confirm")
    assert done == "/admin/together?note=both-agreed"


async def test_from_the_form_to_the_statement(oakvale: Oakvale) -> None:
    """Asked, confirmed, told on the rules page, previewed, gone by itself, on the member's own pages in plain words."""
    rosas, sams = await organisers(oakvale)
    assert "There are none. Nothing goes from members by itself." in words_of(
        await text(rosas, "/admin/chest")
    )
    assert "There are no fees here." in words_of(await text(oakvale.browser, "/my/fees"))
    await begun(oakvale, rosas, sams)
    sentence = "1 hour every year, the first time on"
    assert sentence in words_of(await text(oakvale.town.browser(), "/how"))
    assert sentence in words_of(await text(oakvale.browser, "/my/fees"))

    await oakvale.town.node.people.set_limits(
        oakvale.rosa.acts("pin"), oakvale.ben.no, 59, None, why="asked to"
    )
    preview = words_of(await text(rosas, "/admin/chest/fees/1"))
    assert "5 members would give 5 hours together." in preview
    assert "For 1 of them it would go further behind than their limit: it waits." in preview

    await oakvale.later(20 * DAY_MS)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert await sent(rosas, "/admin/chest", "/admin/chest/book") == "/admin/chest?note=saved"
    assert await oakvale.balance(oakvale.ana) == -60
    assert "Membership fee" in words_of(await text(oakvale.browser, "/statement"))
    mine = await text(oakvale.browser, "/my/fees")
    assert "1 hour Paid Membership fee" in words_of(mine)
    trade = "/t/" + mine.partition('href="/t/')[2].partition('"')[0]
    assert "You gave 1 hour." in words_of(await text(oakvale.browser, trade))
    await text(oakvale.browser, f"{trade}/wrong")
    await text(oakvale.browser, f"{trade}/receipt")
    bens = words_of(await text(oakvale.bens, "/my/fees"))
    assert "Not gone yet" in bens
    assert "It would go further behind than the limit." in bens
    chest = words_of(await text(rosas, "/admin/chest"))
    assert "4 h in the chest" in chest
    assert "1 fee has not gone yet: 1 hour." in chest

    (bens_charge,) = await oakvale.town.node.store.read(charges_of, oakvale.ben.account_no)
    here = f"/admin/chest/charges/{bens_charge.no}"
    assert "Please say why." in await sent(rosas, here, f"{here}/let-off", how="waived")
    assert "Please choose one." in await sent(rosas, here, f"{here}/let-off", how="paid", reason="x")
    assert await sent(rosas, here, f"{here}/let-off", how="waived", reason="ill") == f"{here}?note=saved"
    (bens_charge,) = await oakvale.town.node.store.read(charges_of, oakvale.ben.account_no)
    assert bens_charge.state is ChargeState.WAIVED
    assert "Let off Membership fee" in words_of(await text(oakvale.bens, "/my/fees"))
    assert (
        await sent(rosas, "/admin/chest/fees/1", "/admin/chest/fees/1/end")
        == "/admin/chest/fees/1?note=saved"
    )
    assert "Ended" in words_of(await text(rosas, "/admin/chest/fees/1"))
    assert "Membership" not in words_of(await text(oakvale.town.browser(), "/how"))


async def test_nobody_lets_themselves_off(oakvale: Oakvale) -> None:
    rosas, sams = await organisers(oakvale)
    await begun(oakvale, rosas, sams, amount="11")
    await oakvale.later(20 * DAY_MS)
    await oakvale.town.node.chest.look()
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    (own,) = await oakvale.town.node.store.read(charges_of, oakvale.rosa.account_no)
    here = f"/admin/chest/charges/{own.no}"
    assert "This is your own. Another organiser decides." in words_of(await text(rosas, here))
    assert "This is your own" in await sent(
        rosas, "/admin/chest", f"{here}/let-off", how="waived", reason="me"
    )
    (own,) = await oakvale.town.node.store.read(charges_of, oakvale.rosa.account_no)
    assert own.state is ChargeState.OWED


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": ""}, "Please write your message."),
        ({"amount": ""}, "Please say how much."),
        ({"kind": "share", "share": "11"}, "Please write a number up to 10"),
        ({"kind": "share", "share": "0"}, "Please write a number up to 10"),
        ({"kind": "loan"}, "Please choose one."),
        ({"every": "week"}, "Please choose one."),
        ({"first": "soon"}, "This is not a day."),
        ({"first": "2026-01-10"}, "Members must know it 14 days before."),
    ],
)
async def test_what_is_no_fee_is_asked_for_again(
    oakvale: Oakvale, fields: dict[str, str], sentence: str
) -> None:
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    form = {**FORM, "first": first_day(oakvale), **fields}
    said = await sent(rosas, "/admin/chest/fees/new", "/admin/chest/fees/new", **form)
    assert sentence in said
    assert "Nothing waits" in words_of(await text(rosas, "/admin/together"))


@pytest.mark.parametrize(
    ("typed", "share"),
    [("2", 200), ("2.5", 250), ("2,05 %", 205), ("10", 1000), ("0.01", 1), ("10.01", None), ("0", None), ("-1", None), ("1.234", None), ("٢", None), ("", None), ("2.x", None)],
)  # fmt: skip
def test_a_share_as_people_write_it(typed: str, share: int | None) -> None:
    assert read_share(typed) == share


async def test_a_share_is_said_and_previewed(oakvale: Oakvale) -> None:
    rosas, sams = await organisers(oakvale)
    await begun(oakvale, rosas, sams, kind="share", share="2.5", every="month", amount="")
    await oakvale.later(21 * DAY_MS)
    await oakvale.record(amount="2")  # Ana pays Ben
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    page = words_of(await text(rosas, "/admin/chest/fees/1"))
    assert "2.5% of what you got from others here" in page
    assert "1 member would give 3 minutes." in page
    assert "2.5% of 2 h" in page


async def test_a_member_gives_to_the_chest_and_two_organisers_give_from_it(oakvale: Oakvale) -> None:
    rosas, sams = await organisers(oakvale)
    page = await text(oakvale.browser, "/my/fees")
    for _ in range(2):  # pressed twice
        fields = {**fields_of(page), "amount": "1:30", "what": "For the feast"}
        answer = await oakvale.browser.post("/my/fees/give", data=fields, allow_redirects=False)
        assert answer.status == 303
        done = words_of(await text(oakvale.browser, answer.headers["Location"]))
        assert "For the feast" in done
        assert "You gave 1 hour 30 minutes." in done
    assert await oakvale.balance(oakvale.ana) == -90
    assert "too far behind" in await sent(oakvale.browser, "/my/fees", "/my/fees/give", amount="90", what="")
    assert "Please say how much." in await sent(oakvale.browser, "/my/fees", "/my/fees/give", amount="")

    give = {"who": oakvale.maud.number, "amount": "1", "what": "Cooking for all"}
    for wrong, sentence in (({"who": "0999"}, "Nobody here has this number."), ({"amount": "2"}, "There is not that much in the chest."), ({"amount": "x"}, "")):  # fmt: skip
        assert sentence in await sent(rosas, "/admin/chest", "/admin/chest/give", **{**give, **wrong})
    assert await sent(rosas, "/admin/chest", "/admin/chest/give", **give) == "/admin/together?note=asked-two"
    together = await text(sams, "/admin/together")
    assert "The community chest gives Maud 1 hour" in words_of(together)
    assert (
        await sent(sams, "/admin/together", "/admin/together/1/confirm") == "/admin/together?note=both-agreed"
    )
    assert await oakvale.balance(oakvale.maud) == 60
    chest = words_of(await text(rosas, "/admin/chest"))
    assert "30 min in the chest" in chest
    assert "Gifts from members +1 h 30" in chest
    assert "Given to members −1 h" in chest
    mauds = await oakvale.town.browser_of(oakvale.maud)
    assert "Cooking for all" in words_of(await text(mauds, "/statement"))


async def test_no_pages_that_are_not_there(oakvale: Oakvale) -> None:
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    for path in ("/admin/chest/fees/9", "/admin/chest/charges/9"):
        await text(rosas, path, 404)
