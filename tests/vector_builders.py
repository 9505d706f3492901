"""One example of every object that schemes say to each other: the source of the golden vectors.

To add one, write a function below that returns a `Vector`, decorate it with the name of its file, and run
`scripts/make_vectors`. Keys, ids and nonces come from `key(name)` and `filler(name, size)`, so that the bytes are
the same for ever. The usual mutations (signature, key, tag, spelling, length) are added by themselves; `wrong`
names values of single fields that must be refused. Source: docs/protocol.md 1, and 11 (golden vectors).
"""

from __future__ import annotations

from typing import Final

from crypto.digest import Id32, commitment, object_id
from crypto.sealing import SealingKey, seal
from protocol.descriptor import Descriptor
from protocol.entry import Entry, ListingRef, Posted, Words
from protocol.feed import Head, Item
from protocol.feed_kinds import Peering, RateNotice
from protocol.identity_events import (
    CLOSURE,
    LEDGER,
    SEAL,
    SUCCESSOR,
    Delegate,
    End,
    Event,
    IdentityEvent,
    Inception,
    NewLog,
    Possession,
    Revoke,
    Rotate,
    next_key_digest,
)
from protocol.ledger import Leg
from protocol.letter import DELIVERED, PAYMENT_REQUEST, LetterAck, LetterText, Sum, make_letter
from protocol.limits import DAY_MS, MINUTE_MS
from protocol.line_ops import (
    LOCK_ROW,
    MODE_NORMAL,
    RECEIPT_TAG,
    ZERO32,
    Claim,
    Close,
    Credit,
    Limit,
    Lock,
    Mark,
    Op,
    Open,
    ReceiptBody,
    Release,
    Reopen,
    Step,
    SyncAnswer,
    SyncAsk,
    Terms,
    before_epoch,
)
from protocol.line_view import LOW, View, apply
from protocol.memo import Memo, Passing
from protocol.message import encode_message, sign_message, to_value
from protocol.names import AccountId, Handle, ItemKey, KeySeq, QuoteId, SchemeId
from protocol.quote import (
    Acceptance,
    Answer,
    Offered,
    Quote,
    QuoteAnswer,
    QuoteAsk,
    QuoteReply,
    QuoteRequest,
    Refused,
    binding,
    description_digest,
)
from protocol.session import Greeting, Hello
from tests import (
    vector_cheques,
    vector_evidence,
    vector_listings,
    vector_receipts,
    vector_requests,
    vector_sheets,
)
from tests.vector_making import Vector, filler, key, vector

NOW: Final = 1_767_225_600_000  # 1 January 2026, 0:00 UTC
assert vector_evidence.KINDS  # imported for its registrations
assert vector_listings.EXAMPLES
assert vector_receipts.EXAMPLES
assert vector_requests.EXAMPLES
assert vector_cheques.EXAMPLES
assert vector_sheets.EXAMPLES

# --- 2 Identity --------------------------------------------------------------------------------------------

_INCEPTION: Final = Inception(
    root_keys=(key("oakvale root").public.raw,),
    threshold=1,
    next_digests=(next_key_digest(key("oakvale next root").public.raw),),
)
_FIRST: Final = IdentityEvent(scheme=None, seq=0, prev=None, time=NOW, event=_INCEPTION)
OAKVALE: Final = SchemeId(object_id(encode_message(_FIRST)))
RIVERSIDE: Final = SchemeId(filler("riverside"))
HILLTOP: Final = SchemeId(filler("hilltop"))
_LEDGER_KEY_HELD: Final = Possession(scheme=OAKVALE, seq=KeySeq(1), purpose=LEDGER)


def _identity(note: str, seq: int, event: Event, signer: str = "oakvale root", key_seq: int = 0) -> Vector:
    message = IdentityEvent(
        scheme=OAKVALE, seq=seq, prev=Id32(filler(f"event {seq - 1}")), time=NOW + seq, event=event
    )
    wrong = {"scheme": None, "seq": 0, "prev": None, "time": -1, "event": ("unknown",)}
    return Vector(note=note, message=message, signer=signer, key_seq=key_seq, wrong=wrong)


