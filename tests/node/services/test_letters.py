"""Messages within a scheme and letters between schemes, on whole nodes in virtual time. Rule 7.7."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from node.services import threads
from node.services.letter_carrier import CARRIED_OF_ONE_BYTES
from node.services.letters import CannotWrite, Writing
from node.services.members import member_by_no
from node.services.threads import Message
from node.simulation.network import SimulatedNetwork, Weather
from node.simulation.town import Resident, Town
from node.store import ReadTx
from node.store.schema import letters as schema
from protocol.letter import (
    DELIVERED,
    EXPIRED,
    MESSAGE,
    NOBODY,
    NOT_UNDERSTOOD,
    PAYMENT_REQUEST,
    TOO_MANY,
    Letter,
    LetterText,
    Sum,
    make_letter,
)
from protocol.limits import DAY_MS, LETTER_NEW_THREADS_A_DAY
from protocol.message import trusted_message
from protocol.names import Handle, ItemKey
from tests.gossip_town import build, converged, listing, pause, until
from tests.node.services.test_market import member
from tests.simulation import run_virtual
from tests.small_town import chain

THREE = ["Oakvale", "Hilltop", "Riverside"]


async def account(resident: Resident, name: str) -> int:
    no = await member(resident, name)
    found = await resident.node.store.read(member_by_no, no)
    assert found is not None
    return found.account_no


async def messages(resident: Resident, account_no: int | None) -> list[Message]:
    """Return every message of an account, conversation by conversation."""

    def query(tx: ReadTx) -> list[Message]:
        found, _ = threads.threads_of(tx, account_no)
        return [message for thread, _ in found for message in threads.messages_of(tx, thread.no)]

    return await resident.node.store.read(query)


async def one_thread(resident: Resident, account_no: int | None) -> threads.Thread:
    found, total = await resident.node.store.read(threads.threads_of, account_no)
    assert total == len(found) == 1
    return found[0][0]


async def delivered(resident: Resident, account_no: int) -> bool:
    return all(each.state == DELIVERED for each in await messages(resident, account_no) if each.mine)


async def three_towns(network: SimulatedNetwork) -> tuple[Town, int, int, ItemKey]:
    """Return a chain of three, Ana of Oakvale, Karim of Riverside, and Karim's listing."""
    town = await build(network, THREE, chain(*THREE))
    ana, karim_no = await account(town["Oakvale"], "Ana"), await member(town["Riverside"], "Karim")
    found = await town["Riverside"].node.store.read(member_by_no, karim_no)
    assert found is not None
    owned = await town["Riverside"].node.market.post(karim_no, listing("Plum jam"))
    await until(town, lambda: converged(town), 600, "feeds")
    await pause(2)
    return town, ana, found.account_no, owned.listing.key


def to_listing(town: Town, ana: int, key: ItemKey, text: str = "Is there any left?") -> Writing:
    riverside = town["Riverside"].scheme
    return Writing(account_no=ana, name="Ana", scheme=riverside, listing=(riverside, key), text=text)


def test_two_members_of_one_scheme_write_without_any_network() -> None:
    async def scenario(network: SimulatedNetwork) -> None:
        town = await build(network, ["Oakvale"], ())
        oakvale = town["Oakvale"]
        ana, ben = await account(oakvale, "Ana"), await account(oakvale, "Ben")
        letters, own = oakvale.node.letters, oakvale.scheme
        no = await letters.write(
            Writing(account_no=ana, name="Ana", scheme=own, to_account=ben, text="Hello")
        )
        theirs = await one_thread(oakvale, ben)
        assert (theirs.unread, theirs.their_account, theirs.their_name) == (1, ana, "Ana")
        await letters.reply(theirs.no, Writing(account_no=ben, name="Ben", scheme=own, text="Hello yourself"))
        said = await messages(oakvale, ana)
        assert [(each.mine, each.text) for each in said] == [(True, "Hello"), (False, "Hello yourself")]
        await oakvale.node.store.write(threads.mark_read, no, ana)
        assert await oakvale.node.store.read(threads.unread_of, ana) == 0
        with pytest.raises(LookupError):
            await oakvale.node.store.write(threads.mark_read, no, ben)
        with pytest.raises(CannotWrite):
            await letters.reply(no, Writing(account_no=ben, name="Ben", scheme=own, text="Not mine"))
        with pytest.raises(CannotWrite):
            await letters.write(Writing(account_no=ana, name="Ana", scheme=own, to_account=ana, text="Me"))
        await town.close()

    run_virtual(scenario)


