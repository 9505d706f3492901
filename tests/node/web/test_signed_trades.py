"""A payment signed by its payer's passkey: the proof stands in the entry, and is right for that payment alone.

Source: docs/protocol.md 3.5; docs/pages.md 8.6, 8.13.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import FormData
from sqlalchemy import select

from node.services.books import load
from node.services.ledger_check import check_books
from node.services.passkey_check import NotThisKey, check_proof
from node.services.signed_books import SignedBook
from node.services.trades import NewTrade, newest_trades
from node.store import ReadTx
from node.store.schema import books as schema
from node.web.present import reference
from protocol.entry import Entry, Words
from protocol.message import decode_message, encode_message, trusted_message
from protocol.names import SchemeId
from protocol.passkey_proof import PasskeyProof
from tests.node.web.oakvale import words_of
from tests.node.web.towns import PIN, Browser, Town, form_token_of, hidden_of, open_town, send
from tests.passkey_device import PRESENT, Device, b64

HERE = "/my/passkeys"
ORIGIN = "http://localhost"
FAILED = "Your passkey did not work here. Nothing has moved."


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with open_town(origin=ORIGIN) as made:
        for name in ("Ana", "Ben", "Cem"):
            await made.member(name, pin=PIN)
        yield made


async def with_key(town: Town, number: str = "1") -> tuple[Browser, Device]:
    """Return a browser of a member and the telephone that holds the member's passkey."""
    browser, device = town.browser(), Device(ORIGIN, "localhost")
    assert (await send(browser, "/login/pin", "/login", number=number, pin=PIN)).status == 303
    options = await (await send(browser, HERE + "/ask", HERE)).json()
    assert (await send(browser, HERE, HERE, name="My telephone", answer=device.make(options))).status == 303
    return browser, device


async def check_page(browser: Browser, *, who: str = "0002", amount: str = "2") -> str:
    answer = await send(
        browser, "/record/what", f"/record/what?who={who}", who=who, what="Jam", amount=amount
    )
    return await answer.text()


async def question(browser: Browser, fields: dict[str, str]) -> dict[str, Any]:
    answer = await browser.post("/record/sign", data=fields)
    assert answer.status == 200
    told: dict[str, Any] = await answer.json()
    return told


async def said(browser: Browser, fields: dict[str, str], answer: str, status: int = 200) -> str:
    got = await browser.post("/record/do", data={**fields, "answer": answer}, allow_redirects=False)
    assert got.status == status
    return words_of(await got.text())


async def moved(town: Town) -> int:
    ben = await town.node.people.member(2)
    assert ben is not None
    return (await town.node.store.read(load, ben.account_no)).value.balance


def _newest_entry(tx: ReadTx) -> tuple[Entry, Words]:
    entry = schema.entry.c
    wire, words = tx.all(select(entry.wire, entry.words).order_by(entry.seq.desc()).limit(1))[0]
    return trusted_message(Entry, wire).body, decode_message(Words, words)


async def verified(browser: Browser, receipt: bytes) -> str:
    """Return what the page for anybody says of a receipt."""
    form = FormData()
    form.add_field("form_token", form_token_of(await (await browser.get("/verify")).text()))
    form.add_field("file", receipt, filename="a.receipt", content_type="application/octet-stream")
    return words_of(await (await browser.post("/verify", data=form)).text())


async def findings(town: Town) -> list[str]:
    keyring = town.node.keyring

    def identity(scheme: SchemeId) -> object:
        return keyring.identity if scheme == keyring.scheme else None

    checked = await town.node.store.read(check_books, keyring.scheme, identity)
    return [str(each) for each in checked.findings]


async def test_the_proof_stands_in_the_entry_and_on_the_page_of_the_payment(town: Town) -> None:
    """Rule 3.5: its challenge is the entry's `book` digest."""
    ana, device = await with_key(town)
    html = await check_page(ana)
    assert 'data-passkey="/record/sign"' in html
    fields = hidden_of(html)
    signed = device.sign(await question(ana, fields))
    got = await ana.post("/record/do", data={**fields, "answer": signed}, allow_redirects=False)
    assert got.status == 303
    entry, words = await town.node.store.read(_newest_entry)
    assert words.proved_by == "passkey"
    check_proof(words.proof, entry.book)
    page = got.headers["Location"].removesuffix("/check")
    assert "Signed With the passkey of Ana" in words_of(await (await ana.get(page)).text())
    assert await findings(town) == []
    # Whoever is shown its receipt can see so, without this node's word.
    receipt = await (await ana.get(f"{page}/receipt/file")).read()
    assert "Whoever paid signed these amounts with a passkey of their own." in await verified(ana, receipt)
    # Sent once more it is the same payment.
    again = await ana.post("/record/do", data={**fields, "answer": signed}, allow_redirects=False)
    assert again.headers["Location"] == got.headers["Location"]
    assert await moved(town) == 120


