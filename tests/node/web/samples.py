"""Believable views of every page: Oakvale counts in hours, Hilltop in Hills, Riverside in Acorns.

`PAGES` names each; the gallery draws them and the tests look at all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from node.web.forms import Filled
from node.web.qr import picture_of
from node.web.views.admin import (
    ApplicationCard,
    ApplicationsView,
    AskedCard,
    DashboardView,
    Gauge,
    GoOn,
    LetterView,
    MailRow,
    MemberAddView,
    MemberRow,
    MembersView,
    MemberView,
    MissingRow,
    NeighbourAddView,
    NeighbourCard,
    NeighbourProposeView,
    NeighboursView,
    NeighbourTrade,
    NeighbourView,
    OutboxView,
    RecoveredRow,
    RecoveredView,
    SchemeView,
    StuckCard,
    TogetherView,
)
from node.web.views.closing import ClosedYearView, SumTable
from node.web.views.codes import CodeView, MakeCodeView, PayLinkView, ScanView
from node.web.views.complaints import ComplaintRow, ComplaintsView, ComplaintView, SaidView
from node.web.views.evidence import EvidenceListView, EvidenceRow, EvidenceView
from node.web.views.languages import LanguagesView, UnitInLanguage, UnitName
from node.web.views.lifts import ListingLifts
from node.web.views.member import (
    BalanceCard,
    FindView,
    HomeView,
    ListingView,
    MessageItem,
    MessagesView,
    MeView,
    MyDataView,
    MyListing,
    MyListingsView,
    PeopleView,
    PersonCard,
    PersonView,
    PostPreviewView,
    PostPriceView,
    PostWhatView,
    SettingsView,
    ThreadRow,
    ThreadView,
    Tile,
    WaitingCard,
)
from node.web.views.page import (
    Empty,
    ErrorView,
    Fact,
    Link,
    ListingCard,
    Option,
    Page,
    Pager,
    PictureShown,
    Pill,
    Site,
    View,
    Viewer,
)
from node.web.views.papers import MemberStatement, StatementsView
from node.web.views.receipts import ReceiptView, Result, SchemeShown, VerifyView
from node.web.views.trade import (
    AskCheckView,
    AskRow,
    AsksView,
    AskView,
    DoneView,
    LateView,
    PastLine,
    RecordCheckView,
    RecordStoppedView,
    RecordWhatView,
    RecordWhoView,
    SetAsideView,
    SeveralCheckView,
    SeveralDoneView,
    Sides,
    StatementLine,
    StatementView,
    ThankView,
    TradeView,
    UndoneView,
    WrongView,
)
from node.web.views.visitor import (
    AboutView,
    FrontView,
    HelpView,
    HowView,
    JoinAgreeView,
    JoinOfferView,
    JoinPersonView,
    JoinPlaceView,
    JoinSentView,
    LoginCodeView,
    LoginLinkView,
    LoginView,
    LookView,
    OfflineView,
    PrivacyView,
    PublicListingView,
)
from node.web.words import words_for
from tests.node.web import (
    day_samples,
    gift_samples,
    samples_care,
    samples_decisions,
    samples_events,
    samples_groups,
    samples_of_bookings,
    samples_of_lifts,
    samples_of_set_up,
    samples_of_signing_in,
    samples_of_swaps,
    samples_of_things,
)
from tests.node.web.samples_alerts import ALERTS, ALERTS_VISITORS
from tests.node.web.samples_desk import desk_views
from tests.node.web.samples_find import FIND, FIND_DESK
from tests.node.web.samples_money import IMPORTS, MONEY
from tests.node.web.samples_of_chest import DESK, MINE
from tests.node.web.samples_of_gone import CLOSING, gone_pages
from tests.node.web.samples_of_group_accounts import DESK as ACCOUNTS_DESK
from tests.node.web.samples_of_group_accounts import MINE as ACCOUNTS
from tests.node.web.samples_of_node import PAGES_OF_NODE
from tests.node.web.samples_of_papers import PAPERS
from tests.node.web.samples_of_pictures import DRAWN

SITE: Final = Site(
    name="Oakvale",
    help_name="Rosa",
    help_phone="01632 960 123",
    help_hours="Tuesday 10 to 12",
)
SIX: Final = ("brief", "any", "civil", "spend", "nut", "salad")
WHOLE: Final = Result(
    state=Pill(text="Whole", tone="good"), title="This receipt is whole",
    sentences=("Nothing in it was changed. Whose word it is stands below: compare the six words.", "Oakvale and Riverside signed the same terms.", "Riverside confirmed that it was paid by Oakvale.", "The book it stands in was checked by Hilltop, last on Saturday 28 February 2026, 10:14."),
    facts=(Fact(label="Gave", text="Somebody of Oakvale: 30 minutes"), Fact(label="Got", text="Karim, Riverside"), Fact(label="What for", text="Plum jam, 4 jars"), Fact(label="Written", text="Saturday 28 February 2026, 10:12"), Fact(label="Reference", text="K7F-3QM-92X"), Fact(label="Number in the book", text="1207")),
    schemes=(
        SchemeShown(part="Written by", name="Oakvale", words=SIX, known="This is us."),
        SchemeShown(part="The other scheme", name="Riverside", words=("earth", "mobile", "mass", "baby", "taxi", "museum"), known="Careful: we know a scheme called Riverside, and this is not it.", warns=True),
        SchemeShown(part="Vouched for by", name="Hilltop", words=("usual", "refuse", "express", "north", "version", "aerobic"), known="We know this scheme. We call it Hilltop.", note="It vouched for the book on Saturday 28 February 2026, 10:14."),
    ),
)  # fmt: skip
ONCE: Final = "AAAAAAAAAAAAAAAAAAAAAA"
VISITOR: Final = Page(site=SITE, words=words_for(), form_token="sample-form-token", path="/look")
MEMBER: Final = replace(
    VISITOR, viewer=Viewer(name="Ana Silva", unread=2), path="/home", owner="0123456789abcdef"
)
ORGANISER: Final = replace(
    VISITOR, viewer=Viewer(name="Rosa Whitfield", organiser=True), path="/admin/neighbours"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One page of the gallery."""

    page: Page
    view: View

    @property
    def for_members(self) -> bool:
        return not self.view.DESK


# --- Pieces -------------------------------------------------------------------------------------------------

