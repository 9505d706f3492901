"""Erasing whoever has left: words, salts, names, messages and listings go, also from the files; the book stays. Rules 3.1, 6.9."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from node.services.acts import Role, acts_for
from node.services.books import load
from node.services.copy_comparing import read_missing
from node.services.erasure import SCRUB_WANTED, read_erased
from node.services.feed_store import items_of_kind
from node.services.joint_acts import asked_now
from node.services.joint_kinds import CannotAct, Why
from node.services.members import State, Unable, member_by_no
from node.services.members import Why as Unable_why
from node.store import ReadTx, Tx
from node.store.schema import load_all, meta, restore
from protocol.feed import Item
from protocol.feed_kinds import LISTING
from protocol.limits import DAY_MS
from protocol.message import trusted_message
from tests.erasing import MEMBERS, check_erased, open_scheme

ACTS = ("trade", "trade", "trade", "correct", "write", "offer", "limit", "lend")
person = st.integers(0, MEMBERS - 1)
history = st.lists(st.tuples(st.sampled_from(ACTS), person, person, st.integers(1, 500)), max_size=14)


@given(happened=history, gone=st.sets(person, min_size=1, max_size=3))
@settings(max_examples=10)
def test_nothing_is_left_of_the_erased_and_nothing_else_is_lost(
    happened: list[tuple[str, int, int, int]], gone: set[int]
) -> None:
    """Rule 3.1: for any history and any who leave, the book is right, every statement opens, no word is in the files."""

    async def scenario(folder: Path) -> None:
        async with open_scheme(folder) as scheme:
            rosa, otto, *members = scheme.members
            for act, one, other, amount in happened:
                a, b = members[one], members[other]
                match act:
                    case "trade" if a is not b:
                        await scheme.trade(a, b, amount)
                    case "correct":
                        await scheme.correct(amount, rosa)
                    case "write" if a is not b:
                        await scheme.write(a, b)
                    case "offer":
                        await scheme.offer(a)
                    case "lend" if a is not b:
                        await scheme.lend(a, b)
                    case "limit":
                        await scheme.limit(a, rosa.acts("pin"))
                    case _:
                        pass
            salts = await scheme.salts()
            for which in sorted(gone):
                await scheme.erase(members[which], rosa, otto)
            await check_erased(scheme, [members[which] for which in gone], salts)

    with TemporaryDirectory() as name:
        asyncio.run(scenario(Path(name)))


# Tables that hold nothing a member said or is called: ids, amounts, moments, and what others signed.
NOBODYS = {
    "loan_part",
    "minutes",  # of a group: what it decided, and who wrote that down by number
    "fee_rule",
    "thing_group",  # which group a listing belongs to
    "circle_account",  # a group's, under the name of the group
    "account", "leg", "line", "op", "decision", "quarantine", "payment", "forward", "evidence", "evidence_told", "sync_kept",
    "feed", "feed_evidence", "identity_event", "identity_key", "identity_conflict", "meta", "peer", "recovered", "kept", "throttle",
    "received", "setting", "erasure", "joint_act", "reopening", "boot", "log_hash", "log_head", "log_witness", "witnessed",
    "checkpoint_seen", "standing_turn", "booking_slot", "picture_abroad", "listing_new", "trouble", "rehearsal",
}  # fmt: skip
ERASED_FROM = {
    "event", "guest", "event_comment",
    "circle", "circle_person", "circle_note", "circle_reply", "circle_treasurer", "thing_owner", "circle_giving", "proposal", "voter", "proposal_comment",
    "import_row", "import_run", "past_trade",
    "loan", "charge", "chest_gift",
    "entry", "trade", "promise", "handle", "member", "application", "act", "session", "pending_sign_in", "sign_in_link",
    "sign_in_place", "mail", "listing", "item", "search_doc", "thread", "message", "carried", "ask", "thanks", "complaint", "pay_code",
    "missing", "standing", "cheque_batch", "cheque_row", "paper_note", "wish", "booking", "booking_act", "appointment", "request", "pledge", "picture_told",
    "skill", "contact_line", "report", "saved_search", "search_hit", "mail_wish", "mail_news", "weekly_mail", "calendar_feed", "swap",
    "helper_check", "help_request", "help_answer", "token_act",
    "second_step", "spare_code", "pending_step", "passkey", "passkey_challenge", "password", "picture",
}  # fmt: skip


def test_every_table_was_thought_of() -> None:
    """Rule 3.1: a table that is new either holds nothing about members, or erasing reaches it."""
    assert set(load_all().tables) == NOBODYS | ERASED_FROM


async def test_what_only_a_keepers_copy_has_names_the_erased_no_more(tmp_path: Path) -> None:
    """Rules 3.1, 6.7 (g): the list of what is to be entered again holds names."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members

        def lose(tx: Tx) -> None:
            for who, other in ((ana, ben), (ben, ana), (ben, rosa)):
                tx.run(
                    insert(restore.missing), at_ms=1, kind="trade", made_ms=1, who=who.name, other=other.name,
                    text="bread", amount=1, reference=None,
                )  # fmt: skip

        await scheme.node.store.write(lose)
        await scheme.erase(ana, rosa, otto)
        left = await scheme.node.store.read(read_missing, 10)
        assert [(each.who, each.other) for each in left] == [(ben.name, rosa.name)]


