"""Who signed a file, in the reader's words: name, six words, and whether we know them. Source: docs/protocol.md 4.4; docs/pages.md 7.1."""

from __future__ import annotations

from typing import Final

from babel.lists import format_list

from node.web.amounts import HOURS, Unit
from node.web.context import Context
from node.web.pages.schemes import Schemes
from node.web.views.receipts import SchemeShown
from protocol.descriptor import Descriptor
from protocol.names import KeySeq, SchemeId, scheme_text
from protocol.receipt_proof import Included, Signer

_MINUTES: Final = 60
_DECIMALS_MAX: Final = 6


class Signers:
    """Shows schemes that signed something."""

    def __init__(self, context: Context, schemes: Schemes):
        self._context: Final = context
        self._schemes: Final = schemes

    def shown(self, part: str, signer: Signer, note: str = "") -> SchemeShown:
        """Return a scheme with its six words and whether we know it."""
        known, warns = self._known(signer)
        return SchemeShown(
            part=part, name=self.name(signer), words=signer.words, known=known, warns=warns, note=note
        )

    def name(self, signer: Signer) -> str:
        """Return what a scheme is called here, or calls itself."""
        if signer.says is not None:
            return signer.says.name
        if signer.scheme in self._schemes:
            return self._schemes[signer.scheme].name
        if signer.scheme == self._context.node.scheme:
            return self._context.settings.name
        return scheme_text(signer.scheme)[:12] + "…"

    def _known(self, signer: Signer) -> tuple[str, bool]:
        _, name = self._context.words.gettext, self.name(signer)
        if signer.scheme == self._context.node.scheme:
            return _("This is us."), False
        if signer.scheme in self._schemes:
            return _("We know this scheme. We call it %(name)s.") % {
                "name": self._schemes[signer.scheme].name
            }, False
        names = {self._context.settings.name, *(other.name for other in self._schemes.values())}
        if name.casefold() in {each.casefold() for each in names}:
            return _("Careful: we know a scheme called %(name)s, and this is not it.") % {"name": name}, True
        return _("We do not know this scheme. Ask its organisers for their six words."), True

    def has_ended(self, scheme: SchemeId, key_seq: KeySeq) -> bool:
        """Tell whether a scheme ended a key, as far as this node knows: whoever made the file may have left that out."""
        state = self._context.node.directory.state(scheme)
        known = None if state is None else state.delegation(key_seq)
        return known is not None and known.revoked_seq is not None

    def checked(self, included: Included) -> str:
        """Say who checked the book. A name is told only of whom we know: somebody else's "Hilltop" signs as well."""
        _, voice = self._context.words.gettext, self._context.voice
        known = [each for each in included.witnesses if not self._known(each.by)[1]]
        if known:
            names = sorted(self.name(each.by) for each in known)
            return _("The book it stands in was checked by %(names)s, last on %(moment)s.") % {
                "names": format_list(names, locale=voice.language.replace("-", "_")),
                "moment": voice.moment(max(each.time_ms for each in known)),
            }
        if included.witnesses:
            return _("The book it stands in was checked, but only by schemes that we do not know.")
        return _("The book it stands in is published. No other scheme has said here that it checked it.")

    def vouching(self, included: Included | None) -> tuple[SchemeShown, ...]:
        """Return who vouched for the book that a file is from, and when."""
        _, voice = self._context.words.gettext, self._context.voice
        at = _("It vouched for the book on %(moment)s.")
        return tuple(
            self.shown(_("Vouched for by"), each.by, at % {"moment": voice.moment(each.time_ms)})
            for each in (() if included is None else included.witnesses)
        )


def unit_of_scheme(says: Descriptor | None) -> Unit | None:
    """Return the unit a descriptor names; None where there is none."""
    if says is None:
        return None
    if says.unit == "hours" and says.minor_per_unit == _MINUTES:
        return HOURS
    name = says.unit_name or says.unit
    decimals = min(len(str(says.minor_per_unit)) - 1, _DECIMALS_MAX)
    return Unit(code=says.unit, kind="decimal", decimals=decimals, symbol=name, names={"en": {"other": name}})
