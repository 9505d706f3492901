"""Pay codes: nine letters or a picture, one use, a day. Rule 7.9; docs/pages.md 0.7, 8.7."""

from __future__ import annotations

import asyncio
import re

from node.services.acts import OPERATOR
from node.services.pay_codes import CODE_TRIES
from protocol.limits import PAY_CODE_VALID_MS, PAY_CODES_A_DAY_MAX
from protocol.references import reference_of
from tests.node.web.oakvale import Oakvale, fields_of, text, words_of
from tests.node.web.towns import Browser, form_token_of

SCRIPT = "<script>alert(1)</script>"


async def sent(browser: Browser, path: str, **fields: str) -> tuple[int, str, str]:
    """Send a form with a token that fits; return status, where it leads, and the page."""
    data = {"form_token": form_token_of(await text(browser, "/my")), **fields}
    answer = await browser.post(path, data=data, allow_redirects=False)
    return answer.status, answer.headers.get("Location", ""), await answer.text()


async def code(oakvale: Oakvale, what: str = "Jam", amount: str = "0:30") -> str:
    """Let Ben make a code; return its letters."""
    form = fields_of(await text(oakvale.bens, "/qr"))
    status, where, _ = await sent(oakvale.bens, "/qr", once=form["once"], what=what, amount=amount)
    assert status == 303
    return where.removeprefix("/qr/")


async def paid(browser: Browser, letters: str) -> tuple[int, str, str]:
    """Open a code's page and press its button."""
    check = await text(browser, f"/pay/{letters}")
    return await sent(browser, f"/pay/{letters}/do", **fields_of(check))


async def test_ana_types_bens_code_and_pays(oakvale: Oakvale) -> None:
    letters = await code(oakvale)
    shown = await text(oakvale.bens, f"/qr/{letters}")
    assert "Pay me 30 minutes Jam Or type " + letters in words_of(shown)
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in shown or "<svg" in shown
    typed = letters.replace("0", "o").replace("1", "i").lower().replace("-", " ")
    status, where, _ = await sent(oakvale.browser, "/scan", code=f"  {typed} ")
    assert (status, where) == (303, f"/pay/{letters}")
    check = words_of(await text(oakvale.browser, where))
    assert "Ben gets 30 minutes. You give 30 minutes." in check
    assert await oakvale.balance(oakvale.ben) == 0
    status, done, _ = await paid(oakvale.browser, letters)
    assert status == 303
    assert done.startswith("/t/")
    assert await oakvale.balance(oakvale.ben) == 30
    assert "Paid You got 30 minutes." in words_of(await text(oakvale.bens, f"/qr/{letters}"))


async def test_a_code_pays_once_whoever_sends_it_and_how_often(oakvale: Oakvale) -> None:
    letters = await code(oakvale)
    mauds = await oakvale.town.browser_of(oakvale.maud)
    checks = [fields_of(await text(each, f"/pay/{letters}")) for each in (oakvale.browser, mauds)]
    answers = await asyncio.gather(
        sent(oakvale.browser, f"/pay/{letters}/do", **checks[0]),
        sent(mauds, f"/pay/{letters}/do", **checks[1]),
        sent(oakvale.browser, f"/pay/{letters}/do", **checks[0]),
    )
    assert sorted({status for status, _, _ in answers}) == [303, 404]
    assert await oakvale.balance(oakvale.ben) == 30
    assert (await text(mauds, f"/pay/{letters}", 404)).count("was used, is over, or never was") == 1


async def test_what_the_code_leaves_open_the_payer_fills_in(oakvale: Oakvale) -> None:
    letters = await code(oakvale, "", "")
    page = await text(oakvale.browser, f"/pay/{letters}")
    assert "What do you pay Ben for?" in words_of(page)
    status, _, check = await sent(oakvale.browser, f"/pay/{letters}", what="Eggs", amount="1")
    assert status == 200
    assert "You give 1 hour." in words_of(check)
    assert (await sent(oakvale.browser, f"/pay/{letters}/do", **fields_of(check)))[0] == 303
    assert await oakvale.balance(oakvale.ben) == 60


async def test_a_fixed_amount_stays_fixed(oakvale: Oakvale) -> None:
    letters = await code(oakvale)
    assert (await sent(oakvale.browser, f"/pay/{letters}/do", what="Jam", minor="1"))[0] == 404
    assert await oakvale.balance(oakvale.ben) == 0


async def test_after_a_day_a_code_is_like_one_that_never_was(oakvale: Oakvale) -> None:
    letters = await code(oakvale)
    await oakvale.later(PAY_CODE_VALID_MS)
    over = await text(oakvale.browser, f"/pay/{letters}", 404)
    never = await text(oakvale.browser, f"/pay/{reference_of(b'never')}", 404)
    assert words_of(over) == words_of(never)
    assert (await sent(oakvale.browser, f"/pay/{letters}/do", what="Jam", minor="30"))[0] == 404
    assert "This code is over" in words_of(await text(oakvale.bens, f"/qr/{letters}"))
    assert await oakvale.balance(oakvale.ben) == 0


async def test_mistyped_letters_are_told_apart_and_cost_no_try(oakvale: Oakvale) -> None:
    letters = await code(oakvale)
    wrong = letters[:-1] + ("2" if letters[-1] != "2" else "3")
    for _ in range(CODE_TRIES.free + 3):
        status, _, page = await sent(oakvale.browser, "/scan", code=wrong)
        assert status == 422
        assert "Please look again." in words_of(page)
    assert (await sent(oakvale.browser, "/scan", code=letters))[0] == 303


