"""Stolen and lost keys, in towns of whole nodes: trades go on, and neighbours take the new keys only. Rules 2.2, 2.3, 6.3; I18; T15, T16."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from crypto.keys import SigningKey
from node.clock import SeededChance
from node.keychange import ONLINE, renew, rotate
from node.keyfiles import Drawn, draw_keys
from node.services.acts import OPERATOR
from node.services.letters import Writing
from node.services.members import NewMember
from node.services.quotes import Offer
from node.services.settlement import Payment
from node.simulation.network import SimulatedNetwork
from node.simulation.town import Resident, Town
from node.simulation.virtual_loop import EPOCH_MS
from protocol import line as rules
from protocol.errors import Forked, NotAuthentic, ProtocolError
from protocol.feed import Head
from protocol.identity import advance, fold_log, make_delegate
from protocol.message import sign_message, trusted_message
from protocol.names import Handle
from protocol.quote import QuoteRequest
from tests.gossip_town import WIDE, build
from tests.node.services.test_evidence import evidence_store_head, line_of, lock
from tests.simulation import run_virtual

NAMES = ("Oakvale", "Hilltop", "Riverside")
EDGES = (("Oakvale", "Hilltop"), ("Hilltop", "Riverside"))


def in_town(scenario: Callable[[Town, Trading], Awaitable[None]]) -> None:
    async def begin(network: SimulatedNetwork) -> None:
        town = await build(network, NAMES, EDGES)
        trading = await Trading.begin(town)
        await scenario(town, trading)
        await at_rest(town)
        await town.close()

    run_virtual(begin)


class Trading:
    """Ana of Oakvale, who buys from Karim of Riverside through Hilltop."""

    def __init__(self, town: Town, ana: int, karim: int):
        self.town, self.ana, self.karim = town, ana, karim

    @classmethod
    async def begin(cls, town: Town) -> Trading:
        ana, karim = [
            (await town[name].node.people.add(OPERATOR, NewMember(name=who))).account_no
            for name, who in (("Oakvale", "Ana"), ("Riverside", "Karim"))
        ]
        oakvale, riverside = town["Oakvale"], town["Riverside"]

        async def heard() -> bool:
            return bool(oakvale.node.routes.candidates(riverside.scheme, 1))

        await town.until(heard, 3600, "gossip")
        return cls(town, ana, karim)

    async def pay(self) -> Payment:
        """Begin to pay."""
        return await self.lock(await self.offer())

    async def offer(self) -> Offer:
        """Return a firm price for jam."""
        oakvale, riverside = self.town["Oakvale"].node, self.town["Riverside"].node
        handle = await riverside.quotes.handle_of(oakvale.scheme, self.karim)
        request = QuoteRequest(
            listing=None, payee_handle=handle, payer_handle=Handle(bytes(16)), payer_name="Ana", amount=30,
            price_seen=None, text="jam",
        )  # fmt: skip
        offer = await oakvale.quotes.ask(riverside.scheme, request)
        assert isinstance(offer, Offer), offer
        return offer

    async def lock(self, offer: Offer) -> Payment:
        """Accept a price."""
        oakvale = self.town["Oakvale"].node
        once = oakvale.chance.bytes(16)
        return await oakvale.settlement.pay(offer, account_no=self.ana, entered_by="Ana", once=once)

    async def ended(self, payment: Payment) -> str:
        waited = await self.town["Oakvale"].node.settlement.wait(payment.no, 3600)
        assert waited.ended
        return waited.state.value


async def at_rest(town: Town) -> None:
    """Wait until nothing is under way; then every book must agree (I1, I8)."""
    await town.until(town.at_rest, 3600, "rest")
    for resident in town.residents:
        assert await resident.imbalance() == {}
        assert await resident.set_aside() == 0
        assert await resident.owed() == await resident.booked()


def secrets(town: Town, name: str) -> Drawn:
    """Return what the organisers of a scheme have on paper and under their passphrase."""
    return draw_keys(SeededChance(f"{town.seed} keys of {name}"), EPOCH_MS)


async def change(town: Town, name: str, *purposes: str, by_sheet: bool = False) -> None:
    """Stop a node, change its keys, and start it again."""
    resident, drawn, chance = town[name], secrets(town, name), SeededChance(f"change {name} {purposes}")
    if resident.is_up:
        await resident.stop()
    keys, root = resident.keys, drawn.root
    if by_sheet:
        rotated = rotate(keys, drawn.sheet, chance, EPOCH_MS + 1)
        keys, root = rotated.keys, rotated.root
    resident.keys = renew(keys, root, purposes, chance, EPOCH_MS + 2)
    await resident.boot()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("by_sheet", [False, True], ids=["revoke", "rotate"])
def test_trades_go_on_with_new_keys_and_old_ones_are_refused(name: str, by_sheet: bool) -> None:
    """Rules 2.2, 2.3, I18: every online key at once, also after a rotation by the sheet."""

    async def scenario(town: Town, trading: Trading) -> None:
        stolen = town[name].keys.keyring
        assert await trading.ended(await trading.pay()) == "paid"
        await change(town, name, *ONLINE, by_sheet=by_sheet)
        await asyncio.sleep(200)
        assert await trading.ended(await trading.pay()) == "paid"

        fresh = town[name].keys.keyring
        for other in town.residents:
            if other.name == name:
                continue
            directory = other.node.directory
            assert directory.log(fresh.scheme) == fresh.log, other.name
            for purpose, (seq, _) in stolen.signing.items():
                assert directory.key_for(fresh.scheme, purpose, seq) is None
            for purpose, (seq, key) in fresh.signing.items():
                assert directory.key_for(fresh.scheme, purpose, seq) == key.public
            # Nothing is evidence against a scheme that changed its keys.
            assert other.node.evidence.may_owe_more(fresh.scheme)
            head = await other.node.store.read(lambda tx: evidence_store_head(tx, town[name]))
            assert head.identity_seq == fresh.identity.seq, "whoever comes later can check it"

    in_town(scenario)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", EDGES, ids=" ".join)
@pytest.mark.parametrize("after_s", [0.0, 1.0], ids=["at once", "a second later"])
def test_a_payment_under_way_ends_on_all_sides(name: str, cut: tuple[str, str], after_s: float) -> None:
    """Rule 6.3: what nobody has acknowledged is signed again, with the same id; a key that counts no more ends no promise."""

    async def scenario(town: Town, trading: Trading) -> None:
        if after_s:
            cutting = asyncio.get_running_loop().call_later(0.3, town.network.cut, *cut)
            payment = await trading.pay()
        else:
            payment = await trading.pay()
            town.network.cut(*cut)
            cutting = None
        await asyncio.sleep(after_s)
        if cutting is not None:
            cutting.cancel()
        town.network.cut(*cut)
        await change(town, name, *ONLINE)
        await asyncio.sleep(5)
        town.network.mend(*cut)
        assert await trading.ended(payment) in ("paid", "failed")
        await at_rest(town)
        await asyncio.sleep(200)  # schemes further off hear of new keys by gossip
        assert await trading.ended(await trading.pay()) == "paid"

    in_town(scenario)


def test_a_price_given_under_an_ended_receipt_key_is_released_and_harms_no_line() -> None:
    """Rule 6.3: a receipt of the new key does not open the lock, and a claim with it would be an invalid op."""

    async def scenario(town: Town, trading: Trading) -> None:
        offer = await trading.offer()
        await change(town, "Riverside", "receipt")
        await town.until(town.all_usable, 60, "lines")
        assert await trading.ended(await trading.lock(offer)) == "failed"
        assert await town.all_usable()
        assert town["Hilltop"].node.evidence.may_owe_more(town["Riverside"].scheme)
        await asyncio.sleep(200)
        assert await trading.ended(await trading.pay()) == "paid"

    in_town(scenario)


def test_an_op_nobody_acknowledged_is_signed_again_and_stays_the_same() -> None:
    """Rule 6.3: same body, same id; and by the stolen key alone it dies."""

    async def scenario(town: Town, _trading: Trading) -> None:
        oakvale, hilltop = town["Oakvale"], town["Hilltop"]
        stolen = oakvale.keys.keyring
        town.network.cut("Oakvale", "Hilltop")
        await oakvale.node.lines.set_limit(hilltop.scheme, WIDE, None)
        mine = (await line_of(oakvale, hilltop)).state
        await change(town, "Oakvale", "line")
        town.network.mend("Oakvale", "Hilltop")
        await town.until(town.at_rest, 600, "rest")
        assert (await line_of(hilltop, oakvale)).state.peer_id == mine.own_id

        # The thief goes on with the old key, over a session of its own.
        body, _ = rules.author((await line_of(oakvale, hilltop)).state, lock(1, "stolen"), 0)
        op = stolen.sign("line", body)
        session = oakvale.node.links.live[hilltop.scheme]
        from protocol.frame import FrameType

        session.offer(FrameType.OPS, (body.line, (op.wire,)))
        await asyncio.sleep(5)
        line = await line_of(hilltop, oakvale)
        assert line.state.peer_length == mine.own_length
        assert line.usable

    in_town(scenario)


def test_ops_that_a_restored_neighbour_lost_are_signed_again() -> None:
    """Rules 6.3, 6.7 (b): also what it had acknowledged before the key was revoked, and returned among ops of its own."""

    async def scenario(town: Town, trading: Trading) -> None:
        riverside = town["Riverside"]
        old = riverside.snapshot()
        assert await trading.ended(await trading.pay()) == "paid"
        await change(town, "Hilltop", "line")
        await town.until(town.all_usable, 600, "lines")
        await riverside.stop()
        await riverside.restore(old)
        await riverside.boot()
        await town.until(town.all_usable, 600, "lines")
        assert await trading.ended(await trading.pay()) == "paid"

    in_town(scenario)


def test_a_late_branch_by_the_old_root_changes_nothing() -> None:
    """I18, T16: after a rotation the old root writes no events, neither further ones nor another past."""

    async def scenario(town: Town, _trading: Trading) -> None:
        thief, hilltop = secrets(town, "Oakvale").root, town["Hilltop"]
        old = town["Oakvale"].keys.keyring
        await change(town, "Oakvale", "line", by_sheet=True)
        await asyncio.sleep(60)
        known = hilltop.node.directory.log(old.scheme)
        now = fold_log(known)

        branch = make_delegate(old.identity, thief, "line", SigningKey(b"t" * 32), EPOCH_MS)
        with pytest.raises(Forked):
            await hilltop.node.directory.learn([branch.wire])
        longer = make_delegate(
            advance(old.identity, branch.wire), thief, "feed", SigningKey(b"u" * 32), EPOCH_MS
        )
        with pytest.raises(ProtocolError):
            await hilltop.node.directory.learn([longer.wire])
        body = trusted_message(type(branch.body), branch.wire).body
        on_top = type(body)(scheme=old.scheme, seq=now.seq + 1, prev=now.head, time=0, event=body.event)
        with pytest.raises(NotAuthentic):
            await hilltop.node.directory.learn([sign_message(on_top, thief, 0).wire])

        state = hilltop.node.directory.state(old.scheme)
        assert state is not None
        assert (hilltop.node.directory.log(old.scheme), state.frozen) == (known, False)
        assert state.key_for("line", branch.body.seq) != SigningKey(b"t" * 32).public

    in_town(scenario)


def test_a_letter_under_way_is_signed_again() -> None:
    """Rules 2.2, 7.7: the neighbour that carries it drops what nobody would take, and gets it anew."""

    async def scenario(town: Town, trading: Trading) -> None:
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        handle = await riverside.node.quotes.handle_of(oakvale.scheme, trading.karim)
        await riverside.stop()
        await oakvale.node.letters.write(
            Writing(
                account_no=trading.ana, name="Ana", scheme=riverside.scheme, to_handle=handle, text="still?"
            )
        )
        await asyncio.sleep(30)
        await change(town, "Oakvale", "session")
        await asyncio.sleep(60)
        await riverside.boot()

        async def arrived() -> bool:
            return await count_messages(riverside) == 1

        await town.until(arrived, 3600, "the letter")
        await asyncio.sleep(3600)
        assert await count_messages(riverside) == 1

    in_town(scenario)


async def count_messages(resident: Resident) -> int:
    from sqlalchemy import func, select

    from node.store.schema.letters import message

    count = select(func.count()).select_from(message).where(message.c.mine.is_(False))
    return int(await resident.node.store.read(lambda tx: tx.scalar(count)))


def test_a_head_names_the_keys_it_is_signed_by() -> None:
    """Rule 5.3."""

    async def scenario(town: Town, _trading: Trading) -> None:
        await change(town, "Riverside", "feed")
        await asyncio.sleep(30)
        head: Head = await town["Riverside"].node.store.read(
            lambda tx: evidence_store_head(tx, town["Riverside"])
        )
        assert head.identity_seq == town["Riverside"].keys.keyring.identity.seq

    in_town(scenario)
