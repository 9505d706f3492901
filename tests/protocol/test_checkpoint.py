"""Checkpoints and cosignatures: published examples, keys of identities, quorums. Source: docs/protocol.md 4, C2SP."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.merkle import EMPTY_ROOT
from protocol.checkpoint import (
    Checkpoint,
    cosign,
    cosigned_at,
    cosigned_by,
    log_keys,
    open_checkpoint,
    origin_of,
    parse_checkpoint,
    quorum,
    scheme_of_origin,
    scheme_of_witness,
    sign_checkpoint,
    witness_key,
    witness_name,
)
from protocol.errors import InvalidValue, MalformedMessage, NotAuthentic
from protocol.identity import advance, make_revoke
from protocol.limits import LOG_SIZE_MAX
from protocol.note import Note, NoteSignature, parse_note
from tests.damage import damaged_bytes
from tests.protocol.logs import (
    HILLTOP,
    HILLTOP_IDENTITY,
    LOG_KEY,
    NOW,
    OAKVALE,
    OAKVALE_IDENTITY,
    WITNESS_KEY,
    checkpoint,
    key,
    note,
)
from tests.protocol.test_note import GEOMYS_NOTE, GEOMYS_VKEY, key_of
from tests.vectors_of_notes import FROZEN, frozen

# The example of tlog-cosignature.
SOFA = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
""".encode()


def test_the_published_examples_are_checkpoints():
    sofa, geomys = parse_checkpoint(parse_note(SOFA)), parse_checkpoint(parse_note(GEOMYS_NOTE))

    assert (sofa.origin, sofa.size, sofa.root.hex()[:8]) == (
        "example.com/behind-the-sofa",
        20852163,
        "0ac5186a",
    )
    assert (geomys.origin, geomys.size) == (key_of(GEOMYS_VKEY).name, 1)
    assert sofa.text() == parse_note(SOFA).text


def test_the_published_cosignature_is_spelled_as_ours():
    """Eight bytes of time, then 64 of Ed25519; the example says 1679315147 in its signed message."""
    blob = parse_note(SOFA).signatures[1].blob

    assert len(blob) == 72
    assert int.from_bytes(blob[:8], "big") == 1679315147


def test_extension_lines_are_carried():
    extended = Checkpoint(origin="example.com/log", size=0, root=EMPTY_ROOT, extensions=("one", "two"))

    assert parse_checkpoint(Note(text=extended.text(), signatures=())) == extended


ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


@pytest.mark.parametrize(
    "text",
    [
        "origin\n1\n", f"\n1\n{ROOT}\n", f"origin\n\n{ROOT}\n", f"origin\n01\n{ROOT}\n", f"origin\n+1\n{ROOT}\n",
        f"origin\n-1\n{ROOT}\n", f"origin\n1 \n{ROOT}\n", f"origin\n١\n{ROOT}\n", f"origin\n{LOG_SIZE_MAX + 1}\n{ROOT}\n",
        f"origin\n{'9' * 5000}\n{ROOT}\n", f"origin\n1\n{ROOT[:-1]}\n", f"origin\n1\n{ROOT[4:]}\n", "origin\n1\n\n",
        f"origin\n1\n{ROOT}\n\nextension\n", f"origin\n1\n{ROOT.replace('/', '_')}\n",
    ],
)  # fmt: skip
def test_everything_else_is_malformed(text):
    with pytest.raises(MalformedMessage):
        parse_checkpoint(Note(text=text, signatures=()))


def test_names_say_whose_they_are():
    """Rule 4.1: a log is named by the scheme's id, which no address and no name can change."""
    assert scheme_of_origin(origin_of(OAKVALE)) == OAKVALE
    assert scheme_of_witness(witness_name(HILLTOP)) == HILLTOP
    for wrong in (
        "example.com/log",
        witness_name(OAKVALE),
        origin_of(OAKVALE).upper(),
        f" {origin_of(OAKVALE)}",
        "",
    ):
        with pytest.raises(InvalidValue):
            scheme_of_origin(wrong)


def test_a_checkpoint_opens_under_its_scheme_only():
    """Rules 2.2, 4.1."""
    data = note(20).data()

    opened, _ = open_checkpoint(data, OAKVALE_IDENTITY)
    assert opened == checkpoint(20)
    with pytest.raises(NotAuthentic, match="another log"):
        open_checkpoint(data, HILLTOP_IDENTITY)


def test_no_other_key_of_the_scheme_signs_its_checkpoints():
    """Rule 1.4: one purpose a key."""
    forged = sign_checkpoint(checkpoint(20), key("oakvale witness"))

    with pytest.raises(NotAuthentic, match="not signed"):
        open_checkpoint(forged.data(), OAKVALE_IDENTITY)


