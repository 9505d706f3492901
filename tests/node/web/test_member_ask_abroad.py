"""Asking somebody of another scheme to be paid, on three whole nodes in virtual time. Rule 7.7; docs/pages.md 8.11."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from node.services.acts import OPERATOR
from node.services.asks import CannotAsk, Kind, Why, asks_of
from node.services.asks_abroad import NewAskAbroad
from node.services.threads import threads_of
from node.store import ReadTx
from protocol.asking import AskState
from protocol.letter import LetterText, Sum
from protocol.names import Handle
from tests.node.web.test_member_pay_pages import Market, on_market_day

JAM = "Plum jam, 4 jars"


async def with_letters(market: Market, *, allowed: bool = True) -> int:
    """Let Ana write to Karim; return the number of the conversation on Karim's side."""
    for name in ("Oakvale", "Riverside"):
        await market.town[name].node.settings.change(
            OPERATOR, asks_abroad=allowed if name == "Oakvale" else True
        )
    shown = await market.listing()
    new = await market.browser.get(next(link for link in shown.links if link.startswith("/messages/new")))
    action = re.search(r'<form method="post" action="(/messages/new[^"]+)"', new.page)
    assert action
    await market.browser.post(action[1], **new.fields, text="Is there any left?")

    async def came() -> bool:
        return "Is there any left?" in (await market.karims.get("/messages")).words

    await market.town.until(came, 600, "the letter")
    found, _ = await market.town["Riverside"].node.store.read(threads_of, market.karim.account_no)
    return found[0][0].no


async def ask(market: Market, thread_no: int, amount: str = "6", what: str = JAM) -> str:
    """Let Karim ask Ana; return the address of the request at his scheme."""
    form = await market.karims.get(f"/ask/abroad?thread={thread_no}")
    check = await market.karims.post("/ask/abroad", **form.fields, what=what, amount=amount)
    assert "You ask for:" in check.words, check.words
    made = await market.karims.post("/ask/abroad/do", **check.fields)
    return made.location.partition("?")[0]


async def arrived(market: Market) -> str:
    """Wait for the request on Ana's first page; return its address there."""

    async def there() -> bool:
        return "asks you for" in (await market.browser.get("/home")).words

    await market.town.until(there, 600, "the request")
    links = (await market.browser.get("/home")).links
    return next(link for link in links if link.startswith("/asks/"))


async def states(market: Market) -> tuple[AskState, AskState]:
    """Return where the newest request stands, at Ana's scheme and at Karim's."""

    def query(tx: ReadTx, account_no: int, now_ms: int) -> AskState:
        to_me, by_me = asks_of(tx, account_no)
        return (to_me or by_me)[0].stands(now_ms)

    oakvale, riverside = (market.town[name].node for name in ("Oakvale", "Riverside"))
    return (
        await oakvale.store.read(query, market.ana.account_no, oakvale.clock.now_ms()),
        await riverside.store.read(query, market.karim.account_no, riverside.clock.now_ms()),
    )


async def until(market: Market, wanted: tuple[AskState, AskState]) -> None:
    async def so() -> bool:
        return await states(market) == wanted

    await market.town.until(so, 900, "both sides agree")


def with_a_request(act: Callable[[Market, str, str], Awaitable[None]]) -> None:
    """Run `act` once Karim's request for 6 Acorns is on Ana's first page."""

    async def scenario(market: Market) -> None:
        here = await ask(market, await with_letters(market))
        await act(market, here, await arrived(market))

    on_market_day(scenario)


def test_karim_asks_ana_and_is_paid_once_however_often_she_says_yes() -> None:
    async def act(market: Market, karims: str, anas: str) -> None:
        assert "Karim asks you for 6 Acorns Plum jam, 4 jars" in (await market.browser.get("/home")).words
        shown = await market.browser.get(anas)
        assert "Riverside" in shown.words
        check = await market.browser.post(f"{anas}/yes", **shown.fields)
        other = await market.browser.post(f"{anas}/yes", **shown.fields)
        assert "Karim gets 6 Acorns. You give 30 minutes." in check.words
        assert await market.balances() == (0, 0)

        first, second = await asyncio.gather(
            market.browser.post("/record/do", **check.fields),
            market.browser.post("/record/do", **other.fields),
        )

        assert {first.location.partition("?")[0], second.location.partition("?")[0]} <= {
            first.location.partition("?")[0], anas
        }  # fmt: skip
        await until(market, (AskState.PAID, AskState.PAID))
        assert await market.balances() == (-30, 600)
        again = await market.browser.post("/record/do", **check.fields)
        assert again.status == 200
        assert await market.balances() == (-30, 600)
        for browser, where in ((market.browser, anas), (market.karims, karims)):
            page = await browser.get(where)
            assert "It is paid." in page.words
            assert any(link.startswith("/t/") for link in page.links)
        assert "asks you for" not in (await market.browser.get("/home")).words

    with_a_request(act)


def test_a_no_reaches_karim_with_its_reason() -> None:
    async def act(market: Market, karims: str, anas: str) -> None:
        page = await market.browser.get(anas)
        await market.browser.post(f"{anas}/no", **page.fields, reason="amount", said="it was five")
        await until(market, (AskState.DECLINED, AskState.DECLINED))
        told = (await market.karims.get(karims)).words
        assert "Ana said no. “The amount is wrong: it was five” Nothing moved." in told
        late = await market.browser.post(f"{anas}/yes", **page.fields)
        assert "It is paid" not in late.words
        assert await market.balances() == (0, 0)

    with_a_request(act)


