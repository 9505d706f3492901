"""Members' pages about listings, people, messages and themselves. Source: docs/pages.md 7.2 and 8.2 to 8.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.days import DayCard
from node.web.views.events import EventRow
from node.web.views.gifts import GiftPart
from node.web.views.lifts import ListingLifts
from node.web.views.page import (
    Empty,
    Fact,
    Link,
    ListingCard,
    Option,
    Pager,
    PictureShown,
    Pill,
    Place,
    Tone,
    View,
)
from node.web.views.requests import AbroadPart
from node.web.views.swaps import SwapRow
from protocol.limits import LISTING_PICTURES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCard:
    """Something only this member can do."""

    title: str  # "Ben asks you for 2 hours"
    text: str
    action: Link
    private: bool = False  # the text stands on pages alone, in no mail that goes round


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceCard:
    """Where the member stands, in words first."""

    amount: str  # "3 hours", without a sign: the sentence says the side
    side: str  # "ahead", "behind", "" at zero
    sentence: str  # "You have given 3 hours more than you received. Time to ask for something?"
    set_aside: str = ""  # "30 minutes are set aside. 2 hours 30 minutes are free."
    last: Link | None = None  # the newest trade: "Plum jam, 4 jars, for Ana: +6.00 Acorns"
    given: str = ""  # "You gave 2 things away and were given 1."; "" for neither


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView(View):
    """GET /home"""

    TEMPLATE: ClassVar[str] = "member/home.html"
    PLACE: ClassVar[Place] = "home"

    greeting: str  # "Good morning, Ana"
    waiting: tuple[WaitingCard, ...]
    balance: BalanceCard
    events: tuple[EventRow, ...] = ()  # that the reader comes to or hosts
    near: tuple[ListingCard, ...]
    from_neighbours: tuple[ListingCard, ...]
    as_of: str = ""  # "Friday 27 November 2026, 14:05", for when it is shown later without a connection


@dataclass(frozen=True, slots=True, kw_only=True)
class FindView(View):
    """GET /find?q&kind&km&category&scheme&page"""

    TEMPLATE: ClassVar[str] = "member/find.html"
    PLACE: ClassVar[Place] = "find"

    query: str
    kind: str  # one of `KINDS`, or "" for all
    km: str
    distances: tuple[Option, ...]  # "any distance", "up to 5 km" …
    category: str
    categories: tuple[Option, ...]
    scheme: str
    schemes: tuple[Option, ...]
    summary: str  # "14 offers and wants for “jam”, nearest first"
    instead: Link | None = None  # words that find much more: “bicycle” for “bicylce”
    cards: tuple[ListingCard, ...]
    pager: Pager | None
    empty: Empty | None
    keeps: tuple[
        tuple[str, str], ...
    ] = ()  # what the form sends that keeps this search; none where there is nothing to keep


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingView(View):
    """GET /l/{id} for a member; `own` is the member's own listing."""

    TEMPLATE: ClassVar[str] = "member/listing.html"
    PLACE: ClassVar[Place] = "find"

    card: ListingCard
    price_note: str  # how their price became mine, in words; "" for our own scheme
    paragraphs: tuple[str, ...]
    facts: tuple[Fact, ...]  # place, days, expires, language
    owner_href: str  # "" for people of other schemes
    owner_helper: str = ""  # "Checked helper until May 2027"
    own: bool
    state: Pill | None  # for the owner: "Listed until 4 November"
    message_href: str  # "" when not possible
    report_href: str = ""
    record_href: str  # "" when not possible
    cannot_record: str  # why there is no button to record, and what to do; "" when there is one
    pictures: tuple[PictureShown, ...] = ()
    swap_href: str = ""  # where something is offered for it; "" where it cannot be swapped
    phone: str = ""  # shown only where the owner allows it
    when_href: str = ""  # where it is seen when it is free; "" for what is not lent or let here
    owners_href: str = ""  # for who owns it: where it is said whose it is
    edit_href: str = ""
    hide_action: str = ""
    keep_action: str = ""
    show_action: str = ""
    withdraw_action: str = ""
    lifts: ListingLifts | None = None  # of a listing of lifts: those on a day
    gift: GiftPart | None = None  # of what is given away
    abroad: AbroadPart | None = None  # of what is asked for in another scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class PostWhatView(View):
    """GET and POST /post (step 1 of 3). Fields: kind, title, text, words_1 to words_4 of pictures, and a new `picture` with `words`."""

    TEMPLATE: ClassVar[str] = "member/post_what.html"
    PLACE: ClassVar[Place] = "find"

    form: Filled = EMPTY
    hidden: tuple[tuple[str, str], ...] = ()
    pictures: tuple[PictureShown, ...] = ()  # sent so far, in their order
    pictures_max: int = LISTING_PICTURES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class PostPriceView(View):
    """Step 2. Fields: price_kind (amount, free, agree), price, per, extra, category, place, share.

    Of what is lent or let also: step, longest, deposit, approval, guests.
    """

    TEMPLATE: ClassVar[str] = "member/post_price.html"
    PLACE: ClassVar[Place] = "find"

    form: Filled = EMPTY
    hidden: tuple[tuple[str, str], ...] = ()
    unit_name: str  # "hours", "Acorns"
    amount_hint: str  # "For example 2, 1:30 or 90 min"
    hour_hint: str  # "One hour of ordinary work is 12 Acorns here."; "" in hours
    categories: tuple[Option, ...]
    has_place: bool = True  # whether the scheme knows where the member lives
    kind: str = "offer"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostPreviewView(View):
    """Step 3: exactly what others will see."""

    TEMPLATE: ClassVar[str] = "member/post_preview.html"
    PLACE: ClassVar[Place] = "find"

    card: ListingCard
    paragraphs: tuple[str, ...]
    facts: tuple[Fact, ...]
    pictures: tuple[PictureShown, ...] = ()
    shown_to: str  # "Oakvale and 3 neighbouring schemes"
    until: str  # "4 November 2026"
    hidden: tuple[tuple[str, str], ...]
    once: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MyListing:
    href: str
    title: str
    kind: str  # one of `KINDS`
    price: str
    state: Pill  # "Listed until 4 November 2026", "Expires in 5 days", "Hidden"
    edit_href: str
    keep_action: str  # "" when there is nothing to keep
    hide_action: str  # "" when it is hidden
    show_action: str  # "" when it is shown
    withdraw_action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MyListingsView(View):
    """GET /my/listings"""

    TEMPLATE: ClassVar[str] = "member/my_listings.html"
    PLACE: ClassVar[Place] = "me"

    listings: tuple[MyListing, ...]
    too: tuple[Link, ...] = ()  # things of others that the reader owns too
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonCard:
    """One person in a list."""

    href: str
    name: str
    number: str  # "0123"
    place: str
    badge: str = ""
    helper: str = ""  # "Checked helper until May 2027"
    text: str = ""  # "Offers: bread, bike repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleView(View):
    """GET /people?q&km&can&page"""

    TEMPLATE: ClassVar[str] = "member/people.html"
    PLACE: ClassVar[Place] = "find"

    query: str
    km: str = ""
    distances: tuple[Option, ...] = ()
    can: str = ""
    checked: bool | None = None  # only checked helpers; None where there are none
    skills: tuple[Option, ...] = ()  # groups of what people can do
    summary: str
    people: tuple[PersonCard, ...]
    pager: Pager | None
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView(View):
    """GET /people/{n}"""

    TEMPLATE: ClassVar[str] = "member/person.html"
    PLACE: ClassVar[Place] = "find"

    name: str
    number: str
    place: str
    badge: str
    helper: str = ""  # "Checked helper until May 2027"; "" for others
    portrait: PictureShown | None = None
    about: tuple[str, ...]
    facts: tuple[Fact, ...]  # member since, last active, balance where the scheme shows it
    skills: tuple[str, ...] = ()
    contacts: tuple[Fact, ...] = ()  # those the reader may see
    offers: tuple[ListingCard, ...]
    wants: tuple[ListingCard, ...]
    thanks: tuple[Fact, ...] = ()  # notes that both sides want to be read: from whom, and what
    between_us: tuple[Link, ...]  # trades: "Bike repair, 2 hours, 4 Mar 2026"
    message_href: str
    record_href: str
    is_me: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadRow:
    href: str
    name: str
    badge: str
    about: str  # the listing's title; "" when about none
    snippet: str
    when: str
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesView(View):
    """GET /messages"""

    TEMPLATE: ClassVar[str] = "member/messages.html"
    PLACE: ClassVar[Place] = "messages"

    threads: tuple[ThreadRow, ...]
    pager: Pager | None
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageItem:
    mine: bool
    author: str
    paragraphs: tuple[str, ...]
    when: str
    state: str = ""  # "on its way", "delivered 14:05"
    language: str = ""
    link: Link | None = None  # to the request it carries


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadView(View):
    """GET and POST /messages/{n}. Field: text; starters fill it by link."""

    TEMPLATE: ClassVar[str] = "member/thread.html"
    PLACE: ClassVar[Place] = "messages"

    name: str
    badge: str
    person_href: str
    about: ListingCard | None
    messages: tuple[MessageItem, ...]
    older_href: str
    starters: tuple[Link, ...]  # sentences to begin with, for the first message
    lines: tuple[Link, ...] = ()  # to be reached by, to put into a message to another scheme
    form: Filled = EMPTY
    once: str
    action: str
    record_href: str
    ask_href: str = ""
    days: tuple[DayCard, ...] = ()
    swaps: tuple[SwapRow, ...] = ()
    day_href: str = ""  # "" where there is nobody to agree a day with
    report_href: str = ""
    block_action: str = ""  # "" before the other side wrote
    blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeView(View):
    """GET /my"""

    TEMPLATE: ClassVar[str] = "member/me.html"
    PLACE: ClassVar[Place] = "me"

    name: str
    number: str
    facts: tuple[Fact, ...]
    balance: BalanceCard
    limits: str  # "You can go 10 hours below zero and 40 hours above."
    person_href: str  # how others see me


@dataclass(frozen=True, slots=True, kw_only=True)
class MyDataView(View):
    """GET /my/data: what is held about the reader, and who else saw it."""

    TEMPLATE: ClassVar[str] = "member/data.html"
    PLACE: ClassVar[Place] = "me"

    facts: tuple[Fact, ...]
    held: tuple[Fact, ...]  # what, and how many of it
    seen: tuple[str, ...]  # a sentence for each who saw something
    acts: tuple[Fact, ...]  # what organisers did, by day
    download_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsView(View):
    """GET /my/settings; each form posts by itself.

    Fields: name, place, phone, about · language · old_pin, pin, pin_again.
    """

    TEMPLATE: ClassVar[str] = "member/settings.html"
    PLACE: ClassVar[Place] = "me"

    profile_form: Filled
    mail_form: Filled
    pin_form: Filled = EMPTY
    has_pin: bool
    email: str
    languages: tuple[Option, ...]
    language: str
    passkeys: bool = False  # whether browsers make passkeys at the scheme's address
    logins: int  # in how many browsers I am logged in
    offers_step: bool = False  # whether a second step of logging in is for this member


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """An entry of a short menu, in words."""

    text: str
    hint: str
    href: str
    tone: Tone = "plain"
