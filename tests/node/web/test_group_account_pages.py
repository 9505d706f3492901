"""A group's own account through the door: asked for, opened, given to, let give, closed. docs/pages.md 7.2, 7.3; rule 3.10."""

from __future__ import annotations

from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.test_group_pages import about, does, started
from tests.node.web.towns import Browser, form_token_of, send


async def opened(oakvale: Oakvale, base: str) -> str:
    """Let Ana, who keeps it, ask for an account with Ben as its treasurer, and Rosa open it; return its address."""
    await does(oakvale.bens, base, "join")
    page = await text(oakvale.browser, f"{base}/account")
    assert "Who are its treasurers?" in words_of(page)
    sent = await send(oakvale.browser, f"{base}/account", f"{base}/account", **{f"t-{oakvale.ben.no}": "yes"})
    assert sent.status == 303
    assert "An organiser looks at it." in words_of(await text(oakvale.bens, f"{base}/account"))
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert "1 group asks for an account" in words_of(await text(rosas, "/admin"))
    page = words_of(await text(rosas, "/admin/group-accounts"))
    assert "Treasurers: Ben" in page
    where = "/admin/group-accounts/1/open"
    assert (await send(rosas, where, "/my", lower="x", upper="")).status == 422
    assert (await send(rosas, where, "/my", lower="", upper="")).status == 422
    assert (await send(rosas, where, "/my", lower="1:00", upper="")).status == 303
    assert (await send(rosas, where, "/my", lower="1:00", upper="")).status == 409
    answer = await oakvale.bens.get(f"{base}/account", allow_redirects=False)
    return answer.headers["Location"]


async def recorded(browser: Browser, path: str, **fields: str) -> str:
    """Give to a group or let it give; return what the page says that shows it before."""
    sent = await send(browser, f"{path}/check", path, **fields)
    page = await sent.text()
    assert sent.status == 200, words_of(page)
    form = fields_of(page)
    for _ in range(2):  # once, whatever is pressed how often
        done = await browser.post(f"{path}/do", data=form, allow_redirects=False)
        assert done.status == 303, await done.text()
    return words_of(page)


