"""The graph of peerings, and routes over it. Source: docs/protocol.md 5.1, 5.6, 7.2."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import routing
from protocol.errors import InvalidValue
from protocol.feed_kinds import NORMAL, REDUCE, Peering
from protocol.names import LineId, SchemeId
from protocol.routing import Graph, Route, graph_of, routes, within
from protocol.units import HOUR

WIDE, NARROW = 30, 23  # 2^29 and 2^22 3 600 000ths at least: 149 hours, 1 hour and 10 minutes


def scheme(name: str) -> SchemeId:
    return SchemeId(name.encode() * 32)


def line(one: str, other: str, number: int = 0) -> LineId:
    return LineId("".join(sorted((one, other))).encode() * 15 + bytes((number, number)))


def says(author: str, other: str, takes: int = WIDE, modes: tuple[str, ...] = (NORMAL,), number: int = 0):
    peering = Peering(other=scheme(other), line=line(author, other, number), takes=takes, modes=modes)
    return scheme(author), peering


def town(*pairs: str, **widths: int) -> Graph:
    """`town("ab", "bc", bc=23)`: b and c peer, and what b may still come to owe c is of class 23."""
    return graph_of(
        says(one, other, widths.get(other + one, WIDE)) for pair in pairs for one, other in (pair, pair[::-1])
    )


def found(graph: Graph, start: str, goal: str, hours: int = HOUR, **given: object) -> list[str]:
    answer = routes(graph, scheme(start), scheme(goal), hours, **given)  # type: ignore[arg-type]
    return ["".join(each.decode()[0] for each in route.schemes) for route in answer]


# --- 5.1 The graph -----------------------------------------------------------------------------------------


def test_a_peering_counts_only_when_both_ends_say_it():
    """Rule 5.1."""
    assert graph_of([says("a", "b")]).edges == {}
    assert graph_of([says("a", "b"), says("b", "a", number=1)]).edges == {}  # two lines, one end each
    assert graph_of([says("a", "a")]).edges == {}

    edges = graph_of([says("a", "b", 5), says("b", "a", 7)]).edges
    assert [(edge.goal, edge.takes) for edge in edges[scheme("a")]] == [(scheme("b"), 7)]
    assert [(edge.goal, edge.takes) for edge in edges[scheme("b")]] == [(scheme("a"), 5)]


def test_a_mode_counts_only_when_both_ends_say_it():
    graph = graph_of([says("a", "b", modes=(NORMAL, REDUCE)), says("b", "a", modes=(REDUCE, "later"))])

    assert [edge.modes for edge in graph.edges[scheme("a")]] == [{REDUCE}]
    assert found(graph, "a", "b") == []
    assert found(graph, "a", "b", mode=REDUCE) == ["ab"]


def test_of_several_lines_the_widest_is_taken():
    graph = graph_of(
        says(*ends, takes=takes, number=number)
        for number, takes in enumerate((NARROW, WIDE, 10))
        for ends in ("ab", "ba")
    )

    assert routes(graph, scheme("a"), scheme("b"), HOUR) == [
        Route(schemes=(scheme("a"), scheme("b")), takes=WIDE)
    ]


# --- 5.6 The horizon ---------------------------------------------------------------------------------------


def test_feeds_are_followed_within_four_peerings():
    """Rule 5.6."""
    chain = town("ab", "bc", "cd", "de", "ef")

    assert within(chain, scheme("a")) == {scheme(name): n for n, name in enumerate("abcde")}
    assert within(chain, scheme("c")) == {
        scheme(name): n for name, n in zip("abcdef", (2, 1, 0, 1, 2, 3), strict=True)
    }
    assert within(chain, scheme("z")) == {scheme("z"): 0}
    assert within(chain, scheme("a"), peerings=0) == {scheme("a"): 0}


def test_a_full_line_still_joins_two_schemes():
    graph = town("ab", ab=0, ba=0)

    assert scheme("b") in within(graph, scheme("a"))
    assert found(graph, "a", "b") == []


# --- 7.2 Routes --------------------------------------------------------------------------------------------


def test_the_shortest_route_comes_first_then_the_widest_then_by_id():
    graph = town("ab", "bz", "ac", "cz", "ad", "dz", "ae", "ef", "fz", ab=NARROW)

    assert found(graph, "a", "z") == ["acz", "adz", "abz", "aefz"]
    assert [route.takes for route in routes(graph, scheme("a"), scheme("z"), HOUR)] == [
        WIDE,
        WIDE,
        NARROW,
        WIDE,
    ]


@pytest.mark.parametrize(
    "hours, answer", [(1, ["ab"]), (2**22, ["ab"]), (2**23 - 1, ["ab"]), (2**23, []), (2**40, [])]
)
def test_an_edge_is_left_out_when_it_is_surely_too_small(hours, answer):
    """A class of 23 says 2^22 to 2^23 − 1: the quote will tell more exactly."""
    assert found(town("ab", ab=23), "a", "b", hours) == answer


def test_room_has_a_direction():
    """Rule 6.3: the creditor's LIMIT says what the other may still come to owe."""
    graph = town("ab", ab=0)

    assert found(graph, "a", "b") == []
    assert found(graph, "b", "a") == ["ba"]


