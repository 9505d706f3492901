"""The token desk in a whole node: sums stay zero, each act once, mistakes by their opposite, and the check sees it. Rule 3.9."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from node.services.accounts import all_accounts, load
from node.services.acts import Actor, Deed, NotAllowed, Role, acts_for
from node.services.ledger_check import check_books
from node.services.ledger_export import write_export
from node.services.ledger_rebuild import rebuild
from node.services.members import Member
from node.services.token_rows import Done, all_done, box_now
from node.services.tokens import CannotDo, NewAct, Why
from node.services.trades import newest_trades
from node.store import Tx
from protocol.ledger import SystemRole
from protocol.names import SchemeId
from protocol.tokens import Box, Terms, TokenAct
from scripts.auditor.__main__ import audit
from tests.builders import NOW
from tests.node.web.towns import Town, open_town


@dataclass
class TokenDesk:
    town: Town
    rosa: Actor
    ben: Member  # helps
    ana: Member
    keys: int = 0

    async def do(
        self, act: TokenAct, count: int = 0, *, by: Actor | None = None, once: bytes = b"", **more: object
    ) -> Done:
        self.keys += 1
        key = once or self.keys.to_bytes(16, "big")
        new = NewAct(act=act, count=count, **more)  # type: ignore[arg-type]  # fields of NewAct
        return await self.town.node.tokens.do(by or self.rosa, new, key)

    async def refused(self, why: Why, act: TokenAct, count: int = 0, **more: object) -> None:
        before = await self.town.everything()
        with pytest.raises(CannotDo) as caught:
            await self.do(act, count, **more)  # type: ignore[arg-type]  # as above
        assert caught.value.why is why
        assert await self.town.everything() == before

    async def box(self) -> Box:
        return await self.town.node.store.read(box_now)

    async def balances(self) -> dict[str, int]:
        accounts = await self.town.node.store.read(all_accounts)
        assert sum(held.value.balance for held, _ in accounts) == 0
        return {role: held.value.balance for held, role in accounts if role}

    async def has(self, member: Member) -> int:
        return (await self.town.node.store.read(load, member.account_no)).value.balance

    async def findings(self, spoil: Callable[[Tx], None] = lambda _tx: None) -> list[str]:
        """Check the whole book after `spoil`, which is undone."""
        keyring, found = self.town.node.keyring, []

        def unit(tx: Tx) -> None:
            spoil(tx)
            checked = check_books(tx, keyring.scheme, self.identity)
            found.extend(str(each) for each in checked.findings)
            raise _Undone

        with pytest.raises(_Undone):
            await self.town.node.store.write(unit)
        return found

    def identity(self, scheme: SchemeId) -> object:
        keyring = self.town.node.keyring
        return keyring.identity if scheme == keyring.scheme else None


class _Undone(Exception):
    pass


@pytest.fixture
async def desk() -> AsyncIterator[TokenDesk]:
    async with open_town() as town:
        rosa = (await town.member("Rosa", Role.ORGANISER)).acts("pin")
        made = TokenDesk(town, rosa, await town.member("Ben"), await town.member("Ana"))
        await town.node.tokens.set_terms(rosa, Terms(worth=60, price=500), "€")
        yield made


async def test_the_sum_stays_zero_and_tokens_are_what_people_have(desk: TokenDesk) -> None:
    await desk.do(TokenAct.PUT_IN, money=2_000, text="change")
    sold = await desk.do(TokenAct.SOLD, 5, who="Mrs Ellis")
    assert (sold.change.money, sold.box) == (2_500, Box(tokens=5, money=4_500))
    assert await desk.balances() == {SystemRole.SOLD: -300, SystemRole.TOKENS: 300}
    back = await desk.do(TokenAct.BACK, 3, member_no=desk.ben.no)
    assert (await desk.has(desk.ben), back.box) == (180, Box(tokens=2, money=4_500))
    drawn = await desk.do(TokenAct.DRAWN, 2, member_no=desk.ana.no)
    assert (await desk.has(desk.ana), drawn.box.tokens) == (-120, 4)
    await desk.do(TokenAct.BOUGHT, 1)
    assert await desk.balances() == {SystemRole.SOLD: -240, SystemRole.TOKENS: 180}
    assert await desk.box() == Box(tokens=3, money=4_000)
    counted = await desk.do(TokenAct.COUNTED, money=3_950, text="a coin too few")
    assert (counted.change.money, counted.box.money) == (-50, 3_950)
    acts = await desk.town.node.store.read(all_done)
    assert [act.no for act in acts] == [1, 2, 3, 4, 5, 6], "receipts without a gap"
    (trade,) = await desk.town.node.store.read(newest_trades, desk.ben.account_no, 5)
    assert (trade.text, trade.amount) == ("Handed in at the desk: 3 tokens", 180)
    assert await desk.findings() == []
    noted = [
        act.detail
        for act in await desk.town.node.store.read(acts_for, desk.ben.no)
        if act.deed is Deed.TOKENS
    ]
    assert noted == ["back 3"]


async def test_the_same_form_acts_once(desk: TokenDesk) -> None:
    for act, more in (
        (TokenAct.SOLD, {}),
        (TokenAct.DRAWN, {"member_no": desk.ana.no}),
        (TokenAct.BACK, {"member_no": desk.ana.no}),
    ):
        first = await desk.do(act, 2, once=act.value.encode().ljust(16, b"."), **more)
        before = await desk.town.everything()
        assert await desk.do(act, 2, once=act.value.encode().ljust(16, b"."), **more) == first
        assert await desk.town.everything() == before


async def test_what_cannot_be_done_changes_nothing(desk: TokenDesk) -> None:
    rosas_no = desk.rosa.no
    await desk.refused(Why.MORE_THAN_OUT, TokenAct.BACK, 1, member_no=desk.ben.no)
    await desk.refused(Why.MORE_THAN_OUT, TokenAct.BOUGHT, 1)
    await desk.refused(Why.WRONG, TokenAct.SOLD, 0)
    await desk.refused(Why.WRONG, TokenAct.SOLD, 501)
    await desk.refused(Why.WRONG, TokenAct.PUT_IN, text="nothing")
    await desk.refused(Why.NOT_IN_BOX, TokenAct.TAKEN_OUT, money=1, text="bank")
    await desk.refused(Why.NO_MEMBER, TokenAct.DRAWN, 1)
    await desk.refused(Why.NO_MEMBER, TokenAct.BACK, 1, member_no=999)
    await desk.refused(Why.SELF, TokenAct.DRAWN, 1, member_no=rosas_no)
    await desk.refused(Why.TOO_FAR, TokenAct.DRAWN, 11, member_no=desk.ana.no)
    await desk.refused(Why.NO_REASON, TokenAct.COUNTED, money=5)
    await desk.do(TokenAct.SOLD, 100)
    await desk.refused(Why.NO_ROOM, TokenAct.BACK, 41, member_no=desk.ben.no)
    await desk.do(TokenAct.TAKEN_OUT, money=50_000, text="bank")
    await desk.refused(Why.NOT_IN_BOX, TokenAct.BOUGHT, 1)
    await desk.town.node.people.pause(desk.rosa, desk.ben.no, why="x")
    await desk.refused(Why.PAUSED, TokenAct.BACK, 1, member_no=desk.ben.no)
    with pytest.raises(NotAllowed):
        await desk.do(TokenAct.SOLD, 1, by=desk.ana.acts("pin"))
    with pytest.raises(NotAllowed):
        await desk.town.node.tokens.correct(desk.ana.acts("pin"), 1, "x")
    with pytest.raises(NotAllowed):
        await desk.town.node.tokens.set_terms(desk.ana.acts("pin"), Terms(worth=1, price=1), "€")


async def test_what_a_token_is_worth_stays_while_one_is_outside(desk: TokenDesk) -> None:
    tokens = desk.town.node.tokens
    await desk.do(TokenAct.SOLD, 1)
    with pytest.raises(CannotDo) as caught:
        await tokens.set_terms(desk.rosa, Terms(worth=30, price=500), "€")
    assert caught.value.why is Why.OUTSIDE
    await tokens.set_terms(desk.rosa, Terms(worth=60, price=600), "CHF")
    assert (await desk.do(TokenAct.SOLD, 1)).change.money == 600
    await desk.town.node.settings.change(desk.rosa, token_worth=0)
    await desk.refused(Why.NO_TERMS, TokenAct.SOLD, 1)
    await desk.do(TokenAct.PUT_IN, money=1, text="found")


async def test_a_mistake_has_one_opposite(desk: TokenDesk) -> None:
    tokens, store = desk.town.node.tokens, desk.town.node.store
    sold = await desk.do(TokenAct.SOLD, 4)
    back = await desk.do(TokenAct.BACK, 4, member_no=desk.ben.no)
    counted = await desk.do(TokenAct.COUNTED, money=2_000)
    with pytest.raises(CannotDo) as caught:
        await tokens.correct(desk.rosa, sold.no, "never happened")
    assert caught.value.why is Why.MORE_THAN_OUT
    undone = await tokens.correct(desk.rosa, back.no, "another Ben")
    assert (undone.corrects_no, undone.change, await desk.has(desk.ben)) == (
        back.no,
        back.change.opposite(),
        0,
    )
    again = await tokens.correct(desk.rosa, sold.no, "never happened")
    assert (again.text, await desk.box()) == ("never happened", Box())
    assert await desk.balances() == {SystemRole.SOLD: 0, SystemRole.TOKENS: 0}
    for no, why in ((back.no, Why.CORRECTED), (undone.no, Why.CORRECTED), (counted.no, Why.COUNTED)):
        with pytest.raises(CannotDo) as caught:
            await tokens.correct(desk.rosa, no, "again")
        assert caught.value.why is why
    with pytest.raises(LookupError):
        await tokens.correct(desk.rosa, 99, "none")
    assert await desk.findings() == []
    assert [act.no for act in await store.read(all_done)] == [1, 2, 3, 4, 5]


async def test_a_correction_from_elsewhere_is_in_the_desks_book_too(desk: TokenDesk) -> None:
    trades = desk.town.node.trades
    drawn = await desk.do(TokenAct.DRAWN, 3, member_no=desk.ana.no)
    assert drawn.trade_no is not None
    await trades.correct(drawn.trade_no, organiser="Rosa", on_behalf_of="Ana", reason="wrong", once=b"1" * 16)
    acts = await desk.town.node.store.read(all_done)
    assert [(act.kind, act.corrects_no, act.by_name) for act in acts[1:]] == [
        (TokenAct.CORRECTED, drawn.no, "Rosa")
    ]
    assert (await desk.box(), await desk.has(desk.ana)) == (Box(), 0)
    drawn = await desk.do(TokenAct.DRAWN, 3, member_no=desk.ana.no)
    await desk.do(TokenAct.BACK, 3, member_no=desk.ben.no)
    before = await desk.town.everything()
    assert drawn.trade_no is not None
    with pytest.raises(Exception, match="not_correctable"):
        await trades.correct(
            drawn.trade_no, organiser="Rosa", on_behalf_of="Ana", reason="late", once=b"2" * 16
        )
    assert await desk.town.everything() == before
    assert await desk.findings() == []


@pytest.mark.parametrize(
    "spoil, said",
    [
        ("UPDATE token_act SET amount = amount + 1 WHERE no = 1", "amount is 121, entry"),
        ("UPDATE token_act SET count = 3 WHERE no = 1", "tokens_after is 2"),
        ("UPDATE token_act SET money = money + 1 WHERE no = 1", "money_after is"),
        ("UPDATE token_act SET money_after = 7 WHERE no = 2", "money_after is 7"),
        ("UPDATE token_act SET kind = 'corrected' WHERE no = 1", "it is corrected, and corrects None"),
        ("UPDATE token_act SET entry_seq = NULL WHERE no = 1", "no entry booked it"),
        ("DELETE FROM token_act WHERE no = 2", "missing: that entry moves what tokens are worth"),
        ("UPDATE account SET balance = balance + 1 WHERE role = 'tokens'", "account"),
    ],
)
async def test_checking_the_books_names_what_was_altered(desk: TokenDesk, spoil: str, said: str) -> None:
    await desk.do(TokenAct.SOLD, 2)
    await desk.do(TokenAct.BACK, 1, member_no=desk.ben.no)
    assert await desk.findings() == []
    found = await desk.findings(lambda tx: tx.run(text(spoil)))
    assert any(said in each for each in found), found


async def test_rebuilding_and_an_auditor_agree(desk: TokenDesk, tmp_path: Path) -> None:
    """I19: the export, audited by a program that shares no code with the books; and accounts reckoned anew."""
    await desk.do(TokenAct.SOLD, 3)
    await desk.do(TokenAct.BACK, 2, member_no=desk.ben.no)
    await desk.town.node.tokens.correct(desk.rosa, 2, "miscounted")
    node = desk.town.node
    await node.store.read(write_export, node.scheme, tmp_path, NOW)
    _, findings = audit([tmp_path], at_rest=True)
    assert findings.wrong == []
    before = await desk.balances()
    await node.store.write(lambda tx: tx.run(text("UPDATE account SET balance = 1 WHERE role = 'tokens'")))
    await node.store.write(rebuild, node.scheme, desk.identity)
    assert await desk.balances() == before
    assert await desk.findings() == []
