"""The note of a LOCK: the payer's acceptance of a quote, sealed for the payee's scheme. Source: docs/protocol.md 7.1."""

from __future__ import annotations

from typing import Final, Protocol

from crypto.keys import BadKey
from crypto.sealing import SEALING_OVERHEAD_BYTES, Box, CannotOpen, open_sealed
from crypto.signing import Signed
from node.clock import Chance
from node.keyring import KeyRing
from node.services.line_units import KeyDirectory
from protocol.errors import ProtocolError
from protocol.identity import IdentityState
from protocol.line_ops import Lock
from protocol.message import open_message
from protocol.names import Handle, QuoteId, SchemeId
from protocol.quote import (
    Acceptance,
    Quote,
    fits_note,
    note_binding,
)

_NOTE_INFO: Final = b"interlets/1/note"


class Directory(KeyDirectory, Protocol):
    """What is known of other schemes' keys."""

    def state(self, scheme: SchemeId) -> IdentityState | None:
        """Return a scheme's identity, or None if it is unknown."""


class LockNotes:
    """Writes and reads them."""

    def __init__(self, keyring: KeyRing, chance: Chance, directory: Directory):
        self._keyring: Final = keyring
        self._chance: Final = chance
        self._directory: Final = directory

    def ready(self, payee: SchemeId) -> ReadyNote:
        """Return a note to `payee` whose box can be made ready before there is anything to accept."""
        return ReadyNote(self, payee)

    def box(self, payee: SchemeId, stands: Box | None = None) -> Box:
        """Return a box to `payee`: the one that stands, if it is to the key in force.

        Raises:
            BadKey: the payee has no sealing key any more.
        """
        identity = self._directory.state(payee)
        seal_key = None if identity is None else identity.current("seal")
        if seal_key is None:
            raise BadKey("the payee has no sealing key any more")
        if stands is not None and stands.recipient == seal_key.public_key:
            return stands
        return Box(seal_key.public_key, _NOTE_INFO, ephemeral=self._chance.bytes(32))

    def accept(
        self, quote: Signed[Quote], payer_handle: Handle, ready: ReadyNote | None = None
    ) -> tuple[Signed[Acceptance], bytes]:
        """Return my acceptance of a quote, and the same sealed for the payee, as a LOCK's note.

        Raises:
            BadKey: the payee has no sealing key any more.
        """
        body, quote_id = quote.body, QuoteId(quote.id)
        box = (ready or self.ready(body.payee_scheme)).take()
        acceptance = self._keyring.sign(
            "line",
            Acceptance(quote_id=quote_id, payer_scheme=body.payer_scheme, payer_handle=payer_handle),
        )
        assert fits_note(acceptance.wire, SEALING_OVERHEAD_BYTES)
        return acceptance, box.close(note_binding(quote_id), acceptance.wire)

    def acceptance_of(self, lock: Lock) -> Signed[Acceptance] | None:
        """Return the verified acceptance in the note of a lock that ends here, or None."""
        try:
            wire = open_sealed(self._keyring.seal[1], _NOTE_INFO, note_binding(lock.quote_id), lock.note)
            return open_message(
                Acceptance,
                wire,
                lambda body, key_seq: self._directory.key_for(body.payer_scheme, "line", key_seq),
            )
        except (CannotOpen, ProtocolError):
            return None


class ReadyNote:
    """The box of one note, made while the price is on its way or the member reads it, so that paying need not wait."""

    def __init__(self, notes: LockNotes, payee: SchemeId):
        self._notes: Final = notes
        self._payee: Final = payee
        self._box: Box | None = None
        self._taken = False

    def prepare(self) -> None:
        """Make the box, unless it is not wanted any more."""
        if self._taken or self._box is not None:
            return
        try:
            self._box = self._notes.box(self._payee)
        except BadKey:
            return  # told to whoever takes it

    def take(self) -> Box:
        """Return the box; another one every time. Raises BadKey."""
        box, self._box, self._taken = self._box, None, True
        return self._notes.box(self._payee, box)
