"""Every number of the protocol, with its unit and its reason, in the order of docs/protocol.md.

The name carries the unit; `_max` is included. A number that shapes only this node (a queue, a pool) lives
in the node's configuration. The bounds of LC1 itself (bytes, depth) are in `crypto/canonical.py`.
"""

from __future__ import annotations

from typing import Final

# Lengths of time, for the numbers below; moments are ms UTC.
# Times are milliseconds, UTC (1.5).
MINUTE_MS: Final = 60 * 1000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

# --- 1 Encoding --------------------------------------------------------------------------------------------

# 2**53 - 1, so that every amount and moment survives a JavaScript client.
AMOUNT_MAX: Final = 2**53 - 1
TIME_MS_MAX: Final = 2**53 - 1
# A sequence number never comes near it; the bound lets a decoder refuse nonsense early.
SEQ_MAX: Final = 2**53 - 1
# Both parts of a rate, so that their products with an amount are easy to check in any language.
RATE_PART_MAX: Final = 2**32 - 1

# --- 2 Identity --------------------------------------------------------------------------------------------

# Root keys and next keys in one event. Room for a board of organisers; version 1 uses one.
ROOT_KEYS_MAX: Final = 16
# The only threshold version 1 accepts; larger ones are in the format and come later.
THRESHOLD_SUPPORTED: Final = 1
# Events in one identity log: a key of each purpose delegated and revoked monthly for 50 years is 10,800. A
# longer log is refused, so that a hostile scheme cannot make its followers store without end.
IDENTITY_EVENTS_MAX: Final = 16_384

# The descriptor (2.2, 9.1). It is fetched before anything is known about the other side, so it stays small.
DESCRIPTOR_NAME_BYTES_MAX: Final = 160
UNIT_NAME_BYTES_MAX: Final = 64
DESCRIPTOR_ADDRESSES_MAX: Final = 8
ADDRESS_BYTES_MAX: Final = 255  # a DNS name has at most 253
DESCRIPTOR_TLS_HASHES_MAX: Final = 4  # the certificate in use, the next one, and room for two listeners
DESCRIPTOR_VERSIONS_MAX: Final = 8
PROTOCOL_VERSION_MAX: Final = 2**16 - 1
# A descriptor is signed again at every start and monthly; past 90 days its addresses are hearsay.
DESCRIPTOR_VALID_MS_MAX: Final = 90 * DAY_MS
# Minor units in one unit of a scheme: 60 for hours in minutes, 100 for cents; more than six digits nobody reads.
MINOR_PER_UNIT_MAX: Final = 1_000_000

# --- 3 The ledger ------------------------------------------------------------------------------------------

# Accounts one posting touches: a shared meal of thirty people is one entry.
POSTING_LEGS_MAX: Final = 32
ENTRY_TEXT_BYTES_MAX: Final = 1_000  # what the trade was for
ENTRY_NAME_BYTES_MAX: Final = 160  # of each party and of whoever did it, kept in the erasable words
ENTRY_REASON_BYTES_MAX: Final = 400  # why a broker or an organiser did it for somebody
# A passkey assertion with its client data; an empty proof for every other way.
ENTRY_PROOF_BYTES_MAX: Final = 2 * 1024

# A standing order has an end: five years of weeks, or twenty-one of months (3.6).
STANDING_TURNS_MAX: Final = 260
# As long as a turn that a limit hinders is tried: payday, or a friend's yes, comes within a week.
STANDING_TRIED_DAYS: Final = 7
STANDING_RUNNING_MAX: Final = 20  # of one payer: nobody keeps more in mind
# An offer of a loan is answered as a request for payment is (3.7).
LOAN_OFFER_VALID_MS: Final = 14 * DAY_MS
LOANS_OFFERED_MAX: Final = 5  # of one lender that wait for an answer; one to each borrower
# A fee that is new is known two weeks before it counts: longer than most people are away (3.8).
FEE_NOTICE_DAYS: Final = 14
# A scheme that closes says so as long before; afterwards members have a month or more to fetch what is theirs (2.4).
CLOSING_NOTICE_DAYS: Final = 14
CLOSING_AHEAD_DAYS_MAX: Final = 366
CLOSED_READABLE_DAYS_MIN: Final = 30
CLOSED_READABLE_DAYS_MAX: Final = 731
FEE_SHARE_MAX: Final = 1000  # hundredths of a hundredth: a tenth of what was traded
FEE_RULES_MAX: Final = 20  # that run or wait for a yes

