"""The scheme's settings: seeded by the configuration once, then changed by its organisers in the browser.

Held in memory, because every page needs them; the memory follows each commit. Source: docs/pages.md 7.4.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Literal

from sqlalchemy import select

from node.clock import Clock
from node.services.acts import Actor, Deed, note_act
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import people as schema
from protocol.limits import DAY_MS, MINUTE_MS
from protocol.units import Rate

_ALL: Final = select(schema.setting.c.key, schema.setting.c.value)
_SET: Final = upsert(schema.setting, key=("key",), update=("value",))
_SEED: Final = upsert(schema.setting, key=("key",))

# Members and neighbours learn of a new rate this long before it counts (docs/pages.md 0.1).
RATE_NOTICE_MS: Final = 7 * DAY_MS
MINUTES_OF_AN_HOUR: Final = 60
CODE_CHARACTERS_MAX: Final = 32  # a code of the protocol, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeSettings:
    """What a scheme is called, counts in and allows. Amounts are minor units of its own unit."""

    name: str
    place: str = ""
    north: int | None = None  # hundredths of a degree, on the kilometre grid
    east: int | None = None
    language: str = "en"
    languages: tuple[str, ...] = ("en",)
    wording: str = "lets"
    unit_kind: str = "hours"  # or decimal
    unit_name: str = ""  # of a decimal unit: "Acorns"; hours have their name from the language
    # What it is called in a language, for each of its plural forms (CLDR): {"pl": {"few": "żołędzie"}}.
    unit_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    unit_symbol: str = "h"
    decimals: int = 0
    minor_per_hour: int = MINUTES_OF_AN_HOUR
    next_minor_per_hour: int | None = None  # announced, and not yet counting
    next_rate_ms: int | None = None  # from when
    rate_since_ms: int = 0
    credit_limit: int = 600  # how far below zero a new member may go
    ceiling: int | None = None  # how far above
    owed_ceiling: int | None = None  # the most all neighbours together may be owed, in hours' 3 600 000ths
    headline: str = ""
    about: str = ""
    meeting: str = ""
    help_name: str = ""
    help_phone: str = ""
    help_hours: str = ""
    who_records: Literal["both", "received", "gave"] = (
        "both"  # a trade between members: whoever "received" (at once), "gave" (then a yes), or both
    )
    ask_days: int = 14  # after which a request for payment that nobody answered runs out, within the scheme
    silence_days: int = 0  # after which silence counts as a yes to one (3.11); 0: never
    asks_abroad: bool = False  # whether members here and in other schemes may ask each other to be paid
    organisers_second_step: bool = (
        False  # whether the desk opens only to those who took one when they logged in
    )
    maintenance: bool = False  # nothing new is recorded or changed until an admin ends it
    maintenance_note: str = ""  # what members are told of it besides
    public_events: bool = True  # whether visitors may read events whose hosts let them
    lifts_abroad: bool = True  # whether members of neighbours may ask for lifts whose drivers let them
    # What a successor of whoever runs the node needs to know; never secrets themselves.
    handover_passphrase: str = ""  # where it lies; so below
    handover_sheet: str = ""
    handover_people: str = ""
    handover_notes: str = ""
    token_worth: int = 0  # minor units; 0: the scheme has no tokens
    token_price: int = 0  # of one, in the smallest part of the money
    currency: str = "€"  # the money's sign, as people write it
    helper_checks: tuple[str, ...] = ()  # all of what makes a checked helper; empty for what is usual
    helper_checks_more: tuple[str, ...] = ()  # what may be checked besides
    agreement: str = ""  # what applicants agree to; empty for the pack's own words
    closing_ms: int | None = None  # from when nothing is recorded any more, for the scheme closes (rule 2.4)
    closing_until_ms: int | None = None  # until when members can fetch what is theirs
    closing_why: str = ""
    closing_reminded: int = 0  # how many reminders of it have gone out

    def rate_at(self, now_ms: int) -> Rate:
        """Return what one hour is in minor units at `now_ms`."""
        announced = self.next_minor_per_hour
        if announced is not None and self.next_rate_ms is not None and self.next_rate_ms <= now_ms:
            return Rate(minor_per_hour=announced)
        return Rate(minor_per_hour=self.minor_per_hour)

    def is_closed(self, now_ms: int) -> bool:
        """Tell whether the scheme has closed by `now_ms`. Source: 2.4."""
        return self.closing_ms is not None and self.closing_ms <= now_ms

    def is_paused(self, now_ms: int) -> bool:
        """Tell whether nothing new is recorded at `now_ms`: the node is looked after, or the scheme has closed."""
        return self.maintenance or self.is_closed(now_ms)

    def language_for(self, wanted: str) -> str:
        """Return the language a reader who wants `wanted` is spoken to in: that, or the scheme's own."""
        return wanted if wanted in self.languages else self.language

    @property
    def unit_code(self) -> str:
        """Return the unit as quotes and descriptors name it: `hours`, or letters of its own name."""
        if self.unit_kind == "hours":
            return "hours"
        plain = re.sub(r"[^a-z0-9]+", "-", self.unit_name.lower()).strip("-")[:CODE_CHARACTERS_MAX]
        return plain or "unit"

    @property
    def minor_per_unit(self) -> int:
        """Return how many of the smallest part make one unit."""
        return MINUTES_OF_AN_HOUR if self.unit_kind == "hours" else int(10**self.decimals)


