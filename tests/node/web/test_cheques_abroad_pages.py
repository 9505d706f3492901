"""Cheques with members of other schemes, from the desk where they are entered to the books of both. Rule 7.11; docs/pages.md 8.9."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from sqlalchemy import update

from node.services.acts import OPERATOR, Deed, Role, acts_for
from node.services.members import Member, NewMember
from node.services.payer_desk import FREED
from node.services.quotes import NoOffer, Offer
from node.simulation.town import Resident
from node.store.schema import books
from protocol.names import SchemeId
from protocol.quote import QuoteRequest
from tests.node.web.oakvale import words_of
from tests.node.web.test_member_pay_pages import Market, on_market_day
from tests.node.web.test_requests_abroad_pages import reads
from tests.node.web.virtual_browser import Answer, VirtualBrowser

Row = Mapping[str, str]
TO_KARIM: Row = {"o": "River", "n": "0412", "p": "1", "q": "1 Karim", "a": "0:30", "w": "Jam"}
FROM_KARIM: Row = {"o": "Riverside", "n": "77", "p": "0001 Karim Haddad", "q": "1", "a": "6", "w": "Bread"}


FREE = update(books.trade).values(state="undone", reason=FREED)


class Desks:
    """Rosa at the desk of Oakvale, and Sam at that of Riverside."""

    def __init__(self, market: Market, rosa: VirtualBrowser, sam: VirtualBrowser):
        self.market, self.rosa, self.sam = market, rosa, sam
        self.path = ""
        self.page = Answer(0, "", "")

    async def open(self, slips: int, total: str) -> None:
        page = await self.rosa.get("/desk/entry")
        self.page = await self.rosa.post(
            "/desk/entry", **page.fields, day="1 Jan 2026", place="Market", slips=str(slips), total=total
        )
        self.path = "/desk/entry/" + self.page.page.split('action="/desk/entry/')[1].split('"')[0]

    async def press(self, do: str, *rows: Row) -> str:
        """Type rows from the first on, press a button, and return what the page that follows says."""
        sent = {"day": "1 Jan 2026", "place": "Market", **self.page.fields, **self.typed()}
        for number, row in enumerate(rows, start=1):
            sent |= {f"{name}{number}": value for name, value in row.items()}
        self.sent = {**sent, "do": do}
        return await self.send()

    async def send(self) -> str:
        """Send the same once more."""
        self.page = await self.rosa.post(self.path, **self.sent)
        assert self.page.status == 200, self.page.words
        return self.page.words

    def typed(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in self.page.page.split('<input id="')[1:]:
            tag = part.split(">")[0]
            if ' value="' in tag:
                found[part.split('"')[0]] = tag.split(' value="')[1].split('"')[0]
        return found

    async def see(self, words: str) -> None:
        """Wait until the page of the envelope says so."""
        await reads(self.market, self.rosa, self.path, words)


def live_of(page: Answer) -> str:
    """Return the marks by which an open page is told of changes."""
    marks = page.page.split('data-live="')[1].split('"')[0]
    assert "slips-" in marks
    return marks


def number_of(page: Answer, title: str) -> str:
    """Return the number of the cheque of this title."""
    return page.page.split(title)[1].split('action="/desk/cheques/')[1].split('"')[0]


async def somebody(resident: Resident, name: str, role: Role) -> Member:
    return await resident.node.people.add(
        OPERATOR, NewMember(name=name, email=f"{name.lower()}@example.org", role=role)
    )


def at_desks(act: Callable[[Desks], Awaitable[None]]) -> None:
    async def scenario(market: Market) -> None:
        oakvale, riverside = market.town["Oakvale"], market.town["Riverside"]
        rosa = await somebody(oakvale, "Rosa", Role.BROKER)
        sam = await somebody(riverside, "Sam", Role.BROKER)
        await act(
            Desks(
                market,
                await VirtualBrowser.of(oakvale.node, rosa),
                await VirtualBrowser.of(riverside.node, sam),
            )
        )

    on_market_day(scenario)


def test_a_cheque_for_somebody_elsewhere_is_checked_sent_once_and_told() -> None:
    async def act(desks: Desks) -> None:
        market = desks.market
        await desks.open(1, "0:30")
        said = await desks.press("check", TO_KARIM)
        assert (
            "Ana Silva gives 30 minutes. Karim (Riverside) gets 6 Acorns. Then Ana Silva has −30 min." in said
        )
        assert "It fits the envelope: 1 slip, 30 minutes in all." in said
        assert await market.balances() == (0, 0)
        said = await desks.press("post")
        assert "Ana Silva gave Karim (Riverside) 30 minutes: Jam (cheque 0412)." in said
        assert "Entered by Rosa from cheque 0412." in said
        assert await market.balances() == (-30, 600)
        await desks.send()
        await desks.send()
        assert await market.balances() == (-30, 600)
        assert "Jam (cheque 0412), for Ana" in (await market.karims.get("/statement")).words
        reference = next(link for link in desks.page.links if link.startswith("/t/"))
        assert (
            "Entered by Rosa from cheque 0412 of 1 Jan 2026." in (await market.browser.get(reference)).words
        )
        acts = await market.town["Oakvale"].node.store.read(acts_for, market.ana.no)
        assert [(act.deed, act.by_name, act.detail) for act in acts][:1] == [(Deed.CHEQUE, "Rosa", "0412")]

        await desks.open(1, "0:30")
        assert "Cheque 412 is in the books" in await desks.press("check", {**TO_KARIM, "n": "412"})

        # Freed by two organisers its lock is still open (7.2): it is not sent anew, and its number stays taken.
        first = desks.path
        await market.town["Oakvale"].node.store.write(lambda tx: tx.run(FREE))
        desks.path = first.removesuffix("2") + "1"
        freed = await desks.rosa.get(desks.path)
        assert "Riverside did not answer. Two organisers freed it." in freed.words
        assert 'name="n1"' not in freed.page
        desks.path = first
        assert "Cheque 412 is in the books" in await desks.press("check", {**TO_KARIM, "n": "412"})

    at_desks(act)


def test_a_cheque_of_somebody_elsewhere_waits_for_a_yes_there() -> None:
    async def act(desks: Desks) -> None:
        market = desks.market
        await desks.open(2, "1 h")
        second = {**FROM_KARIM, "n": "78", "w": "Cake"}
        said = await desks.press("check", FROM_KARIM, second)
        assert "Karim Haddad (Riverside) gives 6 Acorns. Ana Silva gets 30 minutes." in said
        assert (
            "It goes to Riverside, where Karim Haddad or an organiser says yes. Nothing moves before." in said
        )
        said = await desks.press("post")
        assert "On its way" in said
        await desks.send()
        await desks.see("Riverside has it. It waits for a yes there, and nothing has moved.")
        assert await market.balances() == (0, 0)
        today = await desks.sam.get("/admin")
        assert "2 cheques of ours came to other schemes" in today.words
        waits = live_of(desks.page), live_of(await desks.rosa.get(desks.path))
        assert waits[0] != waits[1], "an open page is told"
        assert 'data-part="slip1"' in desks.page.page
        page = await desks.sam.get("/desk/cheques")
        assert "Cheque 77 of 1 Jan 2026" in page.words
        assert (
            "Karim Haddad gives at most 6 Acorns. Ana (Oakvale) gets 30 minutes: Bread (cheque 77)."
            in page.words
        )
        bread, cake = number_of(page, "Cheque 77"), number_of(page, "Cheque 78")
        unsaid = await desks.sam.post(f"/desk/cheques/{bread}", **page.fields, do="yes")
        assert unsaid.status == 422, "how it is known is asked"
        for _ in range(2):
            await desks.sam.post(
                f"/desk/cheques/{bread}", **page.fields, **{"do": "yes", f"said{bread}": "I rang him"}
            )
        assert await market.balances() == (30, -600)
        no = "It was one cake, not two"
        await desks.sam.post(f"/desk/cheques/{cake}", **page.fields, **{"do": "no", f"said{cake}": no})
        await desks.see("They said no: It was one cake, not two. Nothing moved.")
        assert "1 slip came back from another scheme" in (await desks.rosa.get("/admin")).words
        said = (await desks.rosa.get(desks.path)).words
        assert "Karim (Riverside) gave Ana Silva 30 minutes: Bread (cheque 77)." in said
        acts = await market.town["Riverside"].node.store.read(acts_for, market.karim.no)
        told = [act for act in acts if act.deed is Deed.ACTED]
        assert [(act.why, act.detail) for act in told] == [(no, "Cake (cheque 78)")]
        reference = next(link for link in (await desks.rosa.get(desks.path)).links if link.startswith("/t/"))
        for browser, who in ((market.browser, "Rosa"), (market.karims, "Sam")):
            assert f"Entered by {who} from cheque 77 of 1 Jan 2026." in (await browser.get(reference)).words
        at_home = Desks(market, desks.sam, desks.rosa)
        await at_home.open(1, "6")
        same = {"n": "077", "p": "1", "q": "2", "a": "6", "w": "Bread"}
        assert "Cheque 077 is in the books: trade" in await at_home.press("check", same)
        assert ("I rang him", "77") in [(act.why, act.detail) for act in acts]
        assert await market.balances() == (30, -600)

    at_desks(act)


def test_nobody_at_the_desk_says_yes_to_their_own_cheque() -> None:
    """Rule 7.11: an organiser who is not the member; and no desk answers what is not there or is over."""

    async def act(desks: Desks) -> None:
        await desks.open(1, "0:30")
        await desks.press("check", {**FROM_KARIM, "p": "2 Sam"})
        await desks.press("post")
        await desks.see("It waits for a yes there")
        page = await desks.sam.get("/desk/cheques")
        assert "This is yours: answer it yourself" in page.words
        fields = {
            **(await desks.sam.get("/desk/entry")).fields,
            "do": "yes",
            "said1": "It is mine",
            "said9": "Why not",
        }
        assert (await desks.sam.post("/desk/cheques/1", **fields)).status == 403
        assert (await desks.sam.post("/desk/cheques/9", **fields)).status == 404
        assert (await desks.sam.post("/desk/cheques/1", **{**fields, "do": "perhaps"})).status == 404
        for path in ("/desk/cheques/1", "/desk/cheques"):
            assert (await desks.market.karims.post(path, **fields)).status in (403, 404, 405)
        assert await desks.market.balance(desks.market.town["Riverside"], desks.market.karim) == 0
        mine = next(link for link in page.links if link.startswith("/asks/"))
        no = await desks.sam.post(f"{mine}/no", **(await desks.sam.get(mine)).fields, reason="not-me")
        assert no.status == 200, no.words
        await desks.see("They said no: It was not me. Nothing moved.")
        over = await desks.sam.post("/desk/cheques/1", **{**fields, "do": "no"})
        assert over.status in (200, 403), over.words

    at_desks(act)


def test_each_fault_is_named_at_its_row_and_what_is_good_goes() -> None:
    """An unknown scheme, a number and name that fit nobody there, nobody named, no unit, too far, twice; and one that is good."""

    async def act(desks: Desks) -> None:
        faults: list[tuple[Row, str]] = [
            ({**TO_KARIM, "o": "Atlantis"}, "We trade with no scheme called Atlantis."),
            (
                {**TO_KARIM, "n": "2", "q": "1 Karl"},
                "Nobody in Riverside has the number 0001 and the name Karl.",
            ),
            (
                {**TO_KARIM, "n": "3", "q": "99 Karim"},
                "Nobody in Riverside has the number 0099 and the name Karim.",
            ),
            (
                {**TO_KARIM, "n": "4", "q": "1"},
                "Please write number and name of the member of Riverside, like 0123 Karim.",
            ),
            ({**TO_KARIM, "n": "5", "p": "1 Ana"}, "Please write only the number of our member here."),
            ({**TO_KARIM, "n": "6", "p": "99"}, "Nobody has the number 0099."),
            ({**TO_KARIM, "n": "7", "d": "1 Jan 2027"}, "This day is still to come."),
            ({**TO_KARIM, "n": "8", "a": "99"}, "This takes Ana Silva too far behind, by 90 hours."),
            (
                {**FROM_KARIM, "n": "9", "a": "0.01"},
                "This is nothing that can be paid between the two schemes.",
            ),
            ({**FROM_KARIM, "n": "10"}, "Another slip here has the number 10 too."),
            ({**FROM_KARIM, "n": "010"}, "Another slip here has the number 010 too."),
            ({**TO_KARIM, "n": "10"}, "Karim (Riverside) gets 6 Acorns."),
        ]
        await desks.open(12, "0:30")
        await desks.press("check", *[row for row, _ in faults])
        for number, (_row, sentence) in enumerate(faults, start=1):
            at = desks.page.page.rindex("<td", 0, desks.page.page.index(f'id="s{number}"'))
            said = words_of(desks.page.page[at : desks.page.page.index("</tr>", at)])
            assert sentence in said, (number, said)
        assert "Can be written into the books: 1. To sort out: 11." in desks.page.words
        await desks.press("post")
        assert await desks.market.balances() == (-30, 600)
        assert "To sort out: 11." in desks.page.words

    at_desks(act)


def test_what_comes_back_is_sent_anew_and_nothing_is_paid_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """pages.md 0.4, 8.9: the row says how it stands; meanwhile the envelope stays open."""

    async def act(desks: Desks) -> None:
        market, town = desks.market, desks.market.town
        quotes = town["Oakvale"].node.quotes
        ask = quotes.ask

        async def ask_and_cut(scheme: SchemeId, request: QuoteRequest) -> Offer | NoOffer:
            offer = await ask(scheme, request)
            town.network.cut("Hilltop", "Riverside")
            return offer

        await desks.open(1, "0:30")
        await desks.press("check", TO_KARIM)
        with monkeypatch.context() as patch:
            patch.setattr(quotes, "ask", ask_and_cut)
            said = await desks.press("post")
        assert "What was right is in the books or on its way." in said
        assert "On its way Ana Silva gives Karim (Riverside) 30 minutes." in said
        assert "Set aside. Riverside has not confirmed it yet." in said
        assert "On its way" in await desks.send()
        out = await desks.rosa.post(f"{desks.path}/close", **desks.page.fields)
        assert "Some slips are on their way." in out.words
        await asyncio.sleep(25 * 60)
        assert "This takes longer than usual." in (await desks.rosa.get(desks.path)).words
        assert "1 on its way" in (await desks.rosa.get("/desk/entry")).words

        town.network.mend("Hilltop", "Riverside")
        await town.until(town.at_rest, 600, "the end")
        desks.page = await desks.rosa.get(desks.path)
        assert "Undone To sort out It came back, and nothing moved." in desks.page.words
        assert await market.balances() == (0, 0)
        await desks.press("check", {"w": "Plum jam"})
        assert "Ana Silva gave Karim (Riverside) 30 minutes: Plum jam (cheque 0412)." in await desks.press(
            "post"
        )
        await desks.send()
        assert await market.balances() == (-30, 600)

    at_desks(act)


def test_a_scheme_that_cannot_be_reached_and_a_wrong_name_come_back_in_words() -> None:
    """Rule 7.11: a letter to nobody is answered so, and the row can be mended and sent anew."""

    async def act(desks: Desks) -> None:
        market, network = desks.market, desks.market.town.network
        network.cut("Hilltop", "Riverside")
        await desks.open(2, "1 h")
        said = await desks.press("check", TO_KARIM, {**FROM_KARIM, "p": "1 Karl"})
        assert "Riverside cannot be reached now. Keep it, and try again later." in said
        await desks.press("post")
        assert "It is on its way to Riverside." in desks.page.words
        network.mend("Hilltop", "Riverside")
        await desks.see("Nobody in Riverside has this number and this name.")
        desks.page = await desks.rosa.get(desks.path)
        await desks.press("check", {}, {"p": "1 Karim"})
        await desks.press("post")
        await desks.see("It waits for a yes there")
        assert await market.balances() == (-30, 600), "what could not be reached before went with it"
        asks = next(link for link in (await market.karims.get("/home")).links if link.startswith("/asks/"))
        shown = await market.karims.get(asks)
        assert "Cheque 77 of 1 Jan 2026" in shown.words
        assert "Written on it 6 Acorns" in shown.words
        check = await market.karims.post(f"{asks}/yes", **shown.fields)
        assert "Ana gets 30 minutes. You give 6 Acorns." in check.words
        done = await market.karims.post("/record/do", **check.fields)
        assert "Recorded by both schemes." in done.words
        await desks.see("Karim (Riverside) gave Ana Silva 30 minutes: Bread (cheque 77).")
        assert await market.balances() == (0, 0)

    at_desks(act)