# --- 4 Log, checkpoints, witnesses -------------------------------------------------------------------------

# What other tools for public logs count with, so that no checkpoint of theirs is unreadable.
LOG_SIZE_MAX: Final = 2**63 - 1
# Every reader accepts 16 signatures, later kinds of up to 5 kB among them. Ours has one by the log and one of each
# witness: 12 neighbours and 32 more.
SIGNED_NOTE_BYTES_MAX: Final = 128 * 1024
SIGNED_NOTE_LINES_MAX: Final = 64
# A request to cosign, by the rules of tlog-witness: a proof of at most 63 hashes and a note.
WITNESS_PROOF_HASHES_MAX: Final = 63
WITNESS_REQUEST_BYTES_MAX: Final = SIGNED_NOTE_BYTES_MAX + 4 * 1024
# An entry bundle counts the bytes of an entry in two; a body has 16 KiB at most (1.1).
BUNDLE_ENTRY_BYTES_MAX: Final = 2**16 - 1
TILE_WIDTH: Final = 256  # hashes of one tile, or entries of one bundle
TILE_LEVEL_MAX: Final = 63
PROOF_EXTRA_BYTES_MAX: Final = (
    64 * 1024
)  # what other writers send along with a proof; receipts have nothing there
CHECKPOINT_EVERY_MS: Final = MINUTE_MS  # while something was entered since the last (4.2)
CHECKPOINT_AT_LEAST_MS: Final = DAY_MS  # and when nothing was, so that readers see that the log lives
# Logs a node witnesses besides those of its line peers (4.3): a few kilobytes each, and one signature a minute.
WITNESSED_OTHERS_MAX: Final = 32
# Notes of one CHECKPOINTS frame, and of one scheme that are kept to compare others with: half an hour's.
CHECKPOINTS_MAX: Final = 64
CHECKPOINTS_SEEN_MAX: Final = 32
# A note in a session or in evidence: the three lines of a checkpoint and a signature of each witness at most.
CHECKPOINT_BYTES_MAX: Final = 16 * 1024

# --- 4.4 Receipts ------------------------------------------------------------------------------------------

# An entry, two schemes with the identity events of some decades, and those of the witnesses.
RECEIPT_BYTES_MAX: Final = 240 * 1024
# Cosignatures one receipt carries: more than a quorum of the neighbours a scheme may have.
RECEIPT_WITNESSES_MAX: Final = 16
# A tlog-proof of at most 64 hashes, and a checkpoint with a signature of each of them.
RECEIPT_PROOF_BYTES_MAX: Final = 16 * 1024
# Schemes with which something stands, in the sheet of a closed period (4.5).
SHEET_LINES_MAX: Final = 512

# --- 5 Feeds -----------------------------------------------------------------------------------------------

