"""Other schemes as pages name them: what their feeds say of name, unit, rate and place.

Source: docs/protocol.md 5.8, 7.1; docs/pages.md 0.1.
"""

from __future__ import annotations

from node.services.feed_store import all_feeds, items_of_kind
from node.store import ReadTx
from node.web.amounts import HOURS, Unit
from node.web.context import Context
from node.web.present import OtherScheme
from protocol.feed import Item
from protocol.feed_kinds import (
    PROFILE,
    RATE,
    Profile,
    RateNotice,
    payload_of,
    rate_holds_until,
    rate_in_force,
)
from protocol.message import trusted_message
from protocol.names import SchemeId

Schemes = dict[SchemeId, OtherScheme]


async def schemes_known(context: Context) -> Schemes:
    """Return every scheme heard of, by its id."""
    return await context.read(read_schemes, context.now_ms)


def read_schemes(tx: ReadTx, now_ms: int) -> Schemes:
    """Return every scheme whose profile is here; a part of a page's read."""
    notices: dict[SchemeId, list[RateNotice]] = {}
    for author, wire in items_of_kind(tx, RATE, now_ms):
        notice = payload_of(trusted_message(Item, wire).body)
        if isinstance(notice, RateNotice):
            notices.setdefault(author, []).append(notice)
    heard = {feed.scheme: feed.heard_ms for feed in all_feeds(tx)}
    schemes: Schemes = {}
    for each in notices.values():
        if (until_ms := rate_holds_until(each, now_ms)) is not None:
            tx.holds_until(until_ms)
    for author, wire in items_of_kind(tx, PROFILE, now_ms):
        profile = payload_of(trusted_message(Item, wire).body)
        if isinstance(profile, Profile):
            rate = rate_in_force(notices.get(author, ()), now_ms)
            schemes[author] = OtherScheme(
                scheme=author,
                name=profile.name,
                unit=unit_of_profile(profile),
                minor_per_hour=None if rate is None else rate.minor_per_hour,
                rate_since_ms=0 if rate is None else rate.valid_from,
                place=profile.place,
                heard_ms=heard.get(author, 0),
            )
    return schemes


def unit_of_profile(profile: Profile) -> Unit:
    """Return the unit another scheme counts in, by the one name it gives for every number."""
    if profile.timebank:
        return HOURS
    return Unit(
        code=profile.unit,
        kind="decimal",
        decimals=profile.decimals,
        symbol=profile.unit,
        names={profile.language: {"other": profile.unit}},
    )