async def test_two_organisers_erase_and_only_whoever_has_left(tmp_path: Path) -> None:
    """Rule 6.9: asked by one, done by another; not while somebody is a member; once."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        await scheme.trade(ana, ben, 60)
        joint, now_ms = scheme.node.joint_acts, scheme.clock.now_ms()
        with pytest.raises(CannotAct) as caught:
            await joint.ask_erase(rosa.acts("pin"), ana.no)
        assert caught.value.why is Why.CHANGED
        with pytest.raises(Unable) as unable:
            await scheme.node.parting.part(rosa.acts("pin"), ana.no)
        assert unable.value.why is Unable_why.NOT_EVEN
        assert (await scheme.node.store.read(load, ana.account_no)).value.closed is False

        await scheme.trade(ben, ana, 60)
        await scheme.node.parting.part(rosa.acts("pin"), ana.no, why="moved away")
        await joint.ask_erase(rosa.acts("pin"), ana.no)
        (asked,) = await scheme.node.store.read(asked_now, now_ms)
        with pytest.raises(CannotAct) as caught:
            await joint.confirm(rosa.acts("pin"), asked.no)
        assert caught.value.why is Why.ASKER
        left = await scheme.node.store.read(member_by_no, ana.no)
        assert left is not None
        assert (left.name, left.state) == (ana.name, State.LEFT)

        await joint.confirm(otto.acts("pin"), asked.no)

        erased = await scheme.node.store.read(read_erased, ana.no)
        assert erased is not None
        assert erased.entries == 4  # opened, twice moved, closed
        with pytest.raises(CannotAct):
            await joint.confirm(otto.acts("pin"), asked.no)
        with pytest.raises(CannotAct):
            await joint.ask_erase(rosa.acts("pin"), ana.no)


async def test_neighbours_are_told_to_drop_the_listings(tmp_path: Path) -> None:
    """Rule 5.4: a tombstone stands in the feed where a listing of the erased stood."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        await scheme.offer(ana)
        await scheme.offer(ben)
        await scheme.erase(ana, rosa, otto)

        def payloads(tx: ReadTx) -> list[bytes]:
            return [
                trusted_message(Item, wire).body.payload
                for _, wire in items_of_kind(tx, LISTING, scheme.clock.now_ms())
            ]

        live = [each for each in await scheme.node.store.read(payloads) if each]
        assert len(live) == 1
        assert sorted(scheme.words[ben.no])[0].encode() in live[0] or any(
            word.encode() in live[0] for word in scheme.words[ben.no]
        )


async def test_a_former_organiser_goes_from_what_was_done_for_others(tmp_path: Path) -> None:
    """Rule 3.5: whoever entered trades for others is named in their entries and on the record; these words go too."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, ben, *_ = scheme.members
        third = await scheme.join(Role.ORGANISER)
        await scheme.trade(ana, ben, 60)
        await scheme.correct(0, third)
        await scheme.limit(ana, third.acts("pin"))
        # The words that a former organiser wrote about others are theirs: not looked for.
        scheme.words[third.no] -= scheme.words[ana.no]
        salts = await scheme.salts()
        admin = await scheme.join(Role.ADMIN)
        await scheme.node.people.set_role(admin.acts("pin"), third.no, Role.MEMBER)

        await scheme.erase(third, rosa, otto)

        scheme.words[ana.no] = {f"qz{each}" for each in ()}
        scheme.words[ben.no] = set()
        await check_erased(scheme, [third], salts)
        assert all(act.by_name != third.name for act in await scheme.node.store.read(acts_for, ana.no))


async def test_the_database_is_written_anew_even_if_a_crash_came_between(tmp_path: Path) -> None:
    """Rule 3.1: that it is still to be done is noted with the erasure itself, and a job does it."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, *_ = scheme.members
        await scheme.write(ana, rosa)

        def wanted(tx: ReadTx) -> list[str]:
            return [key for key, _ in tx.all(meta.select()) if key == SCRUB_WANTED]

        await scheme.erase(ana, rosa, otto)
        assert await scheme.node.store.read(wanted) == [SCRUB_WANTED]
        await scheme.node.erasure.finish()
        assert await scheme.node.store.read(wanted) == []
        assert not any(word.encode() in scheme.files() for word in scheme.words[ana.no])


async def test_what_other_schemes_were_given_is_written_down(tmp_path: Path) -> None:
    """Docs 8.10: no erasure here takes back what left the scheme; it is listed."""
    async with open_scheme(tmp_path) as scheme:
        rosa, otto, ana, *_ = scheme.members
        other = scheme.node.scheme[:-1] + bytes([scheme.node.scheme[-1] ^ 1])
        await scheme.node.quotes.handle_of(other, ana.account_no)  # type: ignore[arg-type]  # an id
        await scheme.erase(ana, rosa, otto)
        erased = await scheme.node.store.read(read_erased, ana.no)
        assert erased is not None
        assert [tuple(each) for each in erased.outside] == [(other, 0, 0, True)]
        assert json.dumps(erased.entries)
        assert scheme.clock.now_ms() - erased.at_ms < DAY_MS
