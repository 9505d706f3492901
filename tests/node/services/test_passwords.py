"""Which passwords are taken, who sets them, and how guessing at them is slowed down. Source: docs/pages.md 8.13; NIST SP 800-63B, 3.1.1."""

from __future__ import annotations

import pytest

from node.services.acts import OPERATOR
from node.services.entering import SignedIn, Wait, Wrong
from node.services.passwords import (
    CHARACTERS_MAX,
    NotFresh,
    Passwords,
    PasswordUnfit,
    Unfit,
    check_password,
    password_hash,
)
from node.services.throttle import PIN_TRIES
from tests.node.services.desk import CAFE, HOME, Desk

ANA = ("Ana Silva", "Ana", "ana.silva@example.org", "Oak valley", "0123", "Oakvale", "Oak valley")


@pytest.mark.parametrize("password", [
    "my cat eats on tuesdays", "correct horse and ana", "ΑΒΓΔ εζηθ ικλμ", "zK4-qq9.Lm2x", "739152846620", "    plum jam    ", "🙂🍏🌧🚲🎻🐈🌻🧦🥕🎈🐟🪁",
    "x9" * (CHARACTERS_MAX // 2 - 4) + "abcdefgh",
])  # fmt: skip
def test_long_ones_of_any_kind_are_taken(password: str) -> None:
    """No signs are asked for, and none is forbidden."""
    check_password(password, ANA)


@pytest.mark.parametrize("password, why", [
    ("", Unfit.SHORT), ("eleven-char", Unfit.SHORT), ("x9kQ" * 33, Unfit.LONG),
    ("aaaaaaaaaaaaaaaa", Unfit.COMMON), ("121212121212", Unfit.COMMON), ("passwordpassword", Unfit.COMMON),
    ("Password-2026!", Unfit.COMMON), ("1234567890123", Unfit.COMMON), ("QwertyUiop123", Unfit.COMMON), ("iloveyou2026!", Unfit.COMMON),
    ("Ana Silva 1962", Unfit.COMMON), ("ana.silva@example.org", Unfit.COMMON), ("Oakvale-12345", Unfit.COMMON), ("silvaoakvale0123", Unfit.COMMON),
    ("ＰＡＳＳＷＯＲＤ２０２６", Unfit.COMMON),  # the same on another keyboard
])  # fmt: skip
def test_what_is_tried_first_is_refused(password: str, why: Unfit) -> None:
    with pytest.raises(PasswordUnfit) as refused:
        check_password(password, ANA)
    assert refused.value.why is why


PIN, PASSWORD, OTHER = "481516", "plum jam for the fair", "seven grey cats sing"


async def ana_with_one(desk: Desk) -> Passwords:
    """Let Ana, number 1, have a PIN and a password, and be known at HOME."""
    ana = await desk.member("Ana")
    await desk.people.set_pin(OPERATOR, ana.no, PIN)
    passwords = Passwords(desk.store, desk.clock, settings=desk.settings, hasher=desk.hasher)
    entered = await desk.sign_in.with_pin("1", PIN, HOME, own_computer=False)
    assert isinstance(entered, SignedIn)
    await passwords.set(ana, entered.token, PASSWORD)
    return passwords


async def test_a_password_signs_in_and_says_so(desk: Desk) -> None:
    """Rule 3.5: an entry names how its author was known."""
    await ana_with_one(desk)
    entered = await desk.sign_in.with_password("0001", PASSWORD, CAFE, own_computer=True)
    assert isinstance(entered, SignedIn)
    session = await desk.sign_in.session(entered.token)
    assert session is not None
    assert (session.proof, session.own_computer) == ("password", True)


@pytest.mark.parametrize(
    "number, password",
    [
        ("1", PIN),
        ("1", PASSWORD.upper()),
        ("1", f" {PASSWORD}"),
        ("2", PASSWORD),
        ("77", PASSWORD),
        ("x", PASSWORD),
        ("1", ""),
    ],
)
async def test_anything_else_does_not(desk: Desk, number: str, password: str) -> None:
    await ana_with_one(desk)
    await desk.member("Ben")
    assert await desk.sign_in.with_password(number, password, HOME, own_computer=False) == Wrong()
    assert await desk.sign_in.with_pin("1", PASSWORD, HOME, own_computer=False) == Wrong()


async def test_tries_of_both_kinds_count_together_and_keep_nobody_out(desk: Desk) -> None:
    """A password is no second set of guesses at an account; its owner comes in from where she has been before."""
    await ana_with_one(desk)
    for turn in range(PIN_TRIES.free):
        stranger = f"203.0.113.{turn}"
        if turn % 2:
            assert await desk.sign_in.with_pin("1", "000001", stranger, own_computer=False) == Wrong()
        else:
            assert await desk.sign_in.with_password("1", OTHER, stranger, own_computer=False) == Wrong()
    for address in (CAFE, "203.0.113.99"):
        assert isinstance(await desk.sign_in.with_password("1", PASSWORD, address, own_computer=False), Wait)
        assert isinstance(await desk.sign_in.with_pin("1", PIN, address, own_computer=False), Wait)
    assert isinstance(await desk.sign_in.with_password("1", PASSWORD, HOME, own_computer=False), SignedIn)


async def test_only_a_fresh_session_of_ones_own_sets_it(desk: Desk) -> None:
    passwords = await ana_with_one(desk)
    ana, ben = await desk.member("Amy"), await desk.member("Ben")
    await desk.people.set_pin(OPERATOR, ben.no, PIN)
    bens = await desk.sign_in.with_pin(ben.number, PIN, HOME, own_computer=False)
    assert isinstance(bens, SignedIn)
    before = await desk.store.read(password_hash, 1)
    for by, session in ((ana, bens.token), (ana, ""), (ana, "forged")):
        with pytest.raises(NotFresh):
            await passwords.set(by, session, OTHER)
        with pytest.raises(NotFresh):
            await passwords.remove(by, session)
    assert await desk.store.read(password_hash, ana.no) is None
    assert await desk.store.read(password_hash, 1) == before
