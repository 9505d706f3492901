"""Words as they are searched for, and folding anew what an older release folded. docs/pages.md 12."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.services import folding, indexing, members, refolding, search
from node.services.acts import OPERATOR
from node.services.folding import fold
from node.services.members import NewMember, find_members
from node.services.refolding import fold_anew
from node.services.search import FindQuery
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident
from node.store import ReadTx
from protocol.names import SchemeId
from tests.gossip_town import build, listing, put, until
from tests.node.services.desk import Desk
from tests.simulation import run_virtual


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Łódź", "lodz"),
        ("SMØRREBRØD", "smorrebrod"),
        ("Đorđe", "dorde"),
        ("Straße", "strasse"),
        ("STRAẞE", "strasse"),
        ("Ærø", "aero"),
        ("Œuvre", "oeuvre"),
        ("Þórður", "thordur"),
        ("İstanbul", "istanbul"),
        ("ısı", "isi"),
        ("col·lecció", "colleccio"),  # Catalan, with the dot in the middle,
        ("COĿLECCIÓ", "colleccio"),  # with the sign that has it,
        ("col•leccio", "colleccio"),  # and with what is at hand
        ("Cwmbrân", "cwmbran"),
        ("ﬁnger", "finger"),
        ("Ὀδυσσεύς", "οδυσσευσ"),
        ("ёлка", "елка"),
        ("Ħal", "hal"),
        ("a·b", "a·b"),  # a dot between other letters is one
    ],
)
def test_case_accents_and_letters_of_one_keyboard_are_folded(typed: str, folded: str) -> None:
    assert fold(typed) == folded


@given(st.text())
def test_folded_twice_is_folded_once(text: str) -> None:
    """So that words of a query, folded before, meet words of the index."""
    assert fold(fold(text)) == fold(text)


def _older(text: str) -> str:
    """As the first release folded."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def test_what_an_older_release_folded_is_folded_anew_at_the_next_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Members, own listings in more than one batch, and a neighbour's listings, which are gone through behind the start."""

    async def run(network: SimulatedNetwork) -> None:
        with monkeypatch.context() as before:
            before.setattr(indexing, "fold", _older)
            before.setattr(members, "fold", _older)
            before.setattr(search, "fold", _older)
            before.setattr(refolding, "FOLDING", 1)
            town = await build(network, ["Oakvale", "Hilltop"], [("Oakvale", "Hilltop")])
            oakvale = town["Oakvale"]
            ola = await oakvale.node.people.add(
                OPERATOR, NewMember(name="Ola Łącki", email="ola@example.org")
            )
            ewa = await oakvale.node.people.add(OPERATOR, NewMember(name="Ewa", email="ewa@example.org"))
            for number in range(refolding.ROWS_AT_A_TIME):
                owner = ewa if number % 2 else ola
                await oakvale.node.market.post(owner.no, listing(f"Żółw {number}"))
            await oakvale.node.market.post(ola.no, listing("Smørrebrød"))
            await put(town["Hilltop"], 1, "Rød grød")

            async def indexed() -> bool:
                return await found(oakvale, "rød") == ["Rød grød"]

            await until(town, indexed)
            assert await found(oakvale, "smorrebrod") == []
            assert await names(oakvale, "lacki") == []
            await oakvale.stop()
        await oakvale.boot()
        assert await found(oakvale, "smorrebrod") == await found(oakvale, "Smørrebrød") == ["Smørrebrød"]
        assert len(await found(oakvale, "zolw")) == 20
        assert await names(oakvale, "lacki") == await names(oakvale, "Łącki") == ["Ola Łącki"]

        async def caught_up() -> bool:
            return await found(oakvale, "rod grod") == ["Rød grød"]

        await until(town, caught_up)
        await town.close()

    run_virtual(run)


async def test_a_start_with_nothing_to_fold_anew_writes_nothing(desk: Desk) -> None:
    await fold_anew(desk.store, SchemeId(bytes(32)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk.store, "write", None)
        await fold_anew(desk.store, SchemeId(bytes(32)))
        patch.setattr(refolding, "FOLDING", folding.FOLDING + 1)
        with pytest.raises(TypeError):
            await fold_anew(desk.store, SchemeId(bytes(32)))


async def found(resident: Resident, text: str) -> list[str]:
    page = await resident.node.market.find(FindQuery(text=text))
    return [card.content.title for card in page.cards]


async def names(resident: Resident, text: str) -> list[str]:
    def query(tx: ReadTx) -> list[str]:
        return [member.name for member in find_members(tx, text)[0]]

    return await resident.node.store.read(query)
