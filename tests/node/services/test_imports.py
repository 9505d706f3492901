"""Bringing in members, balances and listings: all good lines or nothing, every other line named, undone within a day. Issue 6.8; rule 3.2."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random

import pytest
from sqlalchemy import text

from node.importing.layouts import Layout
from node.importing.rows import Fault, Wrong
from node.services.accounts import all_accounts, load
from node.services.acts import OPERATOR, NotAllowed, Role
from node.services.import_rows import Remainder, Run, RunState, brought_by, newest_runs, run_by_no
from node.services.imports import CannotImport, Plan, Why
from node.services.ledger_check import check_books
from node.services.members import Member, NewMember, State, find_members, member_by_no
from node.services.own_listings import listings_of
from node.services.trades import NewTrade
from protocol.ledger import LOCAL
from protocol.limits import DAY_MS
from tests.invariants import Violated
from tests.node.services.test_standing import House

EVEN = "name,number,balance,email\nCem,17,-1:30,cem@example.org\nDora,18,1:30,dora@example.org\nEva,19,0,\n"
ODD = EVEN.replace("1:30,dora", "2:00,dora")
OFFERS = "member,kind,title,price,category\n18,offer,Eggs,0:30,food\nCem,want,Hay,,\n99,offer,Ghost,,\n"
ACCOUNTS = text("SELECT role, balance FROM account WHERE kind = 'system' AND unit = 'local'")


@dataclass
class Desk(House):
    """Ana and Ben are members already."""

    async def look(self, file: str, layout: Layout = Layout.OWN_MEMBERS) -> tuple[int, Plan]:
        data = file.encode()
        no = await self.node.imports.look(OPERATOR, layout, data)
        return no, await self.plan(layout, data)

    async def plan(self, layout: Layout, data: bytes) -> Plan:
        return await self.store.read(self.node.imports.plan_in, self.node.imports.read(layout, data))

    async def bring(
        self, file: str, layout: Layout = Layout.OWN_MEMBERS, remainder: Remainder = Remainder.REFUSE
    ) -> Run:
        no, plan = await self.look(file, layout)
        return await self.node.imports.bring_in(OPERATOR, no, remainder, plan.mark)

    async def called(self, name: str) -> Member:
        (found,) = [each for each in (await self.store.read(find_members, name))[0] if each.name == name]
        return found

    async def names(self) -> set[str]:
        return {member.name for member in (await self.store.read(find_members, "", most=100))[0]}

    async def systems(self) -> dict[str, int]:
        return dict(await self.store.read(lambda tx: tx.all(ACCOUNTS)))

    async def check(self) -> None:
        """The book adds up, and every row is what was signed (I1, I19)."""

        node = self.node
        checked = await node.store.read(
            check_books, node.scheme, node.directory.state, safe=node.keyring.safe
        )
        if not checked.right:
            raise Violated(f"I19 {checked.findings[0]}")
        accounts = await node.store.read(all_accounts)
        assert sum(held.value.balance for held, _ in accounts if held.value.unit == LOCAL) == 0


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    await made.furnish()
    yield made
    await made.store.close()


# --- looked at first ----------------------------------------------------------------------------------------------


async def test_looking_brings_in_nothing(desk: Desk) -> None:
    before = await desk.names()
    no, plan = await desk.look(EVEN)
    assert [row.name for row in plan.people] == ["Cem", "Dora", "Eva"]
    assert plan.total == 0
    assert await desk.names() == before
    run = await desk.store.read(run_by_no, no)
    assert run is not None
    assert run.state is RunState.LOOKED


async def test_members_come_in_with_their_balances_and_limits(desk: Desk) -> None:
    run = await desk.bring(
        EVEN.replace("email", "email,lower,upper").replace(".org\n", ".org,3,\n").replace("19,0,", "19,0,,,8")
    )
    assert (run.state, run.people, run.left_out, run.file) == (RunState.DONE, 3, 0, None)
    cem, dora, eva = [await desk.called(name) for name in ("Cem", "Dora", "Eva")]
    assert [await desk.balance(each) for each in (cem, dora, eva)] == [-90, 90, 0]
    account = (await desk.store.read(load, cem.account_no)).value
    assert (account.credit_limit, account.ceiling) == (180, 2400)
    account = (await desk.store.read(load, eva.account_no)).value
    assert (account.credit_limit, account.ceiling) == (600, 480)
    assert cem.email == "cem@example.org"
    assert await desk.systems() == {"opening": 0}
    assert [(each.line, each.old) for each in await desk.store.read(brought_by, run.no)] == [
        (2, "17"),
        (3, "18"),
        (4, "19"),
    ]
    await desk.check()


async def test_sent_twice_it_is_brought_in_once(desk: Desk) -> None:
    no, plan = await desk.look(EVEN)
    await asyncio.gather(
        *[desk.node.imports.bring_in(OPERATOR, no, Remainder.REFUSE, plan.mark) for _ in range(3)]
    )
    assert len([name for name in await desk.names() if name == "Cem"]) == 1
    assert await desk.systems() == {"opening": 0}


async def test_only_what_was_shown_is_brought_in(desk: Desk) -> None:
    """Somebody became a member with one of the addresses meanwhile."""
    no, plan = await desk.look(EVEN)
    await desk.node.people.add(OPERATOR, NewMember(name="Zoe", email="cem@example.org"))
    with pytest.raises(CannotImport) as caught:
        await desk.node.imports.bring_in(OPERATOR, no, Remainder.OPENING, plan.mark)
    assert caught.value.why is Why.CHANGED
    assert "Dora" not in await desk.names()


async def test_more_than_one_entry_holds_comes_in(desk: Desk) -> None:
    rows = [f"Member {n},{n},{'-' if n % 2 else ''}0:{n // 2 % 60:02}" for n in range(100)]
    run = await desk.bring("\n".join(["name,number,balance", *rows]))
    assert (run.people, run.total) == (100, 0)
    assert await desk.balance(await desk.called("Member 58")) == 29
    await desk.check()


# --- lines that are left out ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, fault",
    [
        (",20,0,", Fault(5, Wrong.NAME_MISSING)),
        ("x" * 81 + ",20,0,", Fault(5, Wrong.NAME_TOO_LONG)),
        ("Fay,20,0,fay", Fault(5, Wrong.EMAIL, "fay")),
        ("Fay,20,0,Cem@Example.org", Fault(5, Wrong.EMAIL_TWICE, "cem@example.org")),
        ("Fay,20,0,ana@example.org", Fault(5, Wrong.EMAIL_IN_USE, "ana@example.org")),
        ("Fay,17,0,", Fault(5, Wrong.NUMBER_TWICE, "17")),
        ("Fay,20,1.30,", Fault(5, Wrong.BALANCE, "1.30")),
        ("Fay,20", Fault(5, Wrong.FIELDS, "2 / 4")),
    ],
)
async def test_a_bad_line_is_named_and_the_others_come_in(desk: Desk, line: str, fault: Fault) -> None:
    run = await desk.bring(EVEN + line + "\n")
    assert run.faults == (fault,)
    assert (run.people, run.left_out) == (3, 1)
    assert {"Cem", "Dora", "Eva"} <= await desk.names()


async def test_what_was_brought_in_before_is_not_brought_in_again(desk: Desk) -> None:
    await desk.bring(EVEN)
    _, plan = await desk.look("name,number,balance\nCem,17,0\n")
    assert plan.faults == (Fault(2, Wrong.NUMBER_TWICE, "17"),)
    with pytest.raises(CannotImport) as caught:
        await desk.bring("name,number,balance\nCem,17,0\n")
    assert caught.value.why is Why.NOTHING


@pytest.mark.parametrize("seed", range(4))
async def test_lines_taken_and_lines_named_are_all_there_are(desk: Desk, seed: int) -> None:
    chance, lines = Random(seed), ["name,number,balance,email"]
    for n in range(40):
        lines.append(
            f"{chance.choice(('', f'M{n}', f'M{n}'))},{chance.choice((n, 1))},{chance.choice(('0:10', '-0:10', '1.30', 'x'))},"
            f"{chance.choice(('', f'm{n}@example.org', 'ana@example.org', 'me'))}"
        )
    run = await desk.bring("\n".join(lines), remainder=Remainder.OPENING)
    taken = {each.line for each in await desk.store.read(brought_by, run.no)}
    named = {fault.line for fault in run.faults}
    assert taken | named == set(range(2, 42))
    assert not taken & named
    assert run.people + run.left_out == 40
    await desk.check()


# --- balances that do not sum to zero ---------------------------------------------------------------------------


async def test_balances_that_do_not_sum_to_zero_are_refused(desk: Desk) -> None:
    with pytest.raises(CannotImport) as caught:
        await desk.bring(ODD)
    assert caught.value.why is Why.NOT_EVEN
    assert "Cem" not in await desk.names()
    assert await desk.systems() == {}


@pytest.mark.parametrize(
    "remainder, systems",
    [
        (Remainder.OPENING, {"opening": -30}),
        (Remainder.CHEST, {"opening": 0, "chest": -30}),
        (Remainder.WRITE_OFF, {"opening": 0, "write-off": -30}),
    ],
)
async def test_or_the_rest_is_booked_to_the_account_that_was_named(
    desk: Desk, remainder: Remainder, systems: dict[str, int]
) -> None:
    run = await desk.bring(ODD, remainder=remainder)
    assert (run.total, run.remainder) == (30, remainder)
    assert await desk.systems() == systems
    await desk.check()
    await desk.node.imports.undo(OPERATOR, run.no)
    assert set((await desk.systems()).values()) == {0}
    await desk.check()


async def test_balances_beyond_limits_are_said_and_taken(desk: Desk) -> None:
    run_no, plan = await desk.look("name,balance,upper\nCem,-50,\nDora,50,10\n")
    assert plan.beyond == (2, 3)
    await desk.node.imports.bring_in(OPERATOR, run_no, Remainder.REFUSE, plan.mark)
    assert await desk.balance(await desk.called("Cem")) == -3000


# --- offers and wants -------------------------------------------------------------------------------------------


async def test_offers_find_their_owners_by_the_number_they_had(desk: Desk) -> None:
    await desk.bring(EVEN)
    run = await desk.bring(OFFERS, Layout.OWN_LISTINGS)
    assert run.faults == (Fault(4, Wrong.OWNER, "99"),)
    dora = await desk.called("Dora")
    (owned,) = await desk.store.read(listings_of, dora.no)
    content = owned.listing.content
    assert (content.title, content.category, content.price.amount, owned.listing.shared) == (
        "Eggs",
        "food",
        30,
        False,
    )
    (hay,) = await desk.store.read(listings_of, (await desk.called("Cem")).no)
    assert (hay.listing.content.kind, hay.listing.content.price.per) == ("want", "agree")
    await desk.node.imports.undo(OPERATOR, run.no)
    assert await desk.store.read(listings_of, dora.no) == []
    assert "Dora" in await desk.names()


# --- undone -----------------------------------------------------------------------------------------------------


async def test_undone_within_a_day_everything_is_as_before(desk: Desk) -> None:
    names = await desk.names()
    run = await desk.bring(EVEN)
    cem = await desk.called("Cem")
    desk.clock.now += DAY_MS
    undone = await desk.node.imports.undo(OPERATOR, run.no)
    await desk.node.imports.undo(OPERATOR, run.no)
    assert undone.state is RunState.UNDONE
    assert await desk.names() == names
    gone = await desk.store.read(member_by_no, cem.no)
    assert gone is not None
    assert (gone.state, gone.email) == (State.LEFT, None)
    assert (await desk.store.read(load, cem.account_no)).value.closed
    await desk.check()
    await desk.bring(EVEN)
    assert await desk.balance(await desk.called("Cem")) == -90


async def test_after_a_day_it_is_not_undone(desk: Desk) -> None:
    run = await desk.bring(EVEN)
    desk.clock.now += DAY_MS + 1
    with pytest.raises(CannotImport) as caught:
        await desk.node.imports.undo(OPERATOR, run.no)
    assert caught.value.why is Why.ENDED


@pytest.mark.parametrize("how", ["traded", "signed in", "offers", "organises"])
async def test_what_something_happened_with_is_not_undone_and_nothing_else_is(desk: Desk, how: str) -> None:
    run = await desk.bring(EVEN)
    dora = await desk.called("Dora")
    match how:
        case "traded":
            await desk.node.trades.record(
                NewTrade(
                    payer_no=dora.account_no, payee_no=desk.ana.account_no, amount=5, text="jam", entered_by="Dora",
                    proved_by="pin", once=b"j" * 16, payer_name="Dora", payee_name="Ana",
                )
            )  # fmt: skip
        case "signed in":
            link = await desk.node.sign_in.make_link(OPERATOR, dora.no)
            await desk.node.sign_in.use_link(link.rpartition("/")[2], "192.0.2.1", own_computer=True)
        case "offers":
            await desk.bring("member,kind,title\nDora,offer,Eggs\n", Layout.OWN_LISTINGS)
        case _:
            await desk.node.people.set_role(OPERATOR, dora.no, Role.ORGANISER)
    with pytest.raises(CannotImport) as caught:
        await desk.node.imports.undo(OPERATOR, run.no)
    assert (caught.value.why, caught.value.names) == (Why.IN_USE, ("Dora",))
    assert {"Cem", "Dora", "Eva"} <= await desk.names()
    assert await desk.balance(await desk.called("Cem")) == -90


# --- power cuts, time, rights -----------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["bring in", "undo"])
async def test_a_power_cut_at_any_statement_leaves_it_before_or_after(act: str) -> None:
    """I7: a file is in, or it is not; and the next try does it."""
    desk = Desk()
    await desk.furnish()
    for n in range(1, 90):
        file = (
            EVEN.replace("@", f"{n}@")
            .replace(",17,", f",a{n},")
            .replace(",18,", f",b{n},")
            .replace(",19,", f",c{n},")
        )
        no, plan = await desk.look(file)
        if act == "undo":
            await desk.node.imports.bring_in(OPERATOR, no, Remainder.REFUSE, plan.mark)

        async def work(no: int = no, plan: Plan = plan) -> None:
            if act == "undo":
                await desk.node.imports.undo(OPERATOR, no)
            else:
                await desk.node.imports.bring_in(OPERATOR, no, Remainder.REFUSE, plan.mark)

        before = desk.digests()
        was_cut = await desk.cut_at(n, work)
        run = await desk.store.read(run_by_no, no)
        assert run is not None
        ended = RunState.UNDONE if act == "undo" else RunState.DONE
        assert run.state is ended or desk.digests() == before
        await work()
        names = [member.name for member in (await desk.store.read(find_members, "Cem", most=100))[0]]
        assert len(names) == (0 if act == "undo" else n)
        if not was_cut:
            break
    assert n > 20, "it writes more statements than that"
    await desk.check()
    await desk.store.close()


async def test_a_file_nobody_brings_in_is_forgotten_after_a_day(desk: Desk) -> None:
    no, plan = await desk.look(EVEN)
    run = await desk.bring(
        EVEN.replace("@", "2@").replace(",17,", ",27,").replace(",18,", ",28,").replace(",19,", ",29,")
        + "bad\n"
    )
    assert run.faults
    desk.clock.now += DAY_MS - 1
    await desk.node.imports.forget_old()
    assert (await desk.store.read(newest_runs))[-1].file is not None
    desk.clock.now += 1
    await desk.node.imports.forget_old()
    newest = await desk.store.read(newest_runs)
    assert [(each.state, each.file, each.faults) for each in newest] == [
        (RunState.DONE, None, ()),
        (RunState.DROPPED, None, ()),
    ]
    with pytest.raises(CannotImport) as caught:
        await desk.node.imports.bring_in(OPERATOR, no, Remainder.REFUSE, plan.mark)
    assert caught.value.why is Why.ENDED


@pytest.mark.parametrize("role", [Role.MEMBER, Role.ORGANISER])
async def test_only_admins_bring_in_and_undo(desk: Desk, role: Role) -> None:
    rosa = await desk.node.people.add(OPERATOR, NewMember(name="Rosa", role=role))
    no, plan = await desk.look(EVEN)
    for act in (
        desk.node.imports.look(rosa.acts("pin"), Layout.OWN_MEMBERS, b""),
        desk.node.imports.bring_in(rosa.acts("pin"), no, Remainder.OPENING, plan.mark),
        desk.node.imports.undo(rosa.acts("pin"), no),
    ):
        with pytest.raises(NotAllowed):
            await act
