"""With whom: one person, or several who get or give the same. Shared by paying and by asking to be paid.

Several are chosen one after the other, each by a link; who is chosen stands in the address, so Back works and nothing
is kept. Source: docs/pages.md 7.2, 8.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from babel.lists import format_list

from node.services.members import Member, State, find_members, member_by_account, member_by_no, parse_number
from node.services.trades import newest_trades
from node.store import ReadTx
from node.web.context import Context, NoSuchPage
from node.web.present import first_name
from node.web.views.member import PersonCard
from node.web.views.page import Link
from node.web.views.standing import ChoosePersonView
from node.web.views.trade import Did, RecordWhoView

PEOPLE_SHOWN: Final = 5
# How far back "people you traded with" looks.
TRADES_LOOKED_AT: Final = 40
# One meal; and their numbers fit into one address.
SEVERAL_MAX: Final = 30


async def chosen_members(context: Context, numbers: str) -> list[Member]:
    """Return the members that "0002,0003" names, each once. Raises NoSuchPage: no page of ours wrote that."""
    nos = [parse_number(part) for part in numbers.split(",") if part]
    if len(nos) > SEVERAL_MAX or None in nos or len(set(nos)) != len(nos):
        raise NoSuchPage
    found = await context.read(_members, [no for no in nos if no is not None])
    if len(found) != len(nos) or any(member.state is State.LEFT for member in found):
        raise NoSuchPage
    return found


async def people_sent(context: Context) -> list[Member]:
    """Return whom a form names: somebody at least. Raises NoSuchPage."""
    people = await chosen_members(context, context.fields.get("who", ""))
    if not people:
        raise NoSuchPage
    return people


def _members(tx: ReadTx, nos: Sequence[int]) -> list[Member]:
    found = [member_by_no(tx, no) for no in nos]
    return [member for member in found if member is not None]


def numbers_of(members: Sequence[Member]) -> str:
    """Return "0002,0003"."""
    return ",".join(member.number for member in members)


def names_of(members: Sequence[Member], language: str) -> str:
    """Return "Ben, Maud and Karim"."""
    return str(format_list([first_name(member.name) for member in members], locale=language))


async def who_view(context: Context, did: Did, path: str, last: tuple[Link, ...]) -> RecordWhoView:
    """Return the page that asks with whom; `path` is /record or /ask."""
    query, chosen = context.query("q"), await chosen_members(context, context.query("with"))
    several = bool(chosen) or context.query("several") == "1"
    recent, found = await context.read(_people, context.member, query)
    taken = {member.no for member in chosen}

    def cards(members: Sequence[Member]) -> tuple[PersonCard, ...]:
        return tuple(_card(each, path, chosen, several) for each in members if each.no not in taken)

    room = len(chosen) < SEVERAL_MAX
    return RecordWhoView(
        did=did,
        path=path,
        query=query,
        recent=cards(recent) if room else (),
        found=None if found is None else cards(found if room else ()),
        last=() if query or several else last,
        several=several,
        chosen=tuple(
            Link(
                text=each.name,
                href=_several_href(path, [other for other in chosen if other.no != each.no]),
            )
            for each in chosen
        ),
        chosen_numbers=numbers_of(chosen),
        several_href=_several_href(path, ()),
        next_href="" if not chosen else _what_href(path, chosen),
    )


async def person_view(context: Context, title: str, question: str, path: str) -> ChoosePersonView:
    """Return the page whose one question is answered by another member; each answer leads on to `path`/what."""
    query = context.query("q")
    recent, found = await context.read(_people, context.member, query)

    def cards(members: Sequence[Member]) -> tuple[PersonCard, ...]:
        return tuple(_card(each, path, (), False) for each in members)

    return ChoosePersonView(
        title=title,
        question=question,
        path=f"{path}/new",
        query=query,
        recent=cards(recent),
        found=None if found is None else cards(found),
    )


def _several_href(path: str, chosen: Sequence[Member]) -> str:
    asked = {"with": numbers_of(chosen)} if chosen else {"several": "1"}
    return f"{path}?{urlencode(asked, safe=',')}"


def _what_href(path: str, chosen: Sequence[Member]) -> str:
    where = "/record/several" if path == "/record" and len(chosen) > 1 else f"{path}/what"
    return f"{where}?{urlencode({'who': numbers_of(chosen)}, safe=',')}"


def _card(member: Member, path: str, chosen: Sequence[Member], several: bool) -> PersonCard:
    href = _several_href(path, [*chosen, member]) if several else _what_href(path, [member])
    return PersonCard(href=href, name=member.name, number=member.number, place=member.place)


def _people(tx: ReadTx, me: Member, query: str) -> tuple[list[Member], list[Member] | None]:
    recent: dict[int, Member] = {}
    for trade in newest_trades(tx, me.account_no, TRADES_LOOKED_AT):
        other = trade.payee_no if trade.payer_no == me.account_no else trade.payer_no
        if other is not None and other not in recent and len(recent) < PEOPLE_SHOWN:
            member = member_by_account(tx, other)
            if member is not None and member.may_trade:
                recent[other] = member
    if not query:
        return list(recent.values()), None
    found = [member for member in find_members(tx, query)[0] if member.no != me.no and member.may_trade]
    return list(recent.values()), found


# --- how much each ------------------------------------------------------------------------------------------


def shares(total: int, people: int) -> list[int]:
    """Return `total` in parts that differ by the smallest part at most, the larger ones first."""
    least, over = divmod(total, people)
    return [least + 1] * over + [least] * (people - over)
