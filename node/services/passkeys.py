"""Logging in with a passkey: the telephone signs what we ask, after it has seen a finger, a face or its own code.

That is two proofs in one, so that no second step is asked for. A challenge is good once, for some minutes, in the browser that
asked. Keys whose counter of signatures goes back may have been copied, and open nothing any more. Only keys that are found
without a member number are made: asking for a number's keys would tell who has some. Source: docs/pages.md 8.13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import bindparam, delete, insert, select, update

from node.clock import Chance, Clock
from node.federation.addresses import network_of
from node.services import passkey_check
from node.services.entering import Entering, Lapsed, Outcome, Wait, Wrong
from node.services.members import MAY_SIGN_IN, Member, member_by_no
from node.services.passkey_check import NotThisKey, party_of
from node.services.sessions import TOKEN_BYTES, is_fresh_of, token_digest, token_text
from node.services.settings import Settings
from node.services.signed_books import BookToSign, SignedBook
from node.services.throttle import NETWORK_TRIES, Counted
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import passkeys as schema
from protocol.limits import MINUTE_MS

log: Final[structlog.stdlib.BoundLogger] = structlog.stdlib.get_logger()

CHALLENGE_BYTES: Final = 32
ASKED_MS: Final = 5 * MINUTE_MS
PASSKEYS_MAX: Final = 10
OWNER_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """One key of a member, as its owner sees it."""

    no: int
    name: str
    created_ms: int
    used_ms: int | None
    copied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAsked:
    """`options` are for the browser's own question; `token` goes into a cookie."""

    token: str
    options: dict[str, Any]
    lasts_ms: int = ASKED_MS


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser was asked to sign, and whose new key or trade it is; None for logging in."""

    challenge: bytes
    member_no: int | None
    owner: bytes | None = None  # of a new key
    salt: bytes | None = None  # of a trade's book, whose digest the challenge is


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A passkey that was just used."""

    member_no: int
    public_key: bytes


class CannotAdd(Exception):
    """An honest no: too many, or the session is not fresh, or what the browser sent is no new key for what was asked."""


_K: Final = schema.passkey.c
_C: Final = schema.passkey_challenge.c
_OF: Final = (
    select(_K.no, _K.name, _K.created_ms, _K.used_ms, _K.copied_ms)
    .where(_K.member_no == bindparam("no"))
    .order_by(_K.no)
)
_CREDENTIALS: Final = select(_K.credential, _K.owner).where(_K.member_no == bindparam("no"))
_BY_CREDENTIAL: Final = select(_K.no, _K.member_no, _K.public_key, _K.owner, _K.counter, _K.copied_ms).where(
    _K.credential == bindparam("credential")
)
_NEW: Final = insert(schema.passkey)
_USED: Final = (
    update(schema.passkey)
    .where(_K.no == bindparam("which"))
    .values(counter=bindparam("new_counter"), used_ms=bindparam("now"))
)
_COPIED: Final = update(schema.passkey).where(_K.no == bindparam("which")).values(copied_ms=bindparam("now"))
_REMOVE: Final = delete(schema.passkey).where(_K.no == bindparam("which"), _K.member_no == bindparam("whose"))
_ASK: Final = upsert(
    schema.passkey_challenge, key=("token",), update=("challenge", "member_no", "owner", "salt", "expires_ms")
)
_ASKED: Final = select(_C.challenge, _C.member_no, _C.owner, _C.salt, _C.expires_ms).where(
    _C.token == bindparam("token")
)
_ANSWERED: Final = delete(schema.passkey_challenge).where(_C.token == bindparam("which"))
_LAPSE: Final = delete(schema.passkey_challenge).where(_C.expires_ms <= bindparam("now"))


def passkeys_of(tx: ReadTx, member_no: int) -> list[Passkey]:
    """Return a member's passkeys, oldest first. A query."""
    return [
        Passkey(no=no, name=name, created_ms=created, used_ms=used, copied=copied is not None)
        for no, name, created, used, copied in tx.all(_OF, no=member_no)
    ]