def test_a_letter_about_a_listing_goes_over_two_hops_and_is_answered() -> None:
    """Rule 7.7: to whoever placed the listing; the answer comes to the handle."""

    async def scenario(network: SimulatedNetwork) -> None:
        town, ana, karim, key = await three_towns(network)
        await town["Oakvale"].node.letters.write(to_listing(town, ana, key))
        await until(town, lambda: delivered(town["Oakvale"], ana), 30, "delivery")
        theirs = await one_thread(town["Riverside"], karim)
        assert theirs.listing == (town["Riverside"].scheme, key)
        assert theirs.their_name == "Ana"
        reply = Writing(account_no=karim, name="Karim", scheme=town["Oakvale"].scheme, text="Two jars.")
        await town["Riverside"].node.letters.reply(theirs.no, reply)
        await until(town, lambda: delivered(town["Riverside"], karim), 30, "the answer")
        said = await messages(town["Oakvale"], ana)
        assert [(each.mine, each.author, each.text) for each in said] == [
            (True, "Ana", "Is there any left?"),
            (False, "Karim", "Two jars."),
        ]
        mine = await one_thread(town["Oakvale"], ana)
        assert mine.their_name == "Karim"
        assert mine.their_handle is not None
        await town.close()

    run_virtual(scenario)


@pytest.mark.parametrize("seed", range(3))
def test_a_letter_is_delivered_once_with_the_node_between_down_and_the_weather_foul(seed: int) -> None:
    """Rule 7.7: store and forward; a letter that comes again is answered and not shown again."""

    async def scenario(network: SimulatedNetwork) -> None:
        town, ana, karim, key = await three_towns(network)
        await town["Hilltop"].crash()
        await pause(60)
        for number in range(3):
            await town["Oakvale"].node.letters.write(to_listing(town, ana, key, f"Question {number}"))
        await pause(120)
        assert await messages(town["Riverside"], karim) == []
        await town["Hilltop"].boot()
        await until(town, lambda: delivered(town["Oakvale"], ana), 7200, "delivery")
        await pause(1800)
        texts = sorted(each.text for each in await messages(town["Riverside"], karim))
        assert texts == ["Question 0", "Question 1", "Question 2"]
        assert await _rows(town["Oakvale"]) == 0, "nothing is carried any more"
        await town.close()

    run_virtual(scenario, seed, Weather(loss=0.05, duplicate=0.1, reorder=0.1))


def test_a_letter_waits_at_the_relay_for_a_recipient_that_is_down() -> None:
    """Rule 7.7: and the relay remembers it through its own restart."""

    async def scenario(network: SimulatedNetwork) -> None:
        town, ana, karim, key = await three_towns(network)
        await town["Riverside"].stop()
        await town["Oakvale"].node.letters.write(to_listing(town, ana, key))
        await pause(30)
        await town["Oakvale"].stop()
        assert await _rows(town["Hilltop"]) == 1
        await town["Hilltop"].crash()
        await town["Hilltop"].boot()
        await town["Riverside"].boot()
        await pause(300)
        assert len(await messages(town["Riverside"], karim)) == 1
        await town["Oakvale"].boot()
        await until(town, lambda: delivered(town["Oakvale"], ana), 1800, "the answer, kept for the sender")
        await town.close()

    run_virtual(scenario)


