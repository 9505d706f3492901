"""Payments over real lines, in virtual time. Rules 6, 7."""

from __future__ import annotations

from node.simulation.network import SimulatedNetwork
from protocol.payment import PayerState
from tests.simulation import run_virtual
from tests.small_town import SmallTown, chain


def test_a_purchase_over_two_hops_ends_paid_on_both_sides() -> None:
    """Rule 7.2; I1, I6, I8: Ana of Oakvale buys from Karim of Riverside through Hilltop."""

    async def scenario(network: SimulatedNetwork) -> None:
        town = SmallTown(
            network,
            ["Oakvale", "Hilltop", "Riverside"],
            chain("Oakvale", "Hilltop", "Riverside"),
            rates=[60, 100, 1200],
        )
        await town.open()
        town.route("Oakvale", "Hilltop", "Riverside")
        await town["Oakvale"].open_member("Ana")
        await town["Riverside"].open_member("Karim")

        payment = await town["Oakvale"].buy("Ana", "Riverside", "Karim", 600)

        assert payment.state is PayerState.PAID
        assert await town["Oakvale"].balance("Ana") == -30
        assert await town["Riverside"].balance("Karim") == 600
        await town.until_async(town.at_rest)
        await town.check_at_rest()
        await town.stop()

    run_virtual(scenario)
