"""The invented town as values: what `scripts/demo_town.toml` says, checked while it is read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from node.services.members import check_pin
from node.web.amounts import HOURS, Unit, parse_amount
from protocol.categories import CODES
from protocol.limits import AMOUNT_MAX
from protocol.market import PER, AskingPrice

FILE: Final = Path(__file__).resolve().parent.parent / "demo_town.toml"
PER_FOR_WORD: Final = {"free": "free", "agree": "agree"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPlan:
    """Something a member offers or wants."""

    kind: Literal["offer", "want"]
    title: str
    text: str
    category: str
    price: AskingPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPlan:
    """A member; a few have a PIN that the demo prints."""

    name: str
    place: str
    pin: str | None
    listings: tuple[ListingPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePlan:
    """A trade that lies behind them. `payer` and `payee` are names of members."""

    payer: str
    payee: str
    text: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemePlan:
    """One scheme with everybody in it."""

    key: str  # the name of its folder
    name: str
    place: str
    unit: Unit
    per_hour: int  # minor units of one hour
    north_millionths: int
    east_millionths: int
    headline: str
    about: str
    meeting: str
    help_name: str
    help_phone: str
    help_hours: str
    organiser: str
    members: tuple[MemberPlan, ...]
    trades: tuple[TradePlan, ...]

    def member(self, name: str) -> MemberPlan:
        """Return the member called so."""
        return next(member for member in self.members if member.name == name)


def read_town(file: Path = FILE) -> tuple[SchemePlan, ...]:
    """Return the schemes of the town, in the order of the file. Raises ValueError, KeyError on a slip of the pen."""
    return tuple(_scheme(table) for table in tomllib.loads(file.read_text("utf-8"))["scheme"])


def _scheme(table: dict[str, Any]) -> SchemePlan:
    unit, per_hour = _unit(table)
    help_name, help_phone, help_hours = table["help"]
    members = tuple(_member(each, unit) for each in table["member"])
    trades = tuple(
        TradePlan(payer=payer, payee=payee, text=text, amount=_amount(typed, unit))
        for payer, payee, text, typed in table["trades"]
    )
    names = {member.name for member in members}
    if table["organiser"] != members[0].name or len(names) < len(members):
        raise ValueError(f"{table['name']}: the organiser is the first member, and no name comes twice")
    if unknown := {name for trade in trades for name in (trade.payer, trade.payee)} - names:
        raise ValueError(f"{table['name']}: nobody is called {', '.join(sorted(unknown))}")
    return SchemePlan(
        key=table["key"], name=table["name"], place=table["place"], unit=unit, per_hour=per_hour,
        north_millionths=round(table["north"] * 1_000_000), east_millionths=round(table["east"] * 1_000_000),
        headline=table["headline"], about=table["about"], meeting=table["meeting"], help_name=help_name,
        help_phone=help_phone, help_hours=help_hours, organiser=table["organiser"], members=members, trades=trades,
    )  # fmt: skip


def _unit(table: dict[str, Any]) -> tuple[Unit, int]:
    if table["unit"] == "hours":
        return HOURS, HOURS.minor_per_unit
    unit = Unit(
        code=table["unit"],
        kind="decimal",
        decimals=table["decimals"],
        symbol=table["unit_symbol"],
        names={"en": {"other": table["unit"]}},
    )
    return unit, round(table["per_hour"] * unit.minor_per_unit)


def _member(table: dict[str, Any], unit: Unit) -> MemberPlan:
    pin = table.get("pin")
    if pin is not None:
        check_pin(pin)
    listings = tuple(_listing(row, unit) for row in table["listings"])
    return MemberPlan(name=table["name"], place=table["place"], pin=pin, listings=listings)


def _listing(row: list[str], unit: Unit) -> ListingPlan:
    kind, title, text, category, typed, per = row
    if kind not in ("offer", "want") or category not in CODES or per not in PER:
        raise ValueError(f"{title}: {kind}, {category} or {per} is not known")
    per = PER_FOR_WORD.get(typed, per)
    amount = 0 if typed in PER_FOR_WORD else _amount(typed, unit)
    price = AskingPrice(amount=amount, per=per)
    return ListingPlan(kind=kind, title=title, text=text, category=category, price=price)  # type: ignore[arg-type]  # one of the two, as was just seen


def _amount(typed: str, unit: Unit) -> int:
    amount = parse_amount(typed, unit, most=AMOUNT_MAX)
    if not isinstance(amount, int):
        raise ValueError(f"“{typed}” is not an amount: {amount.value}")
    return amount
