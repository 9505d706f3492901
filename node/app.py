"""One node, wired: every service with what it needs, in one place.

The same `Node` serves a scheme (`serving.py` adds the doors), answers commands on a closed database
(`open_node`), and lives by the dozen in the simulator: store, clock, chance, keys and network come in from
outside, and nothing here knows about HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from babel.dates import LOCALTZ

from node.clock import Chance, Clock
from node.federation.channel import Channel
from node.federation.dispatch import Dispatch
from node.federation.handshake import Handshaker
from node.federation.links import Dial, Links
from node.jobs import Job, run_jobs
from node.keyfiles import Keys
from node.keyring import Credentials
from node.mail.outbox import Outbox, Transport
from node.own_descriptor import OwnDescriptor
from node.pictures.maker import PictureMaker
from node.proxies import Proxies
from node.quarantine import Quarantine
from node.services.acting import Acting
from node.services.afterwards import Afterwards
from node.services.alerts import LOOK_EVERY_S as LOOK_FOR_WANTED_S
from node.services.alerts import Alerts
from node.services.announcements import Announcements
from node.services.applications import Applications
from node.services.ask_silence import AskSilence
from node.services.asks import Asks
from node.services.asks_abroad import AsksAbroad
from node.services.backing_up import BackingUp
from node.services.booking_telling import BookingTelling
from node.services.bookings import Bookings
from node.services.bookings_abroad import BookingsAbroad
from node.services.books import Books
from node.services.both_lost import LOOK_EVERY_S
from node.services.calendar_feeds import CalendarFeeds
from node.services.catching_up import Offload, at_once
from node.services.cheques import Cheques
from node.services.cheques_abroad import ChequesAbroad
from node.services.chest import LOOK_EVERY_S as LOOK_AT_FEES_S
from node.services.chest import Chest
from node.services.circle_account_telling import CircleAccountTelling
from node.services.circle_accounts import CircleAccounts
from node.services.circle_board import CircleBoard
from node.services.circle_givings import CircleGivings
from node.services.circle_telling import CircleTelling
from node.services.circles import Circles
from node.services.closing import Closing
from node.services.closing_down import ClosingDown
from node.services.closing_telling import ClosingTelling
from node.services.copy_comparing import note_boot
from node.services.days import Days
from node.services.deposits import Deposits
from node.services.directory import Directory
from node.services.entering import Entering
from node.services.erasure import Erasure
from node.services.event_rows import Hosted
from node.services.event_settling import EventSettling
from node.services.event_telling import EventTelling, News
from node.services.events import Events
from node.services.events_abroad import EventsAbroad
from node.services.evidence import EvidenceService
from node.services.fee_telling import FeeTelling
from node.services.gifts import GIFT, Gifts
from node.services.gossip import Gossip
from node.services.hashing import Hasher
from node.services.helper_checks import Helpers
from node.services.helping import Helping
from node.services.imports import Imports
from node.services.indexing import Indexer
from node.services.introductions import Introductions
from node.services.joint_acts import JointActs
from node.services.keepers import Keepers
from node.services.keeping import Keeping
from node.services.kept_by_two import KeptByTwo
from node.services.letters import Letters
from node.services.lines import LineService
from node.services.loans import Loans
from node.services.mail_wishes import MailWishes
from node.services.market import Market
from node.services.marks import Marks
from node.services.members import Member, member_by_account
from node.services.named_from_paper import NamedFromPaper
from node.services.neighbours import Neighbours
from node.services.own_feed import OwnFeed
from node.services.own_log import proof_in
from node.services.paper_notes import PaperNotes
from node.services.parting import Parting
from node.services.passkeys import Passkeys
from node.services.passwords import Passwords
from node.services.pay_codes import PayCodes
from node.services.peers import Network, Nowhere, Peers
from node.services.people import People
from node.services.pictures import Pictures
from node.services.pictures_abroad import PicturesAbroad
from node.services.placed_here import placed_here
from node.services.pledges import PAY_EVERY_S, Pledges
from node.services.profiles import Profiles
from node.services.promises import OwnUnit
from node.services.proposals import LOOK_EVERY_S as LOOK_AT_VOTES_S
from node.services.proposals import Proposals
from node.services.quotes import QuoteService
from node.services.receipts import Receipts
from node.services.recovery import Recovery
from node.services.refolding import fold_anew
from node.services.rehearsals import Rehearsals, Tried
from node.services.remarks import Remarks
from node.services.reports import Reports
from node.services.request_words import EVENT, SWAP
from node.services.requests_abroad import RequestsAbroad
from node.services.routes import Routes
from node.services.second_step import SecondSteps
from node.services.settings import SchemeSettings, Settings
from node.services.settlement import Settlement
from node.services.sign_in import SignIn
from node.services.standing import LOOK_EVERY_S as LOOK_AT_ORDERS_S
from node.services.standing import StandingOrders
from node.services.swap_answers import SwapAnswers
from node.services.swap_telling import SwapTelling
from node.services.swaps import Swaps
from node.services.swaps_abroad import SwapsAbroad
from node.services.telling import Telling
from node.services.thing_telling import ThingTelling
from node.services.things import Things
from node.services.threads import Thread
from node.services.throttle import Throttle
from node.services.tokens import Tokens
from node.services.trade_news import TradeNews
from node.services.trades import Trades, trade_by_no
from node.services.troubles import Troubles
from node.services.witness import Witness
from node.store import ReadTx, Store, Tx
from node.wall import wall_hour
from protocol.checkpoint import quorum
from protocol.event import OwnEvent
from protocol.letter import LetterText
from protocol.limits import CHECKPOINT_EVERY_MS, KEEP_EVERY_MS
from protocol.market import BOOKABLE
from protocol.names import ItemKey, SchemeId, scheme_text

if TYPE_CHECKING:
    from node.backup.regular import Standing
    from node.findings import Finding

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

DATABASE: Final = "node.db"
HOUR_S: Final = 3600.0
# As long as a price is firm: meanwhile one neighbour's asks make a few thousand at most.
FORGET_QUOTES_S: Final = 600.0
# To say goodbye to other nodes in; systemd and members wait for the rest.
LINKS_END_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Beside:
    """A scheme that the process of this one serves besides, as the admin of the machine is told of it."""

    name: str
    runs: bool
    troubles: int = 0  # what needs mending in it
    rests: bool = False  # as somebody said


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What differs from node to node besides its keys and its data."""

    seed: SchemeSettings  # what the scheme is at its first start
    origin: str  # where members find its pages
    addresses: Sequence[str] = ()  # where other nodes find it
    neighbours_max: int = 12
    allow_lan: bool = False
    backups: Callable[[int], Standing | None] = lambda _now_ms: (
        None
    )  # how it stands with them; reads a folder
    proxies: Proxies = field(default_factory=Proxies)
    data_dir: Path | None = None  # where its files are; none where all is in memory
    mail_account: str = ""  # through which mail goes out, for people
    rehearse: Callable[[], Awaitable[Tried]] | None = (
        None  # tries the newest backup; none where none are made
    )
    certificate: Callable[[int], Awaitable[Finding]] | None = (
        None  # looks at that of the public address; none where there is none
    )
    hosted: bool = (
        False  # by the machine of another scheme: whoever administers it has nothing to do with the machine
    )
    beside: Callable[[], Sequence[Beside]] = (
        tuple  # what else the process serves; for the machine's own admin only
    )
    keep_copies: bool = False  # of our books, sealed, with a neighbour (6.7 g); every node that serves does


