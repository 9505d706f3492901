"""Requests about listings across schemes, on whole nodes in virtual time: lost, doubled, late and hostile letters. Rule 7.10."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from node.services import threads
from node.services.gift_rows import Pickup, Wish, gift_in, wishes_for
from node.services.gift_words import CannotGive
from node.services.members import Member, member_by_no
from node.services.request_rows import Request, newest_requests, request_for
from node.services.requests_abroad import CannotRequest, NewRequest, Why
from node.simulation.network import SimulatedNetwork, Weather
from node.simulation.town import Resident, Town
from protocol.beyond import Seen, Stands, Wants
from protocol.entry import ListingRef
from protocol.giving import GiftState, WishState
from protocol.letter import (
    DELIVERED,
    LISTING_ANSWER,
    LISTING_REQUEST,
    NOBODY,
    NOT_UNDERSTOOD,
    TOO_MANY,
    LetterAck,
    LetterText,
    RequestText,
    make_letter,
)
from protocol.limits import DAY_MS, REQUESTS_OPEN_MAX
from protocol.market import AskingPrice
from protocol.message import trusted_message
from protocol.names import Handle, ItemKey, SchemeId
from tests.gossip_town import build, converged, listing, pause, until
from tests.node.services.test_market import member
from tests.simulation import run_virtual

FREE = AskingPrice(amount=0, per="free")


async def new_member(resident: Resident, name: str) -> Member:
    found = await resident.node.store.read(member_by_no, await member(resident, name))
    assert found is not None
    return found


@dataclass
class Giving:
    """Ana of Oakvale, and Karim of Riverside with something to give away; Ben and Eve live there too."""

    town: Town
    ana: Member
    karim: Member
    ben: Member
    eve: Member
    key: ItemKey
    letters: int = 0

    @property
    def oakvale(self) -> Resident:
        return self.town["Oakvale"]

    @property
    def riverside(self) -> Resident:
        return self.town["Riverside"]

    async def ask(self, wanted: str = "") -> Request:
        new = NewRequest(
            scheme=self.riverside.scheme, key=self.key, kind="gift", title="Sofa", owner_name="Karim", wanted=wanted
        )  # fmt: skip
        return await self.oakvale.node.requests.ask(self.ana, new)

    async def act(self, wants: Wants) -> Request:
        return await self.oakvale.node.requests.act(self.ana, (await self.mine()).no, wants)

    async def mine(self) -> Request:
        found = await self.oakvale.node.store.read(
            request_for, self.ana.account_no, self.riverside.scheme, self.key
        )
        assert found is not None
        return found

    async def seen(self) -> Stands | Seen:
        return (await self.mine()).mirror.seen

    async def wishes(self) -> list[Wish]:
        return await self.riverside.node.store.read(wishes_for, self.key)

    async def until_seen(self, wanted: Stands, within_s: float = 7200) -> None:
        async def so() -> bool:
            return await self.seen() is wanted

        await until(self.town, so, within_s, wanted.value)

    async def letter(self, text: LetterText, sender: str = "Oakvale") -> str:
        """Hand Riverside a letter as `sender` would sign it; return what it answers."""
        node, there = self.town[sender].node, self.riverside.node
        seal_key = node.directory.seal_key(there.scheme)
        assert seal_key is not None
        self.letters += 1
        made = make_letter(
            text, sender=node.scheme, recipient=there.scheme, letter=self.letters.to_bytes(16, "big"),
            expires=node.clock.now_ms() + DAY_MS, recipient_key=seal_key[1], ephemeral=b"e" * 32,
        )  # fmt: skip
        ack = await there.store.write(there.letters._receive, node.keyring.sign("session", made))
        return trusted_message(LetterAck, ack).body.answer

    def text(self, **given: object) -> RequestText:
        usual: dict[str, object] = {
            "thread": b"t" * 16, "kind": LISTING_REQUEST, "from_handle": Handle(b"h" * 16), "from_name": "Zoe",
            "to_handle": None, "listing": ListingRef(scheme=self.riverside.scheme, key=self.key), "amount": None,
            "until": None, "reference": b"r" * 16, "text": "I would like this\nplease", "turn": 1, "heard": 0,
            "word": "ask", "places": 0, "start": None, "end": None,
        }  # fmt: skip
        return RequestText(**{**usual, **given})  # type: ignore[arg-type]  # what a test says


def giving(act: Callable[[Giving], Awaitable[None]], weather: Weather | None = None, seed: int = 0) -> None:
    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale", "Riverside"], [("Oakvale", "Riverside")])
        ana = await new_member(town["Oakvale"], "Ana")
        karim, ben, eve = [await new_member(town["Riverside"], name) for name in ("Karim", "Ben", "Eve")]
        sofa = listing("Sofa", kind="gift", category="home", price=FREE)
        owned = await town["Riverside"].node.market.post(karim.no, sofa)
        await until(town, lambda: converged(town), 600, "feeds")
        await act(Giving(town, ana, karim, ben, eve, owned.listing.key))
        await town.close()

    run_virtual(scenario, seed, weather or Weather())


@pytest.mark.parametrize("seed", range(2))
def test_a_gift_goes_to_a_neighbours_member_through_foul_weather_and_crashes(seed: int) -> None:
    async def act(it: Giving) -> None:
        await it.ask("On Saturday")
        await it.riverside.crash()
        await pause(30)
        await it.riverside.boot()
        await it.until_seen(Stands.WAITING)
        wish = (await it.wishes())[0]
        assert (wish.wanted, wish.their_name, wish.taker_no) == ("On Saturday", "Ana", None)
        await it.riverside.node.gifts.promise(it.karim, it.key, wish.no, Pickup(said="Ring twice"))
        await it.oakvale.crash()
        await it.oakvale.boot()
        await it.until_seen(Stands.AGREED)
        assert (await it.mine()).said == "Ring twice"
        await it.act(Wants.HAS_IT)
        await it.until_seen(Stands.DONE)
        assert [each.state for each in await it.wishes()] == [WishState.RECEIVED]
        with pytest.raises(CannotRequest):
            await it.act(Wants.TAKE_BACK)

    giving(act, Weather(loss=0.05, duplicate=0.1, reorder=0.1), seed)


def test_letters_in_any_order_and_doubled_leave_what_the_newest_says() -> None:
    """The asker's register: asked, taken back, asked again; whatever comes when, one wish stands as the newest word says."""

    async def act(it: Giving) -> None:
        said = [(1, "ask"), (2, "take-back"), (2, "take-back")]
        for number, order in enumerate(itertools.permutations(said)):
            name = bytes([number]) * 16
            for turn, word in (*order, order[0]):
                text = it.text(reference=name, turn=turn, word=word, thread=name, from_handle=Handle(name))
                assert await it.letter(text) == DELIVERED
        assert [each.state for each in await it.wishes() if each.open] == []
        for name in (b"x" * 16, b"y" * 16):
            for turn in (1, 2, 1, 3):
                await it.letter(it.text(reference=name, turn=turn, thread=name, from_handle=Handle(name)))
        assert len([each for each in await it.wishes() if each.open]) == 2, "one for each who asked"

    giving(act)


