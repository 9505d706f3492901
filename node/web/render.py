"""From a view to a page: one template environment for each language and wording pack.

All that stays the same between requests is done once: the texts of a language are put into its templates
when these are compiled, so a request looks up no catalogue, and an environment is made when its language is
first asked for, never for a request.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, nodes
from jinja2.ext import InternationalizationExtension

from node.web.assets import Assets
from node.web.views.page import Page, View
from node.web.words import Pack, Words, words_for

TEMPLATES: Final = Path(__file__).with_name("templates")


class Translated(InternationalizationExtension):
    """Gettext that puts texts without variables into the template while it is compiled."""

    def _make_node(
        self,
        singular: str,
        plural: str | None,
        context: str | None,
        variables: dict[str, nodes.Expr],
        plural_expr: nodes.Expr | None,
        vars_referenced: bool,
        num_called_num: bool,
    ) -> nodes.Output:
        words: Words | None = getattr(self.environment, "interlets_words", None)
        if words is None or plural_expr is not None or variables or vars_referenced:
            return super()._make_node(
                singular, plural, context, variables, plural_expr, vars_referenced, num_called_num
            )
        text = words.gettext(singular) if context is None else words.pgettext(context, singular)
        return nodes.Output([nodes.TemplateData(text.replace("%%", "%"))])


class Renderer:
    """Makes pages; holds the compiled templates of each language and pack in use."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
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
            body=self.render(page, view).encode(),
            status=status,
            headers={"Content-Type": "text/html; charset=utf-8"},
        )

    def _environment(self, language: str, pack: Pack) -> Environment:
        environment = self._environments.get((language, pack))
        if environment is None:
            environment = make_environment(words_for(language, pack))
            environment.globals["assets"] = self._assets.urls
            self._environments[language, pack] = environment
        return environment


def make_environment(words: Words) -> Environment:
    """Return an environment whose templates speak `words`."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
        extensions=[Translated],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.extend(interlets_words=words)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        words.gettext, words.ngettext, newstyle=True, pgettext=words.pgettext, npgettext=words.npgettext
    )
    return environment
