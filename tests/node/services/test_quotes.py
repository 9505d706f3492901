"""Prices asked along the route: what comes back, what is refused, what nobody on the way can change. Rule 7.1."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from crypto.sealing import SEALING_KEY_BYTES, Box, open_box, seal_answer
from crypto.signing import Signed
from node.clock import SeededChance
from node.federation.dispatch import NoAnswer
from node.services import promises
from node.services.lock_notes import ReadyNote
from node.services.promises import Payee
from node.services.quotes import NoOffer, Offer
from node.simulation.network import SimulatedNetwork
from protocol.frame import FrameType
from protocol.limits import HOUR_MS, QUOTE_KEPT_MS, QUOTE_VALID_MS
from protocol.line_ops import MODE_NORMAL, Limit, Lock
from protocol.message import encode_message, sign_message
from protocol.names import Handle, ItemKey, QuoteId
from protocol.payment import PayerState
from protocol.quote import (
    Acceptance,
    Offered,
    Quote,
    QuoteAnswer,
    QuoteAsk,
    QuoteReply,
    QuoteRequest,
    Refused,
    binding,
)
from protocol.units import HOUR, Rate
from tests.simulation import run_virtual
from tests.small_town import WIDE, SmallTown, chain

NAMES = ["Oakvale", "Hilltop", "Riverside"]
LISTING = ItemKey(b"L" * 16)


def in_row(scenario: Callable[[SmallTown], Awaitable[None]], *, limit: Limit = WIDE, seed: int = 0) -> None:
    """Run `scenario` in three schemes in a row: Ana in the first, Karim in the last."""

    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(network, NAMES, chain(*NAMES), rates=[60, 100, 1200], seed=seed)
        await town.open(limit)
        town.route(*NAMES)
        await town["Oakvale"].open_member("Ana")
        await town["Riverside"].open_member("Karim")
        await scenario(town)
        await town.settle(600)
        await town.stop()

    run_virtual(begin, seed)


def asking(**changes: Any) -> QuoteRequest:
    request = QuoteRequest(
        listing=LISTING, payee_handle=None, payer_handle=Handle(b"A" * 16), payer_name="Ana", amount=600,
        price_seen=None, text="jam",
    )  # fmt: skip
    return replace(request, **changes)


async def answer_to(town: SmallTown, **changes: Any) -> Offer | NoOffer:
    return await town["Oakvale"].quotes.ask(town["Riverside"].scheme, asking(**changes))


def list_jam(town: SmallTown, price: int | None = 600) -> None:
    riverside = town["Riverside"]
    riverside.listings[LISTING] = Payee(riverside.members["Karim"], "Karim", price)


# --- what comes back ------------------------------------------------------------------------------------------------


def test_an_offer_says_what_it_costs_in_all_three_units() -> None:
    """Rule 7.1: the payee's amount is exact, hours and the payer's amount are rounded up; valid ten minutes."""

    async def scenario(town: SmallTown) -> None:
        list_jam(town, 601)
        offer = await answer_to(town, amount=601)
        assert isinstance(offer, Offer)
        body = offer.quote.body
        assert (body.amount, body.hours, offer.amount) == (601, 601 * HOUR // 1200, 31)
        assert (offer.payee_name, body.unit, body.rate) == ("Karim", "riverside", 1200)
        assert town["Oakvale"].quotes.offer(offer.id) is offer
        await asyncio.sleep(QUOTE_VALID_MS / 1000 - 1)
        assert town["Oakvale"].quotes.offer(offer.id) is offer
        await asyncio.sleep(1)
        assert town["Oakvale"].quotes.offer(offer.id) is None

    in_row(scenario)


def test_a_price_can_be_asked_for_a_listing_or_a_person() -> None:
    """Rule 7.7: a member is known to another scheme by a handle that counts there only."""

    async def scenario(town: SmallTown) -> None:
        list_jam(town, None)
        riverside, oakvale = town["Riverside"], town["Oakvale"]
        assert isinstance(await answer_to(town), Offer)
        handle = await riverside.quotes.handle_of(oakvale.scheme, riverside.members["Karim"])
        assert handle == await riverside.quotes.handle_of(oakvale.scheme, riverside.members["Karim"])
        elsewhere = await riverside.quotes.handle_of(town["Hilltop"].scheme, riverside.members["Karim"])
        assert handle != elsewhere
        assert isinstance(await answer_to(town, listing=None, payee_handle=handle), Offer)
        assert await answer_to(town, listing=None, payee_handle=elsewhere) == NoOffer("gone")

    in_row(scenario)


REFUSALS = [
    ("the listing is gone", {"listing": ItemKey(b"X" * 16)}, NoOffer("gone")),
    ("nobody has that handle", {"listing": None, "payee_handle": Handle(b"X" * 16)}, NoOffer("gone")),
    ("the price changed since", {"price_seen": 500}, NoOffer("price-changed", 600)),
    ("the price is the one seen", {"price_seen": 600}, None),
    ("more hours than can be", {"amount": 2**53 - 1}, NoOffer("cannot-now")),
    ("beyond the member's ceiling", {"amount": 5001}, NoOffer("cannot-now")),
]


@pytest.mark.parametrize("why, changes, answer", REFUSALS, ids=[row[0] for row in REFUSALS])
def test_refusals_say_no_more_than_they_must(
    why: str, changes: dict[str, Any], answer: NoOffer | None
) -> None:
    """Rule 7.1: only `gone`, `price-changed`, `no-way`, `cannot-now`; nothing is set aside or promised."""

    async def scenario(town: SmallTown) -> None:
        riverside = town["Riverside"]
        await riverside.open_member("Karim", ceiling=5000)
        list_jam(town)
        found = await answer_to(town, **changes)
        assert isinstance(found, Offer) if answer is None else found == answer, why

    in_row(scenario)


def test_a_scheme_without_a_way_or_a_key_is_no_way() -> None:
    """Also a scheme nobody has heard of: there is no route and nobody to seal for."""

    async def scenario(town: SmallTown) -> None:
        list_jam(town)
        assert await town["Riverside"].quotes.ask(town["Oakvale"].scheme, asking()) == NoOffer("no-way")
        known = town.phonebook.states.pop(town["Riverside"].scheme)
        assert await answer_to(town) == NoOffer("no-way")
        town.phonebook.states[town["Riverside"].scheme] = known
        payer = town.phonebook.states.pop(town["Oakvale"].scheme)
        assert await answer_to(town) == NoOffer("no-way")
        town.phonebook.states[town["Oakvale"].scheme] = payer
        assert isinstance(await answer_to(town), Offer)

    in_row(scenario)


@pytest.mark.parametrize("where", ["the first line", "a later line"])
def test_a_line_without_room_is_met_before_money_moves(where: str) -> None:
    """Rule 7.1: each connector says whether it could carry the hours, the payer looks at its own line."""

    async def scenario(town: SmallTown) -> None:
        list_jam(town)
        small = replace(WIDE, owed_max=HOUR // 2 - 1)
        creditor, debtor = ("Hilltop", "Oakvale") if where == "the first line" else ("Riverside", "Hilltop")
        await town[creditor].lines.set_limit(town[debtor].scheme, small, None)
        await asyncio.sleep(1)
        assert await answer_to(town) == NoOffer("no-way")
        await town[creditor].lines.set_limit(town[debtor].scheme, WIDE, None)
        await asyncio.sleep(1)
        assert isinstance(await answer_to(town), Offer)

    in_row(scenario)


def test_another_route_is_tried() -> None:
    """The best that is ready wins; one that is dead costs a few seconds."""

    async def begin(network: SimulatedNetwork) -> None:
        town = SmallTown(
            network, [*NAMES, "Mill"], [*chain(*NAMES), ("Oakvale", "Mill"), ("Mill", "Riverside")]
        )
        await town.open()
        await town["Oakvale"].open_member("Ana")
        await town["Riverside"].open_member("Karim")
        town.route(*NAMES)
        town.route("Oakvale", "Mill", "Riverside")
        list_jam(town, None)
        network.cut("Hilltop", "Riverside")
        offer = await answer_to(town)
        assert isinstance(offer, Offer)
        assert offer.route[1] == town["Mill"].scheme
        network.mend("Hilltop", "Riverside")
        await town.settle()
        await town.stop()

    run_virtual(begin)


def test_the_same_question_again_gets_another_quote() -> None:
    """Two answers never share an id or a reference (7.9), whatever the asker repeats."""

    async def scenario(town: SmallTown) -> None:
        list_jam(town)
        riverside = town["Riverside"]
        ask = QuoteAsk(nonce=bytes(16), route=tuple(town[name].scheme for name in NAMES), sealed=b"")
        outcomes = await asyncio.gather(
            *(riverside.store.write(riverside.quotes.promises.promise, ask, asking()) for _ in range(3))
        )
        assert len({outcome.wire for outcome, _ in outcomes if isinstance(outcome, Offered)}) == 3

    in_row(scenario)


def test_a_scheme_that_is_being_looked_after_promises_nothing_and_says_no_more_than_that() -> None:
    """Source: docs/operating.md, `maintenance`. What it connects goes on."""

    async def scenario(town: SmallTown) -> None:
        riverside, hilltop = town["Riverside"], town["Hilltop"]
        list_jam(town)
        riverside.pauses = True
        assert await answer_to(town) == NoOffer("cannot-now")
        riverside.pauses, hilltop.pauses = False, True
        assert isinstance(await answer_to(town), Offer)

    in_row(scenario)


def test_a_neighbour_uses_up_its_own_promises_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """I14: a flood of questions over one line does not starve those who ask over another; time gives them back."""
    monkeypatch.setattr(promises, "PROMISES_OPEN_MAX", 3)

    async def scenario(town: SmallTown) -> None:
        town.route("Hilltop", "Riverside")
        hilltop = town["Hilltop"]
        await hilltop.open_member("Karim")
        hilltop.listings[LISTING] = Payee(hilltop.members["Karim"], "Karim", None)
        for n in range(3):
            assert isinstance(await town["Oakvale"].quotes.ask(hilltop.scheme, asking(text=f"{n}")), Offer)
        assert await town["Oakvale"].quotes.ask(hilltop.scheme, asking()) == NoOffer("cannot-now")
        town["Riverside"].ways.routes.append((town["Riverside"].scheme, hilltop.scheme))
        assert isinstance(await town["Riverside"].quotes.ask(hilltop.scheme, asking()), Offer)
        await asyncio.sleep(QUOTE_VALID_MS / 1000 + 1)
        assert isinstance(await town["Oakvale"].quotes.ask(hilltop.scheme, asking()), Offer)

    def with_route(town: SmallTown) -> Awaitable[None]:
        town.route("Oakvale", "Hilltop")
        return scenario(town)

    in_row(with_route)


async def count_promises(town: SmallTown) -> int:
    return sum(len(snapshot.promises) for snapshot in await town.snapshots())


def test_promises_that_ended_unpaid_do_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """I14: of one neighbour's asks so many are kept, the newest; what is open or paid stays, and so does what others asked."""
    monkeypatch.setattr(promises, "PROMISES_LAPSED_MAX", 4)

    async def scenario(town: SmallTown) -> None:
        list_jam(town, None)
        riverside = town["Riverside"]
        payment = await town["Oakvale"].buy("Ana", "Riverside", "Karim", 600)
        assert payment.state is PayerState.PAID
        for _ in range(7):
            assert isinstance(await answer_to(town), Offer)
            await asyncio.sleep(1)
        await riverside.quotes.forget_old()
        assert await count_promises(town) == 8, "all are open still"
        await asyncio.sleep(QUOTE_VALID_MS / 1000 + 10)
        last = await answer_to(town)
        assert isinstance(last, Offer)
        await riverside.quotes.forget_old()
        assert await count_promises(town) == 4 + 1 + 1
        oakvale = town["Oakvale"]
        payment = await oakvale.settlement.pay(
            last, account_no=oakvale.members["Ana"], entered_by="Ana", once=oakvale.chance.bytes(16)
        )
        assert (await oakvale.settlement.wait(payment.no, 60)).state is PayerState.PAID
        await riverside.quotes.forget_old()
        assert await count_promises(town) == 6

    in_row(scenario)


