"""Schemes merge and split by the steps of docs/moving.md: whose balances come along, and that the sums agree on both sides. Rule 3.2, I1, I9."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC

import pytest

from node.importing.converting import converted
from node.importing.layouts import Layout
from node.importing.reading import read_file
from node.importing.rows import Conversion, Reading, Side, TradeRow, Wrong
from node.services.acts import OPERATOR, Hand
from node.services.chest import NewChestGift
from node.services.closing import read_sheet
from node.services.import_plan import Plan
from node.services.import_rows import Remainder
from node.services.imports import CannotImport, Why
from node.services.members import State, Unable
from node.services.past_trades import past_sum
from node.services.tables import read_tables
from node.web.amounts import HOURS, Unit
from protocol.ledger import LOCAL
from tests.node.services.test_chest import Scheme
from tests.node.services.test_imports import ODD, Desk

LAYOUTS = {"members": Layout.OWN_MEMBERS, "listings": Layout.OWN_LISTINGS, "trades": Layout.OWN_TRADES}
REST = 30  # minutes: what the balances of ODD come to together


def rows_of(table: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode())))


def written(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, rows[0])
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


async def furnished(file: str = "") -> Desk:
    made = Desk()
    await made.furnish()
    if file:
        await made.bring(file, remainder=Remainder.CHEST)
    return made


async def test_the_members_of_one_scheme_go_into_another_and_the_two_sums_agree() -> None:
    """Who is in both is named and stays out; what the newcomers are ahead together stands in a named account, and in the last books."""
    small, large = await furnished(ODD), await furnished()
    small.clock.now += 60_000
    sheet = await small.store.read(
        read_sheet, small.node.scheme, 0, small.clock.now_ms(), small.clock.now_ms()
    )
    files = await small.store.read(read_tables, HOURS, UTC)

    no, plan = await large.look(files["members-1.csv"].decode())
    assert {fault.line for fault in plan.faults} == {2, 3}, (
        "Ana and Ben are members of both: by their e-mail address"
    )
    assert plan.total == sheet.ahead + sheet.behind == REST
    assert -plan.total == sum(each.balance for each in sheet.system if each.unit == LOCAL)
    with pytest.raises(CannotImport) as refused:
        await large.node.imports.bring_in(OPERATOR, no, Remainder.REFUSE, plan.mark)
    assert refused.value.why is Why.NOT_EVEN
    assert await large.systems() == {}

    await large.node.imports.bring_in(OPERATOR, no, Remainder.OPENING, plan.mark)

    assert (await large.systems())["opening"] == -REST
    for name in ("Cem", "Dora", "Eva"):
        assert await large.balance(await large.called(name)) == await small.balance(await small.called(name))
    await large.check()
    for desk in (small, large):
        await desk.store.close()


async def test_some_members_found_a_scheme_of_their_own_and_nothing_is_counted_twice() -> None:
    """The tables cut to who leaves; then each comes to zero through the chest and leaves. What they are ahead together is in both chests."""
    parent = await Scheme().furnish()
    ana, ben, chest = parent.ana, parent.ben, parent.node.chest
    await parent.trade(ana, ben, 50)
    await parent.trade(parent.otto, ben, 20)
    files = await parent.store.read(read_tables, HOURS, UTC)
    leaving = {ana.number, ben.number}
    people = [row for row in rows_of(files["members-1.csv"]) if row["number"] in leaving]
    trades = [row for row in rows_of(files["trades-1.csv"]) if leaving & {row["from"], row["to"]}]

    with pytest.raises(Unable):
        await parent.node.parting.part(parent.rosa.acts("pin"), ben.no)  # at zero only
    hand = Hand(entered_by="Rosa", proved_by="broker", on_behalf_of="Ben", reason="founds a scheme")
    await chest.give(ben, 70, "Taken along", hand, parent.once())
    gift = NewChestGift(member=ana, amount=50, text="Taken along")
    await parent.node.joint_acts.ask_chest(parent.rosa.acts("pin"), gift, parent.once())
    await parent.confirm()
    for each in (ana, ben):
        await parent.node.parting.part(parent.rosa.acts("pin"), each.no)
        left = await parent.node.people.member(each.no)
        assert left is not None
        assert left.state is State.LEFT
    assert await parent.holds() == 20
    await parent.sound()

    child = Desk()
    child.clock.now = parent.clock.now_ms()
    await child.open()
    await child.bring(written(people), remainder=Remainder.CHEST)
    await child.bring(written(trades), Layout.OWN_TRADES)
    assert [await child.balance(await child.called(name)) for name in ("Ana", "Ben")] == [-50, 70]
    assert (await child.systems())["chest"] == -await parent.holds()
    for name, balance in (("Ana", -50), ("Ben", 70)):
        assert await child.store.read(past_sum, (await child.called(name)).no) == balance
    await child.check()
    for desk in (parent, child):
        await desk.store.close()


# --- a scheme that counts otherwise ---------------------------------------------------------------------------------

ACORNS = Unit(code="acorns", kind="decimal", decimals=2, symbol="A")
# Seven Acorns an hour: no balance of theirs is a whole number of our minutes.
RATE = Conversion(ACORNS, 700, 60)
THEIRS = """number,name,email,balance,lower,upper
11,Fay,fay@example.org,10.00,35.00,70.00
12,Gil,gil@example.org,-3.33,35.00,
13,Hal,hal@example.org,-5.00,,
14,Ivy,ivy@example.org,0.33,,
"""


def test_each_amount_is_turned_once_to_the_nearest_and_what_is_too_large_is_named() -> None:
    """Halves go away from zero, for who is ahead as for who is behind; a trade never becomes nothing."""
    half = Conversion(ACORNS, 2, 1)
    assert [half.turned(each) for each in (0, 1, 2, 3, -1, -3, 4)] == [0, 1, 1, 2, -1, -2, 2]
    read = read_file(Layout.OWN_MEMBERS, THEIRS.encode(), ACORNS)
    people = converted(read, RATE).people
    assert [each.balance for each in people] == [86, -29, -43, 3]
    assert [(each.credit_limit, each.ceiling) for each in people[:2]] == [(300, 600), (300, None)]
    huge = converted(read, Conversion(ACORNS, 1, 2**50))
    assert huge.people == ()
    assert {(each.line, each.wrong) for each in huge.faults} == {
        (2, Wrong.BALANCE), (3, Wrong.BALANCE), (4, Wrong.BALANCE), (5, Wrong.BALANCE),
    }  # fmt: skip
    side = Side("1", "Fay")
    tiny = TradeRow(line=2, key="", day="", payer=side, payee=Side("2", "Gil"), amount=1, text="Seed")
    assert converted(Reading(trades=(tiny,)), RATE).trades[0].amount == 1


async def test_a_scheme_in_another_unit_comes_in_at_a_stated_rate_and_rounding_goes_to_the_chest() -> None:
    """Rule 3.2: every sum is zero before and after, and taken back it is as if it never was; another rate is another plan."""
    large = await furnished()
    imports, data = large.node.imports, THEIRS.encode()

    async def looked(rate: Conversion) -> tuple[int, Plan]:
        no = await imports.look(OPERATOR, Layout.OWN_MEMBERS, data, rate)
        return no, await large.store.read(imports.plan_in, imports.read(Layout.OWN_MEMBERS, data, rate))

    no, plan = await looked(RATE)
    # 2.00 Acorns together are 17.14 minutes; the four balances come to 17.
    assert (plan.total, plan.rounding) == (17, 0)
    rate = Conversion(ACORNS, 300, 100)
    no, plan = await looked(rate)
    assert [each.balance for each in plan.people] == [333, -111, -167, 11]
    assert (plan.total, plan.rounding) == (67, -1)
    _, other = await looked(RATE)
    with pytest.raises(CannotImport) as changed:
        await imports.bring_in(OPERATOR, no, Remainder.OPENING, other.mark)
    assert changed.value.why is Why.CHANGED
    with pytest.raises(CannotImport):
        await imports.bring_in(OPERATOR, no, Remainder.REFUSE, plan.mark)
    assert await large.systems() == {}

    run = await imports.bring_in(OPERATOR, no, Remainder.OPENING, plan.mark)

    assert (run.total, run.rounding, run.conversion) == (
        67,
        -1,
        replace(rate, unit=run.conversion.unit if run.conversion else ACORNS),
    )
    assert await large.systems() == {"opening": -67, "chest": 1}
    assert await large.balance(await large.called("Fay")) == 333
    await large.check()
    await imports.undo(OPERATOR, no)
    assert not any((await large.systems()).values())
    await large.check()
    await large.store.close()
