"""What every page shows around its own matter, and the base of all views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from node.services.acts import Role
from node.web.roles import leads_somewhere, may
from node.web.words import Words

# Where a page belongs in the bar of five entries; "" for none.
Place = Literal["", "home", "find", "record", "messages", "me"]
# Who writes down a trade between members of the scheme.
WhoRecords = Literal["both", "received", "gave"]
# The desk's pages, for the organisers' menu.
Desk = Literal[
    "",
    "dashboard",
    "applications",
    "members",
    "entry",
    "letters",
    "help",
    "figures",
    "chest",
    "neighbours",
    "outbox",
    "scheme",
]
Tone = Literal["good", "wait", "stop", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The scheme this node serves, as its pages name it. Made once, when the node starts or is changed."""

    name: str  # "Oakvale"
    help_name: str  # "Rosa"
    help_phone: str  # "01632 960 123", as people write it; "" when there is none
    help_hours: str  # "Tuesday 10 to 12"; "" when unsaid
    who_records: WhoRecords = "both"  # between its members: whoever received, whoever gave, or both
    maintenance: bool = False  # nothing can be recorded or changed just now
    maintenance_note: str = ""
    languages: tuple[Option, ...] = ()  # each in its own words; empty where there is but one

    @property
    def help_phone_href(self) -> str:
        return "tel:" + "".join(sign for sign in self.help_phone if sign.isdigit() or sign == "+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who is signed in."""

    name: str
    organiser: bool = False
    unread: int = 0  # messages not read yet
    acting: str = ""  # for whom an organiser acts: "Maud Ellis (0123)"
    role: Role = Role.MEMBER

    def uses(self, href: str) -> bool:
        """Tell whether a page of the desk is open to them; of those with a part there, by what roles.py lists."""
        return leads_somewhere(self.role, href)

    def may(self, method: str, href: str) -> bool:
        """Tell whether a form or link of a desk page is of use to them; templates of the desk ask it by themselves."""
        return may(self.role, method, href)

    @property
    def only_reads(self) -> bool:
        """Whether no form they send is taken."""
        return self.role is Role.AUDITOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What every page needs to know about this request."""

    site: Site
    words: Words
    form_token: str  # from security.form_token
    path: str  # where this page is, to come back to after "Bigger text"
    viewer: Viewer | None = None
    text_size: Literal[1, 2, 3] = 1
    notice: str = ""  # what just happened: "Saved."
    owner: str = ""  # whose pages this browser may keep, as `installable.owner_mark`; "" for nobody's
    closing: str = ""  # that the scheme closes, or has closed, and when
    bare: bool = False  # there are no other pages to lead to
    live: str = ""  # what the page is told changes of, and how that stood: `live_marks.py`; "" for nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One page's own matter; its class names the template and the place in the menus."""

    TEMPLATE: ClassVar[str]
    PLACE: ClassVar[Place] = ""
    DESK: ClassVar[Desk] = ""
    CHANGES_WHOLE: ClassVar[bool] = (
        False  # an open page that is told of a change shows all of its matter anew
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    text: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One answer among several of a form field."""

    value: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A line of "label: text" on a details list."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pill:
    """A state in a word or two; its colour only repeats what the words say."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """Where the list goes on; an empty address means there is no such page."""

    text: str  # "21 to 40 of 63"
    previous_href: str = ""
    next_href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """What a list without rows says, with one thing to do next."""

    text: str
    action: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureShown:
    """A picture on a page: where it is, its sides in dots, and words for those who do not see it."""

    src: str
    width: int
    height: int
    words: str  # "" where its sender said nothing
    full: str = ""  # where it is larger


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingCard:
    """One offer or want in a list."""

    href: str
    kind: str  # one of `KINDS`
    title: str
    price: str  # in the reader's unit: "1 h 30", "about 30 min", "free", "to agree"
    price_theirs: str = ""  # "6.00 Acorns" where the price was made in another unit
    place: str = ""  # "near you", "about 3 km"
    category: str = ""
    owner: str = ""  # "" for visitors
    badge: str = ""  # the other scheme's name; "" for our own
    seen: str = ""  # "seen 3 hours ago"; "" for our own
    language: str = ""  # of the title, where it differs from the page's
    note: str = ""  # "May be gone. Ask first."
    picture: PictureShown | None = None  # small, the first of it


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView(View):
    """Something went wrong: what, whether anything moved, what to do. Source: docs/pages.md 4."""

    TEMPLATE: ClassVar[str] = "error.html"

    title: str  # "This page does not exist"
    what: tuple[str, ...]
    moved: str  # "Nothing moved."; "" where nothing could have
    todo: str
    action: Link
    reference: str = ""  # to read out on the phone