OWN_CARDS: Final = (
    ListingCard(href="/l/1", kind="offer", title="Bike repair, also on Sundays", price="1 h 30", place="near you", owner="Ben Carter", category="Repairs"),
    ListingCard(href="/l/2", kind="want", title="Somebody to walk Biscuit, an old and gentle spaniel", price="30 min", place="about 2 km", owner="Maud Ellis", category="Animals"),
    ListingCard(href="/l/3", kind="offer", title="Sourdough bread, baked on Fridays", price="20 min", place="near you", owner="Priya Nair", category="Food"),
    ListingCard(href="/l/4", kind="offer", title="Piano lessons for beginners of any age", price="to agree", place="about 4 km", owner="Tomasz Zielinski", category="Learning"),
    ListingCard(href="/l/5", kind="want", title="Help with a letter to the council", price="1 h", place="about 3 km", owner="George Adeyemi", category="Paperwork"),
    ListingCard(href="/l/6", kind="offer", title="Seedlings: tomato, courgette, runner bean", price="free", place="about 1 km", owner="Ines Duarte", category="Garden"),
)  # fmt: skip
JAM: Final = ListingCard(
    href="/l/jam", kind="offer", title="Plum jam, 4 jars", price="about 30 min", price_theirs="6.00 Acorns",
    place="about 7 km", owner="Karim Haddad", badge="Riverside", seen="seen 3 hours ago", category="Food",
)  # fmt: skip
FAR_CARDS: Final = (
    JAM,
    ListingCard(href="/l/12", kind="offer", title="Chimney sweeping, brushes brought along", price="about 2 h", price_theirs="20.0 Hills", place="about 5 km", owner="Owen Pryce", badge="Hilltop", seen="seen 12 minutes ago"),
    ListingCard(href="/l/13", kind="want", title="Cours de conversation en français", price="about 1 h", price_theirs="12.00 Acorns", place="about 8 km", owner="Lucie Martin", badge="Riverside", seen="seen 2 days ago", language="fr", note="May be gone. Ask first."),
)  # fmt: skip
CATEGORIES: Final = (
    Option(value="", text="All categories"),
    Option(value="food", text="Food"),
    Option(value="garden", text="Garden"),
    Option(value="repairs", text="Repairs"),
)
BALANCE: Final = BalanceCard(
    amount="3 hours",
    side="ahead",
    sentence="You have given 3 hours more than you received. Time to ask for something?",
    set_aside="30 minutes are set aside. 2 hours 30 minutes are free.",
    last=Link(text="Bike repair, from Ben Carter: −1 h 30", href="/t/A1B-2C3-D4E"),
)
PEOPLE: Final = (
    PersonCard(href="/record/what?who=ben", name="Ben Carter", number="0042", place="Mill Lane"),
    PersonCard(href="/record/what?who=maud", name="Maud Ellis", number="0007", place="Church End", helper="Checked helper until May 2027"),
    PersonCard(href="/record/what?who=karim", name="Karim Haddad", number="", place="about 7 km", badge="Riverside"),
    PersonCard(href="/record/what?who=priya", name="Priya Nair", number="0118", place="Station Road", text="Offers: bread, proofreading"),
)  # fmt: skip
SIDES: Final = Sides(
    sentence="Karim Haddad gave you plum jam, 4 jars.",
    mine="You gave 30 minutes.",
    theirs="Karim got 6 Acorns.",
    reference="K7F-3QM-92X",
    badge="Riverside",
)
PENDING: Final = replace(
    SIDES,
    sentence="Plum jam, 4 jars, from Karim Haddad",
    mine="You give 30 minutes.",
    theirs="Karim gets 6 Acorns.",
)
HIDDEN: Final = (("who", "karim"), ("what", "Plum jam, 4 jars"), ("amount", "6.00"))
JAM_TEXT: Final = (
    "Victoria plums from the old tree behind the mill. Not too sweet. Jars of about 340 g; please bring them back.",
    "Collect in Riverside, or at the Saturday market by the bridge.",
)
JAM_FACTS: Final = (
    Fact(label="For", text="all four jars"),
    Fact(label="When", text="Saturdays, 9 to 12"),
    Fact(label="Expires", text="4 November 2026"),
)
GOOD: Final = Pill(text="All well", tone="good")
RIVERSIDE: Final = NeighbourCard(
    href="/admin/neighbours/riverside", name="Riverside", place="7 km away", state=Pill(text="Trading", tone="good"),
    rate="1 hour of ours is 12 Acorns.", standing="They owe us 2 hours 30 minutes.",
    gauge=Gauge(we_owe=0, they_owe=6, we_owe_limit="40 hours", they_owe_limit="40 hours"),
    heard="heard 4 minutes ago", in_flight="", listings="41 listings from them, 63 of ours with them",
)  # fmt: skip
HILLTOP: Final = NeighbourCard(
    href="/admin/neighbours/hilltop", name="Hilltop", place="5 km away", state=Pill(text="Quiet since Tuesday", tone="wait"),
    rate="1 hour of ours is 10 Hills.", standing="We owe them 31 hours.",
    gauge=Gauge(we_owe=78, they_owe=0, we_owe_limit="40 hours", they_owe_limit="40 hours"),
    heard="heard 3 days ago", in_flight="1 trade under way, 30 min", listings="28 listings from them, 63 of ours with them",
)  # fmt: skip
FENSIDE: Final = NeighbourCard(
    href="/admin/neighbours/fenside", name="Fenside Timebank", place="", state=Pill(text="Asked us", tone="wait"),
    rate="1 hour of ours is 1 hour of theirs.", standing="", gauge=None,
    heard="heard 20 minutes ago", in_flight="", listings="No listings yet",
)  # fmt: skip
WORDS: Final = ("maple", "lantern", "river", "copper", "sparrow", "orchard")
CONSEQUENCE: Final = "If Hilltop vanished owing 40 hours, your scheme would carry it: 20 minutes a member."
SUGGESTION: Final = "Suggested: 1 hour for each member of the smaller scheme, at most 40."
LIMITS: Final = Filled({"they_may_owe": "40:00", "we_may_owe": "40:00"})
HINT: Final = "For example 2, 1:30 or 90 min"


def _statement_lines() -> tuple[StatementLine, ...]:
    rows = [
        ("2 Dec 2025", "You mended Maud Ellis’s gate", "", "+2 h", "", "2 h"),
        ("13 Dec 2025", "Priya Nair gave you bread", "", "", "−20 min", "1 h 40"),
        ("4 Jan 2026", "You read to George Adeyemi", "", "+1 h", "", "2 h 40"),
        ("19 Jan 2026", "Ben Carter repaired your bike", "", "", "−1 h 30", "1 h 10"),
        ("7 Feb 2026", "You looked after Ines Duarte’s garden", "", "+1 h 50", "", "3 h"),
    ]
    lines = [
        StatementLine(date=date, sentence=text, who="", badge=badge, href="/t/A1B-2C3-D4E", received=got, given=gave, balance=left, reference="A1B-2C3-D4E")
        for date, text, badge, got, gave, left in rows
    ]  # fmt: skip
    jam = StatementLine(
        date="28 Feb 2026", sentence="Karim Haddad gave you plum jam, 4 jars", who="Karim Haddad", badge="Riverside",
        href="/t/K7F-3QM-92X", received="", given="−30 min", balance="2 h 30", theirs="6.00 Acorns in Riverside", reference="K7F-3QM-92X",
        state=Pill(text="Set aside", tone="wait"),
    )  # fmt: skip
    return (*lines, jam)


def twenty_rows() -> HomeView:
    """Return a home page of twenty listings: what the benchmark measures."""
    near = tuple(replace(card, href=f"/l/{number}") for number, card in enumerate(OWN_CARDS * 2))
    return replace(HOME, near=near, from_neighbours=(FAR_CARDS * 3)[:8])


HOME: Final = HomeView(
    greeting="Good morning, Ana",
    waiting=(
        WaitingCard(title="Ben Carter asks you for 2 hours", text="“Shelf put up in the hall.” Please say yes or no.", action=Link(text="Answer Ben", href="/t/B3N-4SK-222")),
    ),
    balance=BALANCE,
    events=(samples_events.SOUP, samples_events.HEDGE),
    near=OWN_CARDS[:4],
    from_neighbours=FAR_CARDS,
)  # fmt: skip
CHECK: Final = RecordCheckView(
    did="received", dated="Saturday 28 February 2026", payer="Ana Silva", payer_scheme="Oakvale",
    payee="Karim Haddad", payee_scheme="Riverside", what="Plum jam, 4 jars", payee_gets="6 Acorns",
    payer_gives="30 minutes", payer_gives_short="30 min", mine_now="3 hours", mine_after="2 hours 30 minutes",
    button="Pay Karim", action="/record/do", hidden=HIDDEN, once=ONCE, change_href="/record/what", cancel_href="/home",
    more=(
        Fact(label="Their price in ours", text="12 Acorns = 1 hour, since 3 May 2025."),
        Fact(label="Between the schemes", text="Oakvale then owes Hilltop 30 minutes more."),
        Fact(label="Rounding", text="Nothing to round."),
    ),
)  # fmt: skip