# The longest an item lives without being written anew: a year, and time to notice that it ends.
ITEM_LIFE_MS_MAX: Final = 400 * DAY_MS
# How far the clocks of two schemes may differ before a new item looks as if it came from the future.
ITEM_AHEAD_MS_MAX: Final = 10 * MINUTE_MS
# Quotas for one feed, settable per neighbour (5.6). A scheme of 5,000 members lists about 10,000 things.
FEED_LIVE_ITEMS_MAX: Final = 20_000
FEED_WRITES_A_DAY_MAX: Final = 2_000
ITEM_BYTES_MAX: Final = 8 * 1024  # the wire form
# A feed is stored only if its scheme is within this many mutually signed peerings of ours.
FEED_PEERINGS_MAX: Final = 4
# A head is signed again at least daily; a second day bridges a power cut before the feed is shown as stale.
HEAD_SIGNED_EVERY_MS: Final = DAY_MS
HEAD_VALID_MS: Final = 2 * DAY_MS
HEAD_VALID_MS_MAX: Final = 8 * DAY_MS  # longer would make a silent scheme look alive
STALE_FEED_KEPT_MS: Final = 60 * DAY_MS  # past valid_until
# A restored feed goes on this far above the highest number seen, so that it never reuses one (6.7 i).
FEED_SEQ_RESTORE_STEP: Final = 1_000
PROFILE_TEXT_BYTES_MAX: Final = 2_000
PEERING_MODES_MAX: Final = 8
# An amount of at most 53 bits has one of 54 classes, from 0 (nothing) to 53.
CAPACITY_CLASS_MAX: Final = 53

# Listings.
LISTING_TITLE_BYTES_MAX: Final = 160
LISTING_TEXT_BYTES_MAX: Final = 4_000
LISTING_CASH_BYTES_MAX: Final = 120  # "and 5 pounds for the flour"
LISTING_OWNER_BYTES_MAX: Final = 80
LISTING_PICTURES_MAX: Final = 4
LISTING_PICTURE_TEXT_BYTES_MAX: Final = 200
PICTURE_BYTES_MAX: Final = 200 * 1024  # a full one (5.7): it fits into a frame
CONDITION_PICTURES_MAX: Final = 4  # of one side, of one thing lent once (5.9)
CONDITION_WORDS_BYTES_MAX: Final = 480  # 120 characters
THUMBNAIL_BYTES_MAX: Final = 20 * 1024  # a page of them comes over a slow line in seconds
# People who would like one thing that is given away: a giver reads through them all.
GIFT_WISHES_MAX: Final = 50
GIFT_WORDS_CHARACTERS_MAX: Final = 280  # to a wish, or to a promise
TOKENS_AT_ONCE_MAX: Final = 500  # tokens sold or taken back by one act at the desk
HELP_OPEN_MAX: Final = 10  # requests for help of one member that have not ended
HELP_ASKED_MAX: Final = 12  # helpers who are asked at one time about one request
LISTING_LIFE_MS: Final = 183 * DAY_MS  # unless the owner says otherwise: half a year

# --- 5.9 Bookings ------------------------------------------------------------------------------------------

