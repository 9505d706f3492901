"""Passkeys: only the right key, here, now, once, with its owner seen. Source: WebAuthn 7.1, 7.2; docs/pages.md 8.13."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from node.services.acts import OPERATOR, Role
from node.services.entering import Lapsed, SignedIn, StepAsked, Wait, Wrong
from node.services.members import Member
from node.services.passkey_check import party_of
from node.services.passkeys import (
    ASKED_MS,
    PASSKEYS_MAX,
    CannotAdd,
    KeyAsked,
    Passkey,
    passkeys_of,
)
from node.services.sessions import FRESH_MS
from node.services.throttle import NETWORK_TRIES
from protocol.limits import DAY_MS
from tests.node.services.desk import CAFE, HOME, Desk
from tests.passkey_device import ATTESTED, PRESENT, VERIFIED, Device, b64

PIN = "481516"
ORIGIN, HOST = "https://oakvale.example", "oakvale.example"


@pytest.fixture
async def desk() -> Desk:
    return await Desk().open()


async def signed_in(desk: Desk, name: str = "Ana", role: Role = Role.MEMBER) -> tuple[Member, str]:
    """Return a new member and the cookie of a browser in which they just logged in."""
    member = await desk.member(name, role)
    await desk.people.set_pin(OPERATOR, member.no, PIN)
    entered = await desk.sign_in.with_pin(member.number, PIN, HOME, own_computer=True)
    assert isinstance(entered, SignedIn)
    return member, entered.token


async def with_key(desk: Desk, device: Device | None = None, name: str = "Ana") -> tuple[Member, Device]:
    """Return a new member with a passkey in a telephone."""
    device = device or Device(ORIGIN, HOST)
    member, session = await signed_in(desk, name)
    await desk.passkeys.add(
        member, session, "My telephone", device.make(await desk.passkeys.ask_new(member, session))
    )
    return member, device


async def asked(desk: Desk) -> KeyAsked:
    answer = await desk.passkeys.ask_entry(HOME)
    assert isinstance(answer, KeyAsked)
    return answer


async def entered(desk: Desk, device: Device, **wrong: Any) -> object:
    """Log in with the newest key of a telephone; return what came of it."""
    question = await asked(desk)
    return await desk.passkeys.enter(
        question.token, device.sign(question.options, **wrong), HOME, own_computer=True
    )


async def held(desk: Desk, member: Member) -> list[Passkey]:
    return await desk.store.read(passkeys_of, member.no)


async def test_a_passkey_logs_in_its_member_with_both_proofs(desk: Desk) -> None:
    ana, device = await with_key(desk)
    outcome = await entered(desk, device)
    assert isinstance(outcome, SignedIn)
    session = await desk.sign_in.session(outcome.token)
    assert session is not None
    assert (session.member.no, session.proof, session.stepped, session.own_computer) == (
        ana.no,
        "passkey",
        True,
        True,
    )
    (key,) = await held(desk, ana)
    assert (key.name, key.used_ms, key.copied) == ("My telephone", desk.clock.now_ms(), False)


async def test_what_browsers_are_asked(desk: Desk) -> None:
    """For this address only, found without a number, the owner seen, and nobody's name in what identifies them."""
    ana, session = await signed_in(desk)
    made = (await desk.passkeys.ask_new(ana, session))["publicKey"]
    assert made["rp"] == {"name": "Oakvale", "id": HOST}
    assert made["authenticatorSelection"]["residentKey"] == "required"
    assert made["authenticatorSelection"]["userVerification"] == "required"
    assert {each["alg"] for each in made["pubKeyCredParams"]} == {-7, -8, -257}
    question = (await asked(desk)).options["publicKey"]
    assert (question["rpId"], question["userVerification"]) == (HOST, "required")
    assert not question.get("allowCredentials")
    json.dumps([made, question])


