"""Descriptors: bounds of every field, who may sign, when they may be used. Source: docs/protocol.md 2.2, 9.1."""

from __future__ import annotations

import pytest

from crypto.keys import SigningKey
from protocol.descriptor import (
    Address,
    Descriptor,
    is_current,
    open_descriptor,
    parse_address,
    replaces,
)
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic, OutOfOrder
from protocol.identity import advance, begin, make_delegate, make_inception, make_revoke
from protocol.identity_events import LINE, SESSION, next_key_digest
from protocol.limits import CLOCK_TOLERANCE_MS, DAY_MS, DESCRIPTOR_VALID_MS_MAX
from protocol.message import sign_message

NOW = 1_767_225_600_000
ROOT_KEY, SESSION_KEY, LINE_KEY = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))
SCHEME, INCEPTION = make_inception(ROOT_KEY, next_key_digest(SigningKey(bytes([4]) * 32).public.raw), NOW)
BEGUN = begin(INCEPTION.wire)
WITH_SESSION = advance(BEGUN, make_delegate(BEGUN, ROOT_KEY, SESSION, SESSION_KEY, NOW).wire)
STATE = advance(WITH_SESSION, make_delegate(WITH_SESSION, ROOT_KEY, LINE, LINE_KEY, NOW).wire)
OTHER_SCHEME, OTHER_INCEPTION = make_inception(SESSION_KEY, next_key_digest(bytes(32)), NOW)

GOOD = {
    "scheme": SCHEME,
    "identity_seq": 2,
    "time": NOW,
    "valid_until": NOW + 30 * DAY_MS,
    "name": "Oakvale LETS",
    "unit": "oaks",
    "unit_name": "Oaks",
    "minor_per_unit": 100,
    "addresses": ("https://oakvale.example", "https://[2001:db8::7]:8443"),
    "tls_hashes": (bytes(32),),
    "versions": (1,),
}


def descriptor(**changed):
    return Descriptor(**(GOOD | changed))


def wire(key=SESSION_KEY, key_seq=1, **changed):
    return sign_message(descriptor(**changed), key, key_seq).wire


@pytest.mark.parametrize(
    "changed",
    [
        {"identity_seq": -1},
        {"valid_until": NOW},
        {"valid_until": NOW + DESCRIPTOR_VALID_MS_MAX + 1},
        {"name": ""},
        {"name": "x" * 161},
        {"unit": "Oaks"},
        {"unit_name": ""},
        {"unit_name": "x" * 65},
        {"minor_per_unit": 0},
        {"minor_per_unit": 1_000_001},
        {"addresses": tuple(f"https://{n}.example" for n in range(9))},
        {"addresses": ("https://oakvale.example",) * 2},
        {"addresses": ("oakvale.example",)},
        {"tls_hashes": (bytes(31),)},
        {"tls_hashes": (bytes(32),) * 2},
        {"tls_hashes": tuple(bytes([n]) * 32 for n in range(5))},
        {"versions": ()},
        {"versions": (0,)},
        {"versions": (2, 1)},
        {"versions": (1, 1)},
        {"versions": tuple(range(1, 10))},
    ],
)
def test_every_field_has_its_bounds(changed):
    """Rule 2.2."""
    with pytest.raises(InvalidValue):
        descriptor(**changed)


def test_a_descriptor_may_name_no_address_no_certificate_and_no_unit_name():
    """Rule 9.1: a node behind NAT dials out; a public authority vouches for the others."""
    assert descriptor(addresses=(), tls_hashes=(), unit_name=None).addresses == ()


@pytest.mark.parametrize(
    "text, address",
    [
        ("https://oakvale.example", Address(secure=True, host="oakvale.example", port=443)),
        ("https://a-1.b.example:8443", Address(secure=True, host="a-1.b.example", port=8443)),
        ("http://127.0.0.1:7000", Address(secure=False, host="127.0.0.1", port=7000)),
        ("http://oakvale", Address(secure=False, host="oakvale", port=80)),
        ("https://[::1]:65535", Address(secure=True, host="::1", port=65535)),
    ],
)
def test_an_address_is_an_origin(text, address):
    """Rule 9.1."""
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://",
        "ftp://oakvale.example",
        "https://Oakvale.example",
        "https://oakvale.example/",
        "https://oakvale.example/v1",
        "https://oakvale.example?x",
        "https://user@oakvale.example",
        "https://oakvale.example:0",
        "https://oakvale.example:65536",
        "https://oakvale.example:443",
        "http://oakvale.example:80",
        "https://oakvale..example",
        "https://-oakvale.example",
        "https://oakvale.example\n",
        "https://oäkvale.example",
        "https://oakvale.example:８４",
        "https://" + "a" * 250,
    ],
)
def test_anything_else_is_no_address(text):
    """Rule 9.1: one spelling, and nothing after the port."""
    with pytest.raises(InvalidValue):
        parse_address(text)


def test_a_descriptor_is_signed_by_the_session_key():
    """Rule 2.2."""
    opened = open_descriptor(wire(), STATE)

    assert opened.body == descriptor()


@pytest.mark.parametrize(
    "case, error",
    [
        (lambda: (wire(key=LINE_KEY), STATE), NotAuthentic),
        (lambda: (wire(key=LINE_KEY, key_seq=2), STATE), NotAuthentic),
        (lambda: (wire(key=ROOT_KEY, key_seq=0), STATE), NotAuthentic),
        (lambda: (wire(scheme=OTHER_SCHEME), STATE), NotAuthentic),
        (lambda: (wire(), begin(OTHER_INCEPTION.wire)), NotAuthentic),
        (lambda: (wire(identity_seq=0), STATE), NotAuthentic),  # signed by a key it does not know
        (lambda: (wire(), WITH_SESSION), OutOfOrder),  # the follower lacks an event
        (lambda: (wire()[:-1], STATE), MalformedMessage),
    ],
)
def test_forged_and_misdirected_descriptors_are_refused(case, error):
    """Rules 1.3, 2.3."""
    forged, state = case()
    with pytest.raises(error):
        open_descriptor(forged, state)


def test_a_descriptor_by_a_revoked_key_counts_if_it_was_seen_before():
    """Rule 2.3, I18."""
    revoked = advance(STATE, make_revoke(STATE, ROOT_KEY, 1, NOW).wire)

    assert open_descriptor(wire(), revoked, seen_at_seq=2).body == descriptor()
    with pytest.raises(NotAuthentic):
        open_descriptor(wire(), revoked)


@pytest.mark.parametrize(
    "now, current",
    [
        (NOW - CLOCK_TOLERANCE_MS - 1, False),
        (NOW - CLOCK_TOLERANCE_MS, True),
        (NOW, True),
        (NOW + 30 * DAY_MS - 1, True),
        (NOW + 30 * DAY_MS, False),
    ],
)
def test_a_descriptor_is_used_until_its_end(now, current):
    """Rule 9.1."""
    assert is_current(descriptor(), now) is current


def test_of_two_descriptors_everybody_keeps_the_same():
    """Rule 2.2: the later one; of two at one time the lower id."""
    old, new = (open_descriptor(wire(time=NOW + later), STATE) for later in (0, 1))
    twins = sorted(
        (open_descriptor(wire(name=name), STATE) for name in ("one", "two")), key=lambda signed: signed.id
    )

    assert replaces(new, old)
    assert not replaces(old, new)
    assert replaces(twins[0], twins[1])
    assert not replaces(twins[1], twins[0])
    assert not replaces(old, old)
