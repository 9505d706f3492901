"""Admins hear of what needs mending, once a week while it does, and when it is mended. Source: docs/operating.md."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.finding_names import NAMES, name_said
from node.findings import Finding, State
from node.services.acts import Role
from node.services.troubles import TOLD_AGAIN_MS, Known, known, news_of
from node.web.words import words_for
from protocol.limits import DAY_MS, HOUR_MS
from tests.node.web.towns import Town, open_town

NOW = 1_800_000_000_000
FULL = Finding("disk", State.PROBLEM, "%(free)d MiB free", "Make room.", {"free": 7})
LATE = Finding("backups", State.PROBLEM, "the newest is old")
FINE = Finding("disk", State.OK, "room enough")


@pytest.mark.parametrize(
    ("found", "told_ms"),
    list(product([True, False], ["never seen", None, NOW - HOUR_MS, NOW - TOLD_AGAIN_MS])),
)
def test_what_is_new_about_a_problem(found: bool, told_ms: int | str | None) -> None:
    """Every state of what was known × found or not."""
    before = [] if told_ms == "never seen" else [Known("disk", NOW - 9 * DAY_MS, told_ms)]  # type: ignore[arg-type]
    news = news_of({"disk"} if found else set(), before, NOW)
    it, nothing = frozenset({"disk"}), frozenset[str]()
    assert (news.noted, news.told, news.mended, news.forgotten) == {
        (True, "never seen"): (it, nothing, nothing, nothing),
        (True, None): (nothing, it, nothing, nothing),
        (True, NOW - HOUR_MS): (nothing, nothing, nothing, nothing),
        (True, NOW - TOLD_AGAIN_MS): (nothing, it, nothing, nothing),
        (False, "never seen"): (nothing, nothing, nothing, nothing),
        (False, None): (nothing, nothing, nothing, it),
        (False, NOW - HOUR_MS): (nothing, nothing, it, it),
        (False, NOW - TOLD_AGAIN_MS): (nothing, nothing, it, it),
    }[found, told_ms]


async def mails_to(town: Town, name: str) -> list[str]:
    return [mail.subject for mail in await town.mails() if mail.recipient == f"{name}@example.org"]


async def test_a_problem_is_told_at_the_second_look_then_weekly_then_its_end() -> None:
    async with open_town() as town:
        await town.member("Rosa", Role.ADMIN)
        await town.member("Ben", Role.ORGANISER)
        told = []
        for look in range(24 * 15):
            await town.node.troubles.take([FULL] if look < 24 * 14 else [FINE])
            town.clock.now += HOUR_MS
            told.append(len(await mails_to(town, "rosa")))
        assert [told.index(number) for number in (1, 2)] == [1, 1 + 24 * 7]
        assert told[-1] == 3
        assert await mails_to(town, "rosa") == [
            "Something needs mending: Oakvale", "Something needs mending: Oakvale", "Mended: Oakvale",
        ]  # fmt: skip
        assert await mails_to(town, "ben") == []
        assert await town.node.store.read(known) == []


async def test_a_mail_says_what_it_is_and_how_to_mend_it() -> None:
    async with open_town() as town:
        await town.member("Rosa", Role.ADMIN)
        for _ in range(2):
            await town.node.troubles.take([FULL, LATE])
        (mail,) = [mail for mail in await town.mails() if mail.recipient == "rosa@example.org"]
        assert "Disk: 7 MiB free\nMake room." in mail.text
        assert "Backups: the newest is old" in mail.text
        assert "http://oakvale.test/node" in mail.text


async def test_what_mends_itself_within_the_hour_is_no_news() -> None:
    async with open_town() as town:
        await town.member("Rosa", Role.ADMIN)
        for findings in ([FULL], [FINE], [FULL], [FINE]):
            await town.node.troubles.take(findings)
        assert await mails_to(town, "rosa") == []


async def test_that_mails_do_not_go_out_is_not_told_by_mail() -> None:
    async with open_town() as town:
        await town.member("Rosa", Role.ADMIN)
        for _ in range(3):
            await town.node.troubles.take([Finding("mail", State.PROBLEM, "tried in vain")])
        assert await mails_to(town, "rosa") == []


@given(st.lists(st.sets(st.sampled_from(["disk", "clock", "log"])), max_size=40))
def test_whoever_was_told_of_a_problem_is_told_of_its_end(looks: list[set[str]]) -> None:
    """Whatever comes and goes: of each problem told there is one end told before it is told as new again."""
    rows: dict[str, Known] = {}
    open_for_reader: set[str] = set()
    for turn, found in enumerate([*looks, set()]):
        now = NOW + turn * HOUR_MS
        news = news_of(found, list(rows.values()), now)
        assert news.mended <= open_for_reader
        open_for_reader = (open_for_reader | news.told) - news.mended
        rows |= {name: Known(name, now, None) for name in news.noted}
        rows |= {name: Known(name, rows[name].since_ms, now) for name in news.told}
        rows = {name: row for name, row in rows.items() if name not in news.forgotten}
        assert set(rows) == found
    assert open_for_reader == set()


def test_everything_that_is_looked_at_has_a_name_for_people() -> None:
    words = words_for("en")
    assert name_said("neighbour Fenside", words) == "Neighbour Fenside"
    assert {name_said(name, words) for name in NAMES} == set(NAMES.values())