def test_a_route_has_at_most_six_hops():
    """Rule 7.2."""
    chain = town("ab", "bc", "cd", "de", "ef", "fg", "gh")

    assert found(chain, "a", "g") == ["abcdefg"]
    assert found(chain, "a", "h") == []
    assert found(chain, "a", "h", hops_max=9) == []
    assert found(chain, "a", "c", hops_max=1) == []


def test_what_has_just_refused_is_avoided():
    graph = town("ab", "bz", "ac", "cz", "bc")

    assert found(graph, "a", "z", avoid={scheme("b")}) == ["acz"]
    assert found(graph, "a", "z", avoid_hops={(scheme("b"), scheme("z"))}) == ["acz", "abcz"]
    assert found(graph, "a", "z", avoid={scheme("z")}) == []


def test_no_more_routes_than_asked_for():
    graph = town("ab", "bz", "ac", "cz", "bc")

    assert found(graph, "a", "z") == ["abz", "acz", "abcz", "acbz"]
    assert found(graph, "a", "z", routes_max=2) == ["abz", "acz"]


@pytest.mark.parametrize("goal, hours", [("a", HOUR), ("b", 0), ("b", -1), ("b", True), ("b", 2**53)])
def test_a_route_carries_an_amount_from_one_scheme_to_another(goal, hours):
    with pytest.raises(InvalidValue):
        found(town("ab"), "a", goal, hours)


def test_a_search_ends_and_what_it_found_is_right(monkeypatch):
    """A graph made to be searched for ever costs a fixed number of steps."""
    names = "abcdefghij"
    graph = town(*(one + other for one in names for other in names if one < other))
    everything = found(graph, "a", "j", routes_max=10_000)
    # One of 1 hop, 8 of 2, 8·7 of 3, and so on.
    assert len(everything) == 1 + 8 + 56 + 336 + 1_680 + 6_720

    monkeypatch.setattr(routing, "ROUTE_SEARCH_STEPS_MAX", 500)
    some = found(graph, "a", "j", routes_max=10_000)
    assert 50 < len(some) < 500
    assert some == everything[: len(some)]


NAMES = "abcdefg"
PAIRS = [one + other for one in NAMES for other in NAMES if one < other]


@st.composite
def towns(draw: st.DrawFn) -> tuple[Graph, dict[str, int]]:
    """A town, and the class of each direction in which both ends have published the line."""
    widths = {}
    for pair in draw(st.lists(st.sampled_from(PAIRS), unique=True)):
        for way in (pair, pair[::-1]):
            widths[way] = draw(st.integers(20, 25))
    items = [says(way[1], way[0], takes) for way, takes in widths.items()]
    return graph_of(draw(st.permutations(items))), widths


@given(towns(), st.integers(1, 2**25), st.integers(1, 6), st.sets(st.sampled_from("cdef"), max_size=2))
def test_routes_are_those_of_a_search_by_hand(drawn, hours, hops_max, avoided):
    """Against every order of every choice of schemes."""
    graph, widths = drawn
    expected = []
    for between in range(hops_max):
        for middle in permutations("bcdef", between):
            path = "a" + "".join(middle) + "g"
            ways = [path[n : n + 2] for n in range(len(path) - 1)]
            narrowest = min(widths.get(way, 0) for way in ways)
            if hours < 2**narrowest and narrowest and not avoided & set(path):
                expected.append((len(ways), -narrowest, path))

    answer = found(
        graph, "a", "g", hours, hops_max=hops_max, avoid={scheme(name) for name in avoided}, routes_max=1_000
    )

    assert answer == [path for _, _, path in sorted(expected)]


@given(towns(), st.integers(0, 6))
def test_the_horizon_is_that_of_a_search_by_hand(drawn, peerings):
    graph, widths = drawn
    expected = {"a": 0}
    for steps in range(1, peerings + 1):
        for way in widths:
            if way[0] in expected and expected[way[0]] < steps:
                expected.setdefault(way[1], steps)

    assert within(graph, scheme("a"), peerings) == {scheme(name): n for name, n in expected.items()}
