"""A log of the books that begins anew. Source: docs/protocol.md 4.1, 6.7 (g), 10.1."""

from __future__ import annotations

import pytest

from protocol.checkpoint import (
    Checkpoint,
    log_keys,
    log_of_origin,
    open_checkpoint,
    origin_of,
    scheme_of_origin,
    sign_checkpoint,
)
from protocol.errors import InvalidValue, NotAuthentic, OutOfOrder
from protocol.evidence import TwoCheckpoints, make_evidence, verify
from protocol.identity import IdentityState, advance, fold_log, make_new_log
from protocol.identity_events import NewLog
from tests.builders import NOW
from tests.protocol.accused import ACCUSED, VICTIM
from tests.vector_making import filler

HELD, LOST = (990, filler("held")), (1000, filler("lost"))


def begun(state: IdentityState) -> tuple[bytes, IdentityState]:
    """Return the event by which the accused begins its next log, and its identity after it."""
    wire = make_new_log(state, ACCUSED.root, HELD, LOST, NOW).wire
    return wire, advance(state, wire)


def note(size: int, root: str, number: int) -> bytes:
    said = Checkpoint(origin=origin_of(ACCUSED.id, number), size=size, root=filler(root))
    return sign_checkpoint(said, ACCUSED.checkpoint_key).data()


STATE = fold_log(ACCUSED.log)
NEW, AFTER = begun(STATE)


def test_logs_are_counted_in_the_identity():
    """Rule 6.7 (g): one after the other, by the root key alone."""
    assert (STATE.log_number, AFTER.log_number, begun(AFTER)[1].log_number) == (1, 2, 3)
    assert (AFTER.log_begun_at(1), AFTER.log_begun_at(2)) == (0, AFTER.seq)
    with pytest.raises(NotAuthentic):
        make_new_log(STATE, VICTIM.root, HELD, LOST, NOW)
    with pytest.raises(NotAuthentic):
        make_new_log(STATE, ACCUSED.checkpoint_key, HELD, LOST, NOW)


@pytest.mark.parametrize("number", [2, 4])
def test_no_log_is_left_out_or_begun_twice(number: int, monkeypatch: pytest.MonkeyPatch):
    """Rule 6.7 (g)."""
    with monkeypatch.context() as patches:
        patches.setattr(IdentityState, "log_number", property(lambda _state: number - 1))
        wire = make_new_log(AFTER, ACCUSED.root, HELD, LOST, NOW).wire
    with pytest.raises(OutOfOrder):
        advance(AFTER, wire)


def test_the_first_log_needs_no_event():
    """Rule 6.7 (g): numbers of events begin with two."""
    with pytest.raises(InvalidValue):
        NewLog(number=1, held_size=0, held_root=bytes(32), lost_size=1, lost_root=bytes(32))


def test_an_origin_names_scheme_and_number():
    """Rule 4.1: and in one way only."""
    for number in (1, 2, 17):
        assert log_of_origin(origin_of(ACCUSED.id, number)) == (ACCUSED.id, number)
    for wrong in ("0", "01", "+2", "2 ", "", "x", "9" * 9):
        with pytest.raises(InvalidValue):
            scheme_of_origin(origin_of(ACCUSED.id).removesuffix("1") + wrong)


def test_a_checkpoint_counts_from_the_event_that_begins_its_log():
    """Rules 4.1, 6.7 (g): and what was signed in the log before stays signed."""
    assert open_checkpoint(note(990, "a", 2), AFTER)[0].size == 990
    assert open_checkpoint(note(1000, "a", 1), AFTER)[0].size == 1000
    with pytest.raises(NotAuthentic, match="another log"):
        open_checkpoint(note(990, "a", 2), STATE)
    assert {each.name for each in log_keys(AFTER)} == {origin_of(ACCUSED.id, 2)}
    # The line of a signature names the log too: one of the first log says nothing of the second.
    mixed = note(990, "a", 2).replace(
        f"— {origin_of(ACCUSED.id, 2)}".encode(), f"— {origin_of(ACCUSED.id)}".encode()
    )
    with pytest.raises(NotAuthentic):
        open_checkpoint(mixed, AFTER)


def test_sizes_and_roots_are_compared_within_one_log():
    """Rule 10.1: who begins anew is not accused of it; two faces of any log are evidence, before and after."""
    log = (*ACCUSED.log, NEW)
    with pytest.raises(InvalidValue, match="do not contradict"):
        make_evidence(ACCUSED.id, TwoCheckpoints(first=note(1000, "a", 1), second=note(1000, "b", 2)), log)
    for number in (1, 2):
        proof = TwoCheckpoints(first=note(1000, "a", number), second=note(1000, "b", number))
        made = make_evidence(ACCUSED.id, proof, log)
        assert verify(made).accused == ACCUSED.id
        assert verify(made, AFTER).kind == "two-checkpoints"
        assert (NEW in made.identity) == (number == 2), "no more of the identity than it needs"
    with pytest.raises(NotAuthentic):
        make_evidence(ACCUSED.id, TwoCheckpoints(first=note(5, "a", 2), second=note(5, "b", 2)), ACCUSED.log)
