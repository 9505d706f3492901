"""Telling those who own a thing together who else does. A part of the unit it tells of. Source: docs/protocol.md 5.9."""

from __future__ import annotations

from node.services.members import Member
from node.services.telling import Telling
from node.services.thing_rows import Thing
from node.store import Tx
from node.web.listing_names import listing_id


class ThingTelling(Telling):
    """Tells of owners. Notes on paper name nobody: they outlive what was erased."""

    def asks(self, tx: Tx, thing: Thing, who: Member) -> None:
        """Tell a member that they are asked to own a thing too: it waits for them."""
        _ = self._words(who).gettext
        said = _("%(name)s asks you to own this together: %(what)s") % _said(thing, thing.first)
        note = _("Somebody asks you to own a thing together with them.")
        self.told_or_noted(tx, who, (said,), self._path(thing), note)

    def agreed(self, tx: Tx, thing: Thing, who: Member) -> None:
        """Tell whoever lists a thing that somebody said yes."""
        words = self._words(thing.first)
        self._tell(
            tx,
            thing,
            thing.first,
            words.gettext("%(name)s owns this with you now: %(what)s") % _said(thing, who),
        )

    def ended(self, tx: Tx, thing: Thing, who: Member, *, by: Member) -> None:
        """Tell the one who did not say so that `who` owns a thing no longer, or never will."""
        reader = who if by.no == thing.first.no else thing.first
        _ = self._words(reader).gettext
        if reader.no == who.no:
            said = _("%(name)s says that you do not own this with them any more: %(what)s")
        else:
            said = _("%(name)s does not own this with you: %(what)s")
        self._tell(tx, thing, reader, said % _said(thing, by))

    def _tell(self, tx: Tx, thing: Thing, reader: Member, said: str) -> None:
        self._news_of(tx, reader, (said,), self._path(thing))

    @staticmethod
    def _path(thing: Thing) -> str:
        return f"/l/{listing_id(thing.owned.listing.key)}/owners"


def _said(thing: Thing, who: Member) -> dict[str, str]:
    return {"name": who.name, "what": thing.owned.listing.content.title}
