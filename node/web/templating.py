"""The template environment: strict, escaping, in one language, and compiled for pages of many small values.

Templates here read views, which are frozen dataclasses of short texts. So an attribute is compiled to plain
attribute access (a missing one raises, as StrictUndefined would), and the escaped form of short texts is
remembered: names, units and places come back on every page. `kept(macro, …)` is what a macro of macros.html makes
of values that can be hashed, written once for equal values: a list shows the same cards to many readers.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import InternationalizationExtension
from jinja2.runtime import Macro
from markupsafe import Markup, escape

from node.web.offered import Offered
from node.web.views.page import Option
from node.web.words import Words

TEMPLATES: Final = Path(__file__).with_name("templates")
# Longer texts rarely come twice, and keeping them would cost memory: 4,096 × 100 characters are under 2 MB.
REMEMBERED_CHARACTERS_MAX: Final = 100
REMEMBERED_TEXTS_MAX: Final = 4096
# Pieces of HTML in one language: a kilobyte or two each, with the values they are made of.
KEPT_MAX: Final = 1024


@lru_cache(maxsize=REMEMBERED_TEXTS_MAX)
def _escaped_text(text: str) -> str:
    return str(escape(text))


def quick_escape(value: Any) -> str:
    """Return `value` safe for HTML, like markupsafe's `escape`."""
    # Exactly str: Markup is equal to its text, so remembering both under one key would let markup through.
    kind = type(value)
    if kind is str:
        return _escaped_text(value) if len(value) <= REMEMBERED_CHARACTERS_MAX else escape(value)
    if kind is Markup:
        safe: Markup = value
        return safe
    return escape(value)


def _written(macro: Macro, *values: Any) -> Markup:
    """Return what a macro makes of values; one that takes no other things is the same whenever it is asked."""
    return Markup(macro(*values))  # noqa: S704  # a macro escapes


class ViewCodeGenerator(CodeGenerator):
    """Compiles templates that read values with attributes."""

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802  # the name is Jinja's
        # Names with an underscore in front take the careful way, so that no template reaches them.
        if node.attr.startswith("_"):
            super().visit_Getattr(node, frame)
            return
        self.write("(")
        self.visit(node.node, frame)
        self.write(f").{node.attr}")

    def visit_Call(  # noqa: N802  # as above
        self, node: nodes.Call, frame: Frame, forward_caller: bool = False
    ) -> None:
        # Without the ceremony of a call that might want the context: there is one for each row of a list.
        if isinstance(node.node, nodes.Name) and node.node.name == "kept" and not node.kwargs:
            self.write("environment.kept(")
            for index, argument in enumerate(node.args):
                self.write(", " if index else "")
                self.visit(argument, frame)
            self.write(")")
        else:
            super().visit_Call(node, frame, forward_caller=forward_caller)

    def _output_child_pre(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.quick_escape(")


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


class PageEnvironment(Environment):
    """An environment with the code generator above."""

    code_generator_class = ViewCodeGenerator
    quick_escape = staticmethod(quick_escape)

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.kept: Final = lru_cache(KEPT_MAX)(_written)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return what templates know by name: all is known before the first is loaded, so it needs no chain of maps."""
        return {**self.globals, **(d or {})}


def make_environment(words: Words, **constants: object) -> Environment:
    """Return an environment whose templates speak `words` and know `constants` by their names."""
    environment = PageEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
        extensions=[Translated, Offered],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.extend(interlets_words=words)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        words.gettext, words.ngettext, newstyle=True, pgettext=words.pgettext, npgettext=words.npgettext
    )
    environment.globals.update(constants, Option=Option)
    return environment
