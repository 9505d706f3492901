"""From a view to a page: one template environment for each language and wording pack.

All that stays the same between requests is done once: the texts of a language are put into its templates
when these are compiled, so a request looks up no catalogue, and an environment is made when its language is
first asked for, never for a request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from jinja2 import Environment, Template
from markupsafe import Markup

from node.web.assets import Assets
from node.web.templating import make_environment
from node.web.views.page import Page, View
from node.web.words import Pack, Words, words_for

# The bar's five pictures, each beside its word; drawn on a grid of 24.
_STROKES: Final = {
    "home": "M3 11.5 12 4l9 7.5M5.5 10v9.5h13V10M10 19.5v-5h4v5",
    "find": "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm5-1.5L21 21",
    "record": "M3.5 8h16m-4-4 4 4-4 4M20.5 17h-16m4-4-4 4 4 4",
    "messages": "M4 5.5h16v11H11L6.5 20v-3.5H4Z",
    "me": "M12 11.5A3.75 3.75 0 1 0 12 4a3.75 3.75 0 0 0 0 7.500ZM4.5 20c.7-4 3.7-6 7.5-6s6.8 2 7.5 6",
}
ICONS: Final = {
    name: Markup(
        '<svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">'
        '<path d="{}" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round"'
        ' stroke-linejoin="round"/></svg>'
    ).format(strokes)
    for name, strokes in _STROKES.items()
}


# Signs that turn what follows around: an override in somebody's title would rewrite the price beside it. Nothing
# of ours holds them, and what right-to-left scripts need (marks, joiners) is not among them.
_TURNING: Final = "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
# Their UTF-8, all at once: one look through the bytes is twenty times as fast as one for each sign.
_TURNING_BYTES: Final = re.compile(b"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])")
_WITHOUT: Final = str.maketrans("", "", _TURNING)


def straight(page: str) -> bytes:
    """Return a page as it is sent: without signs that turn text around."""
    body = page.encode()
    if _TURNING_BYTES.search(body):  # seldom; looking costs far less than leaving out
        return page.translate(_WITHOUT).encode()
    return body


class Renderer:
    """Makes pages; holds the compiled templates of each language and pack in use."""

    def __init__(self, assets: Assets) -> None:
        self.assets: Final = assets
        self._environments: dict[tuple[str, Pack], Environment] = {}
        self._templates: dict[tuple[str, Pack, str], Template] = {}

    def render(self, page: Page, view: View) -> str:
        """Return the HTML of `view` as `page`'s reader gets it."""
        key = (page.words.language, page.words.pack, view.TEMPLATE)
        template = self._templates.get(key)
        if template is None:
            environment = self._environment(page.words.language, page.words.pack)
            template = self._templates[key] = environment.get_template(view.TEMPLATE)
        return template.render(page=page, view=view)

    def response(self, page: Page, view: View, status: int = 200) -> web.Response:
        """Return the answer that carries the page."""
        return web.Response(
            body=straight(self.render(page, view)),
            status=status,
            headers={"Content-Type": "text/html; charset=utf-8"},
        )

    def for_paper(self, page: Page, view: View) -> tuple[str, Mapping[str, tuple[str, str]]]:
        """Return the HTML of a page, and the files it names that matter on paper."""
        return straight(self.render(page, view)).decode(), self.assets.texts()

    def _environment(self, language: str, pack: Pack) -> Environment:
        environment = self._environments.get((language, pack))
        return self.speak(words_for(language, pack)) if environment is None else environment

    def speak(self, words: Words) -> Environment:
        """Return the templates in `words`, and make them those of that language and pack."""
        environment = make_environment(words, assets=self.assets.urls, icons=ICONS)
        self._environments[words.language, words.pack] = environment
        return environment
