"""What a witness answers: every status, in the order of the checks. Source: docs/protocol.md 4.3, 6.7 j, C2SP tlog-witness."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.merkle import EMPTY_ROOT
from protocol.checkpoint import cosign, log_keys, parse_checkpoint, sign_checkpoint, witness_keys
from protocol.errors import InvalidValue, MalformedMessage
from protocol.note import Note
from protocol.witnessing import (
    NOTHING,
    AddCheckpoint,
    Record,
    Status,
    Verdict,
    decide,
    parse_add_checkpoint,
    parse_cosignatures,
)
from tests.damage import damaged_bytes
from tests.protocol.logs import (
    HILLTOP,
    HILLTOP_IDENTITY,
    NOW,
    OAKVALE_IDENTITY,
    WITNESS_KEY,
    asking,
    checkpoint,
    key,
    note,
)

# The example of the specification.
PUBLISHED = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
""".encode()
PUBLISHED_ANSWER = """— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==
— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==
""".encode()

KNOWN = log_keys(OAKVALE_IDENTITY)
OWN = witness_keys(HILLTOP_IDENTITY)


def held(size: int, side: str = "") -> Record:
    return Record(size, checkpoint(size, side).root) if size else NOTHING


def answer(request: AddCheckpoint, record: Record = NOTHING, *, keys=KNOWN, shown: bool = True) -> Verdict:
    return decide(request, keys, OWN, record, shown=shown)


def cosigned(request: AddCheckpoint) -> AddCheckpoint:
    line = cosign(request.note, HILLTOP, WITNESS_KEY, NOW)
    return AddCheckpoint(
        old_size=request.old_size, proof=request.proof, note=request.note.with_signatures([line])
    )


def test_the_published_examples_are_read():
    request = parse_add_checkpoint(PUBLISHED)

    assert (request.old_size, len(request.proof), len(request.note.signatures)) == (20852014, 4, 2)
    assert request.data() == PUBLISHED
    assert [each.name for each in parse_cosignatures(PUBLISHED_ANSWER)] == ["witness.example/w1"] * 2 + [
        "witness.example/w2"
    ]


@pytest.mark.parametrize("old, new", [(0, 1), (0, 20), (1, 2), (8, 9), (8, 16), (7, 20), (20, 20)])
def test_200_a_continuation_is_cosigned_and_held(old, new):
    assert answer(asking(old, new), held(old)) == Verdict(status=Status.COSIGNED, record=held(new))


def test_200_an_empty_log():
    assert answer(asking(0, 0)).status is Status.COSIGNED


def test_400_no_checkpoint_and_an_old_size_above_the_new():
    text = Note(text="only\n1\n", signatures=note(20).signatures)

    assert answer(AddCheckpoint(old_size=0, proof=(), note=text)).status is Status.MALFORMED
    assert answer(AddCheckpoint(old_size=21, proof=(), note=note(20)), held(21)).status is Status.MALFORMED


def test_403_another_key():
    forged = sign_checkpoint(checkpoint(20), key("somebody"))

    assert answer(AddCheckpoint(old_size=0, proof=(), note=forged)).status is Status.NOT_SIGNED
    assert answer(asking(0, 20), keys=()).status is Status.NOT_SIGNED


def test_403_a_known_key_and_another_text():
    spoilt = Note(text=note(20).text.replace("\n20\n", "\n21\n"), signatures=note(20).signatures)

    assert answer(AddCheckpoint(old_size=0, proof=(), note=spoilt)).status is Status.NOT_SIGNED


def test_404_an_unknown_log():
    assert answer(asking(0, 20), keys=None) == Verdict(status=Status.UNKNOWN_LOG)


@pytest.mark.parametrize("old", [0, 6, 8])
def test_409_another_old_size_is_told_the_one_held(old):
    verdict = answer(asking(old, 20), held(7))

    assert (verdict.status, verdict.held_size, verdict.record) == (Status.CONFLICT, 7, None)


def test_409_another_root_at_the_size_held():
    verdict = answer(asking(20, 20, "b"), held(20))

    assert (verdict.status, verdict.held_size, verdict.two_faced) == (Status.CONFLICT, None, True)


def test_409_two_faces_are_seen_whatever_the_old_size_says():
    assert answer(asking(11, 20, "b"), held(20)).two_faced


def test_409_an_empty_log_has_one_root():
    wrong = sign_checkpoint(checkpoint(1), key("oakvale checkpoint"))
    text = Note(text=wrong.text.replace("\n1\n", "\n0\n"), signatures=())
    odd = sign_checkpoint(parse_checkpoint(text), key("oakvale checkpoint"))
    assert answer(AddCheckpoint(old_size=0, proof=(), note=odd)).status is Status.CONFLICT
    assert NOTHING.root == EMPTY_ROOT


