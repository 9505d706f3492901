"""Forms: strict, cleaned, and given back as typed. Source: pages.md 10 (3.3.x)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from node.clock import SeededChance
from node.web.amounts import HOURS, Unreadable
from node.web.forms import (
    FORM_BYTES_MAX,
    BadForm,
    Filled,
    Form,
    SpendForm,
    Tick,
    WholeNumber,
    amount_sentence,
    fresh_key,
    line,
    once_key,
    once_text,
    paragraphs,
    posted,
    read,
)
from node.web.words import words_for
from tests.builders import NOW

WORDS = words_for()
GOOD = {"kind": "offer", "title": "Bread", "text": "", "days": "7", "agree": "yes"}


class Post(Form):
    kind: Literal["offer", "want"]
    title: line(10, least=2)  # type: ignore[valid-type]
    text: paragraphs(20)  # type: ignore[valid-type]
    days: Annotated[WholeNumber, Field(ge=1, le=99)]
    agree: Tick


def test_a_good_form_is_read() -> None:
    form = read(Post, GOOD | {"title": "  Rye \t bread ", "text": "one\r\ntwo"}, WORDS)
    assert isinstance(form, Post)
    assert (form.title, form.text, form.days, form.agree) == ("Rye bread", "one\ntwo", 7, True)


def test_text_is_normalised_so_that_search_and_signatures_see_one_spelling() -> None:
    form = read(Post, GOOD | {"title": "Cafe\u0301"}, WORDS)
    assert isinstance(form, Post)
    assert form.title == "Café"


@pytest.mark.parametrize(
    "name, typed, sentence",
    [
        ("title", "", "Please say in a few words what it is."),
        ("days", "", "Please fill this in."),
        ("title", "B", "This is too short. Write at least 2 characters."),
        ("title", "B" * 11, "This is too long. There is room for 10 characters."),
        ("title", "Br\x00ead", "This cannot be read. Please write it again."),
        ("title", "Br\x1bead", "This cannot be read. Please write it again."),
        ("text", "\ud800", "This cannot be read. Please write it again."),
        ("kind", "gift", "Please choose one of the answers."),
        ("days", "seven", "This cannot be read. Please write it again."),
        ("days", "1e1", "This cannot be read. Please write it again."),
        ("days", "٧", "This cannot be read. Please write it again."),
        ("days", "100", "Please write a whole number, in digits."),
    ],
)
def test_a_field_in_trouble_is_named_in_words_and_nothing_typed_is_lost(
    name: str, typed: str, sentence: str
) -> None:
    """pages.md 10: 3.3.1, 3.3.3, 3.3.7."""
    form = read(Post, GOOD | {name: typed}, WORDS)
    assert isinstance(form, Filled)
    assert form.errors == {name: sentence}
    assert form.value(name) == typed
    assert form.value("days" if name != "days" else "title") == GOOD["days" if name != "days" else "title"]


def test_an_unticked_box_is_left_out_by_browsers() -> None:
    form = read(Post, {name: value for name, value in GOOD.items() if name != "agree"}, WORDS)
    assert isinstance(form, Post)
    assert form.agree is False


@given(key=st.binary(min_size=16, max_size=16))
def test_the_key_of_one_act_survives_the_page(key: bytes) -> None:
    assert once_key(once_text(key)) == key


def test_keys_made_later_come_later_and_none_is_made_twice():
    """In the order of their index; ten bytes of each are chance."""
    chance = SeededChance("keys")
    keys = [fresh_key(NOW + n // 2, chance) for n in range(100)]

    assert len({key[6:] for key in keys}) == 100
    assert [key[:6] for key in keys] == sorted(key[:6] for key in keys)
    assert {len(key) for key in keys} == {16}


@pytest.mark.parametrize(
    "text", ["", "A", "A" * 21, "A" * 23, "A" * 21 + "B", "=" * 22, "A" * 22 + "==", "é" * 22]
)
def test_a_key_no_page_wrote_is_refused(text: str) -> None:
    """One key has one spelling: another spelling of it would act a second time."""
    with pytest.raises(ValueError):
        once_key(text)
    assert isinstance(read(SpendForm, {"once": text}, WORDS), Filled)


def test_a_form_that_moves_units_needs_its_key() -> None:
    assert isinstance(read(SpendForm, {}, WORDS), Filled)
    assert isinstance(read(SpendForm, {"once": once_text(bytes(16))}, WORDS), SpendForm)


@pytest.mark.parametrize("why", Unreadable)
def test_every_reason_has_a_sentence(why: Unreadable) -> None:
    assert amount_sentence(why, "1.30", HOURS, 600, WORDS).endswith((".", "?"))


async def _echo(request: web.Request) -> web.Response:
    try:
        return web.json_response(await posted(request))
    except BadForm as error:
        return web.Response(status=400, text=str(error))


ClientMaker = Callable[[web.Application], Awaitable[TestClient[web.Request, web.Application]]]


async def test_only_what_a_page_of_ours_sends_is_read(aiohttp_client: ClientMaker) -> None:
    app = web.Application()
    app.router.add_post("/", _echo)
    client = await aiohttp_client(app)

    answer = await client.post("/", data={"title": "Bread", "text": "ä"})
    assert await answer.json() == {"title": "Bread", "text": "ä"}

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for body, headers in [
        (b"a=1&a=2", kind),
        (b"a=" + b"x" * FORM_BYTES_MAX, kind),
        (b"a=%ff%fe", kind),
        (b"&".join(b"f%d=1" % number for number in range(100)), kind),
        (b'{"a": 1}', {"Content-Type": "application/json"}),
    ]:
        answer = await client.post("/", data=body, headers=headers)
        assert answer.status == 400, body[:20]

    upload = FormData()
    upload.add_field("a", b"bytes", filename="a.txt")
    assert (await client.post("/", data=upload)).status == 400
