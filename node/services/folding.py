"""Words as they are searched for: without case, accents, and letters that one keyboard has and the next one lacks.

What is searched and what is typed are folded alike; what an older release folded is folded anew at the next start
(`refolding.py`). Source: docs/pages.md 12.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Raised with every change of what `fold` returns.
FOLDING: Final = 2

# Letters of their own that no decomposition takes apart, as people write them who do not have them.
_PLAIN: Final = str.maketrans({
    "æ": "ae", "ð": "d", "ø": "o", "þ": "th", "đ": "d", "ħ": "h", "ı": "i", "ĸ": "k", "ł": "l", "ŋ": "n", "œ": "oe", "ŧ": "t",
    "ƀ": "b", "ɓ": "b", "ƙ": "k", "ɗ": "d", "ƴ": "y", "ə": "e", "ʼ": "'", "’": "'", "‘": "'",
})  # fmt: skip
# Catalan col·lecció, however its dot is typed: one letter, not the end of a word.
_DOTTED_L: Final = re.compile("(?<=l)[·•‧∙⋅・](?=l)")


def fold(text: str) -> str:
    """Return `text` without case, accents, and letters only some keyboards have. Folded once more it stays as it is."""
    # Decomposed first: case is folded of what was one sign, like İ or ŀ, and once more of what decomposing made.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign)).translate(_PLAIN)
    return _DOTTED_L.sub("", letters)
