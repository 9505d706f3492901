"""The life of a listing at home: who may do what with it, and what then goes into the feed.

Every transition is in this file, and nothing else decides one. What a listing says is in `market.py`.
Source: docs/protocol.md 5.1, 5.4, 5.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from protocol.errors import InvalidValue, OutOfOrder
from protocol.limits import ITEM_LIFE_MS_MAX
from protocol.market import Listing, next_revision
from protocol.names import ItemKey


class State(StrEnum):
    """Where a listing stands."""

    DRAFT = "draft"
    WAITING = "waiting"  # for an organiser's approval
    PUBLISHED = "published"
    HIDDEN = "hidden"  # by its owner, for a while
    EXPIRED = "expired"
    REMOVED = "removed"  # by an organiser
    WITHDRAWN = "withdrawn"  # for good; nothing leads out


class Actor(StrEnum):
    """In whose name something is done. A broker who acts for a member is the owner here (3.5)."""

    OWNER = "owner"
    ORGANISER = "organiser"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """Other words or another price. Where edits need approval too, `Submitted` follows."""

    content: Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The owner asks for approval, also once more after a removal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The owner publishes, where the scheme asks for no approval."""

    expires: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """An organiser lets it through."""

    expires: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """An organiser sends it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """The owner keeps it for longer, also after it ended."""

    expires: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hid:
    """The owner hides it for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The owner shows it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """An organiser takes it down; the reason goes to the owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """An organiser puts it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrew:
    """The owner ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapsed:
    """Its time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingSet:
    """Whether it goes to other schemes: the member's choice within the scheme's (5.8)."""

    shared: bool


Event: TypeAlias = (
    Edited
    | Submitted
    | Published
    | Approved
    | Declined
    | Renewed
    | Hid
    | Shown
    | Removed
    | Restored
    | Withdrew
    | Lapsed
    | SharingSet
)

# Who may cause which event.
MAY: Final[Mapping[type[Event], frozenset[Actor]]] = {
    Edited: frozenset({Actor.OWNER, Actor.ORGANISER}),
    Submitted: frozenset({Actor.OWNER}),
    Published: frozenset({Actor.OWNER}),
    Approved: frozenset({Actor.ORGANISER}),
    Declined: frozenset({Actor.ORGANISER}),
    Renewed: frozenset({Actor.OWNER}),
    Hid: frozenset({Actor.OWNER}),
    Shown: frozenset({Actor.OWNER}),
    Removed: frozenset({Actor.ORGANISER}),
    Restored: frozenset({Actor.ORGANISER}),
    Withdrew: frozenset({Actor.OWNER}),
    Lapsed: frozenset({Actor.CLOCK}),
    SharingSet: frozenset({Actor.OWNER, Actor.ORGANISER}),
}