class Node:
    """One scheme's node. `load` before anything else; `run` keeps it in touch with other nodes."""

    def __init__(
        self, options: Options, *, store: Store, clock: Clock, chance: Chance, keys: Keys,
        network: Network | None = None, dial: Dial | None = None, mail: Transport | None = None, offload: Offload = at_once,
    ):  # fmt: skip
        self.options: Final = options
        self.store: Final = store
        self.clock: Final = clock
        self.chance: Final = chance
        self.keyring: Final = keys.keyring
        self._stopping: Final = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.jobs: Final[list[Job]] = []
        self._wire_people(Hasher(keys.pepper, chance, offload), keys.pepper, mail)
        self._keys: Final = keys
        self.offload: Final = offload
        self._wire_federation(dial or self._dial_peer, network or Nowhere(), offload)
        self._wire_gossip(offload)
        self._wire_trading()

    # --- wiring ------------------------------------------------------------------------------------------------

    def _wire_people(self, hasher: Hasher, pepper: bytes, mail: Transport | None) -> None:
        store, clock, chance = self.store, self.clock, self.chance
        self.settings = Settings(store, clock, self.options.seed)
        self.books = Books(self.keyring, clock, chance)
        self.outbox = Outbox(store, clock, mail)
        self.wishes = MailWishes(store, clock, secret=pepper, origin=self.options.origin)
        circle_telling = CircleTelling(self.outbox, self.settings, clock, self.options.origin, self.wishes)
        self.proposals = Proposals(store=store, clock=clock, chance=chance, telling=circle_telling)
        self.jobs.append(Job("close-votes", LOOK_AT_VOTES_S, self._unless_paused(self.proposals.close_due)))
        self.people = People(
            store, clock, self.books, self.settings, hasher, demoted=self.proposals.organises_no_more_in
        )
        self.jobs.append(Job("bring-back", HOUR_S, self.people.bring_back))
        self.profiles = Profiles(store)
        entering = Entering(clock, Throttle(pepper))
        self.second_steps = SecondSteps(
            store, clock, chance, entering=entering, safe=self.keyring.safe, secret=pepper
        )
        self.passkeys = Passkeys(
            store,
            clock,
            chance,
            entering=entering,
            settings=self.settings,
            public_address=self.options.origin,
        )
        self.passwords = Passwords(store, clock, settings=self.settings, hasher=hasher)
        self.sign_in = SignIn(
            store, clock, chance, settings=self.settings, outbox=self.outbox, hasher=hasher, entering=entering,
            steps=self.second_steps, public_address=self.options.origin,
        )  # fmt: skip
        self.applications = Applications(
            store, clock, chance, people=self.people, sign_in=self.sign_in, settings=self.settings,
            outbox=self.outbox, hasher=hasher, secret=pepper,
        )  # fmt: skip
        self.trades = Trades(
            store=store, books=self.books, clock=clock, scheme=self.scheme,
            corrected=self._trade_corrected, tell=lambda tx, trade: self.trade_news.given(tx, trade),  # noqa: PLW0108 - made below
        )  # fmt: skip
        self.calendar_feeds = CalendarFeeds(store, secret=pepper, origin=self.options.origin)
        self.telling = Telling(self.outbox, self.settings, clock, self.options.origin, self.wishes)
        self.trade_news = TradeNews(self.telling, clock)
        self.tokens = Tokens(
            store=store,
            clock=clock,
            books=self.books,
            trades=self.trades,
            settings=self.settings,
            telling=self.telling,
        )
        self.cheques = Cheques(
            store=store, clock=clock, trades=self.trades, telling=self.telling, abroad=lambda: self.cheques_abroad
        )  # fmt: skip
        self.paper_notes = PaperNotes(store, clock)
        self.acting = Acting(store=store, clock=clock, telling=self.telling)
        self.asks = Asks(
            store=store,
            clock=clock,
            chance=chance,
            trades=self.trades,
            settings=self.settings,
            telling=self.telling,
        )
        self.ask_silence = AskSilence(
            store=store, clock=clock, trades=self.trades, settings=self.settings, telling=self.telling
        )
        self.jobs.append(Job("count-silence", HOUR_S, self._unless_paused(self.ask_silence.look)))
        telling = EventTelling(self.outbox, self.settings, clock, self.options.origin)
        self.events = Events(
            store=store, clock=clock, chance=chance, telling=telling, tell_abroad=self._tell_abroad
        )  # fmt: skip
        self.group_money = CircleAccountTelling(
            self.outbox, self.settings, clock, self.options.origin, self.wishes
        )
        self.circle_accounts = CircleAccounts(
            store=store, clock=clock, chance=chance, books=self.books, trades=self.trades, telling=self.group_money
        )  # fmt: skip
        self.circle_givings = CircleGivings(
            store=store, clock=clock, accounts=self.circle_accounts, telling=self.group_money
        )
        self.jobs.append(Job("lapse-givings", HOUR_S, self.circle_givings.look))
        self.things = Things(
            store=store, clock=clock, telling=ThingTelling(self.outbox, self.settings, clock, self.options.origin, self.wishes)
        )  # fmt: skip
        self.circles = Circles(
            store=store, clock=clock, chance=chance, proposals=self.proposals, events=self.events, accounts=self.circle_accounts,
            things=self.things, telling=circle_telling,
        )  # fmt: skip
        self.circle_board = CircleBoard(store=store, clock=clock)
        self.remarks = Remarks(store=store, clock=clock)
        self.event_settling = EventSettling(
            store=store, clock=clock, trades=self.trades, telling=telling, visitors=lambda: self.events_abroad
        )  # fmt: skip
        self.pay_codes = PayCodes(store=store, clock=clock, chance=chance, trades=self.trades, secret=pepper)
        self.standing = StandingOrders(
            store=store, clock=clock, chance=chance, trades=self.trades, telling=self.telling, zone=LOCALTZ,
            most_due=lambda tx, no: self.loans.most_due(tx, no),  # noqa: PLW0108 - made below
            turn_paid=lambda tx, no, trade: self.loans.turn_paid(tx, no, trade),  # noqa: PLW0108 - made below
        )  # fmt: skip
        self.loans = Loans(
            store=store, clock=clock, chance=chance, trades=self.trades, standing=self.standing, telling=self.telling,
            zone=LOCALTZ,
        )  # fmt: skip
        self.chest = Chest(
            store=store, clock=clock, chance=chance, books=self.books, trades=self.trades, settings=self.settings,
            telling=FeeTelling(self.outbox, self.settings, clock, self.options.origin), zone=LOCALTZ, scheme=self.scheme,
        )  # fmt: skip
        self.jobs.append(Job("fees", LOOK_AT_FEES_S, self._unless_paused(self.chest.look)))
        self.jobs.append(Job("standing-orders", LOOK_AT_ORDERS_S, self._unless_paused(self.standing.look)))
        self._picture_maker = PictureMaker()
        self.pictures = Pictures(store=store, clock=clock, chance=chance, maker=self._picture_maker)
        self.jobs.append(Job("drop-pictures", HOUR_S, self.pictures.drop_unused))
        self.jobs.append(Job("forget-pay-codes", HOUR_S, self.pay_codes.forget_old))
        self.jobs.append(Job("tidy-sign-in", HOUR_S, self.sign_in.tidy))
        self.jobs.append(Job("tidy-passkeys", HOUR_S, self.passkeys.tidy))
        self.backing_up = BackingUp(store=store, clock=clock)
        self.rehearsals = Rehearsals(store=store, clock=clock, run=self.options.rehearse)
        self.troubles = Troubles(
            store=store, clock=clock, outbox=self.outbox, settings=self.settings, origin=self.options.origin,
            page="/admin" if self.options.hosted else "/node",
        )  # fmt: skip

    def _wire_federation(self, dial: Dial, network: Network, offload: Offload) -> None:
        store, clock, chance = self.store, self.clock, self.chance
        self.dispatch = Dispatch()
        self.directory = Directory(store=store, keyring=self.keyring, clock=clock)
        self.descriptor = OwnDescriptor(
            self.keyring, clock, lambda: self.settings.now, self.options.addresses
        )
        self.links = Links(
            own=self.scheme,
            handshaker=Handshaker(Credentials(self.keyring), self.directory, clock, chance),
            dial=dial,
            dispatch=self.dispatch,
            quarantine=Quarantine(store, clock).take,
            chance=chance,
            is_friend=lambda scheme: scheme in self.routes.neighbours,
        )
        self.peers = Peers(
            store=store, clock=clock, links=self.links, directory=self.directory, network=network, own=self.scheme,
            allow_lan=self.options.allow_lan,
        )  # fmt: skip
        self.introductions = Introductions(
            links=self.links, dispatch=self.dispatch, directory=self.directory, clock=clock, own=self.descriptor,
            described=self.peers.described,
        )  # fmt: skip
        self.jobs.append(Job("refresh-descriptors", 6 * HOUR_S, self.peers.refresh))
        self.routes = Routes(
            store=store, clock=clock, own=self.scheme, connected=lambda scheme: scheme in self.links.live
        )
        self.routes.watch(self.links.look_again)
        self.evidence = EvidenceService(
            store=store, clock=clock, links=self.links, dispatch=self.dispatch, directory=self.directory,
            routes=self.routes, own=self.scheme, offload=offload,
        )  # fmt: skip

    def _wire_gossip(self, offload: Offload) -> None:
        store, clock = self.store, self.clock
        self.own_feed = OwnFeed(store=store, keyring=self.keyring, clock=clock)
        self.gossip = Gossip(
            store=store, clock=clock, chance=self.chance, links=self.links, dispatch=self.dispatch,
            directory=self.directory, routes=self.routes, own_feed=self.own_feed, own=self.scheme, offload=offload,
        )  # fmt: skip
        self.announcements = Announcements(
            store=store, clock=clock, own=self.scheme, own_feed=self.own_feed, routes=self.routes,
            settings=lambda: self.settings.now,
        )  # fmt: skip
        self.market = Market(
            store=store, clock=clock, chance=self.chance, own=self.scheme, own_feed=self.own_feed,
            on_withdrawn=self._listing_withdrawn,
        )  # fmt: skip
        self.pictures_abroad = PicturesAbroad(
            store=store, clock=clock, links=self.links, dispatch=self.dispatch, routes=self.routes, own=self.scheme,
            maker=self._picture_maker,
        )  # fmt: skip
        self.jobs.append(Job("drop-pictures-abroad", HOUR_S, self.pictures_abroad.drop_old))
        self.alerts = Alerts(
            store=store, clock=clock, outbox=self.outbox, settings=self.settings, wishes=self.wishes, cards=self.market.cards,
            own=self.scheme, origin=self.options.origin, zone=LOCALTZ, offload=offload,
        )  # fmt: skip
        self.jobs.append(Job("saved-searches", LOOK_FOR_WANTED_S, self.alerts.look))
        self.jobs.append(Job("forget-found", HOUR_S, self.alerts.forget_old))
        self.reports = Reports(
            store=store,
            clock=clock,
            market=self.market,
            board=self.circle_board,
            remarks=self.remarks,
            own=self.scheme,
        )
        self.indexer = Indexer(store=store, own=self.scheme)
        self.gossip.watch(self.indexer.changed)
        self.imports = Imports(
            store=store, clock=clock, books=self.books, people=self.people, market=self.market, settings=self.settings,
            trades=self.trades, offload=offload, zone=LOCALTZ,
        )  # fmt: skip
        self.jobs.append(Job("forget-imports", HOUR_S, self.imports.forget_old))
        self.jobs.append(Job("lapse-listings", HOUR_S, self.market.lapse))
        self.bookings = Bookings(
            store=store, clock=clock, telling=BookingTelling(self.outbox, self.settings, clock, self.options.origin),
            deposits=Deposits(self.books, self.trades, lambda tx, trade: self.group_money.moved(tx, trade, None)), wall=lambda ms: wall_hour(ms, LOCALTZ),
            tell_abroad=lambda tx, booking, said: self.bookings_abroad.tell(tx, booking, said),  # noqa: PLW0108 - made below
        )  # fmt: skip
        self.jobs.append(Job("remind-bookings", HOUR_S, self.bookings.remind))

    def _wire_trading(self) -> None:
        self.named_from_paper = NamedFromPaper(self.clock)
        self.quotes = QuoteService(
            store=self.store, keyring=self.keyring, clock=self.clock, chance=self.chance, links=self.links,
            dispatch=self.dispatch, directory=self.directory, routes=self.routes, unit=self._unit,
            payee_by_listing=self.market.payee_by_listing, name_of=public_name,
            pauses=lambda: self.settings.now.is_paused(self.clock.now_ms()), named=self.named_from_paper.find,
            trades_with=lambda scheme: scheme in self.routes.neighbours,
            room_to=self._room_to, credit_to=lambda scheme: self.lines.credit_to(scheme),  # noqa: PLW0108 - made below
        )  # fmt: skip
        self.lines = LineService(
            store=self.store, keyring=self.keyring, clock=self.clock, chance=self.chance, links=self.links,
            dispatch=self.dispatch, directory=self.directory, books=self.books,
            acceptance_of=self.quotes.notes.acceptance_of, on_payment_ended=self._payment_ended, tell=self.trade_news.ended_abroad,
            on_lines=self.routes.lines_changed, owed_ceiling=lambda: self.settings.now.owed_ceiling,
            misdeeds=self.evidence,
        )  # fmt: skip
        self.neighbours = Neighbours(store=self.store, lines=self.lines, books=self.books)
        self.helpers = Helpers(
            store=self.store, clock=self.clock, settings=self.settings, telling=self.telling, zone=LOCALTZ
        )
        self.helping = Helping(
            store=self.store, clock=self.clock, settings=self.settings, telling=self.telling, zone=LOCALTZ
        )
        self.jobs.append(Job("remind-helpers", HOUR_S, self.helpers.remind))
        self.gifts = Gifts(
            store=self.store, clock=self.clock, own=self.scheme, market=self.market, letters=lambda: self.letters,
            settings=self.settings, telling=self.telling, requests=lambda: self.requests,
        )  # fmt: skip
        self.events_abroad = EventsAbroad(
            store=self.store, clock=self.clock, chance=self.chance, settings=self.settings, zone=LOCALTZ,
            events=self.events, requests=lambda: self.requests, asks=lambda: self.asks_abroad,
        )  # fmt: skip
        self.jobs.append(Job("end-events-abroad", HOUR_S, self.events_abroad.look))
        self.bookings_abroad = BookingsAbroad(
            store=self.store, clock=self.clock, chance=self.chance, settings=self.settings, bookings=self.bookings,
            requests=lambda: self.requests, telling=self.telling,
        )  # fmt: skip
        self.jobs.append(Job("end-bookings-abroad", HOUR_S, self.bookings_abroad.look))
        self.swaps_abroad = SwapsAbroad(
            store=self.store, clock=self.clock, settings=self.settings, telling=self.telling,
            take_down=lambda tx, key, member: self.swaps.take_down(tx, key, member),  # noqa: PLW0108 - made below
            requests=lambda: self.requests, chance=self.chance, asks=lambda: self.asks_abroad,
        )  # fmt: skip
        self.jobs.append(Job("end-swaps-abroad", HOUR_S, self.swaps_abroad.look))
        self.pledges = Pledges(
            store=self.store, clock=self.clock, books=self.books, settings=self.settings, telling=self.telling,
            quotes=self.quotes, settlement=lambda: self.settlement,
            say=lambda *said: self.requests.say_in(*said),  # noqa: PLW0108 - made below
            has_ended=self.directory.has_ended,
        )  # fmt: skip
        self.jobs.append(Job("ask-about-deposits", HOUR_S, self.pledges.look))
        self.jobs.append(Job("pay-deposits", PAY_EVERY_S, self._unless_paused(self.pledges.pay_due)))
        self.requests = RequestsAbroad(
            store=self.store, clock=self.clock, chance=self.chance, own=self.scheme, letters=lambda: self.letters,
            settings=self.settings, telling=self.telling, kinds={
                GIFT: self.gifts, EVENT: self.events_abroad, SWAP: self.swaps_abroad, **dict.fromkeys(BOOKABLE, self.bookings_abroad),
            },
            placed=placed_here, pledges=self.pledges,
        )  # fmt: skip
        self.swap_answers = SwapAnswers(
            store=self.store, clock=self.clock, settings=self.settings, requests=self.requests
        )
        self.swaps = Swaps(
            store=self.store, clock=self.clock, chance=self.chance, own=self.scheme, trades=self.trades,
            market=self.market, settings=self.settings,
            telling=SwapTelling(
                own=self.scheme, letters=lambda: self.letters, settings=self.settings, telling=self.telling
            ),
        )  # fmt: skip
        self.jobs.append(Job("look-at-swaps", HOUR_S, self.swaps.look))
        self.days = Days(
            store=self.store, clock=self.clock, chance=self.chance, own=self.scheme, letters=lambda: self.letters,
            settings=self.settings, telling=self.telling,
        )  # fmt: skip
        self.parting = Parting(
            store=self.store,
            clock=self.clock,
            books=self.books,
            market=self.market,
            leaving=self._leave,
        )
        self.erasure = Erasure(
            store=self.store, own=self.scheme, own_feed=self.own_feed, renew_copies=self._renew_copies,
        )  # fmt: skip
        self.jobs.append(Job("finish-erasures", HOUR_S, self.erasure.finish))
        self.closing_down = ClosingDown(
            store=self.store, clock=self.clock, settings=self.settings, market=self.market, neighbours=self.neighbours,
            own=self.scheme, telling=ClosingTelling(self.outbox, self.settings, self.clock, self.options.origin, zone=LOCALTZ),
        )  # fmt: skip
        self.jobs.append(Job("close-down", HOUR_S, self.closing_down.look))
        self.joint_acts = JointActs(
            store=self.store,
            lines=self.lines,
            books=self.books,
            keyring=self.keyring,
            erasure=self.erasure,
            kept=KeptByTwo(self.bookings, self.pledges),
            steps=self.second_steps,
            chest=self.chest,
            closing_down=self.closing_down,
            silence=self.ask_silence,
        )
        self.marks = Marks(store=self.store, lines=self.lines)
        self.jobs.append(Job("mark-lines", HOUR_S, self.marks.write))
        self.asks_abroad = AsksAbroad(
            store=self.store, clock=self.clock, chance=self.chance, own=self.scheme, letters=lambda: self.letters,
            allowed=lambda: self.settings.now.asks_abroad, telling=self.telling,
        )  # fmt: skip
        self.letters = Letters(
            store=self.store, keyring=self.keyring, clock=self.clock, chance=self.chance, links=self.links,
            dispatch=self.dispatch, directory=self.directory, routes=self.routes, handle_in=self.quotes.promises.handle_in,
            refuses=self._refuse_letter, takes=self._take_letter, named=self.named_from_paper.find,
        )  # fmt: skip
        self.afterwards = Afterwards(
            store=self.store, clock=self.clock, letters=self.letters, trades=self.trades, telling=self.telling,
            name=lambda: self.settings.now.name,
        )  # fmt: skip
        self.recovery = Recovery(
            store=self.store, clock=self.clock, links=self.links, identity=self.keyring.identity,
            safe=self.keyring.safe, stop_lost=self.lines.units.stop_where_both_lost, offload=self.offload,
        )  # fmt: skip
        self.jobs.append(Job("both-lost", LOOK_EVERY_S, self.recovery.look_for_lost))
        self.keeping = Keeping(
            store=self.store, dispatch=self.dispatch, neighbours=lambda: self.routes.neighbours
        )
        self.keepers = Keepers(
            store=self.store, clock=self.clock, keyring=self.keyring, pepper=self._keys.pepper, links=self.links,
            neighbours=lambda: self.routes.neighbours, ahead=self.recovery.copy_is_newer, offload=self.offload,
        )  # fmt: skip
        if self.options.keep_copies:
            self.jobs.append(Job("keep-copy", KEEP_EVERY_MS / 1000, self.keepers.send_now))
        self.witness = Witness(
            store=self.store, clock=self.clock, keyring=self.keyring, links=self.links, dispatch=self.dispatch,
            directory=self.directory, neighbours=lambda: self.routes.neighbours, evidence=self.evidence,
        )  # fmt: skip
        self.jobs.append(Job("checkpoint", CHECKPOINT_EVERY_MS / 1000, self.witness.turn))
        self.receipts = Receipts(
            keyring=self.keyring, directory=self.directory, descriptor=self.descriptor, offload=self.offload,
            prove=lambda tx, seq: proof_in(tx, seq, quorum(len(self.routes.neighbours))),
        )  # fmt: skip
        self.closing = Closing(keyring=self.keyring, clock=self.clock, receipts=self.receipts)
        self.settlement = Settlement(store=self.store, clock=self.clock, lines=self.lines, quotes=self.quotes)
        self.cheques_abroad = ChequesAbroad(
            store=self.store, clock=self.clock, chance=self.chance, own=self.scheme, letters=lambda: self.letters,
            quotes=self.quotes, settlement=self.settlement, asks=self.asks_abroad, settings=self.settings, telling=self.telling,
        )  # fmt: skip
        self.jobs.append(Job("forget-old-quotes", FORGET_QUOTES_S, self.quotes.forget_old))

    # --- what services ask of each other -----------------------------------------------------------------------

    def _room_to(self, scheme: SchemeId) -> int:
        return self.lines.room_to(scheme)  # made after the quotes that ask

    @property
    def scheme(self) -> SchemeId:
        """The scheme this node serves."""
        return self.keyring.scheme

    def _trade_corrected(self, tx: Tx, no: int) -> None:
        self.loans.trade_corrected(tx, no)  # made after the trades that ask
        self.tokens.trade_corrected(tx, no)
        self.chest.trade_corrected(tx, no)
        if (correction := trade_by_no(tx, no).corrected_by_no) is not None:
            self.group_money.moved(tx, trade_by_no(tx, correction), None)

    def _tell_abroad(self, tx: Tx, hosted: Hosted, event: OwnEvent, who: int, news: News) -> None:
        self.events_abroad.tell(tx, hosted, event, who, news)  # made after the events that call it

    def _take_letter(self, tx: Tx, thread: Thread, text: LetterText) -> None:
        self.asks_abroad.takes(tx, thread, text)
        self.cheques_abroad.takes(tx, thread, text)
        self.afterwards.takes(tx, thread, text)
        self.days.takes(tx, thread, text)
        self.requests.takes(tx, thread, text)

    def _refuse_letter(
        self, tx: ReadTx, sender: SchemeId, text: LetterText, account_no: int | None
    ) -> str | None:
        asked = self.asks_abroad.refuses(tx, sender, text, account_no)
        asked = asked or self.cheques_abroad.refuses(sender, text)
        return asked or self.requests.refuses(tx, sender, text, account_no)

    def _listing_withdrawn(self, tx: Tx, key: ItemKey) -> None:
        self.gifts.ended_in(tx, key)
        self.swaps.ended_in(tx, key)
        self.swaps_abroad.ended_in(tx, key)

    def _leave(self, tx: Tx, member: Member) -> None:
        self.gifts.leave_in(tx, member)
        self.requests.leave_in(tx, member)
        self.swaps.leave_in(tx, member)
        self.swaps_abroad.leave_in(tx, member)
        self.days.leave_in(tx, member)
        self.helping.leave_in(tx, member)
        self.bookings.leave_in(tx, member.account_no)
        self.things.leave_in(tx, member.no)
        self.events.withdraw_in(tx, member.no)
        self.circles.leave_in(tx, member)
        self.proposals.leave_in(tx, member.no)

    def _unit(self) -> OwnUnit:
        return OwnUnit(self.settings.now.unit_code, self.settings.rate())

    def _renew_copies(self) -> None:
        self.keepers.renew()  # made after the erasures that ask

    def _payment_ended(self, no: int, state: str) -> None:
        self.settlement.payment_ended(no, state)  # made after the lines that call it

    # --- life --------------------------------------------------------------------------------------------------

    def _unless_paused(self, work: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        """Return a job that moves something, which waits while the node is looked after or when the scheme has closed."""

        async def do() -> None:
            if not self.settings.now.is_paused(self.clock.now_ms()):
                await work()

        return do

    async def load(self) -> None:
        """Take what is stored into memory; afterwards everything that needs no network works."""
        await self.settings.load()
        await fold_anew(self.store, self.scheme)
        await self.directory.load()
        await self.peers.load()
        await self.routes.load()
        await self.gossip.load()
        await self.indexer.load()
        await self.evidence.load()

    async def note_start(self) -> None:
        """Note that this process may write from now on: no copy from before goes on from these books. Source: 6.7 (g)."""
        await self.store.write(note_boot, self.links.boot, self.clock.now_ms())

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Keep in touch with other nodes until `stop`; `ready` is called once everything runs.

        Only what cannot repair itself ends it with an error, and then the whole node should be started again.
        """
        await self.note_start()
        await self.lines.boot()
        await self.market.index_lacking()
        async with asyncio.TaskGroup() as tasks:
            loops = [
                tasks.create_task(work(), name=work.__qualname__)
                for work in (self.links.run, self.lines.run, self.settlement.run, self.routes.run, self.gossip.run,
                             self.announcements.run, self.indexer.run, self.letters.run, self.outbox.run, self.evidence.run,
                             self._serve_quotes, self._do_jobs)
            ]  # fmt: skip
            log.info("node_runs", scheme=scheme_text(self.scheme))
            ready()
            await self._stopping.wait()
            self.links.stop()
            await asyncio.wait(loops[:1], timeout=LINKS_END_S)
            for loop in loops:
                loop.cancel()

    async def _serve_quotes(self) -> None:
        watching, own_log = self.witness.tasks, self.witness.own_log.tasks
        async with (
            self.quotes.tasks,
            self.recovery.tasks,
            self.keeping.tasks,
            self.pictures_abroad.tasks,
            watching,
            own_log,
        ):
            await asyncio.Event().wait()

    async def _do_jobs(self) -> None:
        await run_jobs(self.jobs)

    async def start(self) -> None:
        """Run in a task of its own; returns once everything runs. For simulated nodes; `serve` runs `run`."""
        ready = asyncio.Event()
        self._running = asyncio.get_running_loop().create_task(self.run(ready.set))
        waiting = asyncio.get_running_loop().create_task(ready.wait())
        await asyncio.wait({self._running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._running.done():
            await self._running

    async def stop(self) -> None:
        """End what `start` began, saying goodbye to other nodes. The store stays open: who made it closes it."""
        self._stopping.set()
        if self._running is not None:
            await self._running

    async def crash(self) -> None:
        """End what `start` began at once, as a power cut would; the store has crashed already."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    async def _dial_peer(self, scheme: SchemeId) -> Channel:
        return await self.peers.dial(scheme)

    async def identity_log(self, scheme: SchemeId) -> tuple[bytes, ...] | None:
        """Return the identity events of a scheme known here, for the door."""
        return self.directory.log(scheme) or None


def public_name(tx: ReadTx, account_no: int) -> str | None:
    """Return what other schemes may see of whoever has this account; None for a member who does not trade now."""
    member = member_by_account(tx, account_no)
    if member is None:
        return ""  # the chest, say
    return member.public_name if member.may_trade else None
