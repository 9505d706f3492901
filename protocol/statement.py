"""Two exports of one line, compared: where they first differ, and whose signature settles it.

Each side of a line writes its own chain and signs every op, so a difference is never word against word: an op that its
author signed counts, a copy that its author did not sign does not, and two signed ops at one place prove who
contradicted itself. Source: docs/protocol.md 6.2, 6.3 (MARK), 6.5, 10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from crypto.keys import VerifyingKey
from crypto.signing import Signed
from protocol.errors import InvalidValue, ProtocolError
from protocol.identity import IdentityState, fold_log
from protocol.line import fold
from protocol.line_ops import Op, Terms, before_epoch
from protocol.line_view import View
from protocol.message import open_message
from protocol.names import LineId, SchemeId


class WhatDiffers(StrEnum):
    """How two copies of one chain differ at their first difference."""

    MISSING_IN_OURS = "missing in ours"  # theirs goes on with an op that its author signed
    MISSING_IN_THEIRS = "missing in theirs"
    TWO_OPS = "two ops"  # the author signed both
    ALTERED_IN_OURS = "altered in ours"  # what we have is not signed by the author, what they have is
    ALTERED_IN_THEIRS = "altered in theirs"
    UNSIGNED = "unsigned"  # neither copy is signed by the author


# Which side's copy is the good one, where its author's signature says so.
GOOD_COPY: Final[Mapping[WhatDiffers, str]] = {
    WhatDiffers.MISSING_IN_OURS: "theirs",
    WhatDiffers.ALTERED_IN_OURS: "theirs",
    WhatDiffers.MISSING_IN_THEIRS: "ours",
    WhatDiffers.ALTERED_IN_THEIRS: "ours",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One side's export of a line, as it was read; nothing in it is believed."""

    terms: Terms
    epoch: int
    by: SchemeId
    identities: Mapping[SchemeId, Sequence[bytes]]
    chains: Mapping[SchemeId, Sequence[bytes]]  # wires by author, from seq 1 on
    names: Mapping[SchemeId, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first place at which two copies of one author's chain differ."""

    author: SchemeId
    seq: int
    what: WhatDiffers
    ours: Signed[Op] | None  # only what its author signed
    theirs: Signed[Op] | None

    @property
    def good(self) -> Signed[Op] | None:
        """The op that counts, by its author's signature; None where that settles nothing."""
        match GOOD_COPY.get(self.what):
            case "ours":
                return self.ours
            case "theirs":
                return self.theirs
            case _:
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two exports say together."""

    line: LineId
    differences: tuple[Difference, ...]  # at most one for each chain, the earlier first
    view: View | None  # the line by both chains where they agree, None where they are no line
    lengths: Mapping[SchemeId, int]


def compare(ours: Statement, theirs: Statement) -> Comparison:
    """Compare two exports of one line.

    Raises:
        InvalidValue: they are of different lines or epochs, or an identity log in them is not its scheme's.
    """
    line = ours.terms.line_id()
    if theirs.terms.line_id() != line or ours.epoch != theirs.epoch:
        raise InvalidValue("these are exports of two different lines")
    ends = (ours.terms.low, ours.terms.high)
    keys = {scheme: _identity(scheme, (ours, theirs)) for scheme in ends}
    found, good = [], {}
    for author in ends:
        copies = [
            _read(each.chains.get(author, ()), keys[author], line, author, ours.epoch)
            for each in (ours, theirs)
        ]
        difference, good[author] = _first_difference(author, ours.epoch, copies[0], copies[1])
        if difference is not None:
            found.append(difference)
    return Comparison(
        line=line,
        differences=tuple(sorted(found, key=_moment)),
        view=None if found else _view(good[ends[0]], good[ends[1]], ours.epoch),
        lengths={author: len(ops) for author, ops in good.items()},
    )


def _identity(scheme: SchemeId, statements: Sequence[Statement]) -> IdentityState:
    """Return the longer of two logs of a scheme, which must begin alike to be the same scheme's."""
    states = []
    for each in statements:
        wires = each.identities.get(scheme, ())
        if not wires:
            continue
        try:
            state = fold_log(wires)
        except ProtocolError as error:
            raise InvalidValue(f"an identity log in it is not whole: {error}") from None
        if state.scheme_id != scheme:
            raise InvalidValue("an identity log in it belongs to another scheme")
        states.append(state)
    if not states:
        raise InvalidValue("neither file says whose keys sign the ops")
    return max(states, key=lambda state: state.seq)


def _read(
    wires: Sequence[bytes], keys: IdentityState, line: LineId, author: SchemeId, epoch: int
) -> list[Signed[Op] | None]:
    """Return each op as its author signed it for this place, None for what is not that."""

    def key_for(body: Op, key_seq: int) -> VerifyingKey | None:
        # Whatever became of the key since: it was the author's when the op was taken.
        given = keys.delegation(key_seq)
        return (
            given.verifying
            if body.author == author and given is not None and given.purpose == "line"
            else None
        )

    ops: list[Signed[Op] | None] = []
    for seq, wire in enumerate(wires, before_epoch(epoch) + 1):
        try:
            op = open_message(Op, wire, key_for)
        except ProtocolError:
            ops.append(None)
            continue
        fits = (op.body.line, op.body.epoch, op.body.seq) == (line, epoch, seq)
        ops.append(op if fits else None)
    return ops


def _first_difference(
    author: SchemeId, epoch: int, ours: Sequence[Signed[Op] | None], theirs: Sequence[Signed[Op] | None]
) -> tuple[Difference | None, list[Signed[Op]]]:
    """Return the first difference, and the chain both have before it."""
    same: list[Signed[Op]] = []
    for at in range(max(len(ours), len(theirs))):
        mine = ours[at] if at < len(ours) else None
        other = theirs[at] if at < len(theirs) else None
        if mine is not None and other is not None and mine.id == other.id:
            same.append(mine)
            continue
        what = _what(mine, other, in_ours=at < len(ours), in_theirs=at < len(theirs))
        seq = before_epoch(epoch) + at + 1
        return Difference(author=author, seq=seq, what=what, ours=mine, theirs=other), same
    return None, same


def _what(
    mine: Signed[Op] | None, other: Signed[Op] | None, *, in_ours: bool, in_theirs: bool
) -> WhatDiffers:
    if mine is not None and other is not None:
        return WhatDiffers.TWO_OPS
    if mine is not None:
        return WhatDiffers.ALTERED_IN_THEIRS if in_theirs else WhatDiffers.MISSING_IN_THEIRS
    if other is not None:
        return WhatDiffers.ALTERED_IN_OURS if in_ours else WhatDiffers.MISSING_IN_OURS
    return WhatDiffers.UNSIGNED


def _moment(difference: Difference) -> tuple[int, SchemeId]:
    signed = difference.good or difference.ours or difference.theirs
    return (0 if signed is None else signed.body.time), difference.author


def _view(low: Sequence[Signed[Op]], high: Sequence[Signed[Op]], epoch: int) -> View | None:
    try:
        return fold([op.body.step for op in low], [op.body.step for op in high], epoch)
    except ProtocolError:
        return None
