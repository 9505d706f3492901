"""A scheme's people in memory, for tests of members, sign-in, applications and mail. Time stands still unless moved."""

from __future__ import annotations

from node.clock import SeededChance
from node.mail.outbox import Mail, Outbox, unsent_mails
from node.services.acts import OPERATOR, Actor, Role
from node.services.applications import Applications
from node.services.books import Books
from node.services.entering import Entering
from node.services.hashing import Hasher
from node.services.members import Member, NewMember
from node.services.passkeys import Passkeys
from node.services.people import People
from node.services.second_step import SecondSteps
from node.services.settings import SchemeSettings, Settings
from node.services.sign_in import SignIn
from node.services.throttle import Throttle
from node.store import InlineStore, Memory, ReadTx, Store
from tests.builders import NOW
from tests.fakes import MailServer, StoppedClock, mailed
from tests.small_town import make_keyring

SECRET = bytes(32)
HOME, CAFE = "192.0.2.7", "198.51.100.9"


class Desk:
    """One scheme's people, whole."""

    def __init__(self, store: Store | None = None) -> None:
        self.clock, self.chance, self.server = StoppedClock(), SeededChance("desk"), MailServer()
        self.store: Store = store or InlineStore(Memory())
        self.keyring = make_keyring(self.chance, NOW)
        self.books = Books(self.keyring, self.clock, self.chance)
        seed = SchemeSettings(
            name="Oakvale", credit_limit=600, ceiling=1200, help_name="Rosa", help_phone="01632 960 123"
        )
        self.settings = Settings(self.store, self.clock, seed)
        self.hasher = Hasher(SECRET, self.chance)
        self.outbox = Outbox(self.store, self.clock, self.server)
        self.people = People(
            self.store, self.clock, self.books, self.settings, self.hasher, demoted=lambda _tx, _no: None
        )
        entering = Entering(self.clock, Throttle(SECRET))
        self.steps = SecondSteps(
            self.store, self.clock, self.chance, entering=entering, safe=self.keyring.safe, secret=SECRET
        )
        self.passkeys = Passkeys(
            self.store, self.clock, self.chance, entering=entering, settings=self.settings,
            public_address="https://oakvale.example/",
        )  # fmt: skip
        self.sign_in = SignIn(
            self.store, self.clock, self.chance, settings=self.settings, outbox=self.outbox, hasher=self.hasher,
            entering=entering, steps=self.steps, public_address="https://oakvale.example/",
        )  # fmt: skip
        self.applications = Applications(
            self.store, self.clock, self.chance, people=self.people, sign_in=self.sign_in, settings=self.settings,
            outbox=self.outbox, hasher=self.hasher, secret=SECRET,
        )  # fmt: skip

    async def open(self) -> Desk:
        await self.settings.load()
        return self

    async def member(self, name: str, role: Role = Role.MEMBER, email: str | None = None) -> Member:
        """Return a new member, with an address made of the name."""
        address = f"{name.lower()}@example.org" if email is None else email
        return await self.people.add(OPERATOR, NewMember(name=name, email=address, role=role))

    async def rosa(self) -> Actor:
        """Return an organiser, as somebody who does something."""
        return (await self.member("Rosa", Role.ORGANISER)).acts("pin")

    async def mails(self) -> list[Mail]:
        """Return everything mailed so far, oldest first, also what waits for the morning."""
        return await mailed(self.outbox, self.clock, self.server)

    async def outbox_page(self) -> list[Mail]:
        """Return what organisers see of unsent mail."""

        def query(tx: ReadTx) -> list[Mail]:
            return unsent_mails(tx)[0]

        return await self.store.read(query)