class Passkeys:
    """See the head of this file."""

    def __init__(
        self, store: Store, clock: Clock, chance: Chance, *, entering: Entering, settings: Settings, public_address: str,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._entering: Final = entering
        self._settings: Final = settings
        self._party: Final = party_of(public_address)

    @property
    def possible(self) -> bool:
        """Whether browsers make and use passkeys at the scheme's address."""
        return self._party is not None

    # --- having them -------------------------------------------------------------------------------------------

    async def ask_new(self, by: Member, session: str) -> dict[str, Any]:
        """Return what the browser with the cookie `session` is given to make a passkey. Raises CannotAdd."""
        assert self._party is not None, "the page asks first"
        challenge, owner = self._chance.bytes(CHALLENGE_BYTES), self._chance.bytes(OWNER_BYTES)
        asked = await self._store.write(self._ask_new, by, session, challenge, owner)
        if asked is None:
            raise CannotAdd
        owner, known = asked
        return passkey_check.new_options(
            self._party, self._settings.now.name, owner=owner, name=by.name, known=known, challenge=challenge
        )

    def _ask_new(
        self, tx: Tx, by: Member, session: str, challenge: bytes, owner: bytes
    ) -> tuple[bytes, list[bytes]] | None:
        held = tx.all(_CREDENTIALS, no=by.no)
        if len(held) >= PASSKEYS_MAX or not is_fresh_of(tx, session, by.no, self._clock.now_ms()):
            return None
        owner = bytes(held[0][1]) if held else owner
        self._ask(tx, token_digest("session", session), Asked(challenge, by.no, owner))
        return owner, [bytes(credential) for credential, _ in held]

    def _ask(self, tx: Tx, token: bytes, asked: Asked) -> None:
        tx.run(
            _ASK, token=token, challenge=asked.challenge, member_no=asked.member_no, owner=asked.owner, salt=asked.salt,
            expires_ms=self._clock.now_ms() + ASKED_MS,
        )  # fmt: skip

    async def add(self, by: Member, session: str, name: str, answer: str) -> None:
        """Keep the passkey that the browser made. Raises CannotAdd."""
        if not await self._store.write(self._add, by, session, name, answer):
            raise CannotAdd

    def _add(self, tx: Tx, by: Member, session: str, name: str, answer: str) -> bool:
        asked = self._answered(tx, token_digest("session", session))
        if asked is None or asked.member_no != by.no or asked.owner is None or self._party is None:
            return False
        if not is_fresh_of(tx, session, by.no, self._clock.now_ms()):
            return False
        try:
            key = passkey_check.check_new(self._party, self._settings.now.name, asked.challenge, answer)
        except NotThisKey:
            return False
        # Ids are drawn; one that is known is somebody's who copied it.
        if tx.one(_BY_CREDENTIAL, credential=key.credential) is not None:
            return False
        if len(tx.all(_CREDENTIALS, no=by.no)) >= PASSKEYS_MAX:
            return False
        tx.run(
            _NEW, member_no=by.no, credential=key.credential, public_key=key.public_key, owner=asked.owner,
            counter=key.counter, name=name, created_ms=self._clock.now_ms(), used_ms=None, copied_ms=None,
        )  # fmt: skip
        return True

    def _answered(self, tx: Tx, token: bytes) -> Asked | None:
        """Return what was asked of a browser, which is used up by it; None if nothing was, or long ago."""
        row = tx.one(_ASKED, token=token)
        if row is None:
            return None
        tx.run(_ANSWERED, which=token)
        challenge, member_no, owner, salt, expires_ms = row
        return None if expires_ms <= self._clock.now_ms() else Asked(challenge, member_no, owner, salt)

    async def remove(self, by: Member, no: int) -> bool:
        """Forget one of a member's own passkeys; tell whether there was one."""
        return await self._store.write(self._remove, by, no)

    def _remove(self, tx: Tx, by: Member, no: int) -> bool:
        return tx.run(_REMOVE, which=no, whose=by.no) == 1

    # --- using one ---------------------------------------------------------------------------------------------

    async def ask_entry(self, address: str) -> KeyAsked | Wait:
        """Return what a browser is given to log somebody in."""
        assert self._party is not None, "the page asks first"
        challenge, token = self._chance.bytes(CHALLENGE_BYTES), token_text(self._chance.bytes(TOKEN_BYTES))
        wait_ms = await self._store.write(self._ask_entry, address, token, challenge)
        if wait_ms:
            return Wait(wait_ms)
        options = passkey_check.entry_options(self._party, self._settings.now.name, challenge)
        return KeyAsked(token=token, options=options)

    def _ask_entry(self, tx: Tx, address: str, token: str, challenge: bytes) -> int:
        wait_ms = self._entering.throttle.charge(tx, [self._counted(address)], self._clock.now_ms())
        if not wait_ms:
            self._ask(tx, token_digest("passkey", token), Asked(challenge, None))
        return wait_ms

    def _counted(self, address: str) -> Counted:
        return Counted(self._entering.throttle.mark("passkey", network_of(address)), NETWORK_TRIES)

    async def enter(self, token: str, answer: str, address: str, *, own_computer: bool) -> Outcome:
        """Sign in whoever's passkey answered the browser with the cookie `token`."""
        fresh = token_text(self._chance.bytes(TOKEN_BYTES))
        return await self._store.write(self._enter, token, answer, address, own_computer, fresh)

    def _enter(
        self, tx: Tx, token: str, answer: str, address: str, own_computer: bool, fresh: str
    ) -> Outcome:
        asked = self._answered(tx, token_digest("passkey", token))
        if asked is None or asked.member_no is not None:
            return Lapsed()
        used = self._use(tx, asked.challenge, answer)
        member = None if used is None else member_by_no(tx, used.member_no)
        if member is None or member.state not in MAY_SIGN_IN:
            return Wrong()
        self._entering.throttle.refund(tx, self._counted(address))
        return self._entering.enter(
            tx, member, fresh, address, own_computer=own_computer, proof="passkey", stepped=True
        )

    def _use(self, tx: Tx, challenge: bytes, answer: str) -> Used | None:
        """Return the passkey that signed the challenge here, and note it; None if none of ours did, or it may have been copied."""
        if self._party is None:
            return None
        try:
            row = tx.one(_BY_CREDENTIAL, credential=passkey_check.credential_of(answer))
            if row is None:
                return None
            no, member_no, public_key, owner, counter, copied_ms = row
            told = passkey_check.check_entry(
                self._party, self._settings.now.name, challenge, public_key, owner, answer
            )
        except NotThisKey:
            return None
        if copied_ms is not None:
            return None
        if (told or counter) and told <= counter:
            log.warning("passkey_counter_went_back", passkey=no, told=told, known=counter)
            tx.run(_COPIED, which=no, now=self._clock.now_ms())
            return None
        tx.run(_USED, which=no, new_counter=told, now=self._clock.now_ms())
        return Used(member_no=member_no, public_key=public_key)

    # --- signing a trade (3.5) ---------------------------------------------------------------------------------

    async def ask_trade(self, by: Member, session: str, book: BookToSign) -> dict[str, Any] | None:
        """Return what the browser with the cookie `session` is given to sign a trade; None if the member has no passkey."""
        if self._party is None or not await self._store.write(self._ask_trade, by, session, book):
            return None
        return passkey_check.entry_options(self._party, self._settings.now.name, book.digest)

    def _ask_trade(self, tx: Tx, by: Member, session: str, book: BookToSign) -> bool:
        if not tx.all(_CREDENTIALS, no=by.no):
            return False
        asked = Asked(book.digest, by.no, salt=book.salt)
        self._ask(tx, token_digest("session", session), asked)
        return True

    async def signed(self, by: Member, session: str, answer: str) -> SignedBook | None:
        """Return the book that a member's own passkey signed when asked in this session; None if it did not. It is used up by it."""
        return await self._store.write(self._signed, by, session, answer)

    def _signed(self, tx: Tx, by: Member, session: str, answer: str) -> SignedBook | None:
        asked = self._answered(tx, token_digest("session", session))
        if asked is None or asked.member_no != by.no or asked.salt is None:
            return None
        used = self._use(tx, asked.challenge, answer)
        if used is None or used.member_no != by.no:
            return None
        try:
            proof = passkey_check.proof_of(used.public_key, answer)
        except NotThisKey:
            return None  # right, and longer than an entry has room for
        return SignedBook(salt=asked.salt, digest=asked.challenge, proof=proof)

    async def tidy(self) -> None:
        """Drop what has lapsed; called by a job now and then."""
        await self._store.write(lambda tx: tx.run(_LAPSE, now=self._clock.now_ms()))
