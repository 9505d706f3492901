"""From values of the services to the words of members' pages: balances, trades, listings, distances, moments.

Nothing is read here and nothing decided: pages bring the values, the views get the words. Machinery has no
word here. Source: docs/pages.md 0.1 to 0.6, 0.11, 3, 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import Final

from node.services.members import Member
from node.services.trades import Trade
from node.web import amounts, dates
from node.web.amounts import Unit
from node.web.views.member import BalanceCard
from node.web.views.page import Pill
from node.web.views.trade import Sides
from node.web.words import Words
from protocol.ledger import Account
from protocol.limits import QUOTE_VALID_MS
from protocol.market import Place
from protocol.names import SchemeId
from protocol.references import Reference, reference_of
from protocol.units import Rate, local_of

# A degree of latitude, in kilometres; of longitude at the equator.
_KM_OF_DEGREE: Final = 111.2
# Less than this is near: places are known to the kilometre.
NEAR_KM: Final = 2
# Not heard of for so long, a listing of another scheme may be gone. Source: docs/pages.md 8.11.
STALE_AFTER_MS: Final = 2 * dates.DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherScheme:
    """Another scheme as its feed presents it."""

    scheme: SchemeId
    name: str
    unit: Unit
    minor_per_hour: int | None  # None: its rate is not known now
    rate_since_ms: int = 0  # from when that rate counts
    place: Place | None = None
    heard_ms: int = 0  # when its feed was last refreshed here


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How one page speaks to its reader: language and pack, the scheme's unit, its time zone, the moment."""

    words: Words
    unit: Unit
    zone: tzinfo
    now_ms: int
    scheme: str  # the own scheme's name

    @property
    def language(self) -> str:
        """The language of the words."""
        return self.words.language

    def short(self, minor: int, unit: Unit | None = None, *, signed: bool = False) -> str:
        """Return an amount for lists; in the own unit unless another is given."""
        return amounts.short(minor, unit or self.unit, self.language, signed=signed)

    def spoken(self, minor: int, unit: Unit | None = None) -> str:
        """Return an amount for sentences, without its sign."""
        return amounts.spoken(minor, unit or self.unit, self.language)

    def unit_name(self, unit: Unit | None = None) -> str:
        """Return what the unit is called when many are meant."""
        which = unit or self.unit
        if which.kind == "hours":
            return self.words.gettext("hours")
        return amounts.unit_name(2 * which.minor_per_unit, which, self.language)

    def amount_hint(self, unit: Unit | None = None) -> str:
        """Return examples of what may be typed as an amount."""
        if (unit or self.unit).kind == "hours":
            return self.words.gettext("For example 2, 1:30 or 90 min")
        return self.words.gettext("For example 6 or 2.50")

    # --- moments --------------------------------------------------------------------------------------------

    def day(self, moment_ms: int) -> str:
        """Return "4 Mar 2026"."""
        return dates.short_day(dates.local(moment_ms, self.zone).date(), self.words)

    def long_day(self, moment_ms: int) -> str:
        """Return "Saturday 4 March 2026"."""
        return dates.long_day(dates.local(moment_ms, self.zone).date(), self.words)

    def clock(self, moment_ms: int) -> str:
        """Return "14:05"."""
        return dates.clock(dates.local(moment_ms, self.zone), self.words)

    def since(self, moment_ms: int) -> str:
        """Return "14:05" for a moment of today, else with its day."""
        if dates.local(moment_ms, self.zone).date() == dates.local(self.now_ms, self.zone).date():
            return self.clock(moment_ms)
        return self.words.gettext("%(day)s, %(time)s") % {
            "day": self.day(moment_ms),
            "time": self.clock(moment_ms),
        }

    def moment(self, moment_ms: int) -> str:
        """Return "Saturday 28 February 2026, 10:12"."""
        return self.words.gettext("%(day)s, %(time)s") % {
            "day": self.long_day(moment_ms),
            "time": self.clock(moment_ms),
        }

    def lately(self, moment_ms: int) -> str:
        """Return "today, 9:40", "yesterday, 9:40" or "4 Mar 2026"."""
        day = dates.local(moment_ms, self.zone).date()
        today = dates.local(self.now_ms, self.zone).date()
        if day == today:
            return self.words.gettext("today, %(time)s") % {"time": self.clock(moment_ms)}
        if day == today - timedelta(days=1):
            return self.words.gettext("yesterday, %(time)s") % {"time": self.clock(moment_ms)}
        return self.day(moment_ms)

    def lately_day(self, moment_ms: int) -> str:
        """Return "today", "yesterday" or "4 Mar 2026": no finer than others need to know."""
        day = dates.local(moment_ms, self.zone).date()
        today = dates.local(self.now_ms, self.zone).date()
        if day == today:
            return self.words.gettext("today")
        if day == today - timedelta(days=1):
            return self.words.gettext("yesterday")
        return self.day(moment_ms)

    def month(self, moment_ms: int) -> str:
        """Return "Mar 2026"."""
        return dates.month(dates.local(moment_ms, self.zone).date(), self.words)

    def seen(self, heard_ms: int) -> str:
        """Return how fresh a neighbour's word is: "seen 3 hours ago"."""
        return self.words.gettext("seen %(ago)s") % {"ago": dates.ago(heard_ms, self.now_ms, self.words)}