# Steps (hours, days or nights) of one booking: a thing lent for a whole year is given away.
BOOKING_STEPS_MAX: Final = 366
# Nobody plans further ahead than a listing may live.
BOOKING_AHEAD_HOURS_MAX: Final = 400 * 24
BOOKING_GUESTS_MAX: Final = 50  # a village hall's floor
# Of one member's bookings, how many may be open: asked for, waited for, agreed or out. A family on holiday has a tent,
# bicycles and a roof rack.
BOOKINGS_OPEN_MAX: Final = 30
# And of one thing: more would keep others from it.
BOOKINGS_OPEN_OF_ONE_MAX: Final = 5
BOOKINGS_WAITING_MAX: Final = 20  # in line for one thing
BOOKING_WORDS_CHARACTERS_MAX: Final = 280  # said with an act: what for, in what condition
THING_OWNERS_MAX: Final = 6  # of one thing, with whoever lists it: a house of flats with one ladder
BOOKING_REMINDED_EVERY_MS: Final = 3 * DAY_MS  # while a thing is overdue
# Events (5.11). A hall full of people, counted by answers: each change of one reads them all.
EVENT_GUESTS_MAX: Final = 500
# Places of one that costs or gives units: its host looks over all names and amounts on one page.
EVENT_PAID_PLACES_MAX: Final = 50
EVENT_SETTLE_MS: Final = 30 * DAY_MS  # after it ended, while its host remembers who was there
EVENT_AHEAD_MS_MAX: Final = 400 * DAY_MS  # as long as an item may live
EVENT_LENGTH_MS_MAX: Final = 7 * DAY_MS
EVENT_DATES_MAX: Final = 60  # of one that repeats: weekly for a year, and some weeks
EVENTS_OF_ONE_MAX: Final = 120  # ahead of one host at a time: two that repeat
EVENT_COMMENT_CHARACTERS_MAX: Final = 1_000
EVENT_COMMENTS_MAX: Final = 500  # under one event
EVENT_REASON_CHARACTERS_MAX: Final = 280  # why it was cancelled
LIFT_SEATS_MAX: Final = 8  # free ones in a minibus: more need another licence in most places
# Groups (5.12). Everybody knows everybody, or could: a keeper reads the whole list, and each act about one person reads it too.
CIRCLE_PEOPLE_MAX: Final = 500  # in one, or asking to be
CIRCLES_MAX: Final = 300  # in one scheme: a list that is read through
CIRCLES_KEPT_MAX: Final = 10  # by one person: each wants to be looked after
CIRCLE_TREASURERS_MAX: Final = 5  # of a group's account
# What one treasurer wants given waits so long for a second: who meets at the weekly market has met.
GROUP_GIVING_WAITS_MS: Final = 7 * DAY_MS
GROUP_GIVINGS_WAITING_MAX: Final = 20  # at one account
CIRCLE_NAME_CHARACTERS_MAX: Final = 60
CIRCLE_PURPOSE_CHARACTERS_MAX: Final = 1_000
CIRCLE_NOTES_MAX: Final = 500  # on one board; then the oldest that is not pinned makes room
CIRCLE_PINNED_MAX: Final = 3  # more would push what is new off the first page
CIRCLE_NOTE_TITLE_CHARACTERS_MAX: Final = 80
CIRCLE_NOTE_CHARACTERS_MAX: Final = 2_000
CIRCLE_REPLIES_MAX: Final = 300  # under one note: they are read on one page
CIRCLE_REPLY_CHARACTERS_MAX: Final = 1_000
CIRCLE_REASON_CHARACTERS_MAX: Final = 280  # why a note was taken off
# Decisions (5.13). Six options still fit on a telephone without looking back and forth.
PROPOSAL_OPTIONS_MAX: Final = 6
PROPOSAL_OPTION_CHARACTERS_MAX: Final = 120
PROPOSAL_TITLE_CHARACTERS_MAX: Final = 120
PROPOSAL_TEXT_CHARACTERS_MAX: Final = 4_000
PROPOSAL_LENGTH_MS_MAX: Final = 90 * DAY_MS  # longer, and nobody remembers what it was about
PROPOSAL_QUORUM_MAX: Final = 10_000  # more than a scheme has members
PROPOSALS_OPEN_MAX: Final = 12  # of one group, or of the organisers, at a time: each wants to be read
PROPOSAL_COMMENTS_MAX: Final = 300
PROPOSAL_COMMENT_CHARACTERS_MAX: Final = 1_000
MINUTES_CHARACTERS_MAX: Final = 4_000
# Swaps (5.14). Whoever is to answer is reminded once, as is whoever has not said that it happened.
SWAP_VALID_MS: Final = 14 * DAY_MS  # each proposal, before it runs out
SWAP_REMIND_MS: Final = 3 * DAY_MS  # before a proposal runs out; after the other said that it happened
SWAPS_OPEN_MAX: Final = 20  # of one member, asked for and neither answered nor done
SWAP_WORDS_CHARACTERS_MAX: Final = 280  # beside a proposal

# --- 5.1, 7.1 Rates ----------------------------------------------------------------------------------------

# 3 600 000 minor units an hour: then one minor unit is one 3 600 000th, and hours never lose by rounding.
RATE_MINOR_PER_HOUR_MAX: Final = 3_600_000
RATE_NOTICE_MS: Final = 7 * DAY_MS  # between publishing a change and its coming into force

# --- 7.2 Routes --------------------------------------------------------------------------------------------

ROUTES_MAX: Final = 8  # candidates asked for at once
# Edges one search looks at; 12 neighbours and 6 hops allow three million, which no page should wait for.
ROUTE_SEARCH_STEPS_MAX: Final = 100_000

