"""The second step of logging in, for organisers: a code from their telephone, or one of ten spare codes on paper.

A code is good once: the step of the last one is kept, and what is not later is refused. A step counts only once a first
code has shown that the telephone has the secret. Tries are counted as those at PINs are, and only whoever has shown the
first proof comes so far. Source: docs/pages.md 8.13; RFC 6238.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from crypto.safekeeping import SafeKeys
from crypto.timed_codes import SECRET_BYTES, step_of
from node.clock import Chance, Clock
from node.federation.addresses import network_of
from node.services import sessions
from node.services.acts import Actor, Deed, note_act
from node.services.entering import Entering, Lapsed, Outcome, StepAsked, Wait, Wrong
from node.services.members import MAY_SIGN_IN, Member, member_by_no
from node.services.sessions import TOKEN_BYTES, token_digest, token_text
from node.services.throttle import MARK_BYTES, NETWORK_TRIES, PIN_TRIES, Counted
from node.store import ReadTx, Store, Tx, upsert
from node.store.schema import second_step as schema
from protocol.errors import InvalidValue
from protocol.limits import HOUR_MS, MINUTE_MS
from protocol.references import REFERENCE_BYTES, Reference, parse_reference, reference_of

ASKED_MINUTES: Final = 10
ASKED_MS: Final = ASKED_MINUTES * MINUTE_MS
TRIES_MAX: Final = 5
DRAWN_VALID_MS: Final = HOUR_MS  # a secret whose first code was not typed meanwhile is worth nothing
SPARE_CODES: Final = 10
PURPOSE: Final = b"interlets/1/second-step\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How it stands with a member's second step."""

    since_ms: int | None  # None: drawn, and not confirmed yet
    drawn_ms: int
    spare_left: int


_S: Final = schema.second_step.c
_C: Final = schema.spare_code.c
_P: Final = schema.pending_step.c
_STEP: Final = select(_S.since_ms, _S.drawn_ms, _S.secret, _S.used).where(_S.member_no == bindparam("no"))
_DRAW: Final = upsert(
    schema.second_step, key=("member_no",), update=("secret", "drawn_ms", "since_ms", "used")
)
_CONFIRM: Final = (
    update(schema.second_step)
    .where(_S.member_no == bindparam("which"))
    .values(since_ms=bindparam("now"), used=bindparam("new_used"))
)
_USED: Final = (
    update(schema.second_step).where(_S.member_no == bindparam("which")).values(used=bindparam("new_used"))
)
_END: Final = tuple(
    delete(each).where(each.c.member_no == bindparam("which"))
    for each in (schema.second_step, schema.spare_code, schema.pending_step)
)
_LEFT: Final = select(func.count()).where(_C.member_no == bindparam("no"), _C.used_ms.is_(None))
_NEW_CODE: Final = insert(schema.spare_code)
_NO_CODES: Final = delete(schema.spare_code).where(_C.member_no == bindparam("which"))
_USE_CODE: Final = (
    update(schema.spare_code)
    .where(_C.mark == bindparam("which"), _C.member_no == bindparam("whose"), _C.used_ms.is_(None))
    .values(used_ms=bindparam("now"))
)
_ASK: Final = insert(schema.pending_step)
_ASKED: Final = select(_P.member_no, _P.own_computer, _P.proof, _P.tries, _P.expires_ms).where(
    _P.token == bindparam("token")
)
_TRIED: Final = update(schema.pending_step).where(_P.token == bindparam("which")).values(tries=_P.tries + 1)
_ANSWERED: Final = delete(schema.pending_step).where(_P.token == bindparam("which"))
_LAPSE: Final = delete(schema.pending_step).where(_P.expires_ms <= bindparam("now"))
_LAPSE_DRAWN: Final = delete(schema.second_step).where(
    _S.since_ms.is_(None), _S.drawn_ms <= bindparam("before")
)


def read_step(tx: ReadTx, no: int) -> Step | None:
    """Return how it stands with a member's second step; None if there is none. A query."""
    row = tx.one(_STEP, no=no)
    if row is None:
        return None
    return Step(since_ms=row[0], drawn_ms=row[1], spare_left=int(tx.scalar(_LEFT, no=no)))


def is_stepping(tx: ReadTx, no: int) -> bool:
    """Tell whether a member is asked for a second step. A query."""
    row = tx.one(_STEP, no=no)
    return row is not None and row[0] is not None


def _purpose(no: int) -> bytes:
    return PURPOSE + no.to_bytes(8, "big")


