"""One example of every object that schemes say to each other: the source of the golden vectors.

To add one, write a function below that returns a `Vector`, decorate it with the name of its file, and run
`scripts/make_vectors`. Keys, ids and nonces come from `key(name)` and `filler(name, size)`, so that the bytes are
the same for ever. The usual mutations (signature, key, tag, spelling, length) are added by themselves; `wrong`
names values of single fields that must be refused. Source: docs/protocol.md 1, and 11 (golden vectors).
"""

from __future__ import annotations

from typing import Final

from crypto.digest import Id32, object_id
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
    Revoke,
    Rotate,
    next_key_digest,
)
from protocol.message import encode_message, to_value
from protocol.names import SchemeId
from tests.vector_making import Vector, filler, key, vector

NOW: Final = 1_767_225_600_000  # 1 January 2026, 0:00 UTC

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
    return _identity("a ledger key", 1, Delegate(purpose=LEDGER, public_key=key("oakvale ledger").public.raw))


@vector("identity-delegate-seal")
def _delegate_seal() -> Vector:
    # The base point of X25519: a good key whose secret nobody needs here.
    return _identity("an X25519 key", 2, Delegate(purpose=SEAL, public_key=bytes([9]) + bytes(31)))


@vector("identity-revoke")
def _revoke() -> Vector:
    return _identity("the end of the key delegated at seq 1", 3, Revoke(delegate_seq=1))


@vector("identity-end-closure")
def _end_closure() -> Vector:
    return _identity("the scheme closes", 4, End(reason=CLOSURE, successor=None))


@vector("identity-end-successor")
def _end_successor() -> Vector:
    return _identity("another scheme goes on", 4, End(reason=SUCCESSOR, successor=RIVERSIDE))