def reference(trade: Trade) -> Reference:
    """Return the nine letters of a trade."""
    return reference_of(trade.reference.to_bytes(5, "big"))


def first_name(name: str) -> str:
    """Return how somebody is called in a sentence."""
    return name.split(maxsplit=1)[0] if name.split() else name


def paragraphs_of(text: str) -> tuple[str, ...]:
    """Return the paragraphs of what somebody wrote."""
    return tuple(line.strip() for line in text.split("\n") if line.strip())


# --- Distances ----------------------------------------------------------------------------------------------


def km_between(one: Place, other: Place) -> int:
    """Return the distance of two places of the kilometre grid, in whole kilometres."""
    north = (one.north - other.north) / 100
    east = (one.east - other.east + 18_000) % 36_000 - 18_000
    across = east / 100 * math.cos(math.radians((one.north + other.north) / 200))
    return round(math.hypot(north, across) * _KM_OF_DEGREE)


def distance(km: int | None, voice: Voice) -> str:
    """Return "near you" or "about 7 km"; nothing where a place is not known."""
    if km is None:
        return ""
    if km < NEAR_KM:
        return voice.words.gettext("near you")
    return voice.words.gettext("about %(km)d km") % {"km": km}


# --- Balances -----------------------------------------------------------------------------------------------


def balance_card(account: Account, voice: Voice) -> BalanceCard:
    """Return where a member stands, in words. Source: docs/pages.md 9."""
    words, size = voice.words, voice.spoken(account.balance)
    if account.balance > 0:
        side = words.gettext("ahead")
        sentence = words.gettext(
            "You have given %(amount)s more than you received. Time to ask for something?"
        ) % {"amount": size}
    elif account.balance < 0:
        side = words.gettext("behind")
        sentence = words.gettext(
            "You have received %(amount)s more than you gave. That is fine; someone may need what you offer."
        ) % {"amount": size}
    else:
        size, side = "", ""
        sentence = words.gettext("You have given as much as you received.")
    return BalanceCard(amount=size, side=side, sentence=sentence, set_aside=_set_aside(account, voice))


def _set_aside(account: Account, voice: Voice) -> str:
    if not account.held:
        return ""
    free = account.balance - account.held
    if free < 0:
        return voice.words.gettext(
            "%(amount)s of yours are set aside, for trades under way or as deposits."
        ) % {"amount": voice.spoken(account.held)}
    return voice.words.gettext("%(amount)s are set aside. %(free)s are free.") % {
        "amount": voice.spoken(account.held),
        "free": voice.spoken(free),
    }


def balance_words(minor: int, voice: Voice) -> str:
    """Return "2 hours 30 minutes ahead"."""
    if minor == 0:
        return voice.words.gettext("neither ahead nor behind")
    said = {"amount": voice.spoken(minor)}
    if minor > 0:
        return voice.words.gettext("%(amount)s ahead") % said
    return voice.words.gettext("%(amount)s behind") % said


def has_now(minor: int, voice: Voice) -> str:
    """Return what a member has now, as a sentence."""
    said = {"amount": voice.spoken(minor)}
    if minor < 0:
        return voice.words.gettext("You are %(amount)s behind now.") % said
    return voice.words.gettext("You have %(amount)s now.") % said


def before_and_after(now: int, after: int, voice: Voice) -> str:
    """Return what a trade would do to the balance, without a minus sign. Source: docs/pages.md 0.3, 0.11."""
    said = {"now": voice.spoken(now), "after": voice.spoken(after)}
    if now >= 0 and after >= 0:
        return voice.words.gettext("You have %(now)s now, %(after)s afterwards.") % said
    if now >= 0:
        return voice.words.gettext("You have %(now)s now and are %(after)s behind afterwards.") % said
    if after >= 0:
        return voice.words.gettext("You are %(now)s behind now and have %(after)s afterwards.") % said
    return voice.words.gettext("You are %(now)s behind now, %(after)s behind afterwards.") % said


def limits_words(account: Account, voice: Voice) -> str:
    """Return how far a member may go both ways."""
    said = {"below": voice.spoken(account.credit_limit), "above": voice.spoken(account.ceiling or 0)}
    if account.ceiling is None:
        return voice.words.gettext("You can go %(below)s below zero.") % said
    return voice.words.gettext("You can go %(below)s below zero and %(above)s above.") % said


# --- Trades -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who the other side of a trade is."""

    name: str
    badge: str = ""  # the other scheme's name
    href: str = ""


def name_of(member: Member, words: Words) -> str:
    """Return what somebody is called; a former member whose name was erased has a number left. Source: docs/pages.md 8.10."""
    return member.name or words.gettext("Former member %(number)s") % {"number": member.number}


