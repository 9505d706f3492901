"""What a receipt proves, in plain English and as records, for tools that have no catalogue of languages.

The pages have their own sentences, in the reader's language. Source: docs/protocol.md 4.4; docs/pages.md 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from protocol.descriptor import Descriptor
from protocol.ledger import LOCAL
from protocol.names import scheme_text
from protocol.receipt_proof import Broken, Fault, Included, Moved, Proven, Signer, Terms
from protocol.units import HOUR

# A clock's reading in words; times of day are the tool's to write.
Moment: TypeAlias = Callable[[int], str]
Record: TypeAlias = dict[str, object]

WRONG: Final[Mapping[Fault, str]] = {
    Fault.UNREADABLE: "It is no receipt, or a part of it is missing or was changed.",
    Fault.IDENTITY: "What shows who its scheme is was changed.",
    Fault.NAME: "The name of a scheme in it was changed.",
    Fault.ENTRY: "What the scheme wrote into its book was changed, or was never written by that scheme.",
    Fault.BOOK: "Its amounts or accounts are not those in the book.",
    Fault.WORDS: "Its names or texts are not those in the book.",
    Fault.KEY_WITHDRAWN: "It was signed with a key that the scheme had ended, and nothing shows that it is older.",
    Fault.LOG: "It is not shown to be in the scheme’s book.",
    Fault.WITNESS: "A scheme that is named as a witness did not vouch for it.",
    Fault.TERMS: "What the two schemes agreed was changed, or belongs to another trade.",
    Fault.ACCEPTANCE: "The scheme of whoever paid did not agree to these terms.",
    Fault.ACKNOWLEDGED: "The scheme of whoever was paid did not confirm this payment.",
}
PROVED: Final[Mapping[str, str]] = {
    "password": "with a password",
    "pin": "with a PIN",
    "link": "from a signed-in browser",
    "broker": "by an organiser",
    "neighbour": "by the other scheme",
    "passkey": "with a passkey",
    "system": "by the scheme’s computer",
    "silence": "because whoever gives did not answer in time",
}


# --- Sentences -----------------------------------------------------------------------------------------------


def told(found: Proven | Broken, moment: Moment) -> tuple[str, ...]:
    """Return what was found, a sentence or two a line. What names and texts would do to a terminal is left out."""
    return tuple(printable(line) for line in _told(found, moment))


def printable(line: str) -> str:
    """Return a line without what names and texts would do to a terminal."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in line)


def _told(found: Proven | Broken, moment: Moment) -> tuple[str, ...]:
    if isinstance(found, Broken):
        return (
            "This receipt does not hold. It proves nothing.",
            WRONG[found.fault],
            f"In detail: {found.why}.",
        )
    lines = ["This receipt is whole: nothing in it was changed.", *by(found.own)]
    lines += [_what(found), *_when(found, moment)]
    if found.agreed is not None:
        lines += _agreed(found.agreed, found.own)
    lines += in_log(found.included, name_of(found.own), moment)
    if found.key_withdrawn:
        lines.append("The scheme has ended the key since; its book shows that this was written before.")
    return tuple(lines)


def name_of(signer: Signer) -> str:
    """Return what a scheme calls itself, or the beginning of its id."""
    return scheme_text(signer.scheme)[:12] + "…" if signer.says is None else signer.says.name


def by(own: Signer) -> tuple[str, ...]:
    """Return whose word it is."""
    name = name_of(own)
    return (
        f"Written by: {name}. Its six words: {' '.join(own.words)}.",
        f"Anybody can call a scheme {name}; nobody can choose the six words. Compare them with what its organisers say.",
    )


def _what(found: Proven) -> str:
    people = [leg for leg in found.moved if leg.role is None and leg.unit == LOCAL]
    gave = [_person(leg) for leg in people if leg.amount < 0]
    got = [_person(leg) for leg in people if leg.amount > 0]
    amount = spoken(
        sum(leg.amount for leg in people if leg.amount > 0) or -sum(leg.amount for leg in people),
        found.own.says,
    )
    text = "" if found.words is None or not found.words.text else f", for “{found.words.text}”"
    if found.agreed is not None:
        there = found.words.done_by if found.words is not None else "somebody"
        other = name_of(found.agreed.other)
        if found.agreed.we_pay:
            return f"What: somebody of {name_of(found.own)} gave {amount} to {there} of {other}{text}."
        return f"What: somebody of {name_of(found.own)} got {amount} from {there} of {other}{text}."
    right = "this puts an earlier trade right: " if found.corrects is not None else ""
    sides = f"{' and '.join(gave) or 'the scheme'} gave {amount} to {' and '.join(got) or 'the scheme'}"
    return f"What: {right}{sides}{text}."


def _person(leg: Moved) -> str:
    return leg.name or f"account {leg.account.hex()[:8]}"


def _when(found: Proven, moment: Moment) -> tuple[str, ...]:
    lines = [
        f"When: {moment(found.time_ms)}, by the scheme’s clock. Reference {found.reference}; number {found.seq} in its book."
    ]
    if found.words is None:
        lines.append("Names and texts are not in this file.")
    else:
        lines.append(f"Entered {PROVED[found.words.proved_by]}: {found.words.done_by}.")
    return tuple(lines)