def _visitor_pages() -> dict[str, Sample]:
    look = LookView(
        query="", kind="", category="", categories=CATEGORIES, summary="63 offers and wants",
        cards=tuple(replace(card, owner="") for card in (*OWN_CARDS, *FAR_CARDS)),
        pager=Pager(text="1 to 20 of 63", next_href="/look?page=2"), empty=None,
    )  # fmt: skip
    views: dict[str, View] = {
        "front": FrontView(
            headline="Neighbours in Oakvale help each other",
            sentences=(
                "We mend bikes, bake bread, walk dogs and write letters for one another.",
                "No money changes hands. We count in hours, and everybody’s hour is worth the same.",
            ),
            meeting="Saturday 7 March 2026, half past ten, village hall",
            event=Link(text="Friday 3 April 2026, 19:00: How to graft an apple tree, Library", href="/events/3"),
            facts=(
                Fact(label="Members", text="118, aged 19 to 91"),
                Fact(label="We also trade with", text="Hilltop and Riverside"),
                Fact(label="Desk", text="Tuesday 10 to 12, in the library"),
            ),
            listings=tuple(replace(card, owner="") for card in OWN_CARDS),
        ),
        "look": look,
        "look-empty": replace(look, query="submarine", summary="Nothing for “submarine”", cards=(), pager=None,
            empty=Empty(text="Nobody offers this yet. Perhaps in other words?", action=Link(text="See everything", href="/look"))),
        "public-listing": PublicListingView(card=replace(JAM, owner=""), paragraphs=JAM_TEXT, facts=JAM_FACTS),
        "how": HowView(hour="1 hour", furthest="10 hours", neighbours=("Hilltop", "Riverside")),
        "pay-link": PayLinkView(name="Ben", what="Plum jam", amount="30 minutes", login_href="/login?after=/pay/K7F-3QM-92X"),
        "join-1": JoinPlaceView(places=("Church End", "Mill Lane"), others=(Link(text="Riverside, about 7 km from Oakvale", href="https://riverside.example/join"),)),
        "join-1-wrong": JoinPlaceView(form=Filled({"place": ""}, {"place": "Please say where you live."}), places=(), others=()),
        "join-2": JoinPersonView(form=Filled({"name": "Ana", "reach": "email", "email": "ana@example"}, {"email": "This is not a whole address. It should look like ana@example.org."}), hidden=(("place", "Mill Lane"),)),
        "join-3": JoinOfferView(offer_examples=("bread", "lifts to town", "reading aloud"), want_examples=("garden help", "a ladder to borrow"), optional=True),
        "join-4": JoinAgreeView(
            agreement=("We treat each other kindly and keep our word.", "An hour of one person is worth an hour of any other.", "Each member may go 10 hours behind and 40 ahead.", "Nobody earns interest.", "Trades are recorded within a month.", "A mistake is put right by a second trade.", "The organisers may pause a member and must say why.", "Anyone may leave, and settles up first."),
            answers=(Fact(label="Name", text="Ana Silva"), Fact(label="Place", text="Mill Lane"), Fact(label="Offers", text="Bread")),
        ),
        "join-sent": JoinSentView(name="Ana", confirm_mail="ana@example.org"),
        "login": LoginView(passkeys=True),
        "login-wrong": LoginView(pin_form=Filled({"number": "123"}, {"pin": "Number and PIN do not fit together. Try again in 2 seconds."})),
        "login-code": LoginCodeView(email="ana@example.org", minutes=10),
        "login-link": LoginLinkView(name="Rosa", action="/login/link/7Q2"),
        "help": HelpView(),
        "verify": VerifyView(form=Filled({}, {"file": "Please choose a file."})),
        "verify-whole": VerifyView(result=WHOLE),
        "verify-broken": VerifyView(result=Result(state=Pill(text="Do not trust it", tone="stop"), title="This receipt does not hold", sentences=("Its amounts are not those that the scheme wrote.", "It proves nothing. Ask whoever gave it to you for the file as their scheme made it."))),
        "verify-paper": VerifyView(result=Result(state=Pill(text="In the book", tone="good"), title="Oakvale has this trade in its book", sentences=("It stands as it was written.", "Compare day and amount with the paper."), facts=(Fact(label="Day", text="Saturday 28 February 2026"), Fact(label="Amount", text="30 minutes"), Fact(label="Reference", text="K7F-3QM-92X")))),
        "about": AboutView(release="0.1.0", source_href="/about/source"),
        "offline": OfflineView(),
        "privacy": PrivacyView(dated="Written on 3 May 2026", neighbours=("Hilltop", "Riverside")),
        "not-found": ErrorView(title="This page does not exist", what=("Perhaps the offer was taken down, or the address was cut short.",), moved="", todo="Go back, or look around from the front page.", action=Link(text="To the front page", href="/")),
    }  # fmt: skip
    return {name: Sample(VISITOR, view) for name, view in views.items()}


