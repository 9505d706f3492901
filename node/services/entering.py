"""What every way of logging in ends with: a session, a network that is known from now on, and what was mailed is void.

Also what may come of a try, as values. The ways themselves are in `sign_in.py` and `passkeys.py`, the second step in
`second_step.py`. Source: docs/pages.md 0.8, 8.13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from sqlalchemy import bindparam, delete, select, update

from node.clock import Clock
from node.federation.addresses import network_of
from node.services import sessions
from node.services.members import Member
from node.services.throttle import Throttle
from node.store import ReadTx, Tx, upsert
from node.store.schema import people as schema
from protocol.limits import DAY_MS

# A network from which nobody signed in for so long is a stranger's again.
PLACE_KEPT_MS: Final = 180 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """`token` goes into the session cookie, which lasts `lasts_ms` or until the browser closes."""

    token: str
    member: Member
    own_computer: bool
    lasts_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAsked:
    """The first proof was right, and a second one is asked for. `token` goes into a cookie of this browser."""

    token: str
    lasts_ms: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """Not the code or PIN; `tries_left` for a code."""

    tries_left: int | None = None


@dataclass(frozen=True, slots=True)
class Lapsed:
    """The code or link was used, is too old, or was tried too often; ask for another."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Too many tries: the next one counts after `ms`."""

    ms: int


Outcome: TypeAlias = SignedIn | StepAsked | Wrong | Lapsed | Wait

_END_PENDINGS: Final = delete(schema.pending_sign_in).where(
    schema.pending_sign_in.c.member_no == bindparam("whose")
)
_END_MAIL_LINKS: Final = delete(schema.sign_in_link).where(
    schema.sign_in_link.c.member_no == bindparam("whose"), schema.sign_in_link.c.kind == "mail"
)
_SEEN: Final = (
    update(schema.member).where(schema.member.c.no == bindparam("which")).values(seen_ms=bindparam("now"))
)
_W: Final = schema.sign_in_place.c
_KNOWN_PLACE: Final = select(_W.seen_ms).where(
    _W.member_no == bindparam("member_no"), _W.mark == bindparam("mark")
)
_NOTE_PLACE: Final = upsert(schema.sign_in_place, key=("member_no", "mark"), update=("seen_ms",))
_FORGET_PLACES: Final = delete(schema.sign_in_place).where(_W.seen_ms < bindparam("before"))
# What is counted for each member; forgotten for a network once they got in from it.
_COUNTED: Final = ("pin", "mail", "step")


class Entering:
    """Parts of units that sign somebody in."""

    def __init__(self, clock: Clock, throttle: Throttle):
        self._clock: Final = clock
        self.throttle: Final = throttle

    def enter(
        self, tx: Tx, member: Member, token: str, address: str, *, own_computer: bool, proof: str, stepped: bool = False
    ) -> SignedIn:  # fmt: skip
        """Unit: sign a member in whose proofs were all right; the browser gets `token`."""
        now_ms = self._clock.now_ms()
        sessions.open_session(
            tx, token, member.no, own_computer=own_computer, proof=proof, stepped=stepped, now_ms=now_ms
        )
        self.use_up(tx, member)
        network = network_of(address)
        tx.run(_NOTE_PLACE, member_no=member.no, mark=self.throttle.mark("place", network), seen_ms=now_ms)
        for what in _COUNTED:
            self.throttle.forget(tx, self.throttle.mark(what, str(member.no), network))
        tx.run(_SEEN, which=member.no, now=now_ms)
        lasts_ms = sessions.OWN_COMPUTER_MS if own_computer else sessions.SHARED_COMPUTER_MS
        return SignedIn(token=token, member=member, own_computer=own_computer, lasts_ms=lasts_ms)

    def use_up(self, tx: Tx, member: Member) -> None:
        """Unit: what was mailed to a member for signing in is worth nothing any more."""
        tx.run(_END_PENDINGS, whose=member.no)
        tx.run(_END_MAIL_LINKS, whose=member.no)

    def of_account(self, tx: ReadTx, what: str, member: Member, network: str) -> bytes:
        """Return the mark for tries at an account: its own networks each have one, all others share one."""
        place = self.throttle.mark("place", network)
        known = tx.scalar(_KNOWN_PLACE, member_no=member.no, mark=place) is not None
        return self.throttle.mark(what, str(member.no), network if known else "elsewhere")

    def tidy(self, tx: Tx) -> None:
        """Unit: drop what has lapsed."""
        now_ms = self._clock.now_ms()
        sessions.lapse_sessions(tx, now_ms)
        tx.run(_FORGET_PLACES, before=now_ms - PLACE_KEPT_MS)
        self.throttle.tidy(tx, now_ms)
