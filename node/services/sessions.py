"""Who is signed in where: random tokens in cookies, their digests here. Source: docs/pages.md 0.8, 8.13."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from crypto.digest import tagged
from node.services.acts import Actor, Role
from node.services.behalf import Behalf, How, may_act_for
from node.services.members import MAY_SIGN_IN, MEMBER_COLUMNS, Member, member_by_no, member_of_row
from node.store import ReadTx, Tx
from node.store.schema import people as schema
from protocol.limits import DAY_MS, MINUTE_MS

TOKEN_BYTES: Final = 32
MARK_BYTES: Final = 8
OWN_COMPUTER_MS: Final = 90 * DAY_MS
SHARED_COMPUTER_MS: Final = 30 * MINUTE_MS  # from the last page, on a library's computer
# A session's end moves on with use, but is not written at every page.
NOTED_EVERY_MS: Final = MINUTE_MS
NOTED_EVERY_OWN_MS: Final = DAY_MS
# A browser left open in a library must not be given a way in for ever: a passkey or a password takes a log-in of late.
FRESH_MINUTES: Final = 15
FRESH_MS: Final = FRESH_MINUTES * MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser in which a member is signed in."""

    member: Member
    own_computer: bool
    proof: str
    stepped: bool  # whether a second step was taken
    created_ms: int
    seen_ms: int
    expires_ms: int
    acting: Behalf | None = None  # for whom an organiser acts in it

    @property
    def actor(self) -> Actor:
        """The member as somebody who does something."""
        return self.member.acts(self.proof)

    def as_member(self) -> Session:
        """Return the same session of somebody who organises nothing."""
        return replace(self, member=replace(self.member, role=Role.MEMBER), acting=None)

    def is_fresh(self, now_ms: int) -> bool:
        """Tell whether its member logged in so lately that a way in may be added or changed."""
        return now_ms - self.created_ms < FRESH_MS

    def wants_noting(self, now_ms: int) -> bool:
        """Tell whether its use should be written down again."""
        return now_ms - self.seen_ms > (NOTED_EVERY_OWN_MS if self.own_computer else NOTED_EVERY_MS)


_S: Final = schema.session.c
_NEW: Final = insert(schema.session)
_READ: Final = (
    select(
        _S.own_computer,
        _S.proof,
        _S.stepped,
        _S.created_ms,
        _S.seen_ms,
        _S.expires_ms,
        _S.acting_no,
        _S.acting_how,
        _S.acting_why,
        _S.acting_until_ms,
        *MEMBER_COLUMNS,
    )
    .join_from(schema.session, schema.member, _S.member_no == schema.member.c.no)
    .where(_S.token == bindparam("token"))
)
_OF: Final = (
    select(_S.token, _S.own_computer, _S.device, _S.created_ms, _S.seen_ms)
    .where(_S.member_no == bindparam("whose"), _S.expires_ms > bindparam("now"))
    .order_by(_S.seen_ms.desc())
)
_NOTE: Final = (
    update(schema.session)
    .where(_S.token == bindparam("which"))
    .values(seen_ms=bindparam("now"), expires_ms=bindparam("new_expires"))
)
_NAME: Final = (
    update(schema.session).where(_S.token == bindparam("which")).values(device=bindparam("new_device"))
)
_END: Final = delete(schema.session).where(_S.token == bindparam("which"))
_END_ALL: Final = delete(schema.session).where(_S.member_no == bindparam("whose"))
_END_EVERY: Final = delete(schema.session)
_END_OTHERS: Final = delete(schema.session).where(
    _S.member_no == bindparam("whose"), _S.token != bindparam("but")
)
_STEPPED: Final = (
    update(schema.session)
    .where(_S.token == bindparam("which"), _S.member_no == bindparam("whose"))
    .values(stepped=True)
)
_LAPSE: Final = delete(schema.session).where(_S.expires_ms <= bindparam("now"))


def token_text(token: bytes) -> str:
    """Return a token as it stands in a cookie or a link."""
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def token_digest(tag: str, text: str) -> bytes:
    """Return what is stored of the token that `text` writes; of anything else, a digest that nothing has."""
    try:
        token = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        token = b""
    return tagged(f"interlets/{tag}", token if len(token) == TOKEN_BYTES else b"")


def read_session(tx: ReadTx, text: str, now_ms: int) -> Session | None:
    """Return the session of a cookie, if it is one and has not ended."""
    return session_at(tx, token_digest("session", text), now_ms)


def is_fresh_of(tx: ReadTx, text: str, member_no: int, now_ms: int) -> bool:
    """Tell whether a cookie is of a session of this member that is fresh."""
    found = read_session(tx, text, now_ms)
    return found is not None and found.member.no == member_no and found.is_fresh(now_ms)