@vector("identity-inception")
def _inception() -> Vector:
    value = to_value(_INCEPTION)
    assert isinstance(value, tuple)
    small_order_key = bytes([1]) + bytes(31)
    wrong = {
        "scheme": OAKVALE,
        "seq": 1,
        "prev": filler("a previous event"),
        "event": ("inception", (small_order_key,), *value[2:]),
    }
    return Vector(
        note="Oakvale's first event; its id is the scheme's id",
        message=_FIRST,
        signer="oakvale root",
        wrong=wrong,
    )


@vector("identity-rotate")
def _rotate() -> Vector:
    event = Rotate(
        root_keys=(key("oakvale next root").public.raw,),
        threshold=1,
        next_digests=(next_key_digest(key("oakvale third root").public.raw),),
    )
    note = "signed by the key it reveals, so key_seq is its own seq"
    return _identity(note, 9, event, signer="oakvale next root", key_seq=9)


@vector("identity-delegate")
def _delegate() -> Vector:
    ledger = key("oakvale ledger")
    event = Delegate(purpose=LEDGER, public_key=ledger.public.raw, proof=_LEDGER_KEY_HELD.signed_by(ledger))
    return _identity("a ledger key", 1, event)


@vector("identity-possession")
def _possession() -> Vector:
    note = "signed by the delegated key itself; only the signature travels, as the proof in identity-delegate"
    wrong = {"scheme": bytes(31), "seq": 0, "purpose": "Ledger"}
    return Vector(note=note, message=_LEDGER_KEY_HELD, signer="oakvale ledger", key_seq=1, wrong=wrong)


@vector("identity-delegate-seal")
def _delegate_seal() -> Vector:
    # The base point of X25519: a good key whose secret nobody needs here.
    return _identity("an X25519 key", 2, Delegate(purpose=SEAL, public_key=bytes([9]) + bytes(31), proof=b""))


@vector("identity-new-log")
def _new_log() -> Vector:
    return _identity(
        "the log of the books begins anew, 990 of 1,000 signed entries being left", 3,
        NewLog(
            number=2, held_size=990, held_root=filler("held root"), lost_size=1000, lost_root=filler("lost root")
        ),
    )  # fmt: skip


@vector("identity-revoke")
def _revoke() -> Vector:
    return _identity("the end of the key delegated at seq 1", 3, Revoke(delegate_seq=1))


@vector("identity-end-closure")
def _end_closure() -> Vector:
    return _identity("the scheme closes", 4, End(reason=CLOSURE, successor=None))


@vector("identity-end-successor")
def _end_successor() -> Vector:
    return _identity("another scheme goes on", 4, End(reason=SUCCESSOR, successor=RIVERSIDE))


@vector("descriptor")
def _descriptor() -> Vector:
    message = Descriptor(
        scheme=OAKVALE,
        identity_seq=7,
        time=NOW,
        valid_until=NOW + 30 * DAY_MS,
        name="Oakvale LETS",
        unit="hours",
        unit_name="Hours",
        minor_per_unit=60,
        addresses=("https://oakvale.example", "https://[2001:db8::7]:8443"),
        tls_hashes=(filler("certificate"),),
        versions=(1,),
    )
    wrong = {"valid_until": NOW, "unit": "Hours", "addresses": ("oakvale.example",), "versions": (2, 1)}
    note = "how to reach Oakvale, by its session key"
    return Vector(note=note, message=message, signer="oakvale session", key_seq=6, wrong=wrong)


# --- 3 The ledger ------------------------------------------------------------------------------------------

_POSTED: Final = Posted(
    legs=(
        Leg(account=AccountId(filler("ana", 16)), unit="hours", amount=-90),
        Leg(account=AccountId(filler("ben", 16)), unit="hours", amount=90),
    )
)
_WORDS: Final = Words(
    text="Hedge trimming, 1½ hours",
    done_by="Ana",
    on_behalf_of=None,
    proved_by="password",
    parties=("Ana", "Ben"),
    listing=ListingRef(scheme=OAKVALE, key=ItemKey(filler("hedges", 16))),
)


