"""Signed notes: the published examples, every wrong spelling, and damage. Source: C2SP signed-note, docs/protocol.md 4.1."""

from __future__ import annotations

import base64
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import SigningKey, VerifyingKey
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.limits import SIGNED_NOTE_BYTES_MAX, SIGNED_NOTE_LINES_MAX
from protocol.note import ED25519, Note, NoteKey, NoteSignature, parse_note, signed_by_any
from tests.damage import damaged_bytes

# The example of the specification.
QUASIMODO = """Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
""".encode()

# golang.org/x/mod/sumdb/note, note_test.go (BSD-3-Clause): a key pair and what it signed.
NEUMANN_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
NEUMANN_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
NEUMANN = SigningKey(NEUMANN_SEED)
KEY = NoteKey(name="PeterNeumann", kind=ED25519, key=NEUMANN.public)

# filippo.io: the log that witnesses are tried with, its key and its checkpoint.
GEOMYS_VKEY = "geomys.org/witness/test-log+c0787ff4+AeMb5VOzy60PTGdGmLPxOKGAa0jNyDGsgv2rnprGju1t"
GEOMYS_NOTE = """geomys.org/witness/test-log
1
BCml5C32yqMcl0gjTrcSOeNVx59oPnSdytBzDGBO5k0=

— geomys.org/witness/test-log wHh/9BPsoBNr2x0Ol3qPBYasIN0HI2ZiBg5ac0v3LQq/7F+YO7U4oWbDeJn1VaWVrlbSEM30Gr7WWYQjj2SBxRoJ/Ao=
""".encode()


def key_of(vkey: str) -> NoteKey:
    name, _, material = vkey.split("+", 2)
    raw = base64.b64decode(material)
    return NoteKey(name=name, kind=raw[0], key=VerifyingKey(raw[1:]))


@pytest.mark.parametrize("vkey, data", [(NEUMANN_VKEY, NEUMANN_NOTE), (GEOMYS_VKEY, GEOMYS_NOTE)])
def test_published_notes_verify_under_their_published_keys(vkey, data):
    key = key_of(vkey)

    assert key.vkey == vkey
    assert signed_by_any(parse_note(data), [key])


def test_a_note_is_signed_as_other_tools_sign_it():
    """Ed25519 gives one signature for one text: the bytes must be those of the Go module."""
    text = NEUMANN_NOTE.decode().partition("\n\n")[0] + "\n"
    signature = NoteSignature(name=KEY.name, key_id=KEY.key_id, blob=NEUMANN.sign(text.encode()))

    assert Note(text=text, signatures=(signature,)).data() == NEUMANN_NOTE


@pytest.mark.parametrize("data", [QUASIMODO, NEUMANN_NOTE, GEOMYS_NOTE])
def test_what_is_read_is_written_again(data):
    assert parse_note(data).data() == data


def test_the_text_ends_at_the_last_empty_line():
    note = parse_note(QUASIMODO)

    assert note.text.endswith("ed è subito sera.\n")
    assert [each.name for each in note.signatures] == ["quasimodo.example/salvatore"]
    assert note.signatures[0].key_id.hex() == "367ba04b"


GOOD_LINE = NEUMANN_NOTE.decode().split("\n\n")[1]
BLOB = GOOD_LINE.split(" ")[2].rstrip("\n")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        f"text\n\n{GOOD_LINE}"[:-1].encode(),
        f"text\n{GOOD_LINE}".encode(),
        f"text\n\n{GOOD_LINE}\n".encode(),
        f"text\t\n\n{GOOD_LINE}".encode(),
        f"text\r\n\n{GOOD_LINE}".encode(),
        f"text\n\n{GOOD_LINE}".encode() + b"\xff\n",
        f"text\n\n- PeterNeumann {BLOB}\n".encode(),
        f"text\n\n— Peter Neumann {BLOB}\n".encode(),
        f"text\n\n— Peter\u00a0Neumann {BLOB}\n".encode(),
        f"text\n\n— Peter+Neumann {BLOB}\n".encode(),
        f"text\n\n—  {BLOB}\n".encode(),
        f"text\n\n— PeterNeumann {BLOB} \n".encode(),
        f"text\n\n— PeterNeumann {BLOB[:-1]}\n".encode(),
        f"text\n\n— PeterNeumann {BLOB[:-2]}N=\n".encode(),  # spare bits that are not zero
        f"text\n\n— PeterNeumann {BLOB.replace('/', '_')}\n".encode(),
        b"text\n\n\xe2\x80\x94 PeterNeumann x08gow==\n",  # an id and nothing signed
        f"text\n\n{GOOD_LINE * (SIGNED_NOTE_LINES_MAX + 1)}".encode(),
        b"t" * SIGNED_NOTE_BYTES_MAX + f"\n\n{GOOD_LINE}".encode(),
    ],
)  # fmt: skip
def test_everything_else_is_malformed(data):
    with pytest.raises(MalformedMessage):
        parse_note(data)


def test_sixteen_signatures_are_read():
    """The specification: at least up to sixteen."""
    assert len(parse_note(f"text\n\n{GOOD_LINE * 16}".encode()).signatures) == 16


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb"])
def test_names_of_keys_have_no_spaces_and_no_plus(name):
    with pytest.raises(InvalidValue):
        NoteKey(name=name, kind=ED25519, key=NEUMANN.public)


def test_signatures_of_unknown_keys_count_for_nothing():
    """Name and id together name a key: one of them alone is somebody else's."""
    other = NoteKey(name="PeterNeumann", kind=ED25519, key=SigningKey(bytes(32)).public)
    renamed = NoteKey(name="Peter", kind=ED25519, key=NEUMANN.public)

    assert not signed_by_any(parse_note(NEUMANN_NOTE), [other, renamed])
    assert not signed_by_any(parse_note(NEUMANN_NOTE), [])


def test_a_wrong_signature_of_a_known_key_spoils_the_note():
    with pytest.raises(NotAuthentic):
        signed_by_any(parse_note(NEUMANN_NOTE.replace(b"cryptography", b"cryptographY")), [KEY])


def test_a_key_signs_once():
    """A newer line takes the place of the older, and too many are refused."""
    note = parse_note(NEUMANN_NOTE)
    again = NoteSignature(name=KEY.name, key_id=KEY.key_id, blob=b"newer")
    many = [NoteSignature(name=f"w{at}", key_id=bytes(4), blob=b"s") for at in range(SIGNED_NOTE_LINES_MAX)]

    assert note.with_signatures([again]).signatures == (again,)
    assert note.with_signatures(many[:1]).only_by(["w0"]).signatures == (many[0],)
    with pytest.raises(InvalidValue):
        note.with_signatures(many)


@given(seed=st.integers(0, 2**32))
def test_damaged_notes_are_read_as_written_or_malformed(seed: int) -> None:
    chance = Random(seed)
    data = damaged_bytes(chance.choice([QUASIMODO, NEUMANN_NOTE, GEOMYS_NOTE]), chance)
    try:
        note = parse_note(data)
    except MalformedMessage:
        return
    assert note.data() == data
