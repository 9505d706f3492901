"""The categories a scheme starts with."""

from __future__ import annotations

import pytest

from protocol.categories import CATEGORIES, CODES, english_name, group_of
from protocol.message import Code


def test_every_code_is_a_code_and_is_there_once():
    for code in CODES:
        Code().check(code)
    assert len(set(CODES)) == len(CODES)
    assert 14 <= len(CATEGORIES) <= 16
    assert len({english_name(code) for code in CODES}) == len(CODES)


def test_a_code_begins_with_that_of_its_group():
    for group, name, below in CATEGORIES:
        assert group_of(group) == group
        assert english_name(group) == name
        for code, its_name in below:
            assert code.startswith(f"{group}-")
            assert group_of(code) == group
            assert english_name(code) == its_name


@pytest.mark.parametrize("code", ["stamps", "food-unknown", "", "-"])
def test_a_code_that_nobody_here_knows_is_other(code):
    """Rule 9.5 for categories: neighbours have their own."""
    assert group_of(code) == "other"
    assert english_name(code) == "Other"
