"""How people come: they apply, an organiser welcomes or declines them. Source: docs/pages.md 8.1, 7.3."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, insert, select, update

from node.clock import Chance, Clock
from node.federation.addresses import network_of
from node.mail import texts
from node.mail.outbox import Outbox
from node.services.acts import Actor, Deed, Work, note_act
from node.services.entering import Wait
from node.services.hashing import Hasher
from node.services.members import Member, NewMember, Reach, Unable, Why, check_pin, existing, number_text
from node.services.people import People
from node.services.sessions import TOKEN_BYTES, token_text
from node.services.settings import Settings
from node.services.sign_in import INVITATION_DAYS, SignIn
from node.services.throttle import NETWORK_REQUESTS, Counted, Throttle
from node.store import ReadTx, Store, Tx
from node.store.schema import people as schema
from node.store.statements import Row
from protocol.market import Place

TEXT_CHARACTERS_MAX: Final = 1_000


class Stage(enum.StrEnum):
    """Where an application stands."""

    WAITING = "waiting"
    WELCOMED = "welcomed"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application as organisers see it."""

    no: int
    stage: Stage
    person: NewMember
    offer: str  # one thing they can do for others
    want: str  # one thing they could use
    created_ms: int
    decided_by: str
    reason: str
    member_no: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcomed:
    """What came of a welcome. `pin` is for the letter, and shown this once."""

    member: Member
    pin: str | None
    mailed: bool


