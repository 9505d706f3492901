"""The words of the pages: one catalogue for a language and a wording pack.

The texts in the source are English in the LETS pack, so that combination needs no file. A language is
`locale/LANGUAGE/messages.po`, a pack `locale/LANGUAGE/PACK.po` holding only the texts it says differently:
a text is looked for in the pack, then in the language, then taken as it is written in the source. The files
are read when they are first needed; there is no compile step. `scripts/messages` keeps them up to date.
"""

from __future__ import annotations

import enum
import gettext
import io
import itertools
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

LOCALE: Final = Path(__file__).with_name("locale")
SOURCE_LANGUAGE: Final = "en"
RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})


class Pack(enum.StrEnum):
    """How a scheme speaks of trades; chosen by its organisers."""

    LETS = "lets"
    TIMEBANK = "timebank"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Words:
    """All texts of one language in one pack."""

    language: str
    pack: Pack
    catalogue: gettext.NullTranslations = field(repr=False, compare=False)

    @property
    def direction(self) -> str:
        """Return "ltr" or "rtl", for the `dir` attribute."""
        return "rtl" if self.language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"

    def gettext(self, message: str) -> str:
        return self.catalogue.gettext(message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return self.catalogue.ngettext(singular, plural, number)

    def pgettext(self, context: str, message: str) -> str:
        return self.catalogue.pgettext(context, message)

    def npgettext(self, context: str, singular: str, plural: str, number: int) -> str:
        return self.catalogue.npgettext(context, singular, plural, number)


@lru_cache(maxsize=64)
def words_for(language: str = SOURCE_LANGUAGE, pack: Pack = Pack.LETS) -> Words:
    """Return the words of `language` (a tag such as "en" or "pt-BR") in `pack`."""
    folder, base = language.replace("-", "_"), language.partition("-")[0]
    chain: list[gettext.NullTranslations] = [
        catalogue
        for name in (pack.value, "messages")
        for place in dict.fromkeys((folder, base))  # Austrian German first, then German
        if (catalogue := _catalogue(LOCALE / place / f"{name}.po")) is not None
    ]
    chain.append(gettext.NullTranslations())
    for first, second in itertools.pairwise(chain):
        first.add_fallback(second)
    return Words(language, pack, chain[0])


def languages() -> tuple[str, ...]:
    """Return the languages there are texts in, the source language first."""
    others = sorted(path.parent.name.replace("_", "-") for path in LOCALE.glob("*/messages.po"))
    return (SOURCE_LANGUAGE, *(language for language in others if language != SOURCE_LANGUAGE))


def _catalogue(path: Path) -> gettext.GNUTranslations | None:
    if not path.is_file():
        return None
    # Imported here because a scheme in English with LETS words never needs it.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path.open("rb") as source:
        entries = read_po(source)
    compiled = io.BytesIO()
    write_mo(compiled, entries)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