def test_taken_back_it_cannot_be_paid_any_more() -> None:
    async def act(market: Market, karims: str, anas: str) -> None:
        shown = await market.browser.get(anas)
        check = await market.browser.post(f"{anas}/yes", **shown.fields)
        page = await market.karims.get(karims)
        await market.karims.post(f"{karims}/withdraw", **page.fields)
        await until(market, (AskState.WITHDRAWN, AskState.WITHDRAWN))
        late = await market.browser.post("/record/do", **check.fields)
        assert "Karim took it back. Nothing moved." in late.words
        assert await market.balances() == (0, 0)

    with_a_request(act)


def test_a_payment_under_way_counts_although_the_request_was_taken_back_meanwhile() -> None:
    """Rule 7.7: what was paid is paid, on both sides, whatever letters cross it."""

    async def act(market: Market, karims: str, anas: str) -> None:
        shown = await market.browser.get(anas)
        check = await market.browser.post(f"{anas}/yes", **shown.fields)
        page = await market.karims.get(karims)
        await market.karims.post(f"{karims}/withdraw", **page.fields)  # its letter is on the way
        await market.browser.post("/record/do", **check.fields)
        await until(market, (AskState.PAID, AskState.PAID))
        assert await market.balances() == (-30, 600)

    with_a_request(act)


def test_a_check_page_that_was_tampered_with_pays_nothing() -> None:
    async def act(market: Market, karims: str, anas: str) -> None:
        shown = await market.browser.get(anas)
        check = await market.browser.post(f"{anas}/yes", **shown.fields)
        for wrong in ({"minor": "601"}, {"what": "Something else"}, {"ask": "99"}, {"ask": "x"}):
            assert (await market.browser.post("/record/do", **{**check.fields, **wrong})).status == 404
        assert await market.balances() == (0, 0)

    with_a_request(act)


def test_where_requests_across_are_not_allowed_nothing_arrives_and_karim_is_told() -> None:
    """pages.md 8.11: off unless both schemes allow it."""

    async def act(market: Market) -> None:
        thread_no = await with_letters(market, allowed=False)
        where = await ask(market, thread_no)

        async def told() -> bool:
            page = await market.karims.get(where)
            return "Their scheme takes no requests from other schemes now." in page.words

        await market.town.until(told, 600, "the answer")
        assert "asks you for" not in (await market.browser.get("/home")).words
        riverside = market.town["Riverside"].node
        await riverside.settings.change(OPERATOR, asks_abroad=False)
        assert (await market.karims.get(f"/ask/abroad?thread={thread_no}")).status == 404
        with pytest.raises(CannotAsk) as refused:
            await riverside.asks_abroad.ask(
                NewAskAbroad(payee=market.karim, thread_no=thread_no, amount=1, text="x"), bytes(16)
            )
        assert refused.value.why is Why.UNREACHABLE

    on_market_day(act)


def test_whoever_is_blocked_asks_in_vain_and_is_not_told() -> None:
    async def act(market: Market) -> None:
        thread_no = await with_letters(market)
        oakvale = market.town["Oakvale"].node
        found, _ = await oakvale.store.read(threads_of, market.ana.account_no)
        thread = await market.browser.get(f"/messages/{found[0][0].no}")
        await market.browser.post(f"/messages/{found[0][0].no}/block", **{**thread.fields, "blocked": "yes"})
        where = await ask(market, thread_no)

        async def delivered() -> bool:
            return "delivered" in (await market.karims.get(f"/messages/{thread_no}")).words

        await market.town.until(delivered, 600, "the letter")
        assert "asks you for" not in (await market.browser.get("/home")).words
        assert "Waiting for Ana to say yes." in (await market.karims.get(where)).words

    on_market_day(act)


def test_what_a_request_may_say() -> None:
    """Rule 7.7: one line, in the asker's own units, to a member; what is not so is refused before anything is written."""

    async def act(market: Market) -> None:
        await with_letters(market)
        oakvale, riverside = market.town["Oakvale"], market.town["Riverside"]
        good = LetterText(
            thread=b"t" * 16, kind="payment-request", from_handle=Handle(b"h" * 16), from_name="Karim",
            to_handle=None, listing=None, amount=Sum(scheme=riverside.scheme, amount=600), until=2**50,
            reference=b"r" * 16, text="Jam",
        )  # fmt: skip

        def query(tx: ReadTx, text: LetterText, account_no: int | None) -> str | None:
            return oakvale.node.asks_abroad.refuses(tx, riverside.scheme, text, account_no)

        read, ana = oakvale.node.store.read, market.ana.account_no
        assert await read(query, good, ana) is None
        assert await read(query, good, None) == "nobody"
        for wrong in ("", "two\nlines", " x", "x" * 281, "a\u202eb"):
            assert await read(query, replace(good, text=wrong), ana) == "not-understood"
        ours = Sum(scheme=oakvale.scheme, amount=600)
        assert await read(query, replace(good, amount=ours), ana) == "not-understood"
        assert await read(query, replace(good, reference=b"r" * 32, text=""), ana) is None, "words only"
        assert Kind.IN.value == "in"

    on_market_day(act)
