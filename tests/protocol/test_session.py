"""The handshake: both sides prove their keys, here and now, to each other. Source: docs/protocol.md 9.2."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.digest import sha256
from crypto.keys import SigningKey
from crypto.signing import Signed
from protocol import session
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic, OutOfOrder
from protocol.frame import CloseCode, Frame, FrameType
from protocol.limits import CLOCK_NO_LOCKS_MS, CLOCK_WARN_MS, HELLO_IDENTITY_BYTES_MAX
from protocol.message import sign_message
from protocol.names import SchemeId
from protocol.session import (
    Clocks,
    Close,
    Forged,
    Garbled,
    Greeting,
    GreetingCame,
    Hello,
    HelloCame,
    Hungup,
    Lapsed,
    Opened,
    Party,
    SendGreeting,
    SendHello,
    State,
)

NOW = 1_772_438_400_000
ALICE, BOB, CAROL = (SchemeId(sha256(name)) for name in (b"alice", b"bob", b"carol"))
KEYS = {scheme: SigningKey(sha256(b"key" + scheme)) for scheme in (ALICE, BOB, CAROL)}
BOB_CERTIFICATE = sha256(b"bob's certificate")


def party(scheme, **changes):
    return replace(Party(scheme=scheme, boot=scheme[:16], session_no=5), **changes)


def nonce(n):
    return bytes([n]) * 16


def key_of(scheme, key_seq):
    return KEYS[scheme].public if key_seq == 1 else None


def signed(hello: Hello, key: SigningKey | None = None) -> Signed[Hello]:
    return sign_message(hello, key or KEYS[hello.sender], 1)


def start(alice=None, bob=None, *, tls_seen=None, at=NOW):
    """Return both sides after the greeting, and the hello that bob will send."""
    dialler, (greets,) = session.dial(
        alice or party(ALICE), peer=BOB, nonce=nonce(1), tls_seen=tls_seen, now_ms=at
    )
    assert isinstance(greets, SendGreeting)
    listener = session.listen(bob or party(BOB), nonce=nonce(2))
    listener, (answers,) = session.step(listener, GreetingCame(greets.greeting, NOW))
    assert isinstance(answers, SendHello)
    return dialler, listener, answers.hello


def test_three_messages_open_a_session_on_both_sides():
    """Rule 9.2."""
    dialler, listener, hello = start()
    dialler, (sends, opened) = session.step(dialler, HelloCame(signed(hello), NOW))
    assert isinstance(sends, SendHello)
    assert isinstance(opened, Opened)
    listener, (opened_too,) = session.step(listener, HelloCame(signed(sends.hello), NOW))
    assert isinstance(opened_too, Opened)

    assert (dialler.state, listener.state) == (State.OPEN, State.OPEN)
    assert (opened.terms.peer, opened_too.terms.peer) == (BOB, ALICE)
    assert (opened.terms.peer_boot, opened_too.terms.peer_boot) == (BOB[:16], ALICE[:16])
    assert (opened.terms.version, opened.terms.skew_ms, opened.terms.clocks) == (1, 0, Clocks.AGREE)


# --- every state times every event ---

DIALLER, LISTENER, BOBS_HELLO = start()
ALICES_HELLO = session.step(DIALLER, HelloCame(signed(BOBS_HELLO), NOW))[1][0].hello
GREETING = Greeting(sender=ALICE, recipient=BOB, nonce=nonce(1))
IN_STATE = {
    State.GREETED: DIALLER,
    State.LISTENING: session.listen(party(BOB), nonce=nonce(2)),
    State.ANSWERED: LISTENER,
    State.OPEN: replace(DIALLER, state=State.OPEN),
    State.CLOSED: replace(DIALLER, state=State.CLOSED),
}
EVENTS = [GreetingCame(GREETING, NOW), None, Garbled(), Forged(), Lapsed(), Hungup()]
AFTER = {
    (State.GREETED, HelloCame): State.OPEN,
    (State.LISTENING, GreetingCame): State.ANSWERED,
    (State.ANSWERED, HelloCame): State.OPEN,
    **{
        (state, event): State.CLOSED
        for state in (State.GREETED, State.LISTENING, State.ANSWERED)
        for event in (Garbled, Forged, Lapsed, Hungup)
    },
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__ if event else "HelloCame")
def test_every_event_in_every_state_is_decided(state, event):
    """Rule 9.2."""
    if event is None:
        event = HelloCame(signed(BOBS_HELLO if state is State.GREETED else ALICES_HELLO), NOW)
    expected = AFTER.get((state, type(event)))
    if expected is None:
        with pytest.raises(OutOfOrder):
            session.step(IN_STATE[state], event)
    else:
        assert session.step(IN_STATE[state], event)[0].state is expected


# --- refusals, by the dialler and by the listener ---

REFUSALS = [
    ({"recipient": CAROL}, CloseCode.WRONG_DESTINATION),
    ({"sender": CAROL}, CloseCode.WRONG_DESTINATION),
    ({"recipient_nonce": nonce(9)}, CloseCode.STALE_NONCE),
    ({"versions": (2, 3)}, CloseCode.NO_COMMON_VERSION),
]


@pytest.mark.parametrize("changes, code", REFUSALS)
def test_a_dialler_refuses(changes, code):
    """Rule 9.2; attacks T24 and T25."""
    dialler, _, hello = start()
    after, effects = session.step(dialler, HelloCame(signed(replace(hello, **changes)), NOW))
    assert (after.state, effects) == (State.CLOSED, (Close(code),))


@pytest.mark.parametrize(
    "changes, code",
    [
        *REFUSALS,
        ({"sender_nonce": nonce(9)}, CloseCode.STALE_NONCE),
        ({"tls_seen": sha256(b"another")}, CloseCode.WRONG_CERTIFICATE),
        ({"dialled": False}, CloseCode.WRONG_DESTINATION),
    ],
)
def test_a_listener_refuses(changes, code):
    """Rule 9.2; attacks T24 and T25."""
    _, listener, _ = start(bob=party(BOB, tls_own=frozenset({BOB_CERTIFICATE})))
    after, effects = session.step(listener, HelloCame(signed(replace(ALICES_HELLO, **changes)), NOW))
    assert (after.state, effects) == (State.CLOSED, (Close(code),))


@pytest.mark.parametrize("own, opens", [({BOB_CERTIFICATE}, True), ({sha256(b"x")}, False), (set(), False)])
def test_a_dialler_of_a_pinned_peer_tells_which_certificate_it_saw(own, opens):
    """Rule 9.2: somebody in between shows a certificate of their own."""
    dialler, listener, hello = start(bob=party(BOB, tls_own=frozenset(own)), tls_seen=BOB_CERTIFICATE)
    _, (sends, _) = session.step(dialler, HelloCame(signed(hello), NOW))
    assert sends.hello.tls_seen == BOB_CERTIFICATE
    assert hello.tls_seen is None
    after, effects = session.step(listener, HelloCame(signed(sends.hello), NOW))
    assert after.state is (State.OPEN if opens else State.CLOSED)
    assert opens or effects == (Close(CloseCode.WRONG_CERTIFICATE),)


@pytest.mark.parametrize("recipient, sender", [(CAROL, ALICE), (BOB, BOB)])
def test_a_greeting_for_another_or_from_oneself_is_refused(recipient, sender):
    """Rule 9.2."""
    greeting = Greeting(sender=sender, recipient=recipient, nonce=nonce(1))
    after, effects = session.step(IN_STATE[State.LISTENING], GreetingCame(greeting, NOW))
    assert (after.state, effects) == (State.CLOSED, (Close(CloseCode.WRONG_DESTINATION),))


def test_a_hello_from_an_earlier_session_opens_no_other():
    """Attack T25: the listener's nonce is new each time."""
    _, listener, _ = start()
    later = session.listen(party(BOB), nonce=nonce(3))
    later, _ = session.step(later, GreetingCame(GREETING, NOW))
    assert session.step(listener, HelloCame(signed(ALICES_HELLO), NOW))[0].state is State.OPEN
    after, effects = session.step(later, HelloCame(signed(ALICES_HELLO), NOW))
    assert (after.state, effects) == (State.CLOSED, (Close(CloseCode.STALE_NONCE),))