def test_what_becomes_of_letters_that_find_nobody() -> None:
    """Rule 7.7: nobody, not understood, too many; and no word about why a handle is unknown."""

    async def scenario(network: SimulatedNetwork) -> None:
        town, ana, _karim, _key = await three_towns(network)
        oakvale, riverside = town["Oakvale"], town["Riverside"].scheme

        async def answer(**given: object) -> str:
            writing = Writing(account_no=ana, name="Ana", scheme=riverside, text="Hello", **given)  # type: ignore[arg-type]  # a test's shorthand
            no = await oakvale.node.letters.write(writing)
            await pause(10)
            return (await oakvale.node.store.read(threads.messages_of, no))[-1].state

        assert await answer(to_handle=Handle(b"x" * 16)) == NOBODY
        assert await answer(listing=(riverside, ItemKey(bytes(16)))) == NOBODY
        assert await answer(kind="serenade") == NOT_UNDERSTOOD
        assert await answer() == DELIVERED, "to the desk"
        assert [each.text for each in await messages(town["Riverside"], None)] == ["Hello"]
        asked = Sum(scheme=oakvale.scheme, amount=60)
        assert await answer(kind=PAYMENT_REQUEST, amount=asked) == DELIVERED
        assert (await messages(town["Riverside"], None))[0].amount == asked
        with pytest.raises(CannotWrite, match="too-many"):
            await answer()
        await town.close()

    run_virtual(scenario)


def test_a_scheme_that_does_not_limit_its_members_is_limited_by_the_reader() -> None:
    """Rule 7.7: five new conversations a day from one person, whatever their own node lets them do."""

    async def scenario(network: SimulatedNetwork) -> None:
        town, ana, karim, key = await three_towns(network)
        oakvale = town["Oakvale"]
        for number in range(LETTER_NEW_THREADS_A_DAY):
            await oakvale.node.letters.write(to_listing(town, ana, key, f"Question {number}"))
        await pause(30)
        await oakvale.node.store.write(lambda tx: tx.run(update(schema.thread).values(created_ms=0)))
        await oakvale.node.letters.write(to_listing(town, ana, key, "One more"))
        await pause(30)
        states = {each.text: each.state for each in await messages(oakvale, ana)}
        assert states.pop("One more") == TOO_MANY
        assert set(states.values()) == {DELIVERED}
        assert len(await messages(town["Riverside"], karim)) == LETTER_NEW_THREADS_A_DAY
        await town.close()

    run_virtual(scenario)


def test_a_blocked_writer_is_not_told_and_not_shown() -> None:
    """Rule 7.7: blocking happens at the reader's home."""

    async def scenario(network: SimulatedNetwork) -> None:
        town, ana, karim, key = await three_towns(network)
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        no = await oakvale.node.letters.write(to_listing(town, ana, key))
        await pause(10)
        theirs = await one_thread(riverside, karim)
        await riverside.node.store.write(threads.block, theirs.no, karim, True)
        more = Writing(account_no=ana, name="Ana", scheme=riverside.scheme, text="Answer me!")
        await oakvale.node.letters.reply(no, more)
        await pause(10)
        assert await delivered(oakvale, ana)
        assert [each.text for each in await messages(riverside, karim)] == ["Is there any left?"]
        await town.close()

    run_virtual(scenario)


def test_a_letter_nobody_took_in_two_weeks_is_given_up() -> None:
    async def scenario(network: SimulatedNetwork) -> None:
        town, ana, _karim, key = await three_towns(network)
        await town["Hilltop"].stop()
        await town["Oakvale"].node.letters.write(to_listing(town, ana, key))
        await pause(60)
        assert [each.state for each in await messages(town["Oakvale"], ana)] == [threads.WAITING]
        town["Oakvale"].node.clock.skew_ms += 15 * DAY_MS
        await pause(60)
        assert [each.state for each in await messages(town["Oakvale"], ana)] == [EXPIRED]
        assert await _rows(town["Oakvale"]) == 0
        await town.close()

    run_virtual(scenario)