def test_what_is_not_asked_rightly_changes_nothing() -> None:
    """Forged, misdirected and hostile letters: of another scheme's request, of another member's listing, of none."""

    async def act(it: Giving) -> None:
        there = it.riverside.node
        assert await it.letter(it.text()) == DELIVERED
        eves = await there.store.write(
            lambda tx: it.riverside.node.letters._handle_in(tx, it.oakvale.scheme, it.eve.account_no)
        )
        nowhere = ListingRef(scheme=it.riverside.scheme, key=b"0" * 16)
        assert await it.letter(it.text(reference=b"1" * 16, to_handle=eves)) == NOBODY, "the sofa is Karim's"
        assert await it.letter(it.text(reference=b"2" * 16, listing=nowhere)) == NOBODY
        assert await it.letter(it.text(reference=b"3" * 16, text="line\n" + "x" * 281)) == NOT_UNDERSTOOD
        assert await it.letter(it.text(reference=b"4" * 16, text="line\na\u202eb")) == NOT_UNDERSTOOD
        # Somebody else at Oakvale takes Zoe's wish back, under her request's name: it is in another conversation.
        other = it.text(turn=9, word="take-back", thread=b"o" * 16, from_handle=Handle(b"o" * 16))
        assert await it.letter(other) == DELIVERED
        assert await it.letter(it.text(turn=9, word="take-back", from_handle=Handle(b"o" * 16))) == NOBODY
        assert [each.state for each in await it.wishes()] == [WishState.WAITING]
        # It was not promised, so saying that one has it gives nothing away.
        await it.letter(it.text(turn=3, word="has-it"))
        assert (await there.store.read(gift_in, it.key)).state is GiftState.FREE

        jam = await there.market.post(it.karim.no, listing("Jam"))
        offer = ListingRef(scheme=it.riverside.scheme, key=jam.listing.key)
        assert await it.letter(it.text(reference=b"5" * 16, listing=offer)) == NOT_UNDERSTOOD
        secret = await there.market.post(it.karim.no, listing("Stool", kind="gift", price=FREE), shared=False)
        hidden = ListingRef(scheme=it.riverside.scheme, key=secret.listing.key)
        assert await it.letter(it.text(reference=b"6" * 16, listing=hidden)) == DELIVERED
        assert await there.store.read(wishes_for, secret.listing.key) == [], (
            "what is not shared is not asked for"
        )

    giving(act)


