"""Golden vectors: every object has one, the files are fresh, and what must be refused is. Source: 1, 11 (I11, I12)."""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any

import pytest

import protocol
from protocol.errors import ProtocolError
from protocol.evidence import decode_evidence, verify
from protocol.message import Message, decode_message
from tests import vector_builders
from tests.vector_making import BUILDERS, FOLDER, Vector, open_wire, rendered, shown, stale

assert vector_builders.NOW  # imported for its registrations


def read(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return made


def all_kinds() -> list[type[Message]]:
    """Return every message class of the protocol, by tag."""
    modules = [
        importlib.import_module(found.name) for found in pkgutil.walk_packages(protocol.__path__, "protocol.")
    ]
    found = {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Message) and each.TAG
    }
    return sorted(found, key=lambda kind: kind.TAG)


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.TAG)
def test_every_message_has_a_vector(kind):
    """Rule 11: golden vectors. Add the missing one in tests/vector_builders.py."""
    assert kind in {type(builder().message) for builder in BUILDERS.values()}


def test_no_two_messages_share_a_tag():
    """Rule 1.3: a tag says what is signed; two meanings would be one signature for both."""
    tags = [kind.TAG for kind in all_kinds()]

    assert sorted(set(tags)) == tags
    assert all(tag.startswith("interlets/1/") for tag in tags)


def test_the_files_are_fresh():
    """Run scripts/make_vectors after a change; a change here is a change of the wire."""
    assert stale() == []


def test_a_vector_does_not_depend_on_when_it_is_made():
    """Other implementations compare bytes."""
    for name in BUILDERS:
        assert rendered(name) == rendered(name)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_the_bytes_of_a_vector_say_its_fields(name):
    """Rules 1.2, 1.3: from the bytes of the file alone."""
    made, example = read(name), BUILDERS[name]()

    if "wire" in made:
        opened = open_wire(
            example, bytes.fromhex(made["wire"]), bytes.fromhex(made["public_key"]), made["key_seq"]
        )
        assert opened.body_bytes.hex() == made["body"]
        assert opened.id.hex() == made["id"]
        assert shown(opened.body) == made["fields"]
    else:
        assert shown(decode_message(type(example.message), bytes.fromhex(made["body"]))) == made["fields"]


@pytest.mark.parametrize("name", sorted(name for name in BUILDERS if name.startswith("evidence-")))
def test_evidence_in_vectors_verifies_and_what_is_bent_proves_nothing(name):
    """Rule 10.2: from the bytes of the file alone."""
    made = read(name)
    evidence = decode_evidence(bytes.fromhex(made["body"]))
    assert verify(evidence).why in made["note"]
    assert len(made["proves_nothing"]) >= 4
    for wrong in made["proves_nothing"]:
        with pytest.raises(ProtocolError):
            verify(decode_evidence(bytes.fromhex(wrong["body"])))


def read_wrong(example: Vector, made: dict[str, Any], wrong: dict[str, str]) -> None:
    """Read what is wrong as its receiver would."""
    if "wire" in wrong:
        key, key_seq = bytes.fromhex(made["public_key"]), made["key_seq"]
        open_wire(example, bytes.fromhex(wrong["wire"]), key, key_seq)
    else:
        decode_message(type(example.message), bytes.fromhex(wrong["body"]))


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_what_a_vector_says_is_wrong_is_refused(name):
    """I11 accepted ⇒ canonical; I12 no signature verifies under another tag."""
    made, example = read(name), BUILDERS[name]()
    assert len(made["refused"]) >= 5

    for wrong in made["refused"]:
        with pytest.raises(ProtocolError) as refusal:
            read_wrong(example, made, wrong)
        assert refusal.value.code == wrong["error"], wrong["changed"]