def _listing_pages() -> dict[str, Sample]:
    find = FindView(
        query="jam", kind="", km="20", distances=(Option(value="", text="Any distance"), Option(value="5", text="Up to 5 km"), Option(value="20", text="Up to 20 km")),
        category="", categories=CATEGORIES, scheme="", schemes=(Option(value="", text="All schemes"), Option(value="oakvale", text="Oakvale"), Option(value="riverside", text="Riverside")),
        summary="9 offers and wants for “jam”, nearest first", cards=(*OWN_CARDS, *FAR_CARDS), pager=Pager(text="1 to 9 of 9"), empty=None,
        keeps=(("q", "jam"), ("km", "20")),
    )  # fmt: skip
    jars = PictureShown(
        src=DRAWN, width=960, height=720, words="Four jars of plum jam on a table", full=DRAWN
    )
    small = PictureShown(src=DRAWN, width=88, height=88, words="Four jars of plum jam")
    theirs = ListingView(
        card=JAM, price_note="You see their price turned into hours: 12 Acorns = 1 hour, since 3 May. The final amount is shown before you agree.",
        paragraphs=JAM_TEXT, facts=JAM_FACTS, owner_href="/people/karim", own=False, state=None, message_href="/messages/new?l=jam", record_href="/record/what?l=jam", cannot_record="",
    )  # fmt: skip
    views: dict[str, View] = {
        "home": HOME,
        "home-new": HomeView(greeting="Welcome, Ana", waiting=(), balance=BalanceCard(amount="", side="", sentence="Your first trade will be listed here."), near=OWN_CARDS[:2], from_neighbours=()),
        "home-twenty": twenty_rows(),
        "find": find,
        "find-empty": replace(find, query="submarine", cards=(), summary="Nothing for “submarine” within 20 km", pager=None, empty=Empty(text="Nobody offers this yet. You could ask for it.", action=Link(text="Write a want", href="/post?kind=want"))),
        "listing-neighbour": theirs,
        "listing-stopped": replace(theirs, card=replace(JAM, note="Not heard of for 3 days. May be gone: ask first."), record_href="", cannot_record="Oakvale has bought all it can from Riverside this month. You can still message Karim; Rosa can tell you when."),
        "listing-ours": replace(theirs, card=OWN_CARDS[0], price_note="", paragraphs=("Punctures, brakes, gears. I come to you or you to me.",), facts=(), phone="01632 960 456"),
        "listing-lift": replace(theirs, card=replace(OWN_CARDS[0], kind="lift", title="Oakvale to Riverside", price="30 min a seat"), price_note="", own=True, edit_href="/post?l=3", hide_action="/l/3/hide", owners_href="/l/3/owners", lifts=ListingLifts(rows=(samples_of_lifts.ROW,), new_href="/lifts/new?listing=3")),
        "listing-lent": replace(theirs, card=replace(OWN_CARDS[0], kind="lend", title="Drill, 18 V, with two batteries", price="free"), price_note="", paragraphs=("Please bring it back clean.",), facts=samples_of_bookings.DRILL.facts, record_href="", when_href="/l/drill/when"),
        "listing-pictures": replace(theirs, pictures=(jars, replace(jars, width=540, height=720, words=""))),
        "find-pictures": replace(find, cards=(replace(OWN_CARDS[0], picture=small), OWN_CARDS[1], replace(JAM, picture=small))),
        "post-1-pictures": PostWhatView(form=Filled({"kind": "offer", "title": "Plum jam", "words_1": "Four jars"}, {"picture": "This picture moves. Please choose one that stands still."}), pictures=(jars, replace(jars, words=""))),
        "post-3-pictures": PostPreviewView(card=OWN_CARDS[2], paragraphs=("Flour, water, salt and time.",), facts=(), pictures=(jars,), shown_to="Oakvale", until="4 November 2026", hidden=HIDDEN, once=ONCE),
        "listing-own": replace(theirs, card=replace(OWN_CARDS[2], owner="Ana Silva"), price_note="", own=True, state=Pill(text="Listed until 4 November 2026", tone="good"), edit_href="/post?l=3", hide_action="/l/3/hide", keep_action="/l/3/keep"),
        "post-1": PostWhatView(form=Filled({"kind": "offer"}, {"title": "Please say in a few words what it is."})),
        "post-2": PostPriceView(form=Filled({"price_kind": "amount", "price": "1.30"}, {"price": "Do you mean 1 h 30 or 1 h 18? Please write it like that."}), unit_name="hours", amount_hint=HINT, hour_hint="", categories=CATEGORIES[1:]),
        "post-2-lend": PostPriceView(kind="lend", form=Filled({"step": "day", "longest": "7", "approval": "yes"}), unit_name="hours", amount_hint=HINT, hour_hint="", categories=CATEGORIES[1:]),
        "post-2-stay": PostPriceView(kind="stay", form=Filled({"price_kind": "amount", "longest": "0", "guests": "2"}, {"longest": "Please write a whole number from 1 to 366."}), unit_name="hours", amount_hint=HINT, hour_hint="", categories=CATEGORIES[1:]),
        "post-3": PostPreviewView(card=OWN_CARDS[2], paragraphs=("Flour, water, salt and time. Order by Wednesday.",), facts=(Fact(label="For", text="one loaf"),), shown_to="Oakvale and 3 other schemes", until="4 November 2026", hidden=HIDDEN, once=ONCE),
        "my-listings": MyListingsView(
            listings=(
                MyListing(href="/l/3", title="Sourdough bread, baked on Fridays", kind="offer", price="20 min", state=Pill(text="Listed until 4 November 2026", tone="good"), edit_href="/post?l=3", keep_action="", hide_action="/l/3/hide", show_action=""),
                MyListing(href="/l/9", title="A ladder to borrow, 5 metres", kind="want", price="to agree", state=Pill(text="Expires in 5 days", tone="wait"), edit_href="/post?l=9", keep_action="/l/9/keep", hide_action="/l/9/hide", show_action=""),
                MyListing(href="/l/8", title="Portuguese conversation", kind="offer", price="1 h", state=Pill(text="Taken down"), edit_href="/post?l=8", keep_action="", hide_action="", show_action="/l/8/show"),
            ), empty=None),
        "people": PeopleView(query="", summary="118 people", people=PEOPLE, pager=Pager(text="1 to 20 of 118", next_href="/people?page=2"), empty=None),
        "person": PersonView(name="Karim Haddad", number="", place="about 7 km", badge="Riverside", portrait=PictureShown(src=DRAWN, width=88, height=88, words=""), about=("I keep an orchard with my sister and mend what breaks.",), facts=(Fact(label="Member since", text="May 2021"), Fact(label="Last active", text="3 hours ago")), offers=(JAM,), wants=FAR_CARDS[2:], between_us=(Link(text="Plum jam, 30 minutes, 28 Feb 2026", href="/t/K7F-3QM-92X"),), message_href="/messages/karim", record_href="/record/what?who=karim"),
        "messages": MessagesView(
            threads=(
                ThreadRow(href="/messages/1", name="Karim Haddad", badge="Riverside", about="Plum jam, 4 jars", snippet="Saturday is fine. I am by the bridge from nine until the bread is sold.", when="today, 9:40", unread=2),
                ThreadRow(href="/messages/2", name="Maud Ellis", badge="", about="", snippet="Thank you for the gate, dear.", when="2 Dec 2025", unread=0),
            ), pager=None, empty=None),
        "thread": ThreadView(
            name="Karim Haddad", badge="Riverside", person_href="/people/karim", about=JAM, older_href="/messages/1?before=1",
            messages=(
                MessageItem(mine=True, author="You", paragraphs=("Hello Karim, is the jam still there? I would take all four.",), when="Thursday, 18:02", state="delivered"),
                MessageItem(mine=False, author="Karim", paragraphs=("It is! Shall we say Saturday?", "I am by the bridge from nine."), when="today, 9:40"),
            ), starters=(), once=ONCE, action="/messages/1", record_href="/record/what?l=jam"),
        "thread-new": ThreadView(name="Ben Carter", badge="", person_href="/people/ben", about=OWN_CARDS[0], older_href="", messages=(), starters=(Link(text="Is this still there?", href="?s=1"), Link(text="When would suit you?", href="?s=2"), Link(text="Could we talk on the phone?", href="?s=3")), once=ONCE, action="/messages/new", record_href=""),
        "me": MeView(name="Ana Silva", number="0123", facts=(Fact(label="Member since", text="March 2024"), Fact(label="Place", text="Mill Lane")), balance=BALANCE, limits="You can go 10 hours behind and 40 hours ahead.", person_href="/people/0123"),
        "my-data": MyDataView(facts=(Fact(label="Name", text="Ana Silva"), Fact(label="Shown to other schemes", text="Ana"), Fact(label="E-mail", text="ana@example.org"), Fact(label="Place", text="Mill Lane")), held=(Fact(label="Trades", text="41"), Fact(label="Messages", text="126")), seen=("Other members see your name, place and what you write about yourself; organisers see the rest too.", "Your offers and wants go to Hilltop, Riverside, and from there to schemes further on.", "Riverside: 1 conversation, 2 trades, a random number that stands for you."), acts=(Fact(label="3 May 2026", text="Limits changed, by Rosa: agreed at the desk"),), download_href="/my/data/download"),
        "settings": SettingsView(profile_form=Filled({"name": "Ana Silva", "place": "Mill Lane", "about": "Baker, early riser."}), mail_form=Filled({"mail": "weekly"}), has_pin=True, email="ana@example.org", languages=(Option(value="en", text="English"),), language="en", passkeys=True, logins=2, offers_step=True),
        "error": ErrorView(title="That did not work", what=("Our computer made a mistake.",), moved="Nothing moved.", todo="Please try again. If it happens again, ring Rosa.", action=Link(text="Back to Home", href="/home"), reference="ERR-7KQ-2M4"),
    }  # fmt: skip
    return {name: Sample(MEMBER, view) for name, view in views.items()}