def party_of(
    trade: Trade, my_account: int, members: Mapping[int, Member], schemes: Mapping[SchemeId, OtherScheme], voice: Voice
) -> Party:  # fmt: skip
    """Return the other side of a trade, as its reader may know them."""
    if trade.other_scheme is not None:
        other = schemes.get(trade.other_scheme)
        badge = other.name if other is not None else voice.words.gettext("another scheme")
        return Party(name=trade.other_name or voice.words.gettext("somebody"), badge=badge)
    other_no = trade.payee_no if trade.payer_no == my_account else trade.payer_no
    member = None if other_no is None else members.get(other_no)
    if member is None:
        return Party(name=trade.group_name or voice.scheme)
    href = "" if member.is_erased else f"/people/{member.number}"
    return Party(name=name_of(member, voice.words), href=href)


def trade_sentence(trade: Trade, my_account: int, party: Party, voice: Voice) -> str:
    """Return what happened between people: "Plum jam, 4 jars, from Karim Haddad"."""
    said = {"what": trade.text or voice.words.gettext("A trade"), "name": party.name}
    if trade.payer_no == my_account:
        return voice.words.gettext("%(what)s, from %(name)s") % said
    return voice.words.gettext("%(what)s, for %(name)s") % said


def trade_sides(
    trade: Trade, my_account: int, party: Party, other: OtherScheme | None, voice: Voice
) -> Sides:
    """Return both amounts of a trade, the reader's first."""
    words, said = voice.words, {"amount": voice.spoken(trade.amount)}
    if trade.state == "undone":
        mine = words.gettext("You would have given %(amount)s.") % said
    elif trade.state == "set-aside":
        mine = words.gettext("You give %(amount)s.") % said
    elif trade.payer_no == my_account:
        mine = words.gettext("You gave %(amount)s.") % said
    else:
        mine = words.gettext("You got %(amount)s.") % said
    return Sides(
        sentence=trade_sentence(trade, my_account, party, voice),
        mine=mine,
        theirs=_theirs(trade, party, other, voice),
        reference=reference(trade),
        badge=party.badge,
    )


def amount_there(trade: Trade, other: OtherScheme | None) -> int | None:
    """Return the other side's amount in its own unit, or None where it is not known for certain.

    What we pay is in the quote. Of what pays us only the time is; the payer gives what that is at the rate its
    scheme published, unless that rate is younger than the quote can be. Source: docs/protocol.md 7.1.
    """
    if other is None:
        return None
    if trade.other_amount is not None:
        return trade.other_amount
    if trade.hours is None or other.minor_per_hour is None:
        return None
    if trade.created_ms - QUOTE_VALID_MS < other.rate_since_ms:
        return None
    return local_of(trade.hours, Rate(minor_per_hour=other.minor_per_hour))


def _theirs(trade: Trade, party: Party, other: OtherScheme | None, voice: Voice) -> str:
    amount = amount_there(trade, other)
    if amount is None or other is None:
        return ""
    said = {"name": party.name, "amount": voice.spoken(amount, other.unit)}
    if trade.kind == "in":
        return voice.words.gettext("%(name)s gave %(amount)s.") % said
    match trade.state:
        case "undone":
            return voice.words.gettext("%(name)s would have got %(amount)s.") % said
        case "set-aside":
            return voice.words.gettext("%(name)s gets %(amount)s.") % said
        case _:
            return voice.words.gettext("%(name)s got %(amount)s.") % said


def trade_pill(trade: Trade, voice: Voice, *, arriving: bool = False) -> Pill:
    """Return the state of a trade in a word or two."""
    words = voice.words
    if arriving:
        return Pill(text=words.gettext("Arriving"), tone="wait")
    match trade.state:
        case "set-aside" if trade.late:
            return Pill(text=words.gettext("Late"), tone="wait")
        case "set-aside":
            return Pill(text=words.gettext("Set aside"), tone="wait")
        case "undone":
            return Pill(text=words.gettext("Undone"), tone="stop")
        case "corrected":
            return Pill(text=words.gettext("Corrected"), tone="plain")
        case _:
            return Pill(text=words.gettext("Done"), tone="good")


def refusal_words(reason: str | None, scheme: str, voice: Voice) -> str:
    """Return why a trade with another scheme did not come about; whose limit it was is never said.

    Source: docs/pages.md 0.6.
    """
    said = {"scheme": scheme}
    match reason:
        case "gone":
            return voice.words.gettext("This is no longer listed in %(scheme)s.") % said
        case "price-changed":
            return voice.words.gettext("The price changed in %(scheme)s.") % said
        case "freed":
            return voice.words.gettext("%(scheme)s did not answer. Two organisers freed it.") % said
        case "freed-paid":
            return (
                voice.words.gettext("%(scheme)s answered after it was freed. The community chest paid it.")
                % said
            )
        case "no-way":
            return voice.words.gettext("We cannot reach %(scheme)s just now.") % said
        case _:
            return voice.words.gettext("%(scheme)s could not take it now.") % said


def in_fours(code: str) -> str:
    """Return letters and digits as people read them out: in fours."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))
