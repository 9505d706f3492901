"""Two organisers make their schemes neighbours on their pages, in virtual time. Source: docs/pages.md 7.4, 8.12 and 0.11."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from crypto.words import identity_words
from node.services.acts import OPERATOR, Role
from node.services.line_rows import OPEN, Line
from node.services.members import NewMember
from node.services.settings import SchemeSettings
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Town
from protocol.names import scheme_text
from protocol.units import HOUR
from tests.node.web.virtual_browser import Answer, VirtualBrowser
from tests.simulation import run_virtual

OAKVALE = SchemeSettings(name="Oakvale", help_name="Rosa", help_phone="01632 960 123")
RIVERSIDE = replace(
    OAKVALE, name="Riverside", unit_kind="decimal", unit_name="Acorns", unit_symbol="Acorns", decimals=2,
    minor_per_hour=1200, credit_limit=12_000,
)  # fmt: skip
HILLTOP = replace(OAKVALE, name="Hilltop")
THEIRS = "https://riverside.example"


@dataclass
class Desks:
    """Rosa's browser in Oakvale and Karim's in Riverside."""

    town: Town
    rosa: VirtualBrowser
    karim: VirtualBrowser

    def here(self, name: str, what: str = "") -> str:
        """Return the address of a neighbour's page."""
        return f"/admin/neighbours/{scheme_text(self.town[name].scheme)}{what}"

    async def look(self, address: str = THEIRS) -> Answer:
        form = await self.rosa.get("/admin/neighbours/add")
        return await self.rosa.post("/admin/neighbours/add", **form.fields, address=address)

    async def ask(self, they: str = "40", we: str = "30") -> Answer:
        seen = await self.look()
        return await self.rosa.post(
            self.here("Riverside", "/ask"), **seen.fields, they_may_owe=they, we_may_owe=we
        )

    async def asked(self) -> Answer:
        """Return Karim's page of Oakvale once it has asked."""

        async def arrived() -> bool:
            return (await self.karim.get(self.here("Oakvale"))).status == 200

        await self.town.until(arrived, 60, "the question")
        return await self.karim.get(self.here("Oakvale"))

    async def agree(self) -> Answer:
        page = await self.asked()
        answer = await self.karim.post(
            self.here("Oakvale", "/agree"), **page.fields, they_may_owe="480", we_may_owe="360"
        )
        await self.town.until(self.town.all_usable, 60, "the line")
        return answer

    async def lines(self, name: str = "Oakvale") -> list[Line]:
        return await self.town[name].lines()


async def desk_of(town: Town, name: str, organiser: str) -> VirtualBrowser:
    new = NewMember(name=organiser, email=f"{organiser.lower()}@example.org", role=Role.ORGANISER)
    node = town[name].node
    return await VirtualBrowser.of(node, await node.people.add(OPERATOR, new))


def at_the_desks(act: Callable[[Desks], Awaitable[None]], *, neighbours_max: int = 12) -> None:
    async def scenario(network: SimulatedNetwork) -> None:
        town = Town(network, seed=1)
        await town.add(OAKVALE, neighbours_max=neighbours_max)
        for settings in (RIVERSIDE, HILLTOP):
            await town.add(settings)
        await act(
            Desks(town, await desk_of(town, "Oakvale", "Rosa"), await desk_of(town, "Riverside", "Karim"))
        )
        await town.close()

    run_virtual(scenario)


def test_two_organisers_become_neighbours() -> None:
    """Address, who they are, six words, limits; the other agrees; both see the same line from their side."""

    async def act(desks: Desks) -> None:
        empty = await desks.rosa.get("/admin/neighbours")
        assert "No neighbours yet. Members see only Oakvale’s own offers and wants." in empty.words
        words = identity_words(desks.town["Riverside"].scheme)

        seen = await desks.look()
        for part in ("Trade with Riverside?", "Counts in Acorns", f"Address {THEIRS}", " ".join(words)):
            assert part in seen.words, part
        assert (
            "If Riverside vanished owing 1 hour, your scheme would carry it: 1 hour a member." in seen.words
        )
        assert await desks.lines() == []

        asked = await desks.ask()
        assert asked.location.endswith("?note=asked")
        assert "Asked. Trade begins when their organiser agrees." in asked.words
        assert "We asked" in asked.words

        question = await desks.asked()
        for part in (
            "Oakvale asks to trade with us",
            "Counts in hours",
            " ".join(identity_words(desks.town["Oakvale"].scheme)),
        ):
            assert part in question.words, part
        agreed = await desks.agree()
        assert "Agreed. Offers and wants go both ways from now on." in agreed.words
        # Whoever was asked can call them too, after a restart for instance.
        (peer,) = await desks.town["Riverside"].node.peers.peers()
        assert (peer.scheme, peer.name) == (desks.town["Oakvale"].scheme, "Oakvale")

        for browser, name, other in (
            (desks.rosa, "Riverside", "Oakvale"),
            (desks.karim, "Oakvale", "Riverside"),
        ):

            async def told(browser: VirtualBrowser = browser, name: str = name) -> bool:
                page = await browser.get("/admin/neighbours")
                return name in page.words and "12 Acorns" in page.words

            await desks.town.until(told, 300, f"{other} hears of {name}")
            page = await browser.get("/admin/neighbours")
            for part in ("Trading", "Even: nobody owes anything.", "in touch now", "0 listings from them"):
                assert part in page.words, part
        (line,) = await desks.lines()
        assert line.status == OPEN
        assert line.own_ceiling == 30 * HOUR
        mine, theirs = line.state.mine.limits[line.state.me], line.state.mine.limits[1 - line.state.me]
        assert (mine.owed_max, theirs.owed_max) == (40 * HOUR, 40 * HOUR)

    at_the_desks(act)