WRONG: list[tuple[str, Callable[[Device], None]]] = [
    ("another origin", lambda device: setattr(device, "origin", "https://oakvale.example.evil.test")),
    ("an address below ours", lambda device: setattr(device, "origin", "https://shop.oakvale.example")),
    ("another port", lambda device: setattr(device, "origin", "https://oakvale.example:8443")),
    ("not secure", lambda device: setattr(device, "origin", "http://oakvale.example")),
    ("another party", lambda device: setattr(device, "host", "riverside.example")),
    ("nobody present", lambda device: setattr(device, "flags", VERIFIED)),
    ("owner not seen", lambda device: setattr(device, "flags", PRESENT)),
    ("made instead of signed", lambda device: setattr(device, "kind_of_entry", "webauthn.create")),
]


@pytest.mark.parametrize(("name", "spoil"), WRONG, ids=[each[0] for each in WRONG])
async def test_what_was_not_signed_here_opens_nothing(
    desk: Desk, name: str, spoil: Callable[[Device], None]
) -> None:
    _, device = await with_key(desk)
    spoil(device)
    assert await entered(desk, device) == Wrong()


@pytest.mark.parametrize(("name", "spoil"), WRONG[:-1], ids=[each[0] for each in WRONG[:-1]])
async def test_what_was_not_made_here_is_not_kept(
    desk: Desk, name: str, spoil: Callable[[Device], None]
) -> None:
    device = Device(ORIGIN, HOST)
    spoil(device)
    with pytest.raises(CannotAdd):
        await with_key(desk, device)


async def test_only_keys_of_the_kinds_asked_for_are_kept(desk: Desk) -> None:
    for device in (
        Device(ORIGIN, HOST, algorithm=-65535),
        Device(ORIGIN, HOST, algorithm=-36),
        Device(ORIGIN, HOST, kind_of_new="webauthn.get"),
    ):
        with pytest.raises(CannotAdd):
            await with_key(desk, device, name=f"Ana{device.algorithm}{device.kind_of_new}")


async def test_a_forged_signature_and_bytes_of_anything_open_nothing(desk: Desk) -> None:
    _, device = await with_key(desk)
    for wrong in (
        {"signature": b64(b"\x30\x06\x02\x01\x01\x02\x01\x01")},
        {"signature": ""},
        {"authenticatorData": b64(bytes(37))},
        {"authenticatorData": b64(b"\xff" * 10)},
        {"clientDataJSON": b64(b"{}")},
        {"clientDataJSON": b64(b"[" * 900)},
        {"clientDataJSON": None},
        {"rawId": "AAAA"},
        {"rawId": 7},
        {"userHandle": None},
        {"userHandle": b64(bytes(32))},
    ):
        assert await entered(desk, device, **wrong) == Wrong(), wrong
    for answer in (
        "",
        "{}",
        "[]",
        "null",
        "[" * 5000,
        '{"rawId": []}',
        "x" * 9000,
        '{"rawId": "AA", "response": 5}',
    ):
        question = await asked(desk)
        assert await desk.passkeys.enter(question.token, answer, HOME, own_computer=False) == Wrong(), answer
    assert isinstance(await entered(desk, device), SignedIn)


async def test_bytes_of_anything_make_no_passkey(desk: Desk) -> None:
    ana, session = await signed_in(desk)
    good = json.loads(Device(ORIGIN, HOST).make(await desk.passkeys.ask_new(ana, session)))
    for made in (b"", b"\xa0", b"\xff" * 50, b"\x81" * 900, bytes(200)):
        await desk.passkeys.ask_new(ana, session)
        good["response"]["attestationObject"] = b64(made)
        with pytest.raises(CannotAdd):
            await desk.passkeys.add(ana, session, "x", json.dumps(good))
    assert await held(desk, ana) == []


async def test_an_answer_is_good_once_and_for_its_own_question(desk: Desk) -> None:
    _, device = await with_key(desk)
    first, second = await asked(desk), await asked(desk)
    answer = device.sign(first.options)
    assert await desk.passkeys.enter(second.token, answer, HOME, own_computer=False) == Wrong()
    assert isinstance(await desk.passkeys.enter(first.token, answer, HOME, own_computer=False), SignedIn)
    for token in (first.token, second.token, "", "A" * 43):
        assert await desk.passkeys.enter(token, answer, HOME, own_computer=False) == Lapsed()
    late = await asked(desk)
    desk.clock.now += ASKED_MS
    assert (
        await desk.passkeys.enter(late.token, device.sign(late.options), HOME, own_computer=False) == Lapsed()
    )