def _trade_pages() -> dict[str, Sample]:
    trade = TradeView(
        sides=SIDES, state=Pill(text="Done", tone="good"), state_text=("Recorded by both schemes.",),
        facts=(Fact(label="When", text="Saturday 28 February 2026, 10:12"), Fact(label="Entered by", text="you"), Fact(label="Other scheme", text="Riverside"), Fact(label="Price", text="12 Acorns = 1 hour")),
        history=(Fact(label="10:12:04", text="You pressed “Pay Karim”. 30 minutes were set aside."), Fact(label="10:12:05", text="Riverside recorded it. Done.")),
        message_href="/messages/1", receipt_href="/t/K7F-3QM-92X/receipt", wrong_href="/t/K7F-3QM-92X/wrong", again_href="/record/what?again=1",
    )  # fmt: skip
    views: dict[str, View] = {
        "receipt": ReceiptView(sides=SIDES, state=Pill(text="Done", tone="good"), facts=(Fact(label="Made for", text="Ana Silva, 0123"), Fact(label="Entered in the book", text="Saturday 28 February 2026, 10:12"), Fact(label="Entered by", text="Ana Silva"), Fact(label="Other scheme", text="Riverside")), words=SIX, code="7ZKM 2QR4 XABC DEFG", qr=picture_of("https://oakvale.example/verify/K7F-3QM-92X/7ZKM2QR4XABCDEFG", sized=False), link="https://oakvale.example/verify", file_href="/t/K7F-3QM-92X/receipt/file", pdf_href="/t/K7F-3QM-92X/receipt/pdf", back_href="/t/K7F-3QM-92X", printed="Printed on 7 March 2026"),
        "record-1": RecordWhoView(did="received", query="", recent=PEOPLE, found=None, last=(Link(text="Ben Carter, bike repair, 1 hour 30 minutes", href="/record/what?again=7"),)),
        "record-1-found": RecordWhoView(did="gave", path="/ask", query="car", recent=PEOPLE, found=PEOPLE[:1]),
        "record-2": RecordWhatView(did="received", name="Karim", badge="Riverside", form=Filled({"what": "Plum jam, 4 jars", "amount": "6"}), hidden=HIDDEN, unit_name="Acorns", amount_hint="For example 6 or 2.50", rate_note="12 Acorns = 1 hour.", change_who_href="/record"),
        "record-2-wrong": RecordWhatView(did="received", name="Ben", badge="", form=Filled({"what": "", "amount": "1.30"}, {"what": "Please say what it was.", "amount": "Do you mean 1 h 30 or 1 h 18? Please write it like that."}), hidden=HIDDEN, unit_name="hours", amount_hint=HINT, rate_note="", change_who_href="/record"),
        "record-3": CHECK,
        "record-3-again": replace(CHECK, payee="Ben Carter", payee_scheme="Oakvale", what="Bike repair", payee_gets="1 hour 30 minutes", payer_gives="1 hour 30 minutes", payer_gives_short="1 h 30", mine_after="1 hour 30 minutes", button="Pay Ben", more=(), sign_ask="/record/sign", again="You recorded the same 4 minutes ago. Again?"),
        "record-1-ask": RecordWhoView(did="gave", path="/ask", query="", recent=PEOPLE, found=None, several_href="/ask?several=1"),
        "record-1-several": RecordWhoView(did="received", query="", recent=PEOPLE, found=None, several=True, chosen=(Link(text="Ben Carter", href="/record?with=0003"), Link(text="Maud Ellis", href="/record?with=0002")), chosen_numbers="0002,0003", next_href="/record/several?who=0002,0003"),
        "record-2-ask": RecordWhatView(did="gave", action="/ask/what", several=True, name="Ben and Maud", badge="", form=Filled({"what": "Lunch", "amount": "1:30", "share": "all"}), hidden=(("who", "0002,0003"),), unit_name="hours", amount_hint=HINT, rate_note="", change_who_href="/ask?with=0002,0003"),
        "record-3-ask": AskCheckView(what="Lunch", people=(Fact(label="Ben Carter", text="45 minutes"), Fact(label="Maud Ellis", text="45 minutes")), total="1 hour 30 minutes", until="Saturday 14 March 2026", button="Ask all of them", hidden=HIDDEN, once="k", change_href="/ask/what?who=0002,0003"),
        "record-3-several": SeveralCheckView(what="Lunch", people=(Fact(label="Ben Carter", text="30 minutes"), Fact(label="Maud Ellis", text="30 minutes")), total="1 hour", mine="You have 3 hours now, 2 hours afterwards.", button="Pay all of them", hidden=HIDDEN, once="k", change_href="/record/several?who=0002,0003"),
        "record-done-several": SeveralDoneView(what="Lunch", trades=(Link(text="Ben Carter: 30 minutes", href="/t/K7F-3QM-92X"), Link(text="Maud Ellis: 30 minutes", href="/t/9AB-3QM-92X")), balance="You have 2 hours now."),
        "ask": AskView(title="Ben Carter asks you for 2 hours", state=Pill(text="Waiting", tone="wait"), sentences=("Please say yes or no. If you do nothing, it runs out on Saturday 14 March 2026.",), facts=(Fact(label="For", text="Proofreading"), Fact(label="How much", text="2 hours"), Fact(label="Asked", text="Saturday 28 February 2026, 10:12")), balances="You have 3 hours now, 1 hour afterwards.", yes_action="/asks/4/yes", yes_text="Yes, pay Ben", no_action="/asks/4/no", message_href="/messages/new?to=0002"),
        "ask-mine": AskView(title="You ask Maud Ellis for 2 hours", state=Pill(text="Waiting", tone="wait"), sentences=("Waiting for Maud to say yes. Nothing has moved.", "If there is no answer by Saturday 14 March 2026, it runs out."), facts=(Fact(label="For", text="Proofreading"), Fact(label="How much", text="2 hours")), remind_action="/asks/5/remind", withdraw_action="/asks/5/withdraw", message_href="/messages/new?to=0003"),
        "ask-ended": AskView(title="You ask Karim for 6 Acorns", badge="Riverside", state=Pill(text="Paid", tone="good"), sentences=("It is paid.",), facts=(Fact(label="For", text="Plum jam"),), trade=Link(text="See the trade", href="/t/K7F-3QM-92X")),
        "thank": ThankView(name="Ben", sentence="Bike repair, from Ben Carter", action="/t/K7F-3QM-92X/thank", back_href="/t/K7F-3QM-92X"),
        "wrong": WrongView(sentence="Bike repair, for Ana Silva", reference="K7F-3QM-92X", readers="Only organisers of Oakvale read it.", ring="Ring Rosa on 01632 960 123.", action="/t/K7F-3QM-92X/wrong", back_href="/t/K7F-3QM-92X", pay_back_href="/record/what?who=0002", pay_back="You can pay it back to Ana Silva.", other_pays="If you both agree, Ana Silva can simply pay it back."),
        "qr-make": MakeCodeView(unit_name="hours", amount_hint=HINT, once=ONCE),
        "qr": CodeView(letters="K7F-3QM-92X", picture=picture_of("http://oakvale.test/pay/K7F-3QM-92X"), amount="30 minutes", what="Plum jam", until="14:05", paid=None, over=False, check_href="/qr/K7F-3QM-92X"),
        "qr-paid": CodeView(letters="K7F-3QM-92X", picture=Markup(), amount="30 minutes", what="Plum jam", until="14:05", paid=Link(text="30 minutes", href="/t/K7F-3QM-92X"), over=False, check_href="/qr/K7F-3QM-92X"),
        "scan": ScanView(form=Filled({"code": "k7f 3qm 92y"}, {"code": "These are not the nine letters and numbers of a code. Please look again."})),
        "asks": AsksView(to_me=(AskRow(href="/asks/4", text="Ben Carter asks you for 2 hours", what="Proofreading", when="today, 10:12", state=Pill(text="Waiting", tone="wait")),), by_me=()),
        "record-stopped": RecordStoppedView(title="This would take you too far behind", sentences=("You can go to 10 hours behind. This would be 11 hours.", "Ring Rosa, or make it 1 hour less."), action=Link(text="Change the amount", href="/record/what")),
        "set-aside": SetAsideView(sides=PENDING, amount="30 minutes", scheme="Riverside", since="14:05", check_href="/t/K7F-3QM-92X/check", trade_href="/t/K7F-3QM-92X"),
        "set-aside-slow": SetAsideView(sides=PENDING, amount="30 minutes", scheme="Riverside", since="14:05", slow=True, check_href="/t/K7F-3QM-92X/check", trade_href="/t/K7F-3QM-92X"),
        "done": DoneView(sides=SIDES, by_both=True, told="Karim has been told.", balance="You have 2 hours 30 minutes now.", trade_href="/t/K7F-3QM-92X"),
        "late": LateView(sides=PENDING, amount="30 minutes", scheme="Riverside", since="14:05", days=14, check_href="/t/K7F-3QM-92X/check", trade_href="/t/K7F-3QM-92X"),
        "undone": UndoneView(sides=PENDING, amount="30 minutes", reason="Riverside could not take it now", again_href="/record/what?again=K7F"),
        "trade": trade,
        "statement": StatementView(name="Ana Silva", number="0123", period="1 December 2025 to 28 February 2026", form=Filled({"from": "2025-12-01", "to": "2026-02-28"}), unit_name="hours", opening="0 h", closing="2 h 30", closing_words="2 hours 30 minutes ahead", set_aside="Of this 2 hours are set aside as deposits now.", total_received="+4 h 50", total_given="−2 h 20", lines=_statement_lines(), csv_href="/statement.csv?from=2025-12-01", pdf_href="/statement.pdf?from=2025-12-01", printed="Printed on 7 March 2026", seal=("The books were signed on Saturday 7 March 2026, 14:05, with 1,234 entries. Their mark is 7f3a 91c2 4d5e 6f70.", "The books were checked by Ferry, Hilltop and Riverside, 2 minutes ago."), past=(PastLine(date="2 Dec 2025", sentence="Yoga, with Nil Roca", received="+1 h 30", given=""), PastLine(date="day unknown", sentence="With the old scheme itself", received="", given="−15 min")), past_elsewhere="34 trades from the old scheme, 2 Apr 2015 to 9 Dec 2025", past_href="/statement?from=2015-04-02&to=2025-12-09"),
    }  # fmt: skip
    return {name: Sample(replace(MEMBER, path="/record"), view) for name, view in views.items()}


