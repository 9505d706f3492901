"""The weekly mail in the store: to whom it is due, what waits in it, and what could be of use to them. Source: docs/pages.md 9."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, exists, insert, literal_column, or_, select

from crypto.digest import tagged
from node.services.mail_wishes import Level
from node.services.members import MEMBER_COLUMNS, Member, Reach, State, member_of_row
from node.services.search import km_between
from node.store import ReadTx, Tx
from node.store.schema import alerts as schema
from node.store.schema import market as market_schema
from node.store.schema import people as people_schema
from protocol.limits import DAY_MS
from protocol.names import ItemKey, SchemeId

WEEK_MS: Final = 7 * DAY_MS
# Listings that are still shown though they are no news; and how many of each kind are looked at.
YOUNG_MS: Final = 28 * DAY_MS
YOUNG_MAX: Final = 500
NEAR_SHOWN: Final = 2  # and one at random
_FAR_KM: Final = 1_000_000

_M: Final = people_schema.member.c
_W: Final = schema.weekly_mail.c
_WISH: Final = schema.mail_wish.c
_DUE: Final = (
    select(_M.no)
    .where(
        _M.state == literal_column(f"'{State.ACTIVE.value}'"), _M.email.is_not(None),
        _M.reach == literal_column(f"'{Reach.EMAIL.value}'"), _M.joined_ms < bindparam("since"),
        ~exists().where(_W.member_no == _M.no, _W.week == bindparam("week")),
        ~exists().where(
            and_(_WISH.member_no == _M.no, _WISH.level == literal_column(f"'{Level.MUST_ACT.value}'"))
        ),
    )
    .order_by(_M.no)
)  # fmt: skip
_MEMBER: Final = select(*MEMBER_COLUMNS).where(_M.no == bindparam("no"))
_WRITTEN: Final = select(_W.at_ms).where(_W.member_no == bindparam("member_no"), _W.week == bindparam("week"))
_NEW: Final = insert(schema.weekly_mail)
_FORGET: Final = delete(schema.weekly_mail).where(
    _W.member_no == bindparam("which"), _W.week < bindparam("before")
)
_N: Final = schema.mail_news.c
_NEWS: Final = select(_N.no, _N.text, _N.path).where(_N.member_no == bindparam("member_no")).order_by(_N.no)
_NO_NEWS: Final = delete(schema.mail_news).where(
    or_(
        and_(_N.member_no == bindparam("which"), _N.no <= bindparam("last")),
        _N.at_ms < bindparam("before"),
    )
)
_D: Final = market_schema.search_doc.c
_L: Final = market_schema.listing.c
_ALL_YOUNG: Final = (
    select(_D.scheme, _D.item_key, _D.category, _D.north, _D.east, _D.created, _L.member_no)
    .select_from(
        market_schema.search_doc.outerjoin(
            market_schema.listing, and_(_D.feed_no == 0, _L.item_key == _D.item_key)
        )
    )
    .where(_D.created > bindparam("since"), _D.expires > bindparam("now"))
    .order_by(_D.created.desc(), _D.no.desc())
    .limit(YOUNG_MAX)
)  # fmt: skip
_YOUNG_WANTS: Final = _ALL_YOUNG.where(_D.kind == "want")
_YOUNG_OFFERS: Final = _ALL_YOUNG.where(_D.kind != "want")
_MINE: Final = (
    select(_D.category)
    .select_from(market_schema.search_doc.join(market_schema.listing, _L.item_key == _D.item_key))
    .where(_D.feed_no == 0, _D.kind != "want", _L.member_no == bindparam("member_no"))
    .group_by(_D.category)
)


class Young(NamedTuple):
    """A listing that is not old yet."""

    scheme: SchemeId
    key: ItemKey
    category: str
    north: int | None
    east: int | None
    created: int
    member_no: int | None  # who placed it, if it is ours


class News(NamedTuple):
    """What waits in somebody's weekly mail."""

    no: int
    text: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What a weekly mail shows of one kind."""

    listings: tuple[Young, ...]
    fresh: bool  # whether any is of this week


def members_due(tx: ReadTx, week: int, since_ms: int) -> list[int]:
    """Return who is to get the weekly mail of a week that began at a moment, and was not written to yet."""
    return [no for (no,) in tx.all(_DUE, week=week, since=since_ms)]


def read_due(tx: ReadTx, member_no: int, week: int) -> Member | None:
    """Return a member, unless the mail of that week was written."""
    row = tx.one(_MEMBER, no=member_no)
    if row is None or tx.one(_WRITTEN, member_no=member_no, week=week) is not None:
        return None
    return member_of_row(row)


def note_written(tx: Tx, member_no: int, week: int, now_ms: int) -> bool:
    """Note that the mail of a week was written to somebody, or had nothing to say; return False if it was before."""
    if tx.one(_WRITTEN, member_no=member_no, week=week) is not None:
        return False
    tx.run(_FORGET, which=member_no, before=week)
    tx.run(_NEW, member_no=member_no, week=week, at_ms=now_ms)
    return True


def news_of(tx: ReadTx, member_no: int) -> list[News]:
    """Return what waits in somebody's weekly mail, the oldest first."""
    return [News(*row) for row in tx.all(_NEWS, member_no=member_no)]


def drop_news(tx: Tx, member_no: int, last: int, now_ms: int) -> None:
    """Forget what was written to somebody up to a number, and what waits for anybody since long."""
    tx.run(_NO_NEWS, which=member_no, last=last, before=now_ms - YOUNG_MS)


def read_young(tx: ReadTx, now_ms: int, *, wants: bool) -> list[Young]:
    """Return the wants that are not old yet, or everything that is offered; the newest first."""
    rows = tx.all(_YOUNG_WANTS if wants else _YOUNG_OFFERS, now=now_ms, since=now_ms - YOUNG_MS)
    return [
        Young(SchemeId(scheme), ItemKey(key), category, north, east, created, owner)
        for scheme, key, category, north, east, created, owner in rows
    ]


def categories_of(tx: ReadTx, member_no: int) -> frozenset[str]:
    """Return the categories in which somebody offers something."""
    return frozenset(category for (category,) in tx.all(_MINE, member_no=member_no))


def pick(
    young: Sequence[Young], member: Member, week: int, since_ms: int, mine: frozenset[str] = frozenset()
) -> Picked:
    """Return what somebody is shown: two of the week, in `mine` before others and the nearest first, and one at random.

    Chance is that of the member and the week, so that whoever looks again finds the same.
    """
    others = [each for each in young if each.member_no != member.no]
    fresh = [each for each in others if each.created > since_ms]

    def order(each: Young) -> tuple[bool, int]:
        km = km_between(member.spot, each.north, each.east)
        return each.category not in mine, _FAR_KM if km is None else km

    near = sorted(fresh, key=order)[:NEAR_SHOWN]
    rest = [each for each in others if each not in near]
    drawn = int.from_bytes(tagged("weekly-mail", f"{member.no} {week}".encode())[:8], "big")
    chance = [rest[drawn % len(rest)]] if rest else []
    return Picked(listings=(*near, *chance), fresh=bool(fresh))