def test_old_promises_are_forgotten_and_paid_ones_are_not() -> None:
    """Rule 7.1: kept 30 days past their end, so that a late lock is told from a strange one."""

    async def scenario(town: SmallTown) -> None:
        list_jam(town, None)
        payment = await town["Oakvale"].buy("Ana", "Riverside", "Karim", 600)
        assert payment.state is PayerState.PAID
        assert isinstance(await answer_to(town), Offer)

        async def states() -> list[str]:
            return sorted(str(row[1]) for snapshot in await town.snapshots() for row in snapshot.promises)

        await town["Riverside"].quotes.forget_old()
        assert await states() == ["given", "paid"]
        town["Riverside"].clock.skew_ms = QUOTE_KEPT_MS + HOUR_MS
        await town["Riverside"].quotes.forget_old()
        town["Riverside"].clock.skew_ms = 0
        assert await states() == ["paid"]

    in_row(scenario)


# --- who lies on the way ------------------------------------------------------------------------------------------------


def sealed_by(town: SmallTown, liar: str, ask: QuoteAsk, outcome: Offered | Refused) -> QuoteReply:
    """Return a reply to Oakvale under the key that whoever has `liar`'s sealing key can reckon from the ask."""
    payer, payee = ask.route[0], ask.route[-1]
    purpose = b"interlets/1/quote-answer"
    if liar == "Riverside":
        _, key = open_box(
            town[liar].keyring.seal[1], b"interlets/1/quote-request", binding(ask.nonce, payer, payee), ask.sealed, purpose
        )  # fmt: skip
    else:  # the question does not open to its key, so this is the best it can do
        oakvale = town.phonebook.states[payer].current("seal")
        assert oakvale is not None
        key = Box(oakvale.public_key, b"interlets/1/quote-request", ephemeral=bytes(32)).answer_key(purpose)
    plain = encode_message(QuoteAnswer(outcome=outcome))
    sealed = seal_answer(key, binding(ask.nonce, payee, payer), plain, salt=bytes(16))
    return QuoteReply(nonce=ask.nonce, hours=HOUR, sealed=sealed, answers=())