def test_what_was_typed_comes_back_as_it_was_typed() -> None:
    """Limits travel as hours; each side reads them in its own unit."""

    async def act(desks: Desks) -> None:
        await desks.ask()
        await desks.agree()
        oakvales = await desks.rosa.get(desks.here("Riverside"))
        assert "We may owe 30 hours" in oakvales.words
        assert "They may owe 40 hours" in oakvales.words
        riversides = await desks.karim.get(desks.here("Oakvale"))
        assert "We may owe 360 Acorns" in riversides.words
        assert "They may owe 480 Acorns" in riversides.words
        saved = await desks.karim.post(
            desks.here("Oakvale", "/limits"), **riversides.fields, they_may_owe="100.01", we_may_owe="0"
        )
        assert "Saved." in saved.words
        assert "They may owe 100.01 Acorns" in saved.words
        assert "We may owe 0 Acorns" in saved.words
        assert 'value="100.01"' in saved.page

    at_the_desks(act)


def test_asking_and_agreeing_twice_is_done_once() -> None:
    async def act(desks: Desks) -> None:
        seen = await desks.look()
        fields = seen.fields | {"they_may_owe": "40", "we_may_owe": "30"}
        for _ in range(2):
            answer = await desks.rosa.post(desks.here("Riverside", "/ask"), **fields)
            assert answer.status == 200
        assert len(await desks.lines()) == 1
        page = await desks.asked()
        for _ in range(2):
            answer = await desks.karim.post(
                desks.here("Oakvale", "/agree"), **page.fields, they_may_owe="480", we_may_owe="360"
            )
            assert "Agreed." in answer.words
        assert "Trading with" not in (await desks.look()).words
        assert len(await desks.lines("Riverside")) == 1

    at_the_desks(act)


def test_an_address_where_nobody_answers_is_said_and_nothing_kept() -> None:
    async def act(desks: Desks) -> None:
        for address, why in (
            ("https://nowhere.example", "Nobody answers at https://nowhere.example."),
            ("not an address", "“not an address” is no address of a scheme."),
            ("https://oakvale.example", "is our own address"),
            ("", "Please fill in the address."),
        ):
            answer = await desks.look(address)
            assert answer.status == 422, address
            assert why in answer.words, address
            assert f'value="{address}"' in answer.page
        assert await desks.town["Oakvale"].node.peers.peers() == []

    at_the_desks(act)


def test_whoever_is_asked_is_who_was_looked_at() -> None:
    """A form for one scheme with the address of another: the six words would not have been compared."""

    async def act(desks: Desks) -> None:
        seen = await desks.look("https://hilltop.example")
        answer = await desks.rosa.post(
            desks.here("Riverside", "/ask"), **seen.fields, they_may_owe="40", we_may_owe="40"
        )
        assert answer.status == 409
        assert "Another scheme answers there now." in answer.words
        assert await desks.lines() == []
        assert await desks.town["Oakvale"].node.peers.peers() == []

    at_the_desks(act)


def test_limits_that_cannot_be_read_are_asked_for_again() -> None:
    async def act(desks: Desks) -> None:
        for they, we, said in (
            ("much", "40", "Please write a time"),
            ("40", "", "Please say how much we may owe them."),
            ("-4", "40", "Please write the amount without a minus."),
        ):
            answer = await desks.ask(they, we)
            assert answer.status == 422
            assert said in answer.words
            assert f'value="{they}"' in answer.page
        assert await desks.lines() == []
        await desks.ask()
        page = await desks.asked()
        answer = await desks.karim.post(
            desks.here("Oakvale", "/agree"), **page.fields, they_may_owe="x", we_may_owe="1"
        )
        assert answer.status == 422
        assert "Please write a number" in answer.words

    at_the_desks(act)


def test_there_are_no_more_neighbours_than_set_up() -> None:
    async def act(desks: Desks) -> None:
        answer = await desks.ask()
        assert answer.status == 422
        assert "There are 0 neighbours already, as many as were set up." in answer.words
        assert await desks.town["Oakvale"].node.peers.peers() == []

    at_the_desks(act, neighbours_max=0)


def test_a_quiet_neighbour_is_said_to_be_quiet_and_its_limits_wait() -> None:
    async def act(desks: Desks) -> None:
        await desks.ask()
        await desks.agree()
        await desks.town["Riverside"].stop()

        async def quiet() -> bool:
            return "Quiet since" in (await desks.rosa.get("/admin/neighbours")).words

        await desks.town.until(quiet, 300, "the silence")
        page = await desks.rosa.get(desks.here("Riverside"))
        assert "heard" in page.words
        assert "0 of 1 neighbours can be reached now." in (await desks.rosa.get("/admin")).words

    at_the_desks(act)


def test_a_neighbour_who_is_none_is_not_found() -> None:
    async def act(desks: Desks) -> None:
        form = await desks.rosa.get("/admin/neighbours/add")
        for path in (desks.here("Riverside"), "/admin/neighbours/x", "/admin/neighbours/lets1qqqq"):
            assert (await desks.rosa.get(path)).status == 404
            for what in ("/agree", "/limits"):
                answer = await desks.rosa.post(path + what, **form.fields, once="A" * 22)
                assert answer.status == 404

    at_the_desks(act)