async def test_a_wrong_answer_uses_the_question_up(desk: Desk) -> None:
    _, device = await with_key(desk)
    question = await asked(desk)
    wrong = device.sign(question.options, signature=b64(b"wrong"))
    assert await desk.passkeys.enter(question.token, wrong, HOME, own_computer=False) == Wrong()
    right = device.sign(question.options)
    assert await desk.passkeys.enter(question.token, right, HOME, own_computer=False) == Lapsed()


async def test_somebody_elses_key_under_my_name_opens_nothing(desk: Desk) -> None:
    """Ben's telephone signs, and says that it is Ana's key, or that its owner is Ana."""
    ana, anas = await with_key(desk)
    ben, bens = await with_key(desk, name="Ben")
    assert await entered(desk, bens, rawId=b64(anas.keys[0].id)) == Wrong()
    assert await entered(desk, bens, userHandle=b64(anas.keys[0].owner)) == Wrong()
    outcome = await entered(desk, bens)
    assert isinstance(outcome, SignedIn)
    assert outcome.member.no == ben.no != ana.no


async def test_a_key_that_is_known_is_not_kept_again_under_another_member(desk: Desk) -> None:
    _, device = await with_key(desk)
    ben, session = await signed_in(desk, "Ben")
    options = await desk.passkeys.ask_new(ben, session)
    made = json.loads(Device(ORIGIN, HOST).make(options))
    stolen = b64(device.keys[0].id)
    data = made["response"]["attestationObject"]
    from tests.passkey_device import from_b64

    fresh = from_b64(made["rawId"])
    made["response"]["attestationObject"] = b64(from_b64(data).replace(fresh, device.keys[0].id))
    made["id"] = made["rawId"] = stolen
    with pytest.raises(CannotAdd):
        await desk.passkeys.add(ben, session, "x", json.dumps(made))


async def test_a_counter_that_went_back_closes_the_key(desk: Desk) -> None:
    """WebAuthn 6.1.1: two telephones with one key. Neither opens anything any more; other ways stay."""
    ana, device = await with_key(desk, Device(ORIGIN, HOST, counts=True))
    assert isinstance(await entered(desk, device), SignedIn)
    assert isinstance(await entered(desk, device), SignedIn)
    device.keys[-1].counter = 1
    assert await entered(desk, device) == Wrong()
    assert [key.copied for key in await held(desk, ana)] == [True]
    device.keys[-1].counter = 40
    assert await entered(desk, device) == Wrong()
    assert isinstance(await desk.sign_in.with_pin(ana.number, PIN, HOME, own_computer=False), SignedIn)


async def test_a_key_that_does_not_count_may_say_nought_for_ever(desk: Desk) -> None:
    _, device = await with_key(desk)
    for _ in range(3):
        assert isinstance(await entered(desk, device), SignedIn)


async def test_a_browser_left_open_adds_none(desk: Desk) -> None:
    ana, session = await signed_in(desk)
    options = await desk.passkeys.ask_new(ana, session)
    desk.clock.now += FRESH_MS
    with pytest.raises(CannotAdd):
        await desk.passkeys.ask_new(ana, session)
    with pytest.raises(CannotAdd):
        await desk.passkeys.add(ana, session, "late", Device(ORIGIN, HOST).make(options))


async def test_a_new_key_is_bound_to_the_browser_and_the_member_that_asked(desk: Desk) -> None:
    ana, session = await signed_in(desk)
    ben, bens = await signed_in(desk, "Ben")
    made = Device(ORIGIN, HOST).make(await desk.passkeys.ask_new(ana, session))
    for member, cookie in ((ben, bens), (ben, session), (ana, bens), (ana, ""), (ana, "A" * 43)):
        with pytest.raises(CannotAdd):
            await desk.passkeys.add(member, cookie, "x", made)
    with pytest.raises(CannotAdd):
        await desk.passkeys.ask_new(ben, session)
    assert await held(desk, ana) == await held(desk, ben) == []


