"""Gifts and agreed days, below the pages: what erasing leaves of them, and that one thing is promised to one. Rules 3.1, 5.10, 7.7."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert

from node.services.day_rows import open_appointments
from node.services.days import NewDay
from node.services.gift_rows import Pickup, given_and_received, wishes_for
from node.services.members import Member
from node.services.threads import threads_of
from node.store import Tx
from node.store.schema import gifts as schema
from protocol.limits import DAY_MS
from protocol.market import AskingPrice, Listing
from protocol.names import ItemKey
from tests.erasing import Scheme, open_scheme


async def give(scheme: Scheme, giver: Member, taker: Member) -> tuple[ItemKey, list[str]]:
    """Let one promise a thing to another; return its key, and the words that both said about it."""
    wanted, said = scheme.word(taker), scheme.word(giver)
    content = Listing(
        kind="gift", title="Sofa", text="", category="home", language="en",
        price=AskingPrice(amount=0, per="free"),
    )  # fmt: skip
    key = (await scheme.node.market.post(giver.no, content)).listing.key
    await scheme.node.gifts.wish(taker, key, wanted)
    (wish,) = await scheme.node.store.read(wishes_for, key)
    await scheme.node.gifts.promise(giver, key, wish.no, Pickup(said=said))
    return key, [wanted, said]


@pytest.mark.parametrize("who", ["giver", "taker"])
async def test_nothing_said_about_a_gift_is_left_of_the_erased(tmp_path: Path, who: str) -> None:
    """Rule 3.1: their words go from the wish too; that something was given is still counted."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        key, words = await give(scheme, ana, ben)
        await scheme.node.gifts.collected(ana, key)
        await scheme.erase(ana if who == "giver" else ben, rosa, otto)
        (wish,) = await scheme.node.store.read(wishes_for, key)
        assert (wish.wanted, wish.pickup.said, wish.their_name) == ("", "", "")
        own = words[1] if who == "giver" else words[0]
        assert own.encode() not in scheme.files()
        assert await scheme.node.store.read(given_and_received, ana.account_no) == (1, 0)
        assert await scheme.node.store.read(given_and_received, ben.account_no) == (0, 1)


async def test_nothing_said_about_a_day_is_left_of_the_erased(tmp_path: Path) -> None:
    """Rule 3.1."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        await scheme.write(ana, ben)
        ((thread, _),) = (await scheme.node.store.read(threads_of, ana.account_no))[0]
        what, place = scheme.word(ana), scheme.word(ana)
        new = NewDay(
            thread_no=thread.no, what=what, place=place, at_ms=scheme.clock.now_ms() + DAY_MS, amount=0, i_pay=True
        )  # fmt: skip
        await scheme.node.days.propose(ana, new, b"o" * 16)
        await scheme.erase(ana, rosa, otto)
        assert await scheme.node.store.read(open_appointments, ben.account_no, 0) == [], "it was taken back"
        files = scheme.files()
        assert what.encode() not in files
        assert place.encode() not in files


async def test_the_table_itself_holds_one_promise_for_a_thing(tmp_path: Path) -> None:
    """Rule 5.10: whatever the code above it does."""
    async with open_scheme(tmp_path) as scheme:
        _, _, ana, ben, cem, *_ = scheme.members
        key, _ = await give(scheme, ana, ben)

        def promise_again(tx: Tx) -> None:
            tx.run(
                insert(schema.wish), item_key=key, giver_no=ana.account_no, taker_no=cem.account_no, other_scheme=None,
                their_name="", thread_id=b"t" * 16, state="promised", wanted="", day="", time="", said="", asked_ms=1,
                changed_ms=1,
            )  # fmt: skip

        with pytest.raises(Exception, match="UNIQUE"):
            await scheme.node.store.write(promise_again)
