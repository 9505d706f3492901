"""A request about a listing of another scheme: what each side says of it, and what whoever asks reads of that.

Each side has one line of its own and sends all of it anew whenever it changes, with a turn that rises; the newest turn
counts, so letters may be lost, come twice or in another order. The listing's scheme decides; the other side shows what it
was told. Source: docs/protocol.md 7.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.limits import TIME_MS_MAX


class Wants(StrEnum):
    """The word of whoever asks."""

    ASK = "ask"
    TAKE_BACK = "take-back"  # also after a yes
    HAS_IT = "has-it"  # it changed hands, or is over


class Stands(StrEnum):
    """The word of the listing's scheme."""

    ASKED = "asked"  # it waits for the owner's yes or no
    COUNTERED = "countered"  # of a swap: the owner proposes other terms, and it waits for whoever asked
    WAITING = "waiting"  # in line behind others
    AGREED = "agreed"
    DECLINED = "declined"  # not to be had, or not by this one
    ENDED = "ended"  # called off by the owner, or somebody else has it
    TAKEN_BACK = "taken-back"  # by whoever asked
    DONE = "done"


FINAL: Final = frozenset({Stands.DECLINED, Stands.ENDED, Stands.TAKEN_BACK, Stands.DONE})


class Seen(StrEnum):
    """What whoever asked reads while the listing's scheme has not said how it stands."""

    SENT = "sent"  # the letter is under way, or was taken and not answered yet
    SILENT = "silent"  # nobody took it in time
    REFUSED = "refused"  # nobody there, too many letters, or not understood
    TAKING_BACK = "taking-back"  # it was taken back, and they have not said that they know


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """What the asker's scheme holds of one request."""

    wants: Wants
    turn: int  # of what the asker said last
    stands: Stands | None  # what the listing's scheme said last
    heard: int  # how far the listing's scheme had read when it said so
    lost: bool = False  # the letter that carried the asker's word ran out
    refused: bool = False  # and this: it was answered with a no

    @property
    def over(self) -> bool:
        """Whether nothing more can become of it."""
        return self.seen in FINAL or self.seen is Seen.REFUSED or self._gave_up

    @property
    def _gave_up(self) -> bool:
        # Taken back without ever having been heard of: nobody there knows of it.
        return self.wants is Wants.TAKE_BACK and self.stands is None and (self.lost or self.refused)

    @property
    def seen(self) -> Stands | Seen:
        """How it stands for whoever asked: the other scheme's word, unless theirs is newer and not heard yet."""
        if self.stands in FINAL and self.stands is not None:
            return self.stands
        if self.wants is Wants.TAKE_BACK and self.heard < self.turn:
            return Seen.TAKING_BACK
        # They have not heard that yet; what was refused can be said anew.
        answered = self.stands is Stands.COUNTERED and self.heard < self.turn and not self.refused
        if self.stands is not None and not answered:
            return self.stands
        if self.refused:
            return Seen.REFUSED
        return Seen.SILENT if self.lost else Seen.SENT


def next_turn(turn: int, now_ms: int) -> int:
    """Return the turn of what a side says next: later than all it said, also after it was restored from an old copy."""
    return min(max(turn + 1, now_ms), TIME_MS_MAX)


def is_newer(turn: int, known: int) -> bool:
    """Tell whether a letter says more than is known of its side; else it is a copy, or was overtaken."""
    return turn > known