async def test_a_question_for_logging_in_makes_no_key_and_the_other_way_round(desk: Desk) -> None:
    ana, session = await signed_in(desk)
    question = await asked(desk)
    with pytest.raises(CannotAdd):
        await desk.passkeys.add(ana, question.token, "x", "{}")
    await desk.passkeys.ask_new(ana, session)
    assert await desk.passkeys.enter(session, "{}", HOME, own_computer=False) == Lapsed()


async def test_there_are_so_many_and_no_more_and_each_is_removed_by_its_owner(desk: Desk) -> None:
    ana, device = await with_key(desk)
    entered_again = await desk.sign_in.with_pin(ana.number, PIN, HOME, own_computer=True)
    assert isinstance(entered_again, SignedIn)
    session = entered_again.token
    for _ in range(PASSKEYS_MAX - 1):
        options = await desk.passkeys.ask_new(ana, session)
        assert [each["id"] for each in options["publicKey"]["excludeCredentials"]] == [
            b64(key.id) for key in device.keys
        ]
        await desk.passkeys.add(ana, session, "another", device.make(options))
    assert len({key.owner for key in device.keys}) == 1
    with pytest.raises(CannotAdd):
        await desk.passkeys.ask_new(ana, session)
    ben, _ = await signed_in(desk, "Ben")
    (first, *_others) = await held(desk, ana)
    assert not await desk.passkeys.remove(ben, first.no)
    assert await desk.passkeys.remove(ana, first.no)
    assert not await desk.passkeys.remove(ana, first.no)
    question = await asked(desk)
    gone = device.sign(question.options, device.keys[0])
    assert await desk.passkeys.enter(question.token, gone, HOME, own_computer=False) == Wrong()


async def test_many_questions_wait_and_other_networks_do_not(desk: Desk) -> None:
    _, device = await with_key(desk)
    for _ in range(NETWORK_TRIES.free):
        assert isinstance(await desk.passkeys.ask_entry(CAFE), KeyAsked)
    assert isinstance(await desk.passkeys.ask_entry(CAFE), Wait)
    assert isinstance(await entered(desk, device), SignedIn)


async def test_a_library_that_logs_many_in_never_waits(desk: Desk) -> None:
    _, device = await with_key(desk)
    for _ in range(NETWORK_TRIES.free + 5):
        assert isinstance(await entered(desk, device), SignedIn)


async def test_a_passkey_needs_no_second_step(desk: Desk) -> None:
    from crypto.timed_codes import STEP_MS, code_at

    rosa, session = await signed_in(desk, "Rosa", Role.ORGANISER)
    device = Device(ORIGIN, HOST)
    await desk.passkeys.add(rosa, session, "x", device.make(await desk.passkeys.ask_new(rosa, session)))
    await desk.steps.draw(rosa)
    secret = await desk.steps.drawn(rosa)
    assert secret is not None
    await desk.steps.confirm(rosa.acts("pin"), session, code_at(secret, desk.clock.now_ms() // STEP_MS))
    assert isinstance(await desk.sign_in.with_pin(rosa.number, PIN, HOME, own_computer=False), StepAsked)
    assert isinstance(await entered(desk, device), SignedIn)


async def test_what_lapsed_is_dropped(desk: Desk) -> None:
    from sqlalchemy import select

    from node.store import ReadTx
    from node.store.schema import load_all

    await asked(desk)
    desk.clock.now += DAY_MS
    await desk.passkeys.tidy()

    def left(tx: ReadTx) -> int:
        return len(tx.all(select(load_all().tables["passkey_challenge"])))

    assert await desk.store.read(left) == 0
    assert ATTESTED


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://oakvale.example/", "oakvale.example"),
        ("https://oakvale.example:8443", "oakvale.example"),
        ("http://localhost:8080", "localhost"),
        ("http://oakvale.example", None),
        ("https://192.0.2.7", None),
        ("https://[2001:db8::1]", None),
    ],
)
def test_where_browsers_make_passkeys(address: str, host: str | None) -> None:
    party = party_of(address)
    assert (None if party is None else party.host) == host
    assert party is None or party.origin == address.rstrip("/")