@vector("entry")
def _entry() -> Vector:
    message = Entry(
        scheme=OAKVALE,
        seq=0,
        prev=None,
        time=NOW,
        kind="posting",
        book=commitment("interlets/1/entry-book", filler("book salt", 16), encode_message(_POSTED)),
        words=commitment("interlets/1/entry-words", filler("words salt", 16), encode_message(_WORDS)),
    )
    note = (
        "commits to entry-book.json and entry-words.json; the salts are shake_128, see tests/vector_making.py"
    )
    wrong = {"seq": -1, "kind": "gift", "book": b"", "time": True}
    return Vector(note=note, message=message, signer="oakvale ledger", key_seq=1, wrong=wrong)


@vector("entry-book")
def _entry_book() -> Vector:
    ana, ben = (leg.account for leg in _POSTED.legs)
    one_sided = ((ana, "hours", -90), (ben, "hours", 91))
    return Vector(note="1½ hours from Ana to Ben", message=_POSTED, wrong={"legs": one_sided})


@vector("entry-words")
def _entry_words() -> Vector:
    return Vector(note="the erasable half", message=_WORDS, wrong={"proved_by": "hearsay", "done_by": ""})


# --- 5 Feeds -----------------------------------------------------------------------------------------------


def _item(note: str, payload: bytes) -> Vector:
    message = Item(
        scheme=OAKVALE,
        feed_seq=12,
        kind="listing",
        key=ItemKey(filler("hedges", 16)),
        revision=NOW,
        created=NOW,
        expires=NOW + 90 * DAY_MS,
        payload=payload,
    )
    wrong = {"feed_seq": 0, "revision": 0, "expires": NOW, "kind": "a listing"}
    return Vector(note=note, message=message, signer="oakvale feed", key_seq=3, wrong=wrong)


@vector("item")
def _item_full() -> Vector:
    return _item("an item whose payload stands for any kind", filler("payload", 40))


@vector("item-tombstone")
def _item_tombstone() -> Vector:
    return _item("an empty payload: what was there is withdrawn", b"")


@vector("item-peering-payload")
def _peering() -> Vector:
    message = Peering(other=RIVERSIDE, line=_TERMS.line_id(), takes=3, modes=("normal", "reduce"))
    note = "the payload of an item of kind peering"
    return Vector(note=note, message=message, wrong={"other": b"", "takes": -1, "modes": ("Normal",)})


@vector("item-rate-payload")
def _rate() -> Vector:
    message = RateNotice(minor_per_hour=60, valid_from=NOW + 7 * DAY_MS, valid_until=NOW + 372 * DAY_MS)
    wrong = {"minor_per_hour": 0, "valid_until": NOW}
    return Vector(note="the payload of an item of kind rate", message=message, wrong=wrong)


@vector("head")
def _head() -> Vector:
    message = Head(
        scheme=OAKVALE,
        identity_seq=7,
        feed_seq=12,
        live_count=1,
        live_root=filler("root"),
        time=NOW,
        valid_until=NOW + 2 * DAY_MS,
    )
    wrong = {"live_root": b"", "live_count": -1, "valid_until": NOW}
    return Vector(note="a feed with one item", message=message, signer="oakvale feed", key_seq=3, wrong=wrong)


# --- 6 Lines -----------------------------------------------------------------------------------------------

_LOW, _HIGH = sorted((OAKVALE, RIVERSIDE))
_TERMS: Final = Terms(low=_LOW, high=_HIGH, nonce=filler("terms", 16))
_QUOTE_ID: Final = QuoteId(filler("quote id"))
_RECEIPT: Final = key("riverside receipt").sign(
    RECEIPT_TAG.encode() + b"\0" + encode_message(ReceiptBody(quote_id=_QUOTE_ID))
)


