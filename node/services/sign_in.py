"""Signing in: a mailed code or link, a number and PIN or password, a one-time link. Source: docs/pages.md 0.8, 8.13.

Nobody learns here who is a member: an unknown address or number gets the same answer after the same work.
The code works only in the browser that asked for it; the link of the same mail works wherever it is opened,
since that signs in its reader and nobody else.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from sqlalchemy import bindparam, delete, insert, select, update

from crypto.digest import tagged
from node.clock import Chance, Clock
from node.federation.addresses import network_of
from node.mail import texts
from node.mail.outbox import Outbox
from node.services import sessions
from node.services.acts import Actor, Deed, Work, note_act
from node.services.entering import (
    Entering,
    Lapsed,
    Outcome,
    SignedIn,
    StepAsked,
    Wait,
    Wrong,
)
from node.services.hashing import Hasher
from node.services.members import (
    MAY_SIGN_IN,
    Member,
    Unable,
    existing,
    fold_email,
    member_by_email,
    member_by_no,
    parse_number,
)
from node.services.passwords import password_hash
from node.services.second_step import SecondSteps
from node.services.sessions import TOKEN_BYTES, Session, token_digest, token_text
from node.services.settings import Settings
from node.services.throttle import (
    MAILS,
    NETWORK_REQUESTS,
    NETWORK_TRIES,
    PIN_TRIES,
    Counted,
)
from node.store import ReadTx, Store, Tx
from node.store.schema import people as schema
from protocol.limits import DAY_MS, HOUR_MS, MINUTE_MS

# Every answer about a code takes at least so long, which is longer than the work.
ANSWER_S: Final = 0.05
CODE_DIGITS: Final = 6
CODE_MINUTES: Final = 10
CODE_MS: Final = CODE_MINUTES * MINUTE_MS
CODE_TRIES_MAX: Final = 5
LINK_HOURS: Final = 24
LINK_MS: Final = LINK_HOURS * HOUR_MS
INVITATION_DAYS: Final = 14
INVITATION_MS: Final = INVITATION_DAYS * DAY_MS

# Where a one-time link leads; its page shows a button, because mail scanners follow links.
LINK_PATH: Final = "/login/link/"


# --- What comes of it --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAsked:
    """Whether a mail is on its way is not said. `token` goes into a cookie of the browser that asked."""

    token: str
    lasts_ms: int = CODE_MS


Asked: TypeAlias = CodeAsked | Wait
Stored: TypeAlias = Callable[[ReadTx, int], str | None]  # the hash of what a member proves themselves with


# --- Statements --------------------------------------------------------------------------------------------------

_P: Final = schema.pending_sign_in.c
_L: Final = schema.sign_in_link.c
_NEW_PENDING: Final = insert(schema.pending_sign_in)
_PENDING: Final = select(_P.member_no, _P.code, _P.tries, _P.expires_ms).where(_P.token == bindparam("token"))
_TRIED: Final = (
    update(schema.pending_sign_in).where(_P.token == bindparam("which")).values(tries=_P.tries + 1)
)
_LAPSE_PENDING: Final = delete(schema.pending_sign_in).where(_P.expires_ms <= bindparam("now"))
_NEW_LINK: Final = insert(schema.sign_in_link)
_LINK: Final = select(_L.member_no, _L.kind, _L.expires_ms).where(_L.token == bindparam("token"))
_END_LINK: Final = delete(schema.sign_in_link).where(_L.token == bindparam("which"))
_LAPSE_LINKS: Final = delete(schema.sign_in_link).where(_L.expires_ms <= bindparam("now"))
_PIN: Final = select(schema.member.c.pin_hash).where(schema.member.c.no == bindparam("no"))


def _code_digest(token: str, code: str) -> bytes:
    return tagged("interlets/sign-in-code", f"{token} {code}".encode())


def _find_link(tx: ReadTx, text: str, now_ms: int) -> tuple[Member, str] | None:
    row = tx.one(_LINK, token=token_digest("link", text))
    if row is None or row[2] <= now_ms:
        return None
    member = existing(tx, row[0])
    return (member, str(row[1])) if member.state in MAY_SIGN_IN else None


def _pin_hash(tx: ReadTx, no: int) -> str | None:
    stored = tx.scalar(_PIN, no=no)
    return None if stored is None else str(stored)


class SignIn:
    """Everything about proving who one is. Every method takes or gives texts as browsers have them."""

    def __init__(
        self, store: Store, clock: Clock, chance: Chance, *, settings: Settings, outbox: Outbox, hasher: Hasher,
        entering: Entering, steps: SecondSteps, public_address: str,
    ):  # fmt: skip
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._settings: Final = settings
        self._outbox: Final = outbox
        self._hasher: Final = hasher
        self._entering: Final = entering
        self._steps: Final = steps
        self._throttle: Final = entering.throttle
        self._public_address: Final = public_address.rstrip("/")

    # --- sessions ----------------------------------------------------------------------------------------------

    async def session(self, token: str) -> Session | None:
        """Return who is signed in in the browser with this cookie, and note that it is used."""
        now_ms = self._clock.now_ms()
        found = await self._store.read(sessions.read_session, token, now_ms)
        if found is not None and found.wants_noting(now_ms):
            await self._store.write(sessions.note_use, token, now_ms)
        return found

    async def sign_out(self, token: str) -> None:
        """End the session of one browser."""
        await self._store.write(sessions.end_session, token)

    async def name_device(self, token: str, device: str) -> None:
        """Note what the browser of a session is called, for its member to know it again."""
        await self._store.write(sessions.name_device, token, device)

    async def sign_out_one(self, by: Member, mark: str) -> bool:
        """End the session of one of a member's own browsers, as a page named it; tell whether there was one."""
        return await self._store.write(sessions.end_session_called, by.no, mark)

    async def sign_out_others(self, by: Member, token: str) -> int:
        """End a member's sessions in all other browsers; return how many there were."""
        return await self._store.write(sessions.end_other_sessions, by.no, token)

    async def sign_out_all(self, by: Actor) -> int:
        """End everybody's sessions, by an admin who has a reason to; return how many there were."""
        by.must_administer()
        return await self._store.write(self._sign_out_all, by)

    def _sign_out_all(self, tx: Tx, by: Actor) -> int:
        ended = sessions.end_all_sessions(tx)
        note_act(tx, by, Deed.SIGNED_OUT, now_ms=self._clock.now_ms(), detail=f"everybody: {ended}")
        return ended

    async def sign_out_everywhere(self, by: Actor, no: int, *, why: str = "") -> int:
        """End every session of a member, by the member or an organiser; return how many there were."""
        if by.no != no:
            by.must_do(Work.PEOPLE)
        return await self._store.write(self._sign_out_everywhere, by, no, why)

    def _sign_out_everywhere(self, tx: Tx, by: Actor, no: int, why: str) -> int:
        if existing(tx, no).organises and by.no not in (None, no):
            by.must_administer()
        ended = sessions.end_sessions(tx, no)
        if by.no != no:
            note_act(tx, by, Deed.SIGNED_OUT, now_ms=self._clock.now_ms(), for_no=no, why=why)
        return ended

    # --- a code by mail ----------------------------------------------------------------------------------------

    async def ask_code(self, email: str, address: str) -> Asked:
        """Send a code to `email` if a member has it; `address` is where the browser is."""
        try:
            folded = fold_email(email) or ""
        except Unable:
            folded = ""  # nobody has it; the answer is the same
        token, link = token_text(self._chance.bytes(TOKEN_BYTES)), token_text(self._chance.bytes(TOKEN_BYTES))
        code = f"{self._chance.below(10**CODE_DIGITS):0{CODE_DIGITS}}"
        # Writing a mail takes longer than writing none: nobody shall read that from the clock.
        wait_ms, _ = await asyncio.gather(
            self._store.write(self._ask_code, folded, address, token, code, link), asyncio.sleep(ANSWER_S)
        )
        return Wait(wait_ms) if wait_ms else CodeAsked(token=token)

    def _ask_code(self, tx: Tx, email: str, address: str, token: str, code: str, link: str) -> int:
        now_ms = self._clock.now_ms()
        network = network_of(address)
        wait_ms = self._throttle.charge(
            tx, [Counted(self._throttle.mark("ask", network), NETWORK_REQUESTS)], now_ms
        )
        if wait_ms:
            return wait_ms
        member = member_by_email(tx, email)
        if member is not None and member.state not in MAY_SIGN_IN:
            member = None
        if member is not None:
            # Too many mails: neither a mail nor a code that could be guessed. The earlier mails' links work.
            counted = self._entering.of_account(tx, "mail", member, network)
            if self._throttle.charge(tx, [Counted(counted, MAILS)], now_ms):
                member = None
        tx.run(
            _NEW_PENDING,
            token=token_digest("pending", token),
            member_no=None if member is None else member.no,
            code=_code_digest(token, code),
            tries=0,
            expires_ms=now_ms + CODE_MS,
        )
        if member is not None:
            self._mail_code(tx, member, code, link, now_ms)
        return 0

    def _mail_code(self, tx: Tx, member: Member, code: str, link: str, now_ms: int) -> None:
        assert member.email is not None
        self._new_link(tx, member.no, "mail", link, now_ms + CODE_MS)
        text = texts.code_mail(
            self._settings.now, member.language, member.name, code, self._link_address(link), CODE_MINUTES
        )
        self._outbox.queue(
            tx, member.email, text.subject, text.body, member_no=member.no, private=True, until_ms=now_ms + CODE_MS
        )  # fmt: skip

    async def enter_code(self, token: str, code: str, address: str, *, own_computer: bool) -> Outcome:
        """Sign in with the code from the mail, in the browser that has the cookie `token`."""
        fresh = token_text(self._chance.bytes(TOKEN_BYTES))
        digits = "".join(sign for sign in code if sign.isdigit())
        return await self._store.write(self._enter_code, token, digits, address, own_computer, fresh)

    def _enter_code(
        self, tx: Tx, token: str, code: str, address: str, own_computer: bool, fresh: str
    ) -> Outcome:
        now_ms = self._clock.now_ms()
        digest = token_digest("pending", token)
        row = tx.one(_PENDING, token=digest)
        if row is None or row[3] <= now_ms or row[2] >= CODE_TRIES_MAX:
            return Lapsed()
        member_no, wanted, tries, _ = row
        fits = hmac.compare_digest(wanted, _code_digest(token, code))
        member = None if member_no is None else member_by_no(tx, member_no)
        if not fits or member is None or member.state not in MAY_SIGN_IN:
            tx.run(_TRIED, which=digest)
            left = CODE_TRIES_MAX - tries - 1
            return Wrong(left) if left else Lapsed()
        return self._enter(tx, member, fresh, address, own_computer=own_computer, proof="link")

    # --- number and PIN or password ----------------------------------------------------------------------------------------

    async def with_pin(self, number: str, pin: str, address: str, *, own_computer: bool) -> Outcome:
        """Sign in with a member's number and the PIN an organiser set."""
        return await self._with(_pin_hash, "pin", number, pin.strip(), address, own_computer)

    async def with_password(self, number: str, password: str, address: str, *, own_computer: bool) -> Outcome:
        """Sign in with a member's number and the password they set. Its tries and the PIN's are counted as one."""
        return await self._with(password_hash, "password", number, password, address, own_computer)

    async def _with(self, stored_of: Stored, proof: str, number: str, secret: str, address: str, own: bool) -> Outcome:  # fmt: skip
        no = parse_number(number) or 0
        stored = await self._store.write(self._charge, stored_of, no, address)
        if isinstance(stored, Wait):
            return stored
        if not await self._hasher.verify(secret, stored):
            return Wrong()
        fresh = token_text(self._chance.bytes(TOKEN_BYTES))
        return await self._store.write(self._enter_with, stored_of, proof, no, stored, address, own, fresh)

    async def fits_pin(self, by: Member, pin: str, address: str) -> bool | Wait:
        """Tell whether this is the PIN of a member who is signed in; wrong ones are counted like wrong sign-ins."""
        stored = await self._store.write(self._charge, _pin_hash, by.no, address)
        if isinstance(stored, Wait):
            return stored
        fits = await self._hasher.verify(pin.strip(), stored)
        if fits:
            await self._store.write(self._refund_pin, by.no, address)
        return fits

    def _refund_pin(self, tx: Tx, no: int, address: str) -> None:
        for counted in self._pin_counts(tx, no, network_of(address)):
            self._throttle.refund(tx, counted)

    def _charge(self, tx: Tx, stored_of: Stored, no: int, address: str) -> str | Wait | None:
        """Count the try, and return the hash to verify against, None if there is none."""
        now_ms = self._clock.now_ms()
        network = network_of(address)
        wait_ms = self._throttle.charge(tx, self._pin_counts(tx, no, network), now_ms)
        if wait_ms:
            return Wait(wait_ms)
        member = member_by_no(tx, no)
        if member is None or member.state not in MAY_SIGN_IN:
            return None
        return stored_of(tx, no)

    def _pin_counts(self, tx: Tx, no: int, network: str) -> list[Counted]:
        member = member_by_no(tx, no)
        # A number nobody has is counted as well, or its absence could be told from the waiting.
        account = (
            self._throttle.mark("pin", str(no), "elsewhere")
            if member is None
            else self._entering.of_account(tx, "pin", member, network)
        )
        return [Counted(self._throttle.mark("pin", network), NETWORK_TRIES), Counted(account, PIN_TRIES)]

    def _enter_with(
        self, tx: Tx, stored_of: Stored, proof: str, no: int, stored: str | None, address: str, own_computer: bool, fresh: str
    ) -> Outcome:  # fmt: skip
        member = member_by_no(tx, no)
        # It may have been changed while it was being verified.
        if member is None or member.state not in MAY_SIGN_IN or stored_of(tx, no) != stored:
            return Wrong()
        self._refund_pin(tx, no, address)
        return self._enter(tx, member, fresh, address, own_computer=own_computer, proof=proof)

    # --- one-time links ----------------------------------------------------------------------------------------

    async def make_link(self, by: Actor, no: int, *, why: str = "") -> str:
        """Return the address of a page where this member can sign in once, within a day. Raises Unable."""
        by.must_do(Work.PEOPLE)
        link = token_text(self._chance.bytes(TOKEN_BYTES))
        await self._store.write(self._make_link, by, no, link, why)
        return self._link_address(link)

    def _make_link(self, tx: Tx, by: Actor, no: int, link: str, why: str) -> None:
        now_ms = self._clock.now_ms()
        member = existing(tx, no)
        if by.no is not None and member.organises:
            by.must_administer()  # a link makes whoever opens it that member
        self._new_link(tx, no, "desk", link, now_ms + LINK_MS)
        note_act(tx, by, Deed.LINK, now_ms=now_ms, for_no=no, why=why)

    def invite_in(self, tx: Tx, member: Member, link: str) -> str:
        """Unit: return the address for an invitation by mail; `link` is a fresh token's text."""
        self._new_link(tx, member.no, "invitation", link, self._clock.now_ms() + INVITATION_MS)
        return self._link_address(link)

    def _new_link(self, tx: Tx, no: int, kind: str, link: str, expires_ms: int) -> None:
        tx.run(_NEW_LINK, token=token_digest("link", link), member_no=no, kind=kind, expires_ms=expires_ms)

    def _link_address(self, link: str) -> str:
        return f"{self._public_address}{LINK_PATH}{link}"

    async def look_at_link(self, link: str) -> Member | None:
        """Return whom a link would sign in, without using it up; None if nobody."""
        found = await self._store.read(_find_link, link, self._clock.now_ms())
        return None if found is None else found[0]

    async def use_link(self, link: str, address: str, *, own_computer: bool) -> Outcome:
        """Sign in with a link, which is used up by it."""
        fresh = token_text(self._chance.bytes(TOKEN_BYTES))
        return await self._store.write(self._use_link, link, address, own_computer, fresh)

    def _use_link(self, tx: Tx, link: str, address: str, own_computer: bool, fresh: str) -> Outcome:
        found = _find_link(tx, link, self._clock.now_ms())
        if found is None:
            return Lapsed()
        tx.run(_END_LINK, which=token_digest("link", link))
        return self._enter(tx, found[0], fresh, address, own_computer=own_computer, proof="link")

    # --- common ------------------------------------------------------------------------------------------------

    def _enter(
        self, tx: Tx, member: Member, token: str, address: str, *, own_computer: bool, proof: str
    ) -> SignedIn | StepAsked:
        """Sign a member in, or ask for the second step of whoever has one."""
        if self._steps.is_on(tx, member.no):
            self._entering.use_up(tx, member)
            return self._steps.ask(tx, member, token, own_computer=own_computer, proof=proof)
        return self._entering.enter(tx, member, token, address, own_computer=own_computer, proof=proof)

    async def tidy(self) -> None:
        """Drop what has lapsed; called by a job now and then."""
        await self._store.write(self._tidy)

    def _tidy(self, tx: Tx) -> None:
        now_ms = self._clock.now_ms()
        tx.run(_LAPSE_PENDING, now=now_ms)
        tx.run(_LAPSE_LINKS, now=now_ms)
        self._steps.tidy(tx)
        self._entering.tidy(tx)
