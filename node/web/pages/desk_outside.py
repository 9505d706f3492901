"""What other schemes were given about a member, in words: nobody here can take it back. Source: docs/pages.md 7.4, 8.10."""

from __future__ import annotations

from collections.abc import Sequence

from node.services.erasure import Outside
from node.web.context import Context
from node.web.pages.schemes import Schemes
from protocol.names import scheme_text


def outside_words(
    context: Context, schemes: Schemes, given: Sequence[Outside], *, shares: bool
) -> tuple[str, ...]:
    """Return a sentence for each scheme that was given something, and one for listings that went to neighbours."""
    _ = context.words.gettext
    said = []
    for each in given:
        name = schemes[each.scheme].name if each.scheme in schemes else scheme_text(each.scheme)
        said.append(what_it_has(context, each, name, _("a random number that stands for them")))
    if shares:
        said.append(_("Neighbouring schemes were sent their offers and wants; they are told to drop them."))
    return tuple(said)


def what_it_has(context: Context, given: Outside, name: str, number: str) -> str:
    """Return what the scheme called `name` was given, in a sentence; `number` says what a handle is to the reader."""
    _, ngettext = context.words.gettext, context.words.ngettext
    parts = []
    if given.letters:
        parts.append(
            ngettext("%(num)d conversation", "%(num)d conversations", given.letters) % {"num": given.letters}
        )
    if given.trades:
        parts.append(ngettext("%(num)d trade", "%(num)d trades", given.trades) % {"num": given.trades})
    if given.handle:
        parts.append(number)
    return _("%(scheme)s: %(what)s.") % {"scheme": name, "what": ", ".join(parts)}