def session_at(tx: ReadTx, digest: bytes, now_ms: int) -> Session | None:
    """Return the session whose cookie has that digest, if it has not ended; a part of a page's one read."""
    row = tx.one(_READ, token=digest)
    if row is None:
        return None
    own_computer, proof, stepped, created_ms, seen_ms, expires_ms, *rest = row
    acting, found = rest[:4], member_of_row(tuple(rest[4:]))
    if expires_ms <= now_ms or found.state not in MAY_SIGN_IN:
        return None
    tx.holds_until(expires_ms)
    return Session(
        member=found,
        own_computer=own_computer,
        proof=proof,
        stepped=bool(stepped),
        created_ms=created_ms,
        seen_ms=seen_ms,
        expires_ms=expires_ms,
        acting=_acting(tx, found, proof, now_ms, *acting),
    )


def _acting(
    tx: ReadTx, organiser: Member, proof: str, now_ms: int, no: int | None, how: str, why: str, until_ms: int
) -> Behalf | None:
    """Return for whom an organiser acts, while they may: roles and members change meanwhile."""
    if no is None or until_ms <= now_ms:
        return None
    tx.holds_until(until_ms)
    member = member_by_no(tx, no)
    if member is None or not may_act_for(organiser, member):
        return None
    return Behalf(by=organiser.acts(proof), member=member, how=How(how), why=why, until_ms=until_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInAt:
    """One browser in which a member is signed in, as its owner sees it."""

    mark: str  # by which a page names it; nobody gets in with that
    this_one: bool  # the browser that asks
    own_computer: bool
    device: str
    since_ms: int
    seen_ms: int


def sessions_of(tx: ReadTx, member_no: int, text: str, now_ms: int) -> list[SignedInAt]:
    """Return where a member is signed in, last used first; `text` is the cookie of the browser that asks."""
    this = token_digest("session", text)
    return [
        SignedInAt(
            mark=_mark(token),
            this_one=token == this,
            own_computer=bool(own_computer),
            device=device,
            since_ms=created_ms,
            seen_ms=seen_ms,
        )
        for token, own_computer, device, created_ms, seen_ms in tx.all(_OF, whose=member_no, now=now_ms)
    ]


def _mark(token: bytes) -> str:
    return tagged("interlets/session-mark", token)[:MARK_BYTES].hex()


def name_device(tx: Tx, text: str, device: str) -> None:
    """Note what the browser of a session is called."""
    tx.run(_NAME, which=token_digest("session", text), new_device=device)


def end_session_called(tx: Tx, member_no: int, mark: str) -> bool:
    """Sign out the browser of a member that a page named; tell whether there was one."""
    for token, *_ in tx.all(_OF, whose=member_no, now=0):
        if _mark(token) == mark:
            tx.run(_END, which=token)
            return True
    return False


def open_session(
    tx: Tx, token: str, member_no: int, *, own_computer: bool, proof: str, stepped: bool, now_ms: int
) -> None:
    """Let the browser that gets `token` act for a member; a part of the unit that signs in."""
    lasts_ms = OWN_COMPUTER_MS if own_computer else SHARED_COMPUTER_MS
    tx.run(
        _NEW,
        token=token_digest("session", token),
        member_no=member_no,
        own_computer=own_computer,
        proof=proof,
        stepped=stepped,
        device="",
        acting_no=None,
        acting_how=None,
        acting_why=None,
        acting_until_ms=None,
        created_ms=now_ms,
        seen_ms=now_ms,
        expires_ms=now_ms + lasts_ms,
    )


def note_use(tx: Tx, text: str, now_ms: int) -> None:
    """Move the end of a session on, because it is used."""
    session = read_session(tx, text, now_ms)
    if session is not None:
        lasts_ms = OWN_COMPUTER_MS if session.own_computer else SHARED_COMPUTER_MS
        tx.run(_NOTE, which=token_digest("session", text), now=now_ms, new_expires=now_ms + lasts_ms)


def end_session(tx: Tx, text: str) -> None:
    """Sign out one browser."""
    tx.run(_END, which=token_digest("session", text))


def end_sessions(tx: Tx, member_no: int) -> int:
    """Sign out every browser of a member; return how many there were."""
    return tx.run(_END_ALL, whose=member_no)


def end_all_sessions(tx: Tx) -> int:
    """Sign out everybody everywhere; return how many browsers there were."""
    return tx.run(_END_EVERY)


def end_other_sessions(tx: Tx, member_no: int, text: str) -> int:
    """Sign out every browser of a member but the one with this cookie; return how many there were."""
    return tx.run(_END_OTHERS, whose=member_no, but=token_digest("session", text))


def note_step(tx: Tx, member_no: int, text: str) -> None:
    """Note that the second step was taken in a browser of this member that was signed in before."""
    tx.run(_STEPPED, which=token_digest("session", text), whose=member_no)


def lapse_sessions(tx: Tx, now_ms: int) -> None:
    """Drop sessions that have ended."""
    tx.run(_LAPSE, now=now_ms)