@vector("line-terms")
def _line_terms() -> Vector:
    wrong = {"low": _HIGH, "nonce": b""}
    return Vector(note="not signed by itself; its id is the id of the line", message=_TERMS, wrong=wrong)


def _op(note: str, step: Step, seq: int = 2) -> Vector:
    message = Op(
        line=_TERMS.line_id(),
        author=OAKVALE,
        epoch=0,
        seq=seq,
        prev=filler("my last op") if seq > 1 else ZERO32,
        ack=1 if seq > 1 else 0,
        ack_id=filler("your last op") if seq > 1 else ZERO32,
        time=NOW,
        state=filler("state"),
        step=step,
    )
    wrong = {"seq": 0, "epoch": -1, "ack": True, "state": b"", "step": ("GIVE", 1)}
    return Vector(note=note, message=message, signer="oakvale line", key_seq=2, wrong=wrong)


@vector("op-open")
def _op_open() -> Vector:
    return _op("the first op of a chain", Open(low=_LOW, high=_HIGH, nonce=_TERMS.nonce), seq=1)


@vector("op-limit")
def _op_limit() -> Vector:
    return _op("Riverside may owe 20 hours", Limit(owed_max=72_000_000, pending_max=36_000_000, open_max=64))


@vector("op-lock")
def _op_lock() -> Vector:
    lock = Lock(
        quote_id=_QUOTE_ID,
        part=1,
        parts=1,
        amount=5_400_000,
        receipt_key=key("riverside receipt").public.raw,
        mode=MODE_NORMAL,
        deadline=NOW + 10 * MINUTE_MS,
        route=(HILLTOP,),
        note=filler("note", 48),
        memo=filler("memo", 48),
    )
    return _op("1½ hours for the receipt of one quote", lock)


@vector("op-claim")
def _op_claim() -> Vector:
    note = "the receipt of receipt.json opens the peer's lock at seq 2"
    return _op(note, Claim(lock=2, receipt=_RECEIPT, memo=b""), seq=3)


@vector("op-release")
def _op_release() -> Vector:
    return _op("the peer's lock at seq 2 is let go", Release(lock=2, reason="no-way"), seq=3)


@vector("op-credit")
def _op_credit() -> Vector:
    return _op("one hour forgiven", Credit(amount=3_600_000))


@vector("op-mark")
def _op_mark() -> Vector:
    return _op(
        "where both chains stand", Mark(owed=-3_600_000, own_length=1, peer_length=1, state=filler("mark"))
    )


@vector("op-close")
def _op_close() -> Vector:
    return _op("no LOCK and no LIMIT of mine follows", Close())


@vector("op-reopen")
def _op_reopen() -> Vector:
    locks = LOCK_ROW.pack(0, 7, 5_400_000) + LOCK_ROW.pack(1, 4, 3_600_000)
    step = Reopen(
        old=0, low_length=9, low_id=filler("low's last op"), high_length=6, high_id=filler("high's last op"),
        owed_by_low=-7_200_000, locks=locks,
    )  # fmt: skip
    first = before_epoch(1)
    message = Op(
        line=_TERMS.line_id(), author=_LOW, epoch=1, seq=first + 1, prev=ZERO32, ack=first, ack_id=ZERO32, time=NOW,
        state=apply(View(), LOW, first + 1, step).digest(), step=step,
    )  # fmt: skip
    note = "the lower side offers to go on in epoch 1, where it is owed two hours and one lock of each side is open"
    wrong = {"seq": 0, "ack": -1, "step": ("REOPEN", 0, 9, b"", 6, b"", 0, locks, 1)}
    return Vector(
        note=note,
        message=message,
        signer="oakvale line" if _LOW == OAKVALE else "riverside line",
        key_seq=2,
        wrong=wrong,
    )


@vector("sync-ask")
def _sync_ask() -> Vector:
    message = SyncAsk(line=_TERMS.line_id(), epoch=0, boot=filler("boot", 16), own_length=3, seen_length=2)
    return Vector(note="not signed: it moves nothing", message=message, wrong={"own_length": -1, "boot": b""})


