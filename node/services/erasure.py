"""Erasing what the scheme holds about somebody who has left: words, names, messages, listings. The book stays as it is.

Entries lose their words and the salts of these; accounts and amounts, and with them every sum, proof and statement, stay.
All of it happens in the unit in which a second organiser confirms; then the database is written anew without what was
deleted, and whole copies at neighbours are begun anew. Source: docs/protocol.md 3.1, 6.7 (g), 6.9; docs/operating.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import Table, bindparam, delete, insert, or_, select, update
from sqlalchemy.sql.dml import UpdateBase

from crypto.canonical import NotCanonical
from node.services.erasure_care import CARE_OF_MEMBER
from node.services.erasure_circles import CIRCLES_OF_MEMBER
from node.services.erasure_desk import DESK_OF_ACCOUNT, DESK_OF_MEMBER
from node.services.indexing import Doc, index
from node.services.members import Member, State, member_by_no, number_text
from node.services.own_feed import OwnFeed
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import afterwards as afterwards_schema
from node.store.schema import asks as asks_schema
from node.store.schema import bookings as bookings_schema
from node.store.schema import books as books_schema
from node.store.schema import days as days_schema
from node.store.schema import events as events_schema
from node.store.schema import fees as fees_schema
from node.store.schema import gifts as gifts_schema
from node.store.schema import imports as imports_schema
from node.store.schema import letters as letters_schema
from node.store.schema import loans as loans_schema
from node.store.schema import mail as mail_schema
from node.store.schema import market as market_schema
from node.store.schema import meta
from node.store.schema import passkeys as key_schema
from node.store.schema import passwords as password_schema
from node.store.schema import pay_codes as codes_schema
from node.store.schema import payments as payments_schema
from node.store.schema import people as schema
from node.store.schema import pictures as pictures_schema
from node.store.schema import profiles as profiles_schema
from node.store.schema import reports as reports_schema
from node.store.schema import requests as requests_schema
from node.store.schema import restore as restore_schema
from node.store.schema import second_step as step_schema
from node.store.schema import standing as standing_schema
from node.store.schema import swaps as swaps_schema
from protocol.entry import Corrected, Entry, Payload, Posted, Words, open_book
from protocol.errors import ProtocolError
from protocol.feed_kinds import LISTING
from protocol.message import decode_message, trusted_message
from protocol.names import ItemKey, SchemeId

SCRUB_WANTED: Final = "scrub-wanted"  # in `meta`: the database still holds bytes of what was erased
ROWS_AT_A_TIME: Final = 500

_E: Final = books_schema.entry.c
_L: Final = books_schema.leg.c
_T: Final = books_schema.trade.c
_M: Final = schema.member.c
_A: Final = schema.act.c
_Q: Final = payments_schema.promise.c
_H: Final = payments_schema.handle.c
_TH: Final = letters_schema.thread.c
_MS: Final = letters_schema.message.c
_C: Final = letters_schema.carried.c
_LI: Final = market_schema.listing.c
_BO: Final = bookings_schema.booking.c
_BA: Final = bookings_schema.booking_act.c

_OF_ACCOUNT: Final = select(_L.entry_seq).where(_L.account_no == bindparam("account_no"))
_ABOUT_ACCOUNTS: Final = select(_E.seq, _E.wire, _E.book, _E.book_salt).where(
    _E.kind.not_in([Posted.TAG, Corrected.TAG]), _E.words.is_not(None)
)
_WORDS_AFTER: Final = (
    select(_E.seq, _E.words)
    .where(_E.seq > bindparam("after"), _E.words.is_not(None))
    .order_by(_E.seq)
    .limit(ROWS_AT_A_TIME)
)
_NO_WORDS: Final = (
    update(books_schema.entry).where(_E.seq == bindparam("which")).values(words=None, words_salt=None)
)
_ACCOUNT_ID: Final = select(books_schema.account.c.id).where(books_schema.account.c.no == bindparam("no"))
_ORGANISED: Final = select(_A.no).where(_A.by_no == bindparam("no")).limit(1)
_THREADS: Final = select(_TH.no).where(_TH.account_no == bindparam("account_no"))
_OTHER_SIDES: Final = select(_TH.no).where(
    _TH.their_account == bindparam("account_no"), _TH.scheme == bindparam("own")
)
_LISTINGS: Final = select(_LI.item_key, _LI.shared, _LI.created, _LI.expires).where(
    _LI.member_no == bindparam("member_no")
)
_NO_LISTING: Final = delete(market_schema.listing).where(_LI.item_key == bindparam("which"))
_OWN_MESSAGES: Final = select(_MS.no).where(_MS.thread_no == bindparam("thread_no"))
_NOT_CARRIED: Final = delete(letters_schema.carried).where(_C.message_no == bindparam("which"))
_NOT_IN_ASKS: Final = (
    update(asks_schema.ask).where(asks_schema.ask.c.thread_no == bindparam("which")).values(thread_no=None)
)
_NOT_IN_REQUESTS: Final = (
    update(requests_schema.request)
    .where(requests_schema.request.c.thread_no == bindparam("which"))
    .values(thread_no=None)
)
_RQ, _PG, _PT = requests_schema.request.c, requests_schema.pledge.c, pictures_schema.picture_told.c
_REQUESTS_OF: Final = select(_RQ.no).where(_RQ.account_no == bindparam("which"))
_NO_MESSAGES: Final = delete(letters_schema.message).where(_MS.thread_no == bindparam("which"))
_NO_THREAD: Final = delete(letters_schema.thread).where(_TH.no == bindparam("which"))
_THEIR_MESSAGES: Final = (
    update(letters_schema.message)
    .where(_MS.thread_no == bindparam("which"), _MS.mine.is_(False))
    .values(author="", text="")
)
_THEIR_NAME: Final = update(letters_schema.thread).where(_TH.no == bindparam("which")).values(their_name="")
_ENTERED: Final = update(books_schema.trade).where(_T.entered_by == bindparam("name")).values(entered_by="")
_X: Final = restore_schema.missing.c
_NOT_MISSING: Final = delete(restore_schema.missing).where(
    or_(_X.who == bindparam("name"), _X.other == bindparam("name"))
)
_NEW_ERASURE: Final = insert(schema.erasure)
_R: Final = schema.erasure.c
_ERASED: Final = select(_R.at_ms, _R.entries, _R.outside).where(_R.member_no == bindparam("no"))
_OUT_THREADS: Final = select(_TH.scheme).where(
    _TH.account_no == bindparam("account_no"), _TH.scheme != bindparam("own")
)
_OUT_HANDLES: Final = select(_H.scheme).where(_H.account_no == bindparam("account_no"))
_OUT_TRADES: Final = select(_T.other_scheme).where(
    or_(_T.payer_no == bindparam("account_no"), _T.payee_no == bindparam("account_no")),
    _T.other_scheme.is_not(None),
)
_SHARED: Final = (
    select(_LI.item_key).where(_LI.member_no == bindparam("member_no"), _LI.shared.is_(True)).limit(1)
)
_META: Final = select(meta.c.value).where(meta.c.key == bindparam("key"))
_PUT_META: Final = upsert(meta, key=("key",), update=("value",))
_NO_META: Final = delete(meta).where(meta.c.key == bindparam("which"))


def _either(table: Table, one: str, other: str, **blank: str | None) -> UpdateBase:
    """Return what blanks the rows in which somebody is the one or the other."""
    return (
        update(table)
        .where(or_(table.c[one] == bindparam("which"), table.c[other] == bindparam("which")))
        .values(**blank)
    )


# What each table keeps about a member beside the ledger, blank: the columns, and whose they are.
_BLANK: Final[tuple[UpdateBase, ...]] = (
    update(schema.member)
    .where(_M.no == bindparam("which"))
    .values(
        name="", public_name="", email=None, phone="", address="", place="", north=None, east=None, about="", reach="letter",
        state_reason="", away_until=None, role="member", pin_hash=None, seen_ms=0,
    ),
    update(schema.application)
    .where(schema.application.c.member_no == bindparam("which"))
    .values(
        name="", place="", north=None, east=None, email=None, phone="", address="", offer="", want="", reason=""
    ),
    update(schema.act).where(_A.for_no == bindparam("which")).values(detail="", why=""),
    update(imports_schema.import_row)
    .where(imports_schema.import_row.c.member_no == bindparam("which"))
    .values(old=""),
    # One that waits to be brought in may name them, and so may what was left out of one.
    update(imports_schema.import_run)
    .where(imports_schema.import_run.c.looked_ms >= 0 * bindparam("which"))
    .values(file=None, faults="[]", digest=b""),
    # The mark is a digest of the words: it would prove every guess.
    _either(
        imports_schema.past_trade, "payer_no", "payee_no", mark=None, payer_name="", payee_name="", text=""
    ),
    update(schema.act).where(_A.by_no == bindparam("which")).values(by_name=""),
    # What was reported by them or about them; the other side's words name them too.
    _either(reports_schema.report, "member_no", "about_no", about_name="", text="", quoted="", outcome="", ended_by=""),
    update(mail_schema.mail)
    .where(mail_schema.mail.c.member_no == bindparam("which"))
    .values(recipient="", subject="", text="", html="", stop_link="", reason="", state="lapsed"),
    *[
        delete(each).where(each.c.member_no == bindparam("which"))
        for each in (
            schema.session, schema.pending_sign_in, schema.sign_in_link, schema.sign_in_place, profiles_schema.skill,
            profiles_schema.contact_line, step_schema.second_step, step_schema.spare_code, step_schema.pending_step,
            key_schema.passkey, key_schema.passkey_challenge, password_schema.password, pictures_schema.picture,
        )
    ],
)  # fmt: skip
_HOSTED: Final = select(events_schema.event.c.no).where(events_schema.event.c.host_no == bindparam("which"))
# What they hosted goes with all that was said under it, and their answers and words under what others host.
_NO_EVENTS: Final[tuple[UpdateBase, ...]] = (
    *[
        delete(each).where(or_(each.c.event_no.in_(_HOSTED), each.c.member_no == bindparam("which")))
        for each in (events_schema.guest, events_schema.event_comment)
    ],
    delete(events_schema.event).where(events_schema.event.c.host_no == bindparam("which")),
)
_TRADES_OF: Final = select(_T.no).where(
    or_(_T.payer_no == bindparam("which"), _T.payee_no == bindparam("which"))
)
_BOOKINGS_OF: Final = select(_BO.no).where(
    or_(_BO.owner_no == bindparam("which"), _BO.borrower_no == bindparam("which"))
)
_BLANK_OF_ACCOUNT: Final[tuple[UpdateBase, ...]] = (
    _either(loans_schema.loan, "lender_no", "borrower_no", text=""),
    update(fees_schema.charge).where(fees_schema.charge.c.account_no == bindparam("which")).values(reason=""),
    update(fees_schema.chest_gift)
    .where(fees_schema.chest_gift.c.account_no == bindparam("which"))
    .values(text=""),
    update(codes_schema.pay_code)
    .where(codes_schema.pay_code.c.account_no == bindparam("which"))
    .values(text=""),
    # What was said about their trades, by either side.
    delete(afterwards_schema.thanks).where(afterwards_schema.thanks.c.trade_no.in_(_TRADES_OF)),
    update(afterwards_schema.complaint)
    .where(afterwards_schema.complaint.c.trade_no.in_(_TRADES_OF))
    .values(who="", text="", outcome=""),
    update(books_schema.trade)
    .where(or_(_T.payer_no == bindparam("which"), _T.payee_no == bindparam("which")))
    .values(text="", entered_by=""),
    update(books_schema.trade)
    .where(
        or_(_T.payer_no == bindparam("which"), _T.payee_no == bindparam("which")), _T.other_name.is_not(None)
    )
    .values(other_name=""),
    update(payments_schema.promise).where(_Q.account_no == bindparam("which")).values(text="", payer_name=""),
    _either(asks_schema.ask, "payer_no", "payee_no", text="", said="", their_name="", their_handle=None),
    _either(standing_schema.standing, "payer_no", "payee_no", text=""),
    _either(days_schema.appointment, "proposer_no", "other_no", what="", place=""),
    update(requests_schema.request)
    .where(requests_schema.request.c.account_no == bindparam("which"))
    .values(title="", wanted="", said="", given="", offered="", their_name="", their_handle=None),
    update(requests_schema.pledge).where(_PG.request_no.in_(_REQUESTS_OF)).values(payee_handle=None),
    delete(pictures_schema.picture_told).where(_PT.request_no.in_(_REQUESTS_OF)),
    _either(swaps_schema.swap, "owner_no", "asker_no", title="", given=""),
    _either(gifts_schema.wish, "giver_no", "taker_no", wanted="", said="", their_name=""),
    # What either side said about what was lent; the title is the owner's word.
    update(bookings_schema.booking_act).where(_BA.booking_no.in_(_BOOKINGS_OF)).values(words=""),
    update(bookings_schema.booking).where(_BO.no.in_(_BOOKINGS_OF)).values(text=""),
    update(bookings_schema.booking).where(_BO.owner_no == bindparam("which")).values(title=""),
    delete(payments_schema.handle).where(_H.account_no == bindparam("which")),
)
_FOLDED: Final = (
    update(schema.member).where(_M.no == bindparam("which")).values(folded=bindparam("new_folded"))
)


class Outside(NamedTuple):
    """What another scheme was given about a member, and no erasure here takes back."""

    scheme: SchemeId
    letters: int  # conversations with people there
    trades: int
    handle: bool  # it knows the member by a random number


class Erased(NamedTuple):
    """What was erased, and what is elsewhere."""

    at_ms: int
    entries: int
    outside: tuple[Outside, ...]


def may_be_erased(tx: ReadTx, member_no: int) -> Member | None:
    """Return the member if they have left and are not erased yet."""
    member = member_by_no(tx, member_no)
    return None if member is None or member.state is not State.LEFT or member.is_erased else member


def outside(tx: ReadTx, member: Member, own: SchemeId) -> tuple[Outside, ...]:
    """Return which schemes were given something about a member, by id."""
    letters = [scheme for (scheme,) in tx.all(_OUT_THREADS, account_no=member.account_no, own=own)]
    trades = [scheme for (scheme,) in tx.all(_OUT_TRADES, account_no=member.account_no)]
    handles = {scheme for (scheme,) in tx.all(_OUT_HANDLES, account_no=member.account_no)}
    return tuple(
        Outside(SchemeId(scheme), letters.count(scheme), trades.count(scheme), scheme in handles)
        for scheme in sorted({*letters, *trades, *handles})
    )


def shares_listings(tx: ReadTx, member: Member) -> bool:
    """Tell whether a listing of the member ever was for other schemes too."""
    return tx.one(_SHARED, member_no=member.no) is not None


def read_erased(tx: ReadTx, member_no: int) -> Erased | None:
    """Return what was erased of a member, if it was."""
    row = tx.one(_ERASED, no=member_no)
    if row is None:
        return None
    at_ms, entries, told = row
    return Erased(
        at_ms,
        entries,
        tuple(Outside(SchemeId(bytes.fromhex(each[0])), *each[1:]) for each in json.loads(told)),
    )


class Erasure:
    """See the head of this file."""

    def __init__(
        self, *, store: Store, own: SchemeId, own_feed: OwnFeed, renew_copies: Callable[[], None]
    ):  # fmt: skip
        """`renew_copies` begins whole copies of our books anew, so that none of before is left with a neighbour."""
        self._store: Final = store
        self._own: Final = own
        self._own_feed: Final = own_feed
        self._renew_copies: Final = renew_copies

    def erase_in(self, tx: Tx, member: Member, now_ms: int) -> int:
        """Unit: erase what is held of a member who has left; return how many entries lost their words. Source: 3.1."""
        elsewhere = outside(tx, member, self._own)
        entries = self._entries(tx, member)
        erase_words(tx, entries)
        self._listings(tx, member)
        self._conversations(tx, member)
        if tx.one(_ORGANISED, no=member.no) is not None:
            tx.run(_ENTERED, name=member.name)
        tx.run(_NOT_MISSING, name=member.name)
        for statement in (*CARE_OF_MEMBER, *_BLANK, *DESK_OF_MEMBER, *_NO_EVENTS, *CIRCLES_OF_MEMBER):
            tx.run(statement, which=member.no)
        for statement in (*_BLANK_OF_ACCOUNT, *DESK_OF_ACCOUNT):
            tx.run(statement, which=member.account_no)
        tx.run(_FOLDED, which=member.no, new_folded=number_text(member.no))
        told = json.dumps([[each.scheme.hex(), *each[1:]] for each in elsewhere])
        tx.run(_NEW_ERASURE, member_no=member.no, at_ms=now_ms, entries=len(entries), outside=told)
        tx.run(_PUT_META, key=SCRUB_WANTED, value=str(now_ms))
        tx.scrub_after_commit()
        tx.on_commit(self._renew_copies)
        return len(entries)

    async def finish(self) -> None:
        """Write the database anew where that was not done yet: a job, because a crash may come between."""
        if await self._store.read(_scrub_wanted):
            await self._store.write(_scrub)

    def _entries(self, tx: ReadTx, member: Member) -> list[int]:
        """Return the entries whose words are about a member, or name them as who did it."""
        found = {seq for (seq,) in tx.all(_OF_ACCOUNT, account_no=member.account_no)}
        account = tx.scalar(_ACCOUNT_ID, no=member.account_no)
        for seq, wire, book, salt in tx.all(_ABOUT_ACCOUNTS):
            body = open_book(trusted_message(Entry, wire).body, Payload(salt=salt, data=book))
            if not isinstance(body, Posted | Corrected) and body.account == account:
                found.add(seq)
        if tx.one(_ORGANISED, no=member.no) is not None:
            found.update(seq for seq, words in _all_words(tx) if member.name in _named(words))
        return sorted(found)

    def _listings(self, tx: Tx, member: Member) -> None:
        for key, shared, created, expires in tx.all(_LISTINGS, member_no=member.no):
            self._own_feed.withdraw(tx, LISTING, ItemKey(key))
            index(tx, Doc(self._own, ItemKey(key), 0, 0, bool(shared), None, created, expires))
            tx.run(_NO_LISTING, which=key)

    def _conversations(self, tx: Tx, member: Member) -> None:
        for (no,) in tx.all(_THREADS, account_no=member.account_no):
            for (message_no,) in tx.all(_OWN_MESSAGES, thread_no=no):
                tx.run(_NOT_CARRIED, which=message_no)
            tx.run(_NO_MESSAGES, which=no)
            tx.run(_NOT_IN_ASKS, which=no)
            tx.run(_NOT_IN_REQUESTS, which=no)
            tx.run(_NO_THREAD, which=no)
        for (no,) in tx.all(_OTHER_SIDES, account_no=member.account_no, own=self._own):
            tx.run(_THEIR_MESSAGES, which=no)
            tx.run(_THEIR_NAME, which=no)


def erase_words(tx: Tx, seqs: list[int]) -> None:
    """Unit: erase the words of entries, and the salts: whoever had a salt could try out what was said. Source: 3.1."""
    tx.many(_NO_WORDS, [{"which": seq} for seq in seqs])


def _all_words(tx: ReadTx) -> Iterator[tuple[int, Words]]:
    after = -1
    while rows := tx.all(_WORDS_AFTER, after=after):
        for seq, data in rows:
            after = seq
            try:
                yield seq, decode_message(Words, data)
            except (NotCanonical, ProtocolError):
                continue  # named by `ledger verify`


def _named(words: Words) -> tuple[Any, ...]:
    return (words.done_by, words.on_behalf_of, *words.parties)


def _scrub_wanted(tx: ReadTx) -> bool:
    return tx.one(_META, key=SCRUB_WANTED) is not None


def _scrub(tx: Tx) -> None:
    tx.run(_NO_META, which=SCRUB_WANTED)
    tx.scrub_after_commit()