def test_answers_count_once_from_whoever_was_asked_and_in_their_order() -> None:
    async def act(it: Giving) -> None:
        await it.ask()
        await it.until_seen(Stands.WAITING)
        mine, node = await it.mine(), it.oakvale.node
        thread = await node.store.read(threads.thread_by_no, mine.thread_no)
        answer = it.text(
            kind=LISTING_ANSWER, word="agreed", thread=thread.id, reference=mine.id, turn=mine.their_turn + 10, heard=mine.my_turn
        )  # fmt: skip
        stranger = replace(thread, no=thread.no + 7)
        for wrong, where in (
            (answer, stranger),  # said in another conversation
            (replace(answer, reference=b"?" * 16), thread),
            (replace(answer, turn=mine.their_turn), thread),  # a copy
            (replace(answer, turn=1), thread),  # overtaken
        ):
            await node.store.write(node.requests.takes, where, wrong)
            assert await it.seen() is Stands.WAITING
        for good, seen in (
            (replace(answer, heard=mine.my_turn + 1), Stands.AGREED),  # of what an old copy has forgotten
            (replace(answer, word="waiting", turn=answer.turn - 1), Stands.AGREED),
            (replace(answer, word="ended", turn=answer.turn + 1), Stands.ENDED),
            (replace(answer, turn=answer.turn + 2), Stands.ENDED),
        ):
            await node.store.write(node.requests.takes, thread, good)
            assert await it.seen() is seen

    giving(act)


def test_one_here_and_one_abroad_want_the_same_and_one_has_it() -> None:
    async def act(it: Giving) -> None:
        await it.riverside.node.gifts.wish(it.ben, it.key, "")
        await it.ask()
        await it.until_seen(Stands.WAITING)
        bens, anas = await it.wishes()
        gifts = it.riverside.node.gifts
        await gifts.promise(it.karim, it.key, bens.no, Pickup())
        with pytest.raises(CannotGive):
            await gifts.promise(it.karim, it.key, anas.no, Pickup())
        await gifts.collected(it.karim, it.key)
        await it.until_seen(Stands.ENDED)
        assert [each.state for each in await it.wishes()] == [WishState.RECEIVED, WishState.PASSED]

    giving(act)


def test_nobody_asks_for_more_than_there_may_be_and_the_blocked_are_not_heard() -> None:
    async def act(it: Giving) -> None:
        await it.ask()
        same = await it.ask()
        await it.until_seen(Stands.WAITING)
        assert len(await it.oakvale.node.store.read(newest_requests, it.ana.account_no)) == 1
        assert same.my_turn == (await it.mine()).my_turn, "pressed twice, said once"
        for number in range(REQUESTS_OPEN_MAX):
            assert await it.letter(it.text(reference=number.to_bytes(16, "big"))) == DELIVERED
        assert await it.letter(it.text(reference=b"m" * 16)) == TOO_MANY
        assert len(await it.wishes()) == 2, "Ana's, and one of whoever asked twenty times"
        zoes = await it.riverside.node.store.read(
            threads.thread_by_id, b"t" * 16, it.oakvale.scheme, it.karim.account_no
        )
        assert zoes is not None
        await it.riverside.node.store.write(threads.block, zoes.no, it.karim.account_no, True)
        before = await it.wishes()
        assert await it.letter(it.text(reference=bytes(16), turn=5, word="take-back")) == DELIVERED
        assert await it.wishes() == before
        with pytest.raises(CannotRequest) as caught:
            await it.oakvale.node.requests.ask(
                it.ana,
                NewRequest(scheme=SchemeId(bytes(32)), key=it.key, kind="gift", title="Sofa", owner_name=""),
            )
        assert caught.value.why is Why.UNREACHABLE

    giving(act)