async def test_a_group_keeps_an_account(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    path = await opened(oakvale, base)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    page = words_of(await text(mauds, path))
    assert "Give to the group" in page
    assert "Let the group give" not in page
    assert path in await text(mauds, base)
    page = await recorded(mauds, path, way="give", amount="2:00", what="Bread for the fair")
    assert "From Maud To Bread Amount 2 hours" in page
    assert "Nothing has moved yet." in page
    assert "Bread for the fair, from Bread" in words_of(await text(mauds, "/statement"))
    assert "Bread for the fair" not in words_of(await text(mauds, path)), (
        "what moved it is for those in the group"
    )
    seen = words_of(await text(oakvale.browser, path))
    assert "+2 h Bread for the fair, for Maud" in seen

    page = await recorded(
        oakvale.bens, path, way="pay", who=str(oakvale.maud.no), amount="0:30", what="Flour by the sack"
    )
    assert "Bread: 2 hours now, 1 hour 30 minutes afterwards." in page
    assert "Flour by the sack, for Bread" in words_of(await text(mauds, "/statement"))
    assert "1 h 30" in words_of(await text(oakvale.browser, path))
    assert "1 h 30" in words_of(
        await text(await oakvale.town.browser_of(oakvale.rosa), "/admin/group-accounts")
    )


async def test_what_does_not_go_is_said(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    path = await opened(oakvale, base)
    pay = {"way": "pay", "amount": "0:30", "what": "Flour"}
    for who, status in (("999", 422), (str(oakvale.ben.no), 422), ("", 422)):
        assert (await send(oakvale.bens, f"{path}/check", path, **pay, who=who)).status == status
    far = await send(
        oakvale.bens, f"{path}/check", path, **{**pay, "amount": "9:00"}, who=str(oakvale.maud.no)
    )
    assert far.status == 422
    for where in ("check", "do"):  # whoever is no treasurer
        form = {**pay, "who": str(oakvale.maud.no), "once": "A" * 22}
        assert (await send(oakvale.browser, f"{path}/{where}", path, **form)).status == 403
    assert (await send(oakvale.bens, f"{path}/check", path, way="give", amount="x", what="")).status == 422
    assert (await oakvale.bens.get("/accounts/" + "00" * 16)).status == 404
    assert (await oakvale.bens.get("/accounts/x")).status == 404


async def test_its_treasurers_are_named_by_a_keeper_alone(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    path = await opened(oakvale, base)
    assert "Change its treasurers" not in words_of(await text(oakvale.bens, path))
    ana = f"t-{oakvale.ana.no}"
    assert (await send(oakvale.bens, f"{path}/treasurers", path, **{ana: "yes"})).status == 403
    assert (await send(oakvale.browser, f"{path}/treasurers", path)).status == 422
    assert (await send(oakvale.browser, f"{path}/treasurers", path, **{ana: "yes"})).status == 303
    assert "Treasurers Ana" in words_of(await text(oakvale.browser, path))
    assert await about(oakvale, base, "remove", oakvale.ben.no) == 303
    assert "May go to" not in words_of(await text(oakvale.bens, path))


async def test_only_a_keeper_asks_and_nobody_outside_finds_the_question(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    assert (await mauds.get(f"{base}/account")).status == 404
    assert (await send(mauds, f"{base}/account", "/my", **{f"t-{oakvale.maud.no}": "yes"})).status == 404
    await does(oakvale.bens, base, "join")
    assert "A keeper can ask for one." in words_of(await text(oakvale.bens, f"{base}/account"))
    sent = await send(oakvale.bens, f"{base}/account", "/my", **{f"t-{oakvale.ben.no}": "yes"})
    assert sent.status == 409
    assert (await send(oakvale.browser, f"{base}/account", f"{base}/account")).status == 422
    page = form_token_of(await text(oakvale.browser, f"{base}/account"))
    form = {"form_token": page, f"t-{oakvale.ana.no}": "yes"}
    await oakvale.browser.post(f"{base}/account", data=form)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert (await send(rosas, "/admin/group-accounts/1/no", "/admin/group-accounts")).status == 303
    assert "No group has an account." in words_of(await text(rosas, "/admin/group-accounts"))
    assert (await send(rosas, "/admin/group-accounts/1/close", "/my")).status == 404


async def test_it_is_closed_at_zero(oakvale: Oakvale) -> None:
    base = await started(oakvale)
    path = await opened(oakvale, base)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    await recorded(oakvale.bens, path, way="give", amount="0:30", what="Flour")
    close = "/admin/group-accounts/1/close"
    assert (await send(rosas, close, "/admin/chest")).status == 409
    await recorded(oakvale.bens, path, way="pay", who=str(oakvale.ana.no), amount="0:30", what="Back")
    assert (await send(rosas, close, "/admin/group-accounts")).status == 303
    assert "This account is closed." in words_of(await text(oakvale.browser, path))


async def test_over_an_amount_two_treasurers_give(oakvale: Oakvale) -> None:
    """Ana sets it; what Ben wants is on her first page, and moves with her yes; nobody else finds the button."""
    base = await started(oakvale)
    path = await opened(oakvale, base)
    both = {f"t-{oakvale.ana.no}": "yes", f"t-{oakvale.ben.no}": "yes"}
    assert (await send(oakvale.browser, f"{path}/treasurers", path, **both)).status == 303
    assert (await send(oakvale.browser, f"{path}/two", path, two_above="much")).status == 422
    assert (await send(oakvale.bens, f"{path}/two", path, two_above="1")).status == 403
    assert (await send(oakvale.browser, f"{path}/two", path, two_above="0:15")).status == 303
    pay = {"way": "pay", "who": str(oakvale.maud.no), "amount": "0:30", "what": "Flour"}
    page = await recorded(oakvale.bens, path, **pay)
    assert "For so much a second treasurer has to say yes, within 7 days." in page
    assert await oakvale.balance(oakvale.maud) == 0
    assert "Ben wants “Bread” to give 30 minutes to Maud" in words_of(await text(oakvale.browser, "/home"))
    assert f"{path}/givings/1/yes" not in await text(oakvale.bens, path)
    assert (await send(oakvale.bens, f"{path}/givings/1/yes", path)).status == 409
    mauds = await oakvale.town.browser_of(oakvale.maud)
    assert "Ben wants" not in words_of(await text(mauds, path))
    for act in ("yes", "no"):
        assert (await send(mauds, f"{path}/givings/1/{act}", path)).status == 409
    assert (await send(oakvale.browser, f"{path}/givings/2/yes", path)).status == 404
    assert (await send(oakvale.browser, f"{path}/givings/1/yes", path)).status == 303
    assert await oakvale.balance(oakvale.maud) == 30
    assert "Ben wants" not in words_of(await text(oakvale.browser, path))