_A: Final = schema.application.c
_COLUMNS: Final = (
    _A.no, _A.state, _A.name, _A.place, _A.north, _A.east, _A.reach, _A.email, _A.phone, _A.address, _A.offer, _A.want,
    _A.language, _A.created_ms, _A.decided_by, _A.reason, _A.member_no,
)  # fmt: skip
_NEW: Final = insert(schema.application)
_BY_NO: Final = select(*_COLUMNS).where(_A.no == bindparam("no"))
_BY_ONCE: Final = select(_A.no).where(_A.once == bindparam("once"))
_WITH_ONCE: Final = select(*_COLUMNS).where(_A.once == bindparam("once"))
_IN_STAGE: Final = (
    select(*_COLUMNS)
    .where(_A.state == bindparam("stage"))
    .order_by(_A.no)
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_COUNT: Final = select(func.count()).select_from(schema.application).where(_A.state == bindparam("stage"))
_DECIDE: Final = (
    update(schema.application)
    .where(_A.no == bindparam("which"))
    .values(
        state=bindparam("new_state"),
        decided_ms=bindparam("now"),
        decided_by=bindparam("by"),
        reason=bindparam("why"),
        member_no=bindparam("whom"),
    )
)


def _application(row: Row) -> Application:
    (
        no, state, name, place, north, east, reach, email, phone, address, offer, want, language, created_ms, decided_by,
        reason, member_no,
    ) = row  # fmt: skip
    person = NewMember(
        name=str(name),
        place=str(place),
        spot=None if north is None or east is None else Place(north=north, east=east),
        reach=Reach(str(reach)),
        email=email,
        phone=str(phone),
        address=str(address),
        language=str(language),
    )
    return Application(
        no=no,
        stage=Stage(str(state)),
        person=person,
        offer=str(offer),
        want=str(want),
        created_ms=created_ms,
        decided_by=str(decided_by or ""),
        reason=str(reason),
        member_no=member_no,
    )


def application_by_no(tx: ReadTx, no: int) -> Application | None:
    """Return the application with this number."""
    row = tx.one(_BY_NO, no=no)
    return None if row is None else _application(row)


def application_by_once(tx: ReadTx, once: bytes) -> Application | None:
    """Return the application that was sent with this key."""
    row = tx.one(_WITH_ONCE, once=once)
    return None if row is None else _application(row)


def applications_in(
    tx: ReadTx, stage: Stage = Stage.WAITING, *, skip: int = 0, most: int = 20
) -> tuple[list[Application], int]:
    """Return applications of one stage, oldest first, and how many there are in all."""
    rows = tx.all(_IN_STAGE, stage=stage.value, skip=skip, most=most)
    return [_application(row) for row in rows], int(tx.scalar(_COUNT, stage=stage.value))


class Applications:
    """Takes applications, and carries out what organisers decide."""

    def __init__(
        self, store: Store, clock: Clock, chance: Chance, *, people: People, sign_in: SignIn, settings: Settings,
        outbox: Outbox, hasher: Hasher, secret: bytes,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._people: Final = people
        self._sign_in: Final = sign_in
        self._settings: Final = settings
        self._outbox: Final = outbox
        self._hasher: Final = hasher
        self._throttle: Final = Throttle(secret)

    async def apply(
        self, person: NewMember, offer: str, want: str, address: str, *, once: bytes | None = None
    ) -> int | Wait:
        """Store an application and return its number. Raises Unable.

        `once` is the form's own key: the same form sent twice is one application. Whether somebody with this
        address is a member already is for organisers to see, not for a visitor.
        """
        return await self._store.write(self._apply, person.checked(), offer, want, address, once)

    def _apply(
        self, tx: Tx, person: NewMember, offer: str, want: str, address: str, once: bytes | None
    ) -> int | Wait:
        now_ms = self._clock.now_ms()
        if once is not None and (known := tx.scalar(_BY_ONCE, once=once)) is not None:
            return int(known)
        counted = Counted(self._throttle.mark("apply", network_of(address)), NETWORK_REQUESTS)
        wait_ms = self._throttle.charge(tx, [counted], now_ms)
        if wait_ms:
            return Wait(wait_ms)
        no = self._insert(tx, person, offer, want, once, now_ms)
        if person.email is not None:
            text = texts.applied_mail(self._settings.now, person.language, person.name)
            self._outbox.queue(tx, person.email, text.subject, text.body)
        return no

    def _insert(
        self, tx: Tx, person: NewMember, offer: str, want: str, once: bytes | None, now_ms: int
    ) -> int:
        assert person.reach is not None, "checked"
        return tx.insert(
            _NEW,
            state=Stage.WAITING.value,
            name=person.name,
            place=person.place,
            north=None if person.spot is None else person.spot.north,
            east=None if person.spot is None else person.spot.east,
            reach=person.reach.value,
            email=person.email,
            phone=person.phone,
            address=person.address,
            offer=offer.strip()[:TEXT_CHARACTERS_MAX],
            want=want.strip()[:TEXT_CHARACTERS_MAX],
            language=person.language,
            once=once,
            created_ms=now_ms,
            decided_ms=None,
            decided_by=None,
            reason="",
            member_no=None,
        )

    async def enter(
        self, by: Actor, person: NewMember, offer: str, want: str, *, once: bytes, why: str = ""
    ) -> Member:
        """Make somebody a member from a paper form: the application and its welcome in one. Raises Unable.

        `once` is the key of the organiser's page: sent twice, it is one member.
        """
        by.must_do(Work.PEOPLE)
        return await self._store.write(self._enter, by, person.checked(), offer, want, once, why)

    def _enter(
        self, tx: Tx, by: Actor, person: NewMember, offer: str, want: str, once: bytes, why: str
    ) -> Member:
        known = application_by_once(tx, once)
        if known is not None and known.member_no is not None:
            return existing(tx, known.member_no)
        member = self._people.add_in(tx, by, person, Deed.ADDED, why)
        no = self._insert(tx, person, offer, want, once, self._clock.now_ms())
        self._decide(tx, by, no, Stage.WELCOMED, why, member.no)
        return member

    async def welcome(self, by: Actor, no: int, *, pin: str | None = None, why: str = "") -> Welcomed:
        """Make the applicant a member: account, number, and a mail with a link or a PIN for the letter.

        Raises:
            Unable: decided already, or the e-mail address is another member's.
        """
        by.must_do(Work.PEOPLE)
        application = await self._store.read(application_by_no, no)
        if application is None:
            raise Unable(Why.UNKNOWN_APPLICATION)
        if pin is None and application.person.email is None:
            pin = self.random_pin()
        hashed = None
        if pin is not None:
            check_pin(pin)
            hashed = await self._hasher.hash(pin)
        link = token_text(self._chance.bytes(TOKEN_BYTES))
        member = await self._store.write(self._welcome, by, no, hashed, link, why)
        return Welcomed(member=member, pin=pin, mailed=member.email is not None)

    def _welcome(self, tx: Tx, by: Actor, no: int, pin_hash: str | None, link: str, why: str) -> Member:
        application = self._undecided(tx, no)
        member = self._people.add_in(tx, by, application.person.checked(), Deed.WELCOMED, why)
        self._decide(tx, by, no, Stage.WELCOMED, why, member.no)
        if pin_hash is not None:
            self._people.set_pin_in(tx, by, member.no, pin_hash, why)
        if member.email is not None:
            text = texts.welcome_mail(
                self._settings.now,
                member.language,
                member.name,
                number_text(member.no),
                self._sign_in.invite_in(tx, member, link),
                INVITATION_DAYS,
            )
            self._outbox.queue(tx, member.email, text.subject, text.body, member_no=member.no, private=True)
        return member

    async def decline(self, by: Actor, no: int, *, reason: str) -> None:
        """Turn an application down; the reason is told. Raises Unable."""
        by.must_do(Work.PEOPLE)
        await self._store.write(self._decline, by, no, reason)

    def _decline(self, tx: Tx, by: Actor, no: int, reason: str) -> None:
        application = self._undecided(tx, no)
        self._decide(tx, by, no, Stage.DECLINED, reason, None)
        note_act(
            tx, by, Deed.DECLINED, now_ms=self._clock.now_ms(), detail=application.person.name, why=reason
        )
        if application.person.email is not None:
            person = application.person
            text = texts.declined_mail(self._settings.now, person.language, person.name, reason)
            self._outbox.queue(tx, application.person.email, text.subject, text.body)

    def _undecided(self, tx: Tx, no: int) -> Application:
        application = application_by_no(tx, no)
        if application is None:
            raise Unable(Why.UNKNOWN_APPLICATION)
        if application.stage is not Stage.WAITING:
            raise Unable(Why.ALREADY_DECIDED)
        return application

    def _decide(self, tx: Tx, by: Actor, no: int, stage: Stage, why: str, member_no: int | None) -> None:
        tx.run(
            _DECIDE,
            which=no,
            new_state=stage.value,
            now=self._clock.now_ms(),
            by=by.name,
            why=why,
            whom=member_no,
        )

    def random_pin(self) -> str:
        """Return a PIN that `check_pin` takes."""
        while True:
            pin = f"{self._chance.below(10**6):06}"
            try:
                check_pin(pin)
            except Unable:
                continue
            return pin
