"""Everything the scheme holds about one member, for that member: rows of every table that erasing reaches, as JSON can hold them.

What lets somebody sign in (digests of PINs and cookies) is left out, and so are the other side's own words in nobody's
conversation but this member's. Source: docs/pages.md 7.2 (`/my/data`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Table, bindparam, or_, select

from node.services.members import Member
from node.store import ReadTx
from node.store.schema import (
    Big,
    alerts,
    asks,
    bookings,
    books,
    calendars,
    care,
    circle_accounts,
    circles,
    days,
    desk,
    events,
    fees,
    gifts,
    imports,
    letters,
    loans,
    mail,
    market,
    passkeys,
    passwords,
    payments,
    people,
    pictures,
    profiles,
    proposals,
    reports,
    requests,
    second_step,
    standing,
    swaps,
    things,
)
from protocol.entry import Words
from protocol.errors import ProtocolError
from protocol.market import Listing
from protocol.message import decode_message

Held = dict[str, list[dict[str, Any]]]

# Digests, keys of forms, and columns that only repeat others.
LEFT_OUT: Final = frozenset(
    {
        "pin_hash",
        "hash",
        "token",
        "folded",
        "once",
        "answer_once",
        "give_once",
        "pay_once",
        "code",
        "mark",
        "secret",
        "credential",
        "public_key",
        "owner",
        "page",  # the same picture in other sizes
        "thumbnail",
    }
)


def _rows(table: Table, *conditions: Any) -> Any:
    return select(*[column for column in table.c if column.name not in LEFT_OUT]).where(*conditions)


_NO: Final = bindparam("no", type_=Big)
_TRADE: Final = books.trade.c
_PAST: Final = imports.past_trade.c
_DAY: Final = days.appointment.c
_ASK: Final = asks.ask.c
_LOAN: Final = loans.loan.c
_LOANS: Final = select(_LOAN.no).where(or_(_LOAN.lender_no == _NO, _LOAN.borrower_no == _NO))
_ORDER: Final = standing.standing.c
_SWAP: Final = swaps.swap.c
_ORDERS: Final = select(_ORDER.no).where(_ORDER.payer_no == _NO)
_BOOKING: Final = bookings.booking.c
_OF_BOOKINGS: Final = or_(_BOOKING.owner_no == _NO, _BOOKING.borrower_no == _NO)
_BOOKINGS: Final = select(_BOOKING.no).where(_OF_BOOKINGS)
_REQUESTS: Final = select(requests.request.c.no).where(requests.request.c.account_no == _NO)
_GIVING: Final = circle_accounts.circle_giving.c
_OF_GIVINGS: Final = or_(_GIVING.by_no == _NO, _GIVING.payee_no == _NO, _GIVING.ended_by_no == _NO)
_HELP: Final = select(care.help_request.c.no).where(care.help_request.c.member_no == _NO)
_THREADS: Final = select(letters.thread.c.no).where(letters.thread.c.account_no == _NO)
_LEGS: Final = select(books.leg.c.entry_seq).where(books.leg.c.account_no == _NO)
_OF_MEMBER: Final[Mapping[str, tuple[Table, Any]]] = {
    "member": (people.member, people.member.c.no == _NO),
    "application": (people.application, people.application.c.member_no == _NO),
    "brought_in": (imports.import_row, imports.import_row.c.member_no == _NO),
    "trades_of_the_old_scheme": (imports.past_trade, or_(_PAST.payer_no == _NO, _PAST.payee_no == _NO)),
    "what_organisers_did": (people.act, people.act.c.for_no == _NO),
    "logged_in": (people.session, people.session.c.member_no == _NO),
    "second_step": (second_step.second_step, second_step.second_step.c.member_no == _NO),
    "spare_codes": (second_step.spare_code, second_step.spare_code.c.member_no == _NO),
    "passkeys": (passkeys.passkey, passkeys.passkey.c.member_no == _NO),
    "password": (passwords.password, passwords.password.c.member_no == _NO),  # when it was set
    "mail": (mail.mail, (mail.mail.c.member_no == _NO) & mail.mail.c.private.is_(False)),
    "what_i_can_do": (profiles.skill, profiles.skill.c.member_no == _NO),
    "ways_to_reach_me": (profiles.contact_line, profiles.contact_line.c.member_no == _NO),
    "checked_about_me": (care.helper_check, care.helper_check.c.member_no == _NO),
    "help_asked_for": (care.help_request, care.help_request.c.member_no == _NO),
    "what_helpers_said": (
        care.help_answer,  # of whoever came; who else was asked is theirs alone
        care.help_answer.c.request_no.in_(_HELP) & (care.help_answer.c.state == "yes"),
    ),
    "help_brought_to_me": (care.help_answer, care.help_answer.c.helper_no == _NO),
    "receipts_of_the_desk": (care.token_act, care.token_act.c.member_no == _NO),
    "reports": (reports.report, reports.report.c.member_no == _NO),
    "pictures": (pictures.picture, pictures.picture.c.member_no == _NO),
    "listings": (market.listing, market.listing.c.member_no == _NO),
    "searches": (alerts.saved_search, alerts.saved_search.c.member_no == _NO),
    "found_by_them": (alerts.search_hit, alerts.search_hit.c.member_no == _NO),
    "calendars": (calendars.calendar_feed, calendars.calendar_feed.c.member_no == _NO),
    "how_often_we_write": (alerts.mail_wish, alerts.mail_wish.c.member_no == _NO),
    "for_the_weekly_mail": (alerts.mail_news, alerts.mail_news.c.member_no == _NO),
    "weekly_mails": (alerts.weekly_mail, alerts.weekly_mail.c.member_no == _NO),
    "cheques_and_slips": (
        desk.cheque_row,
        or_(*[desk.cheque_row.c[name] == _NO for name in ("payer_no", "payee_no", "by_no")]),
    ),
    "envelopes_entered": (desk.cheque_batch, desk.cheque_batch.c.by_no == _NO),
    "to_be_told": (desk.paper_note, desk.paper_note.c.member_no == _NO),
    "events": (events.event, events.event.c.host_no == _NO),
    "answers_to_events": (events.guest, events.guest.c.member_no == _NO),
    "things_owned_too": (things.thing_owner, things.thing_owner.c.member_no == _NO),
    "treasurer_of_groups": (
        circle_accounts.circle_treasurer,
        circle_accounts.circle_treasurer.c.member_no == _NO,
    ),
    "given_by_groups": (circle_accounts.circle_giving, _OF_GIVINGS),
    "groups": (circles.circle_person, circles.circle_person.c.member_no == _NO),
    "notes_in_groups": (circles.circle_note, circles.circle_note.c.member_no == _NO),
    "answers_in_groups": (circles.circle_reply, circles.circle_reply.c.member_no == _NO),
    "put_to_the_vote": (proposals.proposal, proposals.proposal.c.author_no == _NO),
    "votes": (proposals.voter, proposals.voter.c.member_no == _NO),
    "said_about_proposals": (proposals.proposal_comment, proposals.proposal_comment.c.member_no == _NO),
    "minutes_written": (proposals.minutes, proposals.minutes.c.words_by_no == _NO),
    "said_under_events": (events.event_comment, events.event_comment.c.member_no == _NO),
}
_OF_ACCOUNT: Final[Mapping[str, tuple[Table, Any]]] = {
    "account": (books.account, books.account.c.no == _NO),
    "loans": (loans.loan, or_(_LOAN.lender_no == _NO, _LOAN.borrower_no == _NO)),
    "paid_back": (loans.loan_part, loans.loan_part.c.loan_no.in_(_LOANS)),
    "fees": (fees.charge, fees.charge.c.account_no == _NO),
    "from_the_chest": (fees.chest_gift, fees.chest_gift.c.account_no == _NO),
    "movements": (books.leg, books.leg.c.account_no == _NO),
    "trades": (books.trade, or_(_TRADE.payer_no == _NO, _TRADE.payee_no == _NO)),
    "requests": (asks.ask, or_(_ASK.payer_no == _NO, _ASK.payee_no == _NO)),
    "regular_amounts": (standing.standing, or_(_ORDER.payer_no == _NO, _ORDER.payee_no == _NO)),
    "their_days": (standing.standing_turn, standing.standing_turn.c.standing_no.in_(_ORDERS)),
    "agreed_days": (days.appointment, or_(_DAY.proposer_no == _NO, _DAY.other_no == _NO)),
    "given_away": (gifts.wish, or_(gifts.wish.c.giver_no == _NO, gifts.wish.c.taker_no == _NO)),
    "asked_across_schemes": (requests.request, requests.request.c.account_no == _NO),
    "shown_by_other_schemes": (pictures.picture_told, pictures.picture_told.c.request_no.in_(_REQUESTS)),
    "deposits_across_schemes": (requests.pledge, requests.pledge.c.request_no.in_(_REQUESTS)),
    "swaps": (swaps.swap, or_(_SWAP.owner_no == _NO, _SWAP.asker_no == _NO)),
    "borrowed_and_lent": (bookings.booking, _OF_BOOKINGS),
    "what_was_done_with_it": (bookings.booking_act, bookings.booking_act.c.booking_no.in_(_BOOKINGS)),
    "conversations": (letters.thread, letters.thread.c.account_no == _NO),
    "messages": (letters.message, letters.message.c.thread_no.in_(_THREADS)),
    "paid_to_other_schemes": (payments.payment, payments.payment.c.account_no == _NO),
    "prices_given": (payments.promise, payments.promise.c.account_no == _NO),
    "known_abroad_as": (payments.handle, payments.handle.c.account_no == _NO),
    "entries": (books.entry, books.entry.c.seq.in_(_LEGS)),
}
_STATEMENTS: Final = {
    name: (table, _rows(table, condition)) for name, (table, condition) in {**_OF_MEMBER, **_OF_ACCOUNT}.items()
}  # fmt: skip


def read_my_data(tx: ReadTx, member: Member) -> Held:
    """Return every row that is about a member, by what it is. A query."""
    held: Held = {}
    for name, (table, statement) in _STATEMENTS.items():
        no = member.no if name in _OF_MEMBER else member.account_no
        names = [column.name for column in table.c if column.name not in LEFT_OUT]
        held[name] = [_plain(dict(zip(names, row, strict=True))) for row in tx.all(statement, no=no)]
    return held


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON can hold it; what was packed is opened."""
    kinds = {"content": Listing, "words": Words}
    return {
        name: _opened(kinds[name], value) if name in kinds and isinstance(value, bytes) else _json(value)
        for name, value in row.items()
    }


def _opened(kind: type[Any], data: bytes) -> Any:
    try:
        return _json(decode_message(kind, data))
    except ProtocolError:
        return data.hex()


def _json(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case tuple() | list():
            return [_json(each) for each in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {each.name: _json(getattr(value, each.name)) for each in dataclasses.fields(value)}
        case _:
            return value