@pytest.mark.parametrize(
    "request_", [asking(7, 20, proof=()), asking(0, 20, proof=(bytes(32),)), asking(15, 20, "b"), asking(20, 20, proof=(bytes(32),))]
)  # fmt: skip
def test_422_a_proof_that_does_not_fit(request_):
    assert answer(request_, held(request_.old_size)) == Verdict(status=Status.NOT_CONSISTENT)


# --- After a start (6.7 j) -----------------------------------------------------------------------------------


def test_nothing_is_cosigned_before_the_log_showed_the_last_cosignature():
    assert answer(asking(7, 20), held(7), shown=False) == Verdict(status=Status.NOT_SHOWN, held_size=7)


def test_showing_what_is_held_is_enough():
    shown = answer(cosigned(asking(7, 7)), held(7), shown=False)

    assert shown == Verdict(status=Status.COSIGNED, record=held(7), showed=True)


def test_a_restored_witness_learns_its_newest_cosignature_from_the_log():
    """It held 7 when the backup was made, and had cosigned 20 before it was restored."""
    shown = answer(cosigned(asking(20, 20)), held(7), shown=False)

    assert shown == Verdict(status=Status.COSIGNED, record=held(20), showed=True)


def test_what_is_learned_is_kept_even_when_the_answer_is_no():
    shown = answer(cosigned(asking(7, 20)), held(7), shown=False)

    assert shown == Verdict(status=Status.CONFLICT, record=held(20), held_size=20, showed=True)


def test_an_older_cosignature_never_moves_the_record_back():
    """The answer to a newer request may have been lost on its way."""
    shown = answer(cosigned(asking(7, 7)), held(20), shown=False)

    assert shown == Verdict(status=Status.CONFLICT, record=None, held_size=20, showed=True)


def test_an_own_cosignature_under_another_root_shows_two_faces():
    shown = answer(cosigned(asking(20, 20, "b")), held(20), shown=False)

    assert (shown.status, shown.two_faced, shown.record) == (Status.CONFLICT, True, None)


# --- Histories -----------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24), st.sampled_from(["", "b"])), max_size=12))
def test_whatever_is_asked_a_witness_follows_one_history(steps):
    """Rules 4.3, 11 (I10): sizes never fall, and all that is cosigned is one log."""
    record, side_followed = NOTHING, None
    for old, new, side in steps:
        verdict = answer(asking(min(old, new), new, side), record)
        if verdict.status is Status.COSIGNED:
            assert verdict.record is not None
            assert verdict.record.size >= record.size
            if verdict.record.size > 10:
                side_followed = side if side_followed is None else side_followed
                assert side == side_followed
            record = verdict.record
        else:
            assert verdict.record is None


# --- Bytes ---------------------------------------------------------------------------------------------------

GOOD = asking(7, 20).data().decode()


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "old 7\n", GOOD.replace("old 7", "old"), GOOD.replace("old 7", "old 07"), GOOD.replace("old 7", "old -7"),
        GOOD.replace("old 7", "OLD 7"), GOOD.replace("old 7", " old 7"), GOOD.replace("old 7\n", ""), GOOD.replace("old 7", "old 7\r"),
        GOOD.replace("old 7", "old 7" + ("\n" + "A" * 43 + "=") * 64), GOOD.replace("old 7", "old 7\nAAAA"),
        GOOD.partition("\n\n")[0] + "\n", GOOD[:-1], GOOD.replace("old 7", f"old {2**63}"),
    ],
)  # fmt: skip
def test_everything_else_is_malformed(text):
    with pytest.raises(MalformedMessage):
        parse_add_checkpoint(text.encode())


@given(seed=st.integers(0, 2**32))
def test_a_damaged_request_is_cosigned_only_where_nothing_that_counts_was_touched(seed: int) -> None:
    chance = Random(seed)
    data = damaged_bytes(asking(7, 20).data(), chance)
    try:
        request = parse_add_checkpoint(data)
    except MalformedMessage:
        return
    assert request.data() == data
    verdict = answer(request, held(7))
    assert verdict.record in (None, held(20))


@pytest.mark.parametrize("data", [b"", b"\n", PUBLISHED_ANSWER[:-1], b"200\n", PUBLISHED_ANSWER + b"\n"])
def test_answers_that_are_none(data):
    with pytest.raises(MalformedMessage):
        parse_cosignatures(data)


@pytest.mark.parametrize("wrong", [{"old_size": -1}, {"proof": (bytes(32),) * 64}])
def test_bounds(wrong):
    with pytest.raises(InvalidValue):
        AddCheckpoint(**({"old_size": 0, "proof": (), "note": note(1)} | wrong))
