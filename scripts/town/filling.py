"""An invented scheme put into a new node, through the services its pages use. Nothing is served meanwhile."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any, Final

from node.app import Node
from node.config import load
from node.keyfiles import open_keys
from node.opening import open_node
from node.services.acts import OPERATOR
from node.services.members import Member, NewMember, members_called, number_text
from node.services.trades import NewTrade
from protocol.market import Listing, Place, round_place
from protocol.names import scheme_text
from scripts.town.plan import MemberPlan, SchemePlan, TradePlan
from scripts.town.processes import NodeProcess

PASSPHRASE: Final = "three towns along one river"
# Homes lie within a few kilometres of the middle, at crossings of the grid that members' places are rounded to.
SPREAD_MILLIONTHS: Final = 25_000


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme of the town: what was invented, and the node that runs it."""

    plan: SchemePlan
    process: NodeProcess

    @property
    def scheme_id(self) -> str:
        """Return the scheme's id, as its node writes it."""
        return scheme_text(open_keys(load(self.process.config, {}).node.data_dir).keyring.scheme)

    def number(self, name: str) -> str:
        """Return the number members log in with: they were entered one after the other."""
        return number_text([member.name for member in self.plan.members].index(name) + 1)

    def pin(self, name: str) -> str:
        """Return the PIN of a member who has one."""
        pin = self.plan.member(name).pin
        assert pin is not None, name
        return pin


async def make_scheme(plan: SchemePlan, process: NodeProcess) -> dict[str, Any]:
    """Make keys, configuration and the first organiser, by the command an admin would use; return what it said."""
    process.folder.mkdir(parents=True, mode=0o700)
    secret = process.folder / "passphrase"
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(PASSPHRASE)
    hours = plan.unit.kind == "hours"
    whole, part = divmod(plan.per_hour, plan.unit.minor_per_unit)
    hour = f"{whole}.{part:0{plan.unit.decimals}d}" if plan.unit.decimals else str(whole)
    made: dict[str, Any] = await process.run(
        "init",
        *("--name", plan.name, "--place", plan.place),
        *(("--unit", "hours") if hours else ("--unit", plan.unit.code, "--hour", hour)),
        *("--organiser", plan.organiser, "--email", email(plan, plan.organiser), "--phone", plan.help_phone),
        *("--data-dir", str(process.folder / "data"), "--port", str(process.port), "--lan"),
        *("--passphrase-file", str(secret)),
    )
    secret.unlink()
    return made


async def fill_scheme(plan: SchemePlan, process: NodeProcess) -> None:
    """Enter members, listings and the trades that lie behind them."""
    async with open_node(load(process.config, {})) as node:
        await _describe(node, plan)
        members = {each.name: await _enter(node, plan, each) for each in plan.members}
        for each in plan.members:
            await _publish(node, members[each.name], each)
        for number, trade in enumerate(plan.trades):
            await _record(node, plan, members, trade, number)


async def _describe(node: Node, plan: SchemePlan) -> None:
    spot = round_place(plan.north_millionths, plan.east_millionths)
    await node.settings.change(
        OPERATOR, north=spot.north, east=spot.east, headline=plan.headline, about=plan.about, meeting=plan.meeting,
        help_name=plan.help_name, help_phone=plan.help_phone, help_hours=plan.help_hours,
    )  # fmt: skip


async def _enter(node: Node, plan: SchemePlan, each: MemberPlan) -> Member:
    new = NewMember(
        name=each.name, email=email(plan, each.name), place=each.place, spot=_home(plan, each.place)
    )
    if each.name == plan.organiser:  # there since `init`
        (first,) = await node.store.read(members_called, each.name)
        member = await node.people.change_profile(OPERATOR, first.no, new)
    else:
        member = await node.people.add(OPERATOR, new, why="demo")
    if each.pin is not None:
        await node.people.set_pin(OPERATOR, member.no, each.pin, why="demo")
    return member


async def _publish(node: Node, member: Member, each: MemberPlan) -> None:
    for plan in each.listings:
        content = Listing(
            kind=plan.kind, title=plan.title, text=plan.text, category=plan.category, price=plan.price, language="en",
            place=member.spot, owner=member.public_name,
        )  # fmt: skip
        await node.market.post(member.no, content)


async def _record(
    node: Node, plan: SchemePlan, members: dict[str, Member], trade: TradePlan, number: int
) -> None:
    payer, payee = members[trade.payer], members[trade.payee]
    await node.trades.record(
        NewTrade(
            payer_no=payer.account_no, payee_no=payee.account_no, amount=trade.amount, text=trade.text,
            entered_by=payer.name, proved_by="system", once=_chosen(plan.key, "trade", str(number)),
            payer_name=payer.name, payee_name=payee.name,
        )
    )  # fmt: skip


def _home(plan: SchemePlan, place: str) -> Place:
    """Return where people of this place live: always the same, and near."""
    drawn = _chosen(plan.key, "place", place)
    north, east = (int.from_bytes(part) % (2 * SPREAD_MILLIONTHS) for part in (drawn[:4], drawn[4:8]))
    return round_place(
        plan.north_millionths + north - SPREAD_MILLIONTHS, plan.east_millionths + east - SPREAD_MILLIONTHS
    )


def email(plan: SchemePlan, name: str) -> str:
    """Return a member's address, under a top-level domain that no mail ever leaves for."""
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "." for sign in name.lower())
    return f"{plain}@{plan.key}.example"


def _chosen(*words: str) -> bytes:
    """Return sixteen bytes that are always the same for the same words."""
    return hashlib.sha256("\0".join(words).encode()).digest()[:16]