def quote_for(town: SmallTown, ask: QuoteAsk, **changes: Any) -> Quote:
    request, now = asking(), town["Riverside"].clock.now_ms()
    riverside = town["Riverside"]
    quote = promises.make_quote(
        request, payee_scheme=riverside.scheme, payer_scheme=town["Oakvale"].scheme, nonce=ask.nonce,
        payee_handle=Handle(bytes(16)), unit="riverside", rate=Rate(minor_per_hour=1200),
        receipt_key=riverside.keyring.signing["receipt"][1].public.raw, now_ms=now,
    )  # fmt: skip
    return replace(quote, **changes)


LIES: list[tuple[str, dict[str, Any]]] = [
    ("true", {}),
    ("another amount", {"amount": 599}),
    ("other hours", {"hours": HOUR // 2 - 1}),
    ("another nonce", {"nonce": b"n" * 16}),
    ("another receipt key", {"receipt_key": bytes(32)}),
    ("another text", {"description": bytes(32)}),
    ("valid too long", {"valid_until": 2**53 - 1}),
    ("signed by the connector", {}),
]


@pytest.mark.parametrize("lie, changes", LIES, ids=[lie for lie, _ in LIES])
def test_a_quote_that_is_not_the_answer_to_the_question_is_not_taken(
    lie: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 7.1: the payer checks terms, hours, keys and signature; whoever passed it on cannot have changed it."""

    async def scenario(town: SmallTown) -> None:
        hilltop, riverside = town["Hilltop"], town["Riverside"]

        async def lies(ask: QuoteAsk, at: int) -> QuoteReply:
            key_seq, key = riverside.keyring.signing["line"]
            if lie == "signed by the connector":
                key = hilltop.keyring.signing["line"][1]
            quote: Signed[Quote] = sign_message(quote_for(town, ask, **changes), key, key_seq)
            reply = sealed_by(town, "Riverside", ask, Offered(wire=quote.wire, payee_name="Karim"))
            return replace(reply, answers=(hilltop.quotes._says("ready"),))

        monkeypatch.setattr(hilltop.quotes, "_pass_on", lies)
        found = await answer_to(town)
        assert isinstance(found, Offer) if lie == "true" else found == NoOffer("no-way")

    in_row(scenario)


@pytest.mark.parametrize("liar, reason", [("Riverside", "gone"), ("Hilltop", "no-way")])
def test_only_whoever_read_the_question_can_refuse_it(
    liar: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 7.1: the answer is sealed under a key from the question's own box, so nobody on the way can make one."""

    async def scenario(town: SmallTown) -> None:
        hilltop = town["Hilltop"]

        async def refuses(ask: QuoteAsk, at: int) -> QuoteReply:
            return sealed_by(town, liar, ask, Refused(reason="gone"))

        monkeypatch.setattr(hilltop.quotes, "_pass_on", refuses)
        assert await answer_to(town) == NoOffer(reason)

    in_row(scenario)


def test_an_acceptance_that_is_not_the_payers_pays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules 7.1, 7.2: the payee looks whether the payer scheme of its quote signed the same terms."""

    async def scenario(town: SmallTown) -> None:
        list_jam(town)
        oakvale, accept = town["Oakvale"], town["Oakvale"].quotes.notes.accept
        wrong = iter(["nothing", "another quote", "another scheme", "right"])

        def accept_wrongly(
            quote: Signed[Quote], handle: Handle, ready: ReadyNote | None
        ) -> tuple[Signed[Acceptance], bytes]:
            assert ready is not None
            acceptance, _ = accept(quote, handle, ready)
            how = next(wrong)
            if how == "nothing":
                return acceptance, b""
            if how == "another quote":
                return acceptance, accept(other_quote, handle)[1]
            if how == "another scheme":
                hilltop = town["Hilltop"]
                monkeypatch.setattr(oakvale.quotes.notes, "_keyring", hilltop.keyring)
                return acceptance, accept(quote, handle)[1]
            monkeypatch.setattr(oakvale.quotes.notes, "_keyring", oakvale.keyring)
            return accept(quote, handle)

        another = await answer_to(town, text="tea")
        assert isinstance(another, Offer)
        other_quote = another.quote
        monkeypatch.setattr(oakvale.quotes.notes, "accept", accept_wrongly)
        ends = []
        for _ in range(4):
            offer = await answer_to(town)
            assert isinstance(offer, Offer)
            begun = await oakvale.settlement.pay(
                offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=offer.id
            )
            monkeypatch.setattr(oakvale.quotes.notes, "_keyring", oakvale.keyring)
            ends.append((await oakvale.settlement.wait(begun.no, 60)).state)
        assert ends == [PayerState.FAILED] * 3 + [PayerState.PAID]

    in_row(scenario)


BAD_ROUTES = [
    ("not through here", ["Oakvale", "Riverside"]),
    ("from somebody else", ["Riverside", "Hilltop"]),
    ("in a circle", ["Oakvale", "Hilltop", "Oakvale"]),
]


@pytest.mark.parametrize("why, route", BAD_ROUTES, ids=[row[0] for row in BAD_ROUTES])
def test_a_question_over_a_route_that_is_not_one_ends_the_session(why: str, route: list[str]) -> None:
    """Rule 7.1: it comes along its own route or not at all."""

    async def scenario(town: SmallTown) -> None:
        ask = QuoteAsk(nonce=bytes(16), route=tuple(town[name].scheme for name in route), sealed=b"")
        session = town["Hilltop"].links.live[town["Oakvale"].scheme]
        with pytest.raises(NoAnswer):
            await town["Oakvale"].links.request(
                town["Hilltop"].scheme, FrameType.QUOTE_ASK, encode_message(ask)
            )
        assert session.is_ended, why

    in_row(scenario)


def test_a_lock_for_a_quote_never_given_is_released() -> None:
    """Rule 7.2: own quote, unpaid, key and amount as promised; anything else is `gone`."""

    async def scenario(town: SmallTown) -> None:
        list_jam(town)
        oakvale = town["Oakvale"]
        wrong: list[dict[str, Any]] = [
            {"quote_id": b"q" * 32}, {"amount": HOUR // 2 - 1}, {"receipt_key": bytes(32)}, {"deadline": 2**53 - 1},
            {"parts": 2},
        ]  # fmt: skip
        for changes in wrong:
            offer = await answer_to(town, text=str(changes)[:100])
            assert isinstance(offer, Offer)
            write = oakvale.settlement._begin

            def begin(
                tx: Any,
                offer: Offer,
                new: Any,
                along: Any,
                changes: dict[str, Any] = changes,
                write: Any = write,
            ) -> Any:
                lock: Lock = replace(new.lock, **changes)
                return write(tx, offer, replace(new, lock=lock), along)

            oakvale.settlement._begin = begin  # type: ignore[method-assign]
            begun = await oakvale.settlement.pay(
                offer, account_no=oakvale.members["Ana"], entered_by="Ana", once=offer.id
            )
            oakvale.settlement._begin = write  # type: ignore[method-assign]
            assert (await oakvale.settlement.wait(begun.no, 60)).state is PayerState.FAILED, changes

    in_row(scenario)


def test_a_note_is_ready_before_it_is_wanted_and_used_once() -> None:
    """Rule 7.1: the exchange for the note is made while the price is on its way; no two notes share one."""

    async def scenario(town: SmallTown) -> None:
        list_jam(town)
        oakvale, riverside = town["Oakvale"], town["Riverside"]
        offer = await answer_to(town)
        assert isinstance(offer, Offer)
        assert offer.note is not None
        await asyncio.sleep(1)
        with pytest.MonkeyPatch.context() as patches:
            patches.setattr(SeededChance, "bytes", refuse)
            first = oakvale.quotes.notes.accept(offer.quote, offer.request.payer_handle, offer.note)[1]
        second = oakvale.quotes.notes.accept(offer.quote, offer.request.payer_handle, offer.note)[1]

        assert first[:SEALING_KEY_BYTES] != second[:SEALING_KEY_BYTES]
        for note in (first, second):
            found = riverside.quotes.notes.acceptance_of(a_lock(offer.id, note))
            assert found is not None
            assert found.body.quote_id == offer.id

    in_row(scenario)


def refuse(self: SeededChance, size: int) -> bytes:
    raise AssertionError(f"{size} bytes of chance are wanted, though the box was made before")


def a_lock(quote_id: QuoteId, note: bytes) -> Lock:
    return Lock(
        quote_id=quote_id, part=1, parts=1, amount=HOUR, receipt_key=bytes(32), mode=MODE_NORMAL, deadline=0,
        route=(), note=note, memo=b"",
    )  # fmt: skip
