"""Groups: who stands where, who may do what, and that one never is without a keeper. Rule 5.12."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.circle import (
    INSIDE,
    OWN_ACTS,
    TRANSITIONS,
    Act,
    Circle,
    Door,
    No,
    Person,
    Standing,
    after,
    reads,
    refusal,
    started,
    without,
)
from protocol.errors import OutOfOrder
from protocol.limits import CIRCLE_PEOPLE_MAX

KEEPER, OTHER, ME, NOBODY = 1, 2, 3, 4


def circle(door: Door, mine: Standing) -> Circle:
    """Return a group with two keepers, somebody in it, and me."""
    people = (Person(KEEPER, Standing.KEEPER, 1), Person(OTHER, Standing.KEEPER, 2))
    return Circle(door, people if mine is Standing.OUTSIDE else (*people, Person(ME, mine, 3)))


@pytest.mark.parametrize("door", Door)
@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("mine", Standing)
def test_every_act_from_everywhere_one_may_stand(mine: Standing, act: Act, door: Door) -> None:
    """Rule 5.12: what the table does not allow changes nothing; an open door needs no question, a closed one does."""
    here = circle(door, mine)
    by = ME if act in OWN_ACTS else KEEPER
    then = TRANSITIONS[mine].get(act)
    if (
        mine is Standing.OUTSIDE
        and act in (Act.JOIN, Act.ASK)
        and (act is Act.JOIN) is not (door is Door.OPEN)
    ):
        then = None
    if then is None:
        assert refusal(here, act, by, ME) is No.NOT_NOW
        with pytest.raises(OutOfOrder):
            after(here, act, by, ME)
        return
    assert refusal(here, act, by, ME) is None
    assert after(here, act, by, ME).standing_of(ME) is then


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("mine", Standing)
def test_ones_own_is_done_by_oneself_and_the_rest_by_a_keeper(mine: Standing, act: Act) -> None:
    here = circle(Door.OPEN, mine)
    if act in OWN_ACTS:
        for by in (KEEPER, NOBODY):
            assert refusal(here, act, by, ME) is No.NOT_YOURS
    else:
        assert refusal(here, act, NOBODY, ME) is No.NOT_YOURS
        assert (
            refusal(here, act, ME, ME) is No.NOT_YOURS
        )  # nobody lets themselves in, or makes themselves a keeper


def test_whoever_was_sent_away_or_told_no_comes_back_only_by_asking() -> None:
    """Rule 5.12: not by leaving and coming in again, whatever they do in between."""
    here = after(circle(Door.OPEN, Standing.IN), Act.REMOVE, KEEPER, ME)
    for act in (None, Act.LEAVE, Act.DECLINE):
        if act is not None:
            here = after(after(here, Act.ASK, ME, ME), act, ME if act is Act.LEAVE else KEEPER, ME)
        assert refusal(here, Act.JOIN, ME, ME) is No.NOT_NOW
    here = after(after(here, Act.ASK, ME, ME), Act.ACCEPT, OTHER, ME)
    assert here.standing_of(ME) is Standing.IN


def test_the_last_keeper_hands_over_first_and_whoever_is_alone_may_go() -> None:
    here = after(started(Door.OPEN, KEEPER), Act.JOIN, ME, ME)
    assert refusal(here, Act.LEAVE, KEEPER, KEEPER) is No.LAST_KEEPER
    assert refusal(here, Act.LOWER, KEEPER, KEEPER) is No.LAST_KEEPER
    here = after(here, Act.RAISE, KEEPER, ME)
    assert [each.who for each in after(here, Act.LEAVE, KEEPER, KEEPER).keepers] == [ME]
    alone = started(Door.CLOSED, KEEPER)
    assert refusal(alone, Act.LOWER, KEEPER, KEEPER) is No.LAST_KEEPER
    assert after(alone, Act.LEAVE, KEEPER, KEEPER).inside == ()
    asked = after(alone, Act.ASK, ME, ME)  # who only asks is not in it
    assert after(asked, Act.LEAVE, KEEPER, KEEPER).inside == ()


def test_a_full_group_takes_nobody() -> None:
    people = tuple(Person(each, Standing.IN, each) for each in range(10, 9 + CIRCLE_PEOPLE_MAX))
    here = Circle(Door.OPEN, (Person(KEEPER, Standing.KEEPER, 1), *people))
    assert refusal(here, Act.JOIN, ME, ME) is No.FULL
    assert refusal(without(here, 10), Act.JOIN, ME, ME) is None


def test_an_open_board_is_everybodys_and_a_closed_one_is_not() -> None:
    for standing in Standing:
        assert reads(circle(Door.OPEN, standing), ME)
        assert reads(circle(Door.CLOSED, standing), ME) is (standing in INSIDE)


steps = st.lists(st.tuples(st.sampled_from([*Act, None]), st.integers(1, 4), st.integers(1, 4)), max_size=40)


@given(door=st.sampled_from(Door), happened=steps)
def test_a_group_with_people_always_has_a_keeper(
    door: Door, happened: list[tuple[Act | None, int, int]]
) -> None:
    """Rule 5.12: whatever is done, by whom, and whoever leaves the scheme meanwhile (None)."""
    here = started(door, KEEPER)
    for act, by, who in happened:
        if act is None:
            here = without(here, who)
        elif refusal(here, act, by, who) is None:
            here = after(here, act, by, who)
        assert not here.inside or here.keepers
        assert len({each.who for each in here.people}) == len(here.people)
        assert len({each.turn for each in here.people}) == len(here.people)


def test_where_the_only_keeper_leaves_the_scheme_whoever_is_in_it_longest_keeps_it() -> None:
    here = started(Door.OPEN, KEEPER)
    for who in (ME, OTHER):
        here = after(here, Act.JOIN, who, who)
    assert [each.who for each in without(here, KEEPER).keepers] == [ME]
    assert [each.who for each in without(after(here, Act.RAISE, KEEPER, OTHER), KEEPER).keepers] == [OTHER]