@vector("sync-answer")
def _sync_answer() -> Vector:
    message = SyncAnswer(
        line=_TERMS.line_id(),
        epoch=0,
        author=OAKVALE,
        boot=filler("boot", 16),
        own_length=2,
        own_id=filler("my last op"),
        seen_length=3,
        seen_id=filler("your last op"),
    )
    wrong = {"boot": b"", "own_id": b"", "seen_length": -1}
    return Vector(
        note="echoes the boot that asked", message=message, signer="oakvale line", key_seq=2, wrong=wrong
    )


# --- 7 Payments and letters --------------------------------------------------------------------------------

_NONCE: Final = filler("quote nonce", 16)
_TEXT: Final = "A jar of plum jam"
_QUOTE: Final = Quote(
    payee_scheme=RIVERSIDE,
    payer_scheme=OAKVALE,
    nonce=_NONCE,
    payee_handle=Handle(filler("karim", 16)),
    listing=ItemKey(filler("jam", 16)),
    amount=600,
    unit="reeds",
    hours=1_800_000,
    rate=1_200,
    description=description_digest(_TEXT),
    time=NOW,
    valid_until=NOW + 10 * MINUTE_MS,
    receipt_key=key("riverside receipt").public.raw,
)
_REQUEST: Final = QuoteRequest(
    listing=_QUOTE.listing,
    payee_handle=None,
    payer_handle=Handle(filler("ana abroad", 16)),
    payer_name="Ana",
    amount=600,
    price_seen=None,
    text=_TEXT,
)


@vector("quote")
def _quote() -> Vector:
    wrong = {"amount": 0, "hours": 0, "rate": 0, "unit": "", "nonce": b""}
    return Vector(
        note="6.00 reeds are half an hour", message=_QUOTE, signer="riverside line", key_seq=2, wrong=wrong
    )


@vector("acceptance")
def _acceptance() -> Vector:
    quote = sign_message(_QUOTE, key("riverside line"), 2)
    message = Acceptance(quote_id=QuoteId(quote.id), payer_scheme=OAKVALE, payer_handle=_REQUEST.payer_handle)
    wrong = {"quote_id": b"", "payer_handle": None}
    return Vector(note="of quote.json", message=message, signer="oakvale line", key_seq=2, wrong=wrong)


@vector("receipt")
def _receipt() -> Vector:
    note = "LC1[quote_id] under the receipt key; on lines only the signature travels, which is the receipt"
    message = ReceiptBody(quote_id=_QUOTE_ID)
    return Vector(
        note=note,
        message=message,
        signer="riverside receipt",
        key_seq=5,
        tag=RECEIPT_TAG,
        wrong={"quote_id": b""},
    )


def _sealed_quote_part(plain: bytes) -> bytes:
    reader = SealingKey(filler("key of a reader")).public
    aad = binding(_NONCE, OAKVALE, RIVERSIDE)
    return seal(reader, b"interlets/1/quote", aad, plain, ephemeral=filler("ephemeral"))


@vector("quote-request")
def _quote_request() -> Vector:
    return Vector(note="sealed inside an ask", message=_REQUEST, wrong={"amount": 0, "listing": None})


@vector("quote-ask")
def _quote_ask() -> Vector:
    message = QuoteAsk(
        nonce=_NONCE,
        route=(OAKVALE, HILLTOP, RIVERSIDE),
        sealed=_sealed_quote_part(encode_message(_REQUEST)),
    )
    return Vector(note="by way of Hilltop", message=message, wrong={"route": (OAKVALE,), "nonce": b""})


@vector("quote-answer-offered")
def _quote_answer() -> Vector:
    quote = sign_message(_QUOTE, key("riverside line"), 2)
    message = QuoteAnswer(outcome=Offered(wire=quote.wire, payee_name="Karim"))
    return Vector(note="sealed inside a reply", message=message, wrong={"outcome": ("maybe",)})


