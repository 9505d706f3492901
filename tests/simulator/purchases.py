"""What members of a simulated town buy from each other, by whatever ways there are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from node.services.payer_desk import NewPayment
from node.services.quotes import Offer
from node.services.settlement import Along, CannotPay, NoPayment, Payment, Settlement
from node.store import StoreError, Tx
from protocol.line_ops import MODE_REDUCE
from protocol.names import Handle
from protocol.quote import QuoteRequest
from tests.simulator.town import BUYERS, SELLERS, SimNode

if TYPE_CHECKING:
    from tests.simulator.accidents import Happenings


async def purchase(h: Happenings, *, reduce: bool = False) -> None:
    """Ask for a price, think, and buy; whatever says no on the way, says no."""
    town, random = h.town, h.random
    h.purchases += 1
    number = h.purchases
    buyer, payee = (town[name] for name in random.sample(list(town.nodes), 2))
    who, to = random.choice(BUYERS), random.choice(SELLERS)
    rate = payee.rate.minor_per_hour
    amount = random.randrange(1, max(2, random.choice([rate // 10, rate, 6 * rate])))
    thinks = random.choice([0.0, 0.0, 0.5, 8.0, 400.0])
    if not buyer.is_up or not payee.is_up:
        return
    try:
        handle = await payee.quotes.handle_of(buyer.scheme, payee.members[to])
        offer = await buyer.quotes.ask(payee.scheme, request_of(handle, amount, number))
        if not isinstance(offer, Offer):
            h.told("refused", f"{buyer.name} is told {offer.reason} by {payee.name}")
            return
        if thinks:
            await asyncio.sleep(thinks)
        if not buyer.is_up:
            return
        # As the page does: a boot meanwhile voids what was asked before (6.7 h).
        if buyer.settlement.offer(offer.id) is None:
            h.told("refused", f"{buyer.name} no longer has the price")
            return
        pay = pay_reducing if reduce else pay_as_usual
        payment = await pay(buyer, offer, buyer.members[who], number.to_bytes(4, "big"))
    except (CannotPay, StoreError) as no:
        h.told("refused", f"{buyer.name} cannot pay: {no}")
        return
    names = " → ".join(town.name_of(each) for each in offer.route)
    h.town.story.counts["reduce"] += reduce
    h.told(
        "begun",
        f"{who} of {buyer.name} pays {to} {offer.quote.body.hours} by {names}: payment {payment.no}",
    )


def buy(h: Happenings) -> None:
    """Let somebody buy something."""
    h.spawn(purchase(h))


def buy_several(h: Happenings) -> None:
    """Let several people buy at one moment, over whatever ways there are."""
    several = h.random.randrange(2, 6)
    h.town.story.counts["parallel"] += 1
    for _ in range(several):
        h.spawn(purchase(h))


def buy_reducing(h: Happenings) -> None:
    """Let a payment go only where it lowers debts, as clearing does. Source: 6.3, 8.2."""
    h.spawn(purchase(h, reduce=True))


def request_of(handle: Handle, amount: int, number: int) -> QuoteRequest:
    """Return what a buyer asks."""
    return QuoteRequest(
        listing=None, payee_handle=handle, payer_handle=Handle(bytes(16)), payer_name="somebody", amount=amount,
        price_seen=None, text=f"thing {number}",
    )  # fmt: skip


async def pay_as_usual(node: SimNode, offer: Offer, account_no: int, once: bytes) -> Payment:
    """Confirm an offer. Raises CannotPay."""
    return await node.settlement.pay(offer, account_no=account_no, entered_by="a member", once=once)


async def pay_reducing(node: SimNode, offer: Offer, account_no: int, once: bytes) -> Payment:
    """Confirm an offer with a LOCK in mode *reduce*: no page does this yet, every node has to obey it. Raises CannotPay."""
    return await Reducing(node.settlement).pay(offer, account_no=account_no, entered_by="a member", once=once)


class Reducing(Settlement):
    """A settlement that locks in the other mode, and differs in nothing else."""

    def __init__(self, usual: Settlement):
        self.__dict__.update(usual.__dict__)

    def _begin(self, tx: Tx, offer: Offer, new: NewPayment, along: Along | None) -> Payment:
        lines, _payments = self._lines.desks(tx)
        line = lines.by_peer(new.peer)
        if line is None or lines.room(line, MODE_REDUCE) < offer.quote.body.hours:
            raise CannotPay(NoPayment.NO_WAY)
        return super()._begin(tx, offer, replace(new, lock=replace(new.lock, mode=MODE_REDUCE)), along)