def _statements() -> StatementsView:
    shown = _trade_pages()["statement"].view
    assert isinstance(shown, StatementView)
    return StatementsView(
        size="a4", large=False, printed="Printed on 4 March 2026", more=Link(text="The next statements", href="/admin/print/statements?begin=205"),
        statements=(
            MemberStatement(address=("Maud Ellis", "3 Mill Lane", "Oakvale OA1 2BC"), statement=replace(shown, name="Maud Ellis", number="0007"), complete=True),
            MemberStatement(address=("Wolfgang Amadeus Sommerfeld-Bridgewater",), statement=replace(shown, name="Wolfgang Amadeus Sommerfeld-Bridgewater", number="0044", lines=()), complete=False),
        ),
    )  # fmt: skip


def _admin_pages() -> dict[str, Sample]:
    row = MemberRow(href="/admin/members/123", number="0123", name="Ana Silva", place="Mill Lane", balance="+3 h", limits="−10 h to +40 h", active="today", state=Pill(text="Active", tone="good"))  # fmt: skip
    views: dict[str, View] = {
        "desk": DashboardView(
            todo=(Tile(text="2 applications", hint="The oldest has waited for 3 days", href="/admin/applications", tone="wait"), Tile(text="Fenside Timebank asks to trade", hint="since this morning", href="/admin/neighbours/fenside", tone="wait"), Tile(text="4 mails not sent", hint="Read them out or print them", href="/admin/outbox")),
            health=((GOOD, "The books add up: all balances together are 0."), (GOOD, "2 of 2 neighbours heard of within the hour."), (Pill(text="Look here", tone="wait"), "The last copy of everything is 9 days old."), (GOOD, "The clock is right."), (GOOD, "There is room on the disk for about 40 years.")),
            node_href="/node",
            figures=(Fact(label="Members", text="118"), Fact(label="Trades this month", text="74, of them 9 with neighbours"), Fact(label="Furthest behind", text="9 hours 30 minutes"), Fact(label="Furthest ahead", text="31 hours")),
        ),
        "applications": ApplicationsView(
            applications=(
                ApplicationCard(name="Ines Duarte", place="Church End", reach="ines@example.org", offer="Seedlings", want="A hand with heavy pots", when="3 days ago", welcome_action="/admin/applications/1/welcome", decline_action="/admin/applications/1/decline", once=ONCE),
                ApplicationCard(name="George Adeyemi", place="Station Road", reach="by letter: 3 Station Road", offer="", want="Somebody to read the paper to me", when="today", welcome_action="/admin/applications/2/welcome", decline_action="/admin/applications/2/decline", once=ONCE),
            ), empty=None),
        "letter": LetterView(name="George Adeyemi", address=("3 Station Road", "Oakvale"), number="0124", pin="483920", link="https://oakvale.example/login/link/7Q2M-4KXW-99TD-P3RV", site="https://oakvale.example", mailed_to="", member_href="/admin/members/124"),
        "letter-mailed": LetterView(name="Ines Duarte", address=(), number="0125", pin="", link="", site="https://oakvale.example", mailed_to="ines@example.org", member_href="/admin/members/125"),
        "members": MembersView(query="", show="", shows=(Option(value="", text="Everybody"), Option(value="quiet", text="Not active for 90 days")), summary="118 members", members=(row, replace(row, number="0042", name="Ben Carter", balance="−6 h 20", active="yesterday"), replace(row, number="0007", name="Maud Ellis", place="Church End", balance="0 h", active="2 Dec 2025", state=Pill(text="Away until 12 May", tone="wait")), replace(row, number="0099", name="Wolfgang Featherstonehaugh-Cholmondeley", balance="−9 h 50", state=Pill(text="Paused", tone="stop"))), pager=Pager(text="1 to 20 of 118", next_href="/admin/members?page=2"), add_href="/admin/members/add", csv_href="/admin/members.csv?q=&show="),
        "member": MemberView(name="Ana Silva", number="0123", state=Pill(text="Active", tone="good"), facts=(Fact(label="Balance", text="3 hours ahead"), Fact(label="To reach", text="ana@example.org"), Fact(label="Last active", text="today")), limits_form=Filled({"lower": "10:00", "upper": "40:00"}), amount_hint=HINT, unit_name="hours", limits_action="/admin/members/123/limits", pin_action="/admin/members/123/pin", pin_set="set on 3 May 2026", new_pin="483 920 17", link_action="/admin/members/123/link", new_link="https://oakvale.example/login/link/7Q2M-4KXW-99TD-P3RV", log_out_action="/admin/members/123/log-out", step_since="4 May 2026", step_action="/admin/members/123/second-step", pause_action="/admin/members/123/pause", part_action="/admin/members/123/part"),
        "member-left": MemberView(name="Ana Silva", number="0123", state=Pill(text="Left"), facts=(Fact(label="Balance", text="0: neither ahead nor behind"),), limits_form=Filled({}), amount_hint=HINT, unit_name="hours", limits_action="", pin_action="", pin_set="", new_pin="", link_action="", new_link="", pause_action="", erase_action="/admin/members/123/erase", outside=("Riverside: 1 conversation, 2 trades, a random number that stands for them.", "Neighbouring schemes were sent their offers and wants; they are told to drop them.")),
        "member-erased": MemberView(name="Former member 0123", number="0123", state=Pill(text="Left"), facts=(Fact(label="Balance", text="0: neither ahead nor behind"),), limits_form=Filled({}), amount_hint=HINT, unit_name="hours", limits_action="", pin_action="", pin_set="", new_pin="", link_action="", new_link="", pause_action="", erased="3 May 2026", outside=("Riverside: 1 conversation.",)),
        "member-add": MemberAddView(once=ONCE),
        "recovered": RecoveredView(trades=(RecoveredRow(text="Ana Silva gives 2 hours to somebody at Riverside", reference="K7F-3QM-92X", when="today, 9:02", state=Pill(text="As it was", tone="good")), RecoveredRow(text="The community account received 30 minutes from somebody at Hilltop", reference="P2D-8WX-4TT", when="today, 9:40", state=Pill(text="Member not known here", tone="stop"))), others="3 other steps on lines with neighbours came back: limits, and trades that only pass through.", books=("Today, 9:01: the books on this computer were older than the sealed copy that Hilltop keeps for us. That copy has taken their place before anything was written; the older books stay beside it as a file. At most what was recorded in the last minute before the loss is missing: ask who traded then.",), missing=(MissingRow(text="Ana Silva gave 2 hours to Ben Okri: two jars of plum jam", reference="9QC-4TT-0ZK", when="yesterday, 18:20"), MissingRow(text="Zoe Marsh became a member", reference="", when="yesterday, 17:05")), keys=True, once=ONCE, warnings=("Some accounts are not known here any more. What is theirs is with the community account until you have entered those members again.",), empty=None),
        "outbox": OutboxView(mail_set_up=False, mails=(MailRow(to="ana@example.org", subject="Ben asks you for 2 hours: yes or no?", when="today, 9:02", state=Pill(text="Not sent", tone="wait"), lines=("Hello Ana,", "Ben Carter asks you for 2 hours: “Shelf put up in the hall.”")), MailRow(to="maud@example.org", subject="Welcome to Oakvale, Maud", when="yesterday", state=Pill(text="Failed 3 times", tone="stop"), lines=("Dear Maud, your member number is 0007.",))), pager=None, empty=None),
        "neighbours": NeighboursView(own_address="https://oakvale.example", own_words=WORDS, neighbours=(FENSIDE, RIVERSIDE, HILLTOP), found_nearby=(Option(value="https://marsh.example", text="Marsh End", hint="in this network"),), empty=None, ceiling_form=Filled({"we_may_owe": "80"}), ceiling_now="Now we owe 3 hours in all, with what is under way.", unit_name="hours"),
        "neighbours-none": NeighboursView(own_address="https://oakvale.example", own_words=WORDS, neighbours=(), found_nearby=(), empty=Empty(text="No neighbours yet. Members see only Oakvale’s own offers and wants."), ceiling_form=Filled({"we_may_owe": "80"}), ceiling_now="Now we owe 3 hours in all, with what is under way.", unit_name="hours"),
        "neighbour-add": NeighbourAddView(form=Filled({"address": "hilltop"}, {"address": "This is not an address. It should look like https://hilltop.example."})),
        "neighbour-propose": NeighbourProposeView(name="Hilltop", facts=(Fact(label="Members", text="54"), Fact(label="Place", text="5 km away"), Fact(label="Counts in", text="Hills"), Fact(label="Since", text="2012")), words=WORDS, rate="1 hour of ours is 10 Hills, by what each scheme says an hour is.", form=LIMITS, unit_name="hours", amount_hint=HINT, suggestion=SUGGESTION, consequence=CONSEQUENCE, once=ONCE, action="/admin/neighbours/hilltop/ask"),
        "neighbour": NeighbourView(card=HILLTOP, stage="trading", facts=(Fact(label="Trading since", text="3 May 2025"),), words=WORDS, consequence=CONSEQUENCE, limits_form=LIMITS, unit_name="hours", amount_hint=HINT, trades=(NeighbourTrade(reference="K7F-3QM-92X", when="28 Feb 2026", amount="30 min", direction="passing through", state=Pill(text="Done", tone="good")), NeighbourTrade(reference="P2D-88A-T4C", href="/t/P2D-88A-T4C", when="today, 14:05", amount="30 min", direction="to them", state=Pill(text="Under way", tone="wait"))), once=ONCE, limits_action="/admin/neighbours/hilltop/limits", stop_action="/admin/neighbours/hilltop/stop", end_action="/admin/neighbours/hilltop/end", can_settle="2 hours 30 minutes", owed_now="9000000", settle_action="/admin/neighbours/hilltop/settle"),
        "together": TogetherView(asked=(AskedCard(what="Free Ana Silva’s 30 minutes", detail="Plum jam, 4 jars, from Karim Haddad (Riverside). Set aside since 28 Feb 2026.", then="Confirmed, 30 minutes are Ana Silva’s again at once. If Riverside’s answer still comes, our chest pays what it says; nobody is charged twice.", href="/t/P2D-88A-T4C", asked="Asked by Rosa, today, 9:40", hindered="", confirm_action="/admin/together/1/confirm", drop_action="/admin/together/1/drop"), AskedCard(what="Write off 2 hours that Hilltop owes us", detail="That is 1 minute a member.", then="Confirmed, our books count it as lost. Hilltop still owes it: what they give us when they come back makes it good first. No trade under way ends by this.", href="/admin/neighbours/hilltop", asked="Asked by Sam, yesterday, 18:02", hindered="You asked for it. Another organiser must confirm it, logged in as themselves.", confirm_action="", drop_action="/admin/together/2/drop")), stuck=(StuckCard(what="Ben Carter: 1 hour set aside", detail="Eggs, from Lena (Riverside). Set aside since 1 Feb 2026.", href="/t/P2D-88A-T4C", who="Ben Carter", ask_action="/admin/together/free/7"),), empty=None, deposits=(StuckCard(what="Ana Silva asks to keep 30 minutes of Ben Carter’s deposit", detail="Drill: Saturday 5 December 2026.", href="/admin/together", who="Ana Silva", ask_action="/admin/together/deposit/1"),)),
        "complaints": ComplaintsView(rows=(ComplaintRow(href="/admin/complaints/1", who="Ana Silva", what="Bike repair", when="today, 9:40"),)),
        "complaint": ComplaintView(title="Ana Silva: Bike repair, from Ben Carter", badge="", amount="1 hour 30 minutes", trade=Link(text="Trade K7F-3QM-92X", href="/t/K7F-3QM-92X"), said=(SaidView(who="Ana Silva", when="today, 9:40", paragraphs=("It was one hour only.",)), SaidView(who="Ben Carter", when="today, 11:02", paragraphs=("She is right.",))), people=(Link(text="Message Ana Silva", href="/messages/new?to=0001"), Link(text="Message Ben Carter", href="/messages/new?to=0002")), own=False, across=False, correct_action="/admin/complaints/1/correct", once=ONCE, close_action="/admin/complaints/1/close"),
        "together-none": TogetherView(asked=(), stuck=(), empty=Empty(text="Nothing waits for a second organiser, and no trade is stuck.")),
        "neighbour-stopped": NeighbourView(card=replace(HILLTOP, standing="They owe us 3 hours.", state=Pill(text="Stopped by us", tone="stop"), gauge=None), stage="stopped", facts=(Fact(label="Trading since", text="3 May 2025"),), words=WORDS, consequence=CONSEQUENCE, limits_form=LIMITS, unit_name="hours", amount_hint=HINT, trades=(), once=ONCE, start_action="/admin/neighbours/hilltop/start", end_action="/admin/neighbours/hilltop/end", can_be_lost="2 hours 30 minutes", loss_action="/admin/neighbours/hilltop/write-off", lost="Of what they owe, 30 minutes are written off.", can_settle="2 hours 30 minutes", owed_now="9000000", settle_action="/admin/neighbours/hilltop/settle"),
        "neighbour-frozen": NeighbourView(card=replace(HILLTOP, standing="They owe us 3 hours.", state=Pill(text="Waits for both to agree", tone="stop"), gauge=None), stage="frozen", facts=(Fact(label="Trading since", text="3 May 2025"),), words=WORDS, consequence=CONSEQUENCE, limits_form=LIMITS, unit_name="hours", amount_hint=HINT, trades=(), once=ONCE, loss_action="/admin/neighbours/hilltop/write-off", settle_action="/admin/neighbours/hilltop/settle", go_on=GoOn(why="Agree with Hilltop’s organiser, on the telephone, from which balance both books go on. You write it first, they agree; until they do, nothing is written between us.", facts=(Fact(label="By the steps both signed", text="They owe us 3 hours."), Fact(label="By our own books", text="They owe us 2 hours 30 minutes."), Fact(label="Written by us, not answered yet", text="They owe us 3 hours.")), form=Filled({"basis": "line", "amount": ""}), bases=(Option(value="line", text="what the signed steps say", hint="Our chest gains 30 minutes: so much less would be owed to them than our books say."), Option(value="books", text="what our own books say", hint="Nothing is booked by this: our books say the same."), Option(value="we", text="another balance: we owe them"), Option(value="they", text="another balance: they owe us")), action="/admin/neighbours/hilltop/go-on")),
        "neighbour-they-stopped": NeighbourView(card=replace(HILLTOP, standing="They owe us 3 hours.", state=Pill(text="They have stopped: steps are missing", tone="stop")), stage="trading", facts=(Fact(label="Trading since", text="3 May 2025"),), words=WORDS, consequence=CONSEQUENCE, limits_form=LIMITS, unit_name="hours", amount_hint=HINT, trades=(), once=ONCE, limits_action="/admin/neighbours/hilltop/limits", stop_action="/admin/neighbours/hilltop/stop", settle_action="/admin/neighbours/hilltop/settle", go_on=GoOn(told="Hilltop has stopped writing to us: their computer found that steps are missing on both sides. Ring their organiser and decide together below. Nothing new begins with them until then.", why="Hilltop writes the balance first; here you agree to it, or do not.", facts=(Fact(label="By the steps both signed", text="They owe us 3 hours."), Fact(label="By our own books", text="They owe us 2 hours 30 minutes.")), then="If nothing comes, ring Hilltop’s organiser: “On your page about us, under Neighbours, is ‘Go on together from an agreed balance’. Please choose what the signed steps say, or the balance we agree on, and write it to us.” Once they have written it, it stands here, and you agree.")),
        "neighbour-offered": NeighbourView(card=replace(HILLTOP, standing="They owe us 3 hours.", state=Pill(text="Waits for both to agree", tone="stop"), gauge=None), stage="frozen", facts=(Fact(label="Trading since", text="3 May 2025"),), words=WORDS, consequence=CONSEQUENCE, limits_form=LIMITS, unit_name="hours", amount_hint=HINT, trades=(), once=ONCE, loss_action="/admin/neighbours/hilltop/write-off", settle_action="/admin/neighbours/hilltop/settle", go_on=GoOn(why="Hilltop writes the balance first; here you agree to it, or do not.", facts=(Fact(label="By the steps both signed", text="They owe us 3 hours."), Fact(label="By our own books", text="They owe us 2 hours 30 minutes."), Fact(label="Written by them", text="They owe us 2 hours.")), then="Our chest takes over 30 minutes: so much more would be owed to them than our books say.", action="/admin/neighbours/hilltop/go-on", agreed="-7200000")),
        "neighbour-we-asked": NeighbourView(card=replace(FENSIDE, state=Pill(text="We asked", tone="wait")), stage="we-asked", facts=(Fact(label="Counts in", text="hours"),), words=WORDS, consequence=CONSEQUENCE, limits_form=LIMITS, unit_name="hours", amount_hint=HINT, trades=(), once=ONCE, take_back_action="/admin/neighbours/fenside/take-back", settle_action=""),
        "neighbour-asked": NeighbourView(card=FENSIDE, stage="asked-us", facts=(Fact(label="Members", text="31"),), words=WORDS, consequence=CONSEQUENCE, limits_form=LIMITS, unit_name="hours", amount_hint=HINT, trades=(), once=ONCE, agree_action="/admin/neighbours/fenside/agree", decline_action="/admin/neighbours/fenside/decline", settle_action=""),
        "evidence-list": EvidenceListView(rows=(EvidenceRow(href="/admin/evidence/2", name="Fenside Timebank", what="Two different steps under one number", when="today, 9:02", state=Pill(text="Proved", tone="stop")), EvidenceRow(href="/admin/evidence/1", name="Hilltop", what="Two versions of one notice under one number", when="3 May", state=Pill(text="Cleared up", tone="good"))), empty=None),
        "evidence-none": EvidenceListView(rows=(), empty=Empty(text="Nothing. No scheme we know has contradicted itself.")),
        "evidence": EvidenceView(title="Fenside Timebank", state=Pill(text="Proved", tone="stop"), what="Fenside Timebank signed two different steps under one number.", follows="Fenside Timebank cannot come to owe us more than now.", advice="Ring their organisers.", facts=(Fact(label="Noticed", text="3 May 2026"), Fact(label="Shown by", text="Hilltop"), Fact(label="For a specialist", text="two ops at 17")), settle_action="/admin/evidence/2/settle", once=ONCE),
        "close-year": ClosedYearView(year="2025", form=Filled({"year": "2025"}), proof="All balances together are zero, as they must be.", figures=(Fact(label="People who had traded by then", text="87"), Fact(label="Trades in that time", text="1,204"), Fact(label="Moved in all", text="2,311 hours"), Fact(label="Furthest behind", text="\u221212 h"), Fact(label="Half is below", text="+1 h 30"), Fact(label="Furthest ahead", text="+48 h")), tables=(SumTable(caption="Balances in hours", rows=(("People above zero", "+312 h"), ("People below zero", "\u2212298 h"), ("Given to and got from other schemes", "\u221222 h"), ("Community chest", "+8 h")), sum="0 h"), SumTable(caption="Between schemes, in hours; below zero is owed by us", rows=(("Owed by Riverside", "+16 h"), ("Owed by Hilltop", "\u22124 h"), ("Given to and got from other schemes", "\u221212 h")), sum="0 h")), vouched=("The book had 3,412 entries then. The mark of the newest is 7f3a 91c2 4d5e 6f70.", "The book behind it was checked by Ferry, Hilltop and Riverside, the last time on Saturday 3 January 2026, 9:12."), file_href="/admin/close-year/file?year=2025", csv_href="/admin/close-year.csv?year=2025", pdf_href="/admin/close-year.pdf?year=2025", printed="Printed on 7 March 2026"),
        "languages": LanguagesView(form=Filled({"own": "en", "speaks-en": "yes", "speaks-de": "yes"}), offered=(Option(value="en", text="English"), Option(value="de", text="Deutsch"), Option(value="pl", text="Polski")), unit_form=Filled({"name-pl-few": "żołędzie"}), unit_name="Acorns", units=(UnitInLanguage(tag="pl", language="Polski", names=(UnitName(field="name-pl-one", label="As in “1 …”"), UnitName(field="name-pl-few", label="As in “2 …”")), preview="0 żołędzi · 1 żołądź · 2 żołędzie"),)),
        "scheme": SchemeView(may_log_out_all=True, who_form=Filled({"who_records": "both"}), about_form=Filled({"headline": "Neighbours in Riverside help each other", "about": "We swap what we make and do.", "help_name": "Karim"}), rate_form=Filled({"hour_amount": "12"}), limits_form=Filled({"lower": "120", "upper": "480"}), in_hours=False, unit_name="Acorns", amount_hint="For example 6 or 2.50", hour_now="1 hour is 12 Acorns, since 3 May 2025.", hour_next="From 12 May 2026 it will be 13 Acorns."),
    }  # fmt: skip
    every = {
        **views,
        **desk_views(),
        **PAGES_OF_NODE,
        **PAPERS,
        **FIND_DESK,
        "paper-statements": _statements(),
    }
    acting = replace(
        ORGANISER, viewer=Viewer(name="Rosa Whitfield", organiser=True, acting="Maud Ellis (0007)")
    )
    pages = {name: Sample(ORGANISER, view) for name, view in every.items()}
    return {**pages, "home-acting": Sample(acting, replace(HOME, greeting="Good morning, Maud"))}