async def test_a_proof_that_was_touched_or_is_of_another_entry_is_none(
    town: Town, subtests: pytest.Subtests
) -> None:
    ana, device = await with_key(town)
    fields = hidden_of(await check_page(ana))
    await said(ana, fields, device.sign(await question(ana, fields)), 303)
    entry, words = await town.node.store.read(_newest_entry)
    with pytest.raises(NotThisKey):
        check_proof(words.proof, bytes(32))
    proof = decode_message(PasskeyProof, words.proof)
    for name in ("key", "authenticator", "client", "signature"):
        whole = getattr(proof, name)
        for at in range(0, len(whole), 5):
            with subtests.test(f"{name} {at}"):
                other = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
                with pytest.raises(NotThisKey):
                    check_proof(encode_message(replace(proof, **{name: other})), entry.book)
    for broken in (b"", b"\x90", words.proof[:-1], words.proof + b"\0", bytes(2048)):
        with pytest.raises(NotThisKey):
            check_proof(broken, entry.book)


async def test_checking_the_book_finds_a_proof_of_something_else(town: Town) -> None:
    """I19: whoever writes the book cannot put one payment's proof under another."""
    ana, device = await with_key(town)
    fields = hidden_of(await check_page(ana))
    await said(ana, fields, device.sign(await question(ana, fields)), 303)
    _, words = await town.node.store.read(_newest_entry)
    payer, payee = [await town.node.people.member(no) for no in (1, 2)]
    assert payer is not None
    assert payee is not None
    book = await town.node.store.read(
        town.node.books.to_sign, ((payer.account_no, -60), (payee.account_no, 60))
    )
    await town.node.trades.record(
        NewTrade(
            payer_no=payer.account_no, payee_no=payee.account_no, amount=60, text="Jam", entered_by="Ana",
            proved_by="passkey", once=b"forged", payer_name="Ana", payee_name="Ben",
            signed=SignedBook(salt=book.salt, digest=book.digest, proof=words.proof),
        )
    )  # fmt: skip
    (found,) = await findings(town)
    assert "what a passkey signed: it was said of something else" in found
    trade = (await town.node.store.read(newest_trades, payer.account_no, 1))[0]
    receipt = await (await ana.get(f"/t/{reference(trade)}/receipt/file")).read()
    assert "It says that a passkey signed it, and that is not true." in await verified(ana, receipt)


async def test_what_was_signed_is_what_is_paid(town: Town) -> None:
    """Signed for 2 hours to Ben: neither 3 hours nor Cem is paid with it, and it is used up by the try."""
    for changed in ({"minor": "180"}, {"who": "0003"}):
        ana, device = await with_key(town)
        fields = hidden_of(await check_page(ana))
        signed = device.sign(await question(ana, fields))
        await said(ana, {**fields, **changed}, signed, 404)
        assert FAILED in await said(ana, fields, signed)
    assert await moved(town) == 0
    assert await town.node.store.read(newest_trades, 1, 5) == []


async def test_a_signature_is_good_once_in_its_own_browser_for_its_own_purpose(town: Town) -> None:
    """Replayed, from another session, of a question for logging in, or without any question: nothing moves."""
    ana, device = await with_key(town)
    fields = hidden_of(await check_page(ana))
    signed = device.sign(await question(ana, fields))
    elsewhere = town.browser()
    assert (await send(elsewhere, "/login/pin", "/login", number="1", pin=PIN)).status == 303
    assert FAILED in await said(elsewhere, hidden_of(await check_page(elsewhere)), signed)
    entry = device.sign(await (await send(ana, "/login/passkey/ask", HERE)).json())
    assert FAILED in await said(ana, fields, entry)
    fields = hidden_of(await check_page(ana))
    signed = device.sign(await question(ana, fields))
    await said(ana, fields, signed, 303)
    assert FAILED in await said(ana, hidden_of(await check_page(ana, amount="3")), signed)
    for nonsense in ("{}", "null", "x"):
        assert FAILED in await said(ana, hidden_of(await check_page(ana, amount="3")), nonsense)
    # What was signed for a payment opens no account, and adds no key.
    fields = hidden_of(await check_page(ana, amount="3"))
    signed = device.sign(await question(ana, fields))
    assert (await send(ana, "/login/passkey", HERE, answer=signed)).status == 403
    assert (await send(ana, HERE, HERE, name="Other", answer=signed)).status == 422
    assert await moved(town) == 120


async def test_only_the_payers_own_key_signs_and_only_with_its_owner_seen(town: Town) -> None:
    ana, device = await with_key(town)
    _, bens = await with_key(town, "2")
    for other, wrong in ((bens, {}), (device, {"signature": b64(b"forged")})):
        fields = hidden_of(await check_page(ana))
        assert FAILED in await said(ana, fields, other.sign(await question(ana, fields), **wrong))
    device.flags = PRESENT
    fields = hidden_of(await check_page(ana))
    assert FAILED in await said(ana, fields, device.sign(await question(ana, fields)))
    assert await moved(town) == 0


async def test_without_a_passkey_nothing_of_it_is_shown_or_asked(town: Town) -> None:
    browser = town.browser()
    assert (await send(browser, "/login/pin", "/login", number="3", pin=PIN)).status == 303
    html = await check_page(browser)
    assert "data-passkey" not in html
    answer = await browser.post("/record/sign", data=hidden_of(html))
    assert (answer.status, await answer.json()) == (409, {})
    visitor = town.browser()
    assert (await visitor.post("/record/sign", data={}, allow_redirects=False)).status in (303, 403)