def _agreed(terms: Terms, us: Signer) -> list[str]:
    own, other, quote = name_of(us), name_of(terms.other), terms.quote
    price = f"{quote.amount} of the smallest unit ({quote.unit})"
    payee = terms.other.says if terms.we_pay else us.says
    if payee is not None and payee.unit == quote.unit:
        price = spoken(quote.amount, payee)
    lines = [f"The other scheme: {other}. Its six words: {' '.join(terms.other.words)}."]
    if terms.both_signed:
        lines.append(
            f"Both schemes signed the same terms: {price} there, {hours_spoken(quote.hours)} between the schemes."
        )
    else:
        who = own if terms.accepted == terms.we_pay else other
        lines.append(
            f"The terms, {price} for {hours_spoken(quote.hours)}, carry the signature of {who} only."
        )
    payer, payee_name = (own, other) if terms.we_pay else (other, own)
    lines.append(f"{payee_name} confirmed that {payer} paid.")
    return lines


def in_log(included: Included | None, own: str, moment: Moment) -> list[str]:
    """Return in which book it is, and who vouches for that."""
    if included is None:
        return [
            f"{own} has signed it, and has not published it in its book yet: get the receipt again in some minutes."
        ]
    lines = [f"It is in the book that {own} published, as one of {included.size}."]
    lines += [
        f"Vouched for by {name_of(each.by)} at {moment(each.time_ms)}. Its six words: {' '.join(each.by.words)}."
        for each in included.witnesses
    ]
    if not included.witnesses:
        lines.append("No other scheme vouches for that book here.")
    return lines


# --- Amounts -------------------------------------------------------------------------------------------------


def spoken(amount: int, says: Descriptor | None) -> str:
    """Return an amount (≥ 0) of a scheme's minor units in words; bare where its unit is not known."""
    if says is None:
        return f"{amount} of its smallest unit"
    if says.unit == "hours" and says.minor_per_unit == 60:
        return _hours_and_minutes(amount)
    name = says.unit_name or says.unit
    digits = len(str(says.minor_per_unit)) - 1
    if not digits:
        return f"{amount} {name}"
    whole, part = divmod(amount, says.minor_per_unit)
    return f"{whole}.{part:0{digits}d} {name}"


def hours_spoken(amount: int) -> str:
    """Return hours between schemes (3 600 000ths) in words; what is no whole minute is said to the second."""
    minutes, rest = divmod(amount, HOUR // 60)
    seconds = f" {rest // 1000} seconds" if rest >= 1000 else ""
    return _hours_and_minutes(minutes) + seconds


def _hours_and_minutes(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    parts = [
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((hours, "hour"), (rest, "minute"))
        if count
    ]
    return " ".join(parts) or "0 minutes"


# --- Records -------------------------------------------------------------------------------------------------


def record_of(found: Proven | Broken) -> Record:
    """Return what was found as values for JSON: ids in hexadecimal, times in ms UTC, amounts in minor units."""
    if isinstance(found, Broken):
        return {"proven": False, "fault": found.fault.value, "why": found.why}
    words, agreed = found.words, found.agreed
    return {
        "proven": True, "scheme": signer_record(found.own), "entry": found.entry.hex(), "reference": found.reference,
        "number": found.seq, "time_ms": found.time_ms, "kind": found.kind, "key_withdrawn": found.key_withdrawn,
        "corrects": None if found.corrects is None else found.corrects.hex(),
        "moved": [
            {
                "account": leg.account.hex(), "unit": leg.unit, "amount": leg.amount, "name": leg.name,
                "role": None if leg.role is None else leg.role.value,
            }
            for leg in found.moved
        ],
        "words": None if words is None else {
            "text": words.text, "done_by": words.done_by, "on_behalf_of": words.on_behalf_of,
            "proved_by": words.proved_by, "reason": words.reason,
        },
        "log": log_record(found.included),
        "agreed": None if agreed is None else _agreed_record(agreed),
    }  # fmt: skip


def log_record(included: Included | None) -> Record | None:
    """Return in which state of the log something is, and who vouches for it."""
    if included is None:
        return None
    witnesses = [{**signer_record(each.by), "time_ms": each.time_ms} for each in included.witnesses]
    return {"size": included.size, "root": included.root.hex(), "witnesses": witnesses}


def signer_record(signer: Signer) -> Record:
    """Return who signed something."""
    says = signer.says
    return {
        "id": scheme_text(signer.scheme), "six_words": list(signer.words), "name": None if says is None else says.name,
        "unit": None if says is None else says.unit, "minor_per_unit": None if says is None else says.minor_per_unit,
    }  # fmt: skip


def _agreed_record(terms: Terms) -> Record:
    quote = terms.quote
    return {
        "other": signer_record(terms.other), "we_pay": terms.we_pay, "amount": quote.amount, "unit": quote.unit,
        "hours": quote.hours, "rate": quote.rate, "time_ms": quote.time, "both_signed": terms.both_signed,
        "quoted": terms.quoted, "accepted": terms.accepted, "acknowledged": True, "same_text": terms.same_text,
    }  # fmt: skip
