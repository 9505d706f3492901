"""Requests about listings of other schemes: which word counts, and what whoever asked reads. Rule 7.10."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from protocol.beyond import FINAL, Mirror, Seen, Stands, Wants, is_newer, next_turn
from protocol.entry import ListingRef
from protocol.errors import InvalidValue, MalformedMessage
from protocol.letter import LISTING_ANSWER, LISTING_REQUEST, make_letter, read_letter, with_request
from protocol.limits import TIME_MS_MAX
from protocol.message import decode_message, encode_message
from protocol.names import SchemeId
from tests.protocol.test_letter import NOW, OAKVALE, RIVERSIDE, SEAL_KEY, TEXT, letter

ASKED = with_request(
    replace(TEXT, kind=LISTING_REQUEST, reference=b"r" * 16),
    turn=5, heard=0, word="ask", places=0, start=None, end=None,
)  # fmt: skip
SENT = Mirror(wants=Wants.ASK, turn=5, stands=None, heard=0)


def test_a_request_is_read_as_one_and_bound_to_its_letter() -> None:
    assert read_letter(letter(ASKED), [SEAL_KEY]) == ASKED
    assert read_letter(letter(TEXT), [SEAL_KEY]) == TEXT
    with pytest.raises(MalformedMessage):
        decode_message(type(TEXT), encode_message(ASKED))


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": LISTING_ANSWER}, {"kind": "message"}, {"word": "agreed"}, {"word": "steal"}, {"reference": None},
        {"reference": b"r" * 15}, {"listing": None}, {"turn": 0}, {"turn": 2**53}, {"heard": -1}, {"places": 501},
        {"start": 3}, {"start": 3, "end": 3}, {"start": 4, "end": 3}, {"end": 3},
    ],
)  # fmt: skip
def test_what_is_no_request_cannot_be_made(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        replace(ASKED, **changed)  # type: ignore[arg-type]  # hostile


def test_the_listings_scheme_is_asked_and_it_answers() -> None:
    ours = ListingRef(scheme=OAKVALE, key=b"K" * 16)
    with pytest.raises(InvalidValue):
        letter(replace(ASKED, listing=ours))  # Oakvale asks Riverside for what is Oakvale's
    answer = replace(ASKED, kind=LISTING_ANSWER, word="agreed")
    with pytest.raises(InvalidValue):
        letter(answer)  # Oakvale answers for Riverside
    assert letter(replace(answer, listing=ours))
    with pytest.raises(InvalidValue):
        make_letter(
            ASKED, sender=OAKVALE, recipient=SchemeId(b"x" * 32), letter=b"L" * 16, expires=NOW, recipient_key=SEAL_KEY.public,
            ephemeral=b"E" * 32,
        )  # fmt: skip
    assert ASKED.listing.scheme == RIVERSIDE  # type: ignore[union-attr]


def test_a_turn_is_later_than_all_before_also_after_an_old_copy() -> None:
    assert next_turn(0, 1000) == 1000
    assert next_turn(1000, 1000) == 1001
    assert next_turn(5000, 1000) == 5001, "a clock that was put back"
    assert next_turn(TIME_MS_MAX, 1000) == TIME_MS_MAX
    assert [is_newer(turn, 7) for turn in (6, 7, 8)] == [False, False, True]


def test_whatever_the_order_the_newest_answer_counts() -> None:
    """Letters are lost, doubled and overtake each other: who has read the newest reads the same."""
    said = [(1, Stands.WAITING), (2, Stands.AGREED), (3, Stands.WAITING), (4, Stands.ENDED)]
    for order in itertools.permutations([*said, *said[:2]]):
        known, stands = 0, None
        for turn, word in order:
            if is_newer(turn, known):
                known, stands = turn, word
        assert stands is Stands.ENDED


def test_what_whoever_asked_reads() -> None:
    """Silence is no yes; a word of theirs that was not heard yet stands above the older answer."""
    assert SENT.seen is Seen.SENT
    assert replace(SENT, lost=True).seen is Seen.SILENT
    assert replace(SENT, refused=True).seen is Seen.REFUSED
    assert replace(SENT, refused=True).over
    agreed = replace(SENT, stands=Stands.AGREED, heard=5)
    assert (agreed.seen, agreed.over) == (Stands.AGREED, False)
    taken_back = replace(agreed, wants=Wants.TAKE_BACK, turn=6)
    assert (taken_back.seen, taken_back.over) == (Seen.TAKING_BACK, False)
    assert replace(taken_back, heard=6, stands=Stands.TAKEN_BACK).over
    assert replace(SENT, wants=Wants.TAKE_BACK, lost=True).over, "nobody ever heard of it"
    for final in FINAL:
        assert replace(taken_back, stands=final).seen is final, "what is over stays over"


@pytest.mark.parametrize(
    ("heard", "lost", "refused", "seen"),
    [
        (5, False, False, Stands.COUNTERED),  # they have read all we said: it waits for us
        (4, False, False, Seen.SENT),  # we answered, and they have not heard it
        (4, True, False, Seen.SILENT),
        (4, False, True, Stands.COUNTERED),  # our answer was refused: it can be given again
    ],
)
def test_what_the_owner_proposes_instead_waits_for_an_answer_that_is_heard(
    heard: int, lost: bool, refused: bool, seen: Stands | Seen
) -> None:
    """Rule 7.10."""
    mirror = Mirror(wants=Wants.ASK, turn=5, stands=Stands.COUNTERED, heard=heard, lost=lost, refused=refused)
    assert mirror.seen is seen
    assert not mirror.over
