"""For anybody: what a receipt proves, of whichever scheme, and whether a printed one of ours is in the book.

A file is read, looked at and forgotten. Names in it are its signers' own word, so each is shown with its six words and
with whether we know it. Source: docs/protocol.md 4.4, 7.9; docs/pages.md 7.1.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from node.services.passkey_check import proof_holds
from node.services.receipts import written
from node.services.trades import trades_by_reference
from node.store import ReadTx
from node.web.context import Context, get, post_file
from node.web.forms import EMPTY, Filled
from node.web.pages.schemes import Schemes, schemes_known
from node.web.pages.signers import Signers, unit_of_scheme
from node.web.pages.verify_sheet import sheet_result
from node.web.present import Voice
from node.web.rates import hours_words
from node.web.views.page import Fact, Pill
from node.web.views.receipts import Result, SchemeShown, VerifyView
from protocol.audit_sheet import is_sheet
from protocol.errors import InvalidValue
from protocol.ledger import LOCAL
from protocol.limits import RECEIPT_BYTES_MAX
from protocol.receipt_proof import Broken, Fault, Moved, Proven, Signer
from protocol.references import parse_reference, reference_bits

# What people type for what the code has: as in references, O is 0 and I and L are 1.
_TYPED: Final = str.maketrans("OIL", "011")


async def verify_page(context: Context) -> web.Response:
    """GET /verify?reference&code"""
    asked = {name: context.query(name) for name in ("reference", "code")}
    if not any(asked.values()):
        return context.show(VerifyView())
    return await _asked(context, asked["reference"], asked["code"])


async def paper(context: Context) -> web.Response:
    """GET /verify/{reference}/{code}: what the picture on a printed receipt leads to."""
    return await _asked(context, context.part("reference"), context.part("code"))


# --- A printed receipt of ours (7.9) -------------------------------------------------------------------------


async def _asked(context: Context, reference: str, code: str) -> web.Response:
    form = Filled({"reference": reference, "code": code}, {})
    _ = context.words.gettext
    try:
        bits = reference_bits(parse_reference(reference))
    except InvalidValue:
        sentence = _("This is no reference. It has nine letters and digits, as K7F-3QM-92X.")
        return context.show(VerifyView(asked=form.with_error("reference", sentence)))
    if not context.may_look_at_file():
        return context.show(VerifyView(asked=form.with_error("code", _too_many(context))), 429)
    typed = "".join(sign for sign in code.upper() if sign.isalnum()).translate(_TYPED)
    found = await context.read(_in_book, int.from_bytes(bits, "big"), typed)
    if found is None:
        return context.show(VerifyView(result=_not_in_book(context), asked=form))
    amount, time_ms, state = found
    voice = context.voice
    result = Result(
        state=Pill(text=_("In the book"), tone="good"),
        title=_("%(scheme)s has this trade in its book") % {"scheme": context.settings.name},
        sentences=(_state_words(context, state), _("Compare day and amount with the paper.")),
        facts=(
            Fact(label=_("Day"), text=voice.long_day(time_ms)),
            Fact(label=_("Amount"), text=voice.spoken(amount)),
            Fact(label=_("Reference"), text=parse_reference(reference)),
        ),
    )
    return context.show(VerifyView(result=result))


def _in_book(tx: ReadTx, number: int, code: str) -> tuple[int, int, str] | None:
    """Query: amount, moment and state of the trade, for whoever knows its check code."""
    for trade in trades_by_reference(tx, number):
        entered = written(tx, trade)
        if entered is not None and hmac.compare_digest(entered.check.encode(), code.encode()):
            return trade.amount, entered.time_ms, trade.state
    return None


def _state_words(context: Context, state: str) -> str:
    _ = context.words.gettext
    if state == "corrected":
        return _("It was put right since: a second trade undid it.")
    return _("It stands as it was written.")


def _not_in_book(context: Context) -> Result:
    _ = context.words.gettext
    return Result(
        state=Pill(text=_("Not found"), tone="stop"),
        title=_("There is no such trade in our book"),
        sentences=(
            _(
                "The reference and the check code do not fit together. Perhaps one of the letters was misread."
            ),
            _("A paper of another scheme can only be checked there; its file can be checked here."),
        ),
    )


def _too_many(context: Context) -> str:
    return context.words.gettext("We cannot look at more at the moment. Please try again in a minute.")


# --- A file of any scheme (4.4) ------------------------------------------------------------------------------


async def look_at_file(context: Context) -> web.Response:
    """POST /verify"""
    _, form = context.words.gettext, EMPTY
    if not context.file:
        return context.show(VerifyView(form=form.with_error("file", _("Please choose a file."))))
    if len(context.file) > RECEIPT_BYTES_MAX:
        return context.show(
            VerifyView(form=form.with_error("file", _("The file is too long for a receipt.")))
        )
    if not context.may_look_at_file():
        return context.show(VerifyView(form=form.with_error("file", _too_many(context))), 429)
    schemes = await schemes_known(context)
    if is_sheet(context.file):
        return context.show(VerifyView(result=await sheet_result(context, context.file, schemes)))
    found = await context.node.receipts.verify(context.file)
    if isinstance(found, Broken):
        return context.show(VerifyView(result=_broken(context, found)))
    return context.show(VerifyView(result=Shown(context, found, schemes).result()))


def _broken(context: Context, found: Broken) -> Result:
    _ = context.words.gettext
    said = {
        Fault.UNREADABLE: _("It is no receipt, or a part of it is missing or was changed."),
        Fault.IDENTITY: _("The part that shows who its scheme is was changed."),
        Fault.NAME: _("The name of a scheme in it was changed."),
        Fault.ENTRY: _("What it says was never written by that scheme, or was changed."),
        Fault.BOOK: _("Its amounts are not those that the scheme wrote."),
        Fault.WORDS: _("Its names or texts are not those that the scheme wrote."),
        Fault.KEY_WITHDRAWN: _(
            "It was signed with a key that the scheme had ended, and nothing shows that it is older."
        ),
        Fault.LOG: _("It is not shown to be in the scheme’s book."),
        Fault.WITNESS: _("A scheme is named as a witness and did not vouch for it."),
        Fault.TERMS: _("What the two schemes agreed was changed, or belongs to another trade."),
        Fault.ACCEPTANCE: _("The scheme of whoever paid did not agree to these terms."),
        Fault.ACKNOWLEDGED: _("The scheme of whoever was paid did not confirm this payment."),
    }
    return Result(
        state=Pill(text=_("Do not trust it"), tone="stop"),
        title=_("This receipt does not hold"),
        sentences=(
            said[found.fault],
            _("It proves nothing. Ask whoever gave it to you for the file as their scheme made it."),
        ),
    )


class Shown:
    """What a good receipt says, in the reader's words."""

    def __init__(self, context: Context, found: Proven, schemes: Schemes):
        self._context: Final = context
        self._voice: Final[Voice] = context.voice
        self._found: Final = found
        self._signers: Final = Signers(context, schemes)

    def result(self) -> Result:
        """Return all of it."""
        _, found = self._voice.words.gettext, self._found
        return Result(
            state=Pill(text=_("Whole"), tone="good"),
            title=_("This receipt is whole"),
            sentences=tuple(self._sentences()),
            facts=tuple(self._facts()),
            schemes=(self._signers.shown(_("Written by"), found.own), *self._others()),
        )

    def _sentences(self) -> Iterable[str]:
        _, found = self._voice.words.gettext, self._found
        yield _("Nothing in it was changed. Whose word it is stands below: compare the six words.")
        if found.agreed is not None:
            said = {"own": self._signers.name(found.own), "other": self._signers.name(found.agreed.other)}
            payer, payee = ("own", "other") if found.agreed.we_pay else ("other", "own")
            ends = {"payer": said[payer], "payee": said[payee]}
            if found.agreed.both_signed:
                yield _("%(own)s and %(other)s signed the same terms.") % said
            else:
                yield _("Only one of the two schemes’ signatures under the terms is left.")
            yield _("%(payee)s confirmed that it was paid by %(payer)s.") % ends
        if found.words is not None and found.words.proof:
            if proof_holds(found.words.proof, found.book):
                yield _("Whoever paid signed these amounts with a passkey of their own.")
            else:
                yield _("It says that a passkey signed it, and that is not true.")
        if found.included is None:
            yield _("The book it was written into is not published that far yet. A newer file will show it.")
        else:
            yield self._signers.checked(found.included)
        if found.key_withdrawn or self._signers.has_ended(found.own.scheme, found.key_seq):
            yield _("The scheme has since ended the key that signed it.")

    def _facts(self) -> Iterable[Fact]:
        _, found, voice = self._voice.words.gettext, self._found, self._voice
        people = [leg for leg in found.moved if leg.role is None and leg.unit == LOCAL]
        for label, legs in (
            (_("Gave"), [leg for leg in people if leg.amount < 0]),
            (_("Got"), [leg for leg in people if leg.amount > 0]),
        ):
            for leg in legs:
                yield Fact(
                    label=label, text=f"{self._person(leg)}: {self._amount(abs(leg.amount), found.own)}"
                )
        words = found.words
        if found.agreed is not None and words is not None:
            yield Fact(
                label=_("Got") if found.agreed.we_pay else _("Gave"),
                text=f"{words.done_by}, {self._signers.name(found.agreed.other)}",
            )
            yield Fact(label=_("Between the schemes"), text=hours_words(found.agreed.quote.hours, voice))
        if words is not None and words.text:
            yield Fact(label=_("What for"), text=words.text)
        yield Fact(label=_("Written"), text=voice.moment(found.time_ms))
        yield Fact(label=_("Reference"), text=found.reference)
        yield Fact(label=_("Number in the book"), text=str(found.seq))
        if words is None:
            yield Fact(label=_("Names and texts"), text=_("Not in this file"))
        if found.corrects is not None:
            yield Fact(label=_("Puts right"), text=_("an earlier trade"))

    def _others(self) -> Iterable[SchemeShown]:
        _, found = self._voice.words.gettext, self._found
        if found.agreed is not None:
            yield self._signers.shown(_("The other scheme"), found.agreed.other)
        yield from self._signers.vouching(found.included)

    def _person(self, leg: Moved) -> str:
        own = {"scheme": self._signers.name(self._found.own)}
        return leg.name or self._voice.words.gettext("Somebody of %(scheme)s") % own

    def _amount(self, amount: int, signer: Signer) -> str:
        return self._voice.spoken(amount, unit_of_scheme(signer.says))


ROUTES: Final = (
    get("/verify", verify_page),
    get("/verify/{reference}/{code}", paper),
    post_file("/verify", look_at_file, RECEIPT_BYTES_MAX, always=True),
)
