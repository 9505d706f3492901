"""Shorthand for tests about receipts: schemes with every key, a log with entries, and the file of one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from crypto.keys import SigningKey
from crypto.merkle import inclusion_proof, root
from crypto.signing import Signed
from protocol.checkpoint import Checkpoint, cosign, origin_of, sign_checkpoint
from protocol.descriptor import Descriptor
from protocol.entry import Chain, NewEntry, Posted, Words, follow, make_entry
from protocol.identity import IdentityState, fold_log, make_delegate, make_inception, make_revoke
from protocol.identity_events import CHECKPOINT, LEDGER, LINE, RECEIPT, SESSION, WITNESS, next_key_digest
from protocol.ledger import HOURS, LOCAL, Leg, SystemRole, system_account_id
from protocol.limits import DAY_MS, MINUTE_MS
from protocol.log import LogProof
from protocol.message import encode_message, sign_message
from protocol.names import AccountId, EntryId, Handle, QuoteId, SchemeId
from protocol.quote import Acceptance, Quote, description_digest, make_receipt
from protocol.receipt_file import Agreed, Introduced, Receipt, introduce, quote_parts, salted
from tests.vector_making import filler, key

NOW = 1_767_225_600_000  # 1 January 2026, 0:00 UTC
HALF_HOUR = 1_800_000
ANA, BEN, KARIM = (AccountId(filler(f"account {name}", 16)) for name in ("ana", "ben", "karim"))
PURPOSES = (LEDGER, CHECKPOINT, LINE, SESSION, WITNESS, RECEIPT)


@dataclass(frozen=True)
class Town:
    """A scheme with a key for every purpose. Its keys, and so its id, depend on `secret` only."""

    name: str
    secret: str
    unit: str = "hours"

    def key(self, purpose: str) -> SigningKey:
        return key(f"{self.secret} {purpose}")

    @cached_property
    def log(self) -> tuple[bytes, ...]:
        root_key, next_key = self.key("root"), self.key("next root")
        _, inception = make_inception(root_key, next_key_digest(next_key.public.raw), NOW)
        log = [inception.wire]
        for purpose in PURPOSES:
            log.append(make_delegate(fold_log(log), root_key, purpose, self.key(purpose), NOW).wire)
        return tuple(log)

    @property
    def identity(self) -> IdentityState:
        return fold_log(self.log)

    @property
    def id(self) -> SchemeId:
        return self.identity.scheme_id

    def seq(self, purpose: str) -> int:
        return 1 + PURPOSES.index(purpose)

    @cached_property
    def descriptor(self) -> bytes:
        body = Descriptor(
            scheme=self.id, identity_seq=len(PURPOSES), time=NOW, valid_until=NOW + DAY_MS, name=self.name,
            unit=self.unit, unit_name=None, minor_per_unit=60 if self.unit == "hours" else 100, addresses=(), tls_hashes=(),
            versions=(1,),
        )  # fmt: skip
        return sign_message(body, self.key(SESSION), self.seq(SESSION)).wire

    def shown(self, *purposes: str) -> Introduced:
        return introduce(self.log, [self.seq(each) for each in purposes], self.descriptor)

    def account(self, role: SystemRole, unit: str, other: SchemeId | None = None) -> AccountId:
        return system_account_id(self.id, role, unit, other)

    def entries(self, *said: tuple[Posted, Words]) -> list[NewEntry]:
        chain, made = Chain(scheme=self.id), []
        for place, (book, words) in enumerate(said):
            made.append(
                make_entry(
                    chain,
                    book,
                    words,
                    time_ms=NOW + place * MINUTE_MS,
                    book_salt=filler(f"book {place}", 16),
                    words_salt=filler(f"words {place}", 16),
                    key=self.key(LEDGER),
                    key_seq=self.seq(LEDGER),
                )
            )
            chain = follow(chain, made[-1].signed)
        return made

    def proof(self, entries: list[NewEntry], at: int, witnesses: tuple[Town, ...] = ()) -> bytes:
        leaves = [entry.signed.id for entry in entries]
        checkpoint = Checkpoint(origin=origin_of(self.id), size=len(leaves), root=root(leaves))
        note = sign_checkpoint(checkpoint, self.key(CHECKPOINT))
        note = note.with_signatures(
            cosign(note, each.id, each.key(WITNESS), NOW + 2 * MINUTE_MS) for each in witnesses
        )
        return LogProof(index=at, hashes=inclusion_proof(leaves, at), note=note).data()

    def with_revoked(self, purpose: str) -> tuple[bytes, ...]:
        return (*self.log, make_revoke(self.identity, self.key("root"), self.seq(purpose), NOW).wire)


OAKVALE, RIVERSIDE, HILLTOP, FERRY = (
    Town("Oakvale", "oakvale"),
    Town("Riverside", "riverside", "acorns"),
    Town("Hilltop", "hilltop"),
    Town("Ferry", "ferry"),
)
FALSE_RIVERSIDE = Town("Riverside", "a stranger", "acorns")


def local_words(**changes: object) -> Words:
    words = Words(
        text="two hours in the garden", done_by="Ana Sanchez", on_behalf_of=None, proved_by="password",
        parties=("Ana Sanchez", "Ben Carter"),
    )  # fmt: skip
    return replace(words, **changes)  # type: ignore[arg-type]


def moving(*legs: tuple[AccountId, str, int]) -> Posted:
    return Posted(
        legs=tuple(Leg(account=account, unit=unit, amount=amount) for account, unit, amount in legs)
    )


def local_trade(
    town: Town = OAKVALE, *, witnesses: tuple[Town, ...] = (HILLTOP, RIVERSIDE), proof: bool = True
) -> Receipt:
    """Ana gave Ben two hours; two more entries stand beside it."""
    trade = moving((ANA, LOCAL, -120), (BEN, LOCAL, 120)), local_words()
    other = moving((BEN, LOCAL, -5), (ANA, LOCAL, 5)), local_words(text="eggs", parties=("Ben", "Ana"))
    entries = town.entries(other, trade, other)
    shown = (LEDGER, CHECKPOINT) if proof else (LEDGER,)
    return Receipt(
        own=town.shown(*shown),
        entry=entries[1].signed.wire,
        book=salted(entries[1].book),
        words=salted(entries[1].words),
        agreed=None,
        proof=town.proof(entries, 1, witnesses) if proof else None,
        witnesses=tuple(each.shown(WITNESS) for each in witnesses) if proof else (),
    )


def quote_of(payer: Town, payee: Town) -> Signed[Quote]:
    body = Quote(
        payee_scheme=payee.id, payer_scheme=payer.id, nonce=filler("nonce", 16), payee_handle=Handle(filler("karim", 16)),
        listing=None, amount=600, unit=payee.unit, hours=HALF_HOUR, rate=1200, description=description_digest("plum jam"),
        time=NOW, valid_until=NOW + 10 * MINUTE_MS, receipt_key=payee.key(RECEIPT).public.raw,
    )  # fmt: skip
    return sign_message(body, payee.key(LINE), payee.seq(LINE))


def agreed(payer: Town, payee: Town, other: Town) -> Agreed:
    quote = quote_of(payer, payee)
    body, signature = quote_parts(quote.wire)
    acceptance = Acceptance(
        quote_id=QuoteId(quote.id), payer_scheme=payer.id, payer_handle=Handle(filler("ana", 16))
    )
    return Agreed(
        other=other.shown(LINE, RECEIPT),
        quote=body,
        quote_signed=signature,
        acceptance=sign_message(acceptance, payer.key(LINE), payer.seq(LINE)).wire,
        receipt=make_receipt(QuoteId(quote.id), payee.key(RECEIPT)),
    )


def across(*, we_pay: bool, payer: Town = OAKVALE, payee: Town = RIVERSIDE) -> Receipt:
    """Ana of Oakvale bought jam from Karim of Riverside, through Hilltop: the payer's file or the payee's."""
    own, other = (payer, payee) if we_pay else (payee, payer)
    sign, local = (1, 30) if we_pay else (-1, 600)
    entry = moving(
        (ANA if we_pay else KARIM, LOCAL, -sign * local),
        (own.account(SystemRole.EXCHANGE, LOCAL), LOCAL, sign * local),
        (own.account(SystemRole.EXCHANGE, HOURS), HOURS, -sign * HALF_HOUR),
        (own.account(SystemRole.LINE, HOURS, HILLTOP.id), HOURS, sign * HALF_HOUR),
    )
    words = Words(
        text="plum jam", done_by="Karim" if we_pay else "Ana Sanchez", on_behalf_of=None, proved_by="neighbour",
        quote=QuoteId(quote_of(payer, payee).id),
    )  # fmt: skip
    entries = own.entries((entry, words))
    return Receipt(
        own=own.shown(*((LEDGER, CHECKPOINT, LINE) if we_pay else (LEDGER, CHECKPOINT, LINE, RECEIPT))),
        entry=entries[0].signed.wire,
        book=salted(entries[0].book),
        words=salted(entries[0].words),
        agreed=agreed(payer, payee, other),
        proof=own.proof(entries, 0, (HILLTOP,)),
        witnesses=(HILLTOP.shown(WITNESS),),
    )


def entry_id(receipt: Receipt) -> EntryId:
    from crypto.digest import object_id
    from crypto.signing import split

    return EntryId(object_id(split(receipt.entry)[0]))


EXAMPLES = {
    "local": local_trade,
    "unpublished": lambda: local_trade(proof=False),
    "payer": lambda: across(we_pay=True),
    "payee": lambda: across(we_pay=False),
}
assert encode_message(local_trade())