_NAMES: Final = frozenset(each.name for each in fields(SchemeSettings))
# What `change` refuses, because it has a notice period or is fixed with the first entry of the ledger.
_NOT_CHANGED_HERE: Final = frozenset(
    {
        "unit_kind",
        "decimals",
        "minor_per_hour",
        "next_minor_per_hour",
        "next_rate_ms",
        "rate_since_ms",
        "closing_ms",
        "closing_until_ms",
        "closing_why",
        "closing_reminded",
        "silence_days",
    }
)


def read_settings(tx: ReadTx) -> SchemeSettings | None:
    """Return the settings, or None before the first start."""
    stored: dict[str, Any] = {key: json.loads(value) for key, value in tx.all(_ALL) if key in _NAMES}
    if "name" not in stored:
        return None
    stored["languages"] = tuple(stored.get("languages", ("en",)))
    for name in ("helper_checks", "helper_checks_more"):
        stored[name] = tuple(stored.get(name, ()))
    return SchemeSettings(**stored)


class Settings:
    """The settings in memory and in the store."""

    def __init__(self, store: Store, clock: Clock, seed: SchemeSettings):
        self._store: Final = store
        self._clock: Final = clock
        self._now = seed

    @property
    def now(self) -> SchemeSettings:
        """The settings as last committed."""
        return self._now

    def rate(self) -> Rate:
        """Return what one hour is now."""
        return self._now.rate_at(self._clock.now_ms())

    async def load(self) -> SchemeSettings:
        """Store the seed where nothing is stored yet, and take over what is."""
        await self._store.write(self._load)
        return self._now

    def _load(self, tx: Tx) -> None:
        for key, value in asdict(self._now).items():
            tx.run(_SEED, key=key, value=json.dumps(value))
        stored = read_settings(tx)
        assert stored is not None
        tx.on_commit(self._take, stored)

    async def change(self, by: Actor, **changes: Any) -> SchemeSettings:
        """Change settings by name; the rate goes through `announce_rate`, the unit is fixed."""
        by.must_organise()
        if wrong := changes.keys() - _NAMES | changes.keys() & _NOT_CHANGED_HERE:
            raise TypeError(f"not settings to be changed here: {sorted(wrong)}")
        await self._store.write(self._change, by, changes)
        return self._now

    def _change(self, tx: Tx, by: Actor, changes: dict[str, Any]) -> None:
        stored = read_settings(tx)
        assert stored is not None
        after = replace(stored, **changes)
        different = {name: value for name, value in changes.items() if getattr(stored, name) != value}
        for key, value in different.items():
            tx.run(_SET, key=key, value=json.dumps(value))
        if different:
            now_ms = self._clock.now_ms()
            note_act(tx, by, Deed.SETTINGS, now_ms=now_ms, detail=", ".join(sorted(different)))
        tx.on_commit(self._take, after)

    def close_in(self, tx: Tx, at_ms: int | None, until_ms: int | None, why: str) -> SchemeSettings:
        """Unit: note from when the scheme is closed, or that it goes on; return the settings of then. Source: 2.4."""
        stored = read_settings(tx)
        assert stored is not None
        changed: dict[str, Any] = {
            "closing_ms": at_ms, "closing_until_ms": until_ms, "closing_why": why,
            "closing_reminded": 0,
        }  # fmt: skip
        for key, value in changed.items():
            tx.run(_SET, key=key, value=json.dumps(value))
        after = replace(stored, **changed)
        tx.on_commit(self._take, after)
        return after

    def silence_in(self, tx: Tx, days: int) -> None:
        """Unit: let silence count as a yes after so many days, or never with 0. Source: 3.11."""
        stored = read_settings(tx)
        assert stored is not None
        tx.run(_SET, key="silence_days", value=json.dumps(days))
        tx.on_commit(self._take, replace(stored, silence_days=days))

    def reminded_in(self, tx: Tx, reminders: int) -> SchemeSettings | None:
        """Unit: note that so many reminders of the closing have gone out; None if they had, or the scheme goes on."""
        stored = read_settings(tx)
        assert stored is not None
        if stored.closing_ms is None or stored.closing_reminded >= reminders:
            return None
        tx.run(_SET, key="closing_reminded", value=json.dumps(reminders))
        after = replace(stored, closing_reminded=reminders)
        tx.on_commit(self._take, after)
        return after

    async def announce_rate(self, by: Actor, minor_per_hour: int) -> SchemeSettings:
        """Announce what one hour will be, from seven days ahead on."""
        by.must_organise()
        Rate(minor_per_hour=minor_per_hour)
        await self._store.write(self._announce, by, minor_per_hour)
        return self._now

    def _announce(self, tx: Tx, by: Actor, minor_per_hour: int) -> None:
        stored = read_settings(tx)
        assert stored is not None
        now_ms = self._clock.now_ms()
        current = stored.rate_at(now_ms).minor_per_hour
        since = stored.rate_since_ms
        if current != stored.minor_per_hour and stored.next_rate_ms is not None:
            since = stored.next_rate_ms
        # Rounded up to the minute, so that it can be said aloud.
        starts = -(-(now_ms + RATE_NOTICE_MS) // MINUTE_MS) * MINUTE_MS
        changed: dict[str, Any] = {
            "minor_per_hour": current,
            "rate_since_ms": since,
            "next_minor_per_hour": None if minor_per_hour == current else minor_per_hour,
            "next_rate_ms": None if minor_per_hour == current else starts,
        }
        for key, value in changed.items():
            tx.run(_SET, key=key, value=json.dumps(value))
        note_act(tx, by, Deed.RATE, now_ms=now_ms, detail=f"{current} → {minor_per_hour}")
        tx.on_commit(self._take, replace(stored, **changed))

    def _take(self, settings: SchemeSettings) -> None:
        self._now = settings