def test_the_highest_common_version_is_taken():
    """Rule 9.5."""
    dialler, _, hello = start(alice=party(ALICE, versions=(1, 2, 3)), bob=party(BOB, versions=(2, 3, 4)))
    _, (_, opened) = session.step(dialler, HelloCame(signed(hello), NOW))
    assert opened.terms.version == 3


@pytest.mark.parametrize(
    "skew_ms, clocks",
    [
        (0, Clocks.AGREE),
        (CLOCK_WARN_MS, Clocks.AGREE),
        (CLOCK_WARN_MS + 1, Clocks.WARN),
        (-CLOCK_WARN_MS - 1, Clocks.WARN),
        (CLOCK_NO_LOCKS_MS, Clocks.WARN),
        (CLOCK_NO_LOCKS_MS + 1, Clocks.NO_NEW_LOCKS),
        (-(10**12), Clocks.NO_NEW_LOCKS),
    ],
)
def test_clocks_apart_are_told_and_never_keep_a_session_from_opening(skew_ms, clocks):
    """Rule 9.2; attack T32."""
    dialler, _, hello = start()
    after, (_, opened) = session.step(dialler, HelloCame(signed(replace(hello, time=NOW + skew_ms)), NOW))
    assert after.state is State.OPEN
    assert (opened.terms.skew_ms, opened.terms.clocks) == (skew_ms, clocks)