@vector("quote-answer-refused")
def _quote_answer_refused() -> Vector:
    message = QuoteAnswer(outcome=Refused(reason="price-changed", amount=700))
    return Vector(note="an honest no", message=message, wrong={"outcome": ("refused", "poor", None)})


@vector("quote-reply")
def _quote_reply() -> Vector:
    message = QuoteReply(
        nonce=_NONCE,
        hours=1_800_000,
        sealed=_sealed_quote_part(encode_message(_quote_answer().message)),
        answers=(Answer(scheme=HILLTOP, word="ready"),),
    )
    wrong = {"hours": -1, "answers": ((HILLTOP, "perhaps"),)}
    return Vector(note="Hilltop could carry it", message=message, wrong=wrong)


_LETTER_TEXT: Final = LetterText(
    thread=filler("thread", 16),
    kind=PAYMENT_REQUEST,
    from_handle=Handle(filler("ana abroad", 16)),
    from_name="Ana",
    to_handle=Handle(filler("karim", 16)),
    listing=None,
    amount=Sum(scheme=OAKVALE, amount=90),
    until=NOW + 7 * DAY_MS,
    reference=None,
    text="For the hedge, as agreed.",
)


@vector("letter-text")
def _letter_text() -> Vector:
    wrong = {"amount": None, "kind": "Payment", "thread": b"", "to_handle": b""}
    return Vector(note="sealed inside letter.json", message=_LETTER_TEXT, wrong=wrong)


@vector("letter")
def _letter() -> Vector:
    message = make_letter(
        _LETTER_TEXT,
        sender=OAKVALE,
        recipient=RIVERSIDE,
        letter=filler("letter", 16),
        expires=NOW + 14 * DAY_MS,
        recipient_key=SealingKey(filler("key of a reader")).public,
        ephemeral=filler("ephemeral"),
    )
    wrong = {"recipient": OAKVALE, "letter": b"", "expires": -1}
    note = f"sealed to the private X25519 key {filler('key of a reader').hex()}"
    return Vector(note=note, message=message, signer="oakvale session", key_seq=6, wrong=wrong)


@vector("letter-ack")
def _letter_ack() -> Vector:
    message = LetterAck(
        sender=RIVERSIDE, recipient=OAKVALE, letter=filler("letter", 16), time=NOW, answer=DELIVERED
    )
    wrong = {"answer": "blocked", "letter": b""}
    return Vector(note="it arrived", message=message, signer="riverside session", key_seq=6, wrong=wrong)


# --- 9 Sessions --------------------------------------------------------------------------------------------


@vector("greeting")
def _greeting() -> Vector:
    message = Greeting(sender=OAKVALE, recipient=RIVERSIDE, nonce=filler("dialler", 16))
    return Vector(note="proves nothing, so it is not signed", message=message, wrong={"nonce": b""})


def _hello(note: str, dialled: bool, tls_seen: bytes | None) -> Vector:
    message = Hello(
        sender=OAKVALE,
        recipient=RIVERSIDE,
        sender_nonce=filler("dialler", 16),
        recipient_nonce=filler("listener", 16),
        dialled=dialled,
        boot=filler("boot", 16),
        session_no=3,
        time=NOW,
        versions=(1,),
        tls_seen=tls_seen,
    )
    wrong = {"recipient": OAKVALE, "versions": (), "dialled": 1, "boot": b""}
    return Vector(note=note, message=message, signer="oakvale session", key_seq=6, wrong=wrong)


@vector("hello-dialler")
def _hello_dialler() -> Vector:
    return _hello("the dialler of a pinned peer tells the certificate it saw", True, filler("certificate"))


@vector("hello-listener")
def _hello_listener() -> Vector:
    return _hello("a listener sees no certificate", False, None)


@vector("memo")
def _memo() -> Vector:
    passing = Passing(peer=OAKVALE, nonce=filler("terms", 16), epoch=0, seq=3)
    note = "of a connector, before it is sealed under a key of the scheme's own"
    return Vector(note=note, message=Memo(memory=passing), wrong={"memory": ("c",)})