# --- 6 Lines -----------------------------------------------------------------------------------------------

# Locks one side may have open on a line. Four hundred a side keep the state of a line inside one object.
LINE_OPEN_LOCKS_MAX: Final = 400
# One neighbour's locks take at most one part in so many of a line they are passed on over (6.4): the rest is for others.
NEIGHBOUR_SHARE_OF: Final = 2
# Ops of mine the peer has not acknowledged before LOCK, LIMIT, CREDIT and MARK wait (6.5).
LINE_WINDOW_OPS: Final = 64
NOTE_BYTES_MAX: Final = 512  # the sealed note from payer to payee in a LOCK
MEMO_BYTES_MAX: Final = (
    256  # what the author needs to rebuild the effect of its own op; every memo has this length
)
MEMO_SEAL_BYTES: Final = 28  # of it, what sealing adds
SYNC_INTERVAL_MS: Final = 15_000  # while something is unacknowledged (6.5)
# A lock that is late is asked about again after a minute, then after two, four … up to once an hour (6.6).
NUDGE_FIRST_MS: Final = MINUTE_MS
NUDGE_MOST_MS: Final = HOUR_MS
# A peer in session that has acknowledged nothing for so long is given no new locks (6.6).
SILENT_AFTER_MS: Final = HOUR_MS
# A line on which something changed is stated by a MARK of each side a day after its last one (6.3).
MARK_EVERY_MS: Final = DAY_MS

# --- 6.7 (g) Keepers ---------------------------------------------------------------------------------------

KEEP_EVERY_MS: Final = (
    20_000  # so that what was written is with a keeper within a minute, a lost answer included
)
# So long a node that starts waits for the neighbour that kept its copy, before it goes on with the books it has …
WAKE_KEEPER_MS: Final = 20_000
WAKE_OTHERS_MS: Final = 3_000  # … and for the others, which may have taken its place since
KEPT_PART_BYTES_MAX: Final = 192 * 1024  # one sealed part; it travels in one frame
# For one neighbour, all its copies together: the books of some ten thousand trades, several times over.
KEPT_BYTES_MAX: Final = 256 * 1024 * 1024
KEPT_COPIES_MAX: Final = (
    3  # whole copies of one neighbour: a restored node begins a new one before anybody looks
)

# --- 7 Payments --------------------------------------------------------------------------------------------

# Schemes a payment crosses at most, the payer's not counted.
ROUTE_HOPS_MAX: Final = 6
QUOTE_VALID_MS: Final = 10 * MINUTE_MS
QUOTE_KEPT_MS: Final = (
    30 * DAY_MS
)  # past valid_until, so that a payee can always tell a late lock from a strange one
LOCK_DEADLINE_MS: Final = 10 * MINUTE_MS
# A connector starts nothing it cannot expect to finish: this much for each hop that is left (7.2).
HOP_MARGIN_MS: Final = 5_000
PAYEE_MARGIN_MS: Final = 2_000
LATE_AFTER_MS: Final = 10 * MINUTE_MS  # past the deadline: the member is told it is late; nothing moves
FROZEN_AFTER_MS: Final = 14 * DAY_MS  # late this long: two organisers may move the hold to the chest
QUOTE_TEXT_BYTES_MAX: Final = 280
QUOTE_NAME_BYTES_MAX: Final = 160
QUOTE_SEALED_BYTES_MAX: Final = 2 * 1024
PARTS_MAX: Final = 16  # of one payment (7.6); version 1 sends one

# --- 7.7 Letters -------------------------------------------------------------------------------------------

