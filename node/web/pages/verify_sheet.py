"""For anybody: what the sheet of a closed period proves, of whichever scheme. Source: docs/protocol.md 4.5; docs/pages.md 7.1."""

from __future__ import annotations

from collections.abc import Iterable

from node.web.context import Context
from node.web.pages.schemes import Schemes
from node.web.pages.signers import Signers, unit_of_scheme
from node.web.rates import hours_words
from node.web.views.page import Fact, Pill
from node.web.views.receipts import Result
from protocol.audit_sheet import SheetProven, verify_sheet
from protocol.names import scheme_text
from protocol.receipt_proof import Broken


async def sheet_result(context: Context, data: bytes, schemes: Schemes) -> Result:
    """Return what a file that calls itself a sheet proves."""
    _ = context.words.gettext
    found = await context.node.offload(verify_sheet, data)
    if isinstance(found, Broken):
        return Result(
            state=Pill(text=_("Do not trust it"), tone="stop"),
            title=_("This sheet does not hold"),
            sentences=(
                _("What it says was never signed by that scheme, or was changed."),
                _("It proves nothing. Ask whoever gave it to you for the file as their scheme made it."),
            ),
        )
    signers = Signers(context, schemes)
    sentences = [
        _("Nothing in it was changed. Whose word it is stands below: compare the six words."),
        _("All balances together are zero, as they must be."),
    ]
    if found.included is None:
        sentences.append(_("The book behind it is not published that far yet. A newer file will show it."))
    else:
        sentences.append(signers.checked(found.included))
    if signers.has_ended(found.own.scheme, found.key_seq):
        sentences.append(
            _("The scheme has since ended the key that signed it: do not trust it without asking them.")
        )
    return Result(
        state=Pill(text=_("Whole"), tone="good"),
        title=_("This sheet is whole"),
        sentences=tuple(sentences),
        facts=tuple(_facts(context, found, schemes)),
        schemes=(signers.shown(_("Signed by"), found.own), *signers.vouching(found.included)),
    )


def _facts(context: Context, found: SheetProven, schemes: Schemes) -> Iterable[Fact]:
    _, voice, sheet = context.words.gettext, context.voice, found.sheet
    unit = unit_of_scheme(found.own.says)
    yield Fact(label=context.words.pgettext("time", "From"), text=voice.moment(sheet.from_ms))
    yield Fact(label=context.words.pgettext("time", "To"), text=voice.moment(sheet.to_ms))
    yield Fact(label=_("Closed"), text=voice.moment(sheet.made_ms))
    yield Fact(label=_("People who had traded by then"), text=str(sheet.people))
    yield Fact(label=_("People above zero"), text=voice.spoken(sheet.ahead, unit))
    yield Fact(label=_("People below zero"), text=voice.spoken(-sheet.behind, unit))
    yield Fact(label=_("Trades in that time"), text=str(sheet.trades))
    yield Fact(label=_("Moved in all"), text=voice.spoken(sheet.turnover, unit))
    for each in sheet.lines:
        if each.balance:
            known = schemes.get(each.scheme)
            name = {"name": scheme_text(each.scheme)[:12] + "…" if known is None else known.name}
            label = _("Owed by %(name)s") if each.balance > 0 else _("Owed to %(name)s")
            yield Fact(label=label % name, text=hours_words(abs(each.balance), voice))