async def test_guessing_is_slowed_for_whoever_guesses_and_nobody_else(oakvale: Oakvale) -> None:
    """Brute force: each member waits alone, so a library's computer stays good for the next one."""
    letters = await code(oakvale)
    statuses = []
    for number in range(CODE_TRIES.free + 2):
        guess = reference_of(number.to_bytes(5, "big"))
        statuses.append((await sent(oakvale.browser, "/scan", code=guess))[0])
    assert statuses[: CODE_TRIES.free] == [404] * CODE_TRIES.free
    assert statuses[-1] == 429
    # While she waits even a right code tells nothing, wherever it is tried.
    assert (await sent(oakvale.browser, "/scan", code=letters))[0] == 429
    assert (await oakvale.browser.get(f"/pay/{letters}")).status == 404
    assert (await sent(oakvale.browser, f"/pay/{letters}/do", what="Jam", minor="30"))[0] == 404
    mauds = await oakvale.town.browser_of(oakvale.maud)  # the same address
    assert (await sent(mauds, "/scan", code=letters))[0] == 303
    oakvale.town.clock.now += CODE_TRIES.most_ms
    assert (await sent(oakvale.browser, "/scan", code=letters))[0] == 303


async def test_strangers_guess_slowly_too(oakvale: Oakvale) -> None:
    """pages.md 7.1: a link opened by somebody who is not signed in; what it shows, and to whom."""
    letters = await code(oakvale)
    stranger = oakvale.town.browser()
    page = words_of(await text(stranger, f"/pay/{letters}"))
    assert "Ben asks for 30 minutes Jam" in page
    assert "Log in to pay" in page
    for number in range(25):
        await stranger.get(f"/pay/{reference_of(number.to_bytes(5, 'big'))}")
    assert "Please wait" in words_of(await text(stranger, f"/pay/{letters}", 404))
    assert (await oakvale.browser.get(f"/pay/{letters}")).status == 200, "members are counted apart"
    assert (
        await stranger.post(f"/pay/{letters}/do", data={"minor": "30"}, allow_redirects=False)
    ).status in (303, 403)
    assert await oakvale.balance(oakvale.ben) == 0


async def test_a_codes_own_page_opens_for_its_maker_only(oakvale: Oakvale) -> None:
    letters = await code(oakvale)
    assert (await oakvale.browser.get(f"/qr/{letters}")).status == 404
    assert (await oakvale.browser.get("/qr/AAAAAAAAA")).status == 404
    assert (await oakvale.browser.get("/pay/nothing")).status == 404
    own = await oakvale.bens.get(f"/pay/{letters}", allow_redirects=False)
    assert own.headers["Location"] == f"/qr/{letters}"
    assert (await sent(oakvale.bens, f"/pay/{letters}/do", what="Jam", minor="30"))[0] == 404


async def test_no_form_counts_without_its_token_and_a_script_is_text(oakvale: Oakvale) -> None:
    letters = await code(oakvale, SCRIPT)
    foreign = form_token_of(await text(oakvale.bens, "/my"))
    for token in ("", foreign):
        for path in (f"/pay/{letters}/do", f"/pay/{letters}", "/scan", "/qr"):
            data = {"form_token": token, "what": "x", "minor": "30", "code": letters}
            assert (await oakvale.browser.post(path, data=data)).status == 403
    for browser, path in (
        (oakvale.bens, f"/qr/{letters}"), (oakvale.browser, f"/pay/{letters}"), (oakvale.town.browser(), f"/pay/{letters}")
    ):  # fmt: skip
        page = await text(browser, path)
        assert "<script>alert" not in page
        assert SCRIPT in words_of(page)
    _, _, page = await sent(oakvale.browser, "/scan", code=SCRIPT)
    assert "<script>alert" not in page


async def test_one_form_makes_one_code_and_a_day_has_its_limit(oakvale: Oakvale) -> None:
    once = fields_of(await text(oakvale.bens, "/qr"))["once"]
    made = {(await sent(oakvale.bens, "/qr", once=once, what="Jam", amount="1"))[1] for _ in range(3)}
    assert len(made) == 1
    for number in range(PAY_CODES_A_DAY_MAX - 1):
        await oakvale.town.node.pay_codes.make(oakvale.ben, 1, "x", number.to_bytes(16, "big"))
    once = fields_of(await text(oakvale.bens, "/qr"))["once"]
    assert "You made many codes today." in words_of((await sent(oakvale.bens, "/qr", once=once))[2])


async def test_limits_and_pauses_stop_a_payment_by_code(oakvale: Oakvale) -> None:
    letters = await code(oakvale, amount="9")
    check = fields_of(await text(oakvale.browser, f"/pay/{letters}"))
    await oakvale.town.node.people.set_limits(OPERATOR, oakvale.ana.no, 60, None, why="less")
    _, _, page = await sent(oakvale.browser, f"/pay/{letters}/do", **check)
    assert "This would take you too far behind" in words_of(page)
    await oakvale.town.node.people.pause(OPERATOR, oakvale.ben.no, why="a talk first")
    assert (await oakvale.browser.get(f"/pay/{letters}")).status == 404
    assert re.search("You are paused", words_of(await text(oakvale.bens, "/qr")))
    assert await oakvale.balance(oakvale.ben) == 0
