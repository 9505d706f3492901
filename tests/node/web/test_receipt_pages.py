"""Receipts on the pages: a trade's, and the page that checks any scheme's. Source: docs/protocol.md 4.4, 7.9; docs/pages.md 7.1, 7.2."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import FormData
from structlog.testing import capture_logs

from crypto.words import identity_words
from node.services.acts import Role
from node.services.members import Member
from node.services.receipts import written
from node.services.trades import NewTrade, Trade, trades_by_reference
from node.web.amounts import HOURS
from node.web.pages import verify
from node.web.pages.schemes import Schemes
from node.web.present import OtherScheme, reference
from node.web.uploads import ONE_BURST
from protocol.limits import RECEIPT_BYTES_MAX
from protocol.receipt_file import encode_receipt
from protocol.receipt_proof import Proven, verify_receipt
from protocol.references import parse_reference, reference_bits
from tests.drawing import needs_pdf
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.towns import Browser, Town, form_token_of, open_town
from tests.node.web.words_seen import main_words
from tests.protocol.receipts import FALSE_RIVERSIDE, HILLTOP, RIVERSIDE, across, local_trade


@dataclass
class Desk:
    """Ana gave Ben two hours."""

    town: Town
    ana: Member
    trade: Trade

    @property
    def here(self) -> str:
        return f"/t/{reference(self.trade)}"

    async def file(self) -> bytes:
        browser = await self.town.browser_of(self.ana)
        answer = await browser.get(f"{self.here}/receipt/file")
        assert answer.status == 200
        return await answer.read()

    async def code(self) -> str:
        found = await self.town.node.store.read(written, self.trade)
        assert found is not None
        return found.check


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with open_town() as town:
        ana, ben = await town.member("Ana"), await town.member("Ben")
        new = NewTrade(
            payer_no=ana.account_no, payee_no=ben.account_no, amount=120, text="two hours in the garden",
            entered_by="Ana", proved_by="link", once=bytes(16), payer_name="Ana", payee_name="Ben",
        )  # fmt: skip
        yield Desk(town, ana, await town.node.trades.record(new))


async def sent(browser: Browser, data: bytes, **fields: str) -> tuple[int, str]:
    """Send a file as a browser does; return the status and what a reader sees."""
    page = await (await browser.get("/verify")).text()
    form = FormData()
    form.add_field("form_token", fields.pop("token", form_token_of(page)))
    form.add_field("file", data, filename="a.receipt", content_type="application/octet-stream")
    for name, value in fields.items():
        form.add_field(name, value)
    answer = await browser.post("/verify", data=form, allow_redirects=False)
    return answer.status, main_words(await answer.text())


# --- A trade's receipt ---


async def test_a_trade_has_a_receipt_on_paper_and_as_a_file(desk):
    browser = await desk.town.browser_of(desk.ana)
    trade = await (await browser.get(desk.here)).text()
    assert f'href="{desk.here}/receipt"' in trade

    page = await (await browser.get(f"{desk.here}/receipt")).text()
    words = main_words(page)

    assert "You gave 2 hours." in words
    assert reference(desk.trade) in words
    code = await desk.code()
    assert " ".join(re.findall("....", code)) in words
    assert "<svg" in page
    assert "style=" not in page.partition("<main")[2]  # the browser would refuse it (CSP)
    assert f'href="{desk.here}/receipt/file"' in page
    assert "Made for Ana" in words


async def test_the_file_proves_the_trade(desk):
    """Rule 4.4."""
    found = verify_receipt(await desk.file())

    assert isinstance(found, Proven)
    assert found.own.scheme == desk.town.node.scheme
    assert found.own.says is not None
    assert found.own.says.name == "Oakvale"
    assert found.words is not None
    assert (found.words.text, found.words.parties) == ("two hours in the garden", ("Ana", "Ben"))
    assert found.reference == reference(desk.trade)


@pytest.mark.parametrize("page", ["receipt", "receipt/file", pytest.param("receipt/pdf", marks=needs_pdf)])
async def test_only_its_parties_and_organisers_get_it(desk, page):
    """Rule 7.9: for everybody else there is no such page."""
    stranger, rosa = await desk.town.member("Eve"), await desk.town.member("Rosa", Role.ORGANISER)

    nobody = await desk.town.browser().get(f"{desk.here}/{page}", allow_redirects=False)
    eve = await (await desk.town.browser_of(stranger)).get(f"{desk.here}/{page}")
    organiser = await (await desk.town.browser_of(rosa)).get(f"{desk.here}/{page}")

    assert (nobody.status, eve.status, organiser.status) == (303, 404, 200)


def test_both_ends_of_a_trade_across_prove_the_same_terms():
    """Rules 4.4, 7.1, 7.4: each side from its own book."""

    async def act(market: Market) -> None:
        done = await market.pay(await market.check())
        ref = next(link for link in done.links if link.startswith("/t/"))[3:].partition("/")[0]
        await asyncio.sleep(180)  # both books are published that far, and looked at, by then
        found = []
        for name in ("Oakvale", "Riverside"):
            node = market.town[name].node

            def file(tx, node=node):
                bits = int.from_bytes(reference_bits(parse_reference(ref)), "big")
                return node.receipts.read(tx, trades_by_reference(tx, bits)[0])

            found.append(verify_receipt(await node.store.read(file)))
        payer, payee = found
        assert isinstance(payer, Proven)
        assert isinstance(payee, Proven)
        assert payer.reference == payee.reference == ref
        assert payer.agreed is not None
        assert payee.agreed is not None
        assert payer.agreed.quote == payee.agreed.quote
        hilltop = market.town["Hilltop"].scheme
        for one, other in ((payer, payee), (payee, payer)):
            assert one.included is not None
            assert [each.by.scheme for each in one.included.witnesses] == [hilltop]
            assert one.agreed is not None
            assert one.agreed.both_signed
            assert one.agreed.same_text
            assert one.agreed.other.scheme == other.own.scheme

    on_market_day(act)


# --- /verify: a file of any scheme ---


async def test_anybody_may_check_a_file(desk):
    status, words = await sent(desk.town.browser(), await desk.file())

    assert status == 200
    for sentence in (
        "This receipt is whole", "Gave Ana: 2 hours", "Got Ben: 2 hours", "two hours in the garden", "Written by: Oakvale This is us.",
    ):  # fmt: skip
        assert sentence in words


async def test_a_turned_byte_is_refused_in_plain_words(desk):
    data = bytearray(await desk.file())
    data[bytes(data).index(b"two hours")] ^= 1

    status, words = await sent(desk.town.browser(), bytes(data))

    assert status == 200
    assert "This receipt does not hold Its names or texts are not those that the scheme wrote." in words


async def test_receipts_of_schemes_we_never_heard_of_are_read_and_said_to_be_unknown(desk):
    """A forged “Riverside” signs valid receipts, too: the page says that it does not know it, and shows its six words."""
    for town in (RIVERSIDE, FALSE_RIVERSIDE):
        _, words = await sent(desk.town.browser(), encode_receipt(local_trade(town, witnesses=())))
        assert "Written by: Riverside We do not know this scheme." in words
        assert " ".join(identity_words(town.id)) in words


async def test_whoever_takes_our_name_is_found_out(desk):
    _, words = await sent(desk.town.browser(), encode_receipt(local_trade()))  # another Oakvale

    assert "Written by: Oakvale Careful: we know a scheme called Oakvale, and this is not it." in words


async def test_a_trade_across_is_told_from_both_ends(desk):
    _, payer = await sent(desk.town.browser(), encode_receipt(across(we_pay=True)))
    _, payee = await sent(desk.town.browser(), encode_receipt(across(we_pay=False)))

    assert "Oakvale and Riverside signed the same terms." in payer
    assert "Riverside confirmed that it was paid by Oakvale." in payer
    assert "Somebody of Oakvale: 30 minutes" in payer
    assert "Somebody of Riverside: 6 acorns" in payee
    assert "Riverside confirmed that it was paid by Oakvale." in payee
    assert "Vouched for by: Hilltop" in payer


@pytest.mark.parametrize(
    "known, witnesses, sentence",
    [
        ((HILLTOP, RIVERSIDE), (HILLTOP, RIVERSIDE), r"was checked by Hilltop and Riverside, last on \w+ \d+ \w+ \d{4}, \d"),
        ((HILLTOP,), (HILLTOP, RIVERSIDE), r"was checked by Hilltop, last on "),
        ((RIVERSIDE,), (FALSE_RIVERSIDE,), r"was checked, but only by schemes that we do not know\."),
        ((HILLTOP,), (), r"is published\. No other scheme has said here that it checked it\."),
    ],
    ids=["both known", "one known", "a false name", "none"],
)  # fmt: skip
async def test_who_checked_the_book_is_said_of_those_we_know(desk, monkeypatch, known, witnesses, sentence):
    """Rule 4.3: names of schemes, and when; never the name that a stranger gives itself."""
    there = {
        each.id: OtherScheme(scheme=each.id, name=each.name, unit=HOURS, minor_per_hour=60)
        for each in known
    }  # fmt: skip

    async def schemes(_context: object) -> Schemes:
        return there

    monkeypatch.setattr(verify, "schemes_known", schemes)

    _, words = await sent(desk.town.browser(), encode_receipt(local_trade(witnesses=witnesses)))

    assert re.search(f"The book it stands in {sentence}", words), words


@pytest.mark.parametrize(
    "data, sentence",
    [
        (b"", "Please choose a file."),
        (b"%PDF-1.7 of something", "It is no receipt, or a part of it is missing or was changed."),
        (bytes(RECEIPT_BYTES_MAX + 1), "The file is too long for a receipt."),
    ],
)
async def test_what_is_no_receipt(desk, data, sentence):
    status, words = await sent(desk.town.browser(), data)

    assert status == 200
    assert sentence in words


async def test_a_file_far_too_long_is_not_read(desk):
    status, _ = await sent(desk.town.browser(), bytes(RECEIPT_BYTES_MAX + 20_000))

    assert status == 413


@pytest.mark.parametrize("token", ["", "forged"])
async def test_a_file_from_another_sites_page_is_not_looked_at(desk, token):
    """The door is tested with a missing and a forged form token."""
    status, words = await sent(desk.town.browser(), await desk.file(), token=token)

    assert status == 403
    assert "whole" not in words


@pytest.mark.parametrize(
    "kind, body",
    [
        ("application/x-www-form-urlencoded", b"form_token=x"),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b'--x\r\ncontent-disposition: form-data; name="form_token"\r\n\r\n\xff\r\n--x--'),
        ("multipart/form-data; boundary=x", b"--x\r\ncontent-type: text/plain\r\n\r\na\r\n--x--"),
        ("multipart/form-data; boundary=x", b'--x\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\n1\r\n' * 2 + b"--x--"),
        ("multipart/form-data; boundary=x", b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n' * 2 + b"--x--"),
        ("multipart/form-data; boundary=x", b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n' * 9 + b"--x--"),
        ("multipart/form-data; boundary=x", b"junk\r\n--x\r\n\r\n--x--"),
    ],
)  # fmt: skip
async def test_what_no_browser_sends_is_refused(desk, kind, body):
    """Rule 0.5: whatever arrives at the door, there is an answer in words and no failure of ours."""
    with capture_logs() as logs:
        answer = await desk.town.browser().post("/verify", data=body, headers={"Content-Type": kind})

    assert answer.status == 400
    assert [entry for entry in logs if entry["log_level"] in ("error", "critical")] == []


async def test_nothing_of_a_file_stays(desk):
    """No row, no log line: it is looked at and forgotten."""
    file = await desk.file()
    browser = desk.town.browser()
    before = await desk.town.everything()
    with capture_logs() as logs:
        assert (await sent(browser, file))[0] == 200

    assert await desk.town.everything() == before
    assert logs == []


async def test_whoever_sends_very_many_waits(desk):
    browser, file = desk.town.browser(), await desk.file()
    answers = [await sent(browser, file) for _ in range(int(ONE_BURST) + 2)]

    assert [status for status, _ in answers[: int(ONE_BURST)]] == [200] * int(ONE_BURST)
    assert answers[-1][0] == 429
    assert "Please try again in a minute." in answers[-1][1]


# --- /verify: a paper of ours ---


async def test_a_paper_is_checked_by_its_picture_or_by_typing(desk):
    """Rule 7.9: day, amount and state; never who or what for."""
    code, browser = await desk.code(), desk.town.browser()
    typed = f"/verify?reference={reference(desk.trade).lower().replace('-', '')}&code={code.lower()[:8]}+{code[8:]}"
    for path in (f"/verify/{reference(desk.trade)}/{code}", typed):
        answer = await browser.get(path)
        words = main_words(await answer.text())
        assert answer.status == 200
        assert "Oakvale has this trade in its book It stands as it was written." in words
        assert "Amount 2 hours" in words
        assert "Ana" not in words
        assert "garden" not in words


async def test_without_the_code_nobody_learns_anything(desk):
    """The code depends on a salt that only the book and the receipts have."""
    code, ref = await desk.code(), reference(desk.trade)
    wrong = ("0" if code[0] != "0" else "1") + code[1:]
    for path in (
        f"/verify/{ref}/{wrong}",
        f"/verify/{ref}/{code[:15]}",
        f"/verify?reference={ref}",
        f"/verify?reference={ref}&code=%00",
    ):
        words = main_words(await (await desk.town.browser().get(path)).text())
        assert "There is no such trade in our book" in words
        assert "2 hours" not in words
    words = main_words(await (await desk.town.browser().get("/verify?reference=ABC&code=1")).text())
    assert "This is no reference." in words


async def test_a_paper_of_a_corrected_trade_says_so(desk):
    await desk.town.node.trades.correct(
        desk.trade.no, organiser="Rosa", on_behalf_of="Ana", reason="wrong Ben", once=bytes([1] * 16)
    )

    words = main_words(
        await (await desk.town.browser().get(f"/verify/{reference(desk.trade)}/{await desk.code()}")).text()
    )

    assert "It was put right since: a second trade undid it." in words