TRANSITIONS: Final[Mapping[State, Mapping[type[Event], State]]] = {
    State.DRAFT: {
        Edited: State.DRAFT,
        Submitted: State.WAITING,
        Published: State.PUBLISHED,
        Withdrew: State.WITHDRAWN,
        SharingSet: State.DRAFT,
    },
    State.WAITING: {
        Edited: State.WAITING,
        Approved: State.PUBLISHED,
        Declined: State.DRAFT,
        Withdrew: State.WITHDRAWN,
        SharingSet: State.WAITING,
    },
    State.PUBLISHED: {
        Edited: State.PUBLISHED,
        Submitted: State.WAITING,
        Renewed: State.PUBLISHED,
        Hid: State.HIDDEN,
        Removed: State.REMOVED,
        Withdrew: State.WITHDRAWN,
        Lapsed: State.EXPIRED,
        SharingSet: State.PUBLISHED,
    },
    State.HIDDEN: {
        Edited: State.HIDDEN,
        Submitted: State.WAITING,
        Renewed: State.HIDDEN,
        Shown: State.PUBLISHED,
        Removed: State.REMOVED,
        Withdrew: State.WITHDRAWN,
        Lapsed: State.EXPIRED,
        SharingSet: State.HIDDEN,
    },
    State.EXPIRED: {
        Edited: State.EXPIRED,
        Submitted: State.WAITING,
        Renewed: State.PUBLISHED,
        Removed: State.REMOVED,
        Withdrew: State.WITHDRAWN,
        SharingSet: State.EXPIRED,
    },
    State.REMOVED: {
        # The owner may mend it and ask again; only an organiser puts it back.
        Edited: State.REMOVED,
        Submitted: State.WAITING,
        Restored: State.PUBLISHED,
        Withdrew: State.WITHDRAWN,
        SharingSet: State.REMOVED,
    },
    State.WITHDRAWN: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnListing:
    """A listing at home: its content, its state, and what the feed last said of it."""

    key: ItemKey
    content: Listing
    state: State = State.DRAFT
    shared: bool = True
    created: int = 0  # published, or last renewed; nothing lives longer than 400 days from it
    expires: int = 0
    revision: int = 0  # of its last item, 0 before the first
    # The latest `expires` of any item of this key. A tombstone lasts until then: were it gone earlier, a
    # forgotten copy of a longer revision could come back to life (5.4, I13).
    feed_until: int = 0

    @property
    def on_feed(self) -> bool:
        """Tell whether the feed should carry it."""
        return self.state is State.PUBLISHED and self.shared

    @property
    def next_wake_ms(self) -> int | None:
        """When `Lapsed` is due, or None."""
        return self.expires if Lapsed in TRANSITIONS[self.state] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutItem:
    """The feed gets this revision of the listing."""

    key: ItemKey
    revision: int
    created: int
    expires: int
    content: Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class PutTombstone:
    """The feed gets an empty item in its place. Source: 5.1, 5.4."""

    key: ItemKey
    revision: int
    created: int
    expires: int


Effect: TypeAlias = PutItem | PutTombstone


def step(
    listing: OwnListing, event: Event, actor: Actor, now_ms: int
) -> tuple[OwnListing, tuple[Effect, ...]]:
    """Return the listing after `event`, and what the feed must now carry.

    Raises:
        OutOfOrder: not in this state, not by this actor, or it would be published although its time is over.
        InvalidValue: an end that is not ahead, or more than 400 days away.
    """
    state = TRANSITIONS[listing.state].get(type(event))
    if state is None:
        raise OutOfOrder(f"{type(event).__name__} while {listing.state}")
    if actor not in MAY[type(event)]:
        raise OutOfOrder(f"{type(event).__name__} by {actor}")
    after = replace(_changed(listing, event, now_ms), state=state)
    if isinstance(event, Lapsed) and after.expires > now_ms:
        raise OutOfOrder("its time is not over")
    # Edits and choices of a listing just past its end go through; `Lapsed` is on its way. But nothing new
    # begins with its end behind it.
    if state is State.PUBLISHED and listing.state is not State.PUBLISHED and after.expires <= now_ms:
        raise OutOfOrder("its time is over: renew it first")
    return _with_effects(listing, after, now_ms)


def _changed(listing: OwnListing, event: Event, now_ms: int) -> OwnListing:
    match event:
        case Edited():
            return replace(listing, content=event.content)
        case Published() | Approved() | Renewed():
            if not now_ms < event.expires <= now_ms + ITEM_LIFE_MS_MAX:
                raise InvalidValue("a listing ends ahead, and within 400 days")
            return replace(listing, created=now_ms, expires=event.expires)
        case SharingSet():
            return replace(listing, shared=event.shared)
        case _:
            return listing


def _with_effects(
    before: OwnListing, after: OwnListing, now_ms: int
) -> tuple[OwnListing, tuple[Effect, ...]]:
    revision = next_revision(before.revision, now_ms)
    if after.on_feed and after.expires > now_ms:
        said = (before.content, before.created, before.expires)
        if before.on_feed and said == (after.content, after.created, after.expires):
            return after, ()
        after = replace(after, revision=revision, feed_until=max(after.feed_until, after.expires))
        put = PutItem(
            key=after.key,
            revision=revision,
            created=after.created,
            expires=after.expires,
            content=after.content,
        )
        return after, (put,)
    if before.on_feed and not after.on_feed and before.feed_until > now_ms:
        after = replace(after, revision=revision)
        return after, (
            PutTombstone(key=after.key, revision=revision, created=now_ms, expires=after.feed_until),
        )
    return after, ()