def test_a_revoked_key_counts_only_for_what_was_seen_before():
    """Rule 2.3: new readers refuse, a receipt of old is still read."""
    (old,) = log_keys(OAKVALE_IDENTITY)
    revoked = advance(OAKVALE_IDENTITY, make_revoke(OAKVALE_IDENTITY, key("oakvale root"), 1, NOW).wire)

    assert log_keys(revoked) == ()
    assert log_keys(revoked, ever=True) == (old,)
    with pytest.raises(NotAuthentic):
        open_checkpoint(note(20).data(), revoked)
    assert open_checkpoint(note(20).data(), revoked, ever=True)


def test_a_changed_checkpoint_is_refused():
    data = note(20).data().replace(b"\n20\n", b"\n21\n")

    with pytest.raises(NotAuthentic):
        open_checkpoint(data, OAKVALE_IDENTITY)


def cosigned(size: int = 20, now_ms: int = NOW) -> Note:
    plain = note(size)
    return plain.with_signatures([cosign(plain, HILLTOP, WITNESS_KEY, now_ms)])


def test_a_cosignature_says_who_and_when():
    """tlog-cosignature v1: in whole seconds."""
    assert cosigned_by(cosigned(now_ms=NOW + 1999), {HILLTOP: HILLTOP_IDENTITY}) == {HILLTOP: NOW + 1000}
    assert cosigned_by(cosigned(), {OAKVALE: OAKVALE_IDENTITY}) == {}
    assert cosigned_by(note(20), {HILLTOP: HILLTOP_IDENTITY}) == {}


@pytest.mark.parametrize("spoil", ["time", "text", "signature", "length", "far"])
def test_a_spoilt_cosignature_counts_for_nothing(spoil):
    good = cosigned()
    line = good.signatures[-1]
    blob, text = bytearray(line.blob), good.text
    match spoil:
        case "time":
            blob[7] ^= 1
        case "text":
            text = text.replace("\n20\n", "\n21\n")
        case "signature":
            blob[30] ^= 1
        case "length":
            blob += b"\0"
        case "far":
            blob[:8] = bytes([255]) * 8
    spoilt = Note(
        text=text, signatures=(NoteSignature(name=line.name, key_id=line.key_id, blob=bytes(blob)),)
    )

    assert cosigned_at(good, witness_key(HILLTOP, WITNESS_KEY.public)) == NOW
    assert cosigned_at(spoilt, witness_key(HILLTOP, WITNESS_KEY.public)) is None


def test_a_plain_signature_is_no_cosignature():
    """The kind of key is in its id, and the text signed is another."""
    plain = note(20)
    named = witness_key(HILLTOP, WITNESS_KEY.public)
    blob = bytes(8) + WITNESS_KEY.sign(plain.text.encode())

    assert (
        cosigned_at(
            plain.with_signatures([NoteSignature(name=named.name, key_id=named.key_id, blob=blob)]), named
        )
        is None
    )


@pytest.mark.parametrize(
    "n, f, k",
    [
        (0, 0, None),
        (1, 0, None),
        (2, 0, None),
        (3, 0, 2),
        (3, 1, 3),
        (4, 1, 3),
        (5, 1, 4),
        (7, 2, 5),
        (12, 3, 8),
    ],
)
def test_the_quorum(n, f, k):
    """Rule 4.3: ⌊(n+f)/2⌋+1, none below three."""
    assert quorum(n, f) == k


@given(st.integers(3, 44))
def test_two_quorums_share_an_honest_witness(n):
    """Rule 4.3: with as many liars as the default expects, two quorums overlap in more than those."""
    liars = (n - 1) // 3
    k = quorum(n)

    assert k is not None
    assert 2 * k - n > liars
    assert k <= n - liars  # the liars alone cannot keep it from ever being reached


@given(seed=st.integers(0, 2**32))
def test_a_damaged_checkpoint_is_refused(seed: int) -> None:
    chance = Random(seed)
    good = cosigned().data()
    data = damaged_bytes(good, chance)
    try:
        opened, read = open_checkpoint(data, OAKVALE_IDENTITY)
    except (MalformedMessage, NotAuthentic):
        return
    # Only the lines of others can have been touched.
    assert opened == checkpoint(20)
    assert read.text == cosigned().text


@pytest.mark.parametrize("name", FROZEN)
def test_the_bytes_are_frozen(name):
    """Rule 11: golden vectors; other implementations compare bytes."""
    assert FROZEN[name]() == frozen(name)


def test_the_log_key_signs_under_the_origin():
    assert note(20).signatures[0].name == origin_of(OAKVALE)
    assert LOG_KEY.public == log_keys(OAKVALE_IDENTITY)[0].key
