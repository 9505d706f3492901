"""Languages that are no catalogue: English made longer, a right-to-left one, and a few texts of a real one."""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Mapping

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from node.web.words import Pack, Words

# What stays as it is: placeholders, tags.
KEPT = re.compile(r"(%\(\w+\)[a-z]|%%|<[^>]*>)")
LONGER = 1.4
_ACCENTS = str.maketrans("aeiouyAEIOUYcns", "áéíóúýÁÉÍÓÚÝçñš")
_ARABIC = str.maketrans(dict(zip("abcdefghijklmnopqrstuvwxyz", "ابثدعفجحيجكلمنهبقرستوفوخيز", strict=True)))


def _each(text: str, change: Mapping[int, str]) -> str:
    return "".join(
        part if KEPT.fullmatch(part) else part.translate(change) for part in KEPT.split(text) if part
    )


class Longer(gettext.NullTranslations):
    """Each text with accents, in brackets, and two fifths longer, as German or Finnish would be."""

    def gettext(self, message: str) -> str:
        more = "one two three four five six seven eight nine ten " * 20
        words = more[: max(2, round(len(KEPT.sub("", message)) * (LONGER - 1)))].rstrip()
        return f"[{_each(message, _ACCENTS)} {words}]"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        return message  # patterns of dates

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return self.ngettext(msgid1, msgid2, n)


class InArabicLetters(Longer):
    """Each text in Arabic letters, which say nothing and run from the right."""

    def gettext(self, message: str) -> str:
        return _each(message.lower(), _ARABIC)


LONG = Words("en", Pack.LETS, Longer())
FROM_THE_RIGHT = Words("ar", Pack.LETS, InArabicLetters())


def words_with(language: str, texts: Mapping[tuple[str, str] | str, tuple[str, ...] | str]) -> Words:
    """Return a language that says only `texts`: a text, or its two English forms and all of that language."""
    catalogue = Catalog(locale=language)
    for message, said in texts.items():
        catalogue.add(message, said)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Words(language, Pack.LETS, gettext.GNUTranslations(compiled))
