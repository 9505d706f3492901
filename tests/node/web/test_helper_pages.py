"""Pages about checked helpers: what organisers do, the badge, and who reads nothing more. Source: docs/pages.md 7.6."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from node.services.acts import Role
from node.services.helper_rows import checks_of
from node.services.my_data import read_my_data
from tests.node.web.oakvale import Oakvale, text, words_of
from tests.node.web.test_afterwards_pages import sent
from tests.node.web.test_report_pages import offered

SECRET = "Paper in the blue folder"


def day(oakvale: Oakvale, days: int) -> str:
    return (oakvale.town.node.helpers.today() + timedelta(days=days)).isoformat()


async def checked(oakvale: Oakvale, days: int = 400, note: str = SECRET) -> None:
    """Let Rosa check Ben."""
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    for what in ("Identity seen", "References asked"):
        status, page = await sent(
            rosas, f"/desk/helpers/{oakvale.ben.no}", what=what, checked=day(oakvale, 0), until=day(oakvale, days), note=note
        )  # fmt: skip
        assert status == 303, page


async def test_a_badge_appears_where_people_look_and_goes_by_itself(oakvale: Oakvale) -> None:
    _, listing = await offered(oakvale, oakvale.ben, "Shopping for you")
    places = (f"/people/{oakvale.ben.number}", "/people", listing)
    for place in places:
        assert "Checked helper" not in await text(oakvale.browser, place)
    await checked(oakvale, 20)
    for place in places:
        page = await text(oakvale.browser, place)
        assert "Checked helper until" in page
        assert SECRET not in page
    assert (
        "Ben"
        not in words_of(await text(oakvale.browser, "/people?q=ana&checked=yes")).split("Checked helper")[0]
    )
    only = words_of(await text(oakvale.browser, "/people?checked=yes"))
    assert ("1 person" in only, "Maud" in only) == (True, False)
    await oakvale.later(21 * 86_400_000)
    for place in places:
        assert "Checked helper until" not in await text(oakvale.browser, place)


async def test_organisers_see_what_ends_and_withdraw_it_with_a_reason(oakvale: Oakvale) -> None:
    await checked(oakvale, 10)
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert "2 checks of helpers end soon" in words_of(await text(rosas, "/admin"))
    page = words_of(await text(rosas, "/desk/helpers"))
    assert "Ben (0002), until" in page
    assert "These end soon" in page
    (_, first) = await oakvale.town.node.store.read(checks_of, oakvale.ben.no)
    here = f"/desk/helpers/{oakvale.ben.no}"
    assert f'href="{here}"' in await text(rosas, f"/admin/members/{oakvale.ben.no}")
    assert (await sent(rosas, f"{here}/{first.no}/withdraw", reason=""))[0] == 422
    assert (await sent(rosas, f"/desk/helpers/{oakvale.ana.no}/{first.no}/withdraw", reason="x"))[0] == 404
    assert (await sent(rosas, f"{here}/{first.no}/withdraw", reason="Wrong person"))[0] == 303
    page = words_of(await text(rosas, here))
    assert "Withdrawn by Rosa: Wrong person" in page
    assert "Missing for a checked helper: Identity seen" in page
    assert "Checked helper" not in await text(oakvale.browser, f"/people/{oakvale.ben.number}")
    assert (await sent(rosas, f"{here}/{first.no}/withdraw", reason="Again"))[0] == 303
    assert "Again" not in words_of(await text(rosas, here))


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"what": "Shoe size"}, "Please choose one of the answers."),
        ({"until": "soon"}, "Please write a day, for example 4 Mar 2027."),
        ({"until": "1999-01-01"}, "Please choose a day from today on."),
        ({"checked": "2990-01-01", "until": "2990-01-02"}, "That day is still to come."),
        ({"until": ""}, "Please fill this in."),
    ],
)
async def test_what_cannot_be_is_said_at_its_field(
    oakvale: Oakvale, fields: dict[str, str], said: str
) -> None:
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    right = {"what": "Identity seen", "checked": day(oakvale, 0), "until": day(oakvale, 9), "note": ""}
    status, page = await sent(rosas, f"/desk/helpers/{oakvale.ben.no}", **{**right, **fields})
    assert (status, said in words_of(page)) == (422, True)
    assert await oakvale.town.node.store.read(checks_of, oakvale.ben.no) == []


async def test_the_scheme_says_what_is_checked(oakvale: Oakvale) -> None:
    rosas = await oakvale.town.browser_of(oakvale.rosa)
    assert (await sent(rosas, "/desk/helpers", needed=" ", more="x"))[0] == 422
    assert (await sent(rosas, "/desk/helpers", needed="Two referees\nVisit at home", more=""))[0] == 303
    page = await text(rosas, f"/desk/helpers/{oakvale.ben.no}")
    assert "Visit at home" in page
    assert "Identity seen" not in page


async def test_the_helper_reads_all_of_it_and_nobody_else_any(oakvale: Oakvale) -> None:
    assert "Nothing was checked about you." in words_of(await text(oakvale.bens, "/my/checks"))
    await checked(oakvale)
    page = words_of(await text(oakvale.bens, "/my/checks"))
    assert SECRET in page
    assert "by Rosa" in page
    assert "/my/checks" in await text(oakvale.bens, "/my/data")
    ben = await oakvale.town.node.store.read(read_my_data, oakvale.ben)
    assert SECRET in json.dumps(ben["checked_about_me"])
    ana = await oakvale.town.node.store.read(read_my_data, oakvale.ana)
    assert ana["checked_about_me"] == []
    for path in ("/my/checks", f"/people/{oakvale.ben.number}", "/people", "/my/data"):
        assert SECRET not in await text(oakvale.browser, path)
    before = await oakvale.town.everything()
    for path in ("/desk/helpers", f"/desk/helpers/{oakvale.ben.no}"):
        assert SECRET not in await text(oakvale.browser, path, 403)
    for path in ("/desk/helpers/2", "/desk/helpers/2/1/withdraw", "/desk/helpers"):
        fields = {
            "what": "Identity seen",
            "checked": day(oakvale, 0),
            "until": day(oakvale, 3),
            "reason": "x",
            "needed": "x",
        }
        assert (await sent(oakvale.bens, path, **fields))[0] == 403
    after = await oakvale.town.everything()
    assert (before["helper_check"], before["setting"]) == (after["helper_check"], after["setting"])


async def test_nobody_checks_themselves(oakvale: Oakvale) -> None:
    rosas, here = await oakvale.town.browser_of(oakvale.rosa), f"/desk/helpers/{oakvale.rosa.no}"
    assert "Write down a check" not in await text(rosas, here)
    fields = {"what": "Identity seen", "checked": day(oakvale, 0), "until": day(oakvale, 3), "note": ""}
    assert (await sent(rosas, here, **fields))[0] == 403
    ottos = await oakvale.town.browser_of(await oakvale.town.member("Otto", Role.ORGANISER))
    assert (await sent(ottos, here, **fields))[0] == 303
    (mine,) = await oakvale.town.node.store.read(checks_of, oakvale.rosa.no)
    assert mine.until == date.fromisoformat(day(oakvale, 3))
    assert (await sent(rosas, f"{here}/{mine.no}/withdraw", reason="x"))[0] == 403