# What the clocks of two honest nodes may differ by before a moment counts as being in the future.
CLOCK_TOLERANCE_MS: Final = 10 * MINUTE_MS
# After two weeks the writer is told that nobody took the letter, and writes again or picks up the phone.
LETTER_VALID_MS_MAX: Final = 14 * DAY_MS
LETTER_TEXT_BYTES_MAX: Final = 8 * 1024  # about three pages of writing
LETTER_NAME_BYTES_MAX: Final = 160  # what the writer wants to be called
# The text with everything around it, plus what sealing adds; a letter stays far below one object.
LETTER_SEALED_BYTES_MAX: Final = 10 * 1024
# New threads a member may begin in one day across schemes.
LETTER_NEW_THREADS_A_DAY: Final = 5
# Requests about listings of other schemes: open ones of a member, or of one handle; new ones of a neighbour in a day.
REQUESTS_OPEN_MAX: Final = 20
REQUESTS_OF_A_SCHEME_A_DAY: Final = 200
REQUEST_WORDS_CHARACTERS_MAX: Final = 280
# Days proposed in one conversation that wait for an answer.
DAYS_PROPOSED_MAX: Final = 5
PROPOSAL_LINE_CHARACTERS_MAX: Final = 120  # what it is about, and where
# Cheques and slips (7.11): a member's number as written, the number on a cheque, days since 1970 (four centuries).
MEMBER_NUMBER_MAX: Final = 999_999_999
CHEQUE_NUMBER_BYTES_MAX: Final = 80
DAYS_MAX: Final = 146_097
# Numbers and names that fit nobody here, of one other scheme in a day: typing slips, and no way to try out who is a member.
CHEQUE_GUESSES_A_DAY: Final = 100
# A request for payment runs out when the letter that carries it would.
ASK_VALID_MS: Final = LETTER_VALID_MS_MAX
# Requests of one member that wait for an answer: two shared meals of thirty people.
ASKS_OPEN_MAX: Final = 60
# Of those, how many one person may be asked by another: more would be pestering.
ASKS_OPEN_OF_TWO_MAX: Final = 3
# Requests one member may send within a day.
ASKS_A_DAY_MAX: Final = 60
# A reminder is a second mail about the same thing.
ASK_REMINDED_EVERY_MS: Final = DAY_MS
ASK_REASON_CHARACTERS_MAX: Final = 280  # why not, in words
# Within a scheme it may run out sooner or later, and silence may count as a yes, with two warnings (3.11).
ASK_DAYS_MIN: Final = 3
ASK_DAYS_MAX: Final = 60
SILENCE_DAYS_MIN: Final = 7
SILENCE_DAYS_MAX: Final = 60
SILENCE_FIRST_WARNING_MS: Final = 4 * DAY_MS  # before it counts
SILENCE_LAST_WARNING_MS: Final = DAY_MS  # before it counts, and at least
SILENCE_BETWEEN_WARNINGS_MS: Final = 2 * DAY_MS  # at least
PAY_CODE_VALID_MS: Final = DAY_MS  # a market day and its evening
PAY_CODES_A_DAY_MAX: Final = 100  # of one member: a stall on a busy market
# Thanks and complaints: while people remember the trade.
AFTERWARDS_MS: Final = 30 * DAY_MS
THANKS_CHARACTERS_MAX: Final = 280
COMPLAINT_CHARACTERS_MAX: Final = 1_000
COMPLAINTS_OPEN_MAX: Final = 5  # of one member, so that organisers can read them all

# --- 9 Transport -------------------------------------------------------------------------------------------