PAGES: Final[Mapping[str, Sample]] = {
    **_visitor_pages(),
    **_listing_pages(),
    **_trade_pages(),
    **_admin_pages(),
    **{name: Sample(replace(MEMBER, path="/my"), view) for name, view in {**FIND, **ALERTS}.items()},
    **{
        name: Sample(ORGANISER, view)
        for name, view in {**IMPORTS, **samples_care.DESK, **DESK, **ACCOUNTS_DESK, **CLOSING}.items()
    },
    **{name: Sample(replace(MEMBER, path="/my"), view) for name, view in samples_care.MEMBERS.items()},
    **{
        name: Sample(replace(MEMBER, path="/my"), view)
        for name, view in {**MONEY, **MINE, **ACCOUNTS}.items()
    },
    **{name: Sample(MEMBER, view) for name, view in gift_samples.VIEWS.items()},
    **{name: Sample(MEMBER, view) for name, view in samples_of_bookings.VIEWS.items()},
    **{name: Sample(MEMBER, view) for name, view in samples_of_things.VIEWS.items()},
    **{name: Sample(MEMBER, view) for name, view in day_samples.VIEWS.items()},
    **{name: Sample(MEMBER, view) for name, view in samples_of_swaps.VIEWS.items()},
    **{name: Sample(MEMBER, view) for name, view in samples_of_lifts.VIEWS.items()},
    **{name: Sample(MEMBER, view) for name, view in samples_events.member_pages().items()},
    **{name: Sample(MEMBER, view) for name, view in samples_groups.member_pages().items()},
    **{
        name: Sample(VISITOR, view)
        for name, view in {**samples_events.visitor_pages(), **ALERTS_VISITORS}.items()
    },
    **{name: Sample(MEMBER, view) for name, view in samples_decisions.member_pages().items()},
    **{name: Sample(VISITOR, view) for name, view in samples_of_set_up.PAGES.items()},
    **{name: Sample(VISITOR, view) for name, view in samples_of_signing_in.VISITORS.items()},
    **{name: Sample(MEMBER, view) for name, view in samples_of_signing_in.MEMBERS.items()},
    **{name: Sample(page, view) for name, (page, view) in gone_pages(VISITOR).items()},
}
