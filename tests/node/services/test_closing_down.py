"""A scheme closes: said whole or not at all, and from its day on nothing new, at home and with neighbours. Rule 2.4."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from node.services import joint_acts
from node.services.acts import OPERATOR, NotAllowed
from node.services.closing_down import Plan, left_over, unpack
from node.services.joint_acts import asked_now
from node.services.joint_kinds import CannotAct, Why
from node.services.line_rows import CLOSED, OPEN
from node.services.own_listings import listings_of
from node.services.settings import read_settings
from node.services.standing import NewStanding
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Town
from protocol.limits import DAY_MS
from protocol.standing import Every, Standing
from tests.gossip_town import build, listing, put, titles
from tests.node.services.test_chest import Scheme
from tests.node.services.test_standing import TODAY
from tests.simulation import run_virtual


def plan(now_ms: int, ahead: int = 20, readable: int = 60) -> Plan:
    return Plan(
        at_ms=now_ms + ahead * DAY_MS, until_ms=now_ms + (ahead + readable) * DAY_MS, why="Wir sind wenige. Ä"
    )


@pytest.fixture
async def scheme() -> Scheme:
    return await Scheme().furnish()


async def ask(scheme: Scheme) -> None:
    await scheme.node.joint_acts.ask_close(scheme.rosa.acts("pin"), plan(scheme.clock.now_ms()))


def test_a_plan_is_read_as_it_was_written() -> None:
    there = plan(5)
    assert unpack(there.packed(), there.at_ms) == there


async def test_a_power_cut_at_any_statement_leaves_it_announced_to_all_or_to_nobody(scheme: Scheme) -> None:
    """I7: settings, mails, letters and the record are of one transaction."""
    await ask(scheme)
    cuts = 0
    while await scheme.cut_at(cuts + 1, scheme.confirm):
        cuts += 1
        stored = await scheme.store.read(read_settings)
        told = await scheme.store.read(lambda tx: tx.scalar(text("SELECT count(*) FROM mail")))
        notes = await scheme.store.read(lambda tx: tx.scalar(text("SELECT count(*) FROM paper_note")))
        assert stored is not None
        assert (stored.closing_ms is None, told + notes) in ((True, 0), (False, 4))
        if stored.closing_ms is not None:
            break
    assert cuts > 5
    assert scheme.node.settings.now.closing_ms is not None


async def test_what_is_wrong_is_not_even_asked_for(scheme: Scheme) -> None:
    now_ms, acts = scheme.clock.now_ms(), scheme.node.joint_acts
    for wrong, why in (
        (plan(now_ms, ahead=13), Why.LATE), (plan(now_ms, ahead=400), Why.CHANGED), (plan(now_ms, readable=29), Why.CHANGED),
        (plan(now_ms, readable=900), Why.CHANGED),
        (Plan(at_ms=now_ms + 20 * DAY_MS, until_ms=now_ms + 80 * DAY_MS, why=" "), Why.CHANGED),
    ):  # fmt: skip
        with pytest.raises(CannotAct) as refused:
            await acts.ask_close(scheme.rosa.acts("pin"), wrong)
        assert refused.value.why is why
    for wrong_person in (scheme.ana, scheme.ben):
        with pytest.raises(NotAllowed):
            await acts.ask_close(wrong_person.acts("pin"), plan(now_ms))
        with pytest.raises(NotAllowed):
            await scheme.node.closing_down.take_back(wrong_person.acts("pin"))
    assert await scheme.store.read(asked_now, now_ms) == []


async def test_it_is_announced_once(scheme: Scheme) -> None:
    await ask(scheme)
    await scheme.confirm()
    with pytest.raises(CannotAct):
        await ask(scheme)
    assert joint_acts.Kind.CLOSE.value == "close"


async def test_from_its_day_on_standing_orders_are_not_tried(scheme: Scheme) -> None:
    """Rule 2.4: nothing new is recorded, also by the node itself."""
    await ask(scheme)
    await scheme.confirm()
    closes = scheme.node.settings.now.closing_ms
    assert closes is not None
    wanted = Standing(amount=60, every=Every.WEEK, first=TODAY + 20, times=9)
    order = NewStanding(payer=scheme.ana, payee=scheme.ben, text="Garden", standing=wanted, proved_by="pin")
    await scheme.node.standing.begin(order, b"o" * 16)
    (job,) = [each for each in scheme.node.jobs if each.name == "standing-orders"]
    scheme.clock.now = closes - DAY_MS
    await job.work()
    before = await scheme.trades()
    assert before == 1
    scheme.clock.now = closes + 14 * DAY_MS
    await job.work()
    assert await scheme.trades() == before


def test_from_its_day_on_lines_end_and_offers_are_gone_at_neighbours() -> None:
    """Rules 2.4, 6.6: each line gets a CLOSE, the neighbour answers it, and no price is given; a second look changes nothing."""

    async def scenario(network: SimulatedNetwork) -> None:
        town: Town = await build(network, ("Oakvale", "Hilltop"), [("Oakvale", "Hilltop")])
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await put(oakvale, 1, "Jam")

        async def heard() -> bool:
            return await titles(hilltop, oakvale.scheme) == ["Jam"]

        await town.until(heard, 300, "the listing")
        node = oakvale.node
        when = plan(node.clock.now_ms())
        await node.store.write(node.closing_down.announce_in, when)
        await node.closing_down.look()
        assert [line.status for line in await oakvale.lines()] == [OPEN], "it has not come yet"
        for resident in town.residents:
            await resident.crash()
        await asyncio.sleep(20 * DAY_MS / 1000)
        for resident in town.residents:
            await resident.boot()
        node = oakvale.node
        assert node.settings.now.is_closed(node.clock.now_ms())

        async def ended() -> bool:
            await node.closing_down.look()
            lines = [*await oakvale.lines(), *await hilltop.lines()]
            return {line.status for line in lines} == {CLOSED}

        await town.until(ended, 600, "both ends closed")
        assert await node.store.read(left_over, node.scheme) == []
        await node.closing_down.look()
        await town.close()

    run_virtual(scenario, 0)


async def test_what_members_offered_is_taken_down_on_its_day(scheme: Scheme) -> None:
    node = scheme.node
    for each in (scheme.ana, scheme.ben):
        await node.market.post(each.no, listing("Jam"))
    await ask(scheme)
    await scheme.confirm()

    async def offered() -> int:
        return sum([len(await scheme.store.read(listings_of, each.no)) for each in (scheme.ana, scheme.ben)])

    await node.closing_down.look()
    assert await offered() == 2
    closes = node.settings.now.closing_ms
    assert closes is not None
    scheme.clock.now = closes
    await node.closing_down.look()
    assert await offered() == 0


async def test_an_organiser_of_none_takes_nothing_back(scheme: Scheme) -> None:
    with pytest.raises(CannotAct):
        await scheme.node.closing_down.take_back(OPERATOR)


async def test_everybody_is_reminded_a_week_before_and_once_more_before_all_is_gone(scheme: Scheme) -> None:
    """Rule 2.4: once each, whatever else they wish; who has no e-mail address stands on the letters list; cut anywhere: all or nobody."""

    async def told() -> int:
        mails = await scheme.store.read(lambda tx: tx.scalar(text("SELECT count(*) FROM mail")))
        return mails + await scheme.store.read(lambda tx: tx.scalar(text("SELECT count(*) FROM paper_note")))

    await ask(scheme)
    await scheme.confirm()
    now = scheme.node.settings.now
    assert (now.closing_ms is not None, now.closing_until_ms is not None, await told()) == (True, True, 4)
    scheme.clock.now = now.closing_ms - 7 * DAY_MS - 1  # type: ignore[operator]  # see above
    await scheme.node.closing_down.look()
    assert await told() == 4
    scheme.clock.now += 1
    cuts = 0
    while await scheme.cut_at(cuts + 1, scheme.node.closing_down.look):
        cuts += 1
        assert await told() in (4, 8)
    assert (cuts > 2, await told()) == (True, 8)
    await scheme.node.closing_down.look()
    scheme.clock.now = now.closing_until_ms - 14 * DAY_MS  # type: ignore[operator]  # see above
    await scheme.node.closing_down.look()
    await scheme.node.closing_down.look()
    assert await told() == 12
    subjects = await scheme.store.read(
        lambda tx: [
            row[0] for row in tx.all(text("SELECT subject FROM mail UNION SELECT text FROM paper_note"))
        ]
    )
    assert any("One more week" in each for each in subjects)
    assert any("you can fetch what is yours" in each for each in subjects)


async def test_a_closing_that_was_taken_back_reminds_nobody(scheme: Scheme) -> None:
    await ask(scheme)
    await scheme.confirm()
    when = scheme.node.settings.now.closing_ms
    assert when is not None
    await scheme.node.closing_down.take_back(scheme.rosa.acts("pin"))
    before = await scheme.store.read(lambda tx: tx.scalar(text("SELECT count(*) FROM paper_note")))
    scheme.clock.now = when - DAY_MS
    await scheme.node.closing_down.look()
    assert await scheme.store.read(lambda tx: tx.scalar(text("SELECT count(*) FROM paper_note"))) == before