# One frame: a few hundred ops or items, or one full picture (5.7). Objects inside keep the limit of 1.1.
FRAME_BYTES_MAX: Final = 256 * 1024
# An element costs far more to read than a byte: 256 KiB of empty arrays keep a small computer busy for a quarter of
# a second. Clocks, the frames with the shortest elements, have ten bytes for each.
FRAME_BYTES_AN_ELEMENT: Final = 8
FRAME_ELEMENTS_FREE: Final = 64
REQUEST_ID_MAX: Final = 2**32 - 1
# Of the identity log a HELLO carries: some 500 events. The rest is asked for by itself.
HELLO_IDENTITY_BYTES_MAX: Final = 128 * 1024
# Three messages over a bad line; an unproven caller holds a place no longer than this.
HANDSHAKE_TIMEOUT_MS: Final = 10_000
# Clocks this far apart are told to both admins, and past the second bound start no payment (9.2).
CLOCK_WARN_MS: Final = 20_000
CLOCK_NO_LOCKS_MS: Final = 5 * MINUTE_MS
# Routers forget a quiet connection after a minute or more; three pings go unanswered before we give up,
# which is also when a lock is no longer kept waiting for a silent neighbour (6.7 d).
PING_INTERVAL_MS: Final = 15_000
SESSION_IDLE_MS: Final = 45_000
# What one session may cost: a full feed of 20,000 items arrives in seconds, and 20 flooding neighbours
# still leave a small computer its own work. A burst is what a reconnect after a long night needs.
SESSION_BYTES_A_SECOND: Final = 4 * 1024 * 1024
SESSION_BYTES_BURST: Final = 16 * 1024 * 1024
SESSION_FRAMES_A_SECOND: Final = 5_000
SESSION_FRAMES_BURST: Final = 20_000
SESSION_CHECKS_A_SECOND: Final = 2_000
SESSION_CHECKS_BURST: Final = 20_000
# Somebody with whom no line is open has little to say: who it is, and that it would like to trade.
STRANGER_BYTES_A_SECOND: Final = 64 * 1024
STRANGER_BYTES_BURST: Final = 1024 * 1024
STRANGER_FRAMES_A_SECOND: Final = 50
STRANGER_FRAMES_BURST: Final = 1_000
STRANGER_CHECKS_A_SECOND: Final = 50
STRANGER_CHECKS_BURST: Final = 1_000
# Frames read and not yet handled; then reading stops and the sender feels it.
SESSION_INBOX_FRAMES: Final = 64
SESSION_INBOX_BYTES: Final = 1024 * 1024  # read, they take up to ten times as much memory
# Frames waiting to be sent, in each class, and their bytes together.
SESSION_OUTBOX_FRAMES: Final = 1_024
SESSION_OUTBOX_BYTES: Final = 4 * 1024 * 1024
SESSION_REQUESTS_MAX: Final = 256  # of mine that wait for an answer
REQUEST_TIMEOUT_MS: Final = 10_000
# Broken rules within ten minutes before a session is closed; one that is grave closes it at once.
SESSION_FAULTS_MAX: Final = 8
SESSION_FAULTS_WINDOW_MS: Final = 10 * MINUTE_MS
# Sessions at one door, and callers that have not yet proved who they are.
SESSIONS_MAX: Final = 256
HANDSHAKES_MAX: Final = 64
# Of those, how many one address may hold, and how many sessions strangers: keys cost nothing, and neighbours
# must find a place.
HANDSHAKES_OF_ONE_MAX: Final = 16
STRANGER_SESSIONS_MAX: Final = 64
# Dialling again: at first at once, later every five minutes. A session that lasted starts the count anew, and so does one
# that carried something and was lost to the weather: a link that comes and goes is taken up each time it comes.
REDIAL_FIRST_MS: Final = 1_000
REDIAL_MOST_MS: Final = 5 * MINUTE_MS
REDIAL_FORGIVEN_AFTER_MS: Final = 30_000
DIAL_TIMEOUT_MS: Final = 15_000
FETCH_TIMEOUT_MS: Final = 10_000
FETCH_BYTES_MAX: Final = FRAME_BYTES_MAX

# --- 10 Evidence -------------------------------------------------------------------------------------------

# Evidence fits into one frame, with the identity events of some decades.
EVIDENCE_BYTES_MAX: Final = 240 * 1024
# Ops of the other side in one proof: what one op can have acknowledged at once on a line with every lock open.
EVIDENCE_OPS_MAX: Final = 1_024
# Two proofs convict as well as two thousand: what is kept and passed on about one scheme.
EVIDENCE_OF_ONE_MAX: Final = 16
# One piece to each neighbour a minute at most: nobody is in a hurry, and a liar's neighbours are many.
EVIDENCE_EVERY_MS: Final = MINUTE_MS
# What one neighbour may show us in an hour; each piece costs some signature checks.
EVIDENCE_OF_NEIGHBOUR_AN_HOUR: Final = 64