class SecondSteps:
    """See the head of this file."""

    def __init__(
        self, store: Store, clock: Clock, chance: Chance, *, entering: Entering, safe: SafeKeys, secret: bytes
    ):
        self._store: Final = store
        self._clock: Final = clock
        self._chance: Final = chance
        self._entering: Final = entering
        self._safe: Final = safe
        self._secret: Final = secret

    # --- having one --------------------------------------------------------------------------------------------

    async def draw(self, by: Member) -> None:
        """Draw a secret for a member's telephone; it counts once `confirm` has seen a code of it."""
        await self._store.write(self._draw, by, self._chance.bytes(SECRET_BYTES))

    def _draw(self, tx: Tx, by: Member, secret: bytes) -> None:
        if is_stepping(tx, by.no):
            return  # from a page that was left open: the one that counts stays
        sealed = self._safe.seal(_purpose(by.no), secret)
        now_ms = self._clock.now_ms()
        tx.run(_DRAW, member_no=by.no, secret=sealed, drawn_ms=now_ms, since_ms=None, used=0)

    async def drawn(self, by: Member) -> bytes | None:
        """Return the secret that waits for its first code, to be shown to its member; None if none does."""
        return await self._store.read(self._drawn, by.no)

    def _drawn(self, tx: ReadTx, no: int) -> bytes | None:
        row = tx.one(_STEP, no=no)
        if row is None or row[0] is not None or row[1] + DRAWN_VALID_MS <= self._clock.now_ms():
            return None
        return self._safe.open(_purpose(no), row[2])

    async def confirm(self, by: Actor, session: str, code: str) -> tuple[Reference, ...] | Wrong | Lapsed:
        """Let the second step count from now on, and return the spare codes, which are shown this once.

        The member's other browsers are signed out; the one with the cookie `session` stays.
        """
        codes = self._fresh_codes()
        outcome = await self._store.write(self._confirm, by, session, _digits(code), codes)
        return codes if outcome is None else outcome

    def _confirm(
        self, tx: Tx, by: Actor, session: str, code: str, codes: tuple[Reference, ...]
    ) -> Wrong | Lapsed | None:
        assert by.no is not None, "a member in their browser"
        secret, now_ms = self._drawn(tx, by.no), self._clock.now_ms()
        if secret is None:
            return Lapsed()
        step = step_of(secret, code, now_ms, 0)
        if step is None:
            return Wrong()
        tx.run(_CONFIRM, which=by.no, now=now_ms, new_used=step)
        self._put_codes(tx, by.no, codes)
        sessions.end_other_sessions(tx, by.no, session)
        sessions.note_step(tx, by.no, session)
        note_act(tx, by, Deed.SECOND_STEP, now_ms=now_ms, for_no=by.no, detail="on")
        return None

    async def renew_codes(self, by: Member, code: str, address: str) -> tuple[Reference, ...] | Wrong | Wait:
        """Return ten new spare codes in place of all before, for whoever has the telephone or a code."""
        codes = self._fresh_codes()

        def renew(tx: Tx) -> Wrong | Wait | None:
            tried = self._try(tx, by, code, address)
            if tried is None:
                self._put_codes(tx, by.no, codes)
            return tried

        outcome = await self._store.write(renew)
        return codes if outcome is None else outcome

    async def end(self, by: Member, actor: Actor, code: str, address: str) -> Wrong | Wait | None:
        """Take a member's own second step away, for whoever has the telephone or a code; None: it is done."""

        def end(tx: Tx) -> Wrong | Wait | None:
            tried = self._try(tx, by, code, address)
            if tried is None:
                self._end(tx, actor, by.no, "off")
            return tried

        return await self._store.write(end)

    def take_away(self, tx: Tx, by: Actor, no: int, *, why: str = "") -> None:
        """Unit: take a member's second step away for them, and sign them out everywhere."""
        self._end(tx, by, no, "taken away", why)
        sessions.end_sessions(tx, no)

    async def take_away_now(self, by: Actor, no: int) -> bool:
        """As `take_away`, at the command line of the node; tell whether there was one."""
        by.must_administer()

        def take(tx: Tx) -> bool:
            found = is_stepping(tx, no)
            if found:
                self.take_away(tx, by, no, why="command line")
            return found

        return await self._store.write(take)

    def _end(self, tx: Tx, by: Actor, no: int, detail: str, why: str = "") -> None:
        for statement in _END:
            tx.run(statement, which=no)
        note_act(tx, by, Deed.SECOND_STEP, now_ms=self._clock.now_ms(), for_no=no, detail=detail, why=why)

    def _fresh_codes(self) -> tuple[Reference, ...]:
        drawn: dict[Reference, None] = {}
        while len(drawn) < SPARE_CODES:
            drawn[reference_of(self._chance.bytes(REFERENCE_BYTES))] = None
        return tuple(drawn)

    def _put_codes(self, tx: Tx, no: int, codes: tuple[Reference, ...]) -> None:
        tx.run(_NO_CODES, which=no)
        for code in codes:
            tx.run(_NEW_CODE, mark=self._mark(no, code), member_no=no, used_ms=None)

    def _mark(self, no: int, code: Reference) -> bytes:
        return hmac.digest(self._secret, f"spare-code\0{no}\0{code}".encode(), "sha256")[:MARK_BYTES]

    # --- being asked -------------------------------------------------------------------------------------------

    def is_on(self, tx: ReadTx, no: int) -> bool:
        """Tell whether a member is asked for it."""
        return is_stepping(tx, no)

    def ask(self, tx: Tx, member: Member, token: str, *, own_computer: bool, proof: str) -> StepAsked:
        """Unit: ask the browser that gets `token` for the second step, after the first proof was right."""
        tx.run(
            _ASK, token=token_digest("step", token), member_no=member.no, own_computer=own_computer, proof=proof, tries=0,
            expires_ms=self._clock.now_ms() + ASKED_MS,
        )  # fmt: skip
        return StepAsked(token=token, lasts_ms=ASKED_MS)

    async def enter(self, token: str, code: str, address: str) -> Outcome:
        """Sign in the browser with the cookie `token`, by a code from the telephone or a spare one."""
        fresh = token_text(self._chance.bytes(TOKEN_BYTES))
        return await self._store.write(self._enter, token, code, address, fresh)

    def _enter(self, tx: Tx, token: str, code: str, address: str, fresh: str) -> Outcome:
        digest = token_digest("step", token)
        row = tx.one(_ASKED, token=digest)
        if row is None or row[4] <= self._clock.now_ms() or row[3] >= TRIES_MAX:
            return Lapsed()
        no, own_computer, proof, tries, _ = row
        member = member_by_no(tx, no)
        # Taken away meanwhile: whoever asked begins again, and needs none then.
        if member is None or member.state not in MAY_SIGN_IN or not self.is_on(tx, no):
            return Lapsed()
        match self._try(tx, member, code, address):
            case Wait(ms):
                return Wait(ms)
            case Wrong():
                tx.run(_TRIED, which=digest)
                left = TRIES_MAX - tries - 1
                return Wrong(left) if left else Lapsed()
            case _:
                tx.run(_ANSWERED, which=digest)
                return self._entering.enter(
                    tx, member, fresh, address, own_computer=bool(own_computer), proof=proof, stepped=True
                )

    def _try(self, tx: Tx, member: Member, code: str, address: str) -> Wrong | Wait | None:
        """Count a try and judge it; None if it was right, and then it is used up."""
        network, throttle = network_of(address), self._entering.throttle
        counts = [
            Counted(throttle.mark("step", network), NETWORK_TRIES),
            Counted(self._entering.of_account(tx, "step", member, network), PIN_TRIES),
        ]
        wait_ms = throttle.charge(tx, counts, self._clock.now_ms())
        if wait_ms:
            return Wait(wait_ms)
        if not self._is_right(tx, member.no, code):
            return Wrong()
        for counted in counts:
            throttle.refund(tx, counted)
        return None

    def _is_right(self, tx: Tx, no: int, code: str) -> bool:
        row, now_ms = tx.one(_STEP, no=no), self._clock.now_ms()
        if row is None or row[0] is None:
            return False
        _, _, sealed, used = row
        try:
            spare = parse_reference(code)
        except InvalidValue:
            step = step_of(self._safe.open(_purpose(no), sealed), _digits(code), now_ms, used)
            if step is not None:
                tx.run(_USED, which=no, new_used=step)
            return step is not None
        return tx.run(_USE_CODE, which=self._mark(no, spare), whose=no, now=now_ms) == 1

    def tidy(self, tx: Tx) -> None:
        """Unit: drop what has lapsed."""
        now_ms = self._clock.now_ms()
        tx.run(_LAPSE, now=now_ms)
        tx.run(_LAPSE_DRAWN, before=now_ms - DRAWN_VALID_MS)


def _digits(code: str) -> str:
    return "".join(sign for sign in code if sign.isdigit())
