"""What is held about a member, for that member: on the page and in the download, nobody else's. Source: docs/pages.md 7.2."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from node.services.letters import Writing
from node.services.my_data import LEFT_OUT, read_my_data
from node.store import ReadTx
from node.store.schema import load_all
from protocol.names import SchemeId
from tests.node.services.test_erasure import ERASED_FROM
from tests.node.web.oakvale import Oakvale, open_oakvale
from tests.node.web.towns import PIN
from tests.node.web.words_seen import main_words

RIVERSIDE = SchemeId(b"R" * 32)


@dataclass
class Holding:
    town: Oakvale

    async def packed(self) -> tuple[str, dict[str, list[dict[str, Any]]], bytes]:
        answer = await self.town.browser.get("/my/data/download")
        body = await answer.read()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
        assert answer.headers["Cache-Control"] == "no-store"
        with zipfile.ZipFile(io.BytesIO(body)) as files:
            text, data = files.read("read-me.txt"), files.read("data.json")
        return text.decode(), json.loads(data), data


@pytest.fixture
async def holding() -> AsyncIterator[Holding]:
    async with open_oakvale() as oakvale:
        yield Holding(oakvale)


async def write(oakvale: Oakvale, text: str, *, mine: bool) -> None:
    writer, reader = (oakvale.ana, oakvale.ben) if mine else (oakvale.maud, oakvale.ben)
    await oakvale.town.node.letters.write(
        Writing(
            account_no=writer.account_no, name=writer.name, scheme=oakvale.town.node.scheme, to_account=reader.account_no,
            to_name=reader.name, text=text,
        )
    )  # fmt: skip


async def test_the_page_says_what_is_held_and_who_saw_it(holding: Holding) -> None:
    oakvale = holding.town
    await oakvale.town.node.quotes.handle_of(RIVERSIDE, oakvale.ana.account_no)
    page = main_words(await (await oakvale.browser.get("/my/data")).text())
    assert "ana@example.org" in page
    assert "a random number that stands for you" in page
    assert "Whoever looks after the computer could read everything on it" in page
    assert "Made a member, by command line" in page
    assert "ben@example.org" not in page
    assert "/my/data" in await (await oakvale.browser.get("/my")).text()


async def test_the_download_holds_all_of_it_and_nobody_elses(holding: Holding) -> None:
    """Words of one's own conversations, not of others'; nothing by which somebody could sign in."""
    oakvale = holding.town
    await oakvale.town.node.people.set_pin(oakvale.ana.acts("pin"), oakvale.ana.no, PIN)
    await write(oakvale, "Is the ladder free on Friday?", mine=True)
    await write(oakvale, "This is for Ben alone.", mine=False)
    text, held, raw = await holding.packed()
    assert "ana@example.org" in text
    assert held["member"][0]["name"] == "Ana"
    assert [each["text"] for each in held["messages"]] == ["Is the ladder free on Friday?"]
    assert held["entries"] == [] or all("words" in each for each in held["entries"])
    for secret in (
        b"This is for Ben alone.",
        b"maud@example.org",
        b"argon2",
        PIN.encode(),
        b"pin_hash",
        b"token",
    ):
        assert secret not in raw


async def test_whoever_is_not_logged_in_gets_nothing(holding: Holding) -> None:
    stranger = holding.town.town.browser()
    for path in ("/my/data", "/my/data/download"):
        answer = await stranger.get(path, allow_redirects=False)
        assert answer.status in (302, 303)
        assert answer.headers["Location"].startswith("/login")


async def test_every_table_that_erasing_reaches_is_in_the_download(holding: Holding) -> None:
    """Docs 7.2: what can be erased because it is about somebody is also what they may have."""
    oakvale = holding.town

    def query(tx: ReadTx) -> set[str]:
        return set(read_my_data(tx, oakvale.ana))

    names = await oakvale.town.node.store.read(query)
    assert {"member", "messages", "trades", "requests", "listings", "entries"} <= names
    # Kept for a moment only, or the same once more: sign-in, the outbox of letters, the feed, the search index.
    passing = {
        "pending_sign_in",
        "pending_step",
        "passkey_challenge",
        "sign_in_link",
        "sign_in_place",
        "carried",
        "item",
        "search_doc",
        "missing",
    }
    assert len(ERASED_FROM - passing) <= len(names)
    assert {"pin_hash", "token"} <= LEFT_OUT
    assert load_all().tables["member"].c.pin_hash is not None