def test_a_letter_number_seen_on_the_way_takes_no_letters_place() -> None:
    """Rule 7.7: Hilltop carries Ana's letter, and writes one with its number first; hers arrives, once."""

    async def scenario(network: SimulatedNetwork) -> None:
        town, ana, karim, key = await three_towns(network)
        hilltop, riverside = town["Hilltop"].node, town["Riverside"].node
        await town["Riverside"].stop()
        await town["Oakvale"].node.letters.write(to_listing(town, ana, key))
        await pause(30)
        await town["Riverside"].boot()
        riverside = town["Riverside"].node
        wire = await hilltop.store.read(lambda tx: tx.scalar(select(schema.carried.c.wire)))
        letter = trusted_message(Letter, wire).body
        seal_key = hilltop.directory.seal_key(riverside.scheme)
        assert seal_key is not None
        text = LetterText(
            thread=b"h" * 16, kind=MESSAGE, from_handle=Handle(b"h" * 16), from_name="Eve", to_handle=None, listing=None,
            amount=None, until=None, reference=None, text="Mine",
        )  # fmt: skip
        rival = make_letter(
            text, sender=hilltop.scheme, recipient=riverside.scheme, letter=letter.letter, expires=letter.expires,
            recipient_key=seal_key[1], ephemeral=b"e" * 32,
        )  # fmt: skip
        await riverside.store.write(riverside.letters._receive, hilltop.keyring.sign("session", rival))
        await until(town, lambda: delivered(town["Oakvale"], ana), 1800, "her letter")
        for _ in range(2):  # the answer was lost, and it is handed over again
            await riverside.store.write(riverside.letters._receive, trusted_message(Letter, wire))
        assert [each.text for each in await messages(town["Riverside"], karim)] == ["Is there any left?"]
        assert [each.text for each in await messages(town["Riverside"], None)] == ["Mine"]
        await town.close()

    run_virtual(scenario)


def test_who_only_dials_out_sends_and_receives_everything() -> None:
    """Rules 7.7, 9.1: Oakvale lies behind a router and nobody can call it."""

    async def scenario(network: SimulatedNetwork) -> None:
        network.hide("Oakvale")
        town, ana, karim, key = await three_towns(network)
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        no = await oakvale.node.letters.write(to_listing(town, ana, key))
        await until(town, lambda: delivered(oakvale, ana), 600, "the way out")

        # While it is switched off, what is written to it waits; then it dials, and gets it.
        await oakvale.stop()
        theirs = await one_thread(riverside, karim)
        answer = Writing(account_no=karim, name="Karim", scheme=oakvale.scheme, text="Two jars.")
        await riverside.node.letters.reply(theirs.no, answer)
        await pause(600)
        assert not await delivered(riverside, karim)
        await oakvale.boot()
        await until(town, lambda: delivered(riverside, karim), 600, "the way in")
        await pause(1800)
        assert [each.text for each in await oakvale.node.store.read(threads.messages_of, no)] == [
            "Is there any left?", "Two jars.",
        ]  # fmt: skip
        assert oakvale.scheme in town["Hilltop"].node.links.live

        # Feeds and lines go over the same session.
        await until(town, lambda: converged(town), 600, "feeds")
        assert await town.all_usable()
        await town.close()

    run_virtual(scenario)


def test_a_neighbour_fills_only_its_own_share_of_what_is_carried() -> None:
    """Rule 5.6 for letters: byte caps for each neighbour."""

    async def scenario(network: SimulatedNetwork) -> None:
        town, ana, _karim, key = await three_towns(network)
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        await town["Riverside"].stop()
        no = await oakvale.node.letters.write(to_listing(town, ana, key))
        for _ in range(CARRIED_OF_ONE_BYTES // 8_000 + 10):
            more = Writing(account_no=ana, name="Ana", scheme=town["Riverside"].scheme, text="x" * 8_000)
            await oakvale.node.letters.reply(no, more)
        await pause(600)
        carried = await _rows(hilltop)
        assert 100 < carried * 8_000 / 1000 < CARRIED_OF_ONE_BYTES / 1000
        assert await _rows(oakvale) == CARRIED_OF_ONE_BYTES // 8_000 + 11, "the rest waits at home"
        await town.close()

    run_virtual(scenario)


async def _rows(resident: Resident) -> int:
    statement = select(func.count()).select_from(schema.carried).where(schema.carried.c.ack.is_(None))

    def query(tx: ReadTx) -> int:
        return int(tx.scalar(statement))

    return await resident.node.store.read(query)