def test_a_slow_path_is_not_taken_for_a_wrong_clock():
    """Rule 9.2: the peer read its clock in the middle of our waiting, as far as we know."""
    dialler, _, hello = start(at=NOW - 4000)
    _, (_, opened) = session.step(dialler, HelloCame(signed(hello), NOW + 4000))
    assert opened.terms.skew_ms == 0


# --- messages and their frames ---


@pytest.mark.parametrize(
    "changes", [{"recipient": BOB}, {"tls_seen": bytes(32)}, {"versions": ()}, {"boot": b""}]
)
def test_a_hello_that_cannot_be_is_not_made(changes):
    with pytest.raises(InvalidValue):
        replace(BOBS_HELLO, **changes)


def test_a_hello_is_opened_by_its_senders_session_key_only():
    """Rule 9.2."""
    wire = signed(BOBS_HELLO).wire
    assert session.open_hello(wire, key_of).body == BOBS_HELLO
    with pytest.raises(NotAuthentic):
        session.open_hello(signed(BOBS_HELLO, KEYS[CAROL]).wire, key_of)
    with pytest.raises(NotAuthentic):
        session.open_hello(sign_message(BOBS_HELLO, KEYS[BOB], 2).wire, key_of)
    with pytest.raises(MalformedMessage):
        session.open_hello(sign_message(GREETING, KEYS[ALICE], 1).wire, key_of)


@pytest.mark.parametrize(
    "log", [(), (b"inception",), (b"one", b"two"), tuple(bytes([n % 256]) * 1024 for n in range(200))]
)
def test_a_hellos_frame_carries_the_newest_identity_events_that_fit(log):
    """Rule 9.2, so that a stranger can be verified."""
    wire, events = session.read_hello(session.hello_frame(signed(BOBS_HELLO), log))
    assert wire == signed(BOBS_HELLO).wire
    assert events == log[len(log) - len(events) :]
    assert len(events) == len(log) or sum(map(len, events)) > HELLO_IDENTITY_BYTES_MAX - 1024


@pytest.mark.parametrize("payload", [None, b"", (b"",), (b"", b""), ("", ()), (b"", (1,)), (b"", (), ())])
def test_another_payload_is_no_hello(payload):
    with pytest.raises(MalformedMessage):
        session.read_hello(Frame(FrameType.HELLO, payload))
    with pytest.raises(MalformedMessage):
        session.read_greeting(Frame(FrameType.GREETING, payload))


def test_a_greeting_comes_back_as_it_went():
    assert session.read_greeting(session.greeting_frame(GREETING)) == GREETING
    with pytest.raises(MalformedMessage):
        session.read_greeting(replace(session.greeting_frame(GREETING), type=FrameType.HELLO))
