"""Mail that is sent, delayed, refused, lapsed, or stays for organisers to read. Source: docs/pages.md 0.8."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from node.mail.outbox import (
    GIVE_UP_AFTER_MS,
    RETRY_FIRST_MS,
    RETRY_MOST_MS,
    MailDelayed,
    MailRefused,
    MailState,
    Outbox,
    unsent_mails,
)
from node.store import InlineStore, Memory, Tx
from node.store.schema import mail as schema
from protocol.limits import HOUR_MS
from tests.fakes import MailServer, StoppedClock


class Office:
    """An outbox with a server that does what a test says."""

    def __init__(self, *, server: bool = True) -> None:
        self.clock, self.server, self.store = StoppedClock(), MailServer(), InlineStore(Memory())
        self.outbox = Outbox(self.store, self.clock, self.server if server else None)

    async def write(
        self, subject: str = "Hello", *, private: bool = False, until_ms: int | None = None
    ) -> int:
        def unit(tx: Tx) -> int:
            return self.outbox.queue(
                tx, "ana@example.org", subject, "words", private=private, until_ms=until_ms
            )

        return await self.store.write(unit)

    async def states(self) -> list[MailState]:
        mails, count = await self.store.read(unsent_mails)
        assert len(mails) == count
        return [mail.state for mail in mails]


async def test_mail_goes_out_once_and_in_order() -> None:
    office = Office()
    await office.write("first")
    await office.write("second")

    assert await office.outbox.send_due() == 2
    assert await office.outbox.send_due() == 0
    assert [mail.subject for mail in office.server.taken] == ["first", "second"]
    assert await office.states() == []


async def test_a_unit_that_fails_sends_nothing() -> None:
    office = Office()

    def unit(tx: Tx) -> None:
        office.outbox.queue(tx, "ana@example.org", "Hello", "words")
        raise LookupError

    with pytest.raises(LookupError):
        await office.store.write(unit)
    assert await office.outbox.send_due() == 0


async def test_without_a_server_mail_stays_readable() -> None:
    office = Office(server=False)
    await office.write()
    await office.write(private=True)

    assert not office.outbox.sends
    assert await office.outbox.send_due() == 0
    mails, _ = await office.store.read(unsent_mails)
    assert [(mail.text, mail.private) for mail in mails] == [("", True), ("words", False)]


async def test_a_delayed_mail_is_tried_less_and_less_often_and_then_given_up() -> None:
    office = Office()
    await office.write()
    office.server.trouble = MailDelayed("421")
    began = office.clock.now

    waits = []
    while await office.states() == [MailState.WAITING]:
        assert await office.outbox.send_due() == 1
        before = office.clock.now
        while await office.outbox.send_due() == 0 and await office.states() == [MailState.WAITING]:
            office.clock.now += RETRY_FIRST_MS
        waits.append(office.clock.now - before)
        office.clock.now += RETRY_MOST_MS

    assert waits[0] == RETRY_FIRST_MS
    assert office.clock.now - began > GIVE_UP_AFTER_MS
    assert await office.states() == [MailState.LAPSED]


async def test_a_delayed_mail_goes_out_when_the_server_is_back() -> None:
    office = Office()
    await office.write()
    office.server.trouble = MailDelayed("connection refused")
    await office.outbox.send_due()
    office.server.trouble = None

    assert await office.outbox.send_due() == 0
    office.clock.now += RETRY_FIRST_MS
    assert await office.outbox.send_due() == 1
    assert await office.states() == []


async def test_a_refused_mail_is_shown_with_its_reason_and_not_tried_again() -> None:
    office = Office()
    await office.write()
    office.server.trouble = MailRefused("no such address")

    assert await office.outbox.send_due() == 1
    office.clock.now += RETRY_MOST_MS
    assert await office.outbox.send_due() == 0
    (mail,), _ = await office.store.read(unsent_mails)
    assert (mail.state, mail.reason) == (MailState.REFUSED, "no such address")


async def test_one_mail_that_is_refused_holds_up_no_other() -> None:
    office = Office()
    office.server.trouble = MailRefused("no such address")
    await office.write("first")
    await office.outbox.send_due()
    office.server.trouble = None
    await office.write("second")

    await office.outbox.send_due()
    assert [mail.subject for mail in office.server.taken] == ["second"]


async def test_what_is_worth_nothing_any_more_is_not_sent() -> None:
    office = Office()
    await office.write(until_ms=office.clock.now + 1000)
    office.clock.now += 1000

    assert await office.outbox.send_due() == 0
    assert await office.states() == [MailState.LAPSED]


@pytest.mark.parametrize(
    ("rests", "hours", "sent_after"),
    [(False, None, 0), (True, None, 8), (True, 9, 8), (True, 8, 0), (True, 1, 0)],
)
async def test_mail_that_rests_is_sent_in_the_morning_unless_it_is_worth_nothing_then(
    rests: bool, hours: int | None, sent_after: int
) -> None:
    """docs/pages.md 9: it is midnight; codes to log in do not rest."""
    office = Office()
    until_ms = None if hours is None else office.clock.now + hours * HOUR_MS

    def unit(tx: Tx) -> int:
        return office.outbox.queue(tx, "ana@example.org", "Hello", "words", rests=rests, until_ms=until_ms)

    await office.store.write(unit)
    if sent_after:
        office.clock.now += sent_after * HOUR_MS - 1
        assert await office.outbox.send_due() == 0
        office.clock.now += 1
    assert await office.outbox.send_due() == 1


async def test_what_was_sent_leaves_nothing_of_its_words_behind() -> None:
    office = Office()
    await office.store.write(
        lambda tx: office.outbox.queue(
            tx,
            "ana@example.org",
            "Hello",
            "words",
            html="<p>words</p>",
            stop_link="https://oakvale.example/m/1",
        )
    )
    await office.outbox.send_due()
    (sent,) = office.server.taken
    assert (sent.html, sent.stop_link) == ("<p>words</p>", "https://oakvale.example/m/1")
    columns = select(schema.mail.c.text, schema.mail.c.html, schema.mail.c.stop_link)
    assert await office.store.read(lambda tx: tx.all(columns)) == [("", "", "")]
