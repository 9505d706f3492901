"""What members and organisers do with members: adding, profiles, PINs, limits, pauses, roles.

An account is opened together with its member; what it may hold is decided in the ledger. Members as values and
the queries for them are in `members.py`, how people prove who they are in `sign_in.py`, how they come in
`applications.py`. Source: docs/pages.md 4, 7.2–7.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import bindparam, insert, literal_column, update

from node.clock import Clock
from node.services.acts import Act, Actor, Deed, NotAllowed, Role, Work, acts_for, note_act
from node.services.ask_silence_rows import move_asks
from node.services.books import Books
from node.services.hashing import Hasher
from node.services.members import (
    Member,
    NewMember,
    State,
    Unable,
    Why,
    check_pin,
    count_admins,
    existing,
    folded_name,
    member_by_email,
    member_by_no,
)
from node.services.settings import Settings
from node.store import Store, Tx
from node.store.schema import people as schema

_M: Final = schema.member.c
_NEW: Final = insert(schema.member)
_PIN: Final = update(schema.member).where(_M.no == bindparam("which")).values(pin_hash=bindparam("new_hash"))
_STATE: Final = (
    update(schema.member)
    .where(_M.no == bindparam("which"))
    .values(state=bindparam("new_state"), state_reason=bindparam("why"), away_until=bindparam("new_away"))
)
_BACK: Final = (
    update(schema.member)
    .where(_M.state == literal_column("'away'"), _M.away_until <= bindparam("now"))
    .values(state=literal_column("'active'"), away_until=None)
)
_ROLE: Final = update(schema.member).where(_M.no == bindparam("which")).values(role=bindparam("new_role"))
_PROFILE: Final = (
    update(schema.member)
    .where(_M.no == bindparam("which"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in (
                "name", "public_name", "folded", "email", "phone", "address", "place", "north", "east", "about", "reach",
                "language",
            )
        }
    )
)  # fmt: skip
_FOLDED: Final = (
    update(schema.member).where(_M.no == bindparam("which")).values(folded=bindparam("new_folded"))
)


def _profile_values(new: NewMember) -> dict[str, object]:
    assert new.reach is not None, "checked"
    return {
        "name": new.name,
        "public_name": new.public_name,
        "email": new.email,
        "phone": new.phone,
        "address": new.address,
        "place": new.place,
        "north": None if new.spot is None else new.spot.north,
        "east": None if new.spot is None else new.spot.east,
        "about": new.about,
        "reach": new.reach.value,
    }


def may_decide(by: Actor, member: Member) -> None:
    """Raises NotAllowed if `by` could become more than they are through `member`, or decides about an equal."""
    if by.no not in (None, member.no) and member.organises:
        by.must_administer()


def must_not_have_left(member: Member) -> None:
    """Raises Unable: nothing is changed about whoever has left, or what was erased would come back."""
    if member.state is State.LEFT:
        raise Unable(Why.ALREADY_DECIDED)


class People:
    """Members in the store. Reading goes through the functions above, together with what else a page needs."""

    def __init__(
        self, store: Store, clock: Clock, books: Books, settings: Settings, hasher: Hasher, *, demoted: Callable[[Tx, int], None]
    ):  # fmt: skip
        """`demoted` is told, in the same unit, who organises no more."""
        self._store: Final = store
        self._clock: Final = clock
        self._books: Final = books
        self._settings: Final = settings
        self._hasher: Final = hasher
        self._demoted: Final = demoted

    async def member(self, no: int) -> Member | None:
        """Return the member with this number."""
        return await self._store.read(member_by_no, no)

    async def add(self, by: Actor, new: NewMember, *, why: str = "") -> Member:
        """Make somebody a member, with an account under the scheme's limits. Raises Unable."""
        by.must_do(Work.PEOPLE)
        if new.role is not Role.MEMBER:
            by.must_administer()
        return await self._store.write(self.add_in, by, new.checked(), Deed.ADDED, why)

    def add_in(
        self, tx: Tx, by: Actor, new: NewMember, deed: Deed, why: str = "", *, limits: tuple[int, int | None] | None = None
    ) -> Member:  # fmt: skip
        """Unit: as `add`, as a part of something larger. `new` has been checked; `limits` are others than every new member's."""
        settings = self._settings.now
        credit_limit, ceiling = limits or (settings.credit_limit, settings.ceiling)
        if new.email is not None and member_by_email(tx, new.email) is not None:
            raise Unable(Why.EMAIL_IN_USE)
        account = self._books.open_account(
            tx,
            by.words("account opened", on_behalf_of=new.name, why=why or deed.value),
            credit_limit=credit_limit,
            ceiling=ceiling,
        )
        now_ms = self._clock.now_ms()
        no = tx.insert(
            _NEW,
            account_no=account.no,
            **_profile_values(new),
            language=new.language or settings.language,
            folded="",
            state=State.ACTIVE.value,
            state_reason="",
            away_until=None,
            role=new.role.value,
            pin_hash=None,
            joined_ms=now_ms,
            seen_ms=0,
        )
        tx.run(_FOLDED, which=no, new_folded=folded_name(new.name, no))
        note_act(tx, by, deed, now_ms=now_ms, for_no=no, why=why)
        return existing(tx, no)

    async def change_profile(self, by: Actor, no: int, new: NewMember, *, why: str = "") -> Member:
        """Change what is known of a member: by the member, or by an organiser for them. Raises Unable."""
        if by.no != no:
            by.must_organise()
        return await self._store.write(self._change_profile, by, no, new.checked(), why)

    def _change_profile(self, tx: Tx, by: Actor, no: int, new: NewMember, why: str) -> Member:
        old = existing(tx, no)
        must_not_have_left(old)
        may_decide(by, old)  # whoever has the e-mail address can sign in
        if new.email is not None and new.email != old.email and member_by_email(tx, new.email) is not None:
            raise Unable(Why.EMAIL_IN_USE)
        values = {**_profile_values(new), "language": new.language or old.language}
        tx.run(
            _PROFILE,
            which=no,
            new_folded=folded_name(new.name, no),
            **{f"new_{name}": value for name, value in values.items()},
        )
        if by.no != no:
            note_act(tx, by, Deed.PROFILE, now_ms=self._clock.now_ms(), for_no=no, why=why)
        return existing(tx, no)

    async def set_pin(self, by: Actor, no: int, pin: str, *, why: str = "") -> None:
        """Give a member a PIN, as its letter will say; one's own needs no organiser. Raises Unable."""
        if by.no != no:
            by.must_do(Work.PEOPLE)
        check_pin(pin)
        hashed = await self._hasher.hash(pin)
        await self._store.write(self.set_pin_in, by, no, hashed, why)

    def set_pin_in(self, tx: Tx, by: Actor, no: int, hashed: str, why: str = "") -> None:
        """Unit: store the hash of a PIN."""
        member = existing(tx, no)
        must_not_have_left(member)
        may_decide(by, member)
        tx.run(_PIN, which=no, new_hash=hashed)
        note_act(tx, by, Deed.PIN, now_ms=self._clock.now_ms(), for_no=no, why=why)

    async def set_limits(
        self, by: Actor, no: int, credit_limit: int, ceiling: int | None, *, why: str
    ) -> None:
        """Set how far below and above zero a member may go. Raises Unable."""
        by.must_organise()
        await self._store.write(self._set_limits, by, no, credit_limit, ceiling, why)

    def _set_limits(
        self, tx: Tx, by: Actor, no: int, credit_limit: int, ceiling: int | None, why: str
    ) -> None:
        member = existing(tx, no)
        must_not_have_left(member)
        may_decide(by, member)
        if by.no == no:
            by.must_administer()  # nobody at the desk sets their own; somebody has to set the first
        words = by.words("limits set", on_behalf_of=member.name, why=why)
        self._books.set_limits(tx, member.account_no, credit_limit, ceiling, words)
        detail = f"{credit_limit}/{'' if ceiling is None else ceiling}"
        note_act(tx, by, Deed.LIMITS, now_ms=self._clock.now_ms(), for_no=no, detail=detail, why=why)

    async def pause(self, by: Actor, no: int, *, why: str) -> None:
        """Stop a member from trading; the member sees why. Raises Unable."""
        by.must_do(Work.PEOPLE)
        await self._store.write(self._set_state, by, no, State.PAUSED, why, None, Deed.PAUSED)

    async def resume(self, by: Actor, no: int, *, why: str = "") -> None:
        """Let a paused member trade again; nobody ends their own pause. Raises Unable."""
        by.must_do(Work.PEOPLE)
        if by.no == no:
            raise NotAllowed(by.name)
        await self._store.write(self._set_state, by, no, State.ACTIVE, why, None, Deed.RESUMED)

    async def go_away(self, by: Actor, no: int, until_ms: int | None) -> None:
        """Mark a member as away until a moment, or as back with None. Raises Unable."""
        if by.no != no:
            by.must_organise()
        state = State.ACTIVE if until_ms is None else State.AWAY
        await self._store.write(self._set_state, by, no, state, "", until_ms, Deed.PROFILE)

    async def bring_back(self) -> None:
        """Note that whoever was away until now is back; done by a job."""
        await self._store.write(self._bring_back)

    def _bring_back(self, tx: Tx) -> None:
        tx.run(_BACK, now=self._clock.now_ms())

    def _set_state(
        self, tx: Tx, by: Actor, no: int, state: State, why: str, away_until: int | None, deed: Deed
    ) -> None:
        member = existing(tx, no)
        must_not_have_left(member)
        may_decide(by, member)
        if state is State.PAUSED and member.role is Role.ADMIN and count_admins(tx) <= 1:
            raise Unable(Why.LAST_ADMIN)
        if deed is Deed.PROFILE and member.state not in (State.ACTIVE, State.AWAY):
            raise Unable(Why.ALREADY_DECIDED)
        shown = why if state is State.PAUSED else ""
        tx.run(_STATE, which=no, new_state=state.value, why=shown, new_away=away_until)
        before_ms, now_ms = member.away_until if member.state is State.AWAY else None, self._clock.now_ms()
        if (before_ms, away_until) != (None, None):
            move_asks(tx, member.account_no, before_ms=before_ms, after_ms=away_until, now_ms=now_ms)
        if by.no != no:
            note_act(tx, by, deed, now_ms=self._clock.now_ms(), for_no=no, why=why)

    async def set_role(self, by: Actor, no: int, role: Role, *, why: str = "") -> None:
        """Make a member an organiser or admin, or no longer. Raises Unable."""
        by.must_administer()
        await self._store.write(self._set_role, by, no, role, why)

    def _set_role(self, tx: Tx, by: Actor, no: int, role: Role, why: str) -> None:
        member = existing(tx, no)
        must_not_have_left(member)
        if member.role is Role.ADMIN and role is not Role.ADMIN and count_admins(tx) <= 1:
            raise Unable(Why.LAST_ADMIN)
        tx.run(_ROLE, which=no, new_role=role.value)
        if member.organises and role is Role.MEMBER:
            self._demoted(tx, no)
        note_act(tx, by, Deed.ROLE, now_ms=self._clock.now_ms(), for_no=no, detail=role.value, why=why)

    async def acts(self, no: int, most: int = 20) -> list[Act]:
        """Return what organisers did for or about a member, newest first."""
        return await self._store.read(acts_for, no, most)
