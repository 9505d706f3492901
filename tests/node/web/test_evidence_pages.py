"""What organisers read about a scheme that contradicted itself, and how it is cleared up. Rule 10.4."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from node.services.acts import OPERATOR, Role
from node.services.evidence_store import all_evidence, keep
from node.services.members import NewMember
from node.services.settings import SchemeSettings
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from protocol.evidence import Evidence, verify
from tests.node.web.virtual_browser import VirtualBrowser
from tests.protocol.accused import ACCUSED, every_kind
from tests.simulation import run_virtual

KINDS = every_kind()


def at_desk(scenario: Callable[[Resident, VirtualBrowser, VirtualBrowser], Awaitable[None]]) -> None:
    """Run `scenario` with Oakvale, Rosa its admin and Omar its organiser."""

    async def begin(network: SimulatedNetwork) -> None:
        town = Town(network, seed=0)
        oakvale = await town.add(SchemeSettings(name="Oakvale", help_name="Rosa", help_phone="01632 960 123"))
        await oakvale.node.directory.learn(ACCUSED.log)
        rosa = await browser(oakvale, "Rosa", Role.ADMIN)
        omar = await browser(oakvale, "Omar", Role.ORGANISER)
        await scenario(oakvale, rosa, omar)
        await town.close()

    run_virtual(begin)


async def browser(resident: Resident, name: str, role: Role) -> VirtualBrowser:
    new = NewMember(name=name, email=f"{name.lower()}@example.org", role=role)
    return await VirtualBrowser.of(resident.node, await resident.node.people.add(OPERATOR, new))


async def kept(resident: Resident, evidence: Evidence) -> int:
    await resident.node.store.write(keep, evidence, verify(evidence), None, 0)
    await resident.node.evidence.load()
    return (await resident.node.store.read(all_evidence))[0].no


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_is_told_in_plain_words(kind: str) -> None:
    async def scenario(oakvale: Resident, rosa: VirtualBrowser, _omar: VirtualBrowser) -> None:
        assert "No scheme we know has contradicted itself" in (await rosa.get("/admin/evidence")).words
        no = await kept(oakvale, KINDS[kind])
        assert "A scheme contradicted itself" in (await rosa.get("/admin")).words
        assert f"/admin/evidence/{no}" in (await rosa.get("/admin/evidence")).links
        page = (await rosa.get(f"/admin/evidence/{no}")).words
        for words in (
            "What happened",
            "cannot come to owe us more than now",
            "Ring their organisers",
            "Found here",
        ):
            assert words in page

    at_desk(scenario)


def test_an_admin_says_that_it_is_cleared_up_and_nobody_else() -> None:
    async def scenario(oakvale: Resident, rosa: VirtualBrowser, omar: VirtualBrowser) -> None:
        no = await kept(oakvale, KINDS["two-ops"])
        here = f"/admin/evidence/{no}"
        seen = await omar.get(here)
        assert "It is cleared up" not in seen.words
        assert (
            await omar.post(f"{here}/settle", **(await omar.get("/admin/neighbours")).fields)
        ).status == 403
        assert not oakvale.node.evidence.may_owe_more(ACCUSED.id)

        form = await rosa.get(here)
        after = await rosa.post(f"{here}/settle", **form.fields)
        assert after.status in (200, 303)
        page = (await rosa.get(here)).words
        assert "Cleared up by" in page
        assert "Rosa" in page
        assert oakvale.node.evidence.may_owe_more(ACCUSED.id)
        assert "A scheme contradicted itself" not in (await rosa.get("/admin")).words
        assert (await rosa.get("/admin/evidence/99")).status == 404

    at_desk(scenario)
