"""Pictures that telephones read. Source: docs/pages.md 8.7, 10."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

# Around it are four modules of white, as the standard asks; in all no wider than a narrow telephone.
BORDER: Final = 4
WIDTH_PX: Final = 270


def picture_of(text: str, *, sized: bool = True) -> Markup:
    """Return the QR code of `text`, as SVG that needs neither another request nor, if it is `sized`, a style."""
    # Needed on few pages and nowhere else in a running node.
    import segno

    code = segno.make(text, error="m", micro=False)
    scale = max(1, WIDTH_PX // code.symbol_size(scale=1, border=BORDER)[0]) if sized else 1
    drawn = code.svg_inline(
        scale=scale,
        border=BORDER,
        light="#fff",
        dark="#000",
        omitsize=not sized,
        svgclass="qr-code",
        lineclass=None,
    )
    return Markup(drawn)  # noqa: S704 - drawn by the library from modules, our text is not in it
