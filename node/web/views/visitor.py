"""Pages for people who are not signed in. Source: docs/pages.md 7.1, 8.1 and 8.13."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from node.web.forms import EMPTY, Filled
from node.web.views.page import Empty, Fact, Link, ListingCard, Option, Pager, PictureShown, View


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontView(View):
    """GET /"""

    TEMPLATE: ClassVar[str] = "visitor/front.html"

    headline: str  # "Neighbours in Oakvale help each other"
    sentences: tuple[str, ...]  # what the scheme is
    meeting: str  # "Saturday 7 March 2026, 10:30, village hall"; "" when none is set
    event: Link | None = None  # the next one that visitors may read
    facts: tuple[Fact, ...]  # members, schemes we trade with, opening hours
    listings: tuple[ListingCard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineView(View):
    """GET /offline: what a telephone keeps, to show where there is no connection."""

    TEMPLATE: ClassVar[str] = "visitor/offline.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookView(View):
    """GET /look: public offers and wants."""

    TEMPLATE: ClassVar[str] = "visitor/look.html"

    query: str
    kind: str  # one of `KINDS`, or "" for all
    category: str
    categories: tuple[Option, ...]  # the first with value "" for all
    summary: str  # "23 offers and wants"
    cards: tuple[ListingCard, ...]
    pager: Pager | None
    empty: Empty | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicListingView(View):
    """GET /l/{id} for a visitor: no names, no contact."""

    TEMPLATE: ClassVar[str] = "visitor/listing.html"

    card: ListingCard
    paragraphs: tuple[str, ...]
    facts: tuple[Fact, ...]
    pictures: tuple[PictureShown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HowView(View):
    """GET /how"""

    TEMPLATE: ClassVar[str] = "visitor/how.html"

    hour: str  # what one hour is here: "1 hour", "12 Acorns"
    furthest: str  # how far a new member may go below zero: "10 hours"
    neighbours: tuple[str, ...]  # names of schemes we trade with
    fees: tuple[Fact, ...] = ()  # what each member gives to the community chest


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPlaceView(View):
    """GET and POST /join (step 1). Fields: place."""

    TEMPLATE: ClassVar[str] = "visitor/join_place.html"

    form: Filled = EMPTY
    places: tuple[str, ...]  # known places, offered while typing
    others: tuple[Link, ...]  # other schemes nearby, with the distance in the text


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPersonView(View):
    """Step 2. Fields: name, reach (email, phone or letter), email, phone, address."""

    TEMPLATE: ClassVar[str] = "visitor/join_person.html"

    form: Filled = EMPTY
    hidden: tuple[tuple[str, str], ...] = ()  # what earlier steps asked


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinOfferView(View):
    """Step 3. Fields: offer, want."""

    TEMPLATE: ClassVar[str] = "visitor/join_offer.html"

    form: Filled = EMPTY
    hidden: tuple[tuple[str, str], ...] = ()
    offer_examples: tuple[str, ...]
    want_examples: tuple[str, ...]
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAgreeView(View):
    """Step 4. Fields: agree (a tick)."""

    TEMPLATE: ClassVar[str] = "visitor/join_agree.html"

    form: Filled = EMPTY
    hidden: tuple[tuple[str, str], ...] = ()
    agreement: tuple[str, ...]  # about eight lines
    answers: tuple[Fact, ...]  # what was typed, to look over


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinSentView(View):
    """The application is with the organisers."""

    TEMPLATE: ClassVar[str] = "visitor/join_sent.html"

    name: str
    confirm_mail: str  # the address a mail went to; "" when none did


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginView(View):
    """GET /login, both ways. Fields: email — or number and pin; own_computer (a tick)."""

    TEMPLATE: ClassVar[str] = "visitor/login.html"

    mail_form: Filled = EMPTY
    pin_form: Filled = EMPTY
    passkey_form: Filled = EMPTY
    mail_works: bool = True
    passkeys: bool = False  # whether browsers make passkeys at the scheme's address
    after: str = ""  # where to go afterwards


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginCodeView(View):
    """The page that waits for the code while the mail is on its way. Field: code."""

    TEMPLATE: ClassVar[str] = "visitor/login_code.html"

    form: Filled = EMPTY
    email: str
    minutes: int  # how long the code is good for
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLinkView(View):
    """Behind the link of the mail or of the organiser: a button, because mail scanners follow links."""

    TEMPLATE: ClassVar[str] = "visitor/login_link.html"

    name: str  # "" when the page must not say
    action: str  # where the button posts to


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpView(View):
    """GET /help; whom to ring is in the page's Site."""

    TEMPLATE: ClassVar[str] = "visitor/help.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutView(View):
    """GET /about: the software."""

    TEMPLATE: ClassVar[str] = "visitor/about.html"

    release: str  # "0.1.0"; "" when it runs from its source folder
    source_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyView(View):
    """GET /privacy"""

    TEMPLATE: ClassVar[str] = "visitor/privacy.html"

    dated: str
    neighbours: tuple[str, ...]
